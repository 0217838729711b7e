//! Options in front of operands, as `getopt` and its long form read them.

use crate::command::{Part, Span, Word};

/// Which options of a program take a value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grammar {
    /// Letters of short options with a value, attached or in the next word.
    pub valued: &'static str,
    /// Long options with a value, without the dashes; after `=` or in the next word.
    pub long: &'static [&'static str],
}

impl Grammar {
    /// No option takes a value.
    pub(super) const FLAGS: Self = Self { valued: "", long: &[] };
}

/// One option as it was found.
#[derive(Clone, Debug)]
pub(super) struct Given {
    /// `-x` or `--name`, in full where the grammar knows the name.
    pub name: String,
    /// Its value.
    pub value: Option<Word>,
}

/// Options and operands, told apart.
#[derive(Debug, Default)]
pub(super) struct Read {
    /// The options, in order.
    pub options: Vec<Given>,
    /// What is left.
    pub operands: Vec<Word>,
}

impl Read {
    /// The value of the last option of one of these names.
    pub(super) fn value(&self, names: &[&str]) -> Option<&Word> {
        let mut found = self.options.iter().rev().filter(|given| names.contains(&given.name.as_str()));
        found.find_map(|given| given.value.as_ref())
    }

    /// True if an option of one of these names stands there.
    pub(super) fn has(&self, names: &[&str]) -> bool {
        self.options.iter().any(|given| names.contains(&given.name.as_str()))
    }
}

/// Reads the words behind a program; the first operand ends the options.
pub(super) fn read(words: &[Word], grammar: Grammar) -> Read {
    sort(words, grammar, false)
}

/// As [`read`], where options may stand behind operands as well.
pub(super) fn read_all(words: &[Word], grammar: Grammar) -> Read {
    sort(words, grammar, true)
}

fn sort(words: &[Word], grammar: Grammar, permutes: bool) -> Read {
    let mut found = Read::default();
    let mut rest = words;
    while let Some((word, tail)) = rest.split_first() {
        let start = word.known_start();
        if start == "--" && word.text().is_some() {
            found.operands.extend(tail.iter().cloned());
            return found;
        }
        if start.len() < 2 || !start.starts_with('-') {
            if !permutes {
                break;
            }
            found.operands.push(word.clone());
            rest = tail;
            continue;
        }
        let takes_next = match start.strip_prefix("--") {
            Some(long) => found.long(word, long, grammar),
            None => found.cluster(word, &start, grammar),
        };
        rest = tail;
        if takes_next && let Some((value, tail)) = rest.split_first() {
            if let Some(last) = found.options.last_mut() {
                last.value = Some(value.clone());
            }
            // A short form of a long name may be another option without a value: then the next word speaks for itself.
            let is_option = is_cut_short(&start, grammar) && value.known_start().starts_with('-');
            rest = if is_option { rest } else { tail };
        }
    }
    if !permutes {
        found.operands.extend(rest.iter().cloned());
    }
    found
}

impl Read {
    /// A word `--name` or `--name=value`; true if the next word is its value.
    fn long(&mut self, word: &Word, long: &str, grammar: Grammar) -> bool {
        let (name, value) = match long.split_once('=') {
            Some((name, _)) => (name, Some(without(word, name.len() + 3))),
            None => (long, None),
        };
        let exact = grammar.long.iter().find(|known| **known == name);
        let mut abbreviated = grammar.long.iter().filter(|known| known.starts_with(name));
        let known = exact.or_else(|| abbreviated.next().filter(|_| abbreviated.next().is_none()));
        let takes_next = known.is_some() && value.is_none() && word.text().is_some();
        let name = known.map_or_else(|| format!("--{name}"), |known| format!("--{known}"));
        self.options.push(Given { name, value });
        takes_next
    }

    /// A word of short options; true if the next word is the value of the last.
    fn cluster(&mut self, word: &Word, start: &str, grammar: Grammar) -> bool {
        for (at, letter) in start.char_indices().skip(1) {
            let name = format!("-{letter}");
            if !grammar.valued.contains(letter) {
                self.options.push(Given { name, value: None });
                continue;
            }
            let behind = at + letter.len_utf8();
            let is_last = behind == start.len() && word.text().is_some();
            let value = (!is_last).then(|| without(word, behind));
            self.options.push(Given { name, value });
            return is_last;
        }
        false
    }
}

/// True for a long option whose name is not written out.
fn is_cut_short(start: &str, grammar: Grammar) -> bool {
    start.strip_prefix("--").is_some_and(|name| !grammar.long.contains(&name))
}

/// True for names of standard input.
pub(super) fn is_standard_input(file: &str) -> bool {
    matches!(file, "-" | "/dev/stdin" | "/dev/fd/0" | "/proc/self/fd/0" | "/proc/thread-self/fd/0")
}

/// True for names of open descriptors, whatever stands behind them.
pub(super) fn is_descriptor(file: &str) -> bool {
    file.starts_with("/dev/fd/") || file.starts_with("/proc/") && file.contains("/fd/")
}

/// The word without its first bytes, which are known text.
pub(super) fn without(word: &Word, mut bytes: usize) -> Word {
    let mut parts = Vec::with_capacity(word.parts.len());
    for part in &word.parts {
        match part {
            Part::Text(text) if bytes > 0 => {
                let cut = bytes.min(text.len());
                bytes -= cut;
                let left = text.get(cut..).unwrap_or_default();
                if !left.is_empty() {
                    parts.push(Part::Text(left.to_owned()));
                }
            }
            part => parts.push(part.clone()),
        }
    }
    Word { parts, span: word.span }
}

/// Words put together with blanks between them, as `eval`, `ssh` and `watch` do.
pub(super) fn joined(words: &[Word]) -> Word {
    let mut parts = Vec::new();
    for (at, word) in words.iter().enumerate() {
        if at > 0 {
            parts.push(Part::Text(" ".to_owned()));
        }
        parts.extend(word.parts.iter().cloned());
    }
    let span = match (words.first(), words.last()) {
        (Some(first), Some(last)) => Span { start: first.span.start, end: last.span.end.max(first.span.end) },
        _ => Span::default(),
    };
    Word { parts, span }
}
