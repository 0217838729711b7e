//! What is known of variables while a text is followed from its start to its end.

use super::letters::{Sign, Values};
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

/// The longest value that cmd.exe keeps: a line holds 8191 letters.
const LONGEST: usize = 8191;

/// What a variable holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Held {
    /// The text never sets it: it comes from outside, or is not there.
    Foreign,
    /// It is not there, on every path.
    Absent,
    /// On every path this; a piece may be unknown in itself.
    Known(Rc<[Sign]>),
    /// The text may have set it. With `true` the value may hold operators.
    Uncertain(bool),
}

/// A value that a variable gets.
#[derive(Debug)]
pub(super) enum Given {
    Signs(Vec<Sign>),
    /// Nothing is known of it but whether it may hold operators.
    Any(bool),
}

/// Names that the text sets, found by a first reading, for what stands behind a label: control may come from anywhere.
#[derive(Clone, Debug, Default)]
pub(super) struct Assigned {
    names: HashSet<String>,
    /// Names whose value once may hold operators.
    risky: HashSet<String>,
    /// A name that is not known was set.
    anything: bool,
    anything_risky: bool,
    /// Delayed expansion is switched somewhere.
    pub switches_delayed: bool,
}

#[derive(Debug)]
struct Entry {
    held: Held,
    epoch: u32,
}

/// The variables at one place of a text.
#[derive(Debug, Default)]
pub(super) struct Scope {
    variables: HashMap<String, Entry>,
    /// What the first reading found, if there was one.
    before: Assigned,
    /// What this reading finds.
    pub found: Assigned,
    /// Grows where control may come from elsewhere.
    epoch: u32,
    /// The last epoch in which any variable may have changed.
    anything: Option<u32>,
    /// Whether a label was passed.
    pub label_seen: bool,
    /// More than zero where commands may not run, or run in a process of their own.
    pub conditional: u32,
    /// For each `setlocal`, what it hides.
    saved: Vec<Vec<(String, Option<Held>)>>,
}

impl Scope {
    pub(super) fn new(before: Assigned) -> Self {
        Self { before, ..Self::default() }
    }

    /// What a variable holds here.
    pub(super) fn held(&self, name: &str) -> Held {
        let name = name.to_uppercase();
        let risky = self.is_risky(&name);
        let Some(entry) = self.variables.get(&name) else {
            let may_be_set = self.label_seen && (self.before.anything || self.before.names.contains(&name));
            return if may_be_set || self.anything.is_some() {
                Held::Uncertain(risky)
            } else {
                Held::Foreign
            };
        };
        let is_stale = self.anything.is_some_and(|epoch| entry.epoch < epoch)
            || (entry.epoch < self.epoch && (self.before.anything || self.before.names.contains(&name)));
        match &entry.held {
            Held::Uncertain(own) => Held::Uncertain(*own || risky),
            _ if is_stale => Held::Uncertain(risky),
            held => held.clone(),
        }
    }

    fn is_risky(&self, name: &str) -> bool {
        self.found.risky.contains(name)
            || self.before.risky.contains(name)
            || self.found.anything_risky
            || self.before.anything_risky
    }

    /// Whether any variable may hold operators.
    pub(super) fn has_risky(&self) -> bool {
        let risky = |assigned: &Assigned| assigned.anything_risky || !assigned.risky.is_empty();
        risky(&self.found) || risky(&self.before)
    }

    /// Sets a variable.
    pub(super) fn set(&mut self, name: &str, value: Given, values: &Values) {
        let name = name.to_uppercase();
        let risky = match &value {
            Given::Signs(signs) => signs.iter().any(|sign| is_operator(*sign) || values.is_data(*sign)),
            Given::Any(risky) => *risky,
        };
        if self.label_seen {
            self.found.names.insert(name.clone());
        }
        let held = match value {
            Given::Signs(signs) if self.conditional == 0 && signs.is_empty() => Held::Absent,
            Given::Signs(signs) if self.conditional == 0 && signs.len() <= LONGEST => {
                Held::Known(signs.into())
            }
            _ => Held::Uncertain(risky || self.was_risky(&name)),
        };
        if risky {
            self.found.risky.insert(name.clone());
        }
        let old = self.variables.insert(name.clone(), Entry { held, epoch: self.epoch });
        if let Some(saved) = self.saved.last_mut() {
            saved.push((name, old.map(|entry| entry.held)));
        }
    }

    fn was_risky(&self, name: &str) -> bool {
        match self.variables.get(name).map(|entry| &entry.held) {
            Some(Held::Known(signs)) => signs.iter().any(|sign| is_operator(*sign)),
            Some(Held::Uncertain(risky)) => *risky,
            _ => false,
        }
    }

    /// A variable whose name is not known is set.
    pub(super) fn set_anything(&mut self, risky: bool) {
        self.found.anything |= self.label_seen;
        self.found.anything_risky |= risky;
        self.epoch += 1;
        self.anything = Some(self.epoch);
    }

    /// Control may come here from elsewhere in the text.
    pub(super) fn join(&mut self) {
        self.epoch += 1;
    }

    pub(super) fn label(&mut self) {
        self.label_seen = true;
        self.join();
    }

    pub(super) fn setlocal(&mut self) {
        self.saved.push(Vec::new());
    }

    pub(super) fn endlocal(&mut self) {
        let is_certain = self.conditional == 0 && !self.label_seen;
        for (name, old) in self.saved.pop().unwrap_or_default().into_iter().rev() {
            match old {
                Some(held) if is_certain => {
                    self.variables.insert(name, Entry { held, epoch: self.epoch });
                }
                None if is_certain => {
                    self.variables.remove(&name);
                }
                _ => {
                    let risky = self.was_risky(&name) || self.is_risky(&name);
                    self.variables.insert(name, Entry { held: Held::Uncertain(risky), epoch: self.epoch });
                }
            }
        }
    }

    /// Behind a label it is not known whether delayed expansion is on, if the text switches it.
    pub(super) fn delayed_is_uncertain(&self) -> bool {
        self.label_seen && self.before.switches_delayed
    }
}

/// Letters that change how a line is read.
fn is_operator(sign: Sign) -> bool {
    matches!(sign, Sign::Char('&' | '|' | '<' | '>' | '^' | '"' | '(' | ')' | '%' | '!' | '\n'))
}
