//! What a client speaks, told by its first bytes.

use super::progress::Progress;

/// The first bytes of HTTP/2 without TLS (RFC 9113 section 3.4).
pub const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Longest first line that is waited for.
pub const LONGEST_FIRST_LINE: usize = 16 * 1024;

/// What the first bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Opening {
    /// A TLS record with a handshake.
    Tls,
    /// A request of HTTP/1, or what a lenient server would take for one.
    Http1,
    /// HTTP/2 without TLS.
    Http2,
    /// SOCKS version 5. No other protocol that is met in practice starts with this byte.
    Socks5,
    /// A line of text that does not end: it could still become a request.
    Endless,
    /// Anything else.
    Other,
}

/// Tells what the client speaks. Bytes that could still become a request of HTTP are waited for, so that a slow client
/// cannot slip one past as something else.
#[must_use]
pub fn opening(bytes: &[u8]) -> Progress<Opening> {
    let done = |value| Progress::Done { value, used: 0 };
    match bytes {
        [] | [0x16] => return Progress::Partial,
        [0x16, 3, ..] => return done(Opening::Tls),
        [5, ..] => return done(Opening::Socks5),
        _ => {}
    }
    if bytes.starts_with(HTTP2_PREFACE) {
        return done(Opening::Http2);
    }
    // Servers skip line breaks before a request (RFC 9112 section 2.2).
    let start = bytes.iter().position(|byte| !matches!(byte, b'\r' | b'\n')).unwrap_or(bytes.len());
    let text = bytes.get(start..).unwrap_or_default();
    let end = text.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
    let line = text.get(..end.unwrap_or(text.len())).unwrap_or_default();
    // What stands before the first control character decides, so that nothing that follows changes it.
    if let Some(at) = line.iter().position(|byte| byte.is_ascii_control() && *byte != b'\t') {
        let before = line.get(..at).unwrap_or_default();
        let is_request = names_http(before) || starts_as_request(before);
        return done(if is_request { Opening::Http1 } else { Opening::Other });
    }
    match end {
        Some(_) if names_http(line) && HTTP2_PREFACE.starts_with(bytes) => Progress::Partial,
        Some(_) if names_http(line) => done(Opening::Http1),
        Some(_) => done(Opening::Other),
        None if bytes.len() > LONGEST_FIRST_LINE => done(Opening::Endless),
        None => Progress::Partial,
    }
}

fn names_http(line: &[u8]) -> bool {
    line.windows(5).any(|part| part.eq_ignore_ascii_case(b"HTTP/"))
}

/// A word of letters and a blank, as a method is followed by its target.
fn starts_as_request(line: &[u8]) -> bool {
    let word = line.iter().position(|byte| !byte.is_ascii_alphabetic() && *byte != b'-').unwrap_or(0);
    word > 0 && matches!(line.get(word), Some(b' ' | b'\t'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(bytes: &[u8]) -> Option<Opening> {
        opening(bytes).done()
    }

    #[test]
    fn protocols_are_told_apart() {
        assert_eq!(told(b"\x16\x03\x01\x02\x00"), Some(Opening::Tls));
        assert_eq!(told(b"GET / HTTP/1.1\r\n"), Some(Opening::Http1));
        assert_eq!(told(b"\r\n\r\nGET / HTTP/1.1\r\n"), Some(Opening::Http1));
        assert_eq!(told(b"get\t/ http/1.1\n"), Some(Opening::Http1));
        assert_eq!(told(b"GET / HTTP/1.1\0"), Some(Opening::Http1));
        assert_eq!(told(b"GET /\x01"), Some(Opening::Http1));
        assert_eq!(told(HTTP2_PREFACE), Some(Opening::Http2));
        assert_eq!(told(b"\x05\x01\x00"), Some(Opening::Socks5));
        assert_eq!(told(b"SSH-2.0-OpenSSH_9.2\r\n"), Some(Opening::Other));
        assert_eq!(told(b"*1\r\n$4\r\nPING\r\n"), Some(Opening::Other));
        assert_eq!(told(b"\0\0\0\x08\x04\xd2\x16\x2f"), Some(Opening::Other));
        assert_eq!(told(b"0032git-upload-pack /x\0host=y\0"), Some(Opening::Other));
    }

    #[test]
    fn what_could_become_a_request_is_waited_for() {
        for part in [&b""[..], b"\x16", b"G", b"GET / HT", b"\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n", b"EHLO"]
        {
            assert_eq!(told(part), None, "{part:?}");
        }
        assert_eq!(told(&b"A".repeat(LONGEST_FIRST_LINE + 1)), Some(Opening::Endless));
        assert_eq!(told(&b"\n".repeat(LONGEST_FIRST_LINE + 1)), Some(Opening::Endless));
    }
}
