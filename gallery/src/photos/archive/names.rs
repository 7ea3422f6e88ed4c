//! How photos are called in an archive: by day, time and camera, so that every system takes the
//! names and sorts them by time.

use std::collections::HashMap;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use unicode_normalization::UnicodeNormalization;
use wire::Photo;

use crate::photos::filename::is_hidden;
use crate::photos::words::fold;

/// The longest part of a name that says where a photo is from, in bytes: most file systems allow
/// 255 in all, some 143.
const LENGTH: usize = 100;

/// Gives names, each once, and knows the zone by whose clocks they are.
#[derive(Debug)]
pub(super) struct Names {
    zone: TimeZone,
    /// How many got this name or one that is numbered after it. Folded, because some systems do not
    /// tell capitals apart.
    given: HashMap<String, u32>,
}

impl Names {
    pub fn new(zone: TimeZone) -> Names {
        Names { zone, given: HashMap::new() }
    }

    /// When that was, by the clocks of the zone.
    fn at(&self, taken: u64) -> DateTime {
        let at = i64::try_from(taken).ok().and_then(|at| Timestamp::from_millisecond(at).ok());
        self.zone.to_datetime(at.unwrap_or_default())
    }

    /// As `2026-11-29`.
    pub fn day(&self, taken: u64) -> String {
        self.at(taken).strftime("%Y-%m-%d").to_string()
    }

    /// Year, month, day, hour, minute and second.
    pub fn shown(&self, taken: u64) -> (i16, i8, i8, i8, i8, i8) {
        let at = self.at(taken);
        (at.year(), at.month(), at.day(), at.hour(), at.minute(), at.second())
    }

    /// Such as `2026-11-29/10.31.05 north-door.jpg`. `source` is what [`source`] gives.
    pub fn give(&mut self, taken: u64, source: &str, ending: &str) -> String {
        let mut stem = self.at(taken).strftime("%Y-%m-%d/%H.%M.%S").to_string();
        if !source.is_empty() {
            stem = format!("{stem} {source}");
        }
        // Two with other endings are not called alike either, because one can take another's place.
        let folded = fold(&stem);
        let mut n = self.given.get(&folded).copied().unwrap_or(0);
        let free = loop {
            n += 1;
            let name = if n == 1 { stem.clone() } else { format!("{stem} {n}") };
            if n == 1 || !self.given.contains_key(&fold(&name)) {
                break name;
            }
        };
        self.given.insert(fold(&free), 1);
        self.given.insert(folded, n);
        format!("{free}.{ending}")
    }

    /// No more names are given.
    pub fn forget(&mut self) {
        self.given = HashMap::new();
    }
}

/// The camera, as people called it; else the uploaded file's own name, or who brought it.
pub(super) fn source(photo: &Photo) -> String {
    let file = photo.name.rsplit_once('.').map_or(&*photo.name, |(stem, _)| stem);
    let person = photo.person.as_ref().map_or("", |person| &person.name);
    let camera = photo.camera.as_ref().map_or("", |camera| camera.camera.as_str());
    let names = [&*photo.camera_name, camera, file, person];
    names.into_iter().map(safe).find(|name| !name.is_empty()).unwrap_or_default()
}

