//! The grammar of git's configuration files, read strictly.
//!
//! Source: git-config(1), "Syntax", and the behaviour of git 2.47, which the tests compare with. Everything
//! this parser accepts, git accepts with the same entries. It refuses more than git does, each by name in
//! [`ParseError::reason`]: NUL bytes, more than one mebibyte, a carriage return that does not end a line, an
//! entry before the first section header, empty parts of a section name, control characters in a section
//! name. Other programs read those differently from git, or nobody writes them in good faith.

use super::shown::shown;

/// The largest text that is read, in bytes.
pub const LIMIT: usize = 1 << 20;

/// One `key = value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The section, in lower case.
    pub section: Vec<u8>,
    /// The subsection as it compares: exact where quoted, in lower case where written as `[section.sub]`.
    pub subsection: Option<Vec<u8>>,
    /// The key, in lower case.
    pub key: Vec<u8>,
    /// The decoded value; `None` for a key without `=`, which git takes as the boolean true.
    pub value: Option<Vec<u8>>,
    /// The line on which the key stands, from 1.
    pub line: u32,
}

impl Entry {
    /// The dotted name as git prints it, such as `remote.origin.url`.
    #[must_use]
    pub fn name(&self) -> Vec<u8> {
        let mut name = self.section.clone();
        if let Some(subsection) = &self.subsection {
            name.push(b'.');
            name.extend_from_slice(subsection);
        }
        name.push(b'.');
        name.extend_from_slice(&self.key);
        name
    }

    /// The dotted name for a message, without characters that act on a terminal.
    #[must_use]
    pub fn shown_name(&self) -> String {
        shown(&self.name())
    }

    /// The value for a message, without characters that act on a terminal, cut where it is long.
    #[must_use]
    pub fn shown_value(&self) -> String {
        shown(self.text())
    }

    /// The value as git uses it: a key without `=` is `true`.
    #[must_use]
    pub fn text(&self) -> &[u8] {
        self.value.as_deref().unwrap_or(b"true")
    }

    /// The same key, whatever its value.
    #[must_use]
    pub fn same_key(&self, other: &Self) -> bool {
        self.section == other.section && self.subsection == other.subsection && self.key == other.key
    }

    /// The same key with the same value, wherever it stands.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        self.same_key(other) && self.value == other.value
    }
}

/// The entries of a file, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Every entry, in the order of the file.
    pub entries: Vec<Entry>,
}

/// Why a text is not understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseError {
    /// The line, from 1.
    pub line: u32,
    /// What was found, as a fragment of a sentence.
    pub reason: &'static str,
}

impl Config {
    /// Reads a configuration text.
    ///
    /// # Errors
    /// The line and the reason of the first thing that is not understood.
    pub fn parse(text: &[u8]) -> Result<Self, ParseError> {
        if text.len() > LIMIT {
            return Err(ParseError { line: 1, reason: "more than one mebibyte" });
        }
        let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text);
        let mut reader = Reader { rest: text, line: 1, ended: false, begun: None, entries: Vec::new() };
        reader.check_bytes(text)?;
        reader.file()?;
        Ok(Self { entries: reader.entries })
    }
}

/// A section header that was read.
#[derive(Clone)]
struct Header {
    section: Vec<u8>,
    subsection: Option<Vec<u8>>,
}

struct Reader<'a> {
    rest: &'a [u8],
    line: u32,
    /// The end was reached; it reads as one line feed, as in git.
    ended: bool,
    begun: Option<Header>,
    entries: Vec<Entry>,
}

/// White space as git has it: no form feed and no vertical tab.
const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

const fn is_key(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-'
}

