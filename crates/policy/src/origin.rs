//! Where a value of a policy comes from.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;

/// The layer that a value comes from, weakest first.
///
/// `Managed` is no ordinary top layer but a ceiling: its grants are weaker than the user's own values (a user may
/// always narrow), and nothing that any other layer says exceeds them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layer {
    /// The built-in profile.
    Profile,
    /// The user's own policy file.
    User,
    /// The `garth.toml` of the workspace.
    Project,
    /// The command line.
    Flags,
    /// The administrator's file.
    Managed,
}

impl Layer {
    /// Every layer.
    pub const ALL: [Self; 5] = [Self::Profile, Self::User, Self::Project, Self::Flags, Self::Managed];

    /// Rank among values for the same key, where the highest replaces the others.
    #[must_use]
    pub fn rank(self) -> u8 {
        match self {
            Self::Profile => 0,
            Self::Managed => 1,
            Self::User => 2,
            Self::Project => 3,
            Self::Flags => 4,
        }
    }

    /// True for the layers that speak for the person or the administrator, and so may open a secret or a
    /// host-trusted file by naming it.
    #[must_use]
    pub fn opens_sealed(self) -> bool {
        matches!(self, Self::User | Self::Flags | Self::Managed)
    }

    /// The word used in messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Profile => "profile",
            Self::User => "user",
            Self::Project => "project",
            Self::Flags => "flags",
            Self::Managed => "managed",
        }
    }
}

/// The place of one value: layer, file (or flag, or built-in profile), line and column.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Origin {
    /// The layer.
    pub layer: Layer,
    /// File name, "built-in profile `workspace`", or the flag as typed.
    pub source: Cow<'static, str>,
    /// Line, counted from 1; 0 means that the value is not from a file.
    pub line: u32,
    /// Column in characters, counted from 1; 0 means that the value is not from a file.
    pub column: u32,
}

impl Origin {
    /// An origin that is no file.
    #[must_use]
    pub fn unplaced(layer: Layer, source: impl Into<Cow<'static, str>>) -> Self {
        Self { layer, source: source.into(), line: 0, column: 0 }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => out.write_str(&self.source),
            line => write!(out, "{}:{line}:{}", self.source, self.column),
        }
    }
}

/// A value together with the place it comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sourced<T> {
    /// The value.
    pub value: T,
    /// Where it was said.
    pub origin: Origin,
}

impl<T> Sourced<T> {
    /// Joins a value and its origin.
    pub fn new(value: T, origin: Origin) -> Self {
        Self { value, origin }
    }
}
