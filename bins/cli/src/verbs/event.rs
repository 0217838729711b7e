//! `garth why SESSION#NUMBER`: an event of a log, in words.

use crate::failure::Failure;
use crate::sessions::Logs;
use crate::show::{BOLD, ERROR, HINT};
use crate::story;
use garth::log::core::{Record, Verifier, visible};
use garth::log::io::visit;
use std::io::Write;
use std::ops::ControlFlow;

/// The session and number, if a text is the name of an event.
pub fn parse(text: &str) -> Option<(&str, u64)> {
    let (session, number) = text.rsplit_once('#')?;
    let is_name = session == "last" || (session.len() >= 8 && session.bytes().all(is_letter));
    let number = number.parse().ok().filter(|_| is_name)?;
    Some((session, number))
}

/// Letters of a session's name.
fn is_letter(byte: u8) -> bool {
    byte.is_ascii_digit() || matches!(byte, b'T' | b'Z' | b'-' | b'a'..=b'f')
}

/// Tells of an event. The log is checked up to it: what was changed explains nothing.
pub fn run(session: &str, number: u64, json: bool, out: &mut dyn Write) -> Result<u8, Failure> {
    let logs = Logs::find(None)?;
    let session = logs.named(session)?;
    let mut verifier = Verifier::new(session.id);
    let found = visit(session, |_, line_number, line| match verifier.line(line) {
        Err(fault) => ControlFlow::Break(Err((line_number, fault.reason))),
        Ok(header) if header.sequence == number => ControlFlow::Break(Ok(line.to_vec())),
        Ok(_) => ControlFlow::Continue(()),
    })
    .map_err(|error| Failure::file("read the log of", session.id, &error))?;
    let line = match found {
        ControlFlow::Break(Ok(line)) => line,
        ControlFlow::Break(Err((line, reason))) => {
            return Err(Failure::own(
                format!("the log of {} is not what was written", session.id),
                format!("line {line}: {reason}"),
                format!("garth verify {}", session.id),
            ));
        }
        ControlFlow::Continue(()) => {
            return Err(Failure::own(
                format!("there is no event {number} in {}", session.id),
                format!("it has {} records, counted from 0", verifier.records()),
                format!("garth log {}", session.id),
            ));
        }
    };
    if json {
        out.write_all(&line)?;
        return Ok(0);
    }
    let record = Record::parse(&line).map_err(|why| {
        Failure::own("the record cannot be read", why, "a newer garth may have written it; use that one")
    })?;
    tell(&record, out)?;
    Ok(0)
}

fn tell(record: &Record, out: &mut dyn Write) -> std::io::Result<()> {
    let kind = record.event.kind();
    let style = if record.event.is_denial() { ERROR } else { BOLD };
    writeln!(out, "{style}{}{style:#} at {} ({})", kind.name(), record.time, record.id())?;
    writeln!(out, "  {}", kind.description())?;
    writeln!(out, "  {}", story::line(&record.event))?;
    let (origin, grant, hint) = story::said(&record.event);
    if let Some(origin) = origin {
        let place =
            if origin.line == 0 { String::new() } else { format!(":{}:{}", origin.line, origin.column) };
        writeln!(out, "  said by {}{place} ({})", visible(&origin.source), visible(&origin.layer))?;
    } else if record.event.is_denial() {
        writeln!(out, "  nothing in the policy speaks of it, so it is refused")?;
    }
    if let Some(grant) = grant {
        let line = visible(&grant.line);
        writeln!(out, "  {HINT}hint:{HINT:#} in your policy: [{}] {line}", visible(&grant.section))?;
        if let Some(option) = grant.option.as_ref().filter(|_| hint.is_none()) {
            writeln!(out, "  {HINT}hint:{HINT:#} garth run {} -- ...", visible(option))?;
        }
    }
    match hint.filter(|hint| !hint.is_empty()) {
        Some(hint) => writeln!(out, "  {HINT}hint:{HINT:#} {}", visible(hint)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_told_from_files() {
        assert_eq!(parse("last#7"), Some(("last", 7)));
        assert_eq!(parse("20261130T040236Z-9f3c#12"), Some(("20261130T040236Z-9f3c", 12)));
        for other in ["notes#1", "a#b", "last#", "last#x", "./last#7", "#1", "2026#1"] {
            assert_eq!(parse(other), None, "{other}");
        }
    }
}
