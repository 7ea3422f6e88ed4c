//! What the broker knows of all sessions, under one lock.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use quota::{Holder as _, Ledger};

use crate::admission::owner::{Holder, Owner};
use crate::core::ordered::Ordered;
use crate::core::outbox::Outbox;
use crate::core::received::Received;
use crate::core::retained::Retained;
use crate::core::shared::Groups;
use crate::core::subscriptions::{SessionId, Subscriptions};
use crate::limits::Limits;
use crate::protocol::delivery::Delivery;
use crate::protocol::packet::{Message, Options, Will};
use crate::protocol::topic;

/// So many nodes of the trie are looked at for one message at most, beside those that begin as its
/// topic does: a few milliseconds on a small machine.
const WILD: usize = 16_384;

#[derive(Debug)]
pub(crate) struct State {
    last_id: u64,
    pub by_owner: HashMap<Arc<Owner>, SessionId>,
    pub sessions: HashMap<SessionId, Entry>,
    pub subscriptions: Subscriptions<Subscriber>,
    pub groups: Groups,
    pub retained: Retained,
    /// When a session that is away has a will to publish, or ends.
    pub deadlines: BTreeSet<(Instant, SessionId)>,
    /// How many sessions outlive their connection.
    pub outliving: Ledger<Holder>,
    /// What those who are away cost together, by [`Away::bytes`].
    pub away_bytes: usize,
    /// The size of all filters, by [`filter_size`].
    pub filter_bytes: usize,
    /// The work that filters make for each message, by [`wild_levels`].
    pub wild: Ledger<Holder>,
    /// How many filters are for what the broker says of itself.
    pub sys_filters: usize,
    /// What shared subscriptions brought to members that have gone, see [`Core::pass_on`](crate::core::sessions::Core::pass_on).
    pub orphans: VecDeque<Delivery>,
    pub orphan_bytes: usize,
    /// What is to be done by [`Core::settle`](crate::core::sessions::Core::settle).
    pub wills: VecDeque<(SessionId, Holder, Message)>,
    /// Sessions that are away and full. They end by [`Core::settle`](crate::core::sessions::Core::settle).
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
    pub owner: Arc<Owner>,
    pub holder: Holder,
    pub link: Link,
    /// What is to be said when the connection ends.
    pub will: Option<Will>,
    /// How long the session goes on without a connection.
    pub expiry: Duration,
    pub filters: HashSet<String>,
    pub received: Received,
}

impl Entry {
    /// What the client costs, here or away.
    pub fn bytes(&self) -> usize {
        match &self.link {
            Link::Away(away) => away.bytes(),
            Link::Here(outbox) => outbox.bytes(),
        }
    }

    /// The same of a client that is away, and nothing of one that is here.
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
    /// What is still to be said, and when.
    pub will: Option<(Instant, Will)>,
    pub ends_at: Instant,
}

impl Away {
    /// When there is something to do about it.
    pub fn deadline(&self) -> Instant {
        self.will.iter().map(|(at, _)| *at).chain([self.ends_at]).min().unwrap_or(self.ends_at)
    }

    /// What the absence of a client costs beside its filters, which are counted by themselves.
    pub fn bytes(&self) -> usize {
        let will = self.will.as_ref().map_or(0, |(_, will)| will.message.size());
        self.ordered.bytes() + will
    }
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

    /// Whose session has most of something, if that is more than `least`.
    pub fn largest(&self, size: impl Fn(&Entry) -> usize, least: usize) -> Option<SessionId> {
        let sizes = self.sessions.iter().map(|(id, entry)| (size(entry), *id));
        sizes.max().filter(|(size, _)| *size > least).map(|(_, id)| id)
    }
}
