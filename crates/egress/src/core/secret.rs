//! Secrets that are put in on the way out. Inside there is a placeholder; the real value is put in its place in header
//! values of requests to the hosts of its rule, and taken out again of what comes back.

use super::host::Host;
use super::http::basic_token;
use super::scrub::Scrubber;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use garth_policy::HostPattern;
use std::fmt;

/// Shorter placeholders could be met by chance.
const SHORTEST_PLACEHOLDER: usize = 16;

/// A secret and where it may go.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    name: String,
    placeholder: String,
    value: String,
    hosts: Vec<HostPattern>,
}

/// Why a secret cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SecretFault {
    /// The value is empty.
    Empty,
    /// The value holds what no header can hold.
    Letter,
    /// The placeholder is too short, holds other letters than `A-Z a-z 0-9 _ -`, or is part of another one or of a value.
    Placeholder,
}

impl fmt::Display for SecretFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Empty => "the secret is empty",
            Self::Letter => "the secret holds a letter that no header can hold, such as a line break",
            Self::Placeholder => "the placeholder is not unique or too short",
        })
    }
}

impl std::error::Error for SecretFault {}

/// Two secrets that cannot be told apart in what passes: the value of one is part of the other's, so that taking one out of
/// an answer would leave a rest of the other, or a placeholder is part of another one or of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretClash {
    /// Name of the one that was given first.
    pub first: String,
    /// Name of the other.
    pub second: String,
}

impl fmt::Display for SecretClash {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{} and {} cannot be told apart: the value of one is part of the other's",
            self.first, self.second
        )
    }
}

impl std::error::Error for SecretClash {}

impl Secret {
    /// A secret that goes to `hosts`.
    ///
    /// # Errors
    /// When the value cannot stand in a header, or the placeholder could be met by chance.
    pub fn new(
        name: impl Into<String>,
        placeholder: impl Into<String>,
        value: impl Into<String>,
        hosts: Vec<HostPattern>,
    ) -> Result<Self, SecretFault> {
        let secret = Self { name: name.into(), placeholder: placeholder.into(), value: value.into(), hosts };
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        if secret.value.is_empty() {
            return Err(SecretFault::Empty);
        }
        if secret.value.chars().any(|letter| letter.is_control() || !letter.is_ascii()) {
            return Err(SecretFault::Letter);
        }
        let is_sound = secret.placeholder.len() >= SHORTEST_PLACEHOLDER
            && secret.placeholder.bytes().all(plain)
            && !secret.value.contains(&secret.placeholder);
        if is_sound { Ok(secret) } else { Err(SecretFault::Placeholder) }
    }

    /// A placeholder for the variable `name`, from bytes that nobody can guess.
    #[must_use]
    pub fn placeholder_for(name: &str, random: [u8; 16]) -> String {
        let name: String = name.chars().filter(|letter| letter.is_ascii_alphanumeric()).take(32).collect();
        format!("garth-{}-{:032x}", name.to_ascii_lowercase(), u128::from_be_bytes(random))
    }

    /// Name of the variable inside.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What stands in the variable inside.
    #[must_use]
    pub fn placeholder(&self) -> &str {
        &self.placeholder
    }

    /// Whether something of this secret is part of the other. Two names for one value are no clash.
    fn clashes(&self, other: &Self) -> bool {
        other.placeholder.contains(&self.placeholder)
            || other.value.contains(&self.placeholder)
            || (other.value != self.value && other.value.contains(&self.value))
    }

    /// Without TLS a secret goes only where its rule names the very port.
    fn goes_to(&self, host: &str, port: u16, is_private: bool) -> bool {
        let mut hosts = self.hosts.iter();
        hosts.any(|pattern| pattern.matches(host, port) && (is_private || pattern.port.is_some()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Secret")
            .field("name", &self.name)
            .field("hosts", &self.hosts)
            .finish_non_exhaustive()
    }
}

/// A header value after substitution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Substituted {
    /// The new value; `None` if it stays as it is.
    pub value: Option<Vec<u8>>,
    /// Names of the secrets that were put in.
    pub used: Vec<String>,
    /// Names of the secrets whose placeholder is there, and that may not go to this host.
    pub withheld: Vec<String>,
}

/// All secrets of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secrets {
    all: Vec<Secret>,
}

