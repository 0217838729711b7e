//! What a plan for Windows does, line by line: every change with its exact content and its reason.

use crate::show::BOLD;
use garth::plan::linux::spec::TerminalSize;
use garth::plan::windows::Ace;
use garth::plan::windows::spec::{
    Capability, Container, Identity, Launch, Lifetime, Mitigation, Narrower, Plan, Preparation, Removal,
    Reservation, Restricted, UiLimit, Undo, Vm,
};
use garth::policy::{NodeKind, escape_visible};
use serde::Serialize;
use std::io::{self, Write};

/// Reasons for which a line is left out unless everything is asked for.
const USUAL: &str = "it is not there";

/// Writes the whole recipe. Without `all`, what the policy grants and is not there is counted only.
pub fn write(plan: &Plan, all: bool, out: &mut dyn Write) -> io::Result<()> {
    identity(&plan.launch.identity, out)?;
    preparation(&plan.preparation, out)?;
    launch(&plan.launch, out)?;
    environment(plan, out)?;
    clean_up(&plan.preparation, out)?;
    narrower(&plan.narrower, all, out)
}

fn heading(text: &str, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\n{BOLD}{text}{BOLD:#}")
}

/// A line, of which the text may come from a file.
fn line(out: &mut dyn Write, name: &str, text: &str) -> io::Result<()> {
    writeln!(out, "  {name:<14} {}", escape_visible(text.as_bytes()))
}

fn below(out: &mut dyn Write, text: &str) -> io::Result<()> {
    writeln!(out, "      {}", escape_visible(text.as_bytes()))
}

/// The word of a value in reports, which is that of its JSON.
fn word(value: &impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

fn list<T>(items: &[T], shown: impl Fn(&T) -> String) -> String {
    if items.is_empty() { "none".to_owned() } else { items.iter().map(shown).collect::<Vec<_>>().join(", ") }
}

fn entries(aces: &[Ace]) -> String {
    aces.iter().map(ToString::to_string).collect()
}

fn identity(identity: &Identity, out: &mut dyn Write) -> io::Result<()> {
    match identity {
        Identity::Container(recipe) => container(recipe, out),
        Identity::Restricted(recipe) => restricted(recipe, out),
        Identity::Vm(machine) => vm(machine, out),
    }
}

fn container(recipe: &Container, out: &mut dyn Write) -> io::Result<()> {
    heading("token: an AppContainer of the same user", out)?;
    line(out, "package", &recipe.package.to_string())?;
    let only_refuse = list(&recipe.base.disable, ToString::to_string);
    line(out, "only refuse", &only_refuse)?;
    if recipe.base.drop_privileges {
        line(out, "privileges", "none but passing through directories")?;
    }
    line(out, "kind", &recipe.reason)?;
    capabilities("capabilities", &recipe.capabilities, out)
}

fn restricted(recipe: &Restricted, out: &mut dyn Write) -> io::Result<()> {
    heading("token: a restricted one of the same user", out)?;
    let restriction = &recipe.restriction;
    let kind =
        if restriction.write_restricted { "asked about writing alone" } else { "asked about everything" };
    line(out, "restriction", kind)?;
    line(out, "only refuse", &list(&restriction.disable, ToString::to_string))?;
    if restriction.drop_privileges {
        line(out, "privileges", "none but passing through directories")?;
    }
    line(out, "default DACL", &format!("D:{}", entries(&recipe.default_dacl.aces)))?;
    capabilities("restricting SIDs", &recipe.reasons, out)
}

fn capabilities(name: &str, found: &[Capability], out: &mut dyn Write) -> io::Result<()> {
    if found.is_empty() {
        return line(out, name, "none");
    }
    writeln!(out, "  {name}")?;
    for Capability { sid, name, reason } in found {
        below(out, &format!("{sid}"))?;
        below(out, &format!("  {name}: {reason}"))?;
    }
    Ok(())
}

fn vm(machine: &Vm, out: &mut dyn Write) -> io::Result<()> {
    heading("machine: Windows Sandbox", out)?;
    for folder in &machine.folders {
        let access = if folder.read_only { "read" } else { "write" };
        below(out, &format!("{} as {}, {access}: {}", folder.host, folder.inside, folder.reason))?;
    }
    heading("configuration (.wsb)", out)?;
    machine.configuration.lines().try_for_each(|text| writeln!(out, "  {}", escape_visible(text.as_bytes())))
}

fn stays(lifetime: Lifetime) -> &'static str {
    match lifetime {
        Lifetime::Kept => "kept until `garth clean`",
        Lifetime::Session => "for the session",
    }
}

fn goes(removal: Removal) -> &'static str {
    match removal {
        Removal::OnClose => "goes with garth's handle",
        Removal::AtEnd => "goes at the end",
        Removal::AtEndIfEmpty => "goes at the end if it is empty",
    }
}

