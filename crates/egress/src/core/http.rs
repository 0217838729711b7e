//! The head of a request of HTTP/1, read strictly: what two programs could read differently is refused.
//!
//! Sources: RFC 9112 sections 2.2, 3.2, 5.2, 6 and 11.2 (smuggling), RFC 9110 section 7.2 (Host) and 11.7.2 (credentials).

use super::host::{Host, HostFault, authority};
use super::progress::Progress;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Longest head that is read.
pub const LONGEST_HEAD: usize = 64 * 1024;

/// The most header lines that are read.
pub const MOST_HEADERS: usize = 128;

/// Where a request is addressed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A path with query; the host is in the header.
    Origin(String),
    /// A URL of the scheme `http`, as a proxy gets it.
    Absolute {
        /// The host.
        host: Host,
        /// The port, 80 if none is written.
        port: u16,
        /// The path with query.
        path: String,
    },
    /// Host and port, of CONNECT.
    Authority {
        /// The host.
        host: Host,
        /// The port.
        port: u16,
    },
    /// `*`, of OPTIONS.
    Asterisk,
}

/// A head that can be read in one way only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The method.
    pub method: String,
    /// Where the request goes.
    pub target: Target,
    /// The last digit of the version.
    pub minor_version: u8,
    /// The header `Host`.
    pub host: Option<(Host, Option<u16>)>,
    /// All headers, as sent.
    pub headers: Vec<(String, Vec<u8>)>,
}

impl Head {
    /// The values of a header.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let same = |(known, _): &&'a (String, Vec<u8>)| known.eq_ignore_ascii_case(name);
        self.headers.iter().filter(same).map(|(_, value)| value.as_slice())
    }
}

/// Why a head is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HttpFault {
    /// Longer than is read, or too many lines.
    TooLong,
    /// A line break that is not CR LF, or a NUL.
    LineBreak,
    /// A line that continues the one before.
    Folding,
    /// Not the grammar of a head.
    Syntax,
    /// A version other than 1.0 and 1.1.
    Version,
    /// More than one length, or one that is no number.
    ContentLength,
    /// A transfer coding other than `chunked` alone, or one together with a length, or in version 1.0.
    TransferEncoding,
    /// No Host where one must be, or several.
    Host,
    /// The target or the Host is no host.
    BadHost(HostFault),
    /// The target and the Host do not agree.
    HostMismatch,
    /// A target that a proxy does not carry.
    Target,
}

impl HttpFault {
    /// The fault, as a lower-case fragment.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::TooLong => "the head of the request is too long",
            Self::LineBreak => "the head of the request has a bare line break or a NUL",
            Self::Folding => "the head of the request has a folded line",
            Self::Syntax => "the head of the request is malformed",
            Self::Version => "the version of HTTP is neither 1.0 nor 1.1",
            Self::ContentLength => "the request has more than one length, or none that is a number",
            Self::TransferEncoding => "the request's transfer coding can be read in two ways",
            Self::Host => "the request must have one header `Host`",
            Self::BadHost(fault) => fault.reason(),
            Self::HostMismatch => "the request's target and its Host do not agree",
            Self::Target => "the request's target is none that a proxy carries",
        }
    }
}

/// Reads the head at the start of a stream.
///
/// # Errors
/// When it is malformed, ambiguous or too long.
pub fn head(stream: &[u8]) -> Result<Progress<Head>, HttpFault> {
    let window = stream.get(..LONGEST_HEAD).unwrap_or(stream);
    let end = window.windows(4).position(|part| part == b"\r\n\r\n").map(|at| at + 4);
    let seen = window.get(..end.unwrap_or(window.len())).unwrap_or_default();
    line_breaks(seen)?;
    let Some(used) = end else {
        return if stream.len() >= LONGEST_HEAD { Err(HttpFault::TooLong) } else { Ok(Progress::Partial) };
    };
    Ok(Progress::Done { value: parse(seen)?, used })
}

