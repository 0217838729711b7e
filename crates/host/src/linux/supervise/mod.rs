//! Carries out the target's mutations in the user's tree, on opened objects.
//!
//! Landlock forbids the target to make any of these changes by itself, so letting a call go on is always
//! safe: whatever a second thread has made of the arguments meanwhile, the kernel refuses. What the policy
//! allows is done here, on the very objects that the decision was taken on. One thread does it all, so two
//! supervised changes of one sandbox never interleave.
//!
//! Another sandbox of the same workspace has a supervisor of its own. What is opened, linked, truncated or made is judged by
//! an object that is held, or made where nothing stands, so it does not matter what another one does meanwhile: both
//! have the same result as one after the other. What is judged by what stands at a name, and then done by the name (moving,
//! exchanging, installing a configuration, binding a socket by the caller's path), takes the turn that all supervisors of
//! the user share ([`crate::linux::change_lock`]); and so does what puts a link at a name. Where there is no lock, what would
//! be refused for another kind of object is refused. A turn that is not ended in five seconds is `EAGAIN`.

mod another;
pub mod call;
mod changes;
mod connect;
mod execute;
mod git;
mod later;
mod named;
mod names;
mod observe;
mod open;
pub mod place;
mod processes;
mod refused;
mod report;
mod repositories;
mod scripts;
mod socket;

pub use changes::{Changed, Changes, ChangesCounted, How};
pub use execute::{Commands, Execution};
pub use named::of_target;
pub use observe::Used;
pub use processes::{Counted, Gone, Processes, Started};
pub use report::{Denied, Reporter, hidden};
pub use repositories::still_repositories;
pub use scripts::own_interpreters;

use crate::linux::change_lock::ChangeLock;
use crate::linux::message::{FromRunner, Sender};
use crate::linux::sys::affinity::Keeper;
use crate::linux::sys::notify::{Listener, Notification};
use call::{Call, Names};
use garth_plan::linux::spec::{FileId, Supervision, Target};
use garth_policy::{AbsPath, FileOp, FileRule, FileRules, RuleKind, Verdict};
use place::WorkingDirectory;
use repositories::Repositories;
use rustix::fd::{BorrowedFd, OwnedFd};
use rustix::fs::{AtFlags, Mode, statat};
use rustix::io::Errno;
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

/// The thread whose call is being answered, 0 for none: there is one supervisor in a process.
static SERVED: AtomicU32 = AtomicU32::new(0);

/// Whose look-up it is that this thread makes: that of another, if it is one of the runner's own threads, which look
/// where the target wants to go. `None` if the runner looks for itself, or whoever has no number inside: somebody outside.
#[must_use]
pub fn asker(thread: u32) -> Option<u32> {
    if thread == 0 {
        return None;
    }
    if !report::is_runner(thread) {
        return Some(thread);
    }
    Some(SERVED.load(Ordering::Acquire)).filter(|served| *served != 0)
}

/// The answer to a supervised call.
#[derive(Debug)]
pub(crate) enum Answer {
    /// The caller's own call goes on.
    Proceed,
    /// Done; the call returns this value.
    Done(i64),
    /// Refused or failed.
    Fail(Errno),
    /// Opened; the caller gets the descriptor.
    Opened(OwnedFd, bool),
    /// Another thread answers later.
    Later,
}

impl From<Result<(), Errno>> for Answer {
    fn from(result: Result<(), Errno>) -> Self {
        result.map_or_else(Self::Fail, |()| Self::Done(0))
    }
}

/// What the supervisor and the rest of the runner both know.
#[derive(Debug)]
pub struct Shared {
    /// Programs that wait for the broker's verdict.
    pub commands: Commands,
    /// Processes.
    pub processes: Arc<Processes>,
    /// By which all supervisors of this user take turns.
    pub lock: ChangeLock,
    /// What was changed.
    pub changes: Mutex<Changes>,
    /// Paths at which parts of repositories appeared.
    pub appeared: Mutex<Vec<AbsPath>>,
    /// The target's `HOME`.
    pub home: Vec<u8>,
}

