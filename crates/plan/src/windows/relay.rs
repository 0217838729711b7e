//! Many streams over one pipe: the framing between the relay inside a container and the broker outside.
//!
//! Without input or output of its own: it takes bytes that came and gives bytes to send. Each direction of a stream has a
//! window, so neither side makes the other hold more than that, and one slow stream does not stop the others.
//!
//! A frame is a kind (1 byte), a stream (4 bytes), a length (2 bytes), all little-endian, and so many bytes.

pub mod ready;

use core::fmt;
use std::collections::BTreeMap;

/// Bytes of a stream that may be under way in one direction.
pub const WINDOW: u32 = 64 * 1024;
/// Most bytes of one frame.
pub const LONGEST: usize = 16 * 1024;
/// Most streams at a time.
pub const MOST_STREAMS: usize = 1024;
/// Bytes that wait to be sent before no more are taken.
const MOST_WAITING: usize = 256 * 1024;
const HEADER: usize = 7;

const OPEN: u8 = 1;
const DATA: u8 = 2;
const FINISH: u8 = 3;
const RESET: u8 = 4;
const CREDIT: u8 = 5;

/// Which end of the pipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The relay, whose streams have odd numbers.
    Inside,
    /// The broker, whose streams have even ones.
    Outside,
}

/// Where a stream leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// The broker's proxy.
    Proxy,
    /// The broker's server for names, which is asked before the command starts.
    Names,
    /// A port of the host's loopback.
    HostPort(u16),
    /// A server inside, at this port of the loopback.
    Inside(u16),
}

impl Target {
    /// The side that may open streams to it.
    fn opener(self) -> Side {
        match self {
            Self::Proxy | Self::Names | Self::HostPort(_) => Side::Inside,
            Self::Inside(_) => Side::Outside,
        }
    }

    fn bytes(self) -> [u8; 3] {
        let (kind, port) = match self {
            Self::Proxy => (0, 0),
            Self::Names => (1, 0),
            Self::HostPort(port) => (2, port),
            Self::Inside(port) => (3, port),
        };
        let [low, high] = port.to_le_bytes();
        [kind, low, high]
    }

    fn read(bytes: [u8; 3]) -> Option<Self> {
        let [kind, low, high] = bytes;
        match (kind, u16::from_le_bytes([low, high])) {
            (0, 0) => Some(Self::Proxy),
            (1, 0) => Some(Self::Names),
            (2, port) if port > 0 => Some(Self::HostPort(port)),
            (3, port) if port > 0 => Some(Self::Inside(port)),
            _ => None,
        }
    }
}

/// What came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The other side opened a stream.
    Opened(u32, Target),
    /// Bytes of a stream. [`Mux::consumed`] says when they are dealt with.
    Data(u32, Vec<u8>),
    /// The other side sends no more on it.
    Finished(u32),
    /// The stream is gone.
    Reset(u32),
    /// More may be sent on it.
    Writable(u32),
}

/// The other side does not keep to the protocol. Nothing more is believed of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Violation {
    /// No frame has this kind.
    Kind(u8),
    /// A frame of this length is no frame of its kind.
    Length(u16),
    /// A stream that the other side may not open, or not again.
    Number(u32),
    /// A stream to nowhere, or to where the other side may open none.
    Target(u32),
    /// More streams than there may be.
    Streams,
    /// More bytes than the window allows.
    Window(u32),
    /// Bytes after the end.
    AfterEnd(u32),
}

impl fmt::Display for Violation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kind(kind) => write!(out, "no frame of the relay has the kind {kind}"),
            Self::Length(length) => write!(out, "a frame of the relay has a length of {length}"),
            Self::Number(stream) => write!(out, "the other side may not use the stream {stream}"),
            Self::Target(stream) => write!(out, "the stream {stream} leads to where the other side may not"),
            Self::Streams => write!(out, "more than {MOST_STREAMS} streams are open"),
            Self::Window(stream) => write!(out, "more was sent on the stream {stream} than was asked for"),
            Self::AfterEnd(stream) => write!(out, "something was sent on the stream {stream} after its end"),
        }
    }
}

impl core::error::Error for Violation {}

