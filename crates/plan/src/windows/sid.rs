//! Security identifiers: their binary and string forms.
//!
//! Source: MS-DTYP 2.4.2 (structure, string grammar, packet form).

use core::fmt;
use core::str::FromStr;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The most sub-authorities that a SID has (MS-DTYP 2.4.2.2, `SubAuthorityCount`).
pub const MOST_SUB_AUTHORITIES: usize = 15;
/// The largest identifier authority: it has 48 bits.
pub const LARGEST_AUTHORITY: u64 = (1 << 48) - 1;
/// Bytes before the first sub-authority.
const HEADER: usize = 8;

/// A security identifier: who.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Sid {
    authority: u64,
    count: u8,
    // Unused places are zero, so that equal SIDs are equal in memory.
    parts: [u32; MOST_SUB_AUTHORITIES],
}

/// Why something is not a SID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SidError {
    /// The text is not of the form `S-1-authority-sub…`.
    Form,
    /// A number is missing, has other characters, or is too large for its place.
    Number(String),
    /// No sub-authority, or more than 15.
    Count(usize),
    /// The bytes end too early; holds how many there must be.
    Short(usize),
    /// The revision is not 1.
    Revision(u8),
}

impl fmt::Display for SidError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form => write!(out, "a SID has the form `S-1-authority-number…`"),
            Self::Number(text) => write!(out, "`{text}` is no number that fits into a SID"),
            Self::Count(count) => write!(out, "a SID has 1 to 15 sub-authorities, not {count}"),
            Self::Short(needed) => write!(out, "the SID needs {needed} bytes, and there are fewer"),
            Self::Revision(found) => write!(out, "SIDs have revision 1, not {found}"),
        }
    }
}

impl core::error::Error for SidError {}

impl Sid {
    /// A SID whose parts are known when the program is compiled.
    pub(crate) const fn fixed<const COUNT: usize>(authority: u64, given: [u32; COUNT]) -> Self {
        assert!(COUNT >= 1 && COUNT <= MOST_SUB_AUTHORITIES && authority <= LARGEST_AUTHORITY);
        let mut parts = [0; MOST_SUB_AUTHORITIES];
        let mut at = 0;
        while at < COUNT {
            parts[at] = given[at];
            at += 1;
        }
        #[expect(clippy::cast_possible_truncation, reason = "at most 15, asserted above")]
        let count = COUNT as u8;
        Self { authority, count, parts }
    }

    /// A SID from its parts.
    ///
    /// # Errors
    /// [`SidError::Count`], or [`SidError::Number`] for an authority of more than 48 bits.
    pub fn new(authority: u64, given: &[u32]) -> Result<Self, SidError> {
        if authority > LARGEST_AUTHORITY {
            return Err(SidError::Number(authority.to_string()));
        }
        let count = u8::try_from(given.len()).unwrap_or(u8::MAX);
        if given.is_empty() || given.len() > MOST_SUB_AUTHORITIES {
            return Err(SidError::Count(given.len()));
        }
        let mut parts = [0; MOST_SUB_AUTHORITIES];
        parts[..given.len()].copy_from_slice(given);
        Ok(Self { authority, count, parts })
    }

    /// The identifier authority.
    #[must_use]
    pub fn authority(&self) -> u64 {
        self.authority
    }

    /// The sub-authorities, at least one.
    #[must_use]
    pub fn sub_authorities(&self) -> &[u32] {
        &self.parts[..usize::from(self.count)]
    }

    /// The last sub-authority: the relative identifier.
    #[must_use]
    pub fn relative_id(&self) -> u32 {
        self.sub_authorities().last().copied().unwrap_or(0)
    }

    /// True if this SID lies below `prefix`, with at least one number more.
    #[must_use]
    pub fn is_below(&self, prefix: &Self) -> bool {
        self.authority == prefix.authority
            && self.count > prefix.count
            && self.sub_authorities().starts_with(prefix.sub_authorities())
    }

    /// Length of the binary form in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        HEADER + 4 * usize::from(self.count)
    }

    /// Appends the binary form (MS-DTYP 2.4.2.2).
    pub fn write(&self, out: &mut Vec<u8>) {
        out.push(1);
        out.push(self.count);
        out.extend_from_slice(&self.authority.to_be_bytes()[2..]);
        for part in self.sub_authorities() {
            out.extend_from_slice(&part.to_le_bytes());
        }
    }

    /// The binary form.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.size());
        self.write(&mut out);
        out
    }

    /// Reads the SID with which `bytes` begin; [`Sid::size`] says how many of them it took.
    ///
    /// # Errors
    /// Any of [`SidError`] but those of texts.
    pub fn read(bytes: &[u8]) -> Result<Self, SidError> {
        let [revision, count, authority @ ..] = bytes else { return Err(SidError::Short(HEADER)) };
        if *revision != 1 {
            return Err(SidError::Revision(*revision));
        }
        let length = usize::from(*count);
        if length == 0 || length > MOST_SUB_AUTHORITIES {
            return Err(SidError::Count(length));
        }
        let needed = HEADER + 4 * length;
        let (Some(authority), Some(numbers)) = (authority.get(..6), bytes.get(HEADER..needed)) else {
            return Err(SidError::Short(needed));
        };
        let authority = authority.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        let mut parts = [0; MOST_SUB_AUTHORITIES];
        for (part, number) in parts.iter_mut().zip(numbers.chunks_exact(4)) {
            *part = u32::from_le_bytes([number[0], number[1], number[2], number[3]]);
        }
        Ok(Self { authority, count: *count, parts })
    }
}

