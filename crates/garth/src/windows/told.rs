//! What a session on Windows tells the log, and how complete that is.

use super::{Ended, INTERRUPTED, Outcome, Prepared};
use crate::Error;
use crate::audit::{Beginning, Recorder, end, end_by, tell, words};
use crate::changed::closed;
use garth_audit::core::{
    LimitHit, ListClosed, Machine, ProcessEnded, ProcessStarted, SessionEnded, SessionStarted, Usage,
};
use garth_host::windows::processes::{Counted, Started, Told};
use garth_host::windows::sys::job::Used;
use garth_vet::pwsh::runtime_arguments;

/// The first event.
pub(super) fn started(prepared: &Prepared) -> SessionStarted {
    let Prepared { policy, facts, plan, .. } = prepared;
    let beginning = Beginning {
        policy,
        workspace: &prepared.surroundings.context.workspace,
        directory: &prepared.surroundings.directory,
        arguments: &prepared.arguments,
        agent: prepared.log.recording.agent.as_ref(),
        tier: plan.tier.name(),
        assurance: &plan.assurance,
        machine: Machine {
            kernel: format!("Windows {}", facts.system.build),
            arch: std::env::consts::ARCH.to_owned(),
            landlock: 0,
            supervision: false,
            user: None,
            sid: Some(facts.user.token.user.to_string()),
        },
    };
    beginning.event()
}

/// The last event.
pub(super) fn ended(result: &Result<Ended, Error>, milliseconds: u64, used: Option<Used>) -> SessionEnded {
    let event = match result {
        Err(error) => end_by(error),
        Ok(ended) => match ended.outcome {
            Outcome::Ended(code) => end("exited", code, ended.limited.map(limit_met)),
            Outcome::Interrupted => end("signalled", INTERRUPTED, Some("the user ended the command".into())),
            Outcome::TimedOut => end("time-limit", 124, Some("the time limit ended the command".into())),
        },
    };
    SessionEnded { milliseconds, usage: used.map(usage), ..event }
}

fn limit_met(limit: &str) -> String {
    format!("a limit was met: {limit}")
}

fn usage(used: Used) -> Usage {
    let milliseconds = |time: std::time::Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    Usage { user: milliseconds(used.user), system: milliseconds(used.system), memory: used.memory }
}

/// The session's own command starts.
pub(super) fn command(arguments: &[Vec<u8>], program: &str) -> ProcessStarted {
    let program = garth_policy::escape_visible(program.as_bytes());
    ProcessStarted { process: None, program, command: words(arguments), parent: None }
}

/// Tells what a sandbox told of its inside. `wanted`: the policy says that processes are told.
pub(super) fn inside(recorder: &Recorder, wanted: bool, told: Told) {
    match told {
        Told::Started(started) if wanted => tell(recorder, || process(started)),
        Told::Ended(process, code, milliseconds) if wanted => tell(recorder, || ProcessEnded {
            process: Some(process),
            code: code.map(u32::cast_signed),
            signal: None,
            milliseconds: Some(milliseconds),
        }),
        Told::Started(_) | Told::Ended(..) => {}
        Told::Limit(limit) => tell(recorder, || LimitHit { limit: limit.to_owned(), ended: false }),
    }
}

fn process(started: Started) -> ProcessStarted {
    let Started { process, parent, program, command_line } = started;
    let command = runtime_arguments(&command_line);
    let command = command.iter().map(|word| garth_policy::escape_visible(word.as_bytes())).collect();
    let program = garth_policy::escape_visible(program.as_bytes());
    ProcessStarted { process: Some(process), program, command, parent }
}

/// What came of the command, and how complete the lists are.
pub(super) fn conclusion(recorder: &Recorder, wanted: bool, outcome: Outcome, counted: Counted) {
    let code = match outcome {
        Outcome::Ended(code) => Some(code.cast_signed()),
        Outcome::Interrupted => Some(INTERRUPTED.cast_signed()),
        Outcome::TimedOut => None,
    };
    match code {
        Some(code) => {
            let code = Some(code);
            tell(recorder, || ProcessEnded { process: None, code, signal: None, milliseconds: None });
        }
        None => tell(recorder, || LimitHit { limit: "time".into(), ended: true }),
    }
    lists(wanted, counted).into_iter().for_each(|list| tell(recorder, || list));
}

/// What the system refuses by an access check is told to the one who asked alone.
const REFUSALS: &str =
    "what the system refused: Windows tells that to the program that asked, and to nobody else";

fn lists(wanted: bool, Counted { told, more }: Counted) -> [ListClosed; 2] {
    let missing = match more {
        _ if !wanted => Some("the policy says audit.processes = false".to_owned()),
        0 => None,
        more => Some(format!("{more} processes that were gone before they could be asked")),
    };
    [
        closed("processes", (if wanted { told } else { 0 }, more), missing),
        closed("reads", (0, 0), Some(REFUSALS.to_owned())),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_says_what_is_missing() {
        let of = |wanted, told, more| lists(wanted, Counted { told, more })[0].clone();
        assert!(of(true, 3, 0).complete);
        let missed = of(true, 3, 2);
        assert!(!missed.complete && missed.more == 2 && missed.missing.unwrap().contains("2 processes"));
        assert!(!of(false, 3, 0).complete);
        assert!(lists(true, Counted::default())[1..].iter().all(|list| !list.complete));
    }

    #[test]
    fn words_of_a_process_are_safe_to_show() {
        let command_line = "\"C:\\a b\\x.exe\" \"one two\" \u{1b}[2J".to_owned();
        let told = Started { process: 7, parent: None, program: "C:\\x\u{9b}.exe".into(), command_line };
        let event = process(told);
        assert_eq!(event.command, [r"C:\a b\x.exe", "one two", "\\x1b[2J"]);
        assert!(!event.program.contains('\u{9b}'));
    }
}
