//! Pictures that people bring: received into a file of the store, checked, and stored as they are.

use std::io::{self, Seek, SeekFrom, Write};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use serde::Serialize;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use warp::http::StatusCode;
use wire::{Author, MediaType, PhotoId, TimeSource};

use crate::filename;
use crate::multipart::{BadBody, Multipart, Part};
use crate::now::Now;
use crate::picture::{self, BadPicture, Checked, Looked, Pool, PoolError};
use crate::problem::Problem;
use crate::store::{Added, Content, Incoming, NewPhoto, Store};

/// Requests that send at once, and how long another one waits for its turn.
const AT_ONCE: usize = 64;
const TURN_WITHIN: Duration = Duration::from_secs(10);

/// Bytes of a body that is not wanted, and how long it may take.
const PASSED_OVER: usize = 64 << 20;
const PASSED_OVER_WITHIN: Duration = Duration::from_secs(10);

/// Pictures of one request.
const FILES: usize = 100;

/// Bytes of one request: pictures of so many bytes, and what stands between them.
const fn body_bytes(upload: u64) -> u64 {
    FILES as u64 * (upload + 64 * 1024)
}

/// How long a request may take in all, on the slowest link.
const WITHIN: Duration = Duration::from_secs(15 * 60);

/// Taking the place out of a picture takes its bytes, and those of its texts once more.
const COPIES: u64 = 2;

/// What is written at once.
const PIECE: usize = 256 * 1024;

/// The field that holds a picture.
const FIELD: &str = "image";

/// The field before a picture that says how many milliseconds ago it was taken.
const AGE: &str = "age";

/// How many digits that may have.
const AGE_DIGITS: usize = 15;

/// The way in for pictures. A cheap handle.
#[derive(Debug, Clone)]
pub(crate) struct Uploads {
    store: Store,
    pool: Pool,
    turns: Arc<Semaphore>,
}

/// What became of a picture.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Outcome {
    Stored {
        id: PhotoId,
        url: String,
    },
    Refused {
        #[serde(flatten)]
        problem: Problem,
        status: u16,
        name: String,
    },
}

