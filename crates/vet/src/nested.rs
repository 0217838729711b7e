//! What a command hands on to run: the words of another command, or the text of another shell.

use crate::command::{Input, Shell, Span, Word};
use serde::{Deserialize, Serialize};

/// What runs because a command runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Nested {
    /// A program with its arguments, which no shell looks at again: `env A=b git push`.
    Words {
        /// The program and its arguments. May end in an unknown word that splits, as behind `xargs`.
        words: Vec<Word>,
        /// The launcher, as short as names it: `env`, `find -exec`.
        via: String,
        /// Standard input of the nested command, where the launcher does not keep its own.
        input: Input,
    },
    /// A text for a shell: `bash -c TEXT`. A text with an unknown piece is not understood where it matters.
    Text {
        /// The grammar.
        shell: Shell,
        /// The text.
        text: Word,
        /// The launcher.
        via: String,
    },
    /// Something runs that the words do not show: code of another language, a file, a name known at run time only.
    Unknown {
        /// What, in words: `code for python that starts programs`.
        what: String,
        /// Where in the text.
        span: Span,
        /// The launcher.
        via: String,
    },
}
