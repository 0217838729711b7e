//! Changes to the machine, with the way back: at the end, at the next start after a crash, and by `garth clean`.
//!
//! What is to be done, and in which order, is decided in `garth_plan::windows::journal`; this carries it out.

mod apply;
mod sharing;
mod store;

use super::error::{Error, Result};
use super::facts::LISTED;
use super::listing::Listings;
use super::sys::file::Node;
use garth_plan::windows::journal::{Action, Change, Chosen, Holder, Record, Shared, goes_at_end};
use garth_plan::windows::spec::Preparation;
use garth_policy::AbsPath;
use std::path::Path;
use store::{Held, Store};

/// The journal of one user.
#[derive(Debug)]
pub struct Journal {
    store: Store,
    /// Which changes may stand in it.
    accepts: fn(&Change) -> bool,
}

/// A machine that is prepared for one session. Dropping it takes the changes back.
#[derive(Debug)]
pub struct Prepared<'j> {
    journal: &'j Journal,
    session: Option<Session>,
    /// Objects that are held open, and placeholders that go with their handles.
    nodes: Vec<Node>,
    /// Changes that do not read back, which this build lets pass; always none in others.
    pub relaxed: Vec<String>,
}

/// What comes of making changes.
#[derive(Debug, Default)]
struct Making {
    nodes: Vec<Node>,
    relaxed: Vec<String>,
    /// Who shares the workspace.
    sharers: Vec<Holder>,
}

#[derive(Debug)]
struct Session {
    id: String,
    record: Record,
    _held: Held,
}

impl Journal {
    /// The journal in this directory, which is made before the first change.
    #[must_use]
    pub fn at(directory: &Path) -> Self {
        Self { store: Store::at(directory), accepts: |_| true }
    }

    /// The same journal, of which a record is refused that holds any other change than these: what undoes it may have more
    /// rights than who wrote it.
    #[must_use]
    pub fn accepting(self, accepts: fn(&Change) -> bool) -> Self {
        Self { accepts, ..self }
    }

    /// What the files of a record say.
    fn load(&self, name: &str) -> Result<Chosen> {
        let chosen = self.store.load(name)?;
        if let Chosen::Record(record, _) = &chosen
            && let Some(strange) = record.changes.iter().find(|change| !(self.accepts)(change))
        {
            let why = format!("it speaks of {}, which is never changed so", apply::describe(strange));
            return Err(Error::value(self.store.path(name).display().to_string(), why));
        }
        Ok(chosen)
    }

    /// Undoes what sessions left behind that are dead. What was undone, and what could not be.
    ///
    /// # Errors
    /// When the journal itself cannot be read.
    pub fn recover(&self) -> Result<Vec<String>> {
        let Some(_lock) = self.store.lock_found()? else { return Ok(Vec::new()) };
        let mut notes = Vec::new();
        for id in self.store.dead()? {
            match self.load(&id)? {
                Chosen::Nothing => self.store.forget(&id)?,
                Chosen::Record(record, _) => self.back(&id, &record, &mut notes)?,
                Chosen::Damaged(damage) => notes.push(self.damaged(&id, damage)),
            }
        }
        Ok(notes)
    }

    fn damaged(&self, id: &str, damage: impl core::fmt::Display) -> String {
        format!(
            "the journal {} cannot be read: {damage}; entries of garth may be left on the workspace of that session",
            self.store.path(id).display()
        )
    }

    /// Whether a sandbox may be planned in a workspace: what another one has put there would be taken for the user's.
    ///
    /// # Errors
    /// [`Error::Held`] where another garth has a sandbox.
    pub fn vacant(&self, workspace: &AbsPath) -> Result<()> {
        let Some(_lock) = self.store.lock_found()? else { return Ok(()) };
        self.store.sharers(workspace, None).map(drop)
    }

