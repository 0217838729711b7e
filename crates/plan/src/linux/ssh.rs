//! Settings of `ssh` for the whole machine. It refuses a file that it includes unless root or its user owns it, and in a
//! sandbox root's files belong to a stranger. So each of them is shown as a copy, which belongs to the sandbox's user.

use super::spec::ViewStep;
use crate::facts::{FactQuery, HostFacts};
use garth_policy::{AbsPath, Access, NodeKind, Policy};

/// The directory whose files Debian, Fedora, Arch and SUSE include.
const DIRECTORY: &str = "/etc/ssh/ssh_config.d";

/// What Fedora's file there includes in turn.
const INCLUDED: &str = "/etc/crypto-policies/back-ends/openssh.config";

/// Readable for everybody: what is not, is not copied either.
const FOR_ALL: u32 = 0o004;

/// Asks which files there are.
pub(super) fn ask(query: &mut FactQuery) {
    query.lists.extend(AbsPath::posix(DIRECTORY));
    let included = AbsPath::posix(INCLUDED);
    query.paths.extend(included.clone());
    query.texts.extend(included);
}

/// Asks for what they say.
pub(super) fn ask_further(query: &mut FactQuery, facts: &HostFacts) {
    let Ok(directory) = AbsPath::posix(DIRECTORY) else { return };
    for (name, kind) in facts.lists.get(&directory).into_iter().flatten() {
        if *kind != NodeKind::Directory
            && let Ok(path) = directory.join(name.as_bytes())
            && !facts.texts.contains_key(&path)
        {
            query.paths.insert(path.clone());
            query.texts.insert(path);
        }
    }
}

/// The copies.
pub(super) fn files(policy: &Policy, facts: &HostFacts) -> Vec<ViewStep> {
    let is_setting = |path: &AbsPath| {
        path.as_bytes() == INCLUDED.as_bytes()
            || path.parent().is_some_and(|parent| parent.as_bytes() == DIRECTORY.as_bytes())
    };
    let mut files: Vec<ViewStep> = Vec::new();
    for (asked, content) in facts.texts.iter().filter(|(path, _)| is_setting(path)) {
        let Some(object) = facts.object(asked) else { continue };
        let path = &object.final_path;
        let is_fit = object.final_kind == NodeKind::File && object.mode & FOR_ALL != 0 && object.owner == 0;
        let is_new = |step: &ViewStep| !matches!(step, ViewStep::File { path: known, .. } if known == path);
        if is_fit && policy.files.grant(path).access >= Access::Read && files.iter().all(is_new) {
            files.push(ViewStep::File { path: path.clone(), content: content.clone() });
        }
    }
    files
}
