//! Patches. Names and contents come from inside: on a terminal nothing of them is more than plain letters.

use crate::show::{BOLD, ERROR, GOOD, PART};
use garth::policy::escape_visible;
use garth::undo::{Change, Hunks, Kind, Texts, unified};
use std::io::{self, Write};

/// A line of a file on a terminal.
pub(super) fn plain(line: &[u8]) -> String {
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

pub(super) fn lines(hunks: &Hunks, terminal: bool, out: &mut dyn Write) -> io::Result<()> {
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
