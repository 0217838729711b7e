//! The seccomp table as data: each row names a system call, what happens to it and why.
//!
//! Numbers are the kernel's ABI (`arch/x86/entry/syscalls/syscall_64.tbl`,
//! `include/uapi/asm-generic/unistd.h`); calls that an architecture never had are `NONE`. What no row
//! names is allowed up to [`Arch::newest`]; younger calls answer `ENOSYS`, so a kernel newer than this
//! table offers nothing that was not thought about.

use serde::{Deserialize, Serialize};

/// A processor architecture with its own system-call numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Arch {
    /// `x86_64`, 64-bit calls only (neither i386 nor x32).
    X86_64,
    /// `aarch64`, 64-bit calls only.
    Aarch64,
}

impl Arch {
    /// `AUDIT_ARCH_*` of `linux/audit.h`, what seccomp reports in `seccomp_data.arch`.
    #[must_use]
    pub const fn audit(self) -> u32 {
        match self {
            Self::X86_64 => 0xC000_003E,
            Self::Aarch64 => 0xC000_00B7,
        }
    }

    /// The newest system call this table was written for (`mseal`, Linux 6.10).
    #[must_use]
    pub const fn newest(self) -> u32 {
        462
    }

    /// The number of a row's call on this architecture.
    #[must_use]
    pub fn number(self, row: &Row) -> Option<u32> {
        let number = match self {
            Self::X86_64 => row.x86_64,
            Self::Aarch64 => row.aarch64,
        };
        (number != NONE).then_some(u32::from(number))
    }
}

/// An error a denied call answers with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Errno {
    /// Operation not permitted.
    Eperm,
    /// Not implemented: programs take their fall-back.
    Enosys,
    /// Address family not supported.
    Eafnosupport,
    /// This kind of socket is not supported by the family.
    Eprotonosupport,
}

impl Errno {
    /// The number in `asm-generic/errno.h`.
    #[must_use]
    pub const fn code(self) -> u16 {
        match self {
            Self::Eperm => 1,
            Self::Enosys => 38,
            Self::Eafnosupport => 97,
            Self::Eprotonosupport => 93,
        }
    }
}

/// What the filter does with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Refused.
    Deny(Errno),
    /// Carried out by the runner on opened objects, always.
    Supervise,
    /// As `Supervise`, when deletions are supervised as well.
    SuperviseDelete,
    /// `open` family: supervised when argument `.0` holds a flag that can write or create.
    SuperviseOpen(u8),
    /// `socket`, `socketpair`: families and protocols outside the short list are refused, and unix datagrams where
    /// nothing else keeps them from servers outside.
    Families,
    /// `execve` family: looked at by the runner; the call itself goes on or is refused.
    SuperviseExecute,
    /// `connect`: carried out by the runner on opened objects, where the kernel does not tell servers inside from
    /// those outside.
    SuperviseConnect,
    /// `ioctl`: the requests in [`REQUESTS`] are refused.
    Requests,
    /// `clone`, `unshare`: flags that make a namespace are refused (argument `.0` holds the flags).
    Namespaces(u8),
    /// `sched_setaffinity`: refused where `limits.cpu` is held by binding to processors, else as `Another`.
    Bound,
    /// Changes of limits, scheduling and priority: looked at by the runner where a process is named that is not the caller.
    /// The call itself goes on or is refused.
    Another(Named),
    /// `fchmod`, as root: modes (argument `.0`) that make a program run as its owner are refused.
    SetUser(u8),
    /// `chmod` family: as `SetUser`, and else as `Attributes`.
    Mode(u8),
    /// Changes of owner, times and attributes by a path (argument `.0`, and nothing is there where a descriptor says which):
    /// looked at by the runner where refusals are told. The call itself goes on.
    Attributes(u8),
    /// `chown` family: owners that do not exist inside (user in argument `.0`, group in the next) are refused as
    /// the kernel refuses them to an ordinary user outside, and else as `Attributes` of the argument `.1`.
    Owner(u8, Option<u8>),
    /// `setuid` family: users or groups (the first `.0` arguments) that do not exist inside are refused likewise.
    Identity(u8),
    /// `fcntl`: leases on files are refused.
    Lease,
    /// `personality`: only the values that debuggers and set-up programs need.
    Personality,
}

/// How a call says which process it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Named {
    /// Argument 0 is its number, and 0 the caller.
    Process,
    /// The same, and nothing is changed where argument 2 is no address.
    Limits,
    /// Argument 0 is a kind, of which this one is a process; argument 1 is its number, and 0 the caller.
    Kind(u8),
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The call's name in the kernel's table.
    pub name: &'static str,
    x86_64: u16,
    aarch64: u16,
    /// What happens.
    pub action: Action,
    /// Why.
    pub reason: &'static str,
}

