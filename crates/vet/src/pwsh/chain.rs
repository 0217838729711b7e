//! Pipelines joined by `&&` and `||`: what runs only where a change of the directory succeeded.

use super::lower::Lowering;
use super::tree::{Kind, Piece, Pipeline, Work};
use super::value::Value;
use crate::command::Unknown;
use crate::region::RegionKind;

/// Cmdlets that succeed only if they have changed the directory, and their aliases.
const CHANGING: &[&str] = &["cd", "chdir", "sl", "set-location", "pushd", "push-location"];

impl Lowering {
    /// Pipelines joined by `&&` and `||`, which bind alike, from the left.
    pub(super) fn chain(&mut self, pipelines: &[Pipeline], joints: &[bool]) -> Value {
        let mut value = Value::Null;
        // Behind `||` a pipeline may not have run at all, and the chain goes on.
        let mut surely_ran = true;
        let mut open = Vec::new();
        for (number, pipeline) in pipelines.iter().enumerate() {
            let is_and = number.checked_sub(1).and_then(|before| joints.get(before)).copied();
            surely_ran &= is_and != Some(false);
            if !surely_ran {
                open.drain(..).rev().for_each(|region| self.script.close(region));
            }
            self.scope.depth += u32::from(number > 0);
            value = self.pipeline(pipeline);
            self.scope.depth -= u32::from(number > 0);
            if number == 0 && pipelines.len() > 1 {
                open.push(self.script.open(RegionKind::Maybe));
            }
            if surely_ran && joints.get(number) == Some(&true) && changes_directory(pipeline) {
                open.push(self.script.open(RegionKind::Succeeded));
            }
        }
        open.into_iter().rev().for_each(|region| self.script.close(region));
        if pipelines.len() > 1 { Value::Unknown(Unknown::Output) } else { value }
    }
}

/// True for a command that succeeds only if it has changed the directory.
fn changes_directory(pipeline: &Pipeline) -> bool {
    let [element] = pipeline.as_slice() else { return false };
    let Work::Command(invocation) = &element.work else { return false };
    match &invocation.name.kind {
        Kind::Bare(pieces) => match pieces.as_slice() {
            [Piece::Text(name)] => CHANGING.contains(&name.to_ascii_lowercase().as_str()),
            _ => false,
        },
        _ => false,
    }
}
