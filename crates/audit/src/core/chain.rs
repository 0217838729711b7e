//! Records that follow each other: made, and checked.

use super::event::{Event, Kind};
use super::moment::Moment;
use super::record::{self, DIGITS, Header, NOTHING, Place, SessionId};
use super::redact::Redactor;
use super::text::{cut, escape_json};
use serde_json::Value;
use std::fmt;

/// The end of a log: which record is the last, and its hash. Kept where nobody can change it, it proves that the log
/// says now what it said then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The session.
    pub session: SessionId,
    /// Number of the last record.
    pub sequence: u64,
    /// Its hash in hexadecimal digits.
    pub hash: String,
}

impl Head {
    /// Reads one line of an anchor: session, number, hash.
    #[must_use]
    pub fn parse(line: &str) -> Option<Self> {
        let mut words = line.split_whitespace();
        let (session, sequence, hash) = (words.next()?, words.next()?, words.next()?);
        let is_hash = hash.len() == DIGITS && hash.bytes().all(|digit| digit.is_ascii_hexdigit());
        if words.next().is_some() || !is_hash {
            return None;
        }
        let (session, sequence) = (SessionId::parse(session)?, sequence.parse().ok()?);
        Some(Self { session, sequence, hash: hash.to_ascii_lowercase() })
    }
}

impl fmt::Display for Head {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {} {}", self.session, self.sequence, self.hash)
    }
}

/// Makes the records of one session, each bound to the one before.
#[derive(Clone, Debug)]
pub struct Chain {
    session: SessionId,
    next: u64,
    previous: [u8; DIGITS],
    latest: Moment,
    line: String,
}

impl Chain {
    /// A chain without records.
    #[must_use]
    pub fn new(session: SessionId) -> Self {
        Self {
            session,
            next: 0,
            previous: NOTHING,
            latest: Moment::from_micros(i64::MIN),
            line: String::new(),
        }
    }

    /// A chain that goes on behind a record.
    #[must_use]
    pub fn after(head: &Head) -> Self {
        let mut previous = NOTHING;
        for (place, digit) in previous.iter_mut().zip(head.hash.bytes()) {
            *place = digit;
        }
        Self { next: head.sequence.saturating_add(1), previous, ..Self::new(head.session) }
    }

    /// The session.
    #[must_use]
    pub fn session(&self) -> SessionId {
        self.session
    }

    /// Makes the next record: a line with its line break, in UTF-8. Secrets are taken out and long texts cut before
    /// anything is hashed. A clock that went back does not take the log with it: no record is earlier than the one before.
    pub fn seal(&mut self, event: &Event, now: Moment, redactor: &Redactor) -> &str {
        let members = members(event, redactor);
        self.latest = self.latest.max(now);
        let place =
            Place { session: self.session, sequence: self.next, time: self.latest, previous: &self.previous };
        let hash = record::write(&mut self.line, place, event.kind(), &members);
        self.previous = hash;
        self.next += 1;
        &self.line
    }

    /// The last record; `None` if there is none yet.
    #[must_use]
    pub fn head(&self) -> Option<Head> {
        let sequence = self.next.checked_sub(1)?;
        let hash = String::from_utf8_lossy(&self.previous).into_owned();
        Some(Head { session: self.session, sequence, hash })
    }
}

/// The members of an event as JSON without braces, in the order of their names.
fn members(event: &Event, redactor: &Redactor) -> String {
    // An event is a struct of texts, numbers and lists of them, which always has a form.
    let mut value = serde_json::to_value(event).unwrap_or_default();
    if let Value::Object(members) = &mut value {
        members.remove("event");
        members.sort_keys();
        for (_, value) in members.iter_mut() {
            clean(value, redactor);
        }
    }
    let mut text = escape_json(value.to_string());
    text.pop();
    text.split_off(1.min(text.len()))
}

