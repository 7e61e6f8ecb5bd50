//! Finding a text of the file that parses, and reading what it leaves out.

use super::coverage::Coverage;
use super::{Environment, SqlFile, SqlTree, doubtful, span};
use crate::syntax::jinja::ast::Node;
use crate::syntax::jinja::{Call, CallKind, Evaluation, Inline, Mode, Piece, Visited};
use crate::syntax::sql::tree::Body;
use crate::syntax::sql::{self, Budget, Dialect, ParseError, QueryTree, Rendered};
use crate::text::FileId;
use std::ops::Range;
use std::rc::Rc;

/// Readings of branches that the first one left out.
const READINGS: usize = 16;

/// Evaluates the template: for what, with which macros, after which earlier evaluations.
pub(super) type Run<'a> = &'a dyn Fn(Mode, Inline, Option<&Visited>) -> Evaluation;

pub(super) struct Reader<'a> {
    file: FileId,
    src: &'a str,
    nodes: &'a [Node],
    dialect: Dialect,
    run: Run<'a>,
    budget: Budget,
    /// Keep the text that the first reading gives to the SQL parser.
    keep_text: bool,
}

/// A text that the parser was given, and what came of it.
struct Attempt {
    rendered: Rendered,
    result: Result<QueryTree, ParseError>,
    inline: Inline,
    visited: Visited,
    kept: Vec<Rc<[Piece]>>,
    doubtful: Vec<Range<u32>>,
}

impl Attempt {
    fn new(
        rendered: Rendered,
        result: Result<QueryTree, ParseError>,
        inline: Inline,
        evaluation: &Evaluation,
    ) -> Self {
        Self {
            rendered,
            result,
            inline,
            visited: evaluation.visited.clone(),
            kept: evaluation.kept.clone(),
            doubtful: evaluation.doubtful.clone(),
        }
    }
}

/// Would the text be the same with other macros inlined and other placeholders?
fn is_settled(evaluation: &Evaluation) -> bool {
    let unknown = |p: &Piece| matches!(p, Piece::Unknown(_));
    let is_macro = |c: &Call| matches!(c.kind, CallKind::Macro(_));
    !evaluation.pieces.iter().any(unknown) && !evaluation.calls.iter().any(is_macro)
}

/// What several readings of one file have seen together.
struct Seen {
    visited: Visited,
    covered: Coverage,
    kept: Vec<Rc<[Piece]>>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(
        file: FileId,
        src: &'a str,
        nodes: &'a [Node],
        env: &Environment,
        run: Run<'a>,
    ) -> Self {
        Self {
            file,
            src,
            nodes,
            dialect: env.dialect,
            run,
            budget: Budget::default(),
            keep_text: env.keep_text,
        }
    }

    /// Is there a text that parses, with a query in it?
    pub(super) fn parses(mut self, evaluation: Evaluation) -> bool {
        let attempt = self.first_that_parses(evaluation, None);
        attempt.result.is_ok_and(|tree| tree.query.is_some())
    }

    pub(super) fn read(
        mut self,
        evaluation: Evaluation,
        rendered: Option<Rendered>,
        out: &mut SqlFile,
    ) {
        let attempt = self.first_that_parses(evaluation, rendered);
        let mut seen = Seen {
            visited: attempt.visited,
            covered: Coverage::default(),
            kept: attempt.kept,
        };
        match attempt.result {
            Ok(tree) => {
                out.doubtful = doubtful(self.file, &attempt.doubtful, &attempt.rendered);
                out.rendered = self.keep_text.then(|| attempt.rendered.text.into());
                seen.covered.extend(attempt.rendered.covered);
                out.shimmed = tree.shimmed;
                out.sql = match tree.query {
                    Some(query) => SqlTree::Parsed(Box::new(query)),
                    None => SqlTree::Empty,
                };
                self.variants(attempt.inline, &mut seen, out);
            }
            Err(error) => {
                if !out.exhausted {
                    self.recover(&attempt.rendered, &mut seen, out);
                }
                let range = attempt.rendered.source_range(error.offset..error.offset);
                out.sql = SqlTree::Failed {
                    message: error.message,
                    span: span(self.file, &range),
                };
            }
        }
        self.fragments(&mut seen, out);
        let shimmed = out.shimmed.iter().map(|s| s.start..s.end);
        let mut shimmed = Coverage::new(shimmed.collect());
        let covered = seen.covered.inked(self.src);
        out.read_bytes = covered - seen.covered.inked_within(self.src, &mut shimmed);
        out.printed = seen.visited.relations;
    }

    /// Finds a text that parses: with macros inlined where they concern the graph, with none
    /// inlined, then each of these with other placeholders, then with all inlined, at last with
    /// the branches taken and the loops entered that the first one left out; the first failure
    /// where none does.
    fn first_that_parses(&mut self, evaluation: Evaluation, rendered: Option<Rendered>) -> Attempt {
        let rendered =
            rendered.unwrap_or_else(|| sql::render(self.src, &evaluation.pieces, self.dialect));
        let result = self.parsed(&evaluation, &rendered);
        let first = Attempt::new(rendered, result, Inline::Touching, &evaluation);
        let left_out = first.visited.leaves_out(self.src, self.nodes);
        if first.result.is_ok() || !left_out && is_settled(&evaluation) {
            return first;
        }
        let never = (self.run)(Mode::Sql, Inline::Never, None);
        let attempts = [
            (&never, Inline::Never, false),
            (&evaluation, Inline::Touching, true),
            (&never, Inline::Never, true),
        ];
        for (evaluation, inline, repair) in attempts {
            let attempt = self.attempt(evaluation, inline, repair);
            if attempt.result.is_ok() {
                return attempt;
            }
        }
        let all = (self.run)(Mode::Sql, Inline::All, None);
        let all = self.attempt(&all, Inline::All, true);
        if all.result.is_ok() {
            return all;
        }
        if evaluation.exhausted || !left_out {
            return first;
        }
        for inline in [Inline::Touching, Inline::Never] {
            let forced = (self.run)(Mode::Sql, inline, Some(&first.visited));
            let mut forced = self.attempt(&forced, inline, true);
            // No run takes all of these branches.
            forced.doubtful = std::iter::once(0..self.src.len() as u32).collect();
            if forced.result.is_ok() {
                return forced;
            }
        }
        first
    }

