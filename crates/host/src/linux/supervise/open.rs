//! Opening: the one supervised call that hands something back.

use super::call::At;
use super::place::{self, Place, WorkingDirectory};
use super::{Answer, Supervisor, names};
use crate::linux::sys::affinity::Keeper;
use crate::linux::sys::notify::{Listener, Notification};
use garth_plan::linux::spec::FileId;
use garth_policy::{AbsPath, FileOp, NodeKind};
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{CWD, FileType, Mode, OFlags, Stat, openat};
use rustix::io::Errno;
use std::ffi::CString;
use std::sync::Arc;

/// As many links as the kernel follows (`path_resolution(7)`).
const LINKS: usize = 40;

/// One open, as it was asked for.
#[derive(Clone, Copy)]
struct Request {
    thread: u32,
    id: u64,
    flags: OFlags,
    mode: u32,
}

impl Request {
    fn has(&self, flags: OFlags) -> bool {
        self.flags.contains(flags)
    }

    fn close_on_exec(&self) -> bool {
        self.has(OFlags::CLOEXEC)
    }

    /// Flags for the runner's own open of a name that was looked at: it follows no link, takes no
    /// terminal, and makes nothing unless told so.
    fn own(&self) -> OFlags {
        (self.flags - OFlags::CREATE - OFlags::EXCL) | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NOCTTY
    }

    fn writes(&self) -> bool {
        self.flags.intersects(OFlags::WRONLY | OFlags::RDWR | OFlags::TRUNC)
    }
}

/// Gives the caller its descriptor.
pub(super) fn hand_over(
    listener: &Listener,
    call: &Notification,
    descriptor: OwnedFd,
    close_on_exec: bool,
    keeper: &mut Keeper,
) -> Result<(), Errno> {
    let held = keeper.hold(call.thread);
    let added = listener.add(call.id, descriptor, close_on_exec);
    // Before the answer, which wakes the caller where it is anyway.
    drop(held);
    listener.answer_with(call.id, added)
}

impl Supervisor {
    pub(super) fn open(
        &mut self,
        cwd: &mut WorkingDirectory,
        call: &Notification,
        at: At,
        (flags, mode): (i32, u32),
    ) -> Answer {
        let flags = OFlags::from_bits_retain(flags.cast_unsigned());
        let request = Request { thread: call.thread, id: call.id, flags, mode };
        if request.has(OFlags::PATH) {
            return Answer::Proceed;
        }
        let mut buffer = [0; 4096];
        let Ok(text) = place::text(call.thread, at, &mut buffer) else { return Answer::Proceed };
        if request.has(OFlags::TMPFILE) {
            return self.open_unnamed(request, at, text);
        }
        let answer = self.open_text(cwd, request, at, text);
        let writes = request.flags.intersects(OFlags::WRONLY | OFlags::RDWR);
        match answer {
            // Landlock decides about every open for writing, and nothing else has to.
            Answer::Proceed if writes => Answer::Proceed,
            // A truncation needs no right that Landlock holds back, so letting this go on is not safe; and
            // no program opens a file for reading to empty it.
            Answer::Proceed if request.has(OFlags::TRUNC) => Answer::Fail(Errno::ACCESS),
            Answer::Proceed if self.order.reads => self.open_object(request, at, text),
            answer => answer,
        }
    }

