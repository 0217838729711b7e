//! A door to a session: a named pipe at which whoever watches the session answers its question.
//!
//! It exists as long as the question does. Both ends look at each other before a word is said: each wants a process of this
//! user's that is in no sandbox, which a handle tells and not a number alone. Where the pipe is stands in the name of a file, in a
//! directory that is this user's and the system's alone; that file goes with its session, also when that is killed. The
//! pipe's own list has the same two, and no package.

use super::error::Error;
use super::facts::user;
use super::pipe::open_own;
use super::private::PrivateDirectory;
use super::sys::file::Node;
use super::sys::handle::waiting;
use super::sys::living::Living;
use super::sys::named_pipe::{Peer, Which, connected, listening, process};
use super::sys::random;
use super::sys::token::Token;
use crate::OsError;
use crate::error::Context;
use garth_plan::windows::Sid;
use garth_plan::windows::author::private;
use garth_policy::AbsPath;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::windows::io::AsHandle;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Most names that are looked at.
const NAMES: usize = 4096;
/// Bytes that an end keeps of what the other one has not read: far more than a question has.
const ROOM: u32 = 512 * 1024;
/// `ERROR_FILE_NOT_FOUND`, `ERROR_ACCESS_DENIED`, `ERROR_BROKEN_PIPE`
const ABSENT: i32 = 2;
const DENIED: i32 = 5;
const BROKEN: i32 = 109;
/// How long a door may take to close.
const CLOSING: Duration = Duration::from_secs(5);

/// The session's side of a door.
#[derive(Debug)]
pub struct Door {
    visitors: Receiver<DoorStream>,
    name: String,
    is_closing: Arc<AtomicBool>,
    accepting: Option<JoinHandle<()>>,
    _told: Node,
    _directory: PrivateDirectory,
}

impl Door {
    /// Opens a door whose name begins with `stem`; the directory is made where it is missing.
    ///
    /// # Errors
    /// A directory that is not this user's alone, and what keeps the pipe from being made.
    pub fn open(directory: &AbsPath, stem: &str) -> Result<Self, OsError> {
        let directory = PrivateDirectory::make(directory)?;
        let own = own()?;
        let name = random::name(&format!("{stem}.{}.", std::process::id()))?;
        let pipe = pipe_of(&name);
        let first = listening(&pipe, &private(own, false), Which::First, ROOM).map_err(Error::into_os)?;
        let (sender, visitors) = channel();
        let is_closing = Arc::new(AtomicBool::new(false));
        let (place, closing) = (pipe.clone(), Arc::clone(&is_closing));
        let accepting = std::thread::Builder::new()
            .name("door".to_owned())
            .spawn(move || let_in(first, &place, own, &closing, &sender))
            .on("start", "a thread")?;
        // It is told last, so that whoever reads it finds somebody.
        let told = directory.mark(&name)?;
        let accepting = Some(accepting);
        Ok(Self { visitors, name: pipe, is_closing, accepting, _told: told, _directory: directory })
    }

    /// The next one who came and is trusted; whoever is not is sent away without a word. Does not wait.
    #[must_use]
    pub fn visitor(&self) -> Option<DoorStream> {
        self.visitors.try_recv().ok()
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.is_closing.store(true, Ordering::SeqCst);
        let Some(accepting) = self.accepting.take() else { return };
        let began = Instant::now();
        // Who waits for somebody is woken by one who comes.
        while !accepting.is_finished() && began.elapsed() < CLOSING {
            drop(File::options().read(true).write(true).open(&self.name));
            std::thread::sleep(Duration::from_millis(5));
        }
        if accepting.is_finished() {
            let _ended = accepting.join();
        }
    }
}

