//! A tree, reached from its opened root.

use super::clock::time;
use super::content::Code;
use super::names::{bytes_of, name_of};
use crate::OsError;
use crate::error::Context;
use crate::undo::{Opened, Source};
use crate::windows::facts::{final_path, name};
use crate::windows::sys::file::{Links, Node, Wanted};
use crate::windows::sys::stat::{self, Basic};
use garth_policy::AbsPath;
use garth_undo::{Entry, Kind, Mark, Seen, Tree};
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::windows::fs::OpenOptionsExt;
use std::os::windows::io::AsHandle;

/// Attributes that a user sets: read-only, hidden, system, not indexed. Others tell of the content (compressed, sparse), or
/// change with every write (archive).
const KEPT: u32 = 0x1 | 0x2 | 0x4 | 0x2000;
/// `FILE_FLAG_OPEN_REPARSE_POINT`
pub(super) const LINK_ITSELF: u32 = 0x0020_0000;
/// The bit of a reparse tag that says that it stands for another name (`IsReparseTagNameSurrogate`, ntifs.h).
const SURROGATE: u32 = 0x2000_0000;
/// Bytes of one further stream that are kept, and of all streams of a file.
const STREAM: (u64, u64) = (64 * 1024, 256 * 1024);

/// Name of what the attributes of an entry hold: `FILE_ATTRIBUTE_*` in hexadecimal digits.
pub(super) const ATTRIBUTES: &[u8] = b"windows.attributes";
/// A further stream, behind which comes its name.
pub(super) const STREAMS: &[u8] = b"windows.stream:";
/// A link: `d` for one that is a directory, `f` for others, and its `REPARSE_DATA_BUFFER`.
pub(super) const LINK: &[u8] = b"windows.link";

/// `ERROR_INVALID_DATA`
const INVALID: Code = Code(13);
/// `ERROR_MORE_DATA`
const TOO_LONG: i32 = 234;
/// `ERROR_CANT_ACCESS_FILE`
const NOT_WHOLE: Code = Code(1920);

/// An opened tree. While this lives nobody removes or renames its root.
#[derive(Debug)]
pub struct Root {
    root: Node,
    /// Where it is, in the form without limits.
    base: OsString,
    shown: String,
    /// The directory that was used last, held.
    last: Option<(AbsPath, Node)>,
}

/// What was found at a name.
enum At {
    /// Nothing, or what has another name in the same letters.
    Nothing,
    /// Something that is elsewhere: a link on the way that the system follows.
    Elsewhere,
    Object(Node),
}

impl Root {
    /// Opens a tree of the user by its final path: a link on the way is an error.
    ///
    /// # Errors
    /// The error of the open; a path that leads elsewhere.
    pub fn open(path: &AbsPath) -> Result<Self, OsError> {
        let root = name(path).and_then(|name| Node::open(name, Wanted::Hold, Links::Stay));
        let root = root.map_err(crate::windows::Error::into_os)?;
        let kind = root.kind()?;
        let found = final_path(&root).map_err(crate::windows::Error::into_os)?;
        if !kind.directory || kind.tag.is_some() || found != *path {
            let error = OsError::new("open", path.to_string(), INVALID.0);
            return Err(error.with_remedy(format!("it leads to {found}; name that")));
        }
        let base = root.final_path()?;
        Ok(Self { base, root, shown: path.to_string(), last: None })
    }

