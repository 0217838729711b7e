//! Git in the default policy: what people do all day, in a repository and around it.
#![cfg(target_os = "linux")]

use garth_tests::{Garden, everyone, has};

/// A user with settings, and a repository with two commits in `work`.
fn repository(garden: &Garden) {
    settings(garden);
    let _ = garden.prepare(
        "git init -q; mkdir src; echo one >a; echo two >src/b; git add .; git commit -qm first;
         echo more >>a; git commit -qam second",
    );
}

fn settings(garden: &Garden) {
    let text = "[user]\n\tname = Ann\n\temail = ann@example.com\n[init]\n\tdefaultBranch = main\n\
                [alias]\n\tst = status\n[core]\n\tpager = cat\n";
    garden.write(garden.home.join(".gitconfig"), text);
}

/// Outside, git finds the repository sound and its tree clean.
fn sound(garden: &Garden, directory: &str) {
    let fsck = garden.at(directory).outside(&["git", "fsck", "--strict", "--no-progress"]).ok();
    assert!(!fsck.errors().contains("error"), "{fsck}");
    assert_eq!(garden.at(directory).outside(&["git", "status", "--porcelain"]).ok().text(), "");
}

fn log(garden: &Garden, directory: &str) -> Vec<String> {
    let run = garden.at(directory).outside(&["git", "log", "--format=%s"]).ok();
    run.text().lines().map(str::to_owned).collect()
}

#[test]
fn a_repository_from_nothing_with_a_clean_home() {
    if !has("git", "git") {
        return;
    }
    everyone(|garden| {
        let run = garden.script(
            "git init -q -b main; git config user.name Ann; git config user.email ann@example.com
             echo one >a; mkdir d; echo two >d/b; git add a d; git commit -qm first
             echo three >>a; git commit -qam secnod; git commit -q --amend -m second
             git mv d/b d/c; git rm -q --cached a; git reset -q --hard; git tag v1; git tag -am note v2
             git log --oneline; git show --stat; git diff HEAD~1; git blame a; git grep three; git describe",
        );
        let run = run.ok();
        assert_eq!(run.errors(), "", "{run}");
        assert!(run.text().ends_with("v2"), "{run}");
        assert_eq!(log(garden, ""), ["second", "first"]);
        assert_eq!(garden.outside(&["git", "config", "user.name"]).text(), "Ann");
        assert_eq!(garden.outside(&["git", "tag"]).text(), "v1\nv2");
        sound(garden, "");
    });
}

#[test]
fn clones_of_a_local_repository() {
    everyone(|garden| {
        settings(garden);
        let _ = garden.prepare(
            "git init -q upstream; cd upstream; mkdir d; seq 1000 >d/a; git add .; git commit -qm first;
             git branch side; git tag v1",
        );
        let run = garden.script(
            "git clone -q upstream linked; git clone -q --no-hardlinks upstream copied
             git clone -q --bare upstream bare.git; git clone -q --shared upstream shared
             git clone -q --depth 1 \"file://$PWD/upstream\" shallow
             git clone -q --mirror upstream mirror.git
             cd linked; git switch -q side; echo x >x; git add x; git commit -qm side; git push -q origin side
             git switch -q -c topic origin/main 2>/dev/null || git switch -q -c topic origin/master
             git branch -vv; git pull -q; git fetch --all -q; git remote prune origin",
        );
        let run = run.ok();
        assert_eq!(run.errors(), "", "{run}");
        for directory in ["linked", "copied", "shared", "shallow"] {
            sound(garden, directory);
            assert!(garden.read(format!("{directory}/d/a")).ends_with("1000\n"));
        }
        let merge = garden.at("linked").outside(&["git", "config", "branch.topic.merge"]).ok().text();
        assert!(merge.starts_with("refs/heads/ma"), "{merge}");
        assert_eq!(
            garden.at("upstream").outside(&["git", "log", "-1", "--format=%s", "side"]).text(),
            "side"
        );
    });
}

#[test]
fn rebase_with_a_conflict_and_cherry_pick() {
    everyone(|garden| {
        repository(garden);
        let run = garden.script(
            "git switch -q -c topic HEAD~1; echo mine >a; git commit -qam mine; echo n >n; git add n; git commit -qm new
             if git rebase -q main >/dev/null 2>&1; then echo 'no conflict' >&2; exit 1; fi
             git status | grep 'both modified' >/dev/null
             echo merged >a; git add a; GIT_EDITOR=true git rebase --continue >/dev/null 2>&1
             git switch -q main; git cherry-pick topic >/dev/null; git revert --no-edit HEAD >/dev/null
             git merge -q --no-ff -m merged topic; git reset -q --soft HEAD~0; git reflog
             GIT_SEQUENCE_EDITOR=true git rebase -q -i HEAD~1 2>/dev/null",
        );
        let _ = run.ok();
        assert_eq!(log(garden, "")[..1], ["new"]);
        assert_eq!(garden.read("a"), "merged\n");
        assert!(!garden.has(".git/rebase-merge"));
        sound(garden, "");
    });
}

