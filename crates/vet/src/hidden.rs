//! Commands that stand in text which a shell evaluates later.

/// How the reason begins for which a value of data is unknown that arithmetic evaluates. The variable's name follows.
pub(crate) const EVALUATED: &str = "evaluated as arithmetic: ";

/// Why a value is unknown that a loop, an expansion or arithmetic gives to a variable.
pub(crate) const GIVEN: &str = "a value of a loop or of an expansion";

/// Why words are unknown that `xargs` reads from its input.
pub(crate) const READ: &str = "words that xargs reads";

/// Why a name is unknown that `mktemp` has chosen, in the directory for temporary files.
pub(crate) const TEMPORARY: &str = "a new temporary file";

/// Why a name is unknown that `git rev-parse --show-toplevel` prints.
pub(crate) const TOP: &str = "the top of the working tree";

/// True if an expansion of the text would run a command.
pub(crate) fn substitutes(text: &str) -> bool {
    text.contains("$(") || text.contains('`') || text.contains("${ ") || text.contains("${|")
}

/// True if a command stands in a subscript: `a[$(...)]`, which arithmetic runs wherever the text ends up as a value.
///
/// A bracket behind a blank is the command `[` of a script, and begins no subscript.
pub(crate) fn in_subscript(text: &str) -> bool {
    text.lines().any(|line| {
        let mut before = ' ';
        let subscript = line.char_indices().find(|(_, letter)| {
            let is_name = before == '_' || before.is_ascii_alphanumeric();
            before = *letter;
            *letter == '[' && is_name
        });
        subscript.and_then(|(at, _)| line.get(at..)).is_some_and(substitutes)
    })
}

#[cfg(test)]
mod tests {
    use super::in_subscript;

    #[test]
    fn tells_subscripts_from_tests() {
        assert!(in_subscript("a[$(git push)]"));
        assert!(in_subscript("x\na[b[`git push`]]"));
        assert!(!in_subscript("if [ $(id -u) -eq 0 ]; then"));
        assert!(!in_subscript("a[0] \n $(date)"));
    }
}
