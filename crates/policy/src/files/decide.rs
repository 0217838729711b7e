//! The one meaning of the rules.

use super::index::Trail;
use super::{Access, FileDecision, FileOp, FileRule, FileRules, Grant, NodeKind, Pattern, RuleKind, Verdict};
use crate::git::{self, Place};
use crate::origin::Layer;
use crate::path::AbsPath;
use crate::protected;

/// A rule with the length of its match.
#[derive(Clone, Copy)]
struct Match<'p> {
    rule: &'p FileRule,
    depth: usize,
}

impl<'p> Match<'p> {
    fn grant(self) -> Grant<'p> {
        Grant {
            access: self.rule.access,
            execute: self.rule.execute,
            rule: Some(self.rule),
            depth: self.depth,
        }
    }
}

impl FileRule {
    fn is_literal(&self) -> bool {
        matches!(self.pattern, Pattern::Path(_))
    }

    /// True for a rule that may open a secret or a protected file: the user or administrator wrote its very path.
    fn names(&self) -> bool {
        self.kind == RuleKind::User && self.is_literal() && self.origin.layer.opens_sealed()
    }
}

/// Of two rules for the same pattern: the stronger layer, then the stricter.
fn replaces(new: &FileRule, old: &FileRule) -> bool {
    let key = |rule: &FileRule| (rule.origin.layer.rank(), std::cmp::Reverse((rule.access, rule.execute)));
    key(new) > key(old)
}

/// Of two rules for different patterns that match the same path.
fn beats(new: Match<'_>, old: Match<'_>) -> bool {
    let key = |found: Match<'_>| {
        (found.depth, found.rule.is_literal(), std::cmp::Reverse((found.rule.access, found.rule.execute)))
    };
    key(new) > key(old)
}

/// The stricter in both respects; the rule named is the one that says less.
fn stricter<'p>(one: Grant<'p>, other: Grant<'p>) -> Grant<'p> {
    let least = if (other.access, other.execute) < (one.access, one.execute) { other } else { one };
    Grant { access: one.access.min(other.access), execute: one.execute && other.execute, ..least }
}

/// Which kinds of rules matched at all, the winner or not.
#[derive(Clone, Copy)]
struct Seen {
    sealed: bool,
    project: bool,
}

const NOTHING: Grant<'static> = Grant { access: Access::Deny, execute: false, rule: None, depth: 0 };

/// Grants of many paths. The more names two paths have in common that are asked for one after the other, the less there is
/// to look for.
#[derive(Debug)]
pub struct Lookup<'p> {
    rules: &'p FileRules,
    trail: Trail,
}

