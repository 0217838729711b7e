//! The transparent front: names become synthetic addresses, and connections to these reach the names.
//!
//! The blocks here are of loopback, where every address is local, so that no redirect is needed: the local address of a
//! connection is where it was going. The redirect itself is tested in a network namespace where one can be made.

use crate::support::*;
use garth_egress::core::{Code, Front as Kind, Rate, Synthetic};
use garth_egress::io::{Broker, Front};
use garth_policy::{Cidr, Layer, Origin, Sourced};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The first address that is given away, and the one after it.
const FIRST: &str = "127.99.0.1";
const SECOND: &str = "127.99.0.2";

struct Inside {
    _broker: Broker,
    events: Events,
    udp: SocketAddr,
    tcp: SocketAddr,
    literal: SocketAddr,
}

/// A front whose listeners are at the first two synthetic addresses and at one that is none, all at the same `port`.
fn start(setup: Setup, port: u16) -> Inside {
    let events = Events::default();
    let mut config = setup.config(&events);
    config.synthetic =
        Synthetic::new(Cidr::parse("127.99.0.0/16").unwrap(), Cidr::parse("fd00::/64").unwrap());
    let at = |host: &str| TcpListener::bind((host, port)).unwrap();
    let literal = TcpListener::bind("127.0.0.1:0").unwrap();
    let literal_at = literal.local_addr().unwrap();
    let (udp, dns) = (UdpSocket::bind("127.0.0.1:0").unwrap(), TcpListener::bind("127.0.0.1:0").unwrap());
    let (udp_at, tcp_at) = (udp.local_addr().unwrap(), dns.local_addr().unwrap());
    let tcp = vec![at(FIRST), at(SECOND), literal];
    let front = Front::Transparent { tcp, dns_udp: vec![udp], dns_tcp: vec![dns], ipv6: true };
    let broker = Broker::start(config, vec![front]).unwrap();
    Inside { _broker: broker, events, udp: udp_at, tcp: tcp_at, literal: literal_at }
}

fn question(name: &str, kind: u16) -> Vec<u8> {
    let mut out = vec![0xab, 0xcd, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.') {
        out.push(u8::try_from(label.len()).unwrap());
        out.extend(label.bytes());
    }
    out.extend([0]);
    out.extend(kind.to_be_bytes());
    out.extend([0, 1]);
    out
}

async fn udp(inside: &Inside, message: &[u8]) -> Option<Vec<u8>> {
    let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.send_to(message, inside.udp).await.unwrap();
    let mut answer = vec![0; 2048];
    let (length, _) =
        tokio::time::timeout(Duration::from_millis(500), socket.recv_from(&mut answer)).await.ok()?.unwrap();
    answer.truncate(length);
    Some(answer)
}

/// True if the connection ends before a byte comes. The reset can be quicker than the client.
async fn is_reset(at: impl tokio::net::ToSocketAddrs) -> bool {
    match TcpStream::connect(at).await {
        Ok(mut stream) => stream.read_u8().await.is_err(),
        Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
    }
}

/// Code of the answer, and how many records it has.
fn told(answer: &[u8]) -> (u8, u8) {
    (answer[3] & 15, answer[7])
}

#[tokio::test]
async fn an_allowed_name_gets_an_address_that_leads_to_it() {
    let port = echo_server().await;
    let inside = start(Setup::new(&["allowed.example"]), port);
    let answer = udp(&inside, &question("Allowed.Example", 1)).await.unwrap();
    assert_eq!(told(&answer), (0, 1));
    assert!(answer.ends_with(&[127, 99, 0, 1]), "{answer:?}");
    let answer = udp(&inside, &question("allowed.example", 28)).await.unwrap();
    assert!(answer.ends_with(&[0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]), "{answer:?}");
    for kind in [65, 64, 16, 15, 255] {
        assert_eq!(told(&udp(&inside, &question("allowed.example", kind)).await.unwrap()), (0, 0), "{kind}");
    }
    let mut stream = TcpStream::connect((FIRST, port)).await.unwrap();
    stream.write_all(b"\x00x").await.unwrap();
    let mut back = [0; 2];
    stream.read_exact(&mut back).await.unwrap();
    let decided = inside.events.decided();
    let last = decided.last().unwrap();
    assert_eq!(
        (last.front, last.host.as_ref().unwrap().text().as_str()),
        (Kind::Transparent, "allowed.example")
    );
    assert_eq!(last.address, Some(SERVER.parse().unwrap()));
}

#[tokio::test]
async fn other_names_do_not_exist_and_nothing_is_asked_outside() {
    let port = echo_server().await;
    let inside = start(Setup::new(&["*.allowed.example"]), port);
    for name in
        ["evil.example", "c2VjcmV0.evil.example", "allowed.example", "localhost", "metadata.google.internal"]
    {
        assert_eq!(told(&udp(&inside, &question(name, 1)).await.unwrap()), (3, 0), "{name}");
        assert_eq!(told(&udp(&inside, &question(name, 16)).await.unwrap()), (5, 0), "{name}");
    }
    assert_eq!(told(&udp(&inside, &question("x.allowed.example", 1)).await.unwrap()), (0, 1));
    // An answer to an answer would make a loop.
    let mut response = question("x.allowed.example", 1);
    response[2] = 0x81;
    assert_eq!(udp(&inside, &response).await, None);
    assert_eq!(told(&udp(&inside, &[1, 2, 1, 0, 0, 9, 0, 0, 0, 0, 0, 0]).await.unwrap()).0, 1);
}

