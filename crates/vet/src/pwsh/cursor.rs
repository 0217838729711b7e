//! The reading position, and the letters that mean something to PowerShell.

use super::tree::Statement;
use crate::command::{Problem, Shell, Span};

/// Rules of the grammar in each other that are followed: four or so for each pair of brackets, of which scripts that
/// people write have at most twenty in each other.
const DEEPEST: u32 = 120;

/// Rules of the grammar that are followed in all, so that a text of ten megabytes has its answer in two seconds. A
/// script of a megabyte that a person wrote needs half of them.
const MOST: u32 = 2_000_000;

pub(super) type Parsed<T> = Result<T, Problem>;

/// How a place in this text is told.
#[derive(Clone, Copy, Debug)]
pub(super) enum Places {
    /// The text is the source.
    Here,
    /// The text was taken out of quoting that changed it; all of it stands there.
    At(Span),
}

/// A parser of one text.
#[derive(Debug)]
pub(super) struct Parser<'t> {
    pub text: &'t str,
    pub at: usize,
    pub shell: Shell,
    pub places: Places,
    pub depth: u32,
    /// Rules that were followed.
    steps: u32,
    /// True where a comma makes a list, false where it separates arguments.
    pub has_lists: bool,
    /// Modules that `#requires` loads.
    pub required: Vec<Statement>,
    /// What was understood only in part; reading went on.
    pub problems: Vec<Problem>,
}

/// The hyphen, and the dashes that PowerShell takes for one.
pub(super) fn is_dash(letter: char) -> bool {
    matches!(letter, '-' | '\u{2013}' | '\u{2014}' | '\u{2015}')
}

/// The apostrophe, and the quotation marks that PowerShell takes for one.
pub(super) fn is_single_quote(letter: char) -> bool {
    matches!(letter, '\'' | '\u{2018}' | '\u{2019}' | '\u{201a}' | '\u{201b}')
}

/// The double quote, and the quotation marks that PowerShell takes for one.
pub(super) fn is_double_quote(letter: char) -> bool {
    matches!(letter, '"' | '\u{201c}' | '\u{201d}' | '\u{201e}')
}

pub(super) fn is_newline(letter: char) -> bool {
    matches!(letter, '\n' | '\r')
}

/// White space that ends no line. U+2028 and U+2029 are of this kind, too.
pub(super) fn is_blank(letter: char) -> bool {
    letter.is_whitespace() && !is_newline(letter)
}

/// Letters that end a bare word.
pub(super) fn ends_word(letter: char) -> bool {
    letter.is_whitespace()
        || matches!(letter, '\0' | '&' | '(' | ')' | ',' | ';' | '{' | '|' | '}' | '<' | '>')
}

/// Letters of a variable's name without braces.
pub(super) fn is_variable_letter(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '_' | '?')
}

impl<'t> Parser<'t> {
    pub(super) fn new(text: &'t str, shell: Shell, places: Places) -> Self {
        Self {
            text,
            at: 0,
            shell,
            places,
            depth: 0,
            steps: 0,
            has_lists: true,
            required: Vec::new(),
            problems: Vec::new(),
        }
    }

    /// True if the text is for Windows PowerShell 5.1.
    pub(super) fn is_five(&self) -> bool {
        self.shell == Shell::WindowsPowershell
    }

    pub(super) fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// The letter `distance` letters behind the next.
    pub(super) fn peek_behind(&self, distance: usize) -> Option<char> {
        self.rest().chars().nth(distance)
    }

    pub(super) fn bump(&mut self) -> Option<char> {
        let letter = self.peek()?;
        self.at += letter.len_utf8();
        Some(letter)
    }

