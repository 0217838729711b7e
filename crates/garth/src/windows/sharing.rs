//! Several sandboxes in one workspace: which are alike, and what the machine is without the others.

use super::{HostError, failed};
use crate::Error;
use garth_host::windows::journal::Journal;
use garth_host::windows::opened::Opened;
use garth_host::windows::sys::living::own_beginning;
use garth_plan::windows::facts::HostFacts;
use garth_plan::windows::journal::sharing::{likeness, without};
use garth_plan::windows::journal::{Holder, Record, Shared};
use garth_plan::windows::spec::Tier;
use garth_policy::{AbsPath, Policy};

/// The sandboxes that the next one shares a workspace with.
#[derive(Debug)]
pub(super) struct Sharing {
    likeness: String,
    others: Vec<(Holder, Record)>,
}

impl Sharing {
    /// Finds those in the workspace. `own` is the directory of the next one's own.
    ///
    /// # Errors
    /// When a sandbox stands there that is not alike.
    pub(super) fn find(
        journal: &Journal,
        policy: &Policy,
        tier: Option<Tier>,
        workspace: &AbsPath,
        own: &AbsPath,
    ) -> Result<Self, Error> {
        let likeness = likeness(policy, tier, own, env!("CARGO_PKG_VERSION"));
        let others =
            journal.sharers(workspace, &likeness).map_err(|error| failed("plan a sandbox", error))?;
        Ok(Self { likeness, others })
    }

    /// Takes what the others have changed out of the facts.
    ///
    /// # Errors
    /// When one of them has something below a name of its own, so that nothing can be told apart, or when the system does not say
    /// which objects these are.
    pub(super) fn take_out(&self, facts: &mut HostFacts, opened: &Opened) -> Result<(), Error> {
        if self.others.is_empty() {
            return Ok(());
        }
        // What they have changed is found by identity.
        opened.identify_all(facts).map_err(|error| failed("plan a sandbox", error))?;
        let records: Vec<Record> = self.others.iter().map(|(_, record)| record.clone()).collect();
        without(facts, &records).map_err(|_| match self.others.first() {
            Some((holder, _)) => failed("plan a sandbox", HostError::Held(holder.clone())),
            None => Error::Policy("the workspace is in use".into()),
        })
    }

    /// What the others have to know of this one.
    pub(super) fn shared(&self) -> Option<Box<Shared>> {
        // Without it this one is shared with nobody.
        let began = own_beginning().ok()?;
        Some(Box::new(Shared { began, likeness: self.likeness.clone(), lent: Vec::new() }))
    }
}
