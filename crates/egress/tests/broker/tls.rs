//! TLS passed through and TLS opened, with HTTP/1.1, HTTP/2 and WebSocket inside.

use crate::support::*;
use crate::web;
use bytes::Bytes;
use garth_egress::core::{Budgets, Code, Protocol, Withholding};
use http::Request;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::convert::Infallible;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const H1: &[&str] = &["http/1.1"];
/// What is left of the secret in a body that comes back.
const MASKED: &str = "authorization: Bearer **************";
const BOTH: &[&str] = &["h2", "http/1.1"];

/// A broker that opens TLS to `api.example`, whose server is of `ca`.
fn opening(ca: &Ca) -> Setup {
    let mut setup = Setup::new(&["api.example", "allowed.example", "other.example"])
        .rule("api.example", &["GET"], &["/repos/acme/**", "/ws", "/away"])
        .rule("api.example", &["POST"], &["/echo"])
        .secret("api.example");
    setup.roots = vec![ca.root()];
    setup
}

#[tokio::test]
async fn what_no_rule_looks_into_passes_untouched() {
    let ca = Ca::new();
    let port = web::web_server(Some((&ca, H1))).await;
    let running = opening(&ca).start();
    let place = format!("allowed.example:{port}");
    // The client trusts the server's authority alone, so nobody stands between.
    let mut stream = running.tls(&place, "allowed.example", &ca.root(), H1).await.unwrap();
    let lines = format!("Host: allowed.example\r\nAuthorization: Bearer {PLACEHOLDER}\r\n");
    let answer = ask(&mut stream, "DELETE /any", &lines).await;
    assert!(answer.contains("DELETE /any") && answer.contains(PLACEHOLDER), "{answer}");
}

#[tokio::test]
async fn a_server_name_that_was_not_asked_for_is_reset() {
    let ca = Ca::new();
    let port = web::web_server(Some((&ca, H1))).await;
    let running = opening(&ca).start();
    let place = format!("allowed.example:{port}");
    assert!(running.tls(&place, "other.example", &ca.root(), H1).await.is_err());
    let decided = running.events.code(Code::NameMismatch).await;
    assert!(decided.ruling.reason.contains("other.example"), "{}", decided.ruling.reason);
    // Garbage that starts like TLS passes no more than a wrong name does.
    let mut stream = running.tunnel(&place).await;
    stream.write_all(b"\x16\x03\x01\x00\x05\x02\x00\x00\x00\x00").await.unwrap();
    assert!(stream.read_u8().await.is_err());
    running.events.code(Code::Malformed).await;
}

#[tokio::test]
async fn rules_are_seen_to_inside_tls() {
    let ca = Ca::new();
    let port = web::web_server(Some((&ca, H1))).await;
    let running = opening(&ca).start();
    let place = format!("api.example:{port}");
    // Opened: the server's authority is not the one that signs now.
    assert!(running.tls(&place, "api.example", &ca.root(), H1).await.is_err());
    for (line, allowed) in [
        ("GET /repos/acme/x?a=b", true),
        ("POST /repos/acme/x", false),
        ("GET /repos/evil/x", false),
        ("GET /repos/acme/../evil", false),
        ("GET /repos/acme/%2e%2e/evil", false),
        ("GET https://api.example/repos/acme/y", true),
        ("TRACE /repos/acme/x", false),
        ("CONNECT api.example:443", false),
    ] {
        let mut stream = running.tls(&place, "api.example", &running.root(), H1).await.unwrap();
        let answer = ask(&mut stream, line, "Host: api.example\r\n").await;
        let status = if allowed { "HTTP/1.1 200" } else { "HTTP/1.1 403" };
        assert!(answer.starts_with(status), "{line}: {answer}");
    }
    let mut stream = running.tls(&place, "api.example", &running.root(), H1).await.unwrap();
    let answer =
        ask(&mut stream, "GET /repos/acme/x", "Host: api.example\r\nX-HTTP-Method-Override: DELETE\r\n")
            .await;
    assert!(answer.contains("\"error\":\"override\""), "{answer}");
    let mut stream = running.tls(&place, "api.example", &running.root(), H1).await.unwrap();
    let fronted = ask(&mut stream, "GET /repos/acme/x", "Host: other.example\r\n").await;
    assert!(fronted.contains("name-mismatch"), "{fronted}");
    let decided = running.events.code(Code::RequestDenied).await;
    assert_eq!(decided.protocol, Protocol::TlsOpened);
    assert!(decided.ruling.hint.is_some() && decided.request.is_some());
}

