//! harness-lint: a static linter and auditor for dbt repositories.

pub mod baseline;
pub mod changed;
pub mod check;
pub mod cli;
pub mod config;
pub mod declared;
pub mod error;
pub mod fix;
pub mod git;
pub mod init;
pub mod load;
pub mod manifest;
pub mod project;
pub mod proof;
pub mod registry;
pub mod report;
pub mod rule;
mod rules;
pub mod run;
pub mod select;
pub mod selector;
pub mod syntax;
pub mod text;
pub mod threads;
pub mod verbs;
pub mod violation;
