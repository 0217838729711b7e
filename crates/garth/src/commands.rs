//! Every program that starts inside, judged by the policy's rules for commands.

use crate::Error;
use crate::approval::{Asker, Reply, Subject};
use garth_host::linux::broker::console;
use garth_host::linux::broker::wait::CommandAnswer;
use garth_host::linux::supervise::Execution;
use garth_policy::{CommandDecision, CommandRule, Origin};
use garth_vet::judge::{Reason, rule_for};
use std::sync::{Arc, Mutex, PoisonError};

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

/// Different refusals that are kept; the rest only happens.
const MOST: usize = 500;

/// Judges what starts in one sandbox.
#[derive(Debug)]
pub(crate) struct Commands {
    rules: garth_policy::Commands,
    asker: Option<Arc<Asker>>,
    denied: Arc<Mutex<Vec<DeniedCommand>>>,
}

impl Commands {
    pub(crate) fn new(rules: garth_policy::Commands, asker: Option<Arc<Asker>>) -> Self {
        Self { rules, asker, denied: Arc::default() }
    }

    /// What was refused so far.
    pub(crate) fn denied(&self) -> Vec<DeniedCommand> {
        self.denied.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Judges the command that the sandbox is made for, with all that it would start. `questions` are those of the
    /// asker.
    ///
    /// # Errors
    /// [`Error::Command`] if it must not run.
    pub(crate) fn judge_first(
        &self,
        obstacle: Option<Reason>,
        arguments: &[Vec<u8>],
        questions: Option<&console::Questions>,
    ) -> Result<(), Error> {
        let Some(obstacle) = obstacle else { return Ok(()) };
        let program = arguments.first().cloned().unwrap_or_default();
        let (arguments, by) = (arguments.to_vec(), "garth".to_owned());
        let subject = Subject::Command { program, arguments, by };
        let allowed = match (obstacle.decision, &self.asker, questions) {
            (CommandDecision::Allow, ..) => true,
            (CommandDecision::Ask, Some(asker), Some(questions)) => questions
                .serve(|| asker.ask(subject, None, obstacle.person.clone().into()))
                .is_some_and(Reply::is_yes),
            (CommandDecision::Ask | CommandDecision::Deny, ..) => false,
        };
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

    /// Answers for a program that waits to start, now or when somebody was asked.
    pub(crate) fn answer(&self, execution: &Execution, answer: CommandAnswer) {
        let Some(rule) = strictest(&self.rules, execution) else { return answer.give(true, true) };
        match (rule.decision, &self.asker) {
            (CommandDecision::Allow, _) => answer.give(true, true),
            (CommandDecision::Ask, Some(asker)) => self.ask(execution, rule, asker, answer),
            (CommandDecision::Ask, None) | (CommandDecision::Deny, _) => {
                note(&self.denied, execution, rule);
                answer.give(false, true);
            }
        }
    }

    /// Asks on a thread of its own: what else happens inside does not wait for the answer.
    fn ask(&self, execution: &Execution, rule: &CommandRule, asker: &Arc<Asker>, answer: CommandAnswer) {
        let (asker, denied) = (Arc::clone(asker), Arc::clone(&self.denied));
        let (execution, rule) = (execution.clone(), rule.clone());
        // Without a thread the answer is dropped, which refuses.
        let _thread = std::thread::Builder::new().spawn(move || {
            let reply = asker.ask(subject(&execution), None, rule.reason.clone().into());
            if !reply.is_yes() {
                note(&denied, &execution, &rule);
            }
            answer.give(reply.is_yes(), matches!(reply, Reply::Session | Reply::Quiet));
        });
    }
}

fn subject(execution: &Execution) -> Subject {
    Subject::Command {
        program: execution.program.clone(),
        arguments: execution.arguments.clone(),
        by: execution.by.clone(),
    }
}

/// The strictest rule for a program, by the name of its file and by the name that it is given: the two can differ, and
/// which of them counts is up to the program.
fn strictest<'r>(rules: &'r garth_policy::Commands, execution: &Execution) -> Option<&'r CommandRule> {
    let mut words: Vec<String> =
        execution.arguments.iter().map(|word| String::from_utf8_lossy(word).into_owned()).collect();
    let by_name = rule_for(rules, &words, None);
    let file = String::from_utf8_lossy(&execution.program).into_owned();
    if file.is_empty() {
        return by_name;
    }
    match words.first_mut() {
        Some(first) => *first = file,
        None => words.push(file),
    }
    by_name.into_iter().chain(rule_for(rules, &words, None)).max_by_key(|rule| rule.decision)
}

