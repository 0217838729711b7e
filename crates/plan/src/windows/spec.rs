//! What the host is told: closed, finished data. Each change to the machine stands here with its exact content and its
//! reason, before anything is done.
//!
//! The order: the journal is written, directories and the profile are made, guards are set, then grants, then
//! reservations and pins; the process is started suspended, read back, and released. [`Preparation::undo`] gives the way
//! back.

use super::acl::{Ace, Acl};
use super::descriptor::SecurityDescriptor;
use super::facts::{FileId, sddl_text};
use super::sid::Sid;
use super::token::Restriction;
use crate::assurance::Assurance;
use crate::linux::spec::TerminalSize;
use garth_policy::{AbsPath, NodeKind};
use serde::{Deserialize, Serialize};

/// How the target is contained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tier {
    /// An AppContainer of the same user.
    Container,
    /// A write-restricted token of the same user.
    Restricted,
    /// A local account of its own. Not built yet: refused.
    Account,
    /// Windows Sandbox.
    Vm,
}

impl Tier {
    /// All of them, the default first.
    pub const ALL: [Self; 4] = [Self::Container, Self::Restricted, Self::Account, Self::Vm];

    /// The word on the command line and in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Container => "container",
            Self::Restricted => "restricted",
            Self::Account => "account",
            Self::Vm => "vm",
        }
    }
}

/// A finished plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The tier.
    pub tier: Tier,
    /// What is done to the machine before the start.
    pub preparation: Preparation,
    /// What is started, and how.
    pub launch: Launch,
    /// How each clause is held.
    pub assurance: Assurance,
    /// Gaps that the policy accepts.
    pub accepted: Vec<String>,
    /// What the tier refuses though the policy allows it; no clause is weaker for it.
    pub narrower: Vec<Narrower>,
    /// Variables of the caller that do not enter.
    pub dropped_variables: usize,
}

/// Something that the policy allows and the tier cannot give.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Narrower {
    /// Where.
    pub path: AbsPath,
    /// What is below it too.
    pub whole: bool,
    /// What does not work, and why.
    pub reason: String,
}

/// What is done to the machine before the start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preparation {
    /// The AppContainer profile (tier `container`).
    pub profile: Option<Profile>,
    /// Directories of the sandbox's own, parents first.
    pub directories: Vec<Directory>,
    /// Objects whose DACL is replaced, deepest last. They come before the grants, so that nothing is open in between.
    pub guards: Vec<Guard>,
    /// Entries that are added.
    pub grants: Vec<Grant>,
    /// Names that are taken, so that nobody inside can make them. Parents first.
    pub reservations: Vec<Reservation>,
    /// Objects that are held open, so that they are neither removed nor renamed.
    pub pins: Vec<Pin>,
}

/// One thing to undo, in the order in which it is to be undone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Undo<'p> {
    /// Close the handle.
    Unpin(&'p Pin),
    /// Remove the placeholder, if it is still the one that was made.
    Release(&'p Reservation),
    /// Remove exactly the entries that were added.
    Revoke(&'p Grant),
    /// Put the DACL back that the journal holds, if the one there is still ours.
    Restore(&'p Guard),
    /// Remove the directory with what is in it.
    RemoveDirectory(&'p Directory),
}

impl Preparation {
    /// The way back at the end of a session: everything but what is kept for the next one.
    pub fn undo(&self) -> impl Iterator<Item = Undo<'_>> {
        let session = |lifetime: Lifetime| lifetime == Lifetime::Session;
        let pins = self.pins.iter().rev().map(Undo::Unpin);
        let reservations = self.reservations.iter().rev().map(Undo::Release);
        let grants = self.grants.iter().rev().filter(move |grant| session(grant.lifetime)).map(Undo::Revoke);
        let guards = self.guards.iter().rev().map(Undo::Restore);
        let directories = self.directories.iter().rev().map(Undo::RemoveDirectory);
        pins.chain(reservations).chain(grants).chain(guards).chain(directories)
    }
}

/// How long a change stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Lifetime {
    /// Until `garth clean` or the uninstallation: an entry that a whole tree inherits, and that gives nothing to anybody
    /// but processes of this sandbox. Making it takes time for each object below, so it is made once and then only looked at.
    Kept,
    /// Until the session ends.
    Session,
}

/// An AppContainer profile. Its SID follows from its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// Name for `CreateAppContainerProfile`: at most 64 characters.
    pub name: String,
    /// The package SID. The host compares with what Windows derives.
    pub package: Sid,
    /// Text for people.
    pub display: String,
}

/// A directory of the sandbox's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Directory {
    /// Where it is made. What stands there already is an error, not a directory to use.
    pub path: AbsPath,
    /// Its descriptor from the first moment.
    #[serde(with = "sddl_text")]
    pub security: SecurityDescriptor,
    /// What it is for.
    pub reason: String,
}

