//! `garth verify`.

use crate::arguments::VerifyArguments;
use crate::failure::Failure;
use crate::sessions::Logs;
use crate::show::{ERROR, GOOD, PART};
use garth::log::core::{Event, FaultKind, Filter, Head, Kind, LogRemoved, Record, Search, visible};
use garth::log::io::{Checked, Session, check, is_live, parse_file_name, visit};
use garth::policy::escape_visible;
use serde::Serialize;
use std::ffi::OsStr;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::Path;

/// What was found of one session.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Found {
    session: String,
    pub records: u64,
    /// `complete`, `running`, `open`, `removed`, `bad` or `missing`.
    pub state: &'static str,
    /// Hash of the last sound record.
    pub head: Option<String>,
    /// The first bad line.
    file: Option<String>,
    line: Option<u64>,
    reason: Option<String>,
    /// Whether the anchor agrees; null without one for this session.
    anchored: Option<bool>,
}

/// Checks logs. Exit code 1 if anything is wrong.
pub fn run(arguments: &VerifyArguments, out: &mut dyn Write) -> Result<u8, Failure> {
    let (sessions, all) = chosen(arguments)?;
    let anchors = arguments.anchor.as_deref().map(anchors).transpose()?.unwrap_or_default();
    let mut found = Vec::new();
    for session in &sessions {
        let anchor = anchors.iter().find(|anchor| anchor.session == session.id);
        let checked = check(session, anchor.map(|anchor| anchor.sequence))
            .map_err(|error| Failure::file("read the log of", session.id, &error))?;
        if let (true, None, Some(head)) = (arguments.head, &checked.fault, &checked.head) {
            writeln!(out, "{head}")?;
        }
        found.push(judge(session, &checked, anchor));
    }
    let is_gone = |anchor: &&Head| all && !sessions.iter().any(|session| session.id == anchor.session);
    let gone: Vec<&Head> = anchors.iter().filter(is_gone).collect();
    let removals = if gone.is_empty() { Vec::new() } else { removals(&sessions)? };
    found.extend(gone.into_iter().map(|anchor| missing(anchor, &removals)));
    if arguments.anchor.is_some() && found.iter().all(|found| found.anchored.is_none()) {
        return Err(Failure::own(
            "the anchor says nothing of this",
            "it holds no record of the session",
            "leave the session out, to compare all that the anchor knows",
        ));
    }
    if arguments.json {
        serde_json::to_writer_pretty(&mut *out, &serde_json::json!({ "version": 1, "sessions": found }))?;
        writeln!(out)?;
    } else if arguments.head {
        for bad in found.iter().filter(|found| found.is_bad()) {
            bad.write(&mut anstream::stderr())?;
        }
    } else {
        found.iter().try_for_each(|found| found.write(out))?;
        if found.is_empty() {
            writeln!(out, "no session is recorded")?;
        }
    }
    Ok(u8::from(found.iter().any(Found::is_bad)))
}

/// The sessions to check, and whether these are all.
fn chosen(arguments: &VerifyArguments) -> Result<(Vec<Session>, bool), Failure> {
    let Some(what) = &arguments.what else {
        return Ok((Logs::find(arguments.directory.as_ref())?.sessions, true));
    };
    let path = Path::new(what);
    if path.is_file() {
        let name = path.file_name().and_then(OsStr::to_str).and_then(parse_file_name);
        let Some((id, _)) = name else {
            return Err(Failure::own(
                format!("{} is no log by its name", escape_visible(what.as_encoded_bytes())),
                "a log is named by its session: 20261130T040236Z-9f3c2a1b00d4e5f6.jsonl",
                "give it back its name; the session stands in each of its lines",
            ));
        };
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let directory = directory.unwrap_or(Path::new(".")).as_os_str().to_owned();
        let logs = Logs::find(Some(&directory))?;
        let session = logs.sessions.into_iter().find(|session| session.id == id);
        return Ok((session.into_iter().collect(), false));
    }
    let logs = Logs::find(arguments.directory.as_ref())?;
    let session = logs.named(&what.to_string_lossy())?.clone();
    Ok((vec![session], false))
}

/// The heads in an anchor.
fn anchors(path: &OsStr) -> Result<Vec<Head>, Failure> {
    let shown = escape_visible(path.as_encoded_bytes());
    let text = std::fs::read_to_string(path).map_err(|error| Failure::file("read", &shown, &error))?;
    let head = |(number, line): (usize, &str)| {
        Head::parse(line).ok_or_else(|| {
            Failure::own(
                format!("{shown}:{}: is no head of a log", number + 1),
                "a line has a session, the number of a record, and its hash",
                "make the anchor with: garth verify --head",
            )
        })
    };
    text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).map(head).collect()
}

