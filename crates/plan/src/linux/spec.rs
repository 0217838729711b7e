//! What the runner is told: closed, finished data. It holds no policy text and nothing that still has to
//! be decided, apart from the file rules that supervised calls are judged by.

use super::bpf::Instruction;
use super::told::Told;
use core::net::{Ipv4Addr, SocketAddr};
use garth_policy::AbsPath;
use serde::{Deserialize, Serialize};

/// How the target is contained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tier {
    /// Namespaces, a mount tree of its own, Landlock and seccomp.
    Process,
    /// Landlock and seccomp alone, where the machine refuses namespaces.
    Landlock,
}

/// The whole order to the runner.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LaunchSpec {
    /// The tier; decides which of the fields below are used.
    pub tier: Tier,
    /// The file view (tier `process`), in the order in which it is built.
    pub view: Vec<ViewStep>,
    /// How the view is put together so that its made-up directories tell of names that are looked for in vain; `None`
    /// where they do not.
    pub told: Option<Told>,
    /// Of what programs read in vain is told what they name when they start.
    pub named: bool,
    /// Binds of the view whose mounts the broker makes and sends, in this order: root's files in them belong to
    /// a stranger. Only somebody with rights over the file system itself may make such mounts.
    pub mapped: Vec<AbsPath>,
    /// Landlock domain of the target.
    pub landlock: Landlock,
    /// seccomp program of the target.
    pub seccomp: Vec<Instruction>,
    /// Calls of the target are sent to the runner, which gets a [`Supervision`] with the order.
    pub supervised: bool,
    /// What the network leads to; `None` for nothing but the sandbox's own loopback.
    pub network: Option<Network>,
    /// Resource limits.
    pub limits: Limits,
    /// The process to start.
    pub target: Target,
}

/// The device and inode that a path had when the plan was made. A source that has become another object
/// since is refused, not guessed at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FileId {
    /// `st_dev` of `stat(2)`.
    pub device: u64,
    /// `st_ino` of `stat(2)`.
    pub inode: u64,
}

/// Restrictions of one mount. All mounts are `nosuid`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MountFlags {
    /// Nothing can be written through it.
    pub read_only: bool,
    /// Nothing can be executed from it.
    pub no_exec: bool,
    /// Device nodes on it are dead.
    pub no_dev: bool,
}

