//! Builtins of shells that run what they are given.

use super::args::{self, Grammar, joined};
use super::{Call, Launches, names, shells};
use crate::command::{Command, Shell, Word};
use crate::hidden;

/// The grammar in which builtins read texts. `builtin eval` hands words on, of which only a shell has use.
fn grammar_of(command: &Command) -> Shell {
    if command.shell == Shell::Argv { Shell::Bash } else { command.shell }
}

/// Reads a builtin; false if it is none that runs anything.
fn read_builtin(call: Call<'_>, found: &mut Launches) -> bool {
    let Call { name, words, command } = call;
    let shell = grammar_of(command);
    // What `printf` prints is evaluated by nobody; the name behind `-v` is.
    let is_print =
        name == "printf" && !words.first().is_some_and(|word| word.known_start().starts_with("-v"));
    if ARITHMETIC.contains(&name) && !is_print {
        subscripts(call, found);
    }
    names::named(call, found);
    match name {
        "eval" => {
            let words = args::read(words, Grammar::FLAGS).operands;
            if !words.is_empty() {
                found.text(shell, joined(&words), "eval");
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
                found.text(shell, text.clone(), "trap");
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
        "fc" => {
            if !args::read(words, Grammar { valued: "e", long: &[] }).has(&["-l"]) {
                found.unknown("a command of the history", call.span(), name);
            }
        }
        "set" => expands_history(call, found),
        "jobs" => {
            let read = args::read(words, Grammar::FLAGS);
            if read.has(&["-x"]) {
                found.words(&read.operands, "jobs -x");
            }
        }
        _ => return completion(call, found),
    }
    true
}

/// Builtins that complete words or read lines, and call commands on the way.
fn completion(call: Call<'_>, found: &mut Launches) -> bool {
    let valued = match call.name {
        "complete" | "compgen" => "ACFGPSWXo",
        "bind" => "xmqurf",
        "mapfile" | "readarray" => "dnOsuCc",
        _ => return false,
    };
    for given in args::read(call.words, Grammar { valued, long: &[] }).options {
        let Some(text) = given.value else { continue };
        match given.name.as_str() {
            "-C" | "-x" => found.text(grammar_of(call.command), text, call.name),
            "-W" if text.has_unknown() || hidden::substitutes(&text.known_start()) => {
                found.unknown("words that are expanded again", text.span, call.name);
            }
            _ => {}
        }
    }
    true
}

/// `set -H` makes `!` stand for commands that were run before.
fn expands_history(call: Call<'_>, found: &mut Launches) {
    let read = args::read(call.words, Grammar { valued: "o", long: &[] });
    let is_option = read
        .options
        .iter()
        .any(|given| given.value.as_ref().and_then(Word::text).as_deref() == Some("histexpand"));
    if is_option || read.has(&["-H"]) {
        found.unknown("commands of the history, for which `!` stands", call.span(), call.name);
    }
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

/// Commands in subscripts and in lists of values: they run, also where they were quoted.
fn subscripts(call: Call<'_>, found: &mut Launches) {
    for word in call.words {
        let text = word.known_start();
        let behind = text.split_once('[').map_or("", |(_, behind)| behind);
        let list = text.split_once("=(").map_or("", |(_, list)| list);
        let takes_lists = matches!(call.name, "declare" | "typeset" | "local" | "readonly" | "export");
        if hidden::substitutes(behind) || takes_lists && hidden::substitutes(list) {
            found.unknown("a command in a subscript or in a list of values", word.span, call.name);
        }
    }
}

fn source(call: Call<'_>, found: &mut Launches) {
    match call.words.first() {
        Some(file) if is_virtual_environment(file.text().as_deref()) => {
            found.executes(Some(file), "a script that changes the shell", file.span);
        }
        Some(file) => shells::script_file(file, call, grammar_of(call.command), found),
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
