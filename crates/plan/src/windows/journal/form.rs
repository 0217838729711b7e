//! A record as bytes, which tell whether they are whole.
//!
//! A crash may leave a file that is cut short, or full of zeros. So each record is written to two files, one after the
//! other: at any time one of them is whole.

use super::Record;
use core::fmt;
use sha2::{Digest, Sha256};

/// Files of one record.
pub const SLOTS: usize = 2;

const MAGIC: &[u8; 16] = b"garth journal 1\n";
/// Magic, number, length, digest.
const HEADER: usize = 16 + 8 + 4 + 32;
/// Most bytes of a record; a plan has far less.
const LONGEST: usize = 64 << 20;

/// What is wrong with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// Nothing is in it.
    Empty,
    /// It is full of zeros.
    Zeros,
    /// It does not begin like a record of this version.
    Foreign,
    /// It ends too early, or too late.
    Length,
    /// Its digest does not fit.
    Digest,
    /// What it holds is not understood.
    Content,
}

impl fmt::Display for Damage {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Empty => "it is empty",
            Self::Zeros => "it is full of zeros, as after a loss of power",
            Self::Foreign => "it is no journal of this version of garth",
            Self::Length => "it is cut short",
            Self::Digest => "its content was changed",
            Self::Content => "its content is not understood",
        })
    }
}

impl core::error::Error for Damage {}

/// The bytes of a record. `number` grows with each save.
///
/// # Errors
/// [`Damage::Content`] for one that cannot be written; [`Damage::Length`] for one that is too long.
pub fn encode(record: &Record, number: u64) -> Result<Vec<u8>, Damage> {
    let content = postcard::to_stdvec(record).map_err(|_| Damage::Content)?;
    let length = u32::try_from(content.len()).map_err(|_| Damage::Length)?;
    if content.len() > LONGEST {
        return Err(Damage::Length);
    }
    let mut bytes = Vec::with_capacity(HEADER + content.len());
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&number.to_le_bytes());
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(&digest(number, &content));
    bytes.extend_from_slice(&content);
    Ok(bytes)
}

fn digest(number: u64, content: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(number.to_le_bytes());
    hash.update(content);
    hash.finalize().into()
}

/// The record and its number.
///
/// # Errors
/// [`Damage`], never a panic.
pub fn decode(bytes: &[u8]) -> Result<(Record, u64), Damage> {
    if bytes.is_empty() {
        return Err(Damage::Empty);
    }
    if bytes.iter().all(|byte| *byte == 0) {
        return Err(Damage::Zeros);
    }
    let rest = bytes.strip_prefix(MAGIC).ok_or(Damage::Foreign)?;
    let (number, rest) = rest.split_first_chunk::<8>().ok_or(Damage::Length)?;
    let (length, rest) = rest.split_first_chunk::<4>().ok_or(Damage::Length)?;
    let (wanted, content) = rest.split_first_chunk::<32>().ok_or(Damage::Length)?;
    let number = u64::from_le_bytes(*number);
    if usize::try_from(u32::from_le_bytes(*length)) != Ok(content.len()) || content.len() > LONGEST {
        return Err(Damage::Length);
    }
    if digest(number, content) != *wanted {
        return Err(Damage::Digest);
    }
    let (record, left) = postcard::take_from_bytes(content).map_err(|_| Damage::Content)?;
    if left.is_empty() { Ok((record, number)) } else { Err(Damage::Content) }
}

/// What the files of one record say together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chosen {
    /// There is none.
    Nothing,
    /// This, saved under this number.
    Record(Record, u64),
    /// There is one, but none of its files is whole.
    Damaged(Damage),
}

/// Chooses the newest whole file; `None` stands for a file that is not there.
///
/// Both files are written before anything is changed, the first one first, and removed in the same order after everything
/// was undone. So where one of them is missing and the other is not whole, nothing is changed; where both are there and
/// neither is whole, something may be.
#[must_use]
pub fn choose(files: &[Option<Vec<u8>>; SLOTS]) -> Chosen {
    let mut best: Option<(Record, u64)> = None;
    let mut damage = None;
    for file in files.iter().flatten() {
        match decode(file) {
            Ok(found) if best.as_ref().is_none_or(|(_, number)| found.1 > *number) => best = Some(found),
            Ok(_) => {}
            Err(found) => damage = Some(found),
        }
    }
    let all_there = files.iter().all(Option::is_some);
    match (best, damage) {
        (Some((record, number)), _) => Chosen::Record(record, number),
        (None, Some(damage)) if all_there => Chosen::Damaged(damage),
        (None, _) => Chosen::Nothing,
    }
}
