//! A broker with a policy, servers on loopback behind made-up names, and clients.
#![allow(
    dead_code,
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "each test program uses a part of it, and a failure to build the input is a failure of the test"
)]

use garth_egress::core::{Budgets, Code, Decided, Event, Secret, Secrets, Upstream};
use garth_egress::io::{Approve, Broker, Config, Front, Limits, Resolve, Roots};
use garth_policy::{
    AbsPath, DomainRule, HostPattern, HttpRule, Layer, Network, NetworkMode, Origin, SecretBinding,
    SecretPlace, SecretSource,
};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// Where the servers of the tests listen; the policy names it, which is what opens it.
pub const SERVER: &str = "127.0.0.2";
/// Loopback that the policy does not name.
pub const FORBIDDEN: &str = "127.0.0.3";
pub const PLACEHOLDER: &str = "garth-placeholder-0123456789abcdef";
pub const SECRET: &str = "the-real-value";

/// Names of the tests and their addresses.
pub struct Names(pub HashMap<String, Vec<IpAddr>>);

impl Resolve for Names {
    fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        self.0.get(name).cloned().ok_or_else(|| io::Error::other("no such name"))
    }
}

#[derive(Clone, Default)]
pub struct Events(Arc<Mutex<Vec<Event>>>);

impl Events {
    pub fn all(&self) -> Vec<Event> {
        self.0.lock().unwrap().clone()
    }

    pub fn decided(&self) -> Vec<Decided> {
        let decided = |event| if let Event::Decided(decided) = event { Some(*decided) } else { None };
        self.all().into_iter().filter_map(decided).collect()
    }

    /// Waits until an event satisfies the condition.
    pub async fn wait(&self, what: &str, condition: impl Fn(&Event) -> bool) -> Event {
        let end = Instant::now() + Duration::from_secs(10);
        loop {
            if let Some(event) = self.all().into_iter().find(|event| condition(event)) {
                return event;
            }
            assert!(Instant::now() < end, "no event {what} in {:#?}", self.all());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub async fn code(&self, code: Code) -> Decided {
        let is = |event: &Event| matches!(event, Event::Decided(decided) if decided.ruling.code == code);
        match self.wait(code.name(), is).await {
            Event::Decided(decided) => *decided,
            _ => unreachable!(),
        }
    }
}

fn origin() -> Origin {
    Origin::unplaced(Layer::User, "test")
}

fn binding(host: &str, places: &[SecretPlace]) -> SecretBinding {
    let hosts = vec![HostPattern::parse(host).unwrap()];
    let from = SecretSource::File(AbsPath::posix("/nowhere").unwrap());
    SecretBinding { name: "TOKEN".to_owned(), from, hosts, places: places.to_vec(), origin: origin() }
}

pub struct Setup {
    pub network: Network,
    pub secrets: Secrets,
    pub budgets: Budgets,
    pub limits: Limits,
    pub upstream: Upstream,
    pub roots: Vec<CertificateDer<'static>>,
    pub approver: Option<Arc<dyn Approve>>,
    pub credentials: Option<(String, String)>,
    pub names: HashMap<String, Vec<IpAddr>>,
}

impl Setup {
    pub fn new(domains: &[&str]) -> Self {
        let mut network = Network::none(NetworkMode::AllowList, origin());
        for domain in domains.iter().chain(&[SERVER]) {
            let host = HostPattern::parse(domain).unwrap();
            network.domains.push(DomainRule { host, allow: true, origin: origin() });
        }
        let mut limits = Limits::usual();
        limits.head = Duration::from_secs(5);
        let at = |address: &str| vec![address.parse().unwrap()];
        let names = ["allowed.example", "api.example", "other.example", "new.example"]
            .into_iter()
            .map(|name| (name.to_owned(), at(SERVER)))
            .chain([("rebound.example".to_owned(), at(FORBIDDEN))])
            .collect();
        Self {
            network,
            secrets: Secrets::none(),
            budgets: Budgets { upload: None, new_names: None },
            limits,
            upstream: Upstream::direct(),
            roots: Vec::new(),
            approver: None,
            credentials: None,
            names,
        }
    }

    pub fn rule(mut self, host: &str, methods: &[&str], paths: &[&str]) -> Self {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let host = HostPattern::parse(host).unwrap();
        let rule =
            HttpRule { host, methods: words(methods), paths: words(paths), upload: None, origin: origin() };
        self.network.rules.push(rule);
        self
    }

    /// A rule that bounds what is sent to the host, and nothing else.
    pub fn budget_rule(mut self, host: &str, upload: u64) -> Self {
        self = self.rule(host, &[], &[]);
        self.network.rules.last_mut().unwrap().upload = Some(upload);
        self
    }

    /// A secret in these parts of a request, and its placeholder.
    pub fn secret_in(mut self, host: &str, places: &[SecretPlace], value: &str) -> (Self, String) {
        let binding = binding(host, places);
        let secret = Secret::bound(&binding, value, [7; 16]).unwrap();
        let placeholder = secret.placeholder().to_owned();
        self.network.secrets.push(binding);
        self.secrets = Secrets::new(vec![secret]).unwrap();
        (self, placeholder)
    }

    pub fn secret(mut self, host: &str) -> Self {
        let binding = binding(host, &SecretPlace::USUAL);
        let secret = Secret::new("TOKEN", PLACEHOLDER, SECRET, binding.hosts.clone()).unwrap();
        self.network.secrets.push(binding);
        self.secrets = Secrets::new(vec![secret]).unwrap();
        self
    }

    pub fn config(self, events: &Events) -> Config {
        let kept = events.clone();
        let mut config = Config::new(self.network, Arc::new(move |event| kept.0.lock().unwrap().push(event)));
        config.secrets = self.secrets;
        config.budgets = self.budgets;
        config.limits = self.limits;
        config.upstream = self.upstream;
        config.roots = Roots::Only(self.roots);
        config.approver = self.approver;
        config.resolver = Arc::new(Names(self.names));
        config
    }

    /// Starts a broker with an explicit front.
    pub fn start(self) -> Running {
        let events = Events::default();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = listener.local_addr().unwrap();
        let front = Front::Explicit { listener, credentials: self.credentials.clone() };
        let broker = Broker::start(self.config(&events), vec![front]).unwrap();
        Running { broker, proxy, events }
    }
}

pub struct Running {
    pub broker: Broker,
    pub proxy: SocketAddr,
    pub events: Events,
}

impl Running {
    pub async fn dial(&self) -> TcpStream {
        TcpStream::connect(self.proxy).await.unwrap()
    }

    /// Asks for a tunnel; the head of the answer.
    pub async fn connect(&self, place: &str) -> (TcpStream, String) {
        let mut stream = self.dial().await;
        stream
            .write_all(format!("CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n\r\n").as_bytes())
            .await
            .unwrap();
        let head = read_head(&mut stream).await;
        (stream, head)
    }

    pub async fn tunnel(&self, place: &str) -> TcpStream {
        let (stream, head) = self.connect(place).await;
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        stream
    }

    /// One TLS connection through a tunnel.
    pub async fn tls(
        &self,
        place: &str,
        name: &str,
        root: &CertificateDer<'static>,
        protocols: &[&str],
    ) -> io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
        let stream = self.tunnel(place).await;
        tls_over(stream, name, root, protocols).await
    }

    pub fn root(&self) -> CertificateDer<'static> {
        use rustls::pki_types::pem::PemObject as _;
        CertificateDer::from_pem_slice(self.broker.authority().expect("an authority").as_bytes()).unwrap()
    }
}

