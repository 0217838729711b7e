//! The real values of a policy's secrets. They are read outside, before anything is launched, and what is wrong with one is
//! told with the line that asked for it. A value stands in no message.

use crate::Error;
use crate::keyring;
use crate::refusals::Missing;
use garth_audit::core::redact::Known;
use garth_egress::core::{Secret, Secrets};
use garth_host::files::{Author, read_trusted};
use garth_host::linux::addresses;
use garth_host::linux::outside::{self, Order};
use garth_policy::{AbsPath, Context, SecretBinding, SecretSource};
use std::time::Duration;

/// How long a command may take: it may have to ask the user for a word or a finger.
const PATIENCE: Duration = Duration::from_secs(30);

/// Who asks, and where from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caller<'c> {
    pub environment: &'c [(Vec<u8>, Vec<u8>)],
    pub context: &'c Context,
}

/// A secret of a session as the sandbox sees it: name and placeholder.
pub(crate) type Placeholder = (String, String);

/// What was read: the secrets for the broker, what the sandbox sees of them, and what is not to be told to anybody.
#[derive(Debug)]
pub(crate) struct Read {
    pub secrets: Secrets,
    pub placeholders: Vec<Placeholder>,
    pub known: Vec<Known>,
}

/// Reads all secrets.
///
/// # Errors
/// The first that has no value, or two that cannot be told apart.
pub(crate) fn read(bindings: &[SecretBinding], caller: Caller<'_>) -> Result<Read, Error> {
    let (mut placeholders, mut known) = (Vec::new(), Vec::new());
    let mut secrets = Vec::new();
    for binding in bindings {
        let random = addresses::unguessable().map_err(Error::os("start the network"))?;
        let secret = secret(binding, random, caller, &mut known)?;
        placeholders.push((binding.name.clone(), secret.placeholder().to_owned()));
        secrets.push(secret);
    }
    let secrets = Secrets::new(secrets).map_err(|clash| {
        let origin = |name: &str| {
            let found = bindings.iter().find(|binding| binding.name == name);
            found.map_or_else(String::new, |binding| binding.origin.to_string())
        };
        let (first, second) = (origin(&clash.first), origin(&clash.second));
        Error::Policy(format!(
            "network.secrets.{} ({first}) and network.secrets.{} ({second}) overlap\n{clash}\nhint: drop one of them, \
             or give them sources that have nothing to do with each other",
            clash.first, clash.second
        ))
    })?;
    Ok(Read { secrets, placeholders, known })
}

/// The value of one source, which is a text.
///
/// # Errors
/// Why there is none.
pub(crate) fn text(source: &SecretSource, caller: Caller<'_>) -> Result<String, Missing> {
    String::from_utf8(value(source, caller)?)
        .map_err(|_| Missing { why: "it is no text".into(), hint: "store it as text".into() })
}

fn secret(
    binding: &SecretBinding,
    random: [u8; 16],
    caller: Caller<'_>,
    known: &mut Vec<Known>,
) -> Result<Secret, Error> {
    let refuse = |missing: Missing| {
        let SecretBinding { name, origin, .. } = binding;
        let Missing { why, hint } = missing;
        Error::Policy(format!("network.secrets.{name} has no value ({origin})\n{why}\nhint: {hint}"))
    };
    let value = text(&binding.from, caller).map_err(refuse)?;
    known.push(Known { name: binding.name.clone(), value: value.clone() });
    Secret::bound(binding, value, random).map_err(|fault| {
        refuse(Missing { why: fault.to_string(), hint: format!("look at its source, {}", binding.from) })
    })
}

fn value(source: &SecretSource, caller: Caller<'_>) -> Result<Vec<u8>, Missing> {
    let missing = |why: String, hint: &str| Missing { why, hint: hint.into() };
    match source {
        SecretSource::Env(name) => {
            let found = caller.environment.iter().find(|(known, _)| known == name.as_bytes());
            let hint = "set the variable before `garth run`, or drop the secret";
            found.map(|(_, value)| value.clone()).ok_or_else(|| missing(format!("{name} is not set"), hint))
        }
        SecretSource::File(path) => file(path)
            .map_err(|why| missing(why, "write the secret into a file that only you can read and change")),
        SecretSource::Command(words) => {
            let order = Order {
                words,
                environment: caller.environment,
                // Not the workspace: programs read what lies where they stand.
                directory: &caller.context.home,
                workspace: &caller.context.workspace,
                limit: PATIENCE,
            };
            let printed = outside::output(order).map_err(|failed| {
                let hint = "run the command by hand, outside, to see what it says";
                missing(failed.to_string(), hint)
            });
            printed.map(without_line_breaks)
        }
        SecretSource::Keyring { service, account } => keyring::entry(service, account)
            .map(without_line_breaks)
            .map_err(|failed| missing(failed.to_string(), &failed.hint(service, account))),
    }
}

