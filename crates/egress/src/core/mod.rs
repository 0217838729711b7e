//! Decisions and parsers without I/O. Every function is total: any input has an answer, and nothing grows without a
//! bound.

mod canary;
pub mod dns;
mod event;
mod host;
pub mod http;
mod judge;
mod meter;
mod names;
mod pattern;
mod progress;
mod rewrite;
mod ruling;
mod secret;
mod sniff;
pub mod socks;
mod synthetic;
pub mod tls;
mod toward;
mod upstream;
mod websocket;

pub use canary::Canary;
pub use event::{CROWDED, Closed, Decided, Event, Fault, Front, Protocol, Request, SecretsSeen};
pub use host::{Host, HostFault, authority};
pub use judge::{Judge, RequestView, Route, Vetted, agree};
pub use meter::{Budgets, Meter, Rate};
pub use names::{NameKind, SPECIAL_NAMES, SpecialName, special_name};
pub use progress::Progress;
pub use rewrite::Rewriter;
pub use ruling::{Answer, Code, Grants, Hint, Question, Ruling, Verdict};
pub use secret::{Secret, SecretClash, SecretFault, Secrets};
pub use sniff::{HTTP2_PREFACE, LONGEST_FIRST_LINE, Opening, opening};
pub use synthetic::Synthetic;
pub use toward::{BodySecrets, SecretSeen, Substituted, Token, Toward, Withholding};
pub use upstream::{Proxy, ProxyFault, ProxyKind, Upstream};
pub use websocket::{FrameFault, Frames};
