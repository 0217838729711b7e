//! What a configuration, a repository or a rebase in progress would run on the host.

use super::config::{Config, Entry};
use super::keys::{Class, Problem, row};
use super::shown::shown;
use super::urls::address;
use super::vet::Refusal;

/// An entry that makes git on the host run something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostRun {
    /// The dotted key as git compares it.
    pub key: Vec<u8>,
    /// The value, decoded; `true` for a key without one.
    pub value: Vec<u8>,
    /// The line, from 1.
    pub line: u32,
    /// What the key does, as a clause.
    pub reason: String,
}

/// The hooks that git runs by name, and when. Source: githooks(5) of git 2.47.
const HOOKS: &[(&str, &str)] = &[
    ("applypatch-msg", "on `git am`"),
    ("commit-msg", "on each commit"),
    ("fsmonitor-watchman", "where `core.fsmonitor` names it"),
    ("p4-changelist", "on `git p4 submit`"),
    ("p4-post-changelist", "on `git p4 submit`"),
    ("p4-pre-submit", "on `git p4 submit`"),
    ("p4-prepare-changelist", "on `git p4 submit`"),
    ("post-applypatch", "on `git am`"),
    ("post-checkout", "on each checkout"),
    ("post-commit", "on each commit"),
    ("post-index-change", "whenever the index is written, as by `git status`"),
    ("post-merge", "on each merge or pull"),
    ("post-receive", "on each push into it"),
    ("post-rewrite", "on each rebase or amended commit"),
    ("post-update", "on each push into it"),
    ("pre-applypatch", "on `git am`"),
    ("pre-auto-gc", "on each garbage collection"),
    ("pre-commit", "on each commit"),
    ("pre-merge-commit", "on each merge"),
    ("pre-push", "on each push"),
    ("pre-rebase", "on each rebase"),
    ("pre-receive", "on each push into it"),
    ("prepare-commit-msg", "on each commit"),
    ("proc-receive", "on each push into it"),
    ("push-to-checkout", "on each push into it"),
    ("reference-transaction", "whenever a ref changes"),
    ("sendemail-validate", "on `git send-email`"),
    ("update", "on each push into it"),
];

fn parse(text: &[u8]) -> Result<Config, Refusal> {
    Config::parse(text).map_err(|error| Refusal {
        line: error.line,
        key: String::new(),
        reason: format!("the file has {}, which garth does not take for a git configuration", error.reason),
        hint: "correct the line outside the sandbox".to_owned(),
    })
}

/// The effective value of a key in one text: the last one; `true` for a key without a value.
///
/// `key` is dotted, as in `core.hooksPath` or `remote.origin.url`. Included files are not followed; an
/// include is among what [`runs_on_host`] gives.
///
/// # Errors
/// The line that is not understood. The caller must not take that for an absent key.
pub fn effective(config: &[u8], key: &str) -> Result<Option<Vec<u8>>, Refusal> {
    let config = parse(config)?;
    let Some((section, rest)) = key.split_once('.') else { return Ok(None) };
    let (subsection, name) = match rest.rsplit_once('.') {
        Some((subsection, name)) => (Some(subsection.as_bytes()), name),
        None => (None, rest),
    };
    let wanted = |entry: &&Entry| {
        section.as_bytes().eq_ignore_ascii_case(&entry.section)
            && subsection == entry.subsection.as_deref()
            && name.as_bytes().eq_ignore_ascii_case(&entry.key)
    };
    Ok(config.entries.iter().rfind(wanted).map(|entry| entry.text().to_vec()))
}

/// Every entry that makes git on the host run something, in the order of the file: by its key, or by a value
/// that starts a program (`submodule.*.update = !...`, an address `helper::...`).
///
/// # Errors
/// The line that is not understood. The caller must not take that for a harmless file.
pub fn runs_on_host(config: &[u8]) -> Result<Vec<HostRun>, Refusal> {
    let config = parse(config)?;
    let runs = config.entries.iter().filter_map(|entry| {
        let problem = runs(entry)?;
        let (key, value, line) = (entry.name(), entry.text().to_vec(), entry.line);
        Some(HostRun { key, value, line, reason: problem.clause() })
    });
    Ok(runs.collect())
}

/// Why an entry runs something, whatever the place of its file.
fn runs(entry: &Entry) -> Option<Problem> {
    if let Some(problem) = row(entry)?.problem() {
        return (problem.class == Class::Runs).then_some(problem);
    }
    let names_address = entry.subsection.is_some()
        && match entry.section.as_slice() {
            b"remote" => matches!(entry.key.as_slice(), b"url" | b"pushurl"),
            b"submodule" => entry.key == b"url",
            b"branch" => matches!(entry.key.as_slice(), b"remote" | b"pushremote"),
            _ => false,
        };
    let problem = if names_address {
        address(entry.text()).err()?
    } else if entry.section == b"submodule" && entry.key == b"update" && entry.text().starts_with(b"!") {
        Problem {
            class: Class::Runs,
            reason: "is run by the shell on `git submodule update`",
            whole_key: true,
        }
    } else if entry.section == b"core" && entry.key == b"worktree" {
        let reason = "names the directory into which git checks out files";
        Problem { class: Class::Runs, reason, whole_key: true }
    } else {
        return None;
    };
    (problem.class == Class::Runs).then_some(problem)
}

/// One sentence for each thing in a repository that the host would run: configuration and hooks.
///
/// `hook_names` are the names in its hooks directory; samples and names that git does not know are left out.
#[must_use]
pub fn describe_repository(config: &[u8], hook_names: &[&[u8]]) -> Vec<String> {
    let mut sentences = Vec::new();
    match runs_on_host(config) {
        Ok(runs) => sentences.extend(runs.iter().map(|run| {
            let (key, value) = (shown(&run.key), shown(&run.value));
            format!("`{key}` is `{value}` (line {}): {}.", run.line, run.reason)
        })),
        Err(refusal) => sentences.push(format!(
            "Its configuration is not understood (line {}: {}), so it may run anything.",
            refusal.line, refusal.reason
        )),
    }
    for (name, when) in HOOKS.iter().filter(|(name, _)| hook_names.iter().any(|hook| is_hook(hook, name))) {
        sentences.push(format!("Its hook `{name}` runs {when}."));
    }
    sentences
}

/// Windows runs `name.exe` for the hook `name`, and file systems may not tell case apart.
fn is_hook(file: &[u8], name: &str) -> bool {
    let stem = match file.len().checked_sub(4).and_then(|at| file.split_at_checked(at)) {
        Some((stem, end)) if end.eq_ignore_ascii_case(b".exe") => stem,
        _ => file,
    };
    stem.eq_ignore_ascii_case(name.as_bytes())
}

/// The commands that a rebase in progress runs when it goes on: line from 1, and command, for each `exec`
/// in the text of `git-rebase-todo`. Source: git-rebase(1), "INTERACTIVE MODE".
#[must_use]
pub fn rebase_todo_runs(text: &[u8]) -> Vec<(u32, Vec<u8>)> {
    let mut runs = Vec::new();
    for (number, row) in (1_u32..).zip(text.split(|&byte| byte == b'\n')) {
        let row = row.trim_ascii();
        let rest = row.strip_prefix(b"exec").or_else(|| row.strip_prefix(b"x"));
        if let Some(command) = rest.filter(|rest| rest.first().is_some_and(u8::is_ascii_whitespace)) {
            runs.push((number, command.trim_ascii().to_vec()));
        }
    }
    runs
}
