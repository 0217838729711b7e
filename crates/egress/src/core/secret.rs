//! Secrets of a session. Inside there is a placeholder; the real value is put in its place in requests to the hosts of its
//! rule, in the parts that the rule names ([`Toward`](super::toward::Toward)).

use garth_policy::{HostPattern, SecretBinding, SecretPlace};
use std::fmt;

/// Shorter placeholders could be met by chance.
const SHORTEST_PLACEHOLDER: usize = 16;

/// A secret and where it may go.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    name: String,
    placeholder: String,
    value: String,
    hosts: Vec<HostPattern>,
    places: Vec<SecretPlace>,
}

/// Why a secret cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SecretFault {
    /// The value is empty.
    Empty,
    /// The value holds what no header can hold.
    Letter,
    /// It goes into bodies, and is too short for a placeholder of its length, which could be met by chance.
    Short,
    /// It goes into bodies, and holds a letter that JSON, XML or HTML write differently.
    Body,
    /// It goes into paths, and nothing but dots means another directory there.
    Path,
    /// The placeholder is too short, holds other letters than `A-Z a-z 0-9 _ -`, or is part of another one or of a value.
    Placeholder,
}

impl fmt::Display for SecretFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Empty => "the secret is empty",
            Self::Letter => "the secret holds a letter that no header can hold, such as a line break",
            Self::Short => {
                "a secret for bodies needs 16 letters at least: its placeholder has the same length"
            }
            Self::Body => {
                "a secret for bodies cannot hold `\"`, `\\`, `<`, `>` or `&`, which bodies write differently"
            }
            Self::Path => "a secret for paths cannot be all dots",
            Self::Placeholder => "the placeholder is not unique or too short",
        })
    }
}

impl std::error::Error for SecretFault {}

/// Two secrets that cannot be told apart in what passes: the value of one is part of the other's, so that taking one out of
/// an answer would leave a rest of the other, or a placeholder is part of another one or of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretClash {
    /// Name of the one that was given first.
    pub first: String,
    /// Name of the other.
    pub second: String,
}

impl fmt::Display for SecretClash {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{} and {} cannot be told apart: the value of one is part of the other's",
            self.first, self.second
        )
    }
}

impl std::error::Error for SecretClash {}

impl Secret {
    /// A secret that goes to `hosts`, in header values.
    ///
    /// # Errors
    /// When the value cannot stand in a header, or the placeholder could be met by chance.
    pub fn new(
        name: impl Into<String>,
        placeholder: impl Into<String>,
        value: impl Into<String>,
        hosts: Vec<HostPattern>,
    ) -> Result<Self, SecretFault> {
        let secret = Self {
            name: name.into(),
            placeholder: placeholder.into(),
            value: value.into(),
            hosts,
            places: SecretPlace::USUAL.to_vec(),
        };
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        if secret.value.is_empty() {
            return Err(SecretFault::Empty);
        }
        if secret.value.chars().any(|letter| letter.is_control() || !letter.is_ascii()) {
            return Err(SecretFault::Letter);
        }
        let is_sound = secret.placeholder.len() >= SHORTEST_PLACEHOLDER
            && secret.placeholder.bytes().all(plain)
            && !secret.value.contains(&secret.placeholder);
        if is_sound { Ok(secret) } else { Err(SecretFault::Placeholder) }
    }

    /// The secret of a policy with its value, and a placeholder from bytes that nobody can guess. One that goes into bodies
    /// has a placeholder as long as the value, so that lengths stay what the client said.
    ///
    /// # Errors
    /// When the value cannot stand where the policy wants it.
    pub fn bound(
        binding: &SecretBinding,
        value: impl Into<String>,
        random: [u8; 16],
    ) -> Result<Self, SecretFault> {
        let value = value.into();
        let is_for = |place| binding.places.contains(&place);
        if is_for(SecretPlace::Body) && value.contains(['"', '\\', '<', '>', '&']) {
            return Err(SecretFault::Body);
        }
        if is_for(SecretPlace::Path) && value.bytes().all(|byte| byte == b'.') && !value.is_empty() {
            return Err(SecretFault::Path);
        }
        let placeholder = match value.len() {
            1..SHORTEST_PLACEHOLDER if is_for(SecretPlace::Body) => return Err(SecretFault::Short),
            length if is_for(SecretPlace::Body) => placeholder_of(&binding.name, random, length),
            _ => Self::placeholder_for(&binding.name, random),
        };
        let secret = Self::new(&binding.name, placeholder, value, binding.hosts.clone())?;
        Ok(Self { places: binding.places.clone(), ..secret })
    }

    /// A placeholder for the variable `name`, from bytes that nobody can guess.
    #[must_use]
    pub fn placeholder_for(name: &str, random: [u8; 16]) -> String {
        let name: String = name.chars().filter(|letter| letter.is_ascii_alphanumeric()).take(32).collect();
        format!("garth-{}-{:032x}", name.to_ascii_lowercase(), u128::from_be_bytes(random))
    }

    /// Name of the variable inside.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What stands in the variable inside.
    #[must_use]
    pub fn placeholder(&self) -> &str {
        &self.placeholder
    }

    /// Whether something of this secret is part of the other. Two names for one value are no clash.
    fn clashes(&self, other: &Self) -> bool {
        other.placeholder.contains(&self.placeholder)
            || other.value.contains(&self.placeholder)
            || (other.value != self.value && other.value.contains(&self.value))
    }

    /// What is put in the placeholder's place.
    pub(crate) fn value(&self) -> &str {
        &self.value
    }

    /// Whether it may stand in this part of a request.
    pub(crate) fn goes_in(&self, place: SecretPlace) -> bool {
        self.places.contains(&place)
    }

