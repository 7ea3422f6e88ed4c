//! The index: an SQLite database of what stands in the sidecars. Only the store's writer changes
//! it; readers have connections of their own.

use std::io;
use std::path::Path;

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ValueRef};
use rusqlite::{Connection, OpenFlags, OptionalExtension, Result, Row, Transaction, ffi, params};
use wire::{Author, MediaType, Photo, PhotoId, TimeSource};

use super::files::DayFolder;
use super::sidecar::{Deletion, Sidecar};

/// Changes with the schema. An index of an earlier version is brought up to date, one of a later
/// version made anew from the files.
const VERSION: i64 = 2;

/// From version 1 to 2: what an upload was before its place was taken out.
const FROM_1: &str = "ALTER TABLE photos ADD COLUMN arrived TEXT;
     CREATE INDEX photos_by_hash ON photos (hash);
     CREATE INDEX photos_by_arrived ON photos (arrived) WHERE arrived IS NOT NULL;";

/// A quarter of an hour in milliseconds.
pub(super) const QUARTER: u64 = 15 * 60 * 1000;

/// Opens the index for writing, made when missing.
///
/// `synchronous = FULL`: SQLite syncs its log before a commit returns, so that the index knows
/// every photo that was acknowledged, also when the power goes. It costs one sync for a whole group
/// of photos, and saves looking through all files after each unclean end.
pub(super) fn open(path: &Path) -> Result<Connection> {
    // What SQLite makes beside the database has the same mode. Before it is opened: to close any
    // file of the database takes the locks away that this process has on it.
    if let Err(error) = durable::private_file(path) {
        let code = match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ffi::SQLITE_FULL,
            _ => ffi::SQLITE_CANTOPEN,
        };
        let why = Some(error.to_string());
        return Err(rusqlite::Error::SqliteFailure(ffi::Error::new(code), why));
    }
    let connection = Connection::open(path)?;
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -4000;
         PRAGMA foreign_keys = ON;",
    )?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// Opens the index for reading, while another connection may write.
pub(super) fn open_to_read(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.pragma_update(None, "cache_size", -2000)?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(connection)
}

/// Makes the tables of a new index.
pub(super) fn create(connection: &mut Connection) -> Result<()> {
    let tx = connection.transaction()?;
    tx.execute_batch(include_str!("schema.sql"))?;
    tx.pragma_update(None, "user_version", VERSION)?;
    tx.commit()
}

/// Whether the tables are those of this version, as which those of an earlier one are made.
pub(super) fn make_current(connection: &mut Connection) -> Result<bool> {
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if version == 1 {
        let tx = connection.transaction()?;
        tx.execute_batch(FROM_1)?;
        tx.pragma_update(None, "user_version", VERSION)?;
        tx.commit()?;
        return Ok(true);
    }
    Ok(version == VERSION)
}

/// Whether SQLite finds nothing wrong with it.
pub(super) fn is_sound(connection: &Connection) -> Result<bool> {
    let told: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    Ok(told == "ok")
}

/// Whether it was closed in order.
pub(super) fn is_clean(connection: &Connection) -> Result<bool> {
    connection.query_row("SELECT clean FROM totals", [], |row| row.get(0))
}

/// From now on it is not, until it is closed.
pub(super) fn set_unclean(connection: &Connection) -> Result<()> {
    connection.execute("UPDATE totals SET clean = 0", []).map(drop)
}

/// Puts what SQLite's log holds into the database, and gives up its room, unless somebody reads
/// from it just now.
pub(super) fn empty_log(connection: &Connection) -> Result<()> {
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
}

/// Closes it in order: nothing is left to be checked at the next start.
pub(super) fn close(connection: Connection) -> Result<()> {
    connection.execute_batch("DELETE FROM busy; UPDATE totals SET clean = 1;")?;
    empty_log(&connection)?;
    connection.close().map_err(|(_, error)| error)
}

/// What the index knows of an id.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Known {
    Photo(Box<Sidecar>),
    Deleted(Tombstone),
    Nothing,
}

/// What is left of a deleted photo.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tombstone {
    pub id: PhotoId,
    pub taken: u64,
    pub media: MediaType,
    pub hash: String,
    pub deletion: Deletion,
    /// Its file can still be restored.
    pub trashed: bool,
}

