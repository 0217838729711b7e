//! Every Rust file parses, and a crate root leads to it.

use crate::finding::Finding;
use crate::tree::Tree;

/// Files that no crate compiles, and files that do not parse.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in &tree.files {
        match &file.rust {
            Some(Err(error)) => {
                let what = format!("does not parse: {}", error.message);
                findings.push(Finding::at(&file.path, error.line, what, "run `cargo check`"));
            }
            Some(Ok(_)) if file.role.is_none() => findings.push(Finding::whole(
                &file.path,
                "no crate root leads to this file",
                "declare it with `mod` in its parent, or delete it",
            )),
            _ => {}
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_a_parent_is_found() {
        let tree = Tree::fixture(&[("a/src/lib.rs", "mod b;"), ("a/src/b.rs", ""), ("a/src/c.rs", "")]);
        let found: Vec<String> = check(&tree).into_iter().map(|finding| finding.path).collect();
        assert_eq!(found, ["a/src/c.rs"]);
    }

    #[test]
    fn a_broken_file_is_found() {
        let found = check(&Tree::fixture(&[("a/src/lib.rs", "fn {")]));
        assert!(found[0].what.starts_with("does not parse"), "{found:?}");
    }
}
