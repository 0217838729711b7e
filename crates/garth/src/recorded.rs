//! Plans for a Windows machine from what was recorded of it, on any system.
//!
//! The file is what `garth doctor --facts` writes there. It holds the descriptors of what the policy names, the caller's
//! token, directories, programs, and the policy files; nothing here looks at the machine that garth runs on.

use crate::Error;
use crate::files::load_layers;
use garth_plan::assurance::{Row, gate};
use garth_plan::facts::Command;
use garth_plan::linux::Report;
use garth_plan::windows::facts::{HostFacts, PolicyText, VERSION};
use garth_plan::windows::lower;
use garth_plan::windows::spec::{Plan, Tier};
use garth_policy::{AbsPath, Flag, Flavor, Inputs, Os, Policy, Source, TrustStore};
use std::fmt;

/// The largest file that is read, in bytes. One of a machine has about a hundred thousand.
pub const MOST_BYTES: usize = 64 << 20;

/// Why a file holds no facts that a plan can be made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadFacts {
    /// Line and column, both from 1, where the text itself is at fault.
    pub place: Option<(usize, usize)>,
    /// What is wrong.
    pub why: String,
}

impl BadFacts {
    /// What helps, whatever is wrong.
    pub const HINT: &str = "record the machine anew with `garth doctor --facts FILE`, or compare with \
        docs/windows-facts.schema.json";

    fn whole(why: impl Into<String>) -> Self {
        Self { place: None, why: why.into() }
    }
}

impl fmt::Display for BadFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Some((line, column)) => write!(f, "line {line}, column {column}: {}", self.why),
            None => f.write_str(&self.why),
        }
    }
}

impl std::error::Error for BadFacts {}

/// Reads the facts of a machine.
///
/// # Errors
/// What is no JSON, lacks something, holds something unknown, or speaks of another system; with the place.
pub fn read(text: &[u8]) -> Result<HostFacts, BadFacts> {
    if text.len() > MOST_BYTES {
        return Err(BadFacts::whole(format!("a file of more than {} MiB is not read", MOST_BYTES >> 20)));
    }
    // Editors of Windows write a mark in front.
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let facts: HostFacts = serde_json::from_slice(text).map_err(|error| {
        // Of an empty text it says line 1, column 0, where nothing is.
        let place = (error.line() > 0 && error.column() > 0).then(|| (error.line(), error.column()));
        let whole = error.to_string();
        let suffix = format!(" at line {} column {}", error.line(), error.column());
        BadFacts { place, why: whole.strip_suffix(&suffix).unwrap_or(&whole).to_owned() }
    })?;
    if facts.version != VERSION {
        let why = format!("its version is {}, and this garth reads version {VERSION}", facts.version);
        return Err(BadFacts { place: place_of(text, "\"version\""), why });
    }
    if facts.context.os != Os::Windows {
        let why = "these are not the facts of a Windows machine";
        return Err(BadFacts { place: place_of(text, "\"os\""), why: why.to_owned() });
    }
    if let Some(path) = paths(&facts).find(|path| path.flavor() != Flavor::Windows) {
        let quoted = serde_json::to_string(&path.to_lossless()).unwrap_or_default();
        let why = format!("{path} is no path of Windows");
        return Err(BadFacts { place: place_of(text, &quoted), why });
    }
    Ok(facts)
}

/// Where a word stands for the first time.
fn place_of(text: &[u8], word: &str) -> Option<(usize, usize)> {
    let text = std::str::from_utf8(text).ok()?;
    let before = text.get(..text.find(word)?)?;
    let line = before.rsplit('\n').next().unwrap_or_default();
    Some((before.matches('\n').count() + 1, line.chars().count() + 1))
}

