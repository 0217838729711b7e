//! How differences look. Names and contents come from inside: on a terminal nothing of them is more than plain letters.

use crate::failure::Failure;
use crate::show::{BOLD, ERROR, GOOD, PART};
use garth::policy::escape_visible;
use garth::undo::{Change, Difference, Hunks, Kind, Layer, Standing, Texts, What, three_way, unified};
use std::io::{self, Write};

/// The letter of a change, as git has it.
pub fn letter(difference: &Difference) -> char {
    match difference.change.what() {
        What::Made => 'A',
        What::Removed => 'D',
        What::Changed => 'M',
        What::Replaced => 'R',
        What::Touched => 'T',
    }
}

/// The name of a change, from the root of the workspace; from `/` in another tree.
pub fn name(layer: &Layer, difference: &Difference) -> String {
    let bytes = difference.change.path.as_bytes();
    let name = if difference.tree == 0 {
        escape_visible(bytes.strip_prefix(b"/").unwrap_or(bytes))
    } else {
        escape_visible(difference.place(layer).as_bytes())
    };
    let is_directory = |entry: &garth::undo::Entry| entry.kind == Kind::Directory;
    let change = &difference.change;
    let directory = change.after.as_ref().or(change.before.as_ref()).is_some_and(is_directory);
    if directory { format!("{name}/") } else { name }
}

/// One line: letter, name, counts, and what stands against it.
pub fn line(
    layer: &Layer,
    difference: &Difference,
    counts: Option<&Hunks>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let style = match difference.change.what() {
        What::Made => GOOD,
        What::Removed => ERROR,
        _ => PART,
    };
    write!(out, "{style}{}{style:#} {}", letter(difference), name(layer, difference))?;
    if let Some(detail) = detail(difference) {
        write!(out, "  {detail}")?;
    }
    if let Some(hunks) = counts.filter(|hunks| hunks.added + hunks.removed > 0) {
        write!(out, "  {GOOD}+{}{GOOD:#} {ERROR}-{}{ERROR:#}", hunks.added, hunks.removed)?;
    }
    if let Standing::Moved(why) = &difference.standing {
        write!(out, "  {ERROR}conflict:{ERROR:#} {why}")?;
    }
    if let Some(why) = &difference.trusted {
        write!(out, "  {ERROR}trusted:{ERROR:#} {}", escape_visible(why.as_bytes()))?;
    }
    writeln!(out)
}

/// What is not in the letter: another kind, mode or target.
fn detail(difference: &Difference) -> Option<String> {
    let change = &difference.change;
    match (&change.before, &change.after) {
        (Some(before), Some(after)) if before.kind != after.kind => {
            Some(format!("{} -> {}", before.kind.name(), after.kind.name()))
        }
        (Some(before), Some(after)) if before.mode != after.mode => {
            Some(format!("{:04o} -> {:04o}", before.mode, after.mode))
        }
        (before, Some(after)) if after.kind == Kind::Link => {
            let target = escape_visible(&after.target);
            Some(before.as_ref().map_or_else(
                || format!("-> {target}"),
                |before| format!("{} -> {target}", escape_visible(&before.target)),
            ))
        }
        (None, Some(after)) if !matches!(after.kind, Kind::File | Kind::Directory) => {
            Some(after.kind.name().to_owned())
        }
        (Some(before), Some(after)) if before.attributes != after.attributes => Some("attributes".into()),
        (Some(_), Some(_)) if change.what() == What::Touched => Some("times".into()),
        _ => None,
    }
}

/// The differences of two texts; `None` where one of them is no text.
pub fn hunks(change: &Change, texts: &Texts) -> Option<Hunks> {
    let is_file =
        |entry: &Option<garth::undo::Entry>| entry.as_ref().is_some_and(|entry| entry.kind == Kind::File);
    let empty = Vec::new();
    let old = if is_file(&change.before) { texts.outside.as_ref()? } else { &empty };
    let new = if is_file(&change.after) { texts.layer.as_ref()? } else { &empty };
    (is_file(&change.before) || is_file(&change.after)).then(|| unified(old, new))
}

/// A line of a file on a terminal.
fn plain(line: &[u8]) -> String {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.split(|byte| *byte == b'\t').map(escape_visible).collect::<Vec<_>>().join("\t")
}

/// A patch that `git apply` and `patch` take: of files and links, as git knows nothing else. `terminal` says that people
/// read it. False if there is nothing to show of it.
pub fn patch(change: &Change, texts: &Texts, terminal: bool, out: &mut dyn Write) -> io::Result<bool> {
    let known = |entry: &&garth::undo::Entry| matches!(entry.kind, Kind::File | Kind::Link);
    let (before, after) = (&change.before, &change.after);
    let (old, new) = (before.as_ref().filter(known), after.as_ref().filter(known));
    let replaced = old.zip(new).is_some_and(|(old, new)| old.kind != new.kind);
    if old.is_none() && new.is_none() {
        return Ok(false);
    }
    if replaced {
        one_patch(change, (old, None), texts, terminal, out)?;
        one_patch(change, (None, new), texts, terminal, out)?;
        return Ok(true);
    }
    one_patch(change, (old, new), texts, terminal, out)?;
    Ok(true)
}

type Sides<'s> = (Option<&'s garth::undo::Entry>, Option<&'s garth::undo::Entry>);

