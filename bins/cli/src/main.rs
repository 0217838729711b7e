//! The `garth` command.

use garth::{Error, Outcome, Request, prepare};
use std::os::unix::ffi::OsStringExt;
use std::process::ExitCode;
use std::io::Write;

fn main() -> ExitCode {
    if let Some(code) = garth_runner::enter() {
        return ExitCode::from(code);
    }
    let arguments: Vec<Vec<u8>> = std::env::args_os().skip(3).map(OsStringExt::into_vec).collect();
    let request = Request {
        arguments,
        workspace: None,
        policy: None,
        flags: vec![],
        without_namespaces: std::env::var_os("G_LL").is_some(),
        environment: std::env::vars_os().map(|(n, v)| (n.into_vec(), v.into_vec())).collect(),
        terminal: true,
    };
    match run(&request) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "garth: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}

fn run(request: &Request) -> Result<u8, Error> {
    let mut prepared = prepare(request)?;
    let ended = prepared.run(&mut |_| {})?;
    for d in &ended.denied {
        let _ = writeln!(std::io::stderr(), "{d:?}");
    }
    match ended.outcome {
        Outcome::Ended(e) => Ok(garth::exit_like(&e)),
        other => { let _ = writeln!(std::io::stderr(), "{other:?}"); Ok(125) }
    }
}
