//! Checkpoints on the disk: `checkpoints/ID` in garth's state directory.
//!
//! ```text
//! checkpoint.json  what it is (CheckpointRecord)
//! entries.jsonl    each name with what stood there
//! files/N          contents
//! lock             locked while it is made or taken back
//! undo.jsonl       what is being taken back
//! ```

use super::file_error;
use super::ignored::{Ignored, LONGEST};
use super::making::{Making, shares};
use super::names::other_names;
use super::own::{self, Root, lies_in, make_private, new_id, remove_directory};
use crate::Error;
use crate::files::os_path;
use garth_policy::{AbsPath, Layer, Origin, Undo, escape_visible};
use garth_undo::{CheckpointRecord, Entry, Time, is_id};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::path::PathBuf;
use std::time::Duration;

pub(super) const RECORD: &str = "checkpoint.json";
pub(super) const ENTRIES: &str = "entries.jsonl";
const LOCK: &str = "lock";

/// How much is kept.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// Bytes that are copied for one checkpoint, where the file system cannot share them.
    pub budget: u64,
    /// Bytes of the largest file that is copied.
    pub largest: u64,
    /// Bytes of all checkpoints together.
    pub total: u64,
    /// Checkpoints of one tree.
    pub keep: usize,
    /// How long they are kept.
    pub age: Option<Duration>,
    /// Patterns of names that are left out (gitignore(5)).
    pub exclude: Vec<String>,
}

impl From<&Undo> for Bounds {
    fn from(undo: &Undo) -> Self {
        Self {
            budget: undo.budget.value,
            largest: undo.largest.value,
            total: undo.total.value,
            keep: usize::try_from(undo.keep.value).unwrap_or(usize::MAX),
            age: undo.age.as_ref().map(|age| age.value),
            exclude: undo.exclude.iter().map(|pattern| pattern.value.clone()).collect(),
        }
    }
}

/// One name of a checkpoint.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Kept {
    pub path: AbsPath,
    /// What stood there; nothing, where what was made since is to go.
    pub entry: Option<Entry>,
    /// Number of its content.
    pub content: Option<u64>,
    /// It is not to be brought back, and stands for another name of a file that is.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub linked: bool,
}

/// The names of a checkpoint.
pub(super) type Names = BTreeMap<AbsPath, Kept>;

/// The checkpoints of a user.
#[derive(Clone, Debug)]
pub struct Checkpoints {
    pub(super) directory: PathBuf,
    bounds: Bounds,
}

/// A checkpoint.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    /// What is written down of it.
    pub record: CheckpointRecord,
    pub(super) directory: PathBuf,
}

impl Checkpoints {
    /// Those in a state directory, within the usual bounds.
    #[must_use]
    pub fn new(state: &AbsPath) -> Self {
        let usual = Undo::standard(&Origin::unplaced(Layer::Profile, "garth"));
        Self { directory: os_path(state).join("checkpoints"), bounds: Bounds::from(&usual) }
    }

    /// The same within the bounds of a policy.
    #[must_use]
    pub fn within(self, undo: &Undo) -> Self {
        Self { bounds: Bounds::from(undo), ..self }
    }

    /// Those of the user with this environment.
    ///
    /// # Errors
    /// Without a home.
    pub fn of(environment: &[(Vec<u8>, Vec<u8>)]) -> Result<Self, Error> {
        Ok(Self::new(&own::state(environment)?))
    }

