//! From text to trees, one file at a time: Jinja, SQL, YAML, Markdown, suppression
//! comments.
//!
//! Nothing here knows about a dbt project; a file's syntax depends on its own bytes and on the
//! macros and variables it is handed.

pub mod comment;
pub mod conditional;
pub mod config_edit;
pub mod jinja;
pub mod markdown;
pub mod printed_name;
pub mod sql;
pub mod stars;
pub mod template;
pub mod token;
pub mod watermark;
pub mod yaml;
