//! The network namespace of a runner that waits for its order.
//!
//! Making one takes the kernel longer than all other namespaces together, and nothing but the target needs it. So the
//! runner's second thread makes it, beside the wait for the order and the steps after it, before it does what
//! else there is for a second thread: letting go of the host's tree, and supervising. The loopback interface comes up when
//! the runner is in the namespace already.

use crate::OsError;
use crate::error::Context;
use crate::linux::sys::affinity;
use crate::linux::sys::fork::enter_new;
use crate::linux::sys::network::own_namespace;
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::fstat;
use rustix::io::Errno;
use rustix::thread::{CpuSet, LinkNameSpaceType, move_into_link_name_space};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// The name of the step for the launcher.
pub const STEP: &str = "make the network namespace";

/// Enough for the supervisor, in bytes.
const STACK: usize = 256 * 1024;

/// What the second thread does when the namespace is made.
pub type Task = Box<dyn FnOnce() + Send>;

/// A network namespace that is being made. The runner is not in it yet.
#[derive(Debug)]
#[must_use]
pub struct Making {
    namespace: Receiver<Result<OwnedFd, OsError>>,
    /// Whether its loopback interface is up.
    up: Receiver<Result<(), OsError>>,
    /// Whether it is made as a whole.
    is_over: Arc<AtomicBool>,
    next: SyncSender<Task>,
}

/// Starts the second thread, which makes the namespace with its loopback interface up, where this thread may run. Later it
/// may run on all of `processors`.
///
/// # Errors
/// The error of starting a thread.
pub fn make(processors: Option<CpuSet>) -> Result<Making, OsError> {
    let (tell, namespace) = sync_channel(1);
    let (tell_up, up) = sync_channel(1);
    let (next, task) = sync_channel::<Task>(1);
    let is_over = Arc::new(AtomicBool::new(false));
    let over = Arc::clone(&is_over);
    let life = move || {
        let made = made();
        let is_made = made.is_ok();
        if tell.send(made).is_err() || !is_made {
            return;
        }
        let is_up = super::loopback_up().on("bring up", "the loopback interface");
        let is_whole = is_up.is_ok();
        if tell_up.send(is_up).is_err() || !is_whole {
            return;
        }
        over.store(true, Ordering::Release);
        if let Ok(task) = task.recv() {
            processors.iter().for_each(affinity::come_back);
            task();
        }
    };
    start(life)?;
    Ok(Making { namespace, up, is_over, next })
}

/// Starts a second thread of which nothing else is wanted.
///
/// # Errors
/// The error of starting a thread.
pub fn start(task: impl FnOnce() + Send + 'static) -> Result<(), OsError> {
    std::thread::Builder::new().stack_size(STACK).spawn(task).on("start", "the runner's second thread")?;
    Ok(())
}

fn made() -> Result<OwnedFd, OsError> {
    enter_new(libc::CLONE_NEWNET).on("make namespaces for", "the network")?;
    // Not by a path: the root is exchanged meanwhile.
    own_namespace().on("open", "the network namespace")
}

impl Making {
    /// Has the second thread, which is in the namespace, do this next. A thread that could not make one does nothing any
    /// more, and [`Self::enter`] says why.
    pub fn then(&self, task: Task) {
        let _gone = self.next.send(task);
    }

    /// Whether the second thread has made the namespace and waits for what it is to do next. One that could not make it
    /// never does.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.is_over.load(Ordering::Acquire)
    }

    /// Moves this thread, and what it starts from now on, into the namespace, and reads back that it is there. Once.
    ///
    /// # Errors
    /// What failed of making it, and the error of `setns(2)`.
    pub fn enter(&self) -> Result<(), OsError> {
        let named = "the network namespace";
        let namespace =
            self.namespace.recv().map_err(|_| Errno::CHILD).on("make namespaces for", named)??;
        move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network)).on("enter", named)?;
        let identity = |file: &OwnedFd| fstat(file).map(|stat| (stat.st_dev, stat.st_ino));
        let own = own_namespace().on("read back", named)?;
        if identity(&own).on("read back", named)? == identity(&namespace).on("read back", named)? {
            return Ok(());
        }
        Err(OsError::new("enter", named, Errno::BUSY.raw_os_error())
            .with_remedy("the kernel did not move the runner; please report this machine"))
    }

    /// Waits until the namespace is as it is to be: with its loopback interface up. Once, after [`Self::enter`].
    ///
    /// # Errors
    /// What failed of it.
    pub fn finished(&self) -> Result<(), OsError> {
        self.up.recv().map_err(|_| Errno::CHILD).on("bring up", "the loopback interface")?
    }
}
