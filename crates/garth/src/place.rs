//! Where the user stands: working directory, workspace, home, git directories.

use crate::Error;
use garth_policy::{AbsPath, Context};

/// What the user's place means for a policy.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// For the policy.
    pub context: Context,
    /// The working directory, without links.
    pub directory: AbsPath,
    /// The working directory as the user's shell calls it, if that differs.
    pub logical: Option<AbsPath>,
    /// Things the user should know (a git directory that was not granted, for example).
    pub notices: Vec<String>,
}

/// Finds out where the user stands. `workspace` overrides the search for it.
///
/// # Errors
/// [`Error::Workspace`] when the workspace would be a whole home, a system directory or the root.
#[cfg(any(target_os = "linux", target_os = "macos"))]
pub fn surroundings(
    workspace: Option<&AbsPath>,
    environment: &[(Vec<u8>, Vec<u8>)],
) -> Result<Surroundings, Error> {
    posix::surroundings(workspace, environment)
}

/// Finds out where the user stands. `workspace` overrides the search for it.
///
/// # Errors
/// [`Error::Workspace`] when the workspace would be a whole home, a directory of the system or a drive.
#[cfg(windows)]
pub fn surroundings(
    workspace: Option<&AbsPath>,
    environment: &[(Vec<u8>, Vec<u8>)],
) -> Result<Surroundings, Error> {
    crate::windows::place::surroundings(workspace, environment)
}

/// Finds out where the user stands.
///
/// # Errors
/// Always: garth does not know where policies and homes are on this system.
#[cfg(not(any(target_os = "linux", target_os = "macos", windows)))]
pub fn surroundings(
    _workspace: Option<&AbsPath>,
    _environment: &[(Vec<u8>, Vec<u8>)],
) -> Result<Surroundings, Error> {
    Err(Error::Plan(garth_plan::linux::PlanError {
        what: "garth does not work on this system yet".into(),
        why: "it knows Linux, Windows and macOS".into(),
        hint: "see docs/platforms.md".into(),
    }))
}

/// A path of which the last name need not exist yet, with the links on the way to that name followed.
#[cfg(target_os = "linux")]
pub(crate) fn followed(path: &AbsPath) -> AbsPath {
    let mut missing = Vec::new();
    let mut here = path.clone();
    while let Some((parent, name)) = here.parent().zip(here.file_name().map(<[u8]>::to_vec)) {
        missing.push(name);
        if let Some(real) = final_path(&parent) {
            let joined = missing.iter().rev().try_fold(real, |way, name| way.join(name));
            return joined.unwrap_or_else(|_| path.clone());
        }
        here = parent;
    }
    path.clone()
}

/// The path of what a name leads to, which is opened and asked. `None` where nothing is there, or it cannot be looked at.
#[must_use]
pub fn final_path(path: &AbsPath) -> Option<AbsPath> {
    #[cfg(target_os = "linux")]
    return garth_host::linux::facts::look(path).map(|found| found.final_path);
    #[cfg(target_os = "macos")]
    return garth_host::files::look(path).map(|found| found.final_path);
    #[cfg(windows)]
    return garth_host::windows::facts::look(path).object().map(|found| found.final_path.clone());
    #[cfg(not(any(target_os = "linux", target_os = "macos", windows)))]
    return Some(path.clone());
}

#[cfg(any(target_os = "linux", target_os = "macos"))]
mod posix {
    use super::{AbsPath, Context, Error, Surroundings};
    #[cfg(target_os = "macos")]
    use garth_host::files::look;
    use garth_host::files::{entered_without_rights, read_text};
    #[cfg(target_os = "linux")]
    use garth_host::linux::facts::look;
    use garth_plan::git::{BackPointers, link, pointer_target};
    use garth_policy::{NodeKind, Os};

    /// The system that garth runs on.
    const OS: Os = if cfg!(target_os = "macos") { Os::MacOs } else { Os::Linux };

    /// Directories that are never a workspace, beside the home and whatever holds it.
    #[cfg(target_os = "macos")]
    const SYSTEM: [&str; 21] = [
        "/",
        "/Applications",
        "/Library",
        "/Network",
        "/System",
        "/Users",
        "/Volumes",
        "/bin",
        "/cores",
        "/dev",
        "/etc",
        "/home",
        "/opt",
        "/private",
        "/private/etc",
        "/private/tmp",
        "/private/var",
        "/sbin",
        "/tmp",
        "/usr",
        "/var",
    ];

