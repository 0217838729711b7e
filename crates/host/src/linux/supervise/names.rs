//! Making, moving and removing names.

use super::call::At;
use super::place::{self, Place, WorkingDirectory};
use super::{Answer, Supervisor};
use crate::linux::change_lock::Turn;
use crate::linux::sys::memory;
use garth_plan::linux::spec::FileId;
use garth_policy::{AbsPath, FileOp, NodeKind, Verdict};
use rustix::fd::AsFd;
use rustix::fs::{
    AtFlags, CWD, FileType, Mode, OFlags, RenameFlags, Stat, linkat, mkdirat, mknodat, openat, renameat_with,
    symlinkat, unlinkat,
};
use rustix::io::Errno;
use std::ffi::CString;

impl Supervisor {
    /// The place that a path names, when the runner is to act there.
    pub(super) fn place(&self, thread: u32, at: At) -> Option<Place<'static>> {
        let mut buffer = [0; 4096];
        let text = place::text(thread, at, &mut buffer).ok()?;
        place::locate(thread, at.directory, text)
    }

    /// The same, if the runner answers for that place; else the answer.
    fn supervised_place<'f>(
        &mut self,
        cwd: &'f mut WorkingDirectory,
        thread: u32,
        at: At,
        op: FileOp,
    ) -> Result<Place<'f>, Answer> {
        let mut buffer = [0; 4096];
        let place = place::text(thread, at, &mut buffer)
            .ok()
            .and_then(|text| cwd.locate(thread, at.directory, text))
            .ok_or_else(|| nowhere(thread, at))?;
        if self.supervised(&place.path) {
            return Ok(place);
        }
        self.elsewhere(thread, (&place.path, place.parent.as_fd()), op);
        Err(Answer::Proceed)
    }

    /// Refuses a creation, unless the name stands already: programs tell the two apart.
    fn may_create(&mut self, thread: u32, place: &Place, kind: NodeKind) -> Result<(), Errno> {
        if place.stat().is_ok() {
            return Err(Errno::EXIST);
        }
        self.permit(thread, &place.path, FileOp::Create(kind))
    }

    pub(super) fn make_directory(
        &mut self,
        cwd: &mut WorkingDirectory,
        thread: u32,
        at: At,
        mode: u32,
    ) -> Answer {
        let op = FileOp::Create(NodeKind::Directory);
        let place = match self.supervised_place(cwd, thread, at, op) {
            Ok(place) => place,
            Err(answer) => return answer,
        };
        if let Err(errno) = self.may_create(thread, &place, NodeKind::Directory) {
            return Answer::Fail(errno);
        }
        let mode = self.masked(thread, mode);
        let result = mkdirat(&place.parent, &place.name, mode);
        if result.is_ok() {
            self.note(|seen| seen.made(&place.path, NodeKind::Directory));
            self.changed(&place.path, |changes| changes.made(&place.path, NodeKind::Directory));
        }
        result.into()
    }

    pub(super) fn make_node(
        &mut self,
        cwd: &mut WorkingDirectory,
        thread: u32,
        at: At,
        (mode, device): (u32, u64),
    ) -> Answer {
        let file_type = match FileType::from_raw_mode(mode) {
            FileType::Unknown => FileType::RegularFile,
            other => other,
        };
        let kind = if file_type == FileType::RegularFile { NodeKind::File } else { NodeKind::Other };
        let op = FileOp::Create(kind);
        let place = match self.supervised_place(cwd, thread, at, op) {
            Ok(place) => place,
            Err(answer) => return answer,
        };
        if let Err(errno) = self.may_create(thread, &place, kind) {
            return Answer::Fail(errno);
        }
        let mode = self.masked(thread, mode);
        let result = mknodat(&place.parent, &place.name, file_type, mode, device);
        if result.is_ok() {
            self.changed(&place.path, |changes| changes.made(&place.path, kind));
        }
        result.into()
    }

    pub(super) fn make_symlink(
        &mut self,
        cwd: &mut WorkingDirectory,
        thread: u32,
        target: u64,
        at: At,
    ) -> Answer {
        let op = FileOp::Create(NodeKind::Symlink);
        let place = match self.supervised_place(cwd, thread, at, op) {
            Ok(place) => place,
            Err(answer) => return answer,
        };
        let mut buffer = [0; 4096];
        let target = match memory::read_path(thread, target, &mut buffer).map(CString::new) {
            Ok(Ok(target)) => target,
            Ok(Err(_)) => return Answer::Fail(Errno::INVAL),
            Err(errno) => return Answer::Fail(errno),
        };
        if let Err(errno) = self.may_create(thread, &place, NodeKind::Symlink) {
            return Answer::Fail(errno);
        }
        let _turn = match self.shared.lock.turn() {
            Ok(turn) => turn,
            Err(errno) => return Answer::Fail(errno),
        };
        let result = symlinkat(target.as_c_str(), &place.parent, &place.name);
        if result.is_ok() {
            self.changed(&place.path, |changes| changes.made(&place.path, NodeKind::Symlink));
        }
        result.into()
    }

    pub(super) fn make_link(
        &mut self,
        cwd: &mut WorkingDirectory,
        thread: u32,
        (old, new): (At, At),
        flags: i32,
    ) -> Answer {
        let op = FileOp::Create(NodeKind::File);
        let place = match self.supervised_place(cwd, thread, new, op) {
            Ok(place) => place,
            Err(answer) => return answer,
        };
        let mut buffer = [0; 4096];
        let Ok(text) = place::text(thread, old, &mut buffer) else { return Answer::Proceed };
        // Either the named object itself, or, where the caller asked to follow (an unnamed file is given
        // its name through /proc/self/fd), what it leads to.
        let follow = flags & libc::AT_SYMLINK_FOLLOW != 0;
        let empty = text.is_empty() && flags & libc::AT_EMPTY_PATH != 0;
        let source = if empty {
            CString::new(format!("/proc/{thread}/fd/{}", old.directory)).ok()
        } else {
            place::as_caller(thread, old.directory, text)
        };
        let Some(source) = source else { return Answer::Proceed };
        let no_follow = if follow || empty { OFlags::empty() } else { OFlags::NOFOLLOW };
        let object =
            match openat(CWD, source.as_c_str(), OFlags::PATH | OFlags::CLOEXEC | no_follow, Mode::empty()) {
                Ok(object) => object,
                Err(errno) => return Answer::Fail(errno),
            };
        let before = match self.may_link(thread, &object) {
            Ok(stat) => stat,
            Err(errno) => return Answer::Fail(errno),
        };
        // Another name of a link, a pipe or a socket is as good as a new one: that is what has to be allowed there.
        let kind = place::kind(&before);
        if let Err(errno) = self.may_create(thread, &place, kind) {
            return Answer::Fail(errno);
        }
        let _turn = match self.shared.lock.turn() {
            Ok(turn) => turn,
            Err(errno) => return Answer::Fail(errno),
        };
        let again = place::descriptor_path(object.as_fd());
        let result = linkat(CWD, again.as_c_str(), &place.parent, &place.name, AtFlags::SYMLINK_FOLLOW);
        if result.is_ok() {
            if before.st_nlink <= 1 {
                // All its names are made here, so it stays writable under each.
                self.own_links.insert(FileId { device: before.st_dev, inode: before.st_ino });
            }
            self.note(|seen| seen.made(&place.path, kind));
            self.changed(&place.path, |changes| changes.made(&place.path, kind));
        }
        result.into()
    }

    /// Another name may be made for a file that may be changed, or that has no name yet.
    fn may_link(&mut self, thread: u32, object: &rustix::fd::OwnedFd) -> Result<Stat, Errno> {
        let stat = rustix::fs::fstat(object)?;
        match place::final_path(object.as_fd()) {
            Ok(path) if self.supervised(&path) => self.permit(thread, &path, FileOp::Link)?,
            Ok(_) => return Err(Errno::XDEV),
            Err(_) if stat.st_nlink == 0 => {}
            Err(errno) => return Err(errno),
        }
        Ok(stat)
    }

    pub(super) fn rename(&mut self, thread: u32, old: At, new: At, flags: u32) -> Answer {
        let (Some(old), Some(new)) = (self.place(thread, old), self.place(thread, new)) else {
            return Answer::Proceed;
        };
        let answered = (self.supervised(&old.path), self.supervised(&new.path));
        if answered != (true, true) {
            let kind = old.stat().as_ref().map_or(NodeKind::File, place::kind);
            for (place, op) in [(&old, FileOp::MoveFrom), (&new, FileOp::MoveTo(kind))] {
                if !self.supervised(&place.path) {
                    self.elsewhere(thread, (&place.path, place.parent.as_fd()), op);
                }
            }
        }
        match answered {
            (false, false) => return Answer::Proceed,
            (true, true) => {}
            // The runner moves nothing into or out of a tree that it does not answer for.
            _ => return Answer::Fail(Errno::XDEV),
        }
        let flags = RenameFlags::from_bits_retain(flags);
        if flags.contains(RenameFlags::WHITEOUT) {
            return Answer::Fail(Errno::PERM);
        }
        let turn = match self.shared.lock.turn() {
            Ok(turn) => turn,
            Err(errno) => return Answer::Fail(errno),
        };
        let old_kind = match old.stat() {
            Ok(stat) => place::kind(&stat),
            Err(errno) => return Answer::Fail(errno),
        };
        if old.slash && old_kind != NodeKind::Directory {
            return Answer::Fail(Errno::NOTDIR);
        }
        if flags.contains(RenameFlags::EXCHANGE) {
            return self.exchange(thread, &turn, (&old, old_kind), &new, flags);
        }
        match self.judge_move(thread, &turn, (&old, old_kind), &new) {
            Ok(Verdict::Vet(_)) => return self.install_configuration(thread, &old, &new),
            Ok(_) => {}
            Err(errno) => return Answer::Fail(errno),
        }
        let over = self.order.changes && new.stat().is_ok();
        let result = renameat_with(&old.parent, &old.name, &new.parent, &new.name, flags);
        if result.is_ok() {
            self.changed(&new.path, |changes| changes.moved(&old.path, &new.path, old_kind, over));
            self.note(|seen| seen.moved(&old.path, &new.path, old_kind));
        }
        result.into()
    }

    fn exchange(
        &mut self,
        thread: u32,
        turn: &Turn,
        (old, old_kind): (&Place, NodeKind),
        new: &Place,
        flags: RenameFlags,
    ) -> Answer {
        let new_kind = match new.stat() {
            Ok(stat) => place::kind(&stat),
            Err(errno) => return Answer::Fail(errno),
        };
        for (from, kind, to) in [(old, old_kind, new), (new, new_kind, old)] {
            match self.judge_move(thread, turn, (from, kind), to) {
                Ok(Verdict::Allow) => {}
                Ok(_) => return Answer::Fail(Errno::ACCESS),
                Err(errno) => return Answer::Fail(errno),
            }
        }
        let result = renameat_with(&old.parent, &old.name, &new.parent, &new.name, flags);
        for (place, kind) in [(old, new_kind), (new, old_kind)].into_iter().filter(|_| result.is_ok()) {
            self.changed(&place.path, |changes| changes.replaced(&place.path, kind));
        }
        result.into()
    }

    fn judge_move(
        &mut self,
        thread: u32,
        turn: &Turn,
        (from, kind): (&Place, NodeKind),
        to: &Place,
    ) -> Result<Verdict, Errno> {
        self.permit(thread, &from.path, FileOp::MoveFrom)?;
        match self.judge(thread, &to.path, FileOp::MoveTo(kind)) {
            Verdict::Deny => Err(Errno::ACCESS),
            verdict if turn.is_alone() => Ok(verdict),
            // Something else may stand there by the time it is moved.
            verdict => self.refuse_other_kinds(thread, &to.path).map(|()| verdict),
        }
    }

    /// Refuses a path to which not everything may be moved as it is.
    fn refuse_other_kinds(&mut self, thread: u32, path: &AbsPath) -> Result<(), Errno> {
        for kind in [NodeKind::File, NodeKind::Directory, NodeKind::Symlink, NodeKind::Other] {
            self.permit(thread, path, FileOp::MoveTo(kind))?;
        }
        Ok(())
    }

    pub(super) fn remove(
        &mut self,
        cwd: &mut WorkingDirectory,
        thread: u32,
        at: At,
        directory: bool,
    ) -> Answer {
        if !self.order.deletes && !self.order.observe {
            return self.look_at_removal(thread, at);
        }
        let place = match self.supervised_place(cwd, thread, at, FileOp::Delete) {
            Ok(place) => place,
            Err(answer) => return answer,
        };
        let kind = match place.stat() {
            Ok(stat) => place::kind(&stat),
            Err(errno) => return Answer::Fail(errno),
        };
        if let Err(errno) = self.permit(thread, &place.path, FileOp::Delete) {
            return Answer::Fail(errno);
        }
        let flags = if directory || place.slash { AtFlags::REMOVEDIR } else { AtFlags::empty() };
        if place.slash && !directory {
            return Answer::Fail(Errno::NOTDIR);
        }
        let result = unlinkat(&place.parent, &place.name, flags);
        if result.is_ok() {
            self.changed(&place.path, |changes| changes.removed(&place.path, kind));
        }
        result.into()
    }

    pub(super) fn truncate(&mut self, thread: u32, at: At, length: u64) -> Answer {
        let mut buffer = [0; 4096];
        let Ok(text) = place::text(thread, at, &mut buffer) else { return Answer::Proceed };
        let Some(path) = place::as_caller(thread, at.directory, text) else { return Answer::Proceed };
        // Truncation needs no right that Landlock holds back here, so the call never goes on by itself.
        let object = match openat(CWD, path.as_c_str(), OFlags::PATH | OFlags::CLOEXEC, Mode::empty()) {
            Ok(object) => object,
            Err(errno) => return Answer::Fail(errno),
        };
        match self.may_truncate(thread, &object) {
            Ok(()) => {}
            Err(errno) => return Answer::Fail(errno),
        }
        let again = place::descriptor_path(object.as_fd());
        let flags = OFlags::WRONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        openat(CWD, again.as_c_str(), flags, Mode::empty())
            .and_then(|file| rustix::fs::ftruncate(&file, length))
            .into()
    }

    fn may_truncate(&mut self, thread: u32, object: &rustix::fd::OwnedFd) -> Result<(), Errno> {
        let path = place::final_path(object.as_fd())?;
        let stat = rustix::fs::fstat(object)?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(Errno::INVAL);
        }
        if self.supervised(&path) && place::is_shown(&path, object.as_fd()) {
            self.may_write(thread, &path, &stat)?;
            self.changed(&path, |changes| changes.written(&path, &stat));
            return Ok(());
        }
        let free = self.order.free.iter().any(|root| path.starts_with(root));
        // A file that was handed in by a descriptor may have the name of another, or of none, in the view.
        if free && place::is_shown(&path, object.as_fd()) {
            return Ok(());
        }
        self.elsewhere(thread, (&path, object.as_fd()), FileOp::Write);
        Err(Errno::ACCESS)
    }
}

/// The answer where a path leads to no place. A directory that is not there is said to be absent at once: let go on, the call would
/// find it if another thread makes it meanwhile, and Landlock would refuse what this did not look at.
pub(super) fn nowhere(thread: u32, at: At) -> Answer {
    let mut buffer = [0; 4096];
    match place::text(thread, at, &mut buffer) {
        Ok(text) if place::lacks_parent(thread, at.directory, text) => Answer::Fail(Errno::NOENT),
        _ => Answer::Proceed,
    }
}
