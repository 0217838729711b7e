//! What an attack is.
#![cfg_attr(windows, expect(dead_code, reason = "what only attacks on Linux need"))]

#[cfg(target_os = "linux")]
use super::scenario::Scenario;
use std::borrow::Cow;

/// There are no stories on Windows yet.
#[cfg(windows)]
pub type Scenario = core::convert::Infallible;

/// A property of DESIGN section 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Property(pub u8);

impl Property {
    /// In a few words.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self.0 {
            1 => "limits come from the user",
            2 => "decided on opened objects; nothing outside changes",
            3 => "names that do not exist yet",
            4 => "what the host later trusts",
            5 => "nothing made inside is run by a trusted process",
            6 => "a safe verdict never removes containment",
            7 => "vetting covers the whole invocation",
            8 => "the environment is an allow-list",
            9 => "no direct egress",
            10 => "no open DNS",
            11 => "secrets never enter",
            12 => "no delegates outside",
            13 => "our own channels",
            14 => "fail closed",
            15 => "nothing of the repository before trust",
            16 => "policy files are checked",
            17 => "enforcer, policy and log",
            18 => "kernel surface",
            19 => "names are shown safely",
            20 => "children only narrow",
            21 => "no residue",
            22 => "cost does not grow with the tree",
            _ => "limits on resources",
        }
    }
}

/// An action of the host's probe with its arguments. `{name}` stands for a place of the stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The action's name.
    pub probe: &'static str,
    /// Its arguments.
    pub arguments: &'static [&'static str],
}

/// A step.
pub(super) const fn step(probe: &'static str, arguments: &'static [&'static str]) -> Step {
    Step { probe, arguments }
}

/// What shows that the probe is not broken.
#[derive(Clone, Copy, Debug)]
pub enum Twin {
    /// This step inside must succeed.
    Inside(Step),
    /// The attack itself must succeed on the host, without a sandbox.
    Outside,
    /// The scenario tells itself.
    Told,
}

/// What the attack does.
#[derive(Clone, Copy, Debug)]
pub enum Action {
    /// A step inside.
    Inside(Step),
    /// A story of its own, told by the host.
    Scenario(Scenario),
}

/// What the attack must meet.
#[derive(Clone, Copy, Debug)]
pub enum Expect {
    /// Any refusal.
    Refused,
    /// A refusal with one of these error numbers.
    Exactly(&'static [i32]),
    /// A refusal, and this ruling of the network (code, then host and port), which the session reports.
    Ruled(&'static str),
    /// A refusal with this number, or the end of the process by a signal.
    OrKilled(i32),
    /// Whatever the attack believes: the checks decide.
    Harmless,
}

/// What the host looks like afterwards.
#[derive(Clone, Copy, Debug)]
pub enum Check {
    /// This object is exactly as it was: identity, mode, times, content.
    Same(&'static str),
    /// Nothing stands there.
    Absent(&'static str),
    /// The file does not contain this text.
    Lacks(&'static str, &'static str),
}

/// A sandbox in which attacks are run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Garden {
    /// The default policy on a git repository.
    Repository,
    /// The default policy on a directory that is no repository.
    Bare,
    /// A linked worktree, whose real git directory is elsewhere.
    Worktree,
    /// A policy with patterns and names that are absent.
    Patterns,
    /// Reads are denied by default.
    Strict,
    /// A project file that nobody trusts widens the policy.
    Untrusted,
    /// A `.git` that points at a directory which does not point back.
    Forged,
    /// A network that leads to named hosts and ports.
    Network,
    /// A network with bounds on what leaves.
    Budget,
    /// A home of its own, credentials of which have other names in the workspace.
    Linked,
}

impl Garden {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Repository,
        Self::Bare,
        Self::Worktree,
        Self::Patterns,
        Self::Strict,
        Self::Untrusted,
        Self::Forged,
        Self::Network,
        Self::Budget,
        Self::Linked,
    ];

    /// A name for directories.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Repository => "repository",
            Self::Bare => "bare",
            Self::Worktree => "worktree",
            Self::Patterns => "patterns",
            Self::Strict => "strict",
            Self::Untrusted => "untrusted",
            Self::Forged => "forged",
            Self::Network => "network",
            Self::Budget => "budget",
            Self::Linked => "linked",
        }
    }
}

/// One attack.
#[derive(Clone, Debug)]
pub struct Attack {
    /// A short name, unique.
    pub id: Cow<'static, str>,
    /// What it is against.
    pub property: Property,
    /// What it tries.
    pub title: Cow<'static, str>,
    /// The published escapes it stands for (rows of the research page).
    pub escapes: &'static [u8],
    /// Where.
    pub garden: Garden,
    /// What it does.
    pub action: Action,
    /// What shows that it is no blank.
    pub twin: Twin,
    /// What it must meet.
    pub expect: Expect,
    /// What the host must look like afterwards.
    pub checks: &'static [Check],
    /// Gaps that excuse it where the plan names them.
    pub gaps: &'static [&'static str],
    /// It needs namespaces to mean anything.
    pub process_tier_only: bool,
}

/// An attack by a step, with a twin inside.
pub(super) const fn attack(
    property: u8,
    id: &'static str,
    title: &'static str,
    action: Step,
    twin: Step,
) -> Attack {
    Attack {
        id: Cow::Borrowed(id),
        property: Property(property),
        title: Cow::Borrowed(title),
        escapes: &[],
        garden: Garden::Repository,
        action: Action::Inside(action),
        twin: Twin::Inside(twin),
        expect: Expect::Refused,
        checks: &[],
        gaps: &[],
        process_tier_only: false,
    }
}

/// An attack by a step that must succeed on the host.
pub(super) const fn against(property: u8, id: &'static str, title: &'static str, action: Step) -> Attack {
    let mut made = attack(property, id, title, action, action);
    made.twin = Twin::Outside;
    made
}

/// An attack that is a story.
pub(super) const fn story(property: u8, id: &'static str, title: &'static str, scenario: Scenario) -> Attack {
    let nothing = step("", &[]);
    let mut made = attack(property, id, title, nothing, nothing);
    made.action = Action::Scenario(scenario);
    made.twin = Twin::Told;
    made
}

impl Attack {
    pub(super) const fn escapes(mut self, rows: &'static [u8]) -> Self {
        self.escapes = rows;
        self
    }

    pub(super) const fn within(mut self, garden: Garden) -> Self {
        self.garden = garden;
        self
    }

    pub(super) const fn expect(mut self, expect: Expect) -> Self {
        self.expect = expect;
        self
    }

    pub(super) const fn check(mut self, checks: &'static [Check]) -> Self {
        self.checks = checks;
        self
    }

    pub(super) const fn gap(mut self, gaps: &'static [&'static str]) -> Self {
        self.gaps = gaps;
        self
    }

    pub(super) const fn namespaces(mut self) -> Self {
        self.process_tier_only = true;
        self
    }
}
