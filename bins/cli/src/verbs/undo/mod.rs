//! The verbs for what a sandbox changed: `diff`, `apply`, `discard`, `layers`, `undo`, `checkpoints`.

#[cfg(target_os = "linux")]
pub mod apply;
#[cfg(target_os = "linux")]
pub mod diff;
pub mod kept;
#[cfg(target_os = "linux")]
mod layer;
#[cfg(target_os = "linux")]
pub mod layers;
pub mod patch;
pub mod revert;
#[cfg(target_os = "linux")]
pub mod show;

use garth::policy::{AbsPath, escape_visible};
use garth::undo::LONGEST_PATH;
#[cfg(target_os = "linux")]
use layer::layer_and_paths;
#[cfg(target_os = "linux")]
pub use layer::policy_of;
use std::io::{self, BufRead, Write};

/// A path of a tree without its `/`, of a very long one the beginning.
fn in_short(path: &AbsPath) -> String {
    const MOST: usize = 400;
    let bytes = path.as_bytes().strip_prefix(b"/").unwrap_or(path.as_bytes());
    let start = bytes.get(..MOST).unwrap_or(bytes);
    format!("{}{}", escape_visible(start), if start.len() < bytes.len() { "..." } else { "" })
}

/// What was not looked at, because names in it are too long: the first of it, and how much.
fn too_long(what: &str, directories: &[AbsPath], out: &mut dyn Write) -> io::Result<()> {
    let Some(first) = directories.first().map(in_short) else { return Ok(()) };
    let count = directories.len();
    writeln!(out, "{what}, for paths of more than {LONGEST_PATH} bytes in it: {count} directories ({first})")
}

/// One line from the terminal; `quit` at its end.
fn ask(question: &str) -> io::Result<String> {
    let mut err = anstream::stderr();
    write!(err, "{question}")?;
    err.flush()?;
    let mut line = String::new();
    // The end of what is typed says that nobody answers any more; an empty line says nothing.
    if io::stdin().lock().read_line(&mut line)? == 0 {
        return Ok("quit".to_owned());
    }
    Ok(line.trim().to_lowercase())
}
