//! Which dbt a repository pins: in the files that name its Python packages, as pip, Poetry and the
//! lock files spell it.

use super::Place;
use super::hints::{REQUIREMENTS, folder, upward};
use regex::Regex;
use std::sync::LazyLock;

/// Major and minor version.
pub type Minor = (u64, u64);

/// The one minor version of dbt-core that the repository allows: the project directory is asked
/// before the folders above it. None where nothing is said, where it may be several, or where files
/// of one folder differ.
pub fn pinned_dbt(place: &Place) -> Option<Minor> {
    for dir in upward(place) {
        let named = REQUIREMENTS.iter().map(|n| dir.join(n));
        let more = folder(place, &dir.join("requirements"), &["txt", "in"]);
        let paths = named.chain(more);
        let here = paths.filter(|p| place.is_file(p) && place.inside(p).is_some());
        let said: Vec<Option<Minor>> = here
            .flat_map(|p| named_in(&place.read_text(&p).0))
            .collect();
        // A loose requirement beside a lock says nothing against it.
        let mut sure = said.iter().flatten();
        if let Some(first) = sure.next() {
            return sure.all(|other| other == first).then_some(*first);
        }
        if !said.is_empty() {
            return None;
        }
    }
    None
}

/// `dbt-core` and what stands behind it, up to the end of the line or a marker; in a lock file the
/// version stands on the next line.
static NAMED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r#"(?m)(?:^|[\s"'])dbt[-_]core(?:\[[^\]\n]*\])?["']?[ \t]*(?:=[ \t]*|:[ \t]*)?(?:\n[ \t]*version[ \t]*=[ \t]*)?["']?((?:(?:[=~<>!^]=?|===)?[ \t]*\d[\w.*+]*[ \t,]*)+)"#,
    )
    .ok()
});

/// What each mention of dbt-core in a text allows: one minor version, or None where it may be
/// several.
fn named_in(text: &str) -> Vec<Option<Minor>> {
    let found = NAMED.iter().flat_map(|r| r.captures_iter(text));
    found
        .filter_map(|c| Some(one_minor(c.get(1)?.as_str().split(','))))
        .collect()
}

/// The one minor version that comparisons (`>=1.8`, `<1.9`) together allow. A version without an
/// operator is that one.
pub fn one_minor<'a>(comparisons: impl Iterator<Item = &'a str>) -> Option<Minor> {
    let (mut from, mut below): (Option<Minor>, Option<Minor>) = (None, None);
    for comparison in comparisons {
        let text = comparison.trim();
        let at = text.find(|c: char| c.is_ascii_digit())?;
        let (operator, version) = (text[..at].trim(), &text[at..]);
        let mut parts = version.split('.').map(|p| p.parse::<u64>());
        let major = parts.next()?.ok()?;
        let minor = parts.next().and_then(Result::ok);
        // Whether there is a third part, `*` included, and whether it is more than a zero.
        let third = version.split('.').nth(2);
        let at = (major, minor.unwrap_or(0));
        let next = (at.0, at.1 + 1);
        let one = minor.is_some();
        match operator {
            "" | "=" | "==" | "===" if one => (from, below) = (Some(at), Some(next)),
            // `~=1.8` and Poetry's `^1.8` allow all of 1; `~1.8` does not.
            "~=" if one && third.is_some() => (from, below) = (Some(at), Some(next)),
            "~" if one => (from, below) = (Some(at), Some(next)),
            ">=" | ">" | "~=" | "^" => from = from.max(Some(at)),
            "<" => {
                let inside = third.is_some_and(|t| !t.trim_end_matches('0').is_empty());
                let end = if inside { next } else { at };
                below = Some(below.map_or(end, |b| b.min(end)));
            }
            "<=" => below = Some(below.map_or(next, |b| b.min(next))),
            "!=" => {}
            _ => return None,
        }
    }
    let (from, below) = (from?, below?);
    ((from.0, from.1 + 1) == below).then_some(from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comparisons_allow_one_minor_version_or_several() {
        let one = |text: &str| one_minor(text.split(','));
        for text in [
            "1.8.7",
            "==1.8.7",
            "==1.8.*",
            "~=1.8.0",
            "~1.8",
            ">=1.8, <1.9",
            ">=1.8.2,<1.9.0",
            ">=1.8.0,<=1.8.9",
            ">1.8.0,<1.8.9,!=1.8.3",
        ] {
            assert_eq!(one(text), Some((1, 8)), "{text}");
        }
        for text in [
            ">=1.8",
            "~=1.8",
            "^1.8",
            "<1.9",
            ">=1.7,<1.9",
            ">=1.8,<1.9.1",
            ">=1.8,<2",
            "==1",
            "x",
        ] {
            assert_eq!(one(text), None, "{text}");
        }
    }

    #[test]
    fn dbt_core_is_found_as_each_tool_writes_it() {
        for text in [
            "dbt-core==1.8.7\n",
            "dbt-snowflake==1.9\ndbt_core ~= 1.8.2  # for now\n",
            "dependencies = [\n  \"dbt-core>=1.8,<1.9\",\n]\n",
            "[tool.poetry.dependencies]\ndbt-core = \"~1.8\"\n",
            "[[package]]\nname = \"dbt-core\"\nversion = \"1.8.7\"\n",
            "RUN pip install 'dbt-core[x]==1.8.7' dbt-postgres\n",
        ] {
            assert_eq!(named_in(text), [Some((1, 8))], "{text}");
        }
        assert_eq!(named_in("dbt-core>=1.8\n"), [None]);
        assert_eq!(named_in("my-dbt-core==1.8.1\ndbt-core\n"), []);
    }
}