    /// Directories that are never a workspace, beside the home and whatever holds it.
    #[cfg(target_os = "linux")]
    const SYSTEM: [&str; 18] = [
        "/", "/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/lib64", "/opt", "/proc", "/root", "/run",
        "/sbin", "/sys", "/tmp", "/usr", "/var", "/var/tmp",
    ];

    pub(super) fn surroundings(
        workspace: Option<&AbsPath>,
        environment: &[(Vec<u8>, Vec<u8>)],
    ) -> Result<Surroundings, Error> {
        let variable = |name: &str| {
            let found = environment.iter().find(|(known, _)| known == name.as_bytes());
            found.and_then(|(_, value)| AbsPath::posix(value.clone()).ok())
        };
        let directory = final_path(&working_directory()?)?;
        let home = variable("HOME").and_then(|home| final_path(&home).ok());
        let home = home.ok_or_else(|| Error::Workspace {
            what: "cannot find your home directory".into(),
            why: "HOME is not set, or names no directory".into(),
            hint: "set HOME to your home directory".into(),
        })?;
        let root = match workspace {
            Some(named) => final_path(named)?,
            None => repository_above(&directory, &home).unwrap_or_else(|| directory.clone()),
        };
        refuse_dangerous(&root, &home)?;
        refuse_outside(&directory, &root)?;
        let mut notices = Vec::new();
        let git_dirs = git_dirs(&root, &mut notices);
        let logical = variable("PWD").filter(|logical| {
            *logical != directory && final_path(logical).is_ok_and(|real| real == directory)
        });
        let context = Context {
            os: OS,
            workspace: root,
            tmp: path("/tmp")?,
            git_dirs,
            path_dirs: path_dirs(environment, &home),
            env_dirs: env_dirs(environment),
            home,
        };
        Ok(Surroundings { context, directory, logical, notices })
    }

    /// The working directory, by a name that leads to it whatever it is called.
    #[cfg(target_os = "linux")]
    fn working_directory() -> Result<AbsPath, Error> {
        path("/proc/self/cwd")
    }

    #[cfg(target_os = "macos")]
    fn working_directory() -> Result<AbsPath, Error> {
        use std::os::unix::ffi::OsStringExt;
        let here = std::env::current_dir().ok();
        let here = here.and_then(|here| AbsPath::posix(here.into_os_string().into_vec()).ok());
        here.ok_or_else(|| Error::Workspace {
            what: "cannot use the working directory".into(),
            why: "it has no name that you may see".into(),
            hint: "change into an existing directory".into(),
        })
    }

    fn path(text: &str) -> Result<AbsPath, Error> {
        AbsPath::posix(text.as_bytes()).map_err(|error| Error::Policy(error.to_string()))
    }

    fn final_path(path: &AbsPath) -> Result<AbsPath, Error> {
        let found = look(path);
        let why = match &found {
            Some(object) if object.final_kind == NodeKind::File => {
                "it is a file, and a workspace is a directory"
            }
            _ => "there is no directory of that name that you may enter",
        };
        let found = found.filter(|object| object.final_kind == NodeKind::Directory);
        found.map(|object| object.final_path).ok_or_else(|| Error::Workspace {
            what: format!("cannot use {path}"),
            why: why.into(),
            hint: "name an existing directory".into(),
        })
    }

    /// The working tree that the directory is part of. A repository in the home itself (dotfiles) or above
    /// it is not taken for the workspace.
    fn repository_above(directory: &AbsPath, home: &AbsPath) -> Option<AbsPath> {
        let mut next = Some(directory.clone());
        while let Some(here) = next {
            if home.starts_with(&here) || is_system(&here) {
                return None;
            }
            if here.join(b".git").is_ok_and(|git| look(&git).is_some()) {
                return Some(here);
            }
            next = here.parent();
        }
        None
    }

    fn is_system(path: &AbsPath) -> bool {
        SYSTEM.iter().any(|name| path.as_bytes() == name.as_bytes())
    }

    fn refuse_dangerous(root: &AbsPath, home: &AbsPath) -> Result<(), Error> {
        if !home.starts_with(root) && !is_system(root) && !root.as_bytes().starts_with(b"/proc/") {
            return Ok(());
        }
        Err(Error::Workspace {
            what: format!("{root} cannot be a workspace"),
            why: "everything in it would be writable from inside, and it holds more than one project".into(),
            hint: "change into a project, or name one: garth run --workspace DIR -- ...".into(),
        })
    }

