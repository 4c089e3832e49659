//! The mutants as `cargo mutants --list --json` names them.

use serde::Deserialize;

/// A line and a column of a source, both counted from 1.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq)]
pub struct Place {
    pub line: usize,
    pub column: usize,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Span {
    pub start: Place,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Function {
    pub span: Span,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq)]
pub enum Genre {
    FnValue,
    BinaryOperator,
    UnaryOperator,
    MatchArm,
    MatchArmGuard,
    StructField,
}

/// One change of one place. Its number, by which a run chooses it, is its place in the list plus one.
#[derive(Clone, Debug, Deserialize)]
pub struct Mutant {
    pub name: String,
    pub file: String,
    pub genre: Genre,
    pub replacement: String,
    pub span: Span,
    pub function: Option<Function>,
}

impl Mutant {
    /// Where the syntax node stands that the mutant changes: the whole function's for its value.
    pub fn place(&self) -> Place {
        match (self.genre, &self.function) {
            (Genre::FnValue, Some(function)) => function.span.start,
            _ => self.span.start,
        }
    }
}
