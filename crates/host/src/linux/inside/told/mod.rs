//! A file system without content that hears which names are looked for in vain, in the directories that the view makes up.
//!
//! It is the lower layer of the view's own directories, so nothing that is there ever comes to it: a look-up that finds
//! something ends above. One that does not comes here once, is answered with "absent" at once, and is remembered by the
//! kernel. Only then the broker is told, and looks whether the host has something by that name: how long the
//! answer takes says nothing of the host.
//!
//! What is hidden in a directory that is shown has a stand-in here, over which it is mounted: a file or a directory that
//! gives nobody any right. The kernel refuses by its attributes, and asks for them whenever it decides, so this hears of
//! every use; but it has no say in it.
//!
//! Nothing can be opened, written or changed through it, and it keeps nothing of a request. A server that is gone makes
//! look-ups fail; it is a thread of the runner, which takes the sandbox along.

mod asker;
mod wire;

use crate::OsError;
use crate::error::Context;
use crate::linux::inside::confine;
use crate::linux::message::Sender;
use crate::linux::supervise::{self, call::Names};
use garth_plan::linux::spec::Tier;
use garth_policy::{AbsPath, FileOp};
use rustix::fd::{AsFd, AsRawFd, OwnedFd};
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsconfig_set_flag, fsconfig_set_string,
    fsmount, fsopen,
};
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, OnceLock};
use wire::{Tree, VIEW_NAME};

pub use wire::Hidden;

/// The name of the step for the launcher.
pub const STEP: &str = "tell of refused reads";

const DEVICE: &str = "/dev/fuse";

/// Enough for one request, one event and what reading `/proc` takes, in bytes.
const STACK: usize = 128 * 1024;

/// Why this user can make no such file system; `None` while nothing is known against it. That the kernel lets him mount
/// it in a user namespace is seen when it is done.
#[must_use]
pub fn refused() -> Option<String> {
    open_device().err().map(|error| error.to_string())
}

fn open_device() -> Result<OwnedFd, OsError> {
    openat(CWD, DEVICE, OFlags::RDWR | OFlags::CLOEXEC, Mode::empty()).on("open", DEVICE)
}

/// The file system, mounted nowhere yet, with its server.
#[derive(Debug)]
pub struct Hearing {
    /// Brings the mount, from the thread that makes it and serves it then.
    made: Mutex<Option<Receiver<Result<OwnedFd, OsError>>>>,
    root: OnceLock<OwnedFd>,
    hidden: HashMap<AbsPath, usize>,
    armed: Arc<AtomicBool>,
}

impl Hearing {
    /// Makes it, with these directories and these stand-ins, in a thread that is its server from then on and tells through
    /// `sender`. Whoever needs it waits for it; until then there is other work.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn begin(directories: &[AbsPath], hidden: Vec<Hidden>, sender: Sender) -> Result<Self, OsError> {
        let owner = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
        let armed = Arc::new(AtomicBool::new(false));
        let numbers =
            hidden.iter().enumerate().map(|(number, hidden)| (hidden.path.clone(), number)).collect();
        let tree = Tree::new(directories, hidden, owner);
        let (tell, made) = sync_channel(1);
        let seen = HashSet::new();
        let shared = Arc::clone(&armed);
        let serve = move || match make(owner) {
            Ok((device, root)) => {
                // Never fails: the channel has room for one.
                let _heard = tell.send(Ok(root));
                Server { device, tree, armed: shared, sender, seen }.serve();
            }
            Err(error) => {
                let _heard = tell.send(Err(error));
            }
        };
        let thread = std::thread::Builder::new().name("told".into()).stack_size(STACK);
        thread.spawn(serve).on("start", "a thread that hears")?;
        Ok(Self { made: Mutex::new(Some(made)), root: OnceLock::new(), hidden: numbers, armed })
    }

    /// The directories, to lie below those of the view.
    ///
    /// # Errors
    /// What could not be opened or mounted, or when the server does not answer.
    pub fn view(&self) -> Result<OwnedFd, OsError> {
        self.open(VIEW_NAME, OFlags::DIRECTORY)
    }

    /// What stands in for what is hidden at a place, if something does.
    ///
    /// # Errors
    /// As for [`Hearing::view`].
    pub fn stand_in(&self, place: &AbsPath) -> Result<Option<OwnedFd>, OsError> {
        let number = self.hidden.get(place);
        number.map(|number| self.open(&number.to_string(), OFlags::empty())).transpose()
    }

    fn open(&self, name: &str, flags: OFlags) -> Result<OwnedFd, OsError> {
        openat(self.root()?, name, flags | OFlags::PATH | OFlags::CLOEXEC, Mode::empty())
            .on("open in a file system that hears", name)
    }

    fn root(&self) -> Result<&OwnedFd, OsError> {
        if self.root.get().is_none() {
            let made = self.made.lock().ok().and_then(|mut made| made.take());
            let root = made.and_then(|made| made.recv().ok());
            let root =
                root.unwrap_or_else(|| Err(Errno::CHILD).on("hear from", "a file system that hears"))?;
            return Ok(self.root.get_or_init(|| root));
        }
        self.root.get().ok_or(Errno::CHILD).on("hear from", "a file system that hears")
    }

    /// Whether it was needed and could not be made.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.root.get().is_none() && self.made.lock().map_or(true, |made| made.is_none())
    }

    /// From now on what is missed is told. Before, it is the runner that looks.
    pub fn arm(&self) {
        self.armed.store(true, Ordering::Release);
    }
}

