//! What a broker is started with.

use crate::core::{Answer, Budgets, Event, Question, Rate, Secrets, Synthetic, Upstream};
use garth_policy::Network;
use rustls_pki_types::CertificateDer;
use std::fmt;
use std::io;
use std::net::{IpAddr, TcpListener, TcpStream, ToSocketAddrs, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

/// Takes events. It is called from the broker's own threads and must return soon.
pub trait Sink: Send + Sync + 'static {
    /// Takes one event.
    fn event(&self, event: Event);
}

impl<F: Fn(Event) + Send + Sync + 'static> Sink for F {
    fn event(&self, event: Event) {
        self(event);
    }
}

/// Answers questions, usually by asking a person. It is called on a thread of its own, one question at a time.
pub trait Approve: Send + Sync + 'static {
    /// Answers one question. An answer that comes after [`Limits::approval`] is not waited for.
    fn approve(&self, question: &Question) -> Answer;
}

impl<F: Fn(&Question) -> Answer + Send + Sync + 'static> Approve for F {
    fn approve(&self, question: &Question) -> Answer {
        self(question)
    }
}

/// Makes sockets in the network of a garden.
pub trait Inside: Send + Sync + fmt::Debug + 'static {
    /// A TCP socket for IPv4 that is not connected. It is called on a thread that may block.
    ///
    /// # Errors
    /// When there is none, the garden being gone for example.
    fn socket(&self) -> io::Result<TcpStream>;
}

/// Finds the addresses of a name. It is called on a thread that may block. What it returns is checked; it decides nothing.
pub trait Resolve: Send + Sync + 'static {
    /// The addresses of a name.
    ///
    /// # Errors
    /// When the name has none, or they cannot be found.
    fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// The resolver of the system (`getaddrinfo`).
#[derive(Clone, Copy, Debug)]
pub struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        Ok((name, 0).to_socket_addrs()?.map(|address| address.ip()).collect())
    }
}

/// Which authorities a server's certificate may come from.
#[derive(Clone, Debug)]
pub enum Roots {
    /// Those of the operating system. They are read when the first connection needs them.
    System,
    /// Those of the system, and these.
    SystemAnd(Vec<CertificateDer<'static>>),
    /// These alone.
    Only(Vec<CertificateDer<'static>>),
}

/// Bounds on what clients can make the broker hold.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at a time; more wait in the kernel's queue.
    pub connections: usize,
    /// How long a client may take for a handshake, a hello or the head of a request.
    pub head: Duration,
    /// How long a connection to a server may take, resolving included.
    pub connect: Duration,
    /// How long an approver may take.
    pub approval: Duration,
    /// How long a tunnel of which one side has ended keeps its place when others want it.
    pub half_closed: Duration,
    /// Threads that move bytes.
    pub workers: usize,
}

impl Limits {
    /// What suits a developer's machine: 10,000 connections, 15 s for a head, 20 s to connect, 60 s to approve, 30 s for the other
    /// side to end.
    #[must_use]
    pub fn usual() -> Self {
        Self {
            connections: 10_000,
            head: Duration::from_secs(15),
            connect: Duration::from_secs(20),
            approval: Duration::from_secs(60),
            half_closed: Duration::from_secs(30),
            workers: 2,
        }
    }
}

/// Everything a broker needs besides its fronts.
pub struct Config {
    /// The policy's rules.
    pub network: Network,
    /// The host's own addresses; they are refused like private ones.
    pub own_addresses: Vec<IpAddr>,
    /// Secrets with their real values.
    pub secrets: Secrets,
    /// Proxies between this machine and the internet.
    pub upstream: Upstream,
    /// Bounds on what leaves.
    pub budgets: Budgets,
    /// Bounds on what the broker holds.
    pub limits: Limits,
    /// Authorities of servers.
    pub roots: Roots,
    /// Finds addresses.
    pub resolver: Arc<dyn Resolve>,
    /// Takes events.
    pub sink: Arc<dyn Sink>,
    /// Answers for what nothing names; without one that is denied.
    pub approver: Option<Arc<dyn Approve>>,
    /// Addresses that stand for names inside; `None` for those of [`Synthetic::benchmark`].
    pub synthetic: Option<Synthetic>,
}

impl Config {
    /// The rules, and for all else what grants nothing: no secrets, no approver, no proxy upstream, the system's resolver
    /// and authorities. Budgets are the policy's.
    #[must_use]
    pub fn new(network: Network, sink: Arc<dyn Sink>) -> Self {
        let count = usize::try_from(network.budget.new_names.value).unwrap_or(usize::MAX);
        let budgets = Budgets {
            upload: network.budget.upload.as_ref().map(|upload| upload.value),
            new_names: Some(Rate { count, per: Duration::from_secs(60) }),
        };
        Self {
            network,
            own_addresses: Vec::new(),
            secrets: Secrets::none(),
            upstream: Upstream::direct(),
            budgets,
            limits: Limits::usual(),
            roots: Roots::System,
            resolver: Arc::new(SystemResolver),
            sink,
            approver: None,
            synthetic: None,
        }
    }
}

/// Where clients come in. Each is made of sockets that are open already: the broker binds nothing.
#[derive(Debug)]
pub enum Front {
    /// A proxy that programs are told of: HTTP CONNECT, plain HTTP and SOCKS 5 on one port, told apart by the first byte.
    Explicit {
        /// The listener.
        listener: TcpListener,
        /// User name and password that a client must show. Without them whoever reaches the listener may use it.
        credentials: Option<(String, String)>,
    },
    /// Redirected connections, and the name server that gives out addresses for them.
    Transparent {
        /// Listeners; where a connection was going is asked of the kernel (`SO_ORIGINAL_DST`), or is the local address.
        tcp: Vec<TcpListener>,
        /// The name server's sockets.
        dns_udp: Vec<UdpSocket>,
        /// The name server's listeners.
        dns_tcp: Vec<TcpListener>,
        /// Whether names get IPv6 addresses as well.
        ipv6: bool,
    },
    /// A server inside, for a listener on the host. What passes is not looked at: it comes from outside.
    Published {
        /// The listener on the host.
        listener: TcpListener,
        /// The port inside.
        port: u16,
        /// Makes sockets from which the server can be reached.
        sockets: Arc<dyn Inside>,
    },
    /// A loopback port of the host, for a listener inside.
    HostPort {
        /// The listener.
        listener: TcpListener,
        /// The port on the host, which the policy must open.
        port: u16,
    },
}
