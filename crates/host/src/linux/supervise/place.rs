//! Where a path of the caller really leads: an opened parent directory, its final path, and a last name.

use super::call::At;
use crate::linux::sys::fork;
use crate::linux::sys::memory;
use garth_policy::AbsPath;
use rustix::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, Stat, openat, readlinkat_raw, statat};
use rustix::io::Errno;
use std::ffi::CString;
use std::marker::PhantomData;
use std::mem::MaybeUninit;

/// The directory of a [`Place`], for calls that take one to look from (`*at`); what asks for a descriptor itself, such as fstat(2),
/// does not take the working directory.
#[derive(Debug)]
pub enum Parent<'a> {
    /// Opened with `O_PATH`.
    Opened(OwnedFd),
    /// The working directory of this thread, for as long as nobody else borrows its [`WorkingDirectory`].
    Current(PhantomData<&'a mut WorkingDirectory>),
}

impl AsFd for Parent<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Opened(directory) => directory.as_fd(),
            Self::Current(_) => CWD,
        }
    }
}

/// A name in an opened directory.
#[derive(Debug)]
pub struct Place<'a> {
    /// The directory.
    pub parent: Parent<'a>,
    /// Final path of the directory and name together.
    pub path: AbsPath,
    /// The last component.
    pub name: CString,
    /// The caller wrote a slash behind the name.
    pub slash: bool,
}

impl Place<'_> {
    /// The object that stands at the name now, without following a link.
    ///
    /// # Errors
    /// `ENOENT` when there is none.
    pub fn stat(&self) -> Result<Stat, Errno> {
        statat(&self.parent, &self.name, AtFlags::SYMLINK_NOFOLLOW)
    }

    /// Reads the link that stands at the name.
    ///
    /// # Errors
    /// `EINVAL` when it is no link.
    pub fn read_link(&self) -> Result<Vec<u8>, Errno> {
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let (text, _) = readlinkat_raw(&self.parent, &self.name, &mut buffer)?;
        Ok(text.to_vec())
    }
}

/// The path of the caller as text, relative to something that the runner can open.
pub fn text(thread: u32, at: At, buffer: &mut [u8; 4096]) -> Result<&[u8], Errno> {
    memory::read_path(thread, at.path, buffer)
}

/// The working directory of a thread that shares it with no other.
///
/// Going to a directory and asking where one is takes half the time of opening it and reading the link of the descriptor
/// in `/proc`, and says the same.
#[derive(Debug, Default)]
pub struct WorkingDirectory {
    own: bool,
}

impl WorkingDirectory {
    /// For this thread, which has a working directory and a file mode creation mask of its own from here on (`CLONE_FS` of
    /// `unshare(2)`). Where that is refused places are found as [`locate`] does.
    #[must_use]
    pub fn new() -> Self {
        Self { own: fork::enter_new(libc::CLONE_FS).is_ok() }
    }

    /// As [`locate`]; this thread stands in the directory then.
    #[must_use]
    pub fn locate(&mut self, thread: u32, directory: i32, path: &[u8]) -> Option<Place<'_>> {
        let named = Named::of(path)?;
        if let Some(place) = self.go(thread, directory, &named) {
            return Some(place);
        }
        // The caller's rights to the directory do not suffice to go there, or it has no path.
        locate(thread, directory, path)
    }

    fn go(&mut self, thread: u32, directory: i32, named: &Named<'_>) -> Option<Place<'_>> {
        if !self.own {
            return None;
        }
        rustix::process::chdir(from_caller(thread, directory, named.parent)?.as_c_str()).ok()?;
        let mut path = rustix::process::getcwd(Vec::with_capacity(USUAL)).ok()?.into_bytes();
        path.push(b'/');
        path.extend_from_slice(named.name);
        // What cannot be reached from the root begins otherwise, and is no absolute path.
        let path = AbsPath::posix(path).ok()?;
        let name = CString::new(named.name).ok()?;
        Some(Place { parent: Parent::Current(PhantomData), path, name, slash: named.slash })
    }
}

/// Bytes of a path that are made room for at first.
const USUAL: usize = 256;

/// A path, taken apart at its last component.
struct Named<'a> {
    /// With the slash at its end, or empty.
    parent: &'a [u8],
    name: &'a [u8],
    slash: bool,
}

