//! Programs that start inside, each held until it is judged.

use super::{Commands, DeniedCommand, NO_RULE, rule_of, subject};
use crate::approval::{Asker, Reply};
use crate::audit::{tell, words};
use garth_audit::core::CommandVetted;
use garth_host::linux::broker::wait::CommandAnswer;
use garth_host::linux::supervise::Execution;
use garth_policy::{AbsPath, CommandDecision, CommandRule, escape_visible};
use garth_vet::judge::{builtin_rule, rule_for};
use std::sync::{Arc, Mutex, PoisonError};

/// Different refusals that are kept; the rest only happens.
const MOST: usize = 500;

impl Commands {
    /// What was refused so far.
    pub(crate) fn denied(&self) -> Vec<DeniedCommand> {
        self.denied.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Answers for a program that waits to start, now or when somebody was asked.
    pub(crate) fn answer(&self, execution: &Execution, answer: CommandAnswer) {
        let Some(rule) = strictest(&self.rules, execution) else {
            tell(&self.recorder, || vetted(execution, None, true));
            return answer.give(true, true);
        };
        match (rule.decision, &self.asker) {
            (CommandDecision::Allow, _) => {
                tell(&self.recorder, || vetted(execution, Some(rule), true));
                answer.give(true, true);
            }
            (CommandDecision::Ask, Some(asker)) => self.ask(execution, rule, asker, answer),
            (CommandDecision::Ask, None) | (CommandDecision::Deny, _) => {
                if note(&self.denied, execution, rule) {
                    tell(&self.recorder, || vetted(execution, Some(rule), false));
                }
                answer.give(false, true);
            }
        }
    }

    /// Asks on a thread of its own: what else happens inside does not wait for the answer.
    fn ask(&self, execution: &Execution, rule: &CommandRule, asker: &Arc<Asker>, answer: CommandAnswer) {
        let (asker, denied) = (Arc::clone(asker), Arc::clone(&self.denied));
        let (execution, rule, recorder) = (execution.clone(), rule.clone(), self.recorder.clone());
        let vetting = self.vetting.clone();
        // Without a thread the answer is dropped, which refuses.
        let _thread = std::thread::Builder::new().spawn(move || {
            let directory = AbsPath::posix(execution.directory.clone()).ok();
            let (program, by) = (execution.program.clone(), execution.by.as_str());
            let subject = subject(vetting.as_deref(), program, &execution.arguments, by, directory);
            let reply = asker.ask(subject, None, rule.reason.clone().into());
            if reply.is_yes() || note(&denied, &execution, &rule) {
                tell(&recorder, || vetted(&execution, Some(&rule), reply.is_yes()));
            }
            answer.give(reply.is_yes(), matches!(reply, Reply::Session | Reply::Quiet));
        });
    }
}

/// The verdict on a program that starts inside.
fn vetted(execution: &Execution, rule: Option<&CommandRule>, allowed: bool) -> CommandVetted {
    let decision = rule.map_or(CommandDecision::Allow, |rule| rule.decision);
    CommandVetted {
        allowed,
        rule: rule_of(decision),
        command: words(&execution.arguments),
        file: escape_visible(&execution.program),
        program: execution.by.clone(),
        reason: rule.map_or_else(|| NO_RULE.to_owned(), |rule| rule.reason.clone()),
        origin: rule.map(|rule| (&rule.origin).into()),
        asked: decision == CommandDecision::Ask,
    }
}

/// The strictest rule for a program, by the name of its file and by the name that it is given: the two can differ, and
/// which of them counts is up to the program. For a shell with a text, also the builtins that the text runs: nothing starts
/// when they do. What else the text starts is judged then.
fn strictest<'r>(rules: &'r garth_policy::Commands, execution: &Execution) -> Option<&'r CommandRule> {
    let mut words: Vec<String> =
        execution.arguments.iter().map(|word| String::from_utf8_lossy(word).into_owned()).collect();
    let by_name = rule_for(rules, &words, None).into_iter().chain(builtin_rule(rules, &words, None));
    let by_name = by_name.max_by_key(|rule| rule.decision);
    let file = String::from_utf8_lossy(&execution.program).into_owned();
    if file.is_empty() {
        return by_name;
    }
    match words.first_mut() {
        Some(first) => *first = file,
        None => words.push(file),
    }
    let by_file = rule_for(rules, &words, None).into_iter().chain(builtin_rule(rules, &words, None));
    let of_interpreter = interpreted(rules, execution);
    by_name.into_iter().chain(by_file).chain(of_interpreter).max_by_key(|rule| rule.decision)
}

