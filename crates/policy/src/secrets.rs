//! Credentials and private records, as data: denied in every profile, opened only by a rule of the user or the
//! administrator that names the very path.

use crate::context::Os;
use crate::places::{Place, expand};

pub use table::{ANYWHERE, LINUX, MACOS, POSIX, WINDOWS};

mod table;

/// One credential: where it lies and what it would give away.
pub type SecretRow = Place;

/// All rows that apply on `os`.
pub fn rows(os: Os) -> impl Iterator<Item = &'static SecretRow> {
    let own: [&'static [SecretRow]; 3] = match os {
        Os::Linux => [ANYWHERE, POSIX, LINUX],
        Os::MacOs => [ANYWHERE, POSIX, MACOS],
        Os::Windows => [ANYWHERE, &[], WINDOWS],
    };
    own.into_iter().flatten()
}

/// The secrets as concrete paths.
pub(crate) fn paths(
    context: &crate::context::Context,
) -> impl Iterator<Item = (crate::path::AbsPath, &'static SecretRow)> {
    rows(context.os).filter_map(move |row| expand(row.path, context).map(|path| (path, row)))
}
