//! Questions for people. What is shown of a process is what it says of itself, so nothing of it reaches the terminal as
//! anything but plain letters, and the host stands apart from it.

use crate::words::shell_word;
use garth::policy::escape_visible;
use garth::{Approve, Asked, Client, Console, Reply};
use std::fmt::Write;

/// The user in front of the terminal.
#[derive(Debug)]
pub struct Terminal;

/// Lines that are not understood before the answer is no.
const ATTEMPTS: usize = 3;

/// Most letters of a command line that are shown.
const COMMAND: usize = 300;

impl Approve for Terminal {
    fn approve(&self, asked: &Asked, console: &Console) -> Reply {
        let mut text = question(asked);
        for _ in 0..ATTEMPTS {
            let Some(line) = console.ask(&text, asked.deadline) else { return Reply::No };
            if let Some(reply) = understood(&line) {
                return reply;
            }
            text = format!("garth: {:?} is no answer\n{CHOICES}", escape_visible(line.as_bytes()));
        }
        Reply::No
    }
}

const CHOICES: &str =
    "  answer   once, session, always (adds the rule), no, quiet (no to all that follows) [no] ";

fn question(asked: &Asked) -> String {
    let place = asked.host.with_port(asked.port);
    let mut text = format!("garth: may a process inside connect to {place}?\n");
    let mut line = |name: &str, value: &str| {
        // Writing into a string cannot fail.
        let _ = writeln!(text, "  {name:<8} {}", escape_visible(value.as_bytes()));
    };
    line("because", &asked.reason);
    match &asked.process {
        Some(process) => {
            line("process", &named(process));
            line("command", &command(process));
        }
        None => line("process", "unknown"),
    }
    line("rule", &format!("[{}] {}", asked.rule.section, asked.rule.line));
    line("in", &asked.file.to_string());
    text.push_str(CHOICES);
    text
}

fn named(process: &Client) -> String {
    let program = process.program.as_ref().map_or_else(|| "?".to_owned(), |path| escape_visible(path));
    format!("{program} (number {} outside)", process.pid)
}

fn command(process: &Client) -> String {
    let words: Vec<String> = process.command.iter().map(|word| shell_word(word)).collect();
    let whole = words.join(" ");
    let mut shown: String = whole.chars().take(COMMAND).collect();
    if shown.len() < whole.len() {
        shown.push_str(" ...");
    }
    shown
}

/// What a line means; nothing typed is no.
fn understood(line: &str) -> Option<Reply> {
    let word = line.trim().to_ascii_lowercase();
    if word.is_empty() {
        return Some(Reply::No);
    }
    let mut all = Reply::ALL.into_iter();
    all.find(|(name, _)| *name == word || name.get(..1) == Some(&word)).map(|(_, reply)| reply)
}

#[cfg(test)]
mod tests {
    use super::*;
    use garth::network::{Hint, Host};
    use garth::policy::AbsPath;
    use std::time::{Duration, Instant};

    #[test]
    fn a_line_is_an_answer_or_none() {
        let cases = [
            ("", Some(Reply::No)),
            ("n", Some(Reply::No)),
            (" Once ", Some(Reply::Once)),
            ("s", Some(Reply::Session)),
            ("always", Some(Reply::Always)),
            ("q", Some(Reply::Quiet)),
            ("so what", None),
            ("y", None),
            ("onc", None),
        ];
        for (line, reply) in cases {
            assert_eq!(understood(line), reply, "{line}");
        }
    }

    /// Whatever a process calls itself, the question is made of plain letters, one thing a line.
    #[test]
    fn nothing_of_the_process_moves_the_cursor() {
        let asked = Asked {
            host: Host::read("xn--pple-43d.example").unwrap(),
            port: 8443,
            process: Some(Client {
                pid: 7,
                program: Some(b"/usr/bin/\x1b[2Jcurl".to_vec()),
                command: vec![
                    b"a\nrule     nothing".to_vec(),
                    "\u{202e}b\u{9b}1A".as_bytes().to_vec(),
                    vec![b'x'; 999],
                ],
            }),
            reason: "no rule names the host".into(),
            rule: Hint { section: "network.domains".into(), line: "\"x.example:8443\" = \"allow\"".into() },
            file: AbsPath::posix("/home/ann/.config/garth/policy.toml").unwrap(),
            timeout: Duration::from_secs(1),
            deadline: Instant::now(),
        };
        let text = question(&asked);
        assert_eq!(text.lines().count(), 7, "{text}");
        assert!(text.chars().all(|letter| letter == '\n' || !letter.is_control()), "{text:?}");
        assert!(!text.contains('\u{202e}') && text.contains("xn--pple-43d.example:8443"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() < 400), "{text}");
    }
}
