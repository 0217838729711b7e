//! Published escapes in other spellings: the suites with one case a line, and the table that says where the cases of
//! each escape stand.

use crate::place::{surroundings, surroundings_on_windows};
use crate::suite::{agrees, policy, told};
use garth_policy::{CommandDecision, Policy};
use garth_vet::Shell;
use garth_vet::judge::{Surroundings, Verdict, judge, judge_batch};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

const SUITES: &[(&str, &str)] = &[
    ("escapes.md", include_str!("../../suites/escapes.md")),
    ("families.md", include_str!("../../suites/families.md")),
    ("windows.md", include_str!("../../suites/windows.md")),
    ("red-team.md", include_str!("../../suites/red-team.md")),
    ("texts.md", include_str!("../../suites/texts.md")),
    ("directories.md", include_str!("../../suites/directories.md")),
    ("listed.md", include_str!("../../suites/listed.md")),
];

const TABLE: &str = include_str!("../../../../docs/vetting-escapes.md");

/// Rows of the table: as many escapes as were looked through.
const ROWS: usize = 90;

/// Spellings that a section has at least, and in each shell that the table names.
const FEWEST: usize = 3;

/// A case: where it stands, the language of its fence, the text and what is expected of it.
struct Case {
    suite: &'static str,
    line: usize,
    section: &'static str,
    part: &'static str,
    language: &'static str,
    text: String,
    expected: &'static str,
}

impl Case {
    /// A spelling of an escape; else it is a twin, which is allowed for what it is.
    fn is_spelling(&self) -> bool {
        !self.expected.starts_with("allow") || self.expected.starts_with("allow contained")
    }
}

/// Signs that stand for letters which cannot be seen, or not in one line.
fn plain(text: &str) -> String {
    let signs = [('⏎', "\n"), ('␠', " "), ('␉', "\t"), ('␍', "\r"), ('␣', "\u{200b}")];
    signs.iter().fold(text.to_owned(), |text, (sign, letter)| text.replace(*sign, letter))
}

fn cases() -> Vec<Case> {
    let mut found = Vec::new();
    for (suite, text) in SUITES {
        let (mut section, mut part, mut language) = ("", "", "");
        for (number, line) in text.lines().enumerate() {
            if let Some(name) = line.strip_prefix("```") {
                language = name;
            } else if language.is_empty() {
                if let Some(title) = line.strip_prefix("## ") {
                    (section, part) = (title, "");
                }
                part = line.strip_prefix("### ").unwrap_or(part);
            } else if language != "toml" && !line.is_empty() {
                let split = line.rsplit_once(" => ");
                assert!(split.is_some(), "{suite}, line {}: no `=>`", number + 1);
                let (text, expected) = split.unwrap();
                let text = plain(text);
                found.push(Case { suite, line: number + 1, section, part, language, text, expected });
            }
        }
    }
    found
}

/// The policy at the head of the first suite, under a profile, in both places.
struct Judges([(Policy, Surroundings); 2]);

impl Judges {
    fn of(profile: &str) -> Self {
        let rules = SUITES[0].1.split("```toml\n").nth(1).and_then(|text| text.split("```").next()).unwrap();
        let text = format!("profile = \"{profile}\"\n{rules}");
        Self(
            [surroundings(), surroundings_on_windows()]
                .map(|place| (policy(&text, place.context.clone()), place)),
        )
    }

    fn verdict(&self, case: &Case) -> Verdict {
        let Self([(here, place), (on_windows, place_on_windows)]) = self;
        let windows = |shell| judge(on_windows, place_on_windows, shell, &case.text);
        match case.language {
            "bash" => judge(here, place, Shell::Bash, &case.text),
            "cmd" => windows(Shell::Cmd),
            "batch" => judge_batch(on_windows, place_on_windows, &case.text),
            "powershell" => windows(Shell::Pwsh),
            other => {
                assert_eq!(other, "windows-powershell", "{}, line {}: no shell", case.suite, case.line);
                windows(Shell::WindowsPowershell)
            }
        }
    }
}

#[test]
fn every_spelling_is_seen_through_and_every_twin_allowed() {
    let judges = Judges::of("workspace");
    let mut failed = String::new();
    let cases = cases();
    for case in &cases {
        let verdict = judges.verdict(case);
        if agrees(&verdict, case.expected) {
            continue;
        }
        let first = verdict.reasons.first();
        let first = first.map(|reason| format!("{:?}: {}", reason.code, reason.person)).unwrap_or_default();
        let (suite, line, decision) = (case.suite, case.line, verdict.decision.name());
        writeln!(failed, "{suite}, line {line}: {}\n  expected {}", case.text, case.expected).unwrap();
        writeln!(failed, "  found {decision} {first}\n  {:?}", told(&verdict)).unwrap();
    }
    assert!(
        failed.is_empty(),
        "{} of {} cases differ\n{failed}",
        failed.matches("  found").count(),
        cases.len()
    );
    for (suite, _) in SUITES {
        let of_suite = cases.iter().filter(|case| case.suite == *suite).count();
        assert!(of_suite >= 50, "{suite}: only {of_suite} cases");
    }
    assert!(cases.len() >= 2000, "only {} cases", cases.len());
}