    fn open_text(&mut self, cwd: &mut WorkingDirectory, request: Request, at: At, text: &[u8]) -> Answer {
        let Some(mut place) = cwd.locate(request.thread, at.directory, text) else {
            return if request.has(OFlags::CREATE) {
                names::nowhere(request.thread, at)
            } else {
                Answer::Proceed
            };
        };
        for _ in 0..LINKS {
            if place.slash {
                return Answer::Proceed;
            }
            let supervised = self.supervised(&place.path);
            if supervised && request.has(OFlags::CREATE | OFlags::EXCL) {
                return self.create(request, &place);
            }
            match place.stat() {
                Err(Errno::NOENT) if supervised && request.has(OFlags::CREATE) => {
                    return self.create(request, &place);
                }
                Ok(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::Symlink => {
                    if request.has(OFlags::NOFOLLOW) || request.has(OFlags::CREATE | OFlags::EXCL) {
                        return Answer::Proceed;
                    }
                    let next = place
                        .read_link()
                        .ok()
                        .and_then(|link| place::locate_from(request.thread, place.parent.as_fd(), &link));
                    let Some(next) = next else { return Answer::Proceed };
                    place = next;
                }
                Ok(_) if supervised => return self.open_existing(request, &place),
                stat => {
                    if request.writes() || (stat.is_err() && request.has(OFlags::CREATE)) {
                        let op = if stat.is_ok() { FileOp::Write } else { FileOp::Create(NodeKind::File) };
                        self.elsewhere(request.thread, (&place.path, place.parent.as_fd()), op);
                    }
                    return Answer::Proceed;
                }
            }
        }
        Answer::Fail(Errno::LOOP)
    }

    fn create(&mut self, request: Request, place: &Place) -> Answer {
        if let Err(errno) = self.permit(request.thread, &place.path, FileOp::Create(NodeKind::File)) {
            // A name that stands already is not a creation, and programs tell the two apart.
            return Answer::Fail(if place.stat().is_ok() { Errno::EXIST } else { errno });
        }
        let mode = self.masked(request.thread, request.mode);
        let flags = request.own() | OFlags::CREATE | OFlags::EXCL;
        match openat(&place.parent, &place.name, flags, mode) {
            Ok(descriptor) => {
                self.note(|seen| seen.made(&place.path, NodeKind::File));
                self.changed(&place.path, |changes| changes.made(&place.path, NodeKind::File));
                Answer::Opened(descriptor, request.close_on_exec())
            }
            Err(errno) => Answer::Fail(errno),
        }
    }

    /// Judges what stands at a name and opens that very object: by the name, something else could be opened than was judged,
    /// where another sandbox has the same workspace.
    fn open_existing(&mut self, request: Request, place: &Place) -> Answer {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let looked = openat(&place.parent, &place.name, flags, Mode::empty())
            .and_then(|object| rustix::fs::fstat(&object).map(|stat| (object, stat)));
        let (object, stat) = match looked {
            Ok(looked) => looked,
            Err(errno) => return Answer::Fail(errno),
        };
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => {}
            FileType::Fifo => return self.open_fifo(request, place, object),
            _ => return Answer::Proceed,
        }
        let may = self
            .may_open(request, &place.path, &stat)
            .and_then(|()| self.refuse_denied_name(request.thread, &object, Some(&place.path)));
        if let Err(errno) = may {
            return Answer::Fail(errno);
        }
        if request.writes() {
            self.changed(&place.path, |changes| changes.written(&place.path, &stat));
        }
        let again = place::descriptor_path(object.as_fd());
        opened(openat(CWD, again.as_c_str(), request.own() - OFlags::NOFOLLOW, Mode::empty()), request)
    }

    fn may_open(&mut self, request: Request, path: &AbsPath, stat: &Stat) -> Result<(), Errno> {
        if !request.has(OFlags::WRONLY) {
            self.permit(request.thread, path, FileOp::Read)?;
        }
        if request.writes() { self.may_write(request.thread, path, stat) } else { Ok(()) }
    }

    /// A file may be changed in place if the policy allows it under this name, and if it has no other name
    /// that may lie elsewhere: what is written here is written there.
    pub(super) fn may_write(&mut self, thread: u32, path: &AbsPath, stat: &Stat) -> Result<(), Errno> {
        self.permit(thread, path, FileOp::Write)?;
        let id = FileId { device: stat.st_dev, inode: stat.st_ino };
        if stat.st_nlink > 1 && !self.own_links.contains(&id) {
            self.reporter.other_name(thread, path);
            return Err(Errno::ACCESS);
        }
        Ok(())
    }

