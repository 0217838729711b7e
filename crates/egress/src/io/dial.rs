//! Connections to the outside: resolve, check every address, connect to a checked address and to no other.

use super::ahead::Ahead;
use super::ciphers::{MOST_WAITING, provider};
use super::config::Roots;
use super::connection::{Connection, Dialling};
use super::session::Session;
use crate::core::{Code, Host, Progress, Proxy, ProxyKind, Route, Ruling, http, socks};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// How long one address has the field for itself (RFC 8305 section 5).
const HEAD_START: Duration = Duration::from_millis(250);

/// Clients that are ended for the descriptor of one connection to a server.
const MOST_ENDED: usize = 8;

/// Longest answer of a proxy upstream.
const LONGEST_ANSWER: usize = 16 * 1024;

pub(crate) struct Dialled {
    pub(crate) stream: TcpStream,
    /// The address of the host; `None` if a proxy upstream made the connection.
    pub(crate) address: Option<IpAddr>,
}

/// Connects to a host that was decided on. While that lasts the connection gives its place up where all are taken, after
/// those that rest.
pub(crate) async fn dial(connection: &Connection, host: &Host, port: u16) -> Result<Dialled, Ruling> {
    let session = &connection.session;
    let limit = session.limits.connect;
    let _dialling = Dialling::new(connection);
    let dialled = tokio::time::timeout(limit, attempt(session, host, port)).await;
    dialled.unwrap_or_else(|_| {
        Err(Ruling::deny(Code::ConnectFailed, format!("no connection within {} s", limit.as_secs())))
    })
}

async fn attempt(session: &Session, host: &Host, port: u16) -> Result<Dialled, Ruling> {
    let route = session.judge.route(host, port);
    let is_host_port = is_loopback(&route);
    if let (Some(proxy), false) = (session.upstream.proxy(host, port), is_host_port) {
        // The proxy resolves the name; of an address the check is the same as without it.
        if let Some(address) = host.address() {
            refused_if_none(session, host, port, &[address])?;
        }
        let stream = through(session, proxy, host, port).await?;
        return Ok(Dialled { stream, address: None });
    }
    let allowed = match route {
        Route::Fixed(addresses) if is_host_port => addresses,
        Route::Fixed(addresses) => refused_if_none(session, host, port, &addresses)?,
        Route::Resolve(name) => {
            let resolved = resolve(session, name).await?;
            refused_if_none(session, host, port, &resolved)?
        }
    };
    let stream = reach(session, &allowed, port).await.map_err(|error| failed(&error))?;
    let address = stream.peer_addr().ok().map(|address| address.ip());
    Ok(Dialled { stream, address })
}

/// True for the addresses that the judge fixes for an opened port of the host; they need no further check.
fn is_loopback(route: &Route) -> bool {
    matches!(route, Route::Fixed(addresses) if addresses.iter().all(IpAddr::is_loopback))
}

fn refused_if_none(
    session: &Session,
    host: &Host,
    port: u16,
    resolved: &[IpAddr],
) -> Result<Vec<IpAddr>, Ruling> {
    let vetted = session.judge.addresses(port, resolved);
    match vetted.refusal(host) {
        Some(refusal) => Err(refusal),
        None => Ok(vetted.allowed),
    }
}

async fn resolve(session: &Session, name: String) -> Result<Vec<IpAddr>, Ruling> {
    let resolved = session.resolving.resolve(&session.resolver, name).await;
    resolved.map_err(|cause| Ruling::deny(Code::ResolveFailed, format!("the name does not resolve: {cause}")))
}

fn failed(error: &io::Error) -> Ruling {
    Ruling::deny(Code::ConnectFailed, format!("no connection could be made: {error}"))
}

/// The first connection that succeeds. Without a descriptor for it, clients that rest are ended, a few at most.
async fn reach(session: &Session, addresses: &[IpAddr], port: u16) -> io::Result<TcpStream> {
    let mut reached = first_of(addresses, port).await;
    for _ in 0..MOST_ENDED {
        match &reached {
            Err(error) if session.makes_room(error).await => reached = first_of(addresses, port).await,
            _ => break,
        }
    }
    reached
}