/// Entries that are added to the DACL of an object, explicit and in canonical order; nothing else of it changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// The object, by its final path.
    pub path: AbsPath,
    /// What it must be; another object is refused.
    pub expect: FileId,
    /// Whether it is a directory.
    pub directory: bool,
    /// The entries.
    pub entries: Vec<Ace>,
    /// Existing children are to inherit them. If not, the host writes the object's own descriptor and nothing below it
    /// is looked at, however large the tree is.
    pub propagates: bool,
    /// How long they stay.
    pub lifetime: Lifetime,
    /// Why.
    pub reason: String,
}

/// An object that gets another DACL for the session. The journal keeps the former one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guard {
    /// The object, by its final path.
    pub path: AbsPath,
    /// What it must be.
    pub expect: FileId,
    /// Whether it is a directory, so that existing children are to inherit from it.
    pub directory: bool,
    /// The DACL and whether it is protected. Owner, group and SACL stay.
    #[serde(with = "sddl_text")]
    pub security: SecurityDescriptor,
    /// Why.
    pub reason: String,
}

/// When a placeholder goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Removal {
    /// With the handle by which it was made (`FILE_FLAG_DELETE_ON_CLOSE`), so also when the broker is killed.
    OnClose,
    /// When the session ends, if it still holds what was put into it: for files that programs open without
    /// `FILE_SHARE_DELETE`, which a handle as above would lock out.
    AtEnd,
    /// When the session ends, if it is empty; what was put into it stays.
    AtEndIfEmpty,
}

/// A name that is taken by an object of garth's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservation {
    /// The name. Something that stands there in the meantime ends the start.
    pub path: AbsPath,
    /// A file or a directory.
    pub kind: NodeKind,
    /// Its descriptor from the first moment.
    #[serde(with = "sddl_text")]
    pub security: SecurityDescriptor,
    /// When it goes.
    pub removal: Removal,
    /// What a file holds from the first moment; nothing in a directory.
    pub content: String,
    /// Why it is taken.
    pub reason: String,
}

/// An object that is held open for reading, without `FILE_SHARE_DELETE`: neither it nor a directory above it is removed
/// or renamed meanwhile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pin {
    /// The object; opened without following a link at the last name.
    pub path: AbsPath,
    /// What it must be; `None` for a link, and for what the plan makes itself.
    pub expect: Option<FileId>,
    /// Why.
    pub reason: String,
}

impl Preparation {
    /// Each object that is expected to be a certain one, by its path, and which. A path may come several times.
    pub fn identities(&mut self) -> impl Iterator<Item = (&AbsPath, &mut FileId)> {
        let Self { guards, grants, pins, .. } = self;
        let guards = guards.iter_mut().map(|guard| (&guard.path, &mut guard.expect));
        let grants = grants.iter_mut().map(|grant| (&grant.path, &mut grant.expect));
        let pins = pins.iter_mut().filter_map(|Pin { path, expect, .. }| Some((&*path, expect.as_mut()?)));
        guards.chain(grants).chain(pins)
    }
}

