//! The largest message that the broker takes, as far as that is known to one connection.
//!
//! A broker that finds a message too large ends the connection without a word in MQTT 3.1.1. So the
//! largest message of the last seconds is suspected at each loss; a broker that speaks MQTT 5 can
//! be asked (3.2.2.3.6, Maximum Packet Size), and otherwise it is known after some losses in a row.
//! What is larger is held for a while, and then tried again: the broker may be another one by then.

use std::time::{Duration, Instant};

/// A connection that is lost so long after a message may have been lost for it.
const SOON: Duration = Duration::from_secs(5);
/// Losses within this time of each other are in a row.
const ROW: Duration = Duration::from_secs(30);
/// So many losses in a row for one message make it too large.
const LOSSES: u32 = 3;
/// How long what is too large is held: at first, and at last. What a network does that breaks often
/// is soon forgotten.
const HELD: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(3600));

/// What is known.
#[derive(Debug)]
pub struct Largest {
    /// The largest message of the last seconds, and when it was handed over.
    sent: Option<(usize, Instant)>,
    /// The smallest one that a connection was lost for, how often in a row, and when.
    losses: Option<(usize, u32, Instant)>,
    /// The limit, and until when it holds.
    limit: Option<(usize, Instant)>,
    hold: Duration,
    /// The largest that is held.
    held: Option<usize>,
}

impl Default for Largest {
    fn default() -> Self {
        Largest { sent: None, losses: None, limit: None, hold: HELD.0, held: None }
    }
}

impl Largest {
    /// Whether a message of so many bytes may be sent now; one that may not counts as held.
    pub fn fits(&mut self, bytes: usize, now: Instant) -> bool {
        if self.limit.is_some_and(|(_, until)| until <= now) {
            (self.limit, self.held) = (None, None);
        }
        let fits = self.limit.is_none_or(|(limit, _)| bytes <= limit);
        if !fits {
            self.held = self.held.max(Some(bytes));
        }
        fits
    }

    /// A message of so many bytes is handed to the connection.
    pub fn sent(&mut self, bytes: usize, now: Instant) {
        let recent = self.sent.filter(|&(_, at)| now.saturating_duration_since(at) < SOON);
        if recent.is_none_or(|(largest, _)| bytes >= largest) {
            self.sent = Some((bytes, now));
        }
    }

    /// The broker took a message of so many bytes.
    pub fn taken(&mut self, bytes: usize) {
        if self.losses.is_some_and(|(smallest, ..)| bytes >= smallest) {
            (self.losses, self.hold) = (None, HELD.0);
        }
        self.sent = self.sent.filter(|&(largest, _)| bytes < largest);
    }

    /// The connection was lost. Returns whether a message may be why.
    pub fn lost(&mut self, now: Instant) -> bool {
        let suspect = self.sent.take().filter(|&(_, at)| now.saturating_duration_since(at) < SOON);
        let Some((suspect, _)) = suspect else { return false };
        let row = self
            .losses
            .filter(|&(.., at)| now.saturating_duration_since(at) < ROW.max(self.hold * 2));
        let (smallest, count) =
            row.map_or((suspect, 0), |(smallest, count, _)| (smallest.min(suspect), count));
        self.losses = Some((smallest, count + 1, now));
        if count + 1 >= LOSSES {
            self.is(smallest.saturating_sub(1), now);
        }
        true
    }

    /// The broker says that it takes so many bytes.
    pub fn told(&mut self, bytes: usize, now: Instant) {
        let suspect = self.losses.map(|(smallest, ..)| smallest);
        if suspect.is_some_and(|suspect| suspect > bytes) {
            self.is(bytes, now);
        }
    }

    fn is(&mut self, limit: usize, now: Instant) {
        self.limit = Some((limit, now + self.hold));
        self.hold = (self.hold * 2).min(HELD.1);
        self.held = self.held.max(self.losses.map(|(smallest, ..)| smallest));
    }

    /// What to do about a broker that takes less than there is, while something is held.
    pub fn held(&self) -> Option<String> {
        let ((limit, _), held) = (self.limit?, self.held?);
        Some(format!(
            "the broker takes no packet above {limit} bytes, and a picture has {held}: raise \
             max_packet_size there (Mosquitto; EMQX: mqtt.max_packet_size, RabbitMQ: \
             max_message_size, NATS: max_payload)"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lose(largest: &mut Largest, bytes: usize, now: Instant) {
        largest.sent(bytes, now);
        largest.sent(10, now);
        assert!(largest.lost(now + Duration::from_millis(100)));
    }

    #[test]
    fn what_ends_the_connection_again_and_again_is_held_and_tried_again() {
        let (mut largest, mut now) = (Largest::default(), Instant::now());
        for bytes in [900, 700] {
            lose(&mut largest, bytes, now);
            assert!(largest.fits(900, now), "a network may do that too");
            now += Duration::from_secs(1);
        }
        lose(&mut largest, 800, now);
        assert!(!largest.fits(800, now));
        assert!(!largest.fits(700, now));
        assert!(largest.fits(699, now));
        assert!(largest.held().unwrap().contains("above 699 bytes, and a picture has 800:"));
        now += HELD.0 + Duration::from_secs(1);
        assert!(largest.fits(800, now));
        assert_eq!(largest.held(), None);
        lose(&mut largest, 800, now);
        assert!(!largest.fits(800, now), "the first time is enough now");
        assert!(!largest.fits(800, now + HELD.0 + Duration::from_secs(1)), "and for longer");
    }

    #[test]
    fn a_limit_that_the_broker_tells_holds_at_once() {
        let (mut largest, now) = (Largest::default(), Instant::now());
        lose(&mut largest, 900, now);
        largest.told(1000, now);
        assert!(largest.fits(5000, now), "it was not that");
        largest.told(500, now);
        assert!(!largest.fits(501, now));
        assert!(largest.fits(500, now));
    }

    #[test]
    fn a_message_that_was_taken_is_not_suspected() {
        let (mut largest, mut now) = (Largest::default(), Instant::now());
        for _ in 0..9 {
            largest.sent(900, now);
            largest.taken(900);
            assert!(!largest.lost(now));
            largest.sent(900, now);
            assert!(!largest.lost(now + SOON));
            now += Duration::from_secs(20);
        }
        assert!(largest.fits(900, now));
    }
}
