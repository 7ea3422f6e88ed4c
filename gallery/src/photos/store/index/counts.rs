//! Counts photos in each quarter of an hour, for each camera and person and for all: sums of these
//! give the days of any time zone.

use rusqlite::{OptionalExtension, Result, Transaction, params};
use wire::Photo;

/// A quarter of an hour in milliseconds.
pub(super) const QUARTER: u64 = 15 * 60 * 1000;

/// The number of a camera or person, which gets one more photo.
pub(super) fn number(tx: &Transaction<'_>, table: &str, id: &str) -> Result<i64> {
    tx.prepare_cached(&format!(
        "INSERT INTO {table} (id, count) VALUES (?, 1)
         ON CONFLICT DO UPDATE SET count = count + 1 RETURNING number"
    ))?
    .query_row([id], |row| row.get(0))
}

/// Adds a photo to the quarters of each filter that it matches.
pub(super) fn count(
    tx: &Transaction<'_>,
    photo: &Photo,
    camera: Option<i64>,
    person: Option<i64>,
) -> Result<()> {
    let (quarter, aspect) = (photo.taken / QUARTER, aspect(photo));
    for (c, p) in filters(camera, person) {
        let bits = |old: &[u8]| match camera {
            Some(camera) if c == 0 => with_bit(old, camera, true),
            _ => old.to_vec(),
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

/// Removes a photo from the quarters of each filter that it matches.
pub(super) fn discount(
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

/// The filters that a photo matches, those of its camera first: the caller then asks whether the
/// camera still has a photo in a quarter.
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
