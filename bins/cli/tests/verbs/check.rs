use crate::place::{Place, Said};
use serde_json::Value;
use std::io::Write;
use std::process::Stdio;

const POLICY: &str = r#"version = 1
[[commands]]
prefix = ["git", "push"]
decision = "deny"
reason = "pushing publishes work; open a pull request instead"
[[commands]]
prefix = ["npm", "publish"]
decision = "ask"
reason = "it publishes a package"
"#;

fn place(name: &str) -> Place {
    let place = Place::new(name);
    place.user_policy(POLICY);
    place
}

/// Every member is in the schema, and every member that it asks for is there.
fn check_schema(value: &Value, form: &Value, schema: &Value) {
    if let Some(name) = form["$ref"].as_str() {
        return check_schema(value, &schema["$defs"][name.rsplit('/').next().unwrap()], schema);
    }
    if let Some(choices) = form["enum"].as_array() {
        assert!(choices.contains(value), "{value} is none of {choices:?}");
    }
    if let Some(members) = value.as_object().filter(|_| form["properties"].is_object()) {
        for name in form["required"].as_array().unwrap() {
            assert!(members.contains_key(name.as_str().unwrap()), "{name} is missing in {value}");
        }
        for (name, value) in members {
            let known = &form["properties"][name];
            assert!(known.is_object(), "{name} is not in the schema");
            check_schema(value, known, schema);
        }
    }
    for item in value.as_array().into_iter().flatten() {
        check_schema(item, &form["items"], schema);
    }
}

fn verdict(said: &Said) -> Value {
    let schema: Value = serde_json::from_str(include_str!("../../check.schema.json")).unwrap();
    let verdict = said.json();
    check_schema(&verdict, &schema["$defs"]["verdict"], &schema);
    verdict
}

#[test]
fn the_exit_code_says_what_is_decided() {
    let place = place("check-codes");
    let cases: [(&[&str], i32); 8] = [
        (&["git status"], 0),
        (&["git status; git -C sub push"], 122),
        (&["npm publish"], 123),
        (&["--", "git", "-C", "sub", "push"], 122),
        (&["--", "echo", "a; git push"], 0),
        (&["--profile", "strict", "frobnicate"], 123),
        (&["--shell", "sh", "sudo ls"], 123),
        (&["echo x > .mcp.json"], 122),
    ];
    for (arguments, code) in cases {
        let arguments = [&["check", "--json"], arguments].concat();
        let said = place.garth(&arguments).expect(code);
        let decision = match code {
            0 => "allow",
            122 => "deny",
            _ => "ask",
        };
        assert_eq!(verdict(&said)["decision"], decision, "{arguments:?}");
    }
    assert!(!place.work().join(".mcp.json").exists(), "nothing is run");
}

#[test]
fn people_see_the_piece_the_rule_and_the_way_out() {
    let place = place("check-people");
    let said = place.garth(&["check", "git status && bash -c 'git -C sub push'"]).expect(122);
    let lines: Vec<&str> = said.out.lines().take(4).collect();
    assert_eq!(
        lines,
        [
            "deny  3 commands",
            "  git status && bash -c 'git -C sub push'",
            "                        ^^^^^^^^^^^^^^^^^",
            "  deny: `git -C sub push` is denied by a rule: pushing publishes work; open a pull request instead",
        ]
    );
    assert!(said.out.contains("policy.toml:2:1"), "{}", said.out);
    let said = place.garth(&["check", "--profile", "strict", "frob run ./x"]).expect(123);
    insta::assert_snapshot!(place.plain(&said.out));
    let said = place.garth(&["check", "ls \u{1b}]0;x\u{7}; git push"]).expect(122);
    assert!(!said.out.contains('\u{7}'), "{:?}", said.out);
}

#[test]
fn the_suggested_rule_allows() {
    let place = place("check-rule");
    let said = place.garth(&["check", "--json", "--profile", "strict", "frob run ./x"]).expect(123);
    let toml = verdict(&said)["suggestion"]["toml"].as_str().unwrap().to_owned();
    place.user_policy(&format!("{POLICY}{toml}"));
    place.garth(&["check", "--profile", "strict", "frob run ./y"]).expect(0);
    place.garth(&["check", "--profile", "strict", "frob other ./y"]).expect(123);
}

