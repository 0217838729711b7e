//! `garth check --save`: the rule that would allow a command, added to the user's policy.

use super::exit_code;
use crate::arguments::CheckArguments;
use crate::failure::Failure;
use crate::request::{absolute, environment, final_path};
use crate::words::effect as in_words;
use garth::files::{PROJECT, user_files};
use garth::policy::{AbsPath, CommandDecision};
use garth::vet::judge::{Code, Verdict};
use garth::{Grant, allow_commands, allowing_commands, surroundings};
use std::io::{self, IsTerminal, Write};

/// Adds the rule that was shown, once it is agreed to. False if there is nothing to add because nothing is asked for.
pub fn rule(verdict: &Verdict, arguments: &CheckArguments, out: &mut dyn Write) -> Result<bool, Failure> {
    if verdict.decision == CommandDecision::Allow {
        writeln!(out, "nothing to save: it is allowed already")?;
        return Ok(false);
    }
    let Some(suggestion) = &verdict.suggestion else { return Err(no_rule(verdict)) };
    let workspace = arguments.sandbox.workspace.as_deref().map(absolute).transpose()?;
    let found = surroundings(workspace.as_ref(), &environment())?;
    let file = match arguments.sandbox.policy.as_deref() {
        Some(named) => absolute(named)?,
        None => user_files(&found.context.home, &environment())?.policy,
    };
    if is_of_project(&file, &found.context.workspace) {
        return Err(Failure::new(
            120,
            format!("no rule is added to {file}"),
            "a project's policy cannot allow commands for itself",
            "leave out --policy: the rule then goes to your own policy",
        ));
    }
    if let Some(agent) = &arguments.sandbox.agent {
        writeln!(
            out,
            "the rule holds for the agent `{}` alone",
            garth::policy::escape_visible(agent.as_bytes())
        )?;
    }
    // The change is seen before it is agreed to.
    let grant = allowing_commands(&file, &suggestion.prefixes, arguments.sandbox.agent.as_deref())?;
    write_grant(&grant, verdict, out)?;
    out.flush()?;
    if !arguments.yes && !agreed(&file)? {
        return Err(Failure::new(
            exit_code(verdict.decision),
            "nothing was saved",
            "it was not agreed to",
            "answer `y`, or give --yes",
        ));
    }
    allow_commands(&file, &found.context, &suggestion.prefixes, arguments.sandbox.agent.as_deref())?;
    writeln!(out, "added to {file}")?;
    Ok(true)
}

/// What would change in the file, what that allows, and what the command does that brought it up.
fn write_grant(grant: &Grant, verdict: &Verdict, out: &mut dyn Write) -> io::Result<()> {
    let shown = |text: &str| garth::policy::escape_visible(text.as_bytes());
    let file = shown(&grant.file.to_string());
    writeln!(out, "--- {file}\n+++ {file}")?;
    for line in grant.diff.lines() {
        writeln!(out, "{}", shown(line))?;
    }
    writeln!(out, "then: {}", shown(&grant.meaning))?;
    for effect in verdict.commands.iter().flat_map(|command| &command.effects) {
        writeln!(out, "effect: {}", shown(&in_words(effect)))?;
    }
    Ok(())
}

/// Why no rule can be derived.
fn no_rule(verdict: &Verdict) -> Failure {
    let by_rule = verdict.reasons.first().is_some_and(|reason| reason.code == Code::Rule);
    let (why, hint) = match (verdict.decision, by_rule) {
        (CommandDecision::Deny, true) => (
            "a rule denies it, and another rule cannot take that back",
            "change the rule that denies it, if it is yours",
        ),
        (_, true) => (
            "a rule asks for it, and another rule cannot take that back",
            "change the rule that asks, if it is yours",
        ),
        _ => (
            "what was found cannot be allowed by a rule for its first words",
            "write it in the way that the hints above say, or agree to it each time",
        ),
    };
    Failure::new(exit_code(verdict.decision), "there is no rule to save", why, hint)
}

/// True for the policy of the workspace, by name or by what stands behind the name.
fn is_of_project(file: &AbsPath, workspace: &AbsPath) -> bool {
    let real = final_path(file);
    let own = workspace.join(PROJECT.as_bytes()).ok();
    // Systems other than Linux take a name in any case.
    let is_named = |name: &[u8]| match cfg!(target_os = "linux") {
        true => name == PROJECT.as_bytes(),
        false => name.eq_ignore_ascii_case(PROJECT.as_bytes()),
    };
    let is_own = |path: &AbsPath| path.file_name().is_some_and(is_named) || Some(path) == own.as_ref();
    is_own(file) || real.as_ref().is_some_and(is_own)
}

/// Asks on the terminal; without one, nobody agrees.
fn agreed(file: &AbsPath) -> Result<bool, Failure> {
    let mut screen = io::stderr();
    if !io::stdin().is_terminal() || !screen.is_terminal() {
        return Ok(false);
    }
    write!(screen, "add this rule to {file}? [y/N] ")?;
    screen.flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}
