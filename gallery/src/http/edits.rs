//! `POST /api/photos/edits`: one change of many photos in one request.

use access::Right;
use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use serde::{Deserialize, Serialize};
use warp::reply::Response;
use wire::{Photo, PhotoId};

use crate::caller::Caller;
use crate::http::photos::{caption, json};
use crate::photos::store::{Change, Store, StoreError};
use crate::problem::{Code, Problem};

/// The most photos in one request: their ids fit into a small body.
const MOST: usize = 256;

/// How many changes wait for the store's writer at once, so that it always has the next one.
const AT_ONCE: usize = 64;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    ids: Vec<PhotoId>,
    edit: Edit,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Edit {
    Delete,
    Restore,
    Change(Changes),
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Changes {
    caption: Option<String>,
    pinned: Option<bool>,
}

#[derive(Debug, Default, Serialize)]
struct Edited {
    /// The photos after the change, without deleted ones.
    photos: Vec<Photo>,
    refused: Vec<Refused>,
}

/// A photo that was not changed.
#[derive(Debug, Serialize)]
struct Refused {
    id: PhotoId,
    /// The status with which a request for this photo alone would fail.
    status: u16,
    code: Code,
    error: String,
}

/// A refusal for one photo does not stop the others.
pub(crate) async fn edit(
    store: &Store,
    caller: &Caller,
    body: &Bytes,
) -> Result<Response, Problem> {
    let Asked { ids, mut edit } = serde_json::from_slice(body).map_err(|error| {
        let hint = r#"send JSON such as {"ids":["<ULID>"],"edit":"delete"}"#;
        Problem::bad_request(format!("the edit cannot be read: {error}"), hint)
    })?;
    caller.needs(match edit {
        Edit::Delete | Edit::Restore => Right::Delete,
        Edit::Change(_) => Right::Edit,
    })?;
    if !(1..=MOST).contains(&ids.len()) {
        let error = format!("the edit names {} photos", ids.len());
        let hint = format!("name 1 to {MOST} in one request");
        return Err(Problem::bad_request(error, hint));
    }
    if let Edit::Change(Changes { caption: Some(text), .. }) = &mut edit {
        *text = caption(text)?;
    }
    let answers = stream::iter(ids).map(|id| one(store, id, edit.clone())).buffered(AT_ONCE);
    let mut edited = Edited::default();
    for (id, answer) in answers.collect::<Vec<_>>().await {
        match answer {
            Ok(photo) => edited.photos.extend(photo),
            Err(error) => {
                let problem = Problem::from(error);
                let (status, code) = (problem.status().as_u16(), problem.code());
                let error = problem.error().to_owned();
                edited.refused.push(Refused { id, status, code, error });
            }
        }
    }
    Ok(json(&edited))
}

async fn one(
    store: &Store,
    id: PhotoId,
    edit: Edit,
) -> (PhotoId, Result<Option<Photo>, StoreError>) {
    let answer = match edit {
        Edit::Delete => store.delete(&id).await.map(|()| None),
        Edit::Restore => store.restore(&id).await.map(Some),
        Edit::Change(Changes { caption, pinned }) => {
            store.change(&id, Change { caption, pinned }).await.map(Some)
        }
    };
    (id, answer)
}
