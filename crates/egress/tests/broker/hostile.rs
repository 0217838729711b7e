//! What a hostile program sends, and a hostile server. After each the broker serves the next client, and what is allowed of the
//! same kind goes through.

use crate::support::*;
use crate::web;
use garth_egress::core::Code;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Longer than anything here takes.
const LIMIT: Duration = Duration::from_secs(60);

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// Flags of a frame of HTTP/2 (RFC 9113 section 6).
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// Kinds of frames.
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RESET: u8 = 3;
const CONTINUATION: u8 = 9;

fn h2_frame(kind: u8, flags: u8, stream: u32, body: &[u8]) -> Vec<u8> {
    let [_, length @ ..] = u32::try_from(body.len()).unwrap().to_be_bytes();
    [&length[..], &[kind, flags], &stream.to_be_bytes(), body].concat()
}

/// A header block of plain literals (RFC 7541 section 6.2.2); with `is_kept` they enter the table of the connection.
fn block(fields: &[(&str, &str)], is_kept: bool) -> Vec<u8> {
    let text = |text: &str| {
        let mut out = match text.len() {
            length @ ..127 => vec![u8::try_from(length).unwrap()],
            length => {
                let rest = length - 127;
                assert!(rest < 128 * 128, "too long for this test");
                let [low, high] = [rest % 128, rest / 128].map(|part| u8::try_from(part).unwrap());
                vec![127, low | 128, high]
            }
        };
        out.extend(text.as_bytes());
        out
    };
    let field =
        |(name, value): &(&str, &str)| [vec![if is_kept { 64 } else { 0 }], text(name), text(value)].concat();
    fields.iter().flat_map(field).collect()
}

/// A request for a path of the host.
fn h2_get(port: u16, path: &str) -> Vec<u8> {
    let place = format!("allowed.example:{port}");
    block(&[(":method", "GET"), (":scheme", "http"), (":authority", &place), (":path", path)], false)
}

/// A broker with a rule for the host, so that each request is judged, and a server of HTTP/1.1 and HTTP/2.
async fn judged() -> (Running, u16) {
    let port = web::web_server(None).await;
    (
        Setup::new(&["allowed.example"]).rule("allowed.example", &["GET", "POST"], &["/public/**"]).start(),
        port,
    )
}

async fn h2(running: &Running, port: u16) -> TcpStream {
    let mut stream = running.tunnel(&format!("allowed.example:{port}")).await;
    stream.write_all(PREFACE).await.unwrap();
    stream
}

/// All that comes until the words are there, or the connection ends.
async fn heard(stream: &mut TcpStream, words: &[u8]) -> Vec<u8> {
    let mut all = Vec::new();
    let reading = async {
        let mut piece = [0; 16 * 1024];
        while !all.windows(words.len()).any(|window| window == words) {
            match stream.read(&mut piece).await {
                Ok(read @ 1..) => all.extend_from_slice(&piece[..read]),
                Ok(0) | Err(_) => return,
            }
        }
    };
    tokio::time::timeout(LIMIT, reading).await.expect("an answer or an end");
    all
}

fn holds(all: &[u8], words: &str) -> bool {
    all.windows(words.len()).any(|window| window == words.as_bytes())
}

/// The next client by HTTP/2 gets what the rule allows.
async fn h2_served(running: &Running, port: u16) {
    let mut stream = h2(running, port).await;
    let get = h2_frame(HEADERS, END_STREAM | END_HEADERS, 1, &h2_get(port, "/public/twin"));
    stream.write_all(&get).await.unwrap();
    let all = heard(&mut stream, b"GET ").await;
    assert!(holds(&all, "/public/twin"), "{}", String::from_utf8_lossy(&all));
}

