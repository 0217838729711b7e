//! One line of a log.
//!
//! A record is one JSON object on one line, in exactly this frame:
//!
//! ```text
//! {"version":1,"session":"S","sequence":N,"time":"T","event":"K", … ,"previous":"P","hash":"H"}
//! ```
//!
//! `…` are the members of the event in the order of their names. `H` is the SHA-256, in lower-case hexadecimal digits, of
//! the line's bytes up to and without `,"hash":"H"}`, with `}` put in its place: the same object without its last member.
//! So nothing has to be written anew to check it. `P` is the `H` of the record before, 64 zeros for the first one.

use super::event::{Event, Kind};
use super::moment::Moment;
use sha2::{Digest as _, Sha256};
use std::fmt::{self, Write as _};

/// Version of the form of a record.
pub const VERSION: u32 = 1;

/// Digits of a hash.
pub(super) const DIGITS: usize = 64;

/// `previous` of the first record.
pub(super) const NOTHING: [u8; DIGITS] = [b'0'; DIGITS];

const START: &[u8] = b"{\"version\":1,\"session\":\"";
const SEQUENCE: &[u8] = b"\",\"sequence\":";
const TIME: &[u8] = b",\"time\":\"";
const EVENT: &[u8] = b"\",\"event\":\"";
const PREVIOUS: &[u8] = b",\"previous\":\"";
const HASH: &[u8] = b"\",\"hash\":\"";
const END: &[u8] = b"\"}";

/// Names a session: when it started, to the second, then the microseconds as 5 and 44 random bits as 11 hexadecimal
/// digits. Names sort by time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId([u8; 33]);

impl SessionId {
    /// A name for a session that starts now; of `random` the lower 44 bits count.
    #[must_use]
    pub fn new(now: Moment, random: u64) -> Self {
        let micros = u64::try_from(now.micros().rem_euclid(1_000_000)).unwrap_or(0);
        let random = micros << 44 | random & 0xfff_ffff_ffff;
        let mut name = [b'0'; 33];
        let text = now.to_string();
        let digits = text.bytes().take(19).filter(|byte| !matches!(byte, b'-' | b':'));
        let rest = format!("Z-{random:016x}");
        for (place, byte) in name.iter_mut().zip(digits.chain(rest.bytes())) {
            *place = byte;
        }
        Self(name)
    }

    /// Reads a whole name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let name: [u8; 33] = text.as_bytes().try_into().ok()?;
        let fits = name.iter().zip(b"00000000T000000Z-aaaaaaaaaaaaaaaa").all(|(byte, form)| match form {
            b'0' => byte.is_ascii_digit(),
            b'a' => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
            form => byte == form,
        });
        fits.then_some(Self(name))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// What stands around the event in a line, read without reading the event. Cheap: about a tenth of a microsecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header<'l> {
    /// The session.
    pub session: SessionId,
    /// Number of the record in its session, from 0.
    pub sequence: u64,
    /// When it happened, as written.
    pub time: &'l str,
    /// The kind of event, as written.
    pub kind: &'l str,
    /// Hash of the record before.
    pub previous: &'l [u8],
    /// Hash of this record.
    pub hash: &'l [u8],
    /// The bytes that are hashed, without the closing brace.
    pub(super) body: &'l [u8],
}

fn is_hash(digits: &[u8]) -> bool {
    digits.len() == DIGITS && digits.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
}

impl<'l> Header<'l> {
    /// Reads a line without its line break; `None` if it has not the frame of a record.
    #[must_use]
    pub fn read(line: &'l [u8]) -> Option<Self> {
        let rest = line.strip_prefix(START)?;
        let (session, rest) = rest.split_at_checked(33)?;
        let session = SessionId::parse(std::str::from_utf8(session).ok()?)?;
        let rest = rest.strip_prefix(SEQUENCE)?;
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (number, rest) = rest.split_at_checked(digits)?;
        let number = std::str::from_utf8(number).ok()?;
        let sequence: u64 = number.parse().ok()?;
        // One number has one form.
        if number.len() > 1 && number.starts_with('0') {
            return None;
        }
        let (time, rest) = rest.strip_prefix(TIME)?.split_at_checked(27)?;
        let rest = rest.strip_prefix(EVENT)?;
        let (kind, _) = rest.split_at_checked(rest.iter().position(|byte| *byte == b'"')?)?;
        let (front, hash) = line.strip_suffix(END)?.split_at_checked(line.len().checked_sub(2 + DIGITS)?)?;
        let body = front.strip_suffix(HASH)?;
        let (front, previous) = body.split_at_checked(body.len().checked_sub(DIGITS)?)?;
        front.strip_suffix(PREVIOUS)?;
        if !is_hash(hash) || !is_hash(previous) {
            return None;
        }
        let text = |bytes: &'l [u8]| std::str::from_utf8(bytes).ok();
        // The quotation mark after `previous` belongs to the hashed bytes.
        let body = line.get(..body.len() + 1)?;
        Some(Self { session, sequence, time: text(time)?, kind: text(kind)?, previous, hash, body })
    }

