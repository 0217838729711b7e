//! The Windows model: what a token may do to an object, decided in pure code.
//!
//! Sources: MS-DTYP ("Windows Data Types", sections 2.4 and 2.5), Microsoft's documentation of access control, and
//! where these are silent published descriptions and measurements; `docs/windows-model.md` names each. What the
//! model cannot decide is refused with the reason, never guessed.

pub mod access;
pub mod acl;
pub mod author;
pub mod changes;
pub mod derive;
pub mod descriptor;
pub mod doctor;
pub mod facts;
pub mod inherit;
pub mod journal;
pub mod known;
pub mod launch;
mod lower;
pub mod machine;
pub mod path;
pub mod proof;
mod questions;
pub mod quote;
pub mod relay;
pub mod rights;
pub mod sddl;
pub mod setup;
pub mod sid;
pub mod spec;
pub mod token;

pub use access::{AccessRequest, Answer, Undecidable, check, reachable, reachable_file};
pub use acl::{Ace, AceFlags, AceKind, Acl, AclError, LabelPolicy};
pub use descriptor::{Control, DescriptorError, Listed, SecurityDescriptor};
pub use lower::{gaps, lower, target_token};
pub use questions::{further_questions, questions};
pub use rights::{AccessMask, GenericMapping, ObjectKind};
pub use sddl::SddlError;
pub use sid::{Sid, SidError};
pub use token::{AppContainer, Group, Membership, Privilege, Restriction, RestrictionError, Token};
