//! The operations of one client on the core.

use std::sync::Arc;
use std::time::Instant;

use traffic::{Client, Kind};

use crate::core::outbox::Outbox;
use crate::core::sessions::{Arrival, Core};
use crate::core::state::{Entry, Link, State, Subscriber, filter_size, wild_levels};
use crate::core::subscriptions::SessionId;
use crate::core::sys;
use crate::protocol::delivery::Delivery;
use crate::protocol::packet::{
    Filter, Message, Qos, Reason, Refusal, SendRetained, Unsubscribed, Version,
};
use crate::protocol::topic;

/// The most shared subscriptions of one client. Each brings a copy of its own, however many match:
/// without a bound one client could turn every message of others into a thousand.
const SHARED: usize = 32;

/// The filters that a client may always have, even if all clients together have too many, so that
/// nobody can keep others from what they need most.
const ALWAYS: usize = 8;

/// A connection's hold on its session. Dropping it always disconnects the session. It does nothing
/// after another connection took the session over.
pub(crate) struct Session {
    core: Arc<Core>,
    id: SessionId,
    outbox: Arc<Outbox>,
    here: Client,
}

impl Session {
    /// Lets a client in.
    ///
    /// # Errors
    /// Those of [`Core::open`].
    pub fn open(core: &Arc<Core>, arrival: Arrival) -> Result<Session, Reason> {
        let (outbox, here) = (arrival.outbox.clone(), arrival.here.clone());
        Ok(Session { id: core.open(arrival)?, core: core.clone(), outbox, here })
    }

