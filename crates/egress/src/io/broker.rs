//! Starting and stopping.

use super::authority::Authority;
use super::config::{Config, Front};
use super::connection::Connection;
use super::explicit;
use super::names;
use super::published;
use super::session::Session;
use super::slots::Slot;
use super::transparent;
use crate::core::{Canary, Front as Kind, Host, Synthetic};
use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::runtime::{Builder, Runtime};

/// How long accepting pauses when the process has no descriptor left.
const PAUSE: Duration = Duration::from_millis(50);

/// Descriptors that are no connection's: log, listeners, resolvers, pipes.
#[cfg(target_os = "linux")]
const OTHER_DESCRIPTORS: usize = 200;

/// Connections that are tried however few descriptors there are.
#[cfg(target_os = "linux")]
const FEWEST: usize = 16;

/// Why a broker did not start.
#[derive(Debug)]
pub enum StartError {
    /// No threads, or no event queue.
    Runtime(io::Error),
    /// A listener or socket cannot be used.
    Socket(io::Error),
    /// No certificate authority could be made.
    Authority(String),
    /// No block of synthetic addresses.
    Addresses,
}

impl fmt::Display for StartError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Runtime(error) => write!(out, "cannot start the broker's threads: {error}"),
            Self::Socket(error) => write!(out, "cannot use a socket of the broker: {error}"),
            Self::Authority(error) => write!(out, "cannot make the session's certificate authority: {error}"),
            Self::Addresses => out.write_str("there are no addresses that can stand for names"),
        }
    }
}

impl std::error::Error for StartError {}

/// A broker. Dropping it ends every connection.
pub struct Broker {
    runtime: Option<Runtime>,
    session: Arc<Session>,
    authority: Option<String>,
}

impl Broker {
    /// Starts a broker on its own threads. When it returns, every front accepts.
    ///
    /// # Errors
    /// When threads, sockets or the certificate authority are not to be had. Nothing is left running then.
    pub fn start(config: Config, fronts: Vec<Front>) -> Result<Self, StartError> {
        let mut broker = Self::prepare(config)?;
        broker.begin()?;
        for front in fronts {
            broker.serve(front).map_err(StartError::Socket)?;
        }
        Ok(broker)
    }

    /// A broker without threads: what clients have to be told is known, and [`Broker::begin`] has to follow before it
    /// serves anything.
    ///
    /// # Errors
    /// When the certificate authority is not to be had.
    pub fn prepare(mut config: Config) -> Result<Self, StartError> {
        let opens = config.network.opens_tls();
        let made = if opens { Some(Authority::generate()) } else { None };
        let authority = made.transpose().map_err(|error| StartError::Authority(error.to_string()))?;
        let pem = authority.as_ref().map(Authority::pem);
        let synthetic = config.synthetic.take().or_else(Synthetic::benchmark).ok_or(StartError::Addresses)?;
        let session = Arc::new(Session::new(config, synthetic, authority));
        Ok(Self { runtime: None, session, authority: pem })
    }

    /// Starts the threads. A broker that has them already keeps them.
    ///
    /// # Errors
    /// When there are none to be had.
    pub fn begin(&mut self) -> Result<(), StartError> {
        if self.runtime.is_some() {
            return Ok(());
        }
        let runtime = Builder::new_multi_thread()
            .worker_threads(self.session.limits.workers.max(1))
            .thread_name("garth-egress")
            .enable_io()
            .enable_time()
            .build()
            .map_err(StartError::Runtime)?;
        self.session.slots.bound(descriptors());
        self.runtime = Some(runtime);
        Ok(())
    }

    /// The certificate of the session's authority, in PEM, to be trusted inside. `None` if no rule needs TLS opened.
    #[must_use]
    pub fn authority(&self) -> Option<&str> {
        self.authority.as_deref()
    }

    /// Names to ask this broker's name server for, before anybody else does: the first must get an address, the second
    /// none. They count against no budget.
    #[must_use]
    pub fn canary(&self) -> Canary {
        self.session.canary()
    }

