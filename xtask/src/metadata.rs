//! The packages of the workspace, as cargo describes them.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

/// One package of the workspace.
#[derive(Debug, Clone, Deserialize)]
pub struct Package {
    /// Name in the manifest.
    pub name: String,
    /// `description` of the manifest.
    pub description: Option<String>,
    /// `license` of the manifest.
    pub license: Option<String>,
    /// Absolute path of the manifest; relative to the root after [`packages`].
    pub manifest_path: String,
    /// Direct dependencies of every kind.
    pub dependencies: Vec<Dependency>,
    /// Libraries, programs, tests and the like.
    pub targets: Vec<Target>,
}

/// A direct dependency as the manifest states it.
#[derive(Debug, Clone, Deserialize)]
pub struct Dependency {
    /// Name of the package that is depended upon.
    pub name: String,
    /// `None` for a normal dependency, else `dev` or `build`.
    pub kind: Option<String>,
}

/// One crate that cargo builds from a package.
#[derive(Debug, Clone, Deserialize)]
pub struct Target {
    /// `lib`, `bin`, `test`, `bench`, `example`, `custom-build` and so on.
    pub kind: Vec<String>,
    /// Root source file; relative to the root after [`packages`].
    pub src_path: String,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

impl Package {
    /// Direct normal dependencies: not those of tests, not those of build scripts.
    pub fn normal_dependencies(&self) -> impl Iterator<Item = &str> {
        self.dependencies.iter().filter(|one| one.kind.is_none()).map(|one| one.name.as_str())
    }
}

impl Target {
    /// Whether the crate is a part of what users get.
    pub fn is_product(&self) -> bool {
        self.kind.iter().all(|kind| !matches!(kind.as_str(), "test" | "bench" | "example"))
    }
}

/// The packages of the manifest's workspace, with paths relative to `root`.
///
/// # Errors
/// When cargo cannot be run, refuses the manifest, or answers in an unknown form.
pub fn packages(root: &Path, manifest: &Path) -> Result<Vec<Package>> {
    let manifest = manifest.to_str().context("the manifest's path is not UTF-8")?;
    let arguments = ["metadata", "--format-version=1", "--no-deps", "--manifest-path", manifest];
    let answer = cargo(root, &arguments)?;
    let mut metadata: Metadata = serde_json::from_str(&answer).context("unknown form of `cargo metadata`")?;
    for package in &mut metadata.packages {
        package.manifest_path = relative(root, &package.manifest_path);
        for target in &mut package.targets {
            target.src_path = relative(root, &target.src_path);
        }
    }
    Ok(metadata.packages)
}

/// Names of the packages that are linked into `package` when it is built alone, on any platform.
///
/// Cargo unites the features of all members when it builds the workspace, so the tree is asked for with
/// that one package selected. Compiler plug-ins stay in the compiler and are left out.
///
/// # Errors
/// When cargo cannot be run or refuses.
pub fn linked_packages(root: &Path, package: &str) -> Result<Vec<String>> {
    let edges = ["-e", "normal,no-proc-macro", "--target", "all"];
    let form = ["--prefix", "none", "--format", "{p}"];
    let arguments: Vec<&str> = ["tree", "-p", package].into_iter().chain(edges).chain(form).collect();
    Ok(names_in_tree(&cargo(root, &arguments)?))
}

fn names_in_tree(answer: &str) -> Vec<String> {
    let mut names: Vec<String> =
        answer.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn cargo(root: &Path, arguments: &[&str]) -> Result<String> {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output =
        Command::new(program).args(arguments).current_dir(root).output().context("cannot start cargo")?;
    if !output.status.success() {
        bail!("`cargo {}` failed: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim());
    }
    String::from_utf8(output.stdout).context("cargo printed something that is not UTF-8")
}

fn relative(root: &Path, path: &str) -> String {
    let path = Path::new(path);
    path.strip_prefix(root).unwrap_or(path).to_string_lossy().replace('\\', "/")
}

#[cfg(test)]
pub mod fixtures {
    use super::*;

    /// A package with normal dependencies and no targets, in `crates/<name>`.
    pub fn package(name: &str, dependencies: &[&str]) -> Package {
        Package {
            name: name.to_owned(),
            description: Some("A fixture.".to_owned()),
            license: Some("MIT OR Apache-2.0".to_owned()),
            manifest_path: format!("crates/{name}/Cargo.toml"),
            dependencies: dependencies
                .iter()
                .map(|name| Dependency { name: (*name).to_owned(), kind: None })
                .collect(),
            targets: Vec::new(),
        }
    }

    /// A target of one kind.
    pub fn target(kind: &str, source: &str) -> Target {
        Target { kind: vec![kind.to_owned()], src_path: source.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_names_each_package_once() {
        let answer = "garth-runner v0.1.0 (/x)\nserde v1.0.0\npostcard v1.0.0\nserde v1.0.0 (*)\n";
        assert_eq!(names_in_tree(answer), ["garth-runner", "postcard", "serde"]);
    }

    #[test]
    fn only_normal_dependencies_count() {
        let mut package = fixtures::package("a", &["b"]);
        package.dependencies.push(Dependency { name: "c".to_owned(), kind: Some("dev".to_owned()) });
        assert_eq!(package.normal_dependencies().collect::<Vec<_>>(), ["b"]);
    }

    #[test]
    fn tests_and_examples_are_not_product() {
        assert!(fixtures::target("lib", "a").is_product());
        assert!(fixtures::target("custom-build", "a").is_product());
        assert!(!fixtures::target("test", "a").is_product());
        assert!(!fixtures::target("example", "a").is_product());
    }
}
