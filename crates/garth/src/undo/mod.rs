//! Layers and checkpoints: what a sandbox changed, put in place when the user says so, and taken back.

#[cfg(target_os = "linux")]
mod apply;
mod checkpoints;
#[cfg(target_os = "linux")]
mod differences;
mod found;
mod ignored;
#[cfg(target_os = "linux")]
mod layers;
mod making;
#[cfg(target_os = "linux")]
mod merging;
mod names;
mod own;
#[cfg(target_os = "linux")]
mod replaced;
mod revert;
#[cfg(target_os = "linux")]
mod settle;
mod trusted;

#[cfg(target_os = "linux")]
pub use apply::{Applied, Choice, Choose, Order, apply, discard, interrupted};
pub use checkpoints::{Bounds, Checkpoint, Checkpoints};
#[cfg(target_os = "linux")]
pub use differences::{Difference, Differences, Reader, differences};
pub use garth_host::undo::{Unwatched, Watch};
pub use garth_undo::{
    Change, CheckpointRecord, Entry, Hunks, Kind, LONGEST_PATH, LayerRecord, Merged, Standing, What,
    three_way, unified,
};
#[cfg(target_os = "linux")]
pub use layers::{Layer, LayerEnd, Layers};
pub use revert::{Reversal, Reverted, reversal};

#[cfg(target_os = "linux")]
pub(crate) use found::Found;
#[cfg(target_os = "linux")]
pub(crate) use layers::{LiveLayer, Planned, make_layer, planned};
pub(crate) use own::remove_directory;
#[cfg(target_os = "linux")]
pub(crate) use own::{make_private, new_id, write_whole};

use crate::Error;
use std::path::Path;

/// An error of reading or writing garth's own files.
pub(crate) fn file_error(operation: &str, path: &Path, error: &std::io::Error) -> Error {
    Error::Undo {
        what: format!(
            "cannot {operation} {}",
            garth_policy::escape_visible(path.as_os_str().as_encoded_bytes())
        ),
        why: error.to_string(),
        hint: "look at the permissions and the free space of garth's state directory".into(),
    }
}

pub(super) fn not_compared(failed: garth_undo::Failed<garth_host::OsError>) -> Error {
    match failed {
        garth_undo::Failed::Look(error) => Error::os("compare the layer with the workspace")(error),
        other => Error::Undo {
            what: "there is too much to be compared".into(),
            why: other.to_string(),
            hint:
                "of a layer, throw it away with `garth discard`; in the workspace, remove what is not needed"
                    .into(),
        },
    }
}

/// What is known of a name from when a layer began.
#[derive(Clone, Debug, Default)]
pub enum Was {
    /// It was changed before anybody looked.
    #[default]
    Unknown,
    /// Nothing stood there.
    Nothing,
    /// This did.
    Something(Entry),
}

/// The texts of a difference: before the layer, outside now, and in the layer. `None` for what is no text, too long or not
/// there.
#[derive(Clone, Debug, Default)]
pub struct Texts {
    /// What stood there when the layer began.
    pub was: Was,
    /// When the layer began.
    pub base: Option<Vec<u8>>,
    /// What stands there now.
    pub outside: Option<Vec<u8>>,
    /// What the layer has.
    pub layer: Option<Vec<u8>>,
}
