//! All sockets of one end, waited for by one thread.
//!
//! A connection whose turn it is moves one piece in each direction and goes to the end of the row, so none keeps the others
//! waiting. From a socket no more is read than the stream has room for: a slow reader at the other end fills its own window,
//! and then the buffers of its own connection.

use super::pipe::{Came, Pipe};
use super::{CHUNK, End, MOST_UNREAD, Route, WAKER};
use garth_plan::windows::relay::{Event, LONGEST, MOST_STREAMS, Mux, Target};
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use std::collections::{BTreeMap, VecDeque};
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::time::{Duration, Instant};

/// Sockets that are told of at a time.
const EVENTS: usize = 256;
/// Pieces of the pipe that are looked at before sockets have their turn.
const PIECES: usize = 8;
/// How long connecting may take. On the loopback it takes no time, but where a server is slow to accept.
const CONNECTING: Duration = Duration::from_secs(20);
const BOTH: Interest = Interest::READABLE.add(Interest::WRITABLE);

/// One end.
pub(super) struct Sockets {
    poll: Poll,
    mux: Mux,
    pipe: Pipe,
    listeners: Vec<(TcpListener, Target)>,
    route: Route,
    connections: BTreeMap<u32, Connection>,
    /// Streams whose turn comes.
    row: VecDeque<u32>,
    /// Streams that have something to read while the pipe is full.
    starved: Vec<u32>,
    /// Streams that are being connected, and since when.
    connecting: VecDeque<(Instant, u32)>,
    chunk: Vec<u8>,
}

#[derive(Debug)]
struct Connection {
    socket: TcpStream,
    is_connected: bool,
    /// Something may be read, or written: until the system says that there is nothing, or no room.
    can_read: bool,
    can_write: bool,
    /// Bytes for the socket, at most a window of them. Those of the first piece that are written already.
    waiting: VecDeque<Vec<u8>>,
    written: usize,
    /// The other end sends no more.
    is_finished: bool,
    /// Nothing more comes from the socket, or goes to it.
    is_read: bool,
    is_written: bool,
    /// It stands in the row.
    is_in_row: bool,
}

/// Adds a piece to what waits. Small ones go together: the window counts bytes, and a piece of its own takes some fifty more.
pub(super) fn gather(waiting: &mut VecDeque<Vec<u8>>, piece: Vec<u8>) {
    match waiting.back_mut().filter(|last| last.len() + piece.len() <= LONGEST) {
        Some(last) => last.extend_from_slice(&piece),
        None => waiting.push_back(piece),
    }
}

impl Connection {
    fn new(socket: TcpStream, is_connected: bool) -> Self {
        Self {
            socket,
            is_connected,
            can_read: false,
            can_write: false,
            waiting: VecDeque::new(),
            written: 0,
            is_finished: false,
            is_read: false,
            is_written: false,
            is_in_row: false,
        }
    }

