//! Where it lies, and the life of a sandbox's part of it.

use super::base::{Base, host_file};
use super::renewed::SHARING;
use super::settle::{AgentEnd, settle};
use super::{choices, login};
use crate::Error;
use crate::files::{os_path, user_files};
use crate::place::{Surroundings, followed};
use crate::undo::{file_error, make_layer, make_private, new_id, remove_directory, write_whole};
use garth_host::linux::inside::view::layer::LOCK;
use garth_host::linux::undo::{Root, content};
use garth_plan::facts::Keeping;
use garth_plan::linux::spec::ViewStep;
use garth_policy::agents::{AGENTS, Agent, Kept, RenewedLogin, agent};
use garth_policy::{AbsPath, Flag, agent_named};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What is kept for every workspace.
pub(super) const OWN: &str = "own";
pub(super) const LOCK_OF_STORE: &str = "lock";
const RECORD: &str = "running.json";
const VERSION: u32 = 2;
/// How long the end of a sandbox is waited for after the last word of its runner.
const PATIENCE: Duration = Duration::from_secs(5);
/// As long, where the sandbox did not start.
const SHORT_PATIENCE: Duration = Duration::from_millis(500);

/// What is written down of a running sandbox: enough to settle it after a crash.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Record {
    version: u32,
    agent: String,
    pub home: AbsPath,
    pub workspace: AbsPath,
    /// Directories below the home, in the order of their numbers.
    pub trees: Vec<String>,
    /// Files in the home.
    pub files: Vec<String>,
    /// The host's logins when it began (see [`login::of_host`]).
    pub logins: BTreeMap<String, String>,
    /// What is done with a renewed one.
    pub login: RenewedLogin,
}

/// What a plan speaks of, and what does not exist yet.
#[derive(Clone, Debug)]
pub(crate) struct Planned {
    agent: &'static Agent,
    store: PathBuf,
    id: String,
    record: Record,
}

/// Plans what is kept for the agent that the command line names.
pub(crate) fn planned(
    surroundings: &Surroundings,
    environment: &[(Vec<u8>, Vec<u8>)],
    flags: &[Flag],
    login: RenewedLogin,
) -> Result<Option<(Planned, Vec<Keeping>)>, Error> {
    let Some(agent) = agent_named(flags).and_then(agent) else { return Ok(None) };
    let context = &surroundings.context;
    // Below this no link is followed.
    let state = followed(&user_files(&context.home, environment)?.state);
    let (trees, files): (Vec<String>, Vec<String>) = agent
        .keeps
        .iter()
        .filter_map(|place| place.path.strip_prefix("~/").map(str::to_owned))
        .partition(|name| agent.lasting(name.as_bytes()) != Some(Kept::Choices));
    let record = Record {
        version: VERSION,
        agent: agent.name.to_owned(),
        home: context.home.clone(),
        workspace: context.workspace.clone(),
        trees,
        files,
        logins: BTreeMap::new(),
        login,
    };
    let store = os_path(&state).join("agents").join(agent.name);
    let planned = Planned { agent, store, id: new_id()?, record };
    let keepings = planned.keepings().map_err(|error| Error::Policy(error.to_string()))?;
    Ok(Some((planned, keepings)))
}

/// The name of the directory for sessions of a workspace.
pub(super) fn work_name(workspace: &AbsPath) -> String {
    let digest = login::digest(Some(workspace.as_bytes()));
    format!("work/{}", digest.get(..16).unwrap_or_default())
}

/// The directory for sessions of a workspace.
pub(super) fn work(store: &Path, workspace: &AbsPath) -> PathBuf {
    store.join(work_name(workspace))
}

impl Planned {
    fn running(&self) -> PathBuf {
        self.store.join("running").join(&self.id)
    }

    fn keepings(&self) -> Result<Vec<Keeping>, garth_policy::PathError> {
        let path = |path: PathBuf| AbsPath::posix(path.as_os_str().as_bytes());
        let mut found = Vec::new();
        for (number, tree) in self.record.trees.iter().enumerate() {
            found.push(Keeping::Tree {
                path: self.record.home.join(tree.as_bytes())?,
                below: self.below(tree).into_iter().map(path).collect::<Result<_, _>>()?,
                store: path(self.running().join(number.to_string()))?,
            });
        }
        for (number, file) in self.record.files.iter().enumerate() {
            found.push(Keeping::File {
                path: self.record.home.join(file.as_bytes())?,
                source: path(self.running().join(format!("file-{number}")))?,
            });
        }
        Ok(found)
    }

