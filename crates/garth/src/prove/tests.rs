//! The corpus keeps its own rules, and its attacks can fail.

use super::attack::{Action, Check, Expect, Garden, Step, Twin};
use super::corpus;
use super::report::wildcard;
use garth_host::linux::probe::{Outcome, exists, perform};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::Path;

#[test]
fn names_are_unique_and_there_are_enough() {
    let attacks = corpus();
    let names: BTreeSet<_> = attacks.iter().map(|attack| attack.id.clone()).collect();
    assert_eq!(names.len(), attacks.len(), "a name stands twice");
    let written = attacks.iter().filter(|attack| !attack.id.starts_with("call.")).count();
    assert!(written >= 120, "{written} beside those made from the table of system calls");
}

#[test]
fn every_step_names_a_probe_that_exists() {
    for attack in corpus() {
        if let Action::Inside(step) = attack.action {
            assert!(exists(step.probe), "{}: {}", attack.id, step.probe);
        }
        if let Twin::Inside(step) = attack.twin {
            assert!(exists(step.probe), "{}: {}", attack.id, step.probe);
        }
    }
}

#[test]
fn every_attack_has_a_twin_that_differs() {
    for attack in corpus() {
        match (attack.action, attack.twin) {
            (Action::Inside(action), Twin::Inside(twin)) => assert_ne!(action, twin, "{}", attack.id),
            (Action::Inside(_), Twin::Outside) | (Action::Scenario(_), Twin::Told) => {}
            (Action::Inside(_), Twin::Told) | (Action::Scenario(_), _) => panic!("{} has no twin", attack.id),
        }
    }
}

#[test]
fn what_may_succeed_is_judged_by_what_the_host_looks_like_or_by_what_works_afterwards() {
    let live_on = ["enforcer.kill", "enforcer.stop", "enforcer.terminate", "names.pattern-parent"];
    for attack in corpus() {
        if matches!(attack.expect, Expect::Harmless) && attack.checks.is_empty() {
            assert!(live_on.contains(&&*attack.id), "{} is judged by nothing", attack.id);
        }
    }
}

/// P6, P7: vetting of command lines is another subject; P23 stands for the limits.
#[test]
fn every_property_that_applies_is_attacked() {
    let attacked: BTreeSet<u8> = corpus().iter().map(|attack| attack.property.0).collect();
    for property in [1, 2, 3, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23] {
        assert!(attacked.contains(&property), "P{property} is not attacked");
    }
}

#[test]
fn every_refused_call_of_the_table_is_attacked() {
    use garth_plan::linux::syscalls::{Action as Filter, TABLE};
    let names: BTreeSet<String> = corpus().iter().map(|attack| attack.id.to_string()).collect();
    let arch = garth_host::linux::supervise::call::ARCH;
    for row in TABLE.iter().filter(|row| matches!(row.action, Filter::Deny(_)) && arch.number(row).is_some())
    {
        assert!(names.contains(&format!("call.{}", row.name)), "{}", row.name);
    }
}

#[test]
fn escapes_are_rows_of_the_research_page() {
    let rows: BTreeSet<u8> = corpus().iter().flat_map(|attack| attack.escapes.iter().copied()).collect();
    assert!(rows.iter().all(|row| (1..=90).contains(row)));
    assert!(rows.len() >= 40, "{} of 90 rows", rows.len());
}

#[test]
fn every_garden_is_used() {
    let used: BTreeSet<Garden> = corpus().iter().map(|attack| attack.garden).collect();
    assert_eq!(used.len(), Garden::ALL.len());
}

#[test]
fn patterns_choose_attacks() {
    assert!(wildcard(b"git.*", b"git.hook-new"));
    assert!(wildcard(b"hook", b"git.hook-new"));
    assert!(!wildcard(b"git.*-old", b"git.hook-new"));
    assert!(!wildcard(b"files", b"git.hook-new"));
}

/// Fills the places of a step with a scratch directory that nothing guards.
fn words(step: &Step, root: &Path) -> Vec<OsString> {
    let root = root.display().to_string();
    let fill = |text: &str| {
        ["{ws}", "{out}", "{home}", "{bin}", "{shared}", "{common}"]
            .iter()
            .fold(text.to_owned(), |text, name| text.replace(name, &root))
            .replace("{tool}", &format!("{root}/tool"))
    };
    step.arguments.iter().map(|word| OsString::from(fill(word))).collect()
}

