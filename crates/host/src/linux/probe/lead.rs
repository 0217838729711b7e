//! The first process of a proof inside: starts one process per action and tells how each ended.

use crate::probe::Outcome;
use std::ffi::{OsStr, OsString};
use std::io::{Read, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Stands between the words of a line.
pub const SEPARATOR: u8 = 0x1f;

/// An action that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(8);

/// The same of one that makes thousands of connections, and waits for an answer beside them.
const LONG_PATIENCE: Duration = Duration::from_secs(240);

fn patience(words: &[OsString]) -> Duration {
    if words.first().is_some_and(|word| word == "hold-connections") { LONG_PATIENCE } else { PATIENCE }
}

/// One line of an order: a key for the answer, the action and its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Comes back with the answer.
    pub key: String,
    /// Name and arguments.
    pub words: Vec<OsString>,
}

impl Line {
    /// As bytes, with the line's end.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.key.clone().into_bytes();
        for word in &self.words {
            bytes.push(SEPARATOR);
            bytes.extend_from_slice(word.as_bytes());
        }
        bytes.push(b'\n');
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Self {
        let mut words = bytes.split(|byte| *byte == SEPARATOR);
        let key = words.next().map(|key| String::from_utf8_lossy(key).into_owned()).unwrap_or_default();
        Self { key, words: words.map(|word| OsString::from_vec(word.to_vec())).collect() }
    }
}

/// Carries out the order in the file `rest[0]` and prints `key SEPARATOR outcome` lines.
pub(super) fn lead(program: &OsStr, rest: &[OsString]) -> u8 {
    let Some(Ok(order)) = rest.first().map(std::fs::read) else { return 12 };
    let runner = rustix::process::getppid().map_or(1, |pid| pid.as_raw_nonzero().get());
    let mut out = std::io::stdout();
    for line in order.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let line = Line::from_bytes(line);
        let outcome = isolated(program, &line.words, runner);
        let written = writeln!(out, "{}\u{1f}{}", line.key, outcome.to_line()).and_then(|()| out.flush());
        if written.is_err() {
            return 12;
        }
    }
    0
}

/// Carries out one action in a process of its own.
fn isolated(program: &OsStr, words: &[OsString], runner: i32) -> Outcome {
    let runner = runner.to_string();
    let replaced = words.iter().map(|word| replace(word, "{runner}", &runner));
    let started = Command::new(program)
        .arg("act")
        .args(replaced)
        // What was handed in is a way out to try, too.
        .stdin(Stdio::inherit())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn();
    match started {
        Ok(child) => ending(child, patience(words)),
        Err(error) => Outcome::Broken(format!("cannot start the action: {error}")),
    }
}

fn replace(word: &OsStr, name: &str, value: &str) -> OsString {
    match word.to_str() {
        Some(text) => text.replace(name, value).into(),
        None => word.to_owned(),
    }
}

/// Waits for an action and tells how it ended.
fn ending(mut child: Child, patience: Duration) -> Outcome {
    let end = Instant::now() + patience;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return told(&mut child, status),
            Ok(None) if Instant::now() < end => std::thread::sleep(Duration::from_micros(300)),
            Ok(None) => {
                // It may have ended this very moment.
                let _gone = child.kill();
                let _reaped = child.wait();
                return Outcome::Hung;
            }
            Err(error) => return Outcome::Broken(format!("cannot wait: {error}")),
        }
    }
}

fn told(child: &mut Child, status: ExitStatus) -> Outcome {
    if let Some(signal) = status.signal() {
        return Outcome::Killed(signal);
    }
    let mut text = [0; 512];
    let read = child.stdout.as_mut().and_then(|out| out.read(&mut text).ok()).unwrap_or(0);
    let text = String::from_utf8_lossy(&text[..read]);
    Outcome::from_line(text.lines().next().unwrap_or_default())
}

/// Carries out one action without any sandbox, in a process of its own under the name of a probe: the
/// control that shows that an action can succeed at all.
#[must_use]
pub fn outside(
    words: &[OsString],
    environment: &[(OsString, OsString)],
    directory: &std::path::Path,
) -> Outcome {
    use std::os::unix::process::CommandExt;
    let started = Command::new("/proc/self/exe")
        .arg0(super::NAME)
        .arg("act")
        .args(words)
        .env_clear()
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .current_dir(directory)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    match started {
        Ok(child) => ending(child, patience(words)),
        Err(error) => Outcome::Broken(format!("cannot start the action: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_survives_the_file() {
        let line = Line { key: "7".into(), words: vec!["write".into(), "/a b/c".into()] };
        let bytes = line.to_bytes();
        assert_eq!(Line::from_bytes(bytes.strip_suffix(b"\n").unwrap()), line);
    }
}
