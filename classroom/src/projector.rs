//! `/class`: what passes, for the projector, and the teacher's switches.
//!
//! Everybody who is let in may look. Only who has the word that was told where the class was
//! started may switch: an address alone proves nothing, because pages of pupils run on the
//! teacher's machine too. Who may not see all cameras is not told which pictures pass.

use std::convert::Infallible;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use access::Right;
use bytes::Bytes;
use futures_util::stream;
use gallery::{Caller, House, Who};
use hyper::Request;
use hyper::body::Incoming;
use quota::Shares;
use serde::Deserialize;
use supervision::stopped;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval};
use traffic::{BadSwitches, Shown, Switches, Traffic, Way};
use warp::http::StatusCode;
use warp::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap, REFERRER_POLICY,
};
use warp::reply::{Reply, Response};

use crate::body;
use crate::replies::{self, put};
use crate::start::{escaped, prefers_english};

/// Where the page is, what it shows comes from, and its switches go.
pub(crate) const PAGE: &str = "/class";
pub(crate) const LIVE: &str = "/class/live";
pub(crate) const SWITCH: &str = "/class/switch";

const HTML: &str = include_str!("projector/page.html");

/// Its own files alone: nothing that somebody else wrote can run in it, and no page can frame it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

/// How often a page is told what passes.
const EVERY: Duration = Duration::from_millis(400);

/// The most pages that look at the same time.
const PAGES: usize = 64;

/// The most bytes of what switches are set to.
const ASKED: usize = 8 * 1024;

/// 32 letters and digits that are told apart on paper.
const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// The word of the teacher: 60 bits, in twelve letters.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Word(String);

impl Word {
    /// A new word.
    ///
    /// # Errors
    /// The system gives no random bytes.
    pub fn new() -> Result<Word, getrandom::Error> {
        let mut bytes = [0; 12];
        getrandom::fill(&mut bytes)?;
        let letter = |byte: &u8| char::from(LETTERS[usize::from(byte % 32)]);
        Ok(Word(bytes.iter().map(letter).collect()))
    }

    /// Compares in a time that says nothing of where they differ.
    fn is(&self, typed: &str) -> bool {
        let differences = self.0.bytes().zip(typed.bytes()).fold(0, |all, (a, b)| all | (a ^ b));
        differences == 0 && self.0.len() == typed.len()
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Word {
    /// It stays out of the log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Word")
    }
}

/// The page, see the module.
#[derive(Debug)]
pub(crate) struct Projector {
    house: House,
    word: Word,
    /// By which address pages come in, without the scheme.
    address: String,
    feed: Arc<Feed>,
    pages: Shares<Who>,
    stop: watch::Receiver<bool>,
}

/// What all pages are told, made once for all of them.
#[derive(Debug)]
struct Feed {
    traffic: Traffic,
    last: Mutex<Option<(Instant, Bytes)>>,
}

/// What a page asks for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    word: String,
    /// Without them it asks whether the word is right.
    switches: Option<Switches>,
}

impl Projector {
    /// A page that shows the traffic of a house until `stop` is true.
    pub fn new(
        house: &House,
        word: Word,
        address: String,
        stop: watch::Receiver<bool>,
    ) -> Projector {
        let feed = Feed { traffic: house.traffic().clone(), last: Mutex::default() };
        let pages = Shares::new("pages that watch the class", PAGES);
        Projector { house: house.clone(), word, address, feed: Arc::new(feed), pages, stop }
    }

    /// The page, in the language that the browser prefers, of the two that there are.
    pub fn page(&self, headers: &HeaderMap) -> Response {
        let lang = if prefers_english(headers) { "en" } else { "es" };
        let html = HTML.replace("{lang}", lang).replace("{address}", &escaped(&self.address));
        let mut response = replies::page(html);
        put(&mut response, CONTENT_SECURITY_POLICY, POLICY);
        put(&mut response, REFERRER_POLICY, "no-referrer");
        response
    }

    /// What passes, again and again, as server-sent events, as long as the caller may look. A page
    /// that is slow misses some.
    pub fn live(&self, caller: &Caller) -> Response {
        if !caller.may(Right::Look, None) {
            let error = "You may not look at what passes. No puedes ver lo que pasa.";
            return replies::words(StatusCode::FORBIDDEN, error);
        }
        let place = match self.pages.take(Who::at(caller.peer)) {
            Ok(place) => place,
            Err(full) => return replies::words(StatusCode::SERVICE_UNAVAILABLE, full.to_string()),
        };
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let sees_all = caller.cameras.are_all();
        let over = Box::pin(self.house.changed(caller, Right::Look));
        let state = (self.feed.clone(), ticks, self.stop.clone(), over, place);
        let events =
            stream::unfold(state, move |(feed, mut ticks, mut stop, mut over, place)| async move {
                tokio::select! {
                    biased;
                    () = &mut over => return None,
                    () = stopped(&mut stop) => return None,
                    _ = ticks.tick() => {}
                }
                let event = if sees_all { feed.event() } else { feed.event_for_some() };
                Some((Ok::<_, Infallible>(event), (feed, ticks, stop, over, place)))
            });
        let mut response = warp::reply::stream(events).into_response();
        put(&mut response, CONTENT_TYPE, "text/event-stream");
        put(&mut response, CACHE_CONTROL, "no-store");
        response
    }

