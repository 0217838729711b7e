//! The files that this process holds open: how many it may, and which of them a target may get.

use rustix::fs::{FileType, OFlags, fcntl_getfl, fstat};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// A standard stream that no target may get, and what it is: from a directory, and from a descriptor that only names a file
/// (`O_PATH`), the way leads up through the whole tree of the host. One that is closed is none.
#[must_use]
pub fn unfit_stream() -> Option<(&'static str, &'static str)> {
    let streams = [
        ("standard input", rustix::stdio::stdin()),
        ("standard output", rustix::stdio::stdout()),
        ("standard error", rustix::stdio::stderr()),
    ];
    streams.into_iter().find_map(|(name, stream)| {
        let is_directory =
            fstat(stream).is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Directory);
        if is_directory {
            return Some((name, "a directory"));
        }
        let only_names = fcntl_getfl(stream).is_ok_and(|flags| flags.contains(OFlags::PATH));
        only_names.then_some((name, "a descriptor that only names a file"))
    })
}

/// Raises the soft limit on open files to the hard one (`getrlimit(2)`): a broker holds two for each connection, and the
/// usual soft limit of 1024 is there for `select(2)`, which it does not use. Call it after the runner was started, which
/// hands its own limits on to the target. A limit that cannot be raised stays as it is.
pub fn raise() {
    let limit = getrlimit(Resource::Nofile);
    let _as_it_is = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
}
