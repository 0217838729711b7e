//! The one decision: from a name or address, a port, and where it is seen a request, to a verdict.

use super::canary::Canary;
use super::host::Host;
use super::names::{NameKind, special_name};
use super::ruling::{Code, Grants, Hint, Ruling, Verdict};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use garth_policy::{
    AddressKind, Network, NetworkCode, NetworkDecision, canonical, embedded, is_ambiguous_path, special_range,
};
use std::borrow::Cow;

/// How the addresses of an allowed host are found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// These and no others; nothing is resolved.
    Fixed(Vec<IpAddr>),
    /// Those that the name resolves to and [`Judge::addresses`] lets pass.
    Resolve(String),
}

/// Resolved addresses, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vetted {
    /// These may be connected to, in the resolver's order.
    pub allowed: Vec<IpAddr>,
    /// These may not.
    pub refused: Vec<(IpAddr, Ruling)>,
}

impl Vetted {
    /// The refusal, if no address is left.
    #[must_use]
    pub fn refusal(&self, host: &Host) -> Option<Ruling> {
        if !self.allowed.is_empty() {
            return None;
        }
        let Some((address, ruling)) = self.refused.first() else {
            return Some(Ruling::deny(Code::ResolveFailed, "the name has no address"));
        };
        let mut ruling = ruling.clone();
        if let Host::Name(_) = host {
            ruling.reason = format!("the name resolves to {address}, and {}", ruling.reason).into();
            ruling.code = Code::ResolvedRefused;
        }
        Some(ruling)
    }
}

/// What is judged of a request.
#[derive(Clone, Copy, Debug)]
pub struct RequestView<'a> {
    /// The method as sent.
    pub method: &'a str,
    /// Path and query as sent.
    pub target: &'a str,
    /// Names of the headers, lower-case.
    pub headers: &'a [&'a str],
}

/// Headers by which a server takes another method than that of the request line.
const METHOD_OVERRIDES: &[&str] = &["x-http-method-override", "x-http-method", "x-method-override"];

/// Headers by which a server takes another path than that of the request line.
const PATH_OVERRIDES: &[&str] = &["x-original-url", "x-rewrite-url", "x-original-uri", "x-forwarded-path"];

/// A policy's network rules, together with what they need to know of the host.
#[derive(Clone, Debug)]
pub struct Judge {
    network: Network,
    own: Vec<IpAddr>,
    asks: bool,
}

/// How rules can name the host. The loopback has many names and is one host.
fn spellings(host: &Host) -> Vec<Cow<'static, str>> {
    let mut texts = vec![Cow::Owned(host.text())];
    if host.is_loopback() {
        texts.extend(["localhost", "127.0.0.1", "::1"].map(Cow::Borrowed));
    }
    texts
}

impl Judge {
    /// Judges by `network`; `own` are the host's own addresses, which are refused like private ones. What nothing
    /// names is denied.
    #[must_use]
    pub fn new(network: Network, own: impl IntoIterator<Item = IpAddr>) -> Self {
        Self { network, own: own.into_iter().map(canonical).collect(), asks: false }
    }

    /// The same, but what nothing names is asked for: there is an approver.
    #[must_use]
    pub fn asking(self) -> Self {
        Self { asks: true, ..self }
    }

    /// Decides a connection as it was asked for, before anything is resolved.
    #[must_use]
    pub fn connect(&self, host: &Host, port: u16, grants: &Grants) -> Ruling {
        if port == 0 {
            return Ruling::deny(Code::Malformed, "port 0 is no port");
        }
        let text = host.text();
        let decision = self.network.connect(&text, port);
        if decision.code == NetworkCode::HostPort || decision.code == NetworkCode::HostDenied {
            return self.ruled(host, port, &decision);
        }
        if let Some(refusal) = self.special(host, &text, port) {
            return refusal;
        }
        if decision.code == NetworkCode::Unnamed && !self.network.is_capped(&text, port) {
            if grants.has(host, port) {
                return Ruling {
                    verdict: Verdict::Allow,
                    ..Ruling::deny(Code::Approved, "it was approved for the session")
                };
            }
            if self.asks {
                return Ruling { verdict: Verdict::Ask, ..self.ruled(host, port, &decision) };
            }
        }
        self.ruled(host, port, &decision)
    }

