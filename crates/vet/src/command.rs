//! What all grammars are lowered to: simple commands with words, redirections and what is not known.

use crate::region::Region;
use serde::{Deserialize, Serialize};

/// The grammar in which a text is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shell {
    /// POSIX `sh` as dash reads it.
    Sh,
    /// GNU bash.
    Bash,
    /// PowerShell 7, `pwsh`.
    Pwsh,
    /// Windows PowerShell 5.1, `powershell`.
    WindowsPowershell,
    /// The command interpreter of Windows, `cmd.exe`.
    Cmd,
    /// No shell: words that the system executes as they are.
    Argv,
}

/// Bytes of the source text, from `start` up to but not with `end`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
}

/// Why a piece of a word is only known when the command runs.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unknown {
    /// The value of a variable or parameter, by name.
    Variable(String),
    /// What another command prints; that command stands in the script as well.
    Output,
    /// The result of arithmetic: digits and a sign, no other letter.
    Number,
    /// Names that a program lists. They lie where these patterns of a shell would find them.
    Names(Vec<String>),
    /// Anything else, in words.
    Other(String),
}

/// A piece of a word.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// Text as the program gets it, after all quoting.
    Text(String),
    /// An unquoted pattern of file names, which the shell or the program may replace with several words.
    Pattern(String),
    /// The home directory, of the named user or, with `None`, of the one who runs the command.
    Home(Option<String>),
    /// Known at run time only. `splits` is true where the value can become no word or several.
    Unknown {
        /// Why.
        why: Unknown,
        /// Whether it may become no word, or several.
        splits: bool,
    },
}

/// One word of a command: its pieces, side by side. A word without pieces is the empty word.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Word {
    /// The pieces.
    pub parts: Vec<Part>,
    /// Where it stands in the source text.
    pub span: Span,
}

impl Word {
    /// A word that is known.
    #[must_use]
    pub fn known(text: impl Into<String>, span: Span) -> Self {
        let text = text.into();
        let parts = if text.is_empty() { Vec::new() } else { vec![Part::Text(text)] };
        Self { parts, span }
    }

    /// The text of the word if all of it is known and no pattern stands in it.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        self.parts.iter().try_fold(String::new(), |mut text, part| match part {
            Part::Text(piece) => {
                text.push_str(piece);
                Some(text)
            }
            Part::Pattern(_) | Part::Home(_) | Part::Unknown { .. } => None,
        })
    }

    /// What is known of the word's beginning: the text before the first piece that is not.
    #[must_use]
    pub fn known_start(&self) -> String {
        let known = self.parts.iter().map_while(|part| match part {
            Part::Text(piece) => Some(piece.as_str()),
            Part::Pattern(_) | Part::Home(_) | Part::Unknown { .. } => None,
        });
        known.collect()
    }

    /// True if nothing else of the word is known at run time only than names that a program lists.
    #[must_use]
    pub(crate) fn is_listed(&self) -> bool {
        let is_name = |part: &Part| matches!(part, Part::Unknown { why: Unknown::Names(_), .. });
        self.parts.iter().any(is_name)
            && self.parts.iter().all(|part| is_name(part) || matches!(part, Part::Text(_)))
    }

    /// True if a piece is only known at run time.
    #[must_use]
    pub fn has_unknown(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Unknown { .. }))
    }
}

/// A variable that is set, for one command (`A=b cmd`) or for what follows.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Assignment {
    /// The name, without a subscript.
    pub name: String,
    /// The value.
    pub value: Word,
}

/// What a redirection does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RedirectionKind {
    /// Reads a file.
    Read,
    /// Replaces a file.
    Write,
    /// Appends to a file.
    Append,
    /// Opens a file for both.
    ReadWrite,
    /// Gives text that stands in the script (here-document, here-string).
    Text,
    /// Copies or closes a descriptor; no file is involved.
    Duplicate,
}

/// One redirection of a command.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Redirection {
    /// The descriptor or, in PowerShell, the stream; `None` where the kind says it (0 or 1) or all are meant.
    pub descriptor: Option<u32>,
    /// What it does.
    pub kind: RedirectionKind,
    /// The file, the descriptor or the text.
    pub target: Word,
}

/// Where a command's standard input comes from, as far as the text says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Input {
    /// From whoever started the shell.
    #[default]
    Inherited,
    /// From the output of the command at this place in [`Script::commands`] (the last of a compound).
    Pipe(usize),
    /// From text in the script.
    Text(Word),
}

/// One simple command that the text could run. Conditions and loops are not decided: every branch can run.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Command {
    /// The grammar it was read in.
    pub shell: Shell,
    /// The words, the program first, aliases and functions of the text not replaced. Empty for a bare assignment or a
    /// bare redirection.
    pub words: Vec<Word>,
    /// Variables set for this command alone or, without words, from here on.
    pub assignments: Vec<Assignment>,
    /// Redirections, in order.
    pub redirections: Vec<Redirection>,
    /// Standard input.
    pub input: Input,
    /// The launchers through which it is reached, outermost first: `["sudo", "bash -c"]`. Empty for the text itself.
    pub via: Vec<String>,
    /// Where it stands in the text that was given. A command inside a nested text has the span of the word that
    /// holds the text.
    pub span: Span,
}

/// Something in the text that was not understood. A script with a problem is never safe.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Problem {
    /// What, in words.
    pub what: String,
    /// Where.
    pub span: Span,
}

/// All that a text could run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Script {
    /// The simple commands, in the order of the text; what stands in a substitution comes before the command that
    /// uses it.
    pub commands: Vec<Command>,
    /// Names of functions, aliases and variables of code that the text defines: a command of such a name is no program.
    pub definitions: Vec<String>,
    /// What was not understood.
    pub problems: Vec<Problem>,
    /// Stretches of the commands that keep their working directory, run again or run later.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub regions: Vec<Region>,
}
