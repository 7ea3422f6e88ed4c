//! The queries of the index: pages of photos, days, and sources.

use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;
use std::time::{Duration, Instant};

use access::Cameras;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use rusqlite::{Connection, OptionalExtension, Row, ToSql};
use serde::Serialize;
use wire::{CameraId, PersonId, Photo, PhotoId, limits};

use super::counts::QUARTER;
use super::rows::{COLUMNS, NAMES, Parsed, sidecar};
use super::sight::{Hidden, Sight};
use super::{Reader, Result, StoreError};
use crate::photos::store::blobs::TAKEN_MOST;
use crate::photos::words::{Names, Search, Words};

/// Selects photos.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Filter {
    pub camera: Option<CameraId>,
    pub person: Option<PersonId>,
    /// Taken at this time or later, in milliseconds since 1970.
    pub from: Option<u64>,
    /// Taken before this time.
    pub to: Option<u64>,
    /// With these in its texts.
    pub words: Option<Words>,
    /// Of these cameras, or of none. The store fills it in.
    pub seen: Cameras,
}

/// A page of photos.
#[derive(Debug, Clone, Default)]
pub(crate) struct Query {
    pub filter: Filter,
    /// The end of the last page.
    pub before: Option<Cursor>,
    /// At most [`limits::PHOTOS`].
    pub limit: usize,
}

/// A position in the order of photos. Its text is opaque to others.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Cursor {
    taken: u64,
    /// If empty: before all photos of that time.
    id: String,
}

/// A text that is not a [`Cursor`].
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no place in the list of photos: take it from the Link of the page before")]
pub(crate) struct BadCursor;

/// The photos of a page, newest taken first.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Page {
    pub photos: Vec<Photo>,
    /// The beginning of the next page, if there is one.
    pub next: Option<Cursor>,
}

/// The photos of one day in a time zone.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Day {
    /// As `2026-11-20`.
    pub day: String,
    /// Its first moment, in milliseconds since 1970.
    pub start: u64,
    /// The first moment of the next day.
    pub end: u64,
    pub count: u64,
    /// How many it has with and without the words that are looked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<u64>,
    /// The sum of width divided by height of its photos.
    pub aspect: f64,
    /// How many cameras took them.
    pub cameras: u64,
}

/// The sources of photos.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct Sources {
    pub cameras: Vec<CameraSource>,
    pub people: Vec<PersonSource>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct CameraSource {
    pub camera: CameraId,
    /// Its name in its newest photo.
    pub name: String,
    pub count: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct PersonSource {
    pub id: PersonId,
    /// Their name in their newest photo.
    pub name: String,
    pub count: u64,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}.{}", self.taken, self.id)
    }
}

impl FromStr for Cursor {
    type Err = BadCursor;

    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        let (taken, id) = text.split_once('.').ok_or(BadCursor)?;
        let taken = u64::from_str_radix(taken, 16).map_err(|_| BadCursor)?;
        let id: PhotoId = id.parse().map_err(|_| BadCursor)?;
        Ok(Cursor { taken: taken.min(TAKEN_MOST), id: id.into() })
    }
}

