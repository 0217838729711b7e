//! Messages of a WebSocket (RFC 6455 section 5), searched while they stream. Frames keep their length and their mask; what
//! is held back is the end of a piece that could be the start of a secret, and the frames that follow it.

use super::rewrite::Rewriter;
use super::toward::BodySecrets;
use core::fmt;
use std::collections::VecDeque;

/// Frames without a payload that may wait behind what is held back, in bytes.
const MOST_WAITING: usize = 64 * 1024;

/// Why a stream is no WebSocket that can be searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FrameFault {
    /// A reserved bit or kind: an extension that was not agreed on, such as compression.
    Reserved,
    /// A control frame that is long or in parts, a message within another, or the rest of none.
    Order,
    /// A length of more than 63 bits.
    Length,
    /// Endless frames without a payload within a message.
    Endless,
}

impl FrameFault {
    /// What is wrong, for people.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Reserved => "a frame of the WebSocket uses an extension that was not agreed on",
            Self::Order => "a frame of the WebSocket may not stand where it does",
            Self::Length => "the length of a frame of the WebSocket is malformed",
            Self::Endless => "a message of the WebSocket does not go on",
        }
    }
}

/// What looks at the payload, and keeps its length.
enum Search {
    Put(BodySecrets),
    Take(Rewriter),
}

impl Search {
    fn push(&mut self, piece: &[u8]) -> Vec<u8> {
        match self {
            Self::Put(secrets) => secrets.push(piece),
            Self::Take(rewriter) => rewriter.push(piece),
        }
    }

    fn finish(&mut self) -> Vec<u8> {
        match self {
            Self::Put(secrets) => secrets.finish(),
            Self::Take(rewriter) => rewriter.finish(),
        }
    }
}

/// What goes on, in this order.
enum Waiting {
    /// The head of a frame, or a control frame.
    Plain(Vec<u8>),
    /// So many bytes of a payload, from this place of the mask on.
    Payload { length: usize, mask: Mask, at: usize },
}

type Mask = [u8; 4];

/// A frame whose payload comes.
#[derive(Clone, Copy)]
struct Frame {
    left: u64,
    mask: Mask,
    at: usize,
    is_control: bool,
    ends_message: bool,
}

/// One direction of a WebSocket.
pub struct Frames {
    search: Search,
    head: Vec<u8>,
    frame: Option<Frame>,
    is_in_message: bool,
    waiting: VecDeque<Waiting>,
    /// Bytes of [`Waiting::Plain`] in `waiting`.
    plain: usize,
    /// Bytes of payloads that were searched and did not go on yet.
    searched: VecDeque<u8>,
}

impl Frames {
    /// What a client says: secrets are put in.
    #[must_use]
    pub fn putting(secrets: BodySecrets) -> Self {
        Self::new(Search::Put(secrets))
    }

    /// What a server says: secrets are taken out.
    #[must_use]
    pub fn taking(rewriter: Rewriter) -> Self {
        Self::new(Search::Take(rewriter))
    }

    fn new(search: Search) -> Self {
        Self {
            search,
            head: Vec::new(),
            frame: None,
            is_in_message: false,
            waiting: VecDeque::new(),
            plain: 0,
            searched: VecDeque::new(),
        }
    }

    /// The secrets that were put in; none for what a server says.
    pub fn secrets(&mut self) -> Option<&mut BodySecrets> {
        match &mut self.search {
            Search::Put(secrets) => Some(secrets),
            Search::Take(_) => None,
        }
    }

    /// Takes a piece; returns what may go on.
    ///
    /// # Errors
    /// When it is no WebSocket that can be searched. Nothing may go on after that.
    pub fn push(&mut self, mut piece: &[u8]) -> Result<Vec<u8>, FrameFault> {
        let mut out = Vec::with_capacity(piece.len());
        while !piece.is_empty() {
            piece = match self.frame {
                None => self.begin(piece)?,
                Some(frame) => self.go_on(frame, piece),
            };
            self.drain(&mut out);
            if self.plain > MOST_WAITING {
                return Err(FrameFault::Endless);
            }
        }
        Ok(out)
    }

    /// What is held back when the stream ends.
    #[must_use]
    pub fn finish(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        self.searched.extend(self.search.finish());
        self.drain(&mut out);
        out.append(&mut self.head);
        out
    }

