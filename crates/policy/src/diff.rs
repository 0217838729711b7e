//! What one policy allows more, or less, than another.
//!
//! Files, hosts, commands and variables are compared by asking [`Policy::decide`] about every path, host, prefix and
//! name that either policy speaks of, so that differences in rules that change no answer are none.

use crate::agents::RenewedLogin;
use crate::decision::{AccessRequest, Outcome};
use crate::files::{FileOp, FileRules, Pattern};
use crate::network::{Network, SecretBinding, SecretPlace, SecretSource};
use crate::origin::Sourced;
use crate::path::AbsPath;
use crate::policy::Policy;
use serde::Serialize;
use std::cmp::{Ordering, Reverse};
use std::collections::BTreeSet;
use std::fmt::Debug;

/// Which way a difference goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// The second policy allows more.
    Widens,
    /// The second policy allows less.
    Narrows,
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Change {
    /// Which way it goes.
    pub direction: Direction,
    /// What it is about.
    pub what: String,
    /// The first policy.
    pub before: String,
    /// The second policy.
    pub after: String,
}

/// The differences from `before` to `after`, what widens first.
#[must_use]
pub fn diff(before: &Policy, after: &Policy) -> Vec<Change> {
    let mut out = Vec::new();
    files(before, after, &mut out);
    network(before, after, &mut out);
    commands(before, after, &mut out);
    programs(before, after, &mut out);
    variables(before, after, &mut out);
    scalars(before, after, &mut out);
    lists(before, after, &mut out);
    out.sort();
    out.dedup();
    out
}

fn push<T: Ord + Debug>(
    out: &mut Vec<Change>,
    what: impl Into<String>,
    before: &T,
    after: &T,
    show: impl Fn(&T) -> String,
) {
    let direction = match before.cmp(after) {
        Ordering::Equal => return,
        Ordering::Less => Direction::Widens,
        Ordering::Greater => Direction::Narrows,
    };
    out.push(Change { direction, what: what.into(), before: show(before), after: show(after) });
}

/// Paths that either policy speaks of, a name below each, and one name that each pattern matches.
pub(crate) fn samples(files: &FileRules, out: &mut BTreeSet<AbsPath>) {
    for rule in files.rules().iter().chain(files.git_rules()) {
        let path = match &rule.pattern {
            Pattern::Path(path) => Some(path.clone()),
            Pattern::Glob(glob) => glob.example(),
        };
        let Some(path) = path else { continue };
        out.extend(path.join(b"x").ok());
        out.insert(path);
    }
    for (ceiling, _) in files.ceilings() {
        samples(ceiling, out);
    }
}

fn files(before: &Policy, after: &Policy, out: &mut Vec<Change>) {
    let mut paths = BTreeSet::new();
    samples(&before.files, &mut paths);
    samples(&after.files, &mut paths);
    for path in &paths {
        let (old, new) = (before.files.grant(path), after.files.grant(path));
        let words = |grant: &(crate::files::Access, bool)| {
            if grant.1 || grant.0 == crate::files::Access::Deny {
                grant.0.to_string()
            } else {
                format!("{}, not run", grant.0)
            }
        };
        let held = out.len();
        push(out, path.to_string(), &(old.access, old.execute), &(new.access, new.execute), words);
        if out.len() > held {
            continue;
        }
        for op in FileOp::ALL {
            let verdict = |policy: &Policy| policy.files.decide(path, op).verdict;
            push(out, format!("{op:?} {path}"), &verdict(before), &verdict(after), |verdict| {
                format!("{verdict:?}")
            });
        }
    }
}

fn outcome(policy: &Policy, request: &AccessRequest<'_>) -> Outcome {
    policy.decide(request).outcome
}

fn show_most(most: &u64) -> String {
    match *most {
        u64::MAX => "any number".to_owned(),
        most => crate::limits::show_bytes(most),
    }
}

