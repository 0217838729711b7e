//! Directories of the system and of the user, from where the system keeps them: the registry and the user's token.
//!
//! `SHGetKnownFolderPath` reads the same, but the libraries of the shell take longer to load than all of a plan to make. So it is
//! only asked where the registry says nothing, or something that is not understood, or where no such directory is there.

use super::error::{Error, Result};
use super::facts::{path, text};
use super::sys::registry::{self, Hive};
use super::sys::token::Token;
use super::sys::{folders, system};
use garth_plan::windows::facts::Directories;
use garth_policy::AbsPath;
use std::sync::OnceLock;
use windows_sys::core::GUID;

/// `ProfilesDirectory`, `ProgramData`, and below it each profile by its user's SID ("User profiles", "ProfileImagePath"). Only
/// administrators write here.
const PROFILES: &str = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList";
/// `ProgramFilesDir` and its like. Only administrators write here.
const PROGRAMS: &str = r"SOFTWARE\Microsoft\Windows\CurrentVersion";
/// Where the shell keeps directories of the user, who may write here; so the shell itself says no more than this.
const OF_USER: &str = r"Software\Microsoft\Windows\CurrentVersion\Explorer\User Shell Folders";

/// Directories of the system and of the user. They are asked for once, since each question costs the system many of its own, and
/// all of a start has to mean the same ones.
///
/// # Errors
/// When one is not known, or has a name that no policy can speak of.
pub fn directories() -> Result<Directories> {
    static KNOWN: OnceLock<Directories> = OnceLock::new();
    if let Some(known) = KNOWN.get() {
        return Ok(known.clone());
    }
    let found = Registry::read().completed()?;
    Ok(KNOWN.get_or_init(|| found).clone())
}

/// What the registry says, as far as it is understood.
#[derive(Debug, Default)]
struct Registry {
    windows: Option<String>,
    programs: Option<String>,
    programs_x86: Option<String>,
    program_data: Option<String>,
    profiles: Option<String>,
    profile: Option<String>,
    local: Option<String>,
}

impl Registry {
    fn read() -> Self {
        let windows = system::directory();
        let machine = |key: &str, value: &str| {
            let found = registry::unexpanded(Hive::Machine, key, value)?;
            expanded(
                &found,
                &[("SystemRoot", windows.as_deref()), ("SystemDrive", drive(windows.as_deref()))],
            )
        };
        let own = Token::own().and_then(|token| token.user()).ok();
        let profile = own.and_then(|(user, _)| machine(&format!(r"{PROFILES}\{user}"), "ProfileImagePath"));
        let local = registry::unexpanded(Hive::User, OF_USER, "Local AppData");
        Self {
            programs: machine(PROGRAMS, "ProgramFilesDir"),
            programs_x86: machine(PROGRAMS, "ProgramFilesDir (x86)"),
            program_data: machine(PROFILES, "ProgramData"),
            profiles: machine(PROFILES, "ProfilesDirectory"),
            local: local.and_then(|local| expanded(&local, &[("USERPROFILE", profile.as_deref())])),
            profile,
            windows,
        }
    }

    /// All of them: for what is not known, or not there, the shell is asked.
    fn completed(self) -> Result<Directories> {
        let ask = |found: Option<String>, folder: &GUID, name: &str| match found.and_then(there) {
            Some(found) => Ok(found),
            None => path(folders::known(folder, name)?),
        };
        // A 32-bit Windows has no second directory of programs.
        let x86 = ask(self.programs_x86, &folders::FOLDERID_ProgramFilesX86, "Program Files (x86)").ok();
        let mut program_files = vec![ask(self.programs, &folders::FOLDERID_ProgramFiles, "Program Files")?];
        program_files.extend(x86.filter(|x86| !program_files.contains(x86)));
        Ok(Directories {
            windows: ask(self.windows, &folders::FOLDERID_Windows, "Windows")?,
            program_files,
            program_data: ask(self.program_data, &folders::FOLDERID_ProgramData, "ProgramData")?,
            profiles: ask(self.profiles, &folders::FOLDERID_UserProfiles, "Users")?,
            profile: ask(self.profile, &folders::FOLDERID_Profile, "Profile")?,
            local_app_data: ask(self.local, &folders::FOLDERID_LocalAppData, "LocalAppData")?,
            synchronised: synchronised(),
            garth: own()?,
        })
    }
}

