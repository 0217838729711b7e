//! Plans from recorded facts, for every profile: what is mounted, what Landlock allows, what is supervised, and
//! how each clause is held. `GARTH_BLESS=1 cargo test -p garth-plan` writes the snapshots anew.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use garth_plan::assurance::{Row, gate};
use garth_plan::facts::{Command, HostFacts, Keeping, Layered};
use garth_plan::linux::spec::{LaunchSpec, MountFlags, ViewStep};
use garth_plan::linux::usual::{fits, usual};
use garth_plan::linux::{Plan, Report, TOLD_GAP, lower};
use garth_policy::{
    AbsPath, Access, Context, FileOp, FileRule, Layer, Origin, Os, Pattern, Policy, Profile, Reads, RuleKind,
    Sourced, Verdict,
};
use std::fmt::Write as _;
use std::path::PathBuf;

const PROFILES: [Profile; 6] =
    [Profile::Strict, Profile::ReadOnly, Profile::Workspace, Profile::Build, Profile::Browser, Profile::Open];
const MACHINES: [&str; 2] = ["debian-user", "debian-root"];

fn path(text: &str) -> AbsPath {
    AbsPath::posix(text.as_bytes()).unwrap()
}

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests").join(name)
}

fn facts(machine: &str, namespaces: bool) -> HostFacts {
    let text = std::fs::read_to_string(file(&format!("facts/{machine}.json"))).unwrap();
    let mut facts: HostFacts = serde_json::from_str(&text).unwrap();
    if !namespaces {
        facts.features.namespaces_refused = Some("recorded so".into());
    }
    facts
}

fn policy(profile: Profile) -> Policy {
    let context = Context {
        os: Os::Linux,
        workspace: path("/home/ada/project"),
        home: path("/home/ada"),
        tmp: path("/tmp"),
        git_dirs: Vec::new(),
        path_dirs: Vec::new(),
        env_dirs: Vec::new(),
    };
    Policy::builtin(profile, &context)
}

fn plan(policy: &Policy, facts: &HostFacts, report: Report) -> Plan {
    let command = Command {
        arguments: vec![b"make".to_vec()],
        directory: path("/home/ada/project"),
        logical_directory: None,
        environment: vec![
            (b"PATH".to_vec(), b"/usr/bin:.".to_vec()),
            (b"LD_PRELOAD".to_vec(), b"/tmp/x.so".to_vec()),
        ],
        terminal: None,
        layers: Vec::new(),
        kept: Vec::new(),
        observe: false,
    };
    lower(policy, &policy.files.boundaries(), facts, &command, report).unwrap()
}

fn show_step(step: &ViewStep) -> String {
    match step {
        ViewStep::Directory { path, mode } => format!("directory {path} {mode:o}"),
        ViewStep::Symlink { path, target } => format!("link {path} -> {}", String::from_utf8_lossy(target)),
        ViewStep::Bind { source, path, flags, .. } => {
            let MountFlags { read_only, no_exec, no_dev } = *flags;
            let words = [(read_only, " read-only"), (no_exec, " no-exec"), (no_dev, " no-dev")];
            let words: String = words.iter().filter(|(set, _)| *set).map(|(_, word)| *word).collect();
            let from = if source == path { String::new() } else { format!(" from {source}") };
            format!("bind {path}{from}{words}")
        }
        ViewStep::Overlay { path, .. } => format!("overlay {path}"),
        ViewStep::Copy { path, .. } => format!("copy {path}"),
        ViewStep::Layer { path, store, flags, .. } => {
            format!("layer {path} in {store}{}", if flags.read_only { " read-only" } else { "" })
        }
        ViewStep::Part { path, flags, .. } => {
            format!("part {path}{}", if flags.read_only { " read-only" } else { "" })
        }
        ViewStep::File { path, .. } => format!("file {path}"),
        ViewStep::Mask { path, .. } => format!("mask {path}"),
        ViewStep::Proc { path, guard_settings } => format!("proc {path} guarded={guard_settings}"),
        ViewStep::Terminals { path } => format!("terminals {path}"),
        ViewStep::Kept { path, store, .. } => format!("kept {path} in {store}"),
        ViewStep::KeptCopy { path, source } => format!("kept copy {path} from {source}"),
    }
}