#[tokio::test]
async fn the_secret_is_put_in_on_the_way_and_taken_out_of_what_comes_back() {
    let ca = Ca::new();
    let port = web::web_server(Some((&ca, H1))).await;
    let running = opening(&ca).start();
    let mut stream =
        running.tls(&format!("api.example:{port}"), "api.example", &running.root(), H1).await.unwrap();
    let lines = format!("Host: api.example\r\nAuthorization: Bearer {PLACEHOLDER}\r\n");
    let answer = ask(&mut stream, "GET /repos/acme/x", &lines).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    // The server got the value, and what it says of it arrives without it, at the same length.
    assert!(body.contains(&format!("authorization: Bearer {}", "*".repeat(SECRET.len()))), "{answer}");
    assert!(body.contains("accept-encoding: identity") && !body.contains(PLACEHOLDER), "{answer}");
    assert!(head.contains(&format!("x-reflected: Bearer {PLACEHOLDER}")), "{answer}");
    assert!(!head.contains(SECRET), "{answer}");
    let decided = running.events.code(Code::Request).await;
    assert!(matches!(&decided.secrets[..], [seen] if seen.name == "TOKEN" && seen.withheld.is_none()));
    // Plain HTTP to the same host carries the placeholder.
    let plain = web::web_server(None).await;
    let mut stream = running.tunnel(&format!("api.example:{plain}")).await;
    let answer =
        ask(&mut stream, "GET /repos/acme/x", &lines.replace("api.example", &format!("api.example:{plain}")))
            .await;
    assert!(answer.contains(PLACEHOLDER) && !answer.contains(SECRET), "{answer}");
    assert!(running.events.decided().iter().any(|decided| {
        matches!(&decided.secrets[..], [seen] if seen.name == "TOKEN" && seen.withheld == Some(Withholding::Host))
    }));
}

#[tokio::test]
async fn a_redirect_does_not_carry_the_secret() {
    let ca = Ca::new();
    let port = web::web_server(Some((&ca, H1))).await;
    let running = opening(&ca).start();
    let lines = |host| format!("Host: {host}\r\nAuthorization: Bearer {PLACEHOLDER}\r\n");
    let mut stream =
        running.tls(&format!("api.example:{port}"), "api.example", &running.root(), H1).await.unwrap();
    let answer = ask(&mut stream, "GET /away", &lines("api.example")).await;
    assert!(answer.starts_with("HTTP/1.1 302"), "{answer}");
    let mut stream =
        running.tls(&format!("other.example:{port}"), "other.example", &ca.root(), H1).await.unwrap();
    let answer = ask(&mut stream, "GET /", &lines("other.example")).await;
    assert!(answer.contains(PLACEHOLDER) && !answer.contains(SECRET), "{answer}");
}

#[tokio::test]
async fn what_is_neither_http_nor_tls_does_not_reach_a_limited_host() {
    let ca = Ca::new();
    let port = echo_server().await;
    let running = opening(&ca).start();
    let mut stream = running.tunnel(&format!("api.example:{port}")).await;
    stream.write_all(b"SSH-2.0-x\r\n").await.unwrap();
    assert!(stream.read_u8().await.is_err());
    running.events.code(Code::Protocol).await;
    let mut stream = running.tunnel(&format!("allowed.example:{port}")).await;
    stream.write_all(b"SSH-2.0-x\r\n").await.unwrap();
    assert_eq!(stream.read_u8().await.unwrap(), b'S');
}

#[tokio::test]
async fn a_server_that_cannot_prove_itself_is_answered_for() {
    let (ca, other) = (Ca::new(), Ca::new());
    let port = web::web_server(Some((&other, H1))).await;
    let running = opening(&ca).start();
    let mut stream =
        running.tls(&format!("api.example:{port}"), "api.example", &running.root(), H1).await.unwrap();
    let answer = ask(&mut stream, "GET /repos/acme/x", "Host: api.example\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 502") && answer.contains("tls-failed"), "{answer}");
}

type Sender = hyper::client::conn::http2::SendRequest<BoxBody<Bytes, Infallible>>;

