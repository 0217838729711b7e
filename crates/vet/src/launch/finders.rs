//! Programs that look for files and run a command for what they find.

use super::wrappers::{more_words, put_in_later, replace, unknown_word};
use super::{Call, Launches};
use super::{args, listed};
use crate::command::{Unknown, Word};
use crate::effect::EffectKind;

/// Tests of `find` on names, with a value behind them.
const FIND_TESTS: &[&str] = &[
    "-name",
    "-iname",
    "-path",
    "-ipath",
    "-wholename",
    "-iwholename",
    "-regex",
    "-iregex",
    "-lname",
    "-ilname",
];

/// `find`: each action that runs a command, up to `;` or `+`.
pub(super) fn find(words: &[Word], found: &mut Launches) {
    let names = listed::handed_by_find(words);
    let mut rest = words;
    while let Some((word, tail)) = rest.split_first() {
        rest = tail;
        let action = word.text().unwrap_or_default();
        if action == "-files0-from" {
            found.unknown("places that find reads from a file", word.span, "find -files0-from");
        }
        if action == "-fprintf" {
            found.effect(EffectKind::Writes, rest.first(), "`-fprintf` of `find` writes a file", word.span);
        }
        // The value of a test is no action, whatever it looks like.
        if FIND_TESTS.contains(&action.as_str()) {
            rest = tail.get(1..).unwrap_or_default();
            continue;
        }
        if !matches!(action.as_str(), "-exec" | "-execdir" | "-ok" | "-okdir") {
            continue;
        }
        let is_end = |word: &Word| matches!(word.text().as_deref(), Some(";" | "+" | "\\;"));
        let end = rest.iter().position(is_end).unwrap_or(rest.len());
        let (command, tail) = rest.split_at(end);
        let mut command = command.to_vec();
        let is_from_here = matches!(action.as_str(), "-exec" | "-ok");
        let name = names.clone().filter(|_| is_from_here).map_or_else(put_in_later, Unknown::Names);
        command.iter_mut().for_each(|word| replace(word, "{}", &name));
        found.words(&command, &format!("find {action}"));
        rest = tail.get(1..).unwrap_or_default();
    }
}

/// Short options of `fd` with a value.
const FD_VALUED: &str = "dteSEcjoC";

/// `fd`: each `-x` or `-X` is followed by a command, up to a word `;`.
pub(super) fn fd(call: Call<'_>, found: &mut Launches) {
    let names = listed::handed_by_fd(call.words);
    let mut rest = call.words;
    while let Some((word, tail)) = rest.split_first() {
        rest = tail;
        let text = word.known_start();
        if text == "--" && !word.has_unknown() {
            return;
        }
        let attached = match fd_action(&text) {
            FdOption::Runs(attached) => attached,
            FdOption::Valued => {
                rest = tail.get(1..).unwrap_or_default();
                continue;
            }
            FdOption::Other => continue,
        };
        let end = tail.iter().position(|word| word.text().as_deref() == Some(";")).unwrap_or(tail.len());
        let (following, behind) = tail.split_at(end);
        let mut command = following.to_vec();
        if attached < text.len() {
            command.insert(0, args::without(word, attached));
        }
        let has_place = command.iter().any(|word| word.known_start().contains("{}"));
        let name = names.clone().map_or_else(put_in_later, Unknown::Names);
        command.iter_mut().for_each(|word| replace(word, "{}", &name));
        match name {
            Unknown::Names(_) if has_place => {}
            Unknown::Names(_) => command.push(unknown_word(name, false, call)),
            _ => command.push(more_words("names that fd finds", call)),
        }
        found.words(&command, "fd --exec");
        rest = behind.get(1..).unwrap_or_default();
    }
}

/// What a word is to `fd`.
enum FdOption {
    /// It runs a command, which begins at this byte of the word if that is not its end.
    Runs(usize),
    /// Its value is the next word.
    Valued,
    /// Anything else.
    Other,
}

fn fd_action(text: &str) -> FdOption {
    for long in ["--exec", "--exec-batch"] {
        match text.strip_prefix(long) {
            Some("") => return FdOption::Runs(text.len()),
            Some(value) if value.starts_with('=') => return FdOption::Runs(long.len() + 1),
            _ => {}
        }
    }
    if !text.starts_with('-') || text.starts_with("--") {
        return FdOption::Other;
    }
    for (at, letter) in text.char_indices().skip(1) {
        if matches!(letter, 'x' | 'X') {
            return FdOption::Runs(at + 1 + usize::from(text[at + 1..].starts_with('=')));
        }
        if FD_VALUED.contains(letter) {
            return if at + 1 == text.len() { FdOption::Valued } else { FdOption::Other };
        }
    }
    FdOption::Other
}