    /// Prepares the machine for a sandbox in the holder's workspace, which others of its likeness may share.
    ///
    /// # Errors
    /// [`Error::Held`] where another garth has a sandbox that is not shared; when a change cannot be made. What was made is taken back.
    pub fn prepare_for(&self, holder: &Holder, preparation: &Preparation) -> Result<Prepared<'_>> {
        self.prepare_as(Some(holder), preparation)
    }

    /// Prepares the machine, in no workspace.
    ///
    /// # Errors
    /// When a change cannot be made; what was made is taken back.
    pub fn prepare(&self, preparation: &Preparation) -> Result<Prepared<'_>> {
        self.prepare_as(None, preparation)
    }

    fn prepare_as(&self, holder: Option<&Holder>, preparation: &Preparation) -> Result<Prepared<'_>> {
        let _lock = self.store.lock()?;
        let sharers = holder.map(|holder| self.let_in(holder, preparation)).transpose()?.unwrap_or_default();
        let kept = self.kept()?;
        let sessions = self.sessions(None)?;
        let others = [sessions.as_slice(), core::slice::from_ref(&kept)].concat();
        let before = |path: &AbsPath| apply::protection(path).ok();
        let record = Record::of(preparation, before, &others).map_err(|path| {
            Error::value(path.to_string(), "its protection cannot be read, so it could not be given back")
        })?;
        let (id, held) = self.store.claim()?;
        if let Some(holder) = holder {
            self.store.write_holder(&id, holder)?;
        }
        let mut making = Making { sharers, ..Making::default() };
        let done =
            self.change(&id, &record.forward(&kept, &sessions), preparation, &mut making).and_then(|()| {
                let Some((holder, shared)) = holder.and_then(|holder| Some((holder, holder.shared.clone()?)))
                else {
                    return Ok(());
                };
                let shared = Shared { lent: making.lent(preparation)?, ..*shared };
                self.store.write_holder(&id, &Holder { shared: Some(Box::new(shared)), ..holder.clone() })
            });
        if let Err(error) = done {
            // The lock is held, so the way back must not ask for it again.
            making.nodes.clear();
            self.back(&id, &record, &mut Vec::new())?;
            return Err(error);
        }
        let Making { nodes, relaxed, .. } = making;
        Ok(Prepared { journal: self, session: Some(Session { id, record, _held: held }), nodes, relaxed })
    }

    fn change(
        &self,
        id: &str,
        actions: &[Action],
        preparation: &Preparation,
        making: &mut Making,
    ) -> Result<()> {
        for action in actions {
            self.carry_out(id, action, making)?;
        }
        for pin in &preparation.pins {
            making.nodes.push(apply::pin(pin)?);
        }
        Ok(())
    }

    /// Makes changes that stay until [`Journal::clean`]: all of them, or none.
    ///
    /// # Errors
    /// When one cannot be made, or does not read back; those before it are taken back then.
    pub fn make(&self, record: &Record) -> Result<()> {
        let _lock = self.store.lock()?;
        let (kept, sessions) = (self.kept()?, self.sessions(None)?);
        let (id, _held) = self.store.claim()?;
        for action in record.forward(&kept, &sessions) {
            // What is relaxed for tests of a sandbox is not relaxed for the machine.
            if let Err(error) = self.strictly(&id, &action) {
                for action in record.retracted(&kept, &sessions) {
                    self.note(&id, &action, &mut Vec::new())?;
                }
                return Err(error);
            }
        }
        // The kept record has them all now, so that nothing is undone with the session.
        self.back(&id, record, &mut Vec::new())
    }

    fn strictly(&self, id: &str, action: &Action) -> Result<()> {
        let mut making = Making::default();
        self.carry_out(id, action, &mut making)?;
        match (making.relaxed.pop(), action) {
            (Some(_), Action::Apply(change, _)) => {
                Err(Error::NotKept { object: apply::describe(change), what: "the change".into() })
            }
            _ => Ok(()),
        }
    }

    /// What is left of sessions that are dead, and what is kept for later ones.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn left(&self) -> Result<Vec<String>> {
        let Some(_lock) = self.store.lock_found()? else { return Ok(Vec::new()) };
        let mut left = Vec::new();
        for id in self.store.dead()? {
            match self.load(&id)? {
                Chosen::Nothing => {}
                Chosen::Record(record, _) => left.extend(record.changes.iter().map(apply::describe)),
                Chosen::Damaged(damage) => left.push(self.damaged(&id, damage)),
            }
        }
        left.extend(self.kept()?.changes.iter().map(apply::describe));
        Ok(left)
    }

    /// Undoes what dead sessions left and what is kept. Nothing of the latter while a session lives: its plan counts on what it
    /// found, and its record does not say that. What was undone.
    ///
    /// # Errors
    /// When the journal itself cannot be read or written.
    pub fn clean(&self) -> Result<Vec<String>> {
        let mut notes = self.recover()?;
        let Some(_lock) = self.store.lock_found()? else { return Ok(notes) };
        let kept = self.kept()?;
        if self.store.is_used()? {
            return Ok(notes);
        }
        let before = kept.changes.len();
        for action in kept.cleaned(&self.sessions(None)?) {
            self.note(store::KEPT, &action, &mut notes)?;
        }
        if before > 0 && self.kept()?.is_empty() {
            self.store.forget(store::KEPT)?;
        }
        Ok(notes)
    }

    fn kept(&self) -> Result<Record> {
        match self.load(store::KEPT)? {
            Chosen::Nothing => Ok(Record::default()),
            Chosen::Record(record, _) => Ok(record),
            Chosen::Damaged(damage) => {
                let path = self.store.path(store::KEPT).display().to_string();
                Err(Error::InTheWay {
                    what: format!("the journal {path} cannot be read, so nothing is changed"),
                    why: damage.to_string(),
                    hint: format!(
                        "look for entries of garth with `icacls` on your workspaces, then move {path}.0 and {path}.1 away"
                    ),
                })
            }
        }
    }

    /// Records of sessions, without one's own.
    fn sessions(&self, own: Option<&str>) -> Result<Vec<Record>> {
        let ids = self.store.sessions()?.into_iter().filter(|id| Some(id.as_str()) != own);
        let mut records = Vec::new();
        for id in ids {
            if let Chosen::Record(record, _) = self.load(&id)? {
                records.push(record);
            }
        }
        Ok(records)
    }

    fn back(&self, id: &str, record: &Record, notes: &mut Vec<String>) -> Result<()> {
        let mut others = self.sessions(Some(id))?;
        others.push(self.kept()?);
        // Most placeholders went with their handles: the directory says so of all at once.
        let reserved = |change: &Change| match change {
            Change::Reservation(one) => (!goes_at_end(one)).then(|| one.path.clone()),
            _ => None,
        };
        let paths: Vec<AbsPath> = record.changes.iter().filter_map(reserved).collect();
        let mut listings = Listings::of(paths.iter(), LISTED);
        for action in record.back(&others) {
            let mut gone = |change| reserved(change).is_some_and(|path| listings.lacks(&path));
            if !matches!(&action, Action::Undo(change, _) if gone(change)) {
                self.note(id, &action, notes)?;
            }
        }
        Ok(())
    }

    /// Carries out an action of the way back, and goes on after a change that cannot be taken back.
    fn note(&self, id: &str, action: &Action, notes: &mut Vec<String>) -> Result<()> {
        match action {
            Action::Undo(change, held) => {
                match apply::undo(change, held) {
                    Ok(apply::Undone::Gone) => {}
                    Ok(apply::Undone::Done) => notes.push(apply::describe(change)),
                    Ok(apply::Undone::Left(why)) => {
                        notes.push(format!("{} is left alone: {why}", apply::describe(change)));
                    }
                    Err(error) => notes.push(format!("{} is left: {error}", apply::describe(change))),
                }
                Ok(())
            }
            other => self.carry_out(id, other, &mut Making::default()),
        }
    }

    fn carry_out(&self, id: &str, action: &Action, making: &mut Making) -> Result<()> {
        match action {
            Action::Keep(record) => self.store.save(store::KEPT, record),
            Action::Save(record) => self.store.save(id, record),
            Action::Apply(change, held) => {
                match apply::apply(change, held) {
                    Ok(node) => making.nodes.extend(node),
                    Err(error @ Error::NotKept { .. }) if cfg!(feature = "relaxed-read-back") => {
                        making.relaxed.push(error.to_string());
                    }
                    Err(error) => return Err(error),
                }
                Ok(())
            }
            Action::Join(taken) => making.join(taken),
            Action::Undo(change, held) => apply::undo(change, held).map(|_| ()),
            Action::Forget => self.store.forget(id),
        }
    }
}

impl Prepared<'_> {
    /// Takes the changes back. What was undone, and what could not be.
    ///
    /// # Errors
    /// When the journal cannot be read or written; the next start tries again.
    pub fn undo(mut self) -> Result<Vec<String>> {
        self.take_back()
    }

    fn take_back(&mut self) -> Result<Vec<String>> {
        let mut notes = Vec::new();
        if let Some(session) = self.session.take() {
            let _lock = self.journal.store.lock()?;
            // Placeholders go with their handles; pins must go before what they hold.
            self.nodes.clear();
            self.journal.back(&session.id, &session.record, &mut notes)?;
        }
        Ok(notes)
    }
}

impl Drop for Prepared<'_> {
    fn drop(&mut self) {
        // What fails now stands in the journal, for the next start.
        let _left = self.take_back();
    }
}

#[cfg(test)]
mod tests;
