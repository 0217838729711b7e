//! Control groups of version 2 (`cgroups(7)`): finding one that this user may divide, making one in it, and
//! taking it away again.
//!
//! A process moves between groups only if its mover may write `cgroup.procs` of the group above both, and a group
//! with processes of its own gives its controllers to no child. So a sandbox gets a sibling of the broker's group
//! (or a child, where that is the root of all) and only controllers that are switched on there already.

use super::journal::{Journal, SessionDirectory};
use crate::OsError;
use crate::error::Context;
use garth_plan::facts::ControlGroup;
use garth_plan::linux::spec::{Group, Setting};
use garth_policy::AbsPath;
use rustix::fd::OwnedFd;
use rustix::fs::{Access, CWD, Mode, OFlags, accessat, open, statfs};
use rustix::io::Errno;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Where version 2 is mounted: alone, or beside the controllers of version 1.
const MOUNTS: [&str; 2] = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"];
/// `CGROUP2_SUPER_MAGIC` of `linux/magic.h`.
const MAGIC: i64 = 0x6367_7270;
/// Files that say how far the broker's own group may go, and what they say when that is not limited.
const OWN_LIMITS: [(&str, &str); 4] =
    [("memory.max", "max"), ("memory.high", "max"), ("pids.max", "max"), ("cpu.max", "max ")];
/// How long processes of a group may take to die.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is written down as the operation of every failure here, so that another way can be taken.
const DIVIDE: &str = "divide the control group";

/// Whether a failure means that this machine has no control group for this user after all.
#[must_use]
pub fn refused(error: &OsError) -> bool {
    error.operation == DIVIDE || error.operation == "enter the control group of"
}

/// Looks for a group in which this user may make one.
#[must_use]
pub fn find() -> Option<ControlGroup> {
    let mount = MOUNTS.into_iter().map(Path::new).find(|mount| is_one(mount))?;
    let own = own_path(&std::fs::read_to_string("/proc/self/cgroup").ok()?)?;
    find_below(mount, &own)
}

/// The broker's own group, relative to the root of the hierarchy.
fn own_path(text: &str) -> Option<PathBuf> {
    let path = text.lines().find_map(|line| line.strip_prefix("0::/"))?;
    // A group outside the broker's cgroup namespace is shown by a way up.
    (!path.split('/').any(|part| part == "..")).then(|| PathBuf::from(path))
}

fn find_below(mount: &Path, own: &Path) -> Option<ControlGroup> {
    let is_root = own.as_os_str().is_empty();
    let own = mount.join(own);
    if !is_root && limited(&own) {
        // Beside it the sandbox would be free of what limits the broker.
        return None;
    }
    let parent = if is_root { mount.to_owned() } else { own.parent()?.to_owned() };
    let controllers = std::fs::read_to_string(parent.join("cgroup.subtree_control")).ok()?;
    let controllers: BTreeSet<String> = controllers.split_whitespace().map(str::to_owned).collect();
    let writable = [parent.clone(), parent.join("cgroup.procs")]
        .iter()
        .all(|path| accessat(CWD, path, Access::WRITE_OK, rustix::fs::AtFlags::EACCESS).is_ok());
    if controllers.is_empty() || !writable {
        return None;
    }
    Some(ControlGroup { parent: AbsPath::posix(parent.as_os_str().as_bytes()).ok()?, controllers })
}

fn limited(group: &Path) -> bool {
    OWN_LIMITS.iter().any(|(file, free)| {
        std::fs::read_to_string(group.join(file)).is_ok_and(|text| !text.starts_with(free))
    })
}

/// Whether a directory is a control group of version 2.
#[must_use]
pub fn is_one(directory: &Path) -> bool {
    statfs(directory).is_ok_and(|status| status.f_type == MAGIC)
}

/// Ends everything in a group and removes it.
///
/// # Errors
/// `EBUSY` when something in it does not end.
pub fn remove(directory: &Path) -> Result<(), OsError> {
    // Older kernels have no such file; there the end of the pid namespace has to do.
    let _absent = std::fs::write(directory.join("cgroup.kill"), "1");
    let end = Instant::now() + PATIENCE;
    loop {
        match rustix::fs::rmdir(directory) {
            Ok(()) | Err(Errno::NOENT) => return Ok(()),
            Err(Errno::BUSY) if Instant::now() < end => std::thread::sleep(Duration::from_millis(1)),
            Err(errno) => return Err(errno).on("remove", directory.display()),
        }
    }
}

/// A group of one sandbox. What is in it ends, and it is removed, when this is dropped.
#[derive(Debug)]
pub struct Made {
    directory: SessionDirectory,
    plan: Group,
}

