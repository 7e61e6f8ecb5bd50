//! Where the likeliest placeholders do not parse: other ones, chosen by where the parser stopped.

use super::render::{Rendered, render_with};
use super::{Dialect, ParseError, QueryTree, query};
use crate::syntax::jinja::Piece;
use crate::text::FileId;

/// Unknowns before the error that are tried, nearest first.
const NEAR: usize = 4;
/// Parses per file.
const TRIES: usize = 60;
/// Bytes parsed per file while repairing.
const BYTES: usize = 4 << 20;

/// Renders and parses; on an error tries other texts for the unknowns nearest before it, keeps a
/// change when the error moves on, and gives up after a bounded number of tries.
///
/// # Errors
/// The first attempt's error.
pub fn query_of(
    file: FileId,
    src: &str,
    pieces: &[Piece],
    dialect: Dialect,
) -> (Rendered, Result<QueryTree, ParseError>) {
    let rendered = render_with(src, pieces, dialect, &[]);
    let first = match query(file, &rendered, dialect) {
        Ok(tree) => return (rendered, Ok(tree)),
        Err(error) => error,
    };
    let mut repair = Repair {
        file,
        src,
        pieces,
        dialect,
        tries: 0,
        bytes: 0,
    };
    match repair.run(&rendered, &first) {
        Some((repaired, tree)) => (repaired, Ok(tree)),
        None => (rendered, Err(first)),
    }
}

struct Repair<'a> {
    file: FileId,
    src: &'a str,
    pieces: &'a [Piece],
    dialect: Dialect,
    tries: usize,
    bytes: usize,
}

/// How much of a text lies behind the error: less is better.
fn left(rendered: &Rendered, error: &ParseError) -> usize {
    rendered.text.len().saturating_sub(error.offset as usize)
}

impl Repair<'_> {
    fn run(&mut self, rendered: &Rendered, error: &ParseError) -> Option<(Rendered, QueryTree)> {
        let mut chosen: Vec<(usize, usize)> = Vec::new();
        let mut best = left(rendered, error);
        let mut near = nearest(rendered, error);
        'again: loop {
            for (index, current, choices) in near {
                for choice in (0..choices).filter(|c| *c != current) {
                    if self.tries >= TRIES || self.bytes >= BYTES {
                        return None;
                    }
                    let mut other = chosen.clone();
                    other.retain(|(i, _)| *i != index);
                    other.push((index, choice));
                    let rendered = render_with(self.src, self.pieces, self.dialect, &other);
                    self.tries += 1;
                    self.bytes += rendered.text.len();
                    match query(self.file, &rendered, self.dialect) {
                        Ok(tree) => return Some((rendered, tree)),
                        // A few bytes are the placeholder's own length.
                        Err(e) if left(&rendered, &e) + 2 < best => {
                            best = left(&rendered, &e);
                            near = nearest(&rendered, &e);
                            chosen = other;
                            continue 'again;
                        }
                        Err(_) => {}
                    }
                }
            }
            return None;
        }
    }
}

/// The unknowns before an error that could be something else: number, choice, choices.
fn nearest(rendered: &Rendered, error: &ParseError) -> Vec<(usize, usize, usize)> {
    let unknowns = rendered.unknowns.iter().enumerate().rev();
    unknowns
        .filter(|(_, u)| u.out <= error.offset + 1 && u.choices > 1)
        .take(NEAR)
        .map(|(i, u)| (i, u.choice, u.choices))
        .collect()
}