impl<'p> Lookup<'p> {
    /// What holds on `path` after layers, seals and ceilings.
    pub fn grant(&mut self, path: &AbsPath) -> Grant<'p> {
        self.follow(path);
        self.capped(path)
    }

    /// As [`grant`](Self::grant), for the literal paths of all rules, one after the other in their order.
    pub(super) fn grant_of_literal(&mut self, literal: (&AbsPath, u32)) -> Grant<'p> {
        self.rules.index.step(&self.rules.rules, literal, &mut self.trail);
        self.capped(literal.0)
    }

    /// What holds on the path that was followed.
    fn capped(&self, path: &AbsPath) -> Grant<'p> {
        let rules = self.rules;
        let own = self.uncapped();
        let mut grant = own;
        for ceiling in &rules.ceilings {
            let mut lookup = ceiling.rules.lookup();
            if ceiling.complete || lookup.speaks_of(path) {
                grant = stricter(grant, lookup.grant(path));
            }
        }
        // A ceiling takes away. That it names a path does not make that path one that the policy shows.
        Grant { depth: own.depth, ..grant }
    }

    /// Whether any rule matches.
    fn speaks_of(&mut self, path: &AbsPath) -> bool {
        self.follow(path);
        self.best(|_| true).0.is_some()
    }

    fn follow(&mut self, path: &AbsPath) {
        self.rules.index.follow(&self.rules.rules, path, &mut self.trail);
    }

    /// What the rules that pass `counts` say of the path that was followed.
    fn best(&self, counts: impl Fn(&FileRule) -> bool) -> (Option<Match<'p>>, Seen) {
        let rules = self.rules;
        let mut best: Option<Match<'p>> = None;
        let mut seen = Seen { sealed: false, project: false };
        for (depth, first) in self.trail.matches() {
            let mut strongest: Option<&FileRule> = None;
            for rule in rules.index.same_pattern(&rules.rules, first).filter(|rule| counts(rule)) {
                seen.sealed |= rule.kind.is_sealed();
                seen.project |= rule.origin.layer == Layer::Project;
                if strongest.is_none_or(|known| replaces(rule, known)) {
                    strongest = Some(rule);
                }
            }
            if let Some(rule) = strongest {
                let found = Match { rule, depth };
                if best.is_none_or(|known| beats(found, known)) {
                    best = Some(found);
                }
            }
        }
        (best, seen)
    }

    fn best_grant(&self, counts: impl Fn(&FileRule) -> bool) -> Grant<'p> {
        self.best(counts).0.map_or(NOTHING, Match::grant)
    }

    /// What holds on the path that was followed, after layers and seals.
    fn uncapped(&self) -> Grant<'p> {
        let (Some(best), seen) = self.best(|_| true) else {
            return NOTHING;
        };
        // What would hold without the rules of an untrusted project; those can then only take away from it. A rule of
        // the project matters also where another rule won: it may have replaced a stricter one that would have won.
        let is_project = |rule: &FileRule| rule.origin.layer == Layer::Project;
        let without = match seen.project && !self.rules.project_trusted {
            true => self.best(|rule| !is_project(rule)).0,
            false => Some(best),
        };
        let Some(without) = without else { return NOTHING };
        let mut grant = without.grant();
        if seen.sealed && !without.rule.kind.is_sealed() && !without.rule.names() {
            grant = stricter(grant, self.best_grant(|rule| rule.kind.is_sealed() || rule.names()));
        }
        if !std::ptr::eq(best.rule, without.rule) {
            grant = stricter(grant, best.grant());
        }
        grant
    }
}

