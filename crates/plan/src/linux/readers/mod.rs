//! Programs that read what their words name: what a supervisor can tell of a refused read before it takes place.
//!
//! What a view does not show is refused by the kernel alone. A program of this table that starts with the name of such a
//! file is about to be refused, and its start is seen in any case. Of programs that also make what they name only the words
//! are taken that they read. An interpreter names files in the text that it is given (`texts`).

mod table;
mod texts;

use garth_policy::FileOp;
use std::borrow::Cow;

/// What a program does with its words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reader {
    op: FileOp,
    words: Words,
}

/// Which words name what is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Words {
    /// All.
    All,
    /// All but the last one, which is where it writes to, unless an option says where.
    AllButLast,
    /// All but the first one, which is where it writes to.
    AllButFirst,
    /// All but the archive, if that is made.
    Archive,
    /// What stands behind one of these texts in a word, and the word behind one of these options.
    Marked(&'static [&'static str], &'static [&'static str]),
    /// The same, and words that begin at the root.
    MarkedOrAbsolute(&'static [&'static str], &'static [&'static str]),
    /// The program that it interprets: a text with names in quotes, or a file.
    Text,
    /// A text of a shell, or a file with one.
    Shell,
}

/// A name that is about to be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named<'w> {
    /// As it is written, or with the home in front of it.
    pub name: Cow<'w, [u8]>,
    /// What for.
    pub op: FileOp,
}

/// What a program does with its words, by the path that it is started by; `None` if that is not known.
#[must_use]
pub fn reader(program: &[u8]) -> Option<Reader> {
    let name = program.rsplit(|byte| *byte == b'/').next()?;
    // Interpreters have their version in their name: python3.11, perl5.36.1.
    let version =
        name.iter().rposition(|byte| !byte.is_ascii_digit() && *byte != b'.').map_or(0, |at| at + 1);
    let interpreter = || row(name.get(..version)?).filter(|reader| reader.words == Words::Text);
    row(name).or_else(interpreter)
}

fn row(name: &[u8]) -> Option<Reader> {
    let at = table::READERS.binary_search_by(|(known, _)| known.as_bytes().cmp(name)).ok()?;
    table::READERS.get(at).map(|(_, reader)| *reader)
}

/// Words of one program that are looked at, and names that are taken from them.
const MOST: usize = 64;

impl Reader {
    /// What of its arguments, the first of which is its own name, may be the name of something that it reads. `home` is what
    /// a text means by the home.
    #[must_use]
    pub fn names<'w>(&self, arguments: &'w [Vec<u8>], home: &[u8]) -> Vec<Named<'w>> {
        let words = arguments.get(1..).unwrap_or_default();
        let words = &words[..words.len().min(MOST)];
        let mut names: Vec<Named<'w>> = match self.words {
            Words::Text => texts::of_an_interpreter(words, home),
            Words::Shell => texts::of_a_shell(words, home),
            Words::Marked(marks, options) => self.with(marked(words, marks, options)),
            Words::MarkedOrAbsolute(marks, options) => {
                let absolute = words.iter().filter(|word| word.starts_with(b"/")).map(Vec::as_slice);
                self.with(marked(words, marks, options).chain(absolute))
            }
            Words::All => self.with(words.iter().filter_map(|word| named(word))),
            Words::AllButLast | Words::AllButFirst | Words::Archive => {
                let written = self.written(words);
                let read = words.iter().enumerate().filter(|(at, _)| Some(*at) != written);
                self.with(read.filter_map(|(_, word)| named(word)))
            }
        };
        names.truncate(MOST);
        names
    }

    fn with<'w>(&self, names: impl Iterator<Item = &'w [u8]>) -> Vec<Named<'w>> {
        names.map(|name| Named { name: Cow::Borrowed(name), op: self.op }).collect()
    }

    /// Which word names what is written.
    fn written(&self, words: &[Vec<u8>]) -> Option<usize> {
        let is_plain = |word: &Vec<u8>| !word.starts_with(b"-");
        match self.words {
            Words::AllButLast => {
                let says_where = |word: &Vec<u8>| word == b"-t" || word.starts_with(b"--target-directory");
                (!words.iter().any(says_where)).then(|| words.len().checked_sub(1)).flatten()
            }
            Words::AllButFirst => words.iter().position(is_plain),
            Words::Archive => {
                // `tar(1)`: the first word may be a bundle of letters without a hyphen.
                let letters = |word: &[u8], at: usize| at == 0 || word.starts_with(b"-");
                let has = |letter: u8| {
                    let is_in = |(at, word): (usize, &Vec<u8>)| {
                        let is_long = word.starts_with(b"--");
                        !is_long && letters(word, at) && word.contains(&letter)
                    };
                    words.iter().enumerate().position(is_in)
                };
                let makes = [b'c', b'r', b'u'].into_iter().any(|letter| has(letter).is_some());
                has(b'f').filter(|_| makes).map(|at| at + 1)
            }
            _ => None,
        }
    }
}

/// The name in a word: all of it, or what stands behind the equals sign of an option.
fn named(word: &[u8]) -> Option<&[u8]> {
    let name = match word.strip_prefix(b"-") {
        None => word,
        Some(option) => &option[option.iter().position(|byte| *byte == b'=')? + 1..],
    };
    (!name.is_empty()).then_some(name)
}

/// What stands behind one of these marks in a word, and the word behind one of these options.
fn marked<'w>(words: &'w [Vec<u8>], marks: &[&str], options: &[&str]) -> impl Iterator<Item = &'w [u8]> {
    let names = words.iter().enumerate().filter_map(move |(at, word)| {
        let before = at.checked_sub(1).and_then(|before| words.get(before));
        if before.is_some_and(|before| options.iter().any(|option| option.as_bytes() == before)) {
            return Some(behind(word, marks).unwrap_or(word));
        }
        behind(word, marks)
    });
    names.filter(|name| !name.is_empty())
}

fn behind<'w>(word: &'w [u8], marks: &[&str]) -> Option<&'w [u8]> {
    marks.iter().find_map(|mark| {
        let at = word.windows(mark.len()).position(|part| part == mark.as_bytes())?;
        word.get(at + mark.len()..)
    })
}

#[cfg(test)]
mod tests;
