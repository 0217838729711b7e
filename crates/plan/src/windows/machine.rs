//! The machine as it will be when a plan has been carried out: recorded descriptors, with the plan's entries inherited
//! as Windows would, and what a token can then do at a path.
//!
//! The planner looks here at what is still missing or too much, tests hold it against the policy, and `why` explains
//! by it. A path that was not looked at is taken to have what its nearest known directory gives to new objects.

use super::access::{Undecidable, reachable_file};
use super::acl::{Ace, AceFlags, AceKind, Acl};
use super::descriptor::{Control, Listed, SecurityDescriptor};
use super::facts::{HostFacts, PathFact, Security};
use super::inherit::{Child, new_object, repropagated};
use super::rights::{AccessMask, ObjectKind};
use super::spec::{Grant, Guard, Pin, Preparation, Removal, Reservation};
use super::token::Token;
use garth_policy::{AbsPath, FileOp, NodeKind};
use std::collections::{BTreeMap, BTreeSet};

/// What is known of the protection of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shield {
    /// This descriptor.
    Descriptor(SecurityDescriptor),
    /// None: the volume keeps none.
    Open,
    /// The user gets nothing there, and nobody weaker does.
    Shut,
    /// Nothing is known.
    Unknown,
}

/// An object.
#[derive(Clone, Debug)]
struct Node {
    kind: NodeKind,
    shield: Shield,
    /// It is held open: neither removed nor renamed.
    held: bool,
}

/// The machine.
#[derive(Clone, Debug)]
pub struct Machine {
    nodes: BTreeMap<AbsPath, Node>,
    absent: BTreeSet<AbsPath>,
    /// Links, where they lead, and whether they are held open.
    links: BTreeMap<AbsPath, (AbsPath, bool)>,
    /// Roots of volumes without descriptors.
    open: Vec<AbsPath>,
    /// Who makes what is not known yet.
    user: Token,
}

/// Why an operation is possible or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Possible {
    /// The token can do it.
    Yes,
    /// It cannot.
    No,
    /// Nothing is known of an object that decides; to be taken for the worse.
    Unknown,
}

impl From<bool> for Possible {
    fn from(possible: bool) -> Self {
        if possible { Self::Yes } else { Self::No }
    }
}

/// Every right that changes an object or what is in it.
pub const CHANGES: AccessMask = AccessMask(
    AccessMask::FILE_WRITE_DATA.0
        | AccessMask::FILE_APPEND_DATA.0
        | AccessMask::FILE_WRITE_EA.0
        | AccessMask::FILE_WRITE_ATTRIBUTES.0
        | AccessMask::FILE_DELETE_CHILD.0
        | AccessMask::DELETE.0
        | AccessMask::WRITE_DAC.0
        | AccessMask::WRITE_OWNER.0,
);

impl Machine {
    /// The machine as it was recorded.
    #[must_use]
    pub fn new(facts: &HostFacts) -> Self {
        let mut machine = Self {
            nodes: BTreeMap::new(),
            absent: BTreeSet::new(),
            links: BTreeMap::new(),
            open: facts
                .volumes
                .iter()
                .filter(|volume| !volume.acls)
                .map(|volume| volume.root.clone())
                .collect(),
            user: facts.user.token.clone(),
        };
        for (path, fact) in &facts.paths {
            machine.record(path, fact);
        }
        machine
    }

    fn record(&mut self, path: &AbsPath, fact: &PathFact) {
        let (kind, shield) = match fact {
            PathFact::Absent => {
                self.absent.insert(path.clone());
                return;
            }
            PathFact::Refused => (NodeKind::Other, Shield::Shut),
            PathFact::Unknown(_) => (NodeKind::Other, Shield::Unknown),
            PathFact::Present(object) => {
                let shield = match &object.security {
                    Security::Read(descriptor) => Shield::Descriptor(descriptor.clone()),
                    Security::Unknown(_) => Shield::Unknown,
                    Security::None => Shield::Open,
                };
                if object.final_path != *path {
                    self.links.insert(path.clone(), (object.final_path.clone(), false));
                    let node = Node { kind: object.final_kind, shield, held: false };
                    self.nodes.entry(object.final_path.clone()).or_insert(node);
                    return;
                }
                (object.final_kind, shield)
            }
        };
        self.nodes.insert(path.clone(), Node { kind, shield, held: false });
    }

