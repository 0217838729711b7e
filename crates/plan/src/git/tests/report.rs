use crate::git::{describe_repository, effective, rebase_todo_runs, runs_on_host};

#[test]
fn the_effective_value_is_the_last() {
    let text =
        b"[core]\n\thooksPath = a\n\tbare\n[CORE]\n\thookspath = \"b c\"\n[remote \"Or.igin\"]\n\turl = x\n";
    assert_eq!(effective(text, "core.hooksPath").unwrap().as_deref(), Some(b"b c".as_slice()));
    assert_eq!(effective(text, "core.bare").unwrap().as_deref(), Some(b"true".as_slice()));
    assert_eq!(effective(text, "Remote.Or.igin.URL").unwrap().as_deref(), Some(b"x".as_slice()));
    assert_eq!(effective(text, "remote.or.igin.url").unwrap(), None);
    assert_eq!(effective(text, "core.editor").unwrap(), None);
    assert_eq!(effective(text, "core").unwrap(), None);
    assert_eq!(effective(b"[core]\n?\n", "core.bare").unwrap_err().line, 2);
}

#[test]
fn what_runs_on_the_host_is_listed() {
    let text = b"[core]\n\tbare = false\n\tfsmonitor = ./x\n\tworktree = ..\n[include]\n\tpath = ../y\n\
        [submodule \"a\"]\n\tupdate = none\n\tupdate = !z\n\turl = ext::q\n[http]\n\tproxy = p\n[alias]\n\tst = status\n\
        [remote \"o\"]\n\turl = /srv/x\n\turl = https://u:p@h/a\n";
    let runs = runs_on_host(text).unwrap();
    let keys: Vec<_> =
        runs.iter().map(|run| (String::from_utf8_lossy(&run.key).into_owned(), run.line)).collect();
    let expected = [
        ("core.fsmonitor", 3),
        ("core.worktree", 4),
        ("include.path", 6),
        ("submodule.a.update", 9),
        ("submodule.a.url", 10),
        ("alias.st", 14),
    ];
    assert_eq!(keys, expected.map(|(key, line)| (key.to_owned(), line)));
    assert_eq!(runs[0].value, b"./x");
    assert_eq!(runs_on_host(b"[a").unwrap_err().line, 1);
}

#[test]
fn a_repository_is_described_in_sentences() {
    let hooks: &[&[u8]] = &[b"pre-commit", b"pre-push.sample", b"README", b"Post-Merge.EXE"];
    let sentences = describe_repository(b"[core]\n\tfsmonitor = \"./x\\b\"\n", hooks);
    assert_eq!(
        sentences,
        [
            "`core.fsmonitor` is `./x\\u{8}` (line 2): it is run by the shell on each `git status`.",
            "Its hook `post-merge` runs on each merge or pull.",
            "Its hook `pre-commit` runs on each commit.",
        ]
    );
    assert!(describe_repository(b"[core]\n\tbare = false\n", &[]).is_empty());
    assert!(describe_repository(b"\0", &[])[0].contains("may run anything"));
}

#[test]
fn a_rebase_lists_its_commands() {
    let todo = b"pick 1234 exec not\nexec make test\r\n  x  echo 1\n# exec no\nexecute\nx\tls\nx\npick 1 x y\nexec ls";
    let expected: Vec<(u32, Vec<u8>)> = [(2, "make test"), (3, "echo 1"), (6, "ls"), (9, "ls")]
        .map(|(line, command)| (line, command.as_bytes().to_vec()))
        .into();
    assert_eq!(rebase_todo_runs(todo), expected);
    assert!(rebase_todo_runs(b"").is_empty());
}
