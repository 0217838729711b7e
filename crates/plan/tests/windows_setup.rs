//! What an administrator prepares once: on six machines, against the access check, and stopped at every place.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends at what it did not expect")]

mod windows_world;

use garth_plan::facts::Command;
use garth_plan::linux::Report;
use garth_plan::windows::facts::{
    FileId, HostFacts, Object, PathFact, Prepared, Reparse, Security, VolumeKind,
};
use garth_plan::windows::journal::{Action, Change, Record, granted};
use garth_plan::windows::machine::Machine;
use garth_plan::windows::setup::{
    ATTRIBUTES, Code, Lasts, NULL_DEVICE, Recorded, State, Step, Wishes, plan, questions, record,
};
use garth_plan::windows::{
    AccessMask, AppContainer, Group, Listed, ObjectKind, SecurityDescriptor, Sid, Token, derive, known,
    lower, reachable,
};
use garth_policy::{AbsPath, NodeKind, Policy, Profile};
use std::collections::{BTreeMap, BTreeSet};
use windows_world::{Store, Torn, World, all, clean, dacl, end, never, recover, security};

const NAMES: [&str; 6] = ["home", "pro-domain", "german", "cjk", "onedrive", "dev-drive"];

/// The null device where packages get nothing.
const NULL: &str = "O:BAG:SYD:(A;;0x12019f;;;WD)(A;;FA;;;SY)(A;;FA;;;BA)(A;;0x1200a9;;;RC)";

fn machine(name: &str) -> HostFacts {
    let file = format!("{}/tests/facts/windows-{name}.json", env!("CARGO_MANIFEST_DIR"));
    let mut facts: HostFacts = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    facts.prepared =
        Prepared { null_device: Some(Security::Read(security(NULL))), loopback: Some(Vec::new()) };
    facts
}

fn path(text: &str) -> AbsPath {
    AbsPath::windows(text).unwrap()
}

fn steps(facts: &HostFacts) -> Vec<Step> {
    plan(Recorded::of(facts), &Wishes::of(facts))
}

fn step(steps: &[Step], code: Code) -> &Step {
    steps.iter().find(|step| step.code == code).unwrap()
}

fn list_of<'f>(facts: &'f mut HostFacts, at: &AbsPath) -> &'f mut Listed {
    let Some(PathFact::Present(Object { security: Security::Read(descriptor), .. })) =
        facts.paths.get_mut(at)
    else {
        panic!("nothing is known of {at}")
    };
    &mut descriptor.dacl
}

/// The machine after the missing steps, as the host carries them out.
fn prepared(facts: &HostFacts) -> HostFacts {
    let mut after = facts.clone();
    for change in record(&steps(facts)).changes {
        match change {
            Change::Grant(grant) => {
                let list = list_of(&mut after, &grant.path);
                *list = Listed::Present(granted(list.acl().unwrap(), &grant.entries).unwrap());
            }
            Change::NullDevice(entries) => {
                let Some(Security::Read(device)) = &mut after.prepared.null_device else {
                    panic!("no device")
                };
                device.dacl = Listed::Present(granted(device.dacl.acl().unwrap(), &entries).unwrap());
            }
            Change::Loopback(package) => after.prepared.loopback.as_mut().unwrap().push(package),
            other => panic!("not on the closed list: {other:?}"),
        }
    }
    after
}

fn narrower(facts: &HostFacts) -> Vec<AbsPath> {
    let bytes = |text: &String| text.clone().into_bytes();
    let command = Command {
        arguments: vec![b"cmd".to_vec()],
        directory: facts.context.workspace.clone(),
        logical_directory: None,
        environment: facts.environment.iter().map(|(name, value)| (bytes(name), bytes(value))).collect(),
        terminal: None,
        layers: Vec::new(),
        kept: Vec::new(),
        observe: false,
    };
    let policy = Policy::builtin(Profile::Workspace, &facts.context);
    let plan = lower(&policy, &policy.files.boundaries(), facts, &command, None, Report::Gaps).unwrap();
    let ours = plan.narrower.into_iter().filter(|entry| entry.reason.contains("garth-setup"));
    ours.map(|entry| entry.path).collect()
}

