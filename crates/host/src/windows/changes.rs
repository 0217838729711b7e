//! What changes in directories while a command runs, as the system tells it: nothing is read before the command starts, so the
//! start takes as long in a large tree as in a small one.
//!
//! The journal of an NTFS volume (`FSCTL_READ_USN_JOURNAL`) would lose nothing, but opening a volume takes an administrator.

use super::error::Result;
use super::facts::name;
use super::sys::event::Event;
use super::sys::file::{Links, Node, Wanted};
use super::sys::notify::{Heard, Notifying};
use super::sys::process::wait_any;
use super::sys::stat::size;
use super::undo::{bytes_of, name_of};
use crate::OsError;
use crate::error::Context;
use garth_plan::windows::changes::{Changed, How, Ledger, Room, notices};
use garth_policy::AbsPath;
use std::ffi::OsString;
use std::io;
use std::os::windows::ffi::OsStringExt;
use std::os::windows::io::{AsHandle, BorrowedHandle};
use std::path::PathBuf;
use std::thread::JoinHandle;

/// Directories that are watched: one can wait for 64 things at a time, of which one is the end.
const MOST: usize = 63;
/// Names that are looked for in directories that came as a whole.
const BROUGHT: usize = 10_000;

/// What a change is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link or junction.
    Link,
}

/// A name that is different.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Where.
    pub path: AbsPath,
    /// How; the name before is in [`Difference::from`].
    pub how: How,
    /// The name before, if it was renamed.
    pub from: Option<AbsPath>,
    /// What it is; `None` if it is gone or cannot be asked.
    pub kind: Option<Kind>,
    /// Its size in bytes, if it is a file.
    pub bytes: Option<u64>,
}

/// All that is different.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Differences {
    /// As many as were wanted.
    pub list: Vec<Difference>,
    /// Further ones.
    pub more: u64,
    /// What may be missing besides, as a fragment.
    pub missing: Vec<String>,
}

/// Watches directories.
#[derive(Debug)]
pub struct Watch {
    stop: Event,
    thread: Option<JoinHandle<Vec<Watched>>>,
    missing: Vec<String>,
}

/// One directory, and what was heard of it.
#[derive(Debug)]
struct Watched {
    root: AbsPath,
    notifying: Notifying,
    ledger: Ledger,
    missing: Option<String>,
}

impl Watch {
    /// Watches these directories with everything below them from now on. What cannot be watched is among what is missing in
    /// the end.
    ///
    /// # Errors
    /// When there is no thread or event.
    pub fn start(roots: &[AbsPath]) -> Result<Self> {
        let (mut watched, mut missing) = (Vec::new(), Vec::new());
        for root in roots {
            if watched.len() == MOST {
                missing.push(format!("what changed in {root} and others: {MOST} directories are watched"));
                break;
            }
            match name(root).and_then(|name| Notifying::new(&name)) {
                Ok(notifying) => {
                    let ledger = Ledger::new(Room::USUAL);
                    watched.push(Watched { root: root.clone(), notifying, ledger, missing: None });
                }
                Err(error) => missing.push(format!("what changed in {root}: {error}")),
            }
        }
        let stop = Event::new()?;
        let end = stop.twin()?;
        let listening = move || {
            listen(&mut watched, end.as_handle());
            watched
        };
        let thread = std::thread::Builder::new().name("changes".to_owned()).spawn(listening);
        Ok(Self { stop, thread: Some(thread.on("start", "a thread")?), missing })
    }

    /// What is different now, as much of it as is wanted. Everything that could change something has ended.
    #[must_use]
    pub fn stop(mut self, wanted: usize) -> Differences {
        let mut all = Differences { missing: std::mem::take(&mut self.missing), ..Differences::default() };
        let thread = self.thread.take().filter(|_| self.stop.set().is_ok());
        let Some(watched) = thread.and_then(|thread| thread.join().ok()) else {
            all.missing.push("what changed: nobody listens any more".to_owned());
            return all;
        };
        watched.into_iter().for_each(|watched| watched.tell(wanted, &mut all));
        all
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // Where nobody wants to know any more, the thread ends by itself.
        let _told = self.stop.set();
    }
}