    pub(super) fn take(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.at += wanted.len_utf8();
        }
        found
    }

    pub(super) fn take_all(&mut self, wanted: &str) -> bool {
        let found = self.rest().starts_with(wanted);
        if found {
            self.at += wanted.len();
        }
        found
    }

    /// Skips one line end.
    pub(super) fn take_newline(&mut self) -> bool {
        self.take_all("\r\n") || self.take('\n') || self.take('\r')
    }

    /// Blanks, continued lines and comments, up to the next token or line end.
    pub(super) fn blanks(&mut self) -> Parsed<()> {
        while let Some(letter) = self.peek() {
            match letter {
                '#' => self.comment(),
                '<' if self.peek_behind(1) == Some('#') => self.block_comment()?,
                '`' if self.peek_behind(1).is_some_and(is_newline) => {
                    self.at += 1;
                    self.take_newline();
                }
                _ if is_blank(letter) => self.at += letter.len_utf8(),
                _ => break,
            }
        }
        Ok(())
    }

    fn comment(&mut self) {
        let start = self.at;
        let line = self.rest().split(is_newline).next().unwrap_or_default();
        self.at += line.len();
        let mut words = line.split_whitespace().map(str::to_owned);
        if words.next().is_some_and(|word| word.eq_ignore_ascii_case("#requires")) {
            let words: Vec<String> = words.collect();
            let loads = |word: &String| {
                let word = word.to_lowercase();
                ["-m", "-pss", "-a"].iter().any(|start| word.starts_with(start))
            };
            if words.iter().any(loads) {
                let words = std::iter::once("#requires".to_owned()).chain(words).collect();
                let span = self.span(start);
                self.required.push(Statement::Using(words, span));
            }
        }
    }

    fn block_comment(&mut self) -> Parsed<()> {
        let Some(length) = self.rest().find("#>") else { return self.stop("a comment `<#` has no end") };
        self.at += length + 2;
        Ok(())
    }

    /// Blanks and line ends.
    pub(super) fn space(&mut self) -> Parsed<()> {
        loop {
            self.blanks()?;
            if !self.take_newline() {
                return Ok(());
            }
        }
    }

    /// Blanks, line ends and `;`.
    pub(super) fn separators(&mut self) -> Parsed<()> {
        loop {
            self.space()?;
            if !self.take(';') {
                return Ok(());
            }
        }
    }

    pub(super) fn expect(&mut self, wanted: char, after: &str) -> Parsed<()> {
        if self.take(wanted) {
            return Ok(());
        }
        let found = match self.peek() {
            Some(letter) => format!("`{}` stands", letter.escape_debug()),
            None => "the text ends".to_owned(),
        };
        self.stop(&format!("{found} where {after} needs `{wanted}`"))
    }

    /// From `start` up to the position, as a place in the source.
    pub(super) fn span(&self, start: usize) -> Span {
        match self.places {
            Places::Here => Span { start, end: self.at.max(start) },
            Places::At(span) => span,
        }
    }

    pub(super) fn problem(&self, what: &str) -> Problem {
        let end = self.at + self.peek().map_or(0, char::len_utf8);
        let span = match self.places {
            Places::Here => Span { start: self.at.min(self.text.len()), end: end.min(self.text.len()) },
            Places::At(span) => span,
        };
        Problem { what: what.to_owned(), span }
    }

    pub(super) fn stop<T>(&self, what: &str) -> Parsed<T> {
        Err(self.problem(what))
    }

    /// Counts rules that are followed.
    pub(super) fn spend(&mut self, steps: u32) -> Parsed<()> {
        self.steps = self.steps.saturating_add(steps);
        if self.steps > MOST { self.stop("the text is too long to read") } else { Ok(()) }
    }

    /// Goes one construct deeper.
    pub(super) fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= DEEPEST {
            return self.stop("too many brackets and blocks in each other");
        }
        self.spend(1)?;
        self.depth += 1;
        let read = read(self);
        self.depth -= 1;
        read
    }

    /// The identifier at the position, without taking it.
    pub(super) fn identifier(&self) -> &'t str {
        let rest = self.rest();
        let end = rest.find(|letter: char| !(letter.is_alphanumeric() || letter == '_'));
        rest.get(..end.unwrap_or(rest.len())).unwrap_or_default()
    }
}
