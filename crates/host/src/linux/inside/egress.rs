//! The inner ends of the network: sockets made in the sandbox's own network namespace, which the broker serves.
//!
//! The namespace has nothing but its loopback interface. A route makes every address of the world an address of this
//! machine, and a rule sends every TCP connection that does not stay inside to one socket; the address that the program
//! asked for is kept with it (`SO_ORIGINAL_DST`). A UDP packet finds nobody and is refused by an ICMP error at once. So
//! no program has to know about this, and there is no other way out: no interface leads anywhere.

use crate::OsError;
use crate::error::Context;
use crate::linux::message::InnerSocket;
use crate::linux::sys::netlink::{APPEND, Attributes, CREATE, Message, request};
use garth_plan::linux::spec::{Front, Network, RESOLVER};
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::net::sockopt::{set_ipv6_v6only, set_socket_reuseaddr};
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, getsockname, listen, netlink, socket_with};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Connections that wait to be accepted, per socket.
const BACKLOG: i32 = 1024;

/// Makes routes, the redirecting rule and the sockets, which are bound and listen. The loopback interface must be up.
///
/// # Errors
/// The call that failed: "redirect connections" on a kernel that cannot.
pub fn open(order: &Network) -> Result<Vec<(InnerSocket, OwnedFd)>, OsError> {
    lead_all_addresses_here().on("lead all addresses to", "the sandbox's own interface")?;
    let mut sockets = match &order.front {
        Front::Redirect => redirected()?,
        Front::Listeners { ports, proxy } => listeners(ports, *proxy)?,
    };
    sockets.push((InnerSocket::Names, bound(IpAddr::V4(RESOLVER), 53, SocketType::DGRAM)?));
    sockets.push((InnerSocket::NameConnections, listening(IpAddr::V4(RESOLVER), 53)?));
    for port in &order.host_ports {
        let socket = listening(IpAddr::V4(Ipv4Addr::LOCALHOST), *port)?;
        sockets.push((InnerSocket::HostPort(*port), socket));
    }
    Ok(sockets)
}

/// One socket for each family, to which every connection goes.
fn redirected() -> Result<Vec<(InnerSocket, OwnedFd)>, OsError> {
    let four = listening(IpAddr::V4(Ipv4Addr::LOCALHOST), 0)?;
    let port = getsockname(&four).on("look at", "a socket")?;
    let port = SocketAddr::try_from(port).on("look at", "a socket")?.port();
    let six = listening(IpAddr::V6(Ipv6Addr::LOCALHOST), port)?;
    redirect(port).on(REDIRECT.0, REDIRECT.1).map_err(|error| {
        error.with_remedy("the kernel needs nf_tables with nat and redirect: as root, `modprobe nft_redir`")
    })?;
    Ok(vec![(InnerSocket::Redirected, four), (InnerSocket::Redirected, six)])
}

/// Operation and object of the step that a kernel without nf_tables cannot do.
const REDIRECT: (&str, &str) = ("redirect", "connections");

/// Whether the error says that this machine cannot redirect connections.
#[must_use]
pub fn redirect_refused(error: &OsError) -> bool {
    (error.operation.as_str(), error.object.as_str()) == REDIRECT
}

/// Sockets at which any address answers, since all addresses are of this machine, and that of the proxy. The local
/// address of a connection tells where it was going.
fn listeners(ports: &[u16], proxy: u16) -> Result<Vec<(InnerSocket, OwnedFd)>, OsError> {
    let mut sockets = vec![(InnerSocket::Proxy, listening(IpAddr::V4(Ipv4Addr::LOCALHOST), proxy)?)];
    for port in ports {
        for address in [IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)] {
            sockets.push((InnerSocket::Redirected, listening(address, *port)?));
        }
    }
    Ok(sockets)
}

/// A socket of this namespace for a connection to a server inside.
///
/// # Errors
/// The error of `socket(2)`.
pub fn fresh() -> Result<OwnedFd, OsError> {
    let socket = socket_with(AddressFamily::INET, SocketType::STREAM, SocketFlags::CLOEXEC, None);
    socket.on("make", "a socket inside")
}

fn bound(address: IpAddr, port: u16, kind: SocketType) -> Result<OwnedFd, OsError> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let address = SocketAddr::new(address, port);
    let make = || -> Result<OwnedFd, Errno> {
        let socket = socket_with(family, kind, SocketFlags::CLOEXEC, None)?;
        set_socket_reuseaddr(&socket, true)?;
        if address.is_ipv6() {
            set_ipv6_v6only(&socket, true)?;
        }
        bind(&socket, &address)?;
        Ok(socket)
    };
    make().on("serve inside", address)
}

