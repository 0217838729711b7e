//! Containers, clusters and virtual machines: a command that runs elsewhere.

use super::args::{self, Grammar};
use super::{Call, Launches};
use crate::command::{Shell, Word};

/// Options of the client itself.
pub(super) const GLOBAL: Grammar = Grammar {
    valued: "cHlnsv",
    long: &[
        "config",
        "context",
        "host",
        "log-level",
        "tlscacert",
        "tlscert",
        "tlskey",
        "connection",
        "identity",
        "root",
        "runroot",
        "url",
        "storage-driver",
        "namespace",
        "kubeconfig",
        "cluster",
        "user",
        "server",
        "token",
        "as",
        "cache-dir",
        "certificate-authority",
        "client-certificate",
        "client-key",
        "request-timeout",
        "tls-server-name",
        "file",
        "project-name",
        "profile",
        "project-directory",
        "env-file",
        "ansi",
        "progress",
        "parallel",
    ],
};

/// Options of `run`, `exec` and their kin with a value. Source: docker-run(1), podman-run(1), kubectl.
const INNER: Grammar = Grammar {
    valued: "acehlmpuvwn",
    long: &[
        "add-host",
        "annotation",
        "attach",
        "blkio-weight",
        "cap-add",
        "cap-drop",
        "cgroup-parent",
        "cgroupns",
        "cidfile",
        "container",
        "cpu-period",
        "cpu-quota",
        "cpu-shares",
        "cpus",
        "cpuset-cpus",
        "cpuset-mems",
        "detach-keys",
        "device",
        "dns",
        "dns-option",
        "dns-search",
        "domainname",
        "entrypoint",
        "env",
        "env-file",
        "expose",
        "gpus",
        "group-add",
        "health-cmd",
        "hostname",
        "index",
        "ip",
        "ip6",
        "ipc",
        "isolation",
        "label",
        "label-file",
        "link",
        "log-driver",
        "log-opt",
        "mac-address",
        "memory",
        "memory-reservation",
        "memory-swap",
        "mount",
        "name",
        "namespace",
        "net",
        "network",
        "network-alias",
        "oom-score-adj",
        "pid",
        "pids-limit",
        "platform",
        "publish",
        "pull",
        "restart",
        "runtime",
        "security-opt",
        "shm-size",
        "stop-signal",
        "stop-timeout",
        "storage-opt",
        "sysctl",
        "tmpfs",
        "ulimit",
        "user",
        "userns",
        "uts",
        "volume",
        "volumes-from",
        "volume-driver",
        "workdir",
        "image",
        "overrides",
        "file",
        "pod",
        "service",
        "scale",
    ],
};

/// Reads a client of containers; false if the program is none.
pub(super) fn read(call: Call<'_>, found: &mut Launches) -> bool {
    match call.name {
        "docker" | "podman" | "nerdctl" | "docker-compose" | "podman-compose" | "lxc" | "incus"
        | "crictl" | "ctr" | "buildah" | "finch" => client(call, found),
        "kubectl" | "oc" | "k3s" | "microk8s" => cluster(call, found),
        "wsl" => wsl(call, found),
        "distrobox" | "toolbox" | "flatpak-spawn" | "host-spawn" | "machinectl" | "limactl" | "multipass"
        | "vagrant" => {
            found.elevates("a service outside runs it", call.span());
            let at = call.words.iter().position(|word| word.text().as_deref() == Some("--"));
            if let Some(words) = at.and_then(|at| call.words.get(at + 1..)) {
                found.words(words, call.name);
            } else if matches!(call.name, "flatpak-spawn" | "host-spawn") {
                found.words(&args::read(call.words, Grammar::FLAGS).operands, call.name);
            } else if call.name == "vagrant"
                && let Some(text) = args::read_all(call.words, Grammar { valued: "c", long: &["command"] })
                    .value(&["-c", "--command"])
            {
                found.text(Shell::Sh, text.clone(), "vagrant ssh -c");
            }
        }
        _ => return false,
    }
    true
}

const DAEMON: &str = "a service with the rights of the administrator does it, outside of what started this";

fn client(call: Call<'_>, found: &mut Launches) {
    let options = args::read(call.words, GLOBAL);
    let mut rest = options.operands.as_slice();
    let mut verb = String::new();
    while let Some((word, tail)) = rest.split_first() {
        verb = word.text().unwrap_or_default();
        rest = tail;
        if !matches!(verb.as_str(), "container" | "compose" | "pod") {
            break;
        }
        if verb == "compose" {
            let inner = args::read(rest, Grammar { valued: "fp", long: GLOBAL.long }).operands;
            let skipped = rest.len() - inner.len();
            rest = rest.get(skipped..).unwrap_or_default();
        }
    }
    if matches!(
        verb.as_str(),
        "run"
            | "create"
            | "exec"
            | "start"
            | "cp"
            | "compose"
            | "build"
            | "load"
            | "import"
            | "up"
            | "buildx"
    ) {
        found.elevates(DAEMON, call.span());
    }
    if !matches!(verb.as_str(), "run" | "create" | "exec") {
        return;
    }
    let inner = args::read(rest, INNER);
    let entry = inner.value(&["--entrypoint"]).cloned();
    let behind = inner.operands.get(1..).unwrap_or_default();
    let words = match entry {
        Some(entry) => [vec![entry], behind.to_vec()].concat(),
        None => behind.to_vec(),
    };
    found.words(&words, &format!("{} {verb}", call.name));
}

fn cluster(call: Call<'_>, found: &mut Launches) {
    let options = args::read(call.words, GLOBAL);
    let Some((verb, rest)) = options.operands.split_first() else { return };
    let verb = verb.text().unwrap_or_default();
    if matches!(call.name, "k3s" | "microk8s") && verb == "kubectl" {
        let words = [vec![Word::known("kubectl", call.span())], rest.to_vec()].concat();
        return found.words(&words, call.name);
    }
    if !matches!(verb.as_str(), "exec" | "run" | "debug") {
        return;
    }
    found.elevates("a cluster does it, outside of what started this", call.span());
    let at = rest.iter().position(|word| word.text().as_deref() == Some("--"));
    let via = format!("{} {verb}", call.name);
    match at.and_then(|at| rest.get(at + 1..)) {
        Some(words) => found.words(words, &via),
        None => {
            let inner = args::read_all(rest, INNER).operands;
            found.words(inner.get(1..).unwrap_or_default(), &via);
        }
    }
}

fn wsl(call: Call<'_>, found: &mut Launches) {
    const GRAMMAR: Grammar = Grammar {
        valued: "du",
        long: &["distribution", "user", "cd", "shell-type", "system", "distribution-id"],
    };
    found.elevates("Linux runs beside Windows, outside of what holds this", call.span());
    let mut rest = call.words;
    while let Some((word, tail)) = rest.split_first() {
        match word.text().as_deref() {
            Some("-e" | "--exec" | "--") => {
                return match word.text().as_deref() {
                    Some("--") => found.text(Shell::Sh, args::joined(tail), "wsl"),
                    _ => found.words(tail, "wsl"),
                };
            }
            Some(flag) if flag.starts_with('-') => {
                let long = flag.trim_start_matches('-');
                let is_valued = GRAMMAR.long.contains(&long) || matches!(flag, "-d" | "-u");
                rest = tail.get(usize::from(is_valued)..).unwrap_or_default();
            }
            _ => return found.text(Shell::Sh, args::joined(rest), "wsl"),
        }
    }
}
