//! Attacks on the network: past the relay, and through it.

use crate::probe::{Act, Arguments, Refusal, Row};
use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, ToSocketAddrs, UdpSocket};
use std::time::Duration;

pub(super) const ACTIONS: &[Row] = &[
    ("connect", connect),
    ("send-datagram", send_datagram),
    ("listen", |given| Ok(TcpListener::bind((given.text(0)?, 0)).map(|_| ())?)),
    ("resolve", resolve),
    ("proxy", proxy),
    ("proxy-socks", socks),
];

const PATIENCE: Duration = Duration::from_secs(4);
/// `WSAEACCES`: for a proxy that refuses.
const REFUSED: i32 = 10_013;

fn place(given: &Arguments<'_>) -> Result<SocketAddr, Refusal> {
    let address: IpAddr = given.number(0)?;
    Ok(SocketAddr::new(address, given.number(1)?))
}

fn connect(given: &Arguments<'_>) -> Act {
    match TcpStream::connect_timeout(&place(given)?, PATIENCE) {
        // Nobody answered in time, so nothing came through.
        Err(error) if error.kind() == io::ErrorKind::TimedOut => Err(Refusal::Os(10_060)),
        other => Ok(other.map(|_| ())?),
    }
}

/// Sends a datagram, and waits for the answer of a server that returns it.
fn send_datagram(given: &Arguments<'_>) -> Act {
    let to = place(given)?;
    let own: IpAddr = if to.is_ipv4() { [0, 0, 0, 0].into() } else { [0_u16; 8].into() };
    let socket = UdpSocket::bind((own, 0))?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.send_to(b"garth", to)?;
    match socket.recv(&mut [0; 16]) {
        Err(error) if matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock) => {
            Err(Refusal::Os(10_060))
        }
        other => Ok(other.map(|_| ())?),
    }
}

fn resolve(given: &Arguments<'_>) -> Act {
    match (given.text(0)?, 80).to_socket_addrs() {
        Ok(mut found) => found.next().map(|_| ()).ok_or(Refusal::Os(11_001)),
        Err(error) => Err(error.raw_os_error().map_or(Refusal::Os(11_001), Refusal::Os)),
    }
}

/// Address and credentials of the session's proxy, by its variable.
fn session() -> Result<(SocketAddr, String, String), Refusal> {
    let none = || Refusal::broken("no proxy is named");
    let value = std::env::var("HTTPS_PROXY").map_err(|_| none())?;
    let (pair, at) = value.strip_prefix("http://").and_then(|rest| rest.split_once('@')).ok_or_else(none)?;
    let (user, password) = pair.split_once(':').ok_or_else(none)?;
    let at = at.parse().map_err(|_| none())?;
    Ok((at, user.to_owned(), password.to_owned()))
}

/// The three letters of a group in base 64 (RFC 4648), padded.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |group: &[u8]| {
        let bits =
            group.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        let letter = move |at: usize| {
            let index = (bits >> (18 - 6 * at) & 63) as usize;
            if at > group.len() { '=' } else { char::from(LETTERS[index]) }
        };
        (0..4).map(letter).collect::<String>()
    };
    bytes.chunks(3).map(group).collect()
}

/// `CONNECT` to a host and port by the session's proxy. Credentials: `session`, `none` or `wrong`.
fn proxy(given: &Arguments<'_>) -> Act {
    let (at, user, password) = session()?;
    let target = format!("{}:{}", given.text(0)?, given.text(1)?);
    let password = match given.text(2)? {
        "session" => Some(password),
        "wrong" => Some("0".repeat(password.len())),
        _ => None,
    };
    let shown = password.map_or_else(String::new, |password| {
        format!("Proxy-Authorization: Basic {}\r\n", base64(format!("{user}:{password}").as_bytes()))
    });
    let mut socket = TcpStream::connect_timeout(&at, PATIENCE)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.write_all(format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{shown}\r\n").as_bytes())?;
    let mut answer = [0; 12];
    socket.read_exact(&mut answer)?;
    if answer == *b"HTTP/1.1 200" { Ok(()) } else { Err(Refusal::Os(REFUSED)) }
}

/// The same by SOCKS 5 without a password.
fn socks(given: &Arguments<'_>) -> Act {
    let (at, ..) = session()?;
    let host = given.text(0)?;
    let port: u16 = given.number(1)?;
    let mut socket = TcpStream::connect_timeout(&at, PATIENCE)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.write_all(&[5, 1, 0])?;
    let mut chosen = [0; 2];
    socket.read_exact(&mut chosen)?;
    if chosen[1] != 0 {
        return Err(Refusal::Os(REFUSED));
    }
    let length = u8::try_from(host.len()).map_err(|_| Refusal::broken("a long name"))?;
    socket.write_all(&[&[5, 1, 0, 3, length][..], host.as_bytes(), &port.to_be_bytes()].concat())?;
    let mut answer = [0; 2];
    socket.read_exact(&mut answer)?;
    if answer[1] == 0 { Ok(()) } else { Err(Refusal::Os(REFUSED)) }
}

#[cfg(test)]
mod tests {
    use super::base64;

    #[test]
    fn base64_is_that_of_the_standard() {
        for (text, coded) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(base64(text.as_bytes()), coded);
        }
    }
}