async fn http2(running: &Running, port: u16) -> Sender {
    let stream =
        running.tls(&format!("api.example:{port}"), "api.example", &running.root(), BOTH).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

fn request(method: &str, uri: &str, body: &'static [u8]) -> Request<BoxBody<Bytes, Infallible>> {
    let builder =
        Request::builder().method(method).uri(uri).header("authorization", format!("Bearer {PLACEHOLDER}"));
    builder.header("te", "trailers").body(Full::new(Bytes::from_static(body)).boxed()).unwrap()
}

#[tokio::test]
async fn http2_is_judged_per_stream_and_keeps_trailers() {
    let ca = Ca::new();
    let port = web::web_server(Some((&ca, BOTH))).await;
    let running = opening(&ca).start();
    let mut sender = http2(&running, port).await;
    let answer = sender.send_request(request("GET", "https://api.example/repos/acme/x", b"")).await.unwrap();
    assert_eq!(answer.status(), 200);
    let text = answer.into_body().collect().await.unwrap().to_bytes();
    let text = String::from_utf8_lossy(&text);
    assert!(text.contains("HTTP/2.0") && text.contains(MASKED) && text.contains("te: trailers"), "{text}");
    let answer = sender.send_request(request("POST", "https://api.example/echo", b"grpc")).await.unwrap();
    let whole = answer.into_body().collect().await.unwrap();
    assert_eq!(whole.trailers().and_then(|trailers| trailers.get("grpc-status")).unwrap(), "0");
    assert_eq!(whole.to_bytes(), "grpc");
    for (method, uri, status) in [
        ("DELETE", "https://api.example/repos/acme/x", 403),
        ("GET", "https://other.example/repos/acme/x", 403),
        ("GET", "https://api.example/repos/acme/%2e%2e/x", 403),
        ("GET", "https://api.example/repos/acme/z", 200),
    ] {
        let answer = sender.send_request(request(method, uri, b"")).await.unwrap();
        assert_eq!(answer.status(), status, "{method} {uri}");
    }
    running.events.code(Code::NameMismatch).await;
}

#[tokio::test]
async fn a_body_is_not_gathered() {
    let ca = Ca::new();
    let port = web::web_server(Some((&ca, BOTH))).await;
    let running = opening(&ca).start();
    let mut sender = http2(&running, port).await;
    let (send, receive) = tokio::sync::mpsc::channel::<Bytes>(1);
    let body = http_body_util::StreamBody::new(Pieces(receive));
    let request =
        Request::builder().method("POST").uri("https://api.example/echo").body(body.boxed()).unwrap();
    let answer = sender.send_request(request).await.unwrap();
    let mut back = answer.into_body();
    // Each piece comes back before the next one is sent: nothing waits for the end.
    for piece in ["one", "two", "three"] {
        send.send(Bytes::from(piece)).await.unwrap();
        let frame =
            tokio::time::timeout(std::time::Duration::from_secs(5), back.frame()).await.expect("a piece");
        assert_eq!(frame.unwrap().unwrap().into_data().unwrap(), piece);
    }
}

struct Pieces(tokio::sync::mpsc::Receiver<Bytes>);

impl futures_core::Stream for Pieces {
    type Item = Result<http_body::Frame<Bytes>, Infallible>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        self.0.poll_recv(context).map(|piece| piece.map(|piece| Ok(http_body::Frame::data(piece))))
    }
}

#[tokio::test]
async fn the_server_chooses_the_protocol_for_both_sides() {
    let ca = Ca::new();
    let port = web::web_server(Some((&ca, H1))).await;
    let running = opening(&ca).start();
    let stream =
        running.tls(&format!("api.example:{port}"), "api.example", &running.root(), BOTH).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
}

#[tokio::test]
async fn a_websocket_passes_after_its_request_was_judged() {
    let ca = Ca::new();
    let port = web::web_server(Some((&ca, H1))).await;
    let running = opening(&ca).start();
    let mut stream =
        running.tls(&format!("api.example:{port}"), "api.example", &running.root(), H1).await.unwrap();
    let head = "GET /ws HTTP/1.1\r\nHost: api.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let answer = read_head(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 101"), "{answer}");
    assert!(answer.to_ascii_lowercase().contains("upgrade: websocket"), "{answer}");
    for _ in 0..3 {
        let frame = b"\x81\x85\0\0\0\0frame";
        stream.write_all(frame).await.unwrap();
        let mut back = [0; 11];
        stream.read_exact(&mut back).await.unwrap();
        assert_eq!(&back, frame);
    }
}

#[tokio::test]
async fn a_budget_holds_for_bodies_too() {
    let ca = Ca::new();
    let port = web::web_server(Some((&ca, BOTH))).await;
    let mut setup = opening(&ca);
    setup.budgets = Budgets { upload: Some(5000), new_names: None };
    let running = setup.start();
    let mut sender = http2(&running, port).await;
    const LARGE: &[u8] = &[b'x'; 4500];
    let answer = sender.send_request(request("POST", "https://api.example/echo", LARGE)).await.unwrap();
    assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), LARGE);
    let over = sender.send_request(request("POST", "https://api.example/echo", LARGE)).await;
    let passed = match over {
        Ok(answer) if answer.status() == 200 => answer.into_body().collect().await.is_ok(),
        _ => false,
    };
    assert!(!passed);
}

#[cfg(target_os = "linux")]
/// Runs curl as a program would; `None` where there is none.
async fn curl(arguments: Vec<String>) -> Option<(bool, String)> {
    let run = tokio::task::spawn_blocking(move || {
        let mut command = std::process::Command::new("curl");
        command
            .args(["--silent", "--show-error", "--max-time", "20", "--noproxy", ""])
            .args(arguments)
            .output()
    });
    let output = run.await.unwrap().ok()?;
    let text = [output.stdout, output.stderr].concat();
    Some((output.status.success(), String::from_utf8_lossy(&text).into_owned()))
}

