use crate::place::Place;

#[test]
fn init_writes_a_valid_policy_and_never_overwrites() {
    let place = Place::new("init");
    let said = place.garth(&["policy", "init", "--profile", "strict"]).expect(0);
    assert!(said.out.starts_with("wrote "), "{}", said.out);
    let text = std::fs::read_to_string(place.work().join("garth.toml")).unwrap();
    assert!(text.contains("profile = \"strict\""));
    place.garth(&["policy", "validate"]).expect(0);
    let again = place.garth(&["policy", "init"]).expect(125);
    assert!(again.err.contains("exists already"), "{}", again.err);
    assert_eq!(std::fs::read_to_string(place.work().join("garth.toml")).unwrap(), text);
}

#[test]
fn validate_names_each_mistake_with_its_place() {
    let place = Place::new("validate");
    place.write("good.toml", "version = 1\n");
    place.write("bad.toml", "version = 1\n[fils]\n[files]\n\"~/x\" = \"wrote\"\n");
    let said = place.garth(&["policy", "validate", "good.toml", "bad.toml"]).expect(120);
    assert!(place.plain(&said.out).contains("WORK/good.toml: valid"), "{}", said.out);
    assert!(place.plain(&said.err).contains("WORK/bad.toml:2:2"), "{}", said.err);
    assert!(place.plain(&said.err).contains("WORK/bad.toml:4:9"), "{}", said.err);
    assert!(said.err.contains("hint: did you mean `files`?"), "{}", said.err);
    let said = place.garth(&["policy", "validate", "--json", "bad.toml"]).expect(120);
    let report = said.json();
    assert_eq!(report["valid"], false);
    assert_eq!(report["files"][0]["diagnostics"].as_array().unwrap().len(), 2);
    assert_eq!(report["files"][0]["diagnostics"][1]["line"], 4);
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let place = Place::new("unreadable");
    let said = place.garth(&["policy", "validate", "no-such"]).expect(125);
    assert!(place.plain(&said.err).starts_with("garth: cannot read WORK/no-such\n"), "{}", said.err);
    std::fs::write(place.work().join("bytes"), b"version = 1 # \xff").unwrap();
    let said = place.garth(&["policy", "validate", "bytes"]).expect(120);
    assert!(said.err.contains("no UTF-8"), "{}", said.err);
}

/// What it would have narrowed is not known.
#[test]
#[cfg(target_os = "linux")]
fn a_project_whose_policy_is_no_plain_file_is_refused() {
    let place = Place::new("odd-project");
    let file = place.work().join("garth.toml");
    let refused = || {
        let said = place.garth(&["run", "--", "true"]).expect(120);
        assert!(said.err.contains("garth.toml") && said.err.contains("hint: "), "{}", said.err);
    };
    std::fs::create_dir(&file).unwrap();
    refused();
    std::fs::remove_dir(&file).unwrap();
    std::os::unix::fs::symlink("elsewhere", &file).unwrap();
    refused();
    std::fs::remove_file(&file).unwrap();
    let made = std::process::Command::new("mkfifo").arg(&file).status().unwrap();
    assert!(made.success());
    refused();
}

#[test]
fn show_has_each_clause_with_its_origin() {
    let place = Place::new("show");
    place.user_policy("version = 1\n[files]\n\"~/data\" = \"read\"\n");
    let said = place.garth(&["policy", "show", "--deny", "x"]).expect(0);
    let line = |word: &str| said.out.lines().find(|line| line.contains(word)).unwrap_or_default().to_owned();
    assert!(line("/home/data").contains("policy.toml:3:1"), "{}", said.out);
    assert!(line("/work/x").contains("--deny x"), "{}", said.out);
    assert!(line("/usr ").contains("built-in profile `workspace`"), "{}", said.out);
    let json = place.garth(&["policy", "show", "--json"]).expect(0).json();
    assert_eq!(json["profile"], "workspace");
    assert!(json["clauses"].as_array().unwrap().len() > 50);
}

#[test]
fn schema_is_a_schema() {
    let schema = Place::new("schema").garth(&["policy", "schema"]).expect(0).json();
    assert!(schema["properties"]["files"].is_object());
}