    /// Decides whether a name gets an address inside: whether some port of it may be connected to, or asked for.
    #[must_use]
    pub fn resolves(&self, host: &Host, grants: &Grants) -> Ruling {
        let text = host.text();
        let named = self.network.domains.iter().filter_map(|rule| rule.host.port);
        let opened = self.network.host_ports.iter().map(|entry| entry.value);
        let ports = [443, 80, 1].into_iter().chain(named).chain(opened);
        let rulings: Vec<Ruling> =
            ports.filter(|port| *port > 0).map(|port| self.connect(host, port, grants)).collect();
        let first = || self.ruled(host, 443, &self.network.connect(&text, 443));
        let best = rulings.into_iter().rev().max_by_key(|ruling| ruling.verdict);
        let mut best = best.unwrap_or_else(first);
        // A question for a name tells no port, so none is made up.
        if let Some(hint) = best.hint.as_mut().filter(|hint| hint.opens_host_port()) {
            *hint = Hint::some_host_port();
        }
        best
    }

    /// Names by which a session shows that it keeps to this judge.
    #[must_use]
    pub fn canary(&self) -> Canary {
        Canary::choose(self, &self.network)
    }

    /// How the addresses of an allowed host are found.
    #[must_use]
    pub fn route(&self, host: &Host, port: u16) -> Route {
        if self.network.connect(&host.text(), port).code == NetworkCode::HostPort {
            return Route::Fixed(match host {
                Host::Address(address) => vec![*address],
                Host::Name(_) => vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()],
            });
        }
        match host {
            Host::Name(name) => Route::Resolve(name.clone()),
            Host::Address(address) => Route::Fixed(vec![*address]),
        }
    }

    /// Checks what a name resolved to. The broker connects to the allowed addresses and to no others, so a second
    /// answer of the resolver changes nothing.
    #[must_use]
    pub fn addresses(&self, port: u16, resolved: &[IpAddr]) -> Vetted {
        let mut vetted = Vetted { allowed: Vec::new(), refused: Vec::new() };
        for address in resolved.iter().copied().map(canonical) {
            if vetted.allowed.contains(&address) {
                continue;
            }
            match self.address(port, address) {
                None => vetted.allowed.push(address),
                Some(ruling) => vetted.refused.push((address, ruling)),
            }
        }
        vetted
    }

    fn address(&self, port: u16, address: IpAddr) -> Option<Ruling> {
        let host = Host::Address(address);
        if self.is_own(address) && !self.names_exactly(&host.text(), port) {
            return Some(own_address(&host, port));
        }
        let decision = self.network.connect_address(address, port);
        (!decision.allowed).then(|| self.ruled(&host, port, &decision))
    }

    /// Decides a request to a host that may be connected to.
    #[must_use]
    pub fn request(&self, host: &Host, port: u16, request: RequestView<'_>) -> Ruling {
        if matches!(request.method, "CONNECT" | "TRACE") {
            return Ruling::deny(Code::Protocol, "the method is not carried inside a connection");
        }
        let texts = spellings(host);
        let limits = texts.iter().map(|text| self.network.limits(text, port));
        let (methods, paths) = limits.fold((false, false), |all, one| (all.0 || one.0, all.1 || one.1));
        let path = request.target.split('?').next().unwrap_or_default();
        if paths && is_ambiguous_path(path) {
            return Ruling::deny(Code::PathAmbiguous, "a server could read the path in two ways");
        }
        let overrides = |table: &[&str]| request.headers.iter().any(|name| table.contains(name));
        if (methods && overrides(METHOD_OVERRIDES)) || (paths && overrides(PATH_OVERRIDES)) {
            return Ruling::deny(Code::Override, "a header makes the server see another method or path");
        }
        let judged =
            texts.iter().filter_map(|text| self.network.request(text, port, request.method, request.target));
        // What one spelling's rules deny is denied.
        match judged.min_by_key(|decision| decision.allowed) {
            Some(decision) if decision.allowed => self.ruled(host, port, &decision),
            Some(decision) => {
                self.ruled(host, port, &decision).hinted(Hint::request(host, request.method, path))
            }
            None => Ruling {
                verdict: Verdict::Allow,
                ..Ruling::deny(Code::Request, "no rule limits requests to the host")
            },
        }
    }

    /// Whether a name that is seen inside the connection (SNI, Host, `:authority`) fits the host that was asked for.
    /// A connection to a bare address may speak of a name that could have been asked for.
    ///
    /// # Errors
    /// The refusal, with both names.
    pub fn seen(
        &self,
        asked: &Host,
        seen: &Host,
        port: u16,
        what: &str,
        grants: &Grants,
    ) -> Result<(), Ruling> {
        let is_bare = matches!((asked, seen), (Host::Address(_), Host::Name(_)));
        if is_bare && self.connect(seen, port, grants).is_allowed() {
            return Ok(());
        }
        agree(asked, seen, what)
    }

    /// True if requests to the host must be seen, so that TLS has to be opened.
    #[must_use]
    pub fn opens(&self, host: &Host, port: u16) -> bool {
        spellings(host).iter().any(|text| self.network.inspects(text, port))
    }

    /// The least number of bytes that a rule lets be sent to the host, and that rule.
    #[cfg(feature = "io")]
    pub(crate) fn upload_rule(&self, host: &Host, port: u16) -> Option<(u64, &garth_policy::HttpRule)> {
        let named = spellings(host).into_iter().filter_map(|text| self.network.upload_rule(&text, port));
        named.min_by_key(|(most, _)| *most)
    }

    fn special(&self, host: &Host, text: &str, port: u16) -> Option<Ruling> {
        match host {
            Host::Address(address) => {
                (self.is_own(*address) && !self.names_exactly(text, port)).then(|| own_address(host, port))
            }
            Host::Name(name) => {
                let row = special_name(name)?;
                let is_open = match row.kind {
                    NameKind::Metadata | NameKind::Host => self.names_exactly(text, port),
                    NameKind::Local => {
                        self.network.domains.iter().any(|rule| rule.allow && rule.host.matches(text, port))
                    }
                };
                let ruling = Ruling::deny(Code::SpecialName, row.reason);
                let hint = match row.kind {
                    NameKind::Metadata => None,
                    NameKind::Host => Some(Hint::host_port(port)),
                    NameKind::Local => Some(Hint::domain(host, port)),
                };
                (!is_open).then_some(Ruling { hint, ..ruling })
            }
        }
    }

    fn is_own(&self, address: IpAddr) -> bool {
        let inner = embedded(address).map(IpAddr::V4);
        self.own.iter().any(|own| *own == address || Some(*own) == inner)
    }

    fn names_exactly(&self, text: &str, port: u16) -> bool {
        let mut rules = self.network.domains.iter();
        rules.any(|rule| rule.allow && rule.host.is_exact() && rule.host.matches(text, port))
    }

    fn ruled(&self, host: &Host, port: u16, decision: &NetworkDecision<'_>) -> Ruling {
        let (code, hint) = match decision.code {
            NetworkCode::Named => (Code::Named, None),
            NetworkCode::Open => (Code::Open, None),
            NetworkCode::HostPort => (Code::HostPort, None),
            NetworkCode::Request => (Code::Request, None),
            NetworkCode::Malformed => (Code::HostMalformed, None),
            NetworkCode::Closed => (Code::NetworkDenied, Some(Hint::domain(host, port))),
            NetworkCode::HostDenied => (Code::HostDenied, None),
            NetworkCode::Special => (Code::SpecialAddress, special_hint(host, port)),
            NetworkCode::Unnamed => (Code::NotNamed, Some(Hint::domain(host, port))),
            NetworkCode::Ceiling => (Code::Ceiling, None),
            NetworkCode::RequestDenied => (Code::RequestDenied, None),
        };
        let verdict = if decision.allowed { Verdict::Allow } else { Verdict::Deny };
        let origin = decision.origin.cloned();
        Ruling { verdict, code, reason: decision.reason.into(), origin, hint }
    }
}

fn own_address(host: &Host, port: u16) -> Ruling {
    let ruling = Ruling::deny(Code::OwnAddress, "the address belongs to the host itself");
    ruling.hinted(Hint::domain(host, port))
}

/// What would open a special address: a port for loopback, a line for a private one, nothing for metadata.
fn special_hint(host: &Host, port: u16) -> Option<Hint> {
    let kind = host.address().and_then(special_range).map(|range| range.kind);
    match kind {
        None | Some(AddressKind::Loopback) => Some(Hint::host_port(port)),
        Some(AddressKind::Private | AddressKind::Shared | AddressKind::LinkLocal) => {
            Some(Hint::domain(host, port))
        }
        Some(_) => None,
    }
}

/// Whether two names are the same host. The loopback has many, and whoever asked for one of them gets a port of the
/// host's own machine, which the policy names by its number.
///
/// # Errors
/// The refusal, with both names.
pub fn agree(asked: &Host, seen: &Host, what: &str) -> Result<(), Ruling> {
    if asked == seen || (asked.is_loopback() && seen.is_loopback()) {
        return Ok(());
    }
    let reason = format!("the connection was asked for {asked}, and its {what} says {seen}");
    Err(Ruling::deny(Code::NameMismatch, reason))
}
