//! Landlock and supervision: what the target can change by itself, and what is done for it.

use super::links;
use super::spec::{FileId, Landlock, LandlockRule, Supervision};
use super::view::{Area, Source, View};
use crate::facts::HostFacts;
use garth_policy::{AbsPath, Access, Boundary, FileOp, NodeKind, Policy, Reads, Verdict};

/// `LANDLOCK_ACCESS_FS_*` (`linux/landlock.h`).
pub mod rights {
    /// Execute a file.
    pub const EXECUTE: u64 = 1;
    /// Open a file for writing.
    pub const WRITE_FILE: u64 = 1 << 1;
    /// Open a file for reading.
    pub const READ_FILE: u64 = 1 << 2;
    /// List a directory.
    pub const READ_DIR: u64 = 1 << 3;
    /// Remove an empty directory or rename one.
    pub const REMOVE_DIR: u64 = 1 << 4;
    /// Remove or rename a file.
    pub const REMOVE_FILE: u64 = 1 << 5;
    /// Make nodes of every kind: device, directory, file, socket, pipe, block device, link.
    pub const MAKE: u64 = 0b111_1111 << 6;
    /// Link or rename between directories (ABI 2).
    pub const REFER: u64 = 1 << 13;
    /// Truncate (ABI 3).
    pub const TRUNCATE: u64 = 1 << 14;
    /// Connect or send to a unix socket by its path, if its server is outside the domain (ABI 9).
    pub const RESOLVE_UNIX: u64 = 1 << 16;
    /// The ABI that knows it.
    pub const RESOLVE_UNIX_ABI: u32 = 9;
    /// `LANDLOCK_ACCESS_NET_BIND_TCP | LANDLOCK_ACCESS_NET_CONNECT_TCP` (ABI 4).
    pub const ALL_TCP: u64 = 0b11;
    /// `LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | LANDLOCK_SCOPE_SIGNAL` (ABI 6).
    pub const ALL_SCOPES: u64 = 0b11;
    /// Every change of a directory tree that needs a right of its own.
    pub const CHANGE: u64 = WRITE_FILE | REMOVE_DIR | REMOVE_FILE | MAKE | REFER;
}

/// Which parts of the view the target may change by itself and which are supervised.
#[derive(Debug)]
pub(super) struct Split {
    pub roots: Vec<AbsPath>,
    pub free: Vec<AbsPath>,
}

