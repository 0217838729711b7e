//! Secrets in every part of a request that their rule names, in HTTP/1.1 and HTTP/2, and nowhere else.

use crate::support::*;
use crate::web;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use garth_egress::core::{Event, SecretSeen, Withholding};
use garth_policy::SecretPlace;
use http::Request;
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::convert::Infallible;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// Of letters that a URL writes differently.
const VALUE: &str = "the/real+value=of it";

/// As it stands in a URL.
const ENCODED: &str = "the%2Freal%2Bvalue%3Dof%20it";

const PLAIN: &str = "a-value-that-forms-hold-too";

fn opening(ca: &Ca, places: &[SecretPlace], value: &str) -> (Running, String) {
    let (mut setup, placeholder) = Setup::new(&["api.example", "allowed.example", "other.example"])
        .secret_in("api.example", places, value);
    // Requests to this one are seen too, and it may not see the secret.
    setup = setup.rule("other.example", &[], &["/**"]);
    setup.roots = vec![ca.root()];
    (setup.start(), placeholder)
}

/// One request in the given version, its body in these pieces; the answer's text, and what the server saw if it told.
async fn asked(
    running: &Running,
    port: u16,
    host: &str,
    version: &str,
    request: http::request::Builder,
    pieces: Vec<String>,
) -> String {
    let (send, receive) = tokio::sync::mpsc::channel::<Bytes>(1);
    tokio::spawn(async move {
        for piece in pieces {
            if send.send(Bytes::from(piece)).await.is_err() {
                return;
            }
        }
    });
    let body = StreamBody::new(Pieces(receive));
    let request = request.body(body).unwrap();
    let place = format!("{host}:{port}");
    let stream = TokioIo::new(running.tls(&place, host, &running.root(), &[version]).await.unwrap());
    let answer = if version == "h2" {
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await.unwrap();
        tokio::spawn(connection);
        sender.send_request(request).await.unwrap()
    } else {
        let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await.unwrap();
        tokio::spawn(connection);
        sender.send_request(request).await.unwrap()
    };
    let mut text = format!("{:?}\n", answer.headers());
    text.push_str(&String::from_utf8_lossy(&answer.into_body().collect().await.unwrap().to_bytes()));
    text
}

struct Pieces(tokio::sync::mpsc::Receiver<Bytes>);

impl futures_core::Stream for Pieces {
    type Item = Result<Frame<Bytes>, Infallible>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        self.0.poll_recv(context).map(|piece| piece.map(|piece| Ok(Frame::data(piece))))
    }
}

/// A request as clients of the version write it.
fn request(version: &str, host: &str, path: &str) -> http::request::Builder {
    let request = Request::builder().method("POST");
    match version {
        "h2" => request.uri(format!("https://{host}{path}")),
        _ => request.uri(path).header("host", host),
    }
}

/// What the server said backwards.
fn forwards(text: &str) -> String {
    text.chars().rev().collect()
}

fn seen(running: &Running) -> Vec<SecretSeen> {
    let all = running.events.all().into_iter().map(|event| match event {
        Event::Decided(decided) => decided.secrets,
        Event::Secrets(seen) => seen.secrets,
        _ => Vec::new(),
    });
    all.flatten().collect()
}

