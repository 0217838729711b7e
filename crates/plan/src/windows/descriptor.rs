//! Security descriptors: owner, group and the two lists of an object.
//!
//! Source: MS-DTYP 2.4.6. A list that is absent, one that is NULL and one that is empty are three things: the first
//! two let everybody in, the last nobody.

use super::acl::{Ace, AceKind, Acl, AclError, ListKind};
use super::sid::{Sid, SidError};
use core::fmt;
use core::ops::BitOr;
use serde::{Deserialize, Serialize};

/// A list of a descriptor.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Listed {
    /// The descriptor says nothing.
    #[default]
    Absent,
    /// It says that there is none: as a DACL, no protection.
    Null,
    /// The entries, which may be none.
    Present(Acl),
}

impl Listed {
    /// The entries, where there is a list.
    #[must_use]
    pub fn acl(&self) -> Option<&Acl> {
        match self {
            Self::Absent | Self::Null => None,
            Self::Present(acl) => Some(acl),
        }
    }

    /// The entries; none where there is no list.
    #[must_use]
    pub fn aces(&self) -> &[Ace] {
        self.acl().map_or(&[], |acl| &acl.aces)
    }
}

/// Control bits (MS-DTYP 2.4.6), without those that the form of the descriptor implies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Control(pub u16);

impl Control {
    /// None.
    pub const NONE: Self = Self(0);
    /// The owner was chosen by default.
    pub const OWNER_DEFAULTED: Self = Self(0x0001);
    /// The group was chosen by default.
    pub const GROUP_DEFAULTED: Self = Self(0x0002);
    /// The DACL was chosen by default.
    pub const DACL_DEFAULTED: Self = Self(0x0008);
    /// The SACL was chosen by default.
    pub const SACL_DEFAULTED: Self = Self(0x0020);
    /// The DACL shall be inherited by existing children (`AR`).
    pub const DACL_INHERIT_REQUIRED: Self = Self(0x0100);
    /// The SACL shall be inherited by existing children.
    pub const SACL_INHERIT_REQUIRED: Self = Self(0x0200);
    /// The DACL was made by inheritance (`AI`).
    pub const DACL_AUTO_INHERITED: Self = Self(0x0400);
    /// The SACL was made by inheritance.
    pub const SACL_AUTO_INHERITED: Self = Self(0x0800);
    /// The DACL takes nothing from the parent (`P`).
    pub const DACL_PROTECTED: Self = Self(0x1000);
    /// The SACL takes nothing from the parent.
    pub const SACL_PROTECTED: Self = Self(0x2000);
    /// All that are understood.
    pub const ALL: Self = Self(0x3f2b);

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

impl BitOr for Control {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// A security descriptor.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecurityDescriptor {
    /// Control bits.
    pub control: Control,
    /// The owner.
    pub owner: Option<Sid>,
    /// The primary group, which no access check reads.
    pub group: Option<Sid>,
    /// Who gets what.
    pub dacl: Listed,
    /// What is audited, and the label.
    pub sacl: Listed,
}

/// Why bytes are no descriptor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DescriptorError {
    /// Fewer bytes than the header or what it points to.
    Short,
    /// The revision is not 1.
    Revision(u8),
    /// Bits or reserved bytes that are not understood.
    Control(u16),
    /// Not self-relative: it holds addresses.
    Absolute,
    /// An offset that is not a multiple of four, lies in the header, or belongs to a list that is said to be absent.
    Offset(u32),
    /// The owner or the group.
    Sid(SidError),
    /// The DACL.
    Dacl(AclError),
    /// The SACL.
    Sacl(AclError),
}

impl fmt::Display for DescriptorError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short => write!(out, "the security descriptor ends too early"),
            Self::Revision(found) => write!(out, "security descriptors have revision 1, not {found}"),
            Self::Control(bits) => write!(out, "the control bits {bits:#06x} are not understood"),
            Self::Absolute => write!(out, "the security descriptor is not self-relative"),
            Self::Offset(offset) => {
                write!(out, "nothing can lie at offset {offset} of a security descriptor")
            }
            Self::Sid(error) => write!(out, "owner or group: {error}"),
            Self::Dacl(error) => write!(out, "DACL: {error}"),
            Self::Sacl(error) => write!(out, "SACL: {error}"),
        }
    }
}

