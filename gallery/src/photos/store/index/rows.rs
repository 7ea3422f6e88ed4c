//! Converts rows to their types.

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ValueRef};
use rusqlite::{Result, Row};
use wire::{Author, MediaType, Photo, TimeSource};

use super::Tombstone;
use crate::photos::store::sidecar::{Deletion, Sidecar};

/// The columns that [`sidecar`] reads, of `photos` with [`NAMES`].
pub(super) const COLUMNS: &str = "photos.id, taken, time, received, media, bytes, width, height, \
     hash, cameras.id, camera_name, people.id, person_name, name, caption, pinned, arrived";
pub(super) const NAMES: &str = "LEFT JOIN cameras ON cameras.number = photos.camera \
     LEFT JOIN people ON people.number = photos.person";

pub(super) fn sidecar(row: &Row<'_>) -> Result<Sidecar> {
    let person: Option<Parsed<_>> = row.get(11)?;
    let name: String = row.get(12)?;
    let photo = Photo {
        id: row.get::<_, Parsed<_>>(0)?.0,
        taken: row.get(1)?,
        time: row.get::<_, Word<TimeSource>>(2)?.0,
        received: row.get(3)?,
        media: row.get::<_, Word<MediaType>>(4)?.0,
        bytes: row.get(5)?,
        width: row.get(6)?,
        height: row.get(7)?,
        hash: row.get(8)?,
        camera: row.get::<_, Option<Parsed<_>>>(9)?.map(|camera| camera.0),
        camera_name: row.get(10)?,
        person: person.map(|id| Author { id: id.0, name }),
        name: row.get(13)?,
        caption: row.get(14)?,
        pinned: row.get(15)?,
    };
    Ok(Sidecar { photo, arrived: row.get(16)?, deleted: None })
}

/// The columns that [`tombstone`] reads, of `tombstones`.
pub(super) const TOMBSTONE: &str = "id, taken, media, hash, deleted, expired, trashed";

pub(super) fn tombstone(row: &Row<'_>) -> Result<Tombstone> {
    Ok(Tombstone {
        id: row.get::<_, Parsed<_>>(0)?.0,
        taken: row.get(1)?,
        media: row.get::<_, Word<MediaType>>(2)?.0,
        hash: row.get(3)?,
        deletion: Deletion { at: row.get(4)?, expired: row.get(5)? },
        trashed: row.get(6)?,
    })
}

/// A type of `wire` that is a single word.
struct Word<T>(T);

/// A name of `wire`.
pub(super) struct Parsed<T>(pub T);

impl<T: serde::de::DeserializeOwned> FromSql for Word<T> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let word = serde_json::Value::from(value.as_str()?);
        serde_json::from_value(word).map(Word).map_err(FromSqlError::other)
    }
}

impl<T: std::str::FromStr<Err: std::error::Error + Send + Sync + 'static>> FromSql for Parsed<T> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_str()?.parse().map(Parsed).map_err(FromSqlError::other)
    }
}

/// The text of a type of `wire` that is a single word.
pub(super) fn word(of: impl serde::Serialize) -> String {
    match serde_json::to_value(of) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}
