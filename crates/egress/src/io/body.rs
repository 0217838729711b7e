//! Bodies of requests and answers, counted as they go, with secrets put in on the way out and taken out on the way back.
//! Nothing is gathered: a frame is asked for when the other side wants one, and what is held back is shorter than a secret.

use super::connection::{Connection, Running};
use super::engine::written;
use super::relay::Way;
use crate::core::{BodySecrets, Host, Rewriter, Token};
use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

/// What is done to the pieces of a body.
trait Pass {
    /// Takes a piece; returns what may go on.
    fn piece(&mut self, piece: Bytes) -> Result<Bytes, Failure>;

    /// Looks at what follows the body.
    fn trailers(&mut self, trailers: &mut HeaderMap) -> Result<(), Failure>;

    /// What is held back when the body ends.
    fn rest(&mut self) -> Vec<u8>;

    /// How many bytes are held back.
    fn held(&self) -> usize;
}

/// A body whose pieces pass through something that keeps its length.
struct Passing<P> {
    inner: Incoming,
    pass: P,
    /// A frame that waits for what was held back before it.
    waiting: Option<Frame<Bytes>>,
}

impl<P: Pass + Unpin> Passing<P> {
    fn frame(&mut self, frame: Frame<Bytes>) -> Result<Frame<Bytes>, Failure> {
        let mut frame = match frame.into_data() {
            Ok(data) => return Ok(Frame::data(self.pass.piece(data)?)),
            Err(frame) => frame,
        };
        if let Some(trailers) = frame.trailers_mut() {
            self.pass.trailers(trailers)?;
        }
        if self.pass.held() == 0 {
            return Ok(frame);
        }
        self.waiting = Some(frame);
        Ok(Frame::data(self.pass.rest().into()))
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        if let Some(waiting) = self.waiting.take() {
            return Poll::Ready(Some(Ok(waiting)));
        }
        loop {
            let frame = match Pin::new(&mut self.inner).poll_frame(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Some(Err(error.into()))),
                Poll::Ready(Some(Ok(frame))) => frame,
                Poll::Ready(None) => {
                    let rest = self.pass.rest();
                    return Poll::Ready((!rest.is_empty()).then(|| Ok(Frame::data(rest.into()))));
                }
            };
            let was_empty = frame.data_ref().is_some_and(Bytes::is_empty);
            let frame = match self.frame(frame) {
                Ok(frame) => frame,
                Err(failure) => return Poll::Ready(Some(Err(failure))),
            };
            // All of it may be held back; an empty frame would say nothing.
            if was_empty || frame.data_ref().is_none_or(|data| !data.is_empty()) {
                return Poll::Ready(Some(Ok(frame)));
            }
        }
    }

    fn is_at_end(&self) -> bool {
        self.waiting.is_none() && self.pass.held() == 0 && self.inner.is_end_stream()
    }

    /// What is held back is not in the inner body's count any more.
    fn size(&self) -> SizeHint {
        let held = u64::try_from(self.pass.held()).unwrap_or(u64::MAX);
        let inner = self.inner.size_hint();
        let mut hint = SizeHint::new();
        if let Some(upper) = inner.upper() {
            hint.set_upper(upper.saturating_add(held));
        }
        hint.set_lower(inner.lower().saturating_add(held));
        hint
    }
}

macro_rules! body {
    ($name:ident) => {
        impl Body for $name {
            type Data = Bytes;
            type Error = Failure;

            fn poll_frame(
                mut self: Pin<&mut Self>,
                context: &mut Context<'_>,
            ) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
                self.0.poll(context)
            }

            fn is_end_stream(&self) -> bool {
                self.0.is_at_end()
            }

            fn size_hint(&self) -> SizeHint {
                self.0.size()
            }
        }
    };
}

/// The body of a request: counted against the host's budget, and with secrets put in.
pub(crate) struct Sent(Passing<Up>);

body!(Sent);

struct Up {
    connection: Arc<Connection>,
    host: Host,
    port: u16,
    /// The host whose budget it is.
    counted: Host,
    /// True if it goes over TLS.
    is_private: bool,
    secrets: Option<BodySecrets>,
}

impl Sent {
    pub(crate) fn new(
        inner: Incoming,
        connection: Arc<Connection>,
        (host, port, is_private): (Host, u16, bool),
        counted: Host,
        secrets: Option<BodySecrets>,
    ) -> Self {
        let pass = Up { connection, host, port, counted, is_private, secrets };
        Self(Passing { inner, pass, waiting: None })
    }
}

impl Pass for Up {
    fn piece(&mut self, piece: Bytes) -> Result<Bytes, Failure> {
        Way::Up(&self.counted, self.port).count(&self.connection, piece.len())?;
        let Some(secrets) = &mut self.secrets else { return Ok(piece) };
        let passed = secrets.push(&piece);
        self.connection.tell_secrets(&self.host, self.port, secrets.news());
        Ok(passed.into())
    }

    /// Nothing is put into them, and what stands there is told.
    fn trailers(&mut self, trailers: &mut HeaderMap) -> Result<(), Failure> {
        Way::Up(&self.counted, self.port).count(&self.connection, written(trailers))?;
        let toward = self.connection.session.secrets.toward(&self.host, self.port, self.is_private);
        let seen = trailers.values().flat_map(|value| toward.trailer(value.as_bytes())).collect();
        self.connection.tell_secrets(&self.host, self.port, seen);
        Ok(())
    }

    fn rest(&mut self) -> Vec<u8> {
        self.secrets.as_mut().map(BodySecrets::finish).unwrap_or_default()
    }

    fn held(&self) -> usize {
        self.secrets.as_ref().map_or(0, BodySecrets::held)
    }
}

/// The body of an answer: counted, and where a secret may have gone, without it.
pub(crate) struct Received(Passing<Down>);

body!(Received);

struct Down {
    /// The request runs for as long as its answer comes.
    running: Running,
    /// Credentials that went up with the request.
    tokens: Vec<Token>,
    scrubber: Option<Rewriter>,
}

impl Received {
    pub(crate) fn new(
        inner: Incoming,
        running: Running,
        tokens: Vec<Token>,
        scrubber: Option<Rewriter>,
    ) -> Self {
        Self(Passing { inner, pass: Down { running, tokens, scrubber }, waiting: None })
    }
}

impl Pass for Down {
    fn piece(&mut self, piece: Bytes) -> Result<Bytes, Failure> {
        // Counting downwards cannot fail.
        let _ = Way::Down.count(&self.running.0, piece.len());
        Ok(self.scrubber.as_mut().map_or_else(|| piece.clone(), |scrubber| scrubber.push(&piece).into()))
    }

    fn trailers(&mut self, trailers: &mut HeaderMap) -> Result<(), Failure> {
        self.running.0.session.scrub(trailers, &self.tokens);
        Ok(())
    }

    fn rest(&mut self) -> Vec<u8> {
        self.scrubber.as_mut().map(Rewriter::finish).unwrap_or_default()
    }

    fn held(&self) -> usize {
        self.scrubber.as_ref().map_or(0, Rewriter::held)
    }
}
