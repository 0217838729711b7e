//! Which layer is meant, and the policy that holds there.

use crate::failure::Failure;
use crate::request::{absolute, environment};
use garth::policy::{AbsPath, Policy};
use garth::undo::{Layer, Layers};
use std::ffi::OsString;

/// The layer and the paths that the words of a command line name. The first word is a layer if there is one of that name
/// and no file; without one it is the layer of the working directory.
pub(super) fn layer_and_paths(words: &[OsString]) -> Result<(Layer, Vec<AbsPath>), Failure> {
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
    layer.has_its_trees()?;
    let environment = environment();
    let workspace = layer.record.trees.first().map(|tree| &tree.path);
    let surroundings = garth::surroundings(workspace, &environment)?;
    Ok(garth::files::load_policy(&surroundings, &environment, None, &[])?.policy)
}