fn line_breaks(bytes: &[u8]) -> Result<(), HttpFault> {
    for (at, byte) in bytes.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| bytes.get(at));
        let after = bytes.get(at + 1);
        match byte {
            b'\n' if before != Some(&b'\r') => return Err(HttpFault::LineBreak),
            b'\r' if after.is_some_and(|after| *after != b'\n') => return Err(HttpFault::LineBreak),
            b'\n' if matches!(after, Some(b' ' | b'\t')) => return Err(HttpFault::Folding),
            0 => return Err(HttpFault::LineBreak),
            _ => {}
        }
    }
    Ok(())
}

fn parse(bytes: &[u8]) -> Result<Head, HttpFault> {
    if bytes.first().is_some_and(|byte| matches!(byte, b'\r' | b'\n')) {
        return Err(HttpFault::LineBreak);
    }
    let mut lines = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut request = httparse::Request::new(&mut lines);
    match request.parse(bytes) {
        Ok(httparse::Status::Complete(_)) => {}
        Ok(httparse::Status::Partial) => return Err(HttpFault::Syntax),
        Err(httparse::Error::TooManyHeaders) => return Err(HttpFault::TooLong),
        Err(httparse::Error::Version) => return Err(HttpFault::Version),
        Err(_) => return Err(HttpFault::Syntax),
    }
    let (Some(method), Some(target), Some(minor_version)) = (request.method, request.path, request.version)
    else {
        return Err(HttpFault::Syntax);
    };
    let headers: Vec<(String, Vec<u8>)> =
        request.headers.iter().map(|line| (line.name.to_owned(), line.value.to_vec())).collect();
    let mut head = Head {
        method: method.to_owned(),
        target: read_target(method, target)?,
        minor_version,
        host: None,
        headers,
    };
    head.host = named_host(&head)?;
    framing(&head)?;
    Ok(head)
}

fn read_target(method: &str, target: &str) -> Result<Target, HttpFault> {
    if target.contains('#') {
        return Err(HttpFault::Target);
    }
    if method == "CONNECT" {
        return match authority(target).map_err(HttpFault::BadHost)? {
            (host, Some(port)) => Ok(Target::Authority { host, port }),
            (_, None) => Err(HttpFault::BadHost(HostFault::Port)),
        };
    }
    if target.starts_with('/') {
        return Ok(Target::Origin(target.to_owned()));
    }
    if target == "*" && method == "OPTIONS" {
        return Ok(Target::Asterisk);
    }
    let (scheme, rest) = target.split_once("://").ok_or(HttpFault::Target)?;
    if !scheme.eq_ignore_ascii_case("http") {
        return Err(HttpFault::Target);
    }
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (written, path) = rest.split_at_checked(end).ok_or(HttpFault::Target)?;
    let (host, port) = authority(written).map_err(HttpFault::BadHost)?;
    let path = match path.strip_prefix('?') {
        Some(query) => format!("/?{query}"),
        None if path.is_empty() => "/".to_owned(),
        None => path.to_owned(),
    };
    Ok(Target::Absolute { host, port: port.unwrap_or(80), path })
}

/// The one Host, which must agree with the target where that names a host.
fn named_host(head: &Head) -> Result<Option<(Host, Option<u16>)>, HttpFault> {
    let mut values = head.values("host");
    let named = match (values.next(), values.next()) {
        (None, _) if head.minor_version == 0 || head.method == "CONNECT" => return Ok(None),
        (Some(value), None) => {
            let text = str::from_utf8(value).map_err(|_| HttpFault::BadHost(HostFault::Letter))?;
            authority(text).map_err(HttpFault::BadHost)?
        }
        _ => return Err(HttpFault::Host),
    };
    let agrees =
        |host: &Host, port: u16, default: u16| named.0 == *host && named.1.unwrap_or(default) == port;
    let sound = match &head.target {
        Target::Absolute { host, port, .. } => agrees(host, *port, 80),
        // Clients write the Host of CONNECT with the port, without it, or with the port of the scheme.
        Target::Authority { host, port } => named.0 == *host && named.1.is_none_or(|named| named == *port),
        Target::Origin(_) | Target::Asterisk => true,
    };
    if sound { Ok(Some(named)) } else { Err(HttpFault::HostMismatch) }
}

