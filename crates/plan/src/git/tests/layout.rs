use crate::git::layout::inside;
use crate::git::{BackPointers, GitDirs, Link, LinkRefusal, link, pointer_target};

const HEAD: &[u8] = b"ref: refs/heads/wt\n";

fn back(git_dir: &[u8]) -> BackPointers<'_> {
    BackPointers {
        git_dir,
        head: Some(HEAD),
        gitdir: None,
        commondir: None,
        config: None,
        config_worktree: None,
    }
}

fn worktree<'a>(gitdir: &'a [u8], commondir: &'a [u8]) -> BackPointers<'a> {
    BackPointers { gitdir: Some(gitdir), commondir: Some(commondir), ..back(b"/m/.git/worktrees/wt") }
}

fn linked(back: &BackPointers<'_>) -> Result<GitDirs, LinkRefusal> {
    link(b"/ws/wt", b"gitdir: /m/.git/worktrees/wt\n", back)
}

#[test]
fn a_linked_worktree_points_back() {
    for gitdir in ["/ws/wt/.git\n", "/ws/wt/.git", "../../../../ws/wt/.git\n", "/ws//x/../wt/.git\r\n"] {
        let dirs = linked(&worktree(gitdir.as_bytes(), b"../..\n")).unwrap();
        assert_eq!(
            (dirs.git_dir.as_slice(), dirs.common_dir.as_slice()),
            (&b"/m/.git/worktrees/wt"[..], &b"/m/.git"[..])
        );
        assert_eq!(dirs.kind, Link::Worktree);
    }
    linked(&worktree(b"/ws/wt/.git\n", b"/m/.git\n")).unwrap();
}

#[test]
fn a_planted_pointer_does_not_count() {
    for (gitdir, commondir) in [
        ("/home/u/other/.git\n", "../..\n"),
        ("/ws/wt\n", "../..\n"),
        ("/ws/wt/.git/\u{1}\n", "../..\n"),
        ("/ws/wt/.git\n/x", "../..\n"),
        ("", "../..\n"),
        ("/ws/wt/.git\n", ""),
        ("/ws/wt/.git\n", "..\n"),
        ("/ws/wt/.git\n", "/elsewhere/.git\n"),
        ("/ws/wt/.git\n", "../../..\n"),
    ] {
        let refusal = linked(&worktree(gitdir.as_bytes(), commondir.as_bytes())).unwrap_err();
        assert!(!refusal.reason.is_empty() && !refusal.hint.is_empty());
    }
    let whole = worktree(b"/ws/wt/.git\n", b"../..\n");
    assert!(linked(&BackPointers { commondir: None, ..whole }).is_err());
    assert!(linked(&BackPointers { gitdir: None, ..whole }).is_err());
    assert!(linked(&BackPointers { head: None, ..whole }).is_err());
    assert!(linked(&BackPointers { head: Some(b"hello\n"), ..whole }).is_err());
    assert!(linked(&BackPointers { head: Some(b"ref: /etc/passwd\n"), ..whole }).is_err());
    assert!(linked(&BackPointers { head: Some(&[b'a'; 40]), ..whole }).is_ok());
}

#[test]
fn a_pointer_is_one_line_of_text() {
    let target = |text: &[u8]| pointer_target(b"/ws/wt", text);
    assert_eq!(target(b"gitdir: ../m/.git/modules/x\n").unwrap(), b"/ws/m/.git/modules/x");
    assert_eq!(target(b"gitdir: /m/.git").unwrap(), b"/m/.git");
    assert_eq!(target(b"gitdir: /m/a b\xff\r\n").unwrap(), b"/m/a b\xff");
    for text in [
        &b""[..],
        b"gitdir:",
        b"gitdir: ",
        b"gitdir: \n",
        b"gitdir:/x",
        b"GITDIR: /x",
        b" gitdir: /x",
        b"/x",
        b"gitdir: /x\ny",
        b"gitdir: /x\0",
        b"gitdir: /x\x1b",
    ] {
        assert!(target(text).is_err(), "{:?}", text.escape_ascii().to_string());
    }
    let long = [b"gitdir: /".as_slice(), &[b'a'; 9000]].concat();
    assert!(target(&long).is_err());
}

#[test]
fn a_submodule_names_its_work_tree() {
    let module = |config: &'static [u8]| {
        let back = BackPointers { config: Some(config), ..back(b"/ws/app/.git/modules/lib") };
        link(b"/ws/app/lib", b"gitdir: ../.git/modules/lib\n", &back)
    };
    let dirs = module(b"[core]\n\tworktree = ../../../lib\n").unwrap();
    assert_eq!((dirs.kind, dirs.git_dir.clone()), (Link::Submodule, dirs.common_dir));
    assert_eq!(dirs.git_dir, b"/ws/app/.git/modules/lib");
    module(b"[core]\n\tworktree = /ws/app/lib\n").unwrap();
    for config in [
        &b""[..],
        b"[core]\n\tbare = true\n",
        b"[core]\n\tworktree = ../../../other\n",
        b"[core]\n\tworktree = ../../../lib\n\tworktree = ..\n",
        b"[core \"x\"]\n\tworktree = ../../../lib\n",
        b"[core]\n\tworktree = ../../../lib\n[\n",
    ] {
        assert!(module(config).is_err(), "{:?}", config.escape_ascii().to_string());
    }
    let moved = BackPointers {
        config: Some(b"[extensions]\n\tworktreeConfig = true\n"),
        config_worktree: Some(b"[core]\n\tworktree = ../../../lib\n"),
        ..back(b"/ws/app/.git/modules/lib")
    };
    link(b"/ws/app/lib", b"gitdir: ../.git/modules/lib\n", &moved).unwrap();
}

#[test]
fn inside_is_lexical() {
    assert!(inside(b"/ws", b"/ws/.git") && inside(b"/ws/", b"/ws"));
    assert!(!inside(b"/ws", b"/ws2/.git") && !inside(b"/ws", b"/ws/../x"));
}
