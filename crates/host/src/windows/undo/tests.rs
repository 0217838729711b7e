//! A tree that is looked at, changed by anybody, and put back.

use super::place::{Obstacle, Placer, Source, Unwatched};
use super::{Root, content};
use crate::OsError;
use crate::error::Context;
use crate::undo::Opened;
use crate::windows::sys::volume;
use garth_policy::AbsPath;
use garth_undo::{Change, Entry, Kind, Tree, compare, order};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

fn tree(directory: &Path) -> Root {
    // Its final path: the temporary directory may be named by a short form.
    #[expect(clippy::disallowed_methods, reason = "what the test stands on, which nobody else changes")]
    let path = fs::canonicalize(directory).unwrap();
    let text = path.to_str().unwrap().strip_prefix(r"\\?\").unwrap().to_owned();
    Root::open(&AbsPath::windows(&text).unwrap()).unwrap()
}

fn path(text: &str) -> AbsPath {
    AbsPath::posix(text.as_bytes()).unwrap()
}

/// All that stands in a tree, and copies of its contents.
struct Kept {
    entries: BTreeMap<AbsPath, Option<Entry>>,
    copies: PathBuf,
    files: BTreeMap<AbsPath, PathBuf>,
}

impl Kept {
    fn of(root: &mut Root, copies: &Path) -> Self {
        let mut kept = Self { entries: BTreeMap::new(), copies: copies.to_owned(), files: BTreeMap::new() };
        let mut todo = vec![path("/")];
        while let Some(directory) = todo.pop() {
            for name in root.names(&directory).unwrap() {
                let at = directory.join(&name).unwrap();
                let entry = root.look(&at).unwrap().unwrap().entry;
                match entry.kind {
                    Kind::Directory => todo.push(at.clone()),
                    Kind::File => kept.copy(root, &at),
                    _ => {}
                }
                kept.entries.insert(at, Some(entry));
            }
        }
        kept
    }

    fn copy(&mut self, root: &mut Root, at: &AbsPath) {
        let to = self.copies.join(self.files.len().to_string());
        let from = root.open_file(at).unwrap();
        content::copy(&from, &Opened::from(File::create(&to).unwrap())).unwrap();
        self.files.insert(at.clone(), to);
    }

    /// What has to be done for the tree to be as it was kept.
    fn changes(&self, root: &mut Root) -> Vec<Change> {
        let mut found = compare(root, &self.entries, |_, _| false).unwrap().changes;
        found.retain_mut(|change| {
            if change.wants_content() {
                let here = root.open_file(&change.path).unwrap();
                change.same_content =
                    content::same(&here, File::open(&self.files[&change.path]).unwrap()).unwrap();
            }
            !change.same_content || change.matters_with_same_content()
        });
        found
    }

    fn put_back(&mut self, root: &mut Root) -> Result<usize, Obstacle> {
        let changes = self.changes(root);
        let journal = Opened::from(File::create(self.copies.join("journal")).unwrap());
        let mut watch = Unwatched;
        let mut placer = Placer::new(root, self, &mut watch, &journal, "x");
        placer.place(&changes, &order(&changes)).map(|()| changes.len())
    }
}

impl Source for Kept {
    fn content(&mut self, path: &AbsPath) -> Result<Opened, OsError> {
        File::open(&self.files[path]).map(Opened::from).on("open", path)
    }
}

fn set_read_only(file: &Path, value: bool) {
    let mut permissions = fs::metadata(file).unwrap().permissions();
    permissions.set_readonly(value);
    fs::set_permissions(file, permissions).unwrap();
}

/// A tree with some of everything.
fn filled(at: &Path) {
    fs::create_dir_all(at.join("Dir/sub")).unwrap();
    fs::create_dir(at.join("empty")).unwrap();
    for (name, text) in [
        ("a", "one"),
        ("Dir/b", "two"),
        ("Dir/sub/c", ""),
        ("locked", "three"),
        ("turned", "four"),
        ("長い äö", "five"),
    ] {
        fs::write(at.join(name), text).unwrap();
    }
    fs::hard_link(at.join("a"), at.join("again")).unwrap();
    set_read_only(&at.join("locked"), true);
}

#[test]
fn what_was_changed_is_put_back() {
    let (place, copies) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let at = place.path();
    filled(at);
    let mut root = tree(at);
    let mut kept = Kept::of(&mut root, copies.path());
    assert_eq!(kept.changes(&mut root), []);
    root.forget();
    fs::write(at.join("a"), "another").unwrap();
    fs::remove_file(at.join("Dir/sub/c")).unwrap();
    fs::remove_dir(at.join("Dir/sub")).unwrap();
    fs::rename(at.join("Dir"), at.join("dir")).unwrap();
    set_read_only(&at.join("locked"), false);
    fs::remove_file(at.join("locked")).unwrap();
    fs::remove_file(at.join("turned")).unwrap();
    fs::create_dir_all(at.join("turned/into/more")).unwrap();
    fs::remove_dir(at.join("empty")).unwrap();
    fs::write(at.join("empty"), "a file now").unwrap();
    set_read_only(&at.join("empty"), true);
    fs::write(at.join("new"), "new").unwrap();
    root.forget();
    assert!(kept.put_back(&mut root).unwrap() > 8);
    root.forget();
    assert_eq!(kept.changes(&mut root), []);
    assert_eq!(fs::read(at.join("a")).unwrap(), b"one");
    assert_eq!(fs::read(at.join("again")).unwrap(), b"one");
    assert!(fs::metadata(at.join("locked")).unwrap().permissions().readonly());
    let mut names: Vec<_> = fs::read_dir(at).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["Dir", "a", "again", "empty", "locked", "turned", "長い äö"]);
    // Else the directory cannot be removed.
    set_read_only(&at.join("locked"), false);
}

