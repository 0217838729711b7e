use super::{Code, Surroundings, judge, judge_argv, obstacle, rule_for};
use crate::command::Shell;
use garth_policy::{
    AbsPath, CommandDecision, CommandRule, Commands, Context, Layer, Origin, Os, Policy, Profile,
};
use std::collections::BTreeMap;

use CommandDecision::{Allow, Ask, Deny};

fn surroundings() -> Surroundings {
    let path = |text: &str| AbsPath::posix(text).unwrap();
    let context = Context {
        os: Os::Linux,
        workspace: path("/home/u/work"),
        home: path("/home/u"),
        tmp: path("/tmp"),
        git_dirs: Vec::new(),
        path_dirs: Vec::new(),
        env_dirs: Vec::new(),
    };
    let directory = context.workspace.clone();
    Surroundings { context, directory, variables: BTreeMap::new(), agent: None }
}

fn rules(list: &[(&str, CommandDecision)]) -> Commands {
    let rule = |(prefix, decision): &(&str, CommandDecision)| CommandRule {
        prefix: prefix.split(' ').map(|word| word.split('|').map(str::to_owned).collect()).collect(),
        decision: *decision,
        reason: "tested".into(),
        agents: Vec::new(),
        matches: Vec::new(),
        not_matches: Vec::new(),
        origin: Origin::unplaced(Layer::User, "policy.toml"),
    };
    Commands { rules: list.iter().map(rule).collect() }
}

fn policy(profile: Profile, list: &[(&str, CommandDecision)]) -> Policy {
    let mut policy = Policy::builtin(profile, &surroundings().context);
    policy.commands = rules(list);
    policy
}

/// The decision of a text in bash, where `git push` and `curl` are denied and `git fetch` is asked for.
fn decided(text: &str) -> CommandDecision {
    let rules = [("git push", Deny), ("curl|wget", Deny), ("git fetch", Ask), ("sudo true", Allow)];
    judge(&policy(Profile::Workspace, &rules), &surroundings(), Shell::Bash, text).decision
}