impl Made {
    /// Makes the group, after writing down that it will be made, sets its limits and reads them back.
    ///
    /// # Errors
    /// What could not be made or set; see [`refused`].
    pub fn new(journal: &Journal, plan: &Group) -> Result<Self, OsError> {
        journal.sweep();
        let parent = Path::new(OsStr::from_bytes(plan.parent.as_bytes()));
        let made = Self { directory: journal.announce(parent)?, plan: plan.clone() };
        rustix::fs::mkdir(made.path(), Mode::from_raw_mode(0o755)).on(DIVIDE, &plan.parent)?;
        for setting in &plan.settings {
            put(made.path(), setting)?;
        }
        Ok(made)
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    /// The file through which a process enters.
    ///
    /// # Errors
    /// The error of `open(2)`.
    pub fn door(&self) -> Result<OwnedFd, OsError> {
        open(self.path().join("cgroup.procs"), OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())
            .on(DIVIDE, self.path().display())
    }

    /// Which limit ended what was inside, in words; `None` when none did.
    #[must_use]
    pub fn ended_by(&self) -> Option<String> {
        let most = self.plan.settings.iter().find(|setting| setting.file == "memory.max")?;
        let killed = event(self.path(), "memory.events", "oom_kill")?;
        (killed > 0).then(|| {
            format!("memory: {} bytes allowed, the kernel ended {killed} processes above it", most.value)
        })
    }

    /// What was refused by a limit without an end, in words.
    #[must_use]
    pub fn refused_by(&self) -> Option<String> {
        let count = event(self.path(), "pids.events", "max").filter(|count| *count > 0)?;
        Some(format!(
            "processes: {count} could not be started because there were too many (limits.processes)"
        ))
    }
}

/// Writes one setting and reads back that it is in force.
fn put(group: &Path, setting: &Setting) -> Result<(), OsError> {
    let path = group.join(&setting.file);
    let named = || path.display().to_string();
    let file = match open(&path, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty()) {
        Err(Errno::NOENT) if setting.optional => return Ok(()),
        other => other.on(DIVIDE, named())?,
    };
    rustix::io::write(&file, setting.value.as_bytes()).on(DIVIDE, named())?;
    let now = std::fs::read_to_string(&path).on(DIVIDE, named())?;
    if is_set(now.trim(), &setting.value) {
        return Ok(());
    }
    Err(OsError::new(DIVIDE, named(), Errno::PERM.raw_os_error()).with_remedy(format!(
        "it holds `{}` after `{}` was written",
        now.trim(),
        setting.value
    )))
}

/// Whether a value is in force. The kernel counts memory in pages and rounds down.
fn is_set(now: &str, wanted: &str) -> bool {
    match (now.parse::<u64>(), wanted.parse::<u64>()) {
        (Ok(now), Ok(wanted)) => now <= wanted && wanted - now < rustix::param::page_size() as u64,
        _ => now == wanted,
    }
}

/// A number of an events file.
fn event(group: &Path, file: &str, name: &str) -> Option<u64> {
    let text = std::fs::read_to_string(group.join(file)).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?;
    line.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(at: &Path, controllers: &str) {
        std::fs::create_dir_all(at).unwrap();
        std::fs::write(at.join("cgroup.subtree_control"), controllers).unwrap();
        std::fs::write(at.join("cgroup.procs"), "").unwrap();
    }

    fn parent(found: Option<ControlGroup>) -> Option<String> {
        found.map(|found| found.parent.to_string())
    }

    #[test]
    fn a_sandbox_is_a_sibling_of_the_broker() {
        let mount = tempfile::tempdir().unwrap();
        let root = mount.path();
        group(root, "cpu memory pids\n");
        group(&root.join("app.slice"), "memory pids\n");
        group(&root.join("app.slice/term.scope"), "");
        let found = find_below(root, Path::new("app.slice/term.scope")).unwrap();
        assert!(found.parent.to_string().ends_with("/app.slice"));
        assert_eq!(found.controllers.iter().map(String::as_str).collect::<Vec<_>>(), ["memory", "pids"]);
        let in_root = parent(find_below(root, Path::new("")));
        assert_eq!(in_root.as_deref(), root.to_str(), "the root may have children beside its processes");
    }

    #[test]
    fn what_limits_the_broker_is_not_left() {
        let mount = tempfile::tempdir().unwrap();
        group(mount.path(), "memory\n");
        group(&mount.path().join("a"), "memory\n");
        group(&mount.path().join("a/b"), "");
        let own = Path::new("a/b");
        for (text, free) in [("max\n", true), ("1000000\n", false)] {
            std::fs::write(mount.path().join("a/b/memory.max"), text).unwrap();
            assert_eq!(find_below(mount.path(), own).is_some(), free, "{text}");
        }
    }

    #[test]
    fn without_controllers_there_is_nothing_to_gain() {
        let mount = tempfile::tempdir().unwrap();
        group(mount.path(), "");
        group(&mount.path().join("a"), "");
        assert_eq!(parent(find_below(mount.path(), Path::new("a"))), None);
        assert_eq!(parent(find_below(&mount.path().join("nothing"), Path::new("a"))), None);
    }

    #[test]
    fn own_groups_are_read_from_the_one_line_of_version_2() {
        assert_eq!(own_path("4:memory:/x\n0::/a/b.scope\n"), Some("a/b.scope".into()));
        assert_eq!(own_path("0::/\n"), Some("".into()));
        assert_eq!(own_path("0::/../other\n"), None);
        assert_eq!(own_path("4:memory:/x\n"), None);
    }

    #[test]
    fn settings_are_read_back_and_events_counted() {
        assert!(is_set("4096", "5000") && !is_set("max", "5000") && !is_set("0", "9000"));
        assert!(is_set("150000 100000", "150000 100000"));
        let group = tempfile::tempdir().unwrap();
        std::fs::write(group.path().join("memory.events"), "oom 2\noom_kill 3\noom_group_kill 1\n").unwrap();
        assert_eq!(event(group.path(), "memory.events", "oom_kill"), Some(3));
        assert_eq!(event(group.path(), "pids.events", "max"), None);
    }

    /// A group of the real hierarchy in which this user may make others, controllers or not.
    fn real() -> Option<Group> {
        let mount = MOUNTS.into_iter().map(Path::new).find(|mount| is_one(mount));
        let writable =
            |path: &&Path| accessat(CWD, *path, Access::WRITE_OK, rustix::fs::AtFlags::EACCESS).is_ok();
        let Some(mount) = mount.filter(writable) else {
            eprintln!("skipped: there is no control group of version 2 that this user may divide");
            return None;
        };
        let setting =
            |file: &str, value: &str, optional| Setting { file: file.into(), value: value.into(), optional };
        // These need no controller.
        let settings =
            vec![setting("cgroup.max.descendants", "7", false), setting("no.such.file", "1", true)];
        Some(Group { parent: AbsPath::posix(mount.as_os_str().as_bytes()).unwrap(), settings })
    }

    fn entered(made: &Made) -> std::process::Child {
        let child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        rustix::io::write(made.door().unwrap(), child.id().to_string().as_bytes()).unwrap();
        let group = std::fs::read_to_string(format!("/proc/{}/cgroup", child.id())).unwrap();
        let name = made.path().file_name().unwrap().to_str().unwrap();
        assert!(group.lines().any(|line| line.starts_with("0::/") && line.ends_with(name)), "{group}");
        child
    }

    #[test]
    fn a_group_ends_with_all_that_is_in_it() {
        let Some(plan) = real() else { return };
        let state = tempfile::tempdir().unwrap();
        let journal = Journal::new(state.path());
        let made = Made::new(&journal, &plan).unwrap();
        let path = made.path().to_owned();
        assert_eq!(std::fs::read_to_string(path.join("cgroup.max.descendants")).unwrap().trim(), "7");
        let mut child = entered(&made);
        drop(made);
        assert!(!path.exists(), "the group is gone");
        assert!(!child.wait().unwrap().success(), "so is what was in it");
        assert_eq!(std::fs::read_dir(state.path().join("journal")).unwrap().count(), 0);
    }

    #[test]
    fn a_group_that_a_dead_broker_left_is_taken_away_by_the_next() {
        let Some(plan) = real() else { return };
        let state = tempfile::tempdir().unwrap();
        let journal = Journal::new(state.path());
        let made = Made::new(&journal, &plan).unwrap();
        let path = made.path().to_owned();
        let mut child = entered(&made);
        let entry = std::fs::read_dir(state.path().join("journal")).unwrap().next().unwrap().unwrap().path();
        std::fs::write(&entry, [b"999999999 1\n", path.as_os_str().as_bytes()].concat()).unwrap();
        std::mem::forget(made);
        assert!(path.exists());
        drop(Made::new(&journal, &plan).unwrap());
        assert!(!path.exists() && !entry.exists());
        assert!(!child.wait().unwrap().success());
    }

    #[test]
    fn what_cannot_be_set_is_refused_and_leaves_nothing() {
        let Some(mut plan) = real() else { return };
        let state = tempfile::tempdir().unwrap();
        let journal = Journal::new(state.path());
        plan.settings = vec![Setting { file: "no.such.max".into(), value: "1".into(), optional: false }];
        let error = Made::new(&journal, &plan).unwrap_err();
        assert!(refused(&error), "{error}");
        assert_eq!(std::fs::read_dir(state.path().join("journal")).unwrap().count(), 0);
    }
}
