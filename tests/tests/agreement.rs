//! What the kernel does in a real sandbox is what the policy decides: random nested rules, random paths.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use garth_tests::{Garden, everyone};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// A small generator (xorshift), so that a failure names a seed that shows it again.
struct Random(u64);

impl Random {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(below).unwrap()).unwrap()
    }
}

const NAMES: [&str; 4] = ["a", "b", "with space", "ü"];

/// Every directory path up to three names deep.
fn directories() -> Vec<String> {
    let mut all = vec![String::new()];
    for depth in 0..3 {
        let last: Vec<String> =
            all.iter().filter(|path| path.matches('/').count() == depth).cloned().collect();
        for parent in last {
            all.extend(NAMES.iter().map(|name| format!("{parent}/{name}")));
        }
    }
    all.retain(|path| !path.is_empty());
    all
}

/// A policy with `count` rules for directories of the workspace, and one pattern.
fn policy(random: &mut Random, count: usize, pattern: bool) -> String {
    let directories = directories();
    let mut rules = BTreeMap::new();
    for _ in 0..count {
        let place = &directories[random.next(directories.len())];
        rules.insert(place.trim_start_matches('/').to_owned(), ["deny", "read", "write"][random.next(3)]);
    }
    let mut text = String::from("version = 1\nprofile = \"workspace\"\n\n[files]\n");
    for (place, access) in rules {
        writeln!(text, "\":workspace/{place}\" = \"{access}\"").unwrap();
    }
    if pattern {
        text.push_str("\":workspace/**/secret\" = \"deny\"\n");
    }
    text
}

/// What happened inside, per file: the letters of what worked.
fn attempt(garden: &Garden, files: &[String], policy: &str) -> Vec<String> {
    let mut script = String::from("try() {\n r=\n cat \"$1\" >/dev/null 2>&1 && r=${r}r\n");
    script.push_str(" { true >> \"$1\"; } 2>/dev/null && r=${r}w\n");
    script.push_str(" { mkdir \"$1.new\"; } 2>/dev/null && r=${r}c\n echo \"[$r]\"\n}\n");
    for file in files {
        writeln!(script, "try '{file}'").unwrap();
    }
    let program = garden.program().to_str().unwrap();
    let run = garden.outside(&[program, "run", "--policy", policy, "--", "bash", "-c", &script]);
    run.text().lines().map(|line| line.trim_matches(['[', ']']).to_owned()).collect()
}

/// The same letters from the decision.
fn decide(garden: &Garden, file: &str, policy: &str) -> String {
    let allowed = |path: &str, op: &str| {
        let program = garden.program().to_str().unwrap();
        let answer = garden.outside(&[program, "why", "--json", "--policy", policy, "--op", op, path]);
        let answer: serde_json::Value = serde_json::from_str(&answer.text()).unwrap();
        answer["answers"][0]["verdict"] == "allow"
    };
    let mut letters = String::new();
    for (letter, path, op) in [
        ('r', file.to_owned(), "read"),
        ('w', file.to_owned(), "write"),
        ('c', format!("{file}.new"), "create"),
    ] {
        if allowed(&path, op) {
            letters.push(letter);
        }
    }
    letters
}

fn agree(garden: &Garden, seed: u64, pattern: bool) {
    let mut random = Random(seed);
    let text = policy(&mut random, 8, pattern);
    let policy = garden.scratch.join("policy.toml");
    garden.write(&policy, &text);
    let policy = policy.to_str().unwrap();
    let directories = directories();
    let mut files = Vec::new();
    for directory in &directories {
        garden.directory(format!(".{directory}"));
        for name in ["file", "secret"] {
            garden.write(format!(".{directory}/{name}"), "x");
            files.push(format!(".{directory}/{name}"));
        }
    }
    let happened = attempt(garden, &files, policy);
    assert_eq!(happened.len(), files.len(), "seed {seed}");
    for _ in 0..12 {
        let at = random.next(files.len());
        let decided = decide(garden, &files[at], policy);
        assert_eq!(happened[at], decided, "{} with seed {seed} and\n{text}", files[at]);
    }
}

#[test]
fn nested_rules_hold_as_decided() {
    everyone(|garden| agree(garden, 0x5eed_0001, false));
    everyone(|garden| agree(garden, 0x5eed_0002, false));
}

#[test]
fn patterns_hold_as_decided() {
    everyone(|garden| agree(garden, 0x5eed_0003, true));
    everyone(|garden| agree(garden, 0x5eed_0004, true));
}
