//! The trial of the sandbox's network, through the very sockets that the target will use: a connection must come to the
//! broker, an allowed name must get an address and a forbidden one none. Nothing of it leaves the machine.

use crate::OsError;
use crate::error::Context;
use crate::linux::message::InnerSocket;
use crate::names::{has_address, question};
use garth_plan::linux::spec::{Canary, RESOLVER};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::net::sockopt::{ip_original_dst, ipv6_original_dst, socket_error};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, accept_with, connect, getsockname, recv,
    send, socket_with,
};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

/// The name of the step, by which the broker knows that the machine does not hold the network.
pub const STEP: &str = "try the network";

/// How long an answer may take. It takes microseconds, but on a machine with other work.
const PATIENCE: Duration = Duration::from_secs(10);

const REMEDY: &str = "what is allowed could not be told from what is not; see `garth doctor`, or set \
                      `network.mode = \"deny\"`";

/// Connects to addresses that nobody has, and takes the connections from the broker's sockets, before the broker has
/// them. They must know where they were going.
///
/// # Errors
/// The connection that did not come, came without its address, or came with another one.
pub fn arrive(canary: &Canary, sockets: &[(InnerSocket, OwnedFd)]) -> Result<(), OsError> {
    let comes_here = |kind: InnerSocket| matches!(kind, InnerSocket::Redirected | InnerSocket::Proxy);
    let redirected = sockets.iter().filter(|(kind, _)| comes_here(*kind));
    let listeners: Vec<&OwnedFd> = redirected.map(|(_, socket)| socket).collect();
    for address in &canary.arrive {
        let came = came(*address, &listeners).on("lead to the broker a connection to", address);
        came.map_err(|error| error.with_remedy(REMEDY))?;
    }
    Ok(())
}

fn came(address: SocketAddr, listeners: &[&OwnedFd]) -> Result<(), Errno> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let client = socket_with(family, SocketType::STREAM, flags, None)?;
    match connect(&client, &address) {
        Ok(()) | Err(Errno::INPROGRESS) => {}
        Err(errno) => return Err(errno),
    }
    // Of the client only its failure is of interest, which needs no flag.
    let mut events = vec![PollFd::new(&client, PollFlags::empty())];
    events.extend(listeners.iter().map(|listener| PollFd::new(*listener, PollFlags::IN)));
    wait(&mut events)?;
    let ready = events.iter().skip(1).position(|event| event.revents().contains(PollFlags::IN));
    let Some(listener) = ready.and_then(|place| listeners.get(place)) else {
        socket_error(&client)??;
        return Err(Errno::CONNREFUSED);
    };
    let server = accept_with(listener, flags)?;
    if was_going(&server)? == address { Ok(()) } else { Err(Errno::BADMSG) }
}

/// What the broker will read: the kernel's note of the redirect, and without one the local address.
fn was_going(server: &OwnedFd) -> Result<SocketAddr, Errno> {
    let local = SocketAddr::try_from(getsockname(server)?)?;
    let noted = match local {
        SocketAddr::V4(_) => ip_original_dst(server).map(SocketAddr::V4),
        SocketAddr::V6(_) => ipv6_original_dst(server).map(SocketAddr::V6),
    };
    Ok(noted.unwrap_or(local))
}

/// Waits until something happens.
fn wait(events: &mut [PollFd<'_>]) -> Result<(), Errno> {
    let end = Instant::now() + PATIENCE;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let timeout = Timespec {
            tv_sec: i64::try_from(left.as_secs()).unwrap_or(0),
            tv_nsec: i64::from(left.subsec_nanos()),
        };
        match poll(events, Some(&timeout)) {
            Ok(0) => return Err(Errno::TIMEDOUT),
            Err(Errno::INTR) => {}
            other => return other.map(drop),
        }
    }
}

/// Questions for names that wait for their answers, so that the broker can answer them while other work is done.
#[derive(Debug)]
pub struct Asked {
    socket: OwnedFd,
    allowed: Option<String>,
    forbidden: String,
}

/// Numbers of the two questions.
const ALLOWED: u16 = 1;
const FORBIDDEN: u16 = 2;

/// Asks for the names. The broker must have been given its sockets.
///
/// # Errors
/// When there is no name to ask for, or none can be asked for.
pub fn ask(canary: &Canary) -> Result<Asked, OsError> {
    let forbidden = canary.forbidden.clone().ok_or(Errno::INVAL).on("ask for", "a forbidden name")?;
    let ask = || -> Result<OwnedFd, Errno> {
        let socket = socket_with(AddressFamily::INET, SocketType::DGRAM, SocketFlags::CLOEXEC, None)?;
        connect(&socket, &SocketAddr::new(IpAddr::V4(RESOLVER), 53))?;
        if let Some(name) = &canary.allowed {
            send(&socket, &question(ALLOWED, name), SendFlags::empty())?;
        }
        send(&socket, &question(FORBIDDEN, &forbidden), SendFlags::empty())?;
        Ok(socket)
    };
    let socket = ask().on("ask for", "a name inside").map_err(|error| error.with_remedy(REMEDY))?;
    Ok(Asked { socket, allowed: canary.allowed.clone(), forbidden })
}

impl Asked {
    /// Hears the answers.
    ///
    /// # Errors
    /// An answer that is missing, or another one than the policy says.
    pub fn hear(self) -> Result<(), OsError> {
        let questions = usize::from(self.allowed.is_some()) + 1;
        for _ in 0..questions {
            self.hear_one().map_err(|error| error.with_remedy(REMEDY))?;
        }
        Ok(())
    }

    fn hear_one(&self) -> Result<(), OsError> {
        let answer = || -> Result<Vec<u8>, Errno> {
            wait(&mut [PollFd::new(&self.socket, PollFlags::IN)])?;
            let mut answer = vec![0; 1024];
            let (length, _) = recv(&self.socket, &mut answer[..], RecvFlags::empty())?;
            answer.truncate(length);
            Ok(answer)
        };
        let answer = answer().on("get from the broker an answer about", &self.forbidden)?;
        let number = answer.first_chunk().map(|bytes| u16::from_be_bytes(*bytes));
        let held = match (number, &self.allowed) {
            (Some(FORBIDDEN), _) => (!has_address(&answer), "keep forbidden", &self.forbidden),
            (Some(ALLOWED), Some(name)) => (has_address(&answer), "allow", name),
            _ => (false, "understand the answer about", &self.forbidden),
        };
        let (true, _, _) = held else { return Err(Errno::BADMSG).on(held.1, held.2) };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_forbidden_name_nothing_is_asked() {
        let canary = Canary { arrive: Vec::new(), allowed: Some("a.test".into()), forbidden: None };
        assert_eq!(ask(&canary).unwrap_err().code, Errno::INVAL.raw_os_error());
    }
}
