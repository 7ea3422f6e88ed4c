//! HTTPS: which certificate is presented, and who is redirected there from HTTP.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use certificate::made::{self, CannotMake};
use certificate::{BadCertificate, Files, Tls};
use rustix::system::uname;
use tokio::net::TcpStream;
use tokio::task::spawn_blocking;
use tokio::time::{interval, timeout};
use tokio_rustls::server::TlsStream;
use tracing::warn;
use warp::http::header::{HOST, HeaderValue, LOCATION};
use warp::http::uri::Authority;
use warp::http::{Request, StatusCode};
use warp::reply::{Reply, Response};

use crate::limits::shares::Share;

/// How long a handshake may take, including the wait for others.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(5);

/// How often to check that a certificate made here has not nearly expired.
const RENEW_EVERY: Duration = Duration::from_secs(60 * 60);

/// The keys of HTTPS as used.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    pub listen: SocketAddr,
    /// Without files a certificate is made and kept with the gallery's data.
    pub files: Option<Files>,
    /// Whether HTTP redirects browsers here.
    pub redirect: bool,
}

/// Why there is no HTTPS. The text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum HttpsError {
    /// The files cannot be used.
    #[error("{0}; see gallery.certificate and gallery.key")]
    Certificate(#[from] BadCertificate),
    /// No certificate could be made.
    #[error("{0}; make the folder writable, or set gallery.certificate and gallery.key")]
    Make(#[from] CannotMake),
}

/// The TLS side of new connections.
#[derive(Debug)]
pub struct Https {
    tls: Tls,
    /// The folder of a certificate that is made here, and the machine's name.
    made: Option<(PathBuf, String)>,
}

impl Https {
    /// Reads the certificate in `files`, or without any the one in `folder`, which is made there
    /// for this machine unless it is good.
    ///
    /// # Errors
    /// [`HttpsError`] names the file.
    pub(crate) fn new(files: Option<&Files>, folder: &Path) -> Result<Https, HttpsError> {
        let (files, made) = match files {
            Some(files) => (files.clone(), None),
            None => {
                let machine = uname().nodename().to_string_lossy().into_owned();
                let files = made::keep(folder, &machine, SystemTime::now())?;
                (files, Some((folder.to_owned(), machine)))
            }
        };
        Ok(Https { tls: Tls::new(files)?, made })
    }

    /// The certificate's fingerprint, for clients.
    pub fn fingerprint(&self) -> String {
        self.tls.fingerprint().map(|print| print.to_string()).unwrap_or_default()
    }

    /// Does a handshake. `share` limits how many are done at once.
    ///
    /// # Errors
    /// The client does not speak TLS, does not trust us, is too slow, or has gone.
    pub(crate) async fn accept(
        &self,
        stream: TcpStream,
        mut share: Share,
    ) -> io::Result<TlsStream<TcpStream>> {
        let shake = async {
            share.wait(1).await;
            self.tls.accept(stream).await
        };
        timeout(HANDSHAKE_WITHIN, shake).await?
    }

    /// Reads the certificate again when its files change, and renews one that was made here. Never
    /// ends.
    pub(crate) async fn keep_certificate(&self) {
        tokio::join!(self.tls.keep_certificate(), self.renew());
    }

    async fn renew(&self) {
        let Some((folder, machine)) = &self.made else { return };
        let mut every = interval(RENEW_EVERY);
        let mut failed = false;
        loop {
            every.tick().await;
            let (folder, machine) = (folder.clone(), machine.clone());
            let renew = move || made::keep(&folder, &machine, SystemTime::now());
            let Ok(renewed) = spawn_blocking(renew).await else { continue };
            if let Err(error) = &renewed
                && !failed
            {
                warn!(%error, "cannot renew the certificate; browsers warn of it when it runs out");
            }
            failed = renewed.is_err();
        }
    }
}

/// The certificate's file under this configuration.
pub(crate) fn shown(certificate: Option<&Path>, data: &Path) -> PathBuf {
    certificate.map_or_else(|| made::files(data).certificate, Path::to_owned)
}

/// Where a request over HTTP is redirected; `None` lets it be answered. Programs of this machine
/// need no HTTPS and may not know the certificate. A health check wants only the answer.
pub(crate) fn elsewhere<B>(peer: IpAddr, port: u16, request: &Request<B>) -> Option<Response> {
    let uri = request.uri();
    // A proxy decides which scheme is used in front of it.
    if request.headers().contains_key("x-forwarded-proto") {
        return None;
    }
    if peer.to_canonical().is_loopback() || uri.path() == "/healthz" {
        return None;
    }
    let host: Authority = match request.headers().get(HOST) {
        Some(host) => host.to_str().ok()?.parse().ok()?,
        None => uri.authority()?.clone(),
    };
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let port = if port == 443 { String::new() } else { format!(":{port}") };
    let location = format!("https://{}{port}{path}", host.host());
    let mut response = StatusCode::PERMANENT_REDIRECT.into_response();
    response.headers_mut().insert(LOCATION, HeaderValue::from_str(&location).ok()?);
    Some(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http_from_elsewhere_is_sent_to_https() {
        let sent = |peer: &str, port, host: &str, uri: &str| {
            let request = Request::builder().uri(uri).header("host", host).body(()).unwrap();
            let response = elsewhere(peer.parse().unwrap(), port, &request)?;
            assert_eq!(response.status(), 308);
            Some(response.headers()["location"].to_str().unwrap().to_owned())
        };
        let phone = "192.168.0.7";
        let location = sent(phone, 8443, "workshop.local:8080", "/photos?day=1");
        assert_eq!(location.as_deref(), Some("https://workshop.local:8443/photos?day=1"));
        let location = sent(phone, 443, "[fd00::1]:8080", "/");
        assert_eq!(location.as_deref(), Some("https://[fd00::1]/"));
        assert_eq!(sent(phone, 443, "workshop", "/healthz"), None);
        let proxied = Request::get("/").header("host", "a").header("x-forwarded-proto", "https");
        assert!(elsewhere(phone.parse().unwrap(), 443, &proxied.body(()).unwrap()).is_none());
        assert_eq!(sent("127.0.0.1", 443, "workshop", "/"), None);
        assert_eq!(sent("::ffff:127.0.0.1", 443, "workshop", "/"), None);
    }
}