/// The length of the body can be told in one way only.
fn framing(head: &Head) -> Result<(), HttpFault> {
    let lengths: Vec<&[u8]> = head.values("content-length").collect();
    let is_number =
        |value: &[u8]| !value.is_empty() && value.len() <= 19 && value.iter().all(u8::is_ascii_digit);
    if lengths.len() > 1 || !lengths.iter().all(|value| is_number(value)) {
        return Err(HttpFault::ContentLength);
    }
    let codings: Vec<&[u8]> = head.values("transfer-encoding").collect();
    let is_chunked = codings.len() == 1 && codings.iter().all(|value| value.eq_ignore_ascii_case(b"chunked"));
    let is_sound = codings.is_empty() || (is_chunked && lengths.is_empty() && head.minor_version == 1);
    if is_sound { Ok(()) } else { Err(HttpFault::TransferEncoding) }
}

/// User name and password of `Basic` credentials (RFC 7617).
#[must_use]
pub fn basic_credentials(value: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let encoded = basic_token(value)?;
    let decoded = STANDARD.decode(encoded).ok()?;
    let colon = decoded.iter().position(|byte| *byte == b':')?;
    let (user, password) = decoded.split_at_checked(colon)?;
    Some((user.to_vec(), password.get(1..)?.to_vec()))
}

/// What follows the word `Basic`.
pub(crate) fn basic_token(value: &[u8]) -> Option<&[u8]> {
    let (scheme, rest) = value.split_at_checked(6)?;
    scheme.eq_ignore_ascii_case(b"basic ").then(|| rest.trim_ascii())
}

