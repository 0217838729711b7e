//! Which supervised call was made, in one form for all its spellings.

use crate::linux::sys::notify::Notification;
use garth_plan::linux::syscalls::{Arch, find};

/// The machine this was compiled for.
#[cfg(target_arch = "x86_64")]
pub const ARCH: Arch = Arch::X86_64;
/// The machine this was compiled for.
#[cfg(target_arch = "aarch64")]
pub const ARCH: Arch = Arch::Aarch64;

/// A directory descriptor (or `AT_FDCWD`) and the address of a path in the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct At {
    /// Descriptor as the caller passed it.
    pub directory: i32,
    /// Address of the path.
    pub path: u64,
}

/// Whom a call changes that names a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whom {
    /// A thread or process, 0 for the caller.
    Thread(u32),
    /// A process group, 0 for the caller's.
    Group(u32),
    /// All of a user's processes, or what this table does not know.
    More,
}

/// A supervised call, decoded. The fields are the arguments of the calls named.
#[expect(missing_docs, reason = "the fields are named as in the manual pages of the calls")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// `open`, `openat`, `creat`.
    Open { at: At, flags: i32, mode: u32 },
    /// `truncate`.
    Truncate { at: At, length: u64 },
    /// `mkdir`, `mkdirat`.
    MakeDirectory { at: At, mode: u32 },
    /// `mknod`, `mknodat`.
    MakeNode { at: At, mode: u32, device: u64 },
    /// `symlink`, `symlinkat`.
    MakeSymlink { target: u64, at: At },
    /// `link`, `linkat`.
    MakeLink { old: At, new: At, flags: i32 },
    /// `rename`, `renameat`, `renameat2`.
    Rename { old: At, new: At, flags: u32 },
    /// `unlink`, `unlinkat`, `rmdir`.
    Remove { at: At, directory: bool },
    /// `chmod`, `chown`, `utime`, `setxattr` and their relatives, by a path.
    Attributes { at: At, follow: bool },
    /// `bind`.
    Bind { socket: i32, address: u64, length: usize },
    /// `connect`.
    Connect { socket: i32, address: u64, length: usize },
    /// `execve`, `execveat`.
    Execute { at: At, arguments: u64 },
    /// `umask`.
    Mask { mask: u32 },
    /// `prlimit64`, `sched_setattr` and their relatives, `setpriority`, `ioprio_set`: who is to be changed.
    Another { whom: Whom },
    /// A call that the filter should not have sent here.
    Unknown,
}

const CWD: i32 = libc::AT_FDCWD;

fn low(value: u64) -> u32 {
    // System-call arguments of 32 bits arrive in 64-bit registers whose upper half means nothing.
    u32::try_from(value & 0xffff_ffff).unwrap_or(0)
}

fn int(value: u64) -> i32 {
    low(value).cast_signed()
}

const fn cwd(path: u64) -> At {
    At { directory: CWD, path }
}

fn at(directory: u64, path: u64) -> At {
    At { directory: int(directory), path }
}

const fn follows(at: At, flags: i32) -> Call {
    Call::Attributes { at, follow: flags & libc::AT_SYMLINK_NOFOLLOW == 0 }
}

/// Decodes a notification by the names in the table, so numbers stand in one place.
#[must_use]
pub fn decode(names: &Names, call: &Notification) -> Call {
    let [a, b, c, d, e, _] = call.arguments;
    match names.name(call.number) {
        "open" => Call::Open { at: cwd(a), flags: int(b), mode: low(c) },
        "openat" => Call::Open { at: at(a, b), flags: int(c), mode: low(d) },
        "creat" => {
            Call::Open { at: cwd(a), flags: libc::O_CREAT | libc::O_WRONLY | libc::O_TRUNC, mode: low(b) }
        }
        "truncate" => Call::Truncate { at: cwd(a), length: b },
        "mkdir" => Call::MakeDirectory { at: cwd(a), mode: low(b) },
        "mkdirat" => Call::MakeDirectory { at: at(a, b), mode: low(c) },
        "mknod" => Call::MakeNode { at: cwd(a), mode: low(b), device: c },
        "mknodat" => Call::MakeNode { at: at(a, b), mode: low(c), device: d },
        "symlink" => Call::MakeSymlink { target: a, at: cwd(b) },
        "symlinkat" => Call::MakeSymlink { target: a, at: at(b, c) },
        "link" => Call::MakeLink { old: cwd(a), new: cwd(b), flags: 0 },
        "linkat" => Call::MakeLink { old: at(a, b), new: at(c, d), flags: int(e) },
        "rename" => Call::Rename { old: cwd(a), new: cwd(b), flags: 0 },
        "renameat" => Call::Rename { old: at(a, b), new: at(c, d), flags: 0 },
        "renameat2" => Call::Rename { old: at(a, b), new: at(c, d), flags: low(e) },
        "unlink" => Call::Remove { at: cwd(a), directory: false },
        "unlinkat" => Call::Remove { at: at(a, b), directory: int(c) & libc::AT_REMOVEDIR != 0 },
        "rmdir" => Call::Remove { at: cwd(a), directory: true },
        "chmod" | "chown" | "utime" | "utimes" | "setxattr" | "removexattr" => follows(cwd(a), 0),
        "lchown" | "lsetxattr" | "lremovexattr" => follows(cwd(a), libc::AT_SYMLINK_NOFOLLOW),
        "fchmodat" | "futimesat" => follows(at(a, b), 0),
        "fchmodat2" | "utimensat" => follows(at(a, b), int(d)),
        "fchownat" => follows(at(a, b), int(e)),
        "bind" => Call::Bind { socket: int(a), address: b, length: usize::try_from(low(c)).unwrap_or(0) },
        "connect" => {
            Call::Connect { socket: int(a), address: b, length: usize::try_from(low(c)).unwrap_or(0) }
        }
        "execve" => Call::Execute { at: cwd(a), arguments: b },
        "execveat" => Call::Execute { at: at(a, b), arguments: c },
        "umask" => Call::Mask { mask: low(a) & 0o777 },
        "prlimit64" | "sched_setattr" | "sched_setscheduler" | "sched_setparam" | "sched_setaffinity" => {
            Call::Another { whom: Whom::Thread(low(a)) }
        }
        // `PRIO_PROCESS` and `PRIO_PGRP` of `linux/resource.h`, `IOPRIO_WHO_PROCESS` and its like of `linux/ioprio.h`.
        "setpriority" => Call::Another { whom: whom(low(a), b) },
        "ioprio_set" => Call::Another { whom: whom(low(a).wrapping_sub(1), b) },
        _ => Call::Unknown,
    }
}

