//! Servers inside that the host reaches on its loopback.

use super::config::Inside;
use super::session::Session;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener as Listener};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// How long accepting pauses when something fails.
const PAUSE: Duration = Duration::from_millis(50);

/// Accepts on the host until the broker ends, and passes each connection to the port inside.
pub(crate) fn serve(
    session: &Arc<Session>,
    listener: Listener,
    port: u16,
    sockets: Arc<dyn Inside>,
) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?;
    let session = Arc::clone(session);
    tokio::spawn(async move {
        loop {
            let outer = match listener.accept().await {
                Ok((outer, _)) => outer,
                Err(error) if session.makes_room(&error).await => continue,
                Err(error) => {
                    session.cannot_accept(&error);
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
            };
            let slot = session.slot().await;
            // It comes from the host, and is not looked at.
            slot.works();
            let (session, sockets) = (Arc::clone(&session), Arc::clone(&sockets));
            tokio::spawn(async move {
                if let Err(error) = pass(&session, outer, port, sockets).await {
                    session.fault("pass a connection to a server inside", &error);
                }
                drop(slot);
            });
        }
    });
    Ok(())
}

/// A connection that nobody inside takes is closed, as it would be without a garden.
async fn pass(
    session: &Session,
    mut outer: TcpStream,
    port: u16,
    sockets: Arc<dyn Inside>,
) -> io::Result<()> {
    let socket = tokio::task::spawn_blocking(move || sockets.socket()).await.map_err(io::Error::other)??;
    socket.set_nonblocking(true)?;
    let server = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let connecting = TcpSocket::from_std_stream(socket).connect(server);
    let mut inner = match tokio::time::timeout(session.limits.connect, connecting).await {
        Ok(Ok(inner)) => inner,
        Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => return Ok(()),
        Ok(Err(error)) => return Err(error),
        Err(_) => return Err(io::ErrorKind::TimedOut.into()),
    };
    for stream in [&outer, &inner] {
        // A connection without it is slower, and otherwise the same.
        let _ = stream.set_nodelay(true);
    }
    match tokio::io::copy_bidirectional(&mut outer, &mut inner).await {
        Err(error) if error.kind() != io::ErrorKind::ConnectionReset => Err(error),
        _ => Ok(()),
    }
}
