//! Layers on the disk: `layers/ID` in garth's state directory.
//!
//! ```text
//! layer.json      what it is (LayerRecord)
//! 0/upper         what was written, for the first tree
//! 0/work          the kernel's own
//! 0/lock          locked by the sandbox that uses it, and by whoever changes something
//! 0/base.jsonl    what stood below at the end of the sandbox
//! 0/base/N        texts of that, for showing
//! 0/apply.jsonl   what is being put in place
//! 0/applied.jsonl what was
//! ```

use super::file_error;
use super::own::{make_private, new_id, remove_directory, write_whole};
use crate::Error;
use crate::files::{os_path, user_files};
use crate::place::Surroundings;
use garth_host::linux::inside::view::layer::{LOCK, UPPER, WORK};
use garth_host::linux::undo::{Root, clock};
use garth_plan::facts::{HostFacts, Layered};
use garth_policy::{AbsPath, escape_visible};
use garth_undo::{Change, LayerRecord, TreeRecord, is_id};
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const RECORD: &str = "layer.json";

/// A layer that a plan speaks of and that does not exist yet.
#[derive(Clone, Debug)]
pub(crate) struct Planned {
    id: String,
    directory: PathBuf,
    trees: Vec<AbsPath>,
    command: Vec<String>,
}

/// Plans a layer for the workspace and its git directories elsewhere.
pub(crate) fn planned(
    surroundings: &Surroundings,
    environment: &[(Vec<u8>, Vec<u8>)],
    command: &[Vec<u8>],
) -> Result<(Planned, Vec<Layered>), Error> {
    let context = &surroundings.context;
    let layers = Layers::new(&user_files(&context.home, environment)?.state);
    let mut trees = vec![context.workspace.clone()];
    for directory in &context.git_dirs {
        // A directory that lies in another one has a part in its layer.
        let is_in = |directory: &AbsPath, other: &AbsPath| directory.starts_with(other);
        if trees.iter().any(|tree| is_in(directory, tree)) {
            continue;
        }
        trees.retain(|tree| !is_in(tree, directory));
        trees.push(directory.clone());
    }
    let store =
        AbsPath::posix(layers.0.as_os_str().as_bytes()).map_err(|error| Error::Policy(error.to_string()))?;
    for tree in &trees {
        refuse_tree(tree, &store)?;
    }
    let id = new_id()?;
    let directory = layers.0.join(&id);
    let layered = trees.iter().enumerate().map(|(number, tree)| {
        let store = store.join(format!("{id}/{number}").as_bytes());
        store.map(|store| Layered { tree: tree.clone(), store })
    });
    let layered = layered.collect::<Result<_, _>>().map_err(|error| Error::Policy(error.to_string()))?;
    let command = command.iter().map(|word| escape_visible(word)).collect();
    Ok((Planned { id, directory, trees, command }, layered))
}

/// What a layer cannot be laid over.
fn refuse_tree(tree: &AbsPath, store: &AbsPath) -> Result<(), Error> {
    let refused = |why: String, hint: &str| {
        Err(Error::Workspace { what: format!("{tree} cannot have a layer"), why, hint: hint.into() })
    };
    if store.starts_with(tree) {
        let why = format!("the layer would be kept in {store}, which is part of it");
        return refused(why, "set XDG_STATE_HOME to a directory outside the workspace");
    }
    if let Some(inner) = mounted_below(tree) {
        let why =
            format!("another file system is mounted in it, at {inner}, and a layer covers one file system");
        return refused(why, "use a workspace without it, or run with --checkpoint in place of --cow");
    }
    Ok(())
}

/// The first mount below a directory (`proc_pid_mountinfo(5)`).
fn mounted_below(tree: &AbsPath) -> Option<AbsPath> {
    let text = fs::read("/proc/self/mountinfo").ok()?;
    let places = text.split(|byte| *byte == b'\n').filter_map(|line| line.split(|byte| *byte == b' ').nth(4));
    let paths = places.filter_map(|place| AbsPath::posix(unescaped(place)).ok());
    paths.into_iter().find(|path| path != tree && path.starts_with(tree))
}