    /// Its volume's number and its own.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn object(&self) -> Result<(u64, u64), OsError> {
        object(&self.root)
    }

    /// A path for messages.
    #[must_use]
    pub fn shown(&self, path: &AbsPath) -> String {
        let below = String::from_utf8_lossy(path.as_bytes()).replace('/', "\\");
        if path.as_bytes() == b"/" { self.shown.clone() } else { format!("{}{below}", self.shown) }
    }

    /// Forgets the directory that was used last: its name may lead elsewhere by now, and it cannot go while it is held.
    pub fn forget(&mut self) {
        self.last = None;
    }

    /// The path of a name in the tree; `None` for bytes that no name has.
    pub(super) fn place(&self, path: &AbsPath) -> Option<OsString> {
        let mut place = self.base.clone();
        for component in path.components() {
            place.push("\\");
            place.push(name_of(component)?);
        }
        Some(place)
    }

    /// The final path of what was opened in this tree. Wine 8 does not say one of more than 260 characters, and names it on
    /// its volume all the same.
    fn final_path(&self, node: &Node) -> Result<OsString, OsError> {
        match node.final_path() {
            Err(error) if error.code == TOO_LONG => {
                let below = stat::path_on_volume(node).on("read the path of", &self.shown)?;
                let mut path = OsString::from(volume(&self.base.to_string_lossy()));
                path.push(below);
                Ok(path)
            }
            other => other,
        }
    }

    /// Opens what stands at a name, and nothing that a link leads to.
    fn at(&self, path: &AbsPath, wanted: Wanted) -> Result<At, OsError> {
        let Some(place) = self.place(path) else { return Ok(At::Nothing) };
        let node = match Node::open(&place, wanted, Links::Stay) {
            Err(error) if error.code().is_some_and(is_absent) => return Ok(At::Nothing),
            other => other.map_err(crate::windows::Error::into_os)?,
        };
        let found = self.final_path(&node)?;
        if found == place {
            return Ok(At::Object(node));
        }
        // In the same directory it has other letters, or a long form: that is another name.
        let folded = |text: &OsStr| text.to_string_lossy().to_lowercase();
        let (found, place) = (folded(&found), folded(&place));
        let directory = |path: &str| path.rsplit_once('\\').map(|(directory, _)| directory.to_owned());
        Ok(if directory(&found) == directory(&place) { At::Nothing } else { At::Elsewhere })
    }

    /// Opens what stands at a name to change it.
    ///
    /// # Errors
    /// When nothing of that very name is there, or the system refuses.
    pub(super) fn object_at(&self, path: &AbsPath, wanted: Wanted) -> Result<Node, OsError> {
        match self.at(path, wanted)? {
            At::Object(node) => Ok(node),
            At::Nothing | At::Elsewhere => Err(OsError::new("open", self.shown(path), 2)),
        }
    }

    /// Holds a directory of the tree. False if there is no such directory, or a link is on the way.
    ///
    /// # Errors
    /// When the system does not let it be looked at.
    pub(super) fn hold(&mut self, path: &AbsPath) -> Result<bool, OsError> {
        if path.as_bytes() == b"/" || self.last.as_ref().is_some_and(|(known, _)| known == path) {
            return Ok(true);
        }
        let At::Object(node) = self.at(path, Wanted::Hold)? else { return Ok(false) };
        let kind = node.kind()?;
        if !kind.directory || is_link(kind.tag) {
            return Ok(false);
        }
        self.last = Some((path.clone(), node));
        Ok(true)
    }

    /// Opens a file for reading. What is no regular file is an error, and so is one with streams of which a copy would be
    /// without.
    ///
    /// # Errors
    /// The error of the open.
    pub fn open_file(&mut self, path: &AbsPath) -> Result<Opened, Code> {
        const SHARED: u32 = 1 | 2 | 4;
        let parent = path.parent().ok_or(INVALID)?;
        if !self.hold(&parent).map_err(|error| Code(error.code))? {
            return Err(Code(3));
        }
        let place = self.place(path).ok_or(INVALID)?;
        let open = |flags| {
            let file = File::options().read(true).share_mode(SHARED).custom_flags(flags).open(&place)?;
            let node = Node::of(file.as_handle(), "a file").map_err(|error| Code(error.code))?;
            let kind = node.kind().map_err(|error| Code(error.code))?;
            let found = self.final_path(&node).map_err(|error| Code(error.code))?;
            if kind.directory || is_link(kind.tag) || found != place {
                return Err(INVALID);
            }
            Ok((file, kind))
        };
        let (file, kind) = open(LINK_ITSELF)?;
        // Of what lies in a cloud, or is kept in another form, the system gives the content itself.
        let file = if kind.tag.is_some() { open(0)?.0 } else { file };
        if has_long_streams(&stat::streams(&file)?) { Err(NOT_WHOLE) } else { Ok(file.into()) }
    }

    fn seen(&mut self, path: &AbsPath) -> Result<Option<Seen>, OsError> {
        let entry = if path.as_bytes() == b"/" {
            entry(&self.root, &self.base, &self.shown)?
        } else {
            let Some(parent) = path.parent() else { return Ok(None) };
            if !self.hold(&parent)? {
                return Ok(None);
            }
            match self.at(path, Wanted::Attributes)? {
                At::Nothing => return Ok(None),
                At::Elsewhere => not_understood(),
                At::Object(node) => {
                    let place = self.place(path).unwrap_or_default();
                    entry(&node, &place, &self.shown(path))?
                }
            }
        };
        Ok(Some(Seen { entry, mark: Mark::None, copied: false }))
    }
}

