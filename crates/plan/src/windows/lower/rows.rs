//! One row per clause: how it is held in each tier.

use super::super::facts::Proof;
use super::super::spec::Tier;
use super::launch::{self, Launched};
use super::names::Files;
use super::{Given, gaps, vm as machine};
use crate::assurance::{Assurance, Row, Status};
use garth_policy::{Access, Layer, NetworkMode, Origin, Reads, TierMinimum};

struct Table<'p> {
    given: Given<'p>,
    tier: Tier,
    rows: Vec<Row>,
}

/// The rows of the tier `container`.
pub(super) fn container(given: Given<'_>, files: &Files, launched: &Launched) -> Assurance {
    let mut table = Table { given, tier: Tier::Container, rows: Vec::new() };
    table.files(files);
    table.trusted();
    table.outer_names(files);
    let proven = |proof: Proof| given.facts.system.proven.contains(&proof);
    table.unnamed(files);
    table.held("processes of the host cannot be opened", "their descriptors grant nothing to packages");
    table.held("the user's registry cannot be written", "its keys grant nothing to the package");
    table.held("named objects of the host cannot be opened", "a namespace of the package's own");
    let mode = table.network_mode();
    let network = &given.policy.network.mode;
    table.push(format!("network.mode = {}", network.value.name()), &network.origin, mode);
    if proven(Proof::NamesDenied) {
        table.held("names that are not allowed do not resolve", "no capability; shown on this machine");
    } else {
        table.partial(
            "names that are not allowed do not resolve",
            "no network capability",
            gaps::RESOLVER,
            "whether the system's own client asks for a container was not shown on this machine (`garth prove`)",
        );
    }
    table.network_clauses();
    if launch::is_exempt(given, &launched.launch.identity) {
        table.missing(
            "servers of this machine's loopback cannot be reached",
            gaps::LOOPBACK,
            "an administrator exempted the package from the isolation of the loopback (`garth-setup undo` takes it back)",
        );
    }
    if proven(Proof::DelegatesDenied) {
        table.held(
            "services that act for the user cannot be reached",
            "packages are refused; shown on this machine",
        );
    } else {
        table.partial(
            "services that act for the user cannot be reached",
            "their descriptors grant nothing to packages",
            gaps::CONTAINER_DELEGATES,
            "of services of other makers nothing is known, and `garth prove` has not run on this machine",
        );
    }
    table.common(launched);
    Assurance { rows: table.rows }
}

/// The rows of the tier `restricted`.
pub(super) fn restricted(given: Given<'_>, files: &Files, launched: &Launched) -> Assurance {
    let mut table = Table { given, tier: Tier::Restricted, rows: Vec::new() };
    table.files(files);
    table.trusted();
    table.held("files that no rule names cannot be changed", "writing needs a grant to a restricting SID");
    table.missing(
        "files that no rule names cannot be read",
        gaps::READS,
        "a write-restricted token reads whatever its user reads",
    );
    table.missing(
        "files that no rule names cannot be deleted or moved",
        gaps::DELETES,
        "Windows does not ask restricting SIDs about deleting what lies in a directory",
    );
    table.missing(
        "processes of the host cannot be opened",
        gaps::PROCESSES,
        "the memory of the user's other processes can be read",
    );
    table.missing(
        "services that act for the user cannot be reached",
        gaps::DELEGATES,
        "to the task scheduler, WMI and COM it is the user",
    );
    let network = &given.policy.network.mode;
    let status = Status::Advisory {
        mechanism: "proxy variables".into(),
        gap: gaps::NETWORK.into(),
        missing: "a program that ignores them connects as its user does".into(),
    };
    table.push(format!("network.mode = {}", network.value.name()), &network.origin, status);
    table.network_clauses();
    table.partial(
        "programs that use the system's TLS work",
        "OpenSSL, rustls and Go do",
        gaps::TLS,
        "restricting SIDs keep Schannel from starting",
    );
    table.common(launched);
    Assurance { rows: table.rows }
}