impl Reader {
    /// A page of photos, newest taken first.
    pub fn list(&self, query: &Query, names: &Names) -> Result<Page> {
        let connection = &self.0;
        let Query { filter, before, limit } = query;
        let Some((camera, person)) = numbers(connection, filter)? else {
            return Ok(Page::default());
        };
        let limit = (*limit).clamp(1, limits::PHOTOS);
        // A time with an empty id is before all photos of that time.
        let to =
            Cursor { taken: filter.to.unwrap_or(u64::MAX).min(TAKEN_MOST + 1), id: String::new() };
        let before = before.iter().chain([&to]).min().unwrap_or(&to);
        let from = filter.from.unwrap_or(0).min(TAKEN_MOST);
        let mut looking = Looking::through(filter, names);
        // Who leaves some out counts the others.
        let more = if looking.is_some() { -1 } else { limit as i64 + 1 };
        let mut values: Vec<&dyn ToSql> = vec![&before.taken, &before.id, &from];
        values.extend(camera.iter().map(|camera| camera as &dyn ToSql));
        values.extend(person.iter().map(|person| person as &dyn ToSql));
        values.push(&more);
        let sql = list_sql(camera.is_some(), person.is_some());
        let mut statement = connection.prepare_cached(&sql)?;
        let mut rows = statement.query(&values[..])?;
        let mut photos = Vec::new();
        while photos.len() <= limit
            && let Some(row) = rows.next()?
        {
            let texts = [9, 10, 12, 14];
            if looking.as_mut().map_or(Ok(true), |looking| looking.finds(row, texts))? {
                photos.push(sidecar(row)?.photo);
            }
        }
        let next = (photos.len() > limit).then(|| {
            photos.truncate(limit);
            photos.last().map(|last| Cursor { taken: last.taken, id: last.id.to_string() })
        });
        Ok(Page { photos, next: next.flatten() })
    }

    /// The days with photos, newest first. `from` and `to` are rounded to quarters of an hour.
    pub fn days(&self, filter: &Filter, zone: &TimeZone, names: &Names) -> Result<Vec<Day>> {
        let connection = &self.0;
        let Some((camera, person)) = numbers(connection, filter)? else { return Ok(Vec::new()) };
        if let Some(words) = &filter.words {
            return self.days_with(words, filter, zone, names);
        }
        // Nothing is stored between the question who is hidden and what is left.
        let _snapshot = connection.unchecked_transaction()?;
        let hidden = match camera {
            Some(_) => Hidden::default(),
            None => Hidden::from(connection, &filter.seen)?,
        };
        let from = filter.from.unwrap_or(0) / QUARTER;
        let to = filter.to.unwrap_or(u64::MAX).min(TAKEN_MOST + 1).div_ceil(QUARTER);
        let (of, person) = (camera.unwrap_or(0), person.unwrap_or(0));
        let left = hidden.list();
        let mut values: Vec<&dyn ToSql> = vec![&of, &person, &from, &to];
        values.extend((!hidden.is_empty()).then_some(&left as &dyn ToSql));
        let sql = if hidden.is_empty() { DAYS } else { DAYS_LEFT };
        let mut statement = connection.prepare_cached(sql)?;
        let mut rows = statement.query(&values[..])?;
        let mut days: Vec<Day> = Vec::new();
        let mut seen: Vec<u8> = Vec::new();
        while let Some(row) = rows.next()? {
            let at = row.get::<_, u64>(0)? * QUARTER;
            if days.last().is_none_or(|day| at < day.start) {
                days.push(day_of(at, zone));
                seen.clear();
            }
            let Some(day) = days.last_mut() else { continue };
            day.count += row.get::<_, u64>(1)?;
            day.aspect += row.get::<_, u64>(2)? as f64 / 1000.0;
            if camera.is_some() {
                day.cameras = 1;
            } else {
                let bits = row.get_ref(3)?.as_blob().map_err(rusqlite::Error::from)?;
                seen.resize(seen.len().max(bits.len()), 0);
                seen.iter_mut().zip(bits).for_each(|(seen, bits)| *seen |= bits);
                hidden.take_from(&mut seen);
                day.cameras = seen.iter().map(|byte| u64::from(byte.count_ones())).sum();
            }
        }
        Ok(days)
    }