fn preparation(preparation: &Preparation, out: &mut dyn Write) -> io::Result<()> {
    heading("before the start, in this order", out)?;
    if let Some(profile) = &preparation.profile {
        line(out, "profile", &format!("{} ({})", profile.name, profile.display))?;
    }
    for made in &preparation.directories {
        line(out, "make", &format!("{}: {}", made.path, made.reason))?;
        below(out, &made.security.to_string())?;
    }
    for guard in &preparation.guards {
        line(out, "guard", &format!("{}: {}", guard.path, guard.reason))?;
        below(out, &guard.security.to_string())?;
    }
    for grant in &preparation.grants {
        let how = if grant.propagates { "with what is in it" } else { "this object alone" };
        let how = format!("{}, {how}, {}: {}", grant.path, stays(grant.lifetime), grant.reason);
        line(out, if is_denial(&grant.entries) { "deny" } else { "grant" }, &how)?;
        below(out, &entries(&grant.entries))?;
    }
    preparation.reservations.iter().try_for_each(|taken| reservation(taken, out))?;
    preparation
        .pins
        .iter()
        .try_for_each(|pin| line(out, "hold open", &format!("{}: {}", pin.path, pin.reason)))
}

fn is_denial(aces: &[Ace]) -> bool {
    aces.iter().all(|ace| ace.kind == garth::plan::windows::AceKind::Deny)
}

fn reservation(taken: &Reservation, out: &mut dyn Write) -> io::Result<()> {
    let kind = match (taken.kind, taken.content.trim_end()) {
        (NodeKind::Directory, _) => "an empty directory".to_owned(),
        (_, "") => "an empty file".to_owned(),
        (_, content) => format!("a file that holds `{content}`"),
    };
    let text = format!("{}, by {kind} that {}: {}", taken.path, goes(taken.removal), taken.reason);
    line(out, "take the name", &text)?;
    below(out, &taken.security.to_string())
}

fn launch(launch: &Launch, out: &mut dyn Write) -> io::Result<()> {
    heading("start: suspended, read back, then released", out)?;
    if let Some(program) = &launch.program {
        line(out, "program", &program.to_string())?;
    }
    if let Some(batch) = &launch.batch {
        line(out, "batch file", &batch.to_string())?;
    }
    line(out, "arguments", &list(&launch.arguments, |word| format!("{word:?}")))?;
    line(out, "directory", &launch.directory.to_string())?;
    if let Identity::Vm(_) = launch.identity {
        return canary(launch, out);
    }
    job(launch, out)?;
    match &launch.desktop {
        Some(desktop) => {
            line(out, "desktop", &format!("{}* of its own", desktop.prefix))?;
            below(out, &desktop.security.to_string())?;
        }
        None => line(out, "desktop", "the caller's")?,
    }
    line(out, "mitigations", &list(&launch.mitigations, |one: &Mitigation| word(one)))?;
    line(out, "handles", &list(&launch.handles, word))?;
    let terminal = |size: TerminalSize| format!("a pseudo console of {} by {}", size.columns, size.rows);
    line(out, "terminal", &launch.terminal.map_or_else(|| "none: pipes".to_owned(), terminal))?;
    relay(launch, out)?;
    canary(launch, out)
}

