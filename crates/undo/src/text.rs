//! Differences between texts.

use imara_diff::{Algorithm, Diff, InternedInput, sources::byte_lines};
use std::ops::Range;

/// The longest text that is compared line by line, in bytes.
pub const LONGEST_TEXT: u64 = 4 * 1024 * 1024;

/// Lines around a difference.
const AROUND: u32 = 3;

/// Whether bytes are a text: no NUL in their beginning, as git has it.
#[must_use]
pub fn is_text(bytes: &[u8]) -> bool {
    !bytes.iter().take(8000).any(|byte| *byte == 0)
}

/// Differences between two texts, as `diff -u` shows them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hunks {
    /// Lines that are new.
    pub added: usize,
    /// Lines that go.
    pub removed: usize,
    /// Lines with their sign: `@` for the place of what follows, blank for what stays, `+`, `-`. Line ends are kept; a
    /// line without one is the last of its text.
    pub lines: Vec<(char, Vec<u8>)>,
}

/// The places at which two texts differ, in line numbers from zero. Takes no more than a time in proportion to the texts,
/// with the logarithm: where they have little in common, a difference need not be the shortest.
pub(crate) fn places(before: &[u8], after: &[u8]) -> Vec<(Range<u32>, Range<u32>)> {
    let input = InternedInput::new(byte_lines(before), byte_lines(after));
    let mut diff = Diff::compute(Algorithm::Histogram, &input);
    diff.postprocess_no_heuristic(&input);
    diff.hunks().map(|hunk| (hunk.before, hunk.after)).collect()
}

/// Lines with their ends.
pub(crate) fn lines(text: &[u8]) -> Vec<&[u8]> {
    text.split_inclusive(|byte| *byte == b'\n').collect()
}

/// Compares two texts.
#[must_use]
pub fn unified(before: &[u8], after: &[u8]) -> Hunks {
    let (old, new) = (lines(before), lines(after));
    let places = places(before, after);
    let mut hunks = Hunks::default();
    let mut at = 0;
    while at < places.len() {
        let mut end = at + 1;
        while end < places.len() && places[end].0.start.saturating_sub(places[end - 1].0.end) <= 2 * AROUND {
            end += 1;
        }
        one_hunk(&places[at..end], &old, &new, &mut hunks);
        at = end;
    }
    hunks
}

/// A part of a list, cut to what there is.
fn part<'l>(list: &[&'l [u8]], range: Range<u32>) -> Vec<&'l [u8]> {
    let end = (range.end as usize).min(list.len());
    list.get(range.start as usize..end).unwrap_or_default().to_vec()
}

fn one_hunk(places: &[(Range<u32>, Range<u32>)], old: &[&[u8]], new: &[&[u8]], hunks: &mut Hunks) {
    let (Some(first), Some(last)) = (places.first(), places.last()) else { return };
    let count = u32::try_from(old.len()).unwrap_or(u32::MAX);
    let lead = first.0.start.min(AROUND);
    let tail = (count - last.0.end.min(count)).min(AROUND);
    let (from, to) = (first.0.start - lead..last.0.end + tail, first.1.start - lead..last.1.end + tail);
    let header = format!("@@ -{} +{} @@\n", counted(&from), counted(&to));
    hunks.lines.push(('@', header.into_bytes()));
    let mut next = from.start;
    for (before, after) in places {
        let mut push = |sign, list: Vec<&[u8]>| {
            hunks.lines.extend(list.into_iter().map(|line| (sign, line.to_vec())));
        };
        push(' ', part(old, next..before.start));
        push('-', part(old, before.clone()));
        push('+', part(new, after.clone()));
        hunks.removed += before.len();
        hunks.added += after.len();
        next = before.end;
    }
    hunks.lines.extend(part(old, next..from.end).into_iter().map(|line| (' ', line.to_vec())));
}

/// A range as `diff -u` counts: from one, and an empty one by the line before it.
fn counted(range: &Range<u32>) -> String {
    match range.len() {
        0 => format!("{},0", range.start),
        1 => format!("{}", range.start + 1),
        length => format!("{},{length}", range.start + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(before: &str, after: &str) -> String {
        let hunks = unified(before.as_bytes(), after.as_bytes());
        let line = |(sign, line): &(char, Vec<u8>)| {
            let text = String::from_utf8_lossy(line).into_owned();
            if *sign == '@' { text } else { format!("{sign}{text}") }
        };
        hunks.lines.iter().map(line).collect()
    }

    #[test]
    fn differences_look_as_diff_shows_them() {
        let old = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";
        let new = "1\n2\n3\n4\nfive\n6\n7\n8\n9\n10\n";
        assert_eq!(shown(old, new), "@@ -2,8 +2,9 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n 9\n+10\n");
        assert_eq!(shown("", "a\n"), "@@ -0,0 +1 @@\n+a\n");
        assert_eq!(shown("a\n", ""), "@@ -1 +0,0 @@\n-a\n");
        assert_eq!(shown("a\n", "a\n"), "");
    }

    #[test]
    fn texts_with_nothing_in_common_take_no_long_time() {
        let text =
            |start: u32| (start..start + 100_000).map(|number| format!("{number}\n")).collect::<String>();
        let hunks = unified(text(0).as_bytes(), text(200_000).as_bytes());
        assert_eq!((hunks.added, hunks.removed), (100_000, 100_000));
    }
}
