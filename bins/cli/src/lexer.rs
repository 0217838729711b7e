//! The options of `garth run`, read without clap.
//!
//! `run` is what is started thousands of times: reading its options takes half a microsecond here and 160 with
//! clap, which first describes every verb to itself (release build, cold, x86_64). What this lexer does not
//! understand to the letter it leaves to clap, with its errors and help.

use crate::arguments::{RunArguments, SandboxArguments, ShellName};
use clap::ValueEnum;
use garth::policy::Profile;
use std::ffi::OsString;

/// Reads the arguments after `garth`; `None` if they are not a plain `run`.
pub fn run_arguments(arguments: &[OsString]) -> Option<RunArguments> {
    let (verb, mut rest) = arguments.split_first()?;
    if verb != "run" {
        return None;
    }
    let mut read = RunArguments {
        sandbox: SandboxArguments::plain(),
        json: false,
        json_file: None,
        shell: None,
        approver: None,
        cow: false,
        checkpoint: false,
        command: Vec::new(),
    };
    while let Some((word, tail)) = rest.split_first() {
        if word == "--" {
            rest = tail;
            break;
        }
        if !word.as_encoded_bytes().starts_with(b"-") {
            break;
        }
        rest = option(word.to_str()?, tail, &mut read)?;
    }
    read.command = rest.to_vec();
    (!read.command.is_empty()).then_some(read)
}

/// One option with its value; what follows it.
fn option<'a>(word: &str, tail: &'a [OsString], read: &mut RunArguments) -> Option<&'a [OsString]> {
    match word {
        "--json" if !read.json && read.json_file.is_none() => read.json = true,
        "--cow" if !read.cow && !read.checkpoint => read.cow = true,
        "--checkpoint" if !read.cow && !read.checkpoint => read.checkpoint = true,
        "--no-terminal" if !read.sandbox.no_terminal => read.sandbox.no_terminal = true,
        _ => {
            let (value, tail) = tail.split_first()?;
            if value.as_encoded_bytes().starts_with(b"-") {
                return None;
            }
            match word {
                "--shell" if read.shell.is_none() => {
                    read.shell = Some(ShellName::from_str(value.to_str()?, false).ok()?);
                }
                "--json-file" if read.json_file.is_none() && !read.json => {
                    read.json_file = Some(value.clone())
                }
                "--approver" if read.approver.is_none() => read.approver = Some(value.to_str()?.to_owned()),
                _ => valued(word, value, &mut read.sandbox)?,
            }
            return Some(tail);
        }
    }
    Some(tail)
}

fn valued(word: &str, value: &OsString, sandbox: &mut SandboxArguments) -> Option<()> {
    match word {
        "--profile" if sandbox.profile.is_none() => {
            sandbox.profile = Some(Profile::from_name(value.to_str()?)?);
        }
        "--workspace" if sandbox.workspace.is_none() => sandbox.workspace = Some(value.clone()),
        "--policy" if sandbox.policy.is_none() => sandbox.policy = Some(value.clone()),
        "--agent" if sandbox.agent.is_none() => sandbox.agent = Some(value.to_str()?.to_owned()),
        "--read" => sandbox.read.push(value.clone()),
        "--write" => sandbox.write.push(value.clone()),
        "--deny" => sandbox.deny.push(value.clone()),
        "--allow" => sandbox.allow.push(value.clone()),
        "--accept" => sandbox.accept.extend(value.to_str()?.split(',').map(str::to_owned)),
        _ => return None,
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::{Arguments, Verb};
    use clap::Parser;

    fn words(line: &str) -> Vec<OsString> {
        line.split_whitespace().map(OsString::from).collect()
    }

    /// Everything that the lexer takes, clap takes, and to the same end.
    #[test]
    fn agrees_with_clap() {
        let lines = [
            "run true",
            "run -- true",
            "run -- -x --json",
            "run ls -la --json",
            "run --json ls --json",
            "run --json --no-terminal --profile strict --workspace d --policy p -- a -- b",
            "run --read a --read b --write c --deny d --allow h --allow i:22 --accept x,y --accept z true",
            "run --accept x, true",
            "run --cow --json -- true",
            "run --json-file f --cow -- true",
            "run --json --checkpoint true",
            "run --approver 3 -- true",
            "run --json --approver 3,4 true",
            "run --shell bash -- ls",
            "run --agent claude -- ls",
            "run --shell windows-powershell ls",
        ];
        for line in lines {
            let lexed = run_arguments(&words(line)).unwrap_or_else(|| panic!("not read: {line}"));
            let mut all = vec![OsString::from("garth")];
            all.extend(words(line));
            match Arguments::try_parse_from(all).unwrap().verb {
                Verb::Run(parsed) => assert_eq!(lexed, parsed, "{line}"),
                other => panic!("{line}: {other:?}"),
            }
        }
    }

    /// What is not understood to the letter goes to clap.
    #[test]
    fn leaves_the_rest_to_clap() {
        for line in [
            "run",
            "run --",
            "run --help",
            "run --jsn true",
            "run --profile nosuch true",
            "run --shell nosuch true",
            "run --profile",
            "run --read --json true",
            "run --json --json true",
            "run --json --json-file f true",
            "run --json-file f --json true",
            "run --json-file f --json-file g true",
            "plan -- true",
            "run --read=x true",
            "run --cow --checkpoint true",
            "run -h",
        ] {
            assert_eq!(run_arguments(&words(line)), None, "{line}");
        }
        assert_eq!(run_arguments(&[]), None);
    }
}
