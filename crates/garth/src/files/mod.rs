//! Where the policy files are, and reading them.

mod replace;

pub use replace::{os_path, replace};
pub(crate) use replace::{user_policy, write_user_policy};

use crate::Error;
use crate::place::Surroundings;
use crate::vetting::check_program;
use garth_host::OsError;
use garth_host::files::{Author, read_text, read_trusted};
use garth_policy::{
    AbsPath, Context, Diagnostics, Flag, Inputs, Layer, Loaded, Source, TrustStore, check_with, load_with,
};

/// The project's policy, in its workspace.
pub const PROJECT: &str = "garth.toml";

/// The user's own files.
#[derive(Clone, Debug)]
pub struct UserFiles {
    /// The user's policy.
    pub policy: AbsPath,
    /// Which contents of project policies the user trusts.
    pub trust: AbsPath,
    /// garth's own state.
    pub state: AbsPath,
}

/// The administrator's policy: `/etc/garth/policy.toml`, on Windows `garth\policy.toml` in `%ProgramData%`.
///
/// # Errors
/// Where the system does not say where that is.
pub fn managed_file() -> Result<AbsPath, Error> {
    #[cfg(windows)]
    {
        let data = crate::windows::program_data()?;
        within(data, &["garth", "policy.toml"])
    }
    #[cfg(not(windows))]
    AbsPath::posix("/etc/garth/policy.toml").map_err(|error| Error::Policy(error.to_string()))
}

/// A file below a directory.
#[cfg(windows)]
fn within(directory: AbsPath, names: &[&str]) -> Result<AbsPath, Error> {
    let path = names.iter().try_fold(directory, |path, name| path.join(name.as_bytes()));
    path.map_err(|error| Error::Policy(error.to_string()))
}

/// The user's files, in `%LOCALAPPDATA%\garth`.
///
/// # Errors
/// Where the system does not say where that is.
#[cfg(windows)]
pub fn user_files(_home: &AbsPath, _environment: &[(Vec<u8>, Vec<u8>)]) -> Result<UserFiles, Error> {
    let state = crate::windows::state()?;
    let file = |name: &str| within(state.clone(), &[name]);
    Ok(UserFiles { policy: file("policy.toml")?, trust: file("trust")?, state: state.clone() })
}

/// The user's files, by the XDG base directories or their defaults.
///
/// # Errors
/// A home that is no path.
#[cfg(not(windows))]
pub fn user_files(home: &AbsPath, environment: &[(Vec<u8>, Vec<u8>)]) -> Result<UserFiles, Error> {
    let base = |variable: &str, default: &str| {
        let named = environment.iter().find(|(name, _)| name == variable.as_bytes());
        let named = named.and_then(|(_, value)| AbsPath::posix(value.clone()).ok());
        named.map_or_else(|| home.join(default.as_bytes()), Ok)
    };
    let join = |base: Result<AbsPath, _>, name: &str| {
        base.and_then(|base: AbsPath| base.join(name.as_bytes()))
            .map_err(|error| Error::Policy(error.to_string()))
    };
    let state = join(base("XDG_STATE_HOME", ".local/state"), "garth")?;
    Ok(UserFiles {
        policy: join(base("XDG_CONFIG_HOME", ".config"), "garth/policy.toml")?,
        trust: join(Ok(state.clone()), "trust")?,
        state,
    })
}

/// Reads all layers and resolves them. `file` replaces the user's policy.
///
/// # Errors
/// [`Error::Policy`] with every mistake of every file.
pub fn load_policy(
    surroundings: &Surroundings,
    environment: &[(Vec<u8>, Vec<u8>)],
    file: Option<&AbsPath>,
    flags: &[Flag],
) -> Result<Loaded, Error> {
    let (inputs, trust) = layers(surroundings, environment, file, flags)?;
    load_layers(&inputs, &trust).map_err(|found| Error::Policy(found.render(false)))
}

/// The layers as texts, and which projects are trusted.
pub(crate) fn layers(
    surroundings: &Surroundings,
    environment: &[(Vec<u8>, Vec<u8>)],
    file: Option<&AbsPath>,
    flags: &[Flag],
) -> Result<(Inputs, TrustStore), Error> {
    let context = &surroundings.context;
    let files = user_files(&context.home, environment)?;
    let managed = managed_file()?;
    let user = match file {
        Some(named) => {
            Some(read_trusted(named, Author::User).map_err(Error::os("read your policy"))?.ok_or_else(
                || Error::Policy(format!("there is no policy file {named}\nhint: name an existing file")),
            )?)
        }
        None => read_trusted(&files.policy, Author::User).map_err(Error::os("read your policy"))?,
    };
    let project_path =
        context.workspace.join(PROJECT.as_bytes()).map_err(|error| Error::Policy(error.to_string()))?;
    let inputs = Inputs {
        context: context.clone(),
        managed: source(
            &managed,
            read_trusted(&managed, Author::Administrator).map_err(Error::os("read the managed policy"))?,
        )?,
        user: source(file.unwrap_or(&files.policy), user)?,
        project: source(&project_path, read_text(&project_path).map_err(|error| unread(&error))?)?,
        flags: flags.to_vec(),
    };
    Ok((inputs, trust(&files)?))
}

