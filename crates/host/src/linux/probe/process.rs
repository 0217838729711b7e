//! Attacks on other processes, on the environment, and by what a process is allowed to be.

use super::raw;
use crate::probe::Row;
use crate::probe::{Act, Arguments, Outcome, Refusal};
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;
use rustix::thread::{CapabilitySet, CapabilitySets};
use std::process::{Command, Stdio};

pub(super) const ACTIONS: &[Row] = &[
    ("variable", variable),
    ("any-variable", any_variable),
    ("relative-path-entry", relative_path_entry),
    ("signal", signal),
    ("signal-all", signal_all),
    ("trace", trace),
    ("trace-own-child", trace_own_child),
    ("peek", peek),
    ("poke", poke),
    ("take-descriptor", take_descriptor),
    ("any-stranger", any_stranger),
    ("capability-left", capability_left),
    ("raise-capability", raise_capability),
    ("may-gain", may_gain),
    ("become-user", become_user),
    ("become-groups", become_groups),
    ("controlling-terminal", controlling_terminal),
    ("take-terminal", take_terminal),
    ("shared-memory", shared_memory),
    ("message-queue", message_queue),
    ("child", child),
    ("detached-child", detached_child),
    ("set-user-program", set_user_program),
];

/// Succeeds when a variable is there, with any value (name), or with a value (name, value).
fn variable(arguments: &Arguments<'_>) -> Act {
    let value = std::env::var_os(arguments.word(0)?).ok_or(Refusal::Os(libc::ENOENT))?;
    match arguments.word(1) {
        Ok(wanted) if wanted != value => Err(Errno::INVAL.into()),
        _ => Ok(()),
    }
}

/// Succeeds when any of the named variables is there.
fn any_variable(arguments: &Arguments<'_>) -> Act {
    let found = arguments.all().iter().any(|name| std::env::var_os(name).is_some());
    if found { Ok(()) } else { Err(Errno::NOENT.into()) }
}

/// Succeeds when PATH holds an entry that means "wherever I am".
fn relative_path_entry(_: &Arguments<'_>) -> Act {
    let path = std::env::var("PATH").map_err(|_| Refusal::broken("no PATH"))?;
    if path.split(':').any(|entry| !entry.starts_with('/')) { Ok(()) } else { Err(Errno::NOENT.into()) }
}

fn number(arguments: &Arguments<'_>, index: usize) -> Result<usize, Refusal> {
    arguments.number(index)
}

fn signal(arguments: &Arguments<'_>) -> Act {
    raw::call(libc::SYS_kill, &[number(arguments, 0)?, number(arguments, 1)?])?;
    Ok(())
}

/// Signal 0 to everybody: succeeds if a process beside this one's own may be signalled.
fn signal_all(arguments: &Arguments<'_>) -> Act {
    let stranger: i64 = arguments.number(0)?;
    let pid = usize::try_from(stranger).map_err(|_| Refusal::broken("pid"))?;
    raw::call(libc::SYS_pidfd_open, &[pid, 0]).and_then(|_| raw::call(libc::SYS_tgkill, &[pid, pid, 0]))?;
    Ok(())
}

/// `PTRACE_SEIZE`, which does not stop the other process.
fn trace(arguments: &Arguments<'_>) -> Act {
    raw::call(libc::SYS_ptrace, &[0x4206, number(arguments, 0)?, 0, 0])?;
    Ok(())
}

/// Debuggers work on what is inside.
fn trace_own_child(_: &Arguments<'_>) -> Act {
    let mut child =
        Command::new("/proc/self/exe").arg0_probe().stdin(Stdio::null()).stdout(Stdio::null()).spawn()?;
    let seized = raw::call(libc::SYS_ptrace, &[0x4206, child.id() as usize, 0, 0]);
    let _gone = child.kill();
    let _reaped = child.wait();
    seized.map(|_| ())
}

/// A process that waits for a second, as a probe.
trait ProbeCommand {
    fn arg0_probe(&mut self) -> &mut Self;
}

impl ProbeCommand for Command {
    fn arg0_probe(&mut self) -> &mut Self {
        use std::os::unix::process::CommandExt;
        self.arg0(super::NAME).args(["act", "sleep", "1000"])
    }
}

/// Reads a word of another process's memory. The address may not be mapped there: only a refusal of
/// permission counts as one, so `EFAULT` is a success.
fn peek(arguments: &Arguments<'_>) -> Act {
    reach(libc::SYS_process_vm_readv, arguments)
}

fn poke(arguments: &Arguments<'_>) -> Act {
    reach(libc::SYS_process_vm_writev, arguments)
}

fn reach(call: i64, arguments: &Arguments<'_>) -> Act {
    let mut word = [0u8; 8];
    let mut local = libc::iovec { iov_base: word.as_mut_ptr().cast(), iov_len: 8 };
    let mut remote = libc::iovec { iov_base: std::ptr::without_provenance_mut(8), iov_len: 8 };
    let pid = number(arguments, 0)?;
    match raw::call(call, &[pid, raw::address(&mut local), 1, raw::address(&mut remote), 1, 0]) {
        Ok(_) | Err(Refusal::Os(libc::EFAULT)) => Ok(()),
        Err(other) => Err(other),
    }
}

