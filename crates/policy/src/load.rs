//! Policy files: reading them, with every mistake named, and putting the layers together. No I/O: the host reads the
//! files and checks owner and permissions.

mod agents;
mod audit;
mod commands;
mod diagnostic;
mod flags;
mod merge;
mod network;
mod paths;
mod programs;
mod proxy;
mod reader;
mod secret;
mod suggest;
mod trust;
mod undo;
pub(crate) mod written;

use crate::context::Context;
use crate::origin::{Layer, Origin};
use crate::policy::Policy;
use diagnostic::Lines;
use merge::{Ignored, Layers, Merge};
use reader::Reader;
use std::ops::Range;
use toml::de::DeTable;
use written::Written;

pub use diagnostic::{Diagnostic, Diagnostics, Related, Severity};
pub use flags::{Flag, Setting, agent_named};
pub use programs::CheckProgram;
pub use trust::{TrustStore, content_hash};

/// A policy file that the host has read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its name, for messages and origins.
    pub name: String,
    /// Its text.
    pub text: String,
}

impl Source {
    /// The text of a file.
    ///
    /// # Errors
    /// Bytes that are no UTF-8, with their place.
    pub fn new(name: String, bytes: Vec<u8>) -> Result<Self, Diagnostics> {
        let error = match String::from_utf8(bytes) {
            Ok(text) => return Ok(Self { name, text }),
            Err(error) => error,
        };
        let at = error.utf8_error().valid_up_to();
        let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
        let (line, column) = Lines::new(&text).position(at);
        let found = Diagnostic {
            severity: Severity::Error,
            code: "no-text",
            message: "the policy is no UTF-8 text".to_owned(),
            file: name.clone(),
            line,
            column,
            span: at..at + char::REPLACEMENT_CHARACTER.len_utf8(),
            label: "no character begins so".to_owned(),
            related: Vec::new(),
            hint: "save it as UTF-8".to_owned(),
        };
        Err(Diagnostics { list: vec![found], texts: vec![(name, text)] })
    }
}

/// Everything that a policy is made of.
#[derive(Clone, Debug)]
pub struct Inputs {
    /// The user and the workspace.
    pub context: Context,
    /// The administrator's file.
    pub managed: Option<Source>,
    /// The user's file.
    pub user: Option<Source>,
    /// The project's file.
    pub project: Option<Source>,
    /// The command line.
    pub flags: Vec<Flag>,
}

/// A policy, and what should be said about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// The policy.
    pub policy: Policy,
    /// Warnings; among them what an untrusted project asked for in vain.
    pub warnings: Diagnostics,
    /// Whether there is a project file whose content is trusted.
    pub project_trusted: bool,
}

/// Takes every row of a program as it is.
const UNREAD: CheckProgram<'static> = &|_| Ok(());

/// The largest file that is read, in bytes.
const MOST_BYTES: usize = 1 << 20;

/// Reads all layers and resolves them.
///
/// # Errors
/// Every mistake of every file, each with its place and a hint.
pub fn load(inputs: &Inputs, trust: &TrustStore) -> Result<Loaded, Diagnostics> {
    load_with(inputs, trust, UNREAD)
}

/// As [`load`], with a reader for the rows of programs, which are only carried otherwise.
///
/// # Errors
/// As [`load`], and for each row that the reader refuses.
pub fn load_with(
    inputs: &Inputs,
    trust: &TrustStore,
    programs: CheckProgram<'_>,
) -> Result<Loaded, Diagnostics> {
    let context = &inputs.context;
    let mut found = Diagnostics { list: Vec::new(), texts: Vec::new() };
    check_workspace(context, &mut found);
    let mut read = |source: &Option<Source>, layer| {
        source.as_ref().map(|source| read_source(source, layer, context, programs, &mut found))
    };
    let managed = read(&inputs.managed, Layer::Managed);
    let user = read(&inputs.user, Layer::User);
    let project = read(&inputs.project, Layer::Project);
    let flags = flags::read(&inputs.flags, context, &mut found);
    let project_trusted = inputs.project.as_ref().is_some_and(|source| trust.is_trusted(&source.text));
    let layers = Layers { managed, user, project, project_trusted, flags };
    let (policy, ignored) = Merge::run(&layers, context);
    for ignored in &ignored {
        found.list.push(untrusted(ignored, &found.texts));
    }
    found.sort();
    match found.list.iter().any(|found| found.severity == Severity::Error) {
        true => Err(found),
        false => Ok(Loaded { policy, warnings: found, project_trusted }),
    }
}

/// Checks one file by itself, as `garth policy validate` does.
#[must_use]
pub fn check(source: &Source, layer: Layer, context: &Context) -> Diagnostics {
    check_with(source, layer, context, UNREAD)
}