/// Lets them in, one after another, until the door closes.
fn let_in(first: File, pipe: &str, own: Sid, is_closing: &AtomicBool, visitors: &Sender<DoorStream>) {
    let mut end = Some(first);
    loop {
        let next = end.take().map_or_else(|| listening(pipe, &private(own, false), Which::Further, ROOM), Ok);
        let Ok(next) = next else { return };
        if is_closing.load(Ordering::SeqCst) {
            return;
        }
        let Ok(is_there) = connected(&next) else { return };
        if is_closing.load(Ordering::SeqCst) {
            return;
        }
        let is_welcome = is_there && trusted(&next, Peer::Client, own).is_ok();
        if is_welcome && visitors.send(DoorStream::new(next)).is_err() {
            return;
        }
    }
}

/// The process at the other end, if it is this user's and in no sandbox.
fn trusted(end: &File, peer: Peer, own: Sid) -> Result<u32, OsError> {
    let number = process(end.as_handle(), peer)?;
    let refused = |why: &str| Err(OsError::new("trust", format!("process {number}: {why}"), DENIED));
    let living = Living::of(number)?;
    let token = Token::of(living.as_handle()).map_err(Error::into_os)?;
    if token.user().map_err(Error::into_os)?.0 != own {
        return refused("it is another user's");
    }
    if token.is_confined().map_err(Error::into_os)? {
        return refused("it is in a sandbox");
    }
    // While the handle is open the number is no other process's.
    if process(end.as_handle(), peer)? == number { Ok(number) } else { refused("it is gone") }
}

fn pipe_of(name: &str) -> String {
    format!(r"\\.\pipe\garth-door-{name}")
}

fn own() -> Result<Sid, OsError> {
    Ok(user("").map_err(Error::into_os)?.token.user)
}

/// The process that a door's name tells, behind `stem` and before the digits.
fn told_process(name: &str, stem: &str) -> Option<u32> {
    let (number, digits) = name.strip_prefix(stem)?.strip_prefix('.')?.split_once('.')?;
    let is_random = digits.len() == 32 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    number.parse().ok().filter(|_| is_random)
}

/// Goes to the door whose name begins with `stem`.
///
/// # Errors
/// `ERROR_FILE_NOT_FOUND` without a door; `ERROR_ACCESS_DENIED` for a directory that is not this user's alone, and where another
/// process listens than the one that told of the door, or one that is not trusted.
pub fn knock(directory: &AbsPath, stem: &str) -> Result<DoorStream, OsError> {
    let opened = PrivateDirectory::open(directory)?;
    let place = super::facts::name(opened.path()).map_err(Error::into_os)?;
    let entries = std::fs::read_dir(place).on("list", directory)?;
    let names = entries.take(NAMES).flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let found = names.filter_map(|name| told_process(&name, stem).map(|process| (name, process))).next();
    let Some((name, teller)) = found else {
        return Err(OsError::new("find", format!("a door of {stem}"), ABSENT));
    };
    let pipe = pipe_of(&name);
    let file = open_own(&pipe)?;
    if trusted(&file, Peer::Server, own()?)? != teller {
        return Err(OsError::new("trust", pipe, DENIED)
            .with_remedy("another process listens there than the one that asks; look at it"));
    }
    Ok(DoorStream::new(file))
}

/// What is said at a door. Reading does not wait; writing does not either, as far as there is room, and one who does not
/// listen is given up.
#[derive(Debug)]
pub struct DoorStream {
    file: File,
    room: usize,
}

impl DoorStream {
    fn new(file: File) -> Self {
        Self { file, room: usize::try_from(ROOM).unwrap_or(0) }
    }
}

impl Read for DoorStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match waiting(self.file.as_handle()) {
            Ok(0) => Err(io::ErrorKind::WouldBlock.into()),
            Ok(_) => self.file.read(buffer),
            Err(error) if error.raw_os_error() == Some(BROKEN) => Ok(0),
            Err(error) => Err(error),
        }
    }
}

