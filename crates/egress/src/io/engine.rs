//! Requests of HTTP/1 and HTTP/2, one by one: each is judged, gets its secrets, and goes on with a streamed body. Messages
//! are written anew from what was understood, so that no server reads another message than the one that was judged.

use super::body::{Failure, Received, Sent};
use super::connection::{Connection, Running, Told};
use super::dial::{Dialled, dial};
use super::relay::{OverBudget, Way};
use super::replies;
use super::rewind::Rewind;
use super::server::Server;
use super::upgrade::{self, Bridge, upgrade_of};
use crate::core::{
    BodySecrets, Code, Host, Protocol, Request as Seen, RequestView, Ruling, SecretSeen, Token, Toward,
    authority,
};
use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Request, Response, StatusCode, Uri, Version};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body as _, Incoming};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::convert::Infallible;
use std::error::Error as _;
use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};

type Outgoing = UnsyncBoxBody<Bytes, Failure>;

/// Headers that speak of one connection only (RFC 9110 section 7.6.1), and those meant for a proxy.
const HOP_BY_HOP: &[&str] = &[
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "transfer-encoding",
    "upgrade",
    "expect",
];

/// What the client's side of a connection is.
#[derive(Clone)]
pub(crate) struct Scope {
    /// The host and port that were asked for and decided on; `None` if each request names its own, as to a proxy. Where a
    /// certificate shows who is at a bare address, the name in it.
    pub(crate) asked: Option<(Host, u16)>,
    /// What is connected to, where that is another than `asked`: the bare address.
    pub(crate) reached: Option<Host>,
    /// True if TLS was opened, so that requests go on over TLS.
    pub(crate) is_tls: bool,
    /// True if the server is known to speak HTTP/2 without TLS.
    pub(crate) is_http2: bool,
    /// What is offered to the server inside TLS.
    pub(crate) protocols: Vec<Vec<u8>>,
    /// Why nothing can be asked of the server. It is told of with each request, or at the end if none came.
    pub(crate) failed: Option<Ruling>,
}

impl Scope {
    /// What is connected to; `None` if each request names its own.
    fn reached(&self) -> Option<&Host> {
        self.reached.as_ref().or(self.asked.as_ref().map(|(asked, _)| asked))
    }
}

struct Engine {
    connection: Arc<Connection>,
    scope: Scope,
    client: Client<Connector, Outgoing>,
    /// True once a request was refused because the server cannot be asked.
    failure_told: AtomicBool,
}

/// Serves the client's requests until it is done. `ready` is a connection that was made already.
pub(crate) async fn serve<S>(
    connection: Arc<Connection>,
    client: Rewind<S>,
    scope: Scope,
    ready: Option<Server>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    connection.waits();
    let client = client.telling(&connection);
    let connector = Connector {
        connection: Arc::clone(&connection),
        scope: scope.clone(),
        ready: Arc::new(Mutex::new(ready)),
    };
    let outgoing = Client::builder(TokioExecutor::new())
        .pool_idle_timeout(Duration::from_secs(60))
        .pool_timer(TokioTimer::new())
        .timer(TokioTimer::new())
        .http2_only(scope.is_http2)
        .build(connector);
    let head = connection.session.limits.head;
    let failure_told = AtomicBool::new(false);
    let engine = Arc::new(Engine { connection, scope, client: outgoing, failure_told });
    let served = Arc::clone(&engine);
    let mut builder = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(head).max_headers(128).half_close(true);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(64 * 1024)
        .max_concurrent_streams(256)
        .keep_alive_interval(Duration::from_secs(60))
        .keep_alive_timeout(head);
    let service = hyper::service::service_fn(move |request| {
        let engine = Arc::clone(&engine);
        async move { Ok::<_, Infallible>(engine.handle(request).await) }
    });
    let outcome = builder.serve_connection_with_upgrades(TokioIo::new(client), service).await;
    let untold = served.scope.failed.clone().filter(|_| !served.failure_told.load(Ordering::Relaxed));
    if let Some(ruling) = untold.or_else(|| misspoken(&*outcome.err()?)) {
        let (host, port) = served.scope.asked.as_ref().map_or((None, 0), |(host, port)| (Some(host), *port));
        served.connection.refuse(served.protocol(), host, port, &ruling);
    }
}

