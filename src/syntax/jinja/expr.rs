//! Expressions inside `{{ }}` and `{% %}`, parsed once, with every range in bytes of the file.

use super::JinjaError;
use super::ast::{Args, BinaryOp, Expr, ExprKind, Param, UnaryOp};
use super::expr_lex::{Tok, tokenise};
use std::ops::Range;

type Result<T> = std::result::Result<T, JinjaError>;

/// Deeper nesting than this is refused; Python's own recursion limit stops Jinja near it.
const MAX_DEPTH: u32 = 150;

/// A parser over the inside of one Jinja token.
pub(super) struct ExprParser {
    toks: Vec<(Tok, Range<u32>)>,
    at: usize,
    depth: u32,
}

impl ExprParser {
    /// `inner` is the range of the file that holds the expression.
    pub(super) fn new(src: &str, inner: Range<usize>) -> Result<Self> {
        Ok(Self {
            toks: tokenise(src, inner)?,
            at: 0,
            depth: 0,
        })
    }

    fn peek(&self) -> &Tok {
        &self.toks[self.at].0
    }

    fn peek_at(&self, ahead: usize) -> &Tok {
        let i = (self.at + ahead).min(self.toks.len() - 1);
        &self.toks[i].0
    }

    fn here(&self) -> Range<u32> {
        self.toks[self.at].1.clone()
    }

    fn last_end(&self) -> u32 {
        self.toks[self.at.saturating_sub(1)].1.end
    }

    fn bump(&mut self) {
        if self.at + 1 < self.toks.len() {
            self.at += 1;
        }
    }

    pub(super) fn eat(&mut self, punct: &str) -> bool {
        let hit = matches!(self.peek(), Tok::Punct(p) if *p == punct);
        if hit {
            self.bump();
        }
        hit
    }

