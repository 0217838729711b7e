//! A connection to a host that was decided on: what the client speaks in it is told by its first bytes, and names in
//! it must agree with the host.

use super::connection::{Connection, Told};
use super::dial::Dialled;
use super::engine::{self, Scope};
use super::opened;
use super::relay::{OverBudget, relay};
use super::rewind::Rewind;
use super::server::Server;
use crate::core::tls::{Hello, client_hello};
use crate::core::{Code, Host, Opening, Progress, Protocol, Ruling, opening};
use std::io;
use std::sync::Arc;
use tokio::io::Interest;
use tokio::net::TcpStream;

/// A client with what it sent so far.
pub(crate) struct Client {
    pub(crate) stream: TcpStream,
    pub(crate) sent: Vec<u8>,
}

/// Where the connection goes.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) host: Host,
    pub(crate) port: u16,
    /// How it was asked for.
    pub(crate) protocol: Protocol,
    /// The decision that allowed it.
    pub(crate) ruling: Ruling,
}

/// What the first bytes led to.
enum First {
    /// The server spoke first, or the client closed.
    Server,
    Told(Opening),
}

/// Carries the connection until it ends.
pub(crate) async fn run(connection: Arc<Connection>, mut client: Client, place: Place, server: Dialled) {
    let mut told = Told::new(place.protocol, Some(&place.host), place.port);
    told.address = server.address;
    connection.tell(told, &place.ruling);
    let outcome = Box::pin(carry(&connection, &mut client, &place, server)).await;
    match outcome {
        Ok(Some(ready)) => ready.go(&connection, client, &place).await,
        Ok(None) => {}
        Err(ruling) => reset(&connection, &client.stream, &place, &ruling),
    }
    connection.close(&place.host, place.port);
}

/// What is left to do once the names agree.
enum Ready {
    Pass(TcpStream),
    Http { server: Server, is_http2: bool },
    Tls { dialled: Dialled, hello: Hello, host: Host },
}

impl Ready {
    async fn go(self, connection: &Arc<Connection>, client: Client, place: &Place) {
        match self {
            Self::Pass(server) => {
                let to = (&place.host, place.port);
                let passed = relay(connection, to, client.stream, client.sent, server).await;
                if let Some(ruling) = passed.as_ref().err().and_then(OverBudget::of) {
                    connection.refuse(place.protocol, Some(&place.host), place.port, ruling);
                }
            }
            Self::Http { server, is_http2 } => {
                let asked = Some((place.host.clone(), place.port));
                let protocols = Vec::new();
                let scope = Scope { asked, reached: None, is_tls: false, is_http2, protocols, failed: None };
                let stream = Rewind::new(client.stream, client.sent);
                // Boxed, like the others: an idle tunnel keeps room for what it is, not for what it could be.
                Box::pin(engine::serve(Arc::clone(connection), stream, scope, Some(server))).await;
            }
            Self::Tls { dialled, hello, host } => {
                Box::pin(opened::run(connection, client, place, dialled, hello, host)).await;
            }
        }
    }
}

async fn carry(
    connection: &Arc<Connection>,
    client: &mut Client,
    place: &Place,
    server: Dialled,
) -> Result<Option<Ready>, Ruling> {
    let judge = &connection.session.judge;
    let is_limited = judge.opens(&place.host, place.port);
    connection.waits();
    match first(connection, client, &server.stream).await? {
        First::Told(Opening::Tls) => tls(connection, client, place, server).await.map(Some),
        First::Told(kind @ (Opening::Http1 | Opening::Http2)) => {
            let is_http2 = kind == Opening::Http2;
            Ok(Some(Ready::Http { server: Server::Plain(server.stream), is_http2 }))
        }
        First::Told(Opening::Endless) => Err(Ruling::deny(Code::Malformed, "the first line does not end")),
        First::Server | First::Told(Opening::Other | Opening::Socks5) if is_limited => {
            let reason = "rules speak of requests to this host, and this is neither HTTP nor TLS";
            Err(Ruling::deny(Code::Protocol, reason))
        }
        First::Server | First::Told(_) => {
            connection.works();
            Ok(Some(Ready::Pass(server.stream)))
        }
    }
}