const NONE: u16 = u16::MAX;
const EPERM: Action = Action::Deny(Errno::Eperm);
const ENOSYS: Action = Action::Deny(Errno::Enosys);

const fn row(name: &'static str, x86_64: u16, aarch64: u16, action: Action, reason: &'static str) -> Row {
    Row { name, x86_64, aarch64, action, reason }
}

const MUTATES: &str = "changes a name: decided and carried out on opened objects (P2, P3, P4)";
const EXECUTES: &str = "starts a program: every command is vetted, and the call goes on or is refused";
const DELETES: &str = "removes a name: supervised when the policy denies names that may appear later";
const MOUNTS: &str = "rearranges the file view that the policy is built on";
const ADMIN: &str = "administers the machine; no build tool needs it";
const ATTRIBUTES: &str =
    "refused by the kernel in what may only be read, which is told where `audit.reads` asks for it";
const OWNERS: &str = "the kernel knows one user and one group inside and calls every other number invalid (`EINVAL`), which \
     programs take for a fault of theirs; what is refused to an ordinary user is `EPERM`";
const IDENTITIES: &str = "as chown";
const SET_USER: &str =
    "as root: a program in the workspace that runs as root whoever starts it outlives the garden";
const ANOTHER: &str = "the kernel asks for the same user alone, which the runner is, and where there is no pid namespace the \
     user's processes outside are";
const KEYS: &str = "kernel key rings are shared with the user's session outside";
const HANDLES: &str = "opens an object by number, past every directory that the policy looks at";
const RINGS: &str = "ring operations sidestep every filter on system calls";

