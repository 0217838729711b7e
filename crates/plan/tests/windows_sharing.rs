//! Two sandboxes in one workspace: what each relies on stays until it ends, whatever becomes of the other one, and then nothing is
//! left.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends at what it did not expect")]

mod windows_machines;
mod windows_world;

use garth_plan::facts::Command;
use garth_plan::linux::Report;
use garth_plan::windows::facts::{FileId, HostFacts, Object, PathFact, Security};
use garth_plan::windows::journal::sharing::{holds_all_of, without};
use garth_plan::windows::journal::{Change, Record, Restored, granted, restored};
use garth_plan::windows::machine::{Machine, Shield};
use garth_plan::windows::spec::{
    Directory, Grant, Guard, Lifetime, Plan, Preparation, Profile, Removal, Reservation, Tier,
};
use garth_plan::windows::{AccessMask, Ace, derive, lower};
use garth_policy::{NodeKind, Policy};
use proptest::prelude::*;
use windows_machines::{MACHINES, Sketch};
use windows_world::{
    NEVER, Store, Torn, World, clean, close, dacl, end, initial, never, path, recover, security, start,
};

const ID: FileId = FileId { volume: 1, file: (0, 1) };

fn taken(name: &str, kind: NodeKind, removal: Removal) -> Reservation {
    Reservation {
        path: path(name),
        kind,
        security: security("O:SYG:SYD:P(A;;FR;;;SY)"),
        removal,
        content: String::new(),
        reason: "test".into(),
    }
}

/// What a session prepares: `common` is the same for all of one policy, the directory and the entries for its SID are its own.
fn preparation(number: usize, common: u8) -> Preparation {
    let has = |bit: u8| common >> bit & 1 == 1;
    let sid = |name: &str| derive::capability(&format!("garth.{name}"));
    let private = sid(&number.to_string());
    let mut made = Preparation::default();
    let name = "garth.test".to_owned();
    made.profile = has(0).then(|| Profile { package: derive::package(&name), name, display: "test".into() });
    made.directories = vec![Directory {
        path: path(&format!("own-{number}")),
        security: security(&format!("O:SYG:SYD:P(A;;FA;;;SY)(A;;FA;;;{private})")),
        reason: "test".into(),
    }];
    if has(1) {
        let security = security("O:SYG:SYD:PAI(A;;FA;;;SY)(A;;FR;;;BU)");
        made.guards =
            vec![Guard { path: path("a"), expect: ID, directory: false, security, reason: "test".into() }];
    }
    for (bit, name, lifetime) in
        [(2, "a", Lifetime::Session), (3, "b", Lifetime::Kept), (4, "c", Lifetime::Session)]
    {
        let deny = |sid| Ace::deny(sid, AccessMask::FILE_WRITE_DATA);
        let entries =
            vec![Ace::allow(sid("common"), AccessMask::GENERIC_READ), deny(sid("common")), deny(private)];
        let (directory, propagates, reason) = (true, true, "test".into());
        made.grants.extend(has(bit).then(|| Grant {
            path: path(name),
            expect: ID,
            directory,
            entries,
            propagates,
            lifetime,
            reason,
        }));
    }
    let names = [
        taken("closed", NodeKind::Directory, Removal::OnClose),
        taken("file", NodeKind::File, Removal::AtEnd),
        taken("way", NodeKind::Directory, Removal::AtEndIfEmpty),
    ];
    made.reservations =
        names.into_iter().zip(5..8).filter(|(_, bit)| has(*bit)).map(|(taken, _)| taken).collect();
    made
}

/// All that a session relies on is there, whatever is left of the other one's entries.
fn stands(world: &World, plans: &[Preparation; 2], session: usize) -> bool {
    let preparation = &plans[session - 1];
    let grants = plans.iter().flat_map(|plan| &plan.grants);
    let held: Vec<Ace> = grants.flat_map(|grant| grant.entries.clone()).collect();
    let guarded = preparation.guards.iter().all(|guard| {
        restored(&world.objects[&guard.path], &guard.security, &guard.security, &held) == Restored::Nothing
    });
    guarded
        && preparation.profile.iter().all(|profile| world.profiles.contains(&profile.name))
        && preparation.directories.iter().all(|made| world.objects.contains_key(&made.path))
        && preparation.reservations.iter().all(|taken| world.objects.contains_key(&taken.path))
        && preparation
            .grants
            .iter()
            .all(|grant| granted(&dacl(&world.objects[&grant.path]), &grant.entries).is_none())
}

