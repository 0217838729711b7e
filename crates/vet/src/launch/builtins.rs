//! Builtins of shells that run what they are given.

use super::args::{self, Grammar, joined};
use super::{Call, Launches};
use crate::command::Shell;

/// Reads a builtin; false if it is none that runs anything.
fn read_builtin(call: Call<'_>, found: &mut Launches) -> bool {
    let Call { name, words, command } = call;
    if ARITHMETIC.contains(&name) {
        subscripts(call, found);
    }
    match name {
        "eval" => {
            let words = args::read(words, Grammar::FLAGS).operands;
            if !words.is_empty() {
                found.text(command.shell, joined(&words), "eval");
            }
        }
        "source" | "." => source(call, found),
        "exec" => found.words(&args::read(words, Grammar { valued: "a", long: &[] }).operands, "exec"),
        "command" => {
            let read = args::read(words, Grammar::FLAGS);
            if !read.has(&["-v", "-V"]) {
                found.words(&read.operands, "command");
            }
        }
        "builtin" | "coproc" | "noglob" | "nocorrect" => found.words(words, name),
        "trap" => {
            let read = args::read(words, Grammar::FLAGS);
            if let Some(text) = read.operands.first().filter(|_| read.operands.len() > 1) {
                found.text(command.shell, text.clone(), "trap");
            }
        }
        "enable" => {
            let read = args::read(words, Grammar { valued: "f", long: &[] });
            if let Some(file) = read.value(&["-f"]) {
                found.unknown("a builtin that is loaded from a file", file.span, "enable -f");
            }
        }
        "hash" => {
            let read = args::read(words, Grammar { valued: "p", long: &[] });
            if let Some(file) = read.value(&["-p"]) {
                found.unknown("a name that is made to mean another program", file.span, "hash -p");
            }
        }
        "complete" | "bind" | "mapfile" | "readarray" => {
            let read = args::read(words, Grammar { valued: "CFxuOndstcAGWPSfqrmX", long: &[] });
            for given in read.options {
                if let (true, Some(text)) = (["-C", "-x"].contains(&given.name.as_str()), given.value) {
                    found.text(command.shell, text, name);
                }
            }
        }
        _ => return false,
    }
    true
}

/// Builtins that take operands for arithmetic, or for names with subscripts, which are arithmetic.
const ARITHMETIC: &[&str] = &[
    "declare",
    "typeset",
    "local",
    "export",
    "readonly",
    "let",
    "read",
    "printf",
    "unset",
    "test",
    "[",
    "getopts",
    "mapfile",
    "readarray",
    "wait",
];

/// Commands in subscripts: arithmetic runs them, also where they were quoted.
fn subscripts(call: Call<'_>, found: &mut Launches) {
    for word in call.words {
        let text = word.known_start();
        let behind = text.split_once('[').map_or("", |(_, behind)| behind);
        if behind.contains("$(") || behind.contains('`') {
            found.unknown("a command in a subscript", word.span, call.name);
        }
    }
}

fn source(call: Call<'_>, found: &mut Launches) {
    match call.words.first() {
        Some(file) if is_virtual_environment(file.text().as_deref()) => {
            found.executes(Some(file), "a script that changes the shell", file.span);
        }
        Some(file) if file.has_unknown() => {
            found.unknown("a script whose name is only known at run time", file.span, call.name);
        }
        Some(file) => found.executes(Some(file), "a script that is read by the shell", file.span),
        None => {}
    }
}

fn is_virtual_environment(file: Option<&str>) -> bool {
    file.is_some_and(|file| file.ends_with("/bin/activate"))
}

/// Builtins exist in shells alone, but a launcher may run programs of the same name.
pub(super) fn read(call: Call<'_>, found: &mut Launches) -> bool {
    !matches!(call.command.shell, Shell::Pwsh | Shell::WindowsPowershell | Shell::Cmd)
        && read_builtin(call, found)
}
