//! The proxy between this machine and the internet, where a policy names one.

use crate::host::HostPattern;
use crate::network::SecretSource;
use crate::origin::Origin;
use serde::{Deserialize, Serialize};
use std::fmt;

/// How a proxy is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProxyScheme {
    /// HTTP CONNECT (RFC 9110, section 9.3.6), for every port.
    Http,
    /// SOCKS version 5 (RFC 1928), names unresolved.
    Socks5,
}

/// Where a proxy is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProxyPlace {
    /// How it is spoken to.
    pub scheme: ProxyScheme,
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
}

impl ProxyPlace {
    /// Reads `http://proxy.example:3128`, `socks5://` or `socks5h://`; without a port 3128, of SOCKS 1080. A user or a path
    /// in it is refused.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (scheme, place) = text.split_once("://")?;
        let (scheme, usual) = match scheme {
            "http" => (ProxyScheme::Http, 3128),
            "socks5" | "socks5h" => (ProxyScheme::Socks5, 1080),
            _ => return None,
        };
        let place = place.strip_suffix('/').unwrap_or(place);
        let HostPattern { host, subdomains: false, port, prefix: None } = HostPattern::parse(place).ok()?
        else {
            return None;
        };
        Some(Self { scheme, host, port: port.unwrap_or(usual) })
    }
}

impl fmt::Display for ProxyPlace {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scheme, host, port } = self;
        let scheme = match scheme {
            ProxyScheme::Http => "http",
            ProxyScheme::Socks5 => "socks5h",
        };
        if host.contains(':') {
            write!(out, "{scheme}://[{host}]:{port}")
        } else {
            write!(out, "{scheme}://{host}:{port}")
        }
    }
}

/// What a policy says about the proxy. Without one the broker's environment does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProxyRule {
    /// The proxy; `None` if there is none, whatever the environment says.
    pub place: Option<ProxyPlace>,
    /// What is reached without it: names with all below them, addresses, blocks.
    pub except: Vec<HostPattern>,
    /// Where `user:password` is.
    pub credentials: Option<SecretSource>,
    /// The clause.
    pub origin: Origin,
}

impl fmt::Display for ProxyRule {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(place) = &self.place else { return out.write_str("no proxy") };
        write!(out, "through {place}")?;
        if let Some(from) = &self.credentials {
            write!(out, " with {from}")?;
        }
        let except: Vec<String> = self.except.iter().map(ToString::to_string).collect();
        if except.is_empty() { Ok(()) } else { write!(out, ", but for {}", except.join(", ")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_place_is_a_proxy() {
        let shown = |text: &str| ProxyPlace::parse(text).map(|place| place.to_string());
        assert_eq!(shown("http://Proxy.Example:8080/").as_deref(), Some("http://proxy.example:8080"));
        assert_eq!(shown("http://proxy.example").as_deref(), Some("http://proxy.example:3128"));
        assert_eq!(shown("socks5://[fd00::1]").as_deref(), Some("socks5h://[fd00::1]:1080"));
        for bad in [
            "proxy.example:3128",
            "https://proxy.example",
            "http://user:word@proxy.example",
            "http://*.example",
            "http://10.0.0.0/8",
            "http://proxy.example/path",
            "http://",
            "http://a b",
        ] {
            assert_eq!(shown(bad), None, "{bad}");
        }
    }
}
