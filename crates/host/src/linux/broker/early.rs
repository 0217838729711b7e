//! A runner that waits for its order: a copy of the broker, made before the broker knows anything.
//!
//! While the broker reads policies and looks at the machine, the copy makes the namespaces, which takes as long. It
//! saves starting the executable a second time too. What separates it from the target is what separates a runner that
//! was executed; and of the user it knows the command line alone: the environment is overwritten first of all.

use super::launch::{Identity, NAMESPACES, Runner, Supervised, drop_groups_of_root, order_file};
use crate::OsError;
use crate::error::Context;
use crate::linux::inside::run::run_early;
use crate::linux::message::{FromStarter, Order, Sender, receive};
use crate::linux::sys::affinity;
use crate::linux::sys::fork::{Side, enter_new, forget_environment, fork, go_on_as_sibling, leave};
use crate::linux::sys::heap::make_room;
use crate::linux::sys::spawn::close_all_but;
use garth_plan::linux::spec::LaunchSpec;
use rustix::fd::{AsFd, OwnedFd};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use rustix::process::{Pid, PidfdFlags, WaitOptions, pidfd_open, waitpid};
use rustix::thread::CpuSet;
use std::sync::Arc;

/// What making a plan allocates, in bytes, more or less.
const PLAN: usize = 328 * 1024;

/// A runner without an order.
#[derive(Debug)]
pub struct EarlyRunner {
    /// The process that makes the namespaces and then the runner as its sibling.
    starter: Pid,
    /// What it said.
    said: Option<Result<OwnedFd, OsError>>,
    /// The socket to it and to the runner.
    control: Option<OwnedFd>,
}

/// Starts a runner for the `process` tier. Call it first: what this process has read by then, the runner knows too.
///
/// # Errors
/// `EBUSY` when this process has other threads already, else the error of `fork(2)`.
pub fn start() -> Result<EarlyRunner, OsError> {
    let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)
        .on("make", "the runner's socket")?;
    let processors = affinity::allowed();
    // Asked before: the copy stands in this processor's queue until it is sent away.
    let elsewhere = processors.as_ref().and_then(affinity::elsewhere);
    match fork().on("start", "the runner")? {
        Side::Parent(starter) => {
            if let Some(elsewhere) = &elsewhere {
                affinity::send_away(starter, elsewhere);
            }
            // Only now: the copy has no use for it.
            make_room(PLAN);
            Ok(EarlyRunner { starter, said: None, control: Some(ours) })
        }
        Side::Child => {
            let lived = std::panic::catch_unwind(|| start_runner(theirs, processors));
            leave(lived.unwrap_or(125))
        }
    }
}

/// The copy's life up to its end, and then the runner's, which takes its place. Returns an exit code.
fn start_runner(control: OwnedFd, processors: Option<CpuSet>) -> i32 {
    forget_environment();
    let control = Arc::new(control);
    let sender = Sender::new(Arc::clone(&control));
    let made = enter_namespaces(&control).and_then(|()| {
        let control = Arc::clone(&control);
        let life = move || std::panic::catch_unwind(|| announce(&control, processors)).unwrap_or(125);
        go_on_as_sibling(Box::new(life)).on("start", "the runner")
    });
    match made {
        Ok(never) => match never {},
        Err(error) => {
            sender.send(&FromStarter::Failed(error));
            125
        }
    }
}

/// The runner says which process it is, and waits for its order.
fn announce(control: &Arc<OwnedFd>, processors: Option<CpuSet>) -> i32 {
    let sender = Sender::new(Arc::clone(control));
    match pidfd_open(rustix::process::getpid(), PidfdFlags::empty()).on("open", "the runner's process") {
        Ok(process) => sender.send_with(&FromStarter::Ready, &[process.as_fd()]),
        Err(error) => {
            sender.send(&FromStarter::Failed(error));
            return 125;
        }
    }
    i32::from(run_early(control, processors))
}

fn enter_namespaces(control: &OwnedFd) -> Result<(), OsError> {
    close_all_but(control.as_fd()).on("close", "the broker's descriptors")?;
    // The name that process lists show; the command line stays the broker's.
    rustix::thread::set_name(c"garth-runner").on("name", "the runner")?;
    drop_groups_of_root().on("drop", "the groups of root")?;
    let identity = Identity::own();
    // That of the network is made by the runner, beside other work.
    enter_new(NAMESPACES & !libc::CLONE_NEWNET).on("make namespaces for", "the sandbox")?;
    identity.map().map_err(|(step, errno)| OsError::new(step, "the runner", errno))
}

impl EarlyRunner {
    /// Hands the order over.
    ///
    /// # Errors
    /// As `launch::launch`: `EPERM` and others of "make namespaces for" mean that this machine refuses them.
    pub fn launch(
        mut self,
        spec: &LaunchSpec,
        supervised: Option<Supervised<'_>>,
    ) -> Result<Runner, OsError> {
        let order = order_file(spec, supervised)?;
        let process = self.process()?;
        let control = self.control.take().ok_or(Errno::BADF).on("reach", "the runner")?;
        let control = Arc::new(control);
        Sender::new(Arc::clone(&control)).send_with(&Order::File, &[order.as_fd()]);
        let control = Arc::into_inner(control).ok_or(Errno::BUSY).on("reach", "the runner")?;
        crate::linux::mapped::send(spec, &control)?;
        // The runner waits for its order on this processor, behind whatever this process does next.
        rustix::thread::sched_yield();
        Ok(Runner { process, control })
    }

    /// The runner's process, once there is one.
    fn process(&mut self) -> Result<OwnedFd, OsError> {
        self.hear();
        self.said.take().unwrap_or_else(|| Err(Errno::CHILD).on("start", "the runner"))
    }

    /// Waits for what the starter says, and for its end.
    fn hear(&mut self) {
        let Some(control) = &self.control else { return };
        if self.said.is_some() {
            return;
        }
        self.said = Some(match receive::<FromStarter>(control) {
            Ok(Some((FromStarter::Ready, Some(process)))) => Ok(process),
            Ok(Some((FromStarter::Failed(error), _))) => Err(error),
            Ok(_) => Err(Errno::CHILD).on("start", "the runner"),
            Err(errno) => Err(errno).on("hear from", "the runner"),
        });
        if matches!(self.said, Some(Err(_))) {
            // Nothing more will be said. A runner that is there all the same ends with the socket.
            self.control = None;
        }
        while let Err(Errno::INTR) = waitpid(Some(self.starter), WaitOptions::empty()) {}
    }
}

impl Drop for EarlyRunner {
    /// Without an order the runner ends when its socket closes; nothing of it is left.
    fn drop(&mut self) {
        self.hear();
        let said = self.said.take();
        if let (Some(Ok(process)), Some(control)) = (said, self.control.take()) {
            let _gone = rustix::process::pidfd_send_signal(&process, rustix::process::Signal::KILL);
            let _reaped = Runner { process, control }.reap();
        }
    }
}