fn listening(address: IpAddr, port: u16) -> Result<OwnedFd, OsError> {
    let socket = bound(address, port, SocketType::STREAM)?;
    listen(&socket, BACKLOG).on("serve inside", SocketAddr::new(address, port))?;
    Ok(socket)
}

/// `RTM_NEWROUTE` with `RTN_LOCAL` for every destination, in the local table (`rtnetlink(7)`).
fn lead_all_addresses_here() -> Result<(), Errno> {
    const NEW_ROUTE: u16 = 24;
    const OUTPUT_INTERFACE: u16 = 4;
    const LOCAL_TABLE: u8 = 255;
    const BOOT: u8 = 3;
    const HOST_SCOPE: u8 = 254;
    const LOCAL: u8 = 2;
    /// The first interface of every network namespace.
    const LOOPBACK: u32 = 1;
    let route = |family: AddressFamily| {
        let family = u8::try_from(family.as_raw()).unwrap_or(0);
        let fixed = [family, 0, 0, 0, LOCAL_TABLE, BOOT, HOST_SCOPE, LOCAL, 0, 0, 0, 0];
        Message::new(NEW_ROUTE, CREATE, &fixed).attribute(OUTPUT_INTERFACE, &LOOPBACK.to_ne_bytes())
    };
    request(None, &[route(AddressFamily::INET)])?;
    match request(None, &[route(AddressFamily::INET6)]) {
        // A kernel without IPv6 has no way out by it either.
        Err(Errno::AFNOSUPPORT | Errno::OPNOTSUPP | Errno::PROTONOSUPPORT) => Ok(()),
        other => other,
    }
}

/// A table of nftables with one chain: what goes to this machine itself or to the resolver stays, every other TCP
/// connection goes to `port` (`linux/netfilter/nf_tables.h`).
fn redirect(port: u16) -> Result<(), Errno> {
    const TABLE: &[u8] = b"garth\0";
    const CHAIN: &[u8] = b"out\0";
    let table = message(tables::NEW_TABLE, CREATE).attribute(1, TABLE);
    let hook = Attributes::none()
        .attribute(1, &tables::LOCAL_OUT.to_be_bytes())
        .attribute(2, &tables::DESTINATION_NAT.to_be_bytes());
    let chain = message(tables::NEW_CHAIN, CREATE)
        .attribute(1, TABLE)
        .attribute(3, CHAIN)
        .nest(4, &hook)
        .attribute(7, b"nat\0");
    let rule = |expressions: Attributes| {
        message(tables::NEW_RULE, CREATE | APPEND)
            .attribute(1, TABLE)
            .attribute(2, CHAIN)
            .nest(4, &expressions)
    };
    let stays = |family: u8, offset: u32, address: &[u8]| {
        rule(tables::list([
            tables::load_meta(tables::FAMILY),
            tables::equals(&[family]),
            tables::load_network_header(offset, address.len()),
            tables::equals(address),
            tables::leave(),
        ]))
    };
    let goes = rule(tables::list([
        tables::load_meta(tables::PROTOCOL),
        tables::equals(&[tables::TCP]),
        tables::load_port(port),
        tables::redirect(),
    ]));
    request(
        Some(netlink::NETFILTER),
        &[
            Message::silent(tables::BATCH_BEGIN, &tables::BATCH),
            table,
            chain,
            stays(tables::IPV4, 16, &[127]),
            stays(tables::IPV4, 16, &RESOLVER.octets()),
            stays(tables::IPV6, 24, &Ipv6Addr::LOCALHOST.octets()),
            goes,
            Message::silent(tables::BATCH_END, &tables::BATCH),
        ],
    )
}

/// A message of nftables for the family `inet`.
fn message(kind: u16, flags: u16) -> Message {
    const INET: u8 = 1;
    Message::new(tables::SUBSYSTEM << 8 | kind, flags, &[INET, 0, 0, 0])
}

/// Numbers and expressions of nftables. An expression works on registers; here all use the first.
mod tables {
    use super::Attributes;

    pub const SUBSYSTEM: u16 = 10;
    pub const BATCH_BEGIN: u16 = 16;
    pub const BATCH_END: u16 = 17;
    /// `struct nfgenmsg` with the subsystem in network byte order.
    pub const BATCH: [u8; 4] = [0, 0, 0, 10];
    pub const NEW_TABLE: u16 = 0;
    pub const NEW_CHAIN: u16 = 3;
    pub const NEW_RULE: u16 = 6;
    pub const LOCAL_OUT: u32 = 3;
    pub const DESTINATION_NAT: i32 = -100;
    pub const FAMILY: u32 = 15;
    pub const PROTOCOL: u32 = 16;
    pub const TCP: u8 = 6;
    pub const IPV4: u8 = 2;
    pub const IPV6: u8 = 10;
    const REGISTER: [u8; 4] = 1_u32.to_be_bytes();
    const VERDICT: [u8; 4] = 0_u32.to_be_bytes();