#[tokio::test]
async fn a_target_carries_the_value_and_the_log_the_placeholder() {
    let ca = Ca::new();
    let port = web::web_server(Some((&ca, &["h2", "http/1.1"]))).await;
    for version in ["h2", "http/1.1"] {
        let (running, mark) = opening(&ca, &[SecretPlace::Path, SecretPlace::Query], VALUE);
        let path = format!("/told/bot{mark}/x?a=1&key={mark}");
        let one = request(version, "api.example", &path).header("x-also", &mark);
        let text = forwards(&asked(&running, port, "api.example", version, one, Vec::new()).await);
        assert!(text.contains(&format!("/told/bot{ENCODED}/x?a=1&key={ENCODED} ")), "{version}: {text}");
        assert!(text.contains(&format!("x-also: {mark}")), "{version}: {text}");
        let is = |seen: &SecretSeen| (seen.place, seen.withheld);
        assert_eq!(
            seen(&running).iter().map(is).collect::<Vec<_>>(),
            [
                (SecretPlace::Headers, Some(Withholding::Place)),
                (SecretPlace::Path, None),
                (SecretPlace::Query, None)
            ]
        );
        let told = format!("{:?}", running.events.all());
        assert!(told.contains(&format!("/told/bot{mark}/x")) && !told.contains("real"), "{told}");
        // An answer that shows the target shows it without the value.
        let one = request(version, "api.example", &format!("/shown/{mark}"));
        let text = asked(&running, port, "api.example", version, one, Vec::new()).await;
        assert!(text.contains("/shown/*****") && !text.contains(ENCODED), "{version}: {text}");
        // A redirect to another host carries the placeholder, and so does the request there.
        let one = request(version, "api.example", &format!("/away?key={mark}"));
        let text = asked(&running, port, "api.example", version, one, Vec::new()).await;
        assert!(text.contains(&format!("https://other.example/?key={mark}")), "{version}: {text}");
        let one = request(version, "other.example", &format!("/told/{mark}?key={mark}"));
        let text = forwards(&asked(&running, port, "other.example", version, one, Vec::new()).await);
        assert!(text.contains(&format!("/told/{mark}?key={mark}")), "{version}: {text}");
    }
}

#[tokio::test]
async fn a_body_carries_the_value_at_its_length() {
    let ca = Ca::new();
    let port = web::web_server(Some((&ca, &["h2", "http/1.1"]))).await;
    for version in ["h2", "http/1.1"] {
        let (running, mark) = opening(&ca, &[SecretPlace::Body], PLAIN);
        assert_eq!(mark.len(), PLAIN.len());
        let (first, second) = mark.split_at(11);
        let whole = format!("key={mark}&again={mark}&half={first}");
        let pieces: Vec<String> = ["key=", first, second, "&again=", &mark[..1], &mark[1..], "&half=", first]
            .map(String::from)
            .to_vec();
        for length in [None, Some(whole.len().to_string())] {
            let mut one = request(version, "api.example", "/told");
            one = one.header("content-type", "application/x-www-form-urlencoded");
            if let Some(length) = &length {
                one = one.header("content-length", length);
            }
            let text = forwards(&asked(&running, port, "api.example", version, one, pieces.clone()).await);
            let wanted = format!("\nkey={PLAIN}&again={PLAIN}&half={first}");
            assert!(text.contains(&wanted), "{version} {length:?}: {text}");
            if let Some(length) = &length {
                assert!(text.contains(&format!("content-length: {length}")), "{version}: {text}");
            }
        }
        // It does not come back, nor go to another host.
        let one = request(version, "api.example", "/echo");
        let text = asked(&running, port, "api.example", version, one, pieces.clone()).await;
        assert!(
            text.contains(&format!("key={}&", "*".repeat(PLAIN.len()))) && !text.contains(PLAIN),
            "{text}"
        );
        let one = request(version, "other.example", "/told");
        let text = forwards(&asked(&running, port, "other.example", version, one, pieces.clone()).await);
        assert!(text.contains(&whole), "{version}: {text}");
        let told = seen(&running);
        let kept: Vec<_> = told.iter().map(|seen| seen.withheld).collect();
        assert_eq!(kept, [None, None, None, Some(Withholding::Host)], "{told:?}");
    }
}

#[tokio::test]
async fn base64_of_a_body_carries_the_value() {
    let ca = Ca::new();
    let port = web::web_server(Some((&ca, &["h2", "http/1.1"]))).await;
    for version in ["h2", "http/1.1"] {
        let (running, mark) = opening(&ca, &[SecretPlace::Body], PLAIN);
        for before in ["", "u", "u:"] {
            let text = |inner: &str| STANDARD.encode(format!("{before}{inner}, and more"));
            let one = request(version, "api.example", "/told").header("content-type", "application/json");
            let body = vec![format!("{{\"auth\": \"{}\"}}", text(&mark))];
            let told = forwards(&asked(&running, port, "api.example", version, one, body).await);
            assert!(told.contains(&text(PLAIN)), "{version} {before}: {told}");
        }
        assert_eq!(seen(&running).iter().map(|seen| seen.withheld).collect::<Vec<_>>(), [None; 3]);
    }
}