    /// All of them, the oldest first.
    ///
    /// # Errors
    /// A directory that cannot be read.
    pub fn list(&self) -> Result<Vec<Checkpoint>, Error> {
        let entries = match fs::read_dir(&self.directory) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other.map_err(|error| file_error("read", &self.directory, &error))?,
        };
        let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
        let mut found: Vec<Checkpoint> = names.filter_map(|id| self.read(&id)).collect();
        found.sort_by(|one, other| {
            (one.record.made, &one.record.id).cmp(&(other.record.made, &other.record.id))
        });
        Ok(found)
    }

    fn read(&self, id: &str) -> Option<Checkpoint> {
        let directory = self.directory.join(id);
        let record: CheckpointRecord =
            serde_json::from_slice(&fs::read(directory.join(RECORD)).ok()?).ok()?;
        (is_id(id) && record.id == id && record.version == 1).then_some(Checkpoint { record, directory })
    }

    /// Directories that never became checkpoints: their maker was killed.
    #[must_use]
    pub fn unfinished(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.directory).into_iter().flatten().flatten();
        let unfinished = entries.map(|entry| entry.path()).filter(|path| !path.join(RECORD).exists());
        let locked = |path: &PathBuf| {
            let file = File::open(path.join(LOCK));
            file.is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
        };
        unfinished.filter(|path| !locked(path)).collect()
    }

    /// Those of one tree, the oldest first.
    ///
    /// # Errors
    /// A directory that cannot be read.
    pub fn of_tree(&self, tree: &AbsPath) -> Result<Vec<Checkpoint>, Error> {
        Ok(self.list()?.into_iter().filter(|checkpoint| checkpoint.record.tree.path == *tree).collect())
    }

    /// Makes a checkpoint of a whole tree. `step` is called for each name.
    ///
    /// # Errors
    /// What cannot be read or kept. Nothing is left of it then.
    pub fn make(
        &self,
        tree: &AbsPath,
        before: &[Vec<u8>],
        step: &mut dyn FnMut(),
    ) -> Result<Checkpoint, Error> {
        let mut root = Root::open(tree).map_err(Error::os("open the workspace"))?;
        let (id, mut making) = self.begin(tree)?;
        making.shares = shares(&mut root, &making.directory)?;
        let walked = making.walk(&mut root, step);
        let words: Vec<String> = before.iter().map(|word| escape_visible(word)).collect();
        let made = walked.and_then(|()| making.finish(&id, tree, &root, words.join(" "), true));
        self.prune_after(made)
    }

    /// Keeps what stands at these names now, so that what is about to be done can be taken back. With `bounded`, what goes
    /// beyond the budget is left out, and named in the record.
    pub(super) fn keep(
        &self,
        root: &mut Root,
        tree: &AbsPath,
        names: impl Iterator<Item = (AbsPath, Option<Entry>)>,
        Keeping { before, bounded, beside }: Keeping,
    ) -> Result<Checkpoint, Error> {
        let (id, mut making) = self.begin(tree)?;
        making.beside = beside;
        // Else all of it, whatever its size: it is overwritten next.
        making.shares = !bounded || shares(root, &making.directory)?;
        let names: Vec<_> = names.collect();
        let mut kept = Ok(());
        for (path, entry) in other_names(root, &names) {
            making.link(path, entry);
        }
        for (path, entry) in names {
            kept = kept.and_then(|()| making.keep_within(root, path, entry));
        }
        let made = kept.and_then(|()| making.finish(&id, tree, root, before, false));
        self.prune_after(made)
    }

    fn begin(&self, tree: &AbsPath) -> Result<(String, Making), Error> {
        if lies_in(&self.directory, tree) {
            return Err(Error::Undo {
                what: format!("{tree} cannot have a checkpoint"),
                why: format!("it would be kept in {}, which is part of it", self.directory.display()),
                hint: if cfg!(windows) {
                    "name another workspace: garth run --workspace DIR -- ...".into()
                } else {
                    "set XDG_STATE_HOME to a directory outside the workspace".into()
                },
            });
        }
        let earlier = self.of_tree(tree)?.into_iter().rfind(|checkpoint| checkpoint.record.whole);
        let earlier = earlier
            .and_then(|checkpoint| Some((checkpoint.directory.join("files"), checkpoint.names().ok()?)));
        let id = new_id()?;
        let directory = self.directory.join(&id);
        for private in [&self.directory, &directory, &directory.join("files")] {
            make_private(private)?;
        }
        let path = directory.join(LOCK);
        let lock = own::private().create(true).read(true).append(true).open(&path);
        let lock = lock.map_err(|error| file_error("make", &path, &error))?;
        lock.lock().map_err(|error| file_error("lock", &path, &error))?;
        let making = Making::new(directory, lock, earlier, self.bounds.clone());
        Ok((id, making))
    }

    fn prune_after(&self, made: Result<Checkpoint, Error>) -> Result<Checkpoint, Error> {
        match made {
            Ok(checkpoint) => {
                self.prune(&checkpoint)?;
                Ok(checkpoint)
            }
            Err(error) => {
                for directory in self.unfinished() {
                    let _reported_by_clean = remove_directory(&directory);
                }
                Err(error)
            }
        }
    }

    /// Removes the oldest: beyond the number and the age of one tree, and beyond the bytes of all.
    fn prune(&self, newest: &Checkpoint) -> Result<(), Error> {
        let all = self.list()?;
        let Bounds { total, keep, age, .. } = &self.bounds;
        let of_tree = all.iter().filter(|known| known.record.tree.path == newest.record.tree.path).count();
        let mut surplus = of_tree.saturating_sub((*keep).max(1));
        let mut bytes: u64 = all.iter().map(|known| known.record.bytes).sum();
        let seconds = age.map_or(i64::MAX, |age| i64::try_from(age.as_secs()).unwrap_or(i64::MAX));
        let oldest = newest.record.made.seconds.saturating_sub(seconds);
        for known in all {
            let same_tree = known.record.tree.path == newest.record.tree.path;
            let is_old = same_tree && (surplus > 0 || known.record.made.seconds < oldest);
            if known.record.id == newest.record.id || !(bytes > *total || is_old) {
                continue;
            }
            // One that is being taken back is left alone.
            if known.hold().is_err() {
                continue;
            }
            bytes = bytes.saturating_sub(known.record.bytes);
            surplus = surplus.saturating_sub(usize::from(same_tree));
            known.remove()?;
        }
        Ok(())
    }
}

