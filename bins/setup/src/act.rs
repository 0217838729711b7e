//! What the verbs do on Windows.

use crate::arguments::{Verb, What};
use crate::{exit, show};
use garth_host::windows::Error;
use garth_host::windows::setup::Machine;
use garth_host::windows::sys::elevation;
use garth_plan::windows::facts::Directories;
use garth_plan::windows::quote::for_c_runtime;
use garth_plan::windows::setup::{BadWish, State, Step, Wishes, record};
use std::io::{Write, stderr, stdout};

/// Why a verb did not do what it should.
enum Failure {
    /// Something outside of the closed list was named.
    Wish(BadWish),
    /// A step failed.
    Host(Error),
    /// An administrator is needed; this command line has one.
    Elevation(String),
    /// What was done, or could not be, does not suffice.
    Not { why: String, hint: &'static str },
}

/// An elevated program has no terminal of its caller's.
const AS_ADMINISTRATOR: &str =
    "call it without --elevate in a terminal that was opened as an administrator, and see why";

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Host(error)
    }
}

/// Does what a verb says. The exit code.
pub fn act(verb: &Verb) -> u8 {
    let done = match verb.what {
        What::Plan => shown(verb, if verb.json { show::json } else { show::plan }),
        What::Verify => shown(verb, if verb.json { show::json } else { show::states }),
        What::Report => shown(verb, show::report).map(|_| exit::DONE),
        What::Apply => apply(verb),
        What::Undo => undo(verb),
    };
    // A plan that was shown is done, however the machine stands.
    let done = done.map(|code| if verb.what == What::Plan { exit::DONE } else { code });
    done.unwrap_or_else(|failure| tell(&failure))
}

fn tell(failure: &Failure) -> u8 {
    let (what, hint, code) = match failure {
        Failure::Wish(wish) => (wish.to_string(), wish.hint.to_owned(), exit::USAGE),
        Failure::Host(error) => {
            let usual = "look at the object as an administrator; `garth-setup plan` shows what is done to it";
            (error.to_string(), error.remedy().unwrap_or_else(|| usual.to_owned()), exit::NOT)
        }
        Failure::Elevation(line) => {
            let what = "only an administrator may change this, and nothing was changed";
            (what.to_owned(), format!("let Windows ask for one: {line}"), exit::ELEVATION)
        }
        Failure::Not { why, hint } => (why.clone(), (*hint).to_owned(), exit::NOT),
    };
    // Where this cannot be written nobody reads it; the code says it too.
    let _written = writeln!(stderr(), "error: {what}\n  hint: {hint}");
    code
}

/// The machine, and the wishes with the own profile where none is named.
fn look(verb: &Verb) -> Result<(Machine, Wishes), Failure> {
    let wishes = |directories: &Directories| {
        let mut wishes = verb.wishes.clone();
        if wishes.profiles.is_empty() {
            wishes.profiles.push(directories.profile.clone());
        }
        wishes
    };
    let (machine, wishes) = Machine::look(wishes)?;
    wishes.check(&machine.directories).map_err(Failure::Wish)?;
    Ok((machine, wishes))
}

fn write(text: &str) -> Result<(), Failure> {
    let written = stdout().write_all(text.as_bytes());
    written
        .map_err(|error| Failure::Not { why: format!("cannot write: {error}"), hint: "see standard output" })
}

fn code(steps: &[Step]) -> u8 {
    if steps.iter().all(|step| step.state == State::Prepared) { exit::DONE } else { exit::NOT }
}

fn shown(verb: &Verb, form: fn(&[Step]) -> String) -> Result<u8, Failure> {
    let (machine, wishes) = look(verb)?;
    let steps = machine.steps(&wishes);
    write(&form(&steps))?;
    Ok(code(&steps))
}

fn apply(verb: &Verb) -> Result<u8, Failure> {
    let (machine, wishes) = look(verb)?;
    if !machine.elevated {
        let line = wishes
            .command()
            .map_err(|error| Failure::Not { why: error.to_string(), hint: "name fewer at a time" })?;
        elevated(verb, "apply", wishes.options(), line)?;
    } else {
        let steps = machine.steps(&wishes);
        let wanted = record(&steps);
        if !wanted.is_empty() {
            let journal = machine.journal()?;
            journal.recover()?;
            journal.make(&wanted)?;
        }
    }
    // What counts is what is there now.
    let (machine, wishes) = look(verb)?;
    let steps = machine.steps(&wishes);
    write(&show::states(&steps))?;
    if steps.iter().any(|step| step.state == State::Missing) {
        let why = "not all of it could be prepared, and what was made is taken back".to_owned();
        return Err(Failure::Not { why, hint: AS_ADMINISTRATOR });
    }
    Ok(code(&steps))
}

fn undo(verb: &Verb) -> Result<u8, Failure> {
    let (machine, _) = look(verb)?;
    if !machine.elevated {
        elevated(verb, "undo", Vec::new(), "garth-setup undo --elevate".to_owned())?;
        return Ok(exit::DONE);
    }
    let notes = match machine.written_journal()? {
        None => Vec::new(),
        Some(journal) => {
            let notes = journal.clean()?;
            machine.forget(journal)?;
            notes
        }
    };
    let text = match notes.as_slice() {
        [] => "nothing is left of garth-setup on this machine\n".to_owned(),
        notes => notes.iter().map(|note| format!("  taken back: {note}\n")).collect(),
    };
    write(&text)?;
    let left = notes.iter().any(|note| note.contains(" is left"));
    if left {
        let why = "not all could be taken back".to_owned();
        return Err(Failure::Not { why, hint: "see above; call it again when nothing holds it any more" });
    }
    Ok(exit::DONE)
}

/// Does the same as an administrator, if the caller lets Windows ask for one.
fn elevated(verb: &Verb, name: &str, options: Vec<String>, line: String) -> Result<(), Failure> {
    if !verb.elevate {
        return Err(Failure::Elevation(line));
    }
    let own = std::env::current_exe().map_err(|error| Error::value("the own path", error.to_string()))?;
    let own = own.into_os_string().into_string();
    let own = own.map_err(|path| Error::value(path.display().to_string(), "it is no Unicode"))?;
    // The first word is taken off again: Windows wants the program apart.
    let words = [vec![garth_plan::windows::setup::PROGRAM.to_owned(), name.to_owned()], options].concat();
    let line = for_c_runtime(&words).map_err(|error| Error::value("the arguments", error.to_string()))?;
    let arguments = line.split_once(' ').map_or("", |(_, rest)| rest);
    match elevation::run(&own, arguments)? {
        0 | 1 if name == "apply" => Ok(()),
        0 => Ok(()),
        code => Err(Failure::Not {
            why: format!("as an administrator it ended with {code}"),
            hint: AS_ADMINISTRATOR,
        }),
    }
}
