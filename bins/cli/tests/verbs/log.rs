use crate::place::{Place, Said};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use prost::Message;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The file of the only log.
fn file(place: &Place) -> PathBuf {
    let mut files = std::fs::read_dir(place.home().join(".local/state/garth/log")).unwrap();
    let file = files.next().unwrap().unwrap().path();
    assert!(files.next().is_none());
    file
}

fn session(place: &Place) -> String {
    file(place).file_stem().unwrap().to_str().unwrap().to_owned()
}

/// The number of the first record of a kind.
fn number(place: &Place, kind: &str) -> usize {
    let wanted = format!("\"event\":\"{kind}\"");
    place.log().lines().position(|line| line.contains(&wanted)).unwrap()
}

const SCRIPT: &str =
    "mkdir .vscode 2>/dev/null; mkdir \".vscode/$(printf 'a\\033[2Jb')\" 2>/dev/null; exit 3";

#[test]
fn a_session_is_listed_shown_and_explained() {
    let place = Place::new("log");
    assert!(place.garth(&["log"]).expect(0).out.starts_with("no session is recorded in "));
    place.garth(&["run", "--", "sh", "-c", SCRIPT]).expect(3);
    let listed = place.garth(&["log"]).expect(0);
    assert!(listed.out.contains("exited 3") && listed.out.contains("sh -c"), "{}", listed.out);
    assert!(listed.out.starts_with(&session(&place)), "{}", listed.out);
    let shown = place.garth(&["log", "last"]).expect(0);
    assert!(shown.out.contains("#0 ") && shown.out.contains("exited with 3 after "), "{}", shown.out);
    let denied = place.garth(&["log", "--denied", "--path", ".vscode", "--process", "mkdir"]).expect(0);
    assert_eq!(denied.out.matches("file-denied").count(), denied.out.lines().count() - 1, "{}", denied.out);
    assert!(place.garth(&["log", "last", "--kind", "dns"]).expect(0).out.is_empty());
    assert!(place.garth(&["log", "--until", "1h"]).expect(0).out.is_empty());
    let wrong = place.garth(&["log", "--kind", "no\u{1b}[1mkind"]).expect(2);
    assert!(wrong.err.contains("hint: session-started, ") && !wrong.err.contains('\u{1b}'), "{}", wrong.err);
    // By its number.
    let number = number(&place, "file-denied");
    let why = place.garth(&["why", &format!("last#{number}")]).expect(0);
    assert!(
        why.out.contains("file-denied at ") && why.out.contains("hint: garth run --write "),
        "{}",
        why.out
    );
    let json = place.garth(&["why", &format!("{}#{number}", session(&place)), "--json"]).expect(0).json();
    assert_eq!(json["operation"], "create");
    let missing = place.garth(&["why", "last#99"]).expect(125);
    assert!(missing.err.contains("there is no event 99"), "{}", missing.err);
}

#[test]
fn json_is_the_log_to_the_letter() {
    let place = Place::new("log-json");
    place.garth(&["run", "--", "true"]).expect(0);
    assert_eq!(place.garth(&["log", "last", "--json"]).expect(0).out, place.log());
}

/// Names inside are the attacker's.
#[test]
fn control_characters_do_not_reach_the_terminal() {
    let place = Place::new("log-names");
    std::fs::create_dir(place.work().join(".vscode")).unwrap();
    let forged = "{\"version\":1,\"event\":\"session-ended\"}\n";
    place.garth(&["run", "--", "sh", "-c", SCRIPT]).expect(3);
    place
        .garth(&["run", "--", "sh", "-c", &format!("printf '%s' '{forged}'; printf '\\033[2J' >&2")])
        .expect(0);
    let shown = place.garth(&["log", "--since", "1h"]).expect(0);
    assert!(shown.out.contains("a\\x1b[2Jb"), "{}", shown.out);
    let listed = place.garth(&["log"]).expect(0);
    for text in [&shown.out, &listed.out] {
        assert!(!text.chars().any(|letter| letter.is_control() && letter != '\n'), "{text:?}");
    }
}

