//! One difference between a tree and what it is to become.

use crate::{Entry, Kind};
use garth_policy::AbsPath;

/// What is to become of one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The name, from the root of the tree.
    pub path: AbsPath,
    /// What stands there.
    pub before: Option<Entry>,
    /// What is to stand there.
    pub after: Option<Entry>,
    /// Below a layer: `after` was copied up from something below, so something stood there at the start.
    pub copied: bool,
    /// Both are files, and their contents were compared and are the same.
    pub same_content: bool,
}

/// A change in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// Something new.
    Made,
    /// Something that goes.
    Removed,
    /// Another content, or another target of a link.
    Changed,
    /// An object of another kind.
    Replaced,
    /// Only mode, attributes or times.
    Touched,
}

impl Change {
    /// A change, if anything is different. Contents have not been compared: a file that was not looked into is taken for a
    /// different one.
    #[must_use]
    pub fn between(path: AbsPath, before: Option<Entry>, after: Option<Entry>, copied: bool) -> Option<Self> {
        let different = match (&before, &after) {
            (None, None) => false,
            (Some(before), Some(after)) => differ(before, after),
            _ => true,
        };
        different.then_some(Self { path, before, after, copied, same_content: false })
    }

    /// Whether what stands at the name now is what the change was made for; nothing always is, since nothing is overwritten then.
    #[must_use]
    pub fn is_for(&self, present: Option<&Entry>) -> bool {
        let Some(present) = present else { return true };
        self.before.as_ref().is_some_and(|before| {
            let both = present.kind == Kind::Directory && before.kind == Kind::Directory;
            // Names of one object are changed one after the other.
            both || present.is_untouched_since(before) || present.is_same_but_for_names(before)
        })
    }

    /// Whether the content has to be compared to know what this is.
    #[must_use]
    pub fn wants_content(&self) -> bool {
        match (&self.before, &self.after) {
            (Some(before), Some(after)) => {
                before.kind == Kind::File && after.kind == Kind::File && before.size == after.size
            }
            _ => false,
        }
    }

    /// What it is.
    #[must_use]
    pub fn what(&self) -> What {
        match (&self.before, &self.after) {
            (None, _) => What::Made,
            (_, None) => What::Removed,
            (Some(before), Some(after)) if before.kind != after.kind => What::Replaced,
            (Some(before), Some(after)) => {
                let same = match after.kind {
                    Kind::File => self.same_content,
                    Kind::Link => before.target == after.target,
                    _ => true,
                };
                if same { What::Touched } else { What::Changed }
            }
        }
    }

    /// Whether what stands there is what is to be, but for its times. Somebody else may have made it so: there is nothing to
    /// choose then.
    #[must_use]
    pub fn is_of_times_alone(&self) -> bool {
        let (Some(before), Some(after)) = (&self.before, &self.after) else { return false };
        self.what() == What::Touched && before.mode == after.mode && before.attributes == after.attributes
    }

    /// Whether two files of the same content are still different enough to be put in place.
    #[must_use]
    pub fn matters_with_same_content(&self) -> bool {
        let (Some(before), Some(after)) = (&self.before, &self.after) else { return true };
        before.mode != after.mode
            || before.attributes != after.attributes
            || before.modified != after.modified
    }
}

/// Whether two objects at one name differ in anything that is put in place. The times of directories are not
/// looked at: they change with every name in them.
fn differ(before: &Entry, after: &Entry) -> bool {
    if before.kind != after.kind {
        return true;
    }
    match after.kind {
        Kind::Link => before.target != after.target || before.modified != after.modified,
        Kind::File => {
            // The same size at the same time is no proof of the same content: that is compared.
            !before.is_untouched_since(after)
                && (before.size != after.size
                    || before.modified != after.modified
                    || before.mode != after.mode
                    || before.attributes != after.attributes
                    || after.size > 0)
        }
        _ => before.mode != after.mode || before.attributes != after.attributes,
    }
}
