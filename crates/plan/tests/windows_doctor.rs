//! What `garth doctor` would say on six recorded machines, and on worse ones.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends at what it did not expect")]

mod windows_machines;

use garth_plan::assurance::gate;
use garth_plan::windows::doctor::{Diagnosis, Finding, State, diagnose};
use garth_plan::windows::facts::{CodeIntegrity, Feature, HostFacts, Object, PathFact, Security, VolumeKind};
use garth_plan::windows::journal::{Change, granted};
use garth_plan::windows::setup::{Recorded, Wishes, plan, record};
use garth_plan::windows::spec::{Identity, Tier};
use garth_plan::windows::{Listed, derive, gaps, lower};
use garth_policy::{Policy, Profile};
use windows_machines::path;

fn machine(name: &str) -> HostFacts {
    let file = format!("{}/tests/facts/windows-{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
}

fn told(facts: &HostFacts) -> Diagnosis {
    diagnose(&Policy::builtin(Profile::Workspace, &facts.context), facts)
}

fn of<'d>(diagnosis: &'d Diagnosis, name: &str) -> &'d Finding {
    diagnosis.findings.iter().find(|finding| finding.name.starts_with(name)).unwrap()
}

#[test]
fn six_machines() {
    for name in ["home", "pro-domain", "german", "cjk", "onedrive", "dev-drive"] {
        let told = told(&machine(name));
        assert_eq!(told.tier, Some(Tier::Container), "{name}: {:?}", of(&told, "tier container"));
        assert_eq!(of(&told, "tier restricted").status, State::Limited);
        assert_eq!(of(&told, "tier account").status, State::Missing);
        assert_eq!(of(&told, "workspace").status, State::Works);
        for program in ["cmd", "git", "node", "npm", "cargo", "powershell"] {
            let found = of(&told, &format!("{program} ("));
            assert_eq!(found.status, State::Works, "{name}: {found:?}");
        }
        // What does not work says what helps; a program that is not there needs no help.
        for finding in told.findings.iter().filter(|finding| finding.status != State::Works) {
            let absent = finding.found == "in no directory of PATH";
            assert!(absent || !finding.hints.is_empty(), "{name}: {finding:?}");
        }
    }
}

#[test]
fn what_differs_between_machines_is_told() {
    let home = told(&machine("home"));
    let store = of(&home, "pwsh");
    assert!(store.status == State::Limited && store.found.contains("Store"), "{store:?}");
    assert!(store.hints[0].contains("MSI package"));
    assert!(of(&home, "tier vm").found.contains("not part of this edition"));
    // A plan of it can be made and looked at; a run refuses, and so does the doctor.
    let dev_drive = told(&machine("dev-drive"));
    let sandbox = of(&dev_drive, "tier vm");
    assert_eq!(sandbox.status, State::Missing);
    assert!(sandbox.found.contains("cannot start Windows Sandbox"), "{}", sandbox.found);
    let domain = told(&machine("pro-domain"));
    assert!(of(&domain, "AppLocker").found.contains("Exe, Script"));
    assert!(of(&domain, "PowerShell's").hints[0].contains("group policy"));
    assert!(of(&told(&machine("dev-drive")), "workspace").found.contains("Dev Drive"));
    assert_eq!(of(&home, "long paths").status, State::Limited);
}

