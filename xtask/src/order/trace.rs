//! Runs a program with a breakpoint at each of its functions (`ptrace(2)`).

use anyhow::{Context as _, Result, bail};
use nix::errno::Errno;
use nix::sys::ptrace;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// The instruction `int3`.
const BREAKPOINT: u8 = 0xcc;

/// The addresses of the functions that were called, in the order of their first calls, whichever process made them.
///
/// # Errors
/// When nothing can be traced, or the program fails.
pub fn trace(
    program: &Path,
    words: &[&str],
    user: u32,
    place: &Path,
    functions: &BTreeMap<u64, Vec<String>>,
) -> Result<Vec<u64>> {
    let child = Command::new("/bin/sh")
        .args(["-c", "kill -STOP $$; exec \"$@\"", "sh"])
        .arg(program)
        .args(words)
        .current_dir(place.join("work"))
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HOME", place.join("home"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .uid(user)
        .gid(user)
        .spawn()
        .context("cannot start a shell as another user\nhint: this has to run as root")?;
    let first = Pid::from_raw(child.id().cast_signed());
    waitpid(first, Some(WaitPidFlag::WUNTRACED))?;
    let options = [
        ptrace::Options::PTRACE_O_TRACEEXEC,
        ptrace::Options::PTRACE_O_TRACEFORK,
        ptrace::Options::PTRACE_O_TRACEVFORK,
        ptrace::Options::PTRACE_O_TRACECLONE,
        ptrace::Options::PTRACE_O_EXITKILL,
    ];
    ptrace::seize(first, options.into_iter().collect()).context("cannot trace")?;
    kill(first, Signal::SIGCONT)?;
    let mut tracer = Tracer { program, functions, original: BTreeMap::new(), order: Vec::new() };
    let code = tracer.follow(first)?;
    if code != Some(0) && code != Some(1) {
        bail!("the sandbox ended with {code:?}");
    }
    Ok(tracer.order)
}

struct Tracer<'t> {
    program: &'t Path,
    functions: &'t BTreeMap<u64, Vec<String>>,
    /// The first byte of each function.
    original: BTreeMap<u64, u8>,
    order: Vec<u64>,
}

impl Tracer<'_> {
    /// Until nothing is left to trace: the exit code of the first process.
    fn follow(&mut self, first: Pid) -> Result<Option<i32>> {
        let mut code = None;
        while let Ok(status) = waitpid(None, Some(WaitPidFlag::__WALL)) {
            match status {
                WaitStatus::Exited(pid, exit) if pid == first => code = Some(exit),
                WaitStatus::Stopped(pid, Signal::SIGTRAP) => self.came_to(pid)?,
                WaitStatus::Stopped(pid, signal) => go_on(pid, Some(signal)),
                WaitStatus::PtraceEvent(pid, _, event) => {
                    if event == ptrace::Event::PTRACE_EVENT_EXEC as i32 {
                        self.executed(pid)?;
                    }
                    go_on(pid, None);
                }
                _ => {}
            }
        }
        Ok(code)
    }

    /// Puts a breakpoint at each function, if this is the program.
    fn executed(&mut self, pid: Pid) -> Result<()> {
        let runs = std::fs::read_link(format!("/proc/{pid}/exe")).unwrap_or_default();
        if runs != self.program || !self.original.is_empty() {
            return Ok(());
        }
        let memory = memory(pid)?;
        for address in self.functions.keys() {
            let mut byte = [0];
            memory.read_exact_at(&mut byte, *address).context("cannot read the program's memory")?;
            memory.write_all_at(&[BREAKPOINT], *address).context("cannot write the program's memory")?;
            self.original.insert(*address, byte[0]);
        }
        Ok(())
    }

    /// Takes the breakpoint away that a thread came to, from its own memory, and lets it go on.
    fn came_to(&mut self, pid: Pid) -> Result<()> {
        // Whoever is killed meanwhile has no registers.
        let Ok(mut registers) = ptrace::getregs(pid) else { return Ok(()) };
        let address = registers.rip.wrapping_sub(1);
        let Some(byte) = self.original.get(&address) else {
            go_on(pid, Some(Signal::SIGTRAP));
            return Ok(());
        };
        if !self.order.contains(&address) {
            self.order.push(address);
        }
        memory(pid)?.write_all_at(&[*byte], address).context("cannot write the program's memory")?;
        registers.rip = address;
        match ptrace::setregs(pid, registers) {
            // It may be killed only now.
            Err(Errno::ESRCH) => return Ok(()),
            other => other.context("cannot set a thread back")?,
        }
        go_on(pid, None);
        Ok(())
    }
}

fn memory(pid: Pid) -> Result<File> {
    let path = format!("/proc/{pid}/mem");
    OpenOptions::new().read(true).write(true).open(&path).with_context(|| format!("cannot open {path}"))
}

fn go_on(pid: Pid, signal: Option<Signal>) {
    // Whoever is killed meanwhile does not go on.
    let _gone = ptrace::cont(pid, signal);
}
