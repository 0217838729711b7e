//! `garth check`.

mod ansi;
mod lines;
mod picture;
mod save;

#[cfg(windows)]
use crate::arguments::SandboxArguments;
use crate::arguments::{CheckArguments, ShellName};
use crate::failure::Failure;
use crate::request::{absolute, environment, flags};
use garth::policy::{CommandDecision, escape_visible};
use garth::shell_word;
use garth::vet::Shell;
use garth::vet::judge::Verdict;
use garth::{Given, Vetting};
use serde::Serialize;
use std::ffi::OsStr;
use std::io::{Read, Write};
use std::path::Path;

/// Longest script that is read, in bytes.
const LONGEST: u64 = 64 << 20;

/// The grammar of a text of which nothing is said: that of the system's usual shell.
const USUAL: Shell = if cfg!(windows) { Shell::Pwsh } else { Shell::Bash };

/// A verdict as JSON. The schema is `check.schema.json` beside the manifest; a test compares.
#[derive(Serialize)]
struct Answer<'a> {
    version: u32,
    #[serde(flatten)]
    verdict: &'a Verdict,
}

/// Judges a text as `garth run --shell` would, for those who ask why.
#[cfg(windows)]
pub fn of_text(
    text: &OsStr,
    sandbox: &SandboxArguments,
    json: bool,
    out: &mut dyn Write,
) -> Result<u8, Failure> {
    let (text, sandbox) = (Some(text.to_owned()), sandbox.clone());
    let arguments = CheckArguments {
        text,
        shell: None,
        file: None,
        stdin: false,
        save: false,
        yes: false,
        json,
        sandbox,
        command: Vec::new(),
    };
    run(&arguments, out)
}

/// Judges, and tells. The exit code says what was decided.
pub fn run(arguments: &CheckArguments, out: &mut dyn Write) -> Result<u8, Failure> {
    let sandbox = &arguments.sandbox;
    let workspace = sandbox.workspace.as_deref().map(absolute).transpose()?;
    let policy = sandbox.policy.as_deref().map(absolute).transpose()?;
    let vetting = Vetting::new(workspace.as_ref(), policy.as_ref(), &flags(sandbox)?, &environment())?;
    if arguments.stdin {
        return lines::run(&vetting, arguments, out);
    }
    let (text, verdict) = judged(&vetting, arguments)?;
    if arguments.json {
        serde_json::to_writer_pretty(&mut *out, &Answer { version: 1, verdict: &verdict })?;
        writeln!(out)?;
    } else {
        picture::write(&text, &verdict, out)?;
    }
    if arguments.save && save::rule(&verdict, arguments, out)? {
        // What holds from now on, by the files as they are now.
        let vetting = Vetting::new(workspace.as_ref(), policy.as_ref(), &flags(sandbox)?, &environment())?;
        let (_, verdict) = judged(&vetting, arguments)?;
        writeln!(out, "from now on: {}", verdict.decision.name())?;
        return Ok(exit_code(verdict.decision));
    }
    Ok(exit_code(verdict.decision))
}

/// The exit code of a decision (DESIGN section 13).
fn exit_code(decision: CommandDecision) -> u8 {
    match decision {
        CommandDecision::Allow => 0,
        CommandDecision::Deny => 122,
        CommandDecision::Ask => 123,
    }
}

/// The text that spans point into, and the verdict on it.
fn judged(vetting: &Vetting, arguments: &CheckArguments) -> Result<(String, Verdict), Failure> {
    let agent = arguments.sandbox.agent.as_deref();
    let shell = arguments.shell.map(grammar);
    if let Some(file) = &arguments.file {
        let text = script(file)?;
        let shell = shell.or_else(|| shell_of(file, &text)).ok_or_else(|| unknown_shell(file))?;
        let verdict = vetting.judge(Given::Script(shell, &text), agent, None);
        // Without a byte order mark Windows PowerShell may read other letters; the stricter reading counts.
        let seen = if shell == Shell::WindowsPowershell { ansi::seen_as(&text) } else { None };
        if let Some(seen) = seen {
            let other = vetting.judge(Given::Script(shell, &seen), agent, None);
            if other.decision > verdict.decision {
                return Ok((seen, other));
            }
        }
        return Ok((text, verdict));
    }
    if let Some(text) = &arguments.text {
        let text = as_text(text)?;
        let verdict = vetting.judge(Given::Text(shell.unwrap_or(USUAL), &text), agent, None);
        return Ok((text, verdict));
    }
    if arguments.command.is_empty() {
        return Err(Failure::usage(
            "there is nothing to judge",
            "neither a text nor a command nor a file was given",
            "garth check 'git push', garth check -- git push, or garth check --file FILE",
        ));
    }
    let words = arguments.command.iter().map(|word| as_text(word)).collect::<Result<Vec<String>, _>>()?;
    let verdict = vetting.judge(Given::Words(&words), agent, None);
    Ok((words.join(" "), verdict))
}

