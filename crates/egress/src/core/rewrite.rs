//! Replaces texts in a body while it streams: a secret's placeholder by its value on the way out, a value by `*` on the way
//! back. What comes in has the length of what it replaces, so lengths stay what was said of them. Only the end that could be
//! the start of such a text is held back.

use super::pattern::{Fit, Pattern};

/// So many letters of base64 are no sign of a secret yet. They pass at once, so that a message which ends like one begins is
/// not kept from who waits for it, and are remembered: if a secret goes on, the rest of it is found.
const EAGER: usize = 2;

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
    /// True if some pattern is one of base64.
    is_coded: bool,
    /// The last bytes that passed, [`EAGER`] at most.
    passed: Vec<u8>,
    held: Vec<u8>,
}

impl Rewriter {
    /// Looks for these; empty ones are left out.
    pub(crate) fn new(rules: impl IntoIterator<Item = (Pattern, Deed)>) -> Self {
        let rules = rules.into_iter().map(|(pattern, deed)| Rule { pattern, deed, was_met: false });
        let rules: Vec<Rule> = rules.filter(|rule| !rule.pattern.is_empty()).collect();
        let mut starts = Box::new([false; 256]);
        for (byte, start) in (0..=u8::MAX).zip(starts.iter_mut()) {
            *start = rules.iter().any(|rule| rule.pattern.begins_with(byte));
        }
        let is_coded = rules.iter().any(|rule| rule.pattern.is_coded());
        Self { rules, starts, is_coded, passed: Vec::new(), held: Vec::new() }
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
        let mut all = std::mem::take(&mut self.passed);
        let known = all.len();
        all.append(&mut self.held);
        all.extend_from_slice(piece);
        let mut at = 0;
        while let Some(found) = self.start(all.get(at..).unwrap_or_default()) {
            at += found;
            match self.fit(all.get(at..).unwrap_or_default(), at < known) {
                (Fit::Whole(length), Some(rule)) => {
                    let end = at.saturating_add(length.max(1));
                    let place = all.get_mut(at..end).unwrap_or_default();
                    if let Some(rule) = self.rules.get_mut(rule) {
                        rule.apply(place);
                    }
                    at = end;
                }
                (Fit::Part, _) => {
                    self.held = all.split_off(at.max(known));
                    break;
                }
                _ => at += 1,
            }
        }
        let rest = all.split_off(known);
        if self.is_coded {
            all.extend_from_slice(rest.get(rest.len().saturating_sub(EAGER)..).unwrap_or_default());
            self.passed = all.split_off(all.len().saturating_sub(EAGER));
        }
        rest
    }

    /// What is held back when the body ends, or one message of many: the start of a text that did not go on.
    #[must_use]
    pub fn finish(&mut self) -> Vec<u8> {
        self.passed.clear();
        std::mem::take(&mut self.held)
    }

    /// Whether the rule with this number, in the order in which they were given, has met its text.
    pub(crate) fn has_met(&self, rule: usize) -> bool {
        self.rules.get(rule).is_some_and(|rule| rule.was_met)
    }

    fn start(&self, text: &[u8]) -> Option<usize> {
        text.iter().position(|byte| self.starts.get(usize::from(*byte)).is_some_and(|start| *start))
    }

