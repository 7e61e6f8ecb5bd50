//! Writes a generated dbt project: `generate [options] OUT_DIR`.

#[path = "generator/mod.rs"]
mod generator;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;

use generator::{Spec, generate};

const USAGE: &str = "usage: generate [--models N] [--defects SHARE] [--seed N] [--columns \
    MIN-MAX] [--manifest] [--parseable] OUT_DIR";

fn main() -> ExitCode {
    let (text, code) = match parse(std::env::args().skip(1)).and_then(|(dir, spec)| {
        let truth = generate(&dir, &spec).map_err(|error| error.to_string())?;
        Ok(format!(
            "{}: {} files, {} bytes, {} models with a defect, {} findings expected, {} look-alikes",
            dir.display(),
            truth.files,
            truth.bytes,
            truth.defective,
            truth.expected.len(),
            truth.lookalikes.len()
        ))
    }) {
        Ok(text) => (text, ExitCode::SUCCESS),
        Err(text) => (text, ExitCode::from(2)),
    };
    // A closed stderr is no reason to fail: the project is written.
    let _ = writeln!(std::io::stderr(), "{text}");
    code
}

fn parse(mut args: impl Iterator<Item = String>) -> Result<(PathBuf, Spec), String> {
    let mut spec = Spec::default();
    let mut dir = None;
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--manifest" => spec.manifest = true,
            "--parseable" => spec.parseable = true,
            "--models" => spec.models = value(&arg, args.next())?,
            "--defects" => spec.defects = value(&arg, args.next())?,
            "--seed" => spec.seed = value(&arg, args.next())?,
            "--columns" => {
                let range: String = value(&arg, args.next())?;
                let (low, high) = range.split_once('-').ok_or(USAGE)?;
                spec.columns = (
                    value(&arg, Some(low.to_owned()))?,
                    value(&arg, Some(high.to_owned()))?,
                );
            }
            _ if arg.starts_with('-') || dir.is_some() => return Err(format!("{arg}?\n{USAGE}")),
            _ => dir = Some(PathBuf::from(arg)),
        }
    }
    dir.map(|dir| (dir, spec)).ok_or_else(|| USAGE.to_owned())
}

fn value<T: FromStr>(flag: &str, text: Option<String>) -> Result<T, String> {
    text.and_then(|text| text.parse().ok())
        .ok_or_else(|| format!("{flag} needs a value\n{USAGE}"))
}
