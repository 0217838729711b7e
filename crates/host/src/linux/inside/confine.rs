//! Confining the runner itself, and preparing what confines the target.

use crate::OsError;
use crate::error::Context;
use crate::linux::sys::landlock::Ruleset;
use garth_plan::linux::spec::{Landlock, Limits, Tier};
use rustix::fs::{CWD, Mode, OFlags, openat};
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
pub fn prepare_landlock(plan: &Landlock) -> Result<Option<Ruleset>, OsError> {
    if plan.handled_files == 0 && plan.handled_network == 0 && plan.scoped == 0 {
        return Ok(None);
    }
    let ruleset = Ruleset::new(plan.handled_files, plan.handled_network, plan.scoped)
        .on("prepare", "the Landlock domain")?;
    for rule in &plan.rules {
        let name = CString::new(rule.path.as_bytes()).map_err(|_| Errno::INVAL).on("open", &rule.path)?;
        let object = match openat(CWD, name.as_c_str(), OFlags::PATH | OFlags::CLOEXEC, Mode::empty()) {
            Err(Errno::NOENT | Errno::ACCESS | Errno::NOTDIR) if rule.optional => continue,
            other => other.on("open", &rule.path)?,
        };
        ruleset
            .allow(rustix::fd::AsFd::as_fd(&object), rule.allowed)
            .on("allow access beneath", &rule.path)?;
    }
    Ok(Some(ruleset))
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
