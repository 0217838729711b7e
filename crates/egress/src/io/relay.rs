//! Passing bytes through. Small pieces are copied; from the second full piece on, Linux moves them through a pipe
//! without copying (`splice`).

use super::connection::Connection;
use crate::core::{Host, Ruling};
use std::cell::RefCell;
use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead as _, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

/// Size of one copied piece.
const PIECE: usize = 32 * 1024;

thread_local! {
    /// One piece per thread, not per connection: an idle connection holds no buffer.
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; PIECE]);
}

/// Where counted bytes go: up to the host, within its budget, or down.
#[derive(Clone, Copy)]
pub(crate) enum Way<'a> {
    Up(&'a Host, u16),
    Down,
}

impl Way<'_> {
    /// Counts bytes before they are sent.
    pub(crate) fn count(self, connection: &Connection, bytes: usize) -> io::Result<()> {
        let counter: &AtomicU64 = match self {
            Way::Up(host, port) => {
                connection.session.upload(host, port, bytes).map_err(OverBudget::error)?;
                &connection.sent
            }
            Way::Down => &connection.received,
        };
        counter.fetch_add(u64::try_from(bytes).unwrap_or(u64::MAX), Ordering::Relaxed);
        Ok(())
    }
}

/// The budget's refusal, as it travels in an I/O error.
#[derive(Debug)]
pub(crate) struct OverBudget(pub(crate) Ruling);

impl OverBudget {
    pub(crate) fn error(ruling: Ruling) -> io::Error {
        io::Error::other(Self(ruling))
    }

    /// The refusal in an error, if that is what it is.
    pub(crate) fn of(error: &io::Error) -> Option<&Ruling> {
        error.get_ref()?.downcast_ref::<Self>().map(|over| &over.0)
    }
}

impl std::fmt::Display for OverBudget {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.0.reason)
    }
}

impl std::error::Error for OverBudget {}

/// Passes bytes both ways until both ends are done, `prefix` first. The end of one direction is passed on while the
/// other goes on; a failure ends both with a reset.
pub(crate) async fn relay(
    connection: &Connection,
    (host, port): (&Host, u16),
    client: TcpStream,
    prefix: Vec<u8>,
    server: TcpStream,
) -> io::Result<()> {
    let (mut client_read, mut client_write) = client.into_split();
    let (mut server_read, mut server_write) = server.into_split();
    let half_closed = AtomicBool::new(false);
    let up = async {
        if !prefix.is_empty() {
            Way::Up(host, port).count(connection, prefix.len())?;
            server_write.write_all(&prefix).await?;
        }
        drop(prefix);
        pump(connection, Way::Up(host, port), &mut client_read, &mut server_write).await?;
        half_closed.store(true, Ordering::Relaxed);
        Ok(())
    };
    let down = async {
        pump(connection, Way::Down, &mut server_read, &mut client_write).await?;
        half_closed.store(true, Ordering::Relaxed);
        Ok(())
    };
    let both = async { tokio::try_join!(up, down) };
    let outcome = tokio::select! {
        biased;
        outcome = both => outcome,
        never = gives_way(connection, &half_closed) => match never {},
    };
    if outcome.is_err() {
        let ends = [client_write.as_ref(), server_write.as_ref()];
        ends.iter().for_each(|end| drop(end.set_zero_linger()));
    }
    outcome.map(|_| ())
}

/// Lets the connection give up its place once one side has ended and the other had its time: it may never end.
async fn gives_way(connection: &Connection, half_closed: &AtomicBool) -> Infallible {
    // It is looked at whenever the task is polled, as it is where a side ends.
    poll_fn(|_| if half_closed.load(Ordering::Relaxed) { Poll::Ready(()) } else { Poll::Pending }).await;
    tokio::time::sleep(connection.session.limits.half_closed).await;
    connection.half_closed();
    std::future::pending().await
}

async fn pump(
    connection: &Connection,
    way: Way<'_>,
    from: &mut OwnedReadHalf,
    to: &mut OwnedWriteHalf,
) -> io::Result<()> {
    let mut is_stream = false;
    loop {
        // A stream goes on being one after a pause for as long as much comes at a time.
        if is_stream {
            from.readable().await?;
            is_stream = bulk::pump(connection, way, from.as_ref(), to.as_ref()).await? >= PIECE;
            continue;
        }
        let moved = poll_fn(|context| shovel(connection, way, from, to.as_ref(), context)).await?;
        if moved.read == 0 {
            return to.shutdown().await;
        }
        if !moved.rest.is_empty() {
            to.write_all(&moved.rest).await?;
        }
        is_stream = moved.read == PIECE && bulk::IS_THERE;
    }
}

