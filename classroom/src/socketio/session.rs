//! One client: what waits for it, which namespaces it is in, and whether it is alive. Without a
//! socket: polls and WebSockets take from it.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use gallery::patience::{Patience, Receives};
use gallery::{Share, Who};
use tokio::sync::Notify;
use tokio::time::Instant;
use traffic::{Client, Mistake, Passing, Queue, Queued, Waiting};

use super::receiver::Receiver;

/// How often a client is asked whether it is there, and how long it may take to answer.
pub(crate) const PING_EVERY: Duration = Duration::from_secs(25);
pub(crate) const PONG_WITHIN: Duration = Duration::from_secs(20);

/// What asks it.
pub(crate) const PING: &str = "2";

/// A client that enters no namespace within this time is closed.
const ENTER_WITHIN: Duration = Duration::from_secs(15);

/// The most bytes that wait for a client, and what an event counts besides its content.
const QUEUE: usize = 16 * 1024 * 1024;
const EACH: usize = 128;

/// A client keeps up while no more than this waits for it.
const KEEPS_UP: usize = 64 * 1024;

/// The most namespaces of a client.
const NAMESPACES: usize = 8;

/// Something for a client, shared by all who have not taken it yet.
#[derive(Debug)]
pub(crate) struct Event {
    /// An Engine.IO packet as a text.
    pub text: Bytes,
    pub attachments: Vec<Bytes>,
    pub passing: Passing,
    /// Its share of the memory for messages.
    _memory: Vec<Share>,
}

impl Event {
    pub fn new(text: String, attachments: Vec<Bytes>, memory: Vec<Share>) -> Arc<Event> {
        Event::watched(text, attachments, memory, Passing::default())
    }

    /// The same, as it is watched.
    pub fn watched(
        text: String,
        attachments: Vec<Bytes>,
        memory: Vec<Share>,
        passing: Passing,
    ) -> Arc<Event> {
        Arc::new(Event { text: text.into(), attachments, passing, _memory: memory })
    }

    /// A packet of the server's own.
    pub fn own(text: impl Into<String>) -> Arc<Event> {
        Event::new(text.into(), Vec::new(), Vec::new())
    }

    fn cost(&self) -> usize {
        EACH + self.size()
    }

    /// The bytes of its content.
    pub fn size(&self) -> usize {
        self.text.len() + self.attachments.iter().map(Bytes::len).sum::<usize>()
    }
}

/// How a client takes what waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    /// By polls, of which the one with this number is the newest.
    Polling(u64),
    /// By polls still, but a WebSocket is tried: polls end at once.
    Upgrading,
    WebSocket,
}

/// A client, see the module.
#[derive(Debug)]
pub(crate) struct Session {
    pub sid: String,
    pub peer: IpAddr,
    /// As it is watched.
    pub here: Client,
    state: Mutex<State>,
    /// Told when there is something to take.
    came: Notify,
    /// Told when something was taken.
    taken: Notify,
    /// What it sends goes here, one after the other.
    pub receiver: tokio::sync::Mutex<Receiver>,
    _place: quota::Share<Who>,
}

#[derive(Debug)]
struct State {
    queue: VecDeque<Arc<Event>>,
    bytes: usize,
    transport: Transport,
    namespaces: Vec<String>,
    is_closed: bool,
    patience: Patience,
    /// How many of its messages are held up: then what it answers is not read.
    held: usize,
    /// When it is to be asked next, and whether it is now.
    ask_at: Instant,
    asks: bool,
    /// When it must have answered, or entered a namespace.
    answer_by: Option<Instant>,
    enter_by: Instant,
}

/// What a client takes next.
#[derive(Debug)]
pub(crate) enum Next {
    Event(Arc<Event>),
    /// Another poll or a WebSocket takes it.
    Elsewhere,
    Closed,
}

impl Session {
    pub fn new(
        sid: String,
        peer: IpAddr,
        transport: Transport,
        place: quota::Share<Who>,
        here: Client,
    ) -> Session {
        let now = Instant::now();
        let state = State {
            queue: VecDeque::new(),
            bytes: 0,
            transport,
            namespaces: Vec::new(),
            is_closed: false,
            patience: Patience::default(),
            held: 0,
            ask_at: now + PING_EVERY,
            asks: false,
            answer_by: None,
            enter_by: now + ENTER_WITHIN,
        };
        let (came, taken) = (Notify::new(), Notify::new());
        let (state, receiver) = (Mutex::new(state), tokio::sync::Mutex::default());
        Session { sid, peer, here, state, came, taken, receiver, _place: place }
    }

