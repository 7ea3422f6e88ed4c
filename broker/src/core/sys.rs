//! The broker's own facts, under the names that Mosquitto uses: `$SYS/broker/…`.

use std::sync::Arc;

use bytes::Bytes;

use crate::core::sessions::Core;
use crate::protocol::packet::{Message, Qos};

/// The current facts, each as a retained message.
pub(crate) fn facts(core: &Core) -> Vec<Arc<Message>> {
    let counts = core.counters.read();
    let uptime = core.began.elapsed().as_secs();
    let facts = [
        ("version", format!("vitrina version {}", env!("CARGO_PKG_VERSION"))),
        ("uptime", format!("{uptime} seconds")),
        ("clients/connected", counts.clients.to_string()),
        ("clients/disconnected", counts.sessions.to_string()),
        ("clients/total", (counts.clients + counts.sessions).to_string()),
        ("clients/expired", counts.expired.to_string()),
        ("clients/discarded", counts.discarded.to_string()),
        ("clients/overrun", counts.overrun.to_string()),
        ("connections/count", counts.connections.to_string()),
        ("connections/refused", core.refusals.count().to_string()),
        ("messages/received", counts.packets_in.to_string()),
        ("messages/sent", counts.packets_out.to_string()),
        ("publish/messages/received", counts.messages_in.to_string()),
        ("publish/messages/sent", counts.messages_out.to_string()),
        ("publish/messages/dropped", (counts.dropped + counts.replaced).to_string()),
        ("publish/messages/replaced", counts.replaced.to_string()),
        ("bytes/received", counts.bytes_in.to_string()),
        ("bytes/sent", counts.bytes_out.to_string()),
        ("retained messages/count", counts.retained.to_string()),
        ("store/messages/bytes", counts.queued_bytes.to_string()),
        ("subscriptions/count", counts.subscriptions.to_string()),
    ];
    let message = |(name, value): (&str, String)| {
        Arc::new(Message {
            topic: format!("$SYS/broker/{name}").into(),
            payload: Bytes::from(value),
            qos: Qos::AtMostOnce,
            retain: true,
            properties: Bytes::new(),
            expires: None,
            held: Default::default(),
        })
    };
    facts.into_iter().map(message).collect()
}
