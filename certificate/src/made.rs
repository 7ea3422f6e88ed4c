//! A self-signed certificate, made here and kept.

use std::fs;
use std::net::{IpAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair, date_time_ymd,
};

use crate::Files;

/// How long a certificate is valid. Some browsers reject more than 825 days.
const GOOD_FOR: Duration = Duration::from_secs(800 * DAY);

/// A new one replaces one that ends within this time.
const BEFORE_THE_END: Duration = Duration::from_secs(30 * DAY);

const DAY: u64 = 24 * 60 * 60;

/// The text before the PEM (RFC 7468, section 5.2, allows it) says when the certificate ends, in
/// seconds since 1970, so that no code has to parse the certificate.
const UNTIL: &str = "vitrina made this; it is good until ";

/// A certificate could not be made or saved.
#[derive(Debug, thiserror::Error)]
#[error("cannot make a certificate in {path}: {why}")]
pub struct CannotMake {
    path: PathBuf,
    why: String,
}

/// The files of the certificate in `folder`.
pub fn files(folder: &Path) -> Files {
    Files { certificate: folder.join("certificate.pem"), key: folder.join("key.pem") }
}

/// Makes certificate and key in `folder` for a machine of this name, unless good ones are there.
///
/// # Errors
/// [`CannotMake`] names the file.
pub fn keep(folder: &Path, machine: &str, now: SystemTime) -> Result<Files, CannotMake> {
    let files = files(folder);
    let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let good = fs::read_to_string(&files.certificate).ok().and_then(|pem| until(&pem));
    if files.key.is_file() && good.is_some_and(|good| good > now + BEFORE_THE_END) {
        return Ok(files);
    }
    let bad = |path: &Path, why: &dyn std::fmt::Display| CannotMake {
        path: path.to_owned(),
        why: why.to_string(),
    };
    let until = now + GOOD_FOR;
    let (pem, key) = make(machine, until).map_err(|error| bad(folder, &error))?;
    let pem = format!("{UNTIL}{}\n{pem}", until.as_secs());
    // The certificate last: it says whether both are there.
    durable::write(&files.key, key.as_bytes(), 0o600).map_err(|error| bad(&files.key, &error))?;
    durable::write(&files.certificate, pem.as_bytes(), 0o600)
        .map_err(|error| bad(&files.certificate, &error))?;
    Ok(files)
}

fn until(pem: &str) -> Option<Duration> {
    let seconds = pem.lines().next()?.strip_prefix(UNTIL)?;
    seconds.parse().ok().map(Duration::from_secs)
}

fn make(machine: &str, until: Duration) -> Result<(String, String), rcgen::Error> {
    let mut params = CertificateParams::new(names(machine))?;
    // Valid from the start of time: a machine without a clock of its own may be behind.
    params.not_after = date_time_ymd(1970, 1, 1) + until;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, format!("Vitrina on {machine}"));
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate()?;
    Ok((params.self_signed(&key)?.pem(), key.serialize_pem()))
}

/// The names by which browsers may open this machine.
fn names(machine: &str) -> Vec<String> {
    let machine = machine.trim_end_matches('.').to_ascii_lowercase();
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    if let Some(first) = machine.split('.').next().filter(|first| !first.is_empty()) {
        names.extend([first.to_owned(), format!("{first}.local"), machine.clone()]);
    }
    names.extend(addresses().map(|ip| ip.to_string()));
    let is_name = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b':');
    names.retain(|name| name.bytes().all(is_name));
    names.sort();
    names.dedup();
    names
}

/// The addresses by which this machine reaches others.
fn addresses() -> impl Iterator<Item = IpAddr> {
    // Connecting a UDP socket sends nothing, but chooses an address. These are for documentation
    // (RFC 5737 and RFC 3849) and lead where every other does.
    [("0.0.0.0:0", "192.0.2.1:9"), ("[::]:0", "[2001:db8::1]:9")].into_iter().filter_map(
        |(from, to)| {
            let socket = UdpSocket::bind(from).ok()?;
            socket.connect(to).ok()?;
            Some(socket.local_addr().ok()?.ip())
        },
    )
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::Tls;

    #[test]
    fn it_is_made_once_and_renewed_before_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let now = SystemTime::now();
        let fingerprint = |at| {
            let files = keep(folder.path(), "Workshop.lan", at).unwrap();
            Tls::new(files).unwrap().fingerprint().unwrap()
        };
        let first = fingerprint(now);
        let mode = fs::metadata(folder.path().join("key.pem")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fingerprint(now + Duration::from_secs(700 * DAY)), first);
        let second = fingerprint(now + Duration::from_secs(790 * DAY));
        assert_ne!(second, first);
        // If the key is gone, or a file is not ours, both are made again.
        fs::remove_file(folder.path().join("key.pem")).unwrap();
        let third = fingerprint(now);
        assert_ne!(third, second);
        fs::write(folder.path().join("certificate.pem"), "half a fi").unwrap();
        assert_ne!(fingerprint(now), third);
    }

    #[test]
    fn it_has_the_names_of_the_machine() {
        let names = names("Workshop.lan.");
        for name in ["localhost", "127.0.0.1", "workshop", "workshop.local", "workshop.lan"] {
            assert!(names.iter().any(|n| n == name), "{name}: {names:?}");
        }
        make("a name\nof evil_", Duration::from_secs(2_000_000_000)).unwrap();
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = keep(&folder.path().join("none"), "m", SystemTime::now()).unwrap_err();
        assert!(error.to_string().contains("key.pem"), "{error}");
    }
}
