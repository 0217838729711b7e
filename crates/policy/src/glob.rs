//! Path patterns, matched name by name.
//!
//! `*`, `?`, `[..]` and `{a,b}` stay within one name; `**` stands for any number of names. A leading dot is no
//! exception. Matching is linear in the path for each pattern part, so no pattern can make a decision slow.

use crate::path::{AbsPath, Flavor, PathError, fold};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Most parts that one pattern may have, so that a set of states fits a machine word.
const MOST_SEGMENTS: usize = 60;
/// Most alternatives that the braces of one name may expand to.
const MOST_ALTERNATIVES: usize = 64;

/// Why a text is no pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GlobError {
    /// Nothing at all.
    Empty,
    /// `..` in a pattern.
    ParentComponent,
    /// A `[` without its `]`.
    UnclosedClass,
    /// A `{` without its `}`, or a brace within a brace.
    UnclosedBrace,
    /// A `\` at the end.
    DanglingEscape,
    /// Something other than `**` beside two stars in a name.
    StarsInName,
    /// Too many parts or alternatives.
    TooLarge,
    /// The literal beginning is no path.
    Path(PathError),
}

impl fmt::Display for GlobError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => out.write_str("the pattern is empty"),
            Self::ParentComponent => out.write_str("`..` cannot stand in a pattern"),
            Self::UnclosedClass => out.write_str("`[` has no `]`"),
            Self::UnclosedBrace => out.write_str("`{` has no `}`, or braces are nested"),
            Self::DanglingEscape => out.write_str("`\\` at the end escapes nothing"),
            Self::StarsInName => out.write_str("`**` must be a whole name"),
            Self::TooLarge => out.write_str("the pattern has too many parts"),
            Self::Path(error) => error.fmt(out),
        }
    }
}

impl std::error::Error for GlobError {}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Literal(char),
    One,
    Many,
    Class { negated: bool, ranges: Vec<(char, char)> },
}

impl Token {
    fn example(&self) -> char {
        match self {
            Self::Literal(letter) => *letter,
            Self::Class { negated: false, ranges } => ranges.first().map_or('x', |(first, _)| *first),
            Self::One | Self::Many | Self::Class { .. } => 'x',
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    AnyDepth,
    Name(Vec<Vec<Token>>),
}

/// A pattern: a literal directory, and what may stand below it.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "GlobText", into = "GlobText")]
pub struct Glob(Box<Parts>);

/// Behind a pointer, so that the many rules without a pattern stay small.
#[derive(Clone)]
struct Parts {
    base: AbsPath,
    pattern: String,
    segments: Vec<Segment>,
    base_depth: usize,
}

#[derive(Serialize, Deserialize)]
struct GlobText {
    base: AbsPath,
    pattern: String,
}

impl TryFrom<GlobText> for Glob {
    type Error = GlobError;

    fn try_from(text: GlobText) -> Result<Self, GlobError> {
        Self::new(&text.base, &text.pattern)
    }
}

impl From<Glob> for GlobText {
    fn from(glob: Glob) -> Self {
        Self { base: glob.0.base, pattern: glob.0.pattern }
    }
}

impl PartialEq for Glob {
    fn eq(&self, other: &Self) -> bool {
        self.0.base == other.0.base && self.0.segments == other.0.segments
    }
}

impl Eq for Glob {}

impl fmt::Display for Glob {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let separator = match self.0.base.as_bytes().last() {
            Some(b'/' | b'\\') => "",
            _ => "/",
        };
        write!(out, "{}{separator}{}", self.0.base, self.0.pattern)
    }
}

impl fmt::Debug for Glob {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "glob \"{self}\"")
    }
}

/// True if the text holds a character that makes it a pattern.
#[must_use]
pub fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '[', '{'])
}

