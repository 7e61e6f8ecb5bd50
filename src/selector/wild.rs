//! Wildcards as dbt matches them: those of Python's `fnmatch` for names, those of its `glob` for
//! paths. Upper and lower case differ.

/// A pattern over a name: `*` is any text, `?` a character, `[ab]`, `[a-z]`, `[!a]` one of a set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wild {
    text: String,
    /// None where there is no wildcard.
    parts: Option<Vec<Part>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Any,
    One,
    Is(char),
    Set {
        not: bool,
        ranges: Vec<(char, char)>,
    },
}

impl Part {
    fn takes(&self, c: char) -> bool {
        match self {
            Part::Any | Part::One => true,
            Part::Is(own) => *own == c,
            Part::Set { not, ranges } => {
                ranges.iter().any(|(low, high)| (*low..=*high).contains(&c)) != *not
            }
        }
    }
}

impl Wild {
    /// Reads a pattern; every text is one.
    pub fn new(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            parts: is_wild(text).then(|| parts(text)),
        }
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Does it match the whole of a text?
    pub fn matches(&self, text: &str) -> bool {
        match &self.parts {
            None => self.text == text,
            Some(parts) => matches(parts, text),
        }
    }
}

/// Does dbt take the text for a pattern?
pub fn is_wild(text: &str) -> bool {
    text.contains(['*', '?', '[', ']'])
}

fn parts(text: &str) -> Vec<Part> {
    let chars: Vec<char> = text.chars().collect();
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        at += 1;
        match c {
            '*' if out.last() == Some(&Part::Any) => {}
            '*' => out.push(Part::Any),
            '?' => out.push(Part::One),
            '[' => match set(&chars[at..]) {
                Some((part, length)) => {
                    out.push(part);
                    at += length;
                }
                // A bracket that is never closed is itself.
                None => out.push(Part::Is('[')),
            },
            c => out.push(Part::Is(c)),
        }
    }
    out
}

/// What stands behind `[`, and how long it is with its `]`. A `]` that comes first is a member.
fn set(chars: &[char]) -> Option<(Part, usize)> {
    let not = chars.first() == Some(&'!');
    let start = usize::from(not);
    let rest = chars.get(start + 1..)?;
    let end = start + 1 + rest.iter().position(|c| *c == ']')?;
    let members = &chars[start..end];
    let mut ranges = Vec::new();
    let mut at = 0;
    while let Some(&low) = members.get(at) {
        match (members.get(at + 1), members.get(at + 2)) {
            (Some('-'), Some(&high)) => {
                ranges.push((low, high));
                at += 3;
            }
            _ => {
                ranges.push((low, low));
                at += 1;
            }
        }
    }
    Some((Part::Set { not, ranges }, end + 1))
}

/// Goes back to the last `*` only, so that the work is bounded by the product of the lengths.
fn matches(parts: &[Part], text: &str) -> bool {
    let (mut part, mut rest) = (0, text.chars());
    let mut back: Option<(usize, std::str::Chars)> = None;
    loop {
        match parts.get(part) {
            Some(Part::Any) => {
                part += 1;
                back = Some((part, rest.clone()));
                continue;
            }
            None if rest.as_str().is_empty() => return true,
            None => {}
            Some(own) => {
                let mut ahead = rest.clone();
                if ahead.next().is_some_and(|c| own.takes(c)) {
                    rest = ahead;
                    part += 1;
                    continue;
                }
            }
        }
        let Some((at, from)) = &mut back else {
            return false;
        };
        if from.next().is_none() {
            return false;
        }
        part = *at;
        rest = from.clone();
    }
}

/// A pattern over paths: within a segment as [`Wild`], `**` is any number of folders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathWild {
    /// None stands for `**`.
    segments: Vec<Option<Wild>>,
}

impl PathWild {
    /// Reads a pattern. Dots and slashes that say nothing (`./models/`) are passed over.
    pub fn new(text: &str) -> Self {
        let segments = text.split('/').filter(|s| !s.is_empty() && *s != ".");
        let wild = |s: &str| (s != "**").then(|| Wild::new(s));
        Self {
            segments: segments.map(wild).collect(),
        }
    }

    /// Does it match the path, or a folder that the path lies in?
    pub fn holds(&self, path: &str) -> bool {
        let ends = self.ends(path);
        // A pattern that ends in `**` means folders; the file lies in one of them.
        !ends.is_empty()
    }

    /// Does it match this path itself?
    pub fn matches(&self, path: &str) -> bool {
        let length = path.split('/').count();
        self.ends(path).contains(&length)
    }

    /// After how many segments of the path the pattern may be at its end.
    fn ends(&self, path: &str) -> Vec<usize> {
        let names: Vec<&str> = path.split('/').collect();
        let mut at = vec![0];
        for segment in &self.segments {
            at = match segment {
                Some(wild) => {
                    let fits = |i: &&usize| names.get(**i).is_some_and(|n| wild.matches(n));
                    at.iter().filter(fits).map(|i| i + 1).collect()
                }
                None => match at.first() {
                    Some(first) => (*first..=names.len()).collect(),
                    None => Vec::new(),
                },
            };
        }
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_as_fnmatch_does() {
        for (pattern, yes, no) in [
            ("fct_*", "fct_a.b", "my_fct_a"),
            ("*.marts.*", "shop.marts.a.b", "shop.mart.a"),
            ("a?c", "abc", "ac"),
            ("[a-c]x", "bx", "dx"),
            ("[!a-c]x", "dx", "bx"),
            ("[]]x", "]x", "x"),
            ("[x", "[x", "x"),
            ("a[", "a[", "a"),
            ("**a", "bba", "bb"),
            ("*a*b*c", "xaybzc", "xaybz"),
            ("é?", "éa", "ea"),
            ("Abc", "Abc", "abc"),
        ] {
            assert!(Wild::new(pattern).matches(yes), "{pattern} {yes}");
            assert!(!Wild::new(pattern).matches(no), "{pattern} {no}");
        }
        assert!(Wild::new("*").matches(""));
    }

    #[test]
    fn many_stars_take_no_time() {
        let pattern = Wild::new(&"*a".repeat(2000));
        assert!(!pattern.matches(&"ab".repeat(1000)));
    }

    #[test]
    fn paths_match_with_their_folders() {
        let path = "models/staging/erp/stg_a.sql";
        for yes in [
            "models",
            "models/staging/",
            "./models/staging",
            "models/*/erp",
            "models/**/stg_*.sql",
            "**/stg_a.sql",
            "models/**",
            "models/s*",
            path,
        ] {
            assert!(PathWild::new(yes).holds(path), "{yes}");
        }
        for no in ["staging", "models/stag", "models/*/stg_a.sql", "stg_a.sql"] {
            assert!(!PathWild::new(no).holds(path), "{no}");
        }
        assert!(!PathWild::new("models").matches(path));
        assert!(PathWild::new("**/*.sql").matches(path));
    }
}
