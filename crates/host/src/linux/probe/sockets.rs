//! Attacks on servers whose unix socket can be seen.

use super::race::{Meanwhile, enough};
use super::raw;
use crate::probe::Row;
use crate::probe::{Act, Arguments, Refusal};
use rustix::fs::{AtFlags, CWD, RenameFlags, linkat, renameat, renameat_with, symlinkat};
use rustix::io::Errno;
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Instant;

pub(super) const ACTIONS: &[Row] = &[
    ("own-server", own_server),
    ("own-server-by-link", own_server_by_link),
    ("pair-datagram", pair_datagram),
    ("connect-without-waiting", connect_without_waiting),
    ("move-then-connect", move_then_connect),
    ("link-then-connect", link_then_connect),
    ("swap-address", swap_address),
    ("swap-socket", swap_socket),
    ("swap-descriptor", swap_descriptor),
];

fn broken(error: impl std::fmt::Display) -> Refusal {
    Refusal::broken(format!("preparing: {error}"))
}

/// A server that says hello to whoever comes.
fn serve(path: &Path) -> Result<(), Refusal> {
    let listener = UnixListener::bind(path).map_err(broken)?;
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut stream = stream;
            let _gone = stream.write_all(b"hello");
        }
    });
    Ok(())
}

fn greeted(path: &Path) -> Act {
    let mut text = [0; 5];
    UnixStream::connect(path)?.read_exact(&mut text)?;
    if &text == b"hello" { Ok(()) } else { Err(Refusal::broken("other bytes arrived")) }
}

/// A server and a client inside find each other (path).
fn own_server(arguments: &Arguments<'_>) -> Act {
    serve(arguments.path(0)?)?;
    greeted(arguments.path(0)?)
}

/// The same through a symbolic link (path, link).
fn own_server_by_link(arguments: &Arguments<'_>) -> Act {
    serve(arguments.path(0)?)?;
    symlinkat(arguments.path(0)?, CWD, arguments.path(1)?).map_err(broken)?;
    greeted(arguments.path(1)?)
}

/// An address of a unix socket, as the kernel wants it.
fn address(path: &Path) -> Result<Vec<u8>, Refusal> {
    let mut bytes = 1u16.to_ne_bytes().to_vec();
    bytes.extend_from_slice(&raw::text(path)?);
    Ok(bytes)
}

fn number(socket: &impl AsRawFd) -> Result<usize, Refusal> {
    usize::try_from(socket.as_raw_fd()).map_err(|_| Refusal::broken("no descriptor"))
}

/// Sends a datagram to a path from one end of a pair that is connected to the other (path).
fn pair_datagram(arguments: &Arguments<'_>) -> Act {
    const DATAGRAM: usize = 2;
    let mut pair = [0i32; 2];
    raw::call(libc::SYS_socketpair, &[1, DATAGRAM, 0, raw::address(&mut pair[..])])?;
    let end = usize::try_from(pair[0]).map_err(|_| Refusal::broken("no descriptor"))?;
    let (mut text, mut name) = (*b"hello", address(arguments.path(0)?)?);
    let length = name.len();
    raw::call(
        libc::SYS_sendto,
        &[end, raw::address(&mut text[..]), 5, 0, raw::address(&mut name[..]), length],
    )?;
    Ok(())
}

fn connect(socket: usize, name: &mut [u8]) -> Act {
    let length = name.len();
    raw::call(libc::SYS_connect, &[socket, raw::address(name), length])?;
    Ok(())
}

fn unix_socket(flags: i32) -> Result<OwnedFd, Refusal> {
    let kind = usize::try_from(libc::SOCK_STREAM | flags).map_err(|_| Refusal::broken("flags"))?;
    raw::descriptor(libc::SYS_socket, &[1, kind, 0])
}

/// Connects a socket that does not wait (path).
fn connect_without_waiting(arguments: &Arguments<'_>) -> Act {
    let socket = unix_socket(libc::SOCK_NONBLOCK)?;
    connect(number(&socket)?, &mut address(arguments.path(0)?)?)
}

/// Moves a socket of the host over one that was made inside, and connects by that name (host's, own).
fn move_then_connect(arguments: &Arguments<'_>) -> Act {
    let (host, own) = (arguments.path(0)?, arguments.path(1)?);
    serve(own)?;
    greeted(own).map_err(|refusal| broken(format!("{refusal:?}")))?;
    renameat(CWD, host, CWD, own)?;
    let result = UnixStream::connect(own);
    // The host's socket goes back to where others expect it.
    let _back = renameat(CWD, own, CWD, host);
    result?;
    Ok(())
}

