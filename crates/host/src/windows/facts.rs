//! Reading the machine for a plan: objects by handle, the user by token, directories by identifier.

use super::error::{Error, Result};
use super::listing::Listings;
use super::looking;
use super::opened::Opened;
use super::sys::file::{Links, Node, Wanted, reparse};
use super::sys::token::Token;
use super::sys::{console, container, isolation, system, volume};
use garth_plan::windows::facts::{
    FactQuery, Feature, FileId, HostFacts, Object, PathFact, Policies, Prepared, Reparse, Security, System,
    Tool, User, VERSION, Volume,
};
use garth_policy::{AbsPath, Context, NodeKind};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;

pub use super::directories::directories;

/// `ERROR_FILE_NOT_FOUND`, `ERROR_PATH_NOT_FOUND`, `ERROR_INVALID_NAME`, `ERROR_BAD_NETPATH`: nothing of that name.
const ABSENT: [i32; 4] = [2, 3, 123, 53];

/// Entries of a directory that are listed to find out what is not in it. The workspace is such a directory, and it may be large.
pub(super) const LISTED: usize = 512;
/// The same for a directory of `PATH`: `System32` has some 5,000.
const LISTED_FOR_TOOLS: usize = 16_384;

/// `ERROR_ACCESS_DENIED`
const DENIED: i32 = 5;

/// Answers a query. `environment` is what a report may hold of the caller's; `PATH` and `PATHEXT` of it lead to tools. With
/// `opened` no object is asked for its identity; those at the query's paths are kept open there, to be asked later.
///
/// # Errors
/// When the user, a directory of the system or a volume cannot be read: without these nothing can be planned.
pub fn facts(
    query: &FactQuery,
    context: Context,
    environment: Vec<(String, String)>,
    opened: Option<&Opened>,
) -> Result<HostFacts> {
    let directories = directories()?;
    let variable = |name: &str| {
        let found = environment.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map_or("", |(_, value)| value.as_str())
    };
    let (path, extensions) = (variable("PATH"), variable("PATHEXT"));
    let mut facts = HostFacts {
        version: VERSION,
        policies: Policies::default(),
        survey: None,
        prepared: Prepared::default(),
        system: system()?,
        user: user(variable("USERNAME"))?,
        volumes: Vec::new(),
        paths: BTreeMap::new(),
        tools: BTreeMap::new(),
        environment: environment.clone(),
        context,
        directories,
    };
    let ids = if opened.is_some() { Ids::Later } else { Ids::Now };
    // Programs are looked for in directories that may be large, so all else is looked at meanwhile.
    facts.tools = std::thread::scope(|scope| {
        let find = || all_tools(&query.tools, (path, extensions), ids);
        let finding = std::thread::Builder::new().name("tools".into()).spawn_scoped(scope, find);
        facts.prepared = prepared();
        extend(&mut facts, query, opened);
        finding.ok().and_then(|finding| finding.join().ok()).unwrap_or_else(find)
    });
    Ok(facts)
}

/// Programs by the names that are asked for.
fn all_tools(names: &BTreeSet<String>, places: (&str, &str), ids: Ids) -> BTreeMap<String, Vec<Tool>> {
    let mut listings = Listings::new(LISTED_FOR_TOOLS);
    names.iter().map(|name| (name.clone(), tools_of(name, places, ids, &mut listings))).collect()
}

/// Looks at further paths. What lies below something that is not there is not looked at, and where many names of one directory are
/// asked for, the directory says which are there. `opened` as for [`facts`].
pub fn extend(facts: &mut HostFacts, query: &FactQuery, opened: Option<&Opened>) {
    for (path, found) in looking::all(&query.paths, &facts.paths, LISTED, opened) {
        let last = found.object().map_or(&path, |object| &object.final_path).clone();
        if facts.volume(&last).is_none()
            && let Ok(volume) = volume(&last)
        {
            facts.volumes.push(volume);
        }
        facts.paths.insert(path, found);
    }
}

/// What this Windows is, and what it lacks. Only what costs nothing is tried here; what a process inside shows, its start
/// shows.
///
/// # Errors
/// When it has no version.
pub fn system() -> Result<System> {
    let mut refused = BTreeMap::new();
    for (feature, found) in
        [(Feature::AppContainer, container::available()), (Feature::PseudoConsole, console::available())]
    {
        if let Err(error) = found {
            refused.insert(feature, error.to_string());
        }
    }
    if let Some(why) = refused.get(&Feature::AppContainer).cloned() {
        refused.insert(Feature::LessPrivileged, why);
    }
    refused.extend(sandbox_refused());
    Ok(System {
        name: system::name(),
        build: system::build()?,
        arch: std::env::consts::ARCH.to_owned(),
        refused,
        proven: BTreeSet::new(),
    })
}

