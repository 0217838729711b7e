//! What an administrator prepares once on a machine, so that more works in a container: a closed list.
//!
//! Nothing here is needed for a sandbox to hold. It lets programs inside look at the directories on the way to what they
//! were granted, open the null device, and, where a Windows refuses it, reach the relay. [`plan`] judges each step by what
//! was recorded of the machine; `garth-setup` carries out what is missing, and the journal takes exactly that back.
//!
//! Each entry is for packages alone, so for every other token the machine stays as it was. On a directory it gives the
//! attributes and nothing else, and nothing inherits it; `tests/windows_setup.rs` holds this against the access check.

mod state;
mod step;
mod wishes;

pub use state::{State, covered};
pub use step::{Code, Lasts, Step};
pub use wishes::{BadWish, Wishes};

use super::acl::{Ace, Acl};
use super::descriptor::{Control, Listed, SecurityDescriptor};
use super::facts::{Directories, HostFacts, PathFact, Prepared, Volume};
use super::journal::{Change, Record};
use super::known;
use super::rights::AccessMask;
use super::sid::Sid;
use super::spec::{Grant, Lifetime};
use garth_policy::AbsPath;
use std::collections::{BTreeMap, BTreeSet};

/// Who gets the entries: every AppContainer, and every less privileged one.
pub const PACKAGES: [Sid; 2] = [known::ALL_APPLICATION_PACKAGES, known::ALL_RESTRICTED_APPLICATION_PACKAGES];

/// Looking at the attributes of a directory (`FILE_READ_ATTRIBUTES`, `SYNCHRONIZE`): neither its names nor its descriptor.
pub const ATTRIBUTES: AccessMask = AccessMask(0x0010_0080);

/// Reading and writing the null device (`FILE_GENERIC_READ`, `FILE_GENERIC_WRITE`): it holds nothing and keeps nothing.
pub const NULL_DEVICE: AccessMask = AccessMask(0x0012_019f);

/// The program that carries the steps out.
pub const PROGRAM: &str = "garth-setup";

/// What was recorded of a machine, as far as it matters here.
#[derive(Clone, Copy, Debug)]
pub struct Recorded<'f> {
    /// Directories of the system and of the user.
    pub directories: &'f Directories,
    /// Objects that were looked at; see [`questions`].
    pub paths: &'f BTreeMap<AbsPath, PathFact>,
    /// Volumes that they lie on.
    pub volumes: &'f [Volume],
    /// What is no object of a file system.
    pub prepared: &'f Prepared,
}

impl<'f> Recorded<'f> {
    /// What the facts of a plan say of it.
    #[must_use]
    pub fn of(facts: &'f HostFacts) -> Self {
        Self {
            directories: &facts.directories,
            paths: &facts.paths,
            volumes: &facts.volumes,
            prepared: &facts.prepared,
        }
    }

    fn volume(&self, path: &AbsPath) -> Option<&'f Volume> {
        let holding = self.volumes.iter().filter(|volume| path.starts_with(&volume.root));
        holding.max_by_key(|volume| (volume.root.depth(), volume.root.as_bytes().len()))
    }
}

/// The directories that are to be looked at for these wishes.
#[must_use]
pub fn questions(directories: &Directories, wishes: &Wishes) -> BTreeSet<AbsPath> {
    places(directories, wishes).into_iter().map(|(_, path)| path).collect()
}

/// Which directory each step is about, in the order in which they are prepared; no directory twice.
fn places(directories: &Directories, wishes: &Wishes) -> Vec<(Code, AbsPath)> {
    let mut places: Vec<(Code, AbsPath)> = Vec::new();
    let mut add = |code, path: AbsPath| {
        if !places.iter().any(|(_, known)| *known == path) {
            places.push((code, path));
        }
    };
    add(Code::SystemDrive, drive_of(&directories.windows));
    wishes.drives.iter().for_each(|drive| add(Code::Drive, drive.clone()));
    add(Code::Profiles, directories.profiles.clone());
    for profile in &wishes.profiles {
        add(Code::Profile, profile.clone());
        data_of(profile, directories).into_iter().for_each(|path| add(Code::ProfileData, path));
    }
    places
}

