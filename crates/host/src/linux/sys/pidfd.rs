//! How a process ended that is not one's own child (`PIDFD_GET_INFO`, Linux 6.13; the exit since 6.15).
#![expect(unsafe_code, reason = "the request has no safe wrapper")]

use rustix::fd::{AsRawFd, BorrowedFd};

/// `struct pidfd_info` of `linux/pidfd.h`, in its first form.
#[repr(C)]
#[derive(Default)]
struct Info {
    mask: u64,
    cgroup: u64,
    pid: u32,
    tgid: u32,
    ppid: u32,
    users: [u32; 8],
    exit_code: i32,
}

const PID: u64 = 1;
const EXIT: u64 = 1 << 3;

/// `_IOWR(0xff, 11, struct pidfd_info)`.
const GET_INFO: u32 = 0xC040_FF0B;

fn info(process: BorrowedFd<'_>, mask: u64) -> Option<Info> {
    let mut info = Info { mask, ..Info::default() };
    // SAFETY: the request reads and writes one structure of the size that its number names, from an exclusive borrow.
    let result = unsafe { libc::ioctl(process.as_raw_fd(), GET_INFO as libc::Ioctl, &raw mut info) };
    (result == 0 && info.mask & mask == mask).then_some(info)
}

/// The parent of a process that was not reaped; `None` where the kernel does not say.
#[must_use]
pub fn parent(process: BorrowedFd<'_>) -> Option<u32> {
    info(process, PID).map(|info| info.ppid).filter(|parent| *parent != 0)
}

/// Exit code or signal of a process that was reaped; `None` where the kernel does not say.
#[must_use]
pub fn ending(process: BorrowedFd<'_>) -> Option<(Option<i32>, Option<i32>)> {
    let status = info(process, EXIT)?.exit_code;
    let exited = libc::WIFEXITED(status).then(|| libc::WEXITSTATUS(status));
    let signalled = libc::WIFSIGNALED(status).then(|| libc::WTERMSIG(status));
    Some((exited, signalled))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fd::AsFd;
    use rustix::process::{Pid, PidfdFlags, pidfd_open};

    #[test]
    fn an_ending_is_known_after_the_process_is_reaped_or_not_at_all() {
        assert_eq!(size_of::<Info>(), 64);
        let mut child = std::process::Command::new("sh")
            .args(["-c", "read line; exit 7"])
            .stdin(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
        let process = pidfd_open(pid, PidfdFlags::empty()).unwrap();
        assert_eq!(ending(process.as_fd()), None);
        assert!(parent(process.as_fd()).is_none_or(|parent| parent == std::process::id()));
        drop(child.stdin.take());
        child.wait().unwrap();
        let known = ending(process.as_fd());
        assert!(known.is_none() || known == Some((Some(7), None)), "{known:?}");
        assert_eq!(parent(process.as_fd()), None);
    }
}
