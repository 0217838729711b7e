//! How a machine stands to a step.

use super::{ATTRIBUTES, NULL_DEVICE, PACKAGES, Recorded, entries};
use crate::windows::acl::{Ace, AceFlags, AceKind, Acl};
use crate::windows::descriptor::Listed;
use crate::windows::facts::{PathFact, Security, VolumeKind};
use crate::windows::known;
use crate::windows::rights::{AccessMask, ObjectKind};
use crate::windows::sid::Sid;
use garth_policy::{AbsPath, NodeKind};
use serde::Serialize;

/// How a machine stands to a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", content = "detail", rename_all = "kebab-case")]
pub enum State {
    /// What has to be there is there, by whomever.
    Prepared,
    /// It is not there, and can be made.
    Missing,
    /// Something else is there than garth would make, for this reason; garth leaves it alone.
    Differs(String),
    /// It cannot be told, for this reason, and nothing is done.
    Unknown(String),
}

impl State {
    /// Its name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Prepared => "prepared",
            Self::Missing => "not prepared",
            Self::Differs(_) => "differs",
            Self::Unknown(_) => "unknown",
        }
    }

    /// Why it is not simply prepared or missing.
    #[must_use]
    pub fn detail(&self) -> Option<&str> {
        match self {
            Self::Prepared | Self::Missing => None,
            Self::Differs(why) | Self::Unknown(why) => Some(why),
        }
    }
}

/// What a list grants to a SID on the object itself, whoever put it there.
#[must_use]
pub fn covered(list: &Acl, sid: Sid) -> AccessMask {
    let granting = list.aces.iter().filter(|ace| ace.kind == AceKind::Allow && ace.sid == sid);
    let mapping = ObjectKind::File.mapping();
    granting
        .filter(|ace| ace.is_effective())
        .fold(AccessMask::NONE, |all, ace| all.with(mapping.map(ace.mask)))
}

/// The entries that a list lacks.
fn lacking(list: &Acl, mask: AccessMask) -> Vec<Ace> {
    entries(mask).into_iter().filter(|entry| !covered(list, entry.sid).contains(entry.mask)).collect()
}

/// What packages get of a directory beyond its attributes, or what its children inherit for them.
fn beyond(list: &Acl) -> Option<String> {
    let children = AceFlags::OBJECT_INHERIT | AceFlags::CONTAINER_INHERIT;
    let granting = list.aces.iter().filter(|ace| ace.kind == AceKind::Allow && PACKAGES.contains(&ace.sid));
    let mapping = ObjectKind::Directory.mapping();
    let more = granting.filter(|ace| {
        let inherited = ace.flags.0 & children.0 != 0;
        inherited || ace.is_effective() && !mapping.map(ace.mask).without(ATTRIBUTES).is_empty()
    });
    more.map(|ace| known::described(&ace.sid)).next().map(|who| {
        format!("{who} gets more there than its attributes, by an entry that is not garth's; look at it with icacls")
    })
}

fn unknown(why: impl Into<String>) -> (State, Vec<Ace>) {
    (State::Unknown(why.into()), Vec::new())
}

fn differs(why: impl Into<String>) -> (State, Vec<Ace>) {
    (State::Differs(why.into()), Vec::new())
}

/// How a directory stands, and which entries it lacks.
pub(super) fn of_directory(recorded: Recorded<'_>, path: &AbsPath) -> (State, Vec<Ace>) {
    let object = match recorded.paths.get(path) {
        None => return unknown("it was not looked at"),
        Some(PathFact::Unknown(why)) => return unknown(why.clone()),
        Some(PathFact::Refused) => return unknown("it refuses this user everything"),
        Some(PathFact::Absent) => return differs("it is not there"),
        Some(PathFact::Present(object)) => object,
    };
    if object.kind != NodeKind::Directory || object.reparse.is_some() || object.final_path != *path {
        return differs("it is no directory of its own, but a link or a file");
    }
    match recorded.volume(path) {
        None => return unknown("nothing is known of its volume"),
        Some(volume) if volume.kind != VolumeKind::Fixed => {
            return differs("it is on no disk of this machine");
        }
        Some(volume) if !volume.acls => {
            return differs(format!("its volume ({}) keeps no permissions", volume.file_system));
        }
        Some(_) => {}
    }
    let descriptor = match &object.security {
        Security::Read(descriptor) => descriptor,
        Security::Unknown(why) => return unknown(why.clone()),
        Security::None => return differs("it keeps no permissions"),
    };
    let Listed::Present(list) = &descriptor.dacl else {
        return differs("it has no permissions at all (a NULL list), which shuts every package out");
    };
    if let Some(more) = beyond(list) {
        return differs(more);
    }
    judged(lacking(list, ATTRIBUTES))
}

/// How the null device stands, and which entries it lacks.
pub(super) fn of_null_device(security: Option<&Security>) -> (State, Vec<Ace>) {
    match security {
        None => unknown("it was not looked at"),
        Some(Security::Unknown(why)) => unknown(why.clone()),
        Some(Security::None) => differs("it has no permissions"),
        Some(Security::Read(descriptor)) => match &descriptor.dacl {
            Listed::Present(list) => judged(lacking(list, NULL_DEVICE)),
            Listed::Absent | Listed::Null => differs("it has no permissions at all (a NULL list)"),
        },
    }
}

fn judged(lacking: Vec<Ace>) -> (State, Vec<Ace>) {
    (if lacking.is_empty() { State::Prepared } else { State::Missing }, lacking)
}
