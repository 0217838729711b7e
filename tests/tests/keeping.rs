//! How long logs are kept, with the command line as users have it.
#![cfg(target_os = "linux")]
#![expect(clippy::expect_used, reason = "a test that cannot go on says why")]

use garth_tests::{Garden, everyone};
use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// The names of the log files.
fn logs(garden: &Garden) -> Vec<PathBuf> {
    let entries = fs::read_dir(garden.home.join(".local/state/garth/log")).expect("there are logs");
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    found.sort();
    found
}

fn session(log: &Path) -> String {
    log.file_stem().and_then(|name| name.to_str()).expect("a name").to_owned()
}

/// Makes every log look as if it had been written this many days ago.
fn age(garden: &Garden, days: u64) {
    let then = SystemTime::now() - Duration::from_secs(days * 86_400);
    for log in logs(garden) {
        OpenOptions::new()
            .append(true)
            .open(log)
            .expect("a log")
            .set_modified(then)
            .expect("its time is set");
    }
}

#[test]
fn old_logs_go_and_what_an_anchor_knows_of_them_can_still_be_compared() {
    everyone(|garden| {
        let garth = garden.program().to_str().expect("text").to_owned();
        let run = |words: &[&str]| garden.outside(&[&[garth.as_str()], words].concat());
        let _first = run(&["run", "--", "true"]).ok();
        let _second = run(&["run", "--", "true"]).ok();
        let anchor = garden.home.join("anchor");
        garden.write(&anchor, run(&["verify", "--head"]).ok().stdout);
        let old: Vec<String> = logs(garden).iter().map(|log| session(log)).collect();
        age(garden, 40);
        let _third = run(&["run", "--", "true"]).ok();
        assert_eq!(logs(garden).len(), 3, "nothing goes unless the policy says so");
        // One of the two is not anchored any more, so it stays.
        let text = garden.read(&anchor);
        garden.write(&anchor, text.lines().next().expect("a line"));
        let file = garden.home.join(".config/garth/policy.toml");
        garden.write(&file, format!("version = 1\n[audit]\nkeep-for = \"30d\"\nanchor = {anchor:?}\n"));
        let cleaned = run(&["clean"]).ok();
        assert!(cleaned.text().contains(&format!("removed the log of {}", old[0])), "{cleaned}");
        assert!(cleaned.text().contains(&format!("kept the log of {}", old[1])), "{cleaned}");
        let verified = run(&["verify", "--anchor", anchor.to_str().expect("text")]).ok();
        assert!(verified.text().contains(&format!("{}  removed", old[0])), "{verified}");
        // Without the anchor in the policy the other one goes at the start of the next session.
        garden.write(&file, "version = 1\n[audit]\nkeep-for = \"30d\"\n");
        let _fourth = run(&["run", "--", "true"]).ok();
        let left: Vec<String> = logs(garden).iter().map(|log| session(log)).collect();
        assert!(!left.contains(&old[0]) && !left.contains(&old[1]), "{left:?}");
        let _sound = run(&["verify"]).ok();
        garden.write(&anchor, text);
        let verified = run(&["verify", "--anchor", anchor.to_str().expect("text")]).ok();
        assert_eq!(verified.text().matches("  removed").count(), 2, "{verified}");
        // A log that is gone without a record of that is missing.
        let missing = format!("20200101T000000Z-{} 3 {}\n", "0".repeat(16), "0".repeat(64));
        garden.write(&anchor, missing);
        assert!(!run(&["verify", "--anchor", anchor.to_str().expect("text")]).status.success());
    });
}
