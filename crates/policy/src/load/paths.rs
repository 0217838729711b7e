//! Reading the section `[files]`: patterns, tokens, and the places where a grant would be a mistake.

use super::reader::{Reader, Value, choices, in_order, quoted};
use super::suggest::nearest;
use super::written::Written;
use crate::context::{Context, Os};
use crate::files::{Access, FileRule, Pattern, RuleKind};
use crate::glob::{Glob, is_pattern};
use crate::origin::Layer;
use crate::path::{AbsPath, Flavor, unescape};
use crate::places::{Place, expand, places};
use std::borrow::Cow;
use std::ops::Range;

const TOKENS: [&str; 6] = [":workspace", ":tmp", ":home", ":system", ":toolchains", ":caches"];

const ACCESSES: [(&str, Access); 4] =
    [("deny", Access::Deny), ("read", Access::Read), ("overlay", Access::Overlay), ("write", Access::Write)];

/// A pattern that cannot be read: what is wrong and what to write.
struct BadPattern {
    label: String,
    hint: String,
}

fn bad(label: impl Into<String>, hint: impl Into<String>) -> BadPattern {
    BadPattern { label: label.into(), hint: hint.into() }
}

/// So many paths one file may speak of: with each, every path inside takes longer to look up, and garth to start. A
/// repository could bring more than anybody wants to wait for.
const MOST_ENTRIES: usize = 4096;

/// What an entry grants.
struct Entry {
    access: Access,
    execute: bool,
    reason: String,
}

impl Reader<'_> {
    pub(super) fn files(&mut self, value: Value<'_, '_>, out: &mut Written) {
        let hint = "write `[files]` on a line of its own, then lines such as \"vendor\" = \"read\"";
        let Some(table) = self.table(value, "files", hint) else { return };
        if table.len() > MOST_ENTRIES {
            let message = format!("the policy speaks of {} paths", table.len());
            let hint = "name directories instead of what is in them, or use patterns";
            self.report("too-large", value.span(), message, format!("at most {MOST_ENTRIES} are read"), hint);
            return;
        }
        let mut seen: Vec<(Pattern, Access, Range<usize>)> = Vec::new();
        for (key, value) in in_order(table) {
            let patterns = match read_patterns(key.get_ref(), self.context) {
                Ok(patterns) => patterns,
                Err(error) => {
                    let message = format!("{} names no path", quoted(key.get_ref()));
                    self.report("bad-path", key.span(), message, error.label, error.hint);
                    Vec::new()
                }
            };
            let Some(entry) = self.entry(value) else { continue };
            for pattern in patterns {
                if let Some((_, before, span)) = seen.iter().find(|(known, _, _)| *known == pattern) {
                    let message = format!("two lines speak of `{pattern}`");
                    let label = if *before == entry.access { "again" } else { "and here otherwise" };
                    let span = span.clone();
                    self.report("contradiction", key.span(), message, label, "keep one of the two lines");
                    self.relate(span, "first here");
                    break;
                }
                if !self.is_sound(&pattern, &entry, key.span()) {
                    break;
                }
                seen.push((pattern.clone(), entry.access, key.span()));
                out.files.push(FileRule {
                    pattern,
                    access: entry.access,
                    execute: entry.execute,
                    kind: RuleKind::User,
                    reason: Cow::Owned(entry.reason.clone()),
                    origin: self.origin(&key.span()),
                });
            }
        }
    }

    /// The rules for one path or pattern that stands in no file.
    pub(super) fn rules_for(&mut self, text: &str, access: Access) -> Vec<FileRule> {
        let entry = Entry { access, execute: true, reason: String::new() };
        let patterns = match read_patterns(text, self.context) {
            Ok(patterns) => patterns,
            Err(error) => {
                self.report(
                    "bad-path",
                    0..0,
                    format!("{} names no path", quoted(text)),
                    error.label,
                    error.hint,
                );
                return Vec::new();
            }
        };
        let mut rules = Vec::new();
        for pattern in patterns {
            if self.is_sound(&pattern, &entry, 0..0) {
                let (kind, origin) = (RuleKind::User, self.origin(&(0..0)));
                rules.push(FileRule {
                    pattern,
                    access,
                    execute: true,
                    kind,
                    reason: Cow::Borrowed(""),
                    origin,
                });
            }
        }
        rules
    }

    fn entry(&mut self, value: Value<'_, '_>) -> Option<Entry> {
        let plain = |access| Entry { access, execute: true, reason: String::new() };
        let words = ACCESSES.map(|(word, _)| word);
        if value.get_ref().is_str() {
            return self.choice(value, "access", &ACCESSES).map(plain);
        }
        let hint = format!("write {}, or {{ access = \"read\", execute = false }}", choices(&words));
        if !value.get_ref().is_table() {
            self.wrong_type(value, "the access to a path", "a word or a table", &hint);
            return None;
        }
        let table = value.get_ref().as_table()?;
        let (mut access, mut named) = (None, false);
        let mut entry = plain(Access::Deny);
        for (key, value) in self.known(table, "the entry of a path", &["access", "execute", "reason"]) {
            match key.get_ref().as_ref() {
                "access" => {
                    named = true;
                    access = self.choice(value, "access", &ACCESSES);
                }
                "execute" => entry.execute = self.boolean(value, "execute")?,
                _ => entry.reason = self.string(value, "reason", "write a sentence")?.to_owned(),
            }
        }
        if !named {
            self.report(
                "missing-key",
                value.span(),
                "the entry has no access",
                "",
                "add `access = \"read\"`",
            );
        }
        Some(Entry { access: access?, ..entry })
    }

    /// Reports a grant that is surely a mistake.
    fn is_sound(&mut self, pattern: &Pattern, entry: &Entry, span: Range<usize>) -> bool {
        let (path, is_glob) = match pattern {
            Pattern::Path(path) => (path, false),
            Pattern::Glob(glob) => (glob.base(), true),
        };
        if self.layer == Layer::Project && !path.starts_with(&self.context.workspace) {
            let message = format!("a project's policy cannot speak of `{pattern}`");
            let hint = "put the line in your own policy; a project names paths inside its workspace only";
            self.report("path-outside", span, message, "it is outside the workspace", hint);
            return false;
        }
        if let Some(why) = danger(path, self.context).filter(|_| entry.access >= Access::Overlay) {
            let message = format!("writing to `{pattern}` would undo the sandbox");
            self.report("dangerous-root", span, message, why, "name the directories that are needed instead");
            return false;
        }
        if entry.access == Access::Read && !is_glob && is_above_home(path, self.context) {
            let message = format!("reading `{pattern}` opens far more than a project needs");
            let hint = "name the directories that are needed instead; secrets stay denied";
            self.report("dangerous-root", span, message, "", hint);
            self.soften();
        }
        true
    }

    /// An absolute path, or one below the home; no pattern.
    pub(super) fn plain_path(&self, text: &str) -> Option<AbsPath> {
        if is_relative(text, self.context.os.flavor()) && !text.starts_with('~') {
            return None;
        }
        match read_patterns(text, self.context).ok()?.as_slice() {
            [Pattern::Path(path)] => Some(path.clone()),
            _ => None,
        }
    }
}

