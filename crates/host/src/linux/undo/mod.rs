//! Looks at layers, checkpoints and the trees of the user, and changes these.
//!
//! Everything is reached from an opened root, through descriptors, and no link is followed: who can change the tree
//! meanwhile can make a change fail, and cannot lead it elsewhere.

pub mod clock;
pub mod content;
pub mod place;
pub mod remove;
pub mod root;
#[cfg(test)]
mod tests;

pub use root::Root;
