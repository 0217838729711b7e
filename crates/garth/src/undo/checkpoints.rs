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
use super::layers::{make_private, new_id, remove_directory, write_whole};
use crate::Error;
use garth_host::linux::undo::{Root, clock, content};
use garth_policy::{AbsPath, escape_visible};
use garth_undo::{CheckpointRecord, Entry, Kind, LONGEST_PATH, Time, Tree, TreeRecord, is_id};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

const RECORD: &str = "checkpoint.json";
const ENTRIES: &str = "entries.jsonl";
const LOCK: &str = "lock";

/// How many checkpoints of one tree are kept, and how many bytes of all of them.
pub const KEPT: (usize, u64) = (20, 4 * 1024 * 1024 * 1024);

/// Where contents are copied byte by byte: the longest file, and all of them together, in bytes.
pub const BUDGET: (u64, u64) = (64 * 1024 * 1024, 1024 * 1024 * 1024);

/// One name of a checkpoint.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Kept {
    path: AbsPath,
    /// What stood there; nothing, where what was made since is to go.
    pub entry: Option<Entry>,
    /// Number of its content.
    pub content: Option<u64>,
}

/// The names of a checkpoint.
pub(super) type Names = BTreeMap<AbsPath, Kept>;

/// The checkpoints of a user.
#[derive(Clone, Debug)]
pub struct Checkpoints(PathBuf);

/// A checkpoint.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    /// What is written down of it.
    pub record: CheckpointRecord,
    pub(super) directory: PathBuf,
}

fn path_of(path: &AbsPath) -> &Path {
    Path::new(OsStr::from_bytes(path.as_bytes()))
}

/// A checkpoint that is being made. Without its record it is none, and is removed.
struct Making {
    directory: PathBuf,
    lock: File,
    names: Vec<Kept>,
    next: u64,
    bytes: u64,
    left_out: Vec<AbsPath>,
    /// Contents are shared by the file system.
    shares: bool,
    /// The last whole checkpoint of the tree.
    earlier: Option<(PathBuf, Names)>,
}

impl Checkpoints {
    /// Those in a state directory.
    #[must_use]
    pub fn new(state: &AbsPath) -> Self {
        Self(path_of(state).join("checkpoints"))
    }

    /// Those of the user with this environment.
    ///
    /// # Errors
    /// Without a home.
    pub fn of(environment: &[(Vec<u8>, Vec<u8>)]) -> Result<Self, Error> {
        Ok(Self::new(&crate::residue::state(environment)?))
    }

