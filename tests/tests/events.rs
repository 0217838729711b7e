//! Events that real sessions make, each of the form that the published schema says.
#![cfg(target_os = "linux")]
#![expect(clippy::expect_used, reason = "tests")]

use garth_tests::{Garden, Identity, Run, everyone, start};
use rustix::process::Signal;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

const SCHEMA: &str = include_str!("../../docs/events.schema.json");

fn garth(garden: &Garden, words: &[&str]) -> Run {
    let program = garden.program().to_str().expect("text").to_owned();
    garden.outside(&[&[program.as_str()], words].concat())
}

/// Runs a command under a policy of these lines.
fn under(garden: &Garden, lines: &str, words: &[&str]) -> Run {
    let policy = garden.home.join("policy.toml");
    garden.write(&policy, format!("version = 1\n{lines}\n"));
    garth(garden, &[&["run", "--policy", policy.to_str().expect("text"), "--"], words].concat())
}

/// All records of all sessions, as the files have them.
fn records(garden: &Garden) -> Vec<Value> {
    let logs = std::fs::read_dir(garden.home.join(".local/state/garth/log")).expect("logs");
    let texts = logs.map(|entry| std::fs::read_to_string(entry.expect("an entry").path()).expect("a log"));
    let lines: Vec<String> =
        texts.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>()).collect();
    lines.iter().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// Whether a record has all members that its kind has in the schema, and no others.
fn fits(record: &Value, schema: &Value) {
    let kind = record["event"].as_str().expect("a kind");
    let form = &schema["$defs"][kind];
    assert!(form.is_object(), "{kind} is not in the schema");
    for name in form["required"].as_array().expect("what is required") {
        assert!(record.get(name.as_str().expect("text")).is_some(), "{name} is missing in {record}");
    }
    for name in record.as_object().expect("an object").keys() {
        assert!(form["properties"].get(name).is_some(), "{name} of {record} is not in the schema");
    }
}

/// How often each kind is there, after all are looked at.
fn kinds(garden: &Garden) -> BTreeMap<String, usize> {
    let schema: Value = serde_json::from_str(SCHEMA).expect("a schema");
    let mut found = BTreeMap::new();
    for record in records(garden) {
        fits(&record, &schema);
        *found.entry(record["event"].as_str().expect("a kind").to_owned()).or_default() += 1;
    }
    found
}

#[test]
fn limits_that_are_met_are_told() {
    everyone(|garden| {
        let _ = under(garden, "[limits]\ntime = \"1s\"", &["sleep", "60"]).code(124);
        let big = "b = bytearray(400 << 20)\nfor i in range(0, len(b), 4096): b[i] = 1\nimport time; time.sleep(20)";
        let _ = under(garden, "[limits]\nmemory = \"128MiB\"", &["python3", "-c", big]).code(137);
        let hits = records(garden).into_iter().filter(|record| record["event"] == "limit-hit");
        let mut limits: Vec<String> = hits
            .map(|hit| hit["limit"].as_str().expect("text").split(':').next().expect("a part").to_owned())
            .collect();
        limits.sort();
        assert_eq!(limits, ["memory", "time"]);
        assert_eq!(kinds(garden)["session-ended"], 2);
    });
}

#[test]
fn what_a_killed_session_left_is_cleaned_and_told() {
    everyone(|garden| {
        let mut command = garden.at("").command(garden.program().as_os_str());
        command.args(["run", "--cow", "--", "bash", "-c", "echo > there; sleep 100"]);
        let running = start(command, Vec::new());
        let began = Instant::now();
        let layers = garden.home.join(".local/state/garth/layers");
        let is_there = || {
            let mut entries = std::fs::read_dir(&layers).into_iter().flatten().flatten();
            entries.any(|entry| entry.path().join("0/upper/there").exists())
        };
        // The first record of a log that is not required may come later than the command's first steps.
        let logs = garden.home.join(".local/state/garth/log");
        let is_recorded = || {
            let mut entries = std::fs::read_dir(&logs).into_iter().flatten().flatten();
            entries.any(|entry| entry.metadata().is_ok_and(|file| file.len() > 0))
        };
        while !is_there() || !is_recorded() {
            assert!(began.elapsed() < Duration::from_secs(120), "it does not start");
            std::thread::sleep(Duration::from_millis(10));
        }
        running.kill(Signal::KILL);
        let _ = running.finish(Duration::from_secs(60)).signal(9);
        let cleaned = garth(garden, &["clean"]).code(0);
        assert_eq!(kinds(garden).get("log-recovered"), Some(&1), "{cleaned}");
        let verified = garth(garden, &["verify"]).code(0);
        assert!(!verified.text().contains("bad"), "{verified}");
    });
}