    fn expression(name: &[u8], data: &Attributes) -> Attributes {
        Attributes::none().attribute(1, name).nest(2, data)
    }

    /// The expressions of one rule.
    pub fn list<const N: usize>(expressions: [Attributes; N]) -> Attributes {
        expressions.iter().fold(Attributes::none(), |list, expression| list.nest(1, expression))
    }

    /// Loads what the kernel knows about a packet.
    pub fn load_meta(key: u32) -> Attributes {
        let data = Attributes::none().attribute(2, &key.to_be_bytes()).attribute(1, &REGISTER);
        expression(b"meta\0", &data)
    }

    /// Loads bytes of the network header.
    pub fn load_network_header(offset: u32, length: usize) -> Attributes {
        const NETWORK: [u8; 4] = 1_u32.to_be_bytes();
        let length = u32::try_from(length).unwrap_or(0);
        let data = Attributes::none()
            .attribute(1, &REGISTER)
            .attribute(2, &NETWORK)
            .attribute(3, &offset.to_be_bytes())
            .attribute(4, &length.to_be_bytes());
        expression(b"payload\0", &data)
    }

    /// Goes on only if the register holds this.
    pub fn equals(value: &[u8]) -> Attributes {
        const EQUAL: [u8; 4] = 0_u32.to_be_bytes();
        let value = Attributes::none().attribute(1, value);
        let data = Attributes::none().attribute(1, &REGISTER).attribute(2, &EQUAL).nest(3, &value);
        expression(b"cmp\0", &data)
    }

    /// Leaves the chain without a change.
    pub fn leave() -> Attributes {
        const RETURN: [u8; 4] = (-5_i32).to_be_bytes();
        let verdict = Attributes::none().attribute(1, &RETURN);
        let value = Attributes::none().nest(2, &verdict);
        expression(b"immediate\0", &Attributes::none().attribute(1, &VERDICT).nest(2, &value))
    }

    /// Loads a port.
    pub fn load_port(port: u16) -> Attributes {
        let value = Attributes::none().attribute(1, &port.to_be_bytes());
        expression(b"immediate\0", &Attributes::none().attribute(1, &REGISTER).nest(2, &value))
    }

