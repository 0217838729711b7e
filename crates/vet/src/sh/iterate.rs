//! `for` over words that are known: its body once for each.

use super::expand::Manner;
use super::lower::Lowering;
use super::tree::{List, Word as Written};
use crate::command::{Part, Word};
use crate::region::RegionKind;

/// Words of a loop that are each looked at.
const MOST_WORDS: usize = 32;

/// Commands that are added by going through bodies again.
const MOST_REPEATED: usize = 500;

/// Bytes of a text in which bodies are gone through again, so that the time grows with the text.
const LONGEST: usize = 1 << 16;

impl Lowering<'_> {
    /// A loop over words, or the choice of one where it selects.
    pub(super) fn for_each(&mut self, name: &str, words: &[Written], body: &List, selects: bool) {
        if let Some(word) = words.first() {
            self.gives(name, word.span);
        }
        let words: Vec<Word> = words.iter().flat_map(|word| self.expand(word, Manner::Command)).collect();
        let is_few = (1..=MOST_WORDS).contains(&words.len()) && self.length <= LONGEST;
        if selects || !is_few || words.iter().any(|word| word.has_unknown() && !word.is_listed()) {
            return self.region(RegionKind::Loop, |inner| inner.list(body));
        }
        let last = words.len() - 1;
        for (index, word) in words.into_iter().enumerate() {
            let before = self.script.commands.len();
            self.turn(name, word.parts, body);
            let added = self.script.commands.len().saturating_sub(before);
            self.repeated += if index == 0 { 0 } else { added };
            if index < last && self.repeated + added > MOST_REPEATED {
                // The other words are looked at as one that is not known.
                return self.region(RegionKind::Loop, |inner| inner.list(body));
            }
        }
    }

    fn turn(&mut self, name: &str, parts: Vec<Part>, body: &List) {
        self.scope.turns.push((name.to_owned(), parts));
        self.region(RegionKind::Loop, |inner| inner.list(body));
        self.scope.turns.pop();
    }
}
