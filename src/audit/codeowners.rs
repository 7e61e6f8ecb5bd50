//! CODEOWNERS as GitHub reads it: of the patterns that match a path the last one wins, and one
//! without owners takes them away.

use crate::load::Place;
use regex::Regex;

/// Where GitHub looks, in its order.
const PLACES: [&str; 3] = [".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"];
/// A larger file GitHub does not read, in bytes.
const MAX_BYTES: usize = 3 << 20;
/// More patterns than this are not asked: each path is held against all of them.
const MAX_PATTERNS: usize = 10_000;

/// Patterns with owners, in the order of the file.
#[derive(Debug, Default)]
pub struct CodeOwners {
    lines: Vec<(Regex, Vec<String>)>,
}

impl CodeOwners {
    /// The repository's; empty where it has none.
    pub fn read(place: &Place) -> Self {
        let paths = PLACES.iter().map(|p| place.root.join(p));
        let found = paths
            .filter_map(|p| place.inside(&p))
            .find(|p| place.is_file(p));
        match found.map(|p| place.read_text(&p)) {
            Some((text, None)) if text.len() <= MAX_BYTES => Self::parse(&text),
            _ => Self::default(),
        }
    }

    /// A line that GitHub would not take is passed over, as GitHub does.
    pub fn parse(text: &str) -> Self {
        let lines = text.lines().filter_map(line);
        Self {
            lines: lines.take(MAX_PATTERNS).collect(),
        }
    }

    /// The owners of a path from the root of the repository; empty where it has none.
    pub fn of(&self, path: &str) -> &[String] {
        let mut lines = self.lines.iter().rev();
        let hit = lines.find(|(pattern, _)| pattern.is_match(path));
        hit.map_or(&[], |(_, owners)| owners)
    }
}

fn line(line: &str) -> Option<(Regex, Vec<String>)> {
    let mut words = words(line).into_iter();
    let pattern = words.next()?;
    let owners: Vec<String> = words.collect();
    let named = |o: &String| o.contains('@') && !o.ends_with('@');
    // Negation and character ranges mean nothing to GitHub.
    if pattern.starts_with('!') || pattern.contains(['[', ']']) || !owners.iter().all(named) {
        return None;
    }
    Some((Regex::new(&expression(&pattern)?).ok()?, owners))
}

/// Words between blanks, up to a comment. A backslash keeps what follows it.
fn words(line: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut word = String::new();
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            '#' if word.is_empty() => break,
            '\\' => word.extend(chars.next()),
            c if c.is_whitespace() => out.extend((!word.is_empty()).then(|| word.split_off(0))),
            c => word.push(c),
        }
    }
    out.extend((!word.is_empty()).then_some(word));
    out
}

/// A pattern as a regular expression over paths from the root. One with a slash before its end is
/// anchored there; a folder holds all that is below it, while `folder/*` is one level.
fn expression(pattern: &str) -> Option<String> {
    let (body, is_folder) = match pattern.strip_suffix('/') {
        Some(body) => (body, true),
        None => (pattern, false),
    };
    let anchored = body.contains('/');
    let parts: Vec<&str> = body.trim_start_matches('/').split('/').collect();
    if parts.iter().any(|p| p.is_empty()) {
        return None;
    }
    let mut out = match anchored {
        true => "^".to_owned(),
        false => "^(?:.*/)?".to_owned(),
    };
    for (i, part) in parts.iter().enumerate() {
        let last = i + 1 == parts.len();
        match *part {
            "**" if last => out.push_str(".*"),
            "**" => out.push_str("(?:.*/)?"),
            part => {
                for c in part.chars() {
                    match c {
                        '*' => out.push_str("[^/]*"),
                        '?' => out.push_str("[^/]"),
                        c => out.push_str(&regex::escape(c.encode_utf8(&mut [0; 4]))),
                    }
                }
                if !last {
                    out.push('/');
                }
            }
        }
    }
    let one_level = parts.len() > 1 && parts.last() == Some(&"*");
    out.push_str(match (is_folder, one_level) {
        (true, _) => "/.*$",
        (false, true) => "$",
        (false, false) => "(?:/.*)?$",
    });
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::CodeOwners;

    /// The example of GitHub's own page, and what it says of it.
    const EXAMPLE: &str = r"# comment
*       @global-owner1 @global-owner2
*.js    @js-owner #This is an inline comment.
*.go docs@example.com
/build/logs/ @doctocat
docs/* docs@example.com
apps/ @octocat
/docs/ @doctocat
/scripts/ @doctocat @octocat
**/logs @octologs
/apps/ @octocat
/apps/github
\#odd\ name @hash
!negated @nobody
x[1] @nobody
bad owner
";

    fn of(path: &str) -> String {
        CodeOwners::parse(EXAMPLE).of(path).join(" ")
    }

    #[test]
    fn the_last_match_wins() {
        assert_eq!(of("README.md"), "@global-owner1 @global-owner2");
        assert_eq!(of("src/x.js"), "@js-owner");
        assert_eq!(of("deep/src/x.go"), "docs@example.com");
        assert_eq!(of("build/logs/a/b"), "@octologs");
        assert_eq!(of("x/build/logs.txt"), "@global-owner1 @global-owner2");
        assert_eq!(of("docs/a"), "@doctocat");
        assert_eq!(of("x/apps/y/z"), "@octocat");
        assert_eq!(of("scripts/a.sh"), "@doctocat @octocat");
        assert_eq!(of("deeply/nested/logs/a.txt"), "@octologs");
    }

    #[test]
    fn no_owner_takes_ownership_away() {
        assert_eq!(of("apps/github"), "");
        assert_eq!(of("apps/github/x.rs"), "");
        assert_eq!(of("apps/other"), "@octocat");
    }

    #[test]
    fn what_github_does_not_know_is_passed_over() {
        assert_eq!(of("negated"), "@global-owner1 @global-owner2");
        assert_eq!(of("x1"), "@global-owner1 @global-owner2");
        assert_eq!(of("bad"), "@global-owner1 @global-owner2");
        assert_eq!(of("#odd name"), "@hash");
    }

    #[test]
    fn a_star_behind_a_folder_is_one_level() {
        let owners = CodeOwners::parse("models/* @a\nmodels/**/x.sql @b\n");
        assert_eq!(owners.of("models/y.sql"), ["@a"]);
        assert!(owners.of("models/z/y.sql").is_empty());
        assert_eq!(owners.of("models/x.sql"), ["@b"]);
        assert_eq!(owners.of("models/a/b/x.sql"), ["@b"]);
    }
}
