//! The small language of the tables: how options are spelled, and what they and operands do.
//!
//! Options are written as manuals write them, `-o, --output FILE: writes`. Actions stand behind the first `: `,
//! separated by commas, with the reason in parentheses where it is not plain.

use super::scripts::Language;
use crate::effect::EffectKind;

/// How many words an option takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arity {
    /// None: a switch.
    Switch,
    /// So many; the first may be joined.
    Words(usize),
    /// One that can only be joined: `--color=always`, `-i.bak`.
    Joined,
    /// All up to a word `;` or `+`, as in `find -exec`.
    Terminated,
}

/// One option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct OptionSpec {
    /// All spellings.
    pub names: Vec<String>,
    /// What it takes.
    pub arity: Arity,
    /// The value never stands in the same word: behind `bash -oc` it is the next one. Written `-o NAME!`.
    pub apart: bool,
    /// What it does.
    pub actions: Vec<Action>,
    /// Why, where the table says so.
    pub reason: Option<String>,
}

/// What an option or operand does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Has effects.
    Does(Does),
    /// Makes the effects of operands hold for everything below them.
    Tree,
    /// Gives what otherwise the first operand gives.
    Supplies,
    /// Chooses another meaning of the operands, by name.
    Mode(String),
    /// Everything happens in the directory that the value names.
    Directory,
    /// As `Directory`, but values of options are not meant (`tar -C`).
    Members,
    /// What follows belongs to what the option runs.
    Ends,
    /// Runs another command.
    Runs(Runs),
    /// Is a script, which says itself what it does.
    Script(Language),
}

/// In which form another command is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Runs {
    /// As words, up to the end.
    Words,
    /// As a text for `sh`.
    Text,
    /// As a module of Python by name; its words follow.
    Module,
}

/// Effects on one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Does {
    /// The kinds, in order.
    pub kinds: Vec<EffectKind>,
    /// How the word names its target.
    pub form: Form,
    /// Whether everything below is meant.
    pub tree: bool,
    /// What is meant.
    pub target: Target,
}

/// How a word names what is acted on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// By itself.
    Plain,
    /// As a URL or `host:path`, which is connected to; else as a path.
    Remote,
    /// As text, in which `@file` stands for a file's content.
    At,
    /// As a field of a form, in which also `name=@file` does.
    Field,
}

/// The target of an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// The operand or the option's value.
    Own,
    /// Nothing that the words name.
    Nothing,
    /// What the table says: a path, `.` for the working directory.
    Fixed(String),
}

/// How often an operand may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Times {
    /// Once.
    Once,
    /// Once or not at all.
    Optional,
    /// Any number, none as well.
    Many,
}

/// One place among the operands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Item {
    /// What the operand does; nothing for text.
    pub actions: Vec<Action>,
    /// How often.
    pub times: Times,
}

/// Actions with their reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Doing {
    /// What is done.
    pub actions: Vec<Action>,
    /// Why.
    pub reason: Option<String>,
}

/// Reads `-o, --output FILE: writes (why)`.
pub(super) fn option(text: &str) -> Result<OptionSpec, String> {
    let (spelled, does) = text.split_once(": ").unwrap_or((text, ""));
    let mut names = Vec::new();
    let mut arity = Arity::Switch;
    for token in spelled.split_whitespace() {
        let token = token.trim_end_matches(',');
        if is_spelling(token) && arity_allows_spelling(arity) {
            let (name, joined) = token.split_once('[').map_or((token, false), |(name, _)| (name, true));
            arity = if joined { Arity::Joined } else { arity };
            names.push(name.to_owned());
        } else if token.ends_with(';') {
            arity = Arity::Terminated;
        } else {
            arity = match arity {
                Arity::Words(count) => Arity::Words(count + 1),
                Arity::Switch => Arity::Words(1),
                Arity::Joined | Arity::Terminated => return Err(format!("`{text}`: a value too many")),
            };
        }
    }
    if names.is_empty() {
        return Err(format!("`{text}` names no option"));
    }
    let Doing { actions, reason } = if does.is_empty() { nothing() } else { doing(does)? };
    let apart = spelled.ends_with('!') && arity == Arity::Words(1);
    Ok(OptionSpec { names, arity, apart, actions, reason })
}

fn nothing() -> Doing {
    Doing { actions: Vec::new(), reason: None }
}

fn is_spelling(token: &str) -> bool {
    token.starts_with(['-', '/', '+', '(', ')', '!', ',', '@']) || token.contains("=[")
}

fn arity_allows_spelling(arity: Arity) -> bool {
    matches!(arity, Arity::Switch | Arity::Joined)
}

