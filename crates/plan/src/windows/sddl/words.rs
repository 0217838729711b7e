//! The words of SDDL.
//!
//! Source: MS-DTYP 2.5.1.1, "ACE strings" in Microsoft's documentation.

use super::super::acl::{AceFlags, AceKind};
use super::super::descriptor::Control;
use super::super::rights::AccessMask;

/// Types of entries that are modelled.
pub const KINDS: &[(&str, AceKind)] =
    &[("A", AceKind::Allow), ("D", AceKind::Deny), ("AU", AceKind::Audit), ("ML", AceKind::Label)];

/// Types of entries that are known and cannot be decided, with their names.
pub const UNDECIDED: &[(&str, &str)] = &[
    ("AL", "alarm"),
    ("OA", "object allow"),
    ("OD", "object deny"),
    ("OU", "object audit"),
    ("OL", "object alarm"),
    ("XA", "conditional allow"),
    ("XD", "conditional deny"),
    ("XU", "conditional audit"),
    ("ZA", "conditional object allow"),
    ("RA", "resource attribute"),
    ("SP", "central access policy"),
    ("TL", "process trust label"),
    ("FL", "access filter"),
];

/// Flags of entries.
pub const FLAGS: &[(&str, AceFlags)] = &[
    ("OI", AceFlags::OBJECT_INHERIT),
    ("CI", AceFlags::CONTAINER_INHERIT),
    ("NP", AceFlags::NO_PROPAGATE),
    ("IO", AceFlags::INHERIT_ONLY),
    ("ID", AceFlags::INHERITED),
    ("SA", AceFlags::SUCCESSFUL_ACCESS),
    ("FA", AceFlags::FAILED_ACCESS),
];

/// Rights. The first seventeen stand for one bit each, lowest first, as Windows writes them; the others for what a
/// generic right means for files and keys.
pub const RIGHTS: &[(&str, AccessMask)] = &[
    ("CC", AccessMask(0x001)),
    ("DC", AccessMask(0x002)),
    ("LC", AccessMask(0x004)),
    ("SW", AccessMask(0x008)),
    ("RP", AccessMask(0x010)),
    ("WP", AccessMask(0x020)),
    ("DT", AccessMask(0x040)),
    ("LO", AccessMask(0x080)),
    ("CR", AccessMask(0x100)),
    ("SD", AccessMask::DELETE),
    ("RC", AccessMask::READ_CONTROL),
    ("WD", AccessMask::WRITE_DAC),
    ("WO", AccessMask::WRITE_OWNER),
    ("GA", AccessMask::GENERIC_ALL),
    ("GX", AccessMask::GENERIC_EXECUTE),
    ("GW", AccessMask::GENERIC_WRITE),
    ("GR", AccessMask::GENERIC_READ),
    ("FA", AccessMask(0x001f_01ff)),
    ("FR", AccessMask(0x0012_0089)),
    ("FW", AccessMask(0x0012_0116)),
    ("FX", AccessMask(0x0012_00a0)),
    ("KA", AccessMask(0x000f_003f)),
    ("KR", AccessMask(0x0002_0019)),
    ("KW", AccessMask(0x0002_0006)),
    ("KX", AccessMask(0x0002_0019)),
];

/// What a mandatory label refuses.
pub const LABEL_RIGHTS: &[(&str, AccessMask)] =
    &[("NW", AccessMask(1)), ("NR", AccessMask(2)), ("NX", AccessMask(4))];

/// What stands between a section's letter and its entries, with the bits for `D:` and for `S:`.
pub const CONTROLS: &[(&str, Control, Control)] = &[
    ("P", Control::DACL_PROTECTED, Control::SACL_PROTECTED),
    ("AR", Control::DACL_INHERIT_REQUIRED, Control::SACL_INHERIT_REQUIRED),
    ("AI", Control::DACL_AUTO_INHERITED, Control::SACL_AUTO_INHERITED),
];

/// A list that is NULL.
pub const NULL_LIST: &str = "NO_ACCESS_CONTROL";
