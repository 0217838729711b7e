//! A stream whose first bytes were read already.

use super::connection::Connection;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

pub(crate) struct Rewind<S> {
    /// Who is told that bytes came.
    told: Option<Arc<Connection>>,
    prefix: Vec<u8>,
    given: usize,
    inner: S,
}

impl<S> Rewind<S> {
    pub(crate) fn new(inner: S, prefix: Vec<u8>) -> Self {
        Self { told: None, prefix, given: 0, inner }
    }

    /// Tells the connection of bytes that come.
    pub(crate) fn telling(self, connection: &Arc<Connection>) -> Self {
        Self { told: Some(Arc::clone(connection)), ..self }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Rewind<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let rest = self.prefix.get(self.given..).unwrap_or_default();
        if rest.is_empty() {
            if !self.prefix.is_empty() {
                self.prefix = Vec::new();
                self.given = 0;
            }
            let before = buffer.filled().len();
            let polled = Pin::new(&mut self.inner).poll_read(context, buffer);
            if let Some(connection) = self.told.as_ref().filter(|_| buffer.filled().len() > before) {
                connection.heard();
            }
            return polled;
        }
        let length = rest.len().min(buffer.remaining());
        buffer.put_slice(rest.get(..length).unwrap_or_default());
        self.given += length;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Rewind<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    // Without these two the body of each answer would be copied into one piece with its head first.
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
        let polled = Pin::new(&mut self.inner).poll_flush(context);
        if let (Poll::Ready(Ok(())), Some(connection)) = (&polled, &self.told) {
            connection.flushed();
        }
        polled
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}