impl<'a> Named<'a> {
    /// `None` for names that nothing can be made at.
    fn of(path: &'a [u8]) -> Option<Self> {
        let trimmed = trim_slashes(path);
        let start = trimmed.iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1);
        let (parent, name) = trimmed.split_at(start);
        let nameless = name.is_empty() || name == b"." || name == b"..";
        (!nameless).then_some(Self { parent, name, slash: trimmed.len() != path.len() })
    }
}

/// Finds the place that `path` names for `thread`. `None` where the caller's own kernel call gives the
/// right answer (an error, or a name such as `..` that nothing can be made at).
#[must_use]
pub fn locate(thread: u32, directory: i32, path: &[u8]) -> Option<Place<'static>> {
    let named = Named::of(path)?;
    let parent = from_caller(thread, directory, named.parent)?;
    finish(openat(CWD, parent.as_c_str(), DIRECTORY, Mode::empty()).ok()?, &named)
}

/// Whether the directory is absent in which a path has its last name. Where the path starts at something that is no
/// directory, or at a descriptor that is not open, the caller's own kernel call says so.
#[must_use]
pub fn lacks_parent(thread: u32, directory: i32, path: &[u8]) -> bool {
    let trimmed = trim_slashes(path);
    let Some(slash) = trimmed.iter().rposition(|byte| *byte == b'/') else { return false };
    let opens = |path: &CString| openat(CWD, path.as_c_str(), DIRECTORY, Mode::empty()).is_ok();
    if path.first() != Some(&b'/') && !from_caller(thread, directory, b"").is_some_and(|base| opens(&base)) {
        return false;
    }
    from_caller(thread, directory, &trimmed[..=slash]).is_some_and(|parent| {
        openat(CWD, parent.as_c_str(), DIRECTORY, Mode::empty()).err() == Some(Errno::NOENT)
    })
}

