//! What an attack of `garth prove` tries inside, and what it says: the same on every system.

mod act;

pub use act::{Act, Arguments, Outcome, Refusal};

use std::ffi::OsString;

/// One action: its name and what it does.
pub(crate) type Row = (&'static str, fn(&Arguments) -> Act);

/// Carries out an action of `tables` in this process.
pub(crate) fn perform(tables: &[&[Row]], name: &str, arguments: &[OsString]) -> Outcome {
    let Some(action) = find(tables, name) else {
        return Outcome::Broken(format!("there is no probe named `{name}`"));
    };
    match action(&Arguments::new(arguments)) {
        Ok(()) => Outcome::Succeeded,
        Err(Refusal::Os(code)) => Outcome::Refused(code),
        Err(Refusal::Broken(why)) => Outcome::Broken(why),
    }
}

/// The action of that name.
pub(crate) fn find(tables: &[&[Row]], name: &str) -> Option<fn(&Arguments) -> Act> {
    tables.iter().copied().flatten().find(|(known, _)| *known == name).map(|(_, action)| *action)
}
