//! What all connections of a session share.

use super::authority::Authority;
use super::config::{Approve, Config, Limits, Resolve, Sink};
use super::dial::TlsClient;
use super::resolving::Resolving;
use super::slots::{Slot, Slots};
use crate::core::{
    Answer, Canary, Code, Event, Fault, Grants, Hint, Host, Judge, Meter, Question, Ruling, Secrets,
    Synthetic, Token, Upstream, Verdict,
};
use garth_policy::NetworkBudget;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;

/// How long a refusal of the approver holds for the same host and port.
const REFUSAL_HOLDS: Duration = Duration::from_secs(60);

/// A failure within this time of the last is the same trouble.
const GOES_ON: Duration = Duration::from_secs(60);

/// Refusals that are remembered.
const MOST_REFUSALS: usize = 4096;

/// Connections that wait for an answer of the approver; more are refused, for they would hold places that others need.
const MOST_ASKING: usize = 256;

pub(crate) struct Session {
    pub(crate) judge: Judge,
    pub(crate) secrets: Secrets,
    pub(crate) upstream: Upstream,
    pub(crate) limits: Limits,
    pub(crate) resolver: Arc<dyn Resolve>,
    pub(crate) resolving: Resolving,
    pub(crate) authority: Option<Authority>,
    pub(crate) tls: TlsClient,
    pub(crate) slots: Arc<Slots>,
    pub(crate) bounds_uploads: bool,
    budget: NetworkBudget,
    grants: Mutex<Grants>,
    meter: Mutex<Meter>,
    synthetic: Mutex<Synthetic>,
    sink: Arc<dyn Sink>,
    approver: Option<Arc<dyn Approve>>,
    refusals: tokio::sync::Mutex<HashMap<(Host, u16), Instant>>,
    asking: Semaphore,
    /// When a connection could not be accepted.
    accepting: Mutex<Option<Instant>>,
    /// Connections that were ended for others.
    ended: AtomicU64,
    began: Instant,
    numbers: AtomicU64,
}

