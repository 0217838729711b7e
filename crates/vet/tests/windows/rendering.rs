//! Commands as the suites write them.

use garth_vet::{Command, Input, Part, RedirectionKind, Script, Unknown, Word};

/// One line for each command, then one for each problem.
pub(crate) fn script(script: &Script) -> String {
    let mut lines: Vec<String> = script.commands.iter().map(command).collect();
    lines.extend(script.problems.iter().map(|problem| format!("problem: {}", problem.what)));
    lines.join("\n").replace('\0', "␀")
}

fn command(command: &Command) -> String {
    let mut words: Vec<String> = Vec::new();
    if let Input::Pipe(_) = command.input {
        words.push("|".to_owned());
    }
    words.extend(command.via.iter().map(|via| format!("[{via}]")));
    for assignment in &command.assignments {
        words.push(format!("{}={}", assignment.name, word(&assignment.value)));
    }
    words.extend(command.words.iter().map(word));
    for redirection in &command.redirections {
        let sign = match redirection.kind {
            RedirectionKind::Read => "<",
            RedirectionKind::Write => ">",
            RedirectionKind::Append => ">>",
            RedirectionKind::ReadWrite => "<>",
            RedirectionKind::Text => "<<",
            RedirectionKind::Duplicate => ">&",
        };
        let descriptor = redirection.descriptor.map_or_else(String::new, |number| number.to_string());
        words.push(format!("{descriptor}{sign}{}", word(&redirection.target)));
    }
    words.join(" ")
}

/// A word: in single quotes where blanks or nothing stand in it; what is not known in angle brackets, with a plus sign
/// where it may be several words.
fn word(word: &Word) -> String {
    let text: String = word.parts.iter().map(part).collect();
    let is_plain = !text.is_empty() && !text.contains([' ', '\t', '\n', '\'']);
    if is_plain { text } else { format!("'{}'", text.replace('\n', "\\n")) }
}

fn part(part: &Part) -> String {
    match part {
        Part::Text(text) | Part::Pattern(text) => text.clone(),
        Part::Home(_) => "<home>".to_owned(),
        Part::Unknown { why, splits } => {
            let name = match why {
                Unknown::Variable(name) => name.clone(),
                Unknown::Output => "output".to_owned(),
                Unknown::Number => "number".to_owned(),
                Unknown::Names(names) => names.join("+"),
                Unknown::Other(what) => what.replace(' ', "-"),
            };
            format!("<{name}>{}", if *splits { "+" } else { "" })
        }
    }
}
