//! The tier `container`: an AppContainer of the same user.
//!
//! Access needs two grants: to the user and to the package or one of its capabilities. Writing is granted to the package
//! SID, which belongs to one workspace. Reading is granted to a capability that belongs to the directory, so that a
//! toolchain gets one entry however many workspaces there are. A denial for a package or capability refuses nothing, so what
//! is taken away below a grant gets a DACL of its own without the grant.

use super::super::acl::{Ace, AceFlags, AceKind, Acl};
use super::super::derive;
use super::super::descriptor::{Control, Listed, SecurityDescriptor};
use super::super::facts::{HostFacts, Object, PathFact};
use super::super::known;
use super::super::machine::{CHANGES, protected};
use super::super::rights::AccessMask;
use super::super::sid::Sid;
use super::super::spec::{Capability, Container, Directory, Grant, Guard, Lifetime, Narrower, Profile};
use super::super::token::{AppContainer, Restriction, Token};
use super::names::{self, Files, Seal, Want};
use super::place::{Untouchable, untouchable};
use super::{Given, gaps};
use crate::assurance::Status;
use crate::linux::PlanError;
use garth_policy::{
    AbsPath, Access, Boundary, FileOp, Grant as PolicyGrant, Layer, NodeKind, Policy, Profile as Builtin,
    RuleKind, Verdict,
};

/// Reading a file, or listing a directory.
const READ: AccessMask = AccessMask(0x0012_0089);
/// Reading and running.
const READ_EXECUTE: AccessMask = AccessMask(0x0012_00a9);
/// Changing, without deleting what lies in a directory by the directory's right.
const MODIFY: AccessMask = AccessMask(0x0013_01bf);
/// Looking at the attributes of a directory. Passing through needs no right: every token has the privilege for it.
const PASS: AccessMask = super::super::setup::ATTRIBUTES;
const INHERITED_BY_ALL: AceFlags = AceFlags(AceFlags::OBJECT_INHERIT.0 | AceFlags::CONTAINER_INHERIT.0);

/// What the lowering of files gives.
pub(super) struct Lowered {
    pub container: Container,
    pub files: Files,
}

struct Builder<'p> {
    given: Given<'p>,
    files: Files,
    token: Token,
    package: Sid,
    capabilities: Vec<Capability>,
}

/// Lowers the rules for files.
pub(super) fn lower(given: Given<'_>) -> Result<Lowered, PlanError> {
    let facts = given.facts;
    let base = base(&facts.user.token);
    let name = profile_name(facts);
    let package = derive::package(&name);
    let strict = given.policy.profile.value == Builtin::Strict;
    let refused = facts.system.refused.contains_key(&super::Feature::LessPrivileged);
    let less_privileged = strict && !refused;
    let capabilities = if less_privileged { unprivileged_capabilities() } else { Vec::new() };
    let weaker = facts.user.token.restricted(&base).map_err(|error| {
        super::error(
            "the caller's token cannot be made weaker",
            error.to_string(),
            "run garth outside of other sandboxes",
        )
    })?;
    let mut token = weaker.in_app_container(package, &[]);
    let sids = capabilities.iter().map(|capability| capability.sid).collect();
    token.app_container = Some(AppContainer { package, capabilities: sids, less_privileged });
    let mut builder = Builder { given, files: Files::new(facts), token, package, capabilities };
    let display = format!("garth: {}", given.facts.context.workspace);
    builder.files.preparation.profile = Some(Profile { name, package, display });
    builder.all();
    let reason = if less_privileged {
        "less privileged: the profile `strict` leaves out what is granted to all packages alone"
    } else {
        "not less privileged: interpreters and TLS libraries fail to start in one"
    };
    let container = Container {
        base,
        package,
        capabilities: builder.capabilities,
        less_privileged,
        reason: reason.to_owned(),
    };
    Ok(Lowered { container, files: builder.files })
}

/// One profile for each user and workspace, by a name that says neither.
fn profile_name(facts: &HostFacts) -> String {
    let workspace = facts.context.workspace.to_string().to_lowercase();
    format!("garth.{}", derive::short(&format!("{} {workspace}", facts.user.token.user)))
}

