//! Words: operations, origins, and quoting for a shell.

use garth::policy::{FileOp, Layer, NodeKind, Origin, escape_visible};
use garth::vet::judge::JudgedEffect;

/// An origin in few letters.
pub fn origin(origin: &Origin) -> String {
    match (origin.layer, origin.source.strip_prefix("built-in profile ")) {
        (Layer::Profile, Some(name)) => format!("profile {}", name.trim_matches('`')),
        (Layer::Profile, None) if origin.source == "garth" => "built in".to_owned(),
        _ => escape_visible(origin.to_string().as_bytes()),
    }
}

/// A number of changes.
#[cfg(any(target_os = "linux", windows))]
pub fn changes(count: usize) -> String {
    if count == 1 { "1 change".to_owned() } else { format!("{count} changes") }
}

/// A number of changes, with the verb.
#[cfg(target_os = "linux")]
pub fn changes_are(count: usize) -> String {
    format!("{} {}", changes(count), if count == 1 { "is" } else { "are" })
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

/// What a command would do, in a few words.
pub fn effect(effect: &JudgedEffect) -> String {
    let below = if effect.recursive { " and all below" } else { "" };
    let target = effect.target.as_deref().unwrap_or("what its words do not show");
    format!("{} {target}{below}", effect.kind.name())
}

/// Why, and where that was said.
pub fn reason_with_origin(reason: &str, said: Option<&Origin>) -> String {
    let reason = escape_visible(reason.as_bytes());
    match said {
        Some(said) => format!("{reason} ({})", origin(said)),
        None => reason,
    }
}
