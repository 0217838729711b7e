//! The runner's life as a list of steps.

use super::{canary, confine, egress, init, network, start, told, view};
use crate::OsError;
use crate::error::Context;
use crate::linux::mapped;
use crate::linux::message::{FromRunner, InnerSocket, Order, Sender, receive};
use crate::linux::supervise::{Reporter, Shared, Supervisor, let_start, of_target, still_repositories};
use crate::linux::sys::affinity;
use crate::linux::sys::heap::share_heap;
use crate::linux::sys::landlock::Ruleset;
use crate::linux::sys::notify::{self, Bringer, Program};
use crate::linux::sys::signals::Children;
use crate::linux::sys::spawn;
use garth_plan::linux::spec::{self, LaunchSpec, Supervision, Target, Tier, ViewStep};
use garth_policy::FileRules;
use rustix::fd::{AsFd, OwnedFd};
use rustix::io::Errno;
use rustix::process::Pid;
use rustix::thread::CpuSet;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::JoinHandle;

/// Descriptor under which the launcher leaves the order.
pub const ORDER: i32 = 3;
/// Bytes before an order: how long its first part is, the smaller end first.
pub const ORDER_HEAD: usize = size_of::<u64>();
/// Descriptor under which the launcher leaves its socket.
pub const CONTROL: i32 = 4;

/// A failed step, with its name.
#[derive(Debug)]
pub struct StepError {
    /// The step's name in [`run`].
    pub step: &'static str,
    /// What failed.
    pub error: OsError,
}

/// Life of a runner that was executed: the order lies ready under [`ORDER`]. Returns the exit code of the runner
/// process, which nobody but the launcher looks at.
#[must_use]
pub fn run() -> u8 {
    let Ok(control) = spawn::inherited(CONTROL).map(Arc::new) else { return 125 };
    let sender = Sender::new(Arc::clone(&control));
    let lived = named("read the order", inherited_order()).and_then(|order| {
        named("guard the runner", confine::guard_runner(order.spec.tier))?;
        named("bring up the loopback interface", bring_up_loopback(order.spec.tier))?;
        let children = named("watch the children", watch_children())?;
        live(order, Begun { view: None, network: None, children }, &control, &sender)
    });
    tell(lived, &sender)
}

/// Life of a runner that was copied from the broker before there was a plan: it does what needs none, and waits for
/// its order. A broker that makes no plan closes the socket. `processors` are those that the broker may run on: the
/// starter was kept from one of them.
#[must_use]
pub fn run_early(control: &Arc<OwnedFd>, processors: Option<CpuSet>) -> u8 {
    let sender = Sender::new(Arc::clone(control));
    let lived = named("guard the runner", confine::guard_runner(Tier::Process)).and_then(|()| {
        // A view that cannot be begun is built as a whole later, with the error that it then has.
        let view = view::View::begin().ok();
        let children = named("watch the children", watch_children())?;
        share_heap();
        // The second thread stays on this processor. The broker's is free when the order is there.
        let network = named(network::STEP, network::make(processors))?;
        processors.iter().for_each(affinity::move_away);
        match named("read the order", awaited_order(control))? {
            None => Ok(()),
            Some(order) => {
                processors.iter().for_each(affinity::come_back);
                live(order, Begun { view, network: Some(network), children }, control, &sender)
            }
        }
    });
    tell(lived, &sender)
}

fn tell(lived: Result<(), Failure>, sender: &Sender) -> u8 {
    match lived {
        Ok(()) => 0,
        Err(Failure::Step(StepError { step, error })) => {
            sender.send(&FromRunner::Failed { step: step.into(), error });
            125
        }
        Err(Failure::Program(errno)) => {
            sender.send(&FromRunner::NotExecuted(errno));
            125
        }
    }
}

enum Failure {
    Step(StepError),
    Program(i32),
}

fn named<T>(step: &'static str, result: Result<T, OsError>) -> Result<T, Failure> {
    result.map_err(|error| Failure::Step(StepError { step, error }))
}

/// What a runner did before it had its order.
struct Begun {
    view: Option<view::View>,
    network: Option<network::Making>,
    children: Children,
}

/// Before there is a second thread, which must not take the signals.
fn watch_children() -> Result<Children, OsError> {
    Children::watch().on("watch", "the children")
}

