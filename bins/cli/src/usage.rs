//! Mistakes in the use of the command line.

use crate::arguments::Arguments;
use crate::show::HINT;
use clap::CommandFactory;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use garth::policy::escape_visible;
use std::io::Write;

/// Tells what was wrong, or the help or version that was asked for. The exit code: 2 for a mistake.
pub fn tell(error: &clap::Error) -> u8 {
    let _ = error.print();
    if error.kind() == ErrorKind::InvalidSubcommand && error.get(ContextKind::SuggestedSubcommand).is_none() {
        let _ = write_verbs(error, &mut anstream::stderr());
    }
    u8::try_from(error.exit_code()).unwrap_or(2)
}

/// What is no verb, nor like one, may be a command that was meant to be run.
fn write_verbs(error: &clap::Error, out: &mut dyn Write) -> std::io::Result<()> {
    let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidSubcommand) else { return Ok(()) };
    let command = Arguments::command();
    let verbs: Vec<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
    writeln!(out, "{HINT}hint:{HINT:#} the verbs are {}", verbs.join(", "))?;
    let word = escape_visible(word.as_bytes());
    writeln!(out, "{HINT}hint:{HINT:#} to run `{word}` in a sandbox: garth run -- {word}")
}
