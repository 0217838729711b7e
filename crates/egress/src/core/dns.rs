//! The name server inside the garden: one question in, one answer out, no recursion.
//!
//! Sources: RFC 1035 section 4 (messages), RFC 6891 (EDNS), RFC 7766 (TCP), RFC 8914 (extended errors), RFC 9460 section 2.2
//! (a client that gets no HTTPS record goes on without one).

use super::host::Host;
use super::progress::{Cursor, Progress};
use core::net::IpAddr;

/// Longest message that is read.
pub const LONGEST_QUERY: usize = 4096;

/// Seconds that an answer may be kept; the same name has the same address for the whole session.
const TIME_TO_LIVE: u32 = 60;

/// Largest message that is said to be taken over UDP.
const UDP_PAYLOAD: u16 = 1232;

const TYPE_A: u16 = 1;
const TYPE_AAAA: u16 = 28;
const TYPE_OPT: u16 = 41;
const TYPE_SVCB: u16 = 64;
const TYPE_HTTPS: u16 = 65;
const CLASS_IN: u16 = 1;

/// What kind of record is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// An IPv4 address.
    A,
    /// An IPv6 address.
    Aaaa,
    /// How to reach a service; answered with nothing, so that clients go on with addresses.
    Service,
    /// Anything else.
    Other(u16),
}

/// A question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    id: u16,
    /// Whether the client wanted recursion; it is told that there is none.
    recursion_desired: bool,
    /// The question as it was sent, in its letter case (some clients compare it).
    question: Vec<u8>,
    /// True if the client speaks EDNS.
    extended: bool,
    /// The name; `None` if it is none that a connection could be made to.
    pub host: Option<Host>,
    /// What is asked for.
    pub kind: Kind,
}

