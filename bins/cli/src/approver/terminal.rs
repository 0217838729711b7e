//! Questions for people. What is shown of a process is what it says of itself, so nothing of it reaches the terminal as
//! anything but plain letters, and the host stands apart from it.

use crate::words::effect;
use garth::policy::escape_visible;
use garth::shell_word;
use garth::vet::judge::JudgedEffect;
use garth::{Approve, Asked, Client, Console, Grant, Reply, Subject};
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
            if let Some(reply) = understood(&line, asked.subject.answers()) {
                return reply;
            }
            text = format!("garth: {:?} is no answer\n{}", escape_visible(line.as_bytes()), choices(asked));
        }
        Reply::No
    }
}

/// The answers, and what those do that do more than answer.
fn choices(asked: &Asked) -> String {
    let words = asked.subject.answers().iter().map(|(name, reply)| match reply {
        Reply::Always => format!("{name} (adds the rule)"),
        Reply::Quiet => format!("{name} (no to all that follows)"),
        _ => (*name).to_owned(),
    });
    format!("  answer   {} [no] ", words.collect::<Vec<_>>().join(", "))
}

/// Most effects that are shown of a command, and most lines of a change.
const EFFECTS: usize = 12;
const LINES: usize = 40;

/// The change to the policy that `always` makes, and what that means.
fn granted(grant: &Result<Grant, String>) -> String {
    let mut text = String::new();
    let grant = match grant {
        Ok(grant) => grant,
        Err(why) => {
            let why = why.lines().next().unwrap_or_default();
            return format!("  always   holds for this session alone: {}\n", escape_visible(why.as_bytes()));
        }
    };
    let file = escape_visible(grant.file.to_string().as_bytes());
    let _ = writeln!(text, "  always   {}", escape_visible(grant.meaning.as_bytes()));
    let _ = writeln!(text, "    --- {file}\n    +++ {file}");
    let mut lines = grant.diff.lines();
    for line in lines.by_ref().take(LINES) {
        let _ = writeln!(text, "    {}", escape_visible(line.as_bytes()));
    }
    let left = lines.count();
    if left > 0 {
        let _ = writeln!(text, "    and {left} more lines");
    }
    text
}

/// What a command would do, one thing a line.
fn effects(effects: &[JudgedEffect]) -> Vec<String> {
    let mut lines: Vec<String> = effects.iter().take(EFFECTS).map(effect).collect();
    if effects.len() > EFFECTS {
        lines.push(format!("and {} more", effects.len() - EFFECTS));
    }
    if lines.is_empty() {
        lines.push("its words show nothing that it does".to_owned());
    }
    lines
}

fn question(asked: &Asked) -> String {
    let mut text = match &asked.subject {
        Subject::Connection { host, port, .. } => {
            format!("garth: may a process inside connect to {}?\n", host.with_port(*port))
        }
        Subject::Command { .. } => "garth: may this command run inside?\n".to_owned(),
    };
    let mut line = |name: &str, value: &str| {
        // Writing into a string cannot fail.
        let _ = writeln!(text, "  {name:<8} {}", escape_visible(value.as_bytes()));
    };
    match &asked.subject {
        Subject::Connection { rule, .. } => {
            line("because", &asked.reason);
            match &asked.process {
                Some(process) => {
                    line("process", &named(process));
                    line("command", &command(&process.command));
                }
                None => line("process", "unknown"),
            }
            line("rule", &format!("[{}] {}", rule.section, rule.line));
            line("in", &asked.file.to_string());
        }
        Subject::Command { program, arguments, by, directory, effects } => {
            line("command", &command(arguments));
            line("file", &escape_visible(program));
            line("started", &format!("by {}", escape_visible(by.as_bytes())));
            if let Some(directory) = directory {
                line("in", &directory.to_string());
            }
            line("because", &asked.reason);
            for (at, effect) in self::effects(effects).iter().enumerate() {
                line(if at == 0 { "effects" } else { "" }, effect);
            }
        }
    }
    if let Subject::Connection { grant, .. } = &asked.subject {
        text.push_str(&granted(grant));
    }
    text.push_str(&choices(asked));
    text
}

fn named(process: &Client) -> String {
    let program = process.program.as_ref().map_or_else(|| "?".to_owned(), |path| escape_visible(path));
    format!("{program} (number {} outside)", process.pid)
}

