//! What redirections do, whatever the program is.

use crate::command::{Command, Part, Redirection, RedirectionKind, Shell, Unknown, Word};
use crate::effect::{Effect, EffectKind};

/// Files that swallow, or stand for descriptors that are open already.
const NOWHERE: &[&str] = &[
    "/dev/null",
    "/dev/zero",
    "/dev/stdin",
    "/dev/stdout",
    "/dev/stderr",
    "/dev/fd/0",
    "/dev/fd/1",
    "/dev/fd/2",
];

/// The effects of all redirections of a command, in order.
pub(super) fn effects(command: &Command) -> Vec<Effect> {
    command.redirections.iter().flat_map(|redirection| one(command.shell, redirection)).collect()
}

fn one(shell: Shell, redirection: &Redirection) -> Vec<Effect> {
    let kinds: &[EffectKind] = match redirection.kind {
        RedirectionKind::Read => &[EffectKind::Reads],
        RedirectionKind::Write | RedirectionKind::Append => &[EffectKind::Writes],
        RedirectionKind::ReadWrite => &[EffectKind::Reads, EffectKind::Writes],
        RedirectionKind::Text | RedirectionKind::Duplicate => return Vec::new(),
    };
    let target = &redirection.target;
    if goes_nowhere(shell, target) {
        return Vec::new();
    }
    if shell == Shell::Bash
        && let Some(address) = address(target)
    {
        return vec![effect(
            EffectKind::Connects,
            address,
            "bash connects to what stands behind /dev/tcp or /dev/udp",
        )];
    }
    kinds.iter().map(|kind| effect(*kind, target.clone(), "redirection")).collect()
}

fn effect(kind: EffectKind, target: Word, reason: &str) -> Effect {
    let span = target.span;
    Effect { kind, target: Some(target), recursive: false, reason: reason.to_owned(), span }
}

fn goes_nowhere(shell: Shell, target: &Word) -> bool {
    match (shell, target.parts.as_slice()) {
        (Shell::Pwsh | Shell::WindowsPowershell, [Part::Unknown { why: Unknown::Variable(name), .. }]) => {
            name.eq_ignore_ascii_case("null")
        }
        (Shell::Cmd, [Part::Text(text)]) => text.trim_end_matches(':').eq_ignore_ascii_case("nul"),
        (_, [Part::Text(text)]) => NOWHERE.contains(&text.as_str()),
        _ => false,
    }
}

/// `host:port` of `/dev/tcp/host/port`. What is not known stays in the word.
fn address(target: &Word) -> Option<Word> {
    let start = target.known_start();
    let rest = start.strip_prefix("/dev/tcp/").or_else(|| start.strip_prefix("/dev/udp/"))?;
    match target.text() {
        Some(_) => Some(Word::known(rest.replacen('/', ":", 1), target.span)),
        None => Some(target.clone()),
    }
}