/// Options without actions, separated by blanks, all of one arity.
pub(super) fn plain(names: &str, arity: Arity) -> impl Iterator<Item = OptionSpec> + '_ {
    names.split_whitespace().map(move |name| OptionSpec {
        names: vec![name.to_owned()],
        arity,
        apart: false,
        actions: Vec::new(),
        reason: None,
    })
}

/// Reads `reads tree *`: actions and how often.
pub(super) fn item(text: &str) -> Result<Item, String> {
    let (body, times) = match text.rsplit_once(' ') {
        Some((body, "*")) => (body, Times::Many),
        Some((body, "?")) => (body, Times::Optional),
        _ => (text, Times::Once),
    };
    let actions = if body == "text" { Vec::new() } else { doing(body)?.actions };
    Ok(Item { actions, times })
}

/// Reads `writes, mode edit (why)`.
pub(super) fn doing(text: &str) -> Result<Doing, String> {
    let (body, reason) = match text.strip_suffix(')').and_then(|text| text.split_once(" (")) {
        Some((body, reason)) => (body, Some(reason.to_owned())),
        None => (text, None),
    };
    let actions = body.split(", ").map(action).collect::<Result<_, _>>()?;
    Ok(Doing { actions, reason })
}

fn action(text: &str) -> Result<Action, String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    match words.as_slice() {
        ["tree"] => Ok(Action::Tree),
        ["supplies"] => Ok(Action::Supplies),
        ["mode", name] => Ok(Action::Mode((*name).to_owned())),
        ["directory"] => Ok(Action::Directory),
        ["members"] => Ok(Action::Members),
        ["ends"] => Ok(Action::Ends),
        ["runs", "words"] => Ok(Action::Runs(Runs::Words)),
        ["runs", "text"] => Ok(Action::Runs(Runs::Text)),
        ["script", "awk"] => Ok(Action::Script(Language::Awk)),
        ["script", "sed"] => Ok(Action::Script(Language::Sed)),
        ["script", "sqlite"] => Ok(Action::Script(Language::Sqlite)),
        ["runs", "module"] => Ok(Action::Runs(Runs::Module)),
        words => does(words).map(Action::Does).ok_or_else(|| format!("`{text}` is no action")),
    }
}

fn does(words: &[&str]) -> Option<Does> {
    let (form, words) = match words {
        ["remote", rest @ ..] => (Form::Remote, rest),
        ["at", rest @ ..] => (Form::At, rest),
        ["field", rest @ ..] => (Form::Field, rest),
        words => (Form::Plain, words),
    };
    let (first, words) = words.split_first()?;
    let kinds = first.split('+').map(kind).collect::<Option<Vec<_>>>()?;
    let (tree, words) = match words {
        ["tree", rest @ ..] => (true, rest),
        words => (false, words),
    };
    let target = match words {
        [] => Target::Own,
        ["none"] => Target::Nothing,
        ["cwd"] => Target::Fixed(".".to_owned()),
        [path] => Target::Fixed((*path).to_owned()),
        _ => return None,
    };
    Some(Does { kinds, form, tree, target })
}

fn kind(name: &str) -> Option<EffectKind> {
    Some(match name {
        "reads" => EffectKind::Reads,
        "writes" => EffectKind::Writes,
        "deletes" => EffectKind::Deletes,
        "listens" => EffectKind::Listens,
        "connects" => EffectKind::Connects,
        "executes" => EffectKind::Executes,
        "changes-config" => EffectKind::ChangesConfig,
        "elevates" => EffectKind::Elevates,
        "unknown" => EffectKind::Unknown,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_is_read_as_a_manual_writes_it() {
        let read = option("-i, --in-place[=SUFFIX]: mode edit (files change in place)").unwrap();
        assert_eq!(read.names, ["-i", "--in-place"]);
        assert_eq!(read.arity, Arity::Joined);
        assert_eq!(read.actions, [Action::Mode("edit".to_owned())]);
        assert_eq!(read.reason.as_deref(), Some("files change in place"));
        assert_eq!(option("--arg NAME VALUE").unwrap().arity, Arity::Words(2));
        assert_eq!(option("-exec COMMAND;: runs words").unwrap().arity, Arity::Terminated);
    }

    #[test]
    fn what_is_no_action_is_refused() {
        for wrong in ["-o FILE: scribbles", "-o FILE: reads tree a b", "FILE: reads", "-o[=X] Y"] {
            assert!(option(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_operand_says_how_often_it_comes() {
        let many = item("reads+deletes tree *").unwrap();
        assert_eq!(many.times, Times::Many);
        let Some(Action::Does(does)) = many.actions.first() else { panic!("{many:?}") };
        assert_eq!((does.kinds.as_slice(), does.tree), (&[EffectKind::Reads, EffectKind::Deletes][..], true));
        assert_eq!(item("text ?").unwrap(), Item { actions: Vec::new(), times: Times::Optional });
    }
}
