//! The two ends of the relay: a listener inside, whose connections become streams of one pipe, and outside a proxy, to
//! which each stream is connected. Neither looks at what is carried.
//!
//! It is made of threads and blocking calls alone, since one end stands beside the attacker: the less there, the better.

use garth_plan::windows::relay::{Event, Mux, Side, Violation};
use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

/// Bytes that are read at a time.
const CHUNK: usize = 16 * 1024;

/// What all threads of one end share.
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    mux: Mux,
    connections: BTreeMap<u32, Connection>,
    over: bool,
}

struct Connection {
    socket: TcpStream,
    /// Bytes for the socket; gone when no more come.
    bytes: Option<Sender<Vec<u8>>>,
    /// Directions that are still carried.
    directions: u8,
}

impl Shared {
    fn new(side: Side) -> Arc<Self> {
        let state = State { mux: Mux::new(side), connections: BTreeMap::new(), over: false };
        Arc::new(Self { state: Mutex::new(state), changed: Condvar::new() })
    }

    /// Every change under the lock is one call of the multiplexer, so a poisoned one is still sound.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let done = change(&mut self.lock());
        self.changed.notify_all();
        done
    }

    /// Ends everything: the pipe is gone, or cannot be believed.
    fn end(&self) {
        self.change(|state| {
            state.over = true;
            for connection in core::mem::take(&mut state.connections).into_values() {
                // One that is closed already is as good.
                let _closed = connection.socket.shutdown(Shutdown::Both);
            }
        });
    }
}

/// Serves the inner end until the pipe ends: every connection to the listener is a stream.
///
/// # Errors
/// When the listener fails, or the other end breaks the protocol.
pub fn serve_inside(
    listener: TcpListener,
    input: impl Read,
    output: impl Write + Send + 'static,
) -> io::Result<()> {
    let shared = Shared::new(Side::Inside);
    let accepting = Arc::clone(&shared);
    thread::Builder::new().name("accept".into()).spawn(move || {
        for socket in listener.incoming() {
            if accepting.lock().over {
                return;
            }
            let Ok(socket) = socket else { continue };
            // Without a free stream the connection is closed again, which every client understands.
            if let Some(stream) = accepting.change(|state| state.mux.open()) {
                attach(&accepting, stream, socket);
            }
        }
    })?;
    carry(&shared, input, output, |_| None)
}

/// Serves the outer end until the pipe ends: every stream is connected to the proxy.
///
/// # Errors
/// When the other end breaks the protocol.
pub fn serve_outside(
    proxy: SocketAddr,
    input: impl Read,
    output: impl Write + Send + 'static,
) -> io::Result<()> {
    // The proxy is garth's own and on this machine, so connecting does not keep the other streams waiting.
    carry(&Shared::new(Side::Outside), input, output, |_| TcpStream::connect(proxy).ok())
}

fn carry(
    shared: &Arc<Shared>,
    mut input: impl Read,
    output: impl Write + Send + 'static,
    connect: impl Fn(u32) -> Option<TcpStream>,
) -> io::Result<()> {
    let writing = Arc::clone(shared);
    thread::Builder::new().name("pipe".into()).spawn(move || write_pipe(&writing, output))?;
    let mut chunk = vec![0; CHUNK];
    let ended = loop {
        let count = match input.read(&mut chunk) {
            Ok(0) => break Ok(()),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            // The other process was killed.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => break Ok(()),
            Err(error) => break Err(error),
        };
        match shared.change(|state| state.mux.receive(&chunk[..count])) {
            Ok(events) => events.into_iter().for_each(|event| handle(shared, event, &connect)),
            Err(violation) => break Err(violated(violation)),
        }
    };
    shared.end();
    ended
}

fn violated(violation: Violation) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, violation)
}

