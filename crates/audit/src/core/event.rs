//! The vocabulary: everything that a log can say.
//!
//! Names of files and words of commands come from inside and may hold any bytes. Paths are written so that they read back
//! exactly (`\xNN` for bytes that are no UTF-8, and for the backslash); words of commands so that they are safe to show.

pub use super::inside::{Change, FileChanged, ListClosed, LogRemoved, ProcessEnded, ProcessStarted};

use garth_policy::Origin;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Makes [`Event`] and [`Kind`] of one table: variant, name in the log, whether it may tell of a refusal.
macro_rules! vocabulary {
    ($($(#[doc = $doc:literal])* $variant:ident = $name:literal,)*) => {
        /// Something that happened.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "event")]
        pub enum Event {
            $($(#[doc = $doc])* #[serde(rename = $name)] $variant($variant),)*
        }

        /// What kind of thing happened.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind {
            $($(#[doc = $doc])* $variant,)*
        }

        impl Kind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The word for it in the log.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// In words.
            #[must_use]
            pub fn description(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),*).trim_ascii(),)* }
            }

            /// Schema of the members that are of this kind alone.
            pub(super) fn members(self, generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                match self { $(Self::$variant => <$variant as JsonSchema>::json_schema(generator),)* }
            }
        }

        impl Event {
            /// What kind of thing this is.
            #[must_use]
            pub fn kind(&self) -> Kind {
                match self { $(Self::$variant(_) => Kind::$variant,)* }
            }
        }

        $(impl From<$variant> for Event {
            fn from(event: $variant) -> Self {
                Self::$variant(event)
            }
        })*
    };
}

vocabulary! {
    /// A session started.
    SessionStarted = "session-started",
    /// The machine turned out to refuse the first plan, so a weaker one that passed the gate as well is carried out.
    PlanChanged = "plan-changed",
    /// A session ended; the last record of a complete log.
    SessionEnded = "session-ended",
    /// A command was judged by the rules for commands.
    CommandVetted = "command-vetted",
    /// A process executes a program.
    ProcessStarted = "process-started",
    /// A process ended.
    ProcessEnded = "process-ended",
    /// An access to a file was refused. The same access of the same session is told once.
    FileDenied = "file-denied",
    /// A file is not what it was when the session started.
    FileChanged = "file-changed",
    /// How complete the events of a sort are, told at the end of a session.
    ListClosed = "list-closed",
    /// A directory became a git repository, or a pointer to one, while the command ran.
    RepositoryMade = "repository-made",
    /// What stood in the workspace was kept before the command started.
    CheckpointMade = "checkpoint-made",
    /// The command ran with a layer in place of its workspace. With no changes the layer is gone.
    LayerKept = "layer-kept",
    /// A connection or request was allowed.
    NetworkAllowed = "network-allowed",
    /// A connection or request was refused.
    NetworkDenied = "network-denied",
    /// A connection ended.
    NetworkClosed = "network-closed",
    /// A name was asked for.
    Dns = "dns",
    /// A secret was put into a request. Its value is nowhere.
    SecretUsed = "secret-used",
    /// The placeholder of a secret went to a host that may not see the secret.
    SecretWithheld = "secret-withheld",
    /// Somebody was asked what the policy leaves open.
    ApprovalAsked = "approval-asked",
    /// The answer to a question, or that none came.
    ApprovalAnswered = "approval-answered",
    /// A limit was met.
    LimitHit = "limit-hit",
    /// What a crashed session had left on the host was removed.
    ResidueCleaned = "residue-cleaned",
    /// Something of the broker's own failed. No refusal.
    BrokerError = "broker-error",
    /// More happened of a kind than the log takes.
    EventsOmitted = "events-omitted",
    /// The last record of a file after which the log goes on in another.
    LogContinued = "log-continued",
    /// The first record of a file that continues a log.
    LogHead = "log-head",
    /// A line that a crash had left half written was moved aside.
    LogRecovered = "log-recovered",
    /// The log of another session was removed, because the policy says how long logs are kept.
    LogRemoved = "log-removed",
}

