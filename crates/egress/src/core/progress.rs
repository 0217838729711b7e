//! How far an incremental parser came.

/// The answer of an incremental parser to the bytes so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress<T> {
    /// More bytes are needed. Every parser bounds how many it may ask for.
    Partial,
    /// A whole item.
    Done {
        /// The item.
        value: T,
        /// How many bytes it took; what follows belongs to the next item.
        used: usize,
    },
}

impl<T> Progress<T> {
    /// The item, if it is whole.
    pub fn done(self) -> Option<T> {
        match self {
            Self::Partial => None,
            Self::Done { value, .. } => Some(value),
        }
    }
}

/// Reads fields of a message from its start; every read is checked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor<'a> {
    rest: &'a [u8],
    read: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, read: 0 }
    }

    /// Bytes read so far.
    pub(crate) fn position(&self) -> usize {
        self.read
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        self.read += length;
        Some(head)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    pub(crate) fn byte(&mut self) -> Option<u8> {
        self.array().map(|[byte]| byte)
    }

    pub(crate) fn word(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    /// A field with its length before it in one byte.
    pub(crate) fn short_field(&mut self) -> Option<&'a [u8]> {
        let length = self.byte()?;
        self.take(usize::from(length))
    }

    /// A field with its length before it in two bytes.
    pub(crate) fn long_field(&mut self) -> Option<&'a [u8]> {
        let length = self.word()?;
        self.take(usize::from(length))
    }
}