#[test]
fn what_was_done_to_a_log_is_shown_with_its_first_bad_line() {
    let place = Place::new("verify");
    place.garth(&["run", "--", "sh", "-c", SCRIPT]).expect(3);
    let sound = place.garth(&["verify"]).expect(0);
    assert!(sound.out.contains("complete, "), "{}", sound.out);
    let path = file(&place);
    let whole = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = whole.split_inclusive('\n').collect();
    let made = lines.iter().position(|line| line.contains("\"mkdir\"")).unwrap() + 1;
    let made = format!(":{made}: its content is not what its hash was made of");
    let swapped = [lines[0], lines[2], lines[1]].concat();
    let cases = [
        (whole.replacen(".vscode", ".vscodf", 1), ":1: its content is not what its hash was made of"),
        (whole.replacen("\"mkdir\"", "\"mkdor\"", 1), &made),
        (lines[1..].concat(), ":1: record 0 is due here, and this is 1"),
        (swapped, ":2: record 1 is due here, and this is 2"),
        (whole[..whole.len() - 9].to_owned(), "it ends without a line break"),
    ];
    for (text, reason) in cases {
        std::fs::write(&path, text).unwrap();
        let said = place.garth(&["verify", "last"]).expect(1);
        assert!(said.out.contains("bad, ") && said.out.contains(reason), "{}", said.out);
        let said = place.garth(&["verify", path.to_str().unwrap(), "--json"]).expect(1);
        assert_eq!(said.json()["sessions"][0]["state"], "bad");
        assert_eq!(place.garth(&["why", "last#99"]).expect(125).out, "");
    }
}

#[test]
fn only_an_anchor_gives_away_what_is_cut_between_records_or_written_anew() {
    let place = Place::new("anchor");
    place.garth(&["run", "--", "sh", "-c", SCRIPT]).expect(3);
    let anchor = place.write("anchor", &place.garth(&["verify", "--head"]).expect(0).out);
    let anchor = anchor.to_str().unwrap();
    let verify = |code: i32| place.garth(&["verify", "--anchor", anchor]).expect(code).out;
    assert!(verify(0).contains(", as anchored"), "{}", verify(0));
    let path = file(&place);
    let whole = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = whole.split_inclusive('\n').collect();
    std::fs::write(&path, lines[..lines.len() - 1].concat()).unwrap();
    let cut = place.garth(&["verify"]).expect(0);
    assert!(cut.out.contains("open, ") && cut.out.contains("an anchor would tell"), "{}", cut.out);
    assert!(verify(1).contains("the log was cut"), "{}", verify(1));
    std::fs::remove_file(&path).unwrap();
    place.garth(&["verify"]).expect(0);
    assert!(verify(1).contains("there is no log of it"), "{}", verify(1));
    std::fs::write(&path, &whole).unwrap();
    let wrong = std::fs::read_to_string(anchor).unwrap();
    let (front, hash) = wrong.trim_end().rsplit_once(' ').unwrap();
    let other = if hash.starts_with('0') { "1" } else { "0" };
    place.write("anchor", &format!("{front} {other}{}\n", &hash[1..]));
    assert!(verify(1).contains("the log was written anew"), "{}", verify(1));
    place.write("anchor", "nonsense\n");
    assert!(place.garth(&["verify", "--anchor", anchor]).expect(125).err.contains("is no head of a log"));
}

/// A log that cannot be written ends a session only where the policy says so.
#[test]
fn a_log_that_cannot_be_made_is_told_once_or_is_fatal() {
    let place = Place::new("log-lost");
    let log = place.home().join(".local/state/garth/log");
    std::fs::create_dir_all(&log).unwrap();
    std::fs::set_permissions(&log, std::fs::Permissions::from_mode(0o755)).unwrap();
    let said = place.garth(&["run", "--", "touch", "ran"]).expect(0);
    assert_eq!(said.err.lines().count(), 1, "{}", said.err);
    assert!(said.err.contains("not recorded") && said.err.contains("chmod 700"), "{}", said.err);
    std::fs::remove_file(place.work().join("ran")).unwrap();
    place.user_policy("version = 1\n[audit]\nrequired = true\n");
    let said = place.garth(&["run", "--", "touch", "ran"]).expect(125);
    assert!(said.err.contains("cannot be recorded") && said.err.contains("policy.toml:3:"), "{}", said.err);
    assert!(said.err.contains("\nhint: "), "{}", said.err);
    assert!(!place.work().join("ran").exists());
    std::fs::set_permissions(&log, std::fs::Permissions::from_mode(0o700)).unwrap();
    place.garth(&["run", "--", "touch", "ran"]).expect(0);
    let plan = place.garth(&["plan", "--json", "--all", "--", "true"]).expect(0).json();
    let row =
        plan["assurance"].as_array().unwrap().iter().find(|row| row["clause"] == "audit.required = true");
    assert_eq!(row.unwrap()["status"], "enforced");
}

