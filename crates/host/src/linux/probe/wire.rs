//! Messages as an attacker writes them: questions for names, the beginning of TLS, requests of HTTP/2.

use crate::probe::{Act, Refusal};
use std::net::Ipv4Addr;

/// The record with an IPv4 address.
pub(super) const A: u16 = 1;

const INTERNET: u16 = 1;

/// A question of RFC 1035. `{long}` in the name becomes a label of 60 letters, as tunnels use.
pub(super) fn question(name: &str, kind: u16) -> Vec<u8> {
    message(0x0100, &[entry(name, kind, INTERNET)])
}

fn message(flags: u16, questions: &[Vec<u8>]) -> Vec<u8> {
    let mut out = vec![0x12, 0x34];
    out.extend(flags.to_be_bytes());
    out.extend(u16::try_from(questions.len()).unwrap_or(0).to_be_bytes());
    out.extend([0; 6]);
    out.extend(questions.concat());
    out
}

fn entry(name: &str, kind: u16, class: u16) -> Vec<u8> {
    let name = name.replace("{long}", &"q".repeat(60));
    let mut out = Vec::new();
    for label in name.split('.').filter(|label| !label.is_empty()) {
        out.push(u8::try_from(label.len()).unwrap_or(63));
        out.extend(label.as_bytes());
    }
    out.push(0);
    out.extend([kind.to_be_bytes(), class.to_be_bytes()].concat());
    out
}

/// A question in a form that is not the usual one.
pub(super) fn odd_question(form: &str, name: &str) -> Option<Vec<u8>> {
    let plain = entry(name, A, INTERNET);
    Some(match form {
        "two" => message(0x0100, &[plain, entry("data.attacker.test", A, INTERNET)]),
        "chaos" => message(0x0100, &[entry("version.bind", 16, 3)]),
        "any-class" => message(0x0100, &[entry(name, A, 255)]),
        "notify" => message(0x2000, &[plain]),
        "update" => message(0x2800, &[plain]),
        "pointer" => message(0x0100, &[vec![0xc0, 12, 0, 1, 0, 1]]),
        // A label that holds a dot, and one that holds a NUL: read as text, the name is an allowed one.
        "dot" => message(0x0100, &[[&[12_u8][..], b"allowed.test", &[0, 0, 1, 0, 1]].concat()]),
        "nul" => message(0x0100, &[[&[9_u8][..], b"allowed\0x", &[4], b"test", &[0, 0, 1, 0, 1]].concat()]),
        _ => return None,
    })
}

/// Whether an answer holds a record: else the code in it, as an error number.
pub(super) fn judged(answer: &[u8]) -> Act {
    let (code, records) = match answer {
        [_, _, _, low, _, _, high, count, ..] => (low & 15, u16::from_be_bytes([*high, *count])),
        _ => return Err(Refusal::broken("a short answer")),
    };
    match code {
        0 if records > 0 => Ok(()),
        0 => Err(Refusal::Os(libc::ENODATA)),
        3 => Err(Refusal::Os(libc::ENOENT)),
        5 => Err(Refusal::Os(libc::EACCES)),
        _ => Err(Refusal::Os(libc::EPROTO)),
    }
}

/// The address at the end of an answer with one record of IPv4.
pub(super) fn first_v4(answer: &[u8]) -> Option<Ipv4Addr> {
    let at = answer.windows(2).rposition(|pair| pair == [0, 4])?;
    let octets: [u8; 4] = answer.get(at + 2..at + 6)?.try_into().ok()?;
    Some(octets.into())
}

fn sized(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap_or(0);
    [&length.to_be_bytes()[..], bytes].concat()
}

/// The first message of TLS 1.2 or 1.3, in one record or in two.
pub(super) fn client_hello(name: &str, in_parts: bool) -> Vec<u8> {
    let server_name = sized(&[&[0_u8][..], &sized(name.as_bytes())].concat());
    let extension = [&[0_u8, 0][..], &sized(&server_name)].concat();
    let body = [&[3_u8, 3][..], &[7; 32], &[0], &sized(&[0x13, 1, 0xc0, 0x2f]), &[1, 0], &sized(&extension)]
        .concat();
    let hello = [&[1_u8, 0][..], &sized(&body)].concat();
    let record = |part: &[u8]| [&[22_u8, 3, 1][..], &sized(part)].concat();
    if in_parts {
        let (head, rest) = hello.split_at(hello.len().min(20));
        return [record(head), record(rest)].concat();
    }
    record(&hello)
}

/// The preface of HTTP/2, settings, and a request with headers as plain literals (RFC 9113, RFC 7541 section 6.2.2).
#[must_use]
pub fn http2_request(authority: &str, path: &str, more: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let frame = |kind: u8, flags: u8, stream: u8, body: &[u8]| {
        let length = u8::try_from(body.len()).unwrap_or(0);
        [&[0, 0, length, kind, flags, 0, 0, 0, stream][..], body].concat()
    };
    let literal = |name: &str, value: &[u8]| {
        let text = |text: &[u8]| [&[u8::try_from(text.len()).unwrap_or(0)][..], text].concat();
        [vec![0], text(name.as_bytes()), text(value)].concat()
    };
    let usual = [(":method", "GET"), (":scheme", "http"), (":authority", authority), (":path", path)];
    let usual = usual.iter().filter(|(name, value)| *name != ":authority" || !value.is_empty());
    let mut block: Vec<u8> = usual.flat_map(|(name, value)| literal(name, value.as_bytes())).collect();
    block.extend(more.iter().flat_map(|(name, value)| literal(name, value)));
    [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), frame(4, 0, 0, &[]), frame(1, 5, 1, &block)].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read() {
        let mut answer = question("a.test", A);
        answer[2] = 0x84;
        assert_eq!(judged(&answer), Err(Refusal::Os(libc::ENODATA)));
        answer[7] = 1;
        assert_eq!(judged(&answer), Ok(()));
        answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 198, 18, 0, 1]);
        assert_eq!(first_v4(&answer), Some(Ipv4Addr::new(198, 18, 0, 1)));
        answer[3] = 3;
        assert_eq!(judged(&answer), Err(Refusal::Os(libc::ENOENT)));
    }

    #[test]
    fn every_form_is_a_message() {
        for form in ["two", "chaos", "any-class", "notify", "update", "pointer", "dot", "nul"] {
            assert!(odd_question(form, "allowed.test").is_some_and(|message| message.len() > 12), "{form}");
        }
        assert_eq!(odd_question("none", "allowed.test"), None);
    }
}
