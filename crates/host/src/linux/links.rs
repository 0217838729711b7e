//! Further names of denied files.

use super::facts::name;
use garth_plan::facts::Object;
use garth_plan::linux::spec::FileId;
use garth_policy::{AbsPath, NodeKind};
use rustix::fd::OwnedFd;
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, RawDir, openat, statat};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::mem::MaybeUninit;

/// So many files of one directory are looked at: a start must not take longer the more a browser keeps.
const MOST: usize = 64;

/// A file with several names.
struct Found {
    /// How many it has.
    links: u64,
    /// Those that were come by, all of them denied. A place and a directory around it name the same.
    seen: BTreeSet<AbsPath>,
}

/// The files that have names beside those that were come by.
#[derive(Default)]
pub(super) struct Links(HashMap<FileId, Found>);

impl Links {
    /// Takes a denied file, or what stands directly in a denied directory. They come in the order of their places.
    pub(super) fn see(&mut self, object: &Object) {
        match object.final_kind {
            NodeKind::File => {
                note(&mut self.0, object.id, object.links, || Some(object.final_path.clone()));
            }
            NodeKind::Directory => directory(&mut self.0, &object.final_path),
            NodeKind::Symlink | NodeKind::Other => {}
        }
    }

    /// Those of them that have a name which was not come by.
    pub(super) fn elsewhere(self) -> BTreeMap<AbsPath, FileId> {
        let first = |(id, file): (FileId, Found)| {
            let all = u64::try_from(file.seen.len()).is_ok_and(|seen| seen == file.links);
            file.seen.into_iter().next().filter(|_| !all).map(|path| (path, id))
        };
        self.0.into_iter().filter_map(first).collect()
    }
}

fn note(found: &mut HashMap<FileId, Found>, id: FileId, links: u64, path: impl FnOnce() -> Option<AbsPath>) {
    if links > 1
        && let Some(path) = path()
    {
        found.entry(id).or_insert_with(|| Found { links, seen: BTreeSet::new() }).seen.insert(path);
    }
}

fn directory(found: &mut HashMap<FileId, Found>, path: &AbsPath) {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let opened = name(path).and_then(|name| openat(CWD, name.as_c_str(), flags, Mode::empty()).ok());
    let Some(opened) = opened else { return };
    let mut buffer = [MaybeUninit::uninit(); 4096];
    let mut entries = RawDir::new(&opened, &mut buffer);
    let mut looked = 0;
    while let Some(Ok(entry)) = entries.next() {
        if looked == MOST {
            return;
        }
        if matches!(entry.file_type(), FileType::RegularFile | FileType::Unknown) {
            looked += 1;
            file(found, &opened, entry.file_name(), path);
        }
    }
}

fn file(found: &mut HashMap<FileId, Found>, directory: &OwnedFd, name: &std::ffi::CStr, path: &AbsPath) {
    let Ok(stat) = statat(directory, name, AtFlags::SYMLINK_NOFOLLOW) else { return };
    if FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile {
        let id = FileId { device: stat.st_dev, inode: stat.st_ino };
        note(found, id, stat.st_nlink, || path.join(name.to_bytes()).ok());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linux::walk::Walk;
    use std::fs::{create_dir, hard_link, write};

    fn look(places: &BTreeSet<AbsPath>) -> BTreeMap<AbsPath, FileId> {
        let (mut walk, mut links) = (Walk::new(places.iter().collect()), Links::default());
        places.iter().filter_map(|place| walk.look(place)).for_each(|object| links.see(&object));
        links.elsewhere()
    }

    #[test]
    fn files_with_a_name_elsewhere_are_found() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        let at = |name: &str| AbsPath::posix(root.join(name).as_os_str().as_encoded_bytes()).unwrap();
        create_dir(root.join("keys")).unwrap();
        for name in ["alone", "linked", "keys/alone", "keys/linked", "keys/twice"] {
            write(root.join(name), "secret").unwrap();
        }
        hard_link(root.join("linked"), root.join("elsewhere")).unwrap();
        hard_link(root.join("keys/linked"), root.join("elsewhere-2")).unwrap();
        hard_link(root.join("keys/twice"), root.join("keys/other")).unwrap();
        std::os::unix::fs::symlink(root.join("linked"), root.join("to-linked")).unwrap();
        let places = ["alone", "keys", "linked", "none"].map(at);
        let found = look(&places.into());
        let paths: Vec<_> = found.keys().cloned().collect();
        assert_eq!(paths, [at("keys/linked"), at("linked")], "all names of keys/twice are denied");
        // A link to a credential is a credential.
        assert_eq!(
            look(&[at("to-linked")].into()).values().copied().collect::<Vec<_>>(),
            [found[&at("linked")]]
        );
        // A name that is come by twice is one name.
        assert_eq!(look(&["keys", "keys/linked"].map(at).into()).len(), 1);
        // Once the name elsewhere is named too, none is left.
        assert!(look(&["elsewhere", "linked"].map(at).into()).is_empty());
    }

    #[test]
    fn a_long_directory_is_not_looked_at_to_its_end() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        create_dir(root.join("keys")).unwrap();
        for number in 0..3 * MOST {
            write(root.join(format!("keys/{number}")), "secret").unwrap();
            hard_link(root.join(format!("keys/{number}")), root.join(format!("{number}"))).unwrap();
        }
        let path = AbsPath::posix(root.join("keys").as_os_str().as_encoded_bytes()).unwrap();
        assert_eq!(look(&[path].into()).len(), MOST);
    }
}