/// The first connection that succeeds; each address gets a head start before the next one (RFC 8305).
async fn first_of(addresses: &[IpAddr], port: u16) -> io::Result<TcpStream> {
    let mut waiting = alternating(addresses).into_iter().map(|address| SocketAddr::new(address, port));
    let mut error = io::Error::from(io::ErrorKind::AddrNotAvailable);
    if let [only] = addresses {
        return connected(SocketAddr::new(*only, port)).await;
    }
    let mut running = JoinSet::new();
    loop {
        if let Some(address) = waiting.next() {
            running.spawn(connected(address));
        }
        let next = if waiting.len() == 0 {
            running.join_next().await
        } else {
            match tokio::time::timeout(HEAD_START, running.join_next()).await {
                Ok(finished) => finished,
                Err(_) => continue,
            }
        };
        match next {
            Some(Ok(Ok(stream))) => return Ok(stream),
            Some(Ok(Err(cause))) => error = cause,
            Some(Err(_)) => {}
            None if waiting.len() == 0 => return Err(error),
            None => {}
        }
    }
}

async fn connected(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// The families by turns, each in the resolver's order, the resolver's first family first.
fn alternating(addresses: &[IpAddr]) -> Vec<IpAddr> {
    let first_is_v4 = addresses.first().is_some_and(IpAddr::is_ipv4);
    let (mut first, mut second): (Vec<IpAddr>, Vec<IpAddr>) =
        addresses.iter().partition(|address| address.is_ipv4() == first_is_v4);
    let mut out = Vec::new();
    first.reverse();
    second.reverse();
    while let Some(address) = first.pop() {
        out.push(address);
        out.extend(second.pop());
    }
    second.reverse();
    out.extend(second);
    out
}

/// A connection through a proxy upstream, which gets the name unresolved.
async fn through(session: &Session, proxy: &Proxy, host: &Host, port: u16) -> Result<TcpStream, Ruling> {
    let addresses = match &proxy.host {
        Host::Address(address) => vec![*address],
        Host::Name(name) => resolve(session, name.clone()).await?,
    };
    let failed = |cause: String| {
        let place = proxy.host.with_port(proxy.port);
        Ruling::deny(Code::ConnectFailed, format!("the proxy upstream, {place}: {cause}"))
    };
    let mut stream =
        reach(session, &addresses, proxy.port).await.map_err(|error| failed(error.to_string()))?;
    let spoken = match proxy.kind {
        ProxyKind::Http => by_connect(&mut stream, proxy, host, port).await,
        ProxyKind::Socks5 => by_socks(&mut stream, proxy, host, port).await,
    };
    spoken.map_err(|error| failed(error.to_string()))?;
    Ok(stream)
}

async fn by_connect(stream: &mut TcpStream, proxy: &Proxy, host: &Host, port: u16) -> io::Result<()> {
    let place = host.with_port(port);
    let credentials = proxy
        .credentials
        .as_ref()
        .map(|(user, password)| format!("Proxy-Authorization: {}\r\n", http::basic_value(user, password)));
    let head =
        format!("CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n{}\r\n", credentials.unwrap_or_default());
    stream.write_all(head.as_bytes()).await?;
    // Byte by byte: what follows the head is the server's.
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        if answer.len() >= LONGEST_ANSWER {
            return Err(io::Error::other("its answer does not end"));
        }
        answer.push(stream.read_u8().await?);
    }
    let line = answer.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let status = line.split(|byte| *byte == b' ').nth(1).unwrap_or_default();
    if line.starts_with(b"HTTP/1.") && status.len() == 3 && status.starts_with(b"2") {
        return Ok(());
    }
    Err(io::Error::other(format!("it answered {}", String::from_utf8_lossy(line).escape_debug())))
}

