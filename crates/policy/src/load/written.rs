//! A policy file as it was written: what it says, each value with its place.

use super::audit::AuditWritten;
use super::reader::{Reader, Value, in_order, quoted};
use super::undo::WrittenUndo;
use crate::agents::RenewedLogin;
use crate::commands::CommandRule;
use crate::env::{guard, is_name};
use crate::files::FileRule;
use crate::limits::{Limits, parse_bytes, parse_cpu, parse_duration};
use crate::network::{DomainRule, HttpRule, NetworkMode, SecretBinding};
use crate::origin::Sourced;
use crate::path::AbsPath;
use crate::profile::Profile;
use crate::programs::ProgramRow;
use crate::proxy::ProxyRule;
use crate::session::{ApprovalMode, DeviceClass, TierMinimum};
use std::ops::Range;
use std::time::Duration;
use toml::de::DeTable;

/// The version of the format that this program reads.
pub(crate) const VERSION: u64 = 1;

/// What one file (or the flags) says. `None` where it says nothing.
#[derive(Clone, Debug)]
pub(super) struct Written {
    pub(super) profile: Option<Sourced<Profile>>,
    pub(super) files: Vec<FileRule>,
    pub(super) mode: Option<Sourced<NetworkMode>>,
    pub(super) domains: Vec<DomainRule>,
    pub(super) listen: Option<Vec<Sourced<u16>>>,
    pub(super) host_ports: Option<Vec<Sourced<u16>>>,
    pub(super) rules: Vec<HttpRule>,
    pub(super) secrets: Vec<SecretBinding>,
    pub(super) upload: Option<Sourced<u64>>,
    pub(super) new_names: Option<Sourced<u64>>,
    pub(super) proxy: Option<Sourced<ProxyRule>>,
    pub(super) commands: Vec<CommandRule>,
    pub(super) programs: Vec<ProgramRow>,
    pub(super) env_allow: Option<Vec<Sourced<String>>>,
    pub(super) env_set: Vec<Sourced<(String, String)>>,
    pub(super) limits: Limits,
    pub(super) approval_mode: Option<Sourced<ApprovalMode>>,
    pub(super) approval_timeout: Option<Sourced<Duration>>,
    pub(super) minimum: Option<Sourced<TierMinimum>>,
    pub(super) accept: Option<Vec<Sourced<String>>>,
    pub(super) nested: Option<Sourced<bool>>,
    pub(super) audit: AuditWritten,
    pub(super) undo: WrittenUndo,
    pub(super) renewed_login: Option<Sourced<RenewedLogin>>,
    pub(super) sockets: Option<Vec<Sourced<AbsPath>>>,
    pub(super) devices: Option<Vec<Sourced<DeviceClass>>>,
}

impl Written {
    /// Says nothing.
    pub(super) fn nothing() -> Self {
        let limits = Limits { memory: None, processes: None, time: None, cpu: None, file_size: None };
        Self {
            profile: None,
            files: Vec::new(),
            mode: None,
            domains: Vec::new(),
            listen: None,
            host_ports: None,
            rules: Vec::new(),
            secrets: Vec::new(),
            upload: None,
            new_names: None,
            proxy: None,
            commands: Vec::new(),
            programs: Vec::new(),
            env_allow: None,
            env_set: Vec::new(),
            limits,
            approval_mode: None,
            approval_timeout: None,
            minimum: None,
            accept: None,
            nested: None,
            audit: AuditWritten::default(),
            undo: WrittenUndo::default(),
            renewed_login: None,
            sockets: None,
            devices: None,
        }
    }
}

/// Keys of a row for the table of programs. A test of the vetting holds them against its model.
static PROGRAM: &[&str] = &[
    "also",
    "aliases",
    "old-aliases",
    "reason",
    "source",
    "style",
    "flags",
    "values",
    "joined",
    "options",
    "operands",
    "empty",
    "effects",
    "mode",
    "sub",
    "short",
    "instead",
    "quiet",
    "info",
    "number",
    "plus",
    "first",
    "everywhere",
    "abbreviate",
    "negatable",
    "bundled",
    "assignments",
];

