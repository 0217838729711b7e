//! What a session on Linux tells the log.

use super::{Ended, Outcome, Prepared};
use crate::Error;
use crate::audit::{Beginning, end, end_by, words};
use crate::denial::Explained;
use crate::words::operation_name;
use garth_audit::core::{FileDenied, Grant, Machine, SessionEnded, SessionStarted, Usage};
use garth_host::linux::supervise::Denied;
use garth_policy::{FileOp, NodeKind};

/// A word for the tier of a plan.
pub(crate) fn tier(prepared: &Prepared) -> &'static str {
    match prepared.plan.spec.tier {
        garth_plan::linux::spec::Tier::Process => "process",
        garth_plan::linux::spec::Tier::Landlock => "landlock",
    }
}

/// The first event.
pub(crate) fn started(prepared: &Prepared) -> SessionStarted {
    let Prepared { policy, facts, command, .. } = prepared;
    let beginning = Beginning {
        policy,
        workspace: &prepared.surroundings.context.workspace,
        directory: &command.directory,
        arguments: &command.arguments,
        agent: prepared.log.recording.agent.as_ref(),
        tier: tier(prepared),
        assurance: &prepared.plan.assurance,
        machine: Machine {
            kernel: facts.features.kernel.clone(),
            arch: facts.features.arch.clone(),
            landlock: facts.features.landlock,
            supervision: facts.features.supervision,
            user: Some(facts.user.uid),
            sid: None,
        },
    };
    beginning.event()
}

/// The last event.
pub(crate) fn ended(result: &Result<Ended, Error>, milliseconds: u64, usage: Option<Usage>) -> SessionEnded {
    let ended = match result {
        Ok(ended) => ended,
        Err(error) => return SessionEnded { milliseconds, usage, ..end_by(error) },
    };
    let event = match &ended.outcome {
        Outcome::Ended(ending) => {
            let code = ending.code.unwrap_or_else(|| 128 + ending.signal.unwrap_or(0));
            let code = u32::try_from(code & 0xff).unwrap_or(125);
            let outcome = if ending.signal.is_some() { "signalled" } else { "exited" };
            SessionEnded { signal: ending.signal, ..end(outcome, code, ended.limited.clone()) }
        }
        Outcome::TimedOut => end("time-limit", 124, Some("the time limit ended the command".into())),
        Outcome::LimitHit(what) => end("limit", 137, Some(format!("a limit ended the command: {what}"))),
        Outcome::NotExecuted(code) => {
            let error = Error::NotExecuted { program: "the command".into(), code: *code };
            end("not-executed", error.exit_code().into(), Some(error.to_string()))
        }
        Outcome::Failed { step, error } => {
            let error = Error::Os { step: step.clone(), error: error.clone() };
            end("failed", error.exit_code().into(), Some(error.to_string()))
        }
        Outcome::Lost => end("failed", 125, Some("the sandbox ended without a word".into())),
    };
    SessionEnded { denied: ended.denied.len(), milliseconds, usage, ..event }
}

/// A refused access, explained.
pub(crate) fn file_denied(explained: &Explained<'_>) -> FileDenied {
    let Denied { program, op, path, process, command, .. } = explained.denied;
    let kind = match op {
        FileOp::Create(kind) | FileOp::MoveTo(kind) => Some(match kind {
            NodeKind::File => "file",
            NodeKind::Directory => "directory",
            NodeKind::Symlink => "symlink",
            NodeKind::Other => "other",
        }),
        _ => None,
    };
    FileDenied {
        program: program.clone(),
        operation: operation_name(*op).to_owned(),
        kind: kind.map(str::to_owned),
        path: path.to_lossless(),
        process: *process,
        command: words(command),
        reason: explained.reason.clone(),
        origin: explained.origin.as_ref().map(Into::into),
        grant: explained.grant.as_ref().map(|grant| Grant {
            section: grant.section.to_owned(),
            line: grant.line.clone(),
            option: explained.option.clone(),
        }),
        hint: explained.hint.clone(),
    }
}
