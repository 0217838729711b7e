//! Command lines: Windows hands a program one text, and each program takes it apart by rules of its own.
//!
//! Sources: "Parsing C command-line arguments" and `CommandLineToArgvW` in Microsoft's documentation; `cmd /?`;
//! `about_Quoting_Rules` of PowerShell. What a shell would read as something else is refused, not guessed at.

use core::fmt;

/// Most UTF-16 units of a command line, its final zero included (`CreateProcessW`).
pub const LONGEST: usize = 32_767;
/// Most UTF-16 units of a line that `cmd` takes ("Command prompt line string limitation").
pub const LONGEST_FOR_CMD: usize = 8_191;

/// Why arguments have no command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QuoteError {
    /// There is no program.
    NoProgram,
    /// A zero character, which ends the text.
    Nul {
        /// Which argument, the program being 0.
        argument: usize,
    },
    /// The name of a program holds a quotation mark, which no rule can write.
    QuoteInProgram,
    /// `cmd` would read this character in an argument of a batch file as its own.
    ForCmd {
        /// Which argument, the program being 0.
        argument: usize,
        /// The character.
        found: char,
    },
    /// The line is too long.
    TooLong {
        /// Its length in UTF-16 units, the final zero included.
        units: usize,
        /// The most.
        most: usize,
    },
}

impl fmt::Display for QuoteError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoProgram => out.write_str("there is no program"),
            Self::Nul { argument } => write!(out, "argument {argument} holds a zero character"),
            Self::QuoteInProgram => out.write_str("the name of the program holds a quotation mark"),
            Self::ForCmd { argument, found } => {
                write!(out, "argument {argument} holds {found:?}, which `cmd` reads as its own")
            }
            Self::TooLong { units, most } => {
                write!(out, "the command line has {units} characters, and Windows takes {most}")
            }
        }
    }
}

impl core::error::Error for QuoteError {}

/// The command line from which a program gets these arguments by the rules of the C runtime; the first names it.
/// `CommandLineToArgvW`, both runtimes of Microsoft, Rust, Go and Python read it alike.
///
/// # Errors
/// [`QuoteError`]
pub fn for_c_runtime<S: AsRef<str>>(arguments: &[S]) -> Result<String, QuoteError> {
    let (program, rest) = arguments.split_first().ok_or(QuoteError::NoProgram)?;
    let mut line = program_name(program.as_ref())?;
    for (at, argument) in rest.iter().enumerate() {
        let argument = argument.as_ref();
        refuse_nul(at + 1, argument)?;
        line.push(' ');
        quote(argument, &mut line);
    }
    bounded(line, LONGEST)
}

/// The command line of `cmd` that runs a text as if it had been typed.
///
/// With `/s` the outer quotation marks are taken off and all between them stays; `/d` runs nothing from the
/// registry, `/v:off` leaves `!` alone.
///
/// # Errors
/// [`QuoteError`]; a line break, behind which `cmd` reads nothing, is refused.
pub fn for_cmd_text(cmd: &str, text: &str) -> Result<String, QuoteError> {
    refuse_nul(1, text)?;
    if let Some(found) = text.chars().find(|character| ['\r', '\n'].contains(character)) {
        return Err(QuoteError::ForCmd { argument: 1, found });
    }
    let line = format!("{} /d /v:off /s /c \"{text}\"", program_name(cmd)?);
    bounded(line, LONGEST_FOR_CMD)
}

/// Characters that `cmd` acts on even between quotation marks, or that end them.
const NOT_FOR_BATCH: [char; 4] = ['"', '%', '\r', '\n'];

/// The command line of `cmd` that runs a batch file with these arguments.
///
/// A batch file is a text that `cmd` reads with the arguments pasted in; each stands between quotation marks, and
/// what these do not hold is refused. `!` is left alone because of `/v:off`.
///
/// # Errors
/// [`QuoteError`]
pub fn for_batch_file<S: AsRef<str>>(cmd: &str, file: &str, arguments: &[S]) -> Result<String, QuoteError> {
    let mut line = format!("{} /d /v:off /s /c \"", program_name(cmd)?);
    for (at, word) in core::iter::once(file).chain(arguments.iter().map(AsRef::as_ref)).enumerate() {
        refuse_nul(at, word)?;
        if let Some(found) = word.chars().find(|character| NOT_FOR_BATCH.contains(character)) {
            return Err(QuoteError::ForCmd { argument: at, found });
        }
        if at > 0 {
            line.push(' ');
        }
        mark(word, &mut line);
    }
    line.push('"');
    bounded(line, LONGEST_FOR_CMD)
}

