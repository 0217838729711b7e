//! cmd.exe: a parser of our own, by the phases that its documentation (`help cmd`, `help set`, `help for`, `help if`,
//! `help call`) and the experiments of its users describe: percent signs line by line, special letters, variables of
//! loops, delayed variables, `call`, and at last the quoting of the C runtime.
//!
//! Values are text that is put in before a line is read, so the text is followed from its start to its end with what is
//! known of its variables. Where two readings are possible, the commands of both are found. The parser never goes back
//! and goes no deeper than a fixed number of constructs; what values and loops may add is bounded.

mod compound;
mod expand;
mod grammar;
mod iterate;
mod launch;
mod letters;
mod lower;
mod nested;
mod percent;
mod reader;
mod scope;
mod tree;
mod variable;
mod words;

#[cfg(test)]
mod tests;

pub use nested::nested;

use crate::command::{Command, Input, Problem, Script, Span};
use reader::{Mode, Reader};
use scope::{Assigned, Scope};
use std::collections::HashSet;

/// The longest text that is read, in bytes.
const LONGEST: usize = 64 << 20;

/// Reads a command line. A text of several lines, or one with the doubled percent signs of a batch file, is read as a
/// batch file as well; then what is not understood is told for the batch file alone.
pub(crate) fn parse(text: &str, at: Option<Span>) -> Script {
    let lines = text.trim_matches(['\r', '\n']);
    if !lines.contains(['\n', '\u{1a}']) && !has_doubled_percent(lines) {
        return read(text, Mode::Line, at);
    }
    let mut script = read(text, Mode::Batch, at);
    let line = read(text, Mode::Line, at);
    add(&mut script, line);
    script
}

/// Reads a batch file.
pub(crate) fn parse_batch(text: &str) -> Script {
    read(text, Mode::Batch, None)
}

fn has_doubled_percent(text: &str) -> bool {
    text.match_indices("%%").any(|(at, _)| {
        text.get(at + 2..)
            .and_then(|rest| rest.chars().next())
            .is_some_and(|next| next == '~' || next.is_alphabetic())
    })
}

fn read(text: &str, mode: Mode, at: Option<Span>) -> Script {
    if text.len() > LONGEST {
        let what = format!("the text is longer than {LONGEST} bytes");
        let span = at.unwrap_or(Span { start: 0, end: text.len() });
        return Script { problems: vec![Problem { what, span }], ..Script::default() };
    }
    let has_labels = mode == Mode::Batch && text.lines().any(is_label);
    let before = if has_labels {
        follow(text, mode, at, Assigned::default(), false).0.scope.found
    } else {
        Assigned::default()
    };
    let (reader, asked) = follow(text, mode, at, before.clone(), false);
    let mut script = reader.script;
    if asked {
        let (other, _) = follow(text, mode, at, before, true);
        script.problems.extend(other.script.problems.iter().cloned());
        script.problems.dedup();
        add(&mut script, other.script);
    }
    script
}

/// One reading. Whether another way to read delayed variables would matter comes with it.
fn follow(text: &str, mode: Mode, at: Option<Span>, before: Assigned, maybe: bool) -> (Reader<'_>, bool) {
    let mut reader = Reader::new(text, mode, at, Scope::new(before));
    reader.maybe = maybe;
    reader.all();
    let asked = reader.asked;
    (reader, asked)
}

fn is_label(line: &str) -> bool {
    let line = line.trim_start_matches(letters::is_delimiter);
    line.starts_with(':') && !line.starts_with("::")
}

/// Adds the commands of another reading that were not found yet.
fn add(script: &mut Script, other: Script) {
    let alone = |command: &Command| Command { input: Input::Inherited, ..command.clone() };
    let known: HashSet<Command> = script.commands.iter().map(alone).collect();
    let base = script.commands.len();
    let is_new: Vec<bool> = other.commands.iter().map(|command| !known.contains(&alone(command))).collect();
    let mut places = Vec::with_capacity(is_new.len());
    let mut next = base;
    for new in &is_new {
        places.push(next);
        next += usize::from(*new);
    }
    let moved = |command: Command| match command.input {
        Input::Pipe(from) => {
            let input = match (is_new.get(from), places.get(from)) {
                (Some(true), Some(place)) => Input::Pipe(*place),
                _ => Input::Pipe(base.saturating_sub(1)),
            };
            Command { input, ..command }
        }
        _ => command,
    };
    let new = other.commands.into_iter().zip(is_new.iter()).filter(|(_, new)| **new);
    let added: Vec<Command> = new.map(|(command, _)| moved(command)).collect();
    script.commands.extend(added);
    for name in other.definitions {
        if !script.definitions.contains(&name) {
            script.definitions.push(name);
        }
    }
}