/// An area is free when nothing in it is guarded and no supervised tree lies below it: Landlock's rights
/// reach down through mounts.
pub(super) fn split(policy: &Policy, boundaries: &[Boundary<'_>], view: &View) -> Split {
    let mut split = Split { roots: Vec::new(), free: Vec::new() };
    let writable = |area: &&Area| matches!(area.access, Access::Write | Access::Overlay);
    for area in view.areas.iter().filter(writable) {
        if is_kernel_file_system(&area.path) || is_device(&area.path) {
            continue;
        }
        let supervised_below = view.areas.iter().any(|other| {
            other.path != area.path
                && other.path.starts_with(&area.path)
                && other.source == Source::Host
                && other.access == Access::Write
        });
        let guarded =
            area.source == Source::Host || supervised_below || guarded_names(policy, boundaries, area);
        if guarded { split.roots.push(area.path.clone()) } else { split.free.push(area.path.clone()) }
    }
    split
}

fn is_kernel_file_system(path: &AbsPath) -> bool {
    path.as_bytes() == b"/proc" || path.as_bytes() == b"/dev/pts"
}

fn is_device(path: &AbsPath) -> bool {
    path.as_bytes().starts_with(b"/dev/")
        && path.as_bytes() != b"/dev/shm"
        && path.as_bytes() != b"/dev/mqueue"
}

/// A name in a private area that the policy denies: it must not appear there either.
fn guarded_names(policy: &Policy, boundaries: &[Boundary<'_>], area: &Area) -> bool {
    if area.source == Source::Layer {
        return false;
    }
    let below = boundaries.iter().any(|boundary| {
        boundary.path != &area.path
            && boundary.path.starts_with(&area.path)
            && boundary.grant.access < Access::Overlay
    });
    below || policy.files.globs().any(|(_, rule)| rule.access < Access::Write)
}

/// The order for the supervisor; `None` when nothing is supervised.
pub(super) fn supervision(
    policy: &Policy,
    boundaries: &[Boundary<'_>],
    facts: &HostFacts,
    view: &View,
    split: &Split,
    has_view: bool,
    deletes: bool,
) -> Option<Supervision> {
    if split.roots.is_empty() {
        return None;
    }
    let git = policy.files.guarded().iter().filter_map(|root| root.join(b".git").ok());
    let known = git.chain(policy.files.git_dirs().iter().cloned());
    let linked = links::linked(boundaries, facts);
    let by_name = reads_supervised(policy, boundaries, view);
    Some(Supervision {
        roots: split.roots.clone(),
        free: split.free.clone(),
        has_view,
        reads: by_name || !linked.is_empty(),
        linked,
        deletes: deletes || by_name,
        connects: false,
        commands: !policy.commands.rules.is_empty(),
        processes: policy.audit.processes.value,
        changes: false,
        trace: policy.audit.reads.value == Reads::Trace,
        observe: false,
        plain_modes: facts.user.uid == 0,
        quiet: policy.files.private().to_vec(),
        passing: passing(view),
        known_repositories: known.filter(|path| facts.object(path).is_some()).collect(),
    })
}

/// The order of a supervisor that carries out no changes.
pub(super) fn no_changes(policy: &Policy, split: &Split, linked: Vec<FileId>) -> Supervision {
    Supervision {
        roots: Vec::new(),
        free: split.free.clone(),
        has_view: true,
        reads: !linked.is_empty(),
        linked,
        deletes: false,
        connects: false,
        commands: !policy.commands.rules.is_empty(),
        processes: policy.audit.processes.value,
        changes: false,
        trace: policy.audit.reads.value == Reads::Trace,
        observe: false,
        plain_modes: false,
        quiet: policy.files.private().to_vec(),
        passing: Vec::new(),
        known_repositories: Vec::new(),
    }
}

/// A workspace in a layer is another matter: that layer is kept.
fn passing(view: &View) -> Vec<AbsPath> {
    let ends = |area: &&Area| area.source == Source::Layer && area.access == Access::Overlay;
    view.areas.iter().filter(ends).map(|area| area.path.clone()).collect()
}

/// Whether the kernel itself keeps the target from unix sockets of servers outside.
pub(super) fn resolves(facts: &HostFacts) -> bool {
    facts.features.landlock >= rights::RESOLVE_UNIX_ABI
}

/// Opens for reading are supervised only when a deny may match a name that appears later in a tree that
/// is visible: a pattern, or a literal name that is absent now.
fn reads_supervised(policy: &Policy, boundaries: &[Boundary<'_>], view: &View) -> bool {
    let denies_reading = |path: &AbsPath| policy.files.decide(path, FileOp::Read).verdict == Verdict::Deny;
    let pattern = policy.files.globs().any(|(_, rule)| rule.access == Access::Deny);
    let shows = |path: &AbsPath| {
        let below = |area: &&Area| path.starts_with(&area.path);
        view.areas
            .iter()
            .filter(below)
            .max_by_key(|area| area.path.depth())
            .is_some_and(|area| area.source == Source::Host && area.access == Access::Write)
    };
    pattern
        || boundaries.iter().any(|boundary| {
            boundary.grant.access == Access::Deny && shows(boundary.path) && denies_reading(boundary.path)
        })
}

/// The domain of the target in the `process` tier. It handles changes only: reading is held by the mount
/// tree, and a Landlock rule for it would cost a microsecond on every open.
pub(super) fn domain(facts: &HostFacts, split: &Split, supervision: &Supervision) -> Landlock {
    let rule = |path: &str, allowed| {
        AbsPath::posix(path.as_bytes()).map(|path| LandlockRule {
            path,
            allowed,
            optional: true,
            expect: None,
        })
    };
    let mut rules: Vec<LandlockRule> =
        ["/dev", "/proc"].iter().filter_map(|path| rule(path, rights::WRITE_FILE).ok()).collect();
    rules.extend(split.free.iter().map(|path| LandlockRule {
        path: path.clone(),
        allowed: rights::CHANGE,
        optional: false,
        expect: None,
    }));
    if !supervision.deletes {
        // Nothing is removed from a file that is writable by itself, and the kernel takes no such rule for one.
        let is_file = |path: &&AbsPath| {
            facts.object(path).is_some_and(|object| object.final_kind != NodeKind::Directory)
        };
        rules.extend(split.roots.iter().filter(|path| !is_file(path)).map(|path| LandlockRule {
            path: path.clone(),
            allowed: rights::REMOVE_FILE | rights::REMOVE_DIR,
            optional: false,
            expect: None,
        }));
    }
    let scoped = if facts.features.landlock >= 6 { rights::ALL_SCOPES } else { 0 };
    let resolve = if resolves(facts) { rights::RESOLVE_UNIX } else { 0 };
    Landlock { handled_files: rights::CHANGE | resolve, handled_network: 0, scoped, rules }
}