/// Makes another name for a socket of the host and connects by it (host's, own).
fn link_then_connect(arguments: &Arguments<'_>) -> Act {
    linkat(CWD, arguments.path(0)?, CWD, arguments.path(1)?, AtFlags::empty())?;
    UnixStream::connect(arguments.path(1)?)?;
    Ok(())
}

/// Whether a connected socket's server is not the one inside.
fn is_outside(stream: &UnixStream, own: &Path) -> bool {
    stream.peer_addr().is_ok_and(|peer| peer.as_pathname().is_some_and(|path| path != own))
}

/// Changes the path in an address while the connection is decided on (own, host's; of the same length). Succeeds
/// when the host's server is reached.
fn swap_address(arguments: &Arguments<'_>) -> Act {
    let own = arguments.path(0)?;
    serve(own)?;
    let (from, to) = (address(own)?, address(arguments.path(1)?)?);
    if from.len() != to.len() {
        return Err(Refusal::broken("the two paths differ in length"));
    }
    let text: Arc<Vec<AtomicU8>> = Arc::new(from.iter().map(|byte| AtomicU8::new(*byte)).collect());
    let shared = Arc::clone(&text);
    let mut meanwhile = Meanwhile::run(move || {
        for wanted in [&to, &from] {
            for (slot, byte) in shared.iter().zip(wanted) {
                slot.store(*byte, Ordering::Relaxed);
            }
        }
        true
    });
    let begun = Instant::now();
    let mut made = 0;
    while meanwhile.goes_on(begun, made) {
        let socket = unix_socket(0)?;
        let connected = raw::call(libc::SYS_connect, &[number(&socket)?, text.as_ptr().addr(), text.len()]);
        if connected.is_ok() {
            made += 1;
            if is_outside(&UnixStream::from(socket), own) {
                return Ok(());
            }
        }
    }
    enough(made, meanwhile.end())
}

/// Exchanges a link to an own socket with one to the host's while connections are made through it
/// (own, host's, scratch directory).
fn swap_socket(arguments: &Arguments<'_>) -> Act {
    let (own, scratch) = (arguments.path(0)?, arguments.path(2)?);
    serve(own)?;
    std::fs::create_dir_all(scratch).map_err(broken)?;
    let (one, two) = (scratch.join("one"), scratch.join("two"));
    symlinkat(own, CWD, &one).map_err(broken)?;
    symlinkat(arguments.path(1)?, CWD, &two).map_err(broken)?;
    let link = one.clone();
    let mut meanwhile =
        Meanwhile::run(move || renameat_with(CWD, &one, CWD, &two, RenameFlags::EXCHANGE).is_ok());
    let begun = Instant::now();
    let mut made = 0;
    while meanwhile.goes_on(begun, made) {
        if let Ok(stream) = UnixStream::connect(&link) {
            made += 1;
            if is_outside(&stream, own) {
                return Ok(());
            }
        }
    }
    enough(made, meanwhile.end())
}

/// Puts a unix socket under the number of an internet socket, and back, while that is connected to the host's
/// address (host's). Succeeds when the unix socket is connected.
fn swap_descriptor(arguments: &Arguments<'_>) -> Act {
    let internet = raw::descriptor(libc::SYS_socket, &[2, 2, 0])?;
    let place = internet.try_clone().map_err(broken)?;
    let unix = unix_socket(0)?;
    let at = number(&place)?;
    let (first, second) = (number(&unix)?, number(&internet)?);
    let mut meanwhile = Meanwhile::run(move || {
        [first, second].iter().all(|from| raw::call(libc::SYS_dup2, &[*from, at]).is_ok())
    });
    let mut name = address(arguments.path(0)?)?;
    let begun = Instant::now();
    let mut tried = 0;
    while meanwhile.goes_on(begun, tried) {
        let _refused = connect(at, &mut name);
        tried += 1;
        let mut peer = [0u8; 128];
        let mut length = 128u32;
        let asked = [first, raw::address(&mut peer[..]), raw::address(&mut length)];
        if raw::call(libc::SYS_getpeername, &asked).is_ok() {
            return Ok(());
        }
    }
    let swaps = meanwhile.end();
    if swaps == 0 { Err(Refusal::broken("no race: nothing was swapped")) } else { Err(Errno::ACCESS.into()) }
}