    /// Where that is kept which this sandbox sees: a login of all workspaces counts where the policy says that there is one.
    fn places(&self) -> Vec<String> {
        let work = work_name(&self.record.workspace);
        if self.record.login == RenewedLogin::Keep { vec![work] } else { vec![OWN.to_owned(), work] }
    }

    /// Directories that are read before the host's.
    fn below(&self, tree: &str) -> Vec<PathBuf> {
        self.places().iter().map(|place| self.store.join(place).join(tree)).collect()
    }

    /// The host's logins as they are now, by their rows.
    fn logins(&self) -> BTreeMap<String, String> {
        let rows = self.agent.lasts.iter().filter(|row| row.kind == Kept::Login);
        let host = |path: &str| os_path(&self.record.home).join(path.strip_prefix("~/").unwrap_or(path));
        rows.map(|row| (row.path.to_owned(), login::of_host(&host(row.path)).0)).collect()
    }

    /// What is to be known before it starts: a sandbox with another workspace renewed the login that this one begins with,
    /// and may have spent it.
    pub(crate) fn notice(&self) -> Option<(String, &'static str)> {
        let (all, places) = (login::origins(&self.store), self.places());
        let has = |place: &String, row: &str, now: &String| {
            all.get(place).is_some_and(|origins| origins.get(row) == Some(now))
        };
        let (row, _) = self.logins().into_iter().find(|(row, now)| {
            !now.is_empty()
                && !places.iter().any(|place| has(place, row, now))
                && all.keys().any(|place| has(place, row, now))
        })?;
        let what = format!(
            "{} renewed its login for another workspace, and the one in {row} may be spent",
            self.agent.name
        );
        Some((what, SHARING))
    }

    /// Makes what the plan speaks of, if it does, after looking through what killed sandboxes left.
    pub(crate) fn make(&self, steps: &[ViewStep]) -> Result<Option<Live>, Error> {
        let is_kept = |step: &ViewStep| matches!(step, ViewStep::Kept { .. } | ViewStep::KeptCopy { .. });
        if !steps.iter().any(is_kept) {
            return Ok(None);
        }
        self.begin().map(Some)
    }

    fn begin(&self) -> Result<Live, Error> {
        make_private(&self.store)?;
        let lock = locked(&self.store)?;
        let earlier = settle_dead(&self.store);
        let record = Record { logins: self.logins(), ..self.record.clone() };
        for place in self.places() {
            self.drop_stale(&place, &record.logins)?;
        }
        let locks = self.fill(&record).inspect_err(|_| {
            let _ = remove_settled(&self.running());
        })?;
        drop(lock);
        let (store, running) = (self.store.clone(), self.running());
        Ok(Live { agent: self.agent, store, running, record, locks, earlier, is_ended: false })
    }

    /// Makes what the sandbox writes to, and writes down what it is.
    fn fill(&self, record: &Record) -> Result<Vec<File>, Error> {
        let running = self.running();
        let mut locks = Vec::new();
        for (number, tree) in record.trees.iter().enumerate() {
            for directory in self.below(tree) {
                make_private(&directory)?;
            }
            locks.push(make_layer(&running.join(number.to_string()))?);
        }
        let mut own = Base::open(self.store.join(OWN))?;
        for (number, file) in record.files.iter().enumerate() {
            let kept =
                AbsPath::posix(format!("/{file}")).ok().and_then(|name| own.read(&name, login::LONGEST));
            let before = host_file(&os_path(&record.home).join(file), choices::LONGEST);
            if let Some(text) = choices::shown(before.as_deref(), kept.as_deref()) {
                write_whole(&running.join(format!("file-{number}")), &text)?;
            }
        }
        write_whole(&running.join(RECORD), &serde_json::to_vec(record).unwrap_or_default())?;
        let workspace = work(&self.store, &record.workspace).join("workspace");
        write_whole(&workspace, record.workspace.as_bytes())?;
        Ok(locks)
    }

    /// A login that came from another one than the host has now is older than that, or of somebody else. So may be one of
    /// which that is not known.
    fn drop_stale(&self, place: &str, now: &BTreeMap<String, String>) -> Result<(), Error> {
        let mut all = login::origins(&self.store);
        let mut base = Base::open(self.store.join(place))?;
        let known = all.entry(place.to_owned()).or_default();
        let before = known.len();
        for (row, now) in now {
            if known.get(row) == Some(now) {
                continue;
            }
            if let Some(Ok(name)) = row.strip_prefix('~').map(AbsPath::posix) {
                base.remove(&name)?;
            }
            known.remove(row);
        }
        if known.len() == before { Ok(()) } else { login::write_origins(&self.store, &all) }
    }
}