/// Without a sandbox the attacks succeed: so they can fail to be held.
#[test]
fn attacks_succeed_where_nothing_holds_them() {
    let chosen = [
        "files.create-outside",
        "files.hard-link-out",
        "files.rename-out",
        "files.exchange-out",
        "files.truncate-outside",
        "files.truncate-open",
        "files.create-only",
        "files.mode-outside",
        "files.times",
        "files.unnamed",
        "files.reopen",
        "names.claude",
        "names.mcp",
        "names.moved-in",
        "names.linked-in",
        "names.case",
        "git.hook-new",
        "git.hook-changed",
        "git.config-direct",
        "git.config-fsmonitor",
        "git.config-held-open",
        "git.away",
        "git.attributes",
        "secrets.ssh",
        "secrets.symlink",
        "enforcer.policy",
        "race.open",
        "race.rename",
        "race.truncate",
    ];
    let attacks = corpus();
    for name in chosen {
        let attack =
            attacks.iter().find(|attack| attack.id == name).unwrap_or_else(|| panic!("no attack {name}"));
        let Action::Inside(step) = attack.action else { panic!("{name} is a story") };
        let attempt = || {
            let scratch = tempfile::tempdir().unwrap();
            lay_out(scratch.path());
            perform(step.probe, &words(&step, scratch.path()))
        };
        // Nobody wins each race on a busy machine.
        let tries = if name.starts_with("race.") { 10 } else { 1 };
        let outcomes = std::iter::repeat_with(attempt).take(tries);
        let outcome =
            outcomes.reduce(|known, next| if known == Outcome::Succeeded { known } else { next }).unwrap();
        assert_eq!(outcome, Outcome::Succeeded, "{name} cannot succeed even here");
    }
}

/// Servers that nothing guards take the words that the broker refuses: so these attacks can succeed.
#[test]
fn words_reach_servers_that_nothing_guards() {
    let web = super::web::serve().unwrap();
    let fill =
        |text: &str| web.places.iter().fold(text.to_owned(), |text, (name, at)| text.replace(name, at));
    let mut tried = 0;
    for attack in corpus() {
        let Action::Inside(step) = attack.action else { continue };
        let is_said = matches!(step.probe, "say-on" | "say-hello" | "say-http2");
        // What only a proxy would do, what needs the secret, and what a naive server refuses as well.
        let is_for_proxies =
            step.arguments.last() == Some(&"hidden") || attack.id.starts_with("egress.secret");
        if !is_said || is_for_proxies {
            continue;
        }
        let words: Vec<OsString> = step.arguments.iter().map(|word| fill(word).into()).collect();
        assert_eq!(perform(step.probe, &words), Outcome::Succeeded, "{}", attack.id);
        tried += 1;
    }
    assert!(tried > 25, "{tried} attacks");
}

#[expect(clippy::unwrap_used, reason = "tests")]
fn lay_out(root: &Path) {
    for name in [
        ".git/hooks",
        ".git/info",
        ".ssh",
        ".config/garth",
        "directory",
        ".vscode",
        "race-1",
        "race-6",
        "race-7",
    ] {
        std::fs::create_dir_all(root.join(name)).unwrap();
    }
    for name in [
        "file",
        "secret",
        "victim",
        "plain",
        "tool",
        "directory/victim",
        ".git/config",
        ".git/hooks/pre-commit",
        ".git/info/attributes",
        ".ssh/id_ed25519",
        ".vscode/tasks.json",
    ] {
        std::fs::write(root.join(name), "something long enough to be shortened\n").unwrap();
    }
}

/// A check that the host is unchanged notices a change.
#[test]
fn checks_notice_changes() {
    let of = |check: &Check| matches!(check, Check::Same(_) | Check::Absent(_) | Check::Lacks(..));
    let with = corpus().iter().filter(|attack| attack.checks.iter().any(of)).count();
    assert!(with > 100, "{with} attacks look at the host afterwards");
}
