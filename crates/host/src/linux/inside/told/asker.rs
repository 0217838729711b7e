//! Who looked for a name, and what for: read from a thread that waits for the answer.

use crate::linux::supervise::call::{self, At, Call, Names};
use crate::linux::supervise::place;
use crate::linux::sys::notify::Notification;
use garth_policy::{AbsPath, FileOp};
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

/// What is known of the purpose of a call.
enum Purpose {
    /// It makes, moves or removes something: that is no read, and what is refused of it is told elsewhere.
    Change,
    /// It looks at what stands at a path.
    Use(FileOp, Option<At>),
}

/// What `thread` wants, which waits in a call that looks for `missed`. `None` if it is no use of what is there.
pub(super) fn wanted(names: &Names, thread: u32, missed: &AbsPath) -> Option<Wanted> {
    let purpose = waiting(thread).map_or(Purpose::Use(FileOp::Metadata, None), |call| purpose(names, &call));
    let Purpose::Use(op, at) = purpose else { return None };
    let named = at.and_then(|at| named(thread, at)).filter(|path| path.starts_with(missed));
    Some(Wanted { path: named.unwrap_or_else(|| missed.clone()), op })
}

/// The call in which a thread waits (`proc_pid_syscall(5)`); `None` if it does not.
fn waiting(thread: u32) -> Option<Notification> {
    /// A thread that has just asked may not have lain down yet.
    const TRIES: usize = 8;
    for _ in 0..TRIES {
        let text = std::fs::read_to_string(format!("/proc/{thread}/syscall")).ok()?;
        match parse(thread, &text) {
            Some(call) => return Some(call),
            None => rustix::thread::sched_yield(),
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

fn purpose(names: &Names, call: &Notification) -> Purpose {
    match call::decode(names, call) {
        Call::Open { at, flags, .. } => {
            let flags = OFlags::from_bits_retain(flags.cast_unsigned());
            if flags.contains(OFlags::CREATE) {
                return Purpose::Change;
            }
            let op = match flags {
                flags if flags.contains(OFlags::PATH) => FileOp::Metadata,
                flags if flags.intersects(OFlags::WRONLY | OFlags::RDWR) => FileOp::Write,
                flags if flags.contains(OFlags::DIRECTORY) => FileOp::List,
                _ => FileOp::Read,
            };
            Purpose::Use(op, Some(at))
        }
        Call::Execute { at, .. } => Purpose::Use(FileOp::Execute, Some(at)),
        // A server that is not there: what was wanted is to talk to it.
        Call::Connect { .. } => Purpose::Use(FileOp::Write, None),
        Call::Unknown => Purpose::Use(FileOp::Metadata, looked_at(call)),
        _ => Purpose::Change,
    }
}

/// The path of a call that only looks. Of others the missed name is all that is told.
fn looked_at(call: &Notification) -> Option<At> {
    let [first, second, ..] = call.arguments;
    let number = libc::c_long::from(call.number);
    let below = [
        libc::SYS_newfstatat,
        libc::SYS_statx,
        libc::SYS_faccessat,
        libc::SYS_faccessat2,
        libc::SYS_readlinkat,
        libc::SYS_name_to_handle_at,
    ];
    #[cfg(target_arch = "x86_64")]
    let older = [libc::SYS_stat, libc::SYS_lstat, libc::SYS_access, libc::SYS_readlink];
    #[cfg(not(target_arch = "x86_64"))]
    let older: [libc::c_long; 0] = [];
    let plain =
        [libc::SYS_chdir, libc::SYS_statfs, libc::SYS_getxattr, libc::SYS_lgetxattr, libc::SYS_listxattr];
    if below.contains(&number) {
        // A descriptor has 32 bits; the upper half of its register means nothing.
        let directory = u32::try_from(first & 0xffff_ffff).unwrap_or(0).cast_signed();
        Some(At { directory, path: second })
    } else if older.contains(&number) || plain.contains(&number) {
        Some(At { directory: libc::AT_FDCWD, path: first })
    } else {
        None
    }
}

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
    plain(&start, text)
}

fn plain(start: &[u8], text: &[u8]) -> Option<AbsPath> {
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

    #[test]
    fn paths_are_made_plain_by_their_text() {
        let said = |start: &str, text: &str| plain(start.as_bytes(), text.as_bytes()).unwrap().to_string();
        assert_eq!(said("", "/home/ann/.ssh/id"), "/home/ann/.ssh/id");
        assert_eq!(said("/home/ann/src", "../.ssh/./id"), "/home/ann/.ssh/id");
        assert_eq!(said("/", "../../x"), "/x");
        assert_eq!(said("/", ".."), "/");
    }
}
