//! Attacks that take more than one message of HTTP: a header without end, a redirect that is followed.

use super::egress::{address, connected, converse, hear, spoken};
use crate::probe::Row;
use crate::probe::{Act, Arguments, Refusal};
use std::io::{Read, Write};
use std::net::SocketAddr;

pub(super) const ACTIONS: &[Row] = &[("long-header", long_header), ("follow", follow)];

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