fn note(list: &Mutex<Vec<DeniedCommand>>, execution: &Execution, rule: &CommandRule) {
    let denied = DeniedCommand {
        program: execution.program.clone(),
        arguments: execution.arguments.clone(),
        by: execution.by.clone(),
        reason: rule.reason.clone(),
        origin: rule.origin.clone(),
        asked: rule.decision == CommandDecision::Ask,
    };
    let mut list = list.lock().unwrap_or_else(PoisonError::into_inner);
    // A search along PATH tries the same command under many names.
    let known = list.iter().any(|known| known.arguments == denied.arguments && known.origin == denied.origin);
    if list.len() < MOST && !known {
        list.push(denied);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use garth_policy::Layer;

    fn rules(list: &[(&[&str], CommandDecision)]) -> garth_policy::Commands {
        let rule = |(prefix, decision): &(&[&str], CommandDecision)| CommandRule {
            prefix: prefix.iter().map(|word| vec![(*word).to_owned()]).collect(),
            decision: *decision,
            reason: "tested".into(),
            agents: Vec::new(),
            matches: Vec::new(),
            not_matches: Vec::new(),
            origin: Origin::unplaced(Layer::User, "policy.toml"),
        };
        garth_policy::Commands { rules: list.iter().map(rule).collect() }
    }

    fn execution(program: &str, arguments: &[&str]) -> Execution {
        Execution {
            id: 1,
            thread: 2,
            program: program.into(),
            arguments: arguments.iter().map(|word| word.as_bytes().to_vec()).collect(),
            whole: true,
            by: "bash".into(),
        }
    }

    #[test]
    fn the_name_of_the_file_and_the_name_that_is_given_both_count() {
        let rules = rules(&[(&["curl"], CommandDecision::Deny), (&["git", "push"], CommandDecision::Ask)]);
        let decided = |program: &str, arguments: &[&str]| {
            strictest(&rules, &execution(program, arguments)).map(|rule| rule.decision)
        };
        let deny = Some(CommandDecision::Deny);
        assert_eq!(decided("/usr/bin/curl", &["curl", "x"]), deny);
        assert_eq!(decided("/usr/bin/curl", &["harmless", "x"]), deny);
        assert_eq!(decided("/tmp/copy", &["curl"]), deny);
        assert_eq!(decided("/usr/bin/curl", &[]), deny);
        assert_eq!(decided("", &["curl"]), deny);
        assert_eq!(decided("/usr/bin/git", &["git", "push"]), Some(CommandDecision::Ask));
        assert_eq!(decided("/usr/bin/git", &["x", "push"]), Some(CommandDecision::Ask));
        assert_eq!(decided("/usr/bin/git", &["git", "status"]), None);
        assert_eq!(decided("/usr/bin/curls", &["curls"]), None);
        // Options of git do not hide its command, and a value of one is no command.
        assert_eq!(decided("/usr/bin/git", &["git", "-C", "x", "push"]), Some(CommandDecision::Ask));
        assert_eq!(decided("/usr/bin/git", &["git", "-c", "a=b", "-P", "push"]), Some(CommandDecision::Ask));
        assert_eq!(decided("/usr/bin/git", &["git", "-C", "push", "status"]), None);
    }
}
