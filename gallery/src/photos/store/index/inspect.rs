//! For tests: reads the index and breaks it.

use std::path::Path;

use rusqlite::Connection;

use super::{Reader, file};

/// The whole content of the index, as text.
pub fn dump(root: &Path) -> Vec<String> {
    let index = Reader::open(root).unwrap();
    let mut lines = Vec::new();
    for sql in [
        "SELECT photos.id, taken, received, time, media, bytes, width, height, hash, cameras.id,
             camera_name, people.id, person_name, name, caption, pinned, arrived
         FROM photos LEFT JOIN cameras ON cameras.number = camera
         LEFT JOIN people ON people.number = person ORDER BY photos.id",
        "SELECT * FROM tombstones ORDER BY id",
        "SELECT cameras.id, people.id, quarter, quarters.count, aspect FROM quarters
         LEFT JOIN cameras ON cameras.number = camera LEFT JOIN people ON people.number = person
         ORDER BY 1, 2, 3",
        "SELECT id, count FROM cameras WHERE count > 0 ORDER BY id",
        "SELECT id, count FROM people WHERE count > 0 ORDER BY id",
        "SELECT photos, bytes FROM totals",
    ] {
        let mut statement = index.0.prepare(sql).unwrap();
        let columns = statement.column_count();
        let mut rows = statement.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let values = (0..columns).map(|i| format!("{:?}", row.get_ref(i).unwrap()));
            lines.push(values.collect::<Vec<_>>().join(" "));
        }
    }
    lines
}

/// The index of a closed store as a database, to be read and broken.
pub fn database(root: &Path) -> Connection {
    Connection::open(file::path(root)).unwrap()
}