    /// The machine after everything of a preparation.
    #[must_use]
    pub fn prepared(facts: &HostFacts, preparation: &Preparation) -> Self {
        let mut machine = Self::new(facts);
        for directory in &preparation.directories {
            machine.make(&directory.path, NodeKind::Directory, &directory.security, false);
        }
        preparation.guards.iter().for_each(|guard| machine.guard(guard));
        preparation.grants.iter().for_each(|grant| machine.grant(grant));
        preparation.reservations.iter().for_each(|reservation| machine.reserve(reservation));
        preparation.pins.iter().for_each(|pin| machine.pin(pin));
        machine
    }

    fn make(&mut self, path: &AbsPath, kind: NodeKind, security: &SecurityDescriptor, held: bool) {
        let below = |other: &AbsPath| other.starts_with(path);
        self.nodes.retain(|other, _| !below(other));
        self.absent.remove(path);
        let shield = Shield::Descriptor(security.clone());
        self.nodes.insert(path.clone(), Node { kind, shield, held });
    }

    /// Adds entries where Windows puts them: denials first, what is inherited last.
    pub fn grant(&mut self, grant: &Grant) {
        let Some(node) = self.nodes.get_mut(&grant.path) else { return };
        let Shield::Descriptor(descriptor) = &mut node.shield else { return };
        descriptor.dacl = with_entries(&descriptor.dacl, &grant.entries);
        if grant.propagates {
            self.propagate(&grant.path);
        }
    }

    /// Replaces the DACL.
    pub fn guard(&mut self, guard: &Guard) {
        let Some(node) = self.nodes.get_mut(&guard.path) else { return };
        let Shield::Descriptor(descriptor) = &mut node.shield else { return };
        descriptor.dacl = guard.security.dacl.clone();
        descriptor.control = descriptor.control | guard.security.control;
        self.propagate(&guard.path);
    }

    /// Takes a name.
    pub fn reserve(&mut self, reservation: &Reservation) {
        let held = reservation.removal == Removal::OnClose;
        self.make(&reservation.path, reservation.kind, &reservation.security, held);
    }

    /// Holds an object.
    pub fn pin(&mut self, pin: &Pin) {
        if let Some((_, held)) = self.links.get_mut(&pin.path) {
            *held = true;
        } else if let Some(node) = self.nodes.get_mut(&pin.path) {
            node.held = true;
        }
    }

    /// Lets the known objects below a directory inherit anew, nearest first.
    fn propagate(&mut self, root: &AbsPath) {
        let below: Vec<AbsPath> = self
            .nodes
            .range(root..)
            .skip(1)
            .map(|(path, _)| path)
            .take_while(|path| path.starts_with(root))
            .cloned()
            .collect();
        for path in below {
            let Some(parent) = path.parent().map(|parent| self.shield(&parent)) else { continue };
            let Shield::Descriptor(parent) = parent else { continue };
            let Some(node) = self.nodes.get_mut(&path) else { continue };
            let kind = if node.kind == NodeKind::Directory { Child::DIRECTORY } else { Child::FILE };
            if let Shield::Descriptor(descriptor) = &node.shield {
                node.shield = Shield::Descriptor(repropagated(&parent, descriptor, kind));
            }
        }
    }

    /// Whether an object stands there, as far as is known.
    #[must_use]
    pub fn exists(&self, path: &AbsPath) -> bool {
        self.nodes.contains_key(&self.resolved(path))
    }