impl Glob {
    /// Reads a pattern relative to `base`. Literal leading names become part of the base; a trailing `**` means
    /// "every name directly below", which with the rule that a match covers all that is under it is the same.
    ///
    /// # Errors
    /// When the pattern is malformed or too large.
    pub fn new(base: &AbsPath, pattern: &str) -> Result<Self, GlobError> {
        let pattern = match base.flavor() {
            Flavor::Posix => pattern.to_owned(),
            Flavor::Windows => pattern.replace('\\', "/"),
        };
        let mut base = base.clone();
        let mut names = pattern.split('/').filter(|name| !name.is_empty() && *name != ".").peekable();
        while let Some(name) = names.next_if(|name| !is_pattern(name) && !name.contains('\\')) {
            if name == ".." {
                return Err(GlobError::ParentComponent);
            }
            base = base.join(name.as_bytes()).map_err(GlobError::Path)?;
        }
        let rest: Vec<&str> = names.collect();
        let mut segments = Vec::with_capacity(rest.len());
        for name in &rest {
            match *name {
                ".." => return Err(GlobError::ParentComponent),
                "**" if segments.last() == Some(&Segment::AnyDepth) => {}
                "**" => segments.push(Segment::AnyDepth),
                name => segments.push(Segment::Name(parse_name(name, base.flavor())?)),
            }
        }
        if segments.last() == Some(&Segment::AnyDepth) {
            segments.pop();
            segments.push(Segment::Name(vec![vec![Token::Many]]));
        }
        match segments.len() {
            0 => Err(GlobError::Empty),
            length if length > MOST_SEGMENTS => Err(GlobError::TooLarge),
            _ => {
                let base_depth = base.depth();
                Ok(Self(Box::new(Parts { base, pattern: rest.join("/"), segments, base_depth })))
            }
        }
    }

    /// A path that the pattern matches, if a plain one is found: `*` as `x`, `**` as nothing, the first alternative.
    #[must_use]
    pub fn example(&self) -> Option<AbsPath> {
        let mut out = self.0.base.clone();
        for segment in &self.0.segments {
            let Segment::Name(alternatives) = segment else { continue };
            let name: String = alternatives.first()?.iter().map(Token::example).collect();
            out = out.join(if name.is_empty() { b"x" } else { name.as_bytes() }).ok()?;
        }
        self.match_depth(&out).map(|_| out)
    }

    /// The literal directory below which it matches.
    #[must_use]
    pub fn base(&self) -> &AbsPath {
        &self.0.base
    }

    /// The part below the base, as written.
    #[must_use]
    pub fn pattern(&self) -> &str {
        &self.0.pattern
    }

    /// Depth of the deepest ancestor of `path` (itself included) that the pattern matches.
    #[must_use]
    pub fn match_depth(&self, path: &AbsPath) -> Option<usize> {
        self.run(path).map(|(deepest, _)| deepest).filter(|depth| *depth > 0)
    }

    /// True if the pattern may match some name strictly below `path` only because of where `path` stands: moving
    /// `path` away would take that name from under the rule.
    #[must_use]
    pub fn reaches_below(&self, path: &AbsPath) -> bool {
        if self.0.base.starts_with(path) {
            return self.0.base != *path || !self.floats();
        }
        !self.floats() && self.run(path).is_some_and(|(_, open)| open)
    }

    /// True for `**/name`: it holds wherever below its base the name stands.
    fn floats(&self) -> bool {
        matches!(self.0.segments.as_slice(), [Segment::AnyDepth, Segment::Name(_)])
    }

    /// Runs the pattern over the path; deepest match (0 for none), and whether it could go on below.
    fn run(&self, path: &AbsPath) -> Option<(usize, bool)> {
        if !path.starts_with(&self.0.base) {
            return None;
        }
        let accept = 1_u64 << self.0.segments.len();
        let mut states = self.close(1);
        let mut deepest = 0;
        for (depth, name) in path.key_components().enumerate().skip(self.0.base_depth) {
            let mut next = 0;
            for (at, segment) in self.0.segments.iter().enumerate().filter(|(at, _)| states & (1 << at) != 0)
            {
                match segment {
                    Segment::AnyDepth => next |= 1 << at,
                    Segment::Name(alternatives) if matches_any(alternatives, name) => next |= 1 << (at + 1),
                    Segment::Name(_) => {}
                }
            }
            states = self.close(next);
            if states & accept != 0 {
                deepest = depth + 1;
            }
            if states == 0 {
                break;
            }
        }
        Some((deepest, states & !accept != 0))
    }

    /// `**` also stands for no name at all.
    fn close(&self, mut states: u64) -> u64 {
        for (at, segment) in self.0.segments.iter().enumerate() {
            if *segment == Segment::AnyDepth && states & (1 << at) != 0 {
                states |= 1 << (at + 1);
            }
        }
        states
    }
}