/// The disk is full in the middle of a session.
#[test]
fn a_full_disk_ends_a_required_session_and_everything_inside() {
    let place = Place::new("log-full");
    let log = place.home().join(".local/state/garth/log");
    std::fs::create_dir_all(&log).unwrap();
    let script =
        "n=0; while [ $n -lt 400 ]; do n=$((n+1)); mkdir .vscode/$n 2>/dev/null; done; sleep 60; touch late";
    std::fs::create_dir(place.work().join(".vscode")).unwrap();
    let run = |required: bool| {
        place.user_policy(&format!("version = 1\n[audit]\nrequired = {required}\n"));
        let script = if required { script.to_owned() } else { script.replace("sleep 60", "true") };
        let mount = format!(
            "mount -t tmpfs -o size=64k,mode=700 none {} && exec {} run -- sh -c '{script}'",
            log.display(),
            env!("CARGO_BIN_EXE_garth")
        );
        let words = ["--map-root-user", "--mount", "sh", "-c", &mount];
        let start = Instant::now();
        let said = Said::of(
            &Command::new("unshare")
                .args(words)
                .current_dir(place.work())
                .env_clear()
                .stdin(Stdio::null())
                .env("HOME", place.home())
                .env("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin")
                .output()
                .unwrap(),
        );
        (said, start.elapsed())
    };
    let (said, _) = run(false);
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert_eq!(
        said.err.matches("not recorded, or not to its end: cannot write to it: No space left").count(),
        1,
        "{}",
        said.err
    );
    assert!(place.work().join("late").exists());
    std::fs::remove_file(place.work().join("late")).unwrap();
    let (said, took) = run(true);
    assert_eq!(said.code, Some(125), "{}", said.err);
    assert!(
        said.err.contains("No space left") && said.err.contains("\nhint: make room there"),
        "{}",
        said.err
    );
    assert!(took < Duration::from_secs(40) && !place.work().join("late").exists(), "{took:?}");
}

/// A crash leaves no end, and perhaps a half of a line; `clean` closes the log, and says so in it.
#[test]
fn a_log_that_a_crash_left_is_closed_by_clean() {
    let place = Place::new("log-crash");
    let mut child = place.command().args(["run", "--", "sleep", "100"]).spawn().unwrap();
    let end = Instant::now() + Duration::from_secs(20);
    let log = place.home().join(".local/state/garth/log");
    while !log.is_dir() || !place.log().contains("process-started") {
        assert!(Instant::now() < end);
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(place.garth(&["verify"]).expect(0).out.contains("running, "));
    assert!(place.garth(&["log"]).expect(0).out.contains("runs"));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(place.garth(&["verify"]).expect(0).out.contains("open, "));
    let path = file(&place);
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, format!("{text}{}", &text[..50])).unwrap();
    assert!(place.garth(&["verify"]).expect(1).out.contains("without a line break"));
    let said = place.garth(&["clean"]).expect(0);
    assert!(said.out.contains("what was no record is in "), "{}", said.out);
    assert!(place.garth(&["verify"]).expect(0).out.contains("open, 3 sound records"));
    assert!(!place.garth(&["clean"]).expect(0).out.contains("closed"));
}

