//! The tier `vm`: Windows Sandbox.
//!
//! Source: "Windows Sandbox configuration" in Microsoft's documentation. The machine forgets everything but what is
//! mapped for writing; a mapped directory is mapped with all that is in it.

use super::super::facts::PathFact;
use super::super::spec::{Folder, Vm};
use super::Given;
use super::container::{reason_of, unknown};
use super::names::Files;
use super::{error, gaps};
use crate::assurance::Status;
use crate::linux::PlanError;
use garth_policy::{AbsPath, Access, Boundary, NetworkMode, NodeKind};
use std::fmt::Write as _;

pub(super) mod logon;

/// Where mapped directories stand inside.
const INSIDE: &str = "C:\\garth";
/// Memory of the machine where the policy sets no limit, in MiB: what the documentation says it has by default.
const MEMORY: u64 = 4096;
const MIB: u64 = 1 << 20;

/// Lowers the rules to mapped directories.
pub(super) fn lower(given: Given<'_>) -> Result<(Vm, Files), PlanError> {
    let mut files = Files::new(given.facts);
    let mut folders: Vec<Folder> = Vec::new();
    for boundary in given.boundaries {
        let status = boundary_status(given, boundary, &mut folders);
        files.held.insert(boundary.path.clone(), status);
    }
    if !folders.iter().any(|folder| {
        folder.host == given.command.directory || given.command.directory.starts_with(&folder.host)
    }) {
        return Err(error(
            "the working directory is not mapped into the virtual machine",
            format!("no rule grants {}", given.command.directory),
            "run in the workspace, or grant the directory",
        ));
    }
    let logon = logon::command(given, &folders)?;
    let configuration = configuration(given, &folders, &logon);
    Ok((Vm { configuration, folders, logon }, files))
}

/// Whether directories of the host are what the machine has of its own.
fn is_own(given: Given<'_>, path: &AbsPath) -> bool {
    let directories = &given.facts.directories;
    path.starts_with(&directories.windows)
        || directories.program_files.iter().any(|programs| path.starts_with(programs))
        || path.starts_with(&directories.program_data)
        || path.starts_with(&given.facts.context.tmp)
}

fn boundary_status(given: Given<'_>, boundary: &Boundary<'_>, folders: &mut Vec<Folder>) -> Status {
    let Boundary { path, grant } = boundary;
    if is_own(given, path) {
        return Status::enforced("the virtual machine has its own");
    }
    let around = folders
        .iter()
        .filter(|folder| path.starts_with(&folder.host))
        .max_by_key(|folder| folder.host.depth());
    let fact = given.facts.paths.get(path);
    match (grant.access, around) {
        (Access::Deny, None) => Status::enforced("not mapped"),
        (Access::Read | Access::Overlay, Some(folder)) if folder.read_only => {
            Status::enforced("mapped read-only")
        }
        (Access::Write, Some(folder)) if !folder.read_only => Status::enforced("mapped for writing"),
        (Access::Write, Some(_)) => Status::Unenforceable {
            gap: gaps::GRANT.into(),
            reason: "it lies in a directory that is mapped read-only, and mappings do not nest".into(),
            hint: "grant the outer directory less, or this one alone".into(),
        },
        (_, Some(_)) => Status::Unenforceable {
            gap: gaps::MAPPED.into(),
            reason: "a mapped directory is mapped with all that is in it, and with what appears later".into(),
            hint: "use `--tier container`, which holds names inside a directory".into(),
        },
        (access, None) => match fact {
            Some(PathFact::Present(object)) if object.final_kind == NodeKind::Directory => {
                folders.push(Folder {
                    host: object.final_path.clone(),
                    inside: inside(folders.len(), path),
                    read_only: access != Access::Write,
                    reason: reason_of(grant),
                });
                mapped(access)
            }
            Some(PathFact::Present(_)) => Status::enforced("a single file; not mapped"),
            Some(PathFact::Absent | PathFact::Refused) => Status::enforced("absent"),
            Some(PathFact::Unknown(why)) => unknown(why),
            None => unknown("nothing was recorded of it"),
        },
    }
}

fn mapped(access: Access) -> Status {
    match access {
        Access::Write => Status::enforced("mapped for writing"),
        Access::Overlay => Status::Partial {
            mechanism: "mapped read-only".into(),
            gap: gaps::OVERLAY.into(),
            missing: "nothing can be written to it".into(),
        },
        _ => Status::enforced("mapped read-only"),
    }
}

/// A short name that is unique: the place in the list, and the last name for people.
fn inside(place: usize, host: &AbsPath) -> AbsPath {
    let name = host.file_name().map(|name| String::from_utf8_lossy(name).into_owned()).unwrap_or_default();
    let whole = format!("{INSIDE}\\{place}-{name}");
    AbsPath::windows(&whole).unwrap_or_else(|_| host.clone())
}

/// The `.wsb` file.
fn configuration(given: Given<'_>, folders: &[Folder], logon: &str) -> String {
    let mut out = String::from("<Configuration>\n");
    let switches = [
        ("VGpu", "Disable"),
        ("Networking", "Disable"),
        ("AudioInput", "Disable"),
        ("VideoInput", "Disable"),
        ("PrinterRedirection", "Disable"),
        ("ClipboardRedirection", "Disable"),
        ("ProtectedClient", "Enable"),
    ];
    for (name, value) in switches {
        let _ = writeln!(out, "  <{name}>{value}</{name}>");
    }
    let memory = given.policy.limits.memory.as_ref().map_or(MEMORY, |limit| (limit.value / MIB).max(1));
    let _ = writeln!(out, "  <MemoryInMB>{memory}</MemoryInMB>\n  <MappedFolders>");
    for folder in folders {
        let _ = writeln!(
            out,
            "    <MappedFolder>\n      <HostFolder>{}</HostFolder>\n      <SandboxFolder>{}</SandboxFolder>\n      \
             <ReadOnly>{}</ReadOnly>\n    </MappedFolder>",
            escaped(&folder.host.to_string()),
            escaped(&folder.inside.to_string()),
            folder.read_only
        );
    }
    let command = escaped(logon);
    let _ = writeln!(
        out,
        "  </MappedFolders>\n  <LogonCommand>\n    <Command>{command}</Command>\n  </LogonCommand>\n</Configuration>"
    );
    out
}

/// Text of an element: what has a meaning in XML is written as a reference.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// How the mode of the network is held.
pub(super) fn network(mode: NetworkMode) -> Status {
    match mode {
        NetworkMode::Deny => Status::enforced("the virtual machine has no network card"),
        _ => Status::Unenforceable {
            gap: gaps::VM_NETWORK.into(),
            reason: "no relay into the virtual machine is built yet".into(),
            hint: "set `network.mode = \"deny\"`, or use `--tier container`".into(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_do_not_leave_their_element() {
        assert_eq!(escaped("R&D <x> \"y\""), "R&amp;D &lt;x&gt; &quot;y&quot;");
        let host = AbsPath::windows("C:\\Users\\ada\\R&D").unwrap();
        assert_eq!(inside(2, &host).to_string(), "C:\\garth\\2-R&D");
    }
}
