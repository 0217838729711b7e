//! Compilers and linkers, which load libraries and start programs that their options name; and shells of other machines.

use super::args::{self, Grammar};
use super::{Call, Launches};
use crate::command::{Shell, Word};

/// True for a compiler under any of its names: `gcc`, `gcc-13`, `x86_64-linux-gnu-g++-13`.
pub(super) fn is_compiler(name: &str) -> bool {
    const NAMES: &[&str] = &["gcc", "g++", "cc", "c++", "clang", "clang++", "gfortran", "cpp", "gdc", "gnat"];
    let name = name.trim_end_matches(|letter: char| letter.is_ascii_digit() || matches!(letter, '.' | '-'));
    NAMES.contains(&name.rsplit('-').next().unwrap_or(name))
}

/// `-wrapper PROGRAM,WORD`: what starts the passes of the compiler. False if there is none.
pub(super) fn compiler(call: Call<'_>, found: &mut Launches) -> bool {
    let mut is_wrapped = options_in_file(call, found);
    for pair in call.words.windows(2) {
        let [option, list] = pair else { continue };
        if option.text().as_deref() != Some("-wrapper") {
            continue;
        }
        is_wrapped = true;
        match list.text() {
            Some(list_text) => {
                let words: Vec<Word> =
                    list_text.split(',').map(|word| Word::known(word, list.span)).collect();
                found.words(&words, "gcc -wrapper");
            }
            None => found.unknown("a program that starts the compiler", list.span, "gcc -wrapper"),
        }
    }
    is_wrapped
}

/// `@file`: options that stand in a file, plugins among them. False if there is none.
fn options_in_file(call: Call<'_>, found: &mut Launches) -> bool {
    let file = call.words.iter().find(|word| word.known_start().starts_with('@'));
    if let Some(file) = file {
        let target = args::without(file, 1);
        found.executes(Some(&target), "options of a compiler, which can name plugins", file.span);
    }
    file.is_some()
}

/// `-plugin FILE`: a library that the linker loads. False if there is none.
pub(super) fn linker(call: Call<'_>, found: &mut Launches) -> bool {
    let mut loads = options_in_file(call, found);
    for pair in call.words.windows(2) {
        let [option, library] = pair else { continue };
        if matches!(option.text().as_deref(), Some("-plugin" | "--plugin")) {
            loads = true;
            found.executes(Some(library), "a library that the linker loads", library.span);
        }
    }
    for library in call.words.iter().filter(|word| word.known_start().starts_with("--plugin=")) {
        loads = true;
        let target = args::without(library, "--plugin=".len());
        found.executes(Some(&target), "a library that the linker loads", library.span);
    }
    loads
}

/// `gh codespace ssh -- TEXT`: a text for a shell of another machine. False if it is none.
pub(super) fn codespace(call: Call<'_>, found: &mut Launches) -> bool {
    const GRAMMAR: Grammar =
        Grammar { valued: "cRw", long: &["codespace", "repo", "repo-owner", "profile", "server-port"] };
    let [group, verb, rest @ ..] = call.words else { return false };
    let is_ssh =
        matches!(group.text().as_deref(), Some("cs" | "codespace")) && verb.text().as_deref() == Some("ssh");
    let operands = if is_ssh { args::read(rest, GRAMMAR).operands } else { Vec::new() };
    if !operands.is_empty() {
        found.text(Shell::Sh, args::joined(&operands), "gh codespace ssh");
    }
    !operands.is_empty()
}