/// Takes secrets out of every text, and cuts what is too long. Events are flat, so this goes two levels down.
fn clean(value: &mut Value, redactor: &Redactor) {
    match value {
        Value::String(text) => {
            redactor.text(text);
            cut(text);
        }
        Value::Array(list) => {
            let mut words = Vec::with_capacity(list.len());
            for word in list.iter_mut() {
                match word {
                    Value::String(text) => words.push(text),
                    other => clean(other, redactor),
                }
            }
            redactor.words(&mut words);
            list_cut(list);
        }
        Value::Object(members) => members.values_mut().for_each(|value| clean(value, redactor)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Words of a command line that are kept, and all their bytes together.
const MOST_WORDS: usize = 256;
const MOST_BYTES: usize = 16 * 1024;

fn list_cut(list: &mut Vec<Value>) {
    let (mut kept, mut bytes) = (0, 0);
    for value in list.iter_mut() {
        if let Value::String(text) = value {
            cut(text);
            bytes += text.len();
        }
        if kept == MOST_WORDS || bytes > MOST_BYTES {
            break;
        }
        kept += 1;
    }
    let left = list.len() - kept;
    if left > 0 {
        list.truncate(kept);
        list.push(Value::String(format!("[{left} words more]")));
    }
}

/// What is wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// It has not the form of a record.
    NotARecord,
    /// It has no line break: the end of what a crash left.
    Torn,
    /// It is not what was hashed.
    Changed,
    /// It is a record of another session.
    Foreign,
    /// Its number is not the next.
    OutOfOrder,
    /// It was not made behind the record before it.
    Unlinked,
}

/// A line that is not what was written there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What is wrong.
    pub kind: FaultKind,
    /// In words.
    pub reason: String,
}

/// Checks the lines of one session, in order.
#[derive(Clone, Debug)]
pub struct Verifier {
    session: SessionId,
    next: u64,
    previous: [u8; DIGITS],
    ended: bool,
}

impl Verifier {
    /// For the log of this session.
    #[must_use]
    pub fn new(session: SessionId) -> Self {
        Self { session, next: 0, previous: NOTHING, ended: false }
    }

    /// Checks the next line, with its line break.
    ///
    /// # Errors
    /// What is wrong. Every line after that would be wrong as well, so there is no point in going on.
    pub fn line<'l>(&mut self, line: &'l [u8]) -> Result<Header<'l>, Fault> {
        let fault = |kind, reason: String| Err(Fault { kind, reason });
        let Some(line) = line.strip_suffix(b"\n") else {
            return fault(FaultKind::Torn, "it ends without a line break, as after a crash".into());
        };
        let Some(header) = Header::read(line) else {
            return fault(FaultKind::NotARecord, "it has not the form of a record".into());
        };
        if !header.is_sound() {
            return fault(FaultKind::Changed, "its content is not what its hash was made of".into());
        }
        if header.session != self.session {
            return fault(FaultKind::Foreign, format!("it is a record of session {}", header.session));
        }
        if header.sequence != self.next {
            let (wanted, found) = (self.next, header.sequence);
            let reason = format!(
                "record {wanted} is due here, and this is {found}: records are missing, repeated or moved"
            );
            return fault(FaultKind::OutOfOrder, reason);
        }
        if header.previous != self.previous {
            let reason = "it was made behind another record than the one before it".into();
            return fault(FaultKind::Unlinked, reason);
        }
        self.previous.copy_from_slice(header.hash);
        self.next += 1;
        self.ended = header.kind == Kind::SessionEnded.name();
        Ok(header)
    }

    /// How many records were sound.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.next
    }

    /// Whether the last record is the end of a session.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.ended
    }

    /// The last sound record.
    #[must_use]
    pub fn head(&self) -> Option<Head> {
        let sequence = self.next.checked_sub(1)?;
        let hash = String::from_utf8_lossy(&self.previous).into_owned();
        Some(Head { session: self.session, sequence, hash })
    }
}

#[cfg(test)]
mod tests {
    use super::super::event::{BrokerError, LimitHit, SessionEnded};
    use super::super::record::Record;
    use super::*;
    use proptest::prelude::*;

