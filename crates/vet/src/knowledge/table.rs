//! The tables of programs: their closed model, and the rows that come of it.

use super::environment::Variable;
use super::spec::{self, Action, Arity, Doing, Item, OptionSpec, Times};
use super::unread::Unread;
use crate::command::Shell;
use garth_policy::ProgramRow;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// One text of the table as it is written. Keys of `program`, `sub` and `variable` are names.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct File {
    /// The style of all rows that do not say their own.
    #[serde(default)]
    style: Style,
    /// The shells in which alone the names mean these programs; empty for all.
    #[serde(default)]
    shells: Vec<Shell>,
    #[serde(default)]
    group: BTreeMap<String, Options>,
    #[serde(default)]
    program: BTreeMap<String, Program>,
    #[serde(default)]
    variable: BTreeMap<String, Variable>,
}

/// How a program reads its options.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Style {
    /// Clustered short options, long options with `=`, `--` ends them.
    #[default]
    Gnu,
    /// Long names behind one dash: `find`, `java`, `go`, `openssl`. Expression words count as options.
    Dash,
    /// `/x`, `/x:value`, in any case, as Windows programs take them.
    Slash,
    /// PowerShell parameters: any case, abbreviated, `-Name:value`.
    Parameters,
}

/// Options, in four lists.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Options {
    /// Switches that change nothing here.
    #[serde(default)]
    flags: String,
    /// Options with a value that changes nothing here.
    #[serde(default)]
    values: String,
    /// Options with a value that is only taken when it is joined.
    #[serde(default)]
    joined: String,
    /// Options that do something, each as a manual writes it.
    #[serde(default)]
    options: Vec<String>,
}

/// Another meaning of the operands, chosen by an option.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Meaning {
    #[serde(default)]
    operands: Vec<String>,
    #[serde(default)]
    empty: Vec<String>,
    #[serde(default)]
    effects: Vec<String>,
}

/// One program or sub-command as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Program {
    /// Further names, with commas between.
    #[serde(default)]
    also: String,
    /// Other names of the same program, with commas between.
    #[serde(default)]
    aliases: String,
    /// As `aliases`, in Windows PowerShell 5.1 alone.
    #[serde(default)]
    old_aliases: String,
    /// What it does, in a few words. A sub-command may leave it to the program.
    reason: Option<String>,
    /// Where that is documented. As `reason`.
    source: Option<String>,
    style: Option<Style>,
    #[serde(default)]
    flags: String,
    #[serde(default)]
    values: String,
    #[serde(default)]
    joined: String,
    #[serde(default)]
    options: Vec<String>,
    /// Groups of options that it shares.
    #[serde(default, rename = "use")]
    groups: Vec<String>,
    #[serde(default)]
    operands: Vec<String>,
    /// What happens without operands.
    #[serde(default)]
    empty: Vec<String>,
    /// What happens in any case.
    #[serde(default)]
    effects: Vec<String>,
    #[serde(default)]
    mode: BTreeMap<String, Meaning>,
    #[serde(default)]
    sub: BTreeMap<String, Program>,
    /// Shorter names of sub-commands, each with the full one: `i = "install"`.
    #[serde(default)]
    short: BTreeMap<String, String>,
    /// For an option, or for the row under the empty key: what is safer.
    #[serde(default)]
    instead: BTreeMap<String, String>,
    /// For an option, beginnings of values with which it does nothing of what it else does.
    #[serde(default)]
    quiet: BTreeMap<String, Vec<String>>,
    /// Words that, alone, print something and stop, besides `--help` and `--version`.
    #[serde(default)]
    info: String,
    /// `-20` is an option.
    number: Option<bool>,
    /// What a word with `+` in front does.
    plus: Option<String>,
    /// Options end at the first operand.
    first: Option<bool>,
    /// Options of the program are also taken behind its sub-command.
    everywhere: Option<bool>,
    /// Long options can be abbreviated.
    abbreviate: Option<bool>,
    /// Every `--option` has its `--no-option`.
    negatable: Option<bool>,
    /// The first word may be short options without a dash: `tar xzf`.
    bundled: Option<bool>,
    /// Words `NAME=value` in front of the operands set variables.
    assignments: Option<bool>,
}

