//! Decides who gets a message.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use access::Brief;
use tracing::warn;
use traffic::Passing;

use crate::admission::owner::Holder;
use crate::core::outbox::ordered::Full;
use crate::core::sessions::Core;
use crate::core::state::{Link, State, Subscriber};
use crate::core::subscriptions::shared::{Picked, Readiness};
use crate::core::subscriptions::{SessionId, SubscriberId};
use crate::protocol::delivery::Delivery;
use crate::protocol::packet::{Message, Options, Qos, Reason};

impl Core {
    /// Retains a message if its sender asks for that, and hands it to all subscribers, as it is
    /// watched.
    ///
    /// # Errors
    /// It could not be retained.
    pub fn route(
        &self,
        state: &mut State,
        from: SessionId,
        holder: &Holder,
        message: &Arc<Message>,
        passing: &Passing,
    ) -> Result<(), Reason> {
        let kept = if message.retain { self.retain(state, holder, message) } else { Ok(()) };
        self.spread(state, from, message, passing);
        kept
    }

    /// Hands a message to all subscribers, each at the lower of the two QoS. Shared subscriptions
    /// are not watched: who gets it may change.
    pub fn spread(
        &self,
        state: &mut State,
        from: SessionId,
        message: &Arc<Message>,
        passing: &Passing,
    ) {
        let mut receivers: HashMap<SessionId, Delivery> = HashMap::new();
        let mut groups = Vec::new();
        state.subscriptions.for_each_match(&message.topic, |id, subscriber| {
            let options = match subscriber {
                Subscriber::Group => return groups.push(id),
                Subscriber::Session(options) => options,
            };
            if options.no_local && id == from {
                return;
            }
            // Overlapping subscriptions bring one copy, at the highest QoS.
            let delivery = receivers
                .entry(id)
                .or_insert_with(|| Delivery::new(message.clone(), Qos::AtMostOnce));
            delivery.qos = delivery.qos.max(options.qos.min(message.qos));
            delivery.retain |= options.retain_as_published && message.retain;
            delivery.identifiers.extend(Some(options.identifier).filter(|i| *i > 0));
        });
        passing.goes_to(receivers.len());
        for (session, mut delivery) in receivers {
            delivery.passing = passing.clone();
            self.deliver(state, session, delivery);
        }
        for group in groups {
            self.share(state, group, message);
        }
    }

    /// Keeps messages that shared subscriptions gave to a departed member, for other members.
    pub fn orphan(&self, state: &mut State, deliveries: Vec<Delivery>) {
        for delivery in deliveries {
            let size = delivery.size();
            if state.orphan_bytes + size > self.limits.session_bytes {
                self.lose(&delivery);
            } else {
                state.orphan_bytes += size;
                self.counters.queued_bytes.add(size);
                state.orphans.push_back(delivery);
                self.hastened.notify_one();
            }
        }
    }

    /// Hands some messages of departed members to others that have room, so that a load too large
    /// for one does not become too large for all. Returns whether more are left: they may be many,
    /// and other clients want service meanwhile.
    pub fn pass_on(&self, state: &mut State) -> bool {
        const SOME: usize = 64;
        for _ in 0..SOME {
            let Some(delivery) = state.orphans.pop_front() else { return false };
            let size = delivery.size();
            state.orphan_bytes -= size;
            self.counters.queued_bytes.sub(size);
            let group = delivery.group.as_ref().and_then(|path| state.groups.find(path));
            if let Some(group) = group
                && !self.hand_over(state, group, &delivery.message, Some(size))
            {
                self.lose(&delivery);
            }
        }
        self.end_due(state);
        !state.orphans.is_empty()
    }

    fn lose(&self, delivery: &Delivery) {
        self.counters.dropped.add(1);
        if self.no_member.is_due() {
            let topic = Brief(&delivery.message.topic);
            warn!(%topic, "dropped a message: no member of its shared subscription has room");
        }
    }

    /// Hands a message to one member of a group.
    fn share(&self, state: &mut State, group: SubscriberId, message: &Arc<Message>) {
        self.hand_over(state, group, message, None);
    }

    /// Hands a message to one member of a group, and returns whether there was one. If a size is
    /// given, the member must have room for it.
    fn hand_over(
        &self,
        state: &mut State,
        group: SubscriberId,
        message: &Arc<Message>,
        size: Option<usize>,
    ) -> bool {
        // Each member that cannot take it leaves the group.
        loop {
            let State { sessions, groups, full, .. } = state;
            let readiness = |session: SessionId, options: &Options| match sessions
                .get(&session)
                .map(|entry| &entry.link)
            {
                Some(Link::Here(outbox)) => outbox.readiness(size),
                Some(Link::Away(away))
                    if options.qos.min(message.qos) > Qos::AtMostOnce
                        && size.is_none_or(|s| away.ordered.has_room(s, &self.limits))
                        && !full.contains(&session) =>
                {
                    Readiness::Away
                }
                _ => Readiness::None,
            };
            let Some(picked) = groups.pick(group, readiness) else { return false };
            let Picked { session, options, path } = picked;
            let mut delivery = Delivery::new(message.clone(), options.qos.min(message.qos));
            delivery.retain = options.retain_as_published && message.retain;
            delivery.identifiers.extend(Some(options.identifier).filter(|i| *i > 0));
            delivery.group = Some(path);
            if self.deliver(state, session, delivery).is_none() {
                return true;
            }
        }
    }

    /// Hands a message to a session. Gives back a message of a shared subscription for which there
    /// is no room. QoS 0 does not wait for absent clients.
    fn deliver(
        &self,
        state: &mut State,
        session: SessionId,
        delivery: Delivery,
    ) -> Option<Delivery> {
        let entry = state.sessions.get_mut(&session)?;
        let away = match &mut entry.link {
            Link::Here(outbox) => return outbox.send(delivery),
            Link::Away(away) => away,
        };
        if delivery.qos == Qos::AtMostOnce {
            return None;
        }
        let before = away.ordered.bytes();
        let pushed = away.ordered.push(delivery, &self.limits).or_else(|Full(delivery)| {
            away.ordered.drop_expired(Instant::now());
            away.ordered.push(delivery, &self.limits)
        });
        state.away_bytes = state.away_bytes - before + away.ordered.bytes();
        let Err(Full(delivery)) = pushed else { return None };
        state.full.push(session);
        Some(delivery).filter(|delivery| delivery.group.is_some())
    }

    fn retain(
        &self,
        state: &mut State,
        holder: &Holder,
        message: &Arc<Message>,
    ) -> Result<(), Reason> {
        let retained = &mut state.retained;
        let kept = retained.keep(message, holder).or_else(|_| {
            retained.drop_expired(Instant::now());
            retained.keep(message, holder)
        });
        self.counters.retained.set(retained.len());
        kept.map_err(|_| {
            self.counters.dropped.add(1);
            if self.no_room.is_due() {
                warn!(
                    topic = %Brief(&message.topic),
                    "a message was not retained, because its client has used its share or there \
                     is no room: raise broker.retained or broker.retained_bytes, or clear what is \
                     not needed"
                );
            }
            Reason::QuotaExceeded
        })
    }
}