/// The beginning of a path in the form without limits, up to the end of the drive or share.
fn volume(base: &str) -> &str {
    let names = if base.starts_with(r"\\?\UNC\") { 6 } else { 4 };
    let mut separators = base.match_indices('\\').map(|(at, _)| at);
    separators.nth(names - 1).map_or(base, |end| &base[..end])
}

/// Nothing of that name, also in a directory that is none, or with letters that no name has.
fn is_absent(code: i32) -> bool {
    matches!(code, 2 | 3 | 123 | 161 | 267)
}

/// A name that stands for another one: a symbolic link, a junction.
fn is_link(tag: Option<u32>) -> bool {
    tag.is_some_and(|tag| tag & SURROGATE != 0)
}

fn has_long_streams(streams: &[(String, u64)]) -> bool {
    streams.iter().any(|(_, size)| *size > STREAM.0)
        || streams.iter().map(|(_, size)| *size).sum::<u64>() > STREAM.1
}

/// Its volume's number and its own; of a file system with longer numbers both halves count.
pub(super) fn object(node: &Node) -> Result<(u64, u64), OsError> {
    let (id, _) = node.identity()?;
    let (high, low) = id.file;
    Ok((id.volume ^ high.rotate_left(32), low))
}

/// What the system reaches by a link that it does not show. It is neither kept nor put in place.
fn not_understood() -> Entry {
    let time = time(0);
    Entry {
        kind: Kind::Device,
        mode: 0,
        owner: 0,
        group: 0,
        size: 0,
        modified: time,
        created: None,
        changed: time,
        object: (0, 0),
        names: 1,
        target: Vec::new(),
        attributes: BTreeMap::new(),
    }
}

fn entry(node: &Node, place: &OsStr, shown: &str) -> Result<Entry, OsError> {
    let look = "look at";
    let Basic { created, modified, changed, attributes } = stat::basic(node).on(look, shown)?;
    let (size, names) = stat::size(node).on(look, shown)?;
    let found = node.kind()?;
    let kind = match (is_link(found.tag), found.directory) {
        (true, _) => Kind::Link,
        (false, true) => Kind::Directory,
        (false, false) => Kind::File,
    };
    let mut more = BTreeMap::new();
    if attributes & KEPT != 0 {
        more.insert(ATTRIBUTES.to_vec(), format!("{:x}", attributes & KEPT).into_bytes());
    }
    let mut target = Vec::new();
    if kind == Kind::Link {
        let data = stat::reparse_data(node).on("read the link", shown)?;
        target = leads_to(&data);
        let head: &[u8] = if found.directory { b"d" } else { b"f" };
        more.insert(LINK.to_vec(), [head, &data].concat());
    } else {
        more.extend(streams(node, place).on("read the streams of", shown)?);
    }
    Ok(Entry {
        kind,
        // Who may do what is in access lists here.
        mode: if kind == Kind::Directory { 0o755 } else { 0o644 },
        owner: 0,
        group: 0,
        size: if kind == Kind::File { size } else { 0 },
        modified: time(modified),
        created: Some(time(created)),
        changed: time(changed),
        object: object(node)?,
        // A directory's links are those that its file system counts for itself.
        names: if kind == Kind::File { names } else { 1 },
        target,
        attributes: more,
    })
}

/// The further streams of an object, those that are short enough.
fn streams(node: &Node, place: &OsStr) -> io::Result<Vec<(Vec<u8>, Vec<u8>)>> {
    let listed = stat::streams(node)?;
    if has_long_streams(&listed) {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for (name, _) in listed {
        let mut stream = place.to_os_string();
        stream.push(format!(":{name}"));
        let file = File::options().read(true).custom_flags(LINK_ITSELF).open(stream)?;
        let content = super::content::read_short(&file, STREAM.0)?.unwrap_or_default();
        found.push(([STREAMS, name.as_bytes()].concat(), content));
    }
    Ok(found)
}

/// What a link says, for people: the substitute name of a symbolic link or a junction, and nothing of others.
fn leads_to(data: &[u8]) -> Vec<u8> {
    const SYMLINK: u32 = 0xa000_000c;
    const MOUNT_POINT: u32 = 0xa000_0003;
    let short = |at: usize| Some(usize::from(u16::from_le_bytes(data.get(at..at + 2)?.try_into().ok()?)));
    let name = || {
        let tag = u32::from_le_bytes(data.get(..4)?.try_into().ok()?);
        // After tag, length and room: offset and length of the name, those of what is shown; a symbolic link has flags.
        let names = match tag {
            SYMLINK => 20,
            MOUNT_POINT => 16,
            _ => return None,
        };
        let (offset, length) = (short(8)?, short(10)?);
        let bytes = data.get(names + offset..names + offset + length)?;
        let units: Vec<u16> =
            bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
        Some(String::from_utf16_lossy(&units).into_bytes())
    };
    name().unwrap_or_default()
}

impl Tree for Root {
    type Error = OsError;

    fn look(&mut self, path: &AbsPath) -> Result<Option<Seen>, OsError> {
        self.seen(path)
    }

    fn names(&mut self, directory: &AbsPath) -> Result<Vec<Vec<u8>>, OsError> {
        let shown = self.shown(directory);
        if !self.hold(directory)? {
            return Err(OsError::new("list", shown, 3));
        }
        let place = self.place(directory).unwrap_or_default();
        let list = std::fs::read_dir(place).on("list", &shown)?;
        list.map(|entry| Ok(bytes_of(&entry.on("list", &shown)?.file_name()))).collect()
    }
}

impl Source for Root {
    fn content(&mut self, path: &AbsPath) -> Result<Opened, OsError> {
        let shown = self.shown(path);
        self.open_file(path).map_err(io::Error::from).on("open", shown)
    }
}
