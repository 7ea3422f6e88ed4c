//! The state of all sessions, under one lock.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use quota::{Holder as _, Ledger};

use crate::admission::owner::{Holder, Owner};
use crate::core::outbox::Outbox;
use crate::core::outbox::ordered::Ordered;
use crate::core::received::Received;
use crate::core::retained::Retained;
use crate::core::subscriptions::shared::Groups;
use crate::core::subscriptions::{SessionId, Subscriptions};
use crate::limits::Limits;
use crate::protocol::delivery::Delivery;
use crate::protocol::packet::{Message, Options, Will};
use crate::protocol::topic;

/// The most trie nodes that one match may visit, besides those that begin as its topic does: a few
/// milliseconds on a small machine.
const WILD: usize = 16_384;

#[derive(Debug)]
pub(crate) struct State {
    last_id: u64,
    pub by_owner: HashMap<Arc<Owner>, SessionId>,
    pub sessions: HashMap<SessionId, Entry>,
    pub subscriptions: Subscriptions<Subscriber>,
    pub groups: Groups,
    pub retained: Retained,
    /// When an absent client's session publishes its will, or ends.
    pub deadlines: BTreeSet<(Instant, SessionId)>,
    /// How many sessions outlive their connections.
    pub outliving: Ledger<Holder>,
    /// The bytes of all absent clients, by [`Away::bytes`].
    pub away_bytes: usize,
    /// The size of all filters, by [`filter_size`].
    pub filter_bytes: usize,
    /// The trie nodes that filters add to each match, by [`wild_levels`].
    pub wild: Ledger<Holder>,
    /// How many filters match the broker's own topics.
    pub sys_filters: usize,
    /// Messages that shared subscriptions gave to departed members, see
    /// [`Core::pass_on`](crate::core::sessions::Core::pass_on).
    pub orphans: VecDeque<Delivery>,
    pub orphan_bytes: usize,
    /// Wills that [`Core::settle`](crate::core::sessions::Core::settle) will publish.
    pub wills: VecDeque<(SessionId, Holder, Message)>,
    /// Full sessions of absent clients, which [`Core::settle`](crate::core::sessions::Core::settle)
    /// will end.
    pub full: Vec<SessionId>,
}

/// Whose filter it is in the trie.
#[derive(Debug)]
pub(crate) enum Subscriber {
    Session(Options),
    Group,
}

#[derive(Debug)]
pub(crate) struct Entry {
    pub owner: Arc<Owner>,
    pub holder: Holder,
    pub link: Link,
    /// The will to publish when the connection ends.
    pub will: Option<Will>,
    /// How long the session outlives the connection.
    pub expiry: Duration,
    pub filters: HashSet<String>,
    pub received: Received,
}

impl Entry {
    /// The bytes of the client, connected or not.
    pub fn bytes(&self) -> usize {
        match &self.link {
            Link::Away(away) => away.bytes(),
            Link::Here(outbox) => outbox.bytes(),
        }
    }

    /// The same for an absent client, and 0 for a connected one.
    pub fn away_bytes(&self) -> usize {
        match &self.link {
            Link::Away(away) => away.bytes(),
            Link::Here(_) => 0,
        }
    }
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
    /// The delayed will, and when to publish it.
    pub will: Option<(Instant, Will)>,
    pub ends_at: Instant,
}

impl Away {
    /// When the will or the end is due.
    pub fn deadline(&self) -> Instant {
        self.will.iter().map(|(at, _)| *at).chain([self.ends_at]).min().unwrap_or(self.ends_at)
    }

    /// The bytes of an absent client, without its filters, which are counted separately.
    pub fn bytes(&self) -> usize {
        let will = self.will.as_ref().map_or(0, |(_, will)| will.message.size());
        self.ordered.bytes() + will
    }
}

/// The size that a filter counts as, in bytes: twice its text, and a trie node for each level.
pub(crate) fn filter_size(filter: &str) -> usize {
    2 * filter.len() + 256 * (1 + filter.split('/').count())
}

/// How many trie nodes of a filter may be visited for messages that it does not match: its first
/// `+` and those behind it.
pub(crate) fn wild_levels(path: &str) -> usize {
    path.split('/').skip_while(|level| *level != "+").filter(|level| *level != "#").count()
}

impl State {
    pub fn new(limits: &Limits) -> State {
        State {
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
        }
    }

    /// An id that no session and no group has.
    pub fn new_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// Changes how many seconds a session outlives its connection.
    pub fn set_expiry(&mut self, id: SessionId, expiry: u32) {
        let Some(entry) = self.sessions.get_mut(&id) else { return };
        self.outliving.sub(&entry.holder, usize::from(!entry.expiry.is_zero()));
        self.outliving.add(&entry.holder, usize::from(expiry > 0));
        entry.expiry = Duration::from_secs(expiry.into());
    }

    /// Whether a filter keeps the work of one match within bounds.
    pub fn is_light(&self, path: &str, holder: &Holder) -> bool {
        let new = self.subscriptions.new_wild(path);
        let (theirs, all) = (self.wild.of(holder), self.subscriptions.wild());
        new == 0 || quota::allows(theirs, new, all, WILD, holder.is_known())
    }

    /// Removes one filter of a session from the trie and from the counts.
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

    /// The session with the most of something, if that is more than `least`.
    pub fn largest(&self, size: impl Fn(&Entry) -> usize, least: usize) -> Option<SessionId> {
        let sizes = self.sessions.iter().map(|(id, entry)| (size(entry), *id));
        sizes.max().filter(|(size, _)| *size > least).map(|(_, id)| id)
    }
}
