//! The suite of bash: `suites/bash.md`.

use crate::place::surroundings;
use garth_policy::{Context, Inputs, Policy, Source, TrustStore, load};
use garth_vet::Shell;
use garth_vet::judge::{Verdict, judge};

/// A case: its title, its line in the file, the text and what is expected of it.
struct Case<'t> {
    title: &'t str,
    line: usize,
    text: String,
    expected: &'t str,
}

const SUITE: &str = include_str!("../../suites/bash.md");

/// The policy that stands at the head of the suite, and the cases.
fn read(suite: &str) -> (String, Vec<Case<'_>>) {
    let (mut policy, mut found) = (String::new(), Vec::new());
    let mut title = "";
    let mut lines = suite.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        if let Some(text) = line.strip_prefix("### ") {
            title = text;
        }
        let Some(fence) = line.strip_prefix("```") else { continue };
        let body: Vec<&str> =
            lines.by_ref().map(|(_, line)| line).take_while(|line| *line != "```").collect();
        let body = body.join("\n");
        if fence == "toml" {
            policy = body;
            continue;
        }
        assert_eq!(fence, "bash", "line {}: no kind of block", number + 1);
        let text = body.replace('␠', " ").replace('␉', "\t").replace('␍', "\r").replace('␣', "\u{200b}");
        let expected = lines.by_ref().map(|(_, line)| line).find(|line| !line.is_empty()).unwrap();
        found.push(Case { title, line: number + 1, text, expected });
    }
    (policy, found)
}

/// The policy of a user in a place.
pub(crate) fn policy(text: &str, context: Context) -> Policy {
    let inputs = Inputs {
        context,
        managed: None,
        user: Some(Source { name: "policy.toml".into(), text: text.into() }),
        project: None,
        flags: Vec::new(),
    };
    load(&inputs, &TrustStore::empty()).map_err(|found| found.render(false)).unwrap().policy
}

/// Whether the verdict is what is expected: `deny rule: git push: writes /a`.
pub(crate) fn agrees(verdict: &Verdict, expected: &str) -> bool {
    let mut pieces = expected.split(": ");
    let mut head = pieces.next().unwrap_or_default().split(' ');
    let decision = head.next().unwrap_or_default();
    // What is allowed can be so with several remarks, none of which is stricter than the others.
    let looked_at = if decision == "allow" { verdict.reasons.len() } else { 1 };
    let mut codes =
        verdict.reasons.iter().take(looked_at).map(|reason| serde_json::to_value(reason.code).unwrap());
    let has_code = head.next().is_none_or(|wanted| codes.any(|code| code == wanted));
    verdict.decision.name() == decision
        && has_code
        && pieces.all(|piece| told(verdict).contains(&piece.to_owned()))
}

/// Commands and effects as the suite writes them.
pub(crate) fn told(verdict: &Verdict) -> Vec<String> {
    let mut told = Vec::new();
    for command in &verdict.commands {
        told.push(command.words.join(" "));
        for effect in &command.effects {
            let kind = serde_json::to_value(effect.kind).unwrap();
            let target = effect.target.as_deref().unwrap_or_default();
            told.push(format!("{} {target}", kind.as_str().unwrap_or_default()));
        }
    }
    told
}

#[test]
fn suite() {
    let (text, cases) = read(SUITE);
    assert!(cases.len() >= 550, "only {} cases", cases.len());
    let policy = policy(&text, surroundings().context);
    let mut failed = String::new();
    for case in &cases {
        let verdict = judge(&policy, &surroundings(), Shell::Bash, &case.text);
        if !agrees(&verdict, case.expected) {
            let first = verdict.reasons.first();
            let first =
                first.map(|reason| format!("{:?}: {}", reason.code, reason.person)).unwrap_or_default();
            failed += &format!(
                "\nline {}: {}\n  {}\n  expected {}\n  found {} {first}\n  {:?}\n",
                case.line,
                case.title,
                case.text,
                case.expected,
                verdict.decision.name(),
                told(&verdict),
            );
        }
    }
    assert!(failed.is_empty(), "{} cases differ{failed}", failed.matches("\nline ").count());
}