impl Uploads {
    pub fn new(store: Store, pool: Pool) -> Self {
        Uploads { store, pool, turns: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// Receives a request's pictures one after another. `person` brings them.
    ///
    /// # Errors
    /// [`Problem`] if none of them was stored.
    pub async fn receive(
        &self,
        person: Option<Author>,
        content_type: Option<String>,
        length: Option<u64>,
        body: impl Stream<Item = Result<impl Buf, warp::Error>> + Send,
    ) -> Result<Vec<Outcome>, Problem> {
        let most = body_bytes(self.pool.config().upload);
        if length.is_some_and(|length| length > most) {
            return Err(bad_body(&BadBody::TooLarge));
        }
        let body = Box::pin(bounded(body, most));
        let content_type = content_type.unwrap_or_default();
        let mut body = Multipart::new(&content_type, body).map_err(|error| bad_body(&error))?;
        let turn = timeout(TURN_WITHIN, self.turns.acquire()).await.map_err(|_| {
            let hint = "try again in some seconds";
            Problem::unavailable(format!("{AT_ONCE} uploads are under way already"), hint)
                .retry_after(5)
        })?;
        let outcomes = timeout(WITHIN, self.files(person, &mut body)).await.unwrap_or_else(|_| {
            let error = format!("the upload took more than {} min", WITHIN.as_secs() / 60);
            Err(Problem::new(StatusCode::REQUEST_TIMEOUT, error, "send fewer pictures at once"))
        });
        drop(turn);
        outcomes
    }

    async fn files<S>(
        &self,
        person: Option<Author>,
        body: &mut Multipart<S>,
    ) -> Result<Vec<Outcome>, Problem>
    where
        S: Stream<Item = Result<Bytes, BadBody>> + Unpin,
    {
        let mut outcomes = Vec::new();
        let mut broken = None;
        let mut brought = Brought { person, taken: None };
        loop {
            let part = match body.next().await {
                Ok(Some(part)) if part.name == FIELD => part,
                Ok(Some(part)) if part.name == AGE => {
                    // What is wrong with the body is found again with the next part.
                    brought.taken = taken(body).await.unwrap_or_default();
                    continue;
                }
                Ok(Some(_)) => continue,
                Ok(None) => break,
                Err(error) => {
                    broken = Some(bad_body(&error));
                    break;
                }
            };
            if outcomes.len() == FILES {
                let error = format!("there are more than {FILES} pictures");
                broken = Some(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, error, "send fewer"));
                break;
            }
            outcomes.push(self.file(part, &brought, body).await);
            brought.taken = None;
        }
        let broken = broken.map(|problem| refused(problem, String::new()));
        outcomes.extend(broken);
        if outcomes.iter().any(|outcome| matches!(outcome, Outcome::Stored { .. })) {
            return Ok(outcomes);
        }
        Err(match outcomes.into_iter().next() {
            Some(Outcome::Refused { problem, .. }) => problem,
            _ => nothing("the form has no field image"),
        })
    }

    /// Takes a whole picture from memory, under an id that its bringer chose.
    ///
    /// # Errors
    /// [`Problem`] if it is none, or cannot be stored.
    pub async fn bring(&self, id: PhotoId, bytes: Bytes) -> Result<(), Problem> {
        let incoming = write(&self.store, self.store.incoming().await?, bytes).await?;
        let (incoming, media, checked) = self.check(incoming).await?;
        self.keep(id, incoming, media, checked, &Brought::default(), String::new()).await?;
        Ok(())
    }

    async fn file<S>(&self, part: Part, brought: &Brought, body: &mut Multipart<S>) -> Outcome
    where
        S: Stream<Item = Result<Bytes, BadBody>> + Unpin,
    {
        let name = filename::clean(&part.file_name.unwrap_or_default());
        let stored = async {
            let most = self.pool.config().upload;
            let incoming = receive(&self.store, self.store.incoming().await?, body, most).await?;
            let (incoming, media, checked) = self.check(incoming).await?;
            let id = PhotoId::new(Now::read().wall_ms(), fastrand::u128(..));
            self.keep(id, incoming, media, checked, brought, name.clone()).await
        };
        match stored.await {
            Ok(id) => Outcome::Stored { url: format!("/photos/{id}"), id },
            Err(problem) => refused(problem, name),
        }
    }

    /// Takes the place out unless it is to be kept, and checks what is left: that is what is
    /// stored. The file is read twice, since what decoding takes is known only when it was read.
    async fn check(&self, incoming: Incoming) -> Result<(Incoming, MediaType, Checked), Problem> {
        let length = incoming.path().metadata().map_err(|error| disk(&error))?.len();
        let looked = self.pool.run(length * COPIES, move |config| look(incoming, config));
        let (incoming, media, looked) = looked.await??;
        let checked = self.pool.run(looked.memory, move |_| {
            let bytes = std::fs::read(incoming.path()).map_err(|error| disk(&error))?;
            picture::check(media, &bytes)?;
            Ok::<_, Problem>((incoming, media, looked.checked))
        });
        checked.await?
    }

    async fn keep(
        &self,
        id: PhotoId,
        incoming: Incoming,
        media: MediaType,
        checked: Checked,
        brought: &Brought,
        name: String,
    ) -> Result<PhotoId, Problem> {
        let now = Now::read().wall_ms();
        let (taken, time) = match (brought.taken, checked.plausible(now)) {
            (Some(taken), _) => (taken, TimeSource::Browser),
            (None, Some(taken)) => (taken, TimeSource::Exif),
            (None, None) => (now, TimeSource::Received),
        };
        let new = NewPhoto {
            id,
            taken,
            time,
            media,
            width: checked.width,
            height: checked.height,
            camera: None,
            camera_name: String::new(),
            person: brought.person.clone(),
            name,
            content: Content::File(incoming),
        };
        match self.store.add(new).await? {
            Added::New(photo) | Added::Same(photo) => Ok(photo.id),
            Added::Deleted => Err(Problem::internal("a new id was taken already")),
        }
    }
}

/// What is known of a picture besides itself.
#[derive(Debug, Default)]
struct Brought {
    person: Option<Author>,
    /// When it was taken, in milliseconds since 1970, if the browser said how old it was.
    taken: Option<u64>,
}

/// When a picture was taken, by the age that the browser says. A browser's clock may be wrong, but
/// hardly in the difference between two of its times.
async fn taken<S>(body: &mut Multipart<S>) -> Result<Option<u64>, BadBody>
where
    S: Stream<Item = Result<Bytes, BadBody>> + Unpin,
{
    let now = Now::read().wall_ms();
    let mut text = Vec::new();
    while let Some(data) = body.data().await? {
        if text.len() <= AGE_DIGITS {
            text.extend_from_slice(&data);
        }
    }
    let age = std::str::from_utf8(&text).ok().filter(|text| text.len() <= AGE_DIGITS);
    let age = age.and_then(|age| age.parse::<f64>().ok()).filter(|age| *age >= 0.0);
    Ok(age.and_then(|age| now.checked_sub(age as u64)))
}

fn refused(problem: Problem, name: String) -> Outcome {
    Outcome::Refused { status: problem.status().as_u16(), problem, name }
}

/// Takes a body that is not wanted, as much as one picture has: who still sends when they are
/// answered and let go loses the answer.
pub(crate) async fn pass_over(body: impl Stream<Item = Result<impl Buf, warp::Error>> + Send) {
    let mut body = pin!(body);
    let taken = async {
        let mut size = 0;
        while let Some(Ok(piece)) = body.next().await
            && size <= PASSED_OVER
        {
            size += piece.remaining();
        }
    };
    let _ = timeout(PASSED_OVER_WITHIN, taken).await;
}

/// Writes a part's data into the file. What is too much is not written.
async fn receive<S>(
    store: &Store,
    mut incoming: Incoming,
    body: &mut Multipart<S>,
    most: u64,
) -> Result<Incoming, Problem>
where
    S: Stream<Item = Result<Bytes, BadBody>> + Unpin,
{
    let (mut size, mut piece) = (0, BytesMut::new());
    loop {
        let data = body.data().await.map_err(|error| bad_body(&error))?;
        let ended = data.is_none();
        let data = data.unwrap_or_default();
        size += data.len() as u64;
        if size > most {
            let hint = "make it smaller, or let it be larger: gallery.pictures.upload";
            let error = format!("the picture has more than {} MiB", most >> 20);
            return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, error, hint));
        }
        piece.extend_from_slice(&data);
        if piece.len() >= PIECE || ended && !piece.is_empty() {
            incoming = write(store, incoming, piece.split().freeze()).await?;
        }
        if ended {
            break;
        }
    }
    if size == 0 { Err(nothing("the picture is empty")) } else { Ok(incoming) }
}

