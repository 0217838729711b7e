//! `garth log`.

use crate::arguments::LogArguments;
use crate::failure::Failure;
use crate::sessions::Logs;
use crate::show::{BOLD, ERROR, GOOD};
use crate::story;
use garth::log::core::{Event, Filter, Header, Kind, Moment, Record, Search, SessionId};
use garth::log::io::{Session, is_live, now, visit};
use garth::policy::escape_visible;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::ControlFlow;
use std::time::Duration;

/// Shows events, or the sessions that there are.
pub fn run(arguments: &LogArguments, out: &mut dyn Write) -> Result<u8, Failure> {
    let filter = filter(arguments)?;
    let logs = Logs::find(arguments.directory.as_ref())?;
    let is_plain = !is_asking(arguments);
    let is_list = !arguments.json && !arguments.follow && arguments.export.is_none();
    if arguments.session.is_none() && is_plain && is_list {
        list(&logs, out)?;
        return Ok(0);
    }
    let chosen: Vec<&Session> = match &arguments.session {
        Some(name) => vec![logs.named(name)?],
        None if arguments.follow => vec![logs.named("last")?],
        None => logs.sessions.iter().collect(),
    };
    if let Some(format) = arguments.export {
        return super::export::run(format, arguments, &chosen, &Search::new(filter), out);
    }
    let mut printer = Printer { search: Search::new(filter), json: arguments.json, session: None, out };
    // File and line of it that were looked at last.
    let mut seen = (0, 0);
    for session in &chosen {
        let mut bad = 0_u64;
        let written: ControlFlow<io::Error> = visit(session, |file, number, line| {
            seen = (file, number);
            match printer.line(line) {
                Ok(sound) => {
                    bad += u64::from(!sound);
                    ControlFlow::Continue(())
                }
                Err(error) => ControlFlow::Break(error),
            }
        })
        .map_err(|error| Failure::file("read the log of", session.id, &error))?;
        if let ControlFlow::Break(error) = written {
            return Err(error.into());
        }
        if bad > 0 {
            let what = if bad == 1 { "line is" } else { "lines are" };
            writeln!(anstream::stderr(), "garth: {bad} {what} no record; see: garth verify {}", session.id)?;
        }
    }
    if let (true, Some(session)) = (arguments.follow, chosen.first()) {
        let seen = if seen.0 + 1 == session.files.len() { seen.1 } else { 0 };
        follow(&logs, session, seen, &mut printer)?;
    }
    Ok(0)
}

/// Whether a condition is asked for.
fn is_asking(arguments: &LogArguments) -> bool {
    let LogArguments { kind, since, until, denied, process, host, path, .. } = arguments;
    let texts = [since, until, process, host, path];
    !kind.is_empty() || *denied || texts.iter().any(|text| text.is_some())
}

fn filter(arguments: &LogArguments) -> Result<Filter, Failure> {
    let kind = |name: &String| {
        Kind::from_name(name).ok_or_else(|| {
            let known: Vec<&str> = Kind::ALL.iter().map(|kind| kind.name()).collect();
            Failure::usage(
                format!("there is no kind of event `{}`", escape_visible(name.as_bytes())),
                "events are told apart by these words",
                known.join(", "),
            )
        })
    };
    let time = |text: &Option<String>| text.as_deref().map(moment).transpose();
    Ok(Filter {
        kinds: arguments.kind.iter().map(kind).collect::<Result<_, _>>()?,
        since: time(&arguments.since)?,
        until: time(&arguments.until)?,
        denied: arguments.denied,
        process: arguments.process.clone(),
        host: arguments.host.clone(),
        path: arguments.path.clone(),
    })
}

/// A time as a person writes it: in UTC, or how long ago.
fn moment(text: &str) -> Result<Moment, Failure> {
    let ago = text.get(..text.len().saturating_sub(1)).and_then(|number| number.parse::<i64>().ok());
    let unit = match text.chars().last() {
        Some('s') => Some(1),
        Some('m') => Some(60),
        Some('h') => Some(60 * 60),
        Some('d') => Some(24 * 60 * 60),
        _ => None,
    };
    let ago = ago.zip(unit).and_then(|(number, unit)| number.checked_mul(unit)?.checked_mul(1_000_000));
    let ago = ago.map(|micros| Moment::from_micros(now().micros().saturating_sub(micros)));
    ago.or_else(|| Moment::parse_loosely(text)).ok_or_else(|| {
        Failure::usage(
            format!("`{}` is no time", escape_visible(text.as_bytes())),
            "times are in UTC",
            "write 2026-11-30, 2026-11-30T04:02:36, or how long ago: 90s, 10m, 2h, 7d",
        )
    })
}

/// Sessions that are shown without being asked for.
const SHOWN: usize = 20;

/// One line for each session.
fn list(logs: &Logs, out: &mut dyn Write) -> Result<(), Failure> {
    if logs.sessions.is_empty() {
        writeln!(out, "no session is recorded in {}", logs.directory)?;
        return Ok(());
    }
    let skipped = logs.sessions.len().saturating_sub(SHOWN);
    if skipped > 0 {
        writeln!(out, "{skipped} sessions before these are in {}", logs.directory)?;
    }
    for session in logs.sessions.iter().skip(skipped) {
        let (first, last) =
            ends(session).map_err(|error| Failure::file("read the log of", session.id, &error))?;
        let how = match (&last, session.files.last().is_some_and(|file| is_live(file))) {
            (Some(Event::SessionEnded(ended)), _) => format!("{} {}", ended.outcome, ended.code),
            (_, true) => "runs".to_owned(),
            _ => "without an end".to_owned(),
        };
        let what = match first {
            Some(Event::SessionStarted(started)) => story::command(&started.command),
            _ => "?".to_owned(),
        };
        let what: String = escape_visible(what.as_bytes()).chars().take(60).collect();
        writeln!(out, "{BOLD}{}{BOLD:#}  {how:<16} {what}", session.id)?;
    }
    Ok(())
}