// Elsewhere curl is built on another TLS, which reads no authority from a file.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn curl_works_in_both_modes_and_both_versions() {
    let ca = Ca::new();
    let port = web::web_server(Some((&ca, BOTH))).await;
    let running = opening(&ca).start();
    let folder = tempfile::tempdir().unwrap();
    let (server, session) = (folder.path().join("server.pem"), folder.path().join("session.pem"));
    std::fs::write(&server, ca.pem()).unwrap();
    std::fs::write(&session, running.broker.authority().unwrap()).unwrap();
    for (host, pem) in [("allowed.example", &server), ("api.example", &session)] {
        for version in ["--http1.1", "--http2"] {
            for proxy in ["http", "socks5h"] {
                let arguments = [
                    version,
                    "--cacert",
                    pem.to_str().unwrap(),
                    "--proxy",
                    &format!("{proxy}://{}", running.proxy),
                    "-H",
                    &format!("Authorization: Bearer {PLACEHOLDER}"),
                    &format!("https://{host}:{port}/repos/acme/x"),
                ];
                let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
                let Some((fine, text)) = curl(arguments).await else {
                    eprintln!("skipped: there is no curl");
                    return;
                };
                let opened = host == "api.example";
                assert!(fine, "{host} {version} {proxy}: {text}");
                assert!(text.contains("/repos/acme/x"), "{text}");
                assert!(!text.contains(SECRET), "{text}");
                assert_eq!(text.contains(MASKED), opened, "{host} {version} {proxy}: {text}");
            }
        }
    }
    let arguments = [
        "--cacert",
        session.to_str().unwrap(),
        "--proxy",
        &format!("http://{}", running.proxy),
        "-X",
        "DELETE",
        &format!("https://api.example:{port}/repos/acme/x"),
    ];
    let (_, text) = curl(arguments.iter().map(|argument| (*argument).to_owned()).collect()).await.unwrap();
    assert!(text.contains("request-denied"), "{text}");
}

#[cfg(target_os = "linux")]
const PYTHON: &str = "
import sys, urllib.request, ssl
proxy, pem, url, token = sys.argv[1:]
context = ssl.create_default_context(cafile=pem)
opener = urllib.request.build_opener(
    urllib.request.ProxyHandler({'https': proxy}), urllib.request.HTTPSHandler(context=context))
request = urllib.request.Request(url, headers={'Authorization': 'Bearer ' + token})
print(opener.open(request, timeout=20).read().decode())
";

#[cfg(target_os = "linux")]
/// Runs a program; `None` where it is not installed.
async fn program(words: Vec<String>) -> Option<(bool, String)> {
    let run = tokio::task::spawn_blocking(move || {
        let mut command = std::process::Command::new(&words[0]);
        command.args(&words[1..]).stdin(std::process::Stdio::null()).output()
    });
    let output = run.await.unwrap().ok()?;
    let text = [output.stdout, output.stderr].concat();
    Some((output.status.success(), String::from_utf8_lossy(&text).into_owned()))
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn other_programs_work_in_both_modes() {
    let ca = Ca::new();
    let port = web::web_server(Some((&ca, BOTH))).await;
    let running = opening(&ca).start();
    let folder = tempfile::tempdir().unwrap();
    let proxy = format!("http://{}", running.proxy);
    for (host, text) in
        [("allowed.example", ca.pem()), ("api.example", running.broker.authority().unwrap().to_owned())]
    {
        let pem = folder.path().join(host);
        std::fs::write(&pem, text).unwrap();
        let (pem, url) = (pem.to_str().unwrap(), format!("https://{host}:{port}/repos/acme/x"));
        let header = format!("--header=Authorization: Bearer {PLACEHOLDER}");
        let certificate = format!("--ca-certificate={pem}");
        let through = format!("https_proxy={proxy}");
        let programs = [
            vec![
                "wget",
                "-q",
                "-O",
                "-",
                "--tries=1",
                "--timeout=20",
                &certificate,
                "-e",
                &through,
                &header,
                &url,
            ],
            vec!["python3", "-c", PYTHON, &proxy, pem, &url, PLACEHOLDER],
        ];
        for words in programs {
            let name = words[0].to_owned();
            let Some((fine, text)) = program(words.into_iter().map(str::to_owned).collect()).await else {
                eprintln!("skipped: there is no {name}");
                continue;
            };
            assert!(fine && text.contains("GET /repos/acme/x"), "{name} {host}: {text}");
            let wanted = if host == "api.example" { MASKED } else { PLACEHOLDER };
            assert!(text.contains(wanted) && !text.contains(SECRET), "{name} {host}: {text}");
        }
    }
}
