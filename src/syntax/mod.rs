//! Texts to trees. Nothing here knows dbt: a tree says what was written and where, not what it means.

pub mod yaml;
