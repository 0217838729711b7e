//! Runs the corpus.

use super::corpus::{corpus, policy_text};
use super::judge::{Before, words};
use super::stage::{HOSTILE, Stage};
use crate::audit::Recording;
use crate::prove::attack::{Action, Attack, Garden, Step, Twin};
use crate::prove::report::{Finding, Held, Report, chosen};
use crate::windows::{Request, prepare};
use garth_host::probe::Outcome;
use garth_host::windows::probe::{Line, SEPARATED, is_wine, outside};
use garth_plan::windows::spec::Tier;
use garth_policy::{AbsPath, Flag, Setting};
use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

/// Which tier to prove.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TierChoice {
    /// The default one.
    Strongest,
    /// A container.
    Container,
    /// A restricted token.
    Restricted,
}

impl TierChoice {
    /// The tier of this word.
    ///
    /// # Errors
    /// What it is not.
    pub fn read(word: Option<&str>) -> io::Result<Self> {
        match word {
            None | Some("auto") => Ok(Self::Strongest),
            Some("container") => Ok(Self::Container),
            Some("restricted") => Ok(Self::Restricted),
            Some(other) => {
                Err(io::Error::other(format!("`{other}` is not a tier: auto, container or restricted")))
            }
        }
    }

    fn tier(self) -> Tier {
        if self == Self::Restricted { Tier::Restricted } else { Tier::Container }
    }
}

/// What to run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Only attacks whose name or property (`P4`) matches this pattern (`*` stands for anything).
    pub only: Option<String>,
    /// Which tier.
    pub tier: TierChoice,
}

/// Every gap is accepted: what the tier does not hold is what a proof is there to find.
const ACCEPTED: &str = "windows.*";

/// Runs the attacks that `options` choose.
///
/// # Errors
/// What could not be laid out on the host, or why no sandbox could be started. An attack that was not held is a finding.
pub fn prove(options: &Options) -> io::Result<Report> {
    let start = Instant::now();
    let attacks: Vec<Attack> =
        corpus().into_iter().filter(|attack| chosen(options.only.as_deref(), attack)).collect();
    let stage = Stage::new()?;
    let tier = options.tier.tier();
    let mut findings = Vec::new();
    for garden in [Garden::Repository, Garden::Network] {
        let here: Vec<&Attack> = attacks.iter().filter(|attack| attack.garden == garden).collect();
        if here.is_empty() {
            continue;
        }
        findings.extend(if is_wine() { twins(&stage, &here) } else { tried(&stage, garden, tier, &here)? });
    }
    findings.sort_by_key(|finding| finding.property);
    if tier == Tier::Container {
        crate::windows::proof::remember(&findings).map_err(|error| io::Error::other(error.to_string()))?;
    }
    let tier = if is_wine() { "none: Wine enforces nothing".to_owned() } else { tier.name().to_owned() };
    Ok(Report { tier, findings, time: start.elapsed() })
}

/// The step that must succeed.
fn twin_of(attack: &Attack) -> Option<&Step> {
    match (&attack.twin, &attack.action) {
        (Twin::Inside(step), _) | (Twin::Outside, Action::Inside(step)) => Some(step),
        _ => None,
    }
}

/// Where nothing is enforced: twins alone, without a sandbox.
fn twins(stage: &Stage, attacks: &[&Attack]) -> Vec<Finding> {
    let finding = |attack: &&Attack| {
        let twin = match twin_of(attack) {
            // It needs the proxy of a sandbox.
            Some(step) if step.probe.starts_with("proxy") => "not run: it needs a sandbox".to_owned(),
            Some(step) => words(&alone(stage, step, attack.garden)),
            None => "none".to_owned(),
        };
        Finding::of(attack, "not run".to_owned(), twin, Held::Skipped("Wine".to_owned()))
    };
    attacks.iter().map(finding).collect()
}

fn alone(stage: &Stage, step: &Step, garden: Garden) -> Outcome {
    outside(&stage.probe(garden), &stage.words(step, garden), &stage.workspace(garden))
}

