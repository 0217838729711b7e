//! One change: making it, reading it back, and taking it back as far as it is there.

use crate::windows::error::{Error, Result};
use crate::windows::facts::{NULL_DEVICE, name};
use crate::windows::sys::file::{Links, Node, Wanted};
use crate::windows::sys::{container, isolation};
use garth_plan::windows::facts::FileId;
use garth_plan::windows::journal::{Change, Restored, goes_at_end, granted, restored, revoked};
use garth_plan::windows::spec::{Grant, Guard, Pin, Reservation};
use garth_plan::windows::{Ace, Acl, Control, Listed, SecurityDescriptor, Sid};
use garth_policy::{AbsPath, NodeKind};
use std::io::Read;

/// `ERROR_FILE_NOT_FOUND`, `ERROR_PATH_NOT_FOUND`
const ABSENT: [i32; 2] = [2, 3];

/// What came of taking a change back.
#[derive(Debug)]
pub(super) enum Undone {
    /// It was taken back.
    Done,
    /// It was not there.
    Gone,
    /// It is not garth's to take back, for this reason.
    Left(String),
}

/// A change, for people.
pub(super) fn describe(change: &Change) -> String {
    match change {
        Change::Profile(profile) => format!("the container {}", profile.name),
        Change::Directory(directory) => format!("the directory {}", directory.path),
        Change::Guard { guard, .. } => format!("the protection of {}", guard.path),
        Change::Grant(grant) => format!("{} access entries of {}", grant.entries.len(), grant.path),
        Change::Reservation(reservation) => format!("the placeholder {}", reservation.path),
        Change::NullDevice(entries) => format!("{} access entries of the null device", entries.len()),
        Change::Loopback(package) => format!("the exemption of {package} from the isolation of the loopback"),
    }
}

/// The descriptor of what stands at a path.
pub(super) fn protection(path: &AbsPath) -> Result<SecurityDescriptor> {
    Node::open(&name(path)?, Wanted::Security, Links::Stay)?.security()
}

/// Makes a change. What has to be held open for it comes back.
pub(super) fn apply(change: &Change, held: &[Ace]) -> Result<Option<Node>> {
    match change {
        Change::Profile(profile) => container::ensure(&profile.name, &profile.display).map(|_| None),
        Change::Directory(directory) => {
            let node = Node::make_directory(&name(&directory.path)?, &directory.security, Wanted::Security)?;
            same_list(&node, &directory.path, &directory.security)?;
            Ok(None)
        }
        Change::Guard { guard, .. } => set_guard(guard, held).map(|()| None),
        Change::Grant(grant) => grant_entries(grant).map(|()| None),
        Change::Reservation(reservation) => reserve(reservation).map(Some),
        Change::NullDevice(entries) => on_null_device(entries, granted).map(|_| None),
        Change::Loopback(package) => exempt(*package, true).map(|_| None),
    }
}

/// Opens what a plan speaks of, and nothing else that has taken its name meanwhile.
fn expected(path: &AbsPath, id: FileId, wanted: Wanted) -> Result<Node> {
    let node = Node::open(&name(path)?, wanted, Links::Stay)?;
    let (found, links) = node.identity()?;
    if node.kind()?.tag.is_some() {
        return Err(Error::value(path.to_string(), "it has become a link since the plan was made"));
    }
    if found != id {
        return Err(Error::value(path.to_string(), "it is another object than when the plan was made"));
    }
    // Entries lie on the object: under its other names they would open it as well.
    if links > 1 && !node.kind()?.directory && wanted == Wanted::Protection {
        return Err(Error::value(path.to_string(), format!("the file has {links} names")));
    }
    Ok(node)
}

fn list_of(node: &Node, path: &AbsPath) -> Result<(SecurityDescriptor, Acl)> {
    list_at(node, &path.to_string())
}

fn list_at(node: &Node, path: &str) -> Result<(SecurityDescriptor, Acl)> {
    let security = node.security()?;
    match &security.dacl {
        Listed::Present(list) => {
            let list = list.clone();
            Ok((security, list))
        }
        Listed::Absent | Listed::Null => {
            Err(Error::value(path, "it has no access list, so everybody may do everything to it"))
        }
    }
}

fn is_protected(security: &SecurityDescriptor) -> bool {
    security.control.contains(Control::DACL_PROTECTED)
}

