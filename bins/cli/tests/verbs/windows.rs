//! Recorded Windows machines, looked at from here.

use crate::place::{Place, Said};
use serde_json::Value;
use std::path::{Path, PathBuf};

const MACHINES: [&str; 6] = ["home", "pro-domain", "german", "cjk", "onedrive", "dev-drive"];

fn facts(name: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../crates/plan/tests/facts");
    directory.join(format!("windows-{name}.json"))
}

/// `garth VERB --os windows --facts FILE ...` for a machine.
fn of(place: &Place, verb: &str, machine: &str, more: &[&str]) -> Said {
    let mut command = place.command();
    command.args([verb, "--os", "windows", "--facts"]).arg(facts(machine)).args(more);
    Said::of(&command.output().unwrap())
}

#[test]
fn plans_of_six_machines() {
    let place = Place::new("windows-plans");
    for machine in MACHINES {
        let said = of(&place, "plan", machine, &["--", "git", "status"]);
        assert!(said.err.is_empty(), "{}", said.err);
        insta::assert_snapshot!(format!("plan-{machine}"), said.out);
    }
    for (machine, tier) in [("home", "restricted"), ("dev-drive", "vm")] {
        let said = of(&place, "plan", machine, &["--tier", tier, "--", "git", "status"]);
        assert!(said.err.is_empty(), "{}", said.err);
        insta::assert_snapshot!(format!("plan-{machine}-{tier}"), said.out);
    }
}

#[test]
fn every_change_of_the_plan_is_shown_with_its_entries() {
    let place = Place::new("windows-whole");
    for machine in MACHINES {
        let shown = of(&place, "plan", machine, &["--all", "--", "git", "status"]).out;
        let said = of(&place, "plan", machine, &["--json", "--", "git", "status"]);
        let plan: garth::plan::windows::spec::Plan =
            serde_json::from_value(said.json()["plan"].clone()).unwrap();
        let made = &plan.preparation;
        let mut wanted: Vec<String> = made.directories.iter().map(|made| made.security.to_string()).collect();
        wanted.extend(made.guards.iter().map(|guard| guard.security.to_string()));
        wanted.extend(made.reservations.iter().map(|taken| taken.security.to_string()));
        wanted.extend(made.reservations.iter().map(|taken| taken.path.to_string()));
        wanted.extend(made.pins.iter().map(|pin| format!("hold open      {}", pin.path)));
        for grant in &made.grants {
            wanted.push(grant.path.to_string());
            wanted.push(grant.entries.iter().map(ToString::to_string).collect());
        }
        wanted.extend(plan.launch.environment.clone());
        wanted.extend(plan.narrower.iter().map(|entry| entry.reason.clone()));
        for text in wanted {
            assert!(shown.contains(&text), "{machine}: {text}");
        }
        assert!(plan.preparation.undo().count() > 3);
    }
}

#[test]
fn json_holds_what_a_plan_for_linux_holds() {
    let place = Place::new("windows-json");
    let said = of(&place, "plan", "home", &["--json", "--", "git", "status"]);
    let whole = said.json();
    let here = place.garth(&["plan", "--json", "--", "true"]).json();
    let names = |of: &Value| of.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&whole), names(&here));
    assert_eq!(whole["tier"], "container");
    assert!(!said.out.contains("NODE_OPTIONS"), "a variable that does not enter is told");
}

#[test]
fn the_policy_is_that_of_the_machine() {
    let place = Place::new("windows-policy");
    // This machine's own policy has no say there.
    place.user_policy("version = 1\nprofile = \"strict\"\n");
    let file = place.write("other.toml", "version = 1\n[files]\n\"~/notes\" = \"write\"\n");
    let profile = |said: &Said| said.json()["policy"]["profile"]["value"].clone();
    assert_eq!(profile(&of(&place, "plan", "home", &["--json", "--", "git"])), "workspace");
    let more = ["--json", "--policy", file.to_str().unwrap(), "--write", "D:\\work", "--", "git"];
    let out = of(&place, "plan", "home", &more).out;
    assert!(out.contains("C:\\\\Users\\\\ada\\\\notes"), "a home of the machine");
    assert!(out.contains("D:\\\\work = write"));
    let said = of(&place, "plan", "home", &["--json", "--profile", "read-only", "--", "git"]);
    assert_eq!(profile(&said), "read-only");
}

