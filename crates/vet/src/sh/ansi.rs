//! The escapes of `$'...'`, as in the section "ANSI-C Quoting" of the manual of bash.

/// One letter for each simple escape.
const SIMPLE: &[(u8, u8)] = &[
    (b'a', 0x07),
    (b'b', 0x08),
    (b'e', 0x1b),
    (b'E', 0x1b),
    (b'f', 0x0c),
    (b'n', b'\n'),
    (b'r', b'\r'),
    (b't', b'\t'),
    (b'v', 0x0b),
    (b'\\', b'\\'),
    (b'\'', b'\''),
    (b'"', b'"'),
    (b'?', b'?'),
];

/// What the quoted text stands for. A NUL ends it, as in bash; bytes that are no text become U+FFFD.
pub(super) fn decode(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at).copied() {
        at += 1;
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        let Some(escape) = bytes.get(at).copied() else {
            out.push(b'\\');
            break;
        };
        at += 1;
        let rest = bytes.get(at..).unwrap_or_default();
        if let Some((_, value)) = SIMPLE.iter().find(|(letter, _)| *letter == escape) {
            out.push(*value);
            continue;
        }
        let (value, used) = match escape {
            b'x' if rest.first() == Some(&b'{') => {
                let (value, used) = digits(rest.get(1..).unwrap_or_default(), 8, 16);
                (value, used + 1 + usize::from(rest.get(used + 1) == Some(&b'}')))
            }
            b'x' => digits(rest, 2, 16),
            b'u' => digits(rest, 4, 16),
            b'U' => digits(rest, 8, 16),
            b'c' => (rest.first().map(|byte| u32::from(byte & 0x1f)), 1),
            b'0'..=b'7' => {
                let (value, used) = digits(bytes.get(at - 1..).unwrap_or_default(), 3, 8);
                (value, used.saturating_sub(1))
            }
            _ => (None, 0),
        };
        let Some(value) = value else {
            out.extend([b'\\', escape]);
            continue;
        };
        at += used;
        if value == 0 {
            break;
        }
        if matches!(escape, b'u' | b'U') {
            let letter = char::from_u32(value).unwrap_or(char::REPLACEMENT_CHARACTER);
            out.extend(letter.encode_utf8(&mut [0; 4]).bytes());
        } else {
            out.push(u8::try_from(value & 0xff).unwrap_or_default());
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// A number of at most `most` digits, and how many there were.
fn digits(bytes: &[u8], most: usize, base: u32) -> (Option<u32>, usize) {
    let mut value = 0_u32;
    let mut used = 0;
    for byte in bytes.iter().take(most) {
        let Some(digit) = char::from(*byte).to_digit(base) else { break };
        value = value.wrapping_mul(base).wrapping_add(digit);
        used += 1;
    }
    ((used > 0).then_some(value), used)
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn escapes_of_every_kind() {
        let table = [
            (r"\x67it", "git"),
            (r"\147it", "git"),
            (r"\u0067\U00000069t", "git"),
            (r"\x{67}it", "git"),
            (r"a\tb\n", "a\tb\n"),
            (r"\cA", "\u{1}"),
            (r"rm\0foo", "rm"),
            (r"rm\x00foo", "rm"),
            (r"\q", r"\q"),
            (r"\xzz", r"\xzz"),
            (r"\'", "'"),
        ];
        for (written, meant) in table {
            assert_eq!(decode(written), meant, "{written}");
        }
    }
}
