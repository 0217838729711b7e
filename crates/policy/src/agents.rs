//! Agents that garth can be told to run: what each keeps of its own below the home, and where its model answers.
//!
//! Nothing of it is granted because a program has such a name: whoever runs garth says so (`--agent`), since the words of
//! a command may come from a model. What an agent keeps is shown to it as a layer: its settings hold hooks and servers, which
//! the agent would run on the host one day, so nothing that is changed inside is changed outside. What it cannot work without
//! (login, sessions, choices) lasts until its next sandbox, in garth's own state; `docs/agents.md` has the rules.

use crate::places::{Place, place};
use serde::{Deserialize, Serialize};

/// An agent.
#[derive(Debug)]
pub struct Agent {
    /// Its name, which is that of its program.
    pub name: &'static str,
    /// What it keeps below the home.
    pub keeps: &'static [Place],
    /// What becomes of what it changes there. Whatever is not named ends with the sandbox without a word.
    pub lasts: &'static [Lasting],
    /// The hosts that it cannot work without. Those of its makers' statistics and updates are not among them.
    pub hosts: &'static [Place],
}

/// What an agent changes, and how it is handled when the sandbox has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kept {
    /// Credentials, in one JSON file: for later sandboxes with the same workspace (for all, if the policy says so), as long as
    /// the host's own is still the one that they came from.
    Login,
    /// What was said and done: for later sandboxes with the same workspace.
    Sessions,
    /// One JSON file with much in it, of which only answers to questions last (see [`CHOICES`]): for every later sandbox.
    Choices,
    /// What it runs or obeys: the host's each time. That it was changed inside is told.
    Settings,
}

/// Names that last.
#[derive(Debug)]
pub struct Lasting {
    /// Where, below the home; the first that fits counts. `*` stands for any part of one name, `**` at the end for all below.
    pub path: &'static str,
    /// What it is.
    pub kind: Kept,
}

const fn lasting(path: &'static str, kind: Kept) -> Lasting {
    Lasting { path, kind }
}

/// Keys that last of a file of [`Kept::Choices`]: whether the agent has to ask its first questions again, and who its login
/// says it is. None of them names a program, a server or a rule for tools.
pub static CHOICES: [&str; 8] = [
    "theme",
    "hasCompletedOnboarding",
    "lastOnboardingVersion",
    "numStartups",
    "userID",
    "firstStartTime",
    "oauthAccount",
    "editorMode",
];

/// The key with what was chosen for each directory, and what lasts of that. Servers and allowed tools stand beside them.
pub static CHOICES_OF_PROJECTS: (&str, [&str; 3]) =
    ("projects", ["hasTrustDialogAccepted", "hasCompletedProjectOnboarding", "projectOnboardingSeenCount"]);

/// What differs in a login that was renewed, by its row: keys on the way to a value, where `*` is any. All else says whose
/// login it is, and what for, which no renewal changes. A login without a row is never renewed.
static RENEWED: [(&str, &[&str]); 5] = [
    (
        "~/.claude/.credentials.json",
        &[
            "claudeAiOauth.accessToken",
            "claudeAiOauth.refreshToken",
            "claudeAiOauth.expiresAt",
            "claudeAiOauth.refreshTokenExpiresAt",
        ],
    ),
    (
        "~/.codex/auth.json",
        &["tokens.id_token", "tokens.access_token", "tokens.refresh_token", "last_refresh"],
    ),
    ("~/.config/github-copilot/apps.json", &["*.oauth_token"]),
    ("~/.config/github-copilot/hosts.json", &["*.oauth_token"]),
    ("~/.gemini/oauth_creds.json", &["access_token", "id_token", "refresh_token", "expiry_date"]),
];

/// The values that differ in a renewed login (`.claude/.credentials.json`), as ways of keys with dots between them.
#[must_use]
pub fn renewed(name: &[u8]) -> &'static [&'static str] {
    let is_it = |row: &&(&str, &'static [&'static str])| {
        row.0.strip_prefix("~/").is_some_and(|row| row.as_bytes() == name)
    };
    RENEWED.iter().find(is_it).map_or(&[], |row| row.1)
}