/// Continues from a link found in `parent`.
#[must_use]
pub fn locate_from(thread: u32, parent: BorrowedFd<'_>, path: &[u8]) -> Option<Place<'static>> {
    if path.first() == Some(&b'/') {
        return locate(thread, libc::AT_FDCWD, path);
    }
    let named = Named::of(path)?;
    let directory = if named.parent.is_empty() { &b"."[..] } else { named.parent };
    finish(openat(parent, CString::new(directory).ok()?.as_c_str(), DIRECTORY, Mode::empty()).ok()?, &named)
}

const DIRECTORY: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

fn finish(parent: OwnedFd, named: &Named<'_>) -> Option<Place<'static>> {
    let path = final_path(parent.as_fd()).ok()?.join(named.name).ok()?;
    let name = CString::new(named.name).ok()?;
    Some(Place { parent: Parent::Opened(parent), path, name, slash: named.slash })
}

fn trim_slashes(path: &[u8]) -> &[u8] {
    let end = path.iter().rposition(|byte| *byte != b'/').map_or(0, |last| last + 1);
    &path[..end]
}

/// A path that means to the runner what `path` means to the caller; an absolute one is rewritten where it
/// speaks of the caller itself.
#[must_use]
pub fn as_caller(thread: u32, directory: i32, path: &[u8]) -> Option<CString> {
    if path.is_empty() { None } else { from_caller(thread, directory, path) }
}

fn from_caller(thread: u32, directory: i32, path: &[u8]) -> Option<CString> {
    let mut text = Vec::with_capacity(path.len() + 32);
    if path.first() == Some(&b'/') {
        text.extend_from_slice(&own_process(thread, path));
    } else {
        let base = match directory {
            libc::AT_FDCWD => format!("/proc/{thread}/cwd/"),
            descriptor => format!("/proc/{thread}/fd/{descriptor}/"),
        };
        text.extend_from_slice(base.as_bytes());
        text.extend_from_slice(path);
    }
    CString::new(text).ok()
}

/// The caller's working directory.
///
/// # Errors
/// `ESRCH` or `ENOENT` when the caller is gone.
pub fn current_directory(thread: u32) -> Result<OwnedFd, Errno> {
    openat(CWD, format!("/proc/{thread}/cwd").as_str(), DIRECTORY, Mode::empty())
}

/// `/proc/self` and its relatives mean the caller, not the runner.
#[must_use]
pub fn own_process(thread: u32, path: &[u8]) -> Vec<u8> {
    let rewritten = |rest: &[u8], middle: &str| {
        let mut text = format!("/proc/{thread}{middle}").into_bytes();
        text.extend_from_slice(rest);
        text
    };
    if let Some(rest) = path.strip_prefix(b"/proc/self/") {
        return rewritten(rest, "/");
    }
    if let Some(rest) = path.strip_prefix(b"/proc/thread-self/") {
        return rewritten(rest, "/");
    }
    if let Some(rest) = path.strip_prefix(b"/dev/fd/") {
        return rewritten(rest, "/fd/");
    }
    match path {
        b"/dev/stdin" => rewritten(b"", "/fd/0"),
        b"/dev/stdout" => rewritten(b"", "/fd/1"),
        b"/dev/stderr" => rewritten(b"", "/fd/2"),
        _ => path.to_vec(),
    }
}

/// Whether a path names a descriptor of the caller itself, in a form that [`own_process`] knows.
#[must_use]
pub fn is_own_descriptor(path: &[u8]) -> bool {
    let number = [&b"/proc/self/fd/"[..], b"/proc/thread-self/fd/", b"/dev/fd/"]
        .iter()
        .find_map(|prefix| path.strip_prefix(*prefix));
    match number {
        Some(number) => !number.is_empty() && number.iter().all(u8::is_ascii_digit),
        None => [&b"/dev/stdin"[..], b"/dev/stdout", b"/dev/stderr"].contains(&path),
    }
}

/// Whether a path speaks of the runner's own process.
#[must_use]
pub fn is_of_the_runner(path: &[u8]) -> bool {
    let own = AbsPath::posix(format!("/proc/{}", std::process::id()).into_bytes());
    matches!((AbsPath::posix(path), own), (Ok(path), Ok(own)) if path.starts_with(&own))
}

/// Files in `/proc` that say the same whoever opens them, or that any process may read of another.
#[must_use]
pub fn is_common_in_proc(path: &AbsPath) -> bool {
    const OF_A_PROCESS: [&[u8]; 20] = [
        b"",
        b"auxv",
        b"cgroup",
        b"cmdline",
        b"comm",
        b"exe",
        b"fd",
        b"fdinfo",
        b"limits",
        b"maps",
        b"mountinfo",
        b"mounts",
        b"oom_score",
        b"oom_score_adj",
        b"smaps",
        b"smaps_rollup",
        b"stat",
        b"statm",
        b"status",
        b"task",
    ];
    let mut names = path.components().skip(1);
    let Some(first) = names.next() else { return true };
    if !first.iter().all(u8::is_ascii_digit) {
        return true;
    }
    // The runner itself is the first process of its namespace.
    let own = std::process::id().to_string();
    let next = names.next().unwrap_or_default();
    first != own.as_bytes() && names.next().is_none() && OF_A_PROCESS.contains(&next)
}

/// The path of an opened object, as the sandbox sees it.
///
/// # Errors
/// `ENOENT` when the object has no path any more.
pub fn final_path(object: BorrowedFd<'_>) -> Result<AbsPath, Errno> {
    let link = descriptor_path(object);
    let mut buffer = [MaybeUninit::uninit(); 4096];
    let (text, _) = readlinkat_raw(CWD, link.as_c_str(), &mut buffer)?;
    if text.first() != Some(&b'/') || text.ends_with(b" (deleted)") {
        return Err(Errno::NOENT);
    }
    AbsPath::posix(&*text).map_err(|_| Errno::NOENT)
}

/// A path by its text alone, from where it begins: nothing is looked up, links stay as they are.
#[must_use]
pub fn plain(start: &[u8], text: &[u8]) -> Option<AbsPath> {
    let mut names: Vec<&[u8]> = Vec::new();
    for name in start.split(|byte| *byte == b'/').chain(text.split(|byte| *byte == b'/')) {
        match name {
            b"" | b"." => {}
            b".." => {
                names.pop();
            }
            name => names.push(name),
        }
    }
    let mut path = vec![b'/'];
    path.extend(names.join(&b'/'));
    AbsPath::posix(path).ok()
}

/// Whether an object has no name that a rule could speak of: a pipe, a socket, an unnamed or deleted file.
///
/// # Errors
/// The error of `fstat(2)`.
pub fn is_nameless(object: &OwnedFd) -> Result<bool, Errno> {
    let stat = rustix::fs::fstat(object)?;
    let kind = FileType::from_raw_mode(stat.st_mode);
    Ok(stat.st_nlink == 0 || !matches!(kind, FileType::RegularFile | FileType::Directory))
}

/// True if this path leads to the object by the mount through which it was opened, and by no link.
#[must_use]
pub fn is_shown(path: &AbsPath, object: BorrowedFd<'_>) -> bool {
    use rustix::fs::{ResolveFlags, StatxFlags, openat2, statx};
    let Ok(name) = CString::new(path.as_bytes()) else { return false };
    let no_links = ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    let Ok(named) = openat2(CWD, name.as_c_str(), OFlags::PATH | OFlags::CLOEXEC, Mode::empty(), no_links)
    else {
        return false;
    };
    let identity = |object: BorrowedFd<'_>| {
        let found = statx(object, c"", AtFlags::EMPTY_PATH, StatxFlags::INO | StatxFlags::MNT_ID).ok()?;
        // Before Linux 5.8 the mount is not told, and 0 for both.
        Some((found.stx_dev_major, found.stx_dev_minor, found.stx_ino, found.stx_mnt_id))
    };
    identity(named.as_fd()).is_some_and(|found| identity(object) == Some(found))
}

/// `/proc/self/fd/N`, through which an opened object can be opened again.
#[must_use]
pub fn descriptor_path(object: BorrowedFd<'_>) -> CString {
    CString::new(format!("/proc/self/fd/{}", object.as_raw_fd())).unwrap_or_default()
}

/// The kind of an object, as the policy names it.
#[must_use]
pub fn kind(stat: &Stat) -> garth_policy::NodeKind {
    use garth_policy::NodeKind;
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => NodeKind::File,
        FileType::Directory => NodeKind::Directory,
        FileType::Symlink => NodeKind::Symlink,
        _ => NodeKind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn me() -> u32 {
        u32::try_from(rustix::thread::gettid().as_raw_nonzero().get()).unwrap()
    }

    #[test]
    fn paths_are_made_plain_by_their_text() {
        let said = |start: &str, text: &str| plain(start.as_bytes(), text.as_bytes()).unwrap().to_string();
        assert_eq!(said("", "/home/ann/.ssh/id"), "/home/ann/.ssh/id");
        assert_eq!(said("/home/ann/src", "../.ssh/./id"), "/home/ann/.ssh/id");
        assert_eq!(said("/", "../../x"), "/x");
        assert_eq!(said("/", ".."), "/");
    }

    #[test]
    fn links_in_the_parent_are_followed_and_the_last_name_is_not() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("real")).unwrap();
        std::os::unix::fs::symlink("real", dir.path().join("link")).unwrap();
        let path = dir.path().join("link/new/");
        let place = locate(me(), libc::AT_FDCWD, path.to_str().unwrap().as_bytes()).unwrap();
        assert!(place.path.as_bytes().ends_with(b"/real/new"), "{}", place.path);
        assert!(place.slash);
        assert_eq!(place.stat().unwrap_err(), Errno::NOENT);
    }

    #[test]
    fn going_there_finds_what_opening_finds() {
        let dir = tempfile::tempdir().unwrap();
        let real = dir.path();
        std::fs::create_dir_all(real.join("real/deep")).unwrap();
        std::os::unix::fs::symlink("real", real.join("link")).unwrap();
        let gone = real.join("gone");
        std::fs::create_dir(&gone).unwrap();
        let gone = std::fs::File::open(&gone).unwrap();
        std::fs::remove_dir(real.join("gone")).unwrap();
        let before = std::env::current_dir().unwrap();
        let paths = ["link/new", "link/deep/../x/", "real/./deep//y", "nowhere/x", "real", "link", "gone/x"];
        let found = |place: Option<Place<'_>>| {
            place.map(|place| {
                let stat = place.stat().map(|stat| stat.st_ino);
                (place.path.clone(), place.name.clone(), place.slash, stat)
            })
        };
        // A thread of its own: it keeps the directory that it goes to.
        std::thread::scope(|scope| {
            let seen = scope.spawn(|| {
                let mut cwd = WorkingDirectory::new();
                assert!(cwd.own);
                for path in paths.map(|path| real.join(path).into_os_string().into_string().unwrap()) {
                    let path = path.as_bytes();
                    let looked = found(locate(me(), libc::AT_FDCWD, path));
                    assert_eq!(found(cwd.locate(me(), libc::AT_FDCWD, path)), looked, "{path:?}");
                }
                assert!(cwd.locate(me(), gone.as_raw_fd(), b"x").is_none());
                let place = cwd.locate(me(), libc::AT_FDCWD, b"/proc/self/x").unwrap();
                assert!(matches!(place.parent, Parent::Current(_)));
            });
            seen.join().unwrap();
        });
        assert_eq!(std::env::current_dir().unwrap(), before);
    }

    #[test]
    fn what_cannot_be_made_is_left_to_the_kernel() {
        for path in [&b""[..], b"/", b"..", b"a/..", b"/nowhere/at/all/x"] {
            assert!(locate(me(), libc::AT_FDCWD, path).is_none(), "{path:?}");
        }
    }

    #[test]
    fn a_directory_that_is_absent_is_no_error_of_another_kind() {
        let lacks = |path: &[u8]| lacks_parent(me(), libc::AT_FDCWD, path);
        assert!(lacks(b"/nowhere/x") && lacks(b"/nowhere/at/all/x/") && lacks(b"nowhere/x"));
        // What is wrong there is the descriptor, and the kernel says `EBADF` or `ENOTDIR`.
        let file = std::fs::File::open("/proc/self/status").unwrap();
        for descriptor in [-1, i32::MAX, file.as_raw_fd()] {
            assert!(!lacks_parent(me(), descriptor, b"nowhere/x"), "{descriptor}");
            assert!(lacks_parent(me(), descriptor, b"/nowhere/x"), "{descriptor}");
        }
        let directory = std::fs::File::open("/proc/self").unwrap();
        assert!(lacks_parent(me(), directory.as_raw_fd(), b"nowhere/x"));
        for path in [&b""[..], b"/", b"x", b"/nowhere", b"/proc/x", b"/proc/self/stat/x", b"../x"] {
            assert!(!lacks(path), "{path:?}");
        }
    }

    #[test]
    fn only_own_descriptors_are_own() {
        assert!(is_own_descriptor(b"/proc/self/fd/3") && is_own_descriptor(b"/dev/stdin"));
        for path in [&b"/proc/1/fd/3"[..], b"/proc/self/fd/", b"/proc/self/fd/3/x", b"/proc/self/fd/../mem"] {
            assert!(!is_own_descriptor(path), "{path:?}");
        }
    }

    #[test]
    fn the_runner_is_no_common_part_of_proc() {
        let path = |text: &str| AbsPath::posix(text.as_bytes()).unwrap();
        assert!(is_common_in_proc(&path("/proc/meminfo")) && is_common_in_proc(&path("/proc/999999/maps")));
        assert!(!is_common_in_proc(&path("/proc/999999/mem")));
        assert!(!is_common_in_proc(&path("/proc/999999/environ")));
        assert!(!is_common_in_proc(&path(&format!("/proc/{}/maps", std::process::id()))));
    }

    #[test]
    fn own_process_means_the_caller() {
        assert_eq!(own_process(7, b"/proc/self/fd/3"), b"/proc/7/fd/3");
        assert_eq!(own_process(7, b"/dev/stdout"), b"/proc/7/fd/1");
        assert_eq!(own_process(7, b"/etc/passwd"), b"/etc/passwd");
    }

    #[test]
    fn only_the_object_itself_is_shown_at_its_path() {
        let scratch = tempfile::tempdir().unwrap();
        let root = openat(CWD, scratch.path(), DIRECTORY, Mode::empty()).unwrap();
        let at = |name: &str| final_path(root.as_fd()).unwrap().join(name.as_bytes()).unwrap();
        for name in ["file", "other"] {
            std::fs::write(scratch.path().join(name), "").unwrap();
        }
        std::os::unix::fs::symlink("file", scratch.path().join("link")).unwrap();
        let file = openat(&root, c"file", OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).unwrap();
        assert!(is_shown(&at("file"), file.as_fd()));
        for name in ["other", "link", "none"] {
            assert!(!is_shown(&at(name), file.as_fd()), "{name}");
        }
        std::fs::rename(scratch.path().join("other"), scratch.path().join("file")).unwrap();
        assert!(!is_shown(&at("file"), file.as_fd()), "another object has its name");
    }
}
