//! A scratch home and workspace for one test, of one user.

use crate::program::garth;
use crate::run::{Run, Running, finish, start};
use crate::snapshot::{LOGS, Snapshot};
use std::ffi::{OsStr, OsString};
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

/// Longest time for one program inside; far more than any needs on a slow machine.
const LIMIT: Duration = Duration::from_secs(120);

/// Who runs the programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identity {
    /// Whoever runs the tests.
    Current,
    /// User and group 65534 without further groups; for tests that run as root.
    Ordinary,
}

const ORDINARY: u32 = 65534;

impl Identity {
    /// Everybody the tests run as.
    #[must_use]
    pub fn all() -> &'static [Self] {
        if rustix::process::geteuid().is_root() { &[Self::Current, Self::Ordinary] } else { &[Self::Current] }
    }

    /// User and group id of the identity.
    #[must_use]
    pub fn ids(self) -> (u32, u32) {
        match self {
            Self::Current => (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw()),
            Self::Ordinary => (ORDINARY, ORDINARY),
        }
    }
}

/// Runs a test as everybody.
pub fn everyone(test: impl Fn(&Garden)) {
    for identity in Identity::all() {
        eprintln!("as {identity:?}");
        let garden = Garden::new(*identity);
        test(&garden);
        garden.owned();
    }
}

/// A scratch directory with `home`, `work` and a copy of `garth`; gone at the end.
pub struct Garden {
    identity: Identity,
    /// The parent of all that belongs to the test.
    pub scratch: PathBuf,
    /// The scratch home.
    pub home: PathBuf,
    /// The scratch workspace, in which programs start.
    pub work: PathBuf,
    garth: PathBuf,
    variables: Vec<(OsString, OsString)>,
    _kept: TempDir,
}

impl Garden {
    /// A new garden of this user.
    ///
    /// # Panics
    /// When the scratch directory cannot be made.
    #[must_use]
    pub fn new(identity: Identity) -> Self {
        let kept = tempfile::Builder::new()
            .prefix("scratch-")
            .permissions(Permissions::from_mode(0o755))
            .tempdir()
            .expect("a scratch directory");
        let scratch = kept.path().to_path_buf();
        let (home, work, bin) = (scratch.join("home"), scratch.join("work"), scratch.join("bin"));
        for directory in [&home, &work, &bin] {
            fs::create_dir(directory).expect("a scratch directory");
            fs::set_permissions(directory, Permissions::from_mode(0o755)).expect("permissions");
        }
        let program = bin.join("garth");
        install(&garth(), &program);
        let garden =
            Self { identity, scratch, home, work, garth: program, variables: Vec::new(), _kept: kept };
        for directory in [&garden.home, &garden.work] {
            garden.own(directory);
        }
        // Made beforehand, so that it is no change of the home: a session only adds a file to it.
        let mut logs = garden.home.clone();
        for name in LOGS.split('/') {
            logs.push(name);
            fs::create_dir(&logs).expect("a scratch directory");
            fs::set_permissions(&logs, Permissions::from_mode(0o700)).expect("permissions");
            garden.own(&logs);
        }
        garden
    }

    /// Who the garden is for.
    #[must_use]
    pub fn identity(&self) -> Identity {
        self.identity
    }

    /// The copy of `garth`.
    #[must_use]
    pub fn program(&self) -> &Path {
        &self.garth
    }