/// The strictest rule for what the kernel starts in place of a script: `#!/usr/bin/python3` is `/usr/bin/python3 SCRIPT`.
fn interpreted<'r>(rules: &'r garth_policy::Commands, execution: &Execution) -> Option<&'r CommandRule> {
    let script = std::iter::once(&execution.program).chain(execution.arguments.iter().skip(1));
    let words = execution.interpreter.iter().chain(script);
    let words: Vec<String> = words.map(|word| String::from_utf8_lossy(word).into_owned()).collect();
    let starts = 0..execution.interpreter.len();
    let found = starts.filter_map(|start| rule_for(rules, words.get(start..)?, None));
    found.filter(|rule| rule.decision > CommandDecision::Allow).max_by_key(|rule| rule.decision)
}

/// Keeps a refusal; `false` for one that is known.
fn note(list: &Mutex<Vec<DeniedCommand>>, execution: &Execution, rule: &CommandRule) -> bool {
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
    !known
}

#[cfg(test)]
mod tests {
    use super::*;
    use garth_policy::{Layer, Origin};

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
            interpreter: Vec::new(),
            whole: true,
            by: "bash".into(),
            directory: b"/home/ann/work".to_vec(),
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
        // Who asks how to push does not push.
        assert_eq!(decided("/usr/bin/git", &["git", "push", "--help"]), None);
        assert_eq!(decided("/usr/bin/git", &["git", "push", "origin", "--help"]), Some(CommandDecision::Ask));
    }

    #[test]
    fn the_interpreter_of_a_script_counts() {
        let rules = rules(&[(&["python3"], CommandDecision::Deny), (&["sh", "-e"], CommandDecision::Ask)]);
        let decided = |interpreter: &[&str]| {
            let script = Execution {
                interpreter: interpreter.iter().map(|word| word.as_bytes().to_vec()).collect(),
                ..execution("./tool", &["tool", "x"])
            };
            strictest(&rules, &script).map(|rule| rule.decision)
        };
        assert_eq!(decided(&[]), None);
        assert_eq!(decided(&["/usr/bin/python3"]), Some(CommandDecision::Deny));
        assert_eq!(decided(&["/bin/sh", "-e"]), Some(CommandDecision::Ask));
        assert_eq!(decided(&["/bin/sh"]), None);
        assert_eq!(decided(&["/bin/sh", "/usr/bin/python3", "-u"]), Some(CommandDecision::Deny));
    }

    #[test]
    fn builtins_in_the_text_of_a_shell_count() {
        let rules = rules(&[(&["kill"], CommandDecision::Deny), (&["git", "push"], CommandDecision::Deny)]);
        let decided = |program: &str, arguments: &[&str]| {
            strictest(&rules, &execution(program, arguments)).map(|rule| rule.decision)
        };
        let deny = Some(CommandDecision::Deny);
        assert_eq!(decided("/usr/bin/bash", &["bash", "-c", "kill 1"]), deny);
        assert_eq!(decided("/usr/bin/bash", &["bash", "-ec", "make || kill -9 -1"]), deny);
        assert_eq!(decided("/usr/bin/dash", &["sh", "-c", "eval 'kill 1'"]), deny);
        assert_eq!(decided("/usr/bin/env", &["env", "sh", "-c", "kill 1"]), deny);
        assert_eq!(decided("/usr/bin/bash", &["harmless", "-c", "kill 1"]), deny);
        assert_eq!(decided("/usr/bin/bash", &["bash", "-c", "builtin kill 1"]), deny);
        assert_eq!(decided("/usr/bin/kill", &["kill", "1"]), deny);
        // A program is judged when it starts, if it starts at all.
        assert_eq!(decided("/usr/bin/bash", &["bash", "-c", "false && git push"]), None);
        assert_eq!(decided("/usr/bin/bash", &["bash", "-c", "echo kill 1"]), None);
        assert_eq!(decided("/usr/bin/bash", &["bash", "kill.sh"]), None);
        assert_eq!(
            decided("/usr/bin/bash", &["bash", "-c", &format!("kill 1 # {}", "x".repeat(5000))]),
            None
        );
    }
}