pub(super) fn find(connection: &Connection, id: &PhotoId) -> Result<Known> {
    let sql = format!("SELECT {COLUMNS} FROM photos {NAMES} WHERE photos.id = ?");
    let photo = connection.prepare_cached(&sql)?.query_row([id.as_str()], sidecar).optional()?;
    if let Some(photo) = photo {
        return Ok(Known::Photo(Box::new(photo)));
    }
    let sql = format!("SELECT {TOMBSTONE} FROM tombstones WHERE id = ?");
    let found = connection.prepare_cached(&sql)?.query_row([id.as_str()], tombstone).optional()?;
    Ok(found.map_or(Known::Nothing, Known::Deleted))
}

/// The photo whose file is or was one of these, by its SHA-256; the oldest id of several.
pub(super) fn find_file(connection: &Connection, hashes: [&str; 2]) -> Result<Option<Photo>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM photos {NAMES} WHERE photos.id = (
             SELECT min(id) FROM (
                 SELECT id FROM photos WHERE hash IN (?1, ?2)
                 UNION ALL SELECT id FROM photos WHERE arrived IN (?1, ?2)))"
    );
    let found = connection.prepare_cached(&sql)?.query_row(hashes, sidecar).optional()?;
    Ok(found.map(|found| found.photo))
}

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

const TOMBSTONE: &str = "id, taken, media, hash, deleted, expired, trashed";

fn tombstone(row: &Row<'_>) -> Result<Tombstone> {
    Ok(Tombstone {
        id: row.get::<_, Parsed<_>>(0)?.0,
        taken: row.get(1)?,
        media: row.get::<_, Word<MediaType>>(2)?.0,
        hash: row.get(3)?,
        deletion: Deletion { at: row.get(4)?, expired: row.get(5)? },
        trashed: row.get(6)?,
    })
}

/// Adds a photo that the index does not know.
pub(super) fn insert(tx: &Transaction<'_>, sidecar: &Sidecar) -> Result<()> {
    let Sidecar { photo, arrived, .. } = sidecar;
    let camera = match &photo.camera {
        Some(camera) => Some(number(tx, "cameras", &camera.to_string())?),
        None => None,
    };
    let person = match &photo.person {
        Some(person) => Some(number(tx, "people", person.id.as_str())?),
        None => None,
    };
    tx.prepare_cached(
        "INSERT INTO photos (id, taken, received, time, media, bytes, width, height,
             hash, camera, camera_name, person, person_name, name, caption, pinned, arrived)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )?
    .execute(params![
        photo.id.as_str(),
        photo.taken,
        photo.received,
        word(photo.time),
        word(photo.media),
        photo.bytes,
        photo.width,
        photo.height,
        photo.hash,
        camera,
        photo.camera_name,
        person,
        photo.person.as_ref().map_or("", |person| &person.name),
        photo.name,
        photo.caption,
        photo.pinned,
        arrived,
    ])?;
    tx.prepare_cached("UPDATE totals SET photos = photos + 1, bytes = bytes + ?")?
        .execute([photo.bytes])?;
    count(tx, photo, camera, person)
}

/// Removes a photo.
pub(super) fn remove(tx: &Transaction<'_>, photo: &Photo) -> Result<()> {
    let (camera, person): (Option<i64>, Option<i64>) = tx
        .prepare_cached("DELETE FROM photos WHERE id = ? RETURNING camera, person")?
        .query_row([photo.id.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))?;
    tx.prepare_cached("UPDATE totals SET photos = photos - 1, bytes = bytes - ?")?
        .execute([photo.bytes])?;
    discount(tx, photo, camera, person)
}

/// Writes down a photo's caption and pin.
pub(super) fn update(tx: &Transaction<'_>, photo: &Photo) -> Result<()> {
    tx.prepare_cached("UPDATE photos SET caption = ?, pinned = ? WHERE id = ?")?
        .execute(params![photo.caption, photo.pinned, photo.id.as_str()])
        .map(drop)
}

pub(super) fn bury(tx: &Transaction<'_>, tombstone: &Tombstone) -> Result<()> {
    let Tombstone { id, taken, media, hash, deletion: Deletion { at, expired }, trashed } =
        tombstone;
    tx.prepare_cached("INSERT OR REPLACE INTO tombstones VALUES (?, ?, ?, ?, ?, ?, ?)")?
        .execute(params![id.as_str(), taken, word(*media), hash, at, expired, trashed])
        .map(drop)
}

