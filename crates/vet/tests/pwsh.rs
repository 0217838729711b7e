//! The suite of PowerShell texts, `suites/pwsh.md`: what each runs.

use garth_vet::{
    Command, Input, Nested, Part, Redirection, RedirectionKind, Script, Shell, Unknown, Word, parse,
    parse_at, pwsh,
};

/// Texts in texts that are followed.
const DEEPEST: usize = 6;

/// A case of the suite.
struct Case {
    title: String,
    shells: Vec<Shell>,
    text: String,
    expected: Vec<String>,
}

/// A piece of a word: what is not known stands in `<>`, with `...` where it may be several words.
fn part(part: &Part) -> String {
    match part {
        Part::Text(text) | Part::Pattern(text) => text.clone(),
        Part::Home(_) => "~".to_owned(),
        Part::Unknown { why, splits } => {
            let why = match why {
                Unknown::Variable(name) => format!("${name}"),
                Unknown::Output => "output".to_owned(),
                Unknown::Number => "number".to_owned(),
                Unknown::Names(names) => names.join("+"),
                Unknown::Other(what) => what.clone(),
            };
            format!("<{why}>{}", if *splits { "..." } else { "" })
        }
    }
}

fn word(word: &Word) -> String {
    let shown: String = word.parts.iter().map(part).collect();
    let is_text = word
        .text()
        .is_some_and(|text| text.contains(|letter: char| letter.is_whitespace() || "<>'".contains(letter)));
    if is_text || shown.is_empty() {
        format!("'{}'", shown.replace('\n', "\\n").replace('\t', "\\t"))
    } else {
        shown
    }
}

fn words(all: &[Word]) -> String {
    all.iter().map(word).collect::<Vec<_>>().join(" ")
}

fn redirection(redirection: &Redirection) -> String {
    let sign = match redirection.kind {
        RedirectionKind::Write => ">",
        RedirectionKind::Append => ">>",
        RedirectionKind::Duplicate => ">&",
        _ => "<",
    };
    let stream = redirection.descriptor.map_or_else(String::new, |stream| stream.to_string());
    let target = if redirection.target.parts.is_empty() { String::new() } else { word(&redirection.target) };
    format!("{stream}{sign}{target}")
}

fn command(command: &Command) -> String {
    let mut all: Vec<String> =
        command.assignments.iter().map(|one| format!("{}={}", one.name, word(&one.value))).collect();
    if !command.words.is_empty() {
        all.push(words(&command.words));
    }
    all.extend(command.redirections.iter().map(redirection));
    match &command.input {
        Input::Text(text) => all.push(format!("<- {}", word(text))),
        Input::Pipe(number) => all.push(format!("<- #{number}")),
        Input::Inherited => {}
    }
    all.join(" ")
}

/// The commands of a script, and below each what it hands on.
fn lines(script: &Script, depth: usize, all: &mut Vec<String>) {
    let indent = "  ".repeat(depth);
    for one in &script.commands {
        all.push(format!("{indent}{}", command(one)));
        for nested in pwsh::nested(one) {
            match nested {
                Nested::Words { words: inner, .. } => all.push(format!("{indent}  run: {}", words(&inner))),
                Nested::Unknown { what, .. } => all.push(format!("{indent}  unknown: {what}")),
                Nested::Text { shell, text, .. } => match text.text() {
                    Some(inner) if depth < DEEPEST => {
                        lines(&parse_at(shell, &inner, text.span), depth + 1, all);
                    }
                    _ => all.push(format!("{indent}  text: {}", word(&text))),
                },
            }
        }
    }
    all.extend(script.problems.iter().map(|problem| format!("{indent}problem: {}", problem.what)));
}

/// Reads the suite: a title, a fence with the text (`pwsh` for both versions, `pwsh5`, `pwsh7`), a fence `runs`.
fn cases(suite: &str) -> Vec<Case> {
    let mut all: Vec<Case> = Vec::new();
    let mut title = String::new();
    let mut fence: Option<String> = None;
    for line in suite.lines() {
        match &fence {
            None => {
                if let Some(text) = line.strip_prefix("### ") {
                    text.clone_into(&mut title);
                } else if let Some(info) = line.strip_prefix("```") {
                    fence = Some(info.to_owned());
                    let shells = match info {
                        "pwsh" => vec![Shell::Pwsh, Shell::WindowsPowershell],
                        "pwsh5" => vec![Shell::WindowsPowershell],
                        "pwsh7" => vec![Shell::Pwsh],
                        _ => continue,
                    };
                    all.push(Case {
                        title: title.clone(),
                        shells,
                        text: String::new(),
                        expected: Vec::new(),
                    });
                }
            }
            Some(_) if line == "```" => fence = None,
            Some(info) => {
                let Some(case) = all.last_mut() else { continue };
                if info == "runs" {
                    case.expected.push(line.to_owned());
                } else {
                    if !case.text.is_empty() {
                        case.text.push('\n');
                    }
                    case.text.push_str(line);
                }
            }
        }
    }
    all
}

#[test]
fn the_suite_holds() {
    let suite = include_str!("../suites/pwsh.md");
    let cases = cases(suite);
    let mut wrong = 0;
    for case in &cases {
        for shell in &case.shells {
            let mut found = Vec::new();
            lines(&parse(*shell, &case.text), 0, &mut found);
            if found == case.expected {
                continue;
            }
            wrong += 1;
            println!("\n{} ({shell:?})\n    {}", case.title, case.text.replace('\n', "\n    "));
            case.expected.iter().filter(|line| !found.contains(line)).for_each(|line| println!("  - {line}"));
            found.iter().filter(|line| !case.expected.contains(line)).for_each(|line| println!("  + {line}"));
            if case.expected.iter().all(|line| found.contains(line))
                && found.iter().all(|line| case.expected.contains(line))
            {
                println!("  another order or number of the same lines: {found:#?}");
            }
        }
    }
    println!("{} cases, {wrong} wrong", cases.len());
    assert!(wrong == 0, "{wrong} of {} cases are wrong", cases.len());
    assert!(cases.len() >= 250, "only {} cases", cases.len());
}