#[tokio::test]
async fn names_over_tcp_and_too_many_of_them() {
    let port = echo_server().await;
    let mut setup = Setup::new(&["*.allowed.example"]);
    setup.budgets.new_names = Some(Rate { count: 2, per: Duration::from_secs(60) });
    let inside = start(setup, port);
    let mut stream = TcpStream::connect(inside.tcp).await.unwrap();
    for (name, code) in [
        ("a.allowed.example", 0),
        ("b.allowed.example", 0),
        ("c.allowed.example", 3),
        ("a.allowed.example", 0),
    ] {
        let message = question(name, 1);
        stream.write_u16(u16::try_from(message.len()).unwrap()).await.unwrap();
        stream.write_all(&message).await.unwrap();
        let mut answer = vec![0; usize::from(stream.read_u16().await.unwrap())];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(told(&answer).0, code, "{name}");
    }
    inside.events.code(Code::NameRate).await;
}

#[tokio::test]
async fn names_over_tcp_are_read_however_they_are_cut() {
    let inside = start(Setup::new(&["allowed.example"]), echo_server().await);
    let framed = |name: &str| {
        let message = question(name, 1);
        [&u16::try_from(message.len()).unwrap().to_be_bytes()[..], &message].concat()
    };
    let both = [framed("allowed.example"), framed("other.example")].concat();
    for cut in [1, 2, 3, 9, both.len() / 2, both.len() - 1] {
        let mut stream = TcpStream::connect(inside.tcp).await.unwrap();
        stream.set_nodelay(true).unwrap();
        for piece in [&both[..cut], &both[cut..]] {
            stream.write_all(piece).await.unwrap();
            tokio::task::yield_now().await;
        }
        for code in [0, 3] {
            let mut answer = vec![0; usize::from(stream.read_u16().await.unwrap())];
            stream.read_exact(&mut answer).await.unwrap();
            assert_eq!(told(&answer).0, code, "cut at {cut}");
        }
    }
    // A length of nothing, and one that says less than the message: no answer gives an address, and the next client is served.
    for odd in [&[0, 0][..], &[&[0, 5][..], &framed("allowed.example")[2..]].concat()] {
        let mut stream = TcpStream::connect(inside.tcp).await.unwrap();
        stream.write_all(odd).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut all = Vec::new();
        let read = tokio::time::timeout(Duration::from_secs(60), stream.read_to_end(&mut all)).await;
        drop(read.expect("an end"));
        assert!(!all.windows(2).any(|window| window == [198, 18]), "{all:?}");
        let mut stream = TcpStream::connect(inside.tcp).await.unwrap();
        stream.write_all(&framed("allowed.example")).await.unwrap();
        let mut answer = vec![0; usize::from(stream.read_u16().await.unwrap())];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(told(&answer).0, 0);
    }
}

#[tokio::test]
async fn addresses_that_stand_for_nothing_and_literal_ones_are_judged() {
    let port = echo_server().await;
    let inside = start(Setup::new(&["allowed.example"]), port);
    assert!(is_reset((SECOND, port)).await);
    inside.events.code(Code::NotNamed).await;
    // A connection to the listener itself was not redirected: it is one to loopback.
    assert!(is_reset(inside.literal).await);
    inside.events.code(Code::SpecialAddress).await;
}

#[tokio::test]
async fn a_server_that_speaks_first_is_heard() {
    let (listener, port) = listen(SERVER).await;
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            stream.write_all(b"SSH-2.0-server\r\n").await.unwrap();
            let mut line = [0; 16];
            stream.read_exact(&mut line).await.unwrap();
            stream.write_all(&line).await.unwrap();
        }
    });
    let inside = start(Setup::new(&["allowed.example"]), port);
    udp(&inside, &question("allowed.example", 1)).await.unwrap();
    let mut stream = TcpStream::connect((FIRST, port)).await.unwrap();
    let mut line = [0; 16];
    stream.read_exact(&mut line).await.unwrap();
    assert_eq!(&line, b"SSH-2.0-server\r\n");
    stream.write_all(b"SSH-2.0-client\r\n").await.unwrap();
    stream.read_exact(&mut line).await.unwrap();
    assert_eq!(&line, b"SSH-2.0-client\r\n");
}

#[tokio::test]
async fn a_port_of_the_host_is_opened_by_its_number() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    for opened in [true, false] {
        let mut setup = Setup::new(&[]);
        let origin = Origin::unplaced(Layer::User, "test");
        setup.network.host_ports = if opened { vec![Sourced::new(port, origin)] } else { Vec::new() };
        let events = Events::default();
        let front = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = front.local_addr().unwrap();
        let _broker =
            Broker::start(setup.config(&events), vec![Front::HostPort { listener: front, port }]).unwrap();
        if opened {
            let mut stream = TcpStream::connect(at).await.unwrap();
            let (mut server, _) = listener.accept().await.unwrap();
            server.write_all(b"ready").await.unwrap();
            let mut line = [0; 5];
            stream.read_exact(&mut line).await.unwrap();
        } else {
            assert!(is_reset(at).await);
            events.code(Code::SpecialName).await;
        }
    }
}
