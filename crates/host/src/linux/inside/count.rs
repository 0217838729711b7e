//! Limits that are held by counting, where neither a control group nor the kernel's own limits do.

use garth_plan::linux::spec::Limits;
use rustix::process::Pid;

/// What exceeds its limit, in words; `None` while all is within.
#[must_use]
pub fn exceeded(limits: &Limits) -> Option<String> {
    let (mut processes, mut memory) = (0u64, 0u64);
    for pid in descendants() {
        processes += u64::from(threads(pid));
        memory += resident(pid);
    }
    match limits {
        Limits { memory: Some(most), .. } if memory > *most => {
            Some(format!("memory: {memory} bytes in use, {most} allowed"))
        }
        Limits { processes: Some(most), count_processes: true, .. } if processes > *most => {
            Some(format!("processes: {processes} running, {most} allowed"))
        }
        _ => None,
    }
}

/// The processes of the sandbox but this one. With a pid namespace that is all of `/proc`; without, the
/// children of this one and theirs.
#[must_use]
pub fn descendants() -> Vec<Pid> {
    let me = rustix::process::getpid();
    if me == Pid::INIT {
        return listed().into_iter().filter(|pid| *pid != me).collect();
    }
    let parents: Vec<(Pid, Pid)> = listed().into_iter().filter_map(|pid| Some((pid, parent(pid)?))).collect();
    let mut found = vec![me];
    let mut next = 0;
    while let Some(known) = found.get(next).copied() {
        next += 1;
        found.extend(parents.iter().filter(|(_, parent)| *parent == known).map(|(pid, _)| *pid));
    }
    found.split_off(1)
}

fn listed() -> Vec<Pid> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    entries.filter_map(|entry| Pid::from_raw(entry.ok()?.file_name().to_str()?.parse().ok()?)).collect()
}

fn stat_field(pid: Pid, index: usize) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok()?;
    // The name in parentheses may hold anything; the fields behind it are numbers (proc_pid_stat(5)).
    text.rsplit(')').next()?.split_whitespace().nth(index)?.parse().ok()
}

fn parent(pid: Pid) -> Option<Pid> {
    Pid::from_raw(i32::try_from(stat_field(pid, 1)?).ok()?)
}

fn threads(pid: Pid) -> u32 {
    stat_field(pid, 17).and_then(|count| u32::try_from(count).ok()).unwrap_or(0)
}

/// Proportional share of memory where the kernel gives it cheaply, else the resident set.
fn resident(pid: Pid) -> u64 {
    let rollup = format!("/proc/{}/smaps_rollup", pid.as_raw_nonzero());
    let share = std::fs::read_to_string(rollup).ok().and_then(|text| {
        let line = text.lines().find_map(|line| line.strip_prefix("Pss:"))?;
        line.split_whitespace().next()?.parse::<u64>().ok()
    });
    share.map_or_else(
        || stat_field(pid, 21).unwrap_or(0) * rustix::param::page_size() as u64,
        |kilobytes| kilobytes * 1024,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_is_counted() {
        let mut child = std::process::Command::new("sleep").arg("30").spawn().unwrap();
        let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
        let found = descendants();
        let memory = resident(pid);
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(found.contains(&pid));
        assert!(memory > 10_000, "{memory}");
    }

    #[test]
    fn nothing_exceeds_no_limit() {
        let none = Limits {
            processes: None,
            count_processes: false,
            memory: None,
            file_size: None,
            processors: None,
        };
        assert_eq!(exceeded(&none), None);
        let tight = Limits { processes: Some(0), count_processes: true, ..none };
        let mut child = std::process::Command::new("sleep").arg("30").spawn().unwrap();
        let said = exceeded(&tight);
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(said.is_some_and(|what| what.starts_with("processes")));
    }
}