/// Takes any descriptor of another process.
fn take_descriptor(arguments: &Arguments<'_>) -> Act {
    let process = raw::descriptor(libc::SYS_pidfd_open, &[number(arguments, 0)?, 0])?;
    let process =
        usize::try_from(std::os::fd::AsRawFd::as_raw_fd(&process)).map_err(|_| Refusal::broken("fd"))?;
    let mut last = Err(Refusal::Os(libc::EBADF));
    for descriptor in 0..32 {
        last = raw::descriptor(libc::SYS_pidfd_getfd, &[process, descriptor, 0]).map(|_| ());
        if last.is_ok() {
            return last;
        }
    }
    last
}

/// Succeeds when `/proc` shows the process of that number.
fn any_stranger(arguments: &Arguments<'_>) -> Act {
    let path = format!("/proc/{}/cmdline", number(arguments, 0)?);
    let text = std::fs::read(path)?;
    if text.is_empty() { Err(Errno::NOENT.into()) } else { Ok(()) }
}

/// Succeeds when a set of capabilities is not empty.
fn capability_left(_: &Arguments<'_>) -> Act {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let sets = ["CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:"];
    let mut seen = 0;
    for line in status.lines() {
        let Some(value) = sets.iter().find_map(|set| line.strip_prefix(set)) else { continue };
        seen += 1;
        // An ordinary user's bounding set gives nothing where no program may gain a capability.
        let bounding = line.starts_with("CapBnd:") && !rustix::process::geteuid().is_root();
        if value.trim().bytes().any(|digit| digit != b'0') && !bounding {
            return Ok(());
        }
    }
    if seen == sets.len() {
        Err(Errno::PERM.into())
    } else {
        Err(Refusal::broken("no sets in /proc/self/status"))
    }
}

fn raise_capability(_: &Arguments<'_>) -> Act {
    let all = CapabilitySet::SYS_ADMIN | CapabilitySet::DAC_OVERRIDE;
    let sets = CapabilitySets { effective: all, permitted: all, inheritable: all };
    Ok(rustix::thread::set_capabilities(None, sets)?)
}

/// Succeeds when programs may gain privileges, or when no filter is in force.
fn may_gain(_: &Arguments<'_>) -> Act {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    match (field("NoNewPrivs:"), field("Seccomp:")) {
        (Some("1"), Some("2")) => Err(Errno::PERM.into()),
        (Some(_), Some(_)) => Ok(()),
        _ => Err(Refusal::broken("no such fields in /proc/self/status")),
    }
}

/// Becomes root, or, as root, somebody else.
fn become_user(_: &Arguments<'_>) -> Act {
    let other = if rustix::process::geteuid().is_root() { 12345 } else { 0 };
    raw::call(libc::SYS_setresuid, &[other, other, other])?;
    Ok(())
}

fn become_groups(_: &Arguments<'_>) -> Act {
    let mut groups = [0u32, 4, 27];
    raw::call(libc::SYS_setgroups, &[3, raw::address(&mut groups[..])])?;
    Ok(())
}

fn controlling_terminal(_: &Arguments<'_>) -> Act {
    openat(CWD, "/dev/tty", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?;
    Ok(())
}

/// Makes a terminal of the host its own (path).
fn take_terminal(arguments: &Arguments<'_>) -> Act {
    rustix::process::setsid()?;
    let terminal = openat(CWD, arguments.path(0)?, OFlags::RDWR | OFlags::NOCTTY, Mode::empty())?;
    rustix::process::ioctl_tiocsctty(&terminal)?;
    Ok(())
}

fn shared_memory(arguments: &Arguments<'_>) -> Act {
    raw::call(libc::SYS_shmget, &[number(arguments, 0)?, 0, 0])?;
    Ok(())
}

fn message_queue(arguments: &Arguments<'_>) -> Act {
    let mut name = raw::text(arguments.word(0)?)?;
    raw::descriptor(libc::SYS_mq_open, &[raw::address(&mut name[..]), 0, 0, 0])?;
    Ok(())
}

fn run_child(command: &mut Command, arguments: &Arguments<'_>) -> Act {
    use std::os::unix::process::CommandExt;
    let out = command.arg0(super::NAME).arg("act").args(arguments.all()).stdin(Stdio::null()).output()?;
    match Outcome::from_line(&String::from_utf8_lossy(&out.stdout)) {
        Outcome::Succeeded => Ok(()),
        Outcome::Refused(errno) => Err(Refusal::Os(errno)),
        other => Err(Refusal::broken(format!("{other:?}"))),
    }
}

/// Another action in a child, with an empty environment.
fn child(arguments: &Arguments<'_>) -> Act {
    run_child(Command::new("/proc/self/exe").env_clear(), arguments)
}

/// Another action in a child with a session of its own, as a daemon would have.
fn detached_child(arguments: &Arguments<'_>) -> Act {
    // A process that leads its group already keeps its session.
    let _leads = rustix::process::setsid();
    run_child(&mut Command::new("/proc/self/exe"), arguments)
}

/// Makes a copy of itself that would run as its owner whoever starts it, or gives it to root; succeeds when
/// a child has another user than before.
fn set_user_program(arguments: &Arguments<'_>) -> Act {
    let program = arguments.path(0)?;
    std::fs::copy("/proc/self/exe", program).map_err(|error| Refusal::broken(error.to_string()))?;
    rustix::fs::chmodat(CWD, program, Mode::from_raw_mode(0o6755), rustix::fs::AtFlags::empty())?;
    run_child(&mut Command::new(program), &Arguments::new(&["become-user".into()]))
}
