//! The judgement on git directories: ordinary git works, what git on the host would run or follow stays as it is.
//!
//! Sources: gitrepository-layout(5), githooks(5), git-worktree(1), gitsubmodules(7); the equivalent spellings of
//! `.git` are those that git itself refuses (`core.protectHFS`, `core.protectNTFS`).

mod names;
#[cfg(test)]
mod tests;

use crate::files::{Access, FileOp, FileRule, NodeKind, Pattern, RuleKind, Verdict, Vet};
use crate::glob::Glob;
use crate::origin::{Layer, Origin};
use crate::path::{AbsPath, Flavor};
use names::Likeness;
pub(crate) use names::{any_odd, imitates, likeness};
use std::borrow::Cow;

/// How the name begins under which a supervisor fills a new configuration before it is put in place. Whoever could open, make
/// or move that file would change what was decided on, so nobody inside any sandbox can, whatever sandbox it is of.
pub const INSTALLING: &str = "config.garth-";

/// What of a git directory is guarded, one row each. The order is that of [`ROWS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GitRow {
    Entry,
    Hooks,
    Attributes,
    CommonDir,
    Config,
    Pointer,
    Nested,
    Lookalike,
    Remotes,
}

/// A guarded part of a git directory: pattern below a workspace, and why.
pub struct GitGuard {
    /// Pattern relative to the workspace.
    pub pattern: &'static str,
    /// What is refused.
    pub refused: &'static str,
    /// Why.
    pub reason: &'static str,
}

/// The guarded parts of git directories.
pub static ROWS: [GitGuard; 9] = [
    GitGuard {
        pattern: "**/.git",
        refused: "rename, replace, link; at the workspace root also remove or turn into a file",
        reason: "another directory in its place would bring its own hooks and configuration, which git on the host runs",
    },
    GitGuard {
        pattern: "**/.git/hooks",
        refused: "every change but `*.sample`",
        reason: "git on the host runs these programs at commit, checkout, merge and push",
    },
    GitGuard {
        pattern: "**/.git/info/attributes",
        refused: "every change",
        reason: "attributes choose the filter and diff programs that git on the host runs",
    },
    GitGuard {
        pattern: "**/.git/commondir",
        refused: "every change",
        reason: "it would point git on the host at another directory's configuration and hooks",
    },
    GitGuard {
        pattern: "**/.git/{config,config.worktree}",
        refused: "change in place, remove, rename, link; a replacement is allowed if its keys run nothing",
        reason: "keys such as core.fsmonitor, core.hooksPath and alias.* name programs that git on the host runs",
    },
    GitGuard {
        pattern: "**/.git/worktrees/*/{gitdir,commondir}",
        refused: "change or remove an existing one; making a new one is allowed",
        reason: "these pointers decide which configuration and hooks git on the host uses for a worktree",
    },
    GitGuard {
        pattern: "**/.git/{modules,worktrees}",
        refused: "move or link a directory into place, rename away",
        reason: "a directory made elsewhere would bring its own configuration and hooks past the check",
    },
    GitGuard {
        pattern: "**/.git*",
        refused: "create or move to a name that other disks take for a guarded one",
        reason: "on a disk that ignores case or invisible characters this name is the guarded one itself",
    },
    GitGuard {
        pattern: "**/.git/{remotes,branches}/*",
        refused: "every change",
        reason: "an old form of remotes: it would say where git on the host fetches from and pushes to, past the check of the configuration",
    },
];

/// The rows as rules for `workspace`, so that a denial can carry one.
pub(crate) fn rules(workspace: &AbsPath) -> Vec<FileRule> {
    let origin = Origin::unplaced(Layer::Profile, "built-in table of host-trusted files");
    let rule = |row: &GitGuard| {
        Some(FileRule {
            pattern: Pattern::Glob(Glob::new(workspace, row.pattern).ok()?),
            access: Access::Read,
            execute: true,
            kind: RuleKind::Protected,
            reason: Cow::Borrowed(row.reason),
            origin: origin.clone(),
        })
    };
    ROWS.iter().filter_map(rule).collect()
}

/// Where an operation happens, in names below the root of the path.
pub(crate) struct Place<'a> {
    pub(crate) names: &'a [&'a [u8]],
    /// Names up to the workspace; 0 if it is in none.
    pub(crate) root_depth: usize,
    /// Names up to a git directory known by its path.
    pub(crate) git_dir_depth: Option<usize>,
    pub(crate) flavor: Flavor,
}

