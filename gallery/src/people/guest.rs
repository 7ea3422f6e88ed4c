//! Somebody who has no page of ours: a program that joins, talks and hears the talk.

use std::net::IpAddr;
use std::sync::Arc;

use tokio::sync::broadcast::{Receiver, error::RecvError};
use wire::people::{self, Line};
use wire::{PersonId, limits};

use super::presence::Device;
use super::requests::Held;
use super::{Keys, People};

/// Somebody in the talk without a page, see the module. Dropping this makes them leave.
#[derive(Debug)]
pub struct Guest {
    people: Arc<People>,
    address: IpAddr,
    device: Device,
    person: PersonId,
    name: String,
    lines: Receiver<Arc<Line>>,
}

impl Guest {
    /// Somebody joins as `name` from `address`.
    pub(crate) fn join(people: Arc<People>, name: &str, address: IpAddr) -> Result<Guest, Held> {
        let name = people::name(name).ok_or_else(|| {
            let most = limits::PERSON;
            Held::never(format!("a name has 1 to {most} characters that can be seen"))
        })?;
        let (device, person) = (people.new_device(), Keys::new_id());
        let lines = people.lines.subscribe();
        people.join(&person, device, address, &name)?;
        Ok(Guest { people, address, device, person, name, lines })
    }

    /// The name as all see it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Says something to all.
    ///
    /// # Errors
    /// [`Held`]: it was not said.
    pub fn say(&self, text: &str) -> Result<(), Held> {
        self.people.say(&self.person, self.address, text, None).map(drop)
    }

    /// What another says or does next. Skips what was missed while this was not called. Safe to
    /// cancel.
    pub async fn heard(&mut self) -> Arc<Line> {
        loop {
            match self.lines.recv().await {
                Ok(line) if line.person.id != self.person => return line,
                Ok(_) | Err(RecvError::Lagged(_)) => {}
                // The channel outlives the guests.
                Err(RecvError::Closed) => std::future::pending().await,
            }
        }
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.people.part(&self.person, self.device, true, false);
    }
}
