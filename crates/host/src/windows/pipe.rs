//! Named pipes to programs of the user outside, who answer questions.

use super::facts::user;
use super::sys::file::Node;
use super::sys::handle::waiting;
use crate::OsError;
use crate::error::Context;
use garth_plan::windows::author::stranger;
use std::fs::File;
use std::io::{self, Read};
use std::os::windows::fs::OpenOptionsExt;
use std::os::windows::io::AsHandle;
use std::time::{Duration, Instant};

/// `ERROR_ACCESS_DENIED`
const DENIED: i32 = 5;
/// `ERROR_INVALID_NAME`
const NO_NAME: i32 = 123;
/// `ERROR_BROKEN_PIPE`
const BROKEN: i32 = 109;
/// `ERROR_PIPE_BUSY`
const TAKEN: i32 = 231;
/// How long one that is taken is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// `SECURITY_IDENTIFICATION`: whoever made the pipe may learn who asks, and not act as him.
const IDENTIFICATION: u32 = 0x0001_0000;
/// How often it is looked whether something was said.
const PAUSE: Duration = Duration::from_millis(10);

/// An opened pipe.
#[derive(Debug)]
pub struct Pipe(File);

/// Opens a pipe that a program of this user made. Another user's word counts for nothing, and no pipe of another machine is
/// opened.
///
/// # Errors
/// A name that is no pipe's of this machine, a pipe that is not there, and one that somebody else made.
pub fn approver(name: &str) -> Result<Pipe, OsError> {
    let is_local = name.get(..9).is_some_and(|start| start.eq_ignore_ascii_case(r"\\.\pipe\"));
    if !is_local || name.len() == 9 {
        let error = OsError::new("open", name, NO_NAME);
        return Err(error.with_remedy(r"a pipe of this machine has a name such as \\.\pipe\my-approver"));
    }
    open_own(name).map(Pipe)
}

/// Opens a pipe that this user or the system made, and that nobody else can change. One whose ends are all taken is waited
/// for: who made it makes the next one in a moment.
pub(super) fn open_own(name: &str) -> Result<File, OsError> {
    let began = Instant::now();
    let file = loop {
        let opened = File::options().read(true).write(true).security_qos_flags(IDENTIFICATION).open(name);
        match opened {
            Err(error) if error.raw_os_error() == Some(TAKEN) && began.elapsed() < PATIENCE => {
                std::thread::sleep(PAUSE);
            }
            opened => break opened.on("open", name)?,
        }
    };
    let security = Node::of(file.as_handle(), name)?.security().map_err(super::Error::into_os)?;
    let own = user("").map_err(super::Error::into_os)?.token.user;
    match stranger(&security, Some(own)) {
        None => Ok(file),
        Some(why) => Err(OsError::new("trust", name, DENIED).with_remedy(why)),
    }
}

impl Pipe {
    /// Its two directions. One that waits to read keeps nobody from writing.
    ///
    /// # Errors
    /// When the system has no room for another handle.
    pub fn split(self) -> Result<(Reader, File), OsError> {
        let writer = self.0.try_clone().on("keep", "a pipe")?;
        Ok((Reader(self.0), writer))
    }
}

/// The direction that is read. The system does one thing at a time with a pipe that is opened in the usual way, so nothing is
/// read before something is there.
#[derive(Debug)]
pub struct Reader(File);

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match waiting(self.0.as_handle()) {
                Ok(0) => std::thread::sleep(PAUSE),
                Ok(_) => return self.0.read(buffer),
                Err(error) if error.raw_os_error() == Some(BROKEN) => return Ok(0),
                Err(error) => return Err(error),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::windows::sys::named_pipe::{Which, listening};
    use std::io::Write;

    #[test]
    fn what_is_no_pipe_of_this_machine_is_refused() {
        for name in ["x", r"\\.\pipe\", r"\\other\pipe\x", r"C:\x", r"\\.\COM1"] {
            assert_eq!(approver(name).unwrap_err().code, NO_NAME, "{name}");
        }
        assert_eq!(approver(r"\\.\pipe\garth-nobody-made-this").unwrap_err().code, 2);
    }

    #[test]
    fn a_pipe_that_anybody_can_change_is_refused() {
        let name = format!(r"\\.\pipe\{}", crate::windows::sys::random::name("garth-test-").unwrap());
        let open = "O:S-1-5-21-1-2-3-1001D:(A;;GA;;;WD)".parse().unwrap();
        let _server = listening(&name, &open, Which::First, 4096).unwrap();
        assert_eq!(approver(&name).unwrap_err().code, DENIED);
    }

    /// Something is said while an answer is waited for: with a handle that reads as one is used to, that would wait for ever.
    #[test]
    fn both_directions_go_at_once() {
        let name = format!(r"\\.\pipe\{}", crate::windows::sys::random::name("garth-test-").unwrap());
        let own = user("").unwrap().token.user;
        let security = garth_plan::windows::author::private(own, false);
        let mut server = listening(&name, &security, Which::First, 4096).unwrap();
        let (mut reader, mut writer) = approver(&name).unwrap().split().unwrap();
        let reading = std::thread::spawn(move || {
            let mut line = [0; 4];
            reader.read_exact(&mut line).unwrap();
            let mut rest = Vec::new();
            reader.read_to_end(&mut rest).unwrap();
            (line, rest)
        });
        std::thread::sleep(Duration::from_millis(50));
        writer.write_all(b"question").unwrap();
        let mut heard = [0; 8];
        server.read_exact(&mut heard).unwrap();
        assert_eq!(&heard, b"question");
        server.write_all(b"once").unwrap();
        std::thread::sleep(Duration::from_millis(50));
        drop(server);
        assert_eq!(reading.join().unwrap(), (*b"once", Vec::new()));
    }
}
