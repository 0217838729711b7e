//! Confining the runner itself, and preparing what confines the target.

use crate::OsError;
use crate::error::Context;
use crate::linux::sys::landlock::Ruleset;
use garth_plan::linux::spec::{Landlock, LandlockRule, Limits, Tier};
use rustix::fd::OwnedFd;
use rustix::fs::{
    AtFlags, CWD, Mode, OFlags, ResolveFlags, StatxAttributes, StatxFlags, fstat, openat, openat2, statx,
};
use rustix::io::Errno;
use rustix::process::{DumpableBehavior, Resource, Rlimit, Signal};
use rustix::thread::{CapabilitySet, CapabilitySets, CpuSet, sched_getaffinity, sched_setaffinity};
use std::ffi::CString;

/// Ties the runner to the life of its parent, and keeps everything inside from looking into it.
///
/// In its own pid namespace the runner is killed with the broker, and the kernel ends all others with it.
/// Without one it must live on for a moment to end them itself, so it collects orphans instead.
///
/// # Errors
/// The error of `prctl(2)`.
pub fn guard_runner(tier: Tier) -> Result<(), OsError> {
    match tier {
        Tier::Process => rustix::process::set_parent_process_death_signal(Some(Signal::KILL)),
        Tier::Landlock => rustix::process::set_child_subreaper(Some(rustix::process::getpid())),
    }
    .on("follow", "the broker")?;
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .on("close", "the runner's memory")?;
    rustix::thread::set_no_new_privs(true).on("forbid", "new privileges")
}

/// Empties the bounding set where that is possible, so that nothing executed later can gain a capability. The runner keeps
/// its own for as long as it builds the sandbox.
///
/// # Errors
/// The error of `prctl(2)`.
pub fn drop_bounding_set(tier: Tier) -> Result<(), OsError> {
    if tier == Tier::Landlock && !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    for bit in 0..64 {
        let capability = CapabilitySet::from_bits_retain(1 << bit);
        match rustix::thread::remove_capability_from_bounding_set(capability) {
            Ok(()) => {}
            // The first number that this kernel does not know.
            Err(Errno::INVAL) => break,
            Err(errno) => return Err(errno).on("drop", "the capability bounding set"),
        }
    }
    Ok(())
}

/// Drops every capability but the one that lets the runner read the arguments of supervised calls.
/// Nothing that decides on file permissions remains, so the runner can do no more to a file than the
/// target's own user.
///
/// # Errors
/// The error of `capset(2)` or `prctl(2)`.
pub fn drop_capabilities(tier: Tier) -> Result<(), OsError> {
    rustix::thread::clear_ambient_capability_set().on("drop", "ambient capabilities")?;
    // Outside a user namespace of its own the runner reads the target by being of the same user.
    let keep = match tier {
        Tier::Process => CapabilitySet::SYS_PTRACE,
        Tier::Landlock => CapabilitySet::empty(),
    };
    let sets = CapabilitySets { effective: keep, permitted: keep, inheritable: CapabilitySet::empty() };
    rustix::thread::set_capabilities(None, sets).on("drop", "capabilities")?;
    let now = rustix::thread::capabilities(None).on("read back", "capabilities")?;
    if now.permitted == keep {
        Ok(())
    } else {
        Err(OsError::new("drop", "capabilities", Errno::PERM.raw_os_error()))
    }
}

/// The target's Landlock domain, ready to be put in force. `None` when nothing is handled.
///
/// # Errors
/// What could not be opened or added.
pub fn prepare_landlock(plan: &Landlock, tier: Tier) -> Result<Option<Ruleset>, OsError> {
    if plan.handled_files == 0 && plan.handled_network == 0 && plan.scoped == 0 {
        return Ok(None);
    }
    let ruleset = Ruleset::new(plan.handled_files, plan.handled_network, plan.scoped)
        .on("prepare", "the Landlock domain")?;
    for rule in &plan.rules {
        let object = match open_for(rule, tier) {
            Err(Errno::NOENT | Errno::ACCESS | Errno::NOTDIR) if rule.optional => continue,
            other => other.on("open", &rule.path)?,
        };
        ruleset
            .allow(rustix::fd::AsFd::as_fd(&object), rule.allowed)
            .on("allow access beneath", &rule.path)?;
    }
    Ok(Some(ruleset))
}

/// Opens the object of a rule. The names on the way may lie in a workspace, where somebody outside can put other objects in
/// their place meanwhile: a right for what such a name leads to would be one for anything.
///
/// # Errors
/// `ELOOP` for a link on the way, `ESTALE` for another object than was planned.
fn open_for(rule: &LandlockRule, tier: Tier) -> Result<OwnedFd, Errno> {
    let name = CString::new(rule.path.as_bytes()).map_err(|_| Errno::INVAL)?;
    // Without a view what no object was planned for is the system's, such as `/dev/ptmx`, or this session's own.
    let plain = tier == Tier::Process || rule.expect.is_some();
    let resolve =
        if plain { ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS } else { ResolveFlags::empty() };
    let object = openat2(CWD, name.as_c_str(), OFlags::PATH | OFlags::CLOEXEC, Mode::empty(), resolve)?;
    if let Some(expect) = rule.expect {
        let stat = fstat(&object)?;
        if (stat.st_dev, stat.st_ino) != (expect.device, expect.inode) {
            return Err(Errno::STALE);
        }
    }
    if tier == Tier::Process && !is_planned(&object)? {
        return Err(Errno::STALE);
    }
    Ok(object)
}

