//! Absolute, lexically normalised paths of either flavour, as raw bytes.
//!
//! A policy for Windows is planned and tested on Linux and the other way round, so `std::path` (whose rules are
//! those of the machine it runs on) is no use here.

mod display;
mod windows;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

pub(crate) use display::unescape;
pub use display::{escape_lossless, escape_visible};
pub(crate) use windows::fold;

/// Whose path rules apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Flavor {
    /// `/`-separated bytes, compared exactly.
    Posix,
    /// Drive or UNC root, `\`-separated, compared without regard to case.
    Windows,
}

/// Why a text is no path that a policy can decide on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathError {
    /// Nothing at all.
    Empty,
    /// It does not start at a root.
    NotAbsolute,
    /// A NUL byte, which no system call takes.
    Nul,
    /// A `..` component: what it means depends on links.
    ParentComponent,
    /// `..` above the root.
    AboveRoot,
    /// A Windows device or verbatim path (`\\.\`, `\\?\`).
    DevicePath,
    /// A `:` inside a Windows name: an alternate stream.
    AlternateStream(String),
    /// A Windows name ending in a dot or a space, which Windows drops silently.
    TrailingDotOrSpace(String),
    /// `CON`, `NUL`, `COM1` and the like.
    ReservedName(String),
    /// A character that Windows names cannot hold.
    ForbiddenCharacter(char),
    /// An escaped text form that does not decode.
    BadEscape,
}

impl fmt::Display for PathError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => out.write_str("the path is empty"),
            Self::NotAbsolute => out.write_str("the path is not absolute"),
            Self::Nul => out.write_str("the path holds a NUL byte"),
            Self::ParentComponent => out.write_str("`..` depends on links and cannot be decided"),
            Self::AboveRoot => out.write_str("`..` leads above the root"),
            Self::DevicePath => {
                out.write_str("device and verbatim paths (`\\\\.\\`, `\\\\?\\`) cannot be decided")
            }
            Self::AlternateStream(name) => write!(out, "`{name}` names an alternate data stream"),
            Self::TrailingDotOrSpace(name) => {
                write!(out, "`{name}` ends in a dot or a space, which Windows drops")
            }
            Self::ReservedName(name) => write!(out, "`{name}` is a reserved device name"),
            Self::ForbiddenCharacter(found) => write!(out, "a Windows name cannot hold {found:?}"),
            Self::BadEscape => out.write_str("a `\\x` escape needs two hexadecimal digits"),
        }
    }
}

impl std::error::Error for PathError {}

/// An absolute, lexically normalised path: no `.`, no `..`, no doubled or trailing separators.
///
/// Windows paths compare and hash by a simple Unicode fold, one character to one. NTFS folds by a table stored in the
/// volume, which may know other pairs for rare letters; the host compares opened objects, not names, so there such a
/// pair is a file that no rule names, or two names for which the same rule holds.
#[derive(Clone)]
pub struct AbsPath {
    flavor: Flavor,
    bytes: Vec<u8>,
    folded: Option<Vec<u8>>,
}

impl AbsPath {
    /// Takes a POSIX path as bytes. Doubled separators, `.` and a trailing separator are dropped.
    ///
    /// # Errors
    /// When it is empty, relative, holds NUL, or holds `..`.
    pub fn posix(bytes: impl Into<Vec<u8>>) -> Result<Self, PathError> {
        let bytes = bytes.into();
        match bytes.first() {
            None => return Err(PathError::Empty),
            Some(b'/') => {}
            Some(_) => return Err(PathError::NotAbsolute),
        }
        if bytes.contains(&0) {
            return Err(PathError::Nul);
        }
        if is_clean(&bytes) {
            return Ok(Self { flavor: Flavor::Posix, bytes, folded: None });
        }
        let mut clean = Vec::with_capacity(bytes.len());
        for name in bytes.split(|byte| *byte == b'/') {
            match name {
                b"" | b"." => {}
                b".." => return Err(PathError::ParentComponent),
                name => {
                    clean.push(b'/');
                    clean.extend_from_slice(name);
                }
            }
        }
        if clean.is_empty() {
            clean.push(b'/');
        }
        Ok(Self { flavor: Flavor::Posix, bytes: clean, folded: None })
    }

