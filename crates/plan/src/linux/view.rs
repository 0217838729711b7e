//! Lowers file rules to a mount tree.
//!
//! The tree starts empty. Each literal path at which the grant changes is looked at once, parents first:
//! what is readable is mounted from the host, what is denied below something visible is masked, and what
//! the host does not have needs nothing.

use super::questions::{GIT_SINGLE, POINTERS};
use super::spec::{MountFlags, ViewStep};
use crate::facts::{Command, HostFacts, Keeping, Layered, Object};
use garth_policy::{AbsPath, Access, Boundary, Grant, NodeKind, Policy, RuleKind};

/// What is visible at a path, and how it came there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// The host's own tree.
    Host,
    /// The host's tree below a private layer.
    Layer,
    /// The sandbox's own file system.
    Private,
}

/// One mounted or private directory of the view.
#[derive(Clone, Debug)]
pub(super) struct Area {
    pub path: AbsPath,
    pub access: Access,
    pub execute: bool,
    pub source: Source,
}

/// The view and what the rest of the plan has to know of it.
#[derive(Debug)]
pub(super) struct View {
    pub steps: Vec<ViewStep>,
    pub areas: Vec<Area>,
    /// Grants that could not be lowered, with the reason.
    pub failed: Vec<(AbsPath, String)>,
}

struct Builder<'p> {
    policy: &'p Policy,
    facts: &'p HostFacts,
    layers: &'p [Layered],
    kept: &'p [Keeping],
    view: View,
}

