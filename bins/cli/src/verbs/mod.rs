//! The verbs.

#[cfg(target_os = "linux")]
mod agents;
mod answers;
mod check;
mod clauses;
#[cfg(any(target_os = "linux", windows))]
mod clean;
#[cfg(target_os = "linux")]
mod doctor;
#[cfg(any(target_os = "linux", windows))]
mod event;
#[cfg(any(target_os = "linux", windows))]
mod export;
#[cfg(any(target_os = "linux", windows))]
mod learn;
#[cfg(any(target_os = "linux", windows))]
mod log;
#[cfg(target_os = "linux")]
mod plan;
mod policy;
#[cfg(any(target_os = "linux", windows))]
mod prove;
#[cfg(any(target_os = "linux", windows))]
mod report;
#[cfg(target_os = "linux")]
mod run;
#[cfg(any(target_os = "linux", windows))]
mod undo;
#[cfg(any(target_os = "linux", windows))]
mod verify;
#[cfg(any(target_os = "linux", windows))]
mod watch;
#[cfg(target_os = "linux")]
mod why;
mod windows;

use crate::arguments::Verb;
use crate::failure::Failure;
#[cfg(target_os = "linux")]
use std::io::Write as _;

/// Does what a verb says. The exit code.
#[cfg(target_os = "linux")]
pub fn dispatch(verb: &Verb) -> Result<u8, Failure> {
    if let Verb::Run(arguments) = verb {
        return run::run(arguments);
    }
    dispatch_other(verb)
}

/// The verbs that no sandbox waits for. They would make the stack of `run` deeper.
#[cfg(target_os = "linux")]
#[inline(never)]
fn dispatch_other(verb: &Verb) -> Result<u8, Failure> {
    let mut out = std::io::BufWriter::new(anstream::stdout());
    let code = match verb {
        Verb::Run(arguments) => run::run(arguments),
        Verb::Plan(arguments) => plan::run(arguments, &mut out),
        Verb::Check(arguments) => check::run(arguments, &mut out),
        Verb::Why(arguments) => why::run(arguments, &mut out),
        Verb::Doctor(arguments) if arguments.is_of_windows() => windows::doctor::run(arguments, &mut out),
        Verb::Doctor(arguments) => doctor::run(arguments.json, &mut out),
        Verb::Policy(verb) => policy::run(verb, &mut out),
        Verb::Prove(arguments) => {
            let (json, only, tier) = (arguments.json, arguments.only.clone(), arguments.tier.clone());
            Ok(prove::run(&prove::ProveArgs { json, only, tier }, &mut out))
        }
        Verb::Learn(arguments) => learn::run(arguments, &mut out),
        Verb::Log(arguments) => log::run(arguments, &mut out),
        Verb::Verify(arguments) => verify::run(arguments, &mut out),
        Verb::Watch(arguments) => watch::run(arguments, &mut out),
        Verb::Report(arguments) => report::run(arguments, &mut out),
        Verb::Diff(arguments) => undo::diff::run(arguments, &mut out),
        Verb::Apply(arguments) => undo::apply::run(arguments, &mut out),
        Verb::Discard(arguments) => undo::layers::throw_away(arguments, &mut out),
        Verb::Layers(report) => undo::layers::list(report.json, &mut out),
        Verb::Undo(arguments) => undo::revert::undo(arguments, &mut out),
        Verb::Checkpoints(report) => undo::revert::list(report.json, &mut out),
        Verb::Agents(arguments) => agents::run(arguments, &mut out),
        Verb::Clean(arguments) => clean::run(arguments.check, &mut out),
    };
    out.flush()?;
    code
}

/// Does what a verb says. The exit code.
#[cfg(not(target_os = "linux"))]
pub fn dispatch(verb: &Verb) -> Result<u8, Failure> {
    let mut out = anstream::stdout();
    match verb {
        Verb::Policy(verb) => policy::run(verb, &mut out),
        Verb::Plan(arguments) if cfg!(windows) || arguments.machine.facts.is_some() => {
            windows::plan::run(arguments, &mut out)
        }
        Verb::Check(arguments) => check::run(arguments, &mut out),
        Verb::Why(arguments) if cfg!(windows) || arguments.machine.facts.is_some() => {
            windows::why::run(arguments, &mut out)
        }
        #[cfg(windows)]
        Verb::Run(arguments) => windows::run::run(arguments),
        Verb::Doctor(arguments) if cfg!(windows) || arguments.is_of_windows() => {
            windows::doctor::run(arguments, &mut out)
        }
        #[cfg(windows)]
        Verb::Prove(arguments) => {
            let (json, only, tier) = (arguments.json, arguments.only.clone(), arguments.tier.clone());
            Ok(prove::run(&prove::ProveArgs { json, only, tier }, &mut out))
        }
        #[cfg(windows)]
        Verb::Clean(arguments) => clean::run(arguments.check, &mut out),
        #[cfg(windows)]
        Verb::Undo(arguments) => undo::revert::undo(arguments, &mut out),
        #[cfg(windows)]
        Verb::Checkpoints(report) => undo::revert::list(report.json, &mut out),
        #[cfg(windows)]
        Verb::Learn(arguments) => learn::run(arguments, &mut out),
        #[cfg(windows)]
        Verb::Log(arguments) => log::run(arguments, &mut out),
        #[cfg(windows)]
        Verb::Verify(arguments) => verify::run(arguments, &mut out),
        #[cfg(windows)]
        Verb::Watch(arguments) => watch::run(arguments, &mut out),
        #[cfg(windows)]
        Verb::Report(arguments) => report::run(arguments, &mut out),
        Verb::Diff(_) | Verb::Apply(_) | Verb::Discard(_) | Verb::Layers(_) => Err(without_layers()),
        Verb::Agents(_) => Err(Failure::new(
            121,
            "nothing is kept for agents on this system",
            "what an agent writes is kept from layers, which are built for Linux alone",
            "see docs/agents.md",
        )),
        _ => Err(unsupported()),
    }
}

/// Why there are no layers on this system.
#[cfg(not(target_os = "linux"))]
fn without_layers() -> Failure {
    let hint = if cfg!(windows) {
        "use a checkpoint: `garth run --checkpoint -- ...`, then `garth undo`"
    } else {
        "see docs/platforms.md"
    };
    let why = "a layer needs a file system on top of the workspace, which is built for Linux alone";
    Failure::new(121, "there are no layers on this system", why, hint)
}

/// Why this system cannot do it.
#[cfg(not(target_os = "linux"))]
fn unsupported() -> Failure {
    Failure::new(
        121,
        "garth cannot do that on this system",
        "there is no backend for it",
        "see docs/platforms.md",
    )
}