impl Shared {
    /// For a sandbox with this target.
    #[must_use]
    pub fn new(target: &Target, sender: Sender) -> Self {
        Self {
            commands: Commands::new(target),
            lock: ChangeLock::new(sender.clone()),
            processes: Arc::new(Processes::new(target, sender)),
            changes: Mutex::default(),
            appeared: Mutex::default(),
            home: home(target).to_vec(),
        }
    }

    /// Tells what is only known in the end.
    pub fn tell_end(&self, sender: &Sender) {
        /// Names in one message: with the longest paths they fit.
        const MOST: usize = 6;
        let processes = self.processes.finish();
        let changes = self.changes.lock().map(|changes| changes.settle());
        let (list, counted) = changes.unwrap_or_default();
        for some in list.chunks(MOST) {
            sender.send(&FromRunner::Changed(some.to_vec()));
        }
        sender.send(&FromRunner::Counted(processes, counted));
    }
}

/// `HOME` in the target's environment; empty if that is not there.
fn home(target: &Target) -> &[u8] {
    target.environment.iter().find_map(|variable| variable.strip_prefix(b"HOME=")).unwrap_or_default()
}

/// The supervisor of one sandbox.
pub struct Supervisor {
    listener: Arc<Listener>,
    order: Supervision,
    rules: FileRules,
    names: Names,
    masks: HashMap<u32, u32>,
    keeper: Keeper,
    later: later::Later,
    /// Away while a call is handled that goes somewhere.
    cwd: Option<WorkingDirectory>,
    /// Files all of whose names were made under this supervisor.
    own_links: HashSet<FileId>,
    reporter: Reporter,
    repositories: Repositories,
    shared: Arc<Shared>,
    /// Configurations as they were before the first change, for comparing with what replaces them even
    /// after the file was deleted.
    configurations: HashMap<AbsPath, Vec<u8>>,
    /// Sockets that were bound under this supervisor.
    own_sockets: HashSet<connect::Born>,
    own_device: Option<(u32, u32)>,
    /// Devices of the file systems that the sandbox has of its own, where that matters.
    own_file_systems: HashSet<u64>,
    present: execute::Present,
    scripts: scripts::Scripts,
    seen_names: named::Seen,
    /// Of a sandbox that is there for learning.
    observer: Option<observe::Observer>,
}

/// Lets the target's own start go on: it was judged before the sandbox was made, and what it is supervised by is read
/// meanwhile. The first call on a listener is made by the runner's own code in the child. Returns a call that is no
/// start, for the supervisor.
pub fn let_start(listener: &Listener, shared: &Shared) -> Option<Notification> {
    let first = loop {
        match listener.receive() {
            Err(Errno::INTR) => {}
            first => break first.ok()?,
        }
    };
    if matches!(call::decode(&Names::new(), &first), Call::Execute { .. }) {
        // A child that is gone needs no answer.
        let _gone = listener.proceed(first.id);
        shared.processes.know_target(first.thread);
        return None;
    }
    Some(first)
}

impl Supervisor {
    /// Prepares to answer `listener`.
    #[must_use]
    pub fn new(
        listener: Arc<Listener>,
        (order, rules): (Supervision, FileRules),
        reporter: Reporter,
        shared: Arc<Shared>,
    ) -> Self {
        // Not before the target has started: it starts on another processor, while the rules are read on this one.
        listener.wake_synchronously();
        shared.commands.answer_on(Arc::clone(&listener));
        if let Ok(mut changes) = shared.changes.lock() {
            *changes = Changes::new(!order.deletes);
        }
        // Without a view of its own the sandbox has no file system either.
        let own_device = if order.has_view { connect::own_device() } else { None };
        let own_file_systems = if reporter.tells() { own_file_systems(&order) } else { HashSet::new() };
        let repositories = Repositories::new(&order.known_repositories);
        let observer = match (order.observe, order.trace) {
            (true, _) => Some(observe::Observer::new(reporter.sender().clone())),
            (false, true) => Some(observe::Observer::for_hidden(order.has_view)),
            (false, false) => None,
        };
        Self {
            listener,
            order,
            rules,
            names: Names::new(),
            masks: HashMap::new(),
            keeper: Keeper::new(),
            later: later::Later::default(),
            cwd: None,
            own_links: HashSet::new(),
            reporter,
            repositories,
            shared,
            configurations: HashMap::new(),
            own_sockets: HashSet::new(),
            own_device,
            own_file_systems,
            present: execute::Present::default(),
            scripts: scripts::Scripts::default(),
            seen_names: named::Seen::default(),
            observer,
        }
    }

