//! Which records are wanted.
//!
//! A log may have a million records, so most are passed over by what stands at a fixed place in the line, or by a search
//! for bytes; only what may be wanted is read.

use super::event::Kind;
use super::moment::Moment;
use super::record::{Header, Record};
use super::text::escape_json;
use memchr::memmem::Finder;

/// What is asked of a log. A record has to meet all of it.
#[derive(Clone, Debug)]
pub struct Filter {
    /// One of these kinds; any, if there are none.
    pub kinds: Vec<Kind>,
    /// At this time or later.
    pub since: Option<Moment>,
    /// Before this time.
    pub until: Option<Moment>,
    /// Something was refused.
    pub denied: bool,
    /// The name of the program or command holds this text.
    pub process: Option<String>,
    /// The host is this one, or below it.
    pub host: Option<String>,
    /// The path holds this text.
    pub path: Option<String>,
}

impl Filter {
    /// Every record.
    #[must_use]
    pub fn everything() -> Self {
        Self {
            kinds: Vec::new(),
            since: None,
            until: None,
            denied: false,
            process: None,
            host: None,
            path: None,
        }
    }

    /// Whether a record is wanted.
    #[must_use]
    pub fn matches(&self, record: &Record) -> bool {
        let event = &record.event;
        let holds = |wanted: &Option<String>, text: Option<&str>| {
            wanted.as_ref().is_none_or(|wanted| text.is_some_and(|text| text.contains(wanted.as_str())))
        };
        let at_host = |wanted: &String| {
            event.host().is_some_and(|host| {
                let above = host.strip_suffix(wanted.as_str());
                above.is_some_and(|above| above.is_empty() || above.ends_with('.'))
            })
        };
        (self.kinds.is_empty() || self.kinds.contains(&event.kind()))
            && self.since.is_none_or(|since| record.time >= since)
            && self.until.is_none_or(|until| record.time < until)
            && (!self.denied || event.is_denial())
            && holds(&self.process, event.program())
            && holds(&self.path, event.path())
            && self.host.as_ref().is_none_or(at_host)
    }
}

/// A filter made ready for many lines.
#[derive(Clone, Debug)]
pub struct Search {
    filter: Filter,
    kinds: Vec<&'static str>,
    since: Option<String>,
    until: Option<String>,
    texts: Vec<Finder<'static>>,
}

impl Search {
    /// Makes a filter ready.
    #[must_use]
    pub fn new(filter: Filter) -> Self {
        let mut kinds: Vec<&str> = filter.kinds.iter().map(|kind| kind.name()).collect();
        if kinds.is_empty() && filter.denied {
            kinds = Kind::ALL.iter().filter(|kind| kind.may_deny()).map(|kind| kind.name()).collect();
        }
        // As the text stands in a line.
        let written = |text: &String| {
            let quoted = escape_json(serde_json::to_string(text).unwrap_or_default());
            Finder::new(quoted.trim_matches('"').as_bytes()).into_owned()
        };
        let texts = [&filter.process, &filter.host, &filter.path];
        let texts = texts.into_iter().flatten().filter(|text| !text.contains('"')).map(written).collect();
        let (since, until) = (filter.since, filter.until);
        let text = |moment: Option<Moment>| moment.map(|moment| moment.to_string());
        Self { filter, kinds, since: text(since), until: text(until), texts }
    }

    /// The record in a line, if it is wanted. A line that is no record is `None`, and what is wrong with it is told by
    /// [`super::Verifier`].
    #[must_use]
    pub fn find(&self, line: &[u8]) -> Option<Record> {
        let header = Header::read(line.strip_suffix(b"\n").unwrap_or(line))?;
        let passes = (self.kinds.is_empty() || self.kinds.contains(&header.kind))
            && self.since.as_ref().is_none_or(|since| header.time >= since.as_str())
            && self.until.as_ref().is_none_or(|until| header.time < until.as_str())
            && self.texts.iter().all(|text| text.find(line).is_some());
        if !passes {
            return None;
        }
        Record::parse(line).ok().filter(|record| self.filter.matches(record))
    }
}

#[cfg(test)]
mod tests {
    use super::super::event::{Dns, Event, FileDenied};
    use super::super::redact::Redactor;
    use super::super::{Chain, SessionId};
    use super::*;

    fn lines() -> Vec<String> {
        let denied = |program: &str, path: &str| -> Event {
            FileDenied {
                program: program.into(),
                operation: "write".into(),
                kind: None,
                path: path.into(),
                process: None,
                command: Vec::new(),
                reason: "tested".into(),
                origin: None,
                grant: None,
                hint: String::new(),
            }
            .into()
        };
        let asked = |host: &str, allowed: bool| -> Event {
            let (code, reason) = ("named".into(), "tested".into());
            Dns { host: Some(host.into()), allowed, code, reason, origin: None, grant: None }.into()
        };
        let events = [
            denied("touch", "/w/.git/a\"b\n"),
            denied("cp", "/w/c"),
            asked("api.example.com", true),
            asked("badexample.com", false),
        ];
        let mut chain = Chain::new(SessionId::new(Moment::from_micros(0), 1));
        let redactor = Redactor::new(&[]);
        let seal = |(at, event): (usize, &Event)| {
            let now = Moment::from_micros(i64::try_from(at).unwrap());
            chain.seal(event, now, &redactor).to_owned()
        };
        events.iter().enumerate().map(seal).collect()
    }

    fn found(filter: Filter) -> Vec<u64> {
        let search = Search::new(filter);
        lines().iter().filter_map(|line| search.find(line.as_bytes())).map(|record| record.sequence).collect()
    }

    #[test]
    fn each_condition_counts() {
        let all = Filter::everything;
        assert_eq!(found(all()), [0, 1, 2, 3]);
        assert_eq!(found(Filter { denied: true, ..all() }), [0, 1, 3]);
        assert_eq!(found(Filter { kinds: vec![Kind::Dns], ..all() }), [2, 3]);
        assert_eq!(found(Filter { process: Some("cp".into()), ..all() }), [1]);
        assert_eq!(found(Filter { path: Some("/w/.git".into()), ..all() }), [0]);
        assert_eq!(found(Filter { path: Some("a\"b\n".into()), ..all() }), [0]);
        assert_eq!(found(Filter { host: Some("example.com".into()), ..all() }), [2]);
        assert_eq!(found(Filter { since: Some(Moment::from_micros(2)), ..all() }), [2, 3]);
        assert_eq!(found(Filter { until: Some(Moment::from_micros(2)), denied: true, ..all() }), [0, 1]);
        assert_eq!(found(Filter { host: Some("example.com".into()), denied: true, ..all() }), [0; 0]);
    }

    #[test]
    fn what_is_no_record_is_not_found() {
        let search = Search::new(Filter::everything());
        assert!(search.find(b"{}\n").is_none() && search.find(b"").is_none());
    }
}
