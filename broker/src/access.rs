//! Who may do what. Everybody who comes in may do everything, but for the topics of the broker
//! itself; users and roles have their place here.

use std::sync::Arc;

use crate::packet::{Connect, Reason};
use crate::topic;

/// What one client may do, decided once at its CONNECT.
#[derive(Debug, Clone)]
pub(crate) struct Grant {
    /// What nobody may publish or subscribe to.
    deny: Arc<[String]>,
}

/// Decides about a client.
///
/// # Errors
/// The reason for which it may not come in.
pub(crate) fn admit(connect: &Connect, deny: &Arc<[String]>) -> Result<Grant, Reason> {
    let grant = Grant { deny: deny.clone() };
    match &connect.will {
        Some(will) if !grant.may_publish(&will.message.topic) => Err(Reason::NotAuthorized),
        _ => Ok(grant),
    }
}

impl Grant {
    /// Whether the client may publish to a valid topic. Topics that begin with `$` are the
    /// broker's own.
    pub fn may_publish(&self, topic: &str) -> bool {
        !topic.starts_with('$') && !self.deny.iter().any(|deny| topic::matches(deny, topic))
    }

    /// Whether the client may subscribe to a valid filter; of a shared subscription, to the filter
    /// behind its group.
    pub fn may_subscribe(&self, filter: &str) -> bool {
        (self.may_watch_broker() || !filter.starts_with("$SYS"))
            && !self.deny.iter().any(|deny| topic::covers(deny, filter))
    }

    /// Whether the client may read what the broker says of itself.
    fn may_watch_broker(&self) -> bool {
        true
    }
}
