//! cmd.exe: a parser of our own, by the phases that its documentation (`help cmd`, `help set`, `help for`, `help if`,
//! `help call`) and the experiments of its users describe: percent signs line by line, special letters, variables of
//! loops, delayed variables, `call`, and at last the quoting of the C runtime.
//!
//! Values are text that is put in before a line is read, so the text is followed from its start to its end with what is
//! known of its variables. A variable that the text never sets comes from outside, and is taken to hold no operators; one
//! that the text fills from data (a file, output, names on disk, a line of input) may hold any, so a line that it is put
//! into before it is read counts as a command that is not known. Where two readings are possible, the commands of both
//! are found. The parser never goes back and goes no deeper than a fixed number of constructs; what values and loops may
//! add is bounded.

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

use crate::command::{Assignment, Command, Input, Problem, Redirection, Script, Span, Word};
use crate::region::RegionKind;
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
    let has_labels = mode == Mode::Batch && text.split(['\n', '\u{1a}']).any(is_label);
    let reader = follow(text, mode, at, has_labels, false);
    let asked = reader.asked;
    let mut script = reader.script;
    if asked {
        let other = follow(text, mode, at, has_labels, true).script;
        let known: HashSet<&Problem> = script.problems.iter().collect();
        let new: Vec<Problem> =
            other.problems.iter().filter(|problem| !known.contains(problem)).cloned().collect();
        script.problems.extend(new);
        add(&mut script, other);
    }
    script
}

/// One reading, with delayed variables put in or not where that is not known. Where there are labels, a first reading
/// finds what the text sets anywhere.
fn follow(text: &str, mode: Mode, at: Option<Span>, has_labels: bool, maybe: bool) -> Reader<'_> {
    let mut before = Assigned::default();
    if has_labels {
        let mut survey = Reader::new(text, mode, at, Scope::new(before));
        survey.maybe = maybe;
        survey.surveys = true;
        survey.all();
        before = survey.scope.found;
    }
    let mut reader = Reader::new(text, mode, at, Scope::new(before));
    reader.maybe = maybe;
    // Labels can be gone to from anywhere.
    let region = has_labels.then(|| reader.script.open(RegionKind::Loop));
    reader.all();
    region.into_iter().for_each(|region| reader.script.close(region));
    reader
}

fn is_label(line: &str) -> bool {
    let line = line.trim_start_matches(|letter| letters::is_delimiter(letter) || "@(".contains(letter));
    line.starts_with(':') && !line.starts_with("::")
}

/// Adds the commands of another reading that were not found yet.
fn add(script: &mut Script, other: Script) {
    let base = script.commands.len();
    let is_new = new_among(&other.commands, &script.commands);
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
    // Where these stand among the others is not told, so each directory of the text counts for them.
    let region = script.open(RegionKind::Later);
    script.commands.extend(added);
    script.close(region);
    let known: HashSet<&String> = script.definitions.iter().collect();
    let new: Vec<String> = other.definitions.into_iter().filter(|name| !known.contains(name)).collect();
    script.definitions.extend(new);
}

/// What makes two commands the same: all but where their input comes from, which is told by places in a list.
fn sameness(command: &Command) -> (Span, &[Word], &[Assignment], &[Redirection], &[String]) {
    (command.span, &command.words, &command.assignments, &command.redirections, &command.via)
}

/// For each command whether it is not among the known ones. Two readings of a text mostly go side by side.
fn new_among(commands: &[Command], known: &[Command]) -> Vec<bool> {
    let mut all = None;
    let mut side = known.iter();
    let mut is_new = Vec::with_capacity(commands.len());
    for command in commands {
        let same = sameness(command);
        let is_beside = side.next().is_some_and(|beside| sameness(beside) == same);
        let is_known = is_beside
            || all.get_or_insert_with(|| known.iter().map(sameness).collect::<HashSet<_>>()).contains(&same);
        is_new.push(!is_known);
    }
    is_new
}