    /// Queues something. A client for which too much waits is closed.
    pub fn put(&self, event: Arc<Event>) {
        let mut state = self.lock();
        let is_full = !state.is_closed && !state.fits(&event);
        if is_full {
            state.close();
        }
        state.queue(event);
        drop(state);
        if is_full {
            self.here.mistake(Mistake::TakesNothing);
        }
        self.wake();
    }

    /// The next for this way of taking. Safe to cancel.
    pub async fn next(&self, transport: Transport) -> Next {
        loop {
            // It notices what comes from here on, even before its first poll.
            let came = self.came.notified();
            if let Some(next) = self.take(transport) {
                return next;
            }
            came.await;
        }
    }

    /// What there is to take now, if anything.
    pub fn take(&self, transport: Transport) -> Option<Next> {
        let mut state = self.lock();
        if state.is_closed {
            return Some(Next::Closed);
        }
        if state.transport != transport {
            return Some(Next::Elsewhere);
        }
        // A ping goes before all that waits, or what piled up would end its client.
        if std::mem::take(&mut state.asks) {
            return Some(Next::Event(Event::own(PING)));
        }
        let event = state.queue.pop_front();
        match &event {
            Some(event) => {
                state.bytes -= event.cost();
                state.patience.moved();
            }
            None => state.patience.begins(),
        }
        drop(state);
        self.taken.notify_waiters();
        event.map(Next::Event)
    }

    /// Waits until it is to be asked with [`PING`] at once. Safe to cancel.
    pub async fn is_asked(&self) {
        loop {
            let came = self.came.notified();
            if std::mem::take(&mut self.lock().asks) {
                return;
            }
            came.await;
        }
    }

    /// A new poll, unless a WebSocket takes all. An older poll ends.
    pub fn poll(&self) -> Option<Transport> {
        let mut state = self.lock();
        let next = match state.transport {
            Transport::Polling(number) => Transport::Polling(number + 1),
            Transport::Upgrading => return Some(Transport::Polling(0)),
            Transport::WebSocket => return None,
        };
        state.transport = next;
        drop(state);
        self.came.notify_waiters();
        Some(next)
    }

    /// A WebSocket is tried, used, or was given up.
    pub fn move_to(&self, transport: Transport) {
        self.lock().transport = transport;
        self.came.notify_waiters();
    }

    pub fn transport(&self) -> Transport {
        self.lock().transport
    }

    /// Its messages are held up until this is dropped. It may be silent meanwhile.
    pub fn hold(&self) -> Held<'_> {
        self.lock().held += 1;
        Held(self)
    }

    /// The client is there.
    pub fn answered(&self) {
        self.lock().answer_by = None;
    }

    /// Time passed: the client is asked, or closed because it did not answer. Returns whether it is
    /// closed.
    pub fn tick(&self, now: Instant) -> bool {
        let is_slowed = self.here.is_slowed();
        let mut state = self.lock();
        if state.held > 0 || is_slowed {
            state.answer_by = state.answer_by.map(|_| now + PONG_WITHIN);
        }
        let late = state.answer_by.is_some_and(|by| now >= by);
        let outside = state.namespaces.is_empty() && now >= state.enter_by;
        if late || outside {
            state.close();
        }
        let is_due = !state.is_closed && now >= state.ask_at;
        if is_due {
            state.ask_at = now + PING_EVERY;
            state.answer_by = Some(now + PONG_WITHIN);
            state.asks = true;
        }
        let is_closed = state.is_closed;
        drop(state);
        if is_due || is_closed {
            self.wake();
        }
        is_closed
    }

    /// Enters a namespace, unless it is in too many.
    pub fn enter(&self, namespace: &str) -> bool {
        let mut state = self.lock();
        if state.namespaces.iter().any(|one| one == namespace) {
            return true;
        }
        let enters = state.namespaces.len() < NAMESPACES;
        if enters {
            state.namespaces.push(namespace.to_owned());
        }
        enters
    }

    /// Leaves a namespace; who was in no other may enter one for some time.
    pub fn leave(&self, namespace: &str) {
        let mut state = self.lock();
        state.namespaces.retain(|one| one != namespace);
        state.enter_by = Instant::now() + ENTER_WITHIN;
    }

    pub fn is_in(&self, namespace: &str) -> bool {
        self.lock().namespaces.iter().any(|one| one == namespace)
    }

    /// Ends it; what waits is dropped.
    pub fn close(&self) {
        self.lock().close();
        self.wake();
    }

    pub fn is_closed(&self) -> bool {
        self.lock().is_closed
    }

    /// Waits until it is closed.
    pub async fn closes(&self) {
        loop {
            let came = self.came.notified();
            if self.is_closed() {
                return;
            }
            came.await;
        }
    }

    fn wake(&self) {
        self.came.notify_waiters();
        self.taken.notify_waiters();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Receives<Arc<Event>> for Session {
    /// Nobody waits for one whose network the teacher made slow, nor for what piled up meanwhile.
    fn offer(&self, event: &Arc<Event>) -> bool {
        let is_slowed = self.here.is_slowed();
        let has_room = {
            let mut state = self.lock();
            if is_slowed {
                state.patience.ends();
            }
            state.has_room()
        };
        if has_room {
            self.put(event.clone());
        }
        has_room
    }

    fn put_last(&self, event: &Arc<Event>) {
        let mut state = self.lock();
        if state.fits(event) {
            state.queue(event.clone());
        }
        drop(state);
        self.wake();
    }

    fn taken(&self) -> &Notify {
        &self.taken
    }

    fn patience<T>(&self, act: impl FnOnce(&mut Patience) -> T) -> T {
        act(&mut self.lock().patience)
    }
}

impl Queue for Session {
    /// Everything is kept: an event has no newer one.
    fn queued(&self) -> Queued {
        let mut all = Waiting::default();
        for event in &self.lock().queue {
            all.add(event.size(), event.passing.since());
        }
        Queued { all, newest: all }
    }
}

/// Messages of a client are held up, see [`Session::hold`].
#[derive(Debug)]
pub(crate) struct Held<'a>(&'a Session);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.lock().held -= 1;
    }
}

