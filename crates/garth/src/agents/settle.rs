//! When a sandbox has ended: what lasts of what its agent wrote. Everything that is read here was made inside.

use super::base::{Base, size};
use super::store::Record;
use super::{DEEPEST, LARGEST, MOST_BYTES, MOST_FILES, MOST_NAMES, choices};
use crate::Error;
use garth_host::linux::inside::view::layer::UPPER;
use garth_host::linux::undo::{Root, content};
use garth_policy::agents::{Agent, Kept};
use garth_policy::{AbsPath, escape_visible};
use garth_undo::{Kind, Mark, Seen, Tree as _};
use std::fs;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

/// Longest history that is joined with what others added to it meanwhile, in bytes.
const LONGEST_JOINED: u64 = 16 << 20;
/// Most directories that wait to be looked at.
const MOST_WAITING: usize = 10_000;
/// Most names that a note tells.
const MOST_TOLD: usize = 5;

/// What became of what an agent changed of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AgentEnd {
    /// The agent.
    pub agent: String,
    /// Files that its next sandbox has from this one.
    pub kept: u64,
    /// What should be said, each with what helps.
    pub notes: Vec<(String, Option<String>)>,
}

impl AgentEnd {
    pub(super) fn note(&mut self, what: impl Into<String>, hint: Option<&str>) {
        self.notes.push((what.into(), hint.map(str::to_owned)));
    }
}

pub(super) struct Settling<'r> {
    pub agent: &'static Agent,
    pub record: &'r Record,
    /// `agents/NAME`.
    pub store: PathBuf,
    pub own: Base,
    pub work: Base,
    bytes: u64,
    files: u64,
    names: usize,
    settings: Names,
    pub left: Names,
    pub end: AgentEnd,
}

