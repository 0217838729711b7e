//! Logins that a sandbox leaves: which of them is kept, and for whom.

use super::login;
use super::settle::{Settling, shown};
use super::store::{OWN, work_name};
use crate::Error;
use crate::files::{os_path, replace};
use crate::place::final_path;
use garth_host::linux::undo::{Root, content};
use garth_policy::AbsPath;
use garth_policy::agents::{RenewedLogin, renewed};
use serde_json::Value;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// What helps where a login lasts for one workspace only.
pub(super) const SHARING: &str = "log in on the host again, or say `login = \"share\"` below [agents] of your policy, if you \
    trust all workspaces with the account";

impl Settling<'_> {
    /// A file of a login, written inside.
    pub(super) fn login(
        &mut self,
        upper: &mut Root,
        inner: &AbsPath,
        name: &AbsPath,
        below_home: &[u8],
    ) -> Result<(), Error> {
        let text =
            upper.open_file(inner).ok().and_then(|file| content::read_short(file, login::LONGEST).ok()?);
        let Some(new) = text.and_then(|text| login::understood(&text)) else {
            self.left.push(shown(below_home));
            return Ok(());
        };
        let (agent, row) = (self.agent.name, shown(below_home));
        let place = os_path(&self.record.home).join(OsStr::from_bytes(below_home));
        let (from, host) = login::of_host(&place);
        if self.record.logins.get(&row) != Some(&from) {
            let what =
                format!("{row} was changed outside meanwhile, and is the login of {agent} from now on");
            self.end.note(what, None);
            return Ok(());
        }
        let host = host.and_then(|host| login::understood(&host));
        if host.as_ref() == Some(&new) {
            return self.drop_login(name, below_home);
        }
        let is_renewal = host.is_some_and(|host| login::is_renewal(&new, &host, renewed(below_home)));
        if !is_renewal && !from.is_empty() {
            let what = format!(
                "{agent} changed more of its login in {row} than a renewal does, so that went with the sandbox"
            );
            self.end.note(what, Some("log in on the host"));
            return Ok(());
        }
        match self.record.login {
            RenewedLogin::WriteBack if is_renewal => self.write_back((&place, &new), name, below_home, from),
            mode => {
                let is_shared = mode != RenewedLogin::Keep && is_renewal;
                self.keep_login(is_shared, &new, name, below_home, from)
            }
        }
    }

    /// Keeps it, and tells that.
    fn keep_login(
        &mut self,
        is_shared: bool,
        new: &Value,
        name: &AbsPath,
        below_home: &[u8],
        from: String,
    ) -> Result<(), Error> {
        let (agent, row, is_made) = (self.agent.name, shown(below_home), from.is_empty());
        if !self.put_login(is_shared, new, name, below_home, from)? {
            return Ok(());
        }
        self.end.kept += 1;
        let whose =
            if is_shared { "every next sandbox of it" } else { "its next sandbox with this workspace" };
        if is_made {
            self.end.note(format!("{agent} logged in inside, and {whose} has that login ({row})"), None);
        } else {
            let what = format!(
                "{agent} renewed its login inside, and {whose} has that; the one in {row} may be spent"
            );
            self.end.note(what, (!is_shared).then_some(SHARING));
        }
        Ok(())
    }

    /// Whether it was not the one that is kept already. What it came from is written down first: a login of which that is not
    /// known is dropped, and what came from another one is not there any more by then.
    fn put_login(
        &mut self,
        is_shared: bool,
        new: &Value,
        name: &AbsPath,
        below_home: &[u8],
        from: String,
    ) -> Result<bool, Error> {
        let text = serde_json::to_vec_pretty(new).unwrap_or_default();
        let (row, work) = (shown(below_home), work_name(&self.record.workspace));
        let mut all = login::origins(&self.store);
        let base = if is_shared { &mut self.own } else { &mut self.work };
        let origins = all.entry(if is_shared { OWN.to_owned() } else { work.clone() }).or_default();
        let is_from = origins.get(&row) == Some(&from);
        if is_from && base.read(name, login::LONGEST).is_some_and(|there| there == text) {
            return Ok(false);
        }
        if !is_from {
            base.remove(name)?;
            origins.insert(row.clone(), from);
            login::write_origins(&self.store, &all)?;
        }
        base.put_text(name, &text)?;
        if is_shared {
            self.work.remove(name)?;
            forget(&self.store, &work, &row)?;
        }
        Ok(true)
    }

    /// The user's policy says that the host's login is the one that the agent has inside.
    fn write_back(
        &mut self,
        (place, new): (&Path, &Value),
        name: &AbsPath,
        below_home: &[u8],
        from: String,
    ) -> Result<(), Error> {
        let text = serde_json::to_vec_pretty(new).unwrap_or_default();
        let (agent, row) = (self.agent.name, shown(below_home));
        let real = AbsPath::posix(place.as_os_str().as_bytes()).ok().and_then(|path| final_path(&path));
        if matches!(real.map(|path| replace(&path, &text)), Some(Ok(()))) {
            self.end.note(format!("{agent} renewed its login, and {row} is the new one"), None);
            return self.drop_login(name, below_home);
        }
        self.end.note(format!("the renewed login could not be written to {row}"), None);
        self.keep_login(true, new, name, below_home, from)
    }

    /// Forgets a login that this sandbox saw.
    pub(super) fn drop_login(&mut self, name: &AbsPath, below_home: &[u8]) -> Result<(), Error> {
        let row = shown(below_home);
        self.work.remove(name)?;
        forget(&self.store, &work_name(&self.record.workspace), &row)?;
        if self.record.login == RenewedLogin::Keep {
            return Ok(());
        }
        self.own.remove(name)?;
        forget(&self.store, OWN, &row)
    }
}

fn forget(store: &Path, place: &str, row: &str) -> Result<(), Error> {
    let mut all = login::origins(store);
    let Some(origins) = all.get_mut(place) else { return Ok(()) };
    if origins.remove(row).is_none() {
        return Ok(());
    }
    if origins.is_empty() {
        all.remove(place);
    }
    login::write_origins(store, &all)
}
