//! The servers behind the proxies, in this process. Both answer a request with as many bytes as it asks for, again and
//! again on one connection: one in a protocol that no proxy knows, one in HTTP/1.1 over TLS.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// Length of a request in the unknown protocol: its first byte, the length of the answer, nothing.
pub const REQUEST: usize = 64;
/// The first byte, which begins neither HTTP nor TLS.
pub const MARK: u8 = 1;
/// What is written at a time.
const PIECE: usize = 256 * 1024;
/// A thread for each connection, thousands of them.
const STACK: usize = 64 * 1024;

/// Starts the server with the unknown protocol.
///
/// # Errors
/// When it cannot listen.
pub fn plain() -> Result<SocketAddr> {
    serve(|stream| {
        let (mut request, piece) = ([0; REQUEST], vec![0; 4096]);
        let mut stream = stream;
        loop {
            stream.read_exact(&mut request)?;
            let length = request[1..9].try_into().map_or(0, u64::from_be_bytes);
            send(&mut stream, length, &piece)?;
        }
    })
}

/// Starts the server with TLS; its authority goes into the directory as `ca.pem` and `ca.der`.
///
/// # Errors
/// When it cannot listen, or no certificate can be made.
pub fn private(directory: &Path) -> Result<SocketAddr> {
    let key = KeyPair::generate()?;
    let mut authority = CertificateParams::new(Vec::new())?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.distinguished_name.push(DnType::CommonName, "authority of a benchmark");
    let root = authority.self_signed(&key)?;
    std::fs::write(directory.join("ca.pem"), root.pem())?;
    std::fs::write(directory.join("ca.der"), root.der())?;
    let own = KeyPair::generate()?;
    let leaf = CertificateParams::new(vec!["localhost".to_owned()])?;
    let leaf = leaf.signed_by(&own, &Issuer::new(authority, key))?;
    let own = PrivateKeyDer::from_pem_slice(own.serialize_pem().as_bytes())?;
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], own)
        .context("the certificate does not fit")?;
    let config = Arc::new(config);
    serve(move |stream| {
        let connection = ServerConnection::new(Arc::clone(&config)).map_err(io::Error::other)?;
        http(&mut StreamOwned::new(connection, stream))
    })
}

/// As much of HTTP/1.1 as it takes: `GET /N` gets N bytes.
fn http(stream: &mut (impl Read + Write)) -> io::Result<()> {
    let piece = vec![0; 16 * 1024];
    let mut held = Vec::new();
    let mut read = [0; 4096];
    loop {
        while let Some(end) = held.windows(4).position(|part| part == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&held[..end]).into_owned();
            held.drain(..end + 4);
            let path = head.split(' ').nth(1).and_then(|path| path.strip_prefix('/'));
            let length = path.and_then(|path| path.parse().ok()).unwrap_or(0);
            write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n")?;
            send(stream, length, &piece)?;
        }
        match stream.read(&mut read)? {
            0 => return Ok(()),
            count => held.extend_from_slice(&read[..count]),
        }
    }
}

fn send(stream: &mut impl Write, mut length: u64, small: &[u8]) -> io::Result<()> {
    let large;
    let piece = if length > 1 << 20 {
        large = vec![0; PIECE];
        &large
    } else {
        small
    };
    while length > 0 {
        let count = usize::try_from(length).unwrap_or(usize::MAX).min(piece.len());
        stream.write_all(&piece[..count])?;
        length -= u64::try_from(count).unwrap_or(length);
    }
    stream.flush()
}

fn serve(talk: impl Fn(TcpStream) -> io::Result<()> + Send + Sync + 'static) -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let talk = Arc::new(talk);
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(io::Result::ok) {
            let talk = Arc::clone(&talk);
            // Without a thread the client finds the connection closed, and the figure fails.
            let _started = std::thread::Builder::new().stack_size(STACK).spawn(move || {
                let _faster = stream.set_nodelay(true);
                let _ended = talk(stream);
            });
        }
    });
    Ok(address)
}
