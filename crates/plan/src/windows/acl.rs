//! Access control entries and lists: who gets or loses what.
//!
//! Source: MS-DTYP 2.4.4 (entries) and 2.4.5 (lists). Allow, deny, audit and mandatory-label entries are modelled.
//! All others are refused by name: conditions, object types and policies of a domain cannot be decided from a
//! descriptor and a token alone.

use super::rights::AccessMask;
use super::sid::{Sid, SidError};
use core::fmt;
use core::ops::BitOr;
use serde::{Deserialize, Serialize};

/// What an entry does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AceKind {
    /// Gives rights.
    Allow,
    /// Withholds rights.
    Deny,
    /// Writes a log entry; decides nothing.
    Audit,
    /// The object's integrity level; its mask is a set of [`LabelPolicy`] bits.
    Label,
}

impl AceKind {
    /// The number of the type in the binary form (MS-DTYP 2.4.4.1).
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::Allow => 0,
            Self::Deny => 1,
            Self::Audit => 2,
            Self::Label => 17,
        }
    }

    fn from_number(number: u8) -> Option<Self> {
        [Self::Allow, Self::Deny, Self::Audit, Self::Label].into_iter().find(|kind| kind.number() == number)
    }
}

/// Types of entries that are known and not decided, with their names.
const UNDECIDED: &[(u8, &str)] = &[
    (3, "alarm"),
    (4, "compound allow"),
    (5, "object allow"),
    (6, "object deny"),
    (7, "object audit"),
    (8, "object alarm"),
    (9, "conditional allow"),
    (10, "conditional deny"),
    (11, "conditional object allow"),
    (12, "conditional object deny"),
    (13, "conditional audit"),
    (14, "conditional alarm"),
    (15, "conditional object audit"),
    (16, "conditional object alarm"),
    (18, "resource attribute"),
    (19, "central access policy"),
    (20, "process trust label"),
    (21, "access filter"),
];

/// Flags of an entry (MS-DTYP 2.4.4.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AceFlags(pub u8);

impl AceFlags {
    /// None.
    pub const NONE: Self = Self(0);
    /// Files inherit it (`OI`).
    pub const OBJECT_INHERIT: Self = Self(0x01);
    /// Directories inherit it (`CI`).
    pub const CONTAINER_INHERIT: Self = Self(0x02);
    /// Children do not pass it on (`NP`).
    pub const NO_PROPAGATE: Self = Self(0x04);
    /// It says nothing about the object itself (`IO`).
    pub const INHERIT_ONLY: Self = Self(0x08);
    /// It came from the parent (`ID`).
    pub const INHERITED: Self = Self(0x10);
    /// Successes are audited (`SA`).
    pub const SUCCESSFUL_ACCESS: Self = Self(0x40);
    /// Failures are audited (`FA`).
    pub const FAILED_ACCESS: Self = Self(0x80);
    /// Those about inheritance by children.
    pub const INHERITANCE: Self = Self(0x0f);
    /// All that are understood.
    pub const ALL: Self = Self(0xdf);

    /// True if all of `other` is in it.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// What is in it and not in `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

impl BitOr for AceFlags {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// What the mask of a mandatory label refuses to lower levels (MS-DTYP 2.4.4.13).
#[derive(Clone, Copy, Debug)]
pub struct LabelPolicy;

impl LabelPolicy {
    /// `NW`: no writing from below.
    pub const NO_WRITE_UP: AccessMask = AccessMask(1);
    /// `NR`: no reading from below.
    pub const NO_READ_UP: AccessMask = AccessMask(2);
    /// `NX`: no executing from below.
    pub const NO_EXECUTE_UP: AccessMask = AccessMask(4);
    /// All that are defined.
    pub const ALL: AccessMask = AccessMask(7);
}

/// One entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ace {
    /// What it does.
    pub kind: AceKind,
    /// Inheritance and audit.
    pub flags: AceFlags,
    /// The rights, or for a label its policy.
    pub mask: AccessMask,
    /// Whom it concerns, or for a label the level.
    pub sid: Sid,
}

impl Ace {
    /// An entry that gives rights on the object and is not inherited.
    #[must_use]
    pub fn allow(sid: Sid, mask: AccessMask) -> Self {
        Self { kind: AceKind::Allow, flags: AceFlags::NONE, mask, sid }
    }

