//! Texts that PyYAML reads and YAML 1.2 does not.
//!
//! ```yaml
//! description: "A text whose second line
//! is not indented."
//! meta: [
//! <tab>1 ]
//! ```
//!
//! The event parser refuses both. The way round: hand it a text of the same length in which the
//! quoted scalar stands on one line and the tab is a space. A scalar changed so is decoded from
//! the file's own text.

use granit_parser::{Event, Parser};
use std::ops::Range;

/// Each change costs one more parse of the file.
const MAX_CHANGES: usize = 64;

/// The text for the parser.
pub(super) struct Lenient {
    /// As long as the file's text, byte for byte.
    pub text: String,
    /// The joined scalars, quotes included.
    joined: Vec<Range<usize>>,
    changes: usize,
}

/// Where the event parser stopped.
#[derive(Clone, Copy)]
pub(super) struct Stop {
    /// End of the last event; only indicators, comments and whole quoted scalars follow, up to the
    /// one that holds `at`, if one does.
    pub after: usize,
    /// The offending byte.
    pub at: usize,
    /// Is it between brackets or braces?
    pub flow: bool,
}

/// What became of an attempt to help.
pub(super) enum Help {
    /// Parse again.
    Again,
    /// The quote that opens here never closes.
    Unclosed(usize),
    /// PyYAML refuses this as well, or it is too much.
    None,
}

impl Lenient {
    pub fn new(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            joined: Vec::new(),
            changes: 0,
        }
    }

    /// Changes what the event parser stumbled over.
    pub fn help(&mut self, stop: Stop) -> Help {
        if self.changes >= MAX_CHANGES {
            return Help::None;
        }
        self.changes += 1;
        let mut from = stop.after;
        while let Some(open) = opening_quote(&self.text, from).filter(|&open| open < stop.at) {
            let Some(close) = closing_quote(&self.text, open) else {
                return Help::Unclosed(open);
            };
            if close > stop.at {
                return match holds_document_marker(&self.text[open..close]) {
                    true => Help::Unclosed(open),
                    false => self.join(open..close),
                };
            }
            from = close;
        }
        match stop.flow {
            true => self.blank_tabs(stop.at),
            false => Help::None,
        }
    }

    fn join(&mut self, range: Range<usize>) -> Help {
        let blanked = self.text[range.clone()].replace(['\n', '\r'], " ");
        self.text.replace_range(range.clone(), &blanked);
        self.joined.push(range);
        Help::Again
    }

    /// Makes spaces of the tabs that indent this line and those right after it. Between brackets
    /// no block scalar can hold them as content.
    fn blank_tabs(&mut self, at: usize) -> Help {
        let mut start = self.text[..at].rfind('\n').map_or(0, |i| i + 1);
        let mut help = Help::None;
        loop {
            let line = &self.text[start..];
            let blanks = line.len() - line.trim_start_matches([' ', '\t']).len();
            if !line[..blanks].contains('\t') {
                return help;
            }
            let next = line.find('\n').map(|i| start + i + 1);
            self.text
                .replace_range(start..start + blanks, &" ".repeat(blanks));
            help = Help::Again;
            let Some(next) = next else { return help };
            start = next;
        }
    }

    /// The decoded text of the joined scalar that starts at `start`.
    pub fn value(&self, original: &str, start: usize) -> Option<String> {
        let range = self.joined.iter().find(|range| range.start == start)?;
        let scalar = original.get(range.clone())?;
        // At the top of a document no indentation is asked for.
        Parser::new_from_str(scalar)
            .map_while(Result::ok)
            .find_map(|(event, _)| match event {
                Event::Scalar(value, ..) => Some(value.into_owned()),
                _ => None,
            })
    }
}

/// The first quote that is not in a comment.
fn opening_quote(text: &str, from: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut comment = false;
    for (i, &b) in bytes.iter().enumerate().skip(from) {
        match b {
            b'\n' | b'\r' => comment = false,
            b'#' if i == 0 || bytes[i - 1].is_ascii_whitespace() => comment = true,
            b'\'' | b'"' if !comment => return Some(i),
            _ => {}
        }
    }
    None
}

/// `---` or `...` at the beginning of a line ends the document, quotes or not.
fn holds_document_marker(quoted: &str) -> bool {
    quoted.lines().skip(1).any(|line| {
        let rest = line.strip_prefix("---").or(line.strip_prefix("..."));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t']))
    })
}

/// One past the quote that closes the one at `open`.
fn closing_quote(text: &str, open: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let quote = bytes[open];
    let mut i = open + 1;
    while i < bytes.len() {
        match bytes[i] {
            b'\\' if quote == b'"' => i += 1,
            b if b == quote && quote == b'\'' && bytes.get(i + 1) == Some(&quote) => i += 1,
            b if b == quote => return Some(i + 1),
            _ => {}
        }
        i += 1;
    }
    None
}
