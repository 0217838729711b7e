//! Places for connections. Each has one while it lives. Where all are taken, a new client gets that of the oldest connection
//! which has not said what it wants, or else of the one that has rested longest between two requests, or else of the one
//! that has waited longest for a server. One that works is never ended for another.

use super::session::lock;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use tokio::sync::Notify;

/// Why a connection may be ended for another, first to go first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rest {
    /// Its handshake, hello or head is not complete.
    Unheard,
    /// It has asked before, was answered, and has begun nothing new.
    Idle,
    /// One of its sides has ended, and the other may go on.
    HalfClosed,
    /// Its server is being connected. One that answers is there long before the turn comes.
    Dialling,
}

/// A resting connection: why, and its turn.
type Key = (Rest, u64);

/// All places of a broker.
#[derive(Debug)]
pub(crate) struct Slots {
    state: Mutex<State>,
    /// A place was freed, or there is one more connection that may be ended.
    changed: Notify,
}

#[derive(Debug)]
struct State {
    most: usize,
    taken: usize,
    /// Clients that wait for a place.
    waiting: usize,
    /// Connections that were told to end and have not.
    ending: usize,
    next: u64,
    resting: BTreeMap<Key, Arc<Notify>>,
}

impl State {
    /// Tells the next connection in turn to end.
    fn end_one(&mut self) -> bool {
        let Some((_, end)) = self.resting.pop_first() else { return false };
        self.ending += 1;
        end.notify_one();
        true
    }
}

impl Slots {
    /// So many places; at least one.
    pub(crate) fn new(most: usize) -> Arc<Self> {
        let resting = BTreeMap::new();
        let state = State { most: most.max(1), taken: 0, waiting: 0, ending: 0, next: 0, resting };
        Arc::new(Self { state: Mutex::new(state), changed: Notify::new() })
    }

    /// Takes places away; at least one is left.
    pub(crate) fn bound(&self, most: usize) {
        let mut state = lock(&self.state);
        state.most = state.most.min(most.max(1));
    }

    pub(crate) fn most(&self) -> usize {
        lock(&self.state).most
    }

    /// Waits for a place. `ended` is called for each connection that was told to end for this one.
    pub(crate) async fn take(self: &Arc<Self>, ended: impl Fn()) -> Slot {
        let waiting = Waiting::new(self);
        loop {
            // Made before the look, so no change between the two is missed.
            let changed = self.changed.notified();
            {
                let mut state = lock(&self.state);
                if state.taken < state.most {
                    state.taken += 1;
                    drop(state);
                    drop(waiting);
                    return Slot::new(self);
                }
                let is_one_told = state.waiting > state.ending && state.end_one();
                drop(state);
                if is_one_told {
                    ended();
                }
            }
            changed.await;
        }
    }

    /// Tells the oldest resting connection to end, and waits until a place is freed, for its descriptor; false if none rests.
    pub(crate) async fn make_room(&self) -> bool {
        let changed = self.changed.notified();
        let is_one_told = lock(&self.state).end_one();
        if is_one_told {
            changed.await;
        }
        is_one_told
    }
}

/// Counts one who waits.
struct Waiting<'a>(&'a Slots);

impl<'a> Waiting<'a> {
    fn new(slots: &'a Slots) -> Self {
        lock(&slots.state).waiting += 1;
        Self(slots)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        lock(&self.0.state).waiting -= 1;
    }
}

/// One place. It is of a connection that has said nothing, until told otherwise.
#[derive(Debug)]
pub(crate) struct Slot {
    slots: Arc<Slots>,
    place: Mutex<Place>,
    end: Arc<Notify>,
}

#[derive(Debug)]
struct Place {
    key: Option<Key>,
    /// Requests that run; a tunnel that passes bytes is one.
    running: usize,
    /// True once it was told to end.
    is_ending: bool,
}

impl Slot {
    fn new(slots: &Arc<Slots>) -> Self {
        let place = Mutex::new(Place { key: None, running: 0, is_ending: false });
        let slot = Self { slots: Arc::clone(slots), place, end: Arc::default() };
        slot.turn(&mut lock(&slot.place), Some(Rest::Unheard));
        slot
    }

