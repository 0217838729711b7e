//! Lines of the Common Event Format, version 0 (ArcSight).
//!
//! In the header `\` and `|` are escaped, in the extension `\`, `=`, line feed and carriage return; other control
//! characters have no form there and are written visibly.

use super::{Weight, weight};
use crate::core::event::Event;
use crate::core::record::Record;
use crate::core::text::visible;
use serde_json::Value;
use std::fmt::Write as _;

/// The record as one line, with its line break. `version` is that of garth.
#[must_use]
pub fn line(record: &Record, version: &str) -> String {
    let event = &record.event;
    let kind = event.kind();
    let severity = match weight(event) {
        Weight::Plain => 1,
        Weight::Refused => 5,
        Weight::Trouble => 6,
    };
    let name = kind.description().trim_end_matches('.').to_owned();
    let mut line = String::from("CEF:0");
    for field in ["garth", "garth", version, kind.name(), &name] {
        let _infallible = write!(line, "|{}", header(field));
    }
    let _infallible = write!(line, "|{severity}|");
    let mut extension = Extension { line, first: true };
    extension.put("rt", &(record.time.micros() / 1000).to_string());
    extension.put("externalId", &record.id());
    extension.put("act", if event.is_denial() { "denied" } else { "recorded" });
    known(event, &mut extension);
    // Everything, for those who want more than the fields that the format has.
    let all = serde_json::to_value(event).unwrap_or_default();
    extension.put("cs1Label", "event");
    extension.put("cs1", &without_kind(all).to_string());
    let mut line = extension.line;
    line.push('\n');
    line
}

fn without_kind(mut event: Value) -> Value {
    if let Some(members) = event.as_object_mut() {
        members.remove("event");
    }
    event
}

/// The fields of the format that an event has.
fn known(event: &Event, extension: &mut Extension) {
    if let Some(path) = event.path() {
        extension.put("filePath", path);
    }
    if let Some(program) = event.program() {
        extension.put("sproc", program);
    }
    if let Some(host) = event.host() {
        extension.put("dhost", host);
    }
    match event {
        Event::NetworkAllowed(crate::core::NetworkAllowed(decided))
        | Event::NetworkDenied(crate::core::NetworkDenied(decided)) => {
            extension.put("dpt", &decided.port.to_string());
            extension.put("app", &decided.protocol);
            extension.put("reason", &decided.reason);
            if let Some(method) = &decided.method {
                extension.put("requestMethod", method);
            }
        }
        Event::NetworkClosed(closed) => {
            extension.put("dpt", &closed.port.to_string());
            extension.put("out", &closed.sent.to_string());
            extension.put("in", &closed.received.to_string());
        }
        Event::FileDenied(denied) => extension.put("reason", &denied.reason),
        Event::CommandVetted(vetted) => extension.put("reason", &vetted.reason),
        Event::Dns(asked) => extension.put("reason", &asked.reason),
        Event::SessionEnded(ended) => extension.put("outcome", &ended.outcome),
        _ => {}
    }
}

struct Extension {
    line: String,
    first: bool,
}

impl Extension {
    fn put(&mut self, key: &str, value: &str) {
        if !self.first {
            self.line.push(' ');
        }
        self.first = false;
        self.line.push_str(key);
        self.line.push('=');
        for letter in value.chars() {
            match letter {
                '\\' => self.line.push_str("\\\\"),
                '=' => self.line.push_str("\\="),
                '\n' => self.line.push_str("\\n"),
                '\r' => self.line.push_str("\\r"),
                // `visible` writes a backslash, which is to be read as one.
                letter => self.line.push_str(&visible(letter.encode_utf8(&mut [0; 4])).replace('\\', "\\\\")),
            }
        }
    }
}

fn header(text: &str) -> String {
    visible(text).replace('\\', "\\\\").replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::super::tests::record;
    use super::*;
    use crate::core::{FileDenied, LimitHit};
    use proptest::prelude::*;

    fn denied(path: &str) -> Event {
        FileDenied {
            program: "mkdir".into(),
            operation: "create".into(),
            kind: None,
            path: path.into(),
            process: None,
            command: Vec::new(),
            reason: "a=b|c".into(),
            origin: None,
            grant: None,
            hint: String::new(),
        }
        .into()
    }

    #[test]
    fn has_the_header_and_escapes_what_it_must() {
        let line = line(&record(denied("/w/a=b\\c\n\u{1b}|")), "0.1|0");
        let wanted = "CEF:0|garth|garth|0.1\\|0|file-denied|An access to a file was refused. The same access of the \
                      same session is told once|5|rt=0 externalId=19700101T000000Z-0000000000000001#0 act=denied \
                      filePath=/w/a\\=b\\\\c\\n\\\\x1b| sproc=mkdir reason=a\\=b|c cs1Label=event cs1=";
        assert!(line.starts_with(wanted), "{line}");
        assert!(line.ends_with("}\n"));
    }

    type Pairs = Vec<(String, String)>;

    /// Header and extension as a reader takes them apart.
    fn read(line: &str) -> Option<(Vec<String>, Pairs)> {
        let mut fields = vec![String::new()];
        let mut letters = line.trim_end_matches('\n').chars();
        while fields.len() < 8 {
            match letters.next()? {
                '\\' => fields.last_mut()?.push(letters.next()?),
                '|' => fields.push(String::new()),
                letter => fields.last_mut()?.push(letter),
            }
        }
        let extension = letters.as_str();
        let signs: Vec<usize> = extension
            .char_indices()
            .filter(|(at, letter)| {
                let escapes = extension[..*at].chars().rev().take_while(|letter| *letter == '\\').count();
                *letter == '=' && escapes % 2 == 0
            })
            .map(|(at, _)| at)
            .collect();
        let key_start = |sign: usize| extension[..sign].rfind(' ').map_or(0, |blank| blank + 1);
        let pairs = signs.iter().enumerate().map(|(number, sign)| {
            let end = signs.get(number + 1).map_or(extension.len(), |next| key_start(*next) - 1);
            (extension[key_start(*sign)..*sign].to_owned(), extension[sign + 1..end].to_owned())
        });
        Some((fields, pairs.collect()))
    }

    proptest! {
        /// Whatever a name inside is, it stays in its field, and the line is one line.
        #[test]
        fn no_name_breaks_out_of_its_field(path in "[a-z=|\\\\\n\r\u{1b} \"äx]{0,20}") {
            let line = line(&record(denied(&path)), "1");
            prop_assert_eq!(line.matches('\n').count(), 1);
            let has_escape = line.contains('\u{1b}');
            prop_assert!(!has_escape);
            let (fields, pairs) = read(&line).unwrap();
            prop_assert_eq!((fields.len(), fields[4].as_str()), (8, "file-denied"));
            let keys: Vec<&str> = pairs.iter().map(|(key, _)| key.as_str()).collect();
            prop_assert_eq!(keys, ["rt", "externalId", "act", "filePath", "sproc", "reason", "cs1Label", "cs1"]);
        }
    }

    #[test]
    fn trouble_weighs_more() {
        let line = line(&record(LimitHit { limit: "memory".into(), ended: true }.into()), "1");
        assert!(line.contains("|limit-hit|A limit was met|6|"), "{line}");
    }
}
