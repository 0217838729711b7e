//! One row per clause: what holds it on this machine.

use super::innermost::Innermost;
pub(super) use super::limit_rows::Held;
use super::lower::{ABSENT_GAP, COMMANDS_GAP, DELETE_GAP, HARD_LINK_GAP};
use super::spec::{Supervision, Tier, ViewStep};
use super::strangers::{self, ROOT_GAP};
use super::view::{Area, Source, View};
use super::{confinement, links};
use crate::assurance::{Assurance, Row, Status};
use crate::facts::{HostFacts, Object};
use garth_policy::{AbsPath, Access, Boundary, Layer, Origin, Policy, RuleKind, TierMinimum, UndoMode};

struct Table<'p> {
    policy: &'p Policy,
    facts: &'p HostFacts,
    boundaries: &'p [Boundary<'p>],
    view: &'p View,
    /// Rows of enforced clauses are wanted too; a run only has to know what is not.
    all: bool,
    tier: Tier,
    rows: Vec<Row>,
}

/// What the rows speak of.
#[derive(Clone, Copy)]
pub(super) struct Rules<'p> {
    pub policy: &'p Policy,
    pub boundaries: &'p [Boundary<'p>],
    pub all: bool,
}

impl<'p> Rules<'p> {
    fn table(self, facts: &'p HostFacts, view: &'p View, tier: Tier) -> Table<'p> {
        let Self { policy, boundaries, all } = self;
        Table { policy, facts, boundaries, view, all, tier, rows: Vec::new() }
    }
}

/// The rows of the `process` tier.
pub(super) fn process(
    facts: &HostFacts,
    rules: Rules<'_>,
    view: &View,
    supervision: Option<&Supervision>,
    limits: Held<'_>,
) -> Assurance {
    let mut table = rules.table(facts, view, Tier::Process);
    table.files(supervision);
    table.layers();
    table.checkpoint();
    table.common(limits);
    table.reads(true);
    let connections = if confinement::resolves(facts) {
        "Landlock knows which servers are outside"
    } else {
        "connections are carried out on opened sockets, to servers inside only; no unix datagrams"
    };
    table.isolation("servers of the host cannot be reached by a socket in the workspace", connections);
    table.isolation(
        "processes of the host cannot be seen or signalled",
        "pid namespace and a proc of its own",
    );
    table.isolation(
        "sockets, buses and agents of the host cannot be reached",
        "network and ipc namespaces; /run, /tmp and the home are the sandbox's own",
    );
    Assurance { rows: table.rows }
}

/// The rows of the `landlock` tier, with what it cannot hold.
pub(super) fn landlock(
    facts: &HostFacts,
    rules: Rules<'_>,
    view: &View,
    supervision: Option<&Supervision>,
    limits: Held<'_>,
) -> Assurance {
    let mut table = rules.table(facts, view, Tier::Landlock);
    table.files(supervision);
    table.checkpoint();
    table.common(limits);
    table.reads(supervision.is_some());
    table.gap(
        "processes of the host cannot be seen",
        "Landlock forbids to trace them",
        "linux.landlock.proc",
        "their names, arguments and numbers can be read in /proc",
    );
    if facts.features.landlock < 6 {
        table.gap(
            "processes of the host cannot be signalled",
            "none",
            "linux.landlock.signals",
            "this kernel's Landlock cannot forbid signals to the user's other processes",
        );
    } else {
        table.isolation("processes of the host cannot be signalled", "Landlock signal scope");
    }
    table.isolation(
        "sockets, buses and agents of the host cannot be reached",
        "seccomp: no sockets, only socket pairs",
    );
    table.gap(
        "attributes of files outside the workspace cannot be changed",
        "file permissions",
        "linux.landlock.metadata",
        "permissions, times and extended attributes of files that the user owns can be changed anywhere",
    );
    table.gap(
        "shared memory and message queues of the host cannot be reached",
        "file permissions",
        "linux.landlock.ipc",
        "System V and POSIX queues of the same user are shared",
    );
    Assurance { rows: table.rows }
}

