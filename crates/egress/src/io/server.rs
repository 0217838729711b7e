//! A connection to a server, with or without TLS, as hyper wants it.

use super::ahead::Ahead;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection as Transport};
use hyper_util::rt::TokioIo;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// A connection to a server.
pub(crate) enum Server {
    Plain(TcpStream),
    Tls(Box<TlsStream<Ahead<TcpStream>>>),
}

impl Transport for Server {
    fn connected(&self) -> Connected {
        match self {
            Self::Plain(_) => Connected::new(),
            Self::Tls(stream) => {
                let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
                if is_http2 { Connected::new().negotiated_h2() } else { Connected::new() }
            }
        }
    }
}

impl Read for Server {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(&mut TokioIo::new(stream)).poll_read(context, buffer),
            Self::Tls(stream) => Pin::new(&mut TokioIo::new(stream)).poll_read(context, buffer),
        }
    }
}

impl Write for Server {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(&mut TokioIo::new(stream)).poll_write(context, bytes),
            Self::Tls(stream) => Pin::new(&mut TokioIo::new(stream)).poll_write(context, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(&mut TokioIo::new(stream)).poll_write_vectored(context, pieces),
            Self::Tls(stream) => Pin::new(&mut TokioIo::new(stream)).poll_write_vectored(context, pieces),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(&mut TokioIo::new(stream)).poll_flush(context),
            Self::Tls(stream) => Pin::new(&mut TokioIo::new(stream)).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(&mut TokioIo::new(stream)).poll_shutdown(context),
            Self::Tls(stream) => Pin::new(&mut TokioIo::new(stream)).poll_shutdown(context),
        }
    }
}
