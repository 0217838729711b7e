//! Why a command was not run.

use garth_host::OsError;
use garth_plan::assurance::{Row, Status};
use garth_plan::linux::PlanError;
use std::fmt;

/// Why a command was not run. Each shows what, why and a hint.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The policy is invalid; the text names file, line and column.
    Policy(String),
    /// The workspace cannot be one.
    Workspace {
        /// What was asked for.
        what: String,
        /// Why not.
        why: String,
        /// What helps.
        hint: String,
    },
    /// The target cannot get a stream of garth's.
    Stream {
        /// Which.
        what: String,
        /// Why not.
        why: String,
        /// What helps.
        hint: String,
    },
    /// A layer or checkpoint cannot be used.
    Undo {
        /// What was asked for.
        what: String,
        /// Why not.
        why: String,
        /// What helps.
        hint: String,
    },
    /// No plan can be made on this machine.
    Plan(PlanError),
    /// Clauses that cannot be enforced here and that nobody accepted.
    NotEnforced(Vec<Row>),
    /// A rule for commands says that it must not run.
    Command {
        /// The rule says `ask`.
        asked: bool,
        /// Somebody was asked.
        attended: bool,
        /// The rule's reason.
        reason: String,
        /// Where the rule stands; `None` if it was not understood whether one speaks of it.
        origin: Option<String>,
    },
    /// The program could not be executed (`errno`).
    NotExecuted {
        /// Its name.
        program: String,
        /// The error number.
        code: i32,
    },
    /// The policy requires that the session is recorded, and it cannot be.
    Unrecorded {
        /// What keeps it from being recorded.
        cause: String,
        /// Where the log would be.
        place: String,
        /// Where the policy requires it.
        origin: String,
    },
    /// The operating system refused a step.
    Os {
        /// The step, in words.
        step: String,
        /// What failed.
        error: OsError,
    },
}

impl Error {
    /// An error of the operating system in a step.
    pub fn os(step: &str) -> impl FnOnce(OsError) -> Self {
        let step = step.to_owned();
        move |error| Self::Os { step, error }
    }

    /// garth's own exit code for this error (DESIGN section 13); those of a program that cannot be executed
    /// are the shell's.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Policy(_) => 120,
            Self::Workspace { .. } | Self::Stream { .. } | Self::Plan(_) | Self::NotEnforced(_) => 121,
            Self::Command { asked: false, .. } => 122,
            Self::Command { .. } => 123,
            Self::NotExecuted { code: 2, .. } => 127,
            Self::NotExecuted { .. } => 126,
            Self::Unrecorded { .. } | Self::Os { .. } | Self::Undo { .. } => 125,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Policy(text) => f.write_str(text.trim_end()),
            Self::Workspace { what, why, hint }
            | Self::Stream { what, why, hint }
            | Self::Undo { what, why, hint } => {
                write!(f, "{what}\n{why}\nhint: {hint}")
            }
            Self::Plan(error) => error.fmt(f),
            Self::NotEnforced(rows) => not_enforced(rows, f),
            Self::Command { asked: false, reason, origin, .. } => {
                write!(f, "a rule denies this command\n{reason}{}", Placed(origin))?;
                f.write_str("\nhint: `garth policy show` shows the rules for commands")
            }
            Self::Command { attended: true, reason, origin, .. } => {
                write!(f, "this command was not approved\n{reason}{}", Placed(origin))?;
                f.write_str("\nhint: run it again and answer `once`")
            }
            Self::Command { reason, origin, .. } => {
                let what = "this command needs an approval, and there is nobody to ask";
                write!(f, "{what}\n{reason}{}", Placed(origin))?;
                f.write_str("\nhint: run it on a terminal, or with --approver")
            }
            Self::NotExecuted { program, code } => {
                let cause = std::io::Error::from_raw_os_error(*code);
                writeln!(f, "cannot execute {program}: {cause}")?;
                match code {
                    2 => f.write_str(
                        "no file of that name is visible in the sandbox\nhint: `garth why PATH` tells whether the policy shows a path",
                    ),
                    _ => f.write_str("the kernel refused it\nhint: look at its permissions, and at the interpreter it names"),
                }
            }
            Self::Unrecorded { cause, place, origin } => {
                writeln!(f, "the session cannot be recorded, and the policy requires that ({origin})")?;
                writeln!(f, "the log in {place}: {cause}")?;
                f.write_str("hint: make room there, or set `audit.required = false` in your policy")
            }
            Self::Os { step, error } => {
                write!(f, "{error}\nwhile garth tried to {step}")?;
                let remedy =
                    error.remedy.as_deref().unwrap_or("`garth doctor` shows what this machine offers");
                write!(f, "\nhint: {remedy}")
            }
        }
    }
}

impl std::error::Error for Error {}

/// The place of a rule behind its reason.
struct Placed<'o>(&'o Option<String>);

impl fmt::Display for Placed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(origin) => write!(f, " ({origin})"),
            None => Ok(()),
        }
    }
}

/// Clauses named for one gap; the others are counted.
const NAMED: usize = 3;

/// Groups what is not enforced by the name of the gap: a gap is accepted or mended as a whole.
fn not_enforced(rows: &[Row], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "this machine cannot enforce the whole policy, so nothing was run")?;
    let mut gaps: Vec<&str> = rows.iter().filter_map(|row| row.status.gap()).collect();
    gaps.sort_unstable();
    gaps.dedup();
    for gap in &gaps {
        let mut of_gap: Vec<&Row> = rows.iter().filter(|row| row.status.gap() == Some(*gap)).collect();
        of_gap.sort_by_key(|row| row.absent);
        let Some(first) = of_gap.first() else { continue };
        write!(f, "\n{gap} ({}): {}", first.status.word(), first.status.detail())?;
        for row in of_gap.iter().take(NAMED) {
            write!(f, "\n    {}", row.clause)?;
        }
        if of_gap.len() > NAMED {
            write!(f, "\n    and {} more", of_gap.len() - NAMED)?;
        }
        if let Status::Unenforceable { hint, .. } = &first.status {
            write!(f, "\n    hint: {hint}")?;
        }
    }
    write!(f, "\nhint: to run all the same, accept the gaps by name: --accept {}", gaps.join(","))
}