/// One step in building the file view. Paths are those the target will see, and lie in a fresh private
/// file system until something is mounted there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ViewStep {
    /// A directory of the private file system, with its parents. `mode` as in `chmod(2)`.
    Directory {
        /// Where.
        path: AbsPath,
        /// Permission bits.
        mode: u32,
    },
    /// A symbolic link of the private file system.
    Symlink {
        /// Where.
        path: AbsPath,
        /// What it says.
        target: Vec<u8>,
    },
    /// An object of the host, with what is mounted below it.
    Bind {
        /// The object, by its final path: no component may be a symbolic link.
        source: AbsPath,
        /// What it must be.
        expect: FileId,
        /// Whether it is a directory.
        directory: bool,
        /// Where it appears.
        path: AbsPath,
        /// Restrictions.
        flags: MountFlags,
    },
    /// A directory of the host, read from it; writes go to a private layer that ends with the sandbox.
    Overlay {
        /// The lower directory, by its final path.
        source: AbsPath,
        /// What it must be.
        expect: FileId,
        /// Where it appears.
        path: AbsPath,
    },
    /// A file of the host in a directory of the sandbox's own, as a copy that ends with the sandbox. It may be another file
    /// than the plan saw: programs replace such files whenever they save them.
    Copy {
        /// The file, by its final path.
        source: AbsPath,
        /// Where it appears.
        path: AbsPath,
    },
    /// A directory of an agent: read from garth's own directories and then from the host's, written to a layer that garth
    /// looks through in the end.
    Kept {
        /// The host's directory, by its final path, and what it must be; `None` where there is none.
        source: Option<(AbsPath, FileId)>,
        /// garth's own directories, the first one uppermost.
        below: Vec<AbsPath>,
        /// The directory that keeps the layer.
        store: AbsPath,
        /// Where it appears.
        path: AbsPath,
    },
    /// A file of an agent: as [`Self::Copy`], and handed to the broker in the end.
    KeptCopy {
        /// The file.
        source: AbsPath,
        /// Where it appears.
        path: AbsPath,
    },
    /// A tree of the host that is read from its place, while writes go to a layer that outlives the sandbox. The tree
    /// itself is mounted nowhere.
    Layer {
        /// The tree, by its final path.
        source: AbsPath,
        /// What it must be.
        expect: FileId,
        /// Where it appears.
        path: AbsPath,
        /// The directory that keeps the layer.
        store: AbsPath,
        /// Restrictions of what is seen at `path`; parts may be shown with others.
        flags: MountFlags,
    },
    /// A part of a tree that has a layer, as a mount of its own: it can be restricted, and not be moved.
    Part {
        /// The part, by its path in the tree of the host.
        source: AbsPath,
        /// Whether it is a directory.
        directory: bool,
        /// Where it appears.
        path: AbsPath,
        /// Restrictions.
        flags: MountFlags,
    },
    /// A read-only file of the sandbox's own, in place of what stands there.
    File {
        /// Where.
        path: AbsPath,
        /// What it holds.
        #[serde(with = "super::bytes")]
        content: Vec<u8>,
    },
    /// Hides an existing object below an already visible one: it cannot be opened, changed or removed.
    Mask {
        /// What is hidden.
        path: AbsPath,
        /// Whether it is a directory.
        directory: bool,
    },
    /// A `proc` of the sandbox's own processes.
    Proc {
        /// Where.
        path: AbsPath,
        /// Kernel settings are read-only by a mount (needed when the user is root).
        guard_settings: bool,
    },
    /// A `devpts` of its own.
    Terminals {
        /// Where.
        path: AbsPath,
    },
}

impl ViewStep {
    /// Where something appears.
    #[must_use]
    pub fn path(&self) -> &AbsPath {
        match self {
            Self::Directory { path, .. }
            | Self::Symlink { path, .. }
            | Self::Bind { path, .. }
            | Self::Overlay { path, .. }
            | Self::Copy { path, .. }
            | Self::Kept { path, .. }
            | Self::KeptCopy { path, .. }
            | Self::Layer { path, .. }
            | Self::Part { path, .. }
            | Self::File { path, .. }
            | Self::Mask { path, .. }
            | Self::Proc { path, .. }
            | Self::Terminals { path } => path,
        }
    }
}

impl Supervision {
    /// Whether the target can change nothing at `path` by itself, so that it is done for it.
    #[must_use]
    pub fn covers(&self, path: &AbsPath) -> bool {
        deepest(&self.roots, path)
            .is_some_and(|root| deepest(&self.free, path).is_none_or(|free| free < root))
    }

    /// Whether the path is in a tree of the sandbox's own, in which nothing is guarded.
    #[must_use]
    pub fn is_free(&self, path: &AbsPath) -> bool {
        deepest(&self.free, path)
            .is_some_and(|free| deepest(&self.roots, path).is_none_or(|root| root < free))
    }

    /// Whether a refusal at `path` is worth telling.
    #[must_use]
    pub fn tells(&self, path: &AbsPath) -> bool {
        deepest(&self.quiet, path)
            .is_none_or(|quiet| deepest(&self.roots, path).is_some_and(|root| root > quiet))
    }

    /// Whether a change at `path` is there when the sandbox is gone.
    #[must_use]
    pub fn lasts(&self, path: &AbsPath) -> bool {
        deepest(&self.passing, path)
            .is_none_or(|passing| deepest(&self.roots, path).is_some_and(|root| root > passing))
    }
}

