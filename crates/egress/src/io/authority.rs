//! The certificate authority of a session. Its key exists in this process's memory alone, and ends with it.

use super::ciphers::provider;
use super::session::lock;
use crate::core::Host;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    IsCa, KeyPair, KeyUsagePurpose, SanType,
};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Certificates are valid from a day before the session (clocks differ) until a week after its start.
const BEFORE: Duration = Duration::from_secs(24 * 3600);
const AFTER: Duration = Duration::from_secs(7 * 24 * 3600);

/// Server configurations that are kept.
const MOST_CONFIGURATIONS: usize = 1024;

type Configurations = HashMap<(Host, Vec<u8>), Arc<ServerConfig>>;

pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    leaf_key: KeyPair,
    configurations: Mutex<Configurations>,
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

impl Authority {
    pub(crate) fn generate() -> Result<Self, rcgen::Error> {
        let mut params = dated(CertificateParams::default());
        params.distinguished_name = named("garth session authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
        Ok(Self { issuer, leaf_key: KeyPair::generate()?, configurations: Mutex::new(HashMap::new()) })
    }

    /// The authority's certificate, to be trusted inside.
    pub(crate) fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// A server's configuration for a host, that speaks the one protocol (empty for none).
    pub(crate) fn server(&self, host: &Host, protocol: &[u8]) -> Result<Arc<ServerConfig>, Failure> {
        let key = (host.clone(), protocol.to_vec());
        if let Some(known) = lock(&self.configurations).get(&key) {
            return Ok(Arc::clone(known));
        }
        let made = Arc::new(self.make(host, protocol)?);
        let mut kept = lock(&self.configurations);
        if kept.len() >= MOST_CONFIGURATIONS {
            kept.clear();
        }
        kept.insert(key, Arc::clone(&made));
        Ok(made)
    }

    fn make(&self, host: &Host, protocol: &[u8]) -> Result<ServerConfig, Failure> {
        let mut params = dated(CertificateParams::default());
        params.distinguished_name = named(&host.text().chars().take(60).collect::<String>());
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.use_authority_key_identifier_extension = true;
        params.subject_alt_names = vec![match host {
            Host::Name(name) => SanType::DnsName(name.as_str().try_into()?),
            Host::Address(address) => SanType::IpAddress(*address),
        }];
        let leaf = params.signed_by(&self.leaf_key, &self.issuer)?;
        let chain = vec![leaf.der().clone(), self.issuer.der().clone()];
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.leaf_key.serialize_der()));
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        // The client's processor is this one, so what is cheapest here is cheapest there.
        config.ignore_client_order = true;
        if !protocol.is_empty() {
            config.alpn_protocols = vec![protocol.to_vec()];
        }
        Ok(config)
    }
}

fn named(name: &str) -> DistinguishedName {
    let mut out = DistinguishedName::new();
    out.push(DnType::CommonName, name);
    out
}

fn dated(mut params: CertificateParams) -> CertificateParams {
    let now = time::OffsetDateTime::now_utc();
    params.not_before = now - BEFORE;
    params.not_after = now + AFTER;
    params
}