#[tokio::test]
async fn a_value_does_not_come_back_in_base64_or_with_escapes() {
    let ca = Ca::new();
    let port = web::web_server(Some((&ca, &["h2", "http/1.1"]))).await;
    for version in ["h2", "http/1.1"] {
        let value = "0123/4567+89ab/cdef";
        let (running, mark) = opening(&ca, &[SecretPlace::Headers], value);
        for before in ["", "u", "u:"] {
            let one =
                request(version, "api.example", "/coded").header("authorization", format!("{before}{mark}"));
            let text = asked(&running, port, "api.example", version, one, vec!["rest".into()]).await;
            let escaped = value.replace('/', "\\/").replace('+', "\\u002B");
            let stars = "*".repeat(escaped.len());
            assert!(text.contains(&format!("\"login\": \"{before}{stars}\"")), "{version}: {text}");
            // At most the letters that hold a neighbour's bits are left, on each side.
            let coded = STANDARD.encode(format!("{before}{value}rest"));
            assert!(!text.contains(&coded[4..12]) && text.contains(&"*".repeat(22)), "{version}: {text}");
            assert!(text.contains(&format!("data:;base64,{}", &coded[..before.len()])), "{version}: {text}");
        }
    }
}

#[tokio::test]
async fn a_compressed_body_passes_as_it_is_and_is_told_of() {
    let ca = Ca::new();
    let port = web::web_server(Some((&ca, &["h2", "http/1.1"]))).await;
    let (running, mark) = opening(&ca, &[SecretPlace::Body], PLAIN);
    let one = request("h2", "api.example", "/told").header("content-encoding", "gzip");
    let text = forwards(&asked(&running, port, "api.example", "h2", one, vec![mark.clone()]).await);
    assert!(text.contains(&mark), "{text}");
    let told = seen(&running);
    assert!(matches!(&told[..], [seen] if seen.withheld == Some(Withholding::Coded)), "{told:?}");
}

#[tokio::test]
async fn a_piece_of_a_body_does_not_wait_for_the_next() {
    let ca = Ca::new();
    let port = web::web_server(Some((&ca, &["http/1.1"]))).await;
    let (running, mark) = opening(&ca, &[SecretPlace::Body], PLAIN);
    let (send, receive) = tokio::sync::mpsc::channel::<Bytes>(1);
    let one = request("http/1.1", "api.example", "/echo").body(StreamBody::new(Pieces(receive))).unwrap();
    let place = format!("api.example:{port}");
    let stream = running.tls(&place, "api.example", &running.root(), &["http/1.1"]).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let answer = sender.send_request(one).await.unwrap();
    let mut back = answer.into_body();
    for (piece, wanted) in [("one", "one".to_owned()), (mark.as_str(), "*".repeat(mark.len()))] {
        send.send(Bytes::copy_from_slice(piece.as_bytes())).await.unwrap();
        let frame =
            tokio::time::timeout(std::time::Duration::from_secs(5), back.frame()).await.expect("a piece");
        assert_eq!(frame.unwrap().unwrap().into_data().unwrap(), wanted);
    }
}

#[tokio::test]
async fn basic_credentials_do_not_come_back_in_their_own_form() {
    let ca = Ca::new();
    let port = web::web_server(Some((&ca, &["http/1.1"]))).await;
    let (running, mark) = opening(&ca, &[SecretPlace::Headers], VALUE);
    let basic = garth_egress::core::http::basic_value;
    let one = request("http/1.1", "api.example", "/told").header("authorization", basic("u", &mark));
    let text = forwards(&asked(&running, port, "api.example", "http/1.1", one, Vec::new()).await);
    assert!(text.contains(&basic("u", VALUE)), "{text}");
    let one = request("http/1.1", "api.example", "/x").header("authorization", basic("u", &mark));
    let text = asked(&running, port, "api.example", "http/1.1", one, Vec::new()).await;
    let token = basic("u", VALUE).replace("Basic ", "");
    assert!(
        !text.contains(&token) && text.contains(&format!("authorization: Basic {}", "*".repeat(token.len()))),
        "{text}"
    );
    assert!(text.contains(&format!("\"x-reflected\": \"{}\"", basic("u", &mark))), "{text}");
}

