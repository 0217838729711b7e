//! The proxy that programs are told of: HTTP CONNECT, plain HTTP, SOCKS 5, told apart by the first byte.

use super::connection::Connection;
use super::dial::{Dialled, dial};
use super::engine::{self, Scope};
use super::replies;
use super::rewind::Rewind;
use super::tunnel::{self, Client, Place, broken, closed, gone, in_time, read_more};
use crate::core::http::{Head, Target, basic_credentials, head, same_secret};
use crate::core::{Code, Host, Opening, Progress, Protocol, Ruling, opening, socks};
use std::sync::Arc;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

/// User name and password that a client must show.
pub(crate) type Credentials = Option<(String, String)>;

pub(crate) async fn run(connection: Arc<Connection>, stream: TcpStream, credentials: Arc<Credentials>) {
    let mut client = Client { stream, sent: Vec::new() };
    let spoken = in_time(&connection, async {
        loop {
            match opening(&client.sent) {
                Progress::Done { value, .. } => return Ok(value),
                // Only two protocols are spoken here, and the first byte of a head is enough.
                Progress::Partial if !client.sent.is_empty() => return Ok(Opening::Http1),
                Progress::Partial => {}
            }
            if read_more(&client.stream, &mut client.sent).await.map_err(broken)? == 0 {
                return Ok(Opening::Endless);
            }
        }
    })
    .await;
    match spoken {
        Ok(Opening::Socks5) => Box::pin(socks5(connection, client, &credentials)).await,
        Ok(Opening::Http1 | Opening::Other) => Box::pin(http(connection, client, &credentials)).await,
        Ok(Opening::Endless) if client.sent.is_empty() => {}
        Ok(_) => {
            let ruling = Ruling::deny(Code::Protocol, "this is a proxy for HTTP/1.1 and SOCKS 5");
            connection.refuse(Protocol::Tcp, None, 0, &ruling);
        }
        Err(ruling) => connection.refuse(Protocol::Tcp, None, 0, &ruling),
    }
}

async fn http(connection: Arc<Connection>, mut client: Client, credentials: &Credentials) {
    let (head, used) = match first_head(&connection, &mut client).await {
        Ok(Some(read)) => read,
        Ok(None) => return,
        Err(ruling) => return Box::pin(answer(&connection, &mut client, None, 0, &ruling)).await,
    };
    if !shown(&head, credentials) {
        let ruling = Ruling::deny(Code::Credentials, "the session's user name and password are not shown");
        return Box::pin(answer(&connection, &mut client, None, 0, &ruling)).await;
    }
    connection.works();
    match head.target {
        Target::Authority { host, port } => {
            client.sent.drain(..used);
            connect(connection, client, host, port).await;
        }
        Target::Absolute { .. } => {
            let scope = Scope {
                asked: None,
                reached: None,
                is_tls: false,
                is_http2: false,
                protocols: Vec::new(),
                failed: None,
            };
            Box::pin(engine::serve(connection, Rewind::new(client.stream, client.sent), scope, None)).await;
        }
        Target::Origin(_) | Target::Asterisk => {
            let ruling = Ruling::deny(Code::Malformed, "this is a proxy: the request must name its host");
            Box::pin(answer(&connection, &mut client, None, 0, &ruling)).await;
        }
    }
}

async fn first_head(connection: &Connection, client: &mut Client) -> Result<Option<(Head, usize)>, Ruling> {
    in_time(connection, async {
        loop {
            match head(&client.sent) {
                Ok(Progress::Done { value, used }) => return Ok(Some((value, used))),
                Ok(Progress::Partial) => {}
                Err(fault) => return Err(Ruling::deny(Code::Malformed, fault.reason())),
            }
            if read_more(&client.stream, &mut client.sent).await.map_err(broken)? == 0 {
                return Ok(None);
            }
        }
    })
    .await
}

fn shown(head: &Head, credentials: &Credentials) -> bool {
    let Some((user, password)) = credentials else { return true };
    let mut values = head.values("proxy-authorization");
    let (Some(value), None) = (values.next(), values.next()) else { return false };
    let Some((shown_user, shown_password)) = basic_credentials(value) else { return false };
    // Both are compared whatever the first comparison says.
    same_secret(&shown_user, user.as_bytes()) & same_secret(&shown_password, password.as_bytes())
}

async fn connect(connection: Arc<Connection>, mut client: Client, host: Host, port: u16) {
    let left = async {
        if client.sent.is_empty() {
            closed(&client.stream).await;
        } else {
            gone(&client.stream).await;
        }
    };
    match reached(&connection, &host, port, left).await {
        Err(ruling) => Box::pin(answer(&connection, &mut client, Some(&host), port, &ruling)).await,
        Ok((ruling, server)) => {
            let done = client.stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await;
            if done.is_ok() {
                let place = Place { host, port, protocol: Protocol::Connect, ruling };
                Box::pin(tunnel::run(connection, client, place, server)).await;
            }
        }
    }
}

