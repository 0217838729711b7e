//! Rows for the table of programs: carried, merged, compared and shown.
#![cfg(feature = "load")]
#![expect(clippy::panic, reason = "helpers of tests fail like tests")]

mod support;

use garth_policy::{
    Direction, Inputs, Layer, Loaded, Policy, ProgramRow, Severity, Source, TrustStore, check_with, diff,
    load, load_with, show_text,
};
use support::context;

const ROW: &str =
    "[programs.deploy]\nreason = \"puts it there\"\nsource = \"us\"\noperands = [\"connects\"]\n";

fn source(name: &str, body: &str) -> Option<Source> {
    (!body.is_empty()).then(|| Source { name: name.to_owned(), text: format!("version = 1\n{body}") })
}

fn inputs(user: &str, project: &str, managed: &str) -> Inputs {
    let (user, project) = (source("policy.toml", user), source("garth.toml", project));
    Inputs { context: context(), managed: source("managed.toml", managed), user, project, flags: Vec::new() }
}

fn resolve(user: &str, managed: &str) -> Policy {
    let loaded: Result<Loaded, _> = load(&inputs(user, "", managed), &TrustStore::empty());
    loaded.unwrap_or_else(|found| panic!("{found}")).policy
}

#[test]
fn a_row_is_carried_with_its_place_in_one_form() {
    let written = resolve(ROW, "").programs;
    let [row] = written.as_slice() else { panic!("{written:?}") };
    assert_eq!((row.name.as_str(), row.reason.as_str()), ("deploy", "puts it there"));
    assert_eq!(row.origin.to_string(), "policy.toml:2:11");
    // Another layout and a comment say the same.
    let other = "# ours\n[programs]\ndeploy.reason = 'puts it there' # here\ndeploy.operands = [\n  'connects',\n]\n\
        deploy.source = 'us'\n";
    let inline =
        "programs = { deploy = { source = 'us', operands = ['connects'], reason = 'puts it there' } }\n";
    for text in [other, inline] {
        assert_eq!(resolve(text, "").programs[0].text, row.text, "{text}");
    }
}

#[test]
fn the_administrators_row_holds_over_the_users() {
    let managed =
        "[programs.deploy]\nreason = \"needs a person\"\nsource = \"us\"\neffects = [\"elevates none\"]\n";
    let user = format!("{ROW}[programs.\"my tool\"]\nreason = \"mine\"\nsource = \"us\"\n");
    let policy = resolve(&user, managed);
    let rows: Vec<(&str, Layer)> =
        policy.programs.iter().map(|row| (row.name.as_str(), row.origin.layer)).collect();
    assert_eq!(rows, [("my tool", Layer::User), ("deploy", Layer::Managed)]);
    let shown = show_text(&policy);
    assert!(shown.contains("[programs]") && shown.contains("needs a person"), "{shown}");
}

#[test]
fn no_project_says_what_programs_do() {
    let inputs = inputs("", ROW, "");
    let mut trusted = TrustStore::empty();
    trusted.add(&inputs.project.as_ref().expect("a project").text, "test");
    for store in [TrustStore::empty(), trusted] {
        let found = load(&inputs, &store).expect_err("a project's row is refused");
        assert_eq!(found.list[0].code, "not-for-projects");
    }
}

#[test]
fn a_row_that_is_not_the_same_widens() {
    let other = ROW.replace("connects", "text");
    let before = resolve(ROW, "");
    let changes = diff(&before, &resolve(&other, ""));
    assert_eq!(changes.len(), 1);
    assert_eq!((changes[0].direction, changes[0].what.as_str()), (Direction::Widens, "what `deploy` does"));
    assert_eq!(diff(&before, &resolve("", "")).len(), 1);
    assert_eq!(diff(&resolve("", ""), &before).len(), 1);
    assert!(diff(&before, &resolve(&format!("# the same\n{ROW}"), "")).is_empty());
}

#[test]
fn what_the_reader_of_rows_refuses_is_a_mistake_at_its_place() {
    let refuses = |row: &ProgramRow| match row.name.as_str() {
        "deploy" => Err("no action".to_owned()),
        _ => Ok(()),
    };
    let text = format!("version = 1\n[programs.ship]\nreason = \"r\"\nsource = \"s\"\n{ROW}");
    let source = Source { name: "policy.toml".to_owned(), text };
    let found = check_with(&source, Layer::User, &context(), &refuses);
    let [one] = found.list.as_slice() else { panic!("{found}") };
    assert_eq!((one.code, one.severity, one.line, one.column), ("program-row", Severity::Error, 5, 11));
    assert!(found.to_string().contains("no action"), "{found}");
    assert!(load_with(&inputs(ROW, "", ""), &TrustStore::empty(), &refuses).is_err());
    assert!(load_with(&inputs("", "", ROW), &TrustStore::empty(), &refuses).is_err());
}
