//! The tree as the checks see it: read once, then only looked at.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::metadata::{self, Package};
use crate::modules;
use crate::source::{Role, SourceFile};

/// The package whose code is never a part of what users get.
const TEST_PACKAGE: &str = "garth-tests";

/// Manifest of the fuzz targets, a workspace of its own.
const FUZZ_MANIFEST: &str = "fuzz/Cargo.toml";

/// Everything the checks look at.
#[derive(Default)]
pub struct Tree {
    /// Files that hold text, by path.
    pub files: Vec<SourceFile>,
    /// Paths of all files, also those that hold no text.
    pub paths: Vec<String>,
    /// Packages of the workspace.
    pub packages: Vec<Package>,
}

impl Tree {
    /// Reads the files that git tracks or would track, and the packages.
    ///
    /// # Errors
    /// When git or cargo cannot be run, or a file cannot be read.
    pub fn read(root: &Path) -> Result<Self> {
        let mut paths = listed(root)?;
        paths.sort_unstable();
        paths.dedup();
        let mut tree =
            Self { packages: metadata::packages(root, &root.join("Cargo.toml"))?, ..Self::default() };
        for path in paths {
            let full = root.join(&path);
            // Listed, but deleted or a link to a directory.
            if !full.is_file() {
                continue;
            }
            let bytes = std::fs::read(&full).with_context(|| format!("cannot read {path}"))?;
            if let Ok(text) = String::from_utf8(bytes) {
                tree.files.push(SourceFile::new(&path, text));
            }
            tree.paths.push(path);
        }
        let mut roots = roots(&tree.packages);
        if root.join(FUZZ_MANIFEST).is_file() {
            let fuzz = metadata::packages(root, &root.join(FUZZ_MANIFEST))?;
            roots.extend(fuzz.iter().flat_map(|package| &package.targets).map(as_test));
        }
        modules::assign_roles(&mut tree.files, roots);
        Ok(tree)
    }

    /// The file at a path, when it holds text.
    pub fn file(&self, path: &str) -> Option<&SourceFile> {
        self.files.iter().find(|file| file.path == path)
    }

    /// A tree of these files; the roots are every `lib.rs`, `main.rs` (product) and `tests/*.rs` (tests).
    #[cfg(test)]
    pub fn fixture(files: &[(&str, &str)]) -> Self {
        let mut tree = Self {
            files: files.iter().map(|(path, text)| SourceFile::new(path, (*text).to_owned())).collect(),
            paths: files.iter().map(|(path, _)| (*path).to_owned()).collect(),
            packages: Vec::new(),
        };
        let roots = tree.paths.iter().filter_map(|path| match path {
            _ if path.ends_with("/lib.rs") || path.ends_with("/main.rs") => {
                Some((path.clone(), Role::Product))
            }
            _ if path.contains("/tests/") => Some((path.clone(), Role::Test)),
            _ => None,
        });
        modules::assign_roles(&mut tree.files, roots.collect());
        tree
    }
}

fn roots(packages: &[Package]) -> Vec<(String, Role)> {
    let all = packages.iter().flat_map(|package| package.targets.iter().map(move |target| (package, target)));
    all.map(|(package, target)| {
        let product = target.is_product() && package.name != TEST_PACKAGE;
        if product { (target.src_path.clone(), Role::Product) } else { as_test(target) }
    })
    .collect()
}

fn as_test(target: &metadata::Target) -> (String, Role) {
    (target.src_path.clone(), Role::Test)
}

fn listed(root: &Path) -> Result<Vec<String>> {
    let output = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .context("cannot start git")?;
    if !output.status.success() {
        bail!("`git ls-files` failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let names = String::from_utf8(output.stdout).context("a tracked path is not UTF-8")?;
    Ok(names.split_terminator('\0').map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::fixtures::{package, target};

    #[test]
    fn the_package_of_tests_is_never_product() {
        let mut product = package("garth-plan", &[]);
        product.targets = vec![target("lib", "a.rs"), target("test", "b.rs")];
        let mut tests = package(TEST_PACKAGE, &[]);
        tests.targets = vec![target("lib", "c.rs")];
        let roots = roots(&[product, tests]);
        let roles: Vec<Role> = roots.into_iter().map(|(_, role)| role).collect();
        assert_eq!(roles, [Role::Product, Role::Test, Role::Test]);
    }
}