/// All of them. Sources: the makers' pages on firewalls and proxies, and each one at work in a sandbox.
pub static AGENTS: [Agent; 4] = [
    Agent {
        name: "claude",
        keeps: &[
            place("~/.claude", "login, settings and history"),
            place("~/.claude.json", "login, servers and trusted projects"),
        ],
        lasts: &[
            lasting("~/.claude.json", Kept::Choices),
            lasting("~/.claude/.credentials.json", Kept::Login),
            lasting("~/.claude/history.jsonl", Kept::Sessions),
            // What it remembers it obeys, and it lies among the sessions: the first row that fits counts.
            lasting("~/.claude/projects/*/memory/**", Kept::Settings),
            lasting("~/.claude/projects/**", Kept::Sessions),
            lasting("~/.claude/sessions/**", Kept::Sessions),
            lasting("~/.claude/todos/**", Kept::Sessions),
            lasting("~/.claude/tasks/**", Kept::Sessions),
            lasting("~/.claude/plans/**", Kept::Sessions),
            lasting("~/.claude/file-history/**", Kept::Sessions),
            lasting("~/.claude/settings.json", Kept::Settings),
            lasting("~/.claude/settings.local.json", Kept::Settings),
            lasting("~/.claude/CLAUDE.md", Kept::Settings),
            lasting("~/.claude/agents/**", Kept::Settings),
            lasting("~/.claude/commands/**", Kept::Settings),
            lasting("~/.claude/hooks/**", Kept::Settings),
            lasting("~/.claude/skills/**", Kept::Settings),
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
        lasts: &[
            lasting("~/.codex/auth.json", Kept::Login),
            lasting("~/.codex/history.jsonl", Kept::Sessions),
            lasting("~/.codex/session_index.jsonl", Kept::Sessions),
            lasting("~/.codex/sessions/**", Kept::Sessions),
            lasting("~/.codex/archived_sessions/**", Kept::Sessions),
            lasting("~/.codex/state_*.sqlite", Kept::Sessions),
            lasting("~/.codex/config.toml", Kept::Settings),
            lasting("~/.codex/hooks.json", Kept::Settings),
            lasting("~/.codex/AGENTS.md", Kept::Settings),
            lasting("~/.codex/prompts/**", Kept::Settings),
            lasting("~/.codex/rules/**", Kept::Settings),
        ],
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
        lasts: &[
            lasting("~/.copilot/session-state/**", Kept::Sessions),
            lasting("~/.copilot/history-session-state/**", Kept::Sessions),
            lasting("~/.copilot/session-store.db", Kept::Sessions),
            lasting("~/.copilot/command-history-state.json", Kept::Sessions),
            lasting("~/.config/github-copilot/apps.json", Kept::Login),
            lasting("~/.config/github-copilot/hosts.json", Kept::Login),
            lasting("~/.copilot/config.json", Kept::Settings),
            lasting("~/.copilot/settings.json", Kept::Settings),
            lasting("~/.copilot/mcp-config.json", Kept::Settings),
        ],
        hosts: &[
            place("*.githubcopilot.com", "the model"),
            place("api.github.com", "whose subscription it is"),
        ],
    },
    Agent {
        name: "gemini",
        keeps: &[place("~/.gemini", "login, settings and history")],
        lasts: &[
            lasting("~/.gemini/oauth_creds.json", Kept::Login),
            lasting("~/.gemini/google_accounts.json", Kept::Login),
            lasting("~/.gemini/projects.json", Kept::Sessions),
            lasting("~/.gemini/tmp/*/chats/**", Kept::Sessions),
            lasting("~/.gemini/tmp/*/logs.json", Kept::Sessions),
            lasting("~/.gemini/tmp/*/.project_root", Kept::Sessions),
            lasting("~/.gemini/settings.json", Kept::Settings),
            lasting("~/.gemini/trustedFolders.json", Kept::Settings),
            lasting("~/.gemini/GEMINI.md", Kept::Settings),
            lasting("~/.gemini/extensions/**", Kept::Settings),
        ],
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

/// What is done with a login that an agent renewed inside, the stricter first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RenewedLogin {
    /// It is kept for the agent's next sandboxes with the same workspace, and told.
    Keep,
    /// It is kept for all of the agent's next sandboxes: whose login it is cannot be proven, so what runs in one of them is
    /// trusted with the account of all.
    Share,
    /// The host's file gets it, if it has the shape of a login and the host's was not changed meanwhile.
    WriteBack,
}

impl RenewedLogin {
    /// The word of the policy file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Share => "share",
            Self::WriteBack => "write-back",
        }
    }
}

impl Agent {
    /// What becomes of a changed name below the home (`.claude/history.jsonl`); `None` for one that ends with the sandbox.
    #[must_use]
    pub fn lasting(&self, name: &[u8]) -> Option<Kept> {
        let row =
            self.lasts.iter().find(|row| matches(row.path.strip_prefix("~/").unwrap_or(row.path), name));
        row.map(|row| row.kind)
    }

    /// Whether a name is that of settings, or of a directory of nothing else.
    #[must_use]
    pub fn is_settings(&self, name: &[u8]) -> bool {
        let is_all = |row: &Lasting| {
            let path = row.path.strip_prefix("~/").and_then(|path| path.strip_suffix("/**"));
            row.kind == Kept::Settings && path.is_some_and(|path| matches(path, name))
        };
        self.lasting(name) == Some(Kept::Settings) || self.lasts.iter().any(is_all)
    }

