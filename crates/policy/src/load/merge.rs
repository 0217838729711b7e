//! Putting the layers together.

use super::undo;
use super::written::Written;
use crate::commands::CommandDecision;
use crate::context::Context;
use crate::files::{Access, FileRule, FileRules, Pattern};
use crate::network::NetworkMode;
use crate::origin::{Layer, Origin, Sourced};
use crate::policy::Policy;
use crate::profile::{Profile, protect};

/// The layers, as far as there are any.
pub(super) struct Layers {
    pub(super) managed: Option<Written>,
    pub(super) user: Option<Written>,
    pub(super) project: Option<Written>,
    pub(super) project_trusted: bool,
    pub(super) flags: Written,
}

/// Something of an untrusted project that was left out, because it would widen.
pub(super) struct Ignored {
    pub(super) what: String,
    pub(super) origin: Origin,
}

/// The strongest value of a key: flags, trusted project, user, managed, profile.
pub(super) fn strongest<T: Clone>(
    layers: &Layers,
    of: impl Fn(&Written) -> Option<&Sourced<T>>,
) -> Option<Sourced<T>> {
    let project = layers.project.as_ref().filter(|_| layers.project_trusted);
    let order = [Some(&layers.flags), project, layers.user.as_ref(), layers.managed.as_ref()];
    order.into_iter().flatten().find_map(of).cloned()
}

/// The values that cap a key: the untrusted project's and the administrator's.
fn caps<'l, T: 'l>(
    layers: &'l Layers,
    of: impl Fn(&'l Written) -> Option<&'l Sourced<T>>,
) -> impl Iterator<Item = &'l Sourced<T>> {
    let project = layers.project.as_ref().filter(|_| !layers.project_trusted);
    [project, layers.managed.as_ref()].into_iter().flatten().filter_map(of)
}

/// Sets a value to the strongest and caps it, where `key` grows with what is allowed.
pub(super) fn settle<T: Clone, K: Ord>(
    slot: &mut Sourced<T>,
    layers: &Layers,
    of: impl Fn(&Written) -> Option<&Sourced<T>> + Copy,
    key: impl Fn(&T) -> K,
) {
    if let Some(value) = strongest(layers, of) {
        *slot = value;
    }
    for cap in caps(layers, of) {
        if key(&cap.value) < key(&slot.value) {
            *slot = cap.clone();
        }
    }
}

/// As [`settle`], for limits: none is more than any.
fn settle_limit<T: Clone + Ord>(
    slot: &mut Option<Sourced<T>>,
    layers: &Layers,
    of: impl Fn(&Written) -> Option<&Sourced<T>> + Copy,
) {
    if let Some(value) = strongest(layers, of) {
        *slot = Some(value);
    }
    for cap in caps(layers, of) {
        if slot.as_ref().is_none_or(|known| cap.value < known.value) {
            *slot = Some(cap.clone());
        }
    }
}

/// One resolution of all layers.
pub(super) struct Merge<'l> {
    layers: &'l Layers,
    context: &'l Context,
    policy: Policy,
    pub(super) ignored: Vec<Ignored>,
}

impl<'l> Merge<'l> {
    pub(super) fn run(layers: &'l Layers, context: &'l Context) -> (Policy, Vec<Ignored>) {
        let chosen = strongest(layers, |written| written.profile.as_ref());
        let profile = chosen.as_ref().map_or(Profile::Workspace, |chosen| chosen.value);
        let mut policy = Policy::builtin(profile, context);
        if let Some(chosen) = chosen {
            policy.profile = chosen;
        }
        let mut merge = Self { layers, context, policy, ignored: Vec::new() };
        merge.files();
        merge.network();
        merge.commands();
        merge.programs();
        merge.environment();
        merge.scalars();
        merge.undo();
        super::agents::merge(&mut merge.policy, merge.layers);
        merge.lists();
        (merge.policy, merge.ignored)
    }

    /// Every layer but the untrusted project, weakest first.
    fn granting(&self) -> impl Iterator<Item = &'l Written> + use<'l> {
        let project = self.layers.project.as_ref().filter(|_| self.layers.project_trusted);
        let layers = self.layers;
        [layers.managed.as_ref(), layers.user.as_ref(), project, Some(&layers.flags)].into_iter().flatten()
    }

