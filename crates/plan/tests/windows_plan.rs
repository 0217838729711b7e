//! Plans for six recorded machines: their snapshots, and what the model says of them against what the policy says.
//! `GARTH_BLESS=1 cargo test -p garth-plan --test windows_plan` writes the machines and the snapshots anew.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends at what it did not expect")]

mod windows_machines;

use garth_plan::facts::Command;
use garth_plan::linux::Report;
use garth_plan::windows::facts::HostFacts;
use garth_plan::windows::lower;
use garth_plan::windows::spec::{Plan, Tier};
use garth_policy::{Policy, Profile};
use std::path::PathBuf;
use windows_machines::{MACHINES, Sketch};

const PROFILES: [Profile; 6] =
    [Profile::Strict, Profile::ReadOnly, Profile::Workspace, Profile::Build, Profile::Browser, Profile::Open];
const PROGRAMS: [&str; 5] = ["git", "npm", "cargo", "pwsh", "cmd"];

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests").join(name)
}

fn blessing() -> bool {
    std::env::var_os("GARTH_BLESS").is_some()
}

fn made(machine: &Sketch) -> HostFacts {
    let policies: Vec<Policy> = PROFILES.iter().map(|profile| machine.policy(*profile)).collect();
    let commands: Vec<Command> = PROGRAMS.iter().map(|name| machine.command(&[name])).collect();
    machine.facts(&machine.host(), &policies, &commands)
}

fn planned(policy: &Policy, facts: &HostFacts, command: &Command, tier: Tier) -> Plan {
    lower(policy, &policy.files.boundaries(), facts, command, Some(tier), Report::All)
        .unwrap_or_else(|error| panic!("{}, {tier:?}: {error}", facts.system.name))
}

#[test]
fn the_machines_are_as_recorded() {
    for machine in &MACHINES {
        let name = file(&format!("facts/{}.json", machine.name));
        let facts = made(machine);
        let text = serde_json::to_string_pretty(&facts).unwrap() + "\n";
        if blessing() {
            std::fs::write(&name, &text).unwrap();
        }
        let recorded: HostFacts = serde_json::from_str(&std::fs::read_to_string(&name).unwrap()).unwrap();
        assert!(recorded == facts, "{} is other than recorded", machine.name);
    }
}

#[test]
fn try_all() {
    for machine in &MACHINES {
        let facts = made(machine);
        for profile in PROFILES {
            let policy = machine.policy(profile);
            let plan = planned(&policy, &facts, &machine.command(&["git", "status"]), Tier::Container);
            println!(
                "{} {} grants {} guards {} res {} pins {} narrower {}",
                machine.name,
                profile.name(),
                plan.preparation.grants.len(),
                plan.preparation.guards.len(),
                plan.preparation.reservations.len(),
                plan.preparation.pins.len(),
                plan.narrower.len()
            );
            for row in &plan.assurance.rows {
                if row.status.gap().is_some_and(|g| !plan.accepted.iter().any(|a| a == g)) {
                    println!("   {} {} {}", row.clause, row.status.word(), row.status.detail());
                }
            }
            for g in &plan.preparation.grants {
                println!(
                    "   G {} {:?} {}",
                    g.path,
                    g.entries.iter().map(|a| a.to_string()).collect::<Vec<_>>(),
                    g.reason
                );
            }
            for g in &plan.preparation.guards {
                println!("   U {} {} {}", g.path, g.security, g.reason);
            }
            for g in &plan.narrower {
                println!("   N {} {}", g.path, g.reason);
            }
        }
    }
}
