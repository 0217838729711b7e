//! The pipe of one end: a thread that reads and one that writes, so that the thread of the sockets waits for neither.

use mio::Waker;
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

/// Bytes that are read at a time.
const CHUNK: usize = 64 * 1024;
/// What may have come and is not looked at yet; the reader waits then, and with it the other end.
const AHEAD: usize = 4;
/// Stack of a thread, in bytes: it calls next to nothing.
const STACK: usize = 128 * 1024;

/// What a thread of the pipe tells.
#[derive(Debug)]
pub(super) enum Came {
    /// Bytes of the other end.
    Bytes(Vec<u8>),
    /// What was given to be written is written.
    Written,
    /// The pipe has ended, or failed.
    End(io::Result<()>),
}

/// The pipe.
#[derive(Debug)]
pub(super) struct Pipe {
    came: Receiver<Came>,
    to_write: SyncSender<Vec<u8>>,
    is_writing: bool,
}

impl Pipe {
    /// Starts both threads. They end with the pipe, and the writer with this as well.
    pub(super) fn start(
        mut input: impl Read + Send + 'static,
        mut output: impl Write + Send + 'static,
        waker: &Arc<Waker>,
    ) -> io::Result<Self> {
        let (told, came) = sync_channel(AHEAD);
        let (to_write, writes) = sync_channel::<Vec<u8>>(1);
        let reader = Teller { told: told.clone(), waker: Arc::clone(waker) };
        let writer = Teller { told, waker: Arc::clone(waker) };
        start("pipe-in", move || read(&mut input, &reader))?;
        start("pipe-out", move || {
            for bytes in writes {
                if output.write_all(&bytes).and_then(|()| output.flush()).is_err() {
                    // Nobody reads any more. That is its end.
                    writer.tell(Came::End(Ok(())));
                    return;
                }
                if !writer.tell(Came::Written) {
                    return;
                }
            }
        })?;
        Ok(Self { came, to_write, is_writing: false })
    }

    /// The next that came; nothing if there is none now.
    pub(super) fn next(&mut self) -> Option<Came> {
        let came = self.came.try_recv().ok()?;
        if matches!(came, Came::Written) {
            self.is_writing = false;
        }
        Some(came)
    }

    /// Whether it takes bytes now.
    pub(super) fn is_free(&self) -> bool {
        !self.is_writing
    }

    /// Gives it bytes to write; only when it is free, so this never waits.
    pub(super) fn write(&mut self, bytes: Vec<u8>) {
        // A writer that is gone has told of it.
        self.is_writing = self.to_write.send(bytes).is_ok();
    }
}

struct Teller {
    told: SyncSender<Came>,
    waker: Arc<Waker>,
}

impl Teller {
    /// False if nobody listens any more.
    fn tell(&self, what: Came) -> bool {
        self.told.send(what).is_ok() && self.waker.wake().is_ok()
    }
}

fn read(input: &mut impl Read, teller: &Teller) {
    let mut chunk = vec![0; CHUNK];
    loop {
        let came = match input.read(&mut chunk) {
            Ok(0) => Came::End(Ok(())),
            Ok(count) => Came::Bytes(chunk[..count].to_vec()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            // The other process was killed.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Came::End(Ok(())),
            Err(error) => Came::End(Err(error)),
        };
        let is_end = matches!(came, Came::End(_));
        if !teller.tell(came) || is_end {
            return;
        }
    }
}

fn start(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name(name.into()).stack_size(STACK).spawn(work)?;
    Ok(())
}
