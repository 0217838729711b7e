//! Words: operations, origins, and quoting for a shell.

use garth::policy::{FileOp, Layer, NodeKind, Origin, escape_visible};

/// An origin in few letters.
pub fn origin(origin: &Origin) -> String {
    match (origin.layer, origin.source.strip_prefix("built-in profile ")) {
        (Layer::Profile, Some(name)) => format!("profile {}", name.trim_matches('`')),
        (Layer::Profile, None) if origin.source == "garth" => "built in".to_owned(),
        _ => escape_visible(origin.to_string().as_bytes()),
    }
}

/// An operation in words, before the path.
pub fn operation(op: FileOp) -> &'static str {
    match op {
        FileOp::Read => "read",
        FileOp::List => "list",
        FileOp::Execute => "run",
        FileOp::Write => "change",
        FileOp::Create(kind) => match kind {
            NodeKind::File => "create the file",
            NodeKind::Directory => "create the directory",
            NodeKind::Symlink => "create the link",
            NodeKind::Other => "create the socket or pipe",
        },
        FileOp::Delete => "delete",
        FileOp::MoveFrom => "rename",
        FileOp::MoveTo(kind) => match kind {
            NodeKind::File => "put a file at",
            NodeKind::Directory => "put a directory at",
            NodeKind::Symlink => "put a link at",
            NodeKind::Other => "put a socket or pipe at",
        },
        FileOp::Link => "make another name for",
        FileOp::Metadata => "look at",
    }
}

/// The same as one stable word, for JSON.
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

/// A word that a shell reads back exactly. What could mislead on a terminal is escaped, as `$'...'` of bash.
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