#[test]
fn files_are_read_in_their_own_grammar() {
    let place = place("check-files");
    place.write("a.sh", "#!/usr/bin/env bash\nls\n[[ -n x ]] && git push\n");
    let said = place.garth(&["check", "--file", "a.sh"]).expect(122);
    assert!(said.out.contains("[[ -n x ]] && git push"), "{}", said.out);
    place.write("b", "#!/usr/bin/python3\nimport os\n");
    let said = place.garth(&["check", "--file", "b"]).expect(125);
    assert!(said.err.contains("hint: name the shell: --shell bash"), "{}", said.err);
    // Bytes of the letter are a quotation mark where Windows PowerShell takes a code page for them.
    place.write("c.ps1", "echo \"Г; git push #\"\n");
    place.garth(&["check", "--shell", "windows-powershell", "--file", "c.ps1"]).expect(122);
    place.garth(&["check", "--shell", "pwsh", "--file", "c.ps1"]).expect(0);
    place.write("d.ps1", "\u{feff}echo \"Г; git push #\"\n");
    place.garth(&["check", "--shell", "windows-powershell", "--file", "d.ps1"]).expect(0);
    place.garth(&["check", "--file", "nosuch.sh"]).expect(125);
    place.garth(&["check", "--file", "a.sh", "ls"]).expect(2);
    place.garth(&["check"]).expect(2);
}