#[test]
fn what_is_not_prepared_is_told_with_the_command() {
    let commands = [
        ("home", r"garth-setup apply --elevate --profile C:\Users\ada"),
        ("german", r#"garth-setup apply --elevate --profile "C:\Users\Jürgen Groß" --drive D:\"#),
        ("cjk", r"garth-setup apply --elevate --profile C:\Users\山田太郎"),
        ("dev-drive", r"garth-setup apply --elevate --profile C:\Users\lin --drive D:\"),
    ];
    for (name, command) in commands {
        let mut facts = machine(name);
        let told_of = told(&facts);
        let found = of(&told_of, "preparation");
        assert!(found.status == State::Limited && found.hints[0].ends_with(command), "{name}: {found:?}");
        for code in ["system-drive", "profiles", "profile ", "profile-data"] {
            assert!(found.found.contains(&format!("setup.{code}")), "{name}: {found:?}");
        }
        assert!(
            found.found.contains("setup.null-device") && found.hints[1].contains("anew"),
            "{name}: {found:?}"
        );
        prepare(&mut facts);
        let told_of = told(&facts);
        assert_eq!(
            of(&told_of, "preparation").status,
            State::Works,
            "{name}: {:?}",
            of(&told_of, "preparation")
        );
        assert_eq!(told_of.tier, Some(Tier::Container), "{name}");
    }
}

/// As `garth-setup` leaves a machine.
fn prepare(facts: &mut HostFacts) {
    let device = "O:BAG:SYD:(A;;0x12019f;;;WD)(A;;0x12019f;;;AC)(A;;0x12019f;;;S-1-15-2-2)";
    facts.prepared.null_device = Some(Security::Read(device.parse().unwrap()));
    for change in record(&plan(Recorded::of(facts), &Wishes::of(facts))).changes {
        let Change::Grant(grant) = change else { panic!("{change:?}") };
        let Some(PathFact::Present(Object { security: Security::Read(descriptor), .. })) =
            facts.paths.get_mut(&grant.path)
        else {
            panic!("{}", grant.path)
        };
        descriptor.dacl = Listed::Present(granted(descriptor.dacl.acl().unwrap(), &grant.entries).unwrap());
    }
}

#[test]
fn an_exempt_package_reaches_the_loopback_and_that_has_to_be_accepted() {
    let mut facts = machine("home");
    let package = |facts: &HostFacts| {
        let policy = Policy::builtin(Profile::Workspace, &facts.context);
        let mut command = garth_plan::facts::Command {
            arguments: vec![b"cmd".to_vec()],
            directory: facts.context.workspace.clone(),
            logical_directory: None,
            environment: Vec::new(),
            terminal: None,
            layers: Vec::new(),
            kept: Vec::new(),
            observe: false,
        };
        let path = facts.environment.iter().find(|(name, _)| name.eq_ignore_ascii_case("path")).unwrap();
        command.environment = vec![(path.0.clone().into_bytes(), path.1.clone().into_bytes())];
        let report = garth_plan::linux::Report::Gaps;
        lower(&policy, &policy.files.boundaries(), facts, &command, None, report).unwrap()
    };
    let plan = package(&facts);
    assert!(plan.launch.canary.as_ref().unwrap().unconnected);
    let Identity::Container(recipe) = plan.launch.identity else { panic!() };
    facts.prepared.loopback = Some(vec![derive::package("somebody.else")]);
    assert!(package(&facts).launch.canary.unwrap().unconnected, "another package's exemption is not ours");
    facts.prepared.loopback = Some(vec![recipe.package]);
    let plan = package(&facts);
    // Else the canary would find that a server of the machine can be reached.
    assert!(!plan.launch.canary.unwrap().unconnected);
    assert!(!plan.accepted.iter().any(|gap| gap == gaps::LOOPBACK));
    let refused = gate(&plan.assurance, &plan.accepted).unwrap_err();
    assert!(refused.iter().any(|row| row.status.gap() == Some(gaps::LOOPBACK)));
    assert!(of(&told(&facts), "tier container").found.contains(gaps::LOOPBACK));
}

#[test]
fn worse_machines() {
    let mut facts = machine("home");
    facts.system.refused.insert(Feature::AppContainer, "no such function".into());
    let without = told(&facts);
    assert_eq!(without.tier, None);
    let container = of(&without, "tier container");
    assert!(
        container.status == State::Missing && container.found.contains("no such function"),
        "{container:?}"
    );
    assert_eq!(of(&without, "git (").status, State::Works, "judged by the tier that is left");

    let mut facts = machine("home");
    facts.volumes[0].acls = false;
    assert_eq!(told(&facts).tier, None);
    assert!(of(&told(&facts), "workspace").hints[0].contains("NTFS"));
    facts.volumes[0].kind = VolumeKind::Remote;
    assert!(of(&told(&facts), "workspace").hints[0].contains("disk of this machine"));

    let mut facts = machine("home");
    let survey = facts.survey.as_mut().unwrap();
    survey.case_sensitive = Some(true);
    survey.code_integrity = Some(CodeIntegrity::Enforced);
    survey.execution_policies.clear();
    survey.app_paths.insert("python.exe".into(), path("C:\\Python\\python.exe"));
    facts.user.elevated = true;
    let worse = told(&facts);
    for name in ["file names", "App Control", "PowerShell's", "python (", "user"] {
        let found = of(&worse, name);
        assert!(found.status == State::Limited && !found.hints.is_empty(), "{found:?}");
    }
    assert!(of(&worse, "python (").hints[0].contains("C:\\Python\\python.exe"));
    facts.tools.remove("java");
    assert!(of(&told(&facts), "java (").found.contains("not looked for"));
    facts.survey = None;
    assert!(told(&facts).findings.iter().all(|finding| finding.name != "AppLocker"), "nothing is made up");
}
