//! What the second phase makes of a command.

use super::letters::Letter;
use crate::command::RedirectionKind;

/// A redirection, before variables of loops are put in.
#[derive(Clone, Debug)]
pub(super) struct Redirect {
    pub descriptor: Option<u32>,
    pub kind: RedirectionKind,
    pub target: Vec<Letter>,
}

/// A simple command: its letters without carets and redirections, quotes as they were.
#[derive(Clone, Debug, Default)]
pub(super) struct Simple {
    pub letters: Vec<Letter>,
    pub redirections: Vec<Redirect>,
    pub start: usize,
    pub end: usize,
}

/// How the commands of a chain follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Joint {
    /// `&` or a new line.
    Always,
    /// `&&`.
    Succeeded,
    /// `||`.
    Failed,
}

/// What a `for` goes through.
#[derive(Clone, Debug)]
pub(super) enum Through {
    /// Words, and names of files where a word is a pattern.
    Words,
    /// What lies below a root (`/r`).
    Names,
    /// Numbers.
    Numbers,
    /// Lines of files, of a command's output or of a text; these are the options.
    Lines(Vec<Letter>),
}

/// A loop.
#[derive(Clone, Debug)]
pub(super) struct Loop {
    pub variable: char,
    pub through: Through,
    /// The letters between the parentheses.
    pub set: Vec<Letter>,
    /// Letters of the body.
    pub size: usize,
    pub body: Box<Node>,
}

#[derive(Clone, Debug)]
pub(super) enum Node {
    Simple(Simple),
    /// A remark, or nothing.
    Nothing,
    Label(String),
    /// Commands, each with what stands before it.
    Chain(Vec<(Joint, Node)>),
    Group(Vec<Node>),
    Pipeline(Vec<Node>),
    If(Box<Node>, Option<Box<Node>>),
    For(Loop),
    Redirected(Box<Node>, Simple),
}

impl Node {
    /// An `else` may follow, and nothing but redirections and operators.
    pub(super) fn ends_with_parenthesis(&self) -> bool {
        match self {
            Self::Group(_) => true,
            Self::If(then, None) => then.ends_with_parenthesis(),
            Self::If(_, Some(other)) => other.ends_with_parenthesis(),
            Self::For(of) => of.body.ends_with_parenthesis(),
            Self::Redirected(inner, _) => inner.ends_with_parenthesis(),
            _ => false,
        }
    }
}
