//! Names of gaps, as `--accept` takes them.
//!
//! A name that no plan knows accepts nothing. On the command line it is a mistake, which is told at once; a policy file may be read
//! by other versions, and what it accepts in vain stays refused.

use crate::failure::Failure;
use garth::policy::escape_visible;

/// All that a plan of any system can name, in order.
const KNOWN: [&str; 55] = [
    "linux.commands.words",
    "linux.devices",
    "linux.files",
    "linux.files.absent",
    "linux.files.pattern",
    "linux.hard-links.read",
    "linux.landlock.deny-inside",
    "linux.landlock.ipc",
    "linux.landlock.metadata",
    "linux.landlock.overlay",
    "linux.landlock.private",
    "linux.landlock.proc",
    "linux.landlock.signals",
    "linux.layer",
    "linux.limit.cpu",
    "linux.limit.memory",
    "linux.network",
    "linux.network.redirect",
    "linux.protected.delete",
    "linux.reads.told",
    "linux.root.files",
    "linux.secrets.absent",
    "linux.sockets",
    "tier.vm",
    "windows.commands.words",
    "windows.container.delegates",
    "windows.container.loopback",
    "windows.container.names-resolve",
    "windows.container.packages",
    "windows.delegates",
    "windows.desktop",
    "windows.files.absent",
    "windows.files.grant",
    "windows.files.pattern",
    "windows.files.unknown",
    "windows.git.nested",
    "windows.git.own",
    "windows.hard-links",
    "windows.limit.file-size",
    "windows.names",
    "windows.names.alike",
    "windows.overlay",
    "windows.reads.told",
    "windows.relay.unproven",
    "windows.restricted.deletes",
    "windows.restricted.execute",
    "windows.restricted.network",
    "windows.restricted.processes",
    "windows.restricted.reads",
    "windows.restricted.tls",
    "windows.secrets.absent",
    "windows.unbuilt",
    "windows.vm.mapped",
    "windows.vm.network",
    "windows.volume",
];

/// Refuses a name that no plan has.
pub fn known(gap: &str) -> Result<(), Failure> {
    let of_family = |family: &str| {
        KNOWN.iter().any(|known| known.strip_prefix(family).is_some_and(|rest| rest.starts_with('.')))
    };
    if KNOWN.contains(&gap) || gap.strip_suffix(".*").is_some_and(of_family) {
        return Ok(());
    }
    let what = format!("`--accept {}` accepts nothing", escape_visible(gap.as_bytes()));
    let hint = nearest(gap).map_or_else(
        || "`garth plan` names what is not enforced here".to_owned(),
        |near| {
            format!("write `--accept {near}`, if that is meant; `garth plan` names what is not enforced here")
        },
    );
    Err(Failure::new(120, what, "no plan has a gap of that name", hint))
}

/// The name that was probably meant: one that ends so, else the one with the fewest letters that differ.
fn nearest(gap: &str) -> Option<&'static str> {
    let ends = |known: &&&str| known.strip_suffix(gap).is_some_and(|front| front.ends_with('.'));
    let most = (gap.len() / 3).max(1);
    let near =
        KNOWN.iter().map(|known| (distance(gap, known), *known)).filter(|(distance, _)| *distance <= most);
    KNOWN.iter().find(ends).copied().or_else(|| near.min().map(|(_, known)| known))
}

/// Insertions, deletions and replacements between two names (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    // Nobody means a name by a text that is much longer than any.
    for (at, letter) in one.chars().take(80).enumerate() {
        let mut before = std::mem::replace(&mut row[0], at + 1);
        for (place, known) in other.iter().enumerate() {
            let replaced = before + usize::from(letter != *known);
            before = row[place + 1];
            row[place + 1] = replaced.min(before + 1).min(row[place] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::Path;

    /// Texts of the planner's sources that look like the name of a gap.
    fn written(directory: &Path, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                written(&path, found);
            } else if let Ok(text) = std::fs::read_to_string(&path) {
                let texts = text.split('"').map(str::to_owned);
                found.extend(texts.filter(|text| is_name(text)));
            }
        }
    }

    fn is_name(text: &str) -> bool {
        let systems = ["linux.", "windows.", "tier."];
        let plain = |letter: char| letter.is_ascii_lowercase() || ".-".contains(letter);
        systems.iter().any(|system| text.len() > system.len() && text.starts_with(system))
            && text.chars().all(plain)
            && !text.ends_with('.')
    }

    #[test]
    fn every_gap_of_the_planner_is_known_and_no_other() {
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../crates/plan/src");
        let mut found = BTreeSet::new();
        written(&sources, &mut found);
        assert!(KNOWN.is_sorted());
        assert_eq!(found.iter().map(String::as_str).collect::<Vec<_>>(), KNOWN);
    }

    #[test]
    fn a_name_that_nothing_has_is_refused_with_the_one_that_is_meant() {
        assert!(known("windows.delegates").is_ok());
        assert!(known("linux.landlock.*").is_ok() && known("linux.landloc.*").is_err());
        for (typed, meant) in [
            ("windows.delegate", "windows.delegates"),
            ("windows.restricted.read", "windows.restricted.reads"),
            ("relay.unproven", "windows.relay.unproven"),
            ("linux.networks.redirect", "linux.network.redirect"),
        ] {
            let refused = known(typed).unwrap_err();
            assert!(
                refused.code == 120 && refused.text().contains(&format!("--accept {meant}`")),
                "{}",
                refused.text()
            );
        }
        let refused = known("\u{1b}[2Jeverything").unwrap_err();
        assert!(
            refused.text().contains("garth plan") && !refused.text().contains('\u{1b}'),
            "{}",
            refused.text()
        );
    }
}
