//! Access masks: the rights of each kind of object, their names, and what the generic rights mean.
//!
//! Source: MS-DTYP 2.4.3 (access mask), "File security and access rights", "Registry key security and access
//! rights", "Process security and access rights", "Job object security and access rights", "Desktop security and
//! access rights" and `winnt.h`.

use core::fmt;
use core::ops::{BitAnd, BitOr, BitOrAssign, Not};
use serde::{Deserialize, Serialize};

/// A set of rights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AccessMask(pub u32);

impl AccessMask {
    /// No right.
    pub const NONE: Self = Self(0);
    /// Remove the object.
    pub const DELETE: Self = Self(0x0001_0000);
    /// Read owner, group and DACL.
    pub const READ_CONTROL: Self = Self(0x0002_0000);
    /// Write the DACL.
    pub const WRITE_DAC: Self = Self(0x0004_0000);
    /// Write the owner and the label.
    pub const WRITE_OWNER: Self = Self(0x0008_0000);
    /// Wait for the object.
    pub const SYNCHRONIZE: Self = Self(0x0010_0000);
    /// Read and write the SACL; given by a privilege alone.
    pub const ACCESS_SYSTEM_SECURITY: Self = Self(0x0100_0000);
    /// Asks for everything that would be granted.
    pub const MAXIMUM_ALLOWED: Self = Self(0x0200_0000);
    /// Everything, as the kind of object has it.
    pub const GENERIC_ALL: Self = Self(0x1000_0000);
    /// Executing, as the kind of object has it.
    pub const GENERIC_EXECUTE: Self = Self(0x2000_0000);
    /// Writing, as the kind of object has it.
    pub const GENERIC_WRITE: Self = Self(0x4000_0000);
    /// Reading, as the kind of object has it.
    pub const GENERIC_READ: Self = Self(0x8000_0000);
    /// The four generic rights.
    pub const GENERIC: Self = Self(0xf000_0000);
    /// The rights that every kind of object has.
    pub const STANDARD: Self = Self(0x001f_0000);
    /// `FILE_READ_DATA`, of a directory `FILE_LIST_DIRECTORY`.
    pub const FILE_READ_DATA: Self = Self(0x1);
    /// `FILE_WRITE_DATA`, of a directory `FILE_ADD_FILE`.
    pub const FILE_WRITE_DATA: Self = Self(0x2);
    /// `FILE_APPEND_DATA`, of a directory `FILE_ADD_SUBDIRECTORY`.
    pub const FILE_APPEND_DATA: Self = Self(0x4);
    /// `FILE_READ_EA`.
    pub const FILE_READ_EA: Self = Self(0x8);
    /// `FILE_WRITE_EA`.
    pub const FILE_WRITE_EA: Self = Self(0x10);
    /// `FILE_EXECUTE`, of a directory `FILE_TRAVERSE`.
    pub const FILE_EXECUTE: Self = Self(0x20);
    /// `FILE_DELETE_CHILD`: remove what lies in a directory, whatever its own DACL says.
    pub const FILE_DELETE_CHILD: Self = Self(0x40);
    /// `FILE_READ_ATTRIBUTES`.
    pub const FILE_READ_ATTRIBUTES: Self = Self(0x80);
    /// `FILE_WRITE_ATTRIBUTES`.
    pub const FILE_WRITE_ATTRIBUTES: Self = Self(0x100);

    /// True if nothing is in it.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// True if all of `other` is in it.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// True if some of `other` is in it.
    #[must_use]
    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// What is in it and not in `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// What is in it or in `other`.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Each right of it alone, lowest first.
    pub fn bits(self) -> impl Iterator<Item = Self> {
        (0..u32::BITS).map(|bit| Self(1 << bit)).filter(move |bit| self.intersects(*bit))
    }
}

impl BitOr for AccessMask {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        self.with(other)
    }
}

