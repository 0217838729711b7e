//! What the planner asks of a machine, and what a host answers. Serialisable, so that a plan can be made
//! and a report be replayed anywhere.

use crate::linux::spec::{FileId, TerminalSize};
use garth_policy::{AbsPath, NodeKind};
use serde::{Deserialize, Serialize};
use std::collections::btree_map::Iter;
use std::collections::{BTreeMap, BTreeSet};
use std::iter::Peekable;

/// Paths that matter for one plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FactQuery {
    /// Objects to look at.
    pub paths: BTreeSet<AbsPath>,
    /// Small files to read.
    pub texts: BTreeSet<AbsPath>,
    /// Directories to list.
    pub lists: BTreeSet<AbsPath>,
    /// Denied files, and directories with such files, of which it matters whether they have further names.
    pub sealed: BTreeSet<AbsPath>,
    /// Whether a control group is to be looked for.
    pub control_group: bool,
    /// Whether this user may make file systems of his own in a user namespace (FUSE).
    pub own_file_systems: bool,
}

impl FactQuery {
    /// Nothing asked.
    #[must_use]
    pub fn nothing() -> Self {
        Self {
            paths: BTreeSet::new(),
            texts: BTreeSet::new(),
            lists: BTreeSet::new(),
            sealed: BTreeSet::new(),
            control_group: false,
            own_file_systems: false,
        }
    }

    /// Whether nothing is asked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.paths.is_empty() && self.texts.is_empty() && self.lists.is_empty()
    }
}

/// One object that exists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Object {
    /// Kind of the object at the very name: a link is a link.
    pub kind: NodeKind,
    /// What a link says.
    pub link: Option<Vec<u8>>,
    /// The path with every link followed.
    pub final_path: AbsPath,
    /// Kind of the final object.
    pub final_kind: NodeKind,
    /// The final object's identity.
    pub id: FileId,
    /// Permission bits of the final object.
    pub mode: u32,
    /// Owner of the final object.
    pub owner: u32,
    /// How many names the final object has.
    pub links: u64,
    /// The user may read it.
    pub readable: bool,
}

/// What a host found at a path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PathFact {
    /// Nothing is there, or nothing that this user can see.
    Absent,
    /// An object.
    Present(Object),
}

impl PathFact {
    /// The object, if there is one.
    #[must_use]
    pub fn object(&self) -> Option<&Object> {
        match self {
            Self::Absent => None,
            Self::Present(object) => Some(object),
        }
    }
}

/// What the kernel offers, as found by trying.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Features {
    /// Name and version of the kernel, for reports only: nothing is decided by it.
    pub kernel: String,
    /// Architecture (`x86_64`, `aarch64`).
    pub arch: String,
    /// Why namespaces are refused; `None` while nothing is known against them.
    pub namespaces_refused: Option<String>,
    /// Why connections in a network namespace cannot be redirected; `None` while nothing is known against it.
    #[serde(default)]
    pub redirect_refused: Option<String>,
    /// Why this user can make no file system of his own (FUSE); `None` while nothing is known against it.
    #[serde(default)]
    pub own_file_systems_refused: Option<String>,
    /// Landlock ABI version; 0 when there is none.
    pub landlock: u32,
    /// seccomp can send calls to a supervisor.
    pub supervision: bool,
}

/// The user who runs garth.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// User number.
    pub uid: u32,
    /// Group number.
    pub gid: u32,
}

/// A control group that this user may divide (cgroup v2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControlGroup {
    /// Where a group can be made.
    pub parent: AbsPath,
    /// Controllers that are available there.
    pub controllers: BTreeSet<String>,
}

/// Everything that a plan is made from, beside the policy and the command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostFacts {
    /// What the kernel offers.
    pub features: Features,
    /// Who runs garth.
    pub user: User,
    /// Objects looked at.
    pub paths: BTreeMap<AbsPath, PathFact>,
    /// Small files read.
    pub texts: BTreeMap<AbsPath, Vec<u8>>,
    /// Directories listed: names and kinds.
    pub lists: BTreeMap<AbsPath, Vec<(String, NodeKind)>>,
    /// Denied files that have a name (a hard link) beside those that were looked at.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub linked: BTreeMap<AbsPath, FileId>,
    /// Objects of the system whose mounts can show root's files as a stranger's. Looked for only as root.
    #[serde(default)]
    pub mappable: BTreeSet<AbsPath>,
    /// A control group that can be divided, if there is one.
    pub control_group: Option<ControlGroup>,
}

impl HostFacts {
    /// The object at a path; `None` when it is absent or was not asked for.
    #[must_use]
    pub fn object(&self, path: &AbsPath) -> Option<&Object> {
        self.paths.get(path).and_then(PathFact::object)
    }