/// Why a message is no question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DnsFault {
    /// Too short for a header, or itself an answer: no reply may be sent.
    Silent,
    /// Not one question of class IN in the plain form.
    Format {
        /// Number of the message, for the reply.
        id: u16,
    },
    /// Another operation than a question.
    Operation {
        /// Number of the message, for the reply.
        id: u16,
    },
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply<'a> {
    /// These addresses; those of the family that was not asked for are left out.
    Addresses(&'a [IpAddr]),
    /// The name is there, and has no record of this kind.
    Empty,
    /// There is no such name, because of this.
    NoSuchName(&'a str),
    /// The question is not answered, because of this.
    Refused(&'a str),
    /// There are too many names.
    Failure,
}

/// Reads a question.
///
/// # Errors
/// When the message is anything but one plain question.
pub fn query(message: &[u8]) -> Result<Query, DnsFault> {
    let mut cursor = Cursor::new(message);
    let id = cursor.word().ok_or(DnsFault::Silent)?;
    let flags = cursor.word().ok_or(DnsFault::Silent)?;
    let [questions, answers, authorities, additional] = words(&mut cursor).ok_or(DnsFault::Silent)?;
    if flags & 0x8000 != 0 {
        return Err(DnsFault::Silent);
    }
    if flags & 0x7800 != 0 {
        return Err(DnsFault::Operation { id });
    }
    let format = DnsFault::Format { id };
    let is_plain = questions == 1 && answers == 0 && authorities == 0 && additional <= 2;
    if !is_plain || message.len() > LONGEST_QUERY {
        return Err(format);
    }
    let start = cursor.position();
    let host = name(&mut cursor).ok_or(format)?;
    let kind = cursor.word().ok_or(format)?;
    if cursor.word() != Some(CLASS_IN) {
        return Err(format);
    }
    let question = message.get(start..cursor.position()).unwrap_or_default().to_vec();
    let extended = extended(&mut cursor, additional).ok_or(format)?;
    let kind = match kind {
        TYPE_A => Kind::A,
        TYPE_AAAA => Kind::Aaaa,
        TYPE_SVCB | TYPE_HTTPS => Kind::Service,
        other => Kind::Other(other),
    };
    Ok(Query { id, recursion_desired: flags & 0x0100 != 0, question, extended, host, kind })
}

fn words<const N: usize>(cursor: &mut Cursor<'_>) -> Option<[u16; N]> {
    let mut out = [0; N];
    for word in &mut out {
        *word = cursor.word()?;
    }
    Some(out)
}

/// The labels of a name without compression: `None` if they are broken, `Some(None)` if they are no host.
fn name(cursor: &mut Cursor<'_>) -> Option<Option<Host>> {
    let mut text = Vec::new();
    let mut is_text = true;
    loop {
        let label = cursor.short_field()?;
        if label.is_empty() {
            break;
        }
        if label.len() > 63 || text.len() + label.len() > 254 {
            return None;
        }
        is_text &= !label.contains(&b'.');
        text.extend_from_slice(label);
        text.push(b'.');
    }
    Some(Host::read_bytes(&text).ok().filter(|host| is_text && matches!(host, Host::Name(_))))
}

/// Whether one of the additional records is that of EDNS; `None` if they are broken.
fn extended(cursor: &mut Cursor<'_>, records: u16) -> Option<bool> {
    let mut found = false;
    for _ in 0..records {
        name(cursor)?;
        let kind = cursor.word()?;
        let _class: [u8; 2] = cursor.array()?;
        let _ttl: [u8; 4] = cursor.array()?;
        cursor.long_field()?;
        found |= kind == TYPE_OPT;
    }
    cursor.is_empty().then_some(found)
}

/// Writes the answer to a question.
#[must_use]
pub fn reply(query: &Query, reply: &Reply<'_>) -> Vec<u8> {
    let (code, reason) = match reply {
        Reply::Addresses(_) | Reply::Empty => (0, None),
        Reply::Failure => (2, None),
        Reply::NoSuchName(reason) => (3, Some(*reason)),
        Reply::Refused(reason) => (5, Some(*reason)),
    };
    let addresses: &[IpAddr] = if let Reply::Addresses(addresses) = reply { addresses } else { &[] };
    let records: Vec<Vec<u8>> = addresses.iter().filter_map(|address| record(query.kind, *address)).collect();
    let mut out = header(query.id, query.recursion_desired, code);
    let answers = u16::try_from(records.len()).unwrap_or_default();
    for count in [1, answers, 0, u16::from(query.extended)] {
        out.extend_from_slice(&count.to_be_bytes());
    }
    out.extend_from_slice(&query.question);
    out.extend(records.into_iter().flatten());
    if query.extended {
        out.extend(options(reason));
    }
    out
}

/// Writes the reply to a message that is no question; `None` where silence is the answer.
#[must_use]
pub fn fault_reply(fault: DnsFault) -> Option<Vec<u8>> {
    let (id, code) = match fault {
        DnsFault::Silent => return None,
        DnsFault::Format { id } => (id, 1),
        DnsFault::Operation { id } => (id, 4),
    };
    let mut out = header(id, false, code);
    out.extend_from_slice(&[0; 8]);
    Some(out)
}

/// Number and flags: an answer, with the authority of one who makes the names up, and without recursion.
fn header(id: u16, recursion_desired: bool, code: u16) -> Vec<u8> {
    let flags = 0x8400 | (u16::from(recursion_desired) << 8) | 0x0080 | code;
    [id.to_be_bytes(), flags.to_be_bytes()].concat()
}

/// A record of the name in the question, if the address is of the family that was asked for.
fn record(kind: Kind, address: IpAddr) -> Option<Vec<u8>> {
    let (number, octets): (u16, Vec<u8>) = match (kind, address) {
        (Kind::A, IpAddr::V4(address)) => (TYPE_A, address.octets().to_vec()),
        (Kind::Aaaa, IpAddr::V6(address)) => (TYPE_AAAA, address.octets().to_vec()),
        _ => return None,
    };
    let length = u16::try_from(octets.len()).ok()?;
    let mut out = vec![0xc0, 12];
    out.extend_from_slice(&number.to_be_bytes());
    out.extend_from_slice(&CLASS_IN.to_be_bytes());
    out.extend_from_slice(&TIME_TO_LIVE.to_be_bytes());
    out.extend_from_slice(&length.to_be_bytes());
    out.extend(octets);
    Some(out)
}

/// The record of EDNS, with the reason of a refusal as an extended error ("Blocked").
fn options(reason: Option<&str>) -> Vec<u8> {
    let mut data = Vec::new();
    if let Some(reason) = reason {
        let text: Vec<u8> = reason.bytes().take(200).collect();
        let length = u16::try_from(text.len() + 2).unwrap_or_default();
        for word in [15, length, 15] {
            data.extend_from_slice(&u16::to_be_bytes(word));
        }
        data.extend(text);
    }
    let mut out = vec![0];
    for word in [TYPE_OPT, UDP_PAYLOAD, 0, 0, u16::try_from(data.len()).unwrap_or_default()] {
        out.extend_from_slice(&word.to_be_bytes());
    }
    out.extend(data);
    out
}

/// The next message of a TCP connection, without its length.
#[must_use]
pub fn frame(stream: &[u8]) -> Progress<&[u8]> {
    let mut cursor = Cursor::new(stream);
    match cursor.long_field() {
        Some(value) => Progress::Done { value, used: cursor.position() },
        None => Progress::Partial,
    }
}

/// A message with its length before it, as TCP carries it. Messages of this module are never longer than that allows.
#[must_use]
pub fn framed(message: &[u8]) -> Vec<u8> {
    let length = u16::try_from(message.len()).unwrap_or_default();
    let mut out = length.to_be_bytes().to_vec();
    out.extend(message.iter().take(usize::from(length)));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(name: &str, kind: u16, edns: bool) -> Vec<u8> {
        let mut out = vec![0xab, 0xcd, 1, 0, 0, 1, 0, 0, 0, 0, 0, u8::from(edns)];
        for label in name.split('.').filter(|label| !label.is_empty()) {
            out.push(u8::try_from(label.len()).unwrap());
            out.extend(label.bytes());
        }
        out.push(0);
        out.extend(kind.to_be_bytes());
        out.extend([0, 1]);
        if edns {
            out.extend([0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0]);
        }
        out
    }

    #[test]
    fn a_question_is_read_and_its_letters_come_back() {
        let message = ask("GitHub.COM", 1, true);
        let asked = query(&message).unwrap();
        assert_eq!(asked.host, Some(Host::read("github.com").unwrap()));
        assert_eq!(asked.kind, Kind::A);
        let addresses = ["198.18.0.1".parse().unwrap(), "2001:2::1".parse().unwrap()];
        let answer = reply(&asked, &Reply::Addresses(&addresses));
        assert_eq!(answer.get(..12), Some(&[0xab, 0xcd, 0x85, 0x80, 0, 1, 0, 1, 0, 0, 0, 1][..]));
        assert_eq!(answer.get(12..28), message.get(12..28));
        let record = [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 198, 18, 0, 1];
        assert_eq!(answer.get(28..44), Some(&record[..]));
        assert_eq!(answer.len(), 44 + 11);
    }

    #[test]
    fn a_refusal_says_why_to_who_can_read_it() {
        let asked = query(&ask("evil.example", 28, true)).unwrap();
        let answer = reply(&asked, &Reply::NoSuchName("no rule names the host"));
        assert_eq!(answer.get(3), Some(&0x83));
        assert!(answer.windows(22).any(|part| part == b"no rule names the host"));
        let plain = query(&ask("evil.example", 28, false)).unwrap();
        assert_eq!(reply(&plain, &Reply::NoSuchName("x")).len(), 12 + 18);
    }

    #[test]
    fn other_kinds_carry_nothing() {
        let asked = query(&ask("a.example", 65, false)).unwrap();
        assert_eq!(asked.kind, Kind::Service);
        let addresses = ["198.18.0.1".parse().unwrap()];
        assert_eq!(reply(&asked, &Reply::Addresses(&addresses)).get(6..8), Some(&[0, 0][..]));
        assert_eq!(query(&ask("a.example", 16, false)).unwrap().kind, Kind::Other(16));
    }

    #[test]
    fn what_is_no_plain_question_is_refused() {
        let good = ask("a.example", 1, false);
        let changed = |at: usize, to: u8| {
            let mut message = good.clone();
            message[at] = to;
            query(&message)
        };
        let format = Err(DnsFault::Format { id: 0xabcd });
        assert_eq!(changed(2, 0x81), Err(DnsFault::Silent));
        assert_eq!(changed(2, 0x28), Err(DnsFault::Operation { id: 0xabcd }));
        for (at, to) in [(5, 0), (5, 2), (7, 1), (9, 1), (11, 1), (11, 3), (12, 0xc0), (12, 64), (26, 3)] {
            assert_eq!(changed(at, to), format, "byte {at}");
        }
        assert_eq!(query(good.get(..11).unwrap()), Err(DnsFault::Silent));
        assert_eq!(query(good.get(..20).unwrap()), format);
        assert_eq!(query(&ask("a b.example", 1, false)).unwrap().host, None);
        assert_eq!(query(&ask("127.0.0.1", 1, false)).unwrap().host, None);
        assert_eq!(query(&ask("", 1, false)).unwrap().host, None);
        assert_eq!(fault_reply(DnsFault::Silent), None);
        assert_eq!(fault_reply(DnsFault::Format { id: 7 }).map(|reply| reply.len()), Some(12));
    }

    #[test]
    fn a_label_with_a_dot_is_no_name() {
        let mut message = ask("aab", 1, false);
        message[14] = b'.';
        assert_eq!(query(&message).unwrap().host, None);
    }

    #[test]
    fn tcp_carries_lengths() {
        assert_eq!(frame(&[0]), Progress::Partial);
        assert_eq!(frame(&[0, 2, 1]), Progress::Partial);
        assert_eq!(frame(&[0, 2, 1, 2, 3]), Progress::Done { value: &[1, 2][..], used: 4 });
        assert_eq!(framed(&[9, 9]), [0, 2, 9, 9]);
    }
}