#[test]
fn what_is_prepared_is_no_gap_any_more() {
    for name in NAMES {
        let facts = machine(name);
        let found = steps(&facts);
        let directories = questions(&facts.directories, &Wishes::of(&facts));
        assert!(found.iter().all(|step| step.state == State::Missing), "{name}: {found:?}");
        let gaps = narrower(&facts);
        assert!(gaps.contains(&path("C:\\")), "{name}: {gaps:?}");
        // Nothing that the plan sends the user to the program for is a thing that the program would not do.
        assert!(gaps.iter().all(|gap| directories.contains(gap)), "{name}: {gaps:?}");
        let after = prepared(&facts);
        assert!(steps(&after).iter().all(|step| step.state == State::Prepared), "{name}");
        assert_eq!(record(&steps(&after)), Record::default(), "{name}: there is nothing left to do");
        assert_eq!(narrower(&after), Vec::<AbsPath>::new(), "{name}");
    }
}

#[test]
fn the_entries_are_what_they_are_said_to_be() {
    let facts = machine("home");
    let found = steps(&facts);
    let root = step(&found, Code::SystemDrive);
    assert_eq!(root.entries.as_deref(), Some("D:(A;;0x100080;;;AC)(A;;0x100080;;;S-1-15-2-2)"));
    assert_eq!((root.object.as_str(), root.lasts), ("C:\\", Lasts::UntilUndone));
    let device = step(&found, Code::NullDevice);
    assert_eq!(device.entries.as_deref(), Some("D:(A;;0x12019f;;;AC)(A;;0x12019f;;;S-1-15-2-2)"));
    assert_eq!(device.lasts, Lasts::UntilRestart);
    let codes: Vec<&str> = found.iter().map(|step| step.code.name()).collect();
    let data = "setup.profile-data";
    assert_eq!(
        codes,
        ["setup.system-drive", "setup.profiles", "setup.profile", data, data, "setup.null-device"]
    );
    let drives: Vec<String> =
        steps(&machine("dev-drive")).into_iter().map(|step| step.object).take(2).collect();
    assert_eq!(drives, ["C:\\", "D:\\"]);
    let json = serde_json::to_value(root).unwrap();
    assert_eq!(
        (json["code"].as_str(), json["state"].as_str()),
        (Some("setup.system-drive"), Some("missing"))
    );
    let names: BTreeSet<&str> = Code::ALL.iter().map(|code| code.name()).collect();
    assert_eq!(names.len(), Code::ALL.len());
}

/// Tokens of people, and of what they start in a container.
fn tokens(facts: &HostFacts) -> (Vec<Token>, Vec<Token>) {
    let user = facts.user.token.clone();
    let other = Token::ordinary("S-1-5-21-1-2-3-1002".parse().unwrap());
    let mut administrator = user.clone();
    administrator.groups.retain(|group| group.sid != known::ADMINISTRATORS);
    administrator.groups.push(Group::enabled(known::ADMINISTRATORS));
    let package = derive::package("garth.test");
    let mut packages = Vec::new();
    for token in [&user, &other, &administrator] {
        let capabilities = vec![derive::capability("garthReadTest")];
        packages.push(token.in_app_container(package, &["internetClient"]));
        let app_container = Some(AppContainer { package, capabilities, less_privileged: true });
        packages.push(Token { app_container, ..token.in_app_container(package, &[]) });
    }
    (vec![user, other, administrator], packages)
}

/// Everything recorded, and names below that nobody looked at.
fn places(facts: &HostFacts) -> BTreeSet<AbsPath> {
    let below = |path: &AbsPath| path.join(b"not-recorded").unwrap();
    let objects = facts.paths.iter().filter(|(_, fact)| fact.object().is_some()).map(|(path, _)| path);
    objects.flat_map(|path| [path.clone(), below(path), below(&below(path))]).collect()
}