/// A judgement other than "nothing to say".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Judged {
    pub(crate) verdict: Verdict,
    pub(crate) row: GitRow,
    /// Depth of the git directory's own name: a rule that names this or something below it opens it.
    pub(crate) entry_depth: usize,
}

/// Judges a change; `None` if no git directory has a say in it.
pub(crate) fn judge(place: &Place<'_>, op: FileOp) -> Option<Judged> {
    let mut worst: Option<Judged> = None;
    let mut consider = |judged: Option<Judged>| {
        if let Some(judged) = judged
            && worst.is_none_or(|known| judged.verdict < known.verdict)
        {
            worst = Some(judged);
        }
    };
    if let Some(depth) = place.git_dir_depth {
        consider(judge_below(&place.names[depth..], op, depth, place.flavor));
    }
    for (at, name) in place.names.iter().enumerate().skip(place.root_depth) {
        let likeness = likeness(name, ".git");
        if likeness == Likeness::None {
            continue;
        }
        let below = &place.names[at + 1..];
        if below.is_empty() {
            let at_root = place.root_depth > 0 && at == place.root_depth;
            consider(judge_entry(op, likeness, at_root, at + 1));
        } else {
            consider(judge_below(below, op, at + 1, place.flavor));
        }
    }
    worst
}

fn appears(op: FileOp) -> bool {
    matches!(op, FileOp::Create(_) | FileOp::MoveTo(_))
}

/// The entry `.git` itself.
fn judge_entry(op: FileOp, likeness: Likeness, at_root: bool, entry_depth: usize) -> Option<Judged> {
    let denied = |row| Some(Judged { verdict: Verdict::Deny, row, entry_depth });
    if likeness == Likeness::Alike && appears(op) {
        return denied(GitRow::Lookalike);
    }
    match op {
        FileOp::Create(NodeKind::Directory) => None,
        // Git writes the pointer of a submodule and of a linked worktree as a file, and truncates an existing one
        // when it adds a submodule; only the workspace's own entry must stay what it is.
        FileOp::Create(NodeKind::File) | FileOp::Write | FileOp::Delete if !at_root => None,
        _ => denied(GitRow::Entry),
    }
}

/// Something inside a git directory.
fn judge_below(names: &[&[u8]], op: FileOp, entry_depth: usize, flavor: Flavor) -> Option<Judged> {
    if names.is_empty() {
        // A git directory known by its path is there already and is replaced by nobody.
        let replaces = !matches!(op, FileOp::Write | FileOp::Create(NodeKind::Directory));
        let row = GitRow::Entry;
        return replaces.then_some(Judged { verdict: Verdict::Deny, row, entry_depth });
    }
    let canonical: Vec<Cow<'_, [u8]>> = names.iter().map(|name| names::canonical(name)).collect();
    let part = GitDir { names: &canonical, nested: false };
    let (verdict, row) = part.judge(op)?;
    let last = names.len() - 1;
    let imitates = flavor == Flavor::Posix && canonical[last].as_ref() != names[last];
    let (verdict, row) = match imitates && appears(op) {
        true => (Verdict::Deny, GitRow::Lookalike),
        false => (verdict, row),
    };
    (verdict != Verdict::Allow).then_some(Judged { verdict, row, entry_depth })
}

/// Names inside a directory that git may take for a git directory.
struct GitDir<'a> {
    names: &'a [Cow<'a, [u8]>],
    /// True inside `modules/` or `worktrees/`, where the directory is a git directory only perhaps.
    nested: bool,
}

/// Git makes a link of such a name in a new git directory to see whether the disk has links; were it refused, git
/// would check out every link as a text file from then on.
fn is_probe(name: &[u8]) -> bool {
    matches!(name, [b't', rest @ ..] if rest.len() == 6 && rest.iter().all(u8::is_ascii_alphanumeric))
}

type Finding = Option<(Verdict, GitRow)>;

fn deny(row: GitRow) -> Finding {
    Some((Verdict::Deny, row))
}

fn allow(row: GitRow) -> Finding {
    Some((Verdict::Allow, row))
}

