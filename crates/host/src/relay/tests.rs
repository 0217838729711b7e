//! Both ends in one process, over two pipes, with real connections.

use super::*;
use garth_plan::windows::relay::{LONGEST, MOST_STREAMS};
use std::io::{PipeWriter, pipe};
use std::net::{Ipv4Addr, Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How long anything may take before a test has failed: long, for a machine with other work.
const PATIENCE: Duration = Duration::from_mins(5);

fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// Sends back what comes, until it ends.
fn echo() -> SocketAddr {
    let (listener, address) = listener();
    thread::spawn(move || {
        for socket in listener.incoming() {
            let socket = socket.unwrap();
            thread::spawn(move || {
                // Whoever closes in the middle is done with it.
                let _copied = io::copy(&mut &socket, &mut &socket);
                let _closed = socket.shutdown(Shutdown::Write);
            });
        }
    });
    address
}

/// The inner end with this listener.
fn inside(listener: TcpListener, target: Target) -> End {
    End { side: Side::Inside, listeners: vec![(listener, target)], route: Arc::new(|_| None) }
}

/// The outer end, which connects every stream to this place.
fn outside(place: SocketAddr) -> End {
    End { side: Side::Outside, listeners: Vec::new(), route: Arc::new(move |_| Some(place)) }
}

/// Two ends over two pipes; a handle of the outer one.
fn joined(inner: End, outer: End) -> thread::JoinHandle<io::Result<()>> {
    let ((from_inside, to_outside), (from_outside, to_inside)) = (pipe().unwrap(), pipe().unwrap());
    thread::spawn(move || serve(inner, from_outside, to_outside));
    thread::spawn(move || serve(outer, from_inside, to_inside))
}

/// A relay to this proxy: where it listens, and a handle that keeps its pipe open.
fn relay(proxy: SocketAddr) -> (SocketAddr, thread::JoinHandle<io::Result<()>>) {
    let (inner, address) = listener();
    (address, joined(inside(inner, Target::Proxy), outside(proxy)))
}

/// The other end cuts a window into frames of one byte each, so that each takes as much as a whole piece.
#[test]
fn small_pieces_take_little_more_than_their_bytes() {
    let mut waiting = std::collections::VecDeque::new();
    let all: Vec<u8> = (0..WINDOW).map(|at| at.to_le_bytes()[0]).collect();
    for byte in &all {
        sockets::gather(&mut waiting, vec![*byte]);
    }
    assert!(waiting.len() <= 2 * all.len() / LONGEST + 1, "{} pieces", waiting.len());
    let held: usize = waiting.iter().map(Vec::capacity).sum();
    assert!(held <= 2 * all.len(), "{held} bytes");
    assert_eq!(Vec::from(waiting).concat(), all);
    // Large ones are not copied together.
    let mut waiting = std::collections::VecDeque::new();
    for _ in 0..3 {
        sockets::gather(&mut waiting, vec![0; LONGEST]);
    }
    assert_eq!(waiting.len(), 3);
}

#[test]
fn many_connections_get_their_own_bytes_back() {
    let (address, _outside) = relay(echo());
    let clients: Vec<_> = (0_u8..8)
        .map(|number| {
            thread::spawn(move || {
                let sent: Vec<u8> =
                    (0..300_000_usize).map(|at| u8::try_from(at % 251).unwrap() ^ number).collect();
                let socket = TcpStream::connect(address).unwrap();
                let (mut writing, mut reading) = (socket.try_clone().unwrap(), socket);
                let expected = sent.clone();
                let sending = thread::spawn(move || {
                    writing.write_all(&sent).unwrap();
                    writing.shutdown(Shutdown::Write).unwrap();
                });
                let mut got = Vec::new();
                reading.read_to_end(&mut got).unwrap();
                sending.join().unwrap();
                assert!(got == expected, "client {number}: {} bytes", got.len());
            })
        })
        .collect();
    clients.into_iter().for_each(|client| client.join().unwrap());
}

#[test]
fn a_connection_that_nobody_reads_does_not_stop_the_others() {
    let (address, _outside) = relay(echo());
    let mut stuck = TcpStream::connect(address).unwrap();
    stuck.set_write_timeout(Some(Duration::from_millis(300))).unwrap();
    // Until the windows and the buffers of the sockets are full; its answers are never read.
    let mut taken = 0;
    while stuck.write_all(&[0; WINDOW as usize]).is_ok() {
        taken += WINDOW;
        assert!(taken < 64 << 20, "nothing holds it back");
    }
    let mut other = TcpStream::connect(address).unwrap();
    other.set_read_timeout(Some(PATIENCE)).unwrap();
    other.write_all(b"passes").unwrap();
    let mut got = [0; 6];
    other.read_exact(&mut got).unwrap();
    assert_eq!(&got, b"passes");
}

#[test]
fn a_proxy_that_is_not_there_closes_the_connection() {
    let (gone, proxy) = listener();
    drop(gone);
    let (address, _outside) = relay(proxy);
    let mut socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let got = socket.read(&mut [0; 1]);
    assert!(got.as_ref().map_or(true, |count| *count == 0), "{got:?}");
}

fn outside_fed(bytes: &[u8]) -> (io::Result<()>, Option<PipeWriter>) {
    let (reader, mut writer) = pipe().unwrap();
    writer.write_all(bytes).unwrap();
    let keep = (!bytes.is_empty()).then_some(writer);
    (serve(outside(echo()), reader, io::sink()), keep)
}

#[test]
fn the_end_of_the_pipe_is_the_end_and_nonsense_is_refused() {
    assert!(outside_fed(&[]).0.is_ok());
    let (ended, _kept) = outside_fed(&[9, 0, 0, 0, 0, 0, 0]);
    assert_eq!(ended.unwrap_err().kind(), io::ErrorKind::InvalidData);
}

#[test]
#[cfg_attr(
    windows,
    ignore = "under Wine it takes minutes on a busy machine; the code is the same on each system"
)]
fn connections_that_ended_make_room_for_others() {
    let (address, _outside) = relay(echo());
    // More than there may be at a time.
    for number in 0..u32::try_from(MOST_STREAMS + 50).unwrap() {
        let mut socket = TcpStream::connect(address).unwrap();
        socket.write_all(&number.to_le_bytes()).unwrap();
        socket.shutdown(Shutdown::Write).unwrap();
        let mut got = Vec::new();
        socket.read_to_end(&mut got).unwrap();
        assert_eq!(got, number.to_le_bytes());
    }
}

