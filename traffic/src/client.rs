//! Somebody who is connected.

use std::fmt::Debug;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::line::Line;
use crate::{Inner, Kind, Mistake, Passing, Switches, Way};

/// The longest name that is shown, in characters.
const NAME: usize = 40;

/// Somebody sends too fast who sends this often in [`WINDOW`], or so much that the others hold it up
/// for most of it. Who sends little may be held up because others send much.
const WINDOW: Duration = Duration::from_secs(5);
const OFTEN: u32 = 1000;
const MUCH: usize = 1_000_000;
const HELD_UP: Duration = Duration::from_secs(3);

/// What waits for somebody.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Waiting {
    /// How many messages.
    pub messages: usize,
    /// Their bytes.
    pub bytes: usize,
    /// When the oldest came.
    pub oldest: Option<Instant>,
}

impl Waiting {
    /// Adds one.
    pub fn add(&mut self, bytes: usize, came: Instant) {
        self.messages += 1;
        self.bytes += bytes;
        self.oldest = Some(self.oldest.map_or(came, |oldest| oldest.min(came)));
    }
}

/// What waits for somebody, and what would if only the newest pictures were kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Queued {
    /// What waits.
    pub all: Waiting,
    /// What would wait.
    pub newest: Waiting,
}

/// A queue that can be looked at.
pub trait Queue: Debug + Send + Sync {
    /// What is in it now.
    fn queued(&self) -> Queued;
}

/// Somebody who is connected, until the last handle is dropped. A handle of nobody does nothing.
#[derive(Debug, Clone, Default)]
pub struct Client(Option<Arc<Connected>>);

#[derive(Debug)]
pub(crate) struct Connected {
    inner: Arc<Inner>,
    id: u64,
    pub way: Way,
    address: IpAddr,
    pub label: Arc<str>,
    own: Mutex<Own>,
}

/// What changes of somebody.
#[derive(Debug)]
struct Own {
    name: Option<Arc<str>>,
    queue: Option<Weak<dyn Queue>>,
    up: Line,
    down: Line,
    /// Since when messages are counted, how many came, their bytes, and how long they were held up.
    since: Instant,
    messages: u32,
    bytes: usize,
    held_up: Duration,
}

impl Connected {
    pub fn new(
        inner: Arc<Inner>,
        id: u64,
        way: Way,
        address: IpAddr,
        label: Arc<str>,
    ) -> Connected {
        let own = Own {
            name: None,
            queue: None,
            up: Line::default(),
            down: Line::default(),
            since: Instant::now(),
            messages: 0,
            bytes: 0,
            held_up: Duration::ZERO,
        };
        Connected { inner, id, way, address, label, own: Mutex::new(own) }
    }

    /// What others call it.
    pub fn name(&self) -> Arc<str> {
        self.own().name.clone().unwrap_or_else(|| self.label.clone())
    }

    pub fn queue(&self) -> Option<Arc<dyn Queue>> {
        self.own().queue.as_ref()?.upgrade()
    }

    fn own(&self) -> MutexGuard<'_, Own> {
        self.own.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits as long as its slow network takes to carry so many bytes over this `line`, which they
    /// reach at a time that follows from the network's delay; or until the network is not as slow any
    /// more: then the line lets go of what is under way.
    async fn carried(
        &self,
        line: fn(&mut Own) -> &mut Line,
        came: impl Fn(Duration) -> Instant,
        bytes: usize,
    ) {
        let Some(was @ (rate, delay)) = self.slowness() else {
            return line(&mut self.own()).clear();
        };
        let came = came(Duration::from_millis(delay.into()));
        let through = line(&mut self.own()).carry(came, bytes, rate);
        let mut switches = self.inner.switches.subscribe();
        let is_other = |switches: &Switches| switches.slowness(&self.label) != Some(was);
        tokio::select! {
            () = sleep_until(through) => {}
            // The sender lives as long as this.
            _ = switches.wait_for(is_other) => line(&mut self.own()).clear(),
        }
    }

    fn slowness(&self) -> Option<(u32, u32)> {
        self.inner.switches.borrow().slowness(&self.label)
    }

    fn mistake(&self, mistake: Mistake) {
        let who = self.name();
        let mut state = self.inner.state();
        state.mistakes.add(self.way, self.address, &who, mistake, clock::unix_ms());
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        self.inner.state().leaves(self.id, &self.label);
    }
}

impl Client {
    pub(crate) fn of(connected: Arc<Connected>) -> Client {
        Client(Some(connected))
    }

    /// It has a name of its own, of which as much is shown as can be seen.
    pub fn is_called(&self, name: &str) {
        let Some(client) = &self.0 else { return };
        let name: String = name.chars().take(NAME).collect();
        let name = wire::people::text(&name).unwrap_or_default().replace('\n', " ");
        if !name.is_empty() {
            client.own().name = Some(name.into());
        }
    }