fn write_pipe(shared: &Shared, mut output: impl Write) {
    loop {
        let bytes = {
            let mut state = shared.lock();
            loop {
                let bytes = state.mux.take_output();
                if !bytes.is_empty() {
                    break bytes;
                }
                if state.over {
                    return;
                }
                state = shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        };
        // There is room again for who waits for it.
        shared.changed.notify_all();
        if output.write_all(&bytes).and_then(|()| output.flush()).is_err() {
            return shared.end();
        }
    }
}

fn handle(shared: &Arc<Shared>, event: Event, connect: &impl Fn(u32) -> Option<TcpStream>) {
    match event {
        Event::Opened(stream) => match connect(stream) {
            Some(socket) => attach(shared, stream, socket),
            None => shared.change(|state| state.mux.reset(stream)),
        },
        Event::Data(stream, bytes) => shared.change(|state| {
            let to = state.connections.get(&stream).and_then(|connection| connection.bytes.as_ref());
            // The window bounds what waits in the channel.
            if to.is_none_or(|to| to.send(bytes).is_err()) {
                state.mux.reset(stream);
            }
        }),
        Event::Finished(stream) => shared.change(|state| {
            if let Some(connection) = state.connections.get_mut(&stream) {
                connection.bytes = None;
            }
        }),
        Event::Reset(stream) => shared.change(|state| {
            if let Some(connection) = state.connections.remove(&stream) {
                let _closed = connection.socket.shutdown(Shutdown::Both);
            }
        }),
        // Whoever waits was woken already.
        Event::Writable(_) => {}
    }
}

/// Carries one connection by two threads.
fn attach(shared: &Arc<Shared>, stream: u32, socket: TcpStream) {
    let (to_socket, bytes) = channel();
    let (Ok(reading), Ok(writing)) = (socket.try_clone(), socket.try_clone()) else {
        return shared.change(|state| state.mux.reset(stream));
    };
    // A small answer should not wait for a larger one.
    let _slower = socket.set_nodelay(true);
    shared.change(|state| {
        state.connections.insert(stream, Connection { socket, bytes: Some(to_socket), directions: 2 });
    });
    let (one, other) = (Arc::clone(shared), Arc::clone(shared));
    let started = thread::Builder::new()
        .name("from-socket".into())
        .spawn(move || read_socket(&one, stream, reading))
        .and_then(|_| {
            thread::Builder::new()
                .name("to-socket".into())
                .spawn(move || write_socket(&other, stream, writing, &bytes))
        });
    if started.is_err() {
        give_up(shared, stream);
    }
}

fn give_up(shared: &Shared, stream: u32) {
    shared.change(|state| {
        state.mux.reset(stream);
        if let Some(connection) = state.connections.remove(&stream) {
            let _closed = connection.socket.shutdown(Shutdown::Both);
        }
    });
}

fn read_socket(shared: &Shared, stream: u32, mut socket: TcpStream) {
    let mut chunk = vec![0; CHUNK];
    loop {
        match socket.read(&mut chunk) {
            Ok(0) => {
                shared.change(|state| state.mux.finish(stream));
                return one_direction_less(shared, stream);
            }
            Ok(count) => {
                if !send_all(shared, stream, &chunk[..count]) {
                    return;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return give_up(shared, stream),
        }
    }
}

/// Waits until all of it is under way. False if the stream is gone.
fn send_all(shared: &Shared, stream: u32, mut bytes: &[u8]) -> bool {
    let mut state = shared.lock();
    while !bytes.is_empty() {
        if state.over || !state.connections.contains_key(&stream) {
            return false;
        }
        let taken = state.mux.send(stream, bytes);
        bytes = &bytes[taken..];
        if taken > 0 {
            shared.changed.notify_all();
        } else {
            state = shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
    true
}

fn write_socket(shared: &Shared, stream: u32, mut socket: TcpStream, bytes: &Receiver<Vec<u8>>) {
    for chunk in bytes {
        if socket.write_all(&chunk).is_err() {
            return give_up(shared, stream);
        }
        shared.change(|state| state.mux.consumed(stream, chunk.len()));
    }
    // The other end sends no more, or all is over; then the socket is closed already.
    let _closed = socket.shutdown(Shutdown::Write);
    one_direction_less(shared, stream);
}

/// Closes the socket with its second direction.
fn one_direction_less(shared: &Shared, stream: u32) {
    shared.change(|state| {
        let Some(connection) = state.connections.get_mut(&stream) else { return };
        connection.directions -= 1;
        if connection.directions == 0 {
            state.connections.remove(&stream);
        }
    });
}

#[cfg(test)]
mod tests;
