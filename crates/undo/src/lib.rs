//! What a layer or a checkpoint changes in a tree, what stands against it, and in which order it is put in place.
//!
//! Everything here takes what was seen and says what follows; looking and writing is the host's part. Paths are those in
//! a tree: the tree's own root is `/`.

mod base;
mod change;
mod entry;
mod marks;
mod merge;
mod order;
mod pending;
mod record;
#[cfg(feature = "text")]
mod text;
#[cfg(feature = "text")]
mod three_way;
mod whole;

pub use base::{Base, Standing, standing};
pub use change::{Change, What};
pub use entry::{Entry, Kind, Time};
pub use marks::{Mark, NotUnderstood, Read, read_attributes};
pub use merge::{Failed, Found, LONGEST_PATH, MOST_NAMES, Seen, Tree, changes};
pub use order::{Act, Step, order, select, without};
pub use pending::{Begun, Line, Pending, read_pending};
pub use record::{CheckpointRecord, LayerRecord, Owner, TreeRecord, is_id};
#[cfg(feature = "text")]
pub use text::{Hunks, LONGEST_TEXT, is_text, unified};
#[cfg(feature = "text")]
pub use three_way::{Merged, three_way};
pub use whole::compare;
