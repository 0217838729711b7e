//! Replaces texts in a body while it streams: a secret's placeholder by its value on the way out, a value by `*` on the way
//! back. What comes in has the length of what it replaces, so lengths stay what was said of them. Only the end that could be
//! the start of such a text is held back.

/// A text that is looked for.
#[derive(Clone)]
pub(crate) struct Pattern {
    text: Vec<u8>,
    /// Each byte may also be percent-encoded (RFC 3986 section 2.1).
    is_loose: bool,
}

/// How a pattern fits the start of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fit {
    /// It is there, and takes so many bytes.
    Whole(usize),
    /// The text ends within it.
    Part,
    No,
}

impl Pattern {
    /// This text, as it is.
    pub(crate) fn exact(text: &[u8]) -> Self {
        Self { text: text.to_vec(), is_loose: false }
    }

    /// This text in the spellings of URLs. One that holds `%` has two readings, so both are looked for.
    pub(crate) fn spellings(text: &[u8]) -> Vec<Self> {
        let loose = Self { text: text.to_vec(), is_loose: true };
        if text.contains(&b'%') { vec![Self::exact(text), loose] } else { vec![loose] }
    }

    fn fit(&self, text: &[u8]) -> Fit {
        let mut at = 0;
        for byte in &self.text {
            match fit_byte(text.get(at..).unwrap_or_default(), *byte, self.is_loose) {
                Fit::Whole(length) => at += length,
                other => return other,
            }
        }
        Fit::Whole(at)
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

fn fit_byte(text: &[u8], byte: u8, is_loose: bool) -> Fit {
    let same = |written: u8, number: u8| char::from(written).to_digit(16) == Some(u32::from(number));
    match text {
        [] => Fit::Part,
        [b'%', high, low, ..] if is_loose && same(*high, byte >> 4) && same(*low, byte & 15) => Fit::Whole(3),
        [b'%'] if is_loose => Fit::Part,
        [b'%', high] if is_loose && same(*high, byte >> 4) => Fit::Part,
        [first, ..] if *first == byte => Fit::Whole(1),
        _ => Fit::No,
    }
}

/// What is done where a pattern fits.
#[derive(Clone)]
pub(crate) enum Deed {
    /// Each byte becomes `*`.
    Mask,
    /// This takes its place; it has the same length.
    Put(Vec<u8>),
    /// It stays.
    Leave,
}

#[derive(Clone)]
struct Rule {
    pattern: Pattern,
    deed: Deed,
    was_met: bool,
}

/// The state of one body.
#[derive(Clone)]
pub struct Rewriter {
    rules: Vec<Rule>,
    /// Bytes with which some pattern can begin.
    starts: Box<[bool; 256]>,
    held: Vec<u8>,
}

impl Rewriter {
    /// Looks for these; empty ones are left out.
    pub(crate) fn new(rules: impl IntoIterator<Item = (Pattern, Deed)>) -> Self {
        let rules = rules.into_iter().map(|(pattern, deed)| Rule { pattern, deed, was_met: false });
        let rules: Vec<Rule> = rules.filter(|rule| !rule.pattern.text.is_empty()).collect();
        let mut starts = Box::new([false; 256]);
        for rule in &rules {
            let percent = rule.pattern.is_loose.then_some(&b'%');
            for byte in rule.pattern.text.first().into_iter().chain(percent) {
                if let Some(start) = starts.get_mut(usize::from(*byte)) {
                    *start = true;
                }
            }
        }
        Self { rules, starts, held: Vec::new() }
    }

    /// True if something is held back, which [`Rewriter::finish`] gives.
    #[must_use]
    pub fn holds(&self) -> bool {
        !self.held.is_empty()
    }

    /// How many bytes are held back.
    #[must_use]
    pub fn held(&self) -> usize {
        self.held.len()
    }

    /// Takes a piece; returns what may go on.
    #[must_use]
    pub fn push(&mut self, piece: &[u8]) -> Vec<u8> {
        let mut all = std::mem::take(&mut self.held);
        all.extend_from_slice(piece);
        let mut at = 0;
        while let Some(found) = self.start(all.get(at..).unwrap_or_default()) {
            at += found;
            match self.fit(all.get(at..).unwrap_or_default()) {
                (Fit::Whole(length), Some(rule)) => {
                    let place = all.get_mut(at..at.saturating_add(length)).unwrap_or_default();
                    at += length.max(1);
                    if let Some(rule) = self.rules.get_mut(rule) {
                        rule.apply(place);
                    }
                }
                (Fit::Part, _) => {
                    self.held = all.split_off(at);
                    break;
                }
                _ => at += 1,
            }
        }
        all
    }

    /// What is held back when the body ends: the start of a text that did not go on.
    #[must_use]
    pub fn finish(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.held)
    }

    /// Whether the rule with this number, in the order in which they were given, has met its text.
    pub(crate) fn has_met(&self, rule: usize) -> bool {
        self.rules.get(rule).is_some_and(|rule| rule.was_met)
    }

    fn start(&self, text: &[u8]) -> Option<usize> {
        text.iter().position(|byte| self.starts.get(usize::from(*byte)).is_some_and(|start| *start))
    }

    /// The first rule that fits, or that could if more came.
    fn fit(&self, text: &[u8]) -> (Fit, Option<usize>) {
        let mut best = Fit::No;
        for (number, rule) in self.rules.iter().enumerate() {
            match rule.pattern.fit(text) {
                whole @ Fit::Whole(_) => return (whole, Some(number)),
                Fit::Part => best = Fit::Part,
                Fit::No => {}
            }
        }
        (best, None)
    }
}

impl Rule {
    fn apply(&mut self, place: &mut [u8]) {
        self.was_met = true;
        match &self.deed {
            Deed::Mask => place.fill(b'*'),
            Deed::Put(value) if value.len() == place.len() => place.copy_from_slice(value),
            Deed::Put(_) | Deed::Leave => {}
        }
    }
}

impl std::fmt::Debug for Rewriter {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Rewriter").field("rules", &self.rules.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masking() -> Rewriter {
        let values = [&b"secret"[..], b"sesame", b""];
        Rewriter::new(values.map(|value| (Pattern::exact(value), Deed::Mask)))
    }