/// A row that was read: a program or one of its sub-commands.
#[derive(Debug)]
pub(super) struct Row {
    /// The first of its names.
    pub name: String,
    /// Names that mean the same as the first.
    pub aliases: Vec<String>,
    /// What it does.
    pub reason: String,
    /// Where that is documented.
    pub source: String,
    /// How it reads options.
    pub style: Style,
    /// All options, by every spelling.
    pub options: BTreeMap<String, Arc<OptionSpec>>,
    /// What operands do.
    pub meaning: Reads,
    /// Other meanings, by name.
    pub modes: BTreeMap<String, Reads>,
    /// Sub-commands by every name.
    pub sub: BTreeMap<String, Arc<Row>>,
    /// Full names of sub-commands by shorter ones.
    pub short: BTreeMap<String, String>,
    /// Safer ways, by option; by the empty text for the row.
    pub instead: BTreeMap<String, String>,
    /// Beginnings of values that make an option harmless.
    pub quiet: BTreeMap<String, Vec<String>>,
    /// Words that alone only print.
    pub info: Vec<String>,
    /// `-20` is an option.
    pub number: bool,
    /// What `+word` does, where it is no operand.
    pub plus: Option<OptionSpec>,
    /// Options end at the first operand.
    pub first: bool,
    /// Options are also taken behind sub-commands.
    pub everywhere: bool,
    /// Long options can be abbreviated.
    pub abbreviate: bool,
    /// Options have a `--no-` form.
    pub negatable: bool,
    /// The first word may be options.
    pub bundled: bool,
    /// `NAME=value` in front sets variables.
    pub assignments: bool,
}

/// What operands mean.
#[derive(Debug, Default)]
pub(super) struct Reads {
    /// By place.
    pub operands: Vec<Item>,
    /// Without any.
    pub empty: Vec<Doing>,
    /// In any case.
    pub effects: Vec<Doing>,
}

/// A row with the shells in which its name means it; none for all.
pub(super) type InShells = (Vec<Shell>, Arc<Row>);

/// All rows.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// Rows that are read when they are asked for, below those that were added.
    pub(super) unread: Option<&'static Unread>,
    /// Rows by name, each with the shells in which the name means it (empty: all).
    pub(super) programs: BTreeMap<String, Vec<InShells>>,
    /// Variables by name.
    pub(super) variables: BTreeMap<String, Arc<Variable>>,
    /// Variables by the beginning of their names, in lower case.
    pub(super) beginnings: BTreeMap<String, Arc<Variable>>,
}

/// Why a text of the table cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableError {
    /// Where the text comes from.
    pub origin: String,
    /// The row, where it is known.
    pub row: Option<String>,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for TableError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.row {
            Some(row) => write!(formatter, "{}: `{row}`: {}", self.origin, self.what),
            None => write!(formatter, "{}: {}", self.origin, self.what),
        }
    }
}

impl std::error::Error for TableError {}

/// Shells in which the names of programs have no case.
const WITHOUT_CASE: [Shell; 3] = [Shell::Cmd, Shell::Pwsh, Shell::WindowsPowershell];

impl Table {
    /// Adds the rows of one text. A text that is added later replaces rows of the same name for the same shells; in
    /// one text a name may stand once.
    ///
    /// # Errors
    /// When the text is no TOML of the closed model, an option or an action cannot be read, a name stands twice, or
    /// a mode or group that is named does not exist. Nothing is added then.
    pub fn add(&mut self, origin: &str, text: &str) -> Result<(), TableError> {
        let file = toml::from_str(text).map_err(|wrong| TableError {
            origin: origin.to_owned(),
            row: None,
            what: wrong.to_string(),
        })?;
        self.add_file(origin, file, false)
    }

    /// Adds a row of a policy, as [`Table::add`] does.
    ///
    /// # Errors
    /// As [`Table::add`].
    pub fn add_program(&mut self, row: &ProgramRow) -> Result<(), TableError> {
        let origin = row.origin.to_string();
        // The text was put together from the policy, so a place in it would say nothing.
        let file = toml::from_str(&row.text).map_err(|wrong| TableError {
            origin: origin.clone(),
            row: Some(row.name.clone()),
            what: wrong.message().to_owned(),
        })?;
        self.add_file(&origin, file, true)
    }

    /// With `folds`, names are also taken in small letters where the shells of Windows look them up so.
    fn add_file(&mut self, origin: &str, file: File, folds: bool) -> Result<(), TableError> {
        let error = |row: Option<&str>, what: String| TableError {
            origin: origin.to_owned(),
            row: row.map(str::to_owned),
            what,
        };
        let mut rows = BTreeMap::new();
        for (name, program) in &file.program {
            let row = compile(name, program, &file, None).map_err(|what| error(Some(name), what))?;
            let row = Arc::new(row);
            let mut names = program.names(name, &file.shells);
            if folds {
                let cased = |(name, _): &&(String, _)| name.bytes().any(|byte| byte.is_ascii_uppercase());
                let small: Vec<String> =
                    names.iter().filter(cased).map(|(name, _)| name.to_ascii_lowercase()).collect();
                names.extend(small.into_iter().map(|name| (name, WITHOUT_CASE.to_vec())));
            }
            for (name, shells) in names {
                if rows.insert((name.clone(), shells), Arc::clone(&row)).is_some() {
                    return Err(error(Some(&name), "the name stands twice".to_owned()));
                }
            }
        }
        let mut variables = BTreeMap::new();
        for (name, variable) in file.variable {
            variable.check().map_err(|what| error(Some(&name), what))?;
            let variable = Arc::new(variable);
            for name in names(&name, &variable.also) {
                variables.insert(name.to_owned(), Arc::clone(&variable));
            }
        }
        for ((name, shells), row) in rows {
            let meanings = self.programs.entry(name).or_default();
            meanings.retain(|(known, _)| *known != shells);
            meanings.push((shells, row));
        }
        for (name, variable) in variables {
            match name.strip_suffix('*') {
                Some(beginning) => self.beginnings.insert(beginning.to_ascii_lowercase(), variable),
                None => self.variables.insert(name, variable),
            };
        }
        Ok(())
    }

