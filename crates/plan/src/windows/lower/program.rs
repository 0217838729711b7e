//! Which file a command starts.

use super::super::facts::{Reparse, Tool};
use super::super::machine::{Machine, Possible};
use super::super::token::Token;
use super::environment::Entered;
use super::{Given, error, named};
use crate::linux::PlanError;
use garth_policy::{AbsPath, FileOp, escape_visible};

/// What is started.
#[derive(Debug)]
pub(super) struct Program {
    /// The program.
    pub path: AbsPath,
    /// The batch file that it is to run.
    pub batch: Option<AbsPath>,
}

/// What helps where a program is only there as a packaged application.
const UNPACKAGED: [(&str, &str); 3] = [
    ("pwsh", "use `powershell`, or install PowerShell 7 from its MSI package instead of the Store"),
    ("python", "install Python from python.org or with `uv python install` instead of the Store"),
    ("bash", "install Git for Windows; the `bash` of Windows itself starts another system"),
];

/// Finds the program as a shell would, and looks whether the target can run it.
pub(super) fn find(
    given: Given<'_>,
    machine: &Machine,
    token: &Token,
    entered: &Entered,
) -> Result<Program, PlanError> {
    let name = given.command.arguments.first().map(Vec::as_slice).unwrap_or_default();
    let shown = escape_visible(name);
    let name = std::str::from_utf8(name).map_err(|_| {
        error(format!("`{shown}` is no name of a program"), "it is no text", "check the command")
    })?;
    let found =
        if named::is_place(name) { named::find(given, name)? } else { searched(given, name, entered)? };
    named::refuse_script(&shown, &found)?;
    let batch = is_batch(&found);
    let interpreter = given.facts.directories.windows.join(b"System32\\cmd.exe");
    let path = match (&batch, interpreter) {
        (true, Ok(interpreter)) => interpreter,
        _ => found.clone(),
    };
    for needed in [&path, &found] {
        let denied = given.policy.files.decide(needed, FileOp::Execute);
        if denied.verdict != garth_policy::Verdict::Allow {
            let why = format!("the policy does not let {needed} be run");
            return Err(error(
                format!("`{shown}` cannot be started"),
                why,
                "grant its directory with `--read`",
            ));
        }
        if machine.can(token, needed, FileOp::Execute) == Possible::No {
            let why = format!("the sandbox's token is not granted {needed}");
            let hint = "install it where all packages may read (Program Files), or in a directory that garth may grant";
            return Err(error(format!("`{shown}` cannot be started"), why, hint));
        }
    }
    Ok(Program { path, batch: batch.then_some(found) })
}

/// A packaged application, or the alias of one.
fn is_packaged(tool: &Tool) -> bool {
    tool.package.is_some() || tool.object.reparse == Some(Reparse::AppAlias)
}

fn searched(given: Given<'_>, name: &str, entered: &Entered) -> Result<AbsPath, PlanError> {
    let shown = escape_visible(name.as_bytes());
    let Some(tools) = given.facts.tools.get(name) else {
        let why = "whether and where it is there was not recorded of this machine";
        let hint = "record it there, with the command: garth doctor --facts FILE -- COMMAND";
        return Err(error(format!("`{shown}` cannot be started"), why, hint));
    };
    let in_path =
        |tool: &&Tool| tool.path.parent().is_some_and(|directory| entered.directories.contains(&directory));
    if let Some(tool) = tools.iter().filter(|tool| !is_packaged(tool)).find(in_path) {
        return Ok(tool.object.final_path.clone());
    }
    let what = format!("`{shown}` cannot be started");
    if tools.iter().any(is_packaged) {
        let stem = name.split('.').next().unwrap_or(name).to_ascii_lowercase();
        let known =
            UNPACKAGED.iter().find(|(program, _)| *program == stem.trim_end_matches(char::is_numeric));
        let hint = known.map_or("install it from a package that is not from the Store", |(_, hint)| hint);
        let why =
            "it is only there as an application from the Store, which Windows starts for no restricted token";
        return Err(error(what, why, hint));
    }
    if let Some(tool) = tools.first() {
        let why = format!("{} is in no directory that the policy lets be searched", tool.path);
        return Err(error(what, why, "grant its directory with `--read`"));
    }
    Err(error(what, "it is in no directory of PATH", named::advice(name)))
}

fn is_batch(program: &AbsPath) -> bool {
    let name = program.file_name().map(<[u8]>::to_ascii_lowercase).unwrap_or_default();
    name.ends_with(b".cmd") || name.ends_with(b".bat")
}