fn make(owner: (u32, u32)) -> Result<(OwnedFd, OwnedFd), OsError> {
    let device = open_device()?;
    let root = mount(&device, owner)?;
    Ok((device, root))
}

/// A file system that nobody but this user may look at, and nobody change.
fn mount(device: &OwnedFd, (user, group): (u32, u32)) -> Result<OwnedFd, OsError> {
    let named = "a file system that hears";
    let fs = fsopen("fuse", FsOpenFlags::FSOPEN_CLOEXEC).on("prepare", named)?;
    let options = [
        ("fd", device.as_raw_fd().to_string()),
        ("rootmode", "40755".to_owned()),
        ("user_id", user.to_string()),
        ("group_id", group.to_string()),
    ];
    for (key, value) in options {
        fsconfig_set_string(fs.as_fd(), key, value).on("prepare", named)?;
    }
    // The kernel decides by the attributes, whoever serves.
    fsconfig_set_flag(fs.as_fd(), "default_permissions").on("prepare", named)?;
    fsconfig_create(fs.as_fd()).on("make", named)?;
    // Not read-only, and not without programs: that would be the answer to every attempt to change or to start a stand-in,
    // and nobody would hear of it. There is nothing to change and nothing to start.
    let flags = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV;
    fsmount(fs.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, flags).on("mount", named)
}

/// Uses of what is hidden that are told; a name that is absent is asked for once anyway.
const MOST: usize = 1000;

/// Answers the kernel.
struct Server {
    device: OwnedFd,
    tree: Tree,
    armed: Arc<AtomicBool>,
    sender: Sender,
    /// Uses of what is hidden that were told.
    seen: HashSet<(AbsPath, FileOp)>,
}

impl Server {
    /// Serves until the file system is gone. With the device closed every look-up fails that would have come here.
    fn serve(mut self) {
        // It reads who asks, as the supervisor does, and has no other right.
        if confine::drop_capabilities(Tier::Process).is_err() {
            return;
        }
        let names = Names::new();
        let mut request = [0; wire::LONGEST];
        loop {
            match rustix::io::read(&self.device, &mut request) {
                Ok(length) => self.answer(&names, &request[..length]),
                // The asker was killed before its request was read, or a signal came.
                Err(Errno::NOENT | Errno::INTR | Errno::AGAIN) => {}
                Err(_) => return,
            }
        }
    }

    fn answer(&mut self, names: &Names, request: &[u8]) {
        let answer = self.tree.answer(request);
        // Read before the answer: afterwards the asker is somewhere else.
        let event = answer.missed.filter(|_| self.armed.load(Ordering::Acquire)).and_then(|missed| {
            let thread = supervise::asker(missed.thread)?;
            let wanted = asker::wanted(names, thread, &missed)?;
            if missed.hides.is_some() {
                let known = self.seen.len();
                let is_new = known < MOST && self.seen.insert((wanted.path.clone(), wanted.op));
                is_new.then_some(())?;
            }
            Some(supervise::hidden(thread, &wanted.path, wanted.op))
        });
        let reply = || {
            if let Some(reply) = &answer.reply {
                // An asker that was killed meanwhile waits for nothing.
                let _gone = rustix::io::write(&self.device, reply);
            }
        };
        match event {
            // The asker may be gone, and the sandbox with it, before this thread has its turn again.
            Some(event) => self.sender.send_after(reply, &event),
            None => reply(),
        }
    }
}
