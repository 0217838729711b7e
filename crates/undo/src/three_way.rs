//! Two texts that were made from one.

use crate::text::{lines, places};
use std::ops::Range;

/// What comes of two texts and the one that they were made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merged {
    /// The text, with what does not fit together between marks, as git writes them.
    pub text: Vec<u8>,
    /// Places that do not fit together.
    pub conflicts: usize,
}

/// One side's differences, as they are walked through.
struct Side<'s> {
    lines: Vec<&'s [u8]>,
    places: Vec<(Range<u32>, Range<u32>)>,
    next: usize,
}

impl<'s> Side<'s> {
    fn new(base: &[u8], text: &'s [u8]) -> Self {
        Self { lines: lines(text), places: places(base, text), next: 0 }
    }

    fn start(&self) -> Option<u32> {
        self.places.get(self.next).map(|place| place.0.start)
    }

    /// Takes the differences that begin before `end`, or at it, and returns how far the last of them reaches.
    fn take_until(&mut self, end: u32) -> Option<u32> {
        let mut reach = None;
        while let Some((before, _)) = self.places.get(self.next).filter(|place| place.0.start <= end) {
            reach = Some(before.end.max(reach.unwrap_or(0)));
            self.next += 1;
        }
        reach
    }

    /// What this side has for lines `range` of the base, which holds its differences from `first` on as a whole.
    fn part(&self, range: &Range<u32>, first: usize) -> Vec<u8> {
        let taken = &self.places[first..self.next];
        // Outside its differences a side is as long as the base.
        let at_start = |place: &(Range<u32>, Range<u32>)| i64::from(place.1.start) - i64::from(place.0.start);
        let at_end = |place: &(Range<u32>, Range<u32>)| i64::from(place.1.end) - i64::from(place.0.end);
        let earlier = first.checked_sub(1).and_then(|last| self.places.get(last));
        let shift = taken.first().map_or_else(|| earlier.map_or(0, at_end), at_start);
        let shift_end = taken.last().map_or(shift, at_end);
        let at = |line: u32, shift: i64| {
            usize::try_from(i64::from(line) + shift).unwrap_or(0).min(self.lines.len())
        };
        let (from, to) = (at(range.start, shift), at(range.end, shift_end));
        self.lines.get(from..to.max(from)).unwrap_or_default().concat()
    }
}

/// Puts two texts together that were made from `base`. What both changed in the same lines is a conflict, unless both made
/// the same of it.
#[must_use]
pub fn three_way(base: &[u8], outside: &[u8], layer: &[u8]) -> Merged {
    let old = lines(base);
    let (mut ours, mut theirs) = (Side::new(base, outside), Side::new(base, layer));
    let mut merged = Merged { text: Vec::new(), conflicts: 0 };
    let mut at: u32 = 0;
    loop {
        let start = match (ours.start(), theirs.start()) {
            (None, None) => break,
            (Some(one), Some(other)) => one.min(other),
            (Some(one), None) | (None, Some(one)) => one,
        };
        let (first_ours, first_theirs) = (ours.next, theirs.next);
        let mut end = start;
        // Differences that touch are one place.
        while let Some(reach) = ours.take_until(end).into_iter().chain(theirs.take_until(end)).max() {
            end = end.max(reach);
        }
        for line in old.get(at as usize..start as usize).unwrap_or_default() {
            merged.text.extend_from_slice(line);
        }
        let range = start..end;
        let original = old.get(start as usize..end as usize).unwrap_or_default().concat();
        let (one, other) = (ours.part(&range, first_ours), theirs.part(&range, first_theirs));
        if one == other || other == original {
            merged.text.extend_from_slice(&one);
        } else if one == original {
            merged.text.extend_from_slice(&other);
        } else {
            merged.conflicts += 1;
            conflict(&mut merged.text, &one, &original, &other);
        }
        at = end;
    }
    for line in old.get(at as usize..).unwrap_or_default() {
        merged.text.extend_from_slice(line);
    }
    merged
}

fn conflict(text: &mut Vec<u8>, outside: &[u8], base: &[u8], layer: &[u8]) {
    let mut section = |mark: &str, part: &[u8]| {
        text.extend_from_slice(mark.as_bytes());
        text.extend_from_slice(part);
        if !part.is_empty() && !part.ends_with(b"\n") {
            text.push(b'\n');
        }
    };
    section("<<<<<<< outside\n", outside);
    section("||||||| before\n", base);
    section("=======\n", layer);
    section(">>>>>>> layer\n", b"");
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn merge(base: &str, one: &str, other: &str) -> (String, usize) {
        let merged = three_way(base.as_bytes(), one.as_bytes(), other.as_bytes());
        (String::from_utf8(merged.text).unwrap(), merged.conflicts)
    }

    #[test]
    fn what_lies_apart_fits_together() {
        let base = "1\n2\n3\n4\n5\n6\n7\n";
        assert_eq!(
            merge(base, "1\nx\n3\n4\n5\n6\n7\n", "1\n2\n3\n4\n5\n7\n8\n"),
            ("1\nx\n3\n4\n5\n7\n8\n".into(), 0)
        );
        assert_eq!(merge(base, base, "0\n1\n2\n7\n"), ("0\n1\n2\n7\n".into(), 0));
        assert_eq!(merge(base, "1\n", "1\n"), ("1\n".into(), 0));
    }

    #[test]
    fn what_both_changed_is_shown_with_what_it_was() {
        let (text, conflicts) = merge("1\n2\n3\n", "1\na\n3\n", "1\nb\n3\n");
        assert_eq!(conflicts, 1);
        let shown = "1\n<<<<<<< outside\na\n||||||| before\n2\n=======\nb\n>>>>>>> layer\n3\n";
        assert_eq!(text, shown);
    }

    fn text() -> impl Strategy<Value = String> {
        prop::collection::vec(0_u8..5, 0..14)
            .prop_map(|lines| lines.iter().map(|line| format!("{line}\n")).collect())
    }

    proptest! {
        #[test]
        fn one_side_alone_wins((base, one) in (text(), text())) {
            prop_assert_eq!(merge(&base, &one, &base), (one.clone(), 0));
            prop_assert_eq!(merge(&base, &base, &one), (one.clone(), 0));
            prop_assert_eq!(merge(&base, &one, &one), (one, 0));
        }

        #[test]
        fn without_a_conflict_each_line_comes_from_somewhere((base, one, other) in (text(), text(), text())) {
            let (merged, conflicts) = merge(&base, &one, &other);
            let known = |line: &str| [&base, &one, &other].iter().any(|text| text.lines().any(|known| known == line));
            prop_assert!(conflicts > 0 || merged.lines().all(known));
        }

        /// Differences in two halves with something fixed between them never meet.
        #[test]
        fn halves_do_not_disturb_each_other((a, b, c, d) in (text(), text(), text(), text())) {
            let fixed = "=\n==\n===\n";
            let join = |first: &str, second: &str| format!("{first}{fixed}{second}");
            let (merged, conflicts) = merge(&join(&a, &b), &join(&c, &b), &join(&a, &d));
            prop_assert_eq!(conflicts, 0);
            prop_assert_eq!(merged, join(&c, &d));
        }
    }
}