impl FileRules {
    /// Looks up many paths.
    #[must_use]
    pub fn lookup(&self) -> Lookup<'_> {
        Lookup { rules: self, trail: Trail::default() }
    }

    /// What holds on `path` after layers, seals and ceilings.
    #[must_use]
    pub fn grant(&self, path: &AbsPath) -> Grant<'_> {
        self.lookup().grant(path)
    }

    /// Decides one operation on one path. Total; takes about a microsecond.
    #[must_use]
    pub fn decide(&self, path: &AbsPath, op: FileOp) -> FileDecision<'_> {
        let grant = self.grant(path);
        let answer = |allowed: bool| FileDecision {
            verdict: if allowed { Verdict::Allow } else { Verdict::Deny },
            rule: grant.rule,
        };
        match op {
            FileOp::Read | FileOp::List => answer(grant.access >= Access::Read),
            FileOp::Execute => answer(grant.access >= Access::Read && grant.execute),
            FileOp::Metadata => answer(grant.access >= Access::Read || self.leads_to_grant(path)),
            _ if grant.access < Access::Overlay => answer(false),
            op => self.decide_change(path, op, grant),
        }
    }

    /// Decides a change where the rules by themselves would let it happen.
    fn decide_change<'p>(&'p self, path: &AbsPath, op: FileOp, grant: Grant<'p>) -> FileDecision<'p> {
        let deny = |rule| FileDecision { verdict: Verdict::Deny, rule };
        if self.is_held_by_parent(path, op) {
            return deny(grant.rule);
        }
        if let Some(rule) = self.shadowed(path, op) {
            return deny(Some(rule));
        }
        if let Some(rule) = self.lookalike(path, op) {
            return deny(Some(rule));
        }
        let allowed = FileDecision { verdict: Verdict::Allow, rule: grant.rule };
        self.judge_git(path, op, grant).unwrap_or(allowed)
    }

    /// Removing or renaming a name changes the directory that holds it, which must be writable too: so the root of a
    /// grant stays where it is.
    fn is_held_by_parent(&self, path: &AbsPath, op: FileOp) -> bool {
        matches!(op, FileOp::Delete | FileOp::MoveFrom | FileOp::MoveTo(_))
            && path.parent().is_none_or(|parent| self.grant(&parent).access < Access::Overlay)
    }

    /// A rule below `path`, stricter than `write`, that the operation would leave without its object (moving a parent
    /// away), or would satisfy with an object made elsewhere (moving or linking a parent into place).
    fn shadowed(&self, path: &AbsPath, op: FileOp) -> Option<&FileRule> {
        let shadows = matches!(
            op,
            FileOp::MoveFrom
                | FileOp::MoveTo(NodeKind::Directory | NodeKind::Symlink | NodeKind::Other)
                | FileOp::Create(NodeKind::Symlink | NodeKind::Other)
        );
        if !shadows {
            return None;
        }
        self.rules.iter().chain(self.capping()).filter(|rule| rule.access < Access::Write).find(|rule| {
            match &rule.pattern {
                Pattern::Path(below) => {
                    below != path && below.starts_with(path) && self.grant(below).access < Access::Write
                }
                Pattern::Glob(glob) => glob.reaches_below(path),
            }
        })
    }

    /// True if a granted path stands below, so that the way to it may be seen.
    fn leads_to_grant(&self, path: &AbsPath) -> bool {
        let speaks = |rule: &FileRule| self.project_trusted || rule.origin.layer != Layer::Project;
        self.rules.iter().filter(|rule| speaks(rule)).any(|rule| match &rule.pattern {
            Pattern::Path(below) => {
                rule.access != Access::Deny
                    && below != path
                    && below.starts_with(path)
                    && self.grant(below).access != Access::Deny
            }
            Pattern::Glob(_) => false,
        })
    }

    /// The protected rule whose name `path` imitates: a checkout on a case-insensitive disk would make it the same.
    fn lookalike(&self, path: &AbsPath, op: FileOp) -> Option<&FileRule> {
        if !matches!(op, FileOp::Create(_) | FileOp::MoveTo(_)) {
            return None;
        }
        let root = self.guarded.iter().find(|root| path.starts_with(root))?;
        let names: Vec<&[u8]> = path.key_components().skip(root.depth()).collect();
        let row = protected::imitated(&names, op)?;
        let target = root.join(row.name.as_bytes()).ok()?;
        let of_target = |rule: &&FileRule| matches!(&rule.pattern, Pattern::Path(path) if *path == target);
        self.rules.iter().filter(of_target).find(|rule| rule.kind == RuleKind::Protected)
    }

    /// The judgement on git directories, unless the user or administrator opened the place by name.
    fn judge_git<'p>(&'p self, path: &AbsPath, op: FileOp, grant: Grant<'p>) -> Option<FileDecision<'p>> {
        let root = self.guarded.iter().filter(|root| path.starts_with(root)).max_by_key(|root| root.depth());
        let git_dir = self.git_dirs.iter().filter(|dir| path.starts_with(dir)).max_by_key(|dir| dir.depth());
        if root.is_none() && git_dir.is_none() {
            let is_private = self.private.iter().any(|private| path.starts_with(private));
            if is_private || grant.access != Access::Write {
                return None;
            }
        }
        let names: Vec<&[u8]> = path.key_components().collect();
        let place = Place {
            names: &names,
            root_depth: root.map_or(0, AbsPath::depth),
            git_dir_depth: git_dir.map(AbsPath::depth),
            flavor: path.flavor(),
        };
        let judged = git::judge(&place, op)?;
        let opened = self.opens_git(path, judged.entry_depth);
        let rule = self.git_rules.get(judged.row as usize).or(grant.rule);
        (!opened).then_some(FileDecision { verdict: judged.verdict, rule })
    }

    /// True if the user or administrator wrote the path of the git directory, or of something in it, and each complete
    /// ceiling does so too.
    fn opens_git(&self, path: &AbsPath, entry_depth: usize) -> bool {
        let mut lookup = self.lookup();
        lookup.follow(path);
        let own = lookup.uncapped();
        own.rule.is_some_and(FileRule::names)
            && own.depth >= entry_depth
            && self
                .ceilings
                .iter()
                .all(|ceiling| !ceiling.complete || ceiling.rules.opens_git(path, entry_depth))
    }
}