/// A path of a directory that is there, as the shell tells of no other.
fn there(found: String) -> Option<AbsPath> {
    let found = path(found).ok()?;
    system::is_directory(&found.to_string()).then_some(found)
}

/// A text of the registry with these variables in place. `None` where it has others: what the environment says of them is the
/// caller's, and not the system's.
fn expanded(text: &str, known: &[(&str, Option<&str>)]) -> Option<String> {
    let mut done = String::new();
    let mut parts = text.split('%');
    done.push_str(parts.next()?);
    while let Some(name) = parts.next() {
        let value = known.iter().find(|(known, _)| known.eq_ignore_ascii_case(name))?.1?;
        done.push_str(value);
        done.push_str(parts.next()?);
    }
    Some(done)
}

/// The drive of a path: `C:`.
fn drive(path: Option<&str>) -> Option<&str> {
    path.and_then(|path| path.get(..2)).filter(|drive| drive.ends_with(':'))
}

/// Roots that a client keeps in step with a store elsewhere.
fn synchronised() -> Vec<AbsPath> {
    let names = ["OneDrive", "OneDriveCommercial", "OneDriveConsumer"];
    let mut roots: Vec<AbsPath> = Vec::new();
    for root in names.iter().filter_map(|name| std::env::var(name).ok()) {
        roots.extend(AbsPath::windows(&root).ok().filter(|root| !roots.contains(root)));
    }
    roots
}

/// Where garth's own programs stand.
fn own() -> Result<AbsPath> {
    let own = std::env::current_exe().map_err(|error| Error::value("garth's own path", error.to_string()))?;
    let own = path(text(own.into_os_string())?)?;
    own.parent().ok_or_else(|| Error::value("garth's own path", "it has no directory"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_registry_says_what_the_shell_says() {
        let (quick, slow) = (Registry::read().completed().unwrap(), Registry::default().completed().unwrap());
        assert_eq!(format!("{quick:?}").to_lowercase(), format!("{slow:?}").to_lowercase());
    }

    #[test]
    fn only_variables_of_the_system_are_put_in() {
        let known = [("SystemDrive", Some("C:")), ("USERPROFILE", Some(r"C:\Users\u")), ("Gone", None)];
        let of = |text: &str| expanded(text, &known);
        assert_eq!(of(r"%SYSTEMDRIVE%\x").as_deref(), Some(r"C:\x"));
        assert_eq!(of(r"%UserProfile%\AppData\Local").as_deref(), Some(r"C:\Users\u\AppData\Local"));
        assert_eq!(of(r"D:\plain").as_deref(), Some(r"D:\plain"));
        for strange in ["%TEMP%", "%Gone%", "C:\\%", "%SystemDrive", "%%"] {
            assert_eq!(of(strange), None, "{strange}");
        }
        assert_eq!(
            (drive(Some(r"D:\Windows")), drive(Some(r"\\s\w")), drive(None)),
            (Some("D:"), None, None)
        );
    }

    #[test]
    fn what_is_no_directory_is_not_believed() {
        let kept = tempfile::tempdir().unwrap();
        let at = |name: &str| kept.path().join(name).to_str().unwrap().to_owned();
        std::fs::write(kept.path().join("file"), "x").unwrap();
        assert!(there(kept.path().to_str().unwrap().to_owned()).is_some());
        for strange in [at("file"), at("none"), "relative".to_owned(), String::new()] {
            assert_eq!(there(strange.clone()), None, "{strange}");
        }
    }
}
