//! A message of the relay, shared by all who have yet to take it.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;

use crate::websocket::frames::Kind;

/// A message is at most so long, in bytes.
pub(crate) const MESSAGE: usize = wire::limits::PICTURE;

/// Text or bytes. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub kind: Kind,
    pub payload: Bytes,
    /// Its part of the memory of the relay, free again when the last who waits has it.
    _held: Option<Arc<OwnedSemaphorePermit>>,
}

impl Message {
    pub fn new(kind: Kind, payload: Bytes, held: Option<OwnedSemaphorePermit>) -> Message {
        Message { kind, payload, _held: held.map(Arc::new) }
    }
}