/// Decides and connects. `left` ends when there is nobody any more to connect for.
pub(crate) async fn reached(
    connection: &Connection,
    host: &Host,
    port: u16,
    left: impl Future<Output = ()>,
) -> Result<(Ruling, Dialled), Ruling> {
    let ruling = Box::pin(connection.session.decide(host, port, connection.client)).await?;
    tokio::select! {
        biased;
        server = Box::pin(dial(connection, host, port)) => Ok((ruling, server?)),
        () = left => {
            Err(Ruling::deny(Code::ConnectFailed, "the client went away before its server was connected"))
        }
    }
}

/// Tells of a refusal, and answers it.
async fn answer(
    connection: &Connection,
    client: &mut Client,
    host: Option<&Host>,
    port: u16,
    ruling: &Ruling,
) {
    let protocol = if host.is_some() { Protocol::Connect } else { Protocol::Http };
    connection.refuse(protocol, host, port, ruling);
    // The client may be gone; it was told if it wanted to know.
    if client.stream.write_all(&replies::response(host, port, ruling)).await.is_ok() {
        finish(&mut client.stream).await;
    }
}

/// Ends a connection so that the last answer arrives: what the client still sends is read, within bounds, because closing
/// over unread bytes would reset the connection.
async fn finish(stream: &mut TcpStream) {
    let _ = stream.shutdown().await;
    let drain = async {
        let mut read = 0;
        let mut piece = Vec::new();
        while read < 256 * 1024 {
            piece.clear();
            match read_more(stream, &mut piece).await {
                Ok(0) | Err(_) => return,
                Ok(more) => read += more,
            }
        }
    };
    let _ = tokio::time::timeout(std::time::Duration::from_secs(1), drain).await;
}

async fn socks5(connection: Arc<Connection>, mut client: Client, credentials: &Credentials) {
    let asked = in_time(&connection, socks_request(&mut client, credentials)).await;
    let request = match asked {
        Ok(request) => request,
        Err(ruling) => return connection.refuse(Protocol::Socks5, None, 0, &ruling),
    };
    connection.works();
    let refusal = |ruling: &Ruling, host: Option<&Host>| {
        connection.refuse(Protocol::Socks5, host, request.port, ruling);
    };
    if request.command != socks::Command::Connect {
        refusal(&Ruling::deny(Code::Protocol, "only SOCKS connections are carried"), None);
        return say(&mut client, socks::Reply::CommandUnknown).await;
    }
    let host = match request.host {
        Ok(host) => host,
        Err(fault) => {
            refusal(&Ruling::deny(Code::HostMalformed, fault.reason()), None);
            return say(&mut client, socks::Reply::NotAllowed).await;
        }
    };
    match reached(&connection, &host, request.port, closed(&client.stream)).await {
        Err(ruling) => {
            refusal(&ruling, Some(&host));
            say(&mut client, socks_reply(&ruling)).await;
        }
        Ok((ruling, server)) => {
            if client.stream.write_all(&socks::reply(socks::Reply::Succeeded)).await.is_ok() {
                let place = Place { host, port: request.port, protocol: Protocol::Socks5, ruling };
                Box::pin(tunnel::run(connection, client, place, server)).await;
            }
        }
    }
}

fn socks_reply(ruling: &Ruling) -> socks::Reply {
    match ruling.code {
        Code::ResolveFailed => socks::Reply::HostUnreachable,
        Code::ConnectFailed => socks::Reply::Refused,
        _ => socks::Reply::NotAllowed,
    }
}

async fn say(client: &mut Client, reply: socks::Reply) {
    if client.stream.write_all(&socks::reply(reply)).await.is_ok() {
        finish(&mut client.stream).await;
    }
}

/// Greeting, credentials and request.
async fn socks_request(client: &mut Client, credentials: &Credentials) -> Result<socks::Request, Ruling> {
    let greeting = next(client, socks::greeting).await?;
    let method = greeting.choose(credentials.is_some());
    client.stream.write_all(&socks::choice(method)).await.map_err(broken)?;
    let refused = || Ruling::deny(Code::Credentials, "the session's user name and password are not shown");
    match method {
        None => return Err(refused()),
        Some(socks::Method::Nothing) => {}
        Some(socks::Method::Password) => {
            let shown = next(client, socks::credentials).await?;
            let accepted = credentials.as_ref().is_none_or(|(user, password)| {
                same_secret(&shown.user, user.as_bytes()) & same_secret(&shown.password, password.as_bytes())
            });
            client.stream.write_all(&socks::credentials_reply(accepted)).await.map_err(broken)?;
            if !accepted {
                return Err(refused());
            }
        }
    }
    next(client, socks::request).await
}

async fn next<T>(
    client: &mut Client,
    parse: impl Fn(&[u8]) -> Result<Progress<T>, socks::SocksFault>,
) -> Result<T, Ruling> {
    loop {
        match parse(&client.sent) {
            Ok(Progress::Done { value, used }) => {
                client.sent.drain(..used);
                return Ok(value);
            }
            Ok(Progress::Partial) => {}
            Err(fault) => return Err(Ruling::deny(Code::Malformed, fault.reason())),
        }
        if read_more(&client.stream, &mut client.sent).await.map_err(broken)? == 0 {
            return Err(Ruling::deny(Code::Malformed, "the client closed within its request"));
        }
    }
}
