//! `/api/photos.zip`: many photos in one download, and how far one has come.

use std::collections::VecDeque;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::StreamExt;
use serde::Serialize;
use tokio::task::spawn_blocking;
use warp::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE,
    X_CONTENT_TYPE_OPTIONS,
};
use warp::http::{Method, StatusCode};
use warp::reply::{Reply, Response};
use wire::{PhotoId, limits};

use crate::http::photos::{Parameters, SHOWN, filter, json, short, whole, with, zone};
use crate::http::routes::RESOURCE_POLICY;
use crate::http::site::{Asked, Site};
use crate::photos::archive::{Archive, Plan, Progress, State};
use crate::photos::store::Query;
use crate::photos::upload;
use crate::problem::{Code, Problem};

/// The most photos that are asked for by their ids, the bytes of a form with them, and how long it
/// may take.
const IDS: usize = 10_000;
const FORM: usize = 512 * 1024;
const FORM_WITHIN: Duration = Duration::from_secs(60);

/// How many downloads are known, those that ended too.
const KNOWN: usize = 128;

/// How long a name for a download may be. The shortest cannot be guessed.
const TOKEN: RangeInclusive<usize> = 20..=64;

/// The downloads that have a name, the newest last. A cheap handle.
#[derive(Debug, Clone, Default)]
pub(crate) struct Downloads(Arc<Mutex<VecDeque<Download>>>);

#[derive(Debug, Clone)]
struct Download {
    token: String,
    name: String,
    photos: u64,
    length: u64,
    progress: Arc<Progress>,
}

/// The parameters in a form, which can be longer than an address.
async fn form(asked: &mut Asked) -> Result<Parameters, Problem> {
    let media = asked.header("content-type")?.unwrap_or_default();
    let media = media.split(';').next().unwrap_or_default().trim();
    if !media.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        let hint = "send a form such as ids=<id>,<id>, as application/x-www-form-urlencoded";
        let error = "this is no form";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, error, hint));
    }
    let body = whole(&mut asked.body, FORM, FORM_WITHIN).await?;
    Ok(form_urlencoded::parse(&body).into_owned().collect())
}

/// The photos that the parameters name or select, as a ZIP.
pub(crate) async fn send(site: Site, mut asked: Asked) -> Result<Response, Problem> {
    let share = match site.strangers.zips.take(asked.caller.who()) {
        Ok(share) => share,
        Err(full) => {
            // Otherwise a client that still sends would not read the reason.
            upload::pass_over(asked.body).await;
            return Err(full.into());
        }
    };
    let mut memory = site.strangers.lists.none(asked.caller.who());
    let parameters = &match asked.method {
        Method::POST => form(&mut asked).await?,
        _ => asked.query,
    };
    let token = parameters.get("progress").map(String::as_str).map(named).transpose()?;
    let mut plan = Plan::new(zone(parameters).await?);
    let mut grow = |plan: &Plan| {
        memory.grow(plan.memory()).map_err(|_| {
            let hint = "ask for fewer, such as those of a day, or wait until other ZIPs are done";
            let error = "there is no room now for a ZIP of so many photos";
            Problem::unavailable(error, hint).coded(Code::ZipTooLarge)
        })
    };
    match parameters.get("ids") {
        Some(ids) => {
            for ids in parse(ids)?.chunks(limits::PHOTOS) {
                site.store.these(ids.to_vec()).await?.into_iter().for_each(|it| plan.add(it));
                grow(&plan)?;
            }
        }
        None => {
            let filter = filter(parameters)?;
            let mut before = None;
            loop {
                let query = Query { filter: filter.clone(), before, limit: limits::PHOTOS };
                let page = site.store.list(query).await?;
                page.photos.into_iter().for_each(|it| plan.add(it));
                grow(&plan)?;
                before = page.next;
                if before.is_none() {
                    break;
                }
            }
        }
    }
    if plan.is_empty() {
        return Err(Problem::not_found("there is no such photo", "GET /api/photos lists them"));
    }
    let archive = spawn_blocking(|| plan.finish()).await;
    let archive = archive.map_err(|error| Problem::internal(error.to_string()))?;
    let progress = Arc::new(Progress::default());
    if let Some(token) = token {
        site.downloads.begin(token, &archive, progress.clone());
    }
    let (name, length) = (archive.name(), archive.length().to_string());
    let pieces = archive.send(site.store, progress, site.stop);
    // Both are given back with the last piece, or when the client is gone.
    let pieces = pieces.inspect(move |_| {
        let _ = (&share, &memory);
    });
    Ok(with(
        warp::reply::stream(pieces).into_response(),
        &[
            (CONTENT_TYPE, "application/zip"),
            (CONTENT_LENGTH, &length),
            (CONTENT_DISPOSITION, &format!("attachment; filename=\"{name}\"")),
            (CACHE_CONTROL, "no-store"),
            (ACCEPT_RANGES, "none"),
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (RESOURCE_POLICY, SHOWN),
        ],
    ))
}

fn parse(ids: &str) -> Result<Vec<PhotoId>, Problem> {
    let ids = ids.split(',').map(str::trim).filter(|id| !id.is_empty());
    let parsed = ids.take(IDS + 1).map(|id| {
        id.parse().map_err(|_| {
            let hint = "ids are those of GET /api/photos, with commas between them";
            Problem::bad_request(format!("{} is no photo's id", short(id)), hint)
        })
    });
    let ids = parsed.collect::<Result<Vec<_>, _>>()?;
    if ids.len() > IDS {
        let hint = "select them by camera, person and time instead";
        return Err(Problem::bad_request(format!("more than {IDS} photos are named"), hint));
    }
    Ok(ids)
}

fn named(token: &str) -> Result<String, Problem> {
    let good = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    if TOKEN.contains(&token.len()) && token.bytes().all(good) {
        return Ok(token.to_owned());
    }
    let hint = "make one at random of 20 to 64 letters, digits and hyphens";
    Err(Problem::bad_request("this is no name for a download", hint))
}

impl Downloads {
    fn begin(&self, token: String, archive: &Archive, progress: Arc<Progress>) {
        let (name, photos) = (archive.name(), archive.photos() as u64);
        let download = Download { token, name, photos, length: archive.length(), progress };
        let mut known = self.lock();
        known.retain(|other| other.token != download.token);
        while known.len() >= KNOWN {
            known.pop_front();
        }
        known.push_back(download);
    }

    /// How far a download has come.
    pub fn tell(&self, token: &str) -> Result<Response, Problem> {
        #[derive(Serialize)]
        struct Told<'a> {
            name: &'a str,
            state: State,
            bytes: Part,
            photos: Part,
        }
        #[derive(Serialize)]
        struct Part {
            sent: u64,
            of: u64,
        }
        let Download { name, photos: all, length, progress, .. } = self.find(token)?;
        let (bytes, photos, state) = progress.read();
        let bytes = Part { sent: bytes, of: length };
        Ok(json(&Told { name: &name, state, bytes, photos: Part { sent: photos, of: all } }))
    }

    /// Ends a download.
    pub fn cancel(&self, token: &str) -> Result<Response, Problem> {
        self.find(token)?.progress.cancel();
        Ok(StatusCode::NO_CONTENT.into_response())
    }

    fn find(&self, token: &str) -> Result<Download, Problem> {
        let known = self.lock().iter().find(|download| download.token == token).cloned();
        known.ok_or_else(|| {
            let hint = "it begins when GET or POST /api/photos.zip is answered";
            Problem::not_found("there is no such download", hint)
        })
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Download>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