    /// The days whose photos have these words.
    fn days_with(
        &self,
        words: &Words,
        filter: &Filter,
        zone: &TimeZone,
        names: &Names,
    ) -> Result<Vec<Day>> {
        let all = self.days(&Filter { words: None, ..filter.clone() }, zone, names)?;
        let mut all = all.into_iter().peekable();
        let mut days: Vec<Day> = Vec::new();
        let mut cameras = HashSet::new();
        self.look(words, filter, names, |row| {
            let taken: u64 = row.get(0)?;
            if days.last().is_none_or(|day| taken < day.start) {
                let day = day_of(taken, zone);
                // Both are newest first.
                while all.next_if(|other| other.start > day.start).is_some() {}
                let of = all.peek().filter(|other| other.start == day.start);
                days.push(Day { of: of.map(|day| day.count), ..day });
                cameras.clear();
            }
            let Some(day) = days.last_mut() else { return Ok(()) };
            day.count += 1;
            day.aspect += row.get::<_, f64>(1)? / row.get::<_, f64>(2)?.max(1.0);
            if let Some(camera) = row.get::<_, Option<i64>>(3)? {
                cameras.insert(camera);
            }
            day.cameras = cameras.len() as u64;
            Ok(())
        })?;
        Ok(days)
    }

    /// Hands over all photos of the filter that have the words, newest taken first, as rows of
    /// [`TEXTS`].
    pub(super) fn look(
        &self,
        words: &Words,
        filter: &Filter,
        names: &Names,
        mut take: impl FnMut(&Row<'_>) -> rusqlite::Result<()>,
    ) -> Result<()> {
        let connection = &self.0;
        let Some((camera, person)) = numbers(connection, filter)? else { return Ok(()) };
        let from = filter.from.unwrap_or(0).min(TAKEN_MOST);
        let to = filter.to.unwrap_or(u64::MAX).min(TAKEN_MOST + 1);
        let mut values: Vec<&dyn ToSql> = vec![&to, &"", &from];
        values.extend(camera.iter().map(|camera| camera as &dyn ToSql));
        values.extend(person.iter().map(|person| person as &dyn ToSql));
        values.push(&-1);
        let sql = select(TEXTS, camera.is_some(), person.is_some());
        let mut statement = connection.prepare_cached(&sql)?;
        let mut rows = statement.query(&values[..])?;
        let mut looking = Looking::new(Some(words), filter, names);
        while let Some(row) = rows.next()? {
            if looking.finds(row, [4, 5, 6, 7])? {
                take(row)?;
            }
        }
        Ok(())
    }

    /// The cameras and people with photos, by name. Each has the name in its newest photo.
    pub fn sources(&self, seen: &Cameras) -> Result<Sources> {
        let connection = &self.0;
        // Nothing is stored between the question who is hidden and what is left.
        let _snapshot = connection.unchecked_transaction()?;
        let hidden = Hidden::from(connection, seen)?.list();
        let of = |table: &str, column: &str, count: &str| {
            format!(
                "SELECT id, (SELECT {column}_name FROM photos WHERE {column} = {table}.number
                     AND coalesce(camera, 0) NOT IN (SELECT value FROM json_each(?1))
                     ORDER BY taken DESC, id DESC LIMIT 1), {count} AS n
                 FROM {table} WHERE n > 0"
            )
        };
        let cameras = "count * (number NOT IN (SELECT value FROM json_each(?1)))";
        let cameras = connection
            .prepare_cached(&of("cameras", "camera", cameras))?
            .query_map([&hidden], |row| {
                let camera = row.get::<_, Parsed<_>>(0)?.0;
                Ok(CameraSource { camera, name: row.get(1)?, count: row.get(2)? })
            })?
            .collect::<rusqlite::Result<Vec<_>>>()?;
        let people = "count - coalesce((SELECT sum(count) FROM quarters
             WHERE camera IN (SELECT value FROM json_each(?1)) AND person = people.number), 0)";
        let people = connection
            .prepare_cached(&of("people", "person", people))?
            .query_map([&hidden], |row| {
                let id = row.get::<_, Parsed<_>>(0)?.0;
                Ok(PersonSource { id, name: row.get(1)?, count: row.get(2)? })
            })?
            .collect::<rusqlite::Result<Vec<_>>>()?;
        let mut sources = Sources { cameras, people };
        sources.sort();
        Ok(sources)
    }
}

