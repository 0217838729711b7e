//! The rules of the policy against commands of which not every word is known.
//!
//! A rule is a prefix of words. Options that stand between a program and its sub-command do not hide the sub-command
//! from a rule that asks or denies: they are passed over, with their values where the program's options are known. A
//! rule that allows matches the words to the letter.

use super::{clusters, known};
use crate::command::{Command, Part, Span, Unknown, Word};
use crate::knowledge::Table;
use crate::launch::{Grammar, global_options, program_of};
use crate::parse::argv;
use garth_policy::{CommandDecision, CommandRule, Commands};

/// How sure it is that a rule matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Match {
    /// A word that is only known at run time may make it match.
    Possible,
    /// It matches.
    Certain,
}

/// One word as rules see it.
pub(super) trait Spoken {
    /// Whether it is the wanted word; as the program, also by its name alone.
    fn fits(&self, wanted: &str, is_program: bool) -> Option<Match>;
    /// What is known of its beginning.
    fn start(&self) -> &str;
    /// Whether it may become no word, or several.
    fn splits(&self) -> bool;
    /// Whether all of it is known.
    fn is_known(&self) -> bool;
}

impl Spoken for &str {
    fn fits(&self, wanted: &str, is_program: bool) -> Option<Match> {
        let is_same = *self == wanted || is_program && is_program_named(self, wanted);
        is_same.then_some(Match::Certain)
    }

    fn start(&self) -> &str {
        self
    }

    fn splits(&self) -> bool {
        false
    }

    fn is_known(&self) -> bool {
        true
    }
}

/// A word with its known text, so that it is put together once.
struct Seen<'w> {
    word: &'w Word,
    text: Option<String>,
    start: String,
}

impl Spoken for Seen<'_> {
    fn fits(&self, wanted: &str, is_program: bool) -> Option<Match> {
        match &self.text {
            Some(text) => text.as_str().fits(wanted, is_program),
            None => could_be(self.word, wanted, is_program).then_some(Match::Possible),
        }
    }

    fn start(&self) -> &str {
        &self.start
    }

    fn splits(&self) -> bool {
        self.word.parts.iter().any(|part| {
            matches!(
                part,
                Part::Unknown { splits: true, .. }
                    | Part::Unknown { why: Unknown::Names(_), .. }
                    | Part::Pattern(_)
            )
        })
    }

    fn is_known(&self) -> bool {
        self.text.is_some()
    }
}

pub(super) fn is_program_named(found: &str, wanted: &str) -> bool {
    let name = found.rsplit(['/', '\\']).next().unwrap_or(found);
    name == wanted || program_of(found) == wanted.to_ascii_lowercase() && !wanted.contains('/')
}

/// A piece of what an unknown word may look like.
#[derive(Clone, Copy)]
enum Token {
    Letter(char),
    One,
    Any,
    Digits,
}

/// True if the word could become the wanted one. The time is bounded by the wanted word, which a policy spells out.
pub(super) fn could_be(word: &Word, wanted: &str, is_program: bool) -> bool {
    let mut tokens = Vec::new();
    for part in &word.parts {
        match part {
            Part::Text(text) => tokens.extend(text.chars().map(Token::Letter)),
            Part::Pattern(text) => of_pattern(text, &mut tokens),
            Part::Unknown { why: Unknown::Number, .. } => tokens.push(Token::Digits),
            Part::Home(_) | Part::Unknown { .. } => tokens.push(Token::Any),
        }
    }
    let wanted: Vec<char> = wanted.chars().collect();
    if matches_tokens(&tokens, &wanted) {
        return true;
    }
    let last = tokens.iter().rposition(|token| matches!(token, Token::Letter('/' | '\\')));
    is_program && last.is_some_and(|at| matches_tokens(tokens.get(at + 1..).unwrap_or_default(), &wanted))
}

/// A set of letters in brackets stands for any, whatever it holds.
fn of_pattern(text: &str, tokens: &mut Vec<Token>) {
    let mut is_in_set = false;
    let mut before = ' ';
    for letter in text.chars() {
        // `]` that comes first is one of the set.
        let is_first = is_in_set && matches!(before, '[' | '!' | '^');
        tokens.push(match letter {
            ']' if is_in_set && !is_first => {
                is_in_set = false;
                Token::Any
            }
            _ if is_in_set => Token::Any,
            '[' => {
                is_in_set = text.contains(']');
                Token::Any
            }
            '*' | ']' | '(' | ')' | '|' | '!' | '+' | '@' | '\\' => Token::Any,
            '?' => Token::One,
            letter => Token::Letter(letter),
        });
        before = letter;
    }
}