impl core::error::Error for DescriptorError {}

/// Length of the header of the self-relative form.
const HEADER: usize = 20;
const SELF_RELATIVE: u16 = 0x8000;
const DACL_PRESENT: u16 = 0x0004;
const SACL_PRESENT: u16 = 0x0010;

impl SecurityDescriptor {
    /// The mandatory label that counts: the first that is not only for children.
    #[must_use]
    pub fn label(&self) -> Option<&Ace> {
        self.sacl.aces().iter().find(|ace| ace.kind == AceKind::Label && ace.is_effective())
    }

    /// The self-relative binary form.
    ///
    /// # Errors
    /// A list that is too long.
    pub fn to_bytes(&self) -> Result<Vec<u8>, DescriptorError> {
        let mut bits = self.control.0 & Control::ALL.0 | SELF_RELATIVE;
        let mut out = vec![0; HEADER];
        let mut offsets = [0_u32; 4];
        for (place, list, present) in [(2, &self.sacl, SACL_PRESENT), (3, &self.dacl, DACL_PRESENT)] {
            if *list != Listed::Absent {
                bits |= present;
            }
            if let Some(acl) = list.acl() {
                offsets[place] = offset(&out);
                acl.write(&mut out).map_err(|error| match place {
                    2 => DescriptorError::Sacl(error),
                    _ => DescriptorError::Dacl(error),
                })?;
            }
        }
        for (place, sid) in [(0, self.owner), (1, self.group)] {
            if let Some(sid) = sid {
                offsets[place] = offset(&out);
                sid.write(&mut out);
            }
        }
        out[0] = 1;
        out[2..4].copy_from_slice(&bits.to_le_bytes());
        for (place, offset) in offsets.iter().enumerate() {
            out[4 + 4 * place..8 + 4 * place].copy_from_slice(&offset.to_le_bytes());
        }
        Ok(out)
    }

    /// Reads the self-relative binary form.
    ///
    /// # Errors
    /// Everything that is not understood; nothing is passed over but bytes that nothing points to.
    pub fn read(bytes: &[u8]) -> Result<Self, DescriptorError> {
        let header = bytes.first_chunk::<HEADER>().ok_or(DescriptorError::Short)?;
        if header[0] != 1 {
            return Err(DescriptorError::Revision(header[0]));
        }
        let bits = u16::from_le_bytes([header[2], header[3]]);
        if bits & SELF_RELATIVE == 0 {
            return Err(DescriptorError::Absolute);
        }
        let known = Control::ALL.0 | SELF_RELATIVE | DACL_PRESENT | SACL_PRESENT;
        if bits & !known != 0 || header[1] != 0 {
            return Err(DescriptorError::Control(bits));
        }
        let at = |place: usize| {
            let start = 4 + 4 * place;
            u32::from_le_bytes([header[start], header[start + 1], header[start + 2], header[start + 3]])
        };
        let list = |place, present: u16, kind| match (bits & present != 0, at(place)) {
            (false, 0) => Ok(Listed::Absent),
            (false, offset) => Err(Wrong::Place(DescriptorError::Offset(offset))),
            (true, 0) => Ok(Listed::Null),
            (true, offset) => {
                let found = part(bytes, offset).map_err(Wrong::Place)?;
                Acl::read(found, kind).map(Listed::Present).map_err(Wrong::List)
            }
        };
        Ok(Self {
            control: Control(bits & Control::ALL.0),
            owner: sid(bytes, at(0))?,
            group: sid(bytes, at(1))?,
            sacl: list(2, SACL_PRESENT, ListKind::System).map_err(|wrong| wrong.of(DescriptorError::Sacl))?,
            dacl: list(3, DACL_PRESENT, ListKind::Discretionary)
                .map_err(|wrong| wrong.of(DescriptorError::Dacl))?,
        })
    }
}

/// What is wrong with a list: where it lies, or what it holds.
enum Wrong {
    Place(DescriptorError),
    List(AclError),
}

