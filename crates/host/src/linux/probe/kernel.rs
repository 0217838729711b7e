//! Attacks on the kernel: system calls, other ABIs, namespaces, terminals, mounts.

use super::raw;
use crate::linux::supervise::call::ARCH;
use crate::probe::Row;
use crate::probe::{Act, Arguments, Refusal};
use garth_plan::linux::syscalls::find;
use rustix::fd::AsRawFd;
use rustix::fs::{CWD, Mode, OFlags, openat};
use std::path::Path;

pub(super) const ACTIONS: &[Row] = &[
    ("call", by_name),
    ("future-call", future_call),
    ("own-number", own_number),
    ("unshare", unshare),
    ("clone", clone),
    ("join-namespace", join_namespace),
    ("old-gate", old_gate),
    ("x32", x32),
    ("terminal-call", terminal_call),
    ("subvolume", subvolume),
    ("personality", personality),
    ("mount", mount),
    ("remount", remount),
    ("unmount", unmount),
    ("change-root", change_root),
    ("pivot-root", pivot_root),
    ("clone-tree", clone_tree),
    ("new-mount", new_mount),
    ("change-mount", change_mount),
    ("ring", ring),
    ("second-listener", second_listener),
];

fn null(count: usize) -> Vec<usize> {
    vec![0; count]
}

/// A row of the system-call table, with arguments that mean nothing: only the filter is asked.
fn by_name(arguments: &Arguments<'_>) -> Act {
    let name = arguments.text(0)?;
    let number = find(name).and_then(|row| ARCH.number(row));
    let number = number.ok_or_else(|| Refusal::broken("not a call of this machine"))?;
    raw::call(i64::from(number), &null(6))?;
    Ok(())
}

/// A call younger than the table. Kernels that do not have it answer the same, so nothing is offered
/// either way.
fn future_call(_: &Arguments<'_>) -> Act {
    raw::call(i64::from(ARCH.newest()) + 1, &null(6))?;
    Ok(())
}

/// The raw way works for calls that are allowed.
fn own_number(_: &Arguments<'_>) -> Act {
    let number = raw::call(libc::SYS_getpid, &[])?;
    if number == i64::from(std::process::id()) { Ok(()) } else { Err(Refusal::broken("a wrong answer")) }
}

fn namespace(name: &str) -> Result<usize, Refusal> {
    let flag = match name {
        "user" => libc::CLONE_NEWUSER,
        "mount" => libc::CLONE_NEWNS,
        "pid" => libc::CLONE_NEWPID,
        "network" => libc::CLONE_NEWNET,
        "ipc" => libc::CLONE_NEWIPC,
        "uts" => libc::CLONE_NEWUTS,
        "cgroup" => libc::CLONE_NEWCGROUP,
        "none" => libc::CLONE_FS,
        _ => return Err(Refusal::broken("no such namespace")),
    };
    Ok(flag.cast_unsigned() as usize)
}

fn unshare(arguments: &Arguments<'_>) -> Act {
    raw::call(libc::SYS_unshare, &[namespace(arguments.text(0)?)?])?;
    Ok(())
}

/// `clone(2)` as `fork`, with a flag that makes a namespace.
fn clone(arguments: &Arguments<'_>) -> Act {
    let flag = match arguments.text(0)? {
        "none" => 0,
        name => namespace(name)?,
    };
    let child = raw::call(libc::SYS_clone, &[flag | libc::SIGCHLD.cast_unsigned() as usize])?;
    if child == 0 {
        raw::call(libc::SYS_exit_group, &[0])?;
    }
    Ok(())
}

fn join_namespace(arguments: &Arguments<'_>) -> Act {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let file = openat(CWD, arguments.path(0)?, flags, Mode::empty())?;
    let number = usize::try_from(file.as_raw_fd()).map_err(|_| Refusal::broken("no descriptor"))?;
    raw::call(libc::SYS_setns, &[number, 0])?;
    Ok(())
}

/// `getpid` of i386 through `int 0x80`.
#[cfg(target_arch = "x86_64")]
fn old_gate(_: &Arguments<'_>) -> Act {
    let result = raw::old_gate(20);
    if result > 0 { Ok(()) } else { Err(Refusal::Os(i32::try_from(-result).unwrap_or(libc::ENOSYS))) }
}

#[cfg(not(target_arch = "x86_64"))]
fn old_gate(_: &Arguments<'_>) -> Act {
    Err(Errno::NOSYS.into())
}

/// `getpid` by its x32 number.
fn x32(_: &Arguments<'_>) -> Act {
    raw::call(0x4000_0000 + libc::SYS_getpid, &[])?;
    Ok(())
}

fn number(request: libc::Ioctl) -> Result<usize, Refusal> {
    usize::try_from(request).map_err(|_| Refusal::broken("no request"))
}

/// An `ioctl` on a terminal of its own (request: `push`, `push-high`, `console`, `size`).
fn terminal_call(arguments: &Arguments<'_>) -> Act {
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let terminal =
        openat(CWD, "/dev/ptmx", flags, Mode::empty()).map_err(|_| Refusal::broken("no terminal"))?;
    let request = match arguments.text(0)? {
        "push" => number(libc::TIOCSTI)?,
        // The kernel looks at 32 bits of the request; a filter that compares 64 is passed by.
        "push-high" => number(libc::TIOCSTI)? | 1 << 32,
        "console" => 0x541c,
        _ => number(libc::TIOCGWINSZ)?,
    };
    let mut argument = [b'x'; 64];
    let descriptor = usize::try_from(terminal.as_raw_fd()).map_err(|_| Refusal::broken("no descriptor"))?;
    raw::call(libc::SYS_ioctl, &[descriptor, request, raw::address(&mut argument[..])])?;
    Ok(())
}

