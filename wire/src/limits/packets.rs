//! Which pictures the broker accepts, as far as one connection can find out.
//!
//! With MQTT 3.1.1, a broker that rejects a message for its size or topic just ends the connection.
//! So each loss makes the messages of the last seconds suspects: the largest for its size, the last
//! for its topic. A broker that speaks MQTT 5 may report its largest packet (3.2.2.3.6, Maximum
//! Packet Size). Otherwise the size gets the blame after several losses in a row, or the topic if
//! the broker has accepted as large a message. Blamed messages are held for a while and then tried
//! again, because the broker may have changed.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// A message may have caused a loss of the connection within this time.
const SOON: Duration = Duration::from_secs(5);
/// Losses within this time of each other count as in a row.
const ROW: Duration = Duration::from_secs(30);
/// A size or topic gets the blame after this many losses in a row.
const LOSSES: u32 = 3;
/// How long blamed messages are held: at first, and at most. The first time is short, because a
/// network that often fails causes losses too.
const HELD: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(3600));
/// How long the acceptance of a message proves its size.
const PROVEN: Duration = Duration::from_secs(600);

/// The limits known so far.
#[derive(Debug)]
pub struct PacketLimits {
    /// The largest message of the last seconds, and when it was handed over.
    sent: Option<(usize, Instant)>,
    /// The topic of the last one.
    last: Option<String>,
    /// The largest message that the broker has accepted, and when.
    proven: Option<(usize, Instant)>,
    /// The smallest message whose sending lost the connection, how often in a row, and when.
    losses: Option<(usize, u32, Instant)>,
    /// The limit, and until when it holds.
    limit: Option<(usize, Instant)>,
    /// The other possible cause, a topic, where the broker reported no limit.
    instead: Option<String>,
    hold: Duration,
    /// The largest message that is held.
    held: Option<usize>,
    topics: BTreeMap<String, Blamed>,
}

/// A topic whose messages lost the connection.
#[derive(Debug)]
struct Blamed {
    count: u32,
    at: Instant,
    hold: Duration,
    until: Option<Instant>,
}

impl Default for PacketLimits {
    fn default() -> Self {
        PacketLimits {
            sent: None,
            last: None,
            proven: None,
            losses: None,
            limit: None,
            instead: None,
            hold: HELD.0,
            held: None,
            topics: BTreeMap::new(),
        }
    }
}

impl PacketLimits {
    /// The broker is new or has restarted, and may accept less than before.
    pub fn found(&mut self) {
        (self.proven, self.sent, self.last) = (None, None, None);
    }

    /// Whether a message of this many bytes may go to a topic now; if not, it counts as held.
    pub fn fits(&mut self, topic: &str, bytes: usize, now: Instant) -> bool {
        if self.limit.is_some_and(|(_, until)| until <= now) {
            (self.limit, self.held) = (None, None);
        }
        if let Some(blamed) = self.topics.get_mut(topic) {
            blamed.until = blamed.until.filter(|&until| until > now);
            if blamed.until.is_some() {
                return false;
            }
        }
        let fits = self.limit.is_none_or(|(limit, _)| bytes <= limit);
        if !fits {
            self.held = self.held.max(Some(bytes));
        }
        fits
    }

    /// A message of this many bytes went to the connection.
    pub fn sent(&mut self, topic: &str, bytes: usize, now: Instant) {
        let recent = self.sent.filter(|&(_, at)| now.saturating_duration_since(at) < SOON);
        if let (None, Some((survived, _))) = (recent, self.sent) {
            self.prove(survived, now);
        }
        if recent.is_none_or(|(largest, _)| bytes >= largest) {
            self.sent = Some((bytes, now));
        }
        self.last = Some(topic.to_owned());
    }

    /// The broker accepted a message of this many bytes.
    pub fn taken(&mut self, bytes: usize, now: Instant) {
        if self.losses.is_some_and(|(smallest, ..)| bytes >= smallest) {
            (self.losses, self.hold) = (None, HELD.0);
        }
        self.sent = self.sent.filter(|&(largest, _)| bytes < largest);
        self.prove(bytes, now);
    }