/// The clause of a policy that decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Clause {
    /// `profile`, `user`, `project`, `flags` or `managed`.
    pub layer: String,
    /// The file, the option as typed, or what is built in.
    pub source: String,
    /// From 1; 0 if it is in no file.
    pub line: u32,
    /// From 1; 0 if it is in no file.
    pub column: u32,
}

impl From<&Origin> for Clause {
    fn from(origin: &Origin) -> Self {
        let (layer, source) = (origin.layer.name().to_owned(), origin.source.clone().into_owned());
        Self { layer, source, line: origin.line, column: origin.column }
    }
}

/// The least addition to a policy that would allow it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Grant {
    /// Section of the policy file.
    pub section: String,
    /// Line in that section.
    pub line: String,
    /// Option of `garth run` that does the same once; null where there is none.
    pub option: Option<String>,
}

/// A gap of the assurance that was accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Gap {
    /// Its name.
    pub gap: String,
    /// `partial`, `advisory` or `unenforceable`.
    pub status: String,
    /// What is not held.
    pub detail: String,
    /// How many clauses of the policy have it.
    pub clauses: usize,
}

/// The machine, as the plan was made for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Machine {
    /// Name and version of the kernel.
    pub kernel: String,
    /// Architecture.
    pub arch: String,
    /// Landlock ABI; 0 without, and on other systems than Linux.
    pub landlock: u32,
    /// Whether system calls can be supervised.
    pub supervision: bool,
    /// Number of the user who runs garth; null where users have no numbers.
    pub user: Option<u32>,
    /// SID of the user who runs garth, on Windows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
}

/// A session started.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct SessionStarted {
    /// Version of garth.
    pub garth: String,
    /// The agent, where one was named or is known by its program.
    pub agent: Option<String>,
    /// The workspace.
    pub workspace: String,
    /// The working directory.
    pub directory: String,
    /// The command.
    pub command: Vec<String>,
    /// SHA-256 of the resolved policy in hexadecimal digits: equal policies have equal ones.
    pub policy: String,
    /// The profile that the policy started from.
    pub profile: String,
    /// The tier.
    pub tier: String,
    /// What is not fully enforced, and accepted. Everything else in the policy is enforced.
    pub gaps: Vec<Gap>,
    /// The machine.
    pub machine: Machine,
    /// Whether the session stops when it cannot be recorded.
    pub required: bool,
}

/// Another plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct PlanChanged {
    /// The tier from now on.
    pub tier: String,
    /// What the machine refused.
    pub reason: String,
    /// What is not fully enforced from now on, and accepted.
    pub gaps: Vec<Gap>,
}

/// What a session used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Usage {
    /// Processor time in the target's own code, in milliseconds.
    pub user: u64,
    /// Processor time in the kernel, in milliseconds.
    pub system: u64,
    /// Most memory of one process, in bytes.
    pub memory: u64,
}

/// A session ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct SessionEnded {
    /// `exited`, `signalled`, `time-limit`, `limit`, `not-executed`, `refused` or `failed`.
    pub outcome: String,
    /// The exit code of garth; on Windows such codes have 32 bits.
    pub code: u32,
    /// The signal that ended the command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<i32>,
    /// What went wrong, where something did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// How many different accesses to files were denied.
    pub denied: usize,
    /// How long it lasted, in milliseconds.
    pub milliseconds: u64,
    /// What its processes used; null if that is not known.
    pub usage: Option<Usage>,
}

/// What a rule for commands says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// It may start.
    Allow,
    /// Somebody is asked.
    Ask,
    /// It must not start.
    Deny,
}

/// A judged command.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct CommandVetted {
    /// It was let start.
    pub allowed: bool,
    /// What the strictest rule says.
    pub rule: Rule,
    /// The command line; control characters are escaped.
    pub command: Vec<String>,
    /// What it would have executed, as it was written; empty for an opened file.
    pub file: String,
    /// Name of the program that starts it.
    pub program: String,
    /// Why.
    pub reason: String,
    /// The rule; null if none speaks of it, or it was not understood whether one does.
    pub origin: Option<Clause>,
    /// The rule says `ask`. If it is not allowed, the answer was no or there was nobody to ask.
    pub asked: bool,
}