/// Resolves layers that were read, rows for the table of programs included.
///
/// # Errors
/// Every mistake of every file.
pub fn load_layers(inputs: &Inputs, trust: &TrustStore) -> Result<Loaded, Diagnostics> {
    load_with(inputs, trust, &check_program)
}

/// Checks one file by itself, rows for the table of programs included.
#[must_use]
pub fn check_file(source: &Source, layer: Layer, context: &Context) -> Diagnostics {
    check_with(source, layer, context, &check_program)
}

/// A project's policy that is there and cannot be read is a policy that is not valid: without it more would be allowed.
fn unread(error: &OsError) -> Error {
    let hint = match &error.remedy {
        Some(remedy) => remedy.clone(),
        None => "make it a plain file that you can read, or remove it".into(),
    };
    Error::Policy(format!(
        "{error}\nwithout the project's policy more might be allowed than it says\nhint: {hint}"
    ))
}

fn source(path: &AbsPath, text: Option<Vec<u8>>) -> Result<Option<Source>, Error> {
    let Some(bytes) = text else { return Ok(None) };
    let read = Source::new(path.to_string(), bytes);
    read.map(Some).map_err(|found| Error::Policy(found.render(false)))
}

/// The user's trust store.
///
/// # Errors
/// [`Error::Policy`] for a store that is damaged: nothing in it is believed then.
pub fn trust(files: &UserFiles) -> Result<TrustStore, Error> {
    let text = read_trusted(&files.trust, Author::User).map_err(Error::os("read the trust store"))?;
    let Some(text) = text else { return Ok(TrustStore::empty()) };
    let text = String::from_utf8_lossy(&text);
    TrustStore::parse(&text).map_err(|line| {
        let path = &files.trust;
        Error::Policy(format!(
            "{path}:{line}: not understood\nhint: remove the line, and trust the project again"
        ))
    })
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use garth_policy::{Addition, add};
    use std::fs;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::PermissionsExt;

    fn allow(path: &AbsPath, host: &str) -> Result<(), Error> {
        write_user_policy(path, |text| {
            add(text, &Addition::Domain(host.into())).map_err(|error| Error::Policy(error.to_string()))
        })
    }

    #[test]
    fn a_policy_is_made_and_changed_in_place() {
        let directory = tempfile::tempdir().unwrap();
        let real = directory.path().join("dots/policy.toml");
        let path = AbsPath::posix(real.as_os_str().as_bytes()).unwrap();
        allow(&path, "a.example:443").unwrap();
        let text = fs::read_to_string(&real).unwrap();
        assert!(text.contains("version = 1") && text.contains("\"a.example:443\" = \"allow\""), "{text}");
        assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o600);
        // A comment, permissions and a link stay.
        fs::write(&real, "version = 1 # mine\n[network] # here\nmode = \"allow-list\"\n").unwrap();
        fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
        let link = directory.path().join("link.toml");
        std::os::unix::fs::symlink(&real, &link).unwrap();
        allow(&AbsPath::posix(link.as_os_str().as_bytes()).unwrap(), "b.example:22").unwrap();
        let text = fs::read_to_string(&real).unwrap();
        assert!(text.starts_with("version = 1 # mine\n[network] # here\n"), "{text}");
        assert!(text.contains("b.example:22"), "{text}");
        assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o640);
        assert!(link.symlink_metadata().unwrap().is_symlink());
    }

    #[test]
    fn a_policy_that_others_can_write_is_not_written_either() {
        let directory = tempfile::tempdir().unwrap();
        let real = directory.path().join("policy.toml");
        fs::write(&real, "version = 1\n").unwrap();
        fs::set_permissions(&real, fs::Permissions::from_mode(0o666)).unwrap();
        let path = AbsPath::posix(real.as_os_str().as_bytes()).unwrap();
        let refused = allow(&path, "a.example").unwrap_err().to_string();
        assert!(refused.contains("chmod go-w"), "{refused}");
        assert_eq!(fs::read_to_string(&real).unwrap(), "version = 1\n");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "nothing is left behind");
    }
}
