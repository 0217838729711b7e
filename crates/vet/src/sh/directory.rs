//! Which commands change the working directory, as far as their form says.

use super::tree::{List, Node, Piece};

/// Builtins that change the working directory.
const CHANGING: &[&str] = &["cd", "chdir", "pushd", "popd"];

/// Builtins that end the list in which they stand.
const ENDING: &[&str] = &["exit", "return", "break", "continue"];

/// Commands of a group that are looked at.
const MOST: usize = 4;

/// The first word of a simple command, if it is plain.
fn program(node: &Node) -> Option<&str> {
    let Node::Simple(simple) = node else { return None };
    match simple.words.first()?.pieces.as_slice() {
        [Piece::Bare(name)] => Some(name),
        _ => None,
    }
}

/// True for a command that succeeds only if it has changed the directory.
pub(super) fn changes_directory(node: &Node) -> bool {
    program(node).is_some_and(|name| CHANGING.contains(&name))
}

/// `cd sub || exit 1`, `cd sub || { echo "none" >&2; exit 1; }`: nothing behind it runs in the former directory.
pub(super) fn ends_without_directory(node: &Node) -> bool {
    let Node::Chain(nodes) = node else { return false };
    match nodes.as_slice() {
        [(_, change), (false, other)] => changes_directory(change) && ends(other),
        _ => false,
    }
}

fn ends(node: &Node) -> bool {
    let Node::Group(List { items }, false) = node else {
        return program(node).is_some_and(|name| ENDING.contains(&name));
    };
    let is_plain = |(node, is_background): &(Node, bool)| {
        !is_background && program(node).is_some() && !changes_directory(node)
    };
    let last = items.last().and_then(|(node, _)| program(node));
    items.len() <= MOST && items.iter().all(is_plain) && last.is_some_and(|name| ENDING.contains(&name))
}
