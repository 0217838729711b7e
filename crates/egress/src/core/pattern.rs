//! Texts that are looked for in what passes, in the spellings in which programs write them: as they are, percent-encoded,
//! with the escapes of JSON and HTML, and in base64.

/// A shorter text is met in base64 by chance.
const SHORTEST_CODED: usize = 6;

/// A text that is looked for.
#[derive(Clone)]
pub(crate) struct Pattern(Form);

#[derive(Clone)]
enum Form {
    Text {
        text: Vec<u8>,
        /// Each byte may also be written with an escape.
        is_loose: bool,
    },
    /// Letters of base64 (RFC 4648 sections 4 and 5), of either alphabet.
    Coded {
        letters: Vec<Letter>,
        /// Bytes between the last place where three bytes are four letters and the text.
        offset: usize,
        is_whole: bool,
    },
}

/// Some of the six bits of one letter of base64.
#[derive(Clone, Copy)]
struct Letter {
    mask: u8,
    bits: u8,
}

/// How a pattern fits the start of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fit {
    /// It is there, and takes so many bytes.
    Whole(usize),
    /// The text ends within it.
    Part,
    No,
}

impl Pattern {
    /// This text, as it is.
    pub(crate) fn exact(text: &[u8]) -> Self {
        Self(Form::Text { text: text.to_vec(), is_loose: false })
    }

    /// This text in the spellings of URLs (RFC 3986 section 2.1), JSON (RFC 8259 section 7) and HTML (character references). One
    /// that holds what begins an escape has two readings, so both are looked for.
    pub(crate) fn spellings(text: &[u8]) -> Vec<Self> {
        let loose = Self(Form::Text { text: text.to_vec(), is_loose: true });
        let is_twofold = text.iter().any(|byte| ESCAPES.contains(byte));
        if is_twofold { vec![Self::exact(text), loose] } else { vec![loose] }
    }

    /// This text within base64, wherever it begins there; none if it is too short to be told from chance. `is_whole` is for texts
    /// that another is put in the place of: then letters that hold bits of its neighbours belong to it too.
    pub(crate) fn coded(text: &[u8], is_whole: bool) -> Vec<Self> {
        if text.len() < SHORTEST_CODED {
            return Vec::new();
        }
        let offsets = 0..3;
        let form = |offset| Form::Coded { letters: letters(text, offset, is_whole), offset, is_whole };
        offsets.map(|offset| Self(form(offset))).collect()
    }

    pub(crate) fn is_coded(&self) -> bool {
        matches!(self.0, Form::Coded { .. })
    }

    pub(crate) fn is_empty(&self) -> bool {
        match &self.0 {
            Form::Text { text, .. } => text.is_empty(),
            Form::Coded { letters, .. } => letters.is_empty(),
        }
    }

    /// Whether it can begin with this byte.
    pub(crate) fn begins_with(&self, byte: u8) -> bool {
        match &self.0 {
            Form::Text { text, is_loose } => {
                text.first() == Some(&byte) || (*is_loose && ESCAPES.contains(&byte))
            }
            Form::Coded { letters, .. } => letters.first().is_some_and(|letter| letter.is(byte)),
        }
    }

    pub(crate) fn fit(&self, text: &[u8]) -> Fit {
        let mut at = 0;
        match &self.0 {
            Form::Text { text: wanted, is_loose } => {
                for byte in wanted {
                    match fit_byte(text.get(at..).unwrap_or_default(), *byte, *is_loose) {
                        Fit::Whole(length) => at += length,
                        other => return other,
                    }
                }
            }
            Form::Coded { letters, .. } => {
                for (number, letter) in letters.iter().enumerate() {
                    at += if number == 0 { 0 } else { line_end(text.get(at..).unwrap_or_default()) };
                    match text.get(at) {
                        Some(byte) if letter.is(*byte) => at += 1,
                        Some(_) => return Fit::No,
                        None => return Fit::Part,
                    }
                }
            }
        }
        Fit::Whole(at)
    }