#[test]
fn a_server_may_end_first() {
    let (server, place) = listener();
    let serving = thread::spawn(move || {
        let mut socket = server.accept().unwrap().0;
        socket.write_all(b"all").unwrap();
        socket.shutdown(Shutdown::Write).unwrap();
        let mut got = String::new();
        socket.read_to_string(&mut got).unwrap();
        got
    });
    let (address, _outside) = relay(place);
    let mut socket = TcpStream::connect(address).unwrap();
    let mut got = String::new();
    socket.read_to_string(&mut got).unwrap();
    assert_eq!(got, "all");
    socket.write_all(b"still sent").unwrap();
    drop(socket);
    assert_eq!(serving.join().unwrap(), "still sent");
}

/// Opens streams without end, so many at a time that each is answered.
struct Opening(u32);

impl Read for Opening {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let frame = |stream: u32| [&[1][..], &stream.to_le_bytes(), &[3, 0, 0, 0, 0]].concat();
        let frames: Vec<u8> = (0..500).flat_map(|at| frame(self.0 + at * 2)).collect();
        self.0 += 1000;
        into[..frames.len()].copy_from_slice(&frames);
        Ok(frames.len())
    }
}

#[test]
fn an_end_that_does_not_read_is_given_up() {
    let (_unread, output) = pipe().unwrap();
    let nowhere = End { side: Side::Outside, listeners: Vec::new(), route: Arc::new(|_| None) };
    let ended = serve(nowhere, Opening(1), output);
    assert!(ended.as_ref().is_err_and(|error| error.to_string().contains("does not read")), "{ended:?}");
}

#[test]
fn each_stream_leads_where_its_listener_says() {
    // Every place answers with its own byte.
    let place = |byte: u8| {
        let (listener, address) = listener();
        thread::spawn(move || {
            for socket in listener.incoming() {
                socket.unwrap().write_all(&[byte]).unwrap();
            }
        });
        address
    };
    let (proxy, names, port) = (place(b'p'), place(b'n'), place(b'h'));
    let (at_proxy, to_proxy) = listener();
    let (at_names, to_names) = listener();
    let (at_port, to_port) = listener();
    let (at_other, to_other) = listener();
    let listeners = vec![
        (at_proxy, Target::Proxy),
        (at_names, Target::Names),
        (at_port, Target::HostPort(5432)),
        (at_other, Target::HostPort(22)),
    ];
    let route: Route = Arc::new(move |target| match target {
        Target::Proxy => Some(proxy),
        Target::Names => Some(names),
        Target::HostPort(5432) => Some(port),
        _ => None,
    });
    let inner = End { side: Side::Inside, listeners, route: Arc::new(|_| None) };
    let _outer = joined(inner, End { side: Side::Outside, listeners: Vec::new(), route });
    for (address, expected) in [(to_proxy, "p"), (to_names, "n"), (to_port, "h"), (to_other, "")] {
        let mut socket = TcpStream::connect(address).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut got = String::new();
        // A stream that leads nowhere is closed, or reset.
        let read = socket.read_to_string(&mut got);
        assert!(got == expected && (read.is_ok() || expected.is_empty()), "{got:?}, {read:?}");
    }
}

