//! The sessions, and when they begin and end. It has no thread of its own: clients' tasks call
//! into it, each for as long as it takes to put a message into some queues.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use access::{Brief, Identity, Refusals};
use quota::{Holder as _, Ledger, Shares};
use tokio::sync::{Notify, watch};
use tracing::warn;

use crate::admission::owner::{Holder, Owner};
use crate::core::ordered::Ordered;
use crate::core::outbox::Outbox;
use crate::core::received::Received;
use crate::core::retained::Retained;
use crate::core::shared::Groups;
use crate::core::subscriptions::{SessionId, Subscriptions};
use crate::counters::Counters;
use crate::limits::Limits;
use crate::protocol::delivery::Delivery;
use crate::protocol::packet::{Message, Options, Reason, Reply, Welcome, Will};
use crate::protocol::topic;
use crate::throttle::Seldom;

/// So many nodes of the trie are looked at for one message at most, beside those that begin as its
/// topic does: a few milliseconds on a small machine.
const WILD: usize = 16_384;

/// What all clients of a broker share.
#[derive(Debug)]
pub(crate) struct Core {
    pub limits: Limits,
    pub counters: Arc<Counters>,
    pub(crate) began: Instant,
    state: Mutex<State>,
    is_closing: watch::Sender<bool>,
    /// Something is to be done earlier than was thought, see `time`.
    pub(crate) hastened: Notify,
    pub(crate) no_room: Seldom,
    pub(crate) no_member: Seldom,
    not_allowed: Seldom,
    ended: Seldom,
    discarded: Seldom,
    let_go: Seldom,
    pub(crate) refusals: Refusals,
    /// Room for packets that are being received: large ones are collected in memory before they
    /// are whole, and so is what never becomes one.
    pub(crate) receiving: Shares<Holder>,
}

#[derive(Debug)]
pub(crate) struct State {
    last_id: u64,
    by_owner: HashMap<Arc<Owner>, SessionId>,
    pub sessions: HashMap<SessionId, Entry>,
    pub subscriptions: Subscriptions<Subscriber>,
    pub groups: Groups,
    pub retained: Retained,
    /// When a session that is away has a will to publish, or ends.
    pub deadlines: BTreeSet<(Instant, SessionId)>,
    /// How many sessions outlive their connection.
    outliving: Ledger<Holder>,
    /// What those who are away cost together, by [`Away::bytes`].
    pub away_bytes: usize,
    /// The size of all filters, by [`filter_size`].
    pub filter_bytes: usize,
    /// The work that filters make for each message, by [`wild_levels`].
    pub wild: Ledger<Holder>,
    /// How many filters are for what the broker says of itself.
    pub sys_filters: usize,
    /// What shared subscriptions brought to members that have gone, see [`Core::pass_on`].
    pub orphans: VecDeque<Delivery>,
    pub orphan_bytes: usize,
    /// What is to be done by [`Core::settle`].
    pub wills: VecDeque<(SessionId, Holder, Message)>,
    /// Sessions that are away and full. They end by [`Core::settle`].
    pub full: Vec<SessionId>,
}

/// Who a filter in the trie is of.
#[derive(Debug)]
pub(crate) enum Subscriber {
    Session(Options),
    Group,
}

#[derive(Debug)]
pub(crate) struct Entry {
    owner: Arc<Owner>,
    pub holder: Holder,
    pub link: Link,
    /// What is to be said when the connection ends.
    pub will: Option<Will>,
    /// How long the session goes on without a connection.
    pub expiry: Duration,
    pub filters: HashSet<String>,
    pub received: Received,
}

#[derive(Debug)]
pub(crate) enum Link {
    Here(Arc<Outbox>),
    Away(Box<Away>),
}

/// A session without a connection.
#[derive(Debug)]
pub(crate) struct Away {
    pub ordered: Ordered,
    /// What is still to be said, and when.
    will: Option<(Instant, Will)>,
    ends_at: Instant,
}

impl Away {
    /// When there is something to do about it.
    fn deadline(&self) -> Instant {
        self.will.iter().map(|(at, _)| *at).chain([self.ends_at]).min().unwrap_or(self.ends_at)
    }

    /// What the absence of a client costs beside its filters, which are counted by themselves.
    pub fn bytes(&self) -> usize {
        let will = self.will.as_ref().map_or(0, |(_, will)| will.message.size());
        self.ordered.bytes() + will
    }
}

