//! Limits that are held by counting, where neither a control group nor the kernel's own limits do.

use garth_plan::linux::spec::Limits;
use rustix::io::Errno;
use rustix::process::Pid;
use std::sync::OnceLock;

/// What exceeds its limit, in words; `None` while all is within.
#[must_use]
pub fn exceeded(limits: &Limits) -> Option<String> {
    let (mut processes, mut bound) = (0u64, 0u64);
    let pids = match descendants() {
        Ok(pids) => pids,
        // What cannot be counted is not within its limits.
        Err(errno) => return Some(format!("the processes in /proc cannot be counted: {errno}")),
    };
    for pid in &pids {
        let Some([threads, pages]) = stat_fields(*pid, [THREADS, RESIDENT]) else { continue };
        processes += threads;
        // Of a process whose first thread has ended the kernel tells no pages there, whatever the others have.
        let most = if pages == 0 && threads > 1 { u64::MAX } else { most_bytes(pages, threads) };
        bound = bound.saturating_add(most);
    }
    // What each has a share of is not counted while all could be its own: for that the kernel walks through the memory of
    // the process, which waits for it.
    let private = if limits.memory.is_some() { private_bytes() } else { 0 };
    if let Some(most) = limits.memory.filter(|most| bound.saturating_add(private) > *most) {
        let shares = pids.iter().map(|pid| resident(*pid));
        let memory = shares.fold(Share::default(), Share::and).with_files(private);
        if memory > most {
            return Some(format!("memory: {memory} bytes in use, {most} allowed"));
        }
    }
    match limits {
        Limits { processes: Some(most), count_processes: true, .. } if processes > *most => {
            Some(format!("processes: {processes} running, {most} allowed"))
        }
        _ => None,
    }
}

/// Which limit that the kernel holds by itself leaves room for nothing more, in words; `None` while none is met. The kernel tells
/// nobody of a process that it does not start (`EAGAIN` of fork(2)), so what is seen is that as many run as may.
#[must_use]
pub fn met(limits: &Limits) -> Option<String> {
    let most = limits.processes.filter(|_| !limits.count_processes)?;
    // The runner's own threads are of the same user.
    let all = descendants().unwrap_or_default().into_iter().chain([rustix::process::getpid()]);
    let running: u64 = all.filter_map(|pid| stat_fields(pid, [THREADS])).map(|[threads]| threads).sum();
    (running >= most)
        .then(|| format!("processes: all {most} that are allowed ran at once, and no more could be started"))
}

/// The most that a process can have resident of whose pages the kernel tells so many, in bytes. Since Linux 6.2 it counts
/// them for each processor apart, and tells of a processor's when they are more than 32, or more than two for each processor
/// (`percpu_counter`); before, 64 for each thread; in up to three counters.
fn most_bytes(pages: u64, threads: u64) -> u64 {
    static PROCESSORS: OnceLock<u64> = OnceLock::new();
    let processors = *PROCESSORS.get_or_init(|| {
        let text = std::fs::read_to_string("/proc/stat").unwrap_or_default();
        let is_one = |line: &&str| {
            line.strip_prefix("cpu")
                .is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()))
        };
        // Without a number nothing is bounded.
        match text.lines().filter(is_one).count() {
            0 => u64::from(u16::MAX),
            count => count as u64,
        }
    });
    let untold = 3 * (processors * (2 * processors).max(64)).max(64 * threads);
    pages.saturating_add(untold).saturating_mul(rustix::param::page_size() as u64)
}

/// The processes of the sandbox but this one. With a pid namespace that is all of `/proc`; without, the
/// children of this one and theirs.
///
/// # Errors
/// When `/proc` cannot be read.
pub fn descendants() -> Result<Vec<Pid>, Errno> {
    let me = rustix::process::getpid();
    if me == Pid::INIT {
        return Ok(listed()?.into_iter().filter(|pid| *pid != me).collect());
    }
    let parents: Vec<(Pid, Pid)> =
        listed()?.into_iter().filter_map(|pid| Some((pid, parent(pid)?))).collect();
    let mut found = vec![me];
    let mut next = 0;
    while let Some(known) = found.get(next).copied() {
        next += 1;
        found.extend(parents.iter().filter(|(_, parent)| *parent == known).map(|(pid, _)| *pid));
    }
    Ok(found.split_off(1))
}

/// Whether a process descends from this one, which adopts those that lose their parents.
#[must_use]
pub fn is_descendant(pid: Pid) -> bool {
    let me = rustix::process::getpid();
    let line = std::iter::successors(parent(pid), |above| parent(*above));
    // Processes that end meanwhile can lead in a circle.
    line.take(DEEPEST).any(|above| above == me)
}

/// More than one above the other than there can be of process numbers by default.
const DEEPEST: usize = 1 << 15;

fn listed() -> Result<Vec<Pid>, Errno> {
    let entries =
        std::fs::read_dir("/proc").map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
    Ok(entries.filter_map(|entry| Pid::from_raw(entry.ok()?.file_name().to_str()?.parse().ok()?)).collect())
}

/// Places behind the name in `/proc/PID/stat` (proc_pid_stat(5)).
const PARENT: usize = 1;
const THREADS: usize = 17;
/// In pages.
const RESIDENT: usize = 21;

fn stat_fields<const N: usize>(pid: Pid, places: [usize; N]) -> Option<[u64; N]> {
    stat_at(&format!("/proc/{}/stat", pid.as_raw_nonzero()), places)
}