    /// Answers calls, beginning with one that was received already, until the last supervised process is gone.
    pub fn run(&mut self, first: Option<Notification>) {
        self.cwd = Some(WorkingDirectory::new());
        // New objects get exactly the mode that the caller's own mask leaves.
        rustix::process::umask(Mode::empty());
        first.iter().for_each(|first| self.answer(first));
        loop {
            match self.listener.receive() {
                Ok(notification) => self.answer(&notification),
                Err(Errno::INTR) => {}
                // The caller died before its call was read, or there is no caller left at all.
                Err(Errno::NOENT) if !self.listener.is_deserted() => {}
                Err(_) => return,
            }
        }
    }

    fn answer(&mut self, notification: &Notification) {
        let id = notification.id;
        SERVED.store(notification.thread, Ordering::Release);
        self.keeper.serves(notification.thread);
        // A caller that died meanwhile needs no answer: errors of the answers themselves mean just that.
        let _gone = match self.handle(notification) {
            Answer::Proceed => self.listener.proceed(id),
            Answer::Done(value) => self.listener.succeed(id, value),
            Answer::Fail(errno) => self.listener.fail(id, errno),
            Answer::Opened(descriptor, close_on_exec) => {
                let keeper = &mut self.keeper;
                open::hand_over(&self.listener, notification, descriptor, close_on_exec, keeper)
            }
            Answer::Later => Ok(()),
        };
        SERVED.store(0, Ordering::Release);
    }

    /// Notes what was made, for the report on repositories that appear.
    fn note(&mut self, change: impl FnOnce(&mut Repositories) -> bool) {
        if change(&mut self.repositories)
            && let Ok(mut list) = self.shared.appeared.lock()
        {
            *list = self.repositories.appeared();
            list.retain(|path| self.order.lasts(path));
        }
    }

    /// Notes a change at this path, for the list of what is different in the end.
    fn changed(&self, path: &AbsPath, change: impl FnOnce(&mut Changes)) {
        if self.order.changes
            && self.order.tells(path)
            && self.order.lasts(path)
            && let Ok(mut changes) = self.shared.changes.lock()
        {
            change(&mut changes);
        }
    }

    fn handle(&mut self, notification: &Notification) -> Answer {
        let thread = notification.thread;
        let call = call::decode(&self.names, notification);
        if let Some(observer) = &mut self.observer {
            observer.observe(thread, &call);
            for (path, op) in observer.take() {
                self.reporter.hidden(thread, &path, op);
            }
        }
        match call {
            Call::Open { at, flags, mode } => {
                self.with_cwd(|own, cwd| own.open(cwd, notification, at, (flags, mode)))
            }
            Call::Truncate { at, length } => self.truncate(thread, at, length),
            Call::MakeDirectory { at, mode } => {
                self.with_cwd(|own, cwd| own.make_directory(cwd, thread, at, mode))
            }
            Call::MakeNode { at, mode, device } => {
                self.with_cwd(|own, cwd| own.make_node(cwd, thread, at, (mode, device)))
            }
            Call::MakeSymlink { target, at } => {
                self.with_cwd(|own, cwd| own.make_symlink(cwd, thread, target, at))
            }
            Call::MakeLink { old, new, flags } => {
                self.with_cwd(|own, cwd| own.make_link(cwd, thread, (old, new), flags))
            }
            Call::Rename { old, new, flags } => self.rename(thread, old, new, flags),
            Call::Remove { at, directory } => {
                self.with_cwd(|own, cwd| own.remove(cwd, thread, at, directory))
            }
            Call::Attributes { at, follow } => self.look_at_attributes(thread, at, follow),
            Call::Bind { socket, address, length } => self.bind(thread, socket, address, length),
            Call::Connect { socket, address, length } => self.connect(notification, socket, address, length),
            Call::Execute { at, arguments } => self.execute(notification, at, arguments),
            Call::Mask { mask } => {
                self.masks.clear();
                self.masks.insert(thread, mask);
                Answer::Proceed
            }
            Call::Another { whom } => self.another(thread, whom),
            Call::Unknown => Answer::Fail(Errno::NOSYS),
        }
    }

