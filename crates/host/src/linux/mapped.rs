//! Mounts of the system's directories in which root's files are a stranger's, for a target that carries root's
//! number.
//!
//! The file system belongs to the machine's own user namespace, so only root there may map its owners; the
//! broker does it and sends the mounts to the runner, which only puts them in their place.

use super::message::{Sender, ToRunner, receive};
use super::sys::mount::map_owners;
use super::sys::namespace;
use crate::OsError;
use crate::error::Context;
use crate::linux::inside::view::{attributes, cloned, restricted};
use garth_plan::facts::HostFacts;
use garth_plan::linux::is_system;
use garth_plan::linux::spec::{LaunchSpec, MountFlags, ViewStep};
use garth_policy::AbsPath;
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::fstat;
use rustix::io::Errno;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

/// Mounts by the path at which they are to appear.
pub type Mounts = HashMap<AbsPath, OwnedFd>;

/// Everybody but root keeps his number; root's has no counterpart, so its files belong to nobody.
const MAP: &[u8] = b"1 1 4294967294\n";

/// The namespace that says how owners are mapped; made once.
fn owners() -> Result<&'static OwnedFd, Errno> {
    static OWNERS: OnceLock<Result<OwnedFd, Errno>> = OnceLock::new();
    OWNERS.get_or_init(|| namespace::user(MAP)).as_ref().map_err(|errno| *errno)
}

/// Tries, as root, which of the system's directories can be mounted so.
pub fn look(facts: &mut HostFacts) {
    if facts.user.uid != 0 {
        return;
    }
    let wanted = facts.paths.iter().filter(|(path, _)| is_system(path));
    let objects = wanted.filter_map(|(_, fact)| fact.object());
    let able = objects.filter(|object| mount(&object.final_path, object.id, READ_ONLY).is_ok());
    facts.mappable = able.map(|object| object.final_path.clone()).collect();
}

const READ_ONLY: MountFlags = MountFlags { read_only: true, no_exec: false, no_dev: true };

/// A detached mount of an object of the host.
fn mount(
    source: &AbsPath,
    expect: garth_plan::linux::spec::FileId,
    flags: MountFlags,
) -> Result<OwnedFd, OsError> {
    let tree = cloned(source, expect)?;
    let owners = owners().on("map the owners in", source)?;
    map_owners(tree.as_fd(), attributes(flags), owners.as_fd()).on("map the owners in", source)?;
    Ok(tree)
}

/// Makes the mounts that an order needs and puts them into the runner's socket.
///
/// # Errors
/// A mount that could be made a moment ago and cannot be now.
pub fn send(spec: &LaunchSpec, socket: impl AsFd) -> Result<(), OsError> {
    if spec.mapped.is_empty() {
        return Ok(());
    }
    let socket = rustix::io::fcntl_dupfd_cloexec(socket, 0).on("copy", "the runner's socket")?;
    let sender = Sender::new(Arc::new(socket));
    for path in &spec.mapped {
        let bind = spec.view.iter().find_map(|step| match step {
            ViewStep::Bind { source, expect, path: at, flags, .. } if at == path => {
                Some((source, *expect, *flags))
            }
            _ => None,
        });
        let (source, expect, flags) = bind.ok_or(Errno::INVAL).on("find in the plan", path)?;
        sender.send_with(&ToRunner::Mount, &[mount(source, expect, flags)?.as_fd()]);
    }
    Ok(())
}

/// Takes the mounts out of the socket.
///
/// # Errors
/// `EBADMSG` when something else arrives.
pub fn take(spec: &LaunchSpec, socket: impl AsFd) -> Result<Mounts, OsError> {
    let mut mounts = Mounts::new();
    for path in &spec.mapped {
        match receive::<ToRunner>(socket.as_fd()) {
            Ok(Some((ToRunner::Mount, Some(mount)))) => mounts.insert(path.clone(), mount),
            Ok(_) => return Err(Errno::BADMSG).on("receive the mount of", path),
            Err(errno) => return Err(errno).on("receive the mount of", path),
        };
    }
    Ok(mounts)
}

/// The mount for a bind: one that the broker made, if it made one, or a copy of the host's.
///
/// # Errors
/// An object that is not the one of the plan.
pub fn bound(
    mounts: &mut Mounts,
    path: &AbsPath,
    source: &AbsPath,
    expect: garth_plan::linux::spec::FileId,
    flags: MountFlags,
) -> Result<OwnedFd, OsError> {
    let Some(mount) = mounts.remove(path) else {
        return restricted(source, expect, flags);
    };
    let stat = fstat(&mount).on("look at", source)?;
    if (stat.st_dev, stat.st_ino) == (expect.device, expect.inode) {
        Ok(mount)
    } else {
        Err(Errno::STALE).on("mount", source)
    }
}

/// Reads back that nothing at these places belongs to this user, who is root.
///
/// # Errors
/// The first one that does: the sandbox must not start.
pub fn read_back(spec: &LaunchSpec) -> Result<(), OsError> {
    for path in &spec.mapped {
        let name = std::ffi::CString::new(path.as_bytes()).map_err(|_| Errno::INVAL).on("look at", path)?;
        let stat = rustix::fs::stat(name.as_c_str()).on("look at", path)?;
        if stat.st_uid == 0 || stat.st_gid == 0 {
            return Err(Errno::IO).on("map the owners in", path).map_err(|error| {
                error.with_remedy("the kernel did not apply the mapping; please report this machine")
            });
        }
    }
    Ok(())
}
