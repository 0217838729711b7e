//! Rules for the network.

use crate::host::{HostPattern, is_special, normalise_host};
use crate::origin::{Layer, Origin, Sourced};
use crate::path::AbsPath;
use core::net::IpAddr;
use serde::{Deserialize, Serialize};

/// How far the network is open, strictest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NetworkMode {
    /// No network.
    Deny,
    /// The named domains only.
    AllowList,
    /// Every public address but the denied domains.
    Open,
}

impl NetworkMode {
    /// The word of the policy file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Deny => "deny",
            Self::AllowList => "allow-list",
            Self::Open => "open",
        }
    }
}

/// One domain, allowed or denied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainRule {
    /// Which hosts.
    pub host: HostPattern,
    /// True to allow, false to deny.
    pub allow: bool,
    /// Where it was said.
    pub origin: Origin,
}

/// A limit on what may be asked of an allowed host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpRule {
    /// Which hosts.
    pub host: HostPattern,
    /// Upper-case methods; empty for all.
    pub methods: Vec<String>,
    /// Paths, with `*` within and `**` across segments; empty for all.
    pub paths: Vec<String>,
    /// Where it was said.
    pub origin: Origin,
}

/// Where the real value of a secret is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SecretSource {
    /// An environment variable of the broker.
    Env(String),
    /// A file outside, without its final line break.
    File(AbsPath),
}

/// A placeholder inside, which the proxy replaces by the real value on the way to some hosts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretBinding {
    /// Name of the environment variable inside.
    pub name: String,
    /// Where the real value is.
    pub from: SecretSource,
    /// Hosts that may see it.
    pub hosts: Vec<HostPattern>,
    /// Where it was said.
    pub origin: Origin,
}

/// All rules for the network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// How far it is open.
    pub mode: Sourced<NetworkMode>,
    /// Domains; a deny beats every allow.
    pub domains: Vec<DomainRule>,
    /// Ports of servers inside that the host's loopback reaches.
    pub listen: Vec<Sourced<u16>>,
    /// Loopback ports of the host that are reachable from inside.
    pub host_ports: Vec<Sourced<u16>>,
    /// Limits on methods and paths. A host that some rule names is limited to what its rules allow.
    pub rules: Vec<HttpRule>,
    /// Secrets that never come in.
    pub secrets: Vec<SecretBinding>,
    /// Domains that the ceiling allows; `None` if it says nothing.
    pub ceiling: Option<Vec<DomainRule>>,
}

/// The answer for one connection, with the clause that decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkDecision<'p> {
    /// True if allowed.
    pub allowed: bool,
    /// Why, as a lower-case fragment.
    pub reason: &'static str,
    /// The clause; `None` if nothing names the host.
    pub origin: Option<&'p Origin>,
}

fn matching<'r>(rules: &'r [DomainRule], host: &str, port: u16, allow: bool) -> Option<&'r DomainRule> {
    rules.iter().find(|rule| rule.allow == allow && rule.host.matches(host, port))
}

impl Network {
    /// No network at all, said by `origin`.
    #[must_use]
    pub fn none(mode: NetworkMode, origin: Origin) -> Self {
        Self {
            mode: Sourced::new(mode, origin),
            domains: Vec::new(),
            listen: Vec::new(),
            host_ports: Vec::new(),
            rules: Vec::new(),
            secrets: Vec::new(),
            ceiling: None,
        }
    }

