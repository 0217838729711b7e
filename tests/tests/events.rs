//! Events that real sessions make, each of the form that the published schema says.
#![cfg(target_os = "linux")]
#![expect(clippy::expect_used, reason = "tests")]

use garth_tests::{Garden, Run, everyone, start};
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
        while !is_there() {
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