    /// Takes a Windows path: `C:\dir`, `C:/dir` or `\\server\share\dir`.
    ///
    /// # Errors
    /// When it is relative (also `C:dir` and `\dir`), a device path, or holds a name that Windows would read as
    /// something else.
    pub fn windows(text: &str) -> Result<Self, PathError> {
        let text = windows::normalise(text)?;
        let folded = fold(&text).into_bytes();
        Ok(Self { flavor: Flavor::Windows, bytes: text.into_bytes(), folded: Some(folded) })
    }

    /// Takes a path of the given flavour.
    ///
    /// # Errors
    /// As [`AbsPath::posix`] and [`AbsPath::windows`].
    pub fn parse(flavor: Flavor, text: &str) -> Result<Self, PathError> {
        match flavor {
            Flavor::Posix => Self::posix(text),
            Flavor::Windows => Self::windows(text),
        }
    }

    /// Whose rules the path follows.
    #[must_use]
    pub fn flavor(&self) -> Flavor {
        self.flavor
    }

    /// The path as given to the system.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What comparisons use: the bytes, or their fold on Windows.
    pub(crate) fn key(&self) -> &[u8] {
        self.folded.as_deref().unwrap_or(&self.bytes)
    }

    pub(crate) fn separator(&self) -> u8 {
        match self.flavor {
            Flavor::Posix => b'/',
            Flavor::Windows => b'\\',
        }
    }

    fn root_length(&self, of: &[u8]) -> usize {
        match self.flavor {
            Flavor::Posix => 1,
            Flavor::Windows => windows::root_length(of),
        }
    }

    /// The root: `/`, `C:\` or `\\server\share`.
    #[must_use]
    pub fn root(&self) -> &[u8] {
        let length = self.root_length(&self.bytes);
        &self.bytes[..length]
    }

    /// The names below the root, in order.
    pub fn components(&self) -> impl DoubleEndedIterator<Item = &[u8]> {
        let separator = self.separator();
        let below = &self.bytes[self.root_length(&self.bytes)..];
        below.split(move |byte| *byte == separator).filter(|name| !name.is_empty())
    }

    /// The names below the root as comparisons see them.
    pub(crate) fn key_components(&self) -> impl DoubleEndedIterator<Item = &[u8]> {
        let separator = self.separator();
        let below = &self.key()[self.root_length(self.key())..];
        below.split(move |byte| *byte == separator).filter(|name| !name.is_empty())
    }

    /// Lengths within [`Self::key`] of every prefix, the root first and the whole path last.
    pub(crate) fn key_prefixes(&self) -> impl Iterator<Item = usize> {
        let key = self.key();
        let (root, separator) = (self.root_length(key), self.separator());
        let inner = key[root..]
            .iter()
            .enumerate()
            .filter(move |(at, byte)| *at > 0 && **byte == separator)
            .map(move |(at, _)| root + at);
        std::iter::once(root).chain(inner).chain((key.len() > root).then_some(key.len()))
    }

    /// How many names stand below the root.
    #[must_use]
    pub fn depth(&self) -> usize {
        match self.flavor {
            // Each name has one separator before it.
            Flavor::Posix if self.bytes.len() > 1 => self.bytes.iter().filter(|byte| **byte == b'/').count(),
            Flavor::Posix => 0,
            Flavor::Windows => self.components().count(),
        }
    }

    /// True if `prefix` is this path or one of its ancestors, by whole components.
    #[must_use]
    pub fn starts_with(&self, prefix: &Self) -> bool {
        if self.flavor != prefix.flavor {
            return false;
        }
        let (key, start, separator) = (self.key(), prefix.key(), self.separator());
        // Most paths that are asked about are no ancestors, and most of these have no name that ends there.
        let is_end = match key.get(start.len()) {
            Some(byte) => *byte == separator || start.last() == Some(&separator),
            None => key.len() == start.len(),
        };
        is_end && key.starts_with(start)
    }

