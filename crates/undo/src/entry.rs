//! What stands at a name.

use garth_policy::escape_lossless;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What kind of object it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Link,
    /// A named pipe.
    Pipe,
    /// A socket. It is worth nothing without its server, so it is never put in place.
    Socket,
    /// A device. It is never put in place.
    Device,
}

impl Kind {
    /// The kind in one word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Directory => "directory",
            Self::Link => "link",
            Self::Pipe => "pipe",
            Self::Socket => "socket",
            Self::Device => "device",
        }
    }

    /// Whether an object of this kind can be made anew from what is known of it.
    #[must_use]
    pub fn can_be_made(self) -> bool {
        !matches!(self, Self::Socket | Self::Device)
    }
}

/// A time as files have it: seconds since 1970, and nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Time {
    /// Seconds; negative before 1970.
    pub seconds: i64,
    /// Nanoseconds, fewer than a thousand million.
    pub nanos: u32,
}

/// An object: all that is kept of it beside its content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its kind.
    pub kind: Kind,
    /// Permission bits (`07777`).
    pub mode: u32,
    /// Its user.
    pub owner: u32,
    /// Its group.
    pub group: u32,
    /// Bytes of a file.
    pub size: u64,
    /// When its content changed.
    pub modified: Time,
    /// When it was made, where that is kept and can be set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<Time>,
    /// When anything about it changed. On Linux no program can set this time; on Windows one can.
    pub changed: Time,
    /// Its file system's number and its own.
    pub object: (u64, u64),
    /// How many names it has.
    pub names: u64,
    /// What a link says.
    #[serde(with = "lossless", default, skip_serializing_if = "Vec::is_empty")]
    pub target: Vec<u8>,
    /// Extended attributes that belong to the user: `user.*` and access control lists.
    #[serde(with = "lossless_map", default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl Entry {
    /// Whether this is the very object, unchanged since `earlier` was seen of it.
    #[must_use]
    pub fn is_untouched_since(&self, earlier: &Self) -> bool {
        self.object == earlier.object
            && self.changed == earlier.changed
            && self.size == earlier.size
            && self.kind == earlier.kind
    }

    /// As [`Entry::is_untouched_since`], where another name of this object may have come or gone meanwhile: that changes
    /// the object's time, and nothing else of it.
    #[must_use]
    pub fn is_same_but_for_names(&self, earlier: &Self) -> bool {
        (earlier.names > 1 || self.names > 1)
            && self.object == earlier.object
            && self.size == earlier.size
            && self.kind == earlier.kind
            && self.modified == earlier.modified
            && self.mode == earlier.mode
            && self.attributes == earlier.attributes
    }
}

mod lossless {
    use super::escape_lossless;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&escape_lossless(bytes))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(deserializer)?;
        super::unescape(&text).ok_or_else(|| D::Error::custom("a `\\x` escape needs two hexadecimal digits"))
    }
}

mod lossless_map {
    use super::escape_lossless;
    use serde::{Deserialize, Deserializer, Serializer, de::Error, ser::SerializeMap};
    use std::collections::BTreeMap;

    pub fn serialize<S: Serializer>(
        map: &BTreeMap<Vec<u8>, Vec<u8>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_map(Some(map.len()))?;
        for (name, value) in map {
            out.serialize_entry(&escape_lossless(name), &escape_lossless(value))?;
        }
        out.end()
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, D::Error> {
        let map = BTreeMap::<String, String>::deserialize(deserializer)?;
        map.iter()
            .map(|(name, value)| Some((super::unescape(name)?, super::unescape(value)?)))
            .collect::<Option<_>>()
            .ok_or_else(|| D::Error::custom("a `\\x` escape needs two hexadecimal digits"))
    }
}

/// The bytes of a text that [`escape_lossless`] made.
fn unescape(text: &str) -> Option<Vec<u8>> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        if *byte == b'\\' {
            let digits = bytes.get(at + 1..at + 4)?.strip_prefix(b"x")?;
            out.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
            at += 4;
        } else {
            out.push(*byte);
            at += 1;
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_escaped_reads_back() {
        for bytes in [&b"plain"[..], b"", b"\xff\\x41\n", "\u{202e}é".as_bytes(), b"\\"] {
            assert_eq!(unescape(&escape_lossless(bytes)).unwrap(), bytes);
        }
        for text in ["\\", "\\x", "\\x4", "\\y41", "\\xzz"] {
            assert_eq!(unescape(text), None, "{text}");
        }
    }
}
