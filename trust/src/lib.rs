//! Which server a TLS client trusts.
//!
//! Either authorities vouch for it, the system's or those of one file, or the client knows the
//! fingerprint of its certificate. A refusal shows the fingerprint of the refused certificate, so
//! that the person who set up both ends can tell a new certificate from a stranger.

mod fingerprint;
mod verifier;

use std::error::Error as StdError;
use std::fmt::Display;
use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, OtherError, RootCertStore};
use wire::BrokerUrl;

pub use crate::fingerprint::{BadFingerprint, Fingerprint};
use crate::verifier::{Pinned, Refused, Vouched};

/// A wrong value of a key of the configuration. The text says what is right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key} = {value:?}: {right}")]
pub struct BadTrust {
    /// The key in its section: `ca_file`, `fingerprint` or `broker`.
    pub key: &'static str,
    /// Its value.
    pub value: String,
    /// What is wrong with it, and what to do.
    pub right: String,
}

impl BadTrust {
    fn new(key: &'static str, value: impl Display, right: impl Into<String>) -> BadTrust {
        BadTrust { key, value: value.to_string(), right: right.into() }
    }
}

/// The TLS configuration of a client for a broker of `mqtts://`; `None` for `mqtt://`. `ca_file` has
/// authorities in PEM; `fingerprint` is that of the broker's own certificate, whose name and dates
/// then do not matter. Without both, the client trusts the authorities of this system.
///
/// # Errors
/// [`BadTrust`] names the key that cannot be used.
pub fn client(
    broker: &BrokerUrl,
    ca_file: Option<&Path>,
    fingerprint: Option<&str>,
) -> Result<Option<Arc<ClientConfig>>, BadTrust> {
    if !broker.tls {
        // These keys show that the user expects a protected connection.
        let right = "it has no effect without TLS: write broker = \"mqtts://HOST\"";
        return match (ca_file, fingerprint) {
            (None, None) => Ok(None),
            (Some(file), _) => Err(BadTrust::new("ca_file", file.display(), right)),
            (None, Some(text)) => Err(BadTrust::new("fingerprint", text, right)),
        };
    }
    let provider = Arc::new(ring::default_provider());
    let verifier: Arc<dyn ServerCertVerifier> = match (ca_file, fingerprint) {
        (Some(file), Some(_)) => {
            let right = "this and fingerprint are two ways to recognise the broker; choose one";
            return Err(BadTrust::new("ca_file", file.display(), right));
        }
        (None, Some(text)) => {
            let expected = text.parse().map_err(|bad: BadFingerprint| {
                BadTrust::new("fingerprint", text, bad.to_string())
            })?;
            Arc::new(Pinned { expected, provider: provider.clone() })
        }
        (Some(file), None) => vouched(of_file(file)?, &provider),
        (None, None) => vouched(of_system(broker)?, &provider),
    };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring has the suites of TLS 1.2 and 1.3")
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    Ok(Some(Arc::new(config)))
}

/// The reason for a failed connection, for a person: the refusal of a certificate without the
/// errors of the layers around it.
pub fn why(error: &(dyn StdError + 'static)) -> String {
    let mut cause = Some(error);
    while let Some(at) = cause {
        if let Some(io) = at.downcast_ref::<io::Error>() {
            let inner = io.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
            match inner {
                Some(rustls::Error::Other(OtherError(refused))) if refused.is::<Refused>() => {
                    return refused.to_string();
                }
                Some(rustls::Error::InvalidMessage(_)) => return NO_TLS.to_owned(),
                None if io.to_string() == "tls handshake eof" => return NO_TLS.to_owned(),
                _ => {}
            }
        }
        cause = at.source();
    }
    error.to_string()
}

/// How a port for another protocol answers our greeting.
const NO_TLS: &str = "the server does not speak TLS there; mqtts:// needs the port of a listener \
                      with TLS, usually 8883";

fn vouched(roots: RootCertStore, provider: &Arc<CryptoProvider>) -> Arc<dyn ServerCertVerifier> {
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone())
        .build()
        .expect("there are authorities, and no lists of what they revoked");
    Arc::new(Vouched(verifier))
}

fn of_file(file: &Path) -> Result<RootCertStore, BadTrust> {
    let bad = |error: &dyn StdError| {
        let right = format!("{error}; it must hold the certificates of authorities, in PEM");
        BadTrust::new("ca_file", file.display(), right)
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(file).map_err(|e| bad(&e))? {
        let certificate = certificate.map_err(|e| bad(&e))?;
        roots.add(certificate).map_err(|e| bad(&e))?;
    }
    if roots.is_empty() {
        return Err(bad(&io::Error::other("there is no certificate in it")));
    }
    Ok(roots)
}

fn of_system(broker: &BrokerUrl) -> Result<RootCertStore, BadTrust> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        let right = "this system knows no certificate authorities: set ca_file or fingerprint, or \
                     install the package ca-certificates";
        return Err(BadTrust::new("broker", broker, right));
    }
    Ok(roots)
}