impl Secrets {
    /// None.
    #[must_use]
    pub fn none() -> Self {
        Self { all: Vec::new() }
    }

    /// These.
    ///
    /// # Errors
    /// When two of them cannot be told apart in what passes.
    pub fn new(all: Vec<Secret>) -> Result<Self, SecretClash> {
        for (at, one) in all.iter().enumerate() {
            for other in all.iter().skip(at.saturating_add(1)) {
                if one.clashes(other) || other.clashes(one) {
                    return Err(SecretClash { first: one.name.clone(), second: other.name.clone() });
                }
            }
        }
        Ok(Self { all })
    }

    /// True if there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Puts secrets into a header value of a request to `host`. Credentials of the scheme `Basic` are looked into.
    /// `is_private` says that the request goes over TLS.
    #[must_use]
    pub fn substitute(&self, host: &Host, port: u16, is_private: bool, value: &[u8]) -> Substituted {
        let text = host.text();
        let allowed = |secret: &Secret| secret.goes_to(&text, port, is_private);
        let mut out = Substituted { value: None, used: Vec::new(), withheld: Vec::new() };
        let mut changed = self.replace(value, &allowed, &mut out);
        let inner = basic_token(value).and_then(|token| STANDARD.decode(token).ok());
        if let Some(inner) = inner.and_then(|inner| self.replace(&inner, &allowed, &mut out)) {
            changed = Some(format!("Basic {}", STANDARD.encode(inner)).into_bytes());
        }
        out.value = changed;
        out
    }

    fn replace(
        &self,
        value: &[u8],
        allowed: &dyn Fn(&Secret) -> bool,
        out: &mut Substituted,
    ) -> Option<Vec<u8>> {
        let mut changed: Option<Vec<u8>> = None;
        for secret in &self.all {
            let current = changed.as_deref().unwrap_or(value);
            if !contains(current, secret.placeholder.as_bytes()) {
                continue;
            }
            if allowed(secret) {
                changed = Some(replaced(current, secret.placeholder.as_bytes(), secret.value.as_bytes()));
                out.used.push(secret.name.clone());
            } else {
                out.withheld.push(secret.name.clone());
            }
        }
        changed
    }

    /// What takes secrets out of a body that comes back from `host`; `None` if no secret may go there.
    #[must_use]
    pub fn scrubber(&self, host: &Host, port: u16, is_private: bool) -> Option<Scrubber> {
        let text = host.text();
        let there = self.all.iter().filter(|secret| secret.goes_to(&text, port, is_private));
        let values: Vec<Vec<u8>> = there.map(|secret| secret.value.clone().into_bytes()).collect();
        (!values.is_empty()).then(|| Scrubber::new(values))
    }

