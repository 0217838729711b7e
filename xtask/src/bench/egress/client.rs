//! The clients: each figure is what they see, through a proxy or without one.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::server::{MARK, REQUEST};

/// Longest time for one answer: a proxy that hangs must not hang the bench.
const PATIENCE: Duration = Duration::from_secs(60);

/// A way to a server.
#[derive(Clone)]
pub struct Way {
    /// The proxy; none for a connection of its own.
    pub proxy: Option<SocketAddr>,
    /// The server.
    pub server: SocketAddr,
    /// TLS, with whom it trusts; none for the protocol that no proxy knows.
    pub tls: Option<Arc<ClientConfig>>,
}

/// What a client of TLS trusts.
///
/// # Errors
/// When an authority is none.
pub fn trust(authorities: Vec<CertificateDer<'static>>) -> Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    for authority in authorities {
        roots.add(authority)?;
    }
    let mut config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    // Each connection is a new one, for the proxies as well.
    config.resumption = rustls::client::Resumption::disabled();
    Ok(Arc::new(config))
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

/// One connection to the server.
pub struct Session {
    stream: Stream,
    port: u16,
    buffer: Vec<u8>,
}

impl Way {
    /// Connects.
    ///
    /// # Errors
    /// When nobody is there, or a proxy refuses.
    pub fn connect(&self) -> Result<Session> {
        let mut stream = TcpStream::connect(self.proxy.unwrap_or(self.server))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let port = self.server.port();
        if self.proxy.is_some() {
            let host = if self.tls.is_some() { "localhost" } else { "127.0.0.1" };
            ask_proxy(&mut stream, host, port)?;
        }
        let stream = match &self.tls {
            None => Stream::Plain(stream),
            Some(config) => {
                let name = ServerName::try_from("localhost").context("a name")?;
                let connection = ClientConnection::new(Arc::clone(config), name)?;
                Stream::Tls(Box::new(StreamOwned::new(connection, stream)))
            }
        };
        Ok(Session { stream, port, buffer: vec![0; 4096] })
    }
}

fn ask_proxy(stream: &mut TcpStream, host: &str, port: u16) -> Result<()> {
    stream.write_all(format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n").as_bytes())?;
    let (mut head, mut byte) = (Vec::new(), [0; 256]);
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte)? {
            0 => bail!("the proxy closed the connection"),
            count => head.extend_from_slice(&byte[..count]),
        }
    }
    if !head.starts_with(b"HTTP/1.1 200") && !head.starts_with(b"HTTP/1.0 200") {
        bail!("the proxy refused: {}", String::from_utf8_lossy(&head));
    }
    Ok(())
}

impl Session {
    /// Asks for so many bytes and reads them.
    ///
    /// # Errors
    /// When they do not come.
    pub fn ask(&mut self, length: u64) -> Result<()> {
        if length > 1 << 20 {
            self.buffer.resize(256 * 1024, 0);
        }
        match &mut self.stream {
            Stream::Plain(stream) => {
                let mut request = [0; REQUEST];
                request[0] = MARK;
                request[1..9].copy_from_slice(&length.to_be_bytes());
                stream.write_all(&request)?;
                Ok(read(stream, length, &mut self.buffer)?)
            }
            Stream::Tls(stream) => {
                write!(stream, "GET /{length} HTTP/1.1\r\nHost: localhost:{}\r\n\r\n", self.port)?;
                stream.flush()?;
                let mut held = 0;
                let end = loop {
                    if let Some(end) = self.buffer[..held].windows(4).position(|part| part == b"\r\n\r\n") {
                        break end + 4;
                    }
                    match stream.read(&mut self.buffer[held..])? {
                        0 => bail!("the connection ended within a head"),
                        count => held += count,
                    }
                };
                if !self.buffer.starts_with(b"HTTP/1.1 200") {
                    bail!("another answer: {}", String::from_utf8_lossy(&self.buffer[..held]));
                }
                let more = length.saturating_sub(u64::try_from(held - end)?);
                Ok(read(stream, more, &mut self.buffer)?)
            }
        }
    }
}