/// As [`check`], with a reader for the rows of programs.
#[must_use]
pub fn check_with(
    source: &Source,
    layer: Layer,
    context: &Context,
    programs: CheckProgram<'_>,
) -> Diagnostics {
    let mut found = Diagnostics { list: Vec::new(), texts: Vec::new() };
    let _ = read_source(source, layer, context, programs, &mut found);
    found.sort();
    found
}

/// A workspace that is the home or holds it would put everything inside.
fn check_workspace(context: &Context, found: &mut Diagnostics) {
    if context.home.starts_with(&context.workspace) || context.workspace.depth() == 0 {
        let message = format!("the workspace `{}` holds your whole home", context.workspace);
        let hint = "change to the directory of a project, or name one with --workspace";
        found.list.push(Diagnostic::placeless("dangerous-root", message, hint));
    }
}

fn read_source(
    source: &Source,
    layer: Layer,
    context: &Context,
    check: CheckProgram<'_>,
    found: &mut Diagnostics,
) -> Written {
    found.texts.push((source.name.clone(), source.text.clone()));
    let (name, text) = (source.name.as_str(), source.text.as_str());
    let mut reader = Reader::new((name, text), layer, context, check);
    let written = reader.read();
    found.list.append(&mut reader.found);
    written
}

impl Reader<'_> {
    fn read(&mut self) -> Written {
        if self.text.len() > MOST_BYTES {
            let hint = "a policy has at most 1 MiB";
            self.report("too-large", 0..0, "the policy is too large", "", hint);
            return Written::nothing();
        }
        let (document, errors) = DeTable::parse_recoverable(self.text);
        if errors.is_empty() {
            return self.document(document.get_ref());
        }
        for error in errors {
            let span = error.span().unwrap_or(0..0);
            let message = error.message().lines().next().unwrap_or("it is no TOML").to_owned();
            let hint = syntax_hint(&message);
            self.report("syntax", span, message, "", hint);
        }
        Written::nothing()
    }

    /// The bytes of the key at the place of an origin.
    fn span_of(&self, origin: &Origin) -> Range<usize> {
        span_at(self.text, origin)
    }
}

/// What helps against a mistake of the grammar, by the words that the parser has for it. Words that are not known get what is
/// always true.
fn syntax_hint(message: &str) -> &'static str {
    let hints = [
        (
            "duplicate key",
            "a key or section stands once in a file: keep one of the two, or put their lines together",
        ),
        ("carriage return", "save it with line ends of one kind, LF or CRLF"),
        ("recurse", "no key of a policy nests so deep"),
        (
            "invalid basic string",
            "close the string with `\"` on the same line, and write `\\` for a backslash",
        ),
        ("invalid literal string", "close the string with `'` on the same line"),
    ];
    let known = hints.iter().find(|(words, _)| message.contains(words)).map(|(_, hint)| *hint);
    known.unwrap_or("the file is TOML: `key = value` lines below `[section]` lines")
}

/// The bytes of the word at the place of an origin.
fn span_at(text: &str, origin: &Origin) -> Range<usize> {
    let line = usize::try_from(origin.line.saturating_sub(1)).unwrap_or(0);
    let column = usize::try_from(origin.column.saturating_sub(1)).unwrap_or(0);
    let start_of_line: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    let rest = text.get(start_of_line..).unwrap_or("");
    let skipped: usize = rest.chars().take(column).map(char::len_utf8).sum();
    let start = start_of_line + skipped;
    let word = text.get(start..).unwrap_or("");
    let length = match word.chars().next() {
        Some(quote @ ('"' | '\'')) => word[1..].find([quote, '\n']).map_or(word.len(), |at| at + 2),
        _ => word
            .find(|letter: char| letter.is_whitespace() || matches!(letter, '=' | ',' | ']' | '}'))
            .unwrap_or(word.len()),
    };
    start..(start + length).min(text.len())
}

fn untrusted(ignored: &Ignored, texts: &[(String, String)]) -> Diagnostic {
    let text =
        texts.iter().find(|(name, _)| *name == ignored.origin.source).map_or("", |(_, text)| text.as_str());
    Diagnostic {
        severity: Severity::Warning,
        code: "untrusted",
        message: format!("ignored: {}", ignored.what),
        file: ignored.origin.source.to_string(),
        line: ignored.origin.line,
        column: ignored.origin.column,
        span: span_at(text, &ignored.origin),
        label: "an untrusted project's policy only narrows".to_owned(),
        related: Vec::new(),
        hint: "read the file, then `garth policy trust`".to_owned(),
    }
}
