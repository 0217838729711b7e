//! Where programs look for the authorities that they trust. Variables name a file to most of them; Java, and what is
//! built on GnuTLS, look at a place of the system alone.

use super::network::{AUTHORITY, BUNDLE};
use super::spec::{CertificateStore, StoreFormat};
use crate::facts::{FactQuery, HostFacts};
use garth_policy::{AbsPath, Access, Boundary, NodeKind, Policy};

/// Files of the system, their format, and who reads them.
const STORES: [(&str, StoreFormat, &str); 9] = [
    ("/etc/ssl/certs/ca-certificates.crt", StoreFormat::Pem, "Debian, Arch, Alpine: GnuTLS and with it wget"),
    ("/etc/pki/tls/certs/ca-bundle.crt", StoreFormat::Pem, "Fedora and its relatives"),
    ("/etc/ssl/ca-bundle.pem", StoreFormat::Pem, "SUSE"),
    ("/etc/ssl/cert.pem", StoreFormat::Pem, "Alpine; LibreSSL"),
    ("/etc/ssl/certs/java/cacerts", StoreFormat::Java, "JDKs of Debian"),
    ("/etc/pki/java/cacerts", StoreFormat::Java, "JDKs of Fedora and its relatives"),
    ("/etc/ssl/java-cacerts", StoreFormat::Java, "JDKs of Alpine"),
    ("/var/lib/ca-certificates/java-cacerts", StoreFormat::Java, "JDKs of SUSE"),
    ("/etc/ca-certificates/extracted/java-cacerts.jks", StoreFormat::Java, "JDKs of Arch"),
];

/// Directories with one JDK in each directory below.
const JDKS: [&str; 4] = ["/usr/lib/jvm", "/usr/java", "/opt/java", "/opt"];

/// Directories of a home that hold JDKs, below which part. They count where a policy shows them.
const JDKS_AT_HOME: [(&[u8], &[u8]); 2] = [(b"/.jdks", b""), (b"/.sdkman", b"candidates/java")];

/// Where a JDK keeps its authorities: since Java 9, and before.
const WITHIN_JDK: [&str; 2] = ["lib/security/cacerts", "jre/lib/security/cacerts"];

/// Asks for the files, and for the JDKs that there are.
pub(super) fn ask(query: &mut FactQuery, boundaries: &[Boundary<'_>]) {
    query.paths.extend(STORES.iter().filter_map(|(path, ..)| AbsPath::posix(*path).ok()));
    query.lists.extend(JDKS.iter().filter_map(|path| AbsPath::posix(*path).ok()));
    let shown = boundaries.iter().filter(|boundary| boundary.grant.access >= Access::Read);
    for path in shown.map(|boundary| boundary.path) {
        let row = JDKS_AT_HOME.iter().find(|(end, _)| path.as_bytes().ends_with(end));
        query.lists.extend(row.and_then(|(_, below)| below_or_itself(path, below)));
    }
}

fn below_or_itself(path: &AbsPath, below: &[u8]) -> Option<AbsPath> {
    if below.is_empty() { Some(path.clone()) } else { path.join(below).ok() }
}

/// Asks for the stores of the JDKs that were found.
pub(super) fn ask_further(query: &mut FactQuery, facts: &HostFacts) {
    let is_place = |path: &AbsPath| {
        let own = JDKS.iter().any(|known| known.as_bytes() == path.as_bytes());
        own || path.as_bytes().ends_with(b"/.jdks") || path.as_bytes().ends_with(b"/candidates/java")
    };
    for (place, names) in facts.lists.iter().filter(|(place, _)| is_place(place)) {
        for (name, kind) in names {
            if *kind == NodeKind::File {
                continue;
            }
            let within = WITHIN_JDK.iter().map(|store| format!("{name}/{store}"));
            query.paths.extend(within.filter_map(|store| place.join(store.as_bytes()).ok()));
        }
    }
}

/// The stores that are there and can be seen inside, each file once, and the sandbox's own.
pub(super) fn stores(policy: &Policy, facts: &HostFacts) -> Vec<CertificateStore> {
    let format = |path: &AbsPath| {
        let known = STORES.iter().find(|(known, ..)| known.as_bytes() == path.as_bytes());
        let is_of_jdk = || WITHIN_JDK.iter().any(|end| path.as_bytes().ends_with(end.as_bytes()));
        known.map(|(_, format, _)| *format).or_else(|| is_of_jdk().then_some(StoreFormat::Java))
    };
    let own = [(BUNDLE, StoreFormat::Pem), (AUTHORITY, StoreFormat::Session)];
    let own = own.into_iter().filter_map(|(path, format)| Some((AbsPath::posix(path).ok()?, format)));
    let mut found: Vec<CertificateStore> =
        own.map(|(path, format)| CertificateStore { path, format }).collect();
    for (path, fact) in &facts.paths {
        let (Some(format), Some(object)) = (format(path), fact.object()) else { continue };
        let path = object.final_path.clone();
        let is_shown = policy.files.grant(&path).access >= Access::Read;
        let is_new = found.iter().all(|store| store.path != path);
        if object.final_kind == NodeKind::File && is_shown && is_new {
            found.push(CertificateStore { path, format });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_is_a_path_with_a_reason() {
        for (path, _, reason) in STORES {
            assert!(AbsPath::posix(path).is_ok() && !reason.is_empty(), "{path}");
        }
        assert!(JDKS.iter().all(|path| AbsPath::posix(*path).is_ok()));
    }
}