fn parse_name(name: &str, flavor: Flavor) -> Result<Vec<Vec<Token>>, GlobError> {
    let folded;
    let name = match flavor {
        Flavor::Posix => name,
        Flavor::Windows => {
            folded = fold(name);
            &folded
        }
    };
    let mut done: Vec<Vec<Token>> = vec![Vec::new()];
    let mut letters = name.chars().peekable();
    while let Some(letter) = letters.next() {
        let parts = match letter {
            '{' => parse_braces(&mut letters)?,
            letter => vec![vec![parse_token(letter, &mut letters)?]],
        };
        if done.len() * parts.len() > MOST_ALTERNATIVES {
            return Err(GlobError::TooLarge);
        }
        let joined = |head: &Vec<Token>, tail: &Vec<Token>| head.iter().chain(tail).cloned().collect();
        done = done.iter().flat_map(|head| parts.iter().map(move |tail| joined(head, tail))).collect();
    }
    Ok(done)
}

type Letters<'a> = std::iter::Peekable<std::str::Chars<'a>>;

fn parse_braces(letters: &mut Letters<'_>) -> Result<Vec<Vec<Token>>, GlobError> {
    let mut parts = vec![Vec::new()];
    loop {
        match letters.next() {
            None | Some('{') => return Err(GlobError::UnclosedBrace),
            Some('}') => return Ok(parts),
            Some(',') => parts.push(Vec::new()),
            Some(letter) => {
                let token = parse_token(letter, letters)?;
                if let Some(part) = parts.last_mut() {
                    part.push(token);
                }
            }
        }
    }
}

fn parse_token(letter: char, letters: &mut Letters<'_>) -> Result<Token, GlobError> {
    match letter {
        '*' if letters.peek() == Some(&'*') => Err(GlobError::StarsInName),
        '*' => Ok(Token::Many),
        '?' => Ok(Token::One),
        '[' => parse_class(letters),
        '\\' => letters.next().map(Token::Literal).ok_or(GlobError::DanglingEscape),
        letter => Ok(Token::Literal(letter)),
    }
}

fn parse_class(letters: &mut Letters<'_>) -> Result<Token, GlobError> {
    let negated = letters.next_if(|letter| matches!(letter, '!' | '^')).is_some();
    let mut ranges = Vec::new();
    loop {
        let first = match letters.next().ok_or(GlobError::UnclosedClass)? {
            ']' if !ranges.is_empty() => return Ok(Token::Class { negated, ranges }),
            '\\' => letters.next().ok_or(GlobError::DanglingEscape)?,
            letter => letter,
        };
        let mut ahead = letters.clone();
        let last = match (ahead.next(), ahead.next()) {
            (Some('-'), Some(last)) if last != ']' => {
                *letters = ahead;
                last
            }
            _ => first,
        };
        ranges.push((first, last));
    }
}

fn matches_any(alternatives: &[Vec<Token>], name: &[u8]) -> bool {
    alternatives.iter().any(|tokens| matches_name(tokens, name))
}

/// One letter of a raw name; a byte that is no UTF-8 counts as one letter that only `*` and `?` match.
fn letter_at(name: &[u8], at: usize) -> Option<(Option<char>, usize)> {
    let rest = name.get(at..).filter(|rest| !rest.is_empty())?;
    if rest[0].is_ascii() {
        return Some((Some(char::from(rest[0])), at + 1));
    }
    let head = &rest[..rest.len().min(4)];
    let letter = head.utf8_chunks().next().and_then(|chunk| chunk.valid().chars().next());
    Some((letter, at + letter.map_or(1, char::len_utf8)))
}

/// Matches one name, going back to the last `*` only.
fn matches_name(tokens: &[Token], name: &[u8]) -> bool {
    let (mut token, mut at) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    loop {
        let letter = letter_at(name, at);
        let step = match (tokens.get(token), letter) {
            (None, None) => return true,
            (Some(Token::Many), _) => {
                retry = Some((token, at));
                token += 1;
                continue;
            }
            (Some(Token::One), Some((_, next))) => Some(next),
            (Some(Token::Literal(wanted)), Some((Some(found), next))) if *wanted == found => Some(next),
            (Some(Token::Class { negated, ranges }), Some((Some(found), next))) => {
                let inside = ranges.iter().any(|(first, last)| (*first..=*last).contains(&found));
                (inside != *negated).then_some(next)
            }
            _ => None,
        };
        match (step, retry) {
            (Some(next), _) => (token, at) = (token + 1, next),
            (None, Some((star, from))) => {
                let Some((_, next)) = letter_at(name, from) else { return false };
                retry = Some((star, next));
                (token, at) = (star + 1, next);
            }
            (None, None) => return false,
        }
    }
}
