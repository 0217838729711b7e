//! Properties of the verdict that hold for every text.

use crate::clock::processor_time;
use crate::place::surroundings;
use garth_policy::{CommandDecision, CommandRule, Commands, Layer, Origin, Policy, Profile};
use garth_vet::Shell;
use garth_vet::judge::{Surroundings, judge, judge_argv};
use proptest::prelude::*;
use std::hint::black_box;
use std::time::Duration;

/// `git push` and `curl` are denied, `npm publish` is asked for, `ls` is allowed.
pub fn policy() -> Policy {
    policy_in(&surroundings())
}

/// The same, in another place.
pub fn policy_in(place: &Surroundings) -> Policy {
    let rule = |prefix: &str, decision| CommandRule {
        prefix: prefix.split(' ').map(|word| vec![word.to_owned()]).collect(),
        decision,
        reason: "tested".into(),
        agents: Vec::new(),
        matches: Vec::new(),
        not_matches: Vec::new(),
        origin: Origin::unplaced(Layer::User, "policy.toml"),
    };
    let mut policy = Policy::builtin(Profile::Workspace, &place.context);
    policy.commands = Commands {
        rules: vec![
            rule("git push", CommandDecision::Deny),
            rule("curl", CommandDecision::Deny),
            rule("npm publish", CommandDecision::Ask),
            rule("ls", CommandDecision::Allow),
        ],
    };
    policy
}

fn decided(text: &str) -> CommandDecision {
    judge(&policy(), &surroundings(), Shell::Bash, text).decision
}

/// Launchers with `{}` where a whole command stands, and `{q}` where it stands as one quoted word.
const WRAPPERS: &[&str] = &[
    "bash -c {q}",
    "sh -ec {q}",
    "bash -lc {q}",
    "zsh -c {q}",
    "env {}",
    "env -i A=b {}",
    "env -S {q}",
    "sudo {}",
    "sudo -u x {}",
    "doas {}",
    "su -c {q}",
    "nohup {}",
    "setsid {}",
    "nice -n 3 {}",
    "ionice -c 2 {}",
    "chrt 5 {}",
    "taskset 1 {}",
    "stdbuf -oL {}",
    "timeout 5 {}",
    "timeout -s KILL 5 {}",
    "time {}",
    "watch {q}",
    "flock /tmp/x {}",
    "flock /tmp/x -c {q}",
    "script -c {q} /dev/null",
    "strace -f {}",
    "ltrace {}",
    "valgrind {}",
    "perf stat {}",
    "ssh host {q}",
    "docker run image {}",
    "docker exec -it x {}",
    "podman run --rm image {}",
    "kubectl exec x -- {}",
    "npx {}",
    "uv run {}",
    "poetry run {}",
    "bundle exec {}",
    "pnpm dlx {}",
    "xargs {}",
    "find . -exec {} ';'",
    "parallel {q}",
    "git bisect run {}",
    "git rebase -x {q} main",
    "git submodule foreach {q}",
    "git -c core.pager={q} log",
    "git -c alias.x='!'{q} x",
    "tar xf a --to-command={q}",
    "rsync -e {q} a b",
    "eval {q}",
    "command {}",
    "exec {}",
    "trap {q} EXIT",
    "coproc {}",
    "busybox sh -c {q}",
    "systemd-run {}",
    "chroot / {}",
    "unshare -r {}",
    "nsenter -t 1 -m {}",
    "ip netns exec x {}",
    "at now <<< {q}",
    "bash <<< {q}",
    "bash -s <<< {q}",
    "PAGER={q} man ls",
    "GIT_SSH_COMMAND={q} git fetch",
    "vim -c '!'{q} x",
    "man -P {q} ls",
    "echo $({})",
    "echo `{}`",
    "cat <({})",
    "{ {}; }",
    "( {} )",
    "if {}; then :; fi",
    "f() { {}; }; f",
    "true && {}",
    "false || {}",
    "ls | {}",
    "{} &",
    "! {}",
    "while {}; do :; done",
    "case x in x) {};; esac",
    "[[ -n $({}) ]]",
    "x=$({})",
    "hyperfine {q}",
    "entr {}",
    "nix-shell --run {q}",
    "runuser -u x -- {}",
    "pkexec {}",
    "gdb --args {}",
    "setarch x86_64 {}",
    "/lib64/ld-linux-x86-64.so.2 {}",
    "sort --compress-program={q} x",
    "split --filter={q} x",
    "rg --pre {q} x",
    "make SHELL={q}",
    "sqlite3 x '.shell '{q}",
    "concurrently {q}",
    "nodemon --exec {q}",
    "wsl -e {}",
    "start {}",
    "LESSOPEN={q} less x",
    "less +'!'{q} x",
    "sed 1e{q} x",
    "script -qec {q} x",
];

