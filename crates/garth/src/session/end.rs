//! Waiting for a sandbox to end, and what is told of it meanwhile and then.

use super::events::file_denied;
use super::{Ended, Ending, Outcome, Prepared, Sandbox, libc_eperm};
use crate::Error;
use crate::account::{Account, MOST_HIDDEN};
use crate::audit::{Recorder, tell};
use crate::audit_network;
use crate::commands::Commands;
use crate::denial::Explainer;
use crate::egress::Egress;
use crate::undo::{Found, LayerEnd};
use garth_audit::core::{LayerKept, LimitHit, ProcessEnded, RepositoryMade, Usage};
use garth_egress::core::{Code, Decided, Fault, Front, Hint, Host, Protocol, Ruling};
use garth_host::OsError;
use garth_host::linux::addresses;
use garth_host::linux::broker::launch::{self, Runner};
use garth_host::linux::broker::wait;
use garth_host::linux::message::InnerSocket;
use garth_host::linux::supervise::{Denied, Execution, Used};
use garth_policy::{AbsPath, FileOp};
use std::collections::HashSet;
use std::os::fd::OwnedFd;
use std::time::Duration;

/// Takes what a sandbox tells while it stands.
struct Told<'s> {
    observe: &'s mut dyn FnMut(&Denied),
    denied: Vec<Denied>,
    commands: &'s Commands,
    egress: Option<&'s Egress>,
    /// Ports of the loopback inside at which nobody listens.
    silent: Vec<u16>,
    prepared: &'s Prepared,
    /// Made when there is something to explain.
    explainer: Option<Explainer>,
    used: Vec<Used>,
    used_more: bool,
    /// Files that the agent keeps.
    kept: Vec<(AbsPath, OwnedFd)>,
    account: Account,
    /// What was told.
    told: HashSet<(AbsPath, FileOp)>,
    /// How much of that is of the hidden.
    hidden: u64,
}

impl wait::Observer for Told<'_> {
    fn started(&mut self) {
        self.prepared.release_log();
    }

    fn denied(&mut self, event: Denied) {
        // What the supervisor refuses may have been heard of too, when it looked for what the caller wanted.
        if !self.told.insert((event.path.clone(), event.op)) {
            return;
        }
        (self.observe)(&event);
        if self.prepared.log.recorder.is_some() {
            let explainer = self.explainer.get_or_insert_with(|| Explainer::new(self.prepared));
            tell(&self.prepared.log.recorder, || file_denied(&explainer.explain(&event)));
        }
        self.denied.push(event);
    }

    fn command(&mut self, execution: &Execution, answer: wait::CommandAnswer) {
        self.commands.answer(execution, answer);
    }

    fn hidden(&mut self, event: Denied) {
        let use_of = (event.path.clone(), event.op);
        if self.hidden >= MOST_HIDDEN || self.told.contains(&use_of) {
            return;
        }
        let explainer = self.explainer.get_or_insert_with(|| Explainer::new(self.prepared));
        if explainer.hides(&event.path, event.op) {
            self.hidden += 1;
            self.denied(event);
        }
    }

    fn used(&mut self, used: Option<Used>) {
        match used {
            Some(used) => self.used.push(used),
            None => self.used_more = true,
        }
    }

    fn inside(&mut self, told: wait::Inside) {
        self.account.take(&self.prepared.log.recorder, told);
    }

    fn kept(&mut self, path: AbsPath, file: OwnedFd) {
        self.kept.push((path, file));
    }

    fn change_lock(&mut self) -> Option<OwnedFd> {
        self.prepared.change_lock()
    }

    fn nobody_listens(&mut self, port: u16) {
        self.silent.push(port);
    }

    fn serve(&mut self, kind: InnerSocket, socket: OwnedFd) -> Result<(), OsError> {
        match self.egress {
            Some(egress) => egress.serve(kind, socket),
            // The plan asked for no network, so a runner that offers one is none of ours.
            None => Err(OsError::new("serve", "a network that nobody planned", libc_eperm())),
        }
    }
}