/// What the caller's token loses first. Groups that administer the machine only refuse, as in the token of an
/// administrator who is not elevated.
pub(super) fn base(token: &Token) -> Restriction {
    let administers = |sid: &Sid| {
        *sid == known::ADMINISTRATORS
            || [547, 548, 549, 550, 551, 578].iter().any(|id| *sid == Sid::fixed(5, [32, *id]))
    };
    let disable = token.groups.iter().map(|group| group.sid).filter(administers).collect();
    Restriction {
        disable,
        drop_privileges: true,
        delete: Vec::new(),
        restricting: Vec::new(),
        write_restricted: false,
    }
}

/// What a less privileged container needs for programs to start at all (names as in Microsoft's documentation of app
/// capabilities and of the browsers that use them).
fn unprivileged_capabilities() -> Vec<Capability> {
    let named = |name: &str, reason: &str| Capability {
        sid: derive::capability(name),
        name: name.to_owned(),
        reason: reason.to_owned(),
    };
    vec![
        named("registryRead", "programs read their settings of the machine"),
        named("lpacCom", "runtimes start components within the process"),
        named("lpacCryptoServices", "random numbers and certificates of the system"),
    ]
}

impl Builder<'_> {
    fn all(&mut self) {
        self.directories();
        for boundary in self.given.boundaries {
            let status = self.boundary(boundary);
            self.files.held.insert(boundary.path.clone(), status);
        }
        let policy = self.given.policy;
        names::hold_git(self, policy);
        self.ancestors();
        self.shown();
    }

    /// What no rule names and the container reads all the same, because the system grants it to every package.
    fn shown(&mut self) {
        let directories = &self.given.facts.directories;
        let whole =
            [&directories.windows, &directories.program_data].into_iter().chain(&directories.program_files);
        for path in whole {
            let named = self.given.policy.files.decide(path, FileOp::Read).verdict == Verdict::Allow;
            let rights = self.files.machine.rights(&self.token, path);
            if !named && rights.is_none_or(|rights| rights.intersects(AccessMask::FILE_READ_DATA)) {
                self.files.shown.push(path.clone());
            }
        }
    }

    /// The private directory.
    fn directories(&mut self) {
        let user = self.given.facts.user.token.user;
        let entry = |sid, mask| Ace::allow(sid, mask).flagged(INHERITED_BY_ALL);
        let all = AccessMask(0x001f_01ff);
        let aces = vec![entry(known::SYSTEM, all), entry(user, all), entry(self.package, MODIFY)];
        let security = own_descriptor(user, aces);
        let path = self.given.facts.context.tmp.clone();
        let directory = Directory {
            path,
            security: security.clone(),
            reason: "temporary files and caches of the sandbox".into(),
        };
        let reservation = super::super::spec::Reservation {
            path: directory.path.clone(),
            kind: NodeKind::Directory,
            security,
            removal: super::super::spec::Removal::AtEnd,
            content: String::new(),
            reason: String::new(),
        };
        self.files.machine.reserve(&reservation);
        self.files.preparation.directories.push(directory);
    }

    fn boundary(&mut self, boundary: &Boundary<'_>) -> Status {
        let path = boundary.path;
        let private = &self.given.facts.context.tmp;
        if path.starts_with(private) {
            return Status::enforced("a directory of the sandbox's own");
        }
        if self.given.facts.volume(path).is_some_and(|volume| !volume.acls) {
            return Status::Unenforceable {
                gap: gaps::VOLUME.into(),
                reason: "its volume keeps no permissions, so nothing can be granted or refused there".into(),
                hint: "use a directory on an NTFS or ReFS volume".into(),
            };
        }
        match self.given.facts.paths.get(path) {
            None => unknown("nothing was recorded of it"),
            Some(PathFact::Unknown(why)) => unknown(why),
            Some(PathFact::Refused) => {
                Status::enforced("it refuses this user, and so the container, everything")
            }
            Some(PathFact::Absent) => self.absent(boundary),
            Some(PathFact::Present(object)) => self.present(boundary, object),
        }
    }

    fn absent(&mut self, boundary: &Boundary<'_>) -> Status {
        let Boundary { path, grant } = boundary;
        let Some(rights) = self.files.machine.rights(&self.token, path) else {
            return unknown("nothing is known of the directory that would hold it");
        };
        if names::exposed(&self.files.machine, &self.token, path) {
            if grant.access == Access::Write {
                return Status::enforced("absent; a new one is as the directory that holds it");
            }
            let want = if grant.access == Access::Deny { Want::Nothing } else { Want::ReadExecute };
            let reason = reason_of(grant);
            names::reserve(self, path, NodeKind::Directory, want, &reason);
            return self.files.taken(path, grant.access);
        }
        let readable = rights.intersects(AccessMask::FILE_READ_DATA | AccessMask::FILE_EXECUTE);
        match grant.access {
            Access::Deny if readable => Status::Partial {
                mechanism: "absent at the start".into(),
                gap: if is_built_in(grant) { gaps::ABSENT_SECRET } else { gaps::ABSENT }.into(),
                missing: "if it is made outside while the sandbox stands, it can be read".into(),
            },
            Access::Deny => {
                Status::enforced("absent, and what is made there is not granted to the container")
            }
            access => self.files.nothing_there(path, access),
        }
    }

    fn present(&mut self, boundary: &Boundary<'_>, object: &Object) -> Status {
        let path = boundary.path;
        let grant = final_grant(self.given.policy, object, boundary.grant);
        let Some(have) = self.files.machine.rights(&self.token, path) else {
            return unknown("its permissions could not be read");
        };
        let status = match grant.access {
            Access::Write => self.write(path, object, &grant, have),
            Access::Deny => self.deny(path, object, &grant, have),
            Access::Read | Access::Overlay => self.read(path, object, &grant, have),
        };
        let is_link = object.final_path != *path;
        if is_link && grant.access < Access::Write && names::exposed(&self.files.machine, &self.token, path) {
            names::pin(&mut self.files, path, None, "the link itself stays");
            names::pin_above(self, path);
        }
        status
    }

    fn write(
        &mut self,
        path: &AbsPath,
        object: &Object,
        grant: &PolicyGrant<'_>,
        have: AccessMask,
    ) -> Status {
        let modify = if grant.execute { MODIFY } else { MODIFY.without(AccessMask::FILE_EXECUTE) };
        let root = modify.without(AccessMask::DELETE);
        let runs = !grant.execute && have.intersects(AccessMask::FILE_EXECUTE);
        if !have.contains(root) || runs {
            if let Some(trouble) = untouchable(self.given.facts, &self.files.machine, &object.final_path) {
                return self.cannot_grant(path, grant, trouble);
            }
            if runs
                && let Err(trouble) = self.seal(path, object, Want::Nothing, "programs in it must not run")
            {
                return self.cannot_grant(path, grant, trouble);
            }
            let entries = if object.final_kind == NodeKind::Directory {
                vec![
                    Ace::allow(self.package, root),
                    Ace::allow(self.package, modify).flagged(INHERITED_BY_ALL | AceFlags::INHERIT_ONLY),
                ]
            } else {
                vec![Ace::allow(self.package, root)]
            };
            self.grant(object, entries, &reason_of(grant));
        }
        self.files.granted.push(object.final_path.clone());
        names::pin(
            &mut self.files,
            &object.final_path,
            Some(object),
            "a granted directory stays where it is",
        );
        let after = self.files.machine.rights(&self.token, path).unwrap_or_default();
        if !after.contains(root) {
            self.files.narrow(path, "the user's own rights there are fewer than writing");
        }
        Status::enforced("granted to the package; nothing else is granted around it")
    }

    fn read(&mut self, path: &AbsPath, object: &Object, grant: &PolicyGrant<'_>, have: AccessMask) -> Status {
        let want = if grant.execute { Want::ReadExecute } else { Want::Read };
        let needed = if grant.execute { READ_EXECUTE } else { READ };
        let too_much =
            have.intersects(CHANGES) || !grant.execute && have.intersects(AccessMask::FILE_EXECUTE);
        if too_much {
            let reason = reason_of(grant);
            if let Err(trouble) = self.seal(path, object, want, &reason) {
                return packages(trouble);
            }
            names::pin_above(self, path);
        } else if !have.contains(needed) {
            if let Some(trouble) = untouchable(self.given.facts, &self.files.machine, &object.final_path) {
                return self.cannot_grant(path, grant, trouble);
            }
            let sid = self.capability(&object.final_path, &reason_of(grant));
            let entry = Ace::allow(sid, needed);
            let directory = object.final_kind == NodeKind::Directory;
            let entry = if directory { entry.flagged(INHERITED_BY_ALL) } else { entry };
            self.grant(object, vec![entry], &reason_of(grant));
            self.files.granted.push(object.final_path.clone());
        }
        if grant.access == Access::Overlay {
            self.files.narrow(path, "a cache is read-only here; there is no layer for writes");
            return names::overlay("read-only");
        }
        Status::enforced(if too_much {
            "a DACL of its own without the grant around it"
        } else if have.contains(needed) {
            "granted by the system to all packages, read-only"
        } else {
            "granted for reading to a capability of this directory"
        })
    }

    fn deny(&mut self, path: &AbsPath, object: &Object, grant: &PolicyGrant<'_>, have: AccessMask) -> Status {
        let content = AccessMask::FILE_READ_DATA | AccessMask::FILE_EXECUTE | CHANGES;
        if !have.intersects(content) {
            return Status::enforced("not granted to the container");
        }
        self.files.names_show = true;
        if let Err(trouble) = self.seal(path, object, Want::Nothing, &reason_of(grant)) {
            return packages(trouble);
        }
        names::pin_above(self, path);
        Status::enforced("a DACL of its own that grants the container nothing")
    }

    /// A grant that a profile makes where it can is left out; one that a file asks for is missed.
    fn cannot_grant(&mut self, path: &AbsPath, grant: &PolicyGrant<'_>, trouble: Untouchable) -> Status {
        let Untouchable { reason, hint } = trouble;
        if is_built_in(grant) {
            self.files.narrow(path, format!("it cannot be granted: {reason}; {hint}"));
            return Status::enforced("not granted to the container");
        }
        Status::Unenforceable {
            gap: gaps::GRANT.into(),
            reason: format!("it cannot be granted: {reason}"),
            hint,
        }
    }

    /// The capability that belongs to a directory.
    fn capability(&mut self, path: &AbsPath, reason: &str) -> Sid {
        let name = format!("garthRead{}", derive::short(&path.to_string().to_lowercase()));
        let sid = derive::capability(&name);
        if !self.capabilities.iter().any(|known| known.sid == sid) {
            self.capabilities.push(Capability { sid, name, reason: reason.to_owned() });
            if let Some(container) = &mut self.token.app_container {
                container.capabilities.push(sid);
            }
        }
        sid
    }

    fn grant(&mut self, object: &Object, entries: Vec<Ace>, reason: &str) {
        let directory = object.final_kind == NodeKind::Directory;
        let grant = Grant {
            path: object.final_path.clone(),
            expect: object.id,
            directory,
            entries,
            propagates: directory,
            lifetime: if directory { Lifetime::Kept } else { Lifetime::Session },
            reason: reason.to_owned(),
        };
        self.files.machine.grant(&grant);
        self.files.preparation.grants.push(grant);
    }

    /// Programs look at each directory on the way: the attributes of those that garth may touch are granted, without
    /// inheritance; the others are told.
    fn ancestors(&mut self) {
        let mut above: Vec<AbsPath> = Vec::new();
        for path in self.files.granted.iter().chain([&self.given.facts.context.tmp]) {
            let mut at = path.parent();
            while let Some(parent) = at {
                at = parent.parent();
                above.push(parent);
            }
        }
        above.sort();
        above.dedup();
        for path in above {
            let rights = self.files.machine.rights(&self.token, &path);
            if rights.is_some_and(|rights| rights.contains(AccessMask::FILE_READ_ATTRIBUTES)) {
                continue;
            }
            let Some(object) = self.given.facts.object(&path).cloned() else { continue };
            match untouchable(self.given.facts, &self.files.machine, &path) {
                None => self.pass(&object),
                Some(_) => self.files.narrower.push(Narrower {
                    path,
                    whole: false,
                    reason: "its attributes cannot be looked at, so tools that resolve every directory on the way fail; \
                             `garth-setup` can prepare the machine once"
                        .into(),
                }),
            }
        }
    }

    fn pass(&mut self, object: &Object) {
        let grant = Grant {
            path: object.final_path.clone(),
            expect: object.id,
            directory: true,
            entries: vec![Ace::allow(self.package, PASS)],
            propagates: false,
            lifetime: Lifetime::Session,
            reason: "on the way to something granted: its attributes".into(),
        };
        self.files.machine.grant(&grant);
        self.files.preparation.grants.push(grant);
    }

    fn is_ours(&self, sid: &Sid) -> bool {
        *sid == self.package || self.capabilities.iter().any(|capability| capability.sid == *sid)
    }
}

