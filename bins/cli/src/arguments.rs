//! The command line. `run` has a small lexer of its own beside this ([`crate::lexer`]); both fill the same
//! structures, and a test holds them together.

mod undo;
#[cfg(test)]
mod verbs_tests;

pub use undo::{ApplyArguments, DiffArguments, DiscardArguments, UndoArguments};

use clap::{Args, Parser, Subcommand, ValueEnum};
use garth::policy::Profile;
use std::ffi::OsString;

/// Run a command in a sandbox: real tools, the real checkout, no way out.
#[derive(Debug, Parser)]
#[command(name = "garth", version, max_term_width = 96, disable_help_subcommand = false)]
#[command(
    after_help = "Exit codes: the command's own; 2 the command line is wrong, 120 policy invalid, 121 cannot be enforced here, \
    122 denied by vetting, 123 approval refused, 124 time limit, 125 garth failed, \
    126 and 127 the program cannot be executed."
)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Run a command in a sandbox
    #[command(after_help = RUN_HELP)]
    Run(RunArguments),
    /// Show how each clause of the policy would be held, without running anything
    #[command(after_help = PLAN_HELP)]
    Plan(PlanArguments),
    /// Judge a shell text or a command by the policy, without running anything
    #[command(after_help = CHECK_HELP)]
    Check(CheckArguments),
    /// Tell what the policy says of a path, a host or a variable, and why
    #[command(after_help = WHY_HELP)]
    Why(WhyArguments),
    /// Try what this machine can enforce, and tell what to do about the rest
    Doctor(DoctorArguments),
    /// Write, check, show, compare and trust policy files
    #[command(subcommand)]
    Policy(PolicyVerb),
    /// Show what happened in sessions [default: the sessions themselves]
    #[command(after_help = LOG_HELP)]
    Log(LogArguments),
    /// Check that logs are what was written
    #[command(after_help = VERIFY_HELP)]
    Verify(VerifyArguments),
    /// Show what runs now, live, and answer what sessions ask
    #[command(after_help = WATCH_HELP)]
    Watch(WatchArguments),
    /// Write a page that shows a session
    #[command(after_help = REPORT_HELP)]
    Report(ReportArguments),
    /// Run the attack corpus in real sandboxes on this machine
    Prove(ProveArguments),
    /// Show what a layer of `run --cow` would change
    Diff(DiffArguments),
    /// Put a layer of `run --cow` in place, or a part of it
    #[command(after_help = APPLY_HELP)]
    Apply(ApplyArguments),
    /// Throw layers of `run --cow` away
    Discard(DiscardArguments),
    /// List the layers of `run --cow`
    Layers(Report),
    /// Propose a policy from what a command uses
    #[command(after_help = LEARN_HELP)]
    Learn(LearnArguments),
    /// Take back what was changed since a checkpoint of `run --checkpoint`
    Undo(UndoArguments),
    /// List the checkpoints
    Checkpoints(Report),
    /// List what is kept for agents between their sandboxes, or forget it
    Agents(AgentsArguments),
    /// Undo what sandboxes that were killed left behind
    Clean(CleanArguments),
}

const APPLY_HELP: &str = "What was changed outside meanwhile, and what the host runs or trusts, stays in the layer unless you \
say otherwise. Exit codes: 0 all is in place, 1 something was left in the layer. See docs/undo.md.";

const RUN_HELP: &str = "Examples:
  garth run -- npm test
  garth run --read ~/data -- python train.py
  garth run --profile read-only -- bash
  garth run --cow -- npm update
  garth run --allow example.com -- curl https://example.com

Afterwards garth tells on standard error what was denied, by which rule, and the least grant that \
would allow it. With --json it writes events there, one JSON object a line: those of the session's log, \
of which `session-ended` is the last; what the command writes there may stand before one. With --json-file they go where \
the command writes nothing. `garth log last` shows the log.

A connection that no rule names is asked for on your terminal, if standard error is one, or of the program at \
--approver; see docs/egress.md.";

const LEARN_HELP: &str = "Examples:
  garth learn -o garth.toml -- npm test
  garth learn --profile workspace -- make
  garth learn --from-log last

The command runs in a sandbox that lets pass what its policy allows (the profile `open`, unless you say otherwise), and every \
file and host that it uses is noted. What the policy refuses, secrets, and what the host trusts are never proposed. With \
--from-log nothing runs: what a recorded session was refused is proposed. See docs/learn.md.";

