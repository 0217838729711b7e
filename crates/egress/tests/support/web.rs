//! A web server that says what it was asked.

use crate::support::{Ca, SERVER, listen};
use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body::Frame;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::convert::Infallible;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

type Body = BoxBody<Bytes, Infallible>;

/// Starts one; with an authority it speaks TLS. `/echo` sends the body and its trailers back with some more, `/told`
/// the whole request backwards, `/coded` its `authorization` and body with the escapes of JSON and in base64, `/ws` upgrades and echoes, `/ws/told` sends frames of a
/// WebSocket back backwards,
/// anything else answers with method, path, and the headers that came.
pub async fn web_server(tls: Option<(&Ca, &[&str])>) -> u16 {
    let (listener, port) = listen(SERVER).await;
    let names = ["allowed.example", "api.example", "other.example"];
    let acceptor = tls.map(|(ca, protocols)| ca.acceptor(&names, protocols));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                match acceptor {
                    None => serve(TokioIo::new(stream)).await,
                    Some(acceptor) => {
                        if let Ok(stream) = acceptor.accept(stream).await {
                            serve(TokioIo::new(stream)).await;
                        }
                    }
                }
            });
        }
    });
    port
}

async fn serve<S: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static>(stream: S) {
    let builder = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
    let service = hyper::service::service_fn(|request: Request<Incoming>| async {
        let path = request.uri().path();
        let (is_told, is_coded) = (path.starts_with("/told"), path.starts_with("/coded"));
        Ok::<_, Infallible>(match (is_told, is_coded) {
            (true, _) => told(request).await,
            (_, true) => coded(request).await,
            _ => answer(request),
        })
    });
    drop(builder.serve_connection_with_upgrades(stream, service).await);
}

fn answer(mut request: Request<Incoming>) -> Response<Body> {
    if request.uri().path().starts_with("/ws") {
        let is_told = request.uri().path() == "/ws/told";
        assert!(!request.headers().contains_key("sec-websocket-extensions"), "it would be compressed");
        let protocol = request.headers()["upgrade"].clone();
        let upgrade = hyper::upgrade::on(&mut request);
        tokio::spawn(async move {
            let mut stream = TokioIo::new(upgrade.await.unwrap());
            if is_told {
                return frames_told(stream).await;
            }
            let mut piece = [0; 1024];
            while let Ok(read @ 1..) = stream.read(&mut piece).await {
                stream.write_all(&piece[..read]).await.unwrap();
            }
        });
        return Response::builder()
            .status(101)
            .header("connection", "upgrade")
            .header("upgrade", protocol)
            .body(Full::new(Bytes::new()).boxed())
            .unwrap();
    }
    if request.uri().path() == "/echo" {
        return echo(request);
    }
    if request.uri().path() == "/away" {
        let query = request.uri().query().map_or_else(String::new, |query| format!("?{query}"));
        return Response::builder()
            .status(302)
            .header("location", format!("https://other.example/{query}"))
            .body(Full::new(Bytes::new()).boxed())
            .unwrap();
    }
    let text = said(&request);
    let reflected = request.headers().get("authorization").cloned();
    let mut response = Response::new(Full::new(Bytes::from(text)).boxed());
    if let Some(reflected) = reflected {
        response.headers_mut().insert("x-reflected", reflected);
    }
    response
}

/// The payload of each short frame backwards, in a frame like it.
async fn frames_told<S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin>(mut stream: S) {
    let mut head = [0; 6];
    while stream.read_exact(&mut head).await.is_ok() {
        let [first, length, mask @ ..] = head;
        let mut payload = vec![0; usize::from(length & 127)];
        stream.read_exact(&mut payload).await.unwrap();
        payload.iter_mut().zip(mask.into_iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
        payload.reverse();
        stream.write_all(&[&[first, length & 127], &payload[..]].concat()).await.unwrap();
    }
}

/// What was sent, as servers for tests of clients write it.
async fn coded(request: Request<Incoming>) -> Response<Body> {
    use base64::Engine as _;
    let login = request.headers().get("authorization").cloned();
    let login = login.map(|value| String::from_utf8(value.as_bytes().to_vec()).unwrap()).unwrap_or_default();
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let encoded = base64::engine::general_purpose::STANDARD.encode([login.as_bytes(), &body[..]].concat());
    let escaped = login.replace('/', "\\/").replace('+', "\\u002B");
    let text = format!("{{\"login\": \"{escaped}\", \"all\": \"data:;base64,{encoded}\"}}");
    let mut response = Response::new(Full::new(Bytes::from(text)).boxed());
    response.headers_mut().insert("x-coded", encoded.parse().unwrap());
    response
}

/// The request with its body, letters from last to first: what takes secrets out of answers does not find them there.
async fn told(request: Request<Incoming>) -> Response<Body> {
    let mut text = said(&request);
    let body = request.into_body().collect().await.unwrap().to_bytes();
    text.push_str(&format!("\n{}", String::from_utf8_lossy(&body)));
    Response::new(Full::new(Bytes::from(text.chars().rev().collect::<String>())).boxed())
}

fn said(request: &Request<Incoming>) -> String {
    let mut text = format!("{} {} {:?}\n", request.method(), request.uri(), request.version());
    for (name, value) in request.headers() {
        text.push_str(&format!("{name}: {}\n", String::from_utf8_lossy(value.as_bytes())));
    }
    text
}

/// Each frame as it comes, then a trailer.
fn echo(request: Request<Incoming>) -> Response<Body> {
    let (send, receive) = tokio::sync::mpsc::channel(1);
    tokio::spawn(async move {
        let reflected = request.headers().get("authorization").cloned();
        let mut trailers = HeaderMap::new();
        let mut body = request.into_body();
        while let Some(Ok(frame)) = body.frame().await {
            let data = match frame.into_data() {
                Ok(data) => data,
                Err(frame) => {
                    trailers.extend(frame.into_trailers().unwrap_or_default());
                    continue;
                }
            };
            if send.send(Frame::data(data)).await.is_err() {
                return;
            }
        }
        if let Some(reflected) = reflected {
            trailers.insert("x-reflected", reflected);
        }
        trailers.insert("grpc-status", "0".parse().unwrap());
        drop(send.send(Frame::trailers(trailers)).await);
    });
    Response::new(StreamBody::new(Frames(receive)).boxed())
}

struct Frames(tokio::sync::mpsc::Receiver<Frame<Bytes>>);

impl futures_core::Stream for Frames {
    type Item = Result<Frame<Bytes>, Infallible>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        self.0.poll_recv(context).map(|frame| frame.map(Ok))
    }
}
