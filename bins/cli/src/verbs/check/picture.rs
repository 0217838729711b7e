//! A verdict for people: each reason with the piece of the text that it is about.

use crate::show::{BOLD, ERROR, GOOD, HINT, PART};
use crate::table::{WIDTH, wrap};
use crate::words::origin;
use anstyle::Style;
use garth::policy::{CommandDecision, escape_visible};
use garth::vet::Span;
use garth::vet::judge::{Reason, Verdict};
use std::io::{self, Write};

/// Reasons that are shown; the rest is counted.
const REASONS: usize = 10;

/// Letters of the text that are shown before the piece in question.
const BEFORE: usize = 40;

/// Letters that are shown from its start on.
const BEHIND: usize = 46;

/// Writes the verdict.
pub fn write(text: &str, verdict: &Verdict, out: &mut dyn Write) -> io::Result<()> {
    let style = style(verdict.decision);
    let count = verdict.commands.len();
    let commands = if count == 1 { "1 command".to_owned() } else { format!("{count} commands") };
    writeln!(out, "{style}{}{style:#}  {commands}", verdict.decision.name())?;
    let speaking: Vec<&Reason> =
        verdict.reasons.iter().filter(|reason| reason.decision > CommandDecision::Allow).collect();
    let shown = if speaking.is_empty() { verdict.reasons.iter().collect() } else { speaking };
    for reason in shown.iter().take(REASONS) {
        write_reason(text, reason, out)?;
    }
    if shown.len() > REASONS {
        writeln!(out, "and {} more reasons", shown.len() - REASONS)?;
    }
    if let Some(suggestion) = &verdict.suggestion {
        writeln!(out, "{HINT}hint:{HINT:#} to allow this always, add to your policy:")?;
        for line in suggestion.toml.lines() {
            writeln!(out, "    {}", escape_visible(line.as_bytes()))?;
        }
    }
    Ok(())
}

fn style(decision: CommandDecision) -> Style {
    match decision {
        CommandDecision::Allow => GOOD,
        CommandDecision::Ask => PART,
        CommandDecision::Deny => ERROR,
    }
}

fn write_reason(text: &str, reason: &Reason, out: &mut dyn Write) -> io::Result<()> {
    let style = style(reason.decision);
    let (before, piece, behind) = window(text, reason.span);
    writeln!(out, "  {before}{BOLD}{piece}{BOLD:#}{behind}")?;
    let (indent, length) = (before.chars().count(), piece.chars().count().max(1));
    writeln!(out, "  {:indent$}{style}{}{style:#}", "", "^".repeat(length))?;
    let place = reason.origin.as_ref().map_or_else(String::new, |found| format!(" ({})", origin(found)));
    let sentence = format!("{}{place}", escape_visible(reason.person.as_bytes()));
    for (number, line) in wrap(&sentence, WIDTH - 4).iter().enumerate() {
        let mark =
            if number == 0 { format!("{style}{}:{style:#} ", reason.decision.name()) } else { String::new() };
        writeln!(out, "  {mark}{line}")?;
    }
    if reason.decision > CommandDecision::Allow {
        writeln!(out, "  {HINT}hint:{HINT:#} {}", escape_visible(reason.model.as_bytes()))?;
    }
    Ok(())
}

/// The line around a piece, cut to what fits: before it, it, behind it. Control characters are made visible.
fn window(text: &str, span: Span) -> (String, String, String) {
    let start = floor(text, span.start);
    let line_start = text.get(..start).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
    let line_end = text.get(start..).and_then(|rest| rest.find('\n')).map_or(text.len(), |at| start + at);
    let end = floor(text, span.end).clamp(start, line_end);
    let visible = |from: usize, to: usize| escape_visible(text.get(from..to).unwrap_or_default().as_bytes());
    let before: Vec<char> = visible(line_start, start).chars().collect();
    let before = match before.len().checked_sub(BEFORE) {
        None | Some(0) => before.into_iter().collect(),
        Some(cut) => format!("...{}", before.iter().skip(cut).collect::<String>()),
    };
    let piece = shortened(&visible(start, end), BEHIND);
    let left = BEHIND.saturating_sub(piece.chars().count());
    let behind = shortened(&visible(end, line_end), left);
    (before, piece, behind)
}

/// The nearest place at or before this one where a letter starts.
fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((at, _)) => format!("{}...", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_shows_one_line_and_no_control_characters() {
        let text = "ls\ngit \x1b[2K push; x\nls";
        let (before, piece, behind) = window(text, Span { start: 3, end: 16 });
        assert_eq!((before.as_str(), behind.as_str()), ("", "; x"));
        assert!(piece.starts_with("git ") && !piece.contains('\x1b'), "{piece}");
        let long = format!("{}git push {}", "a ".repeat(100), "b ".repeat(100));
        let (before, piece, behind) = window(&long, Span { start: 200, end: 208 });
        assert_eq!(piece, "git push");
        assert!(
            before.chars().count() + piece.chars().count() + behind.chars().count() <= WIDTH,
            "{before}{piece}{behind}"
        );
        let (_, piece, _) = window("\u{e4}\u{e4}", Span { start: 1, end: 3 });
        assert_eq!(piece, "\u{e4}");
        window("", Span { start: 5, end: 9 });
    }
}