struct Moved {
    read: usize,
    rest: Vec<u8>,
}

/// One piece, as far as the other side takes it at once. A read that does not fill the buffer has taken all there was, which
/// `poll_read` makes use of: the next one waits without asking the kernel again.
fn shovel(
    connection: &Connection,
    way: Way<'_>,
    from: &mut OwnedReadHalf,
    to: &TcpStream,
    context: &mut Context<'_>,
) -> Poll<io::Result<Moved>> {
    BUFFER.with_borrow_mut(|buffer| {
        let mut piece = ReadBuf::new(buffer);
        ready!(Pin::new(from).poll_read(context, &mut piece))?;
        let piece = piece.filled();
        if piece.is_empty() {
            return Poll::Ready(Ok(Moved { read: 0, rest: Vec::new() }));
        }
        way.count(connection, piece.len())?;
        let written = match to.try_write(piece) {
            Ok(written) => written,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
            Err(error) => return Poll::Ready(Err(error)),
        };
        Poll::Ready(Ok(Moved { read: piece.len(), rest: piece.get(written..).unwrap_or_default().to_vec() }))
    })
}

#[cfg(not(target_os = "linux"))]
mod bulk {
    //! Without `splice` the copied pieces are all there is.

    use super::{Connection, Way};
    use tokio::net::TcpStream;

    /// Whether there is something faster than copied pieces.
    pub(super) const IS_THERE: bool = false;

    #[expect(clippy::unused_async, reason = "the same function set as on Linux")]
    pub(super) async fn pump(
        _connection: &Connection,
        _way: Way<'_>,
        _from: &TcpStream,
        _to: &TcpStream,
    ) -> std::io::Result<usize> {
        Ok(0)
    }
}

#[cfg(target_os = "linux")]
mod bulk {
    //! Moves bytes from socket to pipe to socket. The pipe is empty whenever the source is looked at, so "would block"
    //! there means the source, and while the pipe is drained it means the destination.

    use super::{Connection, Way};
    use rustix::pipe::{PipeFlags, SpliceFlags, fcntl_setpipe_size, pipe_with, splice};
    use std::cell::RefCell;
    use std::io;
    use std::os::fd::OwnedFd;
    use tokio::io::Interest;
    use tokio::net::TcpStream;

    /// Whether there is something faster than copied pieces.
    pub(super) const IS_THERE: bool = true;

    /// What a pipe is asked to hold.
    const PIPE: usize = 1024 * 1024;

    /// Pipes that a thread keeps for the next stream.
    const KEPT: usize = 16;

    thread_local! {
        static PIPES: RefCell<Vec<Pipe>> = const { RefCell::new(Vec::new()) };
    }

    struct Pipe {
        read: OwnedFd,
        write: OwnedFd,
    }

    fn pipe() -> io::Result<Pipe> {
        if let Some(kept) = PIPES.with_borrow_mut(Vec::pop) {
            return Ok(kept);
        }
        let (read, write) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
        // More is faster; the usual size does as well, where the user's share of pipe memory is used up.
        let _ = fcntl_setpipe_size(&write, PIPE);
        Ok(Pipe { read, write })
    }

    fn keep(pipe: Pipe) {
        PIPES.with_borrow_mut(|pipes| {
            if pipes.len() < KEPT {
                pipes.push(pipe);
            }
        });
    }

    /// Moves bytes until the source has none for now, or none any more; tells how many.
    pub(super) async fn pump(
        connection: &Connection,
        way: Way<'_>,
        from: &TcpStream,
        to: &TcpStream,
    ) -> io::Result<usize> {
        let Ok(pipe) = pipe() else { return Ok(0) };
        let mut moved: usize = 0;
        let flags = SpliceFlags::MOVE | SpliceFlags::NONBLOCK;
        loop {
            let filled =
                from.try_io(Interest::READABLE, || Ok(splice(from, None, &pipe.write, None, PIPE, flags)?));
            let mut held = match filled {
                Ok(0) => break,
                Ok(held) => held,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            };
            way.count(connection, held)?;
            moved = moved.saturating_add(held);
            while held > 0 {
                let drain = || Ok(splice(&pipe.read, None, to, None, held, flags)?);
                let drained = to.async_io(Interest::WRITABLE, drain).await?;
                if drained == 0 {
                    return Err(io::ErrorKind::WriteZero.into());
                }
                held = held.saturating_sub(drained);
            }
        }
        // Only an empty pipe is kept; one that an error left filled was dropped on the way.
        keep(pipe);
        Ok(moved)
    }
}
