//! From options to what the library is asked.

use crate::arguments::SandboxArguments;
use crate::failure::Failure;
use garth::policy::{AbsPath, Access, Flag, Setting, escape_visible};
#[cfg(unix)]
use garth::{literal, policy::escape_lossless};
use std::ffi::{OsStr, OsString};
use std::path::Path;

/// The caller's environment, as the library takes it. Windows knows variables that are no Unicode; nothing is made of them.
pub fn environment() -> Vec<(Vec<u8>, Vec<u8>)> {
    let bytes = |text: OsString| {
        let is_whole = !cfg!(windows) || text.to_str().is_some();
        is_whole.then(|| text.into_encoded_bytes())
    };
    std::env::vars_os().filter_map(|(name, value)| Some((bytes(name)?, bytes(value)?))).collect()
}

/// What the library is asked for these options and this command, and how much it is to say.
#[cfg(target_os = "linux")]
pub fn request(
    sandbox: &SandboxArguments,
    command: &[OsString],
    report: garth::plan::linux::Report,
) -> Result<garth::Request, Failure> {
    Ok(garth::Request {
        arguments: command.iter().map(|word| word.as_encoded_bytes().to_vec()).collect(),
        workspace: sandbox.workspace.as_deref().map(absolute).transpose()?,
        policy: sandbox.policy.as_deref().map(absolute).transpose()?,
        flags: flags(sandbox)?,
        environment: environment(),
        terminal: !sandbox.no_terminal,
        without_namespaces: false,
        without_redirect: false,
        report,
        approver: None,
        recording: garth::Recording::none(),
        changes: garth::Changes::InPlace,
        observe: false,
    })
}

/// The options as a layer of the policy.
pub fn flags(sandbox: &SandboxArguments) -> Result<Vec<Flag>, Failure> {
    flags_with(sandbox, &pattern)
}

/// The same, where `pattern` gives a typed path the spelling of a policy file.
pub fn flags_with(
    sandbox: &SandboxArguments,
    pattern: &dyn Fn(&OsStr) -> Result<String, Failure>,
) -> Result<Vec<Flag>, Failure> {
    let mut flags = Vec::new();
    if let Some(profile) = sandbox.profile {
        let typed = format!("--profile {}", profile.name());
        flags.push(Flag { typed, setting: Setting::Profile(profile) });
    }
    let grants = [
        ("--read", &sandbox.read, Access::Read),
        ("--write", &sandbox.write, Access::Write),
        ("--deny", &sandbox.deny, Access::Deny),
    ];
    for (option, paths, access) in grants {
        for path in paths {
            let typed = format!("{option} {}", escape_visible(path.as_encoded_bytes()));
            flags.push(Flag { typed, setting: Setting::File(pattern(path.as_ref())?, access) });
        }
    }
    for host in &sandbox.allow {
        let typed = format!("--allow {}", escape_visible(host.as_encoded_bytes()));
        // What is no text is no host: the policy says so, with the option as the place.
        let text = host.to_string_lossy().into_owned();
        flags.push(Flag { typed, setting: Setting::Domain(text, true) });
    }
    if let Some(agent) = &sandbox.agent {
        let typed = format!("--agent {}", escape_visible(agent.as_bytes()));
        flags.push(Flag { typed, setting: Setting::Agent(agent.clone()) });
    }
    for gap in sandbox.accept.iter().filter(|gap| !gap.is_empty()) {
        crate::gaps::known(gap)?;
        let typed = format!("--accept {}", escape_visible(gap.as_bytes()));
        flags.push(Flag { typed, setting: Setting::Accept(gap.clone()) });
    }
    Ok(flags)
}

/// A path as typed, in the spelling of a policy file: relative to the working directory, not the workspace; a
/// name that exists is itself, whatever letters it has; only what does not exist is taken for a pattern.
#[cfg(unix)]
fn pattern(typed: &OsStr) -> Result<String, Failure> {
    let bytes = typed.as_encoded_bytes();
    if bytes.starts_with(b":") || bytes == b"~" || bytes.starts_with(b"~/") {
        return Ok(escape_lossless(bytes));
    }
    let has_pattern = bytes.iter().any(|byte| b"*?[{".contains(byte));
    if has_pattern && Path::new(typed).symlink_metadata().is_err() {
        let directory = working_directory()?;
        let directory = literal(directory.as_bytes());
        let text = escape_lossless(bytes);
        return Ok(if bytes.starts_with(b"/") { text } else { format!("{directory}/{text}") });
    }
    Ok(literal(absolute(typed)?.as_bytes()))
}