    /// Decides a connection by the name or address as it was asked for. The proxy checks the resolved address with
    /// [`Network::connect_address`] as well.
    #[must_use]
    pub fn connect(&self, host: &str, port: u16) -> NetworkDecision<'_> {
        let no = |reason, origin| NetworkDecision { allowed: false, reason, origin };
        let Some(host) = normalise_host(host) else {
            return no("the host is no well-formed name or address", None);
        };
        if self.mode.value == NetworkMode::Deny {
            return no("the network is denied", Some(&self.mode.origin));
        }
        if let Some(rule) = matching(&self.domains, &host, port, false) {
            return no("the host is denied", Some(&rule.origin));
        }
        let named = matching(&self.domains, &host, port, true);
        let literally = named.is_some_and(|rule| rule.host.is_exact());
        let special = host.parse::<IpAddr>().is_ok_and(is_special)
            || host == "localhost"
            || host.ends_with(".localhost");
        if special && !literally {
            return no("private, link-local and metadata addresses are denied unless named exactly", None);
        }
        match (named, self.mode.value) {
            (Some(rule), _) => self.under_ceiling(&host, port, "the host is allowed", &rule.origin),
            (None, NetworkMode::Open) => {
                self.under_ceiling(&host, port, "the network is open", &self.mode.origin)
            }
            (None, _) => no("no rule names the host", None),
        }
    }

    fn under_ceiling<'p>(
        &'p self,
        host: &str,
        port: u16,
        reason: &'static str,
        origin: &'p Origin,
    ) -> NetworkDecision<'p> {
        let capped = self.ceiling.as_ref().is_some_and(|rules| matching(rules, host, port, true).is_none());
        if capped {
            let reason = "the administrator's list of domains does not name the host";
            let first = self.ceiling.as_ref().and_then(|rules| rules.first()).map(|rule| &rule.origin);
            return NetworkDecision { allowed: false, reason, origin: first };
        }
        NetworkDecision { allowed: true, reason, origin: Some(origin) }
    }

    /// Decides the address that a name resolved to: special ranges are refused unless the address itself is named.
    #[must_use]
    pub fn connect_address(&self, address: IpAddr, port: u16) -> bool {
        !is_special(address)
            || self.domains.iter().any(|rule| {
                rule.allow && rule.host.is_exact() && rule.host.matches(&address.to_string(), port)
            })
    }

    /// Decides a request to an allowed host. True where no rule names the host.
    #[must_use]
    pub fn http(&self, host: &str, port: u16, method: &str, path: &str) -> NetworkDecision<'_> {
        let connect = self.connect(host, port);
        let Some(host) = normalise_host(host).filter(|_| connect.allowed) else { return connect };
        let passes = |rule: &HttpRule| {
            (rule.methods.is_empty() || rule.methods.iter().any(|known| known == method))
                && (rule.paths.is_empty() || rule.paths.iter().any(|pattern| path_matches(pattern, path)))
        };
        let mut decided = connect;
        // Each layer's rules must let it pass, so that no layer loosens what another limits.
        for layer in Layer::ALL {
            let mut named = self
                .rules
                .iter()
                .filter(|rule| rule.origin.layer == layer && rule.host.matches(&host, port))
                .peekable();
            let Some(first) = named.peek().map(|rule| &rule.origin) else { continue };
            match named.find(|rule| passes(rule)) {
                Some(rule) => {
                    decided = NetworkDecision {
                        allowed: true,
                        reason: "a rule allows it",
                        origin: Some(&rule.origin),
                    };
                }
                None => {
                    let reason = "no rule for this host allows the method and path";
                    return NetworkDecision { allowed: false, reason, origin: Some(first) };
                }
            }
        }
        decided
    }
}

/// Matches a URL path; a path that a server could read differently (`..`, encoded separators) matches nothing.
fn path_matches(pattern: &str, path: &str) -> bool {
    let path = path.split(['?', '#']).next().unwrap_or(path);
    let lowered = path.to_ascii_lowercase();
    let is_ambiguous = lowered.contains("%2f")
        || lowered.contains("%5c")
        || lowered.contains("%2e")
        || lowered.contains('\\')
        || path.split('/').any(|part| matches!(part, ".." | "."))
        || path.contains("//");
    if is_ambiguous || !path.starts_with('/') {
        return false;
    }
    let (pattern, path): (Vec<&str>, Vec<&str>) = (pattern.split('/').collect(), path.split('/').collect());
    segments_match(&pattern, &path)
}

fn segments_match(pattern: &[&str], path: &[&str]) -> bool {
    let mut reachable = vec![false; path.len() + 1];
    reachable[0] = true;
    for part in pattern {
        let mut next = vec![false; path.len() + 1];
        for at in 0..=path.len() {
            if *part == "**" {
                next[at] = reachable[at] || (at > 0 && next[at - 1]);
            } else if at > 0 {
                next[at] = reachable[at - 1] && word_matches(part, path[at - 1]);
            }
        }
        reachable = next;
    }
    reachable[path.len()]
}

/// Matches one word with `*` for any letters.
pub(crate) fn word_matches(pattern: &str, word: &str) -> bool {
    // Each variable of an environment is compared with hundreds of names, and few begin alike.
    let first = pattern.as_bytes().first();
    if first != Some(&b'*') && first != word.as_bytes().first() {
        return false;
    }
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|head| word.strip_prefix(head)) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    true
}