/// The refusal of a client that spoke no HTTP, or not in time. One that broke off only ended its own connection.
fn misspoken(error: &(dyn std::error::Error + 'static)) -> Option<Ruling> {
    let own = error.downcast_ref::<hyper::Error>()?;
    if own.is_timeout() {
        return Some(Ruling::deny(Code::Limit, "the client did not finish the head of its request in time"));
    }
    let is_broken = own.is_incomplete_message() || own.is_closed() || own.is_canceled() || own.is_shutdown();
    let mut cause = own.source();
    let mut words = own.to_string();
    while let Some(one) = cause {
        if one.is::<io::Error>() {
            return None;
        }
        words = one.to_string();
        cause = one.source();
    }
    let is_foreign = own.is_parse() || own.source().is_some();
    (is_foreign && !is_broken)
        .then(|| Ruling::deny(Code::Malformed, format!("the client speaks no well-formed HTTP: {words}")))
}

/// The host that a request seemed to be for, and why it is refused.
type Unaddressed = (Option<Host>, Ruling);

/// A request that may go on.
struct Passed {
    host: Host,
    port: u16,
    told: Seen,
    ruling: Ruling,
    running: Running,
}

impl Engine {
    fn protocol(&self) -> Protocol {
        if self.scope.is_tls { Protocol::TlsOpened } else { Protocol::Http }
    }

    async fn handle(&self, request: Request<Incoming>) -> Response<Outgoing> {
        let running = Running::new(&self.connection);
        let seen = seen(&request);
        if let (Some(ruling), Some((host, port))) = (&self.scope.failed, &self.scope.asked) {
            self.failure_told.store(true, Ordering::Relaxed);
            return self.refused(Some(host), *port, seen, ruling);
        }
        let (host, port) = match self.addressed(&request) {
            Ok(place) => place,
            Err(unaddressed) => {
                // In a tunnel the port is that of the tunnel, whatever the request says.
                let port = self.scope.asked.as_ref().map_or(0, |(_, port)| *port);
                return self.refused(unaddressed.0.as_ref(), port, seen, &unaddressed.1);
            }
        };
        match self.judge(&host, port, &request).await {
            Err(ruling) => self.refused(Some(&host), port, seen, &ruling),
            Ok(ruling) => self.forward(request, Passed { host, port, told: seen, ruling, running }).await,
        }
    }

    /// Whom the request is for: the one host that target, `:authority` and Host name.
    fn addressed(&self, request: &Request<Incoming>) -> Result<(Host, u16), Box<Unaddressed>> {
        let malformed = |reason: &'static str| Box::new((None, Ruling::deny(Code::Malformed, reason)));
        let mut named: Option<(Host, Option<u16>)> = None;
        let target = request.uri().authority().map(|authority| authority.as_str().as_bytes());
        let headers = request.headers().get_all(header::HOST).iter().map(HeaderValue::as_bytes);
        let mut count = 0;
        for text in target.into_iter().chain(headers.inspect(|_| count += 1)) {
            let read = str::from_utf8(text).ok().map(authority);
            let Some(Ok(place)) = read else {
                return Err(malformed("the request names no well-formed host"));
            };
            match &named {
                Some(before) if before.0 != place.0 || differ(before.1, place.1) => {
                    let reason = format!("the request is for {}, and its Host says {}", before.0, place.0);
                    let ruling = Ruling::deny(Code::NameMismatch, reason);
                    return Err(Box::new((Some(before.0.clone()), ruling)));
                }
                Some((_, Some(_))) => {}
                _ => named = Some(place),
            }
        }
        if count > 1 {
            return Err(malformed("the request has more than one Host"));
        }
        match (named, &self.scope.asked) {
            (Some((host, port)), None) => Ok((host, port.unwrap_or(80))),
            (None, None) => Err(malformed("the request names no host")),
            (None, Some((asked, port))) => Ok((asked.clone(), *port)),
            (Some((host, port)), Some((asked, asked_port))) => {
                self.same(asked, *asked_port, &host, port)
                    .map_err(|ruling| Box::new((Some(host.clone()), ruling)))?;
                Ok((host, *asked_port))
            }
        }
    }

    fn same(&self, asked: &Host, asked_port: u16, host: &Host, port: Option<u16>) -> Result<(), Ruling> {
        let session = &self.connection.session;
        session.judge.seen(asked, host, asked_port, "Host", &session.grants())?;
        match port {
            Some(port) if port != asked_port => {
                let reason = format!("the connection is to port {asked_port}, and its Host says {port}");
                Err(Ruling::deny(Code::NameMismatch, reason))
            }
            _ => Ok(()),
        }
    }

    async fn judge(&self, host: &Host, port: u16, request: &Request<Incoming>) -> Result<Ruling, Ruling> {
        let session = &self.connection.session;
        let connect = match self.scope.asked {
            Some(_) => None,
            None => Some(session.decide(host, port, self.connection.client).await?),
        };
        let names: Vec<&str> = request.headers().keys().map(HeaderName::as_str).collect();
        let target = request.uri().path_and_query().map_or("", PathAndQuery::as_str);
        let view = RequestView { method: request.method().as_str(), target, headers: &names };
        let ruling = session.judge.request(host, port, view);
        if !ruling.is_allowed() {
            return Err(ruling);
        }
        // What rules say of an address holds whatever name is spoken of there.
        if let Some(reached) = self.scope.reached().filter(|reached| *reached != host) {
            let own = session.judge.request(reached, port, view);
            if !own.is_allowed() {
                return Err(own);
            }
        }
        Ok(if ruling.origin.is_some() { ruling } else { connect.unwrap_or(ruling) })
    }

    async fn forward(&self, mut request: Request<Incoming>, passed: Passed) -> Response<Outgoing> {
        let upgrade = upgrade_of(request.headers()).filter(|_| request.version() == Version::HTTP_11);
        let inside = upgrade.is_some().then(|| hyper::upgrade::on(&mut request));
        let (mut parts, body) = request.into_parts();
        let mut told = Told::new(self.protocol(), Some(&passed.host), passed.port);
        told.request = Some(passed.told.clone());
        clean(&mut parts.headers, parts.version == Version::HTTP_2);
        // Before secrets are put in: what is left of a budget says nothing of their lengths.
        if let Err(ruling) = self.count_head(&parts, &passed) {
            return self.refused(Some(&passed.host), passed.port, passed.told, &ruling);
        }
        let session = Arc::clone(&self.connection.session);
        let toward = session.secrets.toward(self.shown(&passed.host), passed.port, self.scope.is_tls);
        let tokens = match self.put_secrets(&mut parts, &toward, &mut told) {
            Ok(tokens) => tokens,
            Err(ruling) => return self.refused(Some(&passed.host), passed.port, passed.told, &ruling),
        };
        if let Some(protocol) = upgrade {
            if toward.is_trusted() && upgrade::is_websocket(&protocol) {
                // What is compressed could not be searched.
                parts.headers.remove(header::SEC_WEBSOCKET_EXTENSIONS);
            } else {
                let later = toward.upgraded(&told.secrets);
                told.secrets.extend(later);
            }
            parts.headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
            parts.headers.insert(header::UPGRADE, protocol);
        }
        let Some(uri) = self.uri(&passed, &parts.uri) else {
            let ruling = Ruling::deny(Code::Malformed, "the request's target is malformed");
            return self.refused(Some(&passed.host), passed.port, passed.told, &ruling);
        };
        parts.uri = uri;
        if parts.version == Version::HTTP_2 {
            // The authority is in the target; a Host beside it could only say the same.
            parts.headers.remove(header::HOST);
        } else {
            parts.version = Version::HTTP_11;
        }
        let connection = Arc::clone(&self.connection);
        let filter = body_secrets(&parts.headers, &body, &toward, &mut told.secrets);
        let place = (self.shown(&passed.host).clone(), passed.port, self.scope.is_tls);
        let sent = Sent::new(body, connection, place, self.counted(&passed.host).clone(), filter);
        self.connection.tell(told, &passed.ruling);
        let outgoing = Request::from_parts(parts, sent.boxed_unsync());
        match self.client.request(outgoing).await {
            Ok(response) => self.answered(response, inside, passed, (&toward, tokens)),
            Err(error) => {
                let ruling = ruling_of(&error);
                self.refused(Some(&passed.host), passed.port, passed.told, &ruling)
            }
        }
    }

    /// The host that is known to answer. At a bare address without TLS that is the address, whatever name the request says.
    fn shown<'h>(&'h self, named: &'h Host) -> &'h Host {
        self.scope.asked.as_ref().map_or(named, |(asked, _)| asked)
    }

    /// The host that is counted for: what is connected to.
    fn counted<'h>(&'h self, named: &'h Host) -> &'h Host {
        self.scope.reached().unwrap_or(named)
    }

    /// Counts the head of a request, about as HTTP/1.1 writes it.
    fn count_head(&self, parts: &http::request::Parts, passed: &Passed) -> Result<(), Ruling> {
        let target = parts.uri.path_and_query().map_or(1, |target| target.as_str().len());
        let line = parts.method.as_str().len() + target + "  HTTP/1.1\r\n\r\n".len();
        let host = self.counted(&passed.host);
        let counted = Way::Up(host, passed.port).count(&self.connection, line + written(&parts.headers));
        counted.map_err(|error| {
            let unknown = || Ruling::deny(Code::UploadBudget, "the head of the request could not be counted");
            OverBudget::of(&error).cloned().unwrap_or_else(unknown)
        })
    }

    /// Puts secrets into the head of a request. What stands for them in credentials is kept for the answer.
    fn put_secrets(
        &self,
        parts: &mut http::request::Parts,
        toward: &Toward<'_>,
        told: &mut Told<'_>,
    ) -> Result<Vec<Token>, Ruling> {
        let mut tokens = Vec::new();
        if toward.is_trusted() {
            // A compressed echo could not be searched, nor could a part of one.
            parts.headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
            parts.headers.remove(header::RANGE);
        }
        for (name, value) in parts.headers.iter_mut() {
            if *name == header::HOST || *name == header::CONTENT_LENGTH {
                continue;
            }
            let put = toward.header(value.as_bytes());
            told.secrets.extend(put.seen);
            tokens.extend(put.tokens);
            if let Some(Ok(mut changed)) = put.value.map(HeaderValue::try_from) {
                changed.set_sensitive(true);
                *value = changed;
            }
        }
        let put = toward.target(parts.uri.path_and_query().map_or("/", PathAndQuery::as_str));
        told.secrets.extend(put.seen);
        if let Some(target) = put.value {
            let long =
                |_| Ruling::deny(Code::Malformed, "the request's target is too long with the secret in it");
            let target = PathAndQuery::try_from(target).map_err(long)?;
            parts.uri = Uri::from(target);
        }
        Ok(tokens)
    }

    fn uri(&self, passed: &Passed, from: &Uri) -> Option<Uri> {
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(if self.scope.is_tls { Scheme::HTTPS } else { Scheme::HTTP });
        let default = if self.scope.is_tls { 443 } else { 80 };
        let place = match &passed.host {
            host if passed.port != default => host.with_port(passed.port),
            Host::Address(IpAddr::V6(address)) => format!("[{address}]"),
            host => host.text(),
        };
        parts.authority = Some(Authority::try_from(place).ok()?);
        parts.path_and_query = Some(from.path_and_query().cloned().unwrap_or(PathAndQuery::from_static("/")));
        Uri::from_parts(parts).ok()
    }

    fn answered(
        &self,
        mut response: Response<Incoming>,
        inside: Option<hyper::upgrade::OnUpgrade>,
        passed: Passed,
        (toward, tokens): (&Toward<'_>, Vec<Token>),
    ) -> Response<Outgoing> {
        let upgraded = response.status() == StatusCode::SWITCHING_PROTOCOLS;
        let protocol = response.headers().get(header::UPGRADE).cloned();
        clean(response.headers_mut(), false);
        self.connection.session.scrub(response.headers_mut(), &tokens);
        if let (true, Some(inside)) = (upgraded, inside) {
            let outside = hyper::upgrade::on(&mut response);
            let is_searched = toward.is_trusted() && protocol.as_ref().is_some_and(upgrade::is_websocket);
            let searched = is_searched.then(|| upgrade::searched(toward, &tokens)).flatten();
            let bridge = Bridge {
                running: Running::new(&self.connection),
                protocol: self.protocol(),
                host: self.counted(&passed.host).clone(),
                port: passed.port,
                searched,
            };
            tokio::spawn(bridge.carry(inside, outside));
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
            if let Some(protocol) = protocol {
                response.headers_mut().insert(header::UPGRADE, protocol);
            }
        }
        let scrubber = toward.scrubber(&tokens);
        response.map(|inner| Received::new(inner, passed.running, tokens, scrubber).boxed_unsync())
    }

    fn refused(&self, host: Option<&Host>, port: u16, seen: Seen, ruling: &Ruling) -> Response<Outgoing> {
        let mut told = Told::new(self.protocol(), host, port);
        told.request = Some(seen);
        self.connection.tell(told, ruling);
        refusal(host, port, ruling)
    }
}

/// The answer to a request that is refused.
fn refusal(host: Option<&Host>, port: u16, ruling: &Ruling) -> Response<Outgoing> {
    let body = Full::new(Bytes::from(replies::body(host, port, ruling)));
    let mut response = Response::new(body.map_err(|never| match never {}).boxed_unsync());
    *response.status_mut() = StatusCode::from_u16(replies::status(ruling)).unwrap_or(StatusCode::FORBIDDEN);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert("x-garth-denied", HeaderValue::from_static(ruling.code.name()));
    response
}

fn seen(request: &Request<Incoming>) -> Seen {
    let path = request.uri().path();
    let path = path.chars().take(2048).collect();
    Seen { method: request.method().as_str().chars().take(64).collect(), path }
}

/// What puts secrets into a body, if there is one that can be searched.
fn body_secrets(
    headers: &HeaderMap,
    body: &Incoming,
    toward: &Toward<'_>,
    seen: &mut Vec<SecretSeen>,
) -> Option<BodySecrets> {
    if body.is_end_stream() {
        return None;
    }
    let plain = |value: &HeaderValue| value.as_bytes().trim_ascii().eq_ignore_ascii_case(b"identity");
    if !headers.get_all(header::CONTENT_ENCODING).iter().all(plain) {
        seen.extend(toward.coded_body());
        return None;
    }
    // Each message of gRPC says for itself whether it is compressed; those that are not are searched.
    if !headers.get_all("grpc-encoding").iter().all(plain) {
        seen.extend(toward.coded_body());
    }
    toward.body(headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes))
}

/// How many bytes these headers are in HTTP/1.1.
pub(super) fn written(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len() + ": \r\n".len()).sum()
}

