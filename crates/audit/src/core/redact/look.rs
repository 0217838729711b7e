//! Finds what looks like a secret. Every search goes through a text once, from left to right.

use super::Span;
use super::table::{HEADERS, NAMES, Sure, TOKENS, Token};
use memchr::memmem::Finder;
use std::sync::LazyLock;

static BEGIN: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"-----BEGIN"));
static AUTHORITY: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"://"));

/// All that looks like a secret in a text, in no order.
pub(super) fn find(text: &str, found: &mut Vec<Span>) {
    let bytes = text.as_bytes();
    tokens(bytes, found);
    if BEGIN.find(bytes).is_some() {
        keys(bytes, found);
    }
    if AUTHORITY.find(bytes).is_some() {
        addresses(bytes, found);
    }
    assignments(bytes, found);
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// The rows of tokens that begin with a byte, as bits: most words begin no token, and the others few.
const ROWS: [u128; 256] = {
    assert!(TOKENS.len() <= 128, "a row has no bit");
    let mut rows = [0; 256];
    let mut at = 0;
    while at < TOKENS.len() {
        rows[TOKENS[at].prefix.as_bytes()[0] as usize] |= 1 << at;
        at += 1;
    }
    rows
};

/// The token that begins here.
fn row(bytes: &[u8]) -> Option<&'static Token> {
    let mut rows = ROWS[usize::from(*bytes.first()?)];
    while rows != 0 {
        let row = TOKENS.get(usize::try_from(rows.trailing_zeros()).ok()?)?;
        if bytes.starts_with(row.prefix.as_bytes()) {
            return Some(row);
        }
        rows &= rows - 1;
    }
    None
}

/// Tokens by their beginning, where a word begins.
fn tokens(bytes: &[u8], found: &mut Vec<Span>) {
    let mut at = 0;
    while at < bytes.len() {
        let starts = at == 0 || !is_word(bytes[at - 1]);
        let Some(row) = starts.then(|| row(&bytes[at..])).flatten() else {
            at += 1;
            continue;
        };
        let from = at + row.prefix.len();
        let length = bytes[from..].iter().take_while(|byte| row.letters.has(**byte)).count();
        if length >= row.least && is_wanted(row.prefix, &bytes[from..from + length]) {
            found.push(Span { start: at, end: from + length, what: row.what.into() });
        }
        at = from + length;
    }
}

/// What begins like a token and is plain text: a web token has two dots, and others have digits.
fn is_wanted(prefix: &str, rest: &[u8]) -> bool {
    match prefix {
        "eyJ" => rest.iter().filter(|byte| **byte == b'.').count() >= 2,
        _ => rest.iter().any(u8::is_ascii_digit),
    }
}

/// Private keys in text form (RFC 7468), to their end or to that of the text.
fn keys(bytes: &[u8], found: &mut Vec<Span>) {
    let mut from = 0;
    while let Some(start) = memchr::memmem::find(&bytes[from..], b"-----BEGIN").map(|start| start + from) {
        let label_end = (start + 80).min(bytes.len());
        let label = &bytes[start..label_end];
        let Some(length) = memchr::memmem::find(label, b"PRIVATE KEY") else {
            from = start + 10;
            continue;
        };
        let after = start + length;
        let end = memchr::memmem::find(&bytes[after..], b"-----END").map_or(bytes.len(), |end| {
            let mark = after + end + 8;
            memchr::memmem::find(&bytes[mark..], b"-----").map_or(bytes.len(), |close| mark + close + 5)
        });
        found.push(Span { start, end, what: "private key".into() });
        from = end;
    }
}

/// What stands before the `@` of an address: a password, or a token alone.
fn addresses(bytes: &[u8], found: &mut Vec<Span>) {
    let mut from = 0;
    while let Some(start) = memchr::memmem::find(&bytes[from..], b"://").map(|start| start + from + 3) {
        let ends = |byte: &u8| matches!(byte, b'/' | b'?' | b'#' | b'"' | b'\'' | b'\\') || *byte <= b' ';
        let length = bytes[start..].iter().position(ends).unwrap_or(bytes.len() - start);
        let authority = &bytes[start..start + length];
        if let Some(at) = memchr::memrchr(b'@', authority) {
            let who = &authority[..at];
            match memchr::memchr(b':', who) {
                Some(colon) => {
                    let (start, end) = (start + colon + 1, start + at);
                    found.push(Span { start, end, what: "password".into() });
                }
                // A short name alone is a user's.
                None if who.len() >= 16 => {
                    found.push(Span { start, end: start + at, what: "token".into() });
                }
                None => {}
            }
        }
        from = start + length;
    }
}