fn grant_entries(grant: &Grant) -> Result<()> {
    let node = expected(&grant.path, grant.expect, Wanted::Protection)?;
    let (security, list) = list_of(&node, &grant.path)?;
    let Some(with) = granted(&list, &grant.entries) else { return Ok(()) };
    node.set_dacl(&with, is_protected(&security), grant.propagates)?;
    let (_, list) = list_of(&node, &grant.path)?;
    if granted(&list, &grant.entries).is_some() {
        return Err(not_kept(&grant.path, "an access entry"));
    }
    Ok(())
}

fn set_guard(guard: &Guard, held: &[Ace]) -> Result<()> {
    let node = expected(&guard.path, guard.expect, Wanted::Protection)?;
    list_of(&node, &guard.path)?;
    let Some(list) = guard.security.dacl.acl() else {
        return Err(Error::value(guard.path.to_string(), "its guard has no access list"));
    };
    let with = granted(list, held).unwrap_or_else(|| list.clone());
    node.set_dacl(&with, is_protected(&guard.security), guard.directory)?;
    let ordered = SecurityDescriptor { dacl: Listed::Present(with), ..guard.security.clone() };
    same_list(&node, &guard.path, &ordered)
}

/// Whether the explicit entries of an object are those that were ordered.
fn same_list(node: &Node, path: &AbsPath, ordered: &SecurityDescriptor) -> Result<()> {
    let found = node.security()?;
    // To restore the ordered one is to do nothing exactly if it is there.
    match restored(&found, ordered, ordered, &[]) {
        Restored::Nothing => Ok(()),
        Restored::Write(..) | Restored::Foreign => Err(not_kept(path, "its access list")),
    }
}

fn not_kept(path: &AbsPath, what: &str) -> Error {
    Error::NotKept { object: path.to_string(), what: what.to_owned() }
}

fn reserve(reservation: &Reservation) -> Result<Node> {
    let (path, security) = (name(&reservation.path)?, &reservation.security);
    let on_close = !goes_at_end(reservation);
    if reservation.kind != NodeKind::Directory {
        let made = Node::make_file(&path, security, on_close)?;
        if !reservation.content.is_empty() {
            crate::error::Context::on(std::fs::write(&path, &reservation.content), "write", &path)?;
        }
        return Ok(made);
    }
    Node::make_directory(&path, security, if on_close { Wanted::UntilClosed } else { Wanted::Security })
}

/// Holds an object, so that nobody removes or renames it.
pub(super) fn pin(pin: &Pin) -> Result<Node> {
    match pin.expect {
        Some(id) => expected(&pin.path, id, Wanted::Hold),
        None => Node::open(&name(&pin.path)?, Wanted::Hold, Links::Stay),
    }
}

/// Takes a change back.
pub(super) fn undo(change: &Change, held: &[Ace]) -> Result<Undone> {
    match change {
        Change::Profile(profile) => container::remove(&profile.name).map(|()| Undone::Done),
        Change::Directory(directory) => remove_directory(&directory.path),
        Change::Guard { guard, before } => unguard(guard, before, held),
        Change::Grant(grant) => revoke(grant),
        Change::Reservation(reservation) => release(reservation),
        Change::NullDevice(entries) => on_null_device(entries, revoked),
        Change::Loopback(package) => exempt(*package, false),
    }
}

fn absent(error: &Error) -> bool {
    error.code().is_some_and(|code| ABSENT.contains(&code))
}

/// What a change was made on; `Err` holds what to say if it is not there any more.
fn still(path: &AbsPath, id: FileId) -> Result<core::result::Result<Node, Undone>> {
    let node = match Node::open(&name(path)?, Wanted::Protection, Links::Stay) {
        Ok(node) => node,
        Err(error) if absent(&error) => return Ok(Err(Undone::Gone)),
        Err(error) => return Err(error),
    };
    if node.identity()?.0 == id {
        return Ok(Ok(node));
    }
    Ok(Err(Undone::Left("another object has that name now".to_owned())))
}

