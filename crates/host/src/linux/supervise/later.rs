//! Threads that wait in place of a caller, because the supervisor must not: for the other end of a pipe, for room at a server.

use super::Answer;
use rustix::io::Errno;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// So many wait at a time. One whose caller is gone waits on, with up to two descriptors, and they must not use up those of the
/// runner, of which it may have as few as the user's shell gives it.
const MOST: usize = 128;

/// Those that wait now.
#[derive(Debug, Default)]
pub(super) struct Later(Arc<AtomicUsize>);

/// The place of one that waits; given back on drop.
struct Waiting(Arc<AtomicUsize>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Later {
    /// Has a thread of its own do what may take for ever; `EAGAIN` where too many wait already.
    pub(super) fn on(&self, work: impl FnOnce() + Send + 'static) -> Answer {
        let Some(place) = self.place() else { return Answer::Fail(Errno::AGAIN) };
        let thread = std::thread::Builder::new().stack_size(64 * 1024).spawn(move || {
            work();
            drop(place);
        });
        if thread.is_ok() { Answer::Later } else { Answer::Fail(Errno::AGAIN) }
    }

    fn place(&self) -> Option<Waiting> {
        let place = Waiting(Arc::clone(&self.0));
        // One thread alone takes places, so nobody comes between; on drop it is given back at once.
        (self.0.fetch_add(1, Ordering::AcqRel) < MOST).then_some(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[test]
    fn places_are_bounded_and_given_back() {
        let later = Later::default();
        let places: Vec<Waiting> = (0..MOST).filter_map(|_| later.place()).collect();
        assert_eq!((places.len(), later.place().is_none()), (MOST, true));
        assert!(matches!(later.on(|| ()), Answer::Fail(Errno::AGAIN)));
        drop(places);
        let (tell, told) = channel();
        assert!(matches!(later.on(move || tell.send(()).unwrap()), Answer::Later));
        told.recv().unwrap();
    }
}
