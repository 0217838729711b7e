//! What broker and runner say to each other, over a socket pair that keeps message boundaries.

use super::supervise::{Changed, ChangesCounted, Counted, Denied, Execution, Gone, Started, Used};
use crate::OsError;
use garth_policy::AbsPath;
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::io::Errno;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendFlags};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::io::{IoSlice, IoSliceMut};
use std::sync::Arc;

/// Runner to broker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum FromRunner {
    /// A step of the set-up failed; nothing was started.
    Failed {
        /// Which step, as a name of the launch list.
        step: String,
        /// What failed.
        error: OsError,
    },
    /// The target's program is executed.
    Started,
    /// The target's program could not be executed (`errno`).
    NotExecuted(i32),
    /// The terminal of the target comes with this message.
    Terminal,
    /// A socket of the sandbox's network comes with this message, for the broker to serve.
    Socket(InnerSocket),
    /// The target was stopped by this signal.
    Stopped(i32),
    /// A supervised call was refused.
    Denied(Denied),
    /// What the policy hides was wanted, if the host has it.
    Hidden(Denied),
    /// A file is used, in a sandbox that is there for learning.
    Used(Used),
    /// More files are used than are told.
    UsedTooMuch,
    /// A connection to this port of the sandbox's own loopback found nobody. Told once.
    NobodyListens(u16),
    /// A program is about to start and waits for a verdict.
    Execute(Execution),
    /// A process executes a program.
    Executes(Started),
    /// A process that was told of is gone.
    Gone(Gone),
    /// Names that are not what they were, told in the end.
    Changed(Vec<Changed>),
    /// How complete the above is, told in the end.
    Counted(Counted, ChangesCounted),
    /// A limit was reached and the sandbox ended for it.
    LimitHit(String),
    /// The target is gone.
    Ended(Ending),
}

/// The process that starts an early runner, to the broker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FromStarter {
    /// The runner waits for its order; its process comes with this message.
    Ready,
    /// There is no runner.
    Failed(OsError),
}

/// Broker to an early runner. A message has at least a byte: none at all is the end of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Order {
    /// The order comes with this message, as a file.
    File,
}

/// What a socket of the sandbox's network is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum InnerSocket {
    /// Connections arrive that were going anywhere.
    Redirected,
    /// Connections arrive that ask for a proxy.
    Proxy,
    /// Names are asked for by datagram.
    Names,
    /// Names are asked for by connection.
    NameConnections,
    /// Connections arrive that are for this port of the host's loopback.
    HostPort(u16),
    /// Not connected yet: it was asked for, to reach a server inside.
    Fresh,
}

/// How a sandbox ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ending {
    /// Exit code, when it exited.
    pub code: Option<i32>,
    /// Signal, when one ended it.
    pub signal: Option<i32>,
    /// Directories that became git repositories (or pointers to one) meanwhile.
    pub repositories: Vec<AbsPath>,
}

/// Broker to runner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToRunner {
    /// Deliver this signal to the target's process group.
    Signal(i32),
    /// Deliver this signal to every process inside.
    SignalAll(i32),
    /// The verdict on a program that is about to start.
    Verdict {
        /// The waiting call.
        id: u64,
        /// It may start.
        allow: bool,
        /// So may, or may not, all that are equal.
        remember: bool,
    },
    /// A mount of the view comes with this message.
    Mount,
    /// A socket of the sandbox's network is wanted, not connected yet.
    Socket,
}

/// Longest message; a longer one is not sent.
const LONGEST: usize = 60_000;

/// The sending end, shared by the runner's threads.
#[derive(Clone, Debug)]
pub struct Sender(Arc<OwnedFd>);

impl Sender {
    /// Sends on `socket`.
    #[must_use]
    pub fn new(socket: Arc<OwnedFd>) -> Self {
        Self(socket)
    }

    /// Sends one message. A broker that is gone takes the sandbox with it, so failing is no news.
    pub fn send<M: Serialize>(&self, message: &M) {
        self.send_with(message, &[]);
    }

    /// Sends one message with descriptors.
    pub fn send_with<M: Serialize>(&self, message: &M, descriptors: &[BorrowedFd<'_>]) {
        let Ok(bytes) = postcard::to_stdvec(message) else { return };
        if bytes.len() > LONGEST {
            return;
        }
        let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        if !descriptors.is_empty() {
            ancillary.push(rustix::net::SendAncillaryMessage::ScmRights(descriptors));
        }
        while let Err(Errno::INTR) =
            rustix::net::sendmsg(&*self.0, &[IoSlice::new(&bytes)], &mut ancillary, SendFlags::NOSIGNAL)
        {
        }
    }
}

/// Receives one message; `None` when the other side is gone.
///
/// # Errors
/// The error of `recvmsg(2)`, and `EBADMSG` for a message that is not of this kind.
pub fn receive<M: DeserializeOwned>(socket: impl AsFd) -> Result<Option<(M, Option<OwnedFd>)>, Errno> {
    let mut bytes = vec![0; LONGEST];
    let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let received = loop {
        let result = rustix::net::recvmsg(
            socket.as_fd(),
            &mut [IoSliceMut::new(&mut bytes)],
            &mut ancillary,
            RecvFlags::CMSG_CLOEXEC,
        );
        match result {
            Err(Errno::INTR) => {}
            other => break other?,
        }
    };
    if received.bytes == 0 {
        return Ok(None);
    }
    let mut descriptor = None;
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(mut descriptors) = message {
            descriptor = descriptors.next();
        }
    }
    let message = postcard::from_bytes(&bytes[..received.bytes]).map_err(|_| Errno::BADMSG)?;
    Ok(Some((message, descriptor)))
}
