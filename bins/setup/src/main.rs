//! `garth-setup`: what an administrator prepares once on a Windows machine, so that more works in a container.
//!
//! A program of its own, because it may run elevated: it links nothing that reads policies, talks to a network or starts
//! a sandbox. What is done is a closed list, planned in `garth_plan::windows::setup`. On other systems nothing needs
//! to be prepared, and it says so.

#[cfg(windows)]
mod act;
mod arguments;
#[cfg(any(windows, test))]
mod show;

use arguments::Arguments;
use std::io::{Write, stderr, stdout};
use std::process::ExitCode;

/// Exit codes.
mod exit {
    /// As it should be.
    pub const DONE: u8 = 0;
    /// Something is not prepared, or could not be done.
    pub const NOT: u8 = 1;
    /// The command line is wrong.
    pub const USAGE: u8 = 2;
    /// An administrator is needed; nothing was changed.
    #[cfg(windows)]
    pub const ELEVATION: u8 = 3;
}

fn main() -> ExitCode {
    let words: Option<Vec<String>> =
        std::env::args_os().skip(1).map(|word| word.into_string().ok()).collect();
    let Some(words) = words else {
        return refuse("an argument is no Unicode", "see `garth-setup --help`", exit::USAGE);
    };
    match Arguments::parse(&words) {
        Ok(arguments) => ExitCode::from(run(&arguments)),
        Err(error) => refuse(&error.what, &error.hint, exit::USAGE),
    }
}

fn refuse(what: &str, hint: &str, code: u8) -> ExitCode {
    // Where this cannot be written nobody reads it; the code says it too.
    let _written = writeln!(stderr(), "error: {what}\n  hint: {hint}");
    ExitCode::from(code)
}

fn run(arguments: &Arguments) -> u8 {
    match arguments {
        Arguments::Help => tell(arguments::USAGE),
        Arguments::Version => tell(concat!("garth-setup ", env!("CARGO_PKG_VERSION"), "\n")),
        Arguments::Act(verb) => act(verb),
    }
}

fn tell(text: &str) -> u8 {
    match stdout().write_all(text.as_bytes()) {
        Ok(()) => exit::DONE,
        Err(_) => exit::NOT,
    }
}

#[cfg(windows)]
fn act(verb: &arguments::Verb) -> u8 {
    act::act(verb)
}

#[cfg(not(windows))]
fn act(_: &arguments::Verb) -> u8 {
    let hint = "run it on the Windows machine; `garth doctor --from FILE` tells what a recorded one lacks";
    let _code = refuse("only Windows needs to be prepared for containers", hint, exit::NOT);
    exit::NOT
}
