//! False alarms: everyday commands of agents, in the default profile and without rules.

use crate::place::{surroundings, surroundings_on_windows};
use garth_policy::{CommandDecision, Policy, Profile};
use garth_vet::Shell;
use garth_vet::judge::judge;

const CORPUS: &str = include_str!("../../corpus/everyday.txt");

/// The same on Windows, between fences with the name of the shell.
const WINDOWS: &str = include_str!("../../corpus/everyday-windows.txt");

/// Of a hundred of these so many may be asked for.
const PERCENT_ON_WINDOWS: usize = 5;

/// Of a hundred commands so many may be asked for.
const PERCENT: usize = 2;

#[test]
fn everyday_commands_are_not_asked_for() {
    let policy = Policy::builtin(Profile::Workspace, &surroundings().context);
    let texts = CORPUS.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let (mut asked, mut denied, mut count) = (Vec::new(), Vec::new(), 0);
    for text in texts {
        count += 1;
        let verdict = judge(&policy, &surroundings(), Shell::Bash, text);
        let first = verdict.reasons.first();
        let told = first.map(|reason| format!("{text}\n    {:?}: {}", reason.code, reason.person));
        match verdict.decision {
            CommandDecision::Allow => {}
            CommandDecision::Ask => asked.extend(told),
            CommandDecision::Deny => denied.extend(told),
        }
    }
    assert!(count >= 1000, "{count} commands");
    println!("{} of {count} are asked for:\n{}", asked.len(), asked.join("\n"));
    assert!(denied.is_empty(), "{}", denied.join("\n"));
    assert!(asked.len() * 100 <= count * PERCENT, "{} of {count}:\n{}", asked.len(), asked.join("\n"));
}

#[test]
fn everyday_commands_on_windows_are_not_asked_for() {
    let place = surroundings_on_windows();
    for profile in [Profile::Workspace, Profile::Build] {
        let policy = Policy::builtin(profile, &place.context);
        let (mut shell, mut asked, mut count) = (Shell::Pwsh, Vec::new(), 0);
        for line in WINDOWS.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            if let Some(name) = line.strip_prefix("```") {
                shell = if name == "cmd" { Shell::Cmd } else { Shell::Pwsh };
                continue;
            }
            count += 1;
            let verdict = judge(&policy, &place, shell, line);
            assert_ne!(verdict.decision, CommandDecision::Deny, "{line}: {:?}", verdict.reasons.first());
            if verdict.decision == CommandDecision::Ask {
                asked.push(format!("{line}: {:?}", verdict.reasons.first()));
            }
        }
        assert!(count >= 60, "{count} commands");
        assert!(asked.len() * 100 <= count * PERCENT_ON_WINDOWS, "{} of {count}: {asked:#?}", asked.len());
    }
}
