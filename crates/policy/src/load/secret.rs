//! Reading where a secret's real value is.

use super::reader::{Reader, Value, choices, quoted};
use super::suggest::nearest;
use crate::env::is_name;
use crate::network::{SecretPlace, SecretSource};
use crate::origin::Layer;

const HINT: &str =
    "write \"env:NAME\", \"file:/path\", \"command:PROGRAM ARGUMENT\" or \"keyring:SERVICE/ACCOUNT\"";

impl Reader<'_> {
    pub(super) fn secret_source(&mut self, value: Value<'_, '_>) -> Option<SecretSource> {
        let text = self.string(value, "from", HINT)?;
        let source = match text.split_once(':') {
            Some(("env", name)) if is_name(name) => Some(SecretSource::Env(name.to_owned())),
            Some(("file", path)) => self.plain_path(path).map(SecretSource::File),
            Some(("command", line)) => return self.secret_command(value, line),
            Some(("keyring", entry)) => keyring(entry),
            _ => None,
        };
        if source.is_none() {
            let message = format!("{} is no source of a secret", quoted(text));
            self.report("bad-value", value.span(), message, "", HINT);
        }
        source
    }

    /// Where in a request a secret is put in. What is not understood leaves the least.
    pub(super) fn secret_places(&mut self, value: Value<'_, '_>) -> Vec<SecretPlace> {
        let words = SecretPlace::ALL.map(SecretPlace::name);
        let hint = "write a list such as [\"headers\", \"query\"]";
        let (before, mut places) = (self.found.len(), Vec::new());
        for (text, span) in self.strings(value, "in", hint) {
            match SecretPlace::ALL.into_iter().find(|place| place.name() == text) {
                Some(place) => places.push(place),
                None => {
                    let hint = match nearest(text, &words) {
                        Some(meant) => format!("did you mean `{meant}`?"),
                        None => format!("write {}", choices(&words)),
                    };
                    let message = format!("{} is no part of a request", quoted(text));
                    self.report("bad-value", span, message, "", hint);
                }
            }
        }
        if places.is_empty() && self.found.len() == before {
            let message = "the secret is put in nowhere";
            self.report("bad-value", value.span(), message, "", "name a part, or leave `in` out for headers");
        }
        places.sort_unstable();
        places.dedup();
        places
    }

    /// A command is a program of the user's that runs outside, so none comes from the repository: neither the line nor,
    /// by a relative path, the program.
    fn secret_command(&mut self, value: Value<'_, '_>, line: &str) -> Option<SecretSource> {
        if self.layer == Layer::Project {
            let message = "a project cannot name a command that runs outside the sandbox";
            let label = "also when its content is trusted: what the command does is not in it";
            let hint = "put the secret into your own policy, or let the project name `env:NAME`";
            self.report("command-outside", value.span(), message, label, hint);
            return None;
        }
        let mut words = match words(line) {
            Ok(words) => words,
            Err(why) => {
                let hint = "write the program and its arguments as they are, with quotes around blanks; put more into a script";
                self.report("bad-value", value.span(), "this is no plain command", why, hint);
                return None;
            }
        };
        let program = words.first_mut()?;
        if program.contains(['/', '\\']) {
            match self.plain_path(program) {
                Some(path) if !path.starts_with(&self.context.workspace) => {
                    *program = String::from_utf8_lossy(path.as_bytes()).into_owned();
                }
                found => {
                    let message = format!("{} cannot be the command of a secret", quoted(program));
                    let label = if found.is_some() { "it lies in the workspace" } else { "it is relative" };
                    let hint = "write an absolute path outside the workspace, or a name that is in PATH";
                    self.report("bad-value", value.span(), message, label, hint);
                    return None;
                }
            }
        }
        Some(SecretSource::Command(words))
    }
}

/// Service and account: the account is what follows the last `/`, because services are often addresses.
fn keyring(entry: &str) -> Option<SecretSource> {
    let (service, account) = entry.rsplit_once('/')?;
    let is_plain = |text: &str| !text.is_empty() && !text.chars().any(char::is_control);
    (is_plain(service) && is_plain(account))
        .then(|| SecretSource::Keyring { service: service.to_owned(), account: account.to_owned() })
}

/// The words of a command. Quotes keep blanks together; nothing else means anything, and what would mean something to a
/// shell is refused, so that nobody believes it does.
///
/// # Errors
/// Why it is no command.
fn words(line: &str) -> Result<Vec<String>, &'static str> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for letter in line.chars() {
        match (quote, letter) {
            (_, letter) if letter.is_control() => return Err("it holds a control character"),
            (Some(open), letter) if letter == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (None, ' ') => words.extend(word.take()),
            (None | Some('"'), '$' | '`' | '\\')
            | (None, '|' | '&' | ';' | '<' | '>' | '(' | ')' | '*' | '?') => {
                return Err("no shell reads it, and this would mean something to one");
            }
            (_, letter) => word.get_or_insert_default().push(letter),
        }
    }
    if quote.is_some() {
        return Err("a quote is not closed");
    }
    words.extend(word);
    match words.first() {
        Some(program) if !program.is_empty() => Ok(words),
        _ => Err("it names no program"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_split_at_blanks_and_kept_in_quotes() {
        let read = |line| words(line).unwrap();
        assert_eq!(read("pass show github"), ["pass", "show", "github"]);
        assert_eq!(
            read("  op  read 'op://Private vault/x' \"\" a\"b c\"d "),
            ["op", "read", "op://Private vault/x", "", "ab cd"]
        );
        assert_eq!(read("echo '$HOME | x'"), ["echo", "$HOME | x"]);
        for bad in [
            "", "  ", "''", "a 'b", "a | b", "a $B", "a `b`", "a \"$B\"", "a > b", "a; b", "a && b", "a *",
            "a\nb", "a \\ b",
        ] {
            assert!(words(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_entry_of_a_keyring_has_two_parts() {
        let entry = |service: &str, account: &str| {
            Some(SecretSource::Keyring { service: service.into(), account: account.into() })
        };
        assert_eq!(keyring("garth/me"), entry("garth", "me"));
        assert_eq!(keyring("https://api.example.com/me"), entry("https://api.example.com", "me"));
        for bad in ["", "garth", "/me", "garth/", "ga\nrth/me"] {
            assert_eq!(keyring(bad), None, "{bad:?}");
        }
    }
}
