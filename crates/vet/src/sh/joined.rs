//! Lists, chains and branches: what runs only where a change of the directory succeeded.

use super::directory::{changes_directory, ends_without_directory, is_change};
use super::lower::Lowering;
use super::tree::{List, Node};
use crate::region::RegionKind;

impl Lowering<'_> {
    pub(super) fn list(&mut self, list: &List) {
        let mut guarded = Vec::new();
        for (node, is_background) in &list.items {
            if *is_background {
                self.region(RegionKind::Process, |inner| inner.node(node));
                continue;
            }
            self.node(node);
            // `cd sub || exit`: what follows runs only where it succeeded.
            if ends_without_directory(node, self.around, &self.script.definitions) {
                guarded.push(self.script.open(RegionKind::Succeeded));
            }
        }
        guarded.into_iter().rev().for_each(|number| self.script.close(number));
    }

    /// `a && b || c`: behind a change of the directory, what is joined by `&&` runs only where that succeeded.
    pub(super) fn chain(&mut self, nodes: &[(bool, Node)]) {
        let mut open = Vec::new();
        let mut may_run = None;
        // Behind `||` it may not have run at all, and the chain goes on.
        let mut surely_ran = true;
        for (number, (is_and, node)) in nodes.iter().enumerate() {
            surely_ran &= number == 0 || *is_and;
            if number > 0 && !is_and {
                open.drain(..).rev().for_each(|region| self.script.close(region));
            }
            self.node(node);
            if number == 0 && nodes.len() > 1 {
                may_run = Some(self.script.open(RegionKind::Maybe));
            }
            if surely_ran
                && changes_directory(node)
                && nodes.get(number + 1).is_some_and(|(is_and, _)| *is_and)
            {
                open.push(self.script.open(RegionKind::Succeeded));
            }
        }
        may_run.into_iter().chain(open).rev().for_each(|region| self.script.close(region));
    }

    pub(super) fn branches(&mut self, lists: &[List]) {
        if let Some((first, rest)) = lists.split_first() {
            self.list(first);
            for (number, list) in rest.iter().enumerate() {
                let is_behind_change = number == 0 && is_change(first);
                self.region(RegionKind::Maybe, |inner| match is_behind_change {
                    true => inner.region(RegionKind::Succeeded, |inner| inner.list(list)),
                    false => inner.list(list),
                });
            }
        }
    }
}
