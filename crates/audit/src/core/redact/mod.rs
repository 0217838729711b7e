//! Takes secrets out of texts before they are written: those that are known, and what looks like one.
//!
//! Known secrets are found as they are, in base64 (at each of the three places in a group of bytes, both alphabets) and
//! percent-encoded. What looks like one is found by tables. A text is gone through a fixed number of times,
//! whatever it holds.

mod look;
mod table;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use std::borrow::Cow;
use std::fmt;

/// A part of a text that is not to be told.
#[derive(Clone, Debug)]
struct Span {
    start: usize,
    end: usize,
    what: Cow<'static, str>,
}

/// A value that is known to be secret.
#[derive(Clone)]
pub struct Known {
    /// Its name, which is told in its place.
    pub name: String,
    /// The value.
    pub value: String,
}

impl fmt::Debug for Known {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Known").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Shorter values than this, in bytes, stand in ordinary text by chance.
const SHORTEST: usize = 4;

/// Takes secrets out of texts.
pub struct Redactor {
    names: Vec<String>,
    patterns: Vec<Vec<u8>>,
    known: Option<AhoCorasick>,
    /// Which name a pattern of `known` has.
    owner: Vec<usize>,
}

impl fmt::Debug for Redactor {
    /// The values are in the automaton.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Redactor").field("names", &self.names).finish_non_exhaustive()
    }
}

impl Redactor {
    /// Takes out these, and what looks like a secret. Values of less than four bytes are not looked for.
    #[must_use]
    pub fn new(known: &[Known]) -> Self {
        let (names, patterns, owner) = (Vec::new(), Vec::new(), Vec::new());
        let mut redactor = Self { names, patterns, known: None, owner };
        redactor.add(known);
        redactor
    }

    /// Takes out these as well.
    pub fn add(&mut self, known: &[Known]) {
        for secret in known.iter().filter(|secret| secret.value.len() >= SHORTEST) {
            for form in forms(&secret.value) {
                self.patterns.push(form);
                self.owner.push(self.names.len());
            }
            self.names.push(secret.name.clone());
        }
        if self.patterns.is_empty() {
            return;
        }
        // Built at every start of a session, and used for a few hundred texts: the cheapest to build is the best.
        let built = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .build(&self.patterns);
        // It fails for more patterns than have numbers, which no caller has.
        self.known = built.ok();
    }

    /// Takes the secrets out of a text.
    pub fn text(&self, text: &mut String) {
        let mut found = Vec::new();
        if let Some(known) = &self.known {
            for hit in known.find_iter(text.as_bytes()) {
                let name = self.owner.get(hit.pattern().as_usize()).and_then(|owner| self.names.get(*owner));
                let what = name.cloned().unwrap_or_default().into();
                found.push(Span { start: hit.start(), end: hit.end(), what });
            }
        }
        look::find(text, &mut found);
        replace(text, found);
    }

    /// Takes the secrets out of the words of a command line, where an option says that the next word is one.
    pub fn words(&self, words: &mut [&mut String]) {
        for at in 1..words.len() {
            let before = words[at - 1].as_str();
            let option = before.trim_start_matches('-').to_ascii_lowercase();
            let is_option = before.starts_with('-') && !before.contains('=') && !option.is_empty();
            if !is_option {
                continue;
            }
            if table::PAIR_OPTIONS.contains(&before) {
                let word = &mut words[at];
                if let Some(colon) = word.find(':').filter(|colon| colon + 1 < word.len()) {
                    word.truncate(colon + 1);
                    word.push_str("[redacted: password]");
                }
                continue;
            }
            let sure = look::surety(option.as_bytes()).filter(|_| option.len() > 2);
            if sure.is_some_and(|sure| look::is_secret(words[at].as_bytes(), sure)) {
                *words[at] = format!("[redacted: {option}]");
            }
        }
        words.iter_mut().for_each(|word| self.text(word));
    }
}

/// The forms in which a value may be met. Each is long enough not to be met by chance.
fn forms(value: &str) -> Vec<Vec<u8>> {
    let mut forms = vec![value.as_bytes().to_vec()];
    let mut add = |form: Vec<u8>| {
        if form.len() >= SHORTEST && !forms.contains(&form) {
            forms.push(form);
        }
    };
    for shift in 0..3 {
        let mut bytes = vec![0_u8; shift];
        bytes.extend_from_slice(value.as_bytes());
        // Letters that depend on what stands before or behind the value are left out.
        let (skip, whole) = ([0, 2, 3][shift], bytes.len() / 3 * 4);
        for encoded in [STANDARD_NO_PAD.encode(&bytes), URL_SAFE_NO_PAD.encode(&bytes)] {
            add(encoded.as_bytes().get(skip..whole).unwrap_or_default().to_vec());
        }
    }
    add(percent_encoded(value, false));
    add(percent_encoded(value, true));
    // As a shell's or a program's word is shown.
    add(garth_policy::escape_visible(value.as_bytes()).into_bytes());
    add(garth_policy::escape_lossless(value.as_bytes()).into_bytes());
    forms
}

/// Every byte but the unreserved ones of RFC 3986 as `%XX`.
fn percent_encoded(value: &str, lower: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len());
    for byte in value.bytes() {
        match byte {
            byte if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => out.push(byte),
            byte if lower => out.extend_from_slice(format!("%{byte:02x}").as_bytes()),
            byte => out.extend_from_slice(format!("%{byte:02X}").as_bytes()),
        }
    }
    out
}

/// Puts marks in the place of what was found. Spans that overlap become one.
fn replace(text: &mut String, mut found: Vec<Span>) {
    found.retain(|span| span.start < span.end);
    if found.is_empty() {
        return;
    }
    found.sort_by_key(|span| (span.start, std::cmp::Reverse(span.end)));
    let mut out = String::with_capacity(text.len());
    let (mut done, mut rest) = (0, found.into_iter().peekable());
    while let Some(mut span) = rest.next() {
        while let Some(next) = rest.next_if(|next| next.start < span.end) {
            span.end = span.end.max(next.end);
        }
        // A secret's ends need not be those of letters.
        let start = boundary(text, span.start, false).max(done);
        let end = boundary(text, span.end, true);
        out.push_str(text.get(done..start).unwrap_or_default());
        out.push_str(&format!("[redacted: {}]", span.what));
        done = end;
    }
    out.push_str(text.get(done..).unwrap_or_default());
    *text = out;
}

/// The nearest place between letters, before or behind.
fn boundary(text: &str, mut at: usize, forward: bool) -> usize {
    while !text.is_char_boundary(at) {
        at = if forward { at + 1 } else { at - 1 };
    }
    at
}

/// Whether a variable of this name holds a secret, by its name and value. For the caller's environment, whose values are
/// known secrets then.
#[must_use]
pub fn is_secret_variable(name: &str, value: &str) -> bool {
    let name = name.to_ascii_lowercase();
    value.len() >= 8
        && look::surety(name.as_bytes()).is_some_and(|sure| look::is_secret(value.as_bytes(), sure))
}

#[cfg(test)]
mod tests;
