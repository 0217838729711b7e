//! The authorities that programs in a sandbox trust where TLS is opened: the host's, and the session's own.

use crate::keystore;
use garth_plan::linux::spec::{CertificateStore, StoreFormat, ViewStep};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

/// Files in which systems keep the authorities that they trust, the first that is there counts.
const BUNDLES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// The variable by which a user names another file; the broker's own connections heed it as well.
const OWN_BUNDLE: &[u8] = b"SSL_CERT_FILE";

/// Fills the stores of a view, each in its format.
pub(crate) fn fill(
    view: &mut [ViewStep],
    stores: &[CertificateStore],
    authority: &str,
    environment: &[(Vec<u8>, Vec<u8>)],
) {
    let pem = [trusted_by_host(environment), authority.as_bytes().to_vec()].concat();
    for step in view {
        let ViewStep::File { path, content } = step else { continue };
        let Some(store) = stores.iter().find(|store| store.path == *path) else { continue };
        *content = match store.format {
            StoreFormat::Pem => pem.clone(),
            StoreFormat::Session => authority.as_bytes().to_vec(),
            StoreFormat::Java => keystore::java(&certificates(&pem)),
        };
    }
}

/// The certificates of a bundle. What cannot be read is left out, as other readers do.
fn certificates(pem: &[u8]) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(pem).flatten().collect()
}

fn trusted_by_host(environment: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let own = environment.iter().find(|(name, value)| name == OWN_BUNDLE && !value.is_empty());
    let own = own.and_then(|(_, path)| std::str::from_utf8(path).ok());
    let mut paths = own.into_iter().chain(BUNDLES);
    let mut text = paths.find_map(|path| std::fs::read(path).ok()).unwrap_or_default();
    if !text.ends_with(b"\n") {
        text.push(b'\n');
    }
    text
}
