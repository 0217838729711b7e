//! Attacks that are stories: several sandboxes, a crash, a refusal to start.

use super::attack::{Attack, Garden, Step, step};
use super::broker::{Session, Told};
use super::judge::{Finding, Held, words};
use super::run::{Answers, Proof, run};
use garth_host::linux::probe::fixture::kill;
use garth_host::linux::probe::{Line, NAME, Outcome};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A story and its judgement.
pub type Scenario = fn(&Proof<'_>) -> Story;

/// How a story went.
#[derive(Clone, Debug)]
pub struct Story {
    /// What the attack met, and whether that is good.
    pub attack: Result<String, String>,
    /// What the twin met, and whether that is good.
    pub twin: Result<String, String>,
}

impl Story {
    /// A story that could not be told.
    pub(super) fn broken(error: impl std::fmt::Display) -> Self {
        Self { attack: Err(format!("the story is broken: {error}")), twin: Err("not tried".into()) }
    }

    pub(super) fn finding(self, attack: &Attack, landlock: bool) -> Finding {
        let text = |result: &Result<String, String>| result.clone().unwrap_or_else(|why| why);
        let (went, twin) = (text(&self.attack), text(&self.twin));
        let held = match (&self.attack, &self.twin) {
            _ if attack.process_tier_only && landlock => {
                Held::Skipped("means something only with namespaces".into())
            }
            (_, Err(why)) => Held::No(format!("the twin did not succeed: {why}")),
            (Err(why), Ok(_)) => Held::No(why.clone()),
            (Ok(_), Ok(_)) => Held::Yes,
        };
        Finding::of(attack, went, twin, held)
    }
}

const GARDEN: Garden = Garden::Bare;

fn steps(proof: &Proof<'_>, list: &[Step]) -> Vec<Line> {
    list.iter().enumerate().map(|(number, step)| proof.line(&number.to_string(), step, GARDEN)).collect()
}

/// Runs steps under a policy.
fn under(proof: &Proof<'_>, policy: &str, list: &[Step]) -> std::io::Result<Answers> {
    proof.sandbox(GARDEN, policy, &steps(proof, list))
}

fn said(told: &Told) -> String {
    if told.detail.is_empty() { told.outcome.clone() } else { format!("{}: {}", told.outcome, told.detail) }
}

/// Good when garth refused to start at all.
pub(super) fn refused(answers: &Answers) -> Result<String, String> {
    let text = shortened(&said(&answers.told));
    if answers.told.outcome == "refused" && answers.outcomes.is_empty() {
        Ok(text)
    } else {
        Err(format!("it ran ({text})"))
    }
}

fn shortened(text: &str) -> String {
    let first = text.split(" | ").next().unwrap_or_default();
    first.chars().take(100).collect()
}

/// Good when the numbered step succeeded.
pub(super) fn worked(answers: &Answers, step: &str) -> Result<String, String> {
    match answers.outcomes.get(step) {
        Some(Outcome::Succeeded) => Ok("succeeded".into()),
        Some(other) => Err(words(other)),
        None => Err(format!("no answer ({})", shortened(&said(&answers.told)))),
    }
}

/// Good when the numbered step was tried and did not succeed.
fn missed(answers: &Answers, step: &str) -> Result<String, String> {
    match answers.outcomes.get(step) {
        Some(Outcome::Succeeded) => Err("succeeded".into()),
        Some(other) => Ok(words(other)),
        None => Err(format!("no answer ({})", shortened(&said(&answers.told)))),
    }
}

const HARMLESS: &[Step] = &[step("own-number", &[])];

/// A policy that must be refused, and one beside it that must not.
fn refused_policy(proof: &Proof<'_>, bad: &str, good: &str) -> Story {
    let told = under(proof, bad, HARMLESS).and_then(|bad| Ok((bad, under(proof, good, HARMLESS)?)));
    match told {
        Ok((bad, good)) => Story { attack: refused(&bad), twin: worked(&good, "0") },
        Err(error) => Story::broken(error),
    }
}

pub(super) fn command_rule(proof: &Proof<'_>) -> Story {
    let denying = |program: &str| {
        format!("version = 1\n[[commands]]\nprefix = [\"{program}\"]\ndecision = \"deny\"\nreason = \"no\"\n")
    };
    refused_policy(proof, &denying(NAME), &denying("git"))
}

pub(super) fn machine_rule(proof: &Proof<'_>) -> Story {
    refused_policy(
        proof,
        "version = 1\n[tier]\nminimum = \"vm\"\n",
        "version = 1\n[tier]\nminimum = \"process\"\n",
    )
}

pub(super) fn invalid_policy(proof: &Proof<'_>) -> Story {
    refused_policy(
        proof,
        "version = 1\n[files]\n\"{shared}\" = \"wriet\"\n",
        "version = 1\n[files]\n\"{shared}/secret\" = \"read\"\n",
    )
}

/// The policy file is writable for everybody.
pub(super) fn writable_policy(proof: &Proof<'_>) -> Story {
    let told = proof.session(GARDEN, "version = 1\n", &steps(proof, HARMLESS)).and_then(|session| {
        let good = run(&session)?;
        let path = session.policy.clone().unwrap_or_default();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666))?;
        let bad = run(&session)?;
        std::fs::remove_file(path)?;
        Ok((bad, good))
    });
    match told {
        Ok((bad, good)) => Story { attack: refused(&bad), twin: worked(&good, "0") },
        Err(error) => Story::broken(error),
    }
}

