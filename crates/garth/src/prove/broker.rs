//! The parent of a sandbox in a proof: a process of its own, so that its working directory, environment and
//! life belong to one sandbox.

use super::stage::SEPARATED;
use crate::session::{Changes, Ended, Outcome, Prepared, Request, prepare};
use crate::{Error, policy::AbsPath};
use garth_host::linux::probe::NAME;
use garth_plan::linux::network::REDIRECT_GAP;
use garth_plan::linux::spec::Tier;
use garth_policy::{Flag, Setting};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The name (first argument) of such a process.
const BROKER: &str = "garth-prove";

/// One sandbox of a proof.
#[derive(Clone, Debug)]
pub(super) struct Session {
    pub workspace: PathBuf,
    /// A policy file; without one the user's own, which the scratch home does not have.
    pub policy: Option<PathBuf>,
    /// Do without namespaces.
    pub landlock: bool,
    /// Do without a redirect of connections, so that there is a proxy inside.
    pub listeners: bool,
    /// What it changes in the workspace goes to a layer.
    pub layer: bool,
    /// The agent that it is for; empty for none.
    pub agent: &'static str,
    /// Hostile variables are in the environment.
    pub hostile: bool,
    /// The order of the first process inside.
    pub order: PathBuf,
    /// Where the report is put.
    pub report: PathBuf,
    pub environment: Vec<(OsString, OsString)>,
    /// A file that is handed in as the standard input, open for reading.
    pub input: PathBuf,
    /// What is run; without words, the first process that carries out the order.
    pub command: Vec<String>,
}

/// What a broker reports.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Told {
    /// `ended`, `timed-out`, `limit`, `refused`, ... with details.
    pub outcome: String,
    pub detail: String,
    /// The tier that was used.
    pub tier: String,
    /// Gaps that the plan names.
    pub gaps: Vec<String>,
    /// Paths that were refused, as they are shown.
    pub denied: Vec<String>,
    /// Repositories that appeared.
    pub repositories: Vec<String>,
    /// What the network refused: code, host and port.
    pub ruled: Vec<String>,
}

impl Session {
    /// Starts the broker; its output is the target's.
    pub(super) fn start(&self) -> io::Result<Child> {
        let mut words: Vec<OsString> = vec!["session".into()];
        let tier = if self.listeners { "listeners" } else { "auto" };
        words.push(if self.landlock { "landlock" } else { tier }.into());
        words.push(if self.hostile { "hostile" } else { "plain" }.into());
        words.push(if self.layer { "layer" } else { "in-place" }.into());
        words.push(self.agent.into());
        words.push(self.policy.clone().unwrap_or_default().into_os_string());
        words.push(self.report.clone().into_os_string());
        words.push(self.workspace.join(NAME).into_os_string());
        words.push(self.order.clone().into_os_string());
        words.extend(self.command.iter().map(OsString::from));
        Command::new("/proc/self/exe")
            .arg0(BROKER)
            .args(words)
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(&self.workspace)
            .stdin(File::open(&self.input)?)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
    }
}

/// Acts as a broker when this process was started as one.
pub(super) fn enter() -> Option<u8> {
    let mut words = std::env::args_os();
    if words.next()? != BROKER {
        return None;
    }
    let words: Vec<OsString> = words.collect();
    let [_, tier, variables, changes, agent, policy, report, program, order, command @ ..] = words.as_slice()
    else {
        return Some(125);
    };
    let arguments = match command {
        [] => [program.as_bytes(), b"lead", order.as_bytes()].map(<[u8]>::to_vec).to_vec(),
        words => words.iter().map(|word| word.as_bytes().to_vec()).collect(),
    };
    let request = Request {
        arguments,
        workspace: None,
        policy: AbsPath::posix(policy.as_bytes()).ok(),
        flags: agent.to_str().filter(|agent| !agent.is_empty()).map(agent_flag).into_iter().collect(),
        environment: environment(variables == "hostile"),
        terminal: false,
        without_namespaces: tier == "landlock",
        without_redirect: tier == "listeners",
        report: garth_plan::linux::Report::Gaps,
        approver: None,
        recording: crate::Recording::log(),
        changes: if changes == "layer" { Changes::Layer } else { Changes::InPlace },
        observe: false,
    };
    Some(match live(request, Path::new(report)) {
        Ok(()) => 0,
        Err(_) => 125,
    })
}

fn agent_flag(name: &str) -> Flag {
    Flag { typed: format!("--agent {name}"), setting: Setting::Agent(name.to_owned()) }
}

fn environment(hostile: bool) -> Vec<(Vec<u8>, Vec<u8>)> {
    let own = std::env::vars_os().map(|(name, value)| (name.into_vec(), value.into_vec()));
    let more = super::corpus::HOSTILE.iter().filter(|_| hostile);
    own.chain(more.map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec()))).collect()
}