#[test]
fn a_program_asks_line_by_line() {
    let place = place("check-lines");
    let mut command = place.command();
    command.args(["check", "--stdin"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let requests = concat!(
        "{\"id\":1,\"text\":\"git push\"}\n",
        "\n",
        "{\"id\":\"b\",\"shell\":\"sh\",\"text\":\"ls\"}\n",
        "{\"argv\":[\"npm\",\"--prefix\",\"x\",\"publish\"]}\n",
        "no request\n",
        "{\"id\":5,\"text\":\"ls\",\"argv\":[\"ls\"]}\n",
        "{\"id\":6,\"text\":\"ls\",\"shell\":\"tcsh\"}\n",
        "{\"id\":7,\"text\":\"ls\",\"directory\":\"here\"}\n",
        "{\"id\":8,\"text\":\"ls\"}",
    );
    child.stdin.take().unwrap().write_all(requests.as_bytes()).unwrap();
    let said = Said::of(&child.wait_with_output().unwrap()).expect(0);
    let answers: Vec<Value> = said.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let schema: Value = serde_json::from_str(include_str!("../../check.schema.json")).unwrap();
    for answer in &answers {
        let form = if answer["error"].is_string() { "unanswered" } else { "verdict" };
        check_schema(answer, &schema["$defs"][form], &schema);
    }
    let decisions: Vec<(Value, &str)> =
        answers.iter().map(|answer| (answer["id"].clone(), answer["decision"].as_str().unwrap())).collect();
    let id = |value: i32| Value::from(value);
    let expected = [
        (id(1), "deny"),
        (Value::from("b"), "allow"),
        (Value::Null, "ask"),
        (Value::Null, "ask"),
        (id(5), "ask"),
        (id(6), "ask"),
        (id(7), "ask"),
        (id(8), "allow"),
    ];
    assert_eq!(decisions, expected);
}

/// What `check` denies by a rule, `run` does not start; what it allows, runs.
#[test]
fn run_agrees() {
    let place = place("check-run");
    let cases: [(&[&str], i32); 7] = [
        (&["--shell", "bash", "touch ran; git -C . push"], 122),
        (&["--shell", "sh", "touch ran; x=push; git $x"], 122),
        (&["--", "bash", "-c", "touch ran; eval 'git pu''sh'"], 122),
        (&["--", "env", "-C", ".", "git", "push"], 122),
        (&["--", "nohup", "git", "-c", "a.b=c", "push"], 122),
        (&["--shell", "bash", "a", "b"], 2),
        (&["--shell", "bash", "echo one | tr a-z A-Z"], 0),
    ];
    for (arguments, code) in cases {
        let said = place.garth(&[&["run"], arguments].concat()).expect(code);
        assert!(!place.work().join("ran").exists(), "{arguments:?} ran: {}", said.err);
    }
    let said = place.garth(&["run", "--shell", "bash", "echo one | tr a-z A-Z"]).expect(0);
    assert_eq!(said.out, "ONE\n");
    // What only the run shows is held against the rules when it starts.
    let said = place.garth(&["run", "--shell", "bash", "git $(printf push)"]).expect(126);
    assert!(said.err.contains("the command was denied"), "{}", said.err);
}

#[test]
fn a_rule_is_saved_once_it_is_agreed_to() {
    let place = place("check-save");
    let policy = place.home().join(".config/garth/policy.toml");
    let strict = ["check", "--profile", "strict", "--save"];
    let asked = |more: &[&str]| place.garth(&[&strict[..], more].concat());

    // Without a terminal and without --yes nobody agrees.
    let said = asked(&["frob run ./x"]).expect(123);
    assert!(said.err.contains("hint: answer `y`, or give --yes"), "{}", said.err);
    assert_eq!(std::fs::read_to_string(&policy).unwrap(), POLICY);

    let said = asked(&["--yes", "frob run ./x"]).expect(0);
    assert!(said.out.contains("prefix = [\"frob\", \"run\"]"), "{}", said.out);
    assert!(said.out.contains("from now on: allow"), "{}", said.out);
    let text = std::fs::read_to_string(&policy).unwrap();
    assert!(text.starts_with(POLICY) && text.contains("prefix = [\"frob\", \"run\"]"), "{text}");
    let said = asked(&["--yes", "frob run ./y"]).expect(0);
    assert!(said.out.contains("it is allowed already"), "{}", said.out);
    assert_eq!(std::fs::read_to_string(&policy).unwrap(), text);
    asked(&["--yes", "frob other"]).expect(0);

    // A rule of one agent holds for it alone.
    asked(&["--yes", "--agent", "codex", "frobnicate"]).expect(0);
    asked(&["frobnicate"]).expect(123);
    asked(&["--agent", "codex", "frobnicate"]).expect(0);
}

#[test]
fn what_no_rule_can_allow_is_not_saved() {
    let place = place("check-save-refused");
    let policy = place.home().join(".config/garth/policy.toml");
    let refused = |arguments: &[&str], code: i32, why: &str| {
        let said = place.garth(&[&["check", "--save", "--yes"], arguments].concat()).expect(code);
        assert!(said.err.contains(why), "{arguments:?}: {}", said.err);
        assert_eq!(std::fs::read_to_string(&policy).unwrap(), POLICY, "{arguments:?}");
    };
    refused(&["git push"], 122, "a rule denies it");
    refused(&["npm publish"], 123, "a rule asks for it");
    refused(&["ls 'open"], 123, "cannot be allowed by a rule");
    place.write("garth.toml", "version = 1\n");
    std::os::unix::fs::symlink("garth.toml", place.work().join("mine.toml")).unwrap();
    for file in ["garth.toml", "mine.toml"] {
        refused(&["--policy", file, "--profile", "strict", "frob x"], 120, "a project's policy cannot allow");
        assert_eq!(std::fs::read_to_string(place.work().join("garth.toml")).unwrap(), "version = 1\n");
    }
    place.garth(&["check", "--yes", "ls"]).expect(2);
}

#[test]
fn rows_of_the_policy_say_what_programs_do() {
    let place = Place::new("check-rows");
    let row = "[programs.frob]\nreason = \"reads its files\"\nsource = \"us\"\noperands = [\"reads *\"]\n\
        options = [\"--wipe DIR: deletes\"]\n";
    place.user_policy(&format!("version = 1\n{row}"));
    place.garth(&["check", "--profile", "strict", "frob a"]).expect(0);
    let said = place.garth(&["check", "--json", "frob --wipe /etc/x"]).expect(123);
    assert_eq!(verdict(&said)["reasons"][0]["code"], "effect-denied", "{}", said.out);
    let said = place.garth(&["policy", "show"]).expect(0);
    assert!(said.out.contains("knows frob"), "{}", said.out);

    place.user_policy(&format!("version = 1\n{}", row.replace("deletes", "dances")));
    for verb in [&["check", "ls"][..], &["policy", "validate"], &["run", "--", "true"]] {
        let said = place.garth(verb).expect(120);
        assert!(said.err.contains("policy.toml:2:11"), "{verb:?}: {}", said.err);
        assert!(said.err.contains("dances"), "{verb:?}: {}", said.err);
        assert!(said.err.contains("docs/vetting-knowledge.md"), "{verb:?}: {}", said.err);
    }

    place.user_policy("version = 1\n");
    place.write("garth.toml", &format!("version = 1\n{row}"));
    let said = place.garth(&["check", "frob a"]).expect(120);
    assert!(said.err.contains("a project cannot say what programs do"), "{}", said.err);
}
