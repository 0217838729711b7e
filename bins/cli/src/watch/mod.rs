//! `garth watch`: what runs now, live. State and picture are pure; the log, the kernel and the doors of questions are read
//! in [`follow`], [`answer`] and by the verb.

mod answer;
mod draw;
mod follow;
mod once;
mod state;

#[cfg(test)]
mod tests;

pub use answer::Visits;
pub use draw::{Look, draw};
pub use follow::Follower;
pub use once::once;
pub use state::{Deed, Key, View};
