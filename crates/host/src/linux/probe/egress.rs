//! Attacks on what decides about the network: words said to it, and questions for names in every form.

use super::wire;
use crate::linux::sys::netlink::{CREATE, Message, request};
use crate::probe::Row;
use crate::probe::{Act, Arguments, Refusal};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub(super) const ACTIONS: &[Row] = &[
    ("say", say),
    ("say-on", say_on),
    ("say-much", say_much),
    ("say-by-name", say_by_name),
    ("say-spelled", say_spelled),
    ("say-hello", say_hello),
    ("say-http2", say_http2),
    ("keep-saying", keep_saying),
    ("ask", ask),
    ("ask-odd", ask_odd),
    ("many-names", many_names),
    ("hold-connections", hold_connections),
    ("hold-part", hold_part),
    ("bind-resolver", bind_resolver),
    ("add-route", |_| change(24, CREATE, &ROUTE)),
    ("drop-route", |_| change(25, 0, &ROUTE)),
    ("interface-down", |_| change(16, 0, &INTERFACE)),
    ("new-interface", new_interface),
];

/// How long an answer may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);

/// The server for names inside.
const RESOLVER: &str = "198.19.255.53:53";

/// Holds the placeholder of a secret inside.
const TOKEN: &str = "GARTH_PROVE_TOKEN";

pub(super) fn address(arguments: &Arguments<'_>, index: usize) -> Result<SocketAddr, Refusal> {
    arguments.text(index)?.parse().map_err(|_| Refusal::broken("no socket address"))
}

/// Holds the placeholder of a secret that may stand in every part of a request.
const LAVISH: &str = "GARTH_PROVE_LAVISH";

/// The words to say: `|` stands for the end of a line, `$CR`, `$LF` and `$NUL` for these characters, `$TOKEN` and `$LAVISH` for
/// what the secrets' variables hold, `$HEAD` and `$TAIL` for the first twelve letters of the latter and the rest.
pub(super) fn spoken(text: &str) -> Vec<u8> {
    let token = std::env::var(TOKEN).unwrap_or_default();
    let text = text.replace('|', "\r\n").replace("$CR", "\r").replace("$LF", "\n").replace("$NUL", "\0");
    let lavish = std::env::var(LAVISH).unwrap_or_default();
    let (head, tail) = lavish.split_at_checked(12).unwrap_or_default();
    let text = text.replace("$TOKEN", &token).replace("$LAVISH", &lavish);
    text.replace("$HEAD", head).replace("$TAIL", tail).into_bytes()
}

pub(super) fn connected(to: SocketAddr) -> Result<TcpStream, Refusal> {
    let stream = TcpStream::connect_timeout(&to, PATIENCE).map_err(|error| {
        // The library's own time-out has no number.
        error.raw_os_error().map_or(Refusal::Os(libc::ETIMEDOUT), Refusal::Os)
    })?;
    stream.set_read_timeout(Some(Duration::from_millis(50)))?;
    Ok(stream)
}