fn show(plan: &Plan) -> String {
    let LaunchSpec { tier, view, landlock, limits, target, .. } = &plan.spec;
    let mut out = format!("tier {tier:?}\n\nview\n");
    for step in view {
        writeln!(out, "  {}", show_step(step)).unwrap();
    }
    writeln!(out, "\nlandlock handles {:#x}, scopes {:#x}", landlock.handled_files, landlock.scoped).unwrap();
    for rule in &landlock.rules {
        writeln!(out, "  {} {:#x}", rule.path, rule.allowed).unwrap();
    }
    if let Some(order) = &plan.supervision {
        writeln!(out, "\nsupervised, reads={} deletes={}", order.reads, order.deletes).unwrap();
        order.roots.iter().for_each(|root| writeln!(out, "  {root}").unwrap());
        order.free.iter().for_each(|root| writeln!(out, "  free {root}").unwrap());
    }
    writeln!(out, "\nlimits {limits:?}\nenvironment").unwrap();
    for string in &target.environment {
        writeln!(out, "  {}", String::from_utf8_lossy(string)).unwrap();
    }
    out.push_str("\nnot fully enforced\n");
    for Row { clause, status, .. } in &plan.assurance.rows {
        writeln!(out, "  {clause}: {} {}", status.word(), status.detail()).unwrap();
    }
    out
}