/// Keeps other sandboxes of the agent from changing what is kept, which has to be this user's own: what root would make
/// in the directory of a user, the user could not change any more.
pub(super) fn locked(store: &Path) -> Result<File, Error> {
    let is_own = Root::open_layer(store).and_then(|root| root.is_own());
    if !is_own.map_err(Error::os("open what is kept for the agent"))? {
        return Err(Error::Undo {
            what: format!("cannot use {}", garth_policy::escape_visible(store.as_os_str().as_bytes())),
            why: "what is kept there is another user's".into(),
            hint: "run garth as that user, or set HOME and XDG_STATE_HOME to directories of your own".into(),
        });
    }
    let path = store.join(LOCK_OF_STORE);
    let file = OpenOptions::new().create(true).append(true).mode(0o600).open(&path);
    let file = file.map_err(|error| file_error("make", &path, &error))?;
    file.lock().map_err(|error| file_error("lock", &path, &error))?;
    Ok(file)
}

/// What a sandbox of this process writes of its agent's.
#[derive(Debug)]
pub(crate) struct Live {
    agent: &'static Agent,
    store: PathBuf,
    running: PathBuf,
    record: Record,
    locks: Vec<File>,
    earlier: Vec<AgentEnd>,
    is_ended: bool,
}

impl Drop for Live {
    /// A sandbox that came to nothing leaves nothing.
    fn drop(&mut self) {
        if !self.is_ended {
            let _ = self.settled(&[], SHORT_PATIENCE);
        }
    }
}

impl Live {
    /// Takes what lasts when the sandbox has ended. What goes wrong is told: the command has ended as it did.
    pub(crate) fn end(mut self, handed: Vec<(AbsPath, OwnedFd)>) -> AgentEnd {
        let read = |(path, file)| Some((path, content::read_short(file, choices::LONGEST_INSIDE).ok()??));
        let handed: Vec<(AbsPath, Vec<u8>)> = handed.into_iter().filter_map(read).collect();
        let mut end = self.settled(&handed, PATIENCE).unwrap_or_else(|error| {
            let mut end = AgentEnd { agent: self.agent.name.to_owned(), ..AgentEnd::default() };
            let what = format!("what {} wrote of its own could not be kept: {error}", self.agent.name);
            end.note(what, Some("it is looked through again when its next sandbox starts"));
            end
        });
        for earlier in self.earlier.drain(..) {
            end.kept += earlier.kept;
            end.notes.extend(earlier.notes);
        }
        end
    }

    fn settled(&mut self, handed: &[(AbsPath, Vec<u8>)], patience: Duration) -> Result<AgentEnd, Error> {
        self.is_ended = true;
        let _lock = locked(&self.store)?;
        // Not before: another garth would take it for a dead one's, and choices would be lost.
        self.locks.clear();
        let _held = held(&self.running, self.record.trees.len(), patience)?;
        let end = settle((self.agent, &self.record), &self.store, &self.running, handed)?;
        remove_settled(&self.running)?;
        Ok(end)
    }
}

/// Holds what a sandbox wrote; an error while anything in it lives.
fn held(running: &Path, trees: usize, patience: Duration) -> Result<Vec<File>, Error> {
    let end = Instant::now() + patience;
    let mut held = Vec::new();
    for number in 0..trees {
        let path = running.join(number.to_string()).join(LOCK);
        let file = File::open(&path).map_err(|error| file_error("open", &path, &error))?;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if Instant::now() < end => {
                    std::thread::sleep(Duration::from_millis(2));
                }
                Err(error) => return Err(file_error("lock", &path, &error.into())),
            }
        }
        held.push(file);
    }
    Ok(held)
}

/// Removes what a sandbox wrote. Its record goes first: half of a layer is not looked through again.
fn remove_settled(running: &Path) -> Result<(), Error> {
    let record = running.join(RECORD);
    match fs::remove_file(&record) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(file_error("remove", &record, &error));
        }
        _ => {}
    }
    remove_directory(running)
}

/// Sandboxes that ended without their garth: what lasts of them is taken, and the rest removed. None of them keeps another
/// one from starting.
fn settle_dead(store: &Path) -> Vec<AgentEnd> {
    let mut ends = Vec::new();
    for running in dead(store) {
        let record = fs::read(running.join(RECORD)).ok().and_then(|text| serde_json::from_slice(&text).ok());
        let found = record.and_then(|record: Record| Some((agent(&record.agent)?, record)));
        let mut told = AgentEnd::default();
        if let Some((agent, record)) = found.filter(|(_, record)| record.version == VERSION) {
            match settle((agent, &record), store, &running, &[]) {
                Ok(end) => ends.push(end),
                Err(error) => {
                    let what =
                        format!("what a killed sandbox of {} wrote of its own is lost: {error}", agent.name);
                    told.note(what, None);
                }
            }
        }
        if let Err(error) = remove_settled(&running) {
            told.note(format!("what a killed sandbox wrote could not be removed: {error}"), None);
        }
        ends.push(told);
    }
    ends
}