/// Blanks and the like are octal numbers there.
fn unescaped(place: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(place.len());
    let mut rest = place;
    while let Some((first, tail)) = rest.split_first() {
        let number = (*first == b'\\').then(|| tail.get(..3)).flatten();
        let number = number.and_then(|digits| std::str::from_utf8(digits).ok());
        if let Some(byte) = number.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            out.push(byte);
            rest = tail.get(3..).unwrap_or_default();
        } else {
            out.push(*first);
            rest = tail;
        }
    }
    out
}

/// The directories of a layer, and the lock that says that it is in use for as long as the file is open.
pub(crate) fn make_layer(store: &Path) -> Result<File, Error> {
    for name in [UPPER, WORK] {
        make_private(&store.join(name))?;
    }
    let lock = store.join(LOCK);
    let file = OpenOptions::new().create(true).append(true).mode(0o600).open(&lock);
    let file = file.map_err(|error| file_error("make", &lock, &error))?;
    file.lock_shared().map_err(|error| file_error("lock", &lock, &error))?;
    Ok(file)
}

impl Planned {
    /// Makes the layer, if that was not done already, and holds it for this process.
    pub(crate) fn make(&self, facts: &HostFacts) -> Result<LiveLayer, Error> {
        make_private(&self.directory)?;
        let mut trees = Vec::new();
        let mut locks = Vec::new();
        for (number, tree) in self.trees.iter().enumerate() {
            let store = self.directory.join(number.to_string());
            locks.push(make_layer(&store)?);
            like_its_tree(tree, &store.join(UPPER))?;
            let object = facts.object(tree).map_or((0, 0), |object| (object.id.device, object.id.inode));
            trees.push(TreeRecord { path: tree.clone(), object });
        }
        let (id, command) = (self.id.clone(), self.command.clone());
        // Last: what changes from now on was changed while the sandbox stood.
        let boot = Some(clock::boot().unwrap_or_default());
        let record = LayerRecord { version: 1, id, started: clock::parting(), command, trees, boot };
        let text = serde_json::to_vec(&record).unwrap_or_default();
        write_whole(&self.directory.join(RECORD), &text)?;
        Ok(LiveLayer { layer: Layer { record, directory: self.directory.clone() }, locks })
    }
}

/// The root of a layer is what the root of its tree looks like inside.
fn like_its_tree(tree: &AbsPath, upper: &Path) -> Result<(), Error> {
    let tree = Path::new(OsStr::from_bytes(tree.as_bytes()));
    let data = fs::symlink_metadata(tree).map_err(|error| file_error("look at", tree, &error))?;
    let set = || {
        fs::set_permissions(upper, fs::Permissions::from_mode(data.mode() & 0o7777))?;
        let times = fs::FileTimes::new().set_modified(data.modified()?);
        File::open(upper)?.set_times(times)
    };
    set().map_err(|error| file_error("make", upper, &error))
}

/// A layer in which a sandbox of this process writes.
#[derive(Debug)]
pub(crate) struct LiveLayer {
    layer: Layer,
    locks: Vec<File>,
}

/// What became of a layer when its sandbox ended.
#[derive(Clone, Debug)]
pub struct LayerEnd {
    /// Its name.
    pub id: String,
    /// Names that it changes. With none it is gone.
    pub changes: usize,
}

impl LiveLayer {
    /// Takes stock when the sandbox has ended, and shows each change with its tree. A layer that changes nothing goes.
    pub(crate) fn end(self, seen: &mut dyn FnMut(&AbsPath, &Change)) -> Result<LayerEnd, Error> {
        let Self { layer, locks } = self;
        drop(locks);
        let held = layer.hold_within(Duration::from_secs(5))?;
        let changes = layer.settle(seen)?;
        let id = layer.record.id.clone();
        if changes == 0 {
            layer.remove(held)?;
        }
        Ok(LayerEnd { id, changes })
    }
}

/// The layers of a user.
#[derive(Clone, Debug)]
pub struct Layers(PathBuf);

/// A layer.
#[derive(Clone, Debug)]
pub struct Layer {
    /// What is written down of it.
    pub record: LayerRecord,
    directory: PathBuf,
}

