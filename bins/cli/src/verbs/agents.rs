//! `garth agents`.

use crate::arguments::AgentsArguments;
use crate::failure::Failure;
use crate::request::environment;
use crate::table::{Cell, table};
use garth::policy::escape_visible;
use garth::policy::limits::show_bytes;
use garth::{AgentState, Agents};
use std::io::Write;

/// Lists what is kept for agents, or forgets it.
pub fn run(arguments: &AgentsArguments, out: &mut dyn Write) -> Result<u8, Failure> {
    let agents = Agents::of(&environment())?;
    if let Some(name) = &arguments.forget {
        return forget(&agents, name, out);
    }
    let all = agents.list();
    if arguments.json {
        let whole = serde_json::json!({ "version": 1, "agents": all.iter().map(one).collect::<Vec<_>>() });
        serde_json::to_writer_pretty(&mut *out, &whole)?;
        writeln!(out)?;
        return Ok(0);
    }
    if all.is_empty() {
        writeln!(out, "nothing is kept for any agent")?;
        return Ok(0);
    }
    let rows: Vec<[Cell; 4]> = all.iter().flat_map(rows).collect();
    table(["agent", "kept for", "files", "size"], &[1], &rows, out)?;
    Ok(0)
}

fn one(state: &AgentState) -> serde_json::Value {
    let parts = state.parts.iter().map(
        |part| serde_json::json!({ "workspace": part.workspace, "files": part.files, "bytes": part.bytes }),
    );
    serde_json::json!({
        "agent": state.name,
        "logins": state.logins,
        "parts": parts.collect::<Vec<_>>(),
        "running": state.running,
    })
}

fn rows(state: &AgentState) -> Vec<[Cell; 4]> {
    let row = |part: &garth::Part| {
        let place = match &part.workspace {
            Some(workspace) => workspace.clone(),
            None if state.logins.is_empty() => "every workspace".to_owned(),
            None => format!("every workspace, with the login in place of {}", state.logins.join(", ")),
        };
        [
            Cell::plain(state.name),
            Cell::plain(place),
            Cell::plain(part.files.to_string()),
            Cell::plain(show_bytes(part.bytes)),
        ]
    };
    state.parts.iter().map(row).collect()
}

fn forget(agents: &Agents, name: &str, out: &mut dyn Write) -> Result<u8, Failure> {
    if agents.forget(name)? {
        writeln!(out, "what was kept for {name} is gone")?;
        return Ok(0);
    }
    Err(Failure::own(
        format!("nothing is kept for {}", escape_visible(name.as_bytes())),
        "there is no such directory in garth's state",
        "`garth agents` lists the agents for which something is kept",
    ))
}
