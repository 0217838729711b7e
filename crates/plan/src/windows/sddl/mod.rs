//! SDDL: security descriptors as text.
//!
//! Source: MS-DTYP 2.5.1. The dialect that descriptors of files, keys and processes use: `O:`, `G:`, `D:`, `S:`, each at
//! most once; entries `A`, `D`, `AU` and `ML`; rights as names or in hexadecimal. Conditions, object types and
//! attributes are refused, with the column.

mod words;
mod write;

use super::acl::{Ace, AceFlags, AceKind, Acl, ListKind};
use super::descriptor::{Control, Listed, SecurityDescriptor};
use super::known;
use super::rights::AccessMask;
use super::sid::{Sid, SidError};
use core::fmt;
use core::str::FromStr;

/// Why a text is no descriptor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SddlError {
    /// Where, in characters from 1.
    pub column: usize,
    /// What.
    pub what: SddlProblem,
}

/// What is wrong with a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SddlProblem {
    /// Neither a section nor an entry begins here.
    Section,
    /// The section stood there before.
    Twice,
    /// Unknown words between a section's letter and its entries.
    Control,
    /// An entry without its closing parenthesis.
    Unclosed,
    /// An entry that has not six parts.
    Parts(usize),
    /// An unknown type of entry.
    Kind(String),
    /// A type of entry that cannot be decided here.
    Undecidable(&'static str),
    /// An entry that does not belong into this section.
    Place,
    /// Unknown flags.
    Flags(String),
    /// Unknown rights.
    Rights(String),
    /// An object type, which plain entries do not have.
    ObjectType,
    /// A SID that is not one.
    Sid(SidError),
    /// Two letters that no table knows.
    Alias(String),
    /// An alias that means another SID in each domain.
    Relative(String),
    /// A label without a level, or with an undefined policy.
    Label,
    /// More entries than a list can hold.
    TooLong,
}

impl fmt::Display for SddlProblem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Section => write!(out, "expected `O:`, `G:`, `D:`, `S:` or an entry"),
            Self::Twice => write!(out, "this section stands there twice"),
            Self::Control => write!(out, "expected `P`, `AR`, `AI`, `NO_ACCESS_CONTROL` or an entry"),
            Self::Unclosed => write!(out, "the entry is not closed"),
            Self::Parts(count) => write!(out, "an entry has six parts, not {count}"),
            Self::Kind(text) => write!(out, "`{text}` is no type of entry"),
            Self::Undecidable(name) => write!(out, "{name} entries cannot be decided here"),
            Self::Place => write!(out, "this type of entry does not belong into this section"),
            Self::Flags(text) => write!(out, "`{text}` is no set of flags"),
            Self::Rights(text) => write!(out, "`{text}` is no set of rights"),
            Self::ObjectType => write!(out, "plain entries have no object type"),
            Self::Sid(error) => error.fmt(out),
            Self::Alias(text) => write!(out, "`{text}` stands for no known SID"),
            Self::Relative(text) => {
                write!(out, "`{text}` means another SID on each machine or domain; write the SID")
            }
            Self::Label => write!(out, "a label takes `NW`, `NR`, `NX` and an integrity level"),
            Self::TooLong => write!(out, "the list has more than 65,535 bytes"),
        }
    }
}

impl fmt::Display for SddlError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "column {}: {}", self.column, self.what)
    }
}

impl core::error::Error for SddlError {}

/// A place in the text where something is wrong, in bytes.
type Fault = (usize, SddlProblem);

impl FromStr for SecurityDescriptor {
    type Err = SddlError;

