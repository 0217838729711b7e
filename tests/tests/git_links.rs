//! Git with working trees and repositories that belong together: worktrees, submodules, nested repositories.
#![cfg(target_os = "linux")]

use garth_tests::{Garden, everyone};

fn settings(garden: &Garden) {
    let text = "[user]\n\tname = Ann\n\temail = ann@example.com\n[init]\n\tdefaultBranch = main\n";
    garden.write(garden.home.join(".gitconfig"), text);
}

fn repository(garden: &Garden) {
    settings(garden);
    let _ = garden.prepare(
        "git init -q; echo one >a; git add .; git commit -qm first; git branch side
         git init -q lib; cd lib; echo lib >l; git add .; git commit -qm lib; cd ..; echo /lib >>.git/info/exclude",
    );
}

fn clean(garden: &Garden, directory: &str) {
    let view = garden.at(directory);
    assert_eq!(view.outside(&["git", "status", "--porcelain"]).ok().text(), "", "{directory}");
    let fsck = view.outside(&["git", "fsck", "--no-progress"]).ok();
    assert!(!fsck.errors().contains("error"), "{fsck}");
}

#[test]
fn worktrees_inside_the_workspace() {
    everyone(|garden| {
        repository(garden);
        let run = garden.script(
            "echo /trees >>.git/info/exclude
             git worktree add -q trees/side side; git worktree add -q -b fresh trees/fresh
             cd trees/side; echo s >s; git add s; git commit -qm side; git status; cd ../..
             git worktree list; git worktree lock trees/fresh; git worktree unlock trees/fresh
             git worktree remove trees/fresh; git worktree prune",
        );
        let run = run.ok();
        assert_eq!(run.errors(), "", "{run}");
        assert_eq!(garden.at("trees/side").outside(&["git", "log", "-1", "--format=%s"]).ok().text(), "side");
        assert!(!garden.has("trees/fresh") && !garden.has(".git/worktrees/fresh"));
        clean(garden, "");
        clean(garden, "trees/side");
    });
}

#[test]
fn a_linked_worktree_as_the_workspace() {
    everyone(|garden| {
        settings(garden);
        let _ = garden.prepare(
            "git init -q main; cd main; echo one >a; git add .; git commit -qm first; git worktree add -q -b side ../side",
        );
        let before = garden.read("main/a");
        let run = garden.at("side").script(
            "git status; echo s >s; git add s; git commit -qm side; git log --oneline; git stash list
             git branch more; git tag t; git gc -q; echo dirty >>s; git stash -q; git stash pop -q; git checkout -q s
             git config user.name Bob",
        );
        assert!(run.status.success(), "{run}");
        assert_eq!(garden.at("side").outside(&["git", "log", "-1", "--format=%s"]).ok().text(), "side");
        assert_eq!(
            garden.at("main").outside(&["git", "log", "-1", "--format=%s", "side"]).ok().text(),
            "side"
        );
        assert_eq!(garden.read("main/a"), before);
        clean(garden, "side");
        clean(garden, "main");
        let run = garden.at("side").script("echo evil >../main/.git/hooks/post-checkout").fails();
        assert!(!garden.has("main/.git/hooks/post-checkout"), "{run}");
        let run = garden.at("side").script("git config core.fsmonitor ./evil").fails();
        assert!(!garden.read("main/.git/config").contains("evil"), "{run}");
    });
}

