//! When two names are one on some disk.

use super::INSTALLING;
use std::borrow::Cow;

/// How near a name comes to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Likeness {
    /// The same bytes.
    Exact,
    /// Different bytes that some file system takes for the same name.
    Alike,
    /// A different name everywhere.
    None,
}

/// Code points that HFS+ ignores in names, as in git's own check.
fn is_ignored(letter: char) -> bool {
    matches!(letter,
        '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}')
}

/// The name as the most forgiving disk sees it: ignored code points gone, case folded, trailing dots and spaces and
/// an alternate stream cut off.
fn simplest(name: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(name).ok()?;
    let visible: String = text.chars().filter(|letter| !is_ignored(*letter)).collect();
    let folded: String = visible.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect();
    let without_stream = folded.split(':').next().unwrap_or(&folded);
    Some(without_stream.trim_end_matches(['.', ' ']).to_owned())
}

/// True for the generated 8.3 name that `wanted` may have: `git~1` for `.git`, `mcp~1.jso` for `.mcp.json`.
fn is_short_form(simple: &str, wanted: &str) -> bool {
    let Some((stem, rest)) = simple.split_once('~') else { return false };
    let number = rest.split('.').next().unwrap_or(rest);
    let wanted_stem = wanted.trim_start_matches('.').split('.').next().unwrap_or(wanted);
    let kept = wanted_stem.get(..wanted_stem.len().min(6)).unwrap_or(wanted_stem);
    !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit()) && stem == kept
}

/// False for a name that is its own simplest form and no short form, as nearly all are.
fn is_odd(name: &[u8]) -> bool {
    let odd = |byte: &u8| byte.is_ascii_uppercase() || !byte.is_ascii() || matches!(byte, b'~' | b':');
    name.iter().any(odd) || matches!(name.last(), Some(b'.' | b' '))
}

/// Compares a raw name with a lower-case ASCII one.
pub(crate) fn likeness(name: &[u8], wanted: &str) -> Likeness {
    if name == wanted.as_bytes() {
        return Likeness::Exact;
    }
    let may_be_alike = name.first().is_some_and(|first| {
        let initial = wanted.trim_start_matches('.').as_bytes().first();
        *first == b'.' || !first.is_ascii() || Some(&first.to_ascii_lowercase()) == initial
    });
    if !may_be_alike || !is_odd(name) {
        return Likeness::None;
    }
    match simplest(name) {
        Some(simple) if simple == wanted || is_short_form(&simple, wanted) => Likeness::Alike,
        _ => Likeness::None,
    }
}

/// True if some disk may take one of the names for another.
pub(crate) fn any_odd(names: &[&[u8]]) -> bool {
    names.iter().any(|name| is_odd(name))
}

/// True if some disk takes `name` for `wanted` though the bytes differ.
pub(crate) fn imitates(name: &[u8], wanted: &str) -> bool {
    likeness(name, wanted) == Likeness::Alike
}

/// Names that mean something in a git directory.
const MEANINGFUL: [&str; 11] = [
    "hooks",
    "info",
    "attributes",
    "config",
    "config.worktree",
    "commondir",
    "gitdir",
    "modules",
    "worktrees",
    "remotes",
    "branches",
];

/// The meaningful name that `name` is or imitates, else the name itself.
pub(super) fn canonical(name: &[u8]) -> Cow<'_, [u8]> {
    if !is_odd(name) {
        return Cow::Borrowed(name);
    }
    if simplest(name).is_some_and(|simple| simple.starts_with(INSTALLING)) {
        return Cow::Borrowed(INSTALLING.as_bytes());
    }
    match MEANINGFUL.iter().find(|wanted| likeness(name, wanted) != Likeness::None) {
        Some(found) => Cow::Borrowed(found.as_bytes()),
        None => Cow::Borrowed(name),
    }
}
