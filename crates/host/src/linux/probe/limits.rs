//! Attacks on the machine's resources.

use crate::probe::Row;
use crate::probe::{Act, Arguments, Refusal};
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;
use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

pub(super) const ACTIONS: &[Row] = &[
    ("sleep", sleep),
    ("stand-by", stand_by),
    ("many-children", many_children),
    ("allocate", allocate),
    ("large-file", large_file),
    ("heartbeat", heartbeat),
    ("detached-heartbeat", detached_heartbeat),
    ("limit-raised", limit_raised),
    ("busy", busy),
];

fn sleep(arguments: &Arguments<'_>) -> Act {
    std::thread::sleep(Duration::from_millis(arguments.number(0)?));
    Ok(())
}

/// A harmless process of the host: it lets itself be traced, so that a refusal is not its own doing.
fn stand_by(_: &Arguments<'_>) -> Act {
    super::fixture::let_anyone_trace();
    std::thread::sleep(Duration::from_secs(600));
    Ok(())
}

fn waiting_child() -> std::io::Result<Child> {
    use std::os::unix::process::CommandExt;
    let mut command = Command::new("/proc/self/exe");
    command.arg0(super::NAME).args(["act", "sleep", "3000"]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).spawn()
}

/// Starts that many processes that all live at once.
fn many_children(arguments: &Arguments<'_>) -> Act {
    let wanted: usize = arguments.number(0)?;
    let mut children = Vec::new();
    let mut result = Ok(());
    while children.len() < wanted {
        match waiting_child() {
            Ok(child) => children.push(child),
            Err(error) => {
                result = Err(Refusal::from(error));
                break;
            }
        }
    }
    // Whoever counts looks now and then.
    std::thread::sleep(Duration::from_millis(arguments.number(1)?));
    for mut child in children {
        let _gone = child.kill();
        let _reaped = child.wait();
    }
    result
}

/// Uses that many bytes of memory for a while (bytes, milliseconds).
fn allocate(arguments: &Arguments<'_>) -> Act {
    let mut memory: Vec<u8> = Vec::new();
    memory.try_reserve_exact(arguments.number(0)?).map_err(|_| Refusal::Os(libc::ENOMEM))?;
    memory.resize(memory.capacity(), 1);
    std::thread::sleep(Duration::from_millis(arguments.number(1)?));
    if memory.last() == Some(&1) { Ok(()) } else { Err(Errno::NOMEM.into()) }
}

/// Writes a file of that many bytes (path, bytes).
fn large_file(arguments: &Arguments<'_>) -> Act {
    let file = openat(CWD, arguments.path(0)?, OFlags::WRONLY | OFlags::CREATE, Mode::from_raw_mode(0o600))?;
    let mut left: usize = arguments.number(1)?;
    let block = [0u8; 4096];
    while left > 0 {
        left = left.saturating_sub(rustix::io::write(&file, &block[..left.min(block.len())])?);
    }
    Ok(())
}

/// Writes to a file every few milliseconds, for a minute at most.
fn heartbeat(arguments: &Arguments<'_>) -> Act {
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(arguments.path(0)?)?;
    for _ in 0..12_000 {
        file.write_all(b".")?;
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

/// As above, in a grandchild with a session of its own; returns at once.
fn detached_heartbeat(arguments: &Arguments<'_>) -> Act {
    use std::os::unix::process::CommandExt;
    let mut command = Command::new("/proc/self/exe");
    command.arg0(super::NAME).args(["act", "child", "heartbeat"]).arg(arguments.word(0)?);
    command.stdin(Stdio::null()).stdout(Stdio::null()).process_group(0).spawn()?;
    Ok(())
}

/// Raises a limit that was set from outside (core dumps are limited to nothing).
fn limit_raised(_: &Arguments<'_>) -> Act {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let most = Rlimit { current: Some(1 << 30), maximum: Some(1 << 30) };
    Ok(setrlimit(Resource::Core, most)?)
}

/// Keeps that many threads busy after choosing all processors; succeeds when together they got at least a share
/// of the time (threads, thousandths of one processor).
fn busy(arguments: &Arguments<'_>) -> Act {
    let (threads, wanted): (u32, u128) = (arguments.number(0)?, arguments.number(1)?);
    let mut all = rustix::thread::CpuSet::new();
    (0..rustix::thread::CpuSet::MAX_CPU).for_each(|number| all.set(number));
    // Where this is refused, the processors that are left have to do.
    let _refused = rustix::thread::sched_setaffinity(None, &all);
    let clock = || {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
    };
    let (begin, before) = (std::time::Instant::now(), clock());
    let work = move || while begin.elapsed() < Duration::from_millis(600) {};
    let workers: Vec<_> = (0..threads).map(|_| std::thread::spawn(work)).collect();
    for worker in workers {
        worker.join().map_err(|_| Refusal::broken("a thread ended"))?;
    }
    let (used, elapsed) = ((clock() - before).as_micros(), begin.elapsed().as_micros().max(1));
    if used * 1000 / elapsed >= wanted { Ok(()) } else { Err(Errno::AGAIN.into()) }
}
