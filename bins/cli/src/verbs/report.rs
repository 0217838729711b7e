//! `garth report`: a session as a page.

use crate::arguments::ReportArguments;
use crate::failure::Failure;
use crate::report::{Report, Sound, Story, page};
use crate::sessions::Logs;
use crate::verbs::verify::judge;
use garth::log::core::{Record, Verifier};
use garth::log::io::{Session, check, now, visit};
use garth::policy::escape_visible;
use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::ops::ControlFlow;

mod differences;

/// Writes the page.
pub fn run(arguments: &ReportArguments, out: &mut dyn Write) -> Result<u8, Failure> {
    let logs = Logs::find(arguments.directory.as_ref())?;
    let session = logs.named(&arguments.session)?;
    let mut file = match &arguments.output {
        Some(path) => {
            let shown = escape_visible(path.as_encoded_bytes());
            Some(new_file(path).map_err(|error| Failure::file("make", shown, &error))?)
        }
        None if io::stdout().is_terminal() => {
            return Err(Failure::new(
                120,
                "a page is nothing to read on a terminal",
                "standard output is one",
                format!("garth report {} -o report.html", session.id),
            ));
        }
        None => None,
    };
    let report = gather(session)?;
    let text = page(&report);
    match &mut file {
        Some(file) => file.write_all(text.as_bytes())?,
        None => out.write_all(text.as_bytes())?,
    }
    if let Some(path) = &arguments.output {
        let (shown, bytes) = (escape_visible(path.as_encoded_bytes()), text.len());
        writeln!(anstream::stderr(), "garth: {shown} shows {}, {bytes} bytes", session.id)?;
    }
    Ok(0)
}

/// It holds what the log holds, so it is as private as the log; on Windows as private as its directory.
fn new_file(path: &std::ffi::OsStr) -> io::Result<File> {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.write(true).create_new(true).open(path)
}

fn gather(session: &Session) -> Result<Report, Failure> {
    let failed = |error: &io::Error| Failure::file("read the log of", session.id, error);
    let checked = check(session, None).map_err(|error| failed(&error))?;
    let found = judge(session, &checked, None);
    // What comes after a line that is not what was written explains nothing.
    let (mut story, mut verifier) = (Story::new(), Verifier::new(session.id));
    let _first_fault: ControlFlow<()> = visit(session, |_, _, line| match verifier.line(line) {
        Err(_) => ControlFlow::Break(()),
        Ok(_) => {
            if let Ok(record) = Record::parse(line) {
                story.take(record);
            }
            ControlFlow::Continue(())
        }
    })
    .map_err(|error| failed(&error))?;
    let changes = differences::find(&story, &crate::request::environment());
    Ok(Report {
        session: session.id.to_string(),
        garth: env!("CARGO_PKG_VERSION"),
        written: now().to_string().get(..19).unwrap_or_default().replace('T', " "),
        sound: Sound {
            state: found.state,
            records: found.records,
            problem: found.problem(),
            head: found.head,
        },
        story,
        changes,
    })
}
