//! The events of `garth run --json`: one JSON object a line on standard error. The schema is `events.schema.json`
//! beside the manifest; a test compares.

use crate::denial::Explained;
use crate::words::operation_name;
use garth::network::{Decided, Fault, Hint};
use garth::policy::{AbsPath, NodeKind, Origin, escape_visible};
use garth::{Approval, DeniedCommand, Subject};
use serde::Serialize;
use std::io::{self, Write};

/// One event.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event<'e> {
    /// An access was refused.
    Denied(Refusal<'e>),
    /// A program was not let start.
    CommandDenied(CommandRefusal<'e>),
    /// A host was refused.
    NetworkRefused(HostRefusal<'e>),
    /// The network's broker failed at something; no refusal.
    NetworkFault {
        /// What was being done.
        operation: &'e str,
        /// What went wrong.
        cause: &'e str,
    },
    /// A question was asked.
    Approval(Answered<'e>),
    /// A directory became a git repository, or a pointer to one.
    Repository {
        /// The directory.
        path: &'e AbsPath,
    },
    /// What stood in the workspace before is kept.
    Checkpoint {
        /// Its name.
        id: &'e str,
        /// Names that it holds.
        entries: u64,
        /// Names that were left out.
        #[serde(rename = "left-out")]
        left_out: usize,
    },
    /// What the command changed is in a layer, unless that is nothing.
    Layer {
        /// Its name.
        id: &'e str,
        /// Names that it changes.
        changes: usize,
    },
    /// The last event: how it ended.
    Ended(End),
}

/// A refused access.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Refusal<'e> {
    /// The program that tried.
    program: &'e str,
    /// What it tried.
    operation: &'static str,
    /// Of what kind, for an operation that makes a name.
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<NodeKind>,
    /// On which object. Bytes that are no UTF-8 and backslashes are `\xNN`.
    path: &'e AbsPath,
    /// Why not.
    reason: &'e str,
    /// The clause that said so.
    origin: Option<&'e Origin>,
    /// The least grant.
    grant: Option<Grant<'e>>,
    /// What helps, in words.
    hint: &'e str,
}

/// A refused program.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct CommandRefusal<'e> {
    /// The program that tried to start it.
    program: String,
    /// The file that it would have executed, as it was written; empty for an opened one.
    file: String,
    /// The command line.
    command: Vec<String>,
    /// Why not.
    reason: &'e str,
    /// The rule that said so.
    origin: &'e Origin,
    /// True where the rule says `ask`.
    asked: bool,
}

/// A refused host.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct HostRefusal<'e> {
    /// The host as it was asked for, or null if it was none.
    host: Option<String>,
    /// The port; 0 if only the name was asked for.
    port: u16,
    /// What decided.
    code: &'static str,
    /// Why not.
    reason: &'e str,
    /// The clause that said so.
    origin: Option<&'e Origin>,
    /// The least grant.
    grant: Option<PolicyLine<'e>>,
}

/// A question and its answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Answered<'e> {
    /// What was asked for.
    #[serde(flatten)]
    subject: Asked,
    /// The file that the process executed, or null if the process was not found.
    program: Option<String>,
    /// `once`, `session`, `always`, `no` or `quiet`.
    answer: &'static str,
    /// Why `always` holds for this session only, or null.
    problem: Option<&'e str>,
}

/// What was asked for.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum Asked {
    Connect { host: String, port: u16 },
    Execute { command: Vec<String> },
}

/// A line of a policy file.
#[derive(Debug, Serialize)]
pub struct PolicyLine<'e> {
    section: &'e str,
    line: &'e str,
}

/// A line of a policy file, and the option of `run` that does the same.
#[derive(Debug, Serialize)]
pub struct Grant<'e> {
    section: &'e str,
    line: &'e str,
    option: &'e str,
}

/// How it ended.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct End {
    /// `exited`, `signalled`, `time-limit`, `limit`, `not-executed`, `refused` or `failed`.
    pub outcome: &'static str,
    /// The exit code of garth.
    pub code: u8,
    /// The signal that ended the command.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signal: Option<i32>,
    /// What went wrong, where something did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// How many different accesses were denied.
    pub denied: usize,
}

impl<'e> Event<'e> {
    /// The event of a refusal.
    pub fn denied(explained: &'e Explained<'_>) -> Self {
        use garth::policy::FileOp::{Create, MoveTo};
        let denied = explained.denied;
        let kind = match denied.op {
            Create(kind) | MoveTo(kind) => Some(kind),
            _ => None,
        };
        let grant = explained.grant.as_ref().map(|grant| Grant {
            section: grant.section,
            line: &grant.line,
            option: explained.option.as_deref().unwrap_or_default(),
        });
        Self::Denied(Refusal {
            program: &denied.program,
            operation: operation_name(denied.op),
            kind,
            path: &denied.path,
            reason: &explained.reason,
            origin: explained.origin.as_ref(),
            grant,
            hint: &explained.hint,
        })
    }

    /// The event of a refused host.
    pub fn network_refused(decided: &'e Decided) -> Self {
        let ruling = &decided.ruling;
        let line = |hint: &'e Hint| PolicyLine { section: &hint.section, line: &hint.line };
        Self::NetworkRefused(HostRefusal {
            host: decided.host.as_ref().map(ToString::to_string),
            port: decided.port,
            code: ruling.code.name(),
            reason: &ruling.reason,
            origin: ruling.origin.as_ref(),
            grant: ruling.hint.as_ref().map(line),
        })
    }

    /// The event of a failure of the broker.
    pub fn network_fault(fault: &'e Fault) -> Self {
        Self::NetworkFault { operation: &fault.operation, cause: &fault.cause }
    }

    /// The event of a refused program.
    pub fn command_denied(denied: &'e DeniedCommand) -> Self {
        Self::CommandDenied(CommandRefusal {
            program: escape_visible(denied.by.as_bytes()),
            file: escape_visible(&denied.program),
            command: visible(&denied.arguments),
            reason: &denied.reason,
            origin: &denied.origin,
            asked: denied.asked,
        })
    }

    /// The event of a question.
    pub fn approval(approval: &'e Approval) -> Self {
        let program = approval.asked.process.as_ref().and_then(|process| process.program.as_ref());
        Self::Approval(Answered {
            subject: match &approval.asked.subject {
                Subject::Connection { host, port, .. } => {
                    Asked::Connect { host: host.to_string(), port: *port }
                }
                Subject::Command { arguments, .. } => Asked::Execute { command: visible(arguments) },
            },
            program: program.map(|path| escape_visible(path)),
            answer: approval.reply.name(),
            problem: approval.problem.as_deref(),
        })
    }

    /// Writes the event as one line, in one write.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut line = serde_json::to_vec(self)?;
        line.push(b'\n');
        out.write_all(&line)
    }
}

fn visible(words: &[Vec<u8>]) -> Vec<String> {
    words.iter().map(|word| escape_visible(word)).collect()
}
