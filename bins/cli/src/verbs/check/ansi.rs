//! How Windows PowerShell reads a script without a byte order mark: in the code page of the system.
//!
//! Bytes of UTF-8 become other letters there, some of which are quotation marks to PowerShell: of `Г`, D0 93, the second
//! byte is `“`. Which code page it is depends on the machine; in all of those for Western, Central European, Cyrillic,
//! Greek, Turkish, Baltic and Vietnamese writing, 91 to 94 are quotation marks.

/// Letters of Windows-1252 for the bytes from 80 to 9F; a byte without a letter stands for itself.
const SECOND_HALF: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}',
    '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// The text as Windows PowerShell may see it; `None` where it sees the same letters.
pub fn seen_as(text: &str) -> Option<String> {
    if text.is_ascii() || text.starts_with('\u{feff}') {
        return None;
    }
    let letter = |byte: u8| match byte {
        0x80..=0x9f => SECOND_HALF.get(usize::from(byte - 0x80)).copied().unwrap_or(char::from(byte)),
        _ => char::from(byte),
    };
    Some(text.bytes().map(letter).collect())
}

#[cfg(test)]
mod tests {
    use super::seen_as;

    #[test]
    fn letters_become_quotation_marks() {
        assert_eq!(seen_as("echo \"Г\"").as_deref(), Some("echo \"Ð“\""));
        assert_eq!(seen_as("echo a"), None);
        assert_eq!(seen_as("\u{feff}echo \"Г\""), None);
    }
}