    /// A pipe blocks until its other end is opened, and the supervisor must not.
    fn open_fifo(&mut self, request: Request, place: &Place, object: OwnedFd) -> Answer {
        match self.permit(request.thread, &place.path, FileOp::Write) {
            Ok(()) => self.open_blocking(request, object),
            Err(errno) => Answer::Fail(errno),
        }
    }

    fn open_blocking(&self, request: Request, object: OwnedFd) -> Answer {
        let listener = Arc::clone(&self.listener);
        self.later.on(move || {
            let flags = request.own() - OFlags::NOFOLLOW;
            let opened = openat(CWD, place::descriptor_path(object.as_fd()).as_c_str(), flags, Mode::empty());
            // The caller may be gone by the time the other end opens.
            let _gone = match opened {
                Ok(descriptor) => listener.hand_over(request.id, descriptor, request.close_on_exec()),
                Err(errno) => listener.fail(request.id, errno),
            };
        })
    }

    fn open_unnamed(&mut self, request: Request, at: At, text: &[u8]) -> Answer {
        let directory = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let Some(object) = self.open_as_caller(request.thread, at, text, directory) else {
            return Answer::Proceed;
        };
        let Ok(path) = place::final_path(object.as_fd()) else { return Answer::Proceed };
        if !self.supervised(&path) {
            let op = FileOp::Create(NodeKind::File);
            self.elsewhere(request.thread, (&path, object.as_fd()), op);
            return Answer::Proceed;
        }
        let Ok(inside) = path.join(b"garth-unnamed") else { return Answer::Proceed };
        if let Err(errno) = self.permit(request.thread, &inside, FileOp::Create(NodeKind::File)) {
            return Answer::Fail(errno);
        }
        let mode = self.masked(request.thread, request.mode);
        match openat(&object, c".", request.flags | OFlags::CLOEXEC, mode) {
            Ok(descriptor) => Answer::Opened(descriptor, request.close_on_exec()),
            Err(errno) => Answer::Fail(errno),
        }
    }

