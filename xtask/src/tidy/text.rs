//! What no text of the tree may hold: stray whitespace, and the names of package registries' hosts.

use crate::finding::Finding;
use crate::source::SourceFile;
use crate::tree::Tree;

/// Files whose every byte counts, or that a tool writes in its own form.
const EXACT: &[&str] = &["Cargo.lock", "fuzz/Cargo.lock", "fuzz/corpus/"];

/// Endings of files whose lines must not end in blanks nor hold tabs.
const FORMATTED: &[&str] = &[".rs", ".toml", ".md", ".yml", ".yaml", ".sh", ".commands", ".ci/run", ".json"];

/// Labels of host names, joined only when the program runs so that this file does not hold them.
const REGISTRY_HOSTS: &[&[&str]] = &[
    &["crates", "io"],
    &["npmjs", "org"],
    &["npmjs", "com"],
    &["yarnpkg", "com"],
    &["pypi", "org"],
    &["pythonhosted", "org"],
    &["rubygems", "org"],
    &["maven", "org"],
    &["maven", "apache", "org"],
    &["proxy", "golang", "org"],
    &["nuget", "org"],
    &["packagist", "org"],
    &["rust-lang", "org"],
    &["debian", "org"],
];

/// Lines with stray whitespace or a registry's host name.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let hosts: Vec<String> = REGISTRY_HOSTS.iter().map(|labels| labels.join(".")).collect();
    let mut findings = Vec::new();
    for file in tree.files.iter().filter(|file| !EXACT.iter().any(|exact| file.path.starts_with(exact))) {
        let formatted = FORMATTED.iter().any(|ending| file.path.ends_with(ending));
        for (index, line) in file.text.lines().enumerate() {
            let place = Line { file, number: index + 1, text: line };
            findings.extend(place.registry(&hosts));
            if formatted {
                findings.extend(place.whitespace());
            }
        }
        if formatted && !file.text.is_empty() && !file.text.ends_with('\n') {
            let what = "does not end with a line break";
            findings.push(Finding::whole(&file.path, what, "add one; editors and diffs expect it"));
        }
    }
    findings
}

struct Line<'a> {
    file: &'a SourceFile,
    number: usize,
    text: &'a str,
}

impl Line<'_> {
    fn registry(&self, hosts: &[String]) -> Option<Finding> {
        let lower = self.text.to_ascii_lowercase();
        let host = hosts.iter().find(|host| lower.contains(host.as_str()))?;
        let last = host.rsplit('.').next().unwrap_or_default();
        let what = format!("names the host of a package registry (*.{last})");
        Some(Finding::at(&self.file.path, self.number, what, "use a name below example.com"))
    }

    fn whitespace(&self) -> Option<Finding> {
        let what = if self.text.contains('\t') {
            "holds a tab"
        } else if self.text.ends_with([' ', '\r']) {
            "ends in whitespace"
        } else {
            return None;
        };
        Some(Finding::at(
            &self.file.path,
            self.number,
            what,
            "use spaces between words only; in code write `\\t`",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<String> {
        check(&Tree::fixture(&[(path, text)]))
            .into_iter()
            .map(|finding| format!("{}: {}", finding.line, finding.what))
            .collect()
    }

    #[test]
    fn stray_whitespace_is_found_where_lines_are_formatted() {
        assert_eq!(
            found("a.md", "a \n\tb\nc"),
            ["1: ends in whitespace", "2: holds a tab", "0: does not end with a line break"]
        );
        assert!(found("Makefile", "a:\n\tb").is_empty());
    }

    #[test]
    fn hosts_of_registries_are_found_anywhere_but_in_the_lock() {
        let line = format!("x https://static.{}.{}/y\n", "Crates", "IO");
        assert_eq!(found("notes", &line), ["1: names the host of a package registry (*.io)"]);
        assert!(found("Cargo.lock", &line).is_empty());
        assert!(found("notes", "crates-io and example.com\n").is_empty());
    }
}
