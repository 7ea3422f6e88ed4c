//! Who may do what. Everybody who comes in may do everything, but for the topics of the broker
//! itself; users and roles have their place here.

use crate::packet::{Connect, Reason};

/// What one client may do, decided once at its CONNECT.
#[derive(Debug, Clone)]
pub(crate) struct Grant;

/// Decides about a client.
///
/// # Errors
/// The reason for which it may not come in.
pub(crate) fn admit(connect: &Connect) -> Result<Grant, Reason> {
    let grant = Grant;
    match &connect.will {
        Some(will) if !grant.may_publish(&will.topic) => Err(Reason::NotAuthorized),
        _ => Ok(grant),
    }
}

impl Grant {
    /// Whether the client may publish to a valid topic. Topics that begin with `$` are the
    /// broker's own.
    pub fn may_publish(&self, topic: &str) -> bool {
        !topic.starts_with('$')
    }

    /// Whether the client may subscribe to a valid filter.
    pub fn may_subscribe(&self, _filter: &str) -> bool {
        true
    }
}