fn deepest(list: &[AbsPath], path: &AbsPath) -> Option<usize> {
    list.iter().filter(|root| path.starts_with(root)).map(AbsPath::depth).max()
}

/// The Landlock domain of the target (`landlock(7)`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Landlock {
    /// `LANDLOCK_ACCESS_FS_*` bits that are refused unless a rule allows them.
    pub handled_files: u64,
    /// `LANDLOCK_ACCESS_NET_*` bits, all refused.
    pub handled_network: u64,
    /// `LANDLOCK_SCOPE_*` bits.
    pub scoped: u64,
    /// What is allowed beneath which object.
    pub rules: Vec<LandlockRule>,
}

/// One Landlock rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LandlockRule {
    /// The object, as the target sees it.
    pub path: AbsPath,
    /// `LANDLOCK_ACCESS_FS_*` bits.
    pub allowed: u64,
    /// A missing object is not an error.
    pub optional: bool,
    /// Which object it is, where that is known: another one gets nothing.
    pub expect: Option<FileId>,
}

/// What the runner decides and carries out in the target's name. A supervised call is judged by the policy's own rules
/// for files, which go to the runner beside this.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Supervision {
    /// Trees in which the target cannot change anything by itself.
    pub roots: Vec<AbsPath>,
    /// Trees below these in which it can, because nothing in them is guarded.
    pub free: Vec<AbsPath>,
    /// A mount view leaves out what the policy does not show. Without one, reads that the runner carries out
    /// are judged wherever they lead.
    pub has_view: bool,
    /// Opens for reading are supervised too (a deny that may match names that appear later, or a denied file with
    /// further names).
    pub reads: bool,
    /// Denied files that have further names: none of these is read.
    pub linked: Vec<FileId>,
    /// Deletions are supervised too.
    pub deletes: bool,
    /// Connections are carried out too: to unix sockets only if their server is inside.
    pub connects: bool,
    /// The broker is asked about every program that starts.
    pub commands: bool,
    /// Every program that starts, and every process that ends, is told.
    pub processes: bool,
    /// Names that are made, written, moved and removed are told in the end.
    pub changes: bool,
    /// Every open is looked at, so that reads of what the view does not show are told.
    pub trace: bool,
    /// Every use of a file and every program is told, for learning what a command needs.
    pub observe: bool,
    /// New files never run as their owner, whatever mode was asked for (the owner is root).
    pub plain_modes: bool,
    /// Trees of the sandbox's own. What is refused there concerns nobody outside and is not reported: a shell
    /// that cannot keep its history in an empty home is no event.
    pub quiet: Vec<AbsPath>,
    /// Trees below private layers: what is changed in them ends with the sandbox.
    pub passing: Vec<AbsPath>,
    /// Directories that were git repositories before the run.
    pub known_repositories: Vec<AbsPath>,
}

/// Where names are asked for inside: an address that is reserved for measurements (RFC 2544), which no network has and
/// which stands for no name.
pub const RESOLVER: Ipv4Addr = Ipv4Addr::new(198, 19, 255, 53);

/// What the sandbox's own network leads to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// Ports of the host's loopback that appear on the sandbox's.
    pub host_ports: Vec<u16>,
    /// Ports of servers inside that appear on the host's loopback.
    pub listen: Vec<u16>,
    /// Some TLS connections end at the broker, under certificates of the session's own authority.
    pub opens_tls: bool,
    /// Files of the view that the broker fills with the authorities that are trusted inside. Empty unless TLS is opened.
    pub trust: Vec<CertificateStore>,
    /// How connections inside come to the broker.
    pub front: Front,
    /// What is tried before the target starts.
    pub canary: Canary,
}

/// How connections inside come to the broker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Front {
    /// A rule of the kernel sends every connection there.
    Redirect,
    /// Nothing is redirected: each of these ports has a listener for all addresses, and whatever else is wanted has to be
    /// asked for at a proxy.
    Listeners {
        /// Ports at which any address answers.
        ports: Vec<u16>,
        /// Port of the proxy on the sandbox's loopback. It wants a user name and a password.
        proxy: u16,
    },
}

