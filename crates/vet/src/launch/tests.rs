use super::{flatten, follow};
use crate::command::{Command, Part, Shell, Word};
use crate::parse::parse;

fn shown(word: &Word) -> String {
    let part = |part: &Part| match part {
        Part::Text(text) | Part::Pattern(text) => text.clone(),
        Part::Home(_) => "~".to_owned(),
        Part::Unknown { splits: true, .. } => "?+".to_owned(),
        Part::Unknown { .. } => "?".to_owned(),
    };
    word.parts.iter().map(part).collect()
}

fn line(command: &Command) -> String {
    command.words.iter().map(shown).collect::<Vec<_>>().join(" ")
}

/// What the last of all commands is, and through what it is reached.
fn last(text: &str) -> (String, String) {
    let script = follow(&parse(Shell::Bash, text)).script;
    let last = script.commands.last().unwrap();
    (line(last), last.via.join(" > "))
}

/// Every launcher with `git push` behind it, and what it is called.
const LAUNCHERS: &[(&str, &str)] = &[
    ("bash -c 'git push'", "bash -c"),
    ("bash -lc 'git push'", "bash -c"),
    ("sh -o errexit -c 'git push' x", "sh -c"),
    ("bash +x -ec 'git push'", "bash -c"),
    ("/usr/bin/env -i A=b git push", "env"),
    ("env -S 'git push'", "env -S"),
    ("env -u A -C /tmp --chdir=x git push", "env -C"),
    ("sudo -u root -- git push", "sudo"),
    ("sudo -iu root git push", "sudo -D"),
    ("nice -n 5 git push", "nice"),
    ("nice -5 git push", "nice"),
    ("nohup git push", "nohup"),
    ("timeout -k 5 10 git push", "timeout"),
    ("timeout --signal=KILL 10 git push", "timeout"),
    ("watch -n1 git push", "watch"),
    ("flock /tmp/l git push", "flock"),
    ("flock /tmp/l -c 'git push'", "flock -c"),
    ("script -qc 'git push' /dev/null", "script"),
    ("strace -f -o x git push", "strace"),
    ("ssh -p 22 host git push", "ssh"),
    ("ssh host -p 22 'git push'", "ssh"),
    ("ssh -o ProxyCommand='git push' host", "ssh -o"),
    ("docker run --rm -v a:b image git push", "docker run"),
    ("docker --context y exec -it box sh -c 'git push'", "docker exec > sh -c"),
    ("docker run --entrypoint git image push", "docker run"),
    ("kubectl -n x exec pod -- git push", "kubectl exec"),
    ("npx -y git push", "npx"),
    ("npm exec --call 'git push'", "npm exec -c"),
    ("uv run git push", "uv run"),
    ("poetry run git push", "poetry run"),
    ("git -c alias.x='!git push' x", "git alias x"),
    ("git -c alias.x=push x", "git alias x"),
    ("git -c core.pager='git push' log", "git -c core.pager"),
    ("git bisect run git push", "git bisect run"),
    ("git rebase -x 'git push' main", "git rebase -x"),
    ("git submodule foreach --recursive git push", "git submodule foreach"),
    ("git fetch ext::'git push'", "git ext::"),
    ("tar xf a --to-command='git push'", "tar --to-command"),
    ("tar -xf a --to-com 'git push'", "tar --to-command"),
    ("tar cf a b --checkpoint=1 --checkpoint-action=exec='git push'", "tar --checkpoint-action"),
    ("tar xfI a 'git push'", "tar -I"),
    ("rsync -e 'git push' a b", "rsync -e"),
    ("sort --compress-prog='git push' a", "sort --compress-program"),
    ("rg --pre='git push' x", "rg --pre"),
    ("man -P 'git push' ls", "man -P"),
    ("vim -c ':!git push' x", "vim -c"),
    ("less '+!git push' x", "less +!"),
    ("sed '1e git push' x", "sed e"),
    ("sqlite3 a '.shell git push'", "sqlite3 .shell"),
    ("eval git push", "eval"),
    ("eval 'git' 'push'", "eval"),
    ("command -p git push", "command"),
    ("builtin command git push", "builtin > command"),
    ("exec -a x git push", "exec"),
    ("trap 'git push' EXIT", "trap"),
    ("bash <<< 'git push'", "bash <"),
    ("bash -s <<E\ngit push\nE", "bash <"),
    ("echo git push | sh", "sh <"),
    ("printf 'git push\\n' | bash", "bash <"),
    ("PAGER='git push' man ls", "PAGER"),
    ("export GIT_SSH_COMMAND='git push'", "GIT_SSH_COMMAND"),
    ("su - user -c 'git push'", "su -c"),
    ("runuser -u x -- git push", "runuser"),
    ("busybox sh -c 'git push'", "busybox > sh -c"),
    ("/lib64/ld-linux-x86-64.so.2 git push", "ld.so"),
    ("ip netns exec x git push", "ip netns exec"),
    ("gdb -q --args git push", "gdb --args"),
    ("find . -exec git push ';'", "find -exec"),
    ("start /b git push", "start"),
    ("nix-shell -p git --run 'git push'", "nix-shell --run"),
    ("concurrently 'git push'", "concurrently"),
    ("make SHELL='git push'", "make SHELL="),
    ("split --filter='git push' x", "split --filter"),
    ("at now <<< 'git push'", "at"),
    ("systemd-run --user git push", "systemd-run"),
    ("setarch x86_64 git push", "setarch"),
    ("chroot /x git push", "chroot"),
    ("taskset -c 1 git push", "taskset"),
    ("chrt -f 5 git push", "chrt"),
    ("perf stat -- git push", "perf"),
    ("hyperfine 'git push'", "hyperfine"),
    ("BASH.EXE -c 'git push'", "bash -c"),
    ("nohup timeout 5 env bash -c 'git push'", "nohup > timeout > env > bash -c"),
];

