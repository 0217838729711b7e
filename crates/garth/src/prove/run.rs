//! Runs the corpus.

pub use super::report::Report;

use super::attack::{Action, Attack, Garden, Step, Twin};
use super::broker::{Session, Told, told};
use super::corpus::{corpus, policy_text};
use super::judge::{Before, Finding, Held, is_story, words};
use super::report::chosen;
use super::stage::{LINKED_HOME, SEPARATED, Stage, write_order};
use garth_host::linux::probe::{Line, NAME, Outcome, outside};
use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Which tier to prove.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TierChoice {
    /// The strongest that this machine offers.
    Strongest,
    /// With namespaces.
    Process,
    /// Without.
    Landlock,
}

impl TierChoice {
    /// The tier of this word.
    ///
    /// # Errors
    /// What it is not.
    pub fn read(word: Option<&str>) -> io::Result<Self> {
        match word {
            None | Some("auto") => Ok(Self::Strongest),
            Some("process") => Ok(Self::Process),
            Some("landlock") => Ok(Self::Landlock),
            Some(other) => {
                Err(io::Error::other(format!("`{other}` is not a tier: auto, process or landlock")))
            }
        }
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

/// How long one sandbox of attacks may take: many times what the largest takes on a machine that has nothing else to do.
const PATIENCE: Duration = Duration::from_secs(600);

/// Runs the attacks that `options` choose.
///
/// # Errors
/// What could not be laid out on the host. An attack that was not held is no error but a finding.
pub fn prove(options: &Options) -> io::Result<Report> {
    let start = Instant::now();
    let chosen: Vec<Attack> =
        corpus().into_iter().filter(|attack| chosen(options.only.as_deref(), attack)).collect();
    let stage = Stage::new()?;
    let mut proof =
        Proof { stage: &stage, landlock: options.tier == TierChoice::Landlock, tier: String::new() };
    let mut findings: HashMap<String, Finding> = HashMap::new();
    for garden in Garden::ALL {
        let here: Vec<&Attack> =
            chosen.iter().filter(|attack| attack.garden == garden && !is_story(attack)).collect();
        for finding in proof.garden(garden, &here)? {
            findings.insert(finding.id.clone(), finding);
        }
    }
    for attack in chosen.iter().filter(|attack| is_story(attack)) {
        if let Action::Scenario(scenario) = attack.action {
            let finding = scenario(&proof).finding(attack, proof.landlock);
            findings.insert(finding.id.clone(), finding);
        }
    }
    let mut ordered: Vec<Finding> = chosen.iter().filter_map(|attack| findings.remove(&*attack.id)).collect();
    ordered.sort_by_key(|finding| finding.property);
    let tier = if proof.tier.is_empty() { "process".into() } else { proof.tier };
    if options.tier == TierChoice::Process && tier != "process" {
        return Err(io::Error::other(format!("this machine offers the tier `{tier}` only")));
    }
    Ok(Report { tier, findings: ordered, time: start.elapsed() })
}

impl Answers {
    /// How a part of an attack went.
    fn of(&self, attack: &Attack, part: &str) -> Outcome {
        let key = format!("{}/{part}", attack.id);
        self.outcomes.get(&key).cloned().unwrap_or_else(|| {
            let detail: String = self.told.detail.chars().take(120).collect();
            Outcome::Broken(format!("no answer; {} {detail}", self.told.outcome))
        })
    }
}

/// A proof under way.
#[derive(Debug)]
pub struct Proof<'s> {
    pub(super) stage: &'s Stage,
    /// Without namespaces, as asked for or as found out.
    pub(super) landlock: bool,
    tier: String,
}

/// The answers of one sandbox.
pub(super) struct Answers {
    pub told: Told,
    pub outcomes: HashMap<String, Outcome>,
    pub time: Duration,
}

impl Proof<'_> {
    /// Runs the attacks of one garden.
    fn garden(&mut self, garden: Garden, attacks: &[&Attack]) -> io::Result<Vec<Finding>> {
        if attacks.is_empty() {
            return Ok(Vec::new());
        }
        let mut lines = Vec::new();
        let mut before = Before::default();
        for attack in attacks {
            self.stage.prepare(attack)?;
            if let Action::Inside(step) = &attack.action {
                lines.push(self.line_of(attack, "attack", step));
            }
            if let Twin::Inside(step) = &attack.twin {
                lines.push(self.line_of(attack, "twin", step));
            }
        }
        let session = self.session(garden, policy_text(garden), &lines)?;
        for attack in attacks {
            before.look(self.stage, attack);
        }
        let answers = run(&session)?;
        self.tier.clone_from(&answers.told.tier);
        self.landlock |= answers.told.tier == "landlock";
        // All attacks are judged before a control outside does the same for real.
        let judged: Vec<Held> = attacks.iter().map(|attack| self.judged(attack, &before, &answers)).collect();
        let pairs = attacks.iter().zip(judged);
        Ok(pairs.map(|(attack, held)| self.finding(attack, held, &answers)).collect())
    }

    fn line_of(&self, attack: &Attack, part: &str, step: &Step) -> Line {
        let words = self.stage.words(step, |word| self.stage.fill(word, attack));
        Line { key: format!("{}/{part}", attack.id), words }
    }

    /// A line of a story.
    pub(super) fn line(&self, key: &str, step: &Step, garden: Garden) -> Line {
        let words = self.stage.words(step, |word| self.stage.fill_shared(word, garden));
        Line { key: key.to_owned(), words }
    }