/// What the runner tries through the sandbox's own network before it starts the target. Nothing of it leaves the
/// machine; what does not turn out as expected ends the launch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Canary {
    /// Connections to these addresses must come to the broker's sockets, which must learn where they were going.
    pub arrive: Vec<SocketAddr>,
    /// A name that must get an address; `None` where the policy allows none. The broker fills it in.
    pub allowed: Option<String>,
    /// A name that must get none. The broker fills it in; without one nothing is started.
    pub forbidden: Option<String>,
}

/// A file with the authorities that programs trust.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateStore {
    /// Where it stands in the view.
    pub path: AbsPath,
    /// What its readers expect.
    pub format: StoreFormat,
}

/// How a file holds certificates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StoreFormat {
    /// One text block after the other (RFC 7468).
    Pem,
    /// Java's key store, which every JDK reads.
    Java,
    /// Nothing but the session's own authority, as a text block.
    Session,
}

/// Resource limits that the runner sets or watches. Bytes, counts and seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Processes and threads of the sandbox (`RLIMIT_NPROC`, counted per user namespace).
    pub processes: Option<u64>,
    /// The process limit is held by counting, because the kernel exempts this user from `RLIMIT_NPROC`.
    pub count_processes: bool,
    /// Memory of all processes together, held by counting where no cgroup does.
    pub memory: Option<u64>,
    /// Size of a written file (`RLIMIT_FSIZE`).
    pub file_size: Option<u64>,
    /// Processors that everything inside is bound to, where no control group limits its time.
    pub processors: Option<u32>,
}

/// A control group that the broker makes for the sandbox, and takes away at its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Where it is made.
    pub parent: AbsPath,
    /// What is written to it, in this order, and read back.
    pub settings: Vec<Setting>,
}

/// One file of a control group and what it is to hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// Name of the file.
    pub file: String,
    /// Its content.
    pub value: String,
    /// A file that is absent is no error.
    pub optional: bool,
}

/// The process to start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// Arguments; the first names the program.
    #[serde(with = "bytes_list")]
    pub arguments: Vec<Vec<u8>>,
    /// Files to try in order, as `execvp(3)` would.
    #[serde(with = "bytes_list")]
    pub programs: Vec<Vec<u8>>,
    /// `NAME=value` strings.
    #[serde(with = "bytes_list")]
    pub environment: Vec<Vec<u8>>,
    /// Working directory.
    pub directory: AbsPath,
    /// Runs in a terminal of its own.
    pub terminal: Option<TerminalSize>,
}

/// Size of a terminal in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TerminalSize {
    /// Rows.
    pub rows: u16,
    /// Columns.
    pub columns: u16,
}

/// Byte strings are text in JSON, where they are text.
mod bytes_list {
    use serde::{Deserialize, Deserializer, Serializer, ser::SerializeSeq};

    pub fn serialize<S: Serializer>(list: &[Vec<u8>], serializer: S) -> Result<S::Ok, S::Error> {
        let readable = serializer.is_human_readable();
        let mut sequence = serializer.serialize_seq(Some(list.len()))?;
        for bytes in list {
            match std::str::from_utf8(bytes) {
                Ok(text) if readable => sequence.serialize_element(text)?,
                _ => sequence.serialize_element(bytes)?,
            }
        }
        sequence.end()
    }

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum TextOrBytes {
        Text(String),
        Bytes(Vec<u8>),
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Vec<u8>>, D::Error> {
        if !deserializer.is_human_readable() {
            return Vec::deserialize(deserializer);
        }
        let list = Vec::<TextOrBytes>::deserialize(deserializer)?;
        Ok(list
            .into_iter()
            .map(|item| match item {
                TextOrBytes::Text(text) => text.into_bytes(),
                TextOrBytes::Bytes(bytes) => bytes,
            })
            .collect())
    }
}