#[tokio::test]
async fn a_tunnel_within_http2_is_refused() {
    let (running, port) = judged().await;
    let place = format!("allowed.example:{port}");
    let plain = [(":method", "CONNECT"), (":authority", place.as_str())];
    // RFC 8441, which the broker does not offer.
    let extended = [
        (":method", "CONNECT"),
        (":protocol", "websocket"),
        (":scheme", "http"),
        (":path", "/public/x"),
        (":authority", place.as_str()),
    ];
    for fields in [&plain[..], &extended] {
        let mut stream = h2(&running, port).await;
        stream.write_all(&h2_frame(HEADERS, END_HEADERS, 1, &block(fields, false))).await.unwrap();
        let inner = b"GET /hidden HTTP/1.1\r\nHost: allowed.example\r\n\r\n";
        stream.write_all(&h2_frame(DATA, END_STREAM, 1, inner)).await.unwrap();
        // What follows on the connection is answered, if it was not ended.
        let more = h2_frame(HEADERS, END_STREAM | END_HEADERS, 3, &h2_get(port, "/public/after"));
        drop(stream.write_all(&more).await);
        let all = heard(&mut stream, b"/public/after").await;
        assert!(!holds(&all, "/hidden"), "{fields:?}: {}", String::from_utf8_lossy(&all));
    }
    let requests = running.events.decided().into_iter().filter(|event| event.ruling.is_allowed());
    let methods: Vec<_> = requests.filter_map(|event| event.request).map(|request| request.method).collect();
    assert!(methods.iter().all(|method| method == "GET"), "{methods:?}");
    h2_served(&running, port).await;
}

#[tokio::test]
async fn streams_that_are_reset_at_once_do_not_pile_up() {
    let (running, port) = judged().await;
    let mut stream = h2(&running, port).await;
    let get = h2_get(port, "/public/reset");
    let cancel = 8_u32.to_be_bytes();
    // At once, so that what is read at a time holds many.
    let mut all = Vec::new();
    for number in 0..10_000 {
        let id = 2 * number + 1;
        all.extend(h2_frame(HEADERS, END_STREAM | END_HEADERS, id, &get));
        all.extend(h2_frame(RESET, 0, id, &cancel));
    }
    // It may be ended before all is said.
    drop(stream.write_all(&all).await);
    // It is told to go away: the connection ends, and what reached the server is a small part.
    heard(&mut stream, b"never said").await;
    let is_one = |event: &garth_egress::core::Decided| event.request.is_some();
    let reached = running.events.decided().iter().filter(|event| is_one(event)).count();
    assert!(reached < 5_000, "{reached} requests of 10,000");
    h2_served(&running, port).await;
}

#[tokio::test]
async fn headers_that_do_not_end_and_headers_that_swell_are_refused() {
    let (running, port) = judged().await;
    let get = h2_get(port, "/public/swollen");
    let long = "x".repeat(4000);
    let one = block(&[("x-long", &long)], true);
    // An entry of the table, which each of these bytes stands for (RFC 7541 section 6.1): 16 MB of headers.
    let bomb = [get.clone(), one, vec![0xbe; 4000]].concat();
    let small = block(&[("x-more", "y")], false);
    let endless = (0..20_000).map(|_| h2_frame(CONTINUATION, 0, 1, &small));
    let empty = (0..20_000).map(|_| h2_frame(CONTINUATION, 0, 1, &[]));
    for (name, frames) in [
        ("bomb", vec![h2_frame(HEADERS, END_STREAM | END_HEADERS, 1, &bomb)]),
        ("endless", std::iter::once(h2_frame(HEADERS, END_STREAM, 1, &get)).chain(endless).collect()),
        ("empty", std::iter::once(h2_frame(HEADERS, END_STREAM, 1, &get)).chain(empty).collect()),
    ] {
        let mut stream = h2(&running, port).await;
        for frame in frames {
            if stream.write_all(&frame).await.is_err() {
                break;
            }
        }
        drop(stream.shutdown().await);
        let all = heard(&mut stream, b"never said").await;
        assert!(!holds(&all, "/public/swollen"), "{name}: {}", String::from_utf8_lossy(&all));
        h2_served(&running, port).await;
    }
    let reached = running.events.decided().into_iter().filter_map(|event| event.request);
    assert!(reached.into_iter().all(|request| request.path != "/public/swollen"));
}

/// A proxied TLS connection whose hello is cut: into records of one byte, or sent byte by byte.
struct Cut {
    inner: TcpStream,
    is_record: bool,
}