const PLAN_HELP: &str = "Examples:
  garth plan -- npm test
  garth plan --json --profile strict -- make
  garth plan --os windows --facts desk.json --tier restricted -- git status

Of a Windows machine the whole recipe is shown: token, access entries, names that are taken, job, desktop, environment, \
and what is undone afterwards. Exit code 121 if `garth run` would refuse. See docs/windows.md.";

const CHECK_HELP: &str = "Examples:
  garth check 'git status && git push'
  garth check --shell pwsh 'Remove-Item -Recurse build'
  garth check -- git -C sub push origin
  garth check --file build.sh
  garth check --save 'npm publish'
  some-agent | garth check --stdin

Exit codes: 0 allow, 122 deny, 123 ask. With --stdin it reads one request a line, such as \
{\"id\": 1, \"shell\": \"bash\", \"text\": \"git push\"} or {\"argv\": [\"git\", \"push\"]}, and answers each with one \
line. See docs/vetting.md.";

const WHY_HELP: &str = "Examples:
  garth why ~/.ssh/id_ed25519
  garth why .git/hooks/pre-commit --op create
  garth why example.com
  garth why example.com:22
  garth why LD_PRELOAD=
  garth why last#7";

const LOG_HELP: &str = "Examples:
  garth log
  garth log last
  garth log --denied --since 2h
  garth log 20261130 --kind network-allowed,network-denied --host example.com
  garth log last --follow --json
  garth log --since 1d --export otlp --endpoint http://localhost:4318

SESSION is the name of one, the start of its name, or `last`. Times are UTC: 2026-11-30, 2026-11-30T04:02, or how \
long ago (90s, 10m, 2h, 7d). `garth why SESSION#NUMBER` explains an event. See docs/audit.md.";

const VERIFY_HELP: &str = "Examples:
  garth verify
  garth verify last
  garth verify --head > /media/elsewhere/anchor
  garth verify --anchor /media/elsewhere/anchor

A log that was changed is shown with its first bad line. Whoever can write to the log can write a whole new one, which \
only an anchor kept elsewhere gives away. Exit code 1 if anything is wrong. See docs/audit.md.";

const WATCH_HELP: &str = "Examples:
  garth watch
  garth watch last
  garth watch --once

Sessions, processes, hosts, what was refused and why. Where a session asks, the keys that are shown answer it, as an answer \
at the session itself does; the first answer counts. NO_COLOR is heeded. See docs/look.md.";

const REPORT_HELP: &str = "Examples:
  garth report -o last.html
  garth report 20261130T0824 -o session.html

The page is one file that fetches nothing: timeline, what was refused and what would allow it, files with their \
differences, hosts, processes, and what held. Differences are shown while the session's layer or checkpoint is there. \
See docs/look.md.";

/// What shapes a sandbox.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub struct SandboxArguments {
    /// Built-in profile: strict, read-only, workspace, build, browser or open
    #[arg(long, value_name = "PROFILE", value_parser = profile)]
    pub profile: Option<Profile>,
    /// The directory to work in [default: the repository around the working directory]
    #[arg(long, value_name = "DIR")]
    pub workspace: Option<OsString>,
    /// Policy file to use in place of your own
    #[arg(long, value_name = "FILE")]
    pub policy: Option<OsString>,
    /// Make a path readable; may be repeated
    #[arg(long, value_name = "PATH")]
    pub read: Vec<OsString>,
    /// Make a path writable; may be repeated
    #[arg(long, value_name = "PATH")]
    pub write: Vec<OsString>,
    /// Hide a path; may be repeated
    #[arg(long, value_name = "PATH")]
    pub deny: Vec<OsString>,
    /// Allow connections to a host, NAME or NAME:PORT; may be repeated
    #[arg(long, value_name = "HOST")]
    pub allow: Vec<OsString>,
    /// Run this agent: what it keeps below your home is there, in a private layer, and the hosts of its model are
    /// allowed (claude, codex, copilot, gemini). Rules for commands and the log may know others
    #[arg(long, value_name = "NAME")]
    pub agent: Option<String>,
    /// Run although these named gaps are not enforced here
    #[arg(long, value_name = "GAP", value_delimiter = ',')]
    pub accept: Vec<String>,
    /// Give the command pipes, also where garth has a terminal
    #[arg(long)]
    pub no_terminal: bool,
    /// Contain by this tier: container or restricted [default: container]
    #[cfg(windows)]
    #[arg(long, value_name = "TIER", value_parser = ["container", "restricted", "account", "vm"])]
    pub tier: Option<String>,
}

