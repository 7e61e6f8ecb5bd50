//! Staging models: source, renamed, filtered, enhanced, final, and what is planted in them.

use super::Plan;
use super::columns::{Column, Derived, From};
use super::defects::{Defect, Kind as Defects};
use super::lookalikes::Lookalike;
use super::plan::{Model, last_segment};
use super::render::header;
use super::rng::Rng;
use super::sql::Sql;
use super::words::{ENTITIES, Kind};

/// The pattern, in order.
pub const SEQUENCE: [&str; 5] = ["source", "renamed", "filtered", "enhanced", "final"];

/// The names that a cte-missing defect leaves out, by variant. All five means: no CTE at all.
pub const MISSING: [&[&str]; 7] = [
    &["filtered"],
    &["enhanced"],
    &["final"],
    &["filtered", "enhanced"],
    &["source"],
    &SEQUENCE,
    &["renamed"],
];

/// The tags of a tags defect, by variant; none at all in one of them.
pub fn wrong_tags(variant: usize) -> Option<Vec<&'static str>> {
    Some(match variant % 6 {
        0 => vec!["{source}", "staging", "old"],
        1 => vec!["staging", "{source}", "acme"],
        2 => vec!["{source}", "acme"],
        3 => vec!["{source}", "staging", "acme", "nightly"],
        4 => return None,
        _ => vec!["other_system", "staging", "acme"],
    })
}

/// The model's file without byte order mark and line ending look-alikes.
pub fn render(plan: &Plan, model: &Model, defect: Option<&Defect>, rng: Rng) -> Sql {
    let mut staging = Staging {
        plan,
        model,
        defect,
        rng,
        sql: Sql::new(),
    };
    staging.file();
    staging.sql
}

struct Staging<'a> {
    plan: &'a Plan,
    model: &'a Model,
    defect: Option<&'a Defect>,
    rng: Rng,
    sql: Sql,
}