/// The table. Sorted by purpose; the filter sorts by number.
pub const TABLE: &[Row] = &[
    row("open", 2, NONE, Action::SuperviseOpen(1), MUTATES),
    row("openat", 257, 56, Action::SuperviseOpen(2), MUTATES),
    row("creat", 85, NONE, Action::Supervise, MUTATES),
    row(
        "openat2",
        437,
        437,
        ENOSYS,
        "its flags lie in memory that a second thread can change after the check; programs fall back to openat",
    ),
    row("truncate", 76, 45, Action::Supervise, MUTATES),
    row("mkdir", 83, NONE, Action::Supervise, MUTATES),
    row("mkdirat", 258, 34, Action::Supervise, MUTATES),
    row("mknod", 133, NONE, Action::Supervise, MUTATES),
    row("mknodat", 259, 33, Action::Supervise, MUTATES),
    row("symlink", 88, NONE, Action::Supervise, MUTATES),
    row("symlinkat", 266, 36, Action::Supervise, MUTATES),
    row("link", 86, NONE, Action::Supervise, MUTATES),
    row("linkat", 265, 37, Action::Supervise, MUTATES),
    row("rename", 82, NONE, Action::Supervise, MUTATES),
    row("renameat", 264, 38, Action::Supervise, MUTATES),
    row("renameat2", 316, 276, Action::Supervise, MUTATES),
    row("bind", 49, 200, Action::Supervise, "a socket bound to a path makes a name"),
    row(
        "connect",
        42,
        203,
        Action::SuperviseConnect,
        "a unix socket in the workspace may be that of a server outside; from Landlock ABI 9 on the kernel knows",
    ),
    row("execve", 59, 221, Action::SuperviseExecute, EXECUTES),
    row("execveat", 322, 281, Action::SuperviseExecute, EXECUTES),
    row("unlink", 87, NONE, Action::SuperviseDelete, DELETES),
    row("unlinkat", 263, 35, Action::SuperviseDelete, DELETES),
    row("rmdir", 84, NONE, Action::SuperviseDelete, DELETES),
    row(
        "umask",
        95,
        166,
        Action::Supervise,
        "the runner creates files in the target's name and must know its mask; the call itself goes on",
    ),
    row(
        "socket",
        41,
        198,
        Action::Families,
        "only unix, inet and inet6 (TCP, UDP, ICMP) and route netlink: the rest is kernel surface, and vsock leaves the \
         namespace; each unix datagram can name another receiver in memory, so before Landlock ABI 9 there are none",
    ),
    row("socketpair", 53, 199, Action::Families, "as socket"),
    row(
        "ioctl",
        16,
        29,
        Action::Requests,
        "the rows below: they type into the terminal of the host, or make and remove names where neither Landlock nor the \
         supervisor is asked",
    ),
    row(
        "clone",
        56,
        220,
        Action::Namespaces(0),
        "a nested user namespace gives back the kernel surface of root",
    ),
    row("unshare", 272, 97, Action::Namespaces(0), "as clone"),
    row("clone3", 435, 435, ENOSYS, "its flags lie in memory; the C libraries fall back to clone"),
    row("setns", 308, 268, EPERM, "joins another namespace"),
    row(
        "personality",
        135,
        92,
        Action::Personality,
        "odd personalities weaken address randomisation and mmap checks",
    ),
    row(
        "sched_setaffinity",
        203,
        122,
        Action::Bound,
        "where `limits.cpu` binds to some of the processors, the target may not choose others; else as sched_setattr",
    ),
    row("sched_setattr", 314, 274, Action::Another(Named::Process), ANOTHER),
    row("sched_setscheduler", 144, 119, Action::Another(Named::Process), ANOTHER),
    row("sched_setparam", 142, 118, Action::Another(Named::Process), ANOTHER),
    row("prlimit64", 302, 261, Action::Another(Named::Limits), ANOTHER),
    row("setpriority", 141, 140, Action::Another(Named::Kind(0)), ANOTHER),
    row("ioprio_set", 251, 30, Action::Another(Named::Kind(1)), ANOTHER),
    row(
        "fcntl",
        72,
        25,
        Action::Lease,
        "F_SETLEASE on a file that may only be read keeps whoever opens it outside waiting for up to 45 seconds",
    ),
    row("chmod", 90, NONE, Action::Mode(1), SET_USER),
    row("fchmod", 91, 52, Action::SetUser(1), SET_USER),
    row("fchmodat", 268, 53, Action::Mode(2), SET_USER),
    row("fchmodat2", 452, 452, Action::Mode(2), SET_USER),
    row("chown", 92, NONE, Action::Owner(1, Some(0)), OWNERS),
    row("lchown", 94, NONE, Action::Owner(1, Some(0)), OWNERS),
    row("fchownat", 260, 54, Action::Owner(2, Some(1)), OWNERS),
    row("fchown", 93, 55, Action::Owner(1, None), OWNERS),
    row("setuid", 105, 146, Action::Identity(1), IDENTITIES),
    row("setgid", 106, 144, Action::Identity(1), IDENTITIES),
    row("setreuid", 113, 145, Action::Identity(2), IDENTITIES),
    row("setregid", 114, 143, Action::Identity(2), IDENTITIES),
    row("setresuid", 117, 147, Action::Identity(3), IDENTITIES),
    row("setresgid", 119, 149, Action::Identity(3), IDENTITIES),
    row("utime", 132, NONE, Action::Attributes(0), ATTRIBUTES),
    row("utimes", 235, NONE, Action::Attributes(0), ATTRIBUTES),
    row("futimesat", 261, NONE, Action::Attributes(1), ATTRIBUTES),
    row("utimensat", 280, 88, Action::Attributes(1), ATTRIBUTES),
    row("setxattr", 188, 5, Action::Attributes(0), ATTRIBUTES),
    row("lsetxattr", 189, 6, Action::Attributes(0), ATTRIBUTES),
    row("removexattr", 197, 14, Action::Attributes(0), ATTRIBUTES),
    row("lremovexattr", 198, 15, Action::Attributes(0), ATTRIBUTES),
    row("io_uring_setup", 425, 425, ENOSYS, RINGS),
    row("io_uring_enter", 426, 426, ENOSYS, RINGS),
    row("io_uring_register", 427, 427, ENOSYS, RINGS),
    row("userfaultfd", 323, 282, EPERM, "stalls the kernel at will: the favourite helper of kernel exploits"),
    row("bpf", 321, 280, EPERM, "loads programs into the kernel"),
    row("perf_event_open", 298, 241, EPERM, "large kernel surface, leaks addresses"),
    row("keyctl", 250, 219, EPERM, KEYS),
    row("add_key", 248, 217, EPERM, KEYS),
    row("request_key", 249, 218, EPERM, KEYS),
    row("open_by_handle_at", 304, 265, EPERM, HANDLES),
    row("name_to_handle_at", 303, 264, EPERM, HANDLES),
    row("mount", 165, 40, EPERM, MOUNTS),
    row("umount2", 166, 39, EPERM, MOUNTS),
    row("pivot_root", 155, 41, EPERM, MOUNTS),
    row("chroot", 161, 51, EPERM, MOUNTS),
    row("open_tree", 428, 428, EPERM, MOUNTS),
    row("move_mount", 429, 429, EPERM, MOUNTS),
    row("fsopen", 430, 430, EPERM, MOUNTS),
    row("fsconfig", 431, 431, EPERM, MOUNTS),
    row("fsmount", 432, 432, EPERM, MOUNTS),
    row("fspick", 433, 433, EPERM, MOUNTS),
    row("mount_setattr", 442, 442, EPERM, MOUNTS),
    row("fanotify_init", 300, 262, EPERM, "watches whole file systems; kernel surface"),
    row("fanotify_mark", 301, 263, EPERM, "as fanotify_init"),
    row("modify_ldt", 154, NONE, ENOSYS, "kernel surface kept for 16-bit programs"),
    row("uselib", 134, NONE, ENOSYS, "obsolete loader interface"),
    row("_sysctl", 156, NONE, ENOSYS, "obsolete"),
    row("nfsservctl", 180, 42, ENOSYS, "obsolete"),
    row("lookup_dcookie", 212, 18, ENOSYS, "profiler interface"),
    row("acct", 163, 89, EPERM, ADMIN),
    row("quotactl", 179, 60, EPERM, ADMIN),
    row("quotactl_fd", 443, 443, EPERM, ADMIN),
    row("swapon", 167, 224, EPERM, ADMIN),
    row("swapoff", 168, 225, EPERM, ADMIN),
    row("reboot", 169, 142, EPERM, ADMIN),
    row("sethostname", 170, 161, EPERM, ADMIN),
    row("setdomainname", 171, 162, EPERM, ADMIN),
    row("iopl", 172, NONE, EPERM, ADMIN),
    row("ioperm", 173, NONE, EPERM, ADMIN),
    row("init_module", 175, 105, EPERM, ADMIN),
    row("finit_module", 313, 273, EPERM, ADMIN),
    row("delete_module", 176, 106, EPERM, ADMIN),
    row("create_module", 174, NONE, ENOSYS, ADMIN),
    row("kexec_load", 246, 104, EPERM, ADMIN),
    row("kexec_file_load", 320, 294, EPERM, ADMIN),
    row("settimeofday", 164, 170, EPERM, ADMIN),
    row("clock_settime", 227, 112, EPERM, ADMIN),
    row("syslog", 103, 116, EPERM, "the kernel log holds addresses and other users' events"),
    row("vhangup", 153, 58, EPERM, ADMIN),
];

