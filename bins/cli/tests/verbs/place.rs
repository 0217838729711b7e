//! A workspace and a home for one test.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A directory of one test; gone when dropped.
pub struct Place {
    root: PathBuf,
}

/// What a call of garth came to.
pub struct Said {
    pub code: Option<i32>,
    pub signal: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Place {
    /// Makes the place of the test of this name.
    pub fn new(name: &str) -> Self {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&root);
        std::fs::create_dir_all(root.join("work")).unwrap();
        std::fs::create_dir_all(root.join("home")).unwrap();
        Self { root }
    }

    pub fn work(&self) -> PathBuf {
        self.root.join("work")
    }

    pub fn home(&self) -> PathBuf {
        self.root.join("home")
    }

    /// Writes a file below the workspace.
    pub fn write(&self, name: impl AsRef<OsStr>, text: &str) -> PathBuf {
        let path = self.work().join(name.as_ref());
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Writes the user's own policy.
    pub fn user_policy(&self, text: &str) {
        let path = self.home().join(".config/garth/policy.toml");
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// The text of all logs.
    pub fn log(&self) -> String {
        let mut files: Vec<PathBuf> = std::fs::read_dir(self.home().join(".local/state/garth/log"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        files.sort();
        files.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect()
    }

    /// A call of garth in the workspace.
    pub fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_garth"));
        command.current_dir(self.work()).env_clear().stdin(Stdio::null());
        command.env("HOME", self.home()).env("PATH", "/usr/local/bin:/usr/bin:/bin");
        command
    }

    /// Calls garth in the workspace.
    pub fn garth<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Said {
        Said::of(&self.command().args(arguments).output().unwrap())
    }

    /// The text with the paths of this place replaced, so that it is the same everywhere.
    pub fn plain(&self, text: &str) -> String {
        let real = |path: PathBuf| path.to_str().unwrap().to_owned();
        text.replace(&real(self.work()), "WORK").replace(&real(self.home()), "HOME")
    }
}

impl Said {
    pub fn of(output: &Output) -> Self {
        use std::os::unix::process::ExitStatusExt;
        Self {
            code: output.status.code(),
            signal: output.status.signal(),
            out: String::from_utf8(output.stdout.clone()).unwrap(),
            err: String::from_utf8(output.stderr.clone()).unwrap(),
        }
    }

    /// Fails the test unless garth ended with this code.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }

    /// The output as JSON.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}", self.out))
    }

    /// The events among the lines of standard error.
    pub fn events(&self) -> Vec<serde_json::Value> {
        self.err.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// Those of one kind.
    pub fn events_of(&self, kind: &str) -> Vec<serde_json::Value> {
        self.events().into_iter().filter(|event| event["event"] == kind).collect()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.root);
    }
}
