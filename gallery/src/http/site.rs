//! What handlers get: the site that they answer from, and the request.

use std::collections::HashMap;
use std::sync::Arc;

use access::Logins;
use bytes::{Buf, Bytes};
use futures_util::stream::{BoxStream, Stream, StreamExt};
use hyper::upgrade::OnUpgrade;
use supervision::Health;
use tokio::sync::watch;
use warp::http::{HeaderMap, HeaderValue, Method};

use crate::caller::Caller;
use crate::http::cors::Readers;
use crate::http::invite::Doors;
use crate::http::zip::Downloads;
use crate::limits::strangers::Strangers;
use crate::live::hub::Hub;
use crate::live::socket::handshake;
use crate::photos::picture::Pool;
use crate::photos::store::Store;
use crate::photos::upload::Uploads;
use crate::problem::Problem;
use crate::relay::Relay;

/// The parts that the routes need. A cheap handle.
#[derive(Debug, Clone)]
pub(crate) struct Site {
    pub hub: Arc<Hub>,
    pub store: Store,
    pub pictures: Pool,
    pub uploads: Uploads,
    pub downloads: Downloads,
    pub relay: Relay,
    pub health: Health,
    pub strangers: Strangers,
    pub logins: Arc<Logins>,
    pub readers: Arc<Readers>,
    pub doors: Arc<Doors>,
    /// The page's Content Security Policy.
    pub policy: HeaderValue,
    pub stop: watch::Receiver<bool>,
}

/// The parameters behind the `?`.
pub(crate) type Query = HashMap<String, String>;

/// The body of a request.
pub(crate) type Body = BoxStream<'static, Result<Bytes, warp::Error>>;

/// A request, and who makes it.
pub(crate) struct Asked {
    pub caller: Caller,
    pub method: Method,
    pub path: String,
    /// The text behind the `?`, as typed.
    pub typed: String,
    pub query: Query,
    pub headers: HeaderMap,
    /// The connection, if it can be upgraded to another protocol.
    pub upgrade: Option<OnUpgrade>,
    pub body: Body,
    /// The segments at the names of the route's path, in order.
    pub named: Vec<String>,
}

impl Asked {
    /// A body as [`Body`].
    pub fn boxed<B: Buf>(
        body: impl Stream<Item = Result<B, warp::Error>> + Send + 'static,
    ) -> Body {
        let whole = |mut piece: B| piece.copy_to_bytes(piece.remaining());
        body.map(move |piece| piece.map(whole)).boxed()
    }

    /// The path segment at the name with this index.
    pub fn name(&self, place: usize) -> &str {
        self.named.get(place).map_or("", String::as_str)
    }

    /// A header, if present.
    ///
    /// # Errors
    /// It has characters other than visible ASCII.
    pub fn header(&self, name: &str) -> Result<Option<&str>, Problem> {
        let value = self.headers.get(name).map(HeaderValue::to_str).transpose();
        value.map_err(|_| {
            let hint = "docs/protocol.md says what can be asked";
            Problem::bad_request(format!("the header {name} cannot be read"), hint)
        })
    }

    /// Whether it asks for a WebSocket.
    pub fn is_for_websocket(&self) -> bool {
        handshake::is_asked_for(&self.method, &self.headers)
    }

    /// The connection that becomes a WebSocket, if it can and the request asks for it.
    pub fn websocket(&mut self) -> Option<OnUpgrade> {
        self.upgrade.take().filter(|_| self.is_for_websocket())
    }
}
