//! Servers of the host for attacks on the network: they tell back what reached them.

use garth_egress::core::Host;
use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, ToSocketAddrs, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The value of the secret of the garden with a network.
pub(super) const SECRET: &str = "real-value-of-the-secret";

/// How long a server waits for its client.
pub(super) const PATIENCE: Duration = Duration::from_secs(8);

/// Clients that a server talks to at a time; the connections of more are closed.
const MOST_SERVED: usize = 500;

/// Servers and where they are found.
#[derive(Debug)]
pub(super) struct Web {
    pub places: Vec<(&'static str, String)>,
    /// Connections that the first server, which the policy opens, has had.
    pub reached: Arc<AtomicU64>,
}

/// Starts them. Each answers a request with `reached`, its method, path and host; the one that no policy opens says
/// `hidden` instead, at the loopback addresses and at the first address of the machine.
pub(super) fn serve() -> io::Result<Web> {
    let reached = Arc::new(AtomicU64::new(0));
    let mut places = Vec::new();
    let opened = [
        ("{web}", "{web-port}"),
        ("{limited}", "{limited-port}"),
        ("{trusted}", "{trusted-port}"),
        ("{lavish}", "{lavish-port}"),
    ];
    for (whole, port) in opened {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        places.extend([(whole, address.to_string()), (port, address.port().to_string())]);
        let count = if whole == "{web}" { Arc::clone(&reached) } else { Arc::default() };
        answer(listener, "reached", count);
    }
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let hidden = listener.local_addr()?;
    places.extend([("{hidden}", hidden.to_string()), ("{hidden-port}", hidden.port().to_string())]);
    answer(listener, "hidden", Arc::default());
    let name = own_name();
    let six = SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], hidden.port()));
    let led_to = (name.as_str(), hidden.port()).to_socket_addrs();
    // A machine may do without IPv6, and its name may lead to where the server listens already.
    for address in std::iter::once(six).chain(led_to.into_iter().flatten()) {
        if let Ok(listener) = TcpListener::bind(address) {
            answer(listener, "hidden", Arc::default());
        }
    }
    places.push(("{own-name}", name));
    let own = own_address().and_then(|own| TcpListener::bind((own, 0)).ok());
    let place = match own {
        Some(listener) => {
            let address = listener.local_addr()?;
            answer(listener, "hidden", Arc::default());
            address
        }
        None => hidden,
    };
    places.push(("{own}", place.to_string()));
    Ok(Web { places, reached })
}

/// The machine's own name, which usually leads to the machine itself; one that leads nowhere, if it is no name of a host.
fn own_name() -> String {
    let text = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    match Host::read(text.trim()) {
        Ok(Host::Name(name)) if !Host::Name(name.clone()).is_loopback() => name,
        _ => "nowhere.test".to_owned(),
    }
}

/// The address by which the machine would go out; nothing is sent.
fn own_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    Some(socket.local_addr().ok()?.ip()).filter(|address| !address.is_loopback())
}

pub(super) fn answer(listener: TcpListener, word: &'static str, count: Arc<AtomicU64>) {
    let served = Arc::new(());
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            count.fetch_add(1, Ordering::Relaxed);
            if Arc::strong_count(&served) > MOST_SERVED {
                continue;
            }
            let served = Arc::clone(&served);
            // A client that breaks off ends its own connection.
            std::thread::spawn(move || {
                drop(client.set_read_timeout(Some(PATIENCE)).and_then(|()| converse(client, word)));
                drop(served);
            });
        }
    });
}

/// Answers requests of HTTP/1.1 and HTTP/2 until the client is done.
pub(super) fn converse(mut client: impl Read + Write, word: &str) -> io::Result<()> {
    let mut held = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let count = client.read(&mut piece)?;
        if count == 0 {
            return Ok(());
        }
        held.extend_from_slice(&piece[..count]);
        if held.starts_with(b"PRI * HTTP/2.0") {
            http2(&mut client, &mut held, word)?;
        } else if held.first() == Some(&22) || !held.contains(&b' ') {
            // No HTTP: the bytes themselves came through.
            client.write_all(word.as_bytes())?;
            held.clear();
        }
        while let Some(used) = request(&held) {
            client.write_all(&response(&held[..used], word))?;
            held.drain(..used);
        }
    }
}

