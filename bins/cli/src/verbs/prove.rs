//! `garth prove`: the attack corpus, run in real sandboxes on this machine.

use garth::policy::escape_visible;
use garth::prove::{Finding, Held, Options, Property, Report, TierChoice, prove};
use serde::Serialize;
use std::io::{self, Write};

/// What was asked for on the command line.
#[derive(Clone, Debug)]
pub struct ProveArgs {
    /// Machine output.
    pub json: bool,
    /// Only attacks that match: a part of the name, a pattern with `*`, or a property such as `P4`.
    pub only: Option<String>,
    /// `auto`, `process` or `landlock`.
    pub tier: Option<String>,
}

/// Runs the corpus and prints what held. Exit code 0 when everything did, or is a declared gap of the tier
/// in use; 1 when something did not; 125 when the proof could not be made.
pub fn run(arguments: &ProveArgs, out: &mut dyn Write) -> u8 {
    let printed = match options(arguments).and_then(|options| prove(&options)) {
        Ok(report) if report.findings.is_empty() => nothing(arguments, out),
        Ok(report) => print(&report, arguments.json, out).map(|()| u8::from(report.counts()[1] > 0)),
        Err(error) => failed(&error, arguments.json, out),
    };
    // A reader that has gone away has seen what it wanted.
    printed.unwrap_or(125)
}

fn options(arguments: &ProveArgs) -> io::Result<Options> {
    let tier = TierChoice::read(arguments.tier.as_deref())?;
    Ok(Options { only: arguments.only.clone(), tier })
}

fn nothing(arguments: &ProveArgs, out: &mut dyn Write) -> io::Result<u8> {
    let pattern = arguments.only.clone().unwrap_or_default();
    let error = io::Error::other(format!("no attack matches `{}`", escape_visible(pattern.as_bytes())));
    failed_with(&error, "`garth prove` without --only names them all", arguments.json, out)
}

fn failed(error: &io::Error, json: bool, out: &mut dyn Write) -> io::Result<u8> {
    failed_with(error, "`garth doctor` shows what this machine offers", json, out)
}

fn failed_with(error: &io::Error, hint: &str, json: bool, out: &mut dyn Write) -> io::Result<u8> {
    if json {
        serde_json::to_writer(&mut *out, &serde_json::json!({ "error": error.to_string() }))?;
        writeln!(out)?;
    } else {
        writeln!(out, "garth: cannot run the proof: {error}")?;
        writeln!(out, "nothing was shown about this machine")?;
        writeln!(out, "hint: {hint}")?;
    }
    Ok(125)
}

fn print(report: &Report, json: bool, out: &mut dyn Write) -> io::Result<()> {
    if json { print_json(report, out) } else { print_table(report, out) }
}

fn label(property: Property) -> String {
    if property.0 > 22 { "limits".into() } else { format!("P{}", property.0) }
}

/// Widths of the columns for names and for results.
const NAME: usize = 34;
const RESULT: usize = 24;

fn print_table(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "tier: {}", report.tier)?;
    let mut last = None;
    for finding in &report.findings {
        if last != Some(finding.property) {
            last = Some(finding.property);
            writeln!(out, "\n{} {}", label(finding.property), finding.property.title())?;
        }
        row(finding, out)?;
    }
    let [held, not, gaps, skipped] = report.counts();
    let total = report.findings.len();
    writeln!(
        out,
        "\n{total} attacks, {held} held, {not} not held, {gaps} gaps ({:.1} s)",
        report.time.as_secs_f64()
    )?;
    if skipped > 0 {
        writeln!(out, "{skipped} say nothing on this tier")?;
    }
    Ok(())
}

fn row(finding: &Finding, out: &mut dyn Write) -> io::Result<()> {
    let (mark, note) = match &finding.held {
        Held::Yes => ("held", String::new()),
        Held::No(why) => ("NOT HELD", format!("  {why}")),
        Held::Gap(gap) => ("not held here", format!("  (gap {gap})")),
        Held::Skipped(why) => ("skipped", format!("  {why}")),
    };
    writeln!(
        out,
        "  {:NAME$} {:RESULT$} twin {:RESULT$} {mark}{note}",
        finding.id,
        cut(&finding.attack),
        cut(&finding.twin)
    )?;
    writeln!(out, "    {}", finding.title)
}

/// A result that fits its column.
fn cut(text: &str) -> String {
    if text.chars().count() <= RESULT {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(RESULT - 1).collect();
    short.push('…');
    short
}

#[derive(Serialize)]
struct Shown<'f> {
    id: &'f str,
    property: String,
    title: &'f str,
    escapes: &'f [u8],
    attack: &'f str,
    twin: &'f str,
    held: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    gap: Option<&'f str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'f str>,
}

fn shown(finding: &Finding) -> Shown<'_> {
    let (held, gap, why) = match &finding.held {
        Held::Yes => ("yes", None, None),
        Held::No(why) => ("no", None, Some(why.as_str())),
        Held::Gap(gap) => ("gap", Some(gap.as_str()), None),
        Held::Skipped(why) => ("skipped", None, Some(why.as_str())),
    };
    Shown {
        id: &finding.id,
        property: label(finding.property),
        title: &finding.title,
        escapes: &finding.escapes,
        attack: &finding.attack,
        twin: &finding.twin,
        held,
        gap,
        why,
    }
}

fn print_json(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let [held, not_held, gaps, skipped] = report.counts();
    let findings: Vec<Shown<'_>> = report.findings.iter().map(shown).collect();
    let whole = serde_json::json!({
        "version": 1,
        "tier": report.tier,
        "seconds": report.time.as_secs_f64(),
        "attacks": report.findings.len(),
        "held": held,
        "not-held": not_held,
        "gaps": gaps,
        "skipped": skipped,
        "findings": findings,
    });
    serde_json::to_writer_pretty(&mut *out, &whole)?;
    writeln!(out)
}