    /// Sets the switches, if the word is right.
    pub async fn switch(&self, caller: &Caller, request: &mut Request<Incoming>) -> Response {
        let mut memory = self.house.memory(caller.peer);
        let asked = body::whole(request.body_mut(), ASKED, &mut memory).await.ok();
        let asked = asked.and_then(|asked| serde_json::from_slice::<Asked>(&asked).ok());
        let Some(Asked { word, switches }) = asked else {
            return replies::words(StatusCode::BAD_REQUEST, "these are no switches");
        };
        if !self.word.is(&word) || !caller.may(Right::Look, None) {
            let error = "Only the teacher switches: open the address that was printed where the \
                         class was started.";
            let hint = "Solo manda quien abrió la clase: abre la dirección que salió en la \
                        terminal.";
            return replies::words(StatusCode::FORBIDDEN, format!("{error}\n{hint}"));
        }
        match switches.map(Switches::check).transpose() {
            Ok(switches) => {
                switches.into_iter().for_each(|switches| self.feed.switch(switches));
                let mut response = Response::default();
                *response.status_mut() = StatusCode::NO_CONTENT;
                response
            }
            Err(BadSwitches(why)) => replies::words(StatusCode::BAD_REQUEST, why),
        }
    }
}

impl Feed {
    /// What all pages are told now.
    fn event(&self) -> Bytes {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, event)) = &*last
            && at.elapsed() < EVERY / 2
        {
            return event.clone();
        }
        let event = event(self.traffic.shown());
        *last = Some((Instant::now(), event.clone()));
        event
    }

    /// The same for one who may not see all cameras: nothing of who sends and watches pictures.
    fn event_for_some(&self) -> Bytes {
        let is_told = |way| !matches!(way, Way::Mqtt | Way::Page);
        event(self.traffic.shown().map(|mut shown| {
            shown.last.retain(|row| is_told(row.way));
            shown.mistakes.retain(|mistake| is_told(mistake.way));
            let quiet = shown.ways.iter_mut().filter(|shown| !is_told(shown.way));
            quiet.for_each(|shown| shown.names.clear());
            shown
        }))
    }

    fn switch(&self, switches: Switches) {
        self.traffic.switch(switches);
        // Whoever switched sees it at once.
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// A server-sent event (HTML, section 9.2).
fn event(shown: Option<Shown>) -> Bytes {
    let json = shown.and_then(|shown| serde_json::to_string(&shown).ok());
    Bytes::from(format!("data: {}\n\n", json.unwrap_or_else(|| "{}".to_owned())))
}

#[cfg(test)]
mod tests {
    use traffic::{Kind, Mistake};

    use super::*;

    #[test]
    fn a_word_is_hard_to_guess_and_not_in_the_log() {
        let (word, other) = (Word::new().unwrap(), Word::new().unwrap());
        assert_ne!(word, other);
        assert!(word.0.len() == 12 && word.0.bytes().all(|byte| LETTERS.contains(&byte)));
        assert!(word.is(&word.0.clone()) && !word.is(&other.0) && !word.is(""));
        assert!(!word.is(&word.0[..11]) && !word.is(&format!("{word}a")));
        assert_eq!(format!("{word:?}"), "Word");
    }

    #[test]
    fn each_mistake_kind_and_way_has_words_in_both_languages() {
        const WORDS: &str = include_str!("projector/words.js");
        let large = Mistake::TooLarge { bytes: None, most: 1, text: true };
        let mistakes = [
            large,
            Mistake::TooFast,
            Mistake::TalksTooFast,
            Mistake::NotText,
            Mistake::Reconnects,
            Mistake::TakesNothing,
            Mistake::Protocol,
            Mistake::Browser,
            Mistake::NoRoom,
            Mistake::Elsewhere,
            Mistake::Unfinished,
        ];
        let kinds = [
            Kind::Image("JPEG"),
            Kind::DataUrl,
            Kind::Pixels,
            Kind::Json,
            Kind::Text,
            Kind::Bytes,
            Kind::Event(String::new()),
            Kind::Upload,
            Kind::Chat,
            Kind::Line,
            Kind::Turn,
            Kind::Topic(String::new()),
        ];
        let what = |mistake| serde_json::to_value(mistake).unwrap()["what"].clone();
        let kind = |kind| serde_json::to_value(kind).unwrap()["kind"].clone();
        let ways = Way::ALL.map(|way| serde_json::to_value(way).unwrap());
        let all = mistakes.map(what).into_iter().chain(kinds.map(kind)).chain(ways);
        for key in all.map(|key| key.as_str().unwrap().to_owned()) {
            let keys = [format!(" {key}: "), format!("'{key}': ")];
            let found: usize = keys.iter().map(|key| WORDS.matches(&**key).count()).sum();
            assert!(found >= 2, "{key}");
        }
    }

    #[test]
    fn who_may_not_see_all_cameras_is_not_told_which_pictures_pass() {
        let feed = Feed { traffic: Traffic::watched(), last: Mutex::default() };
        feed.traffic.picture("house/bedroom", 1, 1000, Duration::ZERO);
        let sensor = feed.traffic.enter(Way::Mqtt, [10, 0, 0, 1].into());
        sensor.is_called("bedroom-sensor");
        sensor.passing(|| Kind::topic("house/bedroom"), 4);
        let text = |event: Bytes| String::from_utf8(event.to_vec()).unwrap();
        assert!(text(feed.event()).matches("bedroom").count() >= 3);
        let some = text(feed.event_for_some());
        assert!(!some.contains("bedroom") && some.contains("\"count\":1"), "{some}");
    }

    #[test]
    fn many_pages_cost_one() {
        let feed = Feed { traffic: Traffic::watched(), last: Mutex::default() };
        let first = feed.event();
        assert!(first.starts_with(b"data: {\"at\":") && first.ends_with(b"}\n\n"));
        assert_eq!(feed.event().as_ptr(), first.as_ptr());
        feed.switch(Switches { paused: true, ..Switches::default() });
        let event = String::from_utf8(feed.event().to_vec()).unwrap();
        assert!(event.contains("\"paused\":true"), "{event}");
    }
}
