//! The proxies between this machine and the internet, from the policy or from the broker's own environment.
//!
//! Source of the latter: the variables `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` as curl reads them (upper-case `HTTP_PROXY`
//! included, because the environment is the user's own and not that of a CGI program).

use super::host::{Host, authority};
use garth_policy::{Cidr, HostPattern, ProxyRule, ProxyScheme};
use std::fmt;

/// How a proxy is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProxyKind {
    /// HTTP CONNECT, for every port.
    Http,
    /// SOCKS version 5, names unresolved.
    Socks5,
}

/// A proxy.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    /// How it is spoken to.
    pub kind: ProxyKind,
    /// Where it is.
    pub host: Host,
    /// Its port.
    pub port: u16,
    /// User name and password.
    pub credentials: Option<(String, String)>,
}

impl fmt::Debug for Proxy {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Proxy({:?} {})", self.kind, self.host.with_port(self.port))
    }
}

/// Why a text is no proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProxyFault {
    /// A scheme other than `http`, `socks5` and `socks5h`.
    Scheme,
    /// No host, or no port where one is needed.
    Host,
    /// User name or password are badly encoded.
    Credentials,
}

impl fmt::Display for ProxyFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Scheme => "a proxy is `http://`, `socks5://` or `socks5h://`",
            Self::Host => "the proxy has no host and port",
            Self::Credentials => "the proxy's user name or password is badly encoded",
        })
    }
}

impl std::error::Error for ProxyFault {}

impl Proxy {
    /// Reads a URL such as `http://user:password@proxy.example:3128`.
    ///
    /// # Errors
    /// When it is none of a proxy.
    pub fn parse(text: &str) -> Result<Self, ProxyFault> {
        let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
        let (kind, default) = match scheme.to_ascii_lowercase().as_str() {
            "http" => (ProxyKind::Http, 3128),
            "socks5" | "socks5h" => (ProxyKind::Socks5, 1080),
            _ => return Err(ProxyFault::Scheme),
        };
        let rest = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let (user, place) = match rest.rsplit_once('@') {
            Some((user, place)) => (Some(user), place),
            None => (None, rest),
        };
        let (host, port) = authority(place).map_err(|_| ProxyFault::Host)?;
        let credentials = match user {
            None => None,
            Some(user) => {
                let (name, password) = user.split_once(':').unwrap_or((user, ""));
                let decoded = decoded(name).zip(decoded(password));
                Some(decoded.ok_or(ProxyFault::Credentials)?)
            }
        };
        Ok(Self { kind, host, port: port.unwrap_or(default), credentials })
    }
}

fn decoded(text: &str) -> Option<String> {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let high = char::from(bytes.next()?).to_digit(16)?;
        let low = char::from(bytes.next()?).to_digit(16)?;
        out.push(u8::try_from(high * 16 + low).ok()?);
    }
    String::from_utf8(out).ok().filter(|text| !text.chars().any(char::is_control))
}

/// What is reached without a proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Exception {
    Everything,
    Name(String),
    Block(Cidr),
    Address(Host),
}

/// Which proxy is used for what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    plain: Option<Proxy>,
    secure: Option<Proxy>,
    exceptions: Vec<Exception>,
}

impl Upstream {
    /// No proxy.
    #[must_use]
    pub fn direct() -> Self {
        Self { plain: None, secure: None, exceptions: Vec::new() }
    }

    /// One proxy for everything.
    #[must_use]
    pub fn through(proxy: Proxy) -> Self {
        Self { plain: Some(proxy.clone()), secure: Some(proxy), exceptions: Vec::new() }
    }

    /// What a policy says. `login` is what its source of credentials has, `user:password`.
    ///
    /// # Errors
    /// A login with control characters; a host that only the policy takes for one.
    pub fn from_rule(rule: &ProxyRule, login: Option<&str>) -> Result<Self, ProxyFault> {
        let Some(place) = &rule.place else { return Ok(Self::direct()) };
        let credentials = login.map(|login| {
            let (name, password) = login.split_once(':').unwrap_or((login, ""));
            let is_plain = !login.chars().any(char::is_control);
            is_plain.then(|| (name.to_owned(), password.to_owned())).ok_or(ProxyFault::Credentials)
        });
        let proxy = Proxy {
            kind: match place.scheme {
                ProxyScheme::Http => ProxyKind::Http,
                ProxyScheme::Socks5 => ProxyKind::Socks5,
            },
            host: Host::read(&place.host).map_err(|_| ProxyFault::Host)?,
            port: place.port,
            credentials: credentials.transpose()?,
        };
        let exceptions = rule.except.iter().filter_map(|pattern| {
            let HostPattern { host, prefix, .. } = pattern;
            match prefix {
                Some(bits) => exception(&format!("{host}/{bits}")),
                None => exception(host),
            }
        });
        Ok(Self { exceptions: exceptions.collect(), ..Self::through(proxy) })
    }