/// Listens until the end is signalled, and takes what was noted by then.
fn listen(watched: &mut [Watched], end: BorrowedHandle<'_>) {
    loop {
        let listening: Vec<usize> = (0..watched.len()).filter(|at| watched[*at].missing.is_none()).collect();
        let mut handles = vec![end];
        handles.extend(listening.iter().map(|at| watched[*at].notifying.event()));
        match wait_any(&handles, None) {
            Ok(Some(at @ 1..)) => watched[listening[at - 1]].hear(),
            Ok(Some(0)) => break,
            Ok(None) | Err(_) => {
                watched.iter_mut().for_each(|watched| watched.lose("it cannot be waited for"));
                return;
            }
        }
    }
    watched.iter_mut().for_each(Watched::hear_rest);
}

impl Watched {
    fn lose(&mut self, why: &str) {
        let root = &self.root;
        self.missing.get_or_insert_with(|| format!("what changed in {root}: {why}"));
    }

    fn hear(&mut self) {
        let heard = self.notifying.take();
        self.take(heard);
    }

    fn hear_rest(&mut self) {
        while self.missing.is_none() {
            let heard = self.notifying.rest();
            if matches!(heard, Ok(Heard::Nothing)) {
                return;
            }
            self.take(heard);
        }
    }

    fn take(&mut self, heard: io::Result<Heard>) {
        match heard {
            Ok(Heard::Notices(bytes)) => match notices(&bytes) {
                Ok(notices) => notices.into_iter().for_each(|notice| self.ledger.take(notice)),
                Err(_) => self.lose("what the system told is not understood"),
            },
            // What comes later would be told as if nothing had been before.
            Ok(Heard::Overrun) => self.lose("more happened at a time than the system keeps"),
            Ok(Heard::Nothing) => {}
            Err(error) => self.lose(&error.to_string()),
        }
    }

    /// Looks at what is different, and tells it.
    fn tell(self, wanted: usize, all: &mut Differences) {
        if self.ledger.is_full() {
            all.missing.push(format!("what changed in {}: more names than are kept", self.root));
        }
        all.missing.extend(self.missing.clone());
        let mut brought = Vec::new();
        for changed in self.ledger.changes() {
            if all.list.len() >= wanted {
                all.more += 1;
                continue;
            }
            let Some(found) = self.look(&changed) else { continue };
            let came = found.kind == Some(Kind::Directory) && found.how == How::Created && changed.is_alone;
            if came {
                brought.push(found.path.clone());
            }
            all.list.push(found);
        }
        bring(brought, wanted, all);
    }

    /// What is there now; `None` where that is no change.
    fn look(&self, Changed { name, how, .. }: &Changed) -> Option<Difference> {
        let path = self.below(name)?;
        let from = match how {
            How::Renamed(from) => Some(self.below(from)?),
            _ => None,
        };
        if *how == How::Deleted {
            return Some(Difference { path, how: How::Deleted, from, kind: None, bytes: None });
        }
        match look(&path) {
            // That its entries changed is told by these.
            Ok((Kind::Directory, _)) if *how == How::Modified => None,
            Ok((kind, bytes)) => Some(Difference { path, how: how.clone(), from, kind: Some(kind), bytes }),
            // It went with a directory.
            Err(error) if is_absent(&error) => {
                let gone = match how {
                    How::Created => return None,
                    How::Renamed(_) => from?,
                    How::Modified | How::Deleted => path,
                };
                Some(Difference { path: gone, how: How::Deleted, from: None, kind: None, bytes: None })
            }
            Err(_) => Some(Difference { path, how: how.clone(), from, kind: None, bytes: None }),
        }
    }

    fn below(&self, name: &[u16]) -> Option<AbsPath> {
        self.root.join(&bytes_of(&OsString::from_wide(name))).ok()
    }
}

fn is_absent(error: &OsError) -> bool {
    /// `ERROR_FILE_NOT_FOUND`, `ERROR_PATH_NOT_FOUND`
    const ABSENT: [i32; 2] = [2, 3];
    ABSENT.contains(&error.code)
}

fn look(path: &AbsPath) -> core::result::Result<(Kind, Option<u64>), OsError> {
    let place = name_of(path.as_bytes());
    let place = place.ok_or_else(|| OsError::new("look at", path.to_string(), 123))?;
    let node = Node::open(PathBuf::from(place), Wanted::Attributes, Links::Stay)
        .map_err(crate::windows::Error::into_os)?;
    let kind = node.kind()?;
    Ok(match (kind.tag, kind.directory) {
        (Some(tag), _) if is_link(tag) => (Kind::Link, None),
        (_, true) => (Kind::Directory, None),
        (_, false) => (Kind::File, size(&node).ok().map(|(bytes, _)| bytes)),
    })
}

