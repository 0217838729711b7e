//! Stable words for operations, and texts that are read back by policy files and shells.

use garth_policy::{Access, Decision, FileOp, escape_lossless, escape_visible};

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

/// The reason of the rule that decided, where it has one, after what the rule grants: the path is said already.
#[must_use]
pub fn reason_of(decision: &Decision<'_>) -> String {
    let Some(rule) = decision.rule.filter(|rule| !rule.reason.is_empty()) else {
        return decision.reason.clone();
    };
    let granted = match rule.access {
        Access::Deny => "hidden",
        Access::Read => "read-only",
        Access::Overlay => "writes stay in a private layer",
        Access::Write => "writable",
    };
    let not_run = if rule.execute || rule.access == Access::Deny { "" } else { ", programs are not run" };
    format!("{granted}{not_run}: {}", rule.reason)
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
