//! As root, the system's own files are looked at as an ordinary user would: by their permission bits for
//! others. The mounts that show them map root's numbers to nobody's (`mount_setattr(2)`, idmapped mounts).

use super::spec::ViewStep;
use crate::facts::HostFacts;
use garth_policy::{AbsPath, Os, places};

/// A gap that every profile but `strict` accepts: a root user of a container often cannot have such mounts.
pub const ROOT_GAP: &str = "linux.root.files";

/// Whether a path is one of the system's directories, and not a part of one that somebody named himself.
#[must_use]
pub fn is_system(path: &AbsPath) -> bool {
    let tables = places(Os::Linux);
    let named =
        |table: &[garth_policy::Place]| table.iter().any(|row| row.path.as_bytes() == path.as_bytes());
    named(tables.system) || named(tables.minimal)
}

/// A part of the kernel's object tree. Its files have no owner on a disk that could be mapped; it is mounted
/// read-only, and what in these parts is root's alone can be written only.
pub(super) fn is_kernel_tree(path: &AbsPath) -> bool {
    path.as_bytes().starts_with(b"/sys/")
}

fn system_binds(steps: &[ViewStep]) -> impl Iterator<Item = (&AbsPath, &AbsPath)> {
    steps.iter().filter_map(|step| match step {
        ViewStep::Bind { source, path, flags, .. }
            if flags.read_only && is_system(path) && !is_kernel_tree(path) =>
        {
            Some((source, path))
        }
        _ => None,
    })
}

/// The mounts of the view that are mapped. Where the sandbox has a file of its own over one, such as a list of hosts, that is what
/// stands there.
pub(super) fn mapped(facts: &HostFacts, steps: &[ViewStep]) -> Vec<AbsPath> {
    if facts.user.uid != 0 {
        return Vec::new();
    }
    let own = |path: &AbsPath| {
        steps.iter().any(|step| matches!(step, ViewStep::File { path: file, .. } if file == path))
    };
    let possible = |(source, path): &(&AbsPath, &AbsPath)| facts.mappable.contains(*source) && !own(path);
    system_binds(steps).filter(possible).map(|(_, path)| path.clone()).collect()
}

/// The first mount of the view that should be mapped and cannot be.
pub(super) fn unmapped<'s>(facts: &HostFacts, steps: &'s [ViewStep]) -> Option<&'s AbsPath> {
    system_binds(steps).find(|(source, _)| !facts.mappable.contains(*source)).map(|(_, path)| path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_rows_of_the_table_are_the_systems() {
        let path = |text: &str| AbsPath::posix(text.as_bytes()).unwrap();
        assert!(is_system(&path("/etc")) && is_system(&path("/usr")));
        assert!(!is_system(&path("/etc/ssl/private")), "who names this means it");
        assert!(!is_system(&path("/home/ada/project")));
    }
}
