//! Finding the rules that match a path without looking at all of them.

use super::{FileRule, Pattern};
use crate::path::{AbsPath, equal_bytes};

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

/// The rules that match one path. Kept from path to path it saves looking for the names that two paths have in common.
#[derive(Debug, Default)]
pub(super) struct Trail {
    key: Vec<u8>,
    names: Vec<Name>,
    globs: Vec<(usize, u32)>,
}

/// A prefix of a path: its length and depth, its hash, and the first rule for it.
#[derive(Debug)]
struct Name {
    length: usize,
    depth: usize,
    state: u64,
    first: u32,
}

impl Trail {
    /// The first rule of each literal path that is the path or an ancestor, shallowest first, with its depth; then the
    /// first rule of each distinct glob that matches, with the depth of the match.
    pub(super) fn matches(&self) -> impl Iterator<Item = (usize, u32)> {
        let names = self.names.iter().map(|name| (name.depth, name.first));
        names.filter(|(_, first)| *first != NONE).chain(self.globs.iter().copied())
    }

    /// Goes on to the literal path of a rule. The literal paths of all rules are gone through in their order, so those that
    /// are ancestors of this one are the last ones, and nothing needs to be looked for.
    pub(super) fn step(&mut self, path: &AbsPath, first: u32) {
        let (key, separator) = (path.key(), path.separator());
        let common = equal_bytes(key, &self.key);
        let is_above = |name: &Name| {
            let ends = name.depth == 0 || key.get(name.length).is_none_or(|byte| *byte == separator);
            name.length <= common && ends
        };
        while self.names.last().is_some_and(|name| !is_above(name)) {
            self.names.pop();
        }
        self.names.push(Name { length: key.len(), depth: path.depth(), state: SEED, first });
        self.key.truncate(common);
        self.key.extend_from_slice(&key[common..]);
    }
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
    step(hash, tail(rest))
}

/// Fewer than eight bytes and their number, as one word.
fn tail(rest: &[u8]) -> u64 {
    let length = (rest.len() as u64) << 56;
    match (rest.first_chunk::<4>(), rest.last_chunk::<4>()) {
        (Some(first), Some(last)) => {
            let (first, last) = (u32::from_le_bytes(*first), u32::from_le_bytes(*last));
            length ^ u64::from(first) ^ (u64::from(last) << 24)
        }
        _ => length ^ rest.iter().fold(0, |word, byte| (word << 8) | u64::from(*byte)),
    }
}

fn hash(path: &AbsPath) -> u64 {
    let key = path.key();
    let next = |(state, done), length| (mix(state, &key[done..length]), length);
    path.key_prefixes().fold((SEED, 0), next).0
}

fn literal(rule: &FileRule) -> Option<&AbsPath> {
    match &rule.pattern {
        Pattern::Path(path) => Some(path),
        Pattern::Glob(_) => None,
    }
}

/// The literal paths of rules, each once and in order, with the first rule of each.
pub(super) fn literals(rules: &[FileRule]) -> Vec<(&AbsPath, u32)> {
    let numbered = (0_u32..).zip(rules);
    let mut literals: Vec<_> = numbered.filter_map(|(number, rule)| Some((literal(rule)?, number))).collect();
    // Stable: the first rule of a path stays before the others. It is the faster one here, too: much comes sorted from tables.
    literals.sort_by(|one, other| one.0.cmp(other.0));
    literals.dedup_by(|next, kept| next.0 == kept.0);
    literals
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

    /// Finds the rules that match `path`, with what `trail` knows of the path before.
    pub(super) fn follow(&self, rules: &[FileRule], path: &AbsPath, trail: &mut Trail) {
        let key = path.key();
        let common = equal_bytes(key, &trail.key);
        let (mut state, mut done, mut count) = (SEED, 0, 0);
        for length in path.key_prefixes() {
            match trail.names.get(count) {
                Some(known) if known.length == length && length <= common => state = known.state,
                _ => {
                    trail.names.truncate(count);
                    state = mix(state, &key[done..length]);
                    let first = match self.slots.is_empty() {
                        true => NONE,
                        false => self.slots[self.slot(rules, state, &key[..length])],
                    };
                    trail.names.push(Name { length, depth: count, state, first });
                }
            }
            (done, count) = (length, count + 1);
        }
        trail.names.truncate(count);
        trail.key.truncate(common);
        trail.key.extend_from_slice(&key[common..]);
        self.match_globs(rules, path, trail);
    }

    fn match_globs(&self, rules: &[FileRule], path: &AbsPath, trail: &mut Trail) {
        trail.globs.clear();
        for number in &self.globs {
            if let Pattern::Glob(glob) = &rules[*number as usize].pattern
                && let Some(depth) = glob.match_depth(path)
            {
                trail.globs.push((depth, *number));
            }
        }
    }

    /// As [`follow`](Self::follow), for the literal paths of all rules, one after the other in their order.
    pub(super) fn step(&self, rules: &[FileRule], literal: (&AbsPath, u32), trail: &mut Trail) {
        trail.step(literal.0, literal.1);
        self.match_globs(rules, literal.0, trail);
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
