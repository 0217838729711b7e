//! Java's own format for authorities that are trusted (JKS): every JDK reads it, whatever it writes by itself.
//!
//! Source of the format: the documented behaviour of `java.security.KeyStore` of the type `JKS`; `keytool` reads back
//! what this writes in the tests.

use sha1::{Digest, Sha1};

/// Begins each store; then the version.
const MAGIC: u32 = 0xFEED_FEED;
const VERSION: u32 = 2;

/// An entry that is a certificate to be trusted.
const TRUSTED: u32 = 2;

/// Mixed into the check sum, so that it is no sum of any other format.
const SALT: &[u8] = b"Mighty Aphrodite";

/// The password that every JDK ships its own store with. It protects nothing: reading takes none.
const PASSWORD: &str = "changeit";

/// A store of these certificates (DER), named by their numbers. A certificate that is too long for the format, which none
/// is that can be trusted, is left out.
pub(crate) fn java(certificates: &[impl AsRef<[u8]>]) -> Vec<u8> {
    let mut entries = Vec::new();
    let mut count: u32 = 0;
    for certificate in certificates {
        let Ok(length) = u32::try_from(certificate.as_ref().len()) else { continue };
        count += 1;
        entries.extend(TRUSTED.to_be_bytes());
        text(&mut entries, &format!("authority-{count}"));
        // When it was added, in milliseconds; nobody looks at it.
        entries.extend(0u64.to_be_bytes());
        text(&mut entries, "X.509");
        entries.extend(length.to_be_bytes());
        entries.extend(certificate.as_ref());
    }
    let head = [MAGIC, VERSION, count].map(u32::to_be_bytes).concat();
    let mut store = [head, entries].concat();
    let password: Vec<u8> = PASSWORD.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let sum = Sha1::new().chain_update(password).chain_update(SALT).chain_update(&store).finalize();
    store.extend(sum);
    store
}

/// A short text of ASCII, with its length before it.
fn text(out: &mut Vec<u8>, text: &str) {
    out.extend(u16::try_from(text.len()).unwrap_or(0).to_be_bytes());
    out.extend(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_has_its_entries_and_a_sum() {
        let store = java(&[b"first".as_slice(), b"second"]);
        assert_eq!(&store[..12], &[0xFE, 0xED, 0xFE, 0xED, 0, 0, 0, 2, 0, 0, 0, 2]);
        let entry =
            [&[0, 0, 0, 2, 0, 11][..], b"authority-1", &[0; 8], &[0, 5], b"X.509", &[0, 0, 0, 5], b"first"];
        assert_eq!(&store[12..12 + entry.concat().len()], &entry.concat());
        let words: Vec<u8> = "changeit".bytes().flat_map(|byte| [0, byte]).collect();
        let body = &store[..store.len() - 20];
        let sum = Sha1::digest([&words[..], b"Mighty Aphrodite", body].concat());
        assert_eq!(&store[store.len() - 20..], sum.as_slice());
    }
}