#[test]
fn nothing_but_attributes_opens_and_for_people_nothing_changes() {
    for name in NAMES {
        let facts = machine(name);
        let directories = questions(&facts.directories, &Wishes::of(&facts));
        let (before, after) = (Machine::new(&facts), Machine::new(&prepared(&facts)));
        let (people, packages) = tokens(&facts);
        let mut opened = BTreeSet::new();
        for path in places(&facts) {
            for token in &people {
                assert_eq!(before.rights(token, &path), after.rights(token, &path), "{name}: {path}");
            }
            for token in &packages {
                let (was, is) = (before.rights(token, &path).unwrap(), after.rights(token, &path).unwrap());
                assert!(is.contains(was), "{name}: {path} {was:?} {is:?}");
                let more = is.without(was);
                assert!(ATTRIBUTES.contains(more), "{name}: {path} opened {more:?}");
                if !more.is_empty() {
                    opened.insert(path.clone());
                }
            }
        }
        assert_eq!(opened, directories, "{name}");
    }
}

#[test]
fn the_null_device_opens_for_packages_alone() {
    let facts = machine("home");
    let after = prepared(&facts);
    let device = |facts: &HostFacts| facts.prepared.null_device.clone().unwrap();
    let (was, is) = (device(&facts), device(&after));
    let (was, is) = (was.descriptor().unwrap(), is.descriptor().unwrap());
    let rights =
        |token: &Token, of: &SecurityDescriptor| reachable(token, of, ObjectKind::File, false).unwrap();
    let (people, packages) = tokens(&facts);
    for token in people {
        assert_eq!(rights(&token, was), rights(&token, is));
    }
    for token in packages {
        assert_eq!(rights(&token, was), AccessMask::NONE);
        assert_eq!(rights(&token, is), NULL_DEVICE);
    }
}

#[test]
fn what_is_not_as_expected_is_left_alone() {
    type Damage = fn(&mut HostFacts);
    fn put(facts: &mut HostFacts, at: &str, change: impl Fn(&mut Object)) {
        let Some(PathFact::Present(object)) = facts.paths.get_mut(&path(at)) else { panic!("{at}") };
        change(object);
    }
    fn entry(facts: &mut HostFacts, text: &str) {
        let list = list_of(facts, &path("C:\\"));
        let more = dacl(&security(text)).aces;
        *list = Listed::Present(granted(list.acl().unwrap(), &more).unwrap());
    }
    let table: [(Damage, Code, &str, &str); 11] = [
        (|facts| entry(facts, "D:(A;OICI;0x1200a9;;;AC)"), Code::SystemDrive, "differs", "more there than"),
        (|facts| entry(facts, "D:(A;;0x100081;;;S-1-15-2-2)"), Code::SystemDrive, "differs", "icacls"),
        (|facts| entry(facts, "D:(A;CIIO;0x100080;;;AC)"), Code::SystemDrive, "differs", "more there than"),
        (|facts| *list_of(facts, &path("C:\\")) = Listed::Null, Code::SystemDrive, "differs", "NULL"),
        (|facts| facts.volumes[0].acls = false, Code::Profiles, "differs", "no permissions"),
        (|facts| facts.volumes[0].kind = VolumeKind::Remote, Code::Profiles, "differs", "no disk"),
        (
            |facts| put(facts, r"C:\Users\ada", |object| object.reparse = Some(Reparse::MountPoint)),
            Code::Profile,
            "differs",
            "a link",
        ),
        (
            |facts| put(facts, r"C:\Users\ada", |object| object.kind = NodeKind::File),
            Code::Profile,
            "differs",
            "a file",
        ),
        (
            |facts| {
                facts.paths.insert(path(r"C:\Users\ada"), PathFact::Refused);
            },
            Code::Profile,
            "unknown",
            "refuses",
        ),
        (
            |facts| {
                facts.paths.remove(&path(r"C:\Users"));
            },
            Code::Profiles,
            "unknown",
            "not looked at",
        ),
        (|facts| facts.prepared.null_device = None, Code::NullDevice, "unknown", "not looked at"),
    ];
    for (damage, code, name, why) in table {
        let mut facts = machine("home");
        damage(&mut facts);
        let found = steps(&facts);
        let step = step(&found, code);
        assert_eq!((step.state.name(), &step.change), (name, &None), "{step:?}");
        assert!(step.state.detail().unwrap().contains(why), "{step:?}");
    }
}