    /// Without TLS a secret goes only where its rule names the very port.
    pub(crate) fn goes_to(&self, host: &str, port: u16, is_private: bool) -> bool {
        let mut hosts = self.hosts.iter();
        hosts.any(|pattern| pattern.matches(host, port) && (is_private || pattern.port.is_some()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Secret")
            .field("name", &self.name)
            .field("hosts", &self.hosts)
            .field("places", &self.places)
            .finish_non_exhaustive()
    }
}

/// A placeholder with so many letters. What is long enough is the usual one, filled up.
fn placeholder_of(name: &str, random: [u8; 16], length: usize) -> String {
    let usual = Secret::placeholder_for(name, random);
    let mut text = if usual.len() <= length {
        usual
    } else {
        // 36 letters tell more apart than 16 in the little room that there is.
        let mut rest = u128::from_be_bytes(random);
        let digits = std::iter::repeat_with(|| {
            let digit = u32::try_from(rest % 36).unwrap_or(0);
            rest /= 36;
            char::from_digit(digit, 36).unwrap_or('0')
        });
        "garth-".chars().chain(digits).take(length).collect()
    };
    text.extend(std::iter::repeat_n('0', length.saturating_sub(text.len())));
    text
}

/// All secrets of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secrets {
    all: Vec<Secret>,
}

impl Secrets {
    /// None.
    #[must_use]
    pub fn none() -> Self {
        Self { all: Vec::new() }
    }

    /// These.
    ///
    /// # Errors
    /// When two of them cannot be told apart in what passes.
    pub fn new(all: Vec<Secret>) -> Result<Self, SecretClash> {
        for (at, one) in all.iter().enumerate() {
            for other in all.iter().skip(at.saturating_add(1)) {
                if one.clashes(other) || other.clashes(one) {
                    return Err(SecretClash { first: one.name.clone(), second: other.name.clone() });
                }
            }
        }
        Ok(Self { all })
    }

    /// True if there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// All of them.
    pub(crate) fn all(&self) -> &[Secret] {
        &self.all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACEHOLDER: &str = "garth-placeholder-0123456789abcdef";

    fn bound(places: &[SecretPlace], value: &str) -> Result<Secret, SecretFault> {
        let origin = garth_policy::Origin::unplaced(garth_policy::Layer::User, "test");
        let from = garth_policy::SecretSource::Env("A".to_owned());
        let name = "GITHUB_TOKEN".to_owned();
        let binding = SecretBinding { name, from, hosts: Vec::new(), places: places.to_vec(), origin };
        Secret::bound(&binding, value, [0xab; 16])
    }

    #[test]
    fn a_placeholder_for_bodies_is_as_long_as_the_value() {
        for length in [16, 17, 30, 31, 32, 47, 51, 52, 53, 4000] {
            let secret = bound(&[SecretPlace::Body], &"v".repeat(length)).unwrap();
            assert_eq!(secret.placeholder().len(), length, "{secret:?}");
            assert!(secret.placeholder().starts_with("garth-"), "{secret:?}");
        }
        let usual = bound(&SecretPlace::USUAL, "v").unwrap();
        assert_eq!(usual.placeholder(), Secret::placeholder_for("GITHUB_TOKEN", [0xab; 16]));
        let short = |random| placeholder_of("T", random, 20);
        assert_ne!(short([1; 16]), short([2; 16]));
        assert_eq!(bound(&[SecretPlace::Body], "0123456789abcde"), Err(SecretFault::Short));
        assert_eq!(bound(&[SecretPlace::Body], ""), Err(SecretFault::Empty));
        for letter in ['"', '\\', '<', '>', '&'] {
            let value = format!("0123456789abcdef{letter}");
            assert_eq!(bound(&[SecretPlace::Body], &value), Err(SecretFault::Body));
            assert!(bound(&[SecretPlace::Query, SecretPlace::Path], &value).is_ok());
        }
        assert_eq!(bound(&[SecretPlace::Path], ".."), Err(SecretFault::Path));
    }

    #[test]
    fn what_cannot_be_told_apart_or_stand_in_a_header_is_refused() {
        let new = |placeholder, value| Secret::new("A", placeholder, value, Vec::new()).err();
        assert_eq!(new(PLACEHOLDER, ""), Some(SecretFault::Empty));
        assert_eq!(new(PLACEHOLDER, "a\r\nX: y"), Some(SecretFault::Letter));
        assert_eq!(new("short", "a"), Some(SecretFault::Placeholder));
        assert_eq!(new("has blanks in it, many", "a"), Some(SecretFault::Placeholder));
        let made = Secret::placeholder_for("GITHUB_TOKEN", [7; 16]);
        assert_eq!(made, format!("garth-githubtoken-{}", "07".repeat(16)));
        assert_eq!(new(&made, "a"), None);
        let one = Secret::new("A", PLACEHOLDER, "real", Vec::new()).unwrap();
        let clash = Secret::new("B", format!("x{PLACEHOLDER}"), "v", Vec::new()).unwrap();
        let names = SecretClash { first: "A".into(), second: "B".into() };
        assert_eq!(Secrets::new(vec![one.clone(), clash]), Err(names.clone()));
        let with = |value: &str| Secret::new("B", "garth-other-0123456789abcdef", value, Vec::new()).unwrap();
        assert_eq!(Secrets::new(vec![one.clone(), with("unreal")]), Err(names));
        assert!(Secrets::new(vec![one.clone(), with("real")]).is_ok(), "two names for one value");
        assert!(!format!("{one:?}").contains("real"));
    }
}
