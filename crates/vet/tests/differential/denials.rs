//! Whatever stands around a command that a rule denies: where a real bash runs it, the verdict is no yes.
//!
//! "Adding text never turns deny into allow unless the denied part is gone", with bash itself as the judge of whether it is
//! gone: in a comment, in quotes, in a document, behind an `exit`.

use crate::generator::Generator;
use crate::sandbox::Sandbox;
use garth_policy::{
    AbsPath, CommandDecision, CommandRule, Commands, Context, Layer, Origin, Os, Policy, Profile,
};
use garth_vet::Shell;
use garth_vet::judge::{Surroundings, judge};
use std::collections::BTreeMap;

/// Texts that are tried.
const TEXTS: u64 = 1500;

/// Texts in which bash runs the command, and in which it does not; below these numbers they would show nothing.
const FEWEST: usize = 150;

/// The program that is denied; a stub, as all others are.
const DENIED: &str = "ok1";

/// Pieces of anything. None can repeat without an end, or names a program by its path.
const PIECES: &[&str] = &[
    " ",
    "\n",
    "\n",
    ";",
    "; ",
    " && ",
    " || ",
    " | ",
    " & ",
    "(",
    ")",
    "{ ",
    " }",
    "'",
    "\"",
    "\\",
    "$",
    "`",
    "#",
    " # ",
    "<<E\n",
    "\nE\n",
    "<<'E'\n",
    "<<<",
    " >f ",
    "=",
    "[[ ",
    " ]]",
    "((",
    "))",
    "$(",
    "$((",
    "${",
    "${x:-",
    "if ",
    "then ",
    "else ",
    "fi",
    "for x in a b; ",
    "do ",
    "done",
    "case x in ",
    "x) ",
    "*) ",
    ";;",
    "esac",
    "! ",
    "*",
    "a",
    "x=1 ",
    "x='",
    "exit",
    "return",
    "ok2 ",
    "ok2 \"",
    "ok2 '",
    "no1 ",
    "ok1 ",
    "o'k'1 ",
    "o\\k1 ",
    "$'\\x6fk1' ",
    "true ",
    "eval ",
    "echo ",
    "$x",
    "set -e\n",
    "unset x\n",
    "2>&1",
    "alias ok1=true\n",
    "shopt -s expand_aliases\n",
    "\t",
];

#[expect(clippy::expect_used, reason = "the paths are fixed")]
fn policy() -> (Policy, Surroundings) {
    let path = |text: &str| AbsPath::posix(text).expect("a path");
    let context = Context {
        os: Os::Linux,
        workspace: path("/home/u/work"),
        home: path("/home/u"),
        tmp: path("/tmp"),
        git_dirs: Vec::new(),
        path_dirs: Vec::new(),
        env_dirs: Vec::new(),
    };
    let mut policy = Policy::builtin(Profile::Workspace, &context);
    let rule = CommandRule {
        prefix: vec![vec![DENIED.to_owned()]],
        decision: CommandDecision::Deny,
        reason: "tested".into(),
        agents: Vec::new(),
        matches: Vec::new(),
        not_matches: Vec::new(),
        origin: Origin::unplaced(Layer::User, "policy.toml"),
    };
    policy.commands = Commands { rules: vec![rule] };
    let directory = context.workspace.clone();
    (policy, Surroundings { context, directory, variables: BTreeMap::new(), agent: None })
}

#[test]
fn what_bash_runs_of_a_denied_program_is_never_allowed() {
    let Some(sandbox) = Sandbox::new() else {
        println!("not tried: there is no bash here");
        return;
    };
    let (policy, surroundings) = policy();
    let (mut run, mut gone, mut allowed) = (0, 0, 0);
    for seed in 0..TEXTS {
        let mut generator = Generator::new(seed);
        let before = generator.pieces(PIECES, 5);
        let behind = generator.pieces(PIECES, 5);
        let text = format!("{before}{DENIED} a{behind}");
        let executed = sandbox.run_any(seed, &text).iter().any(|words| words[0] == DENIED);
        let decision = judge(&policy, &surroundings, Shell::Bash, &text).decision;
        run += usize::from(executed);
        gone += usize::from(!executed);
        allowed += usize::from(decision == CommandDecision::Allow);
        assert!(!executed || decision > CommandDecision::Allow, "seed {seed}: bash ran it\n{text}");
    }
    println!("bash ran the denied program in {run} of {TEXTS} texts; {allowed} texts are allowed");
    assert!(run >= FEWEST && gone >= FEWEST, "{run} and {gone}");
    // The twin: a text in which it is gone can be allowed.
    assert!(allowed > 0, "nothing at all is allowed");
}
