//! What a template prints only under a condition: a run may send it or not.

use super::jinja;
use super::jinja::ast::{BinaryOp, Expr, ExprKind, Node};
use crate::text::{FileId, Span};

/// A part of a file under its own `{% if %}`, or in a loop over what is not written there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conditional {
    /// Where.
    pub span: Span,
    /// Jinja prints it: a macro, a variable, a relation.
    pub printed: bool,
    /// The condition asks whether rows are there already, `is_incremental()`: it decides about
    /// rows, not about columns.
    pub incremental: bool,
}

/// The parts of a file that a run may send or not, blank ones aside.
pub fn parts(file: FileId, src: &str) -> Vec<Conditional> {
    let template = jinja::parse(src);
    let mut walk = Walk {
        file,
        src,
        out: Vec::new(),
    };
    walk.nodes(&template.nodes, None, 0);
    walk.out
}

struct Walk<'a> {
    file: FileId,
    src: &'a str,
    out: Vec<Conditional>,
}

/// The block tree is bounded by its parser; this only bounds the recursion on its own account.
const MAX_DEPTH: usize = 200;

impl Walk<'_> {
    /// `under`: is there a condition, and does it ask for rows only?
    fn nodes(&mut self, nodes: &[Node], under: Option<bool>, depth: usize) {
        if depth > MAX_DEPTH {
            return;
        }
        for node in nodes {
            match node {
                Node::Text(range) => self.part(range.start, range.end, under, false),
                Node::Output(_, range) => self.part(range.start, range.end, under, true),
                Node::If(branches) => {
                    let mut conditions = branches.iter().filter_map(|(c, _)| c.as_ref());
                    let incremental = conditions.all(asks_for_rows) && under.unwrap_or(true);
                    for (_, body) in branches {
                        self.nodes(body, Some(incremental), depth + 1);
                    }
                }
                Node::For(list) => {
                    let written = matches!(list.iter.kind, ExprKind::List(_) | ExprKind::Tuple(_));
                    let under = if written { under } else { Some(false) };
                    self.nodes(&list.body, under, depth + 1);
                }
                Node::Group { body, .. } => self.nodes(body, under, depth + 1),
                _ => {}
            }
        }
    }

    fn part(&mut self, start: u32, end: u32, under: Option<bool>, printed: bool) {
        let Some(incremental) = under else { return };
        let span = Span::new(self.file, start as usize, end as usize);
        let text = self.src.get(span.range()).unwrap_or("");
        if printed || !text.trim().is_empty() {
            self.out.push(Conditional {
                span,
                printed,
                incremental,
            });
        }
    }
}

/// Is `is_incremental()` a part of the condition?
fn asks_for_rows(condition: &Expr) -> bool {
    match &condition.kind {
        ExprKind::Call(callee, _) => {
            matches!(&callee.kind, ExprKind::Name(name) if &**name == "is_incremental")
        }
        ExprKind::Unary(_, value) => asks_for_rows(value),
        ExprKind::Binary(BinaryOp::And | BinaryOp::Or, a, b) => {
            asks_for_rows(a) || asks_for_rows(b)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(src: &str) -> Vec<(String, bool, bool)> {
        let all = parts(FileId(0), src).into_iter();
        all.map(|c| {
            let text = src[c.span.range()].trim().to_owned();
            (text, c.printed, c.incremental)
        })
        .collect()
    }

    #[test]
    fn what_stands_under_a_condition_is_found() {
        let src = "select a {% if var('x') %}, b, {{ c() }}{% else %}, d{% endif %} from t \
                   {% if is_incremental() and x %}where e{% endif %}{% for f in [1] %}g{% endfor %}\
                   {% for f in fs %}h{% endfor %}{% if z %} {% set y = 1 %} {% endif %}";
        let wanted = [
            (", b,", false, false),
            ("{{ c() }}", true, false),
            (", d", false, false),
            ("where e", false, true),
            ("h", false, false),
        ];
        let found = found(src);
        let found: Vec<_> = found.iter().map(|(t, p, i)| (t.as_str(), *p, *i)).collect();
        assert_eq!(found, wanted);
    }
}