/// Two sessions of one policy. The second begins, and then one of them ends, each stopped after `left` steps: it is killed there.
/// Whether there were so few steps.
fn story(
    common: u8,
    ends: usize,
    is_killed_at_the_start: bool,
    mut left: usize,
    torn: Torn,
) -> Result<bool, TestCaseError> {
    let (mut world, mut store) = (initial(), Store::default());
    let plans = [preparation(1, common), preparation(2, common)];
    let other = |session: usize| 3 - session;
    prop_assert!(start(&plans[0], 1, &mut world, &mut store, &mut never(), torn));
    let (left, mut unlimited) = (&mut left, NEVER);
    let began = start(
        &plans[1],
        2,
        &mut world,
        &mut store,
        if is_killed_at_the_start { left } else { &mut unlimited },
        torn,
    );
    let (dead, whole) =
        if began { (ends, end(ends, &mut world, &mut store, left, torn)) } else { (2, false) };
    // Its handles went with it, and the other one goes on.
    close(&mut world, dead);
    prop_assert!(stands(&world, &plans, other(dead)), "{dead} was stopped, {torn:?}");
    // The next start mends what it left, and what is cleaned away is nothing that a living one uses.
    prop_assert!(end(dead, &mut world, &mut store, &mut never(), torn));
    prop_assert!(clean(&mut world, &mut store, &mut never(), torn));
    prop_assert!(stands(&world, &plans, other(dead)), "{dead} was mended, {torn:?}");
    prop_assert!(end(other(dead), &mut world, &mut store, &mut never(), torn));
    recover(&mut world, &mut store);
    prop_assert_eq!(world, initial());
    Ok(whole)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn one_of_two_ends_or_dies_at_any_step_and_the_other_has_all_it_needs(common: u8, ends in 1_usize..3, early: bool) {
        for torn in [Torn::Absent, Torn::Cut, Torn::Zeros] {
            let mut left = 0;
            while !story(common, ends, early, left, torn)? {
                left += 1;
                prop_assert!(left < 1000);
            }
        }
    }

    #[test]
    fn a_preparation_that_lacks_something_of_anothers_is_not_let_in(common: u8, lacks in 0_u8..8) {
        let record = |preparation: &Preparation| {
            Record::of(preparation, |path| initial().objects.get(path).cloned(), &[]).unwrap()
        };
        let theirs = record(&preparation(1, common));
        prop_assert_eq!(holds_all_of(&preparation(2, common), &theirs), Ok(()));
        let less = common & !(1 << lacks);
        prop_assert_eq!(holds_all_of(&preparation(2, less), &theirs).is_ok(), less == common);
        prop_assert_eq!(holds_all_of(&preparation(2, common), &record(&preparation(1, less))), Ok(()));
    }
}

/// The machine as it is while a session has what it prepared, so far as facts speak of it.
fn while_it_stands(facts: &HostFacts, preparation: &Preparation) -> HostFacts {
    let machine = Machine::prepared(facts, preparation);
    let mut after = facts.clone();
    for (path, fact) in &mut after.paths {
        let reserved = preparation.reservations.iter().position(|taken| taken.path == *path);
        if let (PathFact::Absent, Some(at)) = (&fact, reserved) {
            let taken = &preparation.reservations[at];
            let kind = if taken.kind == NodeKind::Directory { NodeKind::Directory } else { NodeKind::File };
            *fact = PathFact::Present(Object {
                kind,
                final_path: path.clone(),
                final_kind: kind,
                reparse: None,
                id: FileId { volume: 1, file: (1, at as u64) },
                links: 1,
                security: Security::Read(taken.security.clone()),
            });
        } else if let PathFact::Present(object) = fact
            && let Security::Read(security) = &mut object.security
            && let Shield::Descriptor(found) = machine.shield(&object.final_path)
        {
            *security = found;
        }
    }
    after
}

