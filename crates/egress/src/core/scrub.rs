//! Takes secrets out of a body that comes back, while it streams. Each letter of a secret becomes `*`, so lengths stay
//! what the server said they are. Only the end that could be the start of a secret is held back.

/// The state of one body.
#[derive(Clone)]
pub struct Scrubber {
    values: Vec<Vec<u8>>,
    held: Vec<u8>,
}

impl Scrubber {
    /// Looks for these values; empty ones are left out.
    #[must_use]
    pub(crate) fn new(values: Vec<Vec<u8>>) -> Self {
        Self { values: values.into_iter().filter(|value| !value.is_empty()).collect(), held: Vec::new() }
    }

    /// True if something is held back, which [`Scrubber::finish`] gives.
    #[must_use]
    pub fn holds(&self) -> bool {
        !self.held.is_empty()
    }

    /// Takes a piece; returns what may go on.
    #[must_use]
    pub fn push(&mut self, piece: &[u8]) -> Vec<u8> {
        let mut all = std::mem::take(&mut self.held);
        all.extend_from_slice(piece);
        for value in &self.values {
            mask(&mut all, value);
        }
        let kept = self.values.iter().map(|value| open_end(&all, value)).max().unwrap_or(0);
        self.held = all.split_off(all.len().saturating_sub(kept));
        all
    }

    /// What is held back when the body ends: the start of a secret that did not go on.
    #[must_use]
    pub fn finish(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.held)
    }
}

impl std::fmt::Debug for Scrubber {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Scrubber").field("values", &self.values.len()).finish_non_exhaustive()
    }
}

fn mask(text: &mut [u8], value: &[u8]) {
    let Some(first) = value.first() else { return };
    let mut at = 0;
    while let Some(found) = text.get(at..).and_then(|rest| rest.iter().position(|byte| byte == first)) {
        at += found;
        match text.get_mut(at..at.saturating_add(value.len())) {
            Some(part) if part == value => {
                part.fill(b'*');
                at += value.len();
            }
            Some(_) => at += 1,
            None => return,
        }
    }
}

/// How many bytes at the end are the start of the value.
fn open_end(text: &[u8], value: &[u8]) -> usize {
    let longest = value.len().saturating_sub(1).min(text.len());
    let is_start = |length: &usize| {
        let end = text.get(text.len().saturating_sub(*length)..);
        end.is_some() && end == value.get(..*length)
    };
    (1..=longest).rev().find(is_start).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scrubbed(pieces: &[&str]) -> (String, Vec<usize>) {
        let mut scrubber = Scrubber::new(vec![b"secret".to_vec(), b"sesame".to_vec(), Vec::new()]);
        let mut out = Vec::new();
        let mut lengths = Vec::new();
        for piece in pieces {
            let passed = scrubber.push(piece.as_bytes());
            lengths.push(passed.len());
            out.extend(passed);
        }
        out.extend(scrubber.finish());
        assert!(!scrubber.holds());
        (String::from_utf8(out).unwrap(), lengths)
    }

    #[test]
    fn a_secret_is_found_however_it_is_cut() {
        let text = "a secret, sesame; sesecret secsecret";
        let wanted = "a ******, ******; se****** sec******";
        for first in 0..text.len() {
            for second in first..text.len() {
                let pieces = [&text[..first], &text[first..second], &text[second..]];
                assert_eq!(scrubbed(&pieces).0, wanted, "{pieces:?}");
            }
        }
        let single: Vec<String> = text.chars().map(String::from).collect();
        assert_eq!(scrubbed(&single.iter().map(String::as_str).collect::<Vec<_>>()).0, wanted);
    }

    #[test]
    fn no_more_is_held_back_than_must_be() {
        assert_eq!(scrubbed(&["plain", "text se", "nd"]).1, [5, 5, 4]);
        assert_eq!(scrubbed(&["ends in secre"]).0, "ends in secre");
    }
}
