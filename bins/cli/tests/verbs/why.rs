use crate::place::Place;
use serde_json::Value;

fn answers(place: &Place, arguments: &[&str]) -> Vec<Value> {
    let said = place.garth(&[&["why", "--json"], arguments].concat()).expect(0);
    said.json()["answers"].as_array().unwrap().clone()
}

#[test]
fn tells_each_operation_of_a_path() {
    let place = Place::new("why");
    let all = answers(&place, &[".vscode"]);
    let verdicts: Vec<(&str, &str)> = all
        .iter()
        .map(|answer| (answer["operation"].as_str().unwrap(), answer["verdict"].as_str().unwrap()))
        .collect();
    assert_eq!(
        verdicts,
        [("read", "allow"), ("write", "deny"), ("create", "deny"), ("delete", "deny"), ("execute", "allow")]
    );
    let create = answers(&place, &[".vscode", "--op", "create"]);
    assert_eq!(create.len(), 1);
    assert!(create[0]["grant"]["line"].as_str().unwrap().ends_with("/work/.vscode\" = \"write\""));
    assert_eq!(create[0]["status"], "enforced");
    let said = place.garth(&["why", ".vscode"]).expect(0);
    insta::assert_snapshot!(place.plain(&said.out), @r#"
    WORK/.vscode
      read, execute: allow
        read-only: tasks, launch commands and interpreter paths in it run on the host (profile
        workspace)
        enforced: read-only mount where it exists; its creation is supervised
      write, create, delete: deny
        read-only: tasks, launch commands and interpreter paths in it run on the host (profile
        workspace)
        enforced: read-only mount where it exists; its creation is supervised
        hint: in your policy: [files] "WORK/.vscode" = "write"
        hint: garth run --write WORK/.vscode -- ...
    "#);
}

/// What `why` says is what `run` does.
#[test]
fn agrees_with_run() {
    let place = Place::new("why-run");
    for (name, verdict) in [("plain", "allow"), (".mcp.json", "deny"), (".envrc", "deny")] {
        assert_eq!(answers(&place, &[name, "--op", "create"])[0]["verdict"], verdict, "{name}");
        let ran = place.garth(&["run", "--", "sh", "-c", &format!("echo x > {name}")]);
        assert_eq!(ran.code == Some(0), verdict == "allow", "{name}: {}", ran.err);
    }
}

#[test]
fn names_the_users_own_rule_with_its_line() {
    let place = Place::new("why-user");
    place.user_policy("version = 1\n[files]\n\"~/data\" = \"read\"\n");
    let read = answers(&place, &["~/data/x", "--op", "read"]);
    assert_eq!((&read[0]["verdict"], &read[0]["origin"]["line"]), (&Value::from("allow"), &Value::from(3)));
}

#[test]
fn follows_links_to_what_is_decided_on() {
    let place = Place::new("why-link");
    std::os::unix::fs::symlink("/etc/shadow", place.work().join("link")).unwrap();
    let said = place.garth(&["why", "link", "--op", "read"]).expect(0);
    assert!(said.out.contains("leads to /etc/shadow"), "{}", said.out);
    assert!(said.out.contains("read: deny"), "{}", said.out);
}

#[test]
fn promises_no_grant_that_a_policy_may_not_give() {
    let place = Place::new("why-none");
    let write = answers(&place, &["/usr/bin/env", "--op", "write"]);
    assert_eq!(write[0]["verdict"], "deny");
    assert_eq!(write[0]["grant"], Value::Null);
    place.garth(&["run", "--write", "/usr/bin/env", "true"]).expect(120);
}

#[test]
fn tells_hosts_and_variables() {
    let place = Place::new("why-other");
    let host = answers(&place, &["example.com:443"]);
    assert_eq!(host[0]["verdict"], "deny");
    assert_eq!(host[0]["grant"]["line"], "\"example.com\" = \"allow\"");
    assert_eq!(host[0]["hint"], "garth run --allow example.com -- ...");
    assert_eq!(answers(&place, &["LD_PRELOAD="])[0]["verdict"], "deny");
    assert_eq!(answers(&place, &["PATH="])[0]["verdict"], "allow");
}

#[test]
fn tells_of_a_host_what_the_broker_would_say() {
    let place = Place::new("why-host");
    place.user_policy(
        "version = 1\n[network]\nmode = \"allow-list\"\nhost-ports = [8123]\n\
         domains = { \"example.com\" = \"allow\", \"git.example.com:22\" = \"allow\", \"bad.example.com\" = \"deny\" }\n",
    );
    let verdict = |what: &str| {
        let answers = answers(&place, &[what]);
        let said = answers.iter().map(|answer| {
            let [operation, verdict] =
                ["operation", "verdict"].map(|key| answer[key].as_str().unwrap().to_owned());
            format!("{operation}: {verdict}")
        });
        said.collect::<Vec<_>>().join("; ")
    };
    assert_eq!(verdict("example.com"), "connect to port 443: allow; connect to port 80: allow");
    assert_eq!(verdict("git.example.com:22"), "connect: allow");
    let git = "connect to port 443: deny; connect to port 80: deny; connect to port 22: allow";
    assert_eq!(verdict("git.example.com"), git);
    assert_eq!(verdict("localhost:8123"), "connect: allow");
    assert_eq!(verdict("localhost:8124"), "connect: deny");
    assert_eq!(verdict("0x7f.1"), "connect to port 443: deny; connect to port 80: deny");
    let metadata = answers(&place, &["169.254.169.254:80"]);
    assert_eq!((metadata[0]["verdict"].as_str(), &metadata[0]["grant"]), (Some("deny"), &Value::Null));
    assert_eq!(answers(&place, &["bad.example.com:443"])[0]["origin"]["line"], 5);
    let said = place.garth(&["why", "example.org"]).expect(0);
    insta::assert_snapshot!(place.plain(&said.out), @r#"
    example.org
      connect to port 443: deny
        no rule names the host
        enforced: network namespace in which every connection and name ends at the broker, which decides and connects
        hint: in your policy: [network.domains] "example.org" = "allow"
        hint: garth run --allow example.org -- ...
      connect to port 80: deny
        no rule names the host
        enforced: network namespace in which every connection and name ends at the broker, which decides and connects
        hint: in your policy: [network.domains] "example.org:80" = "allow"
        hint: garth run --allow example.org:80 -- ...
    "#);
}
