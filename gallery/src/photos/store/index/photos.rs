//! Photos and tombstones, one by one.

use rusqlite::{Connection, OptionalExtension, params};
use wire::{Photo, PhotoId};

use super::counts::{count, discount, number};
use super::rows::{COLUMNS, NAMES, TOMBSTONE, sidecar, tombstone, word};
use super::{Index, Known, Reader, Result, Tombstone, Transaction};
use crate::photos::store::blobs::UtcDay;
use crate::photos::store::sidecar::{Deletion, Sidecar};

impl Reader {
    /// The photo or tombstone with this id.
    pub fn find(&self, id: &PhotoId) -> Result<Known> {
        Ok(find(&self.0, id)?)
    }

    /// The photo whose file has or had one of these SHA-256 hashes; of several the oldest id.
    pub fn find_file(&self, hashes: [&str; 2]) -> Result<Option<Photo>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM photos {NAMES} WHERE photos.id = (
                 SELECT min(id) FROM (
                     SELECT id FROM photos WHERE hash IN (?1, ?2)
                     UNION ALL SELECT id FROM photos WHERE arrived IN (?1, ?2)))"
        );
        let found = self.0.prepare_cached(&sql)?.query_row(hashes, sidecar).optional()?;
        Ok(found.map(|found| found.photo))
    }

    /// The number of photos, and their bytes.
    pub fn totals(&self) -> Result<(u64, u64)> {
        let mut totals = self.0.prepare_cached("SELECT photos, bytes FROM totals")?;
        Ok(totals.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?)
    }

    /// When the newest photo was received, in milliseconds since 1970.
    pub fn newest_received(&self) -> Result<u64> {
        let sql = "SELECT coalesce(max(received), 0) FROM photos";
        Ok(self.0.query_row(sql, [], |row| row.get(0))?)
    }

    /// The unpinned photos that were received first, at most `limit`.
    pub fn oldest(&self, limit: usize) -> Result<Vec<Sidecar>> {
        self.photos("pinned = 0 ORDER BY received LIMIT ?", params![limit])
    }

    /// Deleted photos whose files have been in the trash since before `deleted`.
    pub fn trashed(&self, deleted: u64) -> Result<Vec<Tombstone>> {
        self.tombstones("trashed = 1 AND deleted <= ? LIMIT 100", params![deleted])
    }

    /// Photos that were removed by the limits before `deleted`.
    pub fn expired(&self, deleted: u64) -> Result<Vec<Tombstone>> {
        self.tombstones("expired = 1 AND deleted <= ? LIMIT 100", params![deleted])
    }

    /// The photos of a day.
    pub fn photos_of(&self, day: &UtcDay) -> Result<Vec<Sidecar>> {
        let times = day.times();
        self.photos("taken >= ? AND taken < ?", params![times.start, times.end])
    }

    /// The deleted photos of a day.
    pub fn tombstones_of(&self, day: &UtcDay) -> Result<Vec<Tombstone>> {
        let times = day.times();
        self.tombstones("taken >= ? AND taken < ?", params![times.start, times.end])
    }

    /// The days whose files may differ from the index.
    pub fn busy(&self) -> Result<Vec<UtcDay>> {
        let mut busy = self.0.prepare("SELECT day FROM busy")?;
        let days = busy.query_map([], |row| row.get(0))?;
        let days: rusqlite::Result<Vec<String>> = days.collect();
        Ok(days?.iter().filter_map(|day| UtcDay::parse(day)).collect())
    }

    fn photos(&self, which: &str, values: &[&dyn rusqlite::ToSql]) -> Result<Vec<Sidecar>> {
        let sql = format!("SELECT {COLUMNS} FROM photos {NAMES} WHERE {which}");
        let mut photos = self.0.prepare_cached(&sql)?;
        let found: rusqlite::Result<_> = photos.query_map(values, sidecar)?.collect();
        Ok(found?)
    }

    fn tombstones(&self, which: &str, values: &[&dyn rusqlite::ToSql]) -> Result<Vec<Tombstone>> {
        let sql = format!("SELECT {TOMBSTONE} FROM tombstones WHERE {which}");
        let mut tombstones = self.0.prepare_cached(&sql)?;
        let found: rusqlite::Result<_> = tombstones.query_map(values, tombstone)?.collect();
        Ok(found?)
    }
}

impl Index {
    /// From now on the files of a day may differ from the index.
    pub fn set_busy(&self, day: &UtcDay) -> Result<()> {
        self.0.0.execute("INSERT OR IGNORE INTO busy VALUES (?)", [day.as_str()])?;
        Ok(())
    }

    /// The files of a day agree with the index.
    pub fn set_quiet(&self, day: &UtcDay) -> Result<()> {
        self.0.0.execute("DELETE FROM busy WHERE day = ?", [day.as_str()])?;
        Ok(())
    }
}

impl Transaction<'_> {
    /// The photo or tombstone with this id.
    pub fn find(&self, id: &PhotoId) -> Result<Known> {
        Ok(find(&self.0, id)?)
    }

    /// Adds a photo that the index does not know.
    pub fn insert(&self, sidecar: &Sidecar) -> Result<()> {
        let (tx, Sidecar { photo, arrived, .. }) = (&self.0, sidecar);
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
        Ok(count(tx, photo, camera, person)?)
    }

    /// Removes a photo.
    pub fn remove(&self, photo: &Photo) -> Result<()> {
        let tx = &self.0;
        let (camera, person): (Option<i64>, Option<i64>) = tx
            .prepare_cached("DELETE FROM photos WHERE id = ? RETURNING camera, person")?
            .query_row([photo.id.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))?;
        tx.prepare_cached("UPDATE totals SET photos = photos - 1, bytes = bytes - ?")?
            .execute([photo.bytes])?;
        Ok(discount(tx, photo, camera, person)?)
    }

    /// Stores a photo's caption and pin.
    pub fn update(&self, photo: &Photo) -> Result<()> {
        self.0
            .prepare_cached("UPDATE photos SET caption = ?, pinned = ? WHERE id = ?")?
            .execute(params![photo.caption, photo.pinned, photo.id.as_str()])?;
        Ok(())
    }

    /// Notes that a photo was deleted.
    pub fn bury(&self, tombstone: &Tombstone) -> Result<()> {
        let Tombstone { id, taken, media, hash, deletion: Deletion { at, expired }, trashed } =
            tombstone;
        self.0
            .prepare_cached("INSERT OR REPLACE INTO tombstones VALUES (?, ?, ?, ?, ?, ?, ?)")?
            .execute(params![id.as_str(), taken, word(*media), hash, at, expired, trashed])?;
        Ok(())
    }

    /// Forgets that a photo was deleted.
    pub fn unbury(&self, id: &PhotoId) -> Result<()> {
        self.0.prepare_cached("DELETE FROM tombstones WHERE id = ?")?.execute([id.as_str()])?;
        Ok(())
    }
}

fn find(connection: &Connection, id: &PhotoId) -> rusqlite::Result<Known> {
    let sql = format!("SELECT {COLUMNS} FROM photos {NAMES} WHERE photos.id = ?");
    let photo = connection.prepare_cached(&sql)?.query_row([id.as_str()], sidecar).optional()?;
    if let Some(photo) = photo {
        return Ok(Known::Photo(Box::new(photo)));
    }
    let sql = format!("SELECT {TOMBSTONE} FROM tombstones WHERE id = ?");
    let found = connection.prepare_cached(&sql)?.query_row([id.as_str()], tombstone).optional()?;
    Ok(found.map_or(Known::Nothing, Known::Deleted))
}