    fn ended() -> Event {
        SessionEnded {
            outcome: "exited".into(),
            code: 0,
            signal: None,
            message: None,
            denied: 0,
            milliseconds: 5,
            usage: None,
        }
        .into()
    }

    /// The lines of a session with these texts in it.
    fn lines(texts: &[String]) -> Vec<Vec<u8>> {
        lines_of(7, texts)
    }

    fn lines_of(session: u64, texts: &[String]) -> Vec<Vec<u8>> {
        let mut chain = Chain::new(SessionId::new(Moment::from_micros(0), session));
        let redactor = Redactor::new(&[]);
        let said = |text: &String| -> Event {
            BrokerError { operation: text.clone(), cause: "tested".into() }.into()
        };
        let events = texts.iter().map(said).chain([ended()]);
        events
            .enumerate()
            .map(|(at, event)| {
                let now = Moment::from_micros(i64::try_from(at).unwrap());
                chain.seal(&event, now, &redactor).as_bytes().to_vec()
            })
            .collect()
    }

    /// The first line that is wrong, and what is wrong with it.
    fn verify(lines: &[Vec<u8>]) -> Result<Verifier, (usize, FaultKind)> {
        let mut verifier = Verifier::new(SessionId::new(Moment::from_micros(0), 7));
        for (number, line) in lines.iter().enumerate() {
            verifier.line(line).map_err(|fault| (number + 1, fault.kind))?;
        }
        Ok(verifier)
    }

