//! Pictures that people bring: received into a file of the store, checked, and stored as they are.

use std::pin::pin;
use std::time::{Duration, Instant};

use bytes::{Buf, Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use serde::Serialize;
use tokio::time::timeout;
use warp::http::StatusCode;
use wire::{Author, MediaType, Photo, PhotoId, TimeSource};

use crate::limits::shares::{Shares, Who};
use crate::now::Now;
use crate::photos::filename;
use crate::photos::idempotency::{Bringer, Claim, Key, Named, Names};
use crate::photos::multipart::{BadBody, Multipart, Part};
use crate::photos::picture::{self, BadPicture, Checked, Pool, PoolError};
use crate::photos::store::{Added, Content, Incoming, NewPhoto, Store, StoreError};
use crate::problem::Problem;

/// How long a request waits for its turn.
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

/// Taking the place out of a picture takes its bytes, once more where they must move to make room,
/// and what is noted aside: changes, and texts that were compressed.
pub(crate) const COPIES: u64 = 2;
pub(crate) const ASIDE: u64 = 12 << 20;

/// What is written at once.
const PIECE: usize = 256 * 1024;

/// The field that holds a picture.
const FIELD: &str = "image";

/// The field before a picture that says how many milliseconds ago it was taken.
const AGE: &str = "age";

/// The field before a picture that says when its file was changed last, in milliseconds since 1970.
const MODIFIED: &str = "modified";

/// How many digits they may have.
const DIGITS: usize = 15;

/// The way in for pictures. A cheap handle.
#[derive(Debug, Clone)]
pub(crate) struct Uploads {
    store: Store,
    pool: Pool,
    turns: Shares,
    names: Names,
}

/// What a picture may be that is brought.
#[derive(Debug, Serialize)]
pub(crate) struct Taken {
    types: [MediaType; 4],
    bytes: u64,
    pixels: u64,
}

/// What became of a picture.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Outcome {
    Stored {
        id: PhotoId,
        url: String,
        /// The same bytes were here before.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        already: bool,
    },
    Refused {
        #[serde(flatten)]
        problem: Problem,
        status: u16,
        name: String,
    },
}

impl Outcome {
    /// Whether there is a photo more than before.
    pub fn is_new(&self) -> bool {
        matches!(self, Outcome::Stored { already: false, .. })
    }
}

impl Uploads {
    /// So many are received at once as there are `turns`.
    pub fn new(store: Store, pool: Pool, turns: Shares) -> Self {
        Uploads { store, pool, turns, names: Names::default() }
    }

    /// What is taken, for who would rather know before all of it was sent.
    pub fn taken(&self) -> Taken {
        let picture::Config { upload: bytes, pixels, .. } = *self.pool.config();
        let types = [MediaType::Jpeg, MediaType::Png, MediaType::WebP, MediaType::Gif];
        Taken { types, bytes, pixels }
    }

    /// Receives the pictures of a request of `who`, one after another. `person` brings them, and may
    /// call them by a `key`.
    ///
    /// # Errors
    /// [`Problem`] if none of them was stored.
    pub async fn receive(
        &self,
        who: Who,
        person: Option<Author>,
        key: Option<Key>,
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
        let turn = self.turns.take_within(who.clone(), TURN_WITHIN).await?;
        let bringer = match &person {
            Some(person) => Bringer::Person(person.id.clone()),
            None => Bringer::Stranger(who),
        };
        let named = key.map(|key| Named { bringer, key, number: 0 });
        let outcomes =
            timeout(WITHIN, self.files(person, named, &mut body)).await.unwrap_or_else(|_| {
                let error = format!("the upload took more than {} min", WITHIN.as_secs() / 60);
                Err(Problem::new(StatusCode::REQUEST_TIMEOUT, error, "send fewer pictures at once"))
            });
        drop(turn);
        outcomes
    }