/// How names are kept before they are changed.
pub(super) struct Keeping {
    /// What is about to be done, made safe to show.
    pub before: String,
    /// No more than the budget.
    pub bounded: bool,
    /// The checkpoints of other trees that belong to it.
    pub beside: Vec<String>,
}

impl Checkpoint {
    pub(super) fn names(&self) -> Result<Names, Error> {
        let path = self.directory.join(ENTRIES);
        let text = fs::read(&path).map_err(|error| file_error("read", &path, &error))?;
        let mut names = Names::new();
        for line in text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let kept: Kept =
                serde_json::from_slice(line).map_err(|error| file_error("read", &path, &error.into()))?;
            names.insert(kept.path.clone(), kept);
        }
        Ok(names)
    }

    /// The patterns that it was made by, from its own copies: what a command has written to `.gitignore` since hides
    /// nothing.
    pub(super) fn ignored(&self, names: &Names) -> Ignored {
        let mut ignored = Ignored::excluding(&self.record.exclude);
        if !self.record.ignores {
            return ignored;
        }
        let files = names.iter().filter(|(path, _)| path.file_name() == Some(b".gitignore"));
        for (path, kept) in files {
            let text = kept.content.and_then(|number| fs::read(self.file(number)).ok());
            if let Some((directory, text)) =
                path.parent().zip(text).filter(|(_, text)| text.len() as u64 <= LONGEST)
            {
                ignored.add(&directory, &text);
            }
        }
        ignored
    }

    pub(super) fn file(&self, number: u64) -> PathBuf {
        self.directory.join("files").join(number.to_string())
    }

    /// Holds it for this process.
    pub(super) fn hold(&self) -> Result<File, Error> {
        let path = self.directory.join(LOCK);
        let file = File::open(&path).map_err(|error| file_error("open", &path, &error))?;
        file.try_lock().map_err(|error| Error::Undo {
            what: format!("the checkpoint {} is in use", self.record.id),
            why: format!("another `garth` works with it: {error}"),
            hint: "wait for its end".into(),
        })?;
        Ok(file)
    }

    /// Removes it.
    ///
    /// # Errors
    /// What cannot be removed.
    pub fn remove(self) -> Result<(), Error> {
        let record = self.directory.join(RECORD);
        fs::remove_file(&record).map_err(|error| file_error("remove", &record, &error))?;
        remove_directory(&self.directory)
    }

    /// When it was made.
    #[must_use]
    pub fn made(&self) -> Time {
        self.record.made
    }
}
