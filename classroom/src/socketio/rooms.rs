//! All clients: who they are, and who gets whose events.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use quota::Shares;
use tokio::time::{Instant, interval};
use traffic::{Mistake, Passing, Queue, Traffic, Way};

use super::packet;
use super::session::{Event, Session, Transport};
use gallery::{Who, patience};

/// The most clients.
const CLIENTS: usize = 256;

/// All clients, see the module.
#[derive(Debug)]
pub(crate) struct Rooms {
    sessions: Mutex<HashMap<String, Arc<Session>>>,
    places: Shares<Who>,
    traffic: Traffic,
}

impl Rooms {
    /// Rooms whose traffic may be watched.
    pub fn new(traffic: Traffic) -> Rooms {
        let places = Shares::new("places for Socket.IO", CLIENTS);
        Rooms { sessions: Mutex::default(), places, traffic }
    }

    /// A new client.
    ///
    /// # Errors
    /// There are too many, in words.
    pub fn open(&self, peer: IpAddr, transport: Transport) -> Result<Arc<Session>, String> {
        let place = self.places.take(Who::at(peer)).map_err(|full| {
            self.traffic.mistake(Way::SocketIo, peer, Mistake::NoRoom);
            full.to_string()
        })?;
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(|error| error.to_string())?;
        let sid: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let here = self.traffic.enter(Way::SocketIo, peer);
        let session = Arc::new(Session::new(sid.clone(), peer, transport, place, here));
        let queue: Arc<dyn Queue> = session.clone();
        session.here.waits_in(Arc::downgrade(&queue));
        self.lock().insert(sid, session.clone());
        Ok(session)
    }

    /// The client that has this id and comes from there.
    pub fn find(&self, sid: &str, peer: IpAddr) -> Option<Arc<Session>> {
        let session = self.lock().get(sid)?.clone();
        (session.peer == peer && !session.is_closed()).then_some(session)
    }

    /// Ends a client.
    pub fn close(&self, session: &Session) {
        session.close();
        self.lock().remove(&session.sid);
    }

    /// Gives an event to all in a namespace but `from`, see [`patience::give`].
    pub async fn give(&self, namespace: &str, from: &Session, event: &Arc<Event>) {
        let mut others = self.all_in(namespace);
        others.retain(|one| one.sid != from.sid);
        event.passing.goes_to(others.len());
        patience::give(others, event).await;
    }

    fn all_in(&self, namespace: &str) -> Vec<Arc<Session>> {
        let sessions = self.lock();
        sessions.values().filter(|session| session.is_in(namespace)).cloned().collect()
    }

    /// Tells all that something happened, as an event with one text, as it is watched.
    pub fn tell(&self, name: &str, text: &str, passing: Passing) {
        let json = serde_json::json!([name, text]).to_string();
        let text = packet::event("/", 0, &json);
        let event = Event::watched(text, Vec::new(), Vec::new(), passing);
        let all = self.all_in("/");
        event.passing.goes_to(all.len());
        all.iter().for_each(|session| session.put(event.clone()));
    }

    /// Asks all clients now and then whether they are there. Never ends.
    pub async fn run(&self, beat: impl Fn()) {
        let mut ticks = interval(Duration::from_secs(1));
        loop {
            ticks.tick().await;
            beat();
            let now = Instant::now();
            let all: Vec<_> = self.lock().values().cloned().collect();
            for session in all {
                if session.tick(now) {
                    self.close(&session);
                }
            }
        }
    }

    /// Ends all clients.
    pub fn end(&self) {
        let all: Vec<_> = self.lock().drain().map(|(_, session)| session).collect();
        all.iter().for_each(|session| session.close());
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Session>>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
