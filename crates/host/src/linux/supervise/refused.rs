//! What the kernel refuses by itself and tells nobody: to remove, and to change mode, owner, times and attributes, where something
//! may only be read, and to remove a place where something is mounted. The call goes on in any case: this only looks first, and
//! only where the kernel is going to refuse does it ask the policy what to tell.

use super::call::At;
use super::place::{self, Place};
use super::{Answer, Supervisor, observe};
use garth_policy::{AbsPath, FileOp};
use rustix::fd::{AsFd, BorrowedFd};
use rustix::fs::{AtFlags, OFlags, StatVfsMountFlags, StatxAttributes, StatxFlags, fstatvfs, statx};

impl Supervisor {
    /// A removal that the target's own rights decide.
    pub(super) fn look_at_removal(&mut self, thread: u32, at: At) -> Answer {
        if self.reporter.tells()
            && let Some(place) = self.place(thread, at)
            && is_kept(&place)
        {
            self.refused(thread, &place.path, FileOp::Delete);
        }
        Answer::Proceed
    }

    /// A change of what is not content.
    pub(super) fn look_at_attributes(&mut self, thread: u32, at: At, follow: bool) -> Answer {
        let follows = if follow { OFlags::empty() } else { OFlags::NOFOLLOW };
        if self.reporter.tells()
            && let Some(object) = observe::open(thread, at, follows)
            && is_read_only(object.as_fd())
            && let Ok(path) = place::final_path(object.as_fd())
        {
            self.refused(thread, &path, FileOp::Write);
        }
        Answer::Proceed
    }

    fn refused(&mut self, thread: u32, path: &AbsPath, op: FileOp) {
        if self.supervised(path) {
            let _told_if_denied = self.judge(thread, path, op);
        } else {
            // The rules at hand say nothing about it; the broker's do.
            self.reporter.elsewhere(thread, path, op);
        }
    }
}

/// Whether the kernel removes nothing there: the mount is read-only, or the name is where another one begins.
fn is_kept(place: &Place) -> bool {
    let there = statx(&place.parent, &place.name, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::empty());
    there.is_ok_and(|there| {
        there.stx_attributes.contains(StatxAttributes::MOUNT_ROOT) || is_read_only(place.parent.as_fd())
    })
}

fn is_read_only(object: BorrowedFd<'_>) -> bool {
    fstatvfs(object).is_ok_and(|status| status.f_flag.contains(StatVfsMountFlags::RDONLY))
}
