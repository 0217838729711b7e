//! A stream that is read in large pieces, whatever its reader asks for. TLS asks for one record at a time; each read from
//! the kernel also answers the sender, which costs several times as much as the copy.

use std::cell::RefCell;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What is read at once.
const PIECE: usize = 256 * 1024;

/// Buffers that a thread keeps for the next read.
const KEPT: usize = 8;

thread_local! {
    /// A stream has a buffer only while something is in it: an idle connection holds none.
    static BUFFERS: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

fn take() -> Vec<u8> {
    BUFFERS.with_borrow_mut(Vec::pop).unwrap_or_else(|| vec![0; PIECE])
}

fn give_back(buffer: Vec<u8>) {
    BUFFERS.with_borrow_mut(|kept| {
        if kept.len() < KEPT && buffer.len() == PIECE {
            kept.push(buffer);
        }
    });
}

#[derive(Debug)]
pub(crate) struct Ahead<S> {
    inner: S,
    buffer: Vec<u8>,
    given: usize,
    held: usize,
}

impl<S> Ahead<S> {
    pub(crate) fn new(inner: S) -> Self {
        Self { inner, buffer: Vec::new(), given: 0, held: 0 }
    }

    /// Hands out what was read before.
    fn hand_out(&mut self, into: &mut ReadBuf<'_>) {
        let rest = self.buffer.get(self.given..self.held).unwrap_or_default();
        let length = rest.len().min(into.remaining());
        into.put_slice(rest.get(..length).unwrap_or_default());
        self.given += length;
        if self.given >= self.held {
            (self.given, self.held) = (0, 0);
            give_back(std::mem::take(&mut self.buffer));
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Ahead<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.held == 0 {
            if into.remaining() >= PIECE {
                return Pin::new(&mut self.inner).poll_read(context, into);
            }
            let mut buffer = take();
            let mut piece = ReadBuf::new(&mut buffer);
            let polled = Pin::new(&mut self.inner).poll_read(context, &mut piece);
            let held = piece.filled().len();
            if held == 0 {
                give_back(buffer);
                return polled;
            }
            ready!(polled)?;
            (self.buffer, self.held) = (buffer, held);
        }
        self.hand_out(into);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Ahead<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(context, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    fn kept() -> usize {
        BUFFERS.with_borrow(Vec::len)
    }

    #[tokio::test]
    async fn small_reads_get_what_one_large_read_took_in_order_and_the_buffer_is_given_back() {
        let sent: Vec<u8> = (0..=250).cycle().take(3 * PIECE + 17).collect();
        let whole = sent.clone();
        let (mut far, near) = tokio::io::duplex(2 * PIECE);
        let writer = async move {
            far.write_all(&sent).await.unwrap();
            far.shutdown().await.unwrap();
        };
        let reader = async {
            let mut ahead = Ahead::new(near);
            let (mut got, mut piece, mut most) = (Vec::new(), vec![0; 2 * PIECE], 0);
            for length in [1, 16_406, 5, PIECE - 1, PIECE, PIECE + 1, 3].into_iter().cycle() {
                let read = ahead.read(&mut piece[..length]).await.unwrap();
                got.extend_from_slice(&piece[..read]);
                most = most.max(ahead.held);
                if read == 0 {
                    break;
                }
            }
            assert!(got == whole, "other bytes, or in another order");
            assert!(most > 16_406, "nothing was read ahead: {most}");
            assert!(ahead.buffer.is_empty() && ahead.held == 0, "a buffer is held");
            assert!(kept() >= 1, "no buffer was given back");
        };
        tokio::join!(writer, reader);
    }

    #[tokio::test]
    async fn who_waits_holds_no_buffer() {
        let (mut far, near) = tokio::io::duplex(64);
        let mut ahead = Ahead::new(near);
        let mut piece = [0; 8];
        let waited = tokio::time::timeout(std::time::Duration::from_millis(10), ahead.read(&mut piece)).await;
        assert!(waited.is_err() && ahead.buffer.is_empty() && kept() == 1);
        far.write_all(b"abc").await.unwrap();
        assert_eq!(ahead.read(&mut piece[..2]).await.unwrap(), 2);
        assert_eq!((&piece[..2], ahead.buffer.len(), kept()), (&b"ab"[..], PIECE, 0));
        assert_eq!(ahead.read(&mut piece).await.unwrap(), 1);
        assert!(ahead.buffer.is_empty() && kept() == 1);
    }
}
