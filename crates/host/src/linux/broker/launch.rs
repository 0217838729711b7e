//! Starts the runner: this executable again, in namespaces of its own.

use crate::OsError;
use crate::error::Context;
use crate::linux::inside::run::{CONTROL, ORDER, ORDER_HEAD};
use crate::linux::message::{Sender, ToRunner};
use crate::linux::sys::spawn::{self, Strings};
use garth_plan::linux::spec::{LaunchSpec, Supervision, Tier};
use garth_policy::FileRules;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::{TimeVal, TimeValLike};
use rustix::fd::{AsFd, AsRawFd, OwnedFd};
use rustix::fs::{CWD, MemfdFlags, Mode, OFlags, memfd_create, openat};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use rustix::process::{Signal, WaitId, WaitIdOptions, waitid};
use rustix::thread::{CapabilitySet, CapabilitySets};
use std::ffi::CStr;
use std::sync::Arc;
use std::time::Duration;

/// A runner that was started.
#[derive(Debug)]
pub struct Runner {
    /// Its process.
    pub process: OwnedFd,
    /// The socket to it.
    pub control: OwnedFd,
}

/// Ends a sandbox from any thread.
#[derive(Debug)]
pub struct Killer {
    process: OwnedFd,
    speaker: Sender,
    whole: bool,
}

impl Killer {
    /// Kills everything inside.
    pub fn kill(&self) {
        self.speaker.send(&ToRunner::SignalAll(Signal::KILL.as_raw()));
        if self.whole {
            // It may have ended by itself meanwhile.
            let _gone = rustix::process::pidfd_send_signal(&self.process, Signal::KILL);
        }
    }
}

/// What ended children used, with all that they had waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Used {
    /// Processor time in their own code.
    pub user: Duration,
    /// Processor time in the kernel.
    pub system: Duration,
    /// Most memory of one of them, in bytes.
    pub memory: u64,
}

/// What the ended children of this process have used so far (`getrusage(2)`).
///
/// # Errors
/// The error of the call.
pub fn used() -> Result<Used, OsError> {
    let usage =
        getrusage(UsageWho::RUSAGE_CHILDREN).map_err(std::io::Error::from).on("measure", "children")?;
    let time = |time: TimeVal| {
        let micros = time.num_microseconds();
        Duration::from_micros(u64::try_from(micros).unwrap_or(0))
    };
    // Linux counts in KiB.
    let memory = u64::try_from(usage.max_rss()).unwrap_or(0).saturating_mul(1024);
    Ok(Used { user: time(usage.user_time()), system: time(usage.system_time()), memory })
}

/// The namespaces of the `process` tier.
pub(super) const NAMESPACES: i32 = libc::CLONE_NEWUSER
    | libc::CLONE_NEWNS
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWCGROUP;

/// What the child needs, laid out before it exists.
struct Order {
    executable: OwnedFd,
    spec: OwnedFd,
    control: OwnedFd,
    group: Option<OwnedFd>,
    namespaces: bool,
    identity: Identity,
    arguments: Strings,
    environment: Strings,
}

/// Starts the runner with its order. `group` is `cgroup.procs` of the control group to live in.
///
/// # Errors
/// The step that failed. `EPERM`, `ENOSPC`, `EUSERS` and `EINVAL` of "make namespaces for" mean that this
/// machine refuses them.
pub fn launch(
    spec: &LaunchSpec,
    supervised: Option<Supervised<'_>>,
    group: Option<OwnedFd>,
) -> Result<Runner, OsError> {
    let (ours, order) = prepare(spec, order_file(spec, supervised)?, group)?;
    crate::linux::mapped::send(spec, &ours)?;
    let flags = if order.namespaces { NAMESPACES } else { 0 };
    let mut failed = ("", 0);
    let started = spawn::start(flags, &mut || {
        match become_runner(&order) {
            Err((step, errno)) => failed = (step, errno),
            Ok(errno) => failed = ("execute", errno),
        }
        125
    });
    let (_pid, process) = started.on("make namespaces for", "the sandbox")?;
    let runner = Runner { process, control: ours };
    if failed.1 == 0 {
        return Ok(runner);
    }
    runner.reap()?;
    Err(OsError::new(failed.0, "the runner", failed.1))
}

