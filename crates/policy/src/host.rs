//! Host names and addresses, read strictly: what two programs could read differently is refused.
//!
//! Sources: RFC 1035 and RFC 5890 for names, RFC 6890 and its registries for special addresses.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Why a text is no host pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostError {
    /// `*` for everything.
    Everything,
    /// A `*` that is not the whole first label, or a wildcard over a top-level domain.
    Wildcard,
    /// Not a name or an address in its plain spelling.
    Malformed,
    /// The part after `:` is no port.
    Port,
}

impl fmt::Display for HostError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Everything => "`*` would name every host",
            Self::Wildcard => "`*` may only stand for subdomains, as in `*.example.com`",
            Self::Malformed => "it is no plain host name or address (no scheme, path, user or trailing dot)",
            Self::Port => "the port must be a number from 1 to 65535",
        })
    }
}

impl std::error::Error for HostError {}

/// Which hosts a rule speaks of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostPattern {
    /// The name or address; without the `*.` of a wildcard.
    pub host: String,
    /// True for `*.host`: every name below, not the name itself.
    pub subdomains: bool,
    /// The only port; `None` for all.
    pub port: Option<u16>,
}

impl HostPattern {
    /// Reads `name`, `*.name`, an IPv4 address, `[IPv6]`, each with an optional `:port`.
    ///
    /// # Errors
    /// When the text is anything else.
    pub fn parse(text: &str) -> Result<Self, HostError> {
        if text == "*" || text.starts_with("*:") {
            return Err(HostError::Everything);
        }
        if text.contains(['/', '@', '?', '#']) {
            return Err(HostError::Malformed);
        }
        let (host, port) = split_port(text)?;
        let (host, subdomains) = match host.strip_prefix("*.") {
            Some(host) => (host, true),
            None => (host, false),
        };
        if host.contains('*') {
            return Err(HostError::Wildcard);
        }
        let host = normalise_host(host).ok_or(HostError::Malformed)?;
        if subdomains && (!host.contains('.') || host.parse::<IpAddr>().is_ok()) {
            return Err(HostError::Wildcard);
        }
        Ok(Self { host, subdomains, port })
    }

    /// True if the pattern names `host` (already normalised) at `port`.
    #[must_use]
    pub fn matches(&self, host: &str, port: u16) -> bool {
        let is_below = || {
            host.strip_suffix(self.host.as_str()).is_some_and(|head| head.len() > 1 && head.ends_with('.'))
        };
        self.port.is_none_or(|wanted| wanted == port)
            && if self.subdomains { is_below() } else { host == self.host }
    }

    /// True unless it is a wildcard.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        !self.subdomains
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let star = if self.subdomains { "*." } else { "" };
        match (self.host.contains(':'), self.port) {
            (true, Some(port)) => write!(out, "[{}]:{port}", self.host),
            (_, None) => write!(out, "{star}{}", self.host),
            (false, Some(port)) => write!(out, "{star}{}:{port}", self.host),
        }
    }
}

fn split_port(text: &str) -> Result<(&str, Option<u16>), HostError> {
    let port = |digits: &str| match digits.parse::<u16>() {
        Ok(port) if port > 0 && digits.bytes().all(|digit| digit.is_ascii_digit()) => Ok(Some(port)),
        _ => Err(HostError::Port),
    };
    if text.starts_with('[') {
        let end = text.find(']').ok_or(HostError::Malformed)?;
        let (host, rest) = text.split_at(end + 1);
        return match rest.strip_prefix(':') {
            Some(digits) => Ok((host, port(digits)?)),
            None if rest.is_empty() => Ok((host, None)),
            None => Err(HostError::Malformed),
        };
    }
    match text.matches(':').count() {
        1 => text.split_once(':').map_or(Ok((text, None)), |(host, digits)| Ok((host, port(digits)?))),
        _ => Ok((text, None)),
    }
}

/// A host as every program reads it: lower-case name without a trailing dot, or an address in its one canonical
/// spelling. `None` for anything that some program could read as another host.
#[must_use]
pub fn normalise_host(text: &str) -> Option<String> {
    if let Some(inner) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return inner.parse::<Ipv6Addr>().ok().map(canonical_v6);
    }
    if let Ok(address) = text.parse::<Ipv6Addr>() {
        return Some(canonical_v6(address));
    }
    if let Ok(address) = text.parse::<Ipv4Addr>() {
        return Some(address.to_string());
    }
    let name = text.to_ascii_lowercase();
    let labels = || name.split('.');
    let is_name = name.len() <= 253 && labels().all(is_label);
    // A last label that starts with a digit is how `0x7f.1` or `2130706433` get read as addresses.
    let last_is_number =
        labels().next_back().is_some_and(|label| label.starts_with(|first: char| first.is_ascii_digit()));
    (is_name && !last_is_number).then_some(name)
}

fn canonical_v6(address: Ipv6Addr) -> String {
    match address.to_ipv4_mapped() {
        Some(mapped) => mapped.to_string(),
        None => address.to_string(),
    }
}

fn is_label(label: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    !label.is_empty()
        && label.len() <= 63
        && label.bytes().all(allowed)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// True for addresses that are not on the public internet: private, loopback, link-local, metadata, multicast,
/// documentation, translation and reserved ranges.
#[must_use]
pub fn is_special(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_special_v4(address),
        IpAddr::V6(address) => is_special_v6(address),
    }
}

fn is_special_v4(address: Ipv4Addr) -> bool {
    let [first, second, third, _] = address.octets();
    matches!(first, 0 | 10 | 127 | 224..=255)
        || (first == 100 && (64..128).contains(&second))
        || (first == 169 && second == 254)
        || (first == 172 && (16..32).contains(&second))
        || (first == 192 && second == 168)
        || (first == 192 && second == 0 && matches!(third, 0 | 2))
        || (first == 192 && second == 88 && third == 99)
        || (first == 198 && matches!(second, 18 | 19))
        || (first == 198 && second == 51 && third == 100)
        || (first == 203 && second == 0 && third == 113)
        || address == Ipv4Addr::new(168, 63, 129, 16)
}

fn is_special_v6(address: Ipv6Addr) -> bool {
    if let Some(mapped) = address.to_ipv4() {
        return is_special_v4(mapped) || address.to_ipv4_mapped().is_none();
    }
    let parts = address.segments();
    let embedded = |high: u16, low: u16| {
        let [one, two] = high.to_be_bytes();
        let [three, four] = low.to_be_bytes();
        is_special_v4(Ipv4Addr::new(one, two, three, four))
    };
    match parts {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => embedded(high, low),
        [0x64, 0xff9b, ..] => true,
        [0x2002, high, low, ..] => embedded(high, low),
        [0x2001, 0..=0x1ff, ..] | [0x2001, 0xdb8, ..] | [0x100, 0, 0, 0, ..] | [0x5f00, ..] => true,
        [0x3fff, second, ..] if second < 0x1000 => true,
        [first, ..] => !(0x2000..0x4000).contains(&first),
    }
}