/// Of kinds that begin with that of processes.
fn whom(kind: u32, number: u64) -> Whom {
    match kind {
        0 => Whom::Thread(low(number)),
        1 => Whom::Group(low(number)),
        _ => Whom::More,
    }
}

/// System-call names by number.
#[derive(Debug)]
pub struct Names(Vec<&'static str>);

/// The calls that [`decode`] knows.
pub const DECODED: &[&str] = &[
    "open",
    "openat",
    "creat",
    "truncate",
    "mkdir",
    "mkdirat",
    "mknod",
    "mknodat",
    "symlink",
    "symlinkat",
    "link",
    "linkat",
    "rename",
    "renameat",
    "renameat2",
    "unlink",
    "unlinkat",
    "rmdir",
    "chmod",
    "fchmodat",
    "fchmodat2",
    "chown",
    "lchown",
    "fchownat",
    "utime",
    "utimes",
    "futimesat",
    "utimensat",
    "setxattr",
    "lsetxattr",
    "removexattr",
    "lremovexattr",
    "bind",
    "connect",
    "execve",
    "execveat",
    "umask",
    "prlimit64",
    "sched_setaffinity",
    "sched_setattr",
    "sched_setscheduler",
    "sched_setparam",
    "setpriority",
    "ioprio_set",
];

impl Default for Names {
    fn default() -> Self {
        Self::new()
    }
}

impl Names {
    /// The names of the decoded calls on this machine.
    #[must_use]
    pub fn new() -> Self {
        let mut names = vec![""; 512];
        for name in DECODED {
            let number = find(name).and_then(|row| ARCH.number(row)).and_then(|n| usize::try_from(n).ok());
            if let Some(slot) = number.and_then(|n| names.get_mut(n)) {
                *slot = name;
            }
        }
        Self(names)
    }

    fn name(&self, number: u32) -> &'static str {
        usize::try_from(number).ok().and_then(|n| self.0.get(n)).copied().unwrap_or("")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use garth_plan::linux::syscalls::{Action, TABLE};

    #[test]
    fn every_supervised_row_is_decoded() {
        for row in TABLE {
            let supervised = matches!(
                row.action,
                Action::Supervise
                    | Action::Attributes(_)
                    | Action::Owner(_, Some(_))
                    | Action::Mode(_)
                    | Action::SuperviseConnect
                    | Action::SuperviseDelete
                    | Action::SuperviseExecute
                    | Action::SuperviseOpen(_)
                    | Action::Another(_)
                    | Action::Bound
            );
            assert_eq!(supervised, DECODED.contains(&row.name), "{}", row.name);
        }
    }

    #[test]
    fn numbers_are_those_of_the_c_library() {
        let known = [("openat", libc::SYS_openat), ("linkat", libc::SYS_linkat), ("bind", libc::SYS_bind)];
        for (name, number) in known {
            assert_eq!(find(name).and_then(|row| ARCH.number(row)).map(i64::from), Some(number), "{name}");
        }
    }

    #[test]
    fn a_rename_is_decoded_with_both_ends() {
        let notification = Notification {
            id: 1,
            thread: 1,
            number: u32::try_from(libc::SYS_renameat2).unwrap(),
            arguments: [3, 10, u64::MAX - 99, 20, 1, 0],
        };
        let wanted = Call::Rename {
            old: At { directory: 3, path: 10 },
            new: At { directory: libc::AT_FDCWD, path: 20 },
            flags: 1,
        };
        assert_eq!(decode(&Names::new(), &notification), wanted);
    }
}