impl Runner {
    /// Something that speaks to the runner beside whoever waits for it.
    ///
    /// # Errors
    /// The error of copying its socket.
    pub fn speaker(&self) -> Result<Sender, OsError> {
        let control = rustix::io::fcntl_dupfd_cloexec(&self.control, 0).on("copy", "the runner's socket")?;
        Ok(Sender::new(Arc::new(control)))
    }

    /// Something that ends the sandbox from any thread. `whole` says that everything inside goes with the runner, as it
    /// does where it is the first process of a pid namespace.
    ///
    /// # Errors
    /// The error of copying a descriptor.
    pub fn killer(&self, whole: bool) -> Result<Killer, OsError> {
        let process = rustix::io::fcntl_dupfd_cloexec(&self.process, 0).on("copy", "the runner's process")?;
        Ok(Killer { process, speaker: self.speaker()?, whole })
    }

    /// Waits for its end, and that of everything in its pid namespace.
    ///
    /// # Errors
    /// The error of `waitid(2)`.
    pub fn reap(&self) -> Result<(), OsError> {
        let ended = WaitIdOptions::EXITED;
        loop {
            match waitid(WaitId::PidFd(self.process.as_fd()), ended) {
                Err(Errno::INTR) => {}
                other => return other.map(drop).on("wait for", "the runner"),
            }
        }
    }
}

/// The order as a file without a name, in two parts: what the target is started with, behind its length, and what it is
/// supervised by, which the runner reads while the target starts.
///
/// # Errors
/// The call that failed.
pub(super) fn order_file(spec: &LaunchSpec, supervised: Option<Supervised<'_>>) -> Result<OwnedFd, OsError> {
    let unreadable = |_| OsError::new("write", "the order", Errno::INVAL.raw_os_error());
    let mut room = Vec::with_capacity(ORDER_SIZE);
    room.extend([0; ORDER_HEAD]);
    let mut order = postcard::to_extend(spec, room).map_err(unreadable)?;
    let first = ((order.len() - ORDER_HEAD) as u64).to_le_bytes();
    order.splice(..ORDER_HEAD, first);
    let order = match supervised {
        // Where there is a view, nothing is judged but what is in these trees.
        Some((by, rules)) if by.has_view => {
            postcard::to_extend(&Some((by, rules.beneath(&by.roots))), order).map_err(unreadable)?
        }
        all => postcard::to_extend(&all, order).map_err(unreadable)?,
    };
    let file = memfd_create("garth-order", MemfdFlags::CLOEXEC).on("make", "the order")?;
    let mut written = 0;
    while written < order.len() {
        written += rustix::io::pwrite(&file, &order[written..], written as u64).on("write", "the order")?;
    }
    Ok(file)
}

/// What a target is supervised by: the order, and the policy's rules for files.
pub type Supervised<'s> = (&'s Supervision, &'s FileRules);

/// What an order usually takes, in bytes.
const ORDER_SIZE: usize = 64 * 1024;

/// Root's other groups would open files that the policy does not know about. Others cannot drop theirs; what these
/// open is held by the file view.
///
/// # Errors
/// The error of `setgroups(2)`.
pub(super) fn drop_groups_of_root() -> Result<(), Errno> {
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    match rustix::thread::set_thread_groups(&[]) {
        // Root of a user namespace in which groups are fixed: it has no more of them than its user.
        Err(Errno::PERM) => Ok(()),
        other => other,
    }
}

fn prepare(spec: &LaunchSpec, file: OwnedFd, group: Option<OwnedFd>) -> Result<(OwnedFd, Order), OsError> {
    let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)
        .on("make", "the runner's socket")?;
    let executable = openat(CWD, c"/proc/self/exe", OFlags::PATH | OFlags::CLOEXEC, Mode::empty())
        .on("open", "/proc/self/exe")?;
    drop_groups_of_root().on("drop", "the groups of root")?;
    let order = Order {
        executable: away(executable)?,
        spec: away(file)?,
        control: away(theirs)?,
        group: group.map(away).transpose()?,
        namespaces: spec.tier == Tier::Process,
        identity: Identity::own(),
        arguments: Strings::new(["garth-runner"]).on("pass", "the arguments")?,
        environment: Strings::new::<&str>([]).on("pass", "the environment")?,
    };
    Ok((ours, order))
}

