//! Actions of an attacker on Windows, carried out inside a sandbox. What they mean is decided outside.
#![expect(unsafe_code, reason = "an attacker calls the system")]

mod delegates;
mod files;
pub mod fixture;
mod network;
mod objects;
mod process;
mod screen;

use crate::probe::{Outcome, Row};
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The file name, without its extension, under which an executable acts as a probe.
pub const NAME: &str = "garth-probe";
/// Stands between a key and its outcome.
pub const SEPARATED: char = '\u{1f}';
/// An action that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(20);
/// Stands for the number of the process that started the probe: garth.
const BROKER: &str = "{broker}";

const TABLES: &[&[Row]] = &[
    files::ACTIONS,
    process::ACTIONS,
    objects::ACTIONS,
    delegates::ACTIONS,
    screen::ACTIONS,
    network::ACTIONS,
];

/// One line of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Comes back with the answer.
    pub key: String,
    /// Name and arguments.
    pub words: Vec<String>,
}

/// Writes an order to a file.
///
/// # Errors
/// When it cannot be written.
pub fn write_order(path: &Path, lines: &[Line]) -> io::Result<()> {
    std::fs::write(path, postcard::to_stdvec(lines).map_err(io::Error::other)?)
}

/// Acts as a probe when this process was started under [`NAME`]. The exit code.
#[must_use]
pub fn enter() -> Option<u8> {
    let mut words = std::env::args_os();
    let name = words.next()?;
    if !Path::new(&name).file_stem()?.eq_ignore_ascii_case(NAME) {
        return None;
    }
    let rest: Vec<OsString> = words.collect();
    Some(match rest.split_first() {
        Some((role, rest)) if role == "lead" => lead(rest),
        Some((role, rest)) if role == "act" => tell(rest),
        _ => 12,
    })
}

/// Whether there is an action of that name.
#[must_use]
pub fn exists(name: &str) -> bool {
    crate::probe::find(TABLES, name).is_some()
}

/// Carries out one action in this process.
#[must_use]
pub fn perform(name: &str, arguments: &[OsString]) -> Outcome {
    crate::probe::perform(TABLES, name, arguments)
}

/// Whether this is Wine, which enforces next to nothing.
#[must_use]
pub fn is_wine() -> bool {
    type Version = unsafe extern "system" fn() -> *const core::ffi::c_char;
    // SAFETY: it takes nothing and returns a text (Wine's developer documentation); it is not called here.
    let version =
        unsafe { super::sys::library::Function::<Version>::new("ntdll.dll", c"wine_get_version", "Wine") };
    version.is_available()
}

/// Carries out an order line by line, each in a process of its own, and prints how each went.
fn lead(rest: &[OsString]) -> u8 {
    let order = rest.first().and_then(|path| std::fs::read(path).ok());
    let Some(Ok(lines)) = order.map(|bytes| postcard::from_bytes::<Vec<Line>>(&bytes)) else { return 12 };
    let broker = process::parent().unwrap_or_default().to_string();
    let Ok(program) = std::env::current_exe() else { return 12 };
    let mut out = io::stdout();
    for line in lines {
        let words = line.words.iter().map(|word| word.replace(BROKER, &broker));
        let outcome = started(Command::new(&program).arg("act").args(words));
        let told = writeln!(out, "{}{SEPARATED}{}", line.key, outcome.to_line()).and_then(|()| out.flush());
        if told.is_err() {
            return 12;
        }
    }
    0
}

/// Carries out one action without any sandbox, by the probe `program`.
#[must_use]
pub fn outside(program: &Path, words: &[String], directory: &Path) -> Outcome {
    let own = std::process::id().to_string();
    let words = words.iter().map(|word| word.replace(BROKER, &own));
    started(Command::new(program).arg("act").args(words).current_dir(directory))
}

fn started(command: &mut Command) -> Outcome {
    match command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn() {
        Ok(child) => ending(child),
        Err(error) => Outcome::Broken(format!("cannot start the action: {error}")),
    }
}

fn ending(mut child: Child) -> Outcome {
    let end = Instant::now() + PATIENCE;
    loop {
        match child.try_wait() {
            Ok(Some(_)) => break,
            Ok(None) if Instant::now() < end => std::thread::sleep(Duration::from_millis(2)),
            Ok(None) => {
                // It may have ended this very moment.
                let _gone = child.kill();
                let _reaped = child.wait();
                return Outcome::Hung;
            }
            Err(error) => return Outcome::Broken(format!("cannot wait: {error}")),
        }
    }
    let mut text = [0; 512];
    let read = child.stdout.as_mut().and_then(|out| out.read(&mut text).ok()).unwrap_or(0);
    let text = String::from_utf8_lossy(&text[..read]);
    Outcome::from_line(text.lines().next().unwrap_or_default())
}

fn tell(words: &[OsString]) -> u8 {
    let Some((name, arguments)) = words.split_first() else { return 12 };
    let outcome = perform(&name.to_string_lossy(), arguments);
    // A reader that is gone sees the exit code all the same.
    let _gone = writeln!(io::stdout(), "{}", outcome.to_line());
    match outcome {
        Outcome::Succeeded => 0,
        Outcome::Refused(_) => 10,
        Outcome::Killed(_) | Outcome::Hung | Outcome::Broken(_) => 12,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_survives_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("order");
        let lines = vec![Line { key: "a/attack".into(), words: vec!["write".into(), r"C:\a b\ä".into()] }];
        write_order(&path, &lines).unwrap();
        let bytes = std::fs::read(path).unwrap();
        assert_eq!(postcard::from_bytes::<Vec<Line>>(&bytes).unwrap(), lines);
    }

    #[test]
    fn an_action_says_what_the_system_said() {
        let directory = tempfile::tempdir().unwrap();
        let inner = directory.path().join("a");
        let words = |path: &Path| vec![path.as_os_str().to_owned()];
        assert_eq!(perform("write", &words(&inner)), Outcome::Succeeded);
        assert_eq!(perform("read", &words(&inner)), Outcome::Succeeded);
        assert_eq!(perform("read", &words(&directory.path().join("b"))), Outcome::Refused(2));
        assert!(matches!(perform("read", &[]), Outcome::Broken(_)));
        assert!(matches!(perform("no-such", &[]), Outcome::Broken(_)));
    }
}
