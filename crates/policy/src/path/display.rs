//! Text forms of raw names: one that reads back exactly, one that is safe to show.

use super::PathError;
use std::fmt::Write as _;

/// Escapes invalid UTF-8 and backslashes as `\xNN`; everything else stays, so the text reads back exactly.
#[must_use]
pub fn escape_lossless(bytes: &[u8]) -> String {
    escape(bytes, |letter| letter == '\\')
}

/// Escapes whatever could mislead a reader on a terminal: control characters, invalid UTF-8, and the invisible or
/// direction-changing characters of Unicode.
#[must_use]
pub fn escape_visible(bytes: &[u8]) -> String {
    escape(bytes, misleads)
}

fn misleads(letter: char) -> bool {
    letter.is_control()
        || matches!(letter,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

fn escape(bytes: &[u8], escaped: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for letter in chunk.valid().chars() {
            match letter {
                letter if !escaped(letter) => out.push(letter),
                letter if letter.is_ascii() => write_byte(&mut out, letter as u8),
                letter => {
                    let _ = write!(out, "\\u{{{:x}}}", u32::from(letter));
                }
            }
        }
        for byte in chunk.invalid() {
            write_byte(&mut out, *byte);
        }
    }
    out
}

fn write_byte(out: &mut String, byte: u8) {
    let _ = write!(out, "\\x{byte:02x}");
}

/// Undoes [`escape_lossless`].
pub(crate) fn unescape(text: &str) -> Result<Vec<u8>, PathError> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        if *first != b'\\' {
            out.push(*first);
            rest = tail;
            continue;
        }
        let digits = tail.get(1..3).filter(|_| tail.first() == Some(&b'x')).ok_or(PathError::BadEscape)?;
        let digits = std::str::from_utf8(digits).map_err(|_| PathError::BadEscape)?;
        out.push(u8::from_str_radix(digits, 16).map_err(|_| PathError::BadEscape)?);
        rest = &tail[3..];
    }
    Ok(out)
}
