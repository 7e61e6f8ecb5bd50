//! How long each step takes on a generated project of 1,000 models.
//!
//! `cargo bench` compares with the run before; whole processes on larger projects are timed with
//! the commands in benches/README.md.
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "generator/mod.rs"]
#[allow(dead_code)]
mod generator;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use generator::{Spec, generate};
use harness_lint::check::{Scope, check};
use harness_lint::load::{self, Role};
use harness_lint::project::{self, Options};
use harness_lint::run::{self, Request};
use harness_lint::syntax::jinja::{self, MacroLibrary};
use harness_lint::syntax::sql::Dialect;
use harness_lint::syntax::template::{Environment, understand};
use harness_lint::threads;
use std::hint::black_box;

fn pipeline(c: &mut Criterion) {
    rayon::ThreadPoolBuilder::new()
        .stack_size(threads::STACK_BYTES)
        .build_global()
        .unwrap();
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path().join("project");
    let spec = Spec {
        models: 1_000,
        defects: 0.05,
        ..Spec::default()
    };
    generate(&at, &spec).unwrap();
    let request = Request {
        cwd: at.clone(),
        project_dir: Some(at),
        ..Request::default()
    };
    let (place, _) = run::configure(&request).unwrap();
    let mut group = c.benchmark_group("1000 models");
    group.sample_size(20);

    group.bench_function("load", |b| b.iter(|| load::load(place.clone())));

    let loaded = load::load(place.clone());
    let models: Vec<_> = loaded
        .members
        .iter()
        .filter(|m| m.role == Role::Model)
        .map(|m| (m.file, &*loaded.files.get(m.file).text))
        .collect();
    let bytes: usize = models.iter().map(|(_, text)| text.len()).sum();
    let macros = MacroLibrary::new("generated");
    let env = Environment {
        macros: &macros,
        package: "generated",
        adapter: Some("snowflake"),
        target: None,
        var: &|_| None,
        dialect: Dialect::Snowflake,
        model: None,
    };
    group.throughput(Throughput::Bytes(bytes as u64));
    group.bench_function("syntax, one thread", |b| {
        b.iter(|| {
            for (file, text) in &models {
                let template = jinja::parse(text);
                let nodes = &template.nodes;
                black_box(understand(*file, text, &template, nodes, &env, true));
            }
        });
    });
    group.throughput(Throughput::Elements(1_000));

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

    group.bench_function("whole", |b| b.iter(|| run::check(&request).unwrap()));
    group.finish();
}

criterion_group!(benches, pipeline);
criterion_main!(benches);
