//! What the planner asks of a Windows machine, and what a host answers. Serialisable, so that a plan can be made and a
//! report be replayed on any system.

use super::descriptor::SecurityDescriptor;
use super::sid::Sid;
use super::token::Token;
use garth_policy::{AbsPath, Context, NodeKind};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What matters for one plan. How much is asked depends on the policy, never on how large a tree is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FactQuery {
    /// Objects to open, without following the last name, and to read the descriptor of.
    pub paths: BTreeSet<AbsPath>,
    /// Programs to look for in the directories of `PATH`, as a shell would, with the extensions of `PATHEXT`.
    pub tools: BTreeSet<String>,
}

impl FactQuery {
    /// Nothing asked.
    #[must_use]
    pub fn nothing() -> Self {
        Self { paths: BTreeSet::new(), tools: BTreeSet::new() }
    }

    /// Whether nothing is asked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.paths.is_empty() && self.tools.is_empty()
    }
}

/// The version of the form in which facts are written down.
pub const VERSION: u32 = 1;

const fn version() -> u32 {
    VERSION
}

/// Everything that a plan for Windows is made from, beside the command. Written down, this is the file that
/// `garth doctor --facts` makes; `docs/windows-facts.schema.json` is its schema.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostFacts {
    /// Of the form: [`VERSION`].
    #[serde(default = "version")]
    pub version: u32,
    /// The user's directories, for the policy; all are final paths.
    pub context: Context,
    /// The edition and build, and what was found to work.
    pub system: System,
    /// Who runs garth.
    pub user: User,
    /// Directories of the system and of the user.
    pub directories: Directories,
    /// Volumes and shares that the paths lie on.
    pub volumes: Vec<Volume>,
    /// Objects looked at.
    pub paths: BTreeMap<AbsPath, PathFact>,
    /// Programs found, by the name that was asked for, in the order of `PATH`. An empty list: looked for, not found.
    pub tools: BTreeMap<String, Vec<Tool>>,
    /// The caller's environment as far as it was recorded. A report holds no other variables than these.
    pub environment: Vec<(String, String)>,
    /// The policy files that are in force there.
    #[serde(default)]
    pub policies: Policies,
    /// What `garth doctor` looked at besides; no plan is made from it.
    #[serde(default)]
    pub survey: Option<Survey>,
    /// What an administrator prepares once, as far as it is no directory: those are among the paths.
    #[serde(default, skip_serializing_if = "Prepared::is_unknown")]
    pub prepared: Prepared,
}

/// What `garth-setup` changes that is no object of a file system. What a Windows does not say is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prepared {
    /// The protection of the null device, which Windows makes anew at each start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub null_device: Option<Security>,
    /// Packages that are exempt from the isolation of the loopback.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loopback: Option<Vec<Sid>>,
}

impl Prepared {
    fn is_unknown(&self) -> bool {
        *self == Self::default()
    }
}

/// Settings and abilities that decide nothing in a plan and explain why a tool fails. What a Windows does not say is
/// `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Survey {
    /// `EditionID`: `Core`, `Professional`, `Enterprise`.
    pub edition: Option<String>,
    /// The volume of the workspace has named streams (`FILE_NAMED_STREAMS`).
    pub streams: Option<bool>,
    /// Names in the workspace differ by case (`FILE_CASE_SENSITIVE_INFO`).
    pub case_sensitive: Option<bool>,
    /// The workspace has a second, short name (8.3).
    pub short_names: Option<bool>,
    /// `LongPathsEnabled`.
    pub long_paths: Option<bool>,
    /// Developer Mode.
    pub developer_mode: Option<bool>,
    /// PowerShell's execution policy, by the scopes in which it is set: `machine-policy`, `user-policy`, `user`, `machine`.
    pub execution_policies: BTreeMap<String, String>,
    /// Collections of AppLocker's rules that are enforced.
    pub app_locker: Vec<String>,
    /// App Control for programs of users.
    pub code_integrity: Option<CodeIntegrity>,
    /// Programs registered under `App Paths`, by file name.
    pub app_paths: BTreeMap<String, AbsPath>,
}

/// How App Control (WDAC) treats programs of users.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CodeIntegrity {
    /// Not at all.
    Off,
    /// It records what it would refuse.
    Audit,
    /// It refuses.
    Enforced,
}