#[test]
fn what_cannot_be_planned_is_said_with_the_remedy() {
    let place = Place::new("windows-refused");
    let cases: [(&[&str], i32, &str, &str); 7] = [
        (
            &["--workspace", "C:\\Windows\\System32", "--", "git"],
            121,
            "a directory of the system",
            "--workspace",
        ),
        (&["--tier", "account", "--", "git"], 121, "not built yet", "--tier container"),
        (&["--tier", "vm", "--", "git"], 121, "Windows Sandbox", "--tier container"),
        (&["--", "pwsh", "-c", "1"], 121, "Store", "MSI package"),
        (&["--", "ruby"], 121, "was not recorded", "garth doctor --facts"),
        (&["--workspace", "C:\\", "--", "git"], 120, "holds your whole home", "--workspace"),
        (&["--cow", "--", "git"], 121, "--cow", "leave it out"),
    ];
    for (more, code, why, hint) in cases {
        let said = of(&place, "plan", "home", more).expect(code);
        assert!(said.err.contains(why) && said.err.contains(hint), "{more:?}: {}", said.err);
        assert_eq!(said.err.matches("hint:").count(), 1, "{}", said.err);
    }
    let file = place.write("facts.json", "{\n  \"contexts\": 1\n}\n");
    let said = place.garth(&["plan", "--os", "windows", "--facts", file.to_str().unwrap(), "--", "git"]);
    let said = said.expect(125);
    assert!(said.err.contains("line 2, column") && said.err.contains("hint: record"), "{}", said.err);
    place.garth(&["plan", "--os", "windows", "--", "git"]).expect(2);
    place.garth(&["plan", "--facts", "x", "--", "git"]).expect(2);
    let said = place.garth(&["plan", "--os", "windows", "--facts", "gone.json", "--", "git"]).expect(125);
    assert!(said.err.contains("cannot read gone.json"), "{}", said.err);
}

/// Whether a value is what a schema says, with what this schema uses of the language.
fn fits(value: &Value, form: &Value, schema: &Value) -> Result<(), String> {
    if let Some(name) = form["$ref"].as_str().and_then(|name| name.strip_prefix("#/$defs/")) {
        return fits(value, &schema["$defs"][name], schema);
    }
    if let Some(forms) = form["oneOf"].as_array() {
        let fitting = forms.iter().filter(|form| fits(value, form, schema).is_ok()).count();
        return if fitting == 1 { Ok(()) } else { Err(format!("{value} fits {fitting} forms of {form}")) };
    }
    if let Some(choices) = form["enum"].as_array() {
        return if choices.contains(value) { Ok(()) } else { Err(format!("{value} is none of {form}")) };
    }
    let is_right = match form["type"].as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("integer") => value.is_u64(),
        Some("boolean") => value.is_boolean(),
        Some("null") => value.is_null(),
        other => return Err(format!("the schema says {other:?} of {value}")),
    };
    if !is_right {
        return Err(format!("{value} is no {}", form["type"]));
    }
    for name in form["required"].as_array().into_iter().flatten() {
        if value.get(name.as_str().unwrap_or_default()).is_none() {
            return Err(format!("{name} is missing"));
        }
    }
    for (name, member) in value.as_object().into_iter().flatten() {
        let known = form["properties"].get(name).or_else(|| form.get("additionalProperties"));
        let known = known.filter(|known| known.is_object()).ok_or_else(|| format!("{name} is unknown"))?;
        fits(member, known, schema).map_err(|why| format!("{name}: {why}"))?;
    }
    let items = value.as_array().into_iter().flatten();
    let forms = form["prefixItems"].as_array();
    for (at, item) in items.enumerate() {
        let form = forms.and_then(|forms| forms.get(at)).unwrap_or(&form["items"]);
        fits(item, form, schema).map_err(|why| format!("{at}: {why}"))?;
    }
    Ok(())
}

