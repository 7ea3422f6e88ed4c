//! Sessions, subscriptions and the queues of clients.
//!
//! `state` is all of it under one lock, which is held only to change it or to copy from it. A
//! publication goes by `route` to its `subscriptions`, and waits in the `outbox` of each; `retained`
//! keeps the last one of each topic. The core knows packets, grants and owners, but no socket, file
//! or thread. Each of its queues is bounded, and counts what it drops.

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
