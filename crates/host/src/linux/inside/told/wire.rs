//! The few messages of FUSE that a file system without content has to understand (`linux/fuse.h`, `fuse(4)`).
//!
//! Each request gets exactly one answer, and nothing is kept of any: what the kernel asks for is answered from a tree that
//! does not change.

use garth_policy::{AbsPath, NodeKind};
use std::collections::HashMap;

/// Version 7 of the protocol, as much of it as is used here.
const MAJOR: u32 = 7;
const MINOR: u32 = 31;
/// Names and attributes never change, so the kernel may keep what it was told for ever. In seconds.
const FOR_EVER: u64 = 1 << 30;
/// The kernel sends at most so many bytes of data in a request. It never sends any: nothing can be written.
const MOST_DATA: u32 = 4096;
/// `FUSE_NO_OPENDIR_SUPPORT`: a directory is not opened before it is listed.
const NO_OPENDIR: u32 = 1 << 24;
/// `S_IFDIR | 0755`.
const DIRECTORY: u32 = 0o040_755;
/// `S_IFDIR`, with no right for anybody.
const HIDDEN_DIRECTORY: u32 = 0o040_000;
/// `S_IFREG`, with no right for anybody.
const HIDDEN_FILE: u32 = 0o100_000;
/// The longest request that can come: `FUSE_MIN_READ_BUFFER`.
pub const LONGEST: usize = 8192;
/// `sizeof(struct fuse_in_header)`.
const HEADER: usize = 40;

/// `enum fuse_opcode`.
mod code {
    pub const LOOKUP: u32 = 1;
    pub const FORGET: u32 = 2;
    pub const GETATTR: u32 = 3;
    pub const STATFS: u32 = 17;
    pub const GETXATTR: u32 = 22;
    pub const LISTXATTR: u32 = 23;
    pub const INIT: u32 = 26;
    pub const READDIR: u32 = 28;
    pub const ACCESS: u32 = 34;
    pub const INTERRUPT: u32 = 36;
    pub const BATCH_FORGET: u32 = 42;
    pub const READDIRPLUS: u32 = 44;
    pub const STATX: u32 = 52;
}

/// What there is.
///
/// Below the root lie the directories of the view as one tree, and what stands in for something hidden, each by its number.
/// Nobody inside comes to the root: the one is a layer of an overlay, the others are mounted one by one.
#[derive(Debug)]
pub struct Tree {
    /// By number, from [`VIEW`] on.
    paths: Vec<AbsPath>,
    numbers: HashMap<AbsPath, u64>,
    /// By number, from [`HIDDEN`] on.
    hidden: Vec<Hidden>,
    owner: (u32, u32),
}

/// Something hidden in a directory that is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hidden {
    /// Where, as the view has it.
    pub path: AbsPath,
    /// Whether a directory stands in for it, or a file.
    pub directory: bool,
}

/// The number of the root of a FUSE file system.
const ROOT: u64 = 1;
/// The number of the view's root.
const VIEW: u64 = 2;
/// The number of the first that is hidden: beyond all directories.
const HIDDEN: u64 = 1 << 32;
/// The name of the view's root.
pub const VIEW_NAME: &str = "view";

/// A name that was looked for in vain, or something hidden that was come upon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missed {
    /// The thread that looked, as numbered where the file system was mounted.
    pub thread: u32,
    /// The name with its directory, as the view has them.
    pub path: AbsPath,
    /// What stands in for it: a directory or a file. `None` if nothing does.
    pub hides: Option<NodeKind>,
}

/// What is to be done with a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// To be sent; some requests have no answer.
    pub reply: Option<Vec<u8>>,
    /// To be told.
    pub missed: Option<Missed>,
}

/// The start of a request (`struct fuse_in_header`).
struct Request<'b> {
    code: u32,
    unique: u64,
    node: u64,
    thread: u32,
    body: &'b [u8],
}

impl<'b> Request<'b> {
    fn parse(bytes: &'b [u8]) -> Option<Self> {
        let length = usize::try_from(number(bytes, 0)?).ok()?;
        let body = bytes.get(HEADER..length)?;
        let (code, thread) = (number(bytes, 4)?, number(bytes, 32)?);
        Some(Self { code, unique: long(bytes, 8)?, node: long(bytes, 16)?, thread, body })
    }
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_ne_bytes)
}

fn long(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..at + 8)?.try_into().ok().map(u64::from_ne_bytes)
}

/// An answer under construction (`struct fuse_out_header` and what follows it).
struct Reply(Vec<u8>);

