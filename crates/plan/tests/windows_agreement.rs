//! The policy and the model say the same: for six machines, each tier, every profile and random policies, and for each
//! operation at many paths, what the planned token can do there (after the planned entries were inherited) is what the
//! policy decides. Where it can do more, a clause says so by name; where it can do less, the plan says so too.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends at what it did not expect")]

mod windows_machines;

use garth_plan::linux::Report;
use garth_plan::windows::facts::HostFacts;
use garth_plan::windows::machine::{Machine, Possible};
use garth_plan::windows::spec::{Identity, Plan, Tier};
use garth_plan::windows::{AppContainer, Token, gaps, lower};
use garth_policy::{
    AbsPath, Access, FileDecision, FileOp, FileRule, Layer, NodeKind, Origin, Pattern, Policy, Profile,
    RuleKind, Verdict,
};
use proptest::prelude::*;
use windows_machines::{MACHINES, Sketch, path};

const PROFILES: [Profile; 6] =
    [Profile::Strict, Profile::ReadOnly, Profile::Workspace, Profile::Build, Profile::Browser, Profile::Open];

/// What is compared.
struct Case<'c> {
    policy: &'c Policy,
    facts: &'c HostFacts,
    plan: Plan,
    before: Machine,
    machine: Machine,
    token: Token,
}

impl<'c> Case<'c> {
    fn new(policy: &'c Policy, facts: &'c HostFacts, sketch: &Sketch, tier: Tier) -> Option<Self> {
        let command = sketch.command(&["cmd"]);
        let plan = match lower(policy, &policy.files.boundaries(), facts, &command, Some(tier), Report::All) {
            Ok(plan) => plan,
            // A policy may deny the program itself.
            Err(error) if error.what.contains("cannot be started") => return None,
            Err(error) => panic!("{}: {error}", sketch.name),
        };
        let machine = Machine::prepared(facts, &plan.preparation);
        let caller = &facts.user.token;
        let token = match &plan.launch.identity {
            Identity::Restricted(recipe) => caller.restricted(&recipe.restriction).unwrap(),
            Identity::Container(recipe) => {
                let base = caller.restricted(&recipe.base).unwrap();
                let capabilities = recipe.capabilities.iter().map(|capability| capability.sid).collect();
                let (package, less_privileged) = (recipe.package, recipe.less_privileged);
                let app_container = Some(AppContainer { package, capabilities, less_privileged });
                Token { app_container, ..base.in_app_container(package, &[]) }
            }
            Identity::Vm(_) => panic!("no token"),
        };
        Some(Self { policy, facts, plan, before: Machine::new(facts), machine, token })
    }

    /// Whether a clause with this gap stands in the assurance.
    fn has_gap(&self, gap: &str) -> bool {
        self.plan.assurance.rows.iter().any(|row| row.status.gap() == Some(gap))
    }

    /// Whether the clause of the rule that decided says that it is not held.
    fn said_of(&self, decision: &FileDecision<'_>) -> bool {
        let Some(rule) = decision.rule else { return false };
        let clause = format!("{} = {}", rule.pattern, rule.access.name());
        self.plan.assurance.rows.iter().any(|row| row.clause == clause && row.status.gap().is_some())
    }

    /// The token can do more than the policy says; a clause must tell.
    fn told_wider(&self, path: &AbsPath, op: FileOp, decision: &FileDecision<'_>) -> bool {
        let git = self.policy.files.git_rules();
        let by_git = decision.rule.is_some_and(|rule| git.contains(rule));
        let protected = decision.rule.is_some_and(|rule| rule.kind == RuleKind::Protected);
        let pattern = decision.rule.is_some_and(|rule| matches!(rule.pattern, Pattern::Glob(_)));
        let reading = matches!(op, FileOp::Read | FileOp::List | FileOp::Metadata | FileOp::Execute);
        let removing = matches!(op, FileOp::Delete | FileOp::MoveFrom | FileOp::MoveTo(_));
        self.said_of(decision)
            || by_git && !self.own_git(path, removing) && self.has_gap(gaps::GIT)
            || pattern && self.has_gap(gaps::PATTERN)
            || protected && is_alike(path, decision) && self.has_gap(gaps::ALIKE)
            || op == FileOp::Metadata && self.has_gap(gaps::NAMES)
            || reading && self.system(path) && self.has_gap(gaps::PACKAGES)
            || reading && self.has_gap(gaps::READS)
            || removing && self.has_gap(gaps::DELETES)
    }

