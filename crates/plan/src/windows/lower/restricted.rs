//! The tier `restricted`: a write-restricted token of the same user.
//!
//! Writing needs two grants: to the user and to one of the restricting SIDs, of which each directory that is granted for
//! writing has one. Reading is not restricted at all, nor is running, and Windows does not ask the restricting SIDs about
//! deleting what lies in a directory. Of these SIDs a denial does count, so what is read-only below a grant gets one.

use super::super::acl::{Ace, AceFlags, Acl};
use super::super::derive;
use super::super::descriptor::SecurityDescriptor;
use super::super::facts::{HostFacts, Object, PathFact};
use super::super::inherit::{Child, new_object};
use super::super::known;
use super::super::machine::{CHANGES, Shield};
use super::super::rights::AccessMask;
use super::super::sid::Sid;
use super::super::spec::{Capability, Directory, Grant, Lifetime, Removal, Reservation, Restricted};
use super::super::token::{Restriction, Token};
use super::container::{base, own_descriptor, reason_of, unknown};
use super::names::{self, Files, Seal, Want};
use super::place::{Untouchable, untouchable};
use super::{Given, error, gaps};
use crate::assurance::Status;
use crate::linux::PlanError;
use garth_policy::{AbsPath, Access, Boundary, Grant as PolicyGrant, NodeKind};

const MODIFY: AccessMask = AccessMask(0x0013_01bf);
const BY_ALL: AceFlags = AceFlags(AceFlags::OBJECT_INHERIT.0 | AceFlags::CONTAINER_INHERIT.0);

/// What the lowering of files gives.
pub(super) struct Lowered {
    pub restricted: Restricted,
    pub files: Files,
}

struct Builder<'p> {
    given: Given<'p>,
    files: Files,
    token: Token,
    writers: Vec<Capability>,
}

/// Lowers the rules for files.
pub(super) fn lower(given: Given<'_>) -> Result<Lowered, PlanError> {
    let facts = given.facts;
    let writers = writers(given);
    let logon = Capability {
        sid: facts.user.logon,
        name: "the logon session".into(),
        reason:
            "the window station, and pipes and sections between its own processes; no file grants it anything"
                .into(),
    };
    let sids = writers.iter().chain([&logon]).map(|writer| writer.sid).collect();
    let restriction = Restriction { restricting: sids, write_restricted: true, ..base(&facts.user.token) };
    let token = facts.user.token.restricted(&restriction).map_err(|why| {
        error(
            "the caller's token cannot be restricted",
            why.to_string(),
            "run garth outside of other sandboxes",
        )
    })?;
    let mut builder = Builder { given, files: Files::new(facts), token, writers };
    builder.all();
    let default_dacl = builder.default_dacl();
    let mut reasons = builder.writers;
    reasons.push(logon);
    Ok(Lowered { restricted: Restricted { restriction, default_dacl, reasons }, files: builder.files })
}

/// The SID of each directory that is granted for writing, and of the private one.
fn writers(given: Given<'_>) -> Vec<Capability> {
    let roots = given.boundaries.iter().filter(|boundary| boundary.grant.access == Access::Write);
    let writer = |path: &AbsPath, reason: String| {
        let name = name_of(path);
        Capability { sid: derive::capability(&name), name, reason }
    };
    let mut writers = vec![writer(&given.facts.context.tmp, "the private directory".into())];
    for boundary in roots {
        let found = writer(boundary.path, reason_of(&boundary.grant));
        if !writers.iter().any(|known| known.sid == found.sid) {
            writers.push(found);
        }
    }
    writers
}

fn name_of(path: &AbsPath) -> String {
    format!("garthWrite{}", derive::short(&path.to_string().to_lowercase()))
}