pub(super) fn unbury(tx: &Transaction<'_>, id: &PhotoId) -> Result<()> {
    tx.prepare_cached("DELETE FROM tombstones WHERE id = ?")?.execute([id.as_str()]).map(drop)
}

/// How many photos there are, and their bytes.
pub(super) fn totals(connection: &Connection) -> Result<(u64, u64)> {
    connection
        .prepare_cached("SELECT photos, bytes FROM totals")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
}

/// When the newest was received, in milliseconds since 1970.
pub(super) fn newest_received(connection: &Connection) -> Result<u64> {
    connection.query_row("SELECT coalesce(max(received), 0) FROM photos", [], |row| row.get(0))
}

/// The unpinned photos that were received first, at most `limit` of them.
pub(super) fn oldest(connection: &Connection, limit: usize) -> Result<Vec<Sidecar>> {
    let sql =
        format!("SELECT {COLUMNS} FROM photos {NAMES} WHERE pinned = 0 ORDER BY received LIMIT ?");
    connection.prepare_cached(&sql)?.query_map([limit], sidecar)?.collect()
}

/// Deleted photos whose files are in the trash since before `deleted`.
pub(super) fn trashed(connection: &Connection, deleted: u64) -> Result<Vec<Tombstone>> {
    let sql =
        format!("SELECT {TOMBSTONE} FROM tombstones WHERE trashed = 1 AND deleted <= ? LIMIT 100");
    connection.prepare_cached(&sql)?.query_map([deleted], tombstone)?.collect()
}

/// What was there too long and was deleted for that before `deleted`.
pub(super) fn expired(connection: &Connection, deleted: u64) -> Result<Vec<Tombstone>> {
    let sql =
        format!("SELECT {TOMBSTONE} FROM tombstones WHERE expired = 1 AND deleted <= ? LIMIT 100");
    connection.prepare_cached(&sql)?.query_map([deleted], tombstone)?.collect()
}

/// The photos that the index has of a day.
pub(super) fn photos_of(connection: &Connection, day: &DayFolder) -> Result<Vec<Sidecar>> {
    let sql = format!("SELECT {COLUMNS} FROM photos {NAMES} WHERE taken >= ? AND taken < ?");
    let times = day.times();
    connection.prepare_cached(&sql)?.query_map([times.start, times.end], sidecar)?.collect()
}

/// The deleted photos that the index has of a day.
pub(super) fn tombstones_of(connection: &Connection, day: &DayFolder) -> Result<Vec<Tombstone>> {
    let sql = format!("SELECT {TOMBSTONE} FROM tombstones WHERE taken >= ? AND taken < ?");
    let times = day.times();
    connection.prepare_cached(&sql)?.query_map([times.start, times.end], tombstone)?.collect()
}

pub(super) fn busy(connection: &Connection) -> Result<Vec<DayFolder>> {
    let days: Result<Vec<String>> =
        connection.prepare("SELECT day FROM busy")?.query_map([], |row| row.get(0))?.collect();
    Ok(days?.iter().filter_map(|day| DayFolder::parse(day)).collect())
}

pub(super) fn set_busy(connection: &Connection, day: &DayFolder) -> Result<()> {
    connection.execute("INSERT OR IGNORE INTO busy VALUES (?)", [day.as_str()]).map(drop)
}

pub(super) fn set_quiet(connection: &Connection, day: &DayFolder) -> Result<()> {
    connection.execute("DELETE FROM busy WHERE day = ?", [day.as_str()]).map(drop)
}

/// The number of a camera or person, who has one photo more from now on.
fn number(tx: &Transaction<'_>, table: &str, id: &str) -> Result<i64> {
    tx.prepare_cached(&format!(
        "INSERT INTO {table} (id, count) VALUES (?, 1)
         ON CONFLICT DO UPDATE SET count = count + 1 RETURNING number"
    ))?
    .query_row([id], |row| row.get(0))
}

