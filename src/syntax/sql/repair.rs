//! Where the likeliest placeholders do not parse: other ones, chosen by where the parser stopped.

use super::render::{Rendered, render_with};
use super::{Dialect, ParseError, QueryTree, query};
use crate::syntax::jinja::Piece;
use crate::text::FileId;

/// Unknowns before the error that are tried, nearest first.
const NEAR: usize = 4;
/// Parses per text.
const TRIES: usize = 60;
/// Bytes parsed per text while repairing.
const BYTES: usize = 4 << 20;

/// What repairing all texts of one file may still cost.
#[derive(Debug)]
pub struct Budget {
    tries: usize,
    bytes: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            tries: 5 * TRIES,
            bytes: 4 * BYTES,
        }
    }
}

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
    budget: &mut Budget,
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
        tries: TRIES.min(budget.tries),
        bytes: BYTES.min(budget.bytes),
    };
    let before = (repair.tries, repair.bytes);
    let repaired = repair.run(&rendered, &first);
    budget.tries -= before.0 - repair.tries;
    budget.bytes -= before.1 - repair.bytes;
    match repaired {
        Some((repaired, tree)) => (repaired, Ok(tree)),
        None => (rendered, Err(first)),
    }
}

struct Repair<'a> {
    file: FileId,
    src: &'a str,
    pieces: &'a [Piece],
    dialect: Dialect,
    /// Parses that are left, and bytes.
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
                    if self.tries == 0 || self.bytes == 0 {
                        return None;
                    }
                    let mut other = chosen.clone();
                    other.retain(|(i, _)| *i != index);
                    other.push((index, choice));
                    let rendered = render_with(self.src, self.pieces, self.dialect, &other);
                    self.tries -= 1;
                    self.bytes = self.bytes.saturating_sub(rendered.text.len());
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
