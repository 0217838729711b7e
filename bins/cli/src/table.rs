//! Tables of at most 96 columns.

use crate::show::BOLD;
use anstyle::Style;
use std::io::{self, Write};

/// The widest line.
pub const WIDTH: usize = 96;
/// Blanks between columns.
const BETWEEN: usize = 2;

/// A cell: its text and how it is shown.
pub struct Cell(pub String, pub Style);

impl Cell {
    /// A cell without colour.
    pub fn plain(text: impl Into<String>) -> Self {
        Self(text.into(), Style::new())
    }
}

/// Writes rows below a heading. Columns are as wide as they need to be; those in `flexible` share what is left
/// and wrap.
pub fn table<const N: usize>(
    heading: [&str; N],
    flexible: &[usize],
    rows: &[[Cell; N]],
    out: &mut dyn Write,
) -> io::Result<()> {
    let heading = heading.map(|word| Cell(word.to_owned(), BOLD));
    let mut widths = [0; N];
    for row in std::iter::once(&heading).chain(rows) {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.0.chars().count());
        }
    }
    fit(&mut widths, flexible);
    for row in std::iter::once(&heading).chain(rows) {
        write_row(row, &widths, out)?;
    }
    Ok(())
}

/// Takes from the widest flexible column until the line fits.
fn fit(widths: &mut [usize], flexible: &[usize]) {
    let total = |widths: &[usize]| widths.iter().sum::<usize>() + BETWEEN * widths.len().saturating_sub(1);
    while total(widths) > WIDTH {
        let widest = flexible.iter().copied().max_by_key(|at| widths.get(*at).copied().unwrap_or(0));
        let Some(width) = widest.and_then(|at| widths.get_mut(at)).filter(|width| **width > 8) else {
            return;
        };
        *width -= 1;
    }
}

fn write_row(row: &[Cell], widths: &[usize], out: &mut dyn Write) -> io::Result<()> {
    let wrapped: Vec<Vec<String>> =
        row.iter().zip(widths).map(|(cell, width)| wrap(&cell.0, *width)).collect();
    let height = wrapped.iter().map(Vec::len).max().unwrap_or(0);
    for line in 0..height {
        let last = wrapped.iter().rposition(|lines| lines.len() > line).unwrap_or(0);
        for (at, ((lines, cell), width)) in wrapped.iter().zip(row).zip(widths).enumerate().take(last + 1) {
            let text = lines.get(line).map_or("", String::as_str);
            let style = cell.1;
            write!(out, "{style}{text}{style:#}")?;
            if at < last {
                let padding = (width + BETWEEN).saturating_sub(text.chars().count());
                write!(out, "{:padding$}", "")?;
            }
        }
        writeln!(out)?;
    }
    Ok(())
}

/// Breaks at blanks, and inside words that are too long, best after a slash of either kind.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    for word in text.split(' ') {
        let mut word: Vec<char> = word.chars().collect();
        let used = line.chars().count();
        if used > 0 && used + 1 + word.len() <= width {
            line.push(' ');
            line.extend(word);
            continue;
        }
        if used > 0 {
            lines.push(std::mem::take(&mut line));
        }
        while word.len() > width {
            let head = word.get(..width).unwrap_or_default();
            let cut = head.iter().rposition(|letter| matches!(letter, '/' | '\\')).map_or(width, |at| at + 1);
            let cut = if cut * 2 < width { width } else { cut };
            lines.push(word.drain(..cut).collect());
        }
        line.extend(word);
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wraps_at_blanks_and_slashes() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("/aaaa/bbbb/cccc", 11), ["/aaaa/bbbb/", "cccc"]);
        assert_eq!(wrap("C:\\aaaa\\bbbb", 11), ["C:\\aaaa\\", "bbbb"]);
        assert_eq!(wrap("", 5), [""]);
    }

    #[test]
    fn tables_fit() {
        let long = "word ".repeat(40);
        let rows = [[Cell::plain(long.clone()), Cell::plain("x"), Cell::plain(long)]];
        let mut out = Vec::new();
        table(["A", "B", "C"], &[0, 2], &rows, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let text = anstream::adapter::strip_str(&text).to_string();
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
        assert!(text.lines().count() > 4);
    }
}
