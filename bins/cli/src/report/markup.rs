//! HTML that is written piece by piece. What is not a constant of this program can only be written as text or as a number,
//! so no name from inside the sandbox becomes markup.

use garth::log::core::visible;

/// Most letters of one text that are written; the rest is counted.
const LONGEST: usize = 2000;

/// A page that is being written.
#[derive(Debug, Default)]
pub struct Markup(String);

impl Markup {
    /// Writes a constant of this program as it is.
    pub fn raw(&mut self, markup: &'static str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// Writes a text: control characters and what changes the direction of letters are made visible, and nothing of it is
    /// markup, neither between tags nor in a quoted attribute.
    pub fn text(&mut self, text: &str) -> &mut Self {
        let shown = visible(text);
        match shown.char_indices().nth(LONGEST) {
            None => self.escaped(&shown),
            Some((end, _)) => {
                let (front, rest) = shown.split_at(end);
                self.escaped(front);
                self.escaped(&format!(" … [{} bytes more]", rest.len()))
            }
        }
    }

    fn escaped(&mut self, text: &str) -> &mut Self {
        for letter in text.chars() {
            match letter {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                letter => self.0.push(letter),
            }
        }
        self
    }

    /// Writes a whole number.
    pub fn number(&mut self, number: u64) -> &mut Self {
        self.0.push_str(&number.to_string());
        self
    }

    /// Writes a whole number with its digits in groups, for people.
    pub fn grouped(&mut self, number: u64) -> &mut Self {
        self.0.push_str(&grouped(number));
        self
    }

    /// What was written.
    pub fn finish(self) -> String {
        self.0
    }
}

/// A number with a narrow blank between each three digits.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() * 2);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out
}

/// Bytes for people, with one decimal.
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if count < 1024 {
        return format!("{count} B");
    }
    let mut unit = 0;
    let mut size = count;
    while size >= 1024 * 1024 && unit + 1 < UNITS.len() {
        size /= 1024;
        unit += 1;
    }
    format!("{}.{} {}", size / 1024, size % 1024 * 10 / 1024, UNITS[unit])
}

/// A time for people, from microseconds.
pub fn duration(micros: i64) -> String {
    let millis = micros.max(0) / 1000;
    match millis {
        0 => format!("{} µs", micros.max(0)),
        1..1000 => format!("{millis} ms"),
        1000..60_000 => format!("{}.{} s", millis / 1000, millis % 1000 / 100),
        60_000..3_600_000 => format!("{} min {} s", millis / 60_000, millis / 1000 % 60),
        _ => format!("{} h {} min", millis / 3_600_000, millis / 60_000 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(text: &str) -> String {
        let mut markup = Markup::default();
        markup.text(text);
        markup.finish()
    }

    #[test]
    fn names_from_inside_are_text() {
        assert_eq!(text("<b onclick='a'>\"&"), "&lt;b onclick=&#39;a&#39;&gt;&quot;&amp;");
        assert_eq!(text("a\u{1b}[2J\u{202e}b\u{0}\u{9b}"), "a\\x1b[2J\\u{202e}b\\x00\\u{9b}");
        let long = text(&"<".repeat(5000));
        assert!(long.ends_with(" … [3000 bytes more]") && !long.contains('<'), "{}", long.len());
    }

    #[test]
    fn numbers_are_for_people() {
        assert_eq!(grouped(1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!((grouped(0), grouped(999)), ("0".into(), "999".into()));
        assert_eq!((bytes(1023), bytes(1536)), ("1023 B".into(), "1.5 KiB".into()));
        assert_eq!((bytes(5 << 30), bytes(u64::MAX)), ("5.0 GiB".into(), "16383.9 PiB".into()));
        assert_eq!((duration(5), duration(1500)), ("5 µs".into(), "1 ms".into()));
        assert_eq!((duration(61_000_000), duration(-5)), ("1 min 1 s".into(), "0 µs".into()));
    }

    proptest! {
        /// Whatever it holds: no tag, no end of an attribute, no entity that was not made here, nothing that moves a cursor.
        #[test]
        fn a_text_is_never_markup(given: String) {
            let shown = text(&given);
            prop_assert!(!shown.contains(['<', '>', '"', '\'']), "{shown}");
            let known = ["&amp;", "&lt;", "&gt;", "&quot;", "&#39;"];
            let entities = shown.match_indices('&').all(|(at, _)| known.iter().any(|one| shown[at..].starts_with(one)));
            prop_assert!(entities, "{shown}");
            prop_assert!(!shown.chars().any(char::is_control), "{shown:?}");
        }
    }
}
