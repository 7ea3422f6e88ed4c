//! What words are found in: captions, cameras and people, to choose one of them.

use std::collections::HashMap;

use serde::Serialize;
use wire::{CameraId, PersonId};

use super::query::Filter;
use super::{Reader, Result};
use crate::photos::words::Names;

/// The most captions, cameras and people that are offered.
const CAPTIONS: usize = 6;
const CAMERAS: usize = 4;
const PEOPLE: usize = 4;

/// The most captions, and names of cameras and people, that are counted.
const COUNTED: usize = 1000;

/// What has all the words; what most photos have comes first.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct Found {
    pub captions: Vec<FoundCaption>,
    pub cameras: Vec<FoundCamera>,
    pub people: Vec<FoundPerson>,
}

/// `parts` are those of the text: each other one, from the second on, is where a word is found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct FoundCaption {
    pub caption: String,
    pub parts: Vec<String>,
    pub count: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct FoundCamera {
    pub camera: CameraId,
    pub parts: Vec<String>,
    pub count: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct FoundPerson {
    pub id: PersonId,
    pub parts: Vec<String>,
    pub count: u64,
}

impl Reader {
    /// What the filter's words are found in, and in how many of its photos.
    pub fn found(&self, filter: &Filter, names: &Names) -> Result<Found> {
        let Some(words) = &filter.words else { return Ok(Found::default()) };
        let mut captions: HashMap<String, u64> = HashMap::new();
        let mut cameras: HashMap<String, (String, u64)> = HashMap::new();
        let mut people: HashMap<String, (String, u64)> = HashMap::new();
        self.look(words, filter, names, |row| {
            let text =
                |column| row.get_ref(column)?.as_str_or_null().map_err(rusqlite::Error::from);
            let caption = text(7)?.unwrap_or_default();
            if let Some(count) = captions.get_mut(caption) {
                *count += 1;
            } else if !caption.is_empty() && captions.len() < COUNTED {
                captions.insert(caption.to_owned(), 1);
            }
            for (sources, id, name) in [(&mut cameras, 4, 5), (&mut people, 8, 6)] {
                let Some(id) = text(id)? else { continue };
                if let Some((_, count)) = sources.get_mut(id) {
                    *count += 1;
                } else if sources.len() < COUNTED {
                    // A camera's present name counts, and else that of its newest photo.
                    let name = names.get(id).map_or(text(name)?.unwrap_or_default(), |name| name);
                    let name = name.to_owned();
                    sources.insert(id.to_owned(), (name, 1));
                }
            }
            Ok(())
        })?;
        // A photo is found by all its texts together; offered is what has the words alone.
        captions.retain(|caption, _| words.are_in(caption));
        let captions = most(captions.into_iter().collect(), CAPTIONS);
        let captions = captions.into_iter().map(|(caption, count)| {
            let parts = words.mark(&caption);
            FoundCaption { caption, parts, count }
        });
        let named = |sources: HashMap<String, (String, u64)>, most_of| {
            let named = sources.into_iter().filter_map(|(id, (name, count))| {
                let texts = [name.clone(), format!("{name} {id}")];
                let text = texts.into_iter().find(|text| words.are_in(text))?;
                Some(((id, words.mark(text.trim())), count))
            });
            most(named.collect(), most_of)
        };
        let cameras = named(cameras, CAMERAS).into_iter().filter_map(|((id, parts), count)| {
            Some(FoundCamera { camera: id.parse().ok()?, parts, count })
        });
        // What identifies a person is no text that anybody reads.
        people.retain(|_, (name, _)| words.are_in(name));
        let people = named(people, PEOPLE).into_iter().filter_map(|((id, parts), count)| {
            Some(FoundPerson { id: id.parse().ok()?, parts, count })
        });
        Ok(Found {
            captions: captions.collect(),
            cameras: cameras.collect(),
            people: people.collect(),
        })
    }
}

/// Those with the highest counts, equal ones by their order.
fn most<T: Ord>(mut counted: Vec<(T, u64)>, most: usize) -> Vec<(T, u64)> {
    counted.sort_by(|(a, more), (b, less)| less.cmp(more).then_with(|| a.cmp(b)));
    counted.truncate(most);
    counted
}