    /// What waits for it is here.
    pub fn waits_in(&self, queue: Weak<dyn Queue>) {
        if let Some(client) = &self.0 {
            client.own().queue = Some(queue);
        }
    }

    /// It sent a message. On a slow network that is still under way, see [`Client::opens`].
    pub fn passing(&self, kind: impl FnOnce() -> Kind, bytes: usize) -> Passing {
        let Some(client) = &self.0 else { return Passing::default() };
        let (kind, name) = (kind(), client.name());
        client.inner.state().pass(client.way, (&client.label, &name), kind, bytes)
    }

    /// Waits until its message may pass: while there is a pause, and as long as a slow network takes.
    pub async fn opens(&self, passing: &Passing, bytes: usize) {
        let Some(client) = &self.0 else { return };
        client.carried(|own| &mut own.up, |_| passing.since(), bytes).await;
        client.inner.opens().await;
    }

    /// Its message of so many bytes passed, and others held it up for so long.
    pub fn passed(&self, bytes: usize, held_up: Duration) {
        let Some(client) = &self.0 else { return };
        let is_too_fast = {
            let mut own = client.own();
            own.messages += 1;
            own.bytes = own.bytes.saturating_add(bytes);
            own.held_up += held_up;
            let is_held_up = own.bytes >= MUCH && own.held_up >= HELD_UP;
            let is_too_fast = own.messages >= OFTEN || is_held_up;
            if is_too_fast || own.since.elapsed() >= WINDOW {
                (own.since, own.messages) = (Instant::now(), 0);
                (own.bytes, own.held_up) = (0, Duration::ZERO);
            }
            is_too_fast
        };
        if is_too_fast {
            client.mistake(Mistake::TooFast);
        }
    }

    /// Waits as long as a slow network takes to bring it a message.
    pub async fn reaches(&self, passing: &Passing, bytes: usize) {
        if self.0.is_some() {
            self.reaches_since(passing.since(), bytes).await;
        }
    }

    /// The same for one that came then.
    pub async fn reaches_since(&self, came: Instant, bytes: usize) {
        let Some(client) = &self.0 else { return };
        client.carried(|own| &mut own.down, |delay| came + delay, bytes).await;
    }

    /// Whether everything is kept for it, also pictures for which there are newer ones.
    pub fn keeps_all(&self) -> bool {
        let Some(client) = &self.0 else { return false };
        client.inner.switches.borrow().keeps_for(&client.label)
    }

    /// Whether somebody made its network slow, or wants to see what waits for it: then nobody waits
    /// for it.
    pub fn is_slowed(&self) -> bool {
        let Some(client) = &self.0 else { return false };
        client.inner.switches.borrow().slow_for(&client.label)
    }

