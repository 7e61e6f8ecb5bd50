//! Jinja inside YAML values (`+enabled: "{{ var('x', true) }}"`), as dbt renders them: one
//! expression alone keeps its type, anything else is text.

use super::ast::Node;
use super::eval::evaluate_expr;
use super::{Evaluation, Inline, Inputs, MacroLibrary, Mode, Piece, Value, evaluate, parse};
use serde_json::Value as Json;

/// A look-up of project variables: none where a name is not set, `Some(None)` where its value is
/// not known before dbt runs.
pub type Vars<'a> = &'a (dyn Fn(&str) -> Option<Option<Json>> + Sync);

/// The value of a YAML string; `None` where it is not known before dbt runs. Text without Jinja is
/// itself, but for the line feed at its end, which Jinja drops.
pub fn render_native(
    text: &str,
    adapter: Option<&str>,
    target: Option<&str>,
    var: Vars,
) -> Option<Json> {
    if !text.contains("{{") && !text.contains("{%") {
        return Some(Json::from(text.strip_suffix('\n').unwrap_or(text)));
    }
    let template = parse(text);
    if !template.errors.is_empty() {
        return None;
    }
    let library = MacroLibrary::default();
    let inputs = Inputs {
        src: text,
        nodes: &template.nodes,
        macros: &library,
        package: "",
        adapter,
        target,
        var,
        mode: Mode::Parse,
        inline: Inline::Never,
        model: None,
        earlier: None,
    };
    if let [Node::Output(expr, _)] = &template.nodes[..] {
        let value = evaluate_expr(&inputs, expr);
        return match value {
            Value::Undefined => Some(Json::from("")),
            value => value.to_json(),
        };
    }
    let Evaluation {
        pieces, exhausted, ..
    } = evaluate(&inputs);
    if exhausted {
        return None;
    }
    let mut out = String::new();
    for piece in &pieces {
        match piece {
            Piece::Verbatim(r) => out.push_str(text.get(r.start as usize..r.end as usize)?),
            Piece::Inserted(t, _) => out.push_str(t),
            Piece::Relation(..) | Piece::Unknown(_) => return None,
        }
    }
    if out.ends_with('\n') {
        out.pop();
    }
    Some(Json::from(out))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn native(text: &str) -> Option<Json> {
        render_native(text, Some("snowflake"), None, &|n| {
            (n == "on").then_some(Some(json!(false)))
        })
    }

    #[test]
    fn one_expression_keeps_its_type() {
        assert_eq!(native("{{ var('on', true) }}"), Some(json!(false)));
        assert_eq!(native("{{ var('x', true) }}"), Some(json!(true)));
        assert_eq!(native("{{ var('x', true) | as_bool }}"), Some(json!(true)));
        assert_eq!(
            native("{{ target.type == 'snowflake' }}"),
            Some(json!(true))
        );
        assert_eq!(native("a_{{ var('x', 1) }}"), Some(json!("a_1")));
        assert_eq!(native("plain"), Some(json!("plain")));
        assert_eq!(native("a\n\n"), Some(json!("a\n")));
        assert_eq!(native("{{ 1 }} a\n"), Some(json!("1 a")));
        assert_eq!(native("{{ target.name == 'prod' }}"), None);
        assert_eq!(native("{{ env_var('X') }}"), None);
        assert_eq!(native("{{ broken"), None);
        assert_eq!(
            native("{{ 'table' if target.type == 'bigquery' else 'view' }}"),
            Some(json!("view"))
        );
    }
}
