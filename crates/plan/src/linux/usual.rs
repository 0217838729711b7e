//! Steps that nearly every file view has: a runner that waits for its order takes them beforehand.
//!
//! Nothing is granted by this. What was built beforehand is used only if the order asks for the very same steps, down to
//! the identity of each object; else it is thrown away, and the view is built from the order alone.

use super::spec::{FileId, MountFlags, ViewStep};
use super::strangers::is_kernel_tree;
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

/// The usual steps for a user on a machine, on which `link` reads what a link says and `look` tells what else stands at a
/// path to which no link leads. They are asked for paths in their order.
#[must_use]
pub fn usual(
    user: u32,
    link: impl Fn(&AbsPath) -> Option<Vec<u8>>,
    mut look: impl FnMut(&AbsPath) -> Option<(NodeKind, FileId)>,
) -> Vec<ViewStep> {
    let linked = |path: &AbsPath| link(path).map(|target| ViewStep::Symlink { path: path.clone(), target });
    USUAL
        .iter()
        .filter_map(|(path, usual)| {
            let path = AbsPath::posix(*path).ok()?;
            match usual {
                // As root the mounts come from the broker, with their owners mapped.
                Usual::Tree if user == 0 && !is_kernel_tree(&path) => linked(&path),
                Usual::Tree => linked(&path).or_else(|| tree(look(&path)?, path)),
                Usual::Device => device(look(&path)?, path),
                Usual::Link => linked(&path),
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

fn tree((kind, id): (NodeKind, FileId), path: AbsPath) -> Option<ViewStep> {
    let flags = MountFlags { read_only: true, no_exec: false, no_dev: true };
    (kind == NodeKind::Directory).then(|| bind(id, path, true, flags))
}

fn device((kind, id): (NodeKind, FileId), path: AbsPath) -> Option<ViewStep> {
    let flags = MountFlags { read_only: true, no_exec: true, no_dev: false };
    (kind == NodeKind::Other).then(|| bind(id, path, false, flags))
}

fn bind(expect: FileId, path: AbsPath, directory: bool, flags: MountFlags) -> ViewStep {
    ViewStep::Bind { source: path.clone(), expect, directory, path, flags }
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
