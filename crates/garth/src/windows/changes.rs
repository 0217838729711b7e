//! What changed during a session, where no checkpoint was made to compare with: as the system told it.

use crate::audit::{Recorder, tell};
use crate::changed::{MOST, closed, kept_by};
use garth_audit::core::{BrokerError, Change, FileChanged};
use garth_host::windows::changes::{Difference, Differences, Kind, Watch};
use garth_plan::windows::changes::How;
use garth_policy::{AbsPath, Access, Boundary, Policy};

/// Directories in which the sandbox may write: the outermost ones, without that of the sandbox's own, which goes with it.
pub(super) fn writable(boundaries: &[Boundary<'_>], own: &AbsPath) -> Vec<AbsPath> {
    let mut found: Vec<AbsPath> = boundaries
        .iter()
        .filter(|boundary| boundary.grant.access == Access::Write && !boundary.path.starts_with(own))
        .map(|boundary| boundary.path.clone())
        .collect();
    found.sort_by_key(AbsPath::depth);
    let mut outermost: Vec<AbsPath> = Vec::new();
    for path in found {
        if !outermost.iter().any(|outer| path.starts_with(outer)) {
            outermost.push(path);
        }
    }
    outermost
}

/// Watches, if anybody wants to know.
pub(super) fn watch(recorder: &Recorder, directories: &[AbsPath]) -> Option<Watch> {
    recorder.as_ref()?;
    match Watch::start(directories) {
        Ok(watch) => Some(watch),
        Err(error) => {
            let (operation, cause) = ("watch for changed files".to_owned(), error.to_string());
            tell(recorder, || BrokerError { operation, cause });
            None
        }
    }
}

/// Tells what is different, and how complete that is.
pub(super) fn conclude(recorder: &Recorder, policy: &Policy, watch: Option<Watch>) {
    let Some(watch) = watch else {
        let missing = Some("what changed: nobody watched".to_owned());
        return tell(recorder, || closed("changes", (0, 0), missing));
    };
    let Differences { list, more, mut missing } = watch.stop(MOST);
    let told = list.len() as u64;
    for difference in list {
        tell(recorder, || event(policy, &difference));
    }
    if more > 0 {
        missing.push(format!("{more} more"));
    }
    let missing = (!missing.is_empty()).then(|| missing.join("; "));
    tell(recorder, || closed("changes", (told, more), missing));
}

fn event(policy: &Policy, difference: &Difference) -> FileChanged {
    let Difference { path, how, from, kind, bytes } = difference;
    FileChanged {
        path: path.to_lossless(),
        change: match how {
            How::Created => Change::Created,
            How::Modified => Change::Modified,
            How::Deleted => Change::Deleted,
            How::Renamed(_) => Change::Renamed,
        },
        from: from.as_ref().map(AbsPath::to_lossless),
        bytes: *bytes,
        kind: kind.map(|kind| {
            let word = match kind {
                Kind::File => "file",
                Kind::Directory => "directory",
                Kind::Link => "symlink",
            };
            word.to_owned()
        }),
        protected: kept_by(policy, path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use garth_policy::{Context, Os, Profile};

    #[test]
    fn only_outermost_directories_are_watched() {
        let path = |text: &str| AbsPath::windows(text).unwrap();
        let context = Context {
            os: Os::Windows,
            workspace: path(r"C:\w"),
            path_dirs: Vec::new(),
            home: path(r"C:\Users\u"),
            tmp: path(r"C:\Users\u\AppData\Local\Temp\garth-1"),
            git_dirs: Vec::new(),
            env_dirs: Vec::new(),
        };
        let policy = Policy::builtin(Profile::Workspace, &context);
        let found = writable(&policy.files.boundaries(), &context.tmp);
        assert_eq!(found, [path(r"C:\w")]);
    }
}
