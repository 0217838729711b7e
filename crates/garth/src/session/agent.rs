//! What is kept for the agent that a sandbox is for, as a part of the session.

use super::{Ended, Outcome, Prepared, Request, undo};
use crate::Error;
use crate::agents::{AgentEnd, Live, Planned, planned};
use crate::place::Surroundings;
use garth_host::OsError;
use garth_host::linux::supervise::Denied;
use garth_plan::facts;
use garth_plan::linux::spec::ViewStep;
use garth_policy::Policy;
use garth_policy::agents::RenewedLogin;

/// What is planned, and why nothing is kept where that is so.
#[derive(Debug, Default)]
pub(super) struct Keeping {
    planned: Option<Planned>,
    refused: Option<String>,
}

/// Plans it, where the command line names an agent.
pub(super) fn keep(
    surroundings: &Surroundings,
    request: &Request,
    policy: &Policy,
) -> Result<(Keeping, Vec<facts::Keeping>), Error> {
    let login = policy.renewed_login.as_ref().map_or(RenewedLogin::Keep, |login| login.value);
    let found = planned(surroundings, &request.environment, &request.flags, login)?;
    let (planned, kept) = found.map_or((None, Vec::new()), |(planned, kept)| (Some(planned), kept));
    Ok((Keeping { planned, refused: None }, kept))
}

impl Keeping {
    /// Makes it, before the runner is told of it.
    pub(super) fn begin(&self, steps: &[ViewStep]) -> Result<Option<Live>, Error> {
        let make = |planned: &Planned| planned.make(steps);
        Ok(self.planned.as_ref().map(make).transpose()?.flatten())
    }

    /// What is told in the end where nothing could be kept.
    pub(super) fn unkept(&self) -> Option<AgentEnd> {
        let why = self.refused.as_ref()?;
        let hint = "set XDG_STATE_HOME to a directory on ext4, xfs, btrfs or tmpfs";
        let what = format!("what the agent changed of its own went with the sandbox: {why}");
        Some(AgentEnd { notes: vec![(what, Some(hint.to_owned()))], ..AgentEnd::default() })
    }
}

impl Prepared {
    /// What should be known of the agent's login before the command starts, and what helps.
    #[must_use]
    pub fn agent_notice(&self) -> Option<(String, &'static str)> {
        self.agent.planned.as_ref().and_then(Planned::notice)
    }

    /// Whether a sandbox did not come to be because the kernel's overlay does not take garth's state directory.
    pub(super) fn is_keeping_refused(&self, outcome: &Outcome) -> bool {
        self.refusal(outcome).is_some()
    }

    fn refusal<'o>(&self, outcome: &'o Outcome) -> Option<&'o OsError> {
        let is_kept =
            |error: &&OsError| self.command.kept.iter().any(|kept| kept.path().to_string() == error.object);
        undo::is_layer_refused(outcome).filter(is_kept)
    }

    /// Again, with layers in memory: they end with the sandbox, which is told.
    pub(super) fn without_keeping(
        &mut self,
        ended: &Ended,
        observe: &mut dyn FnMut(&Denied),
    ) -> Result<Ended, Error> {
        let Some(error) = self.refusal(&ended.outcome).cloned() else {
            return self.try_run(observe);
        };
        self.command.kept.clear();
        self.agent = Keeping { planned: None, refused: Some(error.to_string()) };
        self.lower_again(&error)?;
        self.try_run(observe)
    }
}
