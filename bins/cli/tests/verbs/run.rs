use crate::place::{Place, Said};
use serde_json::Value;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

#[test]
fn passes_output_and_exit_codes_through_and_is_silent() {
    let place = Place::new("codes");
    for code in [0, 1, 7, 125, 255] {
        let said = place.garth(&["run", "--", "sh", "-c", &format!("echo out; exit {code}")]).expect(code);
        assert_eq!((said.out.as_str(), said.err.as_str()), ("out\n", ""));
    }
}

#[test]
fn ends_by_the_signal_that_ended_the_command() {
    let said = Place::new("signal").garth(&["run", "sh", "-c", "kill -TERM $$"]);
    assert_eq!(said.signal, Some(15), "{}", said.err);
}

#[test]
fn programs_that_cannot_be_executed_end_as_in_shells() {
    let place = Place::new("exec");
    let said = place.garth(&["run", "--", "no-such\u{7}program"]).expect(127);
    assert!(said.err.starts_with("garth: cannot execute no-such\\x07program"), "{}", said.err);
    assert!(said.err.contains("\nhint: "), "{}", said.err);
    place.write("data", "x");
    place.garth(&["run", "--", "./data"]).expect(126);
}

#[test]
fn tells_what_was_denied_by_which_rule_and_what_would_allow_it() {
    let place = Place::new("denied");
    let said = place.garth(&["run", "--", "sh", "-c", "mkdir .vscode 2>/dev/null; exit 4"]).expect(4);
    insta::assert_snapshot!(place.plain(&said.err), @"
    garth: 1 access was denied
      mkdir: create the directory WORK/.vscode
        read-only: tasks, launch commands and interpreter paths in it run on the host (profile
        workspace)
        hint: garth run --write WORK/.vscode -- ...
    ");
    assert!(!place.work().join(".vscode").exists());
}

/// The hint is not only said: it works.
#[test]
fn the_hint_allows_what_was_denied() {
    let place = Place::new("hint");
    // What the target says on the same stream could stand in the middle of an event's line.
    let script = ["sh", "-c", "mkdir .vscode 2>/dev/null"];
    let denied = place.garth(&[&["run", "--json"], &script[..]].concat()).expect(1);
    let events = denied.events_of("file-denied");
    let option = events[0]["grant"]["option"].as_str().unwrap_or_else(|| panic!("{events:?}"));
    let (option, path) = option.split_once(' ').unwrap();
    let said = place.garth(&[&["run", option, path], &script[..]].concat()).expect(0);
    assert_eq!(said.err, "");
    assert!(place.work().join(".vscode").is_dir());
    let line = events[0]["grant"]["line"].as_str().unwrap();
    std::fs::remove_dir(place.work().join(".vscode")).unwrap();
    place.user_policy(&format!(
        "version = 1\n[{}]\n{line}\n",
        events[0]["grant"]["section"].as_str().unwrap()
    ));
    place.garth(&[&["run"], &script[..]].concat()).expect(0);
    assert!(place.work().join(".vscode").is_dir());
}

#[test]
fn tells_five_denials_and_counts_the_rest() {
    let place = Place::new("many");
    let script = "for name in .vscode .idea .claude .codex .cursor .gemini .zed; do mkdir $name; done 2>/dev/null; true";
    let said = place.garth(&["run", "--", "sh", "-c", script]).expect(0);
    assert!(said.err.starts_with("garth: 7 accesses were denied\n"), "{}", said.err);
    assert_eq!(said.err.matches("hint: garth run --write ").count(), 5);
    assert!(said.err.ends_with("  and 2 more; `garth run --json` tells each\n"), "{}", said.err);
}

#[test]
fn names_that_mislead_are_neutralised_and_the_hint_still_quotes_them() {
    let place = Place::new("names");
    let script = "mkdir .vscode; touch \"$(printf '.vscode/a\\033[2J\\377b')\" 2>/dev/null; true";
    std::fs::create_dir(place.work().join(".vscode")).unwrap();
    let said = place.garth(&["run", "--", "sh", "-c", script]).expect(0);
    assert!(!said.err.contains('\u{1b}'), "{:?}", said.err);
    assert!(said.err.contains(".vscode/a\\x1b[2J\\xffb\n"), "{}", said.err);
    assert!(said.err.contains("/.vscode/a\\x1b[2J\\xffb' -- ..."), "{}", said.err);
    let said = place.garth(&["run", "--json", "--", "sh", "-c", script]).expect(0);
    let path = said
        .events_of("file-denied")
        .iter()
        .find_map(|event| event["path"].as_str().map(str::to_owned))
        .unwrap();
    assert!(path.contains("a\u{1b}[2J\\xffb") || path.ends_with(".vscode"), "{path}");
}

/// A program's name is its own choice.
#[test]
fn names_of_programs_are_neutralised() {
    let place = Place::new("program");
    let script =
        "cp /bin/mkdir \"$(printf 'x\\033[1m')\"; \"./$(printf 'x\\033[1m')\" .vscode 2>/dev/null; true";
    let said = place.garth(&["run", "--", "sh", "-c", script]).expect(0);
    assert!(said.err.contains("  x\\x1b[1m: create the directory"), "{:?}", said.err);
}

#[test]
fn commands_and_files_may_have_any_bytes() {
    let place = Place::new("bytes");
    let name = OsStr::from_bytes(b"na\xffme\n*");
    place.write(name, "inside\n");
    let arguments: Vec<OsString> =
        ["run", "--", "cat"].iter().map(OsString::from).chain([name.to_owned()]).collect();
    assert_eq!(place.garth(&arguments).expect(0).out, "inside\n");
    let mut denying: Vec<OsString> = vec!["run".into(), "--deny".into(), name.to_owned()];
    denying.extend(arguments[1..].iter().cloned());
    let said = Said::of(&place.command().args(&denying).output().unwrap());
    assert_ne!(said.code, Some(0), "a denied file was read");
}

/// A name with the letters of a pattern is that name alone.
#[test]
fn options_take_names_literally_where_they_exist() {
    let place = Place::new("literal");
    place.write("a*", "star");
    place.write("ab", "other");
    let said = place.garth(&["run", "--deny", "a*", "--", "sh", "-c", "cat ab; cat 'a*' 2>/dev/null"]);
    assert_eq!(said.out, "other");
    let said = place.garth(&["run", "--deny", "?b", "--", "sh", "-c", "cat 'a*'; cat ab 2>/dev/null"]);
    assert_eq!(said.out, "star");
}

#[test]
fn options_are_relative_to_the_working_directory() {
    let place = Place::new("relative");
    place.write(".git/HEAD", "ref: refs/heads/main\n");
    place.write("sub/secret", "s");
    let sub = place.work().join("sub");
    let arguments = ["run", "--deny", "secret", "--", "cat", "secret"];
    let said = Said::of(&place.command().current_dir(sub).args(arguments).output().unwrap());
    assert_eq!((said.code, said.out.as_str()), (Some(1), ""), "{}", said.err);
}

#[test]
fn repositories_that_appear_are_reported() {
    let place = Place::new("repository");
    let script = "mkdir -p sub/.git/refs sub/.git/objects; echo 'ref: refs/heads/x' > sub/.git/HEAD";
    let said = place.garth(&["run", "--", "sh", "-c", script]).expect(0);
    let lines: Vec<&str> = said.err.lines().filter(|line| line.contains("became a git repository")).collect();
    assert_eq!(lines.len(), 1, "{}", said.err);
    assert!(lines[0].contains("/work/sub became"), "{}", lines[0]);
}

#[test]
fn the_time_limit_ends_with_124() {
    let place = Place::new("time");
    place.user_policy("version = 1\n[limits]\ntime = \"1s\"\n");
    let said = place.garth(&["run", "--", "sleep", "20"]).expect(124);
    assert!(
        said.err.starts_with("garth: the time limit ended the command\nlimits.time is 1s ("),
        "{}",
        said.err
    );
    assert!(said.err.contains("policy.toml:3:"), "{}", said.err);
}

#[test]
fn dangerous_workspaces_are_refused() {
    let place = Place::new("dangerous");
    let said = Said::of(&place.command().current_dir(place.home()).args(["run", "true"]).output().unwrap())
        .expect(121);
    assert!(said.err.contains("cannot be a workspace"), "{}", said.err);
    assert!(said.err.lines().last().unwrap().starts_with("hint: "), "{}", said.err);
}

#[test]
fn an_invalid_policy_is_refused_with_its_place() {
    let place = Place::new("invalid");
    place.user_policy("version = 1\n[files]\n\"~/x\" = \"wrote\"\n");
    let said = place.garth(&["run", "--", "touch", "ran"]).expect(120);
    assert!(said.err.contains("policy.toml:3:9"), "{}", said.err);
    assert!(said.err.contains("hint: did you mean `write`?"), "{}", said.err);
    assert!(!place.work().join("ran").exists());
}

#[test]
fn what_cannot_be_enforced_is_refused_until_accepted() {
    let place = Place::new("accept");
    place.user_policy("version = 1\n[limits]\ncpu = \"1\"\n");
    let said = place.garth(&["run", "--", "touch", "ran"]);
    if said.code == Some(0) {
        // A control group holds it here.
        return;
    }
    let said = said.expect(121);
    assert!(said.err.contains("--accept linux.limit.cpu"), "{}", said.err);
    assert!(!place.work().join("ran").exists());
    place.garth(&["run", "--accept", "linux.limit.cpu", "--", "touch", "ran"]).expect(0);
    assert!(place.work().join("ran").exists());
}

/// Every event has the members that the schema asks for, and no others.
fn check_schema(events: &[Value]) {
    let schema: Value = serde_json::from_str(include_str!("../../../../docs/events.schema.json")).unwrap();
    for event in events {
        let form = &schema["$defs"][event["event"].as_str().unwrap()];
        let members = event.as_object().unwrap();
        for name in form["required"].as_array().unwrap() {
            assert!(members.contains_key(name.as_str().unwrap()), "{name} is missing in {event}");
        }
        for (name, value) in members {
            let known = &form["properties"][name];
            assert!(known.is_object(), "{name} is not in the schema");
            if let Some(choices) = known["enum"].as_array() {
                assert!(choices.contains(value), "{value} is no {name}");
            }
        }
    }
}

#[test]
fn json_has_events_and_nothing_else() {
    let place = Place::new("json");
    let script = "mkdir .vscode 2>/dev/null; mkdir -p sub/.git/refs sub/.git/objects; echo 'ref: refs/heads/x' > sub/.git/HEAD; exit 9";
    let said = place.garth(&["run", "--json", "--", "sh", "-c", script]).expect(9);
    let events = said.events();
    assert_eq!(events.len(), said.err.lines().count(), "{}", said.err);
    check_schema(&events);
    // The processes that the command starts come and go meanwhile.
    let own: Vec<&Value> =
        events.iter().filter(|event| event["process"].is_null() || event["path"].is_string()).collect();
    let kinds: Vec<&str> = own.iter().map(|event| event["event"].as_str().unwrap()).collect();
    let wanted = [
        "session-started",
        "process-started",
        "file-denied",
        "process-ended",
        "repository-made",
        "list-closed",
        "list-closed",
    ];
    assert_eq!(kinds[..wanted.len()], wanted, "{}", said.err);
    assert_eq!(own[2]["operation"], "create");
    assert_eq!(own[2]["kind"], "directory");
    let starts = said.events_of("process-started");
    assert!(starts.iter().filter(|event| event["command"][0] == "mkdir").count() == 2, "{}", said.err);
    let made = said.events_of("file-changed");
    let head =
        made.iter().find(|event| event["path"].as_str().is_some_and(|path| path.ends_with(".git/HEAD")));
    assert!(head.is_some_and(|event| event["change"] == "created" && event["bytes"] == 18), "{}", said.err);
    let lists: Vec<Value> = said.events_of("list-closed").iter().map(|list| list["list"].clone()).collect();
    assert_eq!(lists, ["processes", "reads", "changes"], "{}", said.err);
    let ended = events.last().unwrap();
    assert_eq!((&ended["event"], &ended["outcome"]), (&"session-ended".into(), &"exited".into()));
    assert_eq!((&ended["code"], &ended["denied"]), (&9.into(), &1.into()));
    // They are the records of the log, to the letter.
    assert_eq!(place.log(), said.err);
}

#[test]
fn json_ends_with_an_event_also_when_nothing_ran() {
    let place = Place::new("json-end");
    let cases: [(&[&str], i32, &str); 3] = [
        (&["run", "--json", "no-such-program"], 127, "not-executed"),
        (&["run", "--json", "--policy", "no-such-file", "true"], 120, "refused"),
        (&["run", "--json", "sh", "-c", "exit 0"], 0, "exited"),
    ];
    for (arguments, code, outcome) in cases {
        let said = place.garth(arguments).expect(code);
        let events = said.events();
        check_schema(&events);
        let end = events.last().unwrap();
        assert_eq!(end["event"], "session-ended", "{}", said.err);
        assert_eq!((&end["outcome"], &end["code"]), (&Value::from(outcome), &Value::from(code)));
    }
    let said = place.garth(&["run", "--json", "sh", "-c", "kill -KILL $$"]);
    assert_eq!(said.signal, Some(9));
    assert_eq!(said.events_of("session-ended")[0]["signal"], 9);
}

#[test]
fn json_tells_of_refused_hosts() {
    let place = Place::new("json-network");
    place.user_policy(
        "version = 1\n[network]\nmode = \"allow-list\"\ndomains = { \"example.com\" = \"allow\" }\n",
    );
    let script =
        "getent hosts no.example.net; getent hosts no.example.net; getent hosts example.com >/dev/null";
    let said = place.garth(&["run", "--json", "--", "sh", "-c", script]).expect(0);
    check_schema(&said.events());
    let events = said.events_of("dns");
    let refused: Vec<&Value> = events.iter().filter(|event| event["allowed"] == false).collect();
    assert_eq!((events.len(), refused.len()), (2, 1), "{}", said.err);
    let events = refused;
    assert_eq!(events[0]["host"], "no.example.net");
    assert_eq!(events[0]["code"], "not-named");
    assert_eq!(events[0]["grant"]["line"], "\"no.example.net\" = \"allow\"");
    let said = place.garth(&["run", "--", "getent", "hosts", "no.example.net"]).expect(2);
    assert!(said.err.contains("the network refused no.example.net: no rule names the host"), "{}", said.err);
}

/// A server on the host's loopback is not the sandbox's; who tries it is told how to open it, and who tries a port at
/// which nobody is at all is told nothing.
#[test]
fn a_port_of_the_hosts_loopback_that_was_tried_has_a_hint() {
    let place = Place::new("host-port");
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = server.local_addr().unwrap().port();
    let script = format!("exec 3<>/dev/tcp/127.0.0.1/{port} || exec 3<>/dev/tcp/127.0.0.1/1");
    let said = place.garth(&["run", "--json", "--", "bash", "-c", &script]);
    let events = said.events();
    check_schema(&events);
    let refused: Vec<&Value> = events.iter().filter(|event| event["event"] == "network-denied").collect();
    // Where Landlock knows which servers are outside, connections are not looked at.
    if refused.is_empty() && said.err.contains("Connection refused") && !supervises_connections() {
        return;
    }
    assert_eq!(refused.len(), 1, "{}", said.err);
    assert_eq!((&refused[0]["host"], &refused[0]["port"]), (&Value::from("localhost"), &Value::from(port)));
    assert_eq!(refused[0]["grant"]["line"], format!("host-ports = [{port}]"));
}

/// Whether the kernel needs connections to be carried out: before Landlock ABI 9.
fn supervises_connections() -> bool {
    let place = Place::new("host-port-abi");
    let report = place.garth(&["doctor", "--json"]).json();
    let checks = report["checks"].as_array().unwrap();
    let landlock = checks.iter().find(|check| check["name"] == "landlock").unwrap();
    let found = landlock["found"].as_str().unwrap();
    found.strip_prefix("ABI ").and_then(|abi| abi.parse().ok()).is_none_or(|abi: u32| abi < 9)
}