fn network(before: &Policy, after: &Policy, out: &mut Vec<Change>) {
    let modes = (before.network.mode.value, after.network.mode.value);
    push(out, "network mode", &modes.0, &modes.1, |mode| mode.name().to_owned());
    let (old, new) = (&before.network, &after.network);
    let most = |network: &Network| network.budget.upload.as_ref().map_or(u64::MAX, |upload| upload.value);
    push(out, "bytes to one host", &most(old), &most(new), show_most);
    let names = |network: &Network| network.budget.new_names.value;
    push(out, "new names a minute", &names(old), &names(new), ToString::to_string);
    let proxy = |network: &Network| {
        network.proxy.as_ref().map_or_else(|| "as the environment says".to_owned(), ToString::to_string)
    };
    if proxy(old) != proxy(new) {
        // Others carry the traffic then.
        let (what, direction) = ("proxy".to_owned(), Direction::Widens);
        out.push(Change { direction, what, before: proxy(old), after: proxy(new) });
    }
    let domains = old.domains.iter().chain(&new.domains).map(|rule| &rule.host);
    let hosts: BTreeSet<(String, u16)> = domains
        .chain(old.rules.iter().chain(&new.rules).map(|rule| &rule.host))
        .map(|host| {
            let name = if host.subdomains { format!("x.{}", host.host) } else { host.host.clone() };
            (name, host.port.unwrap_or(443))
        })
        .collect();
    for (host, port) in &hosts {
        let request = AccessRequest::Connect { host, port: *port };
        push(
            out,
            format!("{host}:{port}"),
            &outcome(before, &request),
            &outcome(after, &request),
            |outcome| format!("{outcome:?}"),
        );
    }
    for (host, port) in &hosts {
        let most = |network: &Network| network.upload_rule(host, *port).map_or(u64::MAX, |(most, _)| most);
        push(out, format!("bytes to {host}:{port}"), &most(old), &most(new), show_most);
    }
    for rule in old.rules.iter().chain(&new.rules).filter(|rule| rule.judges()) {
        let limited = |network: &Network| {
            let same = |known: &&crate::network::HttpRule| {
                known.judges()
                    && known.host == rule.host
                    && known.methods == rule.methods
                    && known.paths == rule.paths
            };
            network.rules.iter().any(|known| same(&known))
        };
        let what = format!("limit on {} {:?} {:?}", rule.host, rule.methods, rule.paths);
        let words = |absent: &Reverse<bool>| if absent.0 { "there" } else { "not there" }.to_owned();
        push(out, what, &Reverse(limited(old)), &Reverse(limited(new)), words);
    }
    secrets(old, new, out);
}

/// Which hosts see a secret, where in a request, and where it comes from.
fn secrets(old: &Network, new: &Network, out: &mut Vec<Change>) {
    fn binding<'n>(network: &'n Network, name: &str) -> Option<&'n SecretBinding> {
        network.secrets.iter().find(|secret| secret.name == name)
    }
    let both = || old.secrets.iter().chain(&new.secrets);
    let names: BTreeSet<&String> = both().map(|secret| &secret.name).collect();
    for name in names {
        let (old, new) = (binding(old, name), binding(new, name));
        let hosts: BTreeSet<String> = [old, new]
            .into_iter()
            .flatten()
            .flat_map(|secret| &secret.hosts)
            .map(ToString::to_string)
            .collect();
        for host in &hosts {
            let sees = |secret: Option<&SecretBinding>| {
                secret.is_some_and(|secret| secret.hosts.iter().any(|known| known.to_string() == *host))
            };
            let words = |sees: &bool| if *sees { "sees it" } else { "does not see it" }.to_owned();
            push(out, format!("{name} at {host}"), &sees(old), &sees(new), words);
        }
        for place in SecretPlace::ALL {
            let puts =
                |secret: Option<&SecretBinding>| secret.is_some_and(|secret| secret.places.contains(&place));
            let words = |puts: &bool| if *puts { "put in" } else { "not put in" }.to_owned();
            push(out, format!("{name} in {}", place.name()), &puts(old), &puts(new), words);
        }
        // Reading something is less than running something.
        let source = |secret: Option<&SecretBinding>| {
            let runs = secret.is_some_and(|secret| matches!(secret.from, SecretSource::Command(_)));
            (runs, secret.map_or_else(|| "none".to_owned(), |secret| secret.from.to_string()))
        };
        push(out, format!("source of {name}"), &source(old), &source(new), |(_, source)| source.clone());
    }
}

