//! Which variables enter, and with which values.

use super::super::path;
use super::Given;
use garth_policy::{AbsPath, EnvDecision, FileOp, Verdict};
use std::collections::BTreeMap;

/// The environment of the target.
#[derive(Debug)]
pub(super) struct Entered {
    /// `NAME=value`, sorted without regard to case, as Windows wants it.
    pub strings: Vec<String>,
    /// The directories of the target's `PATH`.
    pub directories: Vec<AbsPath>,
    /// How many variables did not come in.
    pub dropped: usize,
}

/// Variables by which tools take another directory for their cache, and its name below the private directory.
const CACHES: [(&str, &str); 9] = [
    ("npm_config_cache", "npm"),
    ("YARN_CACHE_FOLDER", "yarn"),
    ("PIP_CACHE_DIR", "pip"),
    ("UV_CACHE_DIR", "uv"),
    ("POETRY_CACHE_DIR", "poetry"),
    ("GOCACHE", "go-build"),
    ("NUGET_HTTP_CACHE_PATH", "nuget"),
    ("CCACHE_DIR", "ccache"),
    ("SCCACHE_DIR", "sccache"),
];

/// Extensions of programs, without those of script hosts that run whatever a file says.
const EXTENSIONS: &str = ".COM;.EXE;.BAT;.CMD";

/// Applies the allow-list. Directories that the sandbox has of its own replace the host's.
pub(super) fn lower(given: Given<'_>) -> Entered {
    let mut entered: BTreeMap<String, (String, String)> = BTreeMap::new();
    let mut add = |name: &str, value: String| {
        entered.insert(name.to_ascii_uppercase(), (name.to_owned(), value));
    };
    let mut dropped = 0;
    let mut directories = Vec::new();
    for (name, value) in &given.command.environment {
        let (Ok(name), Ok(value)) = (std::str::from_utf8(name), std::str::from_utf8(value)) else {
            dropped += 1;
            continue;
        };
        match given.policy.env.decide(name) {
            EnvDecision::Set(..) => {}
            EnvDecision::Drop(_) => dropped += 1,
            EnvDecision::Pass(_) if name.eq_ignore_ascii_case("PATH") => {
                directories = search(given, value);
            }
            EnvDecision::Pass(_) => add(name, value.to_owned()),
        }
    }
    let list: Vec<String> = directories.iter().map(ToString::to_string).collect();
    add("PATH", list.join(";"));
    add("PATHEXT", EXTENSIONS.to_owned());
    let windows = &given.facts.directories.windows;
    add("SystemRoot", windows.to_string());
    add("ComSpec", format!("{windows}\\System32\\cmd.exe"));
    let private = given.facts.context.tmp.to_string();
    for name in ["TEMP", "TMP", "TMPDIR"] {
        add(name, private.clone());
    }
    for (name, directory) in CACHES {
        add(name, format!("{private}\\caches\\{directory}"));
    }
    add("GARTH", "1".to_owned());
    for (name, value) in given.policy.env.values() {
        add(name, value.to_owned());
    }
    let strings = entered.into_values().map(|(name, value)| format!("{name}={value}")).collect();
    Entered { strings, directories, dropped }
}

/// The directories of a `PATH` that the target searches: absolute ones that can be decided and read, without those of
/// aliases for packaged applications, each once.
pub(super) fn search(given: Given<'_>, value: &str) -> Vec<AbsPath> {
    let mut found: Vec<AbsPath> = Vec::new();
    for entry in value.split(';') {
        let entry = entry.trim_matches('"');
        let Ok(directory) = path::decided(entry) else { continue };
        let readable = given.policy.files.decide(&directory, FileOp::Execute).verdict == Verdict::Allow;
        if readable && !holds_aliases(&directory) && !found.contains(&directory) {
            found.push(directory);
        }
    }
    found
}

/// `WindowsApps`: aliases there start packaged applications, which no restricted token can (`CreateProcess` fails), and
/// packages themselves.
fn holds_aliases(directory: &AbsPath) -> bool {
    directory.components().any(|name| name.eq_ignore_ascii_case(b"WindowsApps"))
}
