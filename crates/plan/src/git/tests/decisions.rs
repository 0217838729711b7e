use super::{FRESH, MODULE, OLD, allowed, refused, vet};
use crate::git::{Owner, Where, vet_config};

const BASE: &str = "[core]\n\tbare = false\n[remote \"origin\"]\n\turl = https://example.com/a\n";

#[test]
fn harmless_changes_are_recorded() {
    let new = BASE.replace("/a", "/b") + "[user]\n\tname = A\n";
    let change = allowed(BASE, &new);
    assert_eq!(change.added.len(), 1);
    assert_eq!(change.added[0].shown_name(), "user.name");
    assert_eq!(change.changed.len(), 1);
    assert_eq!(change.changed[0].after.text(), b"https://example.com/b");
    assert_eq!(change.changed[0].before.text(), b"https://example.com/a");
    assert!(
        change.notices[0].contains("`https://example.com/b` (it was `https://example.com/a`)"),
        "{change:?}"
    );
    let change = allowed(&new, "[core]\n\tbare = false\n");
    assert_eq!(change.removed.len(), 2);
    assert!(change.added.is_empty() && change.changed.is_empty() && change.worktree.is_none());
    let change = allowed(BASE, &BASE.replace('\t', " ").replace("core", "CORE"));
    assert!(change.added.is_empty() && change.removed.is_empty() && change.changed.is_empty());
}

#[test]
fn repeated_keys_count_as_a_list() {
    let change = allowed("[a]\n[remote \"x\"]fetch=a\nfetch=b\n", "[remote \"x\"]fetch=b\nfetch=a\n");
    assert_eq!(change.changed[0].after.text(), b"a");
    let change = allowed("[remote \"x\"]fetch=a\n", "[remote \"x\"]fetch=a\nfetch=a\nfetch=b\n");
    assert_eq!(change.added.len(), 2);
    assert!(change.removed.is_empty());
}

#[test]
fn a_refusal_says_where_what_why_and_what_to_do() {
    let refusal = refused(BASE, &format!("{BASE}[core]\n\tfsmonitor = ./x\n"));
    assert_eq!((refusal.line, refusal.key.as_str()), (6, "core.fsmonitor"));
    assert_eq!(refusal.reason, "it is run by the shell on each `git status`");
    assert!(refusal.hint.contains("git -c core.fsmonitor=...") && refusal.hint.contains("--edit"));
    let refusal = refused(BASE, &format!("{BASE}[my-tool]\n\tx = 1\n"));
    assert!(refusal.reason.starts_with("garth does not know this key"), "{refusal}");
    let refusal = refused("[safe]\n\tbareRepository = explicit\n", "");
    assert_eq!((refusal.line, refusal.key.as_str()), (2, "safe.barerepository"));
    assert!(refusal.reason.ends_with("so it may not be removed from inside"), "{refusal}");
    let refusal = refused(BASE, "[core\n");
    assert_eq!((refusal.line, refusal.key.as_str()), (1, ""));
    let refusal = refused("x", "");
    assert!(refusal.reason.starts_with("the present file has"), "{refusal}");
    assert!(refused(BASE, "[core]\n\tbare = \u{1b}[2J\n").to_string().is_ascii());
}

#[test]
fn evasions() {
    for text in [
        "[core]fsmonitor=x",
        "[core] fsmonitor = x",
        "[CoRe]\n\tFsMonitor\t=\tx",
        "\u{feff}[core]\r\nfsmonitor=x\r\n",
        "[user]name=x\n[core]bare=false\n[core]fsmonitor=x",
        "[core]bare=false # \\\nfsmonitor=x",
        "[core]bare=false\nfsmonitor",
        "[user]name=\"#\"\n[core]fsmonitor=\"\"",
        "[user]name=\"\\\"\"\n[core]fsmonitor=x",
        "[user]name=a\\\\\n[core]fsmonitor=x",
        "[user][core]fsmonitor=x",
        "[include \"x\"]path=y",
        "[include]path=y",
        "[includeIf \"gitdir:/\"]path=y",
        "[includeif.x]path=y",
        "[filter.lfs]clean=x",
        "[filter \"a\\\"b\"]smudge=x",
        "[diff \"x.y\"]textconv=z",
        "[diff.x \"y\"]command=z",
        "[pager]log=x",
        "[alias]st=!x",
        "[alias \"x\"]command=!x",
        "[credential \"https://x\"]helper=!x",
        "[url \"x\"]insteadOf=y",
        "[http \"https://x\"]extraHeader=y",
        "[submodule \"x\"]update=!x",
        "[submodule \"x\"]update=\"!\"x",
        "[submodule]recurse",
        "[push]recurseSubmodules=on-demand",
        "[rebase]instructionFormat=%s%nexec x",
        "[core]commentString=exec",
        "[merge]tool=../../x",
        "[pull]twohead=x",
        "[branch \"x\"]mergeOptions=-s x",
        "[remote \"x\"]vcs=x",
        "[remote \"x\"]uploadpack=x",
        "[remote \"x\"]mirror=true",
        "[remote \"x\"]push=:refs/heads/main",
        "[remote \"x\"]tagOpt=--upload-pack=x",
        "[remote \"x\"]fetch=--upload-pack=x",
        "[tar \"x\"]command=x",
        "[trailer \"x\"]cmd=x",
        "[gpg \"ssh\"]program=x",
        "[hook \"x\"]command=y",
        "[format]pretty=%x1b]0;x",
        "[pretty]x=%x9b2J",
        "[commit]template=/etc/shadow",
        "[commit]template=~/.ssh/id",
        "[mailmap]file=../x",
        "[core]bare=maybe",
        "[core]repositoryFormatVersion=2",
        "[extensions]refStorage=other:/x",
        "[extensions]unheard=1",
        "[user]name=\"a\\nb\"",
        "[user]name=\u{1b}]0;x",
        "[user]email=\"a@b$(x)\"",
        "[user]email=`x`",
        "[core]compression=-x",
        "[color]ui=\"\u{9}\\b\"",
    ] {
        assert!(vet("", text).is_err(), "{text:?}");
        assert!(vet_config(None, text.as_bytes(), FRESH).is_err(), "{text:?}");
        assert!(vet_config(None, text.as_bytes(), MODULE).is_err(), "{text:?}");
    }
}

