//! The command line as a layer.

use super::diagnostic::{Diagnostic, Diagnostics};
use super::reader::{Reader, quoted};
use super::written::Written;
use crate::agents;
use crate::context::Context;
use crate::files::Access;
use crate::host::HostPattern;
use crate::limits::{parse_bytes, parse_cpu, parse_duration};
use crate::network::{DomainRule, NetworkMode};
use crate::origin::{Layer, Origin, Sourced};
use crate::profile::Profile;
use crate::session::{ApprovalMode, DeviceClass, TierMinimum};

/// One flag: how it was typed and what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flag {
    /// As typed, for messages and origins: "--allow ~/data".
    pub typed: String,
    /// What it says.
    pub setting: Setting,
}

/// What a flag says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Setting {
    /// The profile.
    Profile(Profile),
    /// Access to a path or pattern, in the spelling of a policy file.
    File(String, Access),
    /// The network mode.
    Network(NetworkMode),
    /// A domain, allowed (true) or denied.
    Domain(String, bool),
    /// A port of a server inside.
    Listen(u16),
    /// A loopback port of the host.
    HostPort(u16),
    /// A variable that is passed on.
    Env(String),
    /// A variable with its value.
    SetEnv(String, String),
    /// `limits.memory`, as in a policy file.
    Memory(String),
    /// `limits.processes`.
    Processes(u64),
    /// `limits.time`, as in a policy file.
    Time(String),
    /// `limits.cpu`, as in a policy file.
    Cpu(String),
    /// Whether anybody is asked.
    Approvals(ApprovalMode),
    /// The weakest tier that will do.
    Tier(TierMinimum),
    /// A named gap that is accepted.
    Accept(String),
    /// A Unix socket of the host.
    Socket(String),
    /// A class of devices.
    Device(DeviceClass),
    /// The agent that the sandbox is for: what it keeps is there as a layer, and its hosts are allowed. One that is not in
    /// the table gets nothing by its name.
    Agent(String),
}

/// The agent that a command line names.
#[must_use]
pub fn agent_named(flags: &[Flag]) -> Option<&str> {
    flags.iter().find_map(|flag| match &flag.setting {
        Setting::Agent(name) => Some(name.as_str()),
        _ => None,
    })
}

/// Reads all flags; mistakes are reported with the flag as the place.
pub(super) fn read(flags: &[Flag], context: &Context, found: &mut Diagnostics) -> Written {
    let mut out = Written::nothing();
    for flag in flags {
        if let Err((message, hint)) = apply(flag, context, &mut out) {
            let message = format!("{}: {message}", quoted(&flag.typed));
            found.list.push(Diagnostic::placeless("bad-flag", message, hint));
        }
    }
    out
}

type Mistake = (String, String);

fn apply(flag: &Flag, context: &Context, out: &mut Written) -> Result<(), Mistake> {
    let origin = Origin::unplaced(Layer::Flags, flag.typed.clone());
    let bad =
        |what: &str, text: &str, hint: &str| (format!("{} is no {what}", quoted(text)), hint.to_owned());
    match &flag.setting {
        Setting::Profile(profile) => out.profile = Some(Sourced::new(*profile, origin)),
        Setting::File(text, access) => file(text, *access, origin, context, out)?,
        Setting::Network(mode) => out.mode = Some(Sourced::new(*mode, origin)),
        Setting::Domain(text, allow) => {
            let host = HostPattern::parse(text)
                .map_err(|error| bad("host", text, &format!("{error}; write a name such as example.com")))?;
            out.domains.push(DomainRule { host, allow: *allow, origin });
        }
        Setting::Listen(port) => out.listen.get_or_insert_default().push(Sourced::new(*port, origin)),
        Setting::HostPort(port) => out.host_ports.get_or_insert_default().push(Sourced::new(*port, origin)),
        Setting::Env(name) => out.env_allow.get_or_insert_default().push(Sourced::new(name.clone(), origin)),
        Setting::SetEnv(name, value) => out.env_set.push(Sourced::new((name.clone(), value.clone()), origin)),
        Setting::Memory(text) => {
            let bytes =
                parse_bytes(text).ok_or_else(|| bad("amount of memory", text, "write for example 4GiB"))?;
            out.limits.memory = Some(Sourced::new(bytes, origin));
        }
        Setting::Processes(number) => out.limits.processes = Some(Sourced::new(*number, origin)),
        Setting::Time(text) => {
            let time = parse_duration(text).ok_or_else(|| bad("duration", text, "write for example 10m"))?;
            out.limits.time = Some(Sourced::new(time, origin));
        }
        Setting::Cpu(text) => {
            let cpu = parse_cpu(text)
                .ok_or_else(|| bad("share of the processors", text, "write for example 1.5"))?;
            out.limits.cpu = Some(Sourced::new(cpu, origin));
        }
        Setting::Approvals(mode) => out.approval_mode = Some(Sourced::new(*mode, origin)),
        Setting::Tier(tier) => out.minimum = Some(Sourced::new(*tier, origin)),
        Setting::Accept(gap) => out.accept.get_or_insert_default().push(Sourced::new(gap.clone(), origin)),
        Setting::Socket(text) => {
            let reader = Reader::new(("", ""), Layer::Flags, context, super::UNREAD);
            let path = reader.plain_path(text).ok_or_else(|| bad("path", text, "write an absolute path"))?;
            out.sockets.get_or_insert_default().push(Sourced::new(path, origin));
        }
        Setting::Agent(name) => agent(name, &origin, context, out)?,
        Setting::Device(class) => out.devices.get_or_insert_default().push(Sourced::new(*class, origin)),
    }
    Ok(())
}

/// What the table says of the agent.
fn agent(name: &str, origin: &Origin, context: &Context, out: &mut Written) -> Result<(), Mistake> {
    let Some(agent) = agents::agent(name) else { return Ok(()) };
    for kept in agent.keeps {
        file(kept.path, Access::Overlay, origin.clone(), context, out)?;
    }
    for host in agent.hosts.iter().filter_map(|host| HostPattern::parse(host.path).ok()) {
        out.domains.push(DomainRule { host, allow: true, origin: origin.clone() });
    }
    Ok(())
}

fn file(
    text: &str,
    access: Access,
    origin: Origin,
    context: &Context,
    out: &mut Written,
) -> Result<(), Mistake> {
    let mut reader = Reader::new(("", ""), Layer::Flags, context, super::UNREAD);
    for mut rule in reader.rules_for(text, access) {
        rule.origin = origin.clone();
        out.files.push(rule);
    }
    match reader.found.into_iter().find(|found| found.severity == super::Severity::Error) {
        Some(found) if found.label.is_empty() => Err((found.message, found.hint)),
        Some(found) => Err((format!("{}: {}", found.message, found.label), found.hint)),
        None => Ok(()),
    }
}