impl Sources {
    /// Sorts them by name.
    pub fn sort(&mut self) {
        let Sources { cameras, people } = self;
        cameras
            .sort_by_cached_key(|source| (source.name.to_lowercase(), source.camera.to_string()));
        people.sort_by_cached_key(|source| (source.name.to_lowercase(), source.id.to_string()));
    }
}

/// Each filter has its own index, which the query names: SQLite would otherwise often sort instead.
pub(super) fn list_sql(camera: bool, person: bool) -> String {
    select(COLUMNS, camera, person)
}

/// What [`Reader::look`] hands over: when it was taken, its size, the number of its camera, and its
/// texts.
pub(super) const TEXTS: &str = "taken, width, height, photos.camera, \
     cameras.id, camera_name, person_name, caption, people.id";

/// How long one may look for words, and after how many photos the clock is read.
const LOOK_WITHIN: Duration = Duration::from_secs(5);
const LOOKS: u32 = 512;

/// Looks through photos, for words and for those that may be seen, for a limited time.
struct Looking<'a> {
    search: Option<Search<'a>>,
    sight: Option<Sight<'a>>,
    names: &'a Names,
    until: Instant,
    looked: u32,
}

impl<'a> Looking<'a> {
    /// `None` if each photo of the filter is meant.
    fn through(filter: &'a Filter, names: &'a Names) -> Option<Self> {
        let words = filter.words.as_ref();
        (words.is_some() || !filter.seen.are_all()).then(|| Looking::new(words, filter, names))
    }

    fn new(words: Option<&'a Words>, filter: &'a Filter, names: &'a Names) -> Self {
        let until = Instant::now() + LOOK_WITHIN;
        let (search, sight) = (words.map(Search::new), Sight::through(&filter.seen));
        Looking { search, sight, names, until, looked: 0 }
    }

    /// Whether the row may be seen, and has the words. `texts` are the columns of the camera, its name, the person's
    /// name, and the caption.
    fn finds(&mut self, row: &Row<'_>, texts: [usize; 4]) -> Result<bool> {
        self.looked += 1;
        if self.looked.is_multiple_of(LOOKS) && Instant::now() > self.until {
            return Err(StoreError::Slow);
        }
        let mut found = [""; 4];
        for (text, column) in found.iter_mut().zip(texts) {
            *text =
                row.get_ref(column)?.as_str_or_null().map_err(rusqlite::Error::from)?.unwrap_or("");
        }
        let [camera, camera_name, person, caption] = found;
        if self.sight.as_mut().is_some_and(|sight| !sight.sees(camera)) {
            return Ok(false);
        }
        let Some(search) = &mut self.search else { return Ok(true) };
        let camera_name = self.names.get(camera).map_or(camera_name, |name| name);
        Ok(search.finds(caption, [camera, camera_name, person]))
    }
}

/// The photos of a filter, newest first.
fn select(columns: &str, camera: bool, person: bool) -> String {
    let index = match (camera, person) {
        (false, false) => "photos_by_time",
        (true, false) => "photos_by_camera",
        (false, true) => "photos_by_person",
        (true, true) => "photos_by_both",
    };
    let camera = if camera { "AND photos.camera = ?" } else { "" };
    let person = if person { "AND photos.person = ?" } else { "" };
    format!(
        "SELECT {columns} FROM photos INDEXED BY {index} {NAMES}
         WHERE (taken, photos.id) < (?, ?) AND taken >= ? {camera} {person}
         ORDER BY taken DESC, photos.id DESC LIMIT ?"
    )
}

pub(super) const DAYS: &str = "SELECT quarter, count, aspect, cameras FROM quarters
     WHERE camera = ? AND person = ? AND quarter >= ? AND quarter < ? ORDER BY quarter DESC";