/// What is started, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Launch {
    /// The token, or the machine. A machine has no token, job, desktop, mitigations or handles of ours: these are empty then.
    pub identity: Identity,
    /// The program, resolved; `None` for a virtual machine, which finds it inside.
    pub program: Option<AbsPath>,
    /// A batch file that `program`, the command interpreter, is to run: its rules of quoting apply, and an argument that
    /// they cannot carry unchanged is refused.
    pub batch: Option<AbsPath>,
    /// Arguments; the first is the name as typed. The host quotes them for the C runtime.
    pub arguments: Vec<String>,
    /// Working directory.
    pub directory: AbsPath,
    /// `NAME=value`, sorted as Windows wants it. The runner adds [`Relay::variables`].
    pub environment: Vec<String>,
    /// The job.
    pub job: Job,
    /// The desktop; `None` where the machine has none for us (a service's session).
    pub desktop: Option<Desktop>,
    /// Process mitigations.
    pub mitigations: Vec<Mitigation>,
    /// Handles that are inherited; every other one is not. The host refuses to start it with more or fewer.
    pub handles: Vec<Inherited>,
    /// A pseudo console of this size; else pipes and no window.
    pub terminal: Option<TerminalSize>,
    /// How streams leave; `None` for no network.
    pub relay: Option<Relay>,
    /// What the runner tries in the target's place before the target starts; `None` for a virtual machine.
    pub canary: Option<Canary>,
    /// The longest run, in seconds.
    pub time: Option<u64>,
}

/// By what the target is contained.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Identity {
    /// `PROC_THREAD_ATTRIBUTE_SECURITY_CAPABILITIES`.
    Container(Container),
    /// `CreateRestrictedToken` and `CreateProcessAsUserW`.
    Restricted(Restricted),
    /// A `.wsb` file and `wsb.exe`.
    Vm(Vm),
}

/// What must fail, and what must succeed, inside. Anything else ends the launch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Canary {
    /// A file of the broker's own, outside every granted directory, that must not open for reading.
    pub unreadable: bool,
    /// A directory in which no file can be made.
    pub unwritable: AbsPath,
    /// A directory in which a file can be made and removed.
    pub writable: AbsPath,
    /// A connection to a listener of the broker's own on the host's loopback must fail.
    pub unconnected: bool,
}

/// The recipe of an AppContainer's token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Container {
    /// What is taken from the caller's token first: privileges, and the rights of administrators where it is elevated.
    /// There are no restricting SIDs, which break TLS of the system.
    pub base: Restriction,
    /// The package SID.
    pub package: Sid,
    /// Capabilities.
    pub capabilities: Vec<Capability>,
    /// `PROCESS_CREATION_ALL_APPLICATION_PACKAGES_OPT_OUT`.
    pub less_privileged: bool,
    /// Why it is, or is not.
    pub reason: String,
}

/// A capability of the token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capability {
    /// Its SID.
    pub sid: Sid,
    /// The name that the SID is derived from.
    pub name: String,
    /// What it opens.
    pub reason: String,
}

/// The recipe of a restricted token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restricted {
    /// What `CreateRestrictedToken` is given.
    pub restriction: Restriction,
    /// The default DACL of the token: pipes and sections of the sandbox's own.
    pub default_dacl: Acl,
    /// What each restricting SID is for.
    pub reasons: Vec<Capability>,
}

/// A virtual machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vm {
    /// The `.wsb` file: all that the machine is told, the command among it.
    pub configuration: String,
    /// What it maps.
    pub folders: Vec<Folder>,
    /// The command that the machine runs when its user is logged on, as it stands in the file.
    pub logon: String,
}

/// A directory of the host that the machine sees.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Folder {
    /// On the host.
    pub host: AbsPath,
    /// Inside.
    pub inside: AbsPath,
    /// Nothing can be written through it.
    pub read_only: bool,
    /// What it is.
    pub reason: String,
}

