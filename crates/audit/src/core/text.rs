//! Texts of bounded length, and texts that are safe to show.

use garth_policy::escape_visible;

/// The longest text of a record, in bytes. A name inside may be long, and so may be a command line.
const LONGEST: usize = 8 * 1024;

/// Cuts a text that is too long for a record, and says so in it.
pub fn cut(text: &mut String) {
    if text.len() <= LONGEST {
        return;
    }
    let mut end = LONGEST;
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

#[cfg(test)]
mod tests {
    use super::*;

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
