//! What a layer holds.

use super::{NAMES, add, gone, word};
use crate::failure::Failure;
use crate::report::Changes;
use crate::verbs::undo::policy_of;
use crate::verbs::undo::show::{hunks, name};
use garth::undo::{Layers, Reader, Standing, differences};

/// The differences that a layer keeps, against what is in the workspace now.
pub(super) fn of_layer(id: &str, environment: &[(Vec<u8>, Vec<u8>)]) -> Result<Changes, Failure> {
    let layers = Layers::of(environment)?;
    let Some(layer) = layers.list()?.into_iter().find(|layer| layer.record.id == id) else {
        return Ok(gone("layer", id));
    };
    let all = differences(&layer, &policy_of(&layer)?)?;
    let mut changes = Changes {
        source: Some(format!(
            "What the layer {id} holds now, against what is in the workspace now; `garth apply {id}` puts it in place."
        )),
        more: all.list.len().saturating_sub(NAMES),
        ..Changes::default()
    };
    let mut reader = Reader::new(&layer)?;
    for difference in all.list.iter().take(NAMES) {
        let texts = reader.texts(difference);
        let hunks = hunks(&difference.change, &texts).unwrap_or_default();
        let remark = match (&difference.standing, &difference.trusted) {
            (Standing::Moved(why), _) => Some(format!("conflict: {why}")),
            (Standing::AsBefore, Some(why)) => Some(format!("trusted: {why}")),
            (Standing::AsBefore, None) => None,
        };
        let name = name(&layer, difference);
        add(&mut changes, name, word(&difference.change, false), remark, &hunks);
    }
    Ok(changes)
}