    /// Whether the connection stands; false while it is not known.
    fn connected(&self) -> io::Result<bool> {
        if let Some(error) = self.socket.take_error()? {
            return Err(error);
        }
        match self.socket.peer_addr() {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Writes what the socket takes of what waits. How many bytes.
    fn write(&mut self) -> io::Result<usize> {
        let mut total = 0;
        while self.can_write
            && let Some(piece) = self.waiting.front()
        {
            match self.socket.write(&piece[self.written..]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => {
                    total += count;
                    self.written += count;
                    if self.written == piece.len() {
                        self.waiting.pop_front();
                        self.written = 0;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.can_write = false,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        if self.is_finished && self.waiting.is_empty() && !self.is_written {
            self.is_written = true;
            // One that the client has closed already is as good.
            let _closed = self.socket.shutdown(Shutdown::Write);
        }
        Ok(total)
    }

    /// Reads one piece; nothing if none is there now.
    fn read(&mut self, into: &mut [u8]) -> io::Result<Option<usize>> {
        loop {
            match self.socket.read(into) {
                Ok(count) => return Ok(Some(count)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.can_read = false;
                    return Ok(None);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl Sockets {
    pub(super) fn new(poll: Poll, end: End, pipe: Pipe) -> io::Result<Self> {
        let mut listeners = Vec::new();
        for (at, (listener, target)) in end.listeners.into_iter().enumerate() {
            listener.set_nonblocking(true)?;
            let mut listener = TcpListener::from_std(listener);
            poll.registry().register(&mut listener, listener_token(at), Interest::READABLE)?;
            listeners.push((listener, target));
        }
        Ok(Self {
            poll,
            mux: Mux::new(end.side),
            pipe,
            listeners,
            route: end.route,
            connections: BTreeMap::new(),
            row: VecDeque::new(),
            starved: Vec::new(),
            connecting: VecDeque::new(),
            chunk: vec![0; CHUNK],
        })
    }

    /// Serves until the pipe ends.
    pub(super) fn run(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(EVENTS);
        let mut is_more = false;
        loop {
            let most = if is_more || !self.row.is_empty() { Some(Duration::ZERO) } else { self.patience() };
            match self.poll.poll(&mut events, most) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
            for event in &events {
                self.take_event(event);
            }
            is_more = true;
            for _ in 0..PIECES {
                match self.pipe.next() {
                    Some(Came::Bytes(bytes)) => self.take_bytes(&bytes)?,
                    Some(Came::Written) => {}
                    Some(Came::End(ended)) => return ended,
                    None => {
                        is_more = false;
                        break;
                    }
                }
            }
            for _ in 0..self.row.len() {
                self.take_turn();
            }
            self.give_up_waiting();
            self.fill_pipe()?;
        }
    }

    /// How long nothing has to be done, if nothing happens.
    fn patience(&self) -> Option<Duration> {
        let (since, _) = self.connecting.front()?;
        Some(CONNECTING.saturating_sub(since.elapsed()))
    }

    fn take_event(&mut self, event: &mio::event::Event) {
        if event.token() == WAKER {
            return;
        }
        if let Some(at) = (0..self.listeners.len()).find(|at| listener_token(*at) == event.token()) {
            return self.accept(at);
        }
        let Some(stream) = u32::try_from(event.token().0).ok() else { return };
        let Some(connection) = self.connections.get_mut(&stream) else { return };
        let is_over = event.is_error();
        connection.can_read |= event.is_readable() || event.is_read_closed() || is_over;
        connection.can_write |= event.is_writable() || event.is_write_closed() || is_over;
        if !connection.is_connected {
            match connection.connected() {
                Ok(false) if is_over => return self.give_up(stream),
                Ok(is_connected) => connection.is_connected = is_connected,
                Err(_) => return self.give_up(stream),
            }
        }
        self.line_up(stream);
    }

    /// Takes all connections that wait. Without a free stream one is closed again, which every client understands.
    fn accept(&mut self, at: usize) {
        loop {
            let Some((listener, target)) = self.listeners.get(at) else { return };
            let (socket, target) = match listener.accept() {
                Ok((socket, _)) => (socket, *target),
                Err(error) if is_of_client(&error) => continue,
                // Nobody waits; or the process has no room for more, and is told of the next that comes.
                Err(_) => return,
            };
            let is_room = self.connections.len() < MOST_STREAMS && self.mux.waiting() < MOST_UNREAD / 2;
            if let Some(stream) = is_room.then(|| self.mux.open(target)).flatten() {
                self.admit(stream, socket, true);
            }
        }
    }

    fn admit(&mut self, stream: u32, mut socket: TcpStream, is_connected: bool) {
        // A small answer should not wait for a larger one.
        let _slower = socket.set_nodelay(true);
        if self.poll.registry().register(&mut socket, Token(stream as usize), BOTH).is_err() {
            return self.mux.reset(stream);
        }
        self.connections.insert(stream, Connection::new(socket, is_connected));
        if !is_connected {
            self.connecting.push_back((Instant::now(), stream));
        }
    }

    fn take_bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        let events = self.mux.receive(bytes);
        for event in events.map_err(|violation| io::Error::new(io::ErrorKind::InvalidData, violation))? {
            match event {
                Event::Opened(stream, target) => self.connect(stream, target),
                Event::Data(stream, bytes) => {
                    if let Some(connection) = self.connections.get_mut(&stream) {
                        // The window bounds what waits.
                        gather(&mut connection.waiting, bytes);
                        self.line_up(stream);
                    }
                }
                Event::Finished(stream) => {
                    if let Some(connection) = self.connections.get_mut(&stream) {
                        connection.is_finished = true;
                        self.line_up(stream);
                    }
                }
                Event::Reset(stream) => drop(self.connections.remove(&stream)),
                Event::Writable(stream) => self.line_up(stream),
            }
        }
        Ok(())
    }

    fn connect(&mut self, stream: u32, target: Target) {
        let place = (self.route)(target).filter(|_| self.connections.len() < MOST_STREAMS);
        match place.and_then(|place| TcpStream::connect(place).ok()) {
            Some(socket) => self.admit(stream, socket, false),
            None => self.mux.reset(stream),
        }
    }

    fn line_up(&mut self, stream: u32) {
        if let Some(connection) = self.connections.get_mut(&stream)
            && connection.is_connected
            && !connection.is_in_row
        {
            connection.is_in_row = true;
            self.row.push_back(stream);
        }
    }

    /// One piece in each direction for the first of the row.
    fn take_turn(&mut self) {
        let Some(stream) = self.row.pop_front() else { return };
        let Some(connection) = self.connections.get_mut(&stream) else { return };
        connection.is_in_row = false;
        match connection.write() {
            Ok(count) if count > 0 => self.mux.consumed(stream, count),
            Ok(_) => {}
            Err(_) => return self.give_up(stream),
        }
        if connection.can_read && !connection.is_read {
            match Self::read_piece(connection, stream, &mut self.mux, &mut self.chunk) {
                Ok(true) => self.line_up(stream),
                Ok(false) if self.mux.is_full() => self.starved.push(stream),
                Ok(false) => {}
                Err(_) => return self.give_up(stream),
            }
        }
        if self.connections.get(&stream).is_some_and(|one| one.is_read && one.is_written) {
            self.connections.remove(&stream);
        }
    }

    /// Whether there may be more.
    fn read_piece(
        connection: &mut Connection,
        stream: u32,
        mux: &mut Mux,
        chunk: &mut [u8],
    ) -> io::Result<bool> {
        let room = mux.room(stream).min(chunk.len());
        if room == 0 {
            return Ok(false);
        }
        match connection.read(&mut chunk[..room])? {
            Some(0) => {
                connection.is_read = true;
                mux.finish(stream);
            }
            Some(count) => {
                mux.send(stream, &chunk[..count]);
            }
            None => {}
        }
        Ok(connection.can_read && !connection.is_read)
    }

    fn give_up(&mut self, stream: u32) {
        self.mux.reset(stream);
        self.connections.remove(&stream);
    }

    /// Gives up what was not connected in time.
    fn give_up_waiting(&mut self) {
        while let Some((since, stream)) = self.connecting.front().copied()
            && since.elapsed() >= CONNECTING
        {
            self.connecting.pop_front();
            if self.connections.get(&stream).is_some_and(|connection| !connection.is_connected) {
                self.give_up(stream);
            }
        }
    }

    /// Hands over what waits for the pipe, when it is free.
    fn fill_pipe(&mut self) -> io::Result<()> {
        if self.pipe.is_free() && self.mux.waiting() > 0 {
            self.pipe.write(self.mux.take_output());
            for stream in core::mem::take(&mut self.starved) {
                self.line_up(stream);
            }
        }
        if self.mux.waiting() > MOST_UNREAD {
            return Err(io::Error::other("the other end of the relay does not read what it asks for"));
        }
        Ok(())
    }
}

/// Tokens of listeners are counted from the end; those of streams are their numbers.
fn listener_token(at: usize) -> Token {
    Token(usize::MAX - at)
}

/// Errors of a connection that ended before it was accepted.
fn is_of_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted)
}
