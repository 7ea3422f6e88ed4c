//! Sessions, subscriptions and the queues of clients. The core has no socket and no thread; each of
//! its queues is bounded.

pub(crate) mod outbox;
pub(crate) mod received;
pub(crate) mod retained;
pub(crate) mod route;
pub(crate) mod session;
pub(crate) mod sessions;
pub(crate) mod slots;
pub(crate) mod state;
pub(crate) mod subscriptions;
pub(crate) mod sys;
pub(crate) mod time;