/// What `workspace` leaves to the sandbox is a question in `strict`: it was seen, and not taken for harmless.
#[test]
fn no_spelling_passes_in_the_profile_strict() {
    let judges = Judges::of("strict");
    for case in cases().iter().filter(|case| case.is_spelling()) {
        let decision = judges.verdict(case).decision;
        assert_ne!(decision, CommandDecision::Allow, "{}, line {}: {}", case.suite, case.line, case.text);
    }
}

#[test]
fn no_case_stands_twice() {
    let mut seen = BTreeMap::new();
    for case in cases() {
        let place = format!("{}, line {}", case.suite, case.line);
        if let Some(first) = seen.insert((case.language, case.text), place.clone()) {
            panic!("{place} repeats {first}");
        }
    }
}

/// The numbers in parentheses behind the title of a section.
fn numbers(section: &str) -> Vec<usize> {
    let numbers = section.strip_suffix(')').and_then(|title| title.rsplit_once('('));
    let numbers = numbers.map_or("", |(_, numbers)| numbers);
    numbers.split(", ").filter_map(|number| number.parse().ok()).collect()
}

/// A row of the table: its number, the cause, the shells, and where its cases stand or why it has none.
fn rows() -> Vec<(usize, [&'static str; 3])> {
    let lines = TABLE.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    lines
        .filter_map(|line| {
            let mut cells = line.split(" | ");
            let number = cells.next()?.parse().ok()?;
            let _published = cells.next()?;
            Some((number, [cells.next()?, cells.next()?, cells.next()?]))
        })
        .collect()
}

/// How many spellings and twins the cases have.
fn counted<'c>(cases: impl Iterator<Item = &'c Case>) -> (usize, usize) {
    cases.fold((0, 0), |(spellings, twins), case| match case.is_spelling() {
        true => (spellings + 1, twins),
        false => (spellings, twins + 1),
    })
}

#[test]
fn every_escape_has_its_cases_or_a_reason_why_not() {
    let (rows, cases) = (rows(), cases());
    let found: Vec<usize> = rows.iter().map(|(number, _)| *number).collect();
    assert_eq!(found, (1..=ROWS).collect::<Vec<_>>(), "each row stands once, in order");
    for (number, [cause, shells, place]) in rows {
        let words = cause.split_whitespace().count();
        assert!((1..=5).contains(&words), "row {number}: a cause in a few words, not `{cause}`");
        let of_row: Vec<&Case> =
            cases.iter().filter(|case| numbers(case.section).contains(&number)).collect();
        if shells == "-" {
            assert!(of_row.is_empty() && place.len() > 20, "row {number}: a reason and no section");
            continue;
        }
        let titles: BTreeSet<&str> = of_row.iter().map(|case| case.section).collect();
        assert!(!titles.is_empty(), "row {number} has no section");
        for title in titles {
            let title = title.rsplit_once(" (").map_or(title, |(title, _)| title);
            assert!(place.contains(title), "row {number} does not name `{title}`");
        }
        for shell in shells.split(", ") {
            let of_shell = of_row.iter().copied().filter(|case| case.language == shell);
            let (spellings, twins) = counted(of_shell);
            assert!(
                spellings >= FEWEST && twins >= 1,
                "row {number}, {shell}: {spellings} and {twins} twins"
            );
        }
    }
}

/// Small letters without brackets, in which names of types and programs are looked for.
fn bare(text: &str) -> String {
    text.replace(['[', ']'], "").to_ascii_lowercase()
}

/// Programs and variables by name: each that the table's page lists has a part of its own.
#[test]
fn every_program_and_variable_that_is_listed_has_its_cases() {
    let cases = cases();
    let listed: Vec<&str> = TABLE
        .lines()
        .take_while(|line| !line.starts_with("## "))
        .filter_map(|line| line.strip_prefix("- ")?.split_once(": "))
        .flat_map(|(_, names)| names.split(", "))
        .map(|name| name.trim_matches(['`', '.', ';']))
        .collect();
    assert!(listed.len() >= 150, "only {} names", listed.len());
    for name in listed {
        let of_part: Vec<&Case> =
            cases.iter().filter(|case| case.part.split(", ").any(|own| own == name)).collect();
        let (_, twins) = counted(of_part.iter().copied());
        // Where several names share a part, a spelling counts for the names that it has.
        let names_it = |case: &&Case| case.part == name || bare(&case.text).contains(&bare(name));
        let (spellings, _) = counted(of_part.iter().copied().filter(names_it));
        assert!(spellings >= FEWEST && twins >= 1, "`{name}`: {spellings} spellings, {twins} twins");
    }
}