/// Commands that the policy denies.
const DENIED: &[&str] = &["git push", "git -C x push origin", "curl x", "/usr/bin/curl -s y"];

fn wrapped(wrapper: &str, command: &str) -> String {
    let quoted = format!("'{}'", command.replace('\'', "'\\''"));
    wrapper.replace("{q}", &quoted).replace("{}", command)
}

#[test]
fn every_launcher_keeps_a_denial() {
    let mut wrong = Vec::new();
    for wrapper in WRAPPERS {
        for command in DENIED {
            let text = wrapped(wrapper, command);
            let decision = decided(&text);
            if decision != CommandDecision::Deny {
                wrong.push(format!("{text}: {decision:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// A text of a size.
type Shape = fn(usize) -> String;

#[test]
fn large_texts_take_time_that_grows_with_them() {
    let shapes: [(&str, Shape); 18] = [
        ("env chains", |n| "env ".repeat(n)),
        ("nested shells", |n| "bash -c 'git status'; ".repeat(n / 4)),
        ("many operands", |n| format!("rm {}", "a ".repeat(n))),
        ("unknown words", |n| format!("git {}", "$x ".repeat(n))),
        ("options", |n| format!("git {}", "-C x ".repeat(n))),
        ("shells of sudo", |n| format!("{}ls", "sudo -s ".repeat(n))),
        ("inputs of compounds", |n| format!("{{ {}}} <<E\n{}\nE\n", "a; ".repeat(n), "b".repeat(n))),
        ("inputs of launchers", |n| {
            format!("find . {} <<E\n{}\nE\n", "-exec sh ';' ".repeat(n / 4), "b".repeat(n))
        }),
        ("aliases", |n| format!("git {}x {}", "-c alias.x=!a ".repeat(n / 4), "b ".repeat(n))),
        ("long names of launchers", |n| {
            let name = "x".repeat(n);
            format!("git -c alias.{name}='!{}' {name}", "a;".repeat(n))
        }),
        ("secrets", |n| format!("cat {}", "~/.ssh/a ".repeat(n / 4))),
        ("texts of env", |n| format!("env {}ls", "-S a ".repeat(n / 4))),
        ("definitions", |n| "f() { a; }; f; ".repeat(n / 4)),
        ("changed directories", |n| "(cd a && b || c); pushd d; popd; ".repeat(n / 8)),
        ("loops that change the directory", |n| {
            let depth = (n / 50).min(200);
            format!("{}b;{} ", "for i in a; do cd a; ".repeat(depth), "done;".repeat(depth)).repeat(n / 500)
        }),
        ("functions that change the directory", |n| "f() { cd a; }; f; ".repeat(n / 4)),
        ("calls of one function", |n| format!("f() {{ cd a; }}; {}", "(b); f; ".repeat(n / 4))),
        ("traps", |n| "trap 'cd a; b' EXIT; cd c; ".repeat(n / 8)),
    ];
    let time = |text: &str| {
        processor_time(|| drop(black_box(judge(&policy(), &surroundings(), Shell::Bash, black_box(text)))))
    };
    for (name, shape) in shapes {
        let (small, large) = (time(&shape(2_000)), time(&shape(16_000)));
        // Eight times the text; quadratic time would be sixty-four times as long.
        assert!(large < small * 30 + Duration::from_millis(300), "{name}: {small:?}, {large:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    /// Total and deterministic, in every grammar.
    #[test]
    fn every_text_has_one_verdict(text in ".{0,80}", shell in 0_usize..5) {
        let shells = [Shell::Sh, Shell::Bash, Shell::Pwsh, Shell::WindowsPowershell, Shell::Cmd];
        let of = || judge(&policy(), &surroundings(), shells[shell], &text);
        let verdict = of();
        prop_assert_eq!(&verdict, &of());
        for reason in &verdict.reasons {
            prop_assert!(reason.span.start <= reason.span.end && reason.span.end <= text.len());
        }
        let strictest = verdict.reasons.iter().map(|reason| reason.decision).max();
        prop_assert_eq!(verdict.decision, strictest.unwrap_or(CommandDecision::Allow));
    }

    #[test]
    fn every_command_has_one_verdict(words in prop::collection::vec(".{0,12}", 0..6)) {
        let of = || judge_argv(&policy(), &surroundings(), &words);
        prop_assert_eq!(of(), of());
    }

    /// What follows a denied command cannot take the denial back.
    #[test]
    fn adding_text_takes_no_denial_back(
        denied in prop::sample::select(DENIED),
        between in prop::sample::select(&[" ; ", "\n", " && ", " || ", " | ", " & ", " 2>&1; "][..]),
        text in "[ a-z$'\"(){}|&;<>\\\\`#=*?\n-]{0,30}",
    ) {
        let whole = format!("{denied}{between}{text}");
        let decision = decided(&whole);
        prop_assert!(decision > CommandDecision::Allow, "{}", whole);
        let before = format!("ls -l; {denied}{between}true");
        prop_assert_eq!(decided(&before), CommandDecision::Deny);
    }

    /// More words behind the prefix of a rule change nothing.
    #[test]
    fn more_operands_take_no_denial_back(words in prop::collection::vec("[a-z./=$*-]{1,8}", 0..5)) {
        let text = format!("git push {}", words.join(" "));
        prop_assert_eq!(decided(&text), CommandDecision::Deny);
    }

    /// A denied command behind any two launchers is never allowed.
    #[test]
    fn two_launchers_take_no_denial_back(
        outer in prop::sample::select(WRAPPERS),
        inner in prop::sample::select(WRAPPERS),
        denied in prop::sample::select(DENIED),
    ) {
        let text = wrapped(outer, &format!("bash -c '{}'", wrapped(inner, denied).replace('\'', "'\\''")));
        prop_assert!(decided(&text) > CommandDecision::Allow, "{}", text);
    }

    /// Wherever quotes and backslashes stand, a command is what it is.
    #[test]
    fn quoting_hides_nothing(kinds in prop::collection::vec(0_u8..5, 8)) {
        let spelled: String = "git push".chars().zip(kinds.iter().cycle()).map(|(letter, kind)| match kind {
            _ if letter == ' ' => " ".to_owned(),
            0 => letter.to_string(),
            1 => format!("\\{letter}"),
            2 => format!("'{letter}'"),
            3 => format!("\"{letter}\""),
            _ => format!("$'\\x{:02x}'", u32::from(letter)),
        }).collect();
        prop_assert_eq!(decided(&spelled), CommandDecision::Deny, "{}", spelled);
    }
}

/// However much is said of commands that are harmless, what is said of another behind them counts.
#[test]
fn many_reasons_hide_no_stricter_one() {
    let harmless: String = (0..500).map(|number| format!("program-{number}\n")).collect();
    assert_eq!(decided(&harmless), CommandDecision::Allow);
    assert_eq!(decided(&format!("{harmless}sudo make install")), CommandDecision::Ask);
    assert_eq!(decided(&format!("{harmless}sudo -k\n{harmless}git push")), CommandDecision::Deny);
}