/// A client that comes in.
pub(crate) struct Arrival {
    pub owner: Owner,
    pub holder: Holder,
    /// Whether it wants a new session.
    pub clean: bool,
    /// How many seconds its session is to go on without a connection.
    pub expiry: u32,
    pub will: Option<Will>,
    pub outbox: Arc<Outbox>,
    pub welcome: Welcome,
}

/// What a filter is counted as, in bytes: its text twice, and a node of the trie for each level.
pub(crate) fn filter_size(filter: &str) -> usize {
    2 * filter.len() + 256 * (1 + filter.split('/').count())
}

/// How many nodes of the trie a filter may have that are looked at for messages which it does not
/// match: those behind its first `+`, and that.
pub(crate) fn wild_levels(path: &str) -> usize {
    path.split('/').skip_while(|level| *level != "+").filter(|level| *level != "#").count()
}

impl Core {
    pub fn new(limits: Limits, counters: Arc<Counters>) -> Core {
        let state = State {
            last_id: 0,
            by_owner: HashMap::new(),
            sessions: HashMap::new(),
            subscriptions: Subscriptions::new(),
            groups: Groups::default(),
            retained: Retained::new(limits.retained, limits.retained_bytes),
            deadlines: BTreeSet::new(),
            outliving: Ledger::new(limits.sessions),
            away_bytes: 0,
            filter_bytes: 0,
            wild: Ledger::new(WILD),
            sys_filters: 0,
            orphans: VecDeque::new(),
            orphan_bytes: 0,
            wills: VecDeque::new(),
            full: Vec::new(),
        };
        let every_minute = || Seldom::new(Duration::from_secs(60));
        Core {
            limits,
            counters,
            began: Instant::now(),
            state: Mutex::new(state),
            is_closing: watch::Sender::new(false),
            hastened: Notify::new(),
            no_room: every_minute(),
            no_member: every_minute(),
            not_allowed: every_minute(),
            ended: Seldom::new(Duration::from_secs(1)),
            discarded: Seldom::new(Duration::from_secs(1)),
            let_go: Seldom::new(Duration::from_secs(1)),
            refusals: Refusals::default(),
            receiving: Shares::new("bytes of packets that are being received", limits.memory / 4),
        }
    }

    /// Lets a client in: welcomes it and opens its session, or goes on with the one that it had. A
    /// connection of the same user with the same client id ends, and what has to be said of it is
    /// published before anything of the new one is.
    ///
    /// # Errors
    /// The broker is about to stop, or there are too many sessions.
    pub fn open(&self, arrival: Arrival) -> Result<SessionId, Reason> {
        let Arrival { owner, holder, clean, expiry, will, outbox, mut welcome } = arrival;
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
        self.settle(&mut state);
        Ok(id)
    }