/// Each is the harmless neighbour of one above.
#[test]
fn neighbours_of_evasions() {
    for text in [
        "# [core]fsmonitor=x",
        "[user]name=[core]fsmonitor=x",
        "[user]name=x\\\n[core]fsmonitor=x",
        "[user]name=\"x\\\n[core]fsmonitor=x\"",
        "[core]bare=false # [core]fsmonitor=x",
        "[core]",
        "[include]",
        "[submodule \"x\"]update=none",
        "[submodule]recurse=false",
        "[push]recurseSubmodules=check",
        "[core]commentString=//",
        "[core]commentChar=auto",
        "[remote \"x\"]tagOpt=--no-tags",
        "[remote \"x\"]fetch=+refs/heads/*:refs/remotes/x/*",
        "[format]pretty=%h%x09%s%x00",
        "[commit]template=.gitmessage",
        "[blame]ignoreRevsFile=.git-blame-ignore-revs",
        "[branch \"x\"]description=\"a\\nb\"",
        "[branch \"x\"]merge=refs/heads/x",
        "[color \"diff\"]meta=red",
        "[core]compression=-1",
        "[core]bigFileThreshold=512m",
        "[user]name=J\u{f6}rg",
    ] {
        allowed("", text);
    }
}

#[test]
fn what_the_user_set_stays_as_it_was() {
    let user = "[core]\n\thooksPath = /safe\n\tpager = less\n[alias]\n\tst = status\n[include]\n\tpath = ~/x\n\
                [core]\n\thooksPath = /later\n[filter \"lfs\"]\n\tclean = git-lfs clean\n";
    allowed(user, &format!("{user}[user]\n\tname = x\n"));
    allowed(user, &format!("[user]\n\tname = x\n{user}"));
    for (from, to) in [
        ("/safe", "/other"),
        ("\thooksPath = /later\n", ""),
        ("\thooksPath = /safe\n", ""),
        ("less", "less -x"),
        ("\tst = status\n", ""),
        ("\tst = status\n", "\tst = status\n\tst = status\n"),
        ("st =", "sT2 ="),
        ("~/x", "~/y"),
        ("\"lfs\"", "\"LFS\""),
        ("git-lfs clean", "git-lfs  clean"),
    ] {
        let new = user.replacen(from, to, 1);
        assert_ne!(user, new);
        assert!(vet(user, &new).is_err(), "{from} -> {to}");
    }
}

#[test]
fn the_order_of_what_is_not_harmless_counts() {
    let old = "[core]\n\thooksPath = /safe\n[include]\n\tpath = x\n";
    let refusal = refused(old, "[include]\n\tpath = x\n[core]\n\thooksPath = /safe\n");
    assert!(refusal.reason.contains("the order decides"), "{refusal}");
    refused("[core]\n\thooksPath=a\n\thooksPath=b\n", "[core]\n\thooksPath=b\n\thooksPath=a\n");
}

/// `!evil` was hidden behind a later value; neither order nor removal may bring it out.
#[test]
fn a_bad_value_of_a_harmless_key_stays_or_goes() {
    let old = "[submodule \"x\"]\n\tupdate = !x\n\tupdate = none\n";
    allowed(old, old);
    refused(old, "[submodule \"x\"]\n\tupdate = none\n\tupdate = !x\n");
    refused(old, "[submodule \"x\"]\n\tupdate = !x\n");
    allowed(old, "[submodule \"x\"]\n\tupdate = none\n");
    allowed(old, "");
    let password = "[remote \"o\"]\n\turl = https://u:p@example.com/a\n";
    allowed(password, &format!("{password}\tfetch = +refs/heads/*:refs/remotes/o/*\n"));
    allowed(password, "[remote \"o\"]\n\turl = https://example.com/a\n");
    refused(password, "[remote \"o\"]\n\turl = https://u:q@example.com/a\n");
}

