//! `cargo xtask generate`: pages that are written by the program whose tables they show.
//!
//! A new page is a file below `generate/` with a function that returns its text, and a row in [`PAGES`].

use std::fmt::Write as _;
use std::io::Write;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use crate::finding::{Finding, Report};

mod events;
mod git_configuration;
mod policy;
mod system_calls;

/// A generated file.
struct Page {
    path: &'static str,
    render: fn() -> Result<String>,
}

/// Every generated file.
const PAGES: &[Page] = &[
    Page { path: "docs/policy-reference.md", render: || Ok(policy::reference()) },
    Page { path: "docs/policy.schema.json", render: policy::schema },
    Page { path: "docs/events.schema.json", render: events::schema },
    Page { path: "docs/git-configuration.md", render: || Ok(git_configuration::render()) },
    Page { path: "docs/system-calls.md", render: || Ok(system_calls::render()) },
];

/// What brings a stale page up to date.
const REMEDY: &str = "run `cargo xtask generate` and commit the result";

/// Writes every page; with `--check` only compares.
///
/// # Errors
/// When a page cannot be rendered or written, or `--check` finds one that is not up to date.
pub fn run(root: &Path, arguments: &[String], out: &mut dyn Write) -> Result<()> {
    match arguments {
        [] => write_all(root, PAGES, out),
        [flag] if flag == "--check" => {
            let stale = stale(root, PAGES)?;
            for finding in &stale {
                writeln!(out, "{finding}")?;
            }
            if stale.is_empty() { Ok(()) } else { bail!("{} generated pages are stale", stale.len()) }
        }
        _ => bail!("unknown arguments\nhint: cargo xtask generate [--check]"),
    }
}

/// The check of `cargo xtask tidy`.
///
/// # Errors
/// When a page cannot be rendered.
pub fn check(root: &Path) -> Result<Report> {
    Ok(stale(root, PAGES)?.into())
}

fn write_all(root: &Path, pages: &[Page], out: &mut dyn Write) -> Result<()> {
    for page in pages {
        let path = root.join(page.path);
        let text = (page.render)().with_context(|| format!("cannot render {}", page.path))?;
        if std::fs::read_to_string(&path).is_ok_and(|present| present == text) {
            continue;
        }
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", page.path))?;
        writeln!(out, "wrote {}", page.path)?;
    }
    Ok(())
}

fn stale(root: &Path, pages: &[Page]) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for page in pages {
        let wanted = (page.render)().with_context(|| format!("cannot render {}", page.path))?;
        match std::fs::read_to_string(root.join(page.path)) {
            Err(_) => findings.push(Finding::whole(page.path, "is generated and missing", REMEDY)),
            Ok(present) if present != wanted => {
                let line = first_difference(&present, &wanted);
                findings.push(Finding::at(page.path, line, "is generated and not up to date", REMEDY));
            }
            Ok(_) => {}
        }
    }
    Ok(findings)
}

/// The first line (from 1) in which two texts differ.
fn first_difference(a: &str, b: &str) -> usize {
    a.lines().zip(b.lines()).take_while(|(a, b)| a == b).count() + 1
}

/// A table of Markdown. Cells are escaped; code marks in them stay.
fn table<const N: usize>(heads: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "| {} |", heads.join(" | "));
    let _ = writeln!(text, "|{}", " --- |".repeat(N));
    for row in rows {
        let cells: Vec<String> = row.iter().map(|cell| cell.replace('|', "\\|").replace('\n', " ")).collect();
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    }
    text
}

/// Text in code marks.
fn code(text: &str) -> String {
    format!("`{text}`")
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &[Page] = &[Page { path: "page.md", render: || Ok("a\nb\n".to_owned()) }];

    struct Place(std::path::PathBuf);

    impl Place {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("garth-generate-{name}-{}", std::process::id()));
            std::fs::create_dir(&path).unwrap();
            Self(path)
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            std::fs::remove_dir_all(&self.0).unwrap();
        }
    }

    #[test]
    fn a_missing_page_is_stale_until_it_is_written() {
        let place = Place::new("missing");
        assert_eq!(stale(&place.0, PAGE).unwrap()[0].what, "is generated and missing");
        write_all(&place.0, PAGE, &mut Vec::new()).unwrap();
        assert!(stale(&place.0, PAGE).unwrap().is_empty());
    }

    #[test]
    fn an_edited_page_is_stale_and_says_where() {
        let place = Place::new("edited");
        std::fs::write(place.0.join("page.md"), "a\nc\n").unwrap();
        assert_eq!(stale(&place.0, PAGE).unwrap()[0].line, 2);
        std::fs::write(place.0.join("page.md"), "a\nb\nc\n").unwrap();
        assert_eq!(stale(&place.0, PAGE).unwrap()[0].line, 3);
    }

    #[test]
    fn cells_cannot_break_the_table() {
        assert_eq!(table(["x"], [["a|b\nc".to_owned()]]), "| x |\n| --- |\n| a\\|b c |\n");
    }

    #[test]
    fn every_page_renders_the_same_twice_and_ends_in_one_line_break() {
        for page in PAGES {
            let text = (page.render)().unwrap();
            assert_eq!(text, (page.render)().unwrap(), "{}", page.path);
            assert!(text.ends_with('\n') && !text.ends_with("\n\n"), "{}", page.path);
        }
    }
}
