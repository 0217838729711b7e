//! Attacks that take more than one message of HTTP: a header without end, a redirect that is followed.

use super::egress::{address, connected, converse, hear, spoken};
use crate::probe::Row;
use crate::probe::{Act, Arguments, Refusal};
use std::io::{Read, Write};
use std::net::SocketAddr;

pub(super) const ACTIONS: &[Row] = &[
    ("long-header", long_header),
    ("follow", follow),
    ("note-variable", note_variable),
    ("by-proxy", by_proxy),
];

/// Sends a header of so many kilobytes, and waits for the answer (address, kilobytes).
fn long_header(arguments: &Arguments<'_>) -> Act {
    let mut stream = connected(address(arguments, 0)?)?;
    stream.write_all(b"GET / HTTP/1.1\r\nX: ")?;
    for _ in 0..arguments.number::<u32>(1)? {
        stream.write_all(&[b'a'; 1024])?;
    }
    stream.write_all(format!("\r\nHost: {}\r\n\r\n", arguments.text(0)?).as_bytes())?;
    hear(&mut stream, "reached", false)
}

/// Writes down what a variable holds (name, file).
fn note_variable(arguments: &Arguments<'_>) -> Act {
    let value = std::env::var(arguments.text(0)?).map_err(|_| Refusal::broken("no such variable"))?;
    Ok(std::fs::write(arguments.path(1)?, value)?)
}

/// Asks the proxy that `HTTP_PROXY` names, by SOCKS 5 (RFC 1928), with the credentials of an address in a file, or of its own
/// if the file is `-` (file, server, words, answer).
fn by_proxy(arguments: &Arguments<'_>) -> Act {
    let own = std::env::var("HTTP_PROXY").map_err(|_| Refusal::broken("no proxy"))?;
    let shown = match arguments.text(0)? {
        "-" => own.clone(),
        _ => std::fs::read_to_string(arguments.path(0)?).map_err(|_| Refusal::broken("no credentials"))?,
    };
    let parts = |url: &str| {
        let (login, place) = url.strip_prefix("http://")?.rsplit_once('@')?;
        let (user, password) = login.split_once(':')?;
        Some((user.to_owned(), password.to_owned(), place.trim_end_matches('/').to_owned()))
    };
    let (Some((.., place)), Some((user, password, _))) = (parts(&own), parts(&shown)) else {
        return Err(Refusal::broken("no address of a proxy"));
    };
    let proxy: SocketAddr = place.parse().map_err(|_| Refusal::broken("no address of a proxy"))?;
    let SocketAddr::V4(to) = address(arguments, 1)? else { return Err(Refusal::broken("no IPv4")) };
    let mut stream = connected(proxy)?;
    stream.set_read_timeout(Some(super::egress::PATIENCE))?;
    stream.write_all(&[5, 1, 2])?;
    let mut answer = [0; 2];
    stream.read_exact(&mut answer)?;
    let text = |text: &str| [&[u8::try_from(text.len()).unwrap_or(0)][..], text.as_bytes()].concat();
    stream.write_all(&[&[1][..], &text(&user), &text(&password)].concat())?;
    // Refused credentials are the second byte, or the end (RFC 1929).
    if stream.read_exact(&mut answer).is_err() || answer[1] != 0 {
        return Err(Refusal::Os(libc::EACCES));
    }
    stream.write_all(&[&[5, 1, 0, 1][..], &to.ip().octets(), &to.port().to_be_bytes()].concat())?;
    let mut reply = [0; 10];
    stream.read_exact(&mut reply)?;
    if reply[1] != 0 {
        return Err(Refusal::Os(libc::ECONNREFUSED));
    }
    stream.write_all(&spoken(arguments.text(2)?))?;
    hear(&mut stream, arguments.text(3)?, false)
}

/// Asks a server to send it on, and follows with the secret's placeholder, as careless clients do (server, its host,
/// where to be sent, its host, answer).
fn follow(arguments: &Arguments<'_>) -> Act {
    let request = |path: &str, host: &str| {
        spoken(&format!("GET {path} HTTP/1.1|Host: {host}|Authorization: Bearer $TOKEN|Connection: close||"))
    };
    let mut stream = connected(address(arguments, 0)?)?;
    stream.write_all(&request(&format!("/redirect/{}", arguments.text(2)?), arguments.text(1)?))?;
    stream.set_read_timeout(Some(super::egress::PATIENCE))?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer).to_ascii_lowercase();
    let place = answer.lines().find_map(|line| line.strip_prefix("location: http://"));
    let place = place.ok_or_else(|| Refusal::broken("nobody was sent on"))?;
    let to: SocketAddr = place.trim_end_matches('/').parse().map_err(|_| Refusal::broken("no address"))?;
    converse(to, &request("/", arguments.text(3)?), arguments.text(4)?, false)
}
