//! Intermediate models, marts and applications: import CTEs, joins, a final select.

use super::Plan;
use super::columns::{Column, Derived, From, STATUSES};
use super::defects::{Defect, Kind as Defects};
use super::lookalikes::Lookalike;
use super::plan::{Layer, Model, Shape, StarForm};
use super::render::{evidence_in_comment, header};
use super::rng::Rng;
use super::spice;
use super::sql::{Reference, Sql, list, relation};
use super::words::ENTITIES;

/// The model's file without byte order mark and line ending look-alikes.
pub fn render(plan: &Plan, model: &Model, defect: Option<&Defect>, rng: Rng) -> Sql {
    let mut top = config(plan, model);
    top.append(&header(plan, model));
    if let Shape::Star(form) = model.shape {
        star(plan, model, defect, form, &mut top);
        return top;
    }
    let mut body = Body::new(plan, model, defect, rng);
    body.base();
    body.parents();
    body.shape();
    spice::lookalikes(&mut body);
    spice::defect(&mut body);
    body.write(top)
}

/// A file's parts before they are put in order.
pub struct Body<'a> {
    pub plan: &'a Plan,
    pub model: &'a Model,
    pub defect: Option<&'a Defect>,
    rng: Rng,
    /// Names of the parents' import CTEs.
    aliases: Vec<String>,
    /// The relation that the joins start from.
    pub base: String,
    /// Lines before `with`.
    pub before: Sql,
    /// CTEs in order: name and body.
    pub ctes: Vec<(String, Sql)>,
    /// Whole join clauses.
    pub joins: Vec<Sql>,
    /// Conditions, joined by `and`.
    pub wheres: Vec<Sql>,
    /// What follows the conditions.
    pub tail: Sql,
    /// The line above the last select.
    pub closing: Sql,
}

impl<'a> Body<'a> {
    fn new(plan: &'a Plan, model: &'a Model, defect: Option<&'a Defect>, rng: Rng) -> Self {
        let mut aliases: Vec<String> = Vec::new();
        for &parent in &model.parents {
            let plural = ENTITIES[plan.models[parent].entity].0;
            let same = aliases
                .iter()
                .filter(|alias| alias.starts_with(plural))
                .count();
            aliases.push(if same == 0 {
                plural.to_owned()
            } else {
                format!("{plural}_{}", same + 1)
            });
        }
        Self {
            plan,
            model,
            defect,
            rng,
            base: aliases[0].clone(),
            aliases,
            before: Sql::new(),
            ctes: Vec::new(),
            joins: Vec::new(),
            wheres: Vec::new(),
            tail: Sql::new(),
            closing: Sql::new(),
        }
    }

    /// Adds an import CTE.
    pub fn import(&mut self, alias: &str, relation: &Sql) {
        let mut sql = Sql::text("    select * from ");
        sql.append(relation);
        self.ctes.push((alias.to_owned(), sql));
    }

    /// Adds a CTE of plain SQL.
    pub fn cte(&mut self, name: &str, text: &str) {
        self.ctes.push((name.to_owned(), Sql::text(text)));
    }

    /// Joins `name` to the base on the account, keeping the base's rows.
    pub fn left_join(&mut self, name: &str) {
        let base = &self.base;
        self.joins.push(Sql::text(format!(
            "left join {name} on {base}.account_id = {name}.account_id"
        )));
    }

    /// Adds a plain condition.
    pub fn condition(&mut self, text: String) {
        self.wheres.push(Sql::text(text));
    }

    fn base(&mut self) {
        for (place, &parent) in self.model.parents.iter().enumerate() {
            let mut sql = Sql::new();
            sql.reference(&self.plan.models[parent].name);
            let alias = self.aliases[place].clone();
            self.import(&alias, &sql);
        }
        match self.model.shape {
            Shape::Aggregate => self.aggregated(),
            Shape::Union => self.unioned(),
            _ => {}
        }
    }

    fn aggregated(&mut self) {
        let base = self.base.clone();
        let mut lines = Vec::new();
        for column in self.base_columns() {
            let name = self.name(column);
            lines.push(match column.from {
                From::Agg("count", _) => format!("count(*) as {name}"),
                From::Agg(function, of) => {
                    format!("{function}({base}.{}) as {name}", self.plan.vocab.name(of))
                }
                _ => format!("{base}.{name}"),
            });
        }
        let mut sql = Sql::text("    select\n");
        list(&mut sql, 8, &lines);
        sql.add(format!("    from {base}\n    group by {base}.account_id"));
        self.ctes.push(("aggregated".to_owned(), sql));
        self.base = "aggregated".to_owned();
    }