fn stat_at<const N: usize>(file: &str, places: [usize; N]) -> Option<[u64; N]> {
    let bytes = std::fs::read(file).ok()?;
    // The name in parentheses may hold anything, letters of no encoding too; the fields behind it are numbers.
    let behind = bytes.rsplit(|byte| *byte == b')').next()?;
    let fields: Vec<&str> = std::str::from_utf8(behind).ok()?.split_whitespace().collect();
    let found = places.map(|place| fields.get(place).and_then(|field| field.parse().ok()));
    found.iter().all(Option::is_some).then(|| found.map(Option::unwrap_or_default))
}

fn parent(pid: Pid) -> Option<Pid> {
    let [parent] = stat_fields(pid, [PARENT])?;
    Pid::from_raw(i32::try_from(parent).ok()?)
}

/// What a process has resident of its own, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Share {
    /// All of it.
    all: u64,
    /// Mapped files of memory, which the file systems hold too.
    shared: u64,
}

impl Share {
    fn and(self, other: Self) -> Self {
        Self { all: self.all.saturating_add(other.all), shared: self.shared.saturating_add(other.shared) }
    }

    /// With what the private file systems hold, of which some may be mapped: that is counted once.
    fn with_files(self, private: u64) -> u64 {
        self.all.saturating_sub(self.shared).saturating_add(self.shared.max(private))
    }
}

/// What the sandbox's own file system in memory holds: the private `/tmp`, home and `/dev/shm`, and the layers of caches.
/// It is one, and its root is the sandbox's. Without a view there is none.
fn private_bytes() -> u64 {
    const TMPFS: i64 = 0x0102_1994;
    if rustix::process::getpid() != Pid::INIT {
        return 0;
    }
    let Ok(found) = rustix::fs::statfs("/") else { return 0 };
    if found.f_type != TMPFS {
        return 0;
    }
    let size = u64::try_from(found.f_bsize).unwrap_or_default();
    found.f_blocks.saturating_sub(found.f_bfree).saturating_mul(size)
}

/// Proportional share of memory where the kernel gives it cheaply, else the resident set. All threads have one memory, but one
/// that has ended has none; the first may be such.
fn resident(pid: Pid) -> Share {
    let process = format!("/proc/{}", pid.as_raw_nonzero());
    let whole = resident_at(&process);
    if whole.all > 0 {
        return whole;
    }
    let Ok(threads) = std::fs::read_dir(format!("{process}/task")) else { return Share::default() };
    let names = threads.filter_map(|thread| thread.ok()?.file_name().into_string().ok());
    let mut shares = names.map(|thread| resident_at(&format!("{process}/task/{thread}")));
    shares.find(|share| share.all > 0).unwrap_or_default()
}

fn resident_at(directory: &str) -> Share {
    let text = std::fs::read_to_string(format!("{directory}/smaps_rollup")).unwrap_or_default();
    let field = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse::<u64>().ok().map(|kilobytes| kilobytes.saturating_mul(1024))
    };
    match field("Pss:") {
        Some(all) => Share { all, shared: field("Pss_Shmem:").unwrap_or_default() },
        None => {
            let [pages] = stat_at(&format!("{directory}/stat"), [RESIDENT]).unwrap_or_default();
            Share { all: pages.saturating_mul(rustix::param::page_size() as u64), shared: 0 }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_is_counted() {
        let mut child = std::process::Command::new("sleep").arg("30").spawn().unwrap();
        let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
        let found = descendants().unwrap();
        let memory = resident(pid).all;
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(found.contains(&pid));
        assert!(memory > 10_000, "{memory}");
    }

    #[test]
    fn no_share_is_more_than_the_bound() {
        let held = std::hint::black_box(vec![1_u8; 8 << 20]);
        let me = rustix::process::getpid();
        let [threads, pages] = stat_fields(me, [THREADS, RESIDENT]).unwrap();
        let (bound, share) = (most_bytes(pages, threads), resident(me).all);
        assert!(threads >= 1 && share >= held.len() as u64 && share <= bound, "{threads} {share} {bound}");
    }

    #[test]
    fn what_is_mapped_and_held_by_a_file_system_is_counted_once() {
        let shares = [Share { all: 30, shared: 20 }, Share { all: 10, shared: 0 }];
        let share = shares.into_iter().fold(Share::default(), Share::and);
        assert_eq!(share, Share { all: 40, shared: 20 });
        for (private, sum) in [(0, 40), (15, 40), (20, 40), (100, 120)] {
            assert_eq!(share.with_files(private), sum, "{private}");
        }
    }

    #[test]
    fn as_many_processes_as_may_run_are_told() {
        let limits = |processes, count_processes| Limits {
            processes: Some(processes),
            count_processes,
            memory: None,
            file_size: None,
            processors: None,
        };
        assert!(met(&limits(1, false)).is_some_and(|what| what.starts_with("processes: all 1 ")));
        assert_eq!(met(&limits(1, true)), None, "that one is counted, and ends the sandbox");
        assert_eq!(met(&limits(1 << 20, false)), None);
    }

    #[test]
    fn memory_above_its_limit_is_told() {
        let limits = |memory| Limits {
            processes: None,
            count_processes: false,
            memory: Some(memory),
            file_size: None,
            processors: None,
        };
        let mut child = std::process::Command::new("sleep").arg("30").spawn().unwrap();
        let (few, many) = (exceeded(&limits(1)), exceeded(&limits(1 << 40)));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(few.is_some_and(|what| what.starts_with("memory")) && many.is_none());
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
