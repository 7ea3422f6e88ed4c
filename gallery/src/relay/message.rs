//! A message of the relay, shared by all who have not taken it yet.

use std::sync::Arc;

use bytes::Bytes;
use traffic::Passing;
use websocket::Kind;

use crate::limits::shares::Share;

/// The longest message, in bytes.
pub(crate) const MESSAGE: usize = wire::limits::PICTURE;

/// Text or bytes. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub kind: Kind,
    pub payload: Bytes,
    pub passing: Passing,
    /// Its share of the memory for messages, freed when the last client has taken it.
    _memory: Arc<Share>,
}

impl Message {
    pub fn new(kind: Kind, payload: Bytes, memory: Share) -> Message {
        Message { kind, payload, passing: Passing::default(), _memory: Arc::new(memory) }
    }

    /// The same, as it is watched.
    pub fn watched(self, passing: Passing) -> Message {
        Message { passing, ..self }
    }
}