    /// Puts a value in the place of what fits. It has the length of the text that was looked for; another one is left out.
    pub(crate) fn put(&self, value: &[u8], place: &mut [u8]) {
        match &self.0 {
            Form::Text { .. } if value.len() == place.len() => place.copy_from_slice(value),
            Form::Text { .. } => {}
            Form::Coded { letters: own, offset, is_whole } => {
                let new = letters(value, *offset, *is_whole);
                if new.len() != own.len() {
                    return;
                }
                let is_letter = |byte: &&mut u8| sextet(**byte).is_some();
                for (byte, letter) in place.iter_mut().filter(is_letter).zip(new) {
                    let neighbours = sextet(*byte).unwrap_or(0) & !letter.mask;
                    *byte = written(neighbours | letter.bits);
                }
            }
        }
    }

    /// The text with each place where a pattern fits replaced; `None` if there is none.
    pub(crate) fn replace(patterns: &[Self], text: &[u8], by: &[u8]) -> Option<Vec<u8>> {
        let mut out: Option<Vec<u8>> = None;
        let mut at = 0;
        while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
            let fits = patterns.iter().find_map(|pattern| match pattern.fit(rest) {
                Fit::Whole(length @ 1..) => Some(length),
                _ => None,
            });
            match fits {
                Some(length) => {
                    out.get_or_insert_with(|| text.get(..at).unwrap_or_default().to_vec())
                        .extend_from_slice(by);
                    at += length;
                }
                None => {
                    if let (Some(out), Some(byte)) = (&mut out, rest.first()) {
                        out.push(*byte);
                    }
                    at += 1;
                }
            }
        }
        out
    }
}

/// What an escape begins with.
const ESCAPES: &[u8] = b"%\\&";

fn fit_byte(text: &[u8], byte: u8, is_loose: bool) -> Fit {
    if is_loose {
        let escaped = match text {
            [b'%', rest @ ..] => fit_word(rest, &hexadecimal(byte)),
            [b'\\', b'u' | b'U', rest @ ..] => longer(fit_word(rest, b"00"), 1, |at| {
                fit_word(rest.get(at..).unwrap_or_default(), &hexadecimal(byte))
            }),
            [b'\\', rest @ ..] if matches!(byte, b'"' | b'\\' | b'/') => fit_word(rest, &[byte]),
            [b'\\'] => Fit::Part,
            [b'&', rest @ ..] => fit_reference(rest, byte),
            _ => Fit::No,
        };
        match escaped {
            Fit::Whole(length) => return Fit::Whole(length.saturating_add(1)),
            Fit::Part => return Fit::Part,
            Fit::No => {}
        }
    }
    match text {
        [] => Fit::Part,
        [first, ..] if *first == byte => Fit::Whole(1),
        _ => Fit::No,
    }
}

/// One fit after another, with what stands before both.
fn longer(first: Fit, before: usize, second: impl Fn(usize) -> Fit) -> Fit {
    match first {
        Fit::Whole(length) => match second(length) {
            Fit::Whole(more) => Fit::Whole(length.saturating_add(more).saturating_add(before)),
            other => other,
        },
        other => other,
    }
}

/// A word without regard to case.
fn fit_word(text: &[u8], word: &[u8]) -> Fit {
    let mut letters = text.iter();
    for wanted in word {
        match letters.next() {
            Some(letter) if letter.eq_ignore_ascii_case(wanted) => {}
            Some(_) => return Fit::No,
            None => return Fit::Part,
        }
    }
    Fit::Whole(word.len())
}

/// What follows the `&` of a character reference: a name, or the number in either base, with a zero before it or not.
fn fit_reference(text: &[u8], byte: u8) -> Fit {
    let name: &[u8] = match byte {
        b'&' => b"amp;",
        b'<' => b"lt;",
        b'>' => b"gt;",
        b'"' => b"quot;",
        b'\'' => b"apos;",
        _ => b"",
    };
    let decimal = [b'0' + byte / 100, b'0' + byte / 10 % 10, b'0' + byte % 10, b';'];
    let hexadecimal = hexadecimal(byte);
    let number = |before: &'static [u8], digits: &[u8]| {
        longer(fit_word(text, before), 0, |at| fit_word(text.get(at..).unwrap_or_default(), digits))
    };
    let [high, low] = hexadecimal;
    let fits = [
        if name.is_empty() { Fit::No } else { fit_word(text, name) },
        number(b"#", &decimal),
        if byte < 100 { number(b"#", decimal.get(1..).unwrap_or_default()) } else { Fit::No },
        number(b"#x", &[high, low, b';']),
        number(b"#x00", &[high, low, b';']),
    ];
    let whole = fits.iter().find(|fit| matches!(fit, Fit::Whole(_)));
    let part = fits.iter().find(|fit| **fit == Fit::Part);
    whole.or(part).copied().unwrap_or(Fit::No)
}