fn is_relative(text: &str, flavor: Flavor) -> bool {
    match flavor {
        Flavor::Posix => !text.starts_with('/'),
        Flavor::Windows => {
            let bytes = text.as_bytes();
            let is_drive = bytes.len() > 1 && bytes[0].is_ascii_alphabetic() && bytes[1] == b':';
            !is_drive && !text.starts_with(['\\', '/'])
        }
    }
}

/// The patterns that a key stands for; several for a token of several directories.
fn read_patterns(text: &str, context: &Context) -> Result<Vec<Pattern>, BadPattern> {
    if text.is_empty() {
        return Err(bad("it is empty", "write \".\" or \":workspace\" for the workspace"));
    }
    if text.starts_with(':') {
        return token(text, context);
    }
    if let Some(rest) = text.strip_prefix('~') {
        return match rest.strip_prefix(['/', '\\']) {
            Some(below) => pattern_below(&context.home, below).map(|pattern| vec![pattern]),
            None if rest.is_empty() => Ok(vec![Pattern::Path(context.home.clone())]),
            None => Err(bad("only your own home has a short form", "write the whole path")),
        };
    }
    if is_relative(text, context.os.flavor()) {
        return pattern_below(&context.workspace, text).map(|pattern| vec![pattern]);
    }
    absolute(text, context.os.flavor()).map(|pattern| vec![pattern])
}

fn absolute(text: &str, flavor: Flavor) -> Result<Pattern, BadPattern> {
    let hint = "write an absolute path, one that starts with `~/`, or one relative to the workspace";
    let root = match flavor {
        Flavor::Posix => AbsPath::posix("/"),
        Flavor::Windows if text.starts_with(['\\', '/']) => {
            let literal = text.split(['*', '?', '[', '{']).next().unwrap_or(text);
            return match is_pattern(text) {
                false => {
                    AbsPath::windows(text).map(Pattern::Path).map_err(|error| bad(error.to_string(), hint))
                }
                true => Err(bad(format!("a pattern cannot start with `{literal}`"), "start it with a drive")),
            };
        }
        Flavor::Windows => AbsPath::windows(&format!("{}\\", text.get(..2).unwrap_or(text))),
    };
    let root = root.map_err(|error| bad(error.to_string(), hint))?;
    let below = match flavor {
        Flavor::Posix => text,
        Flavor::Windows => text.get(2..).unwrap_or(""),
    };
    if flavor == Flavor::Windows && !below.starts_with(['\\', '/']) {
        return Err(bad("`X:name` depends on the current directory of the drive", hint));
    }
    pattern_below(&root, below)
}

