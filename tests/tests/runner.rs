//! The runner beside the target: a copy of the broker that must know nothing of the user but the command line.
#![cfg(target_os = "linux")]
#![expect(clippy::expect_used, reason = "tests")]

use garth_tests::{Garden, Identity, finish, start};
use rustix::process::Signal;
use std::io::{Read, Seek, SeekFrom};
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(120);
const SECRET: &str = "a-token-of-the-caller-81b1f0";

fn children(of: u32) -> Vec<u32> {
    let path = format!("/proc/{of}/task/{of}/children");
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.split_whitespace().filter_map(|pid| pid.parse().ok()).collect()
}

/// Whether the readable memory of a process holds a text.
fn memory_holds(pid: u32, text: &[u8]) -> bool {
    let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).expect("its mappings");
    let mut memory = std::fs::File::open(format!("/proc/{pid}/mem")).expect("its memory");
    maps.lines().filter(|line| line.contains(" r")).any(|line| {
        let range = line.split_whitespace().next().and_then(|range| range.split_once('-')).expect("a range");
        let number = |text| u64::from_str_radix(text, 16).expect("an address");
        let (from, to) = (number(range.0), number(range.1));
        let mut bytes = vec![0; usize::try_from(to - from).expect("a length")];
        memory.seek(SeekFrom::Start(from)).is_ok()
            && memory.read_exact(&mut bytes).is_ok()
            && bytes.windows(text.len()).any(|found| found == text)
    })
}

#[test]
fn the_runner_does_not_know_the_callers_environment() {
    if !rustix::process::geteuid().is_root() {
        garth_tests::unavailable("reading the runner's memory", "run the tests as root");
        return;
    }
    let garden = Garden::new(Identity::Current);
    let mut command = garden.at("").sandboxed(&["sh", "-c", "touch ready; sleep 60"]);
    command.env("SOME_TOKEN", SECRET);
    let running = start(command, vec![]);
    let began = Instant::now();
    while !garden.has("ready") {
        assert!(began.elapsed() < LIMIT, "does not start");
        std::thread::sleep(Duration::from_millis(5));
    }
    let runners = children(running.id());
    assert_eq!(runners.len(), 1, "the broker has one child, and the starter is gone: {runners:?}");
    let name = std::fs::read_to_string(format!("/proc/{}/comm", runners[0])).expect("its name");
    assert_eq!(name.trim(), "garth-runner");
    assert!(memory_holds(running.id(), SECRET.as_bytes()), "the broker knows it, so the search works");
    assert!(memory_holds(runners[0], b"touch ready"), "the runner knows the command");
    assert!(!memory_holds(runners[0], SECRET.as_bytes()), "the runner knows a secret of the caller");
    running.kill(Signal::KILL);
    let _ = running.finish(LIMIT).signal(9);
}

/// A refused run leaves neither the starter nor the runner behind, and says the same as ever.
#[test]
fn a_refused_run_leaves_no_runner() {
    let garden = Garden::new(Identity::Current);
    garden.write("garth.toml", "version = 1\nprofil = \"strict\"\n");
    for _ in 0..20 {
        let command = garden.at("").sandboxed(&["true"]);
        let run = finish(command, vec![], LIMIT).code(120);
        assert!(run.errors().contains("profil"), "{run}");
    }
    let left = std::fs::read_dir("/proc").expect("processes").flatten().filter(|entry| {
        let about = |file: &str| std::fs::read_to_string(entry.path().join(file)).unwrap_or_default();
        let work = std::fs::read_link(entry.path().join("cwd")).unwrap_or_default();
        about("comm").starts_with("garth") && work == garden.work
    });
    assert_eq!(left.count(), 0);
}

/// A broker that cannot take the runner's descriptor says so, and does not wait for it.
#[test]
fn too_few_descriptors_are_an_error_and_no_wait() {
    let garden = Garden::new(Identity::Current);
    for limit in 4..16 {
        let program = garden.program().display();
        let mut command = garden.at("").command(std::ffi::OsStr::new("bash"));
        command.args(["-c", &format!("ulimit -n {limit}; exec {program} run -- true")]);
        let run = finish(command, vec![], LIMIT);
        assert!(!run.late, "{limit}: {run}");
        assert!(
            run.status.code().is_some_and(|code| [0, 121, 125, 126, 127].contains(&code)),
            "{limit}: {run}"
        );
    }
}
