//! A terminal, with a program of the tests in front of it.

use crate::garden::View;
use rustix::fs::OFlags;
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A program that runs in front of a pseudo terminal, as the leader of a session.
pub struct Terminal {
    master: File,
    keys: Sender<Vec<u8>>,
    child: Child,
    seen: Arc<Mutex<Vec<u8>>>,
    collector: JoinHandle<()>,
    read: usize,
}

/// How long what a program wrote last may take to come through the terminal.
const LAST_WORDS: Duration = Duration::from_secs(5);

impl Terminal {
    /// Starts `garth run -- arguments` in front of a terminal of this size.
    ///
    /// # Panics
    /// When the terminal or the program cannot be had.
    #[must_use]
    pub fn open(view: &View<'_>, arguments: &[&str], rows: u16, columns: u16) -> Self {
        Self::start(view, &view.sandboxed(arguments), rows, columns)
    }

    /// Starts a program without the sandbox in front of a terminal of this size.
    ///
    /// # Panics
    /// When the terminal or the program cannot be had.
    #[must_use]
    pub fn bare(view: &View<'_>, arguments: &[&str], rows: u16, columns: u16) -> Self {
        let mut command = Command::new(arguments[0]);
        command.args(&arguments[1..]);
        Self::start(view, &command, rows, columns)
    }

    fn start(view: &View<'_>, line: &Command, rows: u16, columns: u16) -> Self {
        Self::lead(view.command("setsid".as_ref()), line, rows, columns)
    }

    /// Starts `line` by `setsid`, a command that is still without arguments.
    pub(crate) fn lead(setsid: Command, line: &Command, rows: u16, columns: u16) -> Self {
        let mut command = setsid;
        let master =
            openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).expect("a terminal");
        grantpt(&master).expect("a terminal");
        unlockpt(&master).expect("a terminal");
        let name = ptsname(&master, Vec::new()).expect("a terminal has a name");
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let slave = rustix::fs::open(name.as_c_str(), flags, rustix::fs::Mode::empty()).expect("a terminal");
        resize(&master, rows, columns);
        command.arg("--ctty").arg(line.get_program()).args(line.get_args());
        let stdio = || Stdio::from(slave.try_clone().expect("a descriptor"));
        command.stdin(stdio()).stdout(stdio()).stderr(stdio());
        let child = command.spawn().expect("setsid starts");
        let master = File::from(master);
        let seen = Arc::new(Mutex::new(Vec::new()));
        let collector = collect(master.try_clone().expect("a descriptor"), Arc::clone(&seen));
        let keys = typist(master.try_clone().expect("a descriptor"));
        Self { master, keys, child, seen, collector, read: 0 }
    }

    /// Changes the size of the window.
    pub fn resize(&self, rows: u16, columns: u16) {
        resize(&self.master, rows, columns);
    }

    /// Types, without waiting for anybody to read it.
    ///
    /// # Panics
    /// When the terminal is gone.
    pub fn send(&self, keys: &str) {
        self.keys.send(keys.as_bytes().to_vec()).expect("the terminal takes keys");
    }

    /// Waits until the text shows that has not been waited for before, and returns what came with it.
    ///
    /// # Panics
    /// When it does not show within 20 seconds.
    pub fn expect(&mut self, text: &str) -> String {
        let began = Instant::now();
        loop {
            {
                let seen = self.seen.lock().expect("no reader panics");
                let new = String::from_utf8_lossy(&seen[self.read..]).into_owned();
                if let Some(at) = new.find(text) {
                    self.read += at + text.len();
                    return new;
                }
                assert!(began.elapsed() < Duration::from_secs(90), "{text:?} does not show in: {new:?}");
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Everything that was shown so far.
    ///
    /// # Panics
    /// Never in practice: the reader does not panic.
    #[must_use]
    pub fn shown(&self) -> String {
        String::from_utf8_lossy(&self.seen.lock().expect("no reader panics")).into_owned()
    }

    /// Process id of `garth`.
    #[must_use]
    pub fn id(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Sends a signal to `garth`.
    ///
    /// # Panics
    /// When it is gone.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.id(), signal).expect("the process is there");
    }

    /// Waits for the end of the program.
    ///
    /// # Panics
    /// When it does not end within 20 seconds.
    pub fn wait(&mut self) -> ExitStatus {
        self.wait_within(Duration::from_secs(90))
    }

    /// Waits for the end of the program, that long.
    ///
    /// # Panics
    /// When it does not end within that time.
    pub fn wait_within(&mut self, limit: Duration) -> ExitStatus {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                // The end comes when nobody has the terminal open; somebody in the background may keep it.
                let ended = Instant::now();
                while !self.collector.is_finished() && ended.elapsed() < LAST_WORDS {
                    std::thread::sleep(Duration::from_millis(1));
                }
                return status;
            }
            assert!(began.elapsed() < limit, "does not end; shown: {}", self.shown());
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn resize(terminal: impl std::os::fd::AsFd, rows: u16, columns: u16) {
    let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(terminal, size).expect("a terminal has a size");
}

fn typist(mut master: File) -> Sender<Vec<u8>> {
    let (sender, keys) = channel::<Vec<u8>>();
    std::thread::spawn(move || {
        while let Ok(typed) = keys.recv() {
            if master.write_all(&typed).is_err() {
                return;
            }
        }
    });
    sender
}

fn collect(mut master: File, seen: Arc<Mutex<Vec<u8>>>) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let mut block = [0; 4096];
        while let Ok(length @ 1..) = master.read(&mut block) {
            seen.lock().expect("nobody panics with it").extend_from_slice(&block[..length]);
        }
    })
}