    /// The row that a name means in a shell. Rows for that shell alone come first.
    pub(super) fn row(&self, shell: Shell, name: &str) -> Option<&Arc<Row>> {
        let own = self.meanings(name).find(|(shells, _)| shells.contains(&shell));
        own.or_else(|| self.meanings(name).find(|(shells, _)| shells.is_empty())).map(|(_, row)| row)
    }

    /// All that a name means, by shells. What was added takes the place of what stands below for the same shells.
    fn meanings(&self, name: &str) -> impl Iterator<Item = &InShells> {
        let added = self.programs.get(name).map(Vec::as_slice).unwrap_or_default();
        let below = self.unread.into_iter().flat_map(move |unread| unread.meanings(name));
        let is_kept = move |(shells, _): &&InShells| added.iter().all(|(known, _)| known != shells);
        below.filter(is_kept).chain(added)
    }

    /// The row of a variable by its whole name.
    pub(super) fn variable(&self, name: &str) -> Option<&Variable> {
        let added = self.variables.get(name).map(AsRef::as_ref);
        added.or_else(|| self.unread?.variable(name))
    }

    /// The row of all variables that begin as this one does, which is given in lower case.
    pub(super) fn beginning(&self, lower: &str) -> Option<&Variable> {
        let below = self.unread.into_iter().flat_map(Unread::beginnings);
        let mut all = self.beginnings.iter().chain(below);
        all.find(|(start, _)| lower.starts_with(start.as_str())).map(|(_, variable)| variable.as_ref())
    }
}

impl Program {
    /// All names with the shells in which they mean the program. PowerShell's names have no case.
    fn names(&self, name: &str, shells: &[Shell]) -> Vec<(String, Vec<Shell>)> {
        let cmdlets = shells.contains(&Shell::Pwsh);
        let spelled = |name: &str| if cmdlets { name.to_ascii_lowercase() } else { name.to_owned() };
        let everywhere = names(name, &self.also).chain(listed_names(&self.aliases));
        let mut all: Vec<_> = everywhere.map(|name| (spelled(name), shells.to_vec())).collect();
        let old = listed_names(&self.old_aliases);
        all.extend(old.map(|name| (spelled(name), vec![Shell::WindowsPowershell])));
        all
    }
}

fn listed_names(names: &str) -> impl Iterator<Item = &str> {
    names.split(',').map(str::trim).filter(|name| !name.is_empty())
}

fn names<'n>(name: &'n str, also: &'n str) -> impl Iterator<Item = &'n str> {
    std::iter::once(name).chain(listed_names(also))
}

fn compile(name: &str, program: &Program, file: &File, parent: Option<&Row>) -> Result<Row, String> {
    let name = name.to_owned();
    let or_parent = |own: Option<bool>, of: fn(&Row) -> bool| own.unwrap_or_else(|| parent.is_some_and(of));
    let text = |own: &Option<String>, of: fn(&Row) -> &String, what: &str| {
        let found = own.clone().or_else(|| parent.map(|row| of(row).clone()));
        found.ok_or_else(|| format!("no {what}"))
    };
    let style = program.style.or_else(|| parent.map(|row| row.style)).unwrap_or(file.style);
    let mut row = Row {
        name,
        aliases: listed_names(&program.aliases)
            .chain(listed_names(&program.old_aliases))
            .map(str::to_ascii_lowercase)
            .collect(),
        reason: text(&program.reason, |row| &row.reason, "reason")?,
        source: text(&program.source, |row| &row.source, "source")?,
        style,
        options: options(program, file, style, parent)?,
        meaning: reads(&program.operands, &program.empty, &program.effects)?,
        modes: BTreeMap::new(),
        sub: BTreeMap::new(),
        short: program.short.clone(),
        instead: program.instead.clone(),
        quiet: program.quiet.clone(),
        info: program.info.split_whitespace().map(str::to_owned).collect(),
        number: or_parent(program.number, |row| row.number),
        plus: program.plus.as_deref().map(plus).transpose()?,
        first: program.first.unwrap_or(false),
        everywhere: or_parent(program.everywhere, |row| row.everywhere),
        abbreviate: program.abbreviate.unwrap_or_else(|| parent.is_none_or(|row| row.abbreviate)),
        negatable: or_parent(program.negatable, |row| row.negatable),
        bundled: program.bundled.unwrap_or(false),
        assignments: program.assignments.unwrap_or(false),
    };
    for (mode, meaning) in &program.mode {
        row.modes.insert(mode.clone(), reads(&meaning.operands, &meaning.empty, &meaning.effects)?);
    }
    subcommands(program, file, &mut row)?;
    check(&row)?;
    Ok(row)
}