    fn texts(list: &[&str]) -> Vec<String> {
        list.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn a_whole_log_is_sound_and_complete() {
        let lines = lines(&texts(&["a", "b\n\u{1b}\"\\", "ä"]));
        let verifier = verify(&lines).unwrap();
        assert_eq!((verifier.records(), verifier.is_complete()), (4, true));
        let head = verifier.head().unwrap();
        assert_eq!(Head::parse(&head.to_string()), Some(head));
        for line in &lines {
            Record::parse(line).unwrap();
            assert_eq!(line.iter().filter(|byte| **byte == b'\n').count(), 1);
        }
    }

    #[test]
    fn what_was_done_to_a_log_is_told_with_the_first_bad_line() {
        let whole = lines(&texts(&["a", "b", "c"]));
        let edit = |change: fn(&mut Vec<Vec<u8>>)| {
            let mut lines = whole.clone();
            change(&mut lines);
            verify(&lines).map(|verifier| verifier.is_complete())
        };
        assert_eq!(edit(|_| ()), Ok(true));
        assert_eq!(edit(|lines| lines.swap(1, 2)), Err((2, FaultKind::OutOfOrder)));
        assert_eq!(edit(|lines| drop(lines.remove(1))), Err((2, FaultKind::OutOfOrder)));
        assert_eq!(edit(|lines| lines.insert(1, lines[1].clone())), Err((3, FaultKind::OutOfOrder)));
        assert_eq!(edit(|lines| lines[2].truncate(90)), Err((3, FaultKind::Torn)));
        assert_eq!(edit(|lines| lines[2] = b"{}\n".to_vec()), Err((3, FaultKind::NotARecord)));
        // Cut between two records, a log is not complete; which one is missing only an anchor tells.
        assert_eq!(edit(|lines| lines.truncate(3)), Ok(false));
        // Made anew from the second on, by somebody who knows how: the third is of another chain.
        let forged = lines(&texts(&["a", "x", "c"]));
        let mut mixed = whole.clone();
        mixed[1] = forged[1].clone();
        assert_eq!(verify(&mixed).map(drop), Err((3, FaultKind::Unlinked)));
    }

    #[test]
    fn a_chain_goes_on_behind_its_head() {
        let mut chain = Chain::new(SessionId::new(Moment::from_micros(0), 7));
        let redactor = Redactor::new(&[]);
        let event: Event = LimitHit { limit: "memory".into(), ended: false }.into();
        let first = chain.seal(&event, Moment::from_micros(9), &redactor).as_bytes().to_vec();
        let mut rest = Chain::after(&chain.head().unwrap());
        let second = rest.seal(&event, Moment::from_micros(5), &redactor).as_bytes().to_vec();
        assert_eq!(verify(&[first, second]).unwrap().records(), 2);
    }

    #[test]
    fn a_clock_that_goes_back_does_not_take_the_log_with_it() {
        let mut chain = Chain::new(SessionId::new(Moment::from_micros(0), 7));
        let (redactor, event) = (Redactor::new(&[]), ended());
        chain.seal(&event, Moment::from_micros(9), &redactor);
        let line = chain.seal(&event, Moment::from_micros(5), &redactor);
        assert_eq!(Record::parse(line.as_bytes()).unwrap().time, Moment::from_micros(9));
    }

    #[test]
    fn secrets_are_out_before_anything_is_hashed_and_long_lists_are_cut() {
        let event: Event = super::super::event::ProcessStarted {
            process: None,
            program: "mysql".into(),
            command: [texts(&["mysql", "--password", "hunter2"]), vec!["x".repeat(20_000); 400]].concat(),
            parent: None,
        }
        .into();
        let mut chain = Chain::new(SessionId::new(Moment::from_micros(0), 7));
        let line = chain.seal(&event, Moment::from_micros(0), &Redactor::new(&[])).to_owned();
        assert!(!line.contains("hunter2") && line.len() < 40_000, "{}", line.len());
        assert!(line.contains("[redacted: password]") && line.contains(" words more]"), "{line}");
        assert!(verify(&[line.into_bytes()]).is_ok());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Whichever byte is changed, and to whatever, the log is not sound any more.
        #[test]
        fn any_single_byte_change_is_found(
            texts in proptest::collection::vec("\\PC{0,12}", 0..4),
            place: proptest::sample::Index,
            byte: u8,
        ) {
            let mut whole = lines(&texts).concat();
            prop_assert!(verify_text(&whole));
            let place = place.index(whole.len());
            if whole[place] != byte {
                whole[place] = byte;
                prop_assert!(!verify_text(&whole), "byte {} became {}", place, byte);
            }
        }
    }

    /// Cut anywhere, a log is not complete; cut within a line, it is not sound either.
    #[test]
    fn a_cut_at_any_byte_is_told() {
        let whole = lines(&texts(&["a", "b\n"])).concat();
        for length in 0..whole.len() {
            let cut: Vec<Vec<u8>> =
                whole[..length].split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
            let ends_a_line = length == 0 || whole[length - 1] == b'\n';
            match verify(&cut) {
                Ok(verifier) => assert!(ends_a_line && !verifier.is_complete(), "{length}"),
                Err((line, kind)) => {
                    assert!(!ends_a_line && line == cut.len(), "{length}: {line} {kind:?}");
                    assert_eq!(kind, FaultKind::Torn, "{length}");
                }
            }
        }
    }

    /// Lines that are sound in the log of one session are not in that of another, at any place.
    #[test]
    fn a_line_of_another_session_is_found() {
        let said = texts(&["a", "b", "c"]);
        let (own, other) = (lines(&said), lines_of(8, &said));
        for place in 0..own.len() {
            let mut mixed = own.clone();
            mixed[place] = other[place].clone();
            assert_eq!(verify(&mixed).map(drop), Err((place + 1, FaultKind::Foreign)), "{place}");
        }
    }

    fn verify_text(text: &[u8]) -> bool {
        let lines: Vec<Vec<u8>> = text.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
        verify(&lines).is_ok_and(|verifier| verifier.is_complete())
    }

    /// The same without chance: every byte of a small log, each of its bits.
    #[test]
    fn each_bit_of_a_log_counts() {
        let whole = lines(&texts(&["a"])).concat();
        for place in 0..whole.len() {
            for bit in 0..8 {
                let mut changed = whole.clone();
                changed[place] ^= 1 << bit;
                assert!(!verify_text(&changed), "bit {bit} of byte {place}");
            }
        }
    }
}
