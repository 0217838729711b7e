//! Plans for six recorded machines: their snapshots, and what the model says of them against what the policy says.
//! `GARTH_BLESS=1 cargo test -p garth-plan --test windows_plan` writes the machines and the snapshots anew.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends at what it did not expect")]

mod windows_machines;

use garth_plan::assurance::gate;
use garth_plan::facts::Command;
use garth_plan::linux::Report;
use garth_plan::windows::doctor::PROGRAMS;
use garth_plan::windows::facts::{Feature, HostFacts};
use garth_plan::windows::spec::{Grant, Identity, Lifetime, Plan, Preparation, Reservation, Tier, Undo};
use garth_plan::windows::{gaps, lower};
use garth_policy::{AbsPath, Policy, Profile};
use std::fmt::Write as _;
use std::path::PathBuf;
use windows_machines::{MACHINES, Sketch, path};

const PROFILES: [Profile; 6] =
    [Profile::Strict, Profile::ReadOnly, Profile::Workspace, Profile::Build, Profile::Browser, Profile::Open];

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests").join(name)
}

fn blessing() -> bool {
    std::env::var_os("GARTH_BLESS").is_some()
}

fn made(machine: &Sketch) -> HostFacts {
    let policies: Vec<Policy> = PROFILES.iter().map(|profile| machine.policy(*profile)).collect();
    let commands: Vec<Command> = PROGRAMS.iter().map(|program| machine.command(&[program.name])).collect();
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

/// SIDs that a plan makes, by the names that it gives them.
fn named(plan: &Plan, facts: &HostFacts, text: &str) -> String {
    let mut names = vec![(facts.user.token.user.to_string(), "USER".to_owned())];
    match &plan.launch.identity {
        Identity::Container(recipe) => {
            names.push((recipe.package.to_string(), "PACKAGE".into()));
            names.extend(recipe.capabilities.iter().map(|found| (found.sid.to_string(), found.name.clone())));
        }
        Identity::Restricted(recipe) => {
            names.extend(recipe.reasons.iter().map(|found| (found.sid.to_string(), found.name.clone())));
        }
        Identity::Vm(_) => {}
    }
    names.iter().fold(text.to_owned(), |text, (sid, name)| text.replace(sid, name))
}

fn preparation(plan: &Plan) -> String {
    let mut out = String::new();
    let Preparation { directories, guards, grants, reservations, pins, .. } = &plan.preparation;
    for made in directories {
        writeln!(out, "  make {} {}", made.path, made.security).unwrap();
    }
    for guard in guards {
        writeln!(out, "  guard {} {}: {}", guard.path, guard.security, guard.reason).unwrap();
    }
    for grant in grants {
        let entries: String = grant.entries.iter().map(ToString::to_string).collect();
        let how = if grant.propagates { "inherited" } else { "alone" };
        let Grant { path, lifetime, reason, .. } = grant;
        writeln!(out, "  grant {path} {entries} {how} {lifetime:?}: {reason}").unwrap();
    }
    for taken in reservations {
        let Reservation { path, kind, removal, security, .. } = taken;
        writeln!(out, "  take {path} {kind:?} {removal:?} {security}").unwrap();
    }
    for pin in pins {
        writeln!(out, "  hold {}: {}", pin.path, pin.reason).unwrap();
    }
    out
}

fn undone(step: &Undo<'_>) -> String {
    match step {
        Undo::Unpin(pin) => format!("let go {}", pin.path),
        Undo::Release(taken) => format!("release {}", taken.path),
        Undo::Revoke(grant) => format!("revoke {}", grant.path),
        Undo::Restore(guard) => format!("restore {}", guard.path),
        Undo::RemoveDirectory(made) => format!("remove {}", made.path),
    }
}

fn show(plan: &Plan, facts: &HostFacts) -> String {
    let launch = &plan.launch;
    let mut out = format!("tier {}\n\npreparation\n{}", plan.tier.name(), preparation(plan));
    if let Identity::Vm(vm) = &launch.identity {
        writeln!(out, "\nconfiguration\n{}", vm.configuration).unwrap();
    } else {
        writeln!(out, "\nidentity {:?}", launch.identity).unwrap();
    }
    writeln!(out, "\nprogram {:?} batch {:?}", launch.program, launch.batch).unwrap();
    writeln!(out, "arguments {:?} in {}", launch.arguments, launch.directory).unwrap();
    writeln!(out, "job {:?}\ndesktop {:?}", launch.job, launch.desktop).unwrap();
    writeln!(out, "mitigations {:?}\nhandles {:?}", launch.mitigations, launch.handles).unwrap();
    writeln!(out, "relay {:?}\ncanary {:?}\n\nenvironment", launch.relay, launch.canary).unwrap();
    launch.environment.iter().for_each(|variable| writeln!(out, "  {variable}").unwrap());
    out.push_str("\nundone in this order\n");
    plan.preparation.undo().for_each(|step| writeln!(out, "  {}", undone(&step)).unwrap());
    out.push_str("\nnot fully enforced\n");
    for row in plan.assurance.rows.iter().filter(|row| row.status.gap().is_some()) {
        let gap = row.status.gap().unwrap();
        writeln!(out, "  {}: {} {} [{gap}]", row.clause, row.status.word(), row.status.detail()).unwrap();
    }
    out.push_str("\nnarrower than the policy\n");
    for entry in plan.narrower.iter().filter(|entry| !entry.reason.starts_with("it is not there")) {
        writeln!(out, "  {}: {}", entry.path, entry.reason).unwrap();
    }
    named(plan, facts, &out)
}

/// Which plans have a snapshot.
fn recorded(machine: &Sketch) -> Vec<(Tier, Profile)> {
    let mut plans = vec![(Tier::Container, Profile::Workspace)];
    if machine.name == "windows-home" {
        plans.extend(
            [Profile::Strict, Profile::ReadOnly, Profile::Open].map(|profile| (Tier::Container, profile)),
        );
        plans.push((Tier::Restricted, Profile::Workspace));
    }
    if machine.name == "windows-dev-drive" {
        plans.push((Tier::Vm, Profile::Workspace));
    }
    plans
}

#[test]
fn plans_are_as_recorded() {
    let mut wrong = Vec::new();
    for machine in &MACHINES {
        let facts = made(machine);
        for (tier, profile) in recorded(machine) {
            let plan = planned(&machine.policy(profile), &facts, &machine.command(&["npm", "test"]), tier);
            let name = format!("snapshots/{}-{}-{}.txt", machine.name, tier.name(), profile.name());
            let now = show(&plan, &facts);
            if blessing() {
                std::fs::write(file(&name), &now).unwrap();
            } else if std::fs::read_to_string(file(&name)).ok().as_deref() != Some(&now) {
                wrong.push(name);
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "other than recorded: {wrong:?}\nhint: look, then GARTH_BLESS=1 cargo test -p garth-plan"
    );
}

/// No entry on a drive root, a profile root or a directory of the system, in any plan of any machine.
#[test]
fn nothing_of_the_system_gets_an_entry() {
    for machine in &MACHINES {
        let facts = made(machine);
        let directories = &facts.directories;
        for profile in PROFILES {
            for tier in [Tier::Container, Tier::Restricted] {
                let plan = planned(&machine.policy(profile), &facts, &machine.command(&["git"]), tier);
                let grants = plan.preparation.grants.iter().map(|grant| &grant.path);
                let guards = plan.preparation.guards.iter().map(|guard| &guard.path);
                for path in grants.chain(guards) {
                    let system = path.starts_with(&directories.windows)
                        || directories.program_files.iter().any(|programs| path.starts_with(programs));
                    let whole = path.parent().is_none() || directories.profile.starts_with(path);
                    assert!(!system && !whole, "{}, {}: {path}", machine.name, profile.name());
                }
            }
        }
    }
}

#[test]
fn every_rule_has_a_row() {
    for machine in &MACHINES {
        let facts = made(machine);
        for profile in PROFILES {
            let policy = machine.policy(profile);
            let mut tiers = vec![Tier::Container, Tier::Restricted];
            tiers.extend((machine.name == "windows-dev-drive").then_some(Tier::Vm));
            for tier in tiers {
                let plan = planned(&policy, &facts, &machine.command(&["git"]), tier);
                for boundary in
                    policy.files.boundaries().iter().filter(|boundary| boundary.grant.rule.is_some())
                {
                    let clause = format!("{} = {}", boundary.path, boundary.grant.access.name());
                    let stands = plan.assurance.rows.iter().any(|row| row.clause == clause);
                    assert!(stands, "{clause} of {} in {tier:?}", profile.name());
                }
            }
        }
    }
}

/// Facts with another workspace, and the policy for it.
fn moved(machine: &Sketch, to: &str) -> (HostFacts, Policy, Command) {
    let facts = made(machine);
    let context = garth_policy::Context { workspace: path(to), ..facts.context.clone() };
    let policy = Policy::builtin(Profile::Workspace, &context);
    let mut facts =
        machine.facts(&machine.host(), std::slice::from_ref(&policy), &[machine.command(&["cmd"])]);
    facts.context = context;
    (facts, policy, machine.command(&["cmd"]))
}

/// What cannot be a workspace: one message that says why, and what helps.
#[test]
fn places_that_are_no_workspace() {
    let [home, domain, .., onedrive, _] = &MACHINES;
    let cases = [
        (home, "C:\\", "root of a drive", "--workspace"),
        (home, "C:\\Users\\ada", "a profile", "--workspace"),
        (home, "C:\\Users", "a profile", "--workspace"),
        (home, "C:\\Windows\\System32", "directory of the system", "--workspace"),
        (home, "C:\\Program Files\\Git", "directory of the system", "--workspace"),
        (home, "C:\\Users\\ada\\AppData\\Local", "programs keep their data", "--workspace"),
        (home, "E:\\stick", "keeps no permissions", "NTFS"),
        (home, "C:\\Users\\ada\\gone", "not there", "check the name"),
        (domain, "\\\\files\\team\\project", "on a share", "disk of this machine"),
        (domain, "C:\\ProgramData\\chocolatey", "may not change its permissions", "directory of your own"),
        (onedrive, "C:\\Users\\grace\\OneDrive - Contoso", "kept in step", "one project in it"),
    ];
    for (machine, workspace, why, hint) in cases {
        let (mut facts, policy, command) = moved(machine, workspace);
        if workspace.contains("stick") || workspace.contains("team") {
            let mut host = machine.host();
            host.add(&path(workspace), true);
            facts.paths =
                machine.facts(&host, std::slice::from_ref(&policy), std::slice::from_ref(&command)).paths;
        }
        for tier in [Tier::Container, Tier::Restricted] {
            let boundaries = policy.files.boundaries();
            let error = lower(&policy, &boundaries, &facts, &command, Some(tier), Report::All).unwrap_err();
            assert!(error.what.contains(workspace), "{error}");
            assert!(error.why.contains(why) && error.hint.contains(hint), "{workspace}: {error}");
        }
    }
}

fn machine_policy(facts: &HostFacts) -> Policy {
    Policy::builtin(Profile::Workspace, &facts.context)
}

#[test]
fn what_cannot_be_started_is_told_with_the_remedy() {
    let facts = made(&MACHINES[0]);
    let policy = MACHINES[0].policy(Profile::Workspace);
    let start = |words: &[&str], tier| {
        lower(
            &policy,
            &policy.files.boundaries(),
            &facts,
            &MACHINES[0].command(words),
            Some(tier),
            Report::Gaps,
        )
    };
    let cases = [
        (vec!["pwsh", "-c", "1"], "Store", "MSI package"),
        (vec!["no-such-tool"], "not recorded", "garth doctor"),
        (vec!["C:\\Users\\ada\\.ssh\\x.exe"], "does not let", "--read"),
        (vec!["C:\\a.exe."], "ends in a dot", "full path"),
        (vec![], "nothing follows", "garth run"),
    ];
    for (words, why, hint) in cases {
        let error = start(&words, Tier::Container).unwrap_err();
        assert!(error.why.contains(why) && error.hint.contains(hint), "{words:?}: {error}");
    }
    let mut looked_for = facts.clone();
    looked_for.tools.insert("no-such-tool".into(), Vec::new());
    let policy_of = machine_policy(&looked_for);
    let command = MACHINES[0].command(&["no-such-tool"]);
    let boundaries = policy_of.files.boundaries();
    let error = lower(&policy_of, &boundaries, &looked_for, &command, None, Report::Gaps).unwrap_err();
    assert!(error.why.contains("no directory of PATH") && error.hint.contains("install it"), "{error}");
    assert!(start(&["cmd"], Tier::Account).unwrap_err().what.contains("not built yet"));
    assert!(start(&["cmd"], Tier::Vm).unwrap_err().hint.contains("--tier container"));
    let npm = start(&["npm", "test"], Tier::Container).unwrap().launch;
    assert!(
        npm.program.unwrap().to_string().ends_with("cmd.exe")
            && npm.batch.unwrap().to_string().ends_with("npm.cmd")
    );
    let search = npm.environment.iter().find(|variable| variable.starts_with("PATH=")).unwrap();
    assert!(!search.contains("WindowsApps") && !search.contains(";."), "{search}");
    assert!(!npm.environment.iter().any(|variable| variable.starts_with("NODE_OPTIONS")));
}

/// What Windows tells nobody of is a gap that is named, and that keeps nothing from running.
#[test]
fn refused_reads_that_are_to_be_told_are_a_named_gap() {
    let facts = made(&MACHINES[0]);
    let mut policy = MACHINES[0].policy(Profile::Strict);
    let row = |policy: &Policy, tier| {
        let plan = planned(policy, &facts, &MACHINES[0].command(&["cmd"]), tier);
        let found = plan.assurance.rows.iter().find(|row| row.clause.starts_with("audit.reads")).cloned();
        (found.and_then(|row| row.status.gap().map(str::to_owned)), plan.accepted)
    };
    assert_eq!(row(&policy, Tier::Container).0, None);
    policy.audit.reads.value = garth_policy::Reads::Told;
    for tier in [Tier::Container, Tier::Restricted] {
        let (gap, accepted) = row(&policy, tier);
        assert_eq!(gap.as_deref(), Some(gaps::READS_TOLD));
        assert!(accepted.iter().any(|gap| gap == gaps::READS_TOLD));
    }
}

/// A Windows that is too old for a terminal of its own gives the command pipes, and their handles.
#[test]
fn without_pseudoconsoles_there_are_pipes() {
    let policy = MACHINES[0].policy(Profile::Workspace);
    let size = garth_plan::linux::spec::TerminalSize { columns: 80, rows: 25 };
    let command = Command { terminal: Some(size), ..MACHINES[0].command(&["cmd"]) };
    let mut facts = made(&MACHINES[0]);
    let with = planned(&policy, &facts, &command, Tier::Container).launch;
    assert_eq!(with.terminal, Some(size));
    facts.system.refused.insert(Feature::PseudoConsole, "Windows 10 1809 brought it".into());
    let without = planned(&policy, &facts, &command, Tier::Container).launch;
    assert_eq!(without.terminal, None);
    let plain = planned(&policy, &facts, &MACHINES[0].command(&["cmd"]), Tier::Container).launch;
    assert_eq!(without, plain);
}

/// What Microsoft's page "Use and configure Windows Sandbox" names: elements that hold elements, and the values of the others.
const DOCUMENTED: [(&str, &[&str]); 16] = [
    ("Configuration", &[]),
    ("MappedFolders", &[]),
    ("MappedFolder", &[]),
    ("LogonCommand", &[]),
    ("VGpu", &["Enable", "Disable", "Default"]),
    ("Networking", &["Enable", "Disable", "Default"]),
    ("AudioInput", &["Enable", "Disable", "Default"]),
    ("VideoInput", &["Enable", "Disable", "Default"]),
    ("ProtectedClient", &["Enable", "Disable", "Default"]),
    ("PrinterRedirection", &["Enable", "Disable", "Default"]),
    ("ClipboardRedirection", &["Enable", "Disable", "Default"]),
    ("ReadOnly", &["true", "false"]),
    ("MemoryInMB", &["number"]),
    ("HostFolder", &["path"]),
    ("SandboxFolder", &["path"]),
    ("Command", &["text"]),
];

/// The elements of a file in the order in which they end, with their texts; panics where it is no XML of this simple kind.
fn elements(text: &str) -> Vec<(String, String)> {
    let (mut open, mut found, mut rest, mut inner) = (Vec::new(), Vec::new(), text, String::new());
    while let Some((before, after)) = rest.split_once('<') {
        let (tag, behind) = after.split_once('>').unwrap();
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "elements nest");
            found.push((name.to_owned(), core::mem::take(&mut inner) + before));
        } else {
            open.push(tag);
            assert!(before.trim().is_empty(), "no text beside elements: {before}");
        }
        rest = behind;
    }
    assert!(open.is_empty() && rest.trim().is_empty());
    let text = |text: &str| {
        let read =
            text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&");
        read.trim().to_owned()
    };
    found.into_iter().map(|(name, inner)| (name, text(&inner))).collect()
}

/// The file of a virtual machine holds what is documented and nothing else, and its command what was asked for.
#[test]
fn the_file_of_a_virtual_machine_is_as_documented() {
    let machine = MACHINES.iter().find(|machine| machine.name == "windows-dev-drive").unwrap();
    let facts = made(machine);
    let plan = planned(
        &machine.policy(Profile::Workspace),
        &facts,
        &machine.command(&["npm", "a&b", "c d"]),
        Tier::Vm,
    );
    let Identity::Vm(vm) = &plan.launch.identity else { panic!("another tier") };
    let found = elements(&vm.configuration);
    for (name, text) in &found {
        let values =
            DOCUMENTED.iter().find(|(known, _)| known == name).unwrap_or_else(|| panic!("<{name}>")).1;
        match values {
            [] => assert_eq!(text, "", "<{name}> holds elements alone"),
            ["number"] => assert!(text.parse::<u32>().unwrap() >= 2048, "less memory does not start"),
            ["path"] => assert!(AbsPath::windows(text).is_ok(), "{text} is absolute"),
            ["text"] => assert_eq!(text, &vm.logon),
            values => assert!(values.contains(&text.as_str()), "<{name}>{text}"),
        }
    }
    let value = |name: &str| &found.iter().find(|(known, _)| known == name).unwrap().1;
    assert_eq!(
        (value("Networking"), value("ProtectedClient")),
        (&"Disable".to_owned(), &"Enable".to_owned())
    );
    assert_eq!(
        (value("VGpu"), value("ClipboardRedirection")),
        (&"Disable".to_owned(), &"Disable".to_owned())
    );
    assert!(vm.logon.ends_with(r#" && cd /d C:\garth\9-engine && npm "a&b" "c d"""#), "{}", vm.logon);
    // Nothing of the host's places is told but where it is mapped, and a machine takes nothing else of ours.
    assert!(!vm.logon.contains(r"C:\Users") && !vm.logon.contains("D:"), "{}", vm.logon);
    let launch = &plan.launch;
    assert!(launch.handles.is_empty() && launch.mitigations.is_empty() && launch.job.ui.is_empty());
    let quoted = machine.command(&["npm", "say \"x\""]);
    let policy = machine.policy(Profile::Workspace);
    let refused = lower(&policy, &policy.files.boundaries(), &facts, &quoted, Some(Tier::Vm), Report::Gaps);
    assert!(refused.unwrap_err().hint.contains("script"));
}

/// A tree of 1,000,000 files asks and plans as one of 100.
#[test]
fn the_size_of_a_tree_does_not_matter() {
    let machine = &MACHINES[0];
    let source = path(&format!("{}\\src", machine.workspace));
    for profile in PROFILES {
        let policy = machine.policy(profile);
        let of = |files: usize| {
            let mut host = machine.host();
            host.plant(&source, files);
            let last = format!("{source}\\d{}\\f{}", (files - 1) % 100, files - 1);
            assert!(host.object(&path(&last)).is_some(), "{last} is not there");
            assert!(host.object(&path(&format!("{source}\\d{}\\f{files}", files % 100))).is_none());
            host.looked.set(0);
            let command = machine.command(&["git"]);
            let facts = machine.facts(&host, std::slice::from_ref(&policy), std::slice::from_ref(&command));
            let plan = planned(&policy, &facts, &command, Tier::Container);
            (host.looked.get(), facts, plan)
        };
        let (few, many) = (of(100), of(1_000_000));
        assert!(few.0 == many.0 && few.0 > 100, "{} and {} objects were opened", few.0, many.0);
        assert!(few.1 == many.1 && few.2 == many.2, "another plan");
        let changes = many.2.preparation.undo().count();
        assert!(changes < 200, "{changes} changes for {}", profile.name());
    }
}

/// An ordinary user gets a run of the default profile on each machine without accepting anything; `strict` says what is
/// not shown or not held.
#[test]
fn the_default_profile_passes_the_gate() {
    for machine in &MACHINES {
        let facts = made(machine);
        let refused = |profile| {
            let plan = planned(&machine.policy(profile), &facts, &machine.command(&["git"]), Tier::Container);
            let found = gate(&plan.assurance, &plan.accepted).err().unwrap_or_default();
            let mut gaps: Vec<String> =
                found.into_iter().filter_map(|row| row.status.gap().map(str::to_owned)).collect();
            gaps.sort();
            gaps.dedup();
            gaps
        };
        for profile in [Profile::Workspace, Profile::ReadOnly] {
            assert_eq!(refused(profile), Vec::<String>::new(), "{} in {}", profile.name(), machine.name);
        }
        let strict = refused(Profile::Strict);
        for gap in [gaps::GIT, gaps::RESOLVER, gaps::CONTAINER_DELEGATES] {
            assert!(strict.iter().any(|refused| refused == gap), "{gap}: {strict:?}");
        }
        // What a token of the same user leaves open is accepted by no profile.
        let plan = planned(
            &machine.policy(Profile::Workspace),
            &facts,
            &machine.command(&["git"]),
            Tier::Restricted,
        );
        let open = gate(&plan.assurance, &plan.accepted).unwrap_err();
        assert!(open.iter().any(|row| row.status.gap() == Some(gaps::DELEGATES)));
    }
}

/// What points git at another configuration, or at submodules and worktrees, cannot be made or changed inside.
#[test]
fn the_repository_stays_as_it_is() {
    for machine in &MACHINES {
        let facts = made(machine);
        let policy = machine.policy(Profile::Workspace);
        let plan = planned(&policy, &facts, &machine.command(&["git"]), Tier::Container);
        let git = path(&format!("{}\\.git", machine.workspace));
        let taken = |name: &str| {
            let taken = git.join(name.as_bytes()).unwrap();
            plan.preparation.reservations.iter().find(|found| found.path == taken).unwrap()
        };
        assert_eq!(taken("commondir").content, ".\n");
        assert_eq!(taken("config.worktree").content, "");
        for name in ["modules", "worktrees"] {
            assert_eq!(taken(name).kind, garth_policy::NodeKind::Directory);
            assert!(plan.narrower.iter().any(|entry| entry.path == git.join(name.as_bytes()).unwrap()));
        }
    }
}

#[test]
fn a_plan_survives_being_recorded() {
    let facts = made(&MACHINES[3]);
    let policy = MACHINES[3].policy(Profile::Workspace);
    let plan = planned(&policy, &facts, &MACHINES[3].command(&["git"]), Tier::Container);
    let text = serde_json::to_string(&plan).unwrap();
    assert!(serde_json::from_str::<Plan>(&text).unwrap() == plan);
    let undone = plan.preparation.undo().count();
    let kept = plan.preparation.grants.iter().filter(|grant| grant.lifetime == Lifetime::Kept).count();
    let Preparation { directories, guards, grants, reservations, pins, .. } = &plan.preparation;
    let all = directories.len() + guards.len() + grants.len() + reservations.len() + pins.len();
    assert_eq!(undone + kept, all);
}