impl BitOrAssign for AccessMask {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

impl BitAnd for AccessMask {
    type Output = Self;
    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl Not for AccessMask {
    type Output = Self;
    fn not(self) -> Self {
        Self(!self.0)
    }
}

impl fmt::Display for AccessMask {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:#x}", self.0)
    }
}

/// What the four generic rights mean for a kind of object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GenericMapping {
    /// For `GENERIC_READ`.
    pub read: AccessMask,
    /// For `GENERIC_WRITE`.
    pub write: AccessMask,
    /// For `GENERIC_EXECUTE`.
    pub execute: AccessMask,
    /// For `GENERIC_ALL`.
    pub all: AccessMask,
}

impl GenericMapping {
    const fn of(read: u32, write: u32, execute: u32, all: u32) -> Self {
        Self {
            read: AccessMask(read),
            write: AccessMask(write),
            execute: AccessMask(execute),
            all: AccessMask(all),
        }
    }

    /// Replaces the generic rights of a mask by what they mean.
    #[must_use]
    pub const fn map(&self, mask: AccessMask) -> AccessMask {
        let mut mapped = mask.without(AccessMask::GENERIC);
        if mask.intersects(AccessMask::GENERIC_READ) {
            mapped = mapped.with(self.read);
        }
        if mask.intersects(AccessMask::GENERIC_WRITE) {
            mapped = mapped.with(self.write);
        }
        if mask.intersects(AccessMask::GENERIC_EXECUTE) {
            mapped = mapped.with(self.execute);
        }
        if mask.intersects(AccessMask::GENERIC_ALL) {
            mapped = mapped.with(self.all);
        }
        mapped
    }
}

/// A kind of object, with rights of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ObjectKind {
    /// A file.
    File,
    /// A directory: a file whose rights have other names.
    Directory,
    /// A named pipe, which has the rights of a file.
    Pipe,
    /// A registry key.
    Key,
    /// A process.
    Process,
    /// A job.
    Job,
    /// A desktop of a window station.
    Desktop,
    /// A mutex.
    Mutex,
}

const FILE: GenericMapping = GenericMapping::of(0x0012_0089, 0x0012_0116, 0x0012_00a0, 0x001f_01ff);
const KEY: GenericMapping = GenericMapping::of(0x0002_0019, 0x0002_0006, 0x0002_0019, 0x000f_003f);
const PROCESS: GenericMapping = GenericMapping::of(0x0002_0410, 0x0002_0bea, 0x0012_1001, 0x001f_ffff);
const JOB: GenericMapping = GenericMapping::of(0x0002_0004, 0x0002_000b, 0x0012_0000, 0x001f_003f);
const DESKTOP: GenericMapping = GenericMapping::of(0x0002_0041, 0x0002_00be, 0x0002_0100, 0x000f_01ff);
const MUTEX: GenericMapping = GenericMapping::of(0x0002_0001, 0x0002_0000, 0x0012_0000, 0x001f_0001);

const FILE_NAMES: [&str; 9] = [
    "read data",
    "write data",
    "append data",
    "read extended attributes",
    "write extended attributes",
    "execute",
    "delete children",
    "read attributes",
    "write attributes",
];
const DIRECTORY_NAMES: [&str; 9] = [
    "list directory",
    "add file",
    "add directory",
    "read extended attributes",
    "write extended attributes",
    "traverse",
    "delete children",
    "read attributes",
    "write attributes",
];
const KEY_NAMES: [&str; 6] = ["query value", "set value", "create key", "list keys", "notify", "create link"];
const PROCESS_NAMES: [&str; 14] = [
    "terminate",
    "create thread",
    "set session",
    "operate on memory",
    "read memory",
    "write memory",
    "duplicate handles",
    "create process",
    "set quota",
    "set information",
    "query information",
    "suspend and resume",
    "query limited information",
    "set limited information",
];
const JOB_NAMES: [&str; 6] =
    ["assign process", "set attributes", "query", "terminate", "set security attributes", "impersonate"];
const DESKTOP_NAMES: [&str; 9] = [
    "read objects",
    "create window",
    "create menu",
    "hook control",
    "record journal",
    "play journal",
    "enumerate",
    "write objects",
    "switch desktop",
];

