//! The policy model of garth: what a sandboxed command may do, and who said so.
//!
//! Pure: no I/O, nothing under `cfg(target_os)`. [`Policy::decide`] is the one meaning of a policy; backends, the
//! proxy and the explanations are all tested against it.
//!
//! Without the feature `load` the crate is the core that the runner links: model, tables and decisions. With it
//! come policy files: layers, diagnostics, JSON Schema, trust and editing.

mod address;
pub mod agents;
mod commands;
mod context;
mod decision;
#[cfg(feature = "load")]
mod diff;
#[cfg(feature = "load")]
mod edit;
pub mod env;
mod files;
mod git;
mod glob;
mod host;
pub mod limits;
#[cfg(feature = "load")]
mod load;
mod network;
mod origin;
mod path;
mod places;
mod policy;
mod profile;
mod programs;
pub mod protected;
mod proxy;
#[cfg(feature = "load")]
mod reference;
#[cfg(feature = "load")]
mod schema;
pub mod secrets;
mod session;
#[cfg(feature = "load")]
mod show;
#[cfg(feature = "load")]
mod template;
mod undo;

pub use address::{
    AddressKind, Cidr, SPECIAL_RANGES, SpecialRange, canonical, embedded, is_special, special_range,
};
pub use commands::{CommandDecision, CommandRule, Commands, ExampleFailure, RuleTest, split_words};
pub use context::{Context, Os};
pub use decision::{AccessRequest, Decision, LeastGrant, Outcome, toml_string};
#[cfg(feature = "load")]
pub use diff::{Change, Direction, diff};
#[cfg(feature = "load")]
pub use edit::{Addition, EditError, add};
pub use env::{EnvDecision, EnvGuard, Environment};
pub use files::{
    Access, Boundary, FileDecision, FileOp, FileRule, FileRules, Grant, Lookup, NodeKind, Pattern, RuleKind,
    Verdict, Vet,
};
pub use git::{GitGuard, INSTALLING as GIT_CONFIG_INSTALLING, ROWS as GIT_GUARDS};
pub use glob::{Glob, GlobError, is_pattern};
pub use host::{HostError, HostPattern, normalise_host};
pub use limits::Limits;
#[cfg(feature = "load")]
pub use load::{
    CheckProgram, Diagnostic, Diagnostics, Flag, Inputs, Loaded, Related, Setting, Severity, Source,
    TrustStore, agent_named, check, check_with, content_hash, load, load_with,
};
pub use network::{
    DomainRule, HttpRule, Network, NetworkBudget, NetworkCode, NetworkDecision, NetworkMode, SecretBinding,
    SecretPlace, SecretSource, is_ambiguous_path,
};
pub use origin::{Layer, Origin, Sourced};
pub use path::{AbsPath, Flavor, PathError, escape_lossless, escape_visible};
pub use places::{Place, Places, place_paths, places};
pub use policy::Policy;
pub use profile::Profile;
pub use programs::ProgramRow;
pub use proxy::{ProxyPlace, ProxyRule, ProxyScheme};
#[cfg(feature = "load")]
pub use reference::reference_markdown;
#[cfg(feature = "load")]
pub use schema::schema;
pub use session::{ApprovalMode, Approvals, Audit, DeviceClass, Reads, Tier, TierMinimum};
#[cfg(feature = "load")]
pub use show::{show_json, show_text};
#[cfg(feature = "load")]
pub use template::init_template;
pub use undo::{Undo, UndoFallback, UndoMode};