/// The null device, by a name that no directory changes.
pub(super) const NULL_DEVICE: &str = r"\\.\NUL";

/// What `garth-setup` prepares that is no directory. What this Windows does not say stays unknown.
#[must_use]
pub fn prepared() -> Prepared {
    let device = Node::open(NULL_DEVICE, Wanted::Security, Links::Stay).and_then(|device| device.security());
    Prepared {
        null_device: Some(match device {
            Ok(descriptor) => Security::Read(descriptor),
            Err(error) => Security::Unknown(error.to_string()),
        }),
        loopback: isolation::exempt().ok(),
    }
}

/// What Windows Sandbox lacks here: its programs are looked for, and nothing is started.
fn sandbox_refused() -> BTreeMap<Feature, String> {
    let known = directories().ok();
    let within = |directory: Option<&AbsPath>, below: &str| {
        let found = name(directory?).ok()?;
        Some(std::path::PathBuf::from(found).join(below))
    };
    let (windows, local) =
        (known.as_ref().map(|all| &all.windows), known.as_ref().map(|all| &all.local_app_data));
    let wanted = [
        (Feature::WindowsSandbox, within(windows, r"System32\WindowsSandbox.exe")),
        (Feature::WindowsSandboxCli, within(local, r"Microsoft\WindowsApps\wsb.exe")),
    ];
    let missing = wanted.into_iter().filter_map(|(feature, path)| {
        // The alias of a packaged application leads to nothing, and is there all the same.
        let path = path.filter(|path| path.symlink_metadata().is_err())?;
        Some((feature, format!("{} is not there", path.display())))
    });
    missing.collect()
}

/// Who runs garth; the name is for reports.
///
/// # Errors
/// When the token cannot be read, or is restricted already.
pub fn user(name: &str) -> Result<User> {
    let token = Token::own()?;
    let logon = token.logon()?;
    Ok(User {
        name: name.to_owned(),
        elevated: token.is_elevated()?,
        domain_joined: system::domain_joined().unwrap_or(false),
        logon: logon
            .first()
            .copied()
            .ok_or_else(|| Error::value("the token of garth", "it belongs to no logon session"))?,
        token: token.model()?,
    })
}

/// When an object is asked for its identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ids {
    /// With all else.
    Now,
    /// If it matters: to find out the volume takes longer than all else.
    Later,
}

/// What stands at a path.
#[must_use]
pub fn look(path: &AbsPath) -> PathFact {
    open_and_look(path, Ids::Now).0
}

/// The same, with the object that was looked at.
pub(super) fn open_and_look(path: &AbsPath, ids: Ids) -> (PathFact, Option<Node>) {
    match object(path, ids) {
        Ok((object, node)) => (PathFact::Present(object), Some(node)),
        Err(error) => (not_there(path, &error), None),
    }
}

/// What follows from an error.
fn not_there(path: &AbsPath, error: &Error) -> PathFact {
    match error.code() {
        Some(code) if ABSENT.contains(&code) => PathFact::Absent,
        Some(DENIED) if is_shut(path) => PathFact::Refused,
        _ => PathFact::Unknown(error.to_string()),
    }
}

/// Whether it refuses everything.
fn is_shut(path: &AbsPath) -> bool {
    let opened = name(path).and_then(|name| Node::open(&name, Wanted::Anything, Links::Stay));
    opened.is_err_and(|error| error.code() == Some(DENIED))
}

/// Where a path leads in the end, and to what; all else is not asked for. `None` where [`look`] finds no object.
#[must_use]
pub fn leads_to(path: &AbsPath) -> Option<(AbsPath, NodeKind)> {
    let name = name(path).ok()?;
    let here = open(&name, Links::Stay).ok()?;
    let kind = here.kind().ok()?;
    let followed = match kind.tag.map(reparse) {
        None | Some(Reparse::AppAlias) => None,
        Some(_) => Some(open(&name, Links::Follow).ok()?),
    };
    let last = followed.as_ref().unwrap_or(&here);
    Some((final_path(last).ok()?, plain(last.kind().ok()?.directory)))
}