impl fmt::Display for Sid {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.authority > u64::from(u32::MAX) {
            write!(out, "S-1-0x{:012x}", self.authority)?;
        } else {
            write!(out, "S-1-{}", self.authority)?;
        }
        self.sub_authorities().iter().try_for_each(|part| write!(out, "-{part}"))
    }
}

impl fmt::Debug for Sid {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

fn digits(text: &str, radix: u32, longest: usize) -> Result<u64, SidError> {
    // `from_str_radix` takes a sign, which no SID has.
    let wrong = || SidError::Number(text.chars().take(24).collect());
    if text.is_empty() || text.len() > longest || !text.chars().all(|digit| digit.is_digit(radix)) {
        return Err(wrong());
    }
    u64::from_str_radix(text, radix).map_err(|_| wrong())
}

impl FromStr for Sid {
    type Err = SidError;

    fn from_str(text: &str) -> Result<Self, SidError> {
        let rest = text.strip_prefix("S-1-").or_else(|| text.strip_prefix("s-1-")).ok_or(SidError::Form)?;
        let mut numbers = rest.split('-');
        let first = numbers.next().unwrap_or_default();
        let authority = match first.strip_prefix("0x").or_else(|| first.strip_prefix("0X")) {
            Some(hexadecimal) => digits(hexadecimal, 16, 12)?,
            None => digits(first, 10, 10)?,
        };
        let mut parts = Vec::new();
        for number in numbers {
            if parts.len() == MOST_SUB_AUTHORITIES {
                return Err(SidError::Count(parts.len() + 1));
            }
            let part = digits(number, 10, 10)?;
            parts.push(u32::try_from(part).map_err(|_| SidError::Number(number.to_owned()))?);
        }
        Self::new(authority, &parts)
    }
}

impl Serialize for Sid {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Sid {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_bytes_round() {
        for text in ["S-1-1-0", "S-1-5-32-544", "S-1-5-21-1-2-4294967295-1001", "S-1-0x010000000000-7"] {
            let sid: Sid = text.parse().unwrap();
            assert_eq!(sid.to_string(), text);
            assert_eq!(Sid::read(&sid.to_bytes()).unwrap(), sid);
            assert_eq!(sid.to_bytes().len(), sid.size());
        }
        assert_eq!("s-1-5-18".parse::<Sid>().unwrap().to_string(), "S-1-5-18");
        assert_eq!("S-1-0x5-18".parse::<Sid>().unwrap().to_string(), "S-1-5-18");
    }

    #[test]
    fn the_packet_form_is_that_of_the_specification() {
        let administrators: Sid = "S-1-5-32-544".parse().unwrap();
        let bytes = [1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0];
        assert_eq!(administrators.to_bytes(), bytes);
    }

    #[test]
    fn what_is_no_sid_is_refused() {
        let form = ["", "S-1", "S-2-5-18", "S1-5", "BA", " S-1-5-18"];
        assert!(form.iter().all(|text| text.parse::<Sid>() == Err(SidError::Form)));
        for text in ["S-1-5-", "S-1-5--1", "S-1--5-1", "S-1-5-+1", "S-1-5-4294967296", "S-1-5-18 ", "S-1-x-1"]
        {
            assert!(matches!(text.parse::<Sid>(), Err(SidError::Number(_))), "{text}");
        }
        assert!(matches!("S-1-0x1000000000000-1".parse::<Sid>(), Err(SidError::Number(_))));
        assert_eq!("S-1-5".parse::<Sid>(), Err(SidError::Count(0)));
        let many = format!("S-1-5{}", "-1".repeat(16));
        assert_eq!(many.parse::<Sid>(), Err(SidError::Count(16)));
        assert!(many[..many.len() - 2].parse::<Sid>().is_ok());
    }

    #[test]
    fn bytes_are_read_strictly() {
        assert_eq!(Sid::read(&[]), Err(SidError::Short(8)));
        assert_eq!(Sid::read(&[1, 1, 0, 0]), Err(SidError::Short(12)));
        assert_eq!(Sid::read(&[2, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0]), Err(SidError::Revision(2)));
        assert_eq!(Sid::read(&[1, 0, 0, 0, 0, 0, 0, 5]), Err(SidError::Count(0)));
        assert_eq!(Sid::read(&[1, 16, 0, 0, 0, 0, 0, 5]), Err(SidError::Count(16)));
        assert_eq!(Sid::read(&[1, 2, 0, 0, 0, 0, 0, 5, 1, 0, 0, 0]), Err(SidError::Short(16)));
    }

    #[test]
    fn below_means_longer_with_the_same_start() {
        let [packages, one, other]: [Sid; 3] =
            ["S-1-15-2", "S-1-15-2-1", "S-1-15-3-1"].map(|text| text.parse().unwrap());
        assert!(one.is_below(&packages));
        assert!(!other.is_below(&packages) && !packages.is_below(&packages));
        assert_eq!(one.relative_id(), 1);
    }
}