impl Table<'_> {
    fn push(&mut self, clause: impl Into<String>, origin: &Origin, status: Status) {
        if !self.all && status.gap().is_none() {
            return;
        }
        self.rows.push(Row { clause: clause.into(), origin: origin.clone(), status, absent: false });
    }

    fn base(&self) -> Origin {
        Origin::unplaced(Layer::Profile, "garth")
    }

    fn isolation(&mut self, clause: &str, mechanism: &str) {
        let origin = self.base();
        self.push(clause, &origin, Status::enforced(mechanism));
    }

    fn gap(&mut self, clause: &str, mechanism: &str, gap: &str, missing: &str) {
        let origin = self.base();
        let status =
            Status::Partial { mechanism: mechanism.into(), gap: gap.into(), missing: missing.into() };
        self.push(clause, &origin, status);
    }

    fn files(&mut self, supervision: Option<&Supervision>) {
        let (mut areas, mut objects) = (Innermost::new(&self.view.areas), self.facts.in_order());
        for boundary in self.boundaries {
            let Some(rule) = boundary.grant.rule else { continue };
            let status = match self.view.failed.iter().find(|(path, _)| path == boundary.path) {
                Some((_, reason)) => Status::Unenforceable {
                    gap: "linux.files".into(),
                    reason: reason.clone(),
                    hint: "name another directory".into(),
                },
                None => {
                    let object = objects.object(boundary.path);
                    self.file_status((boundary, object), areas.at(boundary.path), supervision)
                }
            };
            if !self.all && status.gap().is_none() {
                continue;
            }
            let clause = format!("{} = {}", boundary.path, boundary.grant.access.name());
            let absent = self.facts.object(boundary.path).is_none();
            self.rows.push(Row { clause, origin: rule.origin.clone(), status, absent });
        }
        let policy = self.policy;
        for (glob, rule) in policy.files.globs() {
            let status = self.glob_status(rule.access, supervision);
            if self.all || status.gap().is_some() {
                self.push(format!("{glob} = {}", rule.access.name()), &rule.origin, status);
            }
        }
        self.protected(supervision);
        self.other_names(supervision);
        self.root();
    }

    fn file_status(
        &self,
        (boundary, object): (&Boundary<'_>, Option<&Object>),
        area: Option<&Area>,
        supervision: Option<&Supervision>,
    ) -> Status {
        let kind = boundary.grant.rule.map(|rule| rule.kind);
        match (self.tier, boundary.grant.access) {
            (Tier::Landlock, access) => self.landlock_status((boundary, area), access, supervision),
            (Tier::Process, Access::Deny) => match area {
                None => Status::enforced("not in the view"),
                Some(area) if area.access == Access::Deny => Status::enforced("masked"),
                Some(area) if area.source == Source::Private => Status::enforced("not in the view"),
                Some(_) if supervision.is_some_and(|order| order.reads && order.covers(boundary.path)) => {
                    Status::enforced("every open is supervised")
                }
                Some(area) => self.unreadable((boundary, object), area),
            },
            (Tier::Process, Access::Read) if kind == Some(RuleKind::Protected) => {
                Status::enforced("read-only mount where it exists; its creation is supervised")
            }
            (Tier::Process, Access::Read) => Status::enforced("read-only mount"),
            (Tier::Process, Access::Overlay) if self.is_kept(boundary.path) => Status::enforced(
                "written to a layer of garth's own; of that, what lasts is kept for the agent's next sandbox, and nothing for the host",
            ),
            (Tier::Process, Access::Overlay) if area.is_some_and(|area| area.source == Source::Private) => {
                Status::enforced("private file system")
            }
            (Tier::Process, Access::Overlay)
                if area.is_some_and(|area| Self::is_file_alone(area, boundary)) =>
            {
                // Less than the rule grants, and nothing that it does not.
                Status::enforced("read-only mount: a file alone has no layer")
            }
            (Tier::Process, Access::Overlay) => Status::enforced("overlay with a layer in memory"),
            (Tier::Process, Access::Write) => match area {
                Some(area) if area.source == Source::Private => Status::enforced("private file system"),
                _ if boundary.path.as_bytes().starts_with(b"/dev/") => {
                    Status::enforced("device of the host, bound alone")
                }
                _ => Status::enforced("mounted; changes are supervised"),
            },
        }
    }

    fn is_kept(&self, path: &AbsPath) -> bool {
        let is_kept = |step: &ViewStep| matches!(step, ViewStep::Kept { .. } | ViewStep::KeptCopy { .. });
        self.view.steps.iter().any(|step| is_kept(step) && step.path() == path)
    }

    /// The rule says overlay, and names a file that is shown from the host's own directory.
    fn is_file_alone(area: &Area, boundary: &Boundary<'_>) -> bool {
        area.path == *boundary.path && area.source == Source::Host && area.access == Access::Read
    }

    /// A denied name below something readable that is neither masked nor supervised: it is absent, or the
    /// permission bits keep this user out.
    fn unreadable(&self, (boundary, object): (&Boundary<'_>, Option<&Object>), area: &Area) -> Status {
        if object.is_some() {
            return Status::enforced("file permissions keep this user out, and another user owns it");
        }
        // In a user namespace root's files show as those of an unmapped user.
        let of_others = |owner: u32| owner == 0 || owner != self.facts.user.uid;
        if self.facts.object(&area.path).is_some_and(|object| of_others(object.owner)) {
            return Status::enforced("absent, and the directory belongs to the system");
        }
        let built_in = boundary.grant.rule.is_some_and(|rule| rule.origin.layer == Layer::Profile);
        Status::Partial {
            mechanism: "absent at the start".into(),
            gap: if built_in { ABSENT_GAP } else { "linux.files.absent" }.into(),
            missing: "if it is made outside while the garden stands, it can be read".into(),
        }
    }

    fn landlock_status(
        &self,
        (boundary, area): (&Boundary<'_>, Option<&Area>),
        access: Access,
        supervision: Option<&Supervision>,
    ) -> Status {
        let partial = |mechanism: &str, gap: &str, missing: &str| Status::Partial {
            mechanism: mechanism.into(),
            gap: gap.into(),
            missing: missing.into(),
        };
        let private = area.is_some_and(|area| area.source == Source::Private);
        let absent = self.facts.object(boundary.path).is_none();
        match access {
            Access::Overlay if absent => Status::enforced("absent"),
            Access::Deny => match area {
                Some(area) if area.path == *boundary.path && area.access == Access::Deny => {
                    let covered = supervision.is_some_and(|order| order.reads && order.covers(boundary.path));
                    if covered {
                        return Status::enforced("every open is supervised");
                    }
                    Status::Unenforceable {
                        gap: "linux.landlock.deny-inside".into(),
                        reason: "Landlock grants whole directories; it cannot take a part away again".into(),
                        hint: "allow user namespaces (see `garth doctor`), or grant narrower directories"
                            .into(),
                    }
                }
                _ => Status::enforced("not granted"),
            },
            Access::Read => Status::enforced("Landlock"),
            Access::Overlay => {
                partial("Landlock, read-only", "linux.landlock.overlay", "nothing can be written to it")
            }
            Access::Write
                if boundary.path.as_bytes() == b"/proc"
                    || boundary.path.as_bytes().starts_with(b"/dev/pt") =>
            {
                Status::enforced("Landlock; the host's own")
            }
            Access::Write if private => partial(
                "a private directory stands in (TMPDIR)",
                "linux.landlock.private",
                "the host's own directory keeps its place and is not writable",
            ),
            Access::Write => Status::enforced("Landlock; changes are supervised"),
        }
    }

    /// Trees that are written to in a layer only, and what could not be shown so.
    fn layers(&mut self) {
        let undo = &self.policy.undo;
        let origin = if undo.mode.value == UndoMode::Layer { undo.mode.origin.clone() } else { self.base() };
        for step in &self.view.steps {
            let ViewStep::Layer { source, .. } = step else { continue };
            let status =
                Status::enforced("overlayfs; the tree itself is mounted nowhere, and its layer is outside");
            self.push(format!("{source} is changed by nothing but `garth apply`"), &origin, status);
        }
        for (path, reason) in &self.view.failed {
            let (gap, reason) = ("linux.layer".into(), reason.clone());
            let hint =
                "run it without --cow, or leave out the rule that grants a part or a parent of it".into();
            let clause = format!("{path} is changed by nothing but `garth apply`");
            self.push(clause, &origin, Status::Unenforceable { gap, reason, hint });
        }
    }

    /// What stands in the workspace is kept first.
    fn checkpoint(&mut self) {
        let mode = &self.policy.undo.mode;
        if mode.value == UndoMode::Checkpoint {
            let mechanism =
                "a checkpoint is made outside before the command starts; `garth undo` goes back to it";
            let origin = mode.origin.clone();
            self.push(
                "what the command changes in the workspace can be taken back",
                &origin,
                Status::enforced(mechanism),
            );
        }
    }

    fn glob_status(&self, access: Access, supervision: Option<&Supervision>) -> Status {
        match supervision {
            Some(order) if access == Access::Deny && order.reads => {
                Status::enforced("every open, creation and deletion is supervised")
            }
            Some(_) if access > Access::Deny => Status::enforced("changes are supervised"),
            _ => Status::Unenforceable {
                gap: "linux.files.pattern".into(),
                reason: "a pattern is held by supervising the writable trees, and nothing here is writable"
                    .into(),
                hint: "name the paths themselves".into(),
            },
        }
    }

    /// The target of root keeps root's number, so that the workspace stays its own.
    fn root(&mut self) {
        const CLAUSE: &str = "as root, files of the system are read as an ordinary user reads them";
        if self.facts.user.uid != 0 {
            return;
        }
        let unmapped = match self.tier {
            Tier::Process => strangers::unmapped(self.facts, &self.view.steps).map(ToString::to_string),
            Tier::Landlock => Some("any directory".into()),
        };
        match unmapped {
            None => self.isolation(CLAUSE, "idmapped mounts: root's files belong to nobody there"),
            Some(path) => {
                let missing =
                    format!("the kernel maps no owners in {path}: what only root may read there can be read");
                self.gap(CLAUSE, "the list of credentials is hidden", ROOT_GAP, &missing);
            }
        }
    }

    fn protected(&mut self, supervision: Option<&Supervision>) {
        let Some(order) = supervision else { return };
        let origin = self.base();
        self.push(
            "files that the host later runs or trusts cannot be made, changed or moved",
            &origin,
            Status::enforced("supervised on opened objects; Landlock refuses everything that goes around it"),
        );
        let status = if order.deletes {
            Status::enforced("deletions are supervised")
        } else {
            Status::Partial {
                mechanism: "read-only mounts where they existed at the start".into(),
                gap: DELETE_GAP.into(),
                missing: "git configurations, and what appeared later, can be deleted (not changed)".into(),
            }
        };
        self.push("files that the host later runs or trusts cannot be deleted", &origin, status);
    }

    /// Other names of denied files.
    fn other_names(&mut self, supervision: Option<&Supervision>) {
        const CLAUSE: &str = "what is denied cannot be reached by another name";
        const DEEP: &str = "files deep in a denied directory are not looked at, nor are names that are made outside meanwhile";
        // With a view somebody always supervises, if only opens.
        let supervised = self.tier == Tier::Process || supervision.is_some();
        let (mechanism, missing) = match links::first(self.boundaries, self.facts) {
            None => {
                ("none of the denied files that were looked at has another name".to_owned(), DEEP.to_owned())
            }
            Some(path) if supervised => {
                let mechanism =
                    format!("{path} has another name: every open is supervised and refuses it by any");
                (
                    mechanism,
                    format!("{DEEP}; one that stands in a layer can be read once its mode was changed"),
                )
            }
            Some(path) => {
                let mechanism = "the view leaves the denied name out".to_owned();
                (
                    mechanism,
                    format!("{path} has another name, and can be read by it where the sandbox sees it"),
                )
            }
        };
        self.gap(CLAUSE, &mechanism, HARD_LINK_GAP, &missing);
    }

    fn common(&mut self, limits: Held<'_>) {
        self.network();
        self.commands();
        self.unbuilt();
        if self.all {
            self.rows.extend(
                super::record_rows::rows(self.policy).into_iter().map(|(clause, origin, status)| Row {
                    clause,
                    origin,
                    status,
                    absent: false,
                }),
            );
        }
        let nested = &self.policy.tier.nested;
        if nested.value && self.tier == Tier::Process {
            let mechanism = "seccomp lets the calls for namespaces pass, and the rest of the boundary holds for what is in them";
            self.push("tier.nested = true", &nested.origin.clone(), Status::enforced(mechanism));
        }
        let rows = limits.rows(&self.policy.limits);
        for (clause, origin, status) in rows {
            self.push(clause, &origin, status);
        }
        let origin = self.base();
        self.push(
            "only variables on the allow-list enter",
            &origin,
            Status::enforced("the environment is built anew"),
        );
        self.push(
            "kernel surface that no build needs is closed",
            &origin,
            Status::enforced("seccomp, no new privileges, no capabilities"),
        );
        self.push(
            "keystrokes cannot be pushed into the terminal",
            &origin,
            Status::enforced("a session or terminal of its own; seccomp"),
        );
    }

    fn network(&mut self) {
        for (clause, origin, status) in super::network::rows(self.policy, self.facts, self.tier) {
            self.push(clause, &origin, status);
        }
    }

    /// Rules for commands are advice that is acted on: what a program may do is held by the rest of the sandbox.
    fn commands(&mut self) {
        for rule in &self.policy.commands.rules {
            let status = Status::Partial {
                mechanism: "every program that starts is judged first (seccomp)".into(),
                gap: COMMANDS_GAP.into(),
                missing:
                    "a program that changes its arguments at the same moment, or that does by itself what a \
                          command would do, is not seen"
                        .into(),
            };
            self.push(format!("commands: {}", rule.reason), &rule.origin, status);
        }
    }

    /// Who is told of what is refused.
    fn reads(&mut self, has_supervisor: bool) {
        let reads = &self.policy.audit.reads;
        let refused = self.facts.features.own_file_systems_refused.as_deref();
        let status = super::record_rows::reads(reads, self.tier, refused, has_supervisor);
        self.push(format!("audit.reads = {}", reads.value.name()), &reads.origin, status);
    }

    /// Clauses that no backend holds yet: said, and refused, never ignored.
    fn unbuilt(&mut self) {
        let policy = self.policy;
        let later = |gap: &str, reason: &str, hint: &str| Status::Unenforceable {
            gap: gap.into(),
            reason: reason.into(),
            hint: hint.into(),
        };
        for socket in &policy.sockets {
            let status =
                later("linux.sockets", "this version passes no socket of the host in", "drop the entry");
            self.push(format!("sockets: {}", socket.value), &socket.origin, status);
        }
        for device in &policy.devices {
            let status =
                later("linux.devices", "this version passes no device of this class in", "drop the entry");
            self.push(format!("devices: {}", device.value.name()), &device.origin, status);
        }
        if policy.tier.minimum.value == TierMinimum::Vm {
            let status = later(
                "tier.vm",
                "this version has no virtual machine tier",
                "set `tier.minimum = \"process\"`",
            );
            self.push("tier.minimum = vm", &policy.tier.minimum.origin, status);
        }
    }
}
