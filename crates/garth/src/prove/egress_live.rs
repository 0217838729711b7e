//! Stories about the broker by itself, with servers, names and an authority of the proof's own: what no policy on a real
//! machine can set up. No sandbox is needed, for the broker is outside of each.

use super::run::Proof;
use super::scenario::Story;
use super::web::{PATIENCE, answer, converse};
use garth_egress::io::{Broker, Config, Front, Limits, Resolve, Roots};
use garth_host::linux::probe::http2_request;
use garth_policy::{DomainRule, HostPattern, HttpRule, Layer, Network, NetworkMode, Origin};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio_rustls::rustls::{
    ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection, StreamOwned, crypto,
};

/// An address that stands for a public one: the policy names it, so it may be connected to.
const PUBLIC: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

/// What a request may take.
const LIMIT: Duration = Duration::from_secs(3);

/// Where all names lead.
#[derive(Clone)]
struct Names(Arc<Mutex<IpAddr>>);

impl Names {
    fn lead_to(&self, address: IpAddr) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = address;
    }
}

impl Resolve for Names {
    fn resolve(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        Ok(vec![*self.0.lock().unwrap_or_else(PoisonError::into_inner)])
    }
}

/// A broker with an explicit front on the loopback.
struct Live {
    broker: Broker,
    proxy: SocketAddr,
    names: Names,
}

fn pattern(text: &str) -> io::Result<HostPattern> {
    HostPattern::parse(text).map_err(|error| io::Error::other(error.to_string()))
}

/// Starts one that lets these names pass, and looks into requests to those of `opened`.
fn start(allowed: &[&str], opened: &[&str], roots: Vec<CertificateDer<'static>>) -> io::Result<Live> {
    let origin = || Origin::unplaced(Layer::Flags, "the proof");
    let mut network = Network::none(NetworkMode::AllowList, origin());
    let public = PUBLIC.to_string();
    for host in allowed.iter().copied().chain([public.as_str()]) {
        network.domains.push(DomainRule { host: pattern(host)?, allow: true, origin: origin() });
    }
    for host in opened {
        let (methods, paths) = (Vec::new(), vec!["/**".to_owned()]);
        network.rules.push(HttpRule { host: pattern(host)?, methods, paths, upload: None, origin: origin() });
    }
    let names = Names(Arc::new(Mutex::new(PUBLIC)));
    let mut config = Config::new(network, Arc::new(|_| {}));
    config.resolver = Arc::new(names.clone());
    config.roots = Roots::Only(roots);
    config.limits = Limits { head: LIMIT, connect: LIMIT, ..Limits::usual() };
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let proxy = listener.local_addr()?;
    let broker = Broker::start(config, vec![Front::Explicit { listener, credentials: None }])
        .map_err(|error| io::Error::other(error.to_string()))?;
    Ok(Live { broker, proxy, names })
}

impl Live {
    fn dial(&self) -> io::Result<TcpStream> {
        let stream = TcpStream::connect(self.proxy)?;
        stream.set_read_timeout(Some(LIMIT))?;
        Ok(stream)
    }

    /// What comes back of one request by plain HTTP.
    fn get(&self, host: &str, port: u16) -> io::Result<String> {
        let mut stream = self.dial()?;
        write!(
            stream,
            "GET http://{host}:{port}/ HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n"
        )?;
        Ok(heard(&mut stream, "reached"))
    }

    /// What comes back of words inside TLS to `host`, whose hello names `shown`.
    fn inside(&self, host: &str, port: u16, shown: &str, protocol: &str, words: &[u8]) -> io::Result<String> {
        let mut stream = self.dial()?;
        write!(stream, "CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n")?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte)?;
            head.extend(byte);
        }
        let pem = self.broker.authority().ok_or_else(|| io::Error::other("no authority"))?;
        let mut roots = RootCertStore::empty();
        let own = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(io::Error::other)?;
        roots.add(own).map_err(io::Error::other)?;
        let builder = ClientConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?;
        let mut config = builder.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
        let name = ServerName::try_from(shown.to_owned()).map_err(io::Error::other)?;
        let client = ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)?;
        let mut stream = StreamOwned::new(client, stream);
        stream.write_all(words)?;
        Ok(heard(&mut stream, "reached"))
    }
}

/// What comes until `wanted` is there, or nothing more.
fn heard(stream: &mut impl Read, wanted: &str) -> String {
    let mut all = Vec::new();
    let mut piece = [0; 4096];
    while let Ok(count @ 1..) = stream.read(&mut piece) {
        all.extend_from_slice(piece.get(..count).unwrap_or_default());
        let text = String::from_utf8_lossy(&all);
        if text.contains(wanted) || text.contains("x-garth-denied") {
            break;
        }
    }
    String::from_utf8_lossy(&all).into_owned()
}

