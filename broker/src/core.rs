//! Sessions, and who gets what. It has no thread of its own: clients' tasks call into it, each
//! for as long as it takes to put a message into some queues.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tracing::warn;

use crate::config::Limits;
use crate::counters::Counters;
use crate::outbox::{Delivery, Outbox};
use crate::packet::{Filter, Message, Options, Qos, Reason, SendRetained, Unsubscribed};
use crate::retained::Retained;
use crate::seldom::Seldom;
use crate::subscriptions::{SessionId, Subscriptions};
use crate::topic;

/// What all clients of a broker share.
pub(crate) struct Core {
    pub limits: Limits,
    pub counters: Arc<Counters>,
    state: Mutex<State>,
    is_closing: watch::Sender<bool>,
    no_room: Seldom,
    not_allowed: Seldom,
    ended: Seldom,
}

struct State {
    last_session: SessionId,
    by_client_id: HashMap<Arc<str>, SessionId>,
    sessions: HashMap<SessionId, Entry>,
    subscriptions: Subscriptions<Options>,
    retained: Retained,
}

struct Entry {
    client_id: Arc<str>,
    outbox: Arc<Outbox>,
    will: Option<Message>,
    filters: HashSet<String>,
}

impl Core {
    pub fn new(limits: Limits, counters: Arc<Counters>) -> Core {
        let state = State {
            last_session: 0,
            by_client_id: HashMap::new(),
            sessions: HashMap::new(),
            subscriptions: Subscriptions::new(),
            retained: Retained::new(limits.retained, limits.retained_bytes),
        };
        let every_minute = || Seldom::new(Duration::from_secs(60));
        Core {
            limits,
            counters,
            state: Mutex::new(state),
            is_closing: watch::Sender::new(false),
            no_room: every_minute(),
            not_allowed: every_minute(),
            ended: Seldom::new(Duration::from_secs(1)),
        }
    }

    /// Opens a client's session. One that has the same client id ends, and its will is published
    /// before anything of the new one is.
    ///
    /// # Errors
    /// The broker is about to stop.
    pub fn open(
        self: &Arc<Core>,
        client_id: &str,
        outbox: Arc<Outbox>,
        will: Option<Message>,
    ) -> Result<Session, Reason> {
        let mut state = self.lock();
        if *self.is_closing.borrow() {
            return Err(Reason::ShuttingDown);
        }
        if let Some(old) = state.by_client_id.get(client_id).copied() {
            self.close(&mut state, old, Reason::TakenOver);
        }
        state.last_session += 1;
        let id = state.last_session;
        let client_id: Arc<str> = client_id.into();
        state.by_client_id.insert(client_id.clone(), id);
        let entry = Entry { client_id, outbox, will, filters: HashSet::new() };
        state.sessions.insert(id, entry);
        self.counters.clients.set(state.sessions.len());
        Ok(Session { core: self.clone(), id })
    }

    /// Ends all sessions, and lets none in any more. Wills are not published, for nobody is left
    /// to hear them.
    pub fn close_all(&self) {
        let mut state = self.lock();
        self.is_closing.send_replace(true);
        for entry in state.sessions.values_mut() {
            entry.will = None;
            entry.outbox.end(Reason::ShuttingDown);
        }
    }

    /// Waits until the broker is about to stop.
    pub async fn closing(&self) {
        // The sender is of this core, so that it cannot be gone.
        let _ = self.is_closing.subscribe().wait_for(|closing| *closing).await;
    }

    /// Counts a message that its client may not publish.
    pub fn refuse_publish(&self, client: &str, topic: &str) {
        self.counters.dropped.add(1);
        if self.not_allowed.is_due() {
            warn!(client, topic, "dropped a message: its client may not publish to this topic");
        }
    }

    /// Whether the end of a client may be said aloud, so that nobody can fill the log by ending.
    pub fn may_tell_end(&self) -> bool {
        self.ended.is_due()
    }

    /// Forgets a session, if it is still there, and publishes its will.
    fn close(&self, state: &mut State, id: SessionId, reason: Reason) {
        let Some(entry) = state.sessions.remove(&id) else { return };
        entry.outbox.end(reason);
        if state.by_client_id.get(&entry.client_id) == Some(&id) {
            state.by_client_id.remove(&entry.client_id);
        }
        for filter in &entry.filters {
            state.subscriptions.remove(filter, id);
        }
        self.counters.subscriptions.sub(entry.filters.len());
        self.counters.clients.set(state.sessions.len());
        if let Some(will) = entry.will {
            // A will has no way to tell that it was not retained.
            let _ = self.route(state, id, &Arc::new(will));
        }
    }

    /// Hands a message to all who subscribed to it, each at the lower of the two QoS.
    fn route(
        &self,
        state: &mut State,
        from: SessionId,
        message: &Arc<Message>,
    ) -> Result<(), Reason> {
        let kept = if message.retain { self.retain(state, message) } else { Ok(()) };
        let mut receivers: HashMap<SessionId, Delivery> = HashMap::new();
        state.subscriptions.for_each_match(&message.topic, |session, options| {
            if options.no_local && session == from {
                return;
            }
            let qos = options.qos.min(message.qos);
            let retain = options.retain_as_published && message.retain;
            // Overlapping subscriptions bring one copy, at the highest QoS.
            receivers
                .entry(session)
                .and_modify(|delivery| {
                    delivery.qos = delivery.qos.max(qos);
                    delivery.retain |= retain;
                })
                .or_insert_with(|| Delivery { message: message.clone(), qos, retain });
        });
        for (session, delivery) in receivers {
            if let Some(entry) = state.sessions.get(&session) {
                entry.outbox.send(delivery);
            }
        }
        kept
    }

