//! Secrets of a policy: where the value is, which hosts see it, and in which parts of a request.

use crate::host::HostPattern;
use crate::origin::Origin;
use crate::path::AbsPath;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Where the real value of a secret is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SecretSource {
    /// An environment variable of the broker.
    Env(String),
    /// A file outside, without its final line break.
    File(AbsPath),
    /// What a program outside prints, without its final line breaks. The first word is a bare name, which is looked for in
    /// `PATH`, or an absolute path. No project names one: its content is trusted, and not what the program does.
    Command(Vec<String>),
    /// An entry of the user's own keyring.
    Keyring {
        /// The service that it is for.
        service: String,
        /// The account at the service.
        account: String,
    },
}

impl fmt::Display for SecretSource {
    /// As a policy says it, without the arguments of a command: people put secrets there.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(out, "env:{name}"),
            Self::File(path) => write!(out, "file:{path}"),
            Self::Command(words) => match words.as_slice() {
                [program] => write!(out, "command:{program}"),
                words => write!(out, "command:{} ...", words.first().map_or("", String::as_str)),
            },
            Self::Keyring { service, account } => write!(out, "keyring:{service}/{account}"),
        }
    }
}

/// A part of a request in which a placeholder is replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SecretPlace {
    /// Values of headers, also within credentials of the scheme `Basic`.
    Headers,
    /// The path of the target, percent-encoded.
    Path,
    /// What follows the `?` of the target, percent-encoded.
    Query,
    /// The body, letter for letter.
    Body,
}

impl SecretPlace {
    /// All of them, in order.
    pub const ALL: [Self; 4] = [Self::Headers, Self::Path, Self::Query, Self::Body];

    /// Where a secret is put in if its rule says nothing.
    pub const USUAL: [Self; 1] = [Self::Headers];

    /// The word in a policy.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Headers => "headers",
            Self::Path => "path",
            Self::Query => "query",
            Self::Body => "body",
        }
    }
}

/// A placeholder inside, which the proxy replaces by the real value on the way to some hosts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretBinding {
    /// Name of the environment variable inside.
    pub name: String,
    /// Where the real value is.
    pub from: SecretSource,
    /// Hosts that may see it.
    pub hosts: Vec<HostPattern>,
    /// Where in a request it is put in: sorted, each once, at least one.
    pub places: Vec<SecretPlace>,
    /// Where it was said.
    pub origin: Origin,
}
