//! The only reading of the machine: answers to the planner's questions, through opened objects.

use crate::files::read_small;
use crate::linux::links::Links;
use crate::linux::sys::landlock;
use crate::linux::walk::Walk;
use garth_plan::facts::{FactQuery, Features, HostFacts, Object, PathFact, User};
use garth_plan::linux::spec::FileId;
use garth_policy::{AbsPath, NodeKind};
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{
    Access, AtFlags, CWD, FileType, Mode, OFlags, Stat, accessat, fstat, openat, readlinkat_raw,
};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::CString;
use std::mem::MaybeUninit;

/// Directory listings stop here; what stands there is guarded by name all the same.
const MOST: usize = 1000;

/// Reads the machine and answers a query.
#[must_use]
pub fn facts(query: &FactQuery) -> HostFacts {
    let mut facts = HostFacts {
        features: features(),
        user: User { uid: rustix::process::geteuid().as_raw(), gid: rustix::process::getegid().as_raw() },
        paths: BTreeMap::new(),
        texts: BTreeMap::new(),
        lists: BTreeMap::new(),
        linked: BTreeMap::new(),
        mappable: BTreeSet::new(),
        control_group: None,
    };
    extend(&mut facts, query);
    super::mapped::look(&mut facts);
    if query.control_group {
        facts.control_group = super::control_group::find();
    }
    if query.own_file_systems {
        facts.features.own_file_systems_refused = super::inside::told::refused();
    }
    facts
}

/// Answers further questions.
pub fn extend(facts: &mut HostFacts, query: &FactQuery) {
    look_at_paths(facts, query);
    for path in &query.texts {
        if let Ok(text) = read_small(path) {
            facts.texts.insert(path.clone(), text);
        }
    }
    for path in &query.lists {
        if let Some(list) = list(path) {
            facts.lists.insert(path.clone(), list);
        }
    }
}

/// Looks at what is asked for by itself and at what is denied, in one walk.
fn look_at_paths(facts: &mut HostFacts, query: &FactQuery) {
    let wanted = together(&query.paths, &query.sealed);
    let mut walk = Walk::new(wanted.iter().map(|wanted| wanted.path).collect());
    let mut links = Links::default();
    let mut seen = Vec::with_capacity(query.paths.len());
    for Wanted { path, by_itself, denied } in &wanted {
        let object = walk.look(path);
        if let Some(object) = object.as_ref().filter(|_| *denied) {
            links.see(object);
        }
        if *by_itself {
            seen.push(((*path).clone(), object.map_or(PathFact::Absent, PathFact::Present)));
        }
    }
    // In order, so the map is put together in one go.
    facts.paths.append(&mut seen.into_iter().collect());
    facts.linked.append(&mut links.elsewhere());
}

/// A path to look at, and what for.
struct Wanted<'q> {
    path: &'q AbsPath,
    by_itself: bool,
    denied: bool,
}

/// The paths of both sets in their order, each once.
fn together<'q>(paths: &'q BTreeSet<AbsPath>, denied: &'q BTreeSet<AbsPath>) -> Vec<Wanted<'q>> {
    let mut wanted = Vec::with_capacity(paths.len() + denied.len());
    let (mut paths, mut denied) = (paths.iter().peekable(), denied.iter().peekable());
    while let Some(path) = [paths.peek(), denied.peek()].into_iter().flatten().min().copied() {
        let by_itself = paths.next_if(|next| *next == path).is_some();
        let denied = denied.next_if(|next| *next == path).is_some();
        wanted.push(Wanted { path, by_itself, denied });
    }
    wanted
}

/// What the kernel offers, by asking it.
#[must_use]
pub fn features() -> Features {
    let name = rustix::system::uname();
    Features {
        kernel: format!("{} {}", name.sysname().to_string_lossy(), name.release().to_string_lossy()),
        arch: name.machine().to_string_lossy().into_owned(),
        namespaces_refused: None,
        redirect_refused: None,
        own_file_systems_refused: None,
        landlock: landlock::abi(),
        supervision: crate::linux::sys::notify::available(),
    }
}

pub(super) fn name(path: &AbsPath) -> Option<CString> {
    CString::new(path.as_bytes()).ok()
}

/// Looks at a path without following a link, and at what it leads to.
#[must_use]
pub fn look(path: &AbsPath) -> Option<Object> {
    let name = name(path)?;
    let own = openat(CWD, name.as_c_str(), OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())
        .ok()?;
    let stat = fstat(&own).ok()?;
    let kind = kind(&stat);
    if kind != NodeKind::Symlink {
        let final_path = final_path(&own).unwrap_or_else(|| path.clone());
        return Some(object_from(final_path, kind, &stat, readable(&name, &stat)));
    }
    let link = read_link(&own);
    if link.as_deref().is_some_and(leads_to_reader) {
        return Some(Object { link, ..object_from(path.clone(), kind, &stat, false) });
    }
    let Ok(object) = openat(CWD, name.as_c_str(), OFlags::PATH | OFlags::CLOEXEC, Mode::empty()) else {
        // A link that leads nowhere is still a name.
        return Some(Object { link, ..object_from(path.clone(), kind, &stat, false) });
    };
    let stat = fstat(&object).ok()?;
    let final_path = final_path(&object).unwrap_or_else(|| path.clone());
    Some(Object { kind, link, ..object_from(final_path, self::kind(&stat), &stat, readable(&name, &stat)) })
}

