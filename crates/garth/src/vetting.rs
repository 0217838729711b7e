//! Texts and commands judged before anything runs, by the policy that is in force here.

use crate::Error;
use crate::files::{check_file, load_policy, write_user_policy};
use crate::grant::{Grant, with};
use crate::place::{Surroundings, surroundings};
use garth_policy::{AbsPath, Addition, Context, Flag, Layer, Policy, ProgramRow, RuleTest, Severity, Source};
use garth_vet::Shell;
use garth_vet::judge::{self, Judge, Verdict};
use garth_vet::knowledge::Table;
use std::collections::BTreeMap;

/// What is to be judged.
#[derive(Clone, Copy, Debug)]
pub enum Given<'g> {
    /// A text in the grammar of a shell.
    Text(Shell, &'g str),
    /// A script in the grammar of a shell, which differs from a text where files differ from typed lines.
    Script(Shell, &'g str),
    /// The words of one command, which no shell looks at.
    Words(&'g [String]),
}

/// A policy and a place, ready to judge.
#[derive(Clone, Debug)]
pub struct Vetting {
    policy: Policy,
    table: Table,
    surroundings: judge::Surroundings,
}

impl Vetting {
    /// Loads the policy that is in force for this workspace. `file` replaces the user's own.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn new(
        workspace: Option<&AbsPath>,
        file: Option<&AbsPath>,
        flags: &[Flag],
        environment: &[(Vec<u8>, Vec<u8>)],
    ) -> Result<Self, Error> {
        let found = surroundings(workspace, environment)?;
        let policy = load_policy(&found, environment, file, flags)?.policy;
        let table = table(&policy)?;
        Ok(Self { policy, table, surroundings: place(&found) })
    }

    /// For a sandbox that has its policy and place already.
    ///
    /// # Errors
    /// A row of the policy for the table of programs that cannot be read.
    #[cfg(any(target_os = "linux", windows))]
    pub(crate) fn of(policy: &Policy, found: &Surroundings) -> Result<Self, Error> {
        Ok(Self { policy: policy.clone(), table: table(policy)?, surroundings: place(found) })
    }

    /// Judges for an agent, by its name in the policy, that works in a directory.
    #[must_use]
    pub fn judge(&self, given: Given<'_>, agent: Option<&str>, directory: Option<&AbsPath>) -> Verdict {
        let mut surroundings = self.surroundings.clone();
        surroundings.agent = agent.map(str::to_owned);
        if let Some(directory) = directory {
            surroundings.variables.insert("PWD".to_owned(), directory.to_lossless());
            surroundings.directory = directory.clone();
        }
        let judge = Judge { policy: &self.policy, surroundings: &surroundings, table: &self.table };
        match given {
            Given::Script(Shell::Cmd, text) => judge.batch(text),
            Given::Text(shell, text) | Given::Script(shell, text) => judge.text(shell, text),
            Given::Words(words) => judge.words(words),
        }
    }
}

/// What is known of programs under a policy: what is compiled in, and the rows of the policy over it.
fn table(policy: &Policy) -> Result<Table, Error> {
    let mut table = Table::built_in();
    for row in &policy.programs {
        table.add_program(row).map_err(|error| Error::Policy(format!("{error}\nhint: correct the row")))?;
    }
    Ok(table)
}

/// Tries the examples of the policy's rules, as verdicts are made.
///
/// # Errors
/// A row of the policy for the table of programs that cannot be read.
pub fn run_rule_tests(policy: &Policy) -> Result<Vec<RuleTest>, Error> {
    Ok(judge::run_rule_tests(&policy.commands, &table(policy)?))
}

/// Whether a row of a policy can be read; what is wrong otherwise.
pub(crate) fn check_program(row: &ProgramRow) -> Result<(), String> {
    Table::default().add_program(row).map_err(|error| error.what)
}

/// Adds rules that allow commands which begin with these words to a policy file of the user, for one agent or for all.
/// The rest of the file stays as it is; a rule that is there already is not added again.
///
/// # Errors
/// What [`garth_policy::add`] says, a file that others can write to, a text that would be no valid policy with the rules, and what
/// keeps the file from being written. The file is as it was then.
pub fn allow_commands(
    path: &AbsPath,
    context: &Context,
    prefixes: &[Vec<String>],
    agent: Option<&str>,
) -> Result<(), Error> {
    write_user_policy(path, |text| {
        let text = with(text, path, &additions(prefixes, agent))?;
        let source = Source { name: path.to_string(), text };
        let found = check_file(&source, Layer::User, context);
        match found.list.iter().any(|found| found.severity == Severity::Error) {
            true => Err(Error::Policy(found.render(false))),
            false => Ok(source.text),
        }
    })
}

/// What [`allow_commands`] would change in the file, and what would then hold.
///
/// # Errors
/// As [`Grant::of`].
pub fn allowing_commands(
    path: &AbsPath,
    prefixes: &[Vec<String>],
    agent: Option<&str>,
) -> Result<Grant, Error> {
    Grant::of(path, &additions(prefixes, agent))
}

fn additions(prefixes: &[Vec<String>], agent: Option<&str>) -> Vec<Addition> {
    let one = |prefix: &Vec<String>| Addition::Command(prefix.clone(), agent.map(str::to_owned));
    prefixes.iter().map(one).collect()
}

/// The place as a verdict is told of it. Of variables only the working directory is certain inside.
fn place(found: &Surroundings) -> judge::Surroundings {
    let directory = found.directory.clone();
    let variables = BTreeMap::from([("PWD".to_owned(), directory.to_lossless())]);
    judge::Surroundings { context: found.context.clone(), directory, variables, agent: None }
}

/// Whether a rule of the policy could keep a command from starting, or ask for it.
#[cfg(any(target_os = "linux", windows))]
pub(crate) fn restricts(policy: &Policy) -> bool {
    policy.commands.rules.iter().any(|rule| rule.decision > garth_policy::CommandDecision::Allow)
}

/// What keeps a command from being started in a sandbox at all: rules of the policy. What it starts is judged again when
/// that starts, and what it does is held by the sandbox itself.
///
/// # Errors
/// A row of the policy for the table of programs that cannot be read.
#[cfg(any(target_os = "linux", windows))]
pub(crate) fn obstacle(
    policy: &Policy,
    found: &Surroundings,
    arguments: &[Vec<u8>],
) -> Result<Option<judge::Reason>, Error> {
    if !restricts(policy) {
        return Ok(None);
    }
    let words: Vec<String> =
        arguments.iter().map(|word| String::from_utf8_lossy(word).into_owned()).collect();
    let (table, surroundings) = (table(policy)?, place(found));
    Ok(Judge { policy, surroundings: &surroundings, table: &table }.obstacle(&words))
}

/// As [`obstacle`], for the command that the sandbox is made for: a script is judged by what the kernel starts in its place
/// too.
///
/// # Errors
/// As [`obstacle`].
#[cfg(target_os = "linux")]
pub(crate) fn first_obstacle(
    policy: &Policy,
    found: &Surroundings,
    target: &garth_plan::linux::spec::Target,
) -> Result<Option<judge::Reason>, Error> {
    let own = obstacle(policy, found, &target.arguments)?;
    if !restricts(policy) {
        return Ok(own);
    }
    let script = |program: &Vec<u8>| {
        let interpreter = garth_host::linux::supervise::own_interpreters(program);
        (!interpreter.is_empty()).then(|| [interpreter, vec![program.clone()]].concat())
    };
    let Some(mut words) = target.programs.iter().find_map(script) else { return Ok(own) };
    words.extend(target.arguments.iter().skip(1).cloned());
    let of_interpreter = obstacle(policy, found, &words)?;
    Ok(own.into_iter().chain(of_interpreter).max_by_key(|reason| reason.decision))
}