fn revoke(grant: &Grant) -> Result<Undone> {
    let node = match still(&grant.path, grant.expect)? {
        Ok(node) => node,
        Err(undone) => return Ok(undone),
    };
    let (security, list) = list_of(&node, &grant.path)?;
    let Some(without) = revoked(&list, &grant.entries) else { return Ok(Undone::Gone) };
    node.set_dacl(&without, is_protected(&security), grant.propagates)?;
    let (_, list) = list_of(&node, &grant.path)?;
    if revoked(&list, &grant.entries).is_some() {
        return Err(not_kept(&grant.path, "the list without an access entry"));
    }
    Ok(Undone::Done)
}

/// Changes the null device's list. It is not propagated: nothing lies below.
fn on_null_device(entries: &[Ace], change: fn(&Acl, &[Ace]) -> Option<Acl>) -> Result<Undone> {
    let node = Node::open(NULL_DEVICE, Wanted::Protection, Links::Stay)?;
    let device = || list_at(&node, NULL_DEVICE);
    let (security, list) = device()?;
    let Some(wanted) = change(&list, entries) else { return Ok(Undone::Gone) };
    node.set_dacl(&wanted, is_protected(&security), false)?;
    if change(&device()?.1, entries).is_some() {
        return Err(Error::NotKept { object: NULL_DEVICE.to_owned(), what: "its access list".to_owned() });
    }
    Ok(Undone::Done)
}

fn exempt(package: Sid, exempted: bool) -> Result<Undone> {
    if !isolation::change(package, exempted)? {
        return Ok(Undone::Gone);
    }
    if isolation::exempt()?.contains(&package) != exempted {
        let what = "the list of exempt packages".to_owned();
        return Err(Error::NotKept { object: package.to_string(), what });
    }
    Ok(Undone::Done)
}

fn unguard(guard: &Guard, before: &SecurityDescriptor, held: &[Ace]) -> Result<Undone> {
    let node = match still(&guard.path, guard.expect)? {
        Ok(node) => node,
        Err(undone) => return Ok(undone),
    };
    match restored(&node.security()?, &guard.security, before, held) {
        Restored::Nothing => Ok(Undone::Gone),
        Restored::Write(list, protected) => {
            node.set_dacl(&list, protected, guard.directory)?;
            Ok(Undone::Done)
        }
        Restored::Foreign => Ok(Undone::Left("its access list was changed meanwhile".to_owned())),
    }
}

fn remove_directory(path: &AbsPath) -> Result<Undone> {
    let path_name = name(path)?;
    match Node::open(&path_name, Wanted::Security, Links::Stay) {
        Ok(node) if node.kind()?.tag.is_none() && node.kind()?.directory => {}
        Ok(_) => return Ok(Undone::Left("it is no directory any more".to_owned())),
        Err(error) if absent(&error) => return Ok(Undone::Gone),
        Err(error) => return Err(error),
    }
    // It follows no links.
    let removed = std::fs::remove_dir_all(&path_name);
    crate::error::Context::on(removed, "remove the directory", &path_name)?;
    Ok(Undone::Done)
}

/// Whether a placeholder is as it was made; one that garth was killed at is empty still.
pub(super) fn is_ours(node: &Node, reservation: &Reservation) -> Result<bool> {
    if node.is_empty()? {
        return Ok(true);
    }
    let path = name(&reservation.path)?;
    // More than it should hold is not read.
    let most = reservation.content.len() as u64 + 1;
    let mut found = Vec::new();
    let read = std::fs::File::open(&path).and_then(|file| file.take(most).read_to_end(&mut found));
    crate::error::Context::on(read, "read", &path)?;
    Ok(found == reservation.content.as_bytes())
}

fn release(reservation: &Reservation) -> Result<Undone> {
    let path_name = name(&reservation.path)?;
    let node = match Node::open(&path_name, Wanted::Removal, Links::Stay) {
        Ok(node) => node,
        Err(error) if absent(&error) => return Ok(Undone::Gone),
        Err(error) => return Err(error),
    };
    let kind = node.kind()?;
    let directory = reservation.kind == NodeKind::Directory;
    if kind.tag.is_some() || kind.directory != directory || !directory && !is_ours(&node, reservation)? {
        return Ok(Undone::Left("something else has taken the name".to_owned()));
    }
    match node.remove() {
        // `ERROR_DIR_NOT_EMPTY`: what was put into it is the user's.
        Err(error) if error.code() == Some(145) => Ok(Undone::Left("something was put into it".to_owned())),
        other => other.map(|()| Undone::Done),
    }
}
