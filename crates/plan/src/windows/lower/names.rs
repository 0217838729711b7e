//! Names below writable directories that stay as they are: those that exist, those that do not yet, and those of git.
//!
//! A descriptor speaks of an object, not of a name that somebody may make later. So a name that is not there is taken by
//! an empty object while the sandbox stands; and the directories on the way to it are held open, because moving one of
//! them away would take the name from under its guard.

use super::super::descriptor::SecurityDescriptor;
use super::super::facts::{HostFacts, Object, PathFact};
use super::super::machine::{Machine, Possible};
use super::super::rights::AccessMask;
use super::super::spec::{Narrower, Pin, Preparation, Removal, Reservation};
use super::super::token::Token;
use super::place::Untouchable;
use crate::assurance::Status;
use garth_policy::{AbsPath, Access, FileOp, NodeKind, Policy, Verdict};
use std::collections::BTreeMap;

/// What has been decided about files so far.
#[derive(Debug)]
pub(super) struct Files {
    /// What is done to the machine.
    pub preparation: Preparation,
    /// The machine with that done.
    pub machine: Machine,
    /// How the rule at each path is held.
    pub held: BTreeMap<AbsPath, Status>,
    /// What does not work though it is allowed.
    pub narrower: Vec<Narrower>,
    /// Directories and files with entries of garth's own.
    pub granted: Vec<AbsPath>,
    /// Something denied lies in a directory that is seen.
    pub names_show: bool,
    /// Directories of the system that no rule names and the target reads.
    pub shown: Vec<AbsPath>,
}

impl Files {
    pub fn new(facts: &HostFacts) -> Self {
        Self {
            preparation: Preparation::default(),
            machine: Machine::new(facts),
            held: BTreeMap::new(),
            narrower: Vec::new(),
            granted: Vec::new(),
            names_show: false,
            shown: Vec::new(),
        }
    }

    /// Tells that something does not work at a path and below.
    pub fn narrow(&mut self, path: &AbsPath, reason: impl Into<String>) {
        self.narrower.push(Narrower { path: path.clone(), whole: true, reason: reason.into() });
    }
}

impl Files {
    /// A rule for a name that is taken.
    pub fn taken(&mut self, path: &AbsPath, access: Access) -> Status {
        const MECHANISM: &str = "its name is taken by an empty directory while the sandbox stands";
        if access == Access::Overlay {
            self.narrow(path, "there is no layer for writes");
            return overlay(MECHANISM);
        }
        Status::enforced(MECHANISM)
    }

    /// A grant of something that is not there, in a directory in which the target makes nothing.
    pub fn nothing_there(&mut self, path: &AbsPath, access: Access) -> Status {
        self.narrow(path, "it is not there, and nothing is granted in the directory that would hold it");
        if access == Access::Overlay { overlay("absent") } else { Status::enforced("absent") }
    }
}

/// An overlay, of which reading is held.
pub(super) fn overlay(mechanism: &str) -> Status {
    Status::Partial {
        mechanism: mechanism.into(),
        gap: super::gaps::OVERLAY.into(),
        missing: "nothing can be written to it; tools that take a directory for their cache get an empty one"
            .into(),
    }
}

/// What a sealed object still gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Want {
    /// Nothing.
    Nothing,
    /// Reading.
    Read,
    /// Reading and running.
    ReadExecute,
}

/// How a tier takes rights away.
pub(super) trait Seal {
    fn files(&mut self) -> &mut Files;
    fn facts(&self) -> &HostFacts;
    fn token(&self) -> &Token;
    /// Leaves no more than `want` on an object that exists.
    fn seal(&mut self, path: &AbsPath, object: &Object, want: Want, reason: &str) -> Result<(), Untouchable>;
    /// The descriptor of a placeholder that gives the target this, and nothing more.
    fn placeholder(&self, kind: NodeKind, want: Want) -> SecurityDescriptor;
    /// The descriptor of a directory that is made only to hold placeholders: the target works in it and keeps it.
    fn passage(&self, parent: &AbsPath) -> Option<SecurityDescriptor>;
}

/// The nearest directory above that exists, and the missing ones between, outermost first.
pub(super) fn nearest(machine: &Machine, path: &AbsPath) -> (Option<AbsPath>, Vec<AbsPath>) {
    let mut missing = Vec::new();
    let mut at = path.parent();
    while let Some(above) = at {
        if machine.exists(&above) {
            missing.reverse();
            return (Some(above), missing);
        }
        at = above.parent();
        missing.push(above);
    }
    (None, missing)
}