#[test]
fn only_what_is_missing_is_written_and_so_only_that_is_undone() {
    let mut facts = machine("home");
    let list = list_of(&mut facts, &path("C:\\"));
    let more = dacl(&security("D:(A;;0x100080;;;AC)")).aces;
    *list = Listed::Present(granted(list.acl().unwrap(), &more).unwrap());
    let found = steps(&facts);
    let Some(Change::Grant(grant)) = &step(&found, Code::SystemDrive).change else { panic!() };
    let sids: Vec<Sid> = grant.entries.iter().map(|entry| entry.sid).collect();
    assert_eq!(sids, [known::ALL_RESTRICTED_APPLICATION_PACKAGES]);
}

#[test]
fn what_is_not_on_the_list_is_refused() {
    let directories = machine("home").directories;
    let package = derive::package("garth.test");
    let good = Wishes {
        profiles: vec![path(r"C:\Users\ada"), path(r"C:\Users\山田太郎")],
        drives: vec![path("D:\\")],
        packages: vec![package],
    };
    good.check(&directories).unwrap();
    assert_eq!(
        good.command().unwrap(),
        format!(
            r"garth-setup apply --elevate --profile C:\Users\ada --profile C:\Users\山田太郎 --drive D:\ --loopback {package}"
        )
    );
    for profile in [r"C:\Windows", r"C:\Users", r"C:\Users\ada\.ssh", r"\\server\Users\ada"] {
        let wishes = Wishes { profiles: vec![path(profile)], ..Wishes::default() };
        assert_eq!(wishes.check(&directories).unwrap_err().what, profile);
    }
    for drive in [r"D:\work", r"\\server\share"] {
        let wishes = Wishes { drives: vec![path(drive)], ..Wishes::default() };
        assert!(wishes.check(&directories).unwrap_err().to_string().contains("not the root"), "{drive}");
    }
    // An exemption of these would be one of every package.
    for sid in ["S-1-15-2-1", "S-1-15-2-2", "S-1-15-2", "S-1-1-0", "S-1-15-3-1", "S-1-15-2-1-2-3-4-5-6-7-8"] {
        let wishes = Wishes { packages: vec![sid.parse().unwrap()], ..Wishes::default() };
        assert!(wishes.check(&directories).unwrap_err().hint.contains("seven"), "{sid}");
    }
}

fn world(facts: &HostFacts) -> World {
    let directories = questions(&facts.directories, &Wishes::of(facts));
    let descriptor = |path: &AbsPath| facts.object(path).unwrap().security.descriptor().unwrap().clone();
    World {
        objects: directories.into_iter().map(|path| (path.clone(), descriptor(&path))).collect(),
        profiles: BTreeSet::new(),
        open: BTreeMap::new(),
        null_device: dacl(&security(NULL)),
        exempt: BTreeSet::from([derive::package("somebody.else")]),
    }
}

/// Two administrators' calls: the second with a loopback exemption more.
fn records(facts: &HostFacts) -> [Record; 2] {
    let first = steps(facts);
    let wishes = Wishes { packages: vec![derive::package("garth.test")], ..Wishes::of(facts) };
    [record(&first), record(&plan(Recorded::of(&prepared(facts)), &wishes))]
}

/// Makes what stays; the change with this number fails. False after a crash.
fn make(
    wanted: &Record,
    fails: Option<usize>,
    world: &mut World,
    store: &mut Store,
    left: &mut usize,
    torn: Torn,
) -> bool {
    let (kept, sessions) = (store.kept(), store.others(1));
    let forward = wanted.forward(&kept, &sessions);
    let is_change = |action: &Action| matches!(action, Action::Apply(..));
    let first = forward.iter().position(is_change).unwrap_or(forward.len());
    let done = fails.map_or(forward.len(), |fails| (first + fails).min(forward.len()));
    if !all(&forward[..done], 1, world, store, left, torn) {
        return false;
    }
    if done < forward.len() {
        return all(&wanted.retracted(&kept, &sessions), 1, world, store, left, torn);
    }
    end(1, world, store, left, torn)
}

