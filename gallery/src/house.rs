//! A running gallery as programs use it that let others in by ways of their own: the relay's rooms,
//! the talk, the photos, and the bounds that all strangers share.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use access::{Guard, Keys, Logins, Names, Networks, Right};
use bytes::Bytes;
use hyper::upgrade::OnUpgrade;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tracing::info;
use traffic::Traffic;
use warp::http::HeaderMap;
use warp::reply::{Reply, Response};

use crate::caller::Caller;
use crate::http::https::{Https, HttpsError};
use crate::http::listener::{self, Answers, Service};
use crate::limits::shares::{Share, Who};
use crate::limits::strangers::Strangers;
use crate::live::socket::{Receiver, handshake};
use crate::now::Now;
use crate::people::{Guest, Held, People};
use crate::photos::upload::Uploads;
use crate::relay::{self, Relay, RoomName};

/// The longest message that is passed on, in bytes.
pub const MESSAGE: usize = relay::MESSAGE;

/// The most bytes of a WebSocket read at once.
const READ: usize = 16 * 1024;

/// A running gallery, see the module. A cheap handle.
#[derive(Debug, Clone)]
pub struct House {
    pub(crate) networks: Networks,
    pub(crate) hosts: Vec<String>,
    pub(crate) https: Option<Arc<Https>>,
    /// The gallery's own directory.
    pub(crate) data: PathBuf,
    pub(crate) strangers: Strangers,
    pub(crate) logins: Arc<Logins>,
    pub(crate) relay: Relay,
    pub(crate) uploads: Uploads,
    pub(crate) people: Arc<People>,
}

impl House {
    /// Lets the same networks in as the gallery, by the same names, and pages of these `origins`.
    pub fn guard(&self, origins: &[String], keys: Keys) -> Guard {
        let names = Names::of_this_machine(&self.hosts);
        Guard::new(self.networks.clone(), names, origins, keys)
    }

    /// What the gallery shows for itself over TLS: its own certificate, or if it has no HTTPS, one
    /// that is made and kept with its data.
    ///
    /// # Errors
    /// [`HttpsError`] names the file.
    pub fn https(&self) -> Result<Arc<Https>, HttpsError> {
        let own = self.https.clone().map(Ok);
        own.unwrap_or_else(|| Https::new(None, &self.data).map(Arc::new))
    }

    /// Serves HTTP and HTTPS until `stop` is true, then finishes the answers that are under way.
    /// Their connections take from the gallery's. Calls `beat` now and then.
    pub async fn serve(
        &self,
        http: TcpListener,
        https: Option<(TcpListener, Arc<Https>)>,
        guard: Arc<Guard>,
        answers: impl Answers,
        stop: watch::Receiver<bool>,
        beat: impl Fn(),
    ) {
        let refusals = Arc::default();
        let (strangers, logins) = (self.strangers.clone(), self.logins.clone());
        let service =
            Service { answers, guard, logins, refusals, doors: None, strangers, redirect: None };
        listener::serve(http, https, service, stop, beat).await;
    }

    /// Answers a request for a WebSocket in a room of the relay; without a name, in that at `/`,
    /// with the credits that the `query` may ask for. There pictures become photos if they are to be `kept`.
    pub fn relay(
        &self,
        room: Option<&str>,
        query: &str,
        caller: &Caller,
        kept: bool,
        headers: &HeaderMap,
        upgrade: OnUpgrade,
    ) -> Response {
        let room = room.map_or(Ok(RoomName::default()), str::parse);
        let enter = |room, credits| self.relay.enter(room, credits, caller, kept, headers, upgrade);
        room.and_then(|room| enter(room, relay::credits(query)?))
            .unwrap_or_else(Reply::into_response)
    }

    /// The answer that makes the connection of a GET by HTTP/1.1 a WebSocket; `None` if the request
    /// does not meet RFC 6455.
    pub fn accept(headers: &HeaderMap) -> Option<Response> {
        handshake::accept(headers).ok()
    }

    /// Whether somebody who has no way to log in may do something, such as a program at a port of
    /// its own.
    pub fn may(&self, address: IpAddr, right: Right) -> bool {
        let caller = Caller::unknown(address).renewed(&self.logins);
        caller.is_some_and(|caller| caller.may(right, None))
    }

    /// Waits until a caller was logged out, may no longer do what needs this right, or is to see other
    /// cameras than before.
    pub fn changed(
        &self,
        caller: &Caller,
        right: Right,
    ) -> impl Future<Output = ()> + Send + use<> {
        caller.clone().changed(self.logins.clone(), Some(right))
    }

    /// Waits until somebody without a way to log in may no longer do it.
    pub async fn may_not(&self, address: IpAddr, right: Right) {
        Caller::unknown(address).over(self.logins.clone(), Some(right)).await;
    }

    /// An empty share of the memory for messages that are unfinished or wait for somebody.
    pub fn memory(&self, address: IpAddr) -> Share {
        self.strangers.messages.none(Who::at(address))
    }

    /// Reads the messages of a WebSocket, of at most [`MESSAGE`] bytes.
    pub fn receiver(&self, address: IpAddr) -> Receiver {
        Receiver::new(READ, MESSAGE, &[], self.memory(address))
    }

    /// What passes, as far as it is watched.
    pub fn traffic(&self) -> &Traffic {
        &self.relay.traffic
    }

    /// Stores a picture as a photo, if it is one.
    pub async fn keep(&self, picture: Bytes) {
        let id = Now::read().new_id();
        if let Err(problem) = self.uploads.bring(id, picture).await {
            info!(why = problem.error(), "an upload is shown, but stored as no photo");
        }
    }

    /// Somebody joins the talk as `name`, from `address`.
    ///
    /// # Errors
    /// [`Held`]: the name cannot be shown, or too many join.
    pub fn join(&self, name: &str, address: IpAddr) -> Result<Guest, Held> {
        Guest::join(self.people.clone(), name, address)
    }
}
