//! Whose directories and which packages are meant.

use super::drive_of;
use crate::windows::facts::{Directories, HostFacts, VolumeKind};
use crate::windows::known;
use crate::windows::quote::{QuoteError, for_c_runtime};
use crate::windows::sid::Sid;
use core::fmt;
use garth_policy::AbsPath;

/// What the list is made for, beside what is the same on every machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wishes {
    /// Profiles of users who run garth.
    pub profiles: Vec<AbsPath>,
    /// Roots of drives with workspaces, beside the system's.
    pub drives: Vec<AbsPath>,
    /// Packages of workspaces for which the canary said that the loopback is refused.
    pub packages: Vec<Sid>,
}

/// Something that is not on the closed list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadWish {
    /// What was named.
    pub what: String,
    /// Why it is refused.
    pub why: String,
    /// What helps.
    pub hint: &'static str,
}

impl fmt::Display for BadWish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is not prepared: {}", self.what, self.why)
    }
}

impl core::error::Error for BadWish {}

/// How many numbers the SID of one package has: the kind, and a digest of its name.
const PACKAGE_NUMBERS: usize = 8;

impl Wishes {
    /// What the recorded user needs for the recorded workspace.
    #[must_use]
    pub fn of(facts: &HostFacts) -> Self {
        let Directories { profile, profiles, windows, .. } = &facts.directories;
        let drive = drive_of(&facts.context.workspace);
        let volume = facts.volume(&facts.context.workspace);
        let fixed = volume.is_some_and(|volume| volume.kind == VolumeKind::Fixed && volume.acls);
        Self {
            profiles: is_profile(profile, profiles).then(|| profile.clone()).into_iter().collect(),
            drives: (fixed && drive != drive_of(windows)).then_some(drive).into_iter().collect(),
            packages: Vec::new(),
        }
    }

    /// Refuses what is not on the closed list: an elevated program must not put entries where its caller says.
    ///
    /// # Errors
    /// [`BadWish`] for the first that is not a profile, the root of a drive, or one package.
    pub fn check(&self, directories: &Directories) -> Result<(), BadWish> {
        let bad = |what: &dyn fmt::Display, why: &str, hint| BadWish {
            what: what.to_string(),
            why: why.to_owned(),
            hint,
        };
        for profile in &self.profiles {
            if !is_profile(profile, &directories.profiles) {
                let why = format!("it is no directory right below {}", directories.profiles);
                return Err(bad(profile, &why, "name the root of a profile"));
            }
        }
        for drive in &self.drives {
            if drive.parent().is_some() || !is_lettered(drive) {
                return Err(bad(drive, "it is not the root of a drive", r"name a drive, such as D:\"));
            }
        }
        for package in &self.packages {
            if !is_one_package(package) {
                let hint = "name the package that garth said: S-1-15-2- and seven numbers";
                return Err(bad(&known::described(package), "it is not the SID of one package", hint));
            }
        }
        Ok(())
    }

    /// The options by which the program gets the same wishes.
    #[must_use]
    pub fn options(&self) -> Vec<String> {
        // As it is, not as it is shown to people.
        let text = |path: &AbsPath| String::from_utf8_lossy(path.as_bytes()).into_owned();
        let profiles = self.profiles.iter().flat_map(|path| ["--profile".to_owned(), text(path)]);
        let drives = self.drives.iter().flat_map(|path| ["--drive".to_owned(), text(path)]);
        let packages = self.packages.iter().flat_map(|sid| ["--loopback".to_owned(), sid.to_string()]);
        profiles.chain(drives).chain(packages).collect()
    }

    /// The command line that applies them, asking for elevation.
    ///
    /// # Errors
    /// What no command line holds.
    pub fn command(&self) -> Result<String, QuoteError> {
        let words = [super::PROGRAM, "apply", "--elevate"].map(str::to_owned);
        let line = for_c_runtime(&[words.to_vec(), self.options()].concat())?;
        // To PowerShell a name in quotes in front is a text and no command.
        Ok(line.replacen(&format!("\"{}\"", super::PROGRAM), super::PROGRAM, 1))
    }
}

fn is_profile(path: &AbsPath, profiles: &AbsPath) -> bool {
    path.parent().as_ref() == Some(profiles)
}

fn is_lettered(path: &AbsPath) -> bool {
    matches!(path.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic())
}

pub(super) fn is_one_package(sid: &Sid) -> bool {
    sid.is_below(&known::PACKAGES) && sid.sub_authorities().len() == PACKAGE_NUMBERS
}
