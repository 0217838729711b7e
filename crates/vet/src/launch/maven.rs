//! Maven: a project's own code, and the program that exec-maven-plugin is given.

use super::args::{joined, without};
use super::{Call, Launches};
use crate::command::{Shell, Word};

/// The value of a property: `-Dname=value`, `-D name=value`, `--define name=value`.
fn property(words: &[Word], name: &str) -> Option<Word> {
    let mut is_behind = false;
    let mut found = None;
    for word in words {
        let start = word.known_start();
        let short = start.strip_prefix("-D").filter(|_| !is_behind);
        let given =
            if is_behind { Some(start.as_str()) } else { short.or_else(|| start.strip_prefix("--define=")) };
        let value = given.and_then(|given| given.strip_prefix(name)?.strip_prefix('='));
        if let Some(value) = value {
            found = Some(without(word, start.len() - value.len()));
        }
        is_behind = !is_behind && matches!(start.as_str(), "-D" | "--define");
    }
    found
}

/// `exec:exec` starts a program with words that it splits at blanks outside quotes. The plugin may be part of any goal.
/// Source: the documentation of exec-maven-plugin, `exec.executable` and `exec.args`.
pub(super) fn maven(call: Call<'_>, found: &mut Launches) {
    let Some(program) = property(call.words, "exec.executable") else { return };
    let arguments =
        property(call.words, "exec.args").or_else(|| property(call.words, "exec.commandlineArgs"));
    let words: Vec<Word> = std::iter::once(program).chain(arguments).collect();
    found.text(Shell::Sh, joined(&words), "mvn exec:exec");
}
