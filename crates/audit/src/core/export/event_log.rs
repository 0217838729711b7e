//! Entries of the Windows Event Log.
//!
//! The classic interface (`ReportEventW`) takes a number, a level and texts. A source may name a file with a sentence for each
//! number, in which `%1` stands for the first text. The system's own `EventCreate.exe` holds the sentence `%1` for the numbers 1
//! to 1000, so a source that names it shows the text as it is; without any source Event Viewer shows it behind a remark.

use super::{Weight, weight};
use crate::core::event::Kind;
use crate::core::record::Record;
use crate::core::text::cut_to;

/// Name of the source of all entries.
pub const SOURCE: &str = "garth";

/// Key of the registry, in `HKEY_LOCAL_MACHINE`, in which an administrator registers the source.
pub const KEY: &str = r"SYSTEM\CurrentControlSet\Services\EventLog\Application\garth";

/// Value `EventMessageFile` (`REG_EXPAND_SZ`) of that key.
pub const MESSAGES: &str = r"%SystemRoot%\System32\EventCreate.exe";

/// Value `TypesSupported` (`REG_DWORD`) of that key: errors, warnings and information.
pub const TYPES: u32 = 7;

/// How much an entry matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// It happened.
    Information,
    /// Something was refused.
    Warning,
    /// Something did not go as it should.
    Error,
}

impl Level {
    /// The number of the interface (`EVENTLOG_…_TYPE`, winnt.h).
    #[must_use]
    pub fn number(self) -> u16 {
        match self {
            Self::Error => 1,
            Self::Warning => 2,
            Self::Information => 4,
        }
    }
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Stable number of the kind of event, from 100.
    pub number: u32,
    /// How much it matters.
    pub level: Level,
    /// The event as JSON, with session, number and time of the record.
    pub text: String,
}

/// Longest text of an entry in units of UTF-16 (`ReportEventW`: 31,839 characters), and a little room.
const LONGEST: usize = 31_000;

/// Numbers of events. They stay what they are: others filter by them. A new kind gets the next one.
const NUMBERS: &[(Kind, u32)] = &[
    (Kind::SessionStarted, 100),
    (Kind::PlanChanged, 101),
    (Kind::SessionEnded, 102),
    (Kind::CommandVetted, 103),
    (Kind::ProcessStarted, 104),
    (Kind::ProcessEnded, 105),
    (Kind::FileDenied, 106),
    (Kind::FileChanged, 107),
    (Kind::ListClosed, 108),
    (Kind::RepositoryMade, 109),
    (Kind::CheckpointMade, 110),
    (Kind::LayerKept, 111),
    (Kind::NetworkAllowed, 112),
    (Kind::NetworkDenied, 113),
    (Kind::NetworkClosed, 114),
    (Kind::Dns, 115),
    (Kind::SecretUsed, 116),
    (Kind::SecretWithheld, 117),
    (Kind::ApprovalAsked, 118),
    (Kind::ApprovalAnswered, 119),
    (Kind::LimitHit, 120),
    (Kind::ResidueCleaned, 121),
    (Kind::BrokerError, 122),
    (Kind::EventsOmitted, 123),
    (Kind::LogContinued, 124),
    (Kind::LogHead, 125),
    (Kind::LogRecovered, 126),
    (Kind::LogRemoved, 127),
];

/// The entry of a record.
#[must_use]
pub fn entry(record: &Record) -> Entry {
    let kind = record.event.kind();
    let level = match weight(&record.event) {
        Weight::Plain => Level::Information,
        Weight::Refused => Level::Warning,
        Weight::Trouble => Level::Error,
    };
    let mut event = serde_json::to_value(&record.event).unwrap_or_default();
    if let Some(members) = event.as_object_mut() {
        members.insert("session".to_owned(), record.session.to_string().into());
        members.insert("sequence".to_owned(), record.sequence.into());
        members.insert("time".to_owned(), record.time.to_string().into());
    }
    let mut text = event.to_string();
    // No text has more units of UTF-16 than bytes of UTF-8.
    cut_to(&mut text, LONGEST);
    Entry { number: number(kind), level, text }
}

/// The number of a kind of event.
#[must_use]
pub fn number(kind: Kind) -> u32 {
    // A test holds that every kind stands there.
    NUMBERS.iter().find(|(known, _)| *known == kind).map_or(99, |(_, number)| *number)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{every_event, record};
    use super::*;
    use crate::core::event::BrokerError;

    #[test]
    fn every_kind_has_a_number_of_its_own_that_stays() {
        let mut numbers: Vec<u32> = Kind::ALL.iter().map(|kind| number(*kind)).collect();
        assert!(numbers.iter().all(|number| (100..=1000).contains(number)), "{numbers:?}");
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), Kind::ALL.len());
        assert_eq!((number(Kind::SessionStarted), number(Kind::FileDenied)), (100, 106));
        assert_eq!((number(Kind::NetworkDenied), number(Kind::LogRemoved)), (113, 127));
    }

    #[test]
    fn an_entry_holds_the_event_and_what_it_matters() {
        for event in every_event() {
            let (record, denial) = (record(event.clone()), event.is_denial());
            let entry = entry(&record);
            let read: serde_json::Value = serde_json::from_str(&entry.text).unwrap();
            assert_eq!(read["event"], event.kind().name());
            assert_eq!(read["session"], record.session.to_string());
            assert!(!denial || entry.level != Level::Information, "{event:?}");
        }
    }

    #[test]
    fn a_text_fits_and_ends_nowhere_early() {
        let long = BrokerError { operation: "x".into(), cause: format!("x\0y{}", "ä".repeat(100_000)) };
        let entry = entry(&record(long.into()));
        assert!(entry.text.encode_utf16().count() <= 31_839);
        // The interface ends a text at a zero.
        assert!(!entry.text.contains('\0') && entry.text.contains("x\\u0000y"));
        assert_eq!(entry.level.number(), 1);
    }
}
