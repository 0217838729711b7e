//! Rows of a policy in the table of programs.

use crate::place::surroundings;
use garth_policy::{
    CommandDecision, Inputs, Layer, Origin, Policy, ProgramRow, Source, TrustStore, load, schema,
};
use garth_vet::Shell;
use garth_vet::judge::{Code, Judge, judge, run_rule_tests};
use garth_vet::knowledge::Table;

use CommandDecision::{Allow, Ask, Deny};

/// A policy, with the table that its rows make.
fn loaded(text: &str) -> (Policy, Table) {
    let inputs = Inputs {
        context: surroundings().context,
        managed: None,
        user: Some(Source { name: "policy.toml".into(), text: format!("version = 1\n{text}") }),
        project: None,
        flags: Vec::new(),
    };
    let policy = load(&inputs, &TrustStore::empty()).map_err(|found| found.render(false)).unwrap().policy;
    let mut table = Table::built_in();
    for row in &policy.programs {
        table.add_program(row).unwrap();
    }
    (policy, table)
}

const ROWS: &str = r#"profile = "strict"
[programs.frob]
also = "blub"
reason = "reads its files"
source = "us"
options = ["-o, --output FILE: writes", "--wipe: deletes cwd"]
operands = ["reads *"]

[programs.frob.sub.publish]
effects = ["changes-config none"]

[programs.carefully]
reason = "runs a command"
source = "us"
first = true
values = "-n"
operands = ["runs words"]

[programs.Invoke-Deploy]
reason = "prints what it would do"
source = "us"
operands = ["text *"]

[programs.ls]
reason = "an own program of that name"
source = "us"
effects = ["elevates none"]

[[commands]]
prefix = ["git", "push"]
decision = "deny"
"#;

#[test]
fn rows_of_the_policy_say_what_programs_do() {
    let (policy, table) = loaded(ROWS);
    let place = surroundings();
    let table = [
        (&table, "frob a b", Allow, None),
        (&table, "blub a", Allow, None),
        (&table, "frob -o.git/hooks/x a", Deny, Some(Code::ProtectedWrite)),
        (&table, "frob --wipe", Ask, None),
        (&table, "frob --other", Ask, Some(Code::UnknownValue)),
        (&table, "frob publish", Ask, Some(Code::ChangesConfig)),
        (&table, "carefully -n 3 git -C x push", Deny, Some(Code::Rule)),
        (&table, "carefully carefully git push", Deny, Some(Code::Rule)),
        (&table, "carefully cat a", Allow, None),
        (&table, "ls", Ask, Some(Code::Elevates)),
        (&table, "cat a", Allow, None),
        (&Table::built_in(), "frob a b", Ask, Some(Code::UnknownProgram)),
        (&Table::built_in(), "ls", Allow, None),
    ];
    for (table, text, decision, code) in table {
        let judge = Judge { policy: &policy, surroundings: &place, table };
        let verdict = judge.text(Shell::Bash, text);
        assert_eq!(verdict.decision, decision, "{text}: {:?}", verdict.reasons);
        if code.is_some() {
            assert_eq!(verdict.reasons.first().map(|reason| reason.code), code, "{text}");
        }
    }
}

#[test]
fn the_shells_of_windows_know_a_row_in_any_case() {
    let (policy, table) = loaded(ROWS);
    let place = surroundings();
    let judge = Judge { policy: &policy, surroundings: &place, table: &table };
    for text in ["Invoke-Deploy x", "invoke-DEPLOY x", "FROB a"] {
        assert_eq!(judge.text(Shell::Pwsh, text).decision, Allow, "{text}");
    }
    assert_eq!(judge.text(Shell::Bash, "Invoke-Deploy x").decision, Allow);
    assert_eq!(judge.text(Shell::Bash, "invoke-deploy x").decision, Ask);
}

#[test]
fn rules_are_held_against_what_a_row_runs_before_anything_starts() {
    let (policy, table) = loaded(ROWS);
    let place = surroundings();
    let words = ["carefully", "git", "push"].map(str::to_owned);
    let judge = Judge { policy: &policy, surroundings: &place, table: &table };
    assert_eq!(judge.obstacle(&words).map(|reason| reason.decision), Some(Deny));
    let judge = Judge { table: &Table::built_in(), ..judge };
    assert_eq!(judge.obstacle(&words), None);
}

