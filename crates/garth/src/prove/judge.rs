//! Whether an attack was held.

pub use super::report::{Finding, Held};

use super::attack::{Action, Attack, Check, Expect, Garden};
use super::broker::Told;
use super::stage::Stage;
use garth_host::linux::probe::Outcome;
use garth_plan::linux::network::REDIRECT_GAP;
use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// `ECONNREFUSED` of `errno(3)`: nobody listens there.
const REFUSED_AT_PORT: i32 = 111;

/// What an object looked like.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Look {
    identity: (u64, u64),
    mode: u32,
    owner: (u32, u32),
    links: u64,
    changed: (i64, i64),
    content: Vec<u8>,
}

fn look(path: &Path) -> Option<Look> {
    let meta = std::fs::symlink_metadata(path).ok()?;
    // A socket or pipe has no content to compare; reading one would wait.
    let content = if meta.is_file() { std::fs::read(path).unwrap_or_default() } else { Vec::new() };
    Some(Look {
        identity: (meta.dev(), meta.ino()),
        mode: meta.mode(),
        owner: (meta.uid(), meta.gid()),
        links: meta.nlink(),
        changed: (meta.ctime(), meta.ctime_nsec()),
        content,
    })
}

/// What the objects of all checks looked like before the attacks.
#[derive(Debug, Default)]
pub(super) struct Before(BTreeMap<String, Option<Look>>);

impl Before {
    pub(super) fn look(&mut self, stage: &Stage, attack: &Attack) {
        for check in attack.checks {
            if let Check::Same(path) = check {
                let path = stage.fill(path, attack);
                self.0.entry(path.clone()).or_insert_with(|| look(Path::new(&path)));
            }
        }
    }

    /// What is not as it must be.
    fn wrong(&self, stage: &Stage, attack: &Attack) -> Option<String> {
        attack.checks.iter().find_map(|check| match check {
            Check::Same(path) => {
                let path = stage.fill(path, attack);
                let now = look(Path::new(&path));
                let before = self.0.get(&path)?;
                (before.is_none() || *before != now).then(|| format!("{path} is not as it was"))
            }
            Check::Absent(path) => {
                let path = stage.fill(path, attack);
                let there = Path::new(&path).symlink_metadata().is_ok();
                there.then(|| format!("{path} stands there now"))
            }
            Check::Lacks(path, text) => {
                let path = stage.fill(path, attack);
                let content = std::fs::read(&path).unwrap_or_default();
                let has = content.windows(text.len().max(1)).any(|part| part == text.as_bytes());
                has.then(|| format!("{path} holds what was refused"))
            }
        })
    }

    /// Why an attack says nothing where connections are not redirected: it was refused as it must be and did no harm, but at
    /// its port, or at that of its twin, nobody listens, so it never came to the broker.
    fn not_led(
        &self,
        stage: &Stage,
        attack: &Attack,
        (went, twin): (&Outcome, &Outcome),
        told: &Told,
    ) -> Option<String> {
        let is_network = matches!(attack.garden, Garden::Network | Garden::Budget);
        let is_gap = told.gaps.iter().any(|gap| gap == REDIRECT_GAP);
        if !is_network || !is_gap || refused(attack, went).is_some() || self.wrong(stage, attack).is_some() {
            return None;
        }
        let nobody =
            |outcome: &Outcome| matches!(outcome, Outcome::Refused(errno) if *errno == REFUSED_AT_PORT);
        if nobody(twin) {
            return Some("without a redirect nothing leads its twin to the broker".into());
        }
        let is_unruled = nobody(went) && unruled(stage, attack, told).is_some();
        is_unruled.then(|| "without a redirect nothing leads it to the broker".into())
    }

