//! Running a program of the user's outside, for what it prints.

use super::facts::look;
use garth_policy::{AbsPath, NodeKind, escape_visible};
use rustix::process::{Pid, Signal, kill_process_group};
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::Read;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// More than this is not what is wanted, in bytes.
const LONGEST: u64 = 64 * 1024;

/// How often a program that has closed its output is looked at.
const PAUSE: Duration = Duration::from_millis(2);

/// Why a program gave nothing. Nothing that it said is in here.
#[derive(Debug)]
pub enum Failed {
    /// No directory of `PATH` has it, apart from those that do not count.
    NotFound(String),
    /// It lies where the sandbox can change it.
    InWorkspace(AbsPath),
    /// It could not be started.
    NotStarted(std::io::Error),
    /// It did not come to its end in time, and was ended.
    Late(Duration),
    /// It ended otherwise than with success.
    Status(ExitStatus),
    /// It said more than anybody wants to know.
    Long,
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound(name) => {
                let name = escape_visible(name.as_bytes());
                write!(f, "no directory of PATH outside the workspace holds an executable `{name}`")
            }
            Self::InWorkspace(path) => {
                write!(f, "the program {path} lies in the workspace, where the sandbox could change it")
            }
            Self::NotStarted(error) => write!(f, "the program could not be started: {error}"),
            Self::Late(limit) => write!(f, "the program did not end within {} s", limit.as_secs()),
            Self::Status(status) => write!(f, "the program failed ({status})"),
            Self::Long => write!(f, "the program printed more than {LONGEST} bytes"),
        }
    }
}

/// What to run, and where.
#[derive(Clone, Copy, Debug)]
pub struct Order<'o> {
    /// Program, by its absolute path or by a name to be found in `PATH`, and arguments.
    pub words: &'o [String],
    /// The whole environment.
    pub environment: &'o [(Vec<u8>, Vec<u8>)],
    /// The working directory.
    pub directory: &'o AbsPath,
    /// A program in this tree is not run.
    pub workspace: &'o AbsPath,
    /// How long it may take.
    pub limit: Duration,
}

/// Runs a program and returns what it printed. It gets no input, its errors go nowhere, and what it leaves behind in its
/// process group is ended when it takes too long.
///
/// # Errors
/// See [`Failed`].
pub fn output(order: Order<'_>) -> Result<Vec<u8>, Failed> {
    let name = order.words.first().map_or("", String::as_str);
    let mut command = Command::new(program(name, &order)?);
    command
        .arg0(name)
        .args(order.words.iter().skip(1))
        .env_clear()
        .envs(
            order.environment.iter().map(|(name, value)| (OsStr::from_bytes(name), OsStr::from_bytes(value))),
        )
        .current_dir(OsStr::from_bytes(order.directory.as_bytes()))
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let end = Instant::now() + order.limit;
    let mut child = command.spawn().map_err(Failed::NotStarted)?;
    let printed = listen(&mut child);
    let ended = printed.and_then(|printed| hear(&mut child, &printed, end));
    let finished = ended.map_err(Failed::NotStarted).and_then(|ended| ended.ok_or(Failed::Late(order.limit)));
    match finished {
        Ok((status, _)) if !status.success() => Err(Failed::Status(status)),
        Ok((_, text)) if text.len() as u64 > LONGEST => Err(Failed::Long),
        Ok((_, text)) => Ok(text),
        Err(failed) => {
            let group = Pid::from_child(&child);
            // It may have ended by itself meanwhile.
            let _gone = kill_process_group(group, Signal::KILL);
            let _status = child.wait();
            Err(failed)
        }
    }
}

/// Reads what the child prints, in a thread: a helper that it leaves behind may keep the pipe open.
fn listen(child: &mut Child) -> std::io::Result<Receiver<Vec<u8>>> {
    let (sender, printed) = channel();
    let pipe = child.stdout.take();
    std::thread::Builder::new().stack_size(64 * 1024).spawn(move || {
        let mut text = Vec::new();
        let read = pipe.map(|pipe| pipe.take(LONGEST + 1).read_to_end(&mut text));
        if matches!(read, Some(Ok(_))) {
            // Whoever waited may have given up.
            let _late = sender.send(text);
        }
    })?;
    Ok(printed)
}