/// True if both name a port, and not the same.
fn differ(one: Option<u16>, other: Option<u16>) -> bool {
    matches!((one, other), (Some(one), Some(other)) if one != other)
}

/// Takes out what speaks of one connection only, also what the message itself declares to be such.
fn clean(headers: &mut HeaderMap, keeps_trailers: bool) {
    let declared: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|word| word.trim().parse().ok())
        .collect();
    let wants_trailers =
        keeps_trailers && headers.get(header::TE).is_some_and(|value| value.as_bytes() == b"trailers");
    for name in declared.iter().filter(|name| **name != header::HOST && **name != header::CONTENT_LENGTH) {
        headers.remove(name);
    }
    for name in HOP_BY_HOP {
        headers.remove(*name);
    }
    headers.remove("http2-settings");
    if wants_trailers {
        headers.insert(header::TE, HeaderValue::from_static("trailers"));
    }
}

/// A refusal on its way through hyper's errors.
#[derive(Debug)]
struct Refused(Ruling);

impl std::fmt::Display for Refused {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.0.reason)
    }
}

impl std::error::Error for Refused {}

fn ruling_of(error: &(dyn std::error::Error + 'static)) -> Ruling {
    let mut cause = Some(error);
    let mut words = error.to_string();
    while let Some(one) = cause {
        if let Some(refused) = one.downcast_ref::<Refused>() {
            return refused.0.clone();
        }
        if let Some(ruling) = one.downcast_ref::<io::Error>().and_then(OverBudget::of) {
            return ruling.clone();
        }
        words = one.to_string();
        cause = one.source();
    }
    Ruling::deny(Code::ConnectFailed, format!("the server did not answer: {words}"))
}

/// Connects to the host of a request that was judged.
#[derive(Clone)]
struct Connector {
    connection: Arc<Connection>,
    scope: Scope,
    ready: Arc<Mutex<Option<Server>>>,
}

impl tower_service::Service<Uri> for Connector {
    type Response = Server;
    type Error = Refused;
    type Future = Pin<Box<dyn Future<Output = Result<Server, Refused>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Refused>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connector = self.clone();
        Box::pin(async move { connector.connect(&uri).await.map_err(Refused) })
    }
}

impl Connector {
    async fn connect(&self, uri: &Uri) -> Result<Server, Ruling> {
        if let Some(ready) = super::session::lock(&self.ready).take() {
            return Ok(ready);
        }
        let place = uri.authority().map(|place| authority(place.as_str()));
        let Some(Ok((host, port))) = place else {
            return Err(Ruling::deny(Code::Malformed, "the request names no well-formed host"));
        };
        let port = port.unwrap_or(if self.scope.is_tls { 443 } else { 80 });
        // A connection to a bare address stays one, whatever name its requests speak of.
        let target = self.scope.reached().unwrap_or(&host);
        let session = &self.connection.session;
        let Dialled { stream, .. } = dial(&self.connection, target, port).await?;
        if !self.scope.is_tls {
            return Ok(Server::Plain(stream));
        }
        let opened =
            session.tls.connect(stream, &host, self.scope.protocols.clone(), session.limits.connect).await?;
        Ok(Server::Tls(Box::new(opened)))
    }
}