impl Reply {
    fn new(unique: u64, error: i32) -> Self {
        let mut bytes = vec![0; 4];
        bytes.extend_from_slice(&(-error).to_ne_bytes());
        bytes.extend_from_slice(&unique.to_ne_bytes());
        Self(bytes)
    }

    fn number(mut self, value: u32) -> Self {
        self.0.extend_from_slice(&value.to_ne_bytes());
        self
    }

    fn long(mut self, value: u64) -> Self {
        self.0.extend_from_slice(&value.to_ne_bytes());
        self
    }

    fn zeros(mut self, count: usize) -> Self {
        self.0.resize(self.0.len() + count, 0);
        self
    }

    fn done(mut self) -> Vec<u8> {
        let length = u32::try_from(self.0.len()).unwrap_or(0);
        self.0[..4].copy_from_slice(&length.to_ne_bytes());
        self.0
    }
}

impl Tree {
    /// A tree of these directories; one whose parent is not among them is never found.
    #[must_use]
    pub fn new(directories: &[AbsPath], hidden: Vec<Hidden>, owner: (u32, u32)) -> Self {
        let mut paths: Vec<AbsPath> = AbsPath::posix("/").into_iter().collect();
        paths.extend(directories.iter().filter(|path| path.depth() > 0).cloned());
        let numbers = paths.iter().cloned().zip(VIEW..).collect();
        Self { paths, numbers, hidden, owner }
    }

    fn path(&self, node: u64) -> Option<&AbsPath> {
        self.paths.get(usize::try_from(node.checked_sub(VIEW)?).ok()?)
    }

    fn hidden(&self, node: u64) -> Option<&Hidden> {
        self.hidden.get(usize::try_from(node.checked_sub(HIDDEN)?).ok()?)
    }

    /// Answers a request. One that is not understood is refused, and one that is no request has no answer.
    #[must_use]
    pub fn answer(&self, bytes: &[u8]) -> Answer {
        let Some(request) = Request::parse(bytes) else { return Answer::default() };
        let unique = request.unique;
        if let Some(hidden) = self.hidden(request.node) {
            return self.refuse(&request, hidden);
        }
        let reply = match request.code {
            code::FORGET | code::BATCH_FORGET | code::INTERRUPT => return Answer::default(),
            code::LOOKUP => return self.look_up(&request),
            code::INIT => introduce(&request),
            code::GETATTR if request.node == ROOT || self.path(request.node).is_some() => {
                self.attributes(Reply::new(unique, 0).long(FOR_EVER).zeros(8), request.node)
            }
            // Five counts of nothing; block size, longest name.
            code::STATFS => Reply::new(unique, 0).zeros(40).number(4096).number(255).zeros(32),
            // Nothing is in it but what lies above.
            code::READDIR | code::READDIRPLUS | code::ACCESS => Reply::new(unique, 0),
            _ => Reply::new(unique, libc::ENOSYS),
        };
        Answer { reply: Some(reply.done()), missed: None }
    }

    /// Answers a request that is about what stands in for something hidden. Its attributes may be seen, and are asked for
    /// anew each time: the kernel, which refuses by them, asks whenever it has to decide. Everything else is refused.
    fn refuse(&self, request: &Request<'_>, hidden: &Hidden) -> Answer {
        let reply = match request.code {
            code::FORGET | code::BATCH_FORGET | code::INTERRUPT => return Answer::default(),
            code::GETATTR => self.attributes(Reply::new(request.unique, 0).zeros(16), request.node),
            // To be asked for another form of the same again.
            code::STATX => {
                return Answer { reply: Some(Reply::new(request.unique, libc::ENOSYS).done()), missed: None };
            }
            code::STATFS => Reply::new(request.unique, 0).zeros(40).number(4096).number(255).zeros(32),
            // These are tried by whoever lists a directory, beside looking at its attributes.
            code::GETXATTR | code::LISTXATTR => {
                let reply = Reply::new(request.unique, libc::EOPNOTSUPP);
                return Answer { reply: Some(reply.done()), missed: None };
            }
            _ => Reply::new(request.unique, libc::EACCES),
        };
        let hides = if hidden.directory { NodeKind::Directory } else { NodeKind::File };
        let missed = Missed { thread: request.thread, path: hidden.path.clone(), hides: Some(hides) };
        Answer { reply: Some(reply.done()), missed: Some(missed) }
    }

