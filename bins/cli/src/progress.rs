//! How far something is that takes longer than a second. It shows on a terminal alone.

use garth::policy::AbsPath;
use garth::undo::Watch;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// Nothing is shown of what is done earlier.
const PATIENCE: Duration = Duration::from_secs(1);

/// A count of what is done.
pub struct Progress {
    began: Instant,
    bar: ProgressBar,
    shown: bool,
    done: u64,
    what: &'static str,
    wanted: bool,
}

impl Progress {
    /// Nothing is done yet of what these words name.
    pub fn new(what: &'static str) -> Self {
        let bar = ProgressBar::hidden();
        Self {
            began: Instant::now(),
            bar,
            shown: false,
            done: 0,
            what,
            wanted: std::io::stderr().is_terminal(),
        }
    }

    /// Shows nothing: a program reads.
    pub fn none() -> Self {
        let mut progress = Self::new("");
        progress.wanted = false;
        progress
    }

    /// One more.
    pub fn step(&mut self) {
        self.done += 1;
        if !self.shown && self.wanted && self.began.elapsed() > PATIENCE {
            self.shown = true;
            self.bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            if let Ok(style) = ProgressStyle::with_template("garth: {msg}: {pos} ({elapsed})") {
                self.bar.set_style(style);
            }
            self.bar.set_message(self.what);
        }
        if self.shown {
            self.bar.set_position(self.done);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

impl Watch for Progress {
    fn about_to(&mut self, _what: &'static str, _path: &AbsPath) -> Result<(), garth::OsError> {
        Ok(())
    }

    fn done(&mut self, _path: &AbsPath) {
        self.step();
    }
}