/// A secret's file, without its final line breaks.
fn file(path: &AbsPath) -> Result<Vec<u8>, String> {
    let text = read_trusted(path, Author::User).map_err(|error| error.to_string())?;
    text.map(without_line_breaks).ok_or_else(|| format!("{path} does not exist"))
}

fn without_line_breaks(mut text: Vec<u8>) -> Vec<u8> {
    while text.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
        text.pop();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use garth_policy::{HostPattern, Layer, Origin, Os, SecretPlace};
    use std::borrow::Cow;

    fn binding(name: &str, from: SecretSource, line: u32) -> SecretBinding {
        let origin = Origin { layer: Layer::User, source: Cow::Borrowed("policy.toml"), line, column: 3 };
        let hosts = vec![HostPattern::parse("a.test").unwrap()];
        SecretBinding { name: name.into(), from, hosts, places: SecretPlace::USUAL.to_vec(), origin }
    }

    fn refusal(bindings: &[SecretBinding]) -> String {
        let path = |text: &str| AbsPath::posix(text.as_bytes()).unwrap();
        let context = Context {
            os: Os::Linux,
            workspace: path("/nowhere/work"),
            home: path("/"),
            tmp: path("/tmp"),
            git_dirs: Vec::new(),
            path_dirs: Vec::new(),
            env_dirs: Vec::new(),
        };
        let environment = [
            (b"PATH".to_vec(), b"/usr/bin:/bin".to_vec()),
            (b"ONE".to_vec(), b"hunter2".to_vec()),
            (b"TWO".to_vec(), b"hunter2-and-more".to_vec()),
        ];
        match read(bindings, Caller { environment: &environment, context: &context }) {
            Ok(read) => format!("{} values", read.placeholders.len()),
            Err(error) => {
                assert_eq!(error.exit_code(), 120);
                error.to_string()
            }
        }
    }

    fn env(name: &str) -> SecretSource {
        SecretSource::Env(name.into())
    }

    fn command(line: &str) -> SecretSource {
        SecretSource::Command(["sh", "-c", line].map(str::to_owned).to_vec())
    }

    #[test]
    fn every_source_has_a_value_or_a_place_in_the_policy() {
        assert_eq!(
            refusal(&[binding("T", command("printf 'hunter3\\n\\n'"), 7), binding("U", env("ONE"), 9)]),
            "2 values"
        );
        for (source, why) in [
            (env("ABSENT"), "ABSENT is not set"),
            (SecretSource::File(AbsPath::posix(b"/no/such/file").unwrap()), "/no/such/file does not exist"),
            (command("echo hunter3; exit 1"), "the program failed"),
            (command("true"), "the secret is empty"),
            (command("printf 'hunter3\\nhunter4\\n'"), "a letter that no header can hold"),
            (SecretSource::Command(vec!["no-such-program".into()]), "no directory of PATH"),
        ] {
            let text = refusal(&[binding("T", source, 7)]);
            assert!(text.starts_with("network.secrets.T has no value (policy.toml:7:3)\n"), "{text}");
            assert!(text.contains(why) && text.contains("\nhint: ") && !text.contains("hunter"), "{text}");
        }
    }

    #[test]
    fn a_secret_for_bodies_or_paths_must_fit_there() {
        let at = |place, line: &str| {
            let mut binding = binding("T", command(line), 7);
            binding.places.push(place);
            refusal(&[binding])
        };
        assert_eq!(at(SecretPlace::Body, "echo 0123456789abcdef"), "1 values");
        for (place, line, why) in [
            (SecretPlace::Body, "echo hunter2", "16 letters at least"),
            (SecretPlace::Body, "echo 'hunter2-\"-0123456789'", "which bodies write differently"),
            (SecretPlace::Path, "echo ..", "all dots"),
        ] {
            let text = at(place, line);
            assert!(text.starts_with("network.secrets.T has no value (policy.toml:7:3)\n"), "{text}");
            assert!(text.contains(why) && text.contains("\nhint: ") && !text.contains("hunter"), "{text}");
        }
    }

    #[test]
    fn overlapping_secrets_are_refused_with_both_places() {
        let text = refusal(&[binding("A", env("ONE"), 4), binding("B", env("TWO"), 8)]);
        assert!(
            text.starts_with(
                "network.secrets.A (policy.toml:4:3) and network.secrets.B (policy.toml:8:3) overlap\n"
            ),
            "{text}"
        );
        assert!(!text.contains("hunter"), "{text}");
        // Two names for one value are in use.
        assert_eq!(refusal(&[binding("A", env("ONE"), 4), binding("B", env("ONE"), 8)]), "2 values");
    }
}