impl Write for DoorStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // How much of it was read is not known, so all that was ever said has to have room.
        self.room = self.room.checked_sub(bytes.len()).ok_or(io::ErrorKind::BrokenPipe)?;
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        // What `FlushFileBuffers` does with a pipe is to wait until all of it was read.
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(of: &std::path::Path) -> AbsPath {
        AbsPath::windows(of.to_str().unwrap()).unwrap()
    }

    /// What comes, however long it takes.
    fn heard(stream: &mut DoorStream, count: usize) -> Vec<u8> {
        let mut all = Vec::new();
        let mut part = [0; 64];
        while all.len() < count {
            match stream.read(&mut part) {
                Ok(0) => break,
                Ok(read) => all.extend_from_slice(&part[..read]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => std::thread::yield_now(),
                Err(error) => panic!("{error}"),
            }
        }
        all
    }

    fn visitor(door: &Door) -> DoorStream {
        loop {
            match door.visitor() {
                Some(stream) => return stream,
                None => std::thread::yield_now(),
            }
        }
    }

    #[test]
    fn the_two_ends_find_each_other_and_nothing_stays() {
        let root = tempfile::tempdir().unwrap();
        let directory = place(&root.path().join("doors"));
        assert_eq!(knock(&directory, "s.0").unwrap_err().code, ABSENT);
        let door = Door::open(&directory, "s.0").unwrap();
        assert!(door.visitor().is_none());
        let (mut there, mut second) = (knock(&directory, "s.0").unwrap(), knock(&directory, "s.0").unwrap());
        let (mut here, _other) = (visitor(&door), visitor(&door));
        here.write_all(b"question").unwrap();
        assert_eq!(heard(&mut there, 8), b"question");
        there.write_all(b"once").unwrap();
        assert_eq!(heard(&mut here, 4), b"once");
        assert_eq!(second.read(&mut [0; 4]).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        // What was said last arrives, and then the end.
        here.write_all(b"!").unwrap();
        drop((here, door));
        assert_eq!(heard(&mut there, 2), b"!");
        assert_eq!(std::fs::read_dir(root.path().join("doors")).unwrap().count(), 0);
        assert_eq!(knock(&directory, "s.0").unwrap_err().code, ABSENT);
    }

    #[test]
    fn who_is_not_the_one_that_told_of_the_door_is_not_believed() {
        let root = tempfile::tempdir().unwrap();
        let directory = place(&root.path().join("doors"));
        let kept = PrivateDirectory::make(&directory).unwrap();
        let name = random::name(&format!("s.0.{}.", std::process::id() + 4)).unwrap();
        let _told = kept.mark(&name).unwrap();
        assert_eq!(knock(&directory, "s.0").unwrap_err().code, ABSENT, "nobody made the pipe");
        let security = private(own().unwrap(), false);
        let _end = listening(&pipe_of(&name), &security, Which::First, 4096).unwrap();
        assert_eq!(knock(&directory, "s.0").unwrap_err().code, DENIED);
    }

    #[test]
    fn names_that_are_no_doors_are_passed_over() {
        let digits = "0123456789abcdef0123456789abcdef";
        assert_eq!(told_process(&format!("s.0.7.{digits}"), "s.0"), Some(7));
        for name in ["s.0.7.abc", "s.0", "x", &format!("s.1.7.{digits}"), &format!("s.0.x.{digits}")] {
            assert_eq!(told_process(name, "s.0"), None, "{name}");
        }
        assert_eq!(told_process(&format!("s.01.7.{digits}"), "s.0"), None);
    }

    #[test]
    fn one_who_does_not_listen_is_given_up() {
        let root = tempfile::tempdir().unwrap();
        let directory = place(&root.path().join("doors"));
        let door = Door::open(&directory, "s.0").unwrap();
        let _there = knock(&directory, "s.0").unwrap();
        let mut here = visitor(&door);
        let most = usize::try_from(ROOM).unwrap();
        here.room = 3;
        here.write_all(b"abc").unwrap();
        assert!(here.write_all(b"d").is_err());
        assert!(DoorStream::new(here.file).room == most);
    }
}
