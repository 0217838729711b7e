//! Cmdlets and how their parameters are bound (about_Parameters, about_CommonParameters).

use super::names;
use crate::command::{Command, Part, Shell, Word};
use std::collections::HashMap;
use std::sync::OnceLock;

/// The table: see the head of the file.
const TABLE: &str = include_str!("cmdlets.txt");

/// Parameters that every cmdlet has, in the form of the table.
const COMMON: &str = "Verbose!=vb Debug!=db ErrorAction=ea WarningAction=wa InformationAction=infa ProgressAction=proga \
    ErrorVariable=ev WarningVariable=wv InformationVariable=iv OutVariable=ov OutBuffer=ob PipelineVariable=pv \
    WhatIf!=wi Confirm!=cf";

/// A parameter of a cmdlet.
#[derive(Debug)]
struct Parameter {
    name: &'static str,
    position: Option<u32>,
    is_switch: bool,
    aliases: Vec<&'static str>,
}

/// A cmdlet of the table.
#[derive(Debug)]
struct Cmdlet {
    name: &'static str,
    parameters: Vec<Parameter>,
    /// How many of them are not common to all.
    own: usize,
}

/// A command of a known cmdlet, with its words bound to parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    /// The cmdlet, as the documentation spells it.
    pub cmdlet: &'static str,
    /// Parameters by their full names, each with its values: the elements of a list, or nothing for a switch. A switch
    /// that is set to something (`-Force:$x`) has that as its value.
    pub parameters: Vec<(&'static str, Vec<Word>)>,
    /// Values that no parameter of the table takes by position.
    pub rest: Vec<Word>,
    /// Words that could not be bound: a parameter that the table does not have or that could be several, splatted
    /// values, the rest of a line behind `--%`. What the command does is not known if there are any.
    pub unbound: Vec<Word>,
}

impl Bound {
    /// The values of a parameter; none if it was not given.
    #[must_use]
    pub fn words(&self, parameter: &str) -> &[Word] {
        let found = self.parameters.iter().find(|(name, _)| *name == parameter);
        found.map_or(&[], |(_, words)| words.as_slice())
    }

    /// True if the parameter was given. A switch that is set to `$false` was not.
    #[must_use]
    pub fn has(&self, parameter: &str) -> bool {
        let off = |words: &[Word]| matches!(words, [only] if only.text().as_deref() == Some("False"));
        self.parameters.iter().any(|(name, words)| *name == parameter && !off(words))
    }

    /// The text of a parameter that has one value, if that is known.
    #[must_use]
    pub fn text(&self, parameter: &str) -> Option<String> {
        match self.words(parameter) {
            [only] => only.text(),
            _ => None,
        }
    }
}

fn parameter(text: &'static str) -> Parameter {
    let (text, aliases) = text.split_once('=').unwrap_or((text, ""));
    let (text, is_switch) = text.strip_suffix('!').map_or((text, false), |text| (text, true));
    let (name, position) = text.split_once('@').unwrap_or((text, ""));
    let aliases = aliases.split(',').filter(|alias| !alias.is_empty()).collect();
    Parameter { name, position: position.parse().ok(), is_switch, aliases }
}

fn table() -> &'static HashMap<String, Cmdlet> {
    static READ: OnceLock<HashMap<String, Cmdlet>> = OnceLock::new();
    READ.get_or_init(|| {
        let lines = TABLE.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
        let cmdlets = lines.filter_map(|line| {
            let mut words = line.split_whitespace();
            let name = words.next()?;
            let mut parameters: Vec<Parameter> = words.map(parameter).collect();
            let own = parameters.len();
            parameters.extend(COMMON.split_whitespace().map(parameter));
            Some((name.to_lowercase(), Cmdlet { name, parameters, own }))
        });
        cmdlets.collect()
    })
}

/// A cmdlet of the table by its name in lower case.
pub(super) fn canonical(lower: &str) -> Option<&'static str> {
    table().get(lower).map(|cmdlet| cmdlet.name)
}