fn is_link(tag: u32) -> bool {
    use garth_plan::windows::facts::Reparse;
    matches!(super::sys::file::reparse(tag), Reparse::SymbolicLink | Reparse::MountPoint)
}

/// What is in directories that came as a whole: the system tells of these alone.
fn bring(mut directories: Vec<AbsPath>, wanted: usize, all: &mut Differences) {
    let mut left = BROUGHT;
    while let Some(directory) = directories.pop() {
        let place = name_of(directory.as_bytes());
        let entries = place.ok_or(io::ErrorKind::InvalidInput.into()).and_then(std::fs::read_dir);
        let Ok(entries) = entries else {
            all.missing.push(format!("what is in {directory}: it cannot be read"));
            continue;
        };
        for entry in entries.flatten() {
            if left == 0 || all.list.len() >= wanted {
                all.missing.push(format!("what more is in {directory}, and in others that came as a whole"));
                return;
            }
            left -= 1;
            let Ok(path) = directory.join(&bytes_of(&entry.file_name())) else { continue };
            let Ok((kind, bytes)) = look(&path) else { continue };
            if kind == Kind::Directory {
                directories.push(path.clone());
            }
            all.list.push(Difference { path, how: How::Created, from: None, kind: Some(kind), bytes });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(of: &std::path::Path) -> AbsPath {
        AbsPath::windows(of.to_str().unwrap()).unwrap()
    }

    fn told(all: &Differences, root: &AbsPath) -> Vec<String> {
        let root = root.to_string();
        let short = |path: &AbsPath| path.to_string().replace(&root, "");
        let mut lines: Vec<String> = all
            .list
            .iter()
            .map(|one| match (&one.how, &one.from) {
                (How::Created, _) => format!("+{}", short(&one.path)),
                (How::Modified, _) => format!("!{} {}", short(&one.path), one.bytes.unwrap_or(0)),
                (How::Deleted, _) => format!("-{}", short(&one.path)),
                (How::Renamed(_), from) => {
                    format!("{}>{}", from.as_ref().map_or_else(String::new, short), short(&one.path))
                }
            })
            .collect();
        lines.sort();
        lines
    }

    #[test]
    fn what_is_different_in_the_end_is_told() {
        let kept = tempfile::tempdir().unwrap();
        let at = |name: &str| kept.path().join(name);
        for name in ["changed", "removed", "renamed", "same"] {
            std::fs::write(at(name), "x").unwrap();
        }
        let root = place(kept.path());
        let watch = Watch::start(std::slice::from_ref(&root)).unwrap();
        std::fs::write(at("changed"), "longer").unwrap();
        std::fs::write(at("made"), "").unwrap();
        std::fs::write(at("passing"), "").unwrap();
        std::fs::remove_file(at("passing")).unwrap();
        std::fs::remove_file(at("removed")).unwrap();
        std::fs::rename(at("renamed"), at("another")).unwrap();
        let all = watch.stop(100);
        assert_eq!(told(&all, &root), ["!\\changed 6", "+\\made", "-\\removed", "\\renamed>\\another"]);
        assert_eq!((all.more, all.missing.len()), (0, 0), "{all:?}");
    }

    #[test]
    fn a_directory_that_comes_as_a_whole_comes_with_what_is_in_it() {
        let (kept, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::fs::create_dir(other.path().join("d")).unwrap();
        std::fs::write(other.path().join("d").join("x"), "x").unwrap();
        let root = place(kept.path());
        let watch = Watch::start(std::slice::from_ref(&root)).unwrap();
        std::fs::rename(other.path().join("d"), kept.path().join("d")).unwrap();
        assert_eq!(told(&watch.stop(100), &root), ["+\\d", "+\\d\\x"]);
    }

    #[test]
    fn what_is_not_told_is_counted_or_named() {
        let kept = tempfile::tempdir().unwrap();
        let (root, absent) = (place(kept.path()), place(&kept.path().join("absent")));
        let watch = Watch::start(&[root, absent.clone()]).unwrap();
        (0..3).for_each(|at| std::fs::write(kept.path().join(at.to_string()), "x").unwrap());
        let all = watch.stop(2);
        assert_eq!((all.list.len(), all.more), (2, 1));
        assert!(all.missing.len() == 1 && all.missing[0].contains(&absent.to_string()), "{all:?}");
    }
}