    /// An entry that withholds rights on the object and is not inherited.
    #[must_use]
    pub fn deny(sid: Sid, mask: AccessMask) -> Self {
        Self { kind: AceKind::Deny, ..Self::allow(sid, mask) }
    }

    /// The same entry with these flags.
    #[must_use]
    pub fn flagged(self, flags: AceFlags) -> Self {
        Self { flags, ..self }
    }

    /// False if it only waits for children.
    #[must_use]
    pub fn is_effective(&self) -> bool {
        !self.flags.contains(AceFlags::INHERIT_ONLY)
    }

    /// Length of the binary form.
    #[must_use]
    pub fn size(&self) -> usize {
        8 + self.sid.size()
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[self.kind.number(), self.flags.0]);
        out.extend_from_slice(&u16::try_from(self.size()).unwrap_or(u16::MAX).to_le_bytes());
        out.extend_from_slice(&self.mask.0.to_le_bytes());
        self.sid.write(out);
    }

    /// Reads the entry with which `bytes` begin, and its length.
    fn read(bytes: &[u8]) -> Result<(Self, usize), AclError> {
        let [number, flags, low, high, rest @ ..] = bytes else { return Err(AclError::Short) };
        let size = usize::from(u16::from_le_bytes([*low, *high]));
        if let Some((_, name)) = UNDECIDED.iter().find(|(known, _)| known == number) {
            return Err(AclError::Undecidable { name });
        }
        let kind = AceKind::from_number(*number).ok_or(AclError::Kind(*number))?;
        let flags = AceFlags(*flags);
        if !AceFlags::ALL.contains(flags) {
            return Err(AclError::Flags(flags.0));
        }
        let body = size.checked_sub(4).and_then(|length| rest.get(..length)).ok_or(AclError::Short)?;
        let [a, b, c, d, sid @ ..] = body else { return Err(AclError::Short) };
        let sid_read = Sid::read(sid).map_err(AclError::Sid)?;
        if sid_read.size() != sid.len() {
            return Err(AclError::Length);
        }
        let mask = AccessMask(u32::from_le_bytes([*a, *b, *c, *d]));
        let ace = Self { kind, flags, mask, sid: sid_read };
        ace.check()?;
        Ok((ace, size))
    }

    /// Whether a label has a level and a defined policy.
    ///
    /// # Errors
    /// [`AclError::Label`].
    pub fn check(&self) -> Result<(), AclError> {
        if self.kind != AceKind::Label {
            return Ok(());
        }
        let level = self.sid.authority() == 16 && self.sid.sub_authorities().len() == 1;
        if level && LabelPolicy::ALL.contains(self.mask) { Ok(()) } else { Err(AclError::Label) }
    }
}

/// Which list of a descriptor entries stand in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListKind {
    /// The discretionary list: allow and deny.
    Discretionary,
    /// The system list: audit and label.
    System,
}

impl ListKind {
    /// Whether an entry of this kind belongs there.
    #[must_use]
    pub fn takes(self, kind: AceKind) -> bool {
        matches!(
            (self, kind),
            (Self::Discretionary, AceKind::Allow | AceKind::Deny)
                | (Self::System, AceKind::Audit | AceKind::Label)
        )
    }
}

/// A list of entries, in the order in which they are judged.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acl {
    /// The entries.
    pub aces: Vec<Ace>,
}

/// Why bytes are no list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AclError {
    /// The bytes end too early.
    Short,
    /// A length does not fit what it measures, or is not a multiple of four.
    Length,
    /// The revision is neither 2 nor 4.
    Revision(u8),
    /// Reserved bytes are not zero.
    Reserved,
    /// A type of entry that nobody documents.
    Kind(u8),
    /// Flags that are not understood.
    Flags(u8),
    /// A kind of entry that cannot be decided here.
    Undecidable {
        /// Its name.
        name: &'static str,
    },
    /// A label without a level or with an undefined policy.
    Label,
    /// An entry that does not belong into this list.
    Place,
    /// A bad SID.
    Sid(SidError),
    /// Too many entries for the binary form.
    TooLong,
}

