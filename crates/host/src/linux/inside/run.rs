//! The runner's life as a list of steps.

use super::{confine, init, start, view};
use crate::OsError;
use crate::error::Context;
use crate::linux::message::{FromRunner, Order, Sender, receive};
use crate::linux::supervise::{Reporter, Supervisor, still_repositories};
use crate::linux::sys::affinity;
use crate::linux::sys::notify::{Listener, Program};
use crate::linux::sys::signals::Children;
use crate::linux::sys::spawn;
use garth_plan::linux::spec::{LaunchSpec, Supervision, Tier};
use garth_policy::AbsPath;
use rustix::fd::{AsFd, OwnedFd};
use rustix::io::Errno;
use rustix::thread::CpuSet;
use std::sync::{Arc, Mutex};

/// Descriptor under which the launcher leaves the order.
pub const ORDER: i32 = 3;
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
    let lived = named("read the order", inherited_order()).and_then(|spec| {
        named("guard the runner", confine::guard_runner(spec.tier))?;
        named("bring up the loopback interface", bring_up_loopback(spec.tier))?;
        live(spec, &control, &sender)
    });
    tell(lived, &sender)
}

/// Life of a runner that was copied from the broker before there was a plan: it does what needs none, and waits for
/// its order. A broker that makes no plan closes the socket. `processors` are those that the broker may run on: the
/// starter was kept from one of them.
#[must_use]
pub fn run_early(control: OwnedFd, processors: Option<CpuSet>) -> u8 {
    let control = Arc::new(control);
    let sender = Sender::new(Arc::clone(&control));
    let lived = named("guard the runner", confine::guard_runner(Tier::Process)).and_then(|()| {
        named("bring up the loopback interface", bring_up_loopback(Tier::Process))?;
        match named("read the order", awaited_order(&control))? {
            None => Ok(()),
            Some(spec) => {
                // Not earlier: by now the broker has set what it sets.
                processors.iter().for_each(affinity::come_back);
                live(spec, &control, &sender)
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

/// Builds the sandbox, starts the target and serves it to its end.
fn live(spec: LaunchSpec, control: &Arc<OwnedFd>, sender: &Sender) -> Result<(), Failure> {
    named("build the file view", build_view(&spec))?;
    named("open a terminal", open_terminal(&spec, sender))?;
    named("set the limits", confine::set_limits(&spec.limits))?;
    let ruleset = named("prepare Landlock", confine::prepare_landlock(&spec.landlock))?;
    named("drop capabilities", confine::drop_capabilities(spec.tier))?;
    let children = named("watch the children", Children::watch().on("watch", "the children"))?;
    let filter = Program::new(&spec.seccomp);
    let started = start::start(&spec.target, ruleset, filter, spec.supervision.is_some());
    let started = started.map_err(|error| match error {
        start::NotStarted::Program(errno) => Failure::Program(errno),
        start::NotStarted::Step(error) => Failure::Step(StepError { step: "start the target", error }),
    })?;
    let repositories = named("supervise the target", supervise(started.listener, spec.supervision, sender))?;
    sender.send(&FromRunner::Started);
    named("let go of the streams", start::release_standard())?;
    let status = named("serve the target", init::serve(started.pid, control, &children, &spec.limits))?;
    let found = repositories.lock().map(|list| still_repositories(&list)).unwrap_or_default();
    sender.send(&FromRunner::Ended(init::ending(status, found)));
    if spec.tier == Tier::Landlock {
        // Without a pid namespace nothing but this takes the others along.
        let _none_left = init::kill_all(rustix::process::Signal::KILL);
    }
    Ok(())
}

fn inherited_order() -> Result<LaunchSpec, OsError> {
    read_order(&spawn::inherited(ORDER).on("open", "the order")?)
}

/// Waits for an order; `None` when none will come.
fn awaited_order(control: &OwnedFd) -> Result<Option<LaunchSpec>, OsError> {
    match receive::<Order>(control) {
        Ok(Some((Order::File, Some(file)))) => read_order(&file).map(Some),
        Ok(Some((Order::File, None))) => Err(Errno::BADMSG).on("receive", "the order"),
        Ok(None) | Err(Errno::CONNRESET) => Ok(None),
        Err(errno) => Err(errno).on("receive", "the order"),
    }
}

fn read_order(order: &OwnedFd) -> Result<LaunchSpec, OsError> {
    let size = rustix::fs::fstat(order).on("look at", "the order")?.st_size;
    let mut bytes = vec![0; usize::try_from(size).unwrap_or(0)];
    let mut filled = 0;
    while filled < bytes.len() {
        match rustix::io::pread(order, &mut bytes[filled..], filled as u64) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno).on("read", "the order"),
        }
    }
    postcard::from_bytes(&bytes[..filled]).map_err(|_| {
        OsError::new("understand", "the order", Errno::BADMSG.raw_os_error())
            .with_remedy("the launcher and the runner are not of one build")
    })
}

fn bring_up_loopback(tier: Tier) -> Result<(), OsError> {
    match tier {
        Tier::Process => super::loopback_up().on("bring up", "the loopback interface"),
        Tier::Landlock => Ok(()),
    }
}

fn build_view(spec: &LaunchSpec) -> Result<(), OsError> {
    if spec.tier == Tier::Landlock {
        return Ok(());
    }
    view::View::build(&spec.view)?.enter()?;
    view::read_back(&spec.view)
}

fn open_terminal(spec: &LaunchSpec, sender: &Sender) -> Result<(), OsError> {
    let Some(size) = spec.target.terminal else { return Ok(()) };
    let master = start::open_terminal(size)?;
    sender.send_with(&FromRunner::Terminal, &[master.as_fd()]);
    Ok(())
}

/// Paths at which parts of repositories appeared.
type Appeared = Arc<Mutex<Vec<AbsPath>>>;

fn supervise(
    listener: Option<Listener>,
    order: Option<Supervision>,
    sender: &Sender,
) -> Result<Appeared, OsError> {
    let appeared = Appeared::default();
    if let (Some(listener), Some(order)) = (listener, order) {
        let mut supervisor =
            Supervisor::new(listener, order, Reporter::new(sender.clone()), Arc::clone(&appeared));
        std::thread::Builder::new()
            .stack_size(256 * 1024)
            .spawn(move || supervisor.run())
            .on("start", "the supervisor")?;
    }
    Ok(appeared)
}