/// Status and output, `None` when they do not come in time.
fn hear(
    child: &mut Child,
    printed: &Receiver<Vec<u8>>,
    end: Instant,
) -> std::io::Result<Option<(ExitStatus, Vec<u8>)>> {
    let left = end.saturating_duration_since(Instant::now());
    let Ok(text) = printed.recv_timeout(left) else { return Ok(None) };
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some((status, text)));
        }
        if Instant::now() >= end || text.len() as u64 > LONGEST {
            return Ok(None);
        }
        std::thread::sleep(PAUSE);
    }
}

/// The program's file. A directory of `PATH` that is relative, or in the workspace, belongs to the repository.
fn program(name: &str, order: &Order<'_>) -> Result<PathBuf, Failed> {
    let path = order.environment.iter().find(|(known, _)| known == b"PATH").map(|(_, value)| value.clone());
    let path = OsString::from_vec(path.unwrap_or_default());
    let candidates: Vec<PathBuf> = if name.contains('/') {
        vec![PathBuf::from(name)]
    } else {
        std::env::split_paths(&path).filter(|part| part.is_absolute()).map(|part| part.join(name)).collect()
    };
    let mut inside = None;
    for candidate in candidates {
        let Ok(path) = AbsPath::posix(candidate.as_os_str().as_bytes()) else { continue };
        let Some(object) = look(&path) else { continue };
        if object.final_kind != NodeKind::File || object.mode & 0o111 == 0 {
            continue;
        }
        if [&path, &object.final_path].into_iter().any(|path| path.starts_with(order.workspace)) {
            inside.get_or_insert(object.final_path);
            continue;
        }
        // By the name that was asked for: some programs are many, and go by it.
        return Ok(candidate);
    }
    Err(inside.map_or_else(|| Failed::NotFound(name.to_owned()), Failed::InWorkspace))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    fn path(path: &Path) -> AbsPath {
        AbsPath::posix(path.as_os_str().as_bytes()).unwrap()
    }

    fn run(words: &[&str], limit: Duration) -> Result<Vec<u8>, Failed> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let environment =
            [(b"PATH".to_vec(), b"relative:/usr/bin:/bin".to_vec()), (b"A".to_vec(), b"b".to_vec())];
        let (directory, workspace) = (path(Path::new("/")), path(Path::new("/nowhere")));
        output(Order {
            words: &words,
            environment: &environment,
            directory: &directory,
            workspace: &workspace,
            limit,
        })
    }

    const LONG: Duration = Duration::from_secs(20);

    #[test]
    fn what_a_program_prints_comes_back_and_nothing_of_a_failure() {
        assert_eq!(run(&["sh", "-c", "echo $A$1; echo no >&2", "x", "c"], LONG).unwrap(), b"bc\n");
        assert_eq!(run(&["/bin/sh", "-c", "pwd; cat"], LONG).unwrap(), b"/\n");
        let failed = run(&["sh", "-c", "echo half of it; exit 3"], LONG).unwrap_err();
        assert!(matches!(failed, Failed::Status(_)) && !failed.to_string().contains("half"), "{failed}");
        assert!(matches!(run(&["no-such-program"], LONG), Err(Failed::NotFound(_))));
        assert!(matches!(
            run(&["sh", "-c", "yes"], LONG),
            Err(Failed::Late(_) | Failed::Long | Failed::Status(_))
        ));
    }

    #[test]
    fn a_program_that_takes_too_long_is_ended_with_its_children() {
        let began = Instant::now();
        let failed = run(&["sh", "-c", "sleep 30 & echo x; wait"], Duration::from_millis(300)).unwrap_err();
        assert!(matches!(failed, Failed::Late(_)), "{failed}");
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    }

    #[test]
    fn a_program_of_the_workspace_is_not_run() {
        let directory = tempfile::tempdir().unwrap();
        let inside = directory.path().join("tool");
        std::fs::write(&inside, "#!/bin/sh\necho from the repository\n").unwrap();
        std::fs::set_permissions(&inside, std::fs::Permissions::from_mode(0o755)).unwrap();
        let workspace = path(directory.path());
        let environment = [(b"PATH".to_vec(), directory.path().as_os_str().as_bytes().to_vec())];
        let root = path(Path::new("/"));
        for name in ["tool", inside.to_str().unwrap()] {
            let words = [name.to_owned()];
            let order = |workspace| Order {
                words: &words,
                environment: &environment,
                directory: &root,
                workspace,
                limit: LONG,
            };
            assert!(matches!(output(order(&workspace)), Err(Failed::InWorkspace(_))), "{name}");
            // Elsewhere it is, so this can fail.
            assert_eq!(output(order(&path(Path::new("/nowhere")))).unwrap(), b"from the repository\n");
        }
    }
}
