//! How a session's changes are kept from being final on Windows: by a checkpoint.

use super::Prepared;
use crate::Error;
use crate::audit::tell;
use crate::undo::{Checkpoint, CheckpointRecord, Checkpoints};
use garth_audit::core::CheckpointMade;
use garth_plan::assurance::gate;
use garth_plan::linux::PlanError;
use garth_policy::{Layer, Origin, Sourced, Undo, UndoFallback, UndoMode};

/// What is kept of a session's changes, as far as that is done.
#[derive(Debug, Default)]
pub(super) struct Keeping {
    /// The checkpoint that was made before the command.
    made: Option<CheckpointRecord>,
    /// The same, to compare with in the end.
    kept: Option<Checkpoint>,
    /// It stands in for a layer that the policy asks for.
    for_layer: bool,
}

/// Takes the stricter of what the policy and the caller ask for. A layer needs a file system on top of another one, which is
/// built for Linux alone; a checkpoint stands in where the policy says that this will do.
pub(super) fn ask_for(undo: &mut Undo, checkpoint: bool) -> Result<Keeping, Error> {
    if checkpoint && undo.mode.value < UndoMode::Checkpoint {
        undo.mode = Sourced::new(UndoMode::Checkpoint, Origin::unplaced(Layer::Flags, "--checkpoint"));
    }
    if undo.mode.value != UndoMode::Layer {
        return Ok(Keeping::default());
    }
    if undo.fallback.value != UndoFallback::Checkpoint {
        return Err(Error::Plan(PlanError {
            what: "what the command changes cannot be kept as a layer here".into(),
            why: format!("layers are built for Linux, and the policy asks for one ({})", undo.mode.origin),
            hint:
                "let a checkpoint do: `fallback = \"checkpoint\"` below [undo] of the policy that asks for it"
                    .into(),
        }));
    }
    undo.mode = Sourced::new(UndoMode::Checkpoint, undo.fallback.origin.clone());
    Ok(Keeping { for_layer: true, ..Keeping::default() })
}

impl Prepared {
    /// Whether a checkpoint is to be made before the command runs, and none was. [`Prepared::run`] makes it then.
    #[must_use]
    pub fn wants_checkpoint(&self) -> bool {
        self.policy.undo.mode.value == UndoMode::Checkpoint && self.keeping.made.is_none()
    }

    /// The checkpoint that was made before the command.
    #[must_use]
    pub fn checkpoint_made(&self) -> Option<&CheckpointRecord> {
        self.keeping.made.as_ref()
    }

    /// Why there is a checkpoint in place of the layer that was asked for.
    #[must_use]
    pub fn without_layer(&self) -> Option<&str> {
        self.keeping.for_layer.then_some("layers are built for Linux")
    }

    /// Makes a checkpoint of the workspace, to which `garth undo` goes back. `step` is called for each name.
    ///
    /// # Errors
    /// The gate, so that nothing is kept for a command that will not run; what cannot be read or kept.
    pub fn checkpoint(&mut self, step: &mut dyn FnMut()) -> Result<Checkpoint, Error> {
        gate(&self.plan.assurance, &self.plan.accepted)
            .map_err(|rows| Error::NotEnforced(rows.into_iter().cloned().collect()))?;
        let checkpoints = Checkpoints::of(&self.variables)?.within(&self.policy.undo);
        let made = checkpoints.make(&self.surroundings.context.workspace, &self.arguments, step)?;
        self.keeping.made = Some(made.record.clone());
        self.keeping.kept = Some(made.clone());
        Ok(made)
    }

    /// Makes the checkpoint that the policy asks for, if that was not done, and tells the log. It comes before anything of
    /// the sandbox stands in the workspace.
    pub(super) fn keep_first(&mut self) -> Result<(), Error> {
        if self.wants_checkpoint() {
            self.checkpoint(&mut || {})?;
        }
        if let Some(made) = &self.keeping.made {
            tell(&self.log.recorder, || CheckpointMade {
                checkpoint: made.id.clone(),
                entries: made.entries,
                left_out: made.left_out.len() as u64,
            });
        }
        Ok(())
    }

    /// Whether changes are to be watched for: there is no checkpoint to compare with in the end.
    pub(super) fn watches_changes(&self) -> bool {
        self.keeping.kept.is_none()
    }

    /// Tells the log what is different from the checkpoint now, and how complete that is, if there is one.
    pub(super) fn tell_since_checkpoint(&mut self) {
        if let Some(kept) = self.keeping.kept.take() {
            kept.tell_changes(&self.log.recorder, &self.policy);
        }
    }
}
