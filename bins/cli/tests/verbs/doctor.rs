use crate::place::{Place, Said};

#[test]
fn tries_the_machine_and_agrees_with_run() {
    let place = Place::new("doctor");
    let said = place.garth(&["doctor", "--json"]);
    let report = said.json();
    let names: Vec<&str> =
        report["checks"].as_array().unwrap().iter().map(|check| check["name"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        [
            "kernel",
            "user namespaces",
            "landlock",
            "seccomp notify",
            "overlay",
            "network",
            "control groups",
            "refused reads"
        ]
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

/// Where namespaces are refused, every verb says the same, and nothing is run.
#[test]
fn without_namespaces_all_verbs_agree() {
    let place = Place::new("refused");
    let garth = |arguments: &str| Said::of(&without_namespaces(&place, arguments).output().unwrap());
    let doctor = garth("doctor").expect(121);
    assert!(doctor.out.contains("\ntier  landlock: `garth run` refuses"), "{}", doctor.out);
    assert!(doctor.out.contains("\nhint: user namespaces: "), "{}", doctor.out);
    assert!(doctor.out.contains("\nhint: refused reads: audit.reads = \"trace\""), "{}", doctor.out);
    let plan = garth("plan -- touch ran").expect(121);
    assert!(plan.out.contains("\ntier       landlock\n"), "{}", plan.out);
    let run = garth("run -- touch ran").expect(121);
    assert!(run.err.contains("--accept linux.landlock."), "{}", run.err);
    assert!(!place.work().join("ran").exists());
}

/// A call of garth where the kernel refuses user namespaces: for an ordinary user by their number, for root in a
/// changed root directory (`EPERM` of `unshare(2)`).
fn without_namespaces(place: &Place, arguments: &str) -> std::process::Command {
    use std::os::unix::fs::MetadataExt;
    let garth = env!("CARGO_BIN_EXE_garth");
    let mut command = std::process::Command::new("unshare");
    if std::fs::metadata(place.work()).unwrap().uid() == 0 {
        let root = place.home().join("root");
        std::fs::create_dir_all(&root).unwrap();
        let inside = format!("cd '{}' && exec '{garth}' {arguments}", place.work().display());
        let script = r#"mount --rbind / "$0" && exec chroot "$0" sh -c "$1""#;
        command.args(["--mount", "sh", "-c", script]).arg(root).arg(inside);
    } else {
        let script = format!("echo 0 > /proc/sys/user/max_user_namespaces && exec '{garth}' {arguments}");
        command.args(["--user", "--map-current-user", "--keep-caps", "sh", "-c", &script]);
    }
    command.current_dir(place.work()).env("HOME", place.home()).env_remove("PWD");
    command
}