impl Wrong {
    fn of(self, list: impl FnOnce(AclError) -> DescriptorError) -> DescriptorError {
        match self {
            Self::Place(error) => error,
            Self::List(error) => list(error),
        }
    }
}

fn offset(out: &[u8]) -> u32 {
    // Two lists of 64 KiB at most precede.
    u32::try_from(out.len()).unwrap_or(u32::MAX)
}

fn part(bytes: &[u8], offset: u32) -> Result<&[u8], DescriptorError> {
    let start = usize::try_from(offset).map_err(|_| DescriptorError::Offset(offset))?;
    if start < HEADER || start % 4 != 0 {
        return Err(DescriptorError::Offset(offset));
    }
    bytes.get(start..).ok_or(DescriptorError::Short)
}

fn sid(bytes: &[u8], offset: u32) -> Result<Option<Sid>, DescriptorError> {
    if offset == 0 {
        return Ok(None);
    }
    Sid::read(part(bytes, offset)?).map(Some).map_err(DescriptorError::Sid)
}

#[cfg(test)]
mod tests {
    use super::super::acl::{AceFlags, LabelPolicy};
    use super::super::known;
    use super::super::rights::AccessMask;
    use super::*;

    fn sample() -> SecurityDescriptor {
        let label = Ace {
            kind: AceKind::Label,
            flags: AceFlags::NONE,
            mask: LabelPolicy::NO_WRITE_UP,
            sid: known::LOW,
        };
        SecurityDescriptor {
            control: Control::DACL_PROTECTED | Control::DACL_AUTO_INHERITED,
            owner: Some(known::ADMINISTRATORS),
            group: Some(known::SYSTEM),
            dacl: Listed::Present(Acl::new(vec![Ace::allow(known::EVERYONE, AccessMask::GENERIC_READ)])),
            sacl: Listed::Present(Acl::new(vec![label])),
        }
    }

    #[test]
    fn absent_null_and_empty_stay_apart() {
        for dacl in [Listed::Absent, Listed::Null, Listed::Present(Acl::default())] {
            let descriptor = SecurityDescriptor { dacl, ..sample() };
            assert_eq!(SecurityDescriptor::read(&descriptor.to_bytes().unwrap()), Ok(descriptor));
        }
        let bare = SecurityDescriptor::default();
        assert_eq!(bare.to_bytes().unwrap().len(), HEADER);
        assert_eq!(SecurityDescriptor::read(&bare.to_bytes().unwrap()), Ok(bare));
    }

    #[test]
    fn the_label_is_the_first_that_is_effective() {
        let mut descriptor = sample();
        assert_eq!(descriptor.label().unwrap().sid, known::LOW);
        let Listed::Present(acl) = &mut descriptor.sacl else { panic!() };
        acl.aces[0].flags = AceFlags::INHERIT_ONLY | AceFlags::CONTAINER_INHERIT;
        assert_eq!(descriptor.label(), None);
    }

    #[test]
    fn each_damage_is_refused() {
        let damaged = |at: usize, value: u8| {
            let mut bytes = sample().to_bytes().unwrap();
            bytes[at] = value;
            SecurityDescriptor::read(&bytes).unwrap_err()
        };
        assert_eq!(damaged(0, 2), DescriptorError::Revision(2));
        assert!(matches!(damaged(1, 1), DescriptorError::Control(_)));
        assert!(matches!(damaged(3, 0x40 | 0x80), DescriptorError::Control(_)));
        assert_eq!(damaged(3, 0x14), DescriptorError::Absolute);
        assert_eq!(damaged(4, 8), DescriptorError::Offset(8));
        assert_eq!(damaged(4, 21), DescriptorError::Offset(21));
        assert_eq!(damaged(7, 1), DescriptorError::Short);
        assert!(matches!(damaged(2, 0), DescriptorError::Offset(_)), "a list that is said to be absent");
        assert!(matches!(damaged(20, 9), DescriptorError::Sacl(AclError::Revision(9))));
        let bytes = sample().to_bytes().unwrap();
        assert_eq!(SecurityDescriptor::read(&bytes[..19]), Err(DescriptorError::Short));
        assert!((20..bytes.len()).all(|end| SecurityDescriptor::read(&bytes[..end]).is_err()));
    }
}
