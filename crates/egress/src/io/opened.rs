//! TLS that is opened: the broker is the server towards the client, with a certificate of the session's authority, and
//! the client towards the server, whose certificate it checks. Both sides speak the same protocol inside.

use super::ahead::Ahead;
use super::ciphers::MOST_WAITING;
use super::connection::Connection;
use super::dial::Dialled;
use super::engine::{self, Scope};
use super::rewind::Rewind;
use super::server::Server;
use super::tunnel::{Client, Place};
use crate::core::tls::Hello;
use crate::core::{Code, Host, Protocol, Ruling};
use std::io;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::client::TlsStream;

/// What can be judged, best first.
const KNOWN: &[&[u8]] = &[b"h2", b"http/1.1"];

pub(crate) async fn run(
    connection: &Arc<Connection>,
    client: Client,
    place: &Place,
    dialled: Dialled,
    hello: Hello,
    host: Host,
) {
    let protocols: Vec<Vec<u8>> =
        hello.protocols.iter().filter(|name| KNOWN.contains(&name.as_slice())).cloned().collect();
    if protocols.is_empty() && !hello.protocols.is_empty() {
        let ruling = Ruling::deny(Code::Protocol, "the client offers no protocol that can be judged");
        return refuse(connection, &client.stream, place, &ruling);
    }
    let limit = connection.session.limits.connect;
    let outside = connection.session.tls.connect(dialled.stream, &host, protocols.clone(), limit).await;
    let chosen = chosen(outside.as_ref().ok(), &protocols);
    let config = match connection.session.authority.as_ref().map(|authority| authority.server(&host, &chosen))
    {
        Some(Ok(config)) => config,
        Some(Err(error)) => return connection.session.fault("make a certificate", &error),
        None => return connection.session.fault("make a certificate", &"the session has no authority"),
    };
    let acceptor = TlsAcceptor::from(config);
    connection.waits();
    let accepting = acceptor.accept(Ahead::new(Rewind::new(client.stream, client.sent)));
    let in_time = tokio::time::timeout(connection.session.limits.head, accepting).await;
    let inside = match in_time.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
        Ok(mut inside) => {
            inside.get_mut().1.set_buffer_limit(Some(MOST_WAITING));
            inside
        }
        Err(error) => {
            // Where the server's side failed before, that is what counts.
            let ruling = outside.err().unwrap_or_else(|| unfinished(&error));
            return connection.refuse(Protocol::TlsOpened, Some(&host), place.port, &ruling);
        }
    };
    // Without a connection to the server each request is answered with why.
    let (ready, failed) = match outside {
        Ok(stream) => (Some(Server::Tls(Box::new(stream))), None),
        Err(ruling) => (None, Some(ruling)),
    };
    // A connection to a bare address is about the name in its hello from here on: the certificate shows it.
    let is_bare = matches!(place.host, Host::Address(_));
    let scope = Scope {
        asked: Some((host, place.port)),
        reached: Some(place.host.clone()).filter(|_| is_bare),
        is_tls: true,
        is_http2: false,
        failed,
        protocols: if chosen.is_empty() { Vec::new() } else { vec![chosen] },
    };
    engine::serve(Arc::clone(connection), Rewind::new(inside, Vec::new()), scope, ready).await;
}

/// The refusal of a client that did not finish its handshake.
fn unfinished(error: &io::Error) -> Ruling {
    if error.kind() == io::ErrorKind::TimedOut {
        return Ruling::deny(Code::Limit, "the client did not finish its handshake in time");
    }
    Ruling::deny(Code::TlsFailed, format!("the client does not accept the session's authority: {error}"))
}

fn chosen(outside: Option<&TlsStream<Ahead<TcpStream>>>, offered: &[Vec<u8>]) -> Vec<u8> {
    let negotiated = outside.and_then(|stream| stream.get_ref().1.alpn_protocol());
    match negotiated {
        Some(protocol) => protocol.to_vec(),
        // A server without the extension speaks HTTP/1.1.
        None => {
            let plain = offered.iter().find(|name| name.as_slice() == b"http/1.1");
            plain.or_else(|| offered.first()).cloned().unwrap_or_default()
        }
    }
}

fn refuse(connection: &Connection, client: &TcpStream, place: &Place, ruling: &Ruling) {
    connection.refuse(Protocol::TlsOpened, Some(&place.host), place.port, ruling);
    drop(client.set_zero_linger());
}
