//! The way of the working directory through a text: through subshells, branches, loops and functions.

use super::location::{Directories, Location};
use super::paths::{Change, Place};
use crate::command::{Command, Script};
use crate::region::{Region, RegionKind};
use std::collections::HashSet;

/// Steps that are taken ahead of the text in all, so that the time grows with the text.
const MOST_STEPS: usize = 50_000;

/// Functions that are looked at for what a call of one changes.
const MOST_FUNCTIONS: usize = 16;

/// Names that change the directory only while the text does not define them.
const CHANGING: &[&str] =
    &["cd", "chdir", "pushd", "popd", "set-location", "push-location", "pop-location", "sl", "builtin"];

/// Where a text is, command by command.
#[derive(Debug)]
pub(super) struct Course<'f> {
    commands: &'f [Command],
    regions: &'f [Region],
    definitions: HashSet<&'f str>,
    /// The numbers of the commands that change the directory.
    changes: Vec<usize>,
    /// The numbers of the regions that may be called and change the directory; no more than are looked at.
    callable: Vec<usize>,
    /// The next region.
    next: usize,
    /// The regions around the command, each with its number and what was before it.
    open: Vec<(usize, Location)>,
    /// All directories that the text comes to.
    everywhere: Option<Directories>,
    steps: usize,
}

impl<'f> Course<'f> {
    pub(super) fn new(script: &'f Script, place: &mut Place<'_>) -> Self {
        let Script { commands, regions, .. } = script;
        let is_change = |(number, command)| Change::of(command).map(|_| number);
        let changes: Vec<usize> = commands.iter().enumerate().filter_map(is_change).collect();
        let definitions: HashSet<&str> = match changes.is_empty() {
            true => HashSet::new(),
            false => script.definitions.iter().map(String::as_str).collect(),
        };
        let is_changing = |name: &&str| CHANGING.iter().any(|known| known.eq_ignore_ascii_case(name));
        if definitions.iter().any(is_changing) || commands.iter().any(is_trap) {
            place.distrust();
        }
        let (open, everywhere) = (Vec::new(), None);
        let callable = Vec::new();
        let mut course =
            Self { commands, regions, definitions, changes, callable, next: 0, open, everywhere, steps: 0 };
        let is_callable =
            |(_, region): &(usize, &Region)| region.kind == RegionKind::Later && course.has_changes(region);
        let found = regions.iter().enumerate().filter(is_callable).map(|(index, _)| index);
        course.callable = found.take(MOST_FUNCTIONS + 1).collect();
        course
    }

    /// The place of the command of this number.
    pub(super) fn arrive(&mut self, number: usize, place: &mut Place<'_>) {
        if self.changes.is_empty() {
            return;
        }
        while let Some((index, before)) =
            self.open.pop_if(|(index, _)| self.regions.get(*index).is_none_or(|region| region.end <= number))
        {
            self.leave(index, before, place);
        }
        while let Some(region) = self.regions.get(self.next).filter(|region| region.start <= number) {
            let index = self.next;
            self.next += 1;
            let is_relevant = matches!(region.kind, RegionKind::Later | RegionKind::Succeeded);
            if is_relevant || self.has_changes(region) {
                self.open.push((index, place.location.clone()));
                self.enter(index, region.kind, place);
            }
        }
    }

    /// Behind the command.
    pub(super) fn pass(&mut self, command: &Command, place: &mut Place<'_>) {
        if self.changes.is_empty() {
            return;
        }
        place.follow(command);
        let name = command.words.first().and_then(crate::command::Word::text);
        if name.is_some_and(|name| self.definitions.contains(name.as_str())) {
            self.call(place);
        }
    }

    /// What a function does to the directory of its caller. Which one is called does not matter.
    fn call(&mut self, place: &mut Place<'_>) {
        if self.callable.len() > MOST_FUNCTIONS {
            return place.location.goes(Directories::unknown());
        }
        let regions = self.regions;
        for index in self.callable.clone() {
            if let Some(region) = regions.get(index) {
                let before = place.location.clone();
                self.ahead(index + 1, region, place, &mut None);
                place.location = before.or(place.location.clone());
            }
        }
    }

    fn has_changes(&self, region: &Region) -> bool {
        let first = self.changes.partition_point(|change| *change < region.start);
        self.changes.get(first).is_some_and(|change| *change < region.end)
    }

