//! Patterns of file names that may stand for a file which is guarded by its name: `.g*`, `.[!.]*`, `.git/c*`.

use super::rules::could_be;
use crate::command::{Part, Span, Word};

/// Names that policies guard, in the workspace and in the home of a user.
const GUARDED: &[&str] = &[
    "..",
    ".git",
    ".gitmodules",
    ".gitconfig",
    ".vscode",
    ".idea",
    ".cursor",
    ".claude",
    ".codex",
    ".gemini",
    ".mcp.json",
    ".envrc",
    ".env",
    ".ssh",
    ".gnupg",
    ".aws",
    ".bashrc",
    ".bash_profile",
    ".profile",
    ".zshrc",
    ".npmrc",
    "config",
    "hooks",
    "settings.json",
    "tasks.json",
];

/// Names that one text may stand for; the rest of it is then not looked at.
const MOST: usize = 64;

/// Letters of a pattern that is looked at. A longer one stands for no guarded name by its letters alone.
const LONGEST: usize = 64;

/// The names that a text with patterns may stand for, each with guarded names in the place of patterns.
pub(super) fn guarded(text: &str) -> Vec<String> {
    let mut found: Vec<(String, bool)> = vec![(String::new(), false)];
    for (at, piece) in text.split('/').enumerate() {
        let names: Vec<&str> =
            GUARDED.iter().copied().filter(|name| is_pattern(piece) && stands_for(piece, name)).collect();
        let mut longer = Vec::with_capacity(found.len());
        for (start, has_name) in &found {
            let slash = if at == 0 { "" } else { "/" };
            longer.push((format!("{start}{slash}{piece}"), *has_name));
            longer.extend(names.iter().map(|name| (format!("{start}{slash}{name}"), true)));
        }
        longer.truncate(MOST);
        found = longer;
    }
    found.into_iter().filter(|(_, has_name)| *has_name).map(|(name, _)| name).collect()
}

/// The names that an absolute text with patterns may stand for below this directory: `/home/*/x` below `/home/u`.
pub(super) fn below(text: &str, directory: &str) -> Option<String> {
    if !text.starts_with('/') {
        return None;
    }
    let mut pieces = text.split('/');
    let is_same = directory.split('/').all(|name| {
        pieces.next().is_some_and(|piece| piece == name || is_pattern(piece) && stands_for(piece, name))
    });
    let rest: Vec<&str> = pieces.collect();
    is_same.then(|| [&[directory], rest.as_slice()].concat().join("/"))
}

fn is_pattern(piece: &str) -> bool {
    piece.len() <= LONGEST && piece.contains(['*', '?', '['])
}

/// A point at the beginning stands for itself alone.
fn stands_for(pattern: &str, name: &str) -> bool {
    if name.starts_with('.') && !pattern.starts_with('.') {
        return false;
    }
    let word = Word { parts: vec![Part::Pattern(pattern.to_owned())], span: Span::default() };
    could_be(&word, name, false)
}

#[cfg(test)]
mod tests {
    use super::guarded;

    #[test]
    fn patterns_stand_for_guarded_names() {
        let has = |text: &str, name: &str| guarded(text).iter().any(|found| found == name);
        assert!(has(".g*", ".git"));
        assert!(has("./.[!.]*", "./.git"));
        assert!(has(".gi?/c*", ".git/config"));
        assert!(has(".git/[ch]onfig", ".git/config"));
        assert!(guarded("*").iter().all(|name| !name.starts_with('.')));
        assert!(guarded("src/*.rs").is_empty());
        assert!(guarded(".*.swp").is_empty());
        assert!(guarded(".git/config").is_empty());
    }
}