    /// Reads on in the head of a frame; returns what follows it.
    fn begin<'a>(&mut self, piece: &'a [u8]) -> Result<&'a [u8], FrameFault> {
        let [first, rest @ ..] = piece else { return Ok(piece) };
        self.head.push(*first);
        if let Some(frame) = self.frame_of_head()? {
            self.plain = self.plain.saturating_add(self.head.len());
            self.waiting.push_back(Waiting::Plain(std::mem::take(&mut self.head)));
            if !frame.is_control {
                self.is_in_message = true;
            }
            self.frame = Some(frame);
            self.end_if_whole();
        }
        Ok(rest)
    }

    /// The frame, once its head is whole.
    fn frame_of_head(&self) -> Result<Option<Frame>, FrameFault> {
        let [first, second, rest @ ..] = self.head.as_slice() else { return Ok(None) };
        let kind = first & 15;
        let is_control = kind & 8 != 0;
        let is_final = first & 128 != 0;
        if first & 0x70 != 0 || !matches!(kind, 0..=2 | 8..=10) {
            return Err(FrameFault::Reserved);
        }
        let is_short = second & 127 < 126;
        let is_in_order = if is_control { is_final && is_short } else { (kind == 0) == self.is_in_message };
        if !is_in_order {
            return Err(FrameFault::Order);
        }
        let (left, rest) = match (second & 127, rest) {
            (126, [high, low, rest @ ..]) => (u64::from(u16::from_be_bytes([*high, *low])), rest),
            (127, rest) => match rest.split_first_chunk::<8>() {
                Some((length, rest)) => (u64::from_be_bytes(*length), rest),
                None => return Ok(None),
            },
            (126, _) => return Ok(None),
            (short, rest) => (u64::from(short), rest),
        };
        if left >> 63 != 0 {
            return Err(FrameFault::Length);
        }
        let mask = match (second & 128, rest.first_chunk::<4>()) {
            (0, _) => [0; 4],
            (_, Some(mask)) => *mask,
            (_, None) => return Ok(None),
        };
        Ok(Some(Frame { left, mask, at: 0, is_control, ends_message: is_final && !is_control }))
    }

    /// Takes what is there of a frame's payload; returns what follows it.
    fn go_on<'a>(&mut self, mut frame: Frame, piece: &'a [u8]) -> &'a [u8] {
        let length = usize::try_from(frame.left).unwrap_or(usize::MAX).min(piece.len());
        let (payload, rest) = piece.split_at_checked(length).unwrap_or((piece, &[]));
        if frame.is_control {
            self.plain = self.plain.saturating_add(length);
            self.waiting.push_back(Waiting::Plain(payload.to_vec()));
        } else {
            let clear: Vec<u8> = masked(payload.iter().copied(), frame.mask, frame.at).collect();
            self.searched.extend(self.search.push(&clear));
            self.waiting.push_back(Waiting::Payload { length, mask: frame.mask, at: frame.at });
        }
        frame.left = frame.left.saturating_sub(u64::try_from(length).unwrap_or(u64::MAX));
        frame.at = frame.at.wrapping_add(length) % 4;
        self.frame = Some(frame);
        self.end_if_whole();
        rest
    }

    fn end_if_whole(&mut self) {
        if let Some(frame) = self.frame.filter(|frame| frame.left == 0) {
            self.frame = None;
            if frame.ends_message {
                self.is_in_message = false;
                self.searched.extend(self.search.finish());
            }
        }
    }

    /// Lets go what waits, up to what is not searched yet.
    fn drain(&mut self, out: &mut Vec<u8>) {
        while let Some(first) = self.waiting.front_mut() {
            match first {
                Waiting::Plain(bytes) => {
                    self.plain = self.plain.saturating_sub(bytes.len());
                    out.append(bytes);
                }
                Waiting::Payload { length, mask, at } => {
                    let now = self.searched.len().min(*length);
                    out.extend(masked(self.searched.drain(..now), *mask, *at));
                    *length -= now;
                    *at = at.wrapping_add(now) % 4;
                    if *length > 0 {
                        return;
                    }
                }
            }
            self.waiting.pop_front();
        }
    }
}

/// Bytes with the mask of their frame, or without it: it is the same either way (RFC 6455 section 5.3).
fn masked(bytes: impl Iterator<Item = u8>, mask: Mask, at: usize) -> impl Iterator<Item = u8> {
    bytes.zip(mask.into_iter().cycle().skip(at % 4)).map(|(byte, mask)| byte ^ mask)
}

impl fmt::Debug for Frames {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Frames").field("is_in_message", &self.is_in_message).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::pattern::Pattern;
    use super::super::rewrite::Deed;
    use super::*;

