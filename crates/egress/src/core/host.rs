//! A host as it was asked for, in its one spelling.
//!
//! The policy refuses every odd spelling; the broker first reads what a lenient program would read, so that the denial
//! names the address that was meant. What is read here is what is connected to, so no second reading can differ.
//!
//! Sources: RFC 1123 section 2.1 and RFC 5890 for names, UTS 46 for mapping, RFC 6943 section 3.1.1 for the spellings that
//! `inet_aton` takes, RFC 3986 section 3.2 for authorities.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use garth_policy::{canonical, normalise_host};
use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Longer than any name; what is longer is not looked at.
const LONGEST: usize = 1024;

/// A name, lower-case, in A-labels, without a trailing dot; or an address, never IPv4-mapped.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Host {
    /// A name.
    Name(String),
    /// An address.
    Address(IpAddr),
}

/// Why a text is no host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HostFault {
    /// Nothing, or more than a name can hold.
    Length,
    /// A control character, a blank, or bytes that are no UTF-8.
    Letter,
    /// A letter that delimits parts of a URL: `@`, `%`, `/`, `\`, `?`, `#`, and others.
    Delimiter,
    /// Brackets or colons without an IPv6 address; or an address with a zone.
    Ipv6,
    /// The last label is a number, and the whole is no IPv4 address.
    Ipv4,
    /// An internationalised name that UTS 46 does not map, or a broken A-label.
    Idn,
    /// An empty or overlong label, or one with a hyphen at an end.
    Label,
    /// The part after the colon is no port from 1 to 65535.
    Port,
}

impl HostFault {
    /// The fault, as a lower-case fragment.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Length => "the host is empty or too long",
            Self::Letter => "the host holds a control character, a blank or broken text",
            Self::Delimiter => "the host holds a letter that delimits parts of a URL",
            Self::Ipv6 => "the host is no IPv6 address",
            Self::Ipv4 => "the host ends in a number and is no IPv4 address",
            Self::Idn => "the host is no valid internationalised name",
            Self::Label => "a label of the host is empty, too long, or starts or ends with a hyphen",
            Self::Port => "the port is no number from 1 to 65535",
        }
    }
}

impl fmt::Display for HostFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.reason())
    }
}

impl std::error::Error for HostFault {}

impl Host {
    /// Reads a host without port.
    ///
    /// # Errors
    /// When it is neither a name nor an address.
    pub fn read(text: &str) -> Result<Self, HostFault> {
        if text.is_empty() || text.len() > LONGEST {
            return Err(HostFault::Length);
        }
        if text.chars().any(|letter| letter.is_control() || letter.is_whitespace()) {
            return Err(HostFault::Letter);
        }
        if text
            .contains(['@', '%', '/', '\\', '?', '#', '<', '>', '"', '|', '^', '{', '}', '`', ',', ';', '*'])
        {
            return Err(HostFault::Delimiter);
        }
        if text.contains(['[', ']', ':']) {
            let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
            let address: Ipv6Addr = bare.parse().map_err(|_| HostFault::Ipv6)?;
            return Ok(Self::from(IpAddr::V6(address)));
        }
        let ascii = to_ascii(text)?;
        let name = ascii.strip_suffix('.').unwrap_or(&ascii);
        let last = name.rsplit('.').next().unwrap_or_default();
        if last.starts_with(|first: char| first.is_ascii_digit()) {
            return legacy_v4(name).map(|address| Self::Address(address.into())).ok_or(HostFault::Ipv4);
        }
        normalise_host(name).map(Self::Name).ok_or(HostFault::Label)
    }

    /// Reads a host from the bytes of a message.
    ///
    /// # Errors
    /// When it is neither a name nor an address.
    pub fn read_bytes(bytes: &[u8]) -> Result<Self, HostFault> {
        Self::read(str::from_utf8(bytes).map_err(|_| HostFault::Letter)?)
    }

