//! The view once, as lines, for scripts.

use super::state::{View, Watched};
use crate::report::bytes;
use garth::log::core::visible;
use std::io::{self, Write};

/// Refusals that are shown of a session.
const DENIALS: usize = 10;

/// Writes what is known of each session.
pub fn once(view: &View, out: &mut dyn Write) -> io::Result<()> {
    if view.sessions.is_empty() {
        return writeln!(out, "no session runs");
    }
    view.sessions.iter().try_for_each(|session| one(session, out))
}

fn one(session: &Watched, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "session {} {}", session.id, session.standing())?;
    writeln!(out, "  command  {}", visible(&session.command))?;
    if session.is_live {
        writeln!(out, "  uses     {}", session.usage_words())?;
    }
    for process in &session.running {
        let number = process.number.map_or_else(|| "?".to_owned(), |number| number.to_string());
        let depth = "  ".repeat(process.depth.min(12));
        let (memory, cpu, tasks) = (bytes(process.memory), process.cpu, process.tasks);
        let words = visible(&process.command);
        writeln!(out, "  process  {number:>5} {memory:>9} {cpu:>3}% {tasks:>3} {depth}{words}")?;
    }
    for ((host, port), traffic) in &session.hosts {
        let (up, down) = (bytes(traffic.sent), bytes(traffic.received));
        let (host, allowed, denied) = (visible(host), traffic.allowed, traffic.denied);
        writeln!(out, "  host     {host}:{port} allowed {allowed}, refused {denied}, up {up}, down {down}")?;
    }
    let skipped = session.denials.len().saturating_sub(DENIALS);
    for denial in session.denials.iter().skip(skipped) {
        writeln!(out, "  refused  #{} {} {}", denial.number, denial.kind, visible(&denial.words))?;
    }
    for pending in &session.pending {
        writeln!(out, "  asks     {} ({})", visible(&pending.what), visible(&pending.reason))?;
    }
    Ok(())
}
