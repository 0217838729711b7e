//! Dependencies between the crates go one way, and the system is touched in one crate.

use crate::finding::Finding;
use crate::metadata::Package;

/// A crate and the crates of this workspace that it may depend on.
struct Layer {
    name: &'static str,
    may_use: &'static [&'static str],
}

/// Lowest first. A crate that is not in this table is refused, so a new one has to find its place.
const LAYERS: &[Layer] = &[
    Layer { name: "garth-policy", may_use: &[] },
    Layer { name: "garth-vet", may_use: &["garth-policy"] },
    Layer { name: "garth-egress", may_use: &["garth-policy"] },
    Layer { name: "garth-audit", may_use: &["garth-policy"] },
    Layer { name: "garth-plan", may_use: &["garth-policy"] },
    Layer { name: "garth-undo", may_use: &["garth-policy"] },
    Layer { name: "garth-host", may_use: &["garth-plan", "garth-policy", "garth-undo"] },
    Layer { name: "garth-runner", may_use: &["garth-plan", "garth-host", "garth-policy"] },
    Layer { name: "garth-setup", may_use: &["garth-plan", "garth-host", "garth-policy"] },
    Layer {
        name: "garth",
        may_use: &[
            "garth-policy",
            "garth-vet",
            "garth-plan",
            "garth-host",
            "garth-egress",
            "garth-audit",
            "garth-undo",
        ],
    },
    Layer { name: "garth-mcp", may_use: &["garth"] },
    Layer { name: "garth-cli", may_use: &["garth", "garth-mcp", "garth-runner"] },
];

/// Packages that are no part of the product and may use any crate.
const OUTSIDE: &[&str] = &["garth-tests", "xtask"];

/// Bindings to the operating system.
const SYSTEM_BINDINGS: &[&str] = &["libc", "rustix", "nix", "windows-sys", "windows"];

/// The one product crate that may depend on them all.
const SYSTEM_CRATE: &str = "garth-host";

/// Further crates with the bindings that they may use, without `unsafe`.
const EXCEPTIONS: &[(&str, &str)] = &[
    // Two calls that tokio does not have: moving bytes between sockets (splice), and where a redirected connection
    // was going (SO_ORIGINAL_DST). Both are safe functions of rustix.
    ("garth-egress", "rustix"),
];

/// Dependencies against the arrows, and system bindings in the wrong crate.
pub fn check(packages: &[Package]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in packages.iter().filter(|package| !OUTSIDE.contains(&package.name.as_str())) {
        match LAYERS.iter().find(|layer| layer.name == package.name) {
            Some(layer) => findings.extend(against_arrows(package, layer, packages)),
            None => findings.push(Finding::whole(
                &package.manifest_path,
                format!("`{}` has no place among the layers", package.name),
                "add it to LAYERS in xtask/src/tidy/layers.rs and to the table in docs/architecture.md",
            )),
        }
        findings.extend(system_bindings(package));
    }
    findings
}

fn against_arrows(package: &Package, layer: &Layer, packages: &[Package]) -> Vec<Finding> {
    let ours = |name: &str| packages.iter().any(|other| other.name == name);
    let wrong = package.normal_dependencies().filter(|name| ours(name) && !layer.may_use.contains(name));
    wrong
        .map(|name| {
            let allowed = if layer.may_use.is_empty() {
                "no crate of garth".to_owned()
            } else {
                layer.may_use.join(", ")
            };
            Finding::whole(
                &package.manifest_path,
                format!("`{}` depends on `{name}`, against the arrows", package.name),
                format!("it may use {allowed}; move the shared type to the crate that decides with it"),
            )
        })
        .collect()
}

fn system_bindings(package: &Package) -> Vec<Finding> {
    if package.name == SYSTEM_CRATE {
        return Vec::new();
    }
    let excepted = |name: &str| EXCEPTIONS.contains(&(package.name.as_str(), name));
    let wrong =
        package.normal_dependencies().filter(|name| SYSTEM_BINDINGS.contains(name) && !excepted(name));
    wrong
        .map(|name| {
            Finding::whole(
                &package.manifest_path,
                format!("`{}` depends on `{name}`", package.name),
                format!("only {SYSTEM_CRATE} calls the system; add a safe function there"),
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::{Dependency, fixtures::package};

    fn found(packages: &[Package]) -> Vec<String> {
        check(packages).into_iter().map(|finding| finding.what).collect()
    }

    #[test]
    fn an_arrow_backwards_is_found() {
        let packages = [package("garth-policy", &["garth-plan"]), package("garth-plan", &["garth-policy"])];
        assert_eq!(found(&packages), ["`garth-policy` depends on `garth-plan`, against the arrows"]);
    }

    #[test]
    fn a_test_may_use_what_the_crate_may_not() {
        let mut policy = package("garth-policy", &[]);
        policy.dependencies.push(Dependency { name: "garth-plan".to_owned(), kind: Some("dev".to_owned()) });
        assert!(found(&[policy, package("garth-plan", &[])]).is_empty());
    }

    #[test]
    fn an_unknown_crate_is_found() {
        assert_eq!(found(&[package("garth-common", &[])]), ["`garth-common` has no place among the layers"]);
    }

    #[test]
    fn bindings_are_for_the_host_and_the_tests() {
        let packages = [
            package("garth-host", &["libc"]),
            package("garth-tests", &["rustix", "garth-host"]),
            package("garth-cli", &["libc"]),
            package("garth-egress", &["rustix", "nix"]),
        ];
        assert_eq!(found(&packages), ["`garth-cli` depends on `libc`", "`garth-egress` depends on `nix`"]);
    }

    #[test]
    fn the_table_has_no_cycle() {
        for (position, layer) in LAYERS.iter().enumerate() {
            for used in layer.may_use {
                let below = LAYERS[..position].iter().any(|lower| lower.name == *used);
                assert!(below, "{} uses {used}, which is not below it", layer.name);
            }
        }
    }
}
