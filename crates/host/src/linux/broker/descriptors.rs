//! How many files this process may hold open.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the soft limit on open files to the hard one (`getrlimit(2)`): a broker holds two for each connection, and the
/// usual soft limit of 1024 is there for `select(2)`, which it does not use. Call it after the runner was started, which
/// hands its own limits on to the target. A limit that cannot be raised stays as it is.
pub fn raise() {
    let limit = getrlimit(Resource::Nofile);
    let _as_it_is = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
}