    fn unioned(&mut self) {
        let mut sql = Sql::new();
        for branch in 0..2 {
            let parent = &self.plan.models[self.model.parents[branch]];
            let alias = &self.aliases[branch];
            let mut lines = Vec::new();
            for column in self.base_columns() {
                let name = self.name(column);
                let known = parent.columns.iter().any(|other| other.id == column.id);
                lines.push(match column.from {
                    From::Derived(Derived::RecordId) => {
                        format!("{alias}.{} as {name}", self.name(parent.columns[0]))
                    }
                    From::Derived(_) => format!("'{alias}' as {name}"),
                    _ if known => format!("{alias}.{name}"),
                    _ => format!("null as {name}"),
                });
            }
            sql.add("    select\n");
            list(&mut sql, 8, &lines);
            sql.add(format!("    from {alias}"));
            if branch == 0 {
                sql.add("\n\n    union all\n\n");
            }
        }
        self.ctes.push(("unioned".to_owned(), sql));
        self.base = "unioned".to_owned();
    }

    /// Columns that the base brings along by their final names.
    fn base_columns(&self) -> Vec<Column> {
        let of_base = |column: &Column| {
            matches!(
                column.from,
                From::Parent(0)
                    | From::Agg(..)
                    | From::Derived(Derived::RecordId | Derived::RecordOrigin)
            )
        };
        self.model.columns.iter().copied().filter(of_base).collect()
    }

    fn parents(&mut self) {
        let joined = if self.model.shape == Shape::Union {
            2
        } else {
            1
        };
        let base_names: Vec<u32> = match self.model.shape {
            Shape::Union | Shape::Aggregate => {
                self.base_columns().iter().map(|column| column.id).collect()
            }
            _ => self.plan.models[self.model.parents[0]]
                .columns
                .iter()
                .map(|column| column.id)
                .collect(),
        };
        for place in joined..self.model.parents.len() {
            let key = self.plan.models[self.model.parents[place]].columns[0].id;
            let column = if base_names.contains(&key) {
                self.plan.vocab.name(key)
            } else {
                "account_id"
            };
            let (base, alias) = (&self.base, &self.aliases[place]);
            // An inner join on the base's column takes nothing from a left join before it.
            let kind = if self.rng.percent(20) {
                "inner"
            } else {
                "left"
            };
            self.joins.push(Sql::text(format!(
                "{kind} join {alias} on {base}.{column} = {alias}.{column}"
            )));
        }
    }

    fn shape(&mut self) {
        let base = self.base.clone();
        match self.model.shape {
            Shape::Window => {
                let key = self
                    .name(self.plan.models[self.model.parents[0]].columns[0])
                    .to_owned();
                self.tail.add(format!(
                    "\n    qualify row_number() over (partition by {base}.{key} order by \
                        {base}.updated_at desc, {base}.created_at) = 1"
                ));
            }
            Shape::Pivot => self.pivot(&base),
            Shape::VarSwitch => {
                let mut sql = Sql::new();
                sql.jinja(
                    format!(
                        "{{% if var('include_test_accounts', false) %}}\n        {base}.status \
                            is not null\n        \
                         {{% else %}}\n        {base}.status <> 'test'\n        {{% endif %}}"
                    ),
                    format!("\n        {base}.status <> 'test'\n        "),
                );
                self.wheres.push(sql);
            }
            Shape::Incremental => {
                self.condition(format!("{base}.account_id is not null"));
                let model = relation(&self.model.name);
                self.tail.jinja(
                    format!(
                        "\n    {{% if is_incremental() %}}\n        and {base}.updated_at > \
                            (select max(updated_at) from {{{{ this }}}})\n    {{% endif %}}"
                    ),
                    format!("\n    /* {model} is built from scratch */"),
                );
            }
            _ => {}
        }
    }

    fn pivot(&mut self, base: &str) {
        let statuses = format!("'{}'", STATUSES.join("', '"));
        self.before
            .jinja(format!("{{% set statuses = [{statuses}] %}}\n\n"), "\n\n");
        let mut sql = Sql::text("    select\n        account_id,\n");
        let compiled: Vec<String> = STATUSES
            .iter()
            .map(|status| {
                format!(
                    "        sum(case when status = '{status}' then amount_net \
                else 0 end) as {status}_amount"
                )
            })
            .collect();
        sql.jinja(
            "        {% for status in statuses %}\n        sum(case when status = '{{ status }}' \
                then amount_net else 0 end) \
             as {{ status }}_amount{% if not loop.last %},{% endif %}\n        {% endfor %}\n",
            compiled.join(",\n") + "\n",
        );
        sql.add(format!("    from {base}\n    group by account_id"));
        self.ctes.push(("pivoted".to_owned(), sql));
        self.left_join("pivoted");
    }

    fn name(&self, column: Column) -> &str {
        self.plan.vocab.name(column.id)
    }

    fn select_list(&self) -> Vec<String> {
        let base = &self.base;
        let line = |column: &Column| {
            let name = self.name(*column);
            match column.from {
                From::Parent(place) if place > 0 => {
                    format!("{}.{name}", self.aliases[usize::from(place)])
                }
                From::Derived(Derived::StatusAmount(_)) => {
                    format!("coalesce(pivoted.{name}, 0) as {name}")
                }
                From::Derived(Derived::CreatedYear) => {
                    format!("extract(year from {base}.created_at) as {name}")
                }
                _ => format!("{base}.{name}"),
            }
        };
        self.model.columns.iter().map(line).collect()
    }