    /// Sends the connection to this machine, to the port in the register.
    pub fn redirect() -> Attributes {
        const PORT_GIVEN: [u8; 4] = 2_u32.to_be_bytes();
        let data =
            Attributes::none().attribute(1, &REGISTER).attribute(2, &REGISTER).attribute(3, &PORT_GIVEN);
        expression(b"redir\0", &data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linux::inside::canary;
    use garth_plan::linux::spec::Canary;
    use nix::sys::socket::getsockopt;
    use nix::sys::socket::sockopt::{Ip6tOriginalDst, OriginalDst};
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream, UdpSocket};
    use std::time::Duration;

    /// Set in the copy of the test program that runs in a network namespace of its own.
    const INNER: &str = "GARTH_TEST_NAMESPACE";

    /// Where the kernel says that a redirected connection was going.
    fn original(stream: &TcpStream) -> SocketAddr {
        if stream.local_addr().unwrap().is_ipv4() {
            let four = getsockopt(stream, OriginalDst).unwrap();
            SocketAddr::new(
                u32::from_be(four.sin_addr.s_addr).to_be_bytes().into(),
                u16::from_be(four.sin_port),
            )
        } else {
            let six = getsockopt(stream, Ip6tOriginalDst).unwrap();
            SocketAddr::new(six.sin6_addr.s6_addr.into(), u16::from_be(six.sin6_port))
        }
    }

    fn connect(address: &str, sockets: &[TcpListener]) -> SocketAddr {
        let mut client =
            TcpStream::connect_timeout(&address.parse().unwrap(), Duration::from_secs(5)).unwrap();
        let (mut server, _) = sockets[usize::from(address.starts_with('['))].accept().unwrap();
        client.write_all(b"x").unwrap();
        let mut byte = [0];
        server.read_exact(&mut byte).unwrap();
        original(&server)
    }

    /// All is as it should be but for the rule: all addresses lead here, and nobody listens.
    fn without_the_rule_the_canary_does_not_come(canary: &Canary, sockets: &[(InnerSocket, OwnedFd)]) {
        const DELETE_TABLE: u16 = 2;
        let batch = [
            Message::silent(tables::BATCH_BEGIN, &tables::BATCH),
            message(DELETE_TABLE, 0).attribute(1, b"garth\0"),
            Message::silent(tables::BATCH_END, &tables::BATCH),
        ];
        request(Some(netlink::NETFILTER), &batch).unwrap();
        let error = canary::arrive(canary, sockets).unwrap_err();
        assert_eq!(error.code, Errno::CONNREFUSED.raw_os_error(), "{error}");
        assert!(error.to_string().contains("192.0.2.1:9"), "{error}");
    }

    fn port_of(sockets: &[(InnerSocket, OwnedFd)]) -> u16 {
        SocketAddr::try_from(getsockname(&sockets[0].1).unwrap()).unwrap().port()
    }

    /// What the trial costs, for those who look (`--nocapture`).
    fn time_the_canary(canary: &Canary, sockets: &[(InnerSocket, OwnedFd)]) {
        let mut took: Vec<Duration> = (0..200)
            .map(|_| {
                let began = std::time::Instant::now();
                canary::arrive(canary, sockets).unwrap();
                began.elapsed()
            })
            .collect();
        took.sort_unstable();
        writeln!(std::io::stderr(), "canary: p50 {:?}, p99 {:?}", took[100], took[198]).unwrap();
    }

    #[test]
    #[ignore = "runs in a network namespace, started by the test below"]
    fn inner() {
        if std::env::var_os(INNER).is_none() {
            return;
        }
        crate::linux::inside::loopback_up().unwrap();
        let canary = Canary {
            arrive: vec!["192.0.2.1:9".parse().unwrap(), "[2001:db8::1]:9".parse().unwrap()],
            allowed: None,
            forbidden: None,
        };
        let sockets = open(&Network {
            host_ports: vec![5432],
            listen: Vec::new(),
            opens_tls: false,
            trust: Vec::new(),
            front: Front::Redirect,
            canary: canary.clone(),
        })
        .unwrap();
        canary::arrive(&canary, &sockets).unwrap();
        time_the_canary(&canary, &sockets);
        without_the_rule_the_canary_does_not_come(&canary, &sockets);
        redirect(port_of(&sockets)).unwrap();
        let (mut listeners, mut rest) = (Vec::new(), Vec::new());
        for (kind, socket) in sockets {
            match kind {
                InnerSocket::Redirected => listeners.push(TcpListener::from(socket)),
                _ => rest.push(socket),
            }
        }
        let mut rest = rest.into_iter();
        for address in
            ["93.184.216.34:443", "10.0.0.1:22", "198.18.0.7:5432", "[2001:db8::7]:80", "[fe80::1%1]:80"]
        {
            let shown = address.replace("%1", "");
            assert_eq!(connect(address, &listeners).to_string().replace("%1", ""), shown);
        }
        // What stays inside stays.
        let own = TcpListener::bind("127.0.0.1:0").unwrap();
        let _client = TcpStream::connect(own.local_addr().unwrap()).unwrap();
        own.accept().unwrap();
        assert!(TcpStream::connect("127.0.0.1:1").is_err());
        // Names are asked for at the resolver, by datagram and by connection.
        let names = UdpSocket::from(rest.next().unwrap());
        let client = UdpSocket::bind("0.0.0.0:0").unwrap();
        client.connect((RESOLVER, 53)).unwrap();
        client.send(b"question").unwrap();
        let mut buffer = [0; 16];
        let (count, from) = names.recv_from(&mut buffer).unwrap();
        assert_eq!(&buffer[..count], b"question");
        names.send_to(b"answer", from).unwrap();
        assert_eq!(client.recv(&mut buffer).unwrap(), 6);
        let _client = TcpStream::connect((RESOLVER, 53)).unwrap();
        TcpListener::from(rest.next().unwrap()).accept().unwrap();
        // Every other datagram is refused at once.
        let client = UdpSocket::bind("0.0.0.0:0").unwrap();
        client.connect("93.184.216.34:443").unwrap();
        client.send(b"hello").unwrap();
        assert_eq!(client.recv(&mut buffer).unwrap_err().kind(), std::io::ErrorKind::ConnectionRefused);
        // A port of the host is there.
        let _client = TcpStream::connect("127.0.0.1:5432").unwrap();
    }

    #[test]
    fn everything_goes_to_the_sockets_of_a_namespace() {
        let program = std::env::current_exe().unwrap();
        let name = "linux::inside::egress::tests::inner";
        let run = std::process::Command::new("unshare")
            .args(["--user", "--map-root-user", "--net"])
            .arg(program)
            .args(["--exact", name, "--include-ignored", "--nocapture"])
            .env(INNER, "1")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&run.stderr);
        if said.contains("unshare: ") {
            writeln!(std::io::stderr(), "no namespaces here: {said}").unwrap();
            return;
        }
        assert!(run.status.success(), "{said}{}", String::from_utf8_lossy(&run.stdout));
        assert!(String::from_utf8_lossy(&run.stdout).contains("1 passed"), "the inner test ran");
        write!(std::io::stderr(), "{said}").unwrap();
    }
}
