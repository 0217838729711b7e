//! Keeping what stands in a tree, and putting it back.
//!
//! Everything is done at names below an opened root, in the form that is not limited to 260 characters. What was opened is asked
//! for its final path: one in other letters is another name, and one that is elsewhere was reached through a link, and is
//! not touched.

pub mod clock;
pub mod content;
mod names;
pub mod place;
mod root;
#[cfg(test)]
mod tests;

pub use names::{bytes_of, name_of};
pub use root::Root;