    /// Changes what the connection is resting for. One that goes on resting for the same keeps its turn.
    fn turn(&self, place: &mut Place, rest: Option<Rest>) {
        if place.is_ending || place.key.map(|key| key.0) == rest {
            return;
        }
        let mut state = lock(&self.slots.state);
        if let Some(key) = place.key.take()
            && state.resting.remove(&key).is_none()
        {
            place.is_ending = true;
            return;
        }
        if let Some(rest) = rest {
            let key = (rest, state.next);
            state.next += 1;
            state.resting.insert(key, Arc::clone(&self.end));
            place.key = Some(key);
            let is_wanted = state.waiting > state.ending;
            drop(state);
            if is_wanted {
                self.slots.changed.notify_waiters();
            }
        }
    }

    /// The connection has said what it wants, or something else is waited for than the client.
    pub(crate) fn works(&self) {
        let mut place = lock(&self.place);
        place.running = 1;
        self.turn(&mut place, None);
    }

    /// The client has to say something from here on.
    pub(crate) fn waits(&self) {
        let mut place = lock(&self.place);
        place.running = 0;
        self.turn(&mut place, Some(Rest::Unheard));
    }

    /// Its server is being connected from here on. A connection with further requests goes on working.
    pub(crate) fn dials(&self) {
        let mut place = lock(&self.place);
        if place.running <= 1 {
            self.turn(&mut place, Some(Rest::Dialling));
        }
    }

    /// The server was connected, or is not to be had.
    pub(crate) fn dialled(&self) {
        let mut place = lock(&self.place);
        if place.key.is_some_and(|key| key.0 == Rest::Dialling) {
            self.turn(&mut place, None);
        }
    }

    /// One side has ended.
    pub(crate) fn half_closed(&self) {
        let mut place = lock(&self.place);
        place.running = 0;
        self.turn(&mut place, Some(Rest::HalfClosed));
    }

    /// A request began.
    pub(crate) fn begin(&self) {
        let mut place = lock(&self.place);
        place.running += 1;
        self.turn(&mut place, None);
    }

    /// A request ended, but for what is not written yet of its answer.
    pub(crate) fn finish(&self) {
        let mut place = lock(&self.place);
        place.running = place.running.saturating_sub(1);
    }

    /// All is written. If no request runs the connection rests.
    pub(crate) fn flushed(&self) {
        let mut place = lock(&self.place);
        if place.running == 0 && place.key.is_none() {
            self.turn(&mut place, Some(Rest::Idle));
        }
    }

    /// Bytes came. If the connection rested they are the start of a request.
    pub(crate) fn heard(&self) {
        let mut place = lock(&self.place);
        if place.key.is_some_and(|key| key.0 == Rest::Idle) {
            self.turn(&mut place, Some(Rest::Unheard));
        }
    }

