//! Connections to a bare address, in which names are spoken of: whoever answers there is known by the address alone until a
//! certificate shows more.

use crate::support::*;
use crate::web;
use garth_egress::core::{Budgets, Code, Withholding};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;

/// One request of HTTP/1.1; the status and what the answer says.
async fn asked<S>(stream: S, request: http::Request<Full<bytes::Bytes>>) -> (u16, String)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let answer = sender.send_request(request).await.unwrap();
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    (status, String::from_utf8_lossy(&body).into_owned())
}

fn request(method: &str, path: &str, host: &str) -> http::Request<Full<bytes::Bytes>> {
    let request = http::Request::builder().method(method).uri(path).header("host", host);
    request.header("authorization", format!("Bearer {PLACEHOLDER}")).body(Full::default()).unwrap()
}

fn forwards(text: &str) -> String {
    text.chars().rev().collect()
}

#[tokio::test]
async fn a_secret_does_not_go_to_an_address_that_only_claims_its_name() {
    let port = web::web_server(None).await;
    let place = format!("api.example:{port}");
    let running = Setup::new(&["api.example"]).secret(&place).start();
    let stream = running.tunnel(&place).await;
    let (status, text) = asked(stream, request("GET", "/told", &place)).await;
    assert!(status == 200 && forwards(&text).contains(SECRET), "the twin: {text}");
    let stream = running.tunnel(&format!("{SERVER}:{port}")).await;
    let (status, text) = asked(stream, request("GET", "/told", &place)).await;
    let text = forwards(&text);
    assert!(status == 200 && text.contains(PLACEHOLDER) && !text.contains(SECRET), "{text}");
    let withheld = running.events.decided().into_iter().flat_map(|decided| decided.secrets);
    assert!(withheld.into_iter().any(|seen| seen.withheld == Some(Withholding::Host)));
}

#[tokio::test]
async fn within_opened_tls_to_an_address_the_certificates_name_is_the_only_one() {
    let ca = Ca::new();
    let port = web::web_server(Some((&ca, &["http/1.1"]))).await;
    let mut setup = Setup::new(&["api.example", "other.example"]).secret("api.example");
    setup = setup.rule("other.example", &[], &["/**"]);
    setup.roots = vec![ca.root()];
    let running = setup.start();
    for (sni, host, wanted) in [("api.example", "api.example", 200), ("other.example", "api.example", 403)] {
        let place = format!("{SERVER}:{port}");
        let stream = running.tls(&place, sni, &running.root(), &["http/1.1"]).await.unwrap();
        let (status, text) = asked(stream, request("GET", "/told", host)).await;
        assert_eq!(status, wanted, "{sni} {host}: {text}");
        assert_eq!(forwards(&text).contains(SECRET), wanted == 200, "{sni} {host}: {text}");
    }
    running.events.code(Code::NameMismatch).await;
}

#[tokio::test]
async fn rules_for_an_address_hold_whatever_name_is_spoken_of() {
    let ca = Ca::new();
    let (plain, tls) = (web::web_server(None).await, web::web_server(Some((&ca, &["http/1.1"]))).await);
    let mut setup = Setup::new(&["allowed.example"]).rule(SERVER, &["GET"], &[]);
    setup.roots = vec![ca.root()];
    let running = setup.start();
    for (method, wanted) in [("GET", 200), ("POST", 403)] {
        let stream = running.tunnel(&format!("{SERVER}:{plain}")).await;
        let (status, text) = asked(stream, request(method, "/", "allowed.example")).await;
        assert_eq!(status, wanted, "{method}: {text}");
        let place = format!("{SERVER}:{tls}");
        let stream = running.tls(&place, "allowed.example", &running.root(), &["http/1.1"]).await;
        let (status, text) = asked(stream.unwrap(), request(method, "/", "allowed.example")).await;
        assert_eq!(status, wanted, "{method} in TLS: {text}");
    }
}

#[tokio::test]
async fn heads_count_against_a_budget() {
    let port = web::web_server(None).await;
    let mut setup = Setup::new(&["allowed.example"]);
    setup.budgets = Budgets { upload: Some(4000), new_names: None };
    let running = setup.start();
    let place = format!("allowed.example:{port}");
    let long = "x".repeat(2500);
    for wanted in [200, 403] {
        let stream = running.tunnel(&place).await;
        let (status, text) = asked(stream, request("GET", &format!("/?{long}"), &place)).await;
        assert_eq!(status, wanted, "{text}");
    }
    running.events.code(Code::UploadBudget).await;
    for part in ["x-long", "cookie"] {
        let stream = running.tunnel(&place).await;
        let mut large = request("GET", "/", &place);
        large.headers_mut().insert(part, long.parse().unwrap());
        assert_eq!(asked(stream, large).await.0, 403, "{part}");
    }
    let stream = running.tunnel(&place).await;
    assert_eq!(asked(stream, request("GET", "/", &place)).await.0, 200, "what is left may be used");
}