/// Two digits.
fn hexadecimal(byte: u8) -> [u8; 2] {
    let digit = |number: u8| if number < 10 { b'0' + number } else { b'a' + (number - 10) };
    [digit(byte >> 4), digit(byte & 15)]
}

impl Letter {
    fn is(self, byte: u8) -> bool {
        sextet(byte).is_some_and(|bits| bits & self.mask == self.bits)
    }
}

/// The letters of base64 that hold this text after so many bytes; without those that hold bits of a neighbour too, unless the
/// text is wanted whole.
fn letters(text: &[u8], offset: usize, is_whole: bool) -> Vec<Letter> {
    let known = text.iter().map(|byte| (*byte, u8::MAX));
    let bytes: Vec<(u8, u8)> = std::iter::repeat_n((0, 0), offset).chain(known).collect();
    let mut out = Vec::new();
    for group in bytes.chunks(3) {
        let at = |number: usize| group.get(number).copied().unwrap_or((0, 0));
        let join = |part: fn((u8, u8)) -> u8| u32::from_be_bytes([0, part(at(0)), part(at(1)), part(at(2))]);
        let (bits, mask) = (join(|byte| byte.0), join(|byte| byte.1));
        for shift in [18, 12, 6, 0] {
            let six = |all: u32| u8::try_from(all >> shift & 63).unwrap_or(0);
            let letter = Letter { mask: six(mask), bits: six(bits) };
            if letter.mask == 63 || (is_whole && letter.mask != 0) {
                out.push(letter);
            }
        }
    }
    out
}

fn sextet(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    }
}

/// The letter of the usual alphabet.
fn written(bits: u8) -> u8 {
    match bits {
        0..26 => b'A' + bits,
        26..52 => b'a' + (bits - 26),
        52..62 => b'0' + (bits - 52),
        62 => b'+',
        _ => b'/',
    }
}

/// Length of the end of a line, at which base64 goes on (RFC 2045 section 6.8).
fn line_end(text: &[u8]) -> usize {
    match text {
        [b'\r', b'\n', ..] => 2,
        [b'\r'] | [b'\n', ..] => 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_lose_each_spelling() {
        let all = Pattern::spellings(b"a/b");
        assert_eq!(Pattern::replace(&all, b"?k=a%2Fb&a/b&%61", b"P"), Some(b"?k=P&P&%61".to_vec()));
        assert_eq!(Pattern::replace(&all, br"a\/b a\u002Fb a&#047;b", b"P"), Some(b"P P P".to_vec()));
        assert_eq!(Pattern::replace(&all, b"a%2Fc", b"P"), None);
        let coded = Pattern::coded(b"secret-value", false);
        assert_eq!(Pattern::replace(&coded, b"x c2VjcmV0LXZhbHVl", b"P"), Some(b"x P".to_vec()));
    }

    #[test]
    fn every_byte_is_known_in_each_of_its_spellings() {
        // What a value can hold.
        for byte in b' '..=b'~' {
            for written in [
                format!("%{byte:02x}"),
                format!("%{byte:02X}"),
                format!("\\u{byte:04x}"),
                format!("\\u{byte:04X}"),
                format!("&#{byte};"),
                format!("&#{byte:03};"),
                format!("&#x{byte:02x};"),
                format!("&#X{byte:04X};"),
            ] {
                let fit = fit_byte(written.as_bytes(), byte, true);
                assert_eq!(fit, Fit::Whole(written.len()), "{byte} as {written}");
                for end in 1..written.len() {
                    assert_eq!(
                        fit_byte(written.get(..end).unwrap().as_bytes(), byte, true),
                        Fit::Part,
                        "{written}"
                    );
                }
                // Another one is not, unless it is what the escape begins with.
                let other = byte ^ 1;
                let wanted = if written.as_bytes()[0] == other { Fit::Whole(1) } else { Fit::No };
                assert_eq!(fit_byte(written.as_bytes(), other, true), wanted, "{byte} as {written}");
            }
        }
    }
}
