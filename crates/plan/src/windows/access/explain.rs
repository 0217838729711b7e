//! Answers that say why.

use crate::windows::descriptor::SecurityDescriptor;
use crate::windows::known;
use crate::windows::rights::{AccessMask, ObjectKind};
use crate::windows::sid::Sid;
use crate::windows::token::Privilege;

/// Which step of the check looked at the entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// The DACL, for the token's own SIDs.
    Dacl,
    /// The DACL, for the restricting SIDs.
    Restricting,
    /// The DACL, for the package and its capabilities.
    Package,
    /// There is no DACL.
    NoDacl,
    /// There is no DACL, and the token is an AppContainer's.
    NoDaclInContainer,
}

/// What decided about a right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decider {
    /// An entry of the DACL grants it.
    Allowed {
        /// In which pass.
        gate: Gate,
        /// Its place in the list, from 0.
        entry: usize,
    },
    /// An entry of the DACL refuses it.
    Denied {
        /// In which pass.
        gate: Gate,
        /// Its place in the list, from 0.
        entry: usize,
    },
    /// No entry of the DACL grants it.
    Unmentioned {
        /// In which pass.
        gate: Gate,
    },
    /// The object has no DACL.
    NoDacl,
    /// The object has no DACL, which gives an AppContainer nothing.
    NoDaclInContainer,
    /// The token owns the object.
    Owner,
    /// A privilege gives it.
    Privilege(Privilege),
    /// Only a privilege gives it, and the token has it not.
    NoPrivilege(Privilege),
    /// The object's label, of this level, refuses it.
    Label(Sid),
}

impl Decider {
    /// True if it speaks for the right.
    #[must_use]
    pub fn grants(&self) -> bool {
        matches!(self, Self::Allowed { .. } | Self::NoDacl | Self::Owner | Self::Privilege(_))
    }

    fn described(&self, descriptor: &SecurityDescriptor) -> String {
        let entry = |place: usize| {
            let ace = descriptor.dacl.aces().get(place);
            ace.map_or_else(
                || format!("entry {}", place + 1),
                |ace| format!("entry {} {ace} for {}", place + 1, known::described(&ace.sid)),
            )
        };
        match self {
            Self::Allowed { gate, entry: place } => format!("{} grants it{}", entry(*place), gate.to_whom()),
            Self::Denied { gate, entry: place } => format!("{} refuses it{}", entry(*place), gate.to_whom()),
            Self::Unmentioned { gate } => format!("no entry grants it{}", gate.to_whom()),
            Self::NoDacl => "the object has no DACL, so everybody gets it".to_owned(),
            Self::NoDaclInContainer => {
                "the object has no DACL, which gives an AppContainer nothing".to_owned()
            }
            Self::Owner => "the token owns the object".to_owned(),
            Self::Privilege(privilege) => format!("{} gives it", privilege.name()),
            Self::NoPrivilege(privilege) => {
                format!("only {} gives it, which is not enabled", privilege.name())
            }
            Self::Label(level) => format!("the object's label {} refuses it", known::described(level)),
        }
    }
}

impl Gate {
    fn to_whom(self) -> &'static str {
        match self {
            Self::Restricting => " to a restricting SID",
            Self::Package => " to the package or a capability",
            Self::Dacl | Self::NoDacl | Self::NoDaclInContainer => "",
        }
    }
}

/// One right and what decided about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The right: one bit.
    pub right: AccessMask,
    /// Whether it is granted.
    pub granted: bool,
    /// What each step that looked at it found; of a refusal the one that refused.
    pub deciders: Vec<Decider>,
}

/// The result of an access check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The kind of object, for the names of rights.
    pub kind: ObjectKind,
    /// Whether the object is opened.
    pub allowed: bool,
    /// The rights of the handle; none if it is not opened.
    pub granted: AccessMask,
    /// One for each right that was asked, lowest first.
    pub verdicts: Vec<Verdict>,
}

impl Answer {
    /// One line for each right that was asked: what it is, whether it is granted, and why. `descriptor` is the one
    /// that was checked.
    #[must_use]
    pub fn why(&self, descriptor: &SecurityDescriptor) -> Vec<String> {
        let line = |verdict: &Verdict| {
            let word = if verdict.granted { "granted" } else { "refused" };
            let reasons: Vec<String> =
                verdict.deciders.iter().map(|decider| decider.described(descriptor)).collect();
            format!("{}: {word}: {}", self.kind.right(verdict.right), reasons.join("; "))
        };
        self.verdicts.iter().map(line).collect()
    }
}
