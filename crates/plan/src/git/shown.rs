//! Bytes from inside, made fit for a message that a person reads.

/// The longest piece of a value that a message shows, in characters.
const LONGEST: usize = 160;

/// The text with every character escaped that acts on a terminal or reorders a line.
pub(super) fn shown(bytes: &[u8]) -> String {
    let mut out = String::new();
    for (count, char) in String::from_utf8_lossy(bytes).chars().enumerate() {
        if count == LONGEST {
            out.push('…');
            break;
        }
        if acts(char) {
            out.extend(char.escape_default());
        } else {
            out.push(char);
        }
    }
    out
}

/// Control characters, and the format characters of Unicode that hide or reorder text.
fn acts(char: char) -> bool {
    char.is_control()
        || matches!(char, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}
