//! The parts of the machine, and what to do about those that are missing.

use super::{Check, Status};
use crate::trial::{Part, Started, Trial};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Namespaces, by the sandbox that was started.
pub fn namespaces(started: &Started) -> Check {
    if started.in_namespaces() {
        return Check::works("user namespaces", "a sandbox of `true` ran in namespaces of its own");
    }
    let found = match (started.namespaces_refused(), &started.problem) {
        (Some(why), _) => why.to_owned(),
        (None, Some(problem)) => problem.lines().next().unwrap_or_default().to_owned(),
        (None, None) => "not used".to_owned(),
    };
    Check { name: "user namespaces", status: Status::Missing, found, hints: namespace_hints() }
}

/// A sysctl whose value refuses namespaces, and the command that allows them.
const SYSCTLS: [(&str, &str, &str); 3] = [
    (
        "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
        "1",
        "AppArmor refuses them: sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or give garth an \
         AppArmor profile with `userns,`",
    ),
    (
        "/proc/sys/kernel/unprivileged_userns_clone",
        "0",
        "the kernel refuses them: sudo sysctl -w kernel.unprivileged_userns_clone=1",
    ),
    (
        "/proc/sys/user/max_user_namespaces",
        "0",
        "none are allowed: sudo sysctl -w user.max_user_namespaces=15000",
    ),
];

fn namespace_hints() -> Vec<String> {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let mut hints: Vec<String> = SYSCTLS
        .iter()
        .filter(|(path, refusing, _)| read(path).trim() == *refusing)
        .map(|(_, _, hint)| (*hint).to_owned())
        .collect();
    if hints.is_empty() && in_container() {
        hints.push(
            "this looks like a container: start it with --security-opt seccomp=unconfined --security-opt \
             systempaths=unconfined, or with a seccomp profile that allows clone, unshare and mount"
                .to_owned(),
        );
    }
    if hints.is_empty() {
        hints.push("ask the administrator which security module or seccomp filter refuses them".to_owned());
    }
    hints
}

/// Containers leave a mark, or a seccomp filter on everything they start (`proc_pid_status(5)`).
fn in_container() -> bool {
    let marked = ["/.dockerenv", "/run/.containerenv"].iter().any(|mark| Path::new(mark).exists());
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    marked || status.lines().any(|line| line.split_whitespace().eq(["Seccomp:", "2"]))
}

/// The newest Landlock ABI that garth makes use of: it scopes signals and abstract sockets.
const LANDLOCK_SCOPES: u32 = 6;

/// Landlock, by its own answer (`landlock_create_ruleset(2)`).
pub fn landlock(abi: u32) -> Check {
    let name = "landlock";
    match abi {
        0 => {
            let active = std::fs::read_to_string("/sys/kernel/security/lsm").unwrap_or_default();
            let hint = match active.trim() {
                "" => "build the kernel with CONFIG_SECURITY_LANDLOCK=y, and add `landlock` to its parameter lsm=; in \
                       a container the seccomp profile has to allow the landlock calls"
                    .to_owned(),
                active if active.contains("landlock") => {
                    "it is active, so a seccomp filter hides it: allow the landlock_* calls in the container's profile".to_owned()
                }
                active => format!("boot with the kernel parameter lsm=landlock,{active}"),
            };
            Check { name, status: Status::Missing, found: "the kernel offers none".into(), hints: vec![hint] }
        }
        abi if abi < LANDLOCK_SCOPES => Check {
            name,
            status: Status::Limited,
            found: format!(
                "ABI {abi}; from {LANDLOCK_SCOPES} on it also scopes signals and abstract sockets"
            ),
            hints: vec![
                "use Linux 6.12 or newer where namespaces are refused; with namespaces nothing is missing"
                    .into(),
            ],
        },
        abi => Check::works(name, format!("ABI {abi}")),
    }
}

/// seccomp's supervisor.
pub fn supervision(works: bool) -> Check {
    let name = "seccomp notify";
    if works {
        return Check::works(name, "calls can be judged and carried out by the runner");
    }
    Check {
        name,
        status: Status::Missing,
        found: "the kernel cannot hand calls to a supervisor".into(),
        hints: vec![
            "use Linux 5.19 or newer; in a container the seccomp profile has to allow seccomp(2)".into(),
        ],
    }
}