/// A layer that no sandbox uses, and nobody else changes something from.
#[derive(Debug)]
pub struct Held(#[expect(dead_code, reason = "the lock lasts as long as this")] Vec<File>);

impl Layers {
    /// Those in a state directory.
    #[must_use]
    pub fn new(state: &AbsPath) -> Self {
        Self(Path::new(OsStr::from_bytes(state.as_bytes())).join("layers"))
    }

    /// Those of the user with this environment.
    ///
    /// # Errors
    /// Without a home.
    pub fn of(environment: &[(Vec<u8>, Vec<u8>)]) -> Result<Self, Error> {
        Ok(Self::new(&crate::residue::state(environment)?))
    }

    /// All of them, the oldest first. What is no layer is passed over.
    ///
    /// # Errors
    /// A directory that cannot be read.
    pub fn list(&self) -> Result<Vec<Layer>, Error> {
        let entries = match fs::read_dir(&self.0) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            other => other.map_err(|error| file_error("read", &self.0, &error))?,
        };
        let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
        let mut found: Vec<Layer> = names.filter_map(|id| self.read(&id)).collect();
        found.sort_by(|one, other| {
            (one.record.started, &one.record.id).cmp(&(other.record.started, &other.record.id))
        });
        Ok(found)
    }

    /// Directories that were to be layers and never became one: their maker was killed.
    #[must_use]
    pub fn unfinished(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.0).into_iter().flatten().flatten();
        let unfinished = entries.map(|entry| entry.path()).filter(|path| !path.join(RECORD).exists());
        unfinished.filter(|path| !is_locked(path)).collect()
    }

    fn read(&self, id: &str) -> Option<Layer> {
        let directory = self.0.join(id);
        let text = fs::read(directory.join(RECORD)).ok()?;
        let record: LayerRecord = serde_json::from_slice(&text).ok()?;
        (is_id(id) && record.id == id && record.version == 1).then_some(Layer { record, directory })
    }

    /// The layer of this name, or the start of one; `None` if there is none.
    ///
    /// # Errors
    /// More than one name starts so.
    pub fn named(&self, name: &str) -> Result<Option<Layer>, Error> {
        if !is_id(name) {
            return Ok(None);
        }
        let mut found: Vec<Layer> =
            self.list()?.into_iter().filter(|layer| layer.record.id.starts_with(name)).collect();
        match found.len() {
            0 | 1 => Ok(found.pop()),
            _ => Err(ambiguous(&format!("more than one layer's name starts with {name}"), &found)),
        }
    }

    /// The one layer of the tree that holds a directory.
    ///
    /// # Errors
    /// There is none, or more than one.
    pub fn around(&self, directory: &AbsPath) -> Result<Layer, Error> {
        let holds = |layer: &Layer| layer.record.trees.iter().any(|tree| directory.starts_with(&tree.path));
        let mut found: Vec<Layer> = self.list()?.into_iter().filter(holds).collect();
        match found.len() {
            0 => Err(Error::Undo {
                what: "there is no layer here".into(),
                why: format!("no sandbox with a layer was run in {directory}"),
                hint: "run one with: garth run --cow -- COMMAND; `garth layers` lists them all".into(),
            }),
            1 => found.pop().ok_or_else(|| ambiguous("", &[])),
            _ => Err(ambiguous("there is more than one layer here", &found)),
        }
    }
}

fn is_locked(directory: &Path) -> bool {
    let locked = |path: PathBuf| {
        File::open(path).is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
    };
    locked(directory.join("0").join(LOCK))
}

fn ambiguous(what: &str, found: &[Layer]) -> Error {
    let line = |layer: &Layer| format!("{} ({})", layer.record.id, layer.record.command.join(" "));
    let names: Vec<String> = found.iter().map(line).collect();
    Error::Undo { what: what.into(), why: names.join("; "), hint: "name one of them".into() }
}

impl Layer {
    /// The directory for a tree, by its number in the record.
    pub(super) fn store(&self, tree: usize) -> PathBuf {
        self.directory.join(tree.to_string())
    }