impl Reader<'_> {
    fn check_bytes(&self, text: &[u8]) -> Result<(), ParseError> {
        let mut line = self.line;
        for (at, &byte) in text.iter().enumerate() {
            match byte {
                b'\n' => line = line.saturating_add(1),
                0 => return Err(ParseError { line, reason: "a NUL byte" }),
                b'\r' if text.get(at + 1) != Some(&b'\n') => {
                    return Err(ParseError { line, reason: "a carriage return inside a line" });
                }
                _ => {}
            }
        }
        Ok(())
    }

    const fn error(&self, reason: &'static str) -> ParseError {
        ParseError { line: self.line, reason }
    }

    fn peek(&self) -> Option<u8> {
        match self.rest {
            [b'\r', b'\n', ..] => Some(b'\n'),
            [byte, ..] => Some(*byte),
            [] => None,
        }
    }

    /// The next byte with CR LF folded; the end of the text reads as a line feed.
    fn next(&mut self) -> u8 {
        let byte = match self.rest {
            [b'\r', b'\n', rest @ ..] => {
                self.rest = rest;
                b'\n'
            }
            [byte, rest @ ..] => {
                self.rest = rest;
                *byte
            }
            [] => {
                self.ended = true;
                return b'\n';
            }
        };
        if byte == b'\n' {
            self.line = self.line.saturating_add(1);
        }
        byte
    }

    fn file(&mut self) -> Result<(), ParseError> {
        while let Some(byte) = self.peek() {
            match byte {
                _ if is_space(byte) => {
                    self.next();
                }
                b'#' | b';' => self.comment(),
                b'[' => self.begun = Some(self.header()?),
                _ if byte.is_ascii_alphabetic() => self.entry()?,
                _ => return Err(self.error("neither a section, a key nor a comment")),
            }
        }
        Ok(())
    }

    fn comment(&mut self) {
        while self.next() != b'\n' {}
    }

    fn header(&mut self) -> Result<Header, ParseError> {
        let begin = self.error("a section header that does not end on its line");
        self.next();
        let mut name = Vec::new();
        let quoted = loop {
            match self.next() {
                b']' => break None,
                b'\n' => return Err(begin),
                byte if is_space(byte) => break Some(self.quoted(&begin)?),
                byte if is_key(byte) || byte == b'.' => name.push(byte.to_ascii_lowercase()),
                _ => return Err(self.error("a character that no section name has")),
            }
        };
        let mut parts = name.splitn(2, |&byte| byte == b'.');
        let section = parts.next().unwrap_or_default().to_vec();
        let dotted = parts.next().map(<[u8]>::to_vec);
        if name.split(|&byte| byte == b'.').any(<[u8]>::is_empty) {
            return Err(self.error("a section name with an empty part"));
        }
        let subsection = match (dotted, quoted) {
            (Some(mut dotted), Some(quoted)) => {
                dotted.push(b'.');
                dotted.extend_from_slice(&quoted);
                Some(dotted)
            }
            (dotted, quoted) => dotted.or(quoted),
        };
        Ok(Header { section, subsection })
    }

    /// The part between quotation marks, and the closing bracket.
    fn quoted(&mut self, begin: &ParseError) -> Result<Vec<u8>, ParseError> {
        let mut byte = self.next();
        while is_space(byte) {
            if byte == b'\n' {
                return Err(begin.clone());
            }
            byte = self.next();
        }
        if byte != b'"' {
            return Err(self.error("a section name that is not in quotation marks after a space"));
        }
        let mut name = Vec::new();
        loop {
            let mut byte = self.next();
            if byte == b'"' {
                break;
            }
            if byte == b'\\' {
                byte = self.next();
            }
            if byte == b'\n' {
                return Err(begin.clone());
            }
            if byte.is_ascii_control() {
                return Err(self.error("a control character in a section name"));
            }
            name.push(byte);
        }
        if self.next() == b']' { Ok(name) } else { Err(begin.clone()) }
    }

    fn entry(&mut self) -> Result<(), ParseError> {
        let line = self.line;
        let Some(Header { section, subsection }) = self.begun.clone() else {
            return Err(self.error("a key before the first section"));
        };
        let mut key = Vec::new();
        while let Some(byte) = self.peek().filter(|&byte| is_key(byte)) {
            key.push(byte.to_ascii_lowercase());
            self.next();
        }
        while matches!(self.peek(), Some(b' ' | b'\t')) {
            self.next();
        }
        let value = match self.next() {
            b'\n' => None,
            b'=' => Some(self.value(line)?),
            _ => return Err(ParseError { line, reason: "a key that is not followed by `=`" }),
        };
        self.entries.push(Entry { section, subsection, key, value, line });
        Ok(())
    }

    fn value(&mut self, line: u32) -> Result<Vec<u8>, ParseError> {
        let mut value = Vec::new();
        let mut quoted = false;
        // Where the white space begins that is dropped unless something follows it.
        let mut trim = None;
        loop {
            let byte = self.next();
            match byte {
                b'\n' if quoted => {
                    return Err(ParseError { line, reason: "a quotation mark that is not closed" });
                }
                b'\n' => break,
                b'#' | b';' if !quoted => {
                    self.comment();
                    break;
                }
                _ if is_space(byte) && !quoted => {
                    if !value.is_empty() {
                        trim.get_or_insert(value.len());
                        value.push(byte);
                    }
                    continue;
                }
                _ => {}
            }
            trim = None;
            match byte {
                b'"' => quoted = !quoted,
                b'\\' => self.escape(&mut value, line)?,
                _ => value.push(byte),
            }
        }
        value.truncate(trim.unwrap_or(value.len()));
        Ok(value)
    }

    fn escape(&mut self, value: &mut Vec<u8>, line: u32) -> Result<(), ParseError> {
        match self.next() {
            b'\n' => {}
            b'n' => value.push(b'\n'),
            b't' => value.push(b'\t'),
            b'b' => value.push(8),
            byte @ (b'\\' | b'"') => value.push(byte),
            _ => return Err(ParseError { line, reason: "an escape that git does not know" }),
        }
        Ok(())
    }
}
