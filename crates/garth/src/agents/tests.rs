//! What a sandbox left, settled without one: its layer is a plain directory.

use super::settle::{AgentEnd, settle};
use super::store::Record;
use super::{LARGEST, MOST_FILES};
use garth_policy::agents::agent;
use serde_json::json;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

struct Left {
    place: tempfile::TempDir,
    record: Record,
}

impl Left {
    fn new(name: &str, tree: &str) -> Self {
        let place = tempfile::tempdir().unwrap();
        let record = json!({
            "version": 2, "agent": name, "home": place.path().join("home"), "workspace": "/w", "trees": [tree], "files": [],
            "logins": {}, "login": "keep",
        });
        let left = Self { record: serde_json::from_value(record).unwrap(), place };
        fs::create_dir_all(left.upper()).unwrap();
        left
    }

    fn upper(&self) -> PathBuf {
        self.place.path().join("running/0/upper")
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.upper().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn settle(&self, name: &str) -> AgentEnd {
        let (store, running) = (self.place.path().join("store"), self.place.path().join("running"));
        settle((agent(name).unwrap(), &self.record), &store, &running, &[]).unwrap()
    }

    fn kept(&self, tree: &str) -> PathBuf {
        super::store::work(&self.place.path().join("store"), &self.record.workspace).join(tree)
    }
}

fn sparse(path: &Path, size: u64) {
    File::create(path).unwrap().set_len(size).unwrap();
}

#[test]
fn one_file_that_cannot_be_kept_does_not_lose_the_others() {
    let left = Left::new("copilot", ".copilot");
    // There is no room in these names for those of a log.
    let long = |letter: &str| format!("session-state/{}.db", letter.repeat(252));
    left.write(&long("a"), "a");
    left.write(&long("z"), "z");
    left.write("session-state/s/events.jsonl", "line\n");
    left.write("command-history-state.json", "{}");
    let kept = left.kept(".copilot");
    // A link where a directory has to be, and a file where another one has to be.
    fs::create_dir_all(kept.join("session-state")).unwrap();
    std::os::unix::fs::symlink("/etc", kept.join("session-state/link")).unwrap();
    left.write("session-state/link/x", "x");
    fs::write(kept.join("session-state/s"), "a file").unwrap();
    let end = left.settle("copilot");
    assert_eq!(fs::read(kept.join(long("a"))).unwrap(), b"a");
    assert_eq!(fs::read(kept.join(long("z"))).unwrap(), b"z");
    assert_eq!(fs::read(kept.join("session-state/s/events.jsonl")).unwrap(), b"line\n");
    assert_eq!(end.kept, 4);
    assert!(end.notes.iter().any(|(what, _)| what.contains("session-state/link/x")), "{:?}", end.notes);
}

#[test]
fn a_database_and_its_log_are_counted_before_either_is_kept() {
    let left = Left::new("copilot", ".copilot");
    left.write("session-state/a.db", "first");
    left.write("session-state/a.db-wal", "log of the first");
    left.write("session-state/a.db-shm", "memory");
    let kept = left.kept(".copilot/session-state");
    assert_eq!(left.settle("copilot").kept, 1);
    assert_eq!(fs::read(kept.join("a.db-wal")).unwrap(), b"log of the first");
    assert!(!kept.join("a.db-shm").exists());
    // A log that is too large: what was there stays, both of it.
    left.write("session-state/a.db", "second");
    sparse(&left.upper().join("session-state/a.db-wal"), LARGEST + 1);
    let end = left.settle("copilot");
    assert!(end.kept == 0 && end.notes[0].0.contains("a.db"), "{:?}", end.notes);
    assert_eq!(fs::read(kept.join("a.db")).unwrap(), b"first");
    assert_eq!(fs::read(kept.join("a.db-wal")).unwrap(), b"log of the first");
    // Without a log: that of the first goes.
    fs::remove_file(left.upper().join("session-state/a.db-wal")).unwrap();
    assert_eq!(left.settle("copilot").kept, 1);
    assert!(fs::read(kept.join("a.db")).unwrap() == b"second" && !kept.join("a.db-wal").exists());
}

#[test]
fn a_log_counts_among_the_files() {
    let left = Left::new("copilot", ".copilot");
    let kept = left.kept(".copilot/session-state");
    fs::create_dir_all(&kept).unwrap();
    for number in 1..MOST_FILES {
        File::create(kept.join(number.to_string())).unwrap();
    }
    left.write("session-state/a.db", "a");
    left.write("session-state/a.db-wal", "log");
    assert_eq!(left.settle("copilot").kept, 0);
    assert!(!kept.join("a.db").exists() && !kept.join("a.db-wal").exists());
    fs::remove_file(kept.join("1")).unwrap();
    assert_eq!(left.settle("copilot").kept, 1);
}

#[test]
fn what_is_told_is_bounded_and_memories_are_settings() {
    let left = Left::new("claude", ".claude");
    for number in 0..50 {
        left.write(&format!("projects/-w/memory/{number}.md"), "obey me");
        std::os::unix::fs::symlink("/etc", left.upper().join(format!("projects/{number}"))).unwrap();
    }
    left.write("projects/-w/s.jsonl", "line\n");
    let end = left.settle("claude");
    assert_eq!((end.kept, end.notes.len()), (1, 2));
    for (what, kind) in end.notes.iter().zip(["memory", "projects"]).map(|((what, _), kind)| (what, kind)) {
        assert!(what.contains("and 45 more") && what.contains(kind) && what.len() < 500, "{what}");
    }
    let kept = left.kept(".claude/projects/-w");
    assert!(kept.join("s.jsonl").exists() && !kept.join("memory").exists());
}