#[test]
fn every_profile_lowers_as_recorded() {
    let bless = std::env::var_os("GARTH_BLESS").is_some();
    let mut wrong = Vec::new();
    for machine in MACHINES {
        for (tier, namespaces) in [("process", true), ("landlock", false)] {
            for profile in PROFILES {
                let name = format!("snapshots/{machine}-{tier}-{}.txt", profile.name());
                let now = show(&plan(&policy(profile), &facts(machine, namespaces), Report::Gaps));
                if bless {
                    std::fs::write(file(&name), &now).unwrap();
                } else if std::fs::read_to_string(file(&name)).ok().as_deref() != Some(&now) {
                    wrong.push(name);
                }
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "other than recorded: {wrong:?}\nhint: look, then GARTH_BLESS=1 cargo test -p garth-plan"
    );
}

#[test]
fn refused_reads_are_told_where_the_machine_lets_a_user() {
    let mut policy = policy(Profile::Workspace);
    assert!(plan(&policy, &facts("debian-user", true), Report::All).spec.told.is_none());
    policy.audit.reads = Sourced::new(Reads::Told, Origin::unplaced(Layer::User, "policy.toml"));
    for machine in MACHINES {
        let telling = plan(&policy, &facts(machine, true), Report::Gaps);
        let told = telling.spec.told.expect("told");
        assert!(told.directories.contains(&path("/")) && told.directories.contains(&path("/home/ada")));
        assert!(told.parts.iter().any(|part| part.path == path("/home/ada/project")));
        assert!(!telling.assurance.rows.iter().any(|row| row.status.gap() == Some(TOLD_GAP)));
        let mut refusing = facts(machine, true);
        refusing.features.own_file_systems_refused = Some("recorded so".into());
        for facts in [refusing, facts(machine, false)] {
            let silent = plan(&policy, &facts, Report::Gaps);
            assert!(silent.spec.told.is_none());
            let row = silent.assurance.rows.iter().find(|row| row.status.gap() == Some(TOLD_GAP));
            assert!(row.is_some() && silent.accepted.iter().any(|gap| gap == TOLD_GAP));
        }
    }
}

#[test]
fn an_ordinary_machine_passes_the_gate() {
    // An open network is refused in any case.
    for profile in PROFILES.into_iter().filter(|profile| *profile != Profile::Open) {
        for machine in MACHINES {
            let plan = plan(&policy(profile), &facts(machine, true), Report::Gaps);
            let refused = gate(&plan.assurance, &plan.accepted).err();
            assert!(refused.is_none(), "{machine}, {}: {refused:?}", profile.name());
        }
    }
}

#[test]
fn every_boundary_has_a_row() {
    for namespaces in [true, false] {
        for profile in PROFILES {
            let policy = policy(profile);
            let plan = plan(&policy, &facts("debian-user", namespaces), Report::All);
            for boundary in policy.files.boundaries().iter().filter(|boundary| boundary.grant.rule.is_some())
            {
                let clause = format!("{} = {}", boundary.path, boundary.grant.access.name());
                assert!(
                    plan.assurance.rows.iter().any(|row| row.clause == clause),
                    "{clause} of {}",
                    profile.name()
                );
            }
        }
    }
}

/// What is mounted is what the policy decides: nothing is writable or readable that it does not say so of.
#[test]
fn mounts_agree_with_the_policy() {
    for machine in MACHINES {
        for profile in PROFILES {
            let policy = policy(profile);
            let plan = plan(&policy, &facts(machine, true), Report::Gaps);
            for step in &plan.spec.view {
                let allows = |path: &AbsPath, op| policy.files.decide(path, op).verdict == Verdict::Allow;
                match step {
                    ViewStep::Bind { path, flags, .. } => {
                        assert!(allows(path, FileOp::Read), "{path} is mounted and may not be read");
                        let writable = policy.files.grant(path).access == Access::Write;
                        assert!(flags.read_only || writable, "{path} is mounted writable");
                    }
                    ViewStep::Overlay { path, .. } => assert!(allows(path, FileOp::Read), "{path}"),
                    ViewStep::Mask { path, .. } => assert!(!allows(path, FileOp::Read), "{path} is masked"),
                    _ => {}
                }
            }
        }
    }
}

#[test]
fn secrets_are_in_no_view() {
    // The facts were asked for with the home hidden; in `open` it is not, and more would be asked.
    for profile in PROFILES.into_iter().filter(|profile| *profile != Profile::Open) {
        let plan = plan(&policy(profile), &facts("debian-user", true), Report::Gaps);
        for secret in ["/home/ada/.ssh", "/home/ada/.npmrc"] {
            let shown = plan.spec.view.iter().rposition(|step| match step {
                ViewStep::Bind { path: shown, .. } => path(secret).starts_with(shown),
                _ => false,
            });
            assert!(shown.is_none_or(|_| facts("debian-user", true).object(&path(secret)).is_some()));
            let masked = plan.spec.view.iter().rposition(
                |step| matches!(step, ViewStep::Mask { path: masked, .. } if path(secret).starts_with(masked)),
            );
            assert!(masked >= shown, "{secret} shows in {}", profile.name());
        }
    }
}

/// What the runner would begin with on that machine.
fn begun(facts: &HostFacts) -> Vec<ViewStep> {
    let link = |path: &AbsPath| facts.object(path)?.link.clone();
    let look = |path: &AbsPath| {
        let object = facts.object(path).filter(|object| object.final_path == *path)?;
        Some((object.kind, object.id))
    };
    usual(facts.user.uid, link, look)
}

#[test]
fn what_is_usual_is_in_the_plans_of_usual_policies() {
    for machine in MACHINES {
        let facts = facts(machine, true);
        let begun = begun(&facts);
        // As root the broker makes the mounts of the system's directories.
        let least = if facts.user.uid == 0 { 20 } else { 25 };
        assert!(begun.len() > least, "{machine}: {}", begun.len());
        for profile in [Profile::Workspace, Profile::Build] {
            let plan = plan(&policy(profile), &facts, Report::Gaps);
            let missing: Vec<_> = begun.iter().filter(|step| !plan.spec.view.contains(step)).collect();
            assert!(missing.is_empty(), "{machine} {profile:?}: {missing:?}");
            assert!(fits(&begun, &plan.spec.view), "{machine} {profile:?}");
        }
    }
}

#[test]
fn what_was_begun_does_not_fit_what_would_cover_it_or_leaves_it_out() {
    let facts = facts("debian-user", true);
    let begun = begun(&facts);
    let wanted = plan(&policy(Profile::Workspace), &facts, Report::Gaps).spec.view;
    for at in 0..wanted.len() {
        let mut less = wanted.clone();
        let removed = less.remove(at);
        assert_eq!(fits(&begun, &less), !begun.contains(&removed), "{removed:?}");
        let mut covered = wanted.clone();
        covered.push(ViewStep::Mask { path: removed.path().clone(), directory: true });
        assert_eq!(fits(&begun, &covered), !begun.iter().any(|step| step.path().starts_with(removed.path())));
    }
    let mut covered = wanted;
    covered.push(ViewStep::Terminals { path: path("/") });
    assert!(!fits(&begun, &covered));
}

/// A plan for an agent that keeps a directory and a file below the home.
fn agents(policy: &Policy, facts: &HostFacts) -> Plan {
    let keeping = |name: &str| path(&format!("/home/ada/{name}"));
    let kept = vec![
        Keeping::Tree {
            path: keeping(".claude"),
            below: vec![path("/home/ada/garth/own/.claude")],
            store: path("/home/ada/garth/running/1/0"),
        },
        Keeping::File { path: keeping(".claude.json"), source: path("/home/ada/garth/running/1/1") },
    ];
    let command = Command {
        arguments: vec![b"claude".to_vec()],
        directory: path("/home/ada/project"),
        logical_directory: None,
        environment: Vec::new(),
        terminal: None,
        layers: Vec::new(),
        kept,
        observe: false,
    };
    lower(policy, &policy.files.boundaries(), facts, &command, Report::All).unwrap()
}

/// A rule of the command line.
fn rule(name: &str, access: Access) -> FileRule {
    FileRule {
        pattern: Pattern::Path(path(name)),
        access,
        execute: true,
        kind: RuleKind::User,
        reason: "".into(),
        origin: Origin::unplaced(Layer::Flags, "--agent claude"),
    }
}

/// What garth keeps for an agent is shown where the rules show what the agent keeps, and nowhere else.
#[test]
fn what_is_kept_for_an_agent_is_shown_by_the_rules_alone() {
    let is_kept = |step: &&ViewStep| matches!(step, ViewStep::Kept { .. } | ViewStep::KeptCopy { .. });
    for machine in MACHINES {
        let facts = facts(machine, true);
        let mut policy = policy(Profile::Workspace);
        let plan = agents(&policy, &facts);
        assert_eq!(plan.spec.view.iter().filter(is_kept).count(), 0, "{machine}: no rule shows it");
        for (name, access) in [(".claude", Access::Overlay), (".claude.json", Access::Overlay)] {
            policy.files.push(rule(&format!("/home/ada/{name}"), access));
        }
        let plan = agents(&policy, &facts);
        let steps: Vec<&ViewStep> = plan.spec.view.iter().filter(is_kept).collect();
        let [ViewStep::Kept { source: None, below, store, path: shown }, ViewStep::KeptCopy { source, .. }] =
            steps.as_slice()
        else {
            panic!("{machine}: {steps:?}");
        };
        assert_eq!((below.len(), shown), (1, &path("/home/ada/.claude")));
        assert!(
            *store == path("/home/ada/garth/running/1/0") && *source == path("/home/ada/garth/running/1/1")
        );
        let lasts = |row: &&Row| format!("{row:?}").contains("what lasts");
        assert_eq!(plan.assurance.rows.iter().filter(lasts).count(), 2, "{machine}");
        policy.files.push(rule("/home/ada/.claude", Access::Deny));
        let plan = agents(&policy, &facts);
        assert_eq!(plan.spec.view.iter().filter(is_kept).count(), 1, "{machine}: a rule hides one");
    }
}

/// A plan in which the project is to have a layer.
fn layered(policy: &Policy, facts: &HostFacts) -> Result<Plan, garth_plan::linux::PlanError> {
    let command = Command {
        arguments: vec![b"make".to_vec()],
        directory: path("/home/ada/project"),
        logical_directory: None,
        environment: Vec::new(),
        terminal: None,
        layers: vec![Layered { tree: path("/home/ada/project"), store: path("/home/ada/layers/1/0") }],
        kept: Vec::new(),
        observe: false,
    };
    lower(policy, &policy.files.boundaries(), facts, &command, Report::All)
}

#[test]
fn nothing_of_a_tree_with_a_layer_is_mounted_itself() {
    for (machine, profile) in MACHINES.iter().flat_map(|machine| PROFILES.map(|profile| (machine, profile))) {
        let (facts, mut policy) = (facts(machine, true), policy(profile));
        let project = path("/home/ada/project");
        let link = path("/home/ada/project/.git");
        let plan = layered(&policy, &facts).unwrap();
        let within = |path: &AbsPath| path.starts_with(&project);
        let mut parts = 0;
        for step in &plan.spec.view {
            match step {
                ViewStep::Bind { source, .. } | ViewStep::Overlay { source, .. } => {
                    assert!(!within(source), "{machine} {profile:?}: {step:?}");
                }
                ViewStep::Part { source, .. } => parts += usize::from(within(source)),
                _ => {}
            }
        }
        assert_eq!(
            plan.supervision.is_some(),
            self::plan(&policy, &facts, Report::All).supervision.is_some()
        );
        let is_layer = |step: &&ViewStep| matches!(step, ViewStep::Layer { path, .. } if *path == project);
        assert_eq!(plan.spec.view.iter().filter(is_layer).count(), 1, "{machine} {profile:?}");
        if policy.files.grant(&link).access == Access::Write && facts.object(&link).is_some() {
            assert!(parts > 0, "{machine} {profile:?}");
        }
        let clause = "/home/ada/project is changed by nothing but `garth apply`";
        assert!(plan.assurance.rows.iter().any(|row| row.clause == clause && row.status.gap().is_none()));
        // Shown by its parent alone it would be written to, and that is said.
        policy.files = parent_alone(&policy);
        let plan = layered(&policy, &facts).unwrap();
        let refused = gate(&plan.assurance, &plan.accepted).unwrap_err();
        assert!(refused.iter().any(|row| row.status.gap() == Some("linux.layer")), "{refused:?}");
    }
}

/// Rules in which the home is writable and nothing is said of the project.
fn parent_alone(policy: &Policy) -> garth_policy::FileRules {
    let mut rules = garth_policy::FileRules::nothing();
    let mut rule = policy.files.rules()[0].clone();
    rule.pattern = Pattern::Path(path("/home/ada"));
    rule.access = Access::Write;
    rules.push(rule);
    rules
}

#[test]
fn without_namespaces_a_layer_is_refused_with_what_helps() {
    let error = layered(&policy(Profile::Workspace), &facts("debian-user", false)).unwrap_err();
    assert!(error.why.contains("recorded so") && error.hint.contains("--checkpoint"), "{error}");
}