/// The first and the last event of a session, as far as they can be read.
fn ends(session: &Session) -> io::Result<(Option<Event>, Option<Event>)> {
    /// More than two records have.
    const PART: u64 = 256 * 1024;
    let event = |line: &[u8]| Record::parse(line).ok().map(|record| record.event);
    let (mut head, mut tail) = (Vec::new(), Vec::new());
    if let Some(first) = session.files.first() {
        File::open(first)?.take(PART).read_to_end(&mut head)?;
    }
    if let Some(last) = session.files.last() {
        let mut file = File::open(last)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(PART)))?;
        file.read_to_end(&mut tail)?;
    }
    let first = head.split_inclusive(|byte| *byte == b'\n').next().and_then(event);
    let last = tail.split_inclusive(|byte| *byte == b'\n').next_back().and_then(event);
    Ok((first, last))
}

/// Prints the records that are wanted.
struct Printer<'o> {
    search: Search,
    json: bool,
    /// Of the line before.
    session: Option<SessionId>,
    out: &'o mut dyn Write,
}

impl Printer<'_> {
    /// Prints a line, if it is wanted; `false` for one that is no record.
    fn line(&mut self, line: &[u8]) -> io::Result<bool> {
        let Some(record) = self.search.find(line) else {
            return Ok(Header::read(line.strip_suffix(b"\n").unwrap_or(line)).is_some());
        };
        if self.json {
            self.out.write_all(line)?;
            return Ok(true);
        }
        if self.session != Some(record.session) {
            writeln!(self.out, "{BOLD}session {}{BOLD:#}", record.session)?;
            self.session = Some(record.session);
        }
        let time = record.time.to_string();
        let time = time.get(11..23).unwrap_or_default();
        let style = match &record.event {
            event if event.is_denial() => ERROR,
            Event::NetworkAllowed(_) => GOOD,
            _ => anstyle::Style::new(),
        };
        let kind = record.event.kind().name();
        writeln!(
            self.out,
            "{:>5} {time} {style}{kind:<17}{style:#} {}",
            format!("#{}", record.sequence),
            story::line(&record.event)
        )?;
        Ok(true)
    }
}

/// How often a log is looked at that is still written.
const PAUSE: Duration = Duration::from_millis(150);

/// Prints what is written behind the lines of the last file that were seen, until the session ends or its process is gone.
fn follow(logs: &Logs, session: &Session, seen: u64, printer: &mut Printer<'_>) -> Result<(), Failure> {
    printer.out.flush()?;
    let failed = |error: &io::Error| Failure::file("read the log of", session.id, error);
    let mut number = session.files.len().saturating_sub(1);
    let Some(mut path) = session.files.last().cloned() else { return Ok(()) };
    let mut file = File::open(&path).map_err(|error| failed(&error))?;
    // What was printed already is passed over by lines; more may have been written meanwhile.
    let mut text = Vec::new();
    file.read_to_end(&mut text).map_err(|error| failed(&error))?;
    let seen = usize::try_from(seen).unwrap_or(usize::MAX);
    let printed = || text[..memchr_last(&text)].split_inclusive(|byte| *byte == b'\n').take(seen);
    let mut last = printed().last().map(<[u8]>::to_vec).unwrap_or_default();
    let passed = printed().map(<[u8]>::len).sum();
    let mut rest = text.split_off(passed);
    loop {
        let kind =
            Header::read(last.strip_suffix(b"\n").unwrap_or(&last)).map(|header| header.kind.to_owned());
        if kind.as_deref() == Some(Kind::SessionEnded.name()) {
            return Ok(());
        }
        if kind.as_deref() == Some(Kind::LogContinued.name()) {
            number += 1;
            let name = garth::log::io::file_name(session.id, u32::try_from(number).unwrap_or(u32::MAX));
            path = garth::files::os_path(&logs.directory).join(name);
            file = File::open(&path).map_err(|error| failed(&error))?;
            last.clear();
        }
        let lived = is_live(&path);
        let mut fresh = Vec::new();
        file.read_to_end(&mut fresh).map_err(|error| failed(&error))?;
        rest.extend_from_slice(&fresh);
        let whole = memchr_last(&rest);
        for line in rest[..whole].split_inclusive(|byte| *byte == b'\n') {
            printer.line(line)?;
            last = line.to_vec();
        }
        rest.drain(..whole);
        printer.out.flush()?;
        if fresh.is_empty() && whole == 0 {
            if !lived {
                return Ok(());
            }
            std::thread::sleep(PAUSE);
        }
    }
}

/// Where what stands behind the last line break begins.
fn memchr_last(text: &[u8]) -> usize {
    text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_two_ways() {
        assert_eq!(moment("2026-11-30").unwrap().to_string(), "2026-11-30T00:00:00.000000Z");
        let hour = now().micros() - moment("1h").unwrap().micros();
        assert!((3_599_000_000..3_601_000_000).contains(&hour), "{hour}");
        for wrong in ["", "h", "1y", "yesterday", "99999999999999999d"] {
            assert!(moment(wrong).is_err(), "{wrong}");
        }
    }
}