async fn write(store: &Store, mut incoming: Incoming, bytes: Bytes) -> Result<Incoming, Problem> {
    let store = store.clone();
    let written = spawn_blocking(move || {
        // Many large ones may come at once.
        store.has_room()?;
        incoming.file().write_all(&bytes).map_err(|error| disk(&error))?;
        Ok(incoming)
    });
    written.await.map_err(|error| disk(&error.into()))?
}

/// Takes the place out unless it is to be kept, and looks at what is left.
fn look(
    mut incoming: Incoming,
    config: &picture::Config,
) -> Result<(Incoming, MediaType, Looked), Problem> {
    let mut bytes = std::fs::read(incoming.path()).map_err(|error| disk(&error))?;
    let media = picture::recognise(&bytes).ok_or(BadPicture::Unknown)?;
    // What will be refused need not be searched.
    picture::look(media, &bytes)?.within(config)?;
    if !config.keep_gps && picture::without_gps(media, &mut bytes)? {
        let file = incoming.file();
        file.seek(SeekFrom::Start(0))
            .and_then(|_| file.write_all(&bytes))
            .map_err(|error| disk(&error))?;
    }
    let looked = picture::look(media, &bytes)?;
    looked.within(config)?;
    Ok((incoming, media, looked))
}

/// The body as bytes, up to a limit.
fn bounded(
    body: impl Stream<Item = Result<impl Buf, warp::Error>> + Send,
    limit: u64,
) -> impl Stream<Item = Result<Bytes, BadBody>> + Send {
    let mut left = limit;
    body.map(move |piece| {
        let mut piece = piece.map_err(|_| BadBody::Cut)?;
        let length = piece.remaining();
        left = left.checked_sub(length as u64).ok_or(BadBody::TooLarge)?;
        Ok(piece.copy_to_bytes(length))
    })
}

