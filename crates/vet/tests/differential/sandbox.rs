//! A directory with stubs, and a bash that finds nothing else.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// Names of stubs. Those that begin with `no` fail.
pub(crate) const STUBS: &[&str] = &["ok1", "ok2", "ok3", "ok4", "no1", "no2"];

/// Writes down the number of its arguments and all of them, and prints two words.
const STUB: &str = "#!/bin/sh
name=${0##*/}
printf '%s\\0' \"$#\" \"$name\" \"$@\" >>\"$RECORD\"
echo w1 w2
case $name in no*) exit 1;; esac
";

pub(crate) struct Sandbox {
    directory: TempDir,
    bash: PathBuf,
}

impl Sandbox {
    /// `None` where there is no bash.
    pub(crate) fn new() -> Option<Self> {
        let path = std::env::var_os("PATH")?;
        let bash =
            std::env::split_paths(&path).map(|place| place.join("bash")).find(|bash| bash.is_file())?;
        let directory = TempDir::new().ok()?;
        let programs = directory.path().join("programs");
        fs::create_dir(&programs).ok()?;
        let stub = directory.path().join("stub");
        fs::write(&stub, STUB).ok()?;
        fs::set_permissions(&stub, fs::Permissions::from_mode(0o755)).ok()?;
        for name in STUBS {
            symlink(&stub, programs.join(name)).ok()?;
        }
        Some(Self { directory, bash })
    }

    /// Runs a script, which is one. The arguments of every stub that ran, its name first.
    pub(crate) fn run(&self, seed: u64, text: &str) -> Vec<Vec<String>> {
        let (recorded, error) = self.recorded(seed, text);
        assert!(!error.contains("syntax error"), "{text}\n{error}");
        recorded
    }

    /// As [`Self::run`], for a text that need be no script.
    pub(crate) fn run_any(&self, seed: u64, text: &str) -> Vec<Vec<String>> {
        self.recorded(seed, text).0
    }

    /// What ran, and what bash says of it.
    fn recorded(&self, seed: u64, text: &str) -> (Vec<Vec<String>>, String) {
        let root = self.directory.path();
        // What a script left running in the background writes to places of its own.
        let (work, record) = (root.join(format!("work{seed}")), root.join(format!("record{seed}")));
        assert!(fs::create_dir(&work).is_ok(), "cannot make {}", work.display());
        let output = Command::new(&self.bash)
            .args(["--norc", "--noprofile", "-c", text])
            .env_clear()
            .env("PATH", root.join("programs"))
            .env("HOME", &work)
            .env("RECORD", &record)
            // Functions that call themselves come to an end.
            .env("FUNCNEST", "3")
            .current_dir(&work)
            .stdin(Stdio::null())
            .output();
        let error = output.map_or_else(
            |error| error.to_string(),
            |output| String::from_utf8_lossy(&output.stderr).into_owned(),
        );
        let recorded = fs::read(&record).unwrap_or_default();
        (commands(&String::from_utf8_lossy(&recorded)), error)
    }
}

fn commands(record: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let mut pieces = record.split('\0');
    while let Some(count) = pieces.next().and_then(|count| count.parse::<usize>().ok()) {
        found.push(pieces.by_ref().take(count + 1).map(str::to_owned).collect());
    }
    found
}