/// The records of a kind.
fn of_kind(garden: &Garden, kind: &str) -> Vec<Value> {
    let _all_fit = kinds(garden);
    records(garden).into_iter().filter(|record| record["event"] == kind).collect()
}

/// Runs a script where the kernel makes no namespaces any more.
fn without_namespaces(garden: &Garden, script: &str) -> Run {
    let script = format!("echo 0 > /proc/sys/user/max_user_namespaces\n{script}");
    garden.outside(&["unshare", "--user", "--map-current-user", "--keep-caps", "sh", "-c", &script])
}

/// The kernel itself holds the number of processes, and tells nobody of those that it does not start.
const CROWD: &str = "
import os, time
crowd = []
try:
    while True:
        child = os.fork()
        if child == 0:
            time.sleep(600)
            os._exit(0)
        crowd.append(child)
except BlockingIOError:
    print('crowded', flush=True)
time.sleep(5)
for child in crowd: os.kill(child, 9)
";

#[test]
fn a_limit_that_the_kernel_holds_is_told() {
    let garden = Garden::new(*Identity::all().last().expect("somebody"));
    let run = under(&garden, "[limits]\nprocesses = 40", &["python3", "-c", CROWD]);
    let hits = of_kind(&garden, "limit-hit");
    assert_eq!(hits.len(), 1, "{run}");
    assert!(hits[0]["limit"].as_str().expect("text").starts_with("processes: "), "{}", hits[0]);
    if hits[0]["ended"] == false {
        assert!(run.errors().contains("a limit was met: processes"), "{run}");
        let run = run.code(0);
        assert!(run.text().contains("crowded"), "{run}");
        // Below it nothing is told.
        let _ = under(&garden, "[limits]\nprocesses = 400", &["sh", "-c", "sleep 1 & sleep 1; wait"]).code(0);
        assert_eq!(of_kind(&garden, "limit-hit").len(), 1);
    }
}

#[test]
fn a_plan_that_the_machine_refuses_is_told_with_the_one_that_took_its_place() {
    let garden = Garden::new(*Identity::all().last().expect("somebody"));
    let script = format!("{} run --accept 'linux.landlock.*' -- sh -c 'exit 0'", garden.program().display());
    let run = without_namespaces(&garden, &script);
    let changed = of_kind(&garden, "plan-changed");
    assert_eq!((changed.len(), changed[0]["tier"].as_str()), (1, Some("landlock")), "{run}");
    assert!(!changed[0]["gaps"].as_array().expect("gaps").is_empty(), "{}", changed[0]);
    assert_eq!(of_kind(&garden, "session-ended")[0]["code"], 0, "{run}");
}

#[test]
fn what_a_killed_session_left_outside_is_removed_and_told() {
    let garden = Garden::new(*Identity::all().last().expect("somebody"));
    // The tier without namespaces has a directory of its own for the session.
    let script = format!(
        "{} run --accept 'linux.landlock.*' -- sh -c 'echo > there; exec sleep 300' & echo $! > garth; wait",
        garden.program().display()
    );
    let killer = "while ! test -e there; do sleep 0.05; done; kill -KILL $(cat garth)";
    let script = format!("rm -f there; ({killer}) & {script}");
    let _killed = without_namespaces(&garden, &script);
    let cleaned = garth(&garden, &["clean"]).code(0);
    let removed = of_kind(&garden, "residue-cleaned");
    assert!(!removed.is_empty(), "{cleaned}");
    for record in &removed {
        let path = record["path"].as_str().expect("text");
        assert!(!std::path::Path::new(path).exists(), "{record}");
        assert!(cleaned.text().contains(path), "{cleaned}");
    }
}

#[test]
fn what_fails_in_the_broker_is_told() {
    everyone(|garden| {
        let anchor = garden.home.join("anchor");
        garden.directory(&anchor);
        let file = garden.home.join(".config/garth/policy.toml");
        garden.write(&file, format!("version = 1\n[audit]\nkeep-for = \"30d\"\nanchor = {anchor:?}\n"));
        let run = garth(garden, &["run", "--", "true"]).code(0);
        let failed = of_kind(garden, "broker-error");
        assert_eq!((failed.len(), failed[0]["operation"].as_str()), (1, Some("remove old logs")), "{run}");
        assert!(!failed[0]["cause"].as_str().expect("text").is_empty(), "{}", failed[0]);
    });
}