fn tried(stage: &Stage, garden: Garden, tier: Tier, attacks: &[&Attack]) -> io::Result<Vec<Finding>> {
    let mut lines = Vec::new();
    let mut before = Before::default();
    for attack in attacks {
        let mut push = |part: &str, step: &Step| {
            lines.push(Line { key: format!("{}/{part}", attack.id), words: stage.words(step, garden) });
        };
        if let Action::Inside(step) = &attack.action {
            push("attack", step);
        }
        if let Twin::Inside(step) = &attack.twin {
            push("twin", step);
        }
        before.look(stage, attack);
    }
    let (order, policy) = stage.order(garden, &lines, policy_text(garden))?;
    let gaps = gaps(stage, garden, tier, &policy)?;
    let outcomes = sandbox(stage, garden, tier, &order, &policy)?;
    let of = |attack: &Attack, part: &str| {
        let outcome = outcomes.get(&format!("{}/{part}", attack.id)).cloned();
        outcome.unwrap_or_else(|| Outcome::Broken("no answer".into()))
    };
    // All attacks are judged before a control outside does the same for real.
    let judged: Vec<(Outcome, Held)> = attacks
        .iter()
        .map(|attack| {
            let inside = matches!(attack.twin, Twin::Inside(_));
            let twin = if inside { of(attack, "twin") } else { Outcome::Succeeded };
            let held = before.judge(stage, attack, (&of(attack, "attack"), &twin), &gaps);
            (twin, held)
        })
        .collect();
    let finding = |(attack, (twin, held)): (&&Attack, (Outcome, Held))| {
        let went = words(&of(attack, "attack"));
        let (Twin::Outside, Action::Inside(step)) = (&attack.twin, &attack.action) else {
            return Finding::of(attack, went, words(&twin), held);
        };
        let twin = alone(stage, step, garden);
        let held = match twin {
            Outcome::Succeeded => held,
            _ => Held::No(format!("the same does not work outside: {}", words(&twin))),
        };
        Finding::of(attack, went, format!("outside: {}", words(&twin)), held)
    };
    Ok(attacks.iter().zip(judged).map(finding).collect())
}

/// What the plan itself says that it does not hold.
fn gaps(stage: &Stage, garden: Garden, tier: Tier, policy: &Path) -> io::Result<Vec<String>> {
    let path = |path: &Path| {
        let text = path.to_str().ok_or_else(|| io::Error::other("a path is no Unicode"))?;
        AbsPath::windows(text).map_err(|error| io::Error::other(error.to_string()))
    };
    let probe = stage.probe(garden);
    let request = Request {
        arguments: vec![probe.display().to_string()],
        workspace: Some(path(&stage.workspace(garden))?),
        policy: Some(path(policy)?),
        flags: vec![Flag {
            typed: format!("--accept {ACCEPTED}"),
            setting: Setting::Accept(ACCEPTED.into()),
        }],
        environment: std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect(),
        terminal: None,
        tier: Some(tier),
        approver: None,
        checkpoint: false,
        recording: Recording::none(),
        mended: Vec::new(),
    };
    std::env::set_current_dir(stage.workspace(garden))?;
    let planned = prepare(&request).map_err(|error| io::Error::other(error.to_string()))?;
    let rows = planned.plan.assurance.rows.iter();
    Ok(rows.filter_map(|row| row.status.gap().map(str::to_owned)).collect())
}

/// Runs a list of steps in one sandbox.
fn sandbox(
    stage: &Stage,
    garden: Garden,
    tier: Tier,
    order: &Path,
    policy: &Path,
) -> io::Result<HashMap<String, Outcome>> {
    let workspace = stage.workspace(garden);
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("run").arg("--workspace").arg(&workspace).arg("--policy").arg(policy);
    command.args(["--tier", tier.name(), "--accept", ACCEPTED, "--no-terminal", "--"]);
    command.arg(stage.probe(garden)).arg("lead").arg(order);
    command.envs(HOSTILE.iter().map(|name| (name, "evil"))).current_dir(&workspace);
    let output = command.stdin(Stdio::null()).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let pairs = text.lines().filter_map(|line| line.split_once(SEPARATED));
    let outcomes: HashMap<String, Outcome> =
        pairs.map(|(key, outcome)| (key.to_owned(), Outcome::from_line(outcome))).collect();
    if outcomes.is_empty() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(io::Error::other(format!("the sandbox did not run: {}", said.trim())));
    }
    Ok(outcomes)
}