impl Builder<'_> {
    /// Objects of the sandbox's own without a list of their own: pipes and sections.
    fn default_dacl(&self) -> Acl {
        let user = self.given.facts.user.token.user;
        let all = AccessMask::GENERIC_ALL;
        let mut aces = vec![Ace::allow(known::SYSTEM, all), Ace::allow(user, all)];
        aces.extend(self.writers.iter().map(|writer| Ace::allow(writer.sid, all)));
        Acl { aces }
    }

    fn all(&mut self) {
        self.directories();
        for boundary in self.given.boundaries {
            let status = self.boundary(boundary);
            self.files.held.insert(boundary.path.clone(), status);
        }
        let policy = self.given.policy;
        names::hold_git(self, policy);
    }

    fn directories(&mut self) {
        let path = self.given.facts.context.tmp.clone();
        let mut security = self.placeholder(NodeKind::Directory, Want::Nothing);
        let entry = Ace::allow(derive::capability(&name_of(&path)), MODIFY).flagged(BY_ALL);
        security.dacl = super::super::machine::with_entries(&security.dacl, &[entry]);
        let reservation = Reservation {
            path: path.clone(),
            kind: NodeKind::Directory,
            security: security.clone(),
            removal: Removal::AtEnd,
            content: String::new(),
            reason: String::new(),
        };
        self.files.machine.reserve(&reservation);
        let reason = "temporary files and caches of the sandbox".into();
        self.files.preparation.directories.push(Directory { path, security, reason });
    }

    fn boundary(&mut self, boundary: &Boundary<'_>) -> Status {
        let Boundary { path, grant } = boundary;
        if path.starts_with(&self.given.facts.context.tmp) {
            return Status::enforced("a directory of the sandbox's own");
        }
        if self.given.facts.volume(path).is_some_and(|volume| !volume.acls) {
            return no_volume();
        }
        match self.given.facts.paths.get(path) {
            None => unknown("nothing was recorded of it"),
            Some(PathFact::Unknown(why)) => unknown(why),
            Some(PathFact::Refused) => Status::enforced("it refuses this user everything"),
            Some(PathFact::Absent) => self.absent(path, grant),
            Some(PathFact::Present(object)) => self.present(path, grant, object),
        }
    }

    fn absent(&mut self, path: &AbsPath, grant: &PolicyGrant<'_>) -> Status {
        if grant.access < Access::Write && names::exposed(&self.files.machine, &self.token, path) {
            names::reserve(self, path, NodeKind::Directory, Want::Nothing, &reason_of(grant));
            return self.files.taken(path, grant.access);
        }
        match grant.access {
            Access::Deny => Status::Partial {
                mechanism: "absent at the start".into(),
                gap: gaps::READS.into(),
                missing: "a write-restricted token reads it if it is made outside".into(),
            },
            access => self.files.nothing_there(path, access),
        }
    }

    fn present(&mut self, path: &AbsPath, grant: &PolicyGrant<'_>, object: &Object) -> Status {
        let Some(have) = self.files.machine.rights(&self.token, path) else {
            return unknown("its permissions could not be read");
        };
        if grant.access == Access::Write {
            return self.write(path, object, grant, have);
        }
        // Deleting is not restricted, whatever an entry says: that has a row of its own.
        if have.intersects(CHANGES.without(AccessMask::DELETE | AccessMask::FILE_DELETE_CHILD)) {
            if let Err(trouble) = self.seal(path, object, Want::Nothing, &reason_of(grant)) {
                return cannot(trouble);
            }
            names::pin(&mut self.files, path, Some(object), "it would be replaced after a deletion");
            names::pin_above(self, path);
        }
        if grant.access == Access::Overlay {
            self.files.narrow(path, "a cache is read-only here; there is no layer for writes");
        }
        self.reading(grant, have)
    }

    /// What the tier says of reading and running, which it does not restrict.
    fn reading(&mut self, grant: &PolicyGrant<'_>, have: AccessMask) -> Status {
        match grant.access {
            Access::Deny if !have.intersects(AccessMask::FILE_READ_DATA | AccessMask::FILE_EXECUTE) => {
                Status::enforced("it refuses this user reading")
            }
            Access::Deny => Status::Unenforceable {
                gap: gaps::READS.into(),
                reason: "a write-restricted token reads whatever its user reads".into(),
                hint: "use `--tier container`".into(),
            },
            _ if !grant.execute && have.intersects(AccessMask::FILE_EXECUTE) => Status::Unenforceable {
                gap: gaps::EXECUTES.into(),
                reason: "a write-restricted token runs whatever its user runs".into(),
                hint: "use `--tier container`".into(),
            },
            Access::Overlay => names::overlay("read-only"),
            _ => Status::enforced("no restricting SID is granted writing there"),
        }
    }

    fn write(
        &mut self,
        path: &AbsPath,
        object: &Object,
        grant: &PolicyGrant<'_>,
        have: AccessMask,
    ) -> Status {
        let root = MODIFY.without(AccessMask::DELETE);
        let sid = derive::capability(&name_of(path));
        if !have.contains(root) {
            if let Some(Untouchable { reason, hint }) =
                untouchable(self.given.facts, &self.files.machine, &object.final_path)
            {
                return Status::Unenforceable {
                    gap: gaps::GRANT.into(),
                    reason: format!("it cannot be granted: {reason}"),
                    hint,
                };
            }
            let directory = object.final_kind == NodeKind::Directory;
            let mut entries = vec![Ace::allow(sid, root)];
            if directory {
                entries.push(Ace::allow(sid, MODIFY).flagged(BY_ALL | AceFlags::INHERIT_ONLY));
            }
            self.entries(
                object,
                entries,
                if directory { Lifetime::Kept } else { Lifetime::Session },
                &reason_of(grant),
            );
        }
        self.files.granted.push(object.final_path.clone());
        names::pin(
            &mut self.files,
            &object.final_path,
            Some(object),
            "a granted directory stays where it is",
        );
        if !grant.execute {
            return self.reading(grant, have);
        }
        Status::enforced("granted to a restricting SID of this directory")
    }

    fn entries(&mut self, object: &Object, entries: Vec<Ace>, lifetime: Lifetime, reason: &str) {
        let directory = object.final_kind == NodeKind::Directory;
        let grant = Grant {
            path: object.final_path.clone(),
            expect: object.id,
            directory,
            entries,
            propagates: directory,
            lifetime,
            reason: reason.to_owned(),
        };
        self.files.machine.grant(&grant);
        self.files.preparation.grants.push(grant);
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

    fn seal(&mut self, _: &AbsPath, object: &Object, _: Want, reason: &str) -> Result<(), Untouchable> {
        if let Some(trouble) = untouchable(self.given.facts, &self.files.machine, &object.final_path) {
            return Err(trouble);
        }
        let directory = object.final_kind == NodeKind::Directory;
        let denied = |sid: Sid| {
            let entry = Ace::deny(sid, CHANGES);
            if directory { entry.flagged(BY_ALL) } else { entry }
        };
        let entries = self.writers.iter().map(|writer| denied(writer.sid)).collect();
        self.entries(object, entries, Lifetime::Session, reason);
        Ok(())
    }

    fn placeholder(&self, kind: NodeKind, _: Want) -> SecurityDescriptor {
        let user = self.given.facts.user.token.user;
        let entry = |sid| {
            let entry = Ace::allow(sid, AccessMask(0x001f_01ff));
            if kind == NodeKind::Directory { entry.flagged(BY_ALL) } else { entry }
        };
        own_descriptor(user, vec![entry(known::SYSTEM), entry(user)])
    }

    fn passage(&self, parent: &AbsPath) -> Option<SecurityDescriptor> {
        let Shield::Descriptor(above) = self.files.machine.shield(parent) else { return None };
        Some(new_object(Some(&above), None, &self.given.facts.user.token, Child::DIRECTORY))
    }
}

fn no_volume() -> Status {
    Status::Unenforceable {
        gap: gaps::VOLUME.into(),
        reason: "its volume keeps no permissions, so nothing can be granted or refused there".into(),
        hint: "use a directory on an NTFS or ReFS volume".into(),
    }
}

fn cannot(trouble: Untouchable) -> Status {
    Status::Unenforceable {
        gap: gaps::GRANT.into(),
        reason: format!("writing there cannot be taken away: {}", trouble.reason),
        hint: trouble.hint,
    }
}
