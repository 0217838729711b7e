//! The canary: before the target starts, garth itself tries in its place what must fail there, and what must not.
//!
//! Starting a process takes longer than what it tries. So it may be sent ahead: it tries nothing before it has garth's word, which
//! comes when all is prepared, and the target does not run before the canary was heard.

use super::error::{Error, Result};
use super::launch::{Launched, Ready as Command, launch};
use super::streams::Streams;
use super::wait::{Outcome, wait};
use crate::error::Context;
use crate::names::{has_address, question};
use garth_plan::windows::launch::LaunchSpec;
use garth_plan::windows::quote::for_c_runtime;
use garth_plan::windows::relay::ready::Ready;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, PipeWriter, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::windows::io::AsHandle;
use std::path::Path;
use std::time::Duration;

/// The name under which an executable acts as the canary.
pub const NAME: &str = "garth-canary";
/// Stands for what is not tried.
const NOTHING: &str = "-";
/// How garth's word begins.
const GO: &str = "go";
/// Two ports and two names of hosts (RFC 1035: 253 characters at most) are shorter than this many bytes.
const LONGEST_WORD: u64 = 1024;
const TIME: Duration = Duration::from_secs(180);
/// How long an answer may take. It takes milliseconds, but on a machine with other work.
const ANSWER: Duration = Duration::from_secs(60);

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

/// What is tried of the network. Nothing of it leaves the machine.
#[derive(Clone, Copy, Debug)]
pub struct Network<'t> {
    /// Where the relay listens inside.
    pub ready: &'t Ready,
    /// A name that must get an address; `None` where the policy allows no name.
    pub allowed: Option<&'t str>,
    /// A name that must get none.
    pub forbidden: &'t str,
}

/// What was found wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// What.
    pub what: String,
    /// What helps, if something is known to.
    pub remedy: Option<String>,
    /// It is of the network, which the broker decides and not the system.
    pub of_network: bool,
}

/// The first finding about the network.
const NETWORK: u32 = 6;

/// That the relay cannot be reached, though it listens.
const UNREACHED: u32 = 6;

/// What an exit code of the canary says.
const FINDINGS: [(u32, &str); 9] = [
    (1, "it was not told what to try"),
    (2, "a file of garth could be read"),
    (3, "a file could be made where nothing may be written"),
    (4, "no file could be made in the workspace"),
    (5, "a server of this machine could be reached"),
    (UNREACHED, "this Windows refuses the loopback within a container, so the relay cannot be reached"),
    (7, "a name that the policy allows is refused"),
    (8, "a name that the policy does not allow is let through"),
    (9, "the proxy serves who does not show the session's password"),
];

/// What helps where a Windows refuses the loopback within the container of this order; `None` where there is no container.
pub(super) fn exemption(spec: &LaunchSpec) -> Option<String> {
    let package = spec.identity.container()?.package;
    let command = format!("garth-setup apply --elevate --loopback {package}");
    Some(format!("exempt its package: {command}; docs/windows.md says what that opens"))
}

/// How trying ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tried {
    /// All is as it should be.
    Good,
    /// Something is not.
    Bad(Found),
    /// The user ended it.
    Interrupted,
}

/// A canary that waits for word. If this is dropped it ends, and has tried nothing.
#[derive(Debug)]
pub struct Sent {
    launched: Launched,
    word: PipeWriter,
    order: LaunchSpec,
}

/// A canary that tries.
#[derive(Debug)]
pub struct Trying {
    launched: Launched,
    order: LaunchSpec,
}

