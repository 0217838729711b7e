use super::{Judged, Place, judge};
use crate::files::FileOp::{self, Create, Delete, Link, MoveFrom, MoveTo, Write};
use crate::files::NodeKind::{Directory, File, Other, Symlink};
use crate::files::{Verdict, Vet};
use crate::path::Flavor;

const A: Verdict = Verdict::Allow;
const D: Verdict = Verdict::Deny;
const V: Verdict = Verdict::Vet(Vet::GitConfig);

fn judged(path: &str, op: FileOp) -> Option<Judged> {
    let names: Vec<&[u8]> = path.split('/').map(str::as_bytes).collect();
    judge(&Place { names: &names, root_depth: 1, git_dir_depth: None, flavor: Flavor::Posix }, op)
}

fn verdict(path: &str, op: FileOp) -> Verdict {
    judged(path, op).map_or(A, |judged| judged.verdict)
}

/// Operations of the table below, in the order of its columns.
const OPS: [FileOp; 12] = [
    Write,
    Delete,
    MoveFrom,
    Link,
    Create(File),
    Create(Directory),
    Create(Symlink),
    Create(Other),
    MoveTo(File),
    MoveTo(Directory),
    MoveTo(Symlink),
    MoveTo(Other),
];

#[test]
fn table() {
    let rows: &[(&str, [Verdict; 12])] = &[
        // path                          write del from link  file dir sym oth  file dir sym oth
        ("ws/.git", [D, D, D, D, D, A, D, D, D, D, D, D]),
        ("ws/sub/.git", [A, A, D, D, A, A, D, D, D, D, D, D]),
        ("ws/.git/HEAD", [A; 12]),
        ("ws/.git/index.lock", [A; 12]),
        ("ws/.git/objects/ab/cdef", [A; 12]),
        ("ws/.git/refs/heads/config", [A; 12]),
        ("ws/.git/refs/heads/hooks/x", [A; 12]),
        ("ws/.git/logs/HEAD", [A; 12]),
        ("ws/.git/packed-refs", [A; 12]),
        ("ws/.git/config.lock", [A; 12]),
        ("ws/.git/config", [D, D, D, D, V, D, D, D, V, D, D, D]),
        ("ws/.git/config.worktree", [D, D, D, D, V, D, D, D, V, D, D, D]),
        ("ws/a/b/.git/config", [D, D, D, D, V, D, D, D, V, D, D, D]),
        ("ws/.git/hooks", [D, D, D, D, D, A, D, D, D, D, D, D]),
        ("ws/.git/hooks/pre-commit", [D; 12]),
        ("ws/.git/hooks/pre-commit.sample", [A; 12]),
        ("ws/.git/hooks/.sample", [D; 12]),
        ("ws/.git/hooks/d/x.sample", [D; 12]),
        ("ws/.git/info", [A, A, D, D, D, A, D, D, D, D, D, D]),
        ("ws/.git/info/attributes", [D; 12]),
        ("ws/.git/info/exclude", [A; 12]),
        ("ws/.git/commondir", [D; 12]),
        ("ws/.git/worktrees", [A, A, D, D, D, A, D, D, D, D, D, D]),
        ("ws/.git/worktrees/w", [A, A, D, D, D, A, D, D, D, D, D, D]),
        ("ws/.git/worktrees/w/HEAD", [A; 12]),
        ("ws/.git/worktrees/w/gitdir", [D, D, D, D, A, A, D, D, D, D, D, D]),
        ("ws/.git/worktrees/w/commondir", [D, D, D, D, A, A, D, D, D, D, D, D]),
        ("ws/.git/worktrees/w/config.worktree", [D, D, D, D, V, A, D, D, V, D, D, D]),
        ("ws/.git/worktrees/w/hooks/pre-commit", [D; 12]),
        ("ws/.git/modules", [A, A, D, D, D, A, D, D, D, D, D, D]),
        ("ws/.git/modules/m", [A, A, A, A, A, A, D, D, A, D, D, D]),
        ("ws/.git/modules/m/HEAD", [A, A, A, A, A, A, D, D, A, D, D, D]),
        ("ws/.git/modules/m/config", [D, D, D, D, V, A, D, D, V, D, D, D]),
        ("ws/.git/modules/libs/m/config", [D, D, D, D, V, A, D, D, V, D, D, D]),
        ("ws/.git/modules/m/modules/n/config", [D, D, D, D, V, A, D, D, V, D, D, D]),
        ("ws/.git/modules/m/hooks/post-checkout", [D; 12]),
        ("ws/.git/modules/m/hooks/x.sample", [A, A, A, A, A, A, D, D, A, D, D, D]),
        ("ws/.git/modules/m/refs/heads/config", [A; 12]),
        ("ws/.git/modules/m/objects/ab/cd", [A; 12]),
        ("ws/.git/modules/m/info/attributes", [D; 12]),
        ("ws/.git/modules/m/worktrees/w/gitdir", [D, D, D, D, A, A, D, D, D, D, D, D]),
        ("ws/src/hooks/pre-commit", [A; 12]),
        ("ws/.gitignore", [A; 12]),
        ("ws/.gitattributes", [A; 12]),
        ("ws/.gitmodules", [A; 12]),
        ("ws/git", [A; 12]),
    ];
    for (path, expected) in rows {
        for (op, expected) in OPS.iter().zip(expected) {
            assert_eq!(verdict(path, *op), *expected, "{path} {op:?}");
        }
    }
}

