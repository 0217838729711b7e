//! The name server inside: allowed names get synthetic addresses, all others do not exist, and nothing is asked outside.

use super::connection::{Connection, Told};
use super::session::Session;
use super::tunnel::read_more;
use crate::core::dns::{self, Kind, LONGEST_QUERY, Query, Reply};
use crate::core::{Code, Front, Host, Progress, Protocol, Ruling};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpStream, UdpSocket};

pub(crate) async fn serve_udp(session: Arc<Session>, socket: UdpSocket, ipv6: bool) {
    let mut message = vec![0; LONGEST_QUERY];
    loop {
        match socket.recv_from(&mut message).await {
            Ok((length, client)) => {
                let asked = message.get(..length).unwrap_or_default();
                if let Some(reply) = answer(&session, asked, Some(client), ipv6) {
                    // A lost answer is asked for again.
                    let _ = socket.send_to(&reply, client).await;
                }
            }
            // An answer that could not be delivered shows up here; the socket is still good.
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => {}
            Err(error) => {
                session.fault("read a question for a name", &error);
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        }
    }
}

pub(crate) async fn serve_tcp(session: Arc<Session>, mut stream: TcpStream, ipv6: bool) {
    let client = stream.peer_addr().ok();
    let mut sent = Vec::new();
    loop {
        while let Progress::Done { value, used } = dns::frame(&sent) {
            let reply = answer(&session, value, client, ipv6);
            sent.drain(..used);
            let Some(reply) = reply else { return };
            if stream.write_all(&dns::framed(&reply)).await.is_err() {
                return;
            }
        }
        let more = tokio::time::timeout(session.limits.head, read_more(&stream, &mut sent)).await;
        if !matches!(more, Ok(Ok(1..))) {
            return;
        }
    }
}

fn answer(session: &Arc<Session>, message: &[u8], client: Option<SocketAddr>, ipv6: bool) -> Option<Vec<u8>> {
    let query = match dns::query(message) {
        Ok(query) => query,
        Err(fault) => return dns::fault_reply(fault),
    };
    let connection = Connection::new(session, Front::Dns, client);
    let ruling = judge(session, &query);
    connection.tell(Told::new(Protocol::Dns, query.host.as_ref(), 0), &ruling);
    let denied = if let Kind::A | Kind::Aaaa | Kind::Service = query.kind {
        Reply::NoSuchName(&ruling.reason)
    } else {
        Reply::Refused(&ruling.reason)
    };
    let Some(host) = query.host.as_ref().filter(|_| ruling.verdict != crate::core::Verdict::Deny) else {
        return Some(dns::reply(&query, &denied));
    };
    let addresses = addresses(session, host, ipv6);
    let reply = match (query.kind, addresses.as_deref()) {
        (Kind::A | Kind::Aaaa, Some(addresses)) => Reply::Addresses(addresses),
        (Kind::A | Kind::Aaaa, None) => Reply::Failure,
        _ => Reply::Empty,
    };
    Some(dns::reply(&query, &reply))
}

fn judge(session: &Session, query: &Query) -> Ruling {
    let Some(host) = &query.host else {
        return Ruling::deny(Code::HostMalformed, "the question is for no host name");
    };
    let ruling = session.judge.resolves(host, &session.grants());
    if ruling.is_allowed()
        && let Err(refusal) = session.note_name(host)
    {
        return refusal;
    }
    ruling
}

fn addresses(session: &Session, host: &Host, ipv6: bool) -> Option<Vec<IpAddr>> {
    let (v4, v6) = session.synthetic().assign(&host.text())?;
    let mut out = vec![IpAddr::V4(v4)];
    if ipv6 {
        out.push(IpAddr::V6(v6));
    }
    Some(out)
}
