//! Scripts: the programs that the kernel starts in their place.

use super::call::At;
use super::place;
use rustix::fs::{Access, AtFlags, CWD, FileType, Mode, OFlags, Stat, accessat, openat, statat};
use std::collections::HashMap;
use std::ffi::{CStr, CString};

/// The interpreter and the one argument that the first line of a script names.
type Named = (Vec<u8>, Option<Vec<u8>>);

/// What is known of programs that are started again and again: what their first lines name.
#[derive(Debug, Default)]
pub(super) struct Scripts(HashMap<(u64, u64), Known>);

/// What a file names, as long as it is as it was.
#[derive(Debug)]
struct Known {
    version: Version,
    named: Option<Named>,
}

/// What changes when a file is written to: its size, and the time of its last change.
type Version = (i64, i64, i64);

impl Scripts {
    const MOST: usize = 256;

    /// The words that stand in front of a script. Source: execve(2), "Interpreter scripts": the kernel follows interpreters
    /// that are scripts themselves four times.
    pub(super) fn interpreters(&mut self, thread: u32, at: At, program: &[u8]) -> Vec<Vec<u8>> {
        let script = match program {
            // An opened file (`AT_EMPTY_PATH`).
            [] => CString::new(format!("/proc/{thread}/fd/{}", at.directory)).ok(),
            path => place::as_caller(thread, at.directory, path),
        };
        self.followed(script, |path| place::as_caller(thread, libc::AT_FDCWD, path))
    }

    fn followed(
        &mut self,
        mut script: Option<CString>,
        find: impl Fn(&[u8]) -> Option<CString>,
    ) -> Vec<Vec<u8>> {
        const MOST_SCRIPTS: usize = 5;
        let mut words: Vec<Vec<u8>> = Vec::new();
        for _ in 0..MOST_SCRIPTS {
            let Some((interpreter, argument)) = script.as_deref().and_then(|path| self.named(path)) else {
                break;
            };
            script = find(&interpreter);
            words.splice(0..0, std::iter::once(interpreter).chain(argument));
        }
        words
    }

    /// What the first line of this file names. It is read again unless it was before, the file is as it was then, and this
    /// process could not write to it: so neither can whoever starts it, not even through memory, which no time tells of.
    fn named(&mut self, path: &CStr) -> Option<Named> {
        // To open a device, or a pipe, can do something by itself.
        let stat = statat(CWD, path, AtFlags::empty()).ok()?;
        if !FileType::from_raw_mode(stat.st_mode).is_file() {
            return None;
        }
        let (file, version) = ((stat.st_dev, stat.st_ino), version(&stat));
        if let Some(known) = self.0.get(&file).filter(|known| known.version == version) {
            return known.named.clone();
        }
        let named = first_line(path).and_then(|line| interpreter_of(&line));
        if accessat(CWD, path, Access::WRITE_OK, AtFlags::EACCESS).is_err() {
            if self.0.len() >= Self::MOST {
                self.0.clear();
            }
            self.0.insert(file, Known { version, named: named.clone() });
        }
        named
    }
}

fn version(stat: &Stat) -> Version {
    #[expect(clippy::cast_possible_wrap, reason = "parts of a time, compared with nothing but themselves")]
    #[expect(clippy::unnecessary_cast, reason = "their types differ between processors")]
    (stat.st_size as i64, stat.st_ctime as i64, stat.st_ctime_nsec as i64)
}

/// As `Execution::interpreter`, for a file of this very process, of which nobody has started anything yet.
#[must_use]
pub fn own_interpreters(program: &[u8]) -> Vec<Vec<u8>> {
    let named = |path: &[u8]| CString::new(path).ok();
    Scripts::default().followed(named(program), named)
}

/// As much as the kernel reads of the first line (`execve(2)`). Nothing of what cannot be read, which runs no script.
fn first_line(path: &CStr) -> Option<Vec<u8>> {
    const LINE: usize = 256;
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = openat(CWD, path, flags, Mode::empty()).ok()?;
    let mut line = vec![0; LINE];
    let filled = rustix::io::read(&file, &mut line).ok()?;
    line.truncate(filled);
    Some(line)
}

