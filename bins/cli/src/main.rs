//! The `garth` command.
//!
//! A thin reader of arguments and writer of results: every decision is the library's.
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
mod lexer;
#[cfg(any(target_os = "linux", windows))]
mod network;
#[cfg(any(target_os = "linux", windows))]
mod progress;
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
use std::process::ExitCode;

fn main() -> ExitCode {
    if let Some(code) = garth_runner::enter() {
        return ExitCode::from(code);
    }
    #[cfg(any(target_os = "linux", windows))]
    if let Some(code) = garth::prove::enter() {
        return ExitCode::from(code);
    }
    let words: Vec<OsString> = std::env::args_os().collect();
    let verb = match lexer::run_arguments(words.get(1..).unwrap_or_default()) {
        Some(run) => Verb::Run(run),
        None => match Arguments::try_parse_from(words) {
            Ok(arguments) => arguments.verb,
            Err(error) => return ExitCode::from(usage::tell(&error)),
        },
    };
    match verbs::dispatch(&verb) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            failure.show(&mut anstream::stderr());
            ExitCode::from(failure.code)
        }
    }
}