    fn entry<'a>(&self, state: &'a mut State) -> Option<&'a mut Entry> {
        let entry = state.sessions.get_mut(&self.id)?;
        match &entry.link {
            Link::Here(outbox) if Arc::ptr_eq(outbox, &self.outbox) => Some(entry),
            _ => None,
        }
    }

    /// Publishes a message to a valid topic; one of QoS 2 only if this packet identifier is not in
    /// use.
    ///
    /// # Errors
    /// The message went to all subscribers, but could not be retained. Or more messages of QoS 2
    /// are unfinished than the client may have, and the caller must disconnect it.
    pub fn publish(&self, id: u16, message: Message) -> Result<(), Reason> {
        let mut state = self.core.lock();
        let Some(entry) = self.entry(&mut state) else { return Ok(()) };
        let is_once = message.qos == Qos::ExactlyOnce;
        let version = self.outbox.version();
        if is_once {
            if entry.received.contains(id) {
                return Ok(());
            }
            if version == Version::V5 && entry.received.len() >= self.core.limits.inflight {
                return Err(Reason::ReceiveMaximumExceeded);
            }
            entry.received.insert(id);
        }
        let holder = entry.holder.clone();
        let kind = || Kind::topic(&message.topic);
        let passing = self.here.passing(kind, message.payload.len());
        let message = message.shared(&self.core.counters);
        let published = self.core.route(&mut state, self.id, &holder, &message, &passing);
        self.core.end_due(&mut state);
        // A failure reason ends the exchange; 3.1.1 has no such reason.
        if is_once
            && published.is_err()
            && version == Version::V5
            && let Some(entry) = self.entry(&mut state)
        {
            entry.received.remove(id);
        }
        published
    }

    /// The client releases a QoS 2 message. Returns whether there was one.
    pub fn release(&self, id: u16) -> bool {
        self.entry(&mut self.core.lock()).is_some_and(|entry| entry.received.remove(id))
    }

    /// Subscribes, and returns the granted QoS and whether the subscription is new.
    ///
    /// # Errors
    /// The filter is refused.
    pub fn subscribe(&self, filter: &Filter) -> Result<(Qos, bool), Reason> {
        let limits = &self.core.limits;
        let Filter { path: name, options } = filter;
        let path = topic::subscribed(name)
            .filter(|_| limits.allow_topic(name))
            .ok_or(Reason::FilterInvalid)?;
        let mut state = self.core.lock();
        let size = state.filter_bytes + filter_size(name);
        let Some(entry) = self.entry(&mut state) else { return Err(Reason::TakenOver) };
        let holder = entry.holder.clone();
        let is_new = !entry.filters.contains(name);
        if is_new {
            let shared = || entry.filters.iter().filter(|name| topic::is_shared(name)).count();
            if entry.filters.len() >= limits.subscriptions
                || topic::is_shared(name) && shared() >= SHARED
                || entry.filters.len() >= ALWAYS && size > limits.subscription_bytes
                || !state.is_light(path, &holder)
            {
                return Err(Reason::QuotaExceeded);
            }
            self.entry(&mut state).map(|entry| entry.filters.insert(name.clone()));
            state.wild.add(&holder, wild_levels(path));
            state.filter_bytes = size;
            state.sys_filters += usize::from(topic::asks_for_sys(path));
            self.core.counters.subscriptions.add(1);
        }
        if topic::is_shared(name) {
            let id = state.new_id();
            let (group, _) = state.groups.join(name, self.id, *options, id);
            state.subscriptions.insert(path, group, Subscriber::Group);
        } else {
            state.subscriptions.insert(path, self.id, Subscriber::Session(*options));
        }
        Ok((options.qos, is_new))
    }

    /// Sends the retained messages that an existing subscription asks for. A shared one brings none
    /// (MQTT 5, section 4.8.2).
    pub fn send_retained(&self, filter: &Filter, is_new: bool) {
        let Filter { path, options } = filter;
        match options.retained {
            _ if topic::is_shared(path) => return,
            SendRetained::Always => {}
            SendRetained::WhenNew if is_new => {}
            _ => return,
        }
        let send = |message: &Arc<Message>| {
            let mut delivery = Delivery::new(message.clone(), options.qos.min(message.qos));
            delivery.retain = true;
            delivery.identifiers.extend(Some(options.identifier).filter(|i| *i > 0));
            self.outbox.send(delivery);
        };
        let state = self.core.lock();
        state.retained.matching(path, Instant::now()).for_each(send);
        drop(state);
        if topic::asks_for_sys(path) {
            let facts = sys::facts(&self.core);
            facts.iter().filter(|fact| topic::matches(path, &fact.topic)).for_each(send);
        }
    }

    /// Removes a subscription.
    pub fn unsubscribe(&self, filter: &str) -> Unsubscribed {
        if topic::subscribed(filter).is_none() {
            return Unsubscribed::Invalid;
        }
        let mut state = self.core.lock();
        let Some(entry) = self.entry(&mut state) else { return Unsubscribed::Unknown };
        if !entry.filters.remove(filter) {
            return Unsubscribed::Unknown;
        }
        let holder = entry.holder.clone();
        state.forget_filter(filter, self.id, &holder);
        self.core.counters.subscriptions.sub(1);
        Unsubscribed::Done
    }

    /// The client disconnects. Its will is published only with `with_will`, and `expiry` may change
    /// how many seconds its session lasts.
    ///
    /// # Errors
    /// A session that should end with its connection cannot outlive it.
    pub fn leave(&self, with_will: bool, expiry: Option<u32>) -> Result<(), Refusal> {
        let mut state = self.core.lock();
        let Some(entry) = self.entry(&mut state) else { return Ok(()) };
        if let Some(expiry) = expiry {
            if entry.expiry.is_zero() && expiry > 0 {
                let why = "a DISCONNECT with a session expiry, after a CONNECT without one";
                return Err(Refusal::new(Reason::ProtocolError, why));
            }
            state.set_expiry(self.id, expiry.min(self.core.limits.session_expiry));
        }
        if !with_will && let Some(entry) = self.entry(&mut state) {
            entry.will = None;
        }
        Ok(())
    }

    /// Makes the session end with this connection, whatever was agreed.
    pub fn end_with_connection(&self) {
        let mut state = self.core.lock();
        if self.entry(&mut state).is_some() {
            state.set_expiry(self.id, 0);
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let mut state = self.core.lock();
        self.core.disconnect(&mut state, self.id, &self.outbox, Reason::Success);
        self.core.end_due(&mut state);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use access::{Allowed, Identity};
    use bytes::Bytes;

    use super::*;
    use crate::admission::owner::{Holder, Owner};
    use crate::config::Section;
    use crate::core::slots::Slots;
    use crate::counters::Counters;
    use crate::protocol::packet::{Options, Takes, Welcome, Will};

    #[tokio::test]
    async fn a_task_that_panics_gives_back_all_that_it_held() {
        let limits = Section::default().check().unwrap().limits;
        let counters = Arc::new(Counters::default());
        let core = Arc::new(Core::new(limits, counters.clone()));
        let slots = Arc::new(Slots::new(limits, counters.clone()));
        let open = |client_id: &str, will: Option<Will>| {
            let takes = Takes { receive_maximum: 10, packet_maximum: u32::MAX, aliases: 0 };
            let outbox = Arc::new(Outbox::new(Version::V5, takes, limits, counters.clone()));
            let identity = Arc::new(Identity::Anonymous(Allowed::Everything));
            let owner = Owner { identity, client_id: client_id.to_owned() };
            let welcome = Welcome::default();
            let holder = Holder::new(&owner.identity, [127, 0, 0, 1].into());
            let here = Client::default();
            let (clean, expiry) = (true, 0);
            let arrival = Arrival { owner, holder, clean, expiry, will, outbox, welcome, here };
            Session::open(&core, arrival).unwrap()
        };
        let filter = |path: &str| Filter {
            path: path.into(),
            options: Options {
                qos: Qos::AtMostOnce,
                no_local: false,
                retain_as_published: false,
                retained: SendRetained::Never,
                identifier: 0,
            },
        };

        let other = open("other", None);
        other.subscribe(&filter("will")).unwrap();
        let message = Message {
            topic: "will".into(),
            payload: Bytes::from_static(b"x"),
            qos: Qos::AtMostOnce,
            retain: true,
            properties: Bytes::new(),
            expires: None,
            held: Default::default(),
        };
        let will = Will { message, delay: Duration::from_secs(9), expiry: None };
        let session = open("panics", Some(will));
        session.subscribe(&filter("#")).unwrap();
        let slot = slots.take([127, 0, 0, 1].into()).unwrap();
        assert_eq!((counters.read().connections, counters.read().subscriptions), (1, 2));

        let task = tokio::spawn(async move {
            let _held = (session, slot);
            panic!("as a test");
        });
        assert!(task.await.unwrap_err().is_panic());

        let counts = counters.read();
        assert_eq!((counts.connections, counts.clients, counts.subscriptions), (0, 1, 1));
        assert_eq!(counts.retained, 1, "the will was published");
        assert!(counts.queued_bytes > 0, "and waits for the other");
    }
}
