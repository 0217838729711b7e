//! What scripts of awk, sed and sqlite3 do besides printing: all can run programs and write files.

mod awk;
mod sed;
mod sqlite;

use crate::command::{Part, Unknown, Word};

/// The language of a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    /// POSIX awk with the extensions of gawk.
    Awk,
    /// GNU sed.
    Sed,
    /// SQL or a command, as an argument of `sqlite3`.
    Sqlite,
}

/// One thing that a script does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    /// Runs a program.
    Runs,
    /// Reads the file of this name, or one that only the running script knows.
    Reads(Option<String>),
    /// Writes the file of this name, or one that only the running script knows.
    Writes(Option<String>),
    /// Is not understood.
    Unclear(&'static str),
}

/// What a script does, in order. What is not understood is a deed as well.
pub(super) fn deeds(language: Language, script: &Word) -> Vec<Deed> {
    let Some(text) = text(script) else {
        return vec![Deed::Unclear("a script that only the running command knows")];
    };
    match language {
        Language::Awk => awk::deeds(&text),
        Language::Sed => sed::deeds(&text),
        Language::Sqlite => sqlite::deeds(&text),
    }
}

/// True if lines for the standard input of `sqlite3` stay in its database.
pub(crate) fn stays_in_database(lines: &str) -> bool {
    sqlite::deeds_of_lines(lines).is_empty()
}

/// The text of a script. A number that is not known stands as `0`; it cannot change what the script is made of.
fn text(script: &Word) -> Option<String> {
    script.parts.iter().try_fold(String::new(), |mut text, part| {
        match part {
            Part::Text(piece) | Part::Pattern(piece) => text.push_str(piece),
            Part::Unknown { why: Unknown::Number, .. } => text.push('0'),
            Part::Home(_) | Part::Unknown { .. } => return None,
        }
        Some(text)
    })
}

/// A file that is open already, so that its name says nothing of the disk.
fn is_open_already(name: &str) -> bool {
    ["-", "/dev/stdin", "/dev/stdout", "/dev/stderr", "/dev/null"].contains(&name)
}