/// A machine other than the one that garth runs on.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub struct OtherMachine {
    /// Speak of a machine with this system, of which FILE tells: windows
    #[arg(long, value_name = "OS", value_parser = ["windows"], hide_possible_values = true, requires = "facts")]
    pub os: Option<String>,
    /// What `garth doctor --facts FILE` recorded there
    #[arg(long, value_name = "FILE", requires = "os")]
    pub facts: Option<OsString>,
    /// Contain by this tier there: container, restricted or vm [default: container]
    #[cfg(not(windows))]
    #[arg(long, value_name = "TIER", requires = "facts", hide_possible_values = true,
        value_parser = ["container", "restricted", "account", "vm"])]
    pub tier: Option<String>,
}

impl SandboxArguments {
    /// Nothing asked for.
    pub fn plain() -> Self {
        Self {
            profile: None,
            workspace: None,
            policy: None,
            read: Vec::new(),
            write: Vec::new(),
            deny: Vec::new(),
            allow: Vec::new(),
            agent: None,
            accept: Vec::new(),
            no_terminal: false,
            #[cfg(windows)]
            tier: None,
        }
    }
}

/// `garth run`.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub struct RunArguments {
    /// The sandbox.
    #[command(flatten)]
    pub sandbox: SandboxArguments,
    /// Write events as JSON lines to standard error
    #[arg(long)]
    pub json: bool,
    /// Write events as JSON lines to FILE: a new file, a pipe, or what you opened, as /dev/fd/N
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    pub json_file: Option<OsString>,
    /// Keep what it changes in a layer: see `garth diff`, then `garth apply` or `garth discard`
    #[arg(long)]
    pub cow: bool,
    /// Make a checkpoint of the workspace first, to which `garth undo` goes back
    #[arg(long, conflicts_with = "cow")]
    pub checkpoint: bool,
    /// COMMAND is one text, which this shell runs: sh, bash, pwsh, windows-powershell or cmd
    #[arg(long, value_enum, value_name = "SHELL", hide_possible_values = true)]
    pub shell: Option<ShellName>,
    /// Ask a program on this open descriptor what the policy leaves open: a socket N, or two pipes IN,OUT; or with
    /// `watch` ask whoever runs `garth watch`. On Windows: named pipes that the program made
    #[arg(long, value_name = "FD")]
    pub approver: Option<String>,
    /// The command and its arguments
    #[arg(required = true, trailing_var_arg = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}

/// A shell, by the name on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ShellName {
    /// POSIX sh
    Sh,
    /// GNU bash
    Bash,
    /// PowerShell 7
    Pwsh,
    /// Windows PowerShell 5.1
    WindowsPowershell,
    /// The command interpreter of Windows
    Cmd,
}

