//! Verdicts for programs: one request a line, one answer a line.

use super::{Answer, USUAL, grammar};
use crate::arguments::{CheckArguments, ShellName};
use crate::failure::Failure;
use crate::request::from_system;
use clap::ValueEnum;
use garth::{Given, Vetting};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::ffi::OsStr;
use std::io::{self, BufRead, Read, Write};

/// Longest request, in bytes.
const LONGEST: u64 = 16 << 20;

/// One request.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Request {
    /// Given back as it is.
    #[serde(default)]
    id: Value,
    shell: Option<String>,
    text: Option<String>,
    argv: Option<Vec<String>>,
    agent: Option<String>,
    /// The working directory, if it is another than garth's own.
    directory: Option<String>,
}

/// An answer with the mark of its request.
#[derive(Serialize)]
struct Line<'a> {
    id: &'a Value,
    #[serde(flatten)]
    answer: Answer<'a>,
}

/// A request that was not understood: nothing is allowed by it.
#[derive(Serialize)]
struct Unanswered<'a> {
    id: &'a Value,
    version: u32,
    decision: &'static str,
    error: String,
}

/// Answers until the input ends.
pub fn run(vetting: &Vetting, arguments: &CheckArguments, out: &mut dyn Write) -> Result<u8, Failure> {
    let mut input = io::stdin().lock();
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = input.by_ref().take(LONGEST + 1).read_until(b'\n', &mut line);
        read.map_err(|error| Failure::file("read", "standard input", &error))?;
        if line.is_empty() {
            return Ok(0);
        }
        if line.len() as u64 > LONGEST {
            let error = format!("a request of more than {} MiB is not read", LONGEST >> 20);
            unanswered(&Value::Null, error, out)?;
            return Err(Failure::own(
                "a request is too long",
                "the rest of the input was not read",
                "send shorter texts",
            ));
        }
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        answer(vetting, arguments, &line, out)?;
        out.flush()?;
    }
}

fn answer(
    vetting: &Vetting,
    arguments: &CheckArguments,
    line: &[u8],
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let request: Request = match serde_json::from_slice(line) {
        Ok(request) => request,
        Err(error) => {
            return unanswered(&Value::Null, format!("the request is not understood: {error}"), out);
        }
    };
    let agent = request.agent.as_deref().or(arguments.sandbox.agent.as_deref());
    let directory = request.directory.as_deref().map(|path| from_system(OsStr::new(path)));
    let directory = match directory.transpose() {
        Ok(directory) => directory,
        Err(error) => return unanswered(&request.id, format!("`directory` is no path: {error}"), out),
    };
    let shell = match request.shell.as_deref().map(|name| ShellName::from_str(name, false)) {
        Some(Err(_)) => {
            let names = "sh, bash, pwsh, windows-powershell, cmd";
            return unanswered(&request.id, format!("`shell` is none of {names}"), out);
        }
        Some(Ok(name)) => grammar(name),
        None => arguments.shell.map_or(USUAL, grammar),
    };
    let given = match (&request.text, &request.argv) {
        (Some(text), None) => Given::Text(shell, text),
        (None, Some(words)) if !words.is_empty() => Given::Words(words),
        _ => return unanswered(&request.id, "give either `text` or `argv`".to_owned(), out),
    };
    let verdict = vetting.judge(given, agent, directory.as_ref());
    let line = Line { id: &request.id, answer: Answer { version: 1, verdict: &verdict } };
    serde_json::to_writer(&mut *out, &line)?;
    writeln!(out)?;
    Ok(())
}

fn unanswered(id: &Value, error: String, out: &mut dyn Write) -> Result<(), Failure> {
    serde_json::to_writer(&mut *out, &Unanswered { id, version: 1, decision: "ask", error })?;
    writeln!(out)?;
    Ok(())
}