    /// The objects at many paths, which are asked for in their order.
    #[must_use]
    pub fn in_order(&self) -> InOrder<'_> {
        InOrder { facts: self, coming: self.paths.iter().peekable(), last: None }
    }
}

/// Objects at many paths, each a few steps away from the last one: a plan asks for hundreds, several times over.
#[derive(Debug)]
pub struct InOrder<'f> {
    facts: &'f HostFacts,
    /// From the last path on.
    coming: Peekable<Iter<'f, AbsPath, PathFact>>,
    /// The last path that was passed.
    last: Option<&'f AbsPath>,
}

impl<'f> InOrder<'f> {
    /// As [`HostFacts::object`]. A path that comes before what was passed is looked up by itself.
    pub fn object(&mut self, path: &AbsPath) -> Option<&'f Object> {
        while let Some((passed, _)) = self.coming.next_if(|(known, _)| *known < path) {
            self.last = Some(passed);
        }
        match self.coming.peek() {
            Some((known, fact)) if *known == path => fact.object(),
            _ if self.last.is_some_and(|last| path <= last) => self.facts.object(path),
            _ => None,
        }
    }
}

/// The command to run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// Arguments; the first names the program.
    pub arguments: Vec<Vec<u8>>,
    /// Working directory, final path.
    pub directory: AbsPath,
    /// The working directory as the user's shell calls it, when that differs.
    pub logical_directory: Option<AbsPath>,
    /// The whole environment of the caller; the policy decides what enters.
    pub environment: Vec<(Vec<u8>, Vec<u8>)>,
    /// The target gets a terminal of its own, of this size.
    pub terminal: Option<TerminalSize>,
    /// Trees that the target changes in a layer only.
    #[serde(default)]
    pub layers: Vec<Layered>,
    /// What the agent that the sandbox is for keeps, and garth for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kept: Vec<Keeping>,
    /// Every use of a file is told, for learning what the command needs. Held by supervision, so in the tier `process` alone.
    #[serde(default)]
    pub observe: bool,
}

/// A place of an agent, whose changes are kept outside until garth has taken from them what lasts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Keeping {
    /// A directory, which need not be there.
    Tree {
        /// Where it is shown.
        path: AbsPath,
        /// garth's own directories with what lasted, read before the host's; the first one wins.
        below: Vec<AbsPath>,
        /// The directory that keeps what is written: `upper`, `work` and `lock` stand in it.
        store: AbsPath,
    },
    /// A file, which is shown as a copy that is handed back in the end.
    File {
        /// Where it is shown.
        path: AbsPath,
        /// What is copied: made from the host's before the start.
        source: AbsPath,
    },
}

impl Keeping {
    /// Where it is shown.
    #[must_use]
    pub fn path(&self) -> &AbsPath {
        match self {
            Self::Tree { path, .. } | Self::File { path, .. } => path,
        }
    }
}

/// A tree of the user that is read from its place and written elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layered {
    /// The tree, by its final path.
    pub tree: AbsPath,
    /// The directory that keeps what is written: `upper`, `work` and `lock` stand in it.
    pub store: AbsPath,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_in_order_are_those_that_are_looked_up() {
        let path = |name: &str| AbsPath::posix(name).unwrap();
        let object = |at: &AbsPath, inode: u64| Object {
            kind: NodeKind::File,
            link: None,
            final_path: at.clone(),
            final_kind: NodeKind::File,
            id: FileId { device: 1, inode },
            mode: 0o644,
            owner: 0,
            links: 1,
            readable: true,
        };
        let fact = |(name, number): (&&str, u64)| {
            let at = path(name);
            let fact = if number == 3 { PathFact::Absent } else { PathFact::Present(object(&at, number)) };
            (at, fact)
        };
        let facts = HostFacts {
            features: Features {
                kernel: String::new(),
                arch: String::new(),
                namespaces_refused: None,
                redirect_refused: None,
                own_file_systems_refused: None,
                landlock: 0,
                supervision: false,
            },
            user: User { uid: 0, gid: 0 },
            paths: ["/a", "/a/b", "/a-b", "/c", "/d"].iter().zip(0..).map(fact).collect(),
            texts: BTreeMap::new(),
            lists: BTreeMap::new(),
            linked: BTreeMap::new(),
            mappable: BTreeSet::new(),
            control_group: None,
        };
        let mut objects = facts.in_order();
        // Also one asked for again, and one that was passed.
        for name in ["/", "/a", "/a/a", "/a/b", "/a/b", "/c", "/b", "/a", "/cc", "/d", "/e", "/d"] {
            assert_eq!(objects.object(&path(name)), facts.object(&path(name)), "{name}");
        }
        assert_eq!(facts.in_order().object(&path("/d")).map(|object| object.id.inode), Some(4));
    }
}