/// Nothing more may have come than a refusal.
fn kept(what: &str, outcome: io::Result<String>) -> Result<String, String> {
    match outcome {
        Ok(text) if text.contains("reached") || text.contains("hidden") => {
            Err(format!("{what}: it came there"))
        }
        Ok(_) => Ok("refused".into()),
        Err(error) => Ok(error.to_string()),
    }
}

fn came(what: &str, outcome: io::Result<String>) -> Result<String, String> {
    match outcome {
        Ok(text) if text.contains("reached") => Ok("reached".into()),
        Ok(text) => Err(format!("{what}: {}", text.lines().next().unwrap_or("nothing came"))),
        Err(error) => Err(format!("{what}: {error}")),
    }
}

/// A name leads to its server, then to where no name may lead, and back again.
pub(super) fn rebound(_: &Proof<'_>) -> Story {
    let told = (|| {
        // The same port leads to another server at each address.
        let listener = TcpListener::bind((PUBLIC, 0))?;
        let port = listener.local_addr()?.port();
        answer(listener, "reached", Arc::default());
        let hidden = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        answer(hidden, "hidden", Arc::default());
        let live = start(&["rebound.test"], &[], Vec::new())?;
        let mut attack = Ok(String::new());
        let mut twin = Ok(String::new());
        for address in ["127.0.0.1", "::1", "0.0.0.0", "10.1.2.3", "169.254.169.254", "::ffff:127.0.0.1"] {
            live.names.lead_to(PUBLIC);
            twin = twin.and_then(|_| came("before", live.get("rebound.test", port)));
            live.names.lead_to(address.parse().map_err(io::Error::other)?);
            attack = attack.and_then(|_| kept(address, live.get("rebound.test", port)));
        }
        live.names.lead_to(PUBLIC);
        twin = twin.and_then(|_| came("afterwards", live.get("rebound.test", port)));
        io::Result::Ok(Story { attack, twin })
    })();
    told.unwrap_or_else(Story::broken)
}

/// Another host than that of the connection is named inside TLS, in every place where one can be.
pub(super) fn fronting(_: &Proof<'_>) -> Story {
    let told = (|| {
        let (port, root) = tls_server(&["api.test", "other.test"])?;
        // Both are allowed: one may not stand for the other.
        let live = start(&["api.test", "other.test"], &["api.test", "other.test"], vec![root])?;
        let ask =
            |shown: &str, version: &str, words: &[u8]| live.inside("api.test", port, shown, version, words);
        let one =
            |target: &str, host: &str| format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n").into_bytes();
        let mut attack = Ok(String::new());
        for host in ["other.test", "api.test.attacker.test", "attacker.test", "169.254.169.254", "127.0.0.1"]
        {
            attack = attack
                .and_then(|_| kept(host, ask("api.test", "http/1.1", &one("/", host))))
                .and_then(|_| {
                    kept(host, ask("api.test", "http/1.1", &one(&format!("https://{host}/"), "api.test")))
                })
                .and_then(|_| kept(host, ask("api.test", "h2", &http2_request(host, "/", &[]))));
        }
        let shown = ask("other.test", "http/1.1", &one("/", "other.test"));
        attack = attack.and_then(|_| kept("another name in the hello", shown));
        let twin = came("HTTP/1.1", ask("api.test", "http/1.1", &one("/", "api.test")))
            .and_then(|_| came("HTTP/2", ask("api.test", "h2", &http2_request("api.test", "/", &[]))));
        io::Result::Ok(Story { attack, twin })
    })();
    told.unwrap_or_else(Story::broken)
}

/// A server for TLS with a certificate for these names that vouches for itself; its port and the certificate.
fn tls_server(names: &[&str]) -> io::Result<(u16, CertificateDer<'static>)> {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let made = rcgen::generate_simple_self_signed(names).map_err(io::Error::other)?;
    let leaf = made.cert.der().clone();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let builder = ServerConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?;
    let mut config =
        builder.with_no_client_auth().with_single_cert(vec![leaf.clone()], key).map_err(io::Error::other)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let config = Arc::new(config);
    let listener = TcpListener::bind((PUBLIC, 0))?;
    let port = listener.local_addr()?.port();
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let config = Arc::clone(&config);
            // A client that breaks off ends its own connection.
            std::thread::spawn(move || {
                let served = client.set_read_timeout(Some(PATIENCE)).and_then(|()| {
                    let server = ServerConnection::new(config).map_err(io::Error::other)?;
                    converse(StreamOwned::new(server, client), "reached")
                });
                drop(served);
            });
        }
    });
    Ok((port, leaf))
}