    fn retain(&self, state: &mut State, message: &Arc<Message>) -> Result<(), Reason> {
        let kept = state.retained.keep(message);
        self.counters.retained.set(state.retained.len());
        kept.map_err(|_| {
            self.counters.dropped.add(1);
            if self.no_room.is_due() {
                warn!(
                    topic = &*message.topic,
                    "a message was not retained, for there is no room: raise broker.retained or \
                     broker.retained_bytes, or clear what is not needed"
                );
            }
            Reason::QuotaExceeded
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A client's place in the core. Dropping it, however that comes about, closes the session and
/// publishes its will.
pub(crate) struct Session {
    core: Arc<Core>,
    id: SessionId,
}

impl Session {
    /// Publishes a message to a valid topic.
    ///
    /// # Errors
    /// It went to all subscribers, but could not be retained.
    pub fn publish(&self, message: Message) -> Result<(), Reason> {
        let mut state = self.core.lock();
        // A session that was taken over does not speak any more.
        if state.sessions.contains_key(&self.id) {
            self.core.route(&mut state, self.id, &Arc::new(message))
        } else {
            Ok(())
        }
    }

    /// Subscribes, and says the QoS granted and whether the subscription was new.
    ///
    /// # Errors
    /// This filter is refused.
    pub fn subscribe(&self, filter: &Filter) -> Result<(Qos, bool), Reason> {
        if topic::is_shared(&filter.path) {
            return Err(Reason::SharedNotSupported);
        }
        if !topic::is_filter(&filter.path) {
            return Err(Reason::FilterInvalid);
        }
        let mut state = self.core.lock();
        let state = &mut *state;
        let Some(entry) = state.sessions.get_mut(&self.id) else {
            return Err(Reason::TakenOver);
        };
        let is_known = entry.filters.contains(&filter.path);
        if !is_known && entry.filters.len() >= self.core.limits.subscriptions {
            return Err(Reason::QuotaExceeded);
        }
        let is_new = state.subscriptions.insert(&filter.path, self.id, filter.options);
        if is_new {
            entry.filters.insert(filter.path.clone());
            self.core.counters.subscriptions.add(1);
        }
        Ok((filter.options.qos, is_new))
    }

    /// Sends the retained messages that a subscription, made before, asks for.
    pub fn send_retained(&self, filter: &Filter, is_new: bool) {
        match filter.options.retained {
            SendRetained::Always => {}
            SendRetained::WhenNew if is_new => {}
            _ => return,
        }
        let state = self.core.lock();
        let Some(entry) = state.sessions.get(&self.id) else { return };
        for message in state.retained.matching(&filter.path, Instant::now()) {
            let qos = filter.options.qos.min(message.qos);
            entry.outbox.send(Delivery { message: message.clone(), qos, retain: true });
        }
    }

    /// Takes a subscription back.
    pub fn unsubscribe(&self, filter: &str) -> Unsubscribed {
        if !topic::is_filter(filter) {
            return Unsubscribed::Invalid;
        }
        let mut state = self.core.lock();
        let state = &mut *state;
        let Some(entry) = state.sessions.get_mut(&self.id) else { return Unsubscribed::Unknown };
        if !entry.filters.remove(filter) {
            return Unsubscribed::Unknown;
        }
        state.subscriptions.remove(filter, self.id);
        self.core.counters.subscriptions.sub(1);
        Unsubscribed::Done
    }

    /// The client says good-bye: its will is not published.
    pub fn forget_will(&self) {
        if let Some(entry) = self.core.lock().sessions.get_mut(&self.id) {
            entry.will = None;
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let mut state = self.core.lock();
        self.core.close(&mut state, self.id, Reason::Success);
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::config::Section;
    use crate::packet::Version;
    use crate::slots::Slots;

    #[tokio::test]
    async fn a_task_that_panics_gives_back_all_that_it_held() {
        let limits = Section::default().check().unwrap().limits;
        let counters = Arc::new(Counters::default());
        let core = Arc::new(Core::new(limits, counters.clone()));
        let slots = Arc::new(Slots::new(limits, counters.clone()));
        let open = |id: &str, will: Option<Message>| {
            let outbox = Outbox::new(Version::V5, 10, u32::MAX, limits, counters.clone());
            core.open(id, Arc::new(outbox), will).unwrap()
        };
        let filter = |path: &str| Filter {
            path: path.into(),
            options: Options {
                qos: Qos::AtMostOnce,
                no_local: false,
                retain_as_published: false,
                retained: SendRetained::Never,
            },
        };

        let other = open("other", None);
        other.subscribe(&filter("will")).unwrap();
        let will = Message {
            topic: "will".into(),
            payload: Bytes::from_static(b"x"),
            qos: Qos::AtMostOnce,
            retain: true,
            properties: Bytes::new(),
            expires: None,
        };
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
