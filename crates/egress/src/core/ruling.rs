//! Verdicts with their reason, in words for people and in codes for programs.

use super::host::Host;
use garth_policy::{HostPattern, Origin};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::HashSet;

/// The answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Refused.
    Deny,
    /// Refused unless the approver agrees.
    Ask,
    /// Allowed.
    Allow,
}

/// What decided, for programs. The words are part of the published schema of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// A rule names the host.
    Named,
    /// The network is open.
    Open,
    /// A loopback port of the host that the policy opens.
    HostPort,
    /// The approver agreed.
    Approved,
    /// A rule allows the method and path.
    Request,
    /// The host is no well-formed name or address.
    HostMalformed,
    /// There is no network.
    NetworkDenied,
    /// A rule denies the host or its address.
    HostDenied,
    /// A private, link-local, loopback, metadata or reserved address.
    SpecialAddress,
    /// A name of the local machine or network.
    SpecialName,
    /// An address of the host itself.
    OwnAddress,
    /// The name resolves to addresses that are refused, and to no other.
    ResolvedRefused,
    /// Nothing names the host.
    NotNamed,
    /// The administrator's list does not name the host.
    Ceiling,
    /// No rule allows the method and path.
    RequestDenied,
    /// The path could be read in two ways.
    PathAmbiguous,
    /// A header that makes a server see another method or path.
    Override,
    /// The name asked for, the SNI and the Host do not agree.
    NameMismatch,
    /// More was sent to the host than the budget allows.
    UploadBudget,
    /// Too many new names in a short time.
    NameRate,
    /// The approver said no, or not in time.
    NotApproved,
    /// A message that is not understood, or could be read in two ways.
    Malformed,
    /// A protocol that is not carried.
    Protocol,
    /// Missing or wrong credentials of the session.
    Credentials,
    /// Too many connections, or too slow a client.
    Limit,
    /// The name does not resolve.
    ResolveFailed,
    /// No connection could be made.
    ConnectFailed,
    /// The server's TLS is refused.
    TlsFailed,
}

impl Code {
    /// The word of the schema.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Named => "named",
            Self::Open => "open",
            Self::HostPort => "host-port",
            Self::Approved => "approved",
            Self::Request => "request",
            Self::HostMalformed => "host-malformed",
            Self::NetworkDenied => "network-denied",
            Self::HostDenied => "host-denied",
            Self::SpecialAddress => "special-address",
            Self::SpecialName => "special-name",
            Self::OwnAddress => "own-address",
            Self::ResolvedRefused => "resolved-refused",
            Self::NotNamed => "not-named",
            Self::Ceiling => "ceiling",
            Self::RequestDenied => "request-denied",
            Self::PathAmbiguous => "path-ambiguous",
            Self::Override => "override",
            Self::NameMismatch => "name-mismatch",
            Self::UploadBudget => "upload-budget",
            Self::NameRate => "name-rate",
            Self::NotApproved => "not-approved",
            Self::Malformed => "malformed",
            Self::Protocol => "protocol",
            Self::Credentials => "credentials",
            Self::Limit => "limit",
            Self::ResolveFailed => "resolve-failed",
            Self::ConnectFailed => "connect-failed",
            Self::TlsFailed => "tls-failed",
        }
    }
}

/// The least addition to a policy that would allow what was refused.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Hint {
    /// Section of the policy file, without brackets.
    pub section: Cow<'static, str>,
    /// The line.
    pub line: String,
}

impl Hint {
    /// A line that allows a host at a port.
    #[must_use]
    pub fn domain(host: &Host, port: u16) -> Self {
        let key = if port == 443 { host.text() } else { host.with_port(port) };
        Self { section: "network.domains".into(), line: format!("\"{key}\" = \"allow\"") }
    }

    /// A line that opens a loopback port of the host.
    #[must_use]
    pub fn host_port(port: u16) -> Self {
        Self { section: "network".into(), line: format!("host-ports = [{port}]") }
    }

    /// A line that bounds what leaves more widely: `upload` or `new-names`, with a value.
    #[must_use]
    pub fn budget(key: &str, value: &str) -> Self {
        Self { section: "network.budget".into(), line: format!("{key} = {value}") }
    }

    /// The rule that bounds what goes to its hosts, with more.
    #[must_use]
    pub fn rule_budget(host: &HostPattern, most: u64) -> Self {
        let line = format!("host = \"{host}\", upload = \"{most}\"");
        Self { section: "[network.rules]".into(), line }
    }

    /// The same where the port is not known.
    #[must_use]
    pub fn some_host_port() -> Self {
        Self { section: "network".into(), line: "host-ports = [PORT]".into() }
    }

    /// The option of `garth run` that does the same once, where there is one.
    #[must_use]
    pub fn option(&self) -> Option<String> {
        let host = self.line.strip_prefix('"')?.split('"').next()?;
        (self.section == "network.domains").then(|| format!("--allow {host}"))
    }

    /// Whether it opens a loopback port of the host.
    #[must_use]
    pub fn opens_host_port(&self) -> bool {
        self.line.starts_with("host-ports")
    }

    /// A rule that allows one request.
    #[must_use]
    pub fn request(host: &Host, method: &str, path: &str) -> Self {
        let path = path.split(['?', '#']).next().unwrap_or_default();
        let line = format!("host = \"{host}\", methods = [\"{method}\"], paths = [\"{path}\"]");
        Self { section: "[network.rules]".into(), line }
    }
}

/// A verdict and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ruling {
    /// The answer.
    pub verdict: Verdict,
    /// What decided.
    pub code: Code,
    /// Why, as a lower-case fragment.
    pub reason: Cow<'static, str>,
    /// The clause that decided; `None` if nothing speaks of it.
    pub origin: Option<Origin>,
    /// What would allow it; `None` for what is allowed, and where nothing should.
    pub hint: Option<Hint>,
}

impl Ruling {
    /// A refusal that no clause of the policy speaks of.
    #[must_use]
    pub fn deny(code: Code, reason: impl Into<Cow<'static, str>>) -> Self {
        Self { verdict: Verdict::Deny, code, reason: reason.into(), origin: None, hint: None }
    }

    /// The same with a hint.
    #[must_use]
    pub fn hinted(mut self, hint: Hint) -> Self {
        self.hint = Some(hint);
        self
    }

    /// True if allowed.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        self.verdict == Verdict::Allow
    }
}

/// What an approver is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// The host.
    pub host: Host,
    /// The port.
    pub port: u16,
    /// Address of the client's socket inside, by which the process can be found.
    pub client: Option<core::net::SocketAddr>,
    /// Why it is asked.
    pub reason: Cow<'static, str>,
    /// What would allow it for good.
    pub hint: Option<Hint>,
}

/// What an approver answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// No.
    Deny,
    /// This connection.
    Once,
    /// This host and port until the session ends.
    Session,
}

/// How many grants a session keeps.
const MOST_GRANTS: usize = 4096;

/// What the approver granted for the session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grants {
    granted: HashSet<(Host, u16)>,
}

impl Grants {
    /// None yet.
    #[must_use]
    pub fn none() -> Self {
        Self { granted: HashSet::new() }
    }

    /// Adds one. Beyond a few thousand nothing is kept, and each is asked anew.
    pub fn add(&mut self, host: Host, port: u16) {
        if self.granted.len() < MOST_GRANTS {
            self.granted.insert((host, port));
        }
    }

    /// True if this was granted.
    #[must_use]
    pub fn has(&self, host: &Host, port: u16) -> bool {
        self.granted.contains(&(host.clone(), port))
    }
}
