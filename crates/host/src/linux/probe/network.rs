//! Attacks over sockets.

use super::raw;
use crate::probe::Row;
use crate::probe::{Act, Arguments, Refusal};
use rustix::io::Errno;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::time::Duration;

pub(super) const ACTIONS: &[Row] = &[
    ("connect", connect),
    ("fast-open", fast_open),
    ("datagram", datagram),
    ("ask-name", ask_name),
    ("any-resolver", any_resolver),
    ("family", family),
    ("raw-socket", raw_socket),
    ("route-socket", route_socket),
    ("unix", unix),
    ("symlink-then-connect", symlink_then_connect),
    ("unix-datagram", unix_datagram),
    ("abstract", abstract_name),
    ("bind-path", bind_path),
    ("pair", pair),
    ("own-loopback", own_loopback),
    ("interfaces", interfaces),
];

const PATIENCE: Duration = Duration::from_millis(400);

fn address(arguments: &Arguments<'_>) -> Result<SocketAddr, Refusal> {
    arguments.text(0)?.parse().map_err(|_| Refusal::broken("no socket address"))
}

fn connect(arguments: &Arguments<'_>) -> Act {
    TcpStream::connect_timeout(&address(arguments)?, PATIENCE).map(|_| ()).map_err(|error| {
        // The library's own time-out has no number.
        error.raw_os_error().map_or(Refusal::Os(libc::ETIMEDOUT), Refusal::Os)
    })
}

/// Sends with `MSG_FASTOPEN`, which connects without `connect(2)`.
fn fast_open(arguments: &Arguments<'_>) -> Act {
    let SocketAddr::V4(to) = address(arguments)? else { return Err(Refusal::broken("not IPv4")) };
    let socket = raw::descriptor(libc::SYS_socket, &[2, 1, 0])?;
    let mut name = [0u8; 16];
    name[0] = 2;
    name[2..4].copy_from_slice(&to.port().to_be_bytes());
    name[4..8].copy_from_slice(&to.ip().octets());
    let mut text = *b"hello";
    let number =
        usize::try_from(std::os::fd::AsRawFd::as_raw_fd(&socket)).map_err(|_| Refusal::broken("fd"))?;
    let flags = libc::MSG_FASTOPEN.cast_unsigned() as usize;
    raw::call(
        libc::SYS_sendto,
        &[number, raw::address(&mut text[..]), text.len(), flags, raw::address(&mut name[..]), name.len()],
    )?;
    Ok(())
}

fn any(to: SocketAddr) -> SocketAddr {
    if to.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0u16; 8], 0).into() }
}

/// Sends a datagram and waits for the echo.
fn exchange(to: SocketAddr, text: &[u8]) -> Act {
    let socket = UdpSocket::bind(any(to))?;
    socket.set_read_timeout(Some(PATIENCE))?;
    // A connected socket learns at once that nobody listens.
    socket.connect(to)?;
    socket.send(text)?;
    let mut answer = [0; 512];
    socket.recv(&mut answer)?;
    Ok(())
}

fn datagram(arguments: &Arguments<'_>) -> Act {
    exchange(address(arguments)?, b"hello")
}

/// A question for the address of `a.test` in the wire format of RFC 1035.
const QUESTION: &[u8] = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x01a\x04test\0\0\x01\0\x01";

/// Asks one name server.
fn ask_name(arguments: &Arguments<'_>) -> Act {
    exchange(address(arguments)?, QUESTION)
}

/// Asks every name server that the system's settings name, and the usual local ones.
fn any_resolver(_: &Arguments<'_>) -> Act {
    let settings = std::fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
    let named = settings.lines().filter_map(|line| line.strip_prefix("nameserver ")?.trim().parse().ok());
    let local = ["127.0.0.1", "127.0.0.53"].iter().filter_map(|text| text.parse().ok());
    let mut last = Err(Refusal::Os(libc::ENETUNREACH));
    for server in named.chain(local) {
        last = exchange(SocketAddr::new(server, 53), QUESTION);
        if last.is_ok() {
            return last;
        }
    }
    last
}

/// A socket of an address family (family, kind, protocol).
fn family(arguments: &Arguments<'_>) -> Act {
    let words: [usize; 3] = [arguments.number(0)?, arguments.number(1)?, arguments.number(2)?];
    raw::descriptor(libc::SYS_socket, &words)?;
    Ok(())
}

fn raw_socket(_: &Arguments<'_>) -> Act {
    raw::descriptor(libc::SYS_socket, &[2, 3, 1])?;
    Ok(())
}

/// The one kind of netlink that programs need: to list interfaces.
fn route_socket(_: &Arguments<'_>) -> Act {
    raw::descriptor(libc::SYS_socket, &[16, 3, 0])?;
    Ok(())
}

fn unix(arguments: &Arguments<'_>) -> Act {
    UnixStream::connect(arguments.path(0)?)?;
    Ok(())
}

/// Makes a link to a socket and connects through it (socket, link).
fn symlink_then_connect(arguments: &Arguments<'_>) -> Act {
    std::os::unix::fs::symlink(arguments.path(0)?, arguments.path(1)?)?;
    UnixStream::connect(arguments.path(1)?)?;
    Ok(())
}

fn unix_datagram(arguments: &Arguments<'_>) -> Act {
    let socket = UnixDatagram::unbound()?;
    socket.send_to(b"hello", arguments.path(0)?)?;
    Ok(())
}

/// Connects to an abstract name, first as stream, then as datagram socket.
fn abstract_name(arguments: &Arguments<'_>) -> Act {
    let name = std::os::unix::net::SocketAddr::from_abstract_name(arguments.text(0)?)?;
    UnixStream::connect_addr(&name)?;
    Ok(())
}

/// Listens on a path, and answers there.
fn bind_path(arguments: &Arguments<'_>) -> Act {
    UnixListener::bind(arguments.path(0)?)?;
    Ok(())
}

/// A connected pair carries bytes.
fn pair(_: &Arguments<'_>) -> Act {
    let (mut one, mut two) = UnixStream::pair()?;
    one.write_all(b"hello")?;
    let mut text = [0; 5];
    two.read_exact(&mut text)?;
    if &text == b"hello" { Ok(()) } else { Err(Refusal::broken("other bytes arrived")) }
}

/// A server and a client inside find each other.
fn own_loopback(_: &Arguments<'_>) -> Act {
    let server = TcpListener::bind("127.0.0.1:0")?;
    let mut client = TcpStream::connect_timeout(&server.local_addr()?, PATIENCE)?;
    let (mut served, _) = server.accept()?;
    client.write_all(b"hello")?;
    let mut text = [0; 5];
    served.read_exact(&mut text)?;
    Ok(())
}

/// Succeeds when there is an interface beside the loopback.
fn interfaces(_: &Arguments<'_>) -> Act {
    let table = std::fs::read_to_string("/proc/net/dev").map_err(Refusal::from)?;
    let names = table.lines().skip(2).filter_map(|line| line.split(':').next()).map(str::trim);
    if names.into_iter().any(|name| name != "lo") { Ok(()) } else { Err(Errno::NODEV.into()) }
}
