//! The corpus keeps its own rules.

use super::corpus;
use super::judge::Before;
use super::stage::Stage;
use crate::prove::attack::{Action, Expect, Twin};
use crate::prove::report::Held;
use garth_host::probe::Outcome;
use garth_host::windows::probe::exists;
use std::collections::BTreeSet;

#[test]
fn names_are_unique_and_there_are_enough() {
    let attacks = corpus();
    let names: BTreeSet<_> = attacks.iter().map(|attack| attack.id.clone()).collect();
    assert_eq!(names.len(), attacks.len(), "a name stands twice");
    assert!(attacks.len() >= 80, "{}", attacks.len());
}

#[test]
fn every_step_names_a_probe_and_every_twin_differs() {
    for attack in corpus() {
        // There are no stories here.
        let Action::Inside(action) = attack.action;
        assert!(exists(action.probe), "{}: {}", attack.id, action.probe);
        match attack.twin {
            Twin::Inside(twin) => {
                assert!(exists(twin.probe), "{}: {}", attack.id, twin.probe);
                assert!(twin != action, "{}", attack.id);
            }
            Twin::Outside => {}
            Twin::Told => panic!("{} has no twin", attack.id),
        }
    }
}

#[test]
fn what_may_succeed_is_judged_by_what_the_host_looks_like() {
    for attack in corpus() {
        assert!(!matches!(attack.expect, Expect::Harmless) || !attack.checks.is_empty(), "{}", attack.id);
    }
}

#[test]
fn an_attack_that_succeeds_is_not_held_and_one_that_changes_something_neither() {
    let stage = Stage::new().unwrap();
    let attacks = corpus();
    let attack = attacks.iter().find(|attack| attack.id == "files.overwrite").unwrap();
    let mut before = Before::default();
    before.look(&stage, attack);
    let judge = |went: Outcome, twin: Outcome| before.judge(&stage, attack, (&went, &twin), &[]);
    assert_eq!(judge(Outcome::Refused(5), Outcome::Succeeded), Held::Yes);
    assert!(matches!(judge(Outcome::Succeeded, Outcome::Succeeded), Held::No(_)));
    assert!(matches!(judge(Outcome::Refused(5), Outcome::Refused(5)), Held::No(_)));
    assert!(matches!(judge(Outcome::Broken("x".into()), Outcome::Succeeded), Held::No(_)));
    assert!(matches!(judge(Outcome::Hung, Outcome::Succeeded), Held::No(_)));
    std::fs::write(stage.fill("{out}\\victim"), "changed").unwrap();
    assert!(matches!(judge(Outcome::Refused(5), Outcome::Succeeded), Held::No(_)));
}

#[test]
fn what_proofs_rest_on_is_in_the_corpus() {
    let names: BTreeSet<String> = corpus().iter().map(|attack| attack.id.to_string()).collect();
    for (proof, groups) in garth_plan::windows::proof::REQUIRED {
        for name in groups.iter().flat_map(|group| group.iter()) {
            assert!(names.contains(*name), "{proof:?} rests on {name}");
        }
    }
    // None that asks a delegate, or the relay, is left out.
    let of = |start: &str| names.iter().filter(|name| name.starts_with(start)).count();
    let required: BTreeSet<&str> = garth_plan::windows::proof::REQUIRED
        .iter()
        .flat_map(|(_, groups)| groups.iter().flat_map(|group| group.iter().copied()))
        .collect();
    let named = |start: &str| required.iter().filter(|name| name.starts_with(start)).count();
    assert_eq!((named("delegates."), named("services.")), (of("delegates."), of("services.")));
    // The way past the relay is of the network's.
    assert_eq!(named("relay."), of("relay.") - 1);
}
