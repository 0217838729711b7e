//! Attacks by a second thread: what was checked is not what is used.

use super::raw;
use crate::probe::Row;
use crate::probe::{Act, Arguments, Refusal};
use rustix::fs::{
    AtFlags, CWD, Mode, OFlags, RenameFlags, linkat, mkdirat, openat, renameat_with, symlinkat, unlinkat,
};
use rustix::io::Errno;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

pub(super) const ACTIONS: &[Row] =
    &[("swap-path", swap_path), ("swap-memory", swap_memory), ("swap-parent", swap_parent)];

/// Longer than the window between check and use by orders of magnitude.
/// As many changes and swaps make a race.
const ENOUGH: usize = 3;
const TIME: Duration = Duration::from_millis(120);

/// Runs `step` over and over in a second thread until this is dropped.
pub(super) struct Meanwhile {
    stop: Arc<AtomicBool>,
    rounds: Arc<AtomicUsize>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Meanwhile {
    pub(super) fn run(mut step: impl FnMut() -> bool + Send + 'static) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let rounds = Arc::new(AtomicUsize::new(0));
        let (seen, count) = (Arc::clone(&stop), Arc::clone(&rounds));
        let thread = std::thread::spawn(move || {
            while !seen.load(Ordering::Relaxed) {
                if step() {
                    count.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        Self { stop, rounds, thread: Some(thread) }
    }

    /// A busy machine gets more time: only a race that really ran says something.
    pub(super) fn goes_on(&self, since: Instant, made: usize) -> bool {
        let swaps = self.rounds.load(Ordering::Relaxed);
        since.elapsed() < TIME || ((made < ENOUGH || swaps < ENOUGH) && since.elapsed() < 20 * TIME)
    }

    pub(super) fn end(&mut self) -> usize {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A swapping thread that panicked has swapped nothing, which its count shows.
            let _ended = thread.join();
        }
        self.rounds.load(Ordering::Relaxed)
    }
}

impl Drop for Meanwhile {
    fn drop(&mut self) {
        self.end();
    }
}

/// One change at a path: what it is called and how it is made.
fn change(operation: &str, path: &Path, material: &Path) -> Result<(), Errno> {
    let mode = Mode::from_raw_mode(0o644);
    match operation {
        "open" => openat(CWD, path, OFlags::WRONLY | OFlags::CREATE | OFlags::CLOEXEC, mode).map(|_| ()),
        "create" => openat(CWD, path, OFlags::RDONLY | OFlags::CREATE | OFlags::EXCL, mode).map(|_| ()),
        "directory" => mkdirat(CWD, path, Mode::from_raw_mode(0o755)),
        "symlink" => symlinkat("nowhere", CWD, path),
        "link" => linkat(CWD, material, CWD, path, AtFlags::empty()),
        "rename" => {
            let taken =
                path.file_name().map_or_else(|| material.to_owned(), |name| material.with_file_name(name));
            std::fs::write(&taken, "moved\n")
                .map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
            renameat_with(CWD, taken, CWD, path, RenameFlags::empty())
        }
        "truncate" => {
            let mut text = raw::text(path).map_err(|_| Errno::INVAL)?;
            match raw::call(libc::SYS_truncate, &[raw::address(&mut text[..]), 0]) {
                Err(Refusal::Os(errno)) => Err(Errno::from_raw_os_error(errno)),
                _ => Ok(()),
            }
        }
        _ => Err(Errno::INVAL),
    }
}

/// Swaps a directory with a link to another one while names are made in it
/// (operation, scratch directory, the other directory, name stem). Succeeds when a name arrives behind
/// the link, or a file there changes.
fn swap_path(arguments: &Arguments<'_>) -> Act {
    let (operation, scratch, other) = (arguments.text(0)?, arguments.path(1)?, arguments.path(2)?);
    let broken = |error: std::io::Error| Refusal::broken(format!("preparing: {error}"));
    let (swapped, link) = (scratch.join("swapped"), scratch.join("link"));
    let material = scratch.join("material");
    std::fs::create_dir_all(&swapped).map_err(broken)?;
    std::fs::write(&material, "material\n").map_err(broken)?;
    std::fs::write(swapped.join("victim"), "inside\n").map_err(broken)?;
    std::os::unix::fs::symlink(other, &link).map_err(broken)?;
    let before = names(other);
    let length = std::fs::metadata(other.join("victim")).map(|meta| meta.len()).ok();
    let (one, two) = (swapped.clone(), link);
    let mut meanwhile =
        Meanwhile::run(move || renameat_with(CWD, &one, CWD, &two, RenameFlags::EXCHANGE).is_ok());
    let made = repeat(operation, &swapped, &material, &meanwhile);
    let swaps = meanwhile.end();
    let after = names(other);
    let shorter = length != std::fs::metadata(other.join("victim")).map(|meta| meta.len()).ok();
    if after != before || shorter {
        return Ok(());
    }
    enough(made, swaps)
}

fn repeat(operation: &str, directory: &Path, material: &Path, meanwhile: &Meanwhile) -> usize {
    let start = Instant::now();
    let (mut number, mut made) = (0u32, 0);
    while meanwhile.goes_on(start, made) {
        let name = if operation == "truncate" { "victim".to_owned() } else { format!("new-{number}") };
        if change(operation, &directory.join(name), material).is_ok() {
            made += 1;
        }
        number += 1;
    }
    made
}

/// Only a race that really ran says something: changes went through, and so did swaps.
pub(super) fn enough(made: usize, swaps: usize) -> Act {
    if made < ENOUGH || swaps < ENOUGH {
        return Err(Refusal::broken(format!("no race: {made} changes, {swaps} swaps")));
    }
    Err(Errno::ACCESS.into())
}

fn names(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).into_iter().flatten();
    let mut names: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    names.sort();
    names
}

/// Changes the text of a path in memory while the call is being decided on (operation, harmless path,
/// guarded path of the same length). Succeeds when something stands at the guarded path.
fn swap_memory(arguments: &Arguments<'_>) -> Act {
    let (operation, plain, guarded) = (arguments.text(0)?, arguments.path(1)?, arguments.path(2)?);
    let (from, to) = (raw::text(plain)?, raw::text(guarded)?);
    if from.len() != to.len() {
        return Err(Refusal::broken("the two paths differ in length"));
    }
    if let Some(parent) = plain.parent() {
        std::fs::create_dir_all(parent).map_err(|error| Refusal::broken(error.to_string()))?;
    }
    let text: Arc<Vec<AtomicU8>> = Arc::new(from.iter().map(|byte| AtomicU8::new(*byte)).collect());
    let shared = Arc::clone(&text);
    let (one, two) = (from.clone(), to);
    let mut meanwhile = Meanwhile::run(move || {
        for wanted in [&two, &one] {
            for (slot, byte) in shared.iter().zip(wanted) {
                slot.store(*byte, Ordering::Relaxed);
            }
        }
        true
    });
    let begun = Instant::now();
    let mut made = 0;
    while meanwhile.goes_on(begun, made) {
        let address = text.as_ptr().addr();
        let at = raw::HERE;
        let result = match operation {
            "directory" => raw::call(libc::SYS_mkdirat, &[at, address, 0o755]),
            _ => {
                let flags = (OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL).bits() as usize;
                raw::descriptor(libc::SYS_openat, &[at, address, flags, 0o644]).map(|_| 0)
            }
        };
        if result.is_ok() {
            made += 1;
        }
        // What was made under the harmless name (or a mixture of both) makes room for the next.
        let _absent =
            unlinkat(CWD, plain, AtFlags::REMOVEDIR).or_else(|_| unlinkat(CWD, plain, AtFlags::empty()));
    }
    let swaps = meanwhile.end();
    if guarded.symlink_metadata().is_ok() {
        return Ok(());
    }
    enough(made, swaps)
}

/// Renames the parent of a protected-looking name while it is filled: `scratch/x/NAME` is made again and
/// again while `x` moves to `final` and back (scratch, final parent, name).
fn swap_parent(arguments: &Arguments<'_>) -> Act {
    let (scratch, parent, name) = (arguments.path(0)?, arguments.path(1)?, arguments.path(2)?);
    let start = scratch.join("x");
    std::fs::create_dir_all(&start).map_err(|error| Refusal::broken(error.to_string()))?;
    let (one, two) = (start.clone(), parent.to_owned());
    let mut meanwhile = Meanwhile::run(move || {
        let there = renameat_with(CWD, &one, CWD, &two, RenameFlags::NOREPLACE);
        std::thread::yield_now();
        let back = renameat_with(CWD, &two, CWD, &one, RenameFlags::NOREPLACE);
        there.is_ok() || back.is_ok()
    });
    let begun = Instant::now();
    let (mut made, mut reached) = (0, false);
    while meanwhile.goes_on(begun, made) && !reached {
        if mkdirat(CWD, start.join(name), Mode::from_raw_mode(0o755)).is_ok() {
            made += 1;
            reached = parent.join(name).symlink_metadata().is_ok();
            let _absent = unlinkat(CWD, start.join(name), AtFlags::REMOVEDIR);
        }
        reached |= parent.join(name).symlink_metadata().is_ok();
    }
    let swaps = meanwhile.end();
    if reached || parent.join(name).symlink_metadata().is_ok() {
        return Ok(());
    }
    if made < 3 {
        return Err(Refusal::broken(format!("no race: {made} changes, {swaps} swaps")));
    }
    Err(Errno::ACCESS.into())
}