#[test]
fn a_branch_follows_a_remote_of_the_file() {
    allowed(BASE, &format!("{BASE}[branch \"main\"]\n\tremote = origin\n\tmerge = refs/heads/main\n"));
    allowed(BASE, &format!("{BASE}[branch \"main\"]\n\tremote = .\n"));
    allowed(BASE, &format!("{BASE}[branch \"pr\"]\n\tpushRemote = https://example.com/fork\n"));
    allowed(BASE, &format!("{BASE}[remote]\n\tpushDefault = origin\n"));
    for name in ["evil", "./evil", "/srv/x", "Origin", "ext::x", "-x", "https://a:b@c/d"] {
        refused(BASE, &format!("{BASE}[branch \"main\"]\n\tremote = {name}\n"));
        refused(BASE, &format!("{BASE}[branch \"main\"]\n\tpushRemote = {name}\n"));
        refused(BASE, &format!("{BASE}[remote]\n\tpushDefault = {name}\n"));
    }
}

#[test]
fn a_remote_that_is_followed_keeps_its_address() {
    let old = format!("{BASE}[branch \"main\"]\n\tremote = origin\n");
    let refusal = refused(&old, "[core]\n\tbare = false\n[branch \"main\"]\n\tremote = origin\n");
    assert_eq!(refusal.key, "branch.main.remote");
    assert!(refusal.hint.contains("git remote remove origin"));
    let change = allowed(&old, &old.replace("remote \"origin\"", "remote \"up\""));
    assert!(change.notices.iter().any(|notice| notice.contains("has no address")), "{change:?}");
}

#[test]
fn a_work_tree_lies_in_the_workspace() {
    let vet = |place: Where<'_>, value: &str| {
        vet_config(None, format!("[core]\n\tworktree = \"{value}\"\n").as_bytes(), place)
            .map(|change| change.worktree)
    };
    assert_eq!(vet(MODULE, "../../../lib").unwrap().as_deref(), Some(b"/ws/app/lib".as_slice()));
    assert_eq!(vet(MODULE, "../../../a/b").unwrap().as_deref(), Some(b"/ws/app/a/b".as_slice()));
    assert_eq!(vet(MODULE, "/ws/app/lib").unwrap().as_deref(), Some(b"/ws/app/lib".as_slice()));
    for value in [
        "",
        ".",
        "../../..",
        "../../../..",
        "../../../../x",
        "../../../../../home/u",
        "/home/u",
        "/",
        "~",
        "lib",
        "../../../.git",
        "../../../.git/hooks",
        "../../../.vscode",
        "../../../a/.claude",
        "../../../GIT~1",
        "../../../lib/../../x",
        "../../../../app2/x",
        "/ws/app",
        "/ws/app2/x",
    ] {
        assert!(vet(MODULE, value).is_err(), "{value}");
    }
    for value in ["../../../lib", "/ws/app/lib", "..", "../lib", "."] {
        assert!(vet(OLD, value).is_err() && vet(FRESH, value).is_err(), "{value}");
        assert!(vet(Where { owner: Owner::Worktree, ..MODULE }, value).is_err(), "{value}");
    }
    // Without the key the work tree is where the pointer is.
    allowed("[core]\n\tworktree = ../x\n", "");
}

#[test]
fn owners_by_the_place_of_the_git_directory() {
    for (path, owner) in [
        ("/ws/.git", Owner::Repository),
        ("/ws/a.git", Owner::Repository),
        ("/ws/modules/x/.git", Owner::Repository),
        ("/ws/modules/x", Owner::Repository),
        ("/ws/.git/worktrees/a", Owner::Worktree),
        ("/ws/.git/modules/a", Owner::Module),
        ("/ws/.git/modules/a/b", Owner::Module),
        ("/ws/.git/modules/a/modules/b", Owner::Module),
        ("/ws/.git/worktrees/a/modules/b", Owner::Module),
        ("/ws/.git/modules", Owner::Repository),
        ("/ws/.git/hooks/modules/x", Owner::Repository),
        ("/ws/.git/modules/x/.git", Owner::Repository),
    ] {
        assert_eq!(Owner::of(path.as_bytes()), owner, "{path}");
    }
}

#[test]
fn the_cost_does_not_grow_with_the_square_of_the_file() {
    let mut text = String::from("[remote \"o\"]\n\turl = https://example.com/a\n");
    let mut count = 0;
    while text.len() < 1_000_000 {
        text.push_str(&format!("[branch \"b{count}\"]\n\tremote = o\n"));
        count += 1;
    }
    let begin = std::time::Instant::now();
    let change = vet_config(Some(b""), text.as_bytes(), OLD).unwrap();
    assert_eq!(change.added.len(), count + 1);
    // A quadratic comparison of these entries takes minutes in a debug build.
    assert!(begin.elapsed().as_secs() < 30, "{:?}", begin.elapsed());
}