/// Whether the target can make the name, or a directory on the way to it.
pub(super) fn exposed(machine: &Machine, token: &Token, path: &AbsPath) -> bool {
    let (Some(above), _) = nearest(machine, path) else { return true };
    let adds = AccessMask::FILE_WRITE_DATA | AccessMask::FILE_APPEND_DATA;
    machine.rights_of_directory(token, &machine.resolved(&above)).is_none_or(|rights| rights.intersects(adds))
}

/// Takes a name that does not exist.
pub(super) fn reserve<S: Seal>(tier: &mut S, path: &AbsPath, kind: NodeKind, want: Want, reason: &str) {
    reserve_with(tier, path, kind, want, "", reason);
}

/// The same, with what the file holds.
fn reserve_with<S: Seal>(
    tier: &mut S,
    path: &AbsPath,
    kind: NodeKind,
    want: Want,
    content: &str,
    reason: &str,
) {
    let (above, missing) = nearest(&tier.files().machine, path);
    if above.is_none() {
        return;
    }
    for directory in &missing {
        let Some(security) = directory.parent().and_then(|parent| tier.passage(&parent)) else { return };
        let reservation = Reservation {
            path: directory.clone(),
            kind: NodeKind::Directory,
            security,
            removal: Removal::AtEndIfEmpty,
            content: String::new(),
            reason: format!("holds `{}`, which is taken", shown(path)),
        };
        add(tier.files(), reservation);
        pin(tier.files(), directory, None, "a guarded name lies below");
    }
    // A program that reads a file opens it without sharing deletion, so a handle that deletes on close would lock it
    // out; directories are opened otherwise.
    let removal = if kind == NodeKind::Directory { Removal::OnClose } else { Removal::AtEnd };
    let security = tier.placeholder(kind, want);
    let (path_taken, content, why) = (path.clone(), content.to_owned(), reason.to_owned());
    add(tier.files(), Reservation { path: path_taken, kind, security, removal, content, reason: why });
    if removal == Removal::AtEnd {
        pin(tier.files(), path, None, reason);
    }
    pin_above(tier, path);
}

fn add(files: &mut Files, reservation: Reservation) {
    files.machine.reserve(&reservation);
    files.preparation.reservations.push(reservation);
}

fn shown(path: &AbsPath) -> String {
    path.file_name().map(|name| String::from_utf8_lossy(name).into_owned()).unwrap_or_default()
}

/// Holds an object.
pub(super) fn pin(files: &mut Files, path: &AbsPath, object: Option<&Object>, reason: &str) {
    if files.preparation.pins.iter().any(|pin| pin.path == *path) {
        return;
    }
    let expect = object.filter(|object| object.final_path == *path).map(|object| object.id);
    let pin = Pin { path: path.clone(), expect, reason: reason.to_owned() };
    files.machine.pin(&pin);
    files.preparation.pins.push(pin);
}

/// Holds the directories above a guarded name, up to the one that is granted for writing.
pub(super) fn pin_above<S: Seal>(tier: &mut S, path: &AbsPath) {
    let roots = tier.files().granted.clone();
    let Some(root) = roots.iter().filter(|root| path.starts_with(root)).max_by_key(|root| root.depth())
    else {
        return;
    };
    let mut at = path.parent();
    while let Some(above) = at.filter(|above| above.starts_with(root)) {
        let object = tier.facts().object(&above).cloned();
        if object.is_some() {
            pin(tier.files(), &above, object.as_ref(), "a guarded name lies below");
        }
        at = above.parent();
    }
}

/// Something in a git directory that git on the host runs or follows.
#[derive(Debug)]
pub(in super::super) struct GitPart {
    /// Name below the git directory.
    pub name: &'static str,
    /// What it is, and so what takes its place while it is absent.
    pub kind: NodeKind,
    /// What a placeholder holds with which git works as without it.
    pub content: &'static str,
    /// A name below a directory that the policy refuses; a directory is sealed for it as a whole.
    pub inner: &'static str,
    /// What it would do on the host.
    pub reason: &'static str,
}

const fn file(name: &'static str, content: &'static str, reason: &'static str) -> GitPart {
    GitPart { name, kind: NodeKind::File, content, inner: "", reason }
}

const fn directory(name: &'static str, inner: &'static str, reason: &'static str) -> GitPart {
    GitPart { name, kind: NodeKind::Directory, content: "", inner, reason }
}

