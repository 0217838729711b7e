//! Reads that a program is about to make, by its words: of names that the view does not show, or by which something hidden
//! stands.
//!
//! The kernel refuses these by itself, and nobody hears of it. A program that is known to read what it is given is seen when
//! it starts, with the names; that they lead to nothing inside is looked up here, and whether the host has something there,
//! and the policy keeps it back, the broker knows. Nothing is decided by it.

use super::processes::number;
use super::report::Denied;
use super::{Execution, Supervisor, place};
use garth_plan::linux::readers::{Named, Reader, reader};
use garth_policy::{AbsPath, FileOp};
use rustix::fd::AsFd;
use rustix::fs::{CWD, Mode, OFlags, openat};
use std::collections::HashSet;
use std::ffi::{CStr, CString, OsString};
use std::os::unix::ffi::OsStringExt;

/// Such reads that are told.
const MOST: usize = 500;

/// What was told already, each use of a name once.
#[derive(Debug, Default)]
pub(super) struct Seen(HashSet<(AbsPath, FileOp)>);

impl Supervisor {
    /// What a program that starts is going to read in vain.
    pub(super) fn named(&mut self, execution: &Execution) -> Vec<Denied> {
        let Some(reader) = reader(&execution.program).filter(|_| self.reporter.names()) else {
            return Vec::new();
        };
        let thread = execution.thread;
        let directory = std::fs::read_link(format!("/proc/{thread}/cwd"));
        let Ok(directory) = directory.map(|path| OsString::from(path).into_vec()) else { return Vec::new() };
        let find = |name: &[u8]| place::as_caller(thread, libc::AT_FDCWD, name);
        let words = (&execution.arguments[..], &self.shared.home[..]);
        let absent = absent(reader, words, &directory, self.order.has_view, find);
        let fresh = |used: &(AbsPath, FileOp)| {
            self.seen_names.0.len() < MOST && self.seen_names.0.insert(used.clone())
        };
        let process = number(thread);
        absent
            .into_iter()
            .filter(fresh)
            .map(|used| refusal((&execution.program, &execution.arguments), used, process))
            .collect()
    }
}

/// What the target itself was going to read in vain: it was started with these words in this directory, with this home. Looked
/// up when it is gone, because its start waits for nothing.
#[must_use]
pub fn of_target(
    (program, arguments): (&[u8], &[Vec<u8>]),
    (directory, home): (&[u8], &[u8]),
    has_view: bool,
    process: u32,
) -> Vec<Denied> {
    let Some(reader) = reader(program) else { return Vec::new() };
    let find = |name: &[u8]| CString::new([directory, b"/", name].concat()).ok();
    let find = |name: &[u8]| if name.first() == Some(&b'/') { CString::new(name).ok() } else { find(name) };
    let absent = absent(reader, (arguments, home), directory, has_view, find);
    let refusal = |used| refusal((program, arguments), used, Some(process));
    absent.into_iter().map(refusal).collect()
}

/// Names among a program's words at which there is nothing for it. Without a view of its own the sandbox sees what it is
/// refused, so all are.
fn absent(
    reader: Reader,
    (arguments, home): (&[Vec<u8>], &[u8]),
    directory: &[u8],
    has_view: bool,
    find: impl Fn(&[u8]) -> Option<CString>,
) -> Vec<(AbsPath, FileOp)> {
    let path = |name: &[u8]| {
        let start = if name.first() == Some(&b'/') { &b""[..] } else { directory };
        let is_there = has_view && is_there(find(name)?.as_c_str());
        if is_there { None } else { place::plain(start, name) }
    };
    // Processes have other numbers outside, and `self` is another one.
    let is_of_a_process = |path: &AbsPath| path.components().next() == Some(b"proc");
    let used = |Named { name, op }: Named<'_>| path(&name).map(|path| (path, op));
    let names = reader.names(arguments, home).into_iter();
    let mut once = HashSet::new();
    names.filter_map(used).filter(|used| !is_of_a_process(&used.0) && once.insert(used.clone())).collect()
}

/// Whether something is there that is not the stand-in for something hidden, which gives nobody any right.
fn is_there(path: &CStr) -> bool {
    let object = openat(CWD, path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty());
    let stat = object.and_then(|object| rustix::fs::fstat(object.as_fd()));
    stat.is_ok_and(|stat| stat.st_mode & 0o777 != 0)
}

fn refusal(
    (program, arguments): (&[u8], &[Vec<u8>]),
    (path, op): (AbsPath, FileOp),
    process: Option<u32>,
) -> Denied {
    let name = program.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    Denied {
        path,
        op,
        program: String::from_utf8_lossy(name).into_owned(),
        process,
        command: arguments.to_vec(),
        reason: String::new(),
        origin: None,
        hint: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_not_there_is_named() {
        let place = tempfile::tempdir().unwrap();
        let file = |name: &str| place.path().join(name);
        std::fs::write(file("own"), "").unwrap();
        let masked = std::fs::File::create(file("masked")).unwrap();
        rustix::fs::fchmod(&masked, Mode::empty()).unwrap();
        let words = ["cat", "own", "masked", "../absent", "-x", "/proc/self/none"];
        let words: Vec<Vec<u8>> = words.iter().map(|word| word.as_bytes().to_vec()).collect();
        let directory = place.path().to_str().unwrap();
        let told = |has_view| of_target((b"/bin/cat", &words), (directory.as_bytes(), b"/"), has_view, 7);
        let paths =
            |has_view| told(has_view).iter().map(|denied| denied.path.to_string()).collect::<Vec<_>>();
        let above = place.path().parent().unwrap().join("absent");
        let (own, masked) = (file("own").display().to_string(), file("masked").display().to_string());
        let absent = [masked.clone(), above.display().to_string()];
        assert_eq!(paths(true), absent);
        assert_eq!(paths(false), [&[own][..], &absent].concat());
        assert_eq!((told(true)[0].program.as_str(), told(true)[0].process), ("cat", Some(7)));
        assert!(of_target((b"/bin/echo", &words), (directory.as_bytes(), b"/"), true, 7).is_empty());
    }
}
