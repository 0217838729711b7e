//! `garth layers` and `garth discard`.

use super::layer_and_paths;
use crate::arguments::DiscardArguments;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::request::environment;
use crate::table::{Cell, table};
use garth::policy::escape_visible;
use garth::undo::{Layer, Layers, discard};
use std::ffi::OsString;
use std::io::Write;

/// Lists all layers.
pub fn list(as_json: bool, out: &mut dyn Write) -> Result<u8, Failure> {
    let layers = Layers::of(&environment())?.list()?;
    if as_json {
        let one = |layer: &Layer| {
            serde_json::json!({
                "id": layer.record.id,
                "started": layer.record.started.seconds,
                "running": layer.is_busy(),
                "command": layer.record.command,
                "trees": layer.record.trees.iter().map(|tree| &tree.path).collect::<Vec<_>>(),
            })
        };
        let whole = serde_json::json!({ "version": 1, "layers": layers.iter().map(one).collect::<Vec<_>>() });
        serde_json::to_writer_pretty(&mut *out, &whole)?;
        writeln!(out)?;
        return Ok(0);
    }
    if layers.is_empty() {
        writeln!(out, "there are no layers")?;
        return Ok(0);
    }
    let rows: Vec<[Cell; 4]> = layers.iter().map(row).collect();
    table(["layer", "state", "workspace", "command"], &[2, 3], &rows, out)?;
    Ok(0)
}

fn row(layer: &Layer) -> [Cell; 4] {
    let workspace = layer.record.trees.first().map(|tree| tree.path.to_string()).unwrap_or_default();
    [
        Cell::plain(&layer.record.id),
        Cell::plain(if layer.is_busy() { "in use" } else { "ended" }),
        Cell::plain(escape_visible(workspace.as_bytes())),
        Cell::plain(layer.record.command.join(" ")),
    ]
}

/// Throws layers away.
pub fn throw_away(arguments: &DiscardArguments, out: &mut dyn Write) -> Result<u8, Failure> {
    let words: Vec<Vec<OsString>> = match arguments.layers.as_slice() {
        [] => vec![Vec::new()],
        named => named.iter().map(|name| vec![name.clone()]).collect(),
    };
    for words in words {
        let (layer, paths) = layer_and_paths(&words)?;
        if let Some(path) = paths.first() {
            return Err(Failure::own(
                format!("there is no layer {}", escape_visible(path.file_name().unwrap_or_default())),
                "discard takes the names of layers",
                "`garth layers` lists them",
            ));
        }
        let id = layer.record.id.clone();
        let going = Progress::new("throwing the layer away");
        discard(layer)?;
        drop(going);
        writeln!(out, "the layer {id} is gone")?;
    }
    Ok(0)
}
