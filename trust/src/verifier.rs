//! Checks the certificate of a server.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, OtherError, SignatureScheme};

use crate::fingerprint::Fingerprint;

/// Why the client does not trust a server.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    #[error(
        "{server} shows another certificate than configured: expected {expected}, got {actual}. \
         If it has a new one, its own log and `openssl x509 -noout -fingerprint -sha256` show it: \
         set fingerprint to that. If not, this is not the server that you mean"
    )]
    Another { server: String, expected: Fingerprint, actual: Fingerprint },
    #[error(
        "the certificate of {server} is not trusted: {why}. Set ca_file to the certificate of the \
         authority that signed it, or, if the server's own log shows this fingerprint, \
         fingerprint = \"{actual}\""
    )]
    NotVouched { server: String, why: String, actual: Fingerprint },
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Error {
        Error::Other(OtherError(Arc::new(refused)))
    }
}

/// Trusts only the server with this one certificate, whose key must sign the handshake.
#[derive(Debug)]
pub(crate) struct Pinned {
    pub expected: Fingerprint,
    pub provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        server: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let (expected, actual) = (self.expected, Fingerprint::of(end_entity));
        if actual == expected {
            return Ok(ServerCertVerified::assertion());
        }
        Err(Refused::Another { server: server.to_str().into_owned(), expected, actual }.into())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Trusts a server that authorities vouch for, and explains each refusal.
#[derive(Debug)]
pub(crate) struct Vouched(pub Arc<WebPkiServerVerifier>);

impl ServerCertVerifier for Vouched {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.0.verify_server_cert(end_entity, intermediates, server, ocsp, now).map_err(|error| {
            let why = match error {
                Error::InvalidCertificate(
                    CertificateError::UnknownIssuer | CertificateError::BadSignature,
                ) => "no authority that is trusted here signed it".to_owned(),
                Error::InvalidCertificate(why) => why.to_string(),
                other => return other,
            };
            let actual = Fingerprint::of(end_entity);
            Refused::NotVouched { server: server.to_str().into_owned(), why, actual }.into()
        })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}
