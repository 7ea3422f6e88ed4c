//! A message of the relay, shared by all who have yet to take it.

use std::sync::Arc;

use bytes::Bytes;
use websocket::Kind;

use crate::limits::shares::Share;

/// A message is at most so long, in bytes.
pub(crate) const MESSAGE: usize = wire::limits::PICTURE;

/// Text or bytes. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub kind: Kind,
    pub payload: Bytes,
    /// Its part of the memory for messages, free again when the last who waits has it.
    _memory: Arc<Share>,
}

impl Message {
    pub fn new(kind: Kind, payload: Bytes, memory: Share) -> Message {
        Message { kind, payload, _memory: Arc::new(memory) }
    }
}
