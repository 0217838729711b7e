//! The decision on a change of a git configuration.

use std::collections::{HashMap, HashSet};

use super::Where;
use super::config::{Config, Entry};
use super::keys::{Candidate, Problem, Remotes, Row, UNKNOWN, judge, row};
use super::paths::resolve;
use super::shown::shown;

/// A key whose values changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The effective entry before: the last one of the key.
    pub before: Entry,
    /// The effective entry after.
    pub after: Entry,
}

/// What a change that may be put in place does, for the audit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigChange {
    /// Entries of the new text that the old one has not, unless their key stands in `changed`.
    pub added: Vec<Entry>,
    /// Entries of the old text that are gone, unless their key stands in `changed`.
    pub removed: Vec<Entry>,
    /// Keys whose effective value is another one now.
    pub changed: Vec<Change>,
    /// The directory that `core.worktree` now names, absolute and lexically resolved. The caller opens it
    /// without following symbolic links and refuses when that fails, when the policy does not let the inside
    /// write there, or when its `.git` does not lead back to this git directory.
    pub worktree: Option<Vec<u8>>,
    /// Sentences for the user at the end: harmless changes that one would want to know of.
    pub notices: Vec<String>,
}

/// Why a text may not be put in place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The line in the new text, from 1; in the present text for an entry that is missing from the new one.
    pub line: u32,
    /// The dotted key, fit to be shown; empty when the text is not understood.
    pub key: String,
    /// Why, as one line for a person.
    pub reason: String,
    /// What to do about it, as one line.
    pub hint: String,
}

impl core::fmt::Display for Refusal {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "git configuration, line {}", self.line)?;
        if !self.key.is_empty() {
            write!(f, ": `{}`", self.key)?;
        }
        write!(f, ": {}\nhint: {}", self.reason, self.hint)
    }
}

/// Decides whether `new` may take the place of `old`.
///
/// Every key whose list of values differs, by value, number or order, has to be harmless with each value that
/// it has now. Entries that are not harmless keep their values and their order among each other, so that
/// what the user has set stays as it is. `old` is `None` where no file exists yet.
///
/// # Errors
/// The first entry that may not change, or the first line that is not understood.
pub fn vet_config(old: Option<&[u8]>, new: &[u8], place: Where<'_>) -> Result<ConfigChange, Refusal> {
    let old = parse(old.unwrap_or_default(), "the present file")?;
    let new = parse(new, "the new text")?;
    let (before, after) = (by_key(&old), by_key(&new));
    let remotes = Remotes::of(&new);
    let mut change = ConfigChange {
        added: Vec::new(),
        removed: Vec::new(),
        changed: Vec::new(),
        worktree: None,
        notices: Vec::new(),
    };
    for key in keys(&new, &old) {
        let before = before.get(&key).map(Vec::as_slice).unwrap_or_default();
        let after = after.get(&key).map(Vec::as_slice).unwrap_or_default();
        if before.len() == after.len() && before.iter().zip(after).all(|(old, new)| old.same(new)) {
            continue;
        }
        key_may_change(before, after, &remotes, &place)?;
        record(&mut change, before, after);
    }
    order_stays(&old, &new)?;
    if !place.fresh {
        remotes_stay(&old, &new, &remotes)?;
    }
    change.worktree = worktree(&change).map(|entry| resolve(place.git_dir, entry.text()));
    change.notices = notices(&change, &new, &remotes);
    Ok(change)
}

fn parse(text: &[u8], which: &str) -> Result<Config, Refusal> {
    Config::parse(text).map_err(|error| Refusal {
        line: error.line,
        key: String::new(),
        reason: format!("{which} has {}, which garth does not take for a git configuration", error.reason),
        hint: "look at it with `git config --list --show-origin`, and correct the line outside the sandbox"
            .to_owned(),
    })
}

/// Section, subsection and key.
type Key<'a> = (&'a [u8], Option<&'a [u8]>, &'a [u8]);

fn key(entry: &Entry) -> Key<'_> {
    (&entry.section, entry.subsection.as_deref(), &entry.key)
}

/// Each key once, those of `new` first, in the order of the files.
fn keys<'a>(new: &'a Config, old: &'a Config) -> Vec<Key<'a>> {
    let mut seen = HashSet::new();
    new.entries.iter().chain(&old.entries).map(key).filter(|key| seen.insert(*key)).collect()
}

/// The entries of each key, in order.
fn by_key(config: &Config) -> HashMap<Key<'_>, Vec<&Entry>> {
    let mut map: HashMap<Key<'_>, Vec<&Entry>> = HashMap::new();
    for entry in &config.entries {
        map.entry(key(entry)).or_default().push(entry);
    }
    map
}

fn key_may_change(
    before: &[&Entry],
    after: &[&Entry],
    remotes: &Remotes<'_>,
    place: &Where<'_>,
) -> Result<(), Refusal> {
    for entry in after {
        judge(&Candidate { entry, remotes, place }).map_err(|problem| refused_value(entry, problem))?;
    }
    match before.last().filter(|_| after.is_empty()) {
        Some(gone) => row(gone).map_or(Some(UNKNOWN), Row::problem).map_or(Ok(()), |problem| {
            Err(Refusal {
                line: gone.line,
                key: gone.shown_name(),
                reason: format!("{}, so it may not be removed from inside", problem.clause()),
                hint: format!(
                    "remove it outside the sandbox: `git config --local --unset-all {}`",
                    gone.shown_name()
                ),
            })
        }),
        None => Ok(()),
    }
}