/// What a check means.
pub fn judge(session: &Session, checked: &Checked, anchor: Option<&Head>) -> Found {
    let live = || session.files.last().is_some_and(|file| is_live(file));
    let anchored = anchor.map(|anchor| checked.asked.as_deref() == Some(anchor.hash.as_str()));
    let (state, file, line, reason) = match &checked.fault {
        // The line that is being written at this moment.
        Some((path, _, fault))
            if fault.kind == FaultKind::Torn && session.files.last() == Some(path) && live() =>
        {
            ("running", None, None, None)
        }
        Some((path, line, fault)) => {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            ("bad", Some(name), Some(*line), Some(fault.reason.clone()))
        }
        None if anchored == Some(false) => {
            let anchor = anchor.map_or(0, |anchor| anchor.sequence);
            let reason = match checked.asked {
                Some(_) => {
                    format!("record {anchor} is not the one that the anchor knows: the log was written anew")
                }
                None => format!("record {anchor}, which the anchor knows, is not there: the log was cut"),
            };
            ("bad", None, None, Some(reason))
        }
        None if checked.complete => ("complete", None, None, None),
        None if live() => ("running", None, None, None),
        None => {
            let reason = "it has no end: its session crashed, or the end was cut off; an anchor would tell";
            ("open", None, None, Some(reason.to_owned()))
        }
    };
    Found {
        session: session.id.to_string(),
        records: checked.records,
        state,
        head: checked.head.as_ref().map(|head| head.hash.clone()),
        file,
        line,
        reason,
        anchored,
    }
}

/// The removals that sound logs record.
fn removals(sessions: &[Session]) -> Result<Vec<LogRemoved>, Failure> {
    let search = Search::new(Filter { kinds: vec![Kind::LogRemoved], ..Filter::everything() });
    let mut found = Vec::new();
    for session in sessions {
        let failed = |error| Failure::file("read the log of", session.id, &error);
        let mut own = Vec::new();
        let _all: ControlFlow<()> = visit(session, |_, _, line| {
            if let Some(Record { event: Event::LogRemoved(removed), .. }) = search.find(line) {
                own.push(removed);
            }
            ControlFlow::Continue(())
        })
        .map_err(failed)?;
        if !own.is_empty() && check(session, None).map_err(failed)?.fault.is_none() {
            found.append(&mut own);
        }
    }
    Ok(found)
}

/// A session that the anchor knows and that has no log: it may have been removed, with a record of that.
fn missing(anchor: &Head, removals: &[LogRemoved]) -> Found {
    let removal = removals.iter().find(|removal| removal.log == anchor.session.as_str());
    let (state, reason, anchored) = match removal {
        Some(removal) if removal.last > anchor.sequence => {
            ("removed", format!("{}; it had more records than the anchor knows", removal.reason), None)
        }
        Some(removal) if removal.last == anchor.sequence && removal.head == anchor.hash => {
            ("removed", removal.reason.clone(), Some(true))
        }
        Some(_) => {
            ("bad", "it was removed, and was not the log that the anchor knows".to_owned(), Some(false))
        }
        None => ("missing", "the anchor knows it, and there is no log of it".to_owned(), Some(false)),
    };
    Found {
        session: anchor.session.to_string(),
        records: 0,
        state,
        head: None,
        file: None,
        line: None,
        reason: Some(reason),
        anchored,
    }
}

impl Found {
    fn is_bad(&self) -> bool {
        matches!(self.state, "bad" | "missing")
    }

    /// What is wrong and where, in words.
    pub fn problem(&self) -> Option<String> {
        let reason = self.reason.as_ref()?;
        Some(match (&self.file, self.line) {
            (Some(file), Some(line)) => format!("{file}:{line}: {reason}"),
            _ => reason.clone(),
        })
    }

    fn write(&self, out: &mut dyn Write) -> std::io::Result<()> {
        let style = match self.state {
            "bad" | "missing" => ERROR,
            "open" => PART,
            _ => GOOD,
        };
        let anchored = if self.anchored == Some(true) { ", as anchored" } else { "" };
        let Self { session, records, state, .. } = self;
        writeln!(out, "{session}  {style}{state}{style:#}, {records} sound records{anchored}")?;
        match self.problem() {
            Some(problem) => writeln!(out, "    {}", visible(&problem)),
            None => Ok(()),
        }
    }
}