/// Waits for `wanted`. A refusal in HTTP is `EACCES`; another answer `ENODATA`; an end without one `ECONNABORTED`.
/// With `goes_on`, what follows a refusal is listened to as well.
pub(super) fn hear(stream: &mut TcpStream, wanted: &str, goes_on: bool) -> Act {
    let end = Instant::now() + if goes_on { PATIENCE / 4 } else { PATIENCE };
    let mut heard = Vec::new();
    let mut piece = [0; 4096];
    let has = |heard: &[u8], text: &str| heard.windows(text.len()).any(|part| part == text.as_bytes());
    let mut over = libc::ETIMEDOUT;
    while Instant::now() < end {
        match stream.read(&mut piece) {
            Ok(0) => {
                over = libc::ECONNABORTED;
                break;
            }
            Ok(count) => heard.extend_from_slice(&piece[..count]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(error) if heard.is_empty() => return Err(error.into()),
            Err(_) => break,
        }
        if has(&heard, wanted) {
            return Ok(());
        }
        if !goes_on && heard.starts_with(b"HTTP/1.1 4") {
            return Err(Refusal::Os(libc::EACCES));
        }
    }
    let refused = has(&heard, "HTTP/1.1 4") || has(&heard, "x-garth-denied");
    Err(Refusal::Os(match heard.is_empty() {
        _ if refused => libc::EACCES,
        true => over,
        false => libc::ENODATA,
    }))
}

pub(super) fn converse(to: SocketAddr, words: &[u8], wanted: &str, goes_on: bool) -> Act {
    let mut stream = connected(to)?;
    stream.write_all(words)?;
    hear(&mut stream, wanted, goes_on)
}

/// Says something to an address and waits for a certain answer (address, words, answer).
fn say(arguments: &Arguments<'_>) -> Act {
    converse(address(arguments, 0)?, &spoken(arguments.text(1)?), arguments.text(2)?, false)
}

/// The same, listening on after a refusal: something may have been let through behind it.
fn say_on(arguments: &Arguments<'_>) -> Act {
    converse(address(arguments, 0)?, &spoken(arguments.text(1)?), arguments.text(2)?, true)
}

/// Sends a request with a body of so many bytes (address, bytes, answer).
fn say_much(arguments: &Arguments<'_>) -> Act {
    let (to, length) = (address(arguments, 0)?, arguments.text(1)?);
    let bytes: usize = length.parse().map_err(|_| Refusal::broken("no number of bytes"))?;
    let mut words = format!("POST / HTTP/1.1\r\nHost: {to}\r\nContent-Length: {length}\r\n\r\n").into_bytes();
    words.resize(words.len() + bytes, b'.');
    converse(to, &words, arguments.text(2)?, false)
}

/// The same to a name, whose address is asked for (name, port, words, answer).
fn say_by_name(arguments: &Arguments<'_>) -> Act {
    let question = wire::question(arguments.text(0)?, wire::A);
    let answer = exchange(RESOLVER.parse().map_err(|_| Refusal::broken("resolver"))?, &question)?;
    wire::judged(&answer)?;
    let ip = wire::first_v4(&answer).ok_or(Refusal::Os(libc::ENODATA))?;
    let to = SocketAddr::from((ip, arguments.number(1)?));
    converse(to, &spoken(arguments.text(2)?), arguments.text(3)?, false)
}

/// The same to a host in a spelling that the C library reads (host, port, words, answer).
fn say_spelled(arguments: &Arguments<'_>) -> Act {
    let found = (arguments.text(0)?, arguments.number(1)?).to_socket_addrs();
    // A name that does not resolve has no number.
    let found = found.map_err(|error| Refusal::Os(error.raw_os_error().unwrap_or(libc::ENOENT)))?;
    let mut last = Err(Refusal::Os(libc::ENOENT));
    for to in found {
        last = converse(to, &spoken(arguments.text(2)?), arguments.text(3)?, false);
        if last.is_ok() {
            break;
        }
    }
    last
}

/// Begins TLS for a server name (address, name, `whole` or `parts`).
fn say_hello(arguments: &Arguments<'_>) -> Act {
    let hello = wire::client_hello(arguments.text(1)?, arguments.text(2)? == "parts");
    converse(address(arguments, 0)?, &hello, "reached", false)
}

/// Speaks HTTP/2 at once (address, authority, path, more fields as `name=value`). Without an authority the field is left out.
fn say_http2(arguments: &Arguments<'_>) -> Act {
    let mut more = Vec::new();
    for index in 3..arguments.all().len() {
        // The name of a field may begin with a colon, its value may hold anything.
        let (name, value) =
            arguments.text(index)?.split_once('=').ok_or_else(|| Refusal::broken("no field"))?;
        more.push((name, spoken(value)));
    }
    let words = wire::http2_request(arguments.text(1)?, arguments.text(2)?, &more);
    converse(address(arguments, 0)?, &words, "reached", false)
}

/// Says something again and again, and writes down each answer (address, words, answer, file).
fn keep_saying(arguments: &Arguments<'_>) -> Act {
    let (to, words) = (address(arguments, 0)?, spoken(arguments.text(1)?));
    for _ in 0..400 {
        converse(to, &words, arguments.text(2)?, false)?;
        let mut file = std::fs::File::options().create(true).append(true).open(arguments.path(3)?)?;
        file.write_all(b"x")?;
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

/// Sends a question and returns the answer.
fn exchange(server: SocketAddr, question: &[u8]) -> Result<Vec<u8>, Refusal> {
    let socket = UdpSocket::bind(if server.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" })?;
    socket.set_read_timeout(Some(PATIENCE))?;
    // A connected socket learns at once that nobody listens.
    socket.connect(server)?;
    socket.send(question)?;
    let mut answer = vec![0; 4096];
    let length = socket.recv(&mut answer)?;
    answer.truncate(length);
    Ok(answer)
}

fn exchange_framed(server: SocketAddr, question: &[u8]) -> Result<Vec<u8>, Refusal> {
    let mut stream = connected(server)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let length = u16::try_from(question.len()).map_err(|_| Refusal::broken("a long question"))?;
    stream.write_all(&[&length.to_be_bytes()[..], question].concat())?;
    let mut length = [0; 2];
    let broken = |error: std::io::Error| Refusal::Os(error.raw_os_error().unwrap_or(libc::ECONNABORTED));
    stream.read_exact(&mut length).map_err(broken)?;
    let mut answer = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut answer).map_err(broken)?;
    Ok(answer)
}

/// Asks a server for a record (name, kind as number, `udp` or `tcp`, server). It succeeds if there is one.
fn ask(arguments: &Arguments<'_>) -> Act {
    let question = wire::question(arguments.text(0)?, arguments.number(1)?);
    let server = address(arguments, 3)?;
    let answer = match arguments.text(2)? {
        "tcp" => exchange_framed(server, &question)?,
        _ => exchange(server, &question)?,
    };
    wire::judged(&answer)
}

/// Asks for an allowed name in a form that a resolver may pass on unread (form, name).
fn ask_odd(arguments: &Arguments<'_>) -> Act {
    let question = wire::odd_question(arguments.text(0)?, arguments.text(1)?)
        .ok_or_else(|| Refusal::broken("no such form"))?;
    let server = RESOLVER.parse().map_err(|_| Refusal::broken("resolver"))?;
    wire::judged(&exchange(server, &question)?)
}

/// Asks for ever new names below a domain, as one who writes data into them (domain, how many). It succeeds if all
/// get an answer.
fn many_names(arguments: &Arguments<'_>) -> Act {
    let server: SocketAddr = RESOLVER.parse().map_err(|_| Refusal::broken("resolver"))?;
    for number in 0..arguments.number::<u32>(1)? {
        let name = format!("n{number:08x}.{}", arguments.text(0)?);
        wire::judged(&exchange(server, &wire::question(&name, wire::A))?)?;
    }
    Ok(())
}

/// Descriptors of a process that are not for held connections.
const OTHERS: usize = 64;

/// How long there must be no service for an attack on it to have succeeded.
const STARVED: Duration = Duration::from_secs(60);

/// Connections with half a request each, in this process and, as far as its descriptors do not suffice, in others.
#[derive(Default)]
struct Hold {
    streams: Vec<TcpStream>,
    others: Vec<Child>,
}

impl Hold {
    fn new(to: SocketAddr, count: usize) -> Result<Self, Refusal> {
        let limit = getrlimit(Resource::Nofile);
        // As many as the user may have; one that cannot be raised does with what there is.
        let _as_it_is =
            setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
        let limit = getrlimit(Resource::Nofile).current.and_then(|limit| usize::try_from(limit).ok());
        let share = limit.unwrap_or(usize::MAX).saturating_sub(OTHERS).max(1);
        let mut hold = Self::default();
        let mut left = count;
        while left > share {
            hold.others.push(other_holder(to, share)?);
            left -= share;
        }
        let (mut made, mut failed) = (0, 0);
        while made < left {
            match TcpStream::connect_timeout(&to, PATIENCE) {
                Ok(mut stream) => {
                    // One that is refused is as good as one that is kept waiting.
                    let _refused = stream.write_all(b"GET / HTTP/1.1\r\nX: ");
                    hold.streams.push(stream);
                    made += 1;
                }
                // So is one that is refused before this process has seen that it was made.
                Err(error)
                    if matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::ConnectionRefused) =>
                {
                    made += 1
                }
                Err(_) if failed < 20 => failed += 1,
                Err(error) => return Err(Refusal::broken(format!("{} held: {error}", hold.streams.len()))),
            }
        }
        Ok(hold)
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        for other in &mut self.others {
            drop(other.stdin.take());
            let _reaped = other.wait();
        }
    }
}

/// Another process that holds so many, from when this returns until its input ends.
fn other_holder(to: SocketAddr, count: usize) -> Result<Child, Refusal> {
    use std::os::unix::process::CommandExt;
    let mut command = Command::new("/proc/self/exe");
    command.arg0(super::NAME).args(["act", "hold-part"]).arg(to.to_string()).arg(count.to_string());
    let mut other = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut line = String::new();
    if let Some(said) = &mut other.stdout {
        BufReader::new(said).read_line(&mut line)?;
    }
    if line.trim() == "held" { Ok(other) } else { Err(Refusal::broken(line)) }
}

/// The part of another process (address, how many).
fn hold_part(arguments: &Arguments<'_>) -> Act {
    let held = Hold::new(address(arguments, 0)?, arguments.number(1)?)?;
    let mut out = std::io::stdout();
    writeln!(out, "held").and_then(|()| out.flush())?;
    let _end = std::io::stdin().read(&mut [0]);
    drop(held);
    Ok(())
}

/// Holds many connections with half a request each, and asks for service beside them (address, how many, whom to
/// hold, answer). It succeeds if there is no service any more.
fn hold_connections(arguments: &Arguments<'_>) -> Act {
    let held = Hold::new(address(arguments, 2)?, arguments.number(1)?)?;
    let serves = || {
        let end = Instant::now() + STARVED;
        loop {
            match converse(address(arguments, 0)?, b"GET / HTTP/1.1\r\n\r\n", arguments.text(3)?, false) {
                Err(Refusal::Os(_)) if Instant::now() < end => {}
                other => return other,
            }
        }
    };
    let outcome = serves();
    drop(held);
    // What comes next is not to meet a broker that is still about their ends.
    for _ in 0..3 {
        let _as_it_is = serves();
    }
    match outcome {
        Ok(()) => Err(Refusal::Os(libc::EAGAIN)),
        Err(Refusal::Os(_)) => Ok(()),
        Err(broken) => Err(broken),
    }
}

/// Takes the place of the server for names.
fn bind_resolver(_: &Arguments<'_>) -> Act {
    use rustix::net::{AddressFamily, SocketType, bind, socket, sockopt};
    let socket = socket(AddressFamily::INET, SocketType::DGRAM, None)?;
    sockopt::set_socket_reuseaddr(&socket, true)?;
    let to: SocketAddr = RESOLVER.parse().map_err(|_| Refusal::broken("resolver"))?;
    bind(&socket, &to)?;
    Ok(())
}

/// `struct rtmsg` of the route that makes all addresses local: IPv4, table 255, made at boot, scope host, kind local.
const ROUTE: [u8; 12] = [2, 0, 0, 0, 255, 3, 254, 2, 0, 0, 0, 0];

/// `struct ifinfomsg` that takes the first interface down: index 1, no flags, and `IFF_UP` among those to change.
const INTERFACE: [u8; 16] = {
    let (index, change) = (1_u32.to_ne_bytes(), 1_u32.to_ne_bytes());
    [
        0, 0, 0, 0, index[0], index[1], index[2], index[3], 0, 0, 0, 0, change[0], change[1], change[2],
        change[3],
    ]
};

/// Asks the kernel to change the network (`rtnetlink(7)`).
fn change(kind: u16, flags: u16, fixed: &[u8]) -> Act {
    const OUTPUT_INTERFACE: u16 = 4;
    let message = Message::new(kind, flags, fixed);
    let is_route = matches!(kind, 24 | 25);
    let message = if is_route { message.attribute(OUTPUT_INTERFACE, &1_u32.to_ne_bytes()) } else { message };
    Ok(request(None, &[message])?)
}

/// A pair of interfaces, one end of which could be given away.
fn new_interface(_: &Arguments<'_>) -> Act {
    const NAME: u16 = 3;
    Ok(request(None, &[Message::new(16, CREATE, &[0; 16]).attribute(NAME, b"garth0\0")])?)
}