#[test]
fn a_server_inside_is_reached_from_outside() {
    let server = echo();
    let (listening, address) = listener();
    let route: Route = Arc::new(move |target| (target == Target::Inside(3000)).then_some(server));
    let inner = End { side: Side::Inside, listeners: Vec::new(), route };
    let listeners = vec![(listening, Target::Inside(3000))];
    let _outer = joined(inner, End { side: Side::Outside, listeners, route: Arc::new(|_| None) });
    let mut socket = TcpStream::connect(address).unwrap();
    socket.write_all(b"to the inside").unwrap();
    socket.shutdown(Shutdown::Write).unwrap();
    let mut got = String::new();
    socket.read_to_string(&mut got).unwrap();
    assert_eq!(got, "to the inside");
}

#[test]
fn many_connections_at_a_time() {
    // Wine's server looks at every socket that is waited for at each event, so twice as many take it four times as long.
    const COUNT: u32 = if cfg!(windows) { 50 } else { 1000 };
    // Each is open before the first is answered.
    let (server, place) = listener();
    thread::spawn(move || {
        let all: Vec<TcpStream> = server.incoming().take(COUNT as usize).map(Result::unwrap).collect();
        for mut socket in all {
            let mut number = [0; 4];
            socket.read_exact(&mut number).unwrap();
            socket.write_all(&number).unwrap();
        }
    });
    let (address, _outside) = relay(place);
    let mut sockets: Vec<TcpStream> = (0..COUNT).map(|_| TcpStream::connect(address).unwrap()).collect();
    for (number, socket) in (0..COUNT).zip(&mut sockets) {
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.write_all(&number.to_le_bytes()).unwrap();
    }
    for (number, socket) in (0..COUNT).zip(&mut sockets) {
        let mut got = [0; 4];
        socket.read_exact(&mut got).unwrap();
        assert_eq!(u32::from_le_bytes(got), number);
    }
}

#[test]
fn a_large_file_passes_while_small_ones_do() {
    let (server, place) = listener();
    thread::spawn(move || {
        for socket in server.incoming() {
            let mut socket = socket.unwrap();
            thread::spawn(move || {
                let mut size = [0; 8];
                socket.read_exact(&mut size).unwrap();
                // The large one ends when its reader has enough.
                io::copy(&mut io::repeat(7).take(u64::from_le_bytes(size)), &mut socket)
            });
        }
    });
    let (address, _outside) = relay(place);
    let ask = move |size: u64| {
        let mut socket = TcpStream::connect(address).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.write_all(&size.to_le_bytes()).unwrap();
        socket
    };
    let mut large = ask(u64::MAX);
    let (passed, answered) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let (count, enough) = (Arc::clone(&passed), Arc::clone(&answered));
    let reading = thread::spawn(move || {
        let mut chunk = vec![0; 64 * 1024];
        while !enough.load(Ordering::SeqCst) {
            count.fetch_add(large.read(&mut chunk).unwrap() as u64, Ordering::SeqCst);
        }
    });
    // It has begun, and goes on after each small one.
    let mut before = 0;
    for _ in 0..10 {
        let end = Instant::now() + PATIENCE;
        while passed.load(Ordering::SeqCst) < before + 256 * 1024 {
            assert!(Instant::now() < end, "the large one waits");
            thread::yield_now();
        }
        assert_eq!(io::copy(&mut ask(1000), &mut io::sink()).unwrap(), 1000);
        before = passed.load(Ordering::SeqCst);
    }
    answered.store(true, Ordering::SeqCst);
    reading.join().unwrap();
}

#[test]
fn listeners_are_closed_with_the_pipe() {
    let (inner, address) = listener();
    let (from_outside, to_inside) = pipe().unwrap();
    let ended = thread::spawn(move || serve(inside(inner, Target::Proxy), from_outside, io::sink()));
    drop(TcpStream::connect(address).unwrap());
    drop(to_inside);
    ended.join().unwrap().unwrap();
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        if TcpListener::bind(address).is_ok() {
            return;
        }
        thread::sleep(Duration::from_millis(10));
    }
    panic!("it still listens");
}
