//! The verdict on a text or a command, before anything runs.
//!
//! The policy's rules speak first, of every command at every depth, and the strictest counts. Then what the commands
//! do is held against [`Policy::decide`]. Then the profile's default. A verdict of `allow` never widens the sandbox.

mod builtins;
mod clusters;
mod course;
mod defaults;
mod effects;
mod examples;
mod handed;
mod known;
mod location;
mod matches;
mod names;
mod paths;
mod proc;
mod rules;
mod suggestion;
mod windows;

#[cfg(test)]
mod tests;

pub use builtins::builtin_rule;
pub use examples::run_rule_tests;
pub use rules::rule_for;
pub use suggestion::Suggestion;

use crate::command::{Command, Part, Problem, Script, Shell, Span, Unknown, Word};
use crate::effect::{Effect, EffectKind};
use crate::knowledge::Table;
use crate::launch::{Followed, follow_with};
use crate::parse::{argv, parse, parse_batch};
use course::Course;
use defaults::{Situation, default_for};
use garth_policy::{AbsPath, CommandDecision, Context, Origin, Policy};
use paths::Place;
use rules::Match;
use serde::Serialize;
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};

/// Where a command would run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Surroundings {
    /// The workspace, the home and the system.
    pub context: Context,
    /// The working directory.
    pub directory: AbsPath,
    /// Variables whose value is known for certain.
    pub variables: BTreeMap<String, String>,
    /// The agent that asks, by its name in the policy.
    pub agent: Option<String>,
}

/// Why a verdict is what it is, in one word for programs. Of reasons that decide the same, the first here is told
/// first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// A rule of the policy matches.
    Rule,
    /// A file is written that the host later trusts.
    ProtectedWrite,
    /// Something outside the workspace is deleted.
    OutsideDelete,
    /// The policy does not grant what the command does.
    EffectDenied,
    /// A part is not understood.
    Problem,
    /// A rule may match: a word that it looks at is only known at run time.
    PossibleRule,
    /// More rights are gained, or a service acts that has more.
    Elevates,
    /// Code or commands run that no vetting sees.
    RunsUnvetted,
    /// Nothing is known of a program, or only the run will show which it is.
    UnknownProgram,
    /// A target is only known at run time, or the words do not show what is done.
    UnknownValue,
    /// Settings that outlive the command change.
    ChangesConfig,
    /// It connects to a host that the words do not name, which the sandbox holds: with `network.mode = "deny"` it
    /// reaches none and is likely to fail, with an allow-list those alone that are allowed.
    UnnamedHost,
    /// Not judged further, because the sandbox holds what it does. Speaks for nothing and against nothing.
    Contained,
}

/// One reason, with the piece of the text that it is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// In one word.
    pub code: Code,
    /// What this reason alone would decide.
    pub decision: CommandDecision,
    /// Where in the text.
    pub span: Span,
    /// For the person who decides.
    pub person: String,
    /// For the model that wrote the command: what to do instead.
    pub model: String,
    /// The rule that says so, where one does.
    pub origin: Option<Origin>,
    /// Which of the commands it is about.
    #[serde(skip)]
    pub(crate) command: Option<usize>,
}

/// An effect as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct JudgedEffect {
    /// What it is.
    pub kind: EffectKind,
    /// On what: an absolute path, a host, or the words with `?` where they are not known.
    pub target: Option<String>,
    /// Everything below it is meant too.
    pub recursive: bool,
}

/// A command as it was understood.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct JudgedCommand {
    /// The words; `?` stands for what is not known.
    pub words: Vec<String>,
    /// The launchers through which it is reached, outermost first.
    pub via: Vec<String>,
    /// Where it stands.
    pub span: Span,
    /// What it does, as far as that is known.
    pub effects: Vec<JudgedEffect>,
}

/// What is said of a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// The decision.
    pub decision: CommandDecision,
    /// Why, strictest first. What speaks against nothing has the decision `allow`.
    pub reasons: Vec<Reason>,
    /// What would run.
    pub commands: Vec<JudgedCommand>,
    /// The rules with which this would be allowed from now on, where rules can do that.
    pub suggestion: Option<Suggestion>,
}

/// Letters of a sentence that are kept.
const SENTENCE: usize = 500;

/// Reasons that are kept; a text with more is refused no less.
const MOST_REASONS: usize = 200;

/// A policy, a place and a table of programs, by which texts are judged.
#[derive(Clone, Copy, Debug)]
pub struct Judge<'p> {
    /// The policy.
    pub policy: &'p Policy,
    /// Where a command would run.
    pub surroundings: &'p Surroundings,
    /// What is known of programs: what is compiled in, and the rows of the policy.
    pub table: &'p Table,
}

