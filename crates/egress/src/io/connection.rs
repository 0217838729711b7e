//! One connection of a client: where it came in, and what is told about it.

use super::session::Session;
use super::slots::Slot;
use crate::core::{Closed, Decided, Event, Front, Host, Protocol, Request, Ruling, SecretSeen, SecretsSeen};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

pub(crate) struct Connection {
    pub(crate) session: Arc<Session>,
    pub(crate) client: Option<SocketAddr>,
    pub(crate) sent: AtomicU64,
    pub(crate) received: AtomicU64,
    /// The place that it holds; a question for a name by UDP has none.
    pub(crate) slot: Option<Slot>,
    number: u64,
    front: Front,
    began: Instant,
}

/// What an event says besides the verdict.
pub(crate) struct Told<'a> {
    pub(crate) protocol: Protocol,
    pub(crate) host: Option<&'a Host>,
    pub(crate) port: u16,
    pub(crate) address: Option<IpAddr>,
    pub(crate) request: Option<Request>,
    pub(crate) secrets: Vec<SecretSeen>,
    pub(crate) encrypted_hello: bool,
}

impl<'a> Told<'a> {
    pub(crate) fn new(protocol: Protocol, host: Option<&'a Host>, port: u16) -> Self {
        Self {
            protocol,
            host,
            port,
            address: None,
            request: None,
            secrets: Vec::new(),
            encrypted_hello: false,
        }
    }
}

impl Connection {
    pub(crate) fn new(session: &Arc<Session>, front: Front, client: Option<SocketAddr>) -> Self {
        Self {
            slot: None,
            session: Arc::clone(session),
            client,
            sent: AtomicU64::new(0),
            received: AtomicU64::new(0),
            number: session.next_number(),
            front,
            began: Instant::now(),
        }
    }

    /// The same with a place.
    pub(crate) fn holding(self, slot: Slot) -> Self {
        Self { slot: Some(slot), ..self }
    }

    /// Waits until the connection has to end for another.
    pub(crate) async fn ended(&self) {
        match &self.slot {
            Some(slot) => slot.ended().await,
            None => std::future::pending().await,
        }
    }

    /// The client has said what it wants: the connection is not ended for another from here on.
    pub(crate) fn works(&self) {
        self.slot.iter().for_each(Slot::works);
    }

    /// The client has to say something.
    pub(crate) fn waits(&self) {
        self.slot.iter().for_each(Slot::waits);
    }

    /// One side has ended.
    pub(crate) fn half_closed(&self) {
        self.slot.iter().for_each(Slot::half_closed);
    }

    /// All that the client gets is written.
    pub(crate) fn flushed(&self) {
        self.slot.iter().for_each(Slot::flushed);
    }

    /// Bytes of the client came.
    pub(crate) fn heard(&self) {
        self.slot.iter().for_each(Slot::heard);
    }

    pub(crate) fn tell(&self, told: Told<'_>, ruling: &Ruling) {
        self.session.emit(Event::Decided(Box::new(Decided {
            connection: self.number,
            front: self.front,
            client: self.client,
            protocol: told.protocol,
            host: told.host.cloned(),
            port: told.port,
            address: told.address,
            request: told.request,
            ruling: ruling.clone(),
            secrets: told.secrets,
            encrypted_hello: told.encrypted_hello,
        })));
    }

    /// Tells of a refusal that came before anything was connected.
    pub(crate) fn refuse(&self, protocol: Protocol, host: Option<&Host>, port: u16, ruling: &Ruling) {
        self.tell(Told::new(protocol, host, port), ruling);
    }

    /// Tells of secrets in a body; of none there is nothing to tell.
    pub(crate) fn tell_secrets(&self, host: &Host, port: u16, secrets: Vec<SecretSeen>) {
        if !secrets.is_empty() {
            let (connection, host) = (self.number, host.clone());
            self.session.emit(Event::Secrets(SecretsSeen { connection, host, port, secrets }));
        }
    }

    pub(crate) fn close(&self, host: &Host, port: u16) {
        self.session.emit(Event::Closed(Closed {
            connection: self.number,
            host: host.clone(),
            port,
            sent: self.sent.load(Ordering::Relaxed),
            received: self.received.load(Ordering::Relaxed),
            milliseconds: u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX),
        }));
    }
}

/// A server that is being connected for a connection.
pub(crate) struct Dialling<'a>(&'a Connection);

impl<'a> Dialling<'a> {
    pub(crate) fn new(connection: &'a Connection) -> Self {
        connection.slot.iter().for_each(Slot::dials);
        Self(connection)
    }
}

impl Drop for Dialling<'_> {
    fn drop(&mut self) {
        self.0.slot.iter().for_each(Slot::dialled);
    }
}

/// A request that runs on a connection.
pub(crate) struct Running(pub(crate) Arc<Connection>);

impl Running {
    pub(crate) fn new(connection: &Arc<Connection>) -> Self {
        connection.slot.iter().for_each(Slot::begin);
        Self(Arc::clone(connection))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.slot.iter().for_each(Slot::finish);
    }
}