/// The directories below a profile down to where all programs keep their data. For another user's they have the names that
/// Windows gives; where somebody keeps them elsewhere there are none, and a step finds nothing.
fn data_of(profile: &AbsPath, directories: &Directories) -> Vec<AbsPath> {
    let own = directories.local_app_data.strip_prefix(profile).filter(|_| *profile == directories.profile);
    let below = match own {
        Some(below) => profile.join(below),
        None if *profile == directories.profile => return Vec::new(),
        None => profile.join(br"AppData\Local"),
    };
    let mut found = Vec::new();
    let mut at = below.ok();
    while let Some(path) = at.filter(|path| path != profile) {
        at = path.parent();
        found.push(path);
    }
    found.reverse();
    found
}

/// The root above a path.
fn drive_of(path: &AbsPath) -> AbsPath {
    let mut at = path.clone();
    while let Some(parent) = at.parent() {
        at = parent;
    }
    at
}

/// Every step for these wishes, each with its state on the machine. Deterministic; nothing is changed by it.
#[must_use]
pub fn plan(recorded: Recorded<'_>, wishes: &Wishes) -> Vec<Step> {
    let mut steps: Vec<Step> = places(recorded.directories, wishes)
        .into_iter()
        .map(|(code, path)| directory(recorded, code, &path))
        .collect();
    steps.push(null_device(recorded.prepared));
    steps.extend(wishes.packages.iter().map(|package| loopback(recorded.prepared, *package)));
    steps
}

fn entries(mask: AccessMask) -> Vec<Ace> {
    PACKAGES.iter().map(|sid| Ace::allow(*sid, mask)).collect()
}

fn directory(recorded: Recorded<'_>, code: Code, path: &AbsPath) -> Step {
    let (state, missing) = state::of_directory(recorded, path);
    let object = recorded.paths.get(path).and_then(PathFact::object);
    let grant = object.map(|object| Grant {
        path: path.clone(),
        expect: object.id,
        directory: true,
        entries: missing,
        propagates: false,
        lifetime: Lifetime::Kept,
        reason: code.reason().to_owned(),
    });
    let change = grant.filter(|_| state == State::Missing).map(Change::Grant);
    Step::new(code, path.to_string(), Some(sddl(&entries(ATTRIBUTES))), state, change)
}

fn null_device(prepared: &Prepared) -> Step {
    let (state, missing) = state::of_null_device(prepared.null_device.as_ref());
    let change = (state == State::Missing).then_some(Change::NullDevice(missing));
    Step::new(Code::NullDevice, r"\\.\NUL".into(), Some(sddl(&entries(NULL_DEVICE))), state, change)
}

fn loopback(prepared: &Prepared, package: Sid) -> Step {
    let state = match &prepared.loopback {
        None => State::Unknown("this Windows does not say which packages are exempt".into()),
        Some(exempt) if exempt.contains(&package) => State::Prepared,
        Some(_) => State::Missing,
    };
    let change = (state == State::Missing).then_some(Change::Loopback(package));
    Step::new(Code::Loopback, package.to_string(), None, state, change)
}

/// Entries as SDDL, the text that other tools print.
fn sddl(entries: &[Ace]) -> String {
    let descriptor = SecurityDescriptor {
        control: Control(0),
        owner: None,
        group: None,
        dacl: Listed::Present(Acl::new(entries.to_vec())),
        sacl: Listed::Absent,
    };
    descriptor.to_string()
}

/// Whether a change is one that a step makes. The journal of `garth-setup` holds no other, so that whoever undoes it as an
/// administrator takes away nothing else.
#[must_use]
pub fn is_ours(change: &Change) -> bool {
    let within = |list: &[Ace], mask| list.iter().all(|ace| entries(mask).contains(ace));
    match change {
        Change::Grant(grant) => !grant.propagates && within(&grant.entries, ATTRIBUTES),
        Change::NullDevice(list) => within(list, NULL_DEVICE),
        Change::Loopback(package) => wishes::is_one_package(package),
        Change::Profile(_) | Change::Directory(_) | Change::Guard { .. } | Change::Reservation(_) => false,
    }
}

/// What is to be written down before the missing steps are carried out, in their order.
#[must_use]
pub fn record(steps: &[Step]) -> Record {
    Record { changes: steps.iter().filter_map(|step| step.change.clone()).collect() }
}
