//! Stretches of commands that stand in a process, a loop or a function of their own: what a changed directory means
//! behind them, and before them.

use crate::command::Script;
use serde::{Deserialize, Serialize};

/// What is special about a stretch of commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RegionKind {
    /// It runs in a process of its own, so the directory behind it is that before it: `( ... )`, `$( ... )`, a job in
    /// the background, a side of a pipe, `bash -c`.
    Process,
    /// The last side of a pipe: as [`RegionKind::Process`], unless the shell runs it itself (`lastpipe`, zsh, ksh).
    LastOfPipe,
    /// It can run several times, so what stands at its end counts at its beginning.
    Loop,
    /// It can run from any other place of the text, or later: a function, a trap, a script block.
    Later,
    /// It may not run at all: a branch, what stands behind `&&` or `||`.
    Maybe,
    /// It runs only where the change of the directory in front of it succeeded: `cd sub && ...`.
    Succeeded,
}

/// A stretch of [`Script::commands`]. Regions lie inside each other or apart, outer ones first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Region {
    /// What is special.
    pub kind: RegionKind,
    /// The number of its first command.
    pub start: usize,
    /// The number of the first command behind it.
    pub end: usize,
}

impl Script {
    /// Begins a region with the next command; gives its number for [`Script::close`].
    pub(crate) fn open(&mut self, kind: RegionKind) -> usize {
        let start = self.commands.len();
        self.regions.push(Region { kind, start, end: start });
        self.regions.len() - 1
    }

    /// Ends a region with the last command. One without commands is none.
    pub(crate) fn close(&mut self, number: usize) {
        let end = self.commands.len();
        match self.regions.get_mut(number) {
            Some(region) if region.start < end => region.end = end,
            _ => self.regions.truncate(number),
        }
    }
}