    /// The first rule that fits, or that could if more came. `has_passed` says that the start of the text is gone already: only
    /// letters of base64 can have been let go so, and nothing can be put in their place any more.
    fn fit(&self, text: &[u8], has_passed: bool) -> (Fit, Option<usize>) {
        let mut best = Fit::No;
        for (number, rule) in self.rules.iter().enumerate() {
            let is_coded = rule.pattern.is_coded();
            if has_passed && (!is_coded || !matches!(rule.deed, Deed::Mask)) {
                continue;
            }
            match rule.pattern.fit(text) {
                whole @ Fit::Whole(_) => return (whole, Some(number)),
                Fit::Part if !is_coded || text.len() > EAGER => best = Fit::Part,
                Fit::Part | Fit::No => {}
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
            Deed::Put(value) => self.pattern.put(value, place),
            Deed::Leave => {}
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
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};

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
    }

    #[test]
    fn escapes_of_texts_are_found_however_they_are_cut() {
        let loose = Rewriter::new(Pattern::spellings(b"a/\"&").into_iter().map(|one| (one, Deed::Mask)));
        for written in
            [r#"a/"&"#, r#"a\/\"&"#, r"a\u002f\u0022\u0026", "a&#47;&quot;&amp;", "&#x61;&#x2F;&#34;&#38;"]
        {
            let text = format!("<{written}>&#x;\\u00a&am");
            let wanted = format!("<{}>&#x;\\u00a&am", "*".repeat(written.len()));
            however_cut(&loose, &text, &wanted);
        }
    }

    /// What is looked for, in base64.
    fn coded(text: &[u8], deed: impl Fn() -> Deed) -> Rewriter {
        let is_whole = !matches!(deed(), Deed::Mask);
        Rewriter::new(Pattern::coded(text, is_whole).into_iter().map(|one| (one, deed())))
    }

    #[test]
    fn base64_is_found_at_each_place_and_in_each_alphabet() {
        let value = b"the>real?value~~";
        for before in ["", "a", "ab", "abc", "user:"] {
            for after in ["", "!", "??"] {
                let text = [before.as_bytes(), value, after.as_bytes()].concat();
                for engine in [&STANDARD, &URL_SAFE] {
                    let encoded = engine.encode(&text);
                    let (masked, _) = through(coded(value, || Deed::Mask), &[&encoded]);
                    let clear = masked.matches(|letter| letter != '*').count();
                    let most = engine.encode(before).len() + engine.encode(after).len() + 4;
                    assert!(clear <= most && masked.len() == encoded.len(), "{encoded} {masked}");
                    let lines = encoded.as_bytes().chunks(5).map(|line| str::from_utf8(line).unwrap());
                    let lines: Vec<&str> = lines.collect();
                    let (masked, _) = through(coded(value, || Deed::Mask), &[&lines.join("\r\n")]);
                    assert!(masked.contains("**********"), "{masked}");
                }
            }
        }
    }

    #[test]
    fn base64_gets_the_value_and_its_neighbours_stay() {
        let (mark, value) = (b"garth-0123456789", b"The.real_value-1");
        for before in ["", "a", "ab", "user:"] {
            for after in ["", "x", "yz", "}}}"] {
                let text =
                    |inner: &[u8]| STANDARD.encode([before.as_bytes(), inner, after.as_bytes()].concat());
                let rewriter = coded(mark, || Deed::Put(value.to_vec()));
                let (put, _) = through(rewriter, &["<", &text(mark), ">"]);
                assert_eq!(put, format!("<{}>", text(value)));
            }
        }
        let short = coded(b"short", || Deed::Mask);
        assert_eq!(through(short, &["c2hvcnQ="]).0, "c2hvcnQ=", "too short to tell");
    }

    #[test]
    fn base64_that_is_cut_shows_two_letters_at_most_and_holds_none_of_them_back() {
        let value = b"the-real-value-of-it";
        for before in ["", "a", "ab"] {
            let encoded = STANDARD.encode([before.as_bytes(), value].concat());
            let (whole, _) = through(coded(value, || Deed::Mask), &[&encoded]);
            let hidden = whole.matches('*').count();
            for first in 0..encoded.len() {
                for second in first..encoded.len() {
                    let pieces = [&encoded[..first], &encoded[first..second], &encoded[second..]];
                    let (cut, _) = through(coded(value, || Deed::Mask), &pieces);
                    assert!(cut.matches('*').count() + EAGER >= hidden, "{pieces:?} {cut}");
                }
            }
            let single: Vec<String> = encoded.chars().map(String::from).collect();
            let single: Vec<&str> = single.iter().map(String::as_str).collect();
            let (cut, lengths) = through(coded(value, || Deed::Mask), &single);
            assert!(cut.matches('*').count() + EAGER >= hidden, "{cut}");
            assert_eq!(lengths.iter().take(EAGER).sum::<usize>(), EAGER, "held back: {lengths:?}");
        }
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
