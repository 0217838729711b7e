//! Starting a program with a time limit, and what became of it.

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::Value;
use std::fmt;
use std::io::{Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// What a sandbox that gets in the way makes tools say.
const SANDBOX_MADE: [&str; 8] = [
    "Permission denied",
    "Read-only file system",
    "Operation not permitted",
    "Function not implemented",
    "EACCES",
    "EPERM",
    "EROFS",
    "garth:",
];

/// What `garth` says of each repository that appeared.
const REPOSITORY: &str = " became a git repository";

/// What a finished program left.
pub struct Run {
    /// The command line, for messages.
    pub command: String,
    /// How it ended.
    pub status: ExitStatus,
    /// What it wrote to standard output.
    pub stdout: Vec<u8>,
    /// What it wrote to standard error.
    pub stderr: Vec<u8>,
    /// True if it was killed because the time was over.
    pub late: bool,
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let late = if self.late { ", killed: the time was over" } else { "" };
        writeln!(f, "{}\n{}{late}", self.command, self.status)?;
        writeln!(f, "--- stdout\n{}", shown(&self.stdout))?;
        writeln!(f, "--- stderr\n{}", shown(&self.stderr))
    }
}

/// The end of an output: failures stand there.
fn shown(bytes: &[u8]) -> String {
    let from = bytes.len().saturating_sub(6000);
    String::from_utf8_lossy(&bytes[from..]).into_owned()
}

impl Run {
    /// Standard output as text, without the newline at its end.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).trim_end().to_owned()
    }

    /// Standard error as text, without the report of repositories that appeared: that is no warning.
    #[must_use]
    pub fn errors(&self) -> String {
        let text = String::from_utf8_lossy(&self.stderr);
        text.split_inclusive('\n').filter(|line| !line.contains(REPOSITORY)).collect()
    }

    /// The records that `garth run --json` wrote to standard error. What the command had written of a line at that moment stands
    /// before one.
    #[must_use]
    pub fn records(&self) -> Vec<Value> {
        let errors = self.errors();
        let objects = errors.lines().filter_map(|line| line.find("{\"").map(|start| &line[start..]));
        objects.filter_map(|object| serde_json::from_str(object).ok()).collect()
    }

    /// Whether `garth` reported that this place became a repository.
    #[must_use]
    pub fn reports_repository(&self, place: &Path) -> bool {
        let line = format!("{}{REPOSITORY}", place.display());
        String::from_utf8_lossy(&self.stderr).contains(&line)
    }

    /// Asserts success, and that neither stream shows a trace of the sandbox.
    ///
    /// # Panics
    /// When that does not hold.
    #[must_use]
    pub fn ok(self) -> Self {
        assert!(self.status.success(), "failed: {self}");
        self.quiet()
    }

    /// Asserts that nothing on either stream was caused by the sandbox.
    ///
    /// # Panics
    /// When that does not hold.
    #[must_use]
    pub fn quiet(self) -> Self {
        for text in [String::from_utf8_lossy(&self.stdout).into_owned(), self.errors()] {
            let found = SANDBOX_MADE.iter().find(|mark| text.contains(**mark));
            assert!(found.is_none(), "{found:?} shows in: {self}");
        }
        self
    }

    /// Asserts a normal end with this code.
    ///
    /// # Panics
    /// When that does not hold.
    #[must_use]
    pub fn code(self, code: i32) -> Self {
        assert_eq!(self.status.code(), Some(code), "{self}");
        self
    }

    /// Asserts a failure by an exit code other than zero, within the time.
    ///
    /// # Panics
    /// When that does not hold.
    #[must_use]
    pub fn fails(self) -> Self {
        assert!(self.status.code().is_some_and(|code| code != 0), "did not fail: {self}");
        self
    }

    /// Asserts the end by this signal.
    ///
    /// # Panics
    /// When that does not hold.
    #[must_use]
    pub fn signal(self, signal: i32) -> Self {
        assert!(!self.late, "{self}");
        assert_eq!(self.status.signal(), Some(signal), "{self}");
        self
    }
}

/// A program that runs, with its output being collected.
pub struct Running {
    child: Child,
    command: String,
    began: Instant,
    readers: [JoinHandle<Vec<u8>>; 2],
    writer: JoinHandle<()>,
}

impl Running {
    /// Process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal to the process alone.
    ///
    /// # Panics
    /// When the process is gone.
    pub fn kill(&self, signal: Signal) {
        rustix::process::kill_process(self.pid(), signal).expect("the process is there");
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Waits for the end, or kills the process group when `limit` is over, counted from the start.
    ///
    /// # Panics
    /// When waiting fails.
    #[must_use]
    pub fn finish(mut self, limit: Duration) -> Run {
        let mut late = false;
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("the child can be waited for") {
                break status;
            }
            if !late && self.began.elapsed() > limit {
                late = true;
                let _ = kill_process_group(self.pid(), Signal::KILL);
            }
            std::thread::sleep(Duration::from_millis(3));
        };
        // A process that outlives the program may hold the pipes open: that must not hang the tests.
        let ended = Instant::now();
        while !self.readers.iter().all(JoinHandle::is_finished) {
            assert!(
                ended.elapsed() < Duration::from_secs(60),
                "something holds the pipes of {}",
                self.command
            );
            std::thread::sleep(Duration::from_millis(1));
        }
        drop(self.writer);
        let [stdout, stderr] = self.readers.map(|reader| reader.join().expect("reading does not panic"));
        Run { command: self.command, status, stdout, stderr, late }
    }
}

fn collect(mut from: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = from.read_to_end(&mut bytes);
        bytes
    })
}

/// Starts a program in a process group of its own, with `input` on its standard input.
///
/// # Panics
/// When it cannot be started.
#[must_use]
pub fn start(mut command: Command, input: Vec<u8>) -> Running {
    let described = format!("{command:?}");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    let began = Instant::now();
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{described}: {error}"));
    let mut stdin = child.stdin.take().expect("standard input is a pipe");
    let writer = std::thread::spawn(move || {
        let _ = stdin.write_all(&input);
    });
    let stdout = collect(child.stdout.take().expect("standard output is a pipe"));
    let stderr = collect(child.stderr.take().expect("standard error is a pipe"));
    Running { child, command: described, began, readers: [stdout, stderr], writer }
}

/// Starts a program and waits for its end.
///
/// # Panics
/// When it cannot be started.
#[must_use]
pub fn finish(command: Command, input: Vec<u8>, limit: Duration) -> Run {
    start(command, input).finish(limit)
}
