use crate::place::Place;

#[test]
fn tries_the_machine_and_agrees_with_run() {
    let place = Place::new("doctor");
    let said = place.garth(&["doctor", "--json"]);
    let report = said.json();
    let names: Vec<&str> =
        report["checks"].as_array().unwrap().iter().map(|check| check["name"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        ["kernel", "user namespaces", "landlock", "seccomp notify", "overlay", "control groups"]
    );
    for check in report["checks"].as_array().unwrap() {
        if check["status"] == "missing" && check["name"] != "overlay" {
            assert!(!check["hints"].as_array().unwrap().is_empty(), "{check}");
        }
    }
    let ran = place.garth(&["run", "--", "true"]);
    assert_eq!(ran.code == Some(0), report["runs"] == true, "{}{}", said.out, ran.err);
    assert_eq!(said.code, Some(if report["runs"] == true { 0 } else { 121 }));
}

/// Also where no workspace could be; and nothing is left behind.
#[test]
fn works_anywhere_and_leaves_nothing() {
    let place = Place::new("doctor-home");
    let own = place.home().join("tmp");
    std::fs::create_dir(&own).unwrap();
    let output =
        place.command().current_dir(place.home()).env("TMPDIR", &own).arg("doctor").output().unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    assert!(out.contains("\ntier  "), "{out}");
    assert!(
        out.lines().filter(|line| !line.starts_with("hint:")).all(|line| line.chars().count() <= 96),
        "{out}"
    );
    assert_eq!(std::fs::read_dir(&own).unwrap().count(), 0);
}

#[test]
fn clean_finds_nothing_after_a_run() {
    let place = Place::new("clean");
    place.garth(&["run", "--", "true"]).expect(0);
    let said = place.garth(&["clean", "--check"]).expect(0);
    assert_eq!(said.out, "nothing is left of any sandbox\n");
    place.garth(&["clean"]).expect(0);
}
