//! `garth watch`: what runs now, live. State and picture are pure; the log, the kernel and the doors of questions are read
//! in [`follow`], [`answer`] and by the verb.

#[cfg(target_os = "linux")]
mod answer;
mod draw;
#[cfg(not(target_os = "linux"))]
mod elsewhere;
mod follow;
mod once;
mod state;

#[cfg(test)]
mod tests;

#[cfg(target_os = "linux")]
pub use answer::Visits;
pub use draw::{Look, draw, fits};
#[cfg(not(target_os = "linux"))]
pub use elsewhere::Visits;
pub use follow::Follower;
pub use once::once;
pub use state::{Deed, Key, View};
