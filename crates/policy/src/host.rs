//! Host names and addresses, read strictly: what two programs could read differently is refused.
//!
//! Sources: RFC 1035 and RFC 5890 for names, RFC 6943 for what is unsafe about addresses in text.

use crate::address::{Cidr, canonical};
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
    /// An address with a `/`, but no block of addresses.
    Block,
    /// The part after `:` is no port.
    Port,
}

impl fmt::Display for HostError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Everything => "`*` would name every host",
            Self::Wildcard => "`*` may only stand for subdomains, as in `*.example.com`",
            Self::Malformed => "it is no plain host name or address (no scheme, path, user or trailing dot)",
            Self::Block => "a block is the first address and the number of fixed bits, as in `10.1.0.0/16`",
            Self::Port => "the port must be a number from 1 to 65535",
        })
    }
}

impl std::error::Error for HostError {}

/// Which hosts a rule speaks of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostPattern {
    /// The name or address; without the `*.` of a wildcard and the prefix of a block.
    pub host: String,
    /// True for `*.host`: every name below, not the name itself.
    pub subdomains: bool,
    /// The only port; `None` for all.
    pub port: Option<u16>,
    /// The number of fixed bits of a block of addresses, of which `host` is the first.
    #[serde(default)]
    pub prefix: Option<u8>,
}

impl HostPattern {
    /// Reads `name`, `*.name`, an IPv4 address, `[IPv6]`, a block as `10.1.0.0/16` or `[fd00::/8]`, each with an
    /// optional `:port`.
    ///
    /// # Errors
    /// When the text is anything else.
    pub fn parse(text: &str) -> Result<Self, HostError> {
        if text == "*" || text.starts_with("*:") {
            return Err(HostError::Everything);
        }
        if text.contains(['@', '?', '#']) || text.contains("//") {
            return Err(HostError::Malformed);
        }
        let (host, port) = split_port(text)?;
        if host.contains('/') {
            return Self::block(host, port);
        }
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
        Ok(Self { host, subdomains, port, prefix: None })
    }

    fn block(text: &str, port: Option<u16>) -> Result<Self, HostError> {
        let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
        let starts_as_address = bare.split('/').next().is_some_and(|start| start.parse::<IpAddr>().is_ok());
        if !starts_as_address {
            return Err(HostError::Malformed);
        }
        let block = Cidr::parse(bare).ok_or(HostError::Block)?;
        // A block of mapped addresses would never match: an address is judged in its canonical spelling.
        if canonical(block.network()) != block.network() {
            return Err(HostError::Block);
        }
        let host = block.network().to_string();
        Ok(Self { host, subdomains: false, port, prefix: Some(block.prefix()) })
    }

    /// The block of addresses that the pattern names, if it names one.
    #[must_use]
    pub fn cidr(&self) -> Option<Cidr> {
        Cidr::new(self.host.parse().ok()?, self.prefix?)
    }

    /// True if the pattern names `host` (already normalised) at `port`.
    #[must_use]
    pub fn matches(&self, host: &str, port: u16) -> bool {
        let is_below = || {
            host.strip_suffix(self.host.as_str()).is_some_and(|head| head.len() > 1 && head.ends_with('.'))
        };
        self.port.is_none_or(|wanted| wanted == port)
            && match (self.prefix, self.subdomains) {
                (Some(_), _) => self.holds(host),
                (None, true) => is_below(),
                (None, false) => host == self.host,
            }
    }

    fn holds(&self, host: &str) -> bool {
        let address = host.parse::<IpAddr>().ok().map(canonical);
        self.cidr().zip(address).is_some_and(|(block, address)| block.contains(address))
    }

    /// True if it names one host: no wildcard and no block.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        !self.subdomains && self.prefix.is_none()
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let star = if self.subdomains { "*." } else { "" };
        let bits = self.prefix.map(|prefix| format!("/{prefix}")).unwrap_or_default();
        match (self.host.contains(':'), self.port) {
            (true, Some(port)) => write!(out, "[{}{bits}]:{port}", self.host),
            (_, None) => write!(out, "{star}{}{bits}", self.host),
            (false, Some(port)) => write!(out, "{star}{}{bits}:{port}", self.host),
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