const fn plain(directory: bool) -> NodeKind {
    if directory { NodeKind::Directory } else { NodeKind::File }
}

fn object(path: &AbsPath, ids: Ids) -> Result<(Object, Node)> {
    let name = name(path)?;
    let here = open(&name, Links::Stay)?;
    let kind = here.kind()?;
    let reparse = kind.tag.map(reparse);
    let link = matches!(reparse, Some(Reparse::SymbolicLink | Reparse::MountPoint));
    // The alias of a packaged application leads to no object that can be opened.
    let followed = match reparse {
        None | Some(Reparse::AppAlias) => None,
        Some(_) => Some(open(&name, Links::Follow)?),
    };
    let leads_on = followed.is_some();
    let last = followed.unwrap_or(here);
    let (id, links) = match ids {
        Ids::Now => last.identity()?,
        Ids::Later => (FileId::UNASKED, last.links()?),
    };
    let object = Object {
        kind: if link { NodeKind::Symlink } else { plain(kind.directory) },
        final_path: final_path(&last)?,
        final_kind: plain(if leads_on { last.kind()?.directory } else { kind.directory }),
        reparse,
        id,
        links,
        security: match last.security() {
            Ok(descriptor) => Security::Read(descriptor),
            Err(error) => Security::Unknown(error.to_string()),
        },
    };
    Ok((object, last))
}

/// With its protection if that may be read, else without.
fn open(name: &str, links: Links) -> Result<Node> {
    Node::open(name, Wanted::Security, links).or_else(|error| {
        if error.code() == Some(DENIED) { Node::open(name, Wanted::Attributes, links) } else { Err(error) }
    })
}