impl Judge<'_> {
    /// Judges a text in the grammar of a shell. Total and deterministic; takes time that grows with the text.
    #[must_use]
    pub fn text(&self, shell: Shell, text: &str) -> Verdict {
        self.script(parse(shell, text), text)
    }

    /// Judges the text of a batch file, in which percent signs mean other things than in a line that is typed.
    #[must_use]
    pub fn batch(&self, text: &str) -> Verdict {
        self.script(parse_batch(text), text)
    }

    /// Judges words that the system executes as they are. Spans count in the words with one blank between them.
    #[must_use]
    pub fn words(&self, words: &[String]) -> Verdict {
        self.script(placed(words), &words.join(" "))
    }

    /// What the rules of the policy alone have against words that the system executes: a denial of any command at any
    /// depth, or a question about the very command. Questions about commands further in, and what is not understood,
    /// are left to the moment at which those start, when their words are known. What the commands do is not looked at,
    /// so this is quick.
    #[must_use]
    pub fn obstacle(&self, words: &[String]) -> Option<Reason> {
        let followed = follow_with(placed(words), self.table);
        let mut judging = Judging::new(*self, &followed, "");
        let commands = &followed.script.commands;
        for (number, command) in commands.iter().enumerate() {
            judging.rules(number, command, false);
        }
        let is_outermost =
            |number: usize| commands.get(number).is_some_and(|command: &Command| command.via.is_empty());
        let counts = |reason: &Reason| match reason.decision {
            CommandDecision::Deny => true,
            CommandDecision::Ask => reason.code == Code::Rule && reason.command.is_some_and(is_outermost),
            CommandDecision::Allow => false,
        };
        let found = judging.reasons.into_iter().filter(counts);
        found.min_by_key(|reason| (Reverse(reason.decision), reason.code))
    }

    fn script(&self, script: Script, text: &str) -> Verdict {
        let followed = follow_with(script, self.table);
        let mut judging = Judging::new(*self, &followed, text);
        judging.problems(&followed);
        judging.all(&followed);
        judging.verdict(&followed)
    }
}

/// As [`Judge::text`], with the table that is compiled in.
#[must_use]
pub fn judge(policy: &Policy, surroundings: &Surroundings, shell: Shell, text: &str) -> Verdict {
    Judge { policy, surroundings, table: &Table::built_in() }.text(shell, text)
}

/// As [`Judge::batch`], with the table that is compiled in.
#[must_use]
pub fn judge_batch(policy: &Policy, surroundings: &Surroundings, text: &str) -> Verdict {
    Judge { policy, surroundings, table: &Table::built_in() }.batch(text)
}

/// As [`Judge::words`], with the table that is compiled in.
#[must_use]
pub fn judge_argv(policy: &Policy, surroundings: &Surroundings, words: &[String]) -> Verdict {
    Judge { policy, surroundings, table: &Table::built_in() }.words(words)
}

/// As [`Judge::obstacle`], with the table that is compiled in.
#[must_use]
pub fn obstacle(policy: &Policy, surroundings: &Surroundings, words: &[String]) -> Option<Reason> {
    Judge { policy, surroundings, table: &Table::built_in() }.obstacle(words)
}

/// Words as a script, each with its place in the line that they make.
fn placed(words: &[String]) -> Script {
    let length: usize = words.iter().map(|word| word.len() + 1).sum();
    let mut script = argv(words, Span { start: 0, end: length.saturating_sub(1) });
    let mut start = 0;
    for word in script.commands.iter_mut().flat_map(|command| &mut command.words) {
        let length = word.text().unwrap_or_default().len();
        word.span = Span { start, end: start + length };
        start += length + 1;
    }
    script
}

/// A verdict in the making.
struct Judging<'p> {
    policy: &'p Policy,
    table: &'p Table,
    surroundings: &'p Surroundings,
    place: Place<'p>,
    reasons: Vec<Reason>,
    commands: Vec<JudgedCommand>,
    looks: usize,
    /// Effects that were judged.
    judged: usize,
    /// The strictest decision of a reason so far.
    strictest: Option<CommandDecision>,
    /// What is safer than the command of this number.
    safer: Option<(usize, Option<String>)>,
}

/// What is to be said about one command, while it is judged.
struct Current<'c> {
    number: usize,
    command: &'c Command,
    /// A rule allows the command itself.
    is_allowed: bool,
}

impl<'p> Judging<'p> {
    fn new(judge: Judge<'p>, followed: &Followed, text: &str) -> Self {
        let Judge { policy, surroundings, table } = judge;
        let place = Place::new(surroundings, &followed.script.commands, text);
        let (reasons, commands) = (Vec::new(), Vec::new());
        Self {
            policy,
            table,
            surroundings,
            place,
            reasons,
            commands,
            looks: 0,
            judged: 0,
            strictest: None,
            safer: None,
        }
    }
}