    /// Waits until the connection has to end.
    pub(crate) async fn ended(&self) {
        self.end.notified().await;
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let place = lock(&self.place);
        let mut state = lock(&self.slots.state);
        state.taken -= 1;
        let is_removed = place.key.is_some_and(|key| state.resting.remove(&key).is_none());
        if place.is_ending || is_removed {
            state.ending -= 1;
        }
        drop(state);
        self.slots.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    fn is_told(slot: &Slot) -> bool {
        use std::task::{Context, Poll, Waker};
        let mut told = std::pin::pin!(slot.ended());
        told.as_mut().poll(&mut Context::from_waker(Waker::noop())) == Poll::Ready(())
    }

    /// Takes a place while another task runs; what was told meanwhile is counted.
    fn taking(slots: &Arc<Slots>) -> (tokio::task::JoinHandle<Slot>, Arc<AtomicUsize>) {
        let (slots, count) = (Arc::clone(slots), Arc::new(AtomicUsize::new(0)));
        let counted = Arc::clone(&count);
        let taken = tokio::spawn(async move {
            slots
                .take(|| {
                    counted.fetch_add(1, Ordering::Relaxed);
                })
                .await
        });
        (taken, count)
    }

    async fn settle() {
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn the_oldest_unheard_goes_first_then_the_longest_idle_and_none_that_works() {
        let slots = Slots::new(4);
        let [idle, unheard, works, later] = [
            slots.take(|| {}).await,
            slots.take(|| {}).await,
            slots.take(|| {}).await,
            slots.take(|| {}).await,
        ];
        idle.begin();
        idle.finish();
        idle.flushed();
        works.works();
        works.flushed();
        // A letter more does not make it younger.
        unheard.heard();
        let mut held = vec![(0, idle), (1, unheard), (2, works), (3, later)];
        for next in [1, 3, 0] {
            let (taken, told) = taking(&slots);
            settle().await;
            let mut gone: Vec<_> = held.extract_if(.., |(_, slot)| is_told(slot)).collect();
            assert!(gone.len() == 1 && !taken.is_finished());
            assert_eq!(gone.pop().map(|(number, _)| number), Some(next));
            let fresh = taken.await.unwrap();
            fresh.works();
            held.push((9, fresh));
            assert_eq!(told.load(Ordering::Relaxed), 1);
        }
    }

    #[tokio::test]
    async fn who_waits_for_a_server_goes_last_and_works_once_it_is_there() {
        let slots = Slots::new(4);
        let [dials, more, idle, half] = [
            slots.take(|| {}).await,
            slots.take(|| {}).await,
            slots.take(|| {}).await,
            slots.take(|| {}).await,
        ];
        dials.works();
        dials.dials();
        // A second request on the same connection is not ended for the first one's server.
        more.begin();
        more.begin();
        more.dials();
        half.works();
        half.half_closed();
        idle.begin();
        idle.finish();
        idle.flushed();
        let mut held = vec![(0, dials), (1, more), (2, idle), (3, half)];
        for next in [2, 3, 0] {
            let (taken, _) = taking(&slots);
            settle().await;
            let mut gone: Vec<_> = held.extract_if(.., |(_, slot)| is_told(slot)).collect();
            assert_eq!(gone.pop().map(|(number, _)| number), Some(next));
            drop(gone);
            let fresh = taken.await.unwrap();
            fresh.works();
            fresh.dials();
            fresh.dialled();
            held.push((9, fresh));
        }
        let (taken, _) = taking(&slots);
        settle().await;
        assert!(!taken.is_finished() && !held.iter().any(|(_, slot)| is_told(slot)));
    }

    #[tokio::test]
    async fn who_finds_only_working_ones_waits_until_one_rests() {
        let slots = Slots::new(1);
        let first = slots.take(|| {}).await;
        first.begin();
        first.begin();
        let (taken, told) = taking(&slots);
        first.finish();
        first.flushed();
        settle().await;
        assert!(!is_told(&first), "one request still runs");
        first.finish();
        settle().await;
        assert!(!is_told(&first), "the answer is not written");
        first.flushed();
        settle().await;
        assert!(is_told(&first));
        // Whatever it says now, it ends; and nobody else is told instead of it.
        first.begin();
        first.finish();
        first.flushed();
        settle().await;
        assert!(!taken.is_finished());
        drop(first);
        let second = taken.await.unwrap();
        assert_eq!((told.load(Ordering::Relaxed), lock(&slots.state).ending), (1, 0));
        drop(second);
        let state = lock(&slots.state);
        assert_eq!((state.taken, state.waiting, state.ending, state.resting.len()), (0, 0, 0, 0));
    }

    #[tokio::test]
    async fn each_who_waits_ends_one_and_no_more() {
        let slots = Slots::new(20);
        let mut held = Vec::new();
        for _ in 0..20 {
            held.push(slots.take(|| {}).await);
        }
        let waiting: Vec<_> = (0..5).map(|_| taking(&slots)).collect();
        settle().await;
        let told: Vec<bool> = held.iter().map(is_told).collect();
        assert!(told[..5].iter().all(|told| *told) && !told[5..].iter().any(|told| *told), "{told:?}");
        drop(held.drain(..5));
        for (taken, _) in waiting {
            tokio::time::timeout(Duration::from_secs(20), taken).await.expect("a place").unwrap();
        }
        assert!(!held.iter().any(is_told));
    }

    #[tokio::test]
    async fn room_is_made_for_a_descriptor_by_the_oldest_that_rests() {
        let slots = Slots::new(9);
        let [works, rests] = [slots.take(|| {}).await, slots.take(|| {}).await];
        works.works();
        let maker = Arc::clone(&slots);
        let made = tokio::spawn(async move { maker.make_room().await });
        settle().await;
        assert!(is_told(&rests) && !is_told(&works));
        drop(rests);
        assert!(made.await.unwrap());
        assert!(!slots.make_room().await, "the one that works is left");
        slots.bound(0);
        assert_eq!(slots.most(), 1);
    }
}