    fn write(mut self, mut sql: Sql) -> Sql {
        sql.append(&self.before);
        sql.add("with\n\n");
        let joined = self.joined();
        self.ctes.push(("joined".to_owned(), joined));
        let mut last = Sql::text("    select\n");
        if self.model.has(Lookalike::StarOverNamedCte) {
            last = Sql::text("    select * from joined");
        } else {
            let names: Vec<String> = self
                .model
                .columns
                .iter()
                .map(|column| self.name(*column).to_owned())
                .collect();
            list(&mut last, 8, &names);
            last.add("    from joined");
        }
        self.ctes.push(("final".to_owned(), last));
        let count = self.ctes.len();
        for (place, (name, body)) in self.ctes.iter().enumerate() {
            sql.add(format!("{name} as (\n\n"));
            sql.append(body);
            sql.add(if place + 1 == count {
                "\n\n)\n\n"
            } else {
                "\n\n),\n\n"
            });
        }
        sql.append(&self.closing);
        sql.add("select * from final\n");
        sql
    }

    fn joined(&self) -> Sql {
        let mut sql = Sql::text("    select\n");
        list(&mut sql, 8, &self.select_list());
        sql.add(format!("    from {}", self.base));
        for join in &self.joins {
            sql.add("\n    ");
            sql.append(join);
        }
        if self
            .defect
            .is_some_and(|defect| defect.kind == Defects::JinjaSyntax)
        {
            sql.add("\n    ");
            sql.mark();
            sql.add("{% if var('only_recent', true) %}");
        }
        for (place, condition) in self.wheres.iter().enumerate() {
            sql.add(if place == 0 {
                "\n    where "
            } else {
                "\n        and "
            });
            sql.append(condition);
        }
        sql.append(&self.tail);
        sql
    }
}

/// Whether a mart's config names clustering keys.
pub fn is_clustered(model: &Model) -> bool {
    let plain = model.shape != Shape::Incremental;
    model.layer == Layer::Mart && plain && model.columns.len().is_multiple_of(3)
}

fn config(plan: &Plan, model: &Model) -> Sql {
    let mut sql = Sql::new();
    let key = plan.vocab.name(model.columns[0].id);
    if model.shape == Shape::Incremental {
        sql.jinja(
            format!(
                "{{{{\n    config(\n        materialized='incremental',\n        \
                    incremental_strategy='merge',\n        \
                 unique_key='{key}',\n        on_schema_change='append_new_columns'\n    )\n}}}}\
                 \n\n"
            ),
            "\n\n",
        );
    } else if is_clustered(model) {
        sql.jinja(
            format!("{{{{ config(materialized='table', cluster_by=['{key}']) }}}}\n\n"),
            "\n\n",
        );
    }
    sql
}

/// A model that is nothing but a star.
fn star(plan: &Plan, model: &Model, defect: Option<&Defect>, form: StarForm, sql: &mut Sql) {
    let parent = &plan.models[model.parents[0]];
    let alias = ENTITIES[parent.entity].0;
    if form == StarForm::Import || form == StarForm::ThroughFinal {
        sql.add(format!("with\n\n{alias} as (\n\n    select * from "));
        sql.reference(&parent.name);
        if form == StarForm::ThroughFinal {
            sql.add(format!(
                "\n\n),\n\nfinal as (\n\n    select * from {alias}\n\n)\n\nselect * from final\n"
            ));
        } else {
            sql.add(format!("\n\n)\n\nselect * from {alias}\n"));
        }
        return;
    }
    // Only here does the star have one line that nobody can argue about.
    sql.mark();
    if form == StarForm::Qualified {
        sql.add(format!("select {alias}.*, 'latest' as star_label from "));
        sql.reference(&parent.name);
        sql.add(format!(" as {alias}\n"));
        return;
    }
    sql.add("select * from ");
    sql.reference(&parent.name);
    if model.has(Lookalike::SuppressedStar) {
        sql.add(
            " -- harness-lint: ignore[sql/star-output] the export contract follows the model above",
        );
    } else if defect.is_some_and(|defect| defect.kind == Defects::SuppressionReason) {
        sql.add(" -- harness-lint: ignore[sql/star-output]");
    }
    sql.add("\n");
}

/// The edge of a forbidden-edge defect, as a comment or as an import CTE.
pub fn forbidden_edge(body: &mut Body<'_>) {
    let Some(target) = body.defect.and_then(|defect| defect.target) else {
        return;
    };
    let mut sql = Sql::new();
    sql.mark();
    sql.reference(&body.plan.models[target].name);
    if evidence_in_comment(body.defect) {
        body.before.add("-- depends_on: ");
        body.before.append(&sql);
        body.before.add("\n");
    } else {
        body.import("shortcut", &sql);
        body.left_join("shortcut");
    }
}

/// The reference that a macro makes for whoever calls it.
pub fn macro_reference(plan: &Plan) -> Reference {
    Reference::Node(plan.models[0].name.clone())
}