/// Takes what lasts from what a sandbox left in `running`; `handed` are files that its runner handed back.
pub(super) fn settle(
    (agent, record): (&'static Agent, &Record),
    store: &Path,
    running: &Path,
    handed: &[(AbsPath, Vec<u8>)],
) -> Result<AgentEnd, Error> {
    let (bytes, files) = size(&store.join(super::store::OWN));
    let (more, others) = size(&store.join("work"));
    let mut settling = Settling {
        agent,
        record,
        own: Base::open(store.join(super::store::OWN))?,
        work: Base::open(super::store::work(store, &record.workspace))?,
        store: store.to_owned(),
        bytes: bytes + more,
        files: files + others,
        names: 0,
        settings: Names::default(),
        left: Names::default(),
        end: AgentEnd { agent: agent.name.to_owned(), ..AgentEnd::default() },
    };
    for (number, tree) in record.trees.iter().enumerate() {
        let upper = running.join(number.to_string()).join(UPPER);
        match Root::open_layer(&upper) {
            Ok(mut upper) => settling.tree(tree, &mut upper)?,
            Err(_) => settling.left.push(shown(tree.as_bytes())),
        }
    }
    for (number, file) in record.files.iter().enumerate() {
        let path = record.home.join(file.as_bytes()).map_err(|error| Error::Policy(error.to_string()))?;
        if let Some((_, text)) = handed.iter().find(|(name, _)| *name == path) {
            let before = fs::read(running.join(format!("file-{number}"))).ok();
            if settling.choices(file, before.as_deref(), text).is_err() {
                settling.left.push(shown(file.as_bytes()));
            }
        }
    }
    Ok(settling.told())
}

/// A name below the home, as one of garth's own directories has it.
fn absolute(below_home: &[u8]) -> Option<AbsPath> {
    AbsPath::posix([b"/", below_home].concat()).ok()
}

pub(super) fn shown(below_home: &[u8]) -> String {
    format!("~/{}", escape_visible(below_home))
}

impl Settling<'_> {
    /// Looks through what was written over one tree, no deeper and no further than is bearable.
    fn tree(&mut self, tree: &str, upper: &mut Root) -> Result<(), Error> {
        let top = AbsPath::posix("/").map_err(|error| Error::Policy(error.to_string()))?;
        let mut left = vec![(top, 0_usize)];
        while let Some((directory, depth)) = left.pop() {
            let Ok((names, is_all)) = upper.some_names(&directory, MOST_NAMES - self.names) else {
                self.left.push(shown(&[tree.as_bytes(), directory.as_bytes()].concat()));
                continue;
            };
            self.names += names.len();
            if !is_all {
                let what = format!("{} wrote so many files that not all were looked at", self.agent.name);
                self.end.note(what, None);
                left.clear();
            }
            for name in names {
                let Ok(inner) = directory.join(&name) else { continue };
                let below_home = [tree.as_bytes(), inner.as_bytes()].concat();
                let Ok(Some(seen)) = upper.look(&inner) else { continue };
                match self.name(upper, &inner, &below_home, &seen) {
                    Ok(true) if depth < DEEPEST && left.len() < MOST_WAITING => left.push((inner, depth + 1)),
                    Ok(true) => self.left.push(shown(&below_home)),
                    Ok(_) => {}
                    // One file that cannot be kept is no reason to lose the others.
                    Err(_) => self.left.push(shown(&below_home)),
                }
            }
        }
        Ok(())
    }

    /// One name of it; whether to look below.
    fn name(
        &mut self,
        upper: &mut Root,
        inner: &AbsPath,
        below_home: &[u8],
        seen: &Seen,
    ) -> Result<bool, Error> {
        let kind = self.agent.lasting(below_home);
        let Some(name) = absolute(below_home) else { return Ok(false) };
        if seen.mark != Mark::None && (kind.is_some() || self.agent.lasts_below(below_home)) {
            self.removed(&name, below_home, kind)?;
        }
        match (seen.mark, seen.entry.kind, kind) {
            (Mark::Whiteout, ..) if self.agent.is_settings(below_home) => {
                self.settings.push(shown(below_home))
            }
            (Mark::Whiteout, ..) => {}
            (_, Kind::Directory, _) => return Ok(self.agent.lasts_below(below_home)),
            (_, _, Some(Kept::Settings)) => self.settings.push(shown(below_home)),
            (_, Kind::File, Some(Kept::Sessions)) => self.session(upper, inner, &name, below_home)?,
            (_, Kind::File, Some(Kept::Login)) => self.login(upper, inner, &name, below_home)?,
            // A link, a pipe or the like: where a link leads is not for what is made inside to say.
            (_, _, Some(Kept::Sessions | Kept::Login)) => self.left.push(shown(below_home)),
            (_, _, Some(Kept::Choices) | None) => {}
        }
        Ok(false)
    }

    fn removed(&mut self, name: &AbsPath, below_home: &[u8], kind: Option<Kept>) -> Result<(), Error> {
        if kind == Some(Kept::Login) {
            return self.drop_login(name, below_home);
        }
        self.work.remove(name)
    }

    fn session(
        &mut self,
        upper: &mut Root,
        inner: &AbsPath,
        name: &AbsPath,
        below_home: &[u8],
    ) -> Result<(), Error> {
        let is_log = [b"-wal".as_slice(), b"-shm"]
            .iter()
            .any(|end| below_home.strip_suffix(*end).is_some_and(is_database));
        // The log of a database comes with it, and the memory that it shares is made anew.
        if is_log {
            return Ok(());
        }
        let Ok(file) = upper.open_file(inner) else {
            self.left.push(shown(below_home));
            return Ok(());
        };
        if is_database(below_home) {
            return self.database(upper, (inner, &file), name, below_home);
        }
        let old = self.work.length(name);
        if !self.has_room(&[length(&file)], &[old]) {
            self.left.push(shown(below_home));
            return Ok(());
        }
        if below_home.ends_with(b".jsonl") && old.is_some() {
            self.joined(name, &file)
        } else {
            self.work.put(name, &file)
        }?;
        self.end.kept += 1;
        Ok(())
    }

    /// A database with its log, which belongs to this very one: never is one of them there with another's.
    fn database(
        &mut self,
        upper: &mut Root,
        (inner, file): (&AbsPath, &OwnedFd),
        name: &AbsPath,
        below_home: &[u8],
    ) -> Result<(), Error> {
        let beside = |path: &AbsPath, end: &[u8]| AbsPath::posix([path.as_bytes(), end].concat()).ok();
        // A name that is too long for the log is one without a log.
        let log = beside(inner, b"-wal").and_then(|log| upper.open_file(&log).ok());
        let (kept, shared) = (beside(name, b"-wal"), beside(name, b"-shm"));
        let new: Vec<u64> = [Some(file), log.as_ref()].into_iter().flatten().map(length).collect();
        let old = [self.work.length(name), kept.as_ref().and_then(|kept| self.work.length(kept))];
        if !self.has_room(&new, &old) {
            self.left.push(shown(below_home));
            return Ok(());
        }
        for beside in [&kept, &shared].into_iter().flatten() {
            self.work.remove(beside)?;
        }
        self.work.put(name, file)?;
        if let Some((log, kept)) = log.zip(kept)
            && let Err(error) = self.work.put(&kept, &log)
        {
            // Without its log it may be older than what the agent remembers, or half of it.
            self.work.remove(name)?;
            return Err(error);
        }
        self.end.kept += 1;
        Ok(())
    }

    /// Counts files that come in place of others, if there is room for all of them.
    fn has_room(&mut self, new: &[u64], old: &[Option<u64>]) -> bool {
        let sum = |sizes: &mut dyn Iterator<Item = u64>| sizes.fold(0_u64, u64::saturating_add);
        let (come, go) = (sum(&mut new.iter().copied()), sum(&mut old.iter().flatten().copied()));
        let bytes = self.bytes.saturating_sub(go).saturating_add(come);
        let files = self.files.saturating_sub(old.iter().flatten().count() as u64) + new.len() as u64;
        let has_room = new.iter().all(|size| *size <= LARGEST) && bytes <= MOST_BYTES && files <= MOST_FILES;
        if has_room {
            (self.bytes, self.files) = (bytes, files);
        }
        has_room
    }

    /// A history to which another sandbox may have added lines meanwhile: those of both are kept.
    fn joined(&mut self, name: &AbsPath, file: &OwnedFd) -> Result<(), Error> {
        let there = self.work.read(name, LONGEST_JOINED);
        let new = (length(file) <= LONGEST_JOINED).then(|| content::read_short(file, LONGEST_JOINED));
        match (there, new) {
            (Some(there), Some(Ok(Some(new)))) => self.work.put_text(name, &joined(&there, &new)),
            (Some(_), Some(_)) => Ok(()),
            _ => self.work.put(name, file),
        }
    }

    fn choices(&mut self, file: &str, before: Option<&[u8]>, after: &[u8]) -> Result<(), Error> {
        let Some(name) = absolute(file.as_bytes()) else { return Ok(()) };
        let there = self.own.read(&name, choices::LONGEST);
        let workspace = self.record.workspace.to_string();
        let Some(text) = choices::kept(before, after, there.as_deref(), &workspace) else { return Ok(()) };
        self.end.kept += 1;
        self.own.put_text(&name, &text)
    }

    fn told(mut self) -> AgentEnd {
        let agent = self.agent.name;
        if !self.settings.first.is_empty() {
            let what = format!(
                "{agent} changed settings inside, which went with the sandbox: {}",
                some(&self.settings)
            );
            self.end.note(what, Some("change them outside"));
        }
        if !self.left.first.is_empty() {
            let what = format!(
                "not kept for {agent}'s next sandbox, being too large, too many, no plain files or not to be written: {}",
                some(&self.left)
            );
            self.end.note(
                what,
                Some("`garth agents` shows what is kept, and `garth agents --forget NAME` makes room"),
            );
        }
        self.end
    }
}

