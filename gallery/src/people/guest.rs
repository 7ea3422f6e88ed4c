//! Somebody who has no page of ours: a program that joins, talks and hears the talk.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast::{Receiver, error::RecvError};
use tokio::time::{Instant, timeout};
use traffic::Passing;
use wire::people::{self, Line, What};
use wire::{PersonId, limits};

use super::presence::Device;
use super::requests::Held;
use super::{Keys, People};
use crate::now::Now;

/// How long the last words may take to the broker and back.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Somebody in the talk without a page, see the module. Dropping this makes them leave.
#[derive(Debug)]
pub struct Guest {
    people: Arc<People>,
    address: IpAddr,
    device: Device,
    person: PersonId,
    name: String,
    lines: Receiver<(Instant, Arc<Line>)>,
    /// Its own words that have not come back from the broker.
    on_their_way: VecDeque<Passing>,
}

impl Guest {
    /// Somebody joins as `name` from `address`.
    pub(crate) fn join(people: Arc<People>, name: &str, address: IpAddr) -> Result<Guest, Held> {
        let name = people::name(name).ok_or_else(|| {
            let most = limits::PERSON;
            Held::never(format!("a name has 1 to {most} characters that can be seen"))
        })?;
        let (device, person) = (people.new_device(), Keys::new_id());
        // What was before is not for this one.
        people.flush(Now::read());
        let lines = people.lines.subscribe();
        people.join(&person, device, address, &name)?;
        Ok(Guest { people, address, device, person, name, lines, on_their_way: VecDeque::new() })
    }

    /// The name as all see it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Says something to all, as it is watched.
    ///
    /// # Errors
    /// [`Held`]: it was not said.
    pub fn say(&mut self, text: &str, passing: &Passing) -> Result<(), Held> {
        self.people.say(&self.person, self.address, text, None)?;
        passing.goes_to(self.people.list().len().saturating_sub(1));
        self.on_their_way.push_back(passing.clone());
        Ok(())
    }

    /// What another says or does next, and when it came. Skips what was missed while this was not
    /// called. Safe to cancel.
    pub async fn heard(&mut self) -> (Instant, Arc<Line>) {
        loop {
            match self.lines.recv().await {
                Ok((came, line)) if line.person.id != self.person => return (came, line),
                Ok((_, line)) => self.came_back(&line),
                Err(RecvError::Lagged(_)) => self.on_their_way.clear(),
                // The channel outlives the guests.
                Err(RecvError::Closed) => std::future::pending().await,
            }
        }
    }

    /// Leaves when all that was said is heard: who is not here says nothing.
    pub async fn leave(mut self) {
        let _ = timeout(LAST_WORDS, async {
            while !self.on_their_way.is_empty() {
                self.heard_or_own().await;
            }
        })
        .await;
    }

    async fn heard_or_own(&mut self) {
        match self.lines.recv().await {
            Ok((_, line)) if line.person.id == self.person => self.came_back(&line),
            Ok(_) => {}
            Err(_) => self.on_their_way.clear(),
        }
    }

    fn came_back(&mut self, line: &Line) {
        if matches!(line.what, What::Said { .. })
            && let Some(passing) = self.on_their_way.pop_front()
        {
            passing.all_taken();
        }
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.people.part(&self.person, self.device, true, false);
    }
}
