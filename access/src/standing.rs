//! As what somebody is on the wall.

use std::sync::Arc;

use crate::cameras::Cameras;
use crate::hours::Hours;
use crate::rights::{Rights, Visitors};
use crate::roles::Role;
use crate::sessions::Key;

/// As what somebody is on the wall.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// One of all who are let in, in a house where nobody has a login.
    Open,
    /// Somebody without a login, in a house where people have some.
    Visitor,
    /// Somebody who logged in.
    Person(Person),
}

/// Somebody who logged in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The user's name.
    pub name: Arc<str>,
    /// The user's role.
    pub role: Role,
    /// The cameras that they may see.
    pub cameras: Cameras,
    /// When they may look; none means always.
    pub hours: Option<Hours>,
    /// Their session.
    pub(crate) key: Key,
}

impl Standing {
    /// What they may do. Nobody loses by a login what `visitors` may do without one.
    pub fn rights(&self, visitors: Visitors) -> Rights {
        match self {
            Standing::Open => Rights::OPEN,
            Standing::Visitor => visitors.rights(),
            Standing::Person(person) => person.role.rights().and(visitors.rights()),
        }
    }

    /// The person, if they logged in.
    pub fn person(&self) -> Option<&Person> {
        match self {
            Standing::Person(person) => Some(person),
            Standing::Open | Standing::Visitor => None,
        }
    }
}
