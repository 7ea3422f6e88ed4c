//! One message on its way to one client.

use std::sync::Arc;

use crate::protocol::held::Held;
use crate::protocol::packet::{Message, Qos};

/// One message on its way to one client.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    pub message: Arc<Message>,
    pub qos: Qos,
    /// Whether it is marked as retained, which says that it is not news.
    pub retain: bool,
    /// The numbers of the subscriptions that it comes by, as far as they have one.
    pub identifiers: Vec<u32>,
    /// The shared subscription that it comes by, of which another member may have it instead.
    pub group: Option<Arc<str>>,
    /// What it takes of the broker's memory beside its message.
    _held: Held,
}

impl Delivery {
    /// What its place in a queue takes, in bytes.
    const OVERHEAD: usize = 128;

    pub fn new(message: Arc<Message>, qos: Qos) -> Delivery {
        let held = message.held.beside(Delivery::OVERHEAD);
        Delivery { message, qos, retain: false, identifiers: Vec::new(), group: None, _held: held }
    }

    /// What it is counted as in every bound, in bytes.
    pub fn size(&self) -> usize {
        self.message.size() + 4 * self.identifiers.len()
    }
}