#[test]
fn a_crash_leaves_what_was_or_what_can_be_undone() {
    for name in NAMES {
        let facts = machine(name);
        let [one, two] = records(&facts);
        assert!(!one.is_empty() && two.changes.len() == 1, "{name}");
        let whole = |left: &mut usize, torn| {
            let (mut world, mut store) = (world(&facts), Store::default());
            let whole = make(&one, None, &mut world, &mut store, left, torn)
                && make(&two, None, &mut world, &mut store, left, torn)
                && clean(&mut world, &mut store, left, torn);
            (world, store, whole)
        };
        let (after, store, done) = whole(&mut never(), Torn::Absent);
        assert!(done && store.sessions.is_empty() && after == world(&facts), "{name}");
        for torn in [Torn::Absent, Torn::Cut, Torn::Zeros] {
            for left in 0.. {
                let (mut crashed, mut store, done) = whole(&mut { left }, torn);
                if done {
                    assert!(left > 10, "there are more places than that");
                    break;
                }
                recover(&mut crashed, &mut store);
                assert_eq!(crashed, world(&facts), "{name}: crashed at {left} ({torn:?})");
            }
        }
    }
}

#[test]
fn a_step_that_fails_takes_the_others_back() {
    let facts = machine("home");
    let [one, two] = records(&facts);
    for fails in 0..one.changes.len() {
        let (mut changed, mut store) = (world(&facts), Store::default());
        assert!(make(&one, Some(fails), &mut changed, &mut store, &mut never(), Torn::Absent));
        assert_eq!(changed, world(&facts), "step {fails}");
        assert!(store.kept().is_empty() && store.sessions.is_empty());
        for left in 0.. {
            let (mut changed, mut store) = (world(&facts), Store::default());
            if make(&one, Some(fails), &mut changed, &mut store, &mut { left }, Torn::Cut) {
                break;
            }
            recover(&mut changed, &mut store);
            assert_eq!(changed, world(&facts), "step {fails}, crashed at {left}");
        }
    }
    // What an earlier call made stays.
    let (mut changed, mut store) = (world(&facts), Store::default());
    assert!(make(&one, None, &mut changed, &mut store, &mut never(), Torn::Absent));
    let (before, kept) = (changed.clone(), store.kept());
    assert!(make(&two, Some(0), &mut changed, &mut store, &mut never(), Torn::Absent));
    assert_eq!((&changed, store.kept()), (&before, kept));
    assert_ne!(changed, world(&facts));
}

#[test]
fn after_a_restart_the_device_is_prepared_again_and_undone_once() {
    let facts = machine("home");
    let [one, _] = records(&facts);
    let (mut changed, mut store) = (world(&facts), Store::default());
    assert!(make(&one, None, &mut changed, &mut store, &mut never(), Torn::Absent));
    let with = changed.null_device.clone();
    changed.null_device = dacl(&security(NULL));
    let device: Vec<Change> =
        one.changes.iter().filter(|change| matches!(change, Change::NullDevice(_))).cloned().collect();
    assert!(make(&Record { changes: device }, None, &mut changed, &mut store, &mut never(), Torn::Absent));
    assert_eq!(changed.null_device, with);
    recover(&mut changed, &mut store);
    assert_eq!(changed, world(&facts));
}

#[test]
fn an_object_that_changed_identity_is_another() {
    let facts = machine("home");
    let found = steps(&facts);
    let ids: BTreeMap<&str, FileId> = found
        .iter()
        .filter_map(|step| match &step.change {
            Some(Change::Grant(grant)) => Some((step.object.as_str(), grant.expect)),
            _ => None,
        })
        .collect();
    for (at, id) in ids {
        assert_eq!(facts.object(&path(at)).unwrap().id, id);
    }
}
