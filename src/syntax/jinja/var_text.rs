//! Variables whose text is a template itself: dbt renders it for the file that asks.

use super::eval::{CallKind, Evaluator, Inputs, evaluate_within};
use super::value::{Piece, RelationId, Value};
use super::{Inline, parse};
use std::ops::Range;

/// Work that a variable's own Jinja may take.
const FUEL: u32 = 2_000;

/// What a variable's text came to.
#[derive(Debug, Clone)]
pub(super) struct Rendered {
    value: Value,
    /// The relations it asked for.
    asked: Vec<RelationId>,
}

impl Evaluator<'_> {
    /// The value of a variable whose text may ask for a relation. A text is evaluated once, however
    /// often it is asked for.
    pub(super) fn var_template(&mut self, text: &str, range: &Range<u32>) -> Value {
        let known = self.var_texts.get(text).cloned();
        let rendered = known.unwrap_or_else(|| {
            let rendered = self.render_var(text);
            self.var_texts.insert(text.into(), rendered.clone());
            rendered
        });
        self.spend_on(rendered.asked.len() as u32);
        for id in rendered.asked {
            self.record(CallKind::Relation(id), range);
        }
        rendered.value
    }

    fn render_var(&mut self, text: &str) -> Rendered {
        let template = parse(text);
        let package = self.package.clone();
        let inputs = Inputs {
            src: text,
            nodes: &template.nodes,
            macros: self.inputs.macros,
            package: &package,
            adapter: self.inputs.adapter,
            target: self.inputs.target,
            // A variable may name itself.
            var: &|_| None,
            mode: self.inputs.mode,
            inline: Inline::Never,
            model: self.inputs.model,
            earlier: None,
        };
        let granted = self.fuel.min(FUEL);
        let (evaluation, left) = evaluate_within(&inputs, granted);
        self.spend_on(granted - left);
        self.out.assumed |= evaluation.assumed;
        let mut ids = Vec::new();
        for relation in evaluation.visited.relations {
            ids.push(self.relation(relation));
        }
        let asked = evaluation.calls.iter().filter_map(|call| match call.kind {
            CallKind::Relation(id) => Some(ids[id.0 as usize]),
            _ => None,
        });
        let value = match &evaluation.pieces[..] {
            [Piece::Relation(id, _)] => Value::Relation(ids[id.0 as usize]),
            pieces if left > 0 => {
                known_text(text, pieces).map_or(Value::Unknown, |t| Value::str(&t))
            }
            _ => Value::Unknown,
        };
        Rendered {
            value,
            asked: asked.collect(),
        }
    }
}

fn known_text(text: &str, pieces: &[Piece]) -> Option<String> {
    let known = pieces.iter().map(|piece| match piece {
        Piece::Verbatim(r) => text.get(r.start as usize..r.end as usize),
        Piece::Inserted(t, _) => Some(&**t),
        Piece::Relation(..) | Piece::Unknown(_) => None,
    });
    known.collect()
}
