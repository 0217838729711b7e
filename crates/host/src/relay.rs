//! The two ends of the relay: listeners inside, whose connections become streams of one pipe, and outside the broker's own
//! sockets, to which each stream is connected. Servers inside are reached the other way round. Neither end looks at what is
//! carried.
//!
//! It is made of threads and blocking calls alone, since one end stands beside the attacker: the less there, the better.

use garth_plan::windows::relay::{Event, Mux, Side, Target, Violation};
use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// Bytes that are read at a time.
const CHUNK: usize = 16 * 1024;
/// Stack of a thread, in bytes. There are two for each connection, and they call next to nothing.
const STACK: usize = 128 * 1024;
/// How long waking a listener may take.
const WAKING: Duration = Duration::from_millis(200);

/// Connects a stream that the other end opened; `None` where nobody listens, or nobody may be reached.
pub type Connect = Arc<dyn Fn(Target) -> Option<TcpStream> + Send + Sync>;

/// What one end does.
pub struct End {
    /// Which end.
    pub side: Side,
    /// Listeners, and where the streams of their connections lead.
    pub listeners: Vec<(TcpListener, Target)>,
    /// Where streams of the other end lead.
    pub connect: Connect,
}

impl core::fmt::Debug for End {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self { side, listeners, .. } = self;
        out.debug_struct("End").field("side", side).field("listeners", listeners).finish_non_exhaustive()
    }
}

/// What all threads of one end share.
struct Shared {
    state: Mutex<State>,
    /// There is something for the pipe.
    output: Condvar,
    connect: Connect,
    /// Where this end listens.
    places: Vec<SocketAddr>,
}

struct State {
    mux: Mux,
    connections: BTreeMap<u32, Connection>,
    over: bool,
}

struct Connection {
    /// Gone while it is being connected.
    socket: Option<TcpStream>,
    /// Bytes for the socket; gone when no more come.
    bytes: Option<Sender<Vec<u8>>>,
    /// Directions that are still carried.
    directions: u8,
    /// Wakes the thread that has more to send than there was room for.
    room: Arc<Condvar>,
}

impl Connection {
    fn close(&self) {
        if let Some(socket) = &self.socket {
            // One that is closed already is as good.
            let _closed = socket.shutdown(Shutdown::Both);
        }
        self.room.notify_all();
    }
}

impl State {
    /// A connection for a new stream; what comes for its socket.
    fn admit(&mut self, stream: u32) -> Receiver<Vec<u8>> {
        let (to_socket, bytes) = channel();
        let connection =
            Connection { socket: None, bytes: Some(to_socket), directions: 2, room: Arc::default() };
        self.connections.insert(stream, connection);
        bytes
    }
}

impl Shared {
    /// Every change under the lock is one call of the multiplexer, so a poisoned one is still sound.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let done = change(&mut self.lock());
        self.output.notify_one();
        done
    }

    /// Ends everything: the pipe is gone, or cannot be believed.
    fn end(&self) {
        let was_over = self.change(|state| {
            for connection in core::mem::take(&mut state.connections).into_values() {
                connection.close();
            }
            core::mem::replace(&mut state.over, true)
        });
        if !was_over {
            for place in &self.places {
                // The thread that accepts there sees that all is over, and closes the listener.
                let _woken = TcpStream::connect_timeout(place, WAKING);
            }
        }
    }
}

/// Serves one end until the pipe ends.
///
/// # Errors
/// When the pipe fails, the other end breaks the protocol, or there are no threads.
pub fn serve(end: End, input: impl Read, output: impl Write + Send + 'static) -> io::Result<()> {
    let End { side, listeners, connect } = end;
    let state = State { mux: Mux::new(side), connections: BTreeMap::new(), over: false };
    let places = listeners.iter().map(|(listener, _)| listener.local_addr()).collect::<io::Result<_>>()?;
    let shared = Arc::new(Shared { state: Mutex::new(state), output: Condvar::new(), connect, places });
    for (listener, target) in listeners {
        let accepting = Arc::clone(&shared);
        start("accept", move || accept(&accepting, &listener, target))?;
    }
    let ended = carry(&shared, input, output);
    shared.end();
    ended
}

fn start(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name(name.into()).stack_size(STACK).spawn(work)?;
    Ok(())
}