/// Adds a photo to the quarters of each filter that it passes.
fn count(
    tx: &Transaction<'_>,
    photo: &Photo,
    camera: Option<i64>,
    person: Option<i64>,
) -> Result<()> {
    let (quarter, aspect) = (photo.taken / QUARTER, aspect(photo));
    for (c, p) in filters(camera, person) {
        let bits = |old: &[u8]| match camera {
            Some(camera) if c == 0 => with_bit(old, camera, true),
            _ => Vec::new(),
        };
        let old: Option<Vec<u8>> = tx
            .prepare_cached(
                "UPDATE quarters SET count = count + 1, aspect = aspect + ?
                 WHERE camera = ? AND person = ? AND quarter = ? RETURNING cameras",
            )?
            .query_row(params![aspect, c, p, quarter], |row| row.get(0))
            .optional()?;
        match old {
            None => {
                tx.prepare_cached("INSERT INTO quarters VALUES (?, ?, ?, 1, ?, ?)")?
                    .execute(params![c, p, quarter, aspect, bits(&[])])?;
            }
            Some(old) => set_bits(tx, (c, p), quarter, &old, &bits(&old))?,
        }
    }
    Ok(())
}

fn discount(
    tx: &Transaction<'_>,
    photo: &Photo,
    camera: Option<i64>,
    person: Option<i64>,
) -> Result<()> {
    for (table, number) in [("cameras", camera), ("people", person)] {
        tx.prepare_cached(&format!("UPDATE {table} SET count = count - 1 WHERE number = ?"))?
            .execute([number])?;
    }
    let (quarter, aspect) = (photo.taken / QUARTER, aspect(photo));
    for (c, p) in filters(camera, person) {
        let (left, old): (i64, Vec<u8>) = tx
            .prepare_cached(
                "UPDATE quarters SET count = count - 1, aspect = aspect - ?
                 WHERE camera = ? AND person = ? AND quarter = ? RETURNING count, cameras",
            )?
            .query_row(params![aspect, c, p, quarter], |row| Ok((row.get(0)?, row.get(1)?)))?;
        if left == 0 {
            tx.prepare_cached(
                "DELETE FROM quarters WHERE camera = ? AND person = ? AND quarter = ?",
            )?
            .execute(params![c, p, quarter])?;
        } else if let (0, Some(camera)) = (c, camera) {
            let more: bool = tx
                .prepare_cached(
                    "SELECT EXISTS (SELECT 1 FROM quarters
                     WHERE camera = ? AND person = ? AND quarter = ?)",
                )?
                .query_row(params![camera, p, quarter], |row| row.get(0))?;
            if !more {
                set_bits(tx, (c, p), quarter, &old, &with_bit(&old, camera, false))?;
            }
        }
    }
    Ok(())
}

/// The filters that a photo passes, those of its camera first: whether that still has one in a
/// quarter is asked after.
fn filters(camera: Option<i64>, person: Option<i64>) -> impl Iterator<Item = (i64, i64)> {
    let all = [
        camera.map(|camera| (camera, 0)),
        camera.zip(person),
        person.map(|person| (0, person)),
        Some((0, 0)),
    ];
    all.into_iter().flatten()
}

fn set_bits(
    tx: &Transaction<'_>,
    (camera, person): (i64, i64),
    quarter: u64,
    old: &[u8],
    new: &[u8],
) -> Result<()> {
    if old == new {
        return Ok(());
    }
    tx.prepare_cached(
        "UPDATE quarters SET cameras = ? WHERE camera = ? AND person = ? AND quarter = ?",
    )?
    .execute(params![new, camera, person, quarter])
    .map(drop)
}

fn with_bit(bits: &[u8], number: i64, set: bool) -> Vec<u8> {
    let mut bits = bits.to_vec();
    let number = usize::try_from(number).unwrap_or(0);
    if bits.len() <= number / 8 {
        bits.resize(number / 8 + 1, 0);
    }
    let bit = 1 << (number % 8);
    let byte = &mut bits[number / 8];
    *byte = if set { *byte | bit } else { *byte & !bit };
    while bits.last() == Some(&0) {
        bits.pop();
    }
    bits
}

fn aspect(photo: &Photo) -> u64 {
    u64::from(photo.width) * 1000 / u64::from(photo.height.max(1))
}

/// A type of `wire` that is one word of text.
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

fn word(of: impl serde::Serialize) -> String {
    match serde_json::to_value(of) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}
