//! One question and one answer for everything that a policy speaks of.

use crate::commands::CommandDecision;
use crate::env::EnvDecision;
use crate::files::{Access, FileOp, FileRule, Verdict, Vet};
use crate::network::NetworkDecision;
use crate::origin::Origin;
use crate::path::AbsPath;
use crate::policy::Policy;

/// What is attempted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccessRequest<'a> {
    /// An operation on a file.
    File {
        /// Which file.
        path: &'a AbsPath,
        /// What is done.
        op: FileOp,
    },
    /// A connection to a host, by the name or address as it was asked for.
    Connect {
        /// Name or address.
        host: &'a str,
        /// Port.
        port: u16,
    },
    /// A request to a host.
    Http {
        /// Name or address.
        host: &'a str,
        /// Port.
        port: u16,
        /// Upper-case method.
        method: &'a str,
        /// Path with query.
        path: &'a str,
    },
    /// A server inside that the host's loopback reaches.
    Listen {
        /// Port.
        port: u16,
    },
    /// A connection to a loopback port of the host.
    HostPort {
        /// Port.
        port: u16,
    },
    /// A command.
    Command {
        /// Its words.
        argv: &'a [String],
        /// The agent that asks, if known.
        agent: Option<&'a str>,
    },
    /// An environment variable of the host.
    Env {
        /// Its name.
        name: &'a str,
    },
    /// A connection to a Unix socket of the host.
    UnixSocket {
        /// Its path.
        path: &'a AbsPath,
    },
}

/// The answer, strictest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// Refused.
    Deny,
    /// The user is asked.
    Ask,
    /// Allowed if the content passes.
    Vet(Vet),
    /// Allowed.
    Allow,
}

/// An answer with its reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision<'p> {
    /// The answer.
    pub outcome: Outcome,
    /// Why, as a lower-case fragment.
    pub reason: String,
    /// The clause that decided; `None` if nothing speaks of it.
    pub origin: Option<&'p Origin>,
    /// The file rule that decided, where one did.
    pub rule: Option<&'p FileRule>,
}

impl<'p> Decision<'p> {
    fn new(allowed: bool, reason: impl Into<String>, origin: Option<&'p Origin>) -> Self {
        let outcome = if allowed { Outcome::Allow } else { Outcome::Deny };
        Self { outcome, reason: reason.into(), origin, rule: None }
    }
}

impl<'p> From<NetworkDecision<'p>> for Decision<'p> {
    fn from(decision: NetworkDecision<'p>) -> Self {
        Self::new(decision.allowed, decision.reason, decision.origin)
    }
}

impl Policy {
    /// Decides one access. Total: every request has an answer.
    #[must_use]
    pub fn decide(&self, access: &AccessRequest<'_>) -> Decision<'_> {
        match *access {
            AccessRequest::File { path, op } => self.decide_file(path, op),
            AccessRequest::Connect { host, port } => self.network.connect(host, port).into(),
            AccessRequest::Http { host, port, method, path } => {
                self.network.http(host, port, method, path).into()
            }
            AccessRequest::Listen { port } => {
                let entry = self.network.listen.iter().find(|entry| entry.value == port);
                Decision::new(
                    entry.is_some(),
                    named(entry.is_some(), "port"),
                    entry.map(|entry| &entry.origin),
                )
            }
            AccessRequest::HostPort { port } => {
                let entry = self.network.host_ports.iter().find(|entry| entry.value == port);
                Decision::new(
                    entry.is_some(),
                    named(entry.is_some(), "port"),
                    entry.map(|entry| &entry.origin),
                )
            }
            AccessRequest::Command { argv, agent } => self.decide_command(argv, agent),
            AccessRequest::Env { name } => self.decide_env(name),
            AccessRequest::UnixSocket { path } => {
                let entry = self.sockets.iter().find(|entry| entry.value == *path);
                Decision::new(
                    entry.is_some(),
                    named(entry.is_some(), "socket"),
                    entry.map(|entry| &entry.origin),
                )
            }
        }
    }

    fn decide_file(&self, path: &AbsPath, op: FileOp) -> Decision<'_> {
        let decided = self.files.decide(path, op);
        let outcome = match decided.verdict {
            Verdict::Deny => Outcome::Deny,
            Verdict::Vet(vet) => Outcome::Vet(vet),
            Verdict::Allow => Outcome::Allow,
        };
        let reason = match decided.rule {
            None => "no rule names the path".to_owned(),
            Some(rule) if rule.reason.is_empty() => {
                format!("the rule for `{}` says {}", rule.pattern, rule.access)
            }
            Some(rule) => format!("the rule for `{}` says {}: {}", rule.pattern, rule.access, rule.reason),
        };
        Decision { outcome, reason, origin: decided.rule.map(|rule| &rule.origin), rule: decided.rule }
    }