#[test]
fn a_name_in_other_letters_is_another_name() {
    let place = tempfile::tempdir().unwrap();
    fs::create_dir(place.path().join("Dir")).unwrap();
    fs::write(place.path().join("Dir/File"), "x").unwrap();
    let mut root = tree(place.path());
    for (name, is_there) in [
        ("/Dir", true),
        ("/dir", false),
        ("/Dir/File", true),
        ("/Dir/FILE", false),
        ("/dir/File", false),
        ("/none/x", false),
    ] {
        assert_eq!(root.look(&path(name)).unwrap().is_some(), is_there, "{name}");
        assert_eq!(root.open_file(&path(name)).is_ok(), name == "/Dir/File", "{name}");
    }
}

#[test]
fn what_was_changed_meanwhile_is_left() {
    let (place, copies) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::write(place.path().join("x"), "one").unwrap();
    let mut root = tree(place.path());
    let mut kept = Kept::of(&mut root, copies.path());
    fs::write(place.path().join("x"), "changed").unwrap();
    let changes = kept.changes(&mut root);
    fs::write(place.path().join("x"), "changed once more").unwrap();
    let journal = Opened::from(File::create(copies.path().join("journal")).unwrap());
    let mut watch = Unwatched;
    let mut placer = Placer::new(&mut root, &mut kept, &mut watch, &journal, "x");
    assert_eq!(placer.place(&changes, &order(&changes)), Err(Obstacle::Moved(path("/x"))));
    placer.tidy().unwrap();
    assert_eq!(fs::read(place.path().join("x")).unwrap(), b"changed once more");
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1, "nothing else is left");
}

/// Where there are further streams; Wine has none.
#[test]
fn streams_are_kept_and_long_ones_refused() {
    let (place, copies) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    if !volume::of(place.path().to_str().unwrap()).unwrap().streams {
        return;
    }
    let at = |name: &str| place.path().join(name);
    fs::write(at("x"), "one").unwrap();
    fs::write(at("x:mark"), "of the web").unwrap();
    fs::write(at("long"), "").unwrap();
    let mut root = tree(place.path());
    let mut kept = Kept::of(&mut root, copies.path());
    fs::write(at("long:much"), vec![0; 70_000]).unwrap();
    assert!(root.open_file(&path("/long")).is_err());
    fs::remove_file(at("long:much")).unwrap();
    fs::remove_file(at("x:mark")).unwrap();
    fs::write(at("x:other"), "y").unwrap();
    assert_eq!(kept.put_back(&mut root).unwrap(), 1);
    assert_eq!(fs::read(at("x:mark")).unwrap(), b"of the web");
    assert!(fs::read(at("x:other")).is_err());
}