/// Policy files of the machine, as texts, so that its plan can be made elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policies {
    /// The administrator's.
    pub managed: Option<PolicyText>,
    /// The user's own.
    pub user: Option<PolicyText>,
    /// That of the workspace.
    pub project: Option<PolicyText>,
    /// The user trusts the content of the workspace's.
    #[serde(default)]
    pub project_trusted: bool,
}

/// A policy file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyText {
    /// Where it stands, for messages.
    pub name: String,
    /// Its content.
    pub text: String,
}

/// The Windows that was found. Nothing is decided by names and numbers; they stand in reports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct System {
    /// As `winver` says it: `Windows 11 Home 24H2`.
    pub name: String,
    /// Build and revision: `26100.4652`.
    pub build: String,
    /// Architecture of the machine (`x86_64`, `aarch64`).
    pub arch: String,
    /// Features that were tried and refused, each with what the machine said (operation, code). What does not stand
    /// here is taken for there until an operation fails.
    pub refused: BTreeMap<Feature, String>,
    /// What `garth prove` or the canary of an earlier session showed on this machine and this build. Empty on a machine
    /// where nothing was tried: then the plan says `partial` of what rests on documentation alone.
    pub proven: BTreeSet<Proof>,
}

/// Something that a tier needs and that a machine may not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Feature {
    /// `CreateAppContainerProfile` and a process in it.
    AppContainer,
    /// A less privileged AppContainer.
    LessPrivileged,
    /// `CreateRestrictedToken` with `WRITE_RESTRICTED`, and a process with such a token.
    RestrictedToken,
    /// `CreatePseudoConsole`.
    PseudoConsole,
    /// A desktop of the sandbox's own on this window station.
    Desktop,
    /// Limits and UI limits of a job that is nested in the caller's.
    Job,
    /// Windows Sandbox, switched on and startable.
    WindowsSandbox,
    /// `wsb.exe`, by which it is driven without a window.
    WindowsSandboxCli,
}

/// Something that was shown on the machine at hand, and that documentation alone does not settle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Proof {
    /// A process in a container without network capabilities connected to nothing outside it.
    NetworkDenied,
    /// No name resolved for it, also not through the system's own client.
    NamesDenied,
    /// The relay inside a container was reached over loopback from the same container.
    Relay,
    /// It reached no service that acts for the user (task scheduler, WMI, `wsl.exe`, COM servers).
    DelegatesDenied,
}

/// Who runs garth.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// Name, for reports only; SIDs decide.
    pub name: String,
    /// The token of the caller's process: user, groups, privileges, level, default DACL.
    pub token: Token,
    /// The SID of the logon session.
    pub logon: Sid,
    /// The token is the full one of an administrator (elevated).
    pub elevated: bool,
    /// The machine belongs to a domain.
    pub domain_joined: bool,
}

/// Directories by their known-folder identifiers, never by name: they are elsewhere on some machines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Directories {
    /// `FOLDERID_Windows`.
    pub windows: AbsPath,
    /// `FOLDERID_ProgramFiles`, and that for x86 programs.
    pub program_files: Vec<AbsPath>,
    /// `FOLDERID_ProgramData`.
    pub program_data: AbsPath,
    /// The directory that holds the profiles.
    pub profiles: AbsPath,
    /// `FOLDERID_Profile`.
    pub profile: AbsPath,
    /// `FOLDERID_LocalAppData`.
    pub local_app_data: AbsPath,
    /// Directories that a client keeps in step with a store elsewhere (`OneDrive`), by their roots.
    pub synchronised: Vec<AbsPath>,
    /// Where garth's own programs stand.
    pub garth: AbsPath,
}

/// What kind of place a volume is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VolumeKind {
    /// A disk of this machine.
    Fixed,
    /// One that can be taken out.
    Removable,
    /// A share of another machine, or of a virtual one (`\\wsl.localhost`).
    Remote,
    /// Anything else; nothing is assumed of it.
    Other,
}

/// A volume or a share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Volume {
    /// Its root as paths name it: `C:\` or `\\server\share`.
    pub root: AbsPath,
    /// What kind.
    pub kind: VolumeKind,
    /// File system (`NTFS`, `ReFS`, `exFAT`), for reports; the flags decide.
    pub file_system: String,
    /// `FILE_PERSISTENT_ACLS` of `GetVolumeInformation`: it stores and checks descriptors.
    pub acls: bool,
    /// It has reparse points (`FILE_SUPPORTS_REPARSE_POINTS`).
    pub reparse_points: bool,
    /// It has hard links (`FILE_SUPPORTS_HARD_LINKS`).
    pub hard_links: bool,
    /// It is a Dev Drive.
    pub dev_drive: bool,
}