    fn prove(&mut self, bytes: usize, now: Instant) {
        let before = self.proven(now).unwrap_or_default();
        self.proven = Some((bytes.max(before), now));
    }

    fn proven(&self, now: Instant) -> Option<usize> {
        let (bytes, at) = self.proven?;
        (now.saturating_duration_since(at) < PROVEN).then_some(bytes)
    }

    /// Whether a message may be the cause if the connection is lost now.
    pub fn is_suspected(&self, now: Instant) -> bool {
        self.sent.is_some_and(|(_, at)| now.saturating_duration_since(at) < SOON)
    }

    /// The connection was lost. `told` is the largest packet that the broker says it accepts.
    pub fn lost(&mut self, told: Option<usize>, now: Instant) {
        let is_suspected = self.is_suspected(now);
        let (sent, last) = (self.sent.take(), self.last.take());
        let Some((suspect, _)) = sent.filter(|_| is_suspected) else { return };
        if let Some(told) = told.filter(|&told| suspect > told) {
            self.losses = Some((suspect, LOSSES, now));
            self.hold(told, now);
            self.instead = None;
        } else if told.is_some() || self.proven(now).is_some_and(|proven| suspect <= proven) {
            if let Some(topic) = last {
                self.blame(topic, now);
            }
        } else {
            let row = ROW.max(self.hold * 2);
            let row = self.losses.filter(|&(.., at)| now.saturating_duration_since(at) < row);
            let (smallest, count) =
                row.map_or((suspect, 0), |(smallest, count, _)| (smallest.min(suspect), count));
            self.losses = Some((smallest, count + 1, now));
            if count + 1 >= LOSSES {
                self.hold(smallest.saturating_sub(1), now);
                self.instead = last;
            }
        }
    }

    fn hold(&mut self, limit: usize, now: Instant) {
        self.limit = Some((limit, now + self.hold));
        self.hold = (self.hold * 2).min(HELD.1);
        self.held = self.held.max(self.losses.map(|(smallest, ..)| smallest));
    }

    fn blame(&mut self, topic: String, now: Instant) {
        self.topics.retain(|_, Blamed { at, hold, .. }| {
            now.saturating_duration_since(*at) < ROW.max(*hold * 2)
        });
        let new = Blamed { count: 0, at: now, hold: HELD.0, until: None };
        let blamed = self.topics.entry(topic).or_insert(new);
        (blamed.count, blamed.at) = (blamed.count.saturating_add(1), now);
        if blamed.count >= LOSSES {
            blamed.until = Some(now + blamed.hold);
            blamed.hold = (blamed.hold * 2).min(HELD.1);
        }
    }