impl State {
    fn has_room(&self) -> bool {
        self.patience.is_over() || self.is_closed || self.bytes <= KEEPS_UP
    }

    fn fits(&self, event: &Event) -> bool {
        self.bytes + event.cost() <= QUEUE
    }

    fn queue(&mut self, event: Arc<Event>) {
        if self.is_closed {
            return;
        }
        if self.queue.is_empty() {
            self.patience.moved();
        }
        self.bytes += event.cost();
        self.queue.push_back(event);
    }

    fn close(&mut self) {
        self.is_closed = true;
        (self.queue, self.bytes) = (VecDeque::new(), 0);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use quota::Shares;
    use tokio::task::JoinSet;
    use tokio::time::sleep;
    use traffic::{Switches, Traffic, Way};

    use super::*;
    use gallery::patience::{PATIENCE, put_in_time};

    const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn session(transport: Transport) -> Session {
        seen_as(transport, Client::default())
    }

    fn watched(traffic: &Traffic) -> Session {
        seen_as(Transport::WebSocket, traffic.enter(Way::SocketIo, PEER))
    }

    fn seen_as(transport: Transport, here: Client) -> Session {
        let place = Shares::new("places", 1).take(Who::at(PEER)).unwrap();
        Session::new("sid".to_owned(), PEER, transport, place, here)
    }

    fn text(next: Option<Next>) -> String {
        match next {
            Some(Next::Event(event)) => String::from_utf8(event.text.to_vec()).unwrap(),
            other => format!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn a_newer_poll_ends_the_older_and_a_websocket_ends_both() {
        let session = session(Transport::Polling(0));
        let older = session.poll().unwrap();
        let waits = session.next(older);
        let newer = session.poll().unwrap();
        assert!(matches!(waits.await, Next::Elsewhere));
        session.put(Event::own("4a"));
        assert_eq!(text(session.take(newer)), "4a");
        let waits = session.next(newer);
        session.move_to(Transport::Upgrading);
        assert!(matches!(waits.await, Next::Elsewhere));
        let meanwhile = session.poll().unwrap();
        assert!(matches!(session.next(meanwhile).await, Next::Elsewhere));
        session.move_to(Transport::WebSocket);
        assert_eq!(session.poll(), None);
        session.put(Event::own("4b"));
        assert_eq!(text(session.take(Transport::WebSocket)), "4b");
    }

    #[tokio::test(start_paused = true)]
    async fn who_takes_nothing_is_waited_for_once_and_ended_when_too_much_waits() {
        let slow = session(Transport::WebSocket);
        let event = Event::own("x".repeat(1 << 20));
        for waits in [false, true, false, false] {
            let before = Instant::now();
            put_in_time(&slow, &event).await;
            assert_eq!(before.elapsed() >= PATIENCE, waits);
        }
        for _ in 0..12 {
            slow.put(event.clone());
        }
        assert!(slow.is_closed());
        assert!(matches!(slow.take(Transport::WebSocket), Some(Next::Closed)));
        // The memory is free again.
        assert_eq!(Arc::strong_count(&event), 1);
    }

    #[test]
    fn nobody_waits_for_what_piled_up_while_a_network_was_slow() {
        let traffic = Traffic::watched();
        let session = watched(&traffic);
        let chosen = BTreeSet::from(["127.0.0.1".to_owned()]);
        traffic.switch(Switches { slow: true, chosen, ..Switches::default() });
        let event = Event::own("x".repeat(1 << 20));
        assert!((0..3).all(|_| session.offer(&event)));
        traffic.switch(Switches::default());
        assert!(session.offer(&event));
        while session.take(Transport::WebSocket).is_some() {}
        assert!(session.offer(&event) && !session.offer(&event), "it keeps up again");
    }

    #[tokio::test(start_paused = true)]
    async fn who_takes_steadily_is_waited_for_however_many_send() {
        let session = Arc::new(session(Transport::WebSocket));
        let event = Event::own("x".repeat(1 << 20));
        let mut senders = JoinSet::new();
        for _ in 0..30 {
            let (session, event) = (session.clone(), event.clone());
            senders.spawn(async move { put_in_time(&*session, &event).await });
        }
        for _ in 0..30 {
            sleep(PATIENCE * 3 / 4).await;
            assert!(!session.lock().patience.is_over() && session.lock().bytes < 2 << 20);
            assert!(matches!(session.next(Transport::WebSocket).await, Next::Event(_)));
        }
        while senders.join_next().await.is_some() {}
        assert!(!session.is_closed());
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_not_answer_or_enters_nothing_is_ended() {
        let (idle, dead, alive) = (
            session(Transport::WebSocket),
            session(Transport::WebSocket),
            session(Transport::WebSocket),
        );
        assert!(dead.enter("/") && alive.enter("/"));
        let start = Instant::now();
        for second in 0..200 {
            let now = start + Duration::from_secs(second);
            let (idle, dead) = (idle.tick(now), dead.tick(now));
            assert!(!alive.tick(now), "{second}");
            if let Some(Next::Event(event)) = alive.take(Transport::WebSocket) {
                assert_eq!(event.text, "2");
                alive.answered();
            }
            assert_eq!((idle, dead), (second >= 15, second >= 45), "{second}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_held_up_need_not_answer() {
        let held = session(Transport::WebSocket);
        assert!(held.enter("/"));
        let start = Instant::now();
        let hold = held.hold();
        for second in 0..300 {
            assert!(!held.tick(start + Duration::from_secs(second)), "{second}");
        }
        drop(hold);
        assert!(!held.tick(start + Duration::from_secs(310)));
        assert!(held.tick(start + Duration::from_secs(335)), "it was asked again");
    }

    #[tokio::test(start_paused = true)]
    async fn who_was_made_slow_is_asked_before_what_piled_up_and_need_not_answer_soon() {
        let traffic = Traffic::watched();
        let slow = watched(&traffic);
        assert!(slow.enter("/"));
        let chosen = BTreeSet::from(["127.0.0.1".to_owned()]);
        traffic.switch(Switches { slow: true, chosen, ..Switches::default() });
        assert!(slow.offer(&Event::own("4a")));
        let start = Instant::now();
        for second in 0..300 {
            assert!(!slow.tick(start + Duration::from_secs(second)), "{second}");
        }
        assert_eq!(text(slow.take(Transport::WebSocket)), PING);
        assert_eq!(text(slow.take(Transport::WebSocket)), "4a");
        traffic.switch(Switches::default());
        assert!(slow.tick(start + Duration::from_secs(335)), "it is fast, and was asked");
    }

    #[test]
    fn namespaces_have_a_bound() {
        let session = session(Transport::WebSocket);
        let entered = (0..20).filter(|n| session.enter(&format!("/{n}"))).count();
        assert_eq!(entered, NAMESPACES);
        assert!(session.enter("/0"));
        session.leave("/0");
        assert!(!session.is_in("/0") && session.enter("/20"));
    }
}
