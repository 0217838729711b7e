//! The resolved policy for a reader: every clause with its origin.

use crate::files::{Grant, RuleKind};
use crate::limits::{show_bytes, show_duration};
use crate::origin::{Origin, Sourced};
use crate::policy::Policy;
use crate::session::{ApprovalMode, Audit, TierMinimum};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// One clause: section, what it says, the reason, where it was said.
struct Clause {
    section: &'static str,
    text: String,
    reason: String,
    origin: Option<Origin>,
}

fn clause(section: &'static str, text: String, origin: &Origin) -> Clause {
    Clause { section, text, reason: String::new(), origin: Some(origin.clone()) }
}

/// The policy as text, one clause a line.
#[must_use]
pub fn show_text(policy: &Policy) -> String {
    let mut out = String::new();
    let mut section = "";
    for clause in clauses(policy) {
        if clause.section != section {
            section = clause.section;
            let _ = writeln!(out, "{}[{section}]", if out.is_empty() { "" } else { "\n" });
        }
        let origin = clause.origin.map_or_else(String::new, |origin| origin.to_string());
        let reason = if clause.reason.is_empty() { String::new() } else { format!("; {}", clause.reason) };
        let _ = writeln!(out, "{:<60}  # {origin}{reason}", clause.text);
    }
    out
}

/// The policy as JSON, one object a clause.
#[must_use]
pub fn show_json(policy: &Policy) -> Value {
    let clauses = clauses(policy).into_iter().map(|clause| {
        json!({
            "section": clause.section,
            "clause": clause.text,
            "reason": clause.reason,
            "origin": clause.origin,
        })
    });
    json!({ "profile": policy.profile.value, "clauses": clauses.collect::<Vec<_>>() })
}

fn clauses(policy: &Policy) -> Vec<Clause> {
    let mut out = vec![clause("profile", policy.profile.value.name().to_owned(), &policy.profile.origin)];
    files(policy, &mut out);
    network(policy, &mut out);
    for rule in &policy.commands.rules {
        let words: Vec<String> = rule.prefix.iter().map(|choices| choices.join("|")).collect();
        let text = format!("{} {}", rule.decision.name(), words.join(" "));
        out.push(Clause { reason: rule.reason.clone(), ..clause("commands", text, &rule.origin) });
    }
    for row in &policy.programs {
        let text = format!("knows {}", row.name);
        out.push(Clause { reason: row.reason.clone(), ..clause("programs", text, &row.origin) });
    }
    for entry in &policy.env.allow {
        out.push(clause("env", format!("allow {}", entry.value), &entry.origin));
    }
    for entry in &policy.env.set {
        out.push(clause("env", format!("set {}", entry.value.0), &entry.origin));
    }
    limits(policy, &mut out);
    session(policy, &mut out);
    out
}

fn words(grant: &Grant<'_>) -> String {
    let execute = if grant.execute || grant.access == crate::files::Access::Deny { "" } else { ", not run" };
    format!("{}{execute}", grant.access)
}

fn files(policy: &Policy, out: &mut Vec<Clause>) {
    for boundary in policy.files.boundaries() {
        let mark = match boundary.grant.rule.map(|rule| rule.kind) {
            Some(RuleKind::Secret) => " (secret)",
            Some(RuleKind::Protected) => " (host-trusted)",
            _ => "",
        };
        out.push(Clause {
            section: "files",
            text: format!("{} {}{mark}", words(&boundary.grant), boundary.path),
            reason: boundary.grant.rule.map(|rule| rule.reason.to_string()).unwrap_or_default(),
            origin: boundary.grant.rule.map(|rule| rule.origin.clone()),
        });
    }
    for (glob, rule) in policy.files.globs() {
        let execute = if rule.execute { "" } else { ", not run" };
        let text = format!("{}{execute} {glob}", rule.access);
        out.push(Clause { reason: rule.reason.to_string(), ..clause("files", text, &rule.origin) });
    }
    for rule in policy.files.git_rules() {
        let text = format!("guarded {}", rule.pattern);
        out.push(Clause { reason: rule.reason.to_string(), ..clause("files", text, &rule.origin) });
    }
}

fn network(policy: &Policy, out: &mut Vec<Clause>) {
    let network = &policy.network;
    out.push(clause("network", format!("mode {}", network.mode.value.name()), &network.mode.origin));
    for domain in &network.domains {
        let word = if domain.allow { "allow" } else { "deny" };
        out.push(clause("network", format!("{word} {}", domain.host), &domain.origin));
    }
    for port in &network.listen {
        out.push(clause("network", format!("listen {}", port.value), &port.origin));
    }
    for port in &network.host_ports {
        out.push(clause("network", format!("host port {}", port.value), &port.origin));
    }
    for rule in &network.rules {
        if let Some(upload) = rule.upload {
            let text = format!("send at most {} to {}", show_bytes(upload), rule.host);
            out.push(clause("network", text, &rule.origin));
        }
        if !rule.judges() {
            continue;
        }
        let methods = if rule.methods.is_empty() { "any method".to_owned() } else { rule.methods.join("|") };
        let paths = if rule.paths.is_empty() { "any path".to_owned() } else { rule.paths.join("|") };
        out.push(clause("network", format!("limit {} to {methods} {paths}", rule.host), &rule.origin));
    }
    if let Some(upload) = &network.budget.upload {
        out.push(clause(
            "network",
            format!("send at most {} to a host", show_bytes(upload.value)),
            &upload.origin,
        ));
    }
    let names = &network.budget.new_names;
    out.push(clause("network", format!("at most {} new names a minute", names.value), &names.origin));
    if let Some(proxy) = &network.proxy {
        out.push(clause("network", proxy.to_string(), &proxy.origin));
    }
    for secret in &network.secrets {
        let hosts: Vec<String> = secret.hosts.iter().map(ToString::to_string).collect();
        let places: Vec<&str> = secret.places.iter().map(|place| place.name()).collect();
        out.push(clause(
            "network",
            format!(
                "secret {} from {} for {} in {}",
                secret.name,
                secret.from,
                hosts.join(", "),
                places.join(", ")
            ),
            &secret.origin,
        ));
    }
    for domain in network.ceiling.iter().flatten().filter(|domain| domain.allow) {
        out.push(clause("network", format!("at most {}", domain.host), &domain.origin));
    }
}