    async fn files<S>(
        &self,
        person: Option<Author>,
        named: Option<Named>,
        body: &mut Multipart<S>,
    ) -> Result<Vec<Outcome>, Problem>
    where
        S: Stream<Item = Result<Bytes, BadBody>> + Unpin,
    {
        let mut outcomes = Vec::new();
        let mut broken = None;
        let mut brought = Brought { person, named, ..Brought::default() };
        loop {
            let part = match body.next().await {
                Ok(Some(part)) if part.name == FIELD => part,
                Ok(Some(part)) if part.name == AGE => {
                    // What is wrong with the body is found again with the next part.
                    let age = number(body).await.unwrap_or_default();
                    brought.taken = age.and_then(|age| Now::read().wall_ms().checked_sub(age));
                    continue;
                }
                Ok(Some(part)) if part.name == MODIFIED => {
                    brought.modified = number(body).await.unwrap_or_default();
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
            (brought.taken, brought.modified) = (None, None);
            if let Some(named) = &mut brought.named {
                named.number += 1;
            }
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
        let incoming = self.store.write(self.store.incoming().await?, bytes).await?;
        let picture = self.check(incoming).await?;
        self.keep(id, picture, &Brought::default(), String::new()).await?;
        Ok(())
    }

    async fn file<S>(&self, part: Part, brought: &Brought, body: &mut Multipart<S>) -> Outcome
    where
        S: Stream<Item = Result<Bytes, BadBody>> + Unpin,
    {
        let name = filename::clean(&part.file_name.unwrap_or_default());
        let stored = async {
            let incoming = self.write(self.store.incoming().await?, body).await?;
            if let Some(photo) = self.known(brought, &incoming.arrived()).await? {
                return Ok((photo.id, true));
            }
            let picture = self.check(incoming).await?;
            let id = PhotoId::new(Now::read().wall_ms(), fastrand::u128(..));
            self.keep(id, picture, brought, name.clone()).await
        };
        match stored.await {
            Ok((id, already)) => {
                if let Some(named) = &brought.named {
                    self.names.stored(named, &id);
                }
                Outcome::Stored { url: format!("/photos/{id}"), id, already }
            }
            Err(problem) => refused(problem, name),
        }
    }

    /// Writes a part's data into the file. What is too much is not written.
    async fn write<S>(
        &self,
        mut incoming: Incoming,
        body: &mut Multipart<S>,
    ) -> Result<Incoming, Problem>
    where
        S: Stream<Item = Result<Bytes, BadBody>> + Unpin,
    {
        let most = self.pool.config().upload;
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
                incoming = self.store.write(incoming, piece.split().freeze()).await?;
            }
            if ended {
                break;
            }
        }
        if size == 0 { Err(nothing("the picture is empty")) } else { Ok(incoming) }
    }

    /// The photo that these bytes are already. What was stored under the name that they have, and
    /// deleted since, is not brought back by a client that only never heard the answer.
    async fn known(&self, brought: &Brought, arrived: &str) -> Result<Option<Photo>, Problem> {
        let claim = brought.named.as_ref().map(|named| {
            let now = Instant::now();
            self.names.claim(named, arrived, now)
        });
        match claim {
            Some(Claim::Other) => {
                let error = "this Idempotency-Key stands for another picture";
                let hint = "a key is for one upload and its repetitions: take a new one";
                return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, error, hint));
            }
            Some(Claim::Same(Some(id))) => match self.store.get(&id).await {
                Ok(photo) => return Ok(Some(photo)),
                Err(StoreError::Gone) => {
                    let error = "this upload was stored, and the photo was deleted since";
                    let hint = "with another Idempotency-Key, or none, it is stored anew";
                    return Err(Problem::new(StatusCode::GONE, error, hint));
                }
                // It was forgotten, and so is what became of the key.
                Err(StoreError::Unknown) => {}
                Err(error) => return Err(error.into()),
            },
            Some(Claim::New | Claim::Same(None)) | None => {}
        }
        Ok(self.store.find_file(arrived).await?)
    }

    /// Takes the place out unless it is to be kept, and checks what is left: that is what is
    /// stored. The file is read twice, since what decoding takes is known only when it was read.
    async fn check(&self, mut incoming: Incoming) -> Result<Picture, Problem> {
        let length = incoming.draft().size()?;
        let looked = self.pool.run(length * COPIES + ASIDE, move |config| look(incoming, config));
        let (picture, memory) = looked.await??;
        let checked = self.pool.run(memory, move |_| {
            let mut picture = picture;
            picture::check(picture.media, &picture.incoming.draft().read()?)?;
            Ok(picture)
        });
        checked.await?
    }

    /// Stores it. Answers its id, and whether it was here already.
    async fn keep(
        &self,
        id: PhotoId,
        picture: Picture,
        brought: &Brought,
        name: String,
    ) -> Result<(PhotoId, bool), Problem> {
        let Picture { incoming, media, checked, times } = picture;
        let (taken, time) = brought.taken(&times, Now::read().wall_ms());
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
            Added::New(photo) => Ok((photo.id, false)),
            Added::Same(photo) => Ok((photo.id, true)),
            Added::Deleted => Err(Problem::internal("a new id was taken already")),
        }
    }
}

/// A picture that can be stored.
#[derive(Debug)]
struct Picture {
    incoming: Incoming,
    media: MediaType,
    checked: Checked,
    /// When it may have been taken, as [`picture::times`] tells.
    times: Vec<u64>,
}

/// What is known of a picture besides itself.
#[derive(Debug, Default)]
struct Brought {
    person: Option<Author>,
    /// What its bringer calls it.
    named: Option<Named>,
    /// When it was taken, in milliseconds since 1970, if the browser said how old it was. A
    /// browser's clock may be wrong, but hardly in the difference between two of its times.
    taken: Option<u64>,
    /// When its file was changed last, in milliseconds since 1970.
    modified: Option<u64>,
}

