//! The canary of a session: sent ahead where nothing has to be prepared for it, told when all is, and heard before the command runs.

use super::network::{Network, refused_by};
use super::{Prepared, failed, own_error};
use crate::Error;
use garth_host::windows::canary::{Sent, Trial, Tried, Trying, send, try_as};
use garth_host::windows::facts::name;
use garth_host::windows::launch::Ready;
use garth_plan::windows::spec::Tier;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;

const STEP: &str = "try the sandbox";

/// A canary on its way, and what it is to try.
#[derive(Debug)]
pub(super) struct Canary<State> {
    state: State,
    _secret: Option<Secret>,
    _listener: Option<TcpListener>,
}

/// A file that nobody inside can read. It goes with the canary, and says nothing that anybody would miss.
#[derive(Debug)]
struct Secret(PathBuf);

impl Drop for Secret {
    fn drop(&mut self) {
        let _removed = std::fs::remove_file(&self.0);
    }
}

impl Prepared {
    /// Whether the command's own token decides all that is to be tried, so that the command itself can stand for the canary before it
    /// runs. A container and the network show themselves to a process alone; with a terminal the canary comes before the command.
    pub(super) fn tries_by_token(&self) -> bool {
        let launch = &self.plan.launch;
        let by_files = launch.canary.as_ref().is_some_and(|canary| !canary.unreadable && !canary.unconnected);
        by_files
            && self.plan.tier == Tier::Restricted
            && launch.relay.is_none()
            && self.order.console.is_none()
    }

    /// Tries as the command what must fail there, and what must not. The machine is prepared. False if the user wants no more.
    ///
    /// # Errors
    /// When something is not as it should be.
    pub(super) fn try_as(
        &self,
        command: &Ready,
        program: &str,
        relaxed: &mut Vec<String>,
    ) -> Result<bool, Error> {
        let Some(planned) = &self.plan.launch.canary else { return Ok(true) };
        let text = |path| name(path).map_err(|error| failed(STEP, error));
        let (unwritable, writable) = (text(&planned.unwritable)?, text(&planned.writable)?);
        let trial =
            Trial { unreadable: None, unwritable: &unwritable, writable: &writable, unconnected: None };
        match try_as(command, &trial) {
            Ok(tried) => judge(tried, relaxed),
            // Where no thread may act by the token a process does.
            Err(_) => {
                let canary = self.send_canary(program)?;
                canary.map_or(Ok(true), |canary| canary.release(None).heard(relaxed))
            }
        }
    }

    /// Whether the canary may be sent before the machine is prepared, so that its start takes no time of its own. A container has
    /// to be made first, with a copy of the program that can be read in it.
    pub(super) fn may_send_ahead(&self) -> bool {
        self.plan.launch.canary.is_some() && self.plan.tier != Tier::Container
    }

    /// Sends the canary, if the plan has one; it tries nothing yet.
    pub(super) fn send_canary(&self, program: &str) -> Result<Option<Canary<Sent>>, Error> {
        let Some(planned) = &self.plan.launch.canary else { return Ok(None) };
        let text = |path| name(path).map_err(|error| failed(STEP, error));
        let secret = planned.unreadable.then(|| Secret(self.state.join("canary")));
        if let Some(Secret(path)) = &secret {
            std::fs::write(path, "nobody inside reads this").map_err(own_error)?;
        }
        let listen = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(own_error);
        let listener = planned.unconnected.then(listen).transpose()?;
        let trial = Trial {
            unreadable: secret.as_ref().map(|secret| secret.0.as_path()),
            unwritable: &text(&planned.unwritable)?,
            writable: &text(&planned.writable)?,
            unconnected: listener.as_ref(),
        };
        let state = send(&self.order, program, &trial).map_err(|error| failed(STEP, error))?;
        Ok(Some(Canary { state, _secret: secret, _listener: listener }))
    }
}

impl Canary<Sent> {
    /// Lets it try, now that the machine is prepared and the network is under way.
    pub(super) fn release(self, network: Option<&Network>) -> Canary<Trying> {
        let state = self.state.release(network.map(Network::trial));
        Canary { state, _secret: self._secret, _listener: self._listener }
    }
}

impl Canary<Trying> {
    /// Whether all is as it should be; false if the user wants no more.
    ///
    /// # Errors
    /// When something is not.
    pub(super) fn heard(self, relaxed: &mut Vec<String>) -> Result<bool, Error> {
        judge(self.state.heard().map_err(|error| failed(STEP, error))?, relaxed)
    }
}

/// Whether to go on; false if the user wants no more.
fn judge(tried: Tried, relaxed: &mut Vec<String>) -> Result<bool, Error> {
    match tried {
        Tried::Bad(found) if cfg!(feature = "relaxed-read-back") && !found.of_network => {
            relaxed.push(format!("the canary: {}", found.what));
            Ok(true)
        }
        Tried::Bad(found) => Err(refused_by(&found)),
        Tried::Good => Ok(true),
        Tried::Interrupted => Ok(false),
    }
}