/// Lowers the rules.
pub(super) fn lower(
    policy: &Policy,
    boundaries: &[Boundary<'_>],
    facts: &HostFacts,
    command: &Command,
) -> View {
    let view = View { steps: Vec::new(), areas: Vec::new(), failed: Vec::new() };
    let mut builder = Builder { policy, facts, layers: &command.layers, kept: &command.kept, view };
    let mut objects = facts.in_order();
    for boundary in boundaries {
        builder.boundary(boundary, objects.object(boundary.path));
    }
    for workspace in policy.files.guarded() {
        builder.git_anchor(workspace);
    }
    for git_dir in policy.files.git_dirs() {
        builder.git_dir(git_dir);
    }
    builder.unlayered();
    builder.logical_directory(command);
    builder.view
}

impl<'p> Builder<'p> {
    fn boundary(&mut self, boundary: &Boundary<'_>, object: Option<&Object>) {
        let path = boundary.path;
        if self.policy.files.is_private(path, boundary.grant.depth) {
            return self.private(path, &boundary.grant);
        }
        if self.kept(path, &boundary.grant) {
            return;
        }
        let Some(object) = object else { return };
        let grant = self.final_grant(object, boundary.grant);
        let covering = self.covering(path);
        match grant {
            (Access::Deny, _) => self.deny(path, object, covering.as_ref()),
            (access, execute) => self.show(path, object, access, execute, covering.as_ref()),
        }
    }

    /// The stricter of what the rules say of the name and of the object that it leads to: a link to a
    /// credential is a credential, and one to what a rule denies is denied.
    fn final_grant(&self, object: &Object, grant: Grant<'_>) -> (Access, bool) {
        if object.kind != NodeKind::Symlink {
            return (grant.access, grant.execute);
        }
        let behind = self.policy.files.grant(&object.final_path);
        let sealed = behind.rule.is_some_and(|rule| {
            matches!(rule.kind, RuleKind::Secret | RuleKind::Protected) || rule.access == Access::Deny
        });
        if sealed { (grant.access.min(behind.access), grant.execute) } else { (grant.access, grant.execute) }
    }

    /// The innermost area that shows this path.
    fn covering(&self, path: &AbsPath) -> Option<Area> {
        let below = |area: &&Area| path.starts_with(&area.path);
        self.view.areas.iter().filter(below).max_by_key(|area| area.path.depth()).cloned()
    }

    fn private(&mut self, path: &AbsPath, grant: &Grant<'_>) {
        let named = |name: &str| path.as_bytes() == name.as_bytes();
        if named("/proc/sys") {
            return;
        }
        let step = if named("/proc") {
            ViewStep::Proc { path: path.clone(), guard_settings: self.facts.user.uid == 0 }
        } else if named("/dev/pts") {
            ViewStep::Terminals { path: path.clone() }
        } else if named("/dev/ptmx") {
            ViewStep::Symlink { path: path.clone(), target: b"pts/ptmx".to_vec() }
        } else if grant.access >= Access::Overlay {
            // What is written to either ends with the sandbox.
            let shared = ["/tmp", "/var/tmp", "/dev/shm"].iter().any(|name| named(name));
            ViewStep::Directory { path: path.clone(), mode: if shared { 0o1777 } else { 0o700 } }
        } else {
            return;
        };
        let is_area = !matches!(step, ViewStep::Symlink { .. });
        self.view.steps.push(step);
        if is_area {
            self.area(path, Access::Write, true, Source::Private);
        }
    }

    /// Shows a place of the agent that the sandbox is for, where the rules still say so and it stands in the sandbox's own
    /// home; whether it was.
    fn kept(&mut self, path: &AbsPath, grant: &Grant<'_>) -> bool {
        let Some(keeping) = self.kept.iter().find(|keeping| keeping.path() == path) else { return false };
        let object = self.facts.object(path);
        let access = object.map_or(grant.access, |object| self.final_grant(object, *grant).0);
        let is_among_own = self.covering(path).is_none_or(|area| area.source == Source::Private);
        if access != Access::Overlay || !is_among_own {
            return false;
        }
        match keeping {
            Keeping::Tree { below, store, .. } => {
                if object.is_some_and(|object| object.final_kind != NodeKind::Directory) {
                    return false;
                }
                let source = object.map(|object| (object.final_path.clone(), object.id));
                let (below, store, path) = (below.clone(), store.clone(), path.clone());
                self.view.steps.push(ViewStep::Kept { source, below, store, path });
                self.area(keeping.path(), access, grant.execute, Source::Layer);
            }
            Keeping::File { source, .. } => {
                if object.is_some_and(|object| object.final_kind != NodeKind::File) {
                    return false;
                }
                self.view.steps.push(ViewStep::KeptCopy { source: source.clone(), path: path.clone() });
            }
        }
        true
    }

    fn area(&mut self, path: &AbsPath, access: Access, execute: bool, source: Source) {
        self.view.areas.push(Area { path: path.clone(), access, execute, source });
    }

    fn deny(&mut self, path: &AbsPath, object: &Object, covering: Option<&Area>) {
        let visible = covering.is_some_and(|area| area.source != Source::Private);
        if !visible {
            return;
        }
        if object.kind == NodeKind::Symlink {
            // The link itself is no secret; what it leads to is hidden where it lies.
            let behind = self.covering(&object.final_path).is_some_and(|area| area.source != Source::Private);
            if behind {
                self.mask(&object.final_path.clone(), object.final_kind);
            }
            return;
        }
        if self.already_unreadable(object) {
            return;
        }
        self.mask(path, object.kind);
    }

    fn mask(&mut self, path: &AbsPath, kind: NodeKind) {
        let directory = kind == NodeKind::Directory;
        self.view.steps.push(ViewStep::Mask { path: path.clone(), directory });
        self.area(path, Access::Deny, false, Source::Host);
    }

    /// Permission bits already keep this user out, and only another user could change that. Root is
    /// another matter: the target keeps its number.
    fn already_unreadable(&self, object: &Object) -> bool {
        !object.readable && object.owner != self.facts.user.uid && self.facts.user.uid != 0
    }

    fn show(
        &mut self,
        path: &AbsPath,
        object: &Object,
        access: Access,
        execute: bool,
        covering: Option<&Area>,
    ) {
        let from_host = covering.filter(|area| area.source != Source::Private);
        let same = from_host.is_some_and(|area| area.access == access && area.execute == execute);
        if same && !self.layers.iter().any(|layer| layer.tree == *path) {
            return;
        }
        if object.kind == NodeKind::Symlink {
            return self.show_link(path, object, access, execute, from_host.is_some());
        }
        self.mount(path, object, access, execute);
    }

    /// A link stays a link when what it leads to is visible; else the object itself appears at its name.
    fn show_link(&mut self, path: &AbsPath, object: &Object, access: Access, execute: bool, in_tree: bool) {
        if in_tree {
            return;
        }
        let behind = self.policy.files.grant(&object.final_path);
        // In a home of the sandbox's own the rules allow everything, and nothing of the host is there.
        let is_own = self.policy.files.is_private(&object.final_path, behind.depth);
        let shown = self.covering(&object.final_path).is_some_and(|area| area.source != Source::Private)
            || (behind.access >= Access::Read && !is_own);
        match &object.link {
            Some(target) if shown => {
                let target = target.clone();
                self.view.steps.push(ViewStep::Symlink { path: path.clone(), target });
            }
            _ if is_descriptor_name(path) => {
                if let Some(target) = &object.link {
                    let target = target.clone();
                    self.view.steps.push(ViewStep::Symlink { path: path.clone(), target });
                }
            }
            _ => self.mount(path, object, access, execute),
        }
    }

    fn mount(&mut self, path: &AbsPath, object: &Object, access: Access, execute: bool) {
        let source = object.final_path.clone();
        let directory = object.final_kind == NodeKind::Directory;
        let device = path.as_bytes().starts_with(b"/dev/");
        if let Some(layer) = self.layer(&source) {
            return self.layered(layer, path, object, access, execute);
        }
        if access == Access::Overlay && directory {
            self.view.steps.push(ViewStep::Overlay { source, expect: object.id, path: path.clone() });
            return self.area(path, access, execute, Source::Layer);
        }
        // A file has no layer. Where its directory is the sandbox's own, a copy can be written, moved and replaced.
        let is_among_own = self.covering(path).is_some_and(|area| area.source == Source::Private);
        if access == Access::Overlay && object.final_kind == NodeKind::File && is_among_own {
            return self.view.steps.push(ViewStep::Copy { source, path: path.clone() });
        }
        let flags =
            // A device is written to all the same; its owner, mode and times are the host's.
            MountFlags { read_only: access != Access::Write || device, no_exec: !execute || device, no_dev: !device };
        self.view.steps.push(ViewStep::Bind {
            source,
            expect: object.id,
            directory,
            path: path.clone(),
            flags,
        });
        let access = if access == Access::Overlay { Access::Read } else { access };
        self.area(path, access, execute, Source::Host);
    }

    /// The layer that a tree of the host, or a part of it, is changed in.
    fn layer(&self, source: &AbsPath) -> Option<&'p Layered> {
        let holds = |layer: &&Layered| source.starts_with(&layer.tree);
        self.layers.iter().filter(holds).max_by_key(|layer| layer.tree.depth())
    }

    /// Shows a tree with its layer, or a part of it. Nothing of the tree itself is mounted, whatever the access: what is
    /// read has to be what was written.
    fn layered(&mut self, layer: &Layered, path: &AbsPath, object: &Object, access: Access, execute: bool) {
        let source = object.final_path.clone();
        let flags = MountFlags { read_only: access == Access::Read, no_exec: !execute, no_dev: true };
        let begun = |step: &ViewStep| matches!(step, ViewStep::Layer { source, .. } if *source == layer.tree);
        let step = if source == layer.tree {
            let (store, path) = (layer.store.clone(), path.clone());
            ViewStep::Layer { source, expect: object.id, path, store, flags }
        } else if self.view.steps.iter().any(begun) {
            let directory = object.final_kind == NodeKind::Directory;
            ViewStep::Part { source, directory, path: path.clone(), flags }
        } else {
            let why = format!("{} has a layer and is not shown as a whole", layer.tree);
            return self.view.failed.push((path.clone(), why));
        };
        self.view.steps.push(step);
        let access = if access == Access::Overlay { Access::Write } else { access };
        self.area(path, access, execute, Source::Host);
    }

    /// A tree that is to have a layer, and is shown by what holds it: it would be written to.
    fn unlayered(&mut self) {
        for layer in self.layers {
            let begun =
                |step: &ViewStep| matches!(step, ViewStep::Layer { source, .. } if *source == layer.tree);
            let shown = self.covering(&layer.tree).is_some_and(|area| area.source != Source::Private);
            if shown && !self.view.steps.iter().any(begun) {
                let why = "it is to have a layer, and no rule grants it by its own name".into();
                self.view.failed.push((layer.tree.clone(), why));
            }
        }
    }

    /// `.git` of a writable workspace becomes a mount of its own: then the kernel itself refuses to rename,
    /// remove or replace it.
    fn git_anchor(&mut self, workspace: &AbsPath) {
        let Ok(git) = workspace.join(b".git") else { return };
        if self.policy.files.grant(workspace).access != Access::Write {
            return;
        }
        let Some(object) = self.facts.object(&git).filter(|object| object.kind != NodeKind::Symlink) else {
            return;
        };
        let writable = object.kind == NodeKind::Directory;
        let grant = self.policy.files.grant(&git);
        if grant.access == Access::Write {
            self.mount(
                &git,
                &object.clone(),
                if writable { Access::Write } else { Access::Read },
                grant.execute,
            );
        }
        if writable {
            self.git_dir(&git);
        }
    }

    /// Existing hooks, attributes and worktree pointers are mounted read-only, so they can neither be
    /// changed nor removed.
    fn git_dir(&mut self, git_dir: &AbsPath) {
        let mut names: Vec<String> = GIT_SINGLE.iter().map(|name| (*name).to_owned()).collect();
        let listed =
            |name: &str| git_dir.join(name.as_bytes()).ok().and_then(|path| self.facts.lists.get(&path));
        for (hook, _) in listed("hooks").into_iter().flatten() {
            if !hook.ends_with(".sample") {
                names.push(format!("hooks/{hook}"));
            }
        }
        for (worktree, _) in listed("worktrees").into_iter().flatten() {
            names.extend(POINTERS.iter().map(|pointer| format!("worktrees/{worktree}/{pointer}")));
        }
        for name in names {
            let Ok(path) = git_dir.join(name.as_bytes()) else { continue };
            if self.policy.files.decide(&path, garth_policy::FileOp::Write).verdict
                != garth_policy::Verdict::Deny
            {
                continue;
            }
            let writable = self.covering(&path).is_some_and(|area| area.access == Access::Write);
            let object =
                self.facts.object(&path).filter(|object| writable && object.kind != NodeKind::Symlink);
            if let Some(object) = object.cloned() {
                self.mount(&path, &object, Access::Read, true);
            }
        }
    }

    /// The directory by the name that the user's shell has for it.
    fn logical_directory(&mut self, command: &Command) {
        let Some(logical) = &command.logical_directory else { return };
        if self.covering(logical).is_some_and(|area| area.source != Source::Private) {
            return;
        }
        let taken = self.view.areas.iter().any(|area| area.path.starts_with(logical));
        if !taken {
            let target = command.directory.as_bytes().to_vec();
            self.view.steps.push(ViewStep::Symlink { path: logical.clone(), target });
        }
    }
}

/// `/dev/fd` and its relatives are links into the caller's own `/proc`.
fn is_descriptor_name(path: &AbsPath) -> bool {
    [&b"/dev/fd"[..], b"/dev/stdin", b"/dev/stdout", b"/dev/stderr"].contains(&path.as_bytes())
}
