//! Who looked for a name, and what for: read from a thread that waits for the answer.

use super::wire::Missed;
use crate::linux::supervise::call::{self, At, Call, Names};
use crate::linux::supervise::place;
use crate::linux::sys::notify::Notification;
use garth_policy::{AbsPath, FileOp, NodeKind};
use rustix::fs::OFlags;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

/// What a thread wants of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    /// The object that its call names, if it lies where the name was looked for.
    pub path: AbsPath,
    /// What for.
    pub op: FileOp,
}

/// What a call does with a name.
struct Purpose {
    op: FileOp,
    /// The name; `None` if it is not known.
    at: Option<At>,
    /// It makes something at the name. Where nothing is, that is no use of what the host has there.
    makes: bool,
}

impl Purpose {
    fn uses(op: FileOp, at: impl Into<Option<At>>) -> Self {
        Self { op, at: at.into(), makes: false }
    }

    fn makes(kind: NodeKind, at: At) -> Self {
        Self { op: FileOp::Create(kind), at: Some(at), makes: true }
    }
}

/// What `thread` wants, which waits in a call that came upon `missed`. `None` if it is no use of what is there.
pub(super) fn wanted(names: &Names, thread: u32, missed: &Missed) -> Option<Wanted> {
    let below = |at| named(thread, at).filter(|path| path.starts_with(&missed.path));
    let call = waiting(thread);
    let purpose = call.map_or(Some(Purpose::uses(FileOp::Metadata, None)), |call| {
        purpose(names, &call, &|at| below(at).is_some())
    });
    let Purpose { op, at, makes } = purpose?;
    let path = at.and_then(below).unwrap_or_else(|| missed.path.clone());
    // To make something at a name that is free is no use of what the host has there. What is hidden is not free, and
    // neither is a name in a directory that is not there.
    if makes && missed.hides.is_none() && path == missed.path {
        return None;
    }
    let op = match (op, missed.hides) {
        (FileOp::Create(NodeKind::File), Some(NodeKind::File)) => FileOp::Write,
        (FileOp::Read, Some(NodeKind::Directory)) if path == missed.path => FileOp::List,
        (op, _) => op,
    };
    Some(Wanted { path, op })
}

/// The call in which a thread waits (`proc_pid_syscall(5)`); `None` if it does not.
///
/// It has asked, and goes on only when it is answered, but it may not have lain down yet: on a busy machine it is put aside on
/// the way, and lies down when it is its turn again.
fn waiting(thread: u32) -> Option<Notification> {
    /// It is about to lie down on another processor.
    const YIELDS: usize = 8;
    /// Others have the processor: rests of a millisecond.
    const RESTS: usize = 200;
    for attempt in 0..YIELDS + RESTS {
        let text = std::fs::read_to_string(format!("/proc/{thread}/syscall")).ok()?;
        match parse(thread, &text) {
            Some(call) => return Some(call),
            None if attempt < YIELDS => rustix::thread::sched_yield(),
            None => std::thread::sleep(std::time::Duration::from_millis(1)),
        }
    }
    None
}

fn parse(thread: u32, text: &str) -> Option<Notification> {
    let mut words = text.split_ascii_whitespace();
    let number = words.next()?.parse().ok()?;
    let mut arguments = [0; 6];
    for argument in &mut arguments {
        *argument = u64::from_str_radix(words.next()?.strip_prefix("0x")?, 16).ok()?;
    }
    Some(Notification { id: 0, thread, number, arguments })
}

/// `is_it` says whether a name of the call is the one that was come upon.
fn purpose(names: &Names, call: &Notification, is_it: &dyn Fn(At) -> bool) -> Option<Purpose> {
    Some(match call::decode(names, call) {
        Call::Open { at, flags, .. } => {
            let flags = OFlags::from_bits_retain(flags.cast_unsigned());
            let op = match flags {
                flags if flags.contains(OFlags::CREATE) => return Some(Purpose::makes(NodeKind::File, at)),
                flags if flags.contains(OFlags::PATH) => FileOp::Metadata,
                flags if flags.intersects(OFlags::WRONLY | OFlags::RDWR) => FileOp::Write,
                flags if flags.contains(OFlags::DIRECTORY) => FileOp::List,
                _ => FileOp::Read,
            };
            Purpose::uses(op, at)
        }
        Call::Execute { at, .. } => Purpose::uses(FileOp::Execute, at),
        // A server that is not there: what was wanted is to talk to it.
        Call::Connect { address, .. } => Purpose::uses(FileOp::Write, socket(address)),
        Call::Truncate { at, .. } => Purpose::uses(FileOp::Write, at),
        Call::Attributes { at, .. } => Purpose::uses(FileOp::Write, at),
        Call::Remove { at, .. } => Purpose::uses(FileOp::Delete, at),
        Call::Rename { old, .. } if is_it(old) => Purpose::uses(FileOp::MoveFrom, old),
        Call::Rename { new, .. } => {
            Purpose { op: FileOp::MoveTo(NodeKind::File), ..Purpose::makes(NodeKind::File, new) }
        }
        Call::MakeLink { old, .. } if is_it(old) => Purpose::uses(FileOp::Link, old),
        Call::MakeLink { new, .. } => Purpose::makes(NodeKind::File, new),
        Call::MakeDirectory { at, .. } => Purpose::makes(NodeKind::Directory, at),
        Call::MakeNode { at, .. } => Purpose::makes(NodeKind::Other, at),
        Call::MakeSymlink { at, .. } => Purpose::makes(NodeKind::Symlink, at),
        Call::Bind { address, .. } => Purpose::makes(NodeKind::Other, socket(address)),
        Call::Mask { .. } | Call::Another { .. } => return None,
        Call::Unknown => by_number(call),
    })
}

