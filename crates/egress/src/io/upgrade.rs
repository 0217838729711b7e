//! What becomes of a connection after an upgrade: a WebSocket of a host with secrets is searched message by message, all else
//! passes as it is.

use super::connection::Running;
use super::relay::{OverBudget, Way};
use crate::core::{Code, FrameFault, Frames, Host, Protocol, Ruling, Token, Toward};
use http::header::{self, HeaderMap, HeaderValue};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};

/// Size of one piece that is searched.
const PIECE: usize = 16 * 1024;

/// The protocol that a request wants its connection to go on in, if that is one that stays within the request.
pub(crate) fn upgrade_of(headers: &HeaderMap) -> Option<HeaderValue> {
    let wants = headers.get_all(header::CONNECTION).iter().any(|value| {
        let words = value.to_str().unwrap_or_default();
        words.split(',').any(|word| word.trim().eq_ignore_ascii_case("upgrade"))
    });
    // h2c would take the connection away from the rules; WebSocket stays within one request.
    let protocol = headers.get(header::UPGRADE).filter(|_| wants)?;
    let is_http = protocol.as_bytes().to_ascii_lowercase().starts_with(b"h2");
    (!is_http).then(|| protocol.clone())
}

/// Whether this is the protocol whose messages can be searched (RFC 6455).
pub(crate) fn is_websocket(protocol: &HeaderValue) -> bool {
    protocol.as_bytes().eq_ignore_ascii_case(b"websocket")
}

/// What searches both directions; `None` if there are no secrets to look for.
pub(crate) fn searched(toward: &Toward<'_>, tokens: &[Token]) -> Option<(Frames, Frames)> {
    Some((Frames::putting(toward.body(None)?), Frames::taking(toward.scrubber(tokens)?)))
}

/// An upgraded connection on its way.
pub(crate) struct Bridge {
    /// The place is kept for as long as it lasts.
    pub(crate) running: Running,
    pub(crate) protocol: Protocol,
    pub(crate) host: Host,
    pub(crate) port: u16,
    /// What searches what the client says, and what the server says.
    pub(crate) searched: Option<(Frames, Frames)>,
}

impl Bridge {
    /// Passes the bytes both ways until both sides are done, or one of them is broken.
    pub(crate) async fn carry(mut self, inside: OnUpgrade, outside: OnUpgrade) {
        let Ok((inside, outside)) = tokio::try_join!(inside, outside) else { return };
        let (mut inside, outside) = (TokioIo::new(inside), TokioIo::new(outside));
        let searched = self.searched.take();
        let mut outside = Metered { inner: outside, bridge: &self };
        let outcome = match searched {
            Some(searched) => self.search(searched, &mut inside, &mut outside).await,
            None => tokio::io::copy_bidirectional(&mut inside, &mut outside).await.map(|_| ()),
        };
        // Either side may end it; what is left to tell is in the count of bytes.
        let Err(error) = outcome else { return };
        let faulty = error.get_ref().and_then(|cause| cause.downcast_ref::<Unsearchable>());
        let faulty = faulty.map(|fault| Ruling::deny(Code::Malformed, fault.0.reason()));
        if let Some(ruling) = faulty.or_else(|| OverBudget::of(&error).cloned()) {
            self.running.0.refuse(self.protocol, Some(&self.host), self.port, &ruling);
        }
    }

    async fn search(
        &self,
        (mut up, mut down): (Frames, Frames),
        inside: &mut TokioIo<Upgraded>,
        outside: &mut Metered<'_, TokioIo<Upgraded>>,
    ) -> io::Result<()> {
        let (mut from_client, mut to_client) = tokio::io::split(inside);
        let (mut from_server, mut to_server) = tokio::io::split(outside);
        let up = self.pump(&mut up, &mut from_client, &mut to_server);
        let down = self.pump(&mut down, &mut from_server, &mut to_client);
        tokio::try_join!(up, down).map(|_| ())
    }

    async fn pump(
        &self,
        frames: &mut Frames,
        from: &mut (impl AsyncRead + Unpin),
        to: &mut (impl AsyncWrite + Unpin),
    ) -> io::Result<()> {
        let mut piece = vec![0; PIECE];
        loop {
            let read = from.read(&mut piece).await?;
            if read == 0 {
                to.write_all(&frames.finish()).await?;
                return to.shutdown().await;
            }
            let passed = frames.push(piece.get(..read).unwrap_or_default()).map_err(Unsearchable::error)?;
            if let Some(secrets) = frames.secrets() {
                self.running.0.tell_secrets(&self.host, self.port, secrets.news());
            }
            to.write_all(&passed).await?;
            to.flush().await?;
        }
    }
}

/// A fault of a WebSocket, as it travels in an I/O error.
#[derive(Debug)]
struct Unsearchable(FrameFault);

impl Unsearchable {
    fn error(fault: FrameFault) -> io::Error {
        io::Error::other(Self(fault))
    }
}

impl fmt::Display for Unsearchable {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.0.reason())
    }
}

impl std::error::Error for Unsearchable {}

/// A stream to a server, counted.
struct Metered<'a, S> {
    inner: S,
    bridge: &'a Bridge,
}

impl<S> Metered<'_, S> {
    /// Counts bytes that go up, before they do.
    fn count(&self, bytes: usize) -> io::Result<()> {
        Way::Up(&self.bridge.host, self.bridge.port).count(&self.bridge.running.0, bytes)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Metered<'_, S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.inner).poll_read(context, buffer);
        let read = buffer.filled().len().saturating_sub(before);
        Way::Down.count(&self.bridge.running.0, read)?;
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Metered<'_, S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let left = self.bridge.running.0.session.left(&self.bridge.host, self.bridge.port);
        if left == 0 && !bytes.is_empty() {
            self.count(bytes.len())?;
        }
        let bytes = bytes.get(..left).unwrap_or(bytes);
        let polled = Pin::new(&mut self.inner).poll_write(context, bytes);
        if let Poll::Ready(Ok(written)) = polled {
            self.count(written)?;
        }
        polled
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}