fn pattern_below(base: &AbsPath, text: &str) -> Result<Pattern, BadPattern> {
    if is_pattern(text) {
        let (base, text) = step_up(base, text)?;
        return Glob::new(&base, text)
            .map(Pattern::Glob)
            .map_err(|error| bad(error.to_string(), "`[*]` and `[[]` stand for a literal `*` and `[`"));
    }
    let hint = "write the path plainly; `\\xNN` stands for a byte that is no UTF-8";
    let relative = match base.flavor() {
        Flavor::Posix => unescape(text).map_err(|error| bad(error.to_string(), hint))?,
        Flavor::Windows => text.as_bytes().to_vec(),
    };
    base.resolve(&relative).map(Pattern::Path).map_err(|error| bad(error.to_string(), hint))
}

/// Takes leading `../` off a pattern.
fn step_up<'t>(base: &AbsPath, mut text: &'t str) -> Result<(AbsPath, &'t str), BadPattern> {
    let mut base = base.clone();
    while let Some(rest) = text.strip_prefix("../") {
        base = base.parent().ok_or_else(|| bad("`..` leads above the root", "leave it out"))?;
        text = rest;
    }
    Ok((base, text))
}

fn token(text: &str, context: &Context) -> Result<Vec<Pattern>, BadPattern> {
    let (name, below) = match text.split_once(['/', '\\']) {
        Some((name, below)) => (name, Some(below)),
        None => (text, None),
    };
    let tables = places(context.os);
    let single = |base: &AbsPath| match below {
        None => Ok(vec![Pattern::Path(base.clone())]),
        Some(below) => pattern_below(base, below).map(|pattern| vec![pattern]),
    };
    let group = |rows: &'static [Place]| match below {
        None => Ok(rows.iter().filter_map(|row| expand(row.path, context)).map(Pattern::Path).collect()),
        Some(_) => Err(bad(format!("`{name}` stands for several directories"), "write the path itself")),
    };
    match name {
        ":workspace" => single(&context.workspace),
        ":tmp" => single(&context.tmp),
        ":home" => single(&context.home),
        ":system" => group(tables.system),
        ":toolchains" => group(tables.toolchains),
        ":caches" => group(tables.caches),
        other => Err(match nearest(other, &TOKENS) {
            Some(meant) => bad("there is no such token", format!("did you mean `{meant}`?")),
            None => bad("there is no such token", format!("known: {}", choices(&TOKENS))),
        }),
    }
}

/// True for a directory that holds the home, such as `/` or `/home`, and for the home itself.
fn is_above_home(path: &AbsPath, context: &Context) -> bool {
    context.home.starts_with(path) || path.depth() == 0
}

/// Why writing below `path` would be dangerous.
fn danger(path: &AbsPath, context: &Context) -> Option<&'static str> {
    if path.depth() == 0 {
        return Some("it is the root of everything");
    }
    if *path == context.home {
        return Some("it is your whole home");
    }
    if context.home.starts_with(path) {
        return Some("your home is in it");
    }
    if *path != context.workspace && context.workspace.starts_with(path) {
        return Some("the workspace is in it, with all its neighbours");
    }
    let system: &[&str] = match context.os {
        Os::Linux => &[
            "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc", "/boot", "/sys", "/proc",
            "/root", "/nix", "/snap",
        ],
        Os::MacOs => &[
            "/System",
            "/usr",
            "/bin",
            "/sbin",
            "/etc",
            "/private/etc",
            "/Library/LaunchDaemons",
            "/Library/LaunchAgents",
            "/Library/Keychains",
            "/Users",
        ],
        Os::Windows => &["/Windows", "/Program Files", "/Program Files (x86)", "/ProgramData", "/Users"],
    };
    let exact: &[&str] = &["/home", "/var", "/opt", "/dev", "/run", "/srv", "/mnt", "/media", "/Library"];
    let within = |row: &&str| expand(row, context).is_some_and(|root| path.starts_with(&root));
    let is = |row: &&str| expand(row, context).is_some_and(|root| *path == root);
    let is_own = path.starts_with(&context.home) || path.starts_with(&context.workspace);
    (!is_own && (system.iter().any(within) || exact.iter().any(is)))
        .then_some("programs of the system are in it")
}