fn refused_value(entry: &Entry, problem: Problem) -> Refusal {
    let hint = if problem.whole_key {
        format!(
            "for one command inside use `git -c {}=...`; to keep it, the user edits the file outside the sandbox \
             with `git config --local --edit`",
            entry.shown_name()
        )
    } else {
        "the user can set it outside the sandbox with `git config --local --edit`".to_owned()
    };
    Refusal { line: entry.line, key: entry.shown_name(), reason: problem.clause(), hint }
}

fn record(change: &mut ConfigChange, before: &[&Entry], after: &[&Entry]) {
    match (before, after) {
        ([old], [new]) => change.changed.push(Change { before: (*old).clone(), after: (*new).clone() }),
        _ => {
            let (added, removed) = (missing(after, before), missing(before, after));
            if let (true, true, Some(old), Some(new)) =
                (added.is_empty(), removed.is_empty(), before.last(), after.last())
            {
                change.changed.push(Change { before: (*old).clone(), after: (*new).clone() });
            }
            change.added.extend(added);
            change.removed.extend(removed);
        }
    }
}

/// The entries of `all` that `others` has not, counted.
fn missing(all: &[&Entry], others: &[&Entry]) -> Vec<Entry> {
    let mut counts: HashMap<Option<&[u8]>, usize> = HashMap::new();
    for entry in others {
        *counts.entry(entry.value.as_deref()).or_default() += 1;
    }
    let mut out = Vec::new();
    for entry in all {
        match counts.get_mut(&entry.value.as_deref()) {
            Some(count) if *count > 0 => *count -= 1,
            _ => out.push((*entry).clone()),
        }
    }
    out
}

/// What is not harmless keeps its order: a later entry overrides an earlier one, also through an include.
fn order_stays(old: &Config, new: &Config) -> Result<(), Refusal> {
    let fixed = |entry: &&Entry| row(entry).is_none_or(|row| row.problem().is_some());
    let before = old.entries.iter().filter(fixed);
    let mut after = new.entries.iter().filter(fixed);
    for entry in before {
        let Some(moved) = after.next().filter(|other| !other.same(entry)) else { continue };
        return Err(Refusal {
            line: moved.line,
            key: moved.shown_name(),
            reason: format!(
                "it now stands before `{}`, and the order decides which one counts",
                entry.shown_name()
            ),
            hint: "keep the entries in the order they had".to_owned(),
        });
    }
    Ok(())
}

/// A remote that a branch follows keeps an address: without one, git takes its name for a directory.
fn remotes_stay(old: &Config, new: &Config, remotes: &Remotes<'_>) -> Result<(), Refusal> {
    let known = Remotes::of(old);
    for entry in new.entries.iter().filter(|entry| follows(entry)) {
        let name = entry.text();
        if known.has(name) && !remotes.has(name) && !renamed(old, new, name) {
            return Err(Refusal {
                line: entry.line,
                key: entry.shown_name(),
                reason: format!(
                    "the remote `{}` is gone, so that git would take its name for a directory and run the hooks in it",
                    shown(name)
                ),
                hint: format!("remove the remote with `git remote remove {}`", shown(name)),
            });
        }
    }
    Ok(())
}

/// Whether the entry names the remote that git uses unasked.
fn follows(entry: &Entry) -> bool {
    match (entry.section.as_slice(), &entry.subsection) {
        (b"branch", Some(_)) => matches!(entry.key.as_slice(), b"remote" | b"pushremote"),
        (b"remote", None) => entry.key == b"pushdefault",
        _ => false,
    }
}

/// Whether each address of the remote belongs to a remote of another name now. `git remote rename` renames
/// the remote first and the branches' keys after it.
fn renamed(old: &Config, new: &Config, name: &[u8]) -> bool {
    let address = |entry: &&Entry| entry.section == b"remote" && entry.key == b"url";
    let mut gone = old.entries.iter().filter(address).filter(|e| e.subsection.as_deref() == Some(name));
    gone.all(|old_entry| new.entries.iter().filter(address).any(|entry| entry.value == old_entry.value))
}

/// The entry that sets the directory of a work tree, where the change has one.
fn worktree(change: &ConfigChange) -> Option<&Entry> {
    let mut set = change.changed.iter().map(|change| &change.after).chain(&change.added);
    set.rfind(|entry| entry.section == b"core" && entry.subsection.is_none() && entry.key == b"worktree")
}

fn notices(change: &ConfigChange, new: &Config, remotes: &Remotes<'_>) -> Vec<String> {
    let address = |entry: &Entry| {
        entry.section == b"remote"
            && entry.subsection.is_some()
            && matches!(entry.key.as_slice(), b"url" | b"pushurl")
    };
    let mut notices = Vec::new();
    for Change { before, after } in change.changed.iter().filter(|change| address(&change.after)) {
        let (name, to, from) = (after.shown_name(), after.shown_value(), before.shown_value());
        notices.push(format!("`{name}` is now `{to}` (it was `{from}`): fetches and pushes go there"));
    }
    for entry in change.added.iter().filter(|entry| address(entry)) {
        notices.push(format!("`{}` is new: `{}`", entry.shown_name(), entry.shown_value()));
    }
    let lost = |entry: &&Entry| {
        let name = entry.text();
        follows(entry) && name != b"." && !remotes.has(name) && !name.contains(&b':')
    };
    for entry in new.entries.iter().filter(lost) {
        notices.push(format!(
            "`{}` names the remote `{}`, which has no address; git takes it for a directory",
            entry.shown_name(),
            entry.shown_value()
        ));
    }
    notices
}