    /// Takes a session from its connection, or from being away, for a new connection. `None` when
    /// it has ended.
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
        // A will that waited is not published (MQTT 5, section 3.1.3.2.2).
        away.will = None;
        let ordered = Ordered::new(self.counters.clone());
        let ordered = std::mem::replace(&mut away.ordered, ordered);
        self.counters.sessions.sub(1);
        Some((id, ordered))
    }

    /// A connection has ended, and if it still had its session, that goes on without it, or ends.
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
            // MQTT 5, section 3.1.3.2.2: without a delay there is nothing to wait for.
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

    /// Ends a session that is away.
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

    /// Publishes the wills that are due, and ends the sessions that are away and full, until there
    /// are none. A will has no way to tell that it was not retained.
    pub fn settle(&self, state: &mut State) {
        loop {
            if let Some((from, holder, will)) = state.wills.pop_front() {
                let _ = self.route(state, from, &holder, &will.shared(&self.counters));
            } else if let Some(id) = state.full.pop() {
                self.discard_full(state, id);
            } else if state.away_bytes > self.limits.session_bytes
                && let Some(id) = state.largest_away()
            {
                self.discard_full(state, id);
            } else if self.counters.held_bytes.get() > self.limits.memory as u64
                && let Some(id) = state.largest()
            {
                self.let_go(state, id);
            } else {
                return;
            }
        }
    }

    /// Ends who holds most of the memory that all messages may take.
    fn let_go(&self, state: &mut State, id: SessionId) {
        let Some(entry) = state.sessions.get(&id) else { return };
        let Link::Here(outbox) = &entry.link else { return self.discard_full(state, id) };
        let outbox = outbox.clone();
        self.counters.overrun.add(1);
        if self.let_go.is_due() {
            warn!(
                client = %Brief(&entry.owner.client_id),
                bytes = outbox.bytes(),
                "disconnected the client for which most waited: all messages together took more \
                 than broker.memory; it reads too slowly or asks for too much"
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
                "discarded the session of an absent client: what waited for it found no room; \
                 raise broker.queue, broker.queue_bytes or broker.session_bytes, or have it come \
                 back sooner"
            );
        }
        self.discard(state, id);
    }

    /// Does what is due: wills whose delay has passed, and the end of sessions. Says when there is
    /// something to do next.
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
        self.settle(state);
        state.deadlines.first().map(|(at, _)| *at)
    }

    /// Ends the sessions of those who are not known any more, with what they were subscribed to and
    /// what waits for them: at once those that are away, the others with their connections.
    pub fn end_unknown(&self, is_known: impl Fn(&Identity) -> bool) {
        let mut state = self.lock();
        let unknown = state.sessions.iter().filter(|(_, entry)| !is_known(&entry.owner.identity));
        let unknown: Vec<_> = unknown.map(|(id, _)| *id).collect();
        for id in unknown {
            state.set_expiry(id, 0);
            self.discard(&mut state, id);
        }
        self.settle(&mut state);
    }

    /// Ends all sessions, and lets none in any more. Wills are not published, for nobody is left
    /// to hear them.
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

    /// Waits until the broker is about to stop.
    pub async fn closing(&self) {
        // The sender is of this core, so that it cannot be gone.
        let _ = self.is_closing.subscribe().wait_for(|closing| *closing).await;
    }

    /// Counts a message that its client may not publish.
    pub fn refuse_publish(&self, client: &str, topic: &str) {
        self.counters.dropped.add(1);
        if self.not_allowed.is_due() {
            warn!(client = %Brief(client), topic = %Brief(topic), "dropped a message: its client may not publish to this topic");
        }
    }

    /// Whether the end of a client may be said aloud, so that nobody can fill the log by ending.
    pub fn may_tell_end(&self) -> bool {
        self.ended.is_due()
    }

    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// A number that no session and no group has.
    pub fn new_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// Changes how long a session goes on without a connection, in seconds.
    pub fn set_expiry(&mut self, id: SessionId, expiry: u32) {
        let Some(entry) = self.sessions.get_mut(&id) else { return };
        self.outliving.sub(&entry.holder, usize::from(!entry.expiry.is_zero()));
        self.outliving.add(&entry.holder, usize::from(expiry > 0));
        entry.expiry = Duration::from_secs(expiry.into());
    }

    /// Whether a filter leaves the work of one match within bounds.
    pub fn is_light(&self, path: &str, holder: &Holder) -> bool {
        let new = self.subscriptions.new_wild(path);
        let (theirs, all) = (self.wild.of(holder), self.subscriptions.wild());
        new == 0 || quota::allows(theirs, new, all, WILD, holder.is_known())
    }

    /// Takes one filter of a session out of the trie, and out of what filters are counted as.
    pub fn forget_filter(&mut self, filter: &str, session: SessionId, holder: &Holder) {
        let path = topic::subscribed(filter).unwrap_or(filter);
        if topic::is_shared(filter) {
            if let Some(group) = self.groups.leave(filter, session) {
                self.subscriptions.remove(path, group);
            }
        } else {
            self.subscriptions.remove(path, session);
        }
        self.filter_bytes -= filter_size(filter);
        self.wild.sub(holder, wild_levels(path));
        self.sys_filters -= usize::from(topic::asks_for_sys(path));
    }

    /// For whom most waits, here or away; nobody where that is too little to be worth it.
    fn largest(&self) -> Option<SessionId> {
        const LITTLE: usize = 64 * 1024;
        let bytes = |entry: &Entry| match &entry.link {
            Link::Away(away) => away.bytes(),
            Link::Here(outbox) => outbox.bytes(),
        };
        let sizes = self.sessions.iter().map(|(id, entry)| (bytes(entry), *id));
        sizes.max().filter(|(bytes, _)| *bytes > LITTLE).map(|(_, id)| id)
    }

    fn largest_away(&self) -> Option<SessionId> {
        let bytes = |entry: &Entry| match &entry.link {
            Link::Away(away) => away.bytes(),
            Link::Here(_) => 0,
        };
        let (id, entry) = self.sessions.iter().max_by_key(|(_, entry)| bytes(entry))?;
        (bytes(entry) > 0).then_some(*id)
    }
}
