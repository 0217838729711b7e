//! Starting real sandboxes in a directory of their own.

use crate::arguments::SandboxArguments;
use crate::failure::Failure;
use crate::request::{absolute, request};
use garth::plan::linux::Report;
use garth::plan::linux::spec::Tier;
use garth::policy::{Access, Flag, Setting};
use garth::{Outcome, Prepared, Request, prepare};
use std::ffi::OsString;
use std::fs::DirBuilder;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// A directory for trials, with a workspace, a home and a cache; gone when dropped, and the working directory is
/// the former one again.
pub struct Trial {
    directory: PathBuf,
    came_from: Option<PathBuf>,
}

/// A sandbox that was started, or not.
pub struct Started {
    /// The plan as it was carried out.
    pub prepared: Option<Prepared>,
    /// Why nothing was run.
    pub problem: Option<String>,
}

impl Started {
    /// Whether the command was run and did its work.
    pub fn is_good(&self) -> bool {
        self.problem.is_none()
    }

    /// Why namespaces were refused; `None` if they were not.
    pub fn namespaces_refused(&self) -> Option<&str> {
        self.prepared.as_ref()?.facts.features.namespaces_refused.as_deref()
    }

    /// The tier of the last attempt; none, where nothing could even be planned.
    pub fn tier(&self) -> Option<Tier> {
        let prepared = self.prepared.as_ref()?;
        let tier = prepared.plan.spec.tier;
        (self.is_good() || tier == Tier::Landlock).then_some(tier)
    }

    /// Whether the command ran in namespaces.
    pub fn in_namespaces(&self) -> bool {
        self.is_good() && self.tier() == Some(Tier::Process)
    }
}

impl Trial {
    /// Makes the directory and changes into its workspace.
    pub fn make() -> Result<Self, Failure> {
        let directory = std::env::temp_dir().join(format!("garth-trial-{}", std::process::id()));
        let shown = garth::policy::escape_visible(directory.as_os_str().as_bytes());
        let failed = |error: std::io::Error| Failure::file("make", &shown, &error);
        let mut builder = DirBuilder::new();
        builder.mode(0o700);
        builder.create(&directory).map_err(failed)?;
        let trial = Self { directory, came_from: std::env::current_dir().ok() };
        for name in ["work", "home", "cache"] {
            builder.create(trial.directory.join(name)).map_err(failed)?;
        }
        std::env::set_current_dir(trial.directory.join("work")).map_err(failed)?;
        Ok(trial)
    }

    /// The directory that stands for a package cache.
    pub fn cache(&self) -> PathBuf {
        self.directory.join("cache")
    }

    /// Runs `true`; with `script`, a shell with an overlay over the cache.
    pub fn start(&self, script: Option<&str>) -> Started {
        match self.request(script).and_then(|request| Ok(prepare(&request)?)) {
            Ok(prepared) => carry_out(prepared),
            Err(failure) => Started { prepared: None, problem: Some(failure.text().to_owned()) },
        }
    }

    fn request(&self, script: Option<&str>) -> Result<Request, Failure> {
        let command: Vec<OsString> = match script {
            None => vec!["true".into()],
            Some(script) => vec!["sh".into(), "-c".into(), script.into()],
        };
        let mut request = request(&SandboxArguments::plain(), &command, Report::Gaps)?;
        request.terminal = false;
        request.workspace = Some(absolute(self.directory.join("work").as_os_str())?);
        request
            .environment
            .retain(|(name, _)| name != b"PWD" && name != b"HOME" && !name.starts_with(b"XDG_"));
        let home = self.directory.join("home").into_os_string();
        request.environment.push((b"HOME".to_vec(), home.as_bytes().to_vec()));
        if script.is_some() {
            let cache = absolute(self.cache().as_os_str())?.to_lossless();
            request
                .flags
                .push(Flag { typed: "garth doctor".into(), setting: Setting::File(cache, Access::Overlay) });
        }
        Ok(request)
    }
}

fn carry_out(mut prepared: Prepared) -> Started {
    let problem = match prepared.run(&mut |_| {}) {
        Err(error) => Some(error.to_string()),
        Ok(ended) => match ended.outcome {
            Outcome::Ended(ending) if ending.code == Some(0) => None,
            Outcome::Ended(ending) => Some(format!("the command in the sandbox failed: {ending:?}")),
            Outcome::Failed { step, error } => Some(format!("{error}\nwhile the sandbox tried to {step}")),
            other => Some(format!("the sandbox did not come to its end: {other:?}")),
        },
    };
    Started { prepared: Some(prepared), problem }
}

impl Drop for Trial {
    fn drop(&mut self) {
        let _ = std::env::set_current_dir(self.came_from.as_deref().unwrap_or(Path::new("/")));
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

/// The plan of a command for those who tell about it. Whether namespaces are refused shows only when they are
/// made, so a sandbox of `true` is started first: what is told is what `run` would do.
pub fn prepare_to_tell(sandbox: &SandboxArguments, command: &[OsString]) -> Result<Prepared, Failure> {
    let refused =
        Trial::make().ok().and_then(|trial| trial.start(None).namespaces_refused().map(str::to_owned));
    let mut request = request(sandbox, command, Report::All)?;
    request.without_namespaces = refused.is_some();
    let mut prepared = prepare(&request)?;
    if refused.is_some() {
        prepared.facts.features.namespaces_refused = refused;
    }
    Ok(prepared)
}
