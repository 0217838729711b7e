//! What new objects inherit, and what happens below when an entry of a parent comes or goes.
//!
//! Source: MS-DTYP 2.5.3.4 (`CreateSecurityDescriptor`, `ComputeACL`, `ComputeInheritedACLfromParent`,
//! `PostProcessACL`), "ACE inheritance rules" and "Automatic propagation of inheritable ACEs" in Microsoft's
//! documentation. Labels of new objects: "Mandatory integrity control".

use super::acl::{Ace, AceFlags, AceKind, Acl, LabelPolicy};
use super::descriptor::{Control, Listed, SecurityDescriptor};
use super::known;
use super::rights::{GenericMapping, ObjectKind};
use super::sid::Sid;
use super::token::Token;

/// What a new object is, as far as inheritance is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Child {
    /// Its kind, for the generic rights.
    pub kind: ObjectKind,
    /// Whether it can hold others: a directory or a key.
    pub container: bool,
    /// Inherited entries are marked, and explicit ones of the creator are kept in front of them (`SEF_DACL_AUTO_INHERIT`
    /// and `SEF_SACL_AUTO_INHERIT`, as file systems ask for).
    pub automatic: bool,
}

impl Child {
    /// A file that a file system makes.
    pub const FILE: Self = Self { kind: ObjectKind::File, container: false, automatic: true };
    /// A directory that a file system makes.
    pub const DIRECTORY: Self = Self { kind: ObjectKind::Directory, container: true, automatic: true };
}

/// Who stands for the creator's SIDs.
#[derive(Clone, Copy)]
struct Creator {
    owner: Sid,
    group: Sid,
}

impl Creator {
    /// The SID that takes the place of one of the creator's, or none.
    fn replaced(&self, sid: &Sid) -> Option<Sid> {
        // The last two speak of the server's token, which is the client's where nobody impersonates.
        let [owner_server, group_server] = [Sid::fixed(3, [2]), Sid::fixed(3, [3])];
        match *sid {
            known::CREATOR_OWNER => Some(self.owner),
            known::CREATOR_GROUP => Some(self.group),
            other if other == owner_server => Some(self.owner),
            other if other == group_server => Some(self.group),
            _ => None,
        }
    }

    /// The entry as it takes effect on one object: a creator's SID replaced, generic rights mapped. Audit entries and
    /// labels keep their masks.
    fn effective(&self, ace: &Ace, mapping: &GenericMapping) -> Ace {
        let mask = if ace.kind == AceKind::Label { ace.mask } else { mapping.map(ace.mask) };
        Ace { mask, sid: self.replaced(&ace.sid).unwrap_or(ace.sid), ..*ace }
    }
}

/// The entries for an object from an entry that takes effect there and may be passed on. Where taking effect changes
/// it, one entry takes effect and another, unchanged, waits for the children.
fn split(ace: &Ace, creator: Creator, mapping: &GenericMapping, inherits: AceFlags) -> Vec<Ace> {
    let kept = ace.flags.without(AceFlags::INHERITANCE);
    let effective = creator.effective(ace, mapping);
    let changed = effective.mask != ace.mask || effective.sid != ace.sid;
    if inherits == AceFlags::NONE {
        vec![effective.flagged(kept)]
    } else if changed {
        vec![effective.flagged(kept), ace.flagged(kept | inherits | AceFlags::INHERIT_ONLY)]
    } else {
        vec![ace.flagged(kept | inherits)]
    }
}

/// The entries that a child has from one entry of its parent.
fn inherited(ace: &Ace, child: Child, creator: Creator) -> Vec<Ace> {
    let has = |flag| ace.flags.contains(flag);
    let mark = if child.automatic { AceFlags::INHERITED } else { AceFlags::NONE };
    let audit = AceFlags(ace.flags.0 & (AceFlags::SUCCESSFUL_ACCESS | AceFlags::FAILED_ACCESS).0);
    let base = ace.flagged(audit | mark);
    let passed_on = AceFlags(ace.flags.0 & (AceFlags::OBJECT_INHERIT | AceFlags::CONTAINER_INHERIT).0);
    let onward = if has(AceFlags::NO_PROPAGATE) || !child.container { AceFlags::NONE } else { passed_on };
    let takes_effect =
        if child.container { has(AceFlags::CONTAINER_INHERIT) } else { has(AceFlags::OBJECT_INHERIT) };
    if takes_effect {
        split(&base, creator, child.kind.mapping(), onward)
    } else if child.container && onward.contains(AceFlags::OBJECT_INHERIT) {
        // For files below this directory.
        vec![base.flagged(base.flags | onward | AceFlags::INHERIT_ONLY)]
    } else {
        Vec::new()
    }
}

fn from_parent(parent: &[Ace], child: Child, creator: Creator) -> Vec<Ace> {
    parent.iter().flat_map(|ace| inherited(ace, child, creator)).collect()
}

/// The entries of a list that somebody gave, as the object has them; inherited ones are made anew where that is asked.
fn explicit(given: &[Ace], child: Child, creator: Creator) -> Vec<Ace> {
    let own = given.iter().filter(|ace| !(child.automatic && ace.flags.contains(AceFlags::INHERITED)));
    own.flat_map(|ace| settled(ace, child, creator)).collect()
}