/// Overlays, by writing through one.
pub fn overlay(trial: &Trial, started: &Started) -> Check {
    let name = "overlay";
    if !started.in_namespaces() {
        return Check {
            name,
            status: Status::Missing,
            found: "not tried: overlays need namespaces".into(),
            hints: Vec::new(),
        };
    }
    let written = trial.cache().join("written");
    let script = format!("echo x > {}", garth::shell_word(written.as_os_str().as_bytes()));
    let overlaid = trial.start(Part::Overlay(&script));
    if overlaid.is_good() && written.symlink_metadata().is_err() {
        return Check::works(name, "what was written over a cache stayed in the sandbox");
    }
    let found = match &overlaid.problem {
        Some(problem) => problem.lines().next().unwrap_or_default().to_owned(),
        None => "what was written over a cache reached the host".to_owned(),
    };
    let hint = "load the kernel module `overlay`: sudo modprobe overlay; or deny the caches in your policy";
    Check { name, status: Status::Missing, found, hints: vec![hint.into()] }
}

/// The network, by a sandbox that allows one name: it starts only if connections and names come to the broker.
pub fn network(trial: &Trial, started: &Started) -> Check {
    let name = "network";
    let missing = |found: String| Check { name, status: Status::Missing, found, hints: Vec::new() };
    if !started.in_namespaces() {
        return missing("not tried: a network needs namespaces; without them there is none".into());
    }
    let tried = trial.start(Part::Network);
    if let Some(why) = tried.redirect_refused() {
        let found = format!("{why}; without it some ports and a proxy lead to the broker, and no others");
        let load = "load what redirects, as root: modprobe -a nft_chain_nat nft_redir; for each start of the machine \
                    write both names into /etc/modules-load.d/garth.conf";
        let accept = "or go without it: --accept linux.network.redirect";
        return Check { name, status: Status::Limited, found, hints: vec![load.into(), accept.into()] };
    }
    match &tried.problem {
        None if tried.has_network() => {
            Check::works(name, "connections and names of a sandbox came to the broker")
        }
        None => Check::works(name, "not tried: the administrator's policy allows none"),
        Some(problem) => missing(problem.lines().next().unwrap_or_default().to_owned()),
    }
}

/// Control groups, by looking for one that can be divided.
pub fn control_groups() -> Check {
    let name = "control groups";
    const WANTED: [&str; 3] = ["cpu", "memory", "pids"];
    let without = "without, memory is held by counting and `limits.cpu` by binding to processors";
    let Some(group) = garth::control_group() else {
        let hint = "for exact limits run in a systemd user session: systemd-run --user --scope garth run ...";
        let found = format!("none that this user may divide; {without}");
        return Check { name, status: Status::Limited, found, hints: vec![hint.into()] };
    };
    let controllers: Vec<&str> = group.controllers.iter().map(String::as_str).collect();
    let found = format!("{}: {}", group.parent, controllers.join(", "));
    let missing: Vec<&str> = WANTED.into_iter().filter(|name| !group.controllers.contains(*name)).collect();
    if missing.is_empty() {
        return Check::works(name, found);
    }
    let found = format!("{found}; not {}; {without}", missing.join(", "));
    let hint = "delegate them: Delegate=cpu memory pids in user@.service.d (systemd.resource-control(5))";
    Check { name, status: Status::Limited, found, hints: vec![hint.into()] }
}

/// Being told of refused reads, by looking for something that a sandbox does not show.
pub fn refused_reads(trial: &Trial, started: &Started) -> Check {
    let name = "refused reads";
    let limited = |found: String, hint: &str| Check {
        name,
        status: Status::Limited,
        found,
        hints: vec![hint.to_owned()],
    };
    if !started.in_namespaces() {
        let found = "not told: without namespaces Landlock refuses, and the kernel tells the machine's audit log alone";
        return limited(found.into(), "audit.reads = \"trace\" tells of those that are opened");
    }
    let tried = trial.start(Part::Refused);
    let hidden = trial.hidden();
    match (&tried.problem, tried.telling_refused()) {
        (Some(problem), _) => limited(
            format!("not tried: {}", problem.lines().next().unwrap_or_default()),
            "please report this machine",
        ),
        (None, Some(why)) => limited(
            format!("not told: {why}"),
            "have /dev/fuse, which this user may open for reading and writing: modprobe fuse; in a container \
             --device /dev/fuse; or audit.reads = \"trace\", which makes opening files slower",
        ),
        (None, None) if !tried.tells() => {
            Check::works(name, "not tried: the administrator's policy has them found in another way")
        }
        (None, None) if tried.denied.iter().any(|path| path.as_bytes() == hidden.as_os_str().as_bytes()) => {
            Check::works(name, "told with audit.reads = \"told\"")
        }
        (None, None) => limited(
            "a sandbox looked for what is not shown, and nobody was told".into(),
            "please report this machine",
        ),
    }
}