/// Sends it as `spec` orders a target; `program` is garth's own executable, at a place that can be read inside.
///
/// # Errors
/// When it cannot be started.
pub fn send(spec: &LaunchSpec, program: &str, trial: &Trial<'_>) -> Result<Sent> {
    let port = trial.unconnected.and_then(|listener| listener.local_addr().ok());
    let port = port.map_or_else(|| NOTHING.to_owned(), |address| address.port().to_string());
    let unreadable = trial.unreadable.map_or(NOTHING.into(), |path| path.to_string_lossy().into_owned());
    let words = [NAME, &unreadable, trial.unwritable, trial.writable, &port];
    let line = for_c_runtime(&words).map_err(|error| Error::value("the canary", error.to_string()))?;
    let order = spec.for_own(program, line);
    let null = File::options().write(true).open("NUL").on("open", "the null device")?;
    let (reader, word) = io::pipe().on("make", "a pipe")?;
    let streams = Streams::detached([reader.as_handle(), null.as_handle(), null.as_handle()])?;
    drop(reader);
    Ok(Sent { launched: launch(&order, streams)?, word, order })
}

/// Tries what its token decides, and nothing else, as a command that was made and does not run yet: by that very token, and without
/// a process. What the network or a container decides takes a process, which is [sent](send).
///
/// # Errors
/// When no thread can act by the token; when more is to be tried than that.
pub fn try_as(command: &Command, trial: &Trial<'_>) -> Result<Tried> {
    if trial.unreadable.is_some() || trial.unconnected.is_some() {
        return Err(Error::value("the canary", "what a container keeps from it is tried by a process"));
    }
    let (unwritable, writable) = (OsString::from(trial.unwritable), OsString::from(trial.writable));
    let code = command.token()?.act(|| try_files(OsStr::new(NOTHING), &unwritable, &writable))?;
    Ok(FINDINGS
        .iter()
        .find(|(known, _)| *known == u32::from(code))
        .map_or(Tried::Good, |(_, what)| found(*what)))
}

impl Sent {
    /// Lets it try, now that all is prepared; the network too, where something leads out.
    #[must_use]
    pub fn release(mut self, network: Option<Network<'_>>) -> Trying {
        // One that is gone already is found out by how it ended. A word is shorter than what a pipe holds, so nobody is waited for.
        let _told = self.word.write_all(word(network).as_bytes());
        Trying { launched: self.launched, order: self.order }
    }
}

impl Trying {
    /// What it found.
    ///
    /// # Errors
    /// When it cannot be waited for.
    pub fn heard(self) -> Result<Tried> {
        Ok(match wait(self.launched, Some(TIME), &mut |_, _| false)? {
            Outcome::Ended(code) => said(code, &self.order),
            Outcome::TimedOut => found("it did not end"),
            Outcome::Interrupted => Tried::Interrupted,
        })
    }
}

/// Garth's word: a line that begins with [`GO`], and what is to be tried of the network.
fn word(network: Option<Network<'_>>) -> String {
    let of_network = |Network { ready, allowed, forbidden }: Network<'_>| {
        format!(" {} {} {} {forbidden}", ready.proxy, ready.names, allowed.unwrap_or(NOTHING))
    };
    format!("{GO}{}\n", network.map(of_network).unwrap_or_default())
}

/// What garth's word says of the network: nothing, or four words. `None` for what is not the whole of a word.
fn heard_word(said: &str) -> Option<Vec<&str>> {
    let mut words = said.strip_suffix('\n')?.split(' ');
    let is_word = words.next() == Some(GO);
    let words: Vec<&str> = words.collect();
    (is_word && matches!(words.len(), 0 | 4)).then_some(words)
}

/// What an exit code says.
fn said(code: u32, spec: &LaunchSpec) -> Tried {
    if code == 0 {
        return Tried::Good;
    }
    let Some((_, what)) = FINDINGS.iter().find(|(known, _)| *known == code) else {
        return found(format!("it ended with {code:#x}"));
    };
    let remedy = (code == UNREACHED).then(|| exemption(spec)).flatten();
    Tried::Bad(Found { what: (*what).to_owned(), remedy, of_network: code >= NETWORK })
}

fn found(what: impl Into<String>) -> Tried {
    Tried::Bad(Found { what: what.into(), remedy: None, of_network: false })
}

