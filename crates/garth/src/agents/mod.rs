//! What an agent finds again in its next sandbox: `agents/NAME` in garth's state directory. `docs/agents.md` says why.
//!
//! ```text
//! lock                 held by whoever changes something here
//! own/.claude/...      logins, for every workspace (where the policy says so)
//! own/.claude.json     choices
//! logins.json          which login of the host each of them came from
//! work/ID/.claude/...  sessions and logins of one workspace
//! work/ID/workspace    which one that is
//! running/ID           what a sandbox writes; looked through when it has ended, and then removed
//! ```
//!
//! Nothing of it is read for a policy, and no program of the host looks for it.

mod base;
mod choices;
mod list;
mod login;
mod renewed;
mod settle;
mod store;
#[cfg(test)]
mod tests;

pub use list::{AgentState, Agents, Part};
pub use settle::AgentEnd;

pub(crate) use store::{Live, Planned, planned, unfinished};

/// Most bytes of a file that is kept. A session of a day has some ten MiB.
const LARGEST: u64 = 256 << 20;
/// Most bytes that are kept for an agent, for all workspaces together.
const MOST_BYTES: u64 = 2 << 30;
/// Most files that are kept for an agent.
const MOST_FILES: u64 = 20_000;
/// Most directories on the way to a file that is kept.
const DEEPEST: usize = 16;
/// Most names that are looked at in what one sandbox wrote.
const MOST_NAMES: usize = 200_000;
