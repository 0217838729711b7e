//! Texts of bounded length, and texts that are safe to show.

use garth_policy::escape_visible;
use std::fmt::Write as _;

/// The longest text of a record, in bytes. A name inside may be long, and so may be a command line.
const LONGEST: usize = 8 * 1024;

/// Cuts a text that is too long for a record, and says so in it.
pub fn cut(text: &mut String) {
    cut_to(text, LONGEST);
}

/// Cuts a text that has more bytes, and says so in it.
pub(super) fn cut_to(text: &mut String, longest: usize) {
    if text.len() <= longest {
        return;
    }
    let mut end = longest;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let left = text.len() - end;
    text.truncate(end);
    text.push_str(&format!("[{left} bytes more]"));
}

/// The text as it may be written to a terminal: what could move the cursor, change colours or hide letters is escaped.
#[must_use]
pub fn visible(text: &str) -> String {
    escape_visible(text.as_bytes())
}

/// Escapes what could mislead on a terminal in JSON text, whose strings alone hold such letters. It reads back as it was.
pub(super) fn escape_json(text: String) -> String {
    if text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        let is_plain =
            (' '..='~').contains(&letter) || visible(letter.encode_utf8(&mut [0; 4])).chars().eq([letter]);
        if is_plain {
            out.push(letter);
            continue;
        }
        for unit in letter.encode_utf16(&mut [0; 2]) {
            let _infallible = write!(out, "\\u{unit:04x}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_reads_back_and_misleads_nobody() {
        for name in ["plain", "ä€", "a\u{1b}[2J\u{7f}\u{9b}", "\u{202e}x\u{e0041}", "\\u001b\"\n"] {
            let text = escape_json(serde_json::to_string(name).unwrap());
            assert_eq!(serde_json::from_str::<String>(&text).unwrap(), name);
            assert_eq!(visible(&text), text);
        }
    }

    #[test]
    fn a_long_text_is_cut_between_letters_and_says_how_much_is_missing() {
        let mut text = "ä".repeat(LONGEST);
        cut(&mut text);
        assert!(text.len() < LONGEST + 30 && text.ends_with(" bytes more]"), "{}", text.len());
        let mut short = "ä".to_owned();
        cut(&mut short);
        assert_eq!(short, "ä");
    }
}