    /// Handles a call that goes to a place at most once.
    fn with_cwd(&mut self, handle: impl FnOnce(&mut Self, &mut WorkingDirectory) -> Answer) -> Answer {
        let mut cwd = self.cwd.take().unwrap_or_default();
        let answer = handle(self, &mut cwd);
        self.cwd = Some(cwd);
        answer
    }

    /// Whether the target can change nothing there by itself, so the runner does it.
    fn supervised(&self, path: &AbsPath) -> bool {
        self.order.covers(path)
    }

    /// A change at an opened place, or in it, that the target's own rights decide: the broker knows whether they allow it.
    /// In file systems of the sandbox's own they do.
    fn elsewhere(&mut self, thread: u32, (path, at): (&AbsPath, BorrowedFd<'_>), op: FileOp) {
        if self.reporter.tells() && self.order.has_view {
            // It may be the working directory, which is no descriptor to fstat(2).
            let device = statat(at, c"", AtFlags::EMPTY_PATH).map(|stat| stat.st_dev);
            if device.is_ok_and(|device| !self.own_file_systems.contains(&device)) {
                self.reporter.elsewhere(thread, path, op);
            }
        }
    }

    /// Asks the policy; a refusal is reported.
    fn judge(&mut self, thread: u32, path: &AbsPath, op: FileOp) -> Verdict {
        if self.order.has_view && !self.supervised(path) {
            // The rules at hand say nothing about it.
            return Verdict::Deny;
        }
        let decision = self.rules.decide(path, op);
        if decision.verdict == Verdict::Deny && (self.order.tells(path) || self.is_shown(path, decision.rule))
        {
            self.reporter.denied(thread, path, op, decision.rule);
        }
        decision.verdict
    }

    /// Whether what stands at a path in a tree of the sandbox's own is the host's: a rule shows it there.
    fn is_shown(&self, path: &AbsPath, rule: Option<&FileRule>) -> bool {
        self.reporter.tells()
            && rule.is_some_and(|rule| rule.kind != RuleKind::Secret)
            && !self.rules.is_private(path, self.rules.grant(path).depth)
    }

    /// Asks the policy where only a plain yes will do.
    fn permit(&mut self, thread: u32, path: &AbsPath, op: FileOp) -> Result<(), Errno> {
        match self.judge(thread, path, op) {
            Verdict::Allow => Ok(()),
            Verdict::Deny => Err(Errno::ACCESS),
            Verdict::Vet(_) => {
                let rule = self.rules.decide(path, op).rule.cloned();
                self.reporter.denied(thread, path, op, rule.as_ref());
                Err(Errno::ACCESS)
            }
        }
    }

    /// The caller's file mode creation mask.
    fn mask(&mut self, thread: u32) -> Mode {
        let mask = match self.masks.get(&thread) {
            Some(mask) => *mask,
            None => {
                let mask = read_mask(thread).unwrap_or(0o077);
                if self.masks.len() > 4096 {
                    self.masks.clear();
                }
                self.masks.insert(thread, mask);
                mask
            }
        };
        Mode::from_raw_mode(mask)
    }

    fn masked(&mut self, thread: u32, mode: u32) -> Mode {
        let kept = if self.order.plain_modes { 0o1777 } else { 0o7777 };
        Mode::from_raw_mode(mode & kept) & !self.mask(thread)
    }
}

/// The file systems of the root and of the trees of the sandbox's own.
fn own_file_systems(order: &Supervision) -> HashSet<u64> {
    let trees = order.quiet.iter().map(AbsPath::as_bytes).chain([&b"/"[..]]);
    trees.filter_map(|tree| rustix::fs::stat(tree).ok()).map(|stat| stat.st_dev).collect()
}

/// `Umask:` of `/proc/PID/status` (`proc_pid_status(5)`).
fn read_mask(thread: u32) -> Option<u32> {
    let status = std::fs::read(format!("/proc/{thread}/status")).ok()?;
    let line = status.split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(b"Umask:"))?;
    u32::from_str_radix(std::str::from_utf8(line).ok()?.trim(), 8).ok()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_mask_of_a_process_is_read() {
        let before = rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o027));
        let read = super::read_mask(std::process::id());
        rustix::process::umask(before);
        assert_eq!(read, Some(0o027));
    }
}
