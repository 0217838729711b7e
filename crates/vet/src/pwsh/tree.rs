//! The syntax tree of a PowerShell text, before anything is known of values.

use crate::command::{RedirectionKind, Span};

/// A piece of an expandable string or of a bare word.
#[derive(Clone, Debug)]
pub(super) enum Piece {
    /// Letters, as they are after quoting and escaping.
    Text(String),
    /// Unquoted letters that form a pattern of names: `*`, `?`, `[`, `]`.
    Wild(char),
    /// `$name` or `${name}`.
    Variable(String),
    /// `$(...)`.
    Statements(Vec<Statement>),
}

/// How statements stand inside an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wrapping {
    /// `(...)`: one pipeline or assignment.
    Parentheses,
    /// `$(...)`.
    SubExpression,
    /// `@(...)`: always a list.
    List,
}

/// An expression, or a word of a command.
#[derive(Clone, Debug)]
pub(super) struct Expression {
    pub kind: Kind,
    pub span: Span,
}

/// The forms of an expression.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    /// A quoted text without anything to expand.
    Text(String),
    /// A number as it is written.
    Number(String),
    /// A text with something to expand in it.
    Expandable(Vec<Piece>),
    /// A bare word of a command; quoted stretches in it are plain text.
    Bare(Vec<Piece>),
    /// `-Name`, or `-Name:value` with what follows the colon.
    Parameter(String, Option<Box<Expression>>),
    /// What stands behind `--%`.
    Verbatim(String),
    Variable(String),
    /// `@name` as an argument.
    Splat(String),
    /// `a, b`.
    List(Vec<Expression>),
    Statements(Vec<Statement>, Wrapping),
    Hash(Vec<(Expression, Statement)>),
    Block(Box<Block>),
    /// `[name]`.
    Type(String),
    Cast(String, Box<Expression>),
    /// A value with the members, calls and indexes behind it.
    Access(Box<Expression>, Vec<Link>),
    /// A unary operator, in lower case and without its dash.
    Unary(String, Box<Expression>),
    /// Binary operators, in lower case and without their dash, from the left.
    Binary(Box<Expression>, Vec<(String, Expression)>),
    /// `a ? b : c`.
    Choice(Box<[Expression; 3]>),
}

/// What stands behind a value.
#[derive(Clone, Debug)]
pub(super) enum Link {
    Member(Member),
    Index(Expression),
}

/// `.name` or `::name`, and with arguments a call.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub name: Expression,
    pub is_static: bool,
    pub arguments: Option<Vec<Expression>>,
}

/// A redirection; without a target it merges streams.
#[derive(Clone, Debug)]
pub(super) struct Redirect {
    pub stream: Option<u32>,
    pub kind: RedirectionKind,
    pub target: Option<Expression>,
}

/// A command with its words.
#[derive(Clone, Debug)]
pub(super) struct Invocation {
    /// `&` or `.` before the name.
    pub operator: Option<char>,
    pub name: Expression,
    pub arguments: Vec<Expression>,
}

/// What stands between two `|`.
#[derive(Clone, Debug)]
pub(super) enum Work {
    Expression(Expression),
    Command(Invocation),
}

/// An element of a pipeline.
#[derive(Clone, Debug)]
pub(super) struct Element {
    pub work: Work,
    pub redirections: Vec<Redirect>,
    pub span: Span,
}

/// Elements joined by `|`.
pub(super) type Pipeline = Vec<Element>;

/// A step of a statement that has blocks.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// A condition, or anything else that is evaluated.
    Evaluate(Statement),
    /// A block that can run.
    Block(Vec<Statement>),
    /// A variable that a loop sets.
    Sets(Expression),
}

/// A statement.
#[derive(Clone, Debug)]
pub(super) enum Statement {
    /// Pipelines, and for each behind the first whether `&&` joins it; else it is `||`.
    Chain(Vec<Pipeline>, Vec<bool>),
    Assign(Box<Assign>),
    /// `if`, loops, `switch`, `try`, `trap`, `data`.
    Compound(Vec<Step>),
    /// `function` and `filter`: the name and what runs when it is called.
    Function(String, Vec<Statement>),
    /// `class` and `enum`: the name, and all that can run in them.
    Type(String, Vec<Statement>),
    /// `param(...)`: names, and what attributes and defaults evaluate.
    Parameters(Vec<Expression>, Vec<Expression>),
    /// `return`, `throw`, `exit` with a value.
    Flow(Box<Statement>),
    /// `using` and `#requires`: their words.
    Using(Vec<String>, Span),
}

/// `target = value`.
#[derive(Clone, Debug)]
pub(super) struct Assign {
    pub target: Expression,
    pub operator: String,
    pub value: Statement,
    pub span: Span,
}

/// A script block.
#[derive(Clone, Debug, Default)]
pub(super) struct Block {
    pub body: Vec<Statement>,
    /// The text with its braces.
    pub text: String,
}