    /// The same garden with another directory to start programs in.
    #[must_use]
    pub fn at(&self, directory: impl AsRef<Path>) -> View<'_> {
        View { garden: self, directory: self.work.join(directory) }
    }

    /// Sets a variable for everything that follows.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.variables.push((name.into(), value.as_ref().to_owned()));
        self
    }

    /// Gives an object to the user.
    ///
    /// # Panics
    /// When that fails.
    pub fn own(&self, path: &Path) {
        if self.identity != Identity::Current {
            let (uid, gid) = self.identity.ids();
            std::os::unix::fs::lchown(path, Some(uid), Some(gid)).expect("root may give files away");
        }
    }

    /// Writes a file of the workspace (or elsewhere in the scratch directory, by an absolute path) with its
    /// directories.
    ///
    /// # Panics
    /// When that fails.
    pub fn write(&self, path: impl AsRef<Path>, content: impl AsRef<[u8]>) {
        let path = self.work.join(path);
        self.directory(path.parent().expect("a file has a parent"));
        fs::write(&path, content).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        self.own(&path);
    }

    /// Makes a directory and its parents.
    ///
    /// # Panics
    /// When that fails.
    pub fn directory(&self, path: impl AsRef<Path>) {
        let path = self.work.join(path);
        if path.is_dir() {
            return;
        }
        self.directory(path.parent().expect("only the root has no parent"));
        fs::create_dir(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        self.own(&path);
    }

    /// The content of a file of the workspace.
    ///
    /// # Panics
    /// When it cannot be read as text.
    #[must_use]
    pub fn read(&self, path: impl AsRef<Path>) -> String {
        let path = self.work.join(path);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// True if there is something of that name in the workspace.
    #[must_use]
    pub fn has(&self, path: impl AsRef<Path>) -> bool {
        self.work.join(path).symlink_metadata().is_ok()
    }

    /// The permission bits of something in the workspace.
    ///
    /// # Panics
    /// When it is not there.
    #[must_use]
    pub fn mode(&self, path: impl AsRef<Path>) -> u32 {
        let path = self.work.join(path);
        path.symlink_metadata().unwrap_or_else(|error| panic!("{}: {error}", path.display())).mode() & 0o7777
    }

    /// Asserts that everything in the workspace and the home belongs to the user.
    ///
    /// # Panics
    /// When something does not.
    pub fn owned(&self) {
        let (uid, _) = self.identity.ids();
        let toolchains = self.home.join(".rustup");
        for root in [&self.work, &self.home] {
            for path in Snapshot::of(root, &[&toolchains]).paths() {
                let owner = path.symlink_metadata().expect("it was there").uid();
                assert_eq!(owner, uid, "owner of {} as {:?}", path.display(), self.identity);
            }
        }
    }

    /// Runs a program without the sandbox, as the user, in the workspace.
    #[must_use]
    pub fn outside(&self, arguments: &[&str]) -> Run {
        self.at("").outside(arguments)
    }

    /// Runs a shell script without the sandbox.
    #[must_use]
    pub fn prepare(&self, script: &str) -> Run {
        let run = self.outside(&["bash", "-euo", "pipefail", "-c", script]);
        assert!(run.status.success(), "preparation: {run}");
        run
    }

    /// Runs a program in the sandbox, in the workspace.
    #[must_use]
    pub fn inside(&self, arguments: &[&str]) -> Run {
        self.at("").inside(arguments)
    }

    /// Runs a shell script in the sandbox, in the workspace.
    #[must_use]
    pub fn script(&self, script: &str) -> Run {
        self.at("").script(script)
    }
}

/// Copies a program. Another process does it: a child that this one forks meanwhile would inherit the descriptor
/// that writes, and nobody could run the copy until that child is gone.
pub(crate) fn install(from: &Path, to: &Path) {
    let copied = Command::new("install").arg("-m755").arg(from).arg(to).status().expect("install starts");
    assert!(copied.success(), "{} cannot be copied", from.display());
}

/// A garden seen from one of its directories.
pub struct View<'g> {
    garden: &'g Garden,
    directory: PathBuf,
}

impl View<'_> {
    /// A command with the user's identity, a clean environment and this working directory.
    #[must_use]
    pub fn command(&self, program: &OsStr) -> Command {
        let home = &self.garden.home;
        let mut command = Command::new(program);
        let path = format!(
            "{}/.cargo/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            home.display()
        );
        command
            .env_clear()
            .env("PATH", path)
            .env("HOME", home)
            .env("PWD", &self.directory)
            .env("LANG", "C.UTF-8")
            .env("TERM", "xterm-256color")
            .envs(self.garden.variables.iter().map(|(name, value)| (name, value)))
            .current_dir(&self.directory);
        if self.garden.identity == Identity::Ordinary {
            command.uid(ORDINARY).gid(ORDINARY);
        }
        command
    }

    /// The command line that runs `arguments` in the sandbox.
    #[must_use]
    pub fn sandboxed(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(self.garden.garth.as_os_str());
        command.args(["run", "--"]).args(arguments);
        command
    }

    /// Runs a program without the sandbox.
    #[must_use]
    pub fn outside(&self, arguments: &[&str]) -> Run {
        let mut command = self.command(arguments[0].as_ref());
        command.args(&arguments[1..]);
        finish(command, Vec::new(), LIMIT)
    }

    /// Runs a program in the sandbox and asserts that the home outside stayed as it was.
    #[must_use]
    pub fn inside(&self, arguments: &[&str]) -> Run {
        let garden = self.garden;
        let (toolchains, work) = (garden.home.join(".rustup"), self.directory.as_path());
        let before = Snapshot::of(&garden.home, &[&toolchains, work]);
        let run = finish(self.sandboxed(arguments), Vec::new(), LIMIT);
        Snapshot::of(&garden.home, &[&toolchains, work])
            .same_as(&before, &format!("the home changed by {run}"));
        run
    }

    /// Runs a shell script in the sandbox.
    #[must_use]
    pub fn script(&self, script: &str) -> Run {
        self.inside(&["bash", "-euo", "pipefail", "-c", script])
    }

    /// Starts a program in the sandbox, with something on its standard input.
    #[must_use]
    pub fn begin(&self, arguments: &[&str], input: Vec<u8>) -> Running {
        start(self.sandboxed(arguments), input)
    }
}
