//! Bodies of requests, counted against the host's budget as they go. Nothing is gathered.

use super::connection::Connection;
use super::relay::Way;
use crate::core::{Host, Scrubber};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

pub(crate) struct Counted {
    pub(crate) inner: Incoming,
    pub(crate) connection: Arc<Connection>,
    pub(crate) host: Host,
    pub(crate) port: u16,
}

impl Body for Counted {
    type Data = Bytes;
    type Error = Failure;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        let frame = match Pin::new(&mut self.inner).poll_frame(context) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(None) => return Poll::Ready(None),
            Poll::Ready(Some(Err(error))) => return Poll::Ready(Some(Err(error.into()))),
            Poll::Ready(Some(Ok(frame))) => frame,
        };
        let length = frame.data_ref().map_or(0, Bytes::len);
        let counted = Way::Up(&self.host, self.port).count(&self.connection, length);
        Poll::Ready(Some(counted.map(|()| frame).map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// Bodies of responses: counted, and where a secret may have gone, without it.
pub(crate) struct Received {
    pub(crate) inner: Incoming,
    pub(crate) connection: Arc<Connection>,
    pub(crate) scrubber: Option<Scrubber>,
    /// A frame that waits for what was held back before it.
    pub(crate) waiting: Option<Frame<Bytes>>,
}

impl Received {
    fn scrubbed(&mut self, frame: Frame<Bytes>) -> Frame<Bytes> {
        let Some(scrubber) = &mut self.scrubber else { return frame };
        match frame.into_data() {
            Ok(data) => Frame::data(Bytes::from(scrubber.push(&data))),
            Err(trailers) if scrubber.holds() => {
                self.waiting = Some(trailers);
                Frame::data(Bytes::from(scrubber.finish()))
            }
            Err(trailers) => trailers,
        }
    }

    fn holds(&self) -> bool {
        self.waiting.is_some() || self.scrubber.as_ref().is_some_and(Scrubber::holds)
    }
}

impl Body for Received {
    type Data = Bytes;
    type Error = Failure;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        if let Some(waiting) = self.waiting.take() {
            return Poll::Ready(Some(Ok(waiting)));
        }
        loop {
            let frame = match Pin::new(&mut self.inner).poll_frame(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Some(Err(error.into()))),
                Poll::Ready(Some(Ok(frame))) => frame,
                Poll::Ready(None) => {
                    let rest = self.scrubber.as_mut().map(Scrubber::finish).unwrap_or_default();
                    let last = (!rest.is_empty()).then(|| Ok(Frame::data(Bytes::from(rest))));
                    return Poll::Ready(last);
                }
            };
            let length = frame.data_ref().map_or(0, Bytes::len);
            // Counting downwards cannot fail.
            let _ = Way::Down.count(&self.connection, length);
            let frame = self.scrubbed(frame);
            // All of it may be held back; an empty frame would say nothing.
            if length == 0 || frame.data_ref().is_none_or(|data| !data.is_empty()) {
                return Poll::Ready(Some(Ok(frame)));
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        !self.holds() && self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        // What is held back is not in the inner body's count any more.
        if self.holds() { SizeHint::default() } else { self.inner.size_hint() }
    }
}
