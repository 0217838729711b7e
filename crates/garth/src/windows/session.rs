//! Carrying a plan out, and recording that.

use super::canary::Canary;
use super::changes;
use super::network::Network;
use super::told;
use super::{Ended, Notice, Outcome, Prepared, failed, mended, open_journal};
use crate::Error;
use crate::approval::{Asker, Reply};
use crate::audit::tell;
use crate::commands::Commands;
use crate::vetting::{Vetting, obstacle, restricts};
use garth_audit::core::{BrokerError, ResidueCleaned};
use garth_host::windows::canary::{Sent, Trying};
use garth_host::windows::interrupt;
use garth_host::windows::journal::{Journal, Prepared as Changed};
use garth_host::windows::launch::{Launched, Ready, make_ready};
use garth_host::windows::processes::{Counted, Killer, Told, Watch, port};
use garth_host::windows::questions::Console;
use garth_host::windows::streams::Streams;
use garth_host::windows::sys::console::{next_interrupt, watch_interrupts};
use garth_host::windows::sys::job::Used;
use garth_host::windows::sys::port::Port;
use garth_host::windows::wait::wait;
use garth_plan::assurance::gate;
use garth_plan::windows::facts::Feature;
use garth_plan::windows::launch::LaunchSpec;
use garth_policy::ApprovalMode;
use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::Builder;
use std::time::{Duration, Instant};

/// Exit code of a command that is ended because garth cannot go on. Nobody sees it.
const FAILED: u32 = 125;

/// Limits that can be met, by their number from 1.
const LIMITS: [&str; 2] = ["processes", "memory"];

/// What was begun while the machine was prepared. None of it has done anything by then.
#[derive(Debug)]
enum Ahead {
    Nothing,
    /// The canary.
    Canary(Canary<Sent>),
    /// The command, which stands for the canary.
    Command((Ready, Arc<Port>)),
}

impl Prepared {
    /// Runs the command to its end, and records that.
    ///
    /// # Errors
    /// When a clause is not held and not accepted, a step fails, or a log that the policy requires cannot be written;
    /// nothing is left of it then.
    pub fn run(&mut self, tell: &mut dyn FnMut(Notice)) -> Result<Ended, Error> {
        let (start, mut used) = (Instant::now(), None);
        let result = self.begin().and_then(|()| self.carry_out(tell, &mut used));
        let result = self.log.holds(&self.policy).and(result);
        self.log.settle();
        let milliseconds = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.log.end(|| told::started(self), || told::ended(&result, milliseconds, used));
        // The last record counts too.
        let mut result = self.log.holds(&self.policy).and(result);
        if let Ok(ended) = &mut result {
            ended.unrecorded = self.log.lost();
        }
        result
    }

    /// The session's log, while it runs and afterwards; `None` before it and where nothing is recorded.
    #[must_use]
    pub fn log(&self) -> Option<&Arc<garth_audit::io::Log>> {
        self.log.recorder.as_ref()
    }

    /// Opens the log, and tells it how the session starts.
    fn begin(&mut self) -> Result<(), Error> {
        if self.log.open(&self.policy, &self.variables)? {
            tell(&self.log.recorder, || told::started(self));
        }
        self.log.holds(&self.policy)
    }

    /// Gate, rules for commands, journal, network, canary, launch, wait, undo.
    fn carry_out(&mut self, notice: &mut dyn FnMut(Notice), used: &mut Option<Used>) -> Result<Ended, Error> {
        gate(&self.plan.assurance, &self.plan.accepted)
            .map_err(|rows| Error::NotEnforced(rows.into_iter().cloned().collect()))?;
        let asker = self.asker();
        self.judge_command(asker.clone())?;
        let fail = |step: &'static str| move |error| failed(step, error);
        self.keep_first()?;
        // From here on Ctrl-C finds things to take back.
        watch_interrupts().map_err(|error| failed("watch for Ctrl-C", error.into()))?;
        let journal = open_journal()?;
        let mut left = mended(&journal)?;
        self.tell_residue(&left);
        left.retain(|note| is_left(note) || note.contains("cannot be read"));
        if let Some(temporary) = self.private()?.parent() {
            // Where it cannot be made, the next step says so.
            let _made = std::fs::create_dir_all(temporary);
        }
        let (ahead, prepared) = self.prepare_machine(&journal, notice)?;
        let mut relaxed = prepared.relaxed.clone();
        let program = self.runner()?;
        let mut order = self.order.clone();
        let network = self.network(&program, &mut order, asker.as_ref())?;
        if let Some(network) = &network {
            relaxed.extend(network.relaxed());
            network
                .published
                .iter()
                .for_each(|(port, at)| notice(Notice::Published { port: *port, at: *at }));
        }
        let ready = match ahead {
            Ahead::Command(made) => {
                let goes_on = self.try_as(&made.0, &program, &mut relaxed)? && next_interrupt().is_none();
                goes_on.then_some(made)
            }
            Ahead::Canary(sent) => {
                let canary = Some(sent.release(network.as_ref()));
                self.ready(&order, canary, &mut relaxed, notice)?
            }
            Ahead::Nothing => {
                let canary = self.send_canary(&program)?.map(|canary| canary.release(network.as_ref()));
                self.ready(&order, canary, &mut relaxed, notice)?
            }
        };
        let (outcome, limited) = match ready {
            Some(ready) => self.command(&order, &program, ready, (&mut relaxed, used))?,
            None => (Outcome::Interrupted, None),
        };
        let told = network.map(Network::stop).unwrap_or_default();
        let notes = prepared.undo().map_err(fail("undo the preparation"))?;
        self.tell_since_checkpoint();
        left.extend(notes.into_iter().filter(|note| is_left(note)));
        left.extend(told.relay.map(|why| format!("the relay inside ended before its time: {why}")));
        for cause in &left {
            let operation = "leave nothing behind".to_owned();
            tell(&self.log.recorder, || BrokerError { operation, cause: cause.clone() });
        }
        Ok(Ended {
            outcome,
            relaxed,
            left,
            refused: told.refused,
            faults: told.faults,
            approvals: asker.map(|asker| asker.take()).unwrap_or_default(),
            limited,
            unrecorded: None,
        })
    }

