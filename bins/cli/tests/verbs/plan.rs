use crate::place::Place;

#[test]
fn shows_each_clause_and_whether_run_goes() {
    let place = Place::new("plan");
    place.user_policy("version = 1\n[files]\n\"~/data\" = \"read\"\n");
    std::fs::create_dir(place.home().join("data")).unwrap();
    let said = place.garth(&["plan", "--", "touch", "ran"]).expect(0);
    assert!(!place.work().join("ran").exists());
    let lines: Vec<&str> = said.out.lines().collect();
    let words: Vec<&str> = lines[0].split_whitespace().collect();
    assert_eq!(words, ["CLAUSE", "STATUS", "MECHANISM", "ORIGIN"]);
    assert!(lines.iter().all(|line| line.chars().count() <= 96), "{}", said.out);
    assert!(!said.out.contains('\u{1b}'), "colour reached a pipe");
    assert!(said.out.contains("policy.toml:3:1"), "{}", said.out);
    assert!(said.out.contains("built-in rules for names that do not exist here"), "{}", said.out);
    assert!(said.out.ends_with("run        goes\n"), "{}", said.out);
    let all = place.garth(&["plan", "--all", "--", "true"]).expect(0);
    assert!(all.out.lines().count() > lines.len() + 50);
}

#[test]
fn ends_with_121_where_run_would_refuse() {
    let place = Place::new("plan-refuse");
    place.user_policy("version = 1\n[network]\nlisten = [3000]\n");
    let said = place.garth(&["plan", "--", "true"]).expect(121);
    assert!(said.out.contains("refuses"), "{}", said.out);
    assert!(said.out.contains("--accept linux.network.listen"), "{}", said.out);
    place.garth(&["run", "--", "true"]).expect(121);
}

#[test]
fn json_is_the_whole_plan_without_the_callers_secrets() {
    let place = Place::new("plan-json");
    let output =
        place.command().env("MY_SECRET", "hunter2").args(["plan", "--json", "--", "true"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!text.contains("hunter2"));
    let plan: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(plan["version"], 1);
    assert_eq!(plan["runs"], true);
    assert!(plan["assurance"].as_array().unwrap().len() > 100);
    for name in ["plan", "policy", "facts", "accepted", "refused", "tier", "workspace"] {
        assert!(!plan[name].is_null(), "{name}");
    }
    // It can be replayed: facts and policy read back as they are.
    let facts: garth::plan::facts::HostFacts = serde_json::from_value(plan["facts"].clone()).unwrap();
    let policy: garth::policy::Policy = serde_json::from_value(plan["policy"].clone()).unwrap();
    assert_eq!(serde_json::to_value(&facts).unwrap(), plan["facts"]);
    assert_eq!(serde_json::to_value(&policy).unwrap(), plan["policy"]);
}

#[test]
fn a_command_is_needed() {
    Place::new("plan-none").garth(&["plan"]).expect(2);
}
