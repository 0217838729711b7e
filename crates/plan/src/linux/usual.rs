//! Steps that nearly every file view has: a runner that waits for its order takes them beforehand.
//!
//! Nothing is granted by this. What was built beforehand is used only if the order asks for the very same steps, down to
//! the identity of each object; else it is thrown away, and the view is built from the order alone.

use super::spec::{MountFlags, ViewStep};
use super::strangers::is_kernel_tree;
use crate::facts::Object;
use garth_policy::{AbsPath, NodeKind};

/// What is usual at a path.
#[derive(Clone, Copy)]
enum Usual {
    /// The host's tree, read-only; or the link that stands there.
    Tree,
    /// A device that everybody may use.
    Device,
    /// The host's link.
    Link,
    /// A link of the sandbox's own.
    OwnLink(&'static str),
    /// A directory of the sandbox's own, with this mode.
    Private(u32),
    /// `proc`.
    Proc,
    /// `devpts`.
    Terminals,
}

/// Sorted: a directory before what is in it.
const USUAL: [(&str, Usual); 31] = [
    ("/bin", Usual::Tree),
    ("/dev/fd", Usual::Link),
    ("/dev/full", Usual::Device),
    ("/dev/mqueue", Usual::Private(0o700)),
    ("/dev/null", Usual::Device),
    ("/dev/ptmx", Usual::OwnLink("pts/ptmx")),
    ("/dev/pts", Usual::Terminals),
    ("/dev/random", Usual::Device),
    ("/dev/shm", Usual::Private(0o1777)),
    ("/dev/stderr", Usual::Link),
    ("/dev/stdin", Usual::Link),
    ("/dev/stdout", Usual::Link),
    ("/dev/tty", Usual::Device),
    ("/dev/urandom", Usual::Device),
    ("/dev/zero", Usual::Device),
    ("/etc", Usual::Tree),
    ("/lib", Usual::Tree),
    ("/lib32", Usual::Tree),
    ("/lib64", Usual::Tree),
    ("/libx32", Usual::Tree),
    ("/opt", Usual::Tree),
    ("/proc", Usual::Proc),
    ("/run/user", Usual::Private(0o700)),
    ("/sbin", Usual::Tree),
    ("/sys/devices/system", Usual::Tree),
    ("/sys/kernel/mm/transparent_hugepage", Usual::Tree),
    ("/tmp", Usual::Private(0o1777)),
    ("/usr", Usual::Tree),
    ("/var/cache/fontconfig", Usual::Tree),
    ("/var/lib/dpkg", Usual::Tree),
    ("/var/tmp", Usual::Private(0o1777)),
];

/// The usual steps for a user on a machine on which `look` finds what is there. It is asked for paths in their order.
#[must_use]
pub fn usual(user: u32, mut look: impl FnMut(&AbsPath) -> Option<Object>) -> Vec<ViewStep> {
    USUAL
        .iter()
        .filter_map(|(path, usual)| {
            let path = AbsPath::posix(*path).ok()?;
            match usual {
                Usual::Tree if user == 0 && !is_kernel_tree(&path) => {
                    // As root the mounts come from the broker, with their owners mapped.
                    let step = shown(look(&path)?, path, *usual)?;
                    matches!(step, ViewStep::Symlink { .. }).then_some(step)
                }
                Usual::Tree | Usual::Device | Usual::Link => shown(look(&path)?, path, *usual),
                Usual::OwnLink(target) => {
                    Some(ViewStep::Symlink { path, target: target.as_bytes().to_vec() })
                }
                Usual::Private(mode) => Some(ViewStep::Directory { path, mode: *mode }),
                Usual::Proc => Some(ViewStep::Proc { path, guard_settings: user == 0 }),
                Usual::Terminals => Some(ViewStep::Terminals { path }),
            }
        })
        .collect()
}

fn shown(object: Object, path: AbsPath, usual: Usual) -> Option<ViewStep> {
    match (object.kind, usual) {
        (NodeKind::Symlink, Usual::Tree | Usual::Link) => {
            Some(ViewStep::Symlink { path, target: object.link? })
        }
        (NodeKind::Directory, Usual::Tree) => {
            let flags = MountFlags { read_only: true, no_exec: false, no_dev: true };
            Some(bind(&object, path, true, flags))
        }
        (NodeKind::Other, Usual::Device) => {
            let flags = MountFlags { read_only: true, no_exec: true, no_dev: false };
            Some(bind(&object, path, false, flags))
        }
        _ => None,
    }
}

fn bind(object: &Object, path: AbsPath, directory: bool, flags: MountFlags) -> ViewStep {
    ViewStep::Bind { source: object.final_path.clone(), expect: object.id, directory, path, flags }
}

/// Whether a view that has been begun with `begun` can be finished to be `wanted`: all of it is wanted, and nothing
/// that is still to come would cover it.
#[must_use]
pub fn fits(begun: &[ViewStep], wanted: &[ViewStep]) -> bool {
    let covers = |step: &ViewStep, path: &AbsPath| match step {
        ViewStep::Directory { .. } | ViewStep::Symlink { .. } => false,
        _ => path.starts_with(step.path()),
    };
    begun.iter().all(|step| wanted.contains(step))
        && wanted
            .iter()
            .filter(|step| !begun.contains(step))
            .all(|step| !begun.iter().any(|begun| covers(step, begun.path())))
}