fn commands(before: &Policy, after: &Policy, out: &mut Vec<Change>) {
    for rule in before.commands.rules.iter().chain(&after.commands.rules) {
        let argv: Vec<String> = rule.prefix.iter().filter_map(|choices| choices.first().cloned()).collect();
        let agent = rule.agents.first().map(String::as_str);
        let request = AccessRequest::Command { argv: &argv, agent };
        let (old, new) = (outcome(before, &request), outcome(after, &request));
        push(out, format!("command {}", argv.join(" ")), &old, &new, |outcome| format!("{outcome:?}"));
    }
}

/// Rows for the table of programs. What a row means for a verdict is not known here, so each that is not the same counts
/// as widening.
fn programs(before: &Policy, after: &Policy, out: &mut Vec<Change>) {
    let names: BTreeSet<&String> =
        before.programs.iter().chain(&after.programs).map(|row| &row.name).collect();
    let row = |policy: &'_ Policy, name: &str| {
        let found = policy.programs.iter().find(|row| row.name == name);
        found.map(|row| (row.text.clone(), row.reason.clone()))
    };
    let words = |row: Option<(String, String)>| match row {
        None => "no row".to_owned(),
        Some((_, reason)) if reason.is_empty() => "a row".to_owned(),
        Some((_, reason)) => format!("a row: {reason}"),
    };
    for name in names {
        let (old, new) = (row(before, name), row(after, name));
        if old != new {
            let (before, after) = (words(old), words(new));
            let what = format!("what `{name}` does");
            out.push(Change { direction: Direction::Widens, what, before, after });
        }
    }
}

fn variables(before: &Policy, after: &Policy, out: &mut Vec<Change>) {
    let allowed = before.env.allow.iter().chain(&after.env.allow).map(|entry| &entry.value);
    let set = before.env.set.iter().chain(&after.env.set).map(|entry| &entry.value.0);
    let names: BTreeSet<String> = allowed.chain(set).map(|name| name.replace('*', "X")).collect();
    for name in &names {
        let request = AccessRequest::Env { name };
        let (old, new) = (outcome(before, &request), outcome(after, &request));
        push(out, format!("variable {name}"), &old, &new, |outcome| format!("{outcome:?}"));
    }
}

/// A limit as something that grows with what is allowed: none is most.
fn room<T: Copy + Ord>(limit: Option<&Sourced<T>>) -> (bool, Option<T>) {
    (limit.is_none(), limit.map(|limit| limit.value))
}

