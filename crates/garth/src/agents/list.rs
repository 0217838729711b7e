//! What is kept for the agents of a user: a list of it, and its end.

use super::base::size;
use super::login;
use super::store::{LOCK_OF_STORE, OWN, dead, locked};
use crate::Error;
use crate::files::os_path;
use crate::place::followed;
use crate::undo::remove_directory;
use garth_policy::agents::{AGENTS, agent};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// What is kept for the agents of a user.
#[derive(Clone, Debug)]
pub struct Agents(PathBuf);

/// What is kept for one agent.
#[derive(Clone, Debug)]
pub struct AgentState {
    /// The agent.
    pub name: &'static str,
    /// Logins that are kept, by the host's files that they stand for.
    pub logins: Vec<String>,
    /// What is kept for every workspace, and for each.
    pub parts: Vec<Part>,
    /// Sandboxes that use it now, or were killed.
    pub running: usize,
}

/// A part of what is kept.
#[derive(Clone, Debug)]
pub struct Part {
    /// The workspace; `None` for what is kept for all of them.
    pub workspace: Option<String>,
    /// Its files.
    pub files: u64,
    /// Bytes of these.
    pub bytes: u64,
}

impl Agents {
    /// Those of the user with this environment.
    ///
    /// # Errors
    /// Without a home.
    pub fn of(environment: &[(Vec<u8>, Vec<u8>)]) -> Result<Self, Error> {
        Ok(Self(os_path(&followed(&crate::residue::state(environment)?)).join("agents")))
    }

    /// All for which something is kept.
    #[must_use]
    pub fn list(&self) -> Vec<AgentState> {
        AGENTS.iter().filter_map(|agent| self.state(agent.name)).collect()
    }

    fn state(&self, name: &'static str) -> Option<AgentState> {
        let store = self.0.join(name);
        let entries = |path: PathBuf| fs::read_dir(path).into_iter().flatten().flatten();
        things(&store).next()?;
        let (bytes, files) = size(&store.join(OWN));
        let mut parts = vec![Part { workspace: None, files, bytes }];
        for entry in entries(store.join("work")) {
            let workspace = fs::read(entry.path().join("workspace")).unwrap_or_default();
            let (bytes, files) = size(&entry.path());
            let bytes = bytes.saturating_sub(workspace.len() as u64);
            let workspace = Some(garth_policy::escape_visible(&workspace));
            parts.push(Part { workspace, files: files.saturating_sub(1), bytes });
        }
        parts[1..].sort_by(|one, other| one.workspace.cmp(&other.workspace));
        let running = entries(store.join("running")).count();
        let logins: BTreeSet<String> =
            login::origins(&store).into_values().flat_map(BTreeMap::into_keys).collect();
        Some(AgentState { name, logins: logins.into_iter().collect(), parts, running })
    }

    /// Forgets all that is kept for an agent; whether there was anything.
    ///
    /// # Errors
    /// A sandbox of it runs, or something cannot be removed.
    pub fn forget(&self, name: &str) -> Result<bool, Error> {
        let store = agent(name).map(|agent| self.0.join(agent.name));
        let Some(store) = store.filter(|store| things(store).next().is_some()) else { return Ok(false) };
        let lock = locked(&store)?;
        let dead = dead(&store);
        let alive = fs::read_dir(store.join("running")).into_iter().flatten().flatten();
        if alive.map(|entry| entry.path()).any(|path| !dead.contains(&path)) {
            return Err(Error::Undo {
                what: format!("what is kept for {name} is in use"),
                why: "a sandbox of it runs".into(),
                hint: "wait for its end, or end the command".into(),
            });
        }
        for thing in things(&store) {
            remove_directory(&thing)?;
        }
        drop(lock);
        Ok(true)
    }
}

/// All that is kept for an agent. The lock stays: whoever waits for it waits for the one that others take.
fn things(store: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    let entries = fs::read_dir(store).into_iter().flatten().flatten();
    entries.filter(|entry| entry.file_name() != LOCK_OF_STORE).map(|entry| entry.path())
}
