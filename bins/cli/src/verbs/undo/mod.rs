//! The verbs for what a sandbox changed: `diff`, `apply`, `discard`, `layers`, `undo`, `checkpoints`.

pub mod apply;
pub mod diff;
pub mod layers;
pub mod revert;
pub mod show;

use crate::failure::Failure;
use crate::request::{absolute, environment};
use garth::policy::{AbsPath, Policy, escape_visible};
use garth::undo::{LONGEST_PATH, Layer, Layers};
use std::ffi::OsString;
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

/// The layer and the paths that the words of a command line name. The first word is a layer if there is one of that name
/// and no file; without one it is the layer of the working directory.
fn layer_and_paths(words: &[OsString]) -> Result<(Layer, Vec<AbsPath>), Failure> {
    let layers = Layers::of(&environment())?;
    let named = match words.first() {
        Some(word) if std::path::Path::new(word).symlink_metadata().is_err() => {
            word.to_str().map(|name| layers.named(name)).transpose()?.flatten()
        }
        _ => None,
    };
    let paths = if named.is_some() { &words[1..] } else { words };
    let paths: Vec<AbsPath> = paths.iter().map(|path| absolute(path)).collect::<Result<_, _>>()?;
    let layer = match named {
        Some(layer) => layer,
        None => layers.around(&absolute(".".as_ref())?)?,
    };
    for path in &paths {
        if !layer.record.trees.iter().any(|tree| path.starts_with(&tree.path) || tree.path.starts_with(path))
        {
            return Err(Failure::own(
                format!("{path} is not in the layer {}", layer.record.id),
                "a layer holds changes of its workspace alone",
                "name a path in the workspace, or a layer: `garth layers` lists them",
            ));
        }
    }
    Ok((layer, paths))
}

/// The policy that holds in the layer's workspace.
pub fn policy_of(layer: &Layer) -> Result<Policy, Failure> {
    let environment = environment();
    let workspace = layer.record.trees.first().map(|tree| &tree.path);
    let surroundings = garth::surroundings(workspace, &environment)?;
    Ok(garth::files::load_policy(&surroundings, &environment, None, &[])?.policy)
}

/// One line from the terminal; empty at its end.
fn ask(question: &str) -> io::Result<String> {
    let mut err = anstream::stderr();
    write!(err, "{question}")?;
    err.flush()?;
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    Ok(line.trim().to_lowercase())
}
