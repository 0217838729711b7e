mod addresses;
mod decisions;
mod differential;
mod keys;
mod layout;
mod parser;
mod recorded;
mod report;
mod values;
mod workflows;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};

use super::{ConfigChange, Owner, Refusal, Where, vet_config};

/// A configuration of a repository that was there before, and of a new one.
const OLD: Where<'_> =
    Where { owner: Owner::Repository, git_dir: b"/ws/app/.git", workspace: b"/ws/app", fresh: false };
const FRESH: Where<'_> = Where { fresh: true, ..OLD };
const MODULE: Where<'_> = Where { owner: Owner::Module, git_dir: b"/ws/app/.git/modules/lib", ..OLD };

fn vet(old: &str, new: &str) -> Result<ConfigChange, Refusal> {
    vet_config(Some(old.as_bytes()), new.as_bytes(), OLD)
}

#[track_caller]
fn allowed(old: &str, new: &str) -> ConfigChange {
    vet(old, new).unwrap_or_else(|refusal| panic!("{new:?}: {refusal}"))
}

#[track_caller]
fn refused(old: &str, new: &str) -> Refusal {
    match vet(old, new) {
        Ok(change) => panic!("allowed: {new:?}: {change:?}"),
        Err(refusal) => refusal,
    }
}

/// A directory that is removed at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("garth-git-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Runs git without the user's and the machine's configuration.
fn git(dir: &Path, args: &[&str]) -> Output {
    let mut command = Command::new("git");
    command.current_dir(dir).args(args);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("GIT_")) {
        command.env_remove(name);
    }
    for name in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{name}_NAME"), "a").env(format!("GIT_{name}_EMAIL"), "a@example.com");
    }
    command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", dir.join("absent"));
    command.env("HOME", dir).env("GIT_ALLOW_PROTOCOL", "file").env("GIT_EDITOR", "true");
    command.output().unwrap()
}

#[track_caller]
fn git_ok(dir: &Path, args: &[&str]) {
    let output = git(dir, args);
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
}