    /// The path with the known links on the way followed.
    #[must_use]
    pub fn resolved(&self, path: &AbsPath) -> AbsPath {
        // Each link leads to a final path, on which there is none.
        let link =
            self.links.iter().filter(|(link, _)| path.starts_with(link)).max_by_key(|(link, _)| link.depth());
        let Some((link, (target, _))) = link else { return path.clone() };
        path.strip_prefix(link).and_then(|below| target.join(below).ok()).unwrap_or_else(|| path.clone())
    }

    fn kind(&self, path: &AbsPath) -> Option<NodeKind> {
        self.nodes.get(path).map(|node| node.kind)
    }

    /// What protects the path: its own descriptor, or the one that a new object of this kind would have.
    #[must_use]
    pub fn shield(&self, path: &AbsPath) -> Shield {
        self.shield_as(path, Child::DIRECTORY)
    }

    fn shield_as(&self, path: &AbsPath, child: Child) -> Shield {
        if let Some(node) = self.nodes.get(path) {
            return node.shield.clone();
        }
        if self.open.iter().any(|root| path.starts_with(root)) {
            return Shield::Open;
        }
        // Down from the nearest that is known: without recursion, because a path may have thousands of names.
        let mut missing = Vec::new();
        let mut known = None;
        let mut at = path.parent();
        while let Some(above) = at {
            if let Some(node) = self.nodes.get(&above) {
                known = Some(node.shield.clone());
                break;
            }
            at = above.parent();
            missing.push(above);
        }
        let Some(Shield::Descriptor(mut descriptor)) = known else { return known.unwrap_or(Shield::Unknown) };
        for _ in missing {
            descriptor = new_object(Some(&descriptor), None, &self.user, Child::DIRECTORY);
        }
        Shield::Descriptor(new_object(Some(&descriptor), None, &self.user, child))
    }

    /// Everything that the token gets at the path, whether or not something stands there yet; `None` if nothing is known.
    #[must_use]
    pub fn rights(&self, token: &Token, path: &AbsPath) -> Option<AccessMask> {
        self.rights_at(token, &self.resolved(path))
    }

    fn rights_at(&self, token: &Token, path: &AbsPath) -> Option<AccessMask> {
        let is_directory = self.kind(path).is_none_or(|kind| kind == NodeKind::Directory);
        let (child, kind) = if is_directory && (self.exists(path) || path.parent().is_none()) {
            (Child::DIRECTORY, ObjectKind::Directory)
        } else {
            (Child::FILE, ObjectKind::File)
        };
        let all = kind.mapping().all;
        let parent = path.parent().map(|parent| self.shield(&parent));
        match (self.shield_as(path, child), parent) {
            (Shield::Open, _) => Some(all),
            (Shield::Shut, _) => Some(AccessMask::NONE),
            (Shield::Unknown, _) => None,
            (Shield::Descriptor(own), Some(Shield::Descriptor(parent))) => {
                reachable_file(token, &parent, &own, kind).ok()
            }
            (Shield::Descriptor(own), _) => reach(token, &own, kind).ok(),
        }
    }

    /// Whether the token can do this at the path.
    #[must_use]
    pub fn can(&self, token: &Token, path: &AbsPath, op: FileOp) -> Possible {
        let link = self.links.get(path).filter(|_| removes(op));
        let path = &if link.is_some() { path.clone() } else { self.resolved(path) };
        let own = if link.is_some() { self.rights_at(token, path) } else { self.rights(token, path) };
        let Some(own) = own else { return Possible::Unknown };
        let around = match path.parent() {
            Some(parent) => self.rights_of_directory(token, &parent),
            None => Some(AccessMask::NONE),
        };
        let Some(around) = around else { return Possible::Unknown };
        let stands = link.is_some() || self.exists(path);
        let held = link.is_some_and(|(_, held)| *held) || self.nodes.get(path).is_some_and(|node| node.held);
        let holds_others = || self.holds_below(path);
        let removable = !held && !holds_others() && own.intersects(AccessMask::DELETE);
        let adds = |kind: NodeKind| match kind {
            NodeKind::Directory => around.intersects(AccessMask::FILE_APPEND_DATA),
            _ => around.intersects(AccessMask::FILE_WRITE_DATA),
        };
        match op {
            FileOp::Read | FileOp::List => own.intersects(AccessMask::FILE_READ_DATA).into(),
            FileOp::Execute => own.intersects(AccessMask::FILE_EXECUTE).into(),
            FileOp::Metadata => own.intersects(AccessMask::FILE_READ_ATTRIBUTES).into(),
            // Deleting is asked of the name that is deleted.
            FileOp::Write => {
                own.intersects(CHANGES.without(AccessMask::DELETE | AccessMask::FILE_DELETE_CHILD)).into()
            }
            FileOp::Link => own.intersects(AccessMask::FILE_WRITE_ATTRIBUTES).into(),
            FileOp::Create(kind) => (!stands && adds(kind)).into(),
            FileOp::Delete | FileOp::MoveFrom => removable.into(),
            FileOp::MoveTo(kind) => (adds(kind) && (!stands || removable)).into(),
        }
    }