/// The identity of an object: it stays the same under every name (`FILE_ID_INFO`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileId {
    /// Serial number of the volume.
    pub volume: u64,
    /// Number of the object in it, upper and lower half.
    pub file: (u64, u64),
}

impl FileId {
    /// Stands for the identity of an object that is not asked for it before a plan speaks of it (`Preparation::identities`). It is
    /// the number of no object ("`FILE_INTERNAL_INFORMATION`": -1 is no identity), so whatever still expects it is refused.
    pub const UNASKED: Self = Self { volume: u64::MAX, file: (u64::MAX, u64::MAX) };
}

/// What a reparse point is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reparse {
    /// A symbolic link to a file or directory.
    SymbolicLink,
    /// A junction or a mounted volume.
    MountPoint,
    /// The alias of a packaged application (`WindowsApps`), which a restricted token cannot start.
    AppAlias,
    /// A file of a store elsewhere whose content may not be here yet.
    Cloud,
    /// Another tag, by its number: not understood.
    Other(u32),
}

/// The descriptor of an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Security {
    /// As it was read, with owner, DACL and label; in JSON as SDDL.
    Read(#[serde(with = "sddl_text")] SecurityDescriptor),
    /// It could not be read or holds what is not understood, for this reason.
    Unknown(String),
    /// The volume keeps none.
    None,
}

impl Security {
    /// The descriptor, where there is one that is understood.
    #[must_use]
    pub fn descriptor(&self) -> Option<&SecurityDescriptor> {
        match self {
            Self::Read(descriptor) => Some(descriptor),
            Self::Unknown(_) | Self::None => None,
        }
    }
}

/// One object that exists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Object {
    /// Kind of the object at the very name: a link or junction is a link.
    pub kind: NodeKind,
    /// Set for a reparse point.
    pub reparse: Option<Reparse>,
    /// The path of the final object as `GetFinalPathNameByHandle` gives it, without `\\?\`.
    pub final_path: AbsPath,
    /// Kind of the final object.
    pub final_kind: NodeKind,
    /// The final object's identity.
    pub id: FileId,
    /// How many names the final object has.
    pub links: u32,
    /// The final object's descriptor.
    pub security: Security,
}

/// What a host found at a path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PathFact {
    /// Nothing of that name is there.
    Absent,
    /// An object.
    Present(Object),
    /// An object that refused this user everything (opened for the maximum, without following links), and so refuses
    /// every weaker token of the user too.
    Refused,
    /// It could not be looked at, for this reason (operation, code, meaning). Nothing follows from that.
    Unknown(String),
}

impl PathFact {
    /// The object, if there is one.
    #[must_use]
    pub fn object(&self) -> Option<&Object> {
        match self {
            Self::Present(object) => Some(object),
            Self::Absent | Self::Refused | Self::Unknown(_) => None,
        }
    }
}

/// A program that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tool {
    /// Where it was found, with its extension.
    pub path: AbsPath,
    /// The object; an alias of a packaged application has [`Reparse::AppAlias`].
    pub object: Object,
    /// The package that it belongs to, if it is a packaged application.
    pub package: Option<String>,
}

impl HostFacts {
    /// The object at a path; `None` when it is absent, was not asked for, or could not be looked at.
    #[must_use]
    pub fn object(&self, path: &AbsPath) -> Option<&Object> {
        self.paths.get(path).and_then(PathFact::object)
    }

    /// The volume that a path lies on: that with the longest root.
    #[must_use]
    pub fn volume(&self, path: &AbsPath) -> Option<&Volume> {
        let holding = self.volumes.iter().filter(|volume| path.starts_with(&volume.root));
        holding.max_by_key(|volume| (volume.root.depth(), volume.root.as_bytes().len()))
    }
}

/// Descriptors as SDDL, the text that other tools print.
pub mod sddl_text {
    use crate::windows::descriptor::SecurityDescriptor;
    use serde::{Deserialize, Deserializer, Serializer, de};

    /// Writes the text.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(descriptor: &SecurityDescriptor, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(descriptor)
    }

    /// Reads the text.
    ///
    /// # Errors
    /// What is no descriptor or not understood, with the column.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<SecurityDescriptor, D::Error> {
        String::deserialize(from)?.parse().map_err(de::Error::custom)
    }
}