    fn through(mut rewriter: Rewriter, pieces: &[&str]) -> (String, Vec<usize>) {
        let mut out = Vec::new();
        let mut lengths = Vec::new();
        for piece in pieces {
            let passed = rewriter.push(piece.as_bytes());
            lengths.push(passed.len());
            out.extend(passed);
        }
        assert_eq!(rewriter.held() > 0, rewriter.holds());
        out.extend(rewriter.finish());
        assert!(!rewriter.holds());
        (String::from_utf8(out).unwrap(), lengths)
    }

    /// Every way of cutting the text in three, and letter by letter.
    fn however_cut(rewriter: &Rewriter, text: &str, wanted: &str) {
        for first in 0..text.len() {
            for second in first..text.len() {
                let pieces = [&text[..first], &text[first..second], &text[second..]];
                assert_eq!(through(rewriter.clone(), &pieces).0, wanted, "{pieces:?}");
            }
        }
        let single: Vec<String> = text.chars().map(String::from).collect();
        let single: Vec<&str> = single.iter().map(String::as_str).collect();
        assert_eq!(through(rewriter.clone(), &single).0, wanted);
    }

    #[test]
    fn a_text_is_found_however_it_is_cut() {
        let text = "a secret, sesame; sesecret secsecret";
        however_cut(&masking(), text, "a ******, ******; se****** sec******");
        let put = Rewriter::new([(Pattern::exact(b"garth-1"), Deed::Put(b"hunter2".to_vec()))]);
        however_cut(&put, "x=garth-1&y=garth-garth-1g", "x=hunter2&y=garth-hunter2g");
    }

    #[test]
    fn spellings_of_urls_are_found_however_they_are_cut() {
        let loose = Rewriter::new(Pattern::spellings(b"a/b%2").into_iter().map(|one| (one, Deed::Mask)));
        however_cut(&loose, "a/b%2 %61%2fb%252 a%2Fb%25%32", "***** *********** ***********");
        however_cut(&loose, "a%2 a%2fc %6 a/b%25", "a%2 a%2fc %6 *****5");
        let all = Pattern::spellings(b"a/b");
        assert_eq!(Pattern::replace(&all, b"?k=a%2Fb&a/b&%61", b"P"), Some(b"?k=P&P&%61".to_vec()));
        assert_eq!(Pattern::replace(&all, b"a%2Fc", b"P"), None);
    }

    #[test]
    fn no_more_is_held_back_than_must_be() {
        assert_eq!(through(masking(), &["plain", "text se", "nd"]).1, [5, 5, 4]);
        assert_eq!(through(masking(), &["ends in secre"]).0, "ends in secre");
    }

    #[test]
    fn what_was_met_is_known_and_what_is_left_stays() {
        let rules = [b"one", b"two"].map(|text| (Pattern::exact(text), Deed::Leave));
        let mut rewriter = Rewriter::new(rules);
        assert_eq!(rewriter.push(b"a two"), b"a two");
        assert!(!rewriter.has_met(0) && rewriter.has_met(1));
    }
}