/// `name = value`, `name: value` and `"name": "value"`, where the name says that a secret follows; and headers.
fn assignments(bytes: &[u8], found: &mut Vec<Span>) {
    let mut from = 0;
    while let Some(sign) = memchr::memchr2(b'=', b':', &bytes[from..]).map(|sign| sign + from) {
        let name = name_before(bytes, from, sign).to_ascii_lowercase();
        from = sign + 1;
        if name.is_empty() {
            continue;
        }
        // `key = value`, `key => value`, `key: value`.
        let blanks =
            bytes[from..].iter().take(4).take_while(|byte| matches!(byte, b' ' | b'>' | b'=')).count();
        let value = from + blanks;
        if HEADERS.iter().any(|header| header.as_bytes() == name) {
            let end = line_end(bytes, value);
            found.push(Span { start: value, end, what: "header".into() });
            from = end;
        } else if let Some(sure) = surety(&name) {
            // What is no secret may hold another assignment, so only its start is looked at before that is known.
            let (start, end) = quoted(&bytes[..bytes.len().min(value + LONGEST_LOOK)], value);
            if is_secret(&bytes[start..end], sure) {
                let (start, end) = quoted(bytes, value);
                let what = String::from_utf8_lossy(&name).into_owned();
                found.push(Span { start, end, what: what.into() });
                from = end.max(from);
            }
        }
    }
}

/// How much of a value is looked at to tell whether it is a secret.
const LONGEST_LOOK: usize = 512;

/// Longest name that is looked at.
const LONGEST_NAME: usize = 64;

/// The name before a sign, without the quotation mark and blank that may stand between.
fn name_before(bytes: &[u8], from: usize, sign: usize) -> &[u8] {
    let least = from.max(sign.saturating_sub(LONGEST_NAME + 2));
    let mut end = sign;
    while end > least && matches!(bytes[end - 1], b' ' | b'"' | b'\'') {
        end -= 1;
    }
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    let length = bytes[least..end].iter().rev().take_while(|byte| is_name(byte)).count();
    let name = &bytes[end - length..end];
    // The dashes of an option are not of its name.
    &name[name.iter().take_while(|byte| **byte == b'-').count()..]
}

/// How surely a name, in lower case, says that a secret follows.
pub(super) fn surety(name: &[u8]) -> Option<Sure> {
    let letters: Vec<u8> =
        name.iter().copied().filter(|byte| !matches!(byte, b'-' | b'_' | b'.')).take(LONGEST_NAME).collect();
    let rows = NAMES.iter().filter(|(row, _)| {
        // A short word is meant only where it ends the name: `key` in `keyboard` is not.
        match row.len() {
            0..=4 => letters.ends_with(row.as_bytes()),
            _ => memchr::memmem::find(&letters, row.as_bytes()).is_some(),
        }
    });
    let mut sure = None;
    for (_, row) in rows {
        if *row == Sure::Always {
            return Some(Sure::Always);
        }
        sure = Some(*row);
    }
    sure
}

/// A value: in quotation marks, or up to what ends a word.
fn quoted(bytes: &[u8], from: usize) -> (usize, usize) {
    let rest = bytes.get(from..).unwrap_or_default();
    match rest.first() {
        Some(mark @ (b'"' | b'\'')) => {
            let end = memchr::memchr(*mark, &rest[1..]).unwrap_or(rest.len() - 1);
            (from + 1, from + 1 + end)
        }
        _ => {
            let ends =
                |byte: &u8| *byte <= b' ' || matches!(byte, b'"' | b'\'' | b',' | b';' | b'&' | b')' | b'}');
            (from, from + rest.iter().position(ends).unwrap_or(rest.len()))
        }
    }
}

/// The end of a header's value: of its line, or the quotation mark that ends the word.
fn line_end(bytes: &[u8], from: usize) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    // A line break may have been escaped.
    let ends = |byte: &u8| matches!(byte, b'\n' | b'\r' | b'"' | b'\'' | b'\\');
    from + rest.iter().position(ends).unwrap_or(rest.len())
}

/// Whether a value behind a name is a secret.
pub(super) fn is_secret(value: &[u8], sure: Sure) -> bool {
    // A variable of a shell, or a placeholder of a template, holds none.
    let is_reference = value.first().is_some_and(|byte| matches!(byte, b'$' | b'{' | b'<' | b'['));
    if is_reference || value.is_empty() {
        return false;
    }
    match sure {
        Sure::Always => true,
        Sure::IfRandom => is_random(value),
    }
}

/// Whether letters look drawn: enough of them, digits among them, and no few of them again and again.
fn is_random(value: &[u8]) -> bool {
    /// Shorter than this and words of programs look alike.
    const LEAST: usize = 12;
    /// Bits for each letter; English text has about four, a hexadecimal hash at most four, base64 up to six.
    const LEAST_BITS: f64 = 3.0;
    // Paths and addresses are long, and no secrets.
    let is_place = value.contains(&b'/') && (value.starts_with(b"/") || value.starts_with(b"."))
        || memchr::memmem::find(value, b"://").is_some();
    let has_digit = value.iter().any(u8::is_ascii_digit);
    value.len() >= LEAST && has_digit && !is_place && bits(value) >= LEAST_BITS
}

/// Shannon's entropy of the bytes, in bits for each.
fn bits(value: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in value {
        counts[usize::from(*byte)] += 1;
    }
    let all = f64::from(u32::try_from(value.len()).unwrap_or(u32::MAX));
    let part = |count: &u32| {
        let share = f64::from(*count) / all;
        -share * share.log2()
    };
    counts.iter().filter(|count| **count > 0).map(part).sum()
}
