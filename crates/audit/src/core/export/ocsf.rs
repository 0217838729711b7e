//! Objects of the Open Cybersecurity Schema Framework, version 1.3.0 (<https://schema.ocsf.io/1.3.0/>).
//!
//! Files are File System Activity (1001), commands and processes Process Activity (1007), connections Network Activity
//! (4001), names DNS Activity (4003). For what has no class there the Base Event (0) is used, with the kind as the name of
//! the activity. The record itself is in `unmapped`.

use super::{Weight, weight};
use crate::core::event::{Change, CommandVetted, Dns, Event, FileDenied, NetworkDecided};
use crate::core::record::Record;
use crate::core::{NetworkAllowed, NetworkDenied};
use serde_json::{Map, Value, json};

/// Version of the framework.
const VERSION: &str = "1.3.0";

/// A class of the framework with what is particular to an event.
struct Class {
    category: u32,
    class: u32,
    activity: u32,
    members: Value,
    /// Something decided on it: whether it was allowed.
    allowed: Option<bool>,
}

/// The record as an object of the framework. `version` is that of garth.
#[must_use]
pub fn object(record: &Record, version: &str) -> Value {
    let event = &record.event;
    let Class { category, class, activity, members, allowed } = class(event);
    let kind = event.kind();
    let profiles: &[&str] = if allowed.is_some() { &["security_control"] } else { &[] };
    let mut object = json!({
        "category_uid": category,
        "class_uid": class,
        "activity_id": activity,
        "type_uid": class * 100 + activity,
        "time": record.time.micros() / 1000,
        "severity_id": match weight(event) {
            Weight::Plain => 1,
            Weight::Refused => 2,
            Weight::Trouble => 3,
        },
        "message": kind.description(),
        "metadata": {
            "version": VERSION,
            "product": { "name": "garth", "vendor_name": "garth", "version": version },
            "profiles": profiles,
            "uid": record.id(),
            "sequence": record.sequence,
            "correlation_uid": record.session.as_str(),
            "event_code": kind.name(),
            "log_name": "garth",
        },
        "unmapped": serde_json::to_value(event).unwrap_or_default(),
    });
    if let (Some(whole), Value::Object(members)) = (object.as_object_mut(), members) {
        whole.extend(members);
        if activity == 99 {
            whole.insert("activity_name".to_owned(), json!(kind.name()));
        }
        if let Some(allowed) = allowed {
            // Allowed and Allowed, or Denied and Blocked.
            let (action, status) = if allowed { (1, 1) } else { (2, 2) };
            whole.extend([
                ("action_id".to_owned(), json!(action)),
                ("disposition_id".to_owned(), json!(action)),
                ("status_id".to_owned(), json!(status)),
            ]);
        }
    }
    object
}

fn class(event: &Event) -> Class {
    match event {
        Event::FileDenied(denied) => file_denied(denied),
        Event::FileChanged(changed) => {
            let activity = match changed.change {
                Change::Created => 1,
                Change::Modified => 3,
                Change::Deleted => 4,
                Change::Renamed => 5,
            };
            let kind = file_kind(changed.kind.as_deref());
            let mut file = file(&changed.path, kind);
            if let (Some(bytes), Some(file)) = (changed.bytes, file.as_object_mut()) {
                file.insert("size".to_owned(), json!(bytes));
            }
            let members = json!({ "file": file, "actor": {}, "device": device() });
            Class { category: 1, class: 1001, activity, members, allowed: None }
        }
        Event::CommandVetted(vetted) => command_vetted(vetted),
        Event::ProcessStarted(started) => {
            let members = json!({
                "process": process(&started.program, &started.command, started.process),
                "actor": {},
                "device": device(),
            });
            Class { category: 1, class: 1007, activity: 1, members, allowed: None }
        }
        Event::ProcessEnded(ended) => {
            let mut members = json!({
                "process": { "name": "command", "pid": ended.process },
                "actor": {},
                "device": device(),
            });
            if let (Some(code), Some(members)) = (ended.code, members.as_object_mut()) {
                members.insert("exit_code".to_owned(), json!(code));
            }
            Class { category: 1, class: 1007, activity: 2, members, allowed: None }
        }
        Event::NetworkAllowed(NetworkAllowed(decided)) => network(decided, true),
        Event::NetworkDenied(NetworkDenied(decided)) => network(decided, false),
        Event::NetworkClosed(closed) => {
            let members = json!({
                "dst_endpoint": { "hostname": closed.host, "port": closed.port },
                "traffic": { "bytes_out": closed.sent, "bytes_in": closed.received },
                "duration": closed.milliseconds,
            });
            Class { category: 4, class: 4001, activity: 2, members, allowed: None }
        }
        Event::Dns(asked) => dns(asked),
        _ => Class { category: 0, class: 0, activity: 99, members: json!({}), allowed: None },
    }
}

/// The kind of a file by its number there.
fn file_kind(kind: Option<&str>) -> u32 {
    match kind {
        Some("file") => 1,
        Some("directory") => 2,
        Some("symlink") => 7,
        Some(_) => 99,
        None => 0,
    }
}