/// The stricter of what the rules say of the name and of the object that it leads to: a link to a credential is a
/// credential.
fn final_grant<'g>(policy: &Policy, object: &Object, grant: PolicyGrant<'g>) -> PolicyGrant<'g> {
    if object.kind != NodeKind::Symlink {
        return grant;
    }
    let behind = policy.files.grant(&object.final_path);
    let sealed = behind.rule.is_some_and(|rule| matches!(rule.kind, RuleKind::Secret | RuleKind::Protected));
    if sealed && behind.access < grant.access {
        PolicyGrant { access: behind.access, ..grant }
    } else {
        grant
    }
}

impl Seal for Builder<'_> {
    fn files(&mut self) -> &mut Files {
        &mut self.files
    }

    fn facts(&self) -> &HostFacts {
        self.given.facts
    }

    fn token(&self) -> &Token {
        &self.token
    }

    fn seal(&mut self, path: &AbsPath, object: &Object, want: Want, reason: &str) -> Result<(), Untouchable> {
        let path = self.files.machine.resolved(path);
        if let Some(trouble) = untouchable(self.given.facts, &self.files.machine, &path) {
            return Err(trouble);
        }
        let super::super::machine::Shield::Descriptor(descriptor) = self.files.machine.shield(&path) else {
            return Ok(());
        };
        let directory = object.final_kind == NodeKind::Directory;
        let drop = |ace: &Ace| {
            let package = ace.sid.is_below(&known::PACKAGES) || ace.sid.is_below(&known::CAPABILITIES);
            let more = want == Want::Nothing || ace.mask.intersects(CHANGES) || want == Want::Read;
            ace.kind == AceKind::Allow && (self.is_ours(&ace.sid) || package && more)
        };
        let entries: Vec<Ace> =
            want.mask().map(|mask| inheritable(self.package, mask, directory)).into_iter().collect();
        let guard = Guard {
            path: path.clone(),
            expect: object.id,
            directory,
            security: protected(&descriptor, drop, &entries),
            reason: reason.to_owned(),
        };
        self.files.machine.guard(&guard);
        self.files.preparation.guards.push(guard);
        Ok(())
    }

    fn placeholder(&self, kind: NodeKind, want: Want) -> SecurityDescriptor {
        let user = self.given.facts.user.token.user;
        let directory = kind == NodeKind::Directory;
        let all = AccessMask(0x001f_01ff);
        let mut aces = vec![inheritable(known::SYSTEM, all, directory), inheritable(user, all, directory)];
        aces.extend(want.mask().map(|mask| inheritable(self.package, mask, directory)));
        own_descriptor(user, aces)
    }

    fn passage(&self, parent: &AbsPath) -> Option<SecurityDescriptor> {
        use super::super::inherit::{Child, new_object};
        let super::super::machine::Shield::Descriptor(above) = self.files.machine.shield(parent) else {
            return None;
        };
        Some(new_object(Some(&above), None, &self.given.facts.user.token, Child::DIRECTORY))
    }
}

