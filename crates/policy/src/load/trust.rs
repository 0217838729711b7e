//! Which contents of project policies the user trusts.
//!
//! The store is a text of one line per content: the SHA-256 in lower-case hexadecimal, a blank, and a note. Reading
//! and writing it is the host's business, with its checks of owner and permissions.

use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The hash by which a content is trusted.
#[must_use]
pub fn content_hash(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// The trusted contents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustStore {
    entries: BTreeMap<String, String>,
}

impl TrustStore {
    /// Trusts nothing.
    #[must_use]
    pub fn empty() -> Self {
        Self { entries: BTreeMap::new() }
    }

    /// Reads the text of a store.
    ///
    /// # Errors
    /// The number of the first line that is neither a comment nor an entry.
    pub fn parse(text: &str) -> Result<Self, usize> {
        let mut entries = BTreeMap::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (hash, note) = line.split_once(' ').unwrap_or((line, ""));
            let is_hash =
                hash.len() == 64 && hash.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
            if !is_hash {
                return Err(number + 1);
            }
            entries.insert(hash.to_owned(), note.trim().to_owned());
        }
        Ok(Self { entries })
    }

    /// True if exactly this content is trusted.
    #[must_use]
    pub fn is_trusted(&self, text: &str) -> bool {
        self.entries.contains_key(&content_hash(text))
    }

    /// Trusts this content, with a note (where it was found).
    pub fn add(&mut self, text: &str, note: &str) {
        let plain: String =
            note.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
        self.entries.insert(content_hash(text), plain.trim().to_owned());
    }

    /// Withdraws the trust; true if there was any.
    pub fn remove(&mut self, hash: &str) -> bool {
        self.entries.remove(hash).is_some()
    }

    /// Hash and note of each trusted content.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries.iter().map(|(hash, note)| (hash.as_str(), note.as_str()))
    }

    /// The text of the store.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut out = String::from("# contents of garth.toml that are trusted, by SHA-256\n");
        for (hash, note) in &self.entries {
            let _ = writeln!(out, "{hash} {note}");
        }
        out
    }
}
