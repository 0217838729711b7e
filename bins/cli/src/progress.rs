//! How far something is that takes longer than a second. It shows on a terminal alone.

use garth::policy::AbsPath;
use garth::undo::Watch;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
#[cfg(target_os = "linux")]
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// Nothing is shown of what is done earlier, unless the variable says another number of milliseconds. With none,
/// it is shown once whatever happens, however quickly it is over.
const PATIENCE: Duration = Duration::from_secs(1);
const PATIENCE_VARIABLE: &str = "GARTH_PROGRESS_AFTER";

/// How often what is shown is renewed.
const RENEWAL: Duration = Duration::from_millis(100);

/// A count of what is done, and a thread that shows it, so that it also shows where nothing is counted for a while.
pub struct Progress {
    what: &'static str,
    done: Arc<AtomicU64>,
    wanted: bool,
    shown: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Progress {
    /// Nothing is done yet of what these words name, and it begins now.
    pub fn new(what: &'static str) -> Self {
        let mut progress = Self::later(what);
        progress.begin();
        progress
    }

    /// The same, which begins with the first step: the terminal is used for questions until then.
    pub fn later(what: &'static str) -> Self {
        let wanted = std::io::stderr().is_terminal();
        Self { what, done: Arc::new(AtomicU64::new(0)), wanted, shown: None }
    }

    /// Shows nothing where a program reads.
    pub fn unless(json: bool, what: &'static str) -> Self {
        let mut progress = Self::later(what);
        progress.wanted &= !json;
        progress.begin();
        progress
    }

    fn begin(&mut self) {
        if !self.wanted || self.shown.is_some() {
            return;
        }
        let (what, done) = (self.what, Arc::clone(&self.done));
        let (stop, stopped) = channel();
        let builder = std::thread::Builder::new().name("progress".into());
        // Without it the work is done all the same.
        let shown = builder.spawn(move || show(what, &done, &stopped));
        self.shown = shown.ok().map(|thread| (stop, thread));
    }

    /// One more.
    pub fn step(&mut self) {
        self.begin();
        self.done.fetch_add(1, Ordering::Relaxed);
    }
}

/// A progress that somebody else counts, and that begins when he does.
#[cfg(target_os = "linux")]
#[derive(Clone)]
pub struct Counted(Arc<Mutex<Option<Progress>>>);

#[cfg(target_os = "linux")]
impl Counted {
    /// Nothing is done yet of what these words name.
    pub fn new(what: &'static str) -> Self {
        Self(Arc::new(Mutex::new(Some(Progress::later(what)))))
    }

    /// One more; the first says that it begins.
    pub fn step(&self) {
        if let Some(progress) = self.0.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            progress.step();
        }
    }

    /// Takes it off the terminal.
    pub fn end(&self) {
        drop(self.0.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

fn patience() -> Duration {
    let said = std::env::var(PATIENCE_VARIABLE).ok().and_then(|text| text.parse().ok());
    said.map_or(PATIENCE, Duration::from_millis)
}

fn show(what: &'static str, done: &AtomicU64, stopped: &Receiver<()>) {
    let patience = patience();
    if !patience.is_zero() && ended(stopped, patience) {
        return;
    }
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()).with_elapsed(patience);
    if let Ok(style) = ProgressStyle::with_template("garth: {msg} ({elapsed})") {
        bar.set_style(style);
    }
    loop {
        match done.load(Ordering::Relaxed) {
            0 => bar.set_message(what),
            done => bar.set_message(format!("{what}: {done}")),
        }
        bar.tick();
        if ended(stopped, RENEWAL) {
            break;
        }
    }
    bar.finish_and_clear();
}

/// What is shown ended within the time.
fn ended(stopped: &Receiver<()>, within: Duration) -> bool {
    !matches!(stopped.recv_timeout(within), Err(RecvTimeoutError::Timeout))
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.shown.take() {
            drop(stop);
            // Nothing is written over what comes next.
            let _has_ended = thread.join();
        }
    }
}

impl Watch for Progress {
    fn about_to(&mut self, _what: &'static str, _path: &AbsPath) -> Result<(), garth::OsError> {
        self.begin();
        Ok(())
    }

    fn done(&mut self, _path: &AbsPath) {
        self.step();
    }
}
