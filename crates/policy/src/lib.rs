//! The policy model of garth: what a sandboxed command may do, and who said so.
//!
//! Pure: no I/O, nothing under `cfg(target_os)`. [`Policy::decide`] is the one meaning of a policy; backends, the
//! proxy and the explanations are all tested against it.
//!
//! Without the feature `load` the crate is the core that the runner links: model, tables and decisions. With it
//! come policy files: layers, diagnostics, JSON Schema, trust and editing.

mod context;
mod files;
mod git;
mod glob;
mod origin;
mod path;
mod places;
mod policy;
mod profile;
pub mod protected;
pub mod secrets;

pub use context::{Context, Os};
pub use files::{
    Access, Boundary, FileDecision, FileOp, FileRule, FileRules, Grant, NodeKind, Pattern, RuleKind, Verdict,
    Vet,
};
pub use git::{GitGuard, ROWS as GIT_GUARDS};
pub use glob::{Glob, GlobError, is_pattern};
pub use origin::{Layer, Origin, Sourced};
pub use path::{AbsPath, Flavor, PathError, escape_lossless, escape_visible};
pub use places::{Place, Places, places};
pub use policy::Policy;
pub use profile::Profile;
