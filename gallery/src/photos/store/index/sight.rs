//! Which photos somebody may see: those of some cameras, and those of none.

use std::collections::HashMap;

use access::Cameras;
use rusqlite::{Connection, Result};

/// The cameras that somebody sees, for one look through many photos.
pub(super) struct Sight<'a> {
    seen: &'a Cameras,
    known: HashMap<String, bool>,
}

impl<'a> Sight<'a> {
    /// `None` if every photo may be seen.
    pub fn through(seen: &'a Cameras) -> Option<Self> {
        (!seen.are_all()).then(|| Sight { seen, known: HashMap::new() })
    }

    /// Whether the photos of a camera may be seen. Empty stands for no camera.
    pub fn sees(&mut self, camera: &str) -> bool {
        if let Some(sees) = self.known.get(camera) {
            return *sees;
        }
        let sees = sees(self.seen, camera);
        self.known.insert(camera.to_owned(), sees);
        sees
    }
}

/// The numbers of the cameras that somebody does not see.
#[derive(Debug, Default)]
pub(super) struct Hidden(Vec<i64>);

impl Hidden {
    /// Those in the index that are not among the `seen`.
    pub fn from(connection: &Connection, seen: &Cameras) -> Result<Hidden> {
        let mut hidden = Vec::new();
        if seen.are_all() {
            return Ok(Hidden(hidden));
        }
        let mut statement = connection.prepare_cached("SELECT number, id FROM cameras")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            if !sees(seen, row.get_ref(1)?.as_str()?) {
                hidden.push(row.get(0)?);
            }
        }
        Ok(Hidden(hidden))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As a list of JSON, for `json_each`.
    pub fn list(&self) -> String {
        format!("{:?}", self.0)
    }

    /// Clears their bits.
    pub fn take_from(&self, bits: &mut [u8]) {
        for number in &self.0 {
            let byte = usize::try_from(number / 8).ok().and_then(|byte| bits.get_mut(byte));
            if let Some(byte) = byte {
                *byte &= !(1 << (number % 8));
            }
        }
    }
}

fn sees(seen: &Cameras, camera: &str) -> bool {
    camera.is_empty() || camera.parse().is_ok_and(|camera| seen.sees(&camera))
}
