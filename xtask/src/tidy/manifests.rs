//! Every package says what it is and under which licence.

use crate::finding::Finding;
use crate::metadata::Package;

/// The licence of the whole tree.
const LICENSE: &str = "MIT OR Apache-2.0";

/// Packages without a description or with another licence.
pub fn check(packages: &[Package]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in packages {
        if package.description.as_deref().is_none_or(|text| text.trim().is_empty()) {
            findings.push(Finding::whole(
                &package.manifest_path,
                format!("`{}` has no description", package.name),
                "add `description = \"…\"`: one sentence on what the crate is for",
            ));
        }
        if package.license.as_deref() != Some(LICENSE) {
            findings.push(Finding::whole(
                &package.manifest_path,
                format!("`{}` is not licensed `{LICENSE}`", package.name),
                "add `license.workspace = true`",
            ));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::fixtures::package;

    #[test]
    fn silence_and_other_licences_are_found() {
        let mut silent = package("a", &[]);
        silent.description = Some(" ".to_owned());
        let mut other = package("b", &[]);
        other.license = None;
        let found: Vec<String> =
            check(&[silent, other, package("c", &[])]).into_iter().map(|finding| finding.what).collect();
        assert_eq!(found, ["`a` has no description", "`b` is not licensed `MIT OR Apache-2.0`"]);
    }
}
