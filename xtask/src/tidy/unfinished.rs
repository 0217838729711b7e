//! Nothing is left for later: no holes in the code, no test that is skipped without a reason.

use proc_macro2::Delimiter;

use crate::finding::Finding;
use crate::tokens::{Place, group, is_sign, is_word, walk};
use crate::tree::Tree;

/// Macros that stand for missing code.
const HOLES: &[&str] = &["todo", "unimplemented"];

/// Holes and silent skips.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in &tree.files {
        let Some(rust) = file.rust() else { continue };
        walk(&rust.tokens, &mut |place| {
            if let Some((what, hint)) = hole(place).or_else(|| skipped(place)) {
                findings.push(Finding::at(&file.path, place.line, what, hint));
            }
        });
    }
    findings
}

fn hole(place: &Place<'_>) -> Option<(String, &'static str)> {
    let name = HOLES.iter().find(|name| is_word(place.rest.first(), name))?;
    let called = is_sign(place.rest.get(1), '!');
    called.then(|| {
        (format!("`{name}!` stands for missing code"), "write it, or refuse with an error that says so")
    })
}

fn skipped(place: &Place<'_>) -> Option<(String, &'static str)> {
    let attribute =
        is_sign(place.rest.first(), '#').then(|| group(place.rest.get(1), Delimiter::Bracket)).flatten()?;
    let inner: Vec<_> = attribute.stream().into_iter().collect();
    let silent = is_word(inner.first(), "ignore") && !is_sign(inner.get(1), '=');
    silent.then(|| {
        ("`#[ignore]` without a reason".to_owned(), "write `#[ignore = \"…\"]` with what the test needs")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_and_silent_skips_are_found() {
        let text = "fn a() { todo!() }\n#[ignore]\nfn b() {}\n#[ignore = \"needs a display\"]\nfn c() { m!(unimplemented!()) }\nconst D: &str = \"todo!\";\n";
        let found: Vec<String> = check(&Tree::fixture(&[("a/src/lib.rs", text)]))
            .into_iter()
            .map(|finding| format!("{}: {}", finding.line, finding.what))
            .collect();
        assert_eq!(
            found,
            [
                "1: `todo!` stands for missing code",
                "2: `#[ignore]` without a reason",
                "5: `unimplemented!` stands for missing code"
            ]
        );
    }
}