fn matches_tokens(tokens: &[Token], wanted: &[char]) -> bool {
    let letters = tokens.iter().filter(|token| matches!(token, Token::Letter(_) | Token::One)).count();
    if letters > wanted.len() {
        return false;
    }
    let mut reached = vec![false; wanted.len() + 1];
    if let Some(first) = reached.first_mut() {
        *first = true;
    }
    let mut was_any = false;
    for token in tokens {
        // Several unknown pieces side by side are one.
        if matches!(token, Token::Any) && was_any {
            continue;
        }
        was_any = matches!(token, Token::Any);
        let mut next = vec![false; wanted.len() + 1];
        for (at, is_reached) in reached.iter().enumerate().filter(|(_, is_reached)| **is_reached) {
            let mut mark = |at: usize| {
                if let Some(place) = next.get_mut(at) {
                    *place |= *is_reached;
                }
            };
            match token {
                Token::Letter(letter) if wanted.get(at) == Some(letter) => mark(at + 1),
                Token::Letter(_) => {}
                Token::One => mark(at + 1),
                Token::Any => (at..=wanted.len()).for_each(mark),
                Token::Digits => {
                    let digits = wanted.iter().skip(at).take_while(|letter| letter.is_ascii_digit());
                    (at..=at + digits.count()).for_each(mark);
                }
            }
        }
        reached = next;
    }
    reached.last().copied().unwrap_or(false)
}

/// Words that one rule is tried on, with what has been matched so far.
struct Trial<'r> {
    prefix: &'r [Vec<String>],
    /// Per number of words of the prefix that stand matched: how sure that is.
    reached: Vec<Option<Match>>,
    /// The same where the next word may be the value of an option.
    pending: Vec<Option<Match>>,
    options: Option<Grammar>,
}

impl<'r> Trial<'r> {
    fn new(prefix: &'r [Vec<String>], options: Option<Grammar>) -> Self {
        let mut reached = vec![None; prefix.len() + 1];
        if let Some(first) = reached.first_mut() {
            *first = Some(Match::Certain);
        }
        Self { prefix, pending: vec![None; prefix.len() + 1], reached, options }
    }

    /// Takes one word. How sure the whole prefix stands matched now.
    fn take(&mut self, word: &impl Spoken) -> Option<Match> {
        let length = self.prefix.len();
        let mut reached = vec![None; length + 1];
        let mut pending = vec![None; length + 1];
        let raise = |list: &mut Vec<Option<Match>>, at: usize, sure: Option<Match>| {
            if let Some(place) = list.get_mut(at) {
                *place = (*place).max(sure);
            }
        };
        for at in 0..length {
            // The value of an option: it is passed over.
            let skipped = self.pending.get(at).copied().flatten();
            raise(&mut reached, at, skipped);
            let Some(sure) = self.reached.get(at).copied().flatten() else { continue };
            let choices = self.prefix.get(at).map(Vec::as_slice).unwrap_or_default();
            let fit = choices.iter().filter_map(|wanted| word.fits(wanted, at == 0)).max();
            if let Some(fit) = fit {
                raise(&mut reached, at + 1, Some(sure.min(fit)));
            }
            if word.splits() {
                for later in at..=length {
                    raise(&mut reached, later, Some(Match::Possible));
                }
            }
            if at > 0 && word.start().len() > 1 && word.start().starts_with(['-', '+']) {
                let (may_stay, may_skip) = self.option(word);
                if may_stay {
                    raise(&mut reached, at, Some(sure));
                }
                if may_skip {
                    raise(&mut pending, at, Some(sure));
                }
            }
        }
        self.reached = reached;
        self.pending = pending;
        self.reached.last().copied().flatten()
    }

    /// Whether an option may stand alone, and whether the next word may be its value.
    fn option(&self, word: &impl Spoken) -> (bool, bool) {
        let start = word.start();
        if start.starts_with('+') || start == "--" {
            return (true, false);
        }
        let Some(grammar) = self.options else {
            return (true, word.is_known() && !start.contains('='));
        };
        let takes_value = match start.strip_prefix("--") {
            Some(long) => !long.contains('=') && grammar.long.iter().any(|known| known.starts_with(long)),
            None => {
                let valued =
                    start.char_indices().skip(1).find(|(_, letter)| grammar.valued.contains(*letter));
                valued.is_some_and(|(at, letter)| at + letter.len_utf8() == start.len())
            }
        };
        let takes_value = takes_value && word.is_known();
        (!takes_value, takes_value)
    }

    fn is_over(&self) -> bool {
        self.reached.iter().chain(&self.pending).all(Option::is_none)
    }
}

/// Whether a rule that does not allow matches.
pub(super) fn strict_match<'w, W: Spoken + 'w>(
    rule: &CommandRule,
    words: impl Iterator<Item = &'w W> + Clone,
    options: Option<Grammar>,
) -> Option<Match> {
    if rule.prefix.is_empty() {
        return None;
    }
    let found = prefix_match(&rule.prefix, words.clone(), options);
    if found == Some(Match::Certain)
        || !rule.prefix.iter().skip(1).any(|choices| clusters::are_letters(choices))
    {
        return found;
    }
    // `rm -rf` speaks of `rm -f -r` as well.
    let (letters, rest): (Vec<_>, Vec<_>) =
        rule.prefix.iter().cloned().partition(|choices| clusters::are_letters(choices));
    let starts: Vec<&str> = words.clone().skip(1).map(Spoken::start).collect();
    let given = letters.iter().map(|choices| clusters::given(choices, &starts)).min().flatten();
    let others = given.and_then(|given| Some(prefix_match(&rest, words, options)?.min(given)));
    found.max(others)
}

