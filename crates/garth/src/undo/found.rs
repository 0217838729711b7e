//! What a session changed, found by comparing, for its log.

use super::checkpoints::Checkpoint;
use super::revert::reversal;
use super::trusted::trusted;
use crate::audit::{Recorder, tell};
use crate::changed::{MOST, closed, compared, kept_by};
use garth_audit::core::BrokerError;
use garth_policy::{AbsPath, FileOp, Policy, Verdict};
use garth_undo::Change;

/// Changes of trees, as many as are told.
#[derive(Debug)]
pub(crate) struct Found {
    list: Vec<(AbsPath, Change)>,
    more: u64,
    wanted: bool,
}

impl Found {
    /// None yet; none are kept if nobody wants them.
    pub(crate) fn new(wanted: bool) -> Self {
        Self { list: Vec::new(), more: 0, wanted }
    }

    pub(crate) fn add(&mut self, tree: &AbsPath, change: &Change) {
        match self.list.len() {
            _ if !self.wanted => {}
            ..MOST => self.list.push((tree.clone(), change.clone())),
            _ => self.more += 1,
        }
    }

    /// Tells them, and how complete that is: `missing` is what was not compared.
    pub(crate) fn tell(&self, recorder: &Recorder, policy: &Policy, missing: Option<String>) {
        for (tree, change) in &self.list {
            let trusted = why_trusted(policy, tree, change);
            tell(recorder, || compared(tree, change, trusted));
        }
        let told = self.list.len() as u64;
        let missing = missing.or_else(|| (self.more > 0).then(|| format!("{} more", self.more)));
        tell(recorder, || closed("changes", (told, self.more), missing));
    }
}

fn why_trusted(policy: &Policy, tree: &AbsPath, change: &Change) -> Option<String> {
    let path = tree.join(change.path.as_bytes().strip_prefix(b"/")?).ok()?;
    match policy.files.decide(&path, FileOp::Write).verdict {
        // Its content is looked at when it is put in place.
        Verdict::Vet(_) => kept_by(policy, &path),
        _ => trusted(policy, tree, change, || (None, None)),
    }
}

impl Checkpoint {
    /// Tells what is different now.
    pub(crate) fn tell_changes(self, recorder: &Recorder, policy: &Policy) {
        if recorder.is_none() {
            return;
        }
        let (tree, left_out) = (self.record.tree.path.clone(), self.record.left_out.len());
        match reversal(self, &[]) {
            Ok(reversal) => {
                let mut found = Found::new(true);
                for change in &reversal.changes {
                    // It says what going back would do.
                    let Change { path, before, after, copied, same_content } = change.clone();
                    let done = Change { path, before: after, after: before, copied, same_content };
                    found.add(&tree, &done);
                }
                let missing = (left_out > 0)
                    .then(|| format!("what changed in {left_out} names that the checkpoint left out"));
                found.tell(recorder, policy, missing);
            }
            Err(error) => {
                let cause = error.to_string();
                let operation = "compare the workspace with the checkpoint".to_owned();
                tell(recorder, || BrokerError { operation, cause: cause.clone() });
                tell(recorder, || closed("changes", (0, 0), Some(cause)));
            }
        }
    }
}