/// Keys of each section. The schema is tested to have the same.
pub(crate) static SECTIONS: &[(&str, &[&str])] = &[
    (
        "",
        &[
            "version",
            "profile",
            "files",
            "network",
            "commands",
            "programs",
            "env",
            "limits",
            "approvals",
            "tier",
            "audit",
            "undo",
            "agents",
            "sockets",
            "devices",
        ],
    ),
    ("network", &["mode", "domains", "listen", "host-ports", "rules", "secrets", "budget", "proxy"]),
    ("network.budget", &["upload", "new-names"]),
    ("network.proxy", &["url", "except", "credentials"]),
    ("network.rules", &["host", "methods", "paths", "upload"]),
    ("network.secrets", &["from", "hosts", "in"]),
    ("commands", &["prefix", "decision", "reason", "match", "not-match", "agents"]),
    ("programs", PROGRAM),
    ("env", &["allow", "set"]),
    ("limits", &["memory", "processes", "time", "cpu", "file-size"]),
    ("approvals", &["mode", "timeout"]),
    ("tier", &["minimum", "accept", "nested"]),
    ("audit", &["required", "path", "processes", "reads", "keep-for", "keep-size", "anchor"]),
    ("undo", &["mode", "fallback", "budget", "largest", "total", "keep", "age", "exclude"]),
    ("agents", &["login"]),
    ("sockets", &["allow"]),
    ("devices", &["allow"]),
];

pub(super) fn keys(section: &str) -> &'static [&'static str] {
    SECTIONS.iter().find(|(name, _)| *name == section).map_or(&[], |(_, keys)| keys)
}

pub(super) const SECONDS: &str = "write a duration such as \"30s\", \"10m\" or \"2h\"";
pub(super) const BYTES: &str = "write a size such as \"512MiB\" or \"4GiB\"";

