//! Uploads of pictures: received into a file of the store, checked, and stored.
//!
//! `multipart` reads bodies, `form` reads fields, `check` examines pictures, and `idempotency`
//! recognises repeated uploads. This folder knows the store, pictures and HTTP problems, but no
//! routes or headers. It never holds a body in memory, never does more work at once than there are
//! turns, and never stores a picture before it is checked completely.

mod check;
mod form;
pub(crate) mod idempotency;
pub(super) mod multipart;

use std::pin::pin;
use std::time::{Duration, Instant};

use bytes::{Buf, Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use serde::Serialize;
use tokio::time::timeout;
use warp::http::StatusCode;
use wire::{Author, MediaType, Photo, PhotoId};

use crate::limits::shares::{Shares, Who};
use crate::now::Now;
use crate::photos::filename;
use crate::photos::picture::{self, Pool};
use crate::photos::store::{Added, Content, Incoming, NewPhoto, Store, StoreError};
use crate::problem::{Code, Problem};
use check::{Picture, check};
use form::{AGE, Brought, FIELD, MODIFIED, number};
use idempotency::{Bringer, Claim, Key, Named, Names};
use multipart::{BadBody, Multipart, Part};

#[cfg(test)]
pub(crate) use check::{ASIDE, COPIES};

/// How long a request waits for its turn.
const TURN_WITHIN: Duration = Duration::from_secs(10);

/// The most bytes that are read of an unwanted body, and for how long.
const PASSED_OVER: usize = 64 << 20;
const PASSED_OVER_WITHIN: Duration = Duration::from_secs(10);

/// The most pictures of one request.
const FILES: usize = 100;

/// The most bytes of one request: pictures of `upload` bytes, and what is between them.
const fn body_bytes(upload: u64) -> u64 {
    FILES as u64 * (upload + 64 * 1024)
}

/// How long a request may take, on the slowest link.
const WITHIN: Duration = Duration::from_secs(15 * 60);

/// The most bytes written at once.
const PIECE: usize = 256 * 1024;

/// The entrance for uploads. A cheap handle.
#[derive(Debug, Clone)]
pub(crate) struct Uploads {
    store: Store,
    pool: Pool,
    turns: Shares,
    names: Names,
}

/// The limits of an upload.
#[derive(Debug, Serialize)]
pub(crate) struct Taken {
    types: [MediaType; 4],
    bytes: u64,
    pixels: u64,
}

/// The result for one picture.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Outcome {
    Stored {
        id: PhotoId,
        url: String,
        /// Whether the same bytes were here before.
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
    /// Whether a photo was added.
    pub fn is_new(&self) -> bool {
        matches!(self, Outcome::Stored { already: false, .. })
    }
}

impl Uploads {
    /// The number of `turns` limits how many uploads are received at once.
    pub fn new(store: Store, pool: Pool, turns: Shares) -> Self {
        Uploads { store, pool, turns, names: Names::default() }
    }

    /// The limits, for clients that want to know them before sending.
    pub fn taken(&self) -> Taken {
        let picture::Config { upload: bytes, pixels, .. } = *self.pool.config();
        let types = [MediaType::Jpeg, MediaType::Png, MediaType::WebP, MediaType::Gif];
        Taken { types, bytes, pixels }
    }

    /// Receives the pictures of a request of `who`, one after another. `person` uploads them,
    /// perhaps with an idempotency `key`.
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
            return Err(BadBody::TooLarge.into());
        }
        let body = Box::pin(bounded(body, most));
        let content_type = content_type.unwrap_or_default();
        let mut body = Multipart::new(&content_type, body)?;
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
                    // An error in the body shows again with the next part.
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
                    broken = Some(error.into());
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

    /// Takes a whole picture from memory, under an id that the client chose.
    ///
    /// # Errors
    /// [`Problem`] if it is not a picture, or cannot be stored.
    pub async fn bring(&self, id: PhotoId, bytes: Bytes) -> Result<(), Problem> {
        let incoming = self.store.write(self.store.incoming().await?, bytes).await?;
        let picture = check(&self.pool, incoming).await?;
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
            let picture = check(&self.pool, incoming).await?;
            let id = Now::read().new_id();
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

    /// Writes a part's data to the file. Data beyond the limit is not written.
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
            let data = body.data().await?;
            let ended = data.is_none();
            let data = data.unwrap_or_default();
            size += data.len() as u64;
            if size > most {
                let hint = "make it smaller, or let it be larger: gallery.pictures.upload";
                let error = format!("the picture has more than {} MiB", most >> 20);
                let problem = Problem::new(StatusCode::PAYLOAD_TOO_LARGE, error, hint);
                return Err(problem.coded(Code::PictureTooLarge));
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

    /// The photo that already has these bytes. If it was stored under the same idempotency key and
    /// deleted since, a client that only missed the answer does not bring it back.
    async fn known(&self, brought: &Brought, arrived: &str) -> Result<Option<Photo>, Problem> {
        let claim = brought.named.as_ref().map(|named| {
            let now = Instant::now();
            self.names.claim(named, arrived, now)
        });
        match claim {
            Some(Claim::Other) => {
                let error = "this Idempotency-Key stands for another picture";
                let hint = "a key is for one upload and its repetitions: take a new one";
                let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, error, hint);
                return Err(problem.coded(Code::KeyTaken));
            }
            Some(Claim::Same(Some(id))) => match self.store.get(&id).await {
                Ok(photo) => return Ok(Some(photo)),
                Err(StoreError::Gone) => {
                    let error = "this upload was stored, but its photo has been deleted since";
                    let hint = "send it with another Idempotency-Key, or none, to store it again";
                    let problem = Problem::new(StatusCode::GONE, error, hint);
                    return Err(problem.coded(Code::PhotoDeleted));
                }
                // The photo is forgotten, so the key has no result any more.
                Err(StoreError::Unknown) => {}
                Err(error) => return Err(error.into()),
            },
            Some(Claim::New | Claim::Same(None)) | None => {}
        }
        Ok(self.store.find_file(arrived).await?)
    }

    /// Stores a picture. Returns its id, and whether it was here already.
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

fn refused(problem: Problem, name: String) -> Outcome {
    Outcome::Refused { status: problem.status().as_u16(), problem, name }
}

/// Reads an unwanted body, at most the size of one picture: a client that still sends when the
/// connection closes would lose the answer.
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