/// What the command writes to standard error stands in no record where these go elsewhere, and the command has no way to them.
#[test]
fn records_are_written_where_the_caller_says() {
    everyone(|garden| {
        let place = garden.home.join("records");
        garden.directory(&place);
        let named = |name: &str| place.join(name).to_str().expect("text").to_owned();
        let records = |name: &str| {
            let text = std::fs::read_to_string(named(name)).expect("records");
            let records = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("a record"));
            records.collect::<Vec<_>>()
        };
        let bash = |script: &str| {
            let script = script.replace("GARTH", garden.program().to_str().expect("text"));
            garden.outside(&["bash", "-c", &script.replace("PLACE", place.to_str().expect("text"))])
        };
        let command = "sh -c 'printf part >&2; ls /proc/self/fd; exit 3'";
        let ways = [
            ("file", format!("GARTH run --json-file PLACE/file -- {command}")),
            ("given", format!("GARTH run --json-file /dev/fd/5 -- {command} 5> PLACE/given")),
            (
                "pipe",
                format!(
                    "mkfifo PLACE/p; cat PLACE/p > PLACE/pipe & GARTH run --json-file PLACE/p -- {command}; code=$?; wait; exit $code"
                ),
            ),
            (
                "channel",
                format!(
                    "exec 6> >(cat > PLACE/part; mv PLACE/part PLACE/channel); GARTH run --json-file /dev/fd/6 -- {command}; code=$?; \
                 exec 6>&-; until [ -e PLACE/channel ]; do sleep 0.01; done; exit $code"
                ),
            ),
        ];
        for (name, script) in ways {
            let run = bash(&script);
            assert_eq!(run.status.code(), Some(3), "{name}: {run}");
            assert!(run.errors().contains("part") && !run.errors().contains("\"event\""), "{name}: {run}");
            // Its three streams, and the directory that `ls` reads.
            assert_eq!(run.text().lines().count(), 4, "{name}: {run}");
            let records = records(name);
            assert_eq!(records[0]["event"], "session-started", "{name}");
            assert_eq!(records[records.len() - 1]["event"], "session-ended", "{name}");
            assert!(records.iter().enumerate().all(|(at, record)| record["sequence"] == at), "{name}");
        }
        // What stands already is not written to, nor what a link leads to.
        bash("echo mine > PLACE/mine; ln -s mine PLACE/link; ln -s new PLACE/away");
        for name in ["mine", "link", "away"] {
            let run = bash(&format!("GARTH run --json-file PLACE/{name} -- true"));
            assert_eq!(run.status.code(), Some(125), "{run}");
            assert!(run.errors().contains("cannot write records") && run.errors().contains("hint:"), "{run}");
        }
        assert_eq!(std::fs::read_to_string(named("mine")).expect("a file"), "mine\n");
        assert!(!place.join("new").exists());
        // A reader that goes away ends nothing, and it is told.
        let run = bash("GARTH run --json-file >(exit) -- sh -c 'sleep 0.2; exit 4'");
        assert_eq!(run.status.code(), Some(4), "{run}");
        assert!(run.errors().contains("not all records were written"), "{run}");
        // A session that never was has one record.
        let run = bash("GARTH run --json-file PLACE/refused --policy PLACE/none -- true");
        assert_eq!((run.status.code(), records("refused").len()), (Some(120), 1), "{run}");
        assert_eq!(records("refused")[0]["outcome"], "refused");
    });
}

/// The records are in the workspace, where the command may write: it does not come to them.
#[test]
fn records_in_the_workspace_are_kept_from_the_command() {
    everyone(|garden| {
        let garth = garden.program().to_str().expect("a name");
        let attack = "echo forged > RECORDS; echo forged >> RECORDS; rm -f RECORDS; mv RECORDS away; ln RECORDS link; ln -f plain RECORDS; true > RECORDS; cat RECORDS link away; true";
        garden.write("plain", "forged\n");
        garden.directory("sub");
        let ways = [
            ("kept.jsonl", format!("exec {garth} run --json-file kept.jsonl -- sh -c '{attack}'")),
            (
                "given.jsonl",
                format!("exec {garth} run --json-file /dev/fd/5 -- sh -c '{attack}' 5> given.jsonl"),
            ),
            (
                "sub/kept.jsonl",
                format!(
                    "exec {garth} run --json-file sub/kept.jsonl -- sh -c 'rm -rf sub; mv sub other; {attack}'"
                ),
            ),
        ];
        for (name, script) in ways {
            let run = garden.outside(&["bash", "-c", &script.replace("RECORDS", name)]);
            assert!(run.status.success() && !run.text().contains("session-started"), "{run}");
            let text = garden.read(garden.work.join(name));
            let records: Vec<Value> =
                text.lines().map(|line| serde_json::from_str(line).expect("a record")).collect();
            assert_eq!(records[0]["event"], "session-started", "{name}");
            assert_eq!(records[records.len() - 1]["event"], "session-ended", "{name}");
        }
        // The twin: other files there are the command's.
        let script =
            format!("exec {garth} run --json-file twin.jsonl -- sh -c 'echo mine > other.jsonl; rm plain'");
        let run = garden.outside(&["bash", "-c", &script]);
        assert!(run.status.success() && garden.has("other.jsonl") && !garden.has("plain"), "{run}");
    });
}