    /// Opens for reading whatever the path leads to, looks at what it is, and opens that very object again.
    fn open_object(&mut self, request: Request, at: At, text: &[u8]) -> Answer {
        let plain = request.own() - OFlags::NOFOLLOW;
        if place::is_of_the_runner(text) {
            return Answer::Fail(Errno::ACCESS);
        }
        if let Some(terminal) = controlling_terminal(request.thread, text) {
            return opened(openat(CWD, terminal.as_c_str(), plain, Mode::empty()), request);
        }
        let kept = request.flags & (OFlags::NOFOLLOW | OFlags::DIRECTORY);
        let Some(object) =
            self.open_as_caller(request.thread, at, text, OFlags::PATH | OFlags::CLOEXEC | kept)
        else {
            // What does not exist for the runner does not exist for the caller, unless it is to be made.
            return self.open_absent(request, at, text);
        };
        if let Err(errno) = self.may_read(request.thread, text, &object) {
            return Answer::Fail(errno);
        }
        if let Err(errno) = self.refuse_denied_name(request.thread, &object, None) {
            return Answer::Fail(errno);
        }
        let stat = rustix::fs::fstat(&object);
        if stat.is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Fifo) {
            return self.open_blocking(request, object);
        }
        let again = place::descriptor_path(object.as_fd());
        opened(openat(CWD, again.as_c_str(), plain, Mode::empty()), request)
    }

    /// The runner opens in the caller's name only what means the same to both. In `/proc` it is another
    /// process: its own memory, descriptors and environment are there for it alone.
    fn may_read(&mut self, thread: u32, text: &[u8], object: &OwnedFd) -> Result<(), Errno> {
        let path = match place::final_path(object.as_fd()) {
            Ok(path) => path,
            // Without a path: a pipe, a socket, an unnamed or deleted file. The caller may open again what it
            // holds open itself, and nothing that others (the runner among them) do. A path that is too long to be told is
            // none the less one.
            Err(_) if place::is_own_descriptor(text) && place::is_nameless(object)? => return Ok(()),
            Err(_) => return Err(Errno::ACCESS),
        };
        const PROC: i64 = 0x9fa0;
        let on_proc = rustix::fs::fstatfs(object)?.f_type == PROC;
        if self.supervised(&path) || (!self.order.has_view && !on_proc) {
            let stat = rustix::fs::fstat(object)?;
            let directory = place::kind(&stat) == NodeKind::Directory;
            return self.permit(thread, &path, if directory { FileOp::List } else { FileOp::Read });
        }
        if !on_proc || place::is_common_in_proc(&path) { Ok(()) } else { Err(Errno::ACCESS) }
    }

    /// Refuses an opened object that is a denied file, whatever name it was opened by.
    pub(super) fn refuse_denied_name(
        &mut self,
        thread: u32,
        object: &OwnedFd,
        path: Option<&AbsPath>,
    ) -> Result<(), Errno> {
        if self.order.linked.is_empty() {
            return Ok(());
        }
        let stat = rustix::fs::fstat(object)?;
        // A layer shows its files under their own numbers, and under another device.
        let same = |id: &FileId| {
            id.inode == stat.st_ino && (id.device == stat.st_dev || is_layered(object).unwrap_or(true))
        };
        if !self.order.linked.iter().any(same) {
            return Ok(());
        }
        // One that has lost its name meanwhile has nothing to show.
        if let Ok(path) = path.cloned().map_or_else(|| place::final_path(object.as_fd()), Ok) {
            self.reporter.denied_name(thread, &path);
        }
        Err(Errno::ACCESS)
    }

    fn open_absent(&self, request: Request, at: At, text: &[u8]) -> Answer {
        let place = place::locate(request.thread, at.directory, text).filter(|_| request.has(OFlags::CREATE));
        match place {
            // The runner makes nothing where the caller's own rights decide; and a name made for reading is
            // as good as none.
            Some(place) if !self.supervised(&place.path) => Answer::Fail(Errno::ACCESS),
            _ => Answer::Fail(Errno::NOENT),
        }
    }

    fn open_as_caller(&self, thread: u32, at: At, text: &[u8], flags: OFlags) -> Option<OwnedFd> {
        let path = place::as_caller(thread, at.directory, text)?;
        openat(CWD, path.as_c_str(), flags, Mode::empty()).ok()
    }
}

/// Whether an object lies in an overlay (`OVERLAYFS_SUPER_MAGIC` of `linux/magic.h`).
fn is_layered(object: &OwnedFd) -> Result<bool, Errno> {
    Ok(rustix::fs::fstatfs(object)?.f_type == 0x794c_7630)
}

fn opened(result: Result<OwnedFd, Errno>, request: Request) -> Answer {
    result.map_or_else(Answer::Fail, |descriptor| Answer::Opened(descriptor, request.close_on_exec()))
}

/// `/dev/tty` means the caller's own terminal, by its number in `/proc/PID/stat` (`proc_pid_stat(5)`).
fn controlling_terminal(thread: u32, text: &[u8]) -> Option<CString> {
    if text != b"/dev/tty" {
        return None;
    }
    let stat = std::fs::read_to_string(format!("/proc/{thread}/stat")).ok()?;
    let number: u32 = stat.rsplit(')').next()?.split_whitespace().nth(4)?.parse().ok()?;
    let (major, minor) = ((number >> 8) & 0xfff, (number & 0xff) | ((number >> 12) & 0xf_ff00));
    // Unix98 pseudo-terminals have the majors 136 to 143, 256 each.
    (136..=143)
        .contains(&major)
        .then(|| CString::new(format!("/dev/pts/{}", (major - 136) * 256 + minor)).ok())?
}
