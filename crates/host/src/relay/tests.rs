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

/// A relay to this proxy: where it listens, and a handle that keeps its pipe open.
fn relay(proxy: SocketAddr) -> (SocketAddr, thread::JoinHandle<io::Result<()>>) {
    let (inner, address) = listener();
    let ((from_inside, to_outside), (from_outside, to_inside)) = (pipe().unwrap(), pipe().unwrap());
    thread::spawn(move || serve_inside(inner, from_outside, to_outside));
    let outside = thread::spawn(move || serve_outside(proxy, from_inside, to_inside));
    (address, outside)
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
    (serve_outside(echo(), reader, io::sink()), keep)
}

#[test]
fn the_end_of_the_pipe_is_the_end_and_nonsense_is_refused() {
    assert!(outside_fed(&[]).0.is_ok());
    let (ended, _kept) = outside_fed(&[9, 0, 0, 0, 0, 0, 0]);
    assert_eq!(ended.unwrap_err().kind(), io::ErrorKind::InvalidData);
}

#[test]
fn a_connection_that_ended_on_both_sides_is_closed() {
    let shared = Shared::new(Side::Inside);
    let (listening, address) = listener();
    let client = TcpStream::connect(address).unwrap();
    let stream = shared.change(|state| state.mux.open()).unwrap();
    attach(&shared, stream, listening.accept().unwrap().0);
    client.shutdown(Shutdown::Write).unwrap();
    let none = |_| None;
    handle(&shared, Event::Finished(stream), &none);
    for _ in 0..200 {
        if shared.lock().connections.is_empty() {
            return;
        }
        thread::sleep(Duration::from_millis(10));
    }
    panic!("it is still open");
}
