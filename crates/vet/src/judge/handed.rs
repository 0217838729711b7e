//! Commands that stand among the words of a program which hands on what it is given, as far as is known.
//!
//! The launchers that are known are followed. There are more of them than any table holds; so a program that nothing
//! is known of, and one that runs a project's code, may run what a rule speaks of if its words spell that out.

use super::known;
use super::rules::{is_program_named, strict_match};
use crate::command::{Command, Word};
use crate::effect::EffectKind;
use crate::knowledge::Table;
use crate::launch::{global_options, launches, program_of};
use garth_policy::{CommandDecision, CommandRule, Commands};

/// Places at which one command is tried on the rules.
const MOST_TRIALS: usize = 64;

/// Words behind which a command may follow directly.
const VERBS: &[&str] = &["run", "exec", "start", "shell", "record", "spawn"];

/// A rule that asks or denies, and that the words behind the program spell out.
pub(super) fn handed_on<'r>(
    commands: &'r Commands,
    command: &Command,
    (agent, table): (Option<&str>, &Table),
) -> Option<&'r CommandRule> {
    let (_, words) = command.words.split_first()?;
    let strict = |rule: &&CommandRule| {
        rule.is_for(agent) && rule.decision > CommandDecision::Allow && !rule.prefix.is_empty()
    };
    let mut found = commands.rules.iter().filter(strict).filter(|rule| speaks_of(rule, words)).peekable();
    found.peek()?;
    // Only now is it worth asking what the program is.
    let launches = launches(command);
    if !launches.nested.is_empty() {
        return None;
    }
    let known = known::effects(table, command);
    let is_unknown = launches.effects.is_empty() && known.is_none();
    let mut effects = launches.effects.iter().chain(known.iter().flatten());
    let runs_code = effects.any(|effect| effect.kind == EffectKind::Executes);
    // A message or a pattern is no command, whatever it spells: `git commit -m 'git push'`.
    let plain = if is_unknown { Vec::new() } else { table.plain_words(command) };
    let open: Vec<Word> = words
        .iter()
        .enumerate()
        .filter(|(at, _)| !plain.contains(at))
        .map(|(_, word)| word.clone())
        .collect();
    // `npm install docker` is no `docker`: of a builder's words only those count that several words of a rule name.
    found.find(|rule| (is_unknown || runs_code && rule.prefix.len() > 1) && speaks_of(rule, &open))
}

/// True if words somewhere behind the program, or inside one of them, begin as the rule does.
fn speaks_of(rule: &CommandRule, words: &[Word]) -> bool {
    let texts: Vec<String> = words.iter().map(Word::known_start).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let is_long = rule.prefix.len() > 1;
    let mut may_follow = true;
    let mut trials = 0;
    for (at, text) in texts.iter().enumerate() {
        if names(rule, text) {
            trials += 1;
            let rest = texts.get(at..).unwrap_or_default();
            if (is_long || may_follow) && begins(rule, rest) || trials > MOST_TRIALS {
                return true;
            }
        }
        if text.contains([' ', '=', '|', '!']) && speaks_inside(rule, text) {
            return true;
        }
        may_follow = may_follow && (text.starts_with('-') || VERBS.contains(text)) || *text == "--";
    }
    false
}

/// True if a text that stands in one word holds the rule's words: `--wrap=git push`, `system("git push")`.
fn speaks_inside(rule: &CommandRule, text: &str) -> bool {
    let is_letter = |letter: char| letter.is_alphanumeric() || "-_./\\@+".contains(letter);
    let pieces: Vec<&str> =
        text.split(|letter: char| !is_letter(letter)).filter(|piece| !piece.is_empty()).collect();
    let places = pieces.iter().enumerate().filter(|(_, piece)| names(rule, piece));
    let mut places =
        places.map(|(at, _)| at).filter(|at| rule.prefix.len() > 1 || *at == 0 && text.contains(' '));
    places.by_ref().take(MOST_TRIALS).any(|at| begins(rule, pieces.get(at..).unwrap_or_default()))
        || places.next().is_some()
}

fn names(rule: &CommandRule, text: &str) -> bool {
    let choices = rule.prefix.first().map(Vec::as_slice).unwrap_or_default();
    choices.iter().any(|wanted| text == wanted || is_program_named(text, wanted))
}

fn begins(rule: &CommandRule, words: &[&str]) -> bool {
    let options = words.first().and_then(|program| global_options(&program_of(program)));
    strict_match(rule, words.iter(), options).is_some()
}
