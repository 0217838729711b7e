//! Servers, proxies upstream and clients that do not do what they should: each gives one event that says so, and the
//! next connection is served.

use crate::support::*;
use garth_egress::core::{Code, Event, Upstream, Verdict};
use rcgen::CertificateParams;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_rustls::TlsAcceptor;

const H1: &[&str] = &["http/1.1"];

/// What was refused, and what failed in the broker itself, once nothing more comes.
async fn told(running: &Running) -> Vec<String> {
    let told = || {
        let words = |event| match event {
            Event::Decided(decided) if decided.ruling.verdict != Verdict::Allow => {
                Some(format!("{}: {}", decided.ruling.code.name(), decided.ruling.reason))
            }
            Event::Fault(fault) => Some(format!("fault: {}", fault.cause)),
            _ => None,
        };
        running.events.all().into_iter().filter_map(words).collect::<Vec<_>>()
    };
    running.events.wait("that refuses", |_| !told().is_empty()).await;
    // A second one would come at once.
    tokio::time::sleep(Duration::from_millis(50)).await;
    told()
}

/// Exactly one event, with this code and these words.
async fn one(running: &Running, code: Code, words: &str) {
    let told = told(running).await;
    let [only] = told.as_slice() else { panic!("{words}: {told:#?}") };
    assert!(only.starts_with(code.name()) && only.contains(words), "{words}: {only}");
}

/// A server of TLS that takes a handshake and says nothing.
pub(crate) async fn tls_server(acceptor: TlsAcceptor) -> u16 {
    let (listener, port) = listen(SERVER).await;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                drop(stream.read_u8().await);
            });
        }
    });
    port
}

/// A server that answers the first bytes of every client with these, or with nothing at all.
async fn saying(answer: &'static [u8]) -> u16 {
    let (listener, port) = listen(SERVER).await;
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                drop(stream.read(&mut [0; 1024]).await);
                drop(stream.write_all(answer).await);
                let _held = stream.read_u8().await;
                tokio::time::sleep(Duration::from_secs(30)).await;
            });
        }
    });
    port
}

fn opening(root: &Ca) -> Setup {
    let mut setup = Setup::new(&["api.example", "allowed.example"]).rule("api.example", &["GET"], &["/**"]);
    setup.roots = vec![root.root()];
    setup.limits.connect = Duration::from_millis(500);
    setup
}

/// Asks a server whose TLS is opened twice on one connection; both get the same answer, and each is told of once.
async fn refused_by_tls(running: &Running, port: u16, words: &str) {
    let root = running.root();
    let mut stream = running.tls(&format!("api.example:{port}"), "api.example", &root, H1).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: api.example\r\n\r\n").await.unwrap();
    let first = read_head(&mut stream).await;
    assert!(first.starts_with("HTTP/1.1 502") && first.contains("tls-failed"), "{first}");
    let second = ask(&mut stream, "GET /second", "Host: api.example\r\n").await;
    assert!(second.contains("HTTP/1.1 502") && second.contains("the server's TLS is refused"), "{second}");
    let told = told(running).await;
    assert_eq!(told.len(), 2, "{words}: {told:#?}");
    let plain = |text: &str| text.to_ascii_lowercase().replace(' ', "");
    for one in told.iter().map(|one| plain(one)) {
        assert!(one.starts_with("tls-failed") && one.contains(&plain(words)), "{words}: {one}");
    }
    let paths = running.events.decided().into_iter().filter_map(|event| Some(event.request?.path));
    assert_eq!(paths.collect::<Vec<_>>(), ["/", "/second"]);
}