#[derive(Debug)]
struct Stream {
    /// Bytes that may still be sent.
    credit: u32,
    /// Bytes that the other side may still send.
    window: u32,
    /// Bytes that were dealt with and not yet given back as credit.
    owed: u32,
    /// Nothing more is sent.
    finished: bool,
    /// Nothing more comes.
    ended: bool,
    /// Somebody wanted to send and could not.
    blocked: bool,
}

impl Stream {
    fn new() -> Self {
        Self { credit: WINDOW, window: WINDOW, owed: 0, finished: false, ended: false, blocked: false }
    }
}

/// One end of the pipe.
#[derive(Debug)]
pub struct Mux {
    side: Side,
    streams: BTreeMap<u32, Stream>,
    /// The number of the next stream opened here.
    next: u32,
    /// The number that the next stream of the other side has at least.
    theirs: u32,
    came: Vec<u8>,
    waiting: Vec<u8>,
}

impl Mux {
    /// An end without streams.
    #[must_use]
    pub fn new(side: Side) -> Self {
        let (next, theirs) = match side {
            Side::Inside => (1, 2),
            Side::Outside => (2, 1),
        };
        Self { side, streams: BTreeMap::new(), next, theirs, came: Vec::new(), waiting: Vec::new() }
    }

    /// Opens a stream; `None` while there are too many, and for a target that is on this side.
    pub fn open(&mut self, target: Target) -> Option<u32> {
        if target.opener() != self.side || self.streams.len() >= MOST_STREAMS || self.next > u32::MAX - 2 {
            return None;
        }
        let stream = self.next;
        self.next += 2;
        self.streams.insert(stream, Stream::new());
        self.frame(OPEN, stream, &target.bytes());
        Some(stream)
    }

