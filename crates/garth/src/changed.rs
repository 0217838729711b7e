//! Changed files, and how complete lists are, as events of the log.

use garth_audit::core::{Change as How, FileChanged, ListClosed};
use garth_policy::{AbsPath, FileOp, Policy, Verdict};
use garth_undo::{Change, Kind, What};

/// Changes of files that are told; the rest is counted.
pub(crate) const MOST: usize = 10_000;

/// How complete a list is.
pub(crate) fn closed(list: &str, (told, more): (u64, u64), missing: Option<String>) -> ListClosed {
    ListClosed { list: list.to_owned(), complete: missing.is_none(), told, more, missing }
}

/// Why a name deserves a look: the policy does not simply let it be written to.
pub(crate) fn kept_by(policy: &Policy, path: &AbsPath) -> Option<String> {
    let decided = policy.files.decide(path, FileOp::Write);
    match decided.verdict {
        Verdict::Allow => None,
        Verdict::Vet(_) => Some("a git configuration: git on the host reads it".to_owned()),
        Verdict::Deny => decided.rule.map(|rule| rule.reason.to_string()).filter(|reason| !reason.is_empty()),
    }
}

/// A change that a comparison found in a tree. `trusted` says why it needs a look.
pub(crate) fn compared(tree: &AbsPath, change: &Change, trusted: Option<String>) -> FileChanged {
    let path = tree.join(change.path.as_bytes().strip_prefix(b"/").unwrap_or_default());
    let path = path.unwrap_or_else(|_| change.path.clone());
    let how = match change.what() {
        What::Made => How::Created,
        What::Removed => How::Deleted,
        What::Changed | What::Replaced | What::Touched => How::Modified,
    };
    let kind = change.after.as_ref().or(change.before.as_ref()).map(|entry| match entry.kind {
        Kind::File => "file",
        Kind::Directory => "directory",
        Kind::Link => "symlink",
        Kind::Pipe | Kind::Socket | Kind::Device => "other",
    });
    FileChanged {
        path: path.to_lossless(),
        change: how,
        from: None,
        bytes: change.after.as_ref().map(|entry| entry.size),
        kind: kind.map(str::to_owned),
        protected: trusted,
    }
}