    /// All of them, the oldest first.
    ///
    /// # Errors
    /// A directory that cannot be read.
    pub fn list(&self) -> Result<Vec<Checkpoint>, Error> {
        let entries = match fs::read_dir(&self.0) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other.map_err(|error| file_error("read", &self.0, &error))?,
        };
        let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
        let mut found: Vec<Checkpoint> = names.filter_map(|id| self.read(&id)).collect();
        found.sort_by(|one, other| {
            (one.record.made, &one.record.id).cmp(&(other.record.made, &other.record.id))
        });
        Ok(found)
    }

    fn read(&self, id: &str) -> Option<Checkpoint> {
        let directory = self.0.join(id);
        let record: CheckpointRecord =
            serde_json::from_slice(&fs::read(directory.join(RECORD)).ok()?).ok()?;
        (is_id(id) && record.id == id && record.version == 1).then_some(Checkpoint { record, directory })
    }

    /// Directories that never became checkpoints: their maker was killed.
    #[must_use]
    pub fn unfinished(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.0).into_iter().flatten().flatten();
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

    /// Keeps what stands at these names now, so that what is about to be done can be taken back.
    pub(super) fn keep(
        &self,
        root: &mut Root,
        tree: &AbsPath,
        names: impl Iterator<Item = (AbsPath, Option<Entry>)>,
        before: String,
    ) -> Result<Checkpoint, Error> {
        let (id, mut making) = self.begin(tree)?;
        // All of it, whatever its size: it is overwritten next.
        making.shares = true;
        let mut kept = Ok(());
        for (path, entry) in names {
            kept = kept.and_then(|()| making.keep(root, path, entry));
        }
        let made = kept.and_then(|()| making.finish(&id, tree, root, before, false));
        self.prune_after(made)
    }

    fn begin(&self, tree: &AbsPath) -> Result<(String, Making), Error> {
        if path_of(tree) == self.0 || self.0.starts_with(path_of(tree)) {
            return Err(Error::Undo {
                what: format!("{tree} cannot have a checkpoint"),
                why: format!("it would be kept in {}, which is part of it", self.0.display()),
                hint: "set XDG_STATE_HOME to a directory outside the workspace".into(),
            });
        }
        let earlier = self.of_tree(tree)?.into_iter().rfind(|checkpoint| checkpoint.record.whole);
        let earlier = earlier
            .and_then(|checkpoint| Some((checkpoint.directory.join("files"), checkpoint.names().ok()?)));
        let id = new_id()?;
        let directory = self.0.join(&id);
        make_private(&directory.join("files"))?;
        let path = directory.join(LOCK);
        let lock = OpenOptions::new().create(true).append(true).mode(0o600).open(&path);
        let lock = lock.map_err(|error| file_error("make", &path, &error))?;
        lock.lock().map_err(|error| file_error("lock", &path, &error))?;
        let making = Making {
            directory,
            lock,
            names: Vec::new(),
            next: 0,
            bytes: 0,
            left_out: Vec::new(),
            shares: false,
            earlier,
        };
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

    /// Removes the oldest: beyond the number of one tree, and beyond the bytes of all.
    fn prune(&self, newest: &Checkpoint) -> Result<(), Error> {
        let all = self.list()?;
        let of_tree = all.iter().filter(|known| known.record.tree.path == newest.record.tree.path).count();
        let mut surplus = of_tree.saturating_sub(KEPT.0);
        let mut bytes: u64 = all.iter().map(|known| known.record.bytes).sum();
        for known in all {
            let same_tree = known.record.tree.path == newest.record.tree.path;
            if known.record.id == newest.record.id || !(bytes > KEPT.1 || (same_tree && surplus > 0)) {
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

/// Whether the file system of a tree shares contents with that of the checkpoints, by trying the first file.
fn shares(root: &mut Root, directory: &Path) -> Result<bool, Error> {
    let top = AbsPath::posix("/").map_err(|error| Error::Policy(error.to_string()))?;
    for name in root.names(&top).map_err(Error::os("make a checkpoint"))? {
        let Ok(path) = top.join(&name) else { continue };
        let Ok(file) = root.open_file(&path) else { continue };
        let probe = directory.join("probe");
        let made = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&probe);
        let made = OwnedFd::from(made.map_err(|error| file_error("make", &probe, &error))?);
        let shared = matches!(content::share(&file, &made), Ok(()));
        fs::remove_file(&probe).map_err(|error| file_error("remove", &probe, &error))?;
        return Ok(shared);
    }
    Ok(false)
}

impl Making {
    fn walk(&mut self, root: &mut Root, step: &mut dyn FnMut()) -> Result<(), Error> {
        let top = AbsPath::posix("/").map_err(|error| Error::Policy(error.to_string()))?;
        let failed = |error| Error::os("make a checkpoint")(error);
        let mut ignored = Ignored::default();
        if let Some(seen) = root.look(&top).map_err(failed)? {
            self.names.push(Kept { path: top.clone(), entry: Some(seen.entry), content: None });
        }
        let mut todo = vec![top];
        while let Some(directory) = todo.pop() {
            let names = root.names(&directory).map_err(failed)?;
            if !self.shares && names.iter().any(|name| name == b".gitignore") {
                add_patterns(root, &directory, &mut ignored);
            }
            for name in names {
                step();
                let Ok(path) = directory.join(&name) else { continue };
                let Some(entry) = root.look(&path).map_err(failed)?.map(|seen| seen.entry) else { continue };
                let is_directory = entry.kind == Kind::Directory;
                let too_long = path.as_bytes().len() > LONGEST_PATH;
                if too_long || ignored.leaves_out(&path, is_directory) || self.is_beyond(&entry) {
                    self.left_out.push(path);
                    continue;
                }
                if is_directory {
                    todo.push(path.clone());
                }
                self.keep(root, path, Some(entry))?;
            }
        }
        Ok(())
    }

    /// Whether a file would cost too much.
    fn is_beyond(&self, entry: &Entry) -> bool {
        !self.shares && (entry.size > BUDGET.0 || self.bytes + entry.size > BUDGET.1)
    }

    fn keep(&mut self, root: &mut Root, path: AbsPath, entry: Option<Entry>) -> Result<(), Error> {
        let is_file = entry.as_ref().is_some_and(|entry| entry.kind == Kind::File);
        let content = if is_file { self.content(root, &path, entry.as_ref())? } else { None };
        if is_file && content.is_none() {
            // Nobody may read it, so nobody could put it back.
            self.left_out.push(path);
            return Ok(());
        }
        self.names.push(Kept { path, entry, content });
        Ok(())
    }

    fn content(
        &mut self,
        root: &mut Root,
        path: &AbsPath,
        entry: Option<&Entry>,
    ) -> Result<Option<u64>, Error> {
        let number = self.next;
        let to = self.directory.join("files").join(number.to_string());
        self.next += 1;
        self.bytes += entry.map_or(0, |entry| entry.size);
        // A content that did not change since the last checkpoint is that one's.
        if let Some((files, names)) = &self.earlier
            && let Some(known) = names.get(path)
            && let (Some(was), Some(is), Some(content)) = (&known.entry, entry, known.content)
            && is.is_untouched_since(was)
            && fs::hard_link(files.join(content.to_string()), &to).is_ok()
        {
            return Ok(Some(number));
        }
        let Ok(file) = root.open_file(path) else { return Ok(None) };
        let made = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&to);
        let made = OwnedFd::from(made.map_err(|error| file_error("make", &to, &error))?);
        content::copy(&file, &made).map_err(|errno| {
            file_error("write", &to, &std::io::Error::from_raw_os_error(errno.raw_os_error()))
        })?;
        Ok(Some(number))
    }

    fn finish(
        self,
        id: &str,
        tree: &AbsPath,
        root: &Root,
        before: String,
        whole: bool,
    ) -> Result<Checkpoint, Error> {
        let path = self.directory.join(ENTRIES);
        let mut text = Vec::new();
        for name in &self.names {
            serde_json::to_writer(&mut text, name)
                .map_err(|error| file_error("write", &path, &error.into()))?;
            text.push(b'\n');
        }
        write_whole(&path, &text)?;
        let object = root.object().map_err(Error::os("open the workspace"))?;
        let record = CheckpointRecord {
            version: 1,
            id: id.to_owned(),
            made: clock::now(),
            before,
            tree: TreeRecord { path: tree.clone(), object },
            whole,
            ignores: whole && !self.shares,
            entries: self.names.len() as u64,
            bytes: self.bytes,
            left_out: self.left_out,
        };
        write_whole(&self.directory.join(RECORD), &serde_json::to_vec(&record).unwrap_or_default())?;
        drop(self.lock);
        Ok(Checkpoint { record, directory: self.directory })
    }
}

/// Adds the patterns of a directory.
fn add_patterns(root: &mut Root, directory: &AbsPath, ignored: &mut Ignored) {
    let text = directory.join(b".gitignore").ok().and_then(|path| root.open_file(&path).ok());
    if let Some(text) = text.and_then(|file| content::read_short(&file, LONGEST).ok().flatten()) {
        ignored.add(directory, &text);
    }
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
        let mut ignored = Ignored::default();
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