    /// Whether the hash is that of the rest.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        digest(&[self.body, b"}"]) == self.hash
    }
}

/// SHA-256 in lower-case hexadecimal digits.
pub(super) fn digest(parts: &[&[u8]]) -> [u8; DIGITS] {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    let mut digits = [0; DIGITS];
    let letters = b"0123456789abcdef";
    for (pair, byte) in digits.chunks_exact_mut(2).zip(hasher.finalize()) {
        pair[0] = letters[usize::from(byte >> 4)];
        pair[1] = letters[usize::from(byte & 15)];
    }
    digits
}

/// Where a record stands in its log.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'p> {
    pub session: SessionId,
    pub sequence: u64,
    pub time: Moment,
    pub previous: &'p [u8; DIGITS],
}

/// Writes a record as a line with its line break, in place of what `line` held. The members of the event are JSON text
/// without braces, empty if there are none. Its hash.
pub(super) fn write(line: &mut String, place: Place<'_>, kind: Kind, members: &str) -> [u8; DIGITS] {
    line.clear();
    let Place { session, sequence, time, previous } = place;
    let (kind, comma) = (kind.name(), if members.is_empty() { "" } else { "," });
    let text = |digits: &[u8; DIGITS]| String::from_utf8_lossy(digits).into_owned();
    let previous = text(previous);
    let _infallible = write!(
        line,
        "{{\"version\":{VERSION},\"session\":\"{session}\",\"sequence\":{sequence},\"time\":\"{time}\",\
         \"event\":\"{kind}\"{comma}{members},\"previous\":\"{previous}\""
    );
    let hash = digest(&[line.as_bytes(), b"}"]);
    let _infallible = writeln!(line, ",\"hash\":\"{}\"}}", text(&hash));
    hash
}

/// A record that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// The session.
    pub session: SessionId,
    /// Number of the record in its session, from 0.
    pub sequence: u64,
    /// When it happened.
    pub time: Moment,
    /// What happened.
    pub event: Event,
}

impl Record {
    /// Reads a line, with or without its line break. Whether it is what was written is for [`super::Verifier`] to say.
    ///
    /// # Errors
    /// What keeps the line from being a record, in words.
    pub fn parse(line: &[u8]) -> Result<Self, String> {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let header = Header::read(line).ok_or("it has not the form of a record of this version")?;
        let time = Moment::parse(header.time).ok_or("its time is none")?;
        let event: Event = serde_json::from_slice(line).map_err(|error| error.to_string())?;
        Ok(Self { session: header.session, sequence: header.sequence, time, event })
    }

    /// The name by which `garth why` finds it.
    #[must_use]
    pub fn id(&self) -> String {
        format!("{}#{}", self.session, self.sequence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_sessions_sort_by_time_and_read_back() {
        let id = |micros: i64| SessionId::new(Moment::from_micros(micros), 0xab);
        assert_eq!(id(1_795_939_554_000_123).as_str(), "20261129T080554Z-0007b000000000ab");
        assert!(id(1_795_939_554_000_123) < id(1_795_939_555_000_000));
        let random =
            |micros: i64| SessionId::new(Moment::from_micros(micros), u64::MAX - 7 * micros.unsigned_abs());
        assert!(random(1_999_998) < random(1_999_999));
        assert_eq!(SessionId::parse(id(7).as_str()), Some(id(7)));
        for wrong in ["", "20261129T080554Z-00000000000000aB", "../../../etc/passwd-0000000000000"] {
            assert_eq!(SessionId::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_line_is_read_back_and_its_hash_is_that_of_the_object_without_it() {
        let (session, time) = (SessionId::new(Moment::from_micros(0), 1), Moment::from_micros(5));
        let mut line = String::new();
        let place = Place { session, sequence: 7, time, previous: &NOTHING };
        let hash = write(&mut line, place, Kind::ResidueCleaned, "\"path\":\"/tmp/a\"");
        let header = Header::read(line.trim_end().as_bytes()).unwrap();
        assert_eq!((header.sequence, header.kind, header.hash), (7, "residue-cleaned", &hash[..]));
        assert!(header.is_sound());
        // By hand, as docs/audit.md tells it.
        let cut = line.rfind(",\"hash\"").unwrap();
        assert_eq!(digest(&[format!("{}}}", &line[..cut]).as_bytes()]), hash);
        let record = Record::parse(line.as_bytes()).unwrap();
        assert_eq!(record.event.path(), Some("/tmp/a"));
        assert_eq!(record.id(), format!("{session}#7"));
    }
}
