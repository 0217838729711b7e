//! `garth log --export`: records for other systems, into a file or to a receiver.

use crate::arguments::{ExportFormat, LogArguments};
use crate::failure::Failure;
use garth::log::core::export::{cef, ocsf, otlp};
use garth::log::core::{Record, Search};
use garth::log::io::{Session, visit};
use garth::policy::escape_visible;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::ops::ControlFlow;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Where records go.
enum Sink<'o> {
    Text(ExportFormat, Box<dyn Write + 'o>),
    /// To the system's own log.
    System(garth::EventLog),
    /// To a receiver, so many at a time.
    Receiver {
        url: String,
        waiting: Vec<Record>,
    },
    /// One request after the other, each behind its length: nothing tells where a message of protobuf ends.
    Requests(Box<dyn Write + 'o>, Vec<Record>),
}

/// Exports the records of these sessions that are wanted.
pub fn run(
    format: ExportFormat,
    arguments: &LogArguments,
    sessions: &[&Session],
    search: &Search,
    out: &mut dyn Write,
) -> Result<u8, Failure> {
    let mut sink = sink(format, arguments, out)?;
    let mut count = 0_u64;
    for session in sessions {
        let result: ControlFlow<Failure> = visit(session, |_, _, line| match search.find(line) {
            None => ControlFlow::Continue(()),
            Some(record) => {
                count += 1;
                sink.put(record).map_or_else(ControlFlow::Break, ControlFlow::Continue)
            }
        })
        .map_err(|error| Failure::file("read the log of", session.id, &error))?;
        if let ControlFlow::Break(failure) = result {
            return Err(failure);
        }
    }
    sink.finish()?;
    let is_silent = arguments.endpoint.is_some() || arguments.output.is_some();
    if is_silent || format == ExportFormat::Eventlog {
        writeln!(anstream::stderr(), "garth: {count} records exported")?;
    }
    Ok(0)
}

fn sink<'o>(
    format: ExportFormat,
    arguments: &LogArguments,
    out: &'o mut dyn Write,
) -> Result<Sink<'o>, Failure> {
    if format == ExportFormat::Eventlog {
        if arguments.endpoint.is_some() || arguments.output.is_some() {
            return Err(Failure::new(
                120,
                "the Windows Event Log is no file and no receiver",
                "its entries go to the log of this machine",
                "leave out -o and --endpoint",
            ));
        }
        return Ok(Sink::System(garth::EventLog::open()?));
    }
    if let Some(endpoint) = &arguments.endpoint {
        if format != ExportFormat::Otlp {
            return Err(Failure::new(
                120,
                "only otlp is sent to an endpoint",
                "the other formats are lines, which programs that collect logs read from files",
                "use -o FILE, or --export otlp",
            ));
        }
        let endpoint = endpoint.trim_end_matches('/');
        let whole = endpoint.ends_with(otlp::PATH);
        let url = if whole { endpoint.to_owned() } else { format!("{endpoint}{}", otlp::PATH) };
        return Ok(Sink::Receiver { url, waiting: Vec::new() });
    }
    let out: Box<dyn Write + 'o> = match &arguments.output {
        None => Box::new(out),
        Some(path) => {
            let shown = escape_visible(path.as_encoded_bytes());
            let file = File::create_new(path).map_err(|error| Failure::file("make", shown, &error))?;
            Box::new(BufWriter::new(file))
        }
    };
    Ok(match format {
        ExportFormat::Otlp => Sink::Requests(out, Vec::new()),
        format => Sink::Text(format, out),
    })
}

impl Sink<'_> {
    fn put(&mut self, record: Record) -> Result<(), Failure> {
        match self {
            Self::Text(ExportFormat::Ocsf, out) => {
                serde_json::to_writer(&mut *out, &ocsf::object(&record, VERSION))?;
                writeln!(out)?;
            }
            Self::System(log) => log.write(&record)?,
            Self::Text(_, out) => out.write_all(cef::line(&record, VERSION).as_bytes())?,
            Self::Receiver { waiting, .. } | Self::Requests(_, waiting) => {
                waiting.push(record);
                if waiting.len() == otlp::MOST {
                    self.send()?;
                }
            }
        }
        Ok(())
    }

    fn send(&mut self) -> Result<(), Failure> {
        match self {
            Self::Text(..) | Self::System(_) => {}
            Self::Receiver { url, waiting } => {
                let records = std::mem::take(waiting);
                deliver(url, &records)?;
            }
            Self::Requests(out, waiting) => {
                let request = otlp::request(&std::mem::take(waiting), VERSION);
                let length = u32::try_from(request.len()).map_err(io::Error::other)?;
                out.write_all(&length.to_be_bytes())?;
                out.write_all(&request)?;
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Result<(), Failure> {
        let is_waiting = match &self {
            Self::Text(..) | Self::System(_) => false,
            Self::Receiver { waiting, .. } | Self::Requests(_, waiting) => !waiting.is_empty(),
        };
        if is_waiting {
            self.send()?;
        }
        if let Self::Text(_, out) | Self::Requests(out, _) = &mut self {
            out.flush()?;
        }
        Ok(())
    }
}

fn deliver(url: &str, records: &[Record]) -> Result<(), Failure> {
    let failed = |why: String| {
        let shown = escape_visible(url.as_bytes());
        let why = escape_visible(why.as_bytes());
        Failure::own(
            format!("cannot send the records to {shown}"),
            why,
            "name an endpoint of OTLP over HTTP, such as --endpoint http://localhost:4318",
        )
    };
    let answer =
        garth::post(url, "application/x-protobuf", otlp::request(records, VERSION)).map_err(failed)?;
    match otlp::rejected(&answer).map_err(failed)? {
        Some((count, why)) => Err(failed(format!("it did not take {count} of {}: {why}", records.len()))),
        None => Ok(()),
    }
}