    fn from_str(text: &str) -> Result<Self, SddlError> {
        let result = Reader { text, at: 0 }.descriptor();
        result.map_err(|(at, what)| SddlError { column: text[..at].chars().count() + 1, what })
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn descriptor(mut self) -> Result<SecurityDescriptor, Fault> {
        let mut found = SecurityDescriptor::default();
        while !self.rest().is_empty() {
            let start = self.at;
            let letter = self.rest().get(..2).ok_or((start, SddlProblem::Section))?;
            self.at += 2;
            let seen = match letter {
                "O:" => found.owner.replace(self.section_sid()?).is_some(),
                "G:" => found.group.replace(self.section_sid()?).is_some(),
                "D:" => {
                    let dacl = self.list(ListKind::Discretionary, &mut found.control)?;
                    core::mem::replace(&mut found.dacl, dacl) != Listed::Absent
                }
                "S:" => {
                    let sacl = self.list(ListKind::System, &mut found.control)?;
                    core::mem::replace(&mut found.sacl, sacl) != Listed::Absent
                }
                _ => return Err((start, SddlProblem::Section)),
            };
            if seen {
                return Err((start, SddlProblem::Twice));
            }
        }
        Ok(found)
    }

    /// The SID behind `O:` or `G:`, up to the letter of the next section.
    fn section_sid(&mut self) -> Result<Sid, Fault> {
        let rest = self.rest();
        let end = rest.find(':').map_or(rest.len(), |colon| colon.saturating_sub(1));
        let end = (0..=end).rev().find(|end| rest.is_char_boundary(*end)).unwrap_or(0);
        let sid = sid(&rest[..end], self.at)?;
        self.at += end;
        Ok(sid)
    }

    fn list(&mut self, kind: ListKind, control: &mut Control) -> Result<Listed, Fault> {
        let start = self.at;
        while let Some((word, dacl, sacl)) =
            words::CONTROLS.iter().find(|(word, ..)| self.rest().starts_with(word))
        {
            *control = *control | if kind == ListKind::Discretionary { *dacl } else { *sacl };
            self.at += word.len();
        }
        if self.rest().starts_with(words::NULL_LIST) {
            self.at += words::NULL_LIST.len();
            return Ok(Listed::Null);
        }
        let mut acl = Acl::default();
        while self.rest().starts_with('(') {
            acl.aces.push(self.ace(kind)?);
        }
        let ends = self.rest().is_empty() || self.rest().as_bytes().get(1) == Some(&b':');
        if !ends {
            let what = if acl.aces.is_empty() { SddlProblem::Control } else { SddlProblem::Section };
            return Err((self.at, what));
        }
        if acl.size() > usize::from(u16::MAX) {
            return Err((start, SddlProblem::TooLong));
        }
        Ok(Listed::Present(acl))
    }

    fn ace(&mut self, list: ListKind) -> Result<Ace, Fault> {
        let open = self.at;
        // The type comes first: a condition may hold parentheses and separators of its own.
        let body = &self.rest()[1..];
        let kind_text = body.split([';', ')']).next().unwrap_or_default();
        let kind = kind(kind_text).map_err(|what| (open + 1, what))?;
        if !list.takes(kind) {
            return Err((open + 1, SddlProblem::Place));
        }
        let end = body.find(')').ok_or((open, SddlProblem::Unclosed))?;
        let mut at = open + 1;
        let parts: Vec<(usize, &str)> = body[..end]
            .split(';')
            .map(|part| {
                let start = at;
                at += part.len() + 1;
                (start, part)
            })
            .collect();
        let [_, flags_part, rights_part, object, inherited, sid_part] = parts[..] else {
            return Err((open, SddlProblem::Parts(parts.len())));
        };
        if let Some((at, _)) = [object, inherited].into_iter().find(|(_, text)| !text.is_empty()) {
            return Err((at, SddlProblem::ObjectType));
        }
        let table = if kind == AceKind::Label { words::LABEL_RIGHTS } else { words::RIGHTS };
        let ace = Ace {
            kind,
            flags: flags(flags_part.1)
                .ok_or_else(|| (flags_part.0, SddlProblem::Flags(cut(flags_part.1))))?,
            mask: rights(rights_part.1, table)
                .ok_or_else(|| (rights_part.0, SddlProblem::Rights(cut(rights_part.1))))?,
            sid: sid(sid_part.1, sid_part.0)?,
        };
        ace.check().map_err(|_| (open, SddlProblem::Label))?;
        self.at = open + end + 2;
        Ok(ace)
    }
}

/// Enough of a text for a message.
fn cut(text: &str) -> String {
    text.chars().take(24).collect()
}

fn kind(text: &str) -> Result<AceKind, SddlProblem> {
    if let Some((_, kind)) = words::KINDS.iter().find(|(word, _)| *word == text) {
        return Ok(*kind);
    }
    let undecided = words::UNDECIDED.iter().find(|(word, _)| *word == text);
    Err(undecided.map_or_else(|| SddlProblem::Kind(cut(text)), |(_, name)| SddlProblem::Undecidable(name)))
}

/// The words of two letters that a text consists of.
fn pairs(text: &str) -> impl Iterator<Item = Option<&str>> {
    (0..text.len()).step_by(2).map(|at| text.get(at..at + 2))
}

fn flags(text: &str) -> Option<AceFlags> {
    pairs(text).try_fold(AceFlags::NONE, |sum, pair| {
        let word = pair?;
        words::FLAGS.iter().find(|(known, _)| *known == word).map(|(_, flag)| sum | *flag)
    })
}

fn rights(text: &str, table: &[(&str, AccessMask)]) -> Option<AccessMask> {
    if let Some(number) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        let plain = !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_hexdigit());
        return if plain { u32::from_str_radix(number, 16).ok().map(AccessMask) } else { None };
    }
    pairs(text).try_fold(AccessMask::NONE, |sum, pair| {
        let word = pair?;
        table.iter().find(|(known, _)| *known == word).map(|(_, mask)| sum | *mask)
    })
}

fn sid(text: &str, at: usize) -> Result<Sid, Fault> {
    if text.starts_with("S-") || text.starts_with("s-") {
        return text.parse().map_err(|error| (at, SddlProblem::Sid(error)));
    }
    if known::RELATIVE_ALIASES.contains(&text) {
        return Err((at, SddlProblem::Relative(text.to_owned())));
    }
    known::by_alias(text).ok_or_else(|| (at, SddlProblem::Alias(cut(text))))
}

#[cfg(test)]
mod tests;