    /// The spelling that the policy compares with; an IPv6 address without brackets.
    #[must_use]
    pub fn text(&self) -> String {
        self.to_string()
    }

    /// Whether it is one of the many names of the host's own loopback.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        match self {
            Self::Name(name) => name == "localhost" || name.ends_with(".localhost"),
            Self::Address(address) => address.is_loopback(),
        }
    }

    /// The address, if it is one.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        match self {
            Self::Name(_) => None,
            Self::Address(address) => Some(*address),
        }
    }

    /// `host:port`, with brackets where they are needed.
    #[must_use]
    pub fn with_port(&self, port: u16) -> String {
        match self {
            Self::Address(IpAddr::V6(address)) => format!("[{address}]:{port}"),
            _ => format!("{self}:{port}"),
        }
    }
}

impl From<IpAddr> for Host {
    fn from(address: IpAddr) -> Self {
        Self::Address(canonical(address))
    }
}

impl fmt::Display for Host {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => out.write_str(name),
            Self::Address(address) => write!(out, "{address}"),
        }
    }
}

/// Reads `host`, `host:port` or `[IPv6]:port`: the authority of a URL without user.
///
/// # Errors
/// When the host or the port is none.
pub fn authority(text: &str) -> Result<(Host, Option<u16>), HostFault> {
    if text.contains('@') {
        return Err(HostFault::Delimiter);
    }
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if host.ends_with(']') || !host.contains(':') => (host, Some(port)),
        // A bare IPv6 address has no place in an authority: its last part could be a port.
        Some(_) if !text.starts_with('[') => return Err(HostFault::Ipv6),
        _ => (text, None),
    };
    Ok((Host::read(host)?, port.map(read_port).transpose()?))
}

fn read_port(digits: &str) -> Result<u16, HostFault> {
    let plain = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
    match digits.parse::<u16>() {
        Ok(port) if plain && port > 0 => Ok(port),
        _ => Err(HostFault::Port),
    }
}

fn to_ascii(text: &str) -> Result<String, HostFault> {
    let lower = text.to_ascii_lowercase();
    if lower.is_ascii() && !lower.split('.').any(|label| label.starts_with("xn--")) {
        return Ok(lower);
    }
    Uts46::new()
        .to_ascii(text.as_bytes(), AsciiDenyList::EMPTY, Hyphens::CheckFirstLast, DnsLength::Ignore)
        .map(|ascii| ascii.to_ascii_lowercase())
        .map_err(|_| HostFault::Idn)
}

/// An IPv4 address in any spelling of `inet_aton`: one to four parts, each decimal, octal (`0`) or hexadecimal (`0x`).
fn legacy_v4(text: &str) -> Option<Ipv4Addr> {
    let parts: Vec<u64> = text.split('.').map(number).collect::<Option<_>>()?;
    let (last, heads) = parts.split_last()?;
    if heads.len() > 3 || heads.iter().any(|part| *part > 255) {
        return None;
    }
    let bytes_left = 4_u32.saturating_sub(u32::try_from(heads.len()).ok()?);
    if *last >= 1_u64.checked_shl(8 * bytes_left)? {
        return None;
    }
    let high = heads.iter().fold(0_u64, |sum, part| (sum << 8) | part);
    u32::try_from((high << (8 * bytes_left)) | last).ok().map(Ipv4Addr::from_bits)
}

