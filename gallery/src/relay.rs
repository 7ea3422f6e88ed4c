//! The plain relay: passes each message unchanged to all others in the room.
//!
//! It does not know what it carries, so pages and programs written for such a relay work with it
//! unchanged. `client` serves one connection, `rooms` knows who receives whose messages, and an
//! `outbox` is the queue of one client. Only `photos` looks at messages: on `/`, pictures become
//! photos.

mod client;
mod member;
mod message;
mod outbox;
pub mod patience;
mod photos;
mod rooms;

use std::sync::Arc;

use access::{Logins, Right};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::sync::watch;
use tracing::{debug, info};
use traffic::{Mistake, Traffic, Way};
use warp::http::{HeaderMap, Request};
use warp::reply::Response;

use crate::caller::Caller;
use crate::limits::shares::Full;
use crate::limits::strangers::Strangers;
use crate::live::socket::handshake;
use crate::problem::Problem;
use photos::{Missed, Offers, Pictures};
use rooms::{Place, Rooms};

pub(crate) use message::MESSAGE;
pub(crate) use photos::{Offered, offers, run};
pub(crate) use rooms::RoomName;

/// The most credits of a client.
const CREDITS: u8 = 16;

/// All rooms, and what they need.
#[derive(Debug, Clone)]
pub(crate) struct Relay {
    rooms: Arc<Rooms>,
    strangers: Strangers,
    logins: Arc<Logins>,
    offers: Offers,
    missed: Arc<Missed>,
    /// Who watches what passes.
    pub traffic: Traffic,
    stop: watch::Receiver<bool>,
}

impl Relay {
    /// Pictures sent on `/` go to `offers`.
    pub fn new(
        offers: Offers,
        strangers: Strangers,
        logins: Arc<Logins>,
        stop: watch::Receiver<bool>,
    ) -> Relay {
        let (rooms, missed, traffic) = (Arc::default(), Arc::default(), Traffic::default());
        Relay { rooms, strangers, logins, offers, missed, traffic, stop }
    }

    /// Answers a request for a room, and serves the client, with `credits` if it wants them. Pictures sent on `/` become photos if
    /// the room `keeps` them and the caller may upload.
    ///
    /// # Errors
    /// The caller may not, the request is not for a WebSocket, or there are too many clients.
    pub fn enter(
        &self,
        room: RoomName,
        credits: Option<u8>,
        caller: &Caller,
        keeps: bool,
        headers: &HeaderMap,
        upgrade: OnUpgrade,
    ) -> Result<Response, Problem> {
        caller.needs(Right::Relay)?;
        let response = handshake::accept(headers)?;
        let who = caller.who();
        let no_room = |_: &Full| self.traffic.mistake(Way::WebSocket, caller.peer, Mistake::NoRoom);
        let client = self.strangers.relay.take(who.clone()).inspect_err(no_room)?;
        let here = self.traffic.enter(Way::WebSocket, caller.peer);
        let seen = caller.cameras.clone();
        let place = self.rooms.join(room, credits, who, seen, here).inspect_err(no_room)?;
        let keeps = keeps && place.room.is_root();
        let serve = self.clone().serve(place, caller.clone(), keeps, upgrade);
        // Ends with the client, or when the gallery stops.
        tokio::spawn(async move {
            serve.await;
            drop(client);
        });
        Ok(response)
    }

    async fn serve(self, place: Place, caller: Caller, keeps: bool, upgrade: OnUpgrade) {
        let stream = match upgrade.await {
            Ok(stream) => TokioIo::new(stream),
            Err(error) => return debug!(%error, "a client of the relay left at once"),
        };
        let Strangers { offers: places, messages, .. } = self.strangers;
        let who = caller.who();
        let memory = messages.none(who.clone());
        let brings = keeps && caller.may(Right::Upload, None);
        let pictures = brings.then(|| Pictures::new(self.offers, places, who, self.missed));
        let over = caller.changed(self.logins, Some(Right::Relay));
        client::serve(stream, &place, pictures, memory, over, self.stop).await;
        let replaced = place.member.replaced();
        if replaced > 0 {
            info!(room = %place.room, replaced, "a client of the relay was sent only newer pictures");
        }
    }
}

/// The room that a request asks for, if it is for the relay: a WebSocket on `/` or on
/// `/relay/<room>`.
pub(crate) fn asks_for<B>(request: &Request<B>) -> Option<Result<RoomName, Problem>> {
    if !handshake::is_asked_for(request.method(), request.headers()) {
        return None;
    }
    room(request.uri().path())
}

/// The room at a path.
pub(crate) fn room(path: &str) -> Option<Result<RoomName, Problem>> {
    match path {
        "/" => Some(Ok(RoomName::default())),
        path => path.strip_prefix("/relay/").map(str::parse),
    }
}

/// With how many credits a query asks to be served, if with any.
///
/// # Errors
/// It is no number from 1 to [`CREDITS`].
pub(crate) fn credits(query: &str) -> Result<Option<u8>, Problem> {
    let Some(asked) = query.split('&').find_map(|pair| pair.strip_prefix("credits=")) else {
        return Ok(None);
    };
    match asked.parse() {
        Ok(credits) if (1..=CREDITS).contains(&credits) => Ok(Some(credits)),
        _ => {
            let error = format!("{asked:?} is no number of credits");
            Err(Problem::bad_request(error, format!("write credits=2, from 1 to {CREDITS}")))
        }
    }
}

/// The answer to a request for a room that is not an upgrade.
pub(crate) fn not_an_upgrade(room: &str) -> Problem {
    let hint = "connect to it as a WebSocket, version 13";
    Problem::new(warp::http::StatusCode::UPGRADE_REQUIRED, format!("{room:?} is a room"), hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_query_says_how_many_credits() {
        let asked = |query| credits(query).map_err(|_| ());
        assert_eq!((asked(""), asked("room=a")), (Ok(None), Ok(None)));
        assert_eq!((asked("room=a&credits=2"), asked("credits=16")), (Ok(Some(2)), Ok(Some(16))));
        for bad in ["credits=", "credits=0", "credits=17", "credits=-1", "credits=999", "credits=x"]
        {
            assert_eq!(asked(bad), Err(()), "{bad}");
        }
    }

    #[test]
    fn an_upgrade_on_the_root_or_a_room_is_for_the_relay() {
        let room = |path, upgrade| {
            let request = Request::builder().uri(path).header("upgrade", upgrade).body(()).unwrap();
            asks_for(&request).map(|room| room.map(|room| room.to_string()).map_err(|_| ()))
        };
        assert_eq!(room("/?x=1", "WebSocket"), Some(Ok("/".to_owned())));
        assert_eq!(room("/relay/aula-2", "WebSocket"), Some(Ok("/relay/aula-2".to_owned())));
        for bad in ["/relay/", "/relay/a/b", "/relay/A", "/relay/a%20b"] {
            assert_eq!(room(bad, "WebSocket"), Some(Err(())), "{bad}");
        }
        assert_eq!(room("/ws", "WebSocket"), None);
        assert_eq!(room("/", "h2c"), None);
        assert!(asks_for(&Request::builder().uri("/").body(()).unwrap()).is_none());
    }
}