    fn decide_command(&self, argv: &[String], agent: Option<&str>) -> Decision<'_> {
        let Some(rule) = self.commands.judge(argv, agent) else {
            return Decision::new(true, "no rule names the command", None);
        };
        let outcome = match rule.decision {
            CommandDecision::Allow => Outcome::Allow,
            CommandDecision::Ask => Outcome::Ask,
            CommandDecision::Deny => Outcome::Deny,
        };
        Decision { outcome, reason: rule.reason.clone(), origin: Some(&rule.origin), rule: None }
    }

    fn decide_env(&self, name: &str) -> Decision<'_> {
        match self.env.decide(name) {
            EnvDecision::Pass(origin) => {
                Decision::new(true, "the variable is on the allow-list", Some(origin))
            }
            EnvDecision::Set(_, origin) => {
                Decision::new(true, "the variable is set by the policy", Some(origin))
            }
            EnvDecision::Drop(Some(row)) => Decision::new(false, row.reason, None),
            EnvDecision::Drop(None) => Decision::new(false, "the variable is not on the allow-list", None),
        }
    }

    /// The smallest addition to a policy file that would allow the access: a section and a line. `None` where none
    /// would (git directories are opened by naming the guarded file).
    #[must_use]
    pub fn least_grant(&self, access: &AccessRequest<'_>) -> Option<LeastGrant> {
        let grant = |section: &'static str, line: String| Some(LeastGrant { section, line });
        match *access {
            AccessRequest::File { path, op } => {
                let access = match op {
                    FileOp::Read | FileOp::List | FileOp::Execute | FileOp::Metadata => Access::Read,
                    _ => Access::Write,
                };
                grant("files", format!("{} = \"{access}\"", toml_string(&path.to_lossless())))
            }
            AccessRequest::Connect { host, .. } | AccessRequest::Http { host, .. } => {
                grant("network.domains", format!("{} = \"allow\"", toml_string(host)))
            }
            AccessRequest::Listen { port } => grant("network", format!("listen = [{port}]")),
            AccessRequest::HostPort { port } => grant("network", format!("host-ports = [{port}]")),
            AccessRequest::Env { name } => match self.env.decide(name) {
                EnvDecision::Drop(Some(row)) if !row.guard.opens_by_name() => {
                    grant("env.set", format!("{} = \"...\"", toml_string(name)))
                }
                _ => grant("env", format!("allow = [{}]", toml_string(name))),
            },
            AccessRequest::UnixSocket { path } => {
                grant("sockets", format!("allow = [{}]", toml_string(&path.to_lossless())))
            }
            AccessRequest::Command { .. } => None,
        }
    }
}

/// A line that would allow something, and the section it belongs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeastGrant {
    /// Section of the policy file, without brackets.
    pub section: &'static str,
    /// The line.
    pub line: String,
}

/// A quoted TOML key or string; letters that could mislead are escaped.
#[must_use]
pub fn toml_string(text: &str) -> String {
    let mut out = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            letter if letter.is_control() => out.push_str(&format!("\\u{:04X}", u32::from(letter))),
            letter => out.push(letter),
        }
    }
    out.push('"');
    out
}

fn named(is_named: bool, what: &str) -> String {
    if is_named { format!("the policy names the {what}") } else { format!("no rule names the {what}") }
}