    /// Whether something below this directory could last: whoever looks for it need not look elsewhere.
    #[must_use]
    pub fn lasts_below(&self, directory: &[u8]) -> bool {
        let depth = directory.split(|byte| *byte == b'/').count();
        self.lasts.iter().any(|row| {
            let parts: Vec<&str> = row.path.strip_prefix("~/").unwrap_or(row.path).split('/').collect();
            let is_all = parts.last() == Some(&"**");
            let given = directory.split(|byte| *byte == b'/');
            let fits =
                parts.iter().zip(given).all(|(part, name)| *part == "**" || is_like(part.as_bytes(), name));
            fits && (parts.len() > depth || is_all)
        })
    }
}

/// Whether a name is one of a row's.
fn matches(row: &str, name: &[u8]) -> bool {
    let mut names = name.split(|byte| *byte == b'/');
    for part in row.split('/') {
        if part == "**" {
            return names.next().is_some();
        }
        if !names.next().is_some_and(|name| is_like(part.as_bytes(), name)) {
            return false;
        }
    }
    names.next().is_none()
}

/// One part with at most one `*`.
fn is_like(part: &[u8], name: &[u8]) -> bool {
    match part.iter().position(|byte| *byte == b'*') {
        None => part == name,
        Some(star) => {
            let (before, after) = (&part[..star], &part[star + 1..]);
            name.len() >= before.len() + after.len() && name.starts_with(before) && name.ends_with(after)
        }
    }
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
    /// What an agent runs one day is in no row: settings, hooks, servers, commands, plug-ins, instructions.
    #[test]
    fn nothing_lasts_that_an_agent_runs_or_obeys() {
        for agent in &AGENTS {
            for row in agent.lasts {
                let is_kept = |place: &Place| {
                    row.path
                        .strip_prefix(place.path)
                        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
                };
                assert!(agent.keeps.iter().any(is_kept), "{} is shown by no row", row.path);
                assert!(row.path.matches("**").count() <= usize::from(row.path.ends_with("/**")));
            }
        }
        let claude = agent("claude").unwrap();
        for name in [
            "settings.json",
            "settings.local.json",
            "CLAUDE.md",
            "commands/x.md",
            "agents/x.md",
            "plugins/x/y",
            "projects/-w/memory/MEMORY.md",
            "projects/-w/memory/a/b.md",
        ] {
            let name = format!(".claude/{name}");
            assert!(matches!(claude.lasting(name.as_bytes()), None | Some(Kept::Settings)), "{name}");
        }
        for (name, other) in [
            ("codex", ".codex/config.toml"),
            ("codex", ".codex/AGENTS.md"),
            ("codex", ".codex/hooks.json"),
            ("gemini", ".gemini/settings.json"),
            ("gemini", ".gemini/tmp/bin/rg"),
            ("gemini", ".gemini/tmp/x/chats"),
            ("copilot", ".copilot/mcp-config.json"),
            ("codex", ".codex/sessions"),
            ("codex", ".codex/state_5.sqlite-shm"),
        ] {
            let kind = agent(name).unwrap().lasting(other.as_bytes());
            assert!(matches!(kind, None | Some(Kept::Settings)), "{other}");
        }
    }

    #[test]
    fn what_is_renewed_is_part_of_a_login() {
        for (path, ways) in RENEWED {
            let name = path.strip_prefix("~/").unwrap().as_bytes();
            assert!(AGENTS.iter().any(|agent| agent.lasting(name) == Some(Kept::Login)), "{path}");
            assert_eq!(renewed(name), ways);
        }
        assert!(renewed(b".gemini/google_accounts.json").is_empty());
    }

    #[test]
    fn names_are_found_by_their_rows() {
        let (claude, codex) = (agent("claude").unwrap(), agent("codex").unwrap());
        assert_eq!(claude.lasting(b".claude.json"), Some(Kept::Choices));
        assert_eq!(claude.lasting(b".claude/.credentials.json"), Some(Kept::Login));
        assert_eq!(claude.lasting(b".claude/projects/-w/a/b.jsonl"), Some(Kept::Sessions));
        assert_eq!(codex.lasting(b".codex/state_5.sqlite"), Some(Kept::Sessions));
        assert!(claude.is_settings(b".claude/hooks") && claude.is_settings(b".claude/projects/-w/memory"));
        assert!(claude.is_settings(b".claude/CLAUDE.md") && !claude.is_settings(b".claude/projects"));
        assert!(claude.lasts_below(b".claude") && claude.lasts_below(b".claude/projects/a/b"));
        assert!(!claude.lasts_below(b".claude/plugins") && !claude.lasts_below(b".claude/history.jsonl"));
        let gemini = agent("gemini").unwrap();
        assert!(gemini.lasts_below(b".gemini/tmp/x") && gemini.lasts_below(b".gemini/tmp/x/chats"));
        assert!(!gemini.lasts_below(b".gemini/tmp/x/other"));
    }
}