/// Makes a directory by the request of a file system that has subvolumes (directory, name).
fn subvolume(arguments: &Arguments<'_>) -> Act {
    const CREATE: usize = 0x5000_940e;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory = openat(CWD, arguments.path(0)?, flags, Mode::empty())?;
    // `struct btrfs_ioctl_vol_args`: a descriptor of 64 bits, and a name.
    let mut argument = [0u8; 4096];
    for (to, from) in argument.iter_mut().skip(8).zip(arguments.text(1)?.bytes()) {
        *to = from;
    }
    let descriptor = usize::try_from(directory.as_raw_fd()).map_err(|_| Refusal::broken("no descriptor"))?;
    raw::call(libc::SYS_ioctl, &[descriptor, CREATE, raw::address(&mut argument[..])])?;
    Ok(())
}

fn personality(arguments: &Arguments<'_>) -> Act {
    let value = match arguments.text(0)? {
        "map-page-zero" => 0x010_0000,
        "read-implies-execute" => 0x040_0000,
        _ => 0xffff_ffff,
    };
    raw::call(libc::SYS_personality, &[value])?;
    Ok(())
}

fn mount_call(source: &Path, target: &Path, kind: &str, flags: u64) -> Act {
    let (mut source, mut target, mut kind) = (raw::text(source)?, raw::text(target)?, raw::text(kind)?);
    let flags = usize::try_from(flags).map_err(|_| Refusal::broken("flags"))?;
    raw::call(
        libc::SYS_mount,
        &[
            raw::address(&mut source[..]),
            raw::address(&mut target[..]),
            raw::address(&mut kind[..]),
            flags,
            0,
        ],
    )?;
    Ok(())
}

/// Binds one place over another (source, target).
fn mount(arguments: &Arguments<'_>) -> Act {
    mount_call(arguments.path(0)?, arguments.path(1)?, "none", libc::MS_BIND | libc::MS_REC)
}

/// Makes a read-only mount writable.
fn remount(arguments: &Arguments<'_>) -> Act {
    mount_call(Path::new("none"), arguments.path(0)?, "none", libc::MS_REMOUNT | libc::MS_BIND)
}

fn unmount(arguments: &Arguments<'_>) -> Act {
    let mut path = raw::text(arguments.path(0)?)?;
    raw::call(libc::SYS_umount2, &[raw::address(&mut path[..]), libc::MNT_DETACH.cast_unsigned() as usize])?;
    Ok(())
}

fn change_root(arguments: &Arguments<'_>) -> Act {
    let mut path = raw::text(arguments.path(0)?)?;
    raw::call(libc::SYS_chroot, &[raw::address(&mut path[..])])?;
    Ok(())
}

fn pivot_root(arguments: &Arguments<'_>) -> Act {
    let mut path = raw::text(arguments.path(0)?)?;
    let address = raw::address(&mut path[..]);
    raw::call(libc::SYS_pivot_root, &[address, address])?;
    Ok(())
}

/// `open_tree(OPEN_TREE_CLONE)` of the root: a copy of the mounts that could be changed.
fn clone_tree(arguments: &Arguments<'_>) -> Act {
    let mut path = raw::text(arguments.path(0)?)?;
    raw::descriptor(
        libc::SYS_open_tree,
        &[raw::HERE, raw::address(&mut path[..]), 1 | libc::AT_RECURSIVE.cast_unsigned() as usize],
    )?;
    Ok(())
}

fn new_mount(_: &Arguments<'_>) -> Act {
    let mut kind = raw::text("tmpfs")?;
    raw::descriptor(libc::SYS_fsopen, &[raw::address(&mut kind[..]), 0])?;
    Ok(())
}

/// `mount_setattr(2)` that clears "read-only".
fn change_mount(arguments: &Arguments<'_>) -> Act {
    let mut path = raw::text(arguments.path(0)?)?;
    let mut attributes = [0u64, 1, 0, 0];
    raw::call(
        libc::SYS_mount_setattr,
        &[raw::HERE, raw::address(&mut path[..]), 0, raw::address(&mut attributes[..]), 32],
    )?;
    Ok(())
}

/// A ring for asynchronous calls, with valid parameters.
fn ring(_: &Arguments<'_>) -> Act {
    let mut parameters = [0u8; 256];
    raw::descriptor(libc::SYS_io_uring_setup, &[8, raw::address(&mut parameters[..])])?;
    Ok(())
}

/// A seccomp filter of one's own with a listener, which would answer calls in the supervisor's place.
fn second_listener(arguments: &Arguments<'_>) -> Act {
    rustix::thread::set_no_new_privs(true)?;
    // One instruction: allow everything (`BPF_RET | BPF_K`, `SECCOMP_RET_ALLOW`).
    let mut program = [libc::sock_filter { code: 0x06, jt: 0, jf: 0, k: 0x7fff_0000 }];
    let mut header = libc::sock_fprog { len: 1, filter: program.as_mut_ptr() };
    let listener = if arguments.text(0)? == "listen" { 1 << 3 } else { 0 };
    raw::call(libc::SYS_seccomp, &[1, listener, raw::address(&mut header)])?;
    Ok(())
}
