//! The sessions, and when they begin and end. They have no thread of their own: clients' tasks call
//! them, each for as long as it takes to put a message into some queues.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use access::{Brief, Identity, Refusals};
use quota::{Shares, Throttle};
use tokio::sync::{Notify, watch};
use tracing::warn;
use traffic::{Client, Passing, Traffic};

use crate::admission::owner::{Holder, Owner};
use crate::core::outbox::Outbox;
use crate::core::outbox::ordered::Ordered;
use crate::core::received::Received;
use crate::core::state::{Away, Entry, Link, State};
use crate::core::subscriptions::SessionId;
use crate::counters::Counters;
use crate::limits::Limits;
use crate::protocol::packet::{Reason, Reply, Welcome, Will};

/// The least that a session must hold, in bytes, for its end to make useful room.
const LITTLE: usize = 64 * 1024;

/// What all clients of a broker share.
#[derive(Debug)]
pub(crate) struct Core {
    pub limits: Limits,
    pub counters: Arc<Counters>,
    /// Who watches what passes, if anybody does.
    pub traffic: OnceLock<Traffic>,
    pub(crate) began: Instant,
    state: Mutex<State>,
    is_closing: watch::Sender<bool>,
    /// Told when something is due earlier than planned, see `time`.
    pub(crate) hastened: Notify,
    pub(crate) no_room: Throttle,
    pub(crate) no_member: Throttle,
    not_allowed: Throttle,
    ended: Throttle,
    discarded: Throttle,
    let_go: Throttle,
    pub(crate) refusals: Refusals,
    /// Memory for packets that are being received. Large ones are collected before they are whole,
    /// and some never become whole.
    pub(crate) receiving: Shares<Holder>,
}

/// A connecting client.
pub(crate) struct Arrival {
    pub owner: Owner,
    pub holder: Holder,
    /// Whether it wants a new session.
    pub clean: bool,
    /// How many seconds its session outlives the connection.
    pub expiry: u32,
    pub will: Option<Will>,
    pub outbox: Arc<Outbox>,
    pub welcome: Welcome,
    /// As it is watched.
    pub here: Client,
}

impl Core {
    pub fn new(limits: Limits, counters: Arc<Counters>) -> Core {
        let every_minute = || Throttle::new(Duration::from_secs(60));
        Core {
            limits,
            counters,
            traffic: OnceLock::new(),
            began: Instant::now(),
            state: Mutex::new(State::new(&limits)),
            is_closing: watch::Sender::new(false),
            hastened: Notify::new(),
            no_room: every_minute(),
            no_member: every_minute(),
            not_allowed: every_minute(),
            ended: Throttle::new(Duration::from_secs(1)),
            discarded: Throttle::new(Duration::from_secs(1)),
            let_go: Throttle::new(Duration::from_secs(1)),
            refusals: Refusals::default(),
            receiving: Shares::new("bytes of packets that are being received", limits.memory / 4),
        }
    }

    /// Lets a client in: welcomes it and opens a session or resumes its old one. An existing
    /// connection of the same user and client id ends, and its will is published before any message
    /// of the new one.
    ///
    /// # Errors
    /// The broker is about to stop, or there are too many sessions.
    pub fn open(&self, arrival: Arrival) -> Result<SessionId, Reason> {
        let Arrival { owner, holder, clean, expiry, will, outbox, mut welcome, here: _ } = arrival;
        let mut state = self.lock();
        if *self.is_closing.borrow() {
            return Err(Reason::ShuttingDown);
        }
        let outlives = expiry > 0;
        let old = state.by_owner.get(&owner).copied();
        let had_outlived =
            old.and_then(|id| state.sessions.get(&id)).is_some_and(|entry| !entry.expiry.is_zero());
        if outlives && !had_outlived && !state.outliving.allows(&holder, 1) {
            return Err(Reason::QuotaExceeded);
        }
        let resumed = old.and_then(|id| self.take_up(&mut state, id, clean));
        welcome.session_present = resumed.is_some();
        welcome.expiry = expiry;
        outbox.reply(&Reply::Welcome(welcome));
        let (id, ordered) = match resumed {
            Some(resumed) => resumed,
            None => {
                let id = state.new_id();
                let owner = Arc::new(owner);
                state.by_owner.insert(owner.clone(), id);
                let entry = Entry {
                    owner,
                    holder,
                    link: Link::Here(outbox.clone()),
                    will: None,
                    expiry: Duration::ZERO,
                    filters: HashSet::new(),
                    received: Received::default(),
                };
                state.sessions.insert(id, entry);
                (id, Ordered::new(self.counters.clone()))
            }
        };
        outbox.resume(ordered, outlives);
        if let Some(entry) = state.sessions.get_mut(&id) {
            entry.link = Link::Here(outbox.clone());
            entry.will = will;
        }
        state.set_expiry(id, expiry);
        self.counters.clients.add(1);
        self.end_due(&mut state);
        Ok(id)
    }

