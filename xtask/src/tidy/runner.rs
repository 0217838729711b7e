//! What stands beside the attacker or runs elevated links nothing that parses what users wrote.

use std::path::Path;

use anyhow::Result;

use crate::finding::{Finding, Report};
use crate::metadata;
use crate::tree::Tree;

/// The programs with a small trusted base.
const GUARDED: &[&str] = &["garth-runner", "garth-setup"];

/// What they must not link, each with the reason.
const FORBIDDEN: &[(&str, &str)] = &[
    ("toml", "policy files are parsed by the broker alone"),
    ("toml_edit", "policy files are parsed by the broker alone"),
    ("toml_parser", "policy files are parsed by the broker alone"),
    ("clap", "the runner takes a launch specification and no arguments"),
    ("tokio", "an executor starts threads before the process is confined"),
    ("schemars", "schemas are for editors"),
    ("rustls", "the egress proxy runs outside"),
    ("hyper", "the egress proxy runs outside"),
    ("rmcp", "agents talk to the broker"),
    ("annotate-snippets", "diagnostics are rendered by the broker"),
];

/// Packages linked into the guarded programs that must not be.
///
/// # Errors
/// When cargo cannot resolve their dependencies.
pub fn check(root: &Path, tree: &Tree) -> Result<Report> {
    let mut report = Report::default();
    for package in tree.packages.iter().filter(|package| GUARDED.contains(&package.name.as_str())) {
        let linked = metadata::linked_packages(root, &package.name)?;
        report.notes.push(format!("{} links {} packages", package.name, linked.len()));
        report.findings.extend(forbidden(&package.manifest_path, &package.name, &linked));
    }
    Ok(report)
}

fn forbidden(manifest: &str, package: &str, linked: &[String]) -> Vec<Finding> {
    let wrong = FORBIDDEN.iter().filter(|(name, _)| linked.iter().any(|one| one == name));
    wrong
        .map(|(name, reason)| {
            Finding::whole(
                manifest,
                format!("`{package}` links `{name}`: {reason}"),
                format!("`cargo tree -p {package} -e normal,no-proc-macro -i {name} --target all` shows the way; cut it with a feature"),
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forbidden_package_is_found_with_its_reason() {
        let linked = ["serde".to_owned(), "toml".to_owned()];
        let found = forbidden("bins/runner/Cargo.toml", "garth-runner", &linked);
        assert_eq!(found.len(), 1);
        assert!(found[0].what.contains("`toml`") && found[0].what.contains("broker"), "{found:?}");
    }

    #[test]
    fn the_rest_is_left_alone() {
        assert!(forbidden("m", "garth-runner", &["serde".to_owned(), "rustix".to_owned()]).is_empty());
    }
}
