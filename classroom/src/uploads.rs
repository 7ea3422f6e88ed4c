//! `POST /upload`: a file in the field `image`, as Express and multer take it. All pages are told its
//! path, and it stays there while the class lasts.
//!
//! The files have no names on the disk, so nothing is left of them.

use std::collections::VecDeque;
use std::fs::{File, create_dir_all};
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use access::Right;
use bytes::Bytes;
use futures_util::stream;
use gallery::{Caller, House, MESSAGE};
use hyper::Request;
use hyper::body::Incoming;
use percent_encoding::percent_decode_str;
use tokio::task::spawn_blocking;
use tracing::warn;
use traffic::{Kind, Passing, Way};
use warp::http::StatusCode;
use warp::http::header::CONTENT_TYPE;
use warp::reply::Response;

use crate::body;
use crate::folder::{self, Opened};
use crate::replies;

/// The form's field.
const FIELD: &str = "image";

/// What may be in a form beside the file.
const AROUND: usize = 64 * 1024;

/// The most bytes and files that stay; the oldest go first.
const BYTES: u64 = 256 << 20;
const FILES: usize = 512;

/// The longest name, in characters.
const NAME: usize = 80;

/// The uploads of a class. A cheap handle.
#[derive(Debug, Clone)]
pub(crate) struct Uploads {
    house: House,
    keeps: bool,
    folder: PathBuf,
    kept: Arc<Mutex<VecDeque<Upload>>>,
}

#[derive(Debug)]
struct Upload {
    name: String,
    file: File,
    length: u64,
    etag: String,
}

impl Uploads {
    /// Files are in `folder` while they are here. Pictures become photos if the house `keeps` them.
    pub fn new(house: House, keeps: bool, folder: PathBuf) -> Uploads {
        Uploads { house, keeps, folder, kept: Arc::default() }
    }

    /// Takes a file, and calls `tell` with its path.
    pub async fn take(
        &self,
        caller: &Caller,
        request: &mut Request<Incoming>,
        tell: impl FnOnce(&str, Passing),
    ) -> Response {
        let media = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let Some(boundary) = media.and_then(|media| multer::parse_boundary(media).ok()) else {
            let error =
                "Send a form as multipart/form-data. Envía un formulario multipart/form-data.";
            return replies::words(StatusCode::UNSUPPORTED_MEDIA_TYPE, error);
        };
        let mut memory = self.house.memory(caller.peer);
        let whole = body::whole(request.body_mut(), MESSAGE + AROUND, &mut memory).await;
        let Ok(whole) = whole else {
            let mistake = body::mistake(request.headers(), MESSAGE, false);
            self.house.traffic().mistake(Way::SocketIo, caller.peer, mistake);
            let error =
                format!("A file may have {0} MiB. Un archivo puede tener {0} MiB.", MESSAGE >> 20);
            return replies::words(StatusCode::PAYLOAD_TOO_LARGE, error);
        };
        // Not before it has come, or a client that still sends would not read the reason.
        if !caller.may(Right::Upload, None) {
            return replies::not_for_you();
        }
        let Some((name, bytes)) = form(whole, boundary).await else {
            let error =
                format!("The form needs a file in the field \"{FIELD}\". Falta el archivo.");
            return replies::words(StatusCode::BAD_REQUEST, error);
        };
        let traffic = self.house.traffic();
        let passing = traffic.passing(Way::SocketIo, caller.peer, Kind::Upload, bytes.len());
        traffic.opens().await;
        let (uploads, content) = (self.clone(), bytes.clone());
        let name = match spawn_blocking(move || uploads.add(&name, &content)).await {
            Ok(Ok(name)) => name,
            failed => {
                warn!(?failed, folder = %self.folder.display(), "cannot write an upload of the class");
                let error = "It cannot be written: is the disk full? No se puede escribir.";
                return replies::words(StatusCode::INSUFFICIENT_STORAGE, error);
            }
        };
        tell(&format!("uploads/{name}"), passing);
        if self.keeps && folder::media(&name).starts_with("image/") {
            let house = self.house.clone();
            // Ends when it is stored; as many wait as there is memory for.
            tokio::spawn(async move {
                house.keep(bytes).await;
                drop(memory);
            });
        }
        replies::words(StatusCode::OK, "OK")
    }

