//! Windows PowerShell 5.1 and PowerShell 7: a parser of our own, by the language specification (the grammar of version
//! 3.0), the `about_` pages of both versions and how their tokenizers are known to behave, and what its trees mean.
//!
//! Public tree-sitter grammars were tried first and read other commands than PowerShell runs, without an error: curly
//! quotes as letters, `'a' >file` as an argument, a continued line as two commands.
//!
//! The parser looks at no letter more than a few times and goes no deeper than a fixed number of constructs.

mod assigned;
mod bind;
mod cursor;
mod dotnet;
mod evaluate;
mod expressions;
mod fold;
mod keywords;
mod lower;
mod members;
mod names;
mod native;
mod nested;
mod operators;
mod scope;
mod statements;
mod strings;
mod tree;
mod value;
mod words;

#[cfg(test)]
mod tests;

pub use bind::{Bound, bind};
pub use names::{cmdlet, may_be_program};
pub use nested::nested;

use crate::command::{Script, Shell, Span};
use cursor::{Parser, Places};

/// Reads a text of PowerShell.
pub(crate) fn parse(shell: Shell, text: &str) -> Script {
    read(shell, text, Places::Here)
}

/// Reads a text that was a word of another text: all of it stands at `span` there.
pub(crate) fn parse_at(shell: Shell, text: &str, span: Span) -> Script {
    read(shell, text, Places::At(span))
}

fn read(shell: Shell, text: &str, places: Places) -> Script {
    let mut parser = Parser::new(text, shell, places);
    let statements = parser.script();
    lower::lower(shell, text.len(), &statements, parser.problems)
}