fn nothing(error: &str) -> Problem {
    let hint = "send at least one picture: curl -F image=@a.jpg …/upload";
    Problem::new(StatusCode::BAD_REQUEST, error, hint)
}

fn bad_body(error: &BadBody) -> Problem {
    let (status, hint) = match error {
        BadBody::NotMultipart => {
            let hint =
                "send a form with pictures in the field image: curl -F image=@a.jpg …/upload";
            (StatusCode::UNSUPPORTED_MEDIA_TYPE, hint)
        }
        BadBody::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "send fewer pictures at once"),
        BadBody::Silent => (StatusCode::REQUEST_TIMEOUT, "send it again over a better connection"),
        BadBody::Cut | BadBody::Broken(_) => (StatusCode::BAD_REQUEST, "send it again"),
    };
    Problem::new(status, error.to_string(), hint)
}

/// Of an error while writing: the disk may have filled up meanwhile.
fn disk(error: &io::Error) -> Problem {
    if error.kind() == io::ErrorKind::StorageFull || error.kind() == io::ErrorKind::QuotaExceeded {
        let hint = "make room on the gallery's disk, then send it again";
        return Problem::new(StatusCode::INSUFFICIENT_STORAGE, "the gallery's disk is full", hint);
    }
    Problem::internal(format!("the picture cannot be written: {error}"))
}

impl From<BadPicture> for Problem {
    fn from(bad: BadPicture) -> Self {
        let error = format!("the picture is refused: {bad}");
        if bad.is_too_large() {
            let hint =
                "make it smaller; [gallery.pictures] of the configuration says what is taken";
            return Problem::new(StatusCode::PAYLOAD_TOO_LARGE, error, hint);
        }
        let hint = match bad {
            BadPicture::Unknown => "its content counts, not its name: convert it",
            _ => "open it in a program that can read it, and save it anew",
        };
        Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, error, hint)
    }
}

impl From<PoolError> for Problem {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Memory(bad) => bad.into(),
            PoolError::Failed | PoolError::Thread(_) => Problem::internal(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn taken_when_the_browser_says(age: &str) -> Option<u64> {
        let head = "--b\r\nContent-Disposition: form-data; name=\"age\"\r\n\r\n";
        let body = Bytes::from(format!("{head}{age}\r\n--b--\r\n"));
        let body = futures_util::stream::iter([Ok(body)]);
        let mut body = Multipart::new("multipart/form-data; boundary=b", body).unwrap();
        assert_eq!(body.next().await.unwrap().unwrap().name, AGE);
        taken(&mut body).await.unwrap()
    }

    #[tokio::test]
    async fn an_age_is_subtracted_from_the_gallerys_clock() {
        let before = Now::read().wall_ms();
        let taken = taken_when_the_browser_says("1500.7").await.unwrap();
        assert!((before - 1500..=Now::read().wall_ms() - 1500).contains(&taken));
        for bad in ["", "-1", "NaN", "inf", "yesterday", "1e300", &"9".repeat(100)] {
            assert_eq!(taken_when_the_browser_says(bad).await, None, "{bad}");
        }
    }
}
