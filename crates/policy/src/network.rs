//! Rules for the network.

use crate::address::{SpecialRange, canonical, embedded, special_range};
use crate::host::{HostPattern, normalise_host};
use crate::origin::{Layer, Origin, Sourced};
use crate::proxy::ProxyRule;
use core::net::IpAddr;
use serde::{Deserialize, Serialize};

mod secret;

pub use secret::{SecretBinding, SecretPlace, SecretSource};

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
    /// Bytes that may be sent to each of the hosts in one session; `None` for what other rules say.
    pub upload: Option<u64>,
    /// Where it was said.
    pub origin: Origin,
}

impl HttpRule {
    /// True if it speaks of requests, which must be seen then. One that only bounds the bytes does not.
    #[must_use]
    pub fn judges(&self) -> bool {
        self.upload.is_none() || !self.methods.is_empty() || !self.paths.is_empty()
    }
}

/// Bounds on what leaves in one session, whatever is allowed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkBudget {
    /// Bytes that may be sent to one host; `None` for any number.
    pub upload: Option<Sourced<u64>>,
    /// Names per minute that were not asked for before in the session.
    pub new_names: Sourced<u64>,
}

/// New names per minute where no layer says a number: a build with many dependencies asks for far fewer.
pub const USUAL_NEW_NAMES: u64 = 600;

impl NetworkBudget {
    /// What holds if nothing is said.
    #[must_use]
    pub fn usual(origin: Origin) -> Self {
        Self { upload: None, new_names: Sourced::new(USUAL_NEW_NAMES, origin) }
    }
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
    /// Bounds on what leaves.
    pub budget: NetworkBudget,
    /// The proxy between this machine and the internet; `None` if the broker's environment says which.
    pub proxy: Option<ProxyRule>,
    /// Domains that the ceiling allows; `None` if it says nothing.
    pub ceiling: Option<Vec<DomainRule>>,
}

/// What decided, for machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NetworkCode {
    /// A rule names the host.
    Named,
    /// The network is open.
    Open,
    /// A loopback port of the host that the policy opens.
    HostPort,
    /// A rule allows the method and path.
    Request,
    /// No well-formed name or address.
    Malformed,
    /// There is no network.
    Closed,
    /// A rule denies the host or its address.
    HostDenied,
    /// A private, link-local, loopback, metadata or reserved address that no rule names.
    Special,
    /// Nothing names the host.
    Unnamed,
    /// The administrator's list does not name the host.
    Ceiling,
    /// No rule allows the method and path.
    RequestDenied,
}

/// The answer for one connection, with the clause that decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkDecision<'p> {
    /// True if allowed.
    pub allowed: bool,
    /// What decided.
    pub code: NetworkCode,
    /// Why, as a lower-case fragment.
    pub reason: &'static str,
    /// The clause; `None` if nothing names the host.
    pub origin: Option<&'p Origin>,
}

impl<'p> NetworkDecision<'p> {
    fn no(code: NetworkCode, reason: &'static str, origin: Option<&'p Origin>) -> Self {
        Self { allowed: false, code, reason, origin }
    }

    fn yes(code: NetworkCode, reason: &'static str, origin: &'p Origin) -> Self {
        Self { allowed: true, code, reason, origin: Some(origin) }
    }
}

fn is_local_name(host: &str) -> bool {
    host == "localhost" || host.ends_with(".localhost")
}

fn matching<'r>(rules: &'r [DomainRule], host: &str, port: u16, allow: bool) -> Option<&'r DomainRule> {
    rules.iter().find(|rule| rule.allow == allow && rule.host.matches(host, port))
}

impl Network {
    /// No network at all, said by `origin`.
    #[must_use]
    pub fn none(mode: NetworkMode, origin: Origin) -> Self {
        Self {
            budget: NetworkBudget::usual(origin.clone()),
            mode: Sourced::new(mode, origin),
            domains: Vec::new(),
            listen: Vec::new(),
            host_ports: Vec::new(),
            rules: Vec::new(),
            secrets: Vec::new(),
            proxy: None,
            ceiling: None,
        }
    }

