//! `garth policy validate` and `garth policy test`.

use super::sources::{alone, in_force, layer, named, surroundings};
use crate::failure::Failure;
use crate::request::environment;
use crate::show::{ERROR, GOOD};
use crate::words::origin;
use garth::files::{check_file, load_policy};
use garth::policy::{Diagnostics, Layer, RuleTest, Severity, Source, escape_visible};
use std::ffi::{OsStr, OsString};
use std::io::Write;

/// Checks files; those in force here, if none is named. Exit code 120 if one has a mistake.
pub fn validate(files: &[OsString], json: bool, out: &mut dyn Write) -> Result<u8, Failure> {
    let surroundings = surroundings(None)?;
    let context = &surroundings.context;
    let sources = if files.is_empty() {
        in_force(context)?
    } else {
        let read = files.iter().map(|file| Ok((layer(file), named(file)?)));
        read.collect::<Result<Vec<(Layer, Source)>, Failure>>()?
    };
    let checked: Vec<(&Source, Diagnostics)> =
        sources.iter().map(|(layer, source)| (source, check_file(source, *layer, context))).collect();
    let has_error = |found: &Diagnostics| found.list.iter().any(|found| found.severity == Severity::Error);
    let failed = checked.iter().any(|(_, found)| has_error(found));
    if json {
        let files = checked.iter().map(|(source, found)| {
            serde_json::json!({ "file": source.name, "valid": !has_error(found), "diagnostics": found.list })
        });
        let whole = serde_json::json!({ "version": 1, "valid": !failed, "files": files.collect::<Vec<_>>() });
        serde_json::to_writer_pretty(&mut *out, &whole)?;
        writeln!(out)?;
    } else {
        let mut diagnostics = anstream::stderr();
        for (source, found) in &checked {
            write!(diagnostics, "{}", found.render(true))?;
            if !has_error(found) {
                writeln!(out, "{}: {GOOD}valid{GOOD:#}", escape_visible(source.name.as_bytes()))?;
            }
        }
        if checked.is_empty() {
            writeln!(out, "no policy file is in force here; the built-in profile `workspace` holds")?;
        }
    }
    if failed {
        return Ok(120);
    }
    if files.is_empty() {
        together(&surroundings, json)?;
    }
    Ok(0)
}

/// Files that are right by themselves can contradict each other, or have the wrong owner.
fn together(surroundings: &garth::Surroundings, json: bool) -> Result<(), Failure> {
    let loaded = load_policy(surroundings, &environment(), None, &[])?;
    if !json && !loaded.warnings.is_empty() {
        write!(anstream::stderr(), "{}", loaded.warnings.render(true))?;
    }
    Ok(())
}

/// Runs the examples of the command rules. Exit code 120 if one fails.
pub fn test(file: Option<&OsStr>, json: bool, out: &mut dyn Write) -> Result<u8, Failure> {
    let surroundings = surroundings(None)?;
    let loaded = match file {
        Some(file) => alone(&surroundings.context, Some(named(file)?), None)?,
        None => load_policy(&surroundings, &environment(), None, &[])?,
    };
    let tests = garth::run_rule_tests(&loaded.policy)?;
    let failed = tests.iter().filter(|test| !test.passed()).count();
    if json {
        let whole = serde_json::json!({ "version": 1, "passed": failed == 0, "tests": tests });
        serde_json::to_writer_pretty(&mut *out, &whole)?;
        writeln!(out)?;
    } else {
        for test in &tests {
            write_test(test, out)?;
        }
        writeln!(out, "{} examples, {failed} failed", tests.len())?;
    }
    Ok(if failed == 0 { 0 } else { 120 })
}

fn write_test(test: &RuleTest, out: &mut dyn Write) -> Result<(), Failure> {
    let (style, word) = if test.passed() { (GOOD, "ok    ") } else { (ERROR, "failed") };
    let wanted = if test.should_match { "matches" } else { "does not match" };
    let decided = test.decided.map_or("no rule", |decision| decision.name());
    writeln!(
        out,
        "{style}{word}{style:#}  {} {wanted}; decided: {decided} ({})",
        escape_visible(test.example.as_bytes()),
        origin(&test.origin)
    )?;
    Ok(())
}
