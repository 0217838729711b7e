//! Both ends in one process, over two pipes, with real connections.

use super::*;
use std::io::{PipeWriter, pipe};
use std::net::Ipv4Addr;
use std::time::Duration;

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
    End { side: Side::Inside, listeners: vec![(listener, target)], connect: Arc::new(|_| None) }
}

/// The outer end, which connects every stream to this place.
fn outside(place: SocketAddr) -> End {
    let connect: Connect = Arc::new(move |_| TcpStream::connect(place).ok());
    End { side: Side::Outside, listeners: Vec::new(), connect }
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
    while stuck.write_all(&[0; 64 * 1024]).is_ok() {}
    let mut other = TcpStream::connect(address).unwrap();
    other.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
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
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
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
fn a_connection_that_ended_on_both_sides_is_closed() {
    let (listening, address) = listener();
    let mux = Mux::new(Side::Inside);
    let state = State { mux, connections: BTreeMap::new(), over: false };
    let connect: Connect = Arc::new(|_| None);
    let shared =
        Arc::new(Shared { state: Mutex::new(state), output: Condvar::new(), connect, places: Vec::new() });
    let client = TcpStream::connect(address).unwrap();
    let (stream, bytes) = shared.change(|state| {
        let stream = state.mux.open(Target::Proxy).unwrap();
        (stream, state.admit(stream))
    });
    let socket = listening.accept().unwrap().0;
    attach(&shared, stream, bytes, move || Some(socket));
    client.shutdown(Shutdown::Write).unwrap();
    handle(&shared, Event::Finished(stream));
    for _ in 0..200 {
        if shared.lock().connections.is_empty() {
            return;
        }
        thread::sleep(Duration::from_millis(10));
    }
    panic!("it is still open");
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
    let connect: Connect = Arc::new(move |target| {
        let place = match target {
            Target::Proxy => proxy,
            Target::Names => names,
            Target::HostPort(5432) => port,
            _ => return None,
        };
        TcpStream::connect(place).ok()
    });
    let inner = End { side: Side::Inside, listeners, connect: Arc::new(|_| None) };
    let _outer = joined(inner, End { side: Side::Outside, listeners: Vec::new(), connect });
    for (address, expected) in [(to_proxy, "p"), (to_names, "n"), (to_port, "h"), (to_other, "")] {
        let mut socket = TcpStream::connect(address).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
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
    let connect: Connect =
        Arc::new(
            move |target| if target == Target::Inside(3000) { TcpStream::connect(server).ok() } else { None },
        );
    let inner = End { side: Side::Inside, listeners: Vec::new(), connect };
    let listeners = vec![(listening, Target::Inside(3000))];
    let _outer = joined(inner, End { side: Side::Outside, listeners, connect: Arc::new(|_| None) });
    let mut socket = TcpStream::connect(address).unwrap();
    socket.write_all(b"to the inside").unwrap();
    socket.shutdown(Shutdown::Write).unwrap();
    let mut got = String::new();
    socket.read_to_string(&mut got).unwrap();
    assert_eq!(got, "to the inside");
}

#[test]
fn many_connections_at_a_time() {
    // Here both ends, and the server, are one process with five threads for each: Wine has a limit on those.
    let count = if cfg!(windows) { 200 } else { 1000 };
    let (address, _outside) = relay(echo());
    let mut sockets: Vec<TcpStream> = (0..count).map(|_| TcpStream::connect(address).unwrap()).collect();
    for (number, socket) in sockets.iter_mut().enumerate() {
        socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        socket.write_all(&u32::try_from(number).unwrap().to_le_bytes()).unwrap();
    }
    for (number, socket) in sockets.iter_mut().enumerate() {
        let mut got = [0; 4];
        socket.read_exact(&mut got).unwrap();
        assert_eq!(u32::from_le_bytes(got), u32::try_from(number).unwrap());
    }
}

#[test]
fn listeners_are_closed_with_the_pipe() {
    let (inner, address) = listener();
    let (from_outside, to_inside) = pipe().unwrap();
    let ended = thread::spawn(move || serve(inside(inner, Target::Proxy), from_outside, io::sink()));
    drop(TcpStream::connect(address).unwrap());
    drop(to_inside);
    ended.join().unwrap().unwrap();
    for _ in 0..200 {
        if TcpListener::bind(address).is_ok() {
            return;
        }
        thread::sleep(Duration::from_millis(10));
    }
    panic!("it still listens");
}