fn prefix_match<'w, W: Spoken + 'w>(
    prefix: &[Vec<String>],
    words: impl Iterator<Item = &'w W>,
    options: Option<Grammar>,
) -> Option<Match> {
    let mut trial = Trial::new(prefix, options);
    let mut best = None;
    for word in words {
        best = best.max(trial.take(word));
        if best == Some(Match::Certain) || trial.is_over() {
            break;
        }
    }
    best
}

/// The strictest rule for words that are all known, as a system call gives them. The program counts by its whole name
/// and by its last part; options before a sub-command do not hide it. `None` if no rule speaks of the command.
#[must_use]
pub fn rule_for<'r>(
    commands: &'r Commands,
    words: &[impl AsRef<str>],
    agent: Option<&str>,
) -> Option<&'r CommandRule> {
    if commands.rules.is_empty() {
        return None;
    }
    let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    let options = words.first().and_then(|program| global_options(&program_of(program)));
    let speaks = |rule: &&CommandRule| {
        rule.is_for(agent)
            && match rule.decision {
                CommandDecision::Allow => rule.matches_words(&words),
                _ => strict_match(rule, words.iter(), options).is_some(),
            }
    };
    let strictest = commands.rules.iter().filter(speaks).max_by_key(|rule| rule.decision)?;
    if strictest.decision == CommandDecision::Allow {
        return Some(strictest);
    }
    let owned: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    let command = argv(&owned, Span::default()).commands.pop()?;
    let matters = matters_to(&Table::built_in(), &command);
    commands.rules.iter().filter(speaks).filter(|rule| matters(rule)).max_by_key(|rule| rule.decision)
}

/// Tells which rules hold for a command: all, unless it asks for help or the version alone. Who asks how to push does
/// not push; only a rule that allows, or that speaks of the question itself, holds for that.
fn matters_to(table: &Table, command: &Command) -> impl Fn(&CommandRule) -> bool + use<> {
    let question = table.only_informs(command).then(|| command.words.last().and_then(Word::text)).flatten();
    move |rule| match &question {
        Some(question) if rule.decision > CommandDecision::Allow => {
            rule.prefix.iter().any(|choices| choices.contains(question))
        }
        _ => true,
    }
}

/// A rule that speaks of a command.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found<'r> {
    pub rule: &'r CommandRule,
    pub sure: Match,
}

/// Every rule that matches, or may match, a command, strictest first and surest first.
pub(super) fn rules_of<'r>(
    commands: &'r Commands,
    table: &Table,
    command: &Command,
    agent: Option<&str>,
) -> Vec<Found<'r>> {
    if commands.rules.is_empty() || command.words.is_empty() {
        return Vec::new();
    }
    let mut found = rules_of_words(commands, &command.words, agent);
    // Reading the table takes a while, so it is asked only where a rule speaks of this program.
    let concerns = |rule: &CommandRule| {
        let fits = |program: &Word| {
            let text = program.text();
            let choices = rule.prefix.first().map(Vec::as_slice).unwrap_or_default();
            text.is_some_and(|text| choices.iter().any(|wanted| text.as_str().fits(wanted, true).is_some()))
        };
        rule.decision > CommandDecision::Allow
            && rule.prefix.len() > 1
            && command.words.first().is_some_and(fits)
    };
    if commands.rules.iter().any(concerns)
        && let Some(first_names) = known::first_names(table, command)
    {
        let strict = rules_of_words(commands, &first_names, agent);
        found.extend(strict.into_iter().filter(|found| found.rule.decision > CommandDecision::Allow));
    }
    if found.iter().any(|found| found.rule.decision > CommandDecision::Allow) {
        let matters = matters_to(table, command);
        found.retain(|found| matters(found.rule));
    }
    found.sort_by_key(|found| std::cmp::Reverse((found.sure, found.rule.decision)));
    found
}

fn rules_of_words<'r>(commands: &'r Commands, words: &[Word], agent: Option<&str>) -> Vec<Found<'r>> {
    let seen = |word: &Word| (word.text(), word.known_start());
    let texts: Vec<(Option<String>, String)> = words.iter().map(seen).collect();
    let words: Vec<Seen<'_>> =
        words.iter().zip(texts).map(|(word, (text, start))| Seen { word, text, start }).collect();
    let program = words.first().and_then(|word| word.text.as_deref());
    let options = program.and_then(|program| global_options(&program_of(program)));
    let mut found: Vec<Found<'r>> = Vec::new();
    for rule in commands.rules.iter().filter(|rule| rule.is_for(agent)) {
        let sure = match rule.decision {
            CommandDecision::Allow => {
                let known: Vec<&str> =
                    words.iter().map_while(|word| word.text.as_deref()).take(rule.prefix.len()).collect();
                rule.matches_words(&known).then_some(Match::Certain)
            }
            _ => strict_match(rule, words.iter(), options),
        };
        found.extend(sure.map(|sure| Found { rule, sure }));
    }
    found
}