fn command(words: &[Vec<u8>]) -> String {
    let words: Vec<String> = words.iter().map(|word| shell_word(word)).collect();
    let whole = words.join(" ");
    let mut shown: String = whole.chars().take(COMMAND).collect();
    if shown.len() < whole.len() {
        shown.push_str(" ...");
    }
    shown
}

/// What a line means; nothing typed is no.
fn understood(line: &str, answers: &[(&str, Reply)]) -> Option<Reply> {
    let word = line.trim().to_ascii_lowercase();
    if word.is_empty() {
        return Some(Reply::No);
    }
    let meant = |(name, _): &&(&str, Reply)| *name == word || name.get(..1) == Some(&word);
    answers.iter().find(meant).map(|(_, reply)| *reply)
}

#[cfg(test)]
mod tests {
    use super::*;
    use garth::network::{Hint, Host};
    use garth::policy::AbsPath;
    use garth::vet::EffectKind;
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
            assert_eq!(understood(line, &Reply::ALL), reply, "{line}");
        }
        assert_eq!(understood("always", &Reply::WITHOUT_RULE), None);
    }

    /// Whatever a process calls itself, the question is made of plain letters, one thing a line.
    #[test]
    fn nothing_of_the_process_moves_the_cursor() {
        let asked = Asked {
            subject: Subject::Connection {
                host: Host::read("xn--pple-43d.example").unwrap(),
                port: 8443,
                rule: Hint {
                    section: "network.domains".into(),
                    line: "\"x.example:8443\" = \"allow\"".into(),
                },
                grant: Ok(Grant {
                    file: AbsPath::posix("/home/ann/.config/garth/policy.toml").unwrap(),
                    diff: "@@ -1 +1,2 @@\n version = 1\n+# \x1b[2K\n".into(),
                    meaning: "every process inside may connect to it".into(),
                }),
            },
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
            file: AbsPath::posix("/home/ann/.config/garth/policy.toml").unwrap(),
            timeout: Duration::from_secs(1),
            deadline: Instant::now(),
            number: 0,
            place: None,
        };
        let text = question(&asked);
        assert_eq!(text.lines().count(), 13, "{text}");
        assert!(text.contains("    --- /home/ann/") && text.contains("    +# \\x1b[2K\n"), "{text}");
        assert!(text.chars().all(|letter| letter == '\n' || !letter.is_control()), "{text:?}");
        assert!(!text.contains('\u{202e}') && text.contains("xn--pple-43d.example:8443"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() < 400), "{text}");
    }

    #[test]
    fn a_command_is_asked_for_with_what_it_does() {
        let effect =
            |kind, target: &str, recursive| JudgedEffect { kind, target: Some(target.to_owned()), recursive };
        let mut effects = vec![
            effect(EffectKind::Deletes, "/home/ann/work/\x1b[1mbuild", true),
            effect(EffectKind::Connects, "x.example", false),
        ];
        let of = |effects: &[JudgedEffect]| {
            question(&Asked {
                subject: Subject::Command {
                    program: b"/usr/bin/rm".to_vec(),
                    arguments: vec![b"rm".to_vec(), b"-rf".to_vec(), b"build\r".to_vec()],
                    by: "bash".into(),
                    directory: AbsPath::posix("/home/ann/work").ok(),
                    effects: effects.to_vec(),
                },
                process: None,
                reason: "tested".into(),
                file: AbsPath::posix("/home/ann/policy.toml").unwrap(),
                timeout: Duration::from_secs(1),
                deadline: Instant::now(),
                number: 0,
                place: None,
            })
        };
        let text = of(&effects);
        assert!(text.contains("  in       /home/ann/work\n"), "{text}");
        assert!(text.contains("  effects  deletes /home/ann/work/\\x1b[1mbuild and all below\n"), "{text}");
        assert!(text.contains("           connects x.example\n"), "{text}");
        assert!(text.chars().all(|letter| letter == '\n' || !letter.is_control()), "{text:?}");
        assert!(!text.contains("always"), "a rule that asks is a ceiling: {text}");
        effects.extend((0..20).map(|number| effect(EffectKind::Writes, &format!("/x/{number}"), false)));
        assert!(of(&effects).contains("           and 10 more\n"));
        assert!(of(&[]).contains("its words show nothing"));
    }
}