    fn look_up(&self, request: &Request<'_>) -> Answer {
        let name = request.body.split(|byte| *byte == 0).next().unwrap_or_default();
        if request.node == ROOT {
            return self.begin(request, name);
        }
        let path = self.path(request.node).and_then(|directory| directory.join(name).ok());
        let Some(path) = path else { return absent(request) };
        let known = self.numbers.get(&path).copied();
        let (reply, missed) = match known {
            Some(number) => (self.attributes(entry(request, number, FOR_EVER), number), None),
            // Number 0 is nothing, and the kernel remembers that.
            None => {
                let missed = Missed { thread: request.thread, path, hides: None };
                (entry(request, 0, FOR_EVER).zeros(ATTRIBUTES), Some(missed))
            }
        };
        Answer { reply: Some(reply.done()), missed }
    }

    /// A name in the root, where only the runner looks.
    fn begin(&self, request: &Request<'_>, name: &[u8]) -> Answer {
        let number = match std::str::from_utf8(name) {
            Ok(VIEW_NAME) => Some(VIEW),
            Ok(name) => name.parse().ok().map(|number: u64| number.saturating_add(HIDDEN)),
            Err(_) => None,
        };
        let reply = match number {
            Some(VIEW) => self.attributes(entry(request, VIEW, FOR_EVER), VIEW),
            Some(number) if self.hidden(number).is_some() => {
                self.attributes(entry(request, number, 0), number)
            }
            _ => return absent(request),
        };
        Answer { reply: Some(reply.done()), missed: None }
    }

    /// `struct fuse_attr`.
    fn attributes(&self, reply: Reply, number: u64) -> Reply {
        let (user, group) = self.owner;
        let mode = match self.hidden(number) {
            Some(Hidden { directory: true, .. }) => HIDDEN_DIRECTORY,
            Some(_) => HIDDEN_FILE,
            None => DIRECTORY,
        };
        // Number; size, blocks, three times and their parts; mode, links; owners; device, block size, flags.
        reply.long(number).zeros(52).number(mode).number(2).number(user).number(group).zeros(12)
    }
}

fn absent(request: &Request<'_>) -> Answer {
    Answer { reply: Some(Reply::new(request.unique, libc::ENOENT).done()), missed: None }
}

/// The start of `struct fuse_entry_out`: the number; a name is known for ever, attributes for so many seconds.
fn entry(request: &Request<'_>, number: u64, attributes: u64) -> Reply {
    Reply::new(request.unique, 0).long(number).long(0).long(FOR_EVER).long(attributes).zeros(8)
}

/// `sizeof(struct fuse_attr)`.
const ATTRIBUTES: usize = 88;