    /// Whether bytes that wait to be sent keep more from being taken.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.waiting.len() >= MOST_WAITING
    }

    /// Bytes that wait to be sent.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// How many bytes [`Mux::send`] would take for a stream, so that no more are read from elsewhere. Where it is none,
    /// [`Event::Writable`] tells when it is worth asking again, unless it is the pipe itself that is full.
    pub fn room(&mut self, stream: u32) -> usize {
        let room = MOST_WAITING.saturating_sub(self.waiting.len());
        let Some(state) = self.streams.get_mut(&stream).filter(|state| !state.finished) else { return 0 };
        state.blocked = state.credit == 0;
        usize::try_from(state.credit).unwrap_or(usize::MAX).min(room)
    }

    /// Takes bytes for a stream, as many as the windows allow; how many. After fewer than all, [`Event::Writable`] tells
    /// when it is worth asking again, unless it is the pipe itself that is full.
    pub fn send(&mut self, stream: u32, bytes: &[u8]) -> usize {
        let room = MOST_WAITING.saturating_sub(self.waiting.len());
        let Some(state) = self.streams.get_mut(&stream).filter(|state| !state.finished) else { return 0 };
        let allowed = usize::try_from(state.credit).unwrap_or(usize::MAX);
        let taken = bytes.len().min(allowed).min(room);
        state.blocked = taken < bytes.len();
        state.credit -= u32::try_from(taken).unwrap_or(state.credit);
        for chunk in bytes[..taken].chunks(LONGEST) {
            self.frame(DATA, stream, chunk);
        }
        taken
    }

    /// Sends no more on a stream.
    pub fn finish(&mut self, stream: u32) {
        let Some(state) = self.streams.get_mut(&stream).filter(|state| !state.finished) else { return };
        state.finished = true;
        let over = state.ended;
        self.frame(FINISH, stream, &[]);
        if over {
            self.streams.remove(&stream);
        }
    }

    /// Gives a stream up, in both directions.
    pub fn reset(&mut self, stream: u32) {
        if self.streams.remove(&stream).is_some() {
            self.frame(RESET, stream, &[]);
        }
    }

    /// Says that so many bytes of a stream were dealt with, so that the other side may send as many again.
    pub fn consumed(&mut self, stream: u32, bytes: usize) {
        let Some(state) = self.streams.get_mut(&stream) else { return };
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        // Never more than what came and was not given back.
        state.owed = state.owed.saturating_add(bytes).min(WINDOW - state.window);
        if state.ended || state.owed < WINDOW / 2 {
            return;
        }
        let owed = core::mem::take(&mut state.owed);
        state.window += owed;
        self.frame(CREDIT, stream, &owed.to_le_bytes());
    }

    /// Bytes for the other side.
    pub fn take_output(&mut self) -> Vec<u8> {
        core::mem::take(&mut self.waiting)
    }

    /// Streams that are open.
    #[must_use]
    pub fn open_streams(&self) -> usize {
        self.streams.len()
    }

    /// Takes bytes that came, in any pieces.
    ///
    /// # Errors
    /// [`Violation`]: then this end is to be given up.
    pub fn receive(&mut self, bytes: &[u8]) -> Result<Vec<Event>, Violation> {
        self.came.extend_from_slice(bytes);
        let mut events = Vec::new();
        let mut at = 0;
        while let Some([kind, a, b, c, d, low, high]) = self.came.get(at..at + HEADER) {
            let (kind, stream) = (*kind, u32::from_le_bytes([*a, *b, *c, *d]));
            let length = u16::from_le_bytes([*low, *high]);
            check_length(kind, length)?;
            let end = at + HEADER + usize::from(length);
            let Some(content) = self.came.get(at + HEADER..end) else { break };
            let content = content.to_vec();
            self.take(kind, stream, content, &mut events)?;
            at = end;
        }
        self.came.drain(..at);
        Ok(events)
    }

    fn take(
        &mut self,
        kind: u8,
        stream: u32,
        content: Vec<u8>,
        events: &mut Vec<Event>,
    ) -> Result<(), Violation> {
        if kind == OPEN {
            return self.opened(stream, &content, events);
        }
        let was_opened = if stream % 2 == self.next % 2 { stream < self.next } else { stream < self.theirs };
        if stream == 0 || !was_opened {
            return Err(Violation::Number(stream));
        }
        // What was sent before the other side heard that the stream is gone.
        let Some(state) = self.streams.get_mut(&stream) else { return Ok(()) };
        match kind {
            DATA | FINISH if state.ended => return Err(Violation::AfterEnd(stream)),
            DATA => {
                let length = u32::try_from(content.len()).unwrap_or(u32::MAX);
                state.window = state.window.checked_sub(length).ok_or(Violation::Window(stream))?;
                events.push(Event::Data(stream, content));
            }
            FINISH => {
                state.ended = true;
                events.push(Event::Finished(stream));
                if state.finished {
                    self.streams.remove(&stream);
                }
            }
            RESET => {
                self.streams.remove(&stream);
                events.push(Event::Reset(stream));
            }
            _ => {
                let more = content.first_chunk().map_or(0, |more| u32::from_le_bytes(*more));
                let credit = state.credit.checked_add(more).filter(|credit| *credit <= WINDOW);
                state.credit = credit.ok_or(Violation::Window(stream))?;
                if core::mem::take(&mut state.blocked) {
                    events.push(Event::Writable(stream));
                }
            }
        }
        Ok(())
    }

    fn opened(&mut self, stream: u32, content: &[u8], events: &mut Vec<Event>) -> Result<(), Violation> {
        if stream % 2 != self.theirs % 2 || stream < self.theirs || stream > u32::MAX - 2 {
            return Err(Violation::Number(stream));
        }
        let target = content.first_chunk().and_then(|bytes| Target::read(*bytes));
        let target = target.filter(|target| target.opener() != self.side).ok_or(Violation::Target(stream))?;
        if self.streams.len() >= MOST_STREAMS {
            return Err(Violation::Streams);
        }
        self.theirs = stream + 2;
        self.streams.insert(stream, Stream::new());
        events.push(Event::Opened(stream, target));
        Ok(())
    }

    fn frame(&mut self, kind: u8, stream: u32, content: &[u8]) {
        self.waiting.push(kind);
        self.waiting.extend_from_slice(&stream.to_le_bytes());
        // At most `LONGEST` everywhere.
        self.waiting.extend_from_slice(&u16::try_from(content.len()).unwrap_or(0).to_le_bytes());
        self.waiting.extend_from_slice(content);
    }
}

fn check_length(kind: u8, length: u16) -> Result<(), Violation> {
    let fits = match kind {
        OPEN => length == 3,
        FINISH | RESET => length == 0,
        CREDIT => length == 4,
        DATA => length > 0 && usize::from(length) <= LONGEST,
        _ => return Err(Violation::Kind(kind)),
    };
    if fits { Ok(()) } else { Err(Violation::Length(length)) }
}
