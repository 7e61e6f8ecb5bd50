//! harness-lint: a static linter and auditor for dbt repositories.

pub mod syntax;
pub mod text;