/// Whether an object of the view is what was mounted there, or one of the sandbox's own file system: a directory of the user
/// that was moved to the place of one with a mount is neither.
fn is_planned(object: &OwnedFd) -> Result<bool, Errno> {
    let look = |object: &OwnedFd| statx(object, c"", AtFlags::EMPTY_PATH, StatxFlags::BASIC_STATS);
    let found = look(object)?;
    if found.stx_attributes.contains(StatxAttributes::MOUNT_ROOT) {
        return Ok(true);
    }
    let root = look(&openat(CWD, c"/", OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?)?;
    Ok((found.stx_dev_major, found.stx_dev_minor) == (root.stx_dev_major, root.stx_dev_minor))
}

/// Binds this process, and all that it starts, to so many processors of those that it may use, and reads back
/// that it is. Different sandboxes begin at different ones.
fn bind(count: u32) -> Result<(), OsError> {
    let allowed = sched_getaffinity(None).on("read", "the processors")?;
    let usable: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|number| allowed.is_set(*number)).collect();
    let wanted = usize::try_from(count).unwrap_or(usize::MAX).min(usable.len());
    let mut random = [0; 1];
    rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty()).on("draw", "a processor")?;
    let mut chosen = CpuSet::new();
    for number in usable.iter().cycle().skip(usize::from(random[0]) % usable.len().max(1)).take(wanted) {
        chosen.set(*number);
    }
    sched_setaffinity(None, &chosen).on("bind to", "some of the processors")?;
    if sched_getaffinity(None).on("read back", "the processors")? == chosen {
        Ok(())
    } else {
        Err(OsError::new("bind to", "some of the processors", Errno::PERM.raw_os_error()))
    }
}

/// Sets the limits that the kernel keeps per process or per user namespace.
///
/// # Errors
/// The error of `setrlimit(2)`.
pub fn set_limits(limits: &Limits) -> Result<(), OsError> {
    let set = |resource, value: Option<u64>, name: &str| match value {
        None => Ok(()),
        Some(value) => {
            let present = rustix::process::getrlimit(resource);
            // A limit that is in force already is never widened.
            let lower = |old: Option<u64>| Some(old.map_or(value, |old| old.min(value)));
            let limit = Rlimit { current: lower(present.current), maximum: lower(present.maximum) };
            rustix::process::setrlimit(resource, limit).on("limit", name)
        }
    };
    if let Some(count) = limits.processors {
        bind(count)?;
    }
    set(Resource::Nproc, limits.processes.filter(|_| !limits.count_processes), "processes")?;
    set(Resource::Fsize, limits.file_size, "file size")?;
    set(Resource::Core, Some(0), "core dumps")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linux::supervise::place::final_path;
    use garth_plan::linux::spec::FileId;
    use garth_policy::AbsPath;
    use rustix::fd::AsFd;
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::{MetadataExt, symlink};
    use std::path::Path;

    fn rule(path: &Path, expect: Option<FileId>) -> LandlockRule {
        let path = AbsPath::posix(path.as_os_str().as_encoded_bytes()).unwrap();
        LandlockRule { path, allowed: 0, optional: false, expect }
    }

    #[test]
    fn a_right_is_for_the_object_that_was_planned_alone() {
        let scratch = tempfile::tempdir().unwrap();
        let opened = openat(CWD, scratch.path(), OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).unwrap();
        let root = final_path(opened.as_fd()).unwrap();
        let root = Path::new(OsStr::from_bytes(root.as_bytes()));
        for name in ["a/cache", "other/cache"] {
            std::fs::create_dir_all(root.join(name)).unwrap();
        }
        let found = std::fs::metadata(root.join("a/cache")).unwrap();
        let expect = Some(FileId { device: found.dev(), inode: found.ino() });
        let path = root.join("a/cache");
        assert!(open_for(&rule(&path, expect), Tier::Landlock).is_ok());
        std::fs::rename(root.join("a"), root.join("gone")).unwrap();
        std::fs::rename(root.join("other"), root.join("a")).unwrap();
        assert_eq!(open_for(&rule(&path, expect), Tier::Landlock).unwrap_err(), Errno::STALE);
        std::fs::rename(root.join("a"), root.join("other")).unwrap();
        symlink("gone", root.join("a")).unwrap();
        for (expect, tier) in [(expect, Tier::Landlock), (None, Tier::Process)] {
            assert_eq!(open_for(&rule(&path, expect), tier).unwrap_err(), Errno::LOOP, "{tier:?}");
        }
    }

    #[test]
    fn a_part_of_another_file_system_is_not_what_was_mounted() {
        let part = format!("/proc/{}", std::process::id());
        assert!(open_for(&rule(Path::new("/proc"), None), Tier::Process).is_ok());
        let part = open_for(&rule(Path::new(&part), None), Tier::Process);
        assert_eq!(part.unwrap_err(), Errno::STALE);
    }
}