#[test]
fn the_schema_of_facts_says_what_they_are() {
    let schema = include_str!("../../../../docs/windows-facts.schema.json");
    let schema: Value = serde_json::from_str(schema).unwrap();
    for machine in MACHINES {
        let text = std::fs::read_to_string(facts(machine)).unwrap();
        let recorded: Value = serde_json::from_str(&text).unwrap();
        fits(&recorded, &schema, &schema).unwrap_or_else(|why| panic!("{machine}: {why}"));
        // What garth writes, and with a member too many or too few.
        let read: garth::plan::windows::facts::HostFacts = serde_json::from_str(&text).unwrap();
        let mut written = serde_json::to_value(&read).unwrap();
        fits(&written, &schema, &schema).unwrap();
        written["system"]["more"] = true.into();
        assert!(fits(&written, &schema, &schema).is_err());
        assert!(serde_json::from_value::<garth::plan::windows::facts::HostFacts>(written.clone()).is_err());
        written["system"].as_object_mut().unwrap().remove("more");
        written["user"].as_object_mut().unwrap().remove("logon");
        assert!(fits(&written, &schema, &schema).is_err());
    }
}

#[test]
fn a_recorded_machine_is_diagnosed() {
    let place = Place::new("windows-doctor");
    for machine in MACHINES {
        let file = facts(machine);
        let from = ["doctor", "--from", file.to_str().unwrap()];
        let said = place.garth(&from).expect(0);
        assert!(said.err.is_empty(), "{}", said.err);
        insta::assert_snapshot!(format!("doctor-{machine}"), said.out);
        let json = place.garth(&[&from[..], &["--json"]].concat()).expect(0).json();
        assert_eq!(json["tier"], "container");
        assert!(json["checks"].as_array().unwrap().len() > 20);
    }
    // With a policy that no machine holds it says so, and ends as `run` would.
    let mut recorded: Value = serde_json::from_str(&std::fs::read_to_string(facts("home")).unwrap()).unwrap();
    let text = "version = 1\nprofile = \"strict\"\n";
    recorded["policies"]["user"] = serde_json::json!({ "name": "policy.toml", "text": text });
    let file = place.write("strict.json", &recorded.to_string());
    let said = place.garth(&["doctor", "--from", file.to_str().unwrap()]).expect(121);
    assert!(said.out.contains("--accept windows.container.delegates"), "{}", said.out);
    let said = place.garth(&["doctor", "--facts", "x.json"]).expect(125);
    assert!(said.err.contains("--from FILE"), "{}", said.err);
}

#[test]
fn why_answers_for_paths_hosts_and_variables_of_a_machine() {
    let place = Place::new("windows-why");
    let why = |what: &[&str]| of(&place, "why", "home", what).expect(0).out;
    let cases: [(&[&str], &[&str]); 7] = [
        (&["~/.ssh/id_ed25519"], &["read, write, create, delete, execute: deny", "the planned token cannot"]),
        (
            &["C:\\Users\\ada\\source\\project\\src\\main.rs", "--op", "write"],
            &["write: allow", "the planned token can"],
        ),
        (&[".git/hooks/pre-commit", "--op", "create"], &["create: deny", "the planned token cannot"]),
        (
            &["C:\\Program Files\\Git\\cmd\\git.exe", "--op", "execute"],
            &["execute: allow", "the planned token can"],
        ),
        (&["D:\\elsewhere\\x", "--op", "read"], &["read: deny"]),
        (&["example.com"], &["connect to port 443", "deny"]),
        (&["NODE_OPTIONS="], &["pass on: deny"]),
    ];
    for (what, wanted) in cases {
        let out = why(what);
        for text in wanted {
            assert!(out.contains(text), "{what:?}, {text}: {out}");
        }
    }
    let json = of(&place, "why", "home", &["--json", "~/.ssh"]).expect(0).json();
    let here = place.garth(&["why", "--json", "/etc/shadow"]).expect(0).json();
    let names = |of: &Value| of.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&json), names(&here));
    assert_eq!(names(&json["answers"][0]), names(&here["answers"][0]));
    let said = of(&place, "why", "home", &["git push origin main"]).expect(125);
    assert!(said.err.contains("hint: garth check 'git push origin main'"), "{}", said.err);
}