/// Length of the first whole request. `Content-Length` is believed, whatever stands beside it, as some servers do.
fn request(held: &[u8]) -> Option<usize> {
    let head = held.windows(4).position(|part| part == b"\r\n\r\n")? + 4;
    let text = String::from_utf8_lossy(&held[..head]).to_ascii_lowercase();
    let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    if let Some(length) = field("content-length:") {
        let length: usize = length.parse().unwrap_or(0);
        return (held.len() >= head + length).then_some(head + length);
    }
    if field("transfer-encoding:").is_some_and(|value| value == "chunked") {
        let end = held[head..].windows(5).position(|part| part == b"0\r\n\r\n")?;
        return Some(head + end + 5);
    }
    Some(head)
}

fn response(request: &[u8], word: &str) -> Vec<u8> {
    let text = String::from_utf8_lossy(request);
    let field = |name: &str| {
        let found = text.lines().find(|line| line.to_ascii_lowercase().starts_with(name));
        found.and_then(|line| line.split_once(':')).map_or("", |(_, value)| value.trim()).to_owned()
    };
    let line: Vec<&str> = text.split_whitespace().take(2).collect();
    let authorised = if text.contains(SECRET) { " authorised" } else { "" };
    let body = format!("{word} {} host={}{authorised}\n", line.join(" "), field("host"));
    let echo = field("authorization");
    if let Some(place) = line.last().and_then(|path| path.strip_prefix("/redirect/")) {
        return format!("HTTP/1.1 302 Found\r\nLocation: http://{place}/\r\nContent-Length: 0\r\n\r\n")
            .into_bytes();
    }
    format!("HTTP/1.1 200 OK\r\nX-Echo: {echo}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// As little of HTTP/2 as it takes: settings, and the same answer to each request (RFC 9113).
fn http2(client: &mut (impl Read + Write), held: &mut Vec<u8>, word: &str) -> io::Result<()> {
    const PREFACE: usize = 24;
    let frame = |kind: u8, flags: u8, stream: &[u8], body: &[u8]| {
        let length = u8::try_from(body.len()).unwrap_or(0);
        [&[0, 0, length, kind, flags][..], stream, body].concat()
    };
    held.drain(..PREFACE.min(held.len()));
    client.write_all(&frame(4, 0, &[0; 4], &[]))?;
    let mut piece = [0; 4096];
    loop {
        while let Some([high, middle, low, kind, flags, stream @ ..]) = held.first_chunk::<9>() {
            let length = usize::from(*middle) << 8 | usize::from(*low) | usize::from(*high) << 16;
            let (kind, flags, stream) = (*kind, *flags, *stream);
            if held.len() < 9 + length {
                break;
            }
            held.drain(..9 + length);
            match (kind, flags & 1) {
                // 0x88 is `:status 200` of the static table.
                (1, _) => {
                    let answer = [frame(1, 4, &stream, &[0x88]), frame(0, 1, &stream, word.as_bytes())];
                    client.write_all(&answer.concat())?;
                }
                (4, 0) => client.write_all(&frame(4, 1, &[0; 4], &[]))?,
                _ => {}
            }
        }
        let count = client.read(&mut piece)?;
        if count == 0 {
            return Ok(());
        }
        held.extend_from_slice(&piece[..count]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpStream;

    #[test]
    fn servers_tell_what_reached_them() {
        let web = serve().unwrap();
        let place = |name: &str| web.places.iter().find(|(known, _)| *known == name).unwrap().1.clone();
        for (name, wanted) in [("{web}", "reached GET /a host=b"), ("{hidden}", "hidden GET /a host=b")] {
            let mut client = TcpStream::connect(place(name)).unwrap();
            client.write_all(b"GET /a HTTP/1.1\r\nHost: b\r\n\r\n").unwrap();
            client.shutdown(std::net::Shutdown::Write).unwrap();
            let mut text = String::new();
            client.read_to_string(&mut text).unwrap();
            assert!(text.contains(wanted), "{text}");
        }
        assert_eq!(web.reached.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn a_request_ends_where_its_length_says() {
        assert_eq!(request(b"GET / HTTP/1.1\r\n\r\nrest"), Some(18));
        assert_eq!(request(b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nab"), None);
        assert_eq!(request(b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc"), Some(41));
    }
}
