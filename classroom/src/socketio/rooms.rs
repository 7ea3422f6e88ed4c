//! All clients: who they are, and who gets whose events.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use quota::Shares;
use tokio::time::{Instant, interval};

use super::packet;
use super::session::{Event, Session, Transport};
use gallery::Who;

/// The most clients.
const CLIENTS: usize = 256;

/// All clients, see the module.
#[derive(Debug)]
pub(crate) struct Rooms {
    sessions: Mutex<HashMap<String, Arc<Session>>>,
    places: Shares<Who>,
}

impl Rooms {
    pub fn new() -> Rooms {
        let places = Shares::new("places for Socket.IO", CLIENTS);
        Rooms { sessions: Mutex::default(), places }
    }

    /// A new client.
    ///
    /// # Errors
    /// There are too many, in words.
    pub fn open(&self, peer: IpAddr, transport: Transport) -> Result<Arc<Session>, String> {
        let place = self.places.take(Who::at(peer)).map_err(|full| full.to_string())?;
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(|error| error.to_string())?;
        let sid: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let session = Arc::new(Session::new(sid.clone(), peer, transport, place));
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

    /// Gives an event to all in a namespace but `from`, and returns them.
    pub fn send(
        &self,
        namespace: &str,
        from: Option<&Session>,
        event: &Arc<Event>,
    ) -> Vec<Arc<Session>> {
        let sender = from.map(|from| &*from.sid);
        let others: Vec<_> = {
            let sessions = self.lock();
            let others = sessions.values().filter(|session| Some(&*session.sid) != sender);
            others.filter(|session| session.is_in(namespace)).cloned().collect()
        };
        others.iter().for_each(|session| session.put(event.clone()));
        others
    }

    /// Tells all that something happened, as an event with one text.
    pub fn tell(&self, name: &str, text: &str) {
        let json = serde_json::json!([name, text]).to_string();
        self.send("/", None, &Event::own(packet::event("/", 0, &json)));
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