fn one_patch(
    change: &Change,
    (old, new): Sides<'_>,
    texts: &Texts,
    terminal: bool,
    out: &mut dyn Write,
) -> io::Result<()> {
    let name = quoted(change.path.as_bytes());
    let bold = if terminal { BOLD } else { anstyle::Style::new() };
    writeln!(out, "{bold}diff --git {} {}{bold:#}", name("a"), name("b"))?;
    let mode = |entry: &garth::undo::Entry| match entry.kind {
        Kind::Link => "120000",
        _ if entry.mode & 0o100 == 0 => "100644",
        _ => "100755",
    };
    match (old, new) {
        (None, Some(new)) => writeln!(out, "new file mode {}", mode(new))?,
        (Some(old), None) => writeln!(out, "deleted file mode {}", mode(old))?,
        (Some(old), Some(new)) if mode(old) != mode(new) => {
            writeln!(out, "old mode {}\nnew mode {}", mode(old), mode(new))?;
        }
        _ => {}
    }
    let text = |entry: Option<&garth::undo::Entry>, text: &Option<Vec<u8>>| match entry {
        None => Some(Vec::new()),
        Some(entry) if entry.kind == Kind::Link => Some(entry.target.clone()),
        Some(_) => text.clone(),
    };
    let Some((before, after)) = text(old, &texts.outside).zip(text(new, &texts.layer)) else {
        return writeln!(out, "Binary files {} and {} differ", name("a"), name("b"));
    };
    let hunks = unified(&before, &after);
    if hunks.lines.is_empty() {
        return Ok(());
    }
    let side = |entry: Option<_>, side| entry.map_or_else(|| "/dev/null".to_owned(), |_: &_| name(side));
    writeln!(out, "--- {}\n+++ {}", side(old, "a"), side(new, "b"))?;
    lines(&hunks, terminal, out)
}

fn lines(hunks: &Hunks, terminal: bool, out: &mut dyn Write) -> io::Result<()> {
    for (sign, text) in &hunks.lines {
        let style = match sign {
            '+' if terminal => GOOD,
            '-' if terminal => ERROR,
            '@' if terminal => PART,
            _ => anstyle::Style::new(),
        };
        let sign = if *sign == '@' { String::new() } else { sign.to_string() };
        if terminal {
            writeln!(out, "{style}{sign}{}{style:#}", plain(text))?;
        } else {
            out.write_all(sign.as_bytes())?;
            out.write_all(text)?;
            if !text.ends_with(b"\n") {
                out.write_all(b"\n")?;
            }
        }
        if !text.ends_with(b"\n") {
            writeln!(out, "\\ No newline at end of file")?;
        }
    }
    Ok(())
}

/// A name with its side, in quotes where it holds something unusual (git-config(1), `core.quotePath`).
fn quoted(path: &[u8]) -> impl Fn(&str) -> String {
    let odd = path.iter().any(|byte| !(0x20..0x7f).contains(byte) || b"\"\\".contains(byte));
    let mut text = String::new();
    for byte in path {
        match byte {
            b'"' | b'\\' => {
                text.push('\\');
                text.push(char::from(*byte));
            }
            0x20..0x7f => text.push(char::from(*byte)),
            _ => text.push_str(&format!("\\{byte:03o}")),
        }
    }
    move |side| if odd { format!("\"{side}{text}\"") } else { format!("{side}{text}") }
}

/// Shows what both sides made of a text since the layer began. The text that both fit together to, if they do.
pub fn conflict(texts: &Texts, out: &mut dyn Write) -> Result<Option<Vec<u8>>, Failure> {
    let (Some(base), Some(outside), Some(layer)) = (&texts.base, &texts.outside, &texts.layer) else {
        writeln!(out, "  there is no text of before the command to compare with")?;
        return Ok(None);
    };
    for (who, text) in [("outside", outside), ("in the layer", layer)] {
        writeln!(out, "{BOLD}  changed {who}:{BOLD:#}")?;
        lines(&unified(base, text), true, out)?;
    }
    let merged = three_way(base, outside, layer);
    if merged.conflicts == 0 {
        writeln!(out, "{BOLD}  both fit together{BOLD:#}")?;
        return Ok(Some(merged.text));
    }
    writeln!(out, "{BOLD}  {} places do not fit together:{BOLD:#}", merged.conflicts)?;
    for line in merged.text.split_inclusive(|byte| *byte == b'\n') {
        writeln!(out, "{}", plain(line))?;
    }
    Ok(None)
}

/// What a text becomes, on a terminal.
pub fn becomes(before: &[u8], after: &[u8], out: &mut dyn Write) -> io::Result<()> {
    lines(&unified(before, after), true, out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_names_are_quoted_as_git_does() {
        assert_eq!(quoted(b"/a b")("a"), "a/a b");
        assert_eq!(quoted(b"/\x1b[31m\"")("b"), "\"b/\\033[31m\\\"\"");
        assert_eq!(quoted("/é".as_bytes())("a"), "\"a/\\303\\251\"");
    }

    #[test]
    fn lines_on_a_terminal_are_plain() {
        assert_eq!(plain(b"\ta\x1b[2Jb\xff\n"), "\ta\\x1b[2Jb\\xff");
    }
}
