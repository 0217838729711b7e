//! Real git, with the configuration before and after each command.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{Scratch, git_ok};
use crate::git::{Owner, Refusal, Where, vet_config};

/// A workspace with a repository `app` that was there before, and one outside.
struct World {
    _scratch: Scratch,
    root: PathBuf,
    app: PathBuf,
    lib: String,
}

impl World {
    fn new() -> Self {
        let scratch = Scratch::new();
        let root = scratch.0.join("ws");
        let app = root.join("app");
        let lib = root.join("lib");
        for dir in [&app, &lib] {
            std::fs::create_dir_all(dir).unwrap();
            git_ok(dir, &["init", "-q", "-b", "main"]);
            git_ok(dir, &["commit", "-q", "--allow-empty", "-m", "x"]);
        }
        Self { _scratch: scratch, lib: lib.to_str().unwrap().to_owned(), root, app }
    }

    fn vetted(&self, args: &[&str]) -> Result<(), Refusal> {
        self.vetted_in(&self.app, args)
    }

    /// Runs git, and vets every configuration file of the workspace that it changed.
    fn vetted_in(&self, dir: &Path, args: &[&str]) -> Result<(), Refusal> {
        let before = configurations(&self.root);
        git_ok(dir, args);
        let after = configurations(&self.root);
        let workspace = slashes(&self.root);
        for (path, text) in after.iter().filter(|(path, text)| before.get(*path) != Some(text)) {
            let git_dir = slashes(path.parent().unwrap());
            let place = Where {
                owner: Owner::of(git_dir.as_bytes()),
                git_dir: git_dir.as_bytes(),
                workspace: workspace.as_bytes(),
                fresh: !before.contains_key(&path.with_file_name("config")),
            };
            vet_config(before.get(path).map(Vec::as_slice), text, place)?;
        }
        assert!(before != after, "git {args:?} changed no configuration");
        Ok(())
    }

    #[track_caller]
    fn allows(&self, args: &[&str]) {
        self.vetted(args).unwrap_or_else(|refusal| panic!("git {args:?}: {refusal}"));
    }
}

fn slashes(path: &Path) -> String {
    path.to_str().unwrap().replace('\\', "/")
}

fn configurations(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.append(&mut configurations(&path));
        } else if path.file_name().is_some_and(|name| name == "config" || name == "config.worktree") {
            found.insert(path.clone(), std::fs::read(path).unwrap());
        }
    }
    found
}

#[test]
fn remotes_and_branches() {
    let world = World::new();
    world.allows(&["remote", "add", "origin", "https://example.com/app.git"]);
    git_ok(&world.app, &["update-ref", "refs/remotes/origin/main", "HEAD"]);
    world.allows(&["branch", "-u", "origin/main"]);
    world.allows(&["checkout", "-q", "-b", "topic", "--track", "origin/main"]);
    world.allows(&["branch", "-m", "topic", "other"]);
    world.allows(&["branch", "--unset-upstream"]);
    world.allows(&["checkout", "-q", "-b", "local", "--track", "main"]);
    git_ok(&world.app, &["checkout", "-q", "main"]);
    world.allows(&["branch", "-q", "-D", "local"]);
    world.allows(&["remote", "rename", "origin", "upstream"]);
    world.allows(&["remote", "set-url", "upstream", "git@example.com:app.git"]);
    world.allows(&["remote", "set-url", "--push", "upstream", "ssh://git@example.com/app.git"]);
    world.allows(&["remote", "set-branches", "--add", "upstream", "x"]);
    world.allows(&["remote", "add", "--tags", "-t", "main", "second", "https://example.com/b"]);
    world.allows(&["remote", "remove", "upstream"]);
}

#[test]
fn repositories_inside() {
    let world = World::new();
    world.allows(&["init", "-q", "nested"]);
    world.allows(&["init", "-q", "--bare", "bare.git"]);
    world.allows(&["init", "-q", "--object-format=sha256", "sha256"]);
    world.allows(&["clone", "-q", &world.lib, "clone"]);
    world.allows(&[
        "clone",
        "-q",
        "--depth=1",
        "--filter=blob:none",
        &format!("file://{}", world.lib),
        "shallow",
    ]);
    world.allows(&["clone", "-q", "--bare", &world.lib, "clone.git"]);
}

#[test]
fn submodules_and_worktrees() {
    let world = World::new();
    world.allows(&["submodule", "--quiet", "add", &world.lib, "vendor/lib"]);
    git_ok(&world.app, &["commit", "-q", "-m", "add"]);
    world.allows(&["mv", "vendor/lib", "lib2"]);
    world.allows(&["submodule", "--quiet", "deinit", "-f", "lib2"]);
    world.allows(&["submodule", "--quiet", "update", "--init"]);
    git_ok(&world.app, &["worktree", "add", "-q", "../wt", "-b", "wt"]);
    world.allows(&["sparse-checkout", "set", "--cone", "a"]);
    world.vetted_in(&world.app.join("lib2"), &["sparse-checkout", "set", "--cone", "a"]).unwrap();
    world.vetted_in(&world.root.join("wt"), &["sparse-checkout", "set", "--cone", "a"]).unwrap();
}

#[test]
fn settings_that_run_nothing() {
    let world = World::new();
    for (key, value) in [
        ("user.name", "A B"),
        ("user.email", "a@example.com"),
        ("pull.rebase", "true"),
        ("core.autocrlf", "input"),
        ("merge.conflictStyle", "zdiff3"),
        ("diff.algorithm", "histogram"),
        ("rerere.enabled", "true"),
        ("push.default", "current"),
        ("gc.auto", "0"),
        ("branch.main.description", "two\nlines"),
    ] {
        world.allows(&["config", key, value]);
        world.allows(&["config", "--unset", key]);
    }
    world.allows(&["config", "user.name", "x"]);
    world.allows(&["config", "--remove-section", "user"]);
}

#[test]
fn settings_that_run_something() {
    for (key, value) in [
        ("core.fsmonitor", "x"),
        ("core.fsmonitor", "true"),
        ("core.hooksPath", "hooks"),
        ("core.sshCommand", "x"),
        ("core.pager", "x"),
        ("core.editor", "x"),
        ("core.worktree", ".."),
        ("alias.st", "!x"),
        ("filter.x.clean", "x"),
        ("diff.x.textconv", "x"),
        ("include.path", "../x"),
        ("includeIf.onbranch:main.path", "../x"),
        ("credential.helper", "!x"),
        ("url.x.insteadOf", "y"),
        ("http.proxy", "x"),
        ("remote.origin.url", "ext::sh -c x"),
        ("submodule.x.update", "!x"),
        ("gpg.program", "x"),
        ("tar.x.command", "x"),
    ] {
        let world = World::new();
        assert!(world.vetted(&["config", key, value]).is_err(), "{key}");
        assert!(
            world.vetted(&["config", "--unset", key]).is_err()
                || key.starts_with("remote.")
                || key.starts_with("submodule.")
                || key == "core.worktree",
            "{key}"
        );
    }
}

#[test]
fn a_remote_inside_the_workspace_is_refused_for_a_repository_that_was_there() {
    let world = World::new();
    let refusal = world.vetted(&["remote", "add", "origin", &world.lib]).unwrap_err();
    assert_eq!(refusal.key, "remote.origin.url");
}
