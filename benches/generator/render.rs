//! A model's file, whatever its layer, and the parts that all layers share.

use super::Plan;
use super::defects::Defect;
use super::downstream;
use super::lookalikes::Lookalike;
use super::plan::{Layer, Model};
use super::rng::Rng;
use super::sql::Sql;
use super::staging;

/// The text of model number `index`, with `defect` or, for a manifest made before it, without.
pub fn render(plan: &Plan, index: usize, defect: Option<&Defect>) -> Sql {
    let model = &plan.models[index];
    let rng = Rng::fork(plan.spec.seed, index);
    match model.layer {
        Layer::Staging => staging::render(plan, model, defect, rng),
        _ => downstream::render(plan, model, defect, rng),
    }
}

/// The bytes of the file: a look-alike may ask for a byte order mark or other line endings.
pub fn encode(model: &Model, text: &str) -> Vec<u8> {
    let text = if model.has(Lookalike::Crlf) {
        text.replace('\n', "\r\n")
    } else {
        text.to_owned()
    };
    let mut bytes = Vec::with_capacity(text.len() + 3);
    if model.has(Lookalike::Bom) {
        bytes.extend_from_slice("\u{feff}".as_bytes());
    }
    bytes.extend_from_slice(text.as_bytes());
    bytes
}

/// The look-alikes that are comments at the top of a file.
pub fn header(plan: &Plan, model: &Model) -> Sql {
    let mut sql = Sql::new();
    let source = &plan.sources[model.entity % plan.sources.len()].name;
    if model.has(Lookalike::TableInComment) {
        sql.add(format!(
            "-- taken over from raw.{source}.orders, join prod.customers went away\n"
        ));
        sql.add(format!(
            "/* select * from raw.{source}.orders\n   left join prod.dim_stores on true */\n"
        ));
    }
    if model.has(Lookalike::RefInJinjaComment) {
        sql.jinja(
            "{# once from {{ ref('nope_in_comment') }}, or ref('nope') #}\n",
            "\n",
        );
    }
    if model.has(Lookalike::RefInRaw) {
        let call = "{{ ref('nope_in_raw') }}";
        sql.jinja(
            format!("-- {{% raw %}}{call}{{% endraw %}} is how a ref is written\n"),
            format!("-- {call} is how a ref is written\n"),
        );
    }
    if model.has(Lookalike::MultiByte) {
        sql.add("-- Größe und Prüfung – 納品サイズ 🚚 „so heißt es im Quellsystem“\n");
    }
    sql
}

/// Whether a forbidden edge stands in a SQL comment, where dbt renders it all the same.
pub fn evidence_in_comment(defect: Option<&Defect>) -> bool {
    defect.is_some_and(|defect| defect.variant / 4 % 2 == 1)
}
