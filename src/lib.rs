//! harness-lint: a static linter and auditor for dbt repositories.

pub mod config;
pub mod load;
pub mod manifest;
pub mod project;
pub mod rule;
pub mod syntax;
pub mod text;
pub mod threads;
pub mod violation;