    /// Decides a connection by the name or address as it was asked for. The proxy checks the resolved address with
    /// [`Network::connect_address`] as well.
    #[must_use]
    pub fn connect(&self, host: &str, port: u16) -> NetworkDecision<'_> {
        let Some(host) = normalise_host(host) else {
            let reason = "the host is no well-formed name or address";
            return NetworkDecision::no(NetworkCode::Malformed, reason, None);
        };
        let address = host.parse::<IpAddr>().ok();
        if let Some(rule) = self.denying(&host, address, port) {
            return NetworkDecision::no(NetworkCode::HostDenied, "the host is denied", Some(&rule.origin));
        }
        if let Some(entry) = self.host_port(&host, address, port) {
            let reason = "the policy opens this port of the host";
            return NetworkDecision::yes(NetworkCode::HostPort, reason, &entry.origin);
        }
        if self.mode.value == NetworkMode::Deny {
            let reason = "the network is denied";
            return NetworkDecision::no(NetworkCode::Closed, reason, Some(&self.mode.origin));
        }
        let named = matching(&self.domains, &host, port, true);
        if let Some(reason) = self.special_reason(&host, address, port) {
            return NetworkDecision::no(NetworkCode::Special, reason, None);
        }
        match (named, self.mode.value) {
            (Some(rule), _) => {
                self.under_ceiling(&host, port, NetworkCode::Named, "the host is allowed", &rule.origin)
            }
            (None, NetworkMode::Open) => {
                self.under_ceiling(&host, port, NetworkCode::Open, "the network is open", &self.mode.origin)
            }
            (None, _) => NetworkDecision::no(NetworkCode::Unnamed, "no rule names the host", None),
        }
    }

    /// A denial of the name, of the address, or of the IPv4 address that a NAT64 address stands for.
    fn denying(&self, host: &str, address: Option<IpAddr>, port: u16) -> Option<&DomainRule> {
        let inner = address.and_then(embedded).map(|inner| inner.to_string());
        matching(&self.domains, host, port, false)
            .or_else(|| matching(&self.domains, inner.as_deref()?, port, false))
    }

    fn host_port(&self, host: &str, address: Option<IpAddr>, port: u16) -> Option<&Sourced<u16>> {
        // Not names below it: what answers them outside is not said by the policy, and each would be another host.
        let is_host = host == "localhost" || address.is_some_and(|address| address.is_loopback());
        self.host_ports.iter().find(|entry| is_host && entry.value == port)
    }

    fn special_reason(&self, host: &str, address: Option<IpAddr>, port: u16) -> Option<&'static str> {
        if is_local_name(host) {
            let literally =
                matching(&self.domains, host, port, true).is_some_and(|rule| rule.host.is_exact());
            return (!literally).then_some("the name means the host's own loopback");
        }
        let range = address.and_then(special_range)?;
        (!self.grants(address?, range, port)).then_some(range.reason)
    }

    /// True if a rule names the special address itself, or a block that goes no further than its range.
    fn grants(&self, address: IpAddr, range: &SpecialRange, port: u16) -> bool {
        let host = canonical(address).to_string();
        self.domains.iter().filter(|rule| rule.allow && rule.host.matches(&host, port)).any(|rule| {
            rule.host.cidr().map_or_else(|| rule.host.is_exact(), |block| range.block.covers(&block))
        })
    }

    fn under_ceiling<'p>(
        &'p self,
        host: &str,
        port: u16,
        code: NetworkCode,
        reason: &'static str,
        origin: &'p Origin,
    ) -> NetworkDecision<'p> {
        if self.is_capped(host, port) {
            let reason = "the administrator's list of domains does not name the host";
            let first = self.ceiling.as_ref().and_then(|rules| rules.first()).map(|rule| &rule.origin);
            return NetworkDecision::no(NetworkCode::Ceiling, reason, first);
        }
        NetworkDecision::yes(code, reason, origin)
    }

    /// True if the administrator's list of domains rules the host out, whatever else is said.
    #[must_use]
    pub fn is_capped(&self, host: &str, port: u16) -> bool {
        self.ceiling.as_ref().is_some_and(|rules| matching(rules, host, port, true).is_none())
    }

    /// Decides the address that a name resolved to: one that a rule denies is refused, and one of a special range
    /// unless a rule names the address itself.
    #[must_use]
    pub fn connect_address(&self, address: IpAddr, port: u16) -> NetworkDecision<'_> {
        let address = canonical(address);
        if let Some(rule) = self.denying(&address.to_string(), Some(address), port) {
            let reason = "the address is denied";
            return NetworkDecision::no(NetworkCode::HostDenied, reason, Some(&rule.origin));
        }
        match special_range(address) {
            Some(range) if !self.grants(address, range, port) => {
                NetworkDecision::no(NetworkCode::Special, range.reason, None)
            }
            _ => NetworkDecision::yes(NetworkCode::Named, "the address may be used", &self.mode.origin),
        }
    }

    /// True if requests to the host must be seen: a rule limits methods or paths, or a secret goes there.
    #[must_use]
    pub fn inspects(&self, host: &str, port: u16) -> bool {
        self.judging(host, port).next().is_some()
            || self.secrets.iter().any(|secret| secret.hosts.iter().any(|wanted| wanted.matches(host, port)))
    }

    /// The rules that speak of requests to the host.
    fn judging(&self, host: &str, port: u16) -> impl Iterator<Item = &HttpRule> {
        self.rules.iter().filter(move |rule| rule.judges() && rule.host.matches(host, port))
    }

    /// True if requests to some host must be seen.
    #[must_use]
    pub fn opens_tls(&self) -> bool {
        self.rules.iter().any(HttpRule::judges) || !self.secrets.is_empty()
    }

    /// The least number of bytes that a rule of `rules` lets be sent to the host, and that rule. What the budget of the
    /// session says holds besides.
    #[must_use]
    pub fn upload_rule(&self, host: &str, port: u16) -> Option<(u64, &HttpRule)> {
        let named = self.rules.iter().filter(|rule| rule.host.matches(host, port));
        named.filter_map(|rule| Some((rule.upload?, rule))).min_by_key(|(most, _)| *most)
    }

    /// True if some rule or the budget bounds what is sent.
    #[must_use]
    pub fn bounds_uploads(&self) -> bool {
        self.budget.upload.is_some() || self.rules.iter().any(|rule| rule.upload.is_some())
    }

    /// True if some rule limits the methods of requests to the host, and if some rule limits their paths.
    #[must_use]
    pub fn limits(&self, host: &str, port: u16) -> (bool, bool) {
        self.judging(host, port).fold((false, false), |(methods, paths), rule| {
            (methods || !rule.methods.is_empty(), paths || !rule.paths.is_empty())
        })
    }

    /// Decides a request to an allowed host. True where no rule names the host.
    #[must_use]
    pub fn http(&self, host: &str, port: u16, method: &str, path: &str) -> NetworkDecision<'_> {
        let connect = self.connect(host, port);
        if !connect.allowed {
            return connect;
        }
        self.request(host, port, method, path).unwrap_or(connect)
    }

    /// What the rules for methods and paths say of a request; `None` where no rule names the host.
    #[must_use]
    pub fn request(&self, host: &str, port: u16, method: &str, path: &str) -> Option<NetworkDecision<'_>> {
        let host = normalise_host(host)?;
        let passes = |rule: &HttpRule| {
            (rule.methods.is_empty() || rule.methods.iter().any(|known| known == method))
                && (rule.paths.is_empty() || rule.paths.iter().any(|pattern| path_matches(pattern, path)))
        };
        let mut decided = None;
        // Each layer's rules must let it pass, so that no layer loosens what another limits.
        for layer in Layer::ALL {
            let mut named = self.judging(&host, port).filter(|rule| rule.origin.layer == layer).peekable();
            let Some(first) = named.peek().map(|rule| &rule.origin) else { continue };
            let Some(rule) = named.find(|rule| passes(rule)) else {
                let reason = "no rule for this host allows the method and path";
                return Some(NetworkDecision::no(NetworkCode::RequestDenied, reason, Some(first)));
            };
            decided = Some(NetworkDecision::yes(NetworkCode::Request, "a rule allows it", &rule.origin));
        }
        decided
    }
}

