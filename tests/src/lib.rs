//! Harness of the end-to-end tests: real tools, run by the real program, as each kind of user.
//!
//! A test gets a [`Garden`]: a scratch home, a scratch workspace and a copy of `garth` that the user of the
//! moment owns or may read. When the tests run as root, each test runs twice, as root and as an ordinary user.
#![cfg(target_os = "linux")]
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a harness reports by failing the test"
)]

mod garden;
mod internet;
mod place;
mod program;
mod run;
mod servers;
mod snapshot;
mod terminal;
mod tools;

pub use garden::{Garden, Identity, View, everyone};
pub use internet::{CLIENT, Internet, SERVER};
pub use place::{DENIED, OPENED, PASSED, Place};
pub use program::garth;
pub use run::{Run, Running, finish, start};
pub use servers::{GIT, GRPC, HTTP2, WEBSOCKET};
pub use snapshot::Snapshot;
pub use terminal::Terminal;
pub use tools::{cargo_home, has, registry, unavailable};
