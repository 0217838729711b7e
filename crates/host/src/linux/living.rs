//! What runs in a session now, as the kernel tells it (`proc_pid_stat(5)`, `proc_pid_status(5)`, `proc_pid_statm(5)`).

use super::broker::client::inside;
use std::fs;
use std::time::Duration;

/// Longest command line that is read, in bytes.
const LONGEST: usize = 4096;

/// A process that descends from the one that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Living {
    /// Its number outside.
    pub pid: i32,
    /// Its number in the innermost namespace.
    pub inside: Option<i32>,
    /// Number outside of the one that started it, or took it in.
    pub parent: i32,
    /// Its command line, as it says itself; its name where it has none.
    pub command: Vec<Vec<u8>>,
    /// It stands still.
    pub is_stopped: bool,
    /// Its tasks, as the kernel calls threads.
    pub tasks: u64,
    /// Memory in use, in bytes; what it shares with others is counted for each.
    pub memory: u64,
    /// Processor time so far.
    pub cpu: Duration,
}

/// The descendants of a process, those above before those below. What ends meanwhile is left out, and what may not be read
/// is zero.
#[must_use]
pub fn descendants(of: i32) -> Vec<Living> {
    inside(of)
        .into_iter()
        .filter_map(|row| {
            let read = |name: &str| fs::read(format!("/proc/{}/{name}", row.pid)).ok();
            let stat = read("stat")?;
            let (name, cpu, tasks) = name_time_tasks(&String::from_utf8_lossy(&stat))?;
            let mut words = read("cmdline").unwrap_or_default();
            words.truncate(LONGEST);
            let mut command: Vec<Vec<u8>> = words
                .strip_suffix(b"\0")
                .unwrap_or(&words)
                .split(|byte| *byte == 0)
                .map(<[u8]>::to_vec)
                .collect();
            if words.is_empty() {
                command = vec![name.into_bytes()];
            }
            let memory = read("statm").and_then(|text| pages(&String::from_utf8_lossy(&text))).unwrap_or(0);
            let status = read("status").unwrap_or_default();
            Some(Living {
                pid: row.pid,
                inside: innermost(&String::from_utf8_lossy(&status)),
                parent: row.parent,
                command,
                is_stopped: row.is_stopped,
                tasks,
                memory: memory.saturating_mul(rustix::param::page_size() as u64),
                cpu,
            })
        })
        .collect()
}

/// The name, the processor time of its own code and in the kernel, and how many tasks it has.
fn name_time_tasks(stat: &str) -> Option<(String, Duration, u64)> {
    let (front, rest) = stat.rsplit_once(')')?;
    let name = front.split_once('(')?.1.to_owned();
    let words: Vec<&str> = rest.split_whitespace().collect();
    // Fields 14, 15 and 20, of which the first two stand before the bracket.
    let ticks = words.get(11)?.parse::<u64>().ok()?.saturating_add(words.get(12)?.parse().ok()?);
    let second = rustix::param::clock_ticks_per_second().max(1);
    let tasks = words.get(17)?.parse().ok()?;
    Some((name, Duration::from_millis(ticks.saturating_mul(1000) / second), tasks))
}

/// Pages that are in memory.
fn pages(statm: &str) -> Option<u64> {
    statm.split_whitespace().nth(1)?.parse().ok()
}

/// The last of the numbers that a process has, one for each namespace.
fn innermost(status: &str) -> Option<i32> {
    let line = status.lines().find_map(|line| line.strip_prefix("NSpid:"))?;
    line.split_whitespace().last()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn a_child_is_told_with_what_it_uses() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let number = i32::try_from(child.id()).unwrap();
        let own = i32::try_from(std::process::id()).unwrap();
        let mut found = None;
        // Until it executes, it is still this program.
        for _ in 0..200 {
            found = descendants(own).into_iter().find(|living| living.pid == number);
            if found.as_ref().is_some_and(|living| living.command == [b"sleep".to_vec(), b"60".to_vec()]) {
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let found = found.unwrap();
        assert_eq!(found.command, [b"sleep".to_vec(), b"60".to_vec()]);
        assert!(
            found.memory > 0 && found.tasks == 1 && found.parent == own && found.inside.is_some(),
            "{found:?}"
        );
    }

    #[test]
    fn names_may_hold_anything() {
        let stat = "7 (a) R (b) S 1 7 7 0 -1 0 0 0 0 0 250 50 0 0 20 0 3 0 1 1 1";
        let (name, cpu, tasks) = name_time_tasks(stat).unwrap();
        assert_eq!((name.as_str(), tasks), ("a) R (b", 3));
        assert!(cpu > Duration::ZERO);
        assert!(name_time_tasks("7 a").is_none() && name_time_tasks("7 (a) S 1").is_none());
        assert_eq!(innermost("Name:\tx\nNSpid:\t70\t7\n"), Some(7));
        assert_eq!((pages("10 4 1"), pages("")), (Some(4), None));
    }
}
