//! Shared subscriptions (MQTT 5, section 4.8.2): groups in which one member gets each message.

use std::collections::HashMap;
use std::sync::Arc;

use crate::core::subscriptions::{SessionId, SubscriberId};
use crate::protocol::packet::Options;

/// All groups, by the subscription of their members: `$share/GROUP/FILTER`.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    by_path: HashMap<Arc<str>, SubscriberId>,
    groups: HashMap<SubscriberId, Group>,
}

#[derive(Debug)]
struct Group {
    path: Arc<str>,
    members: Vec<(SessionId, Options)>,
    /// The index of the next member.
    turn: usize,
}

/// How ready a member is for a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Readiness {
    /// The member cannot take it.
    None,
    /// The member may take it when it comes back.
    Away,
    /// The member is connected and does not keep up.
    Behind,
    Here,
}

/// The member that gets a message.
#[derive(Debug)]
pub(crate) struct Picked {
    pub session: SessionId,
    pub options: Options,
    pub path: Arc<str>,
}

impl Groups {
    /// Adds a session to a group, which gets this id if it is new. Returns the group's id, and
    /// whether the session is new in it.
    pub fn join(
        &mut self,
        path: &str,
        session: SessionId,
        options: Options,
        id: SubscriberId,
    ) -> (SubscriberId, bool) {
        let id = match self.by_path.get(path) {
            Some(id) => *id,
            None => {
                let path: Arc<str> = path.into();
                self.by_path.insert(path.clone(), id);
                self.groups.insert(id, Group { path, members: Vec::new(), turn: 0 });
                id
            }
        };
        let Some(group) = self.groups.get_mut(&id) else { return (id, false) };
        match group.members.iter_mut().find(|(member, _)| *member == session) {
            Some((_, old)) => {
                *old = options;
                (id, false)
            }
            None => {
                group.members.push((session, options));
                (id, true)
            }
        }
    }

    /// Removes a session from a group. Returns the group's id if the group has no members left and
    /// is gone.
    pub fn leave(&mut self, path: &str, session: SessionId) -> Option<SubscriberId> {
        let id = *self.by_path.get(path)?;
        let group = self.groups.get_mut(&id)?;
        if let Some(at) = group.members.iter().position(|(member, _)| *member == session) {
            group.members.remove(at);
            if at < group.turn {
                group.turn -= 1;
            }
        }
        if !group.members.is_empty() {
            return None;
        }
        self.by_path.remove(path);
        self.groups.remove(&id);
        Some(id)
    }

    pub fn find(&self, path: &str) -> Option<SubscriberId> {
        self.by_path.get(path).copied()
    }

    /// The next in turn among the readiest members.
    pub fn pick(
        &mut self,
        id: SubscriberId,
        readiness: impl Fn(SessionId, &Options) -> Readiness,
    ) -> Option<Picked> {
        let group = self.groups.get_mut(&id)?;
        let count = group.members.len();
        let mut best = (Readiness::None, 0);
        for step in 0..count {
            let at = (group.turn + step) % count;
            let (session, options) = group.members.get(at)?;
            let readiness = readiness(*session, options);
            if readiness > best.0 {
                best = (readiness, at);
            }
            if readiness == Readiness::Here {
                break;
            }
        }
        let (readiness, at) = best;
        if readiness == Readiness::None {
            return None;
        }
        let (session, options) = *group.members.get(at)?;
        group.turn = (at + 1) % count;
        Some(Picked { session, options, path: group.path.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::packet::{Qos, SendRetained};

    const OPTIONS: Options = Options {
        qos: Qos::AtLeastOnce,
        no_local: false,
        retain_as_published: false,
        retained: SendRetained::Always,
        identifier: 0,
    };

    #[test]
    fn members_take_turns_and_those_who_are_here_come_first() {
        let mut groups = Groups::default();
        assert_eq!(groups.join("p", 1, OPTIONS, 10), (10, true));
        assert_eq!(groups.join("p", 2, OPTIONS, 11), (10, true));
        assert_eq!(groups.join("p", 3, OPTIONS, 12), (10, true));
        assert_eq!(groups.join("p", 3, OPTIONS, 13), (10, false));
        let mut pick = |readiness: fn(SessionId) -> Readiness| {
            groups.pick(10, |session, _| readiness(session)).map(|picked| picked.session)
        };
        let all: Vec<_> = (0..4).map(|_| pick(|_| Readiness::Here)).collect();
        assert_eq!(all, [Some(1), Some(2), Some(3), Some(1)]);
        let not_2 = |id| if id == 2 { Readiness::Away } else { Readiness::Here };
        assert_eq!([pick(not_2), pick(not_2)], [Some(3), Some(1)]);
        let only_3 = |id| if id == 3 { Readiness::Away } else { Readiness::None };
        assert_eq!([pick(only_3), pick(only_3)], [Some(3), Some(3)]);
        assert_eq!(pick(|_| Readiness::None), None);
        assert_eq!(groups.leave("p", 1), None);
        assert_eq!(groups.leave("p", 3), None);
        assert_eq!(groups.leave("p", 9), None);
        assert_eq!(groups.leave("p", 2), Some(10));
        assert_eq!(groups.find("p"), None);
        assert!(groups.groups.is_empty());
    }
}