/// As on other systems. There is no escape in such a text, because the backslash stands between names; a class of one
/// letter takes its place.
#[cfg(windows)]
fn pattern(typed: &OsStr) -> Result<String, Failure> {
    let text = typed.to_str().ok_or_else(|| bad(typed, "it is no Unicode"))?;
    if text.starts_with(':') || text == "~" || text.starts_with("~/") || text.starts_with("~\\") {
        return Ok(text.to_owned());
    }
    if text.contains(['*', '?', '[', '{']) && Path::new(typed).symlink_metadata().is_err() {
        let whole = std::path::absolute(typed).map_err(|error| bad(typed, error))?;
        return whole.into_os_string().into_string().map_err(|_| bad(typed, "it is no Unicode"));
    }
    let path = absolute(typed)?;
    let text = String::from_utf8_lossy(path.as_bytes()).into_owned();
    Ok(text.replace('[', "[[]").replace('{', "[{]"))
}

/// The path from the root; `..` steps up by name, as `cd` of a shell does.
#[cfg(unix)]
pub fn absolute(typed: &OsStr) -> Result<AbsPath, Failure> {
    let bytes = typed.as_encoded_bytes();
    let base = if bytes.starts_with(b"/") {
        AbsPath::posix("/").map_err(|error| bad(typed, error))
    } else {
        working_directory()
    };
    if bytes.is_empty() {
        return Err(bad(typed, "it is empty"));
    }
    base?.resolve(bytes).map_err(|error| bad(typed, error))
}

/// The path with its drive. The system resolves the text alone, by its rules for drives, `.`, `..` and both slashes.
#[cfg(windows)]
pub fn absolute(typed: &OsStr) -> Result<AbsPath, Failure> {
    let whole = std::path::absolute(typed).map_err(|error| bad(typed, error))?;
    from_system(whole.as_os_str()).map_err(|why| bad(typed, why))
}

fn bad(typed: &OsStr, why: impl std::fmt::Display) -> Failure {
    let name = escape_visible(typed.as_encoded_bytes());
    Failure::new(
        120,
        format!("`{name}` is no path"),
        why,
        "write an absolute path, or one relative to the working directory",
    )
}

fn working_directory() -> Result<AbsPath, Failure> {
    let directory =
        std::env::current_dir().map_err(|error| Failure::file("find", "the working directory", &error))?;
    from_system(directory.as_os_str())
        .map_err(|why| Failure::own("cannot use the working directory", why, "change into another directory"))
}

/// An absolute path of this system.
pub fn from_system(name: &OsStr) -> Result<AbsPath, String> {
    let path = if cfg!(windows) {
        AbsPath::windows(name.to_str().ok_or("it is no Unicode")?)
    } else {
        AbsPath::posix(name.as_encoded_bytes())
    };
    path.map_err(|error| error.to_string())
}

/// The final path of what a name leads to, of its directory where the name does not exist yet: the object is
/// opened and asked, so no link on the way deceives.
pub fn final_path(path: &AbsPath) -> Option<AbsPath> {
    if let Some(found) = opened(path) {
        return Some(found);
    }
    let (parent, name) = (path.parent()?, path.file_name()?);
    final_path(&parent)?.join(name).ok()
}

/// `O_PATH` of `open(2)`, the same number on every architecture that garth knows.
#[cfg(target_os = "linux")]
const O_PATH: i32 = 0o10_000_000;

#[cfg(target_os = "linux")]
fn opened(path: &AbsPath) -> Option<AbsPath> {
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::OpenOptionsExt;
    let name = garth::files::os_path(path);
    let file = std::fs::OpenOptions::new().read(true).custom_flags(O_PATH).open(name).ok()?;
    let link = std::fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd())).ok()?;
    AbsPath::posix(link.into_os_string().into_encoded_bytes()).ok()
}

#[cfg(not(target_os = "linux"))]
fn opened(path: &AbsPath) -> Option<AbsPath> {
    garth::final_path(path)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::ffi::{OsStrExt, OsStringExt};

    #[test]
    fn existing_names_are_no_patterns() {
        assert_eq!(literal(b"/a/[b]*"), "/a/\\x5bb]\\x2a");
        assert_eq!(pattern(OsStr::new("/no/such/*.env")).unwrap(), "/no/such/*.env");
        assert_eq!(pattern(OsStr::new("~/data")).unwrap(), "~/data");
        assert_eq!(pattern(OsStr::new("/usr/../usr/bin")).unwrap(), "/usr/bin");
        assert_eq!(pattern(OsStr::from_bytes(b"/a\xff")).unwrap(), "/a\\xff");
    }

    #[test]
    fn a_missing_name_has_the_final_path_of_its_directory() {
        let path = AbsPath::posix("/proc/self/cwd/no-such-name").unwrap();
        let directory = std::env::current_dir().unwrap().into_os_string().into_vec();
        let expected = AbsPath::posix(directory).unwrap().join(b"no-such-name").unwrap();
        assert_eq!(final_path(&path), Some(expected));
    }
}