/// A request of HTTP/2 to `/echo` with these frames; the trailers of the answer.
async fn trailed(
    running: &Running,
    port: u16,
    request: http::request::Builder,
    frames: Vec<Frame<Bytes>>,
) -> (String, http::HeaderMap) {
    let body = StreamBody::new(Frames(frames.into_iter()));
    let place = format!("api.example:{port}");
    let stream = running.tls(&place, "api.example", &running.root(), &["h2"]).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let answer = sender.send_request(request.body(body).unwrap()).await.unwrap();
    let all = answer.into_body().collect().await.unwrap();
    let trailers = all.trailers().cloned().unwrap_or_default();
    (String::from_utf8_lossy(&all.to_bytes()).into_owned(), trailers)
}

struct Frames(std::vec::IntoIter<Frame<Bytes>>);

impl futures_core::Stream for Frames {
    type Item = Result<Frame<Bytes>, Infallible>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        _context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        std::task::Poll::Ready(self.0.next().map(Ok))
    }
}

#[tokio::test]
async fn trailers_carry_no_value_there_or_back_and_that_is_told() {
    let ca = Ca::new();
    let port = web::web_server(Some((&ca, &["h2"]))).await;
    let (running, mark) = opening(&ca, &[SecretPlace::Headers, SecretPlace::Body], PLAIN);
    let mut trailers = http::HeaderMap::new();
    trailers.insert("x-signature", mark.parse().unwrap());
    // The body's end, which could begin a placeholder, comes before the trailers.
    let frames = vec![Frame::data(Bytes::copy_from_slice(&mark.as_bytes()[..9])), Frame::trailers(trailers)];
    let one = request("h2", "api.example", "/echo").header("authorization", format!("Bearer {mark}"));
    let (body, trailers) = trailed(&running, port, one, frames).await;
    assert_eq!(body, mark[..9]);
    assert_eq!(trailers["x-signature"], mark);
    assert_eq!(trailers["x-reflected"], format!("Bearer {mark}"));
    let kept: Vec<_> = seen(&running).iter().map(|seen| seen.withheld).collect();
    assert_eq!(kept, [None, Some(Withholding::Trailer)]);
}

#[tokio::test]
async fn messages_of_grpc_carry_the_value_and_compressed_ones_are_told_of() {
    let ca = Ca::new();
    let port = web::web_server(Some((&ca, &["h2"]))).await;
    for encoding in ["identity", "gzip"] {
        let (running, mark) = opening(&ca, &[SecretPlace::Body], PLAIN);
        let length = u8::try_from(mark.len() + 2).unwrap();
        let message = [&[0, 0, 0, 0, length, 0x0a, length - 2], mark.as_bytes()].concat();
        // In pieces that cut the head of the message and the placeholder.
        let frames = [&message[..3], &message[3..17], &message[17..]]
            .map(|piece| Frame::data(Bytes::copy_from_slice(piece)));
        let one = request("h2", "api.example", "/echo")
            .header("content-type", "application/grpc")
            .header("grpc-encoding", encoding)
            .header("te", "trailers");
        let (body, trailers) = trailed(&running, port, one, frames.into()).await;
        // It was put in: it does not come back.
        assert!(body.ends_with(&"*".repeat(PLAIN.len())) && body.len() == message.len(), "{body:?}");
        assert_eq!(trailers["grpc-status"], "0");
        let kept: Vec<_> = seen(&running).iter().map(|seen| seen.withheld).collect();
        let wanted: &[_] = if encoding == "gzip" { &[Some(Withholding::Coded), None] } else { &[None] };
        assert_eq!(kept, wanted);
    }
}

