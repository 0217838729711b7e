//! Starts the target: the last steps before `execve`, each irreversible.

use crate::OsError;
use crate::error::Context;
use crate::linux::sys::landlock::Ruleset;
use crate::linux::sys::notify::{Bringer, Program};
use crate::linux::sys::spawn::{self, Strings};
use garth_plan::linux::spec::{Target, TerminalSize};
use rustix::fd::OwnedFd;
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;
use rustix::process::Pid;
use rustix::thread::{CapabilitySet, CapabilitySets};
use std::ffi::{CStr, CString};

/// Why the target did not start.
#[derive(Debug)]
pub enum NotStarted {
    /// The program could not be executed.
    Program(i32),
    /// A step of the confinement failed.
    Step(OsError),
}

/// Everything the child needs, laid out before it exists: it may not allocate.
struct Order {
    ruleset: Option<Ruleset>,
    filter: Program,
    /// Brings the listener to the supervisor, where there is one: it answers the target's first `execve` already.
    listener: Option<Bringer>,
    directory: CString,
    programs: Vec<CString>,
    arguments: Strings,
    environment: Strings,
    terminal: bool,
}

/// Where the child got to; written in shared memory.
#[derive(Default)]
struct Progress {
    step: &'static str,
    errno: i32,
}

/// Opens a terminal inside and makes its slave the runner's own input, output and error; returns the
/// master for the broker. The runner leads the session, so that the target's process group is no orphan
/// and can be stopped and continued (`setpgid(2)`).
///
/// # Errors
/// The call that failed.
pub fn open_terminal(size: TerminalSize) -> Result<OwnedFd, OsError> {
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let master = openat(CWD, c"/dev/ptmx", flags, Mode::empty()).on("open", "a terminal")?;
    rustix::pty::unlockpt(&master).on("unlock", "the terminal")?;
    let name = rustix::pty::ptsname(&master, Vec::new()).on("name", "the terminal")?;
    let slave = openat(CWD, name.as_c_str(), flags, Mode::empty()).on("open", "the terminal")?;
    let winsize =
        rustix::termios::Winsize { ws_row: size.rows, ws_col: size.columns, ws_xpixel: 0, ws_ypixel: 0 };
    rustix::termios::tcsetwinsize(&slave, winsize).on("size", "the terminal")?;
    // It starts with the settings of the user's, which is the runner's own until now. Not later: the target chooses its own.
    let settings =
        rustix::termios::tcgetattr(rustix::stdio::stdin()).on("read the settings of", "the terminal")?;
    rustix::termios::tcsetattr(&slave, rustix::termios::OptionalActions::Now, &settings)
        .on("set", "the target's terminal")?;
    rustix::process::setsid().on("lead", "a session")?;
    rustix::process::ioctl_tiocsctty(&slave).on("take", "the terminal")?;
    use_as_standard(&slave)?;
    Ok(master)
}

/// Makes an opened file the standard input, output and error of this process.
///
/// # Errors
/// The error of `dup2(2)`.
pub fn use_as_standard(file: &OwnedFd) -> Result<(), OsError> {
    rustix::stdio::dup2_stdin(file).on("use", "the terminal")?;
    rustix::stdio::dup2_stdout(file).on("use", "the terminal")?;
    rustix::stdio::dup2_stderr(file).on("use", "the terminal")
}

/// Lets go of the standard streams, so that a reader outside sees their end when the target closes them.
///
/// # Errors
/// The error of opening `/dev/null`.
pub fn release_standard() -> Result<(), OsError> {
    let null =
        openat(CWD, c"/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty()).on("open", "/dev/null")?;
    use_as_standard(&null)
}

/// Starts the target in its confinement; returns its process, the leader of its own process group.
///
/// # Errors
/// See [`NotStarted`].
pub fn start(
    target: &Target,
    ruleset: Option<Ruleset>,
    filter: Program,
    listener: Option<Bringer>,
) -> Result<Pid, NotStarted> {
    let order = prepare(target, ruleset, filter, listener).map_err(NotStarted::Step)?;
    let mut progress = Progress::default();
    let started = spawn::start(libc::CLONE_FILES, &mut || {
        let errno = become_target(&order, &mut progress);
        progress.errno = errno;
        127
    });
    let (pid, _process) = started.on("start", "the target").map_err(NotStarted::Step)?;
    match (progress.errno, progress.step) {
        (0, _) => Ok(pid),
        (errno, "execute") => Err(NotStarted::Program(errno)),
        (errno, step) => Err(NotStarted::Step(OsError::new(step, "the target", errno))),
    }
}

fn prepare(
    target: &Target,
    ruleset: Option<Ruleset>,
    filter: Program,
    listener: Option<Bringer>,
) -> Result<Order, OsError> {
    let text = |bytes: &[u8], what: &str| CString::new(bytes).map_err(|_| Errno::INVAL).on("pass", what);
    Ok(Order {
        ruleset,
        filter,
        listener,
        directory: text(target.directory.as_bytes(), "the working directory")?,
        programs: target.programs.iter().map(|path| text(path, "the program")).collect::<Result<_, _>>()?,
        arguments: Strings::new(&target.arguments).on("pass", "the arguments")?,
        environment: Strings::new(&target.environment).on("pass", "the environment")?,
        terminal: target.terminal.is_some(),
    })
}

/// The child's steps. System calls only.
fn become_target(order: &Order, progress: &mut Progress) -> i32 {
    match confine(order, progress) {
        Ok(()) => {}
        Err(errno) => return errno,
    }
    progress.step = "execute";
    let mut denied = None;
    for program in &order.programs {
        let errno = spawn::execute(program, &order.arguments, &order.environment);
        match errno {
            libc::ENOENT | libc::ENOTDIR => {}
            libc::EACCES => denied = Some(errno),
            errno => return errno,
        }
    }
    denied.unwrap_or(libc::ENOENT)
}

fn confine(order: &Order, progress: &mut Progress) -> Result<(), i32> {
    let raw = |errno: Errno| errno.raw_os_error();
    if order.terminal {
        progress.step = "give the terminal to";
        rustix::process::setpgid(None, None).map_err(raw)?;
        // SIGTTOU would stop a background group that takes the terminal; all signals are blocked here.
        rustix::termios::tcsetpgrp(rustix::stdio::stdin(), rustix::process::getpid()).map_err(raw)?;
    } else {
        progress.step = "lead a session of";
        rustix::process::setsid().map_err(raw)?;
    }
    progress.step = "enter the directory of";
    change_directory(&order.directory).map_err(raw)?;
    progress.step = "drop the capabilities of";
    let none = CapabilitySet::empty();
    let sets = CapabilitySets { effective: none, permitted: none, inheritable: none };
    rustix::thread::set_capabilities(None, sets).map_err(raw)?;
    progress.step = "forbid new privileges to";
    rustix::thread::set_no_new_privs(true).map_err(raw)?;
    if let Some(ruleset) = &order.ruleset {
        progress.step = "apply Landlock to";
        ruleset.restrict()?;
    }
    progress.step = "apply seccomp to";
    spawn::usual_signals();
    let number = order.filter.install(order.listener.is_some())?;
    if let (Some(bringer), Some(number)) = (&order.listener, number) {
        progress.step = "bring the listener of";
        bringer.bring(number)?;
    }
    Ok(())
}

/// The directory is final: a link on the way was put there since, and may lead out of the view while that is made.
fn change_directory(directory: &CStr) -> Result<(), Errno> {
    use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat2};
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let no_links = ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    rustix::process::fchdir(openat2(CWD, directory, flags, Mode::empty(), no_links)?)
}