    fn enter(&mut self, index: usize, kind: RegionKind, place: &mut Place<'_>) {
        match kind {
            RegionKind::Succeeded => place.location.succeeded(),
            RegionKind::Loop => self.again(index, place),
            RegionKind::Later => {
                let everywhere = self.everywhere(place);
                place.location.anywhere(&everywhere);
            }
            RegionKind::Process | RegionKind::LastOfPipe | RegionKind::Maybe => {}
        }
    }

    fn leave(&mut self, index: usize, before: Location, place: &mut Place<'_>) {
        let Some(region) = self.regions.get(index) else { return };
        match region.kind {
            RegionKind::Process => place.location = before,
            RegionKind::Later => {
                // Where it is called from here, it changes the directory from here.
                place.location = before.clone();
                self.ahead(index + 1, region, place, &mut None);
                place.location = before.or(place.location.clone());
            }
            _ => place.location = before.or(place.location.clone()),
        }
    }

    /// The beginning of a loop is also what its end makes of it. Where each turn leads further, nobody knows where to.
    fn again(&mut self, index: usize, place: &mut Place<'_>) {
        let Some(region) = self.regions.get(index) else { return };
        let before = place.location.clone();
        self.ahead(index + 1, region, place, &mut None);
        place.location = before.or(place.location.clone());
        let once = place.location.now.clone();
        let mut probe = place.clone();
        self.ahead(index + 1, region, &mut probe, &mut None);
        let is_same = probe.location.now.paths.iter().all(|path| once.paths.contains(path));
        if !is_same || probe.location.now.is_certain != once.is_certain {
            place.location.goes(Directories::unknown());
        }
    }

    /// All directories that the text comes to.
    fn everywhere(&mut self, place: &Place<'_>) -> Directories {
        if let Some(known) = &self.everywhere {
            return known.clone();
        }
        let mut place = place.at_start();
        let all = Region { kind: RegionKind::Maybe, start: 0, end: self.commands.len() };
        let mut seen = Some(place.location.now.clone());
        self.ahead(0, &all, &mut place, &mut seen);
        let seen = seen.unwrap_or_else(Directories::unknown);
        self.everywhere.insert(seen).clone()
    }

    /// Goes through a region for its changes alone, from its inner region of the number `next` on.
    fn ahead(
        &mut self,
        mut next: usize,
        region: &Region,
        place: &mut Place<'_>,
        seen: &mut Option<Directories>,
    ) {
        let mut open: Vec<(&Region, Location)> = Vec::new();
        let mut at = self.changes.partition_point(|change| *change < region.start);
        while let Some(number) = self.changes.get(at).copied().filter(|number| *number < region.end) {
            at += 1;
            self.steps += 1;
            if self.steps > MOST_STEPS {
                open.clear();
                place.location.goes(Directories::unknown());
                seen.iter_mut().for_each(|seen| seen.add(&Directories::unknown()));
                return;
            }
            while let Some((inner, before)) = open.pop_if(|(inner, _)| inner.end <= number) {
                close(inner.kind, before, place);
            }
            while let Some(inner) = self.regions.get(next).filter(|inner| inner.start <= number) {
                next += 1;
                self.steps += 1;
                if inner.end > number {
                    open.push((inner, place.location.clone()));
                    if inner.kind == RegionKind::Succeeded {
                        place.location.succeeded();
                    }
                }
            }
            if let Some(command) = self.commands.get(number) {
                place.follow(command);
            }
            seen.iter_mut().for_each(|seen| seen.add(&place.location.now));
        }
        while let Some((inner, before)) = open.pop() {
            close(inner.kind, before, place);
        }
    }
}

/// True for a trap that runs between the commands of the text, which then may stand anywhere.
fn is_trap(command: &Command) -> bool {
    const BETWEEN: &[&str] = &["DEBUG", "ERR", "RETURN", "SIGDEBUG", "SIGERR", "SIGRETURN"];
    let mut words = command.words.iter().map(crate::command::Word::text);
    let is_change = |code: Option<String>| {
        code.is_none_or(|code| code.contains("cd") || code.contains("pushd") || code.contains("popd"))
    };
    words.next().flatten().is_some_and(|name| name == "trap")
        && words.any(is_change)
        && command
            .words
            .iter()
            .skip(1)
            .filter_map(crate::command::Word::text)
            .any(|signal| BETWEEN.iter().any(|known| signal.eq_ignore_ascii_case(known)))
}

/// The end of a region that was gone through once.
fn close(kind: RegionKind, before: Location, place: &mut Place<'_>) {
    place.location = match kind {
        RegionKind::Process => before,
        _ => before.or(place.location.clone()),
    };
}