/// Acts as the canary. The exit code.
#[must_use]
pub fn inside() -> u8 {
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    let [unreadable, unwritable, writable, port] = words.as_slice() else { return 1 };
    let mut said = String::new();
    // Without a word garth is gone, or prepares nothing any more.
    let Ok(_) = io::stdin().take(LONGEST_WORD).read_to_string(&mut said) else { return 1 };
    let Some(network) = heard_word(&said) else { return 1 };
    // First, because what it finds is never of the system alone.
    let tried = match network.as_slice() {
        [proxy, names, allowed, forbidden] => try_network([proxy, names, allowed, forbidden]),
        _ => 0,
    };
    if tried != 0 {
        return tried;
    }
    let tried = try_files(unreadable, unwritable, writable);
    if tried != 0 {
        return tried;
    }
    let port = port.to_str().and_then(|port| port.parse().ok());
    let reached = port.is_some_and(|port: u16| {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        TcpStream::connect_timeout(&address, Duration::from_millis(500)).is_ok()
    });
    if reached { 5 } else { 0 }
}

/// Tries files. The exit code.
fn try_files(unreadable: &OsStr, unwritable: &OsStr, writable: &OsStr) -> u8 {
    if unreadable != NOTHING && File::open(unreadable).is_ok() {
        return 2;
    }
    if can_make(unwritable) {
        return 3;
    }
    if can_make(writable) { 0 } else { 4 }
}

/// Tries the relay. The exit code.
fn try_network([proxy, names, allowed, forbidden]: [&str; 4]) -> u8 {
    let (Ok(proxy), Ok(names)) = (proxy.parse(), names.parse()) else { return 1 };
    if allowed != NOTHING {
        match names_resolve(names, allowed) {
            Err(_) => return 6,
            Ok(false) => return 7,
            Ok(true) => {}
        }
    }
    match names_resolve(names, forbidden) {
        Err(_) => return 6,
        Ok(true) => return 8,
        Ok(false) => {}
    }
    match asks_for_password(proxy) {
        Err(_) => 6,
        Ok(false) => 9,
        Ok(true) => 0,
    }
}

fn relay_at(port: u16) -> io::Result<TcpStream> {
    let socket = TcpStream::connect_timeout(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)), ANSWER)?;
    socket.set_read_timeout(Some(ANSWER))?;
    Ok(socket)
}

/// Whether the broker gives an address for a name (RFC 1035 section 4.2.2: a length of two bytes, and the message).
fn names_resolve(port: u16, name: &str) -> io::Result<bool> {
    let mut socket = relay_at(port)?;
    let question = question(1, name);
    let length = u16::try_from(question.len()).map_err(io::Error::other)?;
    socket.write_all(&[&length.to_be_bytes()[..], &question].concat())?;
    let mut length = [0; 2];
    socket.read_exact(&mut length)?;
    let mut answer = vec![0; usize::from(u16::from_be_bytes(length))];
    socket.read_exact(&mut answer)?;
    Ok(has_address(&answer))
}

/// Whether the proxy wants to see the session's password (RFC 9110 section 15.5.8).
fn asks_for_password(port: u16) -> io::Result<bool> {
    const REQUEST: &[u8] =
        b"CONNECT garth-canary.invalid:443 HTTP/1.1\r\nHost: garth-canary.invalid:443\r\n\r\n";
    let mut socket = relay_at(port)?;
    socket.write_all(REQUEST)?;
    let mut answer = [0; 12];
    socket.read_exact(&mut answer)?;
    Ok(answer == *b"HTTP/1.1 407")
}