    /// The verdict on one attack in a garden whose plan names `gaps`.
    pub(super) fn judge(
        &self,
        stage: &Stage,
        attack: &Attack,
        went: &Outcome,
        twin: &Outcome,
        told: &Told,
    ) -> Held {
        if let Outcome::Broken(why) = went {
            // On a machine too busy for two threads to meet, a race says nothing either way; that it did no
            // harm is looked at all the same.
            if why.starts_with("no race") && self.wrong(stage, attack).is_none() {
                return Held::Skipped(why.clone());
            }
            return Held::No(format!("the probe is broken: {why}"));
        }
        if *went == Outcome::Hung {
            return Held::No("the probe hangs".into());
        }
        if let Some(why) = self.not_led(stage, attack, (went, twin), told) {
            return Held::Skipped(why);
        }
        if *twin != Outcome::Succeeded {
            return Held::No(format!("the twin did not succeed: {}", words(twin)));
        }
        let wrong = refused(attack, went)
            .or_else(|| unruled(stage, attack, told))
            .or_else(|| self.wrong(stage, attack));
        match wrong {
            None => Held::Yes,
            Some(why) => match attack.gaps.iter().find(|gap| told.gaps.iter().any(|known| known == *gap)) {
                Some(gap) => Held::Gap((*gap).into()),
                None => Held::No(why),
            },
        }
    }
}

/// What is wrong with how the attack went; `None` when it met what it had to.
fn refused(attack: &Attack, went: &Outcome) -> Option<String> {
    let fine = match (attack.expect, went) {
        (Expect::Harmless, _) | (Expect::Refused | Expect::Ruled(_), Outcome::Refused(_)) => true,
        (Expect::Exactly(wanted), Outcome::Refused(errno)) => wanted.contains(errno),
        (Expect::OrKilled(_), Outcome::Killed(_)) => true,
        (Expect::OrKilled(wanted), Outcome::Refused(errno)) => wanted == *errno,
        _ => false,
    };
    if fine {
        return None;
    }
    Some(match (attack.expect, went) {
        (_, Outcome::Succeeded) => "the attack succeeded".into(),
        (Expect::Exactly(wanted), _) => format!("{}, promised {}", words(went), names(wanted)),
        (Expect::OrKilled(wanted), _) => format!("{}, promised {}", words(went), name(wanted)),
        _ => words(went),
    })
}

/// What the network did not say, where it has to.
fn unruled(stage: &Stage, attack: &Attack, told: &Told) -> Option<String> {
    let Expect::Ruled(wanted) = attack.expect else { return None };
    let wanted = stage.fill(wanted, attack);
    (!told.ruled.contains(&wanted))
        .then(|| format!("the network did not report `{wanted}`, but: {}", told.ruled.join(", ")))
}

fn names(numbers: &[i32]) -> String {
    numbers.iter().map(|number| name(*number)).collect::<Vec<_>>().join(" or ")
}

/// An error number by its name in `errno(3)`.
#[must_use]
pub(super) fn name(errno: i32) -> String {
    const NAMES: [(i32, &str); 27] = [
        (1, "EPERM"),
        (2, "ENOENT"),
        (3, "ESRCH"),
        (4, "EINTR"),
        (5, "EIO"),
        (6, "ENXIO"),
        (9, "EBADF"),
        (11, "EAGAIN"),
        (13, "EACCES"),
        (14, "EFAULT"),
        (16, "EBUSY"),
        (17, "EEXIST"),
        (18, "EXDEV"),
        (19, "ENODEV"),
        (20, "ENOTDIR"),
        (22, "EINVAL"),
        (27, "EFBIG"),
        (30, "EROFS"),
        (38, "ENOSYS"),
        (61, "ENODATA"),
        (71, "EPROTO"),
        (97, "EAFNOSUPPORT"),
        (101, "ENETUNREACH"),
        (103, "ECONNABORTED"),
        (104, "ECONNRESET"),
        (110, "ETIMEDOUT"),
        (111, "ECONNREFUSED"),
    ];
    NAMES
        .iter()
        .find(|(number, _)| *number == errno)
        .map_or_else(|| format!("errno {errno}"), |(_, name)| (*name).into())
}

/// An outcome in words.
#[must_use]
pub(super) fn words(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Succeeded => "succeeded".into(),
        Outcome::Refused(errno @ (2 | 20)) => format!("not found ({})", name(*errno)),
        Outcome::Refused(errno) => format!("refused ({})", name(*errno)),
        Outcome::Killed(signal) => format!("killed (signal {signal})"),
        Outcome::Hung => "hung".into(),
        Outcome::Broken(why) => format!("broken ({why})"),
    }
}

/// Whether the attack is a story that judges itself.
pub(super) fn is_story(attack: &Attack) -> bool {
    matches!(attack.action, Action::Scenario(_))
}
