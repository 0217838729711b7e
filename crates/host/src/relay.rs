//! The two ends of the relay: listeners inside, whose connections become streams of one pipe, and outside the broker's own
//! sockets, to which each stream is connected. Servers inside are reached the other way round. Neither end looks at what is
//! carried.
//!
//! Each end has three threads, however many connections there are: one waits for all sockets (`sockets`), and the two of
//! the `pipe`, which no Windows can wait for together with sockets.
//!
//! An end holds at most 1,024 connections ([`garth_plan::windows::relay::MOST_STREAMS`]), for each at most a window of bytes, and
//! in front of the pipe `MOST_UNREAD` at most.

mod pipe;
mod sockets;

use garth_plan::windows::relay::{Side, Target, WINDOW};
use mio::{Poll, Token, Waker};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

/// Bytes that are read at a time: as many as a stream may have under way.
const CHUNK: usize = WINDOW as usize;
/// Bytes that may wait for the other end to read the pipe. Data stops long before; the rest is for frames that answer others.
const MOST_UNREAD: usize = 1024 * 1024;
/// What wakes the thread of the sockets when there is something of the pipe. No stream has this number.
const WAKER: Token = Token(0);

/// Where a stream that the other end opened leads; `None` where nobody may be reached.
pub type Route = Arc<dyn Fn(Target) -> Option<SocketAddr> + Send + Sync>;

/// What one end does.
pub struct End {
    /// Which end.
    pub side: Side,
    /// Listeners, and where the streams of their connections lead.
    pub listeners: Vec<(TcpListener, Target)>,
    /// Where streams of the other end lead.
    pub route: Route,
}

impl core::fmt::Debug for End {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self { side, listeners, .. } = self;
        out.debug_struct("End").field("side", side).field("listeners", listeners).finish_non_exhaustive()
    }
}

/// Serves one end until the pipe ends. All sockets are closed when it returns; a thread may still wait for the pipe.
///
/// # Errors
/// When the pipe fails, the other end breaks the protocol or does not read, or there are no threads.
pub fn serve(
    end: End,
    input: impl Read + Send + 'static,
    output: impl Write + Send + 'static,
) -> io::Result<()> {
    let poll = Poll::new()?;
    let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
    let pipe = pipe::Pipe::start(input, output, &waker)?;
    sockets::Sockets::new(poll, end, pipe)?.run()
}

#[cfg(test)]
mod tests;
