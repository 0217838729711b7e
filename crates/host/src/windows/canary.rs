//! The canary: before the target starts, garth itself tries in its place what must fail there, and what must not.

use super::error::{Error, Result};
use super::launch::{Launched, launch};
use super::streams::Streams;
use super::wait::{Outcome, wait};
use garth_plan::windows::launch::LaunchSpec;
use garth_plan::windows::quote::for_c_runtime;
use std::ffi::OsString;
use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::windows::io::AsHandle;
use std::path::Path;
use std::time::Duration;

/// The name under which an executable acts as the canary.
pub const NAME: &str = "garth-canary";
/// Stands for what is not tried.
const NOTHING: &str = "-";
const TIME: Duration = Duration::from_secs(20);

/// What is tried.
#[derive(Debug)]
pub struct Trial<'t> {
    /// A file that must not open for reading.
    pub unreadable: Option<&'t Path>,
    /// A directory in which no file can be made.
    pub unwritable: &'t str,
    /// A directory in which a file can be made.
    pub writable: &'t str,
    /// A listener of the broker's that cannot be reached.
    pub unconnected: Option<&'t TcpListener>,
}

/// What an exit code of the canary says.
const FINDINGS: [(u32, &str); 5] = [
    (1, "it was not told what to try"),
    (2, "a file of garth could be read"),
    (3, "a file could be made where nothing may be written"),
    (4, "no file could be made in the workspace"),
    (5, "a server of this machine could be reached"),
];

/// Tries it as `spec` orders. What was found wrong; `None` if all is as it should be.
///
/// # Errors
/// When the canary cannot be started.
pub fn send(spec: &LaunchSpec, trial: &Trial<'_>) -> Result<Option<String>> {
    let program =
        std::env::current_exe().map_err(|error| Error::value("garth's own path", error.to_string()))?;
    let program = program.to_str().ok_or_else(|| Error::value("garth's own path", "it is no Unicode"))?;
    let port = trial.unconnected.and_then(|listener| listener.local_addr().ok());
    let port = port.map_or_else(|| NOTHING.to_owned(), |address| address.port().to_string());
    let unreadable = trial.unreadable.map_or(NOTHING.into(), |path| path.to_string_lossy().into_owned());
    let words = [NAME, &unreadable, trial.unwritable, trial.writable, &port];
    let line = for_c_runtime(&words).map_err(|error| Error::value("the canary", error.to_string()))?;
    let order = LaunchSpec { program: program.to_owned(), command_line: line, console: None, ..spec.clone() };
    let null = File::options().read(true).write(true).open("NUL");
    let null = null.map_err(|error| Error::value("the null device", error.to_string()))?;
    let streams = Streams::of([null.as_handle(), null.as_handle(), null.as_handle()])?;
    let launched: Launched = launch(&order, streams, &[])?;
    Ok(match wait(launched, Some(TIME), &mut |_, _| false)? {
        Outcome::Ended(0) => None,
        Outcome::Ended(code) => {
            let known = FINDINGS.iter().find(|(known, _)| *known == code);
            Some(known.map_or_else(|| format!("it ended with {code:#x}"), |(_, what)| (*what).to_owned()))
        }
        Outcome::TimedOut => Some("it did not end".to_owned()),
        Outcome::Interrupted => Some("it was interrupted".to_owned()),
    })
}

/// Acts as the canary. The exit code.
#[must_use]
pub fn inside() -> u8 {
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    let [unreadable, unwritable, writable, port] = words.as_slice() else { return 1 };
    if unreadable != NOTHING && File::open(unreadable).is_ok() {
        return 2;
    }
    if can_make(unwritable) {
        return 3;
    }
    if !can_make(writable) {
        return 4;
    }
    let port = port.to_str().and_then(|port| port.parse().ok());
    let reached = port.is_some_and(|port: u16| {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        TcpStream::connect_timeout(&address, Duration::from_millis(500)).is_ok()
    });
    if reached { 5 } else { 0 }
}

/// Whether a file can be made there; it is removed again.
fn can_make(directory: &OsString) -> bool {
    let file = Path::new(directory).join(format!("{NAME}-{}", std::process::id()));
    let made = File::create_new(&file).is_ok();
    if made {
        let _removed = std::fs::remove_file(&file);
    }
    made
}