/// A user and a group as the kernel's maps say that they are themselves (`user_namespaces(7)`).
pub(super) struct Identity {
    user: Vec<u8>,
    group: Vec<u8>,
}

impl Identity {
    /// That of this process.
    pub(super) fn own() -> Self {
        let line = |number: u32| format!("{number} {number} 1\n").into_bytes();
        let (user, group) = (rustix::process::geteuid(), rustix::process::getegid());
        Self { user: line(user.as_raw()), group: line(group.as_raw()) }
    }

    /// Maps the user to itself: git then sees its own files as its own, and no other identity exists inside.
    /// Allocates nothing.
    pub(super) fn map(&self) -> Result<(), (&'static str, i32)> {
        let write = |path: &CStr, text: &[u8], step: &'static str| {
            openat(CWD, path, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())
                .and_then(|file| rustix::io::write(&file, text))
                .map(|_| ())
                .map_err(|errno| (step, errno.raw_os_error()))
        };
        write(c"/proc/self/setgroups", b"deny", "fix the groups of")?;
        write(c"/proc/self/uid_map", &self.user, "map the user of")?;
        write(c"/proc/self/gid_map", &self.group, "map the group of")
    }
}

/// Moves a descriptor out of the way of the numbers that the runner expects.
fn away(descriptor: OwnedFd) -> Result<OwnedFd, OsError> {
    rustix::io::fcntl_dupfd_cloexec(&descriptor, 10).on("copy", "a descriptor")
}

/// The child's steps. System calls only; returns only when one of them failed.
fn become_runner(order: &Order) -> Result<i32, (&'static str, i32)> {
    let at = |step: &'static str| move |errno: Errno| (step, errno.raw_os_error());
    if let Some(group) = &order.group {
        rustix::io::write(group, b"0").map_err(at("enter the control group of"))?;
    }
    if order.namespaces {
        order.identity.map()?;
        keep_capabilities().map_err(at("keep the capabilities of"))?;
    }
    let place = |from: &OwnedFd, to: i32| {
        spawn::place_descriptor(from.as_raw_fd(), to).map_err(|errno| ("pass a descriptor to", errno))
    };
    place(&order.spec, ORDER)?;
    place(&order.control, CONTROL)?;
    let first = CONTROL.cast_unsigned() + 1;
    spawn::close_on_exec_from(first).map_err(|errno| ("close the descriptors of", errno))?;
    Ok(spawn::execute_opened(order.executable.as_raw_fd(), &order.arguments, &order.environment))
}

/// What building the sandbox takes: mounts, layers that hold any file of the user, the network with its name server,
/// giving capabilities up, and reading the arguments of supervised calls.
const NEEDED: CapabilitySet = CapabilitySet::SYS_ADMIN
    .union(CapabilitySet::NET_ADMIN)
    .union(CapabilitySet::NET_BIND_SERVICE)
    .union(CapabilitySet::SETPCAP)
    .union(CapabilitySet::SYS_PTRACE)
    .union(CapabilitySet::DAC_OVERRIDE)
    .union(CapabilitySet::FOWNER)
    .union(CapabilitySet::CHOWN)
    .union(CapabilitySet::MKNOD);

/// Capabilities in the new user namespace survive the execution that follows.
fn keep_capabilities() -> Result<(), Errno> {
    let mut sets: CapabilitySets = rustix::thread::capabilities(None)?;
    sets.inheritable = sets.permitted;
    rustix::thread::set_capabilities(None, sets)?;
    for capability in NEEDED.iter() {
        rustix::thread::configure_capability_in_ambient_set(capability, true)?;
    }
    Ok(())
}

/// Errors of "make namespaces for" that mean the machine refuses them to this user.
#[must_use]
pub fn namespaces_refused(error: &OsError) -> bool {
    const REFUSALS: [Errno; 5] = [Errno::PERM, Errno::NOSPC, Errno::USERS, Errno::INVAL, Errno::NOSYS];
    (error.operation == "make namespaces for" || error.operation.starts_with("map the"))
        && REFUSALS.iter().any(|errno| errno.raw_os_error() == error.code)
}
