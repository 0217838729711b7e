//! Agents that garth can be told to run: what each keeps of its own below the home, and where its model answers.
//!
//! Nothing of it is granted because a program has such a name: whoever runs garth says so (`--agent`), since the words of
//! a command may come from a model. What an agent keeps is shown to it as a layer, whose changes go with the sandbox: its
//! settings hold hooks and servers, which the agent would run on the host one day.

use crate::places::{Place, place};

/// An agent.
#[derive(Debug)]
pub struct Agent {
    /// Its name, which is that of its program.
    pub name: &'static str,
    /// What it keeps below the home.
    pub keeps: &'static [Place],
    /// The hosts that it cannot work without. Those of its makers' statistics and updates are not among them.
    pub hosts: &'static [Place],
}

/// All of them. Sources: the makers' pages on firewalls and proxies, and each one at work in a sandbox.
pub static AGENTS: [Agent; 4] = [
    Agent {
        name: "claude",
        keeps: &[
            place("~/.claude", "login, settings and history"),
            place("~/.claude.json", "login, servers and trusted projects"),
        ],
        hosts: &[
            place("api.anthropic.com", "the model"),
            place("claude.ai", "renewing the login of an account"),
            place("platform.claude.com", "renewing the login of the console"),
        ],
    },
    Agent {
        name: "codex",
        keeps: &[place("~/.codex", "login, settings and history")],
        hosts: &[
            place("api.openai.com", "the model, with a key"),
            place("chatgpt.com", "the model, with an account"),
            place("auth.openai.com", "renewing the login of an account"),
        ],
    },
    Agent {
        name: "copilot",
        keeps: &[
            place("~/.copilot", "login, settings and history"),
            place("~/.config/github-copilot", "tokens"),
        ],
        hosts: &[
            place("*.githubcopilot.com", "the model"),
            place("api.github.com", "whose subscription it is"),
        ],
    },
    Agent {
        name: "gemini",
        keeps: &[place("~/.gemini", "login, settings and history")],
        hosts: &[
            place("generativelanguage.googleapis.com", "the model, with a key"),
            place("cloudcode-pa.googleapis.com", "the model, with an account"),
            place("oauth2.googleapis.com", "renewing the login of an account"),
        ],
    },
];

/// The agent of this name. Rules for commands and logs may speak of others.
#[must_use]
pub fn agent(name: &str) -> Option<&'static Agent> {
    AGENTS.iter().find(|agent| agent.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::HostPattern;
    use crate::secrets;

    #[test]
    fn what_an_agent_keeps_is_a_secret_for_all_others_and_its_hosts_are_names() {
        let tables = [secrets::ANYWHERE, secrets::POSIX];
        for agent in &AGENTS {
            for kept in agent.keeps {
                let is_secret = tables.iter().flat_map(|table| table.iter()).any(|row| row.path == kept.path);
                assert!(is_secret, "{} is shown to every program", kept.path);
            }
            assert!(agent.hosts.iter().all(|host| HostPattern::parse(host.path).is_ok()));
        }
        assert!(agent("claude").is_some() && agent("aider").is_none());
    }
}
