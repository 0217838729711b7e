//! The Windows machine that is spoken of: a recorded one, or this one.

use super::typed::{below, pattern, text};
use crate::arguments::{OtherMachine, SandboxArguments};
use crate::failure::Failure;
use crate::request::flags_with;
use garth::plan::linux::Report;
use garth::plan::windows::facts::HostFacts;
use garth::plan::windows::spec::Tier;
use garth::policy::{AbsPath, Source};
use garth::recorded::{BadFacts, MOST_BYTES, Planned, Wanted, plan, read};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Read;

/// The plan of a command on the machine that the options name.
pub fn planned(
    sandbox: &SandboxArguments,
    machine: &OtherMachine,
    command: &[OsString],
    report: Report,
) -> Result<Planned, Failure> {
    let facts = match &machine.facts {
        Some(file) => recorded(file)?,
        None => own(sandbox, command)?,
    };
    // Of this machine the facts are those of the workspace already, and the policy file is among them.
    let elsewhere = machine.facts.is_some();
    let absolute =
        |typed: &OsStr| if elsewhere { below(&facts.context.workspace, typed) } else { here(typed) };
    let wanted = Wanted {
        arguments: command.iter().map(|word| text(word)).collect::<Result<_, _>>()?,
        workspace: sandbox.workspace.as_deref().filter(|_| elsewhere).map(absolute).transpose()?,
        policy: sandbox.policy.as_deref().filter(|_| elsewhere).map(policy).transpose()?,
        flags: flags_with(sandbox, &|typed| pattern(typed, &absolute))?,
        tier: tier(sandbox, machine),
        report,
    };
    Ok(plan(facts, &wanted)?)
}

/// A path of the command line, from the working directory.
#[cfg(windows)]
fn here(typed: &OsStr) -> Result<AbsPath, Failure> {
    crate::request::absolute(typed)
}

#[cfg(not(windows))]
fn here(typed: &OsStr) -> Result<AbsPath, Failure> {
    let why = "it would be one of this machine, which has another system";
    Err(Failure::new(
        120,
        format!("`{}` is no path", typed.display()),
        why,
        "name a file: --os windows --facts FILE",
    ))
}

fn tier(_sandbox: &SandboxArguments, _machine: &OtherMachine) -> Option<Tier> {
    #[cfg(windows)]
    let word = _sandbox.tier.as_deref();
    #[cfg(not(windows))]
    let word = _machine.tier.as_deref();
    Tier::ALL.into_iter().find(|tier| word == Some(tier.name()))
}

/// What was recorded of a machine.
pub fn recorded(file: &OsStr) -> Result<HostFacts, Failure> {
    let bytes = bytes(file)?;
    read(&bytes).map_err(|error| {
        let what = format!("{} does not tell of a Windows machine", file.display());
        Failure::own(what, error, BadFacts::HINT)
    })
}

/// A policy file that is here, to be used there.
fn policy(file: &OsStr) -> Result<Source, Failure> {
    let name = file.display().to_string();
    let text = String::from_utf8(bytes(file)?).map_err(|_| {
        Failure::new(120, format!("{name} is no UTF-8 text"), "a policy is", "save it as UTF-8")
    })?;
    Ok(Source { name, text })
}

fn bytes(file: &OsStr) -> Result<Vec<u8>, Failure> {
    let failed = |error: std::io::Error| Failure::file("read", file.display(), &error);
    let mut bytes = Vec::new();
    let most = u64::try_from(MOST_BYTES).unwrap_or(u64::MAX);
    File::open(file).map_err(failed)?.take(most + 1).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

/// What is found on this machine.
#[cfg(windows)]
fn own(sandbox: &SandboxArguments, command: &[OsString]) -> Result<HostFacts, Failure> {
    let words = command.iter().map(|word| text(word)).collect::<Result<_, _>>()?;
    Ok(garth::windows::record::record(&super::run::request_for(sandbox, words)?)?)
}

/// This is no Windows.
#[cfg(not(windows))]
fn own(_sandbox: &SandboxArguments, _command: &[OsString]) -> Result<HostFacts, Failure> {
    let why = "this machine has another system";
    Err(Failure::own(
        "there is no Windows machine to speak of",
        why,
        "name a file: --os windows --facts FILE",
    ))
}