    /// Prepares the machine, and makes the command or sends the canary meanwhile, where that needs nothing of it.
    fn prepare_machine<'j>(
        &self,
        journal: &'j Journal,
        notice: &mut dyn FnMut(Notice),
    ) -> Result<(Ahead, Changed<'j>), Error> {
        let holder = self.holder();
        let prepare = || journal.prepare_for(&holder, &self.plan.preparation);
        let (ahead, prepared) = if self.tries_by_token() || self.may_send_ahead() {
            std::thread::scope(|scope| {
                let preparing = Builder::new().name("preparing".into()).spawn_scoped(scope, prepare);
                let ahead = self.begin_ahead(notice);
                // Without a thread it is done here.
                let prepared = preparing.map_or_else(|_| prepare(), |one| one.join().unwrap_or_else(broken));
                (ahead, prepared)
            })
        } else {
            (Ok(Ahead::Nothing), prepare())
        };
        Ok((ahead?, prepared.map_err(|error| failed("prepare the machine", error))?))
    }

    /// What may begin before the machine is prepared.
    fn begin_ahead(&self, notice: &mut dyn FnMut(Notice)) -> Result<Ahead, Error> {
        if self.tries_by_token() {
            return self.make(&self.order, notice).map(Ahead::Command);
        }
        let sent = self.send_canary(&self.runner()?)?;
        Ok(sent.map_or(Ahead::Nothing, Ahead::Canary))
    }

    /// Makes the command while the canary tries. It does not run before that one was heard; `None` if the user wants no more.
    fn ready(
        &self,
        order: &LaunchSpec,
        mut canary: Option<Canary<Trying>>,
        relaxed: &mut Vec<String>,
        notice: &mut dyn FnMut(Notice),
    ) -> Result<Option<(Ready, Arc<Port>)>, Error> {
        let mut goes_on = |canary: Option<Canary<Trying>>| {
            let is_content = canary.map_or(Ok(true), |canary| canary.heard(relaxed));
            is_content.map(|content| content && next_interrupt().is_none())
        };
        // A terminal of the sandbox's own takes Ctrl-C as a key from its first moment, so the canary comes first.
        if order.console.is_some() && !goes_on(canary.take())? {
            return Ok(None);
        }
        let made = self.make(order, notice);
        // What the canary finds explains more than why the command cannot be made.
        Ok(if goes_on(canary)? { Some(made?) } else { None })
    }

    /// Makes the command and reads it back.
    fn make(&self, order: &LaunchSpec, notice: &mut dyn FnMut(Notice)) -> Result<(Ready, Arc<Port>), Error> {
        let streams = self.streams(order, notice)?;
        let port = port().map_err(|error| failed("watch the command", error))?;
        let ready = make_ready(order, streams, Some(&port));
        Ok((ready.map_err(|error| failed("start the command", error))?, port))
    }

    /// Lets the command run and waits for its end. What the sandbox tells of its processes is recorded.
    fn command(
        &mut self,
        order: &LaunchSpec,
        program: &str,
        (ready, port): (Ready, Arc<Port>),
        (relaxed, used): (&mut Vec<String>, &mut Option<Used>),
    ) -> Result<(Outcome, Option<&'static str>), Error> {
        let fail = |step: &'static str| move |error| failed(step, error);
        // Not before the canary has ended, which makes a file and removes it.
        let watched = self.watches_changes().then(|| changes::watch(&self.log.recorder, &self.writable));
        let launched = ready.run().map_err(fail("start the command"))?;
        relaxed.extend(launched.relaxed.iter().map(ToString::to_string));
        let met = Arc::new(AtomicUsize::new(0));
        let watch = self.watch(port, &launched, &order.program, &met).inspect_err(|_| {
            // Whoever was to watch has the job by handles of his own, so it does not end by itself.
            let _ended = launched.job.terminate(FAILED);
        })?;
        self.log.prune(&self.policy, &self.variables);
        let time = order.time.map(Duration::from_millis);
        // One that cannot be told of Ctrl-C is ended instead.
        let mut pass_on = |process, kind| interrupt::pass_on(&self.order, program, process, kind).is_ok();
        let outcome = wait(launched, time, &mut pass_on);
        *used = watch.used();
        let counted = watch.stop();
        let outcome = outcome.map_err(fail("wait for the command"))?;
        self.tell_conclusion(outcome, counted);
        if let Some(watch) = watched {
            changes::conclude(&self.log.recorder, &self.policy, watch);
        }
        let limited = met.load(Ordering::Relaxed).checked_sub(1).and_then(|at| LIMITS.get(at).copied());
        Ok((outcome, limited))
    }

    /// The command's streams. A Windows that is too old for a terminal of its own gives it pipes, which is told.
    fn streams(&self, order: &LaunchSpec, notice: &mut dyn FnMut(Notice)) -> Result<Streams, Error> {
        if order.console.is_none() && self.wants_terminal {
            let why = self.facts.system.refused.get(&Feature::PseudoConsole).cloned().unwrap_or_default();
            let (operation, cause) = ("give the command a terminal".to_owned(), why.clone());
            tell(&self.log.recorder, || BrokerError { operation, cause });
            notice(Notice::WithoutTerminal { why });
        }
        let made = order.console.map_or_else(Streams::plain, Streams::terminal);
        made.map_err(|error| failed("prepare the streams", error))
    }

    /// Tells that the command starts, and from now on what its processes do. When a log that the policy requires is lost,
    /// everything inside is ended at once.
    fn watch(
        &self,
        port: Arc<Port>,
        launched: &Launched,
        program: &str,
        met: &Arc<AtomicUsize>,
    ) -> Result<Watch, Error> {
        self.log.release(|| told::started(self));
        tell(&self.log.recorder, || told::command(&self.arguments, program));
        if let Some(log) = self.log.recorder.as_ref().filter(|log| log.is_required()) {
            let killer = Killer::of(launched).map_err(|error| failed("watch the command", error))?;
            log.on_loss(move || killer.kill());
        }
        let (recorder, wanted) = (self.log.recorder.clone(), self.policy.audit.processes.value);
        let met = Arc::clone(met);
        let hear = move |told: Told| {
            if let Told::Limit(limit) = told {
                let at = LIMITS.iter().position(|known| *known == limit).map_or(0, |at| at + 1);
                // A program that is refused often is told of once.
                if met.swap(at, Ordering::Relaxed) == at {
                    return;
                }
            }
            told::inside(&recorder, wanted, told);
        };
        Watch::start(port, launched, hear).map_err(|error| failed("watch the command", error))
    }

    fn tell_conclusion(&self, outcome: Outcome, counted: Counted) {
        told::conclusion(&self.log.recorder, self.policy.audit.processes.value, outcome, counted);
    }

    /// What an earlier session left was undone.
    fn tell_residue(&self, notes: &[String]) {
        for path in self.mended.iter().chain(notes).filter(|note| !is_left(note)) {
            tell(&self.log.recorder, || ResidueCleaned { path: path.clone() });
        }
    }

    /// What keeps the command from being started at all: rules of the policy. What it starts inside is not seen before it
    /// runs; what it does is held by the sandbox.
    fn judge_command(&self, asker: Option<Arc<Asker>>) -> Result<(), Error> {
        // Only for questions: making it takes time.
        let may_ask = asker.is_some() && restricts(&self.policy);
        let vetting = may_ask.then(|| Vetting::of(&self.policy, &self.surroundings)).transpose()?;
        let commands = Commands::new(self.policy.commands.clone(), vetting, asker, self.log.recorder.clone());
        let obstacle = obstacle(&self.policy, &self.surroundings, &self.arguments)?;
        commands.judge_first(obstacle, &self.arguments, |asker, subject, reason| {
            Reply::is_yes(asker.ask(subject, None, reason))
        })
    }

    /// Who is asked; `None` if nobody is.
    fn asker(&self) -> Option<Arc<Asker>> {
        let approvals = &self.policy.approvals;
        let approver = self.approver.as_ref().filter(|_| approvals.mode.value == ApprovalMode::Ask)?;
        let (approver, file) = (Arc::clone(approver), self.user_policy.clone());
        let (timeout, recorder) = (approvals.timeout.value, self.log.recorder.clone());
        let asker = Asker::new(approver, Console::new(), file, timeout, recorder);
        Some(Arc::new(asker.with_doors(&self.variables)))
    }
}

/// What breaks in a thread breaks here.
fn broken<T>(panic: Box<dyn Any + Send>) -> T {
    std::panic::resume_unwind(panic)
}

/// Whether a note of the journal tells of something that could not be undone.
fn is_left(note: &str) -> bool {
    note.contains(" is left")
}