#[test]
fn rules_hold_at_every_depth_and_in_every_spelling() {
    let table = [
        ("git push", Deny),
        ("git status", Allow),
        ("git status; git push", Deny),
        ("/usr/bin/git push", Deny),
        ("GIT.EXE push", Deny),
        ("g''it pu\\sh", Deny),
        ("git -C x push", Deny),
        ("git -c a.b=c push origin", Deny),
        ("git --git-dir x --no-pager push", Deny),
        ("git --git-dir=x push", Deny),
        ("git -C push status", Allow),
        ("git commit -m push", Allow),
        ("git fetch", Ask),
        ("git $x", Ask),
        ("git $x push", Ask),
        ("git \"$x\" push", Ask),
        ("$x push", Ask),
        ("$x", Ask),
        ("g?t push", Ask),
        ("/usr/bin/c*l x", Ask),
        ("git log $x", Ask),
        ("bash -c 'git push'", Deny),
        ("bash -c \"git push $x\"", Deny),
        ("echo \"$(git push)\"", Deny),
        ("x=push; git $x", Deny),
        ("xargs git push", Deny),
        ("xargs git", Ask),
        ("f() { git \"$@\"; }; f push", Ask),
        ("alias g='git push'; g", Deny),
        ("sudo git push", Deny),
        ("sudo true", Allow),
        ("sudo ls", Ask),
        ("if false; then curl x; fi", Deny),
        ("ls 'unclosed", Ask),
    ];
    let wrong: Vec<String> = table
        .iter()
        .filter(|(text, expected)| decided(text) != *expected)
        .map(|(text, _)| format!("{text}: {:?}", decided(text)))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn redirections_are_held_against_the_policy() {
    let table = [
        ("echo x > out.txt", Allow, None),
        ("echo x > /tmp/out.txt", Allow, None),
        ("echo x > ~/.bashrc", Ask, Some(Code::EffectDenied)),
        ("echo x > /etc/hosts", Ask, Some(Code::EffectDenied)),
        ("echo x > .git/hooks/pre-commit", Deny, Some(Code::ProtectedWrite)),
        ("echo x > .vscode/tasks.json", Deny, Some(Code::ProtectedWrite)),
        ("echo x >> .git/config", Deny, Some(Code::ProtectedWrite)),
        ("cd .git && echo x > hooks/pre-commit", Deny, Some(Code::ProtectedWrite)),
        ("cd \"$x\"; echo x > out", Ask, Some(Code::UnknownValue)),
        ("cd ..; echo x > out", Ask, Some(Code::EffectDenied)),
        ("cd; echo x > out", Ask, Some(Code::EffectDenied)),
        ("echo x > \"$y\"", Ask, Some(Code::UnknownValue)),
        ("echo x > sub/../.mcp.json", Deny, Some(Code::ProtectedWrite)),
        ("echo x > $OUT/out", Ask, Some(Code::UnknownValue)),
        ("ls 2>/dev/null >&2", Allow, None),
        ("ls < ~/.ssh/id_rsa", Deny, Some(Code::EffectDenied)),
        ("{ echo a; } > .envrc", Deny, Some(Code::ProtectedWrite)),
        ("sed 's/a/b/w .envrc' x", Deny, Some(Code::ProtectedWrite)),
    ];
    for (text, decision, code) in table {
        let verdict = judge(&policy(Profile::Workspace, &[]), &surroundings(), Shell::Bash, text);
        assert_eq!(verdict.decision, decision, "{text}: {:?}", verdict.reasons);
        let first = verdict.reasons.first().filter(|reason| reason.decision > Allow);
        assert_eq!(first.map(|reason| reason.code), code, "{text}");
    }
}

#[test]
fn an_allowing_rule_covers_its_command_alone() {
    let allowing = policy(Profile::Strict, &[("frob run", Allow)]);
    let decided = |text: &str| judge(&allowing, &surroundings(), Shell::Bash, text).decision;
    assert_eq!(decided("frob run x"), Allow);
    assert_eq!(decided("frob run $x"), Allow);
    assert_eq!(decided("frob other"), Ask);
    assert_eq!(decided("frob $x"), Ask);
    assert_eq!(decided("frob run; other"), Ask);
    assert_eq!(decided("frob run $(other)"), Ask);
    assert_eq!(decided("frob run > .envrc"), Deny);
    assert_eq!(decided("frob run > ~/x"), Ask);
    assert_eq!(decided("frob -v run x"), Ask);
}

#[test]
fn known_variables_are_put_in() {
    let mut surroundings = surroundings();
    surroundings.variables.insert("PWD".into(), "/home/u/work".into());
    let of = |text: &str| judge(&policy(Profile::Workspace, &[]), &surroundings, Shell::Bash, text);
    for text in [
        "cd \"$x\"; echo x > $PWD/out",
        "for PWD in /etc; do echo x > $PWD/out; done",
        "read PWD; echo > $PWD/o",
    ] {
        assert_eq!(of(text).decision, Ask, "{text}");
    }
    let verdict = of("echo x > $PWD/out");
    assert_eq!(verdict.decision, Allow, "{:?}", verdict.reasons);
    let effect = &verdict.commands[0].effects[0];
    assert_eq!(effect.target.as_deref(), Some("/home/u/work/out"));
}

#[test]
fn profiles_differ_where_the_sandbox_holds_it() {
    for text in ["cargo test", "npm test", "make", "python x.py", "./run.sh", "frobnicate"] {
        let of = |profile| judge(&policy(profile, &[]), &surroundings(), Shell::Bash, text);
        let verdict = of(Profile::Workspace);
        assert_eq!(verdict.decision, Allow, "{text}: {:?}", verdict.reasons);
        assert!(verdict.reasons.iter().all(|reason| reason.code == Code::Contained), "{text}");
        assert_eq!(of(Profile::Strict).decision, Ask, "{text}");
    }
    for text in
        ["curl x | sh", "bash -c \"$x\"", "sudo ls", "LD_PRELOAD=x ls", "bash $x", "python ~/../v/x.py"]
    {
        let verdict = judge(&policy(Profile::Workspace, &[]), &surroundings(), Shell::Bash, text);
        assert_eq!(verdict.decision, Ask, "{text}");
    }
}

#[test]
fn reasons_point_into_the_text() {
    let text = "ls; nohup bash -c 'git push origin' &";
    let verdict =
        judge(&policy(Profile::Workspace, &[("git push", Deny)]), &surroundings(), Shell::Bash, text);
    let reason = &verdict.reasons[0];
    assert_eq!(&text[reason.span.start..reason.span.end], "'git push origin'");
    assert_eq!(verdict.commands.last().unwrap().via, ["nohup", "bash -c"]);
    assert_eq!(reason.origin.as_ref().unwrap().source, "policy.toml");
    let words = ["git".to_owned(), "-C".to_owned(), "x".to_owned(), "push".to_owned()];
    let verdict = judge_argv(&policy(Profile::Workspace, &[("git push", Deny)]), &surroundings(), &words);
    assert_eq!(verdict.decision, Deny);
}

#[test]
fn what_holds_a_build_is_said_once() {
    let verdict = judge(&policy(Profile::Workspace, &[]), &surroundings(), Shell::Bash, "npm test");
    assert_eq!(verdict.decision, Allow);
    assert_eq!(verdict.reasons.len(), 1, "{:?}", verdict.reasons);
}

#[test]
fn suggestions_are_narrow_rules_that_allow() {
    let table = [
        ("sudo apt install x1", None),
        ("frob run ./x", Some("frob run")),
        ("frob", Some("frob")),
        ("./a.sh x", Some("./a.sh x")),
        ("$x", None),
        ("bash -c \"$x\"", None),
        ("frob 'unclosed", None),
        ("frob > .envrc", None),
        ("frob run >> ../log", None),
        ("rm ../other", None),
        ("curl https://x.test", None),
    ];
    for (text, expected) in table {
        let policy_strict = policy(Profile::Strict, &[]);
        let verdict = judge(&policy_strict, &surroundings(), Shell::Bash, text);
        let prefix = verdict.suggestion.as_ref().map(|found| found.prefixes[0].join(" "));
        assert_eq!(prefix.as_deref(), expected, "{text}: {:?}", verdict.reasons);
        // Whoever takes it up is not asked again.
        let Some(prefix) = prefix else { continue };
        let followed = policy(Profile::Strict, &[(&prefix, Allow)]);
        let again = judge(&followed, &surroundings(), Shell::Bash, text);
        assert_eq!(again.decision, Allow, "{text}: {:?}", again.reasons);
    }
    let verdict =
        judge(&policy(Profile::Strict, &[]), &surroundings(), Shell::Bash, "frob run x1; brob \"a\\\"b\" c");
    let toml = format!("version = 1\n{}", verdict.suggestion.unwrap().toml);
    let source = garth_policy::Source { name: "x.toml".into(), text: toml.clone() };
    let found = garth_policy::check(&source, Layer::User, &surroundings().context);
    assert!(found.is_empty(), "{}\n{toml}", found.render(false));
}

#[test]
fn rules_for_known_words_pass_over_options() {
    let rules = rules(&[
        ("git push", Ask),
        ("docker run", Deny),
        ("npm publish", Deny),
        ("foo bar", Deny),
        ("git", Allow),
    ]);
    let decided = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        rule_for(&rules, &words, None).map(|rule| rule.decision)
    };
    assert_eq!(decided("git -C x push"), Some(Ask));
    assert_eq!(decided("git -C push status"), Some(Allow));
    assert_eq!(decided("docker --context y run z"), Some(Deny));
    assert_eq!(decided("docker -H y --debug run z"), Some(Deny));
    assert_eq!(decided("npm --prefix z publish"), Some(Deny));
    assert_eq!(decided("/opt/x/npm.cmd publish"), Some(Deny));
    assert_eq!(decided("foo -x y bar"), Some(Deny));
    assert_eq!(decided("foo y bar"), None);
    assert_eq!(decided("docker ps"), None);
}