impl Sandbox<'_> {
    /// Waits for the end. `observe` sees every refusal as it happens.
    ///
    /// # Errors
    /// A failed system call of the broker.
    pub fn wait(self, observe: &mut dyn FnMut(&Denied)) -> Result<Ended, Error> {
        let recorder = &self.prepared.log.recorder;
        let mut told = Told {
            observe,
            denied: Vec::new(),
            commands: &self.commands,
            egress: self.egress.as_ref(),
            silent: Vec::new(),
            prepared: self.prepared,
            explainer: None,
            used: Vec::new(),
            used_more: false,
            kept: Vec::new(),
            account: Account::default(),
            told: HashSet::new(),
            hidden: 0,
        };
        let outcome = wait::wait(&self.runner, &self.signals, self.time, self.questions, &mut told)
            .map_err(Error::os("wait for the sandbox"))?;
        let Told { denied, silent, used, used_more, kept, mut account, hidden, .. } = told;
        // Taking the namespaces down takes the kernel some tenths of a millisecond: time to tell what is known.
        // A layer and a control group can be looked at only when nobody uses them any more, and what still runs inside may
        // use the network to its end.
        let mut ending = Some(self.runner);
        if self.layer.is_some() || self.agent.is_some() || self.group.is_some() || self.egress.is_some() {
            gone(ending.take())?;
        }
        let (refused, faults) = network_told(self.egress.as_ref(), recorder, silent);
        let approvals = self.asker.as_ref().map(|asker| asker.take()).unwrap_or_default();
        let commands = self.commands.denied();
        let mut changes = Found::new(self.layer.is_some() && recorder.is_some());
        let stock = &self.prepared.stock;
        let layer = self.layer.map(|layer| {
            stock.step();
            layer.end(&mut |tree, change| {
                stock.step();
                changes.add(tree, change);
            })
        });
        let layer = layer.transpose()?;
        let agent = self.agent.map(|agent| agent.end(kept)).or_else(|| self.prepared.agent.unkept());
        let (outcome, limited) = match &self.group {
            None => (outcome, None),
            // The kernel ends all of a group at once, so the runner may have had no last word.
            Some(group) => match (outcome, group.ended_by()) {
                (Outcome::Ended(_) | Outcome::Lost, Some(what)) => (Outcome::LimitHit(what), None),
                (outcome, _) => (outcome, group.refused_by()),
            },
        };
        let limited = limited.or_else(|| account.limited.take());
        record_outcome(recorder, &outcome, limited.as_deref());
        self.prepared.close_lists(account, (&denied, hidden), layer.as_ref().map(|_| &changes));
        // One that changes nothing is gone.
        if let Some(LayerEnd { id, changes }) = layer.as_ref().filter(|layer| layer.changes > 0) {
            let (layer, changes) = (id.clone(), *changes as u64);
            tell(recorder, || LayerKept { layer, changes });
        }
        gone(ending)?;
        Ok(Ended {
            outcome,
            denied,
            commands,
            refused,
            faults,
            approvals,
            limited,
            layer,
            agent,
            unrecorded: None,
            used,
            used_more,
        })
    }
}

impl Prepared {
    /// Tells the log how complete it is, and what was changed; the latter by the layer, if there is one, or by what the
    /// supervisor saw, unless a checkpoint says more.
    fn close_lists(&self, account: Account, (denied, hidden): (&[Denied], u64), layer: Option<&Found>) {
        let (recorder, policy) = (&self.log.recorder, &self.policy);
        if recorder.is_none() {
            return;
        }
        account.close_processes(recorder, policy.audit.processes.value);
        let is_read = |denied: &&Denied| {
            matches!(denied.op, FileOp::Read | FileOp::List | FileOp::Execute | FileOp::Metadata)
        };
        let reads = denied.iter().filter(is_read).count() as u64;
        account.close_reads(recorder, (policy.audit.reads.value, &self.plan), (reads, hidden));
        match layer {
            Some(changes) => changes.tell(recorder, policy, None),
            None if self.checkpoint_made().is_some() => {}
            None => account.close_changes(recorder, policy),
        }
    }
}