/// Reads from the client until it is clear what it speaks. A client may stay silent; once it began it has to go on.
async fn first(connection: &Connection, client: &mut Client, server: &TcpStream) -> Result<First, Ruling> {
    if client.sent.is_empty() {
        // A look without taking: readiness alone can be of an event long past.
        let (mut from_client, mut from_server) = ([0; 1], [0; 1]);
        tokio::select! {
            biased;
            looked = client.stream.peek(&mut from_client) => drop(looked),
            looked = server.peek(&mut from_server) => {
                drop(looked);
                return Ok(First::Server);
            }
        }
    }
    let told = async {
        loop {
            if let Progress::Done { value, .. } = opening(&client.sent) {
                return Ok(First::Told(value));
            }
            if read_more(&client.stream, &mut client.sent).await.map_err(broken)? == 0 {
                // A client that closes before it is clear what it speaks: what it sent is no request.
                return Ok(if client.sent.is_empty() {
                    First::Server
                } else {
                    First::Told(Opening::Endless)
                });
            }
        }
    };
    in_time(connection, told).await
}

async fn tls(
    connection: &Arc<Connection>,
    client: &mut Client,
    place: &Place,
    server: Dialled,
) -> Result<Ready, Ruling> {
    let hello = in_time(connection, async {
        loop {
            match client_hello(&client.sent) {
                Ok(Progress::Done { value, .. }) => return Ok(value),
                Ok(Progress::Partial) => {}
                Err(fault) => return Err(Ruling::deny(Code::Malformed, fault.reason())),
            }
            if read_more(&client.stream, &mut client.sent).await.map_err(broken)? == 0 {
                return Err(Ruling::deny(Code::Malformed, "the client closed within its hello"));
            }
        }
    })
    .await?;
    connection.works();
    let session = &connection.session;
    let host = hello.server_name.clone().unwrap_or_else(|| place.host.clone());
    session.judge.seen(&place.host, &host, place.port, "SNI", &session.grants())?;
    if session.judge.opens(&host, place.port) || session.judge.opens(&place.host, place.port) {
        return Ok(Ready::Tls { dialled: server, hello, host });
    }
    if hello.encrypted {
        let mut told = Told::new(Protocol::Tls, Some(&place.host), place.port);
        told.encrypted_hello = true;
        connection.tell(told, &place.ruling);
    }
    Ok(Ready::Pass(server.stream))
}

pub(crate) async fn read_more(stream: &TcpStream, into: &mut Vec<u8>) -> io::Result<usize> {
    loop {
        stream.readable().await?;
        let mut piece = [0; 4096];
        match stream.try_read(&mut piece) {
            Ok(read) => {
                into.extend_from_slice(piece.get(..read).unwrap_or_default());
                return Ok(read);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}

/// Waits until the client has closed without a word, or is gone.
pub(crate) async fn closed(client: &TcpStream) {
    if let Ok(1..) = client.peek(&mut [0; 1]).await {
        gone(client).await;
    }
}

/// Waits until the client is gone: its connection is reset. A client that said something and closed may wait for the answer.
pub(crate) async fn gone(client: &TcpStream) {
    while client.ready(Interest::ERROR).await.is_ok_and(|ready| !ready.is_error()) {}
}

pub(crate) fn broken(error: io::Error) -> Ruling {
    Ruling::deny(Code::Malformed, format!("the client broke off: {error}"))
}

/// Bounds the time that a client may take for what it has begun.
pub(crate) async fn in_time<T>(
    connection: &Connection,
    reading: impl Future<Output = Result<T, Ruling>>,
) -> Result<T, Ruling> {
    let limit = connection.session.limits.head;
    tokio::time::timeout(limit, reading).await.unwrap_or_else(|_| {
        let reason = format!("the client did not finish its first words within {} s", limit.as_secs());
        Err(Ruling::deny(Code::Limit, reason))
    })
}

/// Ends a connection that cannot carry an answer, after the event.
fn reset(connection: &Connection, client: &TcpStream, place: &Place, ruling: &Ruling) {
    connection.refuse(place.protocol, Some(&place.host), place.port, ruling);
    // Without it the client would see an orderly end.
    drop(client.set_zero_linger());
}