#[test]
fn a_configuration_that_is_being_installed_is_nobodys() {
    for name in ["config.garth-0123456789abcdef", "config.garth-", "CONFIG.Garth-1", "config.g\u{200c}arth-1"]
    {
        for place in ["ws/.git", "ws/a/.git", "ws/.git/modules/m", "ws/.git/worktrees/w"] {
            for op in OPS {
                assert_eq!(verdict(&format!("{place}/{name}"), op), D, "{place}/{name} {op:?}");
            }
        }
    }
    for path in ["ws/config.garth-1", "ws/.git/config.garth", "ws/.git/refs/heads/config.garth-1"] {
        for op in OPS {
            assert_eq!(verdict(path, op), A, "{path} {op:?}");
        }
    }
}

#[test]
fn other_spellings_of_git() {
    for name in [
        ".GIT",
        ".Git",
        ".g\u{200c}it",
        "git~1",
        "GIT~1",
        ".git.",
        ".git ",
        ".git::$INDEX_ALLOCATION",
        ".g\u{131}t",
    ] {
        for op in [Create(Directory), Create(File), MoveTo(File), MoveTo(Directory)] {
            assert_eq!(verdict(&format!("ws/sub/{name}"), op), D, "{name} {op:?}");
        }
    }
    assert_eq!(verdict("ws/.GIT/hooks/pre-commit", Write), D);
    assert_eq!(verdict("ws/.git/HOOKS", Create(Directory)), D);
    assert_eq!(verdict("ws/.git/Config", Create(File)), D);
    assert_eq!(verdict("ws/.git/refs/heads/Config", Create(File)), A);
}

#[test]
fn git_directory_known_by_its_path() {
    let names: Vec<&[u8]> = vec![b"home", b"ann", b"main.git", b"config"];
    let at = |names: &[&[u8]], op| {
        judge(&Place { names, root_depth: 0, git_dir_depth: Some(3), flavor: Flavor::Posix }, op)
            .map_or(A, |judged| judged.verdict)
    };
    assert_eq!(at(&names, Write), D);
    assert_eq!(at(&names, MoveTo(File)), V);
    assert_eq!(at(&names[..3], MoveFrom), D);
    assert_eq!(at(&[b"home", b"ann", b"main.git", b"HEAD"], Write), A);
}

#[test]
fn entry_depth_is_that_of_the_git_directory() {
    assert_eq!(judged("ws/a/.git/config", Write).unwrap().entry_depth, 3);
}

#[test]
fn long_nested_names_are_quick() {
    let path = format!("ws/.git/{}config", "modules/x/worktrees/y/".repeat(60));
    let started = std::time::Instant::now();
    assert_eq!(verdict(&path, Write), D);
    assert!(started.elapsed().as_secs() < 10);
}