impl Want {
    pub(super) fn mask(self) -> Option<AccessMask> {
        match self {
            Self::Nothing => None,
            Self::Read => Some(READ),
            Self::ReadExecute => Some(READ_EXECUTE),
        }
    }
}

fn inheritable(sid: Sid, mask: AccessMask, directory: bool) -> Ace {
    let entry = Ace::allow(sid, mask);
    if directory { entry.flagged(INHERITED_BY_ALL) } else { entry }
}

/// A protected descriptor of something that garth makes.
pub(super) fn own_descriptor(owner: Sid, aces: Vec<Ace>) -> SecurityDescriptor {
    SecurityDescriptor {
        control: Control::DACL_PROTECTED,
        owner: Some(owner),
        group: Some(owner),
        dacl: Listed::Present(Acl { aces }),
        sacl: Listed::Absent,
    }
}

pub(super) fn is_built_in(grant: &PolicyGrant<'_>) -> bool {
    grant.rule.is_some_and(|rule| rule.origin.layer == Layer::Profile)
}

pub(super) fn reason_of(grant: &PolicyGrant<'_>) -> String {
    match grant.rule.map(|rule| rule.reason.as_ref()) {
        Some(reason) if !reason.is_empty() => reason.to_owned(),
        _ => format!("the policy says {}", grant.access),
    }
}

pub(super) fn unknown(why: &str) -> Status {
    Status::Unenforceable {
        gap: gaps::UNKNOWN.into(),
        reason: format!("{why}, so what the sandbox gets there cannot be told"),
        hint: "look at it as an administrator, or leave the directory that holds it out of the policy".into(),
    }
}

fn packages(trouble: Untouchable) -> Status {
    Status::Unenforceable {
        gap: gaps::PACKAGES.into(),
        reason: format!("the system grants more to every package, and {}", trouble.reason),
        hint: trouble.hint,
    }
}
