//! harness-lint: a static linter and auditor for dbt repositories.

pub mod manifest;
pub mod syntax;
pub mod text;
pub mod threads;