impl GitDir<'_> {
    /// The verdict at a place that has a meaning to git, `None` elsewhere.
    fn judge(&self, op: FileOp) -> Finding {
        let below = &self.names[1..];
        match self.names[0].as_ref() {
            b"hooks" => Self::hooks(below, op),
            b"info" => Self::info(below, op),
            b"commondir" if below.is_empty() && self.nested => Self::pointer(op),
            b"commondir" if below.is_empty() => deny(GitRow::CommonDir),
            b"gitdir" if below.is_empty() && self.nested => Self::pointer(op),
            b"config" | b"config.worktree" if below.is_empty() => self.config(op),
            name if name.starts_with(INSTALLING.as_bytes()) => deny(GitRow::Config),
            b"remotes" | b"branches" if below.is_empty() => Self::remotes(op),
            b"remotes" | b"branches" => deny(GitRow::Remotes),
            b"worktrees" => Self::worktrees(below, op),
            b"modules" if !self.nested => Self::modules(below, op),
            _ => None,
        }
    }

    fn hooks(below: &[Cow<'_, [u8]>], op: FileOp) -> Finding {
        match below {
            [] if op == FileOp::Create(NodeKind::Directory) => allow(GitRow::Hooks),
            [name] if name.ends_with(b".sample") && name.len() > b".sample".len() => None,
            _ => deny(GitRow::Hooks),
        }
    }

    fn info(below: &[Cow<'_, [u8]>], op: FileOp) -> Finding {
        match below {
            [] if matches!(op, FileOp::Create(NodeKind::Directory) | FileOp::Delete | FileOp::Write) => {
                allow(GitRow::Attributes)
            }
            [] => deny(GitRow::Attributes),
            [name, ..] if name.as_ref() == b"attributes" => deny(GitRow::Attributes),
            _ => None,
        }
    }

    fn config(&self, op: FileOp) -> Finding {
        match op {
            FileOp::Create(NodeKind::File) | FileOp::MoveTo(NodeKind::File) => {
                Some((Verdict::Vet(Vet::GitConfig), GitRow::Config))
            }
            // The directory of a submodule that is called so.
            FileOp::Create(NodeKind::Directory) if self.nested => allow(GitRow::Config),
            _ => deny(GitRow::Config),
        }
    }

    fn pointer(op: FileOp) -> Finding {
        match op {
            FileOp::Create(NodeKind::File | NodeKind::Directory) => allow(GitRow::Pointer),
            _ => deny(GitRow::Pointer),
        }
    }

    /// The empty directories come with git's own template.
    fn remotes(op: FileOp) -> Finding {
        match op {
            FileOp::Create(NodeKind::Directory) | FileOp::Delete | FileOp::Write => allow(GitRow::Remotes),
            _ => deny(GitRow::Remotes),
        }
    }

    fn container(op: FileOp) -> Finding {
        match op {
            FileOp::Create(NodeKind::Directory) | FileOp::Delete | FileOp::Write => allow(GitRow::Nested),
            _ => deny(GitRow::Nested),
        }
    }

    fn worktrees(below: &[Cow<'_, [u8]>], op: FileOp) -> Finding {
        match below {
            [] | [_] => Self::container(op),
            [_, inner @ ..] => GitDir { names: inner, nested: true }.judge(op),
        }
    }

    /// Names of submodules may hold separators, so each directory below `modules` is perhaps a git directory, up to
    /// one of those in which git keeps names of the user's choice.
    fn modules(below: &[Cow<'_, [u8]>], op: FileOp) -> Finding {
        const DATA: [&[u8]; 6] = [b"objects", b"refs", b"logs", b"lfs", b"rebase-merge", b"rebase-apply"];
        let Some((_, inner)) = below.split_first() else { return Self::container(op) };
        let data = inner.iter().position(|name| DATA.contains(&name.as_ref()));
        let mut worst: Finding = None;
        for start in 0..data.map_or(inner.len(), |at| at + 1) {
            let found = GitDir { names: &inner[start..], nested: true }.judge(op);
            if let Some((verdict, _)) = found
                && worst.is_none_or(|(known, _)| verdict < known)
            {
                worst = found;
            }
        }
        let smuggles = matches!(
            op,
            FileOp::MoveTo(NodeKind::Directory | NodeKind::Symlink | NodeKind::Other)
                | FileOp::Create(NodeKind::Symlink | NodeKind::Other)
        );
        if op == FileOp::Create(NodeKind::Symlink) && inner.last().is_some_and(|name| is_probe(name)) {
            return worst;
        }
        if smuggles && data.is_none_or(|at| at + 1 == inner.len()) { deny(GitRow::Nested) } else { worst }
    }
}