/// The path in an address of a socket that has one (`unix(7)`): it follows the family, and only such an address is looked up.
fn socket(address: u64) -> At {
    const FAMILY: u64 = size_of::<libc::sa_family_t>() as u64;
    At { directory: libc::AT_FDCWD, path: address.wrapping_add(FAMILY) }
}

/// What a call is that is never supervised: one that looks. Of others the name that was come upon is all that is told.
fn by_number(call: &Notification) -> Purpose {
    let [first, second, ..] = call.arguments;
    let number = libc::c_long::from(call.number);
    let at = if LOOKS_BELOW.contains(&number) {
        // A descriptor has 32 bits; the upper half of its register means nothing.
        let directory = u32::try_from(first & 0xffff_ffff).unwrap_or(0).cast_signed();
        Some(At { directory, path: second })
    } else {
        LOOKS.contains(&number).then_some(At { directory: libc::AT_FDCWD, path: first })
    };
    Purpose::uses(FileOp::Metadata, at)
}

/// Calls that look at the path in their second argument, from the directory in the first.
const LOOKS_BELOW: &[libc::c_long] = &[
    libc::SYS_newfstatat,
    libc::SYS_statx,
    libc::SYS_faccessat,
    libc::SYS_faccessat2,
    libc::SYS_readlinkat,
    libc::SYS_name_to_handle_at,
    libc::SYS_inotify_add_watch,
];

/// Calls that look at the path in their first argument.
#[cfg(target_arch = "x86_64")]
const LOOKS: &[libc::c_long] = &[
    libc::SYS_stat,
    libc::SYS_lstat,
    libc::SYS_access,
    libc::SYS_readlink,
    libc::SYS_chdir,
    libc::SYS_statfs,
    libc::SYS_getxattr,
    libc::SYS_lgetxattr,
    libc::SYS_listxattr,
    libc::SYS_llistxattr,
];
/// Calls that look at the path in their first argument.
#[cfg(not(target_arch = "x86_64"))]
const LOOKS: &[libc::c_long] = &[
    libc::SYS_chdir,
    libc::SYS_statfs,
    libc::SYS_getxattr,
    libc::SYS_lgetxattr,
    libc::SYS_listxattr,
    libc::SYS_llistxattr,
];

/// The path of a call with the directory it begins at, by its text alone: nothing is looked up, links stay as they are.
fn named(thread: u32, at: At) -> Option<AbsPath> {
    let mut buffer = [0; 4096];
    let text = place::text(thread, at, &mut buffer).ok()?;
    let start = if text.first() == Some(&b'/') {
        Vec::new()
    } else {
        let link = match at.directory {
            libc::AT_FDCWD => format!("/proc/{thread}/cwd"),
            number => format!("/proc/{thread}/fd/{number}"),
        };
        OsString::from(std::fs::read_link(link).ok()?).into_vec()
    };
    place::plain(&start, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_waiting_call_is_read() {
        let text = "257 0xffffff9c 0x7ffd10 0x80000 0x0 0x0 0x0 0x7ffc 0x7f10\n";
        let call = parse(5, text).unwrap();
        assert_eq!((call.number, call.arguments), (257, [0xffff_ff9c, 0x007f_fd10, 0x80000, 0, 0, 0]));
        for text in ["running\n", "-1 0x7ffc 0x7f10\n", "", "257 0x1\n", "1 2 3 4 5 6 7\n"] {
            assert!(parse(5, text).is_none(), "{text:?}");
        }
    }
}