#[test]
fn stash_bisect_and_clean() {
    everyone(|garden| {
        repository(garden);
        let run = garden.script(
            "echo dirty >>a; echo untracked >u; git stash -q -u; test ! -e u; git stash list >list; grep -q WIP list; rm list
             git stash pop -q; test -e u; git checkout -q -- a; git clean -qfd; test ! -e u
             for i in 1 2 3 4 5 6 7; do echo $i >n; git add n; git commit -qm n$i; done
             git bisect start HEAD HEAD~6 >/dev/null 2>&1; git bisect run sh -c 'test $(cat n) -lt 5' >bisected 2>&1
             git bisect reset >/dev/null 2>&1; git log -1 --format=%s $(sed -n '/is the first bad/s/ .*//p' bisected) | grep n5 >/dev/null; rm bisected",
        );
        let run = run.ok();
        assert_eq!(run.errors(), "", "{run}");
        assert_eq!(log(garden, "")[0], "n7");
        assert!(!garden.has(".git/BISECT_START"));
        sound(garden, "");
    });
}

#[test]
fn housekeeping() {
    everyone(|garden| {
        repository(garden);
        let run = garden.script(
            "for i in $(seq 30); do echo $i >f$i; done; git add .; git commit -qm many
             git gc -q --aggressive --prune=now; git repack -adq; git pack-refs --all; git fsck --no-progress
             git count-objects -v; git maintenance run --quiet; git commit-graph write 2>/dev/null
             git reflog expire --expire=now --all; git prune; git update-index --refresh -q; git archive HEAD | tar t",
        );
        let run = run.ok();
        assert_eq!(run.errors(), "", "{run}");
        let packs = garden.work.join(".git/objects/pack").read_dir().expect("packs").count();
        assert!(packs >= 2, "{packs}");
        sound(garden, "");
    });
}

#[test]
fn settings_that_run_nothing_can_be_changed() {
    everyone(|garden| {
        repository(garden);
        let run = garden.script(
            "git remote add origin https://example.com/a.git; git remote rename origin up
             git remote set-url up https://example.com/b.git; git remote add gone ssh://git@example.com/gone.git; git remote remove gone
             git branch --track t main >/dev/null; git config branch.t.description words
             git config color.ui always; git config --unset color.ui; git config pull.rebase true
             git branch -m t tracking; git branch -D tracking >/dev/null
             git switch -q -c local; git branch --set-upstream-to=main >/dev/null; git branch --unset-upstream
             git sparse-checkout set --cone src 2>/dev/null; test -e src/b; git sparse-checkout list
             git sparse-checkout disable; test -e a",
        );
        let run = run.ok();
        assert_eq!(run.errors(), "", "{run}");
        let config = garden.read(".git/config");
        assert!(config.contains("[remote \"up\"]\n\turl = https://example.com/b.git"), "{config}");
        assert!(!config.contains("gone"), "{config}");
        assert!(config.contains("rebase = true"), "{config}");
        assert_eq!(garden.mode(".git/config"), 0o644);
        assert!(!garden.has(".git/config.lock"));
        sound(garden, "");
    });
}

/// What git may not be made to run stays out, and the tool says so in its own words.
#[test]
fn what_the_host_would_run_is_refused() {
    everyone(|garden| {
        repository(garden);
        garden.write(".git/hooks/pre-push", "#!/bin/sh\n");
        let config = garden.read(".git/config");
        for script in [
            "git config core.fsmonitor ./evil",
            "git config core.hooksPath hooks",
            "git config alias.x '!sh'",
            "git config core.sshCommand ./evil",
            "git config filter.x.clean ./evil",
            "git config include.path ../evil",
            "git config credential.helper ./evil",
            "printf '[core]\\n\\tpager = ./evil\\n' >>.git/config",
            "echo evil >.git/hooks/pre-commit",
            "echo evil >.git/hooks/pre-push",
            "mkdir -p x; mv .git/hooks x/",
            "mv .git gone",
            "rm -rf .git/hooks",
            "echo '* filter=x' >.git/info/attributes",
            "ln -s ../../evil .git/hooks/post-checkout",
        ] {
            let run = garden.script(script).fails();
            assert!(["denied", "busy"].iter().any(|word| run.errors().contains(word)), "{run}");
            assert_eq!(garden.read(".git/config"), config, "{script}");
            assert_eq!(garden.read(".git/hooks/pre-push"), "#!/bin/sh\n", "{script}");
            for name in ["hooks/pre-commit", "hooks/post-checkout", "info/attributes", "config.lock"] {
                assert!(!garden.has(format!(".git/{name}")), "{script} made {name}");
            }
        }
        sound(garden, "");
        assert_eq!(log(garden, ""), ["second", "first"]);
    });
}

/// A refused change explains itself on standard error: what, by which rule, and what would help.
#[test]
fn refusals_are_explained() {
    everyone(|garden| {
        repository(garden);
        let run = garden.inside(&["git", "config", "core.fsmonitor", "./evil"]).fails();
        assert!(run.errors().contains("core.fsmonitor"), "{run}");
        assert!(run.errors().contains("hint"), "{run}");
        let run = garden.script("echo evil >.git/hooks/pre-commit").fails();
        assert!(run.errors().contains(".git/hooks/pre-commit"), "{run}");
    });
}
