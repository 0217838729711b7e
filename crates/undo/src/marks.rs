//! The marks that overlayfs leaves on what it writes, and the user's own attributes among them.
//!
//! Source: `Documentation/filesystems/overlayfs.rst` of Linux, "Permission model", "whiteouts and opaque directories",
//! "Nesting overlayfs mounts". With the option `userxattr` the kernel's marks are named `user.overlay.*`; a program that
//! sets such an attribute through the mount gets `user.overlay.overlay.*` stored (or, before Linux 6.7, an error), so it
//! can forge none.

use std::collections::BTreeMap;
use std::fmt;

/// What an object of a layer means for what lies below it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mark {
    /// It stands in place of what is below; a directory is merged with it.
    #[default]
    None,
    /// Nothing stands here any more.
    Whiteout,
    /// A directory that hides the one below.
    Opaque,
}

/// A mark that is not known, so that what the layer means cannot be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotUnderstood(pub String);

impl fmt::Display for NotUnderstood {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the layer holds the mark `{}`, which this version does not know", self.0)
    }
}

impl std::error::Error for NotUnderstood {}

/// What the attributes of an object of a layer say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Read {
    /// The user's own attributes, by the names that they had inside.
    pub attributes: BTreeMap<Vec<u8>, Vec<u8>>,
    /// What the kernel noted.
    pub mark: Mark,
    /// It was copied up from an object below, and not made.
    pub copied: bool,
}

const OWN: &[u8] = b"user.overlay.";

/// Attributes that are the user's, by their names. Others are the system's and are not copied.
fn is_of_the_user(name: &[u8]) -> bool {
    name.starts_with(b"user.") || name == b"system.posix_acl_access" || name == b"system.posix_acl_default"
}

/// Reads the attributes of one object. `layer` says that it stands in a layer, where the kernel leaves marks.
///
/// # Errors
/// A mark of the kernel that is not known.
pub fn read_attributes(
    raw: impl IntoIterator<Item = (Vec<u8>, Vec<u8>)>,
    layer: bool,
) -> Result<Read, NotUnderstood> {
    let mut read = Read::default();
    for (name, value) in raw {
        if !is_of_the_user(&name) {
            continue;
        }
        let Some(own) = name.strip_prefix(OWN).filter(|_| layer) else {
            read.attributes.insert(name, value);
            continue;
        };
        match own {
            b"opaque" => match value.as_slice() {
                b"y" => read.mark = Mark::Opaque,
                // Some names in it are whiteouts by attribute; each says so itself.
                b"x" => {}
                _ => return Err(unknown(&name)),
            },
            b"whiteout" => read.mark = Mark::Whiteout,
            b"origin" => read.copied = true,
            // Caches of the kernel: inode numbers, counts of names, the mount's own number, immutable flags.
            b"impure" | b"nlink" | b"uuid" | b"upper" | b"protattr" => {}
            _ => match own.strip_prefix(b"overlay.") {
                Some(inner) => {
                    read.attributes.insert([OWN, inner].concat(), value);
                }
                None => return Err(unknown(&name)),
            },
        }
    }
    Ok(read)
}

fn unknown(name: &[u8]) -> NotUnderstood {
    NotUnderstood(garth_policy::escape_visible(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)], layer: bool) -> Result<Read, NotUnderstood> {
        read_attributes(
            pairs.iter().map(|(name, value)| (name.as_bytes().into(), value.as_bytes().into())),
            layer,
        )
    }

    #[test]
    fn a_mark_that_a_program_set_is_an_attribute() {
        let found = read(&[("user.overlay.overlay.opaque", "y"), ("user.a", "b")], true).unwrap();
        assert_eq!(found.mark, Mark::None);
        assert_eq!(found.attributes[&b"user.overlay.opaque"[..]], b"y");
        assert_eq!(found.attributes[&b"user.a"[..]], b"b");
        assert_eq!(read(&[("user.overlay.opaque", "y")], true).unwrap().mark, Mark::Opaque);
        assert_eq!(read(&[("user.overlay.whiteout", "")], true).unwrap().mark, Mark::Whiteout);
    }

    #[test]
    fn what_is_not_known_is_refused_in_a_layer_and_kept_elsewhere() {
        for name in ["user.overlay.redirect", "user.overlay.metacopy", "user.overlay.new"] {
            assert!(read(&[(name, "/etc")], true).unwrap_err().0.contains(name));
            assert_eq!(read(&[(name, "/etc")], false).unwrap().attributes.len(), 1);
        }
        assert!(read(&[("user.overlay.opaque", "z")], true).is_err());
        assert_eq!(
            read(&[("security.selinux", "x"), ("trusted.overlay.opaque", "y")], true).unwrap(),
            Read::default()
        );
    }
}