impl Judging<'_> {
    fn problems(&mut self, followed: &Followed) {
        followed.script.problems.iter().for_each(|problem| self.problem(problem));
    }

    fn problem(&mut self, problem: &Problem) {
        self.reason(Reason {
            code: Code::Problem,
            decision: self.default(Situation::Problem),
            span: problem.span,
            person: format!("not understood: {}", problem.what),
            model: format!("write it in a plainer way: {}", problem.what),
            origin: None,
            command: None,
        });
    }

    fn all(&mut self, followed: &Followed) {
        let mut opaque = followed.opaque.iter().peekable();
        let mut of_launchers = followed.effects.iter().peekable();
        let definitions: HashSet<&str> = followed.script.definitions.iter().map(String::as_str).collect();
        let mut course = Course::new(&followed.script, &mut self.place);
        for (number, command) in followed.script.commands.iter().enumerate() {
            course.arrive(number, &mut self.place);
            let is_allowed = self.rules(number, command, true);
            let current = Current { number, command, is_allowed };
            self.commands.push(JudgedCommand {
                words: command.words.iter().map(shown).collect(),
                via: command.via.clone(),
                span: command.span,
                effects: Vec::new(),
            });
            let mut effects: Vec<&Effect> = Vec::new();
            while let Some((_, effect)) = of_launchers.next_if(|(owner, _)| *owner <= number) {
                effects.push(effect);
            }
            self.program(&current, &effects, &definitions);
            while let Some(hidden) = opaque.next_if(|hidden| hidden.command <= number) {
                self.hidden(&current, &hidden.what, hidden.span);
            }
            course.pass(command, &mut self.place);
        }
    }

    /// The rules of the policy. True if one allows the command and none speaks against it.
    ///
    /// `guesses`: whether a program that nothing is known of may run what its words spell out. Where every program is
    /// held against the rules as it starts, that need not be guessed: a task for an agent may name a command.
    fn rules(&mut self, number: usize, command: &Command, guesses: bool) -> bool {
        let policy = self.policy;
        let found =
            rules::rules_of(&policy.commands, self.table, command, self.surroundings.agent.as_deref());
        let certain =
            found.iter().filter(|found| found.sure == Match::Certain).max_by_key(|found| found.rule.decision);
        let possible = found.iter().find(|found| found.sure == Match::Possible);
        if let Some(found) = certain.filter(|found| found.rule.decision > CommandDecision::Allow) {
            let rule = found.rule;
            let why = if rule.reason.is_empty() { "a rule of the policy speaks of it" } else { &rule.reason };
            let instead =
                self.instead(number, command).map_or_else(String::new, |other| format!("; {other}"));
            let line = line_of(command);
            let verb = if rule.decision == CommandDecision::Deny { "denied" } else { "asked for" };
            self.reason(Reason {
                code: Code::Rule,
                decision: rule.decision,
                span: command.span,
                person: format!("`{line}` is {verb} by a rule: {why}"),
                model: format!("do not run `{line}`: {why}{instead}"),
                origin: Some(rule.origin.clone()),
                command: Some(number),
            });
        }
        let agent = self.surroundings.agent.as_deref();
        let possible = possible.map(|found| found.rule).or_else(|| {
            (guesses && found.is_empty())
                .then(|| handed::handed_on(&policy.commands, command, (agent, self.table)))
                .flatten()
        });
        if let Some(rule) = possible {
            let name = prefix_of(rule);
            let line = line_of(command);
            self.reason(Reason {
                code: Code::PossibleRule,
                decision: CommandDecision::Ask,
                span: command.span,
                person: format!("`{line}` may turn out to be `{name}`, of which a rule speaks"),
                model: format!("spell the command out, so that it is plain whether it is `{name}`"),
                origin: Some(rule.origin.clone()),
                command: Some(number),
            });
        }
        possible.is_none() && certain.is_some_and(|found| found.rule.decision == CommandDecision::Allow)
    }

    /// The program of a command and what it does.
    fn program(&mut self, current: &Current<'_>, of_launchers: &[&Effect], definitions: &HashSet<&str>) {
        let command = current.command;
        let known = known::effects(self.table, command);
        if let Some(program) = command.words.first() {
            match program.text() {
                None => self.unknown_name(current, program),
                Some(name)
                    if known.is_none() && of_launchers.is_empty() && !definitions.contains(name.as_str()) =>
                {
                    self.situation(
                        current,
                        Situation::UnknownProgram,
                        Code::UnknownProgram,
                        program.span,
                        || {
                            let person = format!("nothing is known of the program `{name}`");
                            (person, format!("say what `{name}` does, or use a program that is known"))
                        },
                    );
                }
                Some(_) => {}
            }
        }
        for effect in &known.unwrap_or_else(|| known::variables(self.table, command)) {
            self.effect(current, effect, false);
        }
        for effect in of_launchers {
            self.effect(current, effect, false);
        }
        for effect in known::redirections(command) {
            self.effect(current, &effect, true);
        }
    }

    fn unknown_name(&mut self, current: &Current<'_>, program: &Word) {
        if let [Part::Home(_), Part::Text(_)] = program.parts.as_slice() {
            return;
        }
        self.situation(current, Situation::UnknownName, Code::UnknownProgram, program.span, || {
            let person = format!("which program `{}` is, only the run will show", shown(program));
            (person, "write the program's name out in the command".to_owned())
        });
    }

    fn hidden(&mut self, current: &Current<'_>, what: &str, span: Span) {
        self.situation(current, Situation::HiddenCode, Code::RunsUnvetted, span, || {
            let person = format!("it runs {what}, which cannot be looked through");
            (person, format!("run the commands themselves, one by one, in place of {what}"))
        });
    }

    /// A safer way to the same end; looked up once for each command.
    fn instead(&mut self, number: usize, command: &Command) -> Option<String> {
        if self.safer.as_ref().is_none_or(|(known, _)| *known != number) {
            self.safer = Some((number, known::instead(self.table, command)));
        }
        self.safer.as_ref().and_then(|(_, safer)| safer.clone())
    }

    /// What the profile says of a situation, unless a rule allows the command.
    fn situation(
        &mut self,
        current: &Current<'_>,
        situation: Situation,
        code: Code,
        span: Span,
        sentences: impl FnOnce() -> (String, String),
    ) {
        if current.is_allowed {
            return;
        }
        let (decision, why) = default_for(self.policy.profile.value, situation);
        let code = if decision == CommandDecision::Allow { Code::Contained } else { code };
        let (person, model) = sentences();
        let (person, command) = (format!("{person}; {why}"), Some(current.number));
        self.reason(Reason { code, decision, span, person, model, origin: None, command });
    }

    fn default(&self, situation: Situation) -> CommandDecision {
        default_for(self.policy.profile.value, situation).0
    }

    fn reason(&mut self, mut reason: Reason) {
        for sentence in [&mut reason.person, &mut reason.model] {
            if let Some((at, _)) = sentence.char_indices().nth(SENTENCE) {
                sentence.truncate(at);
                sentence.push_str("...");
            }
        }
        let is_known = self.reasons.iter().rev().take(20).any(|known| {
            let is_same = (known.code, known.span) == (reason.code, reason.span);
            // What speaks against nothing is said once of a place, however many rows of the table say it.
            is_same && (known.person == reason.person || reason.code == Code::Contained)
        });
        // One that is stricter than all before it decides, so it is kept however many there are.
        let is_full = self.reasons.len() >= MOST_REASONS && self.strictest >= Some(reason.decision);
        if is_known || is_full {
            return;
        }
        self.strictest = self.strictest.max(Some(reason.decision));
        self.reasons.push(reason);
    }

    fn verdict(mut self, followed: &Followed) -> Verdict {
        self.reasons.sort_by_key(|reason| (Reverse(reason.decision), reason.code));
        let decision = self.reasons.first().map_or(CommandDecision::Allow, |reason| reason.decision);
        let suggestion = match decision {
            CommandDecision::Ask => suggestion::suggest(&self.reasons, &followed.script.commands),
            CommandDecision::Allow | CommandDecision::Deny => None,
        };
        Verdict { decision, reasons: self.reasons, commands: self.commands, suggestion }
    }
}

/// A word for a reader: `?` stands for what is not known.
fn shown(word: &Word) -> String {
    let mut shown = String::new();
    for part in &word.parts {
        match part {
            Part::Text(text) | Part::Pattern(text) => shown.push_str(text),
            Part::Home(user) => {
                shown.push('~');
                shown.push_str(user.as_deref().unwrap_or_default());
            }
            Part::Unknown { why: Unknown::Names(names), .. } => {
                shown.push_str(names.first().map_or("?", String::as_str));
            }
            Part::Unknown { .. } => shown.push('?'),
        }
    }
    shown
}

/// Letters of a command that are shown in a sentence.
const SHOWN: usize = 60;

fn line_of(command: &Command) -> String {
    let mut line = String::new();
    for word in &command.words {
        if line.len() > SHOWN {
            break;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&shown(word));
    }
    let cut = line.char_indices().nth(SHOWN).map(|(at, _)| at);
    match cut {
        Some(at) => format!("{}...", line.get(..at).unwrap_or_default()),
        None => line,
    }
}

fn prefix_of(rule: &garth_policy::CommandRule) -> String {
    let words = rule.prefix.iter().map(|choices| choices.join("|"));
    words.collect::<Vec<_>>().join(" ")
}
