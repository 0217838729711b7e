//! The attacks as data, by what they are against.

mod delegates;
mod files;
mod names;
mod network;
mod objects;
mod process;
mod screen;

use crate::prove::attack::{Attack, Garden};

/// The gap of the tier `restricted`: it reads what its user reads.
const READS: &[&str] = &["windows.restricted.reads"];
/// The same for deleting and moving.
const DELETES: &[&str] = &["windows.restricted.deletes"];
/// The same for processes.
const PROCESSES: &[&str] = &["windows.restricted.processes"];
/// What acts for the user.
const DELEGATES: &[&str] = &["windows.delegates"];
/// The network of that tier, and what was not shown on this machine yet.
const NETWORK: &[&str] = &["windows.restricted.network", "windows.relay.unproven"];

/// Every attack.
#[must_use]
pub fn corpus() -> Vec<Attack> {
    let tables = [
        files::ATTACKS,
        names::ATTACKS,
        process::ATTACKS,
        objects::ATTACKS,
        delegates::ATTACKS,
        screen::ATTACKS,
        network::ATTACKS,
    ];
    tables.into_iter().flatten().cloned().collect()
}

/// The policy file of a garden.
pub(super) fn policy_text(garden: Garden) -> &'static str {
    match garden {
        Garden::Network => {
            "version = 1\n[network]\nmode = \"allow-list\"\nhost-ports = [{port}]\n\
             domains = { \"allowed.test\" = \"allow\" }\n"
        }
        _ => "version = 1\n",
    }
}
