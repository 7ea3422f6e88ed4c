//! Reads a client's packets, and limits how long each may take.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use quota::Share;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::timeout;

use super::End;
use crate::admission::owner::Holder;
use crate::core::sessions::Core;
use crate::protocol::aliases::Taken;
use crate::protocol::decoder::Decoder;
use crate::protocol::packet::{Packet, Reason, Refusal};

/// The least bytes a second that a client must send while it sends a packet: a slower one holds
/// memory that others need.
const SLOWEST: usize = 2 * 1024;

/// The packets of a client.
pub(super) struct Incoming<R> {
    pub reader: R,
    pub decoder: Decoder,
    pub aliases: Taken,
    /// The memory of the packet that is being received, and when it began.
    part: Share<Holder>,
    since: Option<Instant>,
    pub core: Arc<Core>,
}

impl<R: AsyncRead + Unpin> Incoming<R> {
    pub fn new(reader: R, core: Arc<Core>, peer: IpAddr) -> Incoming<R> {
        let decoder = Decoder::new(wire::limits::PACKET);
        let part = core.receiving.none(Holder::Address(quota::network(peer)));
        Incoming { reader, decoder, aliases: Taken::default(), part, since: None, core }
    }

    /// The next packet. Any byte is a sign of life; a packet must go on within the stall time, and
    /// at [`SLOWEST`] at least.
    pub async fn next(&mut self, silence: Option<Duration>) -> Result<Packet, End> {
        let stall = self.core.limits.stall;
        loop {
            if let Some(packet) = self.decoder.next(Instant::now()).map_err(End::Refused)? {
                self.core.counters.packets_in.add(1);
                self.since = None;
                self.part.resize(self.decoder.needs()).await;
                return Ok(packet);
            }
            if self.decoder.is_within_packet() {
                let since = *self.since.get_or_insert_with(Instant::now);
                let longest =
                    stall + Duration::from_secs((self.decoder.expected() / SLOWEST) as u64);
                if since.elapsed() > longest {
                    return Err(End::Silent);
                }
            }
            let room = self.part.resize(self.decoder.needs());
            timeout(stall, room).await.map_err(|_| {
                let why = "too much is being received from this address already";
                End::Refused(Refusal::new(Reason::ServerBusy, why))
            })?;
            let patience = match (silence, self.decoder.is_within_packet()) {
                (Some(silence), true) => Some(silence.min(stall)),
                (None, true) => Some(stall),
                (silence, false) => silence,
            };
            let mut room = self.decoder.room();
            let read = self.reader.read_buf(&mut room);
            let read = match patience {
                Some(patience) => timeout(patience, read).await.map_err(|_| End::Silent)?,
                None => read.await,
            };
            match read {
                Ok(0) => return Err(End::Gone(None)),
                Ok(n) => self.core.counters.bytes_in.add(n),
                Err(error) => return Err(End::Gone(Some(error))),
            }
        }
    }
}