/// The rows of the tier `vm`.
pub(super) fn vm(given: Given<'_>, files: &Files, launched: &Launched) -> Assurance {
    let mut table = Table { given, tier: Tier::Vm, rows: Vec::new() };
    table.files(files);
    table.held("files that no rule names", "not mapped");
    table.held("processes, services and registry of the host cannot be reached", "another kernel");
    let writable = given.boundaries.iter().any(|boundary| boundary.grant.access == Access::Write);
    if writable {
        table.missing(
            "files that the host later runs or trusts cannot be made, changed or moved",
            gaps::MAPPED,
            "a directory that is mapped for writing is writable with all its names",
        );
    }
    let network = &given.policy.network.mode;
    table.push(
        format!("network.mode = {}", network.value.name()),
        &network.origin,
        machine::network(network.value),
    );
    table.network_clauses();
    table.common(launched);
    Assurance { rows: table.rows }
}

fn built_in() -> Origin {
    Origin::unplaced(Layer::Profile, "garth")
}

impl Table<'_> {
    fn push(&mut self, clause: impl Into<String>, origin: &Origin, status: Status) {
        if self.given.all || status.gap().is_some() {
            self.rows.push(Row { clause: clause.into(), origin: origin.clone(), status, absent: false });
        }
    }

    fn held(&mut self, clause: &str, mechanism: &str) {
        self.push(clause, &built_in(), Status::enforced(mechanism));
    }

    fn partial(&mut self, clause: &str, mechanism: &str, gap: &str, missing: &str) {
        let status =
            Status::Partial { mechanism: mechanism.into(), gap: gap.into(), missing: missing.into() };
        self.push(clause, &built_in(), status);
    }

    fn missing(&mut self, clause: &str, gap: &str, reason: &str) {
        self.push(clause, &built_in(), self.without(gap, reason));
    }

    fn without(&self, gap: &str, reason: &str) -> Status {
        let hint = if self.tier == Tier::Container { "drop the entry" } else { "use `--tier container`" };
        Status::Unenforceable { gap: gap.into(), reason: reason.into(), hint: hint.into() }
    }

    /// One row for each rule for files.
    fn files(&mut self, files: &Files) {
        for boundary in self.given.boundaries {
            let Some(rule) = boundary.grant.rule else { continue };
            let Some(status) = files.held.get(boundary.path) else { continue };
            if !self.given.all && status.gap().is_none() {
                continue;
            }
            let clause = format!("{} = {}", boundary.path, boundary.grant.access.name());
            let absent = self.given.facts.object(boundary.path).is_none();
            self.rows.push(Row { clause, origin: rule.origin.clone(), status: status.clone(), absent });
        }
        // What could not be held of a git directory stands at no rule.
        let named = |path| self.given.boundaries.iter().any(|boundary| boundary.path == path);
        let others: Vec<_> = files.held.iter().filter(|(path, _)| !named(*path)).collect();
        for (path, status) in others {
            self.push(format!("{path} cannot be changed"), &built_in(), status.clone());
        }
        let patterns: Vec<(String, Origin)> = self
            .given
            .policy
            .files
            .globs()
            .map(|(glob, rule)| (format!("{glob} = {}", rule.access.name()), rule.origin.clone()))
            .collect();
        for (clause, origin) in patterns {
            let status = Status::Unenforceable {
                gap: gaps::PATTERN.into(),
                reason: "a permission belongs to an object, and names that appear later are not watched"
                    .into(),
                hint: "name the paths themselves".into(),
            };
            self.push(clause, &origin, status);
        }
    }

    /// What the host later runs or trusts, in the tiers that share its file system.
    fn trusted(&mut self) {
        let mechanism = "read-only where they exist; else their names are taken while the sandbox stands";
        self.held("files that the host later runs or trusts cannot be made, changed or moved", mechanism);
        self.partial(
            "repositories below the workspace run nothing on the host that was made inside",
            "hooks, attributes, configuration, submodules and worktrees of the workspace's own are read-only",
            gaps::GIT,
            "a repository that is nested in it, or made inside, is like any other directory",
        );
        self.partial(
            "names that another disk takes for a host-trusted one cannot be made",
            "on this disk they are other names, or the same object",
            gaps::ALIKE,
            "on a disk that ignores other letters they would be taken for it",
        );
        self.partial(
            "what is denied cannot be reached by another name",
            "a permission belongs to the object, not to its name",
            gaps::HARD_LINKS,
            "a file in a granted directory that has another name elsewhere is granted under both",
        );
    }

    fn unnamed(&mut self, files: &Files) {
        const MECHANISM: &str = "access needs a grant to the package or to a capability of it";
        if files.shown.is_empty() {
            return self.held("files that no rule names", MECHANISM);
        }
        let shown: Vec<String> = files.shown.iter().map(ToString::to_string).collect();
        let missing = format!("the system grants every package reading below {}", shown.join(", "));
        self.partial("files that no rule names", MECHANISM, gaps::PACKAGES, &missing);
    }

    fn outer_names(&mut self, files: &Files) {
        if files.names_show {
            self.partial(
                "what is denied does not show",
                "its content is not granted",
                gaps::NAMES,
                "the directory that holds it tells its name, size and times",
            );
        }
    }

    fn network_mode(&self) -> Status {
        match self.given.policy.network.mode.value {
            NetworkMode::Deny => Status::enforced(
                "no network capability: the filtering platform of the kernel refuses; tried before the start",
            ),
            _ => self.relayed("a relay inside the container, through which the broker decides and connects"),
        }
    }

    /// What the relay holds, once it was shown to work on the machine at hand.
    fn relayed(&self, mechanism: &str) -> Status {
        match self.tier {
            Tier::Container if self.given.facts.system.proven.contains(&Proof::Relay) => Status::enforced(mechanism),
            Tier::Container => Status::Partial {
                mechanism: mechanism.into(),
                gap: gaps::RELAY.into(),
                missing: "that loopback within a container reaches the relay was not shown on this machine (`garth prove`)"
                    .into(),
            },
            Tier::Restricted | Tier::Account => Status::Advisory {
                mechanism: mechanism.into(),
                gap: gaps::NETWORK.into(),
                missing: "a program that ignores the proxy variables connects as its user does".into(),
            },
            Tier::Vm => machine::network(NetworkMode::AllowList),
        }
    }

    fn network_clauses(&mut self) {
        let network = &self.given.policy.network;
        let mut clauses: Vec<(String, &Origin, &str)> = Vec::new();
        for port in &network.host_ports {
            let clause = format!("network.host-ports {}", port.value);
            clauses.push((clause, &port.origin, "the broker connects to this port alone"));
        }
        for port in &network.listen {
            let clause = format!("network.listen {}", port.value);
            clauses.push((clause, &port.origin, "the relay connects to this port inside alone"));
        }
        for rule in &network.rules {
            clauses.push(("network.rules".into(), &rule.origin, "the broker opens TLS to these hosts"));
        }
        for secret in &network.secrets {
            let clause = format!("network.secrets.{}", secret.name);
            clauses.push((clause, &secret.origin, "a placeholder inside; the broker puts the value in"));
        }
        if let Some(upload) = &network.budget.upload {
            let clause = format!("network.budget.upload {}", upload.value);
            clauses.push((clause, &upload.origin, "the broker counts what goes to each host"));
        }
        let names = &network.budget.new_names;
        if names.origin.layer != Layer::Profile {
            let clause = format!("network.budget.new-names {}", names.value);
            clauses.push((clause, &names.origin, "the broker counts names that were not asked for before"));
        }
        for (clause, origin, mechanism) in clauses {
            let status = self.relayed(mechanism);
            self.push(clause, origin, status);
        }
    }

    fn common(&mut self, launched: &Launched) {
        self.commands();
        self.limits();
        self.unbuilt();
        self.held("only variables on the allow-list enter", "the environment is built anew");
        self.held("no handle is inherited but the standard ones", "a list of handles at the start");
        if self.tier == Tier::Vm {
            return;
        }
        self.held("nothing outlives the sandbox", "a job without breakaway that is killed when it is closed");
        self.held("the clipboard, settings of the system and log-off are out of reach", "limits of the job");
        match launched.launch.desktop {
            Some(_) => self.held("windows of the host get no messages and no hooks", "a desktop of its own"),
            None => self.partial(
                "windows of the host get no messages and no hooks",
                "limits of the job",
                gaps::DESKTOP,
                "this session has no desktop that garth may make",
            ),
        }
    }

    fn commands(&mut self) {
        for rule in &self.given.policy.commands.rules {
            let status = Status::Advisory {
                mechanism: "the command that garth is given is judged".into(),
                gap: gaps::COMMANDS.into(),
                missing: "programs that start inside are not judged".into(),
            };
            self.push(format!("commands: {}", rule.reason), &rule.origin, status);
        }
    }

    fn limits(&mut self) {
        let limits = &self.given.policy.limits;
        let in_machine = self.tier == Tier::Vm;
        let job = |mechanism: &str| {
            if in_machine {
                return Status::Unenforceable {
                    gap: gaps::UNBUILT.into(),
                    reason: "limits inside the virtual machine are not built yet".into(),
                    hint: "drop the limit, or use `--tier container`".into(),
                };
            }
            Status::enforced(mechanism)
        };
        let mut rows: Vec<(String, &Origin, Status)> = Vec::new();
        if let Some(limit) = &limits.processes {
            let status = match limit.origin.layer {
                Layer::Profile if in_machine => {
                    Status::enforced("another kernel; the host's processes are not touched")
                }
                _ => job("job: active processes (threads are not counted)"),
            };
            rows.push((format!("limits.processes = {}", limit.value), &limit.origin, status));
        }
        if let Some(limit) = &limits.memory {
            let status = if in_machine {
                Status::enforced("memory of the machine")
            } else {
                job("job: committed memory")
            };
            rows.push((format!("limits.memory = {}", limit.value), &limit.origin, status));
        }
        if let Some(limit) = &limits.cpu {
            rows.push((
                format!("limits.cpu = {}", limit.value),
                &limit.origin,
                job("job: hard cap of the rate"),
            ));
        }
        if let Some(limit) = &limits.time {
            let status = job("the broker's clock; then the whole job ends");
            rows.push((format!("limits.time = {}s", limit.value.as_secs()), &limit.origin, status));
        }
        if let Some(limit) = &limits.file_size {
            let status = Status::Unenforceable {
                gap: gaps::FILE_SIZE.into(),
                reason: "Windows limits the size of a file for no process".into(),
                hint: "drop `limits.file-size`".into(),
            };
            rows.push((format!("limits.file-size = {}", limit.value), &limit.origin, status));
        }
        for (clause, origin, status) in rows {
            self.push(clause, origin, status);
        }
    }

    /// Clauses that no backend for Windows holds: said, and refused, never ignored.
    fn unbuilt(&mut self) {
        let policy = self.given.policy;
        let unbuilt = |reason: &str, hint: &str| Status::Unenforceable {
            gap: gaps::UNBUILT.into(),
            reason: reason.into(),
            hint: hint.into(),
        };
        for socket in &policy.sockets {
            let status = unbuilt("no socket or pipe of the host is passed in", "drop the entry");
            self.push(format!("sockets: {}", socket.value), &socket.origin, status);
        }
        for device in &policy.devices {
            let status = unbuilt("no device of this class is passed in", "drop the entry");
            self.push(format!("devices: {}", device.value.name()), &device.origin, status);
        }
        if policy.tier.minimum.value == TierMinimum::Vm {
            let status = if self.tier == Tier::Vm {
                Status::enforced("Windows Sandbox")
            } else {
                unbuilt("another tier was asked for on the command line", "use `--tier vm`")
            };
            self.push("tier.minimum = vm", &policy.tier.minimum.origin, status);
        }
        if policy.audit.reads.value != Reads::Cheap {
            let status = Status::Unenforceable {
                gap: gaps::READS_TOLD.into(),
                reason: "Windows tells a refusal to the program that asks, and to nobody else".into(),
                hint: "set `audit.reads = \"cheap\"`".into(),
            };
            let reads = &policy.audit.reads;
            self.push(format!("audit.reads = {}", reads.value.name()), &reads.origin, status);
        }
        if policy.audit.required.value {
            let status = if self.tier == Tier::Vm {
                unbuilt("nothing is told of the inside of a virtual machine", "set `audit.required = false`")
            } else {
                Status::enforced(
                    "what the broker sees is written outside, chained by hashes; the session ends when it cannot be",
                )
            };
            self.push("audit.required = true", &policy.audit.required.origin, status);
        }
    }
}