    /// The part below `prefix`, without a leading separator; `None` if it is no ancestor.
    #[must_use]
    pub fn strip_prefix(&self, prefix: &Self) -> Option<&[u8]> {
        if !self.starts_with(prefix) {
            return None;
        }
        let mut rest = self.components();
        for _ in prefix.components() {
            rest.next();
        }
        let Some(first) = rest.next() else { return Some(&[]) };
        let start = first.as_ptr() as usize - self.bytes.as_ptr() as usize;
        self.bytes.get(start..)
    }

    /// The directory that holds it; `None` for a root.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        let name = self.file_name()?;
        let root = self.root_length(&self.bytes);
        let cut = (self.bytes.len() - name.len()).saturating_sub(1).max(root);
        Some(self.cut(cut))
    }

    fn cut(&self, length: usize) -> Self {
        let bytes = self.bytes[..length].to_vec();
        let folded = self.folded.is_some().then(|| fold(&String::from_utf8_lossy(&bytes)).into_bytes());
        Self { flavor: self.flavor, bytes, folded }
    }

    /// The last name; `None` for a root.
    #[must_use]
    pub fn file_name(&self) -> Option<&[u8]> {
        match self.flavor {
            Flavor::Posix => {
                let name = self.bytes.rsplit(|byte| *byte == b'/').next()?;
                (!name.is_empty()).then_some(name)
            }
            Flavor::Windows => self.components().next_back(),
        }
    }

    /// This path extended by a relative one.
    ///
    /// # Errors
    /// When `relative` holds `..`, NUL, or (on Windows) an undecidable name.
    pub fn join(&self, relative: &[u8]) -> Result<Self, PathError> {
        let mut bytes = Vec::with_capacity(self.bytes.len() + relative.len() + 1);
        bytes.extend_from_slice(&self.bytes);
        bytes.push(self.separator());
        bytes.extend_from_slice(relative);
        match self.flavor {
            Flavor::Posix => Self::posix(bytes),
            Flavor::Windows => {
                let text =
                    std::str::from_utf8(&bytes).map_err(|_| PathError::ForbiddenCharacter('\u{fffd}'))?;
                Self::windows(text)
            }
        }
    }

    /// As [`AbsPath::join`] for a row of a table, which is clean already; a test proves it of every row.
    pub(crate) fn join_clean(&self, relative: &str) -> Result<Self, PathError> {
        if self.flavor == Flavor::Windows {
            return self.join(relative.as_bytes());
        }
        let mut bytes = Vec::with_capacity(self.bytes.len() + relative.len() + 1);
        if self.bytes.len() > 1 {
            bytes.extend_from_slice(&self.bytes);
        }
        bytes.push(b'/');
        bytes.extend_from_slice(relative.as_bytes());
        Ok(Self { flavor: Flavor::Posix, bytes, folded: None })
    }

    /// An absolute POSIX path of a table, which is clean already; a test proves it of every row.
    pub(crate) fn posix_clean(path: &str) -> Self {
        Self { flavor: Flavor::Posix, bytes: path.as_bytes().to_vec(), folded: None }
    }

    /// This path extended by a relative one in which `..` steps up lexically. Right only where no link stands on
    /// the way, as below an already resolved workspace.
    ///
    /// # Errors
    /// As [`AbsPath::join`], and when `..` leads above the root.
    pub fn resolve(&self, relative: &[u8]) -> Result<Self, PathError> {
        let mut at = self.clone();
        let is_separator = |byte: &u8| *byte == b'/' || *byte == self.separator();
        for name in relative.split(is_separator) {
            match name {
                b"" | b"." => {}
                b".." => at = at.parent().ok_or(PathError::AboveRoot)?,
                name => at = at.join(name)?,
            }
        }
        Ok(at)
    }

    /// True if a name looks like a generated 8.3 short name (`PROGRA~1`), which may stand for another name.
    #[must_use]
    pub fn has_short_name(&self) -> bool {
        self.flavor == Flavor::Windows && self.components().any(windows::looks_short)
    }
}

impl PartialEq for AbsPath {
    fn eq(&self, other: &Self) -> bool {
        self.flavor == other.flavor && self.key() == other.key()
    }
}

impl Eq for AbsPath {}

