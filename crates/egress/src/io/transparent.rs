//! Redirected connections: the kernel says where each was going, and the name server which name that address stands for.

use super::connection::Connection;
use super::explicit::reached;
use super::tunnel::{self, Client, Place, closed, gone};
use crate::core::{Code, Host, Protocol, Ruling};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpStream;

pub(crate) async fn run(connection: Arc<Connection>, stream: TcpStream) {
    let target = match original_destination(&stream) {
        Ok(target) => target,
        Err(error) => return connection.session.fault("find where a connection was going", &error),
    };
    let host = match asked(&connection, target) {
        Ok(host) => host,
        Err(ruling) => {
            let host = Host::from(target.ip());
            connection.refuse(Protocol::Tcp, Some(&host), target.port(), &ruling);
            return reset(&stream);
        }
    };
    carry(connection, stream, host, target.port()).await;
}

/// Decides, connects and carries; a refusal is a reset after the event.
pub(crate) async fn carry(connection: Arc<Connection>, stream: TcpStream, host: Host, port: u16) {
    // Where it goes is what it wants, until the server is there.
    connection.works();
    let left = async {
        closed(&stream).await;
        // It may still listen to a server that speaks first; but it is the first to go.
        connection.waits();
        gone(&stream).await;
    };
    match reached(&connection, &host, port, left).await {
        Err(ruling) => {
            connection.refuse(Protocol::Tcp, Some(&host), port, &ruling);
            reset(&stream);
        }
        Ok((ruling, server)) => {
            let place = Place { host, port, protocol: Protocol::Tcp, ruling };
            tunnel::run(connection, Client { stream, sent: Vec::new() }, place, server).await;
        }
    }
}

fn reset(stream: &TcpStream) {
    drop(stream.set_zero_linger());
}

fn asked(connection: &Connection, target: SocketAddr) -> Result<Host, Ruling> {
    let synthetic = connection.session.synthetic();
    let address = target.ip();
    if !synthetic.holds(address) {
        return Ok(Host::from(address));
    }
    match synthetic.name(address).map(Host::read) {
        Some(Ok(host)) => Ok(host),
        _ => Err(Ruling::deny(Code::NotNamed, "the address stands for no name of this session")),
    }
}

/// Where the connection was going before the redirect; the local address where there was none.
#[cfg(target_os = "linux")]
fn original_destination(stream: &TcpStream) -> std::io::Result<SocketAddr> {
    use rustix::net::sockopt::{ip_original_dst, ipv6_original_dst};
    let local = stream.local_addr()?;
    let original = match local.ip().to_canonical() {
        std::net::IpAddr::V4(_) => ip_original_dst(stream).map(SocketAddr::V4),
        std::net::IpAddr::V6(_) => ipv6_original_dst(stream).map(SocketAddr::V6),
    };
    // The kernel has no entry for a connection that no rule touched.
    let target = original.unwrap_or(local);
    Ok(SocketAddr::new(target.ip().to_canonical(), target.port()))
}

/// Without a redirect the local address is the destination.
#[cfg(not(target_os = "linux"))]
fn original_destination(stream: &TcpStream) -> std::io::Result<SocketAddr> {
    let local = stream.local_addr()?;
    Ok(SocketAddr::new(local.ip().to_canonical(), local.port()))
}