fn as_text(word: &OsStr) -> Result<String, Failure> {
    word.to_str().map(str::to_owned).ok_or_else(|| {
        let shown = shell_word(word.as_encoded_bytes());
        Failure::own(format!("{shown} is no text"), "it is no UTF-8", "give it as UTF-8")
    })
}

/// The grammar of a name on the command line.
fn grammar(name: ShellName) -> Shell {
    match name {
        ShellName::Sh => Shell::Sh,
        ShellName::Bash => Shell::Bash,
        ShellName::Pwsh => Shell::Pwsh,
        ShellName::WindowsPowershell => Shell::WindowsPowershell,
        ShellName::Cmd => Shell::Cmd,
    }
}

fn script(file: &OsStr) -> Result<String, Failure> {
    let shown = escape_visible(file.as_encoded_bytes());
    let failed = |error: std::io::Error| Failure::file("read", &shown, &error);
    let mut bytes = Vec::new();
    std::fs::File::open(file).map_err(failed)?.take(LONGEST + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > LONGEST {
        return Err(Failure::own(
            format!("{shown} is too long"),
            format!("a script of more than {} MiB is not read", LONGEST >> 20),
            "name a shorter script",
        ));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Failure::own(format!("{shown} is no text"), format!("byte {at} is no UTF-8"), "save it as UTF-8")
    })
}

/// The shell that a script asks for in its first line, or by its name.
fn shell_of(file: &OsStr, text: &str) -> Option<Shell> {
    let first = text.lines().next().unwrap_or_default();
    if let Some(line) = first.strip_prefix("#!") {
        let mut words = line.split_whitespace().filter(|word| !word.starts_with('-'));
        let program = words.next()?;
        let program = if program.ends_with("/env") { words.next()? } else { program };
        return match program.rsplit('/').next()? {
            "sh" | "dash" | "ash" => Some(Shell::Sh),
            "bash" | "zsh" | "ksh" => Some(Shell::Bash),
            "pwsh" => Some(Shell::Pwsh),
            _ => None,
        };
    }
    match Path::new(file).extension()?.to_str()?.to_ascii_lowercase().as_str() {
        "sh" => Some(Shell::Sh),
        "bash" | "zsh" | "ksh" => Some(Shell::Bash),
        "ps1" | "psm1" => Some(Shell::Pwsh),
        "bat" | "cmd" => Some(Shell::Cmd),
        _ => None,
    }
}

fn unknown_shell(file: &OsStr) -> Failure {
    Failure::own(
        format!("cannot tell for which shell {} is", escape_visible(file.as_encoded_bytes())),
        "neither its first line nor its name says so, or it is for another program",
        "name the shell: --shell bash",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_say_which_shell_they_are_for() {
        let table = [
            ("a", "#!/bin/sh -e\n", Some(Shell::Sh)),
            ("a.sh", "#!/usr/bin/env bash\n", Some(Shell::Bash)),
            ("a", "#!/usr/bin/env -S bash -e\n", Some(Shell::Bash)),
            ("a.sh", "#!/usr/bin/python3\n", None),
            ("a.sh", "ls\n", Some(Shell::Sh)),
            ("a.PS1", "ls\n", Some(Shell::Pwsh)),
            ("a.bat", "dir\n", Some(Shell::Cmd)),
            ("a", "ls\n", None),
            ("a", "", None),
        ];
        for (name, text, expected) in table {
            assert_eq!(shell_of(OsStr::new(name), text), expected, "{name} {text}");
        }
    }
}
