//! The README's test command is the one that continuous integration runs.

use crate::finding::Finding;
use crate::tree::Tree;

/// The script that runs every check.
const SCRIPT: &str = ".ci/run";

/// The line of the script that holds the command.
const VARIABLE: &str = "TEST_COMMAND=";

/// A script without the command, or a README that tells another one.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let Some(script) = tree.file(SCRIPT) else {
        return vec![Finding::whole(SCRIPT, "is missing", "it runs every check of docs and code")];
    };
    let command = script.text.lines().find_map(|line| line.strip_prefix(VARIABLE)).map(unquoted);
    let Some(command) = command.filter(|command| !command.is_empty()) else {
        return vec![Finding::whole(
            SCRIPT,
            format!("does not set {VARIABLE}"),
            "one line, the README's words",
        )];
    };
    let told =
        tree.file("README.md").is_some_and(|readme| readme.text.lines().any(|line| line.trim() == command));
    if told {
        return Vec::new();
    }
    let what = format!("does not give `{command}` on a line of its own");
    vec![Finding::whole("README.md", what, "readers and .ci/run use the same test command")]
}

fn unquoted(value: &str) -> &str {
    value.trim().trim_matches(['"', '\''])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(script: &str, readme: &str) -> usize {
        check(&Tree::fixture(&[(SCRIPT, script), ("README.md", readme)])).len()
    }

    #[test]
    fn the_same_words_hold_and_others_do_not() {
        let script = "#!/bin/sh\nTEST_COMMAND=\"cargo test --workspace\"\n";
        assert_eq!(found(script, "```\ncargo test --workspace\n```\n"), 0);
        assert_eq!(found(script, "```\ncargo test\n```\n"), 1);
        assert_eq!(found(script, "run cargo test --workspace --release\n"), 1);
        assert_eq!(found("#!/bin/sh\n", "cargo test --workspace\n"), 1);
    }
}
