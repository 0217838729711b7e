//! Layers and checkpoints: what a sandbox changed, put in place when the user says so, and taken back.

mod apply;
mod checkpoints;
mod differences;
mod found;
mod ignored;
mod layers;
mod making;
mod merging;
mod replaced;
mod revert;
mod settle;
mod trusted;

pub use apply::{Applied, Choice, Choose, Order, apply, discard, interrupted};
pub use checkpoints::{Bounds, Checkpoint, Checkpoints};
pub use differences::{Difference, Differences, Reader, Texts, differences};
pub use garth_host::linux::undo::place::{Unwatched, Watch};
pub use garth_undo::{
    Change, CheckpointRecord, Entry, Hunks, Kind, LONGEST_PATH, LayerRecord, Merged, Standing, What,
    three_way, unified,
};
pub use layers::{Layer, LayerEnd, Layers};
pub use revert::{Reversal, Reverted, reversal};

pub(crate) use found::Found;
pub(crate) use layers::{LiveLayer, Planned, planned, remove_directory};

use crate::Error;
use std::path::Path;

/// An error of reading or writing garth's own files.
fn file_error(operation: &str, path: &Path, error: &std::io::Error) -> Error {
    Error::Undo {
        what: format!(
            "cannot {operation} {}",
            garth_policy::escape_visible(path.as_os_str().as_encoded_bytes())
        ),
        why: error.to_string(),
        hint: "look at the permissions and the free space of garth's state directory".into(),
    }
}