/// Waits until nothing is left of a runner that is ending, nor of what it ran.
fn gone(runner: Option<Runner>) -> Result<(), Error> {
    runner.map_or(Ok(()), |runner| runner.reap()).map_err(Error::os("wait for the sandbox"))
}

/// What was refused and what failed in the network, with the ports of the loopback that nobody listened at inside.
fn network_told(
    egress: Option<&Egress>,
    recorder: &Recorder,
    silent: Vec<u16>,
) -> (Vec<Decided>, Vec<Fault>) {
    if let Some(egress) = egress.filter(|_| recorder.is_some()) {
        egress.heard().settle();
    }
    let mut refused = egress.map(|egress| egress.heard().refused()).unwrap_or_default();
    // Where the host has no server either, nothing was missed.
    let missed = silent.into_iter().filter(|port| addresses::loopback_listens(*port)).map(host_port);
    let missed: Vec<Decided> = missed.collect();
    missed.iter().for_each(|decided| tell(recorder, || audit_network::event(decided)));
    refused.extend(missed);
    let faults = egress.map(|egress| egress.heard().faults()).unwrap_or_default();
    (refused, faults)
}

/// What came of it, apart from the end of the session.
fn record_outcome(recorder: &Recorder, outcome: &Outcome, limited: Option<&str>) {
    let limit = |limit: &str, ended: bool| LimitHit { limit: limit.to_owned(), ended };
    match outcome {
        Outcome::Ended(ending) => {
            let (code, signal) = (ending.code, ending.signal);
            tell(recorder, || ProcessEnded { process: None, code, signal, milliseconds: None });
            for path in &ending.repositories {
                tell(recorder, || RepositoryMade { path: repository(path).to_lossless() });
            }
        }
        Outcome::TimedOut => tell(recorder, || limit("time", true)),
        Outcome::LimitHit(what) => tell(recorder, || limit(what, true)),
        Outcome::NotExecuted(_) | Outcome::Failed { .. } | Outcome::Lost => {}
    }
    if let Some(what) = limited {
        tell(recorder, || limit(what, false));
    }
}

/// The directory that became a repository; what is reported may be the `.git` in it.
#[must_use]
pub fn repository(reported: &AbsPath) -> AbsPath {
    match reported.file_name() {
        Some(b".git") => reported.parent().unwrap_or_else(|| reported.clone()),
        _ => reported.clone(),
    }
}

/// What the processes of a sandbox used, by what all children had used before it.
pub(super) fn usage_since(before: Option<launch::Used>) -> Option<Usage> {
    let (before, after) = (before?, launch::used().ok()?);
    let milliseconds = |after: Duration, before: Duration| {
        u64::try_from(after.saturating_sub(before).as_millis()).unwrap_or(u64::MAX)
    };
    Some(Usage {
        user: milliseconds(after.user, before.user),
        system: milliseconds(after.system, before.system),
        memory: after.memory,
    })
}

/// A port of the host's loopback that was wanted inside, in the form of a refusal.
fn host_port(port: u16) -> Decided {
    let reason = "nobody listens there inside, and the server on the host's own loopback is outside";
    Decided {
        connection: 0,
        front: Front::HostPort,
        client: None,
        protocol: Protocol::Tcp,
        host: Some(Host::Name("localhost".to_owned())),
        port,
        address: None,
        request: None,
        ruling: Ruling::deny(Code::SpecialAddress, reason).hinted(Hint::host_port(port)),
        secrets: Vec::new(),
        encrypted_hello: false,
    }
}

/// The exit code that tells how a target ended; ends this process by the target's signal, if one ended it.
#[must_use]
pub fn exit_like(ending: &Ending) -> u8 {
    wait::exit_like(ending)
}
