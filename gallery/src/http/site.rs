//! What handlers are given: what they answer from, and what was asked.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::{Buf, Bytes};
use futures_util::stream::{BoxStream, Stream, StreamExt};
use hyper::upgrade::OnUpgrade;
use supervision::Health;
use tokio::sync::watch;
use warp::http::{HeaderMap, HeaderValue, Method};

use crate::caller::Caller;
use crate::http::cors::Readers;
use crate::limits::strangers::Strangers;
use crate::live::hub::Hub;
use crate::live::socket::handshake;
use crate::photos::picture::Pool;
use crate::photos::store::Store;
use crate::photos::upload::Uploads;
use crate::problem::Problem;
use crate::relay::Relay;

/// What the routes need. A cheap handle.
#[derive(Debug, Clone)]
pub(crate) struct Site {
    pub hub: Arc<Hub>,
    pub store: Store,
    pub pictures: Pool,
    pub uploads: Uploads,
    pub relay: Relay,
    pub health: Health,
    pub strangers: Strangers,
    pub readers: Arc<Readers>,
    /// What the page may do.
    pub policy: HeaderValue,
    pub stop: watch::Receiver<bool>,
}

/// What stands behind the `?`.
pub(crate) type Query = HashMap<String, String>;

/// What the body of a request brings.
pub(crate) type Body = BoxStream<'static, Result<Bytes, warp::Error>>;

/// A request, and who makes it.
pub(crate) struct Asked {
    pub caller: Caller,
    pub method: Method,
    pub path: String,
    /// What stands behind the `?`, as it was typed.
    pub typed: String,
    pub query: Query,
    pub headers: HeaderMap,
    /// The connection, if it can become another protocol's.
    pub upgrade: Option<OnUpgrade>,
    pub body: Body,
    /// What stands in the path where its route has names, in their order.
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

    /// What stands in the path in the place of a name.
    pub fn name(&self, place: usize) -> &str {
        self.named.get(place).map_or("", String::as_str)
    }

    /// A header, if it is there.
    ///
    /// # Errors
    /// It has other characters than those of ASCII that can be seen.
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

    /// The connection that becomes a WebSocket, if it can and this is asked for.
    pub fn websocket(&mut self) -> Option<OnUpgrade> {
        self.upgrade.take().filter(|_| self.is_for_websocket())
    }
}
