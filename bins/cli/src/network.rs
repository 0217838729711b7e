//! What the network of a sandbox refused, and what failed in it, for people.

use crate::show::HINT;
use garth::network::{Decided, Fault};
use garth::policy::escape_visible;
use std::io::{self, Write};

/// Hosts that are shown; the rest is counted.
const HOSTS: usize = 5;

/// Which hosts could not be reached, by which rule, and what would help.
pub fn network_summary(refused: &[Decided], out: &mut impl Write) -> io::Result<()> {
    for decided in refused.iter().take(HOSTS) {
        let host = decided.host.as_ref().map_or_else(|| "what is no host".to_owned(), ToString::to_string);
        let port = if decided.port == 0 { String::new() } else { format!(":{}", decided.port) };
        let rule = decided.ruling.origin.as_ref().map_or_else(String::new, |origin| format!(" ({origin})"));
        let (host, reason) =
            (escape_visible(host.as_bytes()), escape_visible(decided.ruling.reason.as_bytes()));
        writeln!(out, "garth: the network refused {host}{port}: {reason}{rule}")?;
        if let Some(hint) = &decided.ruling.hint {
            let option =
                hint.option().map_or_else(String::new, |option| format!("garth run {option} -- ..., or "));
            let (section, line) = (&hint.section, &hint.line);
            writeln!(out, "{HINT}hint:{HINT:#} {option}in your policy, under [{section}]: {line}")?;
        }
    }
    if refused.len() > HOSTS {
        writeln!(out, "garth: the network refused {} more hosts", refused.len() - HOSTS)?;
    }
    Ok(())
}

/// What failed in the broker itself: no refusal, and nothing that a policy would mend.
pub fn fault_summary(faults: &[Fault], out: &mut impl Write) -> io::Result<()> {
    for fault in faults {
        let (operation, cause) =
            (escape_visible(fault.operation.as_bytes()), escape_visible(fault.cause.as_bytes()));
        writeln!(out, "garth: the network could not {operation}: {cause}")?;
        if fault.is_out_of_descriptors() {
            writeln!(out, "{HINT}hint:{HINT:#} raise the limit on open files: ulimit -Hn")?;
        }
    }
    Ok(())
}