fn read(stream: &mut impl Read, mut length: u64, buffer: &mut [u8]) -> io::Result<()> {
    while length > 0 {
        let most = usize::try_from(length).unwrap_or(usize::MAX).min(buffer.len());
        match stream.read(&mut buffer[..most])? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => length -= u64::try_from(count).unwrap_or(length),
        }
    }
    Ok(())
}

/// Length of a small answer.
pub const SMALL: u64 = 64;

/// Megabytes a second of one long answer.
///
/// # Errors
/// When it breaks off.
#[expect(clippy::cast_precision_loss, reason = "a length is far below 2^52")]
pub fn stream(way: &Way, bytes: u64) -> Result<f64> {
    let mut session = way.connect()?;
    session.ask(SMALL)?;
    let began = Instant::now();
    session.ask(bytes)?;
    Ok(bytes as f64 / 1e6 / began.elapsed().as_secs_f64())
}

/// How often a second `clients` at once get something done.
#[expect(clippy::cast_precision_loss, reason = "a count is far below 2^52")]
fn rate(
    clients: usize,
    time: Duration,
    work: impl Fn(&mut Option<Session>) -> Result<()> + Sync,
) -> Result<f64> {
    let done = AtomicU64::new(0);
    let began = Instant::now();
    let ends: Vec<Result<()>> = std::thread::scope(|scope| {
        let one = || {
            let mut session = None;
            while began.elapsed() < time {
                work(&mut session)?;
                done.fetch_add(1, Ordering::Relaxed);
            }
            Ok(())
        };
        let running: Vec<_> = (0..clients).map(|_| scope.spawn(one)).collect();
        running
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_| bail!("a client panicked")))
            .collect()
    });
    ends.into_iter().collect::<Result<()>>()?;
    Ok(done.into_inner() as f64 / began.elapsed().as_secs_f64())
}

/// Requests a second on connections that are kept.
///
/// # Errors
/// When one fails.
pub fn requests(way: &Way, clients: usize, time: Duration) -> Result<f64> {
    rate(clients, time, |session| {
        if session.is_none() {
            *session = Some(way.connect()?);
        }
        session.as_mut().map_or(Ok(()), |session| session.ask(SMALL))
    })
}

/// Connections a second, each with one request.
///
/// # Errors
/// When one fails.
pub fn connections(way: &Way, clients: usize, time: Duration) -> Result<f64> {
    rate(clients, time, |_| way.connect()?.ask(SMALL))
}

/// Milliseconds from the start of a connection to the first answer, of `clients` that each begin one now and then: they are
/// many, and the machine is not full.
///
/// # Errors
/// When one fails.
pub fn first_bytes(way: &Way, clients: usize, each: usize, gap: Duration) -> Result<Vec<f64>> {
    let pause = gap * u32::try_from(clients)?;
    let all: Vec<Result<Vec<f64>>> = std::thread::scope(|scope| {
        let one = |number: usize| {
            // Spread over the pause, so that they do not come all at once.
            std::thread::sleep(pause.mul_f64(super::count(number) / super::count(clients)));
            let mut took = Vec::with_capacity(each);
            for _ in 0..each {
                let began = Instant::now();
                way.connect()?.ask(SMALL)?;
                took.push(began.elapsed().as_secs_f64() * 1e3);
                std::thread::sleep(pause);
            }
            Ok(took)
        };
        let running: Vec<_> = (0..clients).map(|number| scope.spawn(move || one(number))).collect();
        running
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_| bail!("a client panicked")))
            .collect()
    });
    Ok(all.into_iter().collect::<Result<Vec<_>>>()?.concat())
}

/// Connections that have spoken once and then rest.
///
/// # Errors
/// When one fails.
pub fn idle(way: &Way, count: usize) -> Result<Vec<Session>> {
    let mut held = Vec::with_capacity(count);
    for number in 0..count {
        let mut session = way.connect().with_context(|| format!("connection {number}"))?;
        session.ask(SMALL)?;
        session.buffer = Vec::new();
        held.push(session);
    }
    Ok(held)
}