/// A refused access.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct FileDenied {
    /// Name of the program that tried.
    pub program: String,
    /// `read`, `list`, `execute`, `write`, `create`, `delete`, `move-from`, `move-to`, `link` or `metadata`.
    pub operation: String,
    /// What would have been made, for `create` and `move-to`: `file`, `directory`, `symlink` or `other`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Bytes that are no UTF-8, and backslashes, are written as \xNN.
    pub path: String,
    /// Number of the process inside; null if it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<u32>,
    /// Its command line; control characters are escaped. Empty if it is not known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    /// Why not.
    pub reason: String,
    /// The clause that decided; null if nothing names the path.
    pub origin: Option<Clause>,
    /// The least addition that would allow it; null if there is none.
    pub grant: Option<Grant>,
    /// What helps, in words.
    pub hint: String,
}

/// A copy of the workspace, to which `garth undo` goes back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct CheckpointMade {
    /// Its name.
    pub checkpoint: String,
    /// Names that it holds.
    pub entries: u64,
    /// Names that were left out.
    pub left_out: u64,
}

/// A layer that outlives its command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LayerKept {
    /// Name of the layer, for `garth diff`, `garth apply` and `garth discard`.
    pub layer: String,
    /// Names that it changes.
    pub changes: u64,
}

/// A new repository.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct RepositoryMade {
    /// The directory.
    pub path: String,
}

/// What is known of a decision on a connection or request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct NetworkDecided {
    /// Number of the connection in this session.
    pub connection: u64,
    /// Where it came in: `explicit`, `transparent`, `host-port` or `dns`.
    pub front: String,
    /// How it was asked for: `tcp`, `tls`, `tls-opened`, `http`, `connect`, `socks5` or `dns`.
    pub protocol: String,
    /// As it was asked for; null if it was no host.
    pub host: Option<String>,
    /// 0 if none was given.
    pub port: u16,
    /// The address that was connected to.
    pub address: Option<String>,
    /// The method, where a request was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The path without query, where a request was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// What decided, in a word.
    pub code: String,
    /// Why.
    pub reason: String,
    /// The clause that decided; null if nothing names the host.
    pub origin: Option<Clause>,
    /// The least addition that would allow it; null if there is none or nothing was refused.
    pub grant: Option<Grant>,
}

/// An allowed connection or request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct NetworkAllowed(pub NetworkDecided);

/// A refused connection or request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct NetworkDenied(pub NetworkDecided);

/// A connection that ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct NetworkClosed {
    /// Number of the connection in this session.
    pub connection: u64,
    /// The host.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Bytes sent to the host.
    pub sent: u64,
    /// Bytes received from it.
    pub received: u64,
    /// How long it was open.
    pub milliseconds: u64,
}

/// A question for a name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Dns {
    /// The name; null if it was none.
    pub host: Option<String>,
    /// It was answered.
    pub allowed: bool,
    /// What decided, in a word.
    pub code: String,
    /// Why.
    pub reason: String,
    /// The clause that decided; null if nothing names the host.
    pub origin: Option<Clause>,
    /// The least addition that would allow it; null if there is none or nothing was refused.
    pub grant: Option<Grant>,
}

/// A secret and a connection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct SecretUse {
    /// Name of the secret in the policy.
    pub secret: String,
    /// The host.
    pub host: Option<String>,
    /// The port.
    pub port: u16,
    /// Number of the connection in this session.
    pub connection: u64,
    /// The part of the request: `headers`, `path`, `query` or `body`; null in logs of before there were several.
    #[serde(default)]
    pub place: Option<String>,
    /// Why it was kept back; null if it was put in.
    #[serde(default)]
    pub reason: Option<String>,
}

/// A secret that was put in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct SecretUsed(pub SecretUse);

/// A secret that was kept back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct SecretWithheld(pub SecretUse);

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Asked {
    /// Number of the question in this session.
    pub question: u64,
    /// `connect`, with `host` and `port`; or `execute`, with `command`.
    pub kind: String,
    /// The host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// The port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// The command line; control characters are escaped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<Vec<String>>,
    /// The file that the process inside executed; null if the process was not found.
    pub program: Option<String>,
}

