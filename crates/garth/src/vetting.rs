//! Texts and commands judged before anything runs, by the policy that is in force here.

use crate::Error;
use crate::files::load_policy;
use crate::place::{Surroundings, surroundings};
use garth_policy::{AbsPath, CommandDecision, Flag, Policy};
use garth_vet::Shell;
use garth_vet::judge::{self, Reason, Verdict};
use std::collections::BTreeMap;

/// What is to be judged.
#[derive(Clone, Copy, Debug)]
pub enum Given<'g> {
    /// A text in the grammar of a shell.
    Text(Shell, &'g str),
    /// A script in the grammar of a shell, which differs from a text where files differ from typed lines.
    Script(Shell, &'g str),
    /// The words of one command, which no shell looks at.
    Words(&'g [String]),
}

/// A policy and a place, ready to judge.
#[derive(Clone, Debug)]
pub struct Vetting {
    policy: Policy,
    surroundings: judge::Surroundings,
}

impl Vetting {
    /// Loads the policy that is in force for this workspace. `file` replaces the user's own.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn new(
        workspace: Option<&AbsPath>,
        file: Option<&AbsPath>,
        flags: &[Flag],
        environment: &[(Vec<u8>, Vec<u8>)],
    ) -> Result<Self, Error> {
        let found = surroundings(workspace, environment)?;
        let policy = load_policy(&found, environment, file, flags)?.policy;
        Ok(Self { policy, surroundings: place(&found) })
    }

    /// Judges for an agent, by its name in the policy, that works in a directory.
    #[must_use]
    pub fn judge(&self, given: Given<'_>, agent: Option<&str>, directory: Option<&AbsPath>) -> Verdict {
        let mut surroundings = self.surroundings.clone();
        surroundings.agent = agent.map(str::to_owned);
        if let Some(directory) = directory {
            surroundings.variables.insert("PWD".to_owned(), directory.to_lossless());
            surroundings.directory = directory.clone();
        }
        match given {
            Given::Script(Shell::Cmd, text) => judge::judge_batch(&self.policy, &surroundings, text),
            Given::Text(shell, text) | Given::Script(shell, text) => {
                judge::judge(&self.policy, &surroundings, shell, text)
            }
            Given::Words(words) => judge::judge_argv(&self.policy, &surroundings, words),
        }
    }
}

/// The place as a verdict is told of it. Of variables only the working directory is certain inside.
fn place(found: &Surroundings) -> judge::Surroundings {
    let directory = found.directory.clone();
    let variables = BTreeMap::from([("PWD".to_owned(), directory.to_lossless())]);
    judge::Surroundings { context: found.context.clone(), directory, variables, agent: None }
}

/// What keeps a command from being started in a sandbox at all: rules of the policy. What it starts is judged again when
/// that starts, and what it does is held by the sandbox itself.
pub(crate) fn obstacle(policy: &Policy, found: &Surroundings, arguments: &[Vec<u8>]) -> Option<Reason> {
    let asks = policy.commands.rules.iter().any(|rule| rule.decision > CommandDecision::Allow);
    if !asks {
        return None;
    }
    let words: Vec<String> =
        arguments.iter().map(|word| String::from_utf8_lossy(word).into_owned()).collect();
    judge::obstacle(policy, &place(found), &words)
}