impl Cmdlet {
    /// The parameter that a name means: its own, an alias, or the beginning of just one.
    fn find(&'static self, written: &str) -> Option<&'static Parameter> {
        let lower = written.to_lowercase();
        let names = |parameter: &Parameter| {
            std::iter::once(parameter.name)
                .chain(parameter.aliases.iter().copied())
                .map(str::to_lowercase)
                .collect::<Vec<_>>()
        };
        let exact = self.parameters.iter().find(|parameter| names(parameter).contains(&lower));
        if exact.is_some() || lower.is_empty() {
            return exact;
        }
        let starts = |parameter: &&Parameter| names(parameter).iter().any(|name| name.starts_with(&lower));
        let only = |parameters: &'static [Parameter]| {
            let mut found = parameters.iter().filter(starts);
            let first = found.next();
            if found.next().is_none() { Some(first) } else { None }
        };
        // Not every cmdlet has all of the common ones; its own come first.
        let (own, common) = self.parameters.split_at(self.own);
        match only(own) {
            Some(None) => only(common).flatten(),
            Some(found) => found,
            None => None,
        }
    }

    /// The parameters that take the value at a position, in the order of the table.
    fn positional(&self, taken: &[(&'static str, Vec<Word>)]) -> Option<&Parameter> {
        let is_free = |parameter: &&Parameter| !taken.iter().any(|(name, _)| *name == parameter.name);
        let used: Vec<u32> = self
            .parameters
            .iter()
            .filter(|parameter| !is_free(parameter))
            .filter_map(|parameter| parameter.position)
            .collect();
        let open = self
            .parameters
            .iter()
            .filter(is_free)
            .filter(|parameter| parameter.position.is_some_and(|position| !used.contains(&position)));
        open.min_by_key(|parameter| parameter.position)
    }
}

/// The elements of a word that is a list.
fn elements(word: &Word) -> Vec<Word> {
    let is_comma = |part: &Part| matches!(part, Part::Text(text) if text == ",");
    if word.parts.len() < 3 {
        return vec![word.clone()];
    }
    let pieces = word.parts.split(is_comma);
    pieces.map(|parts| Word { parts: parts.to_vec(), span: word.span }).collect()
}

/// The parameter's name in a word that begins with a dash, and the value behind its colon.
fn named(word: &Word) -> Option<(String, Option<Word>)> {
    let Some(Part::Text(first)) = word.parts.first() else { return None };
    let name = first.strip_prefix('-')?;
    if !name.starts_with(|letter: char| letter.is_alphabetic() || letter == '?') {
        return None;
    }
    let (name, value) = match name.split_once(':') {
        None => return (word.parts.len() == 1).then(|| (name.to_owned(), None)),
        Some((name, value)) => (name.to_owned(), value),
    };
    let first = Some(Part::Text(value.to_owned())).filter(|_| !value.is_empty());
    let parts: Vec<Part> = first.into_iter().chain(word.parts.iter().skip(1).cloned()).collect();
    let value = Some(Word { parts, span: word.span }).filter(|word| !word.parts.is_empty());
    Some((name, value))
}

/// True for `-Name:`, whose value is the next word.
fn is_open(word: &Word) -> bool {
    word.text().is_some_and(|text| text.ends_with(':'))
}

fn is_splatted(word: &Word) -> bool {
    matches!(word.parts.as_slice(), [Part::Unknown { splits: true, .. }])
}

/// Binds the words of a command to the parameters of its cmdlet. `None` if the command is none of the table's.
#[must_use]
pub fn bind(command: &Command) -> Option<Bound> {
    if !matches!(command.shell, Shell::Pwsh | Shell::WindowsPowershell) {
        return None;
    }
    let (program, words) = command.words.split_first()?;
    let name = names::cmdlet(command.shell, &program.text()?)?;
    let cmdlet = table().get(&name.to_lowercase())?;
    let mut bound =
        Bound { cmdlet: cmdlet.name, parameters: Vec::new(), rest: Vec::new(), unbound: Vec::new() };
    let mut values = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let Some((name, value)) = named(word) else {
            if word.text().as_deref() == Some("--%") {
                bound.unbound.extend(words.by_ref().cloned());
            } else if word.text().as_deref() != Some("--") {
                values.push(word);
            }
            continue;
        };
        match cmdlet.find(&name) {
            None => bound.unbound.push(word.clone()),
            Some(parameter) if parameter.is_switch && !is_open(word) => {
                bound.parameters.push((parameter.name, value.into_iter().collect()));
            }
            Some(parameter) => {
                let value = value.or_else(|| words.next().cloned());
                let values = value.as_ref().map(elements).unwrap_or_default();
                bound.parameters.push((parameter.name, values));
            }
        }
    }
    for word in values {
        if is_splatted(word) {
            bound.unbound.push(word.clone());
        }
        match cmdlet.positional(&bound.parameters) {
            Some(parameter) => bound.parameters.push((parameter.name, elements(word))),
            None => bound.rest.push(word.clone()),
        }
    }
    Some(bound)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse;

    /// The parameters of the first command, as `Name=value`.
    fn bound(text: &str) -> (String, usize) {
        let script = parse(Shell::Pwsh, text);
        let bound = script.commands.first().and_then(bind);
        let Some(bound) = bound else { return ("none".to_owned(), 0) };
        let value = |words: &[Word]| {
            words.iter().map(|word| word.text().unwrap_or("?".to_owned())).collect::<Vec<_>>().join(",")
        };
        let all: Vec<String> =
            bound.parameters.iter().map(|(name, words)| format!("{name}={}", value(words))).collect();
        (format!("{} {}", bound.cmdlet, all.join(" ")), bound.unbound.len() + bound.rest.len())
    }

    #[test]
    fn the_table_is_sound() {
        assert!(table().len() >= 150, "{} cmdlets", table().len());
        for cmdlet in table().values() {
            for parameter in &cmdlet.parameters {
                let found = cmdlet.find(parameter.name).map(|found| found.name);
                assert_eq!(found, Some(parameter.name), "{}", cmdlet.name);
            }
        }
    }

    #[test]
    fn parameters_in_every_spelling() {
        let table = [
            ("Remove-Item x", "Remove-Item Path=x"),
            ("rm -r -fo x", "Remove-Item Recurse= Force= Path=x"),
            ("rm -re -literal x,y", "Remove-Item Recurse= LiteralPath=x,y"),
            ("ri -pspath x", "Remove-Item LiteralPath=x"),
            ("Copy-Item a b", "Copy-Item Path=a Destination=b"),
            ("Copy-Item -Dest b a", "Copy-Item Destination=b Path=a"),
            ("Copy-Item -Path:a -Recurse:$false b", "Copy-Item Path=a Recurse=False Destination=b"),
            ("iwr -Uri http://h/x -OutF y", "Invoke-WebRequest Uri=http://h/x OutFile=y"),
            ("Set-Content -va b a", "Set-Content Value=b Path=a"),
            ("Remove-Item x -ea 0 -Verbose", "Remove-Item ErrorAction=0 Verbose= Path=x"),
            ("Remove-Item x -WhatIf", "Remove-Item WhatIf= Path=x"),
            ("Get-ChildItem -Path a b", "Get-ChildItem Path=a Filter=b"),
            ("git push", "none"),
        ];
        for (text, expected) in table {
            let shown = if text.starts_with("iwr") {
                bound(&text.replace("iwr", "Invoke-WebRequest"))
            } else {
                bound(text)
            };
            assert_eq!(shown, (expected.to_owned(), 0), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_bound_is_kept() {
        for text in ["Remove-Item x -F", "Remove-Item -Nonsense x", "Remove-Item @x", "Remove-Item x y"] {
            assert_eq!(bound(text).1, 1, "{text}: {:?}", bound(text));
        }
    }
}
