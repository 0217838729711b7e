//! Changes of what the host later runs or trusts (P4), and of what the policy hides.

use garth_plan::git::{Owner, Where, vet_config};
use garth_policy::{AbsPath, Access, FileOp, NodeKind, Policy, RuleKind, Verdict};
use garth_undo::{Change, Kind, What};

fn node(kind: Kind) -> NodeKind {
    match kind {
        Kind::File => NodeKind::File,
        Kind::Directory => NodeKind::Directory,
        Kind::Link => NodeKind::Symlink,
        Kind::Pipe | Kind::Socket | Kind::Device => NodeKind::Other,
    }
}

/// Why a change needs a yes of its own; `None` if it needs none. `contents` gives what stands at the name now and what is
/// to stand there, and is asked only for git configurations.
pub(super) fn trusted(
    policy: &Policy,
    tree: &AbsPath,
    change: &Change,
    contents: impl FnOnce() -> (Option<Vec<u8>>, Option<Vec<u8>>),
) -> Option<String> {
    let path = tree.join(&change.path.as_bytes()[1..]).ok()?;
    let kind = node(change.after.as_ref().or(change.before.as_ref())?.kind);
    let op = match change.what() {
        What::Made => FileOp::Create(kind),
        What::Removed => FileOp::Delete,
        What::Changed | What::Replaced => FileOp::MoveTo(kind),
        What::Touched => FileOp::Write,
    };
    let decided = policy.files.decide(&path, op);
    match decided.verdict {
        Verdict::Deny => {
            let rule = decided.rule?;
            let sealed = matches!(rule.kind, RuleKind::Protected | RuleKind::Secret);
            (sealed || rule.access == Access::Deny || rule.kind == RuleKind::User).then(|| {
                if rule.reason.is_empty() {
                    format!("a rule keeps it ({})", rule.origin)
                } else {
                    rule.reason.to_string()
                }
            })
        }
        Verdict::Vet(_) => configuration(policy, &path, contents()),
        Verdict::Allow => new_repository(policy, &path, change),
    }
}

fn configuration(
    policy: &Policy,
    path: &AbsPath,
    (old, new): (Option<Vec<u8>>, Option<Vec<u8>>),
) -> Option<String> {
    let git_dir = path.parent()?;
    let root = policy.files.guarded().iter().find(|root| path.starts_with(root))?;
    let place = Where {
        owner: Owner::of(git_dir.as_bytes()),
        git_dir: git_dir.as_bytes(),
        workspace: root.as_bytes(),
        fresh: old.is_none(),
    };
    let Some(new) = new else { return Some("a git configuration cannot be read".into()) };
    match vet_config(old.as_deref(), &new, place) {
        Ok(_) if old.is_some() => None,
        Ok(_) => Some("it makes a git repository of its own".into()),
        Err(refusal) => Some(refusal.reason),
    }
}

/// What git on the host reads of a repository that the layer brings along.
fn new_repository(policy: &Policy, path: &AbsPath, change: &Change) -> Option<String> {
    change.after.as_ref()?;
    let guarded =
        |git: &AbsPath| policy.files.guarded().iter().any(|root| git.parent().as_ref() == Some(root));
    let names: Vec<&[u8]> = path.components().collect();
    let at = names.iter().rposition(|name| name.eq_ignore_ascii_case(b".git"))?;
    let above = names.len() - at - 1;
    let git = (0..above).try_fold(path.clone(), |path, _| path.parent())?;
    let sample = names.last().is_some_and(|name| name.ends_with(b".sample"));
    let runs = match &names[at + 1..] {
        [] => change.what() != What::Touched,
        [b"config" | b"config.worktree" | b"commondir"] | [b"info", b"attributes"] => true,
        [b"hooks", _, ..] => !sample,
        _ => false,
    };
    let directory = change.after.as_ref().is_some_and(|entry| entry.kind == Kind::Directory);
    (runs && !directory && !guarded(&git))
        .then(|| "it belongs to a git repository that the layer makes".into())
}