/// The value of `Basic` credentials.
#[must_use]
pub fn basic_value(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

/// Compares without telling by its duration where two texts differ.
#[must_use]
pub fn same_secret(a: &[u8], b: &[u8]) -> bool {
    let differs = a.iter().zip(b).fold(0_u8, |sum, (a, b)| sum | (a ^ b));
    a.len() == b.len() && std::hint::black_box(differs) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Head, HttpFault> {
        head(text.as_bytes()).map(|progress| progress.done().expect("a whole head"))
    }

    #[test]
    fn the_three_forms_of_a_proxy_are_read() {
        let connect = read("CONNECT Example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n").unwrap();
        let host = Host::read("example.com").unwrap();
        assert_eq!(connect.target, Target::Authority { host: host.clone(), port: 443 });
        let absolute = read("GET http://example.com?q=1 HTTP/1.1\r\nHost: example.com\r\n\r\n").unwrap();
        assert_eq!(absolute.target, Target::Absolute { host, port: 80, path: "/?q=1".to_owned() });
        let origin = read("GET /a HTTP/1.1\r\nhOsT: a.example:8080\r\n\r\n").unwrap();
        assert_eq!(origin.host, Some((Host::read("a.example").unwrap(), Some(8080))));
        assert!(read("CONNECT [::1]:443 HTTP/1.0\r\n\r\n").is_ok());
    }

    #[test]
    fn a_head_is_waited_for_and_bounded() {
        let text = b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n";
        for end in 0..text.len() {
            assert_eq!(head(text.get(..end).unwrap()), Ok(Progress::Partial), "{end}");
        }
        let endless = [&b"GET / HTTP/1.1\r\nA: "[..], &b"a".repeat(LONGEST_HEAD)].concat();
        assert_eq!(head(&endless), Err(HttpFault::TooLong));
        let many = format!("GET / HTTP/1.1\r\nHost: a.example\r\n{}\r\n", "A: b\r\n".repeat(MOST_HEADERS));
        assert_eq!(read(&many), Err(HttpFault::TooLong));
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_refused() {
        let with = |lines: &str| read(&format!("POST / HTTP/1.1\r\nHost: a.example\r\n{lines}\r\n")).err();
        for (lines, fault) in [
            ("Content-Length: 1\r\nContent-Length: 1\r\n", HttpFault::ContentLength),
            ("Content-Length: 1, 1\r\n", HttpFault::ContentLength),
            ("Content-Length: +1\r\n", HttpFault::ContentLength),
            ("Content-Length: \r\n", HttpFault::ContentLength),
            ("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n", HttpFault::TransferEncoding),
            ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", HttpFault::TransferEncoding),
            ("Transfer-Encoding: gzip, chunked\r\n", HttpFault::TransferEncoding),
            ("Transfer-Encoding: xchunked\r\n", HttpFault::TransferEncoding),
            ("Host: b.example\r\n", HttpFault::Host),
            ("A: b\r\n c\r\n", HttpFault::Folding),
            ("A: b\nC: d\r\n", HttpFault::LineBreak),
            ("A: b\rC: d\r\n", HttpFault::LineBreak),
            ("A: b\0\r\n", HttpFault::LineBreak),
            ("A : b\r\n", HttpFault::Syntax),
            (": b\r\n", HttpFault::Syntax),
        ] {
            assert_eq!(with(lines), Some(fault), "{lines:?}");
        }
        assert_eq!(with("Content-Length: 1\r\n"), None);
        assert_eq!(with("Transfer-Encoding: Chunked\r\n"), None);
        for (text, fault) in [
            ("GET / HTTP/1.1\r\n\r\n", HttpFault::Host),
            ("GET http://a.example/ HTTP/1.1\r\nHost: b.example\r\n\r\n", HttpFault::HostMismatch),
            ("GET http://a.example/ HTTP/1.1\r\nHost: a.example:81\r\n\r\n", HttpFault::HostMismatch),
            ("CONNECT a.example:443 HTTP/1.1\r\nHost: b.example\r\n\r\n", HttpFault::HostMismatch),
            ("CONNECT a.example HTTP/1.1\r\n\r\n", HttpFault::BadHost(HostFault::Port)),
            (
                "GET http://u:p@a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n",
                HttpFault::BadHost(HostFault::Delimiter),
            ),
            ("GET https://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n", HttpFault::Target),
            ("GET /#x HTTP/1.1\r\nHost: a.example\r\n\r\n", HttpFault::Target),
            ("GET a.example HTTP/1.1\r\nHost: a.example\r\n\r\n", HttpFault::Target),
            ("\r\nGET / HTTP/1.1\r\nHost: a.example\r\n\r\n", HttpFault::LineBreak),
            ("GET / HTTP/2.0\r\nHost: a.example\r\n\r\n", HttpFault::Version),
            ("GET  / HTTP/1.1\r\nHost: a.example\r\n\r\n", HttpFault::Syntax),
            ("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", HttpFault::TransferEncoding),
        ] {
            assert_eq!(read(text).err(), Some(fault), "{text:?}");
        }
    }

    #[test]
    fn basic_credentials_go_both_ways() {
        let value = basic_value("u", "p:w");
        assert_eq!(basic_credentials(value.as_bytes()), Some((b"u".to_vec(), b"p:w".to_vec())));
        assert_eq!(basic_credentials(b"bAsIc  dTpw"), Some((b"u".to_vec(), b"p".to_vec())));
        for bad in [&b"Basic"[..], b"Basic ", b"Basic !!", b"Bearer dTpw", b"Basic dXA="] {
            assert_eq!(basic_credentials(bad), None, "{bad:?}");
        }
        assert!(same_secret(b"abc", b"abc"));
        assert!(!same_secret(b"abc", b"abd") && !same_secret(b"abc", b"ab") && !same_secret(b"", b"a"));
    }
}