/// Builds the sandbox, starts the target and serves it to its end.
fn live(order: Received, begun: Begun, control: &Arc<OwnedFd>, sender: &Sender) -> Result<(), Failure> {
    let Received { spec, supervision } = order;
    let Begun { view, network: namespace, children } = begun;
    // What opens the network has to be in its namespace. Where there is none to open, there is time.
    let early = namespace.as_ref().filter(|_| spec.network.is_some());
    let whole = |making: &network::Making| making.enter().and_then(|()| making.finished());
    named(network::STEP, early.map_or(Ok(()), whole))?;
    let network = named("open the network", Network::begin(&spec, sender))?;
    let host = build_view(&spec, view, control, sender)?;
    let shared = Arc::new(Shared::new(&spec.target, sender.clone()));
    let supervisor = supervise(&spec, supervision, sender, (host, namespace.as_ref()), &shared);
    let mut supervisor = named("start the supervisor", supervisor)?;
    named("open a terminal", open_terminal(&spec, sender))?;
    let ruleset = match supervisor.ruleset.take() {
        Some(prepared) => Ok(prepared),
        None => confine::prepare_landlock(&spec.landlock, spec.tier).map(Prepared::Ready),
    };
    let ruleset = named("prepare Landlock", ruleset)?;
    let filter = Program::new(&spec.seccomp);
    // Of this thread alone, which starts the target: it counts when a program is executed, and no other thread does that. Here
    // is nothing else to do until the network namespace is there.
    named("drop the bounding set", confine::drop_bounding_set(spec.tier))?;
    // The last that is ready, as a rule.
    let late = namespace.as_ref().filter(|_| spec.network.is_none());
    named(network::STEP, late.map_or(Ok(()), network::Making::enter))?;
    named("set the limits", confine::set_limits(&spec.limits))?;
    named("drop capabilities", confine::drop_capabilities(spec.tier))?;
    named(network::STEP, late.map_or(Ok(()), network::Making::finished))?;
    network.hold()?;
    let ruleset = named("prepare Landlock", ruleset.get())?;
    let target = start_target(&spec.target, ruleset, filter, supervisor)?;
    sender.send(&FromRunner::Started);
    named("let go of the streams", start::release_standard())?;
    let status = named("serve the target", init::serve(target, control, &children, &spec.limits, &shared))?;
    let found = shared.appeared.lock().map(|list| still_repositories(&list)).unwrap_or_default();
    tell_named(&spec, (target, &shared.home), sender);
    shared.tell_end(sender);
    hand_back(&spec, sender);
    sender.send(&FromRunner::Ended(init::ending(status, found)));
    if spec.tier == Tier::Landlock {
        // Without a pid namespace nothing but this takes the others along.
        let _none_left = init::kill_all(rustix::process::Signal::KILL);
    }
    Ok(())
}

/// Tells what the target's own words named in vain.
fn tell_named(spec: &LaunchSpec, (target, home): (Pid, &[u8]), sender: &Sender) {
    let Target { programs, arguments, directory, .. } = &spec.target;
    let Some(program) = programs.first().filter(|_| spec.named && spec.supervised) else { return };
    let process = target.as_raw_nonzero().get().unsigned_abs();
    let has_view = spec.tier == Tier::Process;
    let places = (directory.as_bytes(), home);
    for denied in of_target((program, arguments), places, has_view, process) {
        sender.send(&FromRunner::Hidden(denied));
    }
}

/// Gives the broker the files that an agent keeps for itself, as they are now. Whatever still runs inside is ended first, so
/// that it does not change them any more.
fn hand_back(spec: &LaunchSpec, sender: &Sender) {
    if spec.tier != Tier::Process || !spec.view.iter().any(|step| matches!(step, ViewStep::KeptCopy { .. })) {
        return;
    }
    let _none_left = init::kill_all(rustix::process::Signal::KILL);
    for (path, file) in view::copied::handed_back(&spec.view) {
        sender.send_with(&FromRunner::Kept(path), &[file.as_fd()]);
    }
}

/// An order: what the target is started with, and where stands what it is supervised by.
struct Received {
    spec: LaunchSpec,
    supervision: Part,
}

/// The rest of an order, which has not been read.
struct Part {
    order: OwnedFd,
    start: u64,
}

fn inherited_order() -> Result<Received, OsError> {
    read_order(spawn::inherited(ORDER).on("open", "the order")?)
}