/// Every path that decides something.
fn paths(facts: &HostFacts) -> impl Iterator<Item = &AbsPath> {
    let context = &facts.context;
    let directories = &facts.directories;
    let single = [
        &context.workspace,
        &context.home,
        &context.tmp,
        &directories.windows,
        &directories.program_data,
        &directories.profiles,
        &directories.profile,
        &directories.local_app_data,
        &directories.garth,
    ];
    let lists =
        [&context.git_dirs, &context.path_dirs, &directories.program_files, &directories.synchronised];
    let objects = facts.paths.values().filter_map(|fact| fact.object());
    let tools = facts.tools.values().flatten();
    single
        .into_iter()
        .chain(lists.into_iter().flatten())
        .chain(context.env_dirs.iter().map(|(_, path)| path))
        .chain(facts.volumes.iter().map(|volume| &volume.root))
        .chain(facts.paths.keys())
        .chain(objects.map(|object| &object.final_path))
        .chain(tools.flat_map(|tool| [&tool.path, &tool.object.final_path]))
}

/// What is to be planned.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The command; the first word names the program.
    pub arguments: Vec<String>,
    /// Another workspace than the recorded one.
    pub workspace: Option<AbsPath>,
    /// A policy file that replaces the user's own.
    pub policy: Option<Source>,
    /// The command line as a layer of the policy.
    pub flags: Vec<Flag>,
    /// The tier that is asked for.
    pub tier: Option<Tier>,
    /// How much of the assurance is told.
    pub report: Report,
}

/// A plan for a Windows machine.
#[derive(Clone, Debug)]
pub struct Planned {
    /// The policy in force there.
    pub policy: Policy,
    /// What was recorded.
    pub facts: HostFacts,
    /// The plan.
    pub plan: Plan,
    /// What should be said about the policy files, rendered.
    pub warnings: Vec<String>,
}

impl Planned {
    /// The clauses for which a run would refuse.
    #[must_use]
    pub fn refused(&self) -> Vec<Row> {
        let found = gate(&self.plan.assurance, &self.plan.accepted);
        found.err().into_iter().flatten().cloned().collect()
    }
}

/// The policy in force on the machine, and what should be said about its files, rendered. `user` replaces the user's own
/// file.
///
/// # Errors
/// Mistakes of policy files.
pub fn policy_of(
    facts: &HostFacts,
    user: Option<&Source>,
    flags: &[Flag],
) -> Result<(Policy, Vec<String>), Error> {
    let source = |text: &PolicyText| Source { name: text.name.clone(), text: text.text.clone() };
    let recorded = &facts.policies;
    let inputs = Inputs {
        context: facts.context.clone(),
        managed: recorded.managed.as_ref().map(source),
        user: user.cloned().or_else(|| recorded.user.as_ref().map(source)),
        project: recorded.project.as_ref().map(source),
        flags: flags.to_vec(),
    };
    let mut trust = TrustStore::empty();
    if let Some(project) = recorded.project.as_ref().filter(|_| recorded.project_trusted) {
        trust.add(&project.text, "recorded");
    }
    let loaded = load_layers(&inputs, &trust).map_err(|found| Error::Policy(found.render(false)))?;
    let warnings = if loaded.warnings.is_empty() { Vec::new() } else { vec![loaded.warnings.render(false)] };
    Ok((loaded.policy, warnings))
}

