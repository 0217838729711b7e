//! Finding the rules that match a path without looking at all of them.

use super::{FileRule, Pattern};
use crate::path::AbsPath;

const NONE: u32 = u32::MAX;

/// An open-addressing table from literal paths to their rules, and the list of distinct globs.
///
/// A path is hashed once, name by name; after each name the running hash looks up the prefix. That is a handful of probes for any number of rules.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    /// First rule of each literal path; a power of two in length.
    slots: Vec<u32>,
    /// Next rule with the same pattern.
    next: Vec<u32>,
    literals: usize,
    globs: Vec<u32>,
}

const SEED: u64 = 0xcbf2_9ce4_8422_2325;
/// An odd number with well-spread bits.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// Mixes one name with its separator into the hash, eight bytes at a time. Rules are few and not the attacker's, so
/// a collision costs a comparison and nothing else.
fn mix(hash: u64, name: &[u8]) -> u64 {
    let step = |hash: u64, word: u64| (hash.rotate_left(5) ^ word).wrapping_mul(SPREAD);
    let (words, rest) = name.as_chunks::<8>();
    let hash = words.iter().fold(hash, |hash, word| step(hash, u64::from_le_bytes(*word)));
    let last = rest.iter().fold(rest.len() as u64, |last, byte| (last << 8) | u64::from(*byte));
    step(hash, last)
}

fn hash(path: &AbsPath) -> u64 {
    let (key, mut done, mut state) = (path.key(), 0, SEED);
    for length in path.key_prefixes() {
        state = mix(state, &key[done..length]);
        done = length;
    }
    state
}

fn literal(rule: &FileRule) -> Option<&AbsPath> {
    match &rule.pattern {
        Pattern::Path(path) => Some(path),
        Pattern::Glob(_) => None,
    }
}

impl Index {
    pub(super) fn build(rules: &[FileRule]) -> Self {
        let mut index = Self::default();
        for at in 0..rules.len() {
            index.add(rules, at);
        }
        index
    }

    /// Takes in the rule at `at`, the last of `rules[..=at]`.
    pub(super) fn add(&mut self, rules: &[FileRule], at: usize) {
        let Ok(number) = u32::try_from(at) else { return };
        self.next.push(NONE);
        match &rules[at].pattern {
            Pattern::Path(path) => {
                self.grow(rules);
                self.insert(rules, path, number);
            }
            Pattern::Glob(glob) => {
                let same = |known: &&u32| matches!(&rules[**known as usize].pattern, Pattern::Glob(other) if other == glob);
                match self.globs.iter().find(same) {
                    Some(first) => self.chain(*first, number),
                    None => self.globs.push(number),
                }
            }
        }
    }

    fn chain(&mut self, first: u32, number: u32) {
        let after = self.next[first as usize];
        self.next[number as usize] = after;
        self.next[first as usize] = number;
    }

    fn grow(&mut self, rules: &[FileRule]) {
        if (self.literals + 1) * 2 <= self.slots.len() {
            return;
        }
        let length = (self.slots.len() * 2).max(1024);
        let old = std::mem::replace(&mut self.slots, vec![NONE; length]);
        for number in old.into_iter().filter(|number| *number != NONE) {
            if let Some(path) = literal(&rules[number as usize]) {
                let slot = self.slot(rules, hash(path), path.key());
                self.slots[slot] = number;
            }
        }
    }

    fn insert(&mut self, rules: &[FileRule], path: &AbsPath, number: u32) {
        let slot = self.slot(rules, hash(path), path.key());
        match self.slots[slot] {
            NONE => {
                self.slots[slot] = number;
                self.literals += 1;
            }
            first => self.chain(first, number),
        }
    }

    /// The slot that holds `key`, or the free one where it belongs.
    fn slot(&self, rules: &[FileRule], hash: u64, key: &[u8]) -> usize {
        let mask = self.slots.len() - 1;
        #[expect(clippy::cast_possible_truncation, reason = "only the low bits choose the slot")]
        let mut slot = (hash ^ (hash >> 32)) as usize & mask;
        loop {
            let number = self.slots[slot];
            let found = rules.get(number as usize).and_then(literal);
            if number == NONE || found.is_some_and(|path| path.key() == key) {
                return slot;
            }
            slot = (slot + 1) & mask;
        }
    }

    /// Calls `visit` with the first rule of each literal path that is `path` or an ancestor, shallowest first,
    /// with its depth; then with the first rule of each distinct glob that matches, with the depth of the match.
    pub(super) fn matches(&self, rules: &[FileRule], path: &AbsPath, mut visit: impl FnMut(usize, u32)) {
        if !self.slots.is_empty() {
            let key = path.key();
            let (mut state, mut done) = (SEED, 0);
            for (depth, length) in path.key_prefixes().enumerate() {
                state = mix(state, &key[done..length]);
                done = length;
                let number = self.slots[self.slot(rules, state, &key[..length])];
                if number != NONE {
                    visit(depth, number);
                }
            }
        }
        for number in &self.globs {
            if let Pattern::Glob(glob) = &rules[*number as usize].pattern
                && let Some(depth) = glob.match_depth(path)
            {
                visit(depth, *number);
            }
        }
    }

    /// The rules with the same pattern, `first` included.
    pub(super) fn same_pattern<'r>(
        &'r self,
        rules: &'r [FileRule],
        first: u32,
    ) -> impl Iterator<Item = &'r FileRule> {
        let mut at = first;
        std::iter::from_fn(move || {
            let rule = rules.get(at as usize)?;
            at = self.next[at as usize];
            Some(rule)
        })
    }
}