/// Waits for an order; `None` when none will come.
fn awaited_order(control: &OwnedFd) -> Result<Option<Received>, OsError> {
    match receive::<Order>(control) {
        Ok(Some((Order::File, Some(file)))) => read_order(file).map(Some),
        Ok(Some((Order::File, None))) => Err(Errno::BADMSG).on("receive", "the order"),
        Ok(None) | Err(Errno::CONNRESET) => Ok(None),
        Err(errno) => Err(errno).on("receive", "the order"),
    }
}

fn read_order(order: OwnedFd) -> Result<Received, OsError> {
    let mut head = [0; ORDER_HEAD];
    let first = match read_at(&order, &mut head, 0)? {
        ORDER_HEAD => u64::from_le_bytes(head),
        _ => return Err(not_understood()),
    };
    let start = first.saturating_add(ORDER_HEAD as u64);
    let bytes = read_between(&order, ORDER_HEAD as u64, start)?;
    let spec = postcard::from_bytes(&bytes).map_err(|_| not_understood())?;
    Ok(Received { spec, supervision: Part { order, start } })
}

impl Part {
    /// What the target is supervised by.
    fn read(self) -> Result<(Supervision, FileRules), OsError> {
        let bytes = read_between(&self.order, self.start, u64::MAX)?;
        match postcard::from_bytes(&bytes) {
            Ok(Some(supervision)) => Ok(supervision),
            _ => Err(not_understood()),
        }
    }
}

/// The bytes of an order from one place to another, or to its end.
fn read_between(order: &OwnedFd, start: u64, end: u64) -> Result<Vec<u8>, OsError> {
    let size = u64::try_from(rustix::fs::fstat(order).on("look at", "the order")?.st_size).unwrap_or(0);
    let length = size.min(end).saturating_sub(start);
    let mut bytes = vec![0; usize::try_from(length).map_err(|_| not_understood())?];
    let filled = read_at(order, &mut bytes, start)?;
    bytes.truncate(filled);
    Ok(bytes)
}

/// Fills a buffer from one place of an order on; returns how much there was.
fn read_at(order: &OwnedFd, buffer: &mut [u8], start: u64) -> Result<usize, OsError> {
    let mut filled = 0;
    while filled < buffer.len() {
        match rustix::io::pread(order, &mut buffer[filled..], start.saturating_add(filled as u64)) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno).on("read", "the order"),
        }
    }
    Ok(filled)
}

fn not_understood() -> OsError {
    OsError::new("understand", "the order", Errno::BADMSG.raw_os_error())
        .with_remedy("the launcher and the runner are not of one build")
}

fn bring_up_loopback(tier: Tier) -> Result<(), OsError> {
    match tier {
        Tier::Process => super::loopback_up().on("bring up", "the loopback interface"),
        Tier::Landlock => Ok(()),
    }
}

/// What a failure to build the view is told as. With `EPERM` it means that this machine does not let the user mount.
pub const VIEW_STEP: &str = "build the file view";

/// Builds the view and enters it. Returns the host's tree, where there is a view to keep it out of.
fn build_view(
    spec: &LaunchSpec,
    begun: Option<view::View>,
    control: &OwnedFd,
    sender: &Sender,
) -> Result<Option<view::HostTree>, Failure> {
    const STEP: &str = VIEW_STEP;
    if spec.tier == Tier::Landlock {
        return Ok(None);
    }
    let mounts = named(STEP, mapped::take(spec, control))?;
    let hearing = spec
        .told
        .as_ref()
        .map(|told| told::Hearing::begin(&told.directories, hidden(&spec.view), sender.clone()));
    let hearing = named(told::STEP, hearing.transpose())?;
    let hearing = hearing.map(Arc::new);
    let built = view::View::build(&spec.view, mounts, hearing.clone(), begun);
    let is_deaf = built.is_err() && hearing.as_ref().is_some_and(|hearing| hearing.has_failed());
    let mut view = named(if is_deaf { told::STEP } else { STEP }, built)?;
    if let (Some(told), Some(hearing)) = (&spec.told, &hearing) {
        view = named(told::STEP, view.tell(told, hearing))?;
    }
    let mut host = named(STEP, view.enter(&spec.view))?;
    named(STEP, mapped::read_back(spec))?;
    if hearing.is_some() {
        // Else the second thread does. What this looks up is not to be heard.
        named(STEP, host.read_back())?;
    }
    hearing.iter().for_each(|hearing| hearing.arm());
    Ok(Some(host))
}