    /// It made a mistake.
    pub fn mistake(&self, mistake: Mistake) {
        if let Some(client) = &self.0 {
            client.mistake(mistake);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::Traffic;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn slow(labels: &[&str]) -> Switches {
        let chosen = labels.iter().map(|&label| label.to_owned()).collect();
        Switches { slow: true, rate: 10_000, delay: 300, chosen, ..Switches::default() }
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_holds_all_and_a_slow_network_only_the_chosen() {
        let traffic = Traffic::watched();
        let (ana, beto) = (traffic.enter(Way::WebSocket, HERE), traffic.enter(Way::Tcp, HERE));
        let sends = async |client: &Client| {
            let passing = client.passing(|| Kind::Text, 5000);
            client.opens(&passing, 5000).await;
            passing.since().elapsed()
        };
        traffic.switch(slow(&["127.0.0.1"]));
        assert_eq!(sends(&beto).await, Duration::ZERO);
        assert_eq!(sends(&ana).await, Duration::from_millis(500));
        let passing = beto.passing(|| Kind::Text, 5000);
        ana.reaches(&passing, 5000).await;
        assert_eq!(passing.since().elapsed(), Duration::from_millis(800));
        beto.reaches(&passing, 5000).await;
        assert_eq!(passing.since().elapsed(), Duration::from_millis(800));
        // Letting go frees what is under way.
        let later = async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            traffic.switch(Switches { paused: true, ..Switches::default() });
            tokio::time::sleep(Duration::from_millis(100)).await;
            traffic.switch(Switches::default());
        };
        let (waited, ()) = tokio::join!(sends(&ana), later);
        assert_eq!(waited, Duration::from_millis(200));
    }

    #[tokio::test(start_paused = true)]
    async fn lines_that_came_together_are_late_once_and_another_rate_lets_go_what_is_under_way() {
        let traffic = Traffic::watched();
        let ana = traffic.enter(Way::Tcp, HERE);
        traffic.switch(slow(&["127.0.0.1"]));
        let came = Instant::now();
        for line in 1..=3 {
            ana.reaches_since(came, 100).await;
            assert_eq!(came.elapsed(), Duration::from_millis(300 + 10 * line));
        }
        let large = ana.passing(|| Kind::Text, 1_000_000);
        let later = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            traffic.switch(Switches { rate: 1_000_000, ..slow(&["127.0.0.1"]) });
        };
        tokio::join!(ana.opens(&large, 1_000_000), ana.reaches(&large, 1_000_000), later);
        assert_eq!(large.since().elapsed(), Duration::from_secs(1));
        let next = ana.passing(|| Kind::Text, 1_000_000);
        ana.opens(&next, 1_000_000).await;
        assert_eq!(next.since().elapsed(), Duration::from_secs(1), "not behind the one before");
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_here_is_counted_and_chosen_by_a_label_that_comes_again() {
        let traffic = Traffic::watched();
        let [first, second] = [(); 2].map(|()| traffic.enter(Way::WebSocket, HERE));
        let third = traffic.enter(Way::Tcp, HERE);
        third.is_called("Ana");
        drop(first.clone());
        let names = || {
            let shown = traffic.shown().unwrap();
            let people = shown.people.into_iter().map(|person| (person.label, person.name));
            people.collect::<BTreeSet<_>>()
        };
        let all = ["127.0.0.1", "127.0.0.1 (2)", "127.0.0.1 (3)"];
        assert_eq!(names().into_iter().map(|(label, _)| label).collect::<Vec<_>>(), all);
        assert!(names().contains(&("127.0.0.1 (3)".to_owned(), "Ana".to_owned())));
        drop(second);
        traffic.switch(Switches { keeps: true, ..slow(&["127.0.0.1 (2)"]) });
        let again = traffic.enter(Way::SocketIo, HERE);
        assert!(again.keeps_all() && !first.keeps_all() && !third.keeps_all());
        let count = |way| {
            traffic.shown().unwrap().ways.iter().find(|shown| shown.way == way).unwrap().count
        };
        assert_eq!(Way::ALL.map(count), [1, 1, 1, 0, 0]);
        drop((first, again, third));
        assert_eq!(Way::ALL.map(count), [0; 5]);
    }

    #[test]
    fn a_page_that_is_here_again_before_it_left_stays_chosen() {
        let traffic = Traffic::watched();
        let old = traffic.enter(Way::WebSocket, HERE);
        traffic.switch(slow(&["127.0.0.1"]));
        let again = traffic.enter(Way::WebSocket, HERE);
        assert!(again.is_slowed() && old.is_slowed());
        assert!(!traffic.enter(Way::SocketIo, HERE).is_slowed());
        assert!(!traffic.enter(Way::WebSocket, [127, 0, 0, 2].into()).is_slowed());
        drop(old);
        assert!(again.is_slowed() && traffic.enter(Way::WebSocket, HERE).is_slowed());
        let all: Vec<_> = (0..100).map(|_| traffic.enter(Way::WebSocket, HERE)).collect();
        let chosen = traffic.shown().unwrap().switches;
        assert!(chosen.clone().check().is_ok() && chosen.chosen.len() < all.len());
    }

    #[tokio::test(start_paused = true)]
    async fn endless_sends_and_endless_reconnects_are_told() {
        let traffic = Traffic::watched();
        let told = || traffic.shown().unwrap().mistakes;
        let calm = traffic.enter(Way::WebSocket, HERE);
        for _ in 0..1000 {
            calm.passed(5000, Duration::from_millis(1));
            tokio::time::sleep(Duration::from_millis(16)).await;
        }
        assert!(told().is_empty());
        for bytes in [10, 500_000] {
            for _ in 0..3 {
                assert!(told().is_empty(), "{bytes}");
                calm.passed(bytes, Duration::from_secs(1));
            }
            tokio::time::sleep(WINDOW).await;
            calm.passed(0, Duration::ZERO);
        }
        assert_eq!((told()[0].mistake, told()[0].count), (Mistake::TooFast, 1));
        for _ in 0..10_000 {
            traffic.enter(Way::SocketIo, HERE);
        }
        assert_eq!(told()[0].mistake, Mistake::Reconnects);
        assert!(told()[0].count > 9_000, "{:?}", told());
        let nobody = Traffic::default();
        let client = nobody.enter(Way::Tcp, HERE);
        client.mistake(Mistake::NotText);
        client.opens(&client.passing(|| Kind::Text, 1), 1).await;
        assert!(nobody.shown().is_none() && !nobody.is_watched());
    }
}
