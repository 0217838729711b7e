//! The verbs.

#[cfg(target_os = "linux")]
mod check;
#[cfg(target_os = "linux")]
mod clean;
#[cfg(target_os = "linux")]
mod doctor;
#[cfg(target_os = "linux")]
mod event;
#[cfg(target_os = "linux")]
mod export;
#[cfg(target_os = "linux")]
mod log;
#[cfg(target_os = "linux")]
mod plan;
mod policy;
#[cfg(target_os = "linux")]
mod prove;
#[cfg(target_os = "linux")]
mod run;
#[cfg(target_os = "linux")]
mod verify;
#[cfg(target_os = "linux")]
mod why;

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
    let mut out = std::io::BufWriter::new(anstream::stdout());
    let code = match verb {
        Verb::Run(arguments) => run::run(arguments),
        Verb::Plan(arguments) => plan::run(arguments, &mut out),
        Verb::Check(arguments) => check::run(arguments, &mut out),
        Verb::Why(arguments) => why::run(arguments, &mut out),
        Verb::Doctor(report) => doctor::run(report.json, &mut out),
        Verb::Policy(verb) => policy::run(verb, &mut out),
        Verb::Prove(arguments) => {
            let (json, only, tier) = (arguments.json, arguments.only.clone(), arguments.tier.clone());
            Ok(prove::run(&prove::ProveArgs { json, only, tier }, &mut out))
        }
        Verb::Log(arguments) => log::run(arguments, &mut out),
        Verb::Verify(arguments) => verify::run(arguments, &mut out),
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
        _ => Err(unsupported()),
    }
}

/// Why this system cannot do it.
#[cfg(not(target_os = "linux"))]
fn unsupported() -> Failure {
    match garth::surroundings(None, &[]) {
        Err(error) => error.into(),
        Ok(_) => Failure::new(
            121,
            "garth cannot do that on this system",
            "there is no backend for it",
            "see docs/platforms.md",
        ),
    }
}