/// The final path of an opened object, as policies write paths.
///
/// # Errors
/// When no drive names it, or it is no path that a policy can decide on.
pub fn final_path(node: &Node) -> Result<AbsPath> {
    let found = text(node.final_path()?)?;
    let plain = match found.strip_prefix(r"\\?\UNC\") {
        Some(share) => format!(r"\\{share}"),
        None => found.strip_prefix(r"\\?\").unwrap_or(&found).to_owned(),
    };
    path(plain)
}

/// The volume that a path lies on.
///
/// # Errors
/// When the system does not say.
pub fn volume(of: &AbsPath) -> Result<Volume> {
    let found = volume::of(&name(of)?)?;
    Ok(Volume {
        root: path(found.root)?,
        kind: found.kind,
        file_system: found.file_system,
        acls: found.acls,
        reparse_points: found.reparse_points,
        hard_links: found.hard_links,
        dev_drive: found.dev_drive,
    })
}

/// Programs of a name in the directories of `PATH`, in their order.
#[must_use]
pub fn tools(name: &str, directories: &str, extensions: &str) -> Vec<Tool> {
    tools_of(name, (directories, extensions), Ids::Now, &mut Listings::new(LISTED_FOR_TOOLS))
}

fn tools_of(
    name: &str,
    (directories, extensions): (&str, &str),
    ids: Ids,
    listings: &mut Listings,
) -> Vec<Tool> {
    let extensions = if extensions.is_empty() { ".COM;.EXE;.BAT;.CMD" } else { extensions };
    let names: Vec<String> = core::iter::once(name.to_owned())
        .filter(|name| name.contains('.'))
        .chain(extensions.split(';').filter(|one| !one.is_empty()).map(|one| format!("{name}{one}")))
        .collect();
    let mut found: Vec<Tool> = Vec::new();
    // What is no absolute path would be searched in the working directory, which is the repository's.
    for directory in directories.split(';').filter_map(|one| AbsPath::windows(one.trim_matches('"')).ok()) {
        for path in names.iter().filter_map(|name| directory.join(name.as_bytes()).ok()) {
            if !listings.lacks(&path)
                && let (PathFact::Present(object), _) = open_and_look(&path, ids)
                && object.final_kind == NodeKind::File
                && !found.iter().any(|tool| tool.path == path)
            {
                let package = package(&object.final_path);
                found.push(Tool { path, object, package });
            }
        }
    }
    found
}

/// The package of a program below `WindowsApps`, where packaged applications are installed.
fn package(path: &AbsPath) -> Option<String> {
    let mut names = path.components().skip_while(|name| !name.eq_ignore_ascii_case(b"WindowsApps"));
    let (_, package) = (names.next()?, names.next()?);
    // The alias itself lies in the directory; a package has a directory of its own.
    names.next()?;
    String::from_utf8(package.to_vec()).ok()
}

/// A path as the system takes it.
///
/// # Errors
/// For a path of another system.
pub fn name(path: &AbsPath) -> Result<String> {
    let text = core::str::from_utf8(path.as_bytes());
    text.map(str::to_owned).map_err(|_| Error::value(path.to_string(), "it is no Unicode"))
}

pub(super) fn path(text: String) -> Result<AbsPath> {
    AbsPath::windows(&text).map_err(|error| Error::value(text, error.to_string()))
}

pub(super) fn text(found: OsString) -> Result<String> {
    found.into_string().map_err(|found| Error::value(found.display().to_string(), "it is no Unicode"))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A directory that goes with the first of the two.
    pub(in crate::windows) fn temporary() -> (tempfile::TempDir, AbsPath) {
        let directory = tempfile::tempdir().unwrap();
        let path = AbsPath::windows(directory.path().to_str().unwrap()).unwrap();
        (directory, path)
    }

    fn context(directory: &AbsPath) -> Context {
        Context {
            os: garth_policy::Os::Windows,
            workspace: directory.clone(),
            home: directory.clone(),
            tmp: directory.clone(),
            git_dirs: Vec::new(),
            path_dirs: Vec::new(),
            env_dirs: Vec::new(),
        }
    }

    #[test]
    fn paths_are_looked_at_and_absent_ones_are_absent() {
        let (_kept, directory) = temporary();
        let file = directory.join(b"a.txt").unwrap();
        assert_eq!(look(&file), PathFact::Absent);
        assert_eq!(look(&file.join(b"below").unwrap()), PathFact::Absent);
        std::fs::write(name(&file).unwrap(), "x").unwrap();
        let PathFact::Present(object) = look(&file) else { panic!("{:?}", look(&file)) };
        assert_eq!((object.kind, object.final_kind, object.links), (NodeKind::File, NodeKind::File, 1));
        assert_eq!(object.final_path.file_name(), Some(&b"a.txt"[..]));
        assert!(object.security.descriptor().is_some(), "{:?}", object.security);
        assert_eq!(leads_to(&file), Some((object.final_path.clone(), NodeKind::File)));
        assert_eq!(leads_to(&directory).unwrap().1, NodeKind::Directory);
        assert_eq!(leads_to(&directory.join(b"gone").unwrap()), None);
        let PathFact::Present(upper) = look(&directory.join(b"A.TXT").unwrap()) else { panic!() };
        assert_eq!((upper.id, upper.final_path), (object.id, object.final_path));
    }

    /// What a directory's listing and what is not there spare is answered as by opening each name.
    #[test]
    fn many_paths_are_answered_as_each_would_be() {
        let (kept, directory) = temporary();
        let names = ["a", "B", "c.d", "e", "none", "none\\below", "none\\below\\that", "other", "a\\b"];
        ["a", "b", "C.D"].iter().for_each(|name| std::fs::write(kept.path().join(name), "x").unwrap());
        std::fs::create_dir(kept.path().join("e")).unwrap();
        let mut query = FactQuery::nothing();
        query
            .paths
            .extend(names.iter().map(|name| AbsPath::windows(&format!("{directory}\\{name}")).unwrap()));
        let mut facts = facts(&FactQuery::nothing(), context(&directory), Vec::new(), None).unwrap();
        extend(&mut facts, &query, None);
        for path in &query.paths {
            assert_eq!(facts.paths[path], look(path), "{path}");
        }
    }

    #[test]
    fn the_machine_answers() {
        let (_kept, directory) = temporary();
        let query = FactQuery {
            paths: [directory.clone()].into(),
            tools: ["cmd".to_owned(), "nothing-such".to_owned()].into(),
        };
        let environment = vec![("Path".to_owned(), std::env::var("PATH").unwrap())];
        let facts = facts(&query, context(&directory), environment, None).unwrap();
        assert!(facts.object(&directory).is_some());
        assert!(facts.volume(&facts.object(&directory).unwrap().final_path).is_some());
        assert!(facts.tools["cmd"][0].path.to_string().to_lowercase().ends_with("cmd.exe"));
        assert_eq!(facts.tools["nothing-such"], []);
        assert!(!facts.user.token.groups.is_empty() && !facts.user.token.privileges.is_empty());
        assert!(facts.directories.profile.starts_with(&facts.directories.profiles));
        assert!(facts.user.token.groups.iter().any(|group| group.sid == facts.user.logon));
    }
}
