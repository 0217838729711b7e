//! Making a checkpoint.

use super::checkpoints::{Bounds, Checkpoint, ENTRIES, Kept, Names, RECORD};
use super::file_error;
use super::ignored::{Ignored, LONGEST};
use super::own::place::is_stage;
use super::own::{Opened, Root, clock, content, private, remembered, write_whole};
use crate::Error;
use garth_host::OsError;
use garth_policy::AbsPath;
use garth_undo::{CheckpointRecord, Entry, Kind, LONGEST_PATH, Tree, TreeRecord};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// A checkpoint that is being made. Without its record it is none, and is removed.
pub(super) struct Making {
    pub directory: PathBuf,
    lock: File,
    names: Vec<Kept>,
    next: u64,
    bytes: u64,
    left_out: Vec<AbsPath>,
    /// Contents are shared by the file system, or there is no bound.
    pub shares: bool,
    /// The checkpoints of other trees that belong to it.
    pub beside: Vec<String>,
    bounds: Bounds,
    /// The last whole checkpoint of the tree.
    earlier: Option<(PathBuf, Names)>,
}

/// Whether the file system of a tree shares contents with that of the checkpoints, by trying the first file.
#[cfg(target_os = "linux")]
pub(super) fn shares(root: &mut Root, directory: &Path) -> Result<bool, Error> {
    let top = AbsPath::posix("/").map_err(|error| Error::Policy(error.to_string()))?;
    for name in root.names(&top).map_err(Error::os("make a checkpoint"))? {
        let Ok(path) = top.join(&name) else { continue };
        let Ok(file) = root.open_file(&path) else { continue };
        let probe = directory.join("probe");
        let made = private().create_new(true).write(true).open(&probe);
        let made = Opened::from(made.map_err(|error| file_error("make", &probe, &error))?);
        let shared = matches!(content::share(&file, &made), Ok(()));
        fs::remove_file(&probe).map_err(|error| file_error("remove", &probe, &error))?;
        return Ok(shared);
    }
    Ok(false)
}

/// Contents are copied here: the checkpoints are on the system's volume, and those volumes that share blocks are others.
#[cfg(windows)]
#[expect(clippy::unnecessary_wraps, reason = "elsewhere it is tried")]
pub(super) fn shares(_root: &mut Root, _directory: &Path) -> Result<bool, Error> {
    Ok(false)
}

impl Making {
    /// One of which nothing is kept yet.
    pub fn new(directory: PathBuf, lock: File, earlier: Option<(PathBuf, Names)>, bounds: Bounds) -> Self {
        Self {
            directory,
            lock,
            names: Vec::new(),
            next: 0,
            bytes: 0,
            left_out: Vec::new(),
            shares: false,
            beside: Vec::new(),
            bounds,
            earlier,
        }
    }

    /// Keeps all of a tree.
    pub fn walk(&mut self, root: &mut Root, step: &mut dyn FnMut()) -> Result<(), Error> {
        let top = AbsPath::posix("/").map_err(|error| Error::Policy(error.to_string()))?;
        let failed = |error| Error::os("make a checkpoint")(error);
        let mut ignored = Ignored::excluding(&self.bounds.exclude);
        if let Some(seen) = root.look(&top).map_err(failed)? {
            self.names.push(Kept {
                path: top.clone(),
                entry: Some(remembered(seen.entry)),
                content: None,
                linked: false,
            });
        }
        let mut todo = vec![top];
        while let Some(directory) = todo.pop() {
            let names = match root.names(&directory) {
                // Another's, so no command of this user's changes what is in it.
                Err(error) if is_refused(&error) && directory.depth() > 0 => {
                    self.names.retain(|kept| kept.path != directory);
                    self.left_out.push(directory);
                    continue;
                }
                other => other.map_err(failed)?,
            };
            if !self.shares && names.iter().any(|name| name == b".gitignore") {
                add_patterns(root, &directory, &mut ignored);
            }
            for name in names {
                step();
                let Ok(path) = directory.join(&name) else { continue };
                let Some(entry) = root.look(&path).map_err(failed)?.map(|seen| seen.entry) else { continue };
                let is_directory = entry.kind == Kind::Directory;
                let too_long = path.as_bytes().len() > LONGEST_PATH;
                if is_stage(&path) {
                    continue;
                }
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
        let Bounds { budget, largest, .. } = &self.bounds;
        let is_file = entry.kind == Kind::File;
        !self.shares && is_file && (entry.size > *largest || self.bytes.saturating_add(entry.size) > *budget)
    }

    /// Keeps what stands at a name, unless that would cost too much.
    pub fn keep_within(&mut self, root: &mut Root, path: AbsPath, entry: Option<Entry>) -> Result<(), Error> {
        if entry.as_ref().is_some_and(|entry| self.is_beyond(entry)) {
            self.left_out.push(path);
            return Ok(());
        }
        self.keep(root, path, entry)
    }

    /// Notes another name of a file that is kept, which will not be changed itself.
    pub fn link(&mut self, path: AbsPath, entry: Entry) {
        self.names.push(Kept { path, entry: Some(remembered(entry)), content: None, linked: true });
    }

    fn keep(&mut self, root: &mut Root, path: AbsPath, entry: Option<Entry>) -> Result<(), Error> {
        let is_file = entry.as_ref().is_some_and(|entry| entry.kind == Kind::File);
        let content = if is_file { self.content(root, &path, entry.as_ref())? } else { None };
        if is_file && content.is_none() {
            // Nobody may read it, so nobody could put it back.
            self.left_out.push(path);
            return Ok(());
        }
        self.names.push(Kept { path, entry: entry.map(remembered), content, linked: false });
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
        let made = private().create_new(true).write(true).open(&to);
        let made = Opened::from(made.map_err(|error| file_error("make", &to, &error))?);
        content::copy(&file, &made).map_err(|code| file_error("write", &to, &code.into()))?;
        Ok(Some(number))
    }

    /// Writes down what is kept, which makes it a checkpoint.
    pub fn finish(
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
            exclude: if whole { self.bounds.exclude } else { Vec::new() },
            beside: self.beside,
        };
        write_whole(&self.directory.join(RECORD), &serde_json::to_vec(&record).unwrap_or_default())?;
        drop(self.lock);
        Ok(Checkpoint { record, directory: self.directory })
    }
}

/// Whether a directory may not be listed.
fn is_refused(error: &OsError) -> bool {
    std::io::Error::from_raw_os_error(error.code).kind() == std::io::ErrorKind::PermissionDenied
}

/// Adds the patterns of a directory.
fn add_patterns(root: &mut Root, directory: &AbsPath, ignored: &mut Ignored) {
    let text = directory.join(b".gitignore").ok().and_then(|path| root.open_file(&path).ok());
    if let Some(text) = text.and_then(|file| content::read_short(&file, LONGEST).ok().flatten()) {
        ignored.add(directory, &text);
    }
}