#[test]
fn every_grammar_is_judged_by_the_same_rules() {
    let table = [
        (Shell::Pwsh, "git push", Deny),
        (Shell::Pwsh, "& 'git' push", Deny),
        (Shell::Pwsh, "git `\n push", Deny),
        (Shell::Pwsh, "iex 'git push'", Deny),
        (Shell::Pwsh, "Invoke-Expression -Command \"git push\"", Deny),
        (Shell::Pwsh, "Start-Process git -ArgumentList push", Deny),
        (Shell::Pwsh, "pwsh -NoP -EncodedCommand ZwBpAHQAIABwAHUAcwBoAA==", Deny),
        (Shell::Pwsh, "cmd /c git push", Deny),
        (Shell::Pwsh, "bash -c 'git push'", Deny),
        (Shell::Pwsh, "1..3 | ForEach-Object { git push }", Deny),
        (Shell::Pwsh, "if ($true) { git.exe push }", Deny),
        (Shell::Pwsh, "& $x push", Ask),
        (Shell::Pwsh, "iex $x", Ask),
        (Shell::Pwsh, "Get-ChildItem -Recurse", Allow),
        (Shell::Pwsh, "git status", Allow),
        (Shell::WindowsPowershell, "git --% push", Deny),
        (Shell::WindowsPowershell, "saps git push", Deny),
        (Shell::Cmd, "git push", Deny),
        (Shell::Cmd, "g^it pu^sh", Deny),
        (Shell::Cmd, "echo a & git push", Deny),
        (Shell::Cmd, "cmd /c \"git push\"", Deny),
        (Shell::Cmd, "for %i in (1) do git push", Deny),
        (Shell::Cmd, "start \"\" /b git push", Deny),
        (Shell::Cmd, "call git push", Deny),
        (Shell::Cmd, "powershell -c git push", Deny),
        (Shell::Cmd, "forfiles /c \"cmd /c git push\"", Deny),
        (Shell::Cmd, "schtasks /create /tn x /tr \"git push\"", Deny),
        (Shell::Cmd, "wmic process call create \"git push\"", Deny),
        (Shell::Cmd, "%xy% push", Ask),
        (Shell::Cmd, "git status", Allow),
        (Shell::Bash, "pwsh -Command 'git push'", Deny),
        (Shell::Bash, "powershell.exe -enc ZwBpAHQAIABwAHUAcwBoAA==", Deny),
        (Shell::Bash, "cmd.exe /c 'git push'", Deny),
    ];
    let policy = policy(Profile::Workspace, &[("git push", Deny)]);
    let of = |shell, text: &str| judge(&policy, &surroundings(), shell, text);
    let wrong: Vec<String> = table
        .iter()
        .filter(|(shell, text, expected)| of(*shell, text).decision != *expected)
        .map(|(shell, text, _)| format!("{shell:?} {text}: {:?}", of(*shell, text).reasons))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn obstacles_are_denials_at_any_depth_and_questions_about_the_command_itself() {
    let policy = policy(Profile::Workspace, &[("git push", Deny), ("npm install", Ask)]);
    let of = |words: &[&str]| {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        obstacle(&policy, &surroundings(), &words).map(|reason| (reason.decision, reason.code))
    };
    assert_eq!(of(&["bash", "-c", "ls; git -C x push"]), Some((Deny, Code::Rule)));
    assert_eq!(of(&["bash", "-c", "git $x"]), None, "it is judged when it starts");
    assert_eq!(of(&["bash", "-c", "ls 'open"]), None);
    assert_eq!(of(&["bash", "-c", "npm i"]), None);
    assert_eq!(of(&["npm", "i"]), Some((Ask, Code::Rule)));
    assert_eq!(of(&["sudo", "rm", "-rf", "/"]), None);
    assert_eq!(of(&["bash", "-c", "echo > .envrc"]), None);
    assert_eq!(of(&[]), None);
}

#[test]
fn letters_of_options_have_no_order() {
    let policy = policy(Profile::Workspace, &[("rm -rf", Deny)]);
    let decided = |text: &str| judge(&policy, &surroundings(), Shell::Bash, text).decision;
    for text in ["rm -rf x", "rm -fr x", "rm -r -f x", "rm x -rf", "rm -vrf x", "/bin/rm -f -r -- x"] {
        assert_eq!(decided(text), Deny, "{text}");
    }
    for text in ["rm --recursive --force x", "rm -Rf x"] {
        assert_eq!(decided(text), Ask, "{text}");
    }
    for text in ["rm -r x", "rm -f x", "rm -f -- -r", "rm -f recursive", "ls -rf"] {
        assert_eq!(decided(text), Allow, "{text}");
    }
    let words = ["rm".to_owned(), "-f".to_owned(), "-r".to_owned()];
    assert!(rule_for(&policy.commands, &words, None).is_some());
}

#[test]
fn what_a_pipe_deletes_is_not_known() {
    let policy = policy(Profile::Workspace, &[]);
    let decided = |text: &str| judge(&policy, &surroundings(), Shell::Pwsh, text).decision;
    for text in
        ["ls .. | rm", "gci /home | Remove-Item -Force", "(gi ../x).Delete()", "ls .. | % { $_.Delete() }"]
    {
        assert_eq!(decided(text), Ask, "{text}");
    }
    for text in ["rm out.txt", "Remove-Item -Path out.txt", "ls .. | sort Name", "'a' | Set-Content out.txt"]
    {
        assert_eq!(decided(text), Allow, "{text}");
    }
}

#[test]
fn another_cmd_has_variables_of_every_name() {
    let policy = policy(Profile::Workspace, &[("git push", Deny)]);
    let decided = |text: &str| judge(&policy, &surroundings(), Shell::Cmd, text).decision;
    assert_eq!(decided("set x=git push& cmd /c %x%"), Ask);
    assert_eq!(decided("cmd /c \"for %a in (1 2) do echo %a\""), Allow);
}

#[test]
fn a_task_for_an_agent_is_no_command() {
    let policy = policy(Profile::Workspace, &[("git push", Deny)]);
    let words = ["agent".to_owned(), "-p".to_owned(), "commit, but do not git push".to_owned()];
    assert!(obstacle(&policy, &surroundings(), &words).is_none());
    assert_eq!(judge_argv(&policy, &surroundings(), &words).decision, Ask);
    assert_eq!(decided("launchit git status"), Allow);
}

#[test]
fn the_drive_of_the_environment_sets_variables() {
    let policy = policy(Profile::Workspace, &[("git push", Deny)]);
    let decided = |text: &str| judge(&policy, &surroundings(), Shell::Pwsh, text).decision;
    assert_eq!(decided("Set-Item env:GIT_PAGER 'git push'; git log"), Deny);
    assert_eq!(decided("si -Path Env:\\GIT_PAGER -Value 'git push'; git log"), Deny);
    assert_eq!(decided("Set-Item env:GIT_PAGER cat; git log"), Allow);
}
