//! Stable words for operations, and texts that are read back by policy files and shells.

use garth_policy::{FileOp, escape_lossless, escape_visible};

/// An operation as one stable word.
#[must_use]
pub fn operation_name(op: FileOp) -> &'static str {
    match op {
        FileOp::Read => "read",
        FileOp::List => "list",
        FileOp::Execute => "execute",
        FileOp::Write => "write",
        FileOp::Create(_) => "create",
        FileOp::Delete => "delete",
        FileOp::MoveFrom => "move-from",
        FileOp::MoveTo(_) => "move-to",
        FileOp::Link => "link",
        FileOp::Metadata => "metadata",
    }
}

/// A path in the spelling of a policy file, in which no letter is special.
#[must_use]
pub fn literal(bytes: &[u8]) -> String {
    let mut text = escape_lossless(bytes);
    for (letter, escape) in [('*', "\\x2a"), ('?', "\\x3f"), ('[', "\\x5b"), ('{', "\\x7b")] {
        text = text.replace(letter, escape);
    }
    text
}

/// A word that a shell reads back exactly. What could mislead on a terminal is escaped, as `$'...'` of bash.
#[must_use]
pub fn shell_word(bytes: &[u8]) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/._-+:@%,=".contains(byte);
    let visible = escape_visible(bytes);
    if visible.as_bytes() != bytes {
        let escaped = bytes.iter().map(|byte| match byte {
            b'\'' | b'\\' => format!("\\{}", char::from(*byte)),
            0x20..=0x7e => char::from(*byte).to_string(),
            byte => format!("\\x{byte:02x}"),
        });
        return format!("$'{}'", escaped.collect::<String>());
    }
    if !bytes.is_empty() && bytes.iter().all(plain) {
        return visible;
    }
    format!("'{}'", visible.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shell_words_read_back() {
        assert_eq!(shell_word(b"/a/b.c"), "/a/b.c");
        assert_eq!(shell_word(b"/a b"), "'/a b'");
        assert_eq!(shell_word(b"it's"), "'it'\\''s'");
        assert_eq!(shell_word(b"a\n\xff'"), "$'a\\x0a\\xff\\''");
        assert_eq!(shell_word(b""), "''");
    }
}