    fn taking() -> Frames {
        Frames::taking(Rewriter::new([(Pattern::exact(b"secret"), Deed::Mask)]))
    }

    /// A frame of this kind and end, with a mask or not.
    fn frame(first: u8, payload: &[u8], mask: Option<Mask>) -> Vec<u8> {
        let mut out = vec![first];
        let bit = if mask.is_some() { 128 } else { 0 };
        match payload.len() {
            length @ ..126 => out.push(bit | u8::try_from(length).unwrap()),
            length @ ..=0xffff => {
                out.push(bit | 126);
                out.extend(u16::try_from(length).unwrap().to_be_bytes());
            }
            length => {
                out.push(bit | 127);
                out.extend(u64::try_from(length).unwrap().to_be_bytes());
            }
        }
        out.extend(mask.iter().flatten());
        out.extend(masked(payload.iter().copied(), mask.unwrap_or_default(), 0));
        out
    }

    fn through(pieces: &[&[u8]]) -> Vec<u8> {
        let mut frames = taking();
        let mut out = Vec::new();
        for piece in pieces {
            out.extend(frames.push(piece).unwrap());
        }
        out.extend(frames.finish());
        out
    }

    #[test]
    fn a_secret_is_found_however_messages_and_pieces_are_cut() {
        for mask in [None, Some([1, 0, 0xff, 0x55])] {
            let talk = |word: &[u8; 6]| {
                let (one, two) = word.split_at(4);
                [
                    frame(0x81, &[b"a ", &word[..], b"!"].concat(), mask),
                    frame(0x89, b"ping secret", mask),
                    // In two frames with others between them.
                    frame(0x01, &[b"x", one].concat(), mask),
                    frame(0x8a, b"", mask),
                    frame(0x00, b"", mask),
                    frame(0x80, &[two, b"y"].concat(), mask),
                    frame(0x82, b"sec", mask),
                    frame(0x81, b"ret", mask),
                    frame(0x82, &[&[7; 200][..], &word[..]].concat(), mask),
                    frame(0x88, b"", mask),
                ]
                .concat()
            };
            let (said, wanted) = (talk(b"secret"), talk(b"******"));
            assert!(through(&[&said]) == wanted);
            for cut in 0..said.len() {
                assert!(through(&[&said[..cut], &said[cut..]]) == wanted, "cut at {cut}");
            }
            let single: Vec<&[u8]> = said.chunks(1).collect();
            assert!(through(&single) == wanted);
            let long = |word: &[u8; 6]| frame(0x82, &[&[7; 70_000][..], &word[..], b"."].concat(), mask);
            let (said, wanted) = (long(b"secret"), long(b"******"));
            assert!(through(&[&said]) == wanted);
            for cut in [1, 5, 9, 12, 66_000, said.len() - 4] {
                assert!(through(&[&said[..cut], &said[cut..]]) == wanted, "cut at {cut}");
            }
        }
    }

    #[test]
    fn a_message_does_not_wait_for_the_next() {
        let mut frames = taking();
        let one = frame(0x81, b"ends in secre", None);
        assert_eq!(frames.push(&one), Ok(one));
        let part = frame(0x01, b"ends in secre", None);
        assert_eq!(frames.push(&part).unwrap().len(), part.len() - 5);
        assert_eq!(frames.finish(), b"secre");
    }

    #[test]
    fn what_is_not_understood_is_a_fault() {
        for (bytes, fault) in [
            (&b"\xc1\x00"[..], FrameFault::Reserved),
            (b"\xa1\x00", FrameFault::Reserved),
            (b"\x83\x00", FrameFault::Reserved),
            (b"\x8b\x00", FrameFault::Reserved),
            (b"\x80\x00", FrameFault::Order),
            (b"\x01\x00\x81\x00", FrameFault::Order),
            (b"\x09\x00", FrameFault::Order),
            (b"\x89\x7e\x00\x7e", FrameFault::Order),
            (b"\x82\x7f\x80\0\0\0\0\0\0\0", FrameFault::Length),
        ] {
            assert_eq!(taking().push(bytes), Err(fault), "{bytes:?}");
            assert!(!fault.reason().is_empty());
        }
        let mut frames = taking();
        frames.push(&frame(0x01, b"sec", None)).unwrap();
        let endless = frame(0x8a, &[b'x'; 125], None).repeat(1000);
        assert_eq!(frames.push(&endless), Err(FrameFault::Endless));
        // The same behind nothing that is held back passes.
        assert_eq!(taking().push(&endless), Ok(endless));
    }
}
