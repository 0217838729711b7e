//! The syntax tree of a shell text, before anything is known of values.

use crate::command::{RedirectionKind, Span};

/// A piece of a word as it is written.
#[derive(Clone, Debug)]
pub(super) enum Piece {
    /// Unquoted letters: patterns, braces and a tilde in them mean something.
    Bare(String),
    /// Quoted letters, as they are after quoting.
    Quoted(String),
    /// Unquoted letters that form a pattern for certain (`@(`, `|`, `)`).
    Glob(String),
    /// `$name` or `${...}`.
    Parameter(Box<Parameter>),
    /// `$(...)` or backticks.
    Command(Box<List>, bool),
    /// `<(...)` or `>(...)`.
    Process(Box<List>),
    /// `$((...))`, with what is expanded inside.
    Arithmetic(Vec<Piece>),
    /// `(a b c)` after `name=`.
    Array(Vec<Word>),
    /// `[...]` between a name and `=`.
    Subscript(Vec<Piece>),
}

/// What `${name...}` does with the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    /// Nothing.
    Plain,
    /// Takes the word where there is no value (`-`, `=`, `?`); true if it assigns the word.
    Default(bool),
    /// Takes the word where there is a value (`+`).
    Alternative,
    /// Expands it like a prompt, commands included (`@P`).
    Prompt,
    /// Takes a part by numbers, which are arithmetic (`:1:2`).
    Slice,
    /// Counts letters or elements (`${#name}`).
    Length,
    /// Anything else: cutting, replacing, case, names.
    Transform,
}

/// A parameter expansion.
#[derive(Clone, Debug)]
pub(super) struct Parameter {
    pub name: String,
    pub operator: Operator,
    /// The operator's first letter.
    pub sign: Option<u8>,
    /// `${!name}`: the value is the name of what is meant.
    pub indirect: bool,
    pub subscript: Option<Vec<Piece>>,
    /// The operator's word, arithmetic included.
    pub word: Vec<Piece>,
    pub quoted: bool,
}

/// A word as it is written.
#[derive(Clone, Debug, Default)]
pub(super) struct Word {
    pub pieces: Vec<Piece>,
    pub span: Span,
}

/// Where a redirection leads.
#[derive(Clone, Debug)]
pub(super) enum Target {
    /// A file, a descriptor or a here-string.
    Word(Word),
    /// The here-document of this number.
    Document(usize),
}

/// One redirection.
#[derive(Clone, Debug)]
pub(super) struct Redirect {
    pub descriptor: Option<u32>,
    pub kind: RedirectionKind,
    pub target: Target,
}

/// A simple command.
#[derive(Clone, Debug, Default)]
pub(super) struct Simple {
    /// Words of the form `name=value` before the program.
    pub assignments: Vec<Word>,
    pub words: Vec<Word>,
    pub redirections: Vec<Redirect>,
    pub span: Span,
}

/// One branch of `case`: patterns and body.
pub(super) type Arm = (Vec<Word>, List);

/// A command of any kind.
#[derive(Clone, Debug)]
pub(super) enum Node {
    Simple(Simple),
    Pipeline(Vec<Node>),
    /// Commands joined by `&&` (true) and `||` (false); the first has no meaning in the flag.
    Chain(Vec<(bool, Node)>),
    /// `{ ...; }`, or `( ... )` if true.
    Group(List, bool),
    /// Conditions and bodies of `if`, in order, and of `while` and `until` if true.
    Branches(Vec<List>, bool),
    For {
        name: String,
        words: Vec<Word>,
        body: List,
        /// `select`: somebody chooses, perhaps none of the words.
        selects: bool,
    },
    Case {
        word: Word,
        arms: Vec<Arm>,
    },
    Function {
        name: Word,
        body: Box<Node>,
    },
    /// The words of `[[ ... ]]`.
    Test(Vec<Word>),
    /// What `(( ... ))` expands.
    Arithmetic(Vec<Piece>, Span),
    Coprocess(Box<Node>),
    Redirected(Box<Node>, Vec<Redirect>),
}

/// Commands one after the other.
#[derive(Clone, Debug, Default)]
pub(super) struct List {
    /// Each with true if it runs in the background.
    pub items: Vec<(Node, bool)>,
}

/// The body of a here-document.
#[derive(Clone, Debug, Default)]
pub(super) struct Document {
    pub pieces: Vec<Piece>,
    pub span: Span,
}