/// Runs the sandbox; where namespaces are refused, again without them, with the gaps of that tier accepted:
/// what it does not hold is what the proof is to show. Likewise on a kernel that cannot redirect connections.
fn live(mut request: Request, report: &Path) -> io::Result<()> {
    let mut file = File::create(report)?;
    let first = attempt(&request, &mut file);
    let refused = |is_it: fn(&str) -> bool| {
        matches!(&first, Err(Error::NotEnforced(rows))
            if rows.iter().any(|row| row.status.gap().is_some_and(is_it)))
    };
    let without_namespaces = refused(|gap| gap.starts_with("linux.landlock")) && !request.without_namespaces;
    let without_redirect = refused(|gap| gap == REDIRECT_GAP);
    request.without_namespaces |= without_namespaces;
    request.without_redirect |= without_redirect;
    let again = without_namespaces || without_redirect;
    let ended = if again { attempt(&request, &mut file) } else { first };
    tell(&mut file, ended)
}

fn attempt(request: &Request, file: &mut File) -> Result<Ended, Error> {
    let mut prepared = prepare(request)?;
    let landlock = prepared.plan.spec.tier == Tier::Landlock;
    if landlock && request.without_namespaces {
        accept(&mut prepared);
    }
    // Also where a policy accepts nothing: whether owners can be mapped is up to the machine, and attacks show it.
    prepared.plan.accepted.push(garth_plan::linux::ROOT_GAP.to_owned());
    if request.without_redirect {
        prepared.plan.accepted.push(REDIRECT_GAP.to_owned());
    }
    let gaps: Vec<String> =
        prepared.plan.assurance.rows.iter().filter_map(|row| row.status.gap().map(str::to_owned)).collect();
    // The report is what the parent decides by; one that cannot be written is missed there.
    let _missed = line(file, "tier", if landlock { "landlock" } else { "process" });
    for gap in gaps {
        let _missed = line(file, "gap", &gap);
    }
    prepared.run(&mut |_| {})
}

/// Gaps of the tier without namespaces beside those that carry its name.
const TIER_GAPS: [&str; 4] =
    ["linux.root.files", "linux.files", "linux.files.pattern", "linux.protected.delete"];

/// Accepts what the tier itself cannot hold; what the policy asks for beyond stays refused.
fn accept(prepared: &mut Prepared) {
    let rows = &prepared.plan.assurance.rows;
    let gaps = rows.iter().filter_map(|row| row.status.gap());
    let own: Vec<String> = gaps
        .filter(|gap| gap.starts_with("linux.landlock.") || TIER_GAPS.contains(gap))
        .map(str::to_owned)
        .collect();
    prepared.plan.accepted.extend(own);
}

fn line(file: &mut File, kind: &str, text: &str) -> io::Result<()> {
    writeln!(file, "{kind}{SEPARATED}{}", text.replace('\n', " | "))
}

fn tell(file: &mut File, ended: Result<Ended, Error>) -> io::Result<()> {
    let ended = match ended {
        Ok(ended) => ended,
        Err(error) => {
            line(file, "outcome", "refused")?;
            return line(file, "detail", &error.to_string());
        }
    };
    for denied in &ended.denied {
        // As it is shown: a name may not change what the terminal does.
        writeln!(file, "denied{SEPARATED}{}", denied.path)?;
    }
    for decided in &ended.refused {
        let host = decided.host.as_ref().map_or_else(String::new, |host| host.with_port(decided.port));
        line(file, "ruled", &format!("{} {host}", decided.ruling.code.name()))?;
    }
    match &ended.outcome {
        Outcome::Ended(ending) => {
            for repository in &ending.repositories {
                line(file, "repository", &repository.to_string())?;
            }
            line(file, "outcome", "ended")?;
            line(file, "detail", &format!("code {:?}, signal {:?}", ending.code, ending.signal))
        }
        Outcome::TimedOut => line(file, "outcome", "timed-out"),
        Outcome::LimitHit(what) => {
            line(file, "outcome", "limit")?;
            line(file, "detail", what)
        }
        other => {
            line(file, "outcome", "failed")?;
            line(file, "detail", &format!("{other:?}"))
        }
    }
}

/// Reads a report back.
pub(super) fn told(report: &Path) -> Told {
    let text = std::fs::read(report).unwrap_or_default();
    let mut told = Told::default();
    for line in text.split(|byte| *byte == b'\n') {
        let line = OsStr::from_bytes(line).to_string_lossy().into_owned();
        let Some((kind, value)) = line.split_once(SEPARATED) else {
            if !line.is_empty() {
                // A line break that came out of a name.
                told.denied.push(format!("\n{line}"));
            }
            continue;
        };
        match kind {
            "outcome" => told.outcome = value.into(),
            "detail" => told.detail = value.into(),
            "tier" => {
                told.tier = value.into();
                told.gaps.clear();
            }
            "gap" => told.gaps.push(value.into()),
            "ruled" => told.ruled.push(value.into()),
            "denied" => told.denied.push(value.into()),
            "repository" => told.repositories.push(value.into()),
            _ => {}
        }
    }
    told
}