    /// What the token gets on the directory that holds a name, one that does not exist yet as it would be made; `None`
    /// if nothing is known.
    #[must_use]
    pub fn rights_of_directory(&self, token: &Token, path: &AbsPath) -> Option<AccessMask> {
        match self.shield(path) {
            Shield::Descriptor(descriptor) => reach(token, &descriptor, ObjectKind::Directory).ok(),
            Shield::Open => Some(ObjectKind::Directory.mapping().all),
            Shield::Shut => Some(AccessMask::NONE),
            Shield::Unknown => None,
        }
    }

    /// A directory with an object that is held open below it is not renamed, and not empty.
    fn holds_below(&self, path: &AbsPath) -> bool {
        let below = self.nodes.range(path..).skip_while(|(other, _)| *other == path);
        below.take_while(|(other, _)| other.starts_with(path)).any(|(_, node)| node.held)
    }
}

/// Operations on the very name, which follow no link at it.
fn removes(op: FileOp) -> bool {
    matches!(op, FileOp::Delete | FileOp::MoveFrom | FileOp::MoveTo(_))
}

fn reach(
    token: &Token,
    descriptor: &SecurityDescriptor,
    kind: ObjectKind,
) -> Result<AccessMask, Undecidable> {
    super::access::reachable(token, descriptor, kind, false)
}

/// A DACL with more explicit entries, in canonical order. A NULL list stays: it grants everything already.
#[must_use]
pub fn with_entries(dacl: &Listed, entries: &[Ace]) -> Listed {
    let Listed::Present(acl) = dacl else { return dacl.clone() };
    let mut aces = acl.aces.clone();
    for entry in entries.iter().rev() {
        let place = match entry.kind {
            AceKind::Deny => 0,
            _ => aces
                .iter()
                .position(|ace| ace.kind != AceKind::Deny || ace.flags.contains(AceFlags::INHERITED))
                .unwrap_or(aces.len()),
        };
        aces.insert(place, *entry);
    }
    Listed::Present(Acl { aces })
}

/// The DACL of an object as a protected one, without the entries that `drop` names and with these in front.
#[must_use]
pub fn protected(
    descriptor: &SecurityDescriptor,
    drop: impl Fn(&Ace) -> bool,
    entries: &[Ace],
) -> SecurityDescriptor {
    let kept = descriptor.dacl.aces().iter().filter(|ace| !drop(ace));
    let explicit: Vec<Ace> = kept.map(|ace| ace.flagged(ace.flags.without(AceFlags::INHERITED))).collect();
    let (denials, grants): (Vec<Ace>, Vec<Ace>) =
        explicit.into_iter().partition(|ace| ace.kind == AceKind::Deny);
    let (first, then): (Vec<Ace>, Vec<Ace>) = entries.iter().partition(|ace| ace.kind == AceKind::Deny);
    let aces = [first, denials, then, grants].concat();
    SecurityDescriptor {
        control: Control::DACL_PROTECTED | Control::DACL_AUTO_INHERITED,
        dacl: Listed::Present(Acl { aces }),
        owner: None,
        group: None,
        sacl: Listed::Absent,
    }
}