    fn refuse_outside(directory: &AbsPath, root: &AbsPath) -> Result<(), Error> {
        if directory.starts_with(root) {
            return Ok(());
        }
        Err(Error::Workspace {
            what: format!("the working directory {directory} is outside the workspace"),
            why: format!("the sandbox would not contain it; the workspace is {root}"),
            hint: "change into the workspace first".into(),
        })
    }

    /// The real git directories of a linked worktree or submodule. They are granted only when they point
    /// back: a pointer alone is text that a repository brought along.
    fn git_dirs(root: &AbsPath, notices: &mut Vec<String>) -> Vec<AbsPath> {
        let Ok(pointer_path) = root.join(b".git") else { return Vec::new() };
        let pointer = look(&pointer_path).filter(|object| object.kind == NodeKind::File);
        let Some(text) = pointer.and_then(|_| read_text(&pointer_path).ok().flatten()) else {
            return Vec::new();
        };
        match granted(root, &text) {
            Ok(dirs) => dirs,
            Err(why) => {
                notices.push(format!("{pointer_path} names a git directory that is not granted: {why}"));
                Vec::new()
            }
        }
    }

    fn granted(root: &AbsPath, pointer: &[u8]) -> Result<Vec<AbsPath>, String> {
        let target = pointer_target(root.as_bytes(), pointer).map_err(|refusal| refusal.reason)?;
        let target = AbsPath::posix(target).map_err(|error| error.to_string())?;
        let real = final_path(&target).map_err(|error| error.to_string())?;
        let read =
            |name: &str| real.join(name.as_bytes()).ok().and_then(|path| read_text(&path).ok().flatten());
        let (head, gitdir, commondir) = (read("HEAD"), read("gitdir"), read("commondir"));
        let (config, config_worktree) = (read("config"), read("config.worktree"));
        let back = BackPointers {
            git_dir: real.as_bytes(),
            head: head.as_deref(),
            gitdir: gitdir.as_deref(),
            commondir: commondir.as_deref(),
            config: config.as_deref(),
            config_worktree: config_worktree.as_deref(),
        };
        let dirs = link(root.as_bytes(), pointer, &back).map_err(|refusal| refusal.reason)?;
        let mut found = vec![real];
        let common = AbsPath::posix(dirs.common_dir).map_err(|error| error.to_string())?;
        if !found.contains(&common) {
            found.push(final_path(&common).map_err(|error| error.to_string())?);
        }
        Ok(found)
    }

    /// Where PATH entries are part of the system and visible anyway.
    const SYSTEM_PROGRAMS: [&str; 6] = ["/usr/", "/bin", "/sbin", "/opt/", "/nix/", "/snap/"];

    /// PATH entries that are not part of the system: the user's own toolchains, read-only inside.
    fn path_dirs(environment: &[(Vec<u8>, Vec<u8>)], home: &AbsPath) -> Vec<AbsPath> {
        let path = environment.iter().find(|(name, _)| name == b"PATH");
        let entries = path.map(|(_, value)| value.split(|byte| *byte == b':')).into_iter().flatten();
        let mut found: Vec<AbsPath> = Vec::new();
        for entry in entries {
            let Ok(entry) = AbsPath::posix(entry) else { continue };
            let known = SYSTEM_PROGRAMS.iter().any(|system| entry.as_bytes().starts_with(system.as_bytes()));
            if known || entry == *home || found.contains(&entry) {
                continue;
            }
            // A directory that does not exist, or leads elsewhere, grants nothing. Nor does one that root gets to by its
            // rights alone (behind the closed home of another user): inside it has none of them.
            if final_path(&entry).is_ok_and(|real| real == entry) && entered_without_rights(&entry) {
                found.push(entry);
            }
        }
        found
    }

    fn env_dirs(environment: &[(Vec<u8>, Vec<u8>)]) -> Vec<(String, AbsPath)> {
        const NAMES: [&str; 8] = [
            "CARGO_HOME",
            "RUSTUP_HOME",
            "PYENV_ROOT",
            "NVM_DIR",
            "GOPATH",
            "GOROOT",
            "JAVA_HOME",
            "VOLTA_HOME",
        ];
        let named = |(name, value): &(Vec<u8>, Vec<u8>)| {
            let name = std::str::from_utf8(name).ok().filter(|name| NAMES.contains(name))?;
            Some((name.to_owned(), AbsPath::posix(value.clone()).ok()?))
        };
        environment.iter().filter_map(named).collect()
    }
}