/// A project whose content is trusted sets variables that make programs run others.
pub(super) fn trusted_variables(proof: &Proof<'_>) -> Story {
    const LOOKS: &[Step] = &[
        step("any-variable", &["LD_PRELOAD", "NODE_OPTIONS", "GIT_SSH_COMMAND"]),
        step("variable", &["PLAIN", "told"]),
    ];
    let told = proof.session(GARDEN, "", &steps(proof, LOOKS)).and_then(|session| {
        let text = "version = 1\n[env.set]\nLD_PRELOAD = \"/nowhere/evil.so\"\nNODE_OPTIONS = \"--require=/nowhere/evil.js\"\n\
                    GIT_SSH_COMMAND = \"evil\"\nPLAIN = \"told\"\n";
        let mut store = garth_policy::TrustStore::empty();
        store.add(text, "prove");
        let (project, trust) = (session.workspace.join("garth.toml"), proof.stage.root.join("home/.local/state/garth/trust"));
        std::fs::create_dir_all(trust.parent().unwrap_or(&trust))?;
        std::fs::write(&trust, store.to_text())?;
        std::fs::write(&project, text)?;
        let answers = run(&session);
        std::fs::remove_file(project)?;
        std::fs::remove_file(trust)?;
        answers
    });
    match told {
        Ok(answers) => Story { attack: missed(&answers, "0"), twin: worked(&answers, "1") },
        Err(error) => Story::broken(error),
    }
}

/// A run in another directory than a workspace.
fn in_directory(proof: &Proof<'_>, directory: PathBuf) -> Story {
    let told = proof.session(GARDEN, "", &steps(proof, HARMLESS)).and_then(|session| {
        let good = run(&session)?;
        let bad = Session { workspace: directory, ..session };
        Ok((run(&bad)?, good))
    });
    match told {
        Ok((bad, good)) => Story { attack: refused(&bad), twin: worked(&good, "0") },
        Err(error) => Story::broken(error),
    }
}

pub(super) fn whole_home(proof: &Proof<'_>) -> Story {
    in_directory(proof, proof.stage.root.join("home"))
}

pub(super) fn whole_system(proof: &Proof<'_>) -> Story {
    in_directory(proof, "/".into())
}

/// The broker is killed; nothing inside may live on.
pub(super) fn killed_broker(proof: &Proof<'_>) -> Story {
    const BEATS: &[Step] =
        &[step("detached-heartbeat", &["{ws}/beat-1"]), step("heartbeat", &["{ws}/beat-2"])];
    let told = proof.session(GARDEN, "", &steps(proof, BEATS)).and_then(|session| {
        let mut child = session.start()?;
        let files = [session.workspace.join("beat-1"), session.workspace.join("beat-2")];
        let beating = until(Duration::from_secs(10), || files.iter().all(|file| length(file) > 2));
        kill(child.id());
        child.wait()?;
        // What was under way may still arrive.
        std::thread::sleep(Duration::from_millis(60));
        let before: Vec<u64> = files.iter().map(|file| length(file)).collect();
        std::thread::sleep(Duration::from_millis(120));
        let after: Vec<u64> = files.iter().map(|file| length(file)).collect();
        Ok((beating, before, after))
    });
    match told {
        Ok((beating, before, after)) => Story {
            attack: if before == after {
                Ok("ended with the broker".into())
            } else {
                Err("it lives on".into())
            },
            twin: if beating { Ok("it ran before".into()) } else { Err("it never ran".into()) },
        },
        Err(error) => Story::broken(error),
    }
}

