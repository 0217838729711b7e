//! Preparing a machine once: what is there, and where it is written down what was changed.

use super::error::{Error, Result};
use super::facts::{directories, look, name, prepared, volume};
use super::journal::Journal;
use super::sys::file::{Links, Node, Wanted};
use super::sys::token::Token;
use garth_plan::windows::SecurityDescriptor;
use garth_plan::windows::author::stranger;
use garth_plan::windows::facts::{Directories, PathFact, Prepared, Volume};
use garth_plan::windows::setup::{Recorded, Step, Wishes, is_ours, plan, questions};
use garth_policy::AbsPath;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The directory below that of all programs' data. It is no part of `garth`'s own there, which may be anybody's.
const DIRECTORY: &[u8] = b"garth-setup";

/// Administrators write; others read.
const PROTECTION: &str = "O:BAG:BAD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;0x1200a9;;;BU)";

/// `ERROR_ALREADY_EXISTS`
const EXISTS: i32 = 183;

/// What was found of a machine.
#[derive(Clone, Debug)]
pub struct Machine {
    /// This process may change it.
    pub elevated: bool,
    /// Directories of the system and of the user.
    pub directories: Directories,
    paths: BTreeMap<AbsPath, PathFact>,
    volumes: Vec<Volume>,
    prepared: Prepared,
}

impl Machine {
    /// Looks at what the wishes are about; nothing is changed by it.
    ///
    /// # Errors
    /// When a directory of the system or the own token cannot be read.
    pub fn look(wishes: impl FnOnce(&Directories) -> Wishes) -> Result<(Self, Wishes)> {
        let directories = directories()?;
        let wishes = wishes(&directories);
        let mut volumes: Vec<Volume> = Vec::new();
        let mut paths = BTreeMap::new();
        for path in questions(&directories, &wishes) {
            if !volumes.iter().any(|known| path.starts_with(&known.root)) {
                volumes.extend(volume(&path));
            }
            let found = look(&path);
            paths.insert(path, found);
        }
        let elevated = Token::own()?.is_elevated()?;
        Ok((Self { elevated, directories, paths, volumes, prepared: prepared() }, wishes))
    }

    /// Every step for these wishes, as the machine stands.
    #[must_use]
    pub fn steps(&self, wishes: &Wishes) -> Vec<Step> {
        let Self { directories, paths, volumes, prepared, .. } = self;
        plan(Recorded { directories, paths, volumes, prepared }, wishes)
    }

    /// Opens the journal of what was prepared here, which only administrators may write.
    ///
    /// # Errors
    /// When it belongs to somebody else: then what it holds is not believed.
    pub fn journal(&self) -> Result<Journal> {
        let path = self.journal_path()?;
        let shown = name(&path)?;
        let security: SecurityDescriptor = PROTECTION
            .parse()
            .map_err(|_| Error::value("the journal", "its protection is not understood"))?;
        let made = match Node::make_directory(&shown, &security, Wanted::Security) {
            Ok(_) => true,
            Err(error) if error.code() == Some(EXISTS) => false,
            Err(error) => return Err(error),
        };
        if let Err(error) = own(&shown) {
            if made {
                // Nothing is in it yet, and nothing is left behind by a refusal.
                let _removed = std::fs::remove_dir(&shown);
            }
            return Err(error);
        }
        Ok(Journal::at(&PathBuf::from(shown)).accepting(is_ours))
    }

    /// The journal of what was prepared here, if anything was.
    ///
    /// # Errors
    /// As of [`Machine::journal`].
    pub fn written_journal(&self) -> Result<Option<Journal>> {
        match look(&self.journal_path()?) {
            PathFact::Absent => Ok(None),
            _ => self.journal().map(Some),
        }
    }

    /// Removes the directory of a journal that holds nothing any more.
    ///
    /// # Errors
    /// When it has no path; one with something in it stays without an error.
    pub fn forget(&self, journal: Journal) -> Result<()> {
        if !journal.left()?.is_empty() {
            return Ok(());
        }
        drop(journal);
        let directory = PathBuf::from(name(&self.journal_path()?)?);
        // Somebody else may prepare the machine at this moment; then it is not empty, and stays.
        let _lock = std::fs::remove_file(directory.join("journal.lock"));
        let _removed = std::fs::remove_dir(&directory);
        Ok(())
    }

    fn journal_path(&self) -> Result<AbsPath> {
        let data = &self.directories.program_data;
        data.join(DIRECTORY).map_err(|error| Error::value(data.to_string(), error.to_string()))
    }
}

/// Refuses a directory that somebody else made, or can change.
fn own(path: &str) -> Result<()> {
    let node = Node::open(path, Wanted::Security, Links::Stay)?;
    let kind = node.kind()?;
    let why = if kind.tag.is_some() || !kind.directory {
        Some("it is no directory, but a link or a file".to_owned())
    } else {
        stranger(&node.security()?, None)
    };
    why.map_or(Ok(()), |why| {
        Err(Error::value(path, format!("{why}; only administrators may; look at it, and remove it")))
    })
}