/// Words of a command in a text of `cmd`. Those that `cmd` and the program read as they are stand without quotation marks,
/// because `cmd` itself knows its options only so.
///
/// # Errors
/// [`QuoteError`] for what quotation marks do not hold.
pub fn for_cmd_words<S: AsRef<str>>(words: &[S]) -> Result<String, QuoteError> {
    let plain = |character: char| character.is_alphanumeric() || "_./\\:-+@".contains(character);
    let mut text = String::new();
    for (at, word) in words.iter().map(AsRef::as_ref).enumerate() {
        refuse_nul(at, word)?;
        if let Some(found) = word.chars().find(|character| NOT_FOR_BATCH.contains(character)) {
            return Err(QuoteError::ForCmd { argument: at, found });
        }
        if at > 0 {
            text.push(' ');
        }
        if !word.is_empty() && word.chars().all(plain) {
            text.push_str(word);
        } else {
            mark(word, &mut text);
        }
    }
    if text.is_empty() { Err(QuoteError::NoProgram) } else { Ok(text) }
}

/// Appends a word without a quotation mark between two of them.
fn mark(word: &str, line: &mut String) {
    line.push('"');
    line.push_str(word);
    // The program that it is passed on to reads a backslash before the mark as an escape.
    let trailing = word.len() - word.trim_end_matches('\\').len();
    line.extend(core::iter::repeat_n('\\', trailing));
    line.push('"');
}

/// The command of `cmd` that sets a variable; `None` for what it could not hold as it is.
#[must_use]
pub fn set_in_cmd(name: &str, value: &str) -> Option<String> {
    let unfit =
        |text: &str| text.chars().any(|character| NOT_FOR_BATCH.contains(&character) || character == '\0');
    (!unfit(name) && !unfit(value) && !name.contains('=')).then(|| format!("set \"{name}={value}\""))
}

/// Quotation marks that PowerShell takes for a single one.
const SINGLE_QUOTES: [char; 5] = ['\'', '\u{2018}', '\u{2019}', '\u{201a}', '\u{201b}'];

/// A text as a literal of PowerShell, in which nothing is expanded.
#[must_use]
pub fn powershell_literal(text: &str) -> String {
    let mut literal = String::with_capacity(text.len() + 2);
    literal.push('\'');
    for character in text.chars() {
        if SINGLE_QUOTES.contains(&character) {
            literal.push(character);
        }
        literal.push(character);
    }
    literal.push('\'');
    literal
}

/// The name that a command line begins with: between quotation marks, in which no rule escapes anything.
fn program_name(program: &str) -> Result<String, QuoteError> {
    if program.is_empty() {
        return Err(QuoteError::NoProgram);
    }
    refuse_nul(0, program)?;
    if program.contains('"') {
        return Err(QuoteError::QuoteInProgram);
    }
    Ok(format!("\"{program}\""))
}

fn refuse_nul(argument: usize, text: &str) -> Result<(), QuoteError> {
    if text.contains('\0') { Err(QuoteError::Nul { argument }) } else { Ok(()) }
}

/// Appends an argument. Backslashes count only in front of a quotation mark: there each is written twice, and the mark
/// itself gets one.
fn quote(argument: &str, line: &mut String) {
    let plain = |character: char| !matches!(character, ' ' | '\t' | '\n' | '\u{b}' | '"');
    if !argument.is_empty() && argument.chars().all(plain) {
        line.push_str(argument);
        return;
    }
    line.push('"');
    let mut backslashes = 0;
    for character in argument.chars() {
        match character {
            '\\' => backslashes += 1,
            '"' => {
                line.extend(core::iter::repeat_n('\\', backslashes + 1));
                backslashes = 0;
            }
            _ => backslashes = 0,
        }
        line.push(character);
    }
    line.extend(core::iter::repeat_n('\\', backslashes));
    line.push('"');
}

fn bounded(line: String, most: usize) -> Result<String, QuoteError> {
    let units = line.encode_utf16().count() + 1;
    if units > most { Err(QuoteError::TooLong { units, most }) } else { Ok(line) }
}
