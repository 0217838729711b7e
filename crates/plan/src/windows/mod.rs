//! The Windows model: what a token may do to an object, decided in pure code.
//!
//! Sources: MS-DTYP ("Windows Data Types", sections 2.4 and 2.5), Microsoft's documentation of access control, and
//! where these are silent published descriptions and measurements; `docs/windows-model.md` names each. What the
//! model cannot decide is refused with the reason, never guessed.

pub mod derive;
pub mod known;
pub mod rights;
pub mod sid;

pub use rights::{AccessMask, GenericMapping, ObjectKind};
pub use sid::{Sid, SidError};