    /// Opens one more front. When it returns, the front accepts.
    ///
    /// # Errors
    /// When its sockets cannot be used, or the broker has no threads yet.
    pub fn serve(&self, front: Front) -> io::Result<()> {
        let Some(runtime) = &self.runtime else { return Err(io::ErrorKind::NotConnected.into()) };
        let session = &self.session;
        let _guard = runtime.enter();
        match front {
            Front::Explicit { listener, credentials } => {
                let credentials = Arc::new(credentials);
                serve(session, listener, Kind::Explicit, move |connection, stream| {
                    explicit::run(connection, stream, Arc::clone(&credentials))
                })?;
            }
            Front::Transparent { tcp, dns_udp, dns_tcp, ipv6 } => {
                for listener in tcp {
                    serve(session, listener, Kind::Transparent, transparent::run)?;
                }
                for socket in dns_udp {
                    socket.set_nonblocking(true)?;
                    let socket = UdpSocket::from_std(socket)?;
                    tokio::spawn(names::serve_udp(Arc::clone(session), socket, ipv6));
                }
                for listener in dns_tcp {
                    serve(session, listener, Kind::Dns, move |connection, stream| {
                        names::serve_tcp(Arc::clone(&connection.session), stream, ipv6)
                    })?;
                }
            }
            Front::Published { listener, port, sockets } => {
                published::serve(session, listener, port, sockets)?
            }
            Front::HostPort { listener, port } => {
                serve(session, listener, Kind::HostPort, move |connection, stream| {
                    transparent::carry(connection, stream, Host::Name("localhost".to_owned()), port)
                })?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Broker {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Broker").field("opens_tls", &self.authority.is_some()).finish_non_exhaustive()
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Waits for no resolver and no approver; every task, and with it every socket, is dropped.
            runtime.shutdown_background();
        }
    }
}

/// Accepts until the runtime ends. A connection holds a slot while it lives; one that found none free waits, and others in
/// the kernel's queue.
fn serve<F, H>(
    session: &Arc<Session>,
    listener: std::net::TcpListener,
    kind: Kind,
    handle: H,
) -> io::Result<()>
where
    F: Future<Output = ()> + Send + 'static,
    H: Fn(Arc<Connection>, TcpStream) -> F + Send + 'static,
{
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?;
    let session = Arc::clone(session);
    tokio::spawn(async move {
        loop {
            match listener.accept().await {
                Ok((stream, client)) => {
                    // Accepted first: nobody is ended for a client that does not come.
                    let slot = session.slot().await;
                    let connection = accepted(&session, kind, &stream, client, slot);
                    let task = handle(Arc::clone(&connection), stream);
                    tokio::spawn(async move {
                        tokio::select! {
                            biased;
                            () = connection.ended() => {}
                            () = task => {}
                        }
                    });
                }
                Err(error) if is_of_client(&error) => {}
                Err(error) if session.makes_room(&error).await => {}
                Err(error) => {
                    session.cannot_accept(&error);
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    });
    Ok(())
}

fn accepted(
    session: &Arc<Session>,
    kind: Kind,
    stream: &TcpStream,
    client: SocketAddr,
    slot: Slot,
) -> Arc<Connection> {
    // A connection without it is slower, and otherwise the same.
    let _ = stream.set_nodelay(true);
    Arc::new(Connection::new(session, kind, Some(client)).holding(slot))
}

/// Connections that the process has descriptors for: two each, and some for all else.
#[cfg(target_os = "linux")]
fn descriptors() -> usize {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    let limit = limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
    limit.saturating_sub(OTHER_DESCRIPTORS).saturating_div(2).max(FEWEST)
}

/// Elsewhere the limits of the broker are what bounds it.
#[cfg(not(target_os = "linux"))]
fn descriptors() -> usize {
    usize::MAX
}

/// Errors of a connection that ended before it was accepted.
fn is_of_client(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::Interrupted
    )
}