/// An entry that was given, as the object has it.
fn settled(ace: &Ace, child: Child, creator: Creator) -> Vec<Ace> {
    if !child.container {
        let effective = creator.effective(ace, child.kind.mapping());
        let flags = ace.flags.without(AceFlags::INHERITANCE);
        return if ace.is_effective() { vec![effective.flagged(flags)] } else { Vec::new() };
    }
    if !ace.is_effective() {
        return vec![*ace];
    }
    let passed_on = AceFlags(ace.flags.0 & AceFlags::INHERITANCE.0);
    let inheritable = AceFlags(passed_on.0 & (AceFlags::OBJECT_INHERIT | AceFlags::CONTAINER_INHERIT).0);
    let inherits = if inheritable == AceFlags::NONE { AceFlags::NONE } else { passed_on };
    split(ace, creator, child.kind.mapping(), inherits)
}

/// Which of the two lists; they differ in their control bits.
#[derive(Clone, Copy)]
struct Side {
    protected: Control,
    defaulted: Control,
    automatic: Control,
}

const DACL: Side = Side {
    protected: Control::DACL_PROTECTED,
    defaulted: Control::DACL_DEFAULTED,
    automatic: Control::DACL_AUTO_INHERITED,
};
const SACL: Side = Side {
    protected: Control::SACL_PROTECTED,
    defaulted: Control::SACL_DEFAULTED,
    automatic: Control::SACL_AUTO_INHERITED,
};

/// Computes one list of a new object, and its control bits.
fn list(
    side: Side,
    parent: &[Ace],
    given: (&Listed, Control),
    child: Child,
    creator: Creator,
    default: Option<&Acl>,
) -> (Listed, Control) {
    let (given, control) = given;
    let marks = if child.automatic { side.automatic } else { Control::NONE };
    let from_above = from_parent(parent, child, creator);
    let chosen = given.acl().filter(|_| !control.contains(side.defaulted) || from_above.is_empty());
    if *given == Listed::Null {
        return (Listed::Null, Control(control.0 & side.protected.0));
    }
    if let Some(acl) = chosen {
        if control.contains(side.protected) {
            let entries = acl.aces.iter().map(|ace| ace.flagged(ace.flags.without(AceFlags::INHERITED)));
            let aces = entries.flat_map(|ace| settled(&ace, child, creator)).collect();
            return (Listed::Present(Acl { aces }), side.protected | marks);
        }
        let mut aces = explicit(&acl.aces, child, creator);
        if child.automatic {
            aces.extend(from_above);
        }
        return (Listed::Present(Acl { aces }), marks);
    }
    if !from_above.is_empty() {
        return (Listed::Present(Acl { aces: from_above }), marks);
    }
    match default {
        Some(acl) => {
            let aces = explicit(&acl.aces, child, creator);
            (Listed::Present(Acl { aces }), side.defaulted)
        }
        None => (Listed::Absent, Control::NONE),
    }
}

/// The descriptor of a new object: from its parent, what its creator gave, and the creator's token.
///
/// With neither a list given nor an entry inherited the token's default DACL is used; a token without one leaves the
/// object without a DACL. A label comes from what was given, else from the parent, else it is the token's where that
/// is below medium.
#[must_use]
pub fn new_object(
    parent: Option<&SecurityDescriptor>,
    given: Option<&SecurityDescriptor>,
    token: &Token,
    child: Child,
) -> SecurityDescriptor {
    let nothing = SecurityDescriptor::default();
    let (parent, given) = (parent.unwrap_or(&nothing), given.unwrap_or(&nothing));
    let creator = Creator {
        owner: given.owner.unwrap_or(token.owner),
        group: given.group.unwrap_or(token.primary_group),
    };
    let default = token.default_dacl.as_ref();
    let (dacl, dacl_bits) =
        list(DACL, parent.dacl.aces(), (&given.dacl, given.control), child, creator, default);
    let (mut sacl, sacl_bits) =
        list(SACL, parent.sacl.aces(), (&given.sacl, given.control), child, creator, None);
    let labelled = sacl.aces().iter().any(|ace| ace.kind == AceKind::Label && ace.is_effective());
    if !labelled && token.integrity.relative_id() < known::MEDIUM.relative_id() {
        let mut aces = sacl.aces().to_vec();
        let (kind, mask) = (AceKind::Label, LabelPolicy::NO_WRITE_UP);
        aces.insert(0, Ace { kind, flags: AceFlags::NONE, mask, sid: token.integrity });
        sacl = Listed::Present(Acl { aces });
    }
    let control = dacl_bits | sacl_bits;
    SecurityDescriptor { control, owner: Some(creator.owner), group: Some(creator.group), dacl, sacl }
}

/// The descriptor of an existing child after its parent's changed: its explicit entries stay in front, inherited ones
/// are replaced by those of the parent as it is now, and a protected list stays as it is. Where a child has no list
/// there is nothing to protect, and it stays so.
#[must_use]
pub fn repropagated(
    parent: &SecurityDescriptor,
    child: &SecurityDescriptor,
    kind: Child,
) -> SecurityDescriptor {
    let nobody = known::NOBODY;
    let creator = Creator { owner: child.owner.unwrap_or(nobody), group: child.group.unwrap_or(nobody) };
    let kind = Child { automatic: true, ..kind };
    let mut changed = child.clone();
    for (side, list, above) in
        [(DACL, &mut changed.dacl, &parent.dacl), (SACL, &mut changed.sacl, &parent.sacl)]
    {
        let Listed::Present(acl) = list else { continue };
        if child.control.contains(side.protected) {
            continue;
        }
        acl.aces.retain(|ace| !ace.flags.contains(AceFlags::INHERITED));
        acl.aces.extend(from_parent(above.aces(), kind, creator));
        changed.control = changed.control | side.automatic;
    }
    changed
}