    /// Takes a session from its connection, or from absence, for a new connection. `None` if it has
    /// ended.
    fn take_up(
        &self,
        state: &mut State,
        id: SessionId,
        clean: bool,
    ) -> Option<(SessionId, Ordered)> {
        let entry = state.sessions.get(&id)?;
        if let Link::Here(outbox) = &entry.link {
            let outbox = outbox.clone();
            self.disconnect(state, id, &outbox, Reason::TakenOver);
        }
        if clean {
            self.discard(state, id);
        }
        let entry = state.sessions.get_mut(&id)?;
        let Link::Away(away) = &mut entry.link else { return None };
        state.deadlines.remove(&(away.deadline(), id));
        state.away_bytes -= away.bytes();
        // A delayed will is not published after a return (MQTT 5, section 3.1.3.2.2).
        away.will = None;
        let ordered = Ordered::new(self.counters.clone());
        let ordered = std::mem::replace(&mut away.ordered, ordered);
        self.counters.sessions.sub(1);
        Some((id, ordered))
    }

    /// A connection has ended. If it still holds its session, that goes on without it, or ends.
    pub fn disconnect(
        &self,
        state: &mut State,
        id: SessionId,
        outbox: &Arc<Outbox>,
        reason: Reason,
    ) {
        let Some(entry) = state.sessions.get_mut(&id) else { return };
        match &entry.link {
            Link::Here(own) if Arc::ptr_eq(own, outbox) => {}
            _ => return,
        }
        let (mut ordered, is_whole) = outbox.leave(reason);
        let shared = ordered.take_shared(false);
        let now = Instant::now();
        let expiry = if is_whole { entry.expiry } else { Duration::ZERO };
        let mut away = Away { ordered, will: None, ends_at: now + expiry };
        if let Some(will) = entry.will.take() {
            // MQTT 5, section 3.1.3.2.2: the delay is at most the session's expiry.
            let delay = will.delay.min(expiry);
            if delay.is_zero() {
                state.wills.push_back((id, entry.holder.clone(), will.into_message(now)));
            } else {
                away.will = Some((now + delay, will));
            }
        }
        state.away_bytes += away.bytes();
        state.deadlines.insert((away.deadline(), id));
        entry.link = Link::Away(Box::new(away));
        self.counters.clients.sub(1);
        self.counters.sessions.add(1);
        if expiry.is_zero() {
            self.discard(state, id);
        } else {
            self.hastened.notify_one();
        }
        self.orphan(state, shared);
    }

    /// Ends the session of an absent client.
    pub fn discard(&self, state: &mut State, id: SessionId) {
        if !state.sessions.get(&id).is_some_and(|entry| matches!(entry.link, Link::Away(_))) {
            return;
        }
        state.set_expiry(id, 0);
        let Some(entry) = state.sessions.remove(&id) else { return };
        let Link::Away(mut away) = entry.link else { return };
        state.by_owner.remove(&entry.owner);
        state.deadlines.remove(&(away.deadline(), id));
        state.away_bytes -= away.bytes();
        for filter in &entry.filters {
            state.forget_filter(filter, id, &entry.holder);
        }
        self.counters.subscriptions.sub(entry.filters.len());
        self.counters.sessions.sub(1);
        if let Some((_, will)) = away.will {
            state.wills.push_back((id, entry.holder, will.into_message(Instant::now())));
        }
        let shared = away.ordered.take_shared(true);
        self.orphan(state, shared);
    }

