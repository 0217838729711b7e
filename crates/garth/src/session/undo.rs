//! How a session's changes are kept from being final: the mode of the policy, or more where the caller asks for more.

use super::{Changes, Outcome, Prepared};
use crate::Error;
use crate::audit::tell;
use crate::place::Surroundings;
use crate::undo::{Checkpoint, CheckpointRecord, Checkpoints, Planned, planned};
use garth_audit::core::CheckpointMade;
use garth_host::OsError;
use garth_plan::facts::Layered;
use garth_policy::{Layer, Origin, Sourced, Undo, UndoFallback, UndoMode};
use std::sync::Arc;

/// What is kept of a session's changes, as far as that is done.
#[derive(Debug, Default)]
pub(super) struct Keeping {
    /// The checkpoint that was made before the command.
    made: Option<CheckpointRecord>,
    /// The same, to compare with in the end.
    kept: Option<Checkpoint>,
    /// The log knows of it.
    told: bool,
    /// Why there is a checkpoint in place of a layer.
    fallen: Option<String>,
}

/// Whoever is told how far the look at a session's changes is, at its end.
#[derive(Clone, Default)]
pub(super) struct Stock(Option<Arc<dyn Fn() + Send + Sync>>);

impl std::fmt::Debug for Stock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Stock").field(&self.0.is_some()).finish()
    }
}

impl Stock {
    /// It begins, or one more name was looked at.
    pub(super) fn step(&self) {
        if let Some(step) = &self.0 {
            step();
        }
    }
}

/// Takes the stricter of what the policy and the caller ask for.
pub(super) fn ask_for(undo: &mut Undo, changes: Changes) {
    let (mode, typed) = match changes {
        Changes::InPlace => return,
        Changes::Checkpoint => (UndoMode::Checkpoint, "--checkpoint"),
        Changes::Layer => (UndoMode::Layer, "--cow"),
    };
    if mode > undo.mode.value {
        undo.mode = Sourced::new(mode, Origin::unplaced(Layer::Flags, typed));
    }
}

/// A layer and its trees, where the policy asks for one and it can be had.
pub(super) fn lay(
    undo: &mut Undo,
    surroundings: &Surroundings,
    environment: &[(Vec<u8>, Vec<u8>)],
    command: &[Vec<u8>],
) -> Result<(Option<Planned>, Vec<Layered>, Keeping), Error> {
    let mut keeping = Keeping::default();
    if undo.mode.value != UndoMode::Layer {
        return Ok((None, Vec::new(), keeping));
    }
    match planned(surroundings, environment, command) {
        Ok((planned, layered)) => Ok((Some(planned), layered, keeping)),
        Err(error) => {
            keeping.fall_back(undo, error)?;
            Ok((None, Vec::new(), keeping))
        }
    }
}

impl Keeping {
    /// A checkpoint in place of the layer that cannot be had, where the policy says that this will do.
    pub(super) fn fall_back(&mut self, undo: &mut Undo, why: Error) -> Result<(), Error> {
        if undo.fallback.value != UndoFallback::Checkpoint {
            return Err(refused(why, &undo.mode));
        }
        undo.mode = Sourced::new(UndoMode::Checkpoint, undo.fallback.origin.clone());
        self.fallen = Some(reason(&why));
        Ok(())
    }
}

/// The reason alone, on one line.
fn reason(error: &Error) -> String {
    match error {
        Error::Workspace { why, .. } => why.clone(),
        Error::Plan(error) => error.why.clone(),
        other => other.to_string().lines().next().unwrap_or_default().to_owned(),
    }
}

/// A layer that the policy requires is not asked for by an option, so leaving that out does not help.
fn refused(error: Error, mode: &Sourced<UndoMode>) -> Error {
    if mode.origin.layer == Layer::Flags {
        return error;
    }
    let (what, why) = match error {
        Error::Workspace { what, why, .. } => (what, why),
        Error::Plan(error) => (error.what, error.why),
        other => return other,
    };
    Error::Workspace {
        what: format!("{what}, and the policy requires one ({})", mode.origin),
        why,
        hint: "remove what stands against it (`garth doctor` shows what this machine offers), or let a checkpoint do: \
               `fallback = \"checkpoint\"` below [undo] of the policy that requires it"
            .into(),
    }
}

/// Whether a sandbox did not come to be because the kernel's overlay does not take the trees.
pub(super) fn is_layer_refused(outcome: &Outcome) -> Option<&OsError> {
    match outcome {
        Outcome::Failed { error, .. } if error.operation == "layer" && error.code != super::libc_eperm() => {
            Some(error)
        }
        _ => None,
    }
}

/// The same as an error.
pub(super) fn no_overlay(error: &OsError) -> Error {
    Error::Workspace {
        what: format!("{} cannot have a layer", error.object),
        why: format!("the kernel's overlay does not take it, or not the state directory: {error}"),
        hint: "set XDG_STATE_HOME to a directory on ext4, xfs, btrfs or tmpfs, or run with --checkpoint in place \
               of --cow"
            .into(),
    }
}

impl Prepared {
    /// Has `step` called when the look at what the command changed begins, and then for each name that it changed.
    pub fn on_stock(&mut self, step: impl Fn() + Send + Sync + 'static) {
        self.stock = Stock(Some(Arc::new(step)));
    }

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
        self.keeping.fallen.as_deref()
    }

    /// Makes a checkpoint of the workspace, to which `garth undo` goes back. `step` is called for each name.
    ///
    /// # Errors
    /// The gate, so that nothing is kept for a command that will not run; what cannot be read or kept.
    pub fn checkpoint(&mut self, step: &mut dyn FnMut()) -> Result<Checkpoint, Error> {
        self.gate()?;
        let checkpoints = Checkpoints::of(&self.command.environment)?.within(&self.policy.undo);
        let made = checkpoints.make(&self.surroundings.context.workspace, &self.command.arguments, step)?;
        self.keeping.made = Some(made.record.clone());
        self.keeping.kept = Some(made.clone());
        Ok(made)
    }

    /// Makes the checkpoint that the policy asks for, if that was not done, and tells the log.
    pub(super) fn keep_first(&mut self) -> Result<(), Error> {
        if self.wants_checkpoint() {
            self.checkpoint(&mut || {})?;
        }
        if let Some(made) = self.keeping.made.as_ref().filter(|_| !self.keeping.told) {
            tell(&self.log.recorder, || CheckpointMade {
                checkpoint: made.id.clone(),
                entries: made.entries,
                left_out: made.left_out.len() as u64,
            });
            self.keeping.told = true;
        }
        Ok(())
    }

    /// Tells the log what is different from the checkpoint now.
    pub(super) fn tell_since_checkpoint(&mut self) {
        if let Some(kept) = self.keeping.kept.take() {
            self.stock.step();
            kept.tell_changes(&self.log.recorder, &self.policy);
        }
    }

    /// Does without the layer, if a checkpoint will do.
    pub(super) fn give_layer_up(&mut self, why: Error) -> Result<(), Error> {
        self.keeping.fall_back(&mut self.policy.undo, why)?;
        self.layer = None;
        self.command.layers.clear();
        Ok(())
    }
}