impl Brought {
    /// When a picture was taken that tells these times itself, as well as it is known at `now`.
    fn taken(&self, times: &[u64], now: u64) -> (u64, TimeSource) {
        if let Some(taken) = self.taken {
            return (taken, TimeSource::Browser);
        }
        if let Some(taken) = picture::plausible(times, now) {
            return (taken, TimeSource::Exif);
        }
        match picture::plausible(self.modified.as_slice(), now) {
            Some(modified) => (modified, TimeSource::File),
            None => (now, TimeSource::Received),
        }
    }
}

/// What a field says that holds a number of milliseconds.
async fn number<S>(body: &mut Multipart<S>) -> Result<Option<u64>, BadBody>
where
    S: Stream<Item = Result<Bytes, BadBody>> + Unpin,
{
    let mut text = Vec::new();
    while let Some(data) = body.data().await? {
        if text.len() <= DIGITS {
            text.extend_from_slice(&data);
        }
    }
    let text = std::str::from_utf8(&text).ok().filter(|text| text.len() <= DIGITS);
    let number = text.and_then(|text| text.parse::<f64>().ok()).filter(|number| *number >= 0.0);
    // Not NaN, and of 15 digits at most; what is more, such as 1e300, becomes the largest.
    Ok(number.map(|number| number as u64))
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

/// Takes the place out unless it is to be kept, and looks at what is left. Tells what it takes to
/// decode that.
fn look(mut incoming: Incoming, config: &picture::Config) -> Result<(Picture, u64), Problem> {
    let mut bytes = incoming.draft().read()?;
    let media = picture::recognise(&bytes).ok_or_else(|| picture::not_taken(&bytes))?;
    // What will be refused need not be searched.
    let mut looked = picture::look(media, &bytes)?;
    looked.within(config)?;
    // With the place goes the satellites' time.
    let times = picture::times(media, &bytes);
    if !config.keep_gps && picture::without_places(media, &mut bytes)? {
        incoming.draft().rewrite(&bytes)?;
        looked = picture::look(media, &bytes)?;
        looked.within(config)?;
    }
    Ok((Picture { incoming, media, checked: looked.checked, times }, looked.memory))
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

impl From<BadPicture> for Problem {
    fn from(bad: BadPicture) -> Self {
        let error = format!("the picture is refused: {bad}");
        if bad.is_too_large() {
            let hint =
                "make it smaller; [gallery.pictures] of the configuration says what is taken";
            return Problem::new(StatusCode::PAYLOAD_TOO_LARGE, error, hint);
        }
        let hint = match bad {
            BadPicture::Other("HEIC") => {
                "save it as JPEG; an iPhone does, with Settings, Camera, Formats, Most Compatible"
            }
            BadPicture::Unknown | BadPicture::Other(_) => {
                "its content counts, not its name: convert it"
            }
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

    async fn sent(number_of: &str) -> Option<u64> {
        let head = "--b\r\nContent-Disposition: form-data; name=\"age\"\r\n\r\n";
        let body = Bytes::from(format!("{head}{number_of}\r\n--b--\r\n"));
        let body = futures_util::stream::iter([Ok(body)]);
        let mut body = Multipart::new("multipart/form-data; boundary=b", body).unwrap();
        assert_eq!(body.next().await.unwrap().unwrap().name, AGE);
        number(&mut body).await.unwrap()
    }

    #[tokio::test]
    async fn numbers_of_milliseconds_are_read() {
        assert_eq!(sent("1500.7").await, Some(1500));
        assert_eq!(sent("1763640000000").await, Some(1_763_640_000_000));
        for bad in ["", "-1", "NaN", "yesterday", &"9".repeat(100)] {
            assert_eq!(sent(bad).await, None, "{bad}");
        }
    }

    #[test]
    fn a_picture_knows_better_than_its_file_and_a_shutter_better_than_both() {
        const NOW: u64 = 1_763_640_000_000;
        let taken = |taken, times: &[u64], modified| {
            Brought { taken, modified, ..Brought::default() }.taken(times, NOW)
        };
        assert_eq!(taken(Some(7), &[NOW - 5], Some(NOW - 3)), (7, TimeSource::Browser));
        assert_eq!(taken(None, &[NOW - 5], Some(NOW - 3)), (NOW - 5, TimeSource::Exif));
        // A clock that was never set, one that is ahead, and then one that is right.
        assert_eq!(taken(None, &[10_000, NOW + 1, NOW - 5], None), (NOW - 5, TimeSource::Exif));
        assert_eq!(taken(None, &[NOW + 1], Some(NOW - 3)), (NOW - 3, TimeSource::File));
        for modified in [None, Some(0), Some(NOW + 1), Some(u64::MAX)] {
            assert_eq!(taken(None, &[], modified), (NOW, TimeSource::Received), "{modified:?}");
        }
    }
}