    /// Opens what was written over a tree.
    pub(super) fn upper(&self, tree: usize) -> Result<Root, Error> {
        Root::open_layer(&self.store(tree).join(UPPER)).map_err(Error::os("open the layer"))
    }

    /// Opens a tree, which has to be the one that the layer was made over.
    pub(super) fn tree(&self, tree: &TreeRecord) -> Result<Root, Error> {
        if let Err(error) = fs::symlink_metadata(os_path(&tree.path))
            && matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
        {
            return Err(Error::Undo {
                what: format!("{} is not there", tree.path),
                why: "the layer was made over it, and it was moved or removed since".into(),
                hint: self.elsewhere(),
            });
        }
        let root = Root::open(&tree.path).map_err(Error::os("open the workspace"))?;
        if root.object().map_err(Error::os("open the workspace"))? == tree.object {
            return Ok(root);
        }
        Err(Error::Undo {
            what: format!("{} is not the directory that the layer was made over", tree.path),
            why: "it was replaced by another one of the same name".into(),
            hint: self.elsewhere(),
        })
    }

    fn elsewhere(&self) -> String {
        let directory = self.directory.display();
        format!("move it back to this place, or take what you need out of the layer's files in {directory}")
    }

    /// Whether all its trees are there, and are those that it was made over.
    ///
    /// # Errors
    /// The first that is not.
    pub fn has_its_trees(&self) -> Result<(), Error> {
        self.record.trees.iter().try_for_each(|tree| self.tree(tree).map(drop))
    }

    /// Whether it belongs to root.
    pub(super) fn is_roots(&self) -> bool {
        fs::symlink_metadata(&self.directory).is_ok_and(|data| data.uid() == 0)
    }

    /// Whether a sandbox uses it, or somebody changes something from it.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        is_locked(&self.directory)
    }

    /// Holds it for this process.
    ///
    /// # Errors
    /// A sandbox uses it, or somebody else holds it.
    pub fn hold(&self) -> Result<Held, Error> {
        // Whoever only looks whether it is in use holds it for a moment.
        self.hold_within(Duration::from_millis(200))
    }

    fn hold_within(&self, patience: Duration) -> Result<Held, Error> {
        let end = Instant::now() + patience;
        let mut held = Vec::new();
        for number in 0..self.record.trees.len() {
            let path = self.store(number).join(LOCK);
            let file = File::open(&path).map_err(|error| file_error("open", &path, &error))?;
            loop {
                match file.try_lock() {
                    Ok(()) => break,
                    Err(TryLockError::WouldBlock) if Instant::now() < end => {
                        std::thread::sleep(Duration::from_millis(2));
                    }
                    Err(TryLockError::WouldBlock) => return Err(self.busy()),
                    Err(TryLockError::Error(error)) => return Err(file_error("lock", &path, &error)),
                }
            }
            held.push(file);
        }
        Ok(Held(held))
    }

    fn busy(&self) -> Error {
        Error::Undo {
            what: format!("the layer {} is in use", self.record.id),
            why: "its command still runs, or another `garth` works on it".into(),
            hint: "wait for its end, or end the command".into(),
        }
    }

    /// Removes it with all that is in it.
    ///
    /// # Errors
    /// What cannot be removed.
    pub fn remove(self, held: Held) -> Result<(), Error> {
        let path = &self.directory;
        // Without its record it is no layer any more, so what is left by a crash is only residue.
        let record = path.join(RECORD);
        fs::remove_file(&record).map_err(|error| file_error("remove", &record, &error))?;
        remove_directory(path)?;
        drop(held);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_mounts_read_back() {
        assert_eq!(unescaped(b"/a\\040b\\134"), b"/a b\\");
        assert_eq!(unescaped(b"/a\\9"), b"/a\\9");
    }

    #[test]
    fn what_holds_a_mount_or_the_store_gets_no_layer() {
        let path = |text: &str| AbsPath::posix(text.as_bytes()).unwrap();
        assert!(refuse_tree(&path("/"), &path("/x")).is_err());
        assert!(refuse_tree(&path("/no/such"), &path("/no/such/state/layers")).is_err());
        assert!(refuse_tree(&path("/no/such"), &path("/no/other")).is_ok());
    }
}
