//! Socket.IO: protocol 5 within Engine.IO 4, by polls and by WebSocket. An event goes to all others
//! in its namespace as it is, as no server of its own could know it better.
//!
//! `packet` reads what clients write; `session` is one client, and `rooms` are all. `receiver` takes
//! what a client sends, which `polling` and `socket` carry. Why this is no crate of others:
//! `docs/decisions/class.md`.

mod packet;
mod polling;
mod receiver;
mod rooms;
mod session;
mod socket;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use access::Right;
use bytes::Bytes;
use futures_util::stream;
use gallery::{Caller, House, MESSAGE, Share};
use hyper::Request;
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio::time::timeout;
use tracing::debug;
use traffic::Mistake;
use warp::http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE};
use warp::http::{Method, StatusCode};
use warp::reply::{Reply, Response};

use crate::body;
use crate::replies::{self, put};
use polling::Part;
use receiver::End;
use session::{PING_EVERY, PONG_WITHIN, Session, Transport};

pub(crate) use rooms::Rooms;

/// How long a message waits for memory.
const MEMORY_WITHIN: Duration = Duration::from_secs(10);

/// The clients of Socket.IO, and what they share with all others. A cheap handle.
#[derive(Debug, Clone)]
pub(crate) struct SocketIo {
    pub rooms: Arc<Rooms>,
    house: House,
}

/// What is asked for, as Engine.IO has it in the query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Query<'a> {
    polls: bool,
    sid: Option<&'a str>,
}

/// Why a request is not served: Engine.IO's codes and words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Refused(u8, &'static str);

const UNKNOWN_TRANSPORT: Refused = Refused(0, "Transport unknown");
const UNKNOWN_SID: Refused = Refused(1, "Session ID unknown");
const BAD_METHOD: Refused = Refused(2, "Bad handshake method");
const BAD_REQUEST: Refused = Refused(3, "Bad request");
const OTHER_VERSION: Refused = Refused(5, "Unsupported protocol version");

impl SocketIo {
    pub fn new(house: House) -> SocketIo {
        SocketIo { rooms: Arc::new(Rooms::new(house.traffic().clone())), house }
    }

    /// Answers a request below `/socket.io/`.
    pub async fn answer(&self, caller: &Caller, request: &mut Request<Incoming>) -> Response {
        let asked = request.uri().query().unwrap_or_default().to_owned();
        let answer = match query(&asked) {
            Ok(query) if query.polls => self.poll(caller, query, request).await,
            Ok(query) => self.upgrade(caller, query, request),
            Err(refused) => Err(refused),
        };
        answer.unwrap_or_else(|Refused(code, message)| {
            let json = serde_json::json!({ "code": code, "message": message }).to_string();
            let mut response = replies::words(StatusCode::BAD_REQUEST, json);
            put(&mut response, CONTENT_TYPE, "application/json");
            response
        })
    }

    async fn poll(
        &self,
        caller: &Caller,
        query: Query<'_>,
        request: &mut Request<Incoming>,
    ) -> Result<Response, Refused> {
        let gets = *request.method() == Method::GET;
        let Some(sid) = query.sid else {
            if !gets {
                return Err(BAD_METHOD);
            }
            return Ok(match self.open(caller, Transport::Polling(0)) {
                Ok(session) => text(opened(&session.sid, true)),
                Err(why) => full(why),
            });
        };
        let session = self.rooms.find(sid, caller.peer).ok_or(UNKNOWN_SID)?;
        if gets {
            let transport = session.poll().ok_or(BAD_REQUEST)?;
            let mut memory = self.house.memory(caller.peer);
            let body = tokio::select! {
                body = polling::body(&session, transport, &mut memory) => Some(body),
                () = self.house.changed(caller, Right::Relay) => None,
            };
            let Some(body) = body else {
                self.rooms.close(&session);
                return Ok(replies::not_for_you());
            };
            return Ok(held(body, memory));
        }
        if *request.method() != Method::POST || session.transport() == Transport::WebSocket {
            return Err(BAD_REQUEST);
        }
        let mut memory = self.house.memory(caller.peer);
        let body = body::whole(request.body_mut(), MESSAGE, &mut memory).await;
        let Ok(body) = body else {
            // It is larger than Engine.IO's client was told.
            session.here.mistake(body::mistake(request.headers(), MESSAGE, true));
            self.rooms.close(&session);
            let why = format!("a message may have {} MiB", MESSAGE >> 20);
            return Ok(replies::words(StatusCode::PAYLOAD_TOO_LARGE, why));
        };
        // One body after the other, as they were sent.
        let mut receiver = session.receiver.lock().await;
        let here = (&*self.rooms, &*session);
        for part in polling::parts(&body) {
            let mut share = self.house.memory(caller.peer);
            let taken = match part {
                Some(Part::Text(packet)) => {
                    wait(&mut share, packet.len()).await?;
                    receiver.text(here, packet, share).await
                }
                Some(Part::Binary(bytes)) => {
                    wait(&mut share, bytes.len()).await?;
                    receiver.binary(here, Bytes::from(bytes), share).await
                }
                None => Err(End::Broken),
            };
            if let Err(end) = taken {
                self.rooms.close(&session);
                if end == End::Broken {
                    session.here.mistake(Mistake::Protocol);
                    return Err(BAD_REQUEST);
                }
                break;
            }
        }
        Ok(text("ok".to_owned()))
    }