    /// What is held of the workspace's own repository, and so excused by no gap. Of its directory that is where it
    /// stands; changing a directory is making names in it, and directories have no second names.
    fn own_git(&self, path: &AbsPath, removing: bool) -> bool {
        let parts = [
            "hooks",
            "info\\attributes",
            "config",
            "config.worktree",
            "remotes",
            "branches",
            "commondir",
            "modules",
            "worktrees",
        ];
        let git = self.facts.context.workspace.join(b".git").unwrap();
        removing && *path == git
            || parts.iter().any(|part| path.starts_with(&git.join(part.as_bytes()).unwrap()))
    }

    fn system(&self, path: &AbsPath) -> bool {
        let directories = &self.facts.directories;
        path.starts_with(&directories.windows)
            || directories.program_files.iter().any(|root| path.starts_with(root))
    }

    /// The token can do less than the policy says; the plan must tell, or the user cannot do it either.
    fn told_narrower(&self, path: &AbsPath, op: FileOp) -> bool {
        let preparation = &self.plan.preparation;
        let user = self.before.can(&self.facts.user.token, path, op) != Possible::Yes;
        let told = self.plan.narrower.iter().any(|entry| match op {
            FileOp::Metadata if !entry.whole => *path == entry.path,
            _ => entry.whole && path.starts_with(&entry.path),
        });
        // The way to something that is not there, or that is granted by others.
        let leads = preparation.grants.iter().any(|grant| grant.path.starts_with(path));
        let told = told || op == FileOp::Metadata && !leads;
        // A directory that holds a guarded name stays where it is, and so does one that was made to hold a placeholder.
        let held = preparation.pins.iter().any(|pin| pin.path == *path)
            || preparation.reservations.iter().any(|reservation| reservation.path == *path);
        user || told || held
    }

    fn compare(&self, path: &AbsPath, op: FileOp) -> Result<(), String> {
        let decision = self.policy.files.decide(path, op);
        let possible = self.machine.can(&self.token, path, op);
        let wider = possible != Possible::No && decision.verdict == Verdict::Deny;
        let narrower = possible != Possible::Yes && decision.verdict == Verdict::Allow;
        if wider && !self.told_wider(path, op, &decision) {
            return Err(format!("{path} {op:?}: denied, and {possible:?} by {}", shown(&decision)));
        }
        if narrower && !self.told_narrower(path, op) && !self.said_of(&decision) {
            return Err(format!("{path} {op:?}: allowed by {}, and {possible:?}", shown(&decision)));
        }
        Ok(())
    }
}

fn shown(decision: &FileDecision<'_>) -> String {
    decision
        .rule
        .map_or("no rule".into(), |rule| format!("{} = {} ({:?})", rule.pattern, rule.access, rule.kind))
}

/// A name that some disk takes for the one of the rule, and that is another one here.
fn is_alike(path: &AbsPath, decision: &FileDecision<'_>) -> bool {
    decision.rule.is_some_and(|rule| match &rule.pattern {
        Pattern::Path(named) => !path.starts_with(named),
        Pattern::Glob(_) => false,
    })
}

/// Operations that mean something at a path: what is there is read, changed and removed, what is not is made.
fn meaningful(exists: bool) -> Vec<FileOp> {
    let makes = |op: &FileOp| matches!(op, FileOp::Create(_) | FileOp::MoveTo(_));
    FileOp::ALL
        .into_iter()
        .filter(|op| if exists { !matches!(op, FileOp::Create(_)) } else { makes(op) })
        .collect()
}

/// Each boundary, what may be in it and beside it, and names that are like guarded ones.
fn sample(policy: &Policy, facts: &HostFacts) -> Vec<AbsPath> {
    let mut paths: Vec<AbsPath> = facts.paths.keys().cloned().collect();
    for boundary in policy.files.boundaries() {
        paths.push(boundary.path.clone());
        let below: [&[u8]; 4] = [b"x", b"d\\x", b".env", b".git\\hooks\\pre-commit"];
        if facts.object(boundary.path).is_some_and(|object| object.kind == NodeKind::Directory) {
            paths.extend(below.iter().filter_map(|name| boundary.path.join(name).ok()));
        }
    }
    let workspace = &facts.context.workspace;
    let names = [
        "new",
        "new\\deep\\er",
        ".vscode\\tasks.json",
        ".VSCODE\\x",
        ".vscode",
        ".github\\hooks",
        ".github\\hooks\\x",
        ".github\\workflows",
        ".git\\index.lock",
        ".git\\config",
        ".git\\hooks\\pre-commit",
        ".git\\info\\attributes",
        ".git\\info\\exclude",
        ".git\\objects\\aa",
        ".git\\commondir",
        ".git\\modules\\x\\config",
        ".mcp.json",
        "GIT~1",
        "sub\\.git\\config",
        "src\\main.rs",
        "garth.toml",
        "AGENTS.md",
    ];
    paths.extend(names.iter().filter_map(|name| workspace.join(name.as_bytes()).ok()));
    let outside = ["C:\\new", "C:\\Windows\\new", "C:\\Users\\new", "C:\\ProgramData\\new", "C:\\Temp\\new"];
    paths.extend(outside.map(path));
    paths.sort();
    paths.dedup();
    // The private directory is the sandbox's own.
    paths.retain(|path| !path.starts_with(&facts.context.tmp));
    paths
}