/// What these steps hide.
fn hidden(steps: &[ViewStep]) -> Vec<told::Hidden> {
    let hidden = |step: &ViewStep| match step {
        ViewStep::Mask { path, directory } => {
            Some(told::Hidden { path: path.clone(), directory: *directory })
        }
        _ => None,
    };
    steps.iter().filter_map(hidden).collect()
}

/// The network, which a thread of its own opens and tries while the file view is built: neither waits for the other.
struct Network(Option<JoinHandle<Result<canary::Asked, Failure>>>);

impl Network {
    /// Begins with it, where the sandbox has one.
    fn begin(spec: &LaunchSpec, sender: &Sender) -> Result<Self, OsError> {
        let Some(network) = spec.network.clone() else { return Ok(Self(None)) };
        let sender = sender.clone();
        let thread = std::thread::Builder::new().stack_size(256 * 1024);
        let opening = thread.spawn(move || {
            let sockets = named("open the network", egress::open(&network))?;
            named(canary::STEP, try_network(&network, sockets, &sender))
        });
        opening.map(Some).map(Self).on("start", "a thread for the network")
    }

    /// Waits until it stands and does what the policy says. The thread, which has all rights of the runner, is gone then.
    fn hold(self) -> Result<(), Failure> {
        let Some(opening) = self.0 else { return Ok(()) };
        let gone = || {
            Failure::Step(StepError {
                step: canary::STEP,
                error: OsError::new("hear from", "the thread for the network", Errno::CHILD.raw_os_error()),
            })
        };
        let asked = opening.join().map_err(|_| gone())??;
        named(canary::STEP, asked.hear())
    }
}

/// Shows that connections come to the sockets, gives these to the broker, which serves them from then on, and asks it
/// for names. It answers while the rest is made ready.
fn try_network(
    network: &spec::Network,
    sockets: Vec<(InnerSocket, OwnedFd)>,
    sender: &Sender,
) -> Result<canary::Asked, OsError> {
    canary::arrive(&network.canary, &sockets)?;
    for (kind, socket) in sockets {
        sender.send_with(&FromRunner::Socket(kind), &[socket.as_fd()]);
    }
    canary::ask(&network.canary)
}

fn open_terminal(spec: &LaunchSpec, sender: &Sender) -> Result<(), OsError> {
    let Some(size) = spec.target.terminal else { return Ok(()) };
    let master = start::open_terminal(size)?;
    sender.send_with(&FromRunner::Terminal, &[master.as_fd()]);
    Ok(())
}

/// The target's Landlock domain, which another thread may prepare.
enum Prepared {
    /// It is there.
    Ready(Option<Ruleset>),
    /// It will be.
    Awaited(Receiver<Result<Option<Ruleset>, OsError>>),
}

impl Prepared {
    /// Waits for it.
    fn get(self) -> Result<Option<Ruleset>, OsError> {
        match self {
            Self::Ready(ruleset) => Ok(ruleset),
            Self::Awaited(awaited) => {
                awaited.recv().map_err(|_| Errno::CHILD).on("hear from", "the supervisor")?
            }
        }
    }
}

/// The supervisor's thread, which prepares itself beside the runner.
struct Starting {
    /// The target's Landlock domain, if that thread prepares it.
    ruleset: Option<Prepared>,
    /// Brings the listener there; `None` where nothing is supervised.
    bringer: Option<Bringer>,
    /// What became of its preparations, by the name of the step that they are a part of.
    prepared: Receiver<Result<(), StepError>>,
}

impl Starting {
    /// Waits until the host's tree is gone and the supervisor has no more rights than it needs.
    fn prepared(&self) -> Result<(), Failure> {
        const STEP: &str = "prepare the supervisor";
        let said = self.prepared.recv().map_err(|_| Errno::CHILD).on("hear from", "the supervisor");
        named(STEP, said)?.map_err(Failure::Step)
    }
}

/// Starts the target. It makes itself ready while the supervisor does: what it executes waits for the supervisor's
/// answer, which comes after the preparations or not at all. Where nothing is supervised they are over already.
fn start_target(
    target: &Target,
    ruleset: Option<Ruleset>,
    filter: Program,
    mut supervisor: Starting,
) -> Result<Pid, Failure> {
    let listener = supervisor.bringer.take();
    if listener.is_none() {
        supervisor.prepared()?;
        return start::start(target, ruleset, filter, None).map_err(not_started);
    }
    let started = start::start(target, ruleset, filter, listener);
    // Whatever became of the target, without a supervisor that is prepared there is none.
    supervisor.prepared()?;
    started.map_err(not_started)
}

