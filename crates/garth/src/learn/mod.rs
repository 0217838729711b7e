//! Proposing a policy from what a command used.
//!
//! Pure: what was seen goes in, lines with their reasons come out. The rules by which paths are folded are said in
//! `docs/learn.md`; a test compares their numbers.

mod files;
mod fold;
mod hosts;
mod text;

pub use text::Proposal;

use garth_audit::core::{Event, NetworkDecided};
use garth_host::used::Used;
use garth_policy::{AbsPath, Context, FileOp, Policy, Profile};
use std::collections::{BTreeMap, BTreeSet};

/// What was seen of one or more runs.
#[derive(Debug, Default)]
pub struct Seen {
    /// Files.
    pub used: Vec<Used>,
    /// Those of them that were looked for where the sandbox has a directory of its own, and that the host has.
    pub hidden: BTreeSet<AbsPath>,
    /// Hosts that were reached, with port and whether that is a port of the host's own loopback.
    pub hosts: BTreeSet<Reached>,
    /// Hosts that were refused. A name that did not resolve was not asked for at a port.
    pub refused_hosts: BTreeSet<Reached>,
    /// Not everything was told, so the proposal may be too narrow.
    pub incomplete: bool,
    /// Names of programs that ran, of which no use of a file tells.
    pub programs: BTreeSet<String>,
    /// Why no more is known of files than what was changed; `None` where all is that the proposal needs.
    pub no_files: Option<String>,
    /// Name of the session's own command, where its log tells of changed files.
    changed_by: String,
}

/// A host that was reached.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reached {
    /// Its name or address, as it was asked for.
    pub host: String,
    /// The port; 0 if there was none.
    pub port: u16,
    /// It is the loopback of the host.
    pub is_host_port: bool,
}

impl Reached {
    fn of(decided: &NetworkDecided) -> Option<Self> {
        let (host, is_host_port) = (decided.host.clone()?, decided.front == "host-port");
        Some(Self { host, port: decided.port, is_host_port })
    }
}

impl Seen {
    /// Takes what the session told its log.
    pub fn take(&mut self, event: &Event) {
        match event {
            Event::NetworkAllowed(allowed) if allowed.0.front != "dns" => {
                self.hosts.extend(Reached::of(&allowed.0));
            }
            Event::NetworkDenied(denied) => self.refused_hosts.extend(Reached::of(&denied.0)),
            Event::FileDenied(denied) => {
                let wanted = denied_use(denied);
                let read = wanted.as_ref().filter(|used| !files::writes(used.op));
                self.hidden.extend(read.map(|used| used.path.clone()));
                self.used.extend(wanted);
            }
            Event::EventsOmitted(_) => self.incomplete = true,
            _ => {}
        }
    }

    /// Takes what a log of an ordinary session tells beside that: which programs ran, and whether files were watched at all.
    pub fn take_from_log(&mut self, event: &Event) {
        match event {
            Event::ProcessStarted(started) => {
                let name = started.program.rsplit(['/', '\\']).next().unwrap_or_default();
                self.programs.extend((!name.is_empty()).then(|| name.to_owned()));
            }
            Event::SessionStarted(started) if started.machine.sid.is_some() => {
                self.no_files = Some(UNWATCHED.to_owned());
                let first = started.command.first().map(String::as_str).unwrap_or_default();
                first.rsplit(['/', '\\']).next().unwrap_or_default().clone_into(&mut self.changed_by);
            }
            // Who changed it is not told.
            Event::FileChanged(changed) if self.no_files.is_some() => {
                let program = self.changed_by.clone();
                let path = AbsPath::from_lossless(&changed.path).ok();
                self.used.extend(path.map(|path| Used { path, op: FileOp::Write, found: true, program }));
            }
            _ => {}
        }
        self.take(event);
    }

    /// What a log says was refused, as what would be used if it were allowed.
    ///
    /// For a log of an ordinary session, which does not say what was allowed.
    pub fn want_what_was_refused(&mut self) {
        let asked = std::mem::take(&mut self.refused_hosts);
        // A name alone says no port; then what holds for the web is meant.
        self.hosts.extend(asked.into_iter().map(|reached| match reached.port {
            0 => Reached { port: 443, ..reached },
            _ => reached,
        }));
    }
}

/// Why the log of a session on Windows says of files what was changed, and no more.
const UNWATCHED: &str =
    "Windows tells of a refused file to the program that asked, and to nobody else; what was changed is told";

fn denied_use(denied: &garth_audit::core::FileDenied) -> Option<Used> {
    let kind = match denied.kind.as_deref() {
        Some("directory") => garth_policy::NodeKind::Directory,
        Some("symlink") => garth_policy::NodeKind::Symlink,
        Some("other") => garth_policy::NodeKind::Other,
        _ => garth_policy::NodeKind::File,
    };
    let op = match denied.operation.as_str() {
        "read" => FileOp::Read,
        "list" => FileOp::List,
        "metadata" => FileOp::Metadata,
        "execute" => FileOp::Execute,
        "create" => FileOp::Create(kind),
        "delete" => FileOp::Delete,
        "move" => FileOp::MoveFrom,
        "link" => FileOp::Link,
        _ => FileOp::Write,
    };
    let path = AbsPath::from_lossless(&denied.path).ok()?;
    Some(Used { path, op, found: true, program: denied.program.clone() })
}

/// How to propose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// The profile that the lines go beside. With `strict`, the workspace is opened no more than it was used; beside any
    /// other, what was refused is what is needed.
    pub profile: Profile,
    /// Three or more hosts of one domain become the domain.
    pub wildcards: bool,
}

/// The smallest readable policy under which what was seen is allowed. `ceiling` is what was in force: what it refuses, what
/// is secret and what the host trusts is never proposed.
#[must_use]
pub fn propose(context: &Context, ceiling: &Policy, seen: &Seen, options: Options) -> Proposal {
    let files = files::needed(context, ceiling, seen, options.profile);
    let (domains, host_ports) = hosts::needed(&seen.hosts, options);
    let programs: BTreeMap<&AbsPath, ()> = seen
        .used
        .iter()
        .filter(|used| used.found && used.op == FileOp::Execute)
        .map(|used| (&used.path, ()))
        .collect();
    let mut names: Vec<String> =
        programs.keys().filter_map(|path| path.file_name()).map(garth_policy::escape_visible).collect();
    names.extend(seen.programs.iter().cloned());
    names.sort();
    names.dedup();
    Proposal {
        profile: options.profile,
        files: files.lines,
        withheld: files.withheld,
        domains,
        host_ports,
        refused_hosts: hosts::names(&seen.refused_hosts),
        programs: names,
        incomplete: seen.incomplete,
        no_files: seen.no_files.clone(),
    }
}

#[cfg(test)]
mod tests;