/// `garth learn`.
#[derive(Debug, Args)]
pub struct LearnArguments {
    /// The sandbox.
    #[command(flatten)]
    pub sandbox: SandboxArguments,
    /// Write the proposal to a new file [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<OsString>,
    /// Propose what this recorded session was refused; `last` for the latest
    #[arg(long, value_name = "SESSION", conflicts_with = "command")]
    pub from_log: Option<String>,
    /// Name a domain where three or more of its hosts were reached
    #[arg(long)]
    pub wildcards: bool,
    /// The command and its arguments
    #[arg(required_unless_present = "from_log", trailing_var_arg = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}

/// `garth check`.
#[derive(Debug, Args)]
pub struct CheckArguments {
    /// The text
    #[arg(value_name = "TEXT", conflicts_with_all = ["file", "stdin", "command"])]
    pub text: Option<OsString>,
    /// The grammar: sh, bash, pwsh, windows-powershell or cmd [default: bash, on Windows pwsh; of a file, what its first
    /// line or its name says]
    #[arg(long, value_enum, value_name = "SHELL", hide_possible_values = true)]
    pub shell: Option<ShellName>,
    /// Judge the script in this file
    #[arg(long, value_name = "FILE", conflicts_with_all = ["stdin", "command"])]
    pub file: Option<OsString>,
    /// Read requests from standard input, one JSON object a line, and answer each with one line
    #[arg(long, conflicts_with = "command")]
    pub stdin: bool,
    /// Add the rule that would allow this to your policy (or to the file at --policy), after asking
    #[arg(long, conflicts_with_all = ["stdin", "json"])]
    pub save: bool,
    /// With --save, do not ask
    #[arg(long, requires = "save")]
    pub yes: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// The sandbox.
    #[command(flatten)]
    pub sandbox: SandboxArguments,
    /// The words of one command, which no shell looks at
    #[arg(last = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}

/// `garth plan`.
#[derive(Debug, Args)]
pub struct PlanArguments {
    /// The sandbox.
    #[command(flatten)]
    pub sandbox: SandboxArguments,
    /// Whose plan.
    #[command(flatten)]
    pub machine: OtherMachine,
    /// Print the whole plan, its assurance and the facts it was made from as JSON
    #[arg(long)]
    pub json: bool,
    /// Plan a layer for the workspace
    #[arg(long)]
    pub cow: bool,
    /// Show each built-in rule, also for names that do not exist here
    #[arg(long)]
    pub all: bool,
    /// The command and its arguments
    #[arg(required = true, trailing_var_arg = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}

/// `garth doctor`.
#[derive(Debug, Args)]
pub struct DoctorArguments {
    /// Write what was found of this Windows machine to a file, for `garth plan --os windows` elsewhere
    #[arg(long, value_name = "FILE", conflicts_with_all = ["json", "from"])]
    pub facts: Option<OsString>,
    /// Tell of the Windows machine that FILE was recorded on
    #[arg(long, value_name = "FILE")]
    pub from: Option<OsString>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

impl DoctorArguments {
    /// Whether a Windows machine is meant, whatever this one is.
    pub fn is_of_windows(&self) -> bool {
        self.facts.is_some() || self.from.is_some()
    }
}

/// `garth log`.
#[derive(Debug, Args)]
pub struct LogArguments {
    /// The session
    #[arg(value_name = "SESSION")]
    pub session: Option<String>,
    /// Only events of these kinds
    #[arg(long, value_name = "KIND", value_delimiter = ',')]
    pub kind: Vec<String>,
    /// Only what happened at that time or later
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Only what happened before that time
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// Only what was refused
    #[arg(long)]
    pub denied: bool,
    /// Only of programs with this text in their name
    #[arg(long, value_name = "TEXT")]
    pub process: Option<String>,
    /// Only of this host and what is below it
    #[arg(long, value_name = "HOST")]
    pub host: Option<String>,
    /// Only of paths that hold this text
    #[arg(long, value_name = "TEXT")]
    pub path: Option<String>,
    /// Go on with what still happens, until the session ends
    #[arg(long)]
    pub follow: bool,
    /// Print the records as they are written
    #[arg(long)]
    pub json: bool,
    /// Print them for other systems: OTLP, OCSF 1.3, CEF, Windows Event Log
    #[arg(long, value_enum, value_name = "FORMAT", conflicts_with_all = ["json", "follow"])]
    pub export: Option<ExportFormat>,
    /// Write the export into a new file
    #[arg(long, short, value_name = "FILE", requires = "export")]
    pub output: Option<OsString>,
    /// Send the export to a receiver of OTLP over HTTP
    #[arg(long, value_name = "URL", requires = "export", conflicts_with = "output")]
    pub endpoint: Option<String>,
    /// Directory of the logs [default: what the policy in force here says]
    #[arg(long, value_name = "DIR")]
    pub directory: Option<OsString>,
}

/// A format of other systems.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// Log records of OpenTelemetry
    Otlp,
    /// One JSON object a line
    Ocsf,
    /// One line of text each
    Cef,
    /// Entries of the Windows Event Log of this machine
    Eventlog,
}

/// `garth verify`.
#[derive(Debug, Args)]
pub struct VerifyArguments {
    /// The session, or one of its files [default: all]
    #[arg(value_name = "FILE|SESSION")]
    pub what: Option<OsString>,
    /// Compare with the heads in this file, which were told by --head before
    #[arg(long, value_name = "FILE")]
    pub anchor: Option<OsString>,
    /// Print the last record of each sound log, for an anchor: session, number, hash
    #[arg(long, conflicts_with = "json")]
    pub head: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Directory of the logs [default: what the policy in force here says]
    #[arg(long, value_name = "DIR")]
    pub directory: Option<OsString>,
}

/// `garth watch`.
#[derive(Debug, Args)]
pub struct WatchArguments {
    /// Only this session [default: those that run, and the last ones that ended]
    #[arg(value_name = "SESSION")]
    pub session: Option<String>,
    /// Print what is known now as text, and end
    #[arg(long)]
    pub once: bool,
    /// Directory of the logs [default: what the policy in force here says]
    #[arg(long, value_name = "DIR")]
    pub directory: Option<OsString>,
}

/// `garth report`.
#[derive(Debug, Args)]
pub struct ReportArguments {
    /// The session, or the start of its name
    #[arg(value_name = "SESSION", default_value = "last")]
    pub session: String,
    /// Write the page into a new file [default: standard output, where that is no terminal]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<OsString>,
    /// Directory of the logs [default: what the policy in force here says]
    #[arg(long, value_name = "DIR")]
    pub directory: Option<OsString>,
}

/// `garth why`.
#[derive(Debug, Args)]
pub struct WhyArguments {
    /// A path, HOST or HOST:PORT, NAME= for a variable, or SESSION#NUMBER for an event
    #[arg(value_name = "WHAT")]
    pub what: OsString,
    /// Only this operation
    #[arg(long, value_enum)]
    pub op: Option<Operation>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// The sandbox.
    #[command(flatten)]
    pub sandbox: SandboxArguments,
    /// Of whom it is asked.
    #[command(flatten)]
    pub machine: OtherMachine,
}

/// An operation of `garth why`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Operation {
    /// Read the content
    Read,
    /// Change the content
    Write,
    /// Make a file of that name
    Create,
    /// Remove it
    Delete,
    /// Run it as a program
    Execute,
}

/// A verb with a report.
#[derive(Debug, Args)]
pub struct Report {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `garth policy`.
#[derive(Debug, Subcommand)]
pub enum PolicyVerb {
    /// Write a commented garth.toml to start from
    Init {
        /// Built-in profile to start from
        #[arg(long, value_name = "PROFILE", value_parser = profile, default_value = "workspace")]
        profile: Profile,
    },
    /// Check policy files, each mistake with line and column [default: those in force here]
    Validate {
        /// The files
        #[arg(value_name = "FILE")]
        files: Vec<OsString>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show the resolved policy, each clause with its origin
    Show {
        /// Print JSON
        #[arg(long)]
        json: bool,
        /// The sandbox.
        #[command(flatten)]
        sandbox: SandboxArguments,
    },
    /// Print the JSON Schema of policy files
    Schema,
    /// Tell what the second policy widens and narrows; each is a file or the name of a profile
    Diff {
        /// The policy before
        #[arg(value_name = "A")]
        before: OsString,
        /// The policy after
        #[arg(value_name = "B")]
        after: OsString,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Run the examples of the command rules [default: of the policy in force here]
    Test {
        /// The file
        #[arg(value_name = "FILE")]
        file: Option<OsString>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Trust the content of a project's policy, so that it may widen [default: the workspace's garth.toml]
    Trust {
        /// The file
        #[arg(value_name = "FILE")]
        file: Option<OsString>,
    },
}

/// `garth prove`.
#[derive(Debug, Args)]
pub struct ProveArguments {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Only these attacks: a part of the name, a pattern with `*`, or a property such as P4
    #[arg(long, value_name = "TEXT")]
    pub only: Option<String>,
    /// Prove this tier; `auto` is the strongest of the machine
    #[arg(long, value_name = "TIER", value_parser = PROVED)]
    pub tier: Option<String>,
}

/// Tiers that `garth prove` knows on this system.
#[cfg(not(windows))]
const PROVED: [&str; 3] = ["auto", "process", "landlock"];
/// Tiers that `garth prove` knows on this system.
#[cfg(windows)]
const PROVED: [&str; 3] = ["auto", "container", "restricted"];

/// `garth clean`.
#[derive(Debug, Args)]
pub struct CleanArguments {
    /// Only tell what is left; exit code 1 if anything is
    #[arg(long)]
    pub check: bool,
}

/// `garth agents`.
#[derive(Debug, Args)]
pub struct AgentsArguments {
    /// Forget all that is kept for this agent: sessions, choices, a renewed login
    #[arg(long, value_name = "NAME")]
    pub forget: Option<String>,
    /// Print JSON
    #[arg(long, conflicts_with = "forget")]
    pub json: bool,
}

fn profile(text: &str) -> Result<Profile, String> {
    Profile::from_name(text).ok_or_else(|| {
        let names: Vec<&str> = Profile::ALL.iter().map(|profile| profile.name()).collect();
        format!("no such profile; known: {}", names.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_consistent() {
        Arguments::command().debug_assert();
    }
}
