//! The most memory that garth's own processes held: `VmHWM` of proc_pid_status(5).

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::contender::Contender;

/// Time between two looks.
const PAUSE: Duration = Duration::from_millis(5);

/// One process of garth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Process id, on the host.
    pub id: u32,
    /// Its name.
    pub name: String,
    /// The most it held resident, in KiB. Pages shared with other processes count in each of them.
    pub peak: u64,
}

/// What `/proc/PID/status` says of a process.
#[derive(Debug, PartialEq, Eq)]
struct Status {
    process: Process,
    parent: u32,
}

/// Runs `sleep 0.3` and watches the sandbox's processes until it ends; the command itself is left out.
///
/// # Errors
/// When it cannot be started or fails, or no process was ever seen.
pub fn peak(garth: &Contender, place: &Path) -> Result<Vec<Process>> {
    let runner = garth.runner(&["sleep".to_owned(), "0.3".to_owned()], place);
    let (program, rest) = runner.command.split_first().context("a sandbox has a program")?;
    let mut child = Command::new(program)
        .args(rest)
        .current_dir(place)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .with_context(|| format!("cannot start {program}"))?;
    let mut seen: Vec<Process> = Vec::new();
    let status = loop {
        for process in family(&everything(), child.id()) {
            match seen.iter_mut().find(|known| known.id == process.id) {
                Some(known) => *known = Process { peak: known.peak.max(process.peak), ..process },
                None => seen.push(process),
            }
        }
        if let Some(status) = child.try_wait()? {
            break status;
        }
        std::thread::sleep(PAUSE);
    };
    seen.retain(|process| process.name != "sleep");
    if !status.success() || seen.is_empty() {
        bail!("cannot measure the memory of {}: {status}, {} processes seen", garth.name, seen.len());
    }
    Ok(seen)
}

/// The process and its descendants.
fn family(all: &[Status], first: u32) -> Vec<Process> {
    let mut members = vec![first];
    let mut next = 0;
    while let Some(parent) = members.get(next).copied() {
        members.extend(all.iter().filter(|one| one.parent == parent).map(|one| one.process.id));
        next += 1;
    }
    all.iter().filter(|one| members.contains(&one.process.id)).map(|one| one.process.clone()).collect()
}

/// Every process that has memory: those that ended and wait for their parent have none.
fn everything() -> Vec<Status> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    let texts = entries.filter_map(|entry| std::fs::read_to_string(entry.ok()?.path().join("status")).ok());
    texts.filter_map(|text| parse(&text)).collect()
}

fn parse(text: &str) -> Option<Status> {
    let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let process = Process {
        id: field("Pid:")?.parse().ok()?,
        name: field("Name:")?.to_owned(),
        peak: field("VmHWM:")?.strip_suffix(" kB")?.trim().parse().ok()?,
    };
    Some(Status { process, parent: field("PPid:")?.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(id: u32, parent: u32) -> Status {
        Status { process: Process { id, name: "garth".to_owned(), peak: 900 }, parent }
    }

    #[test]
    fn a_status_is_read() {
        let text = "Name:\tgarth\nPid:\t7\nPPid:\t1\nVmHWM:\t     900 kB\n";
        assert_eq!(parse(text), Some(status(7, 1)));
        assert_eq!(parse("Name:\tkthreadd\nPid:\t2\nPPid:\t0\n"), None);
    }

    #[test]
    fn grandchildren_belong_to_the_family() {
        let all = [status(9, 8), status(8, 7), status(7, 1), status(6, 1)];
        let ids: Vec<u32> = family(&all, 7).iter().map(|process| process.id).collect();
        assert_eq!(ids, [9, 8, 7]);
    }
}