    /// What the environment says; `variable` looks one up. Lower-case names come first.
    ///
    /// # Errors
    /// The name of the variable that is no proxy, and why. Going on without it would send around the proxy what must go
    /// through it.
    pub fn from_environment(
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, (&'static str, ProxyFault)> {
        let look = |names: &[&'static str]| {
            let found = names.iter().find_map(|name| Some((*name, variable(name)?)));
            match found.filter(|(_, text)| !text.trim().is_empty()) {
                None => Ok(None),
                Some((name, text)) => Proxy::parse(text.trim()).map(Some).map_err(|fault| (name, fault)),
            }
        };
        let all = look(&["all_proxy", "ALL_PROXY"])?;
        let plain = look(&["http_proxy", "HTTP_PROXY"])?.or_else(|| all.clone());
        let secure = look(&["https_proxy", "HTTPS_PROXY"])?.or(all);
        let without = ["no_proxy", "NO_PROXY"].iter().find_map(|name| variable(name)).unwrap_or_default();
        Ok(Self { plain, secure, exceptions: without.split(',').filter_map(exception).collect() })
    }

    /// The proxy for a connection; `None` if it is made directly. Port 80 takes the proxy of plain HTTP, every other port
    /// that of HTTPS.
    #[must_use]
    pub fn proxy(&self, host: &Host, port: u16) -> Option<&Proxy> {
        let proxy = if port == 80 { self.plain.as_ref() } else { self.secure.as_ref() };
        proxy.filter(|_| !self.exceptions.iter().any(|exception| excepts(exception, host)))
    }
}

fn exception(text: &str) -> Option<Exception> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    if text == "*" {
        return Some(Exception::Everything);
    }
    if let Some(block) = Cidr::parse(text) {
        return Some(Exception::Block(block));
    }
    let name = text.trim_start_matches("*.").trim_start_matches('.');
    match Host::read(name).ok()? {
        Host::Name(name) => Some(Exception::Name(name)),
        address @ Host::Address(_) => Some(Exception::Address(address)),
    }
}

fn excepts(exception: &Exception, host: &Host) -> bool {
    match (exception, host) {
        (Exception::Everything, _) => true,
        (Exception::Name(known), Host::Name(name)) => {
            let head = name.strip_suffix(known.as_str());
            head.is_some_and(|head| head.is_empty() || head.ends_with('.'))
        }
        (Exception::Block(block), Host::Address(address)) => block.contains(*address),
        (Exception::Address(known), _) => known == host,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_of_a_proxy_is_read() {
        let proxy = Proxy::parse("http://us%40er:p%3Aw@proxy.example:8080/").unwrap();
        assert_eq!(proxy.credentials, Some(("us@er".to_owned(), "p:w".to_owned())));
        assert_eq!((proxy.kind, proxy.port), (ProxyKind::Http, 8080));
        assert_eq!(Proxy::parse("proxy.example").unwrap().port, 3128);
        assert_eq!(Proxy::parse("socks5h://[::1]").unwrap().port, 1080);
        assert_eq!(Proxy::parse("https://proxy.example"), Err(ProxyFault::Scheme));
        assert_eq!(Proxy::parse("http://:80"), Err(ProxyFault::Host));
        assert_eq!(Proxy::parse("http://u%zz@a.example"), Err(ProxyFault::Credentials));
        assert!(!format!("{proxy:?}").contains("p:w"));
    }

    #[test]
    fn a_policy_names_one_proxy_or_none() {
        let rule = |url: &str, except: &[&str]| ProxyRule {
            place: garth_policy::ProxyPlace::parse(url),
            except: except.iter().map(|text| HostPattern::parse(text).unwrap()).collect(),
            credentials: None,
            origin: garth_policy::Origin::unplaced(garth_policy::Layer::User, "policy.toml"),
        };
        let except =
            ["corp.example", "*.lan.example", "10.0.0.0/8", "[fd00::/8]", "192.0.2.1", "[2001:db8::1]"];
        let upstream =
            Upstream::from_rule(&rule("http://proxy.example:8080", &except), Some("me:a:b")).unwrap();
        let of = |host: &str, port| upstream.proxy(&Host::read(host).unwrap(), port).cloned();
        let proxy = of("a.example", 80).unwrap();
        assert_eq!((proxy.kind, proxy.port), (ProxyKind::Http, 8080));
        assert_eq!(proxy.credentials, Some(("me".into(), "a:b".into())));
        assert_eq!(of("a.example", 443), Some(proxy));
        for excepted in
            ["corp.example", "x.corp.example", "x.lan.example", "10.1.2.3", "fd00::7", "192.0.2.1"]
        {
            assert_eq!(of(excepted, 443), None, "{excepted}");
        }
        assert_eq!(of("2001:db8::1", 443), None);
        assert!(of("notcorp.example", 443).is_some() && of("11.0.0.1", 443).is_some());
        assert_eq!(Upstream::from_rule(&rule("none", &[]), None), Ok(Upstream::direct()));
        let bad = Upstream::from_rule(&rule("socks5://proxy.example", &[]), Some("me:a\r\nb"));
        assert_eq!(bad, Err(ProxyFault::Credentials));
    }

    #[test]
    fn the_environment_chooses_by_port_and_exception() {
        let variable = |name: &str| {
            let text = match name {
                "HTTP_PROXY" => "plain.example:1",
                "https_proxy" => "http://secure.example:2",
                "HTTPS_PROXY" => "http://ignored.example:3",
                "NO_PROXY" => "corp.example, .lan.example,10.0.0.0/8,192.0.2.1",
                _ => return None,
            };
            Some(text.to_owned())
        };
        let upstream = Upstream::from_environment(variable).unwrap();
        let port =
            |host: &str, port| upstream.proxy(&Host::read(host).unwrap(), port).map(|proxy| proxy.port);
        assert_eq!(port("a.example", 80), Some(1));
        assert_eq!(port("a.example", 443), Some(2));
        assert_eq!(port("a.example", 22), Some(2));
        for excepted in ["corp.example", "x.corp.example", "x.lan.example", "10.1.2.3", "192.0.2.1"] {
            assert_eq!(port(excepted, 443), None, "{excepted}");
        }
        assert_eq!(port("notcorp.example", 443), Some(2));
        let bad = Upstream::from_environment(|name| (name == "ALL_PROXY").then(|| "ftp://x".to_owned()));
        assert_eq!(bad, Err(("ALL_PROXY", ProxyFault::Scheme)));
    }
}
