//! Windows PowerShell 5.1 and PowerShell 7: a parser of our own, by the language specification (the grammar of version
//! 3.0), the `about_` pages of both versions and how their tokenizers are known to behave, and what its trees mean.
//!
//! Public tree-sitter grammars were tried first and read other commands than PowerShell runs, without an error: curly
//! quotes as letters, `'a' >file` as an argument, a continued line as two commands.
//!
//! What a text runs is given as commands, with some additions:
//!
//! - A script block that is an argument is a word, its text in braces; its commands stand in the script as well, before
//!   the command that gets it. A list is one word of a cmdlet, with a piece `,` of its own between the elements, and
//!   several words of a program. A table is a word `@{Key=value;Key=value}`.
//! - A call of .NET is a command whose program is made up: `[System.IO.File]::Delete` for a static method,
//!   `[System.IO.FileInfo].Delete` for a method of an object, `[?].Delete` where the type is not known, and
//!   `[System.Environment]::CurrentDirectory=` or `[?].IsReadOnly=` where a property is set. Types have their full
//!   names, whatever accelerator or short form the text uses; methods are spelled as in the text. The words are the
//!   arguments; before them stand those that the object was made of, if they are known. An object of COM has the type
//!   `COM:` and its name. A program that is really named so is an unknown word, so that none passes for a method.
//!   Methods that only compute make no command.
//! - `using module`, `using assembly` and a `#requires` that loads code are commands of these names.
//!
//! The parser looks at no letter more than a few times and goes no deeper than a fixed number of constructs.

mod assigned;
mod bind;
mod chain;
mod changes;
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
pub use native::split as runtime_arguments;
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