pub async fn tls_over<S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin>(
    stream: S,
    name: &str,
    root: &CertificateDer<'static>,
    protocols: &[&str],
) -> io::Result<tokio_rustls::client::TlsStream<S>> {
    let mut store = rustls::RootCertStore::empty();
    store.add(root.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(store)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

pub async fn read_head<S: tokio::io::AsyncRead + Unpin>(stream: &mut S) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8_lossy(&head).into_owned()
}

pub async fn read_all<S: tokio::io::AsyncRead + Unpin>(stream: &mut S) -> String {
    let mut all = Vec::new();
    drop(tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut all)).await.expect("an end"));
    String::from_utf8_lossy(&all).into_owned()
}

/// Sends a request that closes, and reads the whole answer.
pub async fn ask<S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin>(
    stream: &mut S,
    line: &str,
    lines: &str,
) -> String {
    let text = format!("{line} HTTP/1.1\r\nConnection: close\r\n{lines}\r\n");
    stream.write_all(text.as_bytes()).await.unwrap();
    read_all(stream).await
}

pub async fn listen(address: &str) -> (TcpListener, u16) {
    let listener = TcpListener::bind((address, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

/// A server that sends back what it gets, until the client's end; then it sends `end`.
pub async fn echo_server() -> u16 {
    let (listener, port) = listen(SERVER).await;
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut piece = vec![0; 64 * 1024];
                while let Ok(read @ 1..) = stream.read(&mut piece).await {
                    if stream.write_all(&piece[..read]).await.is_err() {
                        return;
                    }
                }
                drop(stream.write_all(b"end").await);
            });
        }
    });
    port
}

/// A certificate authority for servers.
pub struct Ca {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Ca {
    pub fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, "authority of the servers");
        Self { issuer: CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap() }
    }

    pub fn root(&self) -> CertificateDer<'static> {
        self.issuer.der().clone()
    }

    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    pub fn acceptor(&self, names: &[&str], protocols: &[&str]) -> TlsAcceptor {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        self.showing(CertificateParams::new(names).unwrap(), protocols)
    }

    /// A server that shows a certificate with these contents.
    pub fn showing(&self, params: CertificateParams, protocols: &[&str]) -> TlsAcceptor {
        let key = KeyPair::generate().unwrap();
        let leaf = params.signed_by(&key, &self.issuer).unwrap();
        Self::acceptor_of(leaf.der().clone(), &key, protocols)
    }

    /// A server that vouches for itself.
    pub fn nobodys(name: &str, protocols: &[&str]) -> TlsAcceptor {
        let key = KeyPair::generate().unwrap();
        let leaf = CertificateParams::new(vec![name.to_owned()]).unwrap().self_signed(&key).unwrap();
        Self::acceptor_of(leaf.der().clone(), &key, protocols)
    }

    fn acceptor_of(leaf: CertificateDer<'static>, key: &KeyPair, protocols: &[&str]) -> TlsAcceptor {
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![leaf], key)
            .unwrap();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        TlsAcceptor::from(Arc::new(config))
    }
}
