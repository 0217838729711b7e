//! The `garth` command.
//!
//! A thin reader of arguments and writer of results: every decision is the library's.
// There the C library starts it without Rust's own preparations, which take longer than what a start can spare.
#![cfg_attr(all(target_os = "linux", target_env = "gnu", not(test)), no_main)]
#![cfg_attr(
    not(target_os = "linux"),
    expect(dead_code, reason = "options of verbs whose backend is for Linux are read there only")
)]

#[cfg(any(target_os = "linux", windows))]
mod approver;
mod arguments;
#[cfg(target_os = "linux")]
mod denial;
#[cfg(any(target_os = "linux", windows))]
mod ending;
#[cfg(any(target_os = "linux", windows))]
mod events;
mod failure;
mod gaps;
mod lexer;
#[cfg(any(target_os = "linux", windows))]
mod network;
#[cfg(any(target_os = "linux", windows))]
mod progress;
#[cfg(any(target_os = "linux", windows))]
mod records;
#[cfg(any(target_os = "linux", windows))]
mod report;
mod request;
#[cfg(any(target_os = "linux", windows))]
mod sessions;
mod show;
#[cfg(any(target_os = "linux", windows))]
mod story;
mod table;
#[cfg(target_os = "linux")]
mod trial;
mod usage;
mod verbs;
#[cfg(any(target_os = "linux", windows))]
mod watch;
mod words;

use arguments::{Arguments, Verb};
use clap::Parser;
use std::ffi::OsString;

#[cfg(all(target_os = "linux", target_env = "gnu", not(test)))]
garth_runner::entry!(start);

#[cfg(not(all(target_os = "linux", target_env = "gnu", not(test))))]
fn main() -> std::process::ExitCode {
    start().into()
}

/// What is to be done, or the exit code if that is told already. Not a part of its caller: what it has on the stack would be
/// in the copy of this process that `run` makes, and would be copied page by page.
#[inline(never)]
fn read_arguments() -> Result<Verb, u8> {
    let words: Vec<OsString> = std::env::args_os().collect();
    match lexer::run_arguments(words.get(1..).unwrap_or_default()) {
        Some(run) => Ok(Verb::Run(run)),
        None => match Arguments::try_parse_from(words) {
            Ok(arguments) => Ok(arguments.verb),
            Err(error) => Err(usage::tell(&error)),
        },
    }
}

/// All of it; returns the exit code.
fn start() -> u8 {
    if let Some(code) = garth_runner::enter() {
        return code;
    }
    #[cfg(any(target_os = "linux", windows))]
    if let Some(code) = garth::prove::enter() {
        return code;
    }
    let verb = match read_arguments() {
        Ok(verb) => verb,
        Err(code) => return code,
    };
    match verbs::dispatch(&verb) {
        Ok(code) => code,
        Err(failure) => {
            failure.show(&mut anstream::stderr());
            failure.code
        }
    }
}
