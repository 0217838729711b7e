//! `garth watch`: what runs now, live. State and picture are pure; the log, the kernel and the doors of questions are read
//! in [`follow`], [`answer`] and by the verb.

#[cfg(any(target_os = "linux", windows))]
mod answer;
mod draw;
#[cfg(not(any(target_os = "linux", windows)))]
mod elsewhere;
mod follow;
mod once;
mod state;

#[cfg(test)]
mod tests;

#[cfg(any(target_os = "linux", windows))]
pub use answer::Visits;
pub use draw::{Look, draw, fits};
#[cfg(not(any(target_os = "linux", windows)))]
pub use elsewhere::Visits;
pub use follow::Follower;
pub use once::once;
pub use state::{Deed, Key, View};