    /// What to do about a broker that does not accept everything, while something is held.
    pub fn held(&self) -> Option<String> {
        let forbidden = self.topics.iter().filter(|(_, blamed)| blamed.until.is_some());
        let forbidden: Vec<&str> = forbidden.map(|(topic, _)| topic.as_str()).collect();
        if let [topic, others @ ..] = &forbidden[..] {
            let others = match others.len() {
                0 => String::new(),
                more => format!(" and {more} other topics"),
            };
            return Some(format!(
                "the broker ends the connection when it is sent a picture on {topic}{others}: \
                 allow its user to publish there"
            ));
        }
        let ((limit, _), held) = (self.limit?, self.held?);
        let instead = match &self.instead {
            Some(topic) => format!("; or allow its user to publish {topic}, if that is why"),
            None => String::new(),
        };
        Some(format!(
            "the broker takes no packet above {limit} bytes, and a picture has {held}: raise \
             max_packet_size there (Mosquitto; EMQX: mqtt.max_packet_size, RabbitMQ: \
             max_message_size, NATS: max_payload){instead}"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIVE: &str = "live";

    fn lose(takes: &mut PacketLimits, bytes: usize, told: Option<usize>, now: Instant) {
        takes.sent(LIVE, bytes, now);
        takes.sent(LIVE, 10, now);
        assert!(takes.is_suspected(now + Duration::from_millis(100)));
        takes.lost(told, now + Duration::from_millis(100));
    }

    #[test]
    fn what_ends_the_connection_again_and_again_is_held_and_tried_again() {
        let (mut takes, mut now) = (PacketLimits::default(), Instant::now());
        for bytes in [900, 700] {
            lose(&mut takes, bytes, None, now);
            assert!(takes.fits(LIVE, 900, now), "a network may do that too");
            now += Duration::from_secs(1);
        }
        lose(&mut takes, 800, None, now);
        assert!(!takes.fits(LIVE, 800, now));
        assert!(!takes.fits("photo", 700, now));
        assert!(takes.fits(LIVE, 699, now));
        let words = takes.held().unwrap();
        assert!(words.contains("above 699 bytes, and a picture has 800:"), "{words}");
        assert!(words.ends_with("or allow its user to publish live, if that is why"), "{words}");
        now += HELD.0 + Duration::from_secs(1);
        assert!(takes.fits(LIVE, 800, now));
        assert_eq!(takes.held(), None);
        lose(&mut takes, 800, None, now);
        assert!(!takes.fits(LIVE, 800, now), "the first time is enough now");
        assert!(!takes.fits(LIVE, 800, now + HELD.0 + Duration::from_secs(1)), "and for longer");
    }

    #[test]
    fn a_limit_that_the_broker_tells_holds_at_once() {
        let (mut takes, now) = (PacketLimits::default(), Instant::now());
        lose(&mut takes, 900, Some(1000), now);
        assert!(takes.fits(LIVE, 5000, now), "it was not that");
        lose(&mut takes, 900, Some(500), now);
        assert!(!takes.fits(LIVE, 501, now));
        assert!(takes.fits(LIVE, 500, now));
        assert!(takes.held().unwrap().ends_with("NATS: max_payload)"));
    }

    #[test]
    fn a_topic_is_blamed_where_the_size_cannot_be() {
        for told in [Some(1000), None] {
            let (mut takes, mut now) = (PacketLimits::default(), Instant::now());
            takes.taken(900, now);
            for _ in 0..3 {
                assert!(takes.fits(LIVE, 800, now));
                lose(&mut takes, 800, told, now);
                now += Duration::from_secs(1);
            }
            assert!(!takes.fits(LIVE, 10, now));
            assert!(takes.fits("preview", 10, now) && takes.fits("photo", 950, now));
            let words = takes.held().unwrap();
            assert!(words.contains("a picture on live: allow its user"), "{words}");
            now += HELD.0;
            assert!(takes.fits(LIVE, 10, now));
            assert_eq!(takes.held(), None);
            lose(&mut takes, 800, told, now);
            assert!(
                !takes.fits(LIVE, 10, now + HELD.0),
                "the first time is enough, and for longer"
            );
        }
    }

    #[test]
    fn a_broker_that_was_started_again_may_take_less() {
        let (mut takes, mut now) = (PacketLimits::default(), Instant::now());
        takes.taken(900, now);
        takes.found();
        for _ in 0..3 {
            lose(&mut takes, 800, None, now);
            now += Duration::from_secs(1);
        }
        assert!(takes.fits(LIVE, 799, now) && !takes.fits("photo", 800, now));
    }

    #[test]
    fn what_is_known_of_topics_that_come_and_go_is_forgotten() {
        let (mut takes, mut now) = (PacketLimits::default(), Instant::now());
        for n in 0..1000 {
            takes.sent(&format!("live/{n}"), 800, now);
            takes.lost(Some(1000), now);
            now += Duration::from_secs(10);
        }
        assert!(takes.topics.len() < 20, "{}", takes.topics.len());
    }

    #[test]
    fn a_message_that_was_taken_is_not_suspected() {
        let (mut takes, mut now) = (PacketLimits::default(), Instant::now());
        for _ in 0..9 {
            takes.sent(LIVE, 900, now);
            takes.taken(900, now);
            assert!(!takes.is_suspected(now));
            takes.lost(None, now);
            takes.sent(LIVE, 900, now);
            assert!(!takes.is_suspected(now + SOON));
            takes.lost(None, now + SOON);
            now += Duration::from_secs(20);
        }
        assert!(takes.fits(LIVE, 900, now));
    }
}