#[test]
fn submodules() {
    everyone(|garden| {
        repository(garden);
        let run = garden.script(
            "allow='-c protocol.file.allow=always'; git remote add origin https://example.com/a/b.git
             git $allow submodule --quiet add $PWD/lib vendor/lib; git commit -qm 'add lib'
             git submodule status; cd vendor/lib; git status -s; git log --oneline; cd ../..
             git submodule foreach --quiet 'git rev-parse HEAD'
             git clone -q . copy; cd copy; git $allow submodule --quiet update --init; cat vendor/lib/l; cd ..; rm -rf copy
             cd lib; echo more >>l; git commit -qam more; cd ..
             git $allow submodule --quiet update --remote 2>/dev/null; git commit -qam 'newer lib'
             git submodule sync --quiet 2>/dev/null; git submodule summary; git submodule --quiet deinit vendor/lib
             git $allow submodule --quiet update --init",
        );
        let run = run.ok();
        assert_eq!(run.errors(), "", "{run}");
        assert_eq!(garden.read("vendor/lib/l"), "lib\nmore\n");
        // Git probes for symbolic links in the new git directory; a refusal would turn them off for good.
        for config in [".git/modules/vendor/lib/config", "lib/.git/config"] {
            assert!(!garden.read(config).contains("symlinks"), "{config}: {}", garden.read(config));
        }
        assert!(garden.read(".git/config").contains("[submodule \"vendor/lib\"]"));
        assert!(garden.read(".git/modules/vendor/lib/config").contains("worktree = ../../../../vendor/lib"));
        clean(garden, "");
        clean(garden, "vendor/lib");
    });
}

#[test]
fn a_submodule_as_the_workspace() {
    everyone(|garden| {
        repository(garden);
        let _ = garden.prepare(
            "git -c protocol.file.allow=always submodule --quiet add ./lib vendor; git commit -qm 'add lib'",
        );
        let run = garden.at("vendor").script(
            "git status; echo v >v; git add v; git commit -qm inside; git switch -q -c topic; git gc -q
             git remote add other ../x; git config branch.topic.description d; git log --oneline",
        );
        let run = run.ok();
        assert_eq!(run.errors(), "", "{run}");
        assert_eq!(garden.at("vendor").outside(&["git", "log", "-1", "--format=%s"]).ok().text(), "inside");
        assert!(garden.read(".git/modules/vendor/config").contains("other"));
        // The scratch directory lies in /tmp, so what is above the workspace is the sandbox's own there.
        let run = garden.at("vendor").script("echo x >>../a || true");
        assert_eq!(garden.read("a"), "one\n", "{run}");
        let run = garden.at("vendor").script("echo evil >../.git/modules/vendor/hooks/pre-commit").fails();
        assert!(!garden.has(".git/modules/vendor/hooks/pre-commit"), "{run}");
    });
}

#[test]
fn repositories_that_appear_inside() {
    everyone(|garden| {
        repository(garden);
        let run = garden.script(
            "git init -q nested; cd nested; git config user.name Bob; echo n >n; git add n; git commit -qm n
             git remote add origin ../lib; cd ..; git clone -q lib cloned; git init -q --bare b.git
             git init -q --separate-git-dir=elsewhere separate; rm -rf cloned b.git; git init -q; mv nested renamed",
        );
        let run = run.ok();
        assert_eq!(garden.at("renamed").outside(&["git", "log", "--format=%s"]).ok().text(), "n", "{run}");
        for place in ["renamed", "separate"] {
            assert!(run.reports_repository(&garden.work.join(place)), "{run}");
        }
        let refused = garden.at("").script("cd renamed; echo evil >.git/hooks/pre-commit").fails();
        assert!(!garden.has("renamed/.git/hooks/pre-commit"), "{refused}");
        let refused = garden.script("git -C renamed config core.fsmonitor ./evil").fails();
        assert!(!garden.read("renamed/.git/config").contains("evil"), "{refused}");
    });
}

#[test]
fn work_from_a_directory_below_the_root() {
    everyone(|garden| {
        repository(garden);
        garden.directory("deep/down");
        let run = garden.at("deep/down").script(
            "pwd; echo d >d; git add .; git commit -qm deep; echo up >../../up; git rev-parse --show-prefix",
        );
        let run = run.ok();
        assert!(run.text().starts_with(garden.work.join("deep/down").to_str().unwrap_or_default()), "{run}");
        assert_eq!(garden.read("up"), "up\n");
    });
}