    fn attempt(&mut self, evaluation: &Evaluation, inline: Inline, repair: bool) -> Attempt {
        let (rendered, result) = match repair && !evaluation.exhausted {
            true => self.query_of(&evaluation.pieces),
            false => {
                let rendered = sql::render(self.src, &evaluation.pieces, self.dialect);
                let result = self.parsed(evaluation, &rendered);
                (rendered, result)
            }
        };
        Attempt::new(rendered, result, inline, evaluation)
    }

    /// A part of a text may parse and say something else than the whole.
    fn parsed(
        &self,
        evaluation: &Evaluation,
        rendered: &Rendered,
    ) -> Result<QueryTree, ParseError> {
        if evaluation.exhausted {
            return Err(ParseError {
                message: "its Jinja prints too much".to_owned(),
                offset: 0,
            });
        }
        sql::query(self.file, rendered, self.dialect)
    }

    fn query_of(&mut self, pieces: &[Piece]) -> (Rendered, Result<QueryTree, ParseError>) {
        sql::query_of(self.file, self.src, pieces, self.dialect, &mut self.budget)
    }

    /// Reads branches and loops that no reading has taken, each once.
    fn variants(&mut self, inline: Inline, seen: &mut Seen, out: &mut SqlFile) {
        // A run over existing rows is a reading of its own, all of whose branches fit together.
        let modes = std::iter::once(Mode::Incremental).chain(std::iter::repeat(Mode::Sql));
        let mut left = READINGS;
        for mode in modes.take(READINGS) {
            if left == 0 || !seen.visited.leaves_out(self.src, self.nodes) {
                return;
            }
            let evaluation = (self.run)(mode, inline, Some(&seen.visited));
            let new = seen.visited.new_in(&evaluation.visited, self.nodes);
            if new.is_empty() && mode == Mode::Sql {
                return;
            }
            left -= 1;
            let whole = self.variant(inline, &evaluation, seen, out);
            if !whole && new.len() > 1 && mode == Mode::Sql {
                self.one_by_one(&new, &mut left, inline, seen, out);
            }
            seen.visited.extend(evaluation.visited);
        }
    }

    /// Where branches do not fit together: each with the first reading's others.
    fn one_by_one(
        &mut self,
        new: &[usize],
        left: &mut usize,
        inline: Inline,
        seen: &mut Seen,
        out: &mut SqlFile,
    ) {
        for branch in new.iter().take(*left) {
            let others = seen.visited.all_but(*branch, self.nodes);
            let evaluation = (self.run)(Mode::Sql, inline, Some(&others));
            *left -= 1;
            self.variant(inline, &evaluation, seen, out);
            seen.visited.relations = evaluation.visited.relations;
        }
    }

    /// One more reading. Was it whole?
    fn variant(
        &mut self,
        inline: Inline,
        evaluation: &Evaluation,
        seen: &mut Seen,
        out: &mut SqlFile,
    ) -> bool {
        let attempt = self.attempt(evaluation, inline, true);
        seen.kept.extend(attempt.kept);
        let Ok(tree) = attempt.result else {
            return false;
        };
        seen.covered.extend(attempt.rendered.covered);
        out.shimmed.extend(tree.shimmed);
        out.variants.extend(tree.query);
        true
    }

    /// Reads the parts of a text that does not parse whole.
    fn recover(&self, rendered: &Rendered, seen: &mut Seen, out: &mut SqlFile) {
        let Some(recovered) = sql::recover(self.file, rendered, self.dialect) else {
            return;
        };
        for read in &recovered.covered {
            seen.covered.extend(rendered.verbatim_within(read));
        }
        out.shimmed.clone_from(&recovered.shimmed);
        out.recovered = Some(Box::new(recovered));
    }

    /// Reads queries that the file keeps instead of printing them.
    fn fragments(&mut self, seen: &mut Seen, out: &mut SqlFile) {
        for pieces in std::mem::take(&mut seen.kept) {
            let ranges = pieces.iter().filter_map(|p| match p {
                Piece::Verbatim(r) => Some(r.clone()),
                _ => None,
            });
            let mut own = Coverage::new(ranges.collect());
            if own.inked(self.src) == own.inked_within(self.src, &mut seen.covered) {
                continue;
            }
            if !sql::render(self.src, &pieces, self.dialect).begins_query() {
                continue;
            }
            let (rendered, result) = self.query_of(&pieces);
            let Ok(QueryTree {
                query: Some(query),
                shimmed,
            }) = result
            else {
                continue;
            };
            if !matches!(query.body, Body::Other(_)) {
                seen.covered.extend(rendered.covered);
                out.shimmed.extend(shimmed);
                out.fragments.push(query);
            }
        }
    }
}