/// Loads the policy as the machine would, and lowers it.
///
/// # Errors
/// Mistakes of policy files, and whatever the machine cannot do; see [`Error`].
pub fn plan(mut facts: HostFacts, wanted: &Wanted) -> Result<Planned, Error> {
    let elsewhere = wanted.workspace.as_ref().is_some_and(|named| *named != facts.context.workspace);
    if let Some(named) = &wanted.workspace {
        facts.context.workspace = named.clone();
    }
    // The file of another workspace was not recorded.
    facts.policies.project.take_if(|_| elsewhere);
    let (policy, warnings) = policy_of(&facts, wanted.policy.as_ref(), &wanted.flags)?;
    let bytes = |text: &String| text.clone().into_bytes();
    let command = Command {
        arguments: wanted.arguments.iter().map(bytes).collect(),
        directory: facts.context.workspace.clone(),
        logical_directory: None,
        environment: facts.environment.iter().map(|(name, value)| (bytes(name), bytes(value))).collect(),
        terminal: None,
        layers: Vec::new(),
        kept: Vec::new(),
        observe: false,
    };
    let plan = lower(&policy, &policy.files.boundaries(), &facts, &command, wanted.tier, wanted.report)
        .map_err(Error::Plan)?;
    Ok(Planned { policy, facts, plan, warnings })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOME: &str = include_str!("../../plan/tests/facts/windows-home.json");

    fn wanted(words: &[&str]) -> Wanted {
        Wanted {
            arguments: words.iter().map(|word| (*word).to_owned()).collect(),
            workspace: None,
            policy: None,
            flags: Vec::new(),
            tier: None,
            report: Report::Gaps,
        }
    }

    #[test]
    fn a_machine_is_planned_from_its_file() {
        let facts = read(HOME.as_bytes()).unwrap();
        let planned = plan(facts.clone(), &wanted(&["git", "status"])).unwrap();
        assert_eq!(planned.plan.tier, Tier::Container);
        let marked = [b"\xef\xbb\xbf", HOME.as_bytes()].concat();
        assert!(read(&marked).unwrap() == facts);
    }

    #[test]
    fn the_recorded_policies_are_in_force() {
        let mut facts = read(HOME.as_bytes()).unwrap();
        let text = |name: &str, text: &str| Some(PolicyText { name: name.into(), text: text.into() });
        facts.policies.user = text("policy.toml", "version = 1\nprofile = \"read-only\"\n");
        let of = |wanted: &Wanted| plan(facts.clone(), wanted).unwrap().policy.profile.value.name();
        assert_eq!(of(&wanted(&["git"])), "read-only");
        let own = Source { name: "mine.toml".into(), text: "version = 1\nprofile = \"open\"\n".into() };
        assert_eq!(of(&Wanted { policy: Some(own), ..wanted(&["git"]) }), "open");
        facts.policies.project = text("garth.toml", "version = 2\n");
        let error = plan(facts.clone(), &wanted(&["git"])).unwrap_err();
        assert!(error.exit_code() == 120 && error.to_string().contains("garth.toml"), "{error}");
    }

    #[test]
    fn what_is_wrong_with_a_file_is_said_with_its_place() {
        let with = |from: &str, to: &str| HOME.replacen(from, to, 1);
        // The text, where it goes wrong, and what is said.
        let cases = [
            (with("\"token\"", "\"tokens\""), "\"tokens\"", "unknown field `tokens`"),
            (with("\"build\": \"26100.4652\"", "\"build\": 7"), "\"build\"", "expected a string"),
            (with("S-1-1-0", "S-1-x"), "S-1-x", "no number that fits into a SID"),
            (with("\"os\": \"windows\"", "\"os\": \"linux\""), "\"os\"", "not the facts of a Windows"),
            (
                with("C:\\\\Users\\\\ada\\\\source\\\\project\"", "/home/ada\""),
                "\"/home/ada",
                "no path of Windows",
            ),
            (with("\"version\": 1", "\"version\": 9"), "\"version\"", "reads version 1"),
            ("[]".to_owned(), "[", "invalid"),
            ("[".repeat(100_000), "[", "invalid"),
        ];
        for (text, needle, why) in cases {
            let error = read(text.as_bytes()).unwrap_err();
            assert!(error.why.contains(why), "{error}");
            let (line, column) = error.place.unwrap();
            let (wanted, start) = place_of(text.as_bytes(), needle).unwrap();
            assert!(
                line == wanted && column >= start && column <= start + 40,
                "{error}; at {wanted}, {start}"
            );
        }
        let torn = read(&HOME.as_bytes()[..5000]).unwrap_err();
        assert!(torn.why.contains("EOF") && torn.place.is_some(), "{torn}");
        assert_eq!(read(b"").unwrap_err().place, None);
    }

    #[test]
    fn what_was_not_recorded_is_not_guessed() {
        let facts = read(HOME.as_bytes()).unwrap();
        let error = plan(facts.clone(), &wanted(&["ruby"])).unwrap_err().to_string();
        assert!(error.contains("was not recorded") && error.contains("garth doctor --facts"), "{error}");
        let elsewhere = AbsPath::windows("C:\\Users\\ada\\source\\other").unwrap();
        let error = plan(facts, &Wanted { workspace: Some(elsewhere), ..wanted(&["git"]) }).unwrap_err();
        assert!(error.to_string().contains("not there, or could not be opened"), "{error}");
    }
}
