//! Who is in which room, and what each receives.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use access::Cameras;
use tokio::time::Instant;
use traffic::Client;
use warp::http::StatusCode;
use websocket::close::GOING_AWAY;

use super::member::Member;
use super::message::Message;
use super::outbox::ClientId;
use super::patience;
use crate::limits::shares::{Full, Share, Shares, Who};
use crate::problem::Problem;

/// The most clients of one room.
const CLIENTS: usize = 250;

/// The name of a room, 1 to 32 of `a-z 0-9 - _`; the default is the room at `/`, which has no name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct RoomName(String);

impl RoomName {
    /// Whether it is the room at `/`, with the photos.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromStr for RoomName {
    type Err = Problem;

    fn from_str(name: &str) -> Result<Self, Problem> {
        let good = (1..=wire::limits::NAME).contains(&name.len())
            && name.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'));
        match good {
            true => Ok(RoomName(name.to_owned())),
            false => Err(Problem::new(
                StatusCode::BAD_REQUEST,
                format!("no room can be called {name:?}"),
                "a room's name has 1 to 32 characters of a-z 0-9 - _",
            )),
        }
    }
}

impl fmt::Display for RoomName {
    /// Its path.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.is_root() {
            true => f.write_str("/"),
            false => write!(f, "/relay/{}", self.0),
        }
    }
}

/// All rooms. A room exists while somebody is in it.
#[derive(Debug, Default)]
pub(crate) struct Rooms(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    rooms: HashMap<RoomName, Room>,
    last: ClientId,
}

#[derive(Debug)]
struct Room {
    members: BTreeMap<ClientId, (Arc<Member>, Cameras)>,
    places: Shares,
}

/// A client in its room, until this is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    rooms: Arc<Rooms>,
    pub room: RoomName,
    pub id: ClientId,
    pub member: Arc<Member>,
    _share: Share,
}

impl Rooms {
    /// Lets a client in, who sees these cameras; for `credits` see [`Member::new`].
    ///
    /// # Errors
    /// The room has too many clients.
    pub fn join(
        self: &Arc<Self>,
        room: RoomName,
        credits: Option<u8>,
        who: Who,
        cameras: Cameras,
        here: Client,
    ) -> Result<Place, Full> {
        let mut inner = self.lock();
        let places = match inner.rooms.get(&room) {
            Some(room) => room.places.clone(),
            None => Shares::new("places in this room", CLIENTS),
        };
        let share = places.take(who)?;
        inner.last += 1;
        let (id, member) = (inner.last, Member::new(credits, here));
        let known = inner.rooms.entry(room.clone());
        let known = known.or_insert_with(|| Room { members: BTreeMap::new(), places });
        known.members.insert(id, (member.clone(), cameras));
        Ok(Place { rooms: self.clone(), room, id, member, _share: share })
    }

    /// Gives a message to all in a room except `from` who see cameras that fit, see
    /// [`patience::give`].
    pub async fn give(
        &self,
        room: &RoomName,
        from: ClientId,
        message: &Message,
        fit: impl Fn(&Cameras) -> bool,
    ) {
        let others: Vec<Arc<Member>> = {
            let inner = self.lock();
            let members = inner.rooms.get(room).into_iter().flat_map(|room| &room.members);
            let others = members.filter(|(id, (_, cameras))| **id != from && fit(cameras));
            others.map(|(_, (member, _))| member.clone()).collect()
        };
        message.passing.goes_to(others.len());
        patience::give(others, &(from, message.clone())).await;
    }

    /// Whether anybody is in a room.
    pub fn is_used(&self, room: &RoomName) -> bool {
        self.lock().rooms.contains_key(room)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Gives a message to all others in the room, see [`Rooms::give`].
    pub async fn send(&self, message: &Message) {
        let began = Instant::now();
        self.rooms.give(&self.room, self.id, message, |_| true).await;
        self.member.here.passed(message.payload.len(), began.elapsed());
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // Whoever waits for it is released.
        self.member.close(GOING_AWAY, "left");
        let mut inner = self.rooms.lock();
        if let Some(room) = inner.rooms.get_mut(&self.room) {
            room.members.remove(&self.id);
            if room.members.is_empty() {
                inner.rooms.remove(&self.room);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_fills_no_room_and_all_is_free_again() {
        let rooms = Arc::new(Rooms::default());
        let join = |room: &str, last: u8| {
            let who = Who::at([127, 0, 0, last].into());
            rooms.join(room.parse().unwrap(), None, who, Cameras::ALL, Client::default())
        };
        let full: Vec<_> = std::iter::from_fn(|| join("a", 1).ok()).collect();
        assert_eq!(full.len(), CLIENTS / 2);
        let problem = format!("{:?}", Problem::from(join("a", 1).unwrap_err()));
        assert!(
            problem.contains("your address has 125 of the 250 places in this room"),
            "{problem}"
        );
        let other = join("a", 2).unwrap();
        drop(full);
        assert!(join("a", 1).is_ok());
        drop(other);
        assert!(rooms.lock().rooms.is_empty());
    }
}