fn accept(shared: &Arc<Shared>, listener: &TcpListener, target: Target) {
    for socket in listener.incoming() {
        if shared.lock().over {
            return;
        }
        let Ok(socket) = socket else { continue };
        // Without a free stream the connection is closed again, which every client understands. The stream is known before
        // the other end can answer.
        let opened = shared.change(|state| {
            let stream = state.mux.open(target)?;
            Some((stream, state.admit(stream)))
        });
        if let Some((stream, bytes)) = opened {
            attach(shared, stream, bytes, move || Some(socket));
        }
    }
}

fn carry(shared: &Arc<Shared>, mut input: impl Read, output: impl Write + Send + 'static) -> io::Result<()> {
    let writing = Arc::clone(shared);
    start("pipe", move || write_pipe(&writing, output))?;
    let mut chunk = vec![0; CHUNK];
    loop {
        let count = match input.read(&mut chunk) {
            Ok(0) => return Ok(()),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            // The other process was killed.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            Err(error) => return Err(error),
        };
        let events = shared.change(|state| state.mux.receive(&chunk[..count])).map_err(violated)?;
        events.into_iter().for_each(|event| handle(shared, event));
    }
}

fn violated(violation: Violation) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, violation)
}

fn write_pipe(shared: &Shared, mut output: impl Write) {
    loop {
        let bytes = {
            let mut state = shared.lock();
            loop {
                let was_full = state.mux.is_full();
                let bytes = state.mux.take_output();
                if was_full {
                    // There is room again for who waits for it, whichever it is.
                    state.connections.values().for_each(|connection| connection.room.notify_all());
                }
                if !bytes.is_empty() {
                    break bytes;
                }
                if state.over {
                    return;
                }
                state = shared.output.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        };
        if output.write_all(&bytes).and_then(|()| output.flush()).is_err() {
            return shared.end();
        }
    }
}

fn handle(shared: &Arc<Shared>, event: Event) {
    match event {
        Event::Opened(stream, target) => {
            let connect = Arc::clone(&shared.connect);
            let bytes = shared.lock().admit(stream);
            attach(shared, stream, bytes, move || connect(target));
        }
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
                connection.close();
            }
        }),
        Event::Writable(stream) => {
            if let Some(connection) = shared.lock().connections.get(&stream) {
                connection.room.notify_all();
            }
        }
    }
}

/// Carries one connection by two threads, of which the first makes it: nobody else waits for that.
fn attach(
    shared: &Arc<Shared>,
    stream: u32,
    bytes: Receiver<Vec<u8>>,
    connect: impl FnOnce() -> Option<TcpStream> + Send + 'static,
) {
    let connecting = Arc::clone(shared);
    let started = start("to-socket", move || {
        if let Some(socket) = connect().and_then(|socket| connected(&connecting, stream, socket)) {
            write_socket(&connecting, stream, socket, &bytes);
        } else {
            give_up(&connecting, stream);
        }
    });
    if started.is_err() {
        give_up(shared, stream);
    }
}

/// Starts the thread that reads from a new socket. The end for writing; `None` if the stream is gone, or there is no thread.
fn connected(shared: &Arc<Shared>, stream: u32, socket: TcpStream) -> Option<TcpStream> {
    // A small answer should not wait for a larger one.
    let _slower = socket.set_nodelay(true);
    let (reading, writing) = (socket.try_clone().ok()?, socket.try_clone().ok()?);
    shared.lock().connections.get_mut(&stream)?.socket = Some(socket);
    let other = Arc::clone(shared);
    start("from-socket", move || read_socket(&other, stream, reading)).ok()?;
    Some(writing)
}

fn give_up(shared: &Shared, stream: u32) {
    shared.change(|state| {
        state.mux.reset(stream);
        if let Some(connection) = state.connections.remove(&stream) {
            connection.close();
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
        let Some(connection) = state.connections.get(&stream) else { return false };
        let room = Arc::clone(&connection.room);
        let taken = state.mux.send(stream, bytes);
        bytes = &bytes[taken..];
        if taken > 0 {
            shared.output.notify_one();
        } else {
            state = room.wait(state).unwrap_or_else(PoisonError::into_inner);
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