fn number(part: &str) -> Option<u64> {
    let (digits, radix) = match part.strip_prefix("0x") {
        Some(digits) => (digits, 16),
        None if part.len() > 1 && part.starts_with('0') => (part.get(1..)?, 8),
        None => (part, 10),
    };
    let plain = !digits.is_empty() && digits.len() <= 16 && digits.chars().all(|digit| digit.is_digit(radix));
    plain.then(|| u64::from_str_radix(digits, radix).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reads(text: &str) -> String {
        Host::read(text).map_or_else(|fault| format!("{fault:?}"), |host| host.text())
    }

    #[test]
    fn one_spelling_for_what_is_meant() {
        for (text, wanted) in [
            ("Example.COM.", "example.com"),
            ("bücher.example", "xn--bcher-kva.example"),
            ("XN--BCHER-KVA.example", "xn--bcher-kva.example"),
            ("exam\u{ad}ple.com", "example.com"),
            ("example\u{3002}com", "example.com"),
            ("１２７.0.0.1", "127.0.0.1"),
            ("127.0.0.1", "127.0.0.1"),
            ("127.0.0.1.", "127.0.0.1"),
            ("127.1", "127.0.0.1"),
            ("0177.0.0.1", "127.0.0.1"),
            ("0x7f.1", "127.0.0.1"),
            ("0X7F000001", "127.0.0.1"),
            ("2130706433", "127.0.0.1"),
            ("017700000001", "127.0.0.1"),
            ("10.1.1", "10.1.0.1"),
            ("[::1]", "::1"),
            ("::1", "::1"),
            ("::ffff:10.0.0.1", "10.0.0.1"),
            ("[::FFFF:7f00:1]", "127.0.0.1"),
            ("[64:ff9b::7f00:1]", "64:ff9b::7f00:1"),
            ("a_b.example", "a_b.example"),
        ] {
            assert_eq!(reads(text), wanted, "{text}");
        }
    }

    #[test]
    fn what_two_programs_could_read_differently_is_no_host() {
        for (text, fault) in [
            ("", HostFault::Length),
            (".", HostFault::Label),
            ("bad.example\0.good.example", HostFault::Letter),
            ("a b", HostFault::Letter),
            ("user@host", HostFault::Delimiter),
            ("a%2eb", HostFault::Delimiter),
            ("a/b", HostFault::Delimiter),
            ("a\\b", HostFault::Delimiter),
            ("*.example.com", HostFault::Delimiter),
            ("a..b", HostFault::Label),
            ("example.com..", HostFault::Label),
            (".example.com", HostFault::Label),
            ("-a.example", HostFault::Label),
            ("256.0.0.1", HostFault::Ipv4),
            ("1.2.3.4.5", HostFault::Ipv4),
            ("0x", HostFault::Ipv4),
            ("09.1.1.1", HostFault::Ipv4),
            ("4294967296", HostFault::Ipv4),
            ("example.1a", HostFault::Ipv4),
            ("[::1", HostFault::Ipv6),
            ("[127.0.0.1]", HostFault::Ipv6),
            ("fe80::1%eth0", HostFault::Delimiter),
            ("a:b", HostFault::Ipv6),
            ("xn--a.example", HostFault::Idn),
            ("xn--\u{fc}.example", HostFault::Idn),
        ] {
            assert_eq!(Host::read(text), Err(fault), "{text:?}");
        }
        assert_eq!(Host::read(&"a".repeat(64)), Err(HostFault::Label));
        assert_eq!(Host::read(&"a.".repeat(600)), Err(HostFault::Length));
        assert_eq!(Host::read_bytes(b"\xff.example"), Err(HostFault::Letter));
    }

    #[test]
    fn authorities_have_at_most_one_port() {
        let read = |text| authority(text).map(|(host, port)| (host.text(), port));
        assert_eq!(read("a.example"), Ok(("a.example".to_owned(), None)));
        assert_eq!(read("a.example:443"), Ok(("a.example".to_owned(), Some(443))));
        assert_eq!(read("[::1]:80"), Ok(("::1".to_owned(), Some(80))));
        assert_eq!(read("[::1]"), Ok(("::1".to_owned(), None)));
        for bad in ["a:+80", "a:0", "a:65536", "a:", "a:8 0", "[::1]:"] {
            assert!(matches!(read(bad), Err(HostFault::Port | HostFault::Letter)), "{bad}");
        }
        for bad in ["::1", "a:80:80", "[::1]x:80", "user:pw@a:80", "::1:80"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
