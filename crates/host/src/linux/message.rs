//! What broker and runner say to each other, over a socket pair that keeps message boundaries.

use super::supervise::{Changed, ChangesCounted, Counted, Denied, Execution, Gone, Started, Used};
use crate::OsError;
use garth_policy::AbsPath;
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::io::Errno;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendFlags};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::io::{IoSlice, IoSliceMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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
    /// A file that an agent keeps, as it is in the end; it comes with this message.
    Kept(AbsPath),
    /// A change takes a turn among all sandboxes of the user, and the lock for that is not here yet.
    LockWanted,
    /// A limit was reached and the sandbox ended for it.
    LimitHit(String),
    /// A limit was reached that the kernel holds: nothing ended for it.
    LimitMet(String),
    /// The target is gone.
    Ended(Ending),
    /// Messages that nobody waited for, one after the other. See [`Sender::gather`].
    Gathered(Vec<u8>),
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
    /// The lock for changes, which was wanted, comes with this message, if there is one.
    ChangeLock,
    /// A socket of the sandbox's network is wanted, not connected yet.
    Socket,
}

/// Longest message; a longer one is not sent.
const LONGEST: usize = 60_000;

/// What a message of gathered ones has beside them, at most.
const HEADER: usize = 16;

/// The sending end, shared by the runner's threads. Clones share what waits to be sent.
#[derive(Clone, Debug)]
pub struct Sender {
    socket: Arc<OwnedFd>,
    gathered: Arc<Mutex<Vec<u8>>>,
}

impl Sender {
    /// Sends on `socket`.
    #[must_use]
    pub fn new(socket: Arc<OwnedFd>) -> Self {
        Self { socket, gathered: Arc::default() }
    }

    /// Sends this message with others: before the next one that is sent by this sender or a clone, or at the next
    /// [`flush`](Self::flush), for which the caller has to care. True if it is the first that waits.
    ///
    /// A message wakes the broker, and that costs the command more than the message. What happens a thousand times a
    /// second, and waits for no answer, is told of together.
    pub fn gather(&self, message: &FromRunner) -> bool {
        let Ok(bytes) = postcard::to_stdvec(message) else { return false };
        if bytes.len() > LONGEST {
            return false;
        }
        let mut gathered = self.gathered();
        let is_first = gathered.is_empty();
        if gathered.len() + bytes.len() > LONGEST {
            self.send_gathered(&mut gathered);
        }
        gathered.extend(bytes);
        is_first
    }

    /// Sends what was gathered.
    pub fn flush(&self) {
        self.send_gathered(&mut self.gathered());
    }

    fn gathered(&self) -> MutexGuard<'_, Vec<u8>> {
        self.gathered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn send_gathered(&self, gathered: &mut Vec<u8>) {
        if !gathered.is_empty()
            && let Ok(bytes) = postcard::to_stdvec(&FromRunner::Gathered(std::mem::take(gathered)))
        {
            self.send_bytes(&bytes, &[]);
        }
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
        let mut gathered = self.gathered();
        self.send_gathered(&mut gathered);
        self.send_bytes(&bytes, descriptors);
    }

    /// Does something, and sends a message then, before any other: whoever goes on because of `act` tells nothing before this
    /// is told, and the runner does not end before.
    pub fn send_after<M: Serialize>(&self, act: impl FnOnce(), message: &M) {
        let bytes = postcard::to_stdvec(message).ok().filter(|bytes| bytes.len() <= LONGEST);
        let mut gathered = self.gathered();
        self.send_gathered(&mut gathered);
        act();
        if let Some(bytes) = bytes {
            self.send_bytes(&bytes, &[]);
        }
    }