    fn upgrade(
        &self,
        caller: &Caller,
        query: Query<'_>,
        request: &mut Request<Incoming>,
    ) -> Result<Response, Refused> {
        if *request.method() != Method::GET {
            return Err(BAD_REQUEST);
        }
        let response = House::accept(request.headers()).ok_or(BAD_REQUEST)?;
        let tries = query.sid.is_some();
        let session = match query.sid {
            Some(sid) => self.rooms.find(sid, caller.peer).ok_or(UNKNOWN_SID)?,
            None => match self.open(caller, Transport::WebSocket) {
                Ok(session) => session,
                Err(why) => return Ok(full(why)),
            },
        };
        if tries && session.transport() == Transport::WebSocket {
            return Err(BAD_REQUEST);
        }
        if !tries {
            session.put(session::Event::own(opened(&session.sid, false)));
        }
        let upgrade = hyper::upgrade::on(request);
        let (rooms, incoming) = (self.rooms.clone(), self.house.receiver(caller.peer));
        let over = self.house.changed(caller, Right::Relay);
        // Ends with the client, when it may no longer, or when the class stops and closes all
        // sessions.
        tokio::spawn(async move {
            let polls_on = match upgrade.await {
                Ok(stream) => {
                    let stream = TokioIo::new(stream);
                    let served = socket::serve(stream, incoming, &rooms, &session, tries);
                    tokio::select! {
                        polls_on = served => polls_on,
                        () = over => false,
                    }
                }
                Err(error) => {
                    debug!(%error, "a client of Socket.IO left at once");
                    tries
                }
            };
            if !polls_on {
                rooms.close(&session);
            }
        });
        Ok(response)
    }

    fn open(&self, caller: &Caller, transport: Transport) -> Result<Arc<Session>, String> {
        self.rooms.open(caller.peer, transport)
    }
}

/// Waits for memory, but not for ever: the others' messages may stay for long.
async fn wait(share: &mut Share, bytes: usize) -> Result<(), Refused> {
    timeout(MEMORY_WITHIN, share.wait(bytes)).await.map_err(|_| BAD_REQUEST)
}

/// Reads the query.
fn query(query: &str) -> Result<Query<'_>, Refused> {
    let get =
        |key: &str| query.split('&').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='));
    let polls = match get("transport") {
        Some("polling") => true,
        Some("websocket") => false,
        _ => return Err(UNKNOWN_TRANSPORT),
    };
    match get("EIO") {
        Some("4") => Ok(Query { polls, sid: get("sid") }),
        _ => Err(OTHER_VERSION),
    }
}

/// The first packet for a client.
fn opened(sid: &str, polls: bool) -> String {
    let upgrades: &[&str] = if polls { &["websocket"] } else { &[] };
    let json = serde_json::json!({
        "sid": sid,
        "upgrades": upgrades,
        "pingInterval": PING_EVERY.as_millis() as u64,
        "pingTimeout": PONG_WITHIN.as_millis() as u64,
        "maxPayload": MESSAGE,
    });
    format!("0{json}")
}

fn text(body: String) -> Response {
    let mut response = Response::new(body.into());
    put(&mut response, CONTENT_TYPE, "text/plain; charset=UTF-8");
    put(&mut response, CACHE_CONTROL, "no-store");
    response
}

/// A body that takes from the memory for messages until it is on its way.
fn held(body: String, memory: Share) -> Response {
    let length = body.len();
    let body = stream::unfold(Some((body, memory)), |state| async move {
        let (body, memory) = state?;
        (!body.is_empty()).then(|| (Ok::<_, Infallible>(body), Some((String::new(), memory))))
    });
    let mut response = warp::reply::stream(body).into_response();
    put(&mut response, CONTENT_TYPE, "text/plain; charset=UTF-8");
    put(&mut response, CONTENT_LENGTH, length.to_string());
    put(&mut response, CACHE_CONTROL, "no-store");
    response
}

fn full(why: String) -> Response {
    replies::words(StatusCode::SERVICE_UNAVAILABLE, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_query_is_read_as_engine_io_writes_it() {
        let asked = |polls, sid| Ok(Query { polls, sid });
        for (text, expected) in [
            ("EIO=4&transport=polling&t=abc", asked(true, None)),
            ("transport=websocket&EIO=4&sid=f00", asked(false, Some("f00"))),
            ("EIO=3&transport=polling", Err(OTHER_VERSION)),
            ("transport=polling", Err(OTHER_VERSION)),
            ("EIO=4&transport=flashsocket", Err(UNKNOWN_TRANSPORT)),
            ("", Err(UNKNOWN_TRANSPORT)),
        ] {
            assert_eq!(query(text), expected, "{text}");
        }
    }
}