/// A question.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ApprovalAsked {
    /// What is asked for.
    #[serde(flatten)]
    pub asked: Asked,
    /// Why it is asked.
    pub reason: String,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ApprovalAnswered {
    /// What was asked for.
    #[serde(flatten)]
    pub asked: Asked,
    /// `once`, `session`, `always`, `no` or `quiet`.
    pub answer: String,
    /// Why `always` holds for this session only; null if nothing went wrong.
    pub problem: Option<String>,
}

/// A limit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct LimitHit {
    /// Which, in words.
    pub limit: String,
    /// It ended the session.
    pub ended: bool,
}

/// Removed residue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ResidueCleaned {
    /// What was removed.
    pub path: String,
}

/// A failure of the broker's own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct BrokerError {
    /// What was being done.
    pub operation: String,
    /// What went wrong.
    pub cause: String,
}

/// Events that are counted and not written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct EventsOmitted {
    /// Their kind.
    pub kind: String,
    /// How many so far. The record comes with the first, and again at the end of the session.
    pub count: u64,
}

/// The log goes on elsewhere.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct LogContinued {
    /// Name of the next file.
    pub file: String,
}

/// The log comes from elsewhere.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct LogHead {
    /// Name of the file before.
    pub file: String,
}

/// A mended log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct LogRecovered {
    /// How many bytes were no record.
    pub bytes: u64,
    /// Their SHA-256 in hexadecimal digits.
    pub sha256: String,
    /// Name of the file that holds them now; null if there were none and the log was only closed.
    pub file: Option<String>,
}

impl Kind {
    /// The kind of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }

    /// Whether an event of this kind can tell of a refusal; [`Event::is_denial`] says whether it does.
    #[must_use]
    pub fn may_deny(self) -> bool {
        matches!(
            self,
            Self::FileDenied
                | Self::NetworkDenied
                | Self::CommandVetted
                | Self::Dns
                | Self::SecretWithheld
                | Self::ApprovalAnswered
        )
    }
}

impl Event {
    /// Whether something was refused.
    #[must_use]
    pub fn is_denial(&self) -> bool {
        match self {
            Self::FileDenied(_) | Self::NetworkDenied(_) | Self::SecretWithheld(_) => true,
            Self::CommandVetted(vetted) => !vetted.allowed,
            Self::Dns(asked) => !asked.allowed,
            Self::ApprovalAnswered(answered) => matches!(answered.answer.as_str(), "no" | "quiet"),
            _ => false,
        }
    }

    /// The program or command that it is about.
    #[must_use]
    pub fn program(&self) -> Option<&str> {
        match self {
            Self::FileDenied(denied) => Some(&denied.program),
            Self::CommandVetted(vetted) => vetted.command.first().map(String::as_str),
            Self::ProcessStarted(started) => Some(&started.program),
            Self::SessionStarted(started) => started.command.first().map(String::as_str),
            Self::ApprovalAsked(ApprovalAsked { asked, .. })
            | Self::ApprovalAnswered(ApprovalAnswered { asked, .. }) => asked.program.as_deref(),
            _ => None,
        }
    }

    /// The host that it is about.
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        match self {
            Self::NetworkAllowed(NetworkAllowed(decided)) | Self::NetworkDenied(NetworkDenied(decided)) => {
                decided.host.as_deref()
            }
            Self::NetworkClosed(closed) => Some(&closed.host),
            Self::Dns(asked) => asked.host.as_deref(),
            Self::SecretUsed(SecretUsed(used)) | Self::SecretWithheld(SecretWithheld(used)) => {
                used.host.as_deref()
            }
            Self::ApprovalAsked(ApprovalAsked { asked, .. })
            | Self::ApprovalAnswered(ApprovalAnswered { asked, .. }) => asked.host.as_deref(),
            _ => None,
        }
    }

    /// The file that it is about.
    #[must_use]
    pub fn path(&self) -> Option<&str> {
        match self {
            Self::FileDenied(denied) => Some(&denied.path),
            Self::FileChanged(changed) => Some(&changed.path),
            Self::RepositoryMade(made) => Some(&made.path),
            Self::ResidueCleaned(cleaned) => Some(&cleaned.path),
            _ => None,
        }
    }
}