    /// Takes secrets out of a header value that comes back; `None` if it holds none.
    #[must_use]
    pub fn scrub(&self, value: &[u8]) -> Option<Vec<u8>> {
        let mut changed: Option<Vec<u8>> = None;
        for secret in &self.all {
            let current = changed.as_deref().unwrap_or(value);
            if contains(current, secret.value.as_bytes()) {
                changed = Some(replaced(current, secret.value.as_bytes(), secret.placeholder.as_bytes()));
            }
        }
        changed
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    !part.is_empty() && text.windows(part.len()).any(|window| window == part)
}

fn replaced(text: &[u8], part: &[u8], by: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, tail)) = rest.split_first() {
        match rest.strip_prefix(part).filter(|_| !part.is_empty()) {
            Some(after) => {
                out.extend_from_slice(by);
                rest = after;
            }
            None => {
                out.push(*first);
                rest = tail;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACEHOLDER: &str = "garth-placeholder-0123456789abcdef";

    fn secrets() -> Secrets {
        let hosts =
            vec![HostPattern::parse("api.example").unwrap(), HostPattern::parse("plain.example:80").unwrap()];
        let other = Secret::new("B", "garth-other-0123456789abcdef", "bbb", Vec::new()).unwrap();
        Secrets::new(vec![Secret::new("A", PLACEHOLDER, "real", hosts).unwrap(), other]).unwrap()
    }

    fn put(host: &str, port: u16, is_private: bool, value: &str) -> Substituted {
        secrets().substitute(&Host::read(host).unwrap(), port, is_private, value.as_bytes())
    }

    #[test]
    fn only_the_hosts_of_the_rule_see_the_value() {
        let bearer = format!("Bearer {PLACEHOLDER}");
        let there = put("api.example", 443, true, &bearer);
        assert_eq!(there.value.as_deref(), Some(&b"Bearer real"[..]));
        assert_eq!(there.used, ["A"]);
        for (host, port, is_private) in [
            ("evil.example", 443, true),
            ("api.example", 80, false),
            ("plain.example", 81, false),
            ("x.api.example", 443, true),
        ] {
            let elsewhere = put(host, port, is_private, &bearer);
            assert_eq!(elsewhere.value, None, "{host}");
            assert_eq!(elsewhere.withheld, ["A"]);
        }
        assert!(put("plain.example", 80, false, &bearer).value.is_some());
        assert_eq!(put("api.example", 443, true, "Bearer x").value, None);
    }

    #[test]
    fn basic_credentials_are_looked_into() {
        let value = super::super::http::basic_value("user", PLACEHOLDER);
        let there = put("api.example", 443, true, &value);
        let wanted = super::super::http::basic_value("user", "real");
        assert_eq!(there.value.as_deref(), Some(wanted.as_bytes()));
        assert_eq!(put("evil.example", 443, true, &value).withheld, ["A"]);
    }

    #[test]
    fn an_echo_comes_back_as_the_placeholder() {
        let back = secrets().scrub(b"token=real; real");
        assert_eq!(back, Some(format!("token={PLACEHOLDER}; {PLACEHOLDER}").into_bytes()));
        assert_eq!(secrets().scrub(b"nothing"), None);
    }

    #[test]
    fn what_cannot_be_told_apart_or_stand_in_a_header_is_refused() {
        let new = |placeholder, value| Secret::new("A", placeholder, value, Vec::new()).err();
        assert_eq!(new(PLACEHOLDER, ""), Some(SecretFault::Empty));
        assert_eq!(new(PLACEHOLDER, "a\r\nX: y"), Some(SecretFault::Letter));
        assert_eq!(new("short", "a"), Some(SecretFault::Placeholder));
        assert_eq!(new("has blanks in it, many", "a"), Some(SecretFault::Placeholder));
        let made = Secret::placeholder_for("GITHUB_TOKEN", [7; 16]);
        assert_eq!(made, format!("garth-githubtoken-{}", "07".repeat(16)));
        assert_eq!(new(&made, "a"), None);
        let one = Secret::new("A", PLACEHOLDER, "real", Vec::new()).unwrap();
        let clash = Secret::new("B", format!("x{PLACEHOLDER}"), "v", Vec::new()).unwrap();
        let names = SecretClash { first: "A".into(), second: "B".into() };
        assert_eq!(Secrets::new(vec![one.clone(), clash]), Err(names.clone()));
        let with = |value: &str| Secret::new("B", "garth-other-0123456789abcdef", value, Vec::new()).unwrap();
        assert_eq!(Secrets::new(vec![one.clone(), with("unreal")]), Err(names));
        assert!(Secrets::new(vec![one.clone(), with("real")]).is_ok(), "two names for one value");
        assert!(!format!("{one:?}").contains("real"));
    }
}
