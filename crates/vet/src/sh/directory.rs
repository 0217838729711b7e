//! Which commands change the working directory, as far as their form says.

use super::tree::{List, Node, Piece};

/// Builtins that change the working directory.
const CHANGING: &[&str] = &["cd", "chdir", "pushd", "popd"];

/// Builtins that end the list in which they stand, as long as the text gives them no other meaning.
const ENDING: &[&str] = &["exit", "return", "break", "continue"];

/// Commands of a group that are looked at.
const MOST: usize = 4;

/// What a list stands in, for the builtins that end it: without a function or a loop some of them do nothing.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Around {
    /// A function, so `return` leaves it.
    pub function: bool,
    /// A loop in the same process and function, so `break` and `continue` leave the list.
    pub is_loop: bool,
}

impl Around {
    fn is_left_by(self, name: &str) -> bool {
        match name {
            "return" => self.function,
            "break" | "continue" => self.is_loop,
            _ => ENDING.contains(&name),
        }
    }
}

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

/// True for the condition of `if cd sub; then ...`.
pub(super) fn is_change(list: &List) -> bool {
    matches!(list.items.as_slice(), [(node, false)] if changes_directory(node))
}

/// `cd sub || exit 1`, `cd sub || { echo "none" >&2; exit 1; }`: nothing behind it runs in the former directory.
pub(super) fn ends_without_directory(node: &Node, around: Around, definitions: &[String]) -> bool {
    let Node::Chain(nodes) = node else { return false };
    let is_ending = match nodes.as_slice() {
        [(_, change), (false, other)] => changes_directory(change) && ends(other, around),
        _ => false,
    };
    // Functions come before all these builtins.
    is_ending && !definitions.iter().any(|name| ENDING.contains(&name.as_str()))
}

fn ends(node: &Node, around: Around) -> bool {
    let Node::Group(List { items }, false) = node else {
        return program(node).is_some_and(|name| around.is_left_by(name));
    };
    let is_plain = |(node, is_background): &(Node, bool)| {
        !is_background && program(node).is_some() && !changes_directory(node)
    };
    let last = items.last().and_then(|(node, _)| program(node));
    items.len() <= MOST && items.iter().all(is_plain) && last.is_some_and(|name| around.is_left_by(name))
}