    /// Publishes due wills and ends full sessions of absent clients, until none are left. Nobody
    /// learns that a will could not be retained.
    pub fn end_due(&self, state: &mut State) {
        loop {
            if let Some((from, holder, will)) = state.wills.pop_front() {
                let _ = self.route(
                    state,
                    from,
                    &holder,
                    &will.shared(&self.counters),
                    &Passing::default(),
                );
            } else if let Some(id) = state.full.pop() {
                self.discard_full(state, id);
            } else if state.away_bytes > self.limits.session_bytes
                && let Some(id) = state.largest(Entry::away_bytes, 0)
            {
                self.discard_full(state, id);
            } else if self.counters.held_bytes.get() > self.limits.memory as u64
                && let Some(id) = state.largest(Entry::bytes, LITTLE)
            {
                self.let_go(state, id);
            } else {
                return;
            }
        }
    }

    /// Ends the session that holds the most memory of messages.
    fn let_go(&self, state: &mut State, id: SessionId) {
        let Some(entry) = state.sessions.get(&id) else { return };
        let Link::Here(outbox) = &entry.link else { return self.discard_full(state, id) };
        let outbox = outbox.clone();
        self.counters.overrun.add(1);
        if self.let_go.is_due() {
            warn!(
                client = %Brief(&entry.owner.client_id),
                bytes = outbox.bytes(),
                "disconnected the client for which the most bytes waited, because all waiting \
                 messages together took more than broker.memory; it reads too slowly or \
                 subscribes to too much"
            );
        }
        state.set_expiry(id, 0);
        self.disconnect(state, id, &outbox, Reason::QuotaExceeded);
    }

    fn discard_full(&self, state: &mut State, id: SessionId) {
        let Some(entry) = state.sessions.get(&id) else { return };
        self.counters.discarded.add(1);
        if self.discarded.is_due() {
            warn!(
                client = %Brief(&entry.owner.client_id),
                "discarded the session of an absent client, because there was no room for the \
                 messages that wait for it; raise broker.queue, broker.queue_bytes or \
                 broker.session_bytes, or let it connect again sooner"
            );
        }
        self.discard(state, id);
    }

    /// Does what is due: publishes delayed wills and ends sessions. Returns when something is due
    /// next.
    pub fn expire(&self, state: &mut State, now: Instant) -> Option<Instant> {
        while let Some((at, id)) = state.deadlines.first().copied() {
            if at > now {
                break;
            }
            state.deadlines.remove(&(at, id));
            let Some(entry) = state.sessions.get_mut(&id) else { continue };
            let Link::Away(away) = &mut entry.link else { continue };
            let before = away.bytes();
            if let Some((_, will)) = away.will.take() {
                state.wills.push_back((id, entry.holder.clone(), will.into_message(now)));
            }
            state.away_bytes -= before - away.bytes();
            if away.ends_at <= now {
                self.counters.expired.add(1);
                self.discard(state, id);
            } else {
                state.deadlines.insert((away.ends_at, id));
            }
        }
        self.end_due(state);
        state.deadlines.first().map(|(at, _)| *at)
    }

    /// Ends the sessions of clients that are no longer known, with their subscriptions and queues:
    /// absent ones at once, the others with their connections.
    pub fn end_unknown(&self, is_known: impl Fn(&Identity) -> bool) {
        let mut state = self.lock();
        let unknown = state.sessions.iter().filter(|(_, entry)| !is_known(&entry.owner.identity));
        let unknown: Vec<_> = unknown.map(|(id, _)| *id).collect();
        for id in unknown {
            state.set_expiry(id, 0);
            self.discard(&mut state, id);
        }
        self.end_due(&mut state);
    }

    /// Ends all sessions, and lets no client in any more. Wills are not published, because nobody
    /// is left to receive them.
    pub fn close_all(&self) {
        let mut state = self.lock();
        self.is_closing.send_replace(true);
        for entry in state.sessions.values_mut() {
            if let Link::Here(outbox) = &entry.link {
                entry.will = None;
                outbox.end(Reason::ShuttingDown);
            }
        }
    }

    /// Waits until the broker stops.
    pub async fn closing(&self) {
        // The sender belongs to this core, so it still exists.
        let _ = self.is_closing.subscribe().wait_for(|closing| *closing).await;
    }

    /// Counts a message that its client may not publish.
    pub fn refuse_publish(&self, client: &str, topic: &str) {
        self.counters.dropped.add(1);
        if self.not_allowed.is_due() {
            warn!(client = %Brief(client), topic = %Brief(topic), "dropped a message: its client may not publish to this topic");
        }
    }

    /// Whether to log the end of a client, so that nobody can fill the log by disconnecting.
    pub fn may_tell_end(&self) -> bool {
        self.ended.is_due()
    }

    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