impl Reader<'_> {
    /// Reads the whole file.
    pub(super) fn document(&mut self, table: &DeTable<'_>) -> Written {
        let mut out = Written::nothing();
        let entries = self.known(table, "the policy", keys(""));
        if !entries.iter().any(|(key, _)| key.get_ref() == "version") {
            let hint = format!("write `version = {VERSION}` as the first line");
            self.report("no-version", 0..0, "the policy names no version", "", hint);
        }
        for (key, value) in entries {
            match key.get_ref().as_ref() {
                "version" => self.version(value),
                "profile" => out.profile = self.profile(value),
                "files" => self.files(value, &mut out),
                "network" => self.network(value, &mut out),
                "commands" => self.commands(value, &mut out),
                "programs" => self.programs(value, &mut out),
                "env" => self.env(value, &mut out),
                "limits" => self.limits(value, &mut out),
                "approvals" => self.approvals(value, &mut out),
                "tier" => self.tier(value, &mut out),
                "audit" => self.audit(value, &mut out.audit),
                "undo" => self.undo(value, &mut out),
                "agents" => self.agents(value, &mut out),
                "sockets" => self.sockets(value, &mut out),
                _ => self.devices(value, &mut out),
            }
        }
        out
    }

    fn version(&mut self, value: Value<'_, '_>) {
        let hint = format!("write `version = {VERSION}`");
        let Some(found) = value.get_ref().as_integer() else {
            self.wrong_type(value, "version", "an integer", &hint);
            return;
        };
        if u64::from_str_radix(found.as_str(), found.radix()) != Ok(VERSION) {
            let message = "the policy is of a version that this program does not read";
            self.report("bad-version", value.span(), message, "", hint);
        }
    }

    fn profile(&mut self, value: Value<'_, '_>) -> Option<Sourced<Profile>> {
        let known = Profile::ALL.map(|profile| (profile.name(), profile));
        let profile = self.choice(value, "profile", &known)?;
        Some(self.sourced(profile, &value.span()))
    }

    pub(super) fn section<'d, 't>(
        &mut self,
        value: Value<'d, 't>,
        name: &str,
    ) -> Vec<(super::reader::Key<'d, 't>, Value<'d, 't>)> {
        let heading = format!("[{name}]");
        let hint = format!("write `[{name}]` on a line of its own and its keys below");
        match self.table(value, &heading, &hint) {
            Some(table) => self.known(table, &heading, keys(name)),
            None => Vec::new(),
        }
    }

    fn env(&mut self, value: Value<'_, '_>, out: &mut Written) {
        for (key, value) in self.section(value, "env") {
            if key.get_ref() == "allow" {
                let texts = self.strings(value, "allow", "write a list such as [\"LANG\", \"LC_*\"]");
                out.env_allow =
                    Some(texts.into_iter().filter_map(|(text, span)| self.variable(text, span)).collect());
                continue;
            }
            let hint = "write `set = { NAME = \"value\" }`";
            let Some(table) = self.table(value, "set", hint) else { continue };
            for (name, value) in in_order(table) {
                let Some(text) = self.string(value, "the value of a variable", hint) else { continue };
                if is_name(name.get_ref()) && !text.contains('\0') {
                    let pair = (name.get_ref().to_string(), text.to_owned());
                    out.env_set.push(self.sourced(pair, &name.span()));
                } else {
                    let message = format!("{} is no variable", quoted(name.get_ref()));
                    self.report("bad-value", name.span(), message, "", "a name holds no `=`, a value no NUL");
                }
            }
        }
    }

    fn variable(&mut self, text: &str, span: Range<usize>) -> Option<Sourced<String>> {
        if !is_name(text) || text == "*" || text.trim_end_matches('*').contains('*') {
            let hint = "write a name, or the start of names with a `*` at the end";
            self.report("bad-value", span, format!("{} names no variable", quoted(text)), "", hint);
            return None;
        }
        if let Some(row) = guard(text).filter(|row| !row.guard.opens_by_name() && !text.ends_with('*')) {
            let message = format!("`{text}` cannot be passed on from the host");
            let hint =
                format!("give it a value instead: `set = {{ {text} = \"...\" }}` in the user's policy");
            self.report("guarded-variable", span, message, row.reason, hint);
            return None;
        }
        Some(self.sourced(text.to_owned(), &span))
    }

    fn limits(&mut self, value: Value<'_, '_>, out: &mut Written) {
        for (key, value) in self.section(value, "limits") {
            match key.get_ref().as_ref() {
                "memory" => out.limits.memory = self.parsed(value, "amount of memory", BYTES, parse_bytes),
                "file-size" => {
                    out.limits.file_size = self.parsed(value, "size of a file", BYTES, parse_bytes)
                }
                "time" => out.limits.time = self.parsed(value, "duration", SECONDS, parse_duration),
                "cpu" => {
                    let hint =
                        "write cores such as \"2\" or \"1.5\", or a share of one core such as \"150%\"";
                    out.limits.cpu = self.parsed(value, "share of the processors", hint, parse_cpu);
                }
                _ => {
                    let number = self.number(value, "processes", 4_194_304);
                    out.limits.processes = number.map(|number| self.sourced(number, &value.span()));
                }
            }
        }
    }

    fn approvals(&mut self, value: Value<'_, '_>, out: &mut Written) {
        let modes = [("never", ApprovalMode::Never), ("ask", ApprovalMode::Ask)];
        for (key, value) in self.section(value, "approvals") {
            if key.get_ref() == "mode" {
                let mode = self.choice(value, "approval mode", &modes);
                out.approval_mode = mode.map(|mode| self.sourced(mode, &value.span()));
            } else {
                out.approval_timeout = self.parsed(value, "duration", SECONDS, parse_duration);
            }
        }
    }

    fn tier(&mut self, value: Value<'_, '_>, out: &mut Written) {
        let tiers = [("process", TierMinimum::Process), ("vm", TierMinimum::Vm)];
        for (key, value) in self.section(value, "tier") {
            match key.get_ref().as_ref() {
                "minimum" => {
                    let tier = self.choice(value, "tier", &tiers);
                    out.minimum = tier.map(|tier| self.sourced(tier, &value.span()));
                }
                "accept" => {
                    let texts = self.strings(value, "accept", "write names as `garth plan` shows them");
                    let names = texts.into_iter().map(|(text, span)| self.sourced(text.to_owned(), &span));
                    out.accept = Some(names.collect());
                }
                _ => {
                    out.nested =
                        self.boolean(value, "nested").map(|nested| self.sourced(nested, &value.span()))
                }
            }
        }
    }

    fn sockets(&mut self, value: Value<'_, '_>, out: &mut Written) {
        for (_, value) in self.section(value, "sockets") {
            let hint = "write a list of absolute paths";
            let mut sockets = Vec::new();
            for (text, span) in self.strings(value, "allow", hint) {
                match self.plain_path(text) {
                    Some(path) => sockets.push(self.sourced(path, &span)),
                    None => self.report("bad-path", span, format!("{} is no path", quoted(text)), "", hint),
                }
            }
            out.sockets = Some(sockets);
        }
    }

    fn devices(&mut self, value: Value<'_, '_>, out: &mut Written) {
        let known = DeviceClass::ALL.map(|class| (class.name(), class));
        for (_, value) in self.section(value, "devices") {
            let items = self.array(value, "allow", "write a list such as [\"gpu\"]");
            let classes = items.into_iter().filter_map(|item| {
                let class = self.choice(item, "class of devices", &known)?;
                Some(self.sourced(class, &item.span()))
            });
            out.devices = Some(classes.collect());
        }
    }
}
