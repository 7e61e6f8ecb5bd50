//! How long each step takes on a generated project of 1,000 models, and each step of the front end
//! on one thread, in bytes of SQL per second. `HARNESS_BENCH_PROJECT=<directory>` gives a dbt
//! project of your own instead.
//!
//! `cargo bench` compares with the run before; whole processes on larger projects are timed with
//! the commands in benches/README.md.
#![allow(clippy::unwrap_used, missing_docs)]

mod declared_rules;
#[path = "generator/mod.rs"]
#[allow(dead_code)]
mod generator;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use generator::{Spec, generate};
use harness_lint::check::{Scope, check};
use harness_lint::declared;
use harness_lint::load::{self, Role};
use harness_lint::project::{self, Options};
use harness_lint::registry::{self, Entry, RuleFilter};
use harness_lint::run::{self, Request};
use harness_lint::syntax::jinja::ast::Node;
use harness_lint::syntax::jinja::{self, Inline, Inputs, MacroLibrary, Mode};
use harness_lint::syntax::sql::{self, Dialect};
use harness_lint::syntax::template::{Environment, understand};
use harness_lint::syntax::yaml;
use harness_lint::text::FileId;
use harness_lint::threads;
use std::hint::black_box;
use std::path::PathBuf;

/// The steps from a model's file to its tree, each on what the one before it gives.
fn front_end(c: &mut Criterion, place: &load::Place) {
    let loaded = load::load(place.clone());
    let models: Vec<_> = loaded
        .members
        .iter()
        .filter(|m| m.role == Role::Model && m.package == 0)
        .map(|m| (m.file, loaded.files.get(m.file)))
        .collect();
    let bytes: usize = models.iter().map(|(_, f)| f.text.len()).sum();
    let macros = MacroLibrary::new("generated");
    let dialect = Dialect::Snowflake;
    let env = Environment {
        macros: &macros,
        package: "generated",
        adapter: Some("snowflake"),
        target: None,
        var: &|_| None,
        dialect,
        keep_text: false,
        model: None,
    };
    let evaluated = |src: &str, nodes: &[Node]| {
        jinja::evaluate(&Inputs {
            src,
            nodes,
            macros: &macros,
            package: "generated",
            adapter: Some("snowflake"),
            target: None,
            model: None,
            var: &|_| None,
            mode: Mode::Sql,
            inline: Inline::Touching,
            earlier: None,
        })
    };
    let mut group = c.benchmark_group("front end, one thread");
    group.sample_size(10);
    group.throughput(Throughput::Bytes(bytes as u64));

    let paths: Vec<PathBuf> = models
        .iter()
        .map(|(_, f)| place.project_dir.join(&f.path))
        .collect();
    group.bench_function("read", |b| {
        b.iter(|| {
            paths
                .iter()
                .map(|p| std::fs::read(p).unwrap().len())
                .sum::<usize>()
        });
    });
    group.bench_function("Jinja: lex and parse", |b| {
        b.iter(|| {
            models
                .iter()
                .for_each(|(_, f)| drop(black_box(jinja::parse(&f.text))))
        });
    });
    let templates: Vec<_> = models.iter().map(|(_, f)| jinja::parse(&f.text)).collect();
    group.bench_function("Jinja: evaluate and render", |b| {
        b.iter(|| {
            for ((_, f), t) in models.iter().zip(&templates) {
                let pieces = evaluated(&f.text, &t.nodes).pieces;
                black_box(sql::render(&f.text, &pieces, dialect));
            }
        });
    });
    let rendered: Vec<_> = models
        .iter()
        .zip(&templates)
        .map(|((id, f), t)| {
            let pieces = evaluated(&f.text, &t.nodes).pieces;
            (*id, sql::render(&f.text, &pieces, dialect))
        })
        .collect();
    group.bench_function("tokens", |b| {
        b.iter(|| {
            for (_, r) in &rendered {
                drop(black_box(sql::tokenise(dialect, &r.text)));
            }
        });
    });
    group.bench_function("tokens, parse", |b| {
        b.iter(|| {
            for (_, r) in &rendered {
                let tokens = sql::tokenise(dialect, &r.text).unwrap();
                drop(black_box(sql::parse(dialect, tokens)));
            }
        });
    });
    group.bench_function("tokens, parse, lower", |b| {
        b.iter(|| {
            for (id, r) in &rendered {
                drop(black_box(sql::query(*id, r, dialect)));
            }
        });
    });
    group.bench_function("whole, without reading", |b| {
        b.iter(|| {
            for (id, f) in &models {
                let template = jinja::parse(&f.text);
                let nodes = &template.nodes;
                black_box(understand(*id, &f.text, &template, nodes, &env, true));
            }
        });
    });
    group.finish();
}

fn declared(text: &str) -> Entry {
    let mut rule = declared::read(&yaml::parse(FileId(0), text), None).unwrap();
    rule.own = true;
    Entry::Declared(Box::new(rule))
}

fn pipeline(c: &mut Criterion) {
    rayon::ThreadPoolBuilder::new()
        .stack_size(threads::STACK_BYTES)
        .build_global()
        .unwrap();
    let dir = tempfile::tempdir().unwrap();
    let own = std::env::var_os("HARNESS_BENCH_PROJECT").map(PathBuf::from);
    let at = own.unwrap_or_else(|| {
        let at = dir.path().join("project");
        let spec = Spec {
            models: 1_000,
            defects: 0.05,
            ..Spec::default()
        };
        generate(&at, &spec).unwrap();
        at
    });
    let request = Request {
        cwd: at.clone(),
        project_dir: Some(at),
        ..Request::default()
    };
    let (place, _) = run::configure(&request).unwrap();
    front_end(c, &place);
    let mut group = c.benchmark_group("project");
    group.sample_size(20);

    group.bench_function("load", |b| b.iter(|| load::load(place.clone())));

    group.bench_function("project", |b| {
        b.iter_batched(
            || {
                (
                    load::load(place.clone()),
                    run::configure(&request).unwrap().1,
                )
            },
            |(loaded, config)| project::build(loaded, config, &Options::default()).unwrap(),
            BatchSize::PerIteration,
        );
    });

    let prepared = run::prepare(&request).unwrap();
    group.bench_function("check", |b| {
        b.iter(|| check(&prepared.project, &prepared.rules, &Scope::default()));
    });
    // Against "check" and "project": 200 declared rules cost less than all the rest.
    let texts = declared_rules::rules(200);
    let own: Vec<Entry> = texts.iter().map(|t| declared(t)).collect();
    let config = &prepared.project.config;
    group.bench_function("200 declared rules", |b| {
        b.iter_batched(
            || {
                let mut rules = registry::active(config, &own, &RuleFilter::default()).unwrap();
                rules.retain(|r| r.meta.id.starts_with("ap/r"));
                assert_eq!(rules.len(), 200);
                rules
            },
            |rules| check(&prepared.project, &rules, &Scope::default()),
            BatchSize::PerIteration,
        );
    });

    group.bench_function("whole", |b| b.iter(|| run::check(&request).unwrap()));
    group.finish();
}

criterion_group!(benches, pipeline);
criterion_main!(benches);