fn differences(case: &Case<'_>, paths: &[AbsPath]) -> Vec<String> {
    let mut found = Vec::new();
    for path in paths {
        for op in meaningful(case.before.exists(path)) {
            found.extend(case.compare(path, op).err());
        }
    }
    found
}

fn listed(found: &[String]) -> String {
    format!(
        "{} differences, such as\n{}",
        found.len(),
        found.iter().take(30).cloned().collect::<Vec<_>>().join("\n")
    )
}

fn facts_for(sketch: &Sketch, policies: &[Policy]) -> HostFacts {
    sketch.facts(&sketch.host(), policies, &[sketch.command(&["cmd"])])
}

#[test]
fn every_profile_means_the_same_on_every_machine() {
    for sketch in &MACHINES {
        let policies: Vec<Policy> = PROFILES.iter().map(|profile| sketch.policy(*profile)).collect();
        let facts = facts_for(sketch, &policies);
        for (policy, profile) in policies.iter().zip(PROFILES) {
            for tier in [Tier::Container, Tier::Restricted] {
                let case = Case::new(policy, &facts, sketch, tier).unwrap();
                let found = differences(&case, &sample(policy, &facts));
                let (machine, profile) = (sketch.name, profile.name());
                assert!(found.is_empty(), "{machine}, {profile}, {tier:?}:\n{}", listed(&found));
            }
        }
    }
}

/// Paths that rules may name, from the workspace, the profile and outside.
const NAMED: [&str; 16] = [
    "./src",
    "./src/secret.txt",
    "./new/deep",
    "./.vscode",
    "./.env",
    "./README.md",
    "./.git",
    "./.git/hooks",
    "./vendor",
    "~/.ssh",
    "~/.cargo",
    "~/.cargo/registry",
    "~/notes",
    "~/AppData/Local/Programs",
    "C:/Windows/System32",
    "C:/tools",
];

fn rule() -> impl Strategy<Value = (usize, Access, bool)> {
    let access = prop::sample::select(vec![Access::Deny, Access::Read, Access::Write, Access::Overlay]);
    (0..NAMED.len(), access, any::<bool>())
}

fn with_rules(sketch: &Sketch, profile: Profile, rules: &[(usize, Access, bool)]) -> Policy {
    let mut policy = sketch.policy(profile);
    for (place, access, execute) in rules {
        let named = NAMED[*place].replace('/', "\\");
        let text =
            named.replacen(".\\", &format!("{}\\", sketch.workspace), usize::from(named.starts_with(".\\")));
        let text = text.replacen('~', sketch.home, 1);
        policy.files.push(FileRule {
            pattern: Pattern::Path(path(&text)),
            access: *access,
            execute: *execute,
            kind: RuleKind::User,
            reason: "".into(),
            origin: Origin::unplaced(Layer::User, "test"),
        });
    }
    policy
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_policies_mean_the_same(
        machine in 0..MACHINES.len(),
        profile in prop::sample::select(PROFILES.to_vec()),
        rules in prop::collection::vec(rule(), 0..7),
        tier in prop::sample::select(vec![Tier::Container, Tier::Container, Tier::Restricted]),
    ) {
        let sketch = &MACHINES[machine];
        let policy = with_rules(sketch, profile, &rules);
        let policies = [policy];
        let facts = facts_for(sketch, &policies);
        if let Some(case) = Case::new(&policies[0], &facts, sketch, tier) {
            let found = differences(&case, &sample(&policies[0], &facts));
            prop_assert!(found.is_empty(), "{} {:?}:\n{}", sketch.name, tier, listed(&found));
        }
    }
}
