//! The pure part: vocabulary, redaction, chain.

mod chain;
mod event;
pub mod export;
mod inside;
mod moment;
mod query;
mod record;
pub mod redact;
pub mod retention;
mod schema;
mod text;

pub use chain::{Chain, Fault, FaultKind, Head, Verifier};
pub use event::{
    ApprovalAnswered, ApprovalAsked, Asked, BrokerError, Change, CheckpointMade, Clause, CommandVetted, Dns,
    Event, EventsOmitted, FileChanged, FileDenied, Gap, Grant, Kind, LayerKept, LimitHit, ListClosed,
    LogContinued, LogHead, LogRecovered, LogRemoved, Machine, NetworkAllowed, NetworkClosed, NetworkDecided,
    NetworkDenied, PlanChanged, ProcessEnded, ProcessStarted, RepositoryMade, ResidueCleaned, Rule,
    SecretUse, SecretUsed, SecretWithheld, SessionEnded, SessionStarted, Usage,
};
pub use moment::Moment;
pub use query::{Filter, Search};
pub use record::{Header, Record, SessionId, VERSION};
pub use schema::schema;
pub use text::{cut, visible};