#[tokio::test]
async fn a_broken_certificate_is_told_of_once_for_each_request() {
    let (ca, other) = (Ca::new(), Ca::new());
    let named = |name: &str| CertificateParams::new(vec![name.to_owned()]).unwrap();
    let mut expired = named("api.example");
    expired.not_after = rcgen::date_time_ymd(2020, 1, 1);
    expired.not_before = rcgen::date_time_ymd(2019, 1, 1);
    let mut early = named("api.example");
    early.not_before = rcgen::date_time_ymd(4000, 1, 1);
    for (words, acceptor) in [
        ("UnknownIssuer", Ca::nobodys("api.example", H1)),
        ("BadSignature", other.showing(named("api.example"), H1)),
        ("Expired", ca.showing(expired, H1)),
        ("NotValidYet", ca.showing(early, H1)),
        ("not valid for name", ca.showing(named("allowed.example"), H1)),
    ] {
        let port = tls_server(acceptor).await;
        let running = opening(&ca).start();
        refused_by_tls(&running, port, words).await;
    }
    // A client that asks nothing, breaks its handshake off, or asks nonsense: the server's certificate is told of.
    let port = tls_server(Ca::nobodys("api.example", H1)).await;
    for last in [&b""[..], b"\x01\x02 nonsense\r\n\r\n"] {
        let running = opening(&ca).start();
        let root = running.root();
        let place = format!("api.example:{port}");
        let mut stream = running.tls(&place, "api.example", &root, H1).await.unwrap();
        stream.write_all(last).await.unwrap();
        stream.shutdown().await.unwrap();
        drop(read_all(&mut stream).await);
        one(&running, Code::TlsFailed, "UnknownIssuer").await;
    }
    let running = opening(&ca).start();
    let place = format!("api.example:{port}");
    assert!(running.tls(&place, "api.example", &other.root(), H1).await.is_err());
    one(&running, Code::TlsFailed, "UnknownIssuer").await;
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_or_nothing_is_told_of_once_for_each_request() {
    let ca = Ca::new();
    for (words, answer) in [("no handshake within", &b""[..]), ("", b"SSH-2.0-x\r\nand more of it\r\n")] {
        let port = saying(answer).await;
        let running = opening(&ca).start();
        refused_by_tls(&running, port, words).await;
    }
}

#[tokio::test]
async fn a_dead_server_or_proxy_upstream_is_told_of_once() {
    let dead = {
        let (_listener, port) = listen(SERVER).await;
        port
    };
    let server = echo_server().await;
    let mut setup = Setup::new(&["allowed.example"]);
    setup.limits.connect = Duration::from_millis(500);
    let running = setup.start();
    let (_, head) = running.connect(&format!("allowed.example:{dead}")).await;
    assert!(head.starts_with("HTTP/1.1 502"), "{head}");
    one(&running, Code::ConnectFailed, "no connection could be made").await;
    let silent = saying(b"").await;
    let odd = saying(b"\x00\xff nonsense\r\n\r\n").await;
    let refusing = saying(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n").await;
    for (scheme, port, words) in [
        ("http", dead, "the proxy upstream"),
        ("socks5h", dead, "the proxy upstream"),
        ("http", silent, "no connection within"),
        ("socks5h", silent, "no connection within"),
        ("http", odd, "it answered"),
        ("socks5h", odd, "the proxy upstream"),
        ("http", refusing, "407"),
    ] {
        let mut setup = Setup::new(&["allowed.example"]);
        setup.limits.connect = Duration::from_millis(500);
        let url = format!("{scheme}://{SERVER}:{port}");
        setup.upstream =
            Upstream::from_environment(|name| (name == "ALL_PROXY").then(|| url.clone())).unwrap();
        let running = setup.start();
        let (_, head) = running.connect(&format!("allowed.example:{server}")).await;
        assert!(head.starts_with("HTTP/1.1 502"), "{url}: {head}");
        one(&running, Code::ConnectFailed, words).await;
    }
}

#[tokio::test]
async fn a_client_that_speaks_garbage_is_told_of_once_and_others_are_served() {
    let port = echo_server().await;
    for garbage in [
        &b"\x16\x03\x01\x00\x05hello"[..],
        b"\x00\x01\x02\x03\r\n\r\n",
        b"NONSENSE\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x04\x01\x00\x50\x7f\x00\x00\x01\x00",
        b"\x05\x00",
        b"\x05\x01\x00\x05\x09\x00\x01\x7f\x00\x00\x01\x00\x50",
        b"\xff\xfe\xfd",
    ] {
        let mut setup = Setup::new(&["allowed.example"]);
        setup.limits.head = Duration::from_millis(500);
        let running = setup.start();
        let mut stream = running.dial().await;
        stream.write_all(garbage).await.unwrap();
        drop(read_all(&mut stream).await);
        let told = told(&running).await;
        assert_eq!(told.len(), 1, "{garbage:?}: {told:#?}");
        served(&running, port).await;
    }
}

#[tokio::test]
async fn garbage_within_a_connection_is_told_of_once_too() {
    let ca = Ca::new();
    let port = tls_server(ca.acceptor(&["api.example"], &["h2", "http/1.1"])).await;
    let echo = echo_server().await;
    // In a tunnel, where TLS would be opened: a broken hello.
    let running = opening(&ca).start();
    let mut stream = running.tunnel(&format!("api.example:{port}")).await;
    stream.write_all(b"\x16\x03\x01\x00\x05\x01\xff\xff\xff\xff").await.unwrap();
    assert!(stream.shutdown().await.is_ok());
    drop(read_all(&mut stream).await);
    assert_eq!(told(&running).await.len(), 1, "{:?}", told(&running).await);
    served(&running, echo).await;
    // Within opened TLS: no HTTP/1.1, and no HTTP/2 after its first words.
    let preface = [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], &[0xff; 64]].concat();
    for (protocol, garbage) in [("http/1.1", b"\x01\x02 nonsense\r\n\r\n".to_vec()), ("h2", preface)] {
        let running = opening(&ca).start();
        let root = running.root();
        let place = format!("api.example:{port}");
        let mut stream = running.tls(&place, "api.example", &root, &[protocol]).await.unwrap();
        stream.write_all(&garbage).await.unwrap();
        drop(read_all(&mut stream).await);
        one(&running, Code::Malformed, "no well-formed HTTP").await;
        served(&running, echo).await;
    }
    // A client that only breaks off is no news.
    let running = opening(&ca).start();
    let root = running.root();
    let stream = running.tls(&format!("api.example:{port}"), "api.example", &root, H1).await.unwrap();
    drop(stream);
    tokio::time::sleep(Duration::from_millis(100)).await;
    let refused = running.events.decided().into_iter().filter(|event| event.ruling.verdict != Verdict::Allow);
    assert_eq!(refused.count(), 0, "{:#?}", running.events.all());
}

/// The broker is there for others.
async fn served(running: &Running, port: u16) {
    let mut stream = running.tunnel(&format!("allowed.example:{port}")).await;
    stream.write_all(b"\x00hello").await.unwrap();
    let mut back = [0; 6];
    stream.read_exact(&mut back).await.unwrap();
    assert_eq!(&back, b"\x00hello");
}