#[test]
fn launchers_hand_on_what_they_run() {
    let mut wrong = Vec::new();
    for (text, via) in LAUNCHERS {
        let (line, found) = last(text);
        if line != "git push" || found != *via {
            wrong.push(format!("{text}: {line} via {found}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn words_that_come_later_are_unknown() {
    let table = [
        ("cat x | xargs -n1 git", "git ?+"),
        ("xargs -I{} git {}", "git ?"),
        ("xargs -I % sh -c 'git %'", "git ?+"),
        ("find . -exec git {} +", "git ?"),
        ("fd -x git", "git ?"),
        ("fd -H -x git", "git ?+"),
        ("parallel git ::: push pull", "git ?+"),
        ("parallel -j2 git", "git ?+"),
    ];
    for (text, expected) in table {
        assert_eq!(last(text).0, expected, "{text}");
    }
}

#[test]
fn what_the_words_do_not_show_is_said() {
    let table = [
        "bash -c \"$x\"",
        "curl x | sh",
        "(echo a; echo b) | sh",
        "bash \"$x\"",
        "python -c 'import os; os.system(\"ls\")'",
        "python3 -c '__import__(\"o\"+\"s\")'",
        "python - <<E\nimport subprocess\nE",
        "node -e 'require(\"child_process\").execSync(\"ls\")'",
        "perl -e 'system(\"ls\")'",
        "ruby -e '`ls`'",
        "php -r 'system(\"ls\");'",
        "awk 'BEGIN{system(\"ls\")}'",
        "awk '{print | \"sh\"}' x",
        "sed 's/a/b/e' x",
        "LD_PRELOAD=./x.so ls",
        "BASH_ENV=x bash -c ls",
        "NODE_OPTIONS='--require ./x' node a.js",
        "env PYTHONSTARTUP=x python a.py",
        "PATH=.:$PATH ls",
        "PATH=$PATH: ls",
        "make -f - <<E\nall:\nE",
        "make --eval='x:=$(shell ls)'",
        "git -c core.hooksPath=x commit",
        "git -c core.fsmonitor=./x status",
        "git --exec-path=/tmp/x status",
        "vim -S x",
        "enable -f ./x.so x",
        "hash -p /tmp/x ls",
        "gdb -ex 'shell ls'",
        "emacs --eval '(shell-command \"ls\")'",
        "crontab x",
        "rundll32 x.dll,y",
        "mshta x",
        "fish -c ls",
        "go test -exec ./x ./...",
    ];
    for text in table {
        let script = parse(Shell::Bash, text);
        assert!(script.problems.is_empty(), "{text}: {:?}", script.problems);
        assert!(!flatten(&script).problems.is_empty(), "{text}");
    }
}

#[test]
fn everyday_commands_hide_nothing() {
    let table = [
        "python -c 'import json,sys; print(json.load(sys.stdin)[\"x\"])'",
        "python3 -c \"print(1+1)\"",
        "node -e 'console.log(1)'",
        "node -p process.version",
        "perl -pe 's/a/b/' x",
        "perl -ne 'print if /x/' y",
        "awk '{print $1}' x",
        "awk -F: '$3 > 5 || /a|b/ {print}' x",
        "sed -n '1,5p' x",
        "sed -i 's/a/b/g; s|c|d|' x",
        "sed -E -e 's/(a|b)/c/' -e '/x/d' y",
        "NODE_OPTIONS=--max-old-space-size=4096 npm run build",
        "GIT_PAGER=cat git log",
        "git -c core.pager=cat log",
        "PATH=/opt/bin:$PATH ls",
        "PAGER= man ls",
        "make -j8 test",
        "cargo test --workspace",
        "npm test",
        "pytest -q",
        "python script.py",
        "./run.sh",
        "find . -name '*.rs' -print",
        "tar xzf a.tgz -C out",
        "tar -czf a.tgz b",
        "rsync -a a b",
        "env",
        "command -v git",
        "docker ps",
        "vim +10 x",
        "gdb -batch -p 5",
        "trap - EXIT",
        "MAKEFLAGS=-j4 make",
    ];
    for text in table {
        let script = parse(Shell::Bash, text);
        assert!(script.problems.is_empty(), "{text}: {:?}", script.problems);
        let problems = flatten(&script).problems;
        assert!(problems.is_empty(), "{text}: {problems:?}");
    }
}

#[test]
fn depth_and_number_are_limited() {
    let deep = format!("{}git push", "env ".repeat(200));
    assert!(!flatten(&parse(Shell::Bash, &deep)).problems.is_empty());
    let mut text = "git push".to_owned();
    for _ in 0..6 {
        text = format!("bash -c '{}'", text.replace('\'', "'\\''"));
    }
    assert_eq!(last(&text).0, "git push");
    let wide = "bash -c 'a; b; c'; ".repeat(5000);
    assert_eq!(follow(&parse(Shell::Bash, &wide)).script.commands.len(), 20_000);
}

#[test]
fn pipes_keep_their_places() {
    let script = follow(&parse(Shell::Bash, "bash -c 'a; b' | c | d")).script;
    let inputs: Vec<String> = script.commands.iter().map(|command| format!("{:?}", command.input)).collect();
    assert_eq!(script.commands.iter().map(line).collect::<Vec<_>>(), ["bash -c a; b", "a", "b", "c", "d"]);
    assert_eq!(inputs.get(3).map(String::as_str), Some("Pipe(0)"));
    assert_eq!(inputs.get(4).map(String::as_str), Some("Pipe(3)"));
}