/// Whether a file can be made there; it is removed again.
fn can_make(directory: &OsStr) -> bool {
    let file = Path::new(directory).join(format!("{NAME}-{}", std::process::id()));
    let made = File::create_new(&file).is_ok();
    if made {
        let _removed = std::fs::remove_file(&file);
    }
    made
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::windows::launch::tests::{cmd, contained};
    use std::collections::BTreeMap;

    #[test]
    fn a_word_is_heard_as_it_was_said_and_only_whole() {
        let ready = Ready { proxy: 4000, names: 65_535, host_ports: BTreeMap::new() };
        let (longest, forbidden) = ("a".repeat(253), "b".repeat(253));
        let network = Network { ready: &ready, allowed: Some(&longest), forbidden: &forbidden };
        let said = word(Some(network));
        assert!(said.len() as u64 <= LONGEST_WORD, "{}", said.len());
        assert_eq!(heard_word(&said).unwrap(), ["4000", "65535", &longest, &forbidden]);
        let said = word(Some(Network { allowed: None, ..network }));
        assert_eq!(heard_word(&said).unwrap()[2], NOTHING);
        assert_eq!(heard_word(&word(None)), Some(Vec::new()));
        (0..said.len()).for_each(|end| assert_eq!(heard_word(&said[..end]), None, "{end}"));
        for strange in ["\n", "stay\n", "go 1 2 3\n", "go 1 2 3 4 5\n", " go\n"] {
            assert_eq!(heard_word(strange), None, "{strange:?}");
        }
    }

    /// What the token of a command may not, its canary may not; Wine lets everybody do what the user may.
    #[test]
    fn a_command_is_tried_by_its_own_token_without_being_run() {
        use crate::windows::launch::{make_ready_relaxed, tests::ALL};
        use crate::windows::streams::Streams;
        let kept = tempfile::tempdir().unwrap();
        let (absent, present) = (kept.path().join("none"), kept.path().join("some"));
        std::fs::create_dir(&present).unwrap();
        let mark = kept.path().join("ran");
        let order = cmd(&format!("echo ran > \"{}\"", mark.display()));
        let null = File::options().read(true).write(true).open("NUL").unwrap();
        let streams = Streams::of([null.as_handle(), null.as_handle(), null.as_handle()]).unwrap();
        let command = make_ready_relaxed(&order, streams, ALL).unwrap();
        let trial = |unwritable, writable| {
            let trial = Trial { unreadable: None, unwritable, writable, unconnected: None };
            try_as(&command, &trial).unwrap()
        };
        let (absent, present) = (absent.to_str().unwrap(), present.to_str().unwrap());
        let tried = trial(absent, present);
        let bad = |of: &Tried, text: &str| matches!(of, Tried::Bad(found) if found.what.contains(text));
        // No directory of a test is granted to this token, so a Windows refuses this one.
        assert!(tried == Tried::Good || bad(&tried, "no file could be made"), "{tried:?}");
        assert!(bad(&trial(absent, absent), "no file could be made"));
        if tried == Tried::Good {
            assert!(bad(&trial(present, present), "where nothing may be written"));
        }
        let secret =
            Trial { unreadable: Some(&mark), unwritable: absent, writable: present, unconnected: None };
        assert!(try_as(&command, &secret).is_err());
        drop(command);
        assert!(!mark.exists() && std::fs::read_dir(present).unwrap().next().is_none());
        // This thread has never acted by it.
        std::fs::write(kept.path().join("own"), "x").unwrap();
    }

    #[test]
    fn a_refused_loopback_is_told_with_the_command_that_helps() {
        let container = contained("garth.test.canary");
        let Tried::Bad(found) = said(UNREACHED, &container) else { panic!("it is good") };
        let package = garth_plan::windows::derive::package("garth.test.canary");
        assert!(found.what.contains("refuses the loopback") && found.of_network, "{found:?}");
        assert!(
            found.remedy.unwrap().contains(&format!("garth-setup apply --elevate --loopback {package};"))
        );
        // Without a container nothing is isolated, and there is no package to exempt.
        let Tried::Bad(found) = said(UNREACHED, &cmd("ver")) else { panic!("it is good") };
        assert_eq!(found.remedy, None);
    }

    #[test]
    fn every_code_but_zero_is_a_finding() {
        let order = contained("garth.test.canary");
        assert_eq!(said(0, &order), Tried::Good);
        for code in 1..12 {
            let Tried::Bad(found) = said(code, &order) else { panic!("{code}") };
            assert_eq!(found.remedy.is_some(), code == UNREACHED, "{found:?}");
        }
    }
}
