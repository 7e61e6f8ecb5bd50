//! What a Markdown file says that can be checked: headings, links, code in the line, and the facts
//! at its top. Text in code blocks is none of these.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use std::ops::Range;

/// A Markdown file, as far as rules look at it. Ranges are bytes of its text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Markdown {
    /// Headings in order.
    pub headings: Vec<Heading>,
    /// Links and images with a destination of their own.
    pub links: Vec<Mention>,
    /// Code in the line, without its backticks.
    pub code: Vec<Mention>,
    /// `key: value` of the front matter, or of the first lines.
    pub facts: Vec<Fact>,
}

/// A heading and its section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heading {
    /// 1 to 6.
    pub level: u8,
    /// Its text, markup aside.
    pub text: String,
    /// Where it stands.
    pub range: Range<usize>,
    /// Where its section ends: at the next heading that is not below it.
    pub end: usize,
}

/// Something that is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mention {
    /// The destination of a link, the code.
    pub text: String,
    /// Where it stands, markup included.
    pub range: Range<usize>,
}

/// `key: value` at the top.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// In lower case, `-` and blanks as `_`.
    pub key: String,
    /// Without quotes and emphasis.
    pub value: String,
    /// The line.
    pub range: Range<usize>,
}

/// After this many lines nothing is a fact about the file.
const TOP: usize = 25;

/// Reads a file.
pub fn parse(text: &str) -> Markdown {
    let mut out = Markdown {
        facts: facts(text),
        ..Markdown::default()
    };
    let options = Options::ENABLE_TABLES | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS;
    let mut heading: Option<Heading> = None;
    for (event, range) in Parser::new_ext(text, options).into_offset_iter() {
        match event {
            Event::Start(Tag::Heading { level, .. }) => {
                heading = Some(Heading {
                    level: level as u8,
                    text: String::new(),
                    range,
                    end: text.len(),
                });
            }
            Event::End(TagEnd::Heading(_)) => out.headings.extend(heading.take()),
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                out.links.push(Mention {
                    text: dest_url.into_string(),
                    range,
                });
            }
            Event::Code(code) => {
                if let Some(heading) = &mut heading {
                    heading.text.push_str(&code);
                }
                out.code.push(Mention {
                    text: code.into_string(),
                    range,
                });
            }
            Event::Text(words) => {
                if let Some(heading) = &mut heading {
                    heading.text.push_str(&words);
                }
            }
            _ => {}
        }
    }
    close(&mut out.headings);
    out
}

/// Ends each section where the next one on its level or above begins.
fn close(headings: &mut [Heading]) {
    // Levels are six: the next heading of each is kept from the end.
    let mut next: [Option<usize>; 8] = [None; 8];
    for heading in headings.iter_mut().rev() {
        let level = usize::from(heading.level).min(7);
        let first = next[..=level].iter().flatten().min();
        if let Some(end) = first {
            heading.end = *end;
        }
        next[level] = Some(heading.range.start);
    }
}

fn facts(text: &str) -> Vec<Fact> {
    let mut out = Vec::new();
    let mut at = 0;
    let mut fenced = false;
    let mut matter = false;
    for (number, line) in text.split_inclusive('\n').enumerate() {
        let start = at;
        at += line.len();
        let trimmed = line.trim();
        if trimmed == "---" {
            // Front matter may be long.
            matter = number == 0;
            continue;
        }
        if number >= TOP && !matter {
            break;
        }
        fenced ^= trimmed.starts_with("```");
        if fenced {
            continue;
        }
        let lead = line.len() - line.trim_start().len();
        let range = start + lead..start + line.trim_end().len();
        out.extend(fact(trimmed, range));
    }
    out
}

/// `status: verified`, `**Status:** verified`, `> - Status: verified`, `<!-- status: verified -->`,
/// `# status: verified`.
fn fact(line: &str, range: Range<usize>) -> Option<Fact> {
    let line = line.trim_start_matches("<!--").trim_end_matches("-->");
    let line = line.trim_start_matches(['>', '-', '*', '#', ' ', '_']);
    let (key, value) = line.split_once(':')?;
    let key = key.trim_matches(['*', '_', ' ', '`']).to_lowercase();
    let is_key = !key.is_empty()
        && key.len() <= 40
        && key
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | ' '));
    let value = value.trim_matches(['*', '_', ' ', '`', '"', '\'']);
    is_key.then(|| Fact {
        key: key.replace(['-', ' '], "_"),
        value: value.to_owned(),
        range,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_links_code_and_facts() {
        let text = "---\nstatus: verified\nverified_at: 2024-01-02\n---\n# The `erp`\n\nsee [it](a.md) and `x_y`\n\n## Joins\n\n```sql\nselect `no`\n```\n\n# End\n";
        let read = parse(text);
        let names: Vec<(&str, u8)> = read.headings.iter().map(|h| (&*h.text, h.level)).collect();
        assert_eq!(names, [("The erp", 1), ("Joins", 2), ("End", 1)]);
        assert!(text[read.headings[1].range.start..read.headings[1].end].contains("select"));
        assert_eq!(read.headings[0].end, text.find("# End").unwrap());
        assert_eq!(read.links[0].text, "a.md");
        let code: Vec<&str> = read.code.iter().map(|c| &*c.text).collect();
        assert_eq!(code, ["erp", "x_y"]);
        assert_eq!(read.facts[0].key, "status");
        assert_eq!(read.facts[1].value, "2024-01-02");
    }

    #[test]
    fn facts_stand_in_whatever_markup() {
        for line in [
            "status: draft",
            "> **Status:** draft",
            "- Status: `draft`",
            "<!-- status: draft -->",
            "# status: draft",
        ] {
            let facts = parse(&format!("{line}\n\ntext\n")).facts;
            assert_eq!(facts[0].key, "status", "{line}");
            assert_eq!(facts[0].value, "draft", "{line}");
        }
        assert_eq!(
            parse("a sentence, with: too much of it to be a key, surely\n").facts,
            []
        );
    }
}
