//! A workspace with several sandboxes: who they are, and holding what they hold.

use super::{Journal, Making, apply};
use crate::windows::error::{Error, Result};
use crate::windows::facts::name;
use crate::windows::sys::file::{Links, Node, Wanted};
use crate::windows::sys::living::Living;
use garth_plan::windows::journal::sharing::holds_all_of;
use garth_plan::windows::journal::{Chosen, Holder, Record, goes_at_end};
use garth_plan::windows::spec::{Preparation, Reservation};
use garth_policy::{AbsPath, NodeKind};

impl Journal {
    /// Living sandboxes in the workspace that one of this likeness shares, with what they have changed. Plan without that
    /// (`garth_plan::windows::journal::sharing::without`).
    ///
    /// # Errors
    /// [`Error::Held`] where another garth has a sandbox that is not shared.
    pub fn sharers(&self, workspace: &AbsPath, likeness: &str) -> Result<Vec<(Holder, Record)>> {
        let Some(_lock) = self.store.lock_found()? else { return Ok(Vec::new()) };
        self.shared(workspace, Some(likeness))
    }

    /// The same, while the journal is locked.
    pub(super) fn shared(
        &self,
        workspace: &AbsPath,
        likeness: Option<&str>,
    ) -> Result<Vec<(Holder, Record)>> {
        let sharers = self.store.sharers(workspace, likeness)?.into_iter();
        let recorded = sharers.map(|(id, holder)| match self.load(&id)? {
            Chosen::Record(record, _) => Ok((holder, record)),
            // It lives, so it has one; what it has changed is not known.
            Chosen::Nothing | Chosen::Damaged(_) => Err(Error::Held(holder)),
        });
        recorded.collect()
    }

    /// Who shares the holder's workspace. One of which a session of this preparation would not hold everything is refused.
    pub(super) fn let_in(&self, holder: &Holder, preparation: &Preparation) -> Result<Vec<Holder>> {
        let likeness = holder.shared.as_ref().map(|shared| shared.likeness.as_str());
        let sharers = self.shared(&holder.workspace, likeness)?.into_iter();
        let held = sharers.map(|(other, record)| match holds_all_of(preparation, &record) {
            Ok(()) => Ok(other),
            Err(_) => Err(Error::Held(other)),
        });
        held.collect()
    }
}

impl Making {
    /// Holds a name that one of the other sandboxes has taken. What goes with its handle is held by the same handle: then it goes
    /// when the last of them does, whichever that is and however it ends.
    pub(super) fn join(&mut self, taken: &Reservation) -> Result<()> {
        let path = name(&taken.path)?;
        let ended = |_| Error::InTheWay {
            what: format!("the sandbox that holds {path} ended at this moment"),
            why: "this one would have shared it".into(),
            hint: "start again".into(),
        };
        let found = Node::open(&path, Wanted::Security, Links::Stay).map_err(ended)?;
        let kind = found.kind()?;
        let is_directory = taken.kind == NodeKind::Directory;
        if kind.tag.is_some() || kind.directory != is_directory {
            return Err(Error::value(path, "something else has taken the name"));
        }
        if goes_at_end(taken) {
            if !is_directory && !apply::is_ours(&found, taken)? {
                return Err(Error::value(path, "something else has taken the name"));
            }
            return Ok(());
        }
        let id = found.identity()?.0;
        let lent = self.sharers.iter().filter_map(|holder| {
            let shared = holder.shared.as_ref()?;
            let (number, _) = shared.lent.iter().find(|(_, path)| *path == taken.path)?;
            let handle = Living::since(holder.process, shared.began).ok()?.lend(*number).ok()?;
            let node = Node::taken_over(handle, &path);
            // A number of a handle is believed for nothing but the object.
            node.identity().is_ok_and(|(lent, _)| lent == id).then_some(node)
        });
        let node = lent.into_iter().next();
        self.nodes.push(node.ok_or_else(|| ended(Error::value(path.clone(), "nobody lends it")))?);
        Ok(())
    }

    /// What others can take over of it: placeholders that go with their handles.
    pub(super) fn lent(&self, preparation: &Preparation) -> Result<Vec<(u64, AbsPath)>> {
        let mut lent = Vec::new();
        for taken in preparation.reservations.iter().filter(|taken| !goes_at_end(taken)) {
            let path = name(&taken.path)?;
            let node = self.nodes.iter().find(|node| node.name() == path);
            lent.extend(node.map(|node| (node.number(), taken.path.clone())));
        }
        Ok(lent)
    }
}
