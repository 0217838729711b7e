//! The file in which `garth prove` remembers what it showed on this machine, for plans.

use super::{failed, state};
use crate::Error;
use crate::prove::{Finding, Held};
use garth_host::windows::facts::{look, name, system, user};
use garth_host::windows::probe::is_wine;
use garth_plan::windows::author::stranger;
use garth_plan::windows::facts::{HostFacts, PathFact, Proof, Security};
use garth_plan::windows::proof::{Record, Went, after};
use garth_policy::{AbsPath, NodeKind};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::time::{SystemTime, UNIX_EPOCH};

/// What a record is of, beside the machine.
const GARTH: &str = env!("CARGO_PKG_VERSION");

/// The most that is read of the file, in bytes.
const LONGEST: u64 = 64 << 10;

fn file() -> Result<AbsPath, Error> {
    state()?.join(b"proven.json").map_err(|error| Error::Policy(error.to_string()))
}

/// The record, if it is there, whole, and nobody's but the user's. A plan without it is stricter, so no reason is told.
fn read(facts_user: garth_plan::windows::Sid) -> Option<Record> {
    let path = file().ok()?;
    let PathFact::Present(object) = look(&path) else { return None };
    let Security::Read(security) = &object.security else { return None };
    if object.kind != NodeKind::File || object.links != 1 || stranger(security, Some(facts_user)).is_some() {
        return None;
    }
    let mut text = Vec::new();
    std::fs::File::open(name(&path).ok()?).ok()?.take(LONGEST).read_to_end(&mut text).ok()?;
    serde_json::from_slice(&text).ok()
}

/// What was shown on this machine, with this garth, for this user. Nothing under Wine, which shows nothing.
pub(super) fn proven(facts: &HostFacts) -> BTreeSet<Proof> {
    if is_wine() {
        return BTreeSet::new();
    }
    let user = facts.user.token.user;
    read(user).map_or_else(BTreeSet::new, |record| record.holds_for(&facts.system, user, GARTH))
}

/// Remembers what a run of the corpus in the default tier showed.
///
/// # Errors
/// When the file cannot be written.
pub fn remember(findings: &[Finding]) -> Result<(), Error> {
    if is_wine() {
        return Ok(());
    }
    let step = "remember what was proven";
    let went: BTreeMap<&str, Went> =
        findings.iter().map(|finding| (finding.id.as_str(), went(&finding.held))).collect();
    let system = system().map_err(|error| failed(step, error))?;
    let user = user("").map_err(|error| failed(step, error))?.token.user;
    let before = read(user).map_or_else(BTreeSet::new, |record| record.holds_for(&system, user, GARTH));
    let time = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let record = Record { proven: after(&before, &went), ..Record::nothing(&system, user, GARTH, time) };
    let text = serde_json::to_string_pretty(&record).map_err(|error| Error::Policy(error.to_string()))?;
    let path = name(&file()?).map_err(|error| failed(step, error))?;
    let fresh = format!("{path}.new");
    let written = std::fs::write(&fresh, text + "\n").and_then(|()| std::fs::rename(&fresh, &path));
    written.map_err(|error| {
        let code = error.raw_os_error().unwrap_or(0);
        Error::Os { step: step.into(), error: garth_host::OsError::new("write", path, code) }
    })
}

fn went(held: &Held) -> Went {
    match held {
        Held::Yes => Went::Held,
        Held::No(_) | Held::Gap(_) => Went::NotHeld,
        Held::Skipped(_) => Went::Skipped,
    }
}