/// Whether a link leads into the `/proc` of whoever follows it: what is there for this process says nothing about what
/// will be there for another, so the link is all there is to know.
pub(super) fn leads_to_reader(link: &[u8]) -> bool {
    link.starts_with(b"/proc/self/") || link.starts_with(b"/proc/thread-self/")
}

/// Whether this user may read the object. Only where the permission bits leave a doubt is the kernel asked.
pub(super) fn readable(name: &CString, stat: &Stat) -> bool {
    stat.st_mode & 0o004 != 0 || accessat(CWD, name.as_c_str(), Access::READ_OK, AtFlags::EACCESS).is_ok()
}

pub(super) fn object_from(final_path: AbsPath, kind: NodeKind, stat: &Stat, readable: bool) -> Object {
    Object {
        kind,
        link: None,
        final_path,
        final_kind: kind,
        id: FileId { device: stat.st_dev, inode: stat.st_ino },
        mode: stat.st_mode & 0o7777,
        owner: stat.st_uid,
        links: stat.st_nlink,
        readable,
    }
}

pub(super) fn kind(stat: &Stat) -> NodeKind {
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => NodeKind::File,
        FileType::Directory => NodeKind::Directory,
        FileType::Symlink => NodeKind::Symlink,
        _ => NodeKind::Other,
    }
}

fn final_path(object: &OwnedFd) -> Option<AbsPath> {
    crate::linux::supervise::place::final_path(object.as_fd()).ok()
}

/// What an opened link says.
fn read_link(link: &OwnedFd) -> Option<Vec<u8>> {
    let mut buffer = [MaybeUninit::uninit(); 4096];
    let (text, _) = readlinkat_raw(link, c"", &mut buffer).ok()?;
    Some(text.to_vec())
}

fn list(path: &AbsPath) -> Option<Vec<(String, NodeKind)>> {
    let name = name(path)?;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let directory = openat(CWD, name.as_c_str(), flags, Mode::empty()).ok()?;
    let entries = rustix::fs::Dir::read_from(&directory).ok()?;
    let mut found = Vec::new();
    for entry in entries.flatten().take(MOST) {
        let Ok(name) = entry.file_name().to_str() else { continue };
        if name == "." || name == ".." {
            continue;
        }
        let kind = match entry.file_type() {
            FileType::RegularFile => NodeKind::File,
            FileType::Directory => NodeKind::Directory,
            FileType::Symlink => NodeKind::Symlink,
            _ => NodeKind::Other,
        };
        found.push((name.to_owned(), kind));
    }
    found.sort();
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wanted_twice_is_looked_at_once() {
        let set = |names: &[&str]| names.iter().map(|name| AbsPath::posix(*name).unwrap()).collect();
        let (paths, denied): (BTreeSet<_>, BTreeSet<_>) =
            (set(&["/a", "/b/c", "/d"]), set(&["/b", "/d", "/e"]));
        let wanted = together(&paths, &denied);
        let wanted: Vec<_> =
            wanted.iter().map(|one| (one.path.to_string(), one.by_itself, one.denied)).collect();
        let expected = [
            ("/a", true, false),
            ("/b", false, true),
            ("/b/c", true, false),
            ("/d", true, true),
            ("/e", false, true),
        ];
        assert_eq!(wanted, expected.map(|(path, by_itself, denied)| (path.to_owned(), by_itself, denied)));
    }

    #[test]
    fn denied_files_with_further_names_are_found_on_the_way() {
        let scratch = tempfile::tempdir().unwrap();
        let at =
            |name: &str| AbsPath::posix(scratch.path().join(name).as_os_str().as_encoded_bytes()).unwrap();
        std::fs::create_dir(scratch.path().join("keys")).unwrap();
        for name in ["keys/one", "two", "three"] {
            std::fs::write(scratch.path().join(name), "").unwrap();
            std::fs::hard_link(scratch.path().join(name), scratch.path().join(format!("{name}-too")))
                .unwrap();
        }
        std::fs::remove_file(scratch.path().join("keys/one-too")).unwrap();
        std::fs::hard_link(scratch.path().join("keys/one"), scratch.path().join("one")).unwrap();
        let mut query = FactQuery::nothing();
        query.paths = ["three", "two"].map(at).into();
        query.sealed = ["keys", "none", "two"].map(at).into();
        let facts = facts(&query);
        assert!(facts.linked.keys().eq([at("keys/one"), at("two")].iter()), "{:?}", facts.linked);
        assert!(facts.paths.keys().eq([at("three"), at("two")].iter()));
    }
}