impl ObjectKind {
    /// What generic rights mean here.
    #[must_use]
    pub const fn mapping(self) -> &'static GenericMapping {
        match self {
            Self::File | Self::Directory | Self::Pipe => &FILE,
            Self::Key => &KEY,
            Self::Process => &PROCESS,
            Self::Job => &JOB,
            Self::Desktop => &DESKTOP,
            Self::Mutex => &MUTEX,
        }
    }

    /// Names of the rights that only this kind has, lowest first.
    const fn specific(self) -> &'static [&'static str] {
        match self {
            Self::File | Self::Pipe => &FILE_NAMES,
            Self::Directory => &DIRECTORY_NAMES,
            Self::Key => &KEY_NAMES,
            Self::Process => &PROCESS_NAMES,
            Self::Job => &JOB_NAMES,
            Self::Desktop => &DESKTOP_NAMES,
            Self::Mutex => &["modify state"],
        }
    }

    /// The name of a single right, or its number.
    #[must_use]
    pub fn right(self, bit: AccessMask) -> String {
        let standard = match bit {
            AccessMask::DELETE => "delete",
            AccessMask::READ_CONTROL => "read the DACL",
            AccessMask::WRITE_DAC => "write the DACL",
            AccessMask::WRITE_OWNER => "take ownership",
            AccessMask::SYNCHRONIZE => "synchronize",
            AccessMask::ACCESS_SYSTEM_SECURITY => "access the SACL",
            AccessMask::MAXIMUM_ALLOWED => "maximum allowed",
            _ => {
                let place = bit.0.trailing_zeros() as usize;
                return self.specific().get(place).map_or_else(|| bit.to_string(), |name| (*name).to_owned());
            }
        };
        standard.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KINDS: [ObjectKind; 8] = [
        ObjectKind::File,
        ObjectKind::Directory,
        ObjectKind::Pipe,
        ObjectKind::Key,
        ObjectKind::Process,
        ObjectKind::Job,
        ObjectKind::Desktop,
        ObjectKind::Mutex,
    ];

    #[test]
    fn generic_rights_map_to_the_documented_ones() {
        let file = ObjectKind::File.mapping();
        assert_eq!(file.map(AccessMask::GENERIC_READ), AccessMask(0x0012_0089));
        assert_eq!(file.map(AccessMask::GENERIC_WRITE | AccessMask::DELETE), AccessMask(0x0013_0116));
        assert_eq!(file.map(AccessMask::GENERIC_EXECUTE), AccessMask(0x0012_00a0));
        assert_eq!(file.map(AccessMask::GENERIC_ALL), AccessMask(0x001f_01ff));
        assert_eq!(ObjectKind::Key.mapping().map(AccessMask::GENERIC_ALL), AccessMask(0x000f_003f));
    }

    #[test]
    fn all_has_what_the_others_have() {
        for kind in KINDS {
            let mapping = kind.mapping();
            assert!(mapping.all.contains(mapping.read | mapping.write | mapping.execute), "{kind:?}");
            let mask = mapping.map(AccessMask(u32::MAX));
            assert!(!mask.intersects(AccessMask::GENERIC));
            assert_eq!(mapping.map(mask), mask, "mapping twice changes nothing");
        }
    }

    #[test]
    fn rights_have_names() {
        assert_eq!(ObjectKind::File.right(AccessMask::FILE_WRITE_DATA), "write data");
        assert_eq!(ObjectKind::Directory.right(AccessMask::FILE_WRITE_DATA), "add file");
        assert_eq!(ObjectKind::Process.right(AccessMask(0x10)), "read memory");
        assert_eq!(ObjectKind::Key.right(AccessMask::WRITE_DAC), "write the DACL");
        assert_eq!(ObjectKind::File.right(AccessMask(0x8000)), "0x8000");
        assert_eq!(AccessMask(0x0012_0001).bits().count(), 3);
    }
}
