//! Whether what is to be changed is still what the change was made from.
//!
//! overlayfs says which names a layer touches, and not what they looked like when the sandbox began. A list of the whole
//! tree would say so, and would cost more the larger the tree is. What decides instead is the time at which anything
//! about an object last changed, which no program can set: older than the beginning, it is what the sandbox began from. It
//! is written down when the sandbox ends, for the names that the layer touches and for no other.

use crate::{Change, Entry, Kind, Time};
use serde::{Deserialize, Serialize};

/// What stood at a name when a layer began, as far as that can be told at its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Base {
    /// The object.
    pub entry: Option<Entry>,
    /// SHA-256 of the content of a file that the layer holds another content for, in hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// It was not changed from outside while the sandbox stood.
    pub clean: bool,
    /// The machine went down before the layer's content of it was brought to the disk.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lost: bool,
    /// Number of the copy of its text, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copy: Option<u64>,
}

impl Base {
    /// What is written down for a change whose sandbox began at `started`. `directory` is when anything about what
    /// stands nearest above the name, below the layer, last changed.
    #[must_use]
    pub fn of(change: &Change, started: Time, directory: Option<Time>) -> Self {
        let clean = match &change.before {
            // Names in a directory come and go without harm: each of them is looked at itself.
            Some(entry) => entry.kind == Kind::Directory || entry.changed < started,
            // Copied up from something that is gone now; or renamed inside, if no name has left the directory since.
            None => !change.copied || directory.is_some_and(|changed| changed < started),
        };
        Self { entry: change.before.clone(), digest: None, clean, lost: false, copy: None }
    }
}

/// How a name stands to its base.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// As it was.
    AsBefore,
    /// Changed from outside, in these words.
    Moved(&'static str),
}

/// Compares what stands at a name with its base. `digest` is asked for the present content only where it decides.
pub fn standing(base: &Base, present: Option<&Entry>, digest: impl FnOnce() -> Option<String>) -> Standing {
    if base.lost {
        return Standing::Moved(
            "the machine went down before it was brought to the disk, so it may be cut short",
        );
    }
    if !base.clean {
        return Standing::Moved("it was changed outside while the command ran");
    }
    let (was, is) = match (&base.entry, present) {
        (None, None) => return Standing::AsBefore,
        (None, Some(_)) => return Standing::Moved("it was made outside since"),
        (Some(_), None) => return Standing::Moved("it was removed outside since"),
        (Some(was), Some(is)) => (was, is),
    };
    if was.kind != is.kind {
        return Standing::Moved("it became another kind of object outside");
    }
    if is.is_untouched_since(was) {
        return Standing::AsBefore;
    }
    let same = match was.kind {
        Kind::Directory => was.mode == is.mode && was.attributes == is.attributes,
        Kind::Link => was.target == is.target,
        Kind::File => {
            was.size == is.size
                && was.mode == is.mode
                && was.attributes == is.attributes
                && match &base.digest {
                    Some(known) => digest().as_ref() == Some(known),
                    None => was.object == is.object && was.modified == is.modified,
                }
        }
        _ => was.object == is.object,
    };
    if same { Standing::AsBefore } else { Standing::Moved("it was changed outside since") }
}