async fn by_socks(stream: &mut TcpStream, proxy: &Proxy, host: &Host, port: u16) -> io::Result<()> {
    let malformed = |fault: socks::SocksFault| io::Error::other(fault.reason());
    let too_long = || io::Error::other("a name or password is too long for SOCKS");
    stream.write_all(&socks::client_greeting(proxy.credentials.is_some())).await?;
    let mut chosen = [0; 2];
    stream.read_exact(&mut chosen).await?;
    if socks::chosen(chosen).map_err(malformed)? == socks::Method::Password {
        let (user, password) =
            proxy.credentials.as_ref().ok_or_else(|| io::Error::other("it wants a password"))?;
        stream.write_all(&socks::client_credentials(user, password).ok_or_else(too_long)?).await?;
        let mut accepted = [0; 2];
        stream.read_exact(&mut accepted).await?;
        if accepted != socks::credentials_reply(true) {
            return Err(io::Error::other("it refuses the password"));
        }
    }
    stream.write_all(&socks::client_request(host, port).ok_or_else(too_long)?).await?;
    let mut answer = Vec::new();
    loop {
        answer.push(stream.read_u8().await?);
        match socks::answered(&answer).map_err(malformed)? {
            Progress::Partial => {}
            Progress::Done { value: 0, .. } => return Ok(()),
            Progress::Done { value, .. } => {
                return Err(io::Error::other(format!("it answered with code {value}")));
            }
        }
    }
}

/// The client's side of TLS, with the authorities of servers. They are read once, when they are first needed.
pub(crate) struct TlsClient {
    roots: Roots,
    store: OnceCell<Arc<RootCertStore>>,
}

impl TlsClient {
    pub(crate) fn new(roots: Roots) -> Self {
        Self { roots, store: OnceCell::new() }
    }

    /// Makes TLS to a host over a connection, offering these protocols; the certificate must be the host's, and come in
    /// time.
    pub(crate) async fn connect(
        &self,
        stream: TcpStream,
        host: &Host,
        protocols: Vec<Vec<u8>>,
        limit: Duration,
    ) -> Result<TlsStream<Ahead<TcpStream>>, Ruling> {
        let failed =
            |cause: String| Ruling::deny(Code::TlsFailed, format!("the server's TLS is refused: {cause}"));
        let mut config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| failed(error.to_string()))?
            .with_root_certificates(self.store().await)
            .with_no_client_auth();
        config.alpn_protocols = protocols;
        let name = match host {
            Host::Name(name) => {
                ServerName::try_from(name.clone()).map_err(|error| failed(error.to_string()))?
            }
            Host::Address(address) => ServerName::IpAddress((*address).into()),
        };
        let connector = TlsConnector::from(Arc::new(config));
        let opened = tokio::time::timeout(limit, connector.connect(name, Ahead::new(stream))).await;
        let opened = opened.map_err(|_| failed(format!("no handshake within {} s", limit.as_secs())))?;
        let mut opened = opened.map_err(|error| failed(error.to_string()))?;
        opened.get_mut().1.set_buffer_limit(Some(MOST_WAITING));
        Ok(opened)
    }

    async fn store(&self) -> Arc<RootCertStore> {
        let made = self.store.get_or_init(|| async {
            let roots = self.roots.clone();
            tokio::task::spawn_blocking(move || Arc::new(read(roots))).await.unwrap_or_else(|_| {
                // Without authorities no certificate is accepted.
                Arc::new(RootCertStore::empty())
            })
        });
        Arc::clone(made.await)
    }
}

fn read(roots: Roots) -> RootCertStore {
    let mut store = RootCertStore::empty();
    let (system, further) = match roots {
        Roots::System => (true, Vec::new()),
        Roots::SystemAnd(further) => (true, further),
        Roots::Only(further) => (false, further),
    };
    if system {
        store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    store.add_parsable_certificates(further);
    store
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_take_turns() {
        let addresses =
            |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<IpAddr>>();
        let sorted = alternating(&addresses(&["::1", "::2", "::3", "1.1.1.1", "2.2.2.2"]));
        assert_eq!(sorted, addresses(&["::1", "1.1.1.1", "::2", "2.2.2.2", "::3"]));
        let sorted = alternating(&addresses(&["1.1.1.1", "::1", "::2"]));
        assert_eq!(sorted, addresses(&["1.1.1.1", "::1", "::2"]));
    }
}