/// A text as a part of a file's name. Windows refuses more than others do: some characters, and a
/// dot or a space at the end.
fn safe(text: &str) -> String {
    let visible = text.nfc().filter(|&c| c.is_whitespace() || !is_hidden(c));
    let allowed = visible.map(|c| match c {
        '<' | '>' | ':' | '"' | '/' | '\\' | '|' | '?' | '*' => '-',
        c => c,
    });
    let words = allowed.collect::<String>();
    let mut name = words.split_whitespace().collect::<Vec<_>>().join(" ");
    name.truncate(name.floor_char_boundary(LENGTH));
    name.trim_matches([' ', '.']).to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use wire::{Author, MediaType};

    use super::*;

    /// 2026-11-29T10:31:05Z.
    const AT: u64 = 1_795_948_265_000;

    fn names(zone: &str, photos: &[Photo]) -> Vec<String> {
        let mut names = Names::new(TimeZone::get(zone).unwrap());
        let give = |photo: &Photo| names.give(photo.taken, &source(photo), photo.media.extension());
        photos.iter().map(give).collect()
    }

    fn photo(taken: u64, camera_name: &str) -> Photo {
        serde_json::from_value(serde_json::json!({
            "id": "01ARZ3NDEKTSV4RRFFQ69G5FAV", "taken": taken, "time": "camera", "received": 1,
            "type": "image/jpeg", "bytes": 1, "width": 1, "height": 1, "hash": "",
            "camera": "pi/north-door", "camera_name": camera_name,
        }))
        .unwrap()
    }

    #[test]
    fn a_photo_is_named_by_day_time_and_where_it_is_from() {
        let uploaded = Photo { camera: None, ..photo(AT, "") };
        let brought = Author { id: "ana".parse().unwrap(), name: "Ana".to_owned() };
        let photos = [
            photo(AT, "North door"),
            photo(AT, ""),
            Photo { name: "IMG_1.v2.png".to_owned(), media: MediaType::Png, ..uploaded.clone() },
            Photo { person: Some(brought), media: MediaType::WebP, ..uploaded.clone() },
            uploaded,
        ];
        assert_eq!(
            names("UTC", &photos),
            [
                "2026-11-29/10.31.05 North door.jpg",
                "2026-11-29/10.31.05 north-door.jpg",
                "2026-11-29/10.31.05 IMG_1.v2.png",
                "2026-11-29/10.31.05 Ana.webp",
                "2026-11-29/10.31.05.jpg",
            ]
        );
        assert_eq!(names("Pacific/Auckland", &photos[..1]), ["2026-11-29/23.31.05 North door.jpg"]);
    }

    #[test]
    fn equal_names_are_numbered_also_where_capitals_or_endings_alone_tell_them_apart() {
        let png = Photo { media: MediaType::Png, ..photo(AT, "door") };
        let photos =
            [photo(AT, "door"), photo(AT + 1, "Door"), png, photo(AT, "door 2"), photo(AT, "dóor")];
        let day = names("UTC", &photos);
        let expected = ["door.jpg", "Door 2.jpg", "door 3.png", "door 2 2.jpg", "dóor 4.jpg"];
        assert_eq!(day, expected.map(|name| format!("2026-11-29/10.31.05 {name}")));
    }

    #[test]
    fn an_hour_that_comes_twice_has_no_name_twice() {
        // 2026-10-25T00:30:00Z and an hour later, when Madrid puts its clocks back.
        let photos = [photo(1_792_888_200_000, "door"), photo(1_792_891_800_000, "door")];
        assert_eq!(
            names("Europe/Madrid", &photos),
            ["2026-10-25/02.30.00 door.jpg", "2026-10-25/02.30.00 door 2.jpg"]
        );
    }

    #[test]
    fn every_system_takes_the_names() {
        for (text, expected) in [
            ("CON: a/b\\c<d>e|f?g*h\"", "CON- a-b-c-d-e-f-g-h-"),
            ("../..", "-"),
            ("a\u{202e}gpj\0.\u{200d}", "agpj"),
            ("  two \n lines.. ", "two lines"),
            ("Nordtür", "Nordtür"),
            ("u\u{308}ber", "über"),
            ("北门", "北门"),
            ("...", ""),
        ] {
            assert_eq!(safe(text), expected, "{text:?}");
        }
        assert_eq!(safe(&"é".repeat(500)).len(), LENGTH);
    }

    proptest! {
        #[test]
        fn no_name_leaves_its_day(text: String, taken: u64) {
            let name = &names("America/Lima", &[photo(taken, &text)])[0];
            let (day, file) = name.split_once('/').unwrap();
            prop_assert!(day.len() >= 10 && day.bytes().all(|b| b.is_ascii_digit() || b == b'-'));
            prop_assert!(!file.contains(['/', '\\', ':', '\0', '\n']) && file.ends_with(".jpg"));
            prop_assert!(file.len() < 143);
            let stem = file.strip_suffix(".jpg").unwrap();
            prop_assert_eq!(stem.trim_end_matches([' ', '.']), stem);
        }
    }
}
