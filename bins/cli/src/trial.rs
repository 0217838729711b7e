//! Starting real sandboxes in a directory of their own.

use crate::arguments::SandboxArguments;
use crate::failure::Failure;
use crate::request::{absolute, request};
use garth::plan::linux::Report;
use garth::plan::linux::spec::Tier;
use garth::policy::{AbsPath, Access, Flag, Setting};
use garth::{Changes, Outcome, Prepared, Request, prepare};
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

/// What is tried of a sandbox.
#[derive(Clone, Copy)]
pub enum Part<'s> {
    /// Nothing but itself.
    Alone,
    /// A script, with an overlay over the cache.
    Overlay(&'s str),
    /// A network.
    Network,
    /// A look at [`Trial::hidden`], which the sandbox does not show.
    Refused,
}

/// A sandbox that was started, or not.
pub struct Started {
    /// The plan as it was carried out.
    pub prepared: Option<Prepared>,
    /// Why nothing was run.
    pub problem: Option<String>,
    /// What was refused.
    pub denied: Vec<AbsPath>,
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

    /// Why no file system could be made that tells of refused reads; `None` if it could, or if that was not tried.
    pub fn telling_refused(&self) -> Option<&str> {
        self.prepared.as_ref()?.facts.features.own_file_systems_refused.as_deref()
    }

    /// Whether the sandbox was to tell of refused reads.
    pub fn tells(&self) -> bool {
        self.prepared.as_ref().is_some_and(|prepared| prepared.plan.spec.told.is_some())
    }

    /// Why connections could not be redirected; `None` if they could, or if that was not tried.
    pub fn redirect_refused(&self) -> Option<&str> {
        self.prepared.as_ref()?.facts.features.redirect_refused.as_deref()
    }

    /// Whether a network was planned at all.
    pub fn has_network(&self) -> bool {
        self.prepared.as_ref().is_some_and(|prepared| prepared.plan.spec.network.is_some())
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

    /// A file in the home, which a sandbox does not show.
    pub fn hidden(&self) -> PathBuf {
        self.directory.join("home/hidden")
    }

    /// Runs `true`, or the script of the part.
    pub fn start(&self, part: Part<'_>) -> Started {
        match self.request(part).and_then(|request| Ok(prepare(&request)?)) {
            Ok(prepared) => carry_out(prepared),
            Err(failure) => {
                Started { prepared: None, problem: Some(failure.text().to_owned()), denied: Vec::new() }
            }
        }
    }

    fn request(&self, part: Part<'_>) -> Result<Request, Failure> {
        let command: Vec<OsString> = match part {
            Part::Alone | Part::Network => vec!["true".into()],
            Part::Overlay(script) => vec!["sh".into(), "-c".into(), script.into()],
            Part::Refused => {
                std::fs::write(self.hidden(), "")
                    .map_err(|error| Failure::file("make", "home/hidden", &error))?;
                ["test", "!", "-e"].map(OsString::from).into_iter().chain([self.hidden().into()]).collect()
            }
        };
        let mut request = request(&SandboxArguments::plain(), &command, Report::Gaps)?;
        request.terminal = false;
        // Into the home of the trial, unless an administrator wants every session somewhere else.
        request.recording = garth::Recording::log();
        request.workspace = Some(absolute(self.directory.join("work").as_os_str())?);
        request
            .environment
            .retain(|(name, _)| name != b"PWD" && name != b"HOME" && !name.starts_with(b"XDG_"));
        let home = self.directory.join("home").into_os_string();
        request.environment.push((b"HOME".to_vec(), home.as_bytes().to_vec()));
        let setting = match part {
            Part::Alone => return Ok(request),
            Part::Overlay(_) => {
                Setting::File(absolute(self.cache().as_os_str())?.to_lossless(), Access::Overlay)
            }
            // A name that is nobody's (RFC 2606); nothing asks for it outside.
            Part::Network => Setting::Domain("example.com".into(), true),
            Part::Refused => {
                let file = self.directory.join("policy.toml");
                std::fs::write(&file, "version = 1\n[audit]\nreads = \"told\"\n")
                    .map_err(|error| Failure::file("make", "policy.toml", &error))?;
                request.policy = Some(absolute(file.as_os_str())?);
                return Ok(request);
            }
        };
        request.flags.push(Flag { typed: "garth doctor".into(), setting });
        Ok(request)
    }
}

fn carry_out(mut prepared: Prepared) -> Started {
    let mut denied = Vec::new();
    let problem = match prepared.run(&mut |refusal| denied.push(refusal.path.clone())) {
        Err(error) => Some(error.to_string()),
        Ok(ended) => match ended.outcome {
            Outcome::Ended(ending) if ending.code == Some(0) => None,
            Outcome::Ended(ending) => Some(format!("the command in the sandbox failed: {ending:?}")),
            Outcome::Failed { step, error } => Some(format!("{error}\nwhile the sandbox tried to {step}")),
            other => Some(format!("the sandbox did not come to its end: {other:?}")),
        },
    };
    Started { prepared: Some(prepared), problem, denied }
}

impl Drop for Trial {
    fn drop(&mut self) {
        let _ = std::env::set_current_dir(self.came_from.as_deref().unwrap_or(Path::new("/")));
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

/// The plan of a command for those who tell about it. Whether namespaces are refused shows only when they are
/// made, and that connections cannot be redirected when that is tried, so a sandbox of `true` is started first: what is told is what `run` would do.
pub fn prepare_to_tell(sandbox: &SandboxArguments, command: &[OsString]) -> Result<Prepared, Failure> {
    prepare_to_tell_of(sandbox, command, Changes::InPlace)
}

/// As [`prepare_to_tell`], of a command whose changes go there.
pub fn prepare_to_tell_of(
    sandbox: &SandboxArguments,
    command: &[OsString],
    changes: Changes,
) -> Result<Prepared, Failure> {
    // Each trial is over, and the working directory its own again, before the request is read.
    let try_out = |part| Trial::make().ok().map(|trial| trial.start(part));
    let refused = try_out(Part::Alone).and_then(|started| started.namespaces_refused().map(str::to_owned));
    let cannot_redirect =
        || try_out(Part::Network).and_then(|started| started.redirect_refused().map(str::to_owned));
    let mut request = request(sandbox, command, Report::All)?;
    request.changes = changes;
    request.without_namespaces = refused.is_some();
    let mut prepared = prepare(&request)?;
    if refused.is_some() {
        prepared.facts.features.namespaces_refused = refused;
    } else if prepared.plan.spec.network.is_some()
        && let Some(why) = cannot_redirect()
    {
        request.without_redirect = true;
        prepared = prepare(&request)?;
        prepared.facts.features.redirect_refused = Some(why);
    }
    Ok(prepared)
}