fn job(launch: &Launch, out: &mut dyn Write) -> io::Result<()> {
    let job = &launch.job;
    let mut limits = vec!["ends with garth".to_owned(), "no breakaway".to_owned()];
    limits.extend(job.processes.map(|most| format!("{most} processes")));
    limits.extend(job.memory.map(|most| format!("{most} bytes of memory")));
    limits.extend(job.processor.map(|rate| format!("{}.{:02} % of a processor", rate / 100, rate % 100)));
    limits.extend(launch.time.map(|seconds| format!("{seconds} seconds")));
    line(out, "job", &limits.join(", "))?;
    line(out, "UI limits", &list(&job.ui, |limit: &UiLimit| word(limit)))
}

fn relay(launch: &Launch, out: &mut dyn Write) -> io::Result<()> {
    let Some(relay) = &launch.relay else { return line(out, "relay", "none: no connection leaves") };
    let text =
        format!("loopback inside, over an inherited pipe to the broker; {}", relay.variables.join(", "));
    line(out, "relay", &text)?;
    below(out, &format!("{} = {}", relay.exceptions.join(", "), relay.direct))?;
    relay.switches.iter().try_for_each(|text| below(out, text))?;
    below(out, &format!("if it opens TLS, the file of authorities: {}", relay.authorities.join(", ")))?;
    let ports = |name: &str, ports: &[u16]| format!("{name}: {}", list(ports, ToString::to_string));
    below(out, &ports("ports of the host inside", &relay.host_ports))?;
    below(out, &ports("ports of servers inside on the host", &relay.listen))
}

fn canary(launch: &Launch, out: &mut dyn Write) -> io::Result<()> {
    let Some(canary) = &launch.canary else {
        return line(out, "tried first", "nothing: it is another machine");
    };
    let mut tried = vec![format!("no file can be made in {}", canary.unwritable)];
    tried.push(format!("one can be made in {}", canary.writable));
    tried.extend(canary.unreadable.then(|| "a file of garth's own does not open".to_owned()));
    tried.extend(canary.unconnected.then(|| "a listener on the host's loopback is not reached".to_owned()));
    line(out, "tried first", &tried.join("; "))
}

fn environment(plan: &Plan, out: &mut dyn Write) -> io::Result<()> {
    heading("environment", out)?;
    for variable in &plan.launch.environment {
        writeln!(out, "  {}", escape_visible(variable.as_bytes()))?;
    }
    writeln!(out, "  ... and {} variables of the caller stay outside", plan.dropped_variables)
}

fn clean_up(preparation: &Preparation, out: &mut dyn Write) -> io::Result<()> {
    heading("undone at the end, and after a crash, in this order", out)?;
    for step in preparation.undo() {
        match step {
            Undo::Unpin(pin) => line(out, "let go", &pin.path.to_string())?,
            Undo::Release(taken) => line(out, "remove", &format!("the placeholder {}", taken.path))?,
            Undo::Revoke(grant) => {
                line(out, "take back", &format!("{} of {}", entries(&grant.entries), grant.path))?
            }
            Undo::Restore(guard) => line(out, "put back", &format!("the DACL of {}", guard.path))?,
            Undo::RemoveDirectory(made) => line(out, "remove", &format!("{} with its content", made.path))?,
        }
    }
    for grant in preparation.grants.iter().filter(|grant| grant.lifetime == Lifetime::Kept) {
        let text = format!("{} of {}, until `garth clean`", entries(&grant.entries), grant.path);
        line(out, "kept", &text)?;
    }
    Ok(())
}

fn narrower(entries: &[Narrower], all: bool, out: &mut dyn Write) -> io::Result<()> {
    let (shown, usual): (Vec<&Narrower>, Vec<&Narrower>) =
        entries.iter().partition(|entry| all || !entry.reason.starts_with(USUAL));
    if entries.is_empty() {
        return Ok(());
    }
    heading("less than the policy allows", out)?;
    for entry in shown {
        below(out, &format!("{}: {}", entry.path, entry.reason))?;
    }
    if !usual.is_empty() {
        writeln!(
            out,
            "  ... and {} grants of names that do not exist there (--all shows them)",
            usual.len()
        )?;
    }
    Ok(())
}