/// The job that holds every process of the sandbox. Always: kill on close, no breakaway, no error dialogs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Most processes (`ActiveProcessLimit`).
    pub processes: Option<u32>,
    /// Memory of all together, in bytes (`JobMemoryLimit`).
    pub memory: Option<u64>,
    /// Processor time as hundredths of a percent of all processors (`JobObjectCpuRateControlInformation`, hard cap) for
    /// each processor of the machine: the host divides by their number. 10,000 is one whole processor.
    pub processor: Option<u64>,
    /// UI limits.
    pub ui: Vec<UiLimit>,
}

/// `JOB_OBJECT_UILIMIT_*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UiLimit {
    /// No use of user handles of processes outside the job (`HANDLES`).
    Handles,
    /// No reading of the clipboard (`READCLIPBOARD`).
    ReadClipboard,
    /// No writing of the clipboard (`WRITECLIPBOARD`).
    WriteClipboard,
    /// No change of system parameters (`SYSTEMPARAMETERS`).
    SystemParameters,
    /// No change of display settings (`DISPLAYSETTINGS`).
    DisplaySettings,
    /// An atom table of its own (`GLOBALATOMS`).
    GlobalAtoms,
    /// No making or changing of desktops (`DESKTOP`).
    Desktop,
    /// No log-off and shutdown (`EXITWINDOWS`).
    ExitWindows,
}

impl UiLimit {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Handles,
        Self::ReadClipboard,
        Self::WriteClipboard,
        Self::SystemParameters,
        Self::DisplaySettings,
        Self::GlobalAtoms,
        Self::Desktop,
        Self::ExitWindows,
    ];

    /// The bit in `JOBOBJECT_BASIC_UI_RESTRICTIONS` (`winnt.h`).
    #[must_use]
    pub const fn bit(self) -> u32 {
        match self {
            Self::Handles => 0x01,
            Self::ReadClipboard => 0x02,
            Self::WriteClipboard => 0x04,
            Self::SystemParameters => 0x08,
            Self::DisplaySettings => 0x10,
            Self::GlobalAtoms => 0x20,
            Self::Desktop => 0x40,
            Self::ExitWindows => 0x80,
        }
    }
}

/// A desktop of the sandbox's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Desktop {
    /// How its name begins; the host adds what cannot be guessed.
    pub prefix: String,
    /// Its descriptor.
    #[serde(with = "sddl_text")]
    pub security: SecurityDescriptor,
}

/// `PROCESS_CREATION_MITIGATION_POLICY_*`, always on. Those that break MSYS or just-in-time compilers are not among
/// them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mitigation {
    /// No extension points: hooks, input methods and layered providers of others do not load.
    ExtensionPointDisable,
    /// No fonts but those of the system.
    FontDisable,
    /// No images from shares.
    ImageLoadNoRemote,
    /// No images with a low label.
    ImageLoadNoLowLabel,
}

impl Mitigation {
    /// All of them.
    pub const ALL: [Self; 4] =
        [Self::ExtensionPointDisable, Self::FontDisable, Self::ImageLoadNoRemote, Self::ImageLoadNoLowLabel];
}

/// A handle that is inherited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Inherited {
    /// Standard input.
    Input,
    /// Standard output.
    Output,
    /// Standard error.
    Error,
}

impl Inherited {
    /// All of them: a process without a terminal of its own has these.
    pub const ALL: [Self; 3] = [Self::Input, Self::Output, Self::Error];
}

/// The relay: the runner listens on loopback inside the container and passes streams over its pipe to the broker's
/// proxy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relay {
    /// Variables that get the address of the relay's proxy, which the relay alone knows: the port is what was free.
    pub variables: Vec<String>,
    /// Variables that say what needs no proxy.
    pub exceptions: Vec<String>,
    /// What these say; the host adds the addresses at which its ports appear inside.
    pub direct: String,
    /// Variables by which programs are told to use a proxy at all, with their value.
    pub switches: Vec<String>,
    /// Variables that get the file of trusted authorities, if the broker opens TLS.
    pub authorities: Vec<String>,
    /// Ports of the host's loopback that appear on the container's.
    pub host_ports: Vec<u16>,
    /// Ports of servers inside that appear on the host's loopback.
    pub listen: Vec<u16>,
}