fn file_denied(denied: &FileDenied) -> Class {
    let activity = match denied.operation.as_str() {
        "read" | "list" | "execute" => 2,
        "create" | "link" => 1,
        "write" => 3,
        "delete" => 4,
        "move-from" | "move-to" => 5,
        "metadata" => 8,
        _ => 99,
    };
    let kind = file_kind(denied.kind.as_deref());
    let members = json!({
        "file": file(&denied.path, kind),
        "actor": { "process": { "name": denied.program } },
        "device": device(),
        "status_detail": denied.reason,
    });
    Class { category: 1, class: 1001, activity, members, allowed: Some(false) }
}

fn command_vetted(vetted: &CommandVetted) -> Class {
    let members = json!({
        "process": process(&vetted.file, &vetted.command, None),
        "actor": { "process": { "name": vetted.program } },
        "device": device(),
        "status_detail": vetted.reason,
    });
    Class { category: 1, class: 1007, activity: 1, members, allowed: Some(vetted.allowed) }
}

fn network(decided: &NetworkDecided, allowed: bool) -> Class {
    let mut endpoint = Map::from_iter([("port".to_owned(), json!(decided.port))]);
    endpoint.extend(decided.host.iter().map(|host| ("hostname".to_owned(), json!(host))));
    endpoint.extend(decided.address.iter().map(|address| ("ip".to_owned(), json!(address))));
    let members = json!({
        "dst_endpoint": endpoint,
        "connection_info": { "protocol_name": "tcp", "direction_id": 2, "uid": decided.connection.to_string() },
        "status_detail": decided.reason,
    });
    // Opened, or refused.
    let activity = if allowed { 1 } else { 5 };
    Class { category: 4, class: 4001, activity, members, allowed: Some(allowed) }
}

fn dns(asked: &Dns) -> Class {
    // No error, or the name does not exist: what the asking program was told.
    let code = if asked.allowed { 0 } else { 3 };
    let members = json!({
        "query": { "hostname": asked.host.as_deref().unwrap_or_default() },
        "rcode_id": code,
        "dst_endpoint": { "name": "garth" },
        "status_detail": asked.reason,
    });
    Class { category: 4, class: 4003, activity: 2, members, allowed: Some(asked.allowed) }
}

fn file(path: &str, kind: u32) -> Value {
    let name = path.rsplit(['/']).next().unwrap_or(path);
    json!({ "name": name, "path": path, "type_id": kind })
}

fn process(program: &str, command: &[String], number: Option<u32>) -> Value {
    let name = program.rsplit('/').next().unwrap_or(program);
    let mut process = json!({ "name": name, "cmd_line": command.join(" ") });
    if let (Some(number), Some(process)) = (number, process.as_object_mut()) {
        process.insert("pid".to_owned(), json!(number));
    }
    process
}

/// The machine. The log names no machine: who collects logs knows where they come from.
fn device() -> Value {
    json!({ "type_id": 0, "name": "host" })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{every_event, record};
    use super::*;

    /// What the framework requires of each class beside what the base has.
    const REQUIRED: [(u64, &[&str]); 5] = [
        (0, &[]),
        (1001, &["actor", "device", "file"]),
        (1007, &["actor", "device", "process"]),
        (4001, &["dst_endpoint"]),
        (4003, &["query", "dst_endpoint"]),
    ];

    #[test]
    fn every_event_has_what_its_class_requires() {
        for event in every_event() {
            let kind = event.kind().name();
            let object = object(&record(event), "0.1.0");
            for name in
                ["activity_id", "category_uid", "class_uid", "metadata", "severity_id", "time", "type_uid"]
            {
                assert!(!object[name].is_null(), "{kind} lacks {name}");
            }
            let class = object["class_uid"].as_u64().unwrap();
            let (_, required) = REQUIRED.iter().find(|(known, _)| *known == class).unwrap();
            for name in *required {
                assert!(object[*name].is_object(), "{kind} lacks {name}");
            }
            assert_eq!(object["type_uid"], class * 100 + object["activity_id"].as_u64().unwrap());
            assert_eq!(object["category_uid"], class / 1000, "{kind}");
            for name in ["version", "product", "uid"] {
                assert!(!object["metadata"][name].is_null(), "{kind} lacks metadata.{name}");
            }
            assert_eq!(object["activity_id"] == 99, object["activity_name"].is_string(), "{kind}");
            let decided = !object["action_id"].is_null();
            assert_eq!(object["metadata"]["profiles"].as_array().unwrap().len(), usize::from(decided));
            assert_eq!(object["unmapped"]["event"], kind);
        }
    }

    #[test]
    fn a_refusal_is_denied_and_blocked() {
        let denied = every_event().into_iter().find(|event| event.kind().name() == "file-denied").unwrap();
        let object = object(&record(denied), "0.1.0");
        assert_eq!((&object["class_uid"], &object["activity_id"]), (&json!(1001), &json!(1)));
        assert_eq!((&object["action_id"], &object["disposition_id"]), (&json!(2), &json!(2)));
        assert_eq!(object["file"], json!({ "name": "c", "path": "/w/c", "type_id": 2 }));
        assert_eq!(object["actor"]["process"]["name"], "mkdir");
    }
}