fn plus(text: &str) -> Result<OptionSpec, String> {
    let item = spec::item(text)?;
    let names = vec!["+".to_owned()];
    Ok(OptionSpec { names, arity: Arity::Joined, apart: false, actions: item.actions, reason: None })
}

fn subcommands(program: &Program, file: &File, row: &mut Row) -> Result<(), String> {
    for (name, sub) in &program.sub {
        let compiled = compile(name, sub, file, Some(row)).map_err(|what| format!("{name}: {what}"))?;
        let compiled = Arc::new(compiled);
        for name in names(name, &sub.also) {
            if row.sub.insert(name.to_owned(), Arc::clone(&compiled)).is_some() {
                return Err(format!("the sub-command `{name}` stands twice"));
            }
        }
    }
    for (short, full) in &row.short {
        let Some(sub) = row.sub.get(full) else { return Err(format!("`{short}` stands for no `{full}`")) };
        row.sub.insert(short.clone(), Arc::clone(sub));
    }
    Ok(())
}

fn options(
    program: &Program,
    file: &File,
    style: Style,
    parent: Option<&Row>,
) -> Result<BTreeMap<String, Arc<OptionSpec>>, String> {
    let inherited = parent.filter(|row| program.everywhere.unwrap_or(row.everywhere));
    let mut found = inherited.map(|row| row.options.clone()).unwrap_or_default();
    let mut own = BTreeMap::new();
    for group in &program.groups {
        let group = file.group.get(group).ok_or_else(|| format!("no group `{group}`"))?;
        for spec in listed(&group.flags, &group.values, &group.joined, &group.options)? {
            put(&mut found, spec, style);
        }
    }
    for spec in listed(&program.flags, &program.values, &program.joined, &program.options)? {
        if let Some(twice) = put(&mut own, spec, style) {
            return Err(format!("the option `{twice}` stands twice"));
        }
    }
    found.extend(own);
    Ok(found)
}

fn listed(flags: &str, values: &str, joined: &str, options: &[String]) -> Result<Vec<OptionSpec>, String> {
    let mut specs: Vec<OptionSpec> = spec::plain(flags, Arity::Switch).collect();
    specs.extend(spec::plain(values, Arity::Words(1)));
    specs.extend(spec::plain(joined, Arity::Joined));
    for text in options {
        specs.push(spec::option(text)?);
    }
    Ok(specs)
}

/// Puts an option under all its spellings; returns one that was taken.
fn put(map: &mut BTreeMap<String, Arc<OptionSpec>>, spec: OptionSpec, style: Style) -> Option<String> {
    let spec = Arc::new(spec);
    let mut twice = None;
    for name in &spec.names {
        let key = match style {
            Style::Gnu | Style::Dash => name.clone(),
            Style::Slash | Style::Parameters => name.to_ascii_lowercase(),
        };
        if map.insert(key, Arc::clone(&spec)).is_some() {
            twice = Some(name.clone());
        }
    }
    twice
}

fn reads(operands: &[String], empty: &[String], effects: &[String]) -> Result<Reads, String> {
    Ok(Reads {
        operands: operands.iter().map(|text| spec::item(text)).collect::<Result<_, _>>()?,
        empty: empty.iter().map(|text| spec::doing(text)).collect::<Result<_, _>>()?,
        effects: effects.iter().map(|text| spec::doing(text)).collect::<Result<_, _>>()?,
    })
}

fn check(row: &Row) -> Result<(), String> {
    for meaning in std::iter::once(&row.meaning).chain(row.modes.values()) {
        if meaning.operands.iter().filter(|item| item.times == Times::Many).count() > 1 {
            return Err("two operands that come any number of times".to_owned());
        }
    }
    let modes = row.options.values().flat_map(|option| &option.actions).filter_map(|action| match action {
        Action::Mode(name) => Some(name),
        _ => None,
    });
    match modes.into_iter().find(|mode| !row.modes.contains_key(*mode) && !row.everywhere) {
        Some(mode) => Err(format!("no mode `{mode}`")),
        None => Ok(()),
    }
}