/// The first answer (`struct fuse_init_out`).
fn introduce(request: &Request<'_>) -> Reply {
    let theirs = number(request.body, 4).unwrap_or(MINOR);
    let flags = number(request.body, 12).unwrap_or(0) & NO_OPENDIR;
    // Nothing is read ahead; requests in the background, of which there are none, twice as 16 bits; data; granularity
    // of times.
    Reply::new(request.unique, 0)
        .number(MAJOR)
        .number(theirs.min(MINOR))
        .number(0)
        .number(flags)
        .number(0x0001_0001)
        .number(MOST_DATA)
        .number(1)
        .zeros(36)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> AbsPath {
        AbsPath::posix(text).unwrap()
    }

    fn tree() -> Tree {
        let hidden = [("/etc/shadow", false), ("/home/ann/src/.secrets", true)];
        let hidden = hidden.map(|(text, directory)| Hidden { path: path(text), directory });
        Tree::new(&[path("/"), path("/home"), path("/home/ann")], hidden.to_vec(), (7, 8))
    }

    fn request(code: u32, node: u64, body: &[u8]) -> Vec<u8> {
        let mut bytes = u32::try_from(HEADER + body.len()).unwrap().to_ne_bytes().to_vec();
        bytes.extend_from_slice(&code.to_ne_bytes());
        bytes.extend_from_slice(&99_u64.to_ne_bytes());
        bytes.extend_from_slice(&node.to_ne_bytes());
        bytes.extend_from_slice(&[0; 8]);
        bytes.extend_from_slice(&42_u32.to_ne_bytes());
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(body);
        bytes
    }

    fn reply(code: u32, node: u64, body: &[u8]) -> Vec<u8> {
        let reply = tree().answer(&request(code, node, body)).reply.unwrap();
        assert_eq!(number(&reply, 0), u32::try_from(reply.len()).ok());
        assert_eq!(long(&reply, 8), Some(99));
        reply
    }

    #[test]
    fn sizes_are_those_of_the_kernel() {
        assert_eq!(reply(code::INIT, 0, &[0; 64]).len(), 16 + 64);
        assert_eq!(reply(code::LOOKUP, VIEW, b"home\0").len(), 16 + 128);
        assert_eq!(reply(code::LOOKUP, VIEW, b"absent\0").len(), 16 + 128);
        assert_eq!(reply(code::GETATTR, 1, &[0; 16]).len(), 16 + 104);
        assert_eq!(reply(code::STATFS, 1, b"").len(), 16 + 80);
        assert_eq!(reply(code::READDIR, 1, &[0; 40]).len(), 16);
    }

    #[test]
    fn directories_are_found_and_absent_names_are_told() {
        let found = |node, name: &[u8]| long(&reply(code::LOOKUP, node, name), 16).unwrap();
        assert_eq!(found(ROOT, b"view\0"), VIEW);
        assert_eq!((found(2, b"home\0"), found(3, b"ann\0"), found(2, b"ann\0")), (3, 4, 0));
        let answer = tree().answer(&request(code::LOOKUP, 4, b".ssh\0"));
        assert_eq!(answer.missed, Some(Missed { thread: 42, path: path("/home/ann/.ssh"), hides: None }));
        assert_eq!(tree().answer(&request(code::LOOKUP, VIEW, b"home\0")).missed, None);
    }

    #[test]
    fn what_is_hidden_has_no_rights_and_is_told() {
        let found = |name: &[u8]| long(&reply(code::LOOKUP, ROOT, name), 16).unwrap();
        assert_eq!((found(b"0\0"), found(b"1\0")), (HIDDEN, HIDDEN + 1));
        for name in [&b"2\0"[..], b"-1\0", b"18446744073709551615\0", b"1 \0", b"etc\0", b"\xff\0"] {
            let reply = reply(code::LOOKUP, ROOT, name);
            assert_eq!(number(&reply, 4), Some((-libc::ENOENT).cast_unsigned()), "{name:?}");
        }
        // Neither is seen from inside the view.
        assert_eq!(long(&reply(code::LOOKUP, VIEW, b"0\0"), 16), Some(0));
        let kinds = [
            (HIDDEN, "/etc/shadow", NodeKind::File),
            (HIDDEN + 1, "/home/ann/src/.secrets", NodeKind::Directory),
        ];
        for (node, hidden, kind) in kinds {
            let seen = reply(code::GETATTR, node, &[0; 16]);
            // For no time at all, and with no right.
            assert_eq!((long(&seen, 16), number(&seen, 16 + 16 + 60).unwrap() & 0o777), (Some(0), 0));
            let told = Some(Missed { thread: 42, path: path(hidden), hides: Some(kind) });
            assert_eq!(tree().answer(&request(code::GETATTR, node, &[0; 16])).missed, told);
            // LOOKUP, SETATTR, READLINK, MKDIR, UNLINK, OPEN, READ, WRITE, SETXATTR, OPENDIR, READDIR, ACCESS, CREATE, IOCTL.
            for code in [1, 4, 5, 9, 10, 14, 15, 16, 21, 27, 28, 34, 35, 39] {
                let answer = tree().answer(&request(code, node, b"x\0"));
                let reply = answer.reply.unwrap();
                let refused = Some((-libc::EACCES).cast_unsigned());
                assert_eq!(
                    (reply.len(), number(&reply, 4), answer.missed),
                    (16, refused, told.clone()),
                    "{code}"
                );
            }
        }
    }

    #[test]
    fn what_could_change_something_is_refused() {
        // SETATTR, SYMLINK, MKNOD, MKDIR, UNLINK, RENAME, LINK, OPEN, WRITE, SETXATTR, CREATE, IOCTL, POLL.
        for code in [4, 6, 8, 9, 10, 12, 13, 14, 16, 21, 35, 39, 40, 4096] {
            let reply = reply(code, VIEW, b"x\0");
            assert_eq!((reply.len(), number(&reply, 4)), (16, Some((-libc::ENOSYS).cast_unsigned())));
        }
    }

    #[test]
    fn what_is_no_request_is_let_be() {
        let whole = request(code::LOOKUP, VIEW, b"name\0");
        for end in 0..whole.len() {
            let answer = tree().answer(&whole[..end]);
            assert_eq!(answer, Answer::default(), "{end}");
        }
        for node in [0, ROOT, 9, HIDDEN + 2, u64::MAX] {
            let refused = tree().answer(&request(code::LOOKUP, node, b"name\0"));
            assert_eq!(number(&refused.reply.unwrap(), 4), Some((-libc::ENOENT).cast_unsigned()));
            assert_eq!(refused.missed, None);
        }
    }
}