/// A poisoned lock holds data that is still sound: every change under a lock here is one insertion.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Session {
    pub(crate) fn new(config: Config, synthetic: Synthetic, authority: Option<Authority>) -> Self {
        let budget = config.network.budget.clone();
        let bounds_uploads = config.network.bounds_uploads();
        let judge = Judge::new(config.network, config.own_addresses);
        let meter = Meter::new(config.budgets);
        Self {
            judge: if config.approver.is_some() { judge.asking() } else { judge },
            secrets: config.secrets,
            upstream: config.upstream,
            slots: Slots::new(config.limits.connections),
            limits: config.limits,
            resolver: config.resolver,
            resolving: Resolving::default(),
            authority,
            tls: TlsClient::new(config.roots),
            bounds_uploads: bounds_uploads || meter.bounds_uploads(),
            budget,
            grants: Mutex::new(Grants::none()),
            meter: Mutex::new(meter),
            synthetic: Mutex::new(synthetic),
            sink: config.sink,
            approver: config.approver,
            refusals: tokio::sync::Mutex::new(HashMap::new()),
            asking: Semaphore::new(MOST_ASKING.min(config.limits.connections.div_ceil(2))),
            accepting: Mutex::new(None),
            ended: AtomicU64::new(0),
            began: Instant::now(),
            numbers: AtomicU64::new(1),
        }
    }

    pub(crate) fn next_number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn grants(&self) -> MutexGuard<'_, Grants> {
        lock(&self.grants)
    }

    pub(crate) fn synthetic(&self) -> MutexGuard<'_, Synthetic> {
        lock(&self.synthetic)
    }

    pub(crate) fn emit(&self, event: Event) {
        self.sink.event(event);
    }

    pub(crate) fn fault(&self, operation: &str, cause: &dyn std::fmt::Display) {
        self.emit(Event::Fault(Fault { operation: operation.to_owned(), cause: cause.to_string() }));
    }

    /// Tells that no connection can be accepted, once for as long as that goes on.
    pub(crate) fn cannot_accept(&self, error: &std::io::Error) {
        let before = lock(&self.accepting).replace(Instant::now());
        if before.is_none_or(|then| then.elapsed() > GOES_ON) {
            self.fault("accept a connection", error);
        }
    }

    /// Waits for a place for one more connection.
    pub(crate) async fn slot(&self) -> Slot {
        self.slots.take(|| self.tell_ended("are taken")).await
    }

    /// Ends a connection that rests, if that is what helps against this error; true if one was.
    pub(crate) async fn makes_room(&self, error: &std::io::Error) -> bool {
        let is_full = matches!(error.raw_os_error(), Some(23 | 24)) && cfg!(unix);
        if !is_full || !self.slots.make_room().await {
            return false;
        }
        self.tell_ended("there are descriptors for are taken");
        true
    }

    /// Tells how many connections were ended for others: the first, and then at each power of ten.
    fn tell_ended(&self, which: &str) {
        let count = self.ended.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        if count.checked_ilog10().is_some_and(|power| 10_u64.pow(power) == count) {
            let most = self.slots.most();
            let cause = format!(
                "all that {which} (at most {most}), so the oldest that had not said what it wants was ended for \
                 the next; {count} so far"
            );
            self.fault(crate::core::CROWDED, &cause);
        }
    }

    /// Takes secrets out of headers that come back.
    pub(crate) fn scrub(&self, headers: &mut http::HeaderMap, tokens: &[Token]) {
        for value in headers.values_mut() {
            let scrubbed = self.secrets.scrub(value.as_bytes(), tokens).map(http::HeaderValue::try_from);
            if let Some(Ok(scrubbed)) = scrubbed {
                *value = scrubbed;
            }
        }
    }

    /// Counts a name against the rate of new ones.
    pub(crate) fn note_name(&self, host: &Host) -> Result<(), Ruling> {
        let origin = &self.budget.new_names.origin;
        let noted = lock(&self.meter).name(host, self.began.elapsed());
        noted.map_err(|ruling| Ruling { origin: Some(origin.clone()), ..ruling })
    }

    /// Names that the session itself asks for, and which count for nobody.
    pub(crate) fn canary(&self) -> Canary {
        let canary = self.judge.canary();
        if let Some(Ok(host)) = canary.allowed.as_deref().map(Host::read) {
            lock(&self.meter).exempt(host);
        }
        canary
    }

    /// Counts bytes against the host's budgets before they are sent: the session's, and that of a rule.
    pub(crate) fn upload(&self, host: &Host, port: u16, bytes: usize) -> Result<(), Ruling> {
        if !self.bounds_uploads {
            return Ok(());
        }
        let own = self.judge.upload_rule(host, port);
        let most = own.map(|(most, _)| most);
        let counted = lock(&self.meter).upload(host, most, u64::try_from(bytes).unwrap_or(u64::MAX));
        counted.map_err(|ruling| match own.filter(|_| ruling.hint.is_none()) {
            Some((most, rule)) => {
                let hint = Hint::rule_budget(&rule.host, most.saturating_mul(2));
                Ruling { origin: Some(rule.origin.clone()), ..ruling }.hinted(hint)
            }
            None => {
                let origin = self.budget.upload.as_ref().map(|upload| &upload.origin);
                Ruling { origin: origin.cloned(), ..ruling }
            }
        })
    }

    /// How many more bytes may go to the host.
    pub(crate) fn left(&self, host: &Host, port: u16) -> usize {
        if !self.bounds_uploads {
            return usize::MAX;
        }
        let own = self.judge.upload_rule(host, port).map(|(most, _)| most);
        usize::try_from(lock(&self.meter).left(host, own)).unwrap_or(usize::MAX)
    }

    /// Decides a connection, asking the approver where that is what the rules say.
    pub(crate) async fn decide(
        &self,
        host: &Host,
        port: u16,
        client: Option<std::net::SocketAddr>,
    ) -> Result<Ruling, Ruling> {
        let mut ruling = self.judge.connect(host, port, &self.grants());
        if ruling.verdict == Verdict::Ask {
            ruling = self.ask(host, port, client, ruling).await;
        }
        if !ruling.is_allowed() {
            return Err(ruling);
        }
        self.note_name(host)?;
        Ok(ruling)
    }

    /// One question at a time. Who waited for the answer to the same question gets it without asking again.
    async fn ask(
        &self,
        host: &Host,
        port: u16,
        client: Option<std::net::SocketAddr>,
        ruling: Ruling,
    ) -> Ruling {
        let Some(approver) = self.approver.clone() else {
            return Ruling { verdict: Verdict::Deny, ..ruling };
        };
        let Ok(_asking) = self.asking.try_acquire() else {
            let reason = "no rule names the host, and too many others wait for an answer";
            return Ruling { hint: ruling.hint, ..Ruling::deny(Code::NotApproved, reason) };
        };
        let key = (host.clone(), port);
        let mut refusals = self.refusals.lock().await;
        let again = self.judge.connect(host, port, &self.grants());
        if again.is_allowed() {
            return again;
        }
        let refused = refusals.get(&key).is_some_and(|then| then.elapsed() < REFUSAL_HOLDS);
        let answer = if refused {
            None
        } else {
            let reason = ruling.reason.clone();
            let question = Question { host: host.clone(), port, client, reason, hint: ruling.hint.clone() };
            let asked = tokio::task::spawn_blocking(move || approver.approve(&question));
            tokio::time::timeout(self.limits.approval, asked).await.ok().and_then(Result::ok)
        };
        match answer {
            Some(Answer::Session) => self.grants().add(host.clone(), port),
            Some(Answer::Once) => {}
            Some(Answer::Deny) | None => {
                if refusals.len() >= MOST_REFUSALS {
                    refusals.clear();
                }
                refusals.entry(key).or_insert_with(Instant::now);
                let reason = "no rule names the host, and it was not approved";
                return Ruling { hint: ruling.hint, ..Ruling::deny(Code::NotApproved, reason) };
            }
        }
        Ruling { verdict: Verdict::Allow, hint: None, ..Ruling::deny(Code::Approved, "it was approved") }
    }
}