/// The same for all cameras, less some.
pub(super) const DAYS_LEFT: &str = "SELECT quarter, sum(iif(camera = ?1, count, -count)) AS n,
         sum(iif(camera = ?1, aspect, -aspect)), max(cameras)
     FROM quarters
     WHERE camera IN (SELECT ?1 UNION ALL SELECT value FROM json_each(?5))
         AND person = ?2 AND quarter >= ?3 AND quarter < ?4
     GROUP BY quarter HAVING n > 0 ORDER BY quarter DESC";

fn day_of(at: u64, zone: &TimeZone) -> Day {
    let time = i64::try_from(at).ok().and_then(|at| Timestamp::from_millisecond(at).ok());
    let zoned = time.unwrap_or_default().to_zoned_datetime(zone.clone());
    let millis = |day: std::result::Result<jiff::ZonedDateTime, jiff::Error>| {
        day.ok().and_then(|day| u64::try_from(day.timestamp().as_millisecond()).ok())
    };
    Day {
        day: zoned.date().to_string(),
        start: millis(zoned.start_of_day()).unwrap_or(0),
        end: millis(zoned.tomorrow().and_then(|day| day.start_of_day())).unwrap_or(TAKEN_MOST),
        count: 0,
        of: None,
        aspect: 0.0,
        cameras: 0,
    }
}

type Numbers = (Option<i64>, Option<i64>);

/// The numbers of the requested camera and person; `None` if one of them never had a photo that may
/// be seen.
fn numbers(connection: &Connection, filter: &Filter) -> rusqlite::Result<Option<Numbers>> {
    if filter.camera.as_ref().is_some_and(|camera| !filter.seen.sees(camera)) {
        return Ok(None);
    }
    let number = |table: &str, id: Option<String>| -> rusqlite::Result<Option<Option<i64>>> {
        let Some(id) = id else { return Ok(Some(None)) };
        let sql = format!("SELECT number FROM {table} WHERE id = ?");
        let number =
            connection.prepare_cached(&sql)?.query_row([id], |row| row.get(0)).optional()?;
        Ok(number.map(Some))
    };
    let camera = number("cameras", filter.camera.as_ref().map(ToString::to_string))?;
    let person = number("people", filter.person.as_ref().map(ToString::to_string))?;
    Ok(camera.zip(person))
}

#[cfg(test)]
mod tests {
    use super::super::{Index, file};
    use super::*;

    #[test]
    fn each_page_is_found_by_an_index_without_sorting() {
        let folder = tempfile::tempdir().unwrap();
        let mut index = file::open(&file::path(folder.path())).unwrap();
        index.create().unwrap();
        for (camera, person, name) in [
            (false, false, "photos_by_time"),
            (true, false, "photos_by_camera"),
            (false, true, "photos_by_person"),
            (true, true, "photos_by_both"),
        ] {
            let plan = plan(&index, &list_sql(camera, person));
            assert!(plan[0].starts_with("SEARCH photos USING INDEX"), "{plan:?}");
            assert!(plan[0].contains(name) && plan[0].contains("taken"), "{plan:?}");
            assert!(!plan.iter().any(|step| step.contains("TEMP B-TREE")), "{plan:?}");
        }
        let due = plan(&index, "SELECT * FROM photos WHERE pinned = 0 ORDER BY received LIMIT 9");
        assert!(due[0].contains("photos_by_age") && due.len() == 1, "{due:?}");
        let days = plan(&index, DAYS);
        assert!(
            days[0].starts_with("SEARCH quarters USING PRIMARY KEY") && days.len() == 1,
            "{days:?}"
        );
        let left = plan(&index, DAYS_LEFT);
        assert!(left[0].starts_with("SEARCH quarters USING PRIMARY KEY"), "{left:?}");
    }

    fn plan(index: &Index, sql: &str) -> Vec<String> {
        let mut statement = index.0.0.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let values = vec![1; statement.parameter_count()];
        let steps =
            statement.query_map(rusqlite::params_from_iter(values), |row| row.get(3)).unwrap();
        steps.map(|step| step.unwrap()).collect()
    }
}