impl fmt::Display for AclError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short => write!(out, "the list ends within an entry"),
            Self::Length => write!(out, "a length in the list does not fit what it measures"),
            Self::Revision(found) => write!(out, "lists have revision 2 or 4, not {found}"),
            Self::Reserved => write!(out, "reserved bytes of the list are not zero"),
            Self::Kind(number) => write!(out, "no entry has the type {number}"),
            Self::Flags(flags) => write!(out, "the flags {flags:#04x} of an entry are not understood"),
            Self::Undecidable { name } => write!(out, "{name} entries cannot be decided here"),
            Self::Label => write!(out, "a mandatory label needs a level and a known policy"),
            Self::Place => write!(out, "an entry does not belong into this list"),
            Self::Sid(error) => error.fmt(out),
            Self::TooLong => write!(out, "a list has at most 65,535 bytes"),
        }
    }
}

impl core::error::Error for AclError {}

impl Acl {
    /// A list of these entries.
    #[must_use]
    pub fn new(aces: Vec<Ace>) -> Self {
        Self { aces }
    }

    /// Length of the binary form.
    #[must_use]
    pub fn size(&self) -> usize {
        8 + self.aces.iter().map(Ace::size).sum::<usize>()
    }

    /// Appends the binary form, revision 2.
    ///
    /// # Errors
    /// [`AclError::TooLong`].
    pub fn write(&self, out: &mut Vec<u8>) -> Result<(), AclError> {
        let size = u16::try_from(self.size()).map_err(|_| AclError::TooLong)?;
        let count = u16::try_from(self.aces.len()).map_err(|_| AclError::TooLong)?;
        out.extend_from_slice(&[2, 0]);
        out.extend_from_slice(&size.to_le_bytes());
        out.extend_from_slice(&count.to_le_bytes());
        out.extend_from_slice(&[0, 0]);
        self.aces.iter().for_each(|ace| ace.write(out));
        Ok(())
    }

    /// Reads the list with which `bytes` begin. Room behind the last entry, which Windows leaves for more, is
    /// passed over.
    ///
    /// # Errors
    /// Everything that is not understood.
    pub fn read(bytes: &[u8], list: ListKind) -> Result<Self, AclError> {
        let Some([revision, sbz1, a, b, c, d, e, f]) = bytes.first_chunk::<8>() else {
            return Err(AclError::Short);
        };
        if !matches!(revision, 2 | 4) {
            return Err(AclError::Revision(*revision));
        }
        if [sbz1, e, f] != [&0; 3] {
            return Err(AclError::Reserved);
        }
        let size = usize::from(u16::from_le_bytes([*a, *b]));
        let count = u16::from_le_bytes([*c, *d]);
        if size % 4 != 0 {
            return Err(AclError::Length);
        }
        let mut rest = bytes.get(8..size).ok_or(AclError::Short)?;
        let mut aces = Vec::new();
        for _ in 0..count {
            let (ace, taken) = Ace::read(rest)?;
            if taken % 4 != 0 {
                return Err(AclError::Length);
            }
            if !list.takes(ace.kind) {
                return Err(AclError::Place);
            }
            aces.push(ace);
            rest = &rest[taken..];
        }
        Ok(Self { aces })
    }

    /// True if entries stand as editors order them: explicit before inherited, and among these denials first.
    #[must_use]
    pub fn is_canonical(&self) -> bool {
        let place = |ace: &Ace| {
            let inherited = ace.flags.contains(AceFlags::INHERITED);
            // Inherited entries keep the order of their parents, so nearer ones come first and nothing is said of them.
            if inherited { 2 } else { u8::from(ace.kind == AceKind::Allow) }
        };
        self.aces.is_sorted_by_key(place)
    }
}

