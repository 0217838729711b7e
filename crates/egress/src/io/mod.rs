//! The broker: it listens where programs inside the garden connect to, asks the [core](crate::core) what may leave, and
//! carries it out. Start one with [`Broker::start`]; it stops when it is dropped.

mod ahead;
mod authority;
mod body;
mod broker;
mod ciphers;
mod config;
mod connection;
mod dial;
mod engine;
mod explicit;
mod names;
mod opened;
mod published;
mod relay;
mod replies;
mod resolving;
mod rewind;
mod server;
mod session;
mod slots;
mod transparent;
mod tunnel;
mod upgrade;

pub use broker::{Broker, StartError};
pub use config::{Approve, Config, Front, Inside, Limits, Resolve, Roots, Sink, SystemResolver};
