//! POSIX `sh` and bash: a parser of our own, by the grammar of POSIX.1-2024 (Shell Command Language) and the manual of
//! bash 5.3, and what its trees mean.
//!
//! The parser never backtracks far and goes no deeper than a fixed number of constructs, so the time it takes grows
//! with the text and nothing in the text can exhaust the stack.

mod ansi;
mod assigned;
mod braces;
mod cursor;
mod data;
mod directory;
mod documents;
mod evaluated;
mod expand;
mod expansion;
mod grammar;
mod iterate;
mod joined;
mod lower;
mod names;
mod scope;
mod simple;
mod tree;
mod words;

#[cfg(test)]
mod tests;

use crate::command::{Script, Shell, Span};
use cursor::{Parser, Places};

/// Reads a text of `sh` or bash.
pub(crate) fn parse(shell: Shell, text: &str) -> Script {
    read(shell, text, Places::From(0))
}

/// Reads a text that was a word of another text: all of it stands at `span` there.
pub(crate) fn parse_at(shell: Shell, text: &str, span: Span) -> Script {
    read(shell, text, Places::At(span))
}

fn read(shell: Shell, text: &str, places: Places) -> Script {
    let mut parser = Parser::new(text, shell, places);
    let list = parser.as_far_as_possible();
    lower::lower(shell, text.len(), &list, &parser.documents, parser.problems)
}