#[test]
fn examples_of_rules_are_read_as_verdicts_are_made() {
    let rules = r#"
[[commands]]
prefix = ["git", "push"]
decision = "deny"
match = ["git push", "git -C sub push origin", "git -c a.b=c --no-pager push"]
not-match = ["git status", "git -C push status", "git commit -m push", "carefully git push", "sudo git push", "git -C x push"]
[[commands]]
prefix = ["npm", "install"]
decision = "ask"
not-match = ["npm i x"]
[[commands]]
prefix = ["git"]
decision = "allow"
match = ["git -C push status", "git push"]
not-match = ["ls", "git 'open"]
[programs.carefully]
reason = "runs a command"
source = "us"
operands = ["runs words"]
"#;
    let (policy, table) = loaded(rules);
    let tests = run_rule_tests(&policy.commands, &table);
    let failed: Vec<&str> =
        tests.iter().filter(|test| !test.passed()).map(|test| test.example.as_str()).collect();
    assert_eq!(failed, ["carefully git push", "sudo git push", "git -C x push", "npm i x"]);
    let decided = |example: &str| tests.iter().find(|test| test.example == example).unwrap().decided;
    assert_eq!(decided("git -C sub push origin"), Some(Deny));
    assert_eq!(decided("git -C push status"), Some(Allow));
    assert_eq!(decided("npm i x"), Some(Ask));
    assert_eq!(decided("ls"), None);
}

/// A value for a key, of the type that the schema gives.
fn example(key: &str, form: &serde_json::Value) -> String {
    match (key, form["type"].as_str()) {
        ("style", _) => "'gnu'".to_owned(),
        ("plus", _) => "'text'".to_owned(),
        (_, Some("array")) => "[]".to_owned(),
        (_, Some("boolean")) => "true".to_owned(),
        (_, Some("object")) => "{}".to_owned(),
        _ => format!("'-{key}'"),
    }
}

/// The schema of policies and the model of the table have the same keys.
#[test]
fn a_policy_and_the_table_know_the_same_keys() {
    let schema = schema();
    let keys = schema["properties"]["programs"]["additionalProperties"]["properties"].as_object().unwrap();
    let row = |text: String| ProgramRow {
        name: "x".to_owned(),
        reason: String::new(),
        text: format!("[program.x]\n{text}"),
        origin: Origin::unplaced(Layer::User, "policy.toml"),
    };
    let body: String = keys.iter().map(|(key, form)| format!("{key} = {}\n", example(key, form))).collect();
    Table::default().add_program(&row(body.clone())).unwrap();
    let error = Table::default().add_program(&row(format!("{body}no-such-key = 1\n"))).unwrap_err();
    // Groups of options are shared by the rows of one text, and a row of a policy is a text of its own.
    let known: Vec<&str> = error.what.split('`').skip(3).step_by(2).filter(|key| *key != "use").collect();
    assert_eq!(known.len(), keys.len(), "{}", error.what);
    assert!(known.iter().all(|key| keys.contains_key(*key)), "{}", error.what);
}

#[test]
fn what_compilers_and_runners_are_given_is_followed() {
    for text in [
        "pixi run git push",
        "scan-build git push",
        "hatch run git push",
        "gh cs ssh -- git push",
        "gh codespace ssh -c x 'git push'",
        "gcc -wrapper git,push a.c",
        "RUSTC_WRAPPER='git push' cargo build",
    ] {
        let verdict = judge(&crate::properties::policy(), &surroundings(), Shell::Bash, text);
        assert_eq!(verdict.decision, Deny, "{text}");
    }
    for text in ["gcc @args", "ld -plugin ./x.so a.o", "ld --plugin=./x.so a.o", "gcc -fplugin=./x.so a.c"] {
        let verdict = judge(&crate::properties::policy(), &surroundings(), Shell::Bash, text);
        let mut runs = verdict.commands.iter().flat_map(|command| &command.effects);
        assert!(runs.any(|effect| effect.kind == garth_vet::EffectKind::Executes), "{text}");
    }
}