#[test]
fn diff_tells_what_widens_and_narrows() {
    let place = Place::new("diff");
    place.write("a.toml", "version = 1\n[files]\n\"one\" = \"read\"\n");
    place.write("b.toml", "version = 1\n[files]\n\"two\" = \"deny\"\n");
    let json = place.garth(&["policy", "diff", "--json", "a.toml", "b.toml"]).expect(0).json();
    let direction = |name: &str| {
        let changes = json["changes"].as_array().unwrap().clone();
        let found = changes.into_iter().find(|change| change["what"].as_str().unwrap().ends_with(name));
        found.unwrap_or_else(|| panic!("no {name} in {json}"))["direction"].clone()
    };
    assert_eq!(direction("/work/one"), "widens");
    assert_eq!(direction("/work/two"), "narrows");
    assert_eq!(place.garth(&["policy", "diff", "a.toml", "a.toml"]).expect(0).out, "both allow the same\n");
    let profiles = place.garth(&["policy", "diff", "read-only", "workspace"]).expect(0);
    assert!(profiles.out.contains("widens"), "{}", profiles.out);
    place.garth(&["policy", "diff", "a.toml", "nosuch"]).expect(125);
}

#[test]
fn test_runs_the_examples_of_rules() {
    let place = Place::new("test");
    let rule =
        "version = 1\n[[commands]]\nprefix = [\"git\", \"push\"]\ndecision = \"deny\"\nreason = \"r\"\n";
    place.write("p.toml", &format!("{rule}match = [\"git push origin\"]\nnot-match = [\"git status\"]\n"));
    let said = place.garth(&["policy", "test", "p.toml"]).expect(0);
    assert!(said.out.contains("git push origin matches; decided: deny"), "{}", said.out);
    assert!(said.out.ends_with("2 examples, 0 failed\n"), "{}", said.out);
    place.write("q.toml", &format!("{rule}match = [\"git pull\"]\n"));
    let said = place.garth(&["policy", "test", "q.toml"]).expect(120);
    assert!(said.err.contains("q.toml:6:"), "{}", said.err);
    // Read as a verdict is made: options do not hide a sub-command.
    place.write("o.toml", &format!("{rule}match = [\"git -C sub push\"]\nnot-match = [\"env git push\"]\n"));
    let said = place.garth(&["policy", "test", "o.toml"]).expect(120);
    assert!(said.out.contains("ok      git -C sub push matches; decided: deny"), "{}", said.out);
    assert!(said.out.contains("failed  env git push does not match; decided: deny"), "{}", said.out);
}

/// A project's file widens only after this very content was trusted.
#[test]
fn trust_holds_for_one_content() {
    let place = Place::new("trust");
    let widening = "version = 1\n[files]\n\".vscode\" = \"write\"\n\"made\" = \"deny\"\n";
    let project = place.write("garth.toml", &format!("{widening}[env]\nallow = [\"MY_OWN\"]\n"));
    let verdict = || {
        let said = place.garth(&["why", "--json", "MY_OWN="]).expect(0);
        said.json()["answers"][0]["verdict"].as_str().unwrap().to_owned()
    };
    assert_eq!(verdict(), "deny");
    let said = place.garth(&["policy", "trust"]).expect(0);
    assert!(said.out.contains("is trusted\nsha256 "), "{}", said.out);
    assert!(said.out.contains("widens"), "{}", said.out);
    assert!(said.out.contains("variable MY_OWN"), "{}", said.out);
    assert_eq!(verdict(), "allow");
    std::fs::write(&project, format!("{widening}[env]\nallow = [\"MY_OWN\", \"MORE\"]\n")).unwrap();
    assert_eq!(verdict(), "deny");
    let store = place.home().join(".local/state/garth/trust");
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(store).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn an_invalid_policy_is_not_trusted() {
    let place = Place::new("trust-bad");
    place.write("garth.toml", "version = 1\nprofil = \"x\"\n");
    let said = place.garth(&["policy", "trust"]).expect(120);
    assert!(said.err.contains("profile"), "{}", said.err);
    assert!(!place.home().join(".local/state/garth/trust").exists());
}
