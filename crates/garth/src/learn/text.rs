//! A proposal as the text of a policy file.

use super::fold::Need;
use garth_policy::{AbsPath, Access, Profile, escape_visible, toml_string};
use std::fmt;

/// A line of `[files]`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FileLine {
    pub key: String,
    pub access: Access,
    pub need: Need,
    /// The command makes it.
    pub made: bool,
}

/// Something that was wanted and is not proposed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Withheld {
    pub path: AbsPath,
    pub reason: String,
}

/// A policy under which a command that was watched runs. As text it is a policy file.
#[derive(Debug)]
pub struct Proposal {
    pub(super) profile: Profile,
    pub(super) files: Vec<FileLine>,
    pub(super) withheld: Vec<Withheld>,
    pub(super) domains: Vec<String>,
    pub(super) host_ports: Vec<u16>,
    pub(super) refused_hosts: Vec<String>,
    pub(super) programs: Vec<String>,
    /// Not everything was seen.
    pub incomplete: bool,
    /// Why nothing is known of files.
    pub(super) no_files: Option<String>,
}

/// Programs, paths and hosts that are named in a remark; the rest is counted.
const NAMED: usize = 4;
/// The same where a remark is there for nothing else.
const LISTED: usize = 20;

impl fmt::Display for Proposal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "# Proposed by `garth learn` from what a command used. Read it before you use it.")?;
        if self.incomplete {
            writeln!(out, "# It used more than is told, so this is too narrow.")?;
        }
        if let Some(why) = &self.no_files {
            writeln!(out, "# Which files it needs is not known: {why}.")?;
        }
        if !self.programs.is_empty() {
            writeln!(out, "# Programs that ran: {}.", listed(&self.programs, LISTED))?;
        }
        writeln!(out, "version = 1\nprofile = \"{}\"\n\n[files]", self.profile.name())?;
        let column = self.files.iter().map(|line| toml_string(&line.key).len()).max().unwrap_or(0);
        for FileLine { key, access, need, .. } in &self.files {
            let by: Vec<String> = need.by.iter().map(|name| escape_visible(name.as_bytes())).collect();
            if need.files == 0 {
                writeln!(out, "{:column$} = \"{access}\"", toml_string(key))?;
                continue;
            }
            let files = if need.files == 1 { String::new() } else { format!("{} uses by ", need.files) };
            let by = listed(&by, NAMED);
            writeln!(out, "{:column$} = \"{access}\"  # {files}{by}", toml_string(key))?;
        }
        self.made(out)?;
        self.network(out)?;
        self.rest(out)
    }
}

impl Proposal {
    /// A line opens what is there. What is not cannot be made beside what may only be read.
    fn made(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let made: Vec<String> =
            self.files.iter().filter(|line| line.made).map(|line| toml_string(&line.key)).collect();
        if made.is_empty() {
            return Ok(());
        }
        writeln!(
            out,
            "# The command makes {}. In a tree where that is not yet there, make it first, or write",
            listed(&made, LISTED)
        )?;
        writeln!(out, "# \":workspace\" = \"write\": a name that is absent cannot be opened.")
    }

    fn network(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.domains.is_empty() && self.host_ports.is_empty() {
            return Ok(());
        }
        writeln!(out, "\n[network]")?;
        let mode = if self.domains.is_empty() { "deny" } else { "allow-list" };
        writeln!(out, "mode = \"{mode}\"")?;
        if !self.host_ports.is_empty() {
            let ports: Vec<String> = self.host_ports.iter().map(u16::to_string).collect();
            writeln!(out, "host-ports = [{}]", ports.join(", "))?;
        }
        if !self.domains.is_empty() {
            writeln!(out, "\n[network.domains]")?;
        }
        self.domains.iter().try_for_each(|domain| writeln!(out, "{} = \"allow\"", toml_string(domain)))
    }

    fn rest(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.withheld.is_empty() && self.refused_hosts.is_empty() {
            return Ok(());
        }
        writeln!(out, "\n# Wanted, and not proposed, because it was refused or for the reason given:")?;
        for Withheld { path, reason } in self.withheld.iter().take(LISTED) {
            let reason = escape_visible(reason.as_bytes());
            writeln!(out, "#   {}: {reason}", escape_visible(path.as_bytes()))?;
        }
        if self.withheld.len() > LISTED {
            writeln!(out, "#   and {} more paths", self.withheld.len() - LISTED)?;
        }
        if !self.refused_hosts.is_empty() {
            let hosts: Vec<String> =
                self.refused_hosts.iter().map(|host| escape_visible(host.as_bytes())).collect();
            writeln!(out, "#   hosts: {}", listed(&hosts, LISTED))?;
        }
        Ok(())
    }
}

fn listed(names: &[String], most: usize) -> String {
    let named = names.iter().take(most).cloned().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(most) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}