    fn send_bytes(&self, bytes: &[u8], descriptors: &[BorrowedFd<'_>]) {
        let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        if !descriptors.is_empty() {
            ancillary.push(rustix::net::SendAncillaryMessage::ScmRights(descriptors));
        }
        while let Err(Errno::INTR) =
            rustix::net::sendmsg(&*self.socket, &[IoSlice::new(bytes)], &mut ancillary, SendFlags::NOSIGNAL)
        {
        }
    }
}

/// Receives one message; `None` when the other side is gone.
///
/// # Errors
/// The error of `recvmsg(2)`, and `EBADMSG` for a message that is not of this kind.
pub fn receive<M: DeserializeOwned>(socket: impl AsFd) -> Result<Option<(M, Option<OwnedFd>)>, Errno> {
    let mut bytes = vec![0; length_of_next(socket.as_fd())?];
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

/// Waits for the next message, and says how long it is (`MSG_TRUNC`, recv(2)). Most are short, and room for the longest
/// would have to be cleared for each.
fn length_of_next(socket: BorrowedFd<'_>) -> Result<usize, Errno> {
    let flags = RecvFlags::PEEK | RecvFlags::TRUNC;
    loop {
        match rustix::net::recv(socket, &mut [0_u8; 1], flags) {
            Err(Errno::INTR) => {}
            // With an empty buffer no message could be told from the end.
            received => return Ok(received?.1.clamp(1, LONGEST + HEADER)),
        }
    }
}

/// The messages of [`FromRunner::Gathered`], in order.
///
/// # Errors
/// `EBADMSG` when they are none.
pub fn apart(mut gathered: &[u8]) -> Result<Vec<FromRunner>, Errno> {
    let mut messages = Vec::new();
    while !gathered.is_empty() {
        let (message, rest) = postcard::take_from_bytes(gathered).map_err(|_| Errno::BADMSG)?;
        messages.push(message);
        gathered = rest;
    }
    Ok(messages)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};

    fn pair() -> (Sender, OwnedFd) {
        let (here, there) =
            socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).unwrap();
        (Sender::new(Arc::new(here)), there)
    }

    fn heard(socket: &OwnedFd) -> Vec<FromRunner> {
        match receive::<FromRunner>(socket).unwrap().unwrap().0 {
            FromRunner::Gathered(bytes) => apart(&bytes).unwrap(),
            message => vec![message],
        }
    }

    #[test]
    fn what_is_gathered_goes_before_what_is_sent() {
        let (sender, socket) = pair();
        let clone = sender.clone();
        assert!(sender.gather(&FromRunner::NobodyListens(1)));
        assert!(!clone.gather(&FromRunner::NobodyListens(2)));
        clone.send(&FromRunner::Started);
        sender.flush();
        assert_eq!(heard(&socket), [FromRunner::NobodyListens(1), FromRunner::NobodyListens(2)]);
        assert_eq!(heard(&socket), [FromRunner::Started]);
        assert!(sender.gather(&FromRunner::NobodyListens(3)));
        sender.flush();
        drop((sender, clone));
        assert_eq!(heard(&socket), [FromRunner::NobodyListens(3)]);
        assert!(receive::<FromRunner>(&socket).unwrap().is_none());
    }

    #[test]
    fn no_message_of_many_is_lost() {
        let (sender, socket) = pair();
        let long =
            |number: u16| FromRunner::LimitHit(format!("{number} {}", "x".repeat(usize::from(number) * 90)));
        let listener = std::thread::spawn(move || {
            let mut all = Vec::new();
            while all.last() != Some(&FromRunner::Started) {
                all.extend(heard(&socket));
            }
            all
        });
        for number in 0..600 {
            sender.gather(&long(number));
        }
        sender.send(&FromRunner::Started);
        let all = listener.join().unwrap();
        assert_eq!(all.len(), 601);
        assert!(all.iter().take(600).eq((0..600).map(long).collect::<Vec<_>>().iter()));
    }

    #[test]
    fn nothing_that_follows_from_an_act_is_told_before_it() {
        let (sender, socket) = pair();
        let (clone, (going, goes)) = (sender.clone(), std::sync::mpsc::channel());
        let mut follower = None;
        let act = || {
            follower = Some(std::thread::spawn(move || {
                going.send(()).unwrap();
                clone.send(&FromRunner::Started);
            }));
            goes.recv().unwrap();
            // As long as a thread may wait for its turn.
            std::thread::sleep(std::time::Duration::from_millis(50));
        };
        sender.send_after(act, &FromRunner::NobodyListens(1));
        follower.unwrap().join().unwrap();
        assert_eq!(heard(&socket), [FromRunner::NobodyListens(1)]);
        assert_eq!(heard(&socket), [FromRunner::Started]);
    }

    #[test]
    fn bytes_that_are_no_messages_are_refused() {
        assert_eq!(apart(&[0xff, 0xff]), Err(Errno::BADMSG));
    }
}