fn limits(policy: &Policy, out: &mut Vec<Clause>) {
    let limits = &policy.limits;
    let mut add = |name: &str, value: Option<String>, origin: Option<&Origin>| {
        if let (Some(value), Some(origin)) = (value, origin) {
            out.push(clause("limits", format!("{name} {value}"), origin));
        }
    };
    fn part<T>(limit: Option<&Sourced<T>>, show: impl Fn(&T) -> String) -> (Option<String>, Option<&Origin>) {
        (limit.map(|limit| show(&limit.value)), limit.map(|limit| &limit.origin))
    }
    let (value, origin) = part(limits.memory.as_ref(), |bytes| show_bytes(*bytes));
    add("memory", value, origin);
    let (value, origin) = part(limits.processes.as_ref(), ToString::to_string);
    add("processes", value, origin);
    let (value, origin) = part(limits.time.as_ref(), |time| show_duration(*time));
    add("time", value, origin);
    let (value, origin) = part(limits.cpu.as_ref(), |cpu| format!("{}.{:03} cores", cpu / 1000, cpu % 1000));
    add("cpu", value, origin);
    let (value, origin) = part(limits.file_size.as_ref(), |bytes| show_bytes(*bytes));
    add("file-size", value, origin);
}

fn session(policy: &Policy, out: &mut Vec<Clause>) {
    let mode = match policy.approvals.mode.value {
        ApprovalMode::Never => "never",
        ApprovalMode::Ask => "ask",
    };
    out.push(clause("approvals", format!("mode {mode}"), &policy.approvals.mode.origin));
    let timeout = &policy.approvals.timeout;
    out.push(clause("approvals", format!("timeout {}", show_duration(timeout.value)), &timeout.origin));
    let minimum = match policy.tier.minimum.value {
        TierMinimum::Process => "process",
        TierMinimum::Vm => "vm",
    };
    out.push(clause("tier", format!("minimum {minimum}"), &policy.tier.minimum.origin));
    out.push(clause("tier", format!("nested {}", policy.tier.nested.value), &policy.tier.nested.origin));
    for gap in &policy.tier.accept {
        out.push(clause("tier", format!("accept {}", gap.value), &gap.origin));
    }
    audit(&policy.audit, out);
    undo(policy, out);
    for socket in &policy.sockets {
        out.push(clause("sockets", format!("allow {}", socket.value), &socket.origin));
    }
    for device in &policy.devices {
        out.push(clause("devices", format!("allow {}", device.value.name()), &device.origin));
    }
}

/// What is recorded, and how long it is kept.
fn audit(audit: &Audit, out: &mut Vec<Clause>) {
    let Audit { required, path, processes, reads, keep_for, keep_size, anchor } = audit;
    let mut push = |text: String, origin: &Origin| out.push(clause("audit", text, origin));
    push(format!("required {}", required.value), &required.origin);
    if let Some(path) = path {
        push(format!("path {}", path.value), &path.origin);
    }
    push(format!("processes {}", processes.value), &processes.origin);
    push(format!("reads {}", reads.value.name()), &reads.origin);
    if let Some(time) = keep_for {
        push(format!("keep-for {}", show_duration(time.value)), &time.origin);
    }
    if let Some(size) = keep_size {
        push(format!("keep-size {}", show_bytes(size.value)), &size.origin);
    }
    if let Some(anchor) = anchor {
        push(format!("anchor {}", anchor.value), &anchor.origin);
    }
}

fn undo(policy: &Policy, out: &mut Vec<Clause>) {
    let undo = &policy.undo;
    out.push(clause("undo", format!("mode {}", undo.mode.value.name()), &undo.mode.origin));
    out.push(clause("undo", format!("fallback {}", undo.fallback.value.name()), &undo.fallback.origin));
    for (name, bytes) in [("budget", &undo.budget), ("largest", &undo.largest), ("total", &undo.total)] {
        out.push(clause("undo", format!("{name} {}", show_bytes(bytes.value)), &bytes.origin));
    }
    out.push(clause("undo", format!("keep {}", undo.keep.value), &undo.keep.origin));
    if let Some(age) = &undo.age {
        out.push(clause("undo", format!("age {}", show_duration(age.value)), &age.origin));
    }
    for pattern in &undo.exclude {
        out.push(clause("undo", format!("exclude {}", pattern.value), &pattern.origin));
    }
    if let Some(login) = &policy.renewed_login {
        out.push(clause("agents", format!("login {}", login.value.name()), &login.origin));
    }
}
