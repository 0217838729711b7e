//! What the broker tells about itself: each decision, each end of a connection, each fault. The audit log adds time,
//! session and process.

use super::host::Host;
use super::ruling::Ruling;
use super::toward::SecretSeen;
use core::net::{IpAddr, SocketAddr};
use serde::{Deserialize, Serialize};

/// Where a connection came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Front {
    /// The proxy that a program was told of.
    Explicit,
    /// A redirected connection.
    Transparent,
    /// A loopback port of the host.
    HostPort,
    /// The name server inside.
    Dns,
}

/// How a connection was asked for, or what was seen in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// Bytes that are not looked into.
    Tcp,
    /// TLS, passed through.
    Tls,
    /// TLS, opened by the broker.
    TlsOpened,
    /// HTTP without TLS.
    Http,
    /// HTTP CONNECT.
    Connect,
    /// SOCKS version 5.
    Socks5,
    /// A question for a name.
    Dns,
}

/// A request of which method and path were seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The method.
    pub method: String,
    /// The path, without query: queries carry data.
    pub path: String,
}

/// A decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decided {
    /// Number of the connection in this session.
    pub connection: u64,
    /// Where it came in.
    pub front: Front,
    /// The client's socket inside, by which the process can be found.
    pub client: Option<SocketAddr>,
    /// How it was asked for.
    pub protocol: Protocol,
    /// The host; `None` if it was none.
    pub host: Option<Host>,
    /// The port; 0 if none was given.
    pub port: u16,
    /// The address that was connected to.
    pub address: Option<IpAddr>,
    /// The request, where it was seen.
    pub request: Option<Request>,
    /// Verdict, reason, clause and hint.
    pub ruling: Ruling,
    /// The placeholders in the head of the request, and for a compressed body those that may be in it.
    pub secrets: Vec<SecretSeen>,
    /// True if the client's hello was encrypted in part (ECH), or pretended to be.
    pub encrypted_hello: bool,
}

/// The end of a connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closed {
    /// Number of the connection in this session.
    pub connection: u64,
    /// The host.
    pub host: Host,
    /// The port.
    pub port: u16,
    /// Bytes sent to the host.
    pub sent: u64,
    /// Bytes received from it.
    pub received: u64,
    /// How long it was open, in milliseconds.
    pub milliseconds: u64,
}

/// Placeholders that were met in the body of a request, which is seen after the decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretsSeen {
    /// Number of the connection in this session.
    pub connection: u64,
    /// The host.
    pub host: Host,
    /// The port.
    pub port: u16,
    /// The placeholders.
    pub secrets: Vec<SecretSeen>,
}

/// The operation of the [`Fault`] that tells of connections that were ended for others. Its cause says how many so far.
pub const CROWDED: &str = "keep every connection open";

/// Something of the broker's own that failed; no decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// What was being done.
    pub operation: String,
    /// What went wrong.
    pub cause: String,
}

impl Fault {
    /// Whether the process, or the whole machine, had no descriptor left (`EMFILE`, `ENFILE`).
    #[must_use]
    pub fn is_out_of_descriptors(&self) -> bool {
        ["os error 23)", "os error 24)"].iter().any(|number| self.cause.contains(number))
    }
}

/// What the broker tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// A decision.
    Decided(Box<Decided>),
    /// Secrets in a body, each once a request.
    Secrets(SecretsSeen),
    /// The end of a connection.
    Closed(Closed),
    /// A failure of the broker's own.
    Fault(Fault),
}