/// Requests of `ioctl(2)` that are refused.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// Their names in the kernel's headers.
    pub name: &'static str,
    /// Their type, the second byte of a request (`ioctl(2)`), which most drivers have for themselves.
    pub kind: u8,
    /// Their number, the first byte. `None` for all of the type.
    pub number: Option<u8>,
    /// Why.
    pub reason: &'static str,
}

const fn request(name: &'static str, kind: u8, number: u8, reason: &'static str) -> Request {
    Request { name, kind, number: Some(number), reason }
}

const TYPES: &str = "types into the terminal of the host";
const SUBVOLUMES: &str =
    "makes or removes a directory, which a snapshot fills, and asks neither Landlock nor the supervisor";
const BY_PATH: &str = "makes or removes a name that stands in memory";

/// The requests, those of whole types last. From `asm-generic/ioctls.h`, `linux/btrfs.h`, `fs/ocfs2/ocfs2_ioctl.h`; and of
/// Lustre and bcachefs, which are no parts of the kernel, `lustre_user.h` and `bcachefs_ioctl.h`. What they carry has had
/// more than one length, so that is not looked at.
pub const REQUESTS: &[Request] = &[
    request("TIOCSTI", 0x54, 0x12, TYPES),
    request("TIOCLINUX", 0x54, 0x1C, TYPES),
    request("BTRFS_IOC_SNAP_CREATE", 0x94, 1, SUBVOLUMES),
    request("BTRFS_IOC_SUBVOL_CREATE", 0x94, 14, SUBVOLUMES),
    request("BTRFS_IOC_SNAP_DESTROY", 0x94, 15, SUBVOLUMES),
    request("BTRFS_IOC_SNAP_CREATE_V2", 0x94, 23, SUBVOLUMES),
    request("BTRFS_IOC_SUBVOL_CREATE_V2", 0x94, 24, SUBVOLUMES),
    request("BTRFS_IOC_SNAP_DESTROY_V2", 0x94, 63, SUBVOLUMES),
    request("OCFS2_IOC_REFLINK", b'o', 4, BY_PATH),
    request("LL_IOC_LMV_SETSTRIPE", b'f', 240, BY_PATH),
    request("LL_IOC_REMOVE_ENTRY", b'f', 242, BY_PATH),
    Request { name: "those of bcachefs", kind: 0xbc, number: None, reason: SUBVOLUMES },
];

/// The row of a call, by name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Row> {
    TABLE.iter().find(|row| row.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_number_stands_twice() {
        for arch in [Arch::X86_64, Arch::Aarch64] {
            let mut numbers: Vec<_> = TABLE.iter().filter_map(|row| arch.number(row)).collect();
            let count = numbers.len();
            numbers.sort_unstable();
            numbers.dedup();
            assert_eq!(numbers.len(), count, "{arch:?}");
            assert!(numbers.iter().all(|number| *number <= arch.newest()));
        }
    }

    #[test]
    fn whole_types_of_requests_stand_last() {
        assert!(REQUESTS.iter().is_sorted_by_key(|request| request.number.is_none()));
    }

    #[test]
    fn every_row_says_why() {
        assert!(TABLE.iter().all(|row| row.reason.len() > 5), "a row without a reason");
    }
}
