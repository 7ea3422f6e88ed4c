//! The certificate and key of a TLS server: from files, which it reads again when they change; or
//! made here, for a server that has none ([`made`]).

pub mod made;

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};
use std::{fmt, fs};

use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpStream;
use tokio::task::spawn_blocking;
use tokio::time::interval;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::server::TlsStream;
use tracing::{error, info};
use trust::Fingerprint;

/// How often the files are checked. They are read when two checks in a row saw the same, because
/// programs replace the files one after the other.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Where certificate and key are, in PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    /// The certificate, followed by those of the authorities that lead to a root.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

/// Certificate and key are unusable.
#[derive(Debug, thiserror::Error)]
#[error("TLS cannot use {path}: {why}")]
pub struct BadCertificate {
    path: PathBuf,
    why: String,
}

/// A listener's TLS.
pub struct Tls {
    shown: Arc<Shown>,
    acceptor: TlsAcceptor,
}

/// The current certificate, and where it comes from.
#[derive(Debug)]
struct Shown {
    files: Files,
    provider: Arc<CryptoProvider>,
    /// The certificate for new clients.
    current: RwLock<Arc<CertifiedKey>>,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("files", &self.shown.files).finish_non_exhaustive()
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// [`BadCertificate`] names the file and what is wrong with it.
    pub fn new(files: Files) -> Result<Tls, BadCertificate> {
        let provider = Arc::new(ring::default_provider());
        let current = RwLock::new(read(&files, &provider)?);
        let shown = Arc::new(Shown { files, provider: provider.clone(), current });
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| {
                let path = shown.files.key.clone();
                BadCertificate { path, why: error.to_string() }
            })?
            .with_no_client_auth()
            .with_cert_resolver(shown.clone());
        Ok(Tls { shown, acceptor: TlsAcceptor::from(Arc::new(config)) })
    }

    /// Shakes hands. The caller sets a time limit.
    ///
    /// # Errors
    /// The client does not speak TLS, does not trust us, or has gone.
    pub async fn accept(&self, stream: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
        self.acceptor.accept(stream).await
    }

    /// Reads the files again when they have changed, forever. Connected clients stay; a broken file
    /// leaves the old certificate in use. It reads in a blocking thread, because a disk may be slow.
    pub async fn keep_certificate(&self) {
        let mut every = interval(LOOK_EVERY);
        // The files may have changed before the first check.
        let (mut used, mut last) = (None, None);
        loop {
            every.tick().await;
            let shown = self.shown.clone();
            let Ok(now) = spawn_blocking(move || shown.look()).await else { continue };
            if last != Some(now) {
                last = Some(now);
            } else if used != last {
                let (shown, is_first) = (self.shown.clone(), used.is_none());
                let _ = spawn_blocking(move || shown.read_again(is_first)).await;
                used = last;
            }
        }
    }

    /// The fingerprint by which clients may recognise the certificate.
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        self.shown.fingerprint()
    }
}

/// The modification time and length of each file.
type Stamps = [Option<(SystemTime, u64)>; 2];

impl Shown {
    fn look(&self) -> Stamps {
        [stamp(&self.files.certificate), stamp(&self.files.key)]
    }

    fn fingerprint(&self) -> Option<Fingerprint> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        current.end_entity_cert().ok().map(Fingerprint::of)
    }

    fn read_again(&self, is_first: bool) {
        match read(&self.files, &self.provider) {
            Ok(new) => {
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = new;
                if !is_first && let Some(fingerprint) = self.fingerprint() {
                    info!(path = %self.files.certificate.display(), %fingerprint, "new clients get the new certificate");
                }
            }
            Err(error) => error!(%error, "the certificate stays as it was"),
        }
    }
}

/// The fingerprint of the certificate in a file.
///
/// # Errors
/// [`BadCertificate`] says why there is none.
pub fn fingerprint(file: &Path) -> Result<Fingerprint, BadCertificate> {
    let certificate = CertificateDer::from_pem_file(file)
        .map_err(|error| BadCertificate { path: file.to_owned(), why: error.to_string() })?;
    Ok(Fingerprint::of(&certificate))
}

fn read(files: &Files, provider: &CryptoProvider) -> Result<Arc<CertifiedKey>, BadCertificate> {
    let bad = |path: &Path, why: &dyn fmt::Display| BadCertificate {
        path: path.to_owned(),
        why: why.to_string(),
    };
    let Files { certificate, key } = files;
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| bad(certificate, &error))?;
    if chain.is_empty() {
        return Err(bad(certificate, &"there is no certificate in it"));
    }
    let secret = PrivateKeyDer::from_pem_file(key).map_err(|error| bad(key, &error))?;
    let pair = CertifiedKey::from_der(chain, secret, provider).map_err(|error| bad(key, &error))?;
    Ok(Arc::new(pair))
}

fn stamp(path: &Path) -> Option<(SystemTime, u64)> {
    let file = fs::metadata(path).ok()?;
    Some((file.modified().ok()?, file.len()))
}