#[tokio::test]
async fn an_upgrade_to_another_protocol_tells_which_secrets_will_not_be_put_in() {
    let ca = Ca::new();
    let port = web::web_server(Some((&ca, &["http/1.1"]))).await;
    for (places, carries, wanted) in [
        (&[SecretPlace::Body][..], false, &[Some(Withholding::Upgraded)][..]),
        (&[SecretPlace::Headers], false, &[Some(Withholding::Upgraded)]),
        (&[SecretPlace::Headers], true, &[None]),
    ] {
        let (running, mark) = opening(&ca, places, PLAIN);
        let place = format!("api.example:{port}");
        let mut stream = running.tls(&place, "api.example", &running.root(), &["http/1.1"]).await.unwrap();
        let login = if carries { format!("Authorization: Bearer {mark}\r\n") } else { String::new() };
        let head = format!(
            "GET /ws HTTP/1.1\r\nHost: api.example\r\n{login}Connection: Upgrade\r\nUpgrade: chat\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        assert!(read_head(&mut stream).await.starts_with("HTTP/1.1 101"));
        // The placeholder goes as it is.
        stream.write_all(mark.as_bytes()).await.unwrap();
        let mut back = vec![0; mark.len()];
        stream.read_exact(&mut back).await.unwrap();
        assert_eq!(back, mark.as_bytes());
        let kept: Vec<_> = seen(&running).iter().map(|seen| seen.withheld).collect();
        assert_eq!(kept, wanted);
    }
}

/// A WebSocket of the host with the secret, by HTTP/1.1.
async fn websocket(
    running: &Running,
    port: u16,
    path: &str,
) -> tokio_rustls::client::TlsStream<tokio::net::TcpStream> {
    let place = format!("api.example:{port}");
    let mut stream = running.tls(&place, "api.example", &running.root(), &["http/1.1"]).await.unwrap();
    let head = format!(
        "GET {path} HTTP/1.1\r\nHost: api.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let head = read_head(&mut stream).await;
    assert!(head.starts_with("HTTP/1.1 101") && !head.contains("deflate"), "{head}");
    stream
}

/// A short frame of a client.
fn frame(first: u8, text: &str) -> Vec<u8> {
    let mask = [0x11, 0, 0x80, 0xff];
    let masked = text.bytes().zip(mask.into_iter().cycle()).map(|(byte, mask)| byte ^ mask);
    let length = 128 | u8::try_from(text.len()).unwrap();
    [first, length].into_iter().chain(mask).chain(masked).collect()
}

#[tokio::test]
async fn messages_of_a_websocket_carry_the_value_and_do_not_bring_it_back() {
    let ca = Ca::new();
    let port = web::web_server(Some((&ca, &["http/1.1"]))).await;
    for (place, withheld) in [(SecretPlace::Body, None), (SecretPlace::Headers, Some(Withholding::Place))] {
        let (running, mark) = opening(&ca, &[place], PLAIN);
        let mark = &mark[..mark.len().min(100)];
        let carried = if withheld.is_none() { PLAIN } else { mark };
        let mut stream = websocket(&running, port, "/ws/told").await;
        // In one frame, and in two with another between them.
        let (one, two) = mark.split_at(7);
        let said = [frame(0x81, &format!("<{mark}>")), frame(1, one), frame(0x89, "ping"), frame(0x80, two)];
        stream.write_all(&said.concat()).await.unwrap();
        let mut texts = Vec::new();
        while texts.len() < 4 {
            let mut head = [0; 2];
            stream.read_exact(&mut head).await.unwrap();
            let mut payload = vec![0; usize::from(head[1])];
            stream.read_exact(&mut payload).await.unwrap();
            texts.push(forwards(&String::from_utf8(payload).unwrap()));
        }
        let (one, two) = carried.split_at(7);
        assert_eq!(texts, [&format!("<{carried}>"), one, "ping", two]);
        assert_eq!(seen(&running).iter().map(|seen| seen.withheld).collect::<Vec<_>>(), [withheld]);
        if withheld.is_none() {
            let mut stream = websocket(&running, port, "/ws").await;
            let said = frame(0x81, &format!("<{mark}>"));
            stream.write_all(&said).await.unwrap();
            let mut back = vec![0; said.len()];
            stream.read_exact(&mut back).await.unwrap();
            assert_eq!(back, frame(0x81, &format!("<{}>", "*".repeat(PLAIN.len()))));
        }
    }
}

#[tokio::test]
async fn a_websocket_that_cannot_be_searched_ends_with_an_event() {
    let ca = Ca::new();
    let port = web::web_server(Some((&ca, &["http/1.1"]))).await;
    let (running, mark) = opening(&ca, &[SecretPlace::Body], PLAIN);
    for said in [frame(0xc1, &mark), mark.clone().into_bytes()] {
        let mut stream = websocket(&running, port, "/ws").await;
        stream.write_all(&said).await.unwrap();
        assert_eq!(stream.read(&mut [0; 100]).await.unwrap_or(0), 0, "something came back");
    }
    let told = running.events.code(garth_egress::core::Code::Malformed).await;
    assert!(told.ruling.reason.contains("WebSocket"), "{told:?}");
}
