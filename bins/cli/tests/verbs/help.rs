use crate::place::Place;

#[test]
fn helps() {
    let place = Place::new("help");
    let verbs: [&[&str]; 25] = [
        &["--help"],
        &["help", "run"],
        &["help", "plan"],
        &["help", "check"],
        &["help", "why"],
        &["help", "log"],
        &["help", "verify"],
        &["help", "report"],
        &["help", "watch"],
        &["help", "doctor"],
        &["help", "policy"],
        &["help", "policy", "init"],
        &["help", "policy", "validate"],
        &["help", "policy", "diff"],
        &["help", "policy", "trust"],
        &["help", "prove"],
        &["help", "clean"],
        &["help", "agents"],
        &["help", "diff"],
        &["help", "apply"],
        &["help", "discard"],
        &["help", "layers"],
        &["help", "undo"],
        &["help", "checkpoints"],
        &["run", "--help"],
    ];
    for arguments in verbs {
        let said = place.garth(arguments).expect(0);
        assert!(said.err.is_empty(), "{}", said.err);
        let too_long: Vec<&str> = said.out.lines().filter(|line| line.chars().count() > 96).collect();
        assert!(too_long.is_empty(), "{too_long:?}");
        insta::assert_snapshot!(arguments.join("-").replace("--", ""), said.out);
    }
}

#[test]
fn tells_its_version() {
    let said = Place::new("version").garth(&["--version"]).expect(0);
    assert_eq!(said.out, format!("garth {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn suggests_a_verb() {
    let said = Place::new("suggest").garth(&["paln"]).expect(2);
    assert!(said.err.contains("plan"), "{}", said.err);
}

#[test]
fn suggests_to_run_what_is_no_verb() {
    let said = Place::new("noverb").garth(&["zzz\u{1b}[2J"]).expect(2);
    assert!(said.err.contains("hint: the verbs are run, plan, check, why"), "{}", said.err);
    assert!(said.err.contains("garth run -- zzz\\x1b[2J"), "{}", said.err);
}

#[test]
fn mistakes_in_options_end_with_2() {
    let place = Place::new("options");
    let cases: [(&[&str], &str); 5] = [
        (&["run"], "COMMAND"),
        (&["run", "--jso", "true"], "--json"),
        (&["run", "--profile", "nosuch", "true"], "known: workspace, strict"),
        (&["why"], "WHAT"),
        (&[], "Usage"),
    ];
    for (arguments, expected) in cases {
        let said = place.garth(arguments).expect(2);
        assert!(said.err.contains(expected), "{arguments:?}: {}", said.err);
        assert!(said.out.is_empty());
    }
}
