//! The log of one session from its beginning to its end, the same on every system.

use crate::Error;
use crate::audit::{Place, Recorder, Recording, open, tell};
use crate::audit_keep::prune_in;
use garth_audit::core::{BrokerError, SessionEnded, SessionStarted};
use garth_policy::Policy;
use std::thread::JoinHandle;

/// A caller's environment.
type Variables = [(Vec<u8>, Vec<u8>)];

/// How a session is recorded, and its log.
#[derive(Debug)]
pub(crate) struct SessionLog {
    pub(crate) recording: Recording,
    pub(crate) recorder: Recorder,
    place: Place,
    /// Removes old logs.
    pruning: Option<JoinHandle<()>>,
}

impl SessionLog {
    pub(crate) fn new(recording: Recording, place: Place) -> Self {
        Self { recording, recorder: None, place, pruning: None }
    }

    /// Opens the log, where there is none yet. `true` if it has to be told at once how the session starts; what is not
    /// required waits for [`Self::release`].
    ///
    /// # Errors
    /// When no name can be drawn.
    pub(crate) fn open(&mut self, policy: &Policy, environment: &Variables) -> Result<bool, Error> {
        if self.recorder.is_some() {
            return Ok(false);
        }
        let required = policy.audit.required.value;
        self.recorder = open(&mut self.place, &self.recording, required, environment)?;
        Ok(required)
    }

    /// Writes the beginning of a log that is not required. That waits for the command's first instruction: before, it would
    /// keep the runner from its work.
    pub(crate) fn release(&self, started: impl FnOnce() -> SessionStarted) {
        if let Some(log) = &self.recorder {
            log.release(started);
        }
    }

    /// A log that the policy requires has to be written.
    ///
    /// # Errors
    /// [`Error::Unrecorded`]
    pub(crate) fn holds(&self, policy: &Policy) -> Result<(), Error> {
        let required = &policy.audit.required;
        let lost = match &self.recorder {
            Some(log) if self.recording.write => log.lost(),
            _ => Some("it is not wanted here".into()),
        };
        match lost.filter(|_| required.value) {
            None => Ok(()),
            Some(cause) => Err(Error::Unrecorded {
                cause,
                place: self.place.path.to_string(),
                origin: required.origin.to_string(),
            }),
        }
    }

    /// Removes old logs beside the command, where the policy says that some are old.
    pub(crate) fn prune(&mut self, policy: &Policy, environment: &Variables) {
        let audit = &policy.audit;
        let wanted = audit.keep_for.is_some() || audit.keep_size.is_some();
        let Some(log) = self.recorder.clone().filter(|_| wanted && self.recording.write) else { return };
        let (place, audit) = (self.place.path.clone(), audit.clone());
        let environment = environment.to_vec();
        let thread = std::thread::Builder::new().spawn(move || {
            if let Err(error) = prune_in(&place, &audit, &environment) {
                log.record(BrokerError { operation: "remove old logs".into(), cause: error.to_string() });
            }
        });
        // Without a thread they stay until the next time.
        self.pruning = thread.ok();
    }

    /// Waits for what removes old logs: half of a removal would be for `garth clean`.
    pub(crate) fn settle(&mut self) {
        if let Some(pruning) = self.pruning.take() {
            let _panicked = pruning.join();
        }
    }

    /// Tells the end. What was not told before is: the session may not have come so far.
    pub(crate) fn end(&self, started: impl FnOnce() -> SessionStarted, ended: impl FnOnce() -> SessionEnded) {
        self.release(started);
        tell(&self.recorder, ended);
    }

    /// Why the session is not recorded, or not to its end, though a log was wanted.
    pub(crate) fn lost(&self) -> Option<String> {
        self.recorder.as_ref().and_then(|log| log.lost())
    }
}