/// Names for a note: the first few, and how many there are. What runs inside says how many that is.
#[derive(Default)]
pub(super) struct Names {
    first: Vec<String>,
    more: usize,
}

impl Names {
    pub(super) fn push(&mut self, name: String) {
        if self.first.len() < MOST_TOLD { self.first.push(name) } else { self.more += 1 }
    }
}

fn some(names: &Names) -> String {
    let shown = names.first.join(", ");
    if names.more > 0 { format!("{shown} and {} more", names.more) } else { shown }
}

fn is_database(name: &[u8]) -> bool {
    name.ends_with(b".sqlite") || name.ends_with(b".db")
}

fn length(file: &OwnedFd) -> u64 {
    file.try_clone().and_then(|file| fs::File::from(file).metadata()).map_or(u64::MAX, |found| found.len())
}

/// Lines of two that began as one.
fn joined(there: &[u8], new: &[u8]) -> Vec<u8> {
    let same = there.iter().zip(new).take_while(|(one, other)| one == other).count();
    if same == there.len() {
        return new.to_vec();
    }
    let line = there[..same].iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let mut out = there.to_vec();
    if !out.ends_with(b"\n") {
        out.push(b'\n');
    }
    if same < new.len() {
        out.extend_from_slice(&new[line..]);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_both_are_kept() {
        let joined =
            |there: &str, new: &str| String::from_utf8(joined(there.as_bytes(), new.as_bytes())).unwrap();
        assert_eq!(joined("a\n", "a\nb\n"), "a\nb\n");
        assert_eq!(joined("a\nb\n", "a\n"), "a\nb\n");
        assert_eq!(joined("a\nbx\n", "a\nby\n"), "a\nbx\nby\n");
        assert_eq!(joined("a\nb", "a\nc\n"), "a\nb\nc\n");
        assert_eq!(joined("x", "y"), "x\ny");
    }
}
