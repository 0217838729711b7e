//! The suite of cmd.exe: `suites/cmd.md`.

use crate::rendering;
use garth_vet::{Shell, parse, parse_batch};

/// A case: its title, its line in the file, how the text is read, the text and what it runs.
struct Case<'t> {
    title: &'t str,
    line: usize,
    is_batch: bool,
    text: String,
    expected: String,
}

fn cases(suite: &str) -> Vec<Case<'_>> {
    let mut found: Vec<Case<'_>> = Vec::new();
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
        match fence {
            "cmd" | "bat" => {
                let text =
                    body.replace('␠', " ").replace("␉", "\t").replace("␀", "\0").replace("␚", "\u{1a}");
                let is_batch = fence == "bat";
                found.push(Case { title, line: number + 1, is_batch, text, expected: String::new() });
            }
            other => {
                assert_eq!(other, "runs", "line {}: no kind of block", number + 1);
                found.iter_mut().next_back().into_iter().for_each(|case| case.expected.clone_from(&body));
            }
        }
    }
    found
}

#[test]
fn suite() {
    let suite = include_str!("../../suites/cmd.md");
    let all = cases(suite);
    assert!(all.len() >= 160, "only {} cases", all.len());
    let mut failed = String::new();
    for case in &all {
        let script = if case.is_batch { parse_batch(&case.text) } else { parse(Shell::Cmd, &case.text) };
        let found = rendering::script(&script);
        if found != case.expected {
            failed += &format!(
                "\nline {}: {}\n--- text\n{}\n--- expected\n{}\n--- found\n{found}\n",
                case.line, case.title, case.text, case.expected
            );
        }
    }
    assert!(failed.is_empty(), "{failed}");
}
