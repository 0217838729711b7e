//! How much goes out to a host, and how fast new names are asked for.

use super::host::Host;
use super::ruling::{Code, Hint, Ruling};
use core::time::Duration;
use std::borrow::Cow;
use std::collections::{HashMap, HashSet, VecDeque};

/// So many in so long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many.
    pub count: usize,
    /// In which time.
    pub per: Duration,
}

/// Bounds of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budgets {
    /// Bytes that may be sent to one host; `None` for any number.
    pub upload: Option<u64>,
    /// How fast names that were not asked for before may be asked for; `None` for any rate. It bounds what can be
    /// told to an allowed domain's name server in the names themselves.
    pub new_names: Option<Rate>,
}

/// Hosts that are counted apart; what comes after them is counted together.
const MOST_HOSTS: usize = 16_384;

/// Under which host bytes are counted: the loopback has many names and is one host.
fn counted(host: &Host) -> Cow<'_, Host> {
    if host.is_loopback() { Cow::Owned(Host::Name("localhost".to_owned())) } else { Cow::Borrowed(host) }
}

/// Counts against the budgets.
#[derive(Clone, Debug)]
pub struct Meter {
    budgets: Budgets,
    sent: HashMap<Host, u64>,
    overflow: u64,
    known: HashSet<Host>,
    recent: VecDeque<Duration>,
}

impl Meter {
    /// Nothing counted yet.
    #[must_use]
    pub fn new(budgets: Budgets) -> Self {
        Self { budgets, sent: HashMap::new(), overflow: 0, known: HashSet::new(), recent: VecDeque::new() }
    }

    /// True if uploads to every host are bounded, so that they must be counted as they go.
    #[must_use]
    pub fn bounds_uploads(&self) -> bool {
        self.budgets.upload.is_some()
    }

    /// How many more bytes may go to the host; `own` is the bound of a rule for it, if there is one.
    #[must_use]
    pub fn left(&self, host: &Host, own: Option<u64>) -> u64 {
        let sent = self.sent.get(&*counted(host)).copied().unwrap_or(self.overflow);
        let most = self.budgets.upload.unwrap_or(u64::MAX).min(own.unwrap_or(u64::MAX));
        if most == u64::MAX { u64::MAX } else { most.saturating_sub(sent) }
    }

    /// Counts bytes before they are sent to a host; `own` is the bound of a rule for it, if there is one.
    ///
    /// # Errors
    /// When they are more than what is left; then nothing is counted, and nothing may be sent. What would allow more is left
    /// to the caller where the bound is `own`.
    pub fn upload(&mut self, host: &Host, own: Option<u64>, bytes: u64) -> Result<(), Ruling> {
        if bytes > self.left(host, own) {
            let most = self.budgets.upload.unwrap_or(u64::MAX).min(own.unwrap_or(u64::MAX));
            let reason = format!("more than {most} bytes would have gone to the host in this session");
            let ruling = Ruling::deny(Code::UploadBudget, reason);
            if own.is_some_and(|own| own <= most) {
                return Err(ruling);
            }
            let hint = Hint::budget("upload", &format!("\"{}\"", most.saturating_mul(2)));
            return Err(ruling.hinted(hint));
        }
        let host = counted(host);
        let is_counted = self.sent.contains_key(&*host) || self.sent.len() < MOST_HOSTS;
        let counter =
            if is_counted { self.sent.entry(host.into_owned()).or_default() } else { &mut self.overflow };
        *counter = counter.saturating_add(bytes);
        Ok(())
    }

    /// A name that is asked for by the session itself, and counts for nobody.
    pub fn exempt(&mut self, host: Host) {
        self.known.insert(host);
    }

    /// Notes a name that is asked for; `now` is the time since the session began.
    ///
    /// # Errors
    /// When it is new and too many new ones came before it.
    pub fn name(&mut self, host: &Host, now: Duration) -> Result<(), Ruling> {
        let Some(rate) = self.budgets.new_names else { return Ok(()) };
        // Nobody is asked for an address, or for the loopback.
        let is_asked_for = matches!(host, Host::Name(_)) && !host.is_loopback();
        if !is_asked_for || self.known.contains(host) {
            return Ok(());
        }
        while self.recent.front().is_some_and(|then| now.saturating_sub(*then) >= rate.per) {
            self.recent.pop_front();
        }
        if self.recent.len() >= rate.count {
            let reason =
                format!("more than {} new names were asked for in {} s", rate.count, rate.per.as_secs());
            let hint = Hint::budget("new-names", &rate.count.saturating_mul(2).to_string());
            return Err(Ruling::deny(Code::NameRate, reason).hinted(hint));
        }
        self.recent.push_back(now);
        if self.known.len() < MOST_HOSTS {
            self.known.insert(host.clone());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(name: &str) -> Host {
        Host::read(name).unwrap()
    }

    #[test]
    fn a_budget_is_per_host_and_nothing_passes_beyond_it() {
        let mut meter = Meter::new(Budgets { upload: Some(10), new_names: None });
        assert!(meter.upload(&host("a.example"), None, 10).is_ok());
        assert_eq!(meter.upload(&host("a.example"), None, 1).unwrap_err().code, Code::UploadBudget);
        assert!(meter.upload(&host("a.example"), None, 0).is_ok());
        assert!(meter.upload(&host("b.example"), None, 11).is_err());
        assert!(meter.upload(&host("b.example"), None, 9).is_ok());
        assert_eq!(meter.left(&host("b.example"), None), 1);
        assert!(meter.upload(&host("localhost"), None, 6).is_ok());
        assert!(meter.upload(&host("127.0.0.7"), None, 6).is_err(), "the loopback is one host");
        assert!(meter.upload(&host("c.example"), Some(4), 5).is_err(), "the rule's own is less");
        assert!(meter.upload(&host("c.example"), Some(4), 4).is_ok());
        assert_eq!(meter.left(&host("c.example"), Some(400)), 6, "the budget is less");
        let over = meter.upload(&host("c.example"), Some(4), 1).unwrap_err();
        assert!(over.hint.is_none() && over.reason.contains("more than 4 bytes"), "{over:?}");
        let over = meter.upload(&host("c.example"), Some(400), 7).unwrap_err();
        assert!(over.hint.is_some() && over.reason.contains("more than 10 bytes"), "{over:?}");
        let free = Meter::new(Budgets { upload: None, new_names: None });
        assert_eq!(free.left(&host("a.example"), None), u64::MAX);
    }

    #[test]
    fn only_new_names_count_and_time_forgives() {
        let rate = Rate { count: 2, per: Duration::from_secs(60) };
        let mut meter = Meter::new(Budgets { upload: None, new_names: Some(rate) });
        let at = Duration::from_secs;
        assert!(meter.name(&host("a.example"), at(0)).is_ok());
        assert!(meter.name(&host("b.example"), at(1)).is_ok());
        assert!(meter.name(&host("a.example"), at(2)).is_ok());
        assert_eq!(meter.name(&host("c.example"), at(59)).unwrap_err().code, Code::NameRate);
        assert!(meter.name(&host("93.184.216.34"), at(59)).is_ok(), "an address is no name");
        assert!(meter.name(&host("localhost"), at(59)).is_ok());
        assert!(meter.name(&host("c.example"), at(60)).is_ok());
        assert!(meter.name(&host("d.example"), at(60)).is_err());
        assert!(meter.name(&host("d.example"), at(61)).is_ok());
    }
}
