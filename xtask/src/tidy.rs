//! `cargo xtask tidy`: the rules of the tree that a machine can check. One file per check.

use std::io::Write;
use std::path::Path;

use anyhow::{Result, bail};

use crate::finding::Report;
use crate::generate;
use crate::tree::Tree;

mod budgets;
mod documents;
mod layers;
mod links;
mod manifests;
mod orphans;
mod purity;
mod readme;
mod runner;
mod text;
mod unfinished;
mod unsafe_code;
mod vocabulary;

/// A rule with its name on the command line.
struct Check {
    name: &'static str,
    run: fn(&Path, &Tree) -> Result<Report>,
}

/// Every check, cheap ones first.
const CHECKS: &[Check] = &[
    Check { name: "orphans", run: |_, tree| Ok(orphans::check(tree).into()) },
    Check { name: "layers", run: |_, tree| Ok(layers::check(&tree.packages).into()) },
    Check { name: "manifests", run: |_, tree| Ok(manifests::check(&tree.packages).into()) },
    Check { name: "unsafe", run: |_, tree| Ok(unsafe_code::check(tree).into()) },
    Check { name: "purity", run: |_, tree| Ok(purity::check(tree).into()) },
    Check { name: "budgets", run: |_, tree| Ok(budgets::check(tree)) },
    Check { name: "documents", run: |_, tree| Ok(documents::check(tree).into()) },
    Check { name: "readme", run: |_, tree| Ok(readme::check(tree).into()) },
    Check { name: "vocabulary", run: |_, tree| Ok(vocabulary::check(tree).into()) },
    Check { name: "links", run: |_, tree| Ok(links::check(tree).into()) },
    Check { name: "text", run: |_, tree| Ok(text::check(tree).into()) },
    Check { name: "unfinished", run: |_, tree| Ok(unfinished::check(tree).into()) },
    Check { name: "runner", run: runner::check },
    Check { name: "generated", run: |root, _| generate::check(root) },
];

/// Runs the named checks, or all; prints what they found.
///
/// # Errors
/// When a check found something, has an unknown name, or could not run.
pub fn run(root: &Path, names: &[String], out: &mut dyn Write) -> Result<()> {
    if let Some(unknown) = names.iter().find(|name| CHECKS.iter().all(|check| check.name != **name)) {
        let known: Vec<&str> = CHECKS.iter().map(|check| check.name).collect();
        bail!("no check is called `{unknown}`\nhint: there are {}", known.join(", "));
    }
    let tree = Tree::read(root)?;
    let mut total = 0;
    for check in CHECKS {
        if !names.is_empty() && names.iter().all(|name| name != check.name) {
            continue;
        }
        let report = (check.run)(root, &tree)?;
        total += report.findings.len();
        print(check.name, &report, out)?;
    }
    if total > 0 {
        bail!("tidy found {total} broken rules");
    }
    Ok(())
}

fn print(name: &str, report: &Report, out: &mut dyn Write) -> Result<()> {
    let verdict = if report.findings.is_empty() { "ok" } else { "BROKEN" };
    writeln!(out, "tidy: {name} {verdict}")?;
    for note in &report.notes {
        writeln!(out, "  {note}")?;
    }
    for finding in &report.findings {
        writeln!(out, "{finding}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Finding;

    #[test]
    fn an_unknown_check_is_refused_before_anything_is_read() {
        let error = run(Path::new("/nonexistent"), &["beauty".to_owned()], &mut Vec::new()).unwrap_err();
        assert!(error.to_string().contains("`beauty`") && error.to_string().contains("purity"));
    }

    #[test]
    fn findings_are_printed_below_the_name_of_the_check() {
        let mut out = Vec::new();
        print("text", &vec![Finding::at("a", 1, "bad", "mend")].into(), &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "tidy: text BROKEN\na:1: bad\n  hint: mend\n");
    }
}
