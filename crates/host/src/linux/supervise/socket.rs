//! A unix socket that is bound to a path makes a name.
#![expect(unsafe_code, reason = "bind takes an address that was read from the caller's memory")]

use super::place;
use super::{Answer, Supervisor};
use crate::linux::sys::memory;
use garth_policy::{AbsPath, FileOp, NodeKind};
use rustix::fd::{AsFd, AsRawFd, OwnedFd};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};

const FAMILY: usize = size_of::<libc::sa_family_t>();

impl Supervisor {
    pub(super) fn bind(&mut self, thread: u32, socket: i32, address: u64, length: usize) -> Answer {
        let mut raw = [0u8; size_of::<libc::sockaddr_un>()];
        let length = length.min(raw.len());
        let Ok(filled) = memory::read(thread, address, &mut raw[..length]) else { return Answer::Proceed };
        let Some(path) = unix_path(&raw[..filled]) else { return Answer::Proceed };
        let Some(place) = place::locate(thread, libc::AT_FDCWD, path) else { return Answer::Proceed };
        if !self.supervised(&place.path) {
            self.elsewhere(thread, (&place.path, place.parent.as_fd()), FileOp::Create(NodeKind::Other));
            return Answer::Proceed;
        }
        if place.stat().is_ok() {
            return Answer::Fail(Errno::ADDRINUSE);
        }
        if let Err(errno) = self.permit(thread, &place.path, FileOp::Create(NodeKind::Other)) {
            return Answer::Fail(errno);
        }
        let path = path.to_vec();
        match take_socket(thread, socket).and_then(|socket| self.bind_at(thread, &socket, &path, &place)) {
            Ok(()) => {
                self.remember_socket(&place);
                Answer::Done(0)
            }
            Err(errno) => Answer::Fail(errno),
        }
    }

    /// Binds under the very name that the caller gave, because the kernel keeps it and shows it to others.
    ///
    /// The name is taken from a directory in which it can lead nowhere else: the caller's own if every
    /// component on the way is a supervised directory (nobody inside can change one while this thread is
    /// busy, and no supervisor of another sandbox has its turn), otherwise the opened parent, with the last name alone.
    fn bind_at(&self, thread: u32, socket: &OwnedFd, path: &[u8], place: &place::Place) -> Result<(), Errno> {
        let turn = self.shared.lock.turn()?;
        let here = place::current_directory(thread)?;
        let meant = match path.first() {
            Some(b'/') => AbsPath::posix(path).ok(),
            _ => {
                let here = place::final_path(here.as_fd())?;
                if self.supervised(&here) { here.resolve(path).ok() } else { None }
            }
        };
        // Without a turn another sandbox may put a link on the way.
        let plain = turn.is_alone() && meant.is_some_and(|path| path == place.path);
        let (directory, name) =
            if plain { (here.as_fd(), path) } else { (place.parent.as_fd(), place.name.to_bytes()) };
        // Nothing else in this process goes by its working directory.
        rustix::process::fchdir(directory)?;
        let result = bind_here(socket, name);
        rustix::process::chdir("/")?;
        result
    }
}

/// The path in a `sockaddr_un`; `None` for other families, abstract and unnamed addresses.
pub(super) fn unix_path(raw: &[u8]) -> Option<&[u8]> {
    let family: [u8; FAMILY] = raw.get(..FAMILY)?.try_into().ok()?;
    if i32::from(libc::sa_family_t::from_ne_bytes(family)) != libc::AF_UNIX {
        return None;
    }
    let path = raw.get(FAMILY..)?;
    let end = path.iter().position(|byte| *byte == 0).unwrap_or(path.len());
    (end > 0).then(|| &path[..end])
}

/// The caller's socket. A thread has a descriptor of its own from Linux 6.9 on; before, its process stands for it,
/// whose descriptors are the same unless the program took care that they are not.
pub(super) fn take_socket(thread: u32, socket: i32) -> Result<OwnedFd, Errno> {
    let pid = |number: u32| i32::try_from(number).ok().and_then(Pid::from_raw).ok_or(Errno::SRCH);
    let thread_flag = PidfdFlags::from_bits_retain(libc::O_EXCL.cast_unsigned());
    let process = pidfd_open(pid(thread)?, PidfdFlags::empty())
        .or_else(|_| pidfd_open(pid(thread)?, thread_flag))
        .or_else(|_| pidfd_open(pid(process_of(thread)?)?, PidfdFlags::empty()))?;
    pidfd_getfd(&process, socket, PidfdGetfdFlags::empty())
}

/// `Tgid:` of `/proc/PID/status` (`proc_pid_status(5)`).
fn process_of(thread: u32) -> Result<u32, Errno> {
    let status = std::fs::read_to_string(format!("/proc/{thread}/status")).map_err(|_| Errno::SRCH)?;
    let line = status.lines().find_map(|line| line.strip_prefix("Tgid:")).ok_or(Errno::SRCH)?;
    line.trim().parse().map_err(|_| Errno::SRCH)
}

fn bind_here(socket: &OwnedFd, path: &[u8]) -> Result<(), Errno> {
    // SAFETY: the structure is plain integers, and zero is its empty value.
    let mut address: libc::sockaddr_un = unsafe { std::mem::zeroed() };
    address.sun_family = libc::sa_family_t::try_from(libc::AF_UNIX).map_err(|_| Errno::INVAL)?;
    if path.len() >= address.sun_path.len() {
        return Err(Errno::NAMETOOLONG);
    }
    for (slot, byte) in address.sun_path.iter_mut().zip(path) {
        *slot = byte.cast_signed();
    }
    let length = libc::socklen_t::try_from(FAMILY + path.len() + 1).map_err(|_| Errno::INVAL)?;
    // SAFETY: the address is a live borrow of at least `length` bytes.
    let result = unsafe { libc::bind(socket.as_raw_fd(), (&raw const address).cast(), length) };
    if result == 0 { Ok(()) } else { Err(memory::last_errno()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_are_names() {
        let unix = libc::sa_family_t::try_from(libc::AF_UNIX).unwrap().to_ne_bytes();
        let with = |path: &[u8]| [&unix[..], path].concat();
        assert_eq!(unix_path(&with(b"a/b\0junk")), Some(&b"a/b"[..]));
        assert_eq!(unix_path(&with(b"\0abstract")), None);
        assert_eq!(unix_path(&with(b"")), None);
        assert_eq!(unix_path(&[2, 0, 1, 1]), None, "an internet address");
        assert_eq!(unix_path(&[1]), None);
    }
}