impl PartialOrd for AbsPath {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for AbsPath {
    /// By root, then name by name: a directory sorts directly before all that is in it.
    fn cmp(&self, other: &Self) -> Ordering {
        if (self.flavor, other.flavor) == (Flavor::Posix, Flavor::Posix) {
            return by_names(&self.bytes, &other.bytes, b'/');
        }
        let (one, two) = (self.key(), other.key());
        let roots = || match self.flavor {
            Flavor::Posix => Ordering::Equal,
            Flavor::Windows => one[..self.root_length(one)].cmp(&two[..other.root_length(two)]),
        };
        self.flavor.cmp(&other.flavor).then_with(roots).then_with(|| by_names(one, two, self.separator()))
    }
}

/// Compares name by name without splitting: at the first byte that differs, a separator (the end of a name) comes
/// before everything else.
/// Whether an absolute path has no empty, `.` or `..` component and no slash at its end, or is the root.
fn is_clean(path: &[u8]) -> bool {
    path == b"/" || path.split(|byte| *byte == b'/').skip(1).all(|name| !matches!(name, b"" | b"." | b".."))
}

fn by_names(one: &[u8], other: &[u8], separator: u8) -> Ordering {
    let differ = equal_bytes(one, other);
    match (one.get(differ), other.get(differ)) {
        (Some(mine), Some(theirs)) => {
            let rank = |byte: u8| (byte != separator, byte);
            rank(*mine).cmp(&rank(*theirs))
        }
        _ => one.len().cmp(&other.len()),
    }
}

/// How many bytes are equal from the start. Eight at a time: the paths of one policy have long starts in common, and
/// are sorted and looked up thousands of times for each plan.
pub(crate) fn equal_bytes(one: &[u8], other: &[u8]) -> usize {
    const WORD: usize = size_of::<u64>();
    let (mut mine, mut theirs) = (one, other);
    while let (Some((word, rest)), Some((other, others))) =
        (mine.split_first_chunk::<WORD>(), theirs.split_first_chunk::<WORD>())
    {
        let differ = u64::from_le_bytes(*word) ^ u64::from_le_bytes(*other);
        if differ != 0 {
            return one.len() - mine.len() + differ.trailing_zeros() as usize / WORD;
        }
        (mine, theirs) = (rest, others);
    }
    let equal = mine.iter().zip(theirs).take_while(|(mine, theirs)| mine == theirs).count();
    one.len() - mine.len() + equal
}

impl Hash for AbsPath {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

impl fmt::Display for AbsPath {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&escape_visible(&self.bytes))
    }
}

impl fmt::Debug for AbsPath {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "\"{self}\"")
    }
}

impl Serialize for AbsPath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_str(&self.to_lossless())
        } else {
            serializer.serialize_bytes(&self.bytes)
        }
    }
}

impl AbsPath {
    /// A text that [`AbsPath::from_lossless`] reads back exactly: invalid UTF-8 and POSIX backslashes are `\xNN`.
    #[must_use]
    pub fn to_lossless(&self) -> String {
        match self.flavor {
            Flavor::Posix => escape_lossless(&self.bytes),
            Flavor::Windows => String::from_utf8_lossy(&self.bytes).into_owned(),
        }
    }

    /// Reads what [`AbsPath::to_lossless`] wrote.
    ///
    /// # Errors
    /// When the text is no absolute path or an escape does not decode.
    pub fn from_lossless(text: &str) -> Result<Self, PathError> {
        if text.starts_with('/') { Self::posix(unescape(text)?) } else { Self::windows(text) }
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, PathError> {
        if bytes.first() == Some(&b'/') {
            return Self::posix(bytes);
        }
        let text = std::str::from_utf8(bytes).map_err(|_| PathError::ForbiddenCharacter('\u{fffd}'))?;
        Self::windows(text)
    }
}

struct PathVisitor;

impl Visitor<'_> for PathVisitor {
    type Value = AbsPath;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an absolute path")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<AbsPath, E> {
        AbsPath::from_lossless(text).map_err(E::custom)
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<AbsPath, E> {
        AbsPath::from_bytes(bytes).map_err(E::custom)
    }
}

impl<'de> Deserialize<'de> for AbsPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            deserializer.deserialize_str(PathVisitor)
        } else {
            deserializer.deserialize_bytes(PathVisitor)
        }
    }
}
