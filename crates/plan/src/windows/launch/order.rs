//! From the plan's launch to the order of one process.

use super::{Identity, JobSpec, LaunchSpec, UiLimits};
use crate::windows::quote::{QuoteError, for_batch_file, for_c_runtime, for_cmd_text};
use crate::windows::spec::{self, Launch, Mitigation};
use crate::windows::token::AppContainer;
use core::fmt;
use garth_policy::AbsPath;

/// Why a launch is no order to this host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrderError {
    /// The command line cannot be written.
    Quote(QuoteError),
    /// A path is no Unicode.
    Path(AbsPath),
    /// The host cannot do this part of a plan yet.
    NotBuilt(&'static str),
}

impl OrderError {
    /// What helps.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Quote(QuoteError::ForCmd { .. }) => "start the program that the batch file starts",
            Self::Quote(QuoteError::TooLong { .. }) => "put the arguments into a file that the program reads",
            Self::Quote(_) => "check the command",
            Self::Path(_) => "give it a name in Unicode",
            Self::NotBuilt(_) => "use `--tier container`; docs/platforms.md says what is built",
        }
    }
}

impl fmt::Display for OrderError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Quote(error) => error.fmt(out),
            Self::Path(path) => write!(out, "{path} is no Unicode"),
            Self::NotBuilt(part) => write!(out, "this version of garth cannot start {part} on Windows yet"),
        }
    }
}

impl core::error::Error for OrderError {}

/// The order for a launch, on a machine with so many processors.
///
/// # Errors
/// [`OrderError`]
pub fn order(launch: &Launch, processors: u32) -> Result<LaunchSpec, OrderError> {
    let identity = identity(&launch.identity)?;
    let program = launch.program.as_ref().ok_or(OrderError::NotBuilt("a program without a path"))?;
    let program = text(program)?;
    let command_line = match &launch.batch {
        Some(batch) => for_batch_file(&program, &text(batch)?, launch.arguments.get(1..).unwrap_or_default()),
        None => match cmd_text(&program, &launch.arguments) {
            Some(text) => for_cmd_text(&program, text),
            None => for_c_runtime(&launch.arguments),
        },
    };
    let variable = |line: &String| {
        // The directories of drives have names that begin with `=`.
        let at = line.char_indices().skip(1).find(|(_, letter)| *letter == '=').map(|(at, _)| at)?;
        Some((line[..at].to_owned(), line[at + 1..].to_owned()))
    };
    Ok(LaunchSpec {
        program,
        command_line: command_line.map_err(OrderError::Quote)?,
        directory: text(&launch.directory)?,
        environment: launch.environment.iter().filter_map(variable).collect(),
        identity,
        job: JobSpec {
            memory: launch.job.memory,
            processes: launch.job.processes,
            cpu: launch.job.processor.map(|share| share_of_all(share, processors)),
            ui: UiLimits(launch.job.ui.iter().fold(0, |bits, limit| bits | limit.bit())),
        },
        desktop: launch.desktop.clone(),
        mitigations: launch.mitigations.iter().fold(0, |bits, one| bits | mitigation(*one)),
        console: launch.terminal,
        handles: launch.handles.clone(),
        time: launch.time.map(|seconds| seconds.saturating_mul(1000)),
    })
}

/// The text of `cmd /d /s /c TEXT`. `cmd` takes the marks off at both ends of what follows and reads the rest by rules of its
/// own, by which nothing in it is quoted.
fn cmd_text<'l>(program: &str, arguments: &'l [String]) -> Option<&'l str> {
    let is_cmd = program.rsplit('\\').next().is_some_and(|name| name.eq_ignore_ascii_case("cmd.exe"));
    match arguments {
        [_, first, second, third, text] if is_cmd => {
            let given = [first, second, third].map(|word| word.to_ascii_lowercase());
            (given == ["/d", "/s", "/c"]).then_some(text.as_str())
        }
        _ => None,
    }
}

fn identity(planned: &spec::Identity) -> Result<Identity, OrderError> {
    match planned {
        spec::Identity::Container(container) => Ok(Identity::Container {
            base: container.base.clone(),
            container: AppContainer {
                package: container.package,
                capabilities: container.capabilities.iter().map(|one| one.sid).collect(),
                less_privileged: container.less_privileged,
            },
        }),
        spec::Identity::Restricted(restricted) => Ok(Identity::Restricted {
            restriction: restricted.restriction.clone(),
            default_dacl: restricted.default_dacl.clone(),
        }),
        spec::Identity::Vm(_) => Err(OrderError::NotBuilt("Windows Sandbox")),
    }
}

fn text(path: &AbsPath) -> Result<String, OrderError> {
    let text = core::str::from_utf8(path.as_bytes());
    text.map(str::to_owned).map_err(|_| OrderError::Path(path.clone()))
}

/// 10,000 of the plan is one processor; 10,000 of a job is all of them.
fn share_of_all(share: u64, processors: u32) -> u32 {
    let of_all = share / u64::from(processors.max(1));
    u32::try_from(of_all.clamp(1, 10_000)).unwrap_or(10_000)
}

/// `PROCESS_CREATION_MITIGATION_POLICY_*_ALWAYS_ON` (`winbase.h`).
fn mitigation(one: Mitigation) -> u64 {
    match one {
        Mitigation::ExtensionPointDisable => 1 << 32,
        Mitigation::FontDisable => 1 << 48,
        Mitigation::ImageLoadNoRemote => 1 << 52,
        Mitigation::ImageLoadNoLowLabel => 1 << 56,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_one_processor_becomes_one_of_all() {
        assert_eq!(share_of_all(10_000, 4), 2_500);
        assert_eq!(share_of_all(80_000, 4), 10_000);
        assert_eq!(share_of_all(1, 64), 1);
        assert_eq!(share_of_all(5_000, 0), 5_000);
    }

    #[test]
    fn the_text_of_cmd_is_found_where_it_is_one() {
        let words = |list: &[&str]| list.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let of = |program: &str, list: &[&str]| cmd_text(program, &words(list)).map(str::to_owned);
        let cmd = r"C:\Windows\System32\cmd.exe";
        assert_eq!(of(cmd, &["cmd", "/d", "/S", "/c", "echo \"a\""]), Some("echo \"a\"".to_owned()));
        assert_eq!(of(cmd, &["cmd", "/c", "echo"]), None);
        assert_eq!(of(cmd, &["cmd", "/d", "/s", "/c", "echo", "a"]), None);
        assert_eq!(of(r"C:\tools\node.exe", &["cmd", "/d", "/s", "/c", "x"]), None);
    }
}
