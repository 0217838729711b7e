//! What the broker of one sandbox tells: for the log, and for those who wait for the end.

use crate::audit::Recorder;
use crate::audit_network::Network;
use crate::refusals::Refused;
use garth_egress::core::{Canary, Decided, Event, Fault};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long the ends of connections are waited for when the sandbox is gone.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// Hears a broker.
#[derive(Debug)]
pub(crate) struct Heard {
    refused: Mutex<Refused>,
    told: Mutex<Network>,
}

impl Heard {
    /// Tells on to this log, if there is one.
    pub(crate) fn new(recorder: &Recorder) -> Arc<Self> {
        let told = Mutex::new(Network::new(recorder.clone()));
        Arc::new(Self { refused: Mutex::default(), told })
    }

    /// Takes an event.
    pub(crate) fn take(&self, event: Event) {
        self.told().tell(&event);
        let mut refused = self.kept();
        match event {
            Event::Decided(decided) => refused.take(*decided),
            Event::Fault(fault) => refused.fault(fault),
            Event::Closed(_) | Event::Secrets(_) => {}
        }
    }

    /// The session itself asks for these names, each once.
    pub(crate) fn expect(&self, canary: &Canary) {
        self.kept().expected = Some(canary.forbidden.clone());
        self.told().expect(canary.allowed.iter().chain([&canary.forbidden]));
    }

    /// Waits a moment for the ends of connections, whose client is gone: they say how many bytes there were.
    pub(crate) fn settle(&self) {
        let end = Instant::now() + LAST_WORDS;
        while self.told().has_open() && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// What failed in the broker itself so far, each once.
    pub(crate) fn faults(&self) -> Vec<Fault> {
        std::mem::take(&mut self.kept().faults)
    }

    /// What was refused so far, each host and port once.
    pub(crate) fn refused(&self) -> Vec<Decided> {
        std::mem::take(&mut self.kept().kept)
    }

    fn told(&self) -> MutexGuard<'_, Network> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn kept(&self) -> MutexGuard<'_, Refused> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