    fn untrusted(&self) -> Option<&'l Written> {
        self.layers.project.as_ref().filter(|_| !self.layers.project_trusted)
    }

    fn ignore(&mut self, what: impl Into<String>, origin: &Origin) {
        self.ignored.push(Ignored { what: what.into(), origin: origin.clone() });
    }

    fn files(&mut self) {
        self.policy.files.trust_project(self.layers.project_trusted);
        for rule in self.granting().flat_map(|written| &written.files) {
            self.policy.files.push(rule.clone());
            self.guard(rule);
        }
        if let Some(project) = self.untrusted() {
            let (widening, narrowing): (Vec<_>, Vec<_>) =
                project.files.iter().partition(|rule| self.widens(rule));
            for rule in widening {
                self.ignore(format!("\"{}\" = \"{}\"", rule.pattern, rule.access), &rule.origin);
            }
            for rule in narrowing {
                self.policy.files.push(rule.clone());
            }
            if let Some(profile) = &project.profile {
                self.policy.files.add_ceiling(profile.value.files(self.context), true);
            }
        }
        if let Some(managed) = &self.layers.managed {
            let mut rules = match &managed.profile {
                Some(profile) => profile.value.files(self.context),
                None => FileRules::nothing(),
            };
            for rule in &managed.files {
                rules.push(rule.clone());
            }
            self.policy.files.add_ceiling(rules, managed.profile.is_some());
        }
    }

    /// A directory outside the workspace that the host keeps and the sandbox writes is as trusted as the workspace.
    fn guard(&mut self, rule: &FileRule) {
        let Pattern::Path(root) = &rule.pattern else { return };
        let files = &mut self.policy.files;
        let known = files.guarded().iter().chain(files.private()).chain(files.git_dirs());
        if rule.access != Access::Write || known.into_iter().any(|known| root.starts_with(known)) {
            return;
        }
        files.guard(root.clone());
        let origin = Origin::unplaced(Layer::Profile, "built-in table of host-trusted files");
        protect(files, root, &origin);
    }

    fn widens(&self, rule: &FileRule) -> bool {
        match &rule.pattern {
            Pattern::Path(path) => {
                let grant = self.policy.files.grant(path);
                rule.access > grant.access || (rule.execute && !grant.execute && rule.access > Access::Deny)
            }
            Pattern::Glob(_) => rule.access >= Access::Overlay,
        }
    }

    fn network(&mut self) {
        let is_flagged = self.layers.flags.domains.iter().any(|domain| domain.allow);
        settle(&mut self.policy.network.mode, self.layers, |written| written.mode.as_ref(), |mode| *mode);
        let budget = &mut self.policy.network.budget;
        settle_limit(&mut budget.upload, self.layers, |written| written.upload.as_ref());
        settle(&mut budget.new_names, self.layers, |written| written.new_names.as_ref(), |number| *number);
        // Which way the traffic goes is the administrator's to say, and nothing that an untrusted project may choose.
        let managed = self.layers.managed.as_ref().and_then(|managed| managed.proxy.clone());
        let proxy = managed.or_else(|| strongest(self.layers, |written| written.proxy.as_ref()));
        self.policy.network.proxy = proxy.map(|proxy| proxy.value);
        if let Some(proxy) = self.untrusted().and_then(|project| project.proxy.as_ref()) {
            self.ignore("the proxy".to_owned(), &proxy.origin);
        }
        if is_flagged
            && self.policy.network.mode.value == NetworkMode::Deny
            && self.layers.flags.mode.is_none()
        {
            self.open_for_flags();
        }
        let network = &mut self.policy.network;
        for written in [self.layers.managed.as_ref(), self.layers.user.as_ref(), Some(&self.layers.flags)]
            .into_iter()
            .flatten()
            .chain(self.layers.project.as_ref().filter(|_| self.layers.project_trusted))
        {
            network.domains.extend(written.domains.iter().cloned());
            network.rules.extend(written.rules.iter().cloned());
            network.secrets.retain(|known| written.secrets.iter().all(|new| new.name != known.name));
            network.secrets.extend(written.secrets.iter().cloned());
        }
        if let Some(managed) = &self.layers.managed
            && managed.mode.as_ref().is_some_and(|mode| mode.value == NetworkMode::AllowList)
        {
            network.ceiling = Some(managed.domains.clone());
        }
        self.untrusted_network();
    }

    /// `--allow` says that the network is wanted, within what the administrator and the project leave.
    fn open_for_flags(&mut self) {
        let Some(origin) =
            self.layers.flags.domains.iter().find(|domain| domain.allow).map(|domain| &domain.origin)
        else {
            return;
        };
        let is_capped =
            caps(self.layers, |written| written.mode.as_ref()).any(|cap| cap.value == NetworkMode::Deny);
        if !is_capped {
            self.policy.network.mode = Sourced::new(NetworkMode::AllowList, origin.clone());
        }
    }

    fn untrusted_network(&mut self) {
        let Some(project) = self.untrusted() else { return };
        if let Some(mode) = &project.mode
            && mode.value > self.policy.network.mode.value
        {
            self.ignore(format!("mode = \"{}\"", mode.value.name()), &mode.origin);
        }
        for domain in &project.domains {
            if domain.allow {
                self.ignore(format!("\"{}\" = \"allow\"", domain.host), &domain.origin);
            } else {
                self.policy.network.domains.push(domain.clone());
            }
        }
        // Each layer's rules for a host must all let a request pass, so a project's can only limit.
        self.policy.network.rules.extend(project.rules.iter().cloned());
        for secret in &project.secrets {
            self.ignore(format!("the secret {}", secret.name), &secret.origin);
        }
    }

    fn commands(&mut self) {
        let rules: Vec<_> = self.granting().flat_map(|written| written.commands.iter().cloned()).collect();
        self.policy.commands.rules.extend(rules);
        let Some(project) = self.untrusted() else { return };
        for rule in &project.commands {
            if rule.decision == CommandDecision::Allow {
                let words: Vec<String> = rule.prefix.iter().map(|choices| choices.join("|")).collect();
                self.ignore(format!("allowing `{}`", words.join(" ")), &rule.origin);
            } else {
                self.policy.commands.rules.push(rule.clone());
            }
        }
    }

    /// Rows of the user, and of the administrator, whose row for a name is the one that holds. A project has none.
    fn programs(&mut self) {
        for written in [self.layers.user.as_ref(), self.layers.managed.as_ref()].into_iter().flatten() {
            let programs = &mut self.policy.programs;
            programs.retain(|known| written.programs.iter().all(|new| new.name != known.name));
            programs.extend(written.programs.iter().cloned());
        }
    }

    fn environment(&mut self) {
        for written in self.granting() {
            self.policy.env.allow.extend(written.env_allow.iter().flatten().cloned());
            self.policy.env.set.extend(written.env_set.iter().cloned());
        }
        if let Some(allowed) = self.layers.managed.as_ref().and_then(|managed| managed.env_allow.as_ref()) {
            let standard = crate::env::Environment::standard(&self.policy.profile.value.origin());
            self.policy.env.ceiling =
                Some(standard.allow.into_iter().chain(allowed.iter().cloned()).collect());
        }
        self.unset();
        let Some(project) = self.untrusted() else { return };
        for entry in project.env_allow.iter().flatten() {
            self.ignore(format!("passing on {}", entry.value), &entry.origin);
        }
        for entry in &project.env_set {
            self.ignore(format!("setting {}", entry.value.0), &entry.origin);
        }
    }

    /// Tells what a trusted project sets in vain: a trusted content widens, and makes no program run another.
    fn unset(&mut self) {
        let env = &self.policy.env;
        let is_project = |entry: &&Sourced<(String, String)>| entry.origin.layer == Layer::Project;
        let guarded = |entry: &&Sourced<(String, String)>| crate::env::guard(&entry.value.0).is_some();
        let ignored = env.set.iter().filter(is_project).filter(guarded).map(|entry| Ignored {
            what: format!("setting {}, which only your own policy may", entry.value.0),
            origin: entry.origin.clone(),
        });
        self.ignored.extend(ignored.collect::<Vec<_>>());
    }

    fn scalars(&mut self) {
        let (policy, layers) = (&mut self.policy, self.layers);
        settle_limit(&mut policy.limits.memory, layers, |written| written.limits.memory.as_ref());
        settle_limit(&mut policy.limits.processes, layers, |written| written.limits.processes.as_ref());
        settle_limit(&mut policy.limits.time, layers, |written| written.limits.time.as_ref());
        settle_limit(&mut policy.limits.cpu, layers, |written| written.limits.cpu.as_ref());
        settle_limit(&mut policy.limits.file_size, layers, |written| written.limits.file_size.as_ref());
        settle(&mut policy.approvals.mode, layers, |written| written.approval_mode.as_ref(), |mode| *mode);
        settle(
            &mut policy.approvals.timeout,
            layers,
            |written| written.approval_timeout.as_ref(),
            |time| *time,
        );
        settle(
            &mut policy.tier.minimum,
            layers,
            |written| written.minimum.as_ref(),
            |tier| std::cmp::Reverse(*tier),
        );
        settle(&mut policy.tier.nested, layers, |written| written.nested.as_ref(), |nested| *nested);
        settle(
            &mut policy.audit.required,
            layers,
            |written| written.audit.required.as_ref(),
            |required| std::cmp::Reverse(*required),
        );
        super::audit::settle(&mut policy.audit, layers);
        if let Some(profile) = self.untrusted().and_then(|project| project.profile.as_ref()) {
            self.narrow_profile(profile);
        }
    }

    fn undo(&mut self) {
        for (what, origin) in undo::merge(&mut self.policy, self.layers) {
            self.ignore(what, &origin);
        }
    }

    /// What an untrusted project's choice of a profile means beyond files.
    fn narrow_profile(&mut self, profile: &Sourced<Profile>) {
        let own = Policy::builtin(profile.value, self.context);
        let policy = &mut self.policy;
        let mode = own.network.mode.value;
        if mode < policy.network.mode.value && self.layers.flags.mode.is_none() {
            policy.network.mode = Sourced::new(mode, profile.origin.clone());
        }
        if policy.tier.nested.value && !own.tier.nested.value {
            policy.tier.nested = Sourced::new(false, profile.origin.clone());
        }
        let widens = matches!(profile.value, Profile::Open | Profile::Build | Profile::Browser);
        if widens && policy.profile.value != profile.value {
            self.ignore(
                format!("profile = \"{}\" where it grants more", profile.value.name()),
                &profile.origin,
            );
        }
    }

    fn lists(&mut self) {
        let written: Vec<&Written> = self.granting().collect();
        let policy = &mut self.policy;
        policy.network.listen = gather(&written, |written| written.listen.as_ref());
        policy.network.host_ports = gather(&written, |written| written.host_ports.as_ref());
        policy.tier.accept = gather(&written, |written| written.accept.as_ref());
        policy.sockets = gather(&written, |written| written.sockets.as_ref());
        policy.devices = gather(&written, |written| written.devices.as_ref());
        if let Some(managed) = &self.layers.managed {
            cap_list(&mut policy.network.listen, managed.listen.as_ref());
            cap_list(&mut policy.network.host_ports, managed.host_ports.as_ref());
            cap_list(&mut policy.tier.accept, managed.accept.as_ref());
            cap_list(&mut policy.sockets, managed.sockets.as_ref());
            cap_list(&mut policy.devices, managed.devices.as_ref());
        }
        let Some(project) = self.untrusted() else { return };
        for entry in project.listen.iter().chain(&project.host_ports).flatten() {
            self.ignore(format!("port {}", entry.value), &entry.origin);
        }
        for entry in project.accept.iter().flatten() {
            self.ignore(format!("accepting the gap {}", entry.value), &entry.origin);
        }
        for entry in project.sockets.iter().flatten() {
            self.ignore(format!("the socket {}", entry.value), &entry.origin);
        }
        for entry in project.devices.iter().flatten() {
            self.ignore(format!("the devices {}", entry.value.name()), &entry.origin);
        }
    }
}

fn gather<T: Clone + PartialEq>(
    layers: &[&Written],
    of: impl Fn(&Written) -> Option<&Vec<Sourced<T>>>,
) -> Vec<Sourced<T>> {
    let mut out: Vec<Sourced<T>> = Vec::new();
    for entry in layers.iter().filter_map(|written| of(written)).flatten() {
        if !out.iter().any(|known| known.value == entry.value) {
            out.push(entry.clone());
        }
    }
    out
}

fn cap_list<T: PartialEq>(list: &mut Vec<Sourced<T>>, cap: Option<&Vec<Sourced<T>>>) {
    if let Some(cap) = cap {
        list.retain(|entry| cap.iter().any(|allowed| allowed.value == entry.value));
    }
}