fn scalars(before: &Policy, after: &Policy, out: &mut Vec<Change>) {
    let (old, new) = (&before.limits, &after.limits);
    let number = |room: &(bool, Option<u64>)| room.1.map_or("none".to_owned(), |value| value.to_string());
    for (name, old, new) in [
        ("limit on memory", &old.memory, &new.memory),
        ("limit on processes", &old.processes, &new.processes),
        ("limit on cpu", &old.cpu, &new.cpu),
        ("limit on file size", &old.file_size, &new.file_size),
    ] {
        push(out, name, &room(old.as_ref()), &room(new.as_ref()), number);
    }
    let time = |room: &(bool, Option<std::time::Duration>)| {
        room.1.map_or("none".to_owned(), crate::limits::show_duration)
    };
    push(out, "limit on time", &room(old.time.as_ref()), &room(new.time.as_ref()), time);
    push(out, "approvals", &before.approvals.mode.value, &after.approvals.mode.value, |mode| {
        format!("{mode:?}")
    });
    let timeouts = (before.approvals.timeout.value, after.approvals.timeout.value);
    push(out, "time to answer", &timeouts.0, &timeouts.1, |time| crate::limits::show_duration(*time));
    let tiers = (Reverse(before.tier.minimum.value), Reverse(after.tier.minimum.value));
    push(out, "minimum tier", &tiers.0, &tiers.1, |tier| format!("{:?}", tier.0));
    push(out, "nested sandboxes", &before.tier.nested.value, &after.tier.nested.value, ToString::to_string);
    undo(before, after, out);
    let required = (Reverse(before.audit.required.value), Reverse(after.audit.required.value));
    push(out, "required audit", &required.0, &required.1, |required| required.0.to_string());
    let (old, new) = (&before.audit, &after.audit);
    let processes = (Reverse(old.processes.value), Reverse(new.processes.value));
    push(out, "record of processes", &processes.0, &processes.1, |said| said.0.to_string());
    let reads = (Reverse(old.reads.value), Reverse(new.reads.value));
    push(out, "search for refused reads", &reads.0, &reads.1, |reads| reads.0.name().to_owned());
    // None is for ever, which is more than any time.
    let kept = |audit: &crate::session::Audit| {
        let time = audit.keep_for.as_ref().map(|kept| kept.value);
        Reverse((time.is_none(), time))
    };
    push(out, "time that logs are kept", &kept(old), &kept(new), |kept| {
        kept.0.1.map_or("for ever".to_owned(), crate::limits::show_duration)
    });
}

/// What is kept of changes: more is stricter.
fn undo(before: &Policy, after: &Policy, out: &mut Vec<Change>) {
    let login =
        |policy: &Policy| policy.renewed_login.as_ref().map_or(RenewedLogin::Keep, |login| login.value);
    push(out, "renewed login", &login(before), &login(after), |login| login.name().to_owned());
    let (old, new) = (&before.undo, &after.undo);
    push(out, "undo", &Reverse(old.mode.value), &Reverse(new.mode.value), |mode| mode.0.name().to_owned());
    push(out, "undo without a layer", &old.fallback.value, &new.fallback.value, |word| {
        word.name().to_owned()
    });
    for (what, old, new) in [
        ("bytes of a checkpoint", &old.budget, &new.budget),
        ("largest file of a checkpoint", &old.largest, &new.largest),
        ("bytes of all checkpoints", &old.total, &new.total),
    ] {
        let show = |bytes: &Reverse<u64>| crate::limits::show_bytes(bytes.0);
        push(out, what, &Reverse(old.value), &Reverse(new.value), show);
    }
    let kept = (Reverse(old.keep.value), Reverse(new.keep.value));
    push(out, "checkpoints of a workspace", &kept.0, &kept.1, |kept| kept.0.to_string());
    let age = |undo: &crate::undo::Undo| Reverse(room(undo.age.as_ref()));
    push(out, "age of checkpoints", &age(old), &age(new), |age| {
        age.0.1.map_or("any".to_owned(), crate::limits::show_duration)
    });
    list("left out of checkpoints", &old.exclude, &new.exclude, Clone::clone, out);
}

fn list<T: PartialEq>(
    what: &str,
    before: &[Sourced<T>],
    after: &[Sourced<T>],
    show: impl Fn(&T) -> String,
    out: &mut Vec<Change>,
) {
    let has = |list: &[Sourced<T>], value: &T| list.iter().any(|known| known.value == *value);
    for entry in before.iter().chain(after) {
        let words = |there: &bool| if *there { "there" } else { "not there" }.to_owned();
        let (old, new) = (has(before, &entry.value), has(after, &entry.value));
        push(out, format!("{what} {}", show(&entry.value)), &old, &new, words);
    }
}

fn lists(before: &Policy, after: &Policy, out: &mut Vec<Change>) {
    list("listening port", &before.network.listen, &after.network.listen, ToString::to_string, out);
    list("host port", &before.network.host_ports, &after.network.host_ports, ToString::to_string, out);
    list("accepted gap", &before.tier.accept, &after.tier.accept, Clone::clone, out);
    list("socket", &before.sockets, &after.sockets, ToString::to_string, out);
    list("devices", &before.devices, &after.devices, |class| class.name().to_owned(), out);
}
