//! Who is in which room, and what each is sent.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use warp::http::StatusCode;

use super::member::Member;
use super::message::Message;
use super::outbox::ClientId;
use crate::problem::Problem;
use crate::websocket::frames::GOING_AWAY;

/// Clients of all rooms together, of one room, and from one address.
const CLIENTS: usize = 1000;
const CLIENTS_OF_A_ROOM: usize = 250;
const CLIENTS_OF_AN_ADDRESS: usize = 250;

/// Rooms that are not empty.
const ROOMS: usize = 250;

/// The name of a room, 1 to 32 of `a-z 0-9 - _`; the default is the room at `/`, without a name.
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
                "a room's name is 1 to 32 of a-z 0-9 - _",
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

/// All rooms. One is there as long as somebody is in it.
#[derive(Debug, Default)]
pub(crate) struct Rooms(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    rooms: HashMap<RoomName, BTreeMap<ClientId, Arc<Member>>>,
    addresses: HashMap<IpAddr, usize>,
    clients: usize,
    last: ClientId,
}

/// A client in its room, until this is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    rooms: Arc<Rooms>,
    pub room: RoomName,
    address: IpAddr,
    pub id: ClientId,
    pub member: Arc<Member>,
}

impl Rooms {
    /// Lets a client in.
    ///
    /// # Errors
    /// There are too many of something; the problem says of what.
    pub fn join(self: &Arc<Self>, room: RoomName, address: IpAddr) -> Result<Place, Problem> {
        let mut inner = self.lock();
        let members = inner.rooms.get(&room).map(BTreeMap::len);
        let from_there = inner.addresses.get(&address).copied().unwrap_or(0);
        for (count, most, what) in [
            (inner.clients, CLIENTS, "clients are in the relay"),
            (from_there, CLIENTS_OF_AN_ADDRESS, "clients of your address are in the relay"),
            (members.unwrap_or(0), CLIENTS_OF_A_ROOM, "clients are in this room"),
            (if members.is_some() { 0 } else { inner.rooms.len() }, ROOMS, "rooms are in use"),
        ] {
            if count >= most {
                let hint = "come again when some have left";
                return Err(Problem::unavailable(format!("{most} {what} already"), hint));
            }
        }
        inner.clients += 1;
        inner.last += 1;
        let (id, member) = (inner.last, Arc::new(Member::default()));
        *inner.addresses.entry(address).or_default() += 1;
        inner.rooms.entry(room.clone()).or_default().insert(id, member.clone());
        Ok(Place { rooms: self.clone(), room, address, id, member })
    }

    /// Gives a message to all in a room but `from`. Returns to whom.
    pub fn send(&self, room: &RoomName, from: ClientId, message: &Message) -> Vec<Arc<Member>> {
        let others: Vec<Arc<Member>> = {
            let inner = self.lock();
            let members = inner.rooms.get(room).into_iter().flatten();
            members.filter(|(id, _)| **id != from).map(|(_, member)| member.clone()).collect()
        };
        others.iter().for_each(|member| member.put(from, message.clone()));
        others
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
    /// Gives a message to all others in the room, and waits for those who keep up.
    pub async fn send(&self, message: &Message) {
        let others = self.rooms.send(&self.room, self.id, message);
        Member::all_take(&others).await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // Whoever waits for it is let go.
        self.member.close(GOING_AWAY, "left");
        let mut inner = self.rooms.lock();
        inner.clients -= 1;
        if let Some(members) = inner.rooms.get_mut(&self.room) {
            members.remove(&self.id);
            if members.is_empty() {
                inner.rooms.remove(&self.room);
            }
        }
        if let Some(count) = inner.addresses.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                inner.addresses.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_bounded_and_free_again() {
        let rooms = Arc::new(Rooms::default());
        let address = |n: usize| IpAddr::from([10, 0, (n / 250) as u8, (n % 250) as u8]);
        let error = |problem: Problem| format!("{problem:?}");
        let join = |room: &str, n| rooms.join(room.parse().unwrap(), address(n));
        let full: Vec<_> = (0..CLIENTS_OF_A_ROOM).map(|n| join("a", n).unwrap()).collect();
        assert!(error(join("a", 900).unwrap_err()).contains("in this room"));
        drop(full);
        let full: Vec<_> =
            (0..CLIENTS_OF_AN_ADDRESS).map(|n| join(&format!("r{}", n % 9), 1).unwrap()).collect();
        assert!(error(join("x", 1).unwrap_err()).contains("your address"));
        drop(full);
        let full: Vec<_> = (0..ROOMS).map(|n| join(&format!("r{n}"), n).unwrap()).collect();
        assert!(error(join("x", 900).unwrap_err()).contains("rooms are in use"));
        join("r1", 900).unwrap();
        drop(full);
        let inner = rooms.lock();
        assert_eq!((inner.clients, inner.rooms.len(), inner.addresses.len()), (0, 0, 0));
    }
}
