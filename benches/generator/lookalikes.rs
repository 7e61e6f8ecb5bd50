//! Which model gets which look-alike: text that resembles a defect and is none.
//!
//! A linter is trusted for what it does not report. Look-alikes stand in clean models and, twice as
//! often, in models with a defect, where a careless rule would count two.

use super::Plan;
use super::defects::Kind;
use super::plan::{Layer, Model, Shape, StarForm};
use super::rng::Rng;

/// A kind of look-alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lookalike {
    TableInComment,
    RefInJinjaComment,
    RefInRaw,
    MultiByte,
    Crlf,
    Bom,
    TableInString,
    DependsOn,
    StarOverNamedCte,
    RefInDeadBranch,
    AntiJoin,
    LeftThenCoalesce,
    LeftThenOrNull,
    LeftThenLeft,
    ExtractFrom,
    LateralFlatten,
    TableFunction,
    Unnest,
    SeedRef,
    PackageRef,
    QuotedCteLikeTable,
    CteNamedAsModel,
    MacroRef,
    StarInExists,
    InnerOnBase,
    SuppressedTable,
    SuppressedStar,
}

use Lookalike::{
    AntiJoin, Bom, Crlf, CteNamedAsModel, DependsOn, ExtractFrom, InnerOnBase, LateralFlatten,
    LeftThenCoalesce, LeftThenLeft, LeftThenOrNull, MacroRef, MultiByte, PackageRef,
    QuotedCteLikeTable, RefInDeadBranch, RefInJinjaComment, RefInRaw, SeedRef, StarInExists,
    StarOverNamedCte, SuppressedStar, SuppressedTable, TableFunction, TableInComment,
    TableInString, Unnest,
};

/// Those that fit any SQL file.
const ANYWHERE: [Lookalike; 6] = [
    TableInComment,
    RefInJinjaComment,
    RefInRaw,
    MultiByte,
    Crlf,
    Bom,
];

/// Those that need a staging model's CTEs.
const STAGING: [Lookalike; 2] = [TableInString, StarOverNamedCte];

/// Those that need a join downstream of staging.
const DOWNSTREAM: [Lookalike; 19] = [
    AntiJoin,
    LeftThenLeft,
    SeedRef,
    TableInString,
    ExtractFrom,
    DependsOn,
    LeftThenCoalesce,
    LateralFlatten,
    StarOverNamedCte,
    QuotedCteLikeTable,
    PackageRef,
    TableFunction,
    LeftThenOrNull,
    RefInDeadBranch,
    CteNamedAsModel,
    Unnest,
    StarInExists,
    InnerOnBase,
    SuppressedTable,
];

impl Lookalike {
    /// What stands there and why it is no defect.
    pub fn what(self) -> &'static str {
        match self {
            TableInComment => "a table name in a comment",
            RefInJinjaComment => "a ref to nothing in a Jinja comment",
            RefInRaw => "a ref to nothing inside raw",
            MultiByte => "multi-byte text before the code",
            Crlf => "line endings of Windows",
            Bom => "a byte order mark",
            TableInString => "a table name in a string",
            DependsOn => "a depends_on comment on an allowed parent",
            StarOverNamedCte => "a star over a CTE whose columns are all named",
            RefInDeadBranch => "a ref to nothing in a branch that is never rendered",
            AntiJoin => "a left join and `is null`: an anti-join",
            LeftThenCoalesce => "a left join and a condition on coalesce of its column",
            LeftThenOrNull => "a left join and a condition that accepts null",
            LeftThenLeft => "a left join on a left-joined column",
            ExtractFrom => "extract(year from x.y)",
            LateralFlatten => "lateral flatten",
            TableFunction => "a table function in from",
            Unnest => "unnest in from",
            SeedRef => "a ref to a seed",
            PackageRef => "a ref into a package that is not installed: unknown, not broken",
            QuotedCteLikeTable => "a CTE whose quoted name looks like schema.table",
            CteNamedAsModel => "a CTE with the name of a model",
            MacroRef => "a macro that contains the ref",
            StarInExists => "a star inside exists, which is no output",
            InnerOnBase => "an inner join after a left join, on the base's column",
            SuppressedTable => "a hardcoded table, suppressed with a reason",
            SuppressedStar => "a star output, suppressed with a reason",
        }
    }
}

/// Gives look-alikes to models; with a defect two, otherwise up to two.
pub fn assign(plan: &mut Plan, rng: &mut Rng) {
    let parseable = plan.spec.parseable;
    let mut turn = [0usize; 3];
    for index in 0..plan.models.len() {
        let model = &mut plan.models[index];
        let wanted = if model.defect.is_some() {
            2
        } else {
            rng.below(3)
        };
        let suppress = model.layer == Layer::Mart && model.defect.is_none() && rng.percent(4);
        if suppress {
            model.shape = Shape::Star(StarForm::Direct);
            model.parents.truncate(1);
            model.lookalikes.push(SuppressedStar);
        }
        for _ in 0..wanted {
            let (list, place): (&[Lookalike], usize) = match model.shape {
                Shape::Star(_) => (&ANYWHERE, 0),
                _ if rng.percent(30) => (&ANYWHERE, 0),
                Shape::Staging => (&STAGING, 1),
                _ => (&DOWNSTREAM, 2),
            };
            let lookalike = list[turn[place] % list.len()];
            turn[place] += 1;
            if fits(lookalike, model) && !(parseable && lookalike == PackageRef) {
                model.lookalikes.push(lookalike);
            }
        }
        if model.layer == Layer::Mart && model.defect.is_none() && !suppress && rng.percent(5) {
            model.lookalikes.push(MacroRef);
        }
    }
}

fn fits(lookalike: Lookalike, model: &Model) -> bool {
    let rivals: &[Lookalike] = match lookalike {
        // Two conditions on one left join would judge each other.
        AntiJoin | LeftThenCoalesce | LeftThenOrNull => {
            &[AntiJoin, LeftThenCoalesce, LeftThenOrNull, LeftThenLeft]
        }
        LeftThenLeft => &[AntiJoin, LeftThenCoalesce, LeftThenOrNull],
        _ => &[],
    };
    let touches_left_join = !rivals.is_empty() || lookalike == SeedRef;
    // Nothing of a file with broken Jinja can be judged.
    let unjudged = model.is(Kind::JinjaSyntax);
    let beside_defect = model.is(Kind::InnerAfterLeft) && touches_left_join;
    // The copy of a model would repeat whatever a suppression covers.
    let copied = model.is(Kind::DuplicateNode) && lookalike == SuppressedTable;
    // Missing and reordered CTEs need explicit lists, and have no usual `filtered`.
    let reordered = model.is(Kind::CteMissing) || model.is(Kind::CteOrder);
    let no_place = reordered && STAGING.contains(&lookalike);
    let taken = model.has(lookalike) || rivals.iter().any(|&rival| model.has(rival));
    !(unjudged || beside_defect || copied || no_place || taken)
}