impl Staging<'_> {
    fn source_name(&self) -> &str {
        last_segment(&self.plan.folders[self.model.folder].path)
    }

    fn variant(&self, kind: Defects) -> Option<usize> {
        self.defect
            .filter(|defect| defect.kind == kind)
            .map(|defect| defect.variant)
    }

    fn file(&mut self) {
        self.config();
        let comments = header(self.plan, self.model);
        self.sql.append(&comments);
        let missing = self
            .variant(Defects::CteMissing)
            .map_or(&[][..], |variant| MISSING[variant % MISSING.len()]);
        if missing.len() == SEQUENCE.len() {
            return self.no_cte();
        }
        let names: Vec<&str> = self
            .order()
            .into_iter()
            .filter(|name| !missing.contains(name))
            .collect();
        self.sql.add("with\n\n");
        for (place, name) in names.iter().enumerate() {
            let previous = if place == 0 {
                None
            } else {
                Some(names[place - 1])
            };
            let end = if place + 1 == names.len() {
                "\n\n)\n\n"
            } else {
                "\n\n),\n\n"
            };
            self.sql.add(format!("{name} as (\n\n"));
            self.cte(name, previous, &names);
            self.sql.add(end);
        }
        self.unused_suppression();
        self.sql
            .add(format!("select * from {}\n", names[names.len() - 1]));
    }

    /// The sequence, or one that still runs but is out of order.
    fn order(&self) -> [&'static str; 5] {
        match self.variant(Defects::CteOrder).map(|variant| variant % 2) {
            Some(0) => ["source", "filtered", "renamed", "enhanced", "final"],
            Some(_) => ["source", "renamed", "enhanced", "filtered", "final"],
            None => SEQUENCE,
        }
    }

    fn config(&mut self) {
        if self.variant(Defects::ConfigMissing).is_some() {
            return;
        }
        let tags = self.tags();
        let source = self.source_name().to_owned();
        let materialized = match self
            .variant(Defects::Materialization)
            .map(|variant| variant % 2)
        {
            Some(0) => None,
            Some(_) => Some("materialized='table'"),
            None => Some("materialized='view'"),
        };
        let tags = tags.map(|tags| {
            format!(
                "tags=['{}']",
                tags.join("', '").replace("{source}", &source)
            )
        });
        let parts: Vec<&str> = materialized.into_iter().chain(tags.as_deref()).collect();
        // A defect in the config stands on the config's only line, so its line is beyond doubt.
        let one_line = self.defect.is_some() || self.rng.percent(60);
        if self.variant(Defects::Tags).is_some() || self.variant(Defects::Materialization).is_some()
        {
            self.sql.mark();
        }
        let raw = if one_line {
            format!("{{{{ config({}) }}}}\n\n", parts.join(", "))
        } else {
            format!(
                "{{{{\n    config(\n        {}\n    )\n}}}}\n\n",
                parts.join(",\n        ")
            )
        };
        self.sql.jinja(raw, "\n\n");
    }

    fn tags(&self) -> Option<Vec<&'static str>> {
        match self.variant(Defects::Tags) {
            Some(variant) => wrong_tags(variant),
            None => Some(vec!["{source}", "staging", "acme"]),
        }
    }

    fn cte(&mut self, name: &str, previous: Option<&str>, names: &[&str]) {
        match name {
            "source" => {
                self.sql.add("    select * from ");
                self.table();
            }
            "renamed" => self.renamed(previous),
            "filtered" => self.filtered(previous, names),
            "enhanced" => self.enhanced(previous.unwrap_or("renamed"), names),
            _ => self.last(previous.unwrap_or("renamed"), names),
        }
    }

    fn table(&mut self) {
        let (source, table) = (self.source_name().to_owned(), ENTITIES[self.model.entity].0);
        self.sql.source(&source, table);
    }

    fn from(&mut self, previous: Option<&str>) {
        self.sql.add("    from ");
        match previous {
            Some(previous) => self.sql.add(previous),
            None => self.table(),
        }
    }

    fn renamed(&mut self, previous: Option<&str>) {
        self.sql.add("    select\n");
        self.raw_columns("", true);
        self.sql.add("\n");
        self.from(previous);
    }

    fn filtered(&mut self, previous: Option<&str>, names: &[&str]) {
        let key = self.model.columns[0];
        // Before `renamed` the key still has its raw name.
        let raw = !names.contains(&"renamed") || previous == Some("source");
        let column = if raw {
            self.raw_name(key)
        } else {
            self.name(key).to_owned()
        };
        self.sql.add("    select *\n");
        self.from(previous);
        self.sql.add(format!("\n    where {column} is not null"));
        if raw {
            return;
        }
        if self.model.has(Lookalike::TableInString) {
            self.sql.add(
                "\n        and coalesce(status, '') <> 'select * from prod.orders -- \
                not a comment'",
            );
        }
        if self.rng.percent(40) {
            self.sql
                .add("\n        -- the extract repeats rows that changed during the night\n");
            self.sql.add(format!(
                "    qualify row_number() over (partition by {column} order by updated_at desc) = 1"
            ));
        }
    }

    fn enhanced(&mut self, previous: &str, names: &[&str]) {
        self.sql.add("    select\n");
        if !names.contains(&"renamed") {
            self.raw_columns(",", false);
        } else if self.star_over_named() {
            self.sql.add(format!("        {previous}.*,\n"));
        } else {
            for column in self.raw_list() {
                let line = format!("        {previous}.{},\n", self.name(column));
                self.sql.add(line);
            }
        }
        // Without `renamed` the names are made right here, and only a bare name reaches them.
        self.derived(if names.contains(&"renamed") {
            previous
        } else {
            ""
        });
        self.sql.add(format!("\n    from {previous}"));
        self.forbidden_join(previous);
    }

    fn star_over_named(&self) -> bool {
        self.model.has(Lookalike::StarOverNamedCte)
    }

    /// The edge that staging must not have, in SQL or as a comment that dbt renders.
    fn forbidden_join(&mut self, previous: &str) {
        let Some(target) = self.defect.and_then(|defect| defect.target) else {
            return;
        };
        let name = &self.plan.models[target].name;
        if super::render::evidence_in_comment(self.defect) {
            self.sql.add("\n    -- depends_on: ");
            self.sql.mark();
            self.sql.reference(name);
        } else {
            self.sql.add("\n    left join ");
            self.sql.mark();
            self.sql.reference(name);
            self.sql.add(format!(
                " as lookup on {previous}.account_id = lookup.account_id"
            ));
        }
    }

    fn last(&mut self, previous: &str, names: &[&str]) {
        self.sql.add("    select\n");
        let mut group = "";
        let computes = !names.contains(&"enhanced");
        let lists_raw = computes && !names.contains(&"renamed");
        let columns: Vec<Column> = if computes {
            self.raw_list()
        } else {
            self.model.columns.clone()
        };
        let last = columns.len() - 1;
        for (place, column) in columns.into_iter().enumerate() {
            self.group_comment(column, &mut group);
            let comma = if place == last && !computes { "" } else { "," };
            let expression = if lists_raw {
                self.cast(column)
            } else {
                self.name(column).to_owned()
            };
            self.sql.add(format!("        {expression}{comma}\n"));
        }
        if computes {
            self.derived(previous);
        }
        self.sql.add(format!("\n    from {previous}"));
    }

    fn no_cte(&mut self) {
        self.sql.add("select\n");
        self.raw_columns(",", false);
        self.derived("");
        self.sql.add("\nfrom ");
        self.table();
        self.sql.add("\n");
    }

    /// Columns that come from the source, in the order of the output.
    fn raw_list(&self) -> Vec<Column> {
        self.model
            .columns
            .iter()
            .copied()
            .filter(|column| column.from == From::Raw)
            .collect()
    }

    fn raw_columns(&mut self, end: &str, comments: bool) {
        let columns = self.raw_list();
        let mut group = "";
        let last = columns.len() - 1;
        for (place, column) in columns.into_iter().enumerate() {
            if comments {
                self.group_comment(column, &mut group);
            }
            let comma = if place == last { end } else { "," };
            let line = self.cast(column);
            self.sql.add(format!("        {line}{comma}\n"));
        }
    }

    fn group_comment(&mut self, column: Column, group: &mut &'static str) {
        let comment = match (column.from, self.plan.vocab.kind(column.id)) {
            (From::Derived(Derived::LoadedAt), _) => "dbt metadata",
            (_, Kind::Id) => "identifiers",
            (_, Kind::Date) => "dates",
            (_, Kind::Text) => "descriptive",
            (_, Kind::Number) => "descriptive: measures",
            (_, Kind::Flag) => "system",
            (_, Kind::Json) => "ingestion",
        };
        if comment != *group {
            *group = comment;
            self.sql.add(format!("        -- {comment}\n"));
        }
    }

    fn derived(&mut self, previous: &str) {
        let columns: Vec<Column> = self
            .model
            .columns
            .iter()
            .copied()
            .filter(|column| column.from != From::Raw)
            .collect();
        let dot = if previous.is_empty() {
            String::new()
        } else {
            format!("{previous}.")
        };
        let last = columns.len() - 1;
        for (place, column) in columns.into_iter().enumerate() {
            self.sql.add("        ");
            match column.from {
                From::Derived(Derived::SurrogateKey) => self.surrogate_key(&dot),
                From::Derived(Derived::LoadedAt) => self.sql.add("current_timestamp()"),
                _ => self.sql.add(format!(
                    "case\n            when coalesce({dot}amount_net, 0) >= 1000 then 'large'\
                        \n            \
                     when {dot}status = 'void' then 'none'\n            else 'small'\n        end"
                )),
            }
            let comma = if place == last { "" } else { "," };
            let name = format!(" as {}{comma}\n", self.name(column));
            self.sql.add(name);
        }
    }

    fn surrogate_key(&mut self, dot: &str) {
        // A second relation in the CTE makes a bare name ambiguous.
        let dot = if self.defect.is_some_and(|defect| defect.target.is_some()) {
            dot
        } else {
            ""
        };
        let key = self.name(self.model.columns[0]);
        let second = if key == "account_id" {
            "created_at"
        } else {
            "account_id"
        };
        let (key, second) = (format!("{dot}{key}"), format!("{dot}{second}"));
        let package = if self.plan.spec.parseable {
            ""
        } else {
            "dbt_utils."
        };
        self.sql.jinja(
            format!("{{{{ {package}generate_surrogate_key(['{key}', '{second}']) }}}}"),
            format!(
                "md5(cast(coalesce(cast({key} as text), '_dbt_utils_surrogate_key_null_') || '-' \
                    || \
                 coalesce(cast({second} as text), '_dbt_utils_surrogate_key_null_') as text))"
            ),
        );
    }

    fn name(&self, column: Column) -> &str {
        self.plan.vocab.name(column.id)
    }

    /// The name in the source system, whose taste differs by source.
    fn raw_name(&self, column: Column) -> String {
        let name = self.name(column);
        match self.plan.source_of(self.model).unwrap_or(0) % 3 {
            0 => name.to_uppercase(),
            1 => format!("f_{name}"),
            _ => format!("\"{}\"", camel(name)),
        }
    }

    fn cast(&mut self, column: Column) -> String {
        let (name, raw) = (self.name(column).to_owned(), self.raw_name(column));
        let form = self.rng.below(3);
        let expression = match (self.plan.vocab.kind(column.id), form) {
            (Kind::Id, 0) => format!("{raw}::varchar"),
            (Kind::Id, _) => format!("cast({raw} as varchar)"),
            (Kind::Date, 0) => format!("try_to_timestamp({raw})"),
            (Kind::Date, _) => format!("cast({raw} as timestamp_ntz)"),
            (Kind::Text, 0) => format!("nullif(trim({raw}), '')"),
            (Kind::Text, _) => format!("trim({raw})"),
            (Kind::Number, 0) => format!("coalesce(try_to_number({raw}, 18, 2), 0)"),
            (Kind::Number, _) => format!("cast({raw} as number(18, 2))"),
            (Kind::Flag, 0) => format!("coalesce({raw} = 'Y', false)"),
            (Kind::Flag, _) => format!("cast({raw} as boolean)"),
            (Kind::Json, _) => format!("parse_json({raw})"),
        };
        format!("{expression} as {name}")
    }

    fn unused_suppression(&mut self) {
        if self.variant(Defects::UnusedSuppression).is_some() {
            self.sql.mark();
            self.sql
                .add("-- harness-lint: ignore[sql/star-output] the columns are listed in final\n");
        }
    }
}

fn camel(name: &str) -> String {
    name.split('_')
        .map(|word| {
            let mut letters = word.chars();
            letters.next().map_or(String::new(), |first| {
                first.to_ascii_uppercase().to_string() + letters.as_str()
            })
        })
        .collect()
}
