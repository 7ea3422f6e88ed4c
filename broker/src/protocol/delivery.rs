//! One message on its way to one client.

use std::sync::Arc;

use traffic::Passing;

use crate::protocol::held::Held;
use crate::protocol::packet::{Message, Qos};

/// One message on its way to one client.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    pub message: Arc<Message>,
    pub qos: Qos,
    /// Whether it is marked as retained, so that the client knows it is old.
    pub retain: bool,
    /// The identifiers of the subscriptions that matched it, if they have any.
    pub identifiers: Vec<u32>,
    /// The shared subscription that matched it; another member may get it instead.
    pub group: Option<Arc<str>>,
    /// As it is watched, if it was just published.
    pub passing: Passing,
    /// Its memory in the broker, without its message.
    _held: Held,
}

impl Delivery {
    /// The bytes of its place in a queue.
    const OVERHEAD: usize = 128;

    pub fn new(message: Arc<Message>, qos: Qos) -> Delivery {
        let held = message.held.beside(Delivery::OVERHEAD);
        let (identifiers, passing) = (Vec::new(), Passing::default());
        Delivery { message, qos, retain: false, identifiers, group: None, passing, _held: held }
    }

    /// The size that it counts as in every bound, in bytes.
    pub fn size(&self) -> usize {
        self.message.size() + 4 * self.identifiers.len()
    }
}