    /// The verdict, as if a control outside had succeeded.
    fn judged(&self, attack: &Attack, before: &Before, answers: &Answers) -> Held {
        if attack.process_tier_only && self.landlock {
            return Held::Skipped("means something only with namespaces".into());
        }
        let twin = match attack.twin {
            Twin::Inside(_) => answers.of(attack, "twin"),
            _ => Outcome::Succeeded,
        };
        before.judge(self.stage, attack, &answers.of(attack, "attack"), &twin, &answers.told)
    }

    fn finding(&self, attack: &Attack, held: Held, answers: &Answers) -> Finding {
        let went = answers.of(attack, "attack");
        let (Twin::Outside, Action::Inside(step)) = (&attack.twin, &attack.action) else {
            return Finding::of(attack, words(&went), words(&answers.of(attack, "twin")), held);
        };
        let directory = self.stage.workspace(attack.garden);
        let twin = outside(
            &self.stage.words(step, |word| self.stage.fill(word, attack)),
            &self.stage.environment(),
            &directory,
        );
        let held = match twin {
            Outcome::Succeeded => held,
            _ => Held::No(format!("the same does not work outside: {}", words(&twin))),
        };
        Finding::of(attack, words(&went), format!("outside: {}", words(&twin)), held)
    }

    /// Runs a list of steps in one sandbox.
    pub(super) fn sandbox(&self, garden: Garden, policy: &str, lines: &[Line]) -> io::Result<Answers> {
        run(&self.session(garden, policy, lines)?)
    }

    /// A sandbox that is ready to be started.
    pub(super) fn session(&self, garden: Garden, policy: &str, lines: &[Line]) -> io::Result<Session> {
        let workspace = self.stage.workspace(garden);
        let program = workspace.join(NAME);
        if !program.exists() {
            std::fs::copy("/proc/self/exe", &program)?;
        }
        let order = workspace.join(format!("{NAME}.order"));
        write_order(&order, lines)?;
        let policy = self.policy(garden, policy)?;
        let report = self.stage.root.join("reports").join(garden.name());
        let mut environment = self.stage.environment();
        if garden == Garden::Linked {
            let home = self.stage.root.join(LINKED_HOME).into_os_string();
            environment
                .iter_mut()
                .filter(|(name, _)| name == "HOME")
                .for_each(|(_, value)| *value = home.clone());
        }
        Ok(Session {
            workspace,
            policy,
            landlock: self.landlock,
            listeners: false,
            layer: false,
            agent: "",
            hostile: garden == Garden::Repository,
            order,
            report,
            environment,
            input: self.stage.input(),
            command: Vec::new(),
        })
    }

    fn policy(&self, garden: Garden, text: &str) -> io::Result<Option<PathBuf>> {
        if text.is_empty() {
            return Ok(None);
        }
        let path = self.stage.root.join("policies").join(format!("{}.toml", garden.name()));
        std::fs::write(&path, self.stage.fill_shared(text, garden))?;
        Ok(Some(path))
    }
}

/// Runs a sandbox to its end.
pub(super) fn run(session: &Session) -> io::Result<Answers> {
    let start = Instant::now();
    let child = session.start()?;
    let _hand = Hand::lend(&session.workspace);
    let outcomes = answers(child)?;
    Ok(Answers { told: told(&session.report), outcomes, time: start.elapsed() })
}

/// Reads what the first process inside prints, until the sandbox is gone.
fn answers(mut child: std::process::Child) -> io::Result<HashMap<String, Outcome>> {
    let mut out = child.stdout.take().ok_or_else(|| io::Error::other("no output"))?;
    let errors = child.stderr.take();
    let reader = std::thread::spawn(move || {
        let mut text = Vec::new();
        let read = io::Read::read_to_end(&mut out, &mut text);
        read.map(|_| text)
    });
    let drain = std::thread::spawn(move || errors.map(|mut errors| io::copy(&mut errors, &mut io::sink())));
    let end = Instant::now() + PATIENCE;
    while child.try_wait()?.is_none() {
        if Instant::now() > end {
            child.kill()?;
        }
        std::thread::sleep(Duration::from_micros(500));
    }
    let text = reader.join().map_err(|_| io::Error::other("the reader ended"))??;
    drop(drain);
    let text = String::from_utf8_lossy(&text);
    let pairs = text.lines().filter_map(|line| line.split_once(SEPARATED));
    Ok(pairs.map(|(key, outcome)| (key.to_owned(), Outcome::from_line(outcome))).collect())
}

/// A hand of the host: makes files in a workspace when something inside asks for it.
struct Hand {
    done: Arc<AtomicBool>,
}

impl Hand {
    fn lend(workspace: &Path) -> Self {
        let done = Arc::new(AtomicBool::new(false));
        let (ended, workspace) = (Arc::clone(&done), workspace.to_owned());
        std::thread::spawn(move || {
            while !ended.load(Ordering::Relaxed) && !workspace.join("please").exists() {
                std::thread::sleep(Duration::from_millis(3));
            }
            if workspace.join("please").exists() {
                for name in ["src/appeared.pem", "src/appeared.txt", "made-by-host"] {
                    // A file that cannot be made is missed by whoever asked for it.
                    let _missed = std::fs::write(workspace.join(name), "made during the run\n");
                }
            }
        });
        Self { done }
    }
}

impl Drop for Hand {
    fn drop(&mut self) {
        self.done.store(true, Ordering::Relaxed);
    }
}