/// The parts. Source: gitrepository-layout(5). A `commondir` that says `.` names the directory that it stands in: git 2
/// on Linux was tried with it, and with the empty files and directories; on Windows nothing was.
static GIT_PARTS: [GitPart; 9] = [
    directory("hooks", "x", "git on the host runs what is in it"),
    file("info/attributes", "", "it chooses programs that git on the host runs"),
    file("config", "", "its keys name programs that git on the host runs"),
    file("config.worktree", "", "its keys name programs that git on the host runs"),
    file("commondir", ".\n", "it points git on the host at another configuration"),
    directory("remotes", "x", "it says where git on the host fetches from"),
    directory("branches", "x", "it says where git on the host fetches from"),
    directory("modules", "x/hooks/x", "git on the host runs the hooks and configuration of submodules in it"),
    directory(
        "worktrees",
        "x/config.worktree",
        "git on the host follows the configuration of worktrees in it",
    ),
];

/// What does not work because a part is read-only.
const READ_ONLY: [(&str, &str); 3] = [
    ("config", "git's configuration is read-only: a change cannot be checked by content here"),
    ("modules", "submodules are read-only: what git runs of them cannot be told apart here"),
    ("worktrees", "linked worktrees are read-only: what git follows of them cannot be told apart here"),
];

/// The parts of every git directory.
pub(in super::super) fn git_parts() -> impl Iterator<Item = &'static GitPart> {
    GIT_PARTS.iter()
}

/// Guards the git directories of the policy.
pub(super) fn hold_git<S: Seal>(tier: &mut S, policy: &Policy) {
    for workspace in policy.files.guarded() {
        let Ok(git) = workspace.join(b".git") else { continue };
        if policy.files.decide(&git, FileOp::Delete).verdict != Verdict::Allow {
            hold_entry(tier, policy, &git);
        }
    }
    for git_dir in policy.files.git_dirs() {
        hold_parts(tier, policy, git_dir);
    }
}

/// `.git` of a workspace itself.
fn hold_entry<S: Seal>(tier: &mut S, policy: &Policy, git: &AbsPath) {
    match tier.facts().paths.get(git).cloned() {
        Some(PathFact::Present(object)) if object.kind == NodeKind::Directory => {
            pin(tier.files(), git, Some(&object), "the workspace's repository stays where it is");
            pin_above(tier, git);
            hold_parts(tier, policy, git);
        }
        Some(PathFact::Present(object)) => {
            let reason = "it points git at the repository";
            hold_present(tier, git, &object, Want::ReadExecute, reason);
        }
        Some(PathFact::Absent) => {
            let token = tier.token().clone();
            if exposed(&tier.files().machine, &token, git) {
                let reason = "git on the host would run what a repository made here says";
                reserve(tier, git, NodeKind::Directory, Want::ReadExecute, reason);
                tier.files()
                    .narrow(git, "no repository can be made here inside; run `git init` outside first");
            }
        }
        _ => {}
    }
}

fn hold_parts<S: Seal>(tier: &mut S, policy: &Policy, git_dir: &AbsPath) {
    for part in git_parts() {
        let Ok(path) = git_dir.join(part.name.as_bytes()) else { continue };
        let inner = match part.kind {
            NodeKind::Directory => path.join(part.inner.as_bytes()).unwrap_or_else(|_| path.clone()),
            _ => path.clone(),
        };
        let opened = policy.files.decide(&inner, FileOp::Write).verdict == Verdict::Allow
            || policy.files.grant(&path).access == Access::Deny;
        if opened {
            continue;
        }
        match tier.facts().paths.get(&path).cloned() {
            Some(PathFact::Present(object)) => {
                hold_present(tier, &path, &object, Want::ReadExecute, part.reason);
            }
            Some(PathFact::Absent) => {
                let token = tier.token().clone();
                if exposed(&tier.files().machine, &token, &path) {
                    reserve_with(tier, &path, part.kind, Want::ReadExecute, part.content, part.reason);
                }
            }
            _ => continue,
        }
        if let Some((_, why)) = READ_ONLY.iter().find(|(name, _)| *name == part.name) {
            tier.files().narrow(&path, *why);
        }
    }
}

/// Seals an object that the target could change, and holds it and what is above.
fn hold_present<S: Seal>(tier: &mut S, path: &AbsPath, object: &Object, want: Want, reason: &str) {
    let token = tier.token().clone();
    let writable = tier.files().machine.can(&token, path, FileOp::Write) != Possible::No
        || tier.files().machine.can(&token, path, FileOp::Delete) != Possible::No;
    if !writable {
        return;
    }
    // What cannot be sealed shows in the row about git.
    if let Err(trouble) = tier.seal(path, object, want, reason) {
        let status = Status::Unenforceable {
            gap: super::gaps::GIT_UNSEALED.into(),
            reason: trouble.reason,
            hint: trouble.hint,
        };
        tier.files().held.insert(path.clone(), status);
        return;
    }
    pin(tier.files(), path, Some(object), reason);
    pin_above(tier, path);
}