/// Matches a URL path; one that a server could read differently matches nothing.
fn path_matches(pattern: &str, path: &str) -> bool {
    let path = path.split(['?', '#']).next().unwrap_or(path);
    if is_ambiguous_path(path) {
        return false;
    }
    let (pattern, path): (Vec<&str>, Vec<&str>) = (pattern.split('/').collect(), path.split('/').collect());
    segments_match(&pattern, &path)
}

/// Encoded letters that a server may decode before it splits the path: separators, dots, parameters, the percent
/// sign itself (which hides a second layer), and NUL.
const ENCODED: &[&str] = &["%2f", "%5c", "%2e", "%3b", "%25", "%00"];

/// What begins a letter of ASCII in more bytes than it takes (RFC 3629 section 3): a careless server decodes it all the same.
const OVERLONG: &[&str] = &["%c0", "%c1", "%e0%8", "%e0%9", "%f0%8"];

/// True if two servers could read the path (without query) as different resources (RFC 3986 sections 3.3 and 6.2.2).
///
/// That is the case with dot segments, empty segments, path parameters (`;`), backslashes, encoded separators,
/// broken escapes, and letters that no URL holds.
#[must_use]
pub fn is_ambiguous_path(path: &str) -> bool {
    let lowered = path.to_ascii_lowercase();
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"\\;<>\"`{}|^#?".contains(&byte);
    !path.starts_with('/')
        || !path.bytes().all(is_plain)
        || path.contains("//")
        || path.split('/').any(|part| matches!(part, ".." | "."))
        || ENCODED.iter().chain(OVERLONG).any(|encoded| lowered.contains(encoded))
        || has_broken_escape(path)
}

fn has_broken_escape(path: &str) -> bool {
    path.split('%').skip(1).any(|rest| {
        let digits = rest.as_bytes().get(..2);
        !digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    })
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