#[cfg(test)]
mod tests {
    use super::super::known;
    use super::*;

    fn read(bytes: &[u8]) -> Result<Acl, AclError> {
        Acl::read(bytes, ListKind::Discretionary)
    }

    fn sample() -> (Acl, Vec<u8>) {
        let inherited = AceFlags::OBJECT_INHERIT | AceFlags::CONTAINER_INHERIT;
        let acl = Acl::new(vec![
            Ace::deny(known::EVERYONE, AccessMask::DELETE),
            Ace::allow(known::ADMINISTRATORS, AccessMask(0x001f_01ff)).flagged(inherited),
        ]);
        let mut bytes = Vec::new();
        acl.write(&mut bytes).unwrap();
        (acl, bytes)
    }

    #[test]
    fn the_binary_form_is_that_of_the_specification() {
        let (acl, bytes) = sample();
        let expected: &[u8] = &[
            2, 0, 52, 0, 2, 0, 0, 0, // revision 2, 52 bytes, 2 entries
            1, 0, 20, 0, 0, 0, 1, 0, 1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, // deny DELETE to S-1-1-0
            0, 3, 24, 0, 255, 1, 31, 0, 1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 32, 2, 0, 0,
        ];
        assert_eq!(bytes, expected);
        assert_eq!(read(&bytes), Ok(acl));
    }

    #[test]
    fn room_behind_the_entries_is_passed_over() {
        let (acl, mut bytes) = sample();
        bytes[2] = 60;
        bytes.extend_from_slice(&[0xee; 8]);
        assert_eq!(read(&bytes), Ok(acl));
    }

    #[test]
    fn each_damage_is_refused() {
        let damaged = |at: usize, value: u8| {
            let (_, mut bytes) = sample();
            bytes[at] = value;
            read(&bytes).unwrap_err()
        };
        assert_eq!(damaged(0, 3), AclError::Revision(3));
        assert_eq!(damaged(1, 1), AclError::Reserved);
        assert_eq!(damaged(6, 1), AclError::Reserved);
        assert_eq!(damaged(2, 53), AclError::Length);
        assert_eq!(damaged(2, 56), AclError::Short);
        assert_eq!(damaged(4, 3), AclError::Short);
        assert_eq!(damaged(8, 99), AclError::Kind(99));
        assert_eq!(damaged(8, 17), AclError::Label);
        assert_eq!(damaged(8, 2), AclError::Place);
        assert_eq!(damaged(9, 0x20), AclError::Flags(0x20));
        assert_eq!(damaged(10, 24), AclError::Length);
        assert_eq!(damaged(10, 3), AclError::Short);
        assert!(matches!(damaged(16, 2), AclError::Sid(SidError::Revision(2))));
        let (_, bytes) = sample();
        assert_eq!(read(&bytes[..20]), Err(AclError::Short));
    }

    #[test]
    fn what_cannot_be_decided_is_refused_by_name() {
        for (number, name) in UNDECIDED {
            let (_, mut bytes) = sample();
            bytes[8] = *number;
            let error = read(&bytes).unwrap_err();
            assert_eq!(error, AclError::Undecidable { name });
            assert!(error.to_string().starts_with(name));
        }
    }

    #[test]
    fn a_list_that_is_too_long_is_not_written() {
        let acl = Acl::new(vec![Ace::allow(known::EVERYONE, AccessMask::DELETE); 4000]);
        assert_eq!(acl.write(&mut Vec::new()), Err(AclError::TooLong));
    }

    #[test]
    fn canonical_order_is_explicit_denials_first() {
        let deny = Ace::deny(known::EVERYONE, AccessMask::DELETE);
        let allow = Ace::allow(known::EVERYONE, AccessMask::DELETE);
        let inherited = deny.flagged(AceFlags::INHERITED);
        assert!(Acl::new(vec![deny, allow, inherited]).is_canonical());
        assert!(!Acl::new(vec![allow, deny]).is_canonical());
        assert!(!Acl::new(vec![inherited, allow]).is_canonical());
    }
}