impl Cut {
    /// Passes the client's first record on in pieces, all else as it is, on a loopback connection of its own.
    async fn before(self) -> TcpStream {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let near = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (mut far, _) = listener.accept().await.unwrap();
        tokio::spawn(async move {
            let Self { mut inner, is_record } = self;
            inner.set_nodelay(true).unwrap();
            let mut head = [0; 5];
            far.read_exact(&mut head).await.unwrap();
            let mut hello = vec![0; usize::from(u16::from_be_bytes([head[3], head[4]]))];
            far.read_exact(&mut hello).await.unwrap();
            if is_record {
                for piece in hello.chunks(8) {
                    let length = u8::try_from(piece.len()).unwrap();
                    inner.write_all(&[&head[..3], &[0, length], piece].concat()).await.unwrap();
                }
            } else {
                for byte in head.iter().chain(&hello) {
                    inner.write_all(&[*byte]).await.unwrap();
                    tokio::task::yield_now().await;
                }
            }
            drop(tokio::io::copy_bidirectional(&mut far, &mut inner).await);
        });
        near
    }
}

#[tokio::test]
async fn a_hello_in_pieces_is_read_like_a_whole_one() {
    let ca = Ca::new();
    let port = web::web_server(Some((&ca, &["http/1.1"]))).await;
    for is_record in [false, true] {
        let mut setup =
            Setup::new(&["allowed.example", "api.example"]).rule("api.example", &["GET"], &["/public"]);
        setup.roots = vec![ca.root()];
        let running = setup.start();
        let cut = async |place: &str| {
            let inner = running.tunnel(&format!("{place}:{port}")).await;
            Cut { inner, is_record }.before().await
        };
        for (place, root) in [("allowed.example", ca.root()), ("api.example", running.root())] {
            let stream = cut(place).await;
            let mut tls = tls_over(stream, place, &root, &["http/1.1"]).await.unwrap();
            let text = ask(&mut tls, "GET /public", &format!("Host: {place}\r\n")).await;
            assert!(text.contains("GET /public"), "{place} {is_record}: {text}");
            // Another name than the one that was asked for.
            let stream = cut(place).await;
            let other = if place == "api.example" { "allowed.example" } else { "api.example" };
            assert!(tls_over(stream, other, &root, &["http/1.1"]).await.is_err(), "{place} {is_record}");
        }
        running.events.code(Code::NameMismatch).await;
    }
}

#[tokio::test]
async fn a_server_that_only_promises_answers_does_not_fill_the_broker() {
    let (listener, port) = listen(SERVER).await;
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let head = read_head(&mut stream).await;
                for _ in 0..20_000 {
                    let early = format!("HTTP/1.1 103 Early Hints\r\nLink: </{}>\r\n\r\n", "x".repeat(200));
                    if stream.write_all(early.as_bytes()).await.is_err() {
                        return;
                    }
                }
                if head.contains("/ends") {
                    let last = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlast";
                    drop(stream.write_all(last).await);
                }
            });
        }
    });
    let running = Setup::new(&["allowed.example"]).rule("allowed.example", &["GET"], &["/**"]).start();
    for (path, answered) in [("/goes-on", false), ("/ends", true)] {
        let mut stream = running.tunnel(&format!("allowed.example:{port}")).await;
        let line = format!("GET {path}");
        let text = ask(&mut stream, &line, "Host: allowed.example\r\n");
        let text = tokio::time::timeout(LIMIT, text).await.expect("an answer");
        assert_eq!(text.contains("200 OK") && text.ends_with("last"), answered, "{text}");
        assert!(text.len() < 1000, "{}", text.len());
    }
}

#[tokio::test]
async fn the_end_of_a_client_ends_its_connection_to_the_server() {
    let (listener, port) = listen(SERVER).await;
    let running = Setup::new(&["allowed.example"]).start();
    let mut client = running.tunnel(&format!("allowed.example:{port}")).await;
    client.write_all(b"\x00").await.unwrap();
    let (mut server, _) = listener.accept().await.unwrap();
    server.read_exact(&mut [0]).await.unwrap();
    server.write_all(b"hello").await.unwrap();
    client.read_exact(&mut [0; 5]).await.unwrap();
    drop(client);
    // The server goes on for as long as it can.
    let ended = async { while server.write_all(&[7; 16 * 1024]).await.is_ok() {} };
    tokio::time::timeout(LIMIT, ended).await.expect("an end");
}