/// Directories of sandboxes that no process uses.
pub(super) fn dead(store: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(store.join("running")).into_iter().flatten().flatten();
    let is_dead = |path: &PathBuf| {
        let locks = (0..).map(|number: u32| path.join(number.to_string()).join(LOCK));
        let mut locks = locks.map(File::open).map_while(Result::ok);
        locks.all(|lock| lock.try_lock().is_ok())
    };
    entries.map(|entry| entry.path()).filter(is_dead).collect()
}

/// What killed sandboxes of all agents left in a state directory; without `check` it is settled.
pub(crate) fn unfinished(state: &AbsPath, check: bool) -> Result<Vec<PathBuf>, Error> {
    let mut found = Vec::new();
    for agent in &AGENTS {
        let store = os_path(&followed(state)).join("agents").join(agent.name);
        if !store.is_dir() {
            continue;
        }
        let _lock = locked(&store)?;
        found.extend(dead(&store));
        if !check {
            settle_dead(&store);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use garth_host::linux::inside::view::layer::UPPER;

    fn planned(place: &Path) -> Planned {
        let record = serde_json::json!({
            "version": VERSION, "agent": "codex", "home": place.join("home"), "workspace": "/w", "trees": [".codex"],
            "files": [], "logins": {}, "login": "keep",
        });
        let (agent, record) = (agent("codex").unwrap(), serde_json::from_value(record).unwrap());
        Planned { agent, store: place.join("store"), id: "abcdefgh".into(), record }
    }

    #[test]
    fn a_sandbox_that_does_not_start_leaves_nothing() {
        let place = tempfile::tempdir().unwrap();
        let planned = planned(place.path());
        let live = planned.begin().unwrap();
        assert!(planned.running().join(RECORD).exists());
        assert!(dead(&planned.store).is_empty());
        drop(live);
        assert!(!planned.running().exists());
        // So does one of which not all can be made.
        fs::remove_dir_all(planned.store.join("work")).unwrap();
        fs::create_dir_all(work(&planned.store, &planned.record.workspace).join("workspace/x")).unwrap();
        assert!(planned.begin().is_err());
        assert!(!planned.running().exists());
    }

    #[test]
    fn what_a_killed_sandbox_left_keeps_none_from_starting() {
        let place = tempfile::tempdir().unwrap();
        let planned = planned(place.path());
        let mut live = planned.begin().unwrap();
        fs::write(planned.running().join("0").join(UPPER).join("history.jsonl"), "line\n").unwrap();
        (live.is_ended, live.locks) = (true, Vec::new());
        // A file in the place of all that is kept for workspaces: nothing can be put there.
        fs::remove_dir_all(planned.store.join("work")).unwrap();
        fs::write(planned.store.join("work"), "x").unwrap();
        let ends = settle_dead(&planned.store);
        assert!(
            ends.iter().any(|end| end.notes.iter().any(|(what, _)| what.contains("is lost"))),
            "{ends:?}"
        );
        assert!(!planned.running().exists());
    }

    #[test]
    fn a_login_of_which_the_origin_is_not_known_is_dropped() {
        let place = tempfile::tempdir().unwrap();
        let planned = planned(place.path());
        let kept = work(&planned.store, &planned.record.workspace).join(".codex/auth.json");
        make_private(kept.parent().unwrap()).unwrap();
        let of = |from: &str| {
            let origins = BTreeMap::from([("~/.codex/auth.json".to_owned(), from.to_owned())]);
            login::Origins::from([(work_name(&planned.record.workspace), origins)])
        };
        // The host has none: one that was made inside counts, one of another login or of none known does not.
        for (origins, is_kept) in [(of(""), true), (of("another"), false), (login::Origins::new(), false)] {
            fs::write(&kept, "{}").unwrap();
            login::write_origins(&planned.store, &origins).unwrap();
            drop(planned.begin().unwrap());
            assert_eq!(kept.exists(), is_kept, "{origins:?}");
        }
        // One that is too long to be read is not none.
        fs::create_dir_all(place.path().join("home/.codex")).unwrap();
        fs::write(place.path().join("home/.codex/auth.json"), vec![b' '; 70_000]).unwrap();
        fs::write(&kept, "{}").unwrap();
        login::write_origins(&planned.store, &of("")).unwrap();
        drop(planned.begin().unwrap());
        assert!(!kept.exists());
    }
}
