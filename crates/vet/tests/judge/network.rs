//! Connections to hosts that the words of a command do not name.

use crate::place::surroundings;
use garth_policy::{CommandDecision, NetworkMode, Policy, Profile};
use garth_vet::Shell;
use garth_vet::judge::{Code, Reason, judge};

fn told(profile: Profile, mode: NetworkMode, text: &str) -> (CommandDecision, Option<Reason>) {
    let mut policy = Policy::builtin(profile, &surroundings().context);
    policy.network.mode.value = mode;
    let verdict = judge(&policy, &surroundings(), Shell::Bash, text);
    let reason = verdict.reasons.into_iter().find(|reason| reason.code == Code::UnnamedHost);
    (verdict.decision, reason)
}

#[test]
fn what_the_network_of_the_policy_means_is_told() {
    for text in ["git push", "git push origin main", "git fetch", "npm install", "pip install x"] {
        let (decision, reason) = told(Profile::Workspace, NetworkMode::Deny, text);
        assert_eq!(decision, CommandDecision::Allow, "{text}");
        assert!(reason.unwrap().person.contains("the network is denied"), "{text}");
        let (decision, reason) = told(Profile::Workspace, NetworkMode::AllowList, text);
        assert_eq!(decision, CommandDecision::Allow, "{text}");
        assert!(reason.unwrap().person.contains("that the policy allows"), "{text}");
        assert_eq!(told(Profile::Workspace, NetworkMode::Open, text).1, None, "{text}");
        let (decision, reason) = told(Profile::Strict, NetworkMode::Deny, text);
        assert_eq!(
            (decision, reason.unwrap().decision),
            (CommandDecision::Ask, CommandDecision::Ask),
            "{text}"
        );
    }
}

#[test]
fn a_host_that_is_named_is_judged_by_its_name() {
    let (decision, reason) = told(Profile::Workspace, NetworkMode::Deny, "curl https://example.com");
    assert_eq!((decision, reason), (CommandDecision::Ask, None));
    assert_eq!(told(Profile::Workspace, NetworkMode::Deny, "git status").1, None);
}