pub(super) fn length(path: &Path) -> u64 {
    path.metadata().map_or(0, |meta| meta.len())
}

/// Waits until something is so; `false` when it is not so in time.
pub(super) fn until(patience: Duration, so: impl Fn() -> bool) -> bool {
    let end = Instant::now() + patience;
    while Instant::now() < end {
        if so() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    false
}

/// What a run leaves on the host: mounts, control groups, files in temporary and runtime directories.
pub(super) fn residue(proof: &Proof<'_>) -> Story {
    let before = traces(proof);
    let told = under(
        proof,
        "",
        &[step("write", &["{ws}/trace"]), step("write", &["/tmp/trace"]), step("write", &["{home}/trace"])],
    );
    // Other sandboxes of this machine come and go; what stays is somebody's fault.
    let mut left = Vec::new();
    let gone = until(Duration::from_secs(4), || fresh(proof, &before).is_empty());
    if !gone {
        left = fresh(proof, &before);
    }
    match told {
        Ok(told) => Story {
            attack: match left.first() {
                None => Ok("nothing was left".into()),
                Some(left) => Err(format!("left behind: {left}")),
            },
            twin: worked(&told, "0"),
        },
        Err(error) => Story::broken(error),
    }
}

fn fresh(proof: &Proof<'_>, before: &[String]) -> Vec<String> {
    traces(proof).into_iter().filter(|line| !before.contains(line)).collect()
}

fn traces(proof: &Proof<'_>) -> Vec<String> {
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let mut found: Vec<String> = mounts.lines().map(|line| format!("mount {line}")).collect();
    let root = &proof.stage.root;
    let own = |name: &str| name.contains("garth") && !name.starts_with("garth-prove");
    for directory in [
        root.join("home"),
        root.join("tmp"),
        root.join("run"),
        root.join("outside"),
        root.join("home/.local"),
    ] {
        found.extend(entries(&directory, |_| true));
    }
    for directory in ["/tmp", "/run", "/dev/shm", "/sys/fs/cgroup"] {
        found.extend(entries(Path::new(directory), own));
    }
    found
}

fn entries(directory: &Path, wanted: impl Fn(&str) -> bool) -> Vec<String> {
    let list = std::fs::read_dir(directory).into_iter().flatten().flatten();
    list.filter(|entry| wanted(&entry.file_name().to_string_lossy()))
        .map(|entry| entry.path().display().to_string())
        .collect()
}

/// A start in a tree of many files takes as long as in one of few.
pub(super) fn cost_of_tree(proof: &Proof<'_>) -> Story {
    const FILES: u32 = 4_000;
    let fastest = || -> std::io::Result<Duration> {
        let mut best = Duration::MAX;
        for _ in 0..5 {
            let answers = under(proof, "", HARMLESS)?;
            worked(&answers, "0").map_err(std::io::Error::other)?;
            best = best.min(answers.time);
        }
        Ok(best)
    };
    let grown = proof.stage.workspace(GARDEN).join("tree");
    let told = fastest().and_then(|small| {
        for number in 0..FILES {
            let directory = grown.join((number / 200).to_string());
            if number % 200 == 0 {
                std::fs::create_dir_all(&directory)?;
            }
            std::fs::File::create(directory.join(number.to_string()))?;
        }
        Ok((small, fastest()?))
    });
    let removed = std::fs::remove_dir_all(grown);
    match (told, removed) {
        (Ok((small, large)), _) => {
            let text = format!(
                "{:.1} ms, with {FILES} files {:.1} ms",
                small.as_secs_f64() * 1e3,
                large.as_secs_f64() * 1e3
            );
            // A step that walked the tree would take many times as long; a busy machine only wavers.
            let fine = large < small * 4 + Duration::from_millis(100);
            Story {
                attack: if fine { Ok(text.clone()) } else { Err(text.clone()) },
                twin: Ok("started both times".into()),
            }
        }
        (Err(error), _) => Story::broken(error),
    }
}

/// A refused name with control characters is shown without them.
pub(super) fn control_characters(proof: &Proof<'_>) -> Story {
    const NAMES: &[Step] =
        &[step("write", &["{ws}/.vscode/a\u{1b}[2J\u{7}\u{202e}b\rc"]), step("write", &["{ws}/fine"])];
    match under(proof, "", NAMES) {
        Ok(answers) => {
            let shown = answers.told.denied.iter().find(|path| path.contains(".vscode"));
            let attack = match shown {
                None => Err("the refusal was not reported".into()),
                Some(path) if path.chars().any(|letter| letter.is_control() || letter == '\u{202e}') => {
                    Err(format!("shown as {path:?}"))
                }
                Some(_) => Ok("shown with escapes".into()),
            };
            Story { attack, twin: worked(&answers, "1") }
        }
        Err(error) => Story::broken(error),
    }
}

/// A limit: what goes over it is stopped, what stays below is not.
fn limited(proof: &Proof<'_>, policy: &str, over: Step, below: Step) -> Story {
    let told = under(proof, policy, &[below, over]);
    match told {
        Ok(answers) => {
            let attack = match (answers.told.outcome.as_str(), answers.outcomes.get("1")) {
                ("limit" | "timed-out", _) => Ok(said(&answers.told)),
                (_, Some(outcome @ (Outcome::Refused(_) | Outcome::Killed(_)))) => Ok(words(outcome)),
                (_, Some(outcome)) => Err(words(outcome)),
                _ => Err(said(&answers.told)),
            };
            Story { attack, twin: worked(&answers, "0") }
        }
        Err(error) => Story::broken(error),
    }
}

pub(super) fn too_many_processes(proof: &Proof<'_>) -> Story {
    let policy = "version = 1\n[limits]\nprocesses = 60\n";
    limited(proof, policy, step("many-children", &["200", "500"]), step("many-children", &["20", "10"]))
}

pub(super) fn too_much_memory(proof: &Proof<'_>) -> Story {
    let policy = "version = 1\n[limits]\nmemory = \"128MiB\"\n";
    limited(proof, policy, step("allocate", &["400000000", "1500"]), step("allocate", &["1000000", "10"]))
}

/// Two busy threads get no more than one processor's time.
pub(super) fn too_many_processors(proof: &Proof<'_>) -> Story {
    let policy = "version = 1\n[limits]\ncpu = \"1\"\n";
    limited(proof, policy, step("busy", &["2", "1150"]), step("busy", &["1", "1"]))
}

pub(super) fn too_long(proof: &Proof<'_>) -> Story {
    limited(
        proof,
        "version = 1\n[limits]\ntime = \"400ms\"\n",
        step("sleep", &["5000"]),
        step("sleep", &["10"]),
    )
}

pub(super) fn too_large(proof: &Proof<'_>) -> Story {
    let policy = "version = 1\n[limits]\nfile-size = \"1MiB\"\n";
    limited(
        proof,
        policy,
        step("large-file", &["{ws}/large", "4000000"]),
        step("large-file", &["{ws}/small", "4096"]),
    )
}

/// A bare repository under a harmless name is reported at the end.
pub(super) fn planted_repository(proof: &Proof<'_>) -> Story {
    const PARTS: &[Step] = &[
        step("make-directory", &["{ws}/innocent"]),
        step("make-directory", &["{ws}/innocent/objects"]),
        step("make-directory", &["{ws}/innocent/refs"]),
        step("write", &["{ws}/innocent/HEAD"]),
        step("rename", &["{ws}/innocent", "{ws}/pictures"]),
    ];
    match under(proof, "", PARTS) {
        Ok(answers) => {
            let seen = answers.told.repositories.iter().any(|path| path.ends_with("/pictures"));
            let attack = if seen { Ok("reported at the end".into()) } else { Err("nobody was told".into()) };
            let twin = (0..5).map(|number| worked(&answers, &number.to_string())).find(Result::is_err);
            Story { attack, twin: twin.unwrap_or_else(|| Ok("it was made".into())) }
        }
        Err(error) => Story::broken(error),
    }
}
