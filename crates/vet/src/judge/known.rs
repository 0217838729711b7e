//! What is known of programs: the one place where the table of knowledge is asked.

use crate::command::{Command, RedirectionKind};
use crate::effect::{Effect, EffectKind};

/// Effects of the program by its words; `None` for a program that nothing is known of.
pub(super) fn effects(command: &Command) -> Option<Vec<Effect>> {
    const HARMLESS: &[&str] =
        &["cd", "echo", "printf", "true", "false", ":", "test", "[", "pwd", "exit", "return", "set"];
    let program = command.words.first()?.text()?;
    HARMLESS.contains(&program.as_str()).then(Vec::new)
}

/// What the redirections do, whatever the program is.
pub(super) fn redirections(command: &Command) -> Vec<Effect> {
    let effect = |redirection: &crate::command::Redirection| {
        let kinds: &[EffectKind] = match redirection.kind {
            RedirectionKind::Read => &[EffectKind::Reads],
            RedirectionKind::Write | RedirectionKind::Append => &[EffectKind::Writes],
            RedirectionKind::ReadWrite => &[EffectKind::Reads, EffectKind::Writes],
            RedirectionKind::Text | RedirectionKind::Duplicate => &[],
        };
        let (target, span) = (redirection.target.clone(), redirection.target.span);
        kinds.iter().map(move |kind| Effect {
            kind: *kind,
            target: Some(target.clone()),
            recursive: false,
            reason: "a redirection".to_owned(),
            span,
        })
    };
    command.redirections.iter().flat_map(effect).collect()
}

/// A safer way to the same end.
pub(super) fn instead(_command: &Command) -> Option<String> {
    None
}
