//! The plain relay: a message goes as it is to all others in the room.
//!
//! It knows nothing of what it carries, so that pages and programs that were written for such a
//! relay work with it unchanged. A `client` is one who came in; `rooms` knows who hears whom, and
//! an `outbox` is what waits for one of them.
//! Only `photos` looks at what is said: on `/`, pictures become photos.

mod client;
mod member;
mod memory;
mod message;
mod outbox;
mod photos;
mod rooms;

use std::net::IpAddr;
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::sync::{Semaphore, watch};
use tracing::{debug, info};
use warp::http::Request;
use warp::reply::{Reply, Response};

use crate::problem::Problem;
use crate::websocket::handshake;
use photos::{Offers, Pictures};
use rooms::{Place, RoomName, Rooms};

pub(crate) use photos::{offers, run};

/// What all messages together may take of memory, in bytes: those that are being read, and those
/// that wait. Who says more waits until others have taken it.
const MEMORY: usize = 128 * 1024 * 1024;

/// All rooms, and what they need.
#[derive(Debug, Clone)]
pub(crate) struct Relay {
    rooms: Arc<Rooms>,
    memory: Arc<Semaphore>,
    offers: Offers,
    stop: watch::Receiver<bool>,
}

impl Relay {
    /// Pictures that are said on `/` are put into `offers`.
    pub fn new(offers: Offers, stop: watch::Receiver<bool>) -> Relay {
        let memory = Arc::new(Semaphore::new(memory::kibibytes(MEMORY)));
        Relay { rooms: Arc::default(), memory, offers, stop }
    }

    /// Answers a request that asks for a room, and serves the client that it becomes.
    pub fn enter(&self, room: RoomName, peer: IpAddr, request: &mut Request<Incoming>) -> Response {
        let entered = handshake::accept(request)
            .and_then(|response| Ok((response, self.rooms.join(room, peer.to_canonical())?)));
        match entered {
            Ok((response, place)) => {
                // Ends with the client, or when the gallery stops.
                tokio::spawn(self.clone().serve(place, hyper::upgrade::on(request)));
                response
            }
            Err(problem) => problem.into_response(),
        }
    }

    async fn serve(self, place: Place, upgrade: OnUpgrade) {
        let stream = match upgrade.await {
            Ok(stream) => TokioIo::new(stream),
            Err(error) => return debug!(%error, "a client of the relay left at once"),
        };
        let pictures = place.room.is_root().then(|| Pictures::new(self.offers));
        client::serve(stream, &place, pictures, self.memory, self.stop).await;
        let replaced = place.member.replaced();
        if replaced > 0 {
            info!(room = %place.room, replaced, "a client of the relay was sent only newer pictures");
        }
    }
}

/// The room that a request asks for, if it is one for the relay: a WebSocket on `/` or on
/// `/relay/<room>`.
pub(crate) fn asks_for<B>(request: &Request<B>) -> Option<Result<RoomName, Problem>> {
    if !handshake::is_asked_for(request) {
        return None;
    }
    match request.uri().path() {
        "/" => Some(Ok(RoomName::default())),
        path => path.strip_prefix("/relay/").map(str::parse),
    }
}

/// What is said to a request for a room that is no upgrade.
pub(crate) fn not_an_upgrade(room: &str) -> Problem {
    let hint = "connect to it as a WebSocket, version 13";
    Problem::new(warp::http::StatusCode::UPGRADE_REQUIRED, format!("{room:?} is a room"), hint)
}

#[cfg(test)]
mod tests {
    use super::*;

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