/// The same when it has ended: what is kept has stayed.
fn afterwards(facts: &HostFacts, preparation: &Preparation) -> HostFacts {
    let kept = preparation.grants.iter().filter(|grant| grant.lifetime == Lifetime::Kept).cloned().collect();
    while_it_stands(facts, &Preparation { grants: kept, ..Preparation::default() })
}

/// A session of its own on the machine: it has another private directory.
fn plan(sketch: &Sketch, facts: &HostFacts, tier: Tier, session: u8) -> Plan {
    let mut facts = facts.clone();
    let private = facts.context.tmp.parent().unwrap().join(format!("garth-{session}").as_bytes()).unwrap();
    facts.paths.insert(private.clone(), PathFact::Absent);
    facts.context.tmp = private;
    let policy = Policy::builtin(garth_policy::Profile::Workspace, &facts.context);
    let command: Command = sketch.command(&["cmd"]);
    lower(&policy, &policy.files.boundaries(), &facts, &command, Some(tier), Report::All).unwrap()
}

fn recorded(facts: &HostFacts, plan: &Plan) -> Record {
    let before = |path: &garth_policy::AbsPath| {
        facts.object(path).and_then(|object| object.security.descriptor().cloned())
    };
    Record::of(&plan.preparation, before, &[]).unwrap()
}

#[test]
fn on_every_machine_the_second_plan_is_the_first_one_again() {
    for sketch in &MACHINES {
        for tier in [Tier::Container, Tier::Restricted] {
            let policy = sketch.policy(garth_policy::Profile::Workspace);
            let fresh = sketch.facts(&sketch.host(), &[policy], &[sketch.command(&["cmd"])]);
            let used = afterwards(&fresh, &plan(sketch, &fresh, tier, 0).preparation);
            for facts in [fresh, used] {
                let first = plan(sketch, &facts, tier, 1);
                let record = recorded(&facts, &first);
                let mut seen = while_it_stands(&facts, &first.preparation);
                without(&mut seen, core::slice::from_ref(&record)).unwrap();
                let second = plan(sketch, &seen, tier, 2);
                let held = holds_all_of(&second.preparation, &record);
                assert_eq!(held, Ok(()), "{}, {tier:?}", sketch.name);
                assert_eq!(
                    holds_all_of(&first.preparation, &recorded(&seen, &second)),
                    Ok(()),
                    "{}",
                    sketch.name
                );
                assert_eq!(first.preparation.pins.len(), second.preparation.pins.len(), "{}", sketch.name);
            }
        }
    }
}

#[test]
fn what_somebody_puts_on_the_way_to_a_placeholder_keeps_others_out() {
    let sketch = &MACHINES[0];
    let policy = sketch.policy(garth_policy::Profile::Workspace);
    let mut facts = sketch.facts(&sketch.host(), &[policy], &[sketch.command(&["cmd"])]);
    let editor = facts.context.workspace.join(b".github").unwrap();
    facts
        .paths
        .iter_mut()
        .filter(|(path, _)| path.starts_with(&editor))
        .for_each(|(_, fact)| *fact = PathFact::Absent);
    let first = plan(sketch, &facts, Tier::Container, 1);
    let record = recorded(&facts, &first);
    let way = first.preparation.reservations.iter().find(|taken| taken.removal == Removal::AtEndIfEmpty);
    let way = way.unwrap_or_else(|| panic!("no directory is made for a placeholder"));
    let mut seen = while_it_stands(&facts, &first.preparation);
    let stranger = way.path.join(b".env").unwrap();
    seen.paths.insert(stranger.clone(), seen.paths[&facts.context.workspace].clone());
    assert_eq!(without(&mut seen, core::slice::from_ref(&record)), Err(stranger));
    assert!(record.changes.iter().any(|change| matches!(change, Change::Reservation(_))));
}