/// The interpreter and the one argument that the first line of a script names.
fn interpreter_of(line: &[u8]) -> Option<Named> {
    let line = line.strip_prefix(b"#!")?;
    let line = line.split(|byte| matches!(byte, b'\n' | 0)).next()?.trim_ascii();
    let end = line.iter().position(|byte| matches!(byte, b' ' | b'\t')).unwrap_or(line.len());
    let (path, rest) = line.split_at(end);
    let rest = rest.trim_ascii();
    (!path.is_empty()).then(|| (path.to_vec(), (!rest.is_empty()).then(|| rest.to_vec())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interpreter_stands_in_front_of_its_script() {
        let of = |line: &[u8]| interpreter_of(line);
        let found = |path: &str, rest: Option<&str>| Some((path.into(), rest.map(Into::into)));
        assert_eq!(of(b"#!/bin/sh\necho"), found("/bin/sh", None));
        assert_eq!(of(b"#! /usr/bin/env  python3 -u \nx"), found("/usr/bin/env", Some("python3 -u")));
        assert_eq!(of(b"#!/bin/sh\t-e"), found("/bin/sh", Some("-e")));
        assert_eq!(of(b"\x7fELF"), None);
        assert_eq!(of(b"#!\n/bin/sh"), None);
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str, text: String| {
            let path = directory.path().join(name);
            std::fs::write(&path, text).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let inner = write("inner", "#!/bin/sh -e\n".to_owned());
        let outer = write("outer", format!("#!{inner} -x\n"));
        let thread = u32::try_from(rustix::thread::gettid().as_raw_nonzero().get()).unwrap();
        let at = At { directory: libc::AT_FDCWD, path: 0 };
        let mut scripts = Scripts::default();
        let words = scripts.interpreters(thread, at, outer.as_bytes());
        let words: Vec<String> = words.into_iter().map(|word| String::from_utf8(word).unwrap()).collect();
        assert_eq!(words, ["/bin/sh", "-e", &inner, "-x"]);
        assert!(scripts.interpreters(thread, at, b"/proc/self/exe").is_empty());
    }

    #[test]
    fn what_can_be_written_is_read_each_time() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("script");
        let mut scripts = Scripts::default();
        let name = CString::new(path.as_os_str().as_encoded_bytes()).unwrap();
        let found = |path: &str| Some((path.as_bytes().to_vec(), None));
        for interpreter in ["/bin/one", "/bin/two"] {
            std::fs::write(&path, format!("#!{interpreter}\n")).unwrap();
            assert_eq!(scripts.named(&name), found(interpreter));
        }
        assert!(scripts.0.is_empty());
        // What cannot be is remembered, until it is another. Root can write to everything here.
        let set_mode =
            |mode| std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(mode));
        set_mode(0o555).unwrap();
        assert_eq!(scripts.named(&name), found("/bin/two"));
        assert_eq!(scripts.0.len(), usize::from(!rustix::process::geteuid().is_root()));
        scripts.0.values_mut().for_each(|known| known.named = None);
        assert!(scripts.named(&name).is_none() || rustix::process::geteuid().is_root());
        set_mode(0o755).unwrap();
        std::fs::write(&path, "#!/bin/other\n").unwrap();
        assert_eq!(scripts.named(&name), found("/bin/other"));
    }

    #[test]
    fn only_files_are_opened_to_see_whether_they_are_scripts() {
        let place = tempfile::tempdir().unwrap();
        let (pipe, script) = (place.path().join("pipe"), place.path().join("script"));
        rustix::fs::mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        // Somebody writes, so what opens the pipe to read would get a line.
        let both = OFlags::RDWR | OFlags::NONBLOCK;
        let writer = openat(CWD, &pipe, both, Mode::empty()).unwrap();
        rustix::io::write(&writer, b"#!/bin/sh\n").unwrap();
        std::fs::write(&script, "#! /usr/bin/env  -S x \n").unwrap();
        let words = |path: &std::path::Path| own_interpreters(path.as_os_str().as_encoded_bytes());
        assert!(words(&pipe).is_empty());
        assert_eq!(words(&script), [b"/usr/bin/env".to_vec(), b"-S x".to_vec()]);
        assert!(words(place.path()).is_empty() && words(&place.path().join("absent")).is_empty());
    }
}
