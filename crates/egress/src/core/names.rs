//! Names that mean something on the local machine or network. Their addresses are refused after resolution as well; the
//! table matters where a proxy upstream resolves, and it says why.
//!
//! Sources: RFC 6761 and the IANA registry of special-use domain names, RFC 6762 (`local`), RFC 8375 (`home.arpa`), ICANN's
//! reservation of `internal`, and the documentation of clouds and container engines.

use serde::{Deserialize, Serialize};

/// What such a name means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NameKind {
    /// Hands out the credentials of a cloud machine: only a rule with this very name opens it.
    Metadata,
    /// The host outside the sandbox: only a rule with this very name opens it.
    Host,
    /// The local network: any rule that names it opens it; an open network does not.
    Local,
}

/// A row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpecialName {
    /// The name.
    pub name: &'static str,
    /// True if it stands for every name below as well.
    pub below: bool,
    /// What it means.
    pub kind: NameKind,
    /// Why it is refused, as a lower-case fragment.
    pub reason: &'static str,
}

const fn row(name: &'static str, below: bool, kind: NameKind, reason: &'static str) -> SpecialName {
    SpecialName { name, below, kind, reason }
}

/// Every special name; the first that matches speaks.
#[rustfmt::skip]
pub const SPECIAL_NAMES: &[SpecialName] = &[
    row("metadata.google.internal", true, NameKind::Metadata, "the name is a cloud's metadata service"),
    row("metadata.goog", true, NameKind::Metadata, "the name is a cloud's metadata service"),
    row("metadata", false, NameKind::Metadata, "the name is a cloud's metadata service"),
    row("instance-data", false, NameKind::Metadata, "the name is a cloud's metadata service"),
    row("instance-data.ec2.internal", true, NameKind::Metadata, "the name is a cloud's metadata service"),
    row("metadata.azure.internal", true, NameKind::Metadata, "the name is a cloud's metadata service"),
    row("metadata.tencentyun.com", true, NameKind::Metadata, "the name is a cloud's metadata service"),
    row("metadata.platformequinix.com", true, NameKind::Metadata, "the name is a cloud's metadata service"),
    row("localhost", true, NameKind::Host, "the name means the host's own loopback"),
    row("localhost.localdomain", true, NameKind::Host, "the name means the host's own loopback"),
    row("ip6-localhost", false, NameKind::Host, "the name means the host's own loopback"),
    row("ip6-loopback", false, NameKind::Host, "the name means the host's own loopback"),
    row("host.docker.internal", true, NameKind::Host, "the name means the host of a container"),
    row("gateway.docker.internal", true, NameKind::Host, "the name means the host of a container"),
    row("kubernetes.docker.internal", true, NameKind::Host, "the name means the host of a container"),
    row("host.containers.internal", true, NameKind::Host, "the name means the host of a container"),
    row("host.lima.internal", true, NameKind::Host, "the name means the host of a virtual machine"),
    row("internal", true, NameKind::Local, "the name is for private networks (internal)"),
    row("local", true, NameKind::Local, "the name is for the local link (local)"),
    row("localdomain", true, NameKind::Local, "the name is for the local network (localdomain)"),
    row("home.arpa", true, NameKind::Local, "the name is for the home network (home.arpa)"),
    row("lan", true, NameKind::Local, "the name is for the local network (lan)"),
    row("intranet", true, NameKind::Local, "the name is for the local network (intranet)"),
    row("onion", true, NameKind::Local, "the name is no name of the DNS (onion)"),
    row("invalid", true, NameKind::Local, "the name is reserved as invalid"),
];

/// A name without a dot is looked up in the local network.
const BARE: SpecialName =
    row("", false, NameKind::Local, "a name without a dot means a machine of the local network");

/// The row that speaks for a name.
#[must_use]
pub fn special_name(name: &str) -> Option<&'static SpecialName> {
    let is_below = |row: &SpecialName| {
        row.below && name.strip_suffix(row.name).is_some_and(|head| head.len() > 1 && head.ends_with('.'))
    };
    let found = SPECIAL_NAMES.iter().find(|row| row.name == name || is_below(row));
    found.or_else(|| (!name.contains('.')).then_some(&BARE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_speak_for_themselves_and_below() {
        let kind = |name| special_name(name).map(|row| row.kind);
        assert_eq!(kind("metadata.google.internal"), Some(NameKind::Metadata));
        assert_eq!(kind("x.metadata.google.internal"), Some(NameKind::Metadata));
        assert_eq!(kind("xmetadata.google.internal"), Some(NameKind::Local));
        assert_eq!(kind("printer.local"), Some(NameKind::Local));
        assert_eq!(kind("intranet"), Some(NameKind::Local));
        assert_eq!(kind("db"), Some(NameKind::Local));
        assert_eq!(kind("a.localhost"), Some(NameKind::Host));
        assert_eq!(kind("mylocal.example"), None);
        assert_eq!(kind("notlocalhost.example"), None);
    }
}