/// Whatever lies around the logs: nothing inside sees them.
#[test]
fn logs_in_the_workspace_are_hidden_and_stay_where_they_are() {
    let place = Place::new("log-inside");
    place.write(".git/HEAD", "ref: refs/heads/main\n");
    let script = "find .state -name '*.jsonl'; ls .state/garth/log; rm -rf .state/garth/log; mv .state other; \
                  mv .state/garth other; ln -s /tmp .state/garth/log; echo x > .state/garth/log/forged.jsonl; \
                  find / -name '*.jsonl' -path '*garth/log*' 2>/dev/null; true";
    let state = place.work().join(".state");
    for run in 0..2 {
        let said = Said::of(
            &place
                .command()
                .env("XDG_STATE_HOME", &state)
                .args(["run", "--", "sh", "-c", script])
                .output()
                .unwrap(),
        )
        .expect(0);
        assert!(!said.out.contains("jsonl"), "{}", said.out);
        assert!(!said.err.contains("not recorded"), "{}", said.err);
        let names: Vec<_> = std::fs::read_dir(state.join("garth/log"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(names.len(), run + 1, "{names:?}");
    }
    let verified =
        Said::of(&place.command().env("XDG_STATE_HOME", &state).args(["verify"]).output().unwrap()).expect(0);
    assert_eq!(verified.out.matches("complete, ").count(), 2, "{}", verified.out);
    // A rule that would open them is refused.
    place.user_policy("version = 1\n[files]\n\".state/garth/log/a\" = \"write\"\n");
    let refused =
        Said::of(&place.command().env("XDG_STATE_HOME", &state).args(["run", "true"]).output().unwrap())
            .expect(120);
    assert!(refused.err.contains("cannot be opened to the sandbox"), "{}", refused.err);
    place.user_policy("version = 1\n[files]\n\".state/garth/log\" = \"write\"\n");
    let said = Said::of(
        &place
            .command()
            .env("XDG_STATE_HOME", &state)
            .args(["run", "--", "ls", ".state/garth/log"])
            .output()
            .unwrap(),
    );
    assert!(!said.out.contains("jsonl"), "{}", said.out);
}

/// The place that a policy names is hidden like the usual one.
#[test]
fn a_policy_names_the_place_of_the_logs() {
    let place = Place::new("log-path");
    std::fs::create_dir(place.home().join("shared")).unwrap();
    std::fs::write(place.home().join("shared/plain"), "seen\n").unwrap();
    place.user_policy(
        "version = 1\n[audit]\npath = \"~/shared/records\"\n[files]\n\"~/shared\" = \"write\"\n",
    );
    let script =
        "cat ~/shared/plain; ls ~/shared/records; cat ~/shared/records/*; mv ~/shared/records ~/shared/other";
    let said = place.garth(&["run", "--", "sh", "-c", script]);
    assert_eq!(said.out, "seen\n", "{}", said.err);
    let records = place.home().join("shared/records");
    let files: Vec<_> = std::fs::read_dir(&records).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!((files.len(), records.metadata().unwrap().permissions().mode() & 0o777), (1, 0o700));
    assert_eq!(files[0].metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!place.home().join(".local").exists());
    assert!(place.garth(&["log"]).expect(0).out.contains("exited "));
    let named = place.garth(&["verify", "--directory", records.to_str().unwrap(), "--json"]).expect(0).json();
    assert_eq!(named["sessions"][0]["state"], "complete");
}

#[test]
fn a_running_session_can_be_followed() {
    let place = Place::new("log-follow");
    let mut child = place
        .command()
        .args(["run", "--", "sh", "-c", "sleep 1; mkdir .vscode 2>/dev/null; sleep 1"])
        .spawn()
        .unwrap();
    let end = Instant::now() + Duration::from_secs(20);
    while place.garth(&["log", "last"]).code != Some(0) {
        assert!(Instant::now() < end);
        std::thread::sleep(Duration::from_millis(20));
    }
    let followed = place.garth(&["log", "last", "--follow", "--json"]).expect(0);
    child.wait().unwrap();
    assert_eq!(followed.out, place.log());
    assert!(followed.out.contains("file-denied") && followed.out.contains("session-ended"));
}

/// A receiver of the protocol, built on the protocol's own messages: answers each request, and gives what it got.
fn receiver(
    answers: usize,
    status: &'static str,
) -> (String, std::thread::JoinHandle<Vec<ExportLogsServiceRequest>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let served = std::thread::spawn(move || {
        let mut got = Vec::new();
        for _ in 0..answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut text = Vec::new();
            let head = loop {
                let mut part = [0; 4096];
                let count = stream.read(&mut part).unwrap();
                assert!(count > 0);
                text.extend_from_slice(&part[..count]);
                if let Some(end) = text.windows(4).position(|part| part == b"\r\n\r\n") {
                    break end + 4;
                }
            };
            let lines = String::from_utf8(text[..head].to_vec()).unwrap().to_lowercase();
            assert!(lines.starts_with("post /v1/logs http/1.1\r\n"), "{lines}");
            assert!(lines.contains("content-type: application/x-protobuf\r\n"), "{lines}");
            let length = lines.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
            let mut body = text.split_off(head);
            let mut rest = vec![0; length.parse::<usize>().unwrap() - body.len()];
            stream.read_exact(&mut rest).unwrap();
            body.extend_from_slice(&rest);
            got.push(ExportLogsServiceRequest::decode(body.as_slice()).unwrap());
            write!(stream, "HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n").unwrap();
        }
        got
    });
    (url, served)
}

#[test]
fn records_are_exported_for_other_systems() {
    let place = Place::new("export");
    place.garth(&["run", "--", "sh", "-c", SCRIPT]).expect(3);
    let records = place.log().lines().count();
    let (url, served) = receiver(1, "200 OK");
    let said = place.garth(&["log", "last", "--export", "otlp", "--endpoint", &url]).expect(0);
    assert!(said.err.contains(&format!("{records} records exported")), "{}", said.err);
    let got = served.join().unwrap();
    let logs = &got[0].resource_logs[0].scope_logs[0].log_records;
    assert_eq!(logs.len(), records);
    assert_eq!(logs[0].event_name, "garth.session-started");
    assert!(logs.iter().all(|log| log.time_unix_nano > 0));
    // A receiver that does not want it, and none at all.
    let (url, served) = receiver(1, "503 Busy");
    let said = place.garth(&["log", "last", "--export", "otlp", "--endpoint", &url]).expect(125);
    assert!(said.err.contains("it answered 503"), "{}", said.err);
    served.join().unwrap();
    let said = place.garth(&["log", "--export", "otlp", "--endpoint", "http://127.0.0.1:1"]).expect(125);
    assert!(said.err.contains("Connection refused") && said.err.contains("\nhint: "), "{}", said.err);
    place.garth(&["log", "--export", "cef", "--endpoint", "http://127.0.0.1:1"]).expect(120);
    // Lines.
    let cef = place.garth(&["log", "last", "--export", "cef", "--denied"]).expect(0).out;
    assert!(
        cef.lines().all(|line| line.starts_with("CEF:0|garth|garth|") && line.contains("|file-denied|")),
        "{cef}"
    );
    assert!(!cef.is_empty() && !cef.contains('\u{1b}'));
    let ocsf = place.work().join("ocsf");
    place.garth(&["log", "last", "--export", "ocsf", "-o", ocsf.to_str().unwrap()]).expect(0);
    let text = std::fs::read_to_string(&ocsf).unwrap();
    let objects: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(objects.len(), records);
    assert!(objects.iter().any(|object| object["class_uid"] == 1001 && object["action_id"] == 2));
    place.garth(&["log", "last", "--export", "ocsf", "-o", ocsf.to_str().unwrap()]).expect(125);
    // Requests in a file, each behind its length.
    let file = place.work().join("otlp");
    place.garth(&["log", "last", "--export", "otlp", "-o", file.to_str().unwrap()]).expect(0);
    let bytes = std::fs::read(&file).unwrap();
    let length = u32::from_be_bytes(bytes[..4].try_into().unwrap());
    assert_eq!(length as usize, bytes.len() - 4);
    assert!(ExportLogsServiceRequest::decode(&bytes[4..]).is_ok());
}

/// Only a layer that is there is told of, with its name.
#[test]
fn a_layer_is_in_the_log_when_it_is_kept() {
    let place = Place::new("log-layer");
    place.garth(&["run", "--cow", "--", "true"]).expect(0);
    assert!(!place.garth(&["log", "last"]).expect(0).out.contains("layer-kept"));
    place.garth(&["run", "--cow", "--", "touch", "made"]).expect(0);
    let shown = place.garth(&["log", "last"]).expect(0).out;
    let kept = shown.lines().find(|line| line.contains("layer-kept")).unwrap();
    assert!(kept.ends_with(" changes 1 names"), "{kept}");
}