    pub(super) fn eat_word(&mut self, word: &str) -> bool {
        let hit = matches!(self.peek(), Tok::Name(n) if &**n == word);
        if hit {
            self.bump();
        }
        hit
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Tok::Name(n) if &**n == word)
    }

    pub(super) fn expect(&mut self, punct: &'static str) -> Result<()> {
        if self.eat(punct) {
            return Ok(());
        }
        Err(self.unexpected(&format!("`{punct}`")))
    }

    pub(super) fn at_end(&self) -> bool {
        *self.peek() == Tok::End
    }

    /// Nothing may follow.
    pub(super) fn finish(&self) -> Result<()> {
        if self.at_end() {
            return Ok(());
        }
        Err(self.unexpected("the end of the expression"))
    }

    fn unexpected(&self, wanted: &str) -> JinjaError {
        let found = match self.peek() {
            Tok::Name(n) => format!("`{n}`"),
            Tok::Str(_) => "a string".to_owned(),
            Tok::Int(_) | Tok::Float(_) => "a number".to_owned(),
            Tok::Punct(p) => format!("`{p}`"),
            Tok::End => "the end".to_owned(),
        };
        JinjaError::new(self.here(), format!("expected {wanted}, found {found}"))
    }

    /// A name and its range.
    pub(super) fn name(&mut self) -> Result<(Box<str>, Range<u32>)> {
        if let Tok::Name(n) = self.peek().clone() {
            let range = self.here();
            self.bump();
            return Ok((n, range));
        }
        Err(self.unexpected("a name"))
    }

    /// `a, b` or `(a, b)` or `ns.attr`, as `set` and `for` take them.
    pub(super) fn targets(&mut self) -> Result<Vec<Box<str>>> {
        let parens = self.eat("(");
        let mut names = Vec::new();
        loop {
            let (mut name, _) = self.name()?;
            if self.eat(".") {
                name = format!("{name}.{}", self.name()?.0).into();
            }
            names.push(name);
            if !self.eat(",") || matches!(self.peek(), Tok::Punct(")" | "=")) {
                break;
            }
        }
        if parens {
            self.expect(")")?;
        }
        Ok(names)
    }

    /// `(a, b=1)`, the parameters of a macro; nothing is no parameters.
    pub(super) fn params(&mut self) -> Result<Vec<Param>> {
        let mut params = Vec::new();
        if !self.eat("(") {
            return Ok(params);
        }
        while !self.eat(")") {
            let _ = self.eat("**") || self.eat("*");
            let (name, _) = self.name()?;
            let default = match self.eat("=") {
                true => Some(self.ternary()?),
                false => None,
            };
            params.push(Param { name, default });
            if !self.eat(",") {
                self.expect(")")?;
                break;
            }
        }
        Ok(params)
    }

    /// An expression, with a bare tuple allowed.
    pub(super) fn expression(&mut self) -> Result<Expr> {
        let first = self.ternary()?;
        if !matches!(self.peek(), Tok::Punct(",")) {
            return Ok(first);
        }
        let start = first.range.start;
        let mut items = vec![first];
        while self.eat(",") {
            if self.at_end() {
                break;
            }
            items.push(self.ternary()?);
        }
        Ok(self.node(start, ExprKind::Tuple(items)))
    }

    /// An expression without a bare tuple, and without a trailing `if`: what a `for` iterates.
    pub(super) fn iterable(&mut self) -> Result<Expr> {
        let first = self.or()?;
        if !matches!(self.peek(), Tok::Punct(",")) {
            return Ok(first);
        }
        let start = first.range.start;
        let mut items = vec![first];
        while self.eat(",") {
            items.push(self.or()?);
        }
        Ok(self.node(start, ExprKind::Tuple(items)))
    }

    fn node(&self, start: u32, kind: ExprKind) -> Expr {
        Expr {
            range: start..self.last_end().max(start),
            kind,
        }
    }

    fn ternary(&mut self) -> Result<Expr> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(JinjaError::new(
                self.here(),
                "the expression is nested too deeply",
            ));
        }
        let mut then = self.or()?;
        while self.eat_word("if") {
            let cond = self.or()?;
            let otherwise = match self.eat_word("else") {
                true => Some(Box::new(self.ternary()?)),
                false => None,
            };
            let start = then.range.start;
            let kind = ExprKind::Ternary {
                then: Box::new(then),
                cond: Box::new(cond),
                otherwise,
            };
            then = self.node(start, kind);
        }
        self.depth -= 1;
        Ok(then)
    }

    fn binary(&self, op: BinaryOp, left: Expr, right: Expr) -> Expr {
        let start = left.range.start;
        self.node(start, ExprKind::Binary(op, Box::new(left), Box::new(right)))
    }

    fn or(&mut self) -> Result<Expr> {
        let mut left = self.and()?;
        while self.eat_word("or") {
            let right = self.and()?;
            left = self.binary(BinaryOp::Or, left, right);
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<Expr> {
        let mut left = self.not()?;
        while self.eat_word("and") {
            let right = self.not()?;
            left = self.binary(BinaryOp::And, left, right);
        }
        Ok(left)
    }

    fn not(&mut self) -> Result<Expr> {
        let start = self.here().start;
        if self.eat_word("not") {
            self.enter()?;
            let inner = self.not()?;
            self.depth -= 1;
            return Ok(self.node(start, ExprKind::Unary(UnaryOp::Not, Box::new(inner))));
        }
        self.compare()
    }

    fn enter(&mut self) -> Result<()> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(JinjaError::new(
                self.here(),
                "the expression is nested too deeply",
            ));
        }
        Ok(())
    }

    fn compare(&mut self) -> Result<Expr> {
        let mut left = self.additive()?;
        loop {
            let op = match self.peek() {
                Tok::Punct("==") => BinaryOp::Eq,
                Tok::Punct("!=") => BinaryOp::Ne,
                Tok::Punct("<") => BinaryOp::Lt,
                Tok::Punct("<=") => BinaryOp::Le,
                Tok::Punct(">") => BinaryOp::Gt,
                Tok::Punct(">=") => BinaryOp::Ge,
                Tok::Name(n) if &**n == "in" => BinaryOp::In,
                Tok::Name(n)
                    if &**n == "not" && matches!(self.peek_at(1), Tok::Name(m) if &**m == "in") =>
                {
                    self.bump();
                    BinaryOp::NotIn
                }
                _ => return Ok(left),
            };
            self.bump();
            let right = self.additive()?;
            left = self.binary(op, left, right);
        }
    }

    fn additive(&mut self) -> Result<Expr> {
        let mut left = self.concat()?;
        loop {
            let op = match self.peek() {
                Tok::Punct("+") => BinaryOp::Add,
                Tok::Punct("-") => BinaryOp::Sub,
                _ => return Ok(left),
            };
            self.bump();
            let right = self.concat()?;
            left = self.binary(op, left, right);
        }
    }

    fn concat(&mut self) -> Result<Expr> {
        let mut left = self.multiplicative()?;
        while self.eat("~") {
            let right = self.multiplicative()?;
            left = self.binary(BinaryOp::Concat, left, right);
        }
        Ok(left)
    }

    fn multiplicative(&mut self) -> Result<Expr> {
        let mut left = self.unary(true)?;
        loop {
            let op = match self.peek() {
                Tok::Punct("*") => BinaryOp::Mul,
                Tok::Punct("/") => BinaryOp::Div,
                Tok::Punct("//") => BinaryOp::FloorDiv,
                Tok::Punct("%") => BinaryOp::Rem,
                _ => return Ok(left),
            };
            self.bump();
            let right = self.unary(true)?;
            left = self.binary(op, left, right);
        }
    }

    /// Filters bind to the whole `-x` in Jinja, so they are read behind the sign's operand.
    fn unary(&mut self, with_filters: bool) -> Result<Expr> {
        let start = self.here().start;
        let sign = match self.peek() {
            Tok::Punct("-") => Some(UnaryOp::Minus),
            Tok::Punct("+") => Some(UnaryOp::Plus),
            _ => None,
        };
        let mut node = match sign {
            Some(op) => {
                self.bump();
                self.enter()?;
                let inner = self.unary(false)?;
                self.depth -= 1;
                self.node(start, ExprKind::Unary(op, Box::new(inner)))
            }
            None => {
                let primary = self.primary()?;
                self.postfix(primary)?
            }
        };
        if self.eat("**") {
            self.enter()?;
            let power = self.unary(false)?;
            self.depth -= 1;
            node = self.binary(BinaryOp::Pow, node, power);
        }
        if with_filters {
            node = self.filters(node)?;
        }
        Ok(node)
    }

    fn postfix(&mut self, mut value: Expr) -> Result<Expr> {
        loop {
            let start = value.range.start;
            if self.eat(".") {
                let attr = match self.peek().clone() {
                    Tok::Name(n) => n,
                    Tok::Int(i) => i.to_string().into(),
                    _ => return Err(self.unexpected("a name")),
                };
                self.bump();
                value = self.node(start, ExprKind::Attr(Box::new(value), attr));
            } else if self.eat("[") {
                value = self.subscript(value)?;
            } else if self.eat("(") {
                let args = self.args()?;
                value = self.node(start, ExprKind::Call(Box::new(value), args));
            } else {
                return Ok(value);
            }
        }
    }

    fn subscript(&mut self, value: Expr) -> Result<Expr> {
        let start = value.range.start;
        let mut parts: [Option<Expr>; 3] = [None, None, None];
        let mut colons = 0;
        while !self.eat("]") {
            if self.eat(":") {
                colons += 1;
                if colons > 2 {
                    return Err(self.unexpected("`]`"));
                }
                continue;
            }
            if self.at_end() || parts[colons].is_some() {
                return Err(self.unexpected("`]`"));
            }
            parts[colons] = Some(self.expression()?);
        }
        let kind = match (colons, parts) {
            (0, [Some(key), ..]) => ExprKind::Item(Box::new(value), Box::new(key)),
            (0, _) => return Err(self.unexpected("a key")),
            (_, parts) => ExprKind::Slice(Box::new(value), Box::new(parts)),
        };
        Ok(self.node(start, kind))
    }

    /// Behind the opening parenthesis.
    fn args(&mut self) -> Result<Args> {
        let mut args = Args::default();
        while !self.eat(")") {
            if self.eat("**") || self.eat("*") {
                args.spread.push(self.ternary()?);
            } else if let (Tok::Name(name), Tok::Punct("=")) = (self.peek(), self.peek_at(1)) {
                let (name, range) = (name.clone(), self.here());
                self.bump();
                self.bump();
                args.named.push((name, range, self.ternary()?));
            } else {
                args.positional.push(self.ternary()?);
            }
            if !self.eat(",") {
                self.expect(")")?;
                break;
            }
        }
        Ok(args)
    }

    fn filters(&mut self, mut value: Expr) -> Result<Expr> {
        loop {
            let start = value.range.start;
            if self.eat("|") {
                let (mut name, _) = self.name()?;
                while self.eat(".") {
                    name = format!("{name}.{}", self.name()?.0).into();
                }
                let args = match self.eat("(") {
                    true => self.args()?,
                    false => Args::default(),
                };
                value = self.node(start, ExprKind::Filter(Box::new(value), name, args));
            } else if self.eat_word("is") {
                value = self.test(value)?;
            } else if self.eat("(") {
                let args = self.args()?;
                value = self.node(start, ExprKind::Call(Box::new(value), args));
            } else {
                return Ok(value);
            }
        }
    }

    fn test(&mut self, value: Expr) -> Result<Expr> {
        let start = value.range.start;
        let negated = self.eat_word("not");
        let (name, _) = self.name()?;
        let mut args = Args::default();
        if self.eat("(") {
            args = self.args()?;
        } else if self.starts_operand() {
            // `x is divisibleby 3`: one argument without parentheses.
            let primary = self.primary()?;
            args.positional.push(self.postfix(primary)?);
        }
        let kind = ExprKind::Test {
            value: Box::new(value),
            name,
            args,
            negated,
        };
        Ok(self.node(start, kind))
    }

    fn starts_operand(&self) -> bool {
        match self.peek() {
            Tok::Str(_) | Tok::Int(_) | Tok::Float(_) | Tok::Punct("[" | "{") => true,
            Tok::Name(n) => !matches!(&**n, "and" | "or" | "else" | "if" | "is" | "in" | "not"),
            _ => false,
        }
    }

    fn primary(&mut self) -> Result<Expr> {
        let start = self.here().start;
        let kind = match self.peek().clone() {
            Tok::Str(mut text) => {
                self.bump();
                // Adjacent strings are one, as in Python.
                while let Tok::Str(more) = self.peek() {
                    text = format!("{text}{more}").into();
                    self.bump();
                }
                ExprKind::Str(text)
            }
            Tok::Int(i) => {
                self.bump();
                ExprKind::Int(i)
            }
            Tok::Float(f) => {
                self.bump();
                ExprKind::Float(f)
            }
            Tok::Name(name) => {
                if matches!(&*name, "if" | "else" | "and" | "or" | "in" | "is") {
                    return Err(self.unexpected("a value"));
                }
                self.bump();
                match &*name {
                    "true" | "True" => ExprKind::Bool(true),
                    "false" | "False" => ExprKind::Bool(false),
                    "none" | "None" => ExprKind::None,
                    _ => ExprKind::Name(name),
                }
            }
            Tok::Punct("(") => return self.parenthesised(),
            Tok::Punct("[") => {
                self.bump();
                ExprKind::List(self.items("]")?)
            }
            Tok::Punct("{") => {
                self.bump();
                self.dict()?
            }
            _ => return Err(self.unexpected("a value")),
        };
        Ok(self.node(start, kind))
    }

    fn parenthesised(&mut self) -> Result<Expr> {
        let start = self.here().start;
        self.bump();
        if self.eat(")") {
            return Ok(self.node(start, ExprKind::Tuple(Vec::new())));
        }
        let first = self.ternary()?;
        if self.eat(")") {
            return Ok(Expr {
                range: start..self.last_end(),
                kind: first.kind,
            });
        }
        self.expect(",")?;
        let mut items = vec![first];
        items.extend(self.items(")")?);
        Ok(self.node(start, ExprKind::Tuple(items)))
    }

    fn items(&mut self, close: &'static str) -> Result<Vec<Expr>> {
        let mut items = Vec::new();
        while !self.eat(close) {
            items.push(self.ternary()?);
            if !self.eat(",") {
                self.expect(close)?;
                break;
            }
        }
        Ok(items)
    }

    fn dict(&mut self) -> Result<ExprKind> {
        let mut entries = Vec::new();
        while !self.eat("}") {
            let key = self.ternary()?;
            self.expect(":")?;
            entries.push((key, self.ternary()?));
            if !self.eat(",") {
                self.expect("}")?;
                break;
            }
        }
        Ok(ExprKind::Dict(entries))
    }

    /// Does a `for … if` filter follow?
    pub(super) fn at_word_if(&self) -> bool {
        self.is_word("if")
    }
}
