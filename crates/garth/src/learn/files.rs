//! Which files a policy has to name.

use super::Seen;
use super::fold::{Need, Needs, add, fold};
use super::text::{FileLine, Withheld};
use crate::literal;
use garth_host::used::Used;
use garth_policy::{
    AbsPath, Access, Context, FileOp, FileRule, FileRules, Pattern, Place, Policy, Profile, RuleKind,
    Verdict, place_paths, places,
};
use std::collections::{BTreeMap, BTreeSet};

/// So many places that one token stands for become the token.
const PLACES: usize = 3;

/// Why a file in the home is not named: one that a line shows cannot be changed, and only a directory can have a layer.
const CHANGED_AT_HOME: &str =
    "it is changed in the home itself: the command gets one of its own, which ends with the sandbox";

/// What `[files]` has to say, and what it must not.
pub(super) struct Files {
    pub lines: Vec<FileLine>,
    pub withheld: Vec<Withheld>,
}

/// The lines for these uses, beside a profile.
pub(super) fn needed(context: &Context, ceiling: &Policy, seen: &Seen, profile: Profile) -> Files {
    let used = seen.used.as_slice();
    let base = profile.files(context);
    let mut sorter = Sorter {
        context,
        ceiling,
        base: &base,
        was_watched: profile == Profile::Strict,
        temporary: temporary(used),
        made: made(used),
        hidden: &seen.hidden,
        changed_at_home: BTreeSet::new(),
        workspace: Workspace::default(),
        outside: BTreeMap::new(),
        withheld: BTreeMap::new(),
    };
    let changed =
        used.iter().filter(|used| used.found && writes(used.op) && sorter.is_of_home_layer(&used.path));
    sorter.changed_at_home =
        changed.map(|used| &used.path).filter(|path| is_in(path, &context.home)).collect();
    used.iter().for_each(|used| if used.found { sorter.take(used) } else { sorter.missed(used) });
    let mut lines = if sorter.was_watched { sorter.workspace_lines() } else { Vec::new() };
    lines.extend(sorter.outside_lines());
    let withheld = sorter.withheld.into_iter().map(|(path, reason)| Withheld { path, reason }).collect();
    Files { lines, withheld }
}

/// Names that were made and taken away again: another run has others, so their directories have to be writable.
fn temporary(used: &[Used]) -> BTreeSet<&AbsPath> {
    let gone = names(used, |op| matches!(op, FileOp::Delete | FileOp::MoveFrom));
    made(used).intersection(&gone).copied().collect()
}

/// Names that were made.
fn made(used: &[Used]) -> BTreeSet<&AbsPath> {
    names(used, |op| matches!(op, FileOp::Create(_) | FileOp::MoveTo(_)))
}

fn names(used: &[Used], test: fn(FileOp) -> bool) -> BTreeSet<&AbsPath> {
    used.iter().filter(|used| used.found && test(used.op)).map(|used| &used.path).collect()
}

/// Whether a directory holds the very name.
fn is_in(path: &AbsPath, directory: &AbsPath) -> bool {
    path.starts_with(directory) && path.depth() == directory.depth() + 1
}

pub(super) fn writes(op: FileOp) -> bool {
    !matches!(op, FileOp::Read | FileOp::List | FileOp::Execute | FileOp::Metadata)
}

/// What is needed of the workspace.
#[derive(Default)]
struct Workspace {
    read: Need,
    /// All of it is written, or git is.
    whole: Need,
    written: Needs,
}

struct Sorter<'s> {
    context: &'s Context,
    ceiling: &'s Policy,
    /// What the profile grants by itself.
    base: &'s FileRules,
    /// What was used was allowed. Else it was refused, and may be proposed if nobody but the profile says so.
    was_watched: bool,
    temporary: BTreeSet<&'s AbsPath>,
    made: BTreeSet<&'s AbsPath>,
    /// What was looked for in the sandbox's own directories and is the host's.
    hidden: &'s BTreeSet<AbsPath>,
    /// Names in the home itself that were changed in a layer over it.
    changed_at_home: BTreeSet<&'s AbsPath>,
    workspace: Workspace,
    outside: BTreeMap<Access, Needs>,
    withheld: BTreeMap<AbsPath, String>,
}

