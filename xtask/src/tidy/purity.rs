//! The deciding crates look at nothing but their arguments, and are the same on every system.

use proc_macro2::Delimiter;

use crate::finding::Finding;
use crate::source::Rust;
use crate::tokens::{Place, group, is_sign, is_word, paths_from, walk, words};
use crate::tree::Tree;

/// Directories of pure code.
const PURE: &[&str] = &[
    "crates/policy/",
    "crates/plan/",
    "crates/vet/",
    "crates/undo/",
    "crates/egress/src/core/",
    "crates/audit/src/core/",
];

/// Parts of the standard library that reach outside or differ per system.
const FORBIDDEN_PATHS: &[(&[&str], &str)] = &[
    (&["std", "fs"], "take the bytes, or ask for facts and let crates/host read them"),
    (&["std", "net"], "address types are in `core::net`; sockets are not for pure code"),
    (&["std", "process"], "return a plan and let crates/host start things"),
    (&["std", "env"], "take the variables as an argument"),
    (&["std", "os"], "model the value as bytes or as a string; crates/host converts"),
    (&["std", "time", "Instant"], "take the time as an argument"),
    (&["std", "time", "SystemTime"], "take the time as an argument"),
];

/// Methods of `std::path::Path` that read the disk.
const FORBIDDEN_METHODS: &[&str] =
    &["canonicalize", "read_link", "symlink_metadata", "read_dir", "try_exists"];

/// Configuration predicates that tell systems apart.
const SYSTEM_PREDICATES: &[&str] =
    &["target_os", "target_family", "target_env", "target_vendor", "unix", "windows"];

/// Uses of the system in pure product code.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files.iter().filter(|file| PURE.iter().any(|root| file.path.starts_with(root))) {
        let Some(rust) = file.product() else { continue };
        let mut found = paths(rust);
        walk(&rust.tokens, &mut |place| {
            found.extend(predicate(place));
            found.extend(method(place));
        });
        found.retain(|(line, ..)| !rust.is_test(*line));
        found.dedup();
        findings
            .extend(found.into_iter().map(|(line, what, hint)| Finding::at(&file.path, line, what, hint)));
    }
    findings
}

type Found = (usize, String, &'static str);

fn paths(rust: &Rust) -> Vec<Found> {
    let mut found = Vec::new();
    for (path, line) in paths_from(&rust.tokens, "std") {
        let forbidden = FORBIDDEN_PATHS.iter().find(|(prefix, _)| {
            path.iter().map(String::as_str).take(prefix.len()).eq(prefix.iter().copied())
        });
        if let Some((prefix, hint)) = forbidden {
            found.push((line, format!("`{}` in pure code", prefix.join("::")), *hint));
        }
    }
    found
}

/// `cfg(…)`, `cfg!(…)` and `cfg_attr(…)` that tell systems apart.
fn predicate(place: &Place<'_>) -> Option<Found> {
    let configures = ["cfg", "cfg_attr"].iter().any(|word| is_word(place.rest.first(), word));
    let next = if is_sign(place.rest.get(1), '!') { 2 } else { 1 };
    let inner = configures.then(|| group(place.rest.get(next), Delimiter::Parenthesis)).flatten()?;
    let word = words(&inner.stream()).into_iter().find(|word| SYSTEM_PREDICATES.contains(&word.as_str()))?;
    Some((
        place.line,
        format!("`cfg({word})` in pure code"),
        "make the system a value of the facts or the target",
    ))
}

fn method(place: &Place<'_>) -> Option<Found> {
    let called =
        is_sign(place.rest.first(), '.') && group(place.rest.get(2), Delimiter::Parenthesis).is_some();
    let name = FORBIDDEN_METHODS.iter().find(|name| called && is_word(place.rest.get(1), name))?;
    Some((place.line, format!("`.{name}()` reads the disk in pure code"), "ask for a fact instead"))
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
    fn the_outside_is_found_in_uses_calls_and_macros() {
        let text = "use std::{\n    env,\n    io,\n};\nfn a() { std::fs::read(b); m!(std::process::id()); p.read_link() }\n";
        assert_eq!(
            found("crates/plan/src/lib.rs", text),
            [
                "2: `std::env` in pure code",
                "5: `std::fs` in pure code",
                "5: `std::process` in pure code",
                "5: `.read_link()` reads the disk in pure code"
            ]
        );
    }

    #[test]
    fn systems_are_not_told_apart() {
        let text = "#[cfg(unix)]\nfn a() {}\n#[cfg(not(target_os = \"linux\"))]\nfn b() {}\nfn c() { cfg!(windows); }\n";
        assert_eq!(
            found("crates/policy/src/lib.rs", text),
            [
                "1: `cfg(unix)` in pure code",
                "3: `cfg(target_os)` in pure code",
                "5: `cfg(windows)` in pure code"
            ]
        );
    }

    #[test]
    fn tests_features_and_other_crates_are_free() {
        let text = "#[cfg(feature = \"unix\")]\nfn a() {}\n#[cfg(test)]\nmod tests {\n    use std::fs;\n}\n";
        assert!(found("crates/plan/src/lib.rs", text).is_empty());
        assert!(found("crates/plan/tests/t.rs", "use std::fs;").is_empty());
        assert!(found("crates/host/src/lib.rs", "use std::fs;").is_empty());
    }

    #[test]
    fn durations_are_data_and_clocks_are_not() {
        assert!(found("crates/plan/src/lib.rs", "use std::time::Duration;").is_empty());
        assert_eq!(found("crates/plan/src/lib.rs", "use std::time::{Duration, Instant};").len(), 1);
    }
}