    /// The upload that a page at any path calls `uploads/<name>`.
    pub fn find(&self, path: &str) -> Option<Opened> {
        let (_, name) = path.rsplit_once("/uploads/")?;
        let name = percent_decode_str(name).decode_utf8().ok()?;
        let kept = self.lock();
        let Upload { file, length, etag, .. } = kept.iter().find(|upload| upload.name == name)?;
        let (length, etag, media) = (*length, etag.clone(), folder::media(&name));
        Some(Opened { file: file.try_clone().ok()?, length, etag, media })
    }

    /// Writes a file, and gives it a name of its own.
    fn add(&self, given: &str, bytes: &[u8]) -> io::Result<String> {
        create_dir_all(&self.folder)?;
        let mut file = tempfile::tempfile_in(&self.folder)?;
        file.write_all(bytes)?;
        let mut kept = self.lock();
        let name = unused(&clean(given), |name| kept.iter().any(|upload| upload.name == name));
        let etag = format!("\"{:032x}\"", fastrand::u128(..));
        let length = bytes.len() as u64;
        kept.push_back(Upload { name: name.clone(), file, length, etag });
        let all = |kept: &VecDeque<Upload>| kept.iter().map(|upload| upload.length).sum::<u64>();
        while kept.len() > FILES || all(&kept) > BYTES {
            kept.pop_front();
        }
        Ok(name)
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Upload>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The first file in the form's field, with its name.
async fn form(whole: Bytes, boundary: String) -> Option<(String, Bytes)> {
    let whole = stream::iter([Ok::<_, io::Error>(whole)]);
    let mut form = multer::Multipart::new(whole, boundary);
    while let Ok(Some(field)) = form.next_field().await {
        if field.name() == Some(FIELD)
            && let Some(name) = field.file_name()
        {
            let name = name.to_owned();
            return field.bytes().await.ok().map(|bytes| (name, bytes));
        }
    }
    None
}

/// A name that can stand in a path as it is, and keeps what says the type.
fn clean(given: &str) -> String {
    let last = given.rsplit(['/', '\\']).next().unwrap_or_default();
    let good = |c: char| !c.is_control() && !matches!(c, '#' | '?' | '%' | '<' | '>' | '"' | '\'');
    let name: String = last.chars().map(|c| if good(c) { c } else { '_' }).collect();
    let name = name.trim().trim_start_matches('.');
    let skip = name.chars().count().saturating_sub(NAME);
    let name: String = name.chars().skip(skip).collect();
    if name.is_empty() { FIELD.to_owned() } else { name }
}

/// The name, with a number before its end if it is used.
fn unused(name: &str, is_used: impl Fn(&str) -> bool) -> String {
    let (stem, end) = match name.rfind('.') {
        Some(dot) if dot > 0 => name.split_at(dot),
        _ => (name, ""),
    };
    let numbered = (2..).map(|number| format!("{stem}-{number}{end}"));
    let mut names = std::iter::once(name.to_owned()).chain(numbered);
    names.find(|name| !is_used(name)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_what_they_were_as_far_as_a_path_can_say_them() {
        for (given, name) in [
            ("foto.jpg", "foto.jpg"),
            ("mi foto (1) ñ.JPG", "mi foto (1) ñ.JPG"),
            ("C:\\fotos\\a.png", "a.png"),
            ("../../etc/passwd", "passwd"),
            ("..", "image"),
            (".env", "env"),
            ("a#b?c%41.gif", "a_b_c_41.gif"),
            ("a\nb\0.png", "a_b_.png"),
            ("", "image"),
        ] {
            assert_eq!(clean(given), name);
        }
        assert!(clean(&("x".repeat(300) + ".jpeg")).ends_with("xx.jpeg"));
        let used = ["a.jpg", "a-2.jpg", "b"];
        let unused = |name| unused(name, |name| used.contains(&name));
        assert_eq!([unused("a.jpg"), unused("b"), unused("c")], ["a-3.jpg", "b-2", "c"]);
    }

    #[tokio::test]
    async fn the_file_is_found_among_other_fields() {
        let text = "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--x\r\n\
            Content-Disposition: form-data; name=\"image\"; filename=\"f.jpg\"\r\n\r\nbytes\r\n--x--\r\n";
        let found = form(Bytes::from(text), "x".to_owned()).await;
        assert_eq!(found, Some(("f.jpg".to_owned(), Bytes::from("bytes"))));
        let cut = Bytes::from(text[..text.len() - 20].to_owned());
        assert_eq!(form(cut, "x".to_owned()).await, None);
        assert_eq!(form(Bytes::new(), "x".to_owned()).await, None);
    }
}
