//! Questions of sessions on systems where a session has no door: they are shown, and answered where the session asks.

use super::state::Watched;
use garth::log::core::SessionId;
use std::io;
use std::path::Path;

/// No visits.
#[derive(Debug, Default)]
pub struct Visits(());

impl Visits {
    /// Says of each question that waits where it is answered.
    #[expect(clippy::unused_self, reason = "elsewhere there are visits")]
    pub fn hear(
        &mut self,
        watched: &mut Watched,
        _log: &Path,
        _environment: &[(Vec<u8>, Vec<u8>)],
    ) -> Option<String> {
        for pending in &mut watched.pending {
            pending.problem = Some("on this system it is answered where the session asks".to_owned());
        }
        None
    }

    /// Sends no answer.
    ///
    /// # Errors
    /// Always.
    #[expect(clippy::unused_self, reason = "elsewhere there are visits")]
    pub fn answer(&mut self, _session: SessionId, _question: u64, _answer: &str) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}
