//! The command of a sandbox, and on Linux every program that starts inside, judged by the policy's rules for commands.

#[cfg(target_os = "linux")]
mod running;

use crate::Error;
use crate::approval::{Asker, Subject};
use crate::audit::{Recorder, tell, words};
use crate::vetting::{Given, Vetting};
use garth_audit::core::{CommandVetted, Rule};
use garth_policy::{AbsPath, CommandDecision, Origin};
use garth_vet::judge::{JudgedEffect, Reason};
use std::borrow::Cow;
use std::sync::Arc;

/// A program that was not let start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeniedCommand {
    /// The file, as the caller wrote it.
    pub program: Vec<u8>,
    /// The arguments, with the program's name.
    pub arguments: Vec<Vec<u8>>,
    /// Name of the program that called.
    pub by: String,
    /// The rule's reason.
    pub reason: String,
    /// Where the rule stands.
    pub origin: Origin,
    /// It would have been asked for, and the answer was no or there was nobody to ask.
    pub asked: bool,
}

/// Judges what starts in one sandbox.
#[derive(Debug)]
pub(crate) struct Commands {
    rules: garth_policy::Commands,
    /// What commands do, for questions. Without it a question does not say.
    vetting: Option<Arc<Vetting>>,
    asker: Option<Arc<Asker>>,
    #[cfg(target_os = "linux")]
    denied: Arc<std::sync::Mutex<Vec<DeniedCommand>>>,
    recorder: Recorder,
}

impl Commands {
    pub(crate) fn new(
        rules: garth_policy::Commands,
        vetting: Option<Vetting>,
        asker: Option<Arc<Asker>>,
        recorder: Recorder,
    ) -> Self {
        Self {
            rules,
            vetting: vetting.map(Arc::new),
            asker,
            #[cfg(target_os = "linux")]
            denied: Arc::default(),
            recorder,
        }
    }

    /// Judges the command that the sandbox is made for, with all that it would start. `ask` puts a question to the asker
    /// and says whether the answer was yes.
    ///
    /// # Errors
    /// [`Error::Command`] if it must not run.
    pub(crate) fn judge_first(
        &self,
        obstacle: Option<Reason>,
        arguments: &[Vec<u8>],
        ask: impl FnOnce(&Asker, Subject, Cow<'static, str>) -> bool,
    ) -> Result<(), Error> {
        let Some(obstacle) = obstacle else {
            if !self.rules.rules.is_empty() {
                tell(&self.recorder, || first(arguments, None, true));
            }
            return Ok(());
        };
        let program = arguments.first().cloned().unwrap_or_default();
        let subject = || subject(self.vetting.as_deref(), program, arguments, "garth", None);
        let allowed = match (obstacle.decision, &self.asker) {
            (CommandDecision::Allow, _) => true,
            (CommandDecision::Ask, Some(asker)) => ask(asker, subject(), obstacle.person.clone().into()),
            (CommandDecision::Ask | CommandDecision::Deny, _) => false,
        };
        tell(&self.recorder, || first(arguments, Some(&obstacle), allowed));
        if allowed {
            return Ok(());
        }
        Err(Error::Command {
            asked: obstacle.decision == CommandDecision::Ask,
            attended: self.asker.is_some(),
            reason: obstacle.person,
            origin: obstacle.origin.map(|origin| origin.to_string()),
        })
    }
}

fn rule_of(decision: CommandDecision) -> Rule {
    match decision {
        CommandDecision::Allow => Rule::Allow,
        CommandDecision::Ask => Rule::Ask,
        CommandDecision::Deny => Rule::Deny,
    }
}

/// The verdict on the command that the sandbox is made for.
fn first(arguments: &[Vec<u8>], obstacle: Option<&Reason>, allowed: bool) -> CommandVetted {
    let decision = obstacle.map_or(CommandDecision::Allow, |obstacle| obstacle.decision);
    CommandVetted {
        allowed,
        rule: rule_of(decision),
        command: words(arguments),
        file: words(arguments).into_iter().next().unwrap_or_default(),
        program: "garth".to_owned(),
        reason: obstacle.map_or_else(|| NO_RULE.to_owned(), |obstacle| obstacle.person.clone()),
        origin: obstacle.and_then(|obstacle| obstacle.origin.as_ref()).map(Into::into),
        asked: decision == CommandDecision::Ask,
    }
}

/// Why a command is allowed of which nothing is said.
const NO_RULE: &str = "no rule stands against it";

/// What is asked about a command. What it does is judged by its words, as `garth check` does: from the directory that it
/// works in, where that is known.
fn subject(
    vetting: Option<&Vetting>,
    program: Vec<u8>,
    arguments: &[Vec<u8>],
    by: &str,
    directory: Option<AbsPath>,
) -> Subject {
    let words: Vec<String> =
        arguments.iter().map(|word| String::from_utf8_lossy(word).into_owned()).collect();
    let verdict = vetting.map(|vetting| vetting.judge(Given::Words(&words), None, directory.as_ref()));
    let mut effects: Vec<JudgedEffect> = Vec::new();
    for effect in verdict.into_iter().flat_map(|verdict| verdict.commands).flat_map(|command| command.effects)
    {
        if !effects.contains(&effect) {
            effects.push(effect);
        }
    }
    Subject::Command { program, arguments: arguments.to_vec(), by: by.to_owned(), directory, effects }
}
