//! Which variables get values in other places than one after the other at the top of the text: their values are not
//! certain anywhere.

use super::tree::{List, Node, Operator, Piece, Redirect, Simple, Target, Word};
use super::words::is_name;
use crate::hidden;
use std::collections::HashSet;

/// Builtins that set the variables they are given as words.
const SETS_NAMES: &[&str] = &[
    "read",
    "mapfile",
    "readarray",
    "printf",
    "getopts",
    "let",
    "unset",
    "wait",
    "declare",
    "typeset",
    "local",
    "export",
    "readonly",
];

/// Commands after which any variable may have any value.
const SETS_ANYTHING: &[&str] =
    &["eval", "source", ".", "trap", "builtin", "command", "set", "shopt", "enable", "alias", "hash", "exec"];

/// What a text assigns out of order.
#[derive(Debug, Default)]
pub(super) struct Assigned {
    /// Names that are never certain.
    pub names: HashSet<String>,
    /// Names that loops go through: certain in a turn of the loop alone.
    pub looped: HashSet<String>,
    /// Nothing is certain.
    pub anything: bool,
    /// Some text in the script holds a command in a subscript, which runs wherever it is evaluated as arithmetic.
    pub hidden: bool,
}

/// Looks through a whole text.
pub(super) fn assigned(list: &List) -> Assigned {
    let mut found = Assigned::default();
    for (node, background) in &list.items {
        found.node(node, !background);
    }
    found
}

/// What a simple command does to variables.
pub(super) enum Touches {
    /// Nothing.
    Nothing,
    /// Sets these.
    Names(Vec<String>),
    /// May set any.
    Anything,
}

/// What a simple command does to variables, its own assignments apart.
pub(super) fn touches(simple: &Simple) -> Touches {
    let Some(program) = simple.words.first() else { return Touches::Nothing };
    let mut name = String::new();
    for piece in &program.pieces {
        match piece {
            Piece::Bare(text) | Piece::Quoted(text) => name.push_str(text),
            // A program that is not known may be `eval`.
            _ => return Touches::Anything,
        }
    }
    if SETS_ANYTHING.contains(&name.as_str()) {
        return Touches::Anything;
    }
    if !SETS_NAMES.contains(&name.as_str()) {
        return Touches::Nothing;
    }
    let mut names = Vec::new();
    for word in simple.words.iter().skip(1) {
        let text = leading_text(word);
        // A name that refers to another variable, or one that is not known: anything may be meant.
        let refers = text.starts_with('-')
            && text.contains('n')
            && matches!(name.as_str(), "declare" | "typeset" | "local");
        if refers || text.is_empty() {
            return Touches::Anything;
        }
        names.extend(names_in(&text));
    }
    Touches::Names(names)
}

fn leading_text(word: &Word) -> String {
    match word.pieces.first() {
        Some(Piece::Bare(text) | Piece::Quoted(text)) => text.clone(),
        _ => String::new(),
    }
}

/// Every name in an arithmetic or other text.
pub(super) fn names_in(text: &str) -> impl Iterator<Item = String> {
    text.split(|letter: char| letter != '_' && !letter.is_ascii_alphanumeric())
        .filter(|name| is_name(name))
        .map(str::to_owned)
}

/// The name that an assignment sets.
pub(super) fn assigned_name(word: &Word) -> String {
    let text = leading_text(word);
    let name = text.split(['=', '[']).next().unwrap_or_default();
    name.trim_end_matches('+').to_owned()
}

impl Assigned {
    fn list(&mut self, list: &List) {
        for (node, _) in &list.items {
            self.node(node, false);
        }
    }

    fn node(&mut self, node: &Node, is_straight: bool) {
        match node {
            Node::Simple(simple) => self.simple(simple, is_straight),
            Node::Pipeline(nodes) => nodes.iter().for_each(|node| self.node(node, false)),
            Node::Chain(nodes) => {
                for (index, (_, node)) in nodes.iter().enumerate() {
                    self.node(node, is_straight && index == 0);
                }
            }
            Node::Group(list, true) => self.list(list),
            Node::Group(list, false) => {
                for (node, background) in &list.items {
                    self.node(node, is_straight && !background);
                }
            }
            Node::Branches(lists, _) => lists.iter().for_each(|list| self.list(list)),
            Node::For { name, words, body, selects } => {
                let into = if *selects { &mut self.names } else { &mut self.looped };
                into.insert(name.clone());
                self.words(words);
                self.list(body);
            }
            Node::Case { word, arms } => {
                self.word(word);
                for (patterns, body) in arms {
                    self.words(patterns);
                    self.list(body);
                }
            }
            Node::Function { body, .. } => self.node(body, false),
            Node::Test(words) => self.words(words),
            Node::Arithmetic(pieces, _) => self.arithmetic(pieces),
            Node::Coprocess(body) => self.node(body, false),
            Node::Redirected(node, redirections) => {
                self.redirections(redirections);
                self.node(node, is_straight);
            }
        }
    }

    fn simple(&mut self, simple: &Simple, is_straight: bool) {
        self.words(&simple.assignments);
        self.words(&simple.words);
        self.redirections(&simple.redirections);
        if is_straight {
            return;
        }
        self.names.extend(simple.assignments.iter().map(assigned_name));
        match touches(simple) {
            Touches::Nothing => {}
            Touches::Names(names) => self.names.extend(names),
            Touches::Anything => self.anything = true,
        }
    }

    fn redirections(&mut self, redirections: &[Redirect]) {
        for redirect in redirections {
            if let Target::Word(word) = &redirect.target {
                self.word(word);
            }
        }
    }

    fn words(&mut self, words: &[Word]) {
        words.iter().for_each(|word| self.word(word));
    }

    fn word(&mut self, word: &Word) {
        self.pieces(&word.pieces);
    }

    fn pieces(&mut self, pieces: &[Piece]) {
        for piece in pieces {
            match piece {
                Piece::Bare(text) | Piece::Quoted(text) => self.hidden |= hidden::in_subscript(text),
                Piece::Glob(_) => {}
                Piece::Command(list, _) | Piece::Process(list) => self.list(list),
                Piece::Arithmetic(inner) | Piece::Subscript(inner) => self.arithmetic(inner),
                Piece::Array(words) => self.words(words),
                Piece::Parameter(parameter) => {
                    if parameter.operator == Operator::Default(true) {
                        self.names.insert(parameter.name.clone());
                    }
                    self.pieces(&parameter.word);
                    self.pieces(parameter.subscript.as_deref().unwrap_or_default());
                }
            }
        }
    }

    /// Arithmetic assigns numbers; which is not looked at.
    fn arithmetic(&mut self, pieces: &[Piece]) {
        for piece in pieces {
            if let Piece::Quoted(text) | Piece::Bare(text) = piece {
                self.names.extend(names_in(text));
            }
        }
        self.pieces(pieces);
    }
}