impl Sorter<'_> {
    fn take(&mut self, used: &Used) {
        let files = &self.ceiling.files;
        let grant = files.grant(&used.path);
        let kind = grant.rule.map(|rule| rule.kind);
        let decision = files.decide(&used.path, used.op);
        let is_kept =
            matches!(kind, Some(RuleKind::Secret)) || (kind == Some(RuleKind::Protected) && writes(used.op));
        let is_refused =
            decision.verdict == Verdict::Deny && (self.was_watched || files.ceilings().next().is_some());
        if is_refused || is_kept {
            let reason = decision.rule.map_or_else(String::new, |rule| rule.reason.to_string());
            self.withheld.insert(used.path.clone(), reason);
            return;
        }
        if is_private(files, &used.path) && !self.hidden.contains(&used.path) {
            return;
        }
        let need = Need::one(&used.program);
        if self.was_watched && used.path.starts_with(&self.context.workspace) {
            return self.take_inside(used, need);
        }
        if self.changed_at_home.iter().any(|changed| used.path.starts_with(changed)) {
            self.withheld.insert(used.path.clone(), CHANGED_AT_HOME.to_owned());
            return;
        }
        if writes(used.op) && self.is_of_home_layer(&used.path) {
            if let Some(directory) = used.path.parent() {
                add(self.outside.entry(Access::Overlay).or_default(), directory, need);
            }
            return;
        }
        let access = match (writes(used.op), grant.access) {
            (true, Access::Overlay) => Access::Overlay,
            (true, _) => Access::Write,
            (false, _) => Access::Read,
        };
        let path = self.place_of(used);
        if self.is_given(&used.path, access) || self.may_not_be_named(&path) {
            return;
        }
        add(self.outside.entry(access).or_default(), path, need);
    }

    /// Whether the policy in force shows the path as a part of the whole home, below a layer: what is changed there ends with
    /// the sandbox, and in a home of the sandbox's own it can be made anew. Only what was there has to be shown.
    fn is_of_home_layer(&self, path: &AbsPath) -> bool {
        let grant = self.ceiling.files.grant(path);
        let home = &self.context.home;
        let is_home = |rule: &FileRule| matches!(&rule.pattern, Pattern::Path(path) if path == home);
        grant.access == Access::Overlay && grant.rule.is_some_and(is_home)
    }

    /// What is hidden was not there, and what is not there is looked for by many: only secrets are worth a remark.
    fn missed(&mut self, used: &Used) {
        let rule = self.ceiling.files.grant(&used.path).rule;
        if let Some(rule) = rule.filter(|rule| rule.kind == RuleKind::Secret) {
            self.withheld.insert(used.path.clone(), rule.reason.to_string());
        }
    }

    /// Whether the profile alone opens the path, and not something of the sandbox's own in its place.
    fn is_given(&self, path: &AbsPath, access: Access) -> bool {
        self.base.grant(path).access >= access && !is_private(self.base, path)
    }

    /// The directory, for a name that another run would call otherwise and for one that is moved or taken away, which its
    /// directory has to allow; else the name.
    fn place_of(&self, used: &Used) -> AbsPath {
        let leaves = matches!(used.op, FileOp::Delete | FileOp::MoveFrom | FileOp::MoveTo(_));
        match used.path.parent() {
            Some(parent) if leaves || (writes(used.op) && self.temporary.contains(&used.path)) => parent,
            _ => used.path.clone(),
        }
    }

    fn take_inside(&mut self, used: &Used, need: Need) {
        if !writes(used.op) {
            return self.workspace.read.add(need);
        }
        let root = &self.context.workspace;
        let path = self.place_of(used);
        let is_git = used.path.strip_prefix(root).is_some_and(|below| {
            below.split(|byte| *byte == b'/').any(|name| name.eq_ignore_ascii_case(b".git"))
        });
        // git's own files are decided on by their content, which only a writable workspace allows.
        if is_git || path == *root {
            return self.workspace.whole.add(need);
        }
        add(&mut self.workspace.written, path, need);
    }

    fn workspace_lines(&mut self) -> Vec<FileLine> {
        let Workspace { read, whole, written } = std::mem::take(&mut self.workspace);
        let token =
            |access: Access, need: Need| FileLine { key: ":workspace".into(), access, need, made: false };
        let root = self.context.workspace.clone();
        let folded =
            fold(written, |directory| directory.starts_with(&root) && !self.holds_protected(directory));
        if let Some(need) = folded.get(&root) {
            return vec![token(Access::Write, need.clone())];
        }
        if whole.files > 0 {
            return vec![token(
                Access::Write,
                folded.into_values().fold(whole, |mut all, need| {
                    all.add(need);
                    all
                }),
            )];
        }
        let mut lines = vec![token(Access::Read, read)];
        lines.extend(folded.into_iter().map(|(path, need)| self.line(&path, Access::Write, need)));
        lines
    }

    /// A directory below the workspace with names that the host trusts: it stays as it is.
    fn holds_protected(&self, directory: &AbsPath) -> bool {
        *directory != self.context.workspace && self.has(directory, RuleKind::Protected)
    }

    fn has(&self, directory: &AbsPath, kind: RuleKind) -> bool {
        self.ceiling.files.rules().iter().filter(|rule| rule.kind == kind).any(|rule| match &rule.pattern {
            Pattern::Path(path) => path.starts_with(directory),
            Pattern::Glob(_) => false,
        })
    }

    fn outside_lines(&self) -> Vec<FileLine> {
        let of = |access| self.outside.get(&access).cloned().unwrap_or_default();
        let (mut read, mut overlaid) = (of(Access::Read), of(Access::Overlay));
        let tables = places(self.context.os);
        let mut lines = Vec::new();
        // What has a layer of its own can be read.
        let layered = self.places(tables.caches, &mut overlaid, (":caches", Access::Overlay), &mut lines);
        read.retain(|path, _| !layered.iter().any(|layered| path.starts_with(layered)));
        self.places(tables.caches, &mut read, (":caches", Access::Read), &mut lines);
        self.places(tables.toolchains, &mut read, (":toolchains", Access::Read), &mut lines);
        // From the widest access: what a line opens needs no second one.
        let mut opened: Vec<AbsPath> = Vec::new();
        for (access, mut needs) in
            [(Access::Write, of(Access::Write)), (Access::Overlay, overlaid), (Access::Read, read)]
        {
            needs.retain(|path, _| !opened.iter().any(|opened| path.starts_with(opened)));
            let folded = fold(needs, |directory| self.may_stand(directory));
            opened.extend(folded.keys().cloned());
            lines.extend(folded.into_iter().map(|(path, need)| self.line(&path, access, need)));
        }
        lines
    }

    /// Takes the needs that lie in places of a group, as these places, or as the token that stands for the group.
    /// Returns what these lines open.
    fn places(
        &self,
        rows: &'static [Place],
        needs: &mut Needs,
        (token, access): (&str, Access),
        lines: &mut Vec<FileLine>,
    ) -> Vec<AbsPath> {
        let paths = place_paths(rows, self.context);
        let mut found = Needs::new();
        needs.retain(|path, need| match paths.iter().find(|place| path.starts_with(place)) {
            Some(place) => {
                add(&mut found, place.clone(), need.clone());
                false
            }
            None => true,
        });
        if found.len() >= PLACES {
            let need = found.into_values().fold(Need::default(), |mut all, need| {
                all.add(need);
                all
            });
            lines.push(FileLine { key: token.to_owned(), access, need, made: false });
            paths
        } else {
            let opened = found.keys().cloned().collect();
            lines.extend(found.into_iter().map(|(path, need)| self.line(&path, access, need)));
            opened
        }
    }

    /// Whether a directory may stand for what is in it: not a whole home or what is above it, not the top of a tree, and
    /// not one in which something is secret.
    fn may_stand(&self, directory: &AbsPath) -> bool {
        directory.depth() >= 2 && !self.may_not_be_named(directory) && !self.has(directory, RuleKind::Secret)
    }

    /// Directories that a line of a policy should not open: to list them is no need worth that.
    fn may_not_be_named(&self, path: &AbsPath) -> bool {
        let Context { home, workspace, .. } = self.context;
        path.depth() == 0 || home.starts_with(path) || workspace.starts_with(path)
    }

    fn line(&self, path: &AbsPath, access: Access, need: Need) -> FileLine {
        let made = access == Access::Write && self.made.contains(path);
        FileLine { key: spelled(path, self.context), access, need, made }
    }
}

/// Whether what is seen there is the sandbox's own: no policy has to grant that.
pub(super) fn is_private(files: &FileRules, path: &AbsPath) -> bool {
    files.is_private(path, files.grant(path).depth)
}

/// As a policy file names it: below the workspace, below the home, or from the root.
fn spelled(path: &AbsPath, context: &Context) -> String {
    if let Some(below) = path.strip_prefix(&context.workspace).filter(|below| !below.is_empty()) {
        return literal(below);
    }
    match path.strip_prefix(&context.home).filter(|below| !below.is_empty()) {
        Some(below) => format!("~/{}", literal(below)),
        None => literal(path.as_bytes()),
    }
}