fn not_started(error: start::NotStarted) -> Failure {
    match error {
        start::NotStarted::Program(errno) => Failure::Program(errno),
        start::NotStarted::Step(error) => Failure::Step(StepError { step: "start the target", error }),
    }
}

/// Answers the target's calls in the second thread, from the first `execve` on. What it answers by is read there: it is
/// long, and the target is being executed meanwhile. If it cannot be read, everything ends. Before that it lets go of the
/// host's tree, which is a wait that the runner has other work for.
fn supervise(
    spec: &LaunchSpec,
    supervision: Part,
    sender: &Sender,
    (host, network): (Option<view::HostTree>, Option<&network::Making>),
    shared: &Arc<Shared>,
) -> Result<Starting, OsError> {
    let (tell, prepared) = sync_channel(1);
    // Wherever it is done, it is the last of building the view: the broker goes by the name.
    let let_go = |host: Option<view::HostTree>| {
        let gone = host.map_or(Ok(()), view::HostTree::let_go);
        gone.map_err(|error| StepError { step: VIEW_STEP, error })
    };
    if !spec.supervised {
        // Never fails: the channel has room for one.
        let _heard = tell.send(let_go(host));
        return Ok(Starting { ruleset: None, bringer: None, prepared });
    }
    let (bringer, awaited) = notify::way().on("open", "a pipe for the listener")?;
    let (sender, shared) = (sender.clone(), Arc::clone(shared));
    let (tier, tells, names) = (spec.tier, spec.told.is_some(), spec.named);
    // Two threads are quicker than one, unless one of them still has to make the network namespace.
    let idle = network.filter(|making| making.is_idle());
    let (landlock, ruleset) = idle.map(|_| sync_channel(1)).unzip();
    let landlock = landlock.map(|tell| (tell, spec.landlock.clone()));
    let serve = move || {
        if let Some((tell, plan)) = landlock {
            let _heard = tell.send(confine::prepare_landlock(&plan, tier));
        }
        // Capabilities belong to threads, and this one was made when the runner had them all.
        let dropped = |()| {
            let dropped = confine::drop_capabilities(tier);
            dropped.map_err(|error| StepError { step: "drop capabilities", error })
        };
        let ready = let_go(host).and_then(dropped);
        let is_ready = ready.is_ok();
        let is_heard = tell.send(ready).is_ok();
        // None comes from a child that failed before it was confined.
        let Some(listener) = awaited.take().map(Arc::new) else { return };
        if !is_ready || !is_heard {
            // With the listener closed, the `execve` that waits for an answer fails.
            return;
        }
        let first = let_start(&listener, &shared);
        match supervision.read() {
            Ok(order) => {
                let reporter = Reporter::new(sender, tells, names);
                let mut supervisor = Supervisor::new(listener, order, reporter, shared);
                supervisor.run(first);
                // The runner ends now, and what this holds with it: to take it apart would only keep it from that.
                std::mem::forget(supervisor);
            }
            Err(error) => {
                sender.send(&FromRunner::Failed { step: "read the order".into(), error });
                let _gone = init::kill_all(rustix::process::Signal::KILL);
            }
        }
    };
    match network {
        Some(network) => network.then(Box::new(serve)),
        None => network::start(serve)?,
    }
    Ok(Starting { ruleset: ruleset.map(Prepared::Awaited), bringer: Some(bringer), prepared })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_that_does_not_hold_is_told_as_a_part_of_the_view_wherever_it_is_found() {
        let (tell, prepared) = sync_channel(1);
        let error = OsError::new("keep read-only", "/etc", Errno::PERM.raw_os_error());
        tell.send(Err(StepError { step: VIEW_STEP, error })).unwrap();
        let starting = Starting { ruleset: None, bringer: None, prepared };
        assert!(matches!(starting.prepared(), Err(Failure::Step(StepError { step: VIEW_STEP, .. }))));
        // And a thread that is gone is a failure too.
        drop(tell);
        let gone = starting.prepared();
        assert!(matches!(gone, Err(Failure::Step(StepError { step: "prepare the supervisor", .. }))));
    }
}
