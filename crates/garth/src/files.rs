//! Where the policy files are, and reading them.

use crate::Error;
use crate::place::Surroundings;
use garth_host::linux::facts::{Author, read_text, read_trusted};
use garth_policy::{AbsPath, Flag, Inputs, Loaded, Source, TrustStore, load};

/// The administrator's policy.
pub const MANAGED: &str = "/etc/garth/policy.toml";
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

/// The user's files, by the XDG base directories or their defaults.
///
/// # Errors
/// A home that is no path.
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
    let context = &surroundings.context;
    let files = user_files(&context.home, environment)?;
    let managed = AbsPath::posix(MANAGED.as_bytes()).map_err(|error| Error::Policy(error.to_string()))?;
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
        project: source(
            &project_path,
            read_text(&project_path).map_err(Error::os("read the project's policy"))?,
        )?,
        flags: flags.to_vec(),
    };
    load(&inputs, &trust(&files)?).map_err(|found| Error::Policy(found.render(false)))
}

fn source(path: &AbsPath, text: Option<Vec<u8>>) -> Result<Option<Source>, Error> {
    let Some(bytes) = text else { return Ok(None) };
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Error::Policy(format!("{path} is no UTF-8 text at byte {at}\nhint: save it as UTF-8"))
    })?;
    Ok(Some(Source { name: path.to_string(), text }))
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
